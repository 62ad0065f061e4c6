/* SPDX-License-Identifier: MIT */
/* entrasql emulator user, group, app, identity, database, server: the objects of a running one. */
#include "cli/cmd_emulator.h"

#include "base/mem.h"
#include "base/str.h"
#include "cli/input.h"
#include "cli/suggest.h"
#include "emulator/emulator.h"
#include "json/json.h"

#include "os/file.h"

#include <string.h>

#define REQUEST_MAX_BYTES (64 * 1024)
#define PASSWORD_FILE_MAX_BYTES 4096

#define OPTION_GROUP                                                                               \
    {                                                                                              \
        .name = "group", .type = CONF_OPTION_TEXT, .value_name = "NAME",                           \
        .help = "add: make it a member of this group"                                              \
    }
#define OPTION_TENANT                                                                              \
    {                                                                                              \
        .name = "tenant", .type = CONF_OPTION_TEXT, .value_name = "DOMAIN",                        \
        .help = "add: its tenant (default: the first)"                                             \
    }

static const conf_option user_options[] = {
    CLI_EMULATOR_OPTION_DATA_DIR,
    {.name = "name",
     .type = CONF_OPTION_TEXT,
     .value_name = "NAME",
     .help = "add: the person's name (default: the UPN)"},
    {.name = "password-file",
     .type = CONF_OPTION_FILE,
     .value_name = "FILE",
     .help = "add: its first line is the person's password (default: none)"},
    OPTION_GROUP,
    OPTION_TENANT,
    CLI_EMULATOR_OPTION_JSON,
    CLI_OPTION_HELP,
    {0},
};
static const conf_option group_options[] = {
    CLI_EMULATOR_OPTION_DATA_DIR, OPTION_TENANT, CLI_EMULATOR_OPTION_JSON, CLI_OPTION_HELP, {0}};
static const conf_option app_options[] = {
    CLI_EMULATOR_OPTION_DATA_DIR, OPTION_GROUP,    OPTION_TENANT,
    CLI_EMULATOR_OPTION_JSON,     CLI_OPTION_HELP, {0}};
static const conf_option identity_options[] = {
    CLI_EMULATOR_OPTION_DATA_DIR,
    {.name = "host",
     .type = CONF_OPTION_TEXT,
     .value_name = "HOST",
     .help = "add: the host that it is attached to (default: a web app of its own, NAME-app)"},
    {.name = "system", .type = CONF_OPTION_FLAG, .help = "add: system-assigned, the host's own"},
    OPTION_GROUP,
    OPTION_TENANT,
    CLI_EMULATOR_OPTION_JSON,
    CLI_OPTION_HELP,
    {0},
};
static const conf_option database_options[] = {
    CLI_EMULATOR_OPTION_DATA_DIR, CLI_EMULATOR_OPTION_JSON, CLI_OPTION_HELP, {0}};

static const conf_command user_command = {
    .name = "entrasql emulator user",
    .summary = "Adds, lists, removes people of the running emulator.",
    .positionals = "add|list|remove [UPN]",
    .max_positionals = 2,
    .options = user_options,
};
static const conf_command group_command = {
    .name = "entrasql emulator group",
    .summary = "Adds, lists, removes groups of the running emulator, and their members.",
    .positionals = "add|list|remove [NAME] [MEMBER ...]",
    .max_positionals = CONF_POSITIONALS_MAX,
    .options = group_options,
    .notes = "With members, add and remove change those of a group that is there.",
};
static const conf_command app_command = {
    .name = "entrasql emulator app",
    .summary = "Adds, lists, removes app registrations of the running emulator.",
    .positionals = "add|list|remove [NAME]",
    .max_positionals = 2,
    .options = app_options,
    .notes = "`entrasql emulator env --as NAME` has the client id and secret of an app.",
};
static const conf_command identity_command = {
    .name = "entrasql emulator identity",
    .summary = "Adds, lists, removes managed identities of the running emulator.",
    .positionals = "add|list|remove [NAME]",
    .max_positionals = 2,
    .options = identity_options,
    .notes = "One that is removed and added again has new ids, as in Azure: its database users\n"
             "are orphans then.",
};
static const conf_command database_command = {
    .name = "entrasql emulator database",
    .summary = "Adds and lists databases of the running emulator.",
    .positionals = "add|list [NAME]",
    .max_positionals = 2,
    .options = database_options,
};

typedef struct object_kind {
    const char *name;
    const conf_command *command;
    bool has_group;
    bool is_identity;
} object_kind;

