/* SPDX-License-Identifier: MIT */
/* CREATE TABLE, DROP TABLE, TRUNCATE TABLE, SELECT INTO, table variables, schemas. */
#include "engine/table.h"

#include "base/mem.h"
#include "base/random.h"
#include "base/str.h"
#include "engine/change.h"
#include "engine/output.h"
#include "engine/permission.h"
#include "engine/plan.h"
#include "engine/principal.h"
#include "engine/temp.h"
#include "engine/tran.h"
#include "sqltype/collation.h"

#include <stdio.h>
#include <string.h>

/* ---- where new objects go ---- */

static entrasql_status no_schema(engine_run *run, const char *name)
{
    return engine_error(run->err, 2760, 1,
                        "The specified schema name \"%s\" either does not exist or you do not have "
                        "permission to use it.",
                        name);
}

entrasql_status engine_need_create(engine_run *run, const char *permission, const tsql_object *name,
                                   int32_t *ret_schema)
{
    engine_session *s = run->s;
    bool given;
    if (name->name.length > ENGINE_NAME_MAX)
        return engine_error(
            run->err, 103, 4,
            "The identifier that starts with '%.32s' is too long. Maximum length is "
            "128.",
            name->name.text);
    ES_TRY(engine_bind_schema(s, name, ret_schema, &given, run->err));
    ES_TRY(engine_need_database(s, permission, run->err));
    const engine_schema *schema = engine_catalog_schema_by_id(s->catalog, *ret_schema);
    if (schema == NULL)
        return no_schema(run, name->schema.text != NULL ? name->schema.text : "dbo");
    bool system = *ret_schema == ENGINE_SCHEMA_SYS || *ret_schema == ENGINE_SCHEMA_INFORMATION;
    if (system || !engine_may_schema(s, "ALTER", *ret_schema))
        return no_schema(run, schema->name);
    if (engine_catalog_object(s->catalog, *ret_schema, name->name.text) != NULL)
        return engine_error(run->err, 2714, 6,
                            "There is already an object named '%s' in the database.",
                            name->name.text);
    return ENTRASQL_OK;
}

/* ---- CREATE TABLE ---- */

/* Ids of temporary tables lie below 0 and are made by chance, as sessions share the counters. */
static int32_t temp_id(void)
{
    return -1 - (int32_t)es_random_below(INT32_MAX - 1);
}

static entrasql_status keep_temp(engine_new_table *t)
{
    engine_session *s = t->run->s;
    ES_TRY(engine_temp_add(s, t->object, t->run->err));
    entrasql_status status = engine_new_table_create(t);
    if (status != ENTRASQL_OK) {
        /* The list has the description now and frees it. */
        const engine_object *o = t->object;
        t->object = NULL;
        /* The first failure is what the client hears. */
        entrasql_status dropped = engine_temp_drop(s, o, NULL);
        (void)dropped;
        return status;
    }
    t->object = NULL;
    return ENTRASQL_OK;
}

static entrasql_status create_temp(engine_run *run, const tsql_create_table_stmt *stmt)
{
    ES_CLEANUP(engine_new_table_done) engine_new_table t = {0};
    const char *name = stmt->object.name.text;
    if (name[1] == '#')
        return engine_unsupported(run->err, "global temporary table");
    if (engine_temp_find(run->s, name) != NULL)
        return engine_error(run->err, 2714, 6,
                            "There is already an object named '%s' in the database.", name);
    ES_TRY(engine_new_table_init(&t, run, name, ENGINE_SCHEMA_DBO, temp_id()));
    ES_TRY(engine_new_table_define(&t, &stmt->def));
    return keep_temp(&t);
}

static entrasql_status create_table(engine_run *run, const tsql_create_table_stmt *stmt)
{
    ES_CLEANUP(engine_new_table_done) engine_new_table t = {0};
    engine_session *s = run->s;
    int32_t schema;
    if (stmt->object.name.text[0] == '#')
        return create_temp(run, stmt);
    ES_TRY(engine_need_create(run, "CREATE TABLE", &stmt->object, &schema));
    ES_TRY(engine_new_table_init(&t, run, stmt->object.name.text, schema,
                                 engine_catalog_new_id(s->catalog)));
    ES_TRY(engine_new_table_define(&t, &stmt->def));
    return engine_new_table_create(&t);
}

