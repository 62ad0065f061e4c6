/* SPDX-License-Identifier: MIT */
/* entrasql migrate: an application from a password to a managed identity. */
#include "cli/cmd_migrate.h"

#include "base/mem.h"
#include "base/str.h"
#include "conf/form.h"
#include "json/json.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define OUTPUT_MAX_BYTES (16 * 1024 * 1024)

/* ---- tables ---- */

#define OPTION(name_text, value, text)                                                             \
    {                                                                                              \
        .name = (name_text), .type = CONF_OPTION_TEXT, .value_name = (value), .help = (text)       \
    }
#define FLAG(name_text, text)                                                                      \
    {                                                                                              \
        .name = (name_text), .type = CONF_OPTION_FLAG, .help = (text)                              \
    }

#define OPTIONS_WHAT                                                                               \
    {.name = "config",                                                                             \
     .type = CONF_OPTION_FILE,                                                                     \
     .value_name = "FILE",                                                                         \
     .help = "a file with these options, a line \"name = value\" each"},                           \
        OPTION("azure-subscription", "ID", "the subscription"),                                    \
        OPTION("resource-group", "NAME", "of the application"),                                    \
        OPTION("host", "KIND", "where the application runs: see below"),                           \
        OPTION("app", "NAME", "the application or machine"),                                       \
        OPTION("slot", "NAME", "its deployment slot"),                                             \
        OPTION("service", "NAME", "Spring Apps: the service that it is in"),                       \
        OPTION("deployment", "NAME", "Spring Apps: not the active one"),                           \
        OPTION("container", "NAME", "Container Apps: not the first one"),                          \
        OPTION("service-account", "NAMESPACE:NAME", "AKS: who the pods are"),                      \
        FLAG("kubelet", "AKS: the nodes' identity instead, as in the tutorial; see the plan"),     \
        OPTION("unit", "NAME", "machines: the systemd service (default: APP.service)"),            \
        FLAG("run-command", "machines: set the variables inside, by run-command"),                 \
        OPTION("sql-server", "NAME", "the server, without .database.windows.net"),                 \
        OPTION("sql-resource-group", "NAME", "when it is another one"),                            \
        OPTION("sql-address", "HOST[,PORT]", "the server as it is reached from here"),             \
        {.name = "database",                                                                       \
         .short_name = 'd',                                                                        \
         .type = CONF_OPTION_TEXT,                                                                 \
         .value_name = "NAME",                                                                     \
         .help = "the database"},                                                                  \
        OPTION("identity", "NAME", "the user-assigned identity; made when missing"),               \
        OPTION("identity-resource-group", "NAME", "when it is another one"),                       \
        FLAG("system-identity", "the host's system-assigned identity instead"),                    \
        OPTION("user-name", "NAME", "its database user (default: the identity's name)"),           \
        FLAG("by-name", "the server looks the identity up in Entra"),                              \
        FLAG("repair-user", "a user of that name with another id is made again"),                  \
        {.name = "profile",                                                                        \
         .type = CONF_OPTION_CHOICE,                                                               \
         .choices = migrate_profile_names,                                                         \
         .help = "what the identity may do (default: " MIGRATE_PROFILE_DEFAULT ")"},               \
        OPTION("schema", "NAME", "of the application's tables (default: dbo)"),                    \
        OPTION("roles", "A,B", "further roles, which exist"),                                      \
        OPTION("developer", "me", "a database user for who is signed in here, too"),               \
        OPTION("admin", "me|NAME", "the server's Entra admin, when it has none"),                  \
        OPTION("admin-id", "ID", "object id of that person or group"),                             \
        FLAG("replace-admin", "also when there is another one"),                                   \
        OPTION("setting", "NAME",                                                                  \
               "the variable with the connection string (default: AZURE_SQL_CONNECTIONSTRING)"),   \
        OPTION("connection-string", "NAME", "App Service: its connection string instead"),         \
        FLAG("all-settings", "also every other one that has a password for the server"),           \
        {.name = "form",                                                                           \
         .type = CONF_OPTION_CHOICE,                                                               \
         .choices = conf_form_names,                                                               \
         .help = "of the connection string (default: seen from it)"},                              \
        {.name = "sign-in",                                                                        \
         .type = CONF_OPTION_CHOICE,                                                               \
         .choices = "default|identity",                                                            \
         .help = "DefaultAzureCredential, or the managed identity by the driver"},                 \
        FLAG("sticky", "the settings stay with the slot"),                                         \
        FLAG("no-firewall", "never make a firewall rule"),                                         \
        {.name = "journal",                                                                        \
         .type = CONF_OPTION_FILE,                                                                 \
         .value_name = "FILE",                                                                     \
         .help = "where the run is recorded (default: in the state folder)"},                      \
        FLAG("json", "print JSON"),                                                                \
        {.name = "timeout",                                                                        \
         .type = CONF_OPTION_NUMBER,                                                               \
         .value_name = "SECONDS",                                                                  \
         .min = 1,                                                                                 \
         .max = 3600,                                                                              \
         .help = "how long to wait for Azure to follow (default: 300)"},                           \
        OPTION("arm-endpoint", "URL", "of Azure Resource Manager (default: the cloud's)"),         \
        CLI_CREDENTIAL_OPTIONS, CLI_OPTION_HELP, {0},
