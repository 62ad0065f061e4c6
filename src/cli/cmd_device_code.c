/* SPDX-License-Identifier: MIT */
/* entrasql emulator device-code: the person at the other device, for scripts. */
#include "cli/cli.h"

#include "base/mem.h"
#include "base/str.h"
#include "cli/suggest.h"
#include "emulator/emulator.h"

static const conf_option options[] = {
    {.name = "as", .type = CONF_OPTION_TEXT, .value_name = "USER", .help = "who signs in"},
    {.name = "data-dir",
     .type = CONF_OPTION_FILE,
     .value_name = "DIR",
     .help = "the emulator's state (default: ~/.local/state/entrasql/emulator)"},
    CLI_OPTION_HELP,
    {0},
};

static const conf_command command = {
    .name = "entrasql emulator device-code",
    .summary = "Answers the code that a device shows, as the person would on the page.",
    .positionals = "approve|refuse CODE",
    .max_positionals = 2,
    .options = options,
    .notes = "  entrasql emulator device-code approve ABCDEFGHJ --as dev@contoso.example",
};

static entrasql_status read_words(const conf_args *args, const char **ret_user, entrasql_error *err)
{
    const char *user = conf_args_text(args, "as");
    const char *word = args->positional_count != 0 ? args->positionals[0] : "";
    bool approves = es_streq(word, "approve");
    if (!approves && !es_streq(word, "refuse"))
        return cli_refuse_choice(command.name, "approve|refuse", word, err);
    if (args->positional_count != 2) {
        es_fail(err, ENTRASQL_INVALID, "%s: the code is missing", word);
        es_hint(err, "entrasql emulator device-code approve CODE --as USER");
        return ENTRASQL_INVALID;
    }
    if (approves && es_str_is_empty(user))
        return es_fail(err, ENTRASQL_INVALID, "--as is missing: who signs in");
    if (!approves && user != NULL)
        return es_fail(err, ENTRASQL_INVALID, "--as has no meaning with refuse");
    *ret_user = approves ? user : NULL;
    return ENTRASQL_OK;
}

int cli_emulator_device_code(const cli_terminal *t, int argc, char **argv)
{
    ES_CLEANUP(es_cleanup_free) char *dir = NULL;
    const char *user = NULL;
    conf_args args;
    entrasql_error err;
    int exit_code = 0;

    if (!cli_parse(t, &command, argc, argv, &args, &exit_code))
        return exit_code;
    if (read_words(&args, &user, &err) != ENTRASQL_OK ||
        emulator_data_dir(conf_args_text(&args, "data-dir"), &dir, &err) != ENTRASQL_OK ||
        emulator_answer_device_code(dir, args.positionals[1], user, &err) != ENTRASQL_OK)
        return cli_report(t, &err);
    return 0;
}
