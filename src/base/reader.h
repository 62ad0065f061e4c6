/* SPDX-License-Identifier: MIT */
/*
 * The checked cursor over received bytes: a pointer and the count of bytes
 * left. Every read compares with what is left, so no sum can overflow.
 * It borrows the memory; TRUNCATED means that too few bytes are left, and the
 * cursor has then not moved.
 */
#ifndef ES_BASE_READER_H
#define ES_BASE_READER_H

#include "compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct es_reader {
    const uint8_t *at;
    size_t left;
} es_reader;

static inline es_reader es_reader_of(const void *p, size_t n)
{
    return (es_reader){(const uint8_t *)p, n};
}

entrasql_status es_reader_u8(es_reader *r, uint8_t *ret) ES_MUST_USE;
entrasql_status es_reader_u16le(es_reader *r, uint16_t *ret) ES_MUST_USE;
entrasql_status es_reader_u16be(es_reader *r, uint16_t *ret) ES_MUST_USE;
entrasql_status es_reader_u32le(es_reader *r, uint32_t *ret) ES_MUST_USE;
entrasql_status es_reader_u32be(es_reader *r, uint32_t *ret) ES_MUST_USE;
entrasql_status es_reader_u64le(es_reader *r, uint64_t *ret) ES_MUST_USE;
/* Lends n bytes. */
entrasql_status es_reader_bytes(es_reader *r, size_t n, const uint8_t **ret) ES_MUST_USE;
entrasql_status es_reader_copy(es_reader *r, void *dst, size_t n) ES_MUST_USE;
entrasql_status es_reader_skip(es_reader *r, size_t n) ES_MUST_USE;
/* A cursor over the next n bytes; the outer one moves past them. */
entrasql_status es_reader_sub(es_reader *r, size_t n, es_reader *ret) ES_MUST_USE;
/* A cursor over bytes [offset, offset + n) of r, which does not move: for wire offsets. */
entrasql_status es_reader_slice(const es_reader *r, size_t offset, size_t n,
                                es_reader *ret) ES_MUST_USE;
/* MALFORMED unless everything was used: a nested block must be used up exactly. */
entrasql_status es_reader_end(const es_reader *r) ES_MUST_USE;

#endif
