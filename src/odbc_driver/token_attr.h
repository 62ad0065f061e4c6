/* SPDX-License-Identifier: MIT */
/*
 * Attribute 1256 of Microsoft's driver (SQL_COPT_SS_ACCESS_TOKEN), set by a
 * program that has a token of its own. It is honoured with either driver
 * underneath, so that such a program may move to ours as it is.
 */
#ifndef ODBC_DRIVER_TOKEN_ATTR_H
#define ODBC_DRIVER_TOKEN_ATTR_H

#include "handle.h"

#define DRV_ATTR_ACCESS_TOKEN 1256

/*
 * A credential that gives the program's token; NULL when none was set. CONFIG
 * when the string asks for a sign-in, too, or when the driver manager pools
 * this driver's connections: its pool compares strings, not tokens.
 */
entrasql_status drv_token_attr(const drv_dbc *d, const conf_connstr *list,
                               entrasql_credential **ret, entrasql_error *err) ES_MUST_USE;

#endif
