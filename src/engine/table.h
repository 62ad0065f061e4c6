/* SPDX-License-Identifier: MIT */
/*
 * Tables as they are made and changed: from a definition to a description with
 * names for everything that has none, and to SQLite's tables and indexes.
 */
#ifndef ENGINE_TABLE_H
#define ENGINE_TABLE_H

#include "engine/run.h"

/* A CHECK or DEFAULT that belongs to a new table. */
typedef struct engine_new_constraint {
    engine_object_type type;
    char *name;
    char *definition;
    size_t column; /* DEFAULT: place of its column */
    bool system_named;
} engine_new_constraint;

typedef struct engine_new_key {
    char *name;
    int32_t parent;
    int32_t *child_columns;
    int32_t *parent_columns;
    size_t column_count;
    engine_action on_delete;
    engine_action on_update;
    bool system_named;
} engine_new_key;

/* A table on its way into the catalog. */
typedef struct engine_new_table {
    engine_run *run;
    engine_object *object; /* its columns and indexes; owned until it is handed over */
    size_t first_index;    /* indexes before this one are there already (ALTER TABLE) */
    engine_new_constraint *constraints;
    size_t constraint_count;
    engine_new_key *keys;
    size_t key_count;
} engine_new_table;

entrasql_status engine_new_table_init(engine_new_table *t, engine_run *run, const char *name,
                                      int32_t schema, int32_t id) ES_MUST_USE;
void engine_new_table_done(engine_new_table *t); /* for ES_CLEANUP */
/* Columns and constraints of a definition, added to what is there. */
entrasql_status engine_new_table_define(engine_new_table *t, const tsql_table_def *def) ES_MUST_USE;
/* One column of a given type (SELECT INTO). */
entrasql_status engine_new_table_column(engine_new_table *t, const char *name, sqltype type,
                                        bool nullable, engine_table_column **ret) ES_MUST_USE;
/* table_constraint.c */
entrasql_status engine_new_table_constraint(engine_new_table *t, const tsql_constraint *constraint,
                                            size_t column) ES_MUST_USE;

/* Writes description and table; with an id below 0 the caller keeps the description. */
entrasql_status engine_new_table_create(engine_new_table *t) ES_MUST_USE;
/* Writes what `define` added to an existing table: indexes, constraints. */
entrasql_status engine_new_table_store_indexes(engine_new_table *t) ES_MUST_USE;
entrasql_status engine_new_table_store_constraints(engine_new_table *t) ES_MUST_USE;

/* SQLite's side (table_sqlite.c). */
entrasql_status engine_sqlite_create_table(engine_session *s, const engine_object *o,
                                           const char *sql_name, entrasql_error *err) ES_MUST_USE;
/* 1505 when rows break a unique index. */
entrasql_status engine_sqlite_create_index(engine_session *s, const engine_object *o,
                                           const engine_index *index, const char *sql_name,
                                           entrasql_error *err) ES_MUST_USE;
entrasql_status engine_sqlite_drop_index(engine_session *s, const engine_object *o, int32_t index,
                                         entrasql_error *err) ES_MUST_USE;
/* " COLLATE ..." for a column's declaration; "" for none. */
const char *engine_sqlite_column_tail(sqltype type);

/* A table variable of the current frame. */
entrasql_status engine_declare_table(engine_run *run, const tsql_declare_item *item) ES_MUST_USE;
/* Drops the table variables of a frame that ends. */
void engine_frame_end(engine_session *s, engine_frame *frame);
entrasql_status engine_run_select_into(engine_run *run, const tsql_select_stmt *stmt) ES_MUST_USE;

/* Where a new object goes: 262, 2760. *ret_schema is its schema. */
entrasql_status engine_need_create(engine_run *run, const char *permission, const tsql_object *name,
                                   int32_t *ret_schema) ES_MUST_USE;
/* ---- views and modules (run_view.c) ---- */

/* The text of a CREATE or ALTER as the catalog keeps it; NULL: no memory. */
char *engine_module_text(const engine_run *run, const tsql_stmt *stmt);
/* What ALTER or CREATE OR ALTER changes: *ret is NULL when it is a new object; 208. */
entrasql_status engine_module_find(engine_run *run, tsql_create_mode mode, const tsql_object *name,
                                   engine_object_type type, const engine_object **ret) ES_MUST_USE;
/* Adds the object, or gives `old` the new text; o->id tells which one it is then. */
entrasql_status engine_module_store(engine_run *run, const tsql_object *name,
                                    const char *permission, engine_object *o,
                                    const engine_object *old) ES_MUST_USE;
entrasql_status engine_module_columns(engine_run *run, int32_t object,
                                      const engine_bound_column *columns, size_t count) ES_MUST_USE;

/* A copy of a description (also its columns and indexes); NULL: no memory. */
engine_object *engine_object_copy(const engine_object *o);

#endif
