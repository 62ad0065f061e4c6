/* SPDX-License-Identifier: MIT */
/*
 * The few ODBC functions by which a connection is made, as a table: the glue
 * calls the driver manager's, the driver calls those of the driver underneath.
 * Text goes in and out as UTF-16, so that no locale plays a part.
 */
#ifndef ODBC_GLUE_CALLS_H
#define ODBC_GLUE_CALLS_H

#include <sql.h>
#include <sqlext.h>

typedef struct glue_calls {
    /* NULL: the driver has no ANSI form. */
    SQLRETURN(*driver_connect)
    (SQLHDBC, SQLHWND, SQLCHAR *, SQLSMALLINT, SQLCHAR *, SQLSMALLINT, SQLSMALLINT *, SQLUSMALLINT);
    /* NULL: the driver has no Unicode form. One of the two is there. */
    SQLRETURN(*driver_connect_w)
    (SQLHDBC, SQLHWND, SQLWCHAR *, SQLSMALLINT, SQLWCHAR *, SQLSMALLINT, SQLSMALLINT *,
     SQLUSMALLINT);
    SQLRETURN (*set_connect_attr)(SQLHDBC, SQLINTEGER, SQLPOINTER, SQLINTEGER);
    SQLRETURN (*get_connect_attr)(SQLHDBC, SQLINTEGER, SQLPOINTER, SQLINTEGER, SQLINTEGER *);
    SQLRETURN(*get_diag_rec_w)
    (SQLSMALLINT, SQLHANDLE, SQLSMALLINT, SQLWCHAR *, SQLINTEGER *, SQLWCHAR *, SQLSMALLINT,
     SQLSMALLINT *);
    SQLRETURN(*get_diag_field_w)
    (SQLSMALLINT, SQLHANDLE, SQLSMALLINT, SQLSMALLINT, SQLPOINTER, SQLSMALLINT, SQLSMALLINT *);
} glue_calls;

#endif
