/* SPDX-License-Identifier: MIT */
/* What a person hands in: a file, standard input, a variable. */
#ifndef CLI_INPUT_H
#define CLI_INPUT_H

#include "base/buf.h"
#include "base/error.h"

#define CLI_TOKEN_MAX_BYTES (64 * 1024)

/*
 * What became of reading it. LIMIT, which else is a peer's doing, is a mistake
 * of usage here, and gets the hint.
 */
entrasql_status cli_input_status(entrasql_status status, const char *hint,
                                 entrasql_error *err) ES_MUST_USE;
/* Takes away the line end and blanks that editors and echo put behind what it is. */
void cli_input_cut_end(es_buf *text);
/*
 * An access token from a file, without blanks around it, into text, which is empty and wipes.
 * INVALID, naming the file, when it holds something else: nothing, the header's Bearer, JSON,
 * bytes.
 */
entrasql_status cli_read_token(const char *path, es_buf *text, entrasql_error *err) ES_MUST_USE;

#endif
