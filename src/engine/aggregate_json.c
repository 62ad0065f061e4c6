/* SPDX-License-Identifier: MIT */
/*
 * es_for_json(spec, type, value, type, value ...): the rows of a query as one
 * JSON text. spec: letters (P path, A auto, N keeps NULLs, W without brackets,
 * R with a root), the root's name and the columns' names, behind separators.
 * In a path's names dots make objects inside objects.
 */
#include "engine/function.h"

#include "base/base64.h"
#include "base/buf.h"
#include "base/mem.h"
#include "engine/bind.h"
#include "engine/jsontext.h"
#include "engine/store.h"
#include "sqltype/convert.h"

#include <string.h>

enum { TEXT_CEILING = 512 * 1024 * 1024, PARTS_MAX = 32 };

typedef struct json_spec {
    bool path;
    bool nulls;
    bool bare;
    bool rooted;
    const char *root;
    size_t root_n;
    const char *names; /* at the first separator of a column's name; NULL: none */
} json_spec;

typedef struct json_state {
    es_buf text;
    bool begun;
    bool failed;
    bool bare;
    bool rooted;
} json_state;

static json_spec read_spec(const char *text)
{
    json_spec spec = {0};
    const char *end = strchr(text, ENGINE_JSON_SEPARATOR);
    for (const char *p = text; p < end; p++) {
        spec.path = spec.path || *p == 'P';
        spec.nulls = spec.nulls || *p == 'N';
        spec.bare = spec.bare || *p == 'W';
        spec.rooted = spec.rooted || *p == 'R';
    }
    if (end == NULL)
        return spec;
    spec.root = end + 1;
    spec.names = strchr(spec.root, ENGINE_JSON_SEPARATOR);
    spec.root_n = spec.names != NULL ? (size_t)(spec.names - spec.root) : strlen(spec.root);
    return spec;
}

/* ---- one value ---- */

/* "2024-01-02 03:04:05.000" as ISO 8601; a fraction of zeros goes. */
static entrasql_status add_moment(const sqlvalue *v, es_buf *out)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(128);
    ES_TRY(sqlvalue_print(v, &text));
    if (es_buf_cstr(&text) == NULL)
        return ENTRASQL_NOMEM;
    char *s = (char *)text.data;
    size_t n = text.len;
    char *blank = memchr(s, ' ', n);
    if (blank != NULL && v->type.id != SQLTYPE_TIME)
        *blank = 'T';
    char *point = memchr(s, '.', n);
    if (point != NULL) {
        size_t digits = strspn(point + 1, "0123456789");
        size_t zeros = strspn(point + 1, "0");
        size_t rest = n - (size_t)(point - s) - 1 - digits;
        if (zeros == digits) {
            memmove(point, point + 1 + digits, rest);
            n -= digits + 1;
        }
    }
    if (v->type.id == SQLTYPE_DATETIMEOFFSET) {
        char *offset = memchr(s, ' ', n);
        if (offset != NULL) {
            memmove(offset, offset + 1, n - (size_t)(offset - s) - 1);
            n--;
        }
        if (n > 6 && memcmp(s + n - 6, "+00:00", 6) == 0) {
            s[n - 6] = 'Z';
            n -= 5;
        }
    }
    return engine_json_quote(s, n, out);
}

static entrasql_status add_value(const sqlvalue *v, es_buf *out)
{
    if (v->type.id == SQLTYPE_BIT)
        return es_buf_add_str(out, v->u.i != 0 ? "true" : "false");
    if (v->type.id == SQLTYPE_FLOAT || v->type.id == SQLTYPE_REAL)
        return es_buf_printf(out, v->type.id == SQLTYPE_REAL ? "%.7e" : "%.15e", v->u.f);
    if (sqltype_is_number(v->type.id))
        return sqlvalue_print(v, out);
    if (sqltype_is_string(v->type.id))
        return engine_json_quote(v->u.s.data, v->u.s.len, out);
    if (sqltype_is_datetime(v->type.id))
        return add_moment(v, out);
    if (sqltype_is_binary(v->type.id) && v->type.id != SQLTYPE_ROWVERSION) {
        ES_TRY(es_buf_add_str(out, "\""));
        ES_TRY(es_base64_encode(v->u.s.data, v->u.s.len, out));
        return es_buf_add_str(out, "\"");
    }
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(TEXT_CEILING);
    ES_TRY(sqlvalue_print(v, &text));
    return engine_json_quote((const char *)text.data, text.len, out);
}

static entrasql_status add_cell(sqlite3_value *type, sqlite3_value *value, es_buf *out)
{
    sqlvalue v;
    if (sqlite3_value_type(value) == SQLITE_NULL)
        return es_buf_add_str(out, "null");
    if (sqlite3_value_int64(type) == -1) {
        const void *raw = sqlite3_value_text(value);
        return es_buf_add(out, raw != NULL ? raw : "", (size_t)sqlite3_value_bytes(value));
    }
    ES_TRY(engine_store_read(value, engine_type_decode(sqlite3_value_int64(type)), &v));
    return add_value(&v, out);
}

