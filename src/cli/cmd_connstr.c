/* SPDX-License-Identifier: MIT */
/* entrasql connstr show, convert: connection strings, and the way out of their passwords. */
#include "cli/connstr.h"

#include "base/mem.h"
#include "base/str.h"
#include "cli/input.h"
#include "cli/text.h"
#include "os/file.h"

#include <stdlib.h>
#include <string.h>

#define NOTES_MAX_BYTES (64 * 1024)

#define OPTIONS_SOURCE                                                                             \
    {.name = "env",                                                                                \
     .type = CONF_OPTION_TEXT,                                                                     \
     .value_name = "NAME",                                                                         \
     .help = "take the string from this environment variable"},                                    \
        {.name = "file",                                                                           \
         .type = CONF_OPTION_FILE,                                                                 \
         .value_name = "FILE",                                                                     \
         .help = "take it from a file"},                                                           \
        {.name = "form",                                                                           \
         .type = CONF_OPTION_CHOICE,                                                               \
         .choices = conf_form_names,                                                               \
         .help = "the form it has (default: told by its text)"},                                   \
    {                                                                                              \
        .name = "json", .type = CONF_OPTION_FLAG, .help = "print JSON"                             \
    }

#define NOTES_SOURCE                                                                               \
    "Without --env and --file the string is read from standard input. As an argument it is\n"      \
    "seen by everybody who lists processes: it is accepted, overwritten at once, and warned\n"     \
    "about."

static const conf_option show_options[] = {OPTIONS_SOURCE, CLI_OPTION_HELP, {0}};

static const conf_command show_command = {
    .name = "entrasql connstr show",
    .summary = "Says what a connection string means, its secrets as ***.",
    .positionals = "[STRING]",
    .max_positionals = 1,
    .options = show_options,
    .notes = NOTES_SOURCE,
};

static const conf_option convert_options[] = {
    CLI_CONNSTR_OPTIONS,
    OPTIONS_SOURCE,
    CLI_OPTION_HELP,
    {0},
};

static const conf_command convert_command = {
    .name = "entrasql connstr convert",
    .summary = "Prints a connection string without its password, for an identity.",
    .positionals = "[STRING]",
    .max_positionals = 1,
    .options = convert_options,
    .notes = NOTES_SOURCE "\n\nThe string goes to standard output, what was left out or changed\n"
                          "to standard error.",
};

/* ---- where the string comes from ---- */

static const char too_long[] = "a connection string is a line of text: check that this is one";

static entrasql_status read_stream(FILE *in, es_buf *out, entrasql_error *err)
{
    for (;;) {
        uint8_t *room;
        if (out->len > CONF_CONNSTR_MAX_BYTES)
            return cli_input_status(es_fail(err, ENTRASQL_LIMIT,
                                            "standard input holds more than %d bytes",
                                            CONF_CONNSTR_MAX_BYTES),
                                    too_long, err);
        if (es_buf_prepare(out, 4096, &room) != ENTRASQL_OK)
            return es_nomem(err);
        size_t n = fread(room, 1, 4096, in);
        es_buf_commit(out, n);
        if (n != 0)
            continue;
        if (ferror(in))
            return es_fail(err, ENTRASQL_OS, "cannot read standard input");
        return ENTRASQL_OK;
    }
}

/* Copies the argument and overwrites it, so that a list of processes shows it no longer. */
static entrasql_status take_argument(const cli_terminal *t, int argc, char **argv,
                                     const char *argument, es_buf *out, entrasql_error *err)
{
    entrasql_status status = es_buf_add_str(out, argument);
    for (int i = 0; i < argc; i++) {
        if (argv[i] != NULL && argv[i] == argument)
            memset(argv[i], '*', strlen(argv[i]));
    }
    (void)fputs("entrasql: warning: a connection string as an argument can be read by others on "
                "this machine\nhint: use standard input, --file or --env\n",
                t->err);
    return status == ENTRASQL_OK ? ENTRASQL_OK : es_nomem(err);
}

static entrasql_status read_variable(const char *name, es_buf *out, entrasql_error *err)
{
    const char *value = getenv(name);
    if (value == NULL || *value == '\0')
        return es_fail(err, ENTRASQL_CONFIG, "the environment variable %s is not set", name);
    if (strnlen(value, CONF_CONNSTR_MAX_BYTES + 1) > CONF_CONNSTR_MAX_BYTES)
        return cli_input_status(es_fail(err, ENTRASQL_LIMIT, "%s holds more than %d bytes", name,
                                        CONF_CONNSTR_MAX_BYTES),
                                too_long, err);
    return es_buf_add_str(out, value) == ENTRASQL_OK ? ENTRASQL_OK : es_nomem(err);
}

