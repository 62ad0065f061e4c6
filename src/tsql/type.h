/* SPDX-License-Identifier: MIT */
/*
 * From a data type as it was written to an sqltype: default lengths,
 * precision limits and SQL Server's errors about them. Pure; any thread.
 */
#ifndef TSQL_TYPE_H
#define TSQL_TYPE_H

#include "tsql/ast.h"

/* Default length of char, varchar, binary ... without brackets. */
#define TSQL_LENGTH_DECLARED 1 /* columns, variables, parameters */
#define TSQL_LENGTH_CAST 30    /* CAST and CONVERT */

/*
 * SQL_ERROR: 243 (no such type), 1001, 1002, 1007, 2716, 2717 (bad length,
 * precision or scale). ordinal: number of the column or parameter for the
 * text, 0: none (then 243 names the type instead of 2715).
 */
entrasql_status tsql_type_resolve(const tsql_type *type, uint32_t default_length, uint32_t ordinal,
                                  sqltype *ret, entrasql_error *err) ES_MUST_USE;

#endif
