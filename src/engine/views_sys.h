/* SPDX-License-Identifier: MIT */
/* What the files of catalog views (view_*.c) and catalog procedures have in common. */
#ifndef ENGINE_VIEWS_SYS_H
#define ENGINE_VIEWS_SYS_H

#include "engine/view.h"

/* Of sys.types, with which sys.table_types begins. */
#define ENGINE_TYPE_COLUMNS                                                                        \
    {"name", "sysname", false}, {"system_type_id", "tinyint", false},                              \
        {"user_type_id", "int", false}, {"schema_id", "int", false},                               \
        {"principal_id", "int", true}, {"max_length", "smallint", false},                          \
        {"precision", "tinyint", false}, {"scale", "tinyint", false},                              \
        {"collation_name", "sysname", true}, {"is_nullable", "bit", true},                         \
        {"is_user_defined", "bit", false}, {"is_assembly_type", "bit", false},                     \
        {"default_object_id", "int", false}, {"rule_object_id", "int", false},                     \
    {                                                                                              \
        "is_table_type", "bit", false                                                              \
    }

/* One element of a list of views. */
#define ENGINE_VIEW(view_schema, view_name, view_columns, view_fill)                               \
    {                                                                                              \
        .schema = (view_schema), .name = (view_name), .columns = (view_columns),                   \
        .column_count = ES_COUNT_OF(view_columns), .fill = (view_fill)                             \
    }

/* The same of a table function. */
#define ENGINE_TABLE_FUNCTION(function_name, function_columns, args, function_fill)                \
    {                                                                                              \
        .schema = "sys", .name = (function_name), .columns = (function_columns),                   \
        .column_count = ES_COUNT_OF(function_columns), .arg_count = (args),                        \
        .fill = (function_fill)                                                                    \
    }

/* The twelve columns that sys.objects and all views made of it begin with. */
#define ENGINE_OBJECT_COLUMNS                                                                      \
    {"name", "sysname", false}, {"object_id", "int", false}, {"principal_id", "int", true},        \
        {"schema_id", "int", false}, {"parent_object_id", "int", false},                           \
        {"type", "char(2)", true}, {"type_desc", "nvarchar(60)", true},                            \
        {"create_date", "datetime", false}, {"modify_date", "datetime", false},                    \
        {"is_ms_shipped", "bit", false}, {"is_published", "bit", false},                           \
    {                                                                                              \
        "is_schema_published", "bit", false                                                        \
    }
void engine_row_object(engine_rows *r, const engine_object *o);

/* A view that never has rows, for features the emulator does not have. */
entrasql_status engine_view_empty(engine_rows *rows);
/* All views, in an order that stays; NULL past the end. */
const engine_view *engine_view_at(size_t i);
/* OBJECT_ID() of a view: negative, the same in every database. */
int32_t engine_view_object_id(const engine_view *view);
/* Frees the values of rows that were made without SQLite. */
void engine_rows_done(engine_rows *rows);

/* True for tables and views, which have columns. */
bool engine_object_has_columns(const engine_object *o);
const char *engine_action_name(engine_action action);                    /* "NO ACTION" ... */
const char *engine_schema_name(const engine_catalog *c, int32_t schema); /* never NULL */

#endif
