/* SPDX-License-Identifier: MIT */
/* conf: the grammar of connection strings, and what they mean. */
#include "base/mem.h"
#include "base/str.h"
#include "conf/connstr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char tutorial[] =
    "Driver={ODBC Driver 18 for SQL Server};Server=tcp:srv.database.windows.net,1433;"
    "Database=persons;Encrypt=yes;TrustServerCertificate=no;Connection Timeout=30";

static void the_string_of_the_tutorial(void **state)
{
    (void)state;
    conf_connstr c;
    conf_target t;
    assert_int_equal(conf_connstr_parse(tutorial, &c, NULL), ENTRASQL_OK);
    assert_int_equal(c.count, 6);
    assert_int_equal(conf_target_from(&c, &t, NULL), ENTRASQL_OK);
    assert_string_equal(t.driver, "ODBC Driver 18 for SQL Server");
    assert_string_equal(t.host, "srv.database.windows.net");
    assert_int_equal(t.port, 1433);
    assert_string_equal(t.database, "persons");
    assert_int_equal(t.encrypt, CONF_ENCRYPT_MANDATORY);
    assert_false(t.trust_server_certificate);
    assert_false(t.trusted_connection);
    assert_int_equal(t.login_timeout_s, 30);
    assert_null(t.user);
    assert_null(t.dsn);
    es_buf out = ES_BUF_INIT_WIPE(1000);
    assert_int_equal(conf_connstr_print(&c, &out), ENTRASQL_OK);
    assert_string_equal(es_buf_cstr(&out), tutorial);
    es_buf_done(&out);
    conf_target_done(&t);
    conf_connstr_done(&c);
}

/* Text, then the expected list as alternating keyword and value. */
static const struct good_case {
    const char *text;
    const char *pairs[8];
} good_cases[] = {
    {"", {NULL}},
    {" ;; ; ", {NULL}},
    {"a=b", {"a", "b"}},
    {"a=b;", {"a", "b"}},
    {" a = b c ; d=", {"a", "b c", "d", ""}},
    {"a={b;c}", {"a", "b;c"}},
    {"a= {b} ;c=d", {"a", "b", "c", "d"}},
    {"a={}}}", {"a", "}"}},
    {"a={{}", {"a", "{"}},
    {"a={ }}{}};= }", {"a", " }{};= "}},
    {"a={}", {"a", ""}},
    {"a=b{c}d", {"a", "b{c}d"}},
    {"a==b=c", {"a", "=b=c"}},
    {"Connection Timeout=30", {"Connection Timeout", "30"}},
    {"pwd=p\xc3\xa4ss", {"pwd", "p\xc3\xa4ss"}},
    {"A=1;a=2", {"A", "1", "a", "2"}},
};

static void good_strings(void **state)
{
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(good_cases); i++) {
        const struct good_case *g = &good_cases[i];
        conf_connstr c;
        entrasql_error err;
        if (conf_connstr_parse(g->text, &c, &err) != ENTRASQL_OK)
            fail_msg("'%s': %s", g->text, err.message);
        size_t n = 0;
        for (; g->pairs[n * 2] != NULL; n++) {
            assert_true(n < c.count);
            assert_string_equal(c.pairs[n].keyword, g->pairs[n * 2]);
            assert_string_equal(c.pairs[n].value, g->pairs[n * 2 + 1]);
        }
        assert_int_equal(c.count, n);
        conf_connstr_done(&c);
    }
}

static const struct bad_case {
    const char *text;
    const char *message;
} bad_cases[] = {
    {"a", "character 1: no '='"},
    {"a=b;cd", "character 5, after a=: no '='"},
    {"a=b; ;=x", "character 7, after a=: the keyword"},
    {"a={b", "character 3, after a=: the brace that opens here"},
    {"a={b}}", "character 3, after a=: the brace that opens here"},
    {"a={b} c;d=e", "character 7, after a=: text between"},
    {"\xc3\xa4=1;b", "character 5, after \xc3\xa4=: no '='"},
    {"a[b=c", "character 2: a character that no keyword"},
    {"a\x01=c", "character 2: a character that no keyword"},
    {"a=\xff", "not UTF-8"},
};

static void bad_strings(void **state)
{
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(bad_cases); i++) {
        conf_connstr c;
        entrasql_error err;
        assert_int_equal(conf_connstr_parse(bad_cases[i].text, &c, &err), ENTRASQL_CONFIG);
        if (strstr(err.message, bad_cases[i].message) == NULL)
            fail_msg("'%s' gave: %s", bad_cases[i].text, err.message);
    }
}