#define OPTION_KEEP_OLD                                                                            \
    {                                                                                              \
        .name = "keep-old", .type = CONF_OPTION_FILE, .value_name = "FILE",                        \
        .help = "where old settings with a password are kept for a rollback"                       \
    }

#define OPTION_YES                                                                                 \
    {                                                                                              \
        .name = "yes", .short_name = 'y', .type = CONF_OPTION_FLAG, .help = "do not ask"           \
    }

static const conf_option plan_options[] = {
    FLAG("script", "print T-SQL and az commands for people instead"), OPTIONS_WHAT};
static const conf_option apply_options[] = {
    OPTION_KEEP_OLD, FLAG("discard-old", "old settings with a password are given up"),
    OPTION("plan", "HASH", "what `migrate plan` printed; another state is refused"), OPTION_YES,
    OPTIONS_WHAT};
static const conf_option verify_options[] = {
    FLAG("inside", "here runs the application: sign in with its environment"), OPTIONS_WHAT};
static const conf_option rollback_options[] = {OPTION_KEEP_OLD, OPTION_YES, OPTIONS_WHAT};
static const conf_option retire_options[] = {
    OPTION_KEEP_OLD,
    FLAG("discard-old", "a container app's secret with the old string is given up"),
    FLAG("check", "only look who still has a password"),
    FLAG("force", "also when somebody signs in with a password just now"),
    OPTION_YES,
    OPTIONS_WHAT};

#define HOSTS_NOTE                                                                                 \
    "Hosts: app-service, function-app, container-app, spring-app, vm, vmss, aks. Whoever runs\n"   \
    "this signs in to Azure and to the database as --credential says. The run is recorded in a\n"  \
    "journal without secrets: with --journal alone the other options come from there."

static const conf_command plan_command = {
    .name = "entrasql migrate plan",
    .summary = "Shows what moving an application to a managed identity takes; changes nothing.",
    .options = plan_options,
    .notes = HOSTS_NOTE,
};
static const conf_command apply_command = {
    .name = "entrasql migrate apply",
    .summary = "Moves an application to a managed identity, step by step; goes on after a stop.",
    .options = apply_options,
    .notes = HOSTS_NOTE
    "\n\nA connection string with a password is lost unless --keep-old names a file (0600) for "
    "it;\n"
    "--discard-old says that it may be. What was done stays done: running it again goes on\n"
    "where it stopped, and changes nothing when all is done.",
};
static const conf_command verify_command = {
    .name = "entrasql migrate verify",
    .summary = "Looks whether the migration works, and waits for Azure to settle.",
    .options = verify_options,
    .notes = HOSTS_NOTE
    "\n\nFrom outside nobody can sign in as the identity: run it with --inside on the host (no\n"
    "rights in Azure needed) to do that.",
};
static const conf_command rollback_command = {
    .name = "entrasql migrate rollback",
    .summary = "Puts back what the journal says that was changed.",
    .options = rollback_options,
    .notes = HOSTS_NOTE "\n\nIt asks first; without a terminal --yes has to be said.",
};
static const conf_command retire_command = {
    .name = "entrasql migrate retire",
    .summary = "Last step: refuses passwords on the whole server (Entra-only authentication).",
    .options = retire_options,
    .notes = HOSTS_NOTE
    "\n\nOnly after a verified run. It stops every SQL login of every database of the server, and\n"
    "asks first (without a terminal --yes has to be said); --check only looks. It can be\n"
    "switched off again (migrate rollback, or az sql server ad-only-auth disable). A container\n"
    "app's secret with the old connection string is removed: --keep-old names a file (0600) for\n"
    "it, which a rollback needs; --discard-old gives it up.",
};

