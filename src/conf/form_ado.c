/* SPDX-License-Identifier: MIT */
/*
 * ADO.NET (Microsoft.Data.SqlClient): keyword=value pairs. '==' in a keyword
 * stands for '='. A value in single or double quotes may hold anything but
 * NUL, its own quote doubled; one without quotes ends at ';', starts and ends
 * without a quote and holds no control characters.
 * Source: the grammar of DbConnectionOptions (azure-provisioning reference 4.1).
 */
#include "conf/form_inner.h"

#include "base/mem.h"
#include "base/str.h"

#include <string.h>

#define HINT_QUOTE "a value that holds ';' is written in quotes: Password=\"a;b\""

/* The keyword in front of a '=' that stands alone; c->at is then behind it. */
static entrasql_status parse_keyword(conf_cursor *c, char **ret, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf keyword = ES_BUF_INIT(CONF_CONNSTR_MAX_BYTES);
    const char *start = c->at;
    for (;;) {
        size_t n = strcspn(c->at, "=;");
        const char *control = conf_find_control(c->at, c->at + n);
        if (control != NULL)
            return conf_malformed(c, control, "a character that no keyword holds", err);
        if (es_buf_add(&keyword, c->at, n) != ENTRASQL_OK)
            return es_nomem(err);
        c->at += n;
        if (*c->at != '=') {
            conf_malformed(c, start, "no '=' between a keyword and its value", err);
            es_hint(err, HINT_QUOTE);
            return ENTRASQL_CONFIG;
        }
        c->at++;
        if (*c->at != '=')
            break;
        c->at++;
        if (es_buf_u8(&keyword, '=') != ENTRASQL_OK)
            return es_nomem(err);
    }
    while (keyword.len != 0 && es_is_space((char)keyword.data[keyword.len - 1]))
        es_buf_truncate(&keyword, keyword.len - 1);
    if (keyword.len == 0)
        return conf_malformed(c, start, "the keyword before '=' is missing", err);
    *ret = es_buf_take(&keyword, NULL);
    return *ret != NULL ? ENTRASQL_OK : es_nomem(err);
}

/* c->at is at the opening quote. */
static entrasql_status parse_quoted(conf_cursor *c, es_buf *value, entrasql_error *err)
{
    const char *opened = c->at;
    const char quote = *c->at++;
    for (;;) {
        const char *end = strchr(c->at, quote);
        if (end == NULL) {
            conf_malformed(c, opened, "the quote that opens here is never closed", err);
            es_hint(err, "a quote inside a value in such quotes is doubled");
            return ENTRASQL_CONFIG;
        }
        if (es_buf_add(value, c->at, (size_t)(end - c->at)) != ENTRASQL_OK)
            return es_nomem(err);
        c->at = end + 1;
        if (*c->at != quote)
            break;
        if (es_buf_u8(value, (uint8_t)quote) != ENTRASQL_OK)
            return es_nomem(err);
        c->at++;
    }
    conf_skip_blanks(c);
    if (*c->at == ';' || *c->at == '\0')
        return ENTRASQL_OK;
    conf_malformed(c, c->at, "text between the closing quote and ';'", err);
    es_hint(err, "a quote inside a value in such quotes is doubled");
    return ENTRASQL_CONFIG;
}

static entrasql_status parse_plain(conf_cursor *c, es_buf *value, entrasql_error *err)
{
    const char *end = conf_trim_end(c->at, c->at + strcspn(c->at, ";"));
    for (const char *p = c->at; p < end; p++) {
        if (((uint8_t)*p < 0x20 && !es_is_space(*p)) || *p == 0x7F) {
            conf_malformed(c, p, "a control character in a value without quotes", err);
            return ENTRASQL_CONFIG;
        }
    }
    if (end > c->at && (end[-1] == '"' || end[-1] == '\'')) {
        conf_malformed(c, end - 1, "a quote at the end of a value that does not start with one",
                       err);
        es_hint(err, HINT_QUOTE);
        return ENTRASQL_CONFIG;
    }
    if (es_buf_add(value, c->at, (size_t)(end - c->at)) != ENTRASQL_OK)
        return es_nomem(err);
    c->at += strcspn(c->at, ";");
    return ENTRASQL_OK;
}

