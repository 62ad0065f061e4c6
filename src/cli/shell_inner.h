/* SPDX-License-Identifier: MIT */
/* The prompt and its shortcuts; shared by their files. */
#ifndef CLI_SHELL_INNER_H
#define CLI_SHELL_INNER_H

#include "cli/catalog_names.h"
#include "cli/editor.h"
#include "cli/shell.h"

#define CLI_PROMPT_SIZE 64

typedef struct cli_shell {
    cli_session *s;
    cli_editor *editor;
    cli_catalog *catalog; /* for the Tab key */
    char *history;        /* the file; NULL: none is kept */
    cli_batch batch;
    bool has_timing;
    bool is_over;
    char prompt[CLI_PROMPT_SIZE];
} cli_shell;

/* ---- shell.c ---- */

/* Connects if there is no living connection. False: it failed, and that was said. */
bool cli_shell_ensure_connected(cli_shell *sh);
/* Open, and not lost with its connection; what its connection's end does is to be said. */
bool cli_shell_has_transaction(const cli_shell *sh);
void cli_shell_say_rollback(const cli_shell *sh);
/* Says what is to be said about a failure, and connects again when the connection was lost. */
void cli_shell_failed(cli_shell *sh, entrasql_status status, const entrasql_error *err);
/* Runs what was collected. */
void cli_shell_go(cli_shell *sh, uint32_t times);

/* ---- shell_words.c ---- */

/* A line that begins with a backslash. */
void cli_shell_word(cli_shell *sh, const char *line);

typedef enum cli_word_argument {
    CLI_ARGUMENT_NONE, /* or nothing that is listed */
    CLI_ARGUMENT_OBJECT,
    CLI_ARGUMENT_ROUTINE,
    CLI_ARGUMENT_DATABASE
} cli_word_argument;

/* The shortcuts that begin so. */
void cli_shell_list_words(const char *prefix, size_t n, cli_choices *ret);
cli_word_argument cli_shell_argument_of(const char *name, size_t n);

/* ---- shell_complete.c ---- */

/* What the Tab key offers; ctx: the shell. */
cli_editor_completer cli_shell_complete;

/* ---- shell_sql.c ---- */

typedef entrasql_status cli_shell_query(es_buf *out, const char *argument);

/*
 * The T-SQL of a shortcut. Arguments become string literals, never names: NAME is what OBJECT_ID()
 * takes, PATTERN is [SCHEMA.]NAME with * and ?; "" for none.
 */
cli_shell_query cli_shell_sql_databases, cli_shell_sql_tables, cli_shell_sql_views,
    cli_shell_sql_routines, cli_shell_sql_schemas, cli_shell_sql_users, cli_shell_sql_object,
    cli_shell_sql_definition, cli_shell_sql_connection;

#endif
