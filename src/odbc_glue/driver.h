/* SPDX-License-Identifier: MIT */
/*
 * Which driver a connection string will load, found out before it is loaded,
 * by asking the installer's files (odbcinst.ini, odbc.ini) as the driver
 * manager does.
 *
 * A token put into attribute 1256 of a driver that does not know it is
 * dropped without a word (FreeTDS), so the kind must be known for sure.
 */
#ifndef ODBC_GLUE_DRIVER_H
#define ODBC_GLUE_DRIVER_H

#include "conf/connstr.h"

typedef enum glue_driver_kind {
    GLUE_DRIVER_MICROSOFT, /* takes a token in attribute 1256 */
    GLUE_DRIVER_FREETDS,   /* tdsodbc: through the tunnel */
    GLUE_DRIVER_OTHER      /* through the tunnel, in the words that most drivers know */
} glue_driver_kind;

typedef struct glue_driver {
    glue_driver_kind kind;
    char *name;    /* as in Driver= or in the data source; owned */
    char *library; /* its file; owned; NULL when the installer does not know the name */
} glue_driver;

/*
 * The driver of the string. CONFIG when the string names none, when the data
 * source has none, or when the driver is neither registered nor a file.
 */
entrasql_status glue_driver_find(const conf_connstr *c, glue_driver *ret,
                                 entrasql_error *err) ES_MUST_USE;
void glue_driver_done(glue_driver *d);

/* The kind by the driver's name and its library's file; library may be NULL. */
glue_driver_kind glue_driver_kind_of(const char *name, const char *library);

/*
 * Adds what the data source of DSN= says and the string does not; the string
 * comes first, as with the driver manager. Nothing to do without DSN=.
 */
entrasql_status glue_dsn_merge(conf_connstr *c, entrasql_error *err) ES_MUST_USE;

/*
 * True when the driver manager would keep this driver's connections in a pool.
 * *ret_setting names the setting. Static storage.
 */
bool glue_driver_is_pooled(const glue_driver *d, const char **ret_setting);

#endif
