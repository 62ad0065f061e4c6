/* SPDX-License-Identifier: MIT */
/* The allocation calls, with what tests use to make them fail and to look at what is freed. */
#include "base/mem.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static atomic_ulong fail_from;
static atomic_ulong allocations;
static _Atomic(es_mem_look *) watcher;

/* Relaxed order is enough: the counter only has to count. It is not touched unless a test asks. */
static bool may_allocate(void)
{
    unsigned long limit = atomic_load_explicit(&fail_from, memory_order_relaxed);
    if (limit == 0)
        return true;
    return atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed) + 1 < limit;
}

unsigned long es_mem_fail_from(unsigned long nth)
{
    atomic_store(&fail_from, nth);
    return atomic_exchange(&allocations, 0);
}

void es_mem_watch(es_mem_look *look)
{
    atomic_store(&watcher, look);
}

/* What an earlier owner left in a block is not ours to answer for. */
static void *filled_if_watched(void *p)
{
    if (p != NULL && atomic_load_explicit(&watcher, memory_order_relaxed) != NULL)
        memset(p, 0xa5, malloc_usable_size(p));
    return p;
}

static void release(void *p)
{
    es_mem_look *look = atomic_load_explicit(&watcher, memory_order_relaxed);
    if (look != NULL && p != NULL)
        look(p, malloc_usable_size(p));
    free(p);
}

static void *zeroed(void *p, size_t n)
{
    if (filled_if_watched(p) != NULL)
        memset(p, 0, n);
    return p;
}

void *es_malloc(size_t size)
{
    return may_allocate() ? filled_if_watched(malloc(size != 0 ? size : 1)) : NULL;
}

void *es_calloc(size_t count, size_t size)
{
    if (!may_allocate())
        return NULL;
    void *p = calloc(count != 0 ? count : 1, size != 0 ? size : 1);
    return atomic_load_explicit(&watcher, memory_order_relaxed) != NULL ? zeroed(p, count * size)
                                                                        : p;
}

void *es_calloc_aligned(size_t alignment, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size)
        return NULL;
    void *p = NULL;
    if (!may_allocate() || posix_memalign(&p, alignment, count * size) != 0)
        return NULL;
    return zeroed(p, count * size);
}

/* realloc() with the old block where the watcher can see it. */
static void *move_watched(void *p, size_t size)
{
    size_t old = p != NULL ? malloc_usable_size(p) : 0;
    void *moved = filled_if_watched(malloc(size));
    if (moved == NULL)
        return NULL;
    if (p != NULL)
        memcpy(moved, p, old < size ? old : size);
    release(p);
    return moved;
}

void *es_realloc(void *p, size_t size)
{
    if (!may_allocate())
        return NULL;
    if (atomic_load_explicit(&watcher, memory_order_relaxed) != NULL)
        return move_watched(p, size != 0 ? size : 1);
    return realloc(p, size != 0 ? size : 1);
}

void *es_reallocarray(void *p, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size)
        return NULL;
    return es_realloc(p, count * size);
}

void *es_memdup(const void *p, size_t n)
{
    void *copy = es_malloc(n);
    if (copy != NULL && n != 0)
        memcpy(copy, p, n);
    return copy;
}

char *es_strndup(const char *s, size_t n)
{
    char *copy = es_malloc(n + 1);
    if (copy == NULL)
        return NULL;
    if (n != 0)
        memcpy(copy, s, n);
    copy[n] = '\0';
    return copy;
}

char *es_strdup(const char *s)
{
    return s != NULL ? es_strndup(s, strlen(s)) : NULL;
}

void es_free(void *p)
{
    release(p);
}

void es_wipe(void *p, size_t n)
{
    if (p != NULL && n != 0)
        explicit_bzero(p, n);
}

void es_free_wipe(void *p, size_t n)
{
    es_wipe(p, n);
    release(p);
}

void es_free_wipe_str(char *s)
{
    if (s != NULL)
        es_free_wipe(s, strlen(s));
}

void es_cleanup_free(void *pointer_to_pointer)
{
    void **p = pointer_to_pointer;
    release(*p);
    *p = NULL;
}
