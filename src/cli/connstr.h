/* SPDX-License-Identifier: MIT */
/* What the words of `entrasql connstr` share: the identity to become, and what was said of it. */
#ifndef CLI_CONNSTR_H
#define CLI_CONNSTR_H

#include "cli/cli.h"
#include "conf/login.h"
#include "json/json.h"

#define CLI_CONNSTR_MAX_BYTES (4 * CONF_CONNSTR_MAX_BYTES)

/* The rows for a command's option table; read them by cli_connstr_options(). */
#define CLI_CONNSTR_OPTIONS                                                                        \
    {.name = "to",                                                                                 \
     .type = CONF_OPTION_CHOICE,                                                                   \
     .choices = conf_form_names,                                                                   \
     .help = "the form to print (default: the one it has)"},                                       \
        {.name = "identity",                                                                       \
         .type = CONF_OPTION_CHOICE,                                                               \
         .choices = "default|system|user",                                                         \
         .help = "who signs in: DefaultAzureCredential, the system-assigned or a user-assigned "   \
                 "identity (default: user with --client-id, else default)"},                       \
        {.name = "client-id",                                                                      \
         .type = CONF_OPTION_TEXT,                                                                 \
         .value_name = "ID",                                                                       \
         .help = "of the user-assigned identity"},                                                 \
        {.name = "object-id",                                                                      \
         .type = CONF_OPTION_TEXT,                                                                 \
         .value_name = "ID",                                                                       \
         .help = "of the same, for Microsoft's ODBC driver on a VM"},                              \
        {.name = "driver",                                                                         \
         .type = CONF_OPTION_TEXT,                                                                 \
         .value_name = "NAME",                                                                     \
         .help = "the ODBC driver, as Driver= names it"},                                          \
    {                                                                                              \
        .name = "proxy", .type = CONF_OPTION_TEXT, .value_name = "HOST[,PORT]",                    \
        .help = "where `entrasql proxy` listens (default: 127.0.0.1,1433)"                         \
    }

/* `forms` and `proxy_host` hold what the options point to. */
typedef struct cli_connstr_choice {
    conf_convert_options options;
    conf_form from;
    conf_form to;
    char *proxy_host;
} cli_connstr_choice;

entrasql_status cli_connstr_options(const conf_args *args, cli_connstr_choice *ret,
                                    entrasql_error *err) ES_MUST_USE;

/* The notes of a conversion as lines, each with the prefix. */
entrasql_status cli_connstr_notes(const conf_converted *c, const conf_convert_options *options,
                                  const char *prefix, es_buf *out) ES_MUST_USE;
/* Members of a JSON object: from, to, connectionString and what was said. */
void cli_connstr_json(json_writer *w, const char *text, const conf_converted *c);

/*
 * The text that the first positional, --env or --file names, else standard input. An argument
 * is overwritten in argv. *ret is in the buffer, which has to be a wiping one.
 */
entrasql_status cli_connstr_read(const cli_terminal *t, const conf_args *args, int argc,
                                 char **argv, es_buf *buffer, const char **ret,
                                 entrasql_error *err) ES_MUST_USE;

int cli_connstr_scan(const cli_terminal *t, int argc, char **argv);

#endif
