/* SPDX-License-Identifier: MIT */
/* What a person hands in: a file, standard input, a variable. */
#ifndef CLI_INPUT_H
#define CLI_INPUT_H

#include "base/error.h"

/*
 * What became of reading it. LIMIT, which else is a peer's doing, is a mistake
 * of usage here, and gets the hint.
 */
entrasql_status cli_input_status(entrasql_status status, const char *hint,
                                 entrasql_error *err) ES_MUST_USE;

#endif
