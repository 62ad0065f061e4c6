/* SPDX-License-Identifier: MIT */
/* entrasql query: SQL from the command line, a file, standard input or a prompt. */
#include "cli/cli.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/utf16.h"
#include "cli/batch.h"
#include "cli/connect.h"
#include "cli/result.h"
#include "cli/text.h"
#include "sql/sql.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES (16U * 1024 * 1024)

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
    {.name = "json", .type = CONF_OPTION_FLAG, .help = "print JSON: an array of objects a result"},
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

static const conf_command command = {
    .name = "entrasql query",
    .summary = "Runs SQL on Azure SQL or SQL Server, signed in with a Microsoft Entra token.",
    .options = options,
    .notes = "Without -Q and -i the SQL is read from standard input, with a prompt on a terminal.\n"
             "Without -S the connection string of " CLI_CONNECT_VARIABLE " says where to\n"
             "connect; if it holds UID and PWD, that SQL login is used in place of a token.\n"
             "The first batch that fails ends the run with exit code 8.",
};

typedef struct session {
    const cli_terminal *t;
    sql_conn *conn;
    cli_result result;
    uint32_t timeout_ms;
    entrasql_error print_err; /* of a callback that ended a batch */
} session;

static entrasql_status open_session(const conf_args *args, session *s, entrasql_error *err)
{
    return cli_connect(args, NULL, &s->conn, err);
}

/* ---- what the server sends ---- */

static entrasql_status on_columns(void *ctx, const sql_column *columns, size_t count)
{
    session *s = ctx;
    ES_CLEANUP(es_cleanup_free) const char **names = es_calloc(count + 1, sizeof *names);
    ES_CLEANUP(es_cleanup_free) sqltype *types = es_calloc(count + 1, sizeof *types);

    if (names == NULL || types == NULL)
        return es_nomem(&s->print_err);
    for (size_t i = 0; i < count; i++) {
        names[i] = columns[i].name;
        types[i] = columns[i].type;
    }
    return cli_result_begin(&s->result, names, types, count, &s->print_err);
}

static entrasql_status on_row(void *ctx, const sqlvalue *values, size_t count)
{
    session *s = ctx;
    return cli_result_row(&s->result, values, count, &s->print_err);
}

static entrasql_status on_done(void *ctx, bool has_count, uint64_t rows)
{
    session *s = ctx;
    ES_TRY(cli_result_end(&s->result, &s->print_err));
    if (!has_count)
        return ENTRASQL_OK;
    return cli_result_affected(&s->result, rows, &s->print_err);
}

/*
 * Errors go to standard error. PRINT and other notes are part of a table's
 * text, and beside what other programs read.
 */
static entrasql_status on_message(void *ctx, const sql_message *m)
{
    session *s = ctx;
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(256 * 1024);
    bool is_error = m->severity > 10;
    FILE *to = is_error || s->result.form != CLI_RESULT_TABLE ? s->t->err : s->t->out;
    cli_text_form form = s->t->out_is_terminal || is_error ? CLI_TEXT_PRINTABLE : CLI_TEXT_RAW;
    entrasql_status status = ENTRASQL_OK;

    (void)fflush(s->t->out);
    if (is_error) {
        status = es_buf_printf(&text, "Msg %u, Level %u, State %u, ", (unsigned)m->number,
                               (unsigned)m->severity, (unsigned)m->state);
        if (status == ENTRASQL_OK && !es_str_is_empty(m->procedure)) {
            status = es_buf_add_str(&text, "Procedure ");
            if (status == ENTRASQL_OK)
                status = cli_text_add(&text, m->procedure, strlen(m->procedure), CLI_TEXT_LINE);
            if (status == ENTRASQL_OK)
                status = es_buf_add_str(&text, ", ");
        }
        if (status == ENTRASQL_OK)
            status = es_buf_printf(&text, "Line %u\n", (unsigned)m->line);
    }
    if (status == ENTRASQL_OK)
        status = cli_text_add(&text, m->text, strlen(m->text), form);
    if (status == ENTRASQL_OK)
        status = es_buf_u8(&text, '\n');
    if (status != ENTRASQL_OK)
        return es_fail(&s->print_err, status, "a message of the server cannot be shown");
    (void)fwrite(text.data, 1, text.len, to);
    (void)fflush(to);
    return ENTRASQL_OK;
}

/* ---- running ---- */

/* The connection that Ctrl-C cancels; a second one ends the program. */
static sql_conn *volatile running;

static void on_interrupt(int number)
{
    sql_conn *conn = running;
    if (conn != NULL)
        sql_cancel(conn);
    (void)signal(number, SIG_DFL);
}

