/* SPDX-License-Identifier: MIT */
/* conf: one set of settings for every form, conversion, and the way out of passwords. */
#include "base/mem.h"
#include "base/str.h"
#include "conf/keys.h"
#include "conf/login.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ID "11111111-2222-3333-4444-555555555555"
#define OBJECT "99999999-8888-7777-6666-555555555555"

static uint32_t next(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static const char *pick(uint32_t *seed, const char *const *texts, size_t count)
{
    return texts[next(seed) % count];
}

/* A value that the setting may have, in our spelling. */
static const char *legal_value(conf_key key, uint32_t *seed)
{
    static const char *const nasty[] = {"a",     "a;b",      "{x}",      "'",    "a\"b'c",
                                        " a ",   "p%41+&?#", "\xc3\xa4", "a=b=", "\\",
                                        "}}{{;", "@:/[]",    "\t\n",     "d-1.x"};
    static const char *const hosts[] = {"h", "srv.database.windows.net", "::1", "10.0.0.1"};
    static const char *const bools[] = {"yes", "no"};
    static const char *const numbers[] = {"0", "30", "4096"};
    static const char *const encrypts[] = {"optional", "mandatory", "strict"};
    static const char *const methods[] = {"sql-password", "password",          "integrated",
                                          "interactive",  "service-principal", "Some New Method"};
    static const char *const intents[] = {"ReadOnly", "ReadWrite"};
    switch ((unsigned)key) {
    case CONF_KEY_SERVER:
        return pick(seed, hosts, ES_COUNT_OF(hosts));
    case CONF_KEY_PORT:
    case CONF_KEY_LOGIN_TIMEOUT:
    case CONF_KEY_COMMAND_TIMEOUT:
    case CONF_KEY_RETRY_COUNT:
    case CONF_KEY_RETRY_INTERVAL:
    case CONF_KEY_PACKET_SIZE:
        return pick(seed, numbers, ES_COUNT_OF(numbers));
    case CONF_KEY_TRUSTED:
    case CONF_KEY_TRUST_CERTIFICATE:
    case CONF_KEY_MULTI_SUBNET:
    case CONF_KEY_MARS:
        return pick(seed, bools, ES_COUNT_OF(bools));
    case CONF_KEY_ENCRYPT:
        return pick(seed, encrypts, ES_COUNT_OF(encrypts));
    case CONF_KEY_AUTHENTICATION:
        return pick(seed, methods, ES_COUNT_OF(methods));
    case CONF_KEY_INTENT:
        return pick(seed, intents, ES_COUNT_OF(intents));
    case CONF_KEY_INSTANCE:
        return "inst";
    default:
        return pick(seed, nasty, ES_COUNT_OF(nasty));
    }
}

static conf_form words_of(conf_form form)
{
    return form == CONF_FORM_SQLALCHEMY ? CONF_FORM_ODBC : form;
}

static bool can_say(conf_form form, conf_key key)
{
    if (key == CONF_KEY_CLIENT_ID || key == CONF_KEY_DIALECT)
        return false;
    if (key == CONF_KEY_INSTANCE || key == CONF_KEY_PORT)
        return form != CONF_FORM_PYMSSQL || key == CONF_KEY_PORT;
    return conf_key_word(key, words_of(form)) != NULL;
}

static void make_login(conf_form form, conf_login *login, uint32_t *seed)
{
    login->words = words_of(form);
    for (unsigned i = 0; i < CONF_KEY_COUNT; i++) {
        conf_key key = (conf_key)i;
        if (!can_say(form, key) || (key != CONF_KEY_SERVER && next(seed) % 2 == 0))
            continue;
        const char *value = legal_value(key, seed);
        if (form == CONF_FORM_PYMSSQL && es_streq(value, "strict"))
            value = "mandatory";
        if (form == CONF_FORM_GO && es_streq(value, "sql-password"))
            value = "password";
        assert_int_equal(conf_login_set(login, key, value), ENTRASQL_OK);
    }
    if (next(seed) % 2 == 0)
        assert_int_equal(
            conf_connstr_append(&login->own, "KeepAlive", legal_value(CONF_KEY_PASSWORD, seed)),
            ENTRASQL_OK);
}

static void assert_same_login(conf_form form, const conf_login *a, const conf_login *b,
                              const char *text)
{
    for (unsigned i = 0; i < CONF_KEY_COUNT; i++) {
        if (i != CONF_KEY_DIALECT && !es_streq(a->values[i], b->values[i]))
            fail_msg("%s: %s: %s: '%s' became '%s'", conf_form_name(form), text,
                     conf_key_name((conf_key)i), a->values[i] != NULL ? a->values[i] : "(none)",
                     b->values[i] != NULL ? b->values[i] : "(none)");
    }
    assert_int_equal(a->own.count, b->own.count);
    for (size_t i = 0; i < a->own.count; i++)
        assert_string_equal(a->own.pairs[i].value, b->own.pairs[i].value);
}

/* Printing a login and reading it gives the login back, and nothing was dropped. */
static void what_is_printed_says_the_same(void **state)
{
    (void)state;
    uint32_t seed = 7;
    for (unsigned form = 0; form < CONF_FORM_COUNT; form++) {
        for (unsigned i = 0; i < 5000; i++) {
            conf_login login = {0};
            conf_login again = {0};
            conf_connstr dropped = {0};
            entrasql_error err;
            es_buf text = ES_BUF_INIT_WIPE(CONF_CONNSTR_MAX_BYTES);
            make_login((conf_form)form, &login, &seed);
            if (conf_login_print(&login, (conf_form)form, &text, &dropped, &err) != ENTRASQL_OK)
                fail_msg("%s: %s", conf_form_name((conf_form)form), err.message);
            if (dropped.count != 0)
                fail_msg("%s dropped %s", conf_form_name((conf_form)form),
                         dropped.pairs[0].keyword);
            if (conf_login_parse((conf_form)form, es_buf_cstr(&text), &again, &err) != ENTRASQL_OK)
                fail_msg("%s: %s: %s", conf_form_name((conf_form)form), es_buf_cstr(&text),
                         err.message);
            assert_same_login((conf_form)form, &login, &again, es_buf_cstr(&text));
            es_buf_done(&text);
            conf_login_done(&login);
            conf_login_done(&again);
        }
    }
}

/* From any form to any other and back: what both can say is still said. */
static void any_form_to_any_other(void **state)
{
    (void)state;
    uint32_t seed = 3;
    for (unsigned from = 0; from < CONF_FORM_COUNT; from++) {
        for (unsigned to = 0; to < CONF_FORM_COUNT; to++) {
            conf_login login = {0};
            conf_login there = {0};
            entrasql_error err;
            es_buf text = ES_BUF_INIT_WIPE(CONF_CONNSTR_MAX_BYTES);
            make_login((conf_form)from, &login, &seed);
            conf_connstr_done(&login.own);
            if (to == CONF_FORM_SQLALCHEMY && login.words == CONF_FORM_PYMSSQL)
                login.words = CONF_FORM_ODBC;
            assert_int_equal(conf_login_print(&login, (conf_form)to, &text, NULL, &err),
                             ENTRASQL_OK);
            assert_int_equal(conf_login_parse((conf_form)to, es_buf_cstr(&text), &there, &err),
                             ENTRASQL_OK);
            for (unsigned i = 0; i < CONF_KEY_COUNT; i++) {
                if (there.values[i] != NULL && i != CONF_KEY_DIALECT)
                    assert_true(es_streq(login.values[i], there.values[i]));
                if (i != CONF_KEY_AUTHENTICATION && i != CONF_KEY_ENCRYPT &&
                    can_say((conf_form)to, (conf_key)i) && login.values[i] != NULL)
                    assert_non_null(there.values[i]);
            }
            es_buf_done(&text);
            conf_login_done(&login);
            conf_login_done(&there);
        }
    }
}

/* ---- passwordless ---- */

static const conf_form odbc = CONF_FORM_ODBC;
static const conf_form ado = CONF_FORM_ADO;
static const conf_form jdbc = CONF_FORM_JDBC;
static const conf_form go = CONF_FORM_GO;
static const conf_form sqlalchemy = CONF_FORM_SQLALCHEMY;
static const conf_form pymssql = CONF_FORM_PYMSSQL;

#define DEFAULT CONF_IDENTITY_DEFAULT
#define SYSTEM CONF_IDENTITY_SYSTEM
#define USER CONF_IDENTITY_USER

static const struct convert_case {
    const char *text;
    conf_convert_options options;
    const char *expected;
} convert_cases[] = {
    /* the tutorial's own string */
    {"Driver={ODBC Driver 18 for SQL Server};Server=tcp:s.database.windows.net,1433;Database=d;"
     "UID=u;PWD={a;b}}c};Encrypt=yes;TrustServerCertificate=no;Connection Timeout=30",
     {.identity = DEFAULT},
     "Driver={ODBC Driver 18 for SQL Server};Server=tcp:s.database.windows.net,1433;Database=d;"
     "Encrypt=yes;TrustServerCertificate=no;Connection Timeout=30"},
    {"Server=s;Database=d;UID=u;PWD=p",
     {.identity = USER, .client_id = ID},
     "Driver={ODBC Driver 18 for SQL Server};Server=tcp:s,1433;Database=d;"
     "Authentication=ActiveDirectoryMsi;UID=" ID ";Encrypt=yes;TrustServerCertificate=no"},
    {"Server=s;Database=d;UID=u;PWD=p",
     {.identity = USER, .client_id = ID, .object_id = OBJECT},
     "Driver={ODBC Driver 18 for SQL Server};Server=tcp:s,1433;Database=d;"
     "Authentication=ActiveDirectoryMsi;UID=" OBJECT ";Encrypt=yes;TrustServerCertificate=no"},
    {"Driver=FreeTDS;Server=s;Port=1433;Database=d;UID=u;PWD=p;TDS_Version=7.4",
     {.identity = DEFAULT, .client_id = ID},
     "Driver=entrasql;Server=tcp:s,1433;Database=d;Authentication=ActiveDirectoryDefault;UID=" ID
     ";Encrypt=yes;TrustServerCertificate=no;TDS_Version=7.4"},
    {"Driver={SQL Server};Server=s;Trusted_Connection=yes;Database=d",
     {.identity = SYSTEM},
     "Driver={ODBC Driver 18 for SQL Server};Server=tcp:s,1433;Database=d;"
     "Authentication=ActiveDirectoryMsi;Encrypt=yes;TrustServerCertificate=no"},
    {"DSN=x;UID=u;PWD=p", {.identity = DEFAULT}, "DSN=x;Encrypt=yes;TrustServerCertificate=no"},
    {"Data Source=s,1433;Initial Catalog=d;User ID=u;Password='a;\"b';Persist Security Info=True;"
     "MultipleActiveResultSets=True;Encrypt=False;Max Pool Size=5",
     {.identity = USER, .client_id = ID},
     "Server=tcp:s,1433;Database=d;Authentication=Active Directory Managed Identity;User ID=" ID
     ";Encrypt=True;TrustServerCertificate=False;MultipleActiveResultSets=True;Max Pool Size=5"},
    {"Server=s;Database=d;User ID=u;Password=p;Connect Timeout=30",
     {.identity = DEFAULT},
     "Server=tcp:s,1433;Database=d;Authentication=Active Directory Default;Encrypt=True;"
     "TrustServerCertificate=False;Connect Timeout=30"},
    {"jdbc:sqlserver://s:1433;database=d;user=u@s;password={p;};encrypt=true;"
     "trustServerCertificate=true;loginTimeout=30;trustStorePassword=x",
     {.identity = USER, .client_id = ID},
     "jdbc:sqlserver://s:1433;databaseName=d;authentication=ActiveDirectoryManagedIdentity;"
     "msiClientId=" ID ";encrypt=true;trustServerCertificate=false;loginTimeout=30"},
    {"sqlserver://u:p%3Bx@s?database=d&encrypt=disable&connection+timeout=30",
     {.identity = USER, .client_id = ID},
     "sqlserver://s:1433?database=d&fedauth=ActiveDirectoryManagedIdentity&user%20id=" ID
     "&encrypt=true&trustservercertificate=false&connection%20timeout=30"},
    {"mssql+pyodbc://u:p%40@s:1433/d?driver=ODBC+Driver+18+for+SQL+Server",
     {.identity = SYSTEM},
     "mssql+pyodbc:///?odbc_connect=Driver%3D%7BODBC%20Driver%2018%20for%20SQL%20Server%7D%3BServer"
     "%3Dtcp%3As%2C1433%3BDatabase%3Dd%3BAuthentication%3DActiveDirectoryMsi%3BEncrypt%3Dyes%3B"
     "TrustServerCertificate%3Dno"},
    {"mssql+pymssql://u:p@s/d?charset=utf8",
     {.identity = DEFAULT, .proxy_port = 14330},
     "mssql+pymssql://entrasql@127.0.0.1:14330/d?charset=utf8"},
    {"pymssql.connect(server='s', user='u@s', password='p', database='d')",
     {.identity = DEFAULT},
     "server='127.0.0.1', port='1433', database='d', user='entrasql'"},
    /* from one form to another */
    {"Driver={ODBC Driver 17 for SQL "
     "Server};Server=s;Database=d;UID=u;PWD=p;APP=x;MARS_Connection=yes",
     {.to = &jdbc, .identity = DEFAULT},
     "jdbc:sqlserver://s:1433;databaseName=d;authentication=ActiveDirectoryDefault;encrypt=true;"
     "trustServerCertificate=false;applicationName=x"},
    {"jdbc:sqlserver://s;databaseName=d;user=u;password=p;applicationIntent=ReadOnly",
     {.to = &ado, .identity = USER, .client_id = ID},
     "Server=tcp:s,1433;Database=d;Authentication=Active Directory Managed Identity;User ID=" ID
     ";Encrypt=True;TrustServerCertificate=False;ApplicationIntent=ReadOnly"},
    {"pymssql.connect('s', 'u', 'p', 'd', login_timeout=30)",
     {.to = &sqlalchemy, .identity = USER, .client_id = ID, .driver = "entrasql"},
     "mssql+pyodbc:///?odbc_connect=Driver%3Dentrasql%3BServer%3Dtcp%3As%2C1433%3BDatabase%3Dd%3B"
     "Authentication%3DActiveDirectoryMsi%3BUID%3D" ID "%3BEncrypt%3Dyes%3B"
     "TrustServerCertificate%3Dno%3BConnection%20Timeout%3D30"},
    {"Server=s;Database=a b;User ID=u;Password=p",
     {.to = &go, .identity = SYSTEM},
     "sqlserver://s:1433?database=a%20b&fedauth=ActiveDirectoryManagedIdentity&encrypt=true&"
     "trustservercertificate=false"},
    {"Server=s;Database=d;User ID=u;Password=p;Encrypt=Strict",
     {.to = &odbc, .identity = DEFAULT},
     "Driver={ODBC Driver 18 for SQL Server};Server=tcp:s,1433;Database=d;Encrypt=strict;"
     "TrustServerCertificate=no"},
    /* a driver's folders say nothing of the driver */
    {"Server=s;Database=d;User ID=u;Password=p",
     {.to = &odbc, .identity = DEFAULT, .driver = "/entrasql/lib/libmsodbcsql-18.so"},
     "Driver=/entrasql/lib/libmsodbcsql-18.so;Server=tcp:s,1433;Database=d;Encrypt=yes;"
     "TrustServerCertificate=no"},
    {"Server=s;Database=d;User ID=u;Password=p",
     {.to = &pymssql, .identity = DEFAULT},
     "server='127.0.0.1', port='1433', database='d', user='entrasql'"},
};

static void conversions(void **state)
{
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(convert_cases); i++) {
        const struct convert_case *c = &convert_cases[i];
        conf_converted converted;
        entrasql_error err;
        es_buf text = ES_BUF_INIT_WIPE(CONF_CONNSTR_MAX_BYTES);
        if (conf_convert(c->text, &c->options, &text, &converted, &err) != ENTRASQL_OK)
            fail_msg("%s: %s", c->text, err.message);
        if (!es_streq(es_buf_cstr(&text), c->expected))
            fail_msg("%s\nbecame    %s\nexpected  %s", c->text, es_buf_cstr(&text), c->expected);
        es_buf_done(&text);
        conf_converted_done(&converted);
    }
}

