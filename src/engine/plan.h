/* SPDX-License-Identifier: MIT */
/*
 * A bound query at work in SQLite: prepare, bind the parameters, step, read
 * typed rows. It lives shorter than its binder. One thread.
 */
#ifndef ENGINE_PLAN_H
#define ENGINE_PLAN_H

#include "engine/bind.h"

typedef struct engine_plan {
    engine_session *s;
    engine_frame *frame;
    sqlite3_stmt *stmt;
    const engine_node **slots;
    size_t slot_count;
    const engine_bound_column *columns;
    size_t column_count;
    sqlvalue *row; /* the current row, lent until the next step */
} engine_plan;

/* live: variables are read anew for every row (SELECT @s = @s + ...). */
entrasql_status engine_plan_open(engine_binder *b, const engine_query *q, bool live,
                                 engine_plan *ret) ES_MUST_USE;
/* Binds the variables and row sources as they are now; may be called again. */
entrasql_status engine_plan_start(engine_plan *p, entrasql_error *err) ES_MUST_USE;
entrasql_status engine_plan_step(engine_plan *p, bool *ret_row, entrasql_error *err) ES_MUST_USE;
void engine_plan_done(engine_plan *p); /* for ES_CLEANUP; a zeroed plan is fine */

/* A query that gives the nodes as one row, without FROM: scalars, row programs. */
entrasql_status engine_plan_nodes(engine_binder *b, engine_node **nodes, size_t count,
                                  engine_plan *ret) ES_MUST_USE;
/* One value of one node, owned by the caller. */
entrasql_status engine_plan_value(engine_binder *b, engine_node *node, sqlvalue *ret) ES_MUST_USE;

/* A condition; unknown counts as false. */
entrasql_status engine_plan_cond(engine_binder *b, engine_node *cond, bool *ret) ES_MUST_USE;

/* Rows that were read and kept. */
typedef struct engine_row_set {
    sqlvalue *values;
    size_t width;
    size_t count;
    size_t room;
} engine_row_set;

entrasql_status engine_row_set_add(engine_row_set *set, const sqlvalue *row,
                                   entrasql_error *err) ES_MUST_USE;
sqlvalue *engine_row_set_at(const engine_row_set *set, size_t row);
void engine_row_set_done(engine_row_set *set);
/* All rows of a query. */
entrasql_status engine_plan_collect(engine_plan *p, engine_row_set *ret,
                                    entrasql_error *err) ES_MUST_USE;

#endif
