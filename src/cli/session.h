/* SPDX-License-Identifier: MIT */
/*
 * A connection on which people's SQL runs: batches with their results and
 * messages printed, Ctrl-C as a wish to stop the statement. One session a
 * process, since a signal has no other way to find it; one thread.
 */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include "cli/batch.h"
#include "cli/cli.h"
#include "cli/connect.h"
#include "cli/result.h"

typedef struct cli_session {
    const cli_terminal *t;
    cli_connector connector;
    sql_conn *conn; /* NULL: not connected */
    cli_result result;
    uint32_t timeout_ms;      /* of a batch; 0: none */
    bool is_shell;            /* Ctrl-C never ends the program */
    entrasql_error print_err; /* of a callback that ended a batch */
} cli_session;

/* Signs in, in place of the connection that may be there; that one stays when it fails. */
entrasql_status cli_session_connect(cli_session *s, entrasql_error *err) ES_MUST_USE;
void cli_session_done(cli_session *s);

/*
 * Runs one batch. SQL_ERROR: the server's messages were shown, and the hint of the catalogue is in
 * the record.
 */
entrasql_status cli_session_run(cli_session *s, const char *text, entrasql_error *err) ES_MUST_USE;
/* What was collected, if it is not empty, and begins the next batch. */
entrasql_status cli_session_run_collected(cli_session *s, cli_batch *batch, uint32_t times,
                                          entrasql_error *err) ES_MUST_USE;
/* A whole text with GO lines; the first batch that fails ends it. */
entrasql_status cli_session_run_text(cli_session *s, const char *text, size_t n,
                                     entrasql_error *err) ES_MUST_USE;
/* The same for a file; INVALID and the class USAGE when it cannot be opened. */
entrasql_status cli_session_run_file(cli_session *s, const char *path,
                                     entrasql_error *err) ES_MUST_USE;

/* Reads a file, or what `f` still gives, up to the longest script. */
entrasql_status cli_read_script(const char *path, es_buf *ret, entrasql_error *err) ES_MUST_USE;
entrasql_status cli_read_stream(FILE *f, const char *name, es_buf *ret,
                                entrasql_error *err) ES_MUST_USE;
#define CLI_SCRIPT_MAX_BYTES (CLI_BATCH_MAX_BYTES + 65536)

/* Ctrl-C, for the prompt: whether it came since the last call of _forget_interrupt. */
bool cli_session_was_interrupted(void);
void cli_session_forget_interrupt(void);
/* Lets Ctrl-C be noted, from now on, instead of ending the program. */
void cli_session_catch_interrupts(void);

#endif
