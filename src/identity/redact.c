/* SPDX-License-Identifier: MIT */
/* Secrets out of foreign text. */
#include "identity/redact.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdbool.h>
#include <string.h>

#define MASK "***"
/* More is never shown; what lies beyond is not even looked at. */
#define MAX_LOOK 8192

struct cursor {
    char *dst;
    size_t size;
    size_t used;
};

static void put(struct cursor *c, const char *s, size_t n)
{
    size_t room = c->size - 1 - c->used;
    if (n > room)
        n = room;
    memcpy(c->dst + c->used, s, n);
    c->used += n;
}

static bool is_token_char(char c)
{
    return es_is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           strchr("-_.~+/=", c) != NULL;
}

/* Length of a JWT at s (its header always begins with '{"' in base64url), else 0. */
static size_t jwt_length(const char *s, size_t n)
{
    if (n < 16 || memcmp(s, "eyJ", 3) != 0)
        return 0;
    size_t length = 0;
    while (length < n && s[length] != '\0' && is_token_char(s[length]))
        length++;
    return length >= 16 ? length : 0;
}

static bool holds(const char *s, size_t n, const char *word)
{
    size_t length = strlen(word);
    for (size_t i = 0; i + length <= n; i++) {
        if (es_strncaseeq(s + i, word, length))
            return true;
    }
    return false;
}

static bool is_secret_key(const char *s, size_t n)
{
    static const char *const words[] = {"token", "secret", "password", "assertion"};
    if (holds(s, n, "type") || holds(s, n, "expire"))
        return false;
    for (size_t i = 0; i < ES_COUNT_OF(words); i++) {
        if (holds(s, n, words[i]))
            return true;
    }
    return false;
}

/*
 * When s (at a quote) begins `"key": "value` with a key for a secret: how far
 * it is to the value, and how long that is, its closing quote not counted (it may
 * be missing in a cut text). Else 0.
 */
static size_t secret_member(const char *s, size_t n, size_t *ret_value)
{
    size_t end = 1;
    while (end < n && s[end] != '"')
        end++;
    if (end >= n || !is_secret_key(s + 1, end - 1))
        return 0;
    size_t at = end + 1;
    while (at < n && (es_is_space(s[at]) || s[at] == ':'))
        at++;
    if (at >= n || s[at] != '"')
        return 0;
    at++;
    size_t length = 0;
    while (at + length < n && s[at + length] != '"') {
        bool escaped = s[at + length] == '\\' && at + length + 1 < n;
        length += escaped ? 2 : 1;
    }
    *ret_value = length;
    return at;
}

static size_t secret_length(const char *s, size_t n, const es_secret *secret)
{
    size_t length = secret != NULL ? es_secret_len(secret) : 0;
    if (length == 0 || length > n)
        return 0;
    return es_equal_constant_time(s, es_secret_reveal(secret), length) ? length : 0;
}

/* How much of the text at this place is to be masked: the value of a member found before, or what
 * is a secret by itself. */
static size_t masked_length(const char *at, size_t left, const es_secret *secret,
                            const char **value_begin, const char **value_end)
{
    if (*value_begin != NULL && at >= *value_begin) {
        size_t rest = *value_end > at ? (size_t)(*value_end - at) : 0;
        *value_begin = NULL;
        if (rest != 0)
            return rest;
    }
    size_t length = secret_length(at, left, secret);
    return length != 0 ? length : jwt_length(at, left);
}

void identity_redact(char *dst, size_t size, const char *src, size_t n, const es_secret *secret)
{
    char clean[MAX_LOOK + 1];
    es_printable(clean, sizeof clean, src, n);
    struct cursor c = {.dst = dst, .size = size};
    const char *at = clean;
    const char *value_begin = NULL; /* of a member with a telling name, not yet reached */
    const char *value_end = NULL;
    size_t left = strlen(clean);
    while (left != 0) {
        size_t skip = masked_length(at, left, secret, &value_begin, &value_end);
        if (skip != 0) {
            put(&c, MASK, sizeof MASK - 1);
        } else {
            size_t value = 0;
            size_t distance =
                *at == '"' && value_begin == NULL ? secret_member(at, left, &value) : 0;
            if (distance != 0) {
                value_begin = at + distance;
                value_end = value_begin + value;
            }
            put(&c, at, 1);
            skip = 1;
        }
        at += skip;
        left -= skip;
    }
    dst[c.used] = '\0';
    es_utf8_trim_end(dst);
    es_wipe(clean, sizeof clean);
}
