/* SPDX-License-Identifier: MIT */
#include "cli/option_file.h"
#include "cli/input.h"

#include "base/mem.h"
#include "base/nearest.h"
#include "base/str.h"
#include "base/utf16.h"
#include "os/file.h"

#include <stdio.h>
#include <string.h>

#define FILE_MAX_BYTES (256 * 1024)
#define MAX_LINES 500
#define LINE_MAX_BYTES 8192

typedef struct reader {
    const conf_command *command;
    const char *file;
    conf_args given; /* on the command line, which wins */
    bool is_seen[CONF_OPTIONS_MAX];
    cli_option_file *to;
} reader;

void cli_option_file_done(cli_option_file *f)
{
    for (int i = 0; i < f->own; i++)
        es_free(f->argv[i]);
    es_free(f->argv);
    *f = (cli_option_file){0};
}

static void trim(const char **p, size_t *n)
{
    while (*n != 0 && es_is_space(**p)) {
        (*p)++;
        (*n)--;
    }
    while (*n != 0 && es_is_space((*p)[*n - 1]))
        (*n)--;
}

static entrasql_status refuse(const char *file, size_t line, const char *why, entrasql_error *err)
{
    es_fail(err, ENTRASQL_CONFIG, "%s, line %zu: %s", file, line, why);
    err->line = (uint32_t)line;
    return ENTRASQL_CONFIG;
}

static entrasql_status refuse_name(const conf_command *command, const char *file, size_t line,
                                   const char *name, size_t n, entrasql_error *err)
{
    char shown[80];
    es_nearest near = {0};

    es_printable(shown, sizeof shown, name, n);
    es_fail(err, ENTRASQL_CONFIG, "%s, line %zu: there is no option '%s'", file, line, shown);
    err->line = (uint32_t)line;
    for (const conf_option *o = command->options; o->name != NULL; o++) {
        if (!es_streq(o->name, "config") && !es_streq(o->name, "help"))
            es_nearest_offer(&near, name, n, o->name);
    }
    if (near.word != NULL)
        es_hint(err, "Did you mean %s? %s --help shows all.", near.word, command->name);
    else
        es_hint(err, "%s --help shows the options; they are written here without the --.",
                command->name);
    return ENTRASQL_CONFIG;
}

static const conf_option *find(const conf_command *command, const char *name, size_t n)
{
    for (const conf_option *o = command->options; o->name != NULL; o++) {
        if (strlen(o->name) == n && strncmp(o->name, name, n) == 0)
            return o;
    }
    return NULL;
}

static entrasql_status add(cli_option_file *f, const char *name, size_t n, const char *value,
                           size_t value_n, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(LINE_MAX_BYTES + 16);
    char **grown = es_reallocarray(f->argv, (size_t)f->own + 1, sizeof *grown);

    if (grown == NULL)
        return es_nomem(err);
    f->argv = grown;
    entrasql_status status = es_buf_printf(&text, "--%.*s", (int)n, name);
    if (status == ENTRASQL_OK && value != NULL)
        status = es_buf_printf(&text, "=%.*s", (int)value_n, value);
    char *taken = status == ENTRASQL_OK ? es_buf_take(&text, NULL) : NULL;
    if (taken == NULL)
        return es_nomem(err);
    f->argv[f->own++] = taken;
    f->argc = f->own;
    return ENTRASQL_OK;
}

/* By its place in the table. */
static entrasql_status check_first(reader *r, size_t at, size_t line, entrasql_error *err)
{
    char why[120];
    (void)snprintf(why, sizeof why, "'%s' is given twice", r->command->options[at].name);
    if (r->is_seen[at])
        return refuse(r->file, line, why, err);
    r->is_seen[at] = true;
    return ENTRASQL_OK;
}

static entrasql_status take_pair(reader *r, size_t line, const char *p, size_t n,
                                 entrasql_error *err)
{
    const char *eq = memchr(p, '=', n);
    if (eq == NULL)
        return refuse(r->file, line, "it is not of the form name = value", err);
    const char *name = p;
    size_t name_n = (size_t)(eq - p);
    const char *value = eq + 1;
    size_t value_n = n - name_n - 1;
    trim(&name, &name_n);
    trim(&value, &value_n);
    const conf_option *o = find(r->command, name, name_n);
    if (o == NULL || es_streq(o->name, "config") || es_streq(o->name, "help"))
        return refuse_name(r->command, r->file, line, name, name_n, err);
    ES_TRY(check_first(r, (size_t)(o - r->command->options), line, err));
    bool is_flag = o->type == CONF_OPTION_FLAG;
    bool is_no = is_flag && value_n == 2 && es_strncaseeq(value, "no", 2);
    if (is_flag && !is_no && (value_n != 3 || !es_strncaseeq(value, "yes", 3)))
        return refuse(r->file, line, "this option is yes or no", err);
    if (is_no || conf_args_has(&r->given, o->name))
        return ENTRASQL_OK;
    return add(r->to, name, name_n, is_flag ? NULL : value, is_flag ? 0 : value_n, err);
}

static entrasql_status take_lines(reader *r, const char *text, size_t n, entrasql_error *err)
{
    for (size_t line = 1; n != 0; line++) {
        const char *end = memchr(text, '\n', n);
        size_t length = end != NULL ? (size_t)(end - text) : n;
        const char *p = text;
        size_t left = length;
        if (line > MAX_LINES || length > LINE_MAX_BYTES)
            return refuse(r->file, line, "the file is too long", err);
        trim(&p, &left);
        if (left != 0 && strchr("#;[", p[0]) == NULL)
            ES_TRY(take_pair(r, line, p, left, err));
        text += end != NULL ? length + 1 : length;
        n -= end != NULL ? length + 1 : length;
    }
    return ENTRASQL_OK;
}

entrasql_status cli_option_file_parse(const conf_command *command, const char *name,
                                      const char *text, size_t n, int argc, char **argv,
                                      cli_option_file *ret, entrasql_error *err)
{
    cli_option_file f = {0};
    reader r = {.command = command, .file = name, .to = &f};
    entrasql_status status = ENTRASQL_OK;

    /* A mistake in it is found, and said, when all is parsed; what stands before it is here. */
    (void)!conf_args_parse(command, argc, argv, &r.given, NULL);
    if (!es_utf8_is_valid(text, n) || memchr(text, '\0', n) != NULL)
        return es_fail(err, ENTRASQL_CONFIG, "%s is not UTF-8 text", name);
    status = take_lines(&r, text, n, err);
    if (status == ENTRASQL_OK) {
        char **grown = es_reallocarray(f.argv, (size_t)f.own + (size_t)argc + 1, sizeof *grown);
        if (grown == NULL)
            status = es_nomem(err);
        else
            f.argv = grown;
    }
    if (status != ENTRASQL_OK) {
        cli_option_file_done(&f);
        return status;
    }
    for (int i = 0; i < argc; i++)
        f.argv[f.own + i] = argv[i];
    f.argc = f.own + argc;
    f.argv[f.argc] = NULL;
    *ret = f;
    return ENTRASQL_OK;
}

entrasql_status cli_option_file_read(const conf_command *command, const char *path, int argc,
                                     char **argv, cli_option_file *ret, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(FILE_MAX_BYTES);

    ES_TRY(
        cli_input_status(os_file_read(path, &text, err), "check that it is the right file", err));
    const char *all = es_buf_cstr(&text);
    if (all == NULL)
        return es_nomem(err);
    return cli_option_file_parse(command, path, all, text.len, argc, argv, ret, err);
}
