/* SPDX-License-Identifier: MIT */
/* Writing rows with all their checks. */
#include "engine/change.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "engine/temp.h"
#include "sqltype/convert.h"

#include <stdio.h>
#include <string.h>

enum { SQL_CEILING = 1024 * 1024 };

const char *engine_table_text(const engine_session *s, const engine_object *o, bool with_database,
                              char *dst, size_t size)
{
    const engine_schema *schema = engine_catalog_schema_by_id(s->catalog, o->schema);
    if (o->id < 0) /* #t and @t */
        snprintf(dst, size, "%s%s", with_database && o->name[0] == '#' ? "tempdb.dbo." : "",
                 o->name);
    else
        snprintf(dst, size, "%s%s%s.%s", with_database ? s->database->name : "",
                 with_database ? "." : "", schema != NULL ? schema->name : "dbo", o->name);
    return dst;
}

/* ---- binding ---- */

static engine_source *row_source(engine_binder *b, const engine_object *table, const char *alias)
{
    engine_source *source = NULL;
    if (engine_bind_object(b, table, "", &source) != ENTRASQL_OK)
        return NULL;
    source->kind = ENGINE_SOURCE_ROW;
    source->alias = alias;
    source->schema = NULL;
    source->object = NULL; /* the caller asks for the permissions */
    return source;
}

/* An expression or condition of the table itself sees the new row. */
static entrasql_status bind_on_row(engine_change_set *c, const char *text, bool is_cond,
                                   engine_node **ret)
{
    engine_source *sources[1] = {c->inserted};
    engine_scope scope = {.sources = sources, .count = 1};
    const engine_scope *saved = c->b->scope;
    c->b->scope = &scope;
    entrasql_status status =
        is_cond ? engine_bind_cond_text(c->b, text, ret) : engine_bind_text(c->b, text, ret);
    c->b->scope = saved;
    return status;
}

static entrasql_status bind_check(engine_change_set *c, const engine_object *check)
{
    engine_binder *b = c->b;
    engine_node *cond;
    engine_node *holds = engine_node_list(b, ENGINE_NODE_CASE, 3);
    sqlvalue yes = sqlvalue_int(1);
    sqlvalue no = sqlvalue_int(0);
    c->check_nodes = engine_bind_room(b, c->check_nodes, c->check_count, sizeof(engine_node *));
    c->check_objects =
        engine_bind_room(b, c->check_objects, c->check_count, sizeof(const engine_object *));
    engine_node *negated = engine_node_list(b, ENGINE_NODE_NOT, 1);
    if (holds == NULL || negated == NULL || c->check_nodes == NULL || c->check_objects == NULL)
        return es_nomem(b->err);
    ES_TRY(bind_on_row(c, check->definition, true, &cond));
    /* A check that is unknown is not violated. */
    negated->args[0] = cond;
    holds->args[0] = negated;
    holds->type = no.type;
    ES_TRY(engine_node_const(b, &no, &holds->args[1]));
    ES_TRY(engine_node_const(b, &yes, &holds->args[2]));
    c->check_nodes[c->check_count] = holds;
    c->check_objects[c->check_count++] = check;
    return ENTRASQL_OK;
}

static entrasql_status bind_checks(engine_change_set *c)
{
    for (size_t i = 0; i < c->b->catalog->object_count; i++) {
        const engine_object *o = &c->b->catalog->objects[i];
        if (o->parent == c->table->id && o->type == ENGINE_OBJECT_CHECK && !o->disabled &&
            c->table->id > 0)
            ES_TRY(bind_check(c, o));
    }
    return ENTRASQL_OK;
}

entrasql_status engine_change_bind(engine_change_set *c, engine_binder *b, const char *verb,
                                   const engine_object *table, const char *sql_name)
{
    c->b = b;
    c->verb = verb;
    c->table = table;
    c->is_temp = engine_temp_is(b->s, table);
    c->sql_name = engine_bind_strdup(b, sql_name);
    c->inserted = row_source(b, table, "inserted");
    c->deleted = row_source(b, table, "deleted");
    if (c->sql_name == NULL || c->inserted == NULL || c->deleted == NULL)
        return es_nomem(b->err);
    return strcmp(verb, "DELETE") == 0 ? ENTRASQL_OK : bind_checks(c);
}

/* ---- statements ---- */