static entrasql_status parse_pair(conf_cursor *c, conf_connstr *list, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf value = ES_BUF_INIT_WIPE(CONF_CONNSTR_MAX_BYTES + 1);
    char *keyword = NULL;
    ES_TRY(parse_keyword(c, &keyword, err));
    c->last_keyword = keyword;
    conf_skip_blanks(c);
    entrasql_status status = *c->at == '"' || *c->at == '\'' ? parse_quoted(c, &value, err)
                                                             : parse_plain(c, &value, err);
    if (status != ENTRASQL_OK) {
        es_free(keyword);
        return status;
    }
    return conf_list_take(c, list, keyword, es_buf_take(&value, NULL), err);
}

entrasql_status conf_ado_parse(conf_cursor *c, conf_connstr *list, entrasql_error *err)
{
    for (;;) {
        while (es_is_space(*c->at) || *c->at == ';')
            c->at++;
        if (*c->at == '\0')
            return ENTRASQL_OK;
        ES_TRY(parse_pair(c, list, err));
    }
}

/* ---- printing ---- */

/* The edges that .NET may take for blanks are quoted, too: it knows more of them than ASCII's. */
static bool is_edge(char c)
{
    return es_is_space(c) || (uint8_t)c >= 0x80;
}

static bool needs_quotes(const char *value)
{
    size_t n = strlen(value);
    if (n == 0)
        return false;
    return strpbrk(value, "\"'=;") != NULL || is_edge(value[0]) || is_edge(value[n - 1]) ||
           conf_find_control(value, value + n) != NULL;
}

static entrasql_status print_doubled(const char *text, char special, es_buf *out)
{
    for (;;) {
        const char *at = strchr(text, special);
        size_t n = at != NULL ? (size_t)(at - text) + 1 : strlen(text);
        ES_TRY(es_buf_add(out, text, n));
        if (at == NULL)
            return ENTRASQL_OK;
        ES_TRY(es_buf_u8(out, (uint8_t)special));
        text = at + 1;
    }
}

/* The quote that the value does not hold, as SqlClient's own builder chooses. */
static entrasql_status print_value(const char *value, es_buf *out)
{
    if (!needs_quotes(value))
        return es_buf_add_str(out, value);
    char quote = strchr(value, '"') != NULL && strchr(value, '\'') == NULL ? '\'' : '"';
    ES_TRY(es_buf_u8(out, (uint8_t)quote));
    ES_TRY(print_doubled(value, quote, out));
    return es_buf_u8(out, (uint8_t)quote);
}

static bool is_keyword(const char *keyword)
{
    size_t n = strlen(keyword);
    return n != 0 && !es_is_space(keyword[0]) && !es_is_space(keyword[n - 1]) &&
           strchr(keyword, ';') == NULL && conf_find_control(keyword, keyword + n) == NULL;
}

entrasql_status conf_ado_print(const conf_connstr *list, es_buf *out, entrasql_error *err)
{
    for (size_t i = 0; i < list->count; i++) {
        const conf_pair *pair = &list->pairs[i];
        if (!is_keyword(pair->keyword))
            return conf_unprintable(CONF_FORM_ADO, pair->keyword, err);
        if ((i != 0 && es_buf_u8(out, ';') != ENTRASQL_OK) ||
            print_doubled(pair->keyword, '=', out) != ENTRASQL_OK ||
            es_buf_u8(out, '=') != ENTRASQL_OK || print_value(pair->value, out) != ENTRASQL_OK)
            return es_nomem(err);
    }
    return ENTRASQL_OK;
}
