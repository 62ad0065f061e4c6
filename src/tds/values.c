/* SPDX-License-Identifier: MIT */
/* Values on the wire: their lengths, chunks and NULL. The bytes themselves are in value_body.c. */
#include "base/mem.h"
#include "sqltype/collation.h"
#include "tds/types.h"
#include "tds/types_inner.h"

#include <string.h>

#define PLP_NULL UINT64_MAX
#define PLP_UNKNOWN (UINT64_MAX - 1)
#define TEXT_POINTER_BYTES 16U
#define TEXT_TIMESTAMP_BYTES 8U
#define VARIANT_MAX_BYTES 8016U
#define VARIANT_TEXT_PROPERTIES 7U /* collation and length */

/* ---- writing ---- */

static entrasql_status add_null(es_buf *out, const tds_type *type, tds_place place, uint8_t length)
{
    if (tds_type_is_plp(type))
        return es_buf_u64le(out, PLP_NULL);
    switch ((enum tds_length)length) {
    case TDS_LENGTH_FIXED:
        return type->id == TDS_TYPE_NULL ? ENTRASQL_OK : ENTRASQL_INVALID;
    case TDS_LENGTH_U8:
        return es_buf_u8(out, 0);
    case TDS_LENGTH_U16:
        return es_buf_u16le(out, UINT16_MAX);
    case TDS_LENGTH_TEXT:
        return place == TDS_IN_ROW ? es_buf_u8(out, 0) : es_buf_u32le(out, UINT32_MAX);
    case TDS_LENGTH_VARIANT:
    case TDS_LENGTH_PLP:
        break;
    }
    return es_buf_u32le(out, 0);
}

/* One chunk of known length. */
static entrasql_status add_plp(es_buf *out, const tds_type *type, const sqlvalue *value)
{
    size_t at = out->len;
    size_t n;

    ES_TRY(es_buf_u64le(out, 0));
    ES_TRY(es_buf_u32le(out, 0));
    ES_TRY(tds_value_body_add(out, type, value));
    n = out->len - at - 12;
    if (n > UINT32_MAX)
        return ENTRASQL_LIMIT;
    es_buf_set_u64le(out, at, n);
    es_buf_set_u32le(out, at + 8, (uint32_t)n);
    return n != 0 ? es_buf_u32le(out, 0) : ENTRASQL_OK; /* an empty chunk is the end already */
}

static entrasql_status add_text(es_buf *out, const tds_type *type, tds_place place,
                                const sqlvalue *value)
{
    size_t at;

    if (place == TDS_IN_ROW) { /* nobody reads through the pointer */
        ES_TRY(es_buf_u8(out, TEXT_POINTER_BYTES));
        ES_TRY(es_buf_fill(out, 0x64, TEXT_POINTER_BYTES));
        ES_TRY(es_buf_fill(out, 0x64, TEXT_TIMESTAMP_BYTES));
    }
    at = out->len;
    ES_TRY(es_buf_u32le(out, 0));
    ES_TRY(tds_value_body_add(out, type, value));
    if (out->len - at - 4 > INT32_MAX)
        return ENTRASQL_LIMIT;
    es_buf_set_u32le(out, at, (uint32_t)(out->len - at - 4));
    return ENTRASQL_OK;
}

/* The properties of a variant's base type ([MS-TDS] 2.2.5.5.3). */
static entrasql_status add_properties(es_buf *out, const tds_type *base)
{
    if (tds_type_has_collation(base)) {
        ES_TRY(es_buf_u8(out, VARIANT_TEXT_PROPERTIES));
        ES_TRY(es_buf_add(out, base->collation, sizeof base->collation));
        return es_buf_u16le(out, (uint16_t)base->size);
    }
    switch (base->id) {
    case TDS_TYPE_DECIMALN:
    case TDS_TYPE_NUMERICN:
        ES_TRY(es_buf_u8(out, 2));
        ES_TRY(es_buf_u8(out, base->type.precision));
        return es_buf_u8(out, base->type.scale);
    case TDS_TYPE_TIME:
    case TDS_TYPE_DATETIME2:
    case TDS_TYPE_DATETIMEOFFSET:
        ES_TRY(es_buf_u8(out, 1));
        return es_buf_u8(out, base->type.scale);
    case TDS_TYPE_BIGBINARY:
    case TDS_TYPE_BIGVARBINARY:
        ES_TRY(es_buf_u8(out, 2));
        return es_buf_u16le(out, (uint16_t)base->size);
    default:
        return es_buf_u8(out, 0);
    }
}

