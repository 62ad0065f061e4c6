/* SPDX-License-Identifier: MIT */
/* Catalog views: writing their rows, finding one by name, SQLite's virtual table. */
#include "engine/view.h"

#include "base/mem.h"
#include "base/str.h"
#include "engine/function.h"
#include "engine/views_sys.h"
#include "sqltype/collation.h"
#include "sqltype/convert.h"

#include <stdio.h>
#include <string.h>

/* ---- writing rows ---- */

static size_t column_count(const engine_rows *rows)
{
    return rows->view->column_count;
}

/* Room for one more value; NULL: no memory, now or before. */
static sqlvalue *next(engine_rows *rows)
{
    if (rows->status != ENTRASQL_OK)
        return NULL;
    if (rows->count == rows->room) {
        size_t room = rows->room == 0 ? 64 : rows->room * 2;
        sqlvalue *grown = es_reallocarray(rows->values, room, sizeof *grown);
        if (grown == NULL) {
            rows->status = ENTRASQL_NOMEM;
            return NULL;
        }
        rows->values = grown;
        rows->room = room;
    }
    const engine_view_column *column = &rows->view->columns[rows->count % column_count(rows)];
    sqlvalue *v = &rows->values[rows->count++];
    *v = sqlvalue_null(engine_view_type(column));
    return v;
}

void engine_row_null(engine_rows *rows)
{
    (void)next(rows);
}

void engine_row_int(engine_rows *rows, int64_t value)
{
    sqlvalue *v = next(rows);
    if (v == NULL)
        return;
    v->is_null = false;
    v->u.i = value;
}

void engine_row_binary(engine_rows *rows, const void *p, size_t n)
{
    sqlvalue *v = next(rows);
    if (v != NULL && sqlvalue_own(v->type, p, n, v) != ENTRASQL_OK) {
        *v = sqlvalue_null(v->type);
        rows->status = ENTRASQL_NOMEM;
    }
}

void engine_row_text(engine_rows *rows, const char *s)
{
    if (s == NULL)
        engine_row_null(rows);
    else
        engine_row_binary(rows, s, strlen(s));
}

void engine_row_ticks(engine_rows *rows, int64_t ticks)
{
    sqlvalue *v = next(rows);
    if (v == NULL)
        return;
    v->is_null = false;
    v->u.ticks = ticks;
}

void engine_row_value(engine_rows *rows, const sqlvalue *value)
{
    sqlvalue *v = next(rows);
    if (v == NULL || value->is_null)
        return;
    sqlvalue converted;
    sqltype type = v->type;
    entrasql_status status = sqltype_convert(value, type, NULL, &converted, NULL);
    if (status == ENTRASQL_OK)
        *v = converted;
    else
        rows->status = status;
}

entrasql_status engine_rows_status(const engine_rows *rows)
{
    if (rows->status == ENTRASQL_OK && rows->count % column_count(rows) != 0)
        return ENTRASQL_INTERNAL; /* a fill function that forgets a column */
    return rows->status;
}

void engine_rows_done(engine_rows *rows)
{
    for (size_t i = 0; i < rows->count; i++)
        sqlvalue_done(&rows->values[i]);
    es_free(rows->values);
    *rows = (engine_rows){0};
}

/* ---- finding ---- */

static const engine_views *const lists[] = {
    &engine_views_objects, &engine_views_keys,     &engine_views_security,
    &engine_views_server,  &engine_views_schema,   &engine_views_functions,
    &engine_views_json,    &engine_views_property, &engine_views_absent};

const engine_view *engine_view_at(size_t i)
{
    for (size_t k = 0; k < ES_COUNT_OF(lists); k++) {
        if (i < lists[k]->count)
            return &lists[k]->items[i];
        i -= lists[k]->count;
    }
    return NULL;
}

const engine_view *engine_view_find(const char *schema, const char *name)
{
    const engine_view *view;
    for (size_t i = 0; (view = engine_view_at(i)) != NULL; i++) {
        if (!view->inner && sqlcollation_equal_names(view->schema, schema) &&
            sqlcollation_equal_names(view->name, name))
            return view;
    }
    return NULL;
}

const engine_view *engine_view_inner(const char *name)
{
    const engine_view *view;
    for (size_t i = 0; (view = engine_view_at(i)) != NULL; i++) {
        if (view->inner && strcmp(view->name, name) == 0)
            return view;
    }
    return NULL;
}

