/* SPDX-License-Identifier: MIT */
/* entrasql emulator right: who may what in the emulated Azure Resource Manager. */
#include "cmd_emulator.h"

#include "base/mem.h"
#include "cli/suggest.h"
#include "emulator/emulator.h"
#include "json/json.h"

#define REQUEST_MAX_BYTES 16384
#define RIGHT_WORDS "give|refuse|give-role|take-role|policy-deny|policy-allow|unregister"

static const conf_option right_options[] = {
    CLI_EMULATOR_OPTION_DATA_DIR,
    {.name = "as",
     .type = CONF_OPTION_TEXT,
     .value_name = "NAME",
     .help = "whose right it is: a user, group, app or identity"},
    {.name = "scope",
     .type = CONF_OPTION_TEXT,
     .value_name = "ID",
     .help = "a group's or resource's id (default: the subscription)"},
    CLI_OPTION_HELP,
    {0},
};

static const conf_command right_command = {
    .name = "entrasql emulator right",
    .summary = "Gives and refuses rights in the emulated Azure Resource Manager, action by action.",
    .positionals = "WORD TEXT",
    .options = right_options,
    .max_positionals = 2,
    .notes = "  give ACTION, refuse ACTION    such as Microsoft.Sql/servers/administrators/write\n"
             "  give-role ROLE, take-role ROLE|all\n"
             "  policy-deny TYPE, policy-allow TYPE\n"
             "                                writes of a type of resources, by a policy\n"
             "  unregister NAMESPACE          the provider has to be registered again",
};

static entrasql_status write_request(const conf_args *args, es_buf *out)
{
    json_writer j;
    json_writer_init(&j, out);
    json_begin_object(&j);
    json_member_put_string(&j, "word", args->positionals[0]);
    json_member_put_string(&j, "what", args->positionals[1]);
    if (conf_args_text(args, "as") != NULL)
        json_member_put_string(&j, "principal", conf_args_text(args, "as"));
    if (conf_args_text(args, "scope") != NULL)
        json_member_put_string(&j, "scope", conf_args_text(args, "scope"));
    json_end_object(&j);
    return json_writer_end(&j);
}

static entrasql_status run(const char *dir, const conf_args *args, es_buf *out, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf request = ES_BUF_INIT(REQUEST_MAX_BYTES);
    ES_CLEANUP(es_buf_done) es_buf answer = ES_BUF_INIT(CLI_EMULATOR_OUTPUT_MAX_BYTES);
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    const char *said = "";
    if (args->positional_count == 0 || !conf_is_choice(RIGHT_WORDS, args->positionals[0]))
        return cli_refuse_choice(right_command.name, RIGHT_WORDS,
                                 args->positional_count != 0 ? args->positionals[0] : NULL, err);
    if (args->positional_count != 2) {
        (void)es_fail(err, ENTRASQL_INVALID, "right %s needs a text", args->positionals[0]);
        es_hint(err, "%s --help says which", right_command.name);
        return ENTRASQL_INVALID;
    }
    if (write_request(args, &request) != ENTRASQL_OK)
        return es_fail(err, ENTRASQL_INVALID, "the names are not valid UTF-8, or too long");
    ES_TRY(emulator_ask(dir, "POST", "rights", request.data, request.len, &answer, err));
    ES_TRY(json_doc_parse(answer.data, answer.len, &doc, err));
    (void)!json_member_string(json_doc_root(doc), "said", &said, NULL);
    return es_buf_printf(out, "%s\n", said) == ENTRASQL_OK ? ENTRASQL_OK : es_nomem(err);
}

int cli_emulator_right(const cli_terminal *t, int argc, char **argv)
{
    ES_CLEANUP(es_cleanup_free) char *dir = NULL;
    ES_CLEANUP(es_buf_done) es_buf out = ES_BUF_INIT(CLI_EMULATOR_OUTPUT_MAX_BYTES);
    conf_args args;
    entrasql_error err;
    int exit_code = 0;

    if (!cli_parse(t, &right_command, argc, argv, &args, &exit_code))
        return exit_code;
    if (cli_emulator_data_dir(&args, &dir, &err) != ENTRASQL_OK ||
        run(dir, &args, &out, &err) != ENTRASQL_OK || cli_write(t, &out, &err) != ENTRASQL_OK)
        return cli_report(t, &err);
    return 0;
}