static entrasql_status add_variant(es_buf *out, const sqlvalue *value)
{
    tds_type base = tds_type_from(value->type, false);
    size_t at = out->len;

    if (sqltype_is_large(value->type) || base.id == TDS_TYPE_VARIANT)
        return ENTRASQL_INVALID;
    ES_TRY(es_buf_u32le(out, 0));
    ES_TRY(es_buf_u8(out, base.id));
    ES_TRY(add_properties(out, &base));
    ES_TRY(tds_value_body_add(out, &base, value));
    if (out->len - at - 4 > VARIANT_MAX_BYTES)
        return ENTRASQL_INVALID;
    es_buf_set_u32le(out, at, (uint32_t)(out->len - at - 4));
    return ENTRASQL_OK;
}

static entrasql_status add_counted(es_buf *out, const tds_type *type, uint8_t length,
                                   const sqlvalue *value)
{
    size_t at = out->len;
    size_t width = length == TDS_LENGTH_U8 ? 1 : length == TDS_LENGTH_U16 ? 2 : 0;
    size_t n;

    ES_TRY(es_buf_fill(out, 0, width));
    ES_TRY(tds_value_body_add(out, type, value));
    n = out->len - at - width;
    if (n > type->size || (width == 1 && n == 0))
        return ENTRASQL_INVALID;
    if (width == 1)
        es_buf_set_u8(out, at, (uint8_t)n);
    else if (width == 2)
        es_buf_set_u16le(out, at, (uint16_t)n);
    return ENTRASQL_OK;
}

static entrasql_status add_value(es_buf *out, const tds_type *type, tds_place place,
                                 const sqlvalue *value)
{
    const struct tds_type_row *row = tds_type_row_of(type->id);

    if (row == NULL)
        return ENTRASQL_INVALID;
    if (value->is_null)
        return add_null(out, type, place, row->length);
    if (tds_type_is_plp(type))
        return add_plp(out, type, value);
    if (row->length == TDS_LENGTH_TEXT)
        return add_text(out, type, place, value);
    if (row->length == TDS_LENGTH_VARIANT)
        return add_variant(out, value);
    return add_counted(out, type, row->length, value);
}

entrasql_status tds_value_add(es_buf *out, const tds_type *type, tds_place place,
                              const sqlvalue *value)
{
    size_t before = out->len;
    entrasql_status st = add_value(out, type, place, value);

    if (st != ENTRASQL_OK)
        es_buf_truncate(out, before);
    return st;
}

/* ---- reading ---- */

static entrasql_status too_large(const tds_type *type, size_t limit, entrasql_error *err)
{
    return es_fail(err, ENTRASQL_LIMIT, "a value of type %s is larger than the limit of %zu bytes",
                   tds_type_name(type->id), limit);
}

static entrasql_status read_chunks(es_reader *r, const tds_type *type, uint64_t total, size_t limit,
                                   es_buf *raw, entrasql_error *err)
{
    uint32_t n;
    const uint8_t *chunk;

    for (;;) {
        ES_TRY(es_reader_u32le(r, &n));
        if (n == 0)
            break;
        if (n > limit - raw->len)
            return too_large(type, limit, err);
        ES_TRY(es_reader_bytes(r, n, &chunk));
        ES_TRY(es_buf_add(raw, chunk, n));
    }
    if (total != PLP_UNKNOWN && total != raw->len)
        return es_fail(err, ENTRASQL_MALFORMED,
                       "a value of type %s has %zu bytes in its chunks, not the %llu it tells",
                       tds_type_name(type->id), raw->len, (unsigned long long)total);
    return ENTRASQL_OK;
}