static entrasql_status read_source(const cli_terminal *t, const conf_args *args, int argc,
                                   char **argv, es_buf *out, entrasql_error *err)
{
    const char *argument = args->positional_count != 0 ? args->positionals[0] : NULL;
    const char *variable = conf_args_text(args, "env");
    const char *file = conf_args_text(args, "file");
    bool has_argument = argument != NULL && !es_streq(argument, "-");
    if ((int)has_argument + (variable != NULL) + (file != NULL) > 1)
        return es_fail(err, ENTRASQL_INVALID, "STRING, --env and --file exclude each other");
    if (has_argument)
        return take_argument(t, argc, argv, argument, out, err);
    if (variable != NULL)
        return read_variable(variable, out, err);
    if (file != NULL)
        return cli_input_status(os_file_read(file, out, err), too_long, err);
    if (t->in_is_terminal && argument == NULL) {
        es_fail(err, ENTRASQL_INVALID, "no connection string was given");
        es_hint(err, "pipe it in, or name it by --env NAME or --file FILE");
        return ENTRASQL_INVALID;
    }
    return read_stream(t->in, out, err);
}

/* The text without its end of a line. */
static const char *whole_text(es_buf *text, entrasql_error *err)
{
    cli_input_cut_end(text);
    if (text->len == 0) {
        es_fail(err, ENTRASQL_CONFIG, "the connection string is empty");
        return NULL;
    }
    if (memchr(text->data, '\0', text->len) != NULL) {
        es_fail(err, ENTRASQL_CONFIG, "the connection string holds a NUL character");
        return NULL;
    }
    const char *s = es_buf_cstr(text);
    if (s == NULL)
        es_nomem(err);
    return s;
}

entrasql_status cli_connstr_read(const cli_terminal *t, const conf_args *args, int argc,
                                 char **argv, es_buf *buffer, const char **ret, entrasql_error *err)
{
    ES_TRY(read_source(t, args, argc, argv, buffer, err));
    *ret = whole_text(buffer, err);
    return *ret != NULL ? ENTRASQL_OK : err->status;
}

static conf_form form_of(const conf_args *args, const char *s)
{
    conf_form form;
    const char *name = conf_args_text(args, "form");
    return name != NULL && conf_form_find(name, &form) ? form : conf_form_detect(s);
}

/* ---- show ---- */

static const char *shown_value(const char *keyword, const char *value)
{
    return conf_keyword_is_secret(keyword) && value[0] != '\0' ? "***" : value;
}

static entrasql_status show_line(const char *name, const char *value, es_buf *out)
{
    ES_TRY(es_buf_printf(out, "%-28s ", name));
    ES_TRY(cli_text_add(out, value, strlen(value), CLI_TEXT_LINE));
    return es_buf_u8(out, '\n');
}

static entrasql_status show_text(conf_form form, const conf_login *login, es_buf *out)
{
    ES_TRY(show_line("form", conf_form_title(form), out));
    for (unsigned i = 0; i < CONF_KEY_COUNT; i++) {
        const char *name = conf_key_name((conf_key)i);
        if (login->values[i] != NULL)
            ES_TRY(show_line(name, shown_value(name, login->values[i]), out));
    }
    for (size_t i = 0; i < login->own.count; i++) {
        const conf_pair *pair = &login->own.pairs[i];
        ES_TRY(show_line(pair->keyword, shown_value(pair->keyword, pair->value), out));
    }
    return ENTRASQL_OK;
}

static entrasql_status show_json(conf_form form, const conf_login *login, es_buf *out)
{
    json_writer w;
    json_writer_init(&w, out);
    json_begin_object(&w);
    json_member_put_string(&w, "form", conf_form_name(form));
    json_name(&w, "settings");
    json_begin_object(&w);
    for (unsigned i = 0; i < CONF_KEY_COUNT; i++) {
        const char *name = conf_key_name((conf_key)i);
        if (login->values[i] != NULL)
            json_member_put_string(&w, name, shown_value(name, login->values[i]));
    }
    json_end_object(&w);
    json_name(&w, "other");
    json_begin_object(&w);
    for (size_t i = 0; i < login->own.count; i++) {
        const conf_pair *pair = &login->own.pairs[i];
        json_member_put_string(&w, pair->keyword, shown_value(pair->keyword, pair->value));
    }
    json_end_object(&w);
    json_end_object(&w);
    ES_TRY(json_writer_end(&w));
    return es_buf_u8(out, '\n');
}

