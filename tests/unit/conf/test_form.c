/* SPDX-License-Identifier: MIT */
/* conf: the forms of connection strings, each by its own rules of quoting. */
#include "base/mem.h"
#include "base/str.h"
#include "conf/form.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Form, text, then the expected list as alternating keyword and value. */
static const struct good_case {
    conf_form form;
    const char *text;
    const char *pairs[18];
} good_cases[] = {
    {CONF_FORM_ODBC, "Server=h;PWD={a;b}}c}", {"Server", "h", "PWD", "a;b}c"}},
    {CONF_FORM_ADO, "Server=h;Password=\"a;'\"\"b\"", {"Server", "h", "Password", "a;'\"b"}},
    {CONF_FORM_ADO, "Password='it''s \"x\"' ; a=b", {"Password", "it's \"x\"", "a", "b"}},
    {CONF_FORM_ADO, "User ID = me ;Pass==word=x", {"User ID", "me", "Pass=word", "x"}},
    {CONF_FORM_ADO, "a=b=c;d=x'y;;e=", {"a", "b=c", "d", "x'y", "e", ""}},
    {CONF_FORM_ADO, "a== =1", {"a=", "1"}},
    {CONF_FORM_JDBC, "jdbc:sqlserver://", {NULL}},
    {CONF_FORM_JDBC, "jdbc:sqlserver://h", {"serverName", "h"}},
    {CONF_FORM_JDBC,
     "jdbc:sqlserver://h\\i:1433;databaseName=d;password={a;}}b};",
     {"serverName", "h", "instanceName", "i", "portNumber", "1433", "databaseName", "d", "password",
      "a;}b"}},
    {CONF_FORM_JDBC,
     "JDBC:SQLSERVER://:77; user = a=b ;;serverName={::1} ",
     {"portNumber", "77", "user", "a=b", "serverName", "::1"}},
    {CONF_FORM_GO,
     "sqlserver://u%40x:p%3a+@h:1433/i?database=a+b&user+id=c%2B",
     {"user id", "u@x", "password", "p:+", "server", "h", "port", "1433", "instance", "i",
      "database", "a b", "user id", "c+"}},
    {CONF_FORM_GO,
     "sqlserver://u:p@x@[::1]?a=",
     {"user id", "u", "password", "p@x", "server", "::1", "a", ""}},
    {CONF_FORM_GO, "azuresql://h/?", {"server", "h"}},
    {CONF_FORM_SQLALCHEMY,
     "mssql+pyodbc://u:p%40/a:b@h:1433/d?driver=ODBC+Driver+18&Encrypt=yes",
     {"drivername", "mssql+pyodbc", "username", "u", "password", "p@/a:b", "host", "h", "port",
      "1433", "database", "d", "driver", "ODBC Driver 18", "Encrypt", "yes"}},
    {CONF_FORM_SQLALCHEMY,
     "mssql+pyodbc:///?odbc_connect=Server%3Dh%3BPWD%3D%7Ba%3Bb%7D",
     {"drivername", "mssql+pyodbc", "odbc_connect", "Server=h;PWD={a;b}"}},
    {CONF_FORM_SQLALCHEMY,
     "mssql+pymssql://u+1@[fe80::1]:1/d%20e",
     {"drivername", "mssql+pymssql", "username", "u+1", "host", "fe80::1", "port", "1", "database",
      "d%20e"}},
    {CONF_FORM_PYMSSQL,
     "server='h', port=1433, user=\"u\", password='a\\'\\x41\\u20ac\\\\\\d', as_dict=True,",
     {"server", "h", "port", "1433", "user", "u", "password", "a'A\xe2\x82\xac\\\\d", "as_dict",
      "True"}},
    {CONF_FORM_PYMSSQL,
     "pymssql.connect('h', 'u', r'a\\b\\'', database = 'd')",
     {"server", "h", "user", "u", "password", "a\\b\\'", "database", "d"}},
    {CONF_FORM_PYMSSQL, "connect( )", {NULL}},
};

static void good_texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(good_cases); i++) {
        const struct good_case *g = &good_cases[i];
        conf_connstr c;
        entrasql_error err;
        if (conf_form_parse(g->form, g->text, &c, &err) != ENTRASQL_OK)
            fail_msg("'%s': %s", g->text, err.message);
        size_t n = 0;
        for (; g->pairs[n * 2] != NULL; n++) {
            if (n >= c.count)
                fail_msg("'%s' gave %zu pairs", g->text, c.count);
            assert_string_equal(c.pairs[n].keyword, g->pairs[n * 2]);
            assert_string_equal(c.pairs[n].value, g->pairs[n * 2 + 1]);
        }
        assert_int_equal(c.count, n);
        conf_connstr_done(&c);
    }
}