entrasql_status engine_run_create_table(engine_run *run, const tsql_create_table_stmt *stmt)
{
    engine_unit unit;
    bool temp = stmt->object.name.text[0] == '#' && run->s->tran.count == 0;
    ES_TRY(engine_unit_begin(run->s, !temp, true, &unit, run->err));
    entrasql_status status = create_table(run, stmt);
    ES_TRY(engine_unit_end(run->s, &unit, status, run->err));
    return engine_output_done(run->s, ENGINE_CMD_OTHER, false, 0, false);
}

/* ---- DROP TABLE ---- */

/* Another table's foreign key points here. */
static bool is_referenced(const engine_run *run, const engine_object *o)
{
    const engine_catalog *c = run->s->catalog;
    for (size_t i = 0; i < c->foreign_key_count; i++) {
        if (c->foreign_keys[i].parent == o->id && c->foreign_keys[i].child != o->id)
            return true;
    }
    return false;
}

static entrasql_status not_there(engine_run *run, const char *what, const tsql_object *name,
                                 uint8_t state)
{
    char text[512];
    return engine_error(run->err, 3701, state,
                        "Cannot drop the %s '%s', because it does not exist or you do not have "
                        "permission.",
                        what, engine_object_text(name, text, sizeof text));
}

static entrasql_status drop_table(engine_run *run, const tsql_object *name, bool if_exists)
{
    engine_session *s = run->s;
    const engine_object *o;
    char sql[64];
    char sql_name[48];
    ES_TRY(engine_find_object(s, name, &o, run->err));
    if (o != NULL && o->type == ENGINE_OBJECT_VIEW)
        return engine_error(run->err, 3705, 1,
                            "Cannot use DROP TABLE with '%s' because '%s' is a view. Use DROP "
                            "VIEW.",
                            o->name, o->name);
    if (o == NULL || o->type != ENGINE_OBJECT_TABLE)
        return if_exists ? ENTRASQL_OK : not_there(run, "table", name, 5);
    if (engine_temp_is(s, o))
        return engine_temp_drop(s, o, run->err);
    if (!engine_may_object(s, "CONTROL", o) && !engine_may_schema(s, "ALTER", o->schema))
        return not_there(run, "table", name, 20);
    if (is_referenced(run, o))
        return engine_error(run->err, 3726, 1,
                            "Could not drop object '%s' because it is referenced by a FOREIGN KEY "
                            "constraint.",
                            o->name);
    int32_t id = o->id;
    snprintf(sql, sizeof sql, "DROP TABLE %s", engine_table_name(s, o, sql_name, sizeof sql_name));
    ES_TRY(engine_db_exec(s->db, sql, run->err));
    ES_TRY(engine_catalog_drop_object(s->db, id, run->err));
    /* The next name of the list has to see this one gone. */
    return engine_session_refresh(s, run->err);
}

static entrasql_status drop_module(engine_run *run, const tsql_object *name, const char *what,
                                   engine_object_type type, bool if_exists)
{
    engine_session *s = run->s;
    const engine_object *o;
    ES_TRY(engine_find_object(s, name, &o, run->err));
    if (o != NULL && o->type == ENGINE_OBJECT_TABLE && type == ENGINE_OBJECT_VIEW)
        return engine_error(run->err, 3705, 1,
                            "Cannot use DROP VIEW with '%s' because '%s' is a table. Use DROP "
                            "TABLE.",
                            o->name, o->name);
    if (o == NULL || o->type != type)
        return if_exists ? ENTRASQL_OK : not_there(run, what, name, 5);
    if (!engine_may_object(s, "CONTROL", o) && !engine_may_schema(s, "ALTER", o->schema))
        return not_there(run, what, name, 20);
    ES_TRY(engine_catalog_drop_object(s->db, o->id, run->err));
    return engine_session_refresh(s, run->err);
}

static entrasql_status drop_schema(engine_run *run, const tsql_object *name, bool if_exists)
{
    engine_session *s = run->s;
    const engine_schema *schema = engine_catalog_schema(s->catalog, name->name.text);
    if (schema == NULL)
        return if_exists ? ENTRASQL_OK
                         : engine_error(run->err, 15151, 1,
                                        "Cannot drop the schema '%s', because it does not exist or "
                                        "you do not have permission.",
                                        name->name.text);
    if (schema->id <= 4 || schema->id >= 16384 || !engine_may_schema(s, "CONTROL", schema->id))
        return engine_error(run->err, 15150, 1, "Cannot drop the schema '%s'.", schema->name);
    for (size_t i = 0; i < s->catalog->object_count; i++) {
        if (s->catalog->objects[i].schema == schema->id)
            return engine_error(run->err, 3729, 1,
                                "Cannot drop schema '%s' because it is being referenced by object "
                                "'%s'.",
                                schema->name, s->catalog->objects[i].name);
    }
    return engine_catalog_drop_schema(s->db, schema->id, run->err);
}

