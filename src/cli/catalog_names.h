/* SPDX-License-Identifier: MIT */
/*
 * The names of a database for completion at the prompt, read when they are
 * asked for first, over a connection of their own: a session of a person has
 * transactions, SET options and @@ROWCOUNT that a reading would disturb. Every
 * wait is short, and what fails is not there. Blocking; one thread.
 */
#ifndef CLI_CATALOG_NAMES_H
#define CLI_CATALOG_NAMES_H

#include "cli/complete.h"
#include "cli/connect.h"

typedef enum cli_name_kind {
    CLI_NAME_OBJECT, /* a table or view */
    CLI_NAME_ROUTINE,
    CLI_NAME_COLUMN,
    CLI_NAME_DATABASE,
    CLI_NAME_DEFAULT_SCHEMA
} cli_name_kind;

typedef struct cli_name {
    cli_name_kind kind;
    char *schema; /* "" for what has none */
    char *name;
} cli_name;

typedef struct cli_names {
    cli_name *names; /* owned */
    size_t count;
} cli_names;

typedef struct cli_catalog cli_catalog;

/* The connector is borrowed. */
cli_catalog *cli_catalog_new(const cli_connector *connector);
void cli_catalog_free(cli_catalog *c);
/* A statement ran: what is asked for next is read again. */
void cli_catalog_forget(cli_catalog *c);
/* Another database, or the server came back: another connection is tried. */
void cli_catalog_close(cli_catalog *c);

/* Lent until the next call; without names when they cannot be had. c may be NULL. */
const cli_names *cli_catalog_objects(cli_catalog *c, const char *database);
const cli_names *cli_catalog_columns(cli_catalog *c, const char *database, cli_slice table);
const cli_names *cli_catalog_databases(cli_catalog *c, const char *database);

#endif
