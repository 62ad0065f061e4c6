/* SPDX-License-Identifier: MIT */
/*
 * Printing result sets as an aligned table, as CSV (RFC 4180), or as JSON (an
 * array of objects for each result set).
 *
 * Rows go out as they come; a table holds its first rows back to find out how
 * wide its columns are, up to a limit. On a terminal it fits: wide values are
 * cut with an ellipsis, and what does not fit even so is shown vertically, a
 * line a value. The printer borrows the file. One thread.
 */
#ifndef CLI_RESULT_H
#define CLI_RESULT_H

#include "base/buf.h"
#include "base/error.h"
#include "sqltype/value.h"

#include <stdio.h>

typedef enum cli_result_form { CLI_RESULT_TABLE, CLI_RESULT_CSV, CLI_RESULT_JSON } cli_result_form;

typedef enum cli_result_layout {
    CLI_RESULT_FIT,        /* a table; vertical when it cannot be made to fit */
    CLI_RESULT_HORIZONTAL, /* always a table */
    CLI_RESULT_VERTICAL    /* never one */
} cli_result_layout;

typedef struct cli_result_column {
    char *name;        /* owned */
    size_t width;      /* table */
    size_t data_width; /* of the widest value */
    bool is_number;    /* to the right in a table and never cut, bare in JSON */
} cli_result_column;

typedef struct cli_result {
    cli_result_form form;
    FILE *out;
    bool on_terminal;
    bool has_colour;            /* NULL is shown dim; off by default */
    bool is_quiet;              /* neither counts nor numbers rows; off by default */
    cli_result_layout layout;   /* for tables; FIT by default */
    size_t fit_width;           /* columns of the terminal; 0, the default: no limit */
    const char *cut_note;       /* said below a table with cut values; NULL, the default: nothing */
    cli_result_column *columns; /* of the set that is open; NULL between sets */
    size_t count;
    uint64_t rows;
    uint64_t records; /* shown vertically */
    unsigned sets;    /* printed so far */
    bool holding;     /* a table that still collects rows */
    bool vertical;    /* the open set goes out so */
    bool is_cut;      /* a value of the open set was cut */
    es_buf held;      /* their cells, each as u32 length and text */
    size_t held_rows;
    es_buf line;
} cli_result;

#define CLI_RESULT_HOLD_ROWS 1000
#define CLI_RESULT_HOLD_BYTES (4U * 1024 * 1024)

void cli_result_init(cli_result *r, cli_result_form form, FILE *out, bool on_terminal);
void cli_result_done(cli_result *r);

/* A result set begins; an open one is ended. names[i] may be "". */
entrasql_status cli_result_begin(cli_result *r, const char *const *names, const sqltype *types,
                                 size_t count, entrasql_error *err) ES_MUST_USE;
entrasql_status cli_result_row(cli_result *r, const sqlvalue *values, size_t count,
                               entrasql_error *err) ES_MUST_USE;
/* The open result set ends, if there is one. */
entrasql_status cli_result_end(cli_result *r, entrasql_error *err) ES_MUST_USE;
/* "(3 rows affected)", for tables only. */
entrasql_status cli_result_affected(cli_result *r, uint64_t rows, entrasql_error *err) ES_MUST_USE;

#endif
