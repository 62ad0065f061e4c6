/* SPDX-License-Identifier: MIT */
/*
 * Catalog views (sys.objects, INFORMATION_SCHEMA.TABLES) and system table
 * functions: how one is written and registered.
 *
 * A view is a row of a table in one of the files view_*.c, which view.c lists:
 * schema, name, columns and a function that writes its rows. SQLite sees each
 * as a virtual table, so a view can be joined, filtered and grouped like any
 * table. Rows are made anew each time a statement opens the view, from
 * s->catalog; fill functions show only what engine_may_see() allows.
 *
 *     static entrasql_status fill_schemas(engine_rows *rows)
 *     {
 *         for (...) {
 *             engine_row_text(rows, schema->name);
 *             engine_row_int(rows, schema->id);
 *             engine_row_int(rows, schema->owner);
 *         }
 *         return engine_rows_status(rows);
 *     }
 *
 * Values are added in the order of the columns; a row ends by itself when it
 * is full. Failures (no memory) are kept and told by engine_rows_status().
 */
#ifndef ENGINE_VIEW_H
#define ENGINE_VIEW_H

#include "engine/internal.h"

typedef struct engine_rows {
    engine_session *s;
    const struct engine_view *view;
    const sqlvalue *args; /* of a table function */
    size_t arg_count;
    sqlvalue *values; /* row after row */
    size_t count;
    size_t room;
    entrasql_status status;
    entrasql_error *err; /* of a table function: SQL_ERROR goes to the client */
} engine_rows;

typedef struct engine_view_column {
    const char *name;
    const char *type; /* "int", "sysname", "nvarchar(128)", "bit", "datetime" ... */
    bool nullable;
} engine_view_column;

typedef struct engine_view {
    const char *schema; /* "sys", "INFORMATION_SCHEMA" */
    const char *name;
    const engine_view_column *columns;
    size_t column_count;
    size_t arg_count; /* table functions: so many nvarchar(max) arguments */
    entrasql_status (*fill)(engine_rows *rows);
    bool inner; /* for the emitter alone, not found by name */
} engine_view;

typedef struct engine_views {
    const engine_view *items;
    size_t count;
} engine_views;

extern const engine_views engine_views_objects;   /* view_objects.c */
extern const engine_views engine_views_keys;      /* view_keys.c: indexes, constraints */
extern const engine_views engine_views_security;  /* view_security.c */
extern const engine_views engine_views_schema;    /* view_schema.c: INFORMATION_SCHEMA */
extern const engine_views engine_views_server;    /* view_server.c */
extern const engine_views engine_views_functions; /* view_function.c: table functions */
extern const engine_views engine_views_property;  /* view_property.c: extended properties */
extern const engine_views engine_views_absent;    /* view_absent.c: always empty */
extern const engine_views engine_views_json;      /* view_json.c: OPENJSON */

/* ---- writing rows ---- */

void engine_row_null(engine_rows *rows);
void engine_row_int(engine_rows *rows, int64_t v);      /* any integer type and bit */
void engine_row_text(engine_rows *rows, const char *s); /* NULL: NULL */
void engine_row_binary(engine_rows *rows, const void *p, size_t n);
void engine_row_ticks(engine_rows *rows, int64_t ticks);     /* dates and times */
void engine_row_value(engine_rows *rows, const sqlvalue *v); /* converted to the column's type */
entrasql_status engine_rows_status(const engine_rows *rows) ES_MUST_USE;

/* ---- the engine's side ---- */

/* SQLite's result code. */
int engine_views_register(engine_session *s);
/* By schema and name, case ignored. NULL: none. */
const engine_view *engine_view_find(const char *schema, const char *name);
/* Table functions that only the emitter calls. */
const engine_view *engine_view_inner(const char *name);
/* "es_v12", its name in SQL. */
const char *engine_view_sql_name(const engine_view *view, char *dst, size_t size);
sqltype engine_view_type(const engine_view_column *column);

#endif
