/* SPDX-License-Identifier: MIT */
/* entrasql doctor: which link between this machine and the database fails, and what mends it. */
#include "cli/connect.h"
#include "cli/connstr.h"
#include "cli/input.h"
#include "cli/text.h"

#include "base/mem.h"
#include "base/str.h"
#include "doctor/doctor.h"
#include "os/file.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define OUTPUT_MAX_BYTES (256 * 1024)

static const conf_option options[] = {
    {.name = "env",
     .type = CONF_OPTION_TEXT,
     .value_name = "NAME",
     .help = "the variable with the connection string (default: " CLI_CONNECT_VARIABLE ")"},
    {.name = "file",
     .type = CONF_OPTION_FILE,
     .value_name = "FILE",
     .help = "take the string from a file"},
    {.name = "form",
     .type = CONF_OPTION_CHOICE,
     .choices = conf_form_names,
     .help = "the form it has (default: told by its text)"},
    {.name = "server",
     .short_name = 'S',
     .type = CONF_OPTION_TEXT,
     .value_name = "HOST[,PORT]",
     .help = "the server, in place of the string's"},
    {.name = "database",
     .short_name = 'd',
     .type = CONF_OPTION_TEXT,
     .value_name = "NAME",
     .help = "the database, in place of the string's"},
    {.name = "token-file",
     .type = CONF_OPTION_FILE,
     .value_name = "FILE",
     .help = "look at this access token in place of the credentials'"},
    CLI_CREDENTIAL_OPTIONS,
    {.name = "timeout",
     .type = CONF_OPTION_NUMBER,
     .value_name = "SECONDS",
     .min = 1,
     .max = 20,
     .default_value = "20",
     .help = "how long it may take altogether"},
    {.name = "json", .type = CONF_OPTION_FLAG, .help = "print JSON"},
    CLI_OPTION_HELP,
    {0},
};

static const conf_command command = {
    .name = "entrasql doctor",
    .summary = "Walks from this environment to the rights in the database, and says what fails.",
    .positionals = "[-]",
    .max_positionals = CONF_POSITIONALS_MAX, /* more than one is told apart below */
    .options = options,
    .notes = "One line a link: ok, warn, fail, or - for what is not in use here; below it the\n"
             "evidence and what mends it. \"-\" reads the string from standard input. Nothing is\n"
             "changed, no secret is printed. The exit code is that of the first link that fails,\n"
             "one of those that `entrasql --help` lists; 0 when none does.",
};

/* ---- what to look at ---- */

typedef struct patient {
    conf_login login;
    conf_connstr written; /* its keywords */
    bool is_odbc;
    const char *source;
    bool is_quoted;
    bool is_unresolved;
    entrasql_credential *credential;
} patient;

/* Without quotes around it, and without blanks around these; the buffer is the caller's own. */
static const char *bare_text(patient *p, char *text)
{
    size_t n = strlen(text);
    while (es_is_space(*text)) {
        text++;
        n--;
    }
    while (n != 0 && es_is_space(text[n - 1]))
        n--;
    p->is_unresolved = es_strncaseeq(text, "@Microsoft.KeyVault(", strlen("@Microsoft.KeyVault("));
    p->is_quoted = n >= 2 && (text[0] == '"' || text[0] == '\'') && text[n - 1] == text[0];
    if (!p->is_quoted)
        return text;
    text[n - 1] = '\0';
    return text + 1;
}

