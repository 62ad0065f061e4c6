/* SPDX-License-Identifier: MIT */
/* The bytes of a value without their length, both directions ([MS-TDS] 2.2.5.5). */
#include "base/mem.h"
#include "base/utf16.h"
#include "sqltype/collation.h"
#include "sqltype/cp1252.h"
#include "sqltype/datetime.h"
#include "sqltype/decimal.h"
#include "tds/types_inner.h"

#include <math.h>
#include <string.h>

/* ---- little helpers ---- */

static entrasql_status add_le(es_buf *out, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        ES_TRY(es_buf_u8(out, (uint8_t)(value >> (8 * i))));
    return ENTRASQL_OK;
}

static uint64_t get_le(const uint8_t *p, size_t bytes)
{
    uint64_t value = 0;

    while (bytes-- > 0)
        value = value << 8 | p[bytes];
    return value;
}

static int64_t unit_of(uint8_t scale)
{
    int64_t unit = SQLTYPE_TICKS_PER_SECOND;

    while (scale-- > 0)
        unit /= 10;
    return unit;
}

static uint32_t time_bytes(uint8_t scale)
{
    return sqltype_bytes(sqltype_with_scale(SQLTYPE_TIME, scale));
}

static bool is_utf8(const tds_type *type)
{
    return (get_le(type->collation, 4) & SQLCOLLATION_UTF8) != 0;
}

/* Kinds of values that share a union member: the value must have the type's kind. */
static int kind_of(sqltype_id id)
{
    if (id == SQLTYPE_DECIMAL || id == SQLTYPE_NUMERIC)
        return 1;
    if (id == SQLTYPE_REAL || id == SQLTYPE_FLOAT)
        return 2;
    if (sqltype_is_datetime(id))
        return 3;
    if (id == SQLTYPE_UNIQUEIDENTIFIER)
        return 4;
    if (sqltype_is_string(id))
        return 5;
    if (id == SQLTYPE_MONEY || id == SQLTYPE_SMALLMONEY)
        return 7;
    if (id == SQLTYPE_ROWVERSION)
        return 8;
    return sqltype_is_binary(id) ? 6 : 0;
}

/* ---- writing ---- */

static entrasql_status add_decimal(es_buf *out, const tds_type *type, const sqlvalue *v)
{
    sqltype_u128 m = v->u.dec.magnitude;

    if (v->type.scale != type->type.scale || m >= sqldecimal_power(type->type.precision))
        return ENTRASQL_INVALID;
    ES_TRY(es_buf_u8(out, !v->u.dec.negative));
    for (uint32_t i = 1; i < sqltype_bytes(type->type); i++) {
        ES_TRY(es_buf_u8(out, (uint8_t)m));
        m >>= 8;
    }
    return ENTRASQL_OK;
}

static entrasql_status add_float(es_buf *out, const tds_type *type, double f)
{
    uint64_t bits;
    uint32_t bits32;
    float real = (float)f;

    if (type->type.id == SQLTYPE_REAL) {
        memcpy(&bits32, &real, sizeof bits32);
        return es_buf_u32le(out, bits32);
    }
    memcpy(&bits, &f, sizeof bits);
    return es_buf_u64le(out, bits);
}

