/* SPDX-License-Identifier: MIT */
/* Conversions into strings, and the text that people see. */
#include "base/base64.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf16.h"
#include "sqltype/convert_inner.h"
#include "sqltype/cp1252.h"
#include "sqltype/decimal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_CEILING ((size_t)1 << 31)
#define SHORT_TEXT_SIZE 64

/* ---- floats ---- */

/* "d.ddde+x" of any locale as its digits and exponent. */
static int split_float(double f, int precision, char digits[32])
{
    char text[48];
    const char *p = text;
    size_t n = 0;

    snprintf(text, sizeof text, "%.*e", precision - 1, f);
    for (; *p != '\0' && *p != 'e'; p++)
        if (es_is_digit(*p) && n < 31)
            digits[n++] = *p;
    digits[n] = '\0';
    return *p == 'e' ? (int)strtol(p + 1, NULL, 10) : 0;
}

static void put_exponential(const char *digits, int exponent, int exponent_digits, char *dst,
                            size_t size)
{
    snprintf(dst, size, "%c%s%se%c%0*d", digits[0], digits[1] != '\0' ? "." : "", digits + 1,
             exponent < 0 ? '-' : '+', exponent_digits, abs(exponent));
}

static void put_plain(const char *digits, int exponent, char *dst, size_t size)
{
    int n = (int)strlen(digits);

    if (exponent < 0)
        snprintf(dst, size, "0.%0*d%s", -exponent - 1, 0, digits);
    else if (n <= exponent + 1)
        snprintf(dst, size, "%s%.*s", digits, exponent + 1 - n, "00000000000000000000");
    else
        snprintf(dst, size, "%.*s.%s", exponent + 1, digits, digits + exponent + 1);
    if (exponent == -1) /* printf shows the 0 even where it takes no place */
        snprintf(dst, size, "0.%s", digits);
}

/* As printf's %g, with a '.' in every locale. */
static void format_general(double f, int precision, int exponent_digits, char *dst, size_t size)
{
    char digits[32] = "";
    int exponent = split_float(fabs(f), precision, digits);
    size_t n = strlen(digits);

    while (n > 1 && digits[n - 1] == '0')
        digits[--n] = '\0';
    if (signbit(f) && f != 0) {
        *dst++ = '-';
        size--;
    }
    if (exponent < -4 || exponent >= precision)
        put_exponential(digits, exponent, exponent_digits, dst, size);
    else
        put_plain(digits, exponent, dst, size);
}

static void format_scientific(double f, int precision, char *dst, size_t size)
{
    char digits[32] = "";
    int exponent = split_float(fabs(f), precision, digits);

    if (signbit(f) && f != 0) {
        *dst++ = '-';
        size--;
    }
    put_exponential(digits, exponent, 3, dst, size);
}

/* Enough digits that reading gives the same number. */
static void format_shortest(double f, bool is_real, char *dst, size_t size)
{
    int most = is_real ? 9 : 17;

    for (int precision = is_real ? 6 : 15; precision <= most; precision++) {
        double back = 0;
        format_general(f, precision, 2, dst, size);
        if (!sqltype_parse_double(dst, strlen(dst), &back))
            continue;
        if (is_real ? (float)back == (float)f : back == f)
            return;
    }
}

static void float_text(const struct conversion *c, char *dst, size_t size)
{
    switch (c->options->style) {
    case 1:
        format_scientific(c->v->u.f, 8, dst, size);
        break;
    case 2:
        format_scientific(c->v->u.f, 16, dst, size);
        break;
    case 3:
        format_scientific(c->v->u.f, c->v->type.id == SQLTYPE_REAL ? 9 : 17, dst, size);
        break;
    default:
        format_general(c->v->u.f, 6, 3, dst, size);
        break;
    }
}

/* ---- money ---- */

static void insert_commas(char *text, size_t size)
{
    char *point = strchr(text, '.');
    char *first = *text == '-' ? text + 1 : text;
    size_t len = strlen(text);

    if (point == NULL)
        return;
    for (char *p = point - 3; p > first && len + 1 < size; p -= 3) {
        memmove(p + 1, p, len - (size_t)(p - text) + 1);
        *p = ',';
        len++;
    }
}

static void money_text(int64_t i, int style, char *dst, size_t size)
{
    sqldecimal d = sqldecimal_from_i64(i);
    char text[SQLDECIMAL_TEXT_SIZE];
    uint8_t scale = 4;

    if (style != 2 && sqldecimal_rescale(d, 4, 38, 2, true, &d) == ENTRASQL_OK)
        scale = 2;
    (void)sqldecimal_format(d, scale, text);
    snprintf(dst, size, "%s", text);
    if (style == 1)
        insert_commas(dst, size);
}

