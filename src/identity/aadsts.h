/* SPDX-License-Identifier: MIT */
/* Entra's error numbers (AADSTS...): the catalogue's rows, and numbers in texts. Static storage. */
#ifndef IDENTITY_AADSTS_H
#define IDENTITY_AADSTS_H

#include "base/catalog.h"

typedef es_catalog_entry identity_aadsts;

/* NULL for a number that is not in the list. */
const identity_aadsts *identity_aadsts_find(uint32_t number);

size_t identity_aadsts_count(void);

/* The number after "AADSTS" in a text, 0 when there is none: for tools that print the text only. */
uint32_t identity_aadsts_in_text(const char *text);

#endif
