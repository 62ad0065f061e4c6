/* SPDX-License-Identifier: MIT */
/* The program: global options, and which command gets the rest of the line. */
#include "cli/cli.h"

#include "base/log.h"
#include "base/str.h"
#include "cli/suggest.h"
#include "cli/tree.h"
#include "conf/exit_code.h"
#include "emulator/emulator.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static int help(const cli_terminal *t, int argc, char **argv);

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
    {"help", "the help of a command", help},
    {"version", "the versions of the program and its libraries", cli_version},
};

static const conf_option global_options[] = {
    {.name = "log-level",
     .type = CONF_OPTION_CHOICE,
     .choices = "none|error|warning|info|debug|trace",
     .help = "what to log on standard error"},
    {.name = "log-format", .type = CONF_OPTION_CHOICE, .choices = "text|json", .help = "its form"},
    {.name = "version",
     .short_name = 'V',
     .type = CONF_OPTION_FLAG,
     .help = "show the versions of the program and its libraries, and end"},
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

static entrasql_status add_exit_codes(es_buf *out)
{
    ES_TRY(es_buf_add_str(out, "Exit codes:"));
    for (size_t i = 0; i < conf_exit_code_count; i++)
        ES_TRY(es_buf_printf(out, "\n  %-4d  %s", conf_exit_codes[i].code,
                             conf_exit_codes[i].meaning));
    return ENTRASQL_OK;
}

static entrasql_status add_notes(es_buf *out)
{
    ES_TRY(es_buf_add_str(out, "Commands:\n"));
    ES_TRY(cli_list_commands(commands, ES_COUNT_OF(commands), out));
    ES_TRY(es_buf_add_str(out,
                          "\n\n`entrasql help COMMAND` says more. ENTRASQL_LOG=level[,json] in\n"
                          "the environment does what the log options do.\n\n"));
    return add_exit_codes(out);
}

static int usage(const cli_terminal *t)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(8192);
    conf_command with_notes = program;

    if (add_notes(&text) != ENTRASQL_OK)
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

/*
 * The standard streams are open, so that no file or socket takes their numbers and gets what is
 * meant for a person. One that was closed fails when it is used: it is opened the wrong way around.
 */
static void hold_standard_streams(void)
{
    static const int modes[] = {O_WRONLY, O_RDONLY, O_RDWR};
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0)
            (void)open("/dev/null", modes[fd]); /* NOLINT(android-cloexec-open): as any stream */
    }
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
    (void)cli_refuse_word("entrasql", argv[0], commands, ES_COUNT_OF(commands), &err);
    return cli_report(t, &err);
}

/* ---- help ---- */

static const conf_option help_options[] = {CLI_OPTION_HELP, {0}};

static const conf_command help_command = {
    .name = "entrasql help",
    .summary = "Shows the help of a command, as its --help does.",
    .positionals = "[COMMAND [WORD]]",
    .max_positionals = CONF_POSITIONALS_MAX,
    .options = help_options,
    .notes = "  entrasql help\n"
             "  entrasql help emulator start",
};

/* How many of the words lead to a command; a wrong one is counted where one is expected. */
static int count_words(const cli_tree *tree, const conf_args *args)
{
    const conf_command *at = &tree->commands[0];
    unsigned n = 0;
    while (n < args->positional_count) {
        const conf_command *next = cli_tree_find_word(tree, at, args->positionals[n]);
        if (next == NULL)
            return (int)n + (cli_tree_has_words(tree, at) ? 1 : 0);
        at = next;
        n++;
    }
    return (int)n;
}

static int help(const cli_terminal *t, int argc, char **argv)
{
    static char help_option[] = "--help";
    char *line[CONF_POSITIONALS_MAX + 1] = {0};
    conf_args args;
    entrasql_error err;
    int exit_code = 0;

    if (!cli_parse(t, &help_command, argc, argv, &args, &exit_code))
        return exit_code;
    if (args.positional_count == 0)
        return usage(t);
    const cli_tree *tree = cli_tree_whole();
    if (tree == NULL) {
        es_fail(&err, ENTRASQL_LIMIT, "the commands cannot be listed");
        return cli_report(t, &err);
    }
    int count = count_words(tree, &args);
    memcpy(line, args.positionals, (size_t)count * sizeof *line); /* they are argv's own */
    line[count] = help_option;
    return run_command(t, count + 1, line);
}

/* ---- main ---- */

int main(int argc, char **argv)
{
    cli_terminal t;
    conf_args args;
    entrasql_error err;

    hold_standard_streams();
    if (argc > 0 && emulator_is_tool(argv[0]))
        return emulator_tool_main(argc, argv);
    cli_terminal_init(&t);
    harden_process();
    int skip = argc > 0 ? 1 : 0;
    if (cli_parse_only(&program, argc - skip, argv + skip, &args, &err) != ENTRASQL_OK)
        return cli_report(&t, &err);
    if (conf_args_flag(&args, "help"))
        return usage(&t);
    if (conf_args_flag(&args, "version"))
        return cli_show_version(&t);
    if (start_log(&args, &err) != ENTRASQL_OK)
        return cli_report(&t, &err);
    return run_command(&t, argc - skip - args.used, argv + skip + args.used);
}
