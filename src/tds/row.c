/* SPDX-License-Identifier: MIT */
/* Result sets as a server writes them. */
#include "tds/row.h"

#include "base/mem.h"
#include "tds/varchar.h"

#define NO_METADATA 0xFFFFU

tds_column tds_column_of(const char *name, sqltype type, bool nullable, bool identity,
                         bool computed)
{
    tds_column c = {.name = name, .type = tds_type_from(type, nullable)};

    c.flags =
        (uint16_t)((nullable ? TDS_COLUMN_NULLABLE : 0U) | (identity ? TDS_COLUMN_IDENTITY : 0U) |
                   (computed ? TDS_COLUMN_COMPUTED : 0U) |
                   (identity || computed ? 0U : TDS_COLUMN_UNKNOWN_WRITE));
    if (type.id == SQLTYPE_ROWVERSION)
        c.user_type = TDS_USERTYPE_ROWVERSION;
    return c;
}

/* TableName: the number of its parts and each of them. */
static entrasql_status add_table(es_buf *out, const tds_column *c)
{
    if (c->table[0] == NULL)
        return es_buf_u8(out, 0);
    ES_TRY(es_buf_u8(out, TDS_TABLE_PARTS));
    for (size_t i = 0; i < TDS_TABLE_PARTS; i++)
        ES_TRY(tds_us_varchar_add(out, c->table[i], UINT16_MAX));
    return ENTRASQL_OK;
}

static entrasql_status add_column(es_buf *out, const tds_column *c)
{
    ES_TRY(es_buf_u32le(out, c->user_type));
    ES_TRY(es_buf_u16le(out, c->flags));
    ES_TRY(tds_type_add(out, &c->type));
    if (c->type.id == TDS_TYPE_TEXT || c->type.id == TDS_TYPE_NTEXT || c->type.id == TDS_TYPE_IMAGE)
        ES_TRY(add_table(out, c));
    return tds_b_varchar_add(out, c->name);
}

static entrasql_status add_columns(es_buf *out, const tds_column *columns, size_t count)
{
    ES_TRY(es_buf_u8(out, TDS_TOKEN_COLMETADATA));
    ES_TRY(es_buf_u16le(out, count == 0 ? NO_METADATA : (uint16_t)count));
    for (size_t i = 0; i < count; i++)
        ES_TRY(add_column(out, &columns[i]));
    return ENTRASQL_OK;
}

entrasql_status tds_colmetadata_add(es_buf *out, const tds_column *columns, size_t count)
{
    size_t before = out->len;
    entrasql_status st;

    if (count > TDS_COLUMNS_MAX)
        return ENTRASQL_LIMIT;
    st = add_columns(out, columns, count);
    if (st != ENTRASQL_OK)
        es_buf_truncate(out, before);
    return st;
}

static entrasql_status add_values(es_buf *out, const tds_column *columns, const sqlvalue *values,
                                  size_t count, bool skip_null)
{
    for (size_t i = 0; i < count; i++) {
        if (skip_null && values[i].is_null)
            continue;
        ES_TRY(tds_value_add(out, &columns[i].type, TDS_IN_ROW, &values[i]));
    }
    return ENTRASQL_OK;
}

entrasql_status tds_row_add(es_buf *out, const tds_column *columns, const sqlvalue *values,
                            size_t count)
{
    size_t before = out->len;
    entrasql_status st = es_buf_u8(out, TDS_TOKEN_ROW);

    if (st == ENTRASQL_OK)
        st = add_values(out, columns, values, count, false);
    if (st != ENTRASQL_OK)
        es_buf_truncate(out, before);
    return st;
}

static entrasql_status add_null_bits(es_buf *out, const sqlvalue *values, size_t count)
{
    for (size_t i = 0; i < count; i += 8) {
        uint8_t bits = 0;
        for (size_t j = i; j < i + 8 && j < count; j++)
            bits |= (uint8_t)(values[j].is_null ? 1U << (j - i) : 0U);
        ES_TRY(es_buf_u8(out, bits));
    }
    return ENTRASQL_OK;
}

entrasql_status tds_nbc_row_add(es_buf *out, const tds_column *columns, const sqlvalue *values,
                                size_t count)
{
    size_t before = out->len;
    entrasql_status st = es_buf_u8(out, TDS_TOKEN_NBCROW);

    if (st == ENTRASQL_OK)
        st = add_null_bits(out, values, count);
    if (st == ENTRASQL_OK)
        st = add_values(out, columns, values, count, true);
    if (st != ENTRASQL_OK)
        es_buf_truncate(out, before);
    return st;
}

static entrasql_status add_return_value(es_buf *out, uint16_t ordinal, const char *name,
                                        const sqlvalue *value)
{
    tds_type type = tds_type_from(value->type, true);

    ES_TRY(es_buf_u8(out, TDS_TOKEN_RETURNVALUE));
    ES_TRY(es_buf_u16le(out, ordinal));
    ES_TRY(tds_b_varchar_add(out, name));
    ES_TRY(es_buf_u8(out, 1)); /* an output parameter */
    ES_TRY(es_buf_u32le(out, 0));
    ES_TRY(es_buf_u16le(out, 0));
    ES_TRY(tds_type_add(out, &type));
    return tds_value_add(out, &type, TDS_IN_ROW, value);
}

entrasql_status tds_return_value_add(es_buf *out, uint16_t ordinal, const char *name,
                                     const sqlvalue *value)
{
    size_t before = out->len;
    entrasql_status st = add_return_value(out, ordinal, name, value);

    if (st != ENTRASQL_OK)
        es_buf_truncate(out, before);
    return st;
}
