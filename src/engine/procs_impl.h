/* SPDX-License-Identifier: MIT */
/*
 * What the files of the catalog procedures (procs_*.c) share: how one is
 * described, its arguments once they are sorted out, and patterns.
 *
 * A run function adds its rows to call->rows, whose columns the description
 * gives; they are sorted by the columns in `order` and sent when it returns.
 */
#ifndef ENGINE_PROCS_IMPL_H
#define ENGINE_PROCS_IMPL_H

#include "engine/systype.h"
#include "engine/views_sys.h"

enum { ENGINE_PROC_ARGS_MAX = 8, ENGINE_PROC_ORDER_MAX = 5 };

typedef struct engine_proc engine_proc;

typedef struct engine_proc_call {
    engine_session *s;
    const engine_proc *proc;
    const char *text[ENGINE_PROC_ARGS_MAX]; /* NULL: not given, NULL or a number */
    int64_t number[ENGINE_PROC_ARGS_MAX];   /* the default where not given */
    engine_rows rows;
    entrasql_error *err; /* filled when run returns SQL_ERROR */
} engine_proc_call;

typedef struct engine_proc_param {
    const char *name; /* with '@' */
    bool is_number;
    bool required;
    int64_t number;   /* default */
    const char *text; /* default, or NULL */
} engine_proc_param;

struct engine_proc {
    const char *name;
    const engine_proc_param *params;
    size_t param_count;
    engine_view result; /* columns; fill is not used */
    /* Columns to sort by, counted from 1; 0 ends the list. NULLs come first. */
    uint8_t order[ENGINE_PROC_ORDER_MAX];
    bool unlimited; /* (max) types have length 0 */
    entrasql_status (*run)(engine_proc_call *call);
};

typedef struct engine_procs {
    const engine_proc *items;
    size_t count;
} engine_procs;

extern const engine_procs engine_procs_tables;   /* sp_tables, sp_columns */
extern const engine_procs engine_procs_keys;     /* sp_pkeys, sp_fkeys, sp_statistics ... */
extern const engine_procs engine_procs_types;    /* sp_datatype_info */
extern const engine_procs engine_procs_modules;  /* sp_stored_procedures, sp_sproc_columns */
extern const engine_procs engine_procs_help;     /* sp_helpindex, sp_helptext, sp_who ... */
extern const engine_procs engine_procs_describe; /* sp_describe_... */

#define ENGINE_PROC_RESULT(proc_columns)                                                           \
    {                                                                                              \
        .schema = "sys", .name = "", .columns = (proc_columns),                                    \
        .column_count = ES_COUNT_OF(proc_columns)                                                  \
    }

/* LIKE without ESCAPE: % _ [abc] [a-z] [^x]; case ignored. pattern NULL: all fit. */
bool engine_pattern_fits(const char *pattern, const char *text);
/* The same, or equality when patterns are off. */
bool engine_proc_fits(const char *wanted, const char *text, bool pattern);
/* The qualifier argument names this database, or none. */
bool engine_proc_is_here(const engine_proc_call *call, const char *qualifier);
/* A table by exact name and optional owner, as the user sees it; NULL: none. */
const engine_object *engine_proc_table(const engine_proc_call *call, const char *owner,
                                       const char *name);
/* TABLE_QUALIFIER, TABLE_OWNER, TABLE_NAME. */
void engine_proc_row_names(engine_proc_call *call, const engine_object *o);
/* An integer, or NULL for -1. */
void engine_row_or_null(engine_rows *rows, int64_t v);

#endif
