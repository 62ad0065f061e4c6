/* SPDX-License-Identifier: MIT */
/* Conversions into and out of binaries: SQL Server's own bytes of each type. */
#include "base/base64.h"
#include "base/mem.h"
#include "base/reader.h"
#include "base/str.h"
#include "sqltype/convert_inner.h"
#include "sqltype/cp1252.h"
#include "sqltype/decimal.h"

#include <string.h>

#define BINARY_CEILING ((size_t)1 << 31)
#define NUMBER_MAX_BYTES 32

static size_t put_big_endian(uint64_t value, size_t size, uint8_t *dst)
{
    for (size_t i = 0; i < size; i++)
        dst[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
    return size;
}

static uint64_t get_big_endian(const uint8_t *p, size_t n)
{
    uint64_t value = 0;

    for (size_t i = 0; i < n; i++)
        value = value << 8 | p[i];
    return value;
}

static size_t put_little_endian(uint64_t value, size_t size, uint8_t *dst)
{
    for (size_t i = 0; i < size; i++)
        dst[i] = (uint8_t)(value >> (8 * i));
    return size;
}

/* Precision, scale, 0, sign (1: not negative), then 32-bit groups, low end first. */
static size_t put_decimal(const sqlvalue *v, uint8_t *dst)
{
    size_t n = 4;
    sqltype_u128 m = v->u.dec.magnitude;

    dst[0] = v->type.precision;
    dst[1] = v->type.scale;
    dst[2] = 0;
    dst[3] = !v->u.dec.negative;
    do {
        n += put_little_endian((uint32_t)m, 4, dst + n);
        m >>= 32;
    } while (m != 0);
    return n;
}

static size_t put_float(double f, bool is_real, uint8_t *dst)
{
    float real = (float)f;
    uint64_t bits = 0;
    uint32_t bits32;

    if (!is_real) {
        memcpy(&bits, &f, sizeof bits);
        return put_big_endian(bits, 8, dst);
    }
    memcpy(&bits32, &real, sizeof bits32);
    return put_big_endian(bits32, 4, dst);
}

static uint64_t day_number(int64_t ticks)
{
    return (uint64_t)(ticks / SQLTYPE_TICKS_PER_DAY);
}

static int64_t unit_of(uint8_t scale)
{
    int64_t unit = SQLTYPE_TICKS_PER_SECOND;

    while (scale-- > 0)
        unit /= 10;
    return unit;
}

/* The newer types: scale (not for date), time, date, offset, low end first. */
static size_t put_newer_date(const sqlvalue *v, uint8_t *dst)
{
    uint32_t size = sqltype_bytes(sqltype_with_scale(SQLTYPE_TIME, v->type.scale));
    size_t n = 0;

    if (v->type.id != SQLTYPE_DATE) {
        dst[n++] = v->type.scale;
        n += put_little_endian(
            (uint64_t)(v->u.ticks % SQLTYPE_TICKS_PER_DAY / unit_of(v->type.scale)), size, dst + n);
    }
    if (v->type.id != SQLTYPE_TIME)
        n += put_little_endian(day_number(v->u.ticks), 3, dst + n);
    if (v->type.id == SQLTYPE_DATETIMEOFFSET)
        n += put_little_endian((uint16_t)v->offset_minutes, 2, dst + n);
    return n;
}

static size_t number_bytes(const sqlvalue *v, uint8_t dst[NUMBER_MAX_BYTES])
{
    int64_t of_day = v->u.ticks % SQLTYPE_TICKS_PER_DAY;

    switch ((int)v->type.id) {
    case SQLTYPE_DECIMAL:
    case SQLTYPE_NUMERIC:
        return put_decimal(v, dst);
    case SQLTYPE_REAL:
    case SQLTYPE_FLOAT:
        return put_float(v->u.f, v->type.id == SQLTYPE_REAL, dst);
    case SQLTYPE_DATETIME:
        put_big_endian(day_number(v->u.ticks) - SQLDATE_DAYS_1900, 4, dst);
        return 4 + put_big_endian(sqldate_to_300ths(of_day), 4, dst + 4);
    case SQLTYPE_SMALLDATETIME:
        put_big_endian(day_number(v->u.ticks) - SQLDATE_DAYS_1900, 2, dst);
        return 2 + put_big_endian((uint64_t)(of_day / SQLDATE_TICKS_PER_MINUTE), 2, dst + 2);
    case SQLTYPE_DATE:
    case SQLTYPE_TIME:
    case SQLTYPE_DATETIME2:
    case SQLTYPE_DATETIMEOFFSET:
        return put_newer_date(v, dst);
    case SQLTYPE_UNIQUEIDENTIFIER:
        memcpy(dst, v->u.guid, 16);
        return 16;
    default:
        return put_big_endian((uint64_t)v->u.i, sqltype_bytes(v->type), dst);
    }
}

static bool is_hex_text(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char c = es_ascii_lower(s[i]);
        if (!es_is_digit(c) && !(c >= 'a' && c <= 'f'))
            return false;
    }
    return true;
}

