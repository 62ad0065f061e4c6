/* SPDX-License-Identifier: MIT */
/* Functions on strings. Positions and lengths count UTF-16 code units. */
#include "engine/builtin.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/utf16.h"
#include "engine/bind.h"
#include "engine/like.h"
#include "sqltype/collation.h"
#include "sqltype/convert.h"

#include <stdio.h>
#include <string.h>

enum { RESULT_CEILING = 256 * 1024 * 1024 };

/* ---- characters ---- */

static size_t next_char(const char *s, size_t n, uint32_t *ret)
{
    size_t used = es_utf8_decode(s, n, ret);
    if (used != 0)
        return used;
    *ret = (unsigned char)s[0];
    return 1;
}

static size_t units_of(const char *s, size_t n)
{
    size_t units = 0;
    uint32_t c;
    for (size_t i = 0; i < n; i += next_char(s + i, n - i, &c))
        units += (unsigned char)s[i] >= 0xF0 ? 2 : 1;
    return units;
}

/* The byte at which code unit number `units` begins; n past the end. */
static size_t byte_of(const char *s, size_t n, size_t units)
{
    size_t i = 0;
    uint32_t c;
    while (i < n && units > 0) {
        size_t width = (unsigned char)s[i] >= 0xF0 ? 2 : 1;
        i += next_char(s + i, n - i, &c);
        units -= width < units ? width : units;
    }
    return i;
}

static size_t without_blanks(const char *s, size_t n)
{
    while (n > 0 && s[n - 1] == ' ')
        n--;
    return n;
}

/* ---- measuring ---- */

static void give_i(sqlvalue *ret, int64_t v)
{
    ret->is_null = false;
    ret->u.i = v;
}

static entrasql_status len(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    (void)n;
    (void)call;
    const char *s = args[0].u.s.data;
    give_i(ret, (int64_t)units_of(s, without_blanks(s, args[0].u.s.len)));
    return ENTRASQL_OK;
}

static entrasql_status datalength(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    (void)n;
    (void)call;
    give_i(ret, (int64_t)sqlvalue_bytes(&args[0]));
    return ENTRASQL_OK;
}

static entrasql_status ascii(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    uint32_t c;
    (void)n;
    (void)call;
    if (args[0].u.s.len == 0)
        return ENTRASQL_OK;
    next_char(args[0].u.s.data, args[0].u.s.len, &c);
    give_i(ret, c < 256 ? (int64_t)c : '?');
    return ENTRASQL_OK;
}

static entrasql_status unicode(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    uint32_t c;
    (void)n;
    (void)call;
    if (args[0].u.s.len == 0)
        return ENTRASQL_OK;
    next_char(args[0].u.s.data, args[0].u.s.len, &c);
    give_i(ret, c < 0x10000 ? (int64_t)c : (int64_t)(0xD800 + ((c - 0x10000) >> 10)));
    return ENTRASQL_OK;
}

/* ---- searching ---- */

/* True when the folded characters of `what` stand at the beginning of s; bytes used. */
static bool starts_with(const char *s, size_t n, const char *what, size_t what_n, size_t *ret_used)
{
    size_t i = 0;
    size_t k = 0;
    while (k < what_n) {
        uint32_t a;
        uint32_t b;
        if (i == n)
            return false;
        i += next_char(s + i, n - i, &a);
        k += next_char(what + k, what_n - k, &b);
        if (a != b && sqlcollation_fold(a) != sqlcollation_fold(b))
            return false;
    }
    *ret_used = i;
    return true;
}

static size_t find(const char *s, size_t n, size_t from, const char *what, size_t what_n)
{
    size_t used;
    uint32_t c;
    for (size_t i = from; i < n; i += next_char(s + i, n - i, &c)) {
        if (starts_with(s + i, n - i, what, what_n, &used))
            return i;
    }
    return SIZE_MAX;
}

static entrasql_status charindex(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    const char *s = args[1].u.s.data;
    size_t length = args[1].u.s.len;
    size_t from = n > 2 && args[2].u.i > 1 ? byte_of(s, length, (size_t)args[2].u.i - 1) : 0;
    (void)call;
    size_t at =
        args[0].u.s.len == 0 ? SIZE_MAX : find(s, length, from, args[0].u.s.data, args[0].u.s.len);
    give_i(ret, at == SIZE_MAX ? 0 : (int64_t)units_of(s, at) + 1);
    return ENTRASQL_OK;
}

