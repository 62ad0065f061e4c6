/* SPDX-License-Identifier: MIT */
/*
 * What the commands of the program share: the terminal, the command table's
 * form, error reports, and the credential that --credential names.
 *
 * One thread. A command returns its exit code: 0, or the class of its error
 * (entrasql/status.h), after it was reported.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "base/buf.h"
#include "base/error.h"
#include "conf/option.h"

#include <entrasql/entrasql.h>

#include <stdio.h>

/* Is shown the option table of each command; a failure ends the visit. */
typedef entrasql_status cli_visitor(void *ctx, const conf_command *command);

/* What a visit has come to. */
typedef struct cli_visit {
    cli_visitor *visitor;
    void *ctx;
    entrasql_status status;
} cli_visit;

/* Where output goes and what it may hold. */
typedef struct cli_terminal {
    FILE *in;
    FILE *out;
    FILE *err;
    bool in_is_terminal;
    bool out_is_terminal; /* foreign text is made printable */
    bool out_has_colour;  /* a terminal that can, and no NO_COLOR */
    bool err_has_colour;  /* the same of standard error */
    cli_visit *visit;     /* NULL; else commands show their tables and do nothing */
} cli_terminal;

void cli_terminal_init(cli_terminal *t);
/* Columns of the terminal behind the file; 0: it is none. */
size_t cli_terminal_width(FILE *f);

/* "entrasql: message" and "hint: ..." on standard error; returns the exit code. */
int cli_report(const cli_terminal *t, const entrasql_error *err);
/* The "hint: ..." of it alone, if there is one. */
void cli_report_hint(const cli_terminal *t, const entrasql_error *err);
/* A remark on standard error, broken between words on a terminal. */
void cli_remark(const cli_terminal *t, const char *text);
/*
 * The help text of a command on standard output, as wide as the terminal; where there is none, as
 * COLUMNS says, or 80. Returns the exit code.
 */
int cli_help(const cli_terminal *t, const conf_command *command);
/*
 * Writes the buffer to standard output. OS when that fails (a full disk, a closed pipe: of the
 * latter cli_report() says nothing, as the reader has gone away on purpose).
 */
entrasql_status cli_write(const cli_terminal *t, const es_buf *text,
                          entrasql_error *err) ES_MUST_USE;

/* The same for people: on a terminal lines that are too long go on below. */
entrasql_status cli_write_prose(const cli_terminal *t, const es_buf *text,
                                entrasql_error *err) ES_MUST_USE;

/*
 * The exit code of a command that wrote without looking: that of a failure when standard output has
 * lost something, which is reported.
 */
int cli_end(const cli_terminal *t, int exit_code);
/* One line, the same way; returns the exit code. */
int cli_say(const cli_terminal *t, const char *fmt, ...) ES_PRINTF(2, 3);

/* The row that every command's option table ends with. */
#define CLI_OPTION_HELP                                                                            \
    {                                                                                              \
        .name = "help", .short_name = 'h', .type = CONF_OPTION_FLAG,                               \
        .help = "show this text and end"                                                           \
    }

/*
 * Parses, and answers --help. True: go on. False: *ret_exit is the exit code
 * and everything was said.
 */
bool cli_parse(const cli_terminal *t, const conf_command *command, int argc, char **argv,
               conf_args *ret, int *ret_exit);
/* The parsing alone: "help" of a command that takes no arguments is --help, too. */
entrasql_status cli_parse_only(const conf_command *command, int argc, char **argv, conf_args *ret,
                               entrasql_error *err) ES_MUST_USE;

/* True: this is a visit, the visitor has seen the table, and the command ends. */
bool cli_is_visit(const cli_terminal *t, const conf_command *command);

/* Every command and word of the program, a parent before its words; the first failure. */
entrasql_status cli_visit_all(cli_visitor *visitor, void *ctx) ES_MUST_USE;

typedef struct cli_command {
    const char *name;
    const char *summary;
    int (*run)(const cli_terminal *t, int argc, char **argv); /* without the command's name */
} cli_command;

/* The line of each command, for the help of its parent. */
entrasql_status cli_list_commands(const cli_command *commands, size_t count,
                                  es_buf *out) ES_MUST_USE;

/* On a visit: each word's turn. */
void cli_visit_words(const cli_terminal *t, const cli_command *words, size_t count);

/*
 * Runs the word of a command that argv[0] names, or shows its words for --help. Returns the exit
 * code; a missing or unknown word is reported.
 */
int cli_run_word(const cli_terminal *t, const char *name, const char *summary,
                 const cli_command *words, size_t count, int argc, char **argv);

