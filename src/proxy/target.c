/* SPDX-License-Identifier: MIT */
/* Reading targets. */
#include "proxy/target.h"

#include "base/mem.h"
#include "base/str.h"

#include <string.h>

static int hex_digit(char c)
{
    c = es_ascii_lower(c);
    if (es_is_digit(c))
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes %XX in place; CONFIG for a bad escape or one of NUL. */
static entrasql_status decode(char *s, entrasql_error *err)
{
    char *out = s;
    for (; *s != '\0'; s++) {
        if (*s != '%') {
            *out++ = *s;
            continue;
        }
        int high = hex_digit(s[1]);
        int low = high >= 0 ? hex_digit(s[2]) : -1;
        if (low < 0 || (high == 0 && low == 0))
            return es_fail(err, ENTRASQL_CONFIG, "after '%%' two hexadecimal digits are expected");
        *out++ = (char)(high * 16 + low);
        s += 2;
    }
    *out = '\0';
    return ENTRASQL_OK;
}

/* Ends the text at the first of the characters; what follows it, or NULL. */
static char *cut(char *s, const char *ends, char *ret_end)
{
    char *at = s + strcspn(s, ends);
    *ret_end = *at;
    if (*at == '\0')
        return NULL;
    *at = '\0';
    return at + 1;
}

static entrasql_status parse_keys(char *s, const conf_origin *origin, conf_args *settings,
                                  entrasql_error *err)
{
    while (s != NULL && *s != '\0') {
        char end;
        char *next = cut(s, "&", &end);
        char *value = cut(s, "=", &end);
        if (value == NULL)
            return es_fail(err, ENTRASQL_CONFIG, "target '%s': no '=' between key and value",
                           origin->file);
        ES_TRY(decode(value, err));
        for (char *c = s; *c != '\0'; c++)
            *c = es_ascii_lower(*c);
        if (es_streq(s, "server") || es_streq(s, "database"))
            return es_fail(err, ENTRASQL_CONFIG, "target '%s' names its %s twice", origin->file, s);
        ES_TRY(conf_args_set(settings, "target", s, strlen(s), value, origin, err));
        s = next;
    }
    return ENTRASQL_OK;
}

static entrasql_status parse(proxy_target_text *t, conf_args *settings, entrasql_error *err)
{
    const conf_origin origin = {.source = CONF_SOURCE_ARGUMENT, .file = t->text};
    char end;
    t->server = t->parts;
    char *rest = cut(t->parts, "/?", &end);
    if (end == '/') {
        char *database = rest;
        rest = cut(database, "?", &end);
        ES_TRY(decode(database, err));
        t->database = database[0] != '\0' ? database : NULL;
    }
    return parse_keys(rest, &origin, settings, err);
}

entrasql_status proxy_target_parse(const char *text, size_t n, conf_args *settings,
                                   proxy_target_text *ret, entrasql_error *err)
{
    proxy_target_text t = {0};
    if (n > PROXY_TARGET_MAX_BYTES)
        return es_fail(err, ENTRASQL_CONFIG, "a target is longer than %d bytes",
                       PROXY_TARGET_MAX_BYTES);
    t.text = es_strndup(text, n);
    t.parts = es_strndup(text, n);
    if (t.text == NULL || t.parts == NULL) {
        proxy_target_text_done(&t);
        return es_nomem(err);
    }
    es_printable(t.text, n + 1, text, n);
    entrasql_status status = parse(&t, settings, err);
    if (status != ENTRASQL_OK) {
        if (err != NULL && strstr(err->message, t.text) == NULL)
            es_error_prefix(err, "target '%s'", t.text);
        proxy_target_text_done(&t);
        return status;
    }
    *ret = t;
    return ENTRASQL_OK;
}

void proxy_target_text_done(proxy_target_text *t)
{
    es_free(t->text);
    es_free(t->parts);
    *t = (proxy_target_text){0};
}