static entrasql_status drop_index(engine_run *run, const tsql_object *name,
                                  const tsql_object *table, bool if_exists)
{
    engine_session *s = run->s;
    const engine_object *o = NULL;
    const char *index_name = name->name.text;
    tsql_object target = *table;
    if (table->name.text == NULL) { /* DROP INDEX t.i */
        target = (tsql_object){.name = name->schema, .schema = name->database};
    }
    ES_TRY(engine_find_object(s, &target, &o, run->err));
    for (size_t i = 0; o != NULL && i < o->index_count; i++) {
        const engine_index *index = &o->indexes[i];
        if (!sqlcollation_equal_names(index->name, index_name))
            continue;
        if (!engine_may_object(s, "ALTER", o))
            break;
        if (index->constraint != 0)
            return engine_error(run->err, 3723, 4,
                                "An explicit DROP INDEX is not allowed on index '%s.%s'. It is "
                                "being used for %s constraint enforcement.",
                                o->name, index->name,
                                index->kind == ENGINE_INDEX_PRIMARY ? "PRIMARY KEY" : "UNIQUE KEY");
        if (engine_temp_is(s, o))
            return engine_unsupported(run->err, "DROP INDEX of a temporary table");
        if (engine_index_foreign_key(s->catalog, o, index) != NULL)
            return engine_error(run->err, 3723, 6,
                                "An explicit DROP INDEX is not allowed on index '%s.%s'. It is "
                                "being used for FOREIGN KEY constraint enforcement.",
                                o->name, index->name);
        ES_TRY(engine_sqlite_drop_index(s, o, index->id, run->err));
        return engine_catalog_drop_index(s->db, o->id, index->id, run->err);
    }
    if (if_exists)
        return ENTRASQL_OK;
    char text[512];
    return engine_error(run->err, 3701, 7,
                        "Cannot drop the index '%s.%s', because it does not exist or you do not "
                        "have permission.",
                        engine_object_text(&target, text, sizeof text), index_name);
}

static entrasql_status drop_one(engine_run *run, const tsql_drop_stmt *stmt, size_t i)
{
    static const char *const names[] = {
        "table",           "view", "index",   "procedure", "function", "trigger",  "schema",
        "sequence object", "type", "synonym", "user",      "role",     "database", "login"};
    const tsql_object *name = &stmt->objects.items[i];
    static const tsql_object none = {0};
    switch ((int)stmt->klass) {
    case TSQL_CLASS_TABLE:
        return drop_table(run, name, stmt->if_exists);
    case TSQL_CLASS_VIEW:
        return drop_module(run, name, "view", ENGINE_OBJECT_VIEW, stmt->if_exists);
    case TSQL_CLASS_PROCEDURE:
        return drop_module(run, name, "procedure", ENGINE_OBJECT_PROCEDURE, stmt->if_exists);
    case TSQL_CLASS_SCHEMA:
        return drop_schema(run, name, stmt->if_exists);
    case TSQL_CLASS_INDEX:
        return drop_index(run, name, i < stmt->tables.count ? &stmt->tables.items[i] : &none,
                          stmt->if_exists);
    case TSQL_CLASS_USER:
    case TSQL_CLASS_ROLE:
        return engine_run_drop_principal(run, &name->name, stmt->klass == TSQL_CLASS_ROLE,
                                         stmt->if_exists);
    case TSQL_CLASS_DATABASE:
    case TSQL_CLASS_LOGIN:
        return engine_unsupported(run->err,
                                  stmt->klass == TSQL_CLASS_LOGIN ? "DROP LOGIN" : "DROP DATABASE");
    default: /* there are none of the kind, so this one does not exist */
        return stmt->if_exists ? ENTRASQL_OK : not_there(run, names[stmt->klass], name, 5);
    }
}

entrasql_status engine_run_drop(engine_run *run, const tsql_drop_stmt *stmt)
{
    engine_unit unit;
    entrasql_status status = ENTRASQL_OK;
    ES_TRY(engine_unit_begin(run->s, true, true, &unit, run->err));
    for (size_t i = 0; i < stmt->objects.count && status == ENTRASQL_OK; i++)
        status = drop_one(run, stmt, i);
    ES_TRY(engine_unit_end(run->s, &unit, status, run->err));
    return engine_output_done(run->s, ENGINE_CMD_OTHER, false, 0, false);
}

