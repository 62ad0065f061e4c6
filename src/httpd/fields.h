/* SPDX-License-Identifier: MIT */
/*
 * application/x-www-form-urlencoded, read strictly: every percent sign is
 * followed by two digits, the result is UTF-8 text without NUL, the number of
 * fields is limited. A field may be there more than once; the getters do not
 * choose between the values.
 *
 * Forms hold secrets, so names and values are wiped when freed.
 */
#ifndef HTTPD_FIELDS_H
#define HTTPD_FIELDS_H

#include "base/error.h"

#include <stdbool.h>

typedef struct httpd_fields {
    struct {
        char *name;
        char *value; /* "" when there was no '=' */
    } * items;
    size_t count;
} httpd_fields;

/* MALFORMED or LIMIT with the place; on success call httpd_fields_done. */
entrasql_status httpd_fields_parse(const char *s, size_t n, httpd_fields *ret,
                                   entrasql_error *err) ES_MUST_USE;
void httpd_fields_done(httpd_fields *fields);
/* NULL when absent or there more than once. Names are compared as they are. */
const char *httpd_fields_get(const httpd_fields *fields, const char *name);
size_t httpd_fields_count(const httpd_fields *fields, const char *name);

/* One percent-decoded text as a new string; plus_is_space: as forms have it. */
entrasql_status httpd_percent_decode(const char *s, size_t n, bool plus_is_space, char **ret,
                                     entrasql_error *err) ES_MUST_USE;

#endif
