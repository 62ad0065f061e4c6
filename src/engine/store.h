/* SPDX-License-Identifier: MIT */
/*
 * How values lie in SQLite, so that SQLite's own order and equality are those
 * of the type:
 *
 *   integers, money, rowversion   INTEGER
 *   decimal up to 18 digits       INTEGER, without the point
 *   longer decimals               BLOB of 17 bytes: sign, magnitude big-endian
 *   real, float                   REAL
 *   dates and times               INTEGER, ticks
 *   datetimeoffset                TEXT, 19 digits of UTC ticks and the offset;
 *                                 ENGINE_COLLATION_OFFSET compares the ticks
 *   strings                       TEXT; ENGINE_COLLATION_TEXT compares them
 *   binaries                      BLOB
 *   uniqueidentifier              BLOB of 16 bytes in the order of comparison
 *
 * Values that are read lend SQLite's memory: they end with the next step of
 * the statement or the return from the function. Pure; any thread.
 */
#ifndef ENGINE_STORE_H
#define ENGINE_STORE_H

#include "base/error.h"
#include "sqltype/value.h"

#include <sqlite3.h>

#define ENGINE_COLLATION_TEXT "es_text"
#define ENGINE_COLLATION_OFFSET "es_offset"
#define ENGINE_OFFSET_KEY 19      /* characters of a stored datetimeoffset that are compared */
#define ENGINE_DECIMAL_INTEGER 18 /* up to so many digits a decimal is an INTEGER */

/* A type as one integer, for the catalog and for calls inside SQL text. */
int64_t engine_type_encode(sqltype type);
sqltype engine_type_decode(int64_t code);

/* True when a value of `from` that fits is, unchanged, a value of `to` in storage. */
bool engine_store_same(sqltype from, sqltype to);
/* The collation that comparisons of the type need; NULL: SQLite's own order. */
const char *engine_store_collation(sqltype type);

entrasql_status engine_store_bind(sqlite3_stmt *stmt, int index, const sqlvalue *v) ES_MUST_USE;
/* Sets the result of an SQL function; NOMEM is reported to SQLite as such. */
void engine_store_result(sqlite3_context *context, const sqlvalue *v);
/* MALFORMED: the stored value is not of the form of the type. */
entrasql_status engine_store_read(sqlite3_value *from, sqltype type, sqlvalue *ret) ES_MUST_USE;
entrasql_status engine_store_column(sqlite3_stmt *stmt, int column, sqltype type,
                                    sqlvalue *ret) ES_MUST_USE;

/* Registers the collations on a connection. SQLite's result code. */
int engine_store_register(sqlite3 *db);

#endif
