/* SPDX-License-Identifier: MIT */
/* entrasql user: the Entra users of a database. */
#include "cli/cli.h"

#include "base/mem.h"
#include "base/str.h"
#include "cli/connect.h"
#include "cli/text.h"
#include "identity/claims.h"
#include "migrate/explain.h"
#include "migrate/rows.h"
#include "migrate/user.h"
#include "json/json.h"

#include <string.h>

#define OUTPUT_MAX_BYTES (16 * 1024 * 1024)

#define OPTION_JSON                                                                                \
    {                                                                                              \
        .name = "json", .type = CONF_OPTION_FLAG, .help = "print JSON"                             \
    }
#define OPTION_DRY_RUN                                                                             \
    {                                                                                              \
        .name = "dry-run", .type = CONF_OPTION_FLAG,                                               \
        .help = "print the T-SQL that would run, and run nothing"                                  \
    }
#define OPTIONS_WHO                                                                                \
    {.name = "app-id",                                                                             \
     .type = CONF_OPTION_TEXT,                                                                     \
     .value_name = "ID",                                                                           \
     .help = "client id of the app, service principal or managed identity"},                       \
        {.name = "user-id",                                                                        \
         .type = CONF_OPTION_TEXT,                                                                 \
         .value_name = "ID",                                                                       \
         .help = "object id of the person"},                                                       \
        {.name = "group-id",                                                                       \
         .type = CONF_OPTION_TEXT,                                                                 \
         .value_name = "ID",                                                                       \
         .help = "object id of the group"},                                                        \
        {.name = "with-object-id",                                                                 \
         .type = CONF_OPTION_TEXT,                                                                 \
         .value_name = "ID",                                                                       \
         .help = "object id that tells namesakes apart, looked up by the server"},                 \
    {                                                                                              \
        .name = "default-schema", .type = CONF_OPTION_TEXT, .value_name = "NAME",                  \
        .help = "the schema of names without one"                                                  \
    }

static const conf_option add_options[] = {
    OPTIONS_WHO,
    {.name = "me", .type = CONF_OPTION_FLAG, .help = "who is signed in here, in place of NAME"},
    {.name = "profile",
     .type = CONF_OPTION_CHOICE,
     .choices = migrate_profile_names,
     .default_value = MIGRATE_PROFILE_DEFAULT,
     .help = "what the user may do"},
    {.name = "schema",
     .type = CONF_OPTION_TEXT,
     .value_name = "NAME",
     .default_value = "dbo",
     .help = "the schema of the app's tables and procedures"},
    {.name = "roles",
     .type = CONF_OPTION_TEXT,
     .value_name = "A,B",
     .help = "further roles, which exist"},
    OPTION_DRY_RUN,
    OPTION_JSON,
    CLI_CONNECT_OPTIONS,
    CLI_OPTION_HELP,
    {0},
};
static const conf_option list_options[] = {
    {.name = "all", .type = CONF_OPTION_FLAG, .help = "also users with a password"},
    OPTION_JSON,
    CLI_CONNECT_OPTIONS,
    CLI_OPTION_HELP,
    {0},
};
static const conf_option remove_options[] = {
    OPTION_DRY_RUN, OPTION_JSON, CLI_CONNECT_OPTIONS, CLI_OPTION_HELP, {0}};
static const conf_option repair_options[] = {OPTIONS_WHO,         OPTION_DRY_RUN,  OPTION_JSON,
                                             CLI_CONNECT_OPTIONS, CLI_OPTION_HELP, {0}};

