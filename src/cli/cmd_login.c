/* SPDX-License-Identifier: MIT */
/* entrasql login, logout, accounts: the developer's sign-in at this machine. */
#include "cli/cli.h"

#include "base/str.h"
#include "identity/sign_in.h"
#include "json/json.h"

#include <string.h>

#define OUTPUT_MAX_BYTES (256 * 1024)

/* ---- login ---- */

static const conf_option login_options[] = {
    {.name = "device-code",
     .type = CONF_OPTION_FLAG,
     .help = "show a code to enter in a browser anywhere, in place of opening one here"},
    {.name = "tenant",
     .type = CONF_OPTION_TEXT,
     .value_name = "ID",
     .help = "where to sign in (default: the person's own tenant)"},
    {.name = "username",
     .type = CONF_OPTION_TEXT,
     .value_name = "NAME",
     .help = "whose account is offered first in the browser"},
    {.name = "client-id", .type = CONF_OPTION_TEXT, .value_name = "ID", .help = "of another app"},
    {.name = "plain-file",
     .type = CONF_OPTION_FLAG,
     .help = "keep the sign-in unencrypted (mode 0600), where the kernel has no keyring for us"},
    {.name = "timeout",
     .type = CONF_OPTION_NUMBER,
     .value_name = "SECONDS",
     .min = 1,
     .max = 3600,
     .help = "how long it may take (default: 400, or as long as the code is good)"},
    {.name = "json", .type = CONF_OPTION_FLAG, .help = "print JSON"},
    {.name = "ca-file",
     .type = CONF_OPTION_FILE,
     .value_name = "FILE",
     .help = "trusted certificates (PEM) in place of the system's"},
    CLI_OPTION_HELP,
    {0},
};

static const conf_command login_command = {
    .name = "entrasql login",
    .summary = "Signs you in, once for all programs here that use DefaultAzureCredential.",
    .options = login_options,
    .notes =
        "The sign-in is kept in ~/.IdentityService/entrasql.cache, encrypted with a key in the\n"
        "kernel's keyring: it lasts until `entrasql logout` or a reboot.",
};

static void prompt(void *context, const entrasql_device_code *code)
{
    const cli_terminal *t = context;
    cli_show_device_code(t->err, code);
}

static entrasql_status new_sign_in(const cli_terminal *t, const conf_args *args,
                                   entrasql_credential **ret, entrasql_error *err)
{
    const entrasql_client_options client = {.size = sizeof client,
                                            .ca_file = conf_args_text(args, "ca-file")};
    const identity_sign_in_options options = {
        .tenant_id = conf_args_text(args, "tenant"),
        .client_id = conf_args_text(args, "client-id"),
        .username = conf_args_text(args, "username"),
        .is_plain = conf_args_flag(args, "plain-file"),
        .by_device_code = conf_args_flag(args, "device-code"),
        .prompt = prompt,
        .prompt_context = (void *)(uintptr_t)t,
        .client = &client,
    };
    if (options.by_device_code && options.username != NULL)
        return es_fail(err, ENTRASQL_INVALID, "--username has no meaning with --device-code");
    if (!options.by_device_code && !t->in_is_terminal) {
        es_fail(err, ENTRASQL_INVALID, "there is no terminal, so nobody is asked to sign in");
        es_hint(err, "--device-code shows a code on standard error instead of opening a browser");
        return ENTRASQL_INVALID;
    }
    entrasql_status status = identity_sign_in_new(&options, ret, err);
    if ((status == ENTRASQL_OS || status == ENTRASQL_CONFIG) && err->hint[0] == '\0')
        es_hint(err, "The sign-in is kept in the folder .IdentityService of HOME: set HOME to a "
                     "folder that you may write to.");
    return status;
}

static void put_account(json_writer *w, const identity_msal_account *a)
{
    json_begin_object(w);
    json_member_put_string(w, "username", a->username);
    json_member_put_string(w, "tenantId", a->realm);
    json_member_put_string(w, "environment", a->environment);
    json_member_put_string(w, "homeAccountId", a->home_account_id);
    json_end_object(w);
}