/* ---- output ---- */

static entrasql_status show(const cli_migration *c, es_buf *out, entrasql_status built,
                            entrasql_error *err)
{
    ES_TRY(migrate_built(built, err));
    return cli_write(c->t, out, err);
}

static void say(void *ctx, const char *text)
{
    const cli_migration *c = ctx;
    FILE *to = c->json ? c->t->err : c->t->out;
    char shown[4096];

    es_printable(shown, sizeof shown, text, strlen(text));
    (void)fprintf(to, "%s\n", shown);
    (void)fflush(to);
}

/* What apply, rollback and retire end with. */
static entrasql_status show_end(cli_migration *c, const char *action, const char *next,
                                entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf out = ES_BUF_INIT(OUTPUT_MAX_BYTES);
    const migrate_journal *j = c->m.journal;
    json_writer w;

    if (!c->json) {
        say(c, action);
        if (next != NULL)
            say(c, next);
        return ENTRASQL_OK;
    }
    json_writer_init(&w, &out);
    json_begin_object(&w);
    json_member_put_string(&w, "result", action);
    json_member_put_string(&w, "plan", j != NULL ? migrate_journal_head_text(j, "plan") : NULL);
    json_member_put_string(&w, "journal", j != NULL ? migrate_journal_path(j) : NULL);
    json_end_object(&w);
    entrasql_status status = json_writer_end(&w);
    if (status == ENTRASQL_OK)
        status = es_buf_u8(&out, '\n');
    return show(c, &out, status, err);
}

/* ---- plan ---- */

static entrasql_status run_plan(cli_migration *c, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf out = ES_BUF_INIT(OUTPUT_MAX_BYTES);
    ES_CLEANUP(migrate_plan_done) migrate_plan p = {0};

    ES_TRY(cli_migration_open(c, err));
    ES_TRY(migrate_plan_make(&c->m, &p, err));
    if (conf_args_flag(&c->args, "script")) {
        ES_TRY(migrate_plan_script(&c->m, &p, &out, err));
        return cli_write(c->t, &out, err);
    }
    entrasql_status status =
        c->json ? migrate_plan_json(&c->m, &p, &out) : migrate_plan_text(&c->m, &p, &out);
    return show(c, &out, status, err);
}

/* ---- apply ---- */

static const migrate_view *view_of(const migrate_plan *p, const char *name)
{
    for (size_t i = 0; i < p->count; i++) {
        if (es_streq(p->steps[i]->name, name))
            return &p->views[i];
    }
    return NULL;
}

static bool ask(const cli_migration *c, const char *question, char *ret, size_t size)
{
    (void)fprintf(c->t->err, "%s ", question);
    (void)fflush(c->t->err);
    if (fgets(ret, (int)size, c->t->in) == NULL)
        return false;
    ret[strcspn(ret, "\r\n")] = '\0';
    return true;
}

static entrasql_status ask_yes(const cli_migration *c, const char *question, entrasql_error *err)
{
    char answer[16];

    if (ask(c, question, answer, sizeof answer) &&
        (es_strcaseeq(answer, "y") || es_strcaseeq(answer, "yes")))
        return ENTRASQL_OK;
    return es_fail(err, ENTRASQL_CANCELLED, "nothing was changed");
}

/* A rollback may be run from another folder: the journal has the whole path. */
static entrasql_status keep_in(cli_migration *c, const char *path, entrasql_error *err)
{
    char cwd[sizeof c->kept];

    cwd[0] = '\0';
    if (path[0] != '/' && getcwd(cwd, sizeof cwd) == NULL)
        return es_fail_errno(err, errno, "cannot tell the current folder");
    int n = snprintf(c->kept, sizeof c->kept, "%s%s%s", cwd, path[0] != '/' ? "/" : "", path);
    if (n < 0 || (size_t)n >= sizeof c->kept)
        return es_fail(err, ENTRASQL_INVALID, "the path of --keep-old is too long");
    c->m.keep_old = c->kept;
    return ENTRASQL_OK;
}

