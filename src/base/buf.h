/* SPDX-License-Identifier: MIT */
/*
 * A growable byte buffer with a ceiling from birth, and the writer for every
 * wire byte.
 *
 * Owned by one thread at a time. A call that fails leaves the buffer as it
 * was: LIMIT past the ceiling, NOMEM without memory. A `wipe` buffer zeroes
 * every block it gives back, also when it grows: use it for tokens, keys and
 * forms.
 */
#ifndef ES_BASE_BUF_H
#define ES_BASE_BUF_H

#include "compiler.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct es_buf {
    uint8_t *data; /* NULL while nothing was allocated */
    size_t len;
    size_t capacity;
    size_t ceiling; /* len never passes this */
    bool wipe;
} es_buf;

#define ES_BUF_INIT(ceiling_bytes) ((es_buf){.ceiling = (ceiling_bytes)})
#define ES_BUF_INIT_WIPE(ceiling_bytes) ((es_buf){.ceiling = (ceiling_bytes), .wipe = true})

void es_buf_init(es_buf *b, size_t ceiling);
void es_buf_done(es_buf *b);  /* frees; the buffer stays usable and empty */
void es_buf_clear(es_buf *b); /* len = 0, memory kept (wiped when `wipe`) */

/* Makes room for n more bytes beyond len. */
entrasql_status es_buf_reserve(es_buf *b, size_t n) ES_MUST_USE;
/* As reserve, and lends a pointer to the n bytes; count them in with es_buf_commit. */
entrasql_status es_buf_prepare(es_buf *b, size_t n, uint8_t **ret) ES_MUST_USE;
void es_buf_commit(es_buf *b, size_t n);
/* 'text' for a POSIX shell. */
entrasql_status es_buf_add_shell(es_buf *b, const char *text) ES_MUST_USE;

entrasql_status es_buf_add(es_buf *b, const void *p, size_t n) ES_MUST_USE;
entrasql_status es_buf_add_str(es_buf *b, const char *s) ES_MUST_USE;
entrasql_status es_buf_fill(es_buf *b, uint8_t byte, size_t n) ES_MUST_USE;
entrasql_status es_buf_printf(es_buf *b, const char *fmt, ...) ES_PRINTF(2, 3) ES_MUST_USE;
entrasql_status es_buf_vprintf(es_buf *b, const char *fmt, va_list ap) ES_PRINTF(2, 0) ES_MUST_USE;

entrasql_status es_buf_u8(es_buf *b, uint8_t v) ES_MUST_USE;
entrasql_status es_buf_u16le(es_buf *b, uint16_t v) ES_MUST_USE;
entrasql_status es_buf_u16be(es_buf *b, uint16_t v) ES_MUST_USE;
entrasql_status es_buf_u32le(es_buf *b, uint32_t v) ES_MUST_USE;
entrasql_status es_buf_u32be(es_buf *b, uint32_t v) ES_MUST_USE;
entrasql_status es_buf_u64le(es_buf *b, uint64_t v) ES_MUST_USE;

/* Overwrite bytes written earlier, for length fields filled in later. `at` must lie inside. */
void es_buf_set_u8(es_buf *b, size_t at, uint8_t v);
void es_buf_set_u16le(es_buf *b, size_t at, uint16_t v);
void es_buf_set_u16be(es_buf *b, size_t at, uint16_t v);
void es_buf_set_u32le(es_buf *b, size_t at, uint32_t v);
void es_buf_set_u64le(es_buf *b, size_t at, uint64_t v);

/* UTF-8 text as UTF-16LE; MALFORMED when it is not UTF-8. ret_units (may be NULL): code units. */
entrasql_status es_buf_utf16le(es_buf *b, const char *utf8, size_t n,
                               size_t *ret_units) ES_MUST_USE;

/* Drops n bytes from the front (moves the rest). */
void es_buf_consume(es_buf *b, size_t n);
/* Cuts to the first n bytes. */
void es_buf_truncate(es_buf *b, size_t n);

/* NUL-terminates (not counted in len) and lends the text; NULL without memory. */
const char *es_buf_cstr(es_buf *b) ES_MUST_USE;
/* Hands the NUL-terminated block over (free with es_free); the buffer becomes empty. */
char *es_buf_take(es_buf *b, size_t *ret_len) ES_MUST_USE;

#endif