static entrasql_status patindex(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    const char *p = args[0].u.s.data;
    size_t p_len = args[0].u.s.len;
    const char *s = args[1].u.s.data;
    size_t s_len = args[1].u.s.len;
    bool anywhere = p_len > 0 && p[0] == '%';
    uint32_t c;
    (void)n;
    (void)call;
    give_i(ret, 0);
    if (anywhere) {
        p++;
        p_len--;
    }
    for (size_t i = 0; i <= s_len; i += i < s_len ? next_char(s + i, s_len - i, &c) : 1) {
        if (engine_like_at(s + i, s_len - i, p, p_len, 0)) {
            give_i(ret, (int64_t)units_of(s, i) + 1);
            break;
        }
        if (!anywhere)
            break;
    }
    return ENTRASQL_OK;
}

/* ---- pieces ---- */

static entrasql_status piece(engine_call *call, const sqlvalue *v, size_t from, size_t to,
                             sqlvalue *ret)
{
    return engine_call_text(call, v->u.s.data + from, to - from, ret);
}

static entrasql_status left(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    (void)n;
    if (args[1].u.i < 0)
        return engine_error(call->err, 536, 1,
                            "Invalid length parameter passed to the left function.");
    return piece(call, &args[0], 0, byte_of(args[0].u.s.data, args[0].u.s.len, (size_t)args[1].u.i),
                 ret);
}

static entrasql_status right(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    (void)n;
    if (args[1].u.i < 0)
        return engine_error(call->err, 536, 2,
                            "Invalid length parameter passed to the right function.");
    size_t units = units_of(args[0].u.s.data, args[0].u.s.len);
    size_t skip = (size_t)args[1].u.i < units ? units - (size_t)args[1].u.i : 0;
    return piece(call, &args[0], byte_of(args[0].u.s.data, args[0].u.s.len, skip), args[0].u.s.len,
                 ret);
}

/* SUBSTRING(s, start, length): a start before 1 shortens the length. */
static entrasql_status substring(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    int64_t start = args[1].u.i;
    int64_t length = args[2].u.i;
    bool binary = sqltype_is_binary(args[0].type.id);
    const char *s = args[0].u.s.data;
    size_t s_len = args[0].u.s.len;
    (void)n;
    if (length < 0)
        return engine_error(call->err, 537, 3,
                            "Invalid length parameter passed to the LEFT or SUBSTRING function.");
    if (start < 1) {
        length = length + start - 1 > 0 ? length + start - 1 : 0;
        start = 1;
    }
    if (binary) {
        size_t from = (size_t)start - 1 < s_len ? (size_t)start - 1 : s_len;
        size_t count = (size_t)length < s_len - from ? (size_t)length : s_len - from;
        return piece(call, &args[0], from, from + count, ret);
    }
    size_t from = byte_of(s, s_len, (size_t)start - 1);
    return piece(call, &args[0], from, from + byte_of(s + from, s_len - from, (size_t)length), ret);
}

static entrasql_status bind_substring(engine_binder *b, engine_node *call)
{
    sqltype type = call->args[0]->type;
    if (sqltype_is_binary(type.id)) {
        call->type =
            sqltype_string(SQLTYPE_VARBINARY, sqltype_is_large(type) ? SQLTYPE_MAX : type.length);
        return ENTRASQL_OK;
    }
    if (!sqltype_is_string(type.id)) {
        type = sqltype_string(SQLTYPE_NVARCHAR, 4000);
        ES_TRY(engine_bind_cast(b, &call->args[0], type, ENGINE_CAST_IMPLICIT, NULL));
    }
    bool is_unicode = sqltype_is_unicode(type.id);
    call->type = sqltype_string(is_unicode ? SQLTYPE_NVARCHAR : SQLTYPE_VARCHAR,
                                sqltype_is_large(type) ? SQLTYPE_MAX : type.length);
    return ENTRASQL_OK;
}

static bool in_list(const sqlvalue *set, const char *s, size_t width)
{
    return find(set->u.s.data, set->u.s.len, 0, s, width) != SIZE_MAX;
}

