/* SPDX-License-Identifier: MIT */
/*
 * Options: one table a command, from which the parser of the command line, of
 * environment variables and of the sections of a configuration file, and the
 * help text are made.
 *
 * The tables are static data. Parsed options borrow the strings of argv, the
 * environment and the file, and belong to one thread.
 */
#ifndef CONF_OPTION_H
#define CONF_OPTION_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>

#define CONF_OPTIONS_MAX 96
#define CONF_POSITIONALS_MAX 64

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
    const char *help;     /* one line, no full stop */
    const char *sections; /* kinds of file sections that take it, "proxy|target"; NULL: none */
    bool file_only;       /* no flag and no variable */
} conf_option;

/* An option of a program of the same kind that people's fingers know, and what there is here. */
typedef struct conf_habit {
    char short_name; /* 0 ends a table */
    const char *hint;
} conf_habit;

typedef struct conf_command {
    const char *name;        /* "entrasql query" */
    const char *summary;     /* one line */
    const char *positionals; /* "[FILE]", or NULL when there are none */
    unsigned max_positionals;
    bool
        stops_at_positional; /* the first one ends the parsing and is not taken: a command's name */
    const conf_option *options;
    const char *notes;     /* paragraphs after the option list, or NULL */
    const char *variables; /* prefix of the environment variables, "ENTRASQL_PROXY_"; NULL: none */
    const conf_habit *habits; /* hints for options that are not there; NULL: none */
} conf_command;

/* Where a value comes from; a greater one goes before a lesser. */
typedef enum conf_source {
    CONF_SOURCE_NONE, /* nobody said anything: the default */
    CONF_SOURCE_FILE,
    CONF_SOURCE_VARIABLE,
    CONF_SOURCE_ARGUMENT
} conf_source;

typedef struct conf_origin {
    conf_source source;
    const char *file; /* of SOURCE_FILE; of an argument that holds keys: the argument */
    unsigned line;    /* 0: none */
} conf_origin;

typedef struct conf_args {
    const conf_command *command;
    const char *values[CONF_OPTIONS_MAX]; /* by the option's place in the table; "" for flags */
    conf_origin origins[CONF_OPTIONS_MAX];
    const char *positionals[CONF_POSITIONALS_MAX];
    unsigned positional_count;
    int used;            /* how many arguments were taken */
    const char *unknown; /* of a parse that failed: the argument that names no option, or NULL */
} conf_args;

/*
 * Parses argv[0..argc-1] (without the program's and command's name):
 * --name value, --name=value, -n value, -nvalue, -abc for flags; -- ends the
 * options. An option with a value is given once, as in a section of a file; a flag as often as one
 * likes. INVALID, naming the option, and the one that was probably meant; only ret->unknown is to
 * be read then.
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

/*
 * The values of environment variables for what has none yet: the prefix and the option's name in
 * capitals with _ for -. Empty variables count as absent. A flag takes yes or no.
 */
entrasql_status conf_args_read_environment(conf_args *args, entrasql_error *err) ES_MUST_USE;
/*
 * The next variable of the prefix that names no option, from *at on (start with 0): a mistyped one
 * would be passed over in silence. *ret_n: the length of its name, of "NAME=value". NULL: no more.
 */
const char *conf_args_unknown_variable(const conf_args *args, size_t *at, size_t *ret_n);
/*
 * "key = value" of a section of that kind. An option that has a value from a source above keeps
 * it; twice from the same file or argument is refused. key need not be NUL-terminated; value and
 * origin->file are borrowed. CONFIG, naming file and line.
 */
entrasql_status conf_args_set(conf_args *args, const char *section, const char *key, size_t key_len,
                              const char *value, const conf_origin *origin,
                              entrasql_error *err) ES_MUST_USE;
/* Whether anybody gave it a value, "no" for a flag included. */
bool conf_args_has(const conf_args *args, const char *name);

#define CONF_WHERE_SIZE 160
/* Where the value was given, for a message: "--pool-size", "ENTRASQL_PROXY_POOL_SIZE",
   "proxy.ini:12: pool-size". */
void conf_args_where(const conf_args *args, const char *name, char ret[CONF_WHERE_SIZE]);

/* Whether a section of that kind takes the option. */
bool conf_option_is_of(const conf_option *option, const char *section);

/* Whether the value is one of "a|b|c". */
bool conf_is_choice(const char *choices, const char *value);
#define CONF_CHOICES_SIZE 512
/* "a|b|c" as "a, b, c". */
void conf_list_choices(const char *choices, char ret[CONF_CHOICES_SIZE]);
/* Fails with "where: 'value' is none of a, b, c"; the hint has the one that was probably meant. */
void conf_refuse_choice(const char *where, const char *choices, const char *value,
                        entrasql_status status, entrasql_error *err);

/*
 * The --help text. Options and their help keep to lines of `width` columns, below 72 with the help
 * under the names; summary and notes stay as they are.
 */
entrasql_status conf_command_help(const conf_command *command, size_t width,
                                  es_buf *out) ES_MUST_USE;

#endif
