/* SPDX-License-Identifier: MIT */
/* entrasql version: what a report of a defect should name. */
#include "cli/cli.h"

#include "http/http.h"
#include "tls/tls.h"

#include <sys/utsname.h>

static const conf_option options[] = {CLI_OPTION_HELP, {0}};

static const conf_command command = {
    .name = "entrasql version",
    .summary = "Prints the versions of entrasql and of the libraries that it runs with.",
    .options = options,
    .notes = "`entrasql --version` prints the same. Give it with the report of a defect.",
};

int cli_show_version(const cli_terminal *t)
{
    struct utsname machine = {0};
    (void)uname(&machine);
    return cli_say(t, "entrasql %s\nHTTP    %s\nTLS     %s\nsystem  %s %s %s", entrasql_version(),
                   http_library_versions(), tls_library_version(), machine.sysname, machine.release,
                   machine.machine);
}

int cli_version(const cli_terminal *t, int argc, char **argv)
{
    conf_args args;
    int exit_code = 0;
    if (!cli_parse(t, &command, argc, argv, &args, &exit_code))
        return exit_code;
    return cli_show_version(t);
}
