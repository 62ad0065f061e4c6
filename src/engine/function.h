/* SPDX-License-Identifier: MIT */
/*
 * The functions that the emitted SQL calls: es_f and es_v (built-in functions
 * by number, with the types of result and arguments), es_var (a variable as it
 * is now), es_one (the only row of a subquery) and the aggregates.
 */
#ifndef ENGINE_FUNCTION_H
#define ENGINE_FUNCTION_H

#include "engine/internal.h"

/* SQLite's result code. */
int engine_functions_register(engine_session *s);
int engine_aggregates_register(engine_session *s);
int engine_aggregate_order_register(engine_session *s);
int engine_aggregate_json_register(engine_session *s);
/* How a key of WITHIN GROUP sorts, as one letter for es_string_agg_by. */
char engine_aggregate_key(const char *collation, bool descending);
/* Keeps the error for the statement. */
void engine_function_keep(engine_session *s, const entrasql_error *err);
/* The same, and makes SQLite stop it. */
void engine_function_fail(engine_session *s, sqlite3_context *context, entrasql_status status,
                          const entrasql_error *err);

#endif
