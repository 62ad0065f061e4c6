/* SPDX-License-Identifier: MIT */
/* INSERT, UPDATE and DELETE as they are bound, for running and for the compile pass. */
#ifndef ENGINE_RUN_DML_H
#define ENGINE_RUN_DML_H

#include "engine/change.h"

typedef struct engine_insert {
    engine_change_set c;
    const engine_object *table;
    size_t *places; /* of the columns that get values, in the table */
    size_t place_count;
    engine_query *query; /* gives their values; NULL: DEFAULT VALUES, EXEC */
    engine_node **default_nodes;
    size_t *default_places;
    size_t default_count;
    engine_plan defaults;
    bool identity_given;
    bool identity_known;
    int64_t identity;
} engine_insert;

entrasql_status engine_insert_bind(engine_insert *in, engine_binder *b,
                                   const tsql_insert_stmt *stmt) ES_MUST_USE;
void engine_insert_done(engine_insert *in);

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

/* The table that a statement changes: 208, 1087; views cannot be. */
entrasql_status engine_bind_target(engine_binder *b, const tsql_target *target, engine_source **ret,
                                   const engine_object **ret_table) ES_MUST_USE;
/* Whether the statement needs the database's write lock: temporary tables alone do not. */
bool engine_target_writes(const engine_session *s, const tsql_target *target);

#endif