static const object_kind user_kind = {"user", &user_command, true, false};
static const object_kind group_kind = {"group", &group_command, false, false};
static const object_kind app_kind = {"app", &app_command, true, false};
static const object_kind identity_kind = {"identity", &identity_command, true, true};
static const object_kind database_kind = {"database", &database_command, false, false};

/* ---- list ---- */

static void add_cell(es_buf *out, const json_node *object, const char *member, int width,
                     entrasql_status *status)
{
    const char *text = "";
    (void)!json_member_string(object, member, &text, NULL);
    if (*status == ENTRASQL_OK)
        *status = es_buf_printf(out, "%-*s ", width, text);
}

static entrasql_status list_objects(const json_node *root, const char *kind, es_buf *out)
{
    const json_node *list = json_member(root, "objects");
    entrasql_status status = ENTRASQL_OK;
    for (size_t i = 0; i < json_count(list) && status == ENTRASQL_OK; i++) {
        const json_node *o = json_element(list, i);
        const char *its = "";
        (void)!json_member_string(o, "kind", &its, NULL);
        if (!es_streq(its, kind))
            continue;
        add_cell(out, o, es_streq(kind, "user") ? "upn" : "name", 30, &status);
        add_cell(out, o, "object_id", 36, &status);
        if (json_member(o, "client_id") != NULL)
            add_cell(out, o, "client_id", 36, &status);
        if (json_member(o, "host") != NULL)
            add_cell(out, o, "host", 0, &status);
        while (out->len != 0 && out->data[out->len - 1] == ' ')
            es_buf_truncate(out, out->len - 1);
        if (status == ENTRASQL_OK)
            status = es_buf_add_str(out, "\n");
    }
    return status;
}

static entrasql_status list_databases(const json_node *root, es_buf *out)
{
    const json_node *list = json_member(json_member(root, "server"), "databases");
    for (size_t i = 0; i < json_count(list); i++) {
        const char *name = "";
        (void)!json_node_string(json_element(list, i), &name, NULL);
        ES_TRY(es_buf_printf(out, "%s\n", name));
    }
    return ENTRASQL_OK;
}

static void put_matching(json_writer *j, const json_node *root, const char *kind)
{
    const json_node *list = json_member(root, "objects");
    json_begin_array(j);
    for (size_t i = 0; i < json_count(list); i++) {
        const char *its = "";
        (void)!json_member_string(json_element(list, i), "kind", &its, NULL);
        if (es_streq(its, kind))
            json_put_node(j, json_element(list, i));
    }
    json_end_array(j);
}

static entrasql_status list_json(const json_node *root, const char *kind, es_buf *out)
{
    json_writer j;
    json_writer_init(&j, out);
    if (es_streq(kind, "database"))
        json_put_node(&j, json_member(json_member(root, "server"), "databases"));
    else
        put_matching(&j, root, kind);
    ES_TRY(json_writer_end(&j));
    return es_buf_add_str(out, "\n");
}

static entrasql_status list(const char *dir, const conf_args *args, const char *kind, es_buf *out,
                            entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(CLI_EMULATOR_OUTPUT_MAX_BYTES);
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    ES_TRY(emulator_ask(dir, "GET", "state", NULL, 0, &text, err));
    ES_TRY(json_doc_parse(text.data, text.len, &doc, err));
    entrasql_status status;
    if (conf_args_flag(args, "json"))
        status = list_json(json_doc_root(doc), kind, out);
    else if (es_streq(kind, "database"))
        status = list_databases(json_doc_root(doc), out);
    else
        status = list_objects(json_doc_root(doc), kind, out);
    return status == ENTRASQL_OK ? ENTRASQL_OK : es_nomem(err);
}

/* ---- add, remove ---- */

static void put_option(json_writer *j, const conf_args *args, const char *option,
                       const char *member)
{
    if (conf_args_text(args, option) != NULL)
        json_member_put_string(j, member, conf_args_text(args, option));
}

/* *password stays empty when no file is named. */
static entrasql_status read_password(const object_kind *kind, const conf_args *args, bool add,
                                     es_buf *password, entrasql_error *err)
{
    const char *file = kind == &user_kind ? conf_args_text(args, "password-file") : NULL;
    if (file == NULL)
        return ENTRASQL_OK;
    if (!add)
        return es_fail(err, ENTRASQL_INVALID, "--password-file is for add");
    ES_TRY(cli_input_status(os_file_read(file, password, err), "check that it is the right file",
                            err));
    const char *text = es_buf_cstr(password);
    if (text == NULL)
        return es_nomem(err);
    es_buf_truncate(password, strcspn(text, "\r\n"));
    return password->len != 0 ? ENTRASQL_OK
                              : es_fail(err, ENTRASQL_INVALID, "%s: the first line is empty", file);
}

