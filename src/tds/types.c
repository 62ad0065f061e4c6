/* SPDX-License-Identifier: MIT */
/* TYPE_INFO: the type bytes, their lengths and limits, both directions. */
#include "tds/types.h"

#include "base/str.h"
#include "sqltype/collation.h"
#include "tds/types_inner.h"
#include "tds/varchar.h"

#include <string.h>

static const struct tds_type_row rows[] = {
    {TDS_TYPE_NULL, TDS_INFO_NONE, TDS_LENGTH_FIXED, 0, "null", SQLTYPE_UNKNOWN},
    {TDS_TYPE_INT1, TDS_INFO_NONE, TDS_LENGTH_FIXED, 1, "tinyint", SQLTYPE_TINYINT},
    {TDS_TYPE_BIT, TDS_INFO_NONE, TDS_LENGTH_FIXED, 1, "bit", SQLTYPE_BIT},
    {TDS_TYPE_INT2, TDS_INFO_NONE, TDS_LENGTH_FIXED, 2, "smallint", SQLTYPE_SMALLINT},
    {TDS_TYPE_INT4, TDS_INFO_NONE, TDS_LENGTH_FIXED, 4, "int", SQLTYPE_INT},
    {TDS_TYPE_INT8, TDS_INFO_NONE, TDS_LENGTH_FIXED, 8, "bigint", SQLTYPE_BIGINT},
    {TDS_TYPE_FLT4, TDS_INFO_NONE, TDS_LENGTH_FIXED, 4, "real", SQLTYPE_REAL},
    {TDS_TYPE_FLT8, TDS_INFO_NONE, TDS_LENGTH_FIXED, 8, "float", SQLTYPE_FLOAT},
    {TDS_TYPE_MONEY, TDS_INFO_NONE, TDS_LENGTH_FIXED, 8, "money", SQLTYPE_MONEY},
    {TDS_TYPE_MONEY4, TDS_INFO_NONE, TDS_LENGTH_FIXED, 4, "smallmoney", SQLTYPE_SMALLMONEY},
    {TDS_TYPE_DATETIME, TDS_INFO_NONE, TDS_LENGTH_FIXED, 8, "datetime", SQLTYPE_DATETIME},
    {TDS_TYPE_DATETIME4, TDS_INFO_NONE, TDS_LENGTH_FIXED, 4, "smalldatetime",
     SQLTYPE_SMALLDATETIME},
    {TDS_TYPE_INTN, TDS_INFO_SIZE8, TDS_LENGTH_U8, 0, "intN", SQLTYPE_INT},
    {TDS_TYPE_BITN, TDS_INFO_SIZE8, TDS_LENGTH_U8, 0, "bitN", SQLTYPE_BIT},
    {TDS_TYPE_FLTN, TDS_INFO_SIZE8, TDS_LENGTH_U8, 0, "floatN", SQLTYPE_FLOAT},
    {TDS_TYPE_MONEYN, TDS_INFO_SIZE8, TDS_LENGTH_U8, 0, "moneyN", SQLTYPE_MONEY},
    {TDS_TYPE_DATETIMN, TDS_INFO_SIZE8, TDS_LENGTH_U8, 0, "datetimeN", SQLTYPE_DATETIME},
    {TDS_TYPE_GUID, TDS_INFO_SIZE8, TDS_LENGTH_U8, 0, "uniqueidentifier", SQLTYPE_UNIQUEIDENTIFIER},
    {TDS_TYPE_DECIMALN, TDS_INFO_DECIMAL, TDS_LENGTH_U8, 0, "decimal", SQLTYPE_DECIMAL},
    {TDS_TYPE_NUMERICN, TDS_INFO_DECIMAL, TDS_LENGTH_U8, 0, "decimal", SQLTYPE_NUMERIC},
    {TDS_TYPE_DATE, TDS_INFO_NONE, TDS_LENGTH_U8, 3, "date", SQLTYPE_DATE},
    {TDS_TYPE_TIME, TDS_INFO_SCALE, TDS_LENGTH_U8, 0, "time", SQLTYPE_TIME},
    {TDS_TYPE_DATETIME2, TDS_INFO_SCALE, TDS_LENGTH_U8, 0, "datetime2", SQLTYPE_DATETIME2},
    {TDS_TYPE_DATETIMEOFFSET, TDS_INFO_SCALE, TDS_LENGTH_U8, 0, "datetimeoffset",
     SQLTYPE_DATETIMEOFFSET},
    {TDS_TYPE_BIGVARCHAR, TDS_INFO_SIZE16, TDS_LENGTH_U16, 0, "varchar", SQLTYPE_VARCHAR},
    {TDS_TYPE_BIGCHAR, TDS_INFO_SIZE16, TDS_LENGTH_U16, 0, "char", SQLTYPE_CHAR},
    {TDS_TYPE_NVARCHAR, TDS_INFO_SIZE16, TDS_LENGTH_U16, 0, "nvarchar", SQLTYPE_NVARCHAR},
    {TDS_TYPE_NCHAR, TDS_INFO_SIZE16, TDS_LENGTH_U16, 0, "nchar", SQLTYPE_NCHAR},
    {TDS_TYPE_BIGVARBINARY, TDS_INFO_SIZE16, TDS_LENGTH_U16, 0, "varbinary", SQLTYPE_VARBINARY},
    {TDS_TYPE_BIGBINARY, TDS_INFO_SIZE16, TDS_LENGTH_U16, 0, "binary", SQLTYPE_BINARY},
    {TDS_TYPE_TEXT, TDS_INFO_SIZE32, TDS_LENGTH_TEXT, 0, "text", SQLTYPE_TEXT},
    {TDS_TYPE_NTEXT, TDS_INFO_SIZE32, TDS_LENGTH_TEXT, 0, "ntext", SQLTYPE_NTEXT},
    {TDS_TYPE_IMAGE, TDS_INFO_SIZE32, TDS_LENGTH_TEXT, 0, "image", SQLTYPE_IMAGE},
    {TDS_TYPE_VARIANT, TDS_INFO_SIZE32, TDS_LENGTH_VARIANT, 0, "sql_variant", SQLTYPE_SQL_VARIANT},
    {TDS_TYPE_XML, TDS_INFO_XML, TDS_LENGTH_PLP, 0, "xml", SQLTYPE_XML},
    {TDS_TYPE_UDT, TDS_INFO_UDT, TDS_LENGTH_PLP, 0, "udt", SQLTYPE_VARBINARY},
};