static entrasql_status trim(engine_call *call, const sqlvalue *args, bool at_start, bool at_end,
                            const sqlvalue *set, sqlvalue *ret)
{
    const char *s = args[0].u.s.data;
    size_t from = 0;
    size_t to = args[0].u.s.len;
    uint32_t c;
    while (at_start && from < to) {
        size_t used = next_char(s + from, to - from, &c);
        if (set == NULL ? s[from] != ' ' : !in_list(set, s + from, used))
            break;
        from += used;
    }
    while (at_end && to > from) {
        size_t last = to - 1;
        while (last > from && ((unsigned char)s[last] & 0xC0) == 0x80)
            last--;
        if (set == NULL ? s[last] != ' ' : !in_list(set, s + last, to - last))
            break;
        to = last;
    }
    return piece(call, &args[0], from, to, ret);
}

static entrasql_status ltrim(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    return trim(call, args, true, false, n > 1 ? &args[1] : NULL, ret);
}

static entrasql_status rtrim(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    return trim(call, args, false, true, n > 1 ? &args[1] : NULL, ret);
}

static entrasql_status trim_both(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    return trim(call, args, true, true, n > 1 ? &args[1] : NULL, ret);
}

/* ---- changing ---- */

static entrasql_status map_case(engine_call *call, const sqlvalue *v, uint32_t (*map)(uint32_t),
                                sqlvalue *ret)
{
    es_buf b = ES_BUF_INIT(RESULT_CEILING);
    entrasql_status status = ENTRASQL_OK;
    for (size_t i = 0; i < v->u.s.len && status == ENTRASQL_OK;) {
        uint32_t c;
        char utf8[4];
        i += next_char(v->u.s.data + i, v->u.s.len - i, &c);
        status = es_buf_add(&b, utf8, es_utf8_encode(map(c), utf8));
    }
    status = status == ENTRASQL_OK ? engine_call_take(call, &b, ret) : es_nomem(call->err);
    es_buf_done(&b);
    return status;
}

static entrasql_status upper(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    (void)n;
    return map_case(call, &args[0], sqlcollation_upper, ret);
}

static entrasql_status lower(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    (void)n;
    return map_case(call, &args[0], sqlcollation_lower, ret);
}

static entrasql_status reverse(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    const char *s = args[0].u.s.data;
    size_t length = args[0].u.s.len;
    (void)n;
    ES_TRY(engine_call_text(call, s, length, ret));
    for (size_t i = 0; i < length;) {
        uint32_t c;
        size_t used = next_char(s + i, length - i, &c);
        memcpy(ret->u.s.data + length - i - used, s + i, used);
        i += used;
    }
    return ENTRASQL_OK;
}

static entrasql_status replace(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    const char *s = args[0].u.s.data;
    size_t length = args[0].u.s.len;
    es_buf b = ES_BUF_INIT(RESULT_CEILING);
    entrasql_status status = ENTRASQL_OK;
    (void)n;
    for (size_t i = 0; i < length && status == ENTRASQL_OK;) {
        uint32_t c;
        size_t used = next_char(s + i, length - i, &c);
        size_t matched;
        if (args[1].u.s.len != 0 &&
            starts_with(s + i, length - i, args[1].u.s.data, args[1].u.s.len, &matched)) {
            status = es_buf_add(&b, args[2].u.s.data, args[2].u.s.len);
            used = matched;
        } else {
            status = es_buf_add(&b, s + i, used);
        }
        i += used;
    }
    status = status == ENTRASQL_OK ? engine_call_take(call, &b, ret) : es_nomem(call->err);
    es_buf_done(&b);
    return status;
}

static entrasql_status repeat(engine_call *call, const char *s, size_t length, int64_t count,
                              sqlvalue *ret)
{
    if (count < 0)
        return ENTRASQL_OK; /* NULL */
    if (length != 0 && count > 8000 && !sqltype_is_large(call->type))
        count = 8000;
    if (length != 0 && (uint64_t)count > RESULT_CEILING / length)
        return engine_error(call->err, 701, 1,
                            "There is insufficient system memory to run this query.");
    es_buf b = ES_BUF_INIT(RESULT_CEILING);
    entrasql_status status = ENTRASQL_OK;
    for (int64_t i = 0; i < count && length != 0 && status == ENTRASQL_OK; i++)
        status = es_buf_add(&b, s, length);
    status = status == ENTRASQL_OK ? engine_call_take(call, &b, ret) : es_nomem(call->err);
    es_buf_done(&b);
    if (status == ENTRASQL_OK && sqlvalue_is_too_long(ret))
        status = sqlvalue_fit_length(ret);
    return status;
}

