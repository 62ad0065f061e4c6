/* SPDX-License-Identifier: MIT */
/* The description of a new table, and its way into the catalog and SQLite. */
#include "engine/table.h"

#include "base/mem.h"
#include "base/random.h"
#include "base/str.h"
#include "engine/plan.h"
#include "engine/temp.h"
#include "sqltype/collation.h"
#include "tsql/type.h"

#include <stdio.h>
#include <string.h>

entrasql_status engine_new_table_init(engine_new_table *t, engine_run *run, const char *name,
                                      int32_t schema, int32_t id)
{
    *t = (engine_new_table){.run = run};
    t->object = es_calloc(1, sizeof *t->object);
    if (t->object == NULL)
        return es_nomem(run->err);
    t->object->id = id;
    t->object->schema = schema;
    t->object->type = ENGINE_OBJECT_TABLE;
    t->object->name = es_strdup(name);
    t->object->created = engine_now();
    t->object->modified = t->object->created;
    return t->object->name != NULL ? ENTRASQL_OK : es_nomem(run->err);
}

void engine_new_table_done(engine_new_table *t)
{
    engine_object_free(t->object);
    t->object = NULL;
    for (size_t i = 0; i < t->constraint_count; i++) {
        es_free(t->constraints[i].name);
        es_free(t->constraints[i].definition);
    }
    for (size_t i = 0; i < t->key_count; i++) {
        es_free(t->keys[i].name);
        es_free(t->keys[i].child_columns);
        es_free(t->keys[i].parent_columns);
    }
    es_free(t->constraints);
    es_free(t->keys);
    t->constraints = NULL;
    t->keys = NULL;
    t->constraint_count = 0;
    t->key_count = 0;
}

/* ---- columns ---- */

entrasql_status engine_new_table_column(engine_new_table *t, const char *name, sqltype type,
                                        bool nullable, engine_table_column **ret)
{
    engine_object *o = t->object;
    entrasql_error *err = t->run->err;
    if (engine_object_column(o, name) != NULL)
        return engine_error(err, 2705, 3,
                            "Column names in each table must be unique. Column name '%s' in table "
                            "'%s' is specified more than once.",
                            name, o->name);
    if (o->column_count == 1024)
        return engine_error(err, 1702, 1,
                            "CREATE TABLE failed because column '%s' in table '%s' exceeds the "
                            "maximum of 1024 columns.",
                            name, o->name);
    engine_table_column *grown = es_reallocarray(o->columns, o->column_count + 1, sizeof *grown);
    if (grown == NULL)
        return es_nomem(err);
    o->columns = grown;
    engine_table_column *column = &grown[o->column_count];
    int32_t last = 0;
    for (size_t i = 0; i < o->column_count; i++)
        last = grown[i].id > last ? grown[i].id : last;
    *column = (engine_table_column){
        .id = last + 1, .name = es_strdup(name), .type = type, .nullable = nullable};
    if (column->name == NULL)
        return es_nomem(err);
    o->column_count++;
    if (ret != NULL)
        *ret = column;
    return ENTRASQL_OK;
}

static entrasql_status check_collation(const tsql_column_def *def, entrasql_error *err)
{
    const char *name = def->collation.text;
    if (name == NULL || es_strcaseeq(name, "DATABASE_DEFAULT") ||
        es_strcaseeq(name, SQLCOLLATION_NAME) || es_strcaseeq(name, "Latin1_General_CI_AS") ||
        es_strcaseeq(name, "Latin1_General_100_CI_AS"))
        return ENTRASQL_OK;
    return engine_unsupported(err, name);
}