static entrasql_status write_request(const object_kind *kind, const conf_args *args, bool add,
                                     const es_buf *password, es_buf *out)
{
    json_writer j;
    json_writer_init(&j, out);
    json_begin_object(&j);
    json_member_put_string(&j, "action", args->positionals[0]);
    json_member_put_string(&j, "kind", kind->name);
    json_member_put_string(&j, kind == &user_kind ? "upn" : "name", args->positionals[1]);
    if (kind == &user_kind)
        put_option(&j, args, "name", "name");
    if (password->len != 0) {
        json_name(&j, "password");
        json_put_text(&j, (const char *)password->data, password->len);
    }
    if (kind != &database_kind)
        put_option(&j, args, "tenant", "tenant");
    if (kind->is_identity && add) {
        put_option(&j, args, "host", "host");
        json_member_put_bool(&j, "system", conf_args_flag(args, "system"));
    }
    if (kind->has_group && conf_args_text(args, "group") != NULL) {
        json_name(&j, "groups");
        json_begin_array(&j);
        json_put_string(&j, conf_args_text(args, "group"));
        json_end_array(&j);
    }
    if (args->positional_count > 2) {
        json_name(&j, "members");
        json_begin_array(&j);
        for (unsigned i = 2; i < args->positional_count; i++)
            json_put_string(&j, args->positionals[i]);
        json_end_array(&j);
    }
    json_end_object(&j);
    return json_writer_end(&j);
}

/* Sends a change; its own words become the output. */
static entrasql_status send_change(const char *dir, const es_buf *request, es_buf *out,
                                   entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf answer = ES_BUF_INIT(CLI_EMULATOR_OUTPUT_MAX_BYTES);
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    const char *said = "";
    ES_TRY(emulator_ask(dir, "POST", "objects", request->data, request->len, &answer, err));
    ES_TRY(json_doc_parse(answer.data, answer.len, &doc, err));
    (void)!json_member_string(json_doc_root(doc), "said", &said, NULL);
    return es_buf_printf(out, "%s\n", said) == ENTRASQL_OK ? ENTRASQL_OK : es_nomem(err);
}

static entrasql_status change(const char *dir, const object_kind *kind, const conf_args *args,
                              bool add, es_buf *out, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf request = ES_BUF_INIT_WIPE(REQUEST_MAX_BYTES);
    ES_CLEANUP(es_buf_done) es_buf password = ES_BUF_INIT_WIPE(PASSWORD_FILE_MAX_BYTES);
    if (args->positional_count < 2) {
        (void)es_fail(err, ENTRASQL_INVALID, "%s %s needs a name", kind->name,
                      args->positionals[0]);
        es_hint(err, "%s %s %s", kind->command->name, args->positionals[0],
                kind == &user_kind ? "UPN" : "NAME");
        return ENTRASQL_INVALID;
    }
    ES_TRY(read_password(kind, args, add, &password, err));
    if (write_request(kind, args, add, &password, &request) != ENTRASQL_OK)
        return es_fail(err, ENTRASQL_INVALID, "the names are not valid UTF-8, or too long");
    return send_change(dir, &request, out, err);
}

static entrasql_status run_word(const object_kind *kind, const conf_args *args, es_buf *out,
                                entrasql_error *err)
{
    ES_CLEANUP(es_cleanup_free) char *dir = NULL;
    const char *word = args->positional_count != 0 ? args->positionals[0] : "";
    const char *choices = kind == &database_kind ? "add|list" : "add|list|remove";
    if (!conf_is_choice(choices, word)) {
        (void)cli_refuse_choice(kind->command->name, choices, word, err);
        if (kind == &database_kind && es_streq(word, "remove"))
            es_hint(err, "A database is dropped in SQL: DROP DATABASE, in master.");
        return ENTRASQL_INVALID;
    }
    ES_TRY(cli_emulator_data_dir(args, &dir, err));
    if (!es_streq(word, "list"))
        return change(dir, kind, args, es_streq(word, "add"), out, err);
    if (args->positional_count == 1)
        return list(dir, args, kind->name, out, err);
    (void)es_fail(err, ENTRASQL_INVALID, "list has all of them, and takes no name");
    es_hint(err, "%s list --json says everything that is known of each", kind->command->name);
    return ENTRASQL_INVALID;
}

