/* SPDX-License-Identifier: MIT */
/* What the words of `entrasql emulator` share. */
#ifndef CLI_CMD_EMULATOR_H
#define CLI_CMD_EMULATOR_H

#include "cli/cli.h"

#define CLI_EMULATOR_OUTPUT_MAX_BYTES (8 * 1024 * 1024)

#define CLI_EMULATOR_OPTION_DATA_DIR                                                               \
    {                                                                                              \
        .name = "data-dir", .type = CONF_OPTION_FILE, .value_name = "DIR",                         \
        .help = "its state (default: ~/.local/state/entrasql/emulator)"                            \
    }

#define CLI_EMULATOR_OPTION_JSON                                                                   \
    {                                                                                              \
        .name = "json", .type = CONF_OPTION_FLAG, .help = "print JSON"                             \
    }

/* Finds the data directory of any of the words. Freed by the caller. */
entrasql_status cli_emulator_data_dir(const conf_args *args, char **ret,
                                      entrasql_error *err) ES_MUST_USE;

/* cmd_emulator_objects.c */
int cli_emulator_user(const cli_terminal *t, int argc, char **argv);
int cli_emulator_group(const cli_terminal *t, int argc, char **argv);
int cli_emulator_app(const cli_terminal *t, int argc, char **argv);
int cli_emulator_identity(const cli_terminal *t, int argc, char **argv);
int cli_emulator_database(const cli_terminal *t, int argc, char **argv);
int cli_emulator_server(const cli_terminal *t, int argc, char **argv);
/* cmd_emulator_right.c */
int cli_emulator_right(const cli_terminal *t, int argc, char **argv);
/* cmd_emulator_control.c */
int cli_emulator_fault(const cli_terminal *t, int argc, char **argv);
int cli_emulator_token(const cli_terminal *t, int argc, char **argv);
int cli_emulator_reset(const cli_terminal *t, int argc, char **argv);
int cli_emulator_seed(const cli_terminal *t, int argc, char **argv);
int cli_emulator_status(const cli_terminal *t, int argc, char **argv);

#endif