static entrasql_status set_identity(engine_new_table *t, const tsql_column_def *def,
                                    engine_table_column *column)
{
    entrasql_error *err = t->run->err;
    sqltype type = column->type;
    bool whole = (sqltype_is_integer(type.id) && type.id != SQLTYPE_BIT) ||
                 ((type.id == SQLTYPE_DECIMAL || type.id == SQLTYPE_NUMERIC) && type.scale == 0);
    const char *seed = def->identity_seed != NULL ? def->identity_seed : "1";
    const char *step = def->identity_increment != NULL ? def->identity_increment : "1";
    if (!whole || def->nullability == TSQL_NULLABLE)
        return engine_error(err, 2749, 2,
                            "Identity column '%s' must be of data type int, bigint, smallint, "
                            "tinyint, or decimal or numeric with a scale of 0, unencrypted, and "
                            "constrained to be nonnullable.",
                            column->name);
    for (size_t i = 0; i < t->object->column_count; i++) {
        if (t->object->columns[i].identity)
            return engine_error(err, 2744, 2,
                                "Multiple identity columns specified for table '%s'. Only one "
                                "identity column per table is allowed.",
                                t->object->name);
    }
    if (es_parse_i64(seed, strlen(seed), &column->seed) != ENTRASQL_OK ||
        es_parse_i64(step, strlen(step), &column->increment) != ENTRASQL_OK ||
        column->increment == 0)
        return engine_error(
            err, 2752, 1, "Identity column '%s' contains invalid SEED or INCREMENT.", column->name);
    column->identity = true;
    column->nullable = false;
    return ENTRASQL_OK;
}

/* The type of a computed column is that of its expression over the columns so far. */
static entrasql_status computed_type(engine_new_table *t, const tsql_column_def *def, sqltype *ret,
                                     bool *ret_nullable)
{
    ES_CLEANUP(engine_binder_done) engine_binder b;
    engine_source *source = NULL;
    engine_node *node;
    ES_TRY(engine_binder_init(&b, t->run->s, t->run->err));
    ES_TRY(engine_bind_object(&b, t->object, "", &source));
    source->object = NULL;
    engine_source *sources[1] = {source};
    engine_scope scope = {.sources = sources, .count = 1};
    b.scope = &scope;
    ES_TRY(engine_bind_expr(&b, def->computed, &node));
    *ret = node->type.id == SQLTYPE_UNKNOWN ? sqltype_of(SQLTYPE_INT) : node->type;
    *ret_nullable = node->nullable;
    return ENTRASQL_OK;
}

static entrasql_status column_type(engine_new_table *t, const tsql_column_def *def, sqltype *ret,
                                   bool *ret_nullable)
{
    entrasql_error *err = t->run->err;
    *ret_nullable = def->nullability != TSQL_NOT_NULL;
    if (def->computed != NULL)
        return computed_type(t, def, ret, ret_nullable);
    if (!def->has_type) {
        *ret = sqltype_of(SQLTYPE_ROWVERSION);
        *ret_nullable = false;
        return ENTRASQL_OK;
    }
    entrasql_status status = tsql_type_resolve(&def->type, TSQL_LENGTH_DECLARED,
                                               (uint32_t)t->object->column_count + 1, ret, err);
    if (status == ENTRASQL_SQL_ERROR && err->number == 2715) {
        /* Found when the statement runs, so told with its first line. */
        err->state = 6;
        err->line = 0;
    }
    ES_TRY(status);
    if (ret->id == SQLTYPE_SQL_VARIANT)
        return engine_unsupported(err, "sql_variant");
    if (ret->id == SQLTYPE_ROWVERSION)
        *ret_nullable = false;
    return ENTRASQL_OK;
}

static entrasql_status add_column(engine_new_table *t, const tsql_column_def *def)
{
    sqltype type;
    bool nullable;
    engine_table_column *column;
    ES_TRY(check_collation(def, t->run->err));
    ES_TRY(column_type(t, def, &type, &nullable));
    ES_TRY(engine_new_table_column(t, def->name.text, type, nullable, &column));
    column->rowguid = def->rowguidcol;
    column->persisted = def->persisted;
    if (def->collation.text != NULL) {
        column->collation = es_strdup(def->collation.text);
        if (column->collation == NULL)
            return es_nomem(t->run->err);
    }
    if (def->computed != NULL) {
        column->computed = engine_run_source(t->run, def->computed_text);
        if (column->computed == NULL)
            return es_nomem(t->run->err);
    }
    return def->identity ? set_identity(t, def, column) : ENTRASQL_OK;
}

