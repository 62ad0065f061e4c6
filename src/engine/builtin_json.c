/* SPDX-License-Identifier: MIT */
/* ISJSON, JSON_VALUE, JSON_QUERY, JSON_MODIFY, JSON_PATH_EXISTS. */
#include "engine/builtin.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/utf16.h"
#include "engine/bind.h"
#include "engine/jsontext.h"
#include "sqltype/convert.h"

#include <string.h>

enum { TEXT_CEILING = 256 * 1024 * 1024, VALUE_UNITS = 4000 };

static void give_i(sqlvalue *ret, int64_t v)
{
    ret->is_null = false;
    ret->u.i = v;
}

static entrasql_status missing(engine_call *call)
{
    return engine_error(call->err, 13608, 2,
                        "Property cannot be found on the specified JSON path.");
}

/* The value that args[1], "$" when it is left out, leads to. */
static entrasql_status find(engine_call *call, const sqlvalue *args, size_t n,
                            engine_json_path *path, engine_json *ret, bool *ret_found)
{
    engine_json root;
    const char *text = n > 1 ? args[1].u.s.data : "$";
    ES_TRY(engine_json_path_parse(text, n > 1 ? args[1].u.s.len : 1, path, call->err));
    ES_TRY(engine_json_parse(args[0].u.s.data, args[0].u.s.len, &root, call->err));
    *ret_found = engine_json_find(&root, path, path->count, ret);
    return *ret_found || !path->strict ? ENTRASQL_OK : missing(call);
}

static bool is_scalar(const engine_json *v)
{
    return v->type != ENGINE_JSON_OBJECT && v->type != ENGINE_JSON_ARRAY;
}

/* 1 for objects and arrays; the second argument names other kinds. */
static entrasql_status isjson(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    engine_json v;
    bool ok = engine_json_read(args[0].u.s.data, args[0].u.s.len, &v, NULL);
    if (n < 2) {
        give_i(ret, ok && !is_scalar(&v));
        return ENTRASQL_OK;
    }
    const char *kind = args[1].u.s.data;
    bool fits = false;
    if (es_strcaseeq(kind, "VALUE"))
        fits = true;
    else if (es_strcaseeq(kind, "ARRAY"))
        fits = v.type == ENGINE_JSON_ARRAY;
    else if (es_strcaseeq(kind, "OBJECT"))
        fits = v.type == ENGINE_JSON_OBJECT;
    else if (es_strcaseeq(kind, "SCALAR"))
        fits = v.type == ENGINE_JSON_STRING || v.type == ENGINE_JSON_NUMBER;
    else
        return engine_error(call->err, 1023, 1, "Invalid parameter 2 specified for isjson.");
    give_i(ret, ok && fits);
    return ENTRASQL_OK;
}

/* limit: in UTF-16 units; 0: none. */
static entrasql_status scalar(engine_call *call, const sqlvalue *args, size_t n, size_t limit,
                              sqlvalue *ret)
{
    engine_json_path path;
    engine_json v;
    bool found;
    ES_TRY(find(call, args, n, &path, &v, &found));
    if (!found || v.type == ENGINE_JSON_NULL)
        return ENTRASQL_OK;
    if (!is_scalar(&v)) {
        if (!path.strict)
            return ENTRASQL_OK;
        return engine_error(call->err, 13623, 2,
                            "Scalar value cannot be found in the specified JSON path.");
    }
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(TEXT_CEILING);
    if (engine_json_unquote(&v, &text) != ENTRASQL_OK)
        return es_nomem(call->err);
    size_t units = 0;
    if (limit != 0 &&
        es_utf8_to_utf16_units((const char *)text.data, text.len, &units) == ENTRASQL_OK &&
        units > limit) {
        if (!path.strict)
            return ENTRASQL_OK;
        return engine_error(call->err, 13625, 1,
                            "String value in the specified JSON path would be truncated.");
    }
    return engine_call_text(call, text.data != NULL ? (const char *)text.data : "", text.len, ret);
}

static entrasql_status json_value(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    return scalar(call, args, n, VALUE_UNITS, ret);
}

/* A column of OPENJSON ... WITH. */
static entrasql_status json_scalar(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    return scalar(call, args, n, 0, ret);
}

