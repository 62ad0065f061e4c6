/* SPDX-License-Identifier: MIT */
/*
 * A driver underneath, loaded once for the process and never unloaded: it may
 * have threads and exit handlers of its own.
 *
 * Loaded with RTLD_LOCAL, so that none of its names becomes known to others,
 * and each function is checked to be its own: a driver that lacks one would
 * otherwise lend the driver manager's, which calls us, and so on for ever.
 * Any thread.
 */
#ifndef ODBC_DRIVER_LIBRARY_H
#define ODBC_DRIVER_LIBRARY_H

#include "functions.h"

#include "odbc_glue/calls.h"
#include "odbc_glue/driver.h"

typedef struct drv_library {
    struct drv_library *next;
    drv_functions functions;
    glue_calls calls; /* of the above, for the glue */
    char *path;
    glue_driver_kind kind;
} drv_library;

/* Lends the library; CONFIG when it cannot be loaded, or is no ODBC driver. */
entrasql_status drv_library_open(const glue_driver *driver, const drv_library **ret,
                                 entrasql_error *err) ES_MUST_USE;

#endif