/* Whether the old string is kept or given up has to be somebody's word. */
static entrasql_status choose_old(cli_migration *c, const migrate_plan *p, entrasql_error *err)
{
    const migrate_view *v = view_of(p, "settings");
    bool discard = conf_args_flag(&c->args, "discard-old");

    const char *file = conf_args_text(&c->args, "keep-old");
    if (file != NULL && discard)
        return es_fail(err, ENTRASQL_INVALID, "--keep-old and --discard-old: one of them");
    if (file != NULL)
        return keep_in(c, file, err);
    if (discard || v == NULL || v->lost.len == 0 || v->state == MIGRATE_OK)
        return ENTRASQL_OK;
    if (c->t->in_is_terminal && !conf_args_flag(&c->args, "yes") &&
        ask(c, "The old connection string has a password. File to keep it in (empty: give it up):",
            c->typed, sizeof c->typed)) {
        return c->typed[0] != '\0' ? keep_in(c, c->typed, err) : ENTRASQL_OK;
    }
    es_fail(err, ENTRASQL_INVALID,
            "the old connection string has a password, and nobody said what becomes of it");
    es_hint(err, "--keep-old FILE keeps it for a rollback (mode 0600); --discard-old gives it up.");
    return ENTRASQL_INVALID;
}

static entrasql_status agree(const cli_migration *c, const migrate_plan *p, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf out = ES_BUF_INIT(OUTPUT_MAX_BYTES);
    const char *hash = conf_args_text(&c->args, "plan");

    if (hash != NULL && !es_streq(hash, p->hash)) {
        es_fail(err, ENTRASQL_EXISTS, "the state has moved since the plan %s was made", hash);
        es_hint(err, "Look at it again: entrasql migrate plan");
        return ENTRASQL_EXISTS;
    }
    if (hash != NULL || conf_args_flag(&c->args, "yes"))
        return ENTRASQL_OK;
    if (!c->t->in_is_terminal) {
        es_fail(err, ENTRASQL_INVALID, "nobody is there to agree to the plan");
        es_hint(err, "Give --plan with what `entrasql migrate plan` printed, or --yes.");
        return ENTRASQL_INVALID;
    }
    ES_TRY(migrate_built(migrate_plan_text(&c->m, p, &out), err));
    (void)fwrite(out.data, 1, out.len, c->t->err);
    return ask_yes(c, "Apply this? [y/N]", err);
}

/* The run ended before it had a journal: there is nothing to go on from. */
static entrasql_status nothing_begun(const cli_migration *c, entrasql_error *err)
{
    if (err->hint[0] == '\0')
        es_hint(err, "Nothing was changed. The journal is to be %s: --journal names another file.",
                c->path);
    return err->status;
}

static entrasql_status run_apply(cli_migration *c, entrasql_error *err)
{
    ES_CLEANUP(migrate_plan_done) migrate_plan p = {0};

    ES_TRY(cli_migration_open(c, err));
    ES_TRY(cli_migration_journal(c, true, err));
    bool is_new = c->m.journal == NULL;
    ES_TRY(migrate_plan_make(&c->m, &p, err));
    if (p.todo == 0 && is_new)
        return show_end(c, "nothing to do", NULL, err);
    ES_TRY(choose_old(c, &p, err));
    if (is_new)
        ES_TRY(agree(c, &p, err));
    else
        say(c, "going on from the journal");
    entrasql_status status = migrate_apply(&c->m, &p, c->path, say, c, err);
    if (status != ENTRASQL_OK) {
        if (c->m.journal == NULL)
            return nothing_begun(c, err);
        if (err->hint[0] == '\0')
            es_hint(err,
                    "What was done stays. Apply again to go on, or roll back: entrasql migrate "
                    "rollback --journal %s",
                    c->path);
        return status;
    }
    return show_end(c, "applied", "next: entrasql migrate verify, and on the host verify --inside",
                    err);
}

/* ---- verify ---- */

