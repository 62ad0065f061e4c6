/* SPDX-License-Identifier: MIT */
/* conf: connection strings with a password in files of many kinds. */
#include "base/mem.h"
#include "base/str.h"
#include "conf/find.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

typedef struct seen {
    size_t count;
    size_t line;
    conf_form form;
    bool readable;
    bool placeholder;
    char text[300];
} seen;

static entrasql_status look(void *ctx, const conf_found *found)
{
    seen *s = ctx;
    s->count++;
    s->line = found->line;
    s->form = found->form;
    s->readable = found->is_readable;
    s->placeholder = found->is_placeholder;
    es_strlcpy_utf8(s->text, sizeof s->text, found->text);
    return ENTRASQL_OK;
}

/* One finding: the line, the form, and what a driver would get. */
static const struct one_case {
    const char *file;
    bool is_xml;
    size_t line;
    conf_form form;
    const char *text;
} one_cases[] = {
    /* .env, shell, docker */
    {"A=1\nDB=Server=s;Database=d;UID=u;PWD=p w\n", false, 2, CONF_FORM_ODBC,
     "Server=s;Database=d;UID=u;PWD=p w"},
    {"export DB='Server=s;Uid=u;Pwd={a;b}'\n", false, 1, CONF_FORM_ODBC,
     "Server=s;Uid=u;Pwd={a;b}"},
    {"docker run -e \"DB=Server=s;UID=u;PWD=p\" x", false, 1, CONF_FORM_ODBC,
     "Server=s;UID=u;PWD=p"},
    {"Server=s;UID=u;PWD=p", false, 1, CONF_FORM_ODBC, "Server=s;UID=u;PWD=p"},
    /* JSON, YAML, properties */
    {"{\"C\": {\"D\":\n \"Server=h\\\\i;User ID=u;Password=\\\"a;\\u0062\\\"\"}}", false, 2,
     CONF_FORM_ADO, "Server=h\\i;User ID=u;Password=\"a;b\""},
    {"db:\n  url: jdbc:sqlserver://h;user=u;password=p\n", false, 2, CONF_FORM_JDBC,
     "jdbc:sqlserver://h;user=u;password=p"},
    {"spring.datasource.url=jdbc:sqlserver://h:1433;user=u;password={a b};\n", false, 1,
     CONF_FORM_JDBC, "jdbc:sqlserver://h:1433;user=u;password={a b};"},
    /* source code */
    {"// don't\nx = \"Driver={X};Server=s;\"\n    \"UID=u;PWD=p\";\n", false, 2, CONF_FORM_ODBC,
     "Driver={X};Server=s;UID=u;PWD=p"},
    {"s = \"Server=s;\" +\n \"User ID=u;Password=p\"", false, 1, CONF_FORM_ADO,
     "Server=s;User ID=u;Password=p"},
    {"var s = @\"Server=h\\i;User ID=u;Password=\"\"a;b\"\"\";", false, 1, CONF_FORM_ADO,
     "Server=h\\i;User ID=u;Password=\"a;b\""},
    {"s = `sqlserver://u:p@h?database=d`", false, 1, CONF_FORM_GO, "sqlserver://u:p@h?database=d"},
    {"u = 'mssql+pyodbc://u:p@h/d'", false, 1, CONF_FORM_SQLALCHEMY, "mssql+pyodbc://u:p@h/d"},
    {"c = pymssql.connect(\n  server='h', user='u',\n  password='p)')\n", false, 1,
     CONF_FORM_PYMSSQL, "pymssql.connect(\n  server='h', user='u',\n  password='p)')"},
    /* XML */
    {"<add name=\"x\"\n connectionString=\"Server=h;User "
     "ID=u;Password=&quot;a&amp;b;&#99;&quot;\"/>",
     true, 2, CONF_FORM_ADO, "Server=h;User ID=u;Password=\"a&b;c\""},
    {"<a>\n<value>Server=h;User ID=u;Password=p</value></a>", true, 2, CONF_FORM_ADO,
     "Server=h;User ID=u;Password=p"},
};