static entrasql_status add_date(es_buf *out, const tds_type *type, const sqlvalue *v)
{
    int64_t days = v->u.ticks / SQLTYPE_TICKS_PER_DAY;
    int64_t of_day = v->u.ticks % SQLTYPE_TICKS_PER_DAY;
    sqltype_id id = type->type.id;

    if (v->u.ticks < 0 || v->u.ticks >= SQLDATE_END_TICKS || v->type.id != id)
        return ENTRASQL_INVALID;
    if (id == SQLTYPE_DATETIME) {
        ES_TRY(es_buf_u32le(out, (uint32_t)(int32_t)(days - SQLDATE_DAYS_1900)));
        return es_buf_u32le(out, sqldate_to_300ths(of_day));
    }
    if (id == SQLTYPE_SMALLDATETIME) {
        if (days < SQLDATE_DAYS_1900 || days - SQLDATE_DAYS_1900 > UINT16_MAX)
            return ENTRASQL_INVALID;
        ES_TRY(es_buf_u16le(out, (uint16_t)(days - SQLDATE_DAYS_1900)));
        return es_buf_u16le(out, (uint16_t)(of_day / SQLDATE_TICKS_PER_MINUTE));
    }
    if (id != SQLTYPE_DATE)
        ES_TRY(add_le(out, (uint64_t)(of_day / unit_of(type->type.scale)),
                      time_bytes(type->type.scale)));
    if (id != SQLTYPE_TIME)
        ES_TRY(add_le(out, (uint64_t)days, 3));
    if (id == SQLTYPE_DATETIMEOFFSET)
        return es_buf_u16le(out, (uint16_t)v->offset_minutes);
    return ENTRASQL_OK;
}

static entrasql_status add_text(es_buf *out, const tds_type *type, const sqlvalue *v)
{
    if (sqltype_is_unicode(type->type.id))
        return es_buf_utf16le(out, v->u.s.data, v->u.s.len, NULL);
    if (is_utf8(type))
        return es_buf_add(out, v->u.s.data, v->u.s.len);
    return sqlcp1252_encode(v->u.s.data, v->u.s.len, out);
}

static entrasql_status add_rowversion(es_buf *out, int64_t i)
{
    for (int shift = 56; shift >= 0; shift -= 8)
        ES_TRY(es_buf_u8(out, (uint8_t)((uint64_t)i >> shift)));
    return ENTRASQL_OK;
}

static entrasql_status add_integer(es_buf *out, const tds_type *type, int64_t i)
{
    uint32_t bytes = sqltype_bytes(type->type);

    if (type->type.id == SQLTYPE_MONEY) { /* the high half comes first */
        ES_TRY(es_buf_u32le(out, (uint32_t)((uint64_t)i >> 32)));
        return es_buf_u32le(out, (uint32_t)i);
    }
    if (bytes == 1 ? i < 0 || i > UINT8_MAX
                   : bytes < 8 && (i < -(INT64_C(1) << (8 * bytes - 1)) ||
                                   i >= INT64_C(1) << (8 * bytes - 1)))
        return ENTRASQL_INVALID;
    return add_le(out, (uint64_t)i, bytes);
}

entrasql_status tds_value_body_add(es_buf *out, const tds_type *type, const sqlvalue *value)
{
    sqltype_id id = type->type.id;

    if (kind_of(id) != kind_of(value->type.id))
        return ENTRASQL_INVALID;
    if (id == SQLTYPE_DECIMAL || id == SQLTYPE_NUMERIC)
        return add_decimal(out, type, value);
    if (id == SQLTYPE_REAL || id == SQLTYPE_FLOAT)
        return add_float(out, type, value->u.f);
    if (sqltype_is_datetime(id))
        return add_date(out, type, value);
    if (id == SQLTYPE_UNIQUEIDENTIFIER)
        return es_buf_add(out, value->u.guid, sizeof value->u.guid);
    if (id == SQLTYPE_ROWVERSION)
        return add_rowversion(out, value->u.i);
    if (sqltype_is_string(id))
        return add_text(out, type, value);
    if (sqltype_is_binary(id))
        return es_buf_add(out, value->u.s.data, value->u.s.len);
    return add_integer(out, type, value->u.i);
}

/* ---- reading ---- */

static entrasql_status bad_value(const tds_type *type, const char *what, entrasql_error *err)
{
    es_fail(err, ENTRASQL_MALFORMED, "a value of type %s %s", tds_type_name(type->id), what);
    if (err != NULL)
        err->number = TDS_BAD_VALUE;
    return ENTRASQL_MALFORMED;
}