static entrasql_status show_source(const cli_terminal *t, const conf_args *args, int argc,
                                   char **argv, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT_WIPE(2 * CONF_CONNSTR_MAX_BYTES);
    ES_CLEANUP(es_buf_done) es_buf out = ES_BUF_INIT(CLI_CONNSTR_MAX_BYTES);
    ES_CLEANUP(conf_login_done) conf_login login = {0};
    const char *s = NULL;
    ES_TRY(cli_connstr_read(t, args, argc, argv, &text, &s, err));
    conf_form form = form_of(args, s);
    ES_TRY(conf_login_parse(form, s, &login, err));
    entrasql_status status = conf_args_flag(args, "json") ? show_json(form, &login, &out)
                                                          : show_text(form, &login, &out);
    if (status != ENTRASQL_OK)
        return es_fail(err, status, "the connection string cannot be shown");
    return cli_write(t, &out, err);
}

static int show(const cli_terminal *t, int argc, char **argv)
{
    conf_args args;
    entrasql_error err;
    int exit_code = 0;
    if (!cli_parse(t, &show_command, argc, argv, &args, &exit_code))
        return exit_code;
    return show_source(t, &args, argc, argv, &err) == ENTRASQL_OK ? 0 : cli_report(t, &err);
}

/* ---- convert ---- */

entrasql_status cli_connstr_options(const conf_args *args, cli_connstr_choice *ret,
                                    entrasql_error *err)
{
    const char *identity = conf_args_text(args, "identity");
    const char *to = conf_args_text(args, "to");
    const char *proxy = conf_args_text(args, "proxy");
    conf_convert_options *o = &ret->options;
    *o = (conf_convert_options){
        .client_id = conf_args_text(args, "client-id"),
        .object_id = conf_args_text(args, "object-id"),
        .driver = conf_args_text(args, "driver"),
    };
    o->identity = o->client_id != NULL ? CONF_IDENTITY_USER : CONF_IDENTITY_DEFAULT;
    if (identity != NULL)
        o->identity = es_streq(identity, "user")     ? CONF_IDENTITY_USER
                      : es_streq(identity, "system") ? CONF_IDENTITY_SYSTEM
                                                     : CONF_IDENTITY_DEFAULT;
    if (to != NULL && conf_form_find(to, &ret->to))
        o->to = &ret->to;
    if (proxy != NULL)
        ES_TRY(conf_server_parse(proxy, &ret->proxy_host, &o->proxy_port, err));
    o->proxy_host = ret->proxy_host;
    return ENTRASQL_OK;
}

static entrasql_status note_line(const char *prefix, const char *keyword, const char *text,
                                 es_buf *out)
{
    ES_TRY(es_buf_add_str(out, prefix));
    ES_TRY(cli_text_add(out, keyword, strlen(keyword), CLI_TEXT_LINE));
    return es_buf_printf(out, ": %s\n", text);
}

static entrasql_status proxy_line(const conf_converted *c, const char *prefix, es_buf *out)
{
    const char *server = c->server != NULL ? c->server : "SERVER";
    const char *database = c->database != NULL ? c->database : "DATABASE";
    ES_TRY(es_buf_printf(out, "%sthis driver knows no tokens: run `entrasql proxy ", prefix));
    ES_TRY(cli_text_add(out, server, strlen(server), CLI_TEXT_LINE));
    ES_TRY(es_buf_u8(out, '/'));
    ES_TRY(cli_text_add(out, database, strlen(database), CLI_TEXT_LINE));
    return es_buf_add_str(out, "` beside the program\n");
}

entrasql_status cli_connstr_notes(const conf_converted *c, const conf_convert_options *options,
                                  const char *prefix, es_buf *out)
{
    for (size_t i = 0; i < c->changed.count; i++)
        ES_TRY(note_line(prefix, c->changed.pairs[i].keyword, c->changed.pairs[i].value, out));
    for (size_t i = 0; i < c->dropped.count; i++) {
        ES_TRY(es_buf_add_str(out, prefix));
        ES_TRY(note_line("left out ", c->dropped.pairs[i].keyword, c->dropped.pairs[i].value, out));
    }
    if (c->needs_token)
        ES_TRY(es_buf_printf(out,
                             "%sMicrosoft's ODBC driver gets the token from the program (attribute "
                             "1256), or use --driver entrasql, which signs in by itself\n",
                             prefix));
    if (c->needs_token && options->client_id != NULL)
        ES_TRY(es_buf_printf(out, "%sset AZURE_CLIENT_ID=%s\n", prefix, options->client_id));
    if (c->needs_proxy)
        ES_TRY(proxy_line(c, prefix, out));
    return ENTRASQL_OK;
}

