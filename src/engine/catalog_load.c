/* SPDX-License-Identifier: MIT */
/* Reads the whole catalog of a database into memory. */
#include "engine/catalog.h"

#include "base/mem.h"
#include "engine/db.h"
#include "engine/store.h"

#include <string.h>

/* A row of one of our tables is read by one function into one new element. */
typedef entrasql_status read_row(sqlite3_stmt *stmt, engine_catalog *c, entrasql_error *err);

/* Room for one more element of an array that doubles; zeroed. */
static void *room(void *items, size_t count, size_t size)
{
    if ((count & (count - 1)) == 0) {
        items = es_reallocarray(items, count == 0 ? 1 : count * 2, size);
        if (items == NULL)
            return NULL;
    }
    memset((char *)items + count * size, 0, size);
    return items;
}

#define ROOM(array, count)                                                                         \
    ({                                                                                             \
        void *room_ = room((array), (count), sizeof *(array));                                     \
        if (room_ != NULL)                                                                         \
            (array) = room_;                                                                       \
        room_ != NULL;                                                                             \
    })

static char *text_at(sqlite3_stmt *stmt, int column)
{
    const char *s = (const char *)sqlite3_column_text(stmt, column);
    return es_strdup(s);
}

static int32_t int_at(sqlite3_stmt *stmt, int column)
{
    return sqlite3_column_int(stmt, column);
}

static entrasql_status read_schema(sqlite3_stmt *stmt, engine_catalog *c, entrasql_error *err)
{
    if (!ROOM(c->schemas, c->schema_count))
        return es_nomem(err);
    engine_schema *s = &c->schemas[c->schema_count++];
    s->id = int_at(stmt, 0);
    s->name = text_at(stmt, 1);
    s->owner = int_at(stmt, 2);
    return s->name != NULL ? ENTRASQL_OK : es_nomem(err);
}

static entrasql_status read_object(sqlite3_stmt *stmt, engine_catalog *c, entrasql_error *err)
{
    if (!ROOM(c->objects, c->object_count))
        return es_nomem(err);
    engine_object *o = &c->objects[c->object_count++];
    o->id = int_at(stmt, 0);
    o->schema = int_at(stmt, 1);
    o->parent = int_at(stmt, 2);
    o->type = (engine_object_type)int_at(stmt, 3);
    o->name = text_at(stmt, 4);
    o->created = sqlite3_column_int64(stmt, 5);
    o->modified = sqlite3_column_int64(stmt, 6);
    o->definition = text_at(stmt, 7);
    o->disabled = int_at(stmt, 8) != 0;
    o->system_named = int_at(stmt, 9) != 0;
    return o->name != NULL ? ENTRASQL_OK : es_nomem(err);
}

/* The objects are there before what belongs to them; the arrays are the catalog's own. */
static engine_object *object_at(sqlite3_stmt *stmt, engine_catalog *c)
{
    const engine_object *found = engine_catalog_object_by_id(c, int_at(stmt, 0));
    return found != NULL ? &c->objects[found - c->objects] : NULL;
}

static entrasql_status read_column(sqlite3_stmt *stmt, engine_catalog *c, entrasql_error *err)
{
    engine_object *o = object_at(stmt, c);
    if (o == NULL)
        return es_fail(err, ENTRASQL_INTERNAL, "a column in the catalog belongs to no object");
    if (!ROOM(o->columns, o->column_count))
        return es_nomem(err);
    engine_table_column *col = &o->columns[o->column_count++];
    col->id = int_at(stmt, 1);
    col->name = text_at(stmt, 2);
    col->type = engine_type_decode(sqlite3_column_int64(stmt, 3));
    col->nullable = int_at(stmt, 4) != 0;
    col->identity = int_at(stmt, 5) != 0;
    col->seed = sqlite3_column_int64(stmt, 6);
    col->increment = sqlite3_column_int64(stmt, 7);
    col->rowguid = int_at(stmt, 8) != 0;
    col->computed = text_at(stmt, 9);
    col->persisted = int_at(stmt, 10) != 0;
    col->default_id = int_at(stmt, 11);
    col->collation = text_at(stmt, 12);
    const engine_object *def = engine_catalog_object_by_id(c, col->default_id);
    if (def != NULL && def->definition != NULL) {
        col->default_text = es_strdup(def->definition);
        if (col->default_text == NULL)
            return es_nomem(err);
    }
    return col->name != NULL ? ENTRASQL_OK : es_nomem(err);
}

