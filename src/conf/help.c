/* SPDX-License-Identifier: MIT */
/* A command's option table as its --help text. */
#include "conf/option.h"

#include "base/str.h"

#include <assert.h>
#include <string.h>

#define WIDE_COLUMN 34U   /* where the help begins beside the names */
#define NARROW_COLUMN 10U /* and below them */
#define WIDE_LEAST 72U
#define NARROW_LEAST 20U

/* A text that is broken at blanks; words of one part (a default in its brackets) stay together. */
typedef struct layout {
    es_buf *out;
    size_t width;
    size_t column; /* where each line of the help begins */
    size_t at;     /* columns of the line that are taken */
} layout;

static entrasql_status next_line(layout *l)
{
    ES_TRY(es_buf_u8(l->out, '\n'));
    l->at = l->column;
    return es_buf_fill(l->out, ' ', l->column);
}

static entrasql_status add_word(layout *l, const char *s, size_t n, const char *suffix)
{
    size_t wide = n + strlen(suffix);
    if (l->at > l->column && l->at + 1 + wide > l->width) {
        ES_TRY(next_line(l));
    } else if (l->at > l->column) {
        ES_TRY(es_buf_u8(l->out, ' '));
        l->at++;
    }
    ES_TRY(es_buf_add(l->out, s, n));
    l->at += wide;
    return es_buf_add_str(l->out, suffix);
}

static entrasql_status add_words(layout *l, const char *text)
{
    for (const char *s = text; *s != '\0';) {
        size_t n = strcspn(s, " ");
        ES_TRY(add_word(l, s, n, ""));
        s += n;
        s += strspn(s, " ");
    }
    return ENTRASQL_OK;
}

static entrasql_status add_default(layout *l, const char *value)
{
    size_t n = strlen("(default: ") + strlen(value);
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(n + 1);
    ES_TRY(es_buf_printf(&text, "(default: %s", value));
    return add_word(l, (const char *)text.data, text.len, ")");
}

/* "NAME: a, b, c" below the help. */
static entrasql_status add_choices(layout *l, const char *choices)
{
    ES_TRY(next_line(l));
    ES_TRY(add_words(l, "NAME:"));
    size_t n = 0;
    const char *choice;
    while ((choice = es_piece_next(&choices, &n)) != NULL)
        ES_TRY(add_word(l, choice, n, choices != NULL ? "," : ""));
    return ENTRASQL_OK;
}

/* So many that they stand below the option, not beside it. */
static bool has_many_choices(const conf_option *o, const layout *l)
{
    size_t names = strlen("      -- ") + strlen(o->name);
    return o->type == CONF_OPTION_CHOICE &&
           (strlen(o->choices) > l->width - l->column || names + strlen(o->choices) > l->width);
}

/* "  -S, --server SERVER". */
static entrasql_status add_names(layout *l, const conf_option *o)
{
    if (o->short_name != 0)
        ES_TRY(es_buf_printf(l->out, "  -%c, --%s", o->short_name, o->name));
    else
        ES_TRY(es_buf_printf(l->out, "      --%s", o->name));
    if (has_many_choices(o, l))
        return es_buf_add_str(l->out, " NAME");
    if (o->type == CONF_OPTION_CHOICE)
        return es_buf_printf(l->out, " %s", o->choices);
    if (o->value_name != NULL)
        return es_buf_printf(l->out, " %s", o->value_name);
    return ENTRASQL_OK;
}

static entrasql_status add_option(layout *l, const conf_option *o)
{
    size_t start = l->out->len;
    ES_TRY(add_names(l, o));
    l->at = l->out->len - start;
    if (l->at + 2 > l->column) {
        ES_TRY(next_line(l));
    } else {
        ES_TRY(es_buf_fill(l->out, ' ', l->column - l->at));
        l->at = l->column;
    }
    ES_TRY(add_words(l, o->help));
    if (o->default_value != NULL)
        ES_TRY(add_default(l, o->default_value));
    if (has_many_choices(o, l))
        ES_TRY(add_choices(l, o->choices));
    return es_buf_u8(l->out, '\n');
}

entrasql_status conf_command_help(const conf_command *command, size_t width, es_buf *out)
{
    layout l = {.out = out, .width = width > NARROW_LEAST ? width : NARROW_LEAST};
    l.column = width >= WIDE_LEAST ? WIDE_COLUMN : NARROW_COLUMN;
    layout summary = {.out = out, .width = l.width};
    ES_TRY(es_buf_printf(out, "Usage: %s [options]%s%s\n\n", command->name,
                         command->positionals != NULL ? " " : "",
                         command->positionals != NULL ? command->positionals : ""));
    ES_TRY(add_words(&summary, command->summary));
    ES_TRY(es_buf_add_str(out, "\n\nOptions:\n"));
    size_t count = 0;
    for (const conf_option *o = command->options; o->name != NULL; o++, count++)
        if (!o->file_only)
            ES_TRY(add_option(&l, o));
    assert(count <= CONF_OPTIONS_MAX);
    if (command->notes != NULL)
        ES_TRY(es_buf_printf(out, "\n%s\n", command->notes));
    return ENTRASQL_OK;
}