/* ---- one row ---- */

typedef struct name_path {
    const char *parts[PARTS_MAX];
    size_t lengths[PARTS_MAX];
    size_t count;
} name_path;

static void split_name(const char *name, size_t n, bool path, name_path *ret)
{
    ret->count = 0;
    for (;;) {
        const char *dot = path && ret->count < PARTS_MAX - 1 ? memchr(name, '.', n) : NULL;
        size_t part = dot != NULL ? (size_t)(dot - name) : n;
        ret->parts[ret->count] = name;
        ret->lengths[ret->count++] = part;
        if (dot == NULL)
            return;
        name += part + 1;
        n -= part + 1;
    }
}

static size_t common(const name_path *a, const name_path *b)
{
    size_t i = 0;
    while (i + 1 < a->count && i + 1 < b->count && a->lengths[i] == b->lengths[i] &&
           memcmp(a->parts[i], b->parts[i], a->lengths[i]) == 0)
        i++;
    return i;
}

/* Closes the objects of the name before, opens those of this one. */
static entrasql_status add_name(const name_path *before, const name_path *now, bool first,
                                es_buf *out)
{
    size_t same = first ? 0 : common(before, now);
    for (size_t i = same; !first && i + 1 < before->count; i++)
        ES_TRY(es_buf_add_str(out, "}"));
    if (!first)
        ES_TRY(es_buf_add_str(out, ","));
    for (size_t i = same; i < now->count; i++) {
        ES_TRY(engine_json_quote(now->parts[i], now->lengths[i], out));
        ES_TRY(es_buf_add_str(out, i + 1 < now->count ? ":{" : ":"));
    }
    return ENTRASQL_OK;
}

static entrasql_status add_row(const json_spec *spec, size_t count, sqlite3_value **cells,
                               es_buf *out)
{
    name_path before = {.count = 0};
    bool first = true;
    const char *name = spec->names;
    ES_TRY(es_buf_add_str(out, "{"));
    for (size_t i = 0; i < count && name != NULL; i++) {
        const char *next = strchr(name + 1, ENGINE_JSON_SEPARATOR);
        size_t n = next != NULL ? (size_t)(next - name - 1) : strlen(name + 1);
        bool skip = !spec->nulls && sqlite3_value_type(cells[i * 2 + 1]) == SQLITE_NULL;
        if (!skip) {
            name_path now;
            split_name(name + 1, n, spec->path, &now);
            ES_TRY(add_name(&before, &now, first, out));
            ES_TRY(add_cell(cells[i * 2], cells[i * 2 + 1], out));
            before = now;
            first = false;
        }
        name = next;
    }
    for (size_t i = 0; i + 1 < before.count; i++)
        ES_TRY(es_buf_add_str(out, "}"));
    return es_buf_add_str(out, "}");
}

static entrasql_status begin(const json_spec *spec, es_buf *out)
{
    if (spec->rooted) {
        ES_TRY(es_buf_add_str(out, "{"));
        ES_TRY(engine_json_quote(spec->root, spec->root_n, out));
        ES_TRY(es_buf_add_str(out, ":"));
    }
    return spec->bare ? ENTRASQL_OK : es_buf_add_str(out, "[");
}

static void on_step(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    json_state *state = sqlite3_aggregate_context(context, sizeof *state);
    const char *text = (const char *)sqlite3_value_text(argv[0]);
    if (state == NULL || state->failed || text == NULL)
        return;
    json_spec spec = read_spec(text);
    entrasql_status status = ENTRASQL_OK;
    if (!state->begun) {
        es_buf_init(&state->text, TEXT_CEILING);
        status = begin(&spec, &state->text);
    } else {
        status = es_buf_add_str(&state->text, ",");
    }
    state->begun = true;
    state->bare = spec.bare;
    state->rooted = spec.rooted;
    if (status == ENTRASQL_OK)
        status = add_row(&spec, (size_t)(argc - 1) / 2, argv + 1, &state->text);
    state->failed = status != ENTRASQL_OK;
}

static void on_final(sqlite3_context *context)
{
    json_state *state = sqlite3_aggregate_context(context, 0);
    if (state == NULL || !state->begun) {
        sqlite3_result_null(context);
        return;
    }
    entrasql_status status =
        es_buf_printf(&state->text, "%s%s", state->bare ? "" : "]", state->rooted ? "}" : "");
    if (state->failed || status != ENTRASQL_OK)
        sqlite3_result_error_nomem(context);
    else
        sqlite3_result_text64(context, (const char *)state->text.data, state->text.len,
                              SQLITE_TRANSIENT, SQLITE_UTF8);
    es_buf_done(&state->text);
}

int engine_aggregate_json_register(engine_session *s)
{
    return sqlite3_create_function_v2(s->db, "es_for_json", -1, SQLITE_UTF8 | SQLITE_DIRECTONLY, s,
                                      NULL, on_step, on_final, NULL);
}