static entrasql_status read_index(sqlite3_stmt *stmt, engine_catalog *c, entrasql_error *err)
{
    engine_object *o = object_at(stmt, c);
    if (o == NULL)
        return es_fail(err, ENTRASQL_INTERNAL, "an index in the catalog belongs to no object");
    if (!ROOM(o->indexes, o->index_count))
        return es_nomem(err);
    engine_index *index = &o->indexes[o->index_count++];
    index->id = int_at(stmt, 1);
    index->name = text_at(stmt, 2);
    index->kind = (engine_index_kind)int_at(stmt, 3);
    index->clustered = int_at(stmt, 4) != 0;
    index->constraint = int_at(stmt, 5);
    index->filter = text_at(stmt, 6);
    return index->name != NULL ? ENTRASQL_OK : es_nomem(err);
}

static entrasql_status read_index_column(sqlite3_stmt *stmt, engine_catalog *c, entrasql_error *err)
{
    engine_object *o = object_at(stmt, c);
    for (size_t i = 0; o != NULL && i < o->index_count; i++) {
        engine_index *index = &o->indexes[i];
        if (index->id != int_at(stmt, 1))
            continue;
        if (!ROOM(index->columns, index->column_count))
            return es_nomem(err);
        index->columns[index->column_count++] = (engine_index_column){
            .column = int_at(stmt, 2),
            .descending = int_at(stmt, 3) != 0,
            .included = int_at(stmt, 4) != 0,
        };
        return ENTRASQL_OK;
    }
    return es_fail(err, ENTRASQL_INTERNAL, "an index column in the catalog belongs to no index");
}

static entrasql_status read_foreign_key(sqlite3_stmt *stmt, engine_catalog *c, entrasql_error *err)
{
    if (!ROOM(c->foreign_keys, c->foreign_key_count))
        return es_nomem(err);
    engine_foreign_key *fk = &c->foreign_keys[c->foreign_key_count++];
    fk->id = int_at(stmt, 0);
    fk->child = int_at(stmt, 1);
    fk->parent = int_at(stmt, 2);
    fk->on_delete = (engine_action)int_at(stmt, 3);
    fk->on_update = (engine_action)int_at(stmt, 4);
    const engine_object *o = engine_catalog_object_by_id(c, fk->id);
    fk->disabled = o != NULL && o->disabled;
    return ENTRASQL_OK;
}

static entrasql_status read_foreign_key_column(sqlite3_stmt *stmt, engine_catalog *c,
                                               entrasql_error *err)
{
    for (size_t i = 0; i < c->foreign_key_count; i++) {
        engine_foreign_key *fk = &c->foreign_keys[i];
        if (fk->id != int_at(stmt, 0))
            continue;
        if (!ROOM(fk->child_columns, fk->column_count) ||
            !ROOM(fk->parent_columns, fk->column_count))
            return es_nomem(err);
        fk->child_columns[fk->column_count] = int_at(stmt, 1);
        fk->parent_columns[fk->column_count] = int_at(stmt, 2);
        fk->column_count++;
    }
    return ENTRASQL_OK;
}

static entrasql_status read_principal(sqlite3_stmt *stmt, engine_catalog *c, entrasql_error *err)
{
    if (!ROOM(c->principals, c->principal_count))
        return es_nomem(err);
    engine_principal *p = &c->principals[c->principal_count++];
    const char *type = (const char *)sqlite3_column_text(stmt, 2);
    const void *sid = sqlite3_column_blob(stmt, 4);
    int sid_length = sqlite3_column_bytes(stmt, 4);
    p->id = int_at(stmt, 0);
    p->name = text_at(stmt, 1);
    p->type = type != NULL ? type[0] : 'S';
    p->fixed = int_at(stmt, 3) != 0;
    if (sid != NULL && sid_length > 0 && sid_length <= ENGINE_SID_MAX) {
        memcpy(p->sid, sid, (size_t)sid_length);
        p->sid_length = (size_t)sid_length;
    }
    p->default_schema = text_at(stmt, 5);
    p->owner = int_at(stmt, 6);
    p->created = sqlite3_column_int64(stmt, 7);
    p->modified = sqlite3_column_int64(stmt, 8);
    return p->name != NULL ? ENTRASQL_OK : es_nomem(err);
}