static void catch_interrupt(sql_conn *conn)
{
    struct sigaction action = {.sa_handler = conn != NULL ? on_interrupt : SIG_DFL};
    running = conn;
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
}

static entrasql_status run_batch(session *s, const char *text, entrasql_error *err)
{
    const sql_handler handler = {
        .ctx = s,
        .columns = on_columns,
        .row = on_row,
        .done = on_done,
        .message = on_message,
    };
    es_error_clear(&s->print_err);
    catch_interrupt(s->conn);
    entrasql_status status = sql_batch(s->conn, text, &handler, s->timeout_ms, err);
    catch_interrupt(NULL);
    entrasql_error end_err;
    entrasql_status end_status = cli_result_end(&s->result, &end_err);
    if (s->print_err.status != ENTRASQL_OK) {
        *err = s->print_err;
        return err->status;
    }
    if (status == ENTRASQL_OK && end_status != ENTRASQL_OK) {
        *err = end_err;
        return end_status;
    }
    return status;
}

static entrasql_status run_collected(session *s, cli_batch *batch, uint32_t times,
                                     entrasql_error *err)
{
    entrasql_status status = ENTRASQL_OK;
    if (!cli_batch_is_empty(batch)) {
        const char *text = es_buf_cstr(&batch->text);
        if (text == NULL)
            return es_nomem(err);
        for (uint32_t i = 0; i < times && status == ENTRASQL_OK; i++)
            status = run_batch(s, text, err);
    }
    cli_batch_next(batch);
    return status;
}

/* A whole text, from memory. */
static entrasql_status run_text(session *s, const char *text, size_t n, entrasql_error *err)
{
    ES_CLEANUP(cli_batch_done) cli_batch batch;
    uint32_t times = 0;

    cli_batch_init(&batch);
    if (!es_utf8_is_valid(text, n)) {
        es_fail(err, ENTRASQL_INVALID, "the SQL text is not UTF-8");
        es_hint(err, "iconv converts other encodings: iconv -f UTF-16 -t UTF-8 FILE");
        return ENTRASQL_INVALID;
    }
    if (memchr(text, '\0', n) != NULL)
        return es_fail(err, ENTRASQL_INVALID, "the SQL text holds a NUL character");
    if (n >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
        text += 3; /* a byte order mark */
        n -= 3;
    }
    while (n != 0) {
        const char *end = memchr(text, '\n', n);
        size_t length = end != NULL ? (size_t)(end - text) : n;
        size_t shown = length != 0 && text[length - 1] == '\r' ? length - 1 : length;
        ES_TRY(cli_batch_line(&batch, text, shown, &times, err));
        if (times != 0)
            ES_TRY(run_collected(s, &batch, times, err));
        text += end != NULL ? length + 1 : length;
        n -= end != NULL ? length + 1 : length;
    }
    return run_collected(s, &batch, 1, err);
}

static entrasql_status read_all(FILE *f, const char *name, es_buf *ret, entrasql_error *err)
{
    for (;;) {
        uint8_t *room = NULL;
        entrasql_status status = es_buf_prepare(ret, 65536, &room);
        if (status == ENTRASQL_LIMIT)
            return es_fail(err, ENTRASQL_LIMIT, "%s is longer than %u MiB", name,
                           CLI_BATCH_MAX_BYTES / 1024 / 1024);
        if (status != ENTRASQL_OK)
            return es_nomem(err);
        size_t n = fread(room, 1, 65536, f);
        es_buf_commit(ret, n);
        if (ferror(f))
            return es_fail_errno(err, errno, "cannot read %s", name);
        if (n == 0)
            return ENTRASQL_OK;
    }
}

static entrasql_status read_file(const char *path, es_buf *ret, entrasql_error *err)
{
    char shown[300];
    es_printable(shown, sizeof shown, path, strlen(path));
    FILE *f = fopen(path, "re");
    if (f == NULL) {
        es_fail_errno(err, errno, "cannot open '%s'", shown);
        if (err != NULL)
            err->error_class = ENTRASQL_CLASS_USAGE;
        return ENTRASQL_OS;
    }
    entrasql_status status = read_all(f, shown, ret, err);
    (void)fclose(f);
    return status;
}

/* One line without its end. *ret_end: nothing more comes. */
static entrasql_status read_line(FILE *f, es_buf *ret, bool *ret_end, entrasql_error *err)
{
    es_buf_clear(ret);
    for (;;) {
        int c = getc(f);
        if (c == EOF || c == '\n') {
            *ret_end = c == EOF && ret->len == 0;
            return ENTRASQL_OK;
        }
        entrasql_status status = es_buf_u8(ret, (uint8_t)c);
        if (status == ENTRASQL_LIMIT)
            return es_fail(err, ENTRASQL_LIMIT, "a line is too long");
        if (status != ENTRASQL_OK)
            return es_nomem(err);
    }
}