static void one_finding(void **state)
{
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(one_cases); i++) {
        const struct one_case *c = &one_cases[i];
        seen s = {0};
        assert_int_equal(conf_find(c->file, strlen(c->file), c->is_xml, look, &s), ENTRASQL_OK);
        if (s.count != 1 || s.line != c->line || s.form != c->form || !es_streq(s.text, c->text))
            fail_msg("%s\ngave %zu, line %zu, %s: %s", c->file, s.count, s.line,
                     conf_form_name(s.form), s.text);
        assert_true(s.readable);
        assert_false(s.placeholder);
    }
}

static const char *const none_cases[] = {
    "",
    "Server=s;Database=d;Encrypt=yes",
    "x = \"Driver={X};Server=s;Authentication=ActiveDirectoryMsi\"",
    "the password=x of the server is; see Driver",
    "UID=u;PWD=p",
    "jdbc:sqlserver://h;databaseName=d",
    "sqlserver://h?database=d",
    "Server=s;PWD=;UID=",
    "postgres://u:p@h/d",
    "printf(\"it's\"); /* don't */ 'x",
    "c = pymssql.connect(server='h', user='u', password=secret())",
};

static void no_finding(void **state)
{
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(none_cases); i++) {
        seen s = {0};
        assert_int_equal(conf_find(none_cases[i], strlen(none_cases[i]), false, look, &s),
                         ENTRASQL_OK);
        if (s.count != 0)
            fail_msg("%s\ngave %s", none_cases[i], s.text);
    }
}

static void placeholders(void **state)
{
    static const char *const passwords[] = {"<password>", "${PASSWORD}", "%DBPASS%", "{{ pw }}",
                                            "%s"};
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(passwords); i++) {
        char file[100];
        seen s = {0};
        (void)snprintf(file, sizeof file, "x: Server=s;UID=u;PWD=%s", passwords[i]);
        assert_int_equal(conf_find(file, strlen(file), false, look, &s), ENTRASQL_OK);
        assert_int_equal(s.count, 1);
        if (!s.placeholder)
            fail_msg("%s is taken for a password", passwords[i]);
    }
}

/* What nobody can read is a finding, too, and says why. */
static void broken_ones(void **state)
{
    static const char file[] = "DB=Server=s;UID=u;PWD=open;sesame\n";
    (void)state;
    seen s = {0};
    assert_int_equal(conf_find(file, strlen(file), false, look, &s), ENTRASQL_OK);
    assert_int_equal(s.count, 1);
    assert_false(s.readable);
}

static void many_in_one_file(void **state)
{
    static const char file[] = "a = 'Server=s;UID=u;PWD=1'\nb = 'Server=s;UID=u;PWD=2'; c = "
                               "'Server=s;UID=u;PWD=3'\nServer=s;UID=u;PWD=4\n";
    (void)state;
    seen s = {0};
    assert_int_equal(conf_find(file, strlen(file), false, look, &s), ENTRASQL_OK);
    assert_int_equal(s.count, 4);
    assert_int_equal(s.line, 3);
}

static void every_truncation(void **state)
{
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(one_cases); i++) {
        size_t length = strlen(one_cases[i].file);
        for (size_t n = 0; n <= length; n++) {
            char *cut = es_memdup(one_cases[i].file, n + (n == 0));
            seen s = {0};
            assert_int_equal(conf_find(cut, n, i % 2 == 0, look, &s), ENTRASQL_OK);
            es_free(cut);
        }
    }
}

static void without_memory(void **state)
{
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(one_cases); i++) {
        entrasql_status status = ENTRASQL_NOMEM;
        for (unsigned long nth = 1; status != ENTRASQL_OK; nth++) {
            seen s = {0};
            es_mem_fail_from(nth);
            status = conf_find(one_cases[i].file, strlen(one_cases[i].file), one_cases[i].is_xml,
                               look, &s);
            es_mem_fail_from(0);
            assert_true(status == ENTRASQL_OK || status == ENTRASQL_NOMEM);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_finding),      cmocka_unit_test(no_finding),
        cmocka_unit_test(placeholders),     cmocka_unit_test(broken_ones),
        cmocka_unit_test(many_in_one_file), cmocka_unit_test(every_truncation),
        cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests_name("conf find", tests, NULL, NULL);
}