static entrasql_status json_query(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    engine_json_path path;
    engine_json v;
    bool found;
    ES_TRY(find(call, args, n, &path, &v, &found));
    if (!found)
        return ENTRASQL_OK;
    if (!is_scalar(&v))
        return engine_call_text(call, v.text, v.n, ret);
    if (!path.strict)
        return ENTRASQL_OK;
    return engine_error(call->err, 13624, 2,
                        "Object or array cannot be found in the specified JSON path.");
}

static entrasql_status json_path_exists(engine_call *call, const sqlvalue *args, size_t n,
                                        sqlvalue *ret)
{
    engine_json_path path;
    engine_json root;
    engine_json v;
    (void)n;
    ES_TRY(engine_json_path_parse(args[1].u.s.data, args[1].u.s.len, &path, call->err));
    bool ok = engine_json_read(args[0].u.s.data, args[0].u.s.len, &root, NULL) &&
              engine_json_find(&root, &path, path.count, &v);
    give_i(ret, ok);
    return ENTRASQL_OK;
}

/* ---- JSON_MODIFY ---- */

/* How args[2] becomes JSON: as it is, a number's text, or a quoted string. */
static entrasql_status add_new(const sqlvalue *v, bool raw, es_buf *out)
{
    if (v->is_null)
        return es_buf_add_str(out, "null");
    if (v->type.id == SQLTYPE_BIT)
        return es_buf_add_str(out, v->u.i != 0 ? "true" : "false");
    if (sqltype_is_number(v->type.id))
        return sqlvalue_print(v, out);
    if (raw)
        return es_buf_add(out, v->u.s.data, v->u.s.len);
    if (sqltype_is_string(v->type.id))
        return engine_json_quote(v->u.s.data, v->u.s.len, out);
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(TEXT_CEILING);
    ES_TRY(sqlvalue_print(v, &text));
    return engine_json_quote((const char *)text.data, text.len, out);
}

typedef struct edit {
    const char *from; /* bytes [from, to) of the document ... */
    const char *to;
    bool removes; /* ... go, or are replaced */
    bool before;  /* a comma before the new text */
    bool named;   /* the step's name before the new text */
} edit;

/* The whole member "key": value with one of the commas around it. */
static edit remove_member(const engine_json *parent, const engine_json_walk *w)
{
    edit e = {.from = w->key.text, .to = w->value.text + w->value.n, .removes = true};
    const char *end = parent->text + parent->n;
    const char *p = e.to;
    while (p < end && *p != ',' && *p != '}')
        p++;
    if (p < end && *p == ',') {
        e.to = p + 1;
        return e;
    }
    p = e.from;
    while (p > parent->text + 1 && p[-1] != ',' && p[-1] != '{')
        p--;
    if (p[-1] == ',')
        e.from = p - 1;
    return e;
}

static bool find_member(const engine_json *parent, const engine_json_step *step,
                        engine_json_walk *w)
{
    engine_json_walk_begin(w, parent);
    for (size_t i = 0; engine_json_walk_next(w); i++) {
        if (step->is_index ? i == step->index : engine_json_is_key(&w->key, step->name, step->n))
            return true;
    }
    return false;
}

static bool is_empty(const engine_json *container)
{
    engine_json_walk w;
    engine_json_walk_begin(&w, container);
    return !engine_json_walk_next(&w);
}

/* Where the change goes; false: nothing is to be done. */
static bool place(const engine_json *root, const engine_json_path *path, bool is_null, edit *ret)
{
    engine_json parent;
    engine_json_walk w;
    engine_json target;
    if (path->append) {
        if (!engine_json_find(root, path, path->count, &target) || target.type != ENGINE_JSON_ARRAY)
            return false;
        *ret = (edit){.from = target.text + target.n - 1, .before = !is_empty(&target)};
        ret->to = ret->from;
        return true;
    }
    if (path->count == 0 || !engine_json_find(root, path, path->count - 1, &parent))
        return false;
    const engine_json_step *step = &path->steps[path->count - 1];
    if (parent.type != (step->is_index ? ENGINE_JSON_ARRAY : ENGINE_JSON_OBJECT))
        return false;
    if (find_member(&parent, step, &w)) {
        *ret = (edit){.from = w.value.text, .to = w.value.text + w.value.n};
        if (is_null && !path->strict && !step->is_index)
            *ret = remove_member(&parent, &w);
        return true;
    }
    if (step->is_index || path->strict || is_null)
        return false;
    *ret = (edit){.from = parent.text + parent.n - 1, .before = !is_empty(&parent), .named = true};
    ret->to = ret->from;
    return true;
}