const struct tds_type_row *tds_type_row_of(uint8_t id)
{
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++)
        if (rows[i].id == id)
            return &rows[i];
    return NULL;
}

const char *tds_type_name(uint8_t id)
{
    const struct tds_type_row *row = tds_type_row_of(id);

    return row != NULL ? row->name : id == TDS_TYPE_TABLE ? "table" : "unknown";
}

bool tds_type_is_plp(const tds_type *type)
{
    const struct tds_type_row *row = tds_type_row_of(type->id);

    if (row == NULL)
        return false;
    return row->length == TDS_LENGTH_PLP ||
           (row->length == TDS_LENGTH_U16 && type->type.length == SQLTYPE_MAX);
}

bool tds_type_has_collation(const tds_type *type)
{
    switch (type->id) {
    case TDS_TYPE_BIGVARCHAR:
    case TDS_TYPE_BIGCHAR:
    case TDS_TYPE_NVARCHAR:
    case TDS_TYPE_NCHAR:
    case TDS_TYPE_TEXT:
    case TDS_TYPE_NTEXT:
        return true;
    default:
        return false;
    }
}

/* ---- from an sqltype ---- */

/* The pair of a fixed-length type and its nullable form, by the size in bytes. */
static uint8_t number_id(sqltype_id id, bool nullable)
{
    switch ((int)id) {
    case SQLTYPE_BIT:
        return nullable ? TDS_TYPE_BITN : TDS_TYPE_BIT;
    case SQLTYPE_TINYINT:
        return nullable ? TDS_TYPE_INTN : TDS_TYPE_INT1;
    case SQLTYPE_SMALLINT:
        return nullable ? TDS_TYPE_INTN : TDS_TYPE_INT2;
    case SQLTYPE_BIGINT:
        return nullable ? TDS_TYPE_INTN : TDS_TYPE_INT8;
    case SQLTYPE_MONEY:
        return nullable ? TDS_TYPE_MONEYN : TDS_TYPE_MONEY;
    case SQLTYPE_SMALLMONEY:
        return nullable ? TDS_TYPE_MONEYN : TDS_TYPE_MONEY4;
    case SQLTYPE_REAL:
        return nullable ? TDS_TYPE_FLTN : TDS_TYPE_FLT4;
    case SQLTYPE_FLOAT:
        return nullable ? TDS_TYPE_FLTN : TDS_TYPE_FLT8;
    case SQLTYPE_DATETIME:
        return nullable ? TDS_TYPE_DATETIMN : TDS_TYPE_DATETIME;
    case SQLTYPE_SMALLDATETIME:
        return nullable ? TDS_TYPE_DATETIMN : TDS_TYPE_DATETIME4;
    default:
        return nullable ? TDS_TYPE_INTN : TDS_TYPE_INT4;
    }
}

