/* SPDX-License-Identifier: MIT */
/*
 * What the files of the conversions share; not for others. Each call takes one
 * conversion of a value that is not NULL and fills *ret with the target type.
 */
#ifndef SQLTYPE_CONVERT_INNER_H
#define SQLTYPE_CONVERT_INNER_H

#include "sqltype/convert.h"

struct conversion {
    const sqlvalue *v;
    sqltype target;
    const sqltype_convert_options *options;
    entrasql_error *err;
};

/* SQL_ERROR, severity 16. */
entrasql_status sqltype_fail(entrasql_error *err, uint32_t number, uint8_t state, const char *fmt,
                             ...) ES_PRINTF(4, 5);
/* 8115: "Arithmetic overflow error converting int to data type numeric." */
entrasql_status sqltype_overflow(const struct conversion *c);
/* The same with the word "expression" for the source. */
entrasql_status sqltype_overflow_expression(const struct conversion *c);
/* 8114: "Error converting data type varchar to numeric." */
entrasql_status sqltype_bad_value(const struct conversion *c);
/* "numeric" for both decimals, as the server's messages say. */
const char *sqltype_message_name(sqltype_id id);

entrasql_status sqltype_from_string(const struct conversion *c, sqlvalue *ret);
entrasql_status sqltype_from_binary(const struct conversion *c, sqlvalue *ret);
entrasql_status sqltype_to_string(const struct conversion *c, sqlvalue *ret);
entrasql_status sqltype_to_binary(const struct conversion *c, sqlvalue *ret);

/* An integer (any size, checked), decimal, money or float as a value of the numeric target. */
entrasql_status sqltype_number_from_i64(const struct conversion *c, int64_t i, sqlvalue *ret);
entrasql_status sqltype_number_from_double(const struct conversion *c, double f, sqlvalue *ret);
/* Locale-free; false when the text is not a number. Blanks around are allowed. */
bool sqltype_parse_double(const char *s, size_t n, double *ret);

#endif