static entrasql_status verdict_json(const migrate_verdict *v, es_buf *out)
{
    json_writer w;
    json_writer_init(&w, out);
    json_begin_object(&w);
    json_member_put_bool(&w, "ok", v->is_ok);
    json_name(&w, "checks");
    json_begin_array(&w);
    for (size_t i = 0; i < v->count; i++) {
        json_begin_object(&w);
        json_member_put_string(&w, "name", v->checks[i].name);
        json_member_put_bool(&w, "ok", v->checks[i].is_ok);
        json_member_put_bool(&w, "seen", !v->checks[i].is_skipped);
        json_member_put_bool(&w, "warning", v->checks[i].is_warning);
        json_member_put_string(&w, "text", v->checks[i].text);
        json_end_object(&w);
    }
    json_end_array(&w);
    json_end_object(&w);
    ES_TRY(json_writer_end(&w));
    return es_buf_u8(out, '\n');
}

static entrasql_status verdict_text(const migrate_verdict *v, es_buf *out)
{
    for (size_t i = 0; i < v->count; i++) {
        const migrate_check *one = &v->checks[i];
        ES_TRY(es_buf_printf(out, "%-9s %-10s %s\n",
                             one->is_skipped   ? "not seen"
                             : one->is_warning ? "warning"
                             : one->is_ok      ? "ok"
                                               : "WRONG",
                             one->name, one->text));
    }
    return ENTRASQL_OK;
}

static entrasql_status show_verdict(const cli_migration *c, const migrate_verdict *v,
                                    entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf out = ES_BUF_INIT(OUTPUT_MAX_BYTES);

    ES_TRY(show(c, &out, c->json ? verdict_json(v, &out) : verdict_text(v, &out), err));
    if (v->is_ok)
        return ENTRASQL_OK;
    es_fail(err, ENTRASQL_LOGIN_FAILED, "the migration does not work (yet)");
    es_hint(err,
            "entrasql migrate apply does what is missing; entrasql doctor looks at one sign-in.");
    return ENTRASQL_LOGIN_FAILED;
}

static entrasql_status run_verify(cli_migration *c, entrasql_error *err)
{
    migrate_verdict v;
    uint32_t timeout = conf_args_number(&c->args, "timeout");

    if (conf_args_flag(&c->args, "inside")) {
        ES_TRY(cli_migration_credential(c, err));
        const char *name = conf_args_text(&c->args, "setting");
        const char *user = conf_args_text(&c->args, "user-name");
        ES_TRY(migrate_verify_inside(name != NULL ? name : "AZURE_SQL_CONNECTIONSTRING",
                                     c->credential, conf_args_text(&c->args, "ca-file"),
                                     user != NULL ? user : conf_args_text(&c->args, "identity"),
                                     (timeout != 0 ? timeout : 300) * 1000, &v, err));
        return show_verdict(c, &v, err);
    }
    ES_TRY(cli_migration_open(c, err));
    ES_TRY(cli_migration_journal(c, true, err));
    ES_TRY(migrate_verify(&c->m, &v, err));
    if (v.is_ok && c->m.journal != NULL)
        ES_TRY(migrate_journal_add(c->m.journal, "verify", MIGRATE_EVENT_DONE, NULL, err));
    return show_verdict(c, &v, err);
}

/* ---- rollback, retire ---- */

static entrasql_status need_journal(cli_migration *c, entrasql_error *err)
{
    ES_TRY(cli_migration_open(c, err));
    ES_TRY(cli_migration_journal(c, true, err));
    if (c->m.journal != NULL)
        return ENTRASQL_OK;
    es_fail(err, ENTRASQL_NOT_FOUND, "there is no journal %s", c->path);
    es_hint(err, "Name it with --journal, or give the options that it was made with.");
    return ENTRASQL_NOT_FOUND;
}

/* Somebody has to have said yes to `what`: here, or by --yes. */
static entrasql_status consent(const cli_migration *c, const char *what, const char *question,
                               entrasql_error *err)
{
    if (conf_args_flag(&c->args, "yes"))
        return ENTRASQL_OK;
    if (c->t->in_is_terminal) {
        char shown[1200];

        es_printable(shown, sizeof shown, what, strlen(what));
        (void)fprintf(c->t->err, "%s\n", shown);
        return ask_yes(c, question, err);
    }
    es_fail(err, ENTRASQL_INVALID, "nobody is there to agree: %s", what);
    es_hint(err, "Give --yes. Nothing was changed.");
    return ENTRASQL_INVALID;
}