static void put_pairs(json_writer *w, const char *name, const conf_connstr *list)
{
    json_name(w, name);
    json_begin_array(w);
    for (size_t i = 0; i < list->count; i++) {
        json_begin_object(w);
        json_member_put_string(w, "setting", list->pairs[i].keyword);
        json_member_put_string(w, "reason", list->pairs[i].value);
        json_end_object(w);
    }
    json_end_array(w);
}

void cli_connstr_json(json_writer *w, const char *text, const conf_converted *c)
{
    json_member_put_string(w, "from", conf_form_name(c->from));
    json_member_put_string(w, "to", conf_form_name(c->to));
    json_member_put_string(w, "connectionString", text);
    json_member_put_bool(w, "hadPassword", c->had_password);
    json_member_put_bool(w, "needsProxy", c->needs_proxy);
    json_member_put_bool(w, "needsToken", c->needs_token);
    put_pairs(w, "changed", &c->changed);
    put_pairs(w, "leftOut", &c->dropped);
}

static entrasql_status print_converted(const cli_terminal *t, const conf_args *args, es_buf *text,
                                       const conf_converted *c, const conf_convert_options *options,
                                       entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf out = ES_BUF_INIT(2 * CLI_CONNSTR_MAX_BYTES);
    ES_CLEANUP(es_buf_done) es_buf notes = ES_BUF_INIT(NOTES_MAX_BYTES);
    const char *s = es_buf_cstr(text);
    if (s == NULL)
        return es_nomem(err);
    if (conf_args_flag(args, "json")) {
        json_writer w;
        json_writer_init(&w, &out);
        json_begin_object(&w);
        cli_connstr_json(&w, s, c);
        json_end_object(&w);
        if (json_writer_end(&w) != ENTRASQL_OK || es_buf_u8(&out, '\n') != ENTRASQL_OK)
            return es_nomem(err);
        return cli_write(t, &out, err);
    }
    cli_text_form form = t->out_is_terminal ? CLI_TEXT_PRINTABLE : CLI_TEXT_RAW;
    if (cli_text_add(&out, s, text->len, form) != ENTRASQL_OK ||
        es_buf_u8(&out, '\n') != ENTRASQL_OK ||
        cli_connstr_notes(c, options, "note: ", &notes) != ENTRASQL_OK)
        return es_nomem(err);
    ES_TRY(cli_write(t, &out, err));
    (void)fwrite(notes.data, 1, notes.len, t->err);
    return ENTRASQL_OK;
}

static entrasql_status convert_source(const cli_terminal *t, const conf_args *args, int argc,
                                      char **argv, cli_connstr_choice *choice, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT_WIPE(2 * CONF_CONNSTR_MAX_BYTES);
    ES_CLEANUP(es_buf_done) es_buf converted_text = ES_BUF_INIT(CLI_CONNSTR_MAX_BYTES);
    ES_CLEANUP(conf_converted_done) conf_converted converted = {0};
    ES_TRY(cli_connstr_options(args, choice, err));
    const char *s = NULL;
    ES_TRY(cli_connstr_read(t, args, argc, argv, &text, &s, err));
    choice->from = form_of(args, s);
    choice->options.from = &choice->from;
    ES_TRY(conf_convert(s, &choice->options, &converted_text, &converted, err));
    return print_converted(t, args, &converted_text, &converted, &choice->options, err);
}

static int convert(const cli_terminal *t, int argc, char **argv)
{
    conf_args args;
    entrasql_error err;
    cli_connstr_choice choice = {0};
    int exit_code = 0;
    if (!cli_parse(t, &convert_command, argc, argv, &args, &exit_code))
        return exit_code;
    entrasql_status status = convert_source(t, &args, argc, argv, &choice, &err);
    es_free(choice.proxy_host);
    return status == ENTRASQL_OK ? 0 : cli_report(t, &err);
}

/* ---- the words ---- */

static const cli_command words[] = {
    {"show", "say what a connection string means", show},
    {"convert", "print it without its password, in any form, for an identity", convert},
    {"scan", "find connection strings with passwords in a source tree", cli_connstr_scan},
};

int cli_connstr(const cli_terminal *t, int argc, char **argv)
{
    return cli_run_word(t, "entrasql connstr", "Connection strings, and the way out of passwords.",
                        words, ES_COUNT_OF(words), argc, argv);
}
