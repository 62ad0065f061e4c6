/* SPDX-License-Identifier: MIT */
/* OPENJSON as a source, FOR JSON around a query. */
#include "engine/bind.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "engine/jsontext.h"
#include "engine/view.h"
#include "tsql/type.h"

#include <string.h>

/* ---- OPENJSON ---- */

static entrasql_status bind_args(engine_binder *b, const tsql_call *call, engine_source *source)
{
    if (call->args.count == 0 || call->args.count > 2)
        return engine_error(b->err, 174, 1, "The openjson function requires 1 to 2 arguments.");
    source->args = engine_bind_alloc(b, 2 * sizeof(engine_node *));
    if (source->args == NULL)
        return es_nomem(b->err);
    for (size_t i = 0; i < call->args.count; i++) {
        ES_TRY(engine_bind_expr(b, call->args.items[i], &source->args[i]));
        ES_TRY(engine_bind_cast(b, &source->args[i], sqltype_string(SQLTYPE_NVARCHAR, SQLTYPE_MAX),
                                ENGINE_CAST_IMPLICIT, NULL));
        source->arg_count++;
    }
    return ENTRASQL_OK;
}

/* "$.name" with quotes, for a column without a path. */
static entrasql_status default_path(engine_binder *b, const char *name, const char **ret)
{
    ES_CLEANUP(es_buf_done) es_buf path = ES_BUF_INIT(4096);
    if (es_buf_add_str(&path, "$.\"") != ENTRASQL_OK ||
        es_buf_add_str(&path, name) != ENTRASQL_OK || es_buf_add_str(&path, "\"") != ENTRASQL_OK)
        return es_nomem(b->err);
    *ret = engine_bind_strdup(b, es_buf_cstr(&path));
    return *ret != NULL ? ENTRASQL_OK : es_nomem(b->err);
}

static entrasql_status bind_column(engine_binder *b, const tsql_json_column *column, size_t ordinal,
                                   engine_node *text, engine_bound_column *ret_column,
                                   engine_node **ret)
{
    sqltype type;
    const char *path = column->path;
    ES_TRY(
        tsql_type_resolve(&column->type, TSQL_LENGTH_DECLARED, (uint32_t)ordinal, &type, b->err));
    if (path == NULL)
        ES_TRY(default_path(b, column->name.text, &path));
    if (column->as_json && (type.id != SQLTYPE_NVARCHAR || type.length != SQLTYPE_MAX))
        return engine_error(b->err, 13618, 1,
                            "AS JSON option can be specified only for column of nvarchar(max) type "
                            "in WITH clause.");
    engine_node *args[2] = {text, NULL};
    sqlvalue v = sqlvalue_nvarchar(path, strlen(path));
    ES_TRY(engine_node_const(b, &v, &args[1]));
    const sqltype max = sqltype_string(SQLTYPE_NVARCHAR, SQLTYPE_MAX);
    if (column->as_json) {
        engine_node *node = engine_node_list(b, ENGINE_NODE_CALL, 2);
        if (node == NULL)
            return es_nomem(b->err);
        node->builtin = engine_builtin_find("JSON_QUERY", false);
        node->args[0] = args[0];
        node->args[1] = args[1];
        node->type = max;
        node->nullable = true;
        *ret = node;
    } else {
        ES_TRY(engine_node_call(b, "JSON_SCALAR", max, args, 2, ret));
    }
    *ret_column = (engine_bound_column){.name = column->name.text, .type = type, .nullable = true};
    return engine_bind_cast(b, ret, type, ENGINE_CAST_IMPLICIT, NULL);
}

static entrasql_status bind_with_list(engine_binder *b, const tsql_source *from,
                                      engine_source *source)
{
    size_t count = from->json_column_count;
    engine_node *text = engine_node_of(b, source, 0);
    engine_bound_column *columns = engine_bind_alloc(b, (count + 1) * sizeof *columns);
    engine_node **exprs = engine_bind_alloc(b, (count + 1) * sizeof(engine_node *));
    if (text == NULL || columns == NULL || exprs == NULL)
        return es_nomem(b->err);
    for (size_t i = 0; i < count; i++)
        ES_TRY(bind_column(b, &from->json_columns[i], i + 1, text, &columns[i], &exprs[i]));
    source->columns = columns;
    source->column_count = count;
    source->exprs = exprs;
    return ENTRASQL_OK;
}

