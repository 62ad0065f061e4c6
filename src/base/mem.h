/* SPDX-License-Identifier: MIT */
/*
 * All heap memory of entrasql's own code goes through these calls, so that
 * tests can make the nth allocation fail and can look at what is freed.
 *
 * es_free() accepts NULL. Blocks that held a secret are freed by
 * es_free_wipe(), which zeroes them first. Any thread.
 */
#ifndef ES_BASE_MEM_H
#define ES_BASE_MEM_H

#include "compiler.h"

#include <stdbool.h>
#include <stddef.h>

void *es_malloc(size_t size) ES_MUST_USE;
void *es_calloc(size_t count, size_t size) ES_MUST_USE; /* zeroed; NULL when count*size overflows */
/* As es_calloc; `alignment` is a power of two. */
void *es_calloc_aligned(size_t alignment, size_t count, size_t size) ES_MUST_USE;
void *es_realloc(void *p, size_t size) ES_MUST_USE;
/* Grows an array to `count` elements of `size` bytes; NULL on overflow or no memory, p kept. */
void *es_reallocarray(void *p, size_t count, size_t size) ES_MUST_USE;
char *es_strdup(const char *s) ES_MUST_USE;            /* NULL gives NULL */
char *es_strndup(const char *s, size_t n) ES_MUST_USE; /* always NUL-terminated */
void *es_memdup(const void *p, size_t n) ES_MUST_USE;
void es_free(void *p);

/* Zeroes memory in a way that the compiler may not leave out. */
void es_wipe(void *p, size_t n);
void es_free_wipe(void *p, size_t n);
/* Wipes and frees a NUL-terminated string. */
void es_free_wipe_str(char *s);

/* For ES_CLEANUP on `char *` and `void *` variables. */
void es_cleanup_free(void *pointer_to_pointer);

/*
 * Tests only. After the call, allocation number `nth` (1-based, counted over
 * all threads) and all later ones fail; 0 switches failing off. Returns the
 * number of allocations made since the last call.
 */
unsigned long es_mem_fail_from(unsigned long nth);

/*
 * Tests only. From the call on `look` sees each block just before it goes back
 * to the system, with its true size; new blocks are filled, so that what it sees in
 * them was put there by us. NULL ends it. Blocks from before the call are not filled. Any
 * thread calls it.
 */
typedef void es_mem_look(const void *block, size_t size);
void es_mem_watch(es_mem_look *look);

#endif
