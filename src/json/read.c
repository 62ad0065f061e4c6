/* SPDX-License-Identifier: MIT */
/* Strict JSON reading on jansson. */
#include "json/json.h"

#include "base/mem.h"

#include <jansson.h>
#include <string.h>

struct json_doc {
    json_t *root;
};

/* A node is the library's value under our name; both directions of the cast are kept here. */
static const json_t *value_of(const json_node *node)
{
    return (const json_t *)node;
}

static const json_node *node_of(const json_t *value)
{
    return (const json_node *)value;
}

/*
 * The parser below recurses once a level, up to a limit of its own that is too
 * deep for small stacks; so the depth is counted first. Brackets inside
 * strings do not count. The text may be anything here: the parser judges it.
 */
static bool too_deep(const char *s, size_t n)
{
    unsigned depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < n; i++) {
        char c = s[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > JSON_MAX_DEPTH)
                return true;
        } else if ((c == '}' || c == ']') && depth != 0) {
            depth--;
        }
    }
    return false;
}

static entrasql_status parse_failure(const json_error_t *e, entrasql_error *err)
{
    if (json_error_code(e) == json_error_out_of_memory)
        return es_nomem(err);
    /* The library's text quotes the input, which may hold a secret: only the place is told. */
    es_fail(err, ENTRASQL_MALFORMED, "not valid JSON (line %d, column %d)", e->line, e->column);
    if (err != NULL)
        err->line = e->line > 0 ? (uint32_t)e->line : 0;
    return ENTRASQL_MALFORMED;
}

entrasql_status json_doc_parse(const void *p, size_t n, json_doc **ret, entrasql_error *err)
{
    if (n > JSON_MAX_BYTES)
        return es_fail(err, ENTRASQL_LIMIT, "JSON text of %zu bytes is larger than the limit of %d",
                       n, JSON_MAX_BYTES);
    if (n == 0)
        return es_fail(err, ENTRASQL_MALFORMED, "not valid JSON: the text is empty");
    if (too_deep(p, n))
        return es_fail(err, ENTRASQL_LIMIT, "JSON nested deeper than the limit of %d levels",
                       JSON_MAX_DEPTH);
    json_doc *doc = es_calloc(1, sizeof *doc);
    if (doc == NULL)
        return es_nomem(err);
    json_error_t e;
    memset(&e, 0, sizeof e);
    doc->root = json_loadb(p, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e);
    if (doc->root == NULL) {
        es_free(doc);
        return parse_failure(&e, err);
    }
    *ret = doc;
    return ENTRASQL_OK;
}

/* The depth is limited by too_deep(). */
static void wipe_strings(json_t *v)
{
    if (json_is_string(v)) {
        /* The library lends its own block; we are its only owner and about to free it. */
        es_wipe((void *)(uintptr_t)json_string_value(v), json_string_length(v));
    } else if (json_is_array(v)) {
        for (size_t i = 0; i < json_array_size(v); i++)
            wipe_strings(json_array_get(v, i));
    } else if (json_is_object(v)) {
        for (void *it = json_object_iter(v); it != NULL; it = json_object_iter_next(v, it))
            wipe_strings(json_object_iter_value(it));
    }
}

void json_doc_free(json_doc *doc)
{
    if (doc == NULL)
        return;
    wipe_strings(doc->root);
    json_decref(doc->root);
    es_free(doc);
}

void json_doc_cleanup(json_doc **doc)
{
    json_doc_free(*doc);
    *doc = NULL;
}

const json_node *json_doc_root(const json_doc *doc)
{
    return node_of(doc->root);
}

json_kind json_node_kind(const json_node *node)
{
    switch (json_typeof(value_of(node))) {
    case JSON_OBJECT:
        return JSON_KIND_OBJECT;
    case JSON_ARRAY:
        return JSON_KIND_ARRAY;
    case JSON_STRING:
        return JSON_KIND_STRING;
    case JSON_INTEGER:
        return JSON_KIND_INTEGER;
    case JSON_REAL:
        return JSON_KIND_REAL;
    case JSON_TRUE:
    case JSON_FALSE:
        return JSON_KIND_BOOL;
    case JSON_NULL:
        break;
    }
    return JSON_KIND_NULL;
}

