/* SPDX-License-Identifier: MIT */
/* Changes of the catalog's tables. */
#include "engine/catalog.h"

#include "base/random.h"
#include "engine/db.h"
#include "engine/store.h"

/*
 * Versions are random, not counted: a number that a rolled-back transaction
 * used must not come again with another content.
 */
static entrasql_status touch(sqlite3 *db, entrasql_error *err)
{
    return engine_db_run(db, err, "UPDATE es_meta SET v = ?1 WHERE k = 'version'", "i",
                         (int64_t)es_random_below(INT64_MAX));
}

entrasql_status engine_catalog_add_object(sqlite3 *db, const engine_object *o, entrasql_error *err)
{
    ES_TRY(engine_db_run(db, err,
                         "INSERT INTO es_objects VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                         "iiiisiisii", (int64_t)o->id, (int64_t)o->schema, (int64_t)o->parent,
                         (int64_t)o->type, o->name, o->created, o->modified, o->definition,
                         (int64_t)o->disabled, (int64_t)o->system_named));
    return touch(db, err);
}

entrasql_status engine_catalog_add_column(sqlite3 *db, int32_t object,
                                          const engine_table_column *col, entrasql_error *err)
{
    ES_TRY(engine_db_run(
        db, err,
        "INSERT INTO es_columns VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        "iisiiiiiisiis", (int64_t)object, (int64_t)col->id, col->name,
        engine_type_encode(col->type), (int64_t)col->nullable, (int64_t)col->identity, col->seed,
        col->increment, (int64_t)col->rowguid, col->computed, (int64_t)col->persisted,
        (int64_t)col->default_id, col->collation));
    return touch(db, err);
}

entrasql_status engine_catalog_set_column(sqlite3 *db, int32_t object,
                                          const engine_table_column *col, entrasql_error *err)
{
    ES_TRY(engine_db_run(db, err,
                         "UPDATE es_columns SET name = ?3, type = ?4, nullable = ?5,"
                         " default_id = ?6, collation = ?7 WHERE object = ?1 AND id = ?2",
                         "iisiiis", (int64_t)object, (int64_t)col->id, col->name,
                         engine_type_encode(col->type), (int64_t)col->nullable,
                         (int64_t)col->default_id, col->collation));
    return touch(db, err);
}

entrasql_status engine_catalog_drop_column(sqlite3 *db, int32_t object, int32_t column,
                                           entrasql_error *err)
{
    ES_TRY(engine_db_run(db, err, "DELETE FROM es_columns WHERE object = ?1 AND id = ?2", "ii",
                         (int64_t)object, (int64_t)column));
    ES_TRY(engine_db_run(db, err,
                         "DELETE FROM es_permissions WHERE class = 1 AND major = ?1 AND minor = ?2",
                         "ii", (int64_t)object, (int64_t)column));
    ES_TRY(engine_db_run(db, err,
                         "DELETE FROM es_properties WHERE class = 1 AND major = ?1 AND minor = ?2",
                         "ii", (int64_t)object, (int64_t)column));
    return touch(db, err);
}

entrasql_status engine_catalog_add_index(sqlite3 *db, int32_t object, const engine_index *index,
                                         entrasql_error *err)
{
    ES_TRY(engine_db_run(db, err, "INSERT INTO es_indexes VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                         "iisiiis", (int64_t)object, (int64_t)index->id, index->name,
                         (int64_t)index->kind, (int64_t)index->clustered,
                         (int64_t)index->constraint, index->filter));
    for (size_t i = 0; i < index->column_count; i++)
        ES_TRY(engine_db_run(
            db, err, "INSERT INTO es_index_columns VALUES(?1, ?2, ?3, ?4, ?5, ?6)", "iiiiii",
            (int64_t)object, (int64_t)index->id, (int64_t)i, (int64_t)index->columns[i].column,
            (int64_t)index->columns[i].descending, (int64_t)index->columns[i].included));
    return touch(db, err);
}

entrasql_status engine_catalog_drop_index(sqlite3 *db, int32_t object, int32_t index,
                                          entrasql_error *err)
{
    ES_TRY(engine_db_run(db, err, "DELETE FROM es_indexes WHERE object = ?1 AND id = ?2", "ii",
                         (int64_t)object, (int64_t)index));
    ES_TRY(engine_db_run(db, err,
                         "DELETE FROM es_index_columns WHERE object = ?1 AND index_id = ?2", "ii",
                         (int64_t)object, (int64_t)index));
    return touch(db, err);
}