static entrasql_status read_string(const cli_terminal *t, conf_args *args, int argc, char **argv,
                                   patient *p, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf buffer = ES_BUF_INIT_WIPE(2 * CONF_CONNSTR_MAX_BYTES);
    const char *text = NULL;
    const char *env = conf_args_text(args, "env");
    const char *form_name = conf_args_text(args, "form");
    conf_form form;
    bool named = env != NULL || conf_args_text(args, "file") != NULL || args->positional_count != 0;
    if (!named) {
        const char *value = getenv(CLI_CONNECT_VARIABLE);
        if (es_str_is_empty(value))
            return ENTRASQL_OK; /* -S has to say it all */
        p->source = CLI_CONNECT_VARIABLE;
        if (es_buf_add_str(&buffer, value) != ENTRASQL_OK || es_buf_cstr(&buffer) == NULL)
            return cli_input_status(
                es_fail(err, ENTRASQL_LIMIT, CLI_CONNECT_VARIABLE " is too long"),
                "a connection string is a line of text", err);
        text = (const char *)buffer.data;
    } else {
        ES_TRY(cli_connstr_read(t, args, argc, argv, &buffer, &text, err));
        p->source = env != NULL                            ? env
                    : conf_args_text(args, "file") != NULL ? conf_args_text(args, "file")
                                                           : "standard input";
    }
    text = bare_text(p, (char *)buffer.data + (text - (const char *)buffer.data));
    if (p->is_unresolved)
        return ENTRASQL_OK;
    if (form_name == NULL || !conf_form_find(form_name, &form))
        form = conf_form_detect(text);
    p->is_odbc = form == CONF_FORM_ODBC;
    if (conf_form_parse(form, text, &p->written, err) == ENTRASQL_OK &&
        conf_login_from(form, &p->written, &p->login, err) == ENTRASQL_OK)
        return ENTRASQL_OK;
    es_error_prefix(err, "%s", p->source);
    return err->status;
}

/* A shell takes a string without quotes to pieces, any of which may be a password. */
static entrasql_status check_one(const conf_args *args, entrasql_error *err)
{
    if (args->positional_count < 2)
        return ENTRASQL_OK;
    es_fail(err, ENTRASQL_INVALID, "%u arguments where one is taken",
            (unsigned)args->positional_count);
    es_hint(err, "put the connection string into single quotes, or the shell cuts it at blanks and "
                 "at ';'; better, since others see arguments: entrasql doctor --env NAME, or - and "
                 "standard input");
    return ENTRASQL_INVALID;
}

/* The flags win over the string. */
static entrasql_status read_flags(const conf_args *args, patient *p, entrasql_error *err)
{
    const char *server = conf_args_text(args, "server");
    const char *database = conf_args_text(args, "database");
    if (database != NULL && conf_login_set(&p->login, CONF_KEY_DATABASE, database) != ENTRASQL_OK)
        return es_nomem(err);
    if (server == NULL)
        return ENTRASQL_OK;
    ES_CLEANUP(es_cleanup_free) char *host = NULL;
    uint16_t port = 0;
    char text[8];
    ES_TRY(conf_server_parse(server, &host, &port, err));
    (void)snprintf(text, sizeof text, "%u", (unsigned)port);
    /* The string's password is its own server's. */
    const char *before = conf_login_get(&p->login, CONF_KEY_SERVER);
    if (before != NULL && strcasecmp(before, host) != 0 &&
        (conf_login_set(&p->login, CONF_KEY_USER, NULL) != ENTRASQL_OK ||
         conf_login_set(&p->login, CONF_KEY_PASSWORD, NULL) != ENTRASQL_OK))
        return es_nomem(err);
    if (conf_login_set(&p->login, CONF_KEY_SERVER, host) != ENTRASQL_OK ||
        conf_login_set(&p->login, CONF_KEY_INSTANCE, NULL) != ENTRASQL_OK ||
        conf_login_set(&p->login, CONF_KEY_PORT, text) != ENTRASQL_OK)
        return es_nomem(err);
    return ENTRASQL_OK;
}

/* ---- who signs in ---- */

static entrasql_status token_of_file(void *context, const entrasql_token_request *request,
                                     entrasql_token **ret, entrasql_error *err)
{
    (void)request;
    /* The server and the claims judge it: here it lives for as long as the doctor looks. */
    *ret = entrasql_token_new(context, (int64_t)time(NULL) + 3600);
    return *ret != NULL ? ENTRASQL_OK : es_nomem(err);
}

static void wipe_token(void *context)
{
    es_free_wipe_str(context);
}

static entrasql_status read_token_file(const char *path, entrasql_credential **ret,
                                       entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT_WIPE(CLI_TOKEN_MAX_BYTES);
    ES_TRY(cli_read_token(path, &text, err));
    char *token = es_buf_take(&text, NULL);
    if (token == NULL)
        return es_nomem(err);
    entrasql_status status = entrasql_custom_credential_new("the token of the file", token_of_file,
                                                            token, wipe_token, ret, err);
    if (status != ENTRASQL_OK)
        wipe_token(token);
    return status;
}