static entrasql_status prepare(engine_change_set *c, es_buf *sql, entrasql_status status,
                               sqlite3_stmt **ret)
{
    if (status == ENTRASQL_OK)
        status = engine_db_prepare(c->b->s->db, (const char *)sql->data, sql->len, ret, c->b->err);
    else
        es_nomem(c->b->err);
    es_buf_done(sql);
    return status;
}

/* The rowid is the first parameter of all three. */
static entrasql_status prepare_insert(engine_change_set *c)
{
    es_buf sql = ES_BUF_INIT(SQL_CEILING);
    size_t count = c->table->column_count;
    entrasql_status status = es_buf_printf(&sql, "INSERT INTO %s(rowid", c->sql_name);
    for (size_t i = 0; i < count && status == ENTRASQL_OK; i++)
        status = es_buf_printf(&sql, ",c%d", (int)c->table->columns[i].id);
    if (status == ENTRASQL_OK)
        status = es_buf_add_str(&sql, ") VALUES(?1");
    for (size_t i = 0; i < count && status == ENTRASQL_OK; i++)
        status = es_buf_printf(&sql, ",?%zu", i + 2);
    if (status == ENTRASQL_OK)
        status = es_buf_add_str(&sql, ")");
    return prepare(c, &sql, status, &c->insert);
}

static entrasql_status prepare_update(engine_change_set *c)
{
    es_buf sql = ES_BUF_INIT(SQL_CEILING);
    entrasql_status status = es_buf_printf(&sql, "UPDATE %s SET ", c->sql_name);
    for (size_t i = 0; i < c->table->column_count && status == ENTRASQL_OK; i++)
        status = es_buf_printf(&sql, "%sc%d=?%zu", i == 0 ? "" : ",", (int)c->table->columns[i].id,
                               i + 2);
    if (status == ENTRASQL_OK)
        status = es_buf_add_str(&sql, " WHERE rowid=?1");
    return prepare(c, &sql, status, &c->update);
}

static entrasql_status prepare_remove(engine_change_set *c)
{
    es_buf sql = ES_BUF_INIT(SQL_CEILING);
    entrasql_status status = es_buf_printf(&sql, "DELETE FROM %s WHERE rowid=?1", c->sql_name);
    return prepare(c, &sql, status, &c->remove);
}

static entrasql_status open_computed(engine_change_set *c)
{
    engine_node **nodes = NULL;
    for (size_t i = 0; i < c->table->column_count; i++) {
        const engine_table_column *column = &c->table->columns[i];
        if (column->computed == NULL)
            continue;
        nodes = engine_bind_room(c->b, nodes, c->computed_count, sizeof(engine_node *));
        if (nodes == NULL)
            return es_nomem(c->b->err);
        ES_TRY(bind_on_row(c, column->computed, false, &nodes[c->computed_count]));
        ES_TRY(engine_bind_cast(c->b, &nodes[c->computed_count], column->type, ENGINE_CAST_EXPLICIT,
                                NULL));
        c->computed_count++;
    }
    if (c->computed_count == 0)
        return ENTRASQL_OK;
    return engine_plan_nodes(c->b, nodes, c->computed_count, &c->computed);
}

entrasql_status engine_change_open(engine_change_set *c)
{
    bool deletes = strcmp(c->verb, "DELETE") == 0;
    ES_TRY(prepare_remove(c));
    if (!deletes) {
        ES_TRY(prepare_insert(c));
        ES_TRY(prepare_update(c));
        ES_TRY(open_computed(c));
        if (c->check_count != 0)
            ES_TRY(engine_plan_nodes(c->b, c->check_nodes, c->check_count, &c->checks));
    }
    for (size_t i = 0; i < c->returning_count; i++)
        ES_TRY(engine_plan_open(c->b, c->returning[i].query, false, &c->returning[i].plan));
    return ENTRASQL_OK;
}

/* ---- values ---- */

static entrasql_status too_long(engine_change_set *c, const engine_table_column *column,
                                sqlvalue *v)
{
    char table[600];
    if (sqlvalue_fit_length(v) != ENTRASQL_OK)
        return es_nomem(c->b->err);
    char part[ENTRASQL_ERROR_MESSAGE_SIZE / 4];
    es_printable(part, sizeof part, v->u.s.data, v->u.s.len);
    return engine_error(c->b->err, 2628, 1,
                        "String or binary data would be truncated in table '%s', column '%s'. "
                        "Truncated value: '%s'.",
                        engine_table_text(c->b->s, c->table, true, table, sizeof table),
                        column->name, part);
}

