/* SPDX-License-Identifier: MIT */
/*
 * SQLite's calls with the project's errors. For our own statements only: texts
 * here are constants of the program or come from the emitter, never from a
 * client. One connection is used by one thread at a time.
 *
 * Errors: those of SQL Server that fit (1205, 1222, 8623 ...), CANCELLED when
 * the statement was interrupted, NOMEM.
 */
#ifndef ENGINE_DB_H
#define ENGINE_DB_H

#include "base/error.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The failure of the last call on the connection. */
entrasql_status engine_db_fail(sqlite3 *db, int rc, entrasql_error *err);

entrasql_status engine_db_prepare(sqlite3 *db, const char *sql, size_t n, sqlite3_stmt **ret,
                                  entrasql_error *err) ES_MUST_USE;
/* *ret_row: there is a row; else the statement is finished. */
entrasql_status engine_db_step(sqlite3_stmt *stmt, bool *ret_row, entrasql_error *err) ES_MUST_USE;
/* Runs statements without parameters and without interest in rows. */
entrasql_status engine_db_exec(sqlite3 *db, const char *sql, entrasql_error *err) ES_MUST_USE;
/*
 * Runs one statement. One letter of `types` an argument: i int64_t, s const
 * char * (NULL: NULL), b const void * with size_t.
 */
entrasql_status engine_db_run(sqlite3 *db, entrasql_error *err, const char *sql, const char *types,
                              ...) ES_MUST_USE;
/* The same for a statement whose first column of its first row is wanted; *ret stays without one.
 */
entrasql_status engine_db_int(sqlite3 *db, entrasql_error *err, int64_t *ret, const char *sql,
                              const char *types, ...) ES_MUST_USE;
void engine_db_finalize(sqlite3_stmt **stmt); /* for ES_CLEANUP */

#endif
