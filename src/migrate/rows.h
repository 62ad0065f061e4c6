/* SPDX-License-Identifier: MIT */
/*
 * Reading what a query answers, one call a row, with checked access to its
 * values. Blocking, on the caller's connection.
 */
#ifndef MIGRATE_ROWS_H
#define MIGRATE_ROWS_H

#include "sql/sql.h"

#define MIGRATE_SQL_TIMEOUT_MS 60000

typedef entrasql_status migrate_row(void *ctx, const sqlvalue *values, size_t count);

/* Runs a batch and hands its rows over; `row` may be NULL. What the callback refuses ends it. */
entrasql_status migrate_query(sql_conn *c, const char *sql, migrate_row *row, void *ctx,
                              entrasql_error *err) ES_MUST_USE;

/* Values of a row: false for NULL, for another kind, or past the end. */
bool migrate_value_text(const sqlvalue *values, size_t count, size_t at, const char **ret,
                        size_t *ret_len);
bool migrate_value_int(const sqlvalue *values, size_t count, size_t at, int64_t *ret);
bool migrate_value_bytes(const sqlvalue *values, size_t count, size_t at, const uint8_t **ret,
                         size_t *ret_len);
/* A copy; "" for NULL. NULL without memory. */
char *migrate_value_strdup(const sqlvalue *values, size_t count, size_t at) ES_MUST_USE;

#endif
