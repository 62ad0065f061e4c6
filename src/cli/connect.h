/* SPDX-License-Identifier: MIT */
/*
 * Where commands that speak SQL connect to, and as whom: the options of it,
 * and the connection.
 */
#ifndef CLI_CONNECT_H
#define CLI_CONNECT_H

#include "conf/option.h"
#include "sql/sql.h"

#define CLI_CONNECT_VARIABLE "AZURE_SQL_CONNECTIONSTRING"

/* The rows for a command's option table. */
#define CLI_CONNECT_OPTIONS                                                                        \
    {.name = "server",                                                                             \
     .short_name = 'S',                                                                            \
     .type = CONF_OPTION_TEXT,                                                                     \
     .value_name = "HOST[,PORT]",                                                                  \
     .help = "the server, as in a connection string"},                                             \
        {.name = "database",                                                                       \
         .short_name = 'd',                                                                        \
         .type = CONF_OPTION_TEXT,                                                                 \
         .value_name = "NAME",                                                                     \
         .help = "the database"},                                                                  \
        {.name = "connection-string-env",                                                          \
         .type = CONF_OPTION_TEXT,                                                                 \
         .value_name = "NAME",                                                                     \
         .default_value = CLI_CONNECT_VARIABLE,                                                    \
         .help = "variable used without -S"},                                                      \
        CLI_CREDENTIAL_OPTIONS,                                                                    \
        {.name = "encrypt",                                                                        \
         .type = CONF_OPTION_CHOICE,                                                               \
         .choices = "on|strict",                                                                   \
         .help = "TLS inside TDS 7.4, or TDS 8.0"},                                                \
        {.name = "trust-server-certificate",                                                       \
         .short_name = 'C',                                                                        \
         .type = CONF_OPTION_FLAG,                                                                 \
         .help = "check neither the certificate's issuer nor its name"},                           \
        {.name = "host-name-in-certificate",                                                       \
         .type = CONF_OPTION_TEXT,                                                                 \
         .value_name = "NAME",                                                                     \
         .help = "the name that the certificate must have"},                                       \
    {                                                                                              \
        .name = "login-timeout", .short_name = 'l', .type = CONF_OPTION_NUMBER,                    \
        .value_name = "SECONDS", .min = 1, .max = 65535,                                           \
        .help = "how long signing in may take (default: 30)"                                       \
    }

/* What is needed to sign in, and to sign in again. */
typedef struct cli_connector {
    conf_target target;
    entrasql_credential *credential; /* a reference; NULL: a SQL login */
    const char *ca_file;             /* borrowed of the arguments */
    uint32_t login_timeout_ms;       /* 0: the target's */
} cli_connector;

/* From the options and the string of the environment; the arguments must stay. */
entrasql_status cli_connector_init(const conf_args *args, cli_connector *ret,
                                   entrasql_error *err) ES_MUST_USE;
void cli_connector_done(cli_connector *c);
entrasql_status cli_connector_open(const cli_connector *c, sql_conn **ret,
                                   entrasql_error *err) ES_MUST_USE;

/* Options win over the string of the environment. CONFIG when neither names a server. */
entrasql_status cli_connect_target(const conf_args *args, conf_target *ret,
                                   entrasql_error *err) ES_MUST_USE;
/*
 * Signs in and opens. ret_credential (may be NULL): the credential, a
 * reference for the caller; NULL for a SQL login.
 */
entrasql_status cli_connect(const conf_args *args, entrasql_credential **ret_credential,
                            sql_conn **ret, entrasql_error *err) ES_MUST_USE;

#endif
