/* SPDX-License-Identifier: MIT */
/* entrasql emulator fault, token, reset, seed, status. */
#include "cli/cmd_emulator.h"

#include "base/mem.h"
#include "base/str.h"
#include "emulator/emulator.h"
#include "json/json.h"

#include <string.h>

#define REQUEST_MAX_BYTES 4096

/* ---- fault ---- */

static const conf_option fault_options[] = {
    CLI_EMULATOR_OPTION_DATA_DIR,
    {.name = "count",
     .type = CONF_OPTION_NUMBER,
     .value_name = "N",
     .max = 1000000,
     .help = "on: strike so many times; 0: until it is switched off"},
    {.name = "value",
     .type = CONF_OPTION_NUMBER,
     .value_name = "N",
     .max = 600000,
     .help = "on: its figure, such as milliseconds"},
    CLI_EMULATOR_OPTION_JSON,
    CLI_OPTION_HELP,
    {0},
};

static const conf_command fault_command = {
    .name = "entrasql emulator fault",
    .summary = "Switches faults of the running emulator on and off, or lists them.",
    .positionals = "list | NAME on|off | all off",
    .max_positionals = 2,
    .options = fault_options,
};

static entrasql_status write_fault_request(const conf_args *args, es_buf *out)
{
    json_writer j;
    json_writer_init(&j, out);
    json_begin_object(&j);
    json_member_put_string(&j, "name", args->positionals[0]);
    json_member_put_bool(&j, "on", es_streq(args->positionals[1], "on"));
    if (conf_args_text(args, "count") != NULL)
        json_member_put_i64(&j, "count", conf_args_number(args, "count"));
    if (conf_args_text(args, "value") != NULL)
        json_member_put_i64(&j, "value", conf_args_number(args, "value"));
    json_end_object(&j);
    return json_writer_end(&j);
}

static entrasql_status said_by(const es_buf *answer, es_buf *out, entrasql_error *err)
{
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    const char *said = "";
    ES_TRY(json_doc_parse(answer->data, answer->len, &doc, err));
    (void)!json_member_string(json_doc_root(doc), "said", &said, NULL);
    return es_buf_printf(out, "%s\n", said) == ENTRASQL_OK ? ENTRASQL_OK : es_nomem(err);
}

static entrasql_status add_fault_line(const json_node *row, es_buf *out)
{
    const char *name = "", *help = "";
    bool on = false;
    int64_t left = 0;
    (void)!json_member_string(row, "name", &name, NULL);
    (void)!json_member_string(row, "help", &help, NULL);
    (void)!json_member_bool(row, "on", &on);
    bool limited = json_member_i64(row, "left", &left) == ENTRASQL_OK;
    ES_TRY(es_buf_printf(out, "%-20s %-4s ", name, on ? "on" : "off"));
    if (on && limited)
        ES_TRY(es_buf_printf(out, "(%lld left) ", (long long)left));
    return es_buf_printf(out, "%s\n", help);
}

static entrasql_status list_faults(const char *dir, bool json, es_buf *out, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(CLI_EMULATOR_OUTPUT_MAX_BYTES);
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    entrasql_status status = ENTRASQL_OK;
    ES_TRY(emulator_ask(dir, "GET", "state", NULL, 0, &text, err));
    ES_TRY(json_doc_parse(text.data, text.len, &doc, err));
    const json_node *list = json_member(json_doc_root(doc), "faults");
    if (json) {
        json_writer j;
        json_writer_init(&j, out);
        json_put_node(&j, list);
        status = json_writer_end(&j);
        return status == ENTRASQL_OK && es_buf_u8(out, '\n') == ENTRASQL_OK ? ENTRASQL_OK
                                                                            : es_nomem(err);
    }
    for (size_t i = 0; i < json_count(list) && status == ENTRASQL_OK; i++)
        status = add_fault_line(json_element(list, i), out);
    return status == ENTRASQL_OK ? ENTRASQL_OK : es_nomem(err);
}