entrasql_status engine_new_table_define(engine_new_table *t, const tsql_table_def *def)
{
    size_t first = t->object->column_count;
    for (size_t i = 0; i < def->column_count; i++)
        ES_TRY(add_column(t, &def->columns[i]));
    for (size_t i = 0; i < def->column_count; i++) {
        for (size_t k = 0; k < def->columns[i].constraints.count; k++)
            ES_TRY(
                engine_new_table_constraint(t, &def->columns[i].constraints.items[k], first + i));
    }
    for (size_t i = 0; i < def->constraints.count; i++)
        ES_TRY(engine_new_table_constraint(t, &def->constraints.items[i], SIZE_MAX));
    return ENTRASQL_OK;
}

/* ---- storing ---- */

static entrasql_status add_object(engine_new_table *t, engine_object_type type, const char *name,
                                  const char *definition, bool system_named, int32_t *ret_id)
{
    engine_session *s = t->run->s;
    if (engine_catalog_object(s->catalog, t->object->schema, name) != NULL)
        return engine_error(t->run->err, 2714, 5,
                            "There is already an object named '%s' in the database.", name);
    char *names[2] = {es_strdup(name), es_strdup(definition)};
    engine_object o = {
        .id = engine_catalog_new_id(s->catalog),
        .schema = t->object->schema,
        .parent = t->object->id,
        .type = type,
        .name = names[0],
        .definition = names[1],
        .created = t->object->modified,
        .modified = t->object->modified,
        .system_named = system_named,
    };
    *ret_id = o.id;
    entrasql_status status = names[0] != NULL && (definition == NULL || names[1] != NULL)
                                 ? engine_catalog_add_object(s->db, &o, t->run->err)
                                 : es_nomem(t->run->err);
    es_free(names[0]);
    es_free(names[1]);
    return status;
}

entrasql_status engine_new_table_store_indexes(engine_new_table *t)
{
    engine_session *s = t->run->s;
    char sql_name[48];
    engine_table_name(s, t->object, sql_name, sizeof sql_name);
    for (size_t i = t->first_index; i < t->object->index_count; i++) {
        engine_index *index = &t->object->indexes[i];
        if (index->kind == ENGINE_INDEX_PRIMARY || index->kind == ENGINE_INDEX_UNIQUE_CONSTRAINT)
            ES_TRY(add_object(t,
                              index->kind == ENGINE_INDEX_PRIMARY ? ENGINE_OBJECT_PRIMARY
                                                                  : ENGINE_OBJECT_UNIQUE,
                              index->name, NULL, false, &index->constraint));
        ES_TRY(engine_catalog_add_index(s->db, t->object->id, index, t->run->err));
        ES_TRY(engine_sqlite_create_index(s, t->object, index, sql_name, t->run->err));
    }
    return ENTRASQL_OK;
}

entrasql_status engine_new_table_store_constraints(engine_new_table *t)
{
    engine_session *s = t->run->s;
    for (size_t i = 0; i < t->constraint_count; i++) {
        engine_new_constraint *c = &t->constraints[i];
        int32_t id;
        ES_TRY(add_object(t, c->type, c->name, c->definition, c->system_named, &id));
        if (c->type == ENGINE_OBJECT_DEFAULT)
            t->object->columns[c->column].default_id = id;
    }
    for (size_t i = 0; i < t->key_count; i++) {
        engine_new_key *k = &t->keys[i];
        engine_foreign_key fk = {
            .child = t->object->id,
            .parent = k->parent,
            .on_delete = k->on_delete,
            .on_update = k->on_update,
            .child_columns = k->child_columns,
            .parent_columns = k->parent_columns,
            .column_count = k->column_count,
        };
        ES_TRY(add_object(t, ENGINE_OBJECT_FOREIGN_KEY, k->name, NULL, k->system_named, &fk.id));
        ES_TRY(engine_catalog_add_foreign_key(s->db, &fk, t->run->err));
    }
    return ENTRASQL_OK;
}

