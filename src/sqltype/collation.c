/* SPDX-License-Identifier: MIT */
/* Comparison of texts as SQL_Latin1_General_CP1_CI_AS has it, near enough. */
#include "sqltype/collation.h"

#include "base/utf16.h"
#include "sqltype/casetable.h"

#include <string.h>

const uint8_t sqlcollation_wire[SQLCOLLATION_BYTES] = {0x09, 0x04, 0xD0, 0x00, 0x34};

/* Bytes that are not UTF-8 compare as characters beyond all others. */
#define BAD_BYTE 0x110000U

static uint32_t map_case(const sqlcase_range *table, size_t count, uint32_t c)
{
    size_t low = 0;
    size_t high = count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        const sqlcase_range *r = &table[mid];
        if (c < r->first)
            high = mid;
        else if (c > r->last)
            low = mid + 1;
        else
            return (c - r->first) % r->step == 0 ? (uint32_t)((int32_t)c + r->delta) : c;
    }
    return c;
}

uint32_t sqlcollation_fold(uint32_t c)
{
    if (c < 0x80)
        return c >= 'A' && c <= 'Z' ? c + 32 : c;
    return map_case(sqlcase_fold, sqlcase_fold_count, c);
}

uint32_t sqlcollation_upper(uint32_t c)
{
    if (c < 0x80)
        return c >= 'a' && c <= 'z' ? c - 32 : c;
    return map_case(sqlcase_upper, sqlcase_upper_count, c);
}

uint32_t sqlcollation_lower(uint32_t c)
{
    if (c < 0x80)
        return c >= 'A' && c <= 'Z' ? c + 32 : c;
    return map_case(sqlcase_lower, sqlcase_lower_count, c);
}

struct cursor {
    const char *at;
    size_t left;
};

static struct cursor without_blanks(const char *s, size_t n)
{
    while (n > 0 && s[n - 1] == ' ')
        n--;
    return (struct cursor){s, n};
}

/* The next folded character; past the end, blanks without end. */
static uint32_t next(struct cursor *c)
{
    uint32_t ch = ' ';
    size_t used;

    if (c->left == 0)
        return ch;
    used = es_utf8_decode(c->at, c->left, &ch);
    if (used == 0) {
        ch = BAD_BYTE + (unsigned char)*c->at;
        used = 1;
    }
    c->at += used;
    c->left -= used;
    return sqlcollation_fold(ch);
}

/* Signs before digits before letters; accented letters beside their plain ones. */
static uint32_t weight(uint32_t c)
{
    if (c >= SQLCASE_BASE_FIRST && c < SQLCASE_BASE_FIRST + SQLCASE_BASE_COUNT &&
        sqlcase_base[c - SQLCASE_BASE_FIRST] != 0)
        c = sqlcase_base[c - SQLCASE_BASE_FIRST];
    if (c >= '0' && c <= '9')
        return 0x200000U + c;
    if ((c >= 'a' && c <= 'z') || c >= 0xC0)
        return 0x400000U + c;
    return c;
}

int sqlcollation_compare(const char *a, size_t a_len, const char *b, size_t b_len)
{
    struct cursor x = without_blanks(a, a_len);
    struct cursor y = without_blanks(b, b_len);
    int accents = 0;

    while (x.left > 0 || y.left > 0) {
        uint32_t p = next(&x);
        uint32_t q = next(&y);
        if (p == q)
            continue;
        if (weight(p) != weight(q))
            return weight(p) < weight(q) ? -1 : 1;
        if (accents == 0)
            accents = p < q ? -1 : 1;
    }
    return accents;
}

bool sqlcollation_equal_names(const char *a, const char *b)
{
    struct cursor x = {a, strlen(a)};
    struct cursor y = {b, strlen(b)};

    while (x.left > 0 && y.left > 0) {
        if (next(&x) != next(&y))
            return false;
    }
    return x.left == y.left;
}

uint64_t sqlcollation_hash(const char *s, size_t n)
{
    struct cursor c = without_blanks(s, n);
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a over the folded characters */

    while (c.left > 0) {
        hash ^= next(&c);
        hash *= UINT64_C(0x100000001b3);
    }
    return hash;
}

entrasql_status sqlcollation_key(const char *s, size_t n, es_buf *out)
{
    struct cursor c = without_blanks(s, n);

    while (c.left > 0) {
        uint32_t ch = next(&c);
        char bytes[4];
        if (ch >= BAD_BYTE) {
            ES_TRY(es_buf_u8(out, (uint8_t)(ch - BAD_BYTE)));
            continue;
        }
        ES_TRY(es_buf_add(out, bytes, es_utf8_encode(ch, bytes)));
    }
    return ENTRASQL_OK;
}
