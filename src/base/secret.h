/* SPDX-License-Identifier: MIT */
/*
 * Owned bytes that must not be seen: tokens, passwords, keys. There is no
 * printing accessor; es_secret_reveal() lends the bytes and is easy to search
 * for. Freed blocks are zeroed. Immutable after creation, reference counted,
 * so many threads may share one.
 */
#ifndef ES_BASE_SECRET_H
#define ES_BASE_SECRET_H

#include "compiler.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct es_secret es_secret;

/* Copies n bytes; NULL without memory. */
es_secret *es_secret_new(const void *p, size_t n) ES_MUST_USE;
es_secret *es_secret_from_str(const char *s) ES_MUST_USE;
es_secret *es_secret_ref(es_secret *s);
void es_secret_unref(es_secret *s); /* NULL allowed */
void es_secret_cleanup(es_secret **s);

/* Lends the bytes, NUL-terminated beyond the length; valid as long as the reference. */
const char *es_secret_reveal(const es_secret *s);
size_t es_secret_len(const es_secret *s);

/* Comparison whose time depends on the lengths only. */
bool es_secret_equal(const es_secret *s, const void *p, size_t n);
bool es_equal_constant_time(const void *a, const void *b, size_t n);

#endif
