/* SPDX-License-Identifier: MIT */
/* The parser's memory: chunks in a list, filled from the front. */
#include "tsql/arena.h"

#include "base/mem.h"

#include <stdint.h>
#include <string.h>

enum { CHUNK_SIZE = 16 * 1024, ALIGNMENT = 16 };

struct tsql_arena_chunk {
    tsql_arena_chunk *next;
    size_t size;
    _Alignas(ALIGNMENT) unsigned char data[];
};

void tsql_arena_init(tsql_arena *a, size_t ceiling)
{
    *a = (tsql_arena){.ceiling = ceiling};
}

void tsql_arena_done(tsql_arena *a)
{
    tsql_arena_chunk *chunk = a->chunks;
    while (chunk != NULL) {
        tsql_arena_chunk *next = chunk->next;
        es_free(chunk);
        chunk = next;
    }
    tsql_arena_init(a, a->ceiling);
}

static bool add_chunk(tsql_arena *a, size_t size)
{
    if (size < CHUNK_SIZE)
        size = CHUNK_SIZE;
    if (size > a->ceiling - a->total)
        return false;
    tsql_arena_chunk *chunk = es_calloc(1, sizeof *chunk + size);
    if (chunk == NULL)
        return false;
    chunk->size = size;
    chunk->next = a->chunks;
    a->chunks = chunk;
    a->used = 0;
    a->total += size;
    return true;
}

void *tsql_arena_alloc(tsql_arena *a, size_t size)
{
    if (size > SIZE_MAX / 4)
        return NULL;
    size_t rounded = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (a->chunks == NULL || rounded > a->chunks->size - a->used) {
        if (!add_chunk(a, rounded))
            return NULL;
    }
    void *p = a->chunks->data + a->used;
    a->used += rounded;
    return p;
}

char *tsql_arena_strndup(tsql_arena *a, const char *s, size_t n)
{
    char *copy = tsql_arena_alloc(a, n + 1);
    if (copy != NULL && n != 0)
        memcpy(copy, s, n);
    return copy;
}

void *tsql_arena_room(tsql_arena *a, void *items, size_t count, size_t size)
{
    bool full = (count & (count - 1)) == 0; /* 0, 1, 2, 4, 8 ... */
    if (!full)
        return items;
    size_t capacity = count == 0 ? 1 : count * 2;
    if (capacity > SIZE_MAX / 4 / size)
        return NULL;
    void *moved = tsql_arena_alloc(a, capacity * size);
    if (moved != NULL && count != 0)
        memcpy(moved, items, count * size);
    return moved;
}