static entrasql_status write_edit(const sqlvalue *json, const edit *e, const engine_json_path *path,
                                  const sqlvalue *v, bool raw, es_buf *out)
{
    const char *text = json->u.s.data;
    const char *end = text + json->u.s.len;
    ES_TRY(es_buf_add(out, text, (size_t)(e->from - text)));
    if (e->before)
        ES_TRY(es_buf_add_str(out, ","));
    if (e->named) {
        const engine_json_step *step = &path->steps[path->count - 1];
        ES_TRY(engine_json_quote(step->name, step->n, out));
        ES_TRY(es_buf_add_str(out, ":"));
    }
    if (!e->removes)
        ES_TRY(add_new(v, raw, out));
    return es_buf_add(out, e->to, (size_t)(end - e->to));
}

static entrasql_status modify(engine_call *call, const sqlvalue *args, bool raw, sqlvalue *ret)
{
    engine_json_path path;
    engine_json root;
    edit e;
    if (args[0].is_null || args[1].is_null)
        return ENTRASQL_OK;
    ES_TRY(engine_json_path_parse(args[1].u.s.data, args[1].u.s.len, &path, call->err));
    ES_TRY(engine_json_parse(args[0].u.s.data, args[0].u.s.len, &root, call->err));
    if (!place(&root, &path, args[2].is_null, &e)) {
        if (path.strict)
            return missing(call);
        return engine_call_text(call, args[0].u.s.data, args[0].u.s.len, ret);
    }
    ES_CLEANUP(es_buf_done) es_buf out = ES_BUF_INIT(TEXT_CEILING);
    if (write_edit(&args[0], &e, &path, &args[2], raw, &out) != ENTRASQL_OK)
        return es_nomem(call->err);
    return engine_call_text(call, (const char *)out.data, out.len, ret);
}

static entrasql_status json_modify(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    (void)n;
    return modify(call, args, false, ret);
}

static entrasql_status json_modify_raw(engine_call *call, const sqlvalue *args, size_t n,
                                       sqlvalue *ret)
{
    (void)n;
    return modify(call, args, true, ret);
}

bool engine_json_is_result(const engine_node *node)
{
    if (node->kind == ENGINE_NODE_SUBQUERY)
        return node->query->json != NULL;
    return node->kind == ENGINE_NODE_CALL && es_starts_with(node->builtin->name, "JSON_") &&
           (es_streq(node->builtin->name, "JSON_QUERY") ||
            es_starts_with(node->builtin->name, "JSON_MODIFY"));
}

/* A value that is JSON already goes in as it is. */
static entrasql_status bind_modify(engine_binder *b, engine_node *call)
{
    if (call->args[2]->type.id == SQLTYPE_UNKNOWN) {
        sqlvalue null = sqlvalue_null(sqltype_of(SQLTYPE_INT));
        ES_TRY(engine_node_const(b, &null, &call->args[2]));
    }
    if (engine_json_is_result(call->args[2]))
        call->builtin = engine_builtin_find("JSON_MODIFY_RAW", true);
    call->type = sqltype_string(SQLTYPE_NVARCHAR, SQLTYPE_MAX);
    call->nullable = true;
    return ENTRASQL_OK;
}

/* ISJSON(x, OBJECT): the kind is a bare word. What gives JSON is not folded: it has to be seen. */
static const engine_builtin rows[] = {
    {"ISJSON", "s?p:i", isjson, NULL, 0},
    {"JSON_VALUE", "ss:S", json_value, NULL, ENGINE_MAYBE_NULL},
    {"JSON_QUERY", "s?s:M", json_query, NULL, ENGINE_MAYBE_NULL | ENGINE_VOLATILE},
    {"JSON_PATH_EXISTS", "ss:i", json_path_exists, NULL, 0},
    {"JSON_MODIFY", "ssx:M", json_modify, bind_modify,
     ENGINE_NULLS | ENGINE_MAYBE_NULL | ENGINE_VOLATILE},
    {"JSON_MODIFY_RAW", "ssx:M", json_modify_raw, NULL,
     ENGINE_NULLS | ENGINE_MAYBE_NULL | ENGINE_VOLATILE | ENGINE_INNER},
    {"JSON_SCALAR", "ss:M", json_scalar, NULL, ENGINE_MAYBE_NULL | ENGINE_INNER},
};

const engine_builtins engine_builtins_json = {rows, ES_COUNT_OF(rows)};
