/* SPDX-License-Identifier: MIT */
/* Running people's SQL: what comes back is printed as it comes. */
#include "cli/session.h"

#include "base/catalog.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf16.h"
#include "cli/habit.h"
#include "cli/input.h"
#include "cli/text.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#define INCLUDE_DEPTH 16

/* ---- what the server sends ---- */

static entrasql_status on_columns(void *ctx, const sql_column *columns, size_t count)
{
    cli_session *s = ctx;
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
    cli_session *s = ctx;
    return cli_result_row(&s->result, values, count, &s->print_err);
}

static entrasql_status on_done(void *ctx, bool has_count, uint64_t rows)
{
    cli_session *s = ctx;
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
    cli_session *s = ctx;
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

/* ---- Ctrl-C ---- */

/* The connection whose statement Ctrl-C cancels. */
static sql_conn *volatile running;
static volatile sig_atomic_t was_interrupted;
static volatile sig_atomic_t is_kept; /* a second Ctrl-C does not end the program */

static void on_interrupt(int number)
{
    sql_conn *conn = running;
    was_interrupted = 1;
    if (conn != NULL)
        sql_cancel(conn);
    if (!is_kept)
        (void)signal(number, SIG_DFL);
}

static void set_handler(void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler};
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
}

bool cli_session_was_interrupted(void)
{
    return was_interrupted != 0;
}

void cli_session_forget_interrupt(void)
{
    was_interrupted = 0;
}

void cli_session_catch_interrupts(void)
{
    is_kept = 1;
    set_handler(on_interrupt);
}

static void watch(const cli_session *s, sql_conn *conn)
{
    running = conn;
    if (!s->is_shell)
        set_handler(conn != NULL ? on_interrupt : SIG_DFL);
}

/* ---- running ---- */

entrasql_status cli_session_connect(cli_session *s, entrasql_error *err)
{
    sql_conn *made = NULL;
    /* Signing in cannot be stopped half-way: Ctrl-C ends the program. */
    if (s->is_shell)
        set_handler(SIG_DFL);
    entrasql_status status = cli_connector_open(&s->connector, &made, err);
    if (s->is_shell)
        set_handler(on_interrupt);
    if (status != ENTRASQL_OK)
        return status;
    sql_close(s->conn);
    s->conn = made;
    return ENTRASQL_OK;
}

void cli_session_done(cli_session *s)
{
    cli_result_done(&s->result);
    sql_close(s->conn);
    cli_connector_done(&s->connector);
}

/* The catalogue knows the error by its number and text. */
static void add_hint(entrasql_error *err)
{
    if (err == NULL || err->hint[0] != '\0')
        return;
    const es_catalog_entry *row = es_catalog_find(ES_CATALOG_SQL, err->number, err->message);
    if (row != NULL)
        es_hint(err, "%s", row->hint);
}

