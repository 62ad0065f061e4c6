/* SPDX-License-Identifier: MIT */
/* What the words of entrasql migrate share. */
#ifndef CLI_CMD_MIGRATE_H
#define CLI_CMD_MIGRATE_H

#include "cli/cli.h"
#include "cli/option_file.h"
#include "migrate/plan.h"

typedef struct cli_migration {
    const cli_terminal *t;
    conf_args args;
    bool json;
    cli_option_file file;
    migrate_options options;
    migrate_journal *source; /* whose options these are; NULL: the command line's */
    entrasql_credential *credential;
    migrate_context m;
    char path[4096];       /* of the journal */
    char typed[4096];      /* a file name that the person typed */
    char kept[4096];       /* the file of --keep-old, its whole path */
    const char *last_what; /* of the progress that was shown last */
    int64_t last_ms;
} cli_migration;

typedef entrasql_status cli_migration_work(cli_migration *c, entrasql_error *err);

/* Parses, works with signals caught, reports, cleans up. Returns the exit code. */
int cli_migration_run(const cli_terminal *t, const conf_command *command, cli_migration_work *work,
                      int argc, char **argv);
/* The credential of the options. */
entrasql_status cli_migration_credential(cli_migration *c, entrasql_error *err) ES_MUST_USE;
/* Options, credential, Azure. */
entrasql_status cli_migration_open(cli_migration *c, entrasql_error *err) ES_MUST_USE;
/* Opens the journal of the options when there is one; INVALID when it is of others. */
entrasql_status cli_migration_journal(cli_migration *c, bool to_write,
                                      entrasql_error *err) ES_MUST_USE;

#endif