static entrasql_status add_string(const struct conversion *c, es_buf *out)
{
    const char *s = c->v->u.s.data;
    size_t n = c->v->u.s.len;
    int style = c->options->style;
    uint8_t *room;

    if (style != 1 && style != 2) {
        if (sqltype_is_unicode(c->v->type.id))
            return es_buf_utf16le(out, s, n, NULL);
        return sqlcp1252_encode(s, n, out);
    }
    if (style == 1) {
        if (n < 2 || s[0] != '0' || (s[1] != 'x' && s[1] != 'X'))
            return sqltype_bad_value(c);
        s += 2;
        n -= 2;
    }
    if (n % 2 != 0 || !is_hex_text(s, n))
        return sqltype_bad_value(c);
    ES_TRY(es_buf_prepare(out, n / 2 + 1, &room));
    ES_TRY(es_hex_decode(s, n, room));
    es_buf_commit(out, n / 2);
    return ENTRASQL_OK;
}

/* Numbers into a short binary lose their first bytes, into a long one get zeros before. */
static entrasql_status add_number(const struct conversion *c, es_buf *out)
{
    uint8_t bytes[NUMBER_MAX_BYTES];
    size_t n = number_bytes(c->v, bytes);
    size_t wanted = c->target.id == SQLTYPE_ROWVERSION ? 8 : c->target.length;
    bool right_aligned = sqltype_is_exact_numeric(c->v->type.id) &&
                         c->v->type.id != SQLTYPE_DECIMAL && c->v->type.id != SQLTYPE_NUMERIC;

    if (sqltype_is_large(c->target) || !right_aligned)
        return es_buf_add(out, bytes, n);
    if (c->target.id != SQLTYPE_VARBINARY && n < wanted)
        ES_TRY(es_buf_fill(out, 0, wanted - n));
    if (n > wanted)
        return es_buf_add(out, bytes + (n - wanted), wanted);
    return es_buf_add(out, bytes, n);
}

entrasql_status sqltype_to_binary(const struct conversion *c, sqlvalue *ret)
{
    ES_CLEANUP(es_buf_done) es_buf bytes = ES_BUF_INIT(BINARY_CEILING);
    uint8_t version[8];
    entrasql_status st = ENTRASQL_OK;

    if (sqltype_is_string(c->v->type.id)) {
        ES_TRY(add_string(c, &bytes));
    } else if (c->v->type.id == SQLTYPE_ROWVERSION) {
        put_big_endian((uint64_t)c->v->u.i, 8, version);
        ES_TRY(es_buf_add(&bytes, version, sizeof version));
    } else if (sqltype_is_binary(c->v->type.id)) {
        ES_TRY(es_buf_add(&bytes, c->v->u.s.data, c->v->u.s.len));
    } else {
        ES_TRY(add_number(c, &bytes));
    }
    if (c->target.id == SQLTYPE_ROWVERSION) {
        ret->u.i = (int64_t)get_big_endian(bytes.data, bytes.len < 8 ? bytes.len : 8);
        return ENTRASQL_OK;
    }
    ret->u.s.data = es_buf_take(&bytes, &ret->u.s.len);
    if (ret->u.s.data == NULL)
        return ENTRASQL_NOMEM;
    ret->owned = true;
    if (!c->options->keep_length || !sqlvalue_is_too_long(ret))
        st = sqlvalue_fit_length(ret);
    if (st != ENTRASQL_OK)
        sqlvalue_done(ret);
    return st;
}

/* ---- out of a binary ---- */

static uint64_t get_little_endian(const uint8_t *p, size_t n)
{
    uint64_t value = 0;

    while (n-- > 0)
        value = value << 8 | p[n];
    return value;
}

static entrasql_status to_decimal(const struct conversion *c, const uint8_t *p, size_t n,
                                  sqlvalue *ret)
{
    sqldecimal d = {0, false};

    if (n < 5 || n > 20 || p[0] < 1 || p[0] > 38 || p[1] > p[0])
        return sqltype_bad_value(c);
    for (size_t i = n; i-- > 4;)
        d.magnitude = d.magnitude << 8 | p[i];
    d.negative = p[3] == 0 && d.magnitude != 0;
    if (d.magnitude >= sqldecimal_power(38) ||
        sqldecimal_rescale(d, p[1], c->target.precision, c->target.scale, true, &ret->u.dec) !=
            ENTRASQL_OK)
        return sqltype_overflow(c);
    return ENTRASQL_OK;
}

