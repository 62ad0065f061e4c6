/* SPDX-License-Identifier: MIT */
/* The prompt's loop. */
#include "cli/shell.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf16.h"
#include "cli/habit.h"
#include "cli/history.h"
#include "cli/shell_inner.h"
#include "cli/statement.h"
#include "os/file.h"

#include <inttypes.h>
#include <string.h>

#define HISTORY_FILE "query_history"
#define PROMPT_NAME_SIZE 32
#define SQL_TOKEN_EXPIRED 37396

static bool is_connected(const cli_shell *sh)
{
    return sh->s->conn != NULL && sql_is_open(sh->s->conn);
}

static void make_prompt(cli_shell *sh)
{
    char name[PROMPT_NAME_SIZE] = "not connected";
    bool is_new = sh->batch.text.len == 0;
    bool is_open = is_connected(sh);

    if (is_open) {
        const char *database = sql_database(sh->s->conn);
        es_printable(name, sizeof name, database, strlen(database));
    }
    (void)snprintf(
        sh->prompt, sizeof sh->prompt, "%s%s%s", name,
        is_open && sql_in_transaction(sh->s->conn) ? "*" : "",
        cli_statement_prompt(is_new ? CLI_STATEMENT_READY : cli_statement_look(&sh->batch)));
}

/* ---- connection ---- */

/* What was typed for a transaction must not run, and be committed, without it. */
static bool lost_transaction(const cli_shell *sh)
{
    return sh->s->conn != NULL && !sql_is_open(sh->s->conn) && sql_in_transaction(sh->s->conn);
}

bool cli_shell_has_transaction(const cli_shell *sh)
{
    return is_connected(sh) && sql_in_transaction(sh->s->conn);
}

void cli_shell_say_rollback(const cli_shell *sh)
{
    cli_remark(sh->s->t, "The open transaction is rolled back; COMMIT would have kept it.");
}

bool cli_shell_ensure_connected(cli_shell *sh)
{
    entrasql_error err;
    if (is_connected(sh))
        return true;
    if (lost_transaction(sh)) {
        cli_remark(sh->s->t,
                   "Not run: it may belong to the transaction that was lost. \\c connects again.");
        return false;
    }
    cli_catalog_close(sh->catalog);
    if (cli_session_connect(sh->s, &err) != ENTRASQL_OK) {
        (void)cli_report(sh->s->t, &err);
        return false;
    }
    (void)fputs("Connected again.\n", sh->s->t->out);
    return true;
}

/* The server is gone while nobody waits for it. */
static const char *on_loss(void *ctx)
{
    cli_shell *sh = ctx;

    if (!sql_was_lost(sh->s->conn))
        return sh->prompt;
    cli_remark(sh->s->t,
               lost_transaction(sh)
                   ? "The connection was lost, and with it the open transaction: the server rolls "
                     "it back. \\c connects again."
                   : "The connection was lost. The next statement connects again, and so does \\c; "
                     "what the session held (#tables, SET options) is gone.");
    make_prompt(sh);
    return sh->prompt;
}

static void connect_again(cli_shell *sh)
{
    const cli_terminal *t = sh->s->t;
    entrasql_error err;

    if (lost_transaction(sh)) {
        cli_remark(
            t, "The connection was lost, and with it the open transaction. The server rolls it "
               "back, unless the statement was its COMMIT: see whether that was done. \\c connects "
               "again.");
        return;
    }
    cli_catalog_close(sh->catalog);
    (void)fputs("The connection was lost. ", t->err);
    if (cli_session_connect(sh->s, &err) == ENTRASQL_OK) {
        (void)fputs("Connected again; the statement was not repeated, and what the session\n"
                    "held (transaction, #tables, SET options) is gone.\n",
                    t->err);
        return;
    }
    (void)fputs("Connecting again failed; the next statement tries once more.\n", t->err);
    (void)cli_report(t, &err);
}