static entrasql_status replicate(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    (void)n;
    return repeat(call, args[0].u.s.data, args[0].u.s.len, args[1].u.i, ret);
}

static entrasql_status space(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    (void)n;
    return repeat(call, " ", 1, args[0].u.i, ret);
}

static entrasql_status stuff(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    const char *s = args[0].u.s.data;
    size_t length = args[0].u.s.len;
    int64_t start = args[1].u.i;
    (void)n;
    if (args[0].is_null || args[1].is_null || args[2].is_null)
        return ENTRASQL_OK;
    if (start < 1 || args[2].u.i < 0 || (size_t)start > units_of(s, length))
        return ENTRASQL_OK; /* NULL */
    size_t from = byte_of(s, length, (size_t)start - 1);
    size_t to = from + byte_of(s + from, length - from, (size_t)args[2].u.i);
    es_buf b = ES_BUF_INIT(RESULT_CEILING);
    entrasql_status status = es_buf_add(&b, s, from);
    if (status == ENTRASQL_OK && !args[3].is_null)
        status = es_buf_add(&b, args[3].u.s.data, args[3].u.s.len);
    if (status == ENTRASQL_OK)
        status = es_buf_add(&b, s + to, length - to);
    status = status == ENTRASQL_OK ? engine_call_take(call, &b, ret) : es_nomem(call->err);
    es_buf_done(&b);
    return status;
}

static entrasql_status concat_all(engine_call *call, const sqlvalue *args, size_t n, bool separated,
                                  sqlvalue *ret)
{
    es_buf b = ES_BUF_INIT(RESULT_CEILING);
    entrasql_status status = ENTRASQL_OK;
    bool begun = false;
    for (size_t i = separated ? 1 : 0; i < n && status == ENTRASQL_OK; i++) {
        if (args[i].is_null)
            continue;
        if (separated && begun && !args[0].is_null)
            status = es_buf_add(&b, args[0].u.s.data, args[0].u.s.len);
        if (status == ENTRASQL_OK)
            status = es_buf_add(&b, args[i].u.s.data, args[i].u.s.len);
        begun = true;
    }
    status = status == ENTRASQL_OK ? engine_call_take(call, &b, ret) : es_nomem(call->err);
    es_buf_done(&b);
    return status;
}

static entrasql_status concat(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    return concat_all(call, args, n, false, ret);
}

static entrasql_status concat_ws(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    return concat_all(call, args, n, true, ret);
}

static entrasql_status bind_concat(engine_binder *b, engine_node *call)
{
    bool is_unicode = false;
    bool large = false;
    for (size_t i = 0; i < call->arg_count; i++) {
        is_unicode = is_unicode || sqltype_is_unicode(call->args[i]->type.id);
        large = large || sqltype_is_large(call->args[i]->type);
    }
    sqltype_id id = is_unicode ? SQLTYPE_NVARCHAR : SQLTYPE_VARCHAR;
    call->type = sqltype_string(id, large ? SQLTYPE_MAX : is_unicode ? 4000 : 8000);
    for (size_t i = 0; i < call->arg_count; i++) {
        if (!sqltype_is_string(call->args[i]->type.id))
            ES_TRY(engine_bind_cast(b, &call->args[i], call->type, ENGINE_CAST_EXPLICIT, NULL));
    }
    return ENTRASQL_OK;
}

