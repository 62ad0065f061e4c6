/* SPDX-License-Identifier: MIT */
/* Opening a connection by a string or a list, for the calls that bring one. */
#ifndef ODBC_DRIVER_CONNECT_H
#define ODBC_DRIVER_CONNECT_H

#include "handle.h"

/* Where the call wants the connection string of the result; wide or ansi, or only the length. */
typedef struct drv_out {
    SQLWCHAR *wide;
    SQLCHAR *ansi;
    SQLSMALLINT size;
    SQLSMALLINT *length;
} drv_out;

/* narrow: by an ANSI call. out: NULL for none. */
SQLRETURN drv_connect_text(drv_dbc *d, const char *text, bool narrow, drv_out *out);
SQLRETURN drv_connect_list(drv_dbc *d, const conf_connstr *list, bool narrow, drv_out *out);

/* Writes the text out and returns rc, or SUCCESS_WITH_INFO (01004) when it was cut. */
SQLRETURN drv_out_put(drv_dbc *d, drv_out *out, const char *text, SQLRETURN rc);

#endif
