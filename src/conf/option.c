/* SPDX-License-Identifier: MIT */
/* Options by their table, from arguments, variables and files. */
#include "conf/option.h"

#include "base/nearest.h"
#include "base/str.h"
#include "base/utf16.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const conf_option *find_long(const conf_command *command, const char *name, size_t n)
{
    for (const conf_option *o = command->options; o->name != NULL; o++) {
        if (strlen(o->name) == n && strncmp(o->name, name, n) == 0)
            return o;
    }
    return NULL;
}

static const conf_option *find_flag(const conf_command *command, const char *name, size_t n)
{
    const conf_option *o = find_long(command, name, n);
    return o != NULL && !o->file_only ? o : NULL;
}

static const conf_option *find_short(const conf_command *command, char c)
{
    for (const conf_option *o = command->options; o->name != NULL; o++) {
        if (o->short_name != 0 && o->short_name == c)
            return o;
    }
    return NULL;
}

bool conf_is_choice(const char *choices, const char *value)
{
    size_t length = strlen(value);
    size_t n = 0;
    const char *choice;
    while ((choice = es_piece_next(&choices, &n)) != NULL) {
        if (n == length && strncmp(choice, value, n) == 0)
            return true;
    }
    return false;
}

/* "--name", or where else the value was given. */
static void print_where(const conf_command *command, const conf_option *o, const conf_origin *from,
                        char ret[CONF_WHERE_SIZE])
{
    if (from->source == CONF_SOURCE_VARIABLE) {
        size_t n = 0;
        for (const char *s = command->variables; *s != '\0' && n < CONF_WHERE_SIZE - 1; s++)
            ret[n++] = *s;
        for (const char *s = o->name; *s != '\0' && n < CONF_WHERE_SIZE - 1; s++)
            ret[n++] = *s == '-' ? '_' : es_ascii_upper(*s);
        ret[n] = '\0';
    } else if (from->file != NULL && from->line != 0) {
        (void)snprintf(ret, CONF_WHERE_SIZE, "%s:%u: %s", from->file, from->line, o->name);
    } else if (from->file != NULL) {
        (void)snprintf(ret, CONF_WHERE_SIZE, "%s: %s", from->file, o->name);
    } else {
        (void)snprintf(ret, CONF_WHERE_SIZE, "--%s", o->name);
    }
    es_utf8_trim_end(ret);
}

static entrasql_status refuse(const conf_command *command, entrasql_error *err)
{
    es_hint(err, "%s --help shows the options", command->name);
    return ENTRASQL_INVALID;
}

/* The same, naming the option that was meant, "--server"; NULL: nobody knows. */
static entrasql_status refuse_near(const conf_command *command, const char *meant,
                                   entrasql_error *err)
{
    if (meant == NULL)
        return refuse(command, err);
    es_hint(err, "Did you mean --%s? %s --help shows the options.", meant, command->name);
    return ENTRASQL_INVALID;
}

static const char *nearest_option(const conf_command *command, const char *name, size_t n)
{
    es_nearest near = {0};
    for (const conf_option *o = command->options; o->name != NULL; o++) {
        if (!o->file_only)
            es_nearest_offer(&near, name, n, o->name);
    }
    return near.word;
}

#define CHOICE_SIZE 64

/* The choice that comes nearest to the value, or "". */
static void find_near_choice(const char *choices, const char *value, char ret[CHOICE_SIZE])
{
    es_nearest best = {0};
    size_t n = 0;
    const char *choice;
    ret[0] = '\0';
    while ((choice = es_piece_next(&choices, &n)) != NULL) {
        char word[CHOICE_SIZE];
        es_nearest near = best;
        (void)snprintf(word, sizeof word, "%.*s", (int)n, choice);
        es_nearest_offer(&near, value, strlen(value), word);
        if (near.word == word) {
            memcpy(ret, word, sizeof word);
            best = (es_nearest){ret, near.distance};
        }
    }
}

void conf_list_choices(const char *choices, char ret[CONF_CHOICES_SIZE])
{
    size_t n = 0;
    for (const char *s = choices; *s != '\0' && n + 3 < CONF_CHOICES_SIZE; s++) {
        ret[n++] = *s == '|' ? ',' : *s;
        if (*s == '|')
            ret[n++] = ' ';
    }
    ret[n] = '\0';
}