static size_t number_of(const engine_view *view)
{
    size_t i = 0;
    while (engine_view_at(i) != view)
        i++;
    return i;
}

int32_t engine_view_object_id(const engine_view *view)
{
    return -100 - (int32_t)number_of(view);
}

const char *engine_view_sql_name(const engine_view *view, char *dst, size_t size)
{
    (void)snprintf(dst, size, "es_v%zu", number_of(view));
    return dst;
}

/* "name(length)"; the types here are few and right, so nothing can fail. */
sqltype engine_view_type(const engine_view_column *column)
{
    const char *text = column->type;
    size_t n = strcspn(text, "(");
    sqltype type = {0};
    if (!sqltype_by_name(text, n, &type.id))
        return type;
    uint64_t length = 0;
    if (es_strcaseeq(text, "sysname"))
        type.length = 128;
    else if (strcmp(text + n, "(max)") == 0)
        type.length = SQLTYPE_MAX;
    else if (text[n] == '(' &&
             es_parse_u64(text + n + 1, strcspn(text + n + 1, ")"), 8000, &length) == ENTRASQL_OK)
        type.length = (uint32_t)length;
    return type;
}

/* ---- the virtual table ---- */

typedef struct module_context {
    engine_session *s;
    const engine_view *view;
} module_context;

typedef struct table {
    sqlite3_vtab base;
    const module_context *context;
} table;

typedef struct cursor {
    sqlite3_vtab_cursor base;
    engine_rows rows;
    size_t at; /* row */
} cursor;

static const engine_view *view_of(const sqlite3_vtab *base)
{
    return ((const table *)base)->context->view;
}

/* CREATE TABLE x(c1, c2, ..., a1 HIDDEN, ...): the arguments of a table function are hidden. */
static int declare(sqlite3 *db, const engine_view *view)
{
    es_buf sql = ES_BUF_INIT(8192);
    entrasql_status status = es_buf_add_str(&sql, "CREATE TABLE x(");
    for (size_t i = 0; i < view->column_count && status == ENTRASQL_OK; i++)
        status = es_buf_printf(&sql, "%sc%zu", i == 0 ? "" : ", ", i + 1);
    for (size_t i = 0; i < view->arg_count && status == ENTRASQL_OK; i++)
        status = es_buf_printf(&sql, ", a%zu HIDDEN", i + 1);
    if (status == ENTRASQL_OK)
        status = es_buf_add_str(&sql, ")");
    const char *text = status == ENTRASQL_OK ? es_buf_cstr(&sql) : NULL;
    int rc = text != NULL ? sqlite3_declare_vtab(db, text) : SQLITE_NOMEM;
    es_buf_done(&sql);
    return rc;
}

static int on_connect(sqlite3 *db, void *aux, int argc, const char *const *argv, sqlite3_vtab **ret,
                      char **ret_error)
{
    (void)argc;
    (void)argv;
    (void)ret_error;
    const module_context *context = aux;
    int rc = declare(db, context->view);
    if (rc != SQLITE_OK)
        return rc;
    table *t = es_calloc(1, sizeof *t);
    if (t == NULL)
        return SQLITE_NOMEM;
    t->context = context;
    *ret = &t->base;
    return SQLITE_OK;
}

static int on_disconnect(sqlite3_vtab *base)
{
    es_free(base);
    return SQLITE_OK;
}

/* A scan in any case; the arguments of a table function, the first ones given, come first. */
static int on_best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
    const engine_view *view = view_of(base);
    for (int i = 0; i < info->nConstraint; i++) {
        int place = info->aConstraint[i].iColumn - (int)view->column_count;
        if (place < 0 || info->aConstraint[i].op != SQLITE_INDEX_CONSTRAINT_EQ)
            continue;
        if (info->aConstraint[i].usable == 0)
            return SQLITE_CONSTRAINT;
        info->aConstraintUsage[i].argvIndex = place + 1;
        info->aConstraintUsage[i].omit = 1;
    }
    info->estimatedCost = 1000.0;
    info->estimatedRows = 200;
    return SQLITE_OK;
}