static const conf_command add_command = {
    .name = "entrasql user add",
    .summary = "Makes a database user for an Entra principal and gives it its roles.",
    .positionals = "[NAME]",
    .max_positionals = 1,
    .options = add_options,
    .notes =
        "NAME is the UPN of a person, or the display name of a group, app or identity, and the\n"
        "server looks it up in Entra; with --app-id, --user-id or --group-id it does not, and\n"
        "nobody needs rights in Entra. What is there already is left as it is.\n\n"
        "Profiles: reader may SELECT in the schema; writer also INSERT, UPDATE, DELETE; app also\n"
        "EXECUTE; tutorial has db_datareader, db_datawriter and db_ddladmin (may change any\n"
        "object); none may connect.",
};
static const conf_command list_command = {
    .name = "entrasql user list",
    .summary = "Lists the Entra users of a database with their ids, roles and permissions.",
    .options = list_options,
};
static const conf_command remove_command = {
    .name = "entrasql user remove",
    .summary = "Drops an Entra user of a database.",
    .positionals = "NAME",
    .max_positionals = 1,
    .options = remove_options,
};
static const conf_command repair_command = {
    .name = "entrasql user repair",
    .summary = "Gives a user the id that its principal has now; roles and permissions stay.",
    .positionals = "NAME",
    .max_positionals = 1,
    .options = repair_options,
    .notes = "An identity that was deleted and made again has a new id: its old user has the name\n"
             "but cannot sign in (18456). Without an id the server looks the name up in Entra.",
};

/* ---- who ---- */

static entrasql_status name_is_missing(const char *example, entrasql_error *err)
{
    es_fail(err, ENTRASQL_INVALID, "the name of the user is missing");
    es_hint(err, "entrasql user %s; entrasql user list shows those that are there", example);
    return ENTRASQL_INVALID;
}

static entrasql_status read_id(const conf_args *args, migrate_user *u, entrasql_error *err)
{
    static const struct {
        const char *option;
        char type;
    } forms[] = {{"app-id", 'E'}, {"user-id", 'E'}, {"group-id", 'X'}};
    unsigned given = 0;

    u->object_id = conf_args_text(args, "with-object-id");
    given += u->object_id != NULL;
    for (size_t i = 0; i < ES_COUNT_OF(forms); i++) {
        const char *id = conf_args_text(args, forms[i].option);
        if (id == NULL)
            continue;
        if (es_guid_parse(id, u->sid) != ENTRASQL_OK)
            return es_fail(err, ENTRASQL_INVALID, "--%s is not a GUID", forms[i].option);
        u->has_sid = true;
        u->type = forms[i].type;
        given++;
    }
    if (given > 1)
        return es_fail(err, ENTRASQL_INVALID,
                       "--app-id, --user-id, --group-id and --with-object-id: only one of them");
    return ENTRASQL_OK;
}

/* The person of the credential: by object id, so that nobody is asked. An app: by client id. */
static entrasql_status read_me(entrasql_credential *credential, identity_claims *claims,
                               migrate_user *u, entrasql_error *err)
{
    const entrasql_token_request request = {.size = sizeof request, .scope = ENTRASQL_SCOPE_SQL};
    entrasql_token *token = NULL;

    if (credential == NULL)
        return es_fail(err, ENTRASQL_INVALID, "--me: this is a SQL login, not an Entra sign-in");
    ES_TRY(entrasql_credential_get_token(credential, &request, &token, err));
    entrasql_status status = identity_claims_read(entrasql_token_value(token), claims, err);
    entrasql_token_free(token);
    ES_TRY(status);
    bool is_app = claims->upn[0] == '\0';
    if (is_app && u->name == NULL) {
        es_fail(err, ENTRASQL_INVALID, "--me: an app is signed in here, and its token has no name");
        es_hint(err, "Give the name, too: entrasql user add NAME --me");
        return ENTRASQL_INVALID;
    }
    if (u->name == NULL)
        u->name = claims->upn;
    u->type = 'E';
    u->has_sid = true;
    if (es_guid_parse(is_app ? claims->appid : claims->oid, u->sid) != ENTRASQL_OK)
        return es_fail(err, ENTRASQL_MALFORMED, "the token names no id of who is signed in");
    return ENTRASQL_OK;
}

/* ---- output ---- */