static entrasql_status check_fault_words(const conf_args *args, entrasql_error *err)
{
    static const char example[] =
        "entrasql emulator fault sql-firewall on; entrasql emulator fault list has all names";
    const char *word = args->positional_count == 2 ? args->positionals[1] : NULL;
    if (args->positional_count == 0)
        (void)es_fail(err, ENTRASQL_INVALID, "a fault's name is missing, or list");
    else if (word == NULL)
        (void)es_fail(err, ENTRASQL_INVALID, "fault '%s': on or off is missing",
                      args->positionals[0]);
    else if (!conf_is_choice("on|off", word))
        conf_refuse_choice("entrasql emulator fault", "on|off", word, ENTRASQL_INVALID, err);
    else
        return ENTRASQL_OK;
    es_hint(err, example);
    return ENTRASQL_INVALID;
}

static entrasql_status run_fault(const conf_args *args, es_buf *out, entrasql_error *err)
{
    ES_CLEANUP(es_cleanup_free) char *dir = NULL;
    ES_CLEANUP(es_buf_done) es_buf request = ES_BUF_INIT(REQUEST_MAX_BYTES);
    ES_CLEANUP(es_buf_done) es_buf answer = ES_BUF_INIT(CLI_EMULATOR_OUTPUT_MAX_BYTES);
    ES_TRY(cli_emulator_data_dir(args, &dir, err));
    if (args->positional_count == 1 && es_streq(args->positionals[0], "list"))
        return list_faults(dir, conf_args_flag(args, "json"), out, err);
    ES_TRY(check_fault_words(args, err));
    if (write_fault_request(args, &request) != ENTRASQL_OK)
        return es_fail(err, ENTRASQL_INVALID, "the fault's name is not fit");
    ES_TRY(emulator_ask(dir, "POST", "faults", request.data, request.len, &answer, err));
    return said_by(&answer, out, err);
}

int cli_emulator_fault(const cli_terminal *t, int argc, char **argv)
{
    ES_CLEANUP(es_buf_done) es_buf out = ES_BUF_INIT(CLI_EMULATOR_OUTPUT_MAX_BYTES);
    conf_args args;
    entrasql_error err;
    int exit_code = 0;

    if (!cli_parse(t, &fault_command, argc, argv, &args, &exit_code))
        return exit_code;
    if (run_fault(&args, &out, &err) != ENTRASQL_OK || cli_write(t, &out, &err) != ENTRASQL_OK)
        return cli_report(t, &err);
    return 0;
}

/* ---- token ---- */

static const conf_option token_options[] = {
    CLI_EMULATOR_OPTION_DATA_DIR,
    {.name = "as",
     .type = CONF_OPTION_TEXT,
     .value_name = "NAME",
     .help = "a user's name, or that of an app or a managed identity"},
    {.name = "resource",
     .type = CONF_OPTION_TEXT,
     .value_name = "URI",
     .help = "what it is for (default: the SQL server's)"},
    {.name = "audience",
     .type = CONF_OPTION_TEXT,
     .value_name = "TEXT",
     .help = "write this as audience, known or not"},
    {.name = "expired", .type = CONF_OPTION_FLAG, .help = "one whose time is over"},
    {.name = "not-yet-valid", .type = CONF_OPTION_FLAG, .help = "one whose time comes in an hour"},
    {.name = "bad-signature", .type = CONF_OPTION_FLAG, .help = "one with a wrong signature"},
    CLI_OPTION_HELP,
    {0},
};

static const conf_command token_command = {
    .name = "entrasql emulator token",
    .summary = "Prints an access token of somebody of the emulated tenant, good or bad, for tests.",
    .options = token_options,
};

static entrasql_status print_token(const conf_args *args, es_buf *out, entrasql_error *err)
{
    ES_CLEANUP(es_cleanup_free) char *dir = NULL;
    ES_TRY(cli_emulator_data_dir(args, &dir, err));
    emulator_token_options options = {
        .data_dir = dir,
        .as = conf_args_text(args, "as"),
        .resource = conf_args_text(args, "resource"),
        .audience = conf_args_text(args, "audience"),
        .expired = conf_args_flag(args, "expired"),
        .not_yet_valid = conf_args_flag(args, "not-yet-valid"),
        .bad_signature = conf_args_flag(args, "bad-signature"),
    };
    if (options.as == NULL) {
        (void)es_fail(err, ENTRASQL_INVALID, "--as is missing");
        es_hint(err, "entrasql emulator token --as MigrationIdentity");
        return ENTRASQL_INVALID;
    }
    if (options.expired && options.not_yet_valid)
        return es_fail(err, ENTRASQL_INVALID, "--expired and --not-yet-valid exclude each other");
    ES_TRY(emulator_token(&options, out, err));
    return es_buf_u8(out, '\n') == ENTRASQL_OK ? ENTRASQL_OK : es_nomem(err);
}