/* A ';' in a password without braces leaves a piece of it where a keyword should stand. */
static void a_piece_of_a_password_is_not_quoted(void **state)
{
    (void)state;
    conf_connstr c;
    entrasql_error err;
    assert_int_equal(conf_connstr_parse("UID=u;PWD=open;sesame", &c, &err), ENTRASQL_CONFIG);
    assert_null(strstr(err.message, "sesame"));
    assert_null(strstr(err.message, "open"));
    assert_non_null(strstr(err.message, "PWD"));
    assert_non_null(strstr(err.hint, "braces"));
    assert_int_equal(conf_connstr_parse("PWD={open}sesame;", &c, &err), ENTRASQL_CONFIG);
    assert_null(strstr(err.message, "sesame"));
}

static void every_truncation(void **state)
{
    (void)state;
    static const char *const samples[] = {tutorial, "UID={a;b}}c};PWD= {x} ;\xc3\xa4=\xe2\x82\xac"};
    for (size_t i = 0; i < ES_COUNT_OF(samples); i++) {
        char cut[300];
        size_t length = strlen(samples[i]);
        for (size_t n = 0; n <= length; n++) {
            memcpy(cut, samples[i], n);
            cut[n] = '\0';
            conf_connstr c;
            entrasql_error err;
            entrasql_status status = conf_connstr_parse(cut, &c, &err);
            if (status == ENTRASQL_OK)
                conf_connstr_done(&c);
            else
                assert_int_equal(status, ENTRASQL_CONFIG);
        }
    }
}

static void limits(void **state)
{
    (void)state;
    conf_connstr c;
    entrasql_error err;
    es_buf b = ES_BUF_INIT(CONF_CONNSTR_MAX_BYTES * 2);
    assert_int_equal(es_buf_add_str(&b, "a="), ENTRASQL_OK);
    assert_int_equal(es_buf_fill(&b, 'x', CONF_CONNSTR_MAX_BYTES - 2), ENTRASQL_OK);
    assert_int_equal(conf_connstr_parse(es_buf_cstr(&b), &c, &err), ENTRASQL_OK);
    conf_connstr_done(&c);
    assert_int_equal(es_buf_u8(&b, 'x'), ENTRASQL_OK);
    assert_int_equal(conf_connstr_parse(es_buf_cstr(&b), &c, &err), ENTRASQL_CONFIG);
    es_buf_clear(&b);
    for (size_t i = 0; i < CONF_CONNSTR_MAX_PAIRS; i++)
        assert_int_equal(es_buf_add_str(&b, "a=;"), ENTRASQL_OK);
    assert_int_equal(conf_connstr_parse(es_buf_cstr(&b), &c, &err), ENTRASQL_OK);
    conf_connstr_done(&c);
    assert_int_equal(es_buf_add_str(&b, "a=;"), ENTRASQL_OK);
    assert_int_equal(conf_connstr_parse(es_buf_cstr(&b), &c, &err), ENTRASQL_CONFIG);
    assert_non_null(strstr(err.message, "512"));
    es_buf_done(&b);
}

static void look_up_and_change(void **state)
{
    (void)state;
    static const char *const both[] = {"x", "b", NULL};
    conf_connstr c;
    const char *keyword = NULL;
    assert_int_equal(conf_connstr_parse("A=1;B=2;a=3", &c, NULL), ENTRASQL_OK);
    assert_string_equal(conf_connstr_get(&c, "a"), "1");
    assert_null(conf_connstr_get(&c, "c"));
    assert_string_equal(conf_connstr_get_any(&c, both, &keyword), "2");
    assert_string_equal(keyword, "B");
    assert_int_equal(conf_connstr_set(&c, "a", "9"), ENTRASQL_OK);
    assert_int_equal(conf_connstr_set(&c, "New", "n;"), ENTRASQL_OK);
    assert_int_equal(conf_connstr_set(&c, "", "n"), ENTRASQL_INVALID);
    assert_int_equal(conf_connstr_set(&c, "a=b", "n"), ENTRASQL_INVALID);
    assert_int_equal(conf_connstr_set(&c, " a", "n"), ENTRASQL_INVALID);
    conf_connstr_remove_any(&c, both);
    es_buf out = ES_BUF_INIT_WIPE(1000);
    assert_int_equal(conf_connstr_print(&c, &out), ENTRASQL_OK);
    assert_string_equal(es_buf_cstr(&out), "A=9;a=3;New={n;}");
    conf_connstr_remove(&c, "A");
    assert_int_equal(c.count, 1);
    es_buf_done(&out);
    conf_connstr_done(&c);
}

static uint32_t random_state = 20261124;

static uint32_t random_below(uint32_t bound)
{
    random_state = random_state * 1664525U + 1013904223U;
    return (random_state >> 8) % bound;
}

