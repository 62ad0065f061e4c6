/* SPDX-License-Identifier: MIT */
/* The table behind types.c and values.c: how each type byte describes itself. */
#ifndef TDS_TYPES_INNER_H
#define TDS_TYPES_INNER_H

#include "tds/types.h"

/* What follows the type byte in TYPE_INFO; string types have a collation besides. */
enum tds_info {
    TDS_INFO_NONE,
    TDS_INFO_SIZE8,
    TDS_INFO_SIZE16,
    TDS_INFO_SIZE32,
    TDS_INFO_DECIMAL, /* size, precision, scale */
    TDS_INFO_SCALE,
    TDS_INFO_XML,
    TDS_INFO_UDT
};

/* How a value tells its length. */
enum tds_length {
    TDS_LENGTH_FIXED, /* it does not */
    TDS_LENGTH_U8,    /* 0: NULL */
    TDS_LENGTH_U16,   /* 0xFFFF: NULL; in chunks when the type has no length */
    TDS_LENGTH_TEXT,  /* text pointer or four bytes, by the place */
    TDS_LENGTH_VARIANT,
    TDS_LENGTH_PLP
};

struct tds_type_row {
    uint8_t id;
    uint8_t info;
    uint8_t length;
    uint8_t size; /* of types without a length of their own */
    const char *name;
    uint8_t type; /* sqltype_id; sized types are told apart later */
};

/* NULL: no such type. */
const struct tds_type_row *tds_type_row_of(uint8_t id);

/* The data bytes alone, without any length: for values.c and variant.c. */
entrasql_status tds_value_body_add(es_buf *out, const tds_type *type,
                                   const sqlvalue *value) ES_MUST_USE;
entrasql_status tds_value_body_read(es_reader body, const tds_type *type, size_t limit,
                                    sqlvalue *ret, entrasql_error *err) ES_MUST_USE;

#endif