static int run_objects(const cli_terminal *t, const object_kind *kind, int argc, char **argv)
{
    ES_CLEANUP(es_buf_done) es_buf out = ES_BUF_INIT(CLI_EMULATOR_OUTPUT_MAX_BYTES);
    conf_args args;
    entrasql_error err;
    int exit_code = 0;

    if (!cli_parse(t, kind->command, argc, argv, &args, &exit_code))
        return exit_code;
    if (run_word(kind, &args, &out, &err) != ENTRASQL_OK || cli_write(t, &out, &err) != ENTRASQL_OK)
        return cli_report(t, &err);
    return 0;
}

int cli_emulator_user(const cli_terminal *t, int argc, char **argv)
{
    return run_objects(t, &user_kind, argc, argv);
}

int cli_emulator_group(const cli_terminal *t, int argc, char **argv)
{
    return run_objects(t, &group_kind, argc, argv);
}

int cli_emulator_app(const cli_terminal *t, int argc, char **argv)
{
    return run_objects(t, &app_kind, argc, argv);
}

int cli_emulator_identity(const cli_terminal *t, int argc, char **argv)
{
    return run_objects(t, &identity_kind, argc, argv);
}

int cli_emulator_database(const cli_terminal *t, int argc, char **argv)
{
    return run_objects(t, &database_kind, argc, argv);
}

/* ---- server ---- */

static const conf_option server_options[] = {
    CLI_EMULATOR_OPTION_DATA_DIR,
    {.name = "admin",
     .type = CONF_OPTION_TEXT,
     .value_name = "NAME",
     .help = "the server's Entra admin: a user, group, app or identity; \"none\""},
    {.name = "entra-only",
     .type = CONF_OPTION_CHOICE,
     .choices = "on|off",
     .help = "whether SQL logins are refused"},
    CLI_OPTION_HELP,
    {0},
};

static const conf_command server_command = {
    .name = "entrasql emulator server",
    .summary = "Sets the Entra admin and the Entra-only switch of the running emulator's server.",
    .options = server_options,
};

static entrasql_status write_server_request(const conf_args *args, es_buf *out)
{
    const char *admin = conf_args_text(args, "admin");
    const char *entra_only = conf_args_text(args, "entra-only");
    json_writer j;
    json_writer_init(&j, out);
    json_begin_object(&j);
    json_member_put_string(&j, "action", "set");
    json_member_put_string(&j, "kind", "server");
    if (admin != NULL)
        json_member_put_string(&j, "admin", es_streq(admin, "none") ? NULL : admin);
    if (entra_only != NULL)
        json_member_put_bool(&j, "entra_only", es_streq(entra_only, "on"));
    json_end_object(&j);
    return json_writer_end(&j);
}

int cli_emulator_server(const cli_terminal *t, int argc, char **argv)
{
    ES_CLEANUP(es_cleanup_free) char *dir = NULL;
    ES_CLEANUP(es_buf_done) es_buf request = ES_BUF_INIT(REQUEST_MAX_BYTES);
    ES_CLEANUP(es_buf_done) es_buf out = ES_BUF_INIT(CLI_EMULATOR_OUTPUT_MAX_BYTES);
    conf_args args;
    entrasql_error err;
    int exit_code = 0;

    if (!cli_parse(t, &server_command, argc, argv, &args, &exit_code))
        return exit_code;
    if (conf_args_text(&args, "admin") == NULL && conf_args_text(&args, "entra-only") == NULL) {
        es_fail(&err, ENTRASQL_INVALID, "nothing is to be set: --admin or --entra-only is missing");
        es_hint(&err, "%s --help says more", server_command.name);
        return cli_report(t, &err);
    }
    if (write_server_request(&args, &request) != ENTRASQL_OK) {
        es_fail(&err, ENTRASQL_INVALID, "--admin is not valid UTF-8, or too long");
        es_hint(&err, "entrasql emulator status lists the names");
        return cli_report(t, &err);
    }
    if (cli_emulator_data_dir(&args, &dir, &err) != ENTRASQL_OK ||
        send_change(dir, &request, &out, &err) != ENTRASQL_OK ||
        cli_write(t, &out, &err) != ENTRASQL_OK)
        return cli_report(t, &err);
    return 0;
}