static entrasql_status read_plp(es_reader *r, const tds_type *type, size_t limit, sqlvalue *ret,
                                entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf raw = ES_BUF_INIT(limit);
    uint64_t total;

    ES_TRY(es_reader_u64le(r, &total));
    if (total == PLP_NULL)
        return ENTRASQL_OK;
    if (total != PLP_UNKNOWN && total > limit)
        return too_large(type, limit, err);
    ES_TRY(read_chunks(r, type, total, limit, &raw, err));
    return tds_value_body_read(es_reader_of(raw.data, raw.len), type, limit, ret, err);
}

static entrasql_status read_text(es_reader *r, const tds_type *type, tds_place place, size_t limit,
                                 sqlvalue *ret, entrasql_error *err)
{
    uint8_t pointer;
    uint32_t n;
    es_reader body;

    if (place == TDS_IN_ROW) {
        ES_TRY(es_reader_u8(r, &pointer));
        if (pointer == 0)
            return ENTRASQL_OK;
        ES_TRY(es_reader_skip(r, pointer));
        ES_TRY(es_reader_skip(r, TEXT_TIMESTAMP_BYTES));
    }
    ES_TRY(es_reader_u32le(r, &n));
    if (n == UINT32_MAX && place == TDS_IN_PARAM)
        return ENTRASQL_OK;
    if (n > limit)
        return too_large(type, limit, err);
    ES_TRY(es_reader_sub(r, n, &body));
    return tds_value_body_read(body, type, limit, ret, err);
}

/* Length and properties that the base types of a variant have. */
static entrasql_status read_properties(es_reader p, tds_type *base)
{
    uint16_t size;

    if (tds_type_has_collation(base)) {
        ES_TRY(es_reader_copy(&p, base->collation, sizeof base->collation));
        ES_TRY(es_reader_u16le(&p, &size));
        base->size = size;
    } else if (base->id == TDS_TYPE_DECIMALN || base->id == TDS_TYPE_NUMERICN) {
        ES_TRY(es_reader_u8(&p, &base->type.precision));
        ES_TRY(es_reader_u8(&p, &base->type.scale));
        if (base->type.precision < 1 || base->type.precision > 38 ||
            base->type.scale > base->type.precision)
            return ENTRASQL_MALFORMED;
    } else if (base->id == TDS_TYPE_TIME || base->id == TDS_TYPE_DATETIME2 ||
               base->id == TDS_TYPE_DATETIMEOFFSET) {
        ES_TRY(es_reader_u8(&p, &base->type.scale));
        if (base->type.scale > 7)
            return ENTRASQL_MALFORMED;
    } else if (base->id == TDS_TYPE_BIGBINARY || base->id == TDS_TYPE_BIGVARBINARY) {
        ES_TRY(es_reader_u16le(&p, &size));
        base->size = size;
    }
    return es_reader_end(&p);
}

static bool is_variant_base(const struct tds_type_row *row)
{
    if (row == NULL)
        return false;
    switch ((enum tds_length)row->length) {
    case TDS_LENGTH_FIXED:
        return row->id != TDS_TYPE_NULL;
    case TDS_LENGTH_U8:
        return row->info != TDS_INFO_SIZE8 || row->id == TDS_TYPE_GUID;
    case TDS_LENGTH_U16:
        return true;
    case TDS_LENGTH_TEXT:
    case TDS_LENGTH_VARIANT:
    case TDS_LENGTH_PLP:
        break;
    }
    return false;
}

