/* SPDX-License-Identifier: MIT */
/* ODBC connection strings: parsing, looking up, changing, printing. */
#include "conf/form_inner.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/utf16.h"

#include <string.h>

static size_t character_at(const conf_cursor *c, const char *place)
{
    size_t characters = 1;
    for (const char *p = c->start; p < place; p++)
        characters += ((uint8_t)*p & 0xC0) != 0x80 ? 1 : 0;
    return characters;
}

entrasql_status(conf_malformed)(const conf_cursor *c, const char *place, const char *what,
                                entrasql_error *err)
{
    size_t character = character_at(c, place);
    if (c->last_keyword == NULL)
        return es_fail(err, ENTRASQL_CONFIG, "connection string, character %zu: %s", character,
                       what);
    return es_fail(err, ENTRASQL_CONFIG, "connection string, character %zu, after %s=: %s",
                   character, c->last_keyword, what);
}

static bool is_keyword_char(char c)
{
    return (uint8_t)c >= 0x20 && c != 0x7F && strchr("{}[]()?*!@;=", c) == NULL;
}

void conf_skip_blanks(conf_cursor *c)
{
    while (es_is_space(*c->at))
        c->at++;
}

const char *conf_find_control(const char *p, const char *end)
{
    for (; p < end; p++) {
        if ((uint8_t)*p < 0x20 || *p == 0x7F)
            return p;
    }
    return NULL;
}

const char *conf_trim_end(const char *p, const char *end)
{
    while (end > p && es_is_space(end[-1]))
        end--;
    return end;
}

static entrasql_status parse_keyword(conf_cursor *c, char **ret, entrasql_error *err)
{
    const char *start = c->at;
    const char *end = start + strcspn(start, "=;");
    if (*end != '=') {
        conf_malformed(c, start, "no '=' between a keyword and its value", err);
        if (c->last_keyword == NULL)
            es_hint(err, "the form is Server=tcp:<host>,1433;Database=<name>;Encrypt=yes");
        else
            es_hint(err, "a value that holds ';' is written in braces: PWD={a;b}");
        return ENTRASQL_CONFIG;
    }
    const char *last = conf_trim_end(start, end);
    if (last == start)
        return conf_malformed(c, start, "the keyword before '=' is missing", err);
    for (const char *p = start; p < last; p++) {
        if (!is_keyword_char(*p))
            return conf_malformed(c, p, "a character that no keyword holds", err);
    }
    char *keyword = es_strndup(start, (size_t)(last - start));
    if (keyword == NULL)
        return es_nomem(err);
    c->at = end + 1;
    *ret = keyword;
    return ENTRASQL_OK;
}

entrasql_status conf_braced_parse(conf_cursor *c, const char *keyword, es_buf *value,
                                  entrasql_error *err)
{
    const char *opened = c->at - 1;
    c->last_keyword = keyword;
    for (;;) {
        size_t n = strcspn(c->at, "}");
        if (es_buf_add(value, c->at, n) != ENTRASQL_OK)
            return es_nomem(err);
        c->at += n;
        if (*c->at == '\0') {
            conf_malformed(c, opened, "the brace that opens here is never closed", err);
            es_hint(err, "a '}' inside a value in braces is written '}}'");
            return ENTRASQL_CONFIG;
        }
        c->at++;
        if (*c->at != '}')
            break;
        if (es_buf_u8(value, '}') != ENTRASQL_OK)
            return es_nomem(err);
        c->at++;
    }
    conf_skip_blanks(c);
    if (*c->at != ';' && *c->at != '\0') {
        conf_malformed(c, c->at, "text between the closing brace and ';'", err);
        es_hint(err, "a '}' inside a value in braces is written '}}'");
        return ENTRASQL_CONFIG;
    }
    return ENTRASQL_OK;
}

static entrasql_status parse_value(conf_cursor *c, const char *keyword, char **ret,
                                   entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf value = ES_BUF_INIT_WIPE(CONF_CONNSTR_MAX_BYTES + 1);

    conf_skip_blanks(c);
    if (*c->at == '{') {
        c->at++;
        ES_TRY(conf_braced_parse(c, keyword, &value, err));
    } else {
        size_t n = strcspn(c->at, ";");
        const char *last = conf_trim_end(c->at, c->at + n);
        if (es_buf_add(&value, c->at, (size_t)(last - c->at)) != ENTRASQL_OK)
            return es_nomem(err);
        c->at += n;
    }
    char *text = es_buf_take(&value, NULL);
    if (text == NULL)
        return es_nomem(err);
    *ret = text;
    return ENTRASQL_OK;
}

