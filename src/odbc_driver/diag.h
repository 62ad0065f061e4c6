/* SPDX-License-Identifier: MIT */
/*
 * Diagnostic records of our own: for what goes wrong before there is a driver
 * underneath, and what that driver cannot know. They stand before its records.
 */
#ifndef ODBC_DRIVER_DIAG_H
#define ODBC_DRIVER_DIAG_H

#include "base/compiler.h"

#include <sql.h>
#include <sqlext.h>
#include <stdbool.h>

#define DRV_MAX_RECORDS 16

typedef struct drv_record {
    char sqlstate[6];
    SQLINTEGER native;
    char *text; /* UTF-8, with "[entrasql]" or another origin in front; owned */
} drv_record;

typedef struct drv_records {
    drv_record items[DRV_MAX_RECORDS];
    SQLSMALLINT count;
    SQLSMALLINT shown; /* by SQLError, which gives each one once */
    SQLRETURN rc;      /* of the call that left them */
    bool alone;        /* the records of the driver underneath belong to an earlier call */
} drv_records;

struct drv_handle;

/* Adds a record; without memory there is none. */
void drv_record_add(struct drv_handle *h, const char *sqlstate, SQLINTEGER native,
                    const char *text);
/*
 * Puts " (hint: ...)" behind the text of the first record: many programs show no other. What does
 * not fit into the 512 bytes that a driver manager reads becomes a record of its own.
 */
void drv_hint(struct drv_handle *h, const char *hint);
/* The error as records: what happened, with the hint. Returns SQL_ERROR. */
SQLRETURN drv_fail(struct drv_handle *h, const entrasql_error *err);
/* One record with "[entrasql]" in front, alone. Returns SQL_ERROR. */
SQLRETURN drv_fail_state(struct drv_handle *h, const char *sqlstate, const char *text);
/* A record for what is worth telling after a success (01000). */
void drv_warn(struct drv_handle *h, const char *text);
void drv_records_free(drv_records *r); /* NULL allowed */

#endif