static void what_is_dropped_is_named(void **state)
{
    (void)state;
    conf_convert_options options = {.to = &jdbc, .identity = DEFAULT};
    conf_converted converted;
    es_buf text = ES_BUF_INIT_WIPE(CONF_CONNSTR_MAX_BYTES);
    assert_int_equal(
        conf_convert("Server=s;Database=d;UID=u;PWD=p;MARS_Connection=yes;LongAsMax=yes;"
                     "TrustServerCertificate=yes;Encrypt=no;KeystoreSecret=x",
                     &options, &text, &converted, NULL),
        ENTRASQL_OK);
    assert_true(converted.had_password);
    assert_non_null(conf_connstr_get(&converted.dropped, "multiple active result sets"));
    assert_non_null(conf_connstr_get(&converted.dropped, "LongAsMax"));
    assert_non_null(conf_connstr_get(&converted.dropped, "KeystoreSecret"));
    assert_non_null(conf_connstr_get(&converted.changed, "trust server certificate"));
    assert_non_null(conf_connstr_get(&converted.changed, "encryption"));
    es_buf_done(&text);
    conf_converted_done(&converted);
}

static void what_cannot_be_converted(void **state)
{
    static const struct {
        const char *text;
        conf_convert_options options;
        entrasql_status status;
        const char *message;
    } cases[] = {
        {"Database=d", {.identity = DEFAULT}, ENTRASQL_CONFIG, "names no server"},
        {"Server=np:x", {.identity = DEFAULT}, ENTRASQL_CONFIG, "over TCP only"},
        {"Server=s:1433", {.identity = DEFAULT}, ENTRASQL_CONFIG, "holds a ':'"},
        {"sqlserver://s/a%2Cb", {.identity = DEFAULT}, ENTRASQL_CONFIG, "instance's name"},
        {"Server=s,70000", {.identity = DEFAULT}, ENTRASQL_CONFIG, "1 to 65535"},
        {"Server=s,x", {.identity = DEFAULT}, ENTRASQL_CONFIG, "port"},
        {"Server=s,1;Port=2", {.identity = DEFAULT}, ENTRASQL_CONFIG, "names port 1 and Port"},
        {"Server=s;Encrypt=sesame", {.identity = DEFAULT}, ENTRASQL_CONFIG, "value of Encrypt"},
        {"DSN=x", {.to = &ado, .identity = DEFAULT}, ENTRASQL_CONFIG, "data source"},
        {"Server=s", {.identity = USER}, ENTRASQL_INVALID, "client id"},
        {"Server=s", {.identity = USER, .client_id = "x"}, ENTRASQL_INVALID, "not a GUID"},
        {"Server=s", {.identity = SYSTEM, .client_id = ID}, ENTRASQL_INVALID, "no client id"},
        {"mssql+pyodbc:///?odbc_connect=Server%3Dx%3By",
         {.identity = DEFAULT},
         ENTRASQL_CONFIG,
         "odbc_connect: connection string, character 10"},
    };
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(cases); i++) {
        conf_converted converted;
        entrasql_error err;
        es_buf text = ES_BUF_INIT_WIPE(CONF_CONNSTR_MAX_BYTES);
        entrasql_status status =
            conf_convert(cases[i].text, &cases[i].options, &text, &converted, &err);
        if (status != cases[i].status || strstr(err.message, cases[i].message) == NULL)
            fail_msg("%s gave %d: %s", cases[i].text, (int)status, err.message);
        assert_null(strstr(err.message, "sesame"));
        es_buf_done(&text);
    }
}