typedef struct outcome {
    const char *name;
    const char *word; /* "added", "removed" ... */
    bool is_dry_run;
    const migrate_changes *changes;
    const migrate_principal *now; /* as it is afterwards; NULL: not there, or not looked at */
} outcome;

static void put_lines(json_writer *w, const char *name, const es_buf *lines)
{
    const char *p = (const char *)lines->data;
    size_t left = lines->len;

    json_name(w, name);
    json_begin_array(w);
    while (left != 0) {
        const char *end = memchr(p, '\n', left);
        size_t n = end != NULL ? (size_t)(end - p) : left;
        json_put_text(w, p, n);
        left -= end != NULL ? n + 1 : n;
        p += end != NULL ? n + 1 : n;
    }
    json_end_array(w);
}

static entrasql_status outcome_json(const outcome *o, es_buf *out)
{
    char id[ES_GUID_TEXT_SIZE];
    const char type[2] = {o->now != NULL ? o->now->type : '\0', '\0'};
    json_writer w;

    json_writer_init(&w, out);
    json_begin_object(&w);
    json_member_put_string(&w, "name", o->name);
    json_member_put_string(&w, "action", o->changes->count != 0 ? o->word : "unchanged");
    json_member_put_bool(&w, "dryRun", o->is_dry_run);
    if (o->now != NULL && o->now->sid_length >= MIGRATE_SID_BYTES) {
        es_guid_format(o->now->sid, id);
        json_member_put_string(&w, "id", id);
        json_member_put_string(&w, "type", type);
    }
    put_lines(&w, "changes", &o->changes->notes);
    put_lines(&w, "sql", &o->changes->sql);
    json_end_object(&w);
    ES_TRY(json_writer_end(&w));
    return es_buf_u8(out, '\n');
}

static entrasql_status outcome_text(const outcome *o, es_buf *out)
{
    if (o->is_dry_run)
        return es_buf_add(out, o->changes->sql.data, o->changes->sql.len);
    if (o->changes->count == 0) {
        ES_TRY(cli_text_add(out, o->name, strlen(o->name), CLI_TEXT_LINE));
        return es_buf_add_str(out, ": nothing to do\n");
    }
    return es_buf_add(out, o->changes->notes.data, o->changes->notes.len);
}

static entrasql_status show_outcome(const cli_terminal *t, const conf_args *args, const outcome *o,
                                    entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf out = ES_BUF_INIT(OUTPUT_MAX_BYTES);
    entrasql_status status =
        conf_args_flag(args, "json") ? outcome_json(o, &out) : outcome_text(o, &out);
    if (status != ENTRASQL_OK)
        return es_fail(err, status, "the result cannot be shown");
    return cli_write(t, &out, err);
}

/* ---- add ---- */

static entrasql_status after(sql_conn *c, const char *name, migrate_principals *ret,
                             const migrate_principal **ret_user, entrasql_error *err)
{
    ES_TRY(migrate_principals_read(c, ret, err));
    *ret_user = migrate_principal_by_name(ret, name);
    return ENTRASQL_OK;
}

static entrasql_status add_user(const cli_terminal *t, const conf_args *args, sql_conn *c,
                                const migrate_user *u, entrasql_error *err)
{
    ES_CLEANUP(migrate_principals_done) migrate_principals before = {0};
    ES_CLEANUP(migrate_principals_done) migrate_principals now = {0};
    ES_CLEANUP(migrate_changes_done) migrate_changes changes = MIGRATE_CHANGES_INIT;
    outcome o = {.name = u->name, .word = "added", .changes = &changes};

    ES_TRY(migrate_principals_read(c, &before, err));
    ES_TRY(migrate_user_diff(&before, u, &changes, err));
    o.is_dry_run = conf_args_flag(args, "dry-run");
    if (!o.is_dry_run) {
        ES_TRY(migrate_changes_run(c, &changes, err));
        ES_TRY(after(c, u->name, &now, &o.now, err));
    }
    return show_outcome(t, args, &o, err);
}

