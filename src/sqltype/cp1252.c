/* SPDX-License-Identifier: MIT */
/* Code page 1252 to and from UTF-8. */
#include "sqltype/cp1252.h"

#include "base/utf16.h"

/* The characters of 0x80 to 0x9F; all other bytes are Latin-1. */
static const uint16_t high_controls[32] = {
    0x20AC, 0x0081, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x008D, 0x017D, 0x008F, 0x0090, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x009D, 0x017E, 0x0178,
};

uint32_t sqlcp1252_to_char(uint8_t byte)
{
    return byte >= 0x80 && byte < 0xA0 ? high_controls[byte - 0x80] : byte;
}

uint8_t sqlcp1252_from_char(uint32_t c)
{
    if (c < 0x80 || (c >= 0xA0 && c <= 0xFF))
        return (uint8_t)c;
    for (unsigned i = 0; i < ES_COUNT_OF(high_controls); i++)
        if (high_controls[i] == c)
            return (uint8_t)(0x80 + i);
    return '?';
}

entrasql_status sqlcp1252_encode(const char *utf8, size_t n, es_buf *out)
{
    while (n > 0) {
        uint32_t c = 0;
        size_t used = es_utf8_decode(utf8, n, &c);
        if (used == 0) {
            c = '?';
            used = 1;
        }
        if (used == 4) /* two UTF-16 units, each unknown to the code page */
            ES_TRY(es_buf_u8(out, '?'));
        ES_TRY(es_buf_u8(out, sqlcp1252_from_char(c)));
        utf8 += used;
        n -= used;
    }
    return ENTRASQL_OK;
}

entrasql_status sqlcp1252_decode(const uint8_t *p, size_t n, es_buf *out)
{
    for (size_t i = 0; i < n; i++) {
        char bytes[4];
        if (p[i] < 0x80) {
            ES_TRY(es_buf_u8(out, p[i]));
            continue;
        }
        ES_TRY(es_buf_add(out, bytes, es_utf8_encode(sqlcp1252_to_char(p[i]), bytes)));
    }
    return ENTRASQL_OK;
}

size_t sqlcp1252_length(const char *utf8, size_t n)
{
    size_t length = 0;

    while (n > 0) {
        uint32_t c;
        size_t used = es_utf8_decode(utf8, n, &c);
        if (used == 0)
            used = 1;
        length += used == 4 ? 2 : 1;
        utf8 += used;
        n -= used;
    }
    return length;
}
