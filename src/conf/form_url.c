/* SPDX-License-Identifier: MIT */
/*
 * The two forms that are URLs.
 *
 * go-mssqldb: sqlserver://user:password@host:port/instance?name=value&... as
 * Go's net/url reads it: '%XX' everywhere, '+' for a blank in the query; a
 * name may occur once. azuresql:// is the scheme's other name.
 * SQLAlchemy: dialect+driver://user:password@host:port/database?name=value,
 * by the pattern in sqlalchemy/engine/url.py: user and password are decoded,
 * host and database are not; a '@' anywhere else has to be %40.
 */
#include "conf/form_inner.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/utf16.h"

#include <string.h>

/* ---- percent signs ---- */

static int hex_value(char c)
{
    if (es_is_digit(c))
        return c - '0';
    c = es_ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static entrasql_status decode_one(const conf_cursor *c, const char *p, const char *end, es_buf *out,
                                  entrasql_error *err)
{
    int high = end - p > 2 ? hex_value(p[1]) : -1;
    int low = end - p > 2 ? hex_value(p[2]) : -1;
    if (high < 0 || low < 0) {
        conf_malformed(c, p, "a '%' without two hexadecimal digits after it", err);
        es_hint(err, "a '%%' itself is written %%25");
        return ENTRASQL_CONFIG;
    }
    if (high == 0 && low == 0)
        return conf_malformed(c, p, "a NUL character", err);
    return es_buf_u8(out, (uint8_t)(high * 16 + low)) == ENTRASQL_OK ? ENTRASQL_OK : es_nomem(err);
}

entrasql_status conf_url_decode(const conf_cursor *c, const char *p, const char *end, bool plus,
                                char **ret, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf out = ES_BUF_INIT_WIPE(CONF_CONNSTR_MAX_BYTES + 1);
    const char *start = p;
    while (p < end) {
        if ((uint8_t)*p < 0x20 || *p == 0x7F)
            return conf_malformed(c, p, "a control character in a URL", err);
        if (*p == '%') {
            ES_TRY(decode_one(c, p, end, &out, err));
            p += 3;
        } else {
            if (es_buf_u8(&out, (uint8_t)(plus && *p == '+' ? ' ' : *p)) != ENTRASQL_OK)
                return es_nomem(err);
            p++;
        }
    }
    if (!es_utf8_is_valid((const char *)out.data, out.len))
        return conf_malformed(c, start, "what the percent signs stand for is not UTF-8 text", err);
    *ret = es_buf_take(&out, NULL);
    return *ret != NULL ? ENTRASQL_OK : es_nomem(err);
}

static bool is_unreserved(char c)
{
    char lower = es_ascii_lower(c);
    return (lower >= 'a' && lower <= 'z') || es_is_digit(c) || strchr("._-~", c) != NULL;
}

static bool all_unreserved(const char *s)
{
    for (; *s != '\0'; s++) {
        if (!is_unreserved(*s))
            return false;
    }
    return true;
}

entrasql_status conf_url_encode(const char *s, es_buf *out)
{
    for (; *s != '\0'; s++) {
        if (is_unreserved(*s))
            ES_TRY(es_buf_u8(out, (uint8_t)*s));
        else
            ES_TRY(es_buf_printf(out, "%%%02X", (unsigned)(uint8_t)*s));
    }
    return ENTRASQL_OK;
}

/* ---- pieces ---- */

static entrasql_status add_decoded(conf_cursor *c, conf_connstr *list, const char *keyword,
                                   const char *p, const char *end, entrasql_error *err)
{
    char *value = NULL;
    ES_TRY(conf_url_decode(c, p, end, false, &value, err));
    return conf_list_take(c, list, es_strdup(keyword), value, err);
}

/* [p, end) is "user" or "user:password". */
static entrasql_status add_user_info(conf_cursor *c, conf_connstr *list, const char *user_keyword,
                                     const char *p, const char *end, entrasql_error *err)
{
    const char *colon = memchr(p, ':', (size_t)(end - p));
    ES_TRY(add_decoded(c, list, user_keyword, p, colon != NULL ? colon : end, err));
    if (colon == NULL)
        return ENTRASQL_OK;
    return add_decoded(c, list, "password", colon + 1, end, err);
}

static entrasql_status add_port(conf_cursor *c, conf_connstr *list, const char *p, const char *end,
                                entrasql_error *err)
{
    uint64_t port = 0;
    if (es_parse_u64(p, (size_t)(end - p), UINT16_MAX, &port) != ENTRASQL_OK) {
        conf_malformed(c, p, "what stands after the host's ':' is not a port", err);
        es_hint(err, "in user and password ':' is written %%3A, '/' %%2F, '@' %%40");
        return ENTRASQL_CONFIG;
    }
    return conf_list_add(c, list, "port", p, end, err);
}

static bool is_ip6(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (hex_value(p[i]) < 0 && strchr(":.%", p[i]) == NULL)
            return false;
    }
    return n != 0 && memchr(p, ':', n) != NULL;
}

