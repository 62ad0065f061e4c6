/* SPDX-License-Identifier: MIT */
/*
 * The diagnostic records of an ODBC handle as an entrasql_error: every record
 * in the message, SQL Server's number, state and line, and the class that the
 * SQLSTATE and the number stand for.
 */
#ifndef ODBC_GLUE_DIAG_H
#define ODBC_GLUE_DIAG_H

#include "base/error.h"
#include "odbc_glue/calls.h"

#include <stdbool.h>

/* One record, for tests and for the sorting out. */
typedef struct glue_diag {
    char sqlstate[6];
    int32_t native;
    uint8_t state;    /* of SQL Server, where the driver tells it */
    uint8_t severity; /* the same */
    char text[1024];  /* without the driver's "[...]" in front */
} glue_diag;

#define GLUE_DIAG_MAX 16

/* What is_connect decides: an unknown failure is one of the network, or of the statement. */
entrasql_status glue_diag_fail(const glue_diag *records, size_t count, bool is_connect,
                               entrasql_error *err);

/* Reads the handle's records, at most max; returns how many. */
size_t glue_diag_read(const glue_calls *calls, SQLSMALLINT handle_type, SQLHANDLE handle,
                      glue_diag *records, size_t max);

/* Both in one. */
entrasql_status glue_diag_take(const glue_calls *calls, SQLSMALLINT handle_type, SQLHANDLE handle,
                               bool is_connect, entrasql_error *err);

/* True for the errors of a login that go away by themselves: worth another try. */
bool glue_is_transient(uint32_t number);

#endif