static entrasql_status bad_length(const tds_type *type, size_t n, entrasql_error *err)
{
    return es_fail(err, ENTRASQL_MALFORMED, "a value of type %s cannot have a length of %zu",
                   tds_type_name(type->id), n);
}

static entrasql_status read_decimal(es_reader body, const tds_type *type, sqlvalue *ret,
                                    entrasql_error *err)
{
    if (body.left < 2 || body.left > 17)
        return bad_length(type, body.left, err);
    if (body.at[0] > 1)
        return bad_value(type, "has a sign that is neither 0 nor 1", err);
    ret->u.dec = (sqldecimal){0, false};
    for (size_t i = body.left; i-- > 1;)
        ret->u.dec.magnitude = ret->u.dec.magnitude << 8 | body.at[i];
    ret->u.dec.negative = body.at[0] == 0 && ret->u.dec.magnitude != 0;
    if (ret->u.dec.magnitude >= sqldecimal_power(type->type.precision))
        return bad_value(type, "has more digits than its precision", err);
    return ENTRASQL_OK;
}

static entrasql_status read_float(es_reader body, const tds_type *type, sqlvalue *ret,
                                  entrasql_error *err)
{
    uint64_t bits;
    uint32_t bits32;
    float real;

    if (body.left != sqltype_bytes(type->type))
        return bad_length(type, body.left, err);
    if (type->type.id == SQLTYPE_REAL) {
        bits32 = (uint32_t)get_le(body.at, 4);
        memcpy(&real, &bits32, sizeof real);
        ret->u.f = real;
    } else {
        bits = get_le(body.at, 8);
        memcpy(&ret->u.f, &bits, sizeof bits);
    }
    return isfinite(ret->u.f) ? ENTRASQL_OK : bad_value(type, "is not a finite number", err);
}

static entrasql_status read_old_date(es_reader body, const tds_type *type, int64_t *ret_ticks,
                                     entrasql_error *err)
{
    int64_t days;
    int64_t of_day;

    if (body.left != sqltype_bytes(type->type))
        return bad_length(type, body.left, err);
    if (type->type.id == SQLTYPE_SMALLDATETIME) {
        days = (int64_t)get_le(body.at, 2);
        of_day = (int64_t)get_le(body.at + 2, 2) * SQLDATE_TICKS_PER_MINUTE;
    } else {
        uint32_t count = (uint32_t)get_le(body.at + 4, 4);
        days = (int32_t)(uint32_t)get_le(body.at, 4);
        of_day = count < 25920000U ? sqldate_from_300ths(count) : SQLTYPE_TICKS_PER_DAY;
    }
    if (of_day >= SQLTYPE_TICKS_PER_DAY || days < -SQLDATE_DAYS_1900 ||
        days > SQLDATE_MAX_DAYS - SQLDATE_DAYS_1900 ||
        sqldate_fit((days + SQLDATE_DAYS_1900) * SQLTYPE_TICKS_PER_DAY + of_day, type->type,
                    ret_ticks) != ENTRASQL_OK)
        return bad_value(type, "is out of range", err);
    return ENTRASQL_OK;
}

static entrasql_status read_new_date(es_reader body, const tds_type *type, sqlvalue *ret,
                                     entrasql_error *err)
{
    uint8_t scale = type->type.scale;
    uint32_t time = time_bytes(scale);
    int64_t days = 0;
    uint64_t count = 0;

    if (body.left != sqltype_bytes(type->type))
        return bad_length(type, body.left, err);
    if (type->type.id != SQLTYPE_DATE) {
        count = get_le(body.at, time);
        body.at += time;
    }
    if (type->type.id != SQLTYPE_TIME) {
        days = (int64_t)get_le(body.at, 3);
        body.at += 3;
    }
    if (type->type.id == SQLTYPE_DATETIMEOFFSET)
        ret->offset_minutes = (int16_t)(uint16_t)get_le(body.at, 2);
    if (days > SQLDATE_MAX_DAYS || count >= (uint64_t)(SQLTYPE_TICKS_PER_DAY / unit_of(scale)) ||
        ret->offset_minutes < -SQLDATE_MAX_OFFSET || ret->offset_minutes > SQLDATE_MAX_OFFSET)
        return bad_value(type, "is out of range", err);
    ret->u.ticks = days * SQLTYPE_TICKS_PER_DAY + (int64_t)count * unit_of(scale);
    return sqldate_has_local(ret->u.ticks, ret->offset_minutes)
               ? ENTRASQL_OK
               : bad_value(type, "is out of range", err);
}

