/* SPDX-License-Identifier: MIT */
/* INSERT, UPDATE and DELETE as they are bound, for running and for the compile pass. */
#ifndef ENGINE_RUN_DML_H
#define ENGINE_RUN_DML_H

#include "engine/change.h"

typedef struct engine_insert {
    engine_change_set own; /* of an INSERT statement */
    engine_change_set *c;  /* own, or the MERGE's */
    const engine_object *table;
    size_t *places; /* of the columns that get values, in the table */
    size_t place_count;
    engine_query *query; /* gives their values; NULL: DEFAULT VALUES, EXEC */
    engine_node **default_nodes;
    size_t *default_places;
    size_t default_count;
    engine_plan defaults;
    bool identity_given;
    bool loads;      /* a bulk load: identity values may be given as they are */
    bool keep_nulls; /* else a default takes the place of NULL in a load */
    bool identity_known;
    int64_t identity;
} engine_insert;

entrasql_status engine_insert_bind(engine_insert *in, engine_binder *b,
                                   const tsql_insert_stmt *stmt) ES_MUST_USE;
void engine_insert_done(engine_insert *in);

/* The parts of it that MERGE uses too; in->c and in->table are set. */

/* The columns that get values: the named ones, or all that can. */
entrasql_status engine_insert_places(engine_insert *in, const tsql_names *names) ES_MUST_USE;
/* One value; DEFAULT is the column's. */
entrasql_status engine_insert_cell(engine_insert *in, const tsql_expr *e, size_t column,
                                   engine_node **ret) ES_MUST_USE;
entrasql_status engine_insert_defaults(engine_insert *in) ES_MUST_USE;
/* 544 and 545, by what IDENTITY_INSERT is when it runs. */
entrasql_status engine_insert_identity(engine_insert *in) ES_MUST_USE;
entrasql_status engine_insert_open(engine_insert *in) ES_MUST_USE;
/* Fills `row` from the values, defaults and counters, and writes it. */
entrasql_status engine_insert_row(engine_insert *in, const sqlvalue *values, sqlvalue *row,
                                  const sqlvalue *extra) ES_MUST_USE;
/* What @@IDENTITY and SCOPE_IDENTITY() give from now on. */
void engine_insert_keep(const engine_insert *in, engine_session *s);

/* One item of SET. */
typedef struct engine_set {
    size_t place; /* of the column in the table; SIZE_MAX: only a variable */
    const char *variable;
    engine_node *node;
} engine_set;

/* UPDATE and DELETE: a query of rowid, old row, new values, values for OUTPUT. */
typedef struct engine_modify {
    engine_change_set c;
    const engine_object *table;
    engine_query *query;
    engine_source *target;
    bool joined;             /* a row of the table may come more than once */
    struct engine_set *sets; /* UPDATE */
    size_t set_count;
    bool changes_key;
} engine_modify;

entrasql_status engine_update_bind(engine_modify *m, engine_binder *b,
                                   const tsql_update_stmt *stmt) ES_MUST_USE;
entrasql_status engine_delete_bind(engine_modify *m, engine_binder *b,
                                   const tsql_delete_stmt *stmt) ES_MUST_USE;
void engine_modify_done(engine_modify *m);

/* One item of SET: bound into m->sets and m->query; also for MERGE. */
entrasql_status engine_modify_set(engine_modify *m, engine_binder *b,
                                  const tsql_assign *assign) ES_MUST_USE;
/* The new row: the old one with what SET says. values: one for each item of SET. */
entrasql_status engine_modify_row(engine_modify *m, const sqlvalue *old, const sqlvalue *values,
                                  sqlvalue *row) ES_MUST_USE;

/* MERGE, bound (run_merge.c). */
typedef struct engine_merge engine_merge;
/* Binds it for its errors alone. */
entrasql_status engine_merge_check(engine_binder *b, const tsql_merge_stmt *stmt) ES_MUST_USE;
/* Sends the columns of its OUTPUT. */
entrasql_status engine_merge_shape(engine_binder *b, const tsql_merge_stmt *stmt,
                                   engine_run *run) ES_MUST_USE;

/* The table that a statement changes: 208, 1087; views cannot be. */
entrasql_status engine_bind_target(engine_binder *b, const tsql_target *target, engine_source **ret,
                                   const engine_object **ret_table) ES_MUST_USE;
/* Whether the statement needs the database's write lock: temporary tables alone do not. */
bool engine_target_writes(const engine_session *s, const tsql_target *target);

#endif
