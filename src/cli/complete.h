/* SPDX-License-Identifier: MIT */
/*
 * What could stand at the cursor of a statement that is being typed: which kinds
 * of words, behind which qualifier, and which tables the statement names. From
 * the tokens alone; the names come from elsewhere. Pure; borrows the text.
 */
#ifndef CLI_COMPLETE_H
#define CLI_COMPLETE_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

#define CLI_COMPLETE_TABLES 8 /* of a statement; more are not looked at */

enum {
    CLI_COMPLETE_KEYWORDS = 1,
    CLI_COMPLETE_COLUMNS = 2, /* of the tables that the statement names */
    CLI_COMPLETE_OBJECTS = 4, /* tables and views, and schemas */
    CLI_COMPLETE_ROUTINES = 8,
    CLI_COMPLETE_MEMBERS = 16 /* of the qualifier: columns of a table, objects of a schema */
};

typedef struct cli_slice {
    const char *text; /* as it stands there, quotes and all; NULL: none */
    size_t n;
} cli_slice;

typedef struct cli_complete_table {
    cli_slice name; /* shop.[orders], what OBJECT_ID() takes */
    cli_slice alias;
} cli_complete_table;

typedef struct cli_complete_look {
    unsigned wants;   /* 0: nothing can be said, as inside of a text or comment */
    size_t start;     /* what is completed begins here, with its [ or " */
    cli_slice prefix; /* without it */
    bool is_quoted;
    cli_slice qualifier; /* of MEMBERS */
    cli_complete_table tables[CLI_COMPLETE_TABLES];
    size_t table_count;
} cli_complete_look;

/* text[0..n): the statement so far, with what follows the cursor. */
void cli_complete(const char *text, size_t n, size_t cursor, cli_complete_look *ret);

/* The table that a qualifier means, by its alias or its last name; NULL: none of them. */
const cli_complete_table *cli_complete_find(const cli_complete_look *look, cli_slice qualifier);
/* A name as it stands in a statement: in brackets when it has to be, or is to be. */
entrasql_status cli_complete_add_name(es_buf *out, const char *name, bool is_quoted) ES_MUST_USE;
/* The last part of a name without its quotes; as it is when it has none. */
entrasql_status cli_complete_bare(es_buf *out, cli_slice name) ES_MUST_USE;

/* ---- what is offered ---- */

/* What may stand in the place of line[start..cursor), each with what has to follow it. */
typedef struct cli_choices {
    size_t start;
    char **texts; /* sorted by the last call; owned */
    size_t count;
    bool has_more; /* than were taken */
} cli_choices;

#define CLI_CHOICES_MAX 500

/* Takes a copy; what finds no memory is left out. `end` stands behind it: " ", "." or "". */
void cli_choices_add(cli_choices *c, const char *text, const char *end);
/* Sorts, and leaves out what is there twice. */
void cli_choices_sort(cli_choices *c);
void cli_choices_done(cli_choices *c);
/* How many bytes all of them begin with, letters' case aside; never the middle of a character. */
size_t cli_choices_common(const cli_choices *c);

#endif
