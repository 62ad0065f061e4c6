/* SPDX-License-Identifier: MIT */
/* What somebody meant who gave a word or an option that a command does not know. One thread. */
#ifndef CLI_SUGGEST_H
#define CLI_SUGGEST_H

#include "cli/cli.h"

/* Adds to the hint of a failed conf_args_parse() which commands know its unknown option. */
void cli_suggest_option(const conf_command *command, const char *unknown, entrasql_error *err);

/* INVALID: the word is none of the parent's ("entrasql emulator"); the hint has the one meant. */
entrasql_status cli_refuse_word(const char *parent, const char *word, const cli_command *words,
                                size_t count, entrasql_error *err);

/*
 * INVALID: a word of the command line that is one of "add|list|remove"; NULL or empty: it is
 * missing. where: "entrasql emulator user".
 */
entrasql_status cli_refuse_choice(const char *where, const char *choices, const char *word,
                                  entrasql_error *err);

#endif
