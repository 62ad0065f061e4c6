/* SPDX-License-Identifier: MIT */
/* Inner part of describe.h: hints of types on the way through expressions and queries. */
#ifndef ENGINE_DESCRIBE_WALK_H
#define ENGINE_DESCRIBE_WALK_H

#include "engine/describe.h"

enum { ENGINE_DESCRIBE_COLUMNS = 1024 }; /* columns of an INSERT ... SELECT that are looked at */

/* The sources that column names may mean, innermost first. */
typedef struct engine_describe_scope {
    struct engine_describe_scope *outer;
    const tsql_source *from;
    tsql_source target; /* of UPDATE and DELETE without FROM */
} engine_describe_scope;

typedef struct engine_describe_walk {
    engine_session *s;
    engine_description *d;
    const tsql_params *declared;
    engine_describe_scope *scope;
} engine_describe_walk;

engine_described *engine_described_find(engine_describe_walk *w, const char *name);

void engine_describe_push(engine_describe_walk *w, engine_describe_scope *scope,
                          const tsql_source *from);
/* from, or the target when there is none. */
void engine_describe_push_target(engine_describe_walk *w, engine_describe_scope *scope,
                                 const tsql_target *target, const tsql_source *from);
void engine_describe_pop(engine_describe_walk *w);

/* The table that is changed; NULL: not known. */
const engine_object *engine_describe_target(engine_describe_walk *w, const tsql_target *target);
/* The same when the target may be an alias of the current scope. */
const engine_object *engine_describe_aliased(engine_describe_walk *w, const tsql_target *target);

/* Says that an expression should have a type: parameters in it without one take it. */
void engine_describe_hint(engine_describe_walk *w, const tsql_expr *e, sqltype type);
/* Looks into an expression for what tells of types; NULL does nothing. */
void engine_describe_expr(engine_describe_walk *w, const tsql_expr *e);
void engine_describe_cond(engine_describe_walk *w, const tsql_cond *c);
void engine_describe_query(engine_describe_walk *w, const tsql_query *q);
/* The ON conditions, derived tables and function arguments of FROM. */
void engine_describe_sources(engine_describe_walk *w, const tsql_source *source);

#endif
