/* SPDX-License-Identifier: MIT */
/* entrasql query: SQL from the command line, a file, standard input or a prompt. */
#include "cli/cli.h"

#include "base/str.h"
#include "cli/input.h"
#include "cli/session.h"
#include "cli/shell.h"

static const conf_option options[] = {
    CLI_CONNECT_OPTIONS,
    {.name = "query",
     .short_name = 'Q',
     .type = CONF_OPTION_TEXT,
     .value_name = "TEXT",
     .help = "run this text and end"},
    {.name = "input-file",
     .short_name = 'i',
     .type = CONF_OPTION_FILE,
     .value_name = "FILE",
     .help = "run this file and end; GO lines end its batches"},
    {.name = "csv", .type = CONF_OPTION_FLAG, .help = "print CSV (RFC 4180)"},
    {.name = "json",
     .type = CONF_OPTION_FLAG,
     .help = "print JSON: an array of objects a result set"},
    {.name = "expanded",
     .short_name = 'x',
     .type = CONF_OPTION_FLAG,
     .help = "print a line a value, nothing cut"},
    {.name = "no-history",
     .type = CONF_OPTION_FLAG,
     .help = "at the prompt: read and keep no history"},
    {.name = "query-timeout",
     .short_name = 't',
     .type = CONF_OPTION_NUMBER,
     .value_name = "SECONDS",
     .min = 1,
     .max = 65535,
     .help = "how long a batch may take (default: no limit)"},
    CLI_OPTION_HELP,
    {0},
};

/* Options of sqlcmd. */
static const conf_habit habits[] = {
    {'b', "leave it out: the first batch that fails always ends the run, with exit code 8"},
    {'E', "leave it out: there is no Windows sign-in; a Microsoft Entra token is used"},
    {'G', "leave it out: a Microsoft Entra token is always used; --credential chooses whose"},
    {'N', "leave it out: the connection is always encrypted; --encrypt strict is TDS 8.0"},
    {'o', "let the shell do it: entrasql query ... > FILE"},
    {'P',
     "no password in arguments, where others can read it: a SQL login's UID and PWD go into the "
     "connection string in " CLI_CONNECT_VARIABLE},
    {'q', "entrasql query without -Q and -i has a prompt; -Q runs a text and ends"},
    {'s', "--csv separates values by commas, --json names them"},
    {'U',
     "a token names its user: --credential and AZURE_CLIENT_ID choose it; a SQL login's UID and "
     "PWD go into the connection string in " CLI_CONNECT_VARIABLE},
    {'v', "there are no $(NAME) variables: DECLARE @name, or let the shell put values in: "
          "envsubst < FILE | entrasql query"},
    {'W', "--csv or --json print values without blanks around them"},
    {0},
};

static const conf_command command = {
    .name = "entrasql query",
    .summary = "Runs SQL on Azure SQL or SQL Server, signed in with a Microsoft Entra token.",
    .options = options,
    .notes = "Without -Q and -i the SQL is read from standard input, with a prompt on a terminal.\n"
             "Without -S the connection string of " CLI_CONNECT_VARIABLE " says where to\n"
             "connect; if it holds UID and PWD, that SQL login is used in place of a token.\n"
             "The first batch that fails ends the run with exit code 8.\n"
             "\n"
             "At the prompt a line that ends in ; runs what was typed, as in psql. A DECLARE, and\n"
             "a procedure, function or trigger, ends with a line GO, as in sqlcmd; GO N runs it N\n"
             "times. Ctrl-C cancels the running statement and gives up what was typed, Ctrl-D\n"
             "ends. \\? lists the shortcuts. On a terminal wide values are cut to fit.\n"
             "Statements are kept in $XDG_STATE_HOME/entrasql/query_history (else below\n"
             "~/.local/state), but for those that begin with a blank or seem to hold a secret.",
    .habits = habits,
};

/* The SQL from -Q, -i or a pipe. */
static entrasql_status read_source(const cli_terminal *t, const conf_args *args, es_buf *ret,
                                   entrasql_error *err)
{
    const char *query = conf_args_text(args, "query");
    const char *file = conf_args_text(args, "input-file");

    if (query != NULL && file != NULL)
        return es_fail(err, ENTRASQL_INVALID, "-Q and -i exclude each other");
    if (query != NULL)
        return es_buf_add_str(ret, query) == ENTRASQL_OK
                   ? ENTRASQL_OK
                   : cli_input_status(es_fail(err, ENTRASQL_LIMIT, "the text after -Q is too long"),
                                      "put it into a file and run that by -i, in parts", err);
    if (file != NULL && !es_streq(file, "-"))
        return cli_read_script(file, ret, err);
    return cli_read_stream(t->in, "standard input", ret, err);
}

/* SQL Server's own messages were printed already; what is left to say is the exit code. */
static int finish(const cli_session *s, entrasql_status status, const entrasql_error *err)
{
    if (status == ENTRASQL_OK)
        return cli_end(s->t, 0);
    if (status == ENTRASQL_SQL_ERROR) {
        cli_report_hint(s->t, err);
        return (int)ENTRASQL_CLASS_SQL;
    }
    return cli_report(s->t, err);
}

static int run_source(const conf_args *args, cli_session *s)
{
    ES_CLEANUP(es_buf_done) es_buf source = ES_BUF_INIT(CLI_SCRIPT_MAX_BYTES);
    entrasql_error err;

    bool is_prompt = conf_args_text(args, "query") == NULL &&
                     conf_args_text(args, "input-file") == NULL && s->t->in_is_terminal;
    if (!is_prompt && read_source(s->t, args, &source, &err) != ENTRASQL_OK)
        return cli_report(s->t, &err);
    if (cli_connector_init(args, &s->connector, &err) != ENTRASQL_OK ||
        cli_session_connect(s, &err) != ENTRASQL_OK)
        return cli_report(s->t, &err);
    if (is_prompt)
        return cli_shell_run(s, !conf_args_flag(args, "no-history"));
    s->result.cut_note = "cut to fit the terminal; --expanded shows all";
    entrasql_status status = cli_session_run_text(s, (const char *)source.data, source.len, &err);
    return finish(s, status, &err);
}

int cli_query(const cli_terminal *t, int argc, char **argv)
{
    cli_session s = {.t = t};
    conf_args args;
    entrasql_error err;
    int exit_code = 0;

    if (!cli_parse(t, &command, argc, argv, &args, &exit_code))
        return exit_code;
    bool csv = conf_args_flag(&args, "csv");
    bool json = conf_args_flag(&args, "json");
    if (csv && json) {
        es_fail(&err, ENTRASQL_INVALID, "--csv and --json exclude each other");
        return cli_report(t, &err);
    }
    s.timeout_ms = conf_args_number(&args, "query-timeout") * 1000;
    cli_result_init(&s.result,
                    csv    ? CLI_RESULT_CSV
                    : json ? CLI_RESULT_JSON
                           : CLI_RESULT_TABLE,
                    t->out, t->out_is_terminal);
    s.result.has_colour = t->out_has_colour;
    if (conf_args_flag(&args, "expanded"))
        s.result.layout = CLI_RESULT_VERTICAL;
    exit_code = run_source(&args, &s);
    cli_session_done(&s);
    return exit_code;
}
