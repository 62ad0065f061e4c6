/* SPDX-License-Identifier: MIT */
/* The JSON writer. */
#include "json/json.h"

#include "base/utf16.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

void json_writer_init(json_writer *w, es_buf *out)
{
    *w = (json_writer){.out = out, .status = ENTRASQL_OK, .first = true};
}

entrasql_status json_writer_end(json_writer *w)
{
    if (w->status == ENTRASQL_OK && (w->depth != 0 || w->after_name))
        w->status = ENTRASQL_INTERNAL;
    return w->status;
}

static void add(json_writer *w, const char *s, size_t n)
{
    if (w->status == ENTRASQL_OK)
        w->status = es_buf_add(w->out, s, n);
}

static void add_str(json_writer *w, const char *s)
{
    add(w, s, strlen(s));
}

/* What stands between this value and the one before it. */
static void separate(json_writer *w)
{
    if (w->after_name)
        w->after_name = false;
    else if (!w->first && w->depth != 0)
        add(w, ",", 1);
    w->first = false;
}

static void open_nested(json_writer *w, const char *bracket)
{
    separate(w);
    add(w, bracket, 1);
    w->depth++;
    w->first = true;
}

static void close_nested(json_writer *w, const char *bracket)
{
    assert(w->depth != 0 && !w->after_name);
    w->depth--;
    w->first = false;
    add(w, bracket, 1);
}

void json_begin_object(json_writer *w)
{
    open_nested(w, "{");
}

void json_end_object(json_writer *w)
{
    close_nested(w, "}");
}

void json_begin_array(json_writer *w)
{
    open_nested(w, "[");
}

void json_end_array(json_writer *w)
{
    close_nested(w, "]");
}

static void add_escaped(json_writer *w, unsigned char c)
{
    static const char short_form[] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n',  ['\f'] = 'f',
        ['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\',
    };
    char escape[8];
    if (c < sizeof short_form && short_form[c] != 0)
        (void)snprintf(escape, sizeof escape, "\\%c", short_form[c]);
    else
        (void)snprintf(escape, sizeof escape, "\\u%04x", c);
    add_str(w, escape);
}

static void add_quoted(json_writer *w, const char *s, size_t n)
{
    if (w->status == ENTRASQL_OK && !es_utf8_is_valid(s, n))
        w->status = ENTRASQL_MALFORMED;
    add(w, "\"", 1);
    size_t plain = 0; /* start of the run that needs no escape */
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7F)
            continue;
        add(w, s + plain, i - plain);
        add_escaped(w, c);
        plain = i + 1;
    }
    add(w, s + plain, n - plain);
    add(w, "\"", 1);
}

void json_name(json_writer *w, const char *name)
{
    assert(!w->after_name);
    separate(w);
    add_quoted(w, name, strlen(name));
    add(w, ":", 1);
    w->after_name = true;
}

void json_put_text(json_writer *w, const char *s, size_t n)
{
    separate(w);
    add_quoted(w, s, n);
}

void json_put_string(json_writer *w, const char *s)
{
    if (s == NULL)
        json_put_null(w);
    else
        json_put_text(w, s, strlen(s));
}

void json_put_raw(json_writer *w, const char *json, size_t n)
{
    separate(w);
    add(w, json, n);
}

void json_put_i64(json_writer *w, int64_t v)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%lld", (long long)v);
    json_put_raw(w, text, strlen(text));
}

void json_put_bool(json_writer *w, bool v)
{
    json_put_raw(w, v ? "true" : "false", v ? 4 : 5);
}

void json_put_null(json_writer *w)
{
    json_put_raw(w, "null", 4);
}

/* Seventeen digits give every double back; the decimal point of the locale is put right. */
static void put_real(json_writer *w, double v)
{
    if (!isfinite(v)) {
        json_put_null(w);
        return;
    }
    char text[40];
    (void)snprintf(text, sizeof text, "%.17g", v);
    for (char *p = text; *p != '\0'; p++) {
        if (strchr("0123456789+-e", *p) == NULL)
            *p = '.';
    }
    if (strpbrk(text, ".e") == NULL)
        (void)strncat(text, ".0", sizeof text - strlen(text) - 1);
    json_put_raw(w, text, strlen(text));
}

static void put_members(json_writer *w, const json_node *node)
{
    json_begin_object(w);
    for (json_cursor *at = json_cursor_next(node, NULL); at != NULL;
         at = json_cursor_next(node, at)) {
        json_name(w, json_cursor_name(at));
        json_put_node(w, json_cursor_value(at));
    }
    json_end_object(w);
}

static void put_elements(json_writer *w, const json_node *node)
{
    json_begin_array(w);
    for (size_t i = 0; i < json_count(node); i++)
        json_put_node(w, json_element(node, i));
    json_end_array(w);
}

/* Recursion is bounded by the depth that the reader allows. */
void json_put_node(json_writer *w, const json_node *node)
{
    const char *s = "";
    size_t n = 0;
    int64_t i = 0;
    double d = 0;
    bool b = false;
    switch (json_node_kind(node)) {
    case JSON_KIND_NULL:
        json_put_null(w);
        break;
    case JSON_KIND_BOOL:
        if (json_node_bool(node, &b) == ENTRASQL_OK)
            json_put_bool(w, b);
        break;
    case JSON_KIND_INTEGER:
        if (json_node_i64(node, &i) == ENTRASQL_OK)
            json_put_i64(w, i);
        break;
    case JSON_KIND_REAL:
        if (json_node_real(node, &d) == ENTRASQL_OK)
            put_real(w, d);
        break;
    case JSON_KIND_STRING:
        if (json_node_string(node, &s, &n) == ENTRASQL_OK)
            json_put_text(w, s, n);
        break;
    case JSON_KIND_ARRAY:
        put_elements(w, node);
        break;
    case JSON_KIND_OBJECT:
        put_members(w, node);
        break;
    }
}

void json_member_put_string(json_writer *w, const char *name, const char *s)
{
    json_name(w, name);
    json_put_string(w, s);
}

void json_member_put_i64(json_writer *w, const char *name, int64_t v)
{
    json_name(w, name);
    json_put_i64(w, v);
}

void json_member_put_bool(json_writer *w, const char *name, bool v)
{
    json_name(w, name);
    json_put_bool(w, v);
}