static entrasql_status print_sign_in(const conf_args *args, const identity_msal_account *a,
                                     es_buf *out)
{
    json_writer w;
    if (!conf_args_flag(args, "json"))
        return es_buf_printf(out, "Signed in as %s (tenant %s).\n", a->username, a->realm);
    json_writer_init(&w, out);
    put_account(&w, a);
    ES_TRY(json_writer_end(&w));
    return es_buf_u8(out, '\n');
}

static entrasql_status sign_in(const cli_terminal *t, const conf_args *args,
                               identity_msal_account *ret, entrasql_error *err)
{
    entrasql_credential *credential;
    entrasql_token *token;
    ES_TRY(new_sign_in(t, args, &credential, err));
    const entrasql_token_request request = {
        .size = sizeof request,
        .scope = ENTRASQL_SCOPE_SQL,
        .timeout_ms = conf_args_number(args, "timeout") * 1000,
    };
    if (!conf_args_flag(args, "device-code"))
        (void)fputs("Waiting for the sign-in in your browser.\n", t->err);
    entrasql_status status = entrasql_credential_get_token(credential, &request, &token, err);
    if (status == ENTRASQL_OK) {
        entrasql_token_free(token);
        if (!identity_sign_in_account(credential, ret))
            status = es_fail(err, ENTRASQL_INTERNAL, "the sign-in cannot be found again");
    }
    entrasql_credential_unref(credential);
    return status;
}

int cli_login(const cli_terminal *t, int argc, char **argv)
{
    ES_CLEANUP(es_buf_done) es_buf out = ES_BUF_INIT(OUTPUT_MAX_BYTES);
    identity_msal_account account;
    conf_args args;
    entrasql_error err;
    int exit_code = 0;

    if (!cli_parse(t, &login_command, argc, argv, &args, &exit_code))
        return exit_code;
    if (sign_in(t, &args, &account, &err) != ENTRASQL_OK)
        return cli_report(t, &err);
    if (print_sign_in(&args, &account, &out) != ENTRASQL_OK)
        return (int)ENTRASQL_CLASS_SYSTEM;
    return cli_write(t, &out, &err) == ENTRASQL_OK ? 0 : cli_report(t, &err);
}

/* ---- accounts ---- */

static const conf_option accounts_options[] = {
    {.name = "json", .type = CONF_OPTION_FLAG, .help = "print JSON"},
    CLI_OPTION_HELP,
    {0},
};

static const conf_command accounts_command = {
    .name = "entrasql accounts",
    .summary = "Lists who is signed in by `entrasql login`.",
    .options = accounts_options,
};

static entrasql_status print_accounts(bool json, const identity_msal_account *accounts,
                                      size_t count, es_buf *out)
{
    json_writer w;
    if (!json) {
        if (count == 0)
            return es_buf_add_str(out, "Nobody is signed in.\n");
        for (size_t i = 0; i < count; i++)
            ES_TRY(es_buf_printf(out, "%-40s %s  %s\n", accounts[i].username, accounts[i].realm,
                                 accounts[i].environment));
        return ENTRASQL_OK;
    }
    json_writer_init(&w, out);
    json_begin_array(&w);
    for (size_t i = 0; i < count; i++)
        put_account(&w, &accounts[i]);
    json_end_array(&w);
    ES_TRY(json_writer_end(&w));
    return es_buf_u8(out, '\n');
}

int cli_accounts(const cli_terminal *t, int argc, char **argv)
{
    ES_CLEANUP(es_buf_done) es_buf out = ES_BUF_INIT(OUTPUT_MAX_BYTES);
    identity_msal_account accounts[IDENTITY_MSAL_MAX_ACCOUNTS];
    size_t count = 0;
    conf_args args;
    entrasql_error err;
    int exit_code = 0;

    if (!cli_parse(t, &accounts_command, argc, argv, &args, &exit_code))
        return exit_code;
    if (identity_sign_in_list(accounts, ES_COUNT_OF(accounts), &count, &err) != ENTRASQL_OK)
        return cli_report(t, &err);
    if (print_accounts(conf_args_flag(&args, "json"), accounts, count, &out) != ENTRASQL_OK)
        return (int)ENTRASQL_CLASS_SYSTEM;
    return cli_write(t, &out, &err) == ENTRASQL_OK ? 0 : cli_report(t, &err);
}

