/* SPDX-License-Identifier: MIT */
/* LIKE. */
#include "engine/like.h"

#include "base/utf16.h"
#include "sqltype/collation.h"

/* One character; a byte that is no UTF-8 counts as itself. */
static size_t next_char(const char *s, size_t n, uint32_t *ret)
{
    size_t used = es_utf8_decode(s, n, ret);
    if (used != 0)
        return used;
    *ret = (unsigned char)s[0];
    return 1;
}

static bool same(uint32_t a, uint32_t b)
{
    return a == b || sqlcollation_fold(a) == sqlcollation_fold(b);
}

static bool in_range(uint32_t c, uint32_t low, uint32_t high)
{
    uint32_t f = sqlcollation_fold(c);
    return (c >= low && c <= high) || (f >= sqlcollation_fold(low) && f <= sqlcollation_fold(high));
}

/*
 * "[...]" at p: whether the character belongs to it. *ret_used: bytes of the
 * set with its brackets; 0 when it has no end.
 */
static bool in_set(const char *p, size_t n, uint32_t c, uint32_t escape, size_t *ret_used)
{
    size_t at = 1;
    bool negated = at < n && p[at] == '^';
    bool found = false;
    if (negated)
        at++;
    *ret_used = 0;
    for (bool first = true; at < n; first = false) {
        uint32_t low;
        uint32_t high;
        if (p[at] == ']' && !first) {
            *ret_used = at + 1;
            return found != negated;
        }
        at += next_char(p + at, n - at, &low);
        if (escape != 0 && low == escape && at < n)
            at += next_char(p + at, n - at, &low);
        high = low;
        if (n - at > 1 && p[at] == '-' && p[at + 1] != ']')
            at += 1 + next_char(p + at + 1, n - at - 1, &high);
        found = found || in_range(c, low, high);
    }
    return false;
}

/* One element of the pattern that is not '%' against one character; bytes used, 0: no match. */
static size_t match_one(const char *p, size_t n, uint32_t c, uint32_t escape)
{
    uint32_t want;
    size_t used = next_char(p, n, &want);
    if (escape != 0 && want == escape && used < n) {
        size_t more = next_char(p + used, n - used, &want);
        return same(want, c) ? used + more : 0;
    }
    if (want == '_')
        return used;
    if (want == '[') {
        size_t set_used;
        bool found = in_set(p, n, c, escape, &set_used);
        return found ? set_used : 0;
    }
    return same(want, c) ? used : 0;
}

static bool only_blanks(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (s[i] != ' ')
            return false;
    }
    return true;
}

bool engine_like_at(const char *text, size_t n, const char *pattern, size_t pattern_n,
                    uint32_t escape)
{
    size_t t = 0;
    size_t p = 0;
    size_t star = SIZE_MAX; /* behind the last '%' */
    size_t retry = 0;       /* where its text began */
    for (;;) {
        if (p < pattern_n && pattern[p] == '%') {
            star = ++p;
            retry = t;
            continue;
        }
        if (p == pattern_n && only_blanks(text + t, n - t))
            return true;
        if (t < n && p < pattern_n) {
            uint32_t c;
            size_t used = next_char(text + t, n - t, &c);
            size_t matched = match_one(pattern + p, pattern_n - p, c, escape);
            if (matched != 0) {
                t += used;
                p += matched;
                continue;
            }
        }
        if (star == SIZE_MAX || retry >= n)
            return false;
        uint32_t skipped;
        retry += next_char(text + retry, n - retry, &skipped);
        t = retry;
        p = star;
    }
}

bool engine_like(const sqlvalue *text, const sqlvalue *pattern, uint32_t escape)
{
    return engine_like_at(text->u.s.data, text->u.s.len, pattern->u.s.data, pattern->u.s.len,
                          escape);
}

bool engine_like_escape(const sqlvalue *v, uint32_t *ret)
{
    if (v->u.s.len == 0)
        return false;
    return next_char(v->u.s.data, v->u.s.len, ret) == v->u.s.len;
}