/* ---- lengths ---- */

static bool is_counted(sqltype type)
{
    return !sqltype_is_large(type) && type.id != SQLTYPE_ROWVERSION &&
           (sqltype_is_string(type.id) || sqltype_is_binary(type.id));
}

static size_t text_units(bool unicode, const char *s, size_t n)
{
    size_t units = 0;

    if (!unicode)
        return sqlcp1252_length(s, n);
    while (n > 0) {
        uint32_t ch;
        size_t used = es_utf8_decode(s, n, &ch);
        used = used == 0 ? 1 : used;
        units += used == 4 ? 2 : 1;
        s += used;
        n -= used;
    }
    return units;
}

size_t sqlvalue_units(const sqlvalue *v)
{
    if (!sqltype_is_string(v->type.id))
        return v->u.s.len;
    return text_units(sqltype_is_unicode(v->type.id), v->u.s.data, v->u.s.len);
}

size_t sqlvalue_bytes(const sqlvalue *v)
{
    if (v->type.id == SQLTYPE_ROWVERSION)
        return 8;
    if (sqltype_is_string(v->type.id))
        return sqlvalue_units(v) * (sqltype_is_unicode(v->type.id) ? 2 : 1);
    if (sqltype_is_binary(v->type.id))
        return v->u.s.len;
    return sqltype_bytes(v->type);
}

/* Bytes of the longest beginning with at most `units` units; *ret_split: a pair stands across. */
static size_t prefix(const sqlvalue *v, size_t units, bool *ret_split)
{
    const char *s = v->u.s.data;
    size_t left = v->u.s.len;

    *ret_split = false;
    if (!sqltype_is_string(v->type.id))
        return units < left ? units : left;
    while (left > 0 && units > 0) {
        uint32_t ch;
        size_t used = es_utf8_decode(s, left, &ch);
        used = used == 0 ? 1 : used;
        if (used == 4 && units == 1) {
            *ret_split = true;
            break;
        }
        units -= used == 4 ? 2 : 1;
        s += used;
        left -= used;
    }
    return v->u.s.len - left;
}

bool sqlvalue_is_too_long(const sqlvalue *v)
{
    bool split;
    size_t kept;
    char filler = sqltype_is_string(v->type.id) ? ' ' : '\0';

    if (v->is_null || !is_counted(v->type))
        return false;
    kept = prefix(v, v->type.length, &split);
    for (size_t i = kept; i < v->u.s.len; i++)
        if (v->u.s.data[i] != filler)
            return true;
    return false;
}

/* Replaces the bytes by `kept` of them and `pad` fillers. */
static entrasql_status rebuild(sqlvalue *v, size_t kept, bool split, size_t pad)
{
    char filler = sqltype_is_string(v->type.id) ? ' ' : '\0';
    char *data = es_malloc(kept + 3 + pad + 1);
    size_t len = kept;
    uint32_t ch;

    if (data == NULL)
        return ENTRASQL_NOMEM;
    if (kept != 0)
        memcpy(data, v->u.s.data, kept);
    if (split && es_utf8_decode(v->u.s.data + kept, v->u.s.len - kept, &ch) == 4) {
        if (sqltype_is_unicode(v->type.id)) /* the first half of the pair stays, as it does there */
            len += es_utf8_encode(0xD800U + ((ch - 0x10000U) >> 10), data + len);
        else
            data[len++] = '?';
    }
    memset(data + len, filler, pad);
    len += pad;
    data[len] = '\0';
    if (v->owned)
        es_free(v->u.s.data);
    v->u.s.data = data;
    v->u.s.len = len;
    v->owned = true;
    return ENTRASQL_OK;
}

entrasql_status sqlvalue_fit_length(sqlvalue *v)
{
    bool is_fixed =
        v->type.id == SQLTYPE_CHAR || v->type.id == SQLTYPE_NCHAR || v->type.id == SQLTYPE_BINARY;
    bool split = false;
    size_t units;
    size_t kept;

    if (v->is_null || !is_counted(v->type))
        return ENTRASQL_OK;
    units = sqlvalue_units(v);
    if (units <= v->type.length) {
        if (!is_fixed || units == v->type.length)
            return ENTRASQL_OK;
        return rebuild(v, v->u.s.len, false, v->type.length - units);
    }
    kept = prefix(v, v->type.length, &split);
    if (split)
        return rebuild(v, kept, true, 0);
    v->u.s.len = kept;
    if (v->owned)
        v->u.s.data[kept] = '\0';
    return ENTRASQL_OK;
}

