/* SPDX-License-Identifier: MIT */
/* Parsing a command line by its option table, and printing the table as help. */
#include "conf/option.h"

#include "base/str.h"

#include <assert.h>
#include <string.h>

static size_t option_count(const conf_command *command)
{
    size_t n = 0;
    while (command->options[n].name != NULL)
        n++;
    assert(n <= CONF_OPTIONS_MAX);
    return n;
}

static const conf_option *find_long(const conf_command *command, const char *name, size_t n)
{
    for (const conf_option *o = command->options; o->name != NULL; o++) {
        if (strlen(o->name) == n && strncmp(o->name, name, n) == 0)
            return o;
    }
    return NULL;
}

static const conf_option *find_short(const conf_command *command, char c)
{
    for (const conf_option *o = command->options; o->name != NULL; o++) {
        if (o->short_name != 0 && o->short_name == c)
            return o;
    }
    return NULL;
}

static entrasql_status refuse(const conf_command *command, entrasql_error *err)
{
    es_hint(err, "%s --help shows the options", command->name);
    return ENTRASQL_INVALID;
}

static bool is_choice(const char *choices, const char *value)
{
    size_t n = strlen(value);
    while (n != 0) {
        size_t length = strcspn(choices, "|");
        if (length == n && strncmp(choices, value, n) == 0)
            return true;
        if (choices[length] == '\0')
            return false;
        choices += length + 1;
    }
    return false;
}

static entrasql_status check_value(const conf_command *command, const conf_option *o,
                                   const char *value, entrasql_error *err)
{
    if (o->type == CONF_OPTION_CHOICE && !is_choice(o->choices, value)) {
        char shown[100];
        es_printable(shown, sizeof shown, value, strlen(value));
        es_fail(err, ENTRASQL_INVALID, "--%s: '%s' is none of %s", o->name, shown, o->choices);
        return refuse(command, err);
    }
    uint64_t number = 0;
    if (o->type == CONF_OPTION_NUMBER &&
        (es_parse_u64(value, strlen(value), o->max, &number) != ENTRASQL_OK || number < o->min)) {
        char shown[100];
        es_printable(shown, sizeof shown, value, strlen(value));
        es_fail(err, ENTRASQL_INVALID, "--%s: '%s' is not a number from %u to %u", o->name, shown,
                (unsigned)o->min, (unsigned)o->max);
        return refuse(command, err);
    }
    return ENTRASQL_OK;
}

static entrasql_status store(conf_args *args, const conf_option *o, const char *value,
                             entrasql_error *err)
{
    if (value == NULL && o->short_name != 0)
        es_fail(err, ENTRASQL_INVALID, "-%c, --%s needs a value", o->short_name, o->name);
    else if (value == NULL)
        es_fail(err, ENTRASQL_INVALID, "--%s needs a value", o->name);
    if (value == NULL)
        return refuse(args->command, err);
    ES_TRY(check_value(args->command, o, value, err));
    args->values[o - args->command->options] = value;
    return ENTRASQL_OK;
}

/* *at is the argument's index; moves to the value's when that is the next argument. */
static entrasql_status parse_long(conf_args *args, int argc, char **argv, int *at,
                                  entrasql_error *err)
{
    const char *name = argv[*at] + 2;
    size_t n = strcspn(name, "=");
    const conf_option *o = find_long(args->command, name, n);
    if (o == NULL) {
        char shown[80];
        es_printable(shown, sizeof shown, name, n);
        es_fail(err, ENTRASQL_INVALID, "unknown option --%s", shown);
        return refuse(args->command, err);
    }
    bool attached = name[n] == '=';
    if (o->type == CONF_OPTION_FLAG) {
        if (attached) {
            es_fail(err, ENTRASQL_INVALID, "--%s takes no value", o->name);
            return refuse(args->command, err);
        }
        return store(args, o, "", err);
    }
    if (attached)
        return store(args, o, name + n + 1, err);
    bool has_next = *at + 1 < argc;
    if (has_next)
        (*at)++;
    return store(args, o, has_next ? argv[*at] : NULL, err);
}

static entrasql_status parse_short(conf_args *args, int argc, char **argv, int *at,
                                   entrasql_error *err)
{
    for (const char *p = argv[*at] + 1; *p != '\0'; p++) {
        const conf_option *o = find_short(args->command, *p);
        if (o == NULL) {
            char shown[8];
            es_printable(shown, sizeof shown, p, strlen(p) < 4 ? strlen(p) : 4);
            es_fail(err, ENTRASQL_INVALID, "unknown option -%s", shown);
            return refuse(args->command, err);
        }
        if (o->type == CONF_OPTION_FLAG) {
            ES_TRY(store(args, o, "", err));
            continue;
        }
        if (p[1] != '\0')
            return store(args, o, p + 1, err);
        bool has_next = *at + 1 < argc;
        if (has_next)
            (*at)++;
        return store(args, o, has_next ? argv[*at] : NULL, err);
    }
    return ENTRASQL_OK;
}

static entrasql_status add_positional(conf_args *args, const char *text, entrasql_error *err)
{
    unsigned limit = args->command->max_positionals;
    if (limit > CONF_POSITIONALS_MAX)
        limit = CONF_POSITIONALS_MAX;
    if (args->positional_count == limit) {
        char shown[100];
        es_printable(shown, sizeof shown, text, strlen(text));
        es_fail(err, ENTRASQL_INVALID, "unexpected argument '%s'", shown);
        return refuse(args->command, err);
    }
    args->positionals[args->positional_count++] = text;
    return ENTRASQL_OK;
}

