/* SPDX-License-Identifier: MIT */
/* Small string helpers. */
#include "base/str.h"

#include "base/base64.h"
#include "base/utf16.h"

#include <string.h>

char es_ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

char es_ascii_upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

bool es_is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

bool es_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool es_streq(const char *a, const char *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    return strcmp(a, b) == 0;
}

bool es_strncaseeq(const char *a, const char *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (es_ascii_lower(a[i]) != es_ascii_lower(b[i]))
            return false;
        if (a[i] == '\0')
            return true;
    }
    return true;
}

bool es_strcaseeq(const char *a, const char *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    return es_strncaseeq(a, b, SIZE_MAX);
}

bool es_starts_with(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool es_ends_with(const char *s, const char *suffix)
{
    size_t n = strlen(s);
    size_t m = strlen(suffix);
    return m <= n && memcmp(s + n - m, suffix, m) == 0;
}

bool es_str_holds(const char *s, const char *piece)
{
    size_t n = strlen(piece);
    for (; *s != '\0'; s++) {
        if (es_strncaseeq(s, piece, n)) /* stops at the end of s, which no byte of piece is */
            return true;
    }
    return n == 0;
}

const char *es_piece_next(const char **list, size_t *ret_n)
{
    const char *piece = *list;
    if (es_str_is_empty(piece))
        return NULL;
    *ret_n = strcspn(piece, "|");
    *list = piece[*ret_n] == '|' ? piece + *ret_n + 1 : NULL;
    return piece;
}

bool es_str_is_empty(const char *s)
{
    return s == NULL || *s == '\0';
}

entrasql_status es_parse_u64(const char *s, size_t n, uint64_t max, uint64_t *ret)
{
    if (n == 0)
        return ENTRASQL_INVALID;
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++) {
        if (!es_is_digit(s[i]))
            return ENTRASQL_INVALID;
        uint64_t digit = (uint64_t)(s[i] - '0');
        if (v > (UINT64_MAX - digit) / 10)
            return ENTRASQL_LIMIT;
        v = v * 10 + digit;
    }
    if (v > max)
        return ENTRASQL_LIMIT;
    *ret = v;
    return ENTRASQL_OK;
}

entrasql_status es_parse_i64(const char *s, size_t n, int64_t *ret)
{
    bool negative = n != 0 && s[0] == '-';
    if (n != 0 && (s[0] == '-' || s[0] == '+')) {
        s++;
        n--;
    }
    uint64_t magnitude;
    ES_TRY(es_parse_u64(s, n, (uint64_t)INT64_MAX + (negative ? 1 : 0), &magnitude));
    *ret = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return ENTRASQL_OK;
}

/* Where each wire byte stands in the text order of a GUID. */
static const uint8_t guid_order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};

entrasql_status es_guid_parse(const char *s, uint8_t ret[16])
{
    if (strnlen(s, ES_GUID_TEXT_SIZE) != ES_GUID_TEXT_SIZE - 1)
        return ENTRASQL_MALFORMED;
    if (s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-')
        return ENTRASQL_MALFORMED;
    char digits[32];
    size_t n = 0;
    for (size_t i = 0; i < ES_GUID_TEXT_SIZE - 1; i++) {
        if (i != 8 && i != 13 && i != 18 && i != 23)
            digits[n++] = s[i];
    }
    uint8_t text_order[16];
    ES_TRY(es_hex_decode(digits, sizeof digits, text_order));
    for (size_t i = 0; i < 16; i++)
        ret[i] = text_order[guid_order[i]];
    return ENTRASQL_OK;
}

void es_guid_format(const uint8_t guid[16], char ret[ES_GUID_TEXT_SIZE])
{
    uint8_t text_order[16];
    for (size_t i = 0; i < 16; i++)
        text_order[guid_order[i]] = guid[i];
    char digits[33];
    es_hex_encode(text_order, 16, digits);
    size_t from = 0;
    for (size_t i = 0; i < ES_GUID_TEXT_SIZE - 1; i++)
        ret[i] = i == 8 || i == 13 || i == 18 || i == 23 ? '-' : digits[from++];
    ret[ES_GUID_TEXT_SIZE - 1] = '\0';
}

void es_utf8_trim_end(char *s)
{
    size_t n = strlen(s);
    size_t tail = 0; /* continuation bytes at the end */
    while (tail < n && tail < 3 && ((uint8_t)s[n - 1 - tail] & 0xC0) == 0x80)
        tail++;
    if (tail == n)
        return;
    uint8_t lead = (uint8_t)s[n - 1 - tail];
    size_t wanted = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;
    if (wanted > tail)
        s[n - 1 - tail] = '\0';
}

void es_strlcpy_utf8(char *dst, size_t size, const char *src)
{
    if (size == 0)
        return;
    size_t n = strnlen(src, size);
    if (n == size)
        n = size - 1;
    memcpy(dst, src, n);
    dst[n] = '\0';
    if (src[n] != '\0')
        es_utf8_trim_end(dst);
}

void es_printable(char *dst, size_t size, const char *src, size_t n)
{
    if (size == 0)
        return;
    size_t used = 0;
    while (n != 0) {
        uint32_t c = 0;
        size_t count = es_utf8_decode(src, n, &c);
        bool plain = count != 0 && c >= 0x20 && c != 0x7F && !(c >= 0x80 && c < 0xA0) &&
                     !(c >= 0xD800 && c <= 0xDFFF) && !(c >= 0x202A && c <= 0x202E) &&
                     !(c >= 0x2066 && c <= 0x2069);
        size_t room = plain ? count : 1;
        if (room > size - 1 - used)
            break;
        if (plain)
            memcpy(dst + used, src, count);
        else
            dst[used] = '?';
        used += room;
        src += count != 0 ? count : 1;
        n -= count != 0 ? count : 1;
    }
    dst[used] = '\0';
}
