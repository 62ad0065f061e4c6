/* SPDX-License-Identifier: MIT */
/*
 * Changing the rows of a table: what INSERT, UPDATE and DELETE share.
 *
 * The rows of a statement are worked out by one query and kept; then each is
 * checked (NULL, length, CHECK, keys, foreign keys) and written, so that a
 * statement never reads what it wrote itself, and errors have SQL Server's
 * numbers and texts. OUTPUT is evaluated on the rows that were written and
 * sent when all of them are.
 */
#ifndef ENGINE_CHANGE_H
#define ENGINE_CHANGE_H

#include "engine/plan.h"
#include "engine/run.h"

/* One OUTPUT list. */
typedef struct engine_returning {
    engine_query *query;       /* items over inserted, deleted and extra */
    const engine_object *into; /* OUTPUT INTO; NULL: to the client */
    const char *into_name;
    size_t *into_places; /* of the table's columns */
    engine_plan plan;
    engine_row_set rows;
} engine_returning;

typedef struct engine_change_set {
    engine_binder *b;
    const char *verb; /* "INSERT", "UPDATE", "DELETE", "MERGE" */
    /* MERGE: what a row's action is, and a row of NULLs for inserted or deleted. */
    bool merges;
    const char *action;
    engine_source *action_source; /* $action */
    sqlvalue action_value;
    sqlvalue *nulls;
    const engine_object *table;
    const char *sql_name; /* of the table in SQLite */
    bool is_temp;
    engine_source *inserted; /* ROW sources with the table's columns */
    engine_source *deleted;
    engine_source *extra; /* values of other sources that OUTPUT names */
    engine_node **extra_nodes;
    size_t extra_count;
    engine_returning returning[2];
    size_t returning_count;
    engine_plan checks; /* one int for each CHECK: 0 when it is violated */
    engine_node **check_nodes;
    const engine_object **check_objects;
    size_t check_count;
    engine_plan computed; /* the computed columns, in their order */
    size_t computed_count;
    bool identity_used;
    sqlite3_stmt *insert;
    sqlite3_stmt *update;
    sqlite3_stmt *remove;
} engine_change_set;

/* Names of the table, its constraints and computed columns; no statements yet. */
entrasql_status engine_change_bind(engine_change_set *c, engine_binder *b, const char *verb,
                                   const engine_object *table, const char *sql_name) ES_MUST_USE;
/* Binds OUTPUT; other sources may be named when there is a scope of them. */
entrasql_status engine_change_output(engine_change_set *c, const tsql_output *output,
                                     const engine_scope *scope) ES_MUST_USE;
/* Prepares what writing needs. */
entrasql_status engine_change_open(engine_change_set *c) ES_MUST_USE;

/* A value for a column: converted; 2628 when too long. *ret is owned. */
entrasql_status engine_change_value(engine_change_set *c, const engine_table_column *column,
                                    const sqlvalue *v, sqlvalue *ret) ES_MUST_USE;
/* row: values for all columns of the table, computed ones are filled in. */
entrasql_status engine_change_insert(engine_change_set *c, sqlvalue *row,
                                     const sqlvalue *extra) ES_MUST_USE;
/* fresh: a new row in the place of a deleted one (two-phase UPDATE). */
entrasql_status engine_change_update(engine_change_set *c, int64_t rowid, const sqlvalue *old,
                                     sqlvalue *row, const sqlvalue *extra, bool fresh) ES_MUST_USE;
entrasql_status engine_change_delete(engine_change_set *c, int64_t rowid, const sqlvalue *old,
                                     const sqlvalue *extra, bool quiet) ES_MUST_USE;
/* OUTPUT rows are stored or sent. */
entrasql_status engine_change_finish(engine_change_set *c, engine_run *run) ES_MUST_USE;
/* Only the columns of OUTPUT, for FMTONLY. */
entrasql_status engine_change_columns(engine_change_set *c, engine_run *run) ES_MUST_USE;
void engine_change_done(engine_change_set *c); /* for ES_CLEANUP; a zeroed one is fine */

/* "db.schema.table" and "schema.table" in messages. */
const char *engine_table_text(const engine_session *s, const engine_object *o, bool with_database,
                              char *dst, size_t size);

/* The unique constraint that the new row breaks (change_key.c): 2627 or 2601. */
entrasql_status engine_change_explain_key(engine_change_set *c, const sqlvalue *row) ES_MUST_USE;
/* Foreign keys (change_fk.c), at the end of the statement: 547. */
entrasql_status engine_change_check_child(engine_change_set *c, const sqlvalue *row) ES_MUST_USE;
entrasql_status engine_change_check_parent(engine_change_set *c, const sqlvalue *old,
                                           const sqlvalue *row) ES_MUST_USE;

#endif