/* ---- TRUNCATE TABLE ---- */

static entrasql_status truncate(engine_run *run, const tsql_truncate_stmt *stmt)
{
    engine_session *s = run->s;
    const engine_object *o;
    char text[512];
    char sql[80];
    char sql_name[48];
    ES_TRY(engine_find_object(s, &stmt->object, &o, run->err));
    if (o == NULL || o->type != ENGINE_OBJECT_TABLE)
        return engine_error(run->err, 4701, 1,
                            "Cannot find the object \"%s\" because it does not exist or you do not "
                            "have permissions.",
                            engine_object_text(&stmt->object, text, sizeof text));
    if (!engine_temp_is(s, o) && !engine_may_object(s, "ALTER", o))
        return engine_error(run->err, 1088, 7,
                            "Cannot find the object \"%s\" because it does not exist or you do not "
                            "have permissions.",
                            engine_object_text(&stmt->object, text, sizeof text));
    if (is_referenced(run, o))
        return engine_error(run->err, 4712, 1,
                            "Cannot truncate table '%s' because it is being referenced by a "
                            "FOREIGN KEY constraint.",
                            o->name);
    snprintf(sql, sizeof sql, "DELETE FROM %s", engine_table_name(s, o, sql_name, sizeof sql_name));
    ES_TRY(engine_db_exec(s->db, sql, run->err));
    if (engine_object_identity(o) == NULL)
        return ENTRASQL_OK;
    return engine_identity_reset(s, o, run->err);
}

entrasql_status engine_run_truncate(engine_run *run, const tsql_truncate_stmt *stmt)
{
    engine_unit unit;
    ES_TRY(engine_unit_begin(run->s, true, true, &unit, run->err));
    entrasql_status status = truncate(run, stmt);
    ES_TRY(engine_unit_end(run->s, &unit, status, run->err));
    return engine_output_done(run->s, ENGINE_CMD_OTHER, false, 0, false);
}

/* ---- table variables ---- */

entrasql_status engine_declare_table(engine_run *run, const tsql_declare_item *item)
{
    ES_CLEANUP(engine_new_table_done) engine_new_table t = {0};
    engine_session *s = run->s;
    engine_variable *v = NULL;
    ES_TRY(engine_new_table_init(&t, run, item->name, ENGINE_SCHEMA_DBO, temp_id()));
    ES_TRY(engine_new_table_define(&t, &item->table));
    ES_TRY(engine_frame_declare(s->frame, item->name, sqltype_of(SQLTYPE_UNKNOWN), &v, run->err));
    v->table = t.object;
    v->table_number = ++s->next_temp;
    entrasql_status status = engine_new_table_create(&t);
    t.object = NULL; /* the variable's now */
    return status;
}

void engine_frame_end(engine_session *s, engine_frame *frame)
{
    char sql[64];
    for (size_t i = 0; i < frame->variable_count; i++) {
        engine_variable *v = &frame->variables[i];
        if (v->table == NULL)
            continue;
        snprintf(sql, sizeof sql, "DROP TABLE IF EXISTS temp.x%d", (int)v->table_number);
        /* A table that stays behind is gone with the connection. */
        entrasql_status dropped = engine_db_exec(s->db, sql, NULL);
        (void)dropped;
        engine_identity_forget(s, v->table->id);
        engine_object_free(v->table);
        v->table = NULL;
    }
    engine_frame_done(frame);
}

/* ---- SELECT ... INTO ---- */

static entrasql_status define_columns(engine_new_table *t, const engine_query *q)
{
    for (size_t i = 0; i < q->column_count; i++) {
        const engine_bound_column *c = &q->columns[i];
        engine_table_column *column;
        if (c->name == NULL || c->name[0] == '\0')
            return engine_error(t->run->err, 1038, 5,
                                "An object or column name is missing or empty. For SELECT INTO "
                                "statements, verify each column has a name. For other statements, "
                                "look for empty alias names.");
        sqltype type = c->type.id == SQLTYPE_UNKNOWN ? sqltype_of(SQLTYPE_INT) : c->type;
        ES_TRY(engine_new_table_column(t, c->name, type, c->nullable, &column));
        if (!c->identity)
            continue;
        column->identity = true;
        column->seed = 1;
        column->increment = 1;
        column->nullable = false;
    }
    return ENTRASQL_OK;
}