int cli_token(const cli_terminal *t, int argc, char **argv);
int cli_query(const cli_terminal *t, int argc, char **argv);
int cli_migrate(const cli_terminal *t, int argc, char **argv);
int cli_user(const cli_terminal *t, int argc, char **argv);
int cli_proxy(const cli_terminal *t, int argc, char **argv);
/* Words of it. */
int cli_proxy_init_tls(const cli_terminal *t, int argc, char **argv);
int cli_proxy_wait(const cli_terminal *t, int argc, char **argv);
int cli_proxy_shutdown(const cli_terminal *t, int argc, char **argv);
int cli_login(const cli_terminal *t, int argc, char **argv);
int cli_logout(const cli_terminal *t, int argc, char **argv);
int cli_accounts(const cli_terminal *t, int argc, char **argv);
int cli_connstr(const cli_terminal *t, int argc, char **argv);
int cli_doctor(const cli_terminal *t, int argc, char **argv);
int cli_explain(const cli_terminal *t, int argc, char **argv);
int cli_odbc(const cli_terminal *t, int argc, char **argv);
int cli_completion(const cli_terminal *t, int argc, char **argv);
int cli_manual(const cli_terminal *t, int argc, char **argv);
int cli_version(const cli_terminal *t, int argc, char **argv);
/* What --version prints; returns the exit code. */
int cli_show_version(const cli_terminal *t);
int cli_emulator(const cli_terminal *t, int argc, char **argv);
/* A word of it. */
int cli_emulator_device_code(const cli_terminal *t, int argc, char **argv);

/* ---- credentials ---- */

/* Tells the person where to enter the code; what came from the server is made printable. */
void cli_show_device_code(FILE *out, const entrasql_device_code *code);

/* "default|environment|...", from the table in credential.c. */
extern const char cli_credential_names[];

/* What the command line says about the credential; each may be NULL. */
typedef struct cli_credential_options {
    const char *name; /* one of cli_credential_names; NULL: default */
    const char *client_id;
    const char *tenant;
    const char *ca_file;
    const char *client_secret_file; /* in place of AZURE_CLIENT_SECRET */
    const char *certificate;        /* file of the app's certificate and key */
    const char *assertion_file;     /* file of the federated token */
    const char *user_token_file;    /* file of the token of the user to act for */
    const char *service_connection; /* of Azure Pipelines */
    const char *object_id;          /* of a user-assigned identity, in place of the client id */
    const char *resource_id;        /* the same */
    const char *subscription;       /* of the Azure CLI: id or name */
} cli_credential_options;

/* The rows for a command's option table; read them by cli_credential_read(). */
#define CLI_CREDENTIAL_SECTIONS "proxy|identity"
#define CLI_CREDENTIAL_TEXT_(name_, value_, help_)                                                 \
    {                                                                                              \
        .name = (name_), .type = CONF_OPTION_TEXT, .value_name = (value_),                         \
        .sections = CLI_CREDENTIAL_SECTIONS, .help = (help_)                                       \
    }
#define CLI_CREDENTIAL_FILE_(name_, sections_, help_)                                              \
    {                                                                                              \
        .name = (name_), .type = CONF_OPTION_FILE, .value_name = "FILE", .sections = (sections_),  \
        .help = (help_)                                                                            \
    }
/* --ca-file is the SQL server's where there is one: Entra and Azure keep the system's trust. */
#define CLI_CREDENTIAL_OPTIONS                                                                     \
    CLI_CREDENTIAL_OPTIONS_AND(                                                                    \
        "the SQL server's trusted certificates (PEM), in place of the system's; not Entra's")
#define CLI_CREDENTIAL_OPTIONS_AND(ca_file_help_)                                                  \
    {.name = "credential",                                                                         \
     .type = CONF_OPTION_CHOICE,                                                                   \
     .choices = cli_credential_names,                                                              \
     .default_value = "default",                                                                   \
     .sections = CLI_CREDENTIAL_SECTIONS,                                                          \
     .help = "where the token comes from"},                                                        \
        CLI_CREDENTIAL_TEXT_("client-id", "ID", "of the app or user-assigned identity"),           \
        CLI_CREDENTIAL_TEXT_("tenant", "ID", "the tenant to ask"),                                 \
        CLI_CREDENTIAL_FILE_("client-secret-file", CLI_CREDENTIAL_SECTIONS,                        \
                             "the app's secret, in place of AZURE_CLIENT_SECRET"),                 \
        CLI_CREDENTIAL_FILE_("certificate", CLI_CREDENTIAL_SECTIONS,                               \
                             "the app's certificate and key (PEM or PKCS#12)"),                    \
        CLI_CREDENTIAL_FILE_("assertion-file", CLI_CREDENTIAL_SECTIONS,                            \
                             "the app's federated token"),                                         \
        CLI_CREDENTIAL_FILE_("user-token-file", CLI_CREDENTIAL_SECTIONS,                           \
                             "the token of the user to act for"),                                  \
        CLI_CREDENTIAL_TEXT_("service-connection", "ID", "of Azure Pipelines"),                    \
        CLI_CREDENTIAL_TEXT_("object-id", "ID", "of the user-assigned identity"),                  \
        CLI_CREDENTIAL_TEXT_("resource-id", "ID",                                                  \
                             "of the user-assigned identity (/subscriptions/...)"),                \
        CLI_CREDENTIAL_TEXT_("subscription", "NAME", "of the Azure CLI, by id or name"),           \
        CLI_CREDENTIAL_FILE_("ca-file", "proxy|identity|target", ca_file_help_)

void cli_credential_read(const conf_args *args, cli_credential_options *ret);
/* INVALID, naming it, for an option that the credential has no use for. */
entrasql_status cli_credential_new(const cli_credential_options *options, entrasql_credential **ret,
                                   entrasql_error *err) ES_MUST_USE;

#endif