const char *json_kind_name(json_kind kind)
{
    static const char *const names[] = {
        [JSON_KIND_NULL] = "null",          [JSON_KIND_BOOL] = "true or false",
        [JSON_KIND_INTEGER] = "an integer", [JSON_KIND_REAL] = "a number with a fraction",
        [JSON_KIND_STRING] = "a string",    [JSON_KIND_ARRAY] = "an array",
        [JSON_KIND_OBJECT] = "an object",
    };
    return names[kind];
}

const json_node *json_member(const json_node *obj, const char *name)
{
    return obj != NULL ? node_of(json_object_get(value_of(obj), name)) : NULL;
}

/* The member when it is there and not null. */
static entrasql_status find(const json_node *obj, const char *name, const json_node **ret)
{
    const json_node *node = json_member(obj, name);
    if (node == NULL || json_node_kind(node) == JSON_KIND_NULL)
        return ENTRASQL_NOT_FOUND;
    *ret = node;
    return ENTRASQL_OK;
}

entrasql_status json_node_string(const json_node *node, const char **ret, size_t *ret_len)
{
    const char *s = json_string_value(value_of(node));
    if (s == NULL)
        return ENTRASQL_MALFORMED;
    if (ret_len != NULL)
        *ret_len = json_string_length(value_of(node));
    *ret = s;
    return ENTRASQL_OK;
}

entrasql_status json_node_i64(const json_node *node, int64_t *ret)
{
    if (!json_is_integer(value_of(node)))
        return ENTRASQL_MALFORMED;
    *ret = (int64_t)json_integer_value(value_of(node));
    return ENTRASQL_OK;
}

entrasql_status json_node_real(const json_node *node, double *ret)
{
    if (!json_is_number(value_of(node)))
        return ENTRASQL_MALFORMED;
    *ret = json_number_value(value_of(node));
    return ENTRASQL_OK;
}

entrasql_status json_node_bool(const json_node *node, bool *ret)
{
    if (!json_is_boolean(value_of(node)))
        return ENTRASQL_MALFORMED;
    *ret = json_is_true(value_of(node));
    return ENTRASQL_OK;
}

entrasql_status json_member_string(const json_node *obj, const char *name, const char **ret,
                                   size_t *ret_len)
{
    const json_node *node;
    ES_TRY(find(obj, name, &node));
    return json_node_string(node, ret, ret_len);
}

entrasql_status json_member_i64(const json_node *obj, const char *name, int64_t *ret)
{
    const json_node *node;
    ES_TRY(find(obj, name, &node));
    return json_node_i64(node, ret);
}

entrasql_status json_member_bool(const json_node *obj, const char *name, bool *ret)
{
    const json_node *node;
    ES_TRY(find(obj, name, &node));
    return json_node_bool(node, ret);
}

static entrasql_status member_of_kind(const json_node *obj, const char *name, json_kind kind,
                                      const json_node **ret)
{
    const json_node *node;
    ES_TRY(find(obj, name, &node));
    if (json_node_kind(node) != kind)
        return ENTRASQL_MALFORMED;
    *ret = node;
    return ENTRASQL_OK;
}

entrasql_status json_member_array(const json_node *obj, const char *name, const json_node **ret)
{
    return member_of_kind(obj, name, JSON_KIND_ARRAY, ret);
}

entrasql_status json_member_object(const json_node *obj, const char *name, const json_node **ret)
{
    return member_of_kind(obj, name, JSON_KIND_OBJECT, ret);
}

size_t json_count(const json_node *node)
{
    if (json_is_array(value_of(node)))
        return json_array_size(value_of(node));
    return json_object_size(value_of(node));
}

const json_node *json_element(const json_node *array, size_t i)
{
    return node_of(json_array_get(value_of(array), i));
}

json_cursor *json_cursor_next(const json_node *obj, json_cursor *at)
{
    /* Iteration does not change the object, although the library's type says it might. */
    json_t *value = (json_t *)(uintptr_t)value_of(obj);
    if (!json_is_object(value))
        return NULL;
    void *next = at == NULL ? json_object_iter(value) : json_object_iter_next(value, at);
    return next;
}

const char *json_cursor_name(json_cursor *at)
{
    return json_object_iter_key(at);
}

const json_node *json_cursor_value(json_cursor *at)
{
    return node_of(json_object_iter_value(at));
}