static entrasql_status run_add(const cli_terminal *t, const conf_args *args, entrasql_error *err)
{
    const char *roles = conf_args_text(args, "roles");
    ES_CLEANUP(es_cleanup_free) char *list = es_strdup(roles);
    migrate_user u = {
        .name = args->positional_count != 0 ? args->positionals[0] : NULL,
        .type = 'E',
        .profile = migrate_profile_find(conf_args_text(args, "profile")),
        .schema = conf_args_text(args, "schema"),
        .default_schema = conf_args_text(args, "default-schema"),
    };
    bool is_me = conf_args_flag(args, "me");
    entrasql_credential *credential = NULL;
    identity_claims claims;
    sql_conn *c = NULL;

    if (roles != NULL && list == NULL)
        return es_nomem(err);
    ES_TRY(migrate_user_take_roles(&u, list, err));
    ES_TRY(read_id(args, &u, err));
    if (!is_me && u.name == NULL)
        return name_is_missing("add NAME, or add --me", err);
    if (is_me && (u.has_sid || u.object_id != NULL))
        return es_fail(err, ENTRASQL_INVALID, "--me says who it is: no id with it");
    if (u.name != NULL)
        ES_TRY(migrate_user_check(&u, err));
    ES_TRY(cli_connect(args, &credential, &c, err));
    entrasql_status status = is_me ? read_me(credential, &claims, &u, err) : ENTRASQL_OK;
    if (status == ENTRASQL_OK)
        status = add_user(t, args, c, &u, err);
    entrasql_credential_unref(credential);
    sql_close(c);
    return status;
}

/* ---- remove ---- */

static entrasql_status run_remove(const cli_terminal *t, const conf_args *args, entrasql_error *err)
{
    ES_CLEANUP(migrate_principals_done) migrate_principals before = {0};
    ES_CLEANUP(migrate_changes_done) migrate_changes changes = MIGRATE_CHANGES_INIT;
    sql_conn *c = NULL;

    if (args->positional_count == 0)
        return name_is_missing("remove NAME", err);
    outcome o = {.name = args->positionals[0], .word = "removed", .changes = &changes};
    o.is_dry_run = conf_args_flag(args, "dry-run");
    ES_TRY(cli_connect(args, NULL, &c, err));
    entrasql_status status = migrate_principals_read(c, &before, err);
    if (status == ENTRASQL_OK)
        status = migrate_user_drop(&before, o.name, &changes, err);
    if (status == ENTRASQL_OK && !o.is_dry_run)
        status = migrate_changes_run(c, &changes, err);
    sql_close(c);
    ES_TRY(status);
    return show_outcome(t, args, &o, err);
}

/* ---- repair ---- */

/*
 * By name the new id is known only once the user was made again: in a
 * transaction, which is kept when the id is another one.
 */
static entrasql_status rebuild_by_name(sql_conn *c, const migrate_principal *old,
                                       migrate_changes *changes, entrasql_error *err)
{
    ES_CLEANUP(migrate_principals_done) migrate_principals now = {0};
    ES_CLEANUP(es_buf_done) es_buf batch = ES_BUF_INIT(2 * 1024 * 1024);

    if (es_buf_add_str(&batch, "SET XACT_ABORT ON;\nBEGIN TRANSACTION;\n") != ENTRASQL_OK ||
        es_buf_add(&batch, changes->sql.data, changes->sql.len) != ENTRASQL_OK)
        return es_nomem(err);
    const char *text = es_buf_cstr(&batch);
    if (text == NULL)
        return es_nomem(err);
    entrasql_status status = migrate_query(c, text, NULL, NULL, err);
    if (status != ENTRASQL_OK) {
        migrate_explain_sql(err);
        return status;
    }
    ES_TRY(migrate_principals_read(c, &now, err));
    const migrate_principal *again = migrate_principal_by_name(&now, old->name);
    if (again != NULL && old->sid_length >= MIGRATE_SID_BYTES &&
        migrate_principal_has_sid(again, old->sid)) {
        migrate_changes_done(changes);
        *changes = MIGRATE_CHANGES_INIT;
        return migrate_query(c, "ROLLBACK", NULL, NULL, err);
    }
    return migrate_query(c, "COMMIT", NULL, NULL, err);
}