entrasql_status cli_session_run(cli_session *s, const char *text, entrasql_error *err)
{
    const sql_handler handler = {
        .ctx = s,
        .columns = on_columns,
        .row = on_row,
        .done = on_done,
        .message = on_message,
    };
    es_error_clear(&s->print_err);
    s->result.fit_width = cli_terminal_width(s->t->out); /* it may have changed */
    watch(s, s->conn);
    entrasql_status status = sql_batch(s->conn, text, &handler, s->timeout_ms, err);
    watch(s, NULL);
    if (status == ENTRASQL_SQL_ERROR)
        add_hint(err);
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

entrasql_status cli_session_run_collected(cli_session *s, cli_batch *batch, uint32_t times,
                                          entrasql_error *err)
{
    entrasql_status status = ENTRASQL_OK;
    if (!cli_batch_is_empty(batch)) {
        const char *text = es_buf_cstr(&batch->text);
        if (text == NULL)
            return es_nomem(err);
        for (uint32_t i = 0; i < times && status == ENTRASQL_OK; i++)
            status = cli_session_run(s, text, err);
    }
    cli_batch_next(batch);
    return status;
}

/* Text of a file or a pipe, which may begin with a byte order mark. */
static entrasql_status check_text(const char **text, size_t *n, entrasql_error *err)
{
    if (!es_utf8_is_valid(*text, *n)) {
        es_fail(err, ENTRASQL_INVALID, "the SQL text is not UTF-8");
        es_hint(err, "iconv converts other encodings: iconv -f UTF-16 -t UTF-8 FILE");
        return ENTRASQL_INVALID;
    }
    if (memchr(*text, '\0', *n) != NULL)
        return es_fail(err, ENTRASQL_INVALID, "the SQL text holds a NUL character");
    if (*n >= 3 && memcmp(*text, "\xEF\xBB\xBF", 3) == 0) {
        *text += 3;
        *n -= 3;
    }
    return ENTRASQL_OK;
}

/* A script on its way: the batch goes on over the files that :r takes in. */
typedef struct script {
    cli_session *s;
    cli_batch batch;
    unsigned depth;
    bool is_over; /* :quit */
} script;

static entrasql_status run_lines(script *x, const char *text, size_t n, entrasql_error *err);

static entrasql_status run_included(script *x, const char *path, size_t n, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(CLI_SCRIPT_MAX_BYTES);
    ES_CLEANUP(es_cleanup_free) char *name = NULL;

    if (n >= 2 && path[0] == '"' && path[n - 1] == '"') {
        path++;
        n -= 2;
    }
    if (n == 0)
        return es_fail(err, ENTRASQL_INVALID, ":r needs the name of a file");
    if (x->depth == INCLUDE_DEPTH)
        return cli_input_status(
            es_fail(err, ENTRASQL_LIMIT, ":r goes more than %d files deep", INCLUDE_DEPTH),
            "check whether a file takes itself in", err);
    name = es_strndup(path, n);
    if (name == NULL)
        return es_nomem(err);
    ES_TRY(cli_read_script(name, &text, err));
    x->depth++;
    entrasql_status status = run_lines(x, (const char *)text.data, text.len, err);
    x->depth--;
    return status;
}

static entrasql_status run_habit(script *x, const cli_habit *habit, const char *line, size_t n,
                                 const char *argument, size_t argument_n, entrasql_error *err)
{
    char shown[60];

    if (habit->act == CLI_HABIT_INCLUDE)
        return run_included(x, argument, argument_n, err);
    if (habit->act == CLI_HABIT_NOTHING)
        return ENTRASQL_OK;
    if (habit->act == CLI_HABIT_FORGET)
        cli_batch_next(&x->batch);
    x->is_over = habit->act == CLI_HABIT_END && argument_n == 0;
    if (habit->act == CLI_HABIT_FORGET || x->is_over)
        return ENTRASQL_OK;
    es_printable(shown, sizeof shown, line, n);
    es_fail(err, ENTRASQL_INVALID, "'%s' is neither SQL nor a command of entrasql query", shown);
    es_hint(err, "%s", habit->advice != NULL ? habit->advice : "leave the line out");
    return ENTRASQL_INVALID;
}

static entrasql_status run_line(script *x, const char *line, size_t n, entrasql_error *err)
{
    const char *argument = NULL;
    size_t argument_n = 0;
    uint32_t times = 0;
    const cli_habit *habit =
        x->batch.mode == CLI_BATCH_PLAIN ? cli_habit_find(line, n, &argument, &argument_n) : NULL;

    if (habit != NULL)
        return run_habit(x, habit, line, n, argument, argument_n, err);
    ES_TRY(cli_input_status(cli_batch_line(&x->batch, line, n, &times, err),
                            "part it into batches by lines GO", err));
    return times != 0 ? cli_session_run_collected(x->s, &x->batch, times, err) : ENTRASQL_OK;
}

static entrasql_status run_lines(script *x, const char *text, size_t n, entrasql_error *err)
{
    unsigned number = 0;

    ES_TRY(check_text(&text, &n, err));
    while (n != 0 && !x->is_over) {
        const char *end = memchr(text, '\n', n);
        size_t length = end != NULL ? (size_t)(end - text) : n;
        size_t shown = length != 0 && text[length - 1] == '\r' ? length - 1 : length;
        number++;
        entrasql_status status = run_line(x, text, shown, err);
        if (status == ENTRASQL_INVALID)
            es_error_prefix(err, "line %u", number);
        ES_TRY(status);
        text += end != NULL ? length + 1 : length;
        n -= end != NULL ? length + 1 : length;
    }
    return ENTRASQL_OK;
}

entrasql_status cli_session_run_text(cli_session *s, const char *text, size_t n,
                                     entrasql_error *err)
{
    script x = {.s = s};

    cli_batch_init(&x.batch);
    entrasql_status status = run_lines(&x, text, n, err);
    if (status == ENTRASQL_OK && !x.is_over)
        status = cli_session_run_collected(s, &x.batch, 1, err);
    cli_batch_done(&x.batch);
    return status;
}

/* ---- where it comes from ---- */

entrasql_status cli_read_stream(FILE *f, const char *name, es_buf *ret, entrasql_error *err)
{
    for (;;) {
        uint8_t *room = NULL;
        entrasql_status status = es_buf_prepare(ret, 65536, &room);
        if (status == ENTRASQL_LIMIT)
            return cli_input_status(es_fail(err, status, "%s is longer than %u MiB", name,
                                            CLI_BATCH_MAX_BYTES / 1024 / 1024),
                                    "check that it is a script of SQL; if it is, run it in parts",
                                    err);
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

entrasql_status cli_read_script(const char *path, es_buf *ret, entrasql_error *err)
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
    entrasql_status status = cli_read_stream(f, shown, ret, err);
    (void)fclose(f);
    return status;
}

entrasql_status cli_session_run_file(cli_session *s, const char *path, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(CLI_SCRIPT_MAX_BYTES);
    ES_TRY(cli_read_script(path, &text, err));
    return cli_session_run_text(s, (const char *)text.data, text.len, err);
}