entrasql_status engine_catalog_add_foreign_key(sqlite3 *db, const engine_foreign_key *fk,
                                               entrasql_error *err)
{
    ES_TRY(engine_db_run(db, err, "INSERT INTO es_foreign_keys VALUES(?1, ?2, ?3, ?4, ?5)", "iiiii",
                         (int64_t)fk->id, (int64_t)fk->child, (int64_t)fk->parent,
                         (int64_t)fk->on_delete, (int64_t)fk->on_update));
    for (size_t i = 0; i < fk->column_count; i++)
        ES_TRY(engine_db_run(db, err, "INSERT INTO es_foreign_key_columns VALUES(?1, ?2, ?3, ?4)",
                             "iiii", (int64_t)fk->id, (int64_t)i, (int64_t)fk->child_columns[i],
                             (int64_t)fk->parent_columns[i]));
    return touch(db, err);
}

entrasql_status engine_catalog_drop_object(sqlite3 *db, int32_t object, entrasql_error *err)
{
    static const char *const statements[] = {
        ("DELETE FROM es_foreign_key_columns WHERE id IN (SELECT id FROM es_foreign_keys"
         " WHERE id = ?1 OR child = ?1)"),
        "DELETE FROM es_foreign_keys WHERE id = ?1 OR child = ?1",
        "UPDATE es_columns SET default_id = 0 WHERE default_id = ?1",
        "DELETE FROM es_columns WHERE object = ?1",
        "DELETE FROM es_indexes WHERE object = ?1",
        "DELETE FROM es_index_columns WHERE object = ?1",
        "DELETE FROM es_identity WHERE object = ?1",
        "DELETE FROM es_permissions WHERE class = 1 AND major = ?1",
        ("DELETE FROM es_properties WHERE class = 1 AND major IN (SELECT id FROM es_objects"
         " WHERE id = ?1 OR parent = ?1)"),
        "DELETE FROM es_objects WHERE id = ?1 OR parent = ?1",
    };
    for (size_t i = 0; i < ES_COUNT_OF(statements); i++)
        ES_TRY(engine_db_run(db, err, statements[i], "i", (int64_t)object));
    return touch(db, err);
}

entrasql_status engine_catalog_set_definition(sqlite3 *db, int32_t object, const char *definition,
                                              int64_t modified, entrasql_error *err)
{
    ES_TRY(engine_db_run(db, err,
                         "UPDATE es_objects SET definition = ?2, modified = ?3 WHERE id = ?1",
                         "isi", (int64_t)object, definition, modified));
    return touch(db, err);
}

entrasql_status engine_catalog_drop_columns(sqlite3 *db, int32_t object, entrasql_error *err)
{
    ES_TRY(
        engine_db_run(db, err, "DELETE FROM es_columns WHERE object = ?1", "i", (int64_t)object));
    ES_TRY(engine_db_run(db, err,
                         "DELETE FROM es_properties WHERE class = 1 AND major = ?1 AND minor <> 0",
                         "i", (int64_t)object));
    return touch(db, err);
}

entrasql_status engine_catalog_rename_object(sqlite3 *db, int32_t object, const char *name,
                                             entrasql_error *err)
{
    ES_TRY(engine_db_run(db, err, "UPDATE es_objects SET name = ?2 WHERE id = ?1", "is",
                         (int64_t)object, name));
    return touch(db, err);
}

entrasql_status engine_catalog_rename_index(sqlite3 *db, int32_t object, int32_t index,
                                            const char *name, entrasql_error *err)
{
    ES_TRY(engine_db_run(db, err, "UPDATE es_indexes SET name = ?3 WHERE object = ?1 AND id = ?2",
                         "iis", (int64_t)object, (int64_t)index, name));
    return touch(db, err);
}

entrasql_status engine_catalog_add_schema(sqlite3 *db, const char *name, int32_t owner,
                                          entrasql_error *err)
{
    ES_TRY(engine_db_run(db, err,
                         "INSERT INTO es_schemas SELECT max(id) + 1, ?1, ?2 FROM es_schemas"
                         " WHERE id < 16384",
                         "si", name, (int64_t)owner));
    return touch(db, err);
}