int cli_emulator_token(const cli_terminal *t, int argc, char **argv)
{
    ES_CLEANUP(es_buf_done) es_buf out = ES_BUF_INIT_WIPE(CLI_EMULATOR_OUTPUT_MAX_BYTES);
    conf_args args;
    entrasql_error err;
    int exit_code = 0;

    if (!cli_parse(t, &token_command, argc, argv, &args, &exit_code))
        return exit_code;
    if (print_token(&args, &out, &err) != ENTRASQL_OK || cli_write(t, &out, &err) != ENTRASQL_OK)
        return cli_report(t, &err);
    return 0;
}

/* ---- reset, seed ---- */

static const conf_option bare_options[] = {CLI_EMULATOR_OPTION_DATA_DIR, CLI_OPTION_HELP, {0}};

static const conf_command reset_command = {
    .name = "entrasql emulator reset",
    .summary = "Brings the emulator back to its seed, with empty databases; its ports, keys and "
               "secrets stay.",
    .options = bare_options,
};

int cli_emulator_reset(const cli_terminal *t, int argc, char **argv)
{
    ES_CLEANUP(es_cleanup_free) char *dir = NULL;
    conf_args args;
    entrasql_error err;
    int exit_code = 0;

    if (!cli_parse(t, &reset_command, argc, argv, &args, &exit_code))
        return exit_code;
    if (cli_emulator_data_dir(&args, &dir, &err) != ENTRASQL_OK ||
        emulator_reset(dir, &err) != ENTRASQL_OK)
        return cli_report(t, &err);
    return cli_say(t, "The emulator is as its seed says, with empty databases.");
}

static const conf_command seed_command = {
    .name = "entrasql emulator seed",
    .summary = "Makes a seed file the emulator's world: at once when it runs, else at its start.",
    .positionals = "FILE",
    .max_positionals = 1,
    .options = bare_options,
    .notes = "Databases and what is in them stay; `reset` goes back to the seed of the start.",
};

int cli_emulator_seed(const cli_terminal *t, int argc, char **argv)
{
    ES_CLEANUP(es_cleanup_free) char *dir = NULL;
    ES_CLEANUP(es_buf_done) es_buf out = ES_BUF_INIT(4096);
    conf_args args;
    entrasql_error err;
    int exit_code = 0;

    if (!cli_parse(t, &seed_command, argc, argv, &args, &exit_code))
        return exit_code;
    if (args.positional_count != 1) {
        (void)es_fail(&err, ENTRASQL_INVALID, "the seed file is missing");
        es_hint(&err, "entrasql emulator seed FILE");
        return cli_report(t, &err);
    }
    if (cli_emulator_data_dir(&args, &dir, &err) != ENTRASQL_OK ||
        emulator_seed(dir, args.positionals[0], &out, &err) != ENTRASQL_OK ||
        es_buf_u8(&out, '\n') != ENTRASQL_OK || cli_write(t, &out, &err) != ENTRASQL_OK)
        return cli_report(t, &err);
    return 0;
}

/* ---- status ---- */

static const conf_option status_options[] = {
    CLI_EMULATOR_OPTION_DATA_DIR,
    {.name = "json", .type = CONF_OPTION_FLAG, .help = "print JSON, with objects and logins"},
    CLI_OPTION_HELP,
    {0},
};

static const conf_command status_command = {
    .name = "entrasql emulator status",
    .summary = "Says whether an emulator runs, where it listens, who is there, who came in.",
    .options = status_options,
};

static const char *text_of(const json_node *object, const char *member)
{
    const char *text = "";
    (void)!json_member_string(object, member, &text, NULL);
    return text;
}

