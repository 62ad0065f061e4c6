/* SPDX-License-Identifier: MIT */
/* entrasql proxy wait, entrasql proxy shutdown: a running proxy is asked. */
#include "cli/cli.h"

#include "proxy/control.h"
#include "proxy/options.h"

#define OPTION_HTTP                                                                                \
    {                                                                                              \
        .name = "http", .type = CONF_OPTION_TEXT, .value_name = "HOST:PORT",                       \
        .default_value = "127.0.0.1:9090", .help = "where the proxy serves its health paths"       \
    }

static const conf_option wait_options[] = {
    OPTION_HTTP,
    {.name = "for",
     .type = CONF_OPTION_CHOICE,
     .choices = "startup|readiness|liveness",
     .default_value = "startup",
     .help = "what to wait for"},
    {.name = "timeout",
     .type = CONF_OPTION_NUMBER,
     .value_name = "SECONDS",
     .default_value = "30",
     .min = 1,
     .max = 86400,
     .help = "how long"},
    CLI_OPTION_HELP,
    {0},
};

static const conf_command wait_command = {
    .name = "entrasql proxy wait",
    .summary = "Waits until the proxy is there.",
    .options = wait_options,
    .variables = PROXY_VARIABLES,
    .notes =
        "The exit code is 0 when it is, 9 when the time is over. It asks the path /startup (or\n"
        "the one of --for), which the proxy serves when it has --http.",
};

int cli_proxy_wait(const cli_terminal *t, int argc, char **argv)
{
    conf_args args;
    entrasql_error err;
    char path[32];
    int exit_code = 0;

    if (!cli_parse(t, &wait_command, argc, argv, &args, &exit_code))
        return exit_code;
    if (conf_args_read_environment(&args, &err) != ENTRASQL_OK)
        return cli_report(t, &err);
    (void)snprintf(path, sizeof path, "/%s", conf_args_text(&args, "for"));
    if (proxy_control_wait(conf_args_text(&args, "http"), path,
                           (int64_t)conf_args_number(&args, "timeout") * 1000, &err) != ENTRASQL_OK)
        return cli_report(t, &err);
    return 0;
}

static const conf_option shutdown_options[] = {
    OPTION_HTTP,
    {.name = "timeout",
     .type = CONF_OPTION_NUMBER,
     .value_name = "SECONDS",
     .default_value = "10",
     .min = 1,
     .max = 3600,
     .help = "how long its answer may take"},
    CLI_OPTION_HELP,
    {0},
};

static const conf_command shutdown_command = {
    .name = "entrasql proxy shutdown",
    .summary = "Tells the proxy of this machine to end, as SIGTERM would.",
    .options = shutdown_options,
    .variables = PROXY_VARIABLES,
    .notes =
        "The proxy has to run with --http and --http-quit. Its sessions may go on for as long as\n"
        "its --drain says.",
};

int cli_proxy_shutdown(const cli_terminal *t, int argc, char **argv)
{
    conf_args args;
    entrasql_error err;
    int exit_code = 0;

    if (!cli_parse(t, &shutdown_command, argc, argv, &args, &exit_code))
        return exit_code;
    if (conf_args_read_environment(&args, &err) != ENTRASQL_OK)
        return cli_report(t, &err);
    if (proxy_control_shutdown(conf_args_text(&args, "http"),
                               (int64_t)conf_args_number(&args, "timeout") * 1000,
                               &err) != ENTRASQL_OK)
        return cli_report(t, &err);
    return 0;
}