entrasql_status engine_change_value(engine_change_set *c, const engine_table_column *column,
                                    const sqlvalue *v, sqlvalue *ret)
{
    sqltype_convert_options options = SQLTYPE_CONVERT_DEFAULT;
    options.order = c->b->s->set.dateformat;
    options.keep_length = true;
    sqlvalue converted;
    if (!v->is_null)
        ES_TRY(sqltype_check_conversion(v->type, column->type, false, c->b->err));
    ES_TRY(sqltype_convert(v, column->type, &options, &converted, c->b->err));
    if (!converted.is_null &&
        (sqltype_is_string(column->type.id) ||
         (sqltype_is_binary(column->type.id) && column->type.id != SQLTYPE_ROWVERSION)) &&
        sqlvalue_is_too_long(&converted)) {
        entrasql_status status = too_long(c, column, &converted);
        sqlvalue_done(&converted);
        return status;
    }
    /* char, nchar and binary are padded to their length. */
    if (!converted.is_null &&
        (column->type.id == SQLTYPE_CHAR || column->type.id == SQLTYPE_NCHAR ||
         column->type.id == SQLTYPE_BINARY) &&
        sqlvalue_fit_length(&converted) != ENTRASQL_OK) {
        sqlvalue_done(&converted);
        return es_nomem(c->b->err);
    }
    *ret = converted;
    return ENTRASQL_OK;
}

/* ---- checks of one row ---- */

static entrasql_status check_nulls(engine_change_set *c, const sqlvalue *row)
{
    char table[600];
    for (size_t i = 0; i < c->table->column_count; i++) {
        if (!row[i].is_null || c->table->columns[i].nullable)
            continue;
        return engine_error(
            c->b->err, 515, 2,
            "Cannot insert the value NULL into column '%s', table '%s'; column does "
            "not allow nulls. %s fails.",
            c->table->columns[i].name,
            engine_table_text(c->b->s, c->table, true, table, sizeof table),
            c->merges ? c->action : c->verb);
    }
    return ENTRASQL_OK;
}

struct named_columns {
    const char *name;
    size_t count;
};

/* Counts the columns that a check names. */
static bool visit_columns(void *ctx, engine_node *node)
{
    struct named_columns *found = ctx;
    if (node->kind == ENGINE_NODE_COLUMN && node->source->kind == ENGINE_SOURCE_ROW) {
        const char *name = node->source->columns[node->index].name;
        if (found->name == NULL || !es_streq(found->name, name))
            found->count++;
        found->name = name;
    }
    return true;
}

static entrasql_status check_failed(engine_change_set *c, size_t at)
{
    struct named_columns found = {NULL, 0};
    char table[600];
    char column[160] = "";
    engine_node_walk(c->check_nodes[at], visit_columns, &found);
    if (found.count == 1)
        snprintf(column, sizeof column, ", column '%s'", found.name);
    return engine_error(
        c->b->err, 547, 0,
        "The %s statement conflicted with the CHECK constraint \"%s\". The conflict "
        "occurred in database \"%s\", table \"%s\"%s.",
        c->verb, c->check_objects[at]->name, c->b->s->database->name,
        engine_table_text(c->b->s, c->table, false, table, sizeof table), column);
}

static entrasql_status run_checks(engine_change_set *c, const sqlvalue *row)
{
    bool found = false;
    if (c->check_count == 0)
        return ENTRASQL_OK;
    c->inserted->values = row;
    ES_TRY(engine_plan_start(&c->checks, c->b->err));
    ES_TRY(engine_plan_step(&c->checks, &found, c->b->err));
    for (size_t i = 0; found && i < c->check_count; i++) {
        if (c->checks.row[i].u.i == 0)
            return check_failed(c, i);
    }
    return ENTRASQL_OK;
}

static entrasql_status fill_computed(engine_change_set *c, sqlvalue *row)
{
    bool found = false;
    size_t k = 0;
    if (c->computed_count == 0)
        return ENTRASQL_OK;
    c->inserted->values = row;
    ES_TRY(engine_plan_start(&c->computed, c->b->err));
    ES_TRY(engine_plan_step(&c->computed, &found, c->b->err));
    for (size_t i = 0; found && i < c->table->column_count; i++) {
        if (c->table->columns[i].computed == NULL)
            continue;
        sqlvalue_done(&row[i]);
        if (sqlvalue_copy(&row[i], &c->computed.row[k++]) != ENTRASQL_OK)
            return es_nomem(c->b->err);
    }
    return ENTRASQL_OK;
}

