/* SPDX-License-Identifier: MIT */
/* Secrets out of foreign text. */
#include "identity/redact.h"

#include "base/base64.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdbool.h>
#include <string.h>

#define MASK "***"
/* More is never shown; what lies beyond is not even looked at. */
#define MAX_LOOK 8192

#define ESCAPE '\x1B'
#define BELL '\a'

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

static bool is_name_char(char c)
{
    return es_is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c == '-';
}

/* Length of the key that begins at s and ends with its quote. 0: none. An apostrophe is a quote
 * only around a name, as Python prints a dictionary's. */
static size_t quoted_key(const char *s, size_t n)
{
    size_t end = 1;
    while (end < n && s[end] != s[0] && (s[0] == '"' || is_name_char(s[end])))
        end++;
    return end < n && s[end] == s[0] && is_secret_key(s + 1, end - 1) ? end + 1 : 0;
}

/*
 * When s (at a quote) begins `"key": "value` or `'key': 'value` with a key for
 * a secret: how far it is to the value, and how long that is, its closing quote
 * not counted (it may be missing in a cut text). Else 0.
 */
static size_t secret_member(const char *s, size_t n, size_t *ret_value)
{
    size_t at = quoted_key(s, n);
    if (at == 0)
        return 0;
    while (at < n && (es_is_space(s[at]) || s[at] == ':'))
        at++;
    if (at >= n || (s[at] != '"' && s[at] != '\''))
        return 0;
    char quote = s[at++];
    size_t length = 0;
    while (at + length < n && s[at + length] != quote) {
        bool escaped = s[at + length] == '\\' && at + length + 1 < n;
        length += escaped ? 2 : 1;
    }
    *ret_value = length;
    return at;
}

/* The same for `key=value`, as forms and arguments have it; s is where a name begins. */
static size_t secret_field(const char *s, size_t n, size_t *ret_value)
{
    size_t at = 0;
    while (at < n && is_name_char(s[at]))
        at++;
    if (at >= n || s[at] != '=' || !is_secret_key(s, at))
        return 0;
    at++;
    size_t length = 0;
    while (at + length < n && s[at + length] > ' ' && strchr("&\"';,", s[at + length]) == NULL)
        length++;
    *ret_value = length;
    return length != 0 ? at : 0;
}

/* What begins here, a member or a field; `before` is the character in front of it. */
static size_t secret_value(const char *s, size_t n, char before, size_t *ret_value)
{
    if (*s == '"' || *s == '\'')
        return secret_member(s, n, ret_value);
    return is_name_char(*s) && !is_name_char(before) ? secret_field(s, n, ret_value) : 0;
}

/* How many characters at s stand for c, as it is or as forms and URLs have it; 0: they do not. */
static size_t stands_for(const char *s, size_t n, char c)
{
    if (n == 0)
        return 0;
    uint8_t escaped;
    if (n >= 3 && s[0] == '%' && es_hex_decode(s + 1, 2, &escaped) == ENTRASQL_OK &&
        escaped == (uint8_t)c)
        return 3;
    return s[0] == c || (s[0] == '+' && c == ' ') ? 1 : 0;
}

/* Who echoes a request has the secret as it was sent: percent-encoded. */
static size_t secret_length(const char *s, size_t n, const es_secret *secret)
{
    size_t length = secret != NULL ? es_secret_len(secret) : 0;
    size_t at = 0;
    for (size_t i = 0; i < length; i++) {
        size_t step = stands_for(s + at, n - at, es_secret_reveal(secret)[i]);
        if (step == 0)
            return 0;
        at += step;
    }
    return at;
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

static bool is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7F;
}

/* Length of what a terminal takes as one command, at an ESC (ECMA-48): a colour, a title; else 1.
 */
static size_t escape_length(const char *s, size_t n)
{
    size_t at = 2;
    if (n < 2 || s[1] < 0x40 || s[1] > 0x5F)
        return 1;
    if (s[1] == '[') {
        while (at < n && s[at] >= 0x20 && s[at] < 0x40)
            at++;
        return at < n && !is_control(s[at]) ? at + 1 : at;
    }
    if (s[1] == ']') {
        while (at < n && !is_control(s[at]))
            at++;
        return at < n && s[at] == BELL ? at + 1 : at;
    }
    return at;
}

/* Text of several lines as one: a blank where lines end, with what blanks stand there, none at the
 * ends of the text; other control bytes and a terminal's commands are left out. */
static size_t one_line(char dst[MAX_LOOK], const char *src, size_t n)
{
    size_t used = 0;
    bool breaks = false;
    for (size_t i = 0; i < n && used < MAX_LOOK;) {
        bool space = es_is_space(src[i]);
        if (is_control(src[i])) {
            breaks = breaks || space;
            i += src[i] == ESCAPE ? escape_length(src + i, n - i) : 1;
            continue;
        }
        if (breaks && space) {
            i++;
            continue;
        }
        while (breaks && used != 0 && dst[used - 1] == ' ')
            used--;
        if (breaks && used != 0)
            dst[used++] = ' ';
        breaks = false;
        if (used < MAX_LOOK)
            dst[used++] = src[i++];
    }
    while (used != 0 && dst[used - 1] == ' ')
        used--;
    return used;
}

void identity_redact(char *dst, size_t size, const char *src, size_t n, const es_secret *secret)
{
    char line[MAX_LOOK];
    char clean[MAX_LOOK + 1];
    es_printable(clean, sizeof clean, line, one_line(line, src, n));
    es_wipe(line, sizeof line);
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
            size_t distance = value_begin == NULL
                                  ? secret_value(at, left, at != clean ? at[-1] : ' ', &value)
                                  : 0;
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

void identity_show_url(char *dst, size_t size, const char *url)
{
    const char *at = strrchr(url, '@');
    const char *scheme = strstr(url, "://");
    size_t skip = scheme != NULL && at != NULL && scheme < at ? (size_t)(scheme - url) + 3 : 0;
    size_t used = 0;
    if (at != NULL && skip + sizeof MASK < size) {
        es_printable(dst, skip + 1, url, skip);
        memcpy(dst + skip, MASK, sizeof MASK);
        used = skip + sizeof MASK - 1;
        url = at;
    } else if (at != NULL) {
        url = at;
    }
    es_printable(dst + used, size - used, url, strnlen(url, size - used));
}
