/* SPDX-License-Identifier: MIT */
/*
 * pymssql has no connection string: its form is the arguments of
 * pymssql.connect(), as Python's literals, with or without the call around
 * them. Strings ('...', "...", with r or u in front) with Python's escapes,
 * numbers, True, False, None; the first arguments may stand without names.
 */
#include "conf/form_inner.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/utf16.h"

#include <string.h>

#define IDENTIFIER "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789"

/* The order of pymssql.connect()'s own parameters. */
static const char *const positions[] = {"server",  "user",          "password", "database",
                                        "timeout", "login_timeout", "charset",  "as_dict"};

/* ---- string literals ---- */

static entrasql_status read_code_point(conf_cursor *c, unsigned digits, uint32_t *ret,
                                       entrasql_error *err)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < digits; i++) {
        static const char hex[] = "0123456789abcdef";
        const char *digit = *c->at != '\0' ? strchr(hex, es_ascii_lower(*c->at)) : NULL;
        if (digit == NULL)
            return conf_malformed(c, c->at, "not enough hexadecimal digits in an escape", err);
        value = value * 16 + (uint32_t)(digit - hex);
        c->at++;
    }
    if (value == 0 || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
        return conf_malformed(c, c->at, "an escape that stands for no character", err);
    *ret = value;
    return ENTRASQL_OK;
}

/* c->at is behind the backslash. */
static entrasql_status read_escape(conf_cursor *c, es_buf *value, entrasql_error *err)
{
    static const char letters[] = "\\'\"abfnrtv";
    static const char meanings[] = "\\'\"\a\b\f\n\r\t\v";
    const char letter = *c->at;
    const char *found = letter != '\0' ? strchr(letters, letter) : NULL;
    unsigned digits = letter == 'x' ? 2 : letter == 'u' ? 4 : letter == 'U' ? 8 : 0;
    entrasql_status status = ENTRASQL_OK;
    if (found != NULL) {
        c->at++;
        status = es_buf_u8(value, (uint8_t)meanings[found - letters]);
    } else if (digits != 0) {
        char text[4];
        uint32_t code = 0;
        c->at++;
        ES_TRY(read_code_point(c, digits, &code, err));
        status = es_buf_add(value, text, es_utf8_encode(code, text));
    } else if (letter == '\n') {
        c->at++;
    } else if (es_is_digit(letter) || letter == 'N' || letter == '\0') {
        return conf_malformed(c, c->at, "an escape that is not read here", err);
    } else {
        status = es_buf_u8(value, '\\'); /* as Python: the backslash stays */
    }
    return status == ENTRASQL_OK ? ENTRASQL_OK : es_nomem(err);
}

/* c->at is at the opening quote. */
static entrasql_status read_string(conf_cursor *c, bool raw, es_buf *value, entrasql_error *err)
{
    const char *opened = c->at;
    const char marks[] = {*c->at++, '\\', '\n', '\0'};
    for (;;) {
        size_t n = strcspn(c->at, marks);
        if (es_buf_add(value, c->at, n) != ENTRASQL_OK)
            return es_nomem(err);
        c->at += n;
        if (*c->at == marks[0])
            break;
        if (*c->at != '\\')
            return conf_malformed(c, opened, "the quote that opens here is never closed", err);
        c->at++;
        if (!raw) {
            ES_TRY(read_escape(c, value, err));
            continue;
        }
        if (*c->at == '\0')
            return conf_malformed(c, opened, "the quote that opens here is never closed", err);
        if (es_buf_add(value, c->at - 1, 2) != ENTRASQL_OK)
            return es_nomem(err);
        c->at++;
    }
    c->at++;
    return ENTRASQL_OK;
}

/* ---- arguments ---- */

static bool is_bare_word(const char *p, size_t n)
{
    static const char *const words[] = {"True", "False", "None"};
    for (size_t i = 0; i < ES_COUNT_OF(words); i++) {
        if (n == strlen(words[i]) && strncmp(p, words[i], n) == 0)
            return true;
    }
    uint64_t number;
    return es_parse_u64(p, n, UINT32_MAX, &number) == ENTRASQL_OK;
}

static entrasql_status read_literal(conf_cursor *c, es_buf *value, entrasql_error *err)
{
    bool raw = (*c->at == 'r' || *c->at == 'R') && (c->at[1] == '\'' || c->at[1] == '"');
    bool unicode = (*c->at == 'u' || *c->at == 'U') && (c->at[1] == '\'' || c->at[1] == '"');
    c->at += raw || unicode ? 1 : 0;
    if (*c->at == '\'' || *c->at == '"')
        return read_string(c, raw, value, err);
    size_t n = strspn(c->at, IDENTIFIER);
    if (!is_bare_word(c->at, n)) {
        conf_malformed(c, c->at, "what stands here is not a literal of Python", err);
        es_hint(err,
                "strings in quotes, numbers, True, False and None are read, no names or calls");
        return ENTRASQL_CONFIG;
    }
    if (es_buf_add(value, c->at, n) != ENTRASQL_OK)
        return es_nomem(err);
    c->at += n;
    return ENTRASQL_OK;
}

