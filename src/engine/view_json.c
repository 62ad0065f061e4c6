/* SPDX-License-Identifier: MIT */
/* OPENJSON(json [, path]): key, value and type; or each row's text, for its WITH list. */
#include "engine/jsontext.h"
#include "engine/views_sys.h"

#include <stdio.h>
#include <string.h>

enum { TEXT_CEILING = 256 * 1024 * 1024 };

static const engine_view_column json_columns[] = {
    {"key", "nvarchar(4000)", false},
    {"value", "nvarchar(max)", true},
    {"type", "tinyint", false},
};

/* The value that the path leads to; *ret_found false: no rows. */
static entrasql_status find_root(engine_rows *r, engine_json *ret, bool *ret_found)
{
    engine_json_path path = {0};
    engine_json root;
    *ret_found = false;
    if (r->arg_count == 0 || r->args[0].is_null || (r->arg_count > 1 && r->args[1].is_null))
        return ENTRASQL_OK;
    if (r->arg_count > 1)
        ES_TRY(engine_json_path_parse(r->args[1].u.s.data, r->args[1].u.s.len, &path, r->err));
    ES_TRY(engine_json_parse(r->args[0].u.s.data, r->args[0].u.s.len, &root, r->err));
    *ret_found = engine_json_find(&root, &path, path.count, ret);
    if (*ret_found && (ret->type == ENGINE_JSON_OBJECT || ret->type == ENGINE_JSON_ARRAY))
        return ENTRASQL_OK;
    bool missing = !*ret_found;
    *ret_found = false;
    if (!path.strict)
        return ENTRASQL_OK;
    return missing ? engine_error(r->err, 13608, 3,
                                  "Property cannot be found on the specified JSON path.")
                   : engine_error(r->err, 13611, 1,
                                  "Value referenced by JSON path is not an array or object and "
                                  "cannot be opened with OPENJSON.");
}

static void row_plain(engine_rows *r, const engine_json *v)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(TEXT_CEILING);
    if (engine_json_unquote(v, &text) != ENTRASQL_OK)
        r->status = ENTRASQL_NOMEM;
    else
        engine_row_binary(r, text.data != NULL ? (const void *)text.data : "", text.len);
}

static entrasql_status fill_json(engine_rows *r)
{
    engine_json root;
    engine_json_walk w;
    bool found;
    char index[24];
    ES_TRY(find_root(r, &root, &found));
    if (!found)
        return engine_rows_status(r);
    engine_json_walk_begin(&w, &root);
    for (size_t i = 0; engine_json_walk_next(&w); i++) {
        (void)snprintf(index, sizeof index, "%zu", i);
        if (w.object)
            row_plain(r, &w.key);
        else
            engine_row_text(r, index);
        if (w.value.type == ENGINE_JSON_NULL)
            engine_row_null(r);
        else
            row_plain(r, &w.value);
        engine_row_int(r, w.value.type);
    }
    return engine_rows_status(r);
}

/* ---- for WITH: an array gives its elements, an object itself ---- */

static const engine_view_column text_columns[] = {{"text", "nvarchar(max)", false}};

static entrasql_status fill_texts(engine_rows *r)
{
    engine_json root;
    engine_json_walk w;
    bool found;
    ES_TRY(find_root(r, &root, &found));
    if (found && root.type == ENGINE_JSON_OBJECT)
        engine_row_binary(r, root.text, root.n);
    if (!found || root.type == ENGINE_JSON_OBJECT)
        return engine_rows_status(r);
    engine_json_walk_begin(&w, &root);
    while (engine_json_walk_next(&w))
        engine_row_binary(r, w.value.text, w.value.n);
    return engine_rows_status(r);
}

#define FUNCTION(view_name, view_columns, view_fill)                                               \
    {                                                                                              \
        .schema = "sys", .name = (view_name), .columns = (view_columns),                           \
        .column_count = ES_COUNT_OF(view_columns), .arg_count = 2, .fill = (view_fill),            \
        .inner = true                                                                              \
    }

static const engine_view views[] = {
    FUNCTION("OPENJSON", json_columns, fill_json),
    FUNCTION("OPENJSON_TEXTS", text_columns, fill_texts),
};

const engine_views engine_views_json = {views, ES_COUNT_OF(views)};