static entrasql_status read_variant(es_reader *r, size_t limit, sqlvalue *ret, entrasql_error *err)
{
    uint32_t total;
    es_reader body;
    es_reader properties;
    uint8_t property_bytes;
    tds_type base = {0};
    const struct tds_type_row *row;

    ES_TRY(es_reader_u32le(r, &total));
    if (total == 0)
        return ENTRASQL_OK;
    if (total < 2 || total > VARIANT_MAX_BYTES)
        return es_fail(err, ENTRASQL_MALFORMED, "a sql_variant cannot have a length of %u", total);
    ES_TRY(es_reader_sub(r, total, &body));
    (void)!es_reader_u8(&body, &base.id);
    (void)!es_reader_u8(&body, &property_bytes);
    row = tds_type_row_of(base.id);
    if (!is_variant_base(row))
        return es_fail(err, ENTRASQL_MALFORMED, "a sql_variant cannot hold data type 0x%02x",
                       base.id);
    base.type.id = (sqltype_id)row->type;
    base.size = row->size;
    if (es_reader_sub(&body, property_bytes, &properties) != ENTRASQL_OK ||
        read_properties(properties, &base) != ENTRASQL_OK)
        return es_fail(err, ENTRASQL_MALFORMED, "a sql_variant of type %s has bad properties",
                       row->name);
    if (row->length == TDS_LENGTH_U16)
        base.type.length = sqltype_is_unicode(base.type.id) ? base.size / 2 : base.size;
    return tds_value_body_read(body, &base, limit, ret, err);
}

/* Lengths that stand before the bytes; *ret_null: there are none. */
static entrasql_status read_counted(es_reader *r, const tds_type *type, uint8_t length,
                                    es_reader *ret_body, bool *ret_null, entrasql_error *err)
{
    uint8_t n8;
    uint16_t n16;
    uint32_t n = type->size;

    *ret_null = false;
    if (length == TDS_LENGTH_U8) {
        ES_TRY(es_reader_u8(r, &n8));
        n = n8;
        *ret_null = n8 == 0;
    } else if (length == TDS_LENGTH_U16) {
        ES_TRY(es_reader_u16le(r, &n16));
        n = n16 == UINT16_MAX ? 0 : n16;
        *ret_null = n16 == UINT16_MAX;
    }
    if (n > type->size)
        return es_fail(err, ENTRASQL_MALFORMED, "a value of type %s has %u bytes, more than its %u",
                       tds_type_name(type->id), n, type->size);
    return es_reader_sub(r, n, ret_body);
}

static entrasql_status read_value(es_reader *r, const tds_type *type, tds_place place, size_t limit,
                                  sqlvalue *ret, entrasql_error *err)
{
    const struct tds_type_row *row = tds_type_row_of(type->id);
    es_reader body;
    bool is_null;

    if (row == NULL)
        return es_fail(err, ENTRASQL_MALFORMED, "unknown data type 0x%02x", type->id);
    if (type->id == TDS_TYPE_NULL)
        return ENTRASQL_OK;
    if (tds_type_is_plp(type))
        return read_plp(r, type, limit, ret, err);
    if (row->length == TDS_LENGTH_TEXT)
        return read_text(r, type, place, limit, ret, err);
    if (row->length == TDS_LENGTH_VARIANT)
        return read_variant(r, limit, ret, err);
    ES_TRY(read_counted(r, type, row->length, &body, &is_null, err));
    return is_null ? ENTRASQL_OK : tds_value_body_read(body, type, limit, ret, err);
}

entrasql_status tds_value_read(es_reader *r, const tds_type *type, tds_place place, size_t limit,
                               sqlvalue *ret, entrasql_error *err)
{
    sqlvalue v = sqlvalue_null(type->type);
    entrasql_status st = read_value(r, type, place, limit, &v, err);

    if (st == ENTRASQL_TRUNCATED)
        return es_fail(err, st, "the message ends inside a value of type %s",
                       tds_type_name(type->id));
    if (st == ENTRASQL_NOMEM)
        return es_nomem(err);
    if (st == ENTRASQL_OK)
        *ret = v;
    return st;
}