static bool is_host(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!is_unreserved(p[i]) && (uint8_t)p[i] < 0x80)
            return false;
    }
    return n != 0;
}

/* c->at is in front of "host:port", which ends at `end`. An empty host adds nothing. */
static entrasql_status add_host_and_port(conf_cursor *c, conf_connstr *list, const char *keyword,
                                         const char *end, entrasql_error *err)
{
    const char *p = c->at;
    const char *host_end;
    const char *next;
    bool good;
    if (*p == '[') {
        p++;
        host_end = memchr(p, ']', (size_t)(end - p));
        if (host_end == NULL)
            return conf_malformed(c, c->at, "the bracket that opens here is never closed", err);
        next = host_end + 1;
        good = is_ip6(p, (size_t)(host_end - p)) && (next == end || *next == ':');
    } else {
        const char *colon = memchr(p, ':', (size_t)(end - p));
        host_end = next = colon != NULL ? colon : end;
        good = p == host_end || is_host(p, (size_t)(host_end - p));
    }
    if (!good) {
        conf_malformed(c, c->at, "what stands here is not a host name", err);
        es_hint(err, "in user and password '@' is written %%40, '/' %%2F, ':' %%3A, '#' %%23");
        return ENTRASQL_CONFIG;
    }
    if (host_end > p)
        ES_TRY(conf_list_add(c, list, keyword, p, host_end, err));
    c->at = end;
    return next < end ? add_port(c, list, next + 1, end, err) : ENTRASQL_OK;
}

/* The list's query part starts at `first`: a name may occur there once. */
static bool is_repeated(const conf_connstr *list, size_t first, const char *name)
{
    for (size_t i = first; i < list->count; i++) {
        if (es_strcaseeq(list->pairs[i].keyword, name))
            return true;
    }
    return false;
}

static entrasql_status add_parameter(conf_cursor *c, conf_connstr *list, size_t first,
                                     const char *end, entrasql_error *err)
{
    const char *equals = memchr(c->at, '=', (size_t)(end - c->at));
    char *name = NULL;
    char *value = NULL;
    if (equals == NULL) {
        conf_malformed(c, c->at, "no '=' between a name and its value", err);
        es_hint(err, "inside a value '&' is written %%26");
        return ENTRASQL_CONFIG;
    }
    ES_TRY(conf_url_decode(c, c->at, equals, true, &name, err));
    entrasql_status status = ENTRASQL_OK;
    if (*name == '\0')
        status = conf_malformed(c, c->at, "the name before '=' is missing", err);
    else if (is_repeated(list, first, name))
        status = conf_malformed(c, c->at, "a name that occurred already", err);
    else
        status = conf_url_decode(c, equals + 1, end, true, &value, err);
    if (status != ENTRASQL_OK) {
        es_free(name);
        return status;
    }
    return conf_list_take(c, list, name, value, err);
}

/* c->at is behind '?'; the query goes to the end of the text. */
static entrasql_status parse_query(conf_cursor *c, conf_connstr *list, entrasql_error *err)
{
    size_t first = list->count;
    while (*c->at != '\0') {
        const char *end = c->at + strcspn(c->at, "&");
        if (end > c->at)
            ES_TRY(add_parameter(c, list, first, end, err));
        c->at = *end == '&' ? end + 1 : end;
    }
    return ENTRASQL_OK;
}

static entrasql_status print_query(conf_form form, const conf_connstr *list, size_t first,
                                   es_buf *out, entrasql_error *err)
{
    for (size_t i = first; i < list->count; i++) {
        const conf_pair *pair = &list->pairs[i];
        conf_connstr before = {.pairs = list->pairs, .count = i};
        if (pair->keyword[0] == '\0' || is_repeated(&before, first, pair->keyword))
            return conf_unprintable(form, pair->keyword, err);
        if (es_buf_u8(out, i == first ? '?' : '&') != ENTRASQL_OK ||
            conf_url_encode(pair->keyword, out) != ENTRASQL_OK ||
            es_buf_u8(out, '=') != ENTRASQL_OK || conf_url_encode(pair->value, out) != ENTRASQL_OK)
            return es_nomem(err);
    }
    return ENTRASQL_OK;
}

