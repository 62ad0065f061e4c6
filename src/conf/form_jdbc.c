/* SPDX-License-Identifier: MIT */
/*
 * JDBC (mssql-jdbc): jdbc:sqlserver://host\instance:port;name=value;... A
 * value in braces may hold anything, '}}' stands for '}'; only blanks may
 * follow the closing brace. A '{' inside a value without braces is an error;
 * names are never quoted. Source: mssql-jdbc's Util.parseUrl.
 */
#include "conf/form_inner.h"

#include "base/mem.h"
#include "base/str.h"

#include <string.h>

static const char front[] = "jdbc:sqlserver://";

static const char *first_of(const char *at, const char *marks)
{
    return at + strcspn(at, marks);
}

/* [at, end) without blanks, as the value of the keyword; nothing when empty. */
static entrasql_status add_piece(conf_cursor *c, conf_connstr *list, const char *keyword,
                                 const char *end, entrasql_error *err)
{
    while (c->at < end && es_is_space(*c->at))
        c->at++;
    const char *last = conf_trim_end(c->at, end);
    for (const char *p = c->at; p < last; p++) {
        if ((uint8_t)*p <= 0x20 || *p == 0x7F || strchr("{}[]/=?@", *p) != NULL) {
            conf_malformed(c, p, "a character that does not stand in front of the first ';'", err);
            es_hint(err, "the form is jdbc:sqlserver://host:1433;databaseName=d; user, password "
                         "and IPv6 addresses (serverName=) are properties");
            return ENTRASQL_CONFIG;
        }
    }
    if (last != c->at)
        ES_TRY(conf_list_add(c, list, keyword, c->at, last, err));
    c->at = end;
    return ENTRASQL_OK;
}

static entrasql_status parse_front(conf_cursor *c, conf_connstr *list, entrasql_error *err)
{
    if (!es_strncaseeq(c->at, front, sizeof front - 1)) {
        conf_malformed(c, c->at, "a JDBC string starts with jdbc:sqlserver://", err);
        return ENTRASQL_CONFIG;
    }
    c->at += sizeof front - 1;
    ES_TRY(add_piece(c, list, "serverName", first_of(c->at, "\\:;"), err));
    if (*c->at == '\\') {
        c->at++;
        ES_TRY(add_piece(c, list, "instanceName", first_of(c->at, ":;"), err));
    }
    if (*c->at != ':')
        return ENTRASQL_OK;
    const char *digits = ++c->at;
    const char *end = first_of(digits, ";");
    const char *last = conf_trim_end(digits, end);
    uint64_t port = 0;
    if (es_parse_u64(digits, (size_t)(last - digits), UINT16_MAX, &port) != ENTRASQL_OK) {
        conf_malformed(c, digits, "what stands after ':' is not a port", err);
        es_hint(err, "the form is jdbc:sqlserver://host:1433;databaseName=d");
        return ENTRASQL_CONFIG;
    }
    return add_piece(c, list, "portNumber", end, err);
}

static entrasql_status parse_value(conf_cursor *c, const char *keyword, es_buf *value,
                                   entrasql_error *err)
{
    conf_skip_blanks(c);
    if (*c->at == '{') {
        c->at++;
        return conf_braced_parse(c, keyword, value, err);
    }
    const char *end = first_of(c->at, ";");
    const char *brace = memchr(c->at, '{', (size_t)(end - c->at));
    c->last_keyword = keyword;
    if (brace != NULL) {
        conf_malformed(c, brace, "a '{' inside a value without braces", err);
        es_hint(err, "write the whole value in braces, '}' inside as '}}'");
        return ENTRASQL_CONFIG;
    }
    const char *last = conf_trim_end(c->at, end);
    if (es_buf_add(value, c->at, (size_t)(last - c->at)) != ENTRASQL_OK)
        return es_nomem(err);
    c->at = end;
    return ENTRASQL_OK;
}

