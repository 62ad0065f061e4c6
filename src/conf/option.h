/* SPDX-License-Identifier: MIT */
/*
 * Command-line options: one table a command, from which the parser, the help
 * text and, later, man pages and shell completion are made.
 *
 * The tables are static data. A parsed command line borrows the strings of
 * argv and belongs to one thread.
 */
#ifndef CONF_OPTION_H
#define CONF_OPTION_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>

#define CONF_OPTIONS_MAX 40
#define CONF_POSITIONALS_MAX 8

typedef enum conf_option_type {
    CONF_OPTION_FLAG,   /* no value */
    CONF_OPTION_TEXT,   /* any text */
    CONF_OPTION_FILE,   /* a path, for completion; parsed as text */
    CONF_OPTION_NUMBER, /* decimal, between min and max */
    CONF_OPTION_CHOICE  /* one of `choices` */
} conf_option_type;

typedef struct conf_option {
    const char *name; /* without the dashes; NULL ends a table */
    char short_name;  /* 0: none */
    conf_option_type type;
    const char *value_name;    /* shown in the help, "FILE"; NULL for flags and choices */
    const char *choices;       /* "a|b|c" */
    const char *default_value; /* taken when the option is absent; NULL: none */
    uint32_t min;
    uint32_t max;
    const char *help; /* one line, no full stop */
} conf_option;

typedef struct conf_command {
    const char *name;        /* "entrasql query" */
    const char *summary;     /* one line */
    const char *positionals; /* "[FILE]", or NULL when there are none */
    unsigned max_positionals;
    bool
        stops_at_positional; /* the first one ends the parsing and is not taken: a command's name */
    const conf_option *options;
    const char *notes; /* paragraphs after the option list, or NULL */
} conf_command;

typedef struct conf_args {
    const conf_command *command;
    const char *values[CONF_OPTIONS_MAX]; /* by the option's place in the table; "" for flags */
    const char *positionals[CONF_POSITIONALS_MAX];
    unsigned positional_count;
    int used; /* how many arguments were taken */
} conf_args;

/*
 * Parses argv[0..argc-1] (without the program's and command's name):
 * --name value, --name=value, -n value, -nvalue, -abc for flags; -- ends the
 * options; a later option of the same name wins. INVALID, naming the option.
 */
entrasql_status conf_args_parse(const conf_command *command, int argc, char **argv, conf_args *ret,
                                entrasql_error *err) ES_MUST_USE;

/*
 * The option's value, its default, or NULL. Naming an option that is not in
 * the command's table is a mistake of the caller.
 */
const char *conf_args_text(const conf_args *args, const char *name);
bool conf_args_flag(const conf_args *args, const char *name);
/* The number, or 0 when absent and without default. */
uint32_t conf_args_number(const conf_args *args, const char *name);

/* The --help text. */
entrasql_status conf_command_help(const conf_command *command, es_buf *out) ES_MUST_USE;

#endif
