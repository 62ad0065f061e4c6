/* SPDX-License-Identifier: MIT */
/* The program: global options, and which command gets the rest of the line. */
#include "cli/cli.h"

#include "base/log.h"
#include "base/str.h"
#include "emulator/emulator.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static const cli_command commands[] = {
    {"token", "get an access token as a program here would get it", cli_token},
    {"login", "sign in once, for all programs that use DefaultAzureCredential", cli_login},
    {"logout", "forget a sign-in", cli_logout},
    {"accounts", "who is signed in", cli_accounts},
    {"query", "run SQL with a token, without a password or an ODBC driver", cli_query},
    {"migrate", "an application on Azure from a password to an identity", cli_migrate},
    {"user", "Entra users of a database: add, list, remove, repair", cli_user},
    {"proxy", "let programs that know no tokens connect without a secret", cli_proxy},
    {"connstr", "connection strings: what they mean, and without their passwords", cli_connstr},
    {"doctor", "which link to the database fails, and what mends it", cli_doctor},
    {"explain", "what an error number means", cli_explain},
    {"completion", "command lines completed by the shell", cli_completion},
    {"manual", "write the manual pages", cli_manual},
    {"odbc", "register the ODBC driver, and see what it stands on", cli_odbc},
    {"emulator", "Entra ID, managed identities and Azure SQL on this machine", cli_emulator},
};

static const conf_option global_options[] = {
    {.name = "log-level",
     .type = CONF_OPTION_CHOICE,
     .choices = "none|error|warning|info|debug|trace",
     .help = "what to log on standard error"},
    {.name = "log-format", .type = CONF_OPTION_CHOICE, .choices = "text|json", .help = "its form"},
    {.name = "version", .type = CONF_OPTION_FLAG, .help = "show the version and end"},
    CLI_OPTION_HELP,
    {0},
};

static const conf_command program = {
    .name = "entrasql",
    .summary = "Passwordless connections to Azure SQL with Microsoft Entra tokens.",
    .positionals = "<command> [...]",
    .stops_at_positional = true,
    .options = global_options,
};

static int usage(const cli_terminal *t)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(4096);
    conf_command with_notes = program;

    if (es_buf_add_str(&text, "Commands:\n") != ENTRASQL_OK ||
        cli_list_commands(commands, ES_COUNT_OF(commands), &text) != ENTRASQL_OK ||
        es_buf_add_str(
            &text, "\n\n`entrasql <command> --help` says more. ENTRASQL_LOG=level[,json] in the\n"
                   "environment does what the log options do. The exit code is 0, or the kind of\n"
                   "the error: 2 usage, 3 no token, 4 login refused, 5 network, 6 TLS, 7 broken\n"
                   "peer, 8 SQL, 9 try again, 10 system, 11 cancelled, 1 a defect.") != ENTRASQL_OK)
        return (int)ENTRASQL_CLASS_SYSTEM;
    with_notes.notes = es_buf_cstr(&text);
    return cli_is_visit(t, &with_notes) ? 0 : cli_help(t, &with_notes);
}

entrasql_status cli_visit_all(cli_visitor *visitor, void *ctx)
{
    cli_visit visit = {.visitor = visitor, .ctx = ctx};
    cli_terminal t;

    cli_terminal_init(&t);
    t.visit = &visit;
    (void)usage(&t);
    cli_visit_words(&t, commands, ES_COUNT_OF(commands));
    return visit.status;
}

static entrasql_status set_log(const char *level_text, bool json, entrasql_error *err)
{
    es_log_level level = ES_LOG_WARNING;
    if (level_text != NULL && es_log_level_parse(level_text, &level) != ENTRASQL_OK)
        return es_fail(err, ENTRASQL_CONFIG,
                       "ENTRASQL_LOG is not of the form level[,json] with one of the levels none, "
                       "error, warning, info, debug, trace");
    es_log_setup(level, json ? ES_LOG_JSON : ES_LOG_TEXT, STDERR_FILENO);
    return ENTRASQL_OK;
}

/* The options win over ENTRASQL_LOG. */
static entrasql_status start_log(const conf_args *args, entrasql_error *err)
{
    char level[16] = "";
    bool json = false;
    const char *env = getenv("ENTRASQL_LOG");
    if (env != NULL && *env != '\0') {
        size_t n = strcspn(env, ",");
        json = es_strcaseeq(env + n, ",json");
        if (n >= sizeof level || (env[n] != '\0' && !json && !es_strcaseeq(env + n, ",text")))
            return set_log("", false, err);
        memcpy(level, env, n);
    }
    const char *option = conf_args_text(args, "log-level");
    const char *format = conf_args_text(args, "log-format");
    if (format != NULL)
        json = es_streq(format, "json");
    return set_log(option != NULL ? option : level[0] != '\0' ? level : NULL, json, err);
}

/* Tokens and passwords are in memory: no core file. Writing to a closed pipe is an ordinary error.
 */
static void harden_process(void)
{
    const struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)signal(SIGPIPE, SIG_IGN);
}

static int run_command(const cli_terminal *t, int argc, char **argv)
{
    entrasql_error err;

    if (argc == 0) {
        es_fail(&err, ENTRASQL_INVALID, "no command was given");
        es_hint(&err, "entrasql --help lists the commands");
        return cli_report(t, &err);
    }
    for (size_t i = 0; i < ES_COUNT_OF(commands); i++) {
        if (es_streq(argv[0], commands[i].name))
            return commands[i].run(t, argc - 1, argv + 1);
    }
    char shown[80];
    es_printable(shown, sizeof shown, argv[0], strlen(argv[0]));
    es_fail(&err, ENTRASQL_INVALID, "'%s' is no command of entrasql", shown);
    es_hint(&err, "entrasql --help lists the commands");
    return cli_report(t, &err);
}

int main(int argc, char **argv)
{
    cli_terminal t;
    conf_args args;
    entrasql_error err;

    if (argc > 0 && emulator_is_tool(argv[0]))
        return emulator_tool_main(argc, argv);
    cli_terminal_init(&t);
    harden_process();
    int skip = argc > 0 ? 1 : 0;
    if (conf_args_parse(&program, argc - skip, argv + skip, &args, &err) != ENTRASQL_OK)
        return cli_report(&t, &err);
    if (conf_args_flag(&args, "help"))
        return usage(&t);
    if (conf_args_flag(&args, "version")) {
        (void)fprintf(t.out, "entrasql %s\n", entrasql_version());
        return 0;
    }
    if (start_log(&args, &err) != ENTRASQL_OK)
        return cli_report(&t, &err);
    return run_command(&t, argc - skip - args.used, argv + skip + args.used);
}
