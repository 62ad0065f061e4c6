/* SPDX-License-Identifier: MIT */
/* Option tables as manual pages; man(7), groff_man_style(7). */
#include "conf/manual.h"

#include "base/str.h"
#include "conf/exit_code.h"

#include <string.h>

/* Text of a page: what roff would take for an escape, and what a terminal would turn into a hyphen.
 */
static entrasql_status add_text(es_buf *out, const char *s, size_t n)
{
    bool at_start = out->len == 0 || out->data[out->len - 1] == '\n';
    for (size_t i = 0; i < n; i++) {
        char c = s[i];
        if (at_start && (c == '.' || c == '\''))
            ES_TRY(es_buf_add_str(out, "\\&"));
        if (c == '\\')
            ES_TRY(es_buf_add_str(out, "\\e"));
        else if (c == '-')
            ES_TRY(es_buf_add_str(out, "\\-"));
        else if (c == '~')
            ES_TRY(es_buf_add_str(out, "\\(ti"));
        else if (c == '^')
            ES_TRY(es_buf_add_str(out, "\\(ha"));
        else if (c == '`')
            ES_TRY(es_buf_add_str(out, "\\(ga"));
        else if (c == '\'')
            ES_TRY(es_buf_add_str(out, "\\(aq"));
        else
            ES_TRY(es_buf_u8(out, (uint8_t)c));
        at_start = c == '\n';
    }
    return ENTRASQL_OK;
}

static entrasql_status add_line(es_buf *out, const char *s)
{
    ES_TRY(add_text(out, s, strlen(s)));
    return es_buf_u8(out, '\n');
}

entrasql_status conf_manual_name(const conf_command *command, es_buf *out)
{
    for (const char *s = command->name; *s != '\0'; s++)
        ES_TRY(es_buf_u8(out, (uint8_t)(*s == ' ' ? '-' : *s)));
    return ENTRASQL_OK;
}

/* "Gets a token." as NAME wants it: no full stop, a small letter unless it is a name's. */
static entrasql_status add_summary(const conf_command *command, es_buf *out)
{
    size_t n = strlen(command->summary);
    while (n != 0 && command->summary[n - 1] == '.')
        n--;
    ES_TRY(add_text(out, command->summary, n));
    return es_buf_u8(out, '\n');
}

static entrasql_status print_head(const conf_command *command, const char *version, es_buf *out)
{
    ES_TRY(es_buf_add_str(out, ".TH \""));
    for (const char *s = command->name; *s != '\0'; s++)
        ES_TRY(es_buf_u8(out, (uint8_t)(*s == ' ' ? '-' : es_ascii_upper(*s))));
    ES_TRY(es_buf_printf(out, "\" 1 \"\" \"entrasql %s\" \"entrasql\"\n.SH NAME\n", version));
    ES_TRY(conf_manual_name(command, out));
    ES_TRY(es_buf_add_str(out, " \\- "));
    ES_TRY(add_summary(command, out));
    ES_TRY(es_buf_printf(out, ".SH SYNOPSIS\n.B %s\n[options]\n", command->name));
    if (command->positionals != NULL)
        ES_TRY(add_line(out, command->positionals));
    return ENTRASQL_OK;
}

/* Longer lists of choices are a sentence. */
#define CHOICES_INLINE 40

static bool has_many_choices(const conf_option *o)
{
    return o->type == CONF_OPTION_CHOICE && strlen(o->choices) > CHOICES_INLINE;
}

static entrasql_status add_choices(es_buf *out, const char *choices)
{
    ES_TRY(es_buf_add_str(out, "; one of "));
    size_t n = 0;
    const char *choice;
    while ((choice = es_piece_next(&choices, &n)) != NULL) {
        ES_TRY(add_text(out, choice, n));
        if (choices != NULL)
            ES_TRY(es_buf_add_str(out, ", "));
    }
    return ENTRASQL_OK;
}

static entrasql_status print_option(const conf_option *o, es_buf *out)
{
    ES_TRY(es_buf_add_str(out, ".TP\n"));
    if (o->short_name != 0)
        ES_TRY(es_buf_printf(out, "\\fB\\-%c\\fR, ", o->short_name));
    ES_TRY(es_buf_add_str(out, "\\fB\\-\\-"));
    ES_TRY(add_text(out, o->name, strlen(o->name)));
    ES_TRY(es_buf_add_str(out, "\\fR"));
    const char *value = o->type == CONF_OPTION_CHOICE ? o->choices : o->value_name;
    if (has_many_choices(o))
        value = "NAME";
    if (value != NULL) {
        ES_TRY(es_buf_add_str(out, " \\fI"));
        ES_TRY(add_text(out, value, strlen(value)));
        ES_TRY(es_buf_add_str(out, "\\fR"));
    }
    ES_TRY(es_buf_u8(out, '\n'));
    ES_TRY(add_text(out, o->help, strlen(o->help)));
    if (has_many_choices(o))
        ES_TRY(add_choices(out, o->choices));
    if (o->default_value != NULL) {
        ES_TRY(es_buf_add_str(out, " (default: "));
        ES_TRY(add_text(out, o->default_value, strlen(o->default_value)));
        ES_TRY(es_buf_u8(out, ')'));
    }
    return es_buf_u8(out, '\n');
}

/* The notes keep their lines: they hold tables and commands. */
static entrasql_status print_notes(const char *notes, es_buf *out)
{
    ES_TRY(es_buf_add_str(out, ".SH NOTES\n.nf\n"));
    ES_TRY(add_line(out, notes));
    return es_buf_add_str(out, ".fi\n");
}

static entrasql_status print_environment(const conf_command *command, es_buf *out)
{
    ES_TRY(es_buf_add_str(out, ".SH ENVIRONMENT\n"));
    ES_TRY(es_buf_printf(out, "Each option is also the variable \\fB%s", command->variables));
    return es_buf_add_str(out, "NAME\\fR, the name in capitals with _ for \\-.\n");
}

static entrasql_status print_exit_codes(es_buf *out)
{
    ES_TRY(es_buf_add_str(out, ".SH EXIT STATUS\n"));
    for (size_t i = 0; i < conf_exit_code_count; i++) {
        ES_TRY(es_buf_printf(out, ".TP\n.B %d\n", conf_exit_codes[i].code));
        ES_TRY(add_line(out, conf_exit_codes[i].meaning));
    }
    return ENTRASQL_OK;
}

entrasql_status conf_manual_print(const conf_command *command, const char *version,
                                  const char *const *also, es_buf *out)
{
    ES_TRY(print_head(command, version, out));
    ES_TRY(es_buf_add_str(out, ".SH DESCRIPTION\n"));
    ES_TRY(add_line(out, command->summary));
    ES_TRY(es_buf_add_str(out, ".SH OPTIONS\n"));
    for (const conf_option *o = command->options; o->name != NULL; o++)
        if (!o->file_only)
            ES_TRY(print_option(o, out));
    if (command->notes != NULL)
        ES_TRY(print_notes(command->notes, out));
    if (command->variables != NULL)
        ES_TRY(print_environment(command, out));
    ES_TRY(print_exit_codes(out));
    if (also == NULL || *also == NULL)
        return ENTRASQL_OK;
    ES_TRY(es_buf_add_str(out, ".SH SEE ALSO\n"));
    for (; *also != NULL; also++) {
        ES_TRY(es_buf_add_str(out, ".BR "));
        ES_TRY(add_text(out, *also, strlen(*also)));
        ES_TRY(es_buf_printf(out, " (1)%s\n", also[1] != NULL ? "," : ""));
    }
    return ENTRASQL_OK;
}