static uint8_t other_id(sqltype_id id)
{
    switch ((int)id) {
    case SQLTYPE_DECIMAL:
        return TDS_TYPE_DECIMALN;
    case SQLTYPE_NUMERIC:
        return TDS_TYPE_NUMERICN;
    case SQLTYPE_DATE:
        return TDS_TYPE_DATE;
    case SQLTYPE_TIME:
        return TDS_TYPE_TIME;
    case SQLTYPE_DATETIME2:
        return TDS_TYPE_DATETIME2;
    case SQLTYPE_DATETIMEOFFSET:
        return TDS_TYPE_DATETIMEOFFSET;
    case SQLTYPE_CHAR:
        return TDS_TYPE_BIGCHAR;
    case SQLTYPE_VARCHAR:
        return TDS_TYPE_BIGVARCHAR;
    case SQLTYPE_TEXT:
        return TDS_TYPE_TEXT;
    case SQLTYPE_NCHAR:
        return TDS_TYPE_NCHAR;
    case SQLTYPE_NVARCHAR:
        return TDS_TYPE_NVARCHAR;
    case SQLTYPE_NTEXT:
        return TDS_TYPE_NTEXT;
    case SQLTYPE_BINARY:
    case SQLTYPE_ROWVERSION:
        return TDS_TYPE_BIGBINARY;
    case SQLTYPE_VARBINARY:
        return TDS_TYPE_BIGVARBINARY;
    case SQLTYPE_IMAGE:
        return TDS_TYPE_IMAGE;
    case SQLTYPE_UNIQUEIDENTIFIER:
        return TDS_TYPE_GUID;
    case SQLTYPE_XML:
        return TDS_TYPE_XML;
    case SQLTYPE_SQL_VARIANT:
        return TDS_TYPE_VARIANT;
    default:
        return 0;
    }
}

tds_type tds_type_from(sqltype type, bool nullable)
{
    tds_type t = {.type = type};

    memcpy(t.collation, sqlcollation_wire, sizeof t.collation);
    if (type.id == SQLTYPE_UNKNOWN) { /* a bare NULL counts as an int */
        t.type.id = SQLTYPE_INT;
        nullable = true;
    }
    t.id = other_id(t.type.id);
    if (t.id == 0)
        t.id = number_id(t.type.id, nullable);
    t.size = sqltype_bytes(t.type);
    if (t.id == TDS_TYPE_VARIANT)
        t.size = 8009;
    else if (t.id == TDS_TYPE_NTEXT)
        t.size = 0x7FFFFFFE;
    else if (t.id == TDS_TYPE_TEXT || t.id == TDS_TYPE_IMAGE)
        t.size = 0x7FFFFFFF;
    else if (t.size == SQLTYPE_MAX)
        t.size = UINT16_MAX;
    return t;
}

/* ---- writing ---- */

