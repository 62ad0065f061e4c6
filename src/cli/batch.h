/* SPDX-License-Identifier: MIT */
/*
 * Splitting a script into batches at its GO lines.
 *
 * GO is no SQL: it is a word for the program, alone on its line, perhaps with
 * a count. It is not seen inside strings, quoted names and comments, which may
 * go over many lines. One thread.
 */
#ifndef CLI_BATCH_H
#define CLI_BATCH_H

#include "base/buf.h"
#include "base/error.h"

#define CLI_BATCH_MAX_BYTES (64U * 1024 * 1024)
#define CLI_GO_MAX_COUNT 100000

typedef enum cli_batch_mode {
    CLI_BATCH_PLAIN,
    CLI_BATCH_STRING,  /* '...' */
    CLI_BATCH_QUOTED,  /* "..." */
    CLI_BATCH_BRACKET, /* [...] */
    CLI_BATCH_COMMENT  /* slash-star ... star-slash, nested */
} cli_batch_mode;

typedef struct cli_batch {
    es_buf text; /* the batch so far */
    cli_batch_mode mode;
    unsigned comment_depth;
} cli_batch;

void cli_batch_init(cli_batch *b);
void cli_batch_done(cli_batch *b);

/*
 * Takes one line (without its end). *ret_go: 0 when the batch goes on, else
 * how often it is to be run now; then take b->text and call cli_batch_next().
 * INVALID for a bad count after GO, LIMIT, NOMEM.
 */
entrasql_status cli_batch_line(cli_batch *b, const char *line, size_t n, uint32_t *ret_go,
                               entrasql_error *err) ES_MUST_USE;
/* Begins the next batch. */
void cli_batch_next(cli_batch *b);
/* True when there is nothing but white space. */
bool cli_batch_is_empty(const cli_batch *b);

#endif
