/* SPDX-License-Identifier: MIT */
/*
 * Options from a file: a line "name = value" for each, as on the command
 * line without the dashes; flags are "name = yes" or "no". Lines that are
 * empty, or begin with '#', ';' or '[', do not count. Each option is given once; what the command
 * line says wins.
 */
#ifndef CLI_OPTION_FILE_H
#define CLI_OPTION_FILE_H

#include "conf/option.h"

typedef struct cli_option_file {
    char **argv; /* "--name=value" ..., then those of the command line */
    int argc;
    int own; /* how many are of the file, and freed */
} cli_option_file;

/* CONFIG with the line; what the file names is checked when argv is parsed. */
entrasql_status cli_option_file_read(const conf_command *command, const char *path, int argc,
                                     char **argv, cli_option_file *ret,
                                     entrasql_error *err) ES_MUST_USE;
/* The same from memory; `name` for messages. */
entrasql_status cli_option_file_parse(const conf_command *command, const char *name,
                                      const char *text, size_t n, int argc, char **argv,
                                      cli_option_file *ret, entrasql_error *err) ES_MUST_USE;
void cli_option_file_done(cli_option_file *f);

#endif