void cli_shell_failed(cli_shell *sh, entrasql_status status, const entrasql_error *err)
{
    if (status == ENTRASQL_SQL_ERROR)
        cli_report_hint(sh->s->t, err); /* the server's messages were shown */
    else if (status == ENTRASQL_CANCELLED)
        (void)fputs("\nCancelled.\n", sh->s->t->out); /* behind the ^C that the terminal shows */
    else
        (void)cli_report(sh->s->t, err);
    bool expired = status == ENTRASQL_SQL_ERROR && err->number == SQL_TOKEN_EXPIRED;
    if (expired || !sql_is_open(sh->s->conn))
        connect_again(sh);
}

/* ---- history ---- */

static entrasql_status remember_old(void *ctx, const char *entry)
{
    cli_editor_remember(ctx, entry);
    return ENTRASQL_OK;
}

/* A file that cannot be used is said once; the prompt works without. */
static void open_history(cli_shell *sh)
{
    entrasql_error err;
    entrasql_status status = os_state_path(HISTORY_FILE, &sh->history, &err);
    if (status == ENTRASQL_OK)
        status = cli_history_read(sh->history, remember_old, sh->editor, &err);
    if (status == ENTRASQL_OK)
        return;
    (void)fprintf(sh->s->t->err, "No history is kept: %s\n", err.message);
    es_free(sh->history);
    sh->history = NULL;
}

static void remember(cli_shell *sh, const char *text)
{
    entrasql_error err;
    if (!cli_history_may_keep(text, strlen(text)))
        return;
    cli_editor_remember(sh->editor, text);
    if (sh->history == NULL || cli_history_add(sh->history, text, &err) == ENTRASQL_OK)
        return;
    (void)fprintf(sh->s->t->err, "No history is kept from here on: %s\n", err.message);
    es_free(sh->history);
    sh->history = NULL;
}

/* The statement as it was typed, with the GO that no batch holds. */
static void remember_batch(cli_shell *sh, const char *go_line)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(2 * CLI_HISTORY_MAX_ENTRY);
    const es_buf *typed = &sh->batch.text;
    size_t n = typed->len;

    while (n != 0 && typed->data[n - 1] == '\n')
        n--;
    if (es_buf_add(&text, typed->data, n) != ENTRASQL_OK)
        return; /* longer than an entry may be */
    if (go_line != NULL && es_buf_printf(&text, "\n%s", go_line) != ENTRASQL_OK)
        return;
    const char *shown = es_buf_cstr(&text);
    if (shown != NULL)
        remember(sh, shown);
}

/* ---- running ---- */

void cli_shell_go(cli_shell *sh, uint32_t times)
{
    entrasql_error err;

    if (cli_batch_is_empty(&sh->batch)) {
        cli_batch_next(&sh->batch);
        return;
    }
    if (!cli_shell_ensure_connected(sh)) {
        cli_batch_next(&sh->batch);
        return;
    }
    cli_catalog_forget(sh->catalog);
    int64_t start = es_clock_mono_ms();
    entrasql_status status = cli_session_run_collected(sh->s, &sh->batch, times, &err);
    cli_batch_next(&sh->batch);
    sh->s->result.sets = 0;
    if (status != ENTRASQL_OK)
        cli_shell_failed(sh, status, &err);
    if (sh->has_timing)
        (void)fprintf(sh->s->t->out, "Time: %" PRId64 " ms\n", es_clock_mono_ms() - start);
    (void)fputc('\n', sh->s->t->out);
}

/* ---- lines ---- */

static bool is_word(const char *line, const char *word)
{
    size_t n = strlen(word);
    if (!es_strncaseeq(line, word, n))
        return false;
    line += n;
    while (*line == ';' || es_is_space(*line))
        line++;
    return *line == '\0';
}

static bool is_farewell(const char *line)
{
    return is_word(line, "exit") || is_word(line, "quit");
}

