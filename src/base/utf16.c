/* SPDX-License-Identifier: MIT */
/* UTF-8 and UTF-16LE conversions. */
#include "base/utf16.h"

#include "base/mem.h"

#include <string.h>

size_t es_utf8_decode(const char *s, size_t n, uint32_t *ret)
{
    if (n == 0)
        return 0;
    const uint8_t *p = (const uint8_t *)s;
    uint32_t c = p[0];
    if (c < 0x80) {
        *ret = c;
        return 1;
    }
    size_t count;
    uint32_t least;
    if (c >= 0xC2 && c <= 0xDF) {
        count = 2;
        least = 0x80;
        c &= 0x1F;
    } else if ((c & 0xF0) == 0xE0) {
        count = 3;
        least = 0x800;
        c &= 0x0F;
    } else if (c >= 0xF0 && c <= 0xF4) {
        count = 4;
        least = 0x10000;
        c &= 0x07;
    } else {
        return 0;
    }
    if (n < count)
        return 0;
    for (size_t i = 1; i < count; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3FU);
    }
    if (c < least || c > 0x10FFFF)
        return 0;
    *ret = c;
    return count;
}

size_t es_utf8_encode(uint32_t c, char dst[4])
{
    if (c < 0x80) {
        dst[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        dst[0] = (char)(0xC0 | c >> 6);
        dst[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        dst[0] = (char)(0xE0 | c >> 12);
        dst[1] = (char)(0x80 | (c >> 6 & 0x3F));
        dst[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    dst[0] = (char)(0xF0 | c >> 18);
    dst[1] = (char)(0x80 | (c >> 12 & 0x3F));
    dst[2] = (char)(0x80 | (c >> 6 & 0x3F));
    dst[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}

bool es_utf8_is_valid(const char *s, size_t n)
{
    while (n != 0) {
        uint32_t c;
        size_t used = es_utf8_decode(s, n, &c);
        if (used == 0 || (c >= 0xD800 && c <= 0xDFFF))
            return false;
        s += used;
        n -= used;
    }
    return true;
}

entrasql_status es_utf8_to_utf16_units(const char *utf8, size_t n, size_t *ret_units)
{
    size_t units = 0;
    while (n != 0) {
        uint32_t c;
        size_t used = es_utf8_decode(utf8, n, &c);
        if (used == 0)
            return ENTRASQL_MALFORMED;
        units += c >= 0x10000 ? 2 : 1;
        utf8 += used;
        n -= used;
    }
    *ret_units = units;
    return ENTRASQL_OK;
}

static uint8_t *put_unit(uint8_t *dst, uint32_t unit)
{
    dst[0] = (uint8_t)unit;
    dst[1] = (uint8_t)(unit >> 8);
    return dst + 2;
}

void es_utf8_to_utf16le(const char *utf8, size_t n, uint8_t *dst)
{
    while (n != 0) {
        uint32_t c;
        size_t used = es_utf8_decode(utf8, n, &c);
        if (used == 0)
            return;
        if (c >= 0x10000) {
            c -= 0x10000;
            dst = put_unit(dst, 0xD800 | c >> 10);
            dst = put_unit(dst, 0xDC00 | (c & 0x3FF));
        } else {
            dst = put_unit(dst, c);
        }
        utf8 += used;
        n -= used;
    }
}

static uint32_t get_unit(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

entrasql_status es_utf16le_to_utf8(const uint8_t *p, size_t bytes, es_buf *out)
{
    if (bytes % 2 != 0)
        return ENTRASQL_MALFORMED;
    size_t units = bytes / 2;
    /* Three bytes a unit is the most that UTF-8 takes; ask for it only where it fits. */
    for (size_t i = 0; i < units; i++) {
        uint32_t c = get_unit(p + 2 * i);
        if (c >= 0xD800 && c <= 0xDBFF && i + 1 < units) {
            uint32_t low = get_unit(p + 2 * i + 2);
            if (low >= 0xDC00 && low <= 0xDFFF) {
                c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
                i++;
            }
        }
        char utf8[4];
        size_t n = es_utf8_encode(c, utf8);
        ES_TRY(es_buf_add(out, utf8, n));
    }
    return ENTRASQL_OK;
}

entrasql_status es_utf16le_to_str(const uint8_t *p, size_t bytes, char **ret)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(bytes / 2 * 3 + 1);
    ES_TRY(es_utf16le_to_utf8(p, bytes, &text));
    if (text.len != 0 && memchr(text.data, 0, text.len) != NULL)
        return ENTRASQL_MALFORMED;
    char *s = es_buf_take(&text, NULL);
    if (s == NULL)
        return ENTRASQL_NOMEM;
    *ret = s;
    return ENTRASQL_OK;
}