static entrasql_status add_names(const json_node *root, const char *kind, const char *title,
                                 es_buf *out)
{
    const json_node *list = json_member(root, "objects");
    bool any = false;
    ES_TRY(es_buf_printf(out, "  %-18s ", title));
    for (size_t i = 0; i < json_count(list); i++) {
        const json_node *o = json_element(list, i);
        if (!es_streq(text_of(o, "kind"), kind))
            continue;
        ES_TRY(es_buf_printf(out, "%s%s", any ? ", " : "",
                             text_of(o, es_streq(kind, "user") ? "upn" : "name")));
        any = true;
    }
    return es_buf_add_str(out, any ? "\n" : "-\n");
}

static entrasql_status add_logins(const json_node *root, es_buf *out)
{
    const json_node *list = json_member(root, "logins");
    int64_t accepted = 0, refused = 0;
    (void)!json_member_i64(root, "logins_accepted", &accepted);
    (void)!json_member_i64(root, "logins_refused", &refused);
    ES_TRY(es_buf_printf(out, "  logins             %lld let in, %lld refused\n",
                         (long long)accepted, (long long)refused));
    for (size_t i = 0; i < json_count(list); i++) {
        const json_node *e = json_element(list, i);
        bool is_accepted = true;
        (void)!json_member_bool(e, "accepted", &is_accepted);
        if (is_accepted)
            continue;
        const char *why = text_of(e, "why");
        return es_buf_printf(out, "  last refusal       %s %s: %s%s%s\n", text_of(e, "at"),
                             text_of(e, "principal"), text_of(e, "text"),
                             *why != '\0' ? " Why: " : "", why);
    }
    return ENTRASQL_OK;
}

/* Where it listens stands as `start` has said it. */
static entrasql_status write_status(const emulator_info *info, const char *data_dir,
                                    const json_node *root, es_buf *out)
{
    const json_node *server = json_member(root, "server");
    const char *admin = text_of(server, "admin");
    const char *backend = text_of(server, "backend");
    ES_TRY(es_buf_printf(out, "entrasql emulator: running, process %d.\n", info->pid));
    ES_TRY(emulator_print_places(info, data_dir, out));
    if (*backend != '\0')
        ES_TRY(es_buf_printf(out, "  backend            %s\n", backend));
    ES_TRY(es_buf_printf(out, "  server             %s, admin %s\n", text_of(server, "name"),
                         *admin != '\0' ? admin : "none"));
    ES_TRY(add_names(root, "user", "users", out));
    ES_TRY(add_names(root, "group", "groups", out));
    ES_TRY(add_names(root, "app", "apps", out));
    ES_TRY(add_names(root, "identity", "managed identities", out));
    return add_logins(root, out);
}

static entrasql_status show_status(const conf_args *args, es_buf *out, entrasql_error *err)
{
    ES_CLEANUP(es_cleanup_free) char *dir = NULL;
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(CLI_EMULATOR_OUTPUT_MAX_BYTES);
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    emulator_info info = {0};
    ES_TRY(cli_emulator_data_dir(args, &dir, err));
    ES_TRY(emulator_ask(dir, "GET", "state", NULL, 0, &text, err));
    if (conf_args_flag(args, "json"))
        return es_buf_add(out, text.data, text.len) == ENTRASQL_OK &&
                       es_buf_u8(out, '\n') == ENTRASQL_OK
                   ? ENTRASQL_OK
                   : es_nomem(err);
    ES_TRY(json_doc_parse(text.data, text.len, &doc, err));
    ES_TRY(emulator_status(dir, &info, err));
    return write_status(&info, dir, json_doc_root(doc), out) == ENTRASQL_OK ? ENTRASQL_OK
                                                                            : es_nomem(err);
}

int cli_emulator_status(const cli_terminal *t, int argc, char **argv)
{
    ES_CLEANUP(es_buf_done) es_buf out = ES_BUF_INIT(CLI_EMULATOR_OUTPUT_MAX_BYTES);
    conf_args args;
    entrasql_error err;
    int exit_code = 0;

    if (!cli_parse(t, &status_command, argc, argv, &args, &exit_code))
        return exit_code;
    entrasql_status status = show_status(&args, &out, &err);
    if (status == ENTRASQL_OK)
        status = conf_args_flag(&args, "json") ? cli_write(t, &out, &err)
                                               : cli_write_prose(t, &out, &err);
    return status == ENTRASQL_OK ? 0 : cli_report(t, &err);
}
