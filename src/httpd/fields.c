/* SPDX-License-Identifier: MIT */
/* application/x-www-form-urlencoded, read strictly. */
#include "fields.h"

#include "base/base64.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf16.h"
#include "httpd.h"

#include <string.h>

entrasql_status httpd_percent_decode(const char *s, size_t n, bool plus_is_space, char **ret,
                                     entrasql_error *err)
{
    char *text = es_malloc(n + 1); /* decoding never makes a text longer */
    if (text == NULL)
        return es_nomem(err);
    size_t len = 0;
    entrasql_status status = ENTRASQL_OK;
    for (size_t i = 0; i < n && status == ENTRASQL_OK; i++) {
        uint8_t byte = (uint8_t)s[i];
        if (s[i] == '+' && plus_is_space) {
            byte = ' ';
        } else if (s[i] == '%') {
            if (n - i < 3 || es_hex_decode(s + i + 1, 2, &byte) != ENTRASQL_OK)
                status = es_fail(err, ENTRASQL_MALFORMED, "'%%' is not followed by two digits");
            i += 2;
        }
        text[len++] = (char)byte;
    }
    if (status == ENTRASQL_OK && (memchr(text, 0, len) != NULL || !es_utf8_is_valid(text, len)))
        status = es_fail(err, ENTRASQL_MALFORMED, "the text is not UTF-8 or holds a NUL");
    if (status != ENTRASQL_OK) {
        es_free_wipe(text, n + 1);
        return status;
    }
    text[len] = 0;
    *ret = text;
    return ENTRASQL_OK;
}

/* One "name=value". The item is counted by the caller, so that done() frees a half-read one too. */
static entrasql_status parse_pair(const char *s, size_t n, char **ret_name, char **ret_value,
                                  entrasql_error *err)
{
    const char *equals = memchr(s, '=', n);
    size_t name_len = equals != NULL ? (size_t)(equals - s) : n;
    size_t value_len = equals != NULL ? n - name_len - 1 : 0;
    ES_TRY(httpd_percent_decode(s, name_len, true, ret_name, err));
    return httpd_percent_decode(equals != NULL ? equals + 1 : s, value_len, true, ret_value, err);
}

static entrasql_status parse(const char *s, size_t n, httpd_fields *fields, entrasql_error *err)
{
    while (n != 0) {
        const char *amp = memchr(s, '&', n);
        size_t len = amp != NULL ? (size_t)(amp - s) : n;
        if (len != 0) {
            if (fields->count == HTTPD_MAX_FIELDS)
                return es_fail(err, ENTRASQL_LIMIT, "more than %d fields", HTTPD_MAX_FIELDS);
            size_t i = fields->count++;
            entrasql_status status =
                parse_pair(s, len, &fields->items[i].name, &fields->items[i].value, err);
            if (status != ENTRASQL_OK) {
                es_error_prefix(err, "field %zu", i + 1);
                return status;
            }
        }
        size_t used = amp != NULL ? len + 1 : len;
        s += used;
        n -= used;
    }
    return ENTRASQL_OK;
}

entrasql_status httpd_fields_parse(const char *s, size_t n, httpd_fields *ret, entrasql_error *err)
{
    httpd_fields fields = {.items = es_calloc(HTTPD_MAX_FIELDS, sizeof *fields.items)};
    if (fields.items == NULL)
        return es_nomem(err);
    entrasql_status status = parse(s, n, &fields, err);
    if (status != ENTRASQL_OK) {
        httpd_fields_done(&fields);
        return status;
    }
    *ret = fields;
    return ENTRASQL_OK;
}

void httpd_fields_done(httpd_fields *fields)
{
    for (size_t i = 0; i < fields->count; i++) {
        es_free_wipe_str(fields->items[i].name);
        es_free_wipe_str(fields->items[i].value);
    }
    es_free(fields->items);
    *fields = (httpd_fields){0};
}

size_t httpd_fields_count(const httpd_fields *fields, const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < fields->count; i++) {
        if (es_streq(fields->items[i].name, name))
            count++;
    }
    return count;
}

const char *httpd_fields_get(const httpd_fields *fields, const char *name)
{
    const char *value = NULL;
    for (size_t i = 0; i < fields->count; i++) {
        if (!es_streq(fields->items[i].name, name))
            continue;
        if (value != NULL)
            return NULL;
        value = fields->items[i].value;
    }
    return value;
}
