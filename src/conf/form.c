/* SPDX-License-Identifier: MIT */
/* The forms of connection strings: names, detection, and which parser is whose. */
#include "conf/form_inner.h"

#include "base/mem.h"
#include "base/str.h"

#include <string.h>

const char conf_form_names[] = "odbc|ado|jdbc|go|sqlalchemy|pymssql";

static entrasql_status print_odbc(const conf_connstr *list, es_buf *out, entrasql_error *err);

/* ODBC's parser takes a text by itself: NULL. */
static const struct form_row {
    const char *name;
    const char *title;
    entrasql_status (*parse)(conf_cursor *c, conf_connstr *list, entrasql_error *err);
    entrasql_status (*print)(const conf_connstr *list, es_buf *out, entrasql_error *err);
} forms[CONF_FORM_COUNT] = {
    [CONF_FORM_ODBC] = {"odbc", "ODBC", NULL, print_odbc},
    [CONF_FORM_ADO] = {"ado", "ADO.NET", conf_ado_parse, conf_ado_print},
    [CONF_FORM_JDBC] = {"jdbc", "JDBC", conf_jdbc_parse, conf_jdbc_print},
    [CONF_FORM_GO] = {"go", "go-mssqldb", conf_go_parse, conf_go_print},
    [CONF_FORM_SQLALCHEMY] = {"sqlalchemy", "SQLAlchemy", conf_sqlalchemy_parse,
                              conf_sqlalchemy_print},
    [CONF_FORM_PYMSSQL] = {"pymssql", "pymssql", conf_pymssql_parse, conf_pymssql_print},
};

const char *conf_form_name(conf_form form)
{
    return forms[form].name;
}

const char *conf_form_title(conf_form form)
{
    return forms[form].title;
}

bool conf_form_find(const char *name, conf_form *ret)
{
    for (unsigned i = 0; i < CONF_FORM_COUNT; i++) {
        if (es_strcaseeq(name, forms[i].name)) {
            *ret = (conf_form)i;
            return true;
        }
    }
    return false;
}

entrasql_status conf_unprintable(conf_form form, const char *keyword, entrasql_error *err)
{
    char shown[80];
    es_printable(shown, sizeof shown, keyword, strlen(keyword));
    return es_fail(err, ENTRASQL_INVALID, "the keyword '%s' cannot be written in the form of %s",
                   shown, forms[form].title);
}

/* A value without braces, and a keyword, may hold whatever our own parser takes back. */
static entrasql_status print_odbc(const conf_connstr *list, es_buf *out, entrasql_error *err)
{
    ES_CLEANUP(conf_connstr_done) conf_connstr probe = {0};
    for (size_t i = 0; i < list->count; i++) {
        const char *keyword = list->pairs[i].keyword;
        entrasql_status status = conf_connstr_set(&probe, keyword, "");
        if (status == ENTRASQL_INVALID)
            return conf_unprintable(CONF_FORM_ODBC, keyword, err);
        if (status != ENTRASQL_OK)
            return es_nomem(err);
    }
    return conf_connstr_print(list, out) == ENTRASQL_OK ? ENTRASQL_OK : es_nomem(err);
}

entrasql_status conf_form_parse(conf_form form, const char *s, conf_connstr *ret,
                                entrasql_error *err)
{
    if (forms[form].parse == NULL)
        return conf_connstr_parse(s, ret, err);
    ES_CLEANUP(conf_connstr_done) conf_connstr list = {0};
    conf_cursor c = {.start = s, .at = s};
    ES_TRY(conf_text_check(s, err));
    ES_TRY(forms[form].parse(&c, &list, err));
    *ret = list;
    list = (conf_connstr){0};
    return ENTRASQL_OK;
}

entrasql_status conf_form_print(conf_form form, const conf_connstr *list, es_buf *out,
                                entrasql_error *err)
{
    return forms[form].print(list, out, err);
}

/* ---- detection ---- */

