/* SPDX-License-Identifier: MIT */
/* entrasql proxy: TDS clients on this machine, signed in upstream with a token. */
#include "cli/cli.h"

#include "base/nearest.h"
#include "base/str.h"
#include "proxy/options.h"
#include "proxy/proxy.h"

#include <string.h>

static const conf_option options[] = {
    PROXY_OPTIONS_WHERE, CLI_CREDENTIAL_OPTIONS, PROXY_OPTIONS_ACCESS, PROXY_OPTIONS_LIMITS,
    PROXY_OPTIONS_POOL,  PROXY_OPTIONS_OPS,      CLI_OPTION_HELP,      {0},
};

static const conf_command command = {
    .name = "entrasql proxy",
    .summary = "Lets programs that know no tokens connect: they need no secret, it signs in for "
               "them.",
    .positionals = "SERVER[,PORT][/DATABASE][?listen=PORT&...] ...",
    .max_positionals = CONF_POSITIONALS_MAX,
    .options = options,
    .variables = PROXY_VARIABLES,
    .notes =
        "Programs connect to 127.0.0.1, port 1433 for the first target, 1434 for the next and so\n"
        "on, with any user name and password: only the database they ask for counts.\n"
        "\n"
        "Every option is also a variable ENTRASQL_PROXY_NAME, a key of the file's sections, and, "
        "where\n"
        "it makes sense for one target, a key of the target: server/db?listen=1500&pool=on. A "
        "flag\n"
        "goes before a variable, that before the file.\n"
        "\n"
        "entrasql proxy init-tls --dir DIR makes certificates for encrypted clients.\n"
        "A running proxy is asked by `entrasql proxy wait` and `entrasql proxy shutdown`.\n"
        "\n"
        "  entrasql proxy myserver.database.windows.net/mydb\n"
        "  tsql -H 127.0.0.1 -p 1433 -U any -P any",
};

/* What the settings of an identity say of its credential. */
static entrasql_status make_credential(const conf_args *settings, entrasql_credential **ret,
                                       entrasql_error *err)
{
    cli_credential_options credential;
    cli_credential_read(settings, &credential);
    return cli_credential_new(&credential, ret, err);
}

static const cli_command words[] = {
    {"init-tls", "make certificates for encrypted clients", cli_proxy_init_tls},
    {"wait", "wait until the proxy is there", cli_proxy_wait},
    {"shutdown", "tell the proxy to end", cli_proxy_shutdown},
};

/* What somebody may have meant who gave one word: a word of the proxy, or one of the emulator's. */
static const struct {
    const char *word;
    const char *meant;
    bool is_exact; /* servers are called nearly so */
} near_words[] = {
    {"init-tls", "entrasql proxy init-tls", false},
    {"wait", "entrasql proxy wait", false},
    {"shutdown", "entrasql proxy shutdown", false},
    {"start", "entrasql proxy SERVER/DATABASE, which starts it", false},
    {"status", "entrasql proxy wait, which says whether it is there", false},
    {"state", "entrasql proxy wait, which says whether it is there", true},
    {"stop", "entrasql proxy shutdown", false},
    {"restart", "entrasql proxy shutdown, and then entrasql proxy SERVER/DATABASE", true},
};

static bool may_be_server(const char *word)
{
    return word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")] ==
           '\0';
}

static entrasql_status refuse_late_word(const char *word, entrasql_error *err)
{
    es_fail(err, ENTRASQL_INVALID, "'%s' stands behind options", word);
    es_hint(err,
            "Options follow the word: entrasql proxy %s ... A server of that name is written "
            "%s/DATABASE.",
            word, word);
    return ENTRASQL_INVALID;
}

static entrasql_status refuse_near_word(const char *word, entrasql_error *err)
{
    es_nearest near = {0};
    char shown[80];
    if (word[0] == '-' || strpbrk(word, "/,.:?") != NULL)
        return ENTRASQL_OK;
    for (size_t i = 0; i < ES_COUNT_OF(words); i++)
        if (es_streq(word, words[i].name))
            return refuse_late_word(word, err);
    for (size_t i = 0; i < ES_COUNT_OF(near_words); i++)
        if (!near_words[i].is_exact || es_streq(word, near_words[i].word))
            es_nearest_offer(&near, word, strlen(word), near_words[i].word);
    es_printable(shown, sizeof shown, word, strlen(word));
    for (size_t i = 0; i < ES_COUNT_OF(near_words); i++) {
        if (near.word != near_words[i].word)
            continue;
        es_fail(err, ENTRASQL_INVALID, "'%s' is no word of entrasql proxy", shown);
        if (may_be_server(word))
            es_hint(err, "Did you mean %s? A server of that name is written %s/DATABASE.",
                    near_words[i].meant, shown);
        else
            es_hint(err, "Did you mean %s?", near_words[i].meant);
        return ENTRASQL_INVALID;
    }
    return ENTRASQL_OK;
}

int cli_proxy(const cli_terminal *t, int argc, char **argv)
{
    static char help_option[] = "--help";
    static char *help_line[] = {help_option, NULL};
    conf_args args;
    entrasql_error err;
    int exit_code = 0;

    /* Not a target: no server is called so. */
    bool asked = argc > 0 && es_streq(argv[0], "help");
    if (asked) {
        argc--;
        argv++;
    }
    for (size_t i = 0; argc > 0 && i < ES_COUNT_OF(words); i++)
        if (es_streq(argv[0], words[i].name))
            return asked ? words[i].run(t, 1, help_line) : words[i].run(t, argc - 1, argv + 1);
    if (t->visit != NULL) {
        (void)cli_is_visit(t, &command);
        cli_visit_words(t, words, ES_COUNT_OF(words));
        return 0;
    }
    if (argc > 0 && refuse_near_word(argv[0], &err) != ENTRASQL_OK)
        return cli_report(t, &err);
    if (!cli_parse(t, &command, asked ? 1 : argc, asked ? help_line : argv, &args, &exit_code))
        return exit_code;
    if (args.positional_count > 0 && refuse_near_word(args.positionals[0], &err) != ENTRASQL_OK)
        return cli_report(t, &err);
    const proxy_config_source source = {.args = &args, .make_credential = make_credential};
    return proxy_run(&source, t->out, &err) == ENTRASQL_OK ? 0 : cli_report(t, &err);
}