/* The string's Authentication= counts where the command line names no credential. */
static entrasql_status choose_credential(const conf_args *args, patient *p, entrasql_error *err)
{
    cli_credential_options o;
    const char *file = conf_args_text(args, "token-file");
    const char *authentication = conf_login_get(&p->login, CONF_KEY_AUTHENTICATION);
    cli_credential_read(args, &o);
    o.ca_file = NULL; /* it is the SQL server's, and Entra's is not signed by that */
    if (file != NULL)
        return read_token_file(file, &p->credential, err);
    if (es_streq(o.name, "default") && es_streq(authentication, "managed-identity")) {
        o.name = "managed-identity";
        if (o.client_id == NULL)
            o.client_id = conf_login_get(&p->login, CONF_KEY_CLIENT_ID);
    } else if (es_streq(o.name, "default")) {
        return ENTRASQL_OK; /* each member of the chain by itself */
    }
    return cli_credential_new(&o, &p->credential, err);
}

/* ---- the report ---- */

static const char *colour_of(const cli_terminal *t, doctor_state state)
{
    static const char *const colours[] = {"\033[32m", "\033[33m", "\033[31m", "\033[2m"};
    return t->out_has_colour ? colours[state] : "";
}

/* The columns of state and link; on a narrow terminal what follows hangs further left. */
#define LEAD_COLUMNS 19
#define NARROW_COLUMNS 70
#define NARROW_HANG 4
#define WORTH_A_TIME_MS 100 /* of what is not in use here */

static size_t hang_of(size_t width)
{
    return width != 0 && width < NARROW_COLUMNS ? NARROW_HANG : LEAD_COLUMNS;
}

/* A text below the line it belongs to; what begins with an arrow goes on behind that. */
static entrasql_status print_below(es_buf *out, const char *arrow, const char *text, size_t width)
{
    size_t hang = hang_of(width);
    ES_TRY(es_buf_fill(out, ' ', hang));
    ES_TRY(es_buf_add_str(out, arrow));
    hang += strlen(arrow);
    ES_TRY(cli_text_add_hung(out, text, strlen(text), hang, hang, width));
    return es_buf_u8(out, '\n');
}

/* What is not in use here has its reason in words; its diagnosis is worth a look where it is not
   just that. */
static bool says_more(const doctor_line *l)
{
    return l->id != NULL && (l->state != DOCTOR_NONE || !es_streq(l->id, "credential-failed"));
}

static entrasql_status print_line(const cli_terminal *t, const doctor_line *l, size_t width,
                                  es_buf *out)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(2 * sizeof l->text);
    const char *colour = colour_of(t, l->state);
    ES_TRY(es_buf_add_str(&text, l->text));
    if (l->ms >= (l->state == DOCTOR_NONE ? WORTH_A_TIME_MS : 1))
        ES_TRY(es_buf_printf(&text, " (%u ms)", (unsigned)l->ms));
    if (says_more(l))
        ES_TRY(es_buf_printf(&text, " [%s]", l->id));
    ES_TRY(es_buf_printf(out, "%s%-4s%s  %-11s  ", colour, doctor_state_name(l->state),
                         *colour != '\0' ? "\033[0m" : "", l->link));
    ES_TRY(cli_text_add_hung(out, (const char *)text.data, text.len, LEAD_COLUMNS, hang_of(width),
                             width));
    ES_TRY(es_buf_u8(out, '\n'));
    if (l->evidence[0] != '\0' && l->state != DOCTOR_NONE)
        ES_TRY(print_below(out, "", l->evidence, width));
    if (l->fix[0] != '\0' && l->state != DOCTOR_NONE)
        ES_TRY(print_below(out, "-> ", l->fix, width));
    return ENTRASQL_OK;
}