void conf_refuse_choice(const char *where, const char *choices, const char *value,
                        entrasql_status status, entrasql_error *err)
{
    char shown[100];
    char meant[CHOICE_SIZE];
    char list[CONF_CHOICES_SIZE];

    es_printable(shown, sizeof shown, value, strlen(value));
    find_near_choice(choices, value, meant);
    conf_list_choices(choices, list);
    es_fail(err, status, "%s%s'%s' is none of %s", where, *where != '\0' ? ": " : "", shown, list);
    if (meant[0] != '\0')
        es_hint(err, "Did you mean %s?", meant);
}

/* A value that will not do: a mistake of the command line, or of the configuration. */
static entrasql_status refuse_value(const conf_command *command, const conf_origin *from,
                                    entrasql_status status, entrasql_error *err)
{
    if (from->source == CONF_SOURCE_ARGUMENT && from->file == NULL)
        return refuse(command, err);
    return status;
}

static entrasql_status check_value(const conf_command *command, const conf_option *o,
                                   const conf_origin *from, const char *value, entrasql_error *err)
{
    bool is_argument = from->source == CONF_SOURCE_ARGUMENT && from->file == NULL;
    entrasql_status status = is_argument ? ENTRASQL_INVALID : ENTRASQL_CONFIG;
    char where[CONF_WHERE_SIZE];
    char shown[100];
    uint64_t number = 0;
    if (o->type == CONF_OPTION_CHOICE && !conf_is_choice(o->choices, value)) {
        print_where(command, o, from, where);
        conf_refuse_choice(where, o->choices, value, status, err);
        return err == NULL || err->hint[0] == '\0' ? refuse_value(command, from, status, err)
                                                   : status;
    }
    if (o->type == CONF_OPTION_FILE && is_argument && value[0] == '\0') {
        print_where(command, o, from, where);
        es_fail(err, status, "%s: the name is empty", where);
        return refuse_value(command, from, status, err);
    }
    if (o->type == CONF_OPTION_NUMBER &&
        (es_parse_u64(value, strlen(value), o->max, &number) != ENTRASQL_OK || number < o->min)) {
        print_where(command, o, from, where);
        es_printable(shown, sizeof shown, value, strlen(value));
        es_fail(err, status, "%s: '%s' is not a number from %u to %u", where, shown,
                (unsigned)o->min, (unsigned)o->max);
        return refuse_value(command, from, status, err);
    }
    return ENTRASQL_OK;
}

/* Which of two values was meant nobody knows, and dropping one (of two -Q) drops what it asks for.
   A flag says the same twice. */
static entrasql_status check_first(const conf_args *args, const conf_option *o, entrasql_error *err)
{
    if (o->type == CONF_OPTION_FLAG ||
        args->origins[o - args->command->options].source != CONF_SOURCE_ARGUMENT)
        return ENTRASQL_OK;
    if (o->short_name != 0)
        es_fail(err, ENTRASQL_INVALID, "-%c, --%s is given twice", o->short_name, o->name);
    else
        es_fail(err, ENTRASQL_INVALID, "--%s is given twice", o->name);
    es_hint(err, "an option takes one value; lists have ',' between their parts");
    return ENTRASQL_INVALID;
}

static entrasql_status store(conf_args *args, const conf_option *o, const char *value,
                             entrasql_error *err)
{
    static const conf_origin argument = {.source = CONF_SOURCE_ARGUMENT};
    if (value == NULL && o->short_name != 0)
        es_fail(err, ENTRASQL_INVALID, "-%c, --%s needs a value", o->short_name, o->name);
    else if (value == NULL)
        es_fail(err, ENTRASQL_INVALID, "--%s needs a value", o->name);
    if (value == NULL)
        return refuse(args->command, err);
    ES_TRY(check_first(args, o, err));
    ES_TRY(check_value(args->command, o, &argument, value, err));
    args->values[o - args->command->options] = value;
    args->origins[o - args->command->options] = argument;
    return ENTRASQL_OK;
}

