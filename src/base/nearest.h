/* SPDX-License-Identifier: MIT */
/* Which of some known words somebody meant who mistyped one. Pure. */
#ifndef ES_BASE_NEAREST_H
#define ES_BASE_NEAREST_H

#include <stdbool.h>
#include <stddef.h>

/* The best so far; {0} at the start. */
typedef struct es_nearest {
    const char *word; /* NULL: none is near enough; borrowed */
    size_t distance;
} es_nearest;

/*
 * Offers a known word. It is taken when it is nearer to the typed one than those before: by at
 * most one mistake in three characters (a character too many, missing, another, or two swapped),
 * or when three or more typed characters begin it.
 */
void es_nearest_offer(es_nearest *n, const char *typed, size_t typed_len, const char *word);

#endif