/* The place is counted in characters, and no piece of a value is in the message. */
static const struct bad_case {
    conf_form form;
    const char *text;
    const char *message;
} bad_cases[] = {
    {CONF_FORM_ADO, "a", "character 1: no '='"},
    {CONF_FORM_ADO, "a=\"sesame", "character 3, after a=: the quote that opens here"},
    {CONF_FORM_ADO, "\xc3\xa4='sesame' x", "character 12, after \xc3\xa4=: text between"},
    {CONF_FORM_ADO, "a=sesame'", "character 9, after a=: a quote at the end"},
    {CONF_FORM_ADO, "a=b;=c", "character 5, after a=: the keyword"},
    {CONF_FORM_ADO, "a=\x01sesame", "character 3, after a=: a control"},
    {CONF_FORM_ADO, "a=b;sesame==", "character 5, after a=: no '='"},
    {CONF_FORM_JDBC, "jdbc:mysql://h", "character 1: a JDBC string"},
    {CONF_FORM_JDBC, "jdbc:sqlserver://h:sesame", "character 20, after serverName=: what stands"},
    {CONF_FORM_JDBC, "jdbc:sqlserver://u@h", "character 19: a character that does not"},
    {CONF_FORM_JDBC, "jdbc:sqlserver://h;password=ses{ame", "character 32, after password=: a '{'"},
    {CONF_FORM_JDBC, "jdbc:sqlserver://h;password={ses}ame", "character 34, after password=: text"},
    {CONF_FORM_JDBC, "jdbc:sqlserver://h;sesame", "character 20, after serverName=: no '='"},
    {CONF_FORM_JDBC, "jdbc:sqlserver://h;=x", "character 20, after serverName=: the name"},
    {CONF_FORM_GO, "postgres://h", "character 1: a URL of go-mssqldb"},
    {CONF_FORM_GO, "sqlserver://u:ses/ame@h",
     "character 15, after server=: what stands after the host's"},
    {CONF_FORM_GO, "sqlserver://u:sesame#@h", "character 21: a '#'"},
    {CONF_FORM_GO, "sqlserver://u:ses%4zame@h", "after user id=: a '%' without"},
    {CONF_FORM_GO, "sqlserver://u:sesame%00@h", "character 21, after user id=: a NUL"},
    {CONF_FORM_GO, "sqlserver://u:%ff@h", "not UTF-8"},
    {CONF_FORM_GO, "sqlserver://h?a=1&A=2", "character 19, after a=: a name that occurred"},
    {CONF_FORM_GO, "sqlserver://h?a=1;b=2", "character 18: a ';'"},
    {CONF_FORM_GO, "sqlserver://h?sesame", "character 15, after server=: no '='"},
    {CONF_FORM_GO, "sqlserver://[::1", "character 13: the bracket"},
    {CONF_FORM_GO, "sqlserver://u:[sesame@h", "character 15: a character that user"},
    {CONF_FORM_SQLALCHEMY, "mssql:h", "character 1: a URL of SQLAlchemy"},
    {CONF_FORM_SQLALCHEMY, "mssql+pyodbc://u:p@h:sesame/d", "after host=: what stands after"},
    {CONF_FORM_PYMSSQL, "server='h', password=PASS", "character 22, after password=: what stands"},
    {CONF_FORM_PYMSSQL, "server='h', password='sesame", "character 22, after password=: the quote"},
    {CONF_FORM_PYMSSQL, "a='1', 'sesame'", "character 8, after a=: an argument without"},
    {CONF_FORM_PYMSSQL, "a='1' 'sesame'", "character 7, after a=: text between"},
    {CONF_FORM_PYMSSQL, "a='1', A='sesame'", "after A=: an argument that occurred"},
    {CONF_FORM_PYMSSQL, "f(a='1'", "character 8, after a=: the call is never closed"},
    {CONF_FORM_PYMSSQL, "a='1')", "character 6, after a=: a ')' too many"},
    {CONF_FORM_PYMSSQL, "a='\\ud800'", "an escape that stands for no character"},
};

static void bad_texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(bad_cases); i++) {
        const struct bad_case *b = &bad_cases[i];
        conf_connstr c;
        entrasql_error err;
        if (conf_form_parse(b->form, b->text, &c, &err) != ENTRASQL_CONFIG)
            fail_msg("'%s' was accepted", b->text);
        if (strstr(err.message, b->message) == NULL)
            fail_msg("'%s' gave: %s", b->text, err.message);
        assert_null(strstr(err.message, "ses"));
        assert_null(strstr(err.hint, "sesame"));
    }
}

/* ---- parse(print(list)) is the list ---- */