/* What stands for a shortcut at the beginning of a statement: habits of mysql and psql. */
static const char *shortcut_of(const cli_shell *sh, const char *line)
{
    if (sh->batch.mode == CLI_BATCH_PLAIN && *line == '\\')
        return line;
    if (!cli_batch_is_empty(&sh->batch))
        return NULL;
    if (is_farewell(line))
        return "\\q";
    return is_word(line, "help") || is_word(line, "?") ? "\\?" : NULL;
}

/* A command of sqlcmd. */
static void obey_habit(cli_shell *sh, const cli_habit *habit, const char *line,
                       const char *argument, size_t n)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(CLI_LINE_MAX_BYTES);
    char shown[60];
    entrasql_error err;

    if (habit->act == CLI_HABIT_NOTHING) {
        (void)fprintf(sh->s->t->out, "%s\n", habit->advice);
        return;
    }
    if (habit->act == CLI_HABIT_REFUSE) {
        es_printable(shown, sizeof shown, line, strlen(line));
        es_fail(&err, ENTRASQL_INVALID, "'%s' is no command here", shown);
        es_hint(&err, "%s", habit->advice);
        (void)cli_report(sh->s->t, &err);
        return;
    }
    static const char *const words[] = {
        [CLI_HABIT_INCLUDE] = "\\i",
        [CLI_HABIT_END] = "\\q",
        [CLI_HABIT_FORGET] = "\\r",
        [CLI_HABIT_HELP] = "\\?",
    };
    bool is_quoted = n >= 2 && argument[0] == '"' && argument[n - 1] == '"';
    if (es_buf_printf(&text, "%s ", words[habit->act]) == ENTRASQL_OK &&
        es_buf_add(&text, argument + is_quoted, is_quoted ? n - 2 : n) == ENTRASQL_OK &&
        es_buf_cstr(&text) != NULL) {
        cli_shell_word(sh, es_buf_cstr(&text));
        return;
    }
    (void)es_nomem(&err);
    (void)cli_report(sh->s->t, &err);
}

/* Who wants to leave in the middle of a statement is told how. True: the line is none of it. */
static bool answer_farewell(const cli_shell *sh, const char *line)
{
    bool is_plain = sh->batch.mode == CLI_BATCH_PLAIN;
    const char *state = cli_statement_words(cli_statement_look(&sh->batch));

    if (!is_farewell(line) || cli_batch_is_empty(&sh->batch))
        return false;
    if (is_plain)
        (void)fprintf(sh->s->t->out,
                      "What was typed %s; this line was not added to it.\n"
                      "\\q ends; Ctrl-C or \\r forgets the statement.\n",
                      state);
    else
        (void)fprintf(sh->s->t->out, "This line %s.\nCtrl-C forgets the statement; Ctrl-D ends.\n",
                      state);
    return is_plain;
}

static void take_line(cli_shell *sh, const char *line)
{
    entrasql_error err;
    uint32_t times = 0;
    const char *argument = NULL;
    size_t argument_n = 0;
    const char *shortcut = shortcut_of(sh, line);
    const cli_habit *habit = sh->batch.mode == CLI_BATCH_PLAIN
                                 ? cli_habit_find(line, strlen(line), &argument, &argument_n)
                                 : NULL;

    if (shortcut != NULL) {
        if (shortcut == line)
            remember(sh, line);
        cli_shell_word(sh, shortcut);
        return;
    }
    if (habit != NULL) {
        obey_habit(sh, habit, line, argument, argument_n);
        return;
    }
    if (answer_farewell(sh, line))
        return;
    if (cli_batch_line(&sh->batch, line, strlen(line), &times, &err) != ENTRASQL_OK) {
        (void)cli_report(sh->s->t, &err);
        return;
    }
    if (times != 0) {
        if (!cli_batch_is_empty(&sh->batch))
            remember_batch(sh, line);
        cli_shell_go(sh, times);
    } else if (cli_batch_is_empty(&sh->batch)) {
        cli_batch_next(&sh->batch);
    } else if (cli_statement_look(&sh->batch) == CLI_STATEMENT_READY) {
        remember_batch(sh, NULL);
        cli_shell_go(sh, 1);
    }
}