static void random_value(char *dst, size_t max)
{
    static const char *const pieces[] = {"a", ";",  "{", "}", "}}", "=",
                                         " ", "\t", "[", ",", "x",  "\xc3\xa9"};
    size_t used = 0;
    size_t count = random_below(12);
    for (size_t i = 0; i < count; i++) {
        const char *piece = pieces[random_below(ES_COUNT_OF(pieces))];
        if (used + strlen(piece) >= max)
            break;
        memcpy(dst + used, piece, strlen(piece));
        used += strlen(piece);
    }
    dst[used] = '\0';
}

/* parse(print(x)) = x, whatever the values hold. */
static void printing_is_the_inverse_of_parsing(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 5000; round++) {
        conf_connstr c = {0};
        conf_connstr again;
        es_buf text = ES_BUF_INIT_WIPE(10000);
        size_t count = random_below(6);
        for (size_t i = 0; i < count; i++) {
            char keyword[32];
            char value[64];
            snprintf(keyword, sizeof keyword, i % 2 == 0 ? "Key %zu" : "Driver%.0zu", i);
            random_value(value, sizeof value);
            assert_int_equal(conf_connstr_set(&c, keyword, value), ENTRASQL_OK);
        }
        assert_int_equal(conf_connstr_print(&c, &text), ENTRASQL_OK);
        entrasql_error err;
        if (conf_connstr_parse(es_buf_cstr(&text), &again, &err) != ENTRASQL_OK)
            fail_msg("%s: %s", es_buf_cstr(&text), err.message);
        assert_int_equal(again.count, c.count);
        for (size_t i = 0; i < c.count; i++) {
            assert_string_equal(again.pairs[i].keyword, c.pairs[i].keyword);
            assert_string_equal(again.pairs[i].value, c.pairs[i].value);
        }
        es_buf_done(&text);
        conf_connstr_done(&c);
        conf_connstr_done(&again);
    }
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    for (unsigned long nth = 1;; nth++) {
        conf_connstr c = {0};
        conf_target t = {0};
        entrasql_error err;
        es_mem_fail_from(nth);
        entrasql_status status = conf_connstr_parse("Server=h;PWD={p};UID=u;DSN=d", &c, &err);
        if (status == ENTRASQL_OK)
            status = conf_target_from(&c, &t, &err);
        if (status == ENTRASQL_OK)
            status = conf_connstr_set(&c, "Extra", "1");
        es_mem_fail_from(0);
        conf_connstr_done(&c);
        conf_target_done(&t);
        if (status == ENTRASQL_OK)
            break;
        assert_int_equal(status, ENTRASQL_NOMEM);
        assert_true(nth < 100);
    }
}

static const struct server_case {
    const char *text;
    const char *host; /* NULL: refused */
    unsigned port;    /* or what the message or hint says: */
    const char *says;
} server_cases[] = {
    {"h", "h", 1433, NULL},
    {"tcp:srv.database.windows.net,1433", "srv.database.windows.net", 1433, NULL},
    {" TCP: h , 15001 ", "h", 15001, NULL},
    {"h\\inst,5000", "h", 5000, NULL},
    {"h\\MSSQLSERVER", "h", 1433, NULL},
    {"(local)", "localhost", 1433, NULL},
    {".", "localhost", 1433, NULL},
    {"(LOCAL),99", "localhost", 99, NULL},
    {"::1", "::1", 1433, NULL},
    {"[::1],1444", "::1", 1444, NULL},
    {"127.0.0.1,65535", "127.0.0.1", 65535, NULL},
    {"", NULL, 0, "host name is missing"},
    {"tcp:", NULL, 0, "host name is missing"},
    {",1433", NULL, 0, "host name is missing"},
    {"h,", NULL, 0, "port after ','"},
    {"h,0", NULL, 0, "port after ','"},
    {"h,65536", NULL, 0, "port after ','"},
    {"h,14a", NULL, 0, "port after ','"},
    {"h:1433", NULL, 0, "separated by ','"},
    {"h\\inst", NULL, 0, "named instance"},
    {"(localdb)\\x", NULL, 0, "LocalDB"},
    {"np:\\\\.\\pipe\\sql\\query", NULL, 0, "only TCP"},
    {"lpc:h", NULL, 0, "only TCP"},
    {"\\\\h\\pipe\\sql", NULL, 0, "named pipes"},
    {"a b", NULL, 0, "no host name holds"},
    {"a/b", NULL, 0, "no host name holds"},
    {"a\nb", NULL, 0, "no host name holds"},
};

