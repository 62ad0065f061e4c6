/* SPDX-License-Identifier: MIT */
/*
 * Memory for a tree: many small pieces that are all freed at once.
 *
 * Pieces are zeroed and aligned for any node. One thread at a time. NULL means
 * that there is no memory or that the ceiling was reached.
 */
#ifndef TSQL_ARENA_H
#define TSQL_ARENA_H

#include <stdbool.h>
#include <stddef.h>

typedef struct tsql_arena_chunk tsql_arena_chunk;

typedef struct tsql_arena {
    tsql_arena_chunk *chunks; /* newest first */
    size_t used;              /* of the newest */
    size_t total;             /* bytes of all chunks */
    size_t ceiling;
} tsql_arena;

void tsql_arena_init(tsql_arena *a, size_t ceiling);
void tsql_arena_done(tsql_arena *a);

void *tsql_arena_alloc(tsql_arena *a, size_t size);
/* A NUL-terminated copy. */
char *tsql_arena_strndup(tsql_arena *a, const char *s, size_t n);

/*
 * For arrays that grow by one: the array to use from now on, with a zeroed
 * place at [count]. The old one is kept when it has room (its size is the
 * power of two at or above count), else copied.
 */
void *tsql_arena_room(tsql_arena *a, void *items, size_t count, size_t size);

#endif
