/* SPDX-License-Identifier: MIT */
/* The growable buffer and wire writer. */
#include "base/buf.h"

#include "base/mem.h"
#include "base/utf16.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

void es_buf_init(es_buf *b, size_t ceiling)
{
    *b = ES_BUF_INIT(ceiling);
}

static void release(es_buf *b)
{
    if (b->wipe)
        es_free_wipe(b->data, b->capacity);
    else
        es_free(b->data);
}

void es_buf_done(es_buf *b)
{
    release(b);
    b->data = NULL;
    b->len = 0;
    b->capacity = 0;
}

void es_buf_clear(es_buf *b)
{
    if (b->wipe)
        es_wipe(b->data, b->len);
    b->len = 0;
}

/* One byte beyond the capacity that callers see is kept for a closing NUL. */
static entrasql_status grow(es_buf *b, size_t wanted)
{
    size_t capacity = b->capacity != 0 ? b->capacity : 64;
    while (capacity < wanted)
        capacity = capacity > SIZE_MAX / 4 ? wanted : capacity * 2;
    if (capacity > b->ceiling)
        capacity = b->ceiling;
    uint8_t *data;
    if (b->wipe) {
        /* realloc() could leave the old block behind with its secrets. */
        data = es_malloc(capacity + 1);
        if (data == NULL)
            return ENTRASQL_NOMEM;
        if (b->data != NULL)
            memcpy(data, b->data, b->len);
        release(b);
    } else {
        data = es_realloc(b->data, capacity + 1);
        if (data == NULL)
            return ENTRASQL_NOMEM;
    }
    b->data = data;
    b->capacity = capacity;
    return ENTRASQL_OK;
}

entrasql_status es_buf_reserve(es_buf *b, size_t n)
{
    assert(b->len <= b->capacity && b->len <= b->ceiling);
    if (n > b->ceiling - b->len)
        return ENTRASQL_LIMIT;
    if (b->data != NULL && n <= b->capacity - b->len)
        return ENTRASQL_OK;
    return grow(b, b->len + n);
}

entrasql_status es_buf_prepare(es_buf *b, size_t n, uint8_t **ret)
{
    ES_TRY(es_buf_reserve(b, n));
    *ret = b->data + b->len;
    return ENTRASQL_OK;
}

void es_buf_commit(es_buf *b, size_t n)
{
    assert(n <= b->capacity - b->len);
    b->len += n;
}

entrasql_status es_buf_add(es_buf *b, const void *p, size_t n)
{
    ES_TRY(es_buf_reserve(b, n));
    if (n != 0)
        memcpy(b->data + b->len, p, n);
    b->len += n;
    return ENTRASQL_OK;
}

entrasql_status es_buf_add_str(es_buf *b, const char *s)
{
    return es_buf_add(b, s, strlen(s));
}

entrasql_status es_buf_fill(es_buf *b, uint8_t byte, size_t n)
{
    ES_TRY(es_buf_reserve(b, n));
    if (n != 0)
        memset(b->data + b->len, byte, n);
    b->len += n;
    return ENTRASQL_OK;
}

entrasql_status es_buf_vprintf(es_buf *b, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    if (n < 0)
        return ENTRASQL_INVALID;
    ES_TRY(es_buf_reserve(b, (size_t)n));
    /* The spare byte beyond the capacity takes the NUL. */
    (void)vsnprintf((char *)b->data + b->len, (size_t)n + 1, fmt, ap);
    b->len += (size_t)n;
    return ENTRASQL_OK;
}

entrasql_status es_buf_printf(es_buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    entrasql_status status = es_buf_vprintf(b, fmt, ap);
    va_end(ap);
    return status;
}

