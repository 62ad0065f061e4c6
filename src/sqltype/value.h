/* SPDX-License-Identifier: MIT */
/*
 * One typed SQL value.
 *
 * Text is UTF-8 in memory (generalised, base/utf16.h), whatever the type; the
 * wire code converts to UTF-16LE or code page 1252. Dates are counts of 100 ns
 * since 0001-01-01 00:00, so every type keeps all its digits. A GUID has the
 * 16 wire bytes of SQL Server.
 *
 * Ownership: `data` of a value with `owned` set belongs to the value and is
 * freed by sqlvalue_done(); otherwise it is lent and must outlive the value.
 */
#ifndef SQLTYPE_VALUE_H
#define SQLTYPE_VALUE_H

#include "type.h"

typedef unsigned __int128 sqltype_u128;

/* A decimal without its scale, which lies in the type: value * 10^scale. Zero is not negative. */
typedef struct sqldecimal {
    sqltype_u128 magnitude;
    bool negative;
} sqldecimal;

typedef struct sqlvalue {
    sqltype type;
    bool is_null;
    bool owned;
    int16_t offset_minutes; /* datetimeoffset: local - UTC */
    union {
        int64_t i; /* bit .. bigint; money, smallmoney: value * 10000; rowversion */
        double f;  /* real, float */
        sqldecimal dec;
        int64_t ticks; /* date and time types; datetimeoffset: UTC */
        uint8_t guid[16];
        struct {
            char *data; /* NUL-terminated when owned; strings may hold U+0000 */
            size_t len; /* bytes */
        } s;            /* strings and binaries */
    } u;
} sqlvalue;

#define SQLTYPE_TICKS_PER_SECOND INT64_C(10000000)
#define SQLTYPE_TICKS_PER_DAY (INT64_C(86400) * SQLTYPE_TICKS_PER_SECOND)

sqlvalue sqlvalue_null(sqltype type);
sqlvalue sqlvalue_int(int32_t v);
sqlvalue sqlvalue_bigint(int64_t v);
sqlvalue sqlvalue_bit(bool v);
/* Lends the text, as nvarchar of its own length. */
sqlvalue sqlvalue_nvarchar(const char *s, size_t n);
/* The same of any type; text and binaries: `type` as given, the bytes lent. */
sqlvalue sqlvalue_lend(sqltype type, const char *s, size_t n);
sqlvalue sqlvalue_float(double v);
/* An owned copy of the bytes; strings and binaries. */
entrasql_status sqlvalue_own(sqltype type, const char *s, size_t n, sqlvalue *ret) ES_MUST_USE;
/* Deep copy; NOMEM leaves *dst NULL. */
entrasql_status sqlvalue_copy(sqlvalue *dst, const sqlvalue *src) ES_MUST_USE;
void sqlvalue_done(sqlvalue *v);

/*
 * Orders two values that are not NULL and have been brought to the same type
 * (precision, scale and length may differ): less than, equal to or greater
 * than 0. Strings by the default collation (collation.h), binaries with zeros
 * filled up, GUIDs in SQL Server's order, datetimeoffset by the instant.
 */
int sqlvalue_compare(const sqlvalue *a, const sqlvalue *b);

#endif