/* The value of pair *i when it has that keyword; it then counts as used. */
static const char *take(const conf_connstr *list, size_t *i, const char *keyword)
{
    if (*i >= list->count || !es_streq(list->pairs[*i].keyword, keyword))
        return NULL;
    return list->pairs[(*i)++].value;
}

static bool is_host_text(const char *s)
{
    size_t n = strlen(s);
    return is_host(s, n) || is_ip6(s, n);
}

static bool is_port_text(const char *s)
{
    uint64_t port;
    return es_parse_u64(s, strlen(s), UINT16_MAX, &port) == ENTRASQL_OK;
}

static entrasql_status print_user_info(const char *user, const char *password, es_buf *out)
{
    ES_TRY(conf_url_encode(user, out));
    if (password != NULL) {
        ES_TRY(es_buf_u8(out, ':'));
        ES_TRY(conf_url_encode(password, out));
    }
    return es_buf_u8(out, '@');
}

/* Host and port as far as they stand at *i and can be written. */
static entrasql_status print_host_and_port(const conf_connstr *list, size_t *i, const char *keyword,
                                           es_buf *out)
{
    if (*i < list->count && is_host_text(list->pairs[*i].value)) {
        const char *host = take(list, i, keyword);
        if (host != NULL)
            ES_TRY(es_buf_printf(out, strchr(host, ':') != NULL ? "[%s]" : "%s", host));
    }
    if (*i < list->count && is_port_text(list->pairs[*i].value)) {
        const char *port = take(list, i, "port");
        if (port != NULL)
            ES_TRY(es_buf_printf(out, ":%s", port));
    }
    return ENTRASQL_OK;
}

/* ---- go-mssqldb ---- */

/* What Go's url.Parse refuses or drops silently: here it is an error with its place. */
static entrasql_status check_go(const conf_cursor *c, entrasql_error *err)
{
    const char *hash = strchr(c->at, '#');
    if (hash != NULL) {
        conf_malformed(c, hash, "a '#' ends a URL", err);
        es_hint(err, "inside user, password or a value '#' is written %%23");
        return ENTRASQL_CONFIG;
    }
    const char *query = strchr(c->at, '?');
    const char *semicolon = query != NULL ? strchr(query, ';') : NULL;
    if (semicolon == NULL)
        return ENTRASQL_OK;
    conf_malformed(c, semicolon, "a ';' in the query of a URL", err);
    es_hint(err, "parameters are separated by '&'; inside a value ';' is written %%3B");
    return ENTRASQL_CONFIG;
}

static entrasql_status check_go_user_info(const conf_cursor *c, const char *p, const char *end,
                                          entrasql_error *err)
{
    for (; p < end; p++) {
        if (is_unreserved(*p) || strchr(":!$&'()*+,;=%@", *p) != NULL)
            continue;
        conf_malformed(c, p, "a character that user and password cannot hold as it is", err);
        es_hint(err, "write it in percent signs, as %%5B for '['");
        return ENTRASQL_CONFIG;
    }
    return ENTRASQL_OK;
}

static const char *last_at_sign(const char *p, const char *end)
{
    while (end > p) {
        if (*--end == '@')
            return end;
    }
    return NULL;
}

entrasql_status conf_go_parse(conf_cursor *c, conf_connstr *list, entrasql_error *err)
{
    conf_skip_blanks(c);
    if (!es_strncaseeq(c->at, "sqlserver://", 12) && !es_strncaseeq(c->at, "azuresql://", 11))
        return conf_malformed(c, c->at, "a URL of go-mssqldb starts with sqlserver://", err);
    c->at = strstr(c->at, "://") + 3;
    ES_TRY(check_go(c, err));
    const char *end = c->at + strcspn(c->at, "/?");
    const char *sign = last_at_sign(c->at, end);
    if (sign != NULL) {
        ES_TRY(check_go_user_info(c, c->at, sign, err));
        ES_TRY(add_user_info(c, list, "user id", c->at, sign, err));
        c->at = sign + 1;
    }
    ES_TRY(add_host_and_port(c, list, "server", end, err));
    if (*c->at == '/') {
        const char *path = c->at + 1;
        end = path + strcspn(path, "?");
        if (end > path)
            ES_TRY(add_decoded(c, list, "instance", path, end, err));
        c->at = end;
    }
    if (*c->at == '?')
        c->at++;
    return parse_query(c, list, err);
}