entrasql_status tds_type_add(es_buf *out, const tds_type *type)
{
    const struct tds_type_row *row = tds_type_row_of(type->id);

    if (row == NULL || row->info == TDS_INFO_UDT)
        return ENTRASQL_INVALID;
    ES_TRY(es_buf_u8(out, type->id));
    switch ((enum tds_info)row->info) {
    case TDS_INFO_NONE:
    case TDS_INFO_UDT:
        break;
    case TDS_INFO_SIZE8:
        ES_TRY(es_buf_u8(out, (uint8_t)type->size));
        break;
    case TDS_INFO_SIZE16:
        ES_TRY(es_buf_u16le(out, (uint16_t)type->size));
        break;
    case TDS_INFO_SIZE32:
        ES_TRY(es_buf_u32le(out, type->size));
        break;
    case TDS_INFO_DECIMAL:
        ES_TRY(es_buf_u8(out, (uint8_t)type->size));
        ES_TRY(es_buf_u8(out, type->type.precision));
        ES_TRY(es_buf_u8(out, type->type.scale));
        break;
    case TDS_INFO_SCALE:
        ES_TRY(es_buf_u8(out, type->type.scale));
        break;
    case TDS_INFO_XML:
        ES_TRY(es_buf_u8(out, 0)); /* no schema */
        break;
    }
    if (tds_type_has_collation(type))
        ES_TRY(es_buf_add(out, type->collation, sizeof type->collation));
    return ENTRASQL_OK;
}

/* ---- reading ---- */

static entrasql_status bad_size(const struct tds_type_row *row, uint32_t size, entrasql_error *err)
{
    return es_fail(err, ENTRASQL_MALFORMED, "type %s cannot have a length of %u", row->name, size);
}

/* The types whose name does not tell their size. */
static bool set_sized_type(tds_type *t)
{
    switch (t->id) {
    case TDS_TYPE_INTN:
        t->type.id = t->size == 1   ? SQLTYPE_TINYINT
                     : t->size == 2 ? SQLTYPE_SMALLINT
                     : t->size == 4 ? SQLTYPE_INT
                                    : SQLTYPE_BIGINT;
        return t->size == 1 || t->size == 2 || t->size == 4 || t->size == 8;
    case TDS_TYPE_FLTN:
        t->type.id = t->size == 4 ? SQLTYPE_REAL : SQLTYPE_FLOAT;
        return t->size == 4 || t->size == 8;
    case TDS_TYPE_MONEYN:
        t->type.id = t->size == 4 ? SQLTYPE_SMALLMONEY : SQLTYPE_MONEY;
        return t->size == 4 || t->size == 8;
    case TDS_TYPE_DATETIMN:
        t->type.id = t->size == 4 ? SQLTYPE_SMALLDATETIME : SQLTYPE_DATETIME;
        return t->size == 4 || t->size == 8;
    case TDS_TYPE_BITN:
        return t->size == 1;
    default: /* uniqueidentifier */
        return t->size == 16;
    }
}

static entrasql_status read_size8(es_reader *r, const struct tds_type_row *row, tds_type *t,
                                  entrasql_error *err)
{
    uint8_t size;

    ES_TRY(es_reader_u8(r, &size));
    t->size = size;
    return set_sized_type(t) ? ENTRASQL_OK : bad_size(row, size, err);
}

static entrasql_status read_size16(es_reader *r, const struct tds_type_row *row, tds_type *t,
                                   entrasql_error *err)
{
    bool is_fixed =
        t->id == TDS_TYPE_BIGCHAR || t->id == TDS_TYPE_NCHAR || t->id == TDS_TYPE_BIGBINARY;
    bool is_wide = t->id == TDS_TYPE_NCHAR || t->id == TDS_TYPE_NVARCHAR;
    uint16_t size;

    ES_TRY(es_reader_u16le(r, &size));
    t->size = size;
    if (size == UINT16_MAX && !is_fixed) {
        t->type.length = SQLTYPE_MAX;
        return ENTRASQL_OK;
    }
    if (size > TDS_SHORT_MAX_BYTES || (is_wide && size % 2 != 0))
        return bad_size(row, size, err);
    t->type.length = is_wide ? size / 2U : size;
    return ENTRASQL_OK;
}

static entrasql_status read_decimal(es_reader *r, const struct tds_type_row *row, tds_type *t,
                                    entrasql_error *err)
{
    uint8_t size;

    ES_TRY(es_reader_u8(r, &size));
    ES_TRY(es_reader_u8(r, &t->type.precision));
    ES_TRY(es_reader_u8(r, &t->type.scale));
    /* mssql-rs repeats the type where the length belongs; a value has its own. */
    if (size == row->id)
        size = 17;
    t->size = size;
    if (size < 2 || size > 17)
        return bad_size(row, size, err);
    if (t->type.precision < 1 || t->type.precision > 38)
        return es_fail(err, ENTRASQL_MALFORMED, "type %s cannot have a precision of %u", row->name,
                       t->type.precision);
    if (t->type.scale > t->type.precision)
        return es_fail(err, ENTRASQL_MALFORMED,
                       "type %s cannot have a scale of %u with a precision of %u", row->name,
                       t->type.scale, t->type.precision);
    return ENTRASQL_OK;
}