static entrasql_status to_old_date(const struct conversion *c, const uint8_t *p, size_t n,
                                   sqlvalue *ret)
{
    uint8_t full[8] = {0};
    int64_t days;
    uint32_t count;

    if (n != 0)
        memcpy(full + (sizeof full - (n < 8 ? n : 8)), n < 8 ? p : p + (n - 8), n < 8 ? n : 8);
    days = (int64_t)(int32_t)(uint32_t)get_big_endian(full, 4) + SQLDATE_DAYS_1900;
    count = (uint32_t)get_big_endian(full + 4, 4);
    if (count >= 25920000 || days < 0 || days > SQLDATE_MAX_DAYS ||
        sqldate_fit(days * SQLTYPE_TICKS_PER_DAY + sqldate_from_300ths(count), c->target,
                    &ret->u.ticks) != ENTRASQL_OK)
        return sqltype_overflow_expression(c);
    return ENTRASQL_OK;
}

/* The form that put_newer_date() writes, of the target's type. */
static entrasql_status to_newer_date(const struct conversion *c, const uint8_t *p, size_t n,
                                     sqlvalue *ret)
{
    es_reader r = es_reader_of(p, n);
    const uint8_t *part;
    uint8_t scale;
    int64_t ticks = 0;

    if (c->target.id != SQLTYPE_DATE) {
        uint32_t size;
        if (es_reader_u8(&r, &scale) != ENTRASQL_OK || scale > 7)
            return sqltype_bad_value(c);
        size = sqltype_bytes(sqltype_with_scale(SQLTYPE_TIME, scale));
        if (es_reader_bytes(&r, size, &part) != ENTRASQL_OK ||
            get_little_endian(part, size) >= (uint64_t)(SQLTYPE_TICKS_PER_DAY / unit_of(scale)))
            return sqltype_bad_value(c);
        ticks = (int64_t)get_little_endian(part, size) * unit_of(scale);
    }
    if (c->target.id != SQLTYPE_TIME) {
        if (es_reader_bytes(&r, 3, &part) != ENTRASQL_OK ||
            get_little_endian(part, 3) > (uint64_t)SQLDATE_MAX_DAYS)
            return sqltype_bad_value(c);
        ticks += (int64_t)get_little_endian(part, 3) * SQLTYPE_TICKS_PER_DAY;
    }
    if (c->target.id == SQLTYPE_DATETIMEOFFSET) {
        uint16_t offset;
        if (es_reader_u16le(&r, &offset) != ENTRASQL_OK)
            return sqltype_bad_value(c);
        ret->offset_minutes = (int16_t)offset;
        if (ret->offset_minutes < -SQLDATE_MAX_OFFSET || ret->offset_minutes > SQLDATE_MAX_OFFSET)
            return sqltype_bad_value(c);
    }
    if (es_reader_end(&r) != ENTRASQL_OK || !sqldate_has_local(ticks, ret->offset_minutes) ||
        sqldate_fit(ticks, c->target, &ret->u.ticks) != ENTRASQL_OK)
        return sqltype_bad_value(c);
    return ENTRASQL_OK;
}

/* The last bytes count; shorter binaries are not sign-extended. */
static int64_t to_integer(const struct conversion *c, const uint8_t *p, size_t n)
{
    size_t size = sqltype_bytes(c->target);
    uint64_t bits = n > size ? get_big_endian(p + (n - size), size) : get_big_endian(p, n);

    switch ((int)c->target.id) {
    case SQLTYPE_BIT:
        return bits != 0;
    case SQLTYPE_SMALLINT:
        return (int16_t)(uint16_t)bits;
    case SQLTYPE_INT:
    case SQLTYPE_SMALLMONEY:
        return (int32_t)(uint32_t)bits;
    default:
        return (int64_t)bits;
    }
}

entrasql_status sqltype_from_binary(const struct conversion *c, sqlvalue *ret)
{
    uint8_t version[8];
    const uint8_t *p = (const uint8_t *)c->v->u.s.data;
    size_t n = c->v->u.s.len;

    if (c->v->type.id == SQLTYPE_ROWVERSION) {
        put_big_endian((uint64_t)c->v->u.i, 8, version);
        p = version;
        n = sizeof version;
    }
    switch ((int)c->target.id) {
    case SQLTYPE_DECIMAL:
    case SQLTYPE_NUMERIC:
        return to_decimal(c, p, n, ret);
    case SQLTYPE_UNIQUEIDENTIFIER:
        memset(ret->u.guid, 0, sizeof ret->u.guid);
        if (n != 0)
            memcpy(ret->u.guid, p, n < 16 ? n : 16);
        return ENTRASQL_OK;
    case SQLTYPE_DATETIME:
    case SQLTYPE_SMALLDATETIME:
        return to_old_date(c, p, n, ret);
    case SQLTYPE_DATE:
    case SQLTYPE_TIME:
    case SQLTYPE_DATETIME2:
    case SQLTYPE_DATETIMEOFFSET:
        return to_newer_date(c, p, n, ret);
    default:
        ret->u.i = to_integer(c, p, n);
        return ENTRASQL_OK;
    }
}
