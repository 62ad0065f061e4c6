/* SPDX-License-Identifier: MIT */
/*
 * What was typed at the prompt so far: whether it can run, or what it still
 * waits for.
 *
 * T-SQL's statements need no semicolon, and one may stand inside of a block, so
 * no rule is exact. This one runs at a semicolon that ends a line, unless
 * something is open, or the text is of a kind whose parts belong into one batch
 * (DECLARE, and the body of a procedure, function or trigger): that waits for
 * GO. Pure.
 */
#ifndef CLI_STATEMENT_H
#define CLI_STATEMENT_H

#include "cli/batch.h"

typedef enum cli_statement_state {
    CLI_STATEMENT_READY, /* ends with a semicolon, nothing is open */
    CLI_STATEMENT_OPEN,  /* waits for a semicolon */
    CLI_STATEMENT_STRING,
    CLI_STATEMENT_QUOTED,
    CLI_STATEMENT_BRACKET,
    CLI_STATEMENT_COMMENT,
    CLI_STATEMENT_PAREN,
    CLI_STATEMENT_BLOCK, /* BEGIN or CASE without its END */
    CLI_STATEMENT_GO     /* waits for GO */
} cli_statement_state;

/* After a line was taken into the batch. */
cli_statement_state cli_statement_look(const cli_batch *b);
/* What stands at the end of the prompt's name: "> ", "-> ", "'> ", " go> " and so on. Static
 * storage. */
const char *cli_statement_prompt(cli_statement_state state);
/* The same in words, "waits for a semicolon or GO". Static storage. */
const char *cli_statement_words(cli_statement_state state);

#endif