static uint32_t next(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static const char *const pieces[] = {
    "",
    "a",
    "Z9",
    ";",
    "=",
    "==",
    "{",
    "}",
    "}}",
    "'",
    "''",
    "\"",
    "\"\"",
    " ",
    "\t",
    "\n",
    "%",
    "%41",
    "+",
    "&",
    "?",
    "#",
    "/",
    "\\",
    ":",
    "@",
    ",",
    "[",
    "]",
    "(",
    ")",
    "$",
    "!",
    "~",
    "\xc3\xa4",
    "\xe2\x82\xac",
    "\xf0\x9f\x94\x91",
    "\xc2\xa0",
    "\x7f",
    "\x01",
    "True",
    "1433",
    "::1",
    "h.example",
};

static void make_text(char *text, size_t size, uint32_t *seed)
{
    size_t count = next(seed) % 6;
    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        size_t n = strlen(text);
        es_strlcpy_utf8(text + n, size - n, pieces[next(seed) % ES_COUNT_OF(pieces)]);
    }
}

static const char *const words[CONF_FORM_COUNT][12] = {
    [CONF_FORM_ODBC] = {"Driver", "Server", "PWD", "UID", "Connection Timeout"},
    [CONF_FORM_ADO] = {"Server", "User ID", "Password", "a=b", "=", "x==y", "{", "Data Source"},
    [CONF_FORM_JDBC] = {"serverName", "instanceName", "portNumber", "user", "password", "{x", "a'"},
    [CONF_FORM_GO] = {"user id", "password", "server", "port", "instance", "database", "a&b", "=",
                      "%"},
    [CONF_FORM_SQLALCHEMY] = {"username", "password", "host", "port", "database", "driver", "x&",
                              "odbc_connect"},
    [CONF_FORM_PYMSSQL] = {"server", "user", "password", "database", "port", "timeout", "_x1"},
};

static void make_list(conf_form form, conf_connstr *list, uint32_t *seed)
{
    size_t known = 0;
    while (known < ES_COUNT_OF(words[form]) && words[form][known] != NULL)
        known++;
    bool in_order = next(seed) % 2 == 0;
    if (form == CONF_FORM_SQLALCHEMY)
        assert_int_equal(conf_connstr_append(list, "drivername", "mssql+pyodbc"), ENTRASQL_OK);
    for (size_t i = 0; i < known; i++) {
        char value[64];
        const char *keyword = words[form][in_order ? i : next(seed) % known];
        make_text(value, sizeof value, seed);
        if (next(seed) % 3 == 0)
            continue;
        if (!in_order && conf_connstr_get(list, keyword) != NULL && form >= CONF_FORM_GO)
            continue; /* these refuse a keyword twice */
        assert_int_equal(conf_connstr_append(list, keyword, value), ENTRASQL_OK);
    }
}

static void check_round_trip(conf_form form, const conf_connstr *list)
{
    es_buf text = ES_BUF_INIT_WIPE(8 * CONF_CONNSTR_MAX_BYTES);
    conf_connstr again;
    entrasql_error err;
    if (conf_form_print(form, list, &text, &err) != ENTRASQL_OK)
        fail_msg("%s: %s", conf_form_name(form), err.message);
    if (conf_form_parse(form, es_buf_cstr(&text), &again, &err) != ENTRASQL_OK)
        fail_msg("%s: %s: %s", conf_form_name(form), es_buf_cstr(&text), err.message);
    if (again.count != list->count)
        fail_msg("%s: %s: %zu pairs became %zu", conf_form_name(form), es_buf_cstr(&text),
                 list->count, again.count);
    for (size_t i = 0; i < list->count; i++) {
        if (!es_streq(again.pairs[i].keyword, list->pairs[i].keyword) ||
            !es_streq(again.pairs[i].value, list->pairs[i].value))
            fail_msg("%s: %s: pair %zu %s=%s became %s=%s", conf_form_name(form),
                     es_buf_cstr(&text), i, list->pairs[i].keyword, list->pairs[i].value,
                     again.pairs[i].keyword, again.pairs[i].value);
    }
    conf_connstr_done(&again);
    es_buf_done(&text);
}

static void what_is_printed_parses_to_the_same(void **state)
{
    (void)state;
    uint32_t seed = 1;
    for (unsigned form = 0; form < CONF_FORM_COUNT; form++) {
        for (unsigned i = 0; i < 20000; i++) {
            conf_connstr list = {0};
            make_list((conf_form)form, &list, &seed);
            check_round_trip((conf_form)form, &list);
            conf_connstr_done(&list);
        }
    }
}