static bool is_exit(const es_buf *line)
{
    const char *p = (const char *)line->data;
    return line->len == 4 && (es_strncaseeq(p, "exit", 4) || es_strncaseeq(p, "quit", 4));
}

/* Runs what was collected; errors are shown and the prompt comes back while the connection lives.
 */
static bool run_at_prompt(session *s, cli_batch *batch, uint32_t times, int *ret_exit)
{
    entrasql_error err;
    entrasql_status status = run_collected(s, batch, times, &err);
    if (status == ENTRASQL_OK)
        return true;
    if (status == ENTRASQL_SQL_ERROR && err.severity < 20)
        return true; /* the server's messages were shown */
    *ret_exit = cli_report(s->t, &err);
    return status == ENTRASQL_CANCELLED;
}

static int run_prompt(session *s)
{
    ES_CLEANUP(cli_batch_done) cli_batch batch;
    ES_CLEANUP(es_buf_done) es_buf line = ES_BUF_INIT(LINE_MAX_BYTES);
    entrasql_error err;
    unsigned number = 1;
    int exit_code = 0;

    cli_batch_init(&batch);
    (void)fputs("GO runs what was typed, exit or Ctrl-D ends.\n", s->t->out);
    for (;;) {
        bool at_end = false;
        uint32_t times = 0;
        (void)fprintf(s->t->out, "%u> ", number);
        (void)fflush(s->t->out);
        if (read_line(s->t->in, &line, &at_end, &err) != ENTRASQL_OK)
            return cli_report(s->t, &err);
        if (at_end || (batch.text.len == 0 && is_exit(&line)))
            break;
        number++;
        if (!es_utf8_is_valid((const char *)line.data, line.len)) {
            es_fail(&err, ENTRASQL_INVALID, "the line is not UTF-8 and was left out");
            (void)cli_report(s->t, &err);
        } else if (cli_batch_line(&batch, (const char *)line.data, line.len, &times, &err) !=
                   ENTRASQL_OK) {
            (void)cli_report(s->t, &err);
        }
        if (times == 0)
            continue;
        if (!run_at_prompt(s, &batch, times, &exit_code))
            return exit_code;
        number = 1;
    }
    if (s->t->out_is_terminal)
        (void)fputc('\n', s->t->out);
    return 0;
}

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
                   : es_fail(err, ENTRASQL_LIMIT, "the text after -Q is too long");
    if (file != NULL && !es_streq(file, "-"))
        return read_file(file, ret, err);
    return read_all(t->in, "standard input", ret, err);
}

/* SQL Server's own messages were printed already; what is left to say is the exit code. */
static int finish(const session *s, entrasql_status status, const entrasql_error *err)
{
    static const es_buf nothing = {0};
    entrasql_error write_err;
    if (status == ENTRASQL_OK)
        return cli_write(s->t, &nothing, &write_err) == ENTRASQL_OK ? 0
                                                                    : cli_report(s->t, &write_err);
    if (status == ENTRASQL_SQL_ERROR) {
        (void)fflush(s->t->out);
        if (err->hint[0] != '\0')
            (void)fprintf(s->t->err, "hint: %s\n", err->hint);
        return (int)ENTRASQL_CLASS_SQL;
    }
    return cli_report(s->t, err);
}

static int run_session(const conf_args *args, session *s)
{
    ES_CLEANUP(es_buf_done) es_buf source = ES_BUF_INIT(CLI_BATCH_MAX_BYTES + 65536);
    entrasql_error err;

    bool is_prompt = conf_args_text(args, "query") == NULL &&
                     conf_args_text(args, "input-file") == NULL && s->t->in_is_terminal;
    if (!is_prompt && read_source(s->t, args, &source, &err) != ENTRASQL_OK)
        return cli_report(s->t, &err);
    if (open_session(args, s, &err) != ENTRASQL_OK)
        return cli_report(s->t, &err);
    if (is_prompt)
        return run_prompt(s);
    entrasql_status status = run_text(s, (const char *)source.data, source.len, &err);
    return finish(s, status, &err);
}

int cli_query(const cli_terminal *t, int argc, char **argv)
{
    session s = {.t = t};
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
    exit_code = run_session(&args, &s);
    cli_result_done(&s.result);
    if (s.conn != NULL)
        sql_close(s.conn);
    return exit_code;
}
