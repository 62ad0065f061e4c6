/* SPDX-License-Identifier: MIT */
/* The shortcuts of the prompt: one table, from which also \? is made. */
#include "cli/shell_inner.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct word {
    const char *name;
    const char *argument; /* as \? shows it; NULL: none */
    const char *help;
    cli_shell_query *query; /* runs this, or else: */
    void (*act)(cli_shell *sh, const char *argument);
    bool is_vertical; /* the query's result */
    bool must_have_argument;
} word;

/* ---- queries ---- */

static void run_query(cli_shell *sh, const word *w, const char *argument)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(64 * 1024);
    entrasql_error err;

    const char *sql = w->query(&text, argument) == ENTRASQL_OK ? es_buf_cstr(&text) : NULL;
    if (sql == NULL) {
        es_fail(&err, ENTRASQL_LIMIT, "the name after \\%s is too long", w->name);
        (void)cli_report(sh->s->t, &err);
        return;
    }
    if (!cli_shell_ensure_connected(sh))
        return;
    cli_result *r = &sh->s->result;
    cli_result_layout layout = r->layout;
    r->is_quiet = true;
    r->sets = 0;
    if (w->is_vertical)
        r->layout = CLI_RESULT_VERTICAL;
    entrasql_status status = cli_session_run(sh->s, sql, &err);
    r->layout = layout;
    r->is_quiet = false;
    r->sets = 0;
    if (status != ENTRASQL_OK)
        cli_shell_failed(sh, status, &err);
    (void)fputc('\n', sh->s->t->out);
}

/* ---- acts ---- */

static void quit(cli_shell *sh, const char *argument)
{
    (void)argument;
    sh->is_over = true;
}

static void go(cli_shell *sh, const char *argument)
{
    (void)argument;
    cli_shell_go(sh, 1);
}

static void reset(cli_shell *sh, const char *argument)
{
    (void)argument;
    cli_batch_next(&sh->batch);
}

static void timing(cli_shell *sh, const char *argument)
{
    (void)argument;
    sh->has_timing = !sh->has_timing;
    (void)fprintf(sh->s->t->out, "Timing is %s.\n", sh->has_timing ? "on" : "off");
}

static void expanded(cli_shell *sh, const char *argument)
{
    cli_result *r = &sh->s->result;
    (void)argument;
    r->layout = r->layout == CLI_RESULT_VERTICAL ? CLI_RESULT_FIT : CLI_RESULT_VERTICAL;
    (void)fprintf(sh->s->t->out, "Expanded display is %s.\n",
                  r->layout == CLI_RESULT_VERTICAL ? "on" : "off");
}

/* USE is not there on Azure SQL: another database is another connection. */
static void change_database(cli_shell *sh, const char *argument)
{
    conf_target *target = &sh->s->connector.target;
    char *before = target->database;
    char *wanted = *argument != '\0' ? es_strdup(argument) : before;
    entrasql_error err;

    if (wanted == NULL && *argument != '\0') {
        es_nomem(&err);
        (void)cli_report(sh->s->t, &err);
        return;
    }
    bool ends_transaction = cli_shell_has_transaction(sh);
    target->database = wanted;
    cli_catalog_close(sh->catalog);
    if (cli_session_connect(sh->s, &err) != ENTRASQL_OK) {
        target->database = before;
        if (wanted != before)
            es_free(wanted);
        (void)cli_report(sh->s->t, &err);
        return;
    }
    if (wanted != before)
        es_free(before);
    if (ends_transaction)
        cli_shell_say_rollback(sh);
    (void)fprintf(sh->s->t->out, "Connected to the database %s.\n", sql_database(sh->s->conn));
}

static void include(cli_shell *sh, const char *argument)
{
    entrasql_error err;
    if (!cli_shell_ensure_connected(sh))
        return;
    cli_catalog_forget(sh->catalog);
    entrasql_status status = cli_session_run_file(sh->s, argument, &err);
    if (status != ENTRASQL_OK)
        cli_shell_failed(sh, status, &err);
}

static void help(cli_shell *sh, const char *argument);

