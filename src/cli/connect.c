/* SPDX-License-Identifier: MIT */
#include "cli/connect.h"

#include "base/str.h"
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>

static entrasql_status set_option(conf_connstr *c, const char *keyword, const char *value,
                                  entrasql_error *err)
{
    if (value == NULL)
        return ENTRASQL_OK;
    return conf_connstr_set(c, keyword, value) == ENTRASQL_OK ? ENTRASQL_OK : es_nomem(err);
}

/* Options win over the string. */
static entrasql_status apply_options(const conf_args *args, conf_connstr *c, entrasql_error *err)
{
    const char *encrypt = conf_args_text(args, "encrypt");
    if (encrypt != NULL)
        encrypt = es_streq(encrypt, "on") ? "yes" : encrypt;
    if (conf_args_text(args, "database") != NULL)
        conf_connstr_remove_any(c, conf_keywords_database);
    if (conf_args_text(args, "host-name-in-certificate") != NULL)
        conf_connstr_remove_any(c, conf_keywords_host_name_in_certificate);
    ES_TRY(set_option(c, "Server", conf_args_text(args, "server"), err));
    ES_TRY(set_option(c, "Database", conf_args_text(args, "database"), err));
    ES_TRY(set_option(c, "HostNameInCertificate", conf_args_text(args, "host-name-in-certificate"),
                      err));
    ES_TRY(set_option(c, "Encrypt", encrypt, err));
    if (conf_args_flag(args, "trust-server-certificate")) {
        conf_connstr_remove_any(c, conf_keywords_trust_certificate);
        ES_TRY(set_option(c, "TrustServerCertificate", "yes", err));
    }
    return ENTRASQL_OK;
}

static entrasql_status read_string(const conf_args *args, conf_connstr *ret, entrasql_error *err)
{
    const char *variable = conf_args_text(args, "connection-string-env");
    const char *text = getenv(variable);
    char shown[100];

    if (!es_str_is_empty(text)) {
        ES_TRY(conf_connstr_parse(text, ret, err));
        return ENTRASQL_OK;
    }
    es_printable(shown, sizeof shown, variable, strlen(variable));
    es_fail(err, ENTRASQL_CONFIG, "no server: neither -S nor the environment variable %s is set",
            shown);
    es_hint(err, "%s -S <name>.database.windows.net -d <database>", args->command->name);
    return ENTRASQL_CONFIG;
}

entrasql_status cli_connect_target(const conf_args *args, conf_target *ret, entrasql_error *err)
{
    ES_CLEANUP(conf_connstr_done) conf_connstr list = {0};

    if (conf_args_text(args, "server") == NULL)
        ES_TRY(read_string(args, &list, err));
    ES_TRY(apply_options(args, &list, err));
    ES_TRY(conf_target_from(&list, ret, err));
    if (ret->host != NULL)
        return ENTRASQL_OK;
    conf_target_done(ret);
    es_fail(err, ENTRASQL_CONFIG, "the connection string names no server (Server=)");
    es_hint(err, "add Server=tcp:<name>.database.windows.net,1433 or use -S");
    return ENTRASQL_CONFIG;
}

/* Authentication= of the string as one of ours; the string's word wins over the default only. */
static entrasql_status credential_name(const conf_args *args, const conf_target *target,
                                       const char **ret, entrasql_error *err)
{
    static const char *const words[][2] = {
        {"ActiveDirectoryDefault", "default"},
        {"ActiveDirectoryMsi", "managed-identity"},
        {"ActiveDirectoryManagedIdentity", "managed-identity"},
    };
    *ret = conf_args_text(args, "credential");
    if (target->authentication == NULL)
        return ENTRASQL_OK;
    for (size_t i = 0; i < ES_COUNT_OF(words); i++) {
        if (!es_strcaseeq(target->authentication, words[i][0]))
            continue;
        if (es_streq(*ret, "default"))
            *ret = words[i][1];
        return ENTRASQL_OK;
    }
    char shown[80];
    es_printable(shown, sizeof shown, target->authentication, strlen(target->authentication));
    es_fail(err, ENTRASQL_CONFIG, "connection string: Authentication=%s is not supported", shown);
    es_hint(err, "leave it out, or write ActiveDirectoryDefault or ActiveDirectoryMsi");
    return ENTRASQL_CONFIG;
}

static entrasql_status choose_credential(const conf_args *args, const conf_target *target,
                                         entrasql_credential **ret, entrasql_error *err)
{
    if (target->trusted_connection)
        return es_fail(err, ENTRASQL_CONFIG,
                       "connection string: Trusted_Connection (Windows sign-in) is not supported");
    bool has_password = target->password != NULL;
    if (has_password && target->user == NULL)
        return es_fail(err, ENTRASQL_CONFIG, "connection string: PWD without UID");
    if (has_password && target->authentication == NULL)
        return ENTRASQL_OK; /* a SQL login */
    if (target->user != NULL || has_password) {
        es_fail(err, ENTRASQL_CONFIG, "connection string: UID and PWD do not go with a token");
        es_hint(err, "remove them to sign in with a token");
        return ENTRASQL_CONFIG;
    }
    cli_credential_options options_of;
    cli_credential_read(args, &options_of);
    options_of.ca_file = NULL; /* it is the SQL server's, and Entra's is not signed by that */
    ES_TRY(credential_name(args, target, &options_of.name, err));
    return cli_credential_new(&options_of, ret, err);
}

entrasql_status cli_connector_init(const conf_args *args, cli_connector *ret, entrasql_error *err)
{
    *ret = (cli_connector){
        .ca_file = conf_args_text(args, "ca-file"),
        .login_timeout_ms = conf_args_number(args, "login-timeout") * 1000,
    };
    entrasql_status status = cli_connect_target(args, &ret->target, err);
    if (status == ENTRASQL_OK)
        status = choose_credential(args, &ret->target, &ret->credential, err);
    if (status != ENTRASQL_OK)
        conf_target_done(&ret->target);
    return status;
}

void cli_connector_done(cli_connector *c)
{
    entrasql_credential_unref(c->credential);
    conf_target_done(&c->target);
}

entrasql_status cli_connector_open(const cli_connector *c, sql_conn **ret, entrasql_error *err)
{
    const sql_open_options open_options = {
        .target = &c->target,
        .credential = c->credential,
        .ca_file = c->ca_file,
        .app_name = c->target.app_name,
        .login_timeout_ms = c->login_timeout_ms,
    };
    return sql_open(&open_options, ret, err);
}

entrasql_status cli_connect(const conf_args *args, entrasql_credential **ret_credential,
                            sql_conn **ret, entrasql_error *err)
{
    cli_connector connector;

    ES_TRY(cli_connector_init(args, &connector, err));
    entrasql_status status = cli_connector_open(&connector, ret, err);
    if (status == ENTRASQL_OK && ret_credential != NULL) {
        *ret_credential = connector.credential;
        connector.credential = NULL;
    }
    cli_connector_done(&connector);
    return status;
}
