/* SPDX-License-Identifier: MIT */
/*
 * The one catalogue of errors: what a number of Entra (AADSTS...) or of SQL
 * Server, and a status of entrasql's own, means and what to do about it. The
 * hints of the library, `entrasql explain`, the doctor and the docs all take
 * their words from here. Static storage; pure; any thread.
 */
#ifndef ES_BASE_CATALOG_H
#define ES_BASE_CATALOG_H

#include "compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum es_catalog_kind {
    ES_CATALOG_SQL,    /* SQL Server, Azure SQL */
    ES_CATALOG_AADSTS, /* Entra */
    ES_CATALOG_STATUS  /* entrasql_status */
} es_catalog_kind;

#define ES_CATALOG_KINDS 3

typedef struct es_catalog_entry {
    uint32_t number;
    const char *text;  /* a piece of the message that tells this cause apart; NULL: any */
    bool passes;       /* may go away by itself */
    const char *cause; /* what it means */
    const char *hint;  /* what to do next */
    const char *seen;  /* the message as people meet it, ... for what varies; NULL: not known */
} es_catalog_entry;

/* What has no number of its own: messages of drivers, of Azure, and ours. */
typedef struct es_catalog_message {
    const char *group; /* as es_catalog_group() */
    const char *seen;  /* as people meet it, with names in capitals and ... for what varies */
    const char *piece; /* the part of `seen` that tells it apart */
    bool is_own;       /* said by entrasql itself */
    const char *cause;
    const char *hint;
} es_catalog_message;

/*
 * The first row of the number whose text occurs in the message (NULL: no message
 * is known, the first row without a text, else the first), or NULL.
 */
const es_catalog_entry *es_catalog_find(es_catalog_kind kind, uint32_t number, const char *message);

/*
 * Whether it may go away with nothing done. Other rows that pass do so some minutes after somebody
 * has mended the cause, as a firewall rule or a new user.
 */
bool es_catalog_passes_alone(es_catalog_kind kind, const es_catalog_entry *e);

/* All rows of a kind, in their order. */
const es_catalog_entry *es_catalog_rows(es_catalog_kind kind, size_t *ret_count);

/* "login", "users" (and rights), "token" or "status": where people look for it. */
const char *es_catalog_group(es_catalog_kind kind, uint32_t number);

/* All messages without a number, in their order. */
const es_catalog_message *es_catalog_messages(size_t *ret_count);
/* The row of a code without a message, as an SQLSTATE: its piece is the word; NULL. */
const es_catalog_message *es_catalog_message_of_code(const char *word);
/* The first whose piece occurs in the text, in any case of letters, or NULL. */
const es_catalog_message *es_catalog_message_find(const char *text);

#endif
