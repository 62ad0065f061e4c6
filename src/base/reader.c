/* SPDX-License-Identifier: MIT */
/* The checked cursor. */
#include "base/reader.h"

#include <string.h>

entrasql_status es_reader_bytes(es_reader *r, size_t n, const uint8_t **ret)
{
    if (n > r->left)
        return ENTRASQL_TRUNCATED;
    *ret = r->at;
    if (n != 0)
        r->at += n;
    r->left -= n;
    return ENTRASQL_OK;
}

static uint64_t get_le(const uint8_t *p, size_t n)
{
    uint64_t v = 0;
    for (size_t i = n; i-- > 0;)
        v = v << 8 | p[i];
    return v;
}

static uint64_t get_be(const uint8_t *p, size_t n)
{
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++)
        v = v << 8 | p[i];
    return v;
}

entrasql_status es_reader_u8(es_reader *r, uint8_t *ret)
{
    const uint8_t *p;
    ES_TRY(es_reader_bytes(r, 1, &p));
    *ret = *p;
    return ENTRASQL_OK;
}

entrasql_status es_reader_u16le(es_reader *r, uint16_t *ret)
{
    const uint8_t *p;
    ES_TRY(es_reader_bytes(r, 2, &p));
    *ret = (uint16_t)get_le(p, 2);
    return ENTRASQL_OK;
}

entrasql_status es_reader_u16be(es_reader *r, uint16_t *ret)
{
    const uint8_t *p;
    ES_TRY(es_reader_bytes(r, 2, &p));
    *ret = (uint16_t)get_be(p, 2);
    return ENTRASQL_OK;
}

entrasql_status es_reader_u32le(es_reader *r, uint32_t *ret)
{
    const uint8_t *p;
    ES_TRY(es_reader_bytes(r, 4, &p));
    *ret = (uint32_t)get_le(p, 4);
    return ENTRASQL_OK;
}

entrasql_status es_reader_u32be(es_reader *r, uint32_t *ret)
{
    const uint8_t *p;
    ES_TRY(es_reader_bytes(r, 4, &p));
    *ret = (uint32_t)get_be(p, 4);
    return ENTRASQL_OK;
}

entrasql_status es_reader_u64le(es_reader *r, uint64_t *ret)
{
    const uint8_t *p;
    ES_TRY(es_reader_bytes(r, 8, &p));
    *ret = get_le(p, 8);
    return ENTRASQL_OK;
}

entrasql_status es_reader_copy(es_reader *r, void *dst, size_t n)
{
    const uint8_t *p;
    ES_TRY(es_reader_bytes(r, n, &p));
    if (n != 0)
        memcpy(dst, p, n);
    return ENTRASQL_OK;
}

entrasql_status es_reader_skip(es_reader *r, size_t n)
{
    const uint8_t *p;
    return es_reader_bytes(r, n, &p);
}

entrasql_status es_reader_sub(es_reader *r, size_t n, es_reader *ret)
{
    const uint8_t *p;
    ES_TRY(es_reader_bytes(r, n, &p));
    *ret = es_reader_of(p, n);
    return ENTRASQL_OK;
}

entrasql_status es_reader_slice(const es_reader *r, size_t offset, size_t n, es_reader *ret)
{
    if (offset > r->left || n > r->left - offset)
        return ENTRASQL_TRUNCATED;
    *ret = es_reader_of(offset != 0 ? r->at + offset : r->at, n);
    return ENTRASQL_OK;
}

entrasql_status es_reader_end(const es_reader *r)
{
    return r->left == 0 ? ENTRASQL_OK : ENTRASQL_MALFORMED;
}