static entrasql_status agree_to_rollback(const cli_migration *c, entrasql_error *err)
{
    char what[1024];

    (void)snprintf(what, sizeof what,
                   "%s, its identity and its user on %s go back to how they were before the "
                   "migration",
                   c->options.app, c->options.sql_server);
    return consent(c, what, "Roll it back? [y/N]", err);
}

static entrasql_status agree_to_retire(void *ctx, entrasql_error *err)
{
    const cli_migration *c = ctx;
    char what[1024];

    (void)snprintf(what, sizeof what,
                   "the server %s refuses every password from then on: all SQL logins of all its "
                   "databases stop, also those of other applications, tools and backups",
                   c->options.sql_server);
    return consent(c, what, "Refuse passwords on the whole server? [y/N]", err);
}

static entrasql_status run_rollback(cli_migration *c, entrasql_error *err)
{
    ES_TRY(need_journal(c, err));
    if (!migrate_has_to_roll_back(&c->m))
        return show_end(c, "nothing to roll back", NULL, err);
    ES_TRY(agree_to_rollback(c, err));
    c->m.keep_old = conf_args_text(&c->args, "keep-old");
    entrasql_status status = migrate_rollback(&c->m, say, c, err);
    if (status != ENTRASQL_OK && err->hint[0] == '\0')
        es_hint(err,
                "It is not rolled back in whole; what was put back stays so. Go on with entrasql "
                "migrate rollback --journal %s, or the other way with apply.",
                c->path);
    ES_TRY(status);
    return show_end(c, "rolled back", NULL, err);
}

static entrasql_status run_retire(cli_migration *c, entrasql_error *err)
{
    const char *file = conf_args_text(&c->args, "keep-old");
    const migrate_retire_options o = {.only_check = conf_args_flag(&c->args, "check"),
                                      .force = conf_args_flag(&c->args, "force"),
                                      .discard_old = conf_args_flag(&c->args, "discard-old"),
                                      .agree = agree_to_retire,
                                      .agree_context = c};

    if (file != NULL && o.discard_old)
        return es_fail(err, ENTRASQL_INVALID, "--keep-old and --discard-old: one of them");
    ES_TRY(need_journal(c, err));
    if (file != NULL)
        ES_TRY(keep_in(c, file, err));
    ES_TRY(migrate_retire(&c->m, &o, say, c, err));
    return show_end(c, o.only_check ? "looked, changed nothing" : "passwords are refused now", NULL,
                    err);
}

/* ---- words ---- */

static int migrate_plan_word(const cli_terminal *t, int argc, char **argv)
{
    return cli_migration_run(t, &plan_command, run_plan, argc, argv);
}

static int migrate_apply_word(const cli_terminal *t, int argc, char **argv)
{
    return cli_migration_run(t, &apply_command, run_apply, argc, argv);
}

static int migrate_verify_word(const cli_terminal *t, int argc, char **argv)
{
    return cli_migration_run(t, &verify_command, run_verify, argc, argv);
}

static int migrate_rollback_word(const cli_terminal *t, int argc, char **argv)
{
    return cli_migration_run(t, &rollback_command, run_rollback, argc, argv);
}

static int migrate_retire_word(const cli_terminal *t, int argc, char **argv)
{
    return cli_migration_run(t, &retire_command, run_retire, argc, argv);
}

int cli_migrate(const cli_terminal *t, int argc, char **argv)
{
    static const cli_command words[] = {
        {"plan", "what is, what will be, and which rights that needs", migrate_plan_word},
        {"apply", "do it, step by step", migrate_apply_word},
        {"verify", "look whether it works", migrate_verify_word},
        {"rollback", "put everything back", migrate_rollback_word},
        {"retire", "refuse passwords on the whole server", migrate_retire_word},
    };
    return cli_run_word(t, "entrasql migrate",
                        "Moves an application on Azure from a password to a managed identity.",
                        words, ES_COUNT_OF(words), argc, argv);
}