static entrasql_status parse_property(conf_cursor *c, conf_connstr *list, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf value = ES_BUF_INIT_WIPE(CONF_CONNSTR_MAX_BYTES + 1);
    const char *start = c->at;
    const char *end = first_of(start, "=;");
    if (*end != '=') {
        conf_malformed(c, start, "no '=' between a name and its value", err);
        es_hint(err, "a value that holds ';' is written in braces: password={a;b}");
        return ENTRASQL_CONFIG;
    }
    const char *last = conf_trim_end(start, end);
    const char *control = conf_find_control(start, last);
    if (last == start)
        return conf_malformed(c, start, "the name before '=' is missing", err);
    if (control != NULL)
        return conf_malformed(c, control, "a character that no name holds", err);
    char *keyword = es_strndup(start, (size_t)(last - start));
    if (keyword == NULL)
        return es_nomem(err);
    c->at = end + 1;
    entrasql_status status = parse_value(c, keyword, &value, err);
    if (status != ENTRASQL_OK) {
        es_free(keyword);
        return status;
    }
    return conf_list_take(c, list, keyword, es_buf_take(&value, NULL), err);
}

entrasql_status conf_jdbc_parse(conf_cursor *c, conf_connstr *list, entrasql_error *err)
{
    conf_skip_blanks(c);
    ES_TRY(parse_front(c, list, err));
    for (;;) {
        while (es_is_space(*c->at) || *c->at == ';')
            c->at++;
        if (*c->at == '\0')
            return ENTRASQL_OK;
        ES_TRY(parse_property(c, list, err));
    }
}

/* ---- printing ---- */

static bool stands_in_front(const char *value)
{
    for (const char *p = value; *p != '\0'; p++) {
        if ((uint8_t)*p <= 0x20 || *p == 0x7F || strchr("\\:;{}[]/=?@", *p) != NULL)
            return false;
    }
    return *value != '\0';
}

static bool is_port(const char *value)
{
    uint64_t port;
    return es_parse_u64(value, strlen(value), UINT16_MAX, &port) == ENTRASQL_OK;
}

/* How many pairs went into the part before the first ';'. */
static entrasql_status print_front(const conf_connstr *list, es_buf *out, size_t *ret_used)
{
    const conf_pair *pairs = list->pairs;
    size_t i = 0;
    ES_TRY(es_buf_add_str(out, front));
    if (i < list->count && es_streq(pairs[i].keyword, "serverName") &&
        stands_in_front(pairs[i].value))
        ES_TRY(es_buf_add_str(out, pairs[i++].value));
    if (i < list->count && es_streq(pairs[i].keyword, "instanceName") &&
        stands_in_front(pairs[i].value))
        ES_TRY(es_buf_printf(out, "\\%s", pairs[i++].value));
    if (i < list->count && es_streq(pairs[i].keyword, "portNumber") && is_port(pairs[i].value))
        ES_TRY(es_buf_printf(out, ":%s", pairs[i++].value));
    *ret_used = i;
    return ENTRASQL_OK;
}

static bool is_name(const char *keyword)
{
    size_t n = strlen(keyword);
    return n != 0 && !es_is_space(keyword[0]) && !es_is_space(keyword[n - 1]) &&
           strpbrk(keyword, "=;") == NULL && conf_find_control(keyword, keyword + n) == NULL;
}

static entrasql_status print_value(const char *value, es_buf *out)
{
    size_t n = strlen(value);
    bool plain = n == 0 || (strpbrk(value, ";{}") == NULL && !es_is_space(value[0]) &&
                            !es_is_space(value[n - 1]));
    return plain ? es_buf_add_str(out, value) : conf_braced_print(value, out);
}

entrasql_status conf_jdbc_print(const conf_connstr *list, es_buf *out, entrasql_error *err)
{
    size_t used = 0;
    if (print_front(list, out, &used) != ENTRASQL_OK)
        return es_nomem(err);
    for (size_t i = used; i < list->count; i++) {
        const conf_pair *pair = &list->pairs[i];
        if (!is_name(pair->keyword))
            return conf_unprintable(CONF_FORM_JDBC, pair->keyword, err);
        if (es_buf_printf(out, ";%s=", pair->keyword) != ENTRASQL_OK ||
            print_value(pair->value, out) != ENTRASQL_OK)
            return es_nomem(err);
    }
    return ENTRASQL_OK;
}