static entrasql_status read_scale(es_reader *r, const struct tds_type_row *row, tds_type *t,
                                  entrasql_error *err)
{
    ES_TRY(es_reader_u8(r, &t->type.scale));
    if (t->type.scale > 7)
        return es_fail(err, ENTRASQL_MALFORMED, "type %s cannot have a scale of %u", row->name,
                       t->type.scale);
    t->size = sqltype_bytes(t->type);
    return ENTRASQL_OK;
}

/* The names of an XML schema collection are passed over. */
static entrasql_status read_xml(es_reader *r, tds_type *t, entrasql_error *err)
{
    uint8_t has_schema;
    es_reader name;

    ES_TRY(es_reader_u8(r, &has_schema));
    t->size = UINT16_MAX;
    if (has_schema > 1)
        return es_fail(err, ENTRASQL_MALFORMED, "type xml has a schema flag of %u", has_schema);
    if (has_schema == 0)
        return ENTRASQL_OK;
    ES_TRY(tds_b_varchar_skip(r, &name));
    ES_TRY(tds_b_varchar_skip(r, &name));
    return tds_us_varchar_skip(r, &name);
}

/* A CLR type: its names are passed over, its value is a varbinary(max). */
static entrasql_status read_udt(es_reader *r, tds_place place, tds_type *t)
{
    es_reader name;

    t->size = UINT16_MAX;
    t->type.length = SQLTYPE_MAX;
    if (place == TDS_IN_ROW)
        ES_TRY(es_reader_skip(r, 2));
    for (int i = 0; i < 3; i++)
        ES_TRY(tds_b_varchar_skip(r, &name));
    return place == TDS_IN_ROW ? tds_us_varchar_skip(r, &name) : ENTRASQL_OK;
}

static entrasql_status read_info(es_reader *r, const struct tds_type_row *row, tds_place place,
                                 tds_type *t, entrasql_error *err)
{
    switch ((enum tds_info)row->info) {
    case TDS_INFO_NONE:
        t->size = row->size;
        return ENTRASQL_OK;
    case TDS_INFO_SIZE8:
        return read_size8(r, row, t, err);
    case TDS_INFO_SIZE16:
        return read_size16(r, row, t, err);
    case TDS_INFO_SIZE32:
        return es_reader_u32le(r, &t->size);
    case TDS_INFO_DECIMAL:
        return read_decimal(r, row, t, err);
    case TDS_INFO_SCALE:
        return read_scale(r, row, t, err);
    case TDS_INFO_XML:
        return read_xml(r, t, err);
    case TDS_INFO_UDT:
        break;
    }
    return read_udt(r, place, t);
}

entrasql_status tds_type_read(es_reader *r, tds_place place, tds_type *ret, entrasql_error *err)
{
    tds_type t = {0};
    const struct tds_type_row *row;
    entrasql_status st;

    if (es_reader_u8(r, &t.id) != ENTRASQL_OK)
        return es_fail(err, ENTRASQL_TRUNCATED, "the message ends where a type is expected");
    if (t.id == TDS_TYPE_TABLE)
        return es_fail(err, ENTRASQL_UNSUPPORTED, "table-valued parameters are not supported");
    row = tds_type_row_of(t.id);
    if (row == NULL)
        return es_fail(err, ENTRASQL_MALFORMED, "unknown data type 0x%02x", t.id);
    t.type.id = (sqltype_id)row->type;
    st = read_info(r, row, place, &t, err);
    if (st == ENTRASQL_OK && tds_type_has_collation(&t))
        st = es_reader_copy(r, t.collation, sizeof t.collation);
    if (st == ENTRASQL_TRUNCATED)
        return es_fail(err, st, "the message ends inside the description of type %s", row->name);
    if (st == ENTRASQL_OK)
        *ret = t;
    return st;
}
