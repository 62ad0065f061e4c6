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
} es_catalog_entry;

/*
 * The first row of the number whose text occurs in the message (NULL: no message
 * is known, the first row without a text, else the first), or NULL.
 */
const es_catalog_entry *es_catalog_find(es_catalog_kind kind, uint32_t number, const char *message);

/* All rows of a kind, in their order. */
const es_catalog_entry *es_catalog_rows(es_catalog_kind kind, size_t *ret_count);

#endif