/* ---- logout ---- */

static const conf_option logout_options[] = {
    {.name = "all", .type = CONF_OPTION_FLAG, .help = "everybody"},
    {.name = "json", .type = CONF_OPTION_FLAG, .help = "print JSON"},
    CLI_OPTION_HELP,
    {0},
};

static const conf_command logout_command = {
    .name = "entrasql logout",
    .summary = "Forgets a sign-in: its tokens are taken out of the cache.",
    .positionals = "[USERNAME]",
    .max_positionals = 1,
    .options = logout_options,
    .notes = "Without a name it is the only one who is signed in. Tokens that programs hold stay\n"
             "valid until they expire.",
};

/* Moves those who leave to the front; returns how many. */
static size_t choose(identity_msal_account *accounts, size_t count, const char *username)
{
    size_t chosen = 0;
    for (size_t i = 0; i < count; i++) {
        if (username == NULL || es_strcaseeq(accounts[i].username, username))
            accounts[chosen++] = accounts[i];
    }
    return chosen;
}

static entrasql_status sign_out(const conf_args *args, identity_msal_account *accounts,
                                size_t *ret_count, entrasql_error *err)
{
    const char *username = args->positional_count != 0 ? args->positionals[0] : NULL;
    bool all = conf_args_flag(args, "all");
    size_t count;
    if (all && username != NULL)
        return es_fail(err, ENTRASQL_INVALID, "--all and a name exclude each other");
    ES_TRY(identity_sign_in_list(accounts, IDENTITY_MSAL_MAX_ACCOUNTS, &count, err));
    if (!all && username == NULL && count > 1) {
        es_fail(err, ENTRASQL_INVALID, "several people are signed in");
        es_hint(err, "name one (entrasql accounts lists them), or give --all");
        return ENTRASQL_INVALID;
    }
    size_t chosen = choose(accounts, count, username);
    if (username != NULL && chosen == 0) {
        char shown[120];
        es_printable(shown, sizeof shown, username, strlen(username));
        return es_fail(err, ENTRASQL_NOT_FOUND, "%s is not signed in", shown);
    }
    *ret_count = chosen;
    return chosen != 0 ? identity_sign_out(accounts, chosen, err) : ENTRASQL_OK;
}

static entrasql_status print_sign_out(bool json, const identity_msal_account *accounts,
                                      size_t count, es_buf *out)
{
    if (json)
        return print_accounts(true, accounts, count, out);
    if (count == 0)
        return es_buf_add_str(out, "Nobody is signed in.\n");
    for (size_t i = 0; i < count; i++)
        ES_TRY(es_buf_printf(out, "%s is signed out.\n", accounts[i].username));
    return ENTRASQL_OK;
}

int cli_logout(const cli_terminal *t, int argc, char **argv)
{
    ES_CLEANUP(es_buf_done) es_buf out = ES_BUF_INIT(OUTPUT_MAX_BYTES);
    identity_msal_account accounts[IDENTITY_MSAL_MAX_ACCOUNTS];
    size_t count = 0;
    conf_args args;
    entrasql_error err;
    int exit_code = 0;

    if (!cli_parse(t, &logout_command, argc, argv, &args, &exit_code))
        return exit_code;
    if (sign_out(&args, accounts, &count, &err) != ENTRASQL_OK)
        return cli_report(t, &err);
    if (print_sign_out(conf_args_flag(&args, "json"), accounts, count, &out) != ENTRASQL_OK)
        return (int)ENTRASQL_CLASS_SYSTEM;
    return cli_write(t, &out, &err) == ENTRASQL_OK ? 0 : cli_report(t, &err);
}