static int on_open(sqlite3_vtab *base, sqlite3_vtab_cursor **ret)
{
    (void)base;
    cursor *c = es_calloc(1, sizeof *c);
    if (c == NULL)
        return SQLITE_NOMEM;
    *ret = &c->base;
    return SQLITE_OK;
}

static int on_close(sqlite3_vtab_cursor *base)
{
    cursor *c = (cursor *)base;
    engine_rows_done(&c->rows);
    es_free(c);
    return SQLITE_OK;
}

enum { ARGS_MAX = 16 };

static entrasql_status read_args(sqlite3_value **argv, int argc, sqlvalue args[ARGS_MAX])
{
    const sqltype type = {.id = SQLTYPE_NVARCHAR, .length = SQLTYPE_MAX};
    for (int i = 0; i < argc; i++)
        ES_TRY(engine_store_read(argv[i], type, &args[i]));
    return ENTRASQL_OK;
}

static int on_filter(sqlite3_vtab_cursor *base, int number, const char *text, int argc,
                     sqlite3_value **argv)
{
    (void)number;
    (void)text;
    cursor *c = (cursor *)base;
    const module_context *context = ((const table *)base->pVtab)->context;
    bool same_again = c->rows.view != NULL && context->view->arg_count == 0;
    c->at = 0;
    if (same_again) /* the next round of a join: the rows are those of the first */
        return SQLITE_OK;
    sqlvalue args[ARGS_MAX];
    if (argc > ARGS_MAX)
        return SQLITE_INTERNAL;
    entrasql_error err;
    es_error_clear(&err);
    entrasql_status status = read_args(argv, argc, args);
    engine_rows_done(&c->rows);
    c->rows = (engine_rows){.s = context->s,
                            .view = context->view,
                            .args = args,
                            .arg_count = (size_t)argc,
                            .err = &err};
    if (status == ENTRASQL_OK)
        status = context->view->fill(&c->rows);
    c->rows.args = NULL;
    c->rows.err = NULL;
    if (status == ENTRASQL_OK)
        status = engine_rows_status(&c->rows);
    if (status == ENTRASQL_OK)
        return SQLITE_OK;
    if (status == ENTRASQL_SQL_ERROR) {
        engine_function_keep(context->s, &err);
        return SQLITE_ERROR;
    }
    return status == ENTRASQL_NOMEM ? SQLITE_NOMEM : SQLITE_INTERNAL;
}

static int on_next(sqlite3_vtab_cursor *base)
{
    ((cursor *)base)->at++;
    return SQLITE_OK;
}

static int on_eof(sqlite3_vtab_cursor *base)
{
    const cursor *c = (const cursor *)base;
    return c->at * column_count(&c->rows) >= c->rows.count ? 1 : 0;
}

static int on_column(sqlite3_vtab_cursor *base, sqlite3_context *result, int column)
{
    const cursor *c = (const cursor *)base;
    size_t columns = column_count(&c->rows);
    if ((size_t)column < columns) /* else an argument, which nobody asks back */
        engine_store_result(result, &c->rows.values[c->at * columns + (size_t)column]);
    return SQLITE_OK;
}

static int on_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *ret)
{
    *ret = (sqlite3_int64)((const cursor *)base)->at;
    return SQLITE_OK;
}

/* No xCreate: the table is there under its module's name, and only so. */
static const sqlite3_module module = {
    .iVersion = 1,
    .xConnect = on_connect,
    .xDisconnect = on_disconnect,
    .xBestIndex = on_best_index,
    .xOpen = on_open,
    .xClose = on_close,
    .xFilter = on_filter,
    .xNext = on_next,
    .xEof = on_eof,
    .xColumn = on_column,
    .xRowid = on_rowid,
};

int engine_views_register(engine_session *s)
{
    const engine_view *view;
    for (size_t i = 0; (view = engine_view_at(i)) != NULL; i++) {
        char name[32];
        module_context *context = es_calloc(1, sizeof *context);
        if (context == NULL)
            return SQLITE_NOMEM;
        *context = (module_context){.s = s, .view = view};
        /* SQLite frees the context, also when the call fails. */
        int rc = sqlite3_create_module_v2(s->db, engine_view_sql_name(view, name, sizeof name),
                                          &module, context, es_free);
        if (rc != SQLITE_OK)
            return rc;
    }
    return SQLITE_OK;
}