/* The next argument is the value; *at moves to it. Another option's name there was hardly meant. */
static entrasql_status store_next(conf_args *args, const conf_option *o, int argc, char **argv,
                                  int *at, entrasql_error *err)
{
    if (*at + 1 == argc)
        return store(args, o, NULL, err);
    const char *value = argv[++*at];
    if (!es_starts_with(value, "--") ||
        find_flag(args->command, value + 2, strcspn(value + 2, "=")) == NULL)
        return store(args, o, value, err);
    es_fail(err, ENTRASQL_INVALID, "--%s needs a value, and the option %.*s follows", o->name,
            (int)strcspn(value, "="), value);
    es_hint(err, "A value that begins with -- is written --%s=VALUE.", o->name);
    return ENTRASQL_INVALID;
}

/* *at is the argument's index; moves to the value's when that is the next argument. */
static entrasql_status parse_long(conf_args *args, int argc, char **argv, int *at,
                                  entrasql_error *err)
{
    const char *name = argv[*at] + 2;
    size_t n = strcspn(name, "=");
    const conf_option *o = find_flag(args->command, name, n);
    if (o == NULL) {
        char shown[80];
        es_printable(shown, sizeof shown, name, n);
        es_fail(err, ENTRASQL_INVALID, "unknown option --%s", shown);
        args->unknown = argv[*at];
        return refuse_near(args->command, nearest_option(args->command, name, n), err);
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
    return store_next(args, o, argc, argv, at, err);
}

/* "-server" and "-server=x" are read as -s -e ...: the option that was meant, or NULL. */
static const char *one_dash_too_few(const conf_command *command, const char *text)
{
    const conf_option *o = find_flag(command, text + 1, strcspn(text + 1, "="));
    return o != NULL ? o->name : NULL;
}

/* p: the letter, in the argument `text`. */
static entrasql_status refuse_short(conf_args *args, const char *text, const char *p,
                                    entrasql_error *err)
{
    char shown[8];
    uint32_t c = 0;
    const char *meant = one_dash_too_few(args->command, text);
    size_t n = es_utf8_decode(p, strlen(p), &c);
    es_printable(shown, sizeof shown, p, n != 0 ? n : 1); /* behind it may be a password */
    args->unknown = text;
    es_fail(err, ENTRASQL_INVALID, "unknown option -%s", shown);
    const conf_habit *h = meant == NULL ? args->command->habits : NULL;
    for (; h != NULL && h->short_name != 0; h++) {
        if (h->short_name != *p)
            continue;
        es_fail(err, ENTRASQL_INVALID, "%s has no option -%c", args->command->name, *p);
        es_hint(err, "%s", h->hint);
        return ENTRASQL_INVALID;
    }
    return refuse_near(args->command, meant, err);
}

static entrasql_status parse_short(conf_args *args, int argc, char **argv, int *at,
                                   entrasql_error *err)
{
    for (const char *p = argv[*at] + 1; *p != '\0'; p++) {
        const conf_option *o = find_short(args->command, *p);
        if (o == NULL)
            return refuse_short(args, argv[*at], p, err);
        if (o->type == CONF_OPTION_FLAG) {
            ES_TRY(store(args, o, "", err));
            continue;
        }
        if (p[1] != '\0')
            return store(args, o, p + 1, err);
        return store_next(args, o, argc, argv, at, err);
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
    *ret = (conf_args){.command = command};
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
            ES_TRY(add_positional(ret, text, err));
        else if (text[1] == '-')
            ES_TRY(parse_long(ret, argc, argv, &i, err));
        else
            ES_TRY(parse_short(ret, argc, argv, &i, err));
    }
    ret->used = i;
    return ENTRASQL_OK;
}

/* ---- variables and files ---- */

static bool is_yes(const char *value)
{
    return es_strcaseeq(value, "yes") || es_strcaseeq(value, "true") || es_strcaseeq(value, "on") ||
           es_streq(value, "1");
}

static bool is_no(const char *value)
{
    return es_strcaseeq(value, "no") || es_strcaseeq(value, "false") ||
           es_strcaseeq(value, "off") || es_streq(value, "0");
}

/* A value of a variable or file, where a flag is yes or no. */
static entrasql_status store_text(conf_args *args, const conf_option *o, const char *value,
                                  const conf_origin *origin, entrasql_error *err)
{
    size_t i = (size_t)(o - args->command->options);
    if (o->type == CONF_OPTION_FLAG) {
        char where[CONF_WHERE_SIZE];
        if (!is_yes(value) && !is_no(value)) {
            print_where(args->command, o, origin, where);
            return es_fail(err, ENTRASQL_CONFIG, "%s takes yes or no", where);
        }
        value = is_yes(value) ? "" : NULL;
    } else {
        ES_TRY(check_value(args->command, o, origin, value, err));
    }
    args->values[i] = value;
    args->origins[i] = *origin;
    return ENTRASQL_OK;
}

entrasql_status conf_args_read_environment(conf_args *args, entrasql_error *err)
{
    static const conf_origin variable = {.source = CONF_SOURCE_VARIABLE};
    for (const conf_option *o = args->command->options; o->name != NULL; o++) {
        char name[CONF_WHERE_SIZE];
        size_t i = (size_t)(o - args->command->options);
        if (o->file_only || es_streq(o->name, "help") ||
            args->origins[i].source > CONF_SOURCE_VARIABLE)
            continue;
        print_where(args->command, o, &variable, name);
        const char *value = getenv(name);
        if (value != NULL && value[0] != '\0')
            ES_TRY(store_text(args, o, value, &variable, err));
    }
    return ENTRASQL_OK;
}

static bool names_option(const conf_command *command, const char *name, size_t n)
{
    static const conf_origin variable = {.source = CONF_SOURCE_VARIABLE};
    for (const conf_option *o = command->options; o->name != NULL; o++) {
        char where[CONF_WHERE_SIZE];
        print_where(command, o, &variable, where);
        if (!o->file_only && strlen(where) == n && strncmp(where, name, n) == 0)
            return true;
    }
    return false;
}

const char *conf_args_unknown_variable(const conf_args *args, size_t *at, size_t *ret_n)
{
    for (char **e = environ + *at; *e != NULL; e++, ++*at) {
        size_t n = strcspn(*e, "=");
        if (!es_starts_with(*e, args->command->variables) || names_option(args->command, *e, n))
            continue;
        ++*at;
        *ret_n = n;
        return *e;
    }
    return NULL;
}

bool conf_option_is_of(const conf_option *option, const char *section)
{
    return option->sections != NULL && conf_is_choice(option->sections, section);
}

entrasql_status conf_args_set(conf_args *args, const char *section, const char *key, size_t key_len,
                              const char *value, const conf_origin *origin, entrasql_error *err)
{
    const conf_option *o = find_long(args->command, key, key_len);
    char where[CONF_WHERE_SIZE];
    char shown[80];
    if (o == NULL || !conf_option_is_of(o, section)) {
        es_printable(shown, sizeof shown, key, key_len);
        es_fail(err, ENTRASQL_CONFIG, "'%s' is no setting of a %s", shown, section);
        if (origin->line != 0)
            es_error_prefix(err, "%s:%u", origin->file, origin->line);
        else
            es_error_prefix(err, "%s", origin->file);
        if (o != NULL && o->sections != NULL)
            es_hint(err, "it belongs to: %s", o->sections);
        else
            es_hint(err, "%s --help shows the settings", args->command->name);
        return ENTRASQL_CONFIG;
    }
    const conf_origin *has = &args->origins[o - args->command->options];
    if (has->source > origin->source)
        return ENTRASQL_OK;
    if (has->source == origin->source) {
        print_where(args->command, o, origin, where);
        es_fail(err, ENTRASQL_CONFIG, "%s is given twice", where);
        es_hint(err, "lists have ',' between their parts");
        return ENTRASQL_CONFIG;
    }
    return store_text(args, o, value, origin, err);
}

/* ---- reading ---- */

static const conf_option *must_find(const conf_args *args, const char *name)
{
    const conf_option *o = find_long(args->command, name, strlen(name));
    assert(o != NULL);
    return o;
}

bool conf_args_has(const conf_args *args, const char *name)
{
    size_t i = (size_t)(must_find(args, name) - args->command->options);
    return args->origins[i].source != CONF_SOURCE_NONE;
}

void conf_args_where(const conf_args *args, const char *name, char ret[CONF_WHERE_SIZE])
{
    const conf_option *o = must_find(args, name);
    print_where(args->command, o, &args->origins[o - args->command->options], ret);
}

const char *conf_args_text(const conf_args *args, const char *name)
{
    const conf_option *o = must_find(args, name);
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