/* Temporary tables: SQLite's objects alone. */
static entrasql_status create_temp(engine_new_table *t)
{
    char sql_name[48];
    engine_session *s = t->run->s;
    engine_table_name(s, t->object, sql_name, sizeof sql_name);
    if (t->key_count != 0)
        return engine_unsupported(t->run->err, "FOREIGN KEY of a temporary table");
    for (size_t i = 0; i < t->constraint_count; i++) {
        engine_new_constraint *c = &t->constraints[i];
        if (c->type == ENGINE_OBJECT_CHECK)
            return engine_unsupported(t->run->err, "CHECK of a temporary table");
        t->object->columns[c->column].default_text = es_strdup(c->definition);
        if (t->object->columns[c->column].default_text == NULL)
            return es_nomem(t->run->err);
    }
    ES_TRY(engine_sqlite_create_table(s, t->object, sql_name, t->run->err));
    for (size_t i = 0; i < t->object->index_count; i++)
        ES_TRY(engine_sqlite_create_index(s, t->object, &t->object->indexes[i], sql_name,
                                          t->run->err));
    return ENTRASQL_OK;
}

entrasql_status engine_new_table_create(engine_new_table *t)
{
    engine_session *s = t->run->s;
    char sql_name[48];
    if (t->object->id < 0)
        return create_temp(t);
    engine_table_name(s, t->object, sql_name, sizeof sql_name);
    ES_TRY(engine_catalog_add_object(s->db, t->object, t->run->err));
    ES_TRY(engine_new_table_store_constraints(t));
    for (size_t i = 0; i < t->object->column_count; i++)
        ES_TRY(
            engine_catalog_add_column(s->db, t->object->id, &t->object->columns[i], t->run->err));
    ES_TRY(engine_sqlite_create_table(s, t->object, sql_name, t->run->err));
    return engine_new_table_store_indexes(t);
}

/* ---- copies ---- */

static bool copy_text(char **text)
{
    if (*text == NULL)
        return true;
    *text = es_strdup(*text);
    return *text != NULL;
}

static bool copy_columns(engine_object *to, const engine_object *from)
{
    bool good = true;
    to->columns = es_calloc(from->column_count + 1, sizeof *to->columns);
    if (to->columns == NULL)
        return false;
    for (size_t i = 0; i < from->column_count; i++) {
        engine_table_column *c = &to->columns[to->column_count++];
        *c = from->columns[i];
        good = copy_text(&c->name) && good;
        good = copy_text(&c->computed) && good;
        good = copy_text(&c->default_text) && good;
        good = copy_text(&c->collation) && good;
    }
    return good;
}

static bool copy_indexes(engine_object *to, const engine_object *from)
{
    bool good = true;
    to->indexes = es_calloc(from->index_count + 1, sizeof *to->indexes);
    if (to->indexes == NULL)
        return false;
    for (size_t i = 0; i < from->index_count; i++) {
        engine_index *x = &to->indexes[to->index_count++];
        *x = from->indexes[i];
        good = copy_text(&x->name) && good;
        good = copy_text(&x->filter) && good;
        x->columns = es_memdup(x->columns, x->column_count * sizeof *x->columns);
        good = x->columns != NULL && good;
    }
    return good;
}

engine_object *engine_object_copy(const engine_object *o)
{
    engine_object *copy = es_calloc(1, sizeof *copy);
    if (copy == NULL)
        return NULL;
    *copy = *o;
    copy->columns = NULL;
    copy->column_count = 0;
    copy->indexes = NULL;
    copy->index_count = 0;
    bool good = copy_text(&copy->name);
    good = copy_text(&copy->definition) && good;
    good = copy_columns(copy, o) && good;
    good = copy_indexes(copy, o) && good;
    if (good)
        return copy;
    engine_object_free(copy);
    return NULL;
}