static void free_pair(conf_pair *pair)
{
    es_free(pair->keyword);
    es_free_wipe_str(pair->value);
}

/* Takes over both texts, also on failure. */
static entrasql_status append_take(conf_connstr *list, char *keyword, char *value)
{
    conf_pair pair = {keyword, value};
    conf_pair *pairs = es_reallocarray(list->pairs, list->count + 1, sizeof *pairs);
    if (pairs == NULL) {
        free_pair(&pair);
        return ENTRASQL_NOMEM;
    }
    list->pairs = pairs;
    list->pairs[list->count++] = pair;
    return ENTRASQL_OK;
}

entrasql_status conf_list_take(conf_cursor *c, conf_connstr *list, char *keyword, char *value,
                               entrasql_error *err)
{
    if (keyword == NULL || value == NULL) {
        es_free(keyword);
        es_free_wipe_str(value);
        return es_nomem(err);
    }
    if (list->count == CONF_CONNSTR_MAX_PAIRS) {
        es_free(keyword);
        es_free_wipe_str(value);
        return conf_malformed(c, c->at, "more keywords than the limit of 512", err);
    }
    if (append_take(list, keyword, value) != ENTRASQL_OK)
        return es_nomem(err);
    c->last_keyword = keyword;
    return ENTRASQL_OK;
}

entrasql_status conf_list_add(conf_cursor *c, conf_connstr *list, const char *keyword,
                              const char *p, const char *end, entrasql_error *err)
{
    return conf_list_take(c, list, es_strdup(keyword), es_strndup(p, (size_t)(end - p)), err);
}

static entrasql_status parse_pair(conf_cursor *c, conf_connstr *list, entrasql_error *err)
{
    char *keyword = NULL;
    char *value = NULL;
    ES_TRY(parse_keyword(c, &keyword, err));
    entrasql_status status = parse_value(c, keyword, &value, err);
    if (status != ENTRASQL_OK) {
        es_free(keyword);
        return status;
    }
    return conf_list_take(c, list, keyword, value, err);
}

entrasql_status conf_text_check(const char *s, entrasql_error *err)
{
    size_t n = strnlen(s, CONF_CONNSTR_MAX_BYTES + 1);
    if (n > CONF_CONNSTR_MAX_BYTES)
        return es_fail(err, ENTRASQL_CONFIG, "the connection string is longer than %d bytes",
                       CONF_CONNSTR_MAX_BYTES);
    if (!es_utf8_is_valid(s, n))
        return es_fail(err, ENTRASQL_CONFIG, "the connection string is not UTF-8 text");
    return ENTRASQL_OK;
}

entrasql_status conf_connstr_parse(const char *s, conf_connstr *ret, entrasql_error *err)
{
    ES_CLEANUP(conf_connstr_done) conf_connstr list = {0};
    conf_cursor c = {.start = s, .at = s};

    ES_TRY(conf_text_check(s, err));
    for (;;) {
        while (es_is_space(*c.at) || *c.at == ';')
            c.at++;
        if (*c.at == '\0')
            break;
        ES_TRY(parse_pair(&c, &list, err));
    }
    *ret = list;
    list = (conf_connstr){0};
    return ENTRASQL_OK;
}

void conf_connstr_done(conf_connstr *c)
{
    for (size_t i = 0; i < c->count; i++)
        free_pair(&c->pairs[i]);
    es_free(c->pairs);
    *c = (conf_connstr){0};
}

const char *conf_connstr_get(const conf_connstr *c, const char *keyword)
{
    const char *const keywords[] = {keyword, NULL};
    return conf_connstr_get_any(c, keywords, NULL);
}

static bool is_any_of(const char *keyword, const char *const *keywords)
{
    for (; *keywords != NULL; keywords++) {
        if (es_strcaseeq(keyword, *keywords))
            return true;
    }
    return false;
}