static void keywords_that_cannot_be_written(void **state)
{
    static const struct {
        conf_form form;
        const char *keyword;
    } cases[] = {
        {CONF_FORM_ODBC, "a=b"},    {CONF_FORM_ODBC, ""},           {CONF_FORM_ADO, " a"},
        {CONF_FORM_ADO, "a;b"},     {CONF_FORM_JDBC, "a=b"},        {CONF_FORM_GO, ""},
        {CONF_FORM_PYMSSQL, "a b"}, {CONF_FORM_SQLALCHEMY, "host"}, {CONF_FORM_PYMSSQL, "1"},
    };
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(cases); i++) {
        conf_connstr list = {0};
        es_buf text = ES_BUF_INIT_WIPE(1000);
        entrasql_error err;
        assert_int_equal(conf_connstr_append(&list, cases[i].keyword, "x"), ENTRASQL_OK);
        assert_int_equal(conf_form_print(cases[i].form, &list, &text, &err), ENTRASQL_INVALID);
        es_buf_done(&text);
        conf_connstr_done(&list);
    }
}

/* ---- detection ---- */

static const struct detect_case {
    const char *text;
    conf_form form;
} detect_cases[] = {
    {"Driver={x};Server=h", CONF_FORM_ODBC},
    {"DSN=x;UID=u;PWD=p", CONF_FORM_ODBC},
    {"Server=h;Database=d", CONF_FORM_ODBC},
    {"Server=h;Database=d;UID=u;PWD={a;Data Source=x}", CONF_FORM_ODBC},
    {"Server=tcp:h,1433;Initial Catalog=d;User ID=u;Password=p", CONF_FORM_ADO},
    {"data source=h;integrated security=SSPI", CONF_FORM_ADO},
    {"Server=h;Password=\"Driver=x;UID=y\"", CONF_FORM_ADO},
    {" jdbc:sqlserver://h", CONF_FORM_JDBC},
    {"sqlserver://u:p@h", CONF_FORM_GO},
    {"mssql+pyodbc://u:p@h/d", CONF_FORM_SQLALCHEMY},
    {"mssql://u:p@h/d", CONF_FORM_SQLALCHEMY},
    {"pymssql.connect(server='h')", CONF_FORM_PYMSSQL},
    {"server='h', user='u'", CONF_FORM_PYMSSQL},
    {"Server='h';User ID='u'", CONF_FORM_ADO},
    {"", CONF_FORM_ODBC},
};

static void detection(void **state)
{
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(detect_cases); i++) {
        if (conf_form_detect(detect_cases[i].text) != detect_cases[i].form)
            fail_msg("'%s' was taken for %s", detect_cases[i].text,
                     conf_form_name(conf_form_detect(detect_cases[i].text)));
    }
}

static void every_truncation(void **state)
{
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(good_cases); i++) {
        char cut[300];
        size_t length = strlen(good_cases[i].text);
        for (size_t n = 0; n <= length; n++) {
            memcpy(cut, good_cases[i].text, n);
            cut[n] = '\0';
            for (unsigned form = 0; form < CONF_FORM_COUNT; form++) {
                conf_connstr c;
                entrasql_error err;
                entrasql_status status = conf_form_parse((conf_form)form, cut, &c, &err);
                if (status == ENTRASQL_OK)
                    conf_connstr_done(&c);
                else
                    assert_int_equal(status, ENTRASQL_CONFIG);
            }
            (void)conf_form_detect(cut);
        }
    }
}

static void without_memory(void **state)
{
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(good_cases); i++) {
        entrasql_status status = ENTRASQL_NOMEM;
        for (unsigned long nth = 1; status != ENTRASQL_OK; nth++) {
            conf_connstr c = {0};
            entrasql_error err;
            es_buf text = ES_BUF_INIT_WIPE(1000);
            es_mem_fail_from(nth);
            status = conf_form_parse(good_cases[i].form, good_cases[i].text, &c, &err);
            if (status == ENTRASQL_OK)
                status = conf_form_print(good_cases[i].form, &c, &text, &err);
            es_mem_fail_from(0);
            es_buf_done(&text);
            conf_connstr_done(&c);
            assert_true(status == ENTRASQL_OK || status == ENTRASQL_NOMEM);
        }
    }
}

static void secrets_by_name(void **state)
{
    (void)state;
    assert_true(conf_keyword_is_secret("PWD"));
    assert_true(conf_keyword_is_secret("trustStorePassword"));
    assert_true(conf_keyword_is_secret("aadSecurePrincipalSecret"));
    assert_true(conf_keyword_is_secret("accessToken"));
    assert_false(conf_keyword_is_secret("UID"));
    assert_false(conf_keyword_is_secret("Persist Security Info"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_texts),
        cmocka_unit_test(bad_texts),
        cmocka_unit_test(what_is_printed_parses_to_the_same),
        cmocka_unit_test(keywords_that_cannot_be_written),
        cmocka_unit_test(detection),
        cmocka_unit_test(every_truncation),
        cmocka_unit_test(without_memory),
        cmocka_unit_test(secrets_by_name),
    };
    return cmocka_run_group_tests_name("conf form", tests, NULL, NULL);
}
