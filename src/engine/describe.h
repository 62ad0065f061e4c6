/* SPDX-License-Identifier: MIT */
/*
 * Which types the undeclared parameters of a statement should have, by what
 * they stand beside: a column they are compared with, assigned or inserted to,
 * the type of a CAST, the other operand of an operator, TOP and OFFSET.
 *
 * Works on the parser's tree and the session's catalog, without binding the
 * statement, so that one unclear expression does not spoil the others.
 */
#ifndef ENGINE_DESCRIBE_H
#define ENGINE_DESCRIBE_H

#include "engine/internal.h"
#include "tsql/arena.h"

#define ENGINE_DESCRIBE_MAX 2100 /* parameters of a statement, as on the server */

typedef struct engine_described {
    const char *name; /* with '@'; in the arena of the result */
    sqltype type;
    bool known;
} engine_described;

typedef struct engine_description {
    tsql_arena arena;
    engine_described *items; /* in the order in which they appear first */
    size_t count;
} engine_description;

/*
 * params: declarations ("@a int") that are left out of the result; NULL: none.
 * Errors of the parser; LIMIT past ENGINE_DESCRIBE_MAX. On success the caller
 * calls engine_description_done().
 */
entrasql_status engine_describe(engine_session *s, const char *text, const char *params,
                                engine_description *ret, entrasql_error *err) ES_MUST_USE;
void engine_description_done(engine_description *d);

#endif