/* Text and binaries: the bytes become an owned block. */
static entrasql_status read_bytes(es_reader body, const tds_type *type, size_t limit, sqlvalue *ret,
                                  entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(limit);
    entrasql_status st;

    if (sqltype_is_unicode(type->type.id)) {
        if (body.left % 2 != 0)
            return bad_length(type, body.left, err);
        st = es_utf16le_to_utf8(body.at, body.left, &text);
    } else if (sqltype_is_string(type->type.id) && !is_utf8(type)) {
        st = sqlcp1252_decode(body.at, body.left, &text);
    } else {
        st = es_buf_add(&text, body.at, body.left);
    }
    if (st == ENTRASQL_LIMIT)
        return es_fail(err, st, "a value of type %s is larger than the limit of %zu bytes",
                       tds_type_name(type->id), limit);
    ES_TRY(st);
    ret->u.s.data = es_buf_take(&text, &ret->u.s.len);
    if (ret->u.s.data == NULL)
        return ENTRASQL_NOMEM;
    ret->owned = true;
    return ENTRASQL_OK;
}

static entrasql_status read_integer(es_reader body, const tds_type *type, sqlvalue *ret,
                                    entrasql_error *err)
{
    uint64_t bits;

    if (body.left != sqltype_bytes(type->type))
        return bad_length(type, body.left, err);
    bits = get_le(body.at, body.left);
    switch ((int)type->type.id) {
    case SQLTYPE_BIT:
        ret->u.i = bits != 0;
        break;
    case SQLTYPE_SMALLINT:
        ret->u.i = (int16_t)(uint16_t)bits;
        break;
    case SQLTYPE_INT:
    case SQLTYPE_SMALLMONEY:
        ret->u.i = (int32_t)(uint32_t)bits;
        break;
    case SQLTYPE_MONEY:
        ret->u.i = (int64_t)(bits << 32 | bits >> 32);
        break;
    default:
        ret->u.i = (int64_t)bits;
        break;
    }
    return ENTRASQL_OK;
}

entrasql_status tds_value_body_read(es_reader body, const tds_type *type, size_t limit,
                                    sqlvalue *ret, entrasql_error *err)
{
    sqlvalue v = {.type = type->type};
    sqltype_id id = type->type.id;
    entrasql_status st;

    if (id == SQLTYPE_DECIMAL || id == SQLTYPE_NUMERIC) {
        st = read_decimal(body, type, &v, err);
    } else if (id == SQLTYPE_REAL || id == SQLTYPE_FLOAT) {
        st = read_float(body, type, &v, err);
    } else if (id == SQLTYPE_DATETIME || id == SQLTYPE_SMALLDATETIME) {
        st = read_old_date(body, type, &v.u.ticks, err);
    } else if (sqltype_is_datetime(id)) {
        st = read_new_date(body, type, &v, err);
    } else if (id == SQLTYPE_UNIQUEIDENTIFIER) {
        st = body.left == sizeof v.u.guid ? es_reader_copy(&body, v.u.guid, sizeof v.u.guid)
                                          : bad_length(type, body.left, err);
    } else if (sqltype_is_string(id) || sqltype_is_binary(id)) {
        st = read_bytes(body, type, limit, &v, err);
    } else {
        st = read_integer(body, type, &v, err);
    }
    if (st == ENTRASQL_OK)
        *ret = v;
    return st;
}