static void put_le(uint8_t *p, uint64_t v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

static void put_be(uint8_t *p, uint64_t v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[n - 1 - i] = (uint8_t)(v >> (8 * i));
}

static entrasql_status add_le(es_buf *b, uint64_t v, size_t n)
{
    uint8_t bytes[8];
    put_le(bytes, v, n);
    return es_buf_add(b, bytes, n);
}

static entrasql_status add_be(es_buf *b, uint64_t v, size_t n)
{
    uint8_t bytes[8];
    put_be(bytes, v, n);
    return es_buf_add(b, bytes, n);
}

entrasql_status es_buf_u8(es_buf *b, uint8_t v)
{
    return es_buf_add(b, &v, 1);
}

entrasql_status es_buf_u16le(es_buf *b, uint16_t v)
{
    return add_le(b, v, 2);
}

entrasql_status es_buf_u16be(es_buf *b, uint16_t v)
{
    return add_be(b, v, 2);
}

entrasql_status es_buf_u32le(es_buf *b, uint32_t v)
{
    return add_le(b, v, 4);
}

entrasql_status es_buf_u32be(es_buf *b, uint32_t v)
{
    return add_be(b, v, 4);
}

entrasql_status es_buf_u64le(es_buf *b, uint64_t v)
{
    return add_le(b, v, 8);
}

static uint8_t *slot(es_buf *b, size_t at, size_t n)
{
    assert(at <= b->len && n <= b->len - at);
    return b->data + at;
}

void es_buf_set_u8(es_buf *b, size_t at, uint8_t v)
{
    *slot(b, at, 1) = v;
}

void es_buf_set_u16le(es_buf *b, size_t at, uint16_t v)
{
    put_le(slot(b, at, 2), v, 2);
}

void es_buf_set_u16be(es_buf *b, size_t at, uint16_t v)
{
    put_be(slot(b, at, 2), v, 2);
}

void es_buf_set_u32le(es_buf *b, size_t at, uint32_t v)
{
    put_le(slot(b, at, 4), v, 4);
}

void es_buf_set_u64le(es_buf *b, size_t at, uint64_t v)
{
    put_le(slot(b, at, 8), v, 8);
}

entrasql_status es_buf_utf16le(es_buf *b, const char *utf8, size_t n, size_t *ret_units)
{
    if (n > SIZE_MAX / 2)
        return ENTRASQL_LIMIT;
    size_t units;
    ES_TRY(es_utf8_to_utf16_units(utf8, n, &units));
    ES_TRY(es_buf_reserve(b, units * 2));
    es_utf8_to_utf16le(utf8, n, b->data + b->len);
    b->len += units * 2;
    if (ret_units != NULL)
        *ret_units = units;
    return ENTRASQL_OK;
}

void es_buf_consume(es_buf *b, size_t n)
{
    assert(n <= b->len);
    if (n == 0)
        return;
    memmove(b->data, b->data + n, b->len - n);
    b->len -= n;
    if (b->wipe)
        es_wipe(b->data + b->len, n);
}

void es_buf_truncate(es_buf *b, size_t n)
{
    assert(n <= b->len);
    if (b->wipe && b->data != NULL)
        es_wipe(b->data + n, b->len - n);
    b->len = n;
}

const char *es_buf_cstr(es_buf *b)
{
    if (b->data == NULL && grow(b, 0) != ENTRASQL_OK)
        return NULL;
    b->data[b->len] = '\0';
    return (const char *)b->data;
}

char *es_buf_take(es_buf *b, size_t *ret_len)
{
    if (es_buf_cstr(b) == NULL)
        return NULL;
    char *data = (char *)b->data;
    if (ret_len != NULL)
        *ret_len = b->len;
    b->data = NULL;
    b->len = 0;
    b->capacity = 0;
    return data;
}

entrasql_status es_buf_add_shell(es_buf *b, const char *text)
{
    ES_TRY(es_buf_u8(b, '\''));
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '\'')
            ES_TRY(es_buf_add_str(b, "'\\''"));
        else
            ES_TRY(es_buf_u8(b, (uint8_t)*p));
    }
    return es_buf_u8(b, '\'');
}