entrasql_status conf_go_print(const conf_connstr *list, es_buf *out, entrasql_error *err)
{
    size_t i = 0;
    entrasql_status status = es_buf_add_str(out, "sqlserver://");
    const char *user = take(list, &i, "user id");
    if (status == ENTRASQL_OK && user != NULL)
        status = print_user_info(user, take(list, &i, "password"), out);
    if (status == ENTRASQL_OK)
        status = print_host_and_port(list, &i, "server", out);
    const char *instance = NULL;
    if (i < list->count && list->pairs[i].value[0] != '\0')
        instance = take(list, &i, "instance");
    if (status == ENTRASQL_OK && instance != NULL &&
        (es_buf_u8(out, '/') != ENTRASQL_OK || conf_url_encode(instance, out) != ENTRASQL_OK))
        status = ENTRASQL_NOMEM;
    if (status != ENTRASQL_OK)
        return es_nomem(err);
    return print_query(CONF_FORM_GO, list, i, out, err);
}

/* ---- SQLAlchemy ---- */

static const char scheme_chars[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+";

/* The '@' after the user, by the pattern (([^:/]*)(:([^@]*))?@)? ; NULL: there is none. */
static const char *user_info_end(const char *p)
{
    const char *end = p + strcspn(p, ":/");
    if (*end == ':') {
        const char *sign = strchr(end, '@');
        if (sign != NULL)
            return sign;
    }
    return last_at_sign(p, end);
}

static entrasql_status parse_sqlalchemy_place(conf_cursor *c, conf_connstr *list,
                                              entrasql_error *err)
{
    const char *sign = user_info_end(c->at);
    if (sign != NULL) {
        ES_TRY(add_user_info(c, list, "username", c->at, sign, err));
        c->at = sign + 1;
    }
    ES_TRY(add_host_and_port(c, list, "host", c->at + strcspn(c->at, "/?"), err));
    if (*c->at != '/')
        return ENTRASQL_OK;
    const char *database = c->at + 1;
    const char *end = database + strcspn(database, "?");
    const char *control = conf_find_control(database, end);
    if (control != NULL)
        return conf_malformed(c, control, "a control character in a URL", err);
    if (end > database)
        ES_TRY(conf_list_add(c, list, "database", database, end, err));
    c->at = end;
    return ENTRASQL_OK;
}

entrasql_status conf_sqlalchemy_parse(conf_cursor *c, conf_connstr *list, entrasql_error *err)
{
    conf_skip_blanks(c);
    size_t n = strspn(c->at, scheme_chars);
    if (n == 0 || !es_starts_with(c->at + n, "://"))
        return conf_malformed(c, c->at, "a URL of SQLAlchemy starts with mssql+pyodbc://", err);
    ES_TRY(conf_list_add(c, list, "drivername", c->at, c->at + n, err));
    c->at += n + 3;
    ES_TRY(parse_sqlalchemy_place(c, list, err));
    if (*c->at == '?')
        c->at++;
    return parse_query(c, list, err);
}

static entrasql_status print_sqlalchemy_place(const conf_connstr *list, size_t *i, es_buf *out)
{
    const char *user = take(list, i, "username");
    if (user != NULL)
        ES_TRY(print_user_info(user, take(list, i, "password"), out));
    ES_TRY(print_host_and_port(list, i, "host", out));
    ES_TRY(es_buf_u8(out, '/'));
    if (*i < list->count && list->pairs[*i].value[0] != '\0' &&
        all_unreserved(list->pairs[*i].value)) {
        const char *database = take(list, i, "database");
        if (database != NULL)
            ES_TRY(es_buf_add_str(out, database));
    }
    return ENTRASQL_OK;
}

entrasql_status conf_sqlalchemy_print(const conf_connstr *list, es_buf *out, entrasql_error *err)
{
    size_t i = 0;
    const char *scheme = take(list, &i, "drivername");
    if (scheme == NULL || *scheme == '\0' || scheme[strspn(scheme, scheme_chars)] != '\0')
        return es_fail(err, ENTRASQL_INVALID, "a URL of SQLAlchemy needs its drivername in front");
    if (es_buf_printf(out, "%s://", scheme) != ENTRASQL_OK ||
        print_sqlalchemy_place(list, &i, out) != ENTRASQL_OK)
        return es_nomem(err);
    return print_query(CONF_FORM_SQLALCHEMY, list, i, out, err);
}