entrasql_status conf_args_parse(const conf_command *command, int argc, char **argv, conf_args *ret,
                                entrasql_error *err)
{
    conf_args args = {.command = command};
    bool options_ended = false;
    int i = 0;
    for (; i < argc; i++) {
        const char *text = argv[i];
        bool is_positional = options_ended || text[0] != '-' || text[1] == '\0';
        if (is_positional && command->stops_at_positional)
            break;
        if (!options_ended && strcmp(text, "--") == 0)
            options_ended = true;
        else if (is_positional)
            ES_TRY(add_positional(&args, text, err));
        else if (text[1] == '-')
            ES_TRY(parse_long(&args, argc, argv, &i, err));
        else
            ES_TRY(parse_short(&args, argc, argv, &i, err));
    }
    args.used = i;
    *ret = args;
    return ENTRASQL_OK;
}

const char *conf_args_text(const conf_args *args, const char *name)
{
    const conf_option *o = find_long(args->command, name, strlen(name));
    assert(o != NULL);
    const char *value = args->values[o - args->command->options];
    return value != NULL ? value : o->default_value;
}

bool conf_args_flag(const conf_args *args, const char *name)
{
    return conf_args_text(args, name) != NULL;
}

uint32_t conf_args_number(const conf_args *args, const char *name)
{
    const char *text = conf_args_text(args, name);
    uint64_t number = 0;
    if (text == NULL || es_parse_u64(text, strlen(text), UINT32_MAX, &number) != ENTRASQL_OK)
        return 0;
    return (uint32_t)number;
}

#define HELP_COLUMN 34
#define HELP_WIDTH 100

/* So many that they stand below the option, not beside it. */
static bool has_many_choices(const conf_option *o)
{
    return strlen(o->choices) > HELP_WIDTH - HELP_COLUMN;
}

/* One word in the help's column, on a new line where it does not fit. */
static entrasql_status add_word(es_buf *out, size_t *column, const char *s, size_t n,
                                const char *suffix)
{
    size_t width = n + strlen(suffix);
    if (*column + 1 + width > HELP_WIDTH) {
        ES_TRY(es_buf_u8(out, '\n'));
        ES_TRY(es_buf_fill(out, ' ', HELP_COLUMN));
        *column = HELP_COLUMN;
    } else if (*column > HELP_COLUMN) {
        ES_TRY(es_buf_u8(out, ' '));
        (*column)++;
    }
    ES_TRY(es_buf_add(out, s, n));
    *column += width;
    return es_buf_add_str(out, suffix);
}

static entrasql_status add_words(es_buf *out, size_t *column, const char *text)
{
    for (const char *s = text; *s != '\0';) {
        size_t n = strcspn(s, " ");
        ES_TRY(add_word(out, column, s, n, ""));
        s += n;
        s += strspn(s, " ");
    }
    return ENTRASQL_OK;
}

/* "NAME: a, b, c" below the help. */
static entrasql_status add_choices(es_buf *out, const char *choices)
{
    size_t column = HELP_WIDTH;
    ES_TRY(add_words(out, &column, "NAME:"));
    for (const char *s = choices; *s != '\0';) {
        size_t n = strcspn(s, "|");
        ES_TRY(add_word(out, &column, s, n, s[n] == '|' ? "," : ""));
        s += s[n] == '|' ? n + 1 : n;
    }
    return ENTRASQL_OK;
}

/* "  -S, --server SERVER" as the help shows it; the column where the next text starts follows. */
static entrasql_status print_names(const conf_option *o, es_buf *out)
{
    if (o->short_name != 0)
        ES_TRY(es_buf_printf(out, "  -%c, --%s", o->short_name, o->name));
    else
        ES_TRY(es_buf_printf(out, "      --%s", o->name));
    if (o->type == CONF_OPTION_CHOICE && !has_many_choices(o))
        return es_buf_printf(out, " %s", o->choices);
    if (o->type == CONF_OPTION_CHOICE)
        return es_buf_add_str(out, " NAME");
    if (o->value_name != NULL)
        return es_buf_printf(out, " %s", o->value_name);
    return ENTRASQL_OK;
}

static entrasql_status print_option(const conf_option *o, es_buf *out)
{
    size_t start = out->len;
    ES_TRY(print_names(o, out));
    size_t width = out->len - start;
    if (width + 2 > HELP_COLUMN) {
        ES_TRY(es_buf_u8(out, '\n'));
        width = 0;
    }
    ES_TRY(es_buf_fill(out, ' ', HELP_COLUMN - width));
    size_t column = HELP_COLUMN;
    ES_TRY(add_words(out, &column, o->help));
    if (o->default_value != NULL) {
        ES_TRY(add_word(out, &column, "(default:", 9, ""));
        ES_TRY(add_word(out, &column, o->default_value, strlen(o->default_value), ")"));
    }
    if (o->type == CONF_OPTION_CHOICE && has_many_choices(o))
        ES_TRY(add_choices(out, o->choices));
    return es_buf_u8(out, '\n');
}

entrasql_status conf_command_help(const conf_command *command, es_buf *out)
{
    ES_TRY(es_buf_printf(out, "Usage: %s [options]%s%s\n\n%s\n\nOptions:\n", command->name,
                         command->positionals != NULL ? " " : "",
                         command->positionals != NULL ? command->positionals : "",
                         command->summary));
    size_t n = option_count(command);
    for (size_t i = 0; i < n; i++)
        ES_TRY(print_option(&command->options[i], out));
    if (command->notes != NULL)
        ES_TRY(es_buf_printf(out, "\n%s\n", command->notes));
    return ENTRASQL_OK;
}