static entrasql_status repair_user(const cli_terminal *t, const conf_args *args, sql_conn *c,
                                   const migrate_user *u, entrasql_error *err)
{
    ES_CLEANUP(migrate_principals_done) migrate_principals before = {0};
    ES_CLEANUP(migrate_principals_done) migrate_principals now = {0};
    ES_CLEANUP(migrate_changes_done) migrate_changes changes = MIGRATE_CHANGES_INIT;
    outcome o = {.name = u->name, .word = "repaired", .changes = &changes};

    o.is_dry_run = conf_args_flag(args, "dry-run");
    ES_TRY(migrate_principals_read(c, &before, err));
    ES_TRY(migrate_user_rebuild(&before, u, &changes, err));
    if (!o.is_dry_run) {
        ES_TRY(u->has_sid ? migrate_changes_run(c, &changes, err)
                          : rebuild_by_name(c, migrate_principal_by_name(&before, u->name),
                                            &changes, err));
        ES_TRY(after(c, u->name, &now, &o.now, err));
    }
    return show_outcome(t, args, &o, err);
}

static entrasql_status run_repair(const cli_terminal *t, const conf_args *args, entrasql_error *err)
{
    migrate_user u = {
        .type = 'E',
        .profile = migrate_profile_find("none"),
        .schema = "dbo",
        .default_schema = conf_args_text(args, "default-schema"),
    };
    sql_conn *c = NULL;

    if (args->positional_count == 0)
        return name_is_missing("repair NAME", err);
    u.name = args->positionals[0];
    ES_TRY(read_id(args, &u, err));
    ES_TRY(migrate_user_check(&u, err));
    ES_TRY(cli_connect(args, NULL, &c, err));
    entrasql_status status = repair_user(t, args, c, &u, err);
    sql_close(c);
    return status;
}

/* ---- list ---- */

static bool is_listed(const migrate_principal *p, bool all)
{
    return migrate_principal_is_external(p) || (all && p->type == 'S' && p->id > 4);
}

static const char *kind_of(const migrate_principal *p)
{
    if (p->type == 'S')
        return p->auth == 1 ? "sql login" : "sql password";
    return p->type == 'X' ? "group" : "user, app or identity";
}

static void list_json(const migrate_principals *p, const migrate_principal *u, json_writer *w)
{
    char id[ES_GUID_TEXT_SIZE] = "";

    json_begin_object(w);
    json_member_put_string(w, "name", u->name);
    json_member_put_string(w, "kind", kind_of(u));
    if (migrate_principal_is_external(u) && u->sid_length >= MIGRATE_SID_BYTES) {
        es_guid_format(u->sid, id);
        json_member_put_string(w, "id", id);
    }
    json_name(w, "roles");
    json_begin_array(w);
    for (size_t i = 0; i < p->member_count; i++) {
        const migrate_principal *role = migrate_principal_by_id(p, p->members[i].role);
        if (p->members[i].member == u->id && role != NULL)
            json_put_string(w, role->name);
    }
    json_end_array(w);
    json_name(w, "permissions");
    json_begin_array(w);
    for (size_t i = 0; i < p->permission_count; i++) {
        if (p->permissions[i].grantee == u->id)
            json_put_string(w, p->permissions[i].permission);
    }
    json_end_array(w);
    json_end_object(w);
}