/* A line of the history may hold several. */
static void take_lines(cli_shell *sh, es_buf *text)
{
    char *line = (char *)(uintptr_t)es_buf_cstr(text);
    entrasql_error err;

    if (line == NULL || memchr(line, '\0', text->len) != NULL ||
        !es_utf8_is_valid(line, text->len)) {
        es_fail(&err, ENTRASQL_INVALID, "the line is not UTF-8 and was left out");
        (void)cli_report(sh->s->t, &err);
        return;
    }
    while (line != NULL && !sh->is_over) {
        char *end = strchr(line, '\n');
        if (end != NULL)
            *end++ = '\0';
        take_line(sh, line);
        line = end;
    }
}

static int read_and_run(cli_shell *sh)
{
    ES_CLEANUP(es_buf_done) es_buf line = ES_BUF_INIT(CLI_LINE_MAX_BYTES);
    entrasql_error err;

    while (!sh->is_over) {
        cli_line_end end = CLI_LINE_DONE;
        make_prompt(sh);
        cli_editor_watch(sh->editor, sh->s->conn != NULL ? sql_fd(sh->s->conn) : -1, on_loss, sh);
        cli_session_forget_interrupt(); /* it was meant for the statement before */
        if (cli_editor_read(sh->editor, sh->prompt, &line, &end, &err) != ENTRASQL_OK)
            return cli_report(sh->s->t, &err);
        if (end == CLI_LINE_DONE) {
            take_lines(sh, &line);
            continue;
        }
        /* Without keys the terminal shows the ^C by itself. */
        bool is_shown = end != CLI_LINE_INTERRUPTED || !cli_editor_has_keys(sh->editor);
        (void)fputs(is_shown ? "\n" : "^C\n", sh->s->t->out);
        cli_batch_next(&sh->batch);
        sh->is_over = end == CLI_LINE_CLOSED;
    }
    return 0;
}

static void greet(const cli_shell *sh)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(1024);
    const conf_target *target = &sh->s->connector.target;
    entrasql_error err;
    char host[200];

    es_printable(host, sizeof host, target->host, strlen(target->host));
    const char *missing = cli_editor_has_keys(sh->editor)
                              ? ""
                              : "No line editing: built without libedit,\n"
                                "or the output is no terminal.\n";
    if (es_buf_printf(&text,
                      "entrasql %s, connected to %s,%u.\n"
                      "End a statement with ; or GO. \\? helps.\n%s",
                      entrasql_version(), host, (unsigned)target->port, missing) == ENTRASQL_OK &&
        cli_write_prose(sh->s->t, &text, &err) != ENTRASQL_OK)
        (void)cli_report(sh->s->t, &err);
}

int cli_shell_run(cli_session *s, bool keeps_history)
{
    cli_shell sh = {.s = s};
    entrasql_error err;

    if (cli_editor_new(s->t, &sh.editor, &err) != ENTRASQL_OK)
        return cli_report(s->t, &err);
    cli_batch_init(&sh.batch);
    sh.catalog = cli_catalog_new(&s->connector); /* without it fewer words are offered */
    cli_editor_complete_by(sh.editor, cli_shell_complete, &sh);
    if (keeps_history)
        open_history(&sh);
    s->is_shell = true;
    s->result.cut_note = "cut to fit; \\x shows all";
    cli_session_catch_interrupts();
    greet(&sh);
    int exit_code = read_and_run(&sh);
    if (cli_shell_has_transaction(&sh))
        cli_shell_say_rollback(&sh);
    cli_batch_done(&sh.batch);
    cli_catalog_free(sh.catalog);
    cli_editor_free(sh.editor);
    es_free(sh.history);
    return exit_code;
}
