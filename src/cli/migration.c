/* SPDX-License-Identifier: MIT */
/* entrasql migrate: options, journal, signals, progress. */
#include "cli/cmd_migrate.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "migrate/explain.h"

#include <stdio.h>
#include <string.h>

#define PROGRESS_EVERY_MS 10000
#define OPTIONS_MAX_BYTES (256 * 1024)

/* ---- signals ---- */

static volatile sig_atomic_t stop;
static entrasql_cancel *volatile running;

/* The second one ends the program at once; the journal knows what is to be cleaned up. */
static void on_signal(int number)
{
    stop = 1;
    entrasql_cancel_trigger(running);
    (void)signal(number, SIG_DFL);
}

static void catch_signals(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = on_signal};

    (void)sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < ES_COUNT_OF(numbers); i++)
        (void)sigaction(numbers[i], &action, NULL);
}

/* ---- progress ---- */

static void show_progress(void *ctx, const azure_progress *p)
{
    cli_migration *c = ctx;
    int64_t now = es_clock_mono_ms();
    char state[200];

    if (c->last_ms != 0 && now - c->last_ms < PROGRESS_EVERY_MS && c->last_what == p->what)
        return;
    c->last_ms = now;
    c->last_what = p->what;
    es_printable(state, sizeof state, p->state, strlen(p->state));
    (void)fprintf(c->t->err, "  ... %s: %s (%lld s)\n", p->what, state,
                  (long long)(p->elapsed_ms / 1000));
}

/* ---- options ---- */

static void take_options(const conf_args *args, migrate_options *o)
{
    *o = (migrate_options){0};
#define TAKE_TEXT(member, name) o->member = conf_args_text(args, name);
    MIGRATE_OPTION_MAP(TAKE_TEXT)
#undef TAKE_TEXT
#define TAKE_FLAG(member, name) o->member = conf_args_flag(args, name);
    MIGRATE_FLAG_MAP(TAKE_FLAG)
#undef TAKE_FLAG
}

/* With --journal alone what is wanted is what the journal says. */
static entrasql_status read_options(cli_migration *c, entrasql_error *err)
{
    const char *journal = conf_args_text(&c->args, "journal");

    take_options(&c->args, &c->options);
    if (journal == NULL || c->options.app != NULL)
        return migrate_options_check(&c->options, err);
    ES_TRY(migrate_journal_open(journal, false, &c->source, err));
    return migrate_options_read(migrate_journal_options(c->source), &c->options, err);
}

/* ---- the journal's place ---- */

static entrasql_status find_path(cli_migration *c, entrasql_error *err)
{
    const char *given = conf_args_text(&c->args, "journal");

    if (given == NULL)
        return migrate_options_journal(&c->options, c->path, sizeof c->path, err);
    if (strlen(given) >= sizeof c->path - sizeof ".lock")
        return es_fail(err, ENTRASQL_INVALID, "--journal is too long");
    es_strlcpy_utf8(c->path, sizeof c->path, given);
    return ENTRASQL_OK;
}

/* What the journal was made for is what is asked for now. */
static entrasql_status check_same(const cli_migration *c, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf now = ES_BUF_INIT(OPTIONS_MAX_BYTES);
    ES_CLEANUP(es_buf_done) es_buf then = ES_BUF_INIT(OPTIONS_MAX_BYTES);
    migrate_options recorded;

    ES_TRY(migrate_options_read(migrate_journal_options(c->m.journal), &recorded, err));
    entrasql_status status = migrate_options_print(&c->options, &now);
    if (status == ENTRASQL_OK)
        status = migrate_options_print(&recorded, &then);
    ES_TRY(migrate_built(status, err));
    if (now.len == then.len && memcmp(now.data, then.data, now.len) == 0)
        return ENTRASQL_OK;
    es_fail(err, ENTRASQL_INVALID, "the journal %s was made with other options", c->path);
    es_hint(err,
            "Give the same options, or none but --journal; or name another journal for another "
            "migration.");
    return ENTRASQL_INVALID;
}