static entrasql_status read_member(sqlite3_stmt *stmt, engine_catalog *c, entrasql_error *err)
{
    if (!ROOM(c->members, c->member_count))
        return es_nomem(err);
    c->members[c->member_count++] =
        (engine_member){.role = int_at(stmt, 0), .member = int_at(stmt, 1)};
    return ENTRASQL_OK;
}

static entrasql_status read_permission(sqlite3_stmt *stmt, engine_catalog *c, entrasql_error *err)
{
    if (!ROOM(c->permissions, c->permission_count))
        return es_nomem(err);
    engine_permission *p = &c->permissions[c->permission_count++];
    const char *state = (const char *)sqlite3_column_text(stmt, 6);
    p->klass = (engine_class)int_at(stmt, 0);
    p->major = int_at(stmt, 1);
    p->minor = int_at(stmt, 2);
    p->grantee = int_at(stmt, 3);
    p->name = text_at(stmt, 4);
    p->grantor = int_at(stmt, 5);
    p->state = state != NULL ? state[0] : 'G';
    return p->name != NULL ? ENTRASQL_OK : es_nomem(err);
}

static entrasql_status read_property(sqlite3_stmt *stmt, engine_catalog *c, entrasql_error *err)
{
    if (!ROOM(c->properties, c->property_count))
        return es_nomem(err);
    engine_property *p = &c->properties[c->property_count++];
    p->klass = (engine_class)int_at(stmt, 0);
    p->major = int_at(stmt, 1);
    p->minor = int_at(stmt, 2);
    p->name = text_at(stmt, 3);
    p->value = text_at(stmt, 4);
    return p->name != NULL ? ENTRASQL_OK : es_nomem(err);
}

static const struct {
    const char *sql;
    read_row *read;
} parts[] = {
    {"SELECT id, name, owner FROM es_schemas ORDER BY id", read_schema},
    {"SELECT id, schema, parent, type, name, created, modified, definition, disabled, system_named"
     " FROM es_objects ORDER BY id",
     read_object},
    {"SELECT object, id, name, type, nullable, identity, seed, increment, rowguid, computed,"
     " persisted, default_id, collation FROM es_columns ORDER BY object, id",
     read_column},
    {"SELECT object, id, name, kind, clustered, constraint_id, filter FROM es_indexes"
     " ORDER BY object, id",
     read_index},
    {"SELECT object, index_id, column_id, descending, included FROM es_index_columns"
     " ORDER BY object, index_id, place",
     read_index_column},
    {"SELECT id, child, parent, on_delete, on_update FROM es_foreign_keys ORDER BY id",
     read_foreign_key},
    {"SELECT id, child_column, parent_column FROM es_foreign_key_columns ORDER BY id, place",
     read_foreign_key_column},
    {"SELECT id, name, type, fixed, sid, default_schema, owner, created, modified"
     " FROM es_principals ORDER BY id",
     read_principal},
    {"SELECT role, member FROM es_members", read_member},
    {"SELECT class, major, minor, grantee, permission, grantor, state FROM es_permissions",
     read_permission},
    {"SELECT class, major, minor, name, value FROM es_properties", read_property},
};

static entrasql_status load_part(sqlite3 *db, const char *sql, read_row *read, engine_catalog *c,
                                 entrasql_error *err)
{
    ES_CLEANUP(engine_db_finalize) sqlite3_stmt *stmt = NULL;
    bool row = true;
    ES_TRY(engine_db_prepare(db, sql, strlen(sql), &stmt, err));
    for (;;) {
        ES_TRY(engine_db_step(stmt, &row, err));
        if (!row)
            return ENTRASQL_OK;
        ES_TRY(read(stmt, c, err));
    }
}

entrasql_status engine_catalog_load(sqlite3 *db, engine_catalog **ret, entrasql_error *err)
{
    ES_CLEANUP(engine_catalog_cleanup) engine_catalog *c = es_calloc(1, sizeof *c);
    if (c == NULL)
        return es_nomem(err);
    c->refs = 1;
    ES_TRY(engine_catalog_read_version(db, &c->version, err));
    for (size_t i = 0; i < ES_COUNT_OF(parts); i++)
        ES_TRY(load_part(db, parts[i].sql, parts[i].read, c, err));
    *ret = c;
    c = NULL;
    return ENTRASQL_OK;
}
