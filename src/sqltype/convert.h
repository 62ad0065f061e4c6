/* SPDX-License-Identifier: MIT */
/*
 * Conversions between all types, explicit (CAST, CONVERT) and implicit
 * (assignment, comparison), with SQL Server's rules, error numbers and texts.
 * Pure; any thread.
 *
 * Errors are SQL_ERROR with number, severity 16, state and text as the server
 * sends them; NOMEM besides.
 */
#ifndef SQLTYPE_CONVERT_H
#define SQLTYPE_CONVERT_H

#include "base/buf.h"
#include "base/error.h"
#include "sqltype/datetime.h"
#include "sqltype/value.h"

typedef enum sqltype_allowed {
    SQLTYPE_ALLOWED_IMPLICIT, /* always */
    SQLTYPE_ALLOWED_EXPLICIT, /* by CAST and CONVERT only: error 257 otherwise */
    SQLTYPE_ALLOWED_NEVER     /* 206 implicitly, 529 explicitly */
} sqltype_allowed;

sqltype_allowed sqltype_conversion(sqltype_id from, sqltype_id to);
/* OK, or the error 257, 206 or 529 as it would be at compile time. */
entrasql_status sqltype_check_conversion(sqltype from, sqltype to, bool is_explicit,
                                         entrasql_error *err) ES_MUST_USE;

typedef struct sqltype_convert_options {
    int style;           /* CONVERT's third argument; SQLTYPE_STYLE_DEFAULT: none */
    sqldate_order order; /* SET DATEFORMAT */
    /* Assignment to a column: a string or binary that is too long is kept whole, so that the
     * caller can raise 2628 (sqlvalue_is_too_long()); otherwise it is cut as CAST does. */
    bool keep_length;
} sqltype_convert_options;

#define SQLTYPE_STYLE_DEFAULT (-1)
#define SQLTYPE_CONVERT_DEFAULT                                                                    \
    ((sqltype_convert_options){.style = SQLTYPE_STYLE_DEFAULT, .order = SQLDATE_MDY})

/*
 * The value as the target type, in *ret (owned; sqlvalue_done()). NULL stays
 * NULL. options NULL: the defaults. Does not check whether the pair is allowed
 * implicitly; a pair that is never allowed gives 529.
 */
entrasql_status sqltype_convert(const sqlvalue *v, sqltype target,
                                const sqltype_convert_options *options, sqlvalue *ret,
                                entrasql_error *err) ES_MUST_USE;
/* The same for an assignment: 257 or 206 for what is not allowed implicitly, keep_length set. */
entrasql_status sqltype_assign(const sqlvalue *v, sqltype target, sqlvalue *ret,
                               entrasql_error *err) ES_MUST_USE;

/* True when a string or binary holds more than its type's length (blanks or zeros at the end of
 * what is cut do not count, as SQL Server drops them). */
bool sqlvalue_is_too_long(const sqlvalue *v);
/* Cuts to the length of the type; pads char, nchar, binary. */
entrasql_status sqlvalue_fit_length(sqlvalue *v) ES_MUST_USE;
/* Length in the unit of the type's length: bytes of code page 1252, UTF-16 units, bytes. */
size_t sqlvalue_units(const sqlvalue *v);
/* DATALENGTH() of a value that is not NULL. */
size_t sqlvalue_bytes(const sqlvalue *v);

/*
 * The text that sqlcmd shows for a value that is not NULL: full digits of
 * float, dates in ODBC form, binaries as 0x..., GUIDs in upper case.
 */
entrasql_status sqlvalue_print(const sqlvalue *v, es_buf *out) ES_MUST_USE;

#endif