/* The name before '=', or that of the position. *named: it was written. */
static entrasql_status read_name(conf_cursor *c, size_t position, char **ret, bool *named,
                                 entrasql_error *err)
{
    size_t n = strspn(c->at, IDENTIFIER);
    const char *behind = c->at + n;
    while (es_is_space(*behind))
        behind++;
    *named = n != 0 && !es_is_digit(*c->at) && *behind == '=';
    if (!*named && position >= ES_COUNT_OF(positions)) {
        conf_malformed(c, c->at, "an argument without its name", err);
        es_hint(err, "the form is server='host', user='u', password='p', database='d'");
        return ENTRASQL_CONFIG;
    }
    *ret = *named ? es_strndup(c->at, n) : es_strdup(positions[position]);
    if (*ret == NULL)
        return es_nomem(err);
    if (*named)
        c->at = behind + 1;
    return ENTRASQL_OK;
}

static entrasql_status read_argument(conf_cursor *c, conf_connstr *list, size_t *position,
                                     entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf value = ES_BUF_INIT_WIPE(CONF_CONNSTR_MAX_BYTES + 1);
    char *name = NULL;
    bool named = false;
    ES_TRY(read_name(c, *position, &name, &named, err));
    *position = named ? ES_COUNT_OF(positions) : *position + 1;
    c->last_keyword = name;
    conf_skip_blanks(c);
    entrasql_status status = read_literal(c, &value, err);
    if (status == ENTRASQL_OK && conf_connstr_get(list, name) != NULL)
        status = conf_malformed(c, c->at, "an argument that occurred already", err);
    if (status != ENTRASQL_OK) {
        es_free(name);
        return status;
    }
    return conf_list_take(c, list, name, es_buf_take(&value, NULL), err);
}

/* "pymssql.connect(" and kin. */
static bool skip_call(conf_cursor *c)
{
    const char *p = c->at + strspn(c->at, IDENTIFIER ".");
    while (*p == ' ')
        p++;
    if (p == c->at || *p != '(')
        return false;
    c->at = p + 1;
    return true;
}

entrasql_status conf_pymssql_parse(conf_cursor *c, conf_connstr *list, entrasql_error *err)
{
    size_t position = 0;
    conf_skip_blanks(c);
    bool call = skip_call(c);
    const char *end = call ? ")" : "";
    conf_skip_blanks(c);
    while (*c->at != '\0' && *c->at != ')') {
        ES_TRY(read_argument(c, list, &position, err));
        conf_skip_blanks(c);
        if (*c->at == ',')
            c->at++;
        else if (*c->at != '\0' && *c->at != ')')
            return conf_malformed(c, c->at, "text between an argument and ','", err);
        conf_skip_blanks(c);
    }
    if (*c->at != *end)
        return conf_malformed(c, c->at, call ? "the call is never closed" : "a ')' too many", err);
    c->at += call ? 1 : 0;
    conf_skip_blanks(c);
    return *c->at == '\0' ? ENTRASQL_OK
                          : conf_malformed(c, c->at, "text after the end of the call", err);
}

/* ---- printing ---- */

static entrasql_status print_string(const char *value, es_buf *out)
{
    ES_TRY(es_buf_u8(out, '\''));
    for (; *value != '\0'; value++) {
        if (*value == '\'' || *value == '\\')
            ES_TRY(es_buf_u8(out, '\\'));
        if ((uint8_t)*value < 0x20 || *value == 0x7F)
            ES_TRY(es_buf_printf(out, "\\x%02x", (unsigned)(uint8_t)*value));
        else
            ES_TRY(es_buf_u8(out, (uint8_t)*value));
    }
    return es_buf_u8(out, '\'');
}

/* pymssql wants numbers for its timeouts and strings for the rest. */
static bool is_bare(const conf_pair *pair)
{
    bool digits = es_is_digit(pair->value[0]);
    return is_bare_word(pair->value, strlen(pair->value)) &&
           (!digits || es_ends_with(pair->keyword, "timeout"));
}

static bool is_identifier(const char *s)
{
    return *s != '\0' && !es_is_digit(*s) && s[strspn(s, IDENTIFIER)] == '\0';
}

entrasql_status conf_pymssql_print(const conf_connstr *list, es_buf *out, entrasql_error *err)
{
    for (size_t i = 0; i < list->count; i++) {
        const conf_pair *pair = &list->pairs[i];
        conf_connstr before = {.pairs = list->pairs, .count = i};
        if (!is_identifier(pair->keyword) || conf_connstr_get(&before, pair->keyword) != NULL)
            return conf_unprintable(CONF_FORM_PYMSSQL, pair->keyword, err);
        entrasql_status status = es_buf_printf(out, "%s%s=", i != 0 ? ", " : "", pair->keyword);
        if (status == ENTRASQL_OK)
            status =
                is_bare(pair) ? es_buf_add_str(out, pair->value) : print_string(pair->value, out);
        if (status != ENTRASQL_OK)
            return es_nomem(err);
    }
    return ENTRASQL_OK;
}
