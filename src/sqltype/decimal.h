/* SPDX-License-Identifier: MIT */
/*
 * Exact decimals of up to 38 digits: text, rescaling, comparison, arithmetic
 * with SQL Server's rules for precision and scale. Pure; any thread.
 *
 * A sqldecimal is value * 10^scale; the scale comes from the type. Rounding is
 * half away from zero. LIMIT means that the result has more digits than the
 * target (the caller's 8115), INVALID a division by zero (8134), MALFORMED a
 * text that is not a number (8114).
 */
#ifndef SQLTYPE_DECIMAL_H
#define SQLTYPE_DECIMAL_H

#include "sqltype/value.h"

#define SQLDECIMAL_MAX_PRECISION 38
#define SQLDECIMAL_TEXT_SIZE 44 /* sign, 38 digits, "0.", NUL */

/* 10^n for n up to 38. */
sqltype_u128 sqldecimal_power(unsigned n);
/* Digits of the magnitude; 1 for 0. */
unsigned sqldecimal_digits(sqltype_u128 magnitude);

/*
 * "-12.50" into a decimal with the given precision and scale, further digits
 * rounded. Blanks around are allowed, an exponent is not.
 */
entrasql_status sqldecimal_parse(const char *s, size_t n, uint8_t precision, uint8_t scale,
                                 sqldecimal *ret) ES_MUST_USE;
/* A literal with the precision and scale as written: "12.50" is 1250 of decimal(4,2). */
entrasql_status sqldecimal_parse_literal(const char *s, size_t n, sqldecimal *ret,
                                         sqltype *ret_type) ES_MUST_USE;
/* All digits of the scale, "0.50" with its zero; the length without NUL. */
size_t sqldecimal_format(sqldecimal d, uint8_t scale, char dst[SQLDECIMAL_TEXT_SIZE]);

/* To another scale, rounded (or cut), within the precision. */
entrasql_status sqldecimal_rescale(sqldecimal d, uint8_t from_scale, uint8_t to_precision,
                                   uint8_t to_scale, bool round, sqldecimal *ret) ES_MUST_USE;
int sqldecimal_compare(sqldecimal a, uint8_t a_scale, sqldecimal b, uint8_t b_scale);

sqldecimal sqldecimal_from_i64(int64_t v);
/* The part before the point, cut; LIMIT outside int64. */
entrasql_status sqldecimal_to_i64(sqldecimal d, uint8_t scale, int64_t *ret) ES_MUST_USE;
double sqldecimal_to_double(sqldecimal d, uint8_t scale);
entrasql_status sqldecimal_from_double(double v, uint8_t precision, uint8_t scale,
                                       sqldecimal *ret) ES_MUST_USE;

typedef enum sqldecimal_op {
    SQLDECIMAL_ADD,
    SQLDECIMAL_SUB,
    SQLDECIMAL_MUL,
    SQLDECIMAL_DIV,
    SQLDECIMAL_MOD
} sqldecimal_op;

/* The type of the result of two decimal types: Microsoft's table, cut to 38 digits as it says. */
sqltype sqldecimal_result_type(sqldecimal_op op, sqltype a, sqltype b);
/* a op b in the result type (precision and scale) as sqldecimal_result_type gives it. */
entrasql_status sqldecimal_arith(sqldecimal_op op, sqldecimal a, uint8_t a_scale, sqldecimal b,
                                 uint8_t b_scale, sqltype result, sqldecimal *ret) ES_MUST_USE;

#endif