/* ---- into a string ---- */

/* Gives *ret the bytes of the buffer and the length that the target wants. */
static entrasql_status finish(const struct conversion *c, es_buf *text, sqlvalue *ret)
{
    size_t n;
    char *data = es_buf_take(text, &n);
    entrasql_status st = ENTRASQL_OK;

    if (data == NULL)
        return ENTRASQL_NOMEM;
    ret->u.s.data = data;
    ret->u.s.len = n;
    ret->owned = true;
    if (!c->options->keep_length || !sqlvalue_is_too_long(ret))
        st = sqlvalue_fit_length(ret);
    if (st != ENTRASQL_OK)
        sqlvalue_done(ret);
    return st;
}

/* Text without what code page 1252 lacks, where the target is not a Unicode type. */
static entrasql_status add_text(const struct conversion *c, const char *s, size_t n, es_buf *out)
{
    if (sqltype_is_unicode(c->target.id))
        return es_buf_add(out, s, n);
    while (n > 0) {
        uint32_t ch = '?';
        size_t used = es_utf8_decode(s, n, &ch);
        bool known = used > 0 && (ch == '?' || sqlcp1252_from_char(ch) != '?');
        if (known)
            ES_TRY(es_buf_add(out, s, used));
        else
            ES_TRY(es_buf_fill(out, '?', used == 4 ? 2 : 1));
        used = used == 0 ? 1 : used;
        s += used;
        n -= used;
    }
    return ENTRASQL_OK;
}

static entrasql_status add_hex(const void *p, size_t n, bool prefixed, es_buf *out)
{
    static const char digits[] = "0123456789ABCDEF";
    const uint8_t *bytes = p;

    if (prefixed)
        ES_TRY(es_buf_add_str(out, "0x"));
    for (size_t i = 0; i < n; i++) {
        ES_TRY(es_buf_u8(out, (uint8_t)digits[bytes[i] >> 4]));
        ES_TRY(es_buf_u8(out, (uint8_t)digits[bytes[i] & 15]));
    }
    return ENTRASQL_OK;
}

static void rowversion_bytes(int64_t i, uint8_t bytes[8])
{
    for (int k = 0; k < 8; k++)
        bytes[k] = (uint8_t)((uint64_t)i >> (8 * (7 - k)));
}

/* Binary to string: the bytes as text, or hexadecimal by style 1 and 2. */
static entrasql_status add_binary(const struct conversion *c, es_buf *out)
{
    uint8_t version[8];
    const uint8_t *p = (const uint8_t *)c->v->u.s.data;
    size_t n = c->v->u.s.len;

    if (c->v->type.id == SQLTYPE_ROWVERSION) {
        rowversion_bytes(c->v->u.i, version);
        p = version;
        n = sizeof version;
    }
    if (c->options->style == 1 || c->options->style == 2)
        return add_hex(p, n, c->options->style == 1, out);
    if (!sqltype_is_unicode(c->target.id))
        return sqlcp1252_decode(p, n, out);
    ES_TRY(es_utf16le_to_utf8(p, n & ~(size_t)1, out));
    if (n % 2 != 0) { /* half a character is filled up with a zero */
        uint8_t last[2] = {p[n - 1], 0};
        return es_utf16le_to_utf8(last, sizeof last, out);
    }
    return ENTRASQL_OK;
}

static void upper_guid(const uint8_t guid[16], char text[ES_GUID_TEXT_SIZE])
{
    es_guid_format(guid, text);
    for (char *p = text; *p != '\0'; p++)
        *p = es_ascii_upper(*p);
}

