/* SPDX-License-Identifier: MIT */
/*
 * What SQL Server finds before a batch runs: variables that are not declared
 * or twice, names and types of statements whose tables exist. A statement
 * whose table is not there yet is looked at when its turn comes.
 */
#ifndef ENGINE_RUN_COMPILE_H
#define ENGINE_RUN_COMPILE_H

#include "engine/run.h"

/* Declares the variables in the session's frame. SQL_ERROR: nothing of the batch may run. */
entrasql_status engine_compile(engine_run *run, const tsql_stmts *list) ES_MUST_USE;

/* Sends the columns of a statement that it does not run; DECLARE adds to the frame. */
entrasql_status engine_compile_shape(engine_run *run, const tsql_stmt *stmt) ES_MUST_USE;

/* The body of a module, inside the caller's unit; its parameters are in the frame. */
entrasql_status engine_compile_body(engine_run *run, const tsql_stmts *list) ES_MUST_USE;

#endif