entrasql_status engine_bind_openjson(engine_binder *b, const tsql_source *from, engine_source **ret)
{
    bool listed = from->json_column_count != 0;
    const engine_view *view = engine_view_inner(listed ? "OPENJSON_TEXTS" : "OPENJSON");
    ES_TRY(engine_bind_system_view(b, view, ret));
    (*ret)->alias = "OPENJSON";
    (*ret)->schema = NULL;
    ES_TRY(bind_args(b, from->call, *ret));
    return listed ? bind_with_list(b, from, *ret) : ENTRASQL_OK;
}

/* ---- FOR JSON ---- */

static const engine_source *only_source(const engine_source *from)
{
    return from != NULL && from->kind != ENGINE_SOURCE_JOIN ? from : NULL;
}

static bool fits(const char *name)
{
    return strchr(name, ENGINE_JSON_SEPARATOR) == NULL;
}

/* Options, the root's name, then the columns' names, all behind separators. */
static entrasql_status write_spec(engine_binder *b, const tsql_for *clause, const engine_query *q,
                                  es_buf *spec)
{
    bool is_auto = es_strcaseeq(clause->mode, "AUTO");
    if (es_buf_printf(
            spec, "%s%s%s%s%c%s", is_auto ? "A" : "P", clause->include_null_values ? "N" : "",
            clause->without_array_wrapper ? "W" : "", clause->root != NULL ? "R" : "",
            ENGINE_JSON_SEPARATOR, clause->root != NULL ? clause->root : "") != ENTRASQL_OK)
        return es_nomem(b->err);
    for (size_t i = 0; i < q->column_count; i++) {
        const char *name = q->columns[i].name;
        if (name == NULL || name[0] == '\0')
            return engine_error(b->err, 13605, 1,
                                "Column expressions and data sources without names or aliases "
                                "cannot be formatted as JSON text using FOR JSON clause. Add alias "
                                "to the unnamed column or table.");
        if (!fits(name))
            return engine_unsupported(b->err, "FOR JSON of such a column name");
        if (es_buf_printf(spec, "%c%s", ENGINE_JSON_SEPARATOR, name) != ENTRASQL_OK)
            return es_nomem(b->err);
    }
    return ENTRASQL_OK;
}

entrasql_status engine_bind_for_json(engine_binder *b, const tsql_for *clause, engine_query *q)
{
    ES_CLEANUP(es_buf_done) es_buf spec = ES_BUF_INIT(1024 * 1024);
    bool is_auto = es_strcaseeq(clause->mode, "AUTO");
    if (q->is_set || q->column_count > ENGINE_JSON_COLUMNS_MAX ||
        (is_auto && only_source(q->from) == NULL))
        return engine_unsupported(b->err, is_auto     ? "FOR JSON AUTO over a join"
                                          : q->is_set ? "FOR JSON over UNION"
                                                      : "FOR JSON of so many columns");
    if (clause->without_array_wrapper && clause->root != NULL)
        return engine_error(b->err, 13620, 1,
                            "ROOT option and WITHOUT_ARRAY_WRAPPER option cannot be used together "
                            "in FOR JSON. Remove one of these options.");
    ES_TRY(write_spec(b, clause, q, &spec));
    q->json = engine_bind_strdup(b, es_buf_cstr(&spec));
    q->json_raw = engine_bind_alloc(b, (q->item_count + 1) * sizeof(bool));
    engine_bound_column *column = engine_bind_alloc(b, sizeof *column);
    if (q->json == NULL || q->json_raw == NULL || column == NULL)
        return es_nomem(b->err);
    for (size_t i = 0; i < q->item_count; i++) {
        if (q->items[i].node->type.id == SQLTYPE_UNKNOWN)
            ES_TRY(engine_bind_cast(b, &q->items[i].node, sqltype_of(SQLTYPE_INT),
                                    ENGINE_CAST_IMPLICIT, NULL));
        q->json_raw[i] = engine_json_is_result(q->items[i].node);
    }
    *column = (engine_bound_column){
        .name = "JSON_F52E2B61-18A1-11d1-B105-00805F49916B",
        .type = sqltype_string(SQLTYPE_NVARCHAR, SQLTYPE_MAX),
        .nullable = true,
        .computed = true,
    };
    q->columns = column;
    q->column_count = 1;
    return ENTRASQL_OK;
}
