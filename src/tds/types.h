/* SPDX-License-Identifier: MIT */
/*
 * TYPE_INFO and values on the wire ([MS-TDS] 2.2.5.4 to 2.2.5.6), both
 * directions, for every type that TDS 7.4 has without negotiated extras.
 *
 * Text is UTF-8 in memory: varchar travels in code page 1252, or as UTF-8 when
 * the collation says so; nvarchar as UTF-16LE. A parsed value owns its memory.
 * Errors blame the peer: MALFORMED names what was wrong (type, length, scale),
 * LIMIT a value above the given size, UNSUPPORTED a type that is known and not
 * served (table-valued parameters).
 */
#ifndef TDS_TYPES_H
#define TDS_TYPES_H

#include "base/buf.h"
#include "base/error.h"
#include "base/reader.h"
#include "sqltype/value.h"

/* Type bytes ([MS-TDS] 2.2.5.4). */
typedef enum tds_type_id {
    TDS_TYPE_NULL = 0x1F,
    TDS_TYPE_IMAGE = 0x22,
    TDS_TYPE_TEXT = 0x23,
    TDS_TYPE_GUID = 0x24,
    TDS_TYPE_INTN = 0x26,
    TDS_TYPE_DATE = 0x28,
    TDS_TYPE_TIME = 0x29,
    TDS_TYPE_DATETIME2 = 0x2A,
    TDS_TYPE_DATETIMEOFFSET = 0x2B,
    TDS_TYPE_INT1 = 0x30,
    TDS_TYPE_BIT = 0x32,
    TDS_TYPE_INT2 = 0x34,
    TDS_TYPE_INT4 = 0x38,
    TDS_TYPE_DATETIME4 = 0x3A,
    TDS_TYPE_FLT4 = 0x3B,
    TDS_TYPE_MONEY = 0x3C,
    TDS_TYPE_DATETIME = 0x3D,
    TDS_TYPE_FLT8 = 0x3E,
    TDS_TYPE_VARIANT = 0x62,
    TDS_TYPE_NTEXT = 0x63,
    TDS_TYPE_BITN = 0x68,
    TDS_TYPE_DECIMALN = 0x6A,
    TDS_TYPE_NUMERICN = 0x6C,
    TDS_TYPE_FLTN = 0x6D,
    TDS_TYPE_MONEYN = 0x6E,
    TDS_TYPE_DATETIMN = 0x6F,
    TDS_TYPE_MONEY4 = 0x7A,
    TDS_TYPE_INT8 = 0x7F,
    TDS_TYPE_BIGVARBINARY = 0xA5,
    TDS_TYPE_BIGVARCHAR = 0xA7,
    TDS_TYPE_BIGBINARY = 0xAD,
    TDS_TYPE_BIGCHAR = 0xAF,
    TDS_TYPE_NVARCHAR = 0xE7,
    TDS_TYPE_NCHAR = 0xEF,
    TDS_TYPE_UDT = 0xF0,
    TDS_TYPE_XML = 0xF1,
    TDS_TYPE_TABLE = 0xF3
} tds_type_id;

/* Longest text or binary of a type with a two-byte length. */
#define TDS_SHORT_MAX_BYTES 8000U

typedef struct tds_type {
    uint8_t id; /* the type byte */
    /* What it means. varchar: length in bytes, nvarchar: in UTF-16 units, (max): SQLTYPE_MAX. */
    sqltype type;
    uint32_t size;        /* the length field as on the wire; PLP types: 0xFFFF */
    uint8_t collation[5]; /* string types */
} tds_type;

/* Where a value lies: text, ntext and image are counted differently in rows and parameters. */
typedef enum tds_place { TDS_IN_ROW, TDS_IN_PARAM } tds_place;

/* The wire type for an sqltype; not nullable numbers get their fixed-length form. */
tds_type tds_type_from(sqltype type, bool nullable);
/* True for a type that travels in chunks ([MS-TDS] 2.2.5.2.3). */
bool tds_type_is_plp(const tds_type *type);
/* True for char, varchar, text and the n-types: TYPE_INFO has a collation. */
bool tds_type_has_collation(const tds_type *type);
/* "nvarchar", "intN", "datetime2" ...: for messages and records. Static storage. */
const char *tds_type_name(uint8_t id);

entrasql_status tds_type_add(es_buf *out, const tds_type *type) ES_MUST_USE;
entrasql_status tds_type_read(es_reader *r, tds_place place, tds_type *ret,
                              entrasql_error *err) ES_MUST_USE;

/*
 * The value must have the kind of the type (it is not converted): an int8 for
 * a bigint, text for strings. Strings too long for the type are INVALID, an
 * owned defect. NULL for a type without NULL as well.
 */
entrasql_status tds_value_add(es_buf *out, const tds_type *type, tds_place place,
                              const sqlvalue *value) ES_MUST_USE;
/* err->number of a value whose bytes are whole and say something that its type does not have. */
#define TDS_BAD_VALUE 8023U
/*
 * TRUNCATED when the bytes end inside the value; r is then somewhere in it.
 * limit: most bytes of one value, after conversion too.
 */
entrasql_status tds_value_read(es_reader *r, const tds_type *type, tds_place place, size_t limit,
                               sqlvalue *ret, entrasql_error *err) ES_MUST_USE;

#endif