/* Values with a short text: everything but strings and binaries. */
static entrasql_status short_text(const struct conversion *c, char *dst, size_t size)
{
    const sqlvalue *v = c->v;

    switch ((int)v->type.id) {
    case SQLTYPE_DECIMAL:
    case SQLTYPE_NUMERIC: {
        char text[SQLDECIMAL_TEXT_SIZE];
        (void)sqldecimal_format(v->u.dec, v->type.scale, text);
        snprintf(dst, size, "%s", text);
        return ENTRASQL_OK;
    }
    case SQLTYPE_MONEY:
    case SQLTYPE_SMALLMONEY:
        money_text(v->u.i, c->options->style, dst, size);
        return ENTRASQL_OK;
    case SQLTYPE_REAL:
    case SQLTYPE_FLOAT:
        float_text(c, dst, size);
        return ENTRASQL_OK;
    case SQLTYPE_UNIQUEIDENTIFIER: {
        char guid[ES_GUID_TEXT_SIZE];
        upper_guid(v->u.guid, guid);
        snprintf(dst, size, "%s", guid);
        return ENTRASQL_OK;
    }
    default:
        break;
    }
    if (!sqltype_is_datetime(v->type.id)) {
        snprintf(dst, size, "%lld", (long long)v->u.i);
        return ENTRASQL_OK;
    }
    if (sqldate_format(v, c->options->style, dst, size) == ENTRASQL_OK)
        return ENTRASQL_OK;
    return sqltype_fail(c->err, 281, 1,
                        "%d is not a valid style number when converting from %s to a character "
                        "string.",
                        c->options->style, sqltype_name(v->type.id));
}

/* What happens to a number that has no room; dates are cut as strings are. */
static entrasql_status check_room(const struct conversion *c, char *text)
{
    sqltype_id id = c->v->type.id;
    bool is_short_int = id == SQLTYPE_INT || id == SQLTYPE_SMALLINT || id == SQLTYPE_TINYINT;

    if (!is_counted(c->target) || strlen(text) <= c->target.length || sqltype_is_datetime(id))
        return ENTRASQL_OK;
    if (is_short_int && !sqltype_is_unicode(c->target.id)) {
        memcpy(text, "*", 2);
        return ENTRASQL_OK;
    }
    if (id == SQLTYPE_UNIQUEIDENTIFIER)
        return sqltype_fail(c->err, 8170, 2,
                            "Insufficient result space to convert uniqueidentifier value to char.");
    if (id == SQLTYPE_MONEY || id == SQLTYPE_SMALLMONEY)
        return sqltype_fail(c->err, 234, 2,
                            "There is insufficient result space to convert a money value to %s.",
                            sqltype_name(c->target.id));
    return sqltype_is_integer(id) ? sqltype_overflow_expression(c) : sqltype_overflow(c);
}

entrasql_status sqltype_to_string(const struct conversion *c, sqlvalue *ret)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(TEXT_CEILING);
    char brief[SHORT_TEXT_SIZE];

    if (sqltype_is_string(c->v->type.id)) {
        ES_TRY(es_buf_reserve(&text, c->v->u.s.len + 1));
        ES_TRY(add_text(c, c->v->u.s.data, c->v->u.s.len, &text));
    } else if (sqltype_is_binary(c->v->type.id)) {
        ES_TRY(add_binary(c, &text));
    } else {
        ES_TRY(short_text(c, brief, sizeof brief));
        ES_TRY(check_room(c, brief));
        ES_TRY(es_buf_add_str(&text, brief));
    }
    return finish(c, &text, ret);
}

/* ---- for people ---- */

entrasql_status sqlvalue_print(const sqlvalue *v, es_buf *out)
{
    sqltype_convert_options options = SQLTYPE_CONVERT_DEFAULT;
    struct conversion c = {v, sqltype_string(SQLTYPE_NVARCHAR, SQLTYPE_MAX), &options, NULL};
    char text[SHORT_TEXT_SIZE];
    uint8_t version[8];

    if (sqltype_is_string(v->type.id))
        return es_buf_add(out, v->u.s.data, v->u.s.len);
    if (v->type.id == SQLTYPE_ROWVERSION) {
        rowversion_bytes(v->u.i, version);
        return add_hex(version, sizeof version, true, out);
    }
    if (sqltype_is_binary(v->type.id))
        return add_hex(v->u.s.data, v->u.s.len, true, out);
    if (v->type.id == SQLTYPE_REAL || v->type.id == SQLTYPE_FLOAT) {
        format_shortest(v->u.f, v->type.id == SQLTYPE_REAL, text, sizeof text);
        return es_buf_add_str(out, text);
    }
    if (v->type.id == SQLTYPE_MONEY || v->type.id == SQLTYPE_SMALLMONEY)
        options.style = 2;
    else if (sqltype_is_datetime(v->type.id))
        options.style = v->type.id == SQLTYPE_SMALLDATETIME ? 120 : SQLDATE_STYLE_ODBC;
    ES_TRY(short_text(&c, text, sizeof text));
    return es_buf_add_str(out, text);
}