entrasql_status engine_catalog_drop_schema(sqlite3 *db, int32_t schema, entrasql_error *err)
{
    ES_TRY(engine_db_run(db, err, "DELETE FROM es_schemas WHERE id = ?1", "i", (int64_t)schema));
    ES_TRY(engine_db_run(db, err, "DELETE FROM es_permissions WHERE class = 3 AND major = ?1", "i",
                         (int64_t)schema));
    ES_TRY(engine_db_run(db, err, "DELETE FROM es_properties WHERE class = 3 AND major = ?1", "i",
                         (int64_t)schema));
    return touch(db, err);
}

entrasql_status engine_catalog_add_principal(sqlite3 *db, const engine_principal *p,
                                             entrasql_error *err)
{
    char type[2] = {p->type, '\0'};
    const void *sid = p->sid_length != 0 ? p->sid : NULL;
    ES_TRY(engine_db_run(db, err,
                         "INSERT INTO es_principals SELECT max(max(id), 4) + 1, ?1, ?2, 0, ?3, ?4,"
                         " ?5, ?6, ?7 FROM es_principals WHERE id < 16384",
                         "ssbsiii", p->name, type, sid, p->sid_length, p->default_schema,
                         (int64_t)p->owner, p->created, p->modified));
    return touch(db, err);
}

entrasql_status engine_catalog_set_principal(sqlite3 *db, const engine_principal *p,
                                             entrasql_error *err)
{
    const void *sid = p->sid_length != 0 ? p->sid : NULL;
    ES_TRY(engine_db_run(db, err,
                         "UPDATE es_principals SET name = ?2, sid = ?3, default_schema = ?4,"
                         " owner = ?5, modified = ?6 WHERE id = ?1",
                         "isbsii", (int64_t)p->id, p->name, sid, p->sid_length, p->default_schema,
                         (int64_t)p->owner, p->modified));
    return touch(db, err);
}

entrasql_status engine_catalog_drop_principal(sqlite3 *db, int32_t id, entrasql_error *err)
{
    static const char *const statements[] = {
        "DELETE FROM es_principals WHERE id = ?1",
        "DELETE FROM es_members WHERE role = ?1 OR member = ?1",
        "DELETE FROM es_permissions WHERE grantee = ?1 OR (class = 4 AND major = ?1)",
    };
    for (size_t i = 0; i < ES_COUNT_OF(statements); i++)
        ES_TRY(engine_db_run(db, err, statements[i], "i", (int64_t)id));
    return touch(db, err);
}

entrasql_status engine_catalog_set_member(sqlite3 *db, int32_t role, int32_t member, bool add,
                                          entrasql_error *err)
{
    ES_TRY(engine_db_run(db, err,
                         add ? "INSERT OR IGNORE INTO es_members VALUES(?1, ?2)"
                             : "DELETE FROM es_members WHERE role = ?1 AND member = ?2",
                         "ii", (int64_t)role, (int64_t)member));
    return touch(db, err);
}

entrasql_status engine_catalog_set_permission(sqlite3 *db, const engine_permission *p,
                                              entrasql_error *err)
{
    char state[2] = {p->state, '\0'};
    ES_TRY(engine_db_run(db, err,
                         "DELETE FROM es_permissions WHERE class = ?1 AND major = ?2 AND minor = ?3"
                         " AND grantee = ?4 AND permission = ?5",
                         "iiiis", (int64_t)p->klass, (int64_t)p->major, (int64_t)p->minor,
                         (int64_t)p->grantee, p->name));
    if (p->state != 'R')
        ES_TRY(engine_db_run(db, err,
                             "INSERT INTO es_permissions VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                             "iiiisis", (int64_t)p->klass, (int64_t)p->major, (int64_t)p->minor,
                             (int64_t)p->grantee, p->name, (int64_t)p->grantor, state));
    return touch(db, err);
}

entrasql_status engine_catalog_set_property(sqlite3 *db, const engine_property *p,
                                            entrasql_error *err)
{
    ES_TRY(engine_db_run(db, err, "INSERT OR REPLACE INTO es_properties VALUES(?1, ?2, ?3, ?4, ?5)",
                         "iiiss", (int64_t)p->klass, (int64_t)p->major, (int64_t)p->minor, p->name,
                         p->value));
    return touch(db, err);
}

entrasql_status engine_catalog_drop_property(sqlite3 *db, const engine_property *p,
                                             entrasql_error *err)
{
    ES_TRY(engine_db_run(db, err,
                         "DELETE FROM es_properties WHERE class = ?1 AND major = ?2 AND minor = ?3"
                         " AND name = ?4",
                         "iiis", (int64_t)p->klass, (int64_t)p->major, (int64_t)p->minor, p->name));
    return touch(db, err);
}