static void server_forms(void **state)
{
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(server_cases); i++) {
        const struct server_case *s = &server_cases[i];
        char *host = NULL;
        uint16_t port = 0;
        entrasql_error err;
        entrasql_status status = conf_server_parse(s->text, &host, &port, &err);
        if (s->host == NULL) {
            assert_int_equal(status, ENTRASQL_CONFIG);
            if (strstr(err.message, s->says) == NULL)
                fail_msg("'%s' gave: %s", s->text, err.message);
            assert_null(strchr(err.message, '\n'));
            assert_true(err.hint[0] != '\0');
            continue;
        }
        if (status != ENTRASQL_OK)
            fail_msg("'%s' gave: %s", s->text, err.message);
        assert_string_equal(host, s->host);
        assert_int_equal(port, s->port);
        es_free(host);
    }
}

static entrasql_status read_target(const char *text, conf_target *t, entrasql_error *err)
{
    conf_connstr c;
    ES_TRY(conf_connstr_parse(text, &c, err));
    entrasql_status status = conf_target_from(&c, t, err);
    conf_connstr_done(&c);
    return status;
}

static void synonyms(void **state)
{
    (void)state;
    conf_target t;
    assert_int_equal(read_target("Addr=h;Initial Catalog=d;User ID=u;Password={p w};"
                                 "Application Name=a;Workstation ID=w;Trust Server Certificate=1;"
                                 "Integrated Security=SSPI;LoginTimeout=7;Encrypt=Strict;"
                                 "hostnameincertificate=n;Authentication=x;Port=1500",
                                 &t, NULL),
                     ENTRASQL_OK);
    assert_string_equal(t.host, "h");
    assert_int_equal(t.port, 1500);
    assert_string_equal(t.database, "d");
    assert_string_equal(t.user, "u");
    assert_string_equal(t.password, "p w");
    assert_string_equal(t.app_name, "a");
    assert_string_equal(t.workstation_id, "w");
    assert_true(t.trust_server_certificate);
    assert_true(t.trusted_connection);
    assert_int_equal(t.login_timeout_s, 7);
    assert_int_equal(t.encrypt, CONF_ENCRYPT_STRICT);
    assert_string_equal(t.host_name_in_certificate, "n");
    assert_string_equal(t.authentication, "x");
    conf_target_done(&t);
}

static void encrypt_words(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        conf_encrypt meaning;
    } cases[] = {
        {"", CONF_ENCRYPT_MANDATORY},
        {"Encrypt=YES", CONF_ENCRYPT_MANDATORY},
        {"Encrypt=true", CONF_ENCRYPT_MANDATORY},
        {"Encrypt=Mandatory", CONF_ENCRYPT_MANDATORY},
        {"Encrypt=no", CONF_ENCRYPT_OPTIONAL},
        {"Encrypt=FALSE", CONF_ENCRYPT_OPTIONAL},
        {"Encrypt=optional", CONF_ENCRYPT_OPTIONAL},
        {"Encrypt=strict", CONF_ENCRYPT_STRICT},
        {"Encrypt=strict;Encrypt=no", CONF_ENCRYPT_STRICT},
    };
    for (size_t i = 0; i < ES_COUNT_OF(cases); i++) {
        conf_target t;
        assert_int_equal(read_target(cases[i].text, &t, NULL), ENTRASQL_OK);
        assert_int_equal(t.encrypt, cases[i].meaning);
        conf_target_done(&t);
    }
}

static void bad_values_name_keyword_and_value(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *says;
    } cases[] = {
        {"Encrypt=perhaps", "Encrypt=perhaps"},
        {"Encrypt=", "Encrypt= is"},
        {"TrustServerCertificate=y", "TrustServerCertificate=y"},
        {"Trusted_Connection=maybe", "Trusted_Connection=maybe"},
        {"Connect Timeout=-1", "Connect Timeout=-1"},
        {"Timeout=99999", "Timeout=99999"},
        {"Timeout=30s", "Timeout=30s"},
        {"Port=0", "Port=0"},
        {"Server=h,1;Port=2", "Server names port 1 and Port names 2"},
    };
    for (size_t i = 0; i < ES_COUNT_OF(cases); i++) {
        conf_target t;
        entrasql_error err;
        assert_int_equal(read_target(cases[i].text, &t, &err), ENTRASQL_CONFIG);
        if (strstr(err.message, cases[i].says) == NULL)
            fail_msg("'%s' gave: %s", cases[i].text, err.message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_string_of_the_tutorial),
        cmocka_unit_test(good_strings),
        cmocka_unit_test(bad_strings),
        cmocka_unit_test(a_piece_of_a_password_is_not_quoted),
        cmocka_unit_test(every_truncation),
        cmocka_unit_test(limits),
        cmocka_unit_test(look_up_and_change),
        cmocka_unit_test(printing_is_the_inverse_of_parsing),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(server_forms),
        cmocka_unit_test(synonyms),
        cmocka_unit_test(encrypt_words),
        cmocka_unit_test(bad_values_name_keyword_and_value),
    };
    return cmocka_run_group_tests_name("connstr", tests, NULL, NULL);
}
