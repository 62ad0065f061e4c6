/* SPDX-License-Identifier: MIT */
/* Reading the headers of an answer. */
#include "http/http.h"
#include "http/text.h"

#include "base/str.h"

#include <string.h>

#define MAX_RETRY_AFTER_MS (24LL * 60 * 60 * 1000)

void http_response_done(http_response *r)
{
    es_buf_done(&r->headers);
    es_buf_done(&r->body);
    r->status = 0;
}

/* Cuts blanks and line ends at both sides. */
static void trim(const char **s, size_t *n)
{
    while (*n != 0 && es_is_space(**s)) {
        (*s)++;
        (*n)--;
    }
    while (*n != 0 && es_is_space((*s)[*n - 1]))
        (*n)--;
}

/* Lends the value of the last line "name: value". */
static bool find_header(const http_response *r, const char *name, const char **ret, size_t *ret_len)
{
    const char *at = (const char *)r->headers.data;
    size_t left = r->headers.len;
    size_t name_len = strlen(name);
    bool found = false;
    while (left != 0) {
        const char *end = memchr(at, '\n', left);
        size_t n = end != NULL ? (size_t)(end - at) + 1 : left;
        if (n > name_len && at[name_len] == ':' && es_strncaseeq(at, name, name_len)) {
            *ret = at + name_len + 1;
            *ret_len = n - name_len - 1;
            trim(ret, ret_len);
            found = true;
        }
        at += n;
        left -= n;
    }
    return found;
}

entrasql_status http_response_header(const http_response *r, const char *name, char *ret,
                                     size_t size)
{
    const char *value;
    size_t n;
    if (!find_header(r, name, &value, &n))
        return ENTRASQL_NOT_FOUND;
    if (n >= size)
        return ENTRASQL_LIMIT;
    memcpy(ret, value, n);
    ret[n] = '\0';
    return ENTRASQL_OK;
}

/* Digits only, in units of unit_ms; a longer wait than the limit counts as the limit. */
static bool parse_wait(const char *s, size_t n, int64_t unit_ms, int64_t *ret_ms)
{
    uint64_t v;
    entrasql_status status = es_parse_u64(s, n, (uint64_t)(MAX_RETRY_AFTER_MS / unit_ms), &v);
    if (status == ENTRASQL_LIMIT)
        v = (uint64_t)(MAX_RETRY_AFTER_MS / unit_ms);
    else if (status != ENTRASQL_OK)
        return false;
    *ret_ms = (int64_t)v * unit_ms;
    return true;
}

bool http_retry_after(const http_response *r, int64_t now_wall_s, int64_t *ret_ms)
{
    const char *value;
    size_t n;
    if (find_header(r, "retry-after-ms", &value, &n) && parse_wait(value, n, 1, ret_ms))
        return true;
    if (find_header(r, "x-ms-retry-after-ms", &value, &n) && parse_wait(value, n, 1, ret_ms))
        return true;
    if (!find_header(r, "Retry-After", &value, &n))
        return false;
    if (parse_wait(value, n, 1000, ret_ms))
        return true;
    int64_t when;
    if (http_date_parse(value, n, &when) != ENTRASQL_OK)
        return false;
    int64_t seconds = when - now_wall_s;
    if (seconds < 0)
        seconds = 0;
    *ret_ms = seconds < MAX_RETRY_AFTER_MS / 1000 ? seconds * 1000 : MAX_RETRY_AFTER_MS;
    return true;
}
