/* SPDX-License-Identifier: MIT */
/*
 * T-SQL text to tree. The whole batch is parsed before anything runs, as SQL
 * Server does, so one syntax error means that no statement of it runs.
 *
 * A tsql_batch owns its arena: tsql_batch_free() gives back every node at
 * once. It keeps a copy of the text. Nothing is global; a batch may be used
 * from any one thread at a time, and read by several.
 *
 * Errors: SQL_ERROR with SQL Server's number, severity, state and line; LIMIT
 * and NOMEM.
 */
#ifndef TSQL_PARSER_H
#define TSQL_PARSER_H

#include "tsql/ast.h"

#define TSQL_MAX_TEXT (64u * 1024u * 1024u)
#define TSQL_MAX_TOKENS (4u * 1000u * 1000u)
/* Nesting of brackets, subqueries, blocks. */
#define TSQL_MAX_DEPTH 256
/*
 * Operators of equal rank in a row (a + b + c, UNION, joins) build trees that
 * lean to the left. So many of them may lie on one path from the root to a
 * leaf; whoever walks the tree by recursion thus knows its height: a small
 * multiple of TSQL_MAX_DEPTH, plus TSQL_MAX_CHAIN. AND and OR do not count,
 * their trees are balanced.
 */
#define TSQL_MAX_CHAIN 2000

typedef struct tsql_options {
    bool quoted_identifier_off; /* "x" is a string; else an identifier */
} tsql_options;

typedef struct tsql_batch tsql_batch;

/* options may be NULL: SQL Server's defaults. The text is UTF-8 and is copied. */
entrasql_status tsql_parse(const char *text, size_t n, const tsql_options *options,
                           tsql_batch **ret, entrasql_error *err) ES_MUST_USE;
void tsql_batch_free(tsql_batch *batch);

/* The statements, in order. Lives as long as the batch. */
const tsql_stmts *tsql_batch_statements(const tsql_batch *batch);
/* The text that spans point into; not NUL-free by promise, NUL-terminated. */
const char *tsql_batch_text(const tsql_batch *batch, size_t *ret_length);

/*
 * The text of a stored expression (a default, a check) without a statement
 * around it, for the catalog: exactly one of ret_expr and ret_cond is asked for.
 */
entrasql_status tsql_parse_expr(const char *text, size_t n, tsql_batch **ret, tsql_expr **ret_expr,
                                entrasql_error *err) ES_MUST_USE;
entrasql_status tsql_parse_cond(const char *text, size_t n, tsql_batch **ret, tsql_cond **ret_cond,
                                entrasql_error *err) ES_MUST_USE;

/* "@P1 nvarchar(10), @P2 numeric(4,2) OUTPUT" of sp_executesql and sp_prepare. "" gives none. */
entrasql_status tsql_parse_params(const char *text, size_t n, tsql_batch **ret,
                                  const tsql_params **ret_params, entrasql_error *err) ES_MUST_USE;

/* One name of up to four parts, for OBJECT_ID('[dbo].[t]') and RPC names. */
entrasql_status tsql_parse_object(const char *text, size_t n, tsql_batch **ret,
                                  const tsql_object **ret_object, entrasql_error *err) ES_MUST_USE;

#endif