static const word words[] = {
    {"l", NULL, "databases", cli_shell_sql_databases, NULL, false, false},
    {"dn", NULL, "schemas", cli_shell_sql_schemas, NULL, false, false},
    {"dt", "[PATTERN]", "tables; a pattern is [SCHEMA.]NAME with * and ?", cli_shell_sql_tables,
     NULL, false, false},
    {"dv", "[PATTERN]", "views", cli_shell_sql_views, NULL, false, false},
    {"df", "[PATTERN]", "procedures and functions", cli_shell_sql_routines, NULL, false, false},
    {"d", "[NAME]", "columns, keys and constraints; without a name tables and views",
     cli_shell_sql_object, NULL, false, false},
    {"sf", "NAME", "the text of a view, procedure or function", cli_shell_sql_definition, NULL,
     true, true},
    {"du", NULL, "users and roles", cli_shell_sql_users, NULL, false, false},
    {"c", "[DATABASE]", "connect to it, or to the same one again", NULL, change_database, false,
     false},
    {"conninfo", NULL, "where you are, and as whom", cli_shell_sql_connection, NULL, true, false},
    {"x", NULL, "expanded display: a line a value; on or off", NULL, expanded, false, false},
    {"timing", NULL, "the time that each statement takes; on or off", NULL, timing, false, false},
    {"i", "FILE", "run a file; GO lines end its batches", NULL, include, false, true},
    {"g", NULL, "run what was typed, as a line GO does", NULL, go, false, false},
    {"r", NULL, "forget what was typed", NULL, reset, false, false},
    {"?", NULL, "this list", NULL, help, false, false},
    {"q", NULL, "end; so do exit, quit and Ctrl-D", NULL, quit, false, false},
};

static entrasql_status write_help(es_buf *out)
{
    ES_TRY(es_buf_add_str(
        out, "A line that ends in ; runs what was typed, and so does a line GO. DECLARE, and\n"
             "a procedure, function or trigger, wait for GO. Ctrl-C cancels. A statement\n"
             "that begins with a blank is not kept in the history.\n\n"));
    for (size_t i = 0; i < ES_COUNT_OF(words); i++) {
        const word *w = &words[i];
        char shown[40];
        (void)snprintf(shown, sizeof shown, "\\%s %s", w->name,
                       w->argument != NULL ? w->argument : "");
        ES_TRY(es_buf_printf(out, "  %-15s  %s\n", shown, w->help));
    }
    return ENTRASQL_OK;
}

static void help(cli_shell *sh, const char *argument)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(16 * 1024);
    entrasql_error err;
    (void)argument;
    if (write_help(&text) != ENTRASQL_OK)
        (void)es_nomem(&err);
    else if (cli_write_prose(sh->s->t, &text, &err) == ENTRASQL_OK)
        return;
    (void)cli_report(sh->s->t, &err);
}

/* ---- choosing ---- */

static const word *find_word(const char *name, size_t n)
{
    for (size_t i = 0; i < ES_COUNT_OF(words); i++) {
        if (strlen(words[i].name) == n && memcmp(words[i].name, name, n) == 0)
            return &words[i];
    }
    return NULL;
}

void cli_shell_list_words(const char *prefix, size_t n, cli_choices *ret)
{
    for (size_t i = 0; i < ES_COUNT_OF(words); i++) {
        const word *w = &words[i];
        if (strncmp(w->name, prefix, n) == 0)
            cli_choices_add(ret, w->name, w->argument != NULL ? " " : "");
    }
}

cli_word_argument cli_shell_argument_of(const char *name, size_t n)
{
    const word *w = find_word(name, n);
    if (w == NULL || w->argument == NULL)
        return CLI_ARGUMENT_NONE;
    if (w->query == cli_shell_sql_routines || w->query == cli_shell_sql_definition)
        return CLI_ARGUMENT_ROUTINE;
    if (w->query != NULL)
        return CLI_ARGUMENT_OBJECT;
    return w->act == change_database ? CLI_ARGUMENT_DATABASE : CLI_ARGUMENT_NONE;
}

static const char *problem_of(const word *w, const char *argument)
{
    if (w == NULL)
        return "is no shortcut";
    if (w->must_have_argument && *argument == '\0')
        return "needs a name";
    return w->argument == NULL && *argument != '\0' ? "takes no argument" : NULL;
}

void cli_shell_word(cli_shell *sh, const char *line)
{
    const char *name = line + 1;
    size_t n = 0;
    while (name[n] != '\0' && !es_is_space(name[n]))
        n++;
    while (n != 0 && name[n - 1] == ';')
        n--; /* a habit */
    const char *rest = name + n;
    while (es_is_space(*rest) || *rest == ';')
        rest++;
    size_t length = strlen(rest);
    while (length != 0 && (es_is_space(rest[length - 1]) || rest[length - 1] == ';'))
        length--;
    ES_CLEANUP(es_cleanup_free) char *argument = es_strndup(rest, length);
    const word *w = find_word(name, n);
    const char *problem = argument != NULL ? problem_of(w, argument) : "finds no memory";
    if (problem != NULL) {
        char shown[60];
        entrasql_error err;
        es_printable(shown, sizeof shown, name, n);
        es_fail(&err, ENTRASQL_INVALID, "\\%s %s", shown, problem);
        es_hint(&err, "\\? lists the shortcuts");
        (void)cli_report(sh->s->t, &err);
        return;
    }
    if (w->query != NULL)
        run_query(sh, w, argument);
    else
        w->act(sh, argument);
}
