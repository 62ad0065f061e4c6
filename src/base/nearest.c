/* SPDX-License-Identifier: MIT */
#include "nearest.h"

#include "str.h"

#include <string.h>

#define WORD_MAX 40U
#define BEGINNING_LEAST 3U

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Optimal string alignment: insertion, deletion, substitution, swap of neighbours cost 1 each. */
static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t rows[3][WORD_MAX + 1];
    size_t *before = rows[0], *last = rows[1], *now = rows[2];

    for (size_t j = 0; j <= b_len; j++)
        last[j] = before[j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        now[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            char x = es_ascii_lower(a[i - 1]);
            char y = es_ascii_lower(b[j - 1]);
            now[j] = least(least(last[j], now[j - 1]) + 1, last[j - 1] + (x != y ? 1 : 0));
            if (i > 1 && j > 1 && x == es_ascii_lower(b[j - 2]) && y == es_ascii_lower(a[i - 2]))
                now[j] = least(now[j], before[j - 2] + 1);
        }
        size_t *free_row = before;
        before = last;
        last = now;
        now = free_row;
    }
    return last[b_len];
}

void es_nearest_offer(es_nearest *n, const char *typed, size_t typed_len, const char *word)
{
    size_t length = strlen(word);

    if (typed_len == 0 || length == 0 || typed_len > WORD_MAX || length > WORD_MAX)
        return;
    size_t d = distance(typed, typed_len, word, length);
    bool begins =
        typed_len >= BEGINNING_LEAST && typed_len < length && es_strncaseeq(word, typed, typed_len);
    size_t allowed = typed_len < 3 ? 0 : least(length, typed_len) / 3;
    if (allowed == 0 && typed_len >= 3)
        allowed = 1;
    if (d > allowed && !begins)
        return;
    if (n->word != NULL && d >= n->distance)
        return;
    *n = (es_nearest){word, d};
}
