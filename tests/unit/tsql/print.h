/* SPDX-License-Identifier: MIT */
/*
 * A tree as one line of text in brackets, for comparing in tests. Every field
 * that the parser sets by what it read is shown somewhere.
 */
#ifndef TEST_TSQL_PRINT_H
#define TEST_TSQL_PRINT_H

#include "base/buf.h"
#include "tsql/ast.h"

void print_stmts(es_buf *b, const tsql_stmts *stmts);
void print_stmt(es_buf *b, const tsql_stmt *stmt);
void print_query(es_buf *b, const tsql_query *query);
void print_expr(es_buf *b, const tsql_expr *expr);
void print_cond(es_buf *b, const tsql_cond *cond);
void print_source(es_buf *b, const tsql_source *source);
void print_with(es_buf *b, const tsql_with *with);
void print_order(es_buf *b, const tsql_order *order);
void print_object(es_buf *b, const tsql_object *object);
void print_names(es_buf *b, const char *label, const tsql_names *names);
void print_type(es_buf *b, const tsql_type *type);
void print_text(es_buf *b, const char *fmt, ...) ES_PRINTF(2, 3);

#endif
