/* SPDX-License-Identifier: MIT */
/* Secret bytes. */
#include "base/secret.h"

#include "base/mem.h"

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

struct es_secret {
    atomic_uint refs;
    size_t len;
    char bytes[];
};

es_secret *es_secret_new(const void *p, size_t n)
{
    if (n > SIZE_MAX - sizeof(es_secret) - 1)
        return NULL;
    es_secret *s = es_malloc(sizeof *s + n + 1);
    if (s == NULL)
        return NULL;
    atomic_init(&s->refs, 1);
    s->len = n;
    if (n != 0)
        memcpy(s->bytes, p, n);
    s->bytes[n] = '\0';
    return s;
}

es_secret *es_secret_from_str(const char *s)
{
    return es_secret_new(s, strlen(s));
}

es_secret *es_secret_ref(es_secret *s)
{
    if (s != NULL)
        atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void es_secret_unref(es_secret *s)
{
    if (s != NULL && atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) == 1)
        es_free_wipe(s, sizeof *s + s->len + 1);
}

void es_secret_cleanup(es_secret **s)
{
    es_secret_unref(*s);
    *s = NULL;
}

const char *es_secret_reveal(const es_secret *s)
{
    return s->bytes;
}

size_t es_secret_len(const es_secret *s)
{
    return s->len;
}

bool es_equal_constant_time(const void *a, const void *b, size_t n)
{
    const volatile uint8_t *x = a;
    const volatile uint8_t *y = b;
    uint8_t difference = 0;
    for (size_t i = 0; i < n; i++)
        difference |= (uint8_t)(x[i] ^ y[i]);
    return difference == 0;
}

bool es_secret_equal(const es_secret *s, const void *p, size_t n)
{
    return s->len == n && es_equal_constant_time(s->bytes, p, n);
}
