/* SPDX-License-Identifier: MIT */
/*
 * Texts of HTTP: percent-encoding, form fields, dates, URLs taken apart.
 * Pure; any thread.
 */
#ifndef HTTP_TEXT_H
#define HTTP_TEXT_H

#include "base/buf.h"

#include <stdbool.h>

/* Everything but letters, digits and -._~ becomes %XX. */
entrasql_status http_percent_encode(const char *s, size_t n, es_buf *out) ES_MUST_USE;
/* Appends "name=value", with '&' before it unless the buffer is empty or ends with '?'. */
entrasql_status http_form_add(es_buf *out, const char *name, const char *value) ES_MUST_USE;

/* Seconds since 1970 of a UTC date; no leap seconds. INVALID when a part is out of range. */
entrasql_status http_utc_seconds(int year, int month, int day, int hour, int minute, int second,
                                 int64_t *ret) ES_MUST_USE;
/* "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 5.6.7). MALFORMED for anything else. */
entrasql_status http_date_parse(const char *s, size_t n, int64_t *ret) ES_MUST_USE;
/* January is 1; 0 when the three letters name no month. */
int http_month_number(const char *name);

/*
 * Takes a URL apart with the parser that will later connect to it. INVALID:
 * not http or https, user information, a fragment, control characters,
 * longer than the fields.
 */
typedef struct http_url {
    bool is_https;
    bool has_query;
    char host[256]; /* lower case; without brackets for IPv6 */
    unsigned port;  /* the scheme's own when the URL has none */
    bool has_port;
    char path[1024]; /* begins with '/' */
} http_url;
entrasql_status http_url_parse(const char *url, http_url *ret) ES_MUST_USE;

#endif