static bool starts_with_word(const char *s, const char *word)
{
    return es_strncaseeq(s, word, strlen(word));
}

/* "a.b.connect(" or "server = 'x'," : Python's arguments. */
static bool is_python_call(const char *s)
{
    size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789.");
    if (n == 0)
        return false;
    s += n;
    s += strspn(s, " \t");
    if (*s == '(')
        return true;
    if (*s != '=')
        return false;
    s++;
    s += strspn(s, " \t");
    s += *s == 'r' || *s == 'u' ? 1 : 0;
    if (*s != '\'' && *s != '"')
        return false;
    const char *end = strchr(s + 1, *s);
    if (end == NULL)
        return false;
    end++;
    end += strspn(end, " \t\r\n");
    return *end == ',';
}

/* Keywords that only one of ODBC and ADO.NET has, or that people write in one of them. */
static int ado_weight(const char *p, size_t n)
{
    static const struct {
        const char *keyword;
        int weight; /* positive: ADO.NET */
    } words[] = {
        {"driver", -9},
        {"dsn", -9},
        {"filedsn", -9},
        {"uid", -1},
        {"pwd", -1},
        {"wsid", -1},
        {"app", -1},
        {"trusted_connection", -1},
        {"mars_connection", -2},
        {"data source", 2},
        {"initial catalog", 2},
        {"user id", 2},
        {"password", 1},
        {"integrated security", 2},
        {"persist security info", 2},
        {"multipleactiveresultsets", 2},
        {"multiple active result sets", 2},
        {"application name", 1},
        {"connect timeout", 1},
        {"command timeout", 2},
        {"max pool size", 2},
        {"min pool size", 2},
        {"pooling", 2},
        {"trust server certificate", 1},
    };
    for (size_t i = 0; i < ES_COUNT_OF(words); i++) {
        if (n == strlen(words[i].keyword) && es_strncaseeq(p, words[i].keyword, n))
            return words[i].weight;
    }
    return 0;
}

static bool is_ado(const char *s)
{
    int weight = 0;
    while (*s != '\0') {
        while (es_is_space(*s) || *s == ';')
            s++;
        size_t n = strcspn(s, "=;");
        const char *end = conf_trim_end(s, s + n);
        weight += ado_weight(s, (size_t)(end - s));
        s += n;
        if (*s != '=')
            continue;
        s++;
        while (es_is_space(*s))
            s++;
        char close = *s == '{' ? '}' : *s == '"' || *s == '\'' ? *s : '\0';
        const char *behind = close != '\0' ? strchr(s + 1, close) : NULL;
        if (behind != NULL)
            weight += close == '}' ? -2 : 2;
        s = behind != NULL ? behind + 1 : s + strcspn(s, ";");
    }
    return weight > 0;
}

conf_form conf_form_detect(const char *s)
{
    while (es_is_space(*s))
        s++;
    if (starts_with_word(s, "jdbc:"))
        return CONF_FORM_JDBC;
    if (starts_with_word(s, "sqlserver://") || starts_with_word(s, "azuresql://"))
        return CONF_FORM_GO;
    if (starts_with_word(s, "mssql+") || starts_with_word(s, "mssql://"))
        return CONF_FORM_SQLALCHEMY;
    if (is_python_call(s))
        return CONF_FORM_PYMSSQL;
    return is_ado(s) ? CONF_FORM_ADO : CONF_FORM_ODBC;
}

/* ---- secrets ---- */

static bool contains(const char *s, const char *piece)
{
    size_t n = strlen(piece);
    for (; *s != '\0'; s++) {
        if (es_strncaseeq(s, piece, n))
            return true;
    }
    return false;
}

bool conf_keyword_is_secret(const char *keyword)
{
    static const char *const pieces[] = {"password", "pwd", "secret", "accesstoken", "clientkey"};
    for (size_t i = 0; i < ES_COUNT_OF(pieces); i++) {
        if (contains(keyword, pieces[i]))
            return true;
    }
    return false;
}
