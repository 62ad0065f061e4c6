/* SPDX-License-Identifier: MIT */
/* entrasql proxy: TDS clients on this machine, signed in upstream with a token. */
#include "cli/cli.h"

#include "base/str.h"
#include "proxy/options.h"
#include "proxy/proxy.h"

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

int cli_proxy(const cli_terminal *t, int argc, char **argv)
{
    conf_args args;
    entrasql_error err;
    int exit_code = 0;

    /* Not a target: no server is called so. */
    for (size_t i = 0; argc > 0 && i < ES_COUNT_OF(words); i++)
        if (es_streq(argv[0], words[i].name))
            return words[i].run(t, argc - 1, argv + 1);
    if (t->visit != NULL) {
        (void)cli_is_visit(t, &command);
        cli_visit_words(t, words, ES_COUNT_OF(words));
        return 0;
    }
    if (!cli_parse(t, &command, argc, argv, &args, &exit_code))
        return exit_code;
    const proxy_config_source source = {.args = &args, .make_credential = make_credential};
    return proxy_run(&source, t->out, &err) == ENTRASQL_OK ? 0 : cli_report(t, &err);
}