const char *conf_connstr_get_any(const conf_connstr *c, const char *const *keywords,
                                 const char **ret_keyword)
{
    for (size_t i = 0; i < c->count; i++) {
        if (!is_any_of(c->pairs[i].keyword, keywords))
            continue;
        if (ret_keyword != NULL)
            *ret_keyword = c->pairs[i].keyword;
        return c->pairs[i].value;
    }
    return NULL;
}

entrasql_status conf_connstr_append(conf_connstr *c, const char *keyword, const char *value)
{
    char *new_keyword = es_strdup(keyword);
    char *new_value = es_strdup(value);
    if (new_keyword == NULL || new_value == NULL) {
        es_free(new_keyword);
        es_free_wipe_str(new_value);
        return ENTRASQL_NOMEM;
    }
    return append_take(c, new_keyword, new_value);
}

entrasql_status conf_connstr_set(conf_connstr *c, const char *keyword, const char *value)
{
    size_t n = strlen(keyword);
    if (n == 0 || es_is_space(keyword[0]) || es_is_space(keyword[n - 1]))
        return ENTRASQL_INVALID;
    for (size_t i = 0; i < n; i++) {
        if (!is_keyword_char(keyword[i]))
            return ENTRASQL_INVALID;
    }
    char *new_value = es_strdup(value);
    if (new_value == NULL)
        return ENTRASQL_NOMEM;
    for (size_t i = 0; i < c->count; i++) {
        if (es_strcaseeq(c->pairs[i].keyword, keyword)) {
            es_free_wipe_str(c->pairs[i].value);
            c->pairs[i].value = new_value;
            return ENTRASQL_OK;
        }
    }
    char *new_keyword = es_strdup(keyword);
    if (new_keyword == NULL) {
        es_free_wipe_str(new_value);
        return ENTRASQL_NOMEM;
    }
    return append_take(c, new_keyword, new_value);
}

void conf_connstr_remove_any(conf_connstr *c, const char *const *keywords)
{
    size_t kept = 0;
    for (size_t i = 0; i < c->count; i++) {
        if (is_any_of(c->pairs[i].keyword, keywords))
            free_pair(&c->pairs[i]);
        else
            c->pairs[kept++] = c->pairs[i];
    }
    c->count = kept;
}

void conf_connstr_remove_at(conf_connstr *c, size_t i)
{
    free_pair(&c->pairs[i]);
    c->count--;
    memmove(c->pairs + i, c->pairs + i + 1, (c->count - i) * sizeof *c->pairs);
}

void conf_connstr_remove(conf_connstr *c, const char *keyword)
{
    const char *const keywords[] = {keyword, NULL};
    conf_connstr_remove_any(c, keywords);
}

/*
 * Our own parser would need braces only for ';', '{' in front and blanks at
 * the ends; the ODBC reference asks for them around all these characters. The
 * comma of Server=host,port is left alone, as everybody writes it, and a
 * driver's name has its customary braces.
 */
static bool needs_braces(const conf_pair *pair)
{
    size_t n = strlen(pair->value);
    if (n == 0)
        return false;
    if (es_is_space(pair->value[0]) || es_is_space(pair->value[n - 1]))
        return true;
    if (es_strcaseeq(pair->keyword, "Driver") && strchr(pair->value, ' ') != NULL)
        return true;
    return strpbrk(pair->value, "[]{}();?*=!@") != NULL;
}

entrasql_status conf_braced_print(const char *value, es_buf *out)
{
    ES_TRY(es_buf_u8(out, '{'));
    for (;;) {
        size_t n = strcspn(value, "}");
        ES_TRY(es_buf_add(out, value, n));
        if (value[n] == '\0')
            break;
        ES_TRY(es_buf_add_str(out, "}}"));
        value += n + 1;
    }
    return es_buf_u8(out, '}');
}

entrasql_status conf_connstr_print(const conf_connstr *c, es_buf *out)
{
    for (size_t i = 0; i < c->count; i++) {
        const conf_pair *pair = &c->pairs[i];
        if (i != 0)
            ES_TRY(es_buf_u8(out, ';'));
        ES_TRY(es_buf_add_str(out, pair->keyword));
        ES_TRY(es_buf_u8(out, '='));
        if (needs_braces(pair))
            ES_TRY(conf_braced_print(pair->value, out));
        else
            ES_TRY(es_buf_add_str(out, pair->value));
    }
    return ENTRASQL_OK;
}