static entrasql_status fill_into(engine_run *run, engine_binder *b, const engine_object *o,
                                 const char *sql_name, const engine_row_set *rows)
{
    ES_CLEANUP(engine_change_done) engine_change_set c = {0};
    ES_TRY(engine_change_bind(&c, b, "INSERT", o, sql_name));
    ES_TRY(engine_change_open(&c));
    const engine_table_column *identity = engine_object_identity(o);
    for (size_t i = 0; i < rows->count; i++) {
        sqlvalue *row = engine_row_set_at(rows, i);
        ES_TRY(engine_change_insert(&c, row, NULL));
        if (identity != NULL && sqltype_is_integer(identity->type.id))
            ES_TRY(engine_identity_seen(run->s, o, row[identity - o->columns].u.i, run->err));
    }
    return identity != NULL ? engine_identity_save(run->s, o, run->err) : ENTRASQL_OK;
}

static entrasql_status select_into(engine_run *run, const tsql_select_stmt *stmt,
                                   engine_row_set *rows)
{
    ES_CLEANUP(engine_binder_done) engine_binder b;
    ES_CLEANUP(engine_plan_done) engine_plan p = {0};
    ES_CLEANUP(engine_new_table_done) engine_new_table t = {0};
    const tsql_object *into = stmt->query->into;
    bool temp = into->name.text[0] == '#';
    int32_t schema = ENGINE_SCHEMA_DBO;
    engine_query *q;
    char sql_name[48];
    ES_TRY(engine_binder_init(&b, run->s, run->err));
    ES_TRY(engine_bind_select(&b, stmt, &q));
    ES_TRY(engine_bind_check(&b));
    if (!temp)
        ES_TRY(engine_need_create(run, "CREATE TABLE", into, &schema));
    else if (engine_temp_find(run->s, into->name.text) != NULL)
        return engine_error(run->err, 2714, 6,
                            "There is already an object named '%s' in the database.",
                            into->name.text);
    ES_TRY(engine_plan_open(&b, q, false, &p));
    ES_TRY(engine_plan_collect(&p, rows, run->err));
    engine_plan_done(&p);
    ES_TRY(engine_new_table_init(&t, run, into->name.text, schema,
                                 temp ? temp_id() : engine_catalog_new_id(run->s->catalog)));
    ES_TRY(define_columns(&t, q));
    const engine_object *o = t.object;
    ES_TRY(temp ? keep_temp(&t) : engine_new_table_create(&t));
    return fill_into(run, &b, o, engine_table_name(run->s, o, sql_name, sizeof sql_name), rows);
}

entrasql_status engine_run_select_into(engine_run *run, const tsql_select_stmt *stmt)
{
    engine_unit unit;
    ES_CLEANUP(engine_row_set_done) engine_row_set rows = {0};
    bool temp = stmt->query->into->name.text[0] == '#' && run->s->tran.count == 0;
    ES_TRY(engine_unit_begin(run->s, !temp, true, &unit, run->err));
    entrasql_status status = select_into(run, stmt, &rows);
    ES_TRY(engine_unit_end(run->s, &unit, status, run->err));
    return engine_run_done(run, ENGINE_CMD_SELECT, rows.count);
}

/* ---- CREATE SCHEMA ---- */

static entrasql_status create_schema(engine_run *run, const tsql_create_schema_stmt *stmt)
{
    engine_session *s = run->s;
    const char *name = stmt->name.text != NULL ? stmt->name.text : stmt->owner.text;
    int32_t owner = s->who.user;
    ES_TRY(engine_need_database(s, "CREATE SCHEMA", run->err));
    if (engine_catalog_schema(s->catalog, name) != NULL)
        return engine_error(run->err, 2714, 6,
                            "There is already an object named '%s' in the database.", name);
    if (stmt->owner.text != NULL) {
        const engine_principal *p = engine_catalog_principal(s->catalog, stmt->owner.text);
        if (p == NULL)
            return engine_error(
                run->err, 15151, 1,
                "Cannot find the user '%s', because it does not exist or you do not "
                "have permission.",
                stmt->owner.text);
        owner = p->id;
    }
    return engine_catalog_add_schema(s->db, name, owner, run->err);
}

entrasql_status engine_run_create_schema(engine_run *run, const tsql_create_schema_stmt *stmt)
{
    engine_unit unit;
    ES_TRY(engine_unit_begin(run->s, true, true, &unit, run->err));
    entrasql_status status = create_schema(run, stmt);
    ES_TRY(engine_unit_end(run->s, &unit, status, run->err));
    return engine_output_done(run->s, ENGINE_CMD_OTHER, false, 0, false);
}