static entrasql_status list_text(const migrate_principals *p, const migrate_principal *u,
                                 es_buf *out)
{
    char id[ES_GUID_TEXT_SIZE] = "-";
    const char *comma = "  ";

    if (migrate_principal_is_external(u) && u->sid_length >= MIGRATE_SID_BYTES)
        es_guid_format(u->sid, id);
    size_t width = cli_text_width(u->name, strlen(u->name));
    ES_TRY(cli_text_add(out, u->name, strlen(u->name), CLI_TEXT_LINE));
    ES_TRY(es_buf_fill(out, ' ', width < 32 ? 32 - width : 1));
    ES_TRY(es_buf_printf(out, "%-36s  %-21s", id, kind_of(u)));
    for (size_t i = 0; i < p->member_count; i++) {
        const migrate_principal *role = migrate_principal_by_id(p, p->members[i].role);
        if (p->members[i].member != u->id || role == NULL)
            continue;
        ES_TRY(es_buf_add_str(out, comma));
        ES_TRY(cli_text_add(out, role->name, strlen(role->name), CLI_TEXT_LINE));
        comma = ", ";
    }
    while (out->len != 0 && out->data[out->len - 1] == ' ')
        es_buf_truncate(out, out->len - 1);
    return es_buf_u8(out, '\n');
}

static entrasql_status list_users(const migrate_principals *p, bool all, bool json, es_buf *out)
{
    json_writer w;

    json_writer_init(&w, out);
    if (json)
        json_begin_array(&w);
    for (size_t i = 0; i < p->count; i++) {
        if (!is_listed(&p->list[i], all))
            continue;
        if (json)
            list_json(p, &p->list[i], &w);
        else
            ES_TRY(list_text(p, &p->list[i], out));
    }
    if (!json)
        return ENTRASQL_OK;
    json_end_array(&w);
    ES_TRY(json_writer_end(&w));
    return es_buf_u8(out, '\n');
}

static entrasql_status run_list(const cli_terminal *t, const conf_args *args, entrasql_error *err)
{
    ES_CLEANUP(migrate_principals_done) migrate_principals p = {0};
    ES_CLEANUP(es_buf_done) es_buf out = ES_BUF_INIT(OUTPUT_MAX_BYTES);
    sql_conn *c = NULL;

    ES_TRY(cli_connect(args, NULL, &c, err));
    entrasql_status status = migrate_principals_read(c, &p, err);
    sql_close(c);
    ES_TRY(status);
    if (list_users(&p, conf_args_flag(args, "all"), conf_args_flag(args, "json"), &out) !=
        ENTRASQL_OK)
        return es_nomem(err);
    return cli_write(t, &out, err);
}

/* ---- words ---- */

typedef entrasql_status work(const cli_terminal *t, const conf_args *args, entrasql_error *err);

static int run_word(const cli_terminal *t, const conf_command *command, work *run, int argc,
                    char **argv)
{
    conf_args args;
    entrasql_error err;
    int exit_code = 0;

    if (!cli_parse(t, command, argc, argv, &args, &exit_code))
        return exit_code;
    if (run(t, &args, &err) == ENTRASQL_OK)
        return 0;
    if (err.hint[0] == '\0')
        migrate_explain_sql(&err);
    return cli_report(t, &err);
}

static int user_add(const cli_terminal *t, int argc, char **argv)
{
    return run_word(t, &add_command, run_add, argc, argv);
}

static int user_list(const cli_terminal *t, int argc, char **argv)
{
    return run_word(t, &list_command, run_list, argc, argv);
}

static int user_remove(const cli_terminal *t, int argc, char **argv)
{
    return run_word(t, &remove_command, run_remove, argc, argv);
}

static int user_repair(const cli_terminal *t, int argc, char **argv)
{
    return run_word(t, &repair_command, run_repair, argc, argv);
}

int cli_user(const cli_terminal *t, int argc, char **argv)
{
    static const cli_command words[] = {
        {"add", "make a user for an Entra principal", user_add},
        {"list", "the Entra users of the database", user_list},
        {"remove", "drop an Entra user", user_remove},
        {"repair", "give a user the id that its principal has now", user_repair},
    };
    return cli_run_word(t, "entrasql user", "Entra users of a database.", words, ES_COUNT_OF(words),
                        argc, argv);
}