entrasql_status cli_migration_journal(cli_migration *c, bool to_write, entrasql_error *err)
{
    entrasql_status status = find_path(c, err);
    if (status == ENTRASQL_OK)
        status = migrate_journal_open(c->path, to_write, &c->m.journal, err);
    if (status == ENTRASQL_NOT_FOUND)
        return ENTRASQL_OK;
    if (status == ENTRASQL_OS && err->hint[0] == '\0')
        es_hint(err, "--journal names another file; else it is below XDG_STATE_HOME or HOME.");
    ES_TRY(status);
    ES_TRY(check_same(c, err));
    return migrate_journal_check(&c->m, err);
}

/* ---- opening ---- */

entrasql_status cli_migration_credential(cli_migration *c, entrasql_error *err)
{
    cli_credential_options options;

    cli_credential_read(&c->args, &options);
    options.ca_file = NULL; /* it is the SQL server's, and Entra's is not signed by that */
    return cli_credential_new(&options, &c->credential, err);
}

entrasql_status cli_migration_open(cli_migration *c, entrasql_error *err)
{
    ES_TRY(read_options(c, err));
    ES_TRY(cli_migration_credential(c, err));
    const migrate_context_options how = {
        .options = &c->options,
        .credential = c->credential,
        .ca_file = conf_args_text(&c->args, "ca-file"),
        .arm_endpoint = conf_args_text(&c->args, "arm-endpoint"),
        .cancel = running,
        .stop = &stop,
        .progress = show_progress,
        .progress_context = c,
        .settle_ms = conf_args_number(&c->args, "timeout") * 1000,
    };
    return migrate_context_open(&how, &c->m, err);
}

/* ---- running ---- */

static entrasql_status parse(cli_migration *c, const conf_command *command, int argc, char **argv,
                             entrasql_error *err)
{
    ES_TRY(cli_parse_only(command, argc, argv, &c->args, err));
    const char *path = conf_args_text(&c->args, "config");
    if (path == NULL || conf_args_flag(&c->args, "help"))
        return ENTRASQL_OK;
    ES_TRY(cli_option_file_read(command, path, argc, argv, &c->file, err));
    return conf_args_parse(command, c->file.argc, c->file.argv, &c->args, err);
}

static entrasql_status work_caught(cli_migration *c, cli_migration_work *work, entrasql_error *err)
{
    entrasql_cancel *cancel = NULL;

    ES_TRY(entrasql_cancel_new(&cancel, err));
    running = cancel;
    catch_signals();
    entrasql_status status = work(c, err);
    migrate_context_close(&c->m);
    running = NULL;
    entrasql_cancel_unref(cancel);
    return status;
}

int cli_migration_run(const cli_terminal *t, const conf_command *command, cli_migration_work *work,
                      int argc, char **argv)
{
    cli_migration *c = es_calloc(1, sizeof *c);
    entrasql_error err;
    int exit_code = 0;

    if (cli_is_visit(t, command)) {
        es_free(c);
        return 0;
    }
    if (c == NULL) {
        es_nomem(&err);
        return cli_report(t, &err);
    }
    c->t = t;
    entrasql_status status = parse(c, command, argc, argv, &err);
    if (status == ENTRASQL_OK && conf_args_flag(&c->args, "help")) {
        exit_code = cli_help(t, command);
    } else {
        c->json = status == ENTRASQL_OK && conf_args_flag(&c->args, "json");
        if (status == ENTRASQL_OK)
            status = work_caught(c, work, &err);
        if (status != ENTRASQL_OK && err.hint[0] == '\0')
            migrate_explain_sql(&err);
        if (status != ENTRASQL_OK)
            exit_code = cli_report(t, &err);
        else
            exit_code = cli_end(t, 0);
    }
    entrasql_credential_unref(c->credential);
    migrate_journal_close(c->source);
    cli_option_file_done(&c->file);
    es_free(c);
    return exit_code;
}
