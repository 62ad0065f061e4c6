/* SPDX-License-Identifier: MIT */
/* The allocation calls, with a counter that tests use to make them fail. */
#include "base/mem.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static atomic_ulong fail_from;
static atomic_ulong allocations;

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

void *es_malloc(size_t size)
{
    return may_allocate() ? malloc(size != 0 ? size : 1) : NULL;
}

void *es_calloc(size_t count, size_t size)
{
    return may_allocate() ? calloc(count != 0 ? count : 1, size != 0 ? size : 1) : NULL;
}

void *es_calloc_aligned(size_t alignment, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size)
        return NULL;
    void *p = NULL;
    if (!may_allocate() || posix_memalign(&p, alignment, count * size) != 0)
        return NULL;
    memset(p, 0, count * size);
    return p;
}

void *es_realloc(void *p, size_t size)
{
    return may_allocate() ? realloc(p, size != 0 ? size : 1) : NULL;
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
    free(p);
}

void es_wipe(void *p, size_t n)
{
    if (p != NULL && n != 0)
        explicit_bzero(p, n);
}

void es_free_wipe(void *p, size_t n)
{
    es_wipe(p, n);
    free(p);
}

void es_free_wipe_str(char *s)
{
    if (s != NULL)
        es_free_wipe(s, strlen(s));
}

void es_cleanup_free(void *pointer_to_pointer)
{
    void **p = pointer_to_pointer;
    free(*p);
    *p = NULL;
}