/* ---- OUTPUT ---- */

static entrasql_status add_returning(engine_change_set *c, const sqlvalue *old, const sqlvalue *row,
                                     const sqlvalue *extra)
{
    c->deleted->values = old;
    c->inserted->values = row;
    if (c->merges) {
        c->action_value = sqlvalue_nvarchar(c->action, strlen(c->action));
        c->action_source->values = &c->action_value;
    }
    if (c->extra != NULL)
        c->extra->values = extra;
    for (size_t i = 0; i < c->returning_count; i++) {
        engine_returning *r = &c->returning[i];
        bool found = false;
        ES_TRY(engine_plan_start(&r->plan, c->b->err));
        ES_TRY(engine_plan_step(&r->plan, &found, c->b->err));
        r->rows.width = r->plan.column_count;
        if (found)
            ES_TRY(engine_row_set_add(&r->rows, r->plan.row, c->b->err));
    }
    return ENTRASQL_OK;
}

/* ---- writing ---- */

static entrasql_status bind_row(engine_change_set *c, sqlite3_stmt *stmt, const sqlvalue *row)
{
    for (size_t i = 0; row != NULL && i < c->table->column_count; i++) {
        entrasql_status status = engine_store_bind(stmt, (int)i + 2, &row[i]);
        if (status == ENTRASQL_NOMEM)
            return es_nomem(c->b->err);
        if (status != ENTRASQL_OK)
            return engine_error(c->b->err, 8631, 1, "A value is too long for the engine.");
    }
    return ENTRASQL_OK;
}

static entrasql_status write_row(engine_change_set *c, sqlite3_stmt *stmt, const sqlvalue *row)
{
    bool found;
    sqlite3_reset(stmt);
    ES_TRY(bind_row(c, stmt, row));
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_DONE) {
        sqlite3_reset(stmt);
        return ENTRASQL_OK;
    }
    found = (rc & 0xFF) == SQLITE_CONSTRAINT;
    entrasql_status status = found ? ENTRASQL_OK : engine_db_fail(c->b->s->db, rc, c->b->err);
    if (!found)
        engine_session_explain(c->b->s, c->b->err);
    sqlite3_reset(stmt);
    return found ? engine_change_explain_key(c, row) : status;
}

entrasql_status engine_change_insert(engine_change_set *c, sqlvalue *row, const sqlvalue *extra)
{
    ES_TRY(fill_computed(c, row));
    ES_TRY(check_nulls(c, row));
    ES_TRY(run_checks(c, row));
    sqlite3_bind_null(c->insert, 1);
    ES_TRY(write_row(c, c->insert, row));
    return add_returning(c, c->merges ? c->nulls : row, row, extra);
}

entrasql_status engine_change_update(engine_change_set *c, int64_t rowid, const sqlvalue *old,
                                     sqlvalue *row, const sqlvalue *extra, bool fresh)
{
    sqlite3_stmt *stmt = fresh ? c->insert : c->update;
    ES_TRY(fill_computed(c, row));
    ES_TRY(check_nulls(c, row));
    ES_TRY(run_checks(c, row));
    sqlite3_reset(stmt);
    sqlite3_bind_int64(stmt, 1, rowid);
    ES_TRY(write_row(c, stmt, row));
    return add_returning(c, old, row, extra);
}

entrasql_status engine_change_delete(engine_change_set *c, int64_t rowid, const sqlvalue *old,
                                     const sqlvalue *extra, bool quiet)
{
    sqlite3_reset(c->remove);
    sqlite3_bind_int64(c->remove, 1, rowid);
    ES_TRY(write_row(c, c->remove, NULL));
    return quiet ? ENTRASQL_OK : add_returning(c, old, c->merges ? c->nulls : old, extra);
}

void engine_change_done(engine_change_set *c)
{
    engine_plan_done(&c->checks);
    engine_plan_done(&c->computed);
    for (size_t i = 0; i < c->returning_count; i++) {
        engine_plan_done(&c->returning[i].plan);
        engine_row_set_done(&c->returning[i].rows);
    }
    sqlite3_finalize(c->insert);
    sqlite3_finalize(c->update);
    sqlite3_finalize(c->remove);
    c->insert = NULL;
    c->update = NULL;
    c->remove = NULL;
}
