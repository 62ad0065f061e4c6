/* SPDX-License-Identifier: MIT */
/* entrasql proxy: TDS clients on this machine, signed in upstream with a token. */
#include "cli/cli.h"

#include "base/str.h"
#include "proxy/proxy.h"

#include <string.h>

static const conf_option options[] = {
    CLI_CREDENTIAL_OPTIONS,
    {.name = "allow",
     .type = CONF_OPTION_CHOICE,
     .choices = "own|any",
     .default_value = "own",
     .help = "whose processes may connect: the proxy's own user's, or everybody's on this machine"},
    {.name = "allow-uids",
     .type = CONF_OPTION_TEXT,
     .value_name = "UID,...",
     .help = "users whose processes may connect as well"},
    {.name = "max-clients",
     .type = CONF_OPTION_NUMBER,
     .value_name = "N",
     .default_value = "1000",
     .min = 1,
     .max = 1000000,
     .help = "clients at one time; further ones are refused"},
    {.name = "login-timeout",
     .type = CONF_OPTION_NUMBER,
     .value_name = "SECONDS",
     .default_value = "30",
     .min = 1,
     .max = 3600,
     .help = "how long signing a client in may take"},
    {.name = "drain",
     .type = CONF_OPTION_NUMBER,
     .value_name = "SECONDS",
     .default_value = "30",
     .max = 86400,
     .help = "how long sessions may go on after SIGTERM; a second signal ends them"},
    {.name = "pool",
     .type = CONF_OPTION_CHOICE,
     .choices = "on|off",
     .default_value = "on",
     .help = "clients share upstream connections one after the other, or each has its own"},
    {.name = "pool-size",
     .type = CONF_OPTION_NUMBER,
     .value_name = "N",
     .default_value = "20",
     .min = 1,
     .max = 10000,
     .help = "upstream connections of a pool"},
    {.name = "pool-wait",
     .type = CONF_OPTION_NUMBER,
     .value_name = "SECONDS",
     .default_value = "30",
     .min = 1,
     .max = 3600,
     .help = "how long a client waits for one of them"},
    {.name = "skip-token-check",
     .type = CONF_OPTION_FLAG,
     .help = "listen without having got a token first"},
    CLI_OPTION_HELP,
    {0},
};

static const conf_command command = {
    .name = "entrasql proxy",
    .summary = "Lets programs that know no tokens connect: they need no secret, it signs in for "
               "them.",
    .positionals = "SERVER[,PORT][/DATABASE][?listen=PORT&...] ...",
    .max_positionals = PROXY_TARGETS_MAX,
    .options = options,
    .notes =
        "Programs connect to 127.0.0.1, port 1433 for the first target, 1434 for the next and so\n"
        "on, without encryption, with any user name and password: only the database they ask for\n"
        "counts. Keys of a target: listen=PORT (0: a free one), encrypt=mandatory|strict,\n"
        "host-name-in-certificate=NAME.\n"
        "\n"
        "  entrasql proxy myserver.database.windows.net/mydb\n"
        "  tsql -H 127.0.0.1 -p 1433 -U any -P any",
};

/* "1000,1001" */
static entrasql_status read_uids(const char *text, uid_t *ret, size_t *ret_count,
                                 entrasql_error *err)
{
    *ret_count = 0;
    while (text != NULL && *text != '\0') {
        uint64_t uid = 0;
        size_t n = strspn(text, "0123456789");
        for (size_t i = 0; i < n && uid <= UINT32_MAX; i++)
            uid = uid * 10 + (uint64_t)(text[i] - '0');
        if (n == 0 || uid >= UINT32_MAX || (text[n] != ',' && text[n] != '\0')) {
            es_fail(err, ENTRASQL_INVALID, "--allow-uids takes numbers with ',' between them");
            es_hint(err, "the number of a user: id -u NAME");
            return ENTRASQL_INVALID;
        }
        if (*ret_count == PROXY_UIDS_MAX)
            return es_fail(err, ENTRASQL_INVALID, "--allow-uids takes at most %d users",
                           PROXY_UIDS_MAX);
        ret[(*ret_count)++] = (uid_t)uid;
        text += text[n] == ',' ? n + 1 : n;
    }
    return ENTRASQL_OK;
}

static entrasql_status run(const cli_terminal *t, const conf_args *args, entrasql_error *err)
{
    uid_t uids[PROXY_UIDS_MAX];
    cli_credential_options credential;
    proxy_options o = {
        .targets = args->positionals,
        .target_count = args->positional_count,
        .ca_file = conf_args_text(args, "ca-file"),
        .uids = uids,
        .allow_any = es_streq(conf_args_text(args, "allow"), "any"),
        .max_clients = conf_args_number(args, "max-clients"),
        .login_timeout_ms = conf_args_number(args, "login-timeout") * 1000,
        .drain_ms = conf_args_number(args, "drain") * 1000,
        .pool = {.on = es_streq(conf_args_text(args, "pool"), "on"),
                 .size = conf_args_number(args, "pool-size"),
                 .reserve_after_ms = 5000,
                 .wait_ms = conf_args_number(args, "pool-wait") * 1000,
                 .idle_ms = 600000,
                 .lifetime_ms = 3600000,
                 .jitter_percent = 10,
                 .check_after_ms = 30000,
                 .token_margin_ms = 300000,
                 .keyed_by_app = true},
        .skip_token_check = conf_args_flag(args, "skip-token-check"),
        .out = t->out,
    };
    ES_TRY(read_uids(conf_args_text(args, "allow-uids"), uids, &o.uid_count, err));
    cli_credential_read(args, &credential);
    ES_TRY(cli_credential_new(&credential, &o.credential, err));
    entrasql_status status = proxy_run(&o, err);
    entrasql_credential_unref(o.credential);
    return status;
}

int cli_proxy(const cli_terminal *t, int argc, char **argv)
{
    conf_args args;
    entrasql_error err;
    int exit_code = 0;

    if (!cli_parse(t, &command, argc, argv, &args, &exit_code))
        return exit_code;
    return run(t, &args, &err) == ENTRASQL_OK ? 0 : cli_report(t, &err);
}
