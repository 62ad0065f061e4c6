/* SPDX-License-Identifier: MIT */
/*
 * The guard of the driver manager's pool. The manager compares connection
 * strings, and asks an idle connection only whether it is dead
 * (SQL_ATTR_CONNECTION_DEAD) before it gives it out again. The string does not
 * say who signs in when the environment or the signed-in person decides; so an
 * idle connection is given out only while the string still means the principal
 * that opened it.
 */
#ifndef ODBC_DRIVER_POOL_H
#define ODBC_DRIVER_POOL_H

#include "handle.h"

/* Remembers who opened the connection, if the manager pools this driver's. Takes over *list. */
void drv_pool_note(drv_dbc *d, conf_connstr *list, entrasql_credential *credential);
/* True when the connection is of a pool and belongs to somebody else by now, or may. */
bool drv_pool_must_not_reuse(drv_dbc *d);

#endif
