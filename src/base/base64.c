/* SPDX-License-Identifier: MIT */
/* Base64, base64url and hexadecimal. */
#include "base/base64.h"

#include "base/error.h"

static const char alphabet_std[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char alphabet_url[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static entrasql_status encode(const uint8_t *p, size_t n, const char *alphabet, bool padded,
                              es_buf *out)
{
    if (n > SIZE_MAX / 2)
        return ENTRASQL_LIMIT;
    uint8_t *dst;
    ES_TRY(es_buf_prepare(out, (n + 2) / 3 * 4, &dst));
    size_t used = 0;
    while (n >= 3) {
        uint32_t v = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
        for (int shift = 18; shift >= 0; shift -= 6)
            dst[used++] = (uint8_t)alphabet[v >> shift & 63];
        p += 3;
        n -= 3;
    }
    if (n != 0) {
        uint32_t v = (uint32_t)p[0] << 16 | (n == 2 ? (uint32_t)p[1] << 8 : 0);
        dst[used++] = (uint8_t)alphabet[v >> 18 & 63];
        dst[used++] = (uint8_t)alphabet[v >> 12 & 63];
        if (n == 2)
            dst[used++] = (uint8_t)alphabet[v >> 6 & 63];
        for (size_t i = n; padded && i < 3; i++)
            dst[used++] = '=';
    }
    es_buf_commit(out, used);
    return ENTRASQL_OK;
}

static int digit_value(char c, bool url)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == (url ? '-' : '+'))
        return 62;
    if (c == (url ? '_' : '/'))
        return 63;
    return -1;
}

static entrasql_status decode(const char *s, size_t n, bool url, es_buf *out)
{
    if (!url) {
        if (n % 4 != 0)
            return ENTRASQL_MALFORMED;
        for (int i = 0; i < 2 && n != 0 && s[n - 1] == '='; i++)
            n--;
    }
    if (n % 4 == 1)
        return ENTRASQL_MALFORMED;
    uint8_t *dst;
    ES_TRY(es_buf_prepare(out, n / 4 * 3 + 2, &dst));
    size_t used = 0;
    uint32_t bits = 0;
    int bit_count = 0;
    for (size_t i = 0; i < n; i++) {
        int v = digit_value(s[i], url);
        if (v < 0)
            return ENTRASQL_MALFORMED;
        bits = bits << 6 | (uint32_t)v;
        bit_count += 6;
        if (bit_count >= 8) {
            bit_count -= 8;
            dst[used++] = (uint8_t)(bits >> bit_count);
        }
    }
    if ((bits & ((1U << bit_count) - 1)) != 0)
        return ENTRASQL_MALFORMED;
    es_buf_commit(out, used);
    return ENTRASQL_OK;
}

entrasql_status es_base64_encode(const void *p, size_t n, es_buf *out)
{
    return encode(p, n, alphabet_std, true, out);
}

entrasql_status es_base64_decode(const char *s, size_t n, es_buf *out)
{
    return decode(s, n, false, out);
}

entrasql_status es_base64url_encode(const void *p, size_t n, es_buf *out)
{
    return encode(p, n, alphabet_url, false, out);
}

entrasql_status es_base64url_decode(const char *s, size_t n, es_buf *out)
{
    return decode(s, n, true, out);
}

void es_hex_encode(const void *p, size_t n, char *dst)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *bytes = p;
    for (size_t i = 0; i < n; i++) {
        dst[2 * i] = digits[bytes[i] >> 4];
        dst[2 * i + 1] = digits[bytes[i] & 15];
    }
    dst[2 * n] = '\0';
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

entrasql_status es_hex_decode(const char *s, size_t digits, uint8_t *dst)
{
    if (digits % 2 != 0)
        return ENTRASQL_MALFORMED;
    for (size_t i = 0; i < digits; i += 2) {
        int high = hex_value(s[i]);
        int low = hex_value(s[i + 1]);
        if (high < 0 || low < 0)
            return ENTRASQL_MALFORMED;
        dst[i / 2] = (uint8_t)(high << 4 | low);
    }
    return ENTRASQL_OK;
}