/* Whatever the password, it is gone and the rest is as it was. */
static void no_password_survives(void **state)
{
    (void)state;
    uint32_t seed = 11;
    for (unsigned i = 0; i < 12000; i++) {
        conf_form from = (conf_form)(next(&seed) % CONF_FORM_COUNT);
        conf_form to = (conf_form)(next(&seed) % CONF_FORM_COUNT);
        conf_login login = {0};
        conf_login again = {0};
        conf_converted converted;
        entrasql_error err;
        es_buf text = ES_BUF_INIT_WIPE(CONF_CONNSTR_MAX_BYTES);
        es_buf out = ES_BUF_INIT_WIPE(CONF_CONNSTR_MAX_BYTES);
        conf_convert_options options = {
            .from = &from, .to = &to, .identity = USER, .client_id = ID};
        make_login(from, &login, &seed);
        assert_int_equal(conf_login_set(&login, CONF_KEY_PASSWORD, "s3cr3t;W0rd"), ENTRASQL_OK);
        assert_int_equal(conf_login_print(&login, from, &text, NULL, &err), ENTRASQL_OK);
        if (conf_convert(es_buf_cstr(&text), &options, &out, &converted, &err) != ENTRASQL_OK)
            fail_msg("%s: %s", es_buf_cstr(&text), err.message);
        assert_true(converted.had_password);
        assert_null(strstr(es_buf_cstr(&out), "W0rd"));
        assert_int_equal(conf_login_parse(to, es_buf_cstr(&out), &again, &err), ENTRASQL_OK);
        assert_null(again.values[CONF_KEY_PASSWORD]);
        if (login.values[CONF_KEY_DATABASE] != NULL)
            assert_string_equal(again.values[CONF_KEY_DATABASE], login.values[CONF_KEY_DATABASE]);
        conf_converted_done(&converted);
        es_buf_done(&text);
        es_buf_done(&out);
        conf_login_done(&login);
        conf_login_done(&again);
    }
}

static void without_memory(void **state)
{
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(convert_cases); i++) {
        entrasql_status status = ENTRASQL_NOMEM;
        for (unsigned long nth = 1; status != ENTRASQL_OK; nth++) {
            conf_converted converted = {0};
            entrasql_error err;
            es_buf text = ES_BUF_INIT_WIPE(CONF_CONNSTR_MAX_BYTES);
            es_mem_fail_from(nth);
            status = conf_convert(convert_cases[i].text, &convert_cases[i].options, &text,
                                  &converted, &err);
            es_mem_fail_from(0);
            conf_converted_done(&converted);
            es_buf_done(&text);
            if (status != ENTRASQL_OK && status != ENTRASQL_NOMEM)
                fail_msg("%s, allocation %lu: %s", convert_cases[i].text, nth, err.message);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_printed_says_the_same),
        cmocka_unit_test(any_form_to_any_other),
        cmocka_unit_test(conversions),
        cmocka_unit_test(what_is_dropped_is_named),
        cmocka_unit_test(what_cannot_be_converted),
        cmocka_unit_test(no_password_survives),
        cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests_name("conf login", tests, NULL, NULL);
}