static entrasql_status print_first(const doctor_line *l, size_t width, es_buf *out)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(2 * sizeof l->fix);
    ES_TRY(es_buf_printf(&text, "The first link that fails: %s [%s]. %s", l->link,
                         l->id != NULL ? l->id : "-", l->fix));
    ES_TRY(es_buf_u8(out, '\n'));
    ES_TRY(cli_text_add_wrapped(out, (const char *)text.data, text.len, 0, width));
    return es_buf_u8(out, '\n');
}

static entrasql_status print_text(const cli_terminal *t, const doctor_report *r, es_buf *out)
{
    size_t width = cli_terminal_width(t->out);
    for (size_t i = 0; i < r->count; i++)
        ES_TRY(print_line(t, &r->lines[i], width, out));
    for (size_t i = 0; i < r->count; i++) {
        if (r->lines[i].state == DOCTOR_FAIL)
            return print_first(&r->lines[i], width, out);
    }
    return es_buf_add_str(out, "\nNo link fails.\n");
}

static entrasql_status print_json(const doctor_report *r, es_buf *out)
{
    json_writer w;
    json_writer_init(&w, out);
    json_begin_object(&w);
    json_name(&w, "links");
    json_begin_array(&w);
    const doctor_line *first = NULL;
    for (size_t i = 0; i < r->count; i++) {
        const doctor_line *l = &r->lines[i];
        if (first == NULL && l->state == DOCTOR_FAIL)
            first = l;
        json_begin_object(&w);
        json_member_put_string(&w, "link", l->link);
        json_member_put_string(&w, "state",
                               l->state == DOCTOR_NONE ? "none" : doctor_state_name(l->state));
        json_member_put_string(&w, "diagnosis", l->id);
        json_member_put_string(&w, "text", l->text);
        json_member_put_string(&w, "evidence", l->evidence[0] != '\0' ? l->evidence : NULL);
        json_member_put_string(&w, "fix", l->fix[0] != '\0' ? l->fix : NULL);
        json_member_put_i64(&w, "ms", l->ms);
        json_end_object(&w);
    }
    json_end_array(&w);
    json_member_put_string(&w, "firstFailure", first != NULL ? first->id : NULL);
    json_end_object(&w);
    ES_TRY(json_writer_end(&w));
    return es_buf_u8(out, '\n');
}

static entrasql_status examine(const cli_terminal *t, conf_args *args, int argc, char **argv,
                               patient *p, int *ret_exit, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf out = ES_BUF_INIT(OUTPUT_MAX_BYTES);
    ES_TRY(check_one(args, err));
    ES_TRY(read_string(t, args, argc, argv, p, err));
    ES_TRY(read_flags(args, p, err));
    ES_TRY(choose_credential(args, p, err));
    doctor_report *report = es_calloc(1, sizeof *report);
    if (report == NULL)
        return es_nomem(err);
    const doctor_options o = {
        .login = &p->login,
        .written = p->is_odbc ? &p->written : NULL,
        .source = p->source,
        .is_quoted = p->is_quoted,
        .is_unresolved = p->is_unresolved,
        .client_id = conf_args_text(args, "client-id"),
        .credential = p->credential,
        .token_file = conf_args_text(args, "token-file"),
        .ca_file = conf_args_text(args, "ca-file"),
        .limit_ms = conf_args_number(args, "timeout") * 1000,
    };
    entrasql_status status = doctor_run(&o, report, err);
    if (status == ENTRASQL_OK) {
        *ret_exit = (int)doctor_class(report);
        status =
            conf_args_flag(args, "json") ? print_json(report, &out) : print_text(t, report, &out);
        status = status == ENTRASQL_OK ? cli_write(t, &out, err) : es_nomem(err);
    }
    es_free(report);
    return status;
}

int cli_doctor(const cli_terminal *t, int argc, char **argv)
{
    patient p = {0};
    conf_args args;
    entrasql_error err;
    int exit_code = 0;
    if (!cli_parse(t, &command, argc, argv, &args, &exit_code))
        return exit_code;
    entrasql_status status = examine(t, &args, argc, argv, &p, &exit_code, &err);
    entrasql_credential_unref(p.credential);
    conf_connstr_done(&p.written);
    conf_login_done(&p.login);
    return status == ENTRASQL_OK ? exit_code : cli_report(t, &err);
}