static entrasql_status quotename(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    char open = n > 1 && args[1].u.s.len > 0 ? args[1].u.s.data[0] : '[';
    char close = open == '['   ? ']'
                 : open == '(' ? ')'
                 : open == '<' ? '>'
                 : open == '{' ? '}'
                               : open;
    if (close == ']' && open == ']')
        open = '[';
    if (strchr("[]()<>{}'\"`", open) == NULL || units_of(args[0].u.s.data, args[0].u.s.len) > 128)
        return ENTRASQL_OK; /* NULL */
    es_buf b = ES_BUF_INIT(RESULT_CEILING);
    entrasql_status status = es_buf_u8(&b, (uint8_t)open);
    for (size_t i = 0; i < args[0].u.s.len && status == ENTRASQL_OK; i++) {
        if (args[0].u.s.data[i] == close)
            status = es_buf_u8(&b, (uint8_t)close);
        if (status == ENTRASQL_OK)
            status = es_buf_u8(&b, (uint8_t)args[0].u.s.data[i]);
    }
    if (status == ENTRASQL_OK)
        status = es_buf_u8(&b, (uint8_t)close);
    status = status == ENTRASQL_OK ? engine_call_take(call, &b, ret) : es_nomem(call->err);
    es_buf_done(&b);
    return status;
}

static entrasql_status char_(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    char utf8[4];
    (void)n;
    if (args[0].u.i < 0 || args[0].u.i > 255)
        return ENTRASQL_OK;
    return engine_call_text(call, utf8, es_utf8_encode((uint32_t)args[0].u.i, utf8), ret);
}

static entrasql_status nchar_(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    char utf8[4];
    (void)n;
    if (args[0].u.i < 0 || args[0].u.i > 0xFFFF)
        return ENTRASQL_OK;
    return engine_call_text(call, utf8, es_utf8_encode((uint32_t)args[0].u.i, utf8), ret);
}

static entrasql_status str_(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    int64_t width = n > 1 ? args[1].u.i : 10;
    int64_t decimals = n > 2 ? args[2].u.i : 0;
    char text[400];
    if (width < 1 || width > 300 || decimals < 0)
        return ENTRASQL_OK;
    if (decimals > 16)
        decimals = 16;
    int length = snprintf(text, sizeof text, "%*.*f", (int)width, (int)decimals, args[0].u.f);
    if (length > width) {
        memset(text, '*', (size_t)width);
        length = (int)width;
    }
    return engine_call_text(call, text, (size_t)length, ret);
}

static const engine_builtin rows[] = {
    {"LEN", "s:i", len, NULL, 0},
    {"DATALENGTH", "x:i", datalength, NULL, 0},
    {"ASCII", "s:i", ascii, NULL, ENGINE_MAYBE_NULL},
    {"UNICODE", "s:i", unicode, NULL, ENGINE_MAYBE_NULL},
    {"CHARINDEX", "ss?i:i", charindex, NULL, 0},
    {"PATINDEX", "ss:i", patindex, NULL, 0},
    {"LEFT", "si:1", left, NULL, 0},
    {"RIGHT", "si:1", right, NULL, 0},
    {"SUBSTRING", "xii:1", substring, bind_substring, 0},
    {"LTRIM", "s?s:1", ltrim, NULL, 0},
    {"RTRIM", "s?s:1", rtrim, NULL, 0},
    {"TRIM", "s?s:1", trim_both, NULL, 0},
    {"UPPER", "s:1", upper, NULL, 0},
    {"LOWER", "s:1", lower, NULL, 0},
    {"REVERSE", "s:1", reverse, NULL, 0},
    {"REPLACE", "sss:1", replace, NULL, 0},
    {"REPLICATE", "si:1", replicate, NULL, ENGINE_MAYBE_NULL},
    {"SPACE", "i:v", space, NULL, ENGINE_MAYBE_NULL},
    {"STUFF", "siis:1", stuff, NULL, ENGINE_MAYBE_NULL | ENGINE_NULLS},
    {"CONCAT", "xx*:1", concat, bind_concat, ENGINE_NULLS | ENGINE_NOT_NULL},
    {"CONCAT_WS", "xxx*:1", concat_ws, bind_concat, ENGINE_NULLS | ENGINE_NOT_NULL},
    {"QUOTENAME", "s?s:S", quotename, NULL, ENGINE_MAYBE_NULL},
    {"CHAR", "i:v", char_, NULL, ENGINE_MAYBE_NULL},
    {"NCHAR", "i:S", nchar_, NULL, ENGINE_MAYBE_NULL},
    {"STR", "f?ii:v", str_, NULL, ENGINE_MAYBE_NULL},
};

const engine_builtins engine_builtins_string = {rows, ES_COUNT_OF(rows)};
