/* SPDX-License-Identifier: MIT */
/* doctor: from evidence to diagnosis, each decider alone. */
#include "base/mem.h"
#include "doctor/cases.h"
#include "doctor/decide.h"
#include "doctor/doctor.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static entrasql_error error_of(entrasql_status status, uint32_t number, const char *message)
{
    entrasql_error err;
    es_fail(&err, status, "%s", message);
    err.number = number;
    return err;
}

/* Every word that a decider says has a row, under the link that it is said of. */
static void check_word(const char *id, const char *expected, const char *link)
{
    assert_string_equal(id, expected);
    const doctor_case *c = doctor_case_find(id);
    assert_non_null(c);
    assert_string_equal(c->link, link);
}

static void test_refused_logins(void **state)
{
    static const struct {
        uint32_t number;
        const char *message;
        const char *id;
        const char *link;
    } rows[] = {
        {18456, "Login failed for user ''. Token is expired", "token-expired", "token"},
        {18456, "Login failed: Incorrect or invalid token", "token-refused", "login"},
        {18456, "Server is not currently configured to accept this token", "no-admin", "login"},
        {18456, "Azure Active Directory only authentication is enabled", "entra-only", "login"},
        {18456, "Login failed for user '<TOKEN-identified principal>'.", "no-user", "login"},
        {18456, "Login failed for user 'NT AUTHORITY\\ANONYMOUS LOGON'.", "no-credentials-sent",
         "login"},
        {18456, "Login failed for user ''.", "no-credentials-sent", "login"},
        {18456, "Login failed for user 'tester'.", "sql-login-refused", "login"},
        {18456, "", "sql-login-refused", "login"},
        {4060, "Cannot open database", "database-unknown", "login"},
        {40615, "", "firewall", "login"},
        {40914, "", "network-rule", "login"},
        {47073, "", "public-access-off", "login"},
        {42101, "", "public-access-off", "login"},
        {40613, "", "paused", "login"},
        {40197, "", "try-again", "login"},
        {49920, "", "busy", "login"},
        {0, "the server redirects to h:11000, which cannot be reached", "redirect-blocked",
         "login"},
        {0, "the server redirects in a circle", "redirect-circle", "login"},
        {0, "Token is expired", "login-failed", "login"}, /* the text alone is not enough */
        {99999, "<token-identified principal>", "login-failed", "login"},
        {18456, "the entrasql proxy signs in by itself and takes no token of a client",
         "proxy-signs-in", "login"},
        {18456, "the entrasql proxy takes no Windows (integrated) logins", "proxy-signs-in",
         "login"},
        {18456, "the entrasql proxy serves user 1 and not user 2", "proxy-refused", "login"},
        {18456, "the entrasql proxy serves 2 clients already", "proxy-refused", "login"},
    };
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        entrasql_error err = error_of(ENTRASQL_LOGIN_FAILED, rows[i].number, rows[i].message);
        check_word(doctor_login_id(&err), rows[i].id, rows[i].link);
    }
}

static void test_broken_tls(void **state)
{
    static const struct {
        const char *message;
        const char *id;
    } rows[] = {
        {"the certificate of h is issued by \"Corp\", which is not trusted here",
         "tls-unknown-issuer"},
        {"the certificate is signed by itself (h) and is not trusted here", "tls-unknown-issuer"},
        {"the certificate of h is for a.example, not for \"b.example\"", "tls-wrong-name"},
        {"the certificate of h expired on 2020-01-01", "tls-expired"},
        {"the certificate of h is valid only from 2090-01-01 on", "tls-expired"},
        {"the server does not support encryption, and a password is not sent in clear",
         "server-without-tls"},
        {"the peer closed the connection", "tls-failed"},
        {"", "tls-failed"},
    };
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        entrasql_error err = error_of(ENTRASQL_TLS, 0, rows[i].message);
        check_word(doctor_tls_id(&err), rows[i].id, "tls");
    }
}

static void test_unreached_ports(void **state)
{
    static const struct {
        int number;
        const char *id;
    } rows[] = {
        {ECONNREFUSED, "port-refused"}, {ENETUNREACH, "no-route"},   {EHOSTUNREACH, "no-route"},
        {EAFNOSUPPORT, "no-route"},     {ETIMEDOUT, "port-blocked"}, {0, "port-blocked"},
    };
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        entrasql_error err = error_of(ENTRASQL_NETWORK, 0, "cannot connect");
        err.os_errno = rows[i].number;
        check_word(doctor_tcp_id(&err), rows[i].id, "tcp");
    }
}

static void test_credentials_without_a_token(void **state)
{
    static const char mi[] = "ManagedIdentityCredential";
    static const char az[] = "AzureCliCredential";
    static const struct {
        const char *name;
        entrasql_status status;
        uint32_t number;
        const char *message;
        const char *id;
    } rows[] = {
        {mi, ENTRASQL_AUTH_FAILED, 0, "Multiple user assigned identities exist",
         "identities-several"},
        {mi, ENTRASQL_AUTH_FAILED, 429, "too many", "imds-throttled"},
        {mi, ENTRASQL_AUTH_FAILED, 403, "unreachable network", "imds-forbidden"},
        {mi, ENTRASQL_AUTH_FAILED, 0, "the requested identity isn't assigned",
         "identity-not-attached"},
        {mi, ENTRASQL_AUTH_FAILED, 400,
         "the requested identity isn't assigned to this resource: App Service gave no token for "
         "the user-assigned identity with client id 11111111-0429-4000-8000-000000000403 (HTTP "
         "400)",
         "identity-not-attached"},
        {mi, ENTRASQL_AUTH_FAILED, 7, "gave no token for x (HTTP 429)", "imds-throttled"},
        {mi, ENTRASQL_TIMEOUT, 0, "no answer", "imds-absent"},
        {mi, ENTRASQL_NETWORK, 0, "refused", "imds-absent"},
        {mi, ENTRASQL_AUTH_FAILED, 0, "the answer is no JSON", "credential-failed"},
        {az, ENTRASQL_UNAVAILABLE, 0, "Azure CLI not found on path", "az-missing"},
        {az, ENTRASQL_UNAVAILABLE, 0, "please run az login", "az-signed-out"},
        {az, ENTRASQL_AUTH_FAILED, 0, "AADSTS700082: expired", "entra-refused"},
        {az, ENTRASQL_AUTH_FAILED, 0, "AADSTS1: nobody knows", "credential-failed"},
        {"EnvironmentCredential", ENTRASQL_AUTH_FAILED, 0, "AADSTS7000215: secret",
         "entra-refused"},
        {"EnvironmentCredential", ENTRASQL_AUTH_FAILED, 0, "", "credential-failed"},
    };
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        entrasql_error err = error_of(rows[i].status, rows[i].number, rows[i].message);
        check_word(doctor_credential_id(rows[i].name, &err), rows[i].id, "credential");
    }
}

static void test_brief(void **state)
{
    static const struct {
        const char *message;
        const char *brief;
    } rows[] = {
        {"workload identity is not set up; missing: AZURE_TENANT_ID",
         "workload identity is not set up"},
        {"Visual Studio is not here (~/.x does not exist); try again", "Visual Studio is not here"},
        {"nobody is signed in", "nobody is signed in"},
        {" (", " ("},
        {"", ""},
    };
    char brief[60];
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        doctor_brief(rows[i].message, brief, sizeof brief);
        assert_string_equal(brief, rows[i].brief);
    }
    doctor_brief("four", brief, 3);
    assert_string_equal(brief, "fo");
}

static void test_keywords(void **state)
{
    static const struct {
        const char *keyword;
        conf_form form;
        const char *meant; /* NULL: it is known */
    } rows[] = {
        {"server", CONF_FORM_ODBC, NULL},
        {"Net", CONF_FORM_ODBC, NULL},
        {"TDS_Version", CONF_FORM_ODBC, NULL},
        {"Databse", CONF_FORM_ODBC, "Database"},
        {"Frobnicate", CONF_FORM_ODBC, ""},
        {"Max Pool Size", CONF_FORM_ADO, NULL},
        {"Max Pool Size", CONF_FORM_ODBC, ""},
        {"Initial Catlog", CONF_FORM_ADO, "Initial Catalog"},
        {"trustStore", CONF_FORM_JDBC, NULL},
        {"encrpt", CONF_FORM_JDBC, "encrypt"},
        {"", CONF_FORM_GO, ""},
    };
    char meant[60];
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        const char *said = doctor_keyword_meant(rows[i].keyword, rows[i].form, meant, sizeof meant);
        if (rows[i].meant == NULL)
            assert_null(said);
        else
            assert_string_equal(said, rows[i].meant);
    }
}

static void test_neighbours(void **state)
{
    (void)state;
    assert_true(doctor_looks_like_string("Server=s;Database=d"));
    assert_true(doctor_looks_like_string("'Driver={x}; Server=s'"));
    assert_true(doctor_looks_like_string("Driver={x};DSN=d"));
    assert_true(doctor_looks_like_string("jdbc:sqlserver://h;user=u"));
    assert_true(doctor_looks_like_string("mssql+pyodbc://h/d"));
    assert_false(doctor_looks_like_string(""));
    assert_false(doctor_looks_like_string(";"));
    assert_false(doctor_looks_like_string("the server=x of old"));
    assert_false(doctor_looks_like_string("jdbc:mysql://h"));
    assert_false(doctor_looks_like_string("/usr/bin:/bin"));
}

static void test_audience(void **state)
{
    static const char scope[] = "https://database.windows.net/.default";
    (void)state;
    assert_true(doctor_is_audience("https://database.windows.net", scope));
    assert_true(doctor_is_audience("https://database.windows.net/", scope));
    assert_true(doctor_is_audience("https://Database.Windows.NET//", scope));
    assert_false(doctor_is_audience("https://database.windows.ne", scope));
    assert_false(doctor_is_audience("https://database.windows.net.evil", scope));
    assert_false(doctor_is_audience("https://management.azure.com/", scope));
    assert_false(doctor_is_audience("", scope));
    assert_false(doctor_is_audience("/", scope));
}

/* Each cut of a text, and each with a byte of it changed: never more than what is there. */
static void each_cut(const char *text, void (*check)(const char *cut, bool is_whole))
{
    size_t n = strlen(text);
    for (size_t length = 0; length <= n; length++) {
        char *cut = es_strndup(text, length); /* of its own length: a checker sees a read past it */
        assert_non_null(cut);
        check(cut, length == n);
        es_free(cut);
    }
    for (size_t i = 0; i < n; i++) {
        char *changed = es_strdup(text);
        assert_non_null(changed);
        changed[i] = (char)(changed[i] ^ 0x81);
        check(changed, false);
        es_free(changed);
    }
}

static const char tenant[] = "c0470500-7e57-4000-8000-000000000001";

static void check_tenant(const char *cut, bool is_whole)
{
    char found[ES_GUID_TEXT_SIZE] = "x";
    doctor_tenant_of(cut, found);
    if (is_whole)
        assert_string_equal(found, tenant);
    else if (found[0] != '\0') /* a change in the part before the tenant is none of its business */
        assert_string_equal(found, tenant);
}

static void test_tenant(void **state)
{
    char found[ES_GUID_TEXT_SIZE];
    (void)state;
    each_cut("https://login.microsoftonline.com/c0470500-7e57-4000-8000-000000000001",
             check_tenant);
    doctor_tenant_of("https://h/C0470500-7E57-4000-8000-000000000001//", found);
    assert_string_equal(found, tenant);
    doctor_tenant_of(tenant, found);
    assert_string_equal(found, tenant);
    doctor_tenant_of("https://login.microsoftonline.com/common", found);
    assert_string_equal(found, "");
    doctor_tenant_of("////", found);
    assert_string_equal(found, "");
}

static void check_date(const char *cut, bool is_whole)
{
    int64_t seconds = -1;
    bool good = doctor_date(cut, &seconds);
    if (is_whole) {
        assert_true(good);
        assert_int_equal(seconds, 784111777);
    } else if (!good) {
        assert_int_equal(seconds, -1);
    }
}

static void test_date(void **state)
{
    int64_t seconds = 0;
    (void)state;
    each_cut("Sun, 06 Nov 1994 08:49:37 GMT", check_date);
    assert_false(doctor_date("Sun, 06 Nov 1994 08:49:37 GMT ", &seconds));
    assert_false(doctor_date("Sun, 06 Nov 1994 08:49:37 CET", &seconds));
    assert_false(doctor_date("1994-11-06T08:49:37Z", &seconds));
    assert_false(doctor_date("Sun, 32 Nov 1994 08:49:37 GMT", &seconds));
}

static void check_banner(const char *bytes, size_t n, const char *expected)
{
    char text[24];
    uint8_t *own = es_malloc(n != 0 ? n : 1);
    assert_non_null(own);
    if (n != 0)
        memcpy(own, bytes, n);
    doctor_banner(own, n, text, sizeof text);
    assert_string_equal(text, expected);
    es_free(own);
}

static void test_banner(void **state)
{
    (void)state;
    check_banner("SSH-2.0-OpenSSH\r\nmore", 21, "SSH-2.0-OpenSSH");
    check_banner("HTTP/1.1 400", 12, "HTTP/1.1 400");
    check_banner("0123456789012345678901234567890", 31, "01234567890123456789012");
    check_banner("abc", 3, ""); /* too short to say anything */
    check_banner("\x15\x03\x01\x00\x02\x02\x46", 7, "");
    check_banner("text\x00more", 9, "");
    check_banner("text\x1b[2Jmore", 12, "");
    check_banner("", 0, "");
}

static void test_placeholder(void **state)
{
    (void)state;
    assert_true(doctor_is_placeholder("<server-name>.database.windows.net"));
    assert_true(doctor_is_placeholder("${SERVER}"));
    assert_true(doctor_is_placeholder("{your_server}.database.windows.net"));
    assert_true(doctor_is_placeholder("your-server.database.windows.net"));
    assert_false(doctor_is_placeholder("contoso-sql.database.windows.net"));
    assert_false(doctor_is_placeholder("10.0.0.4"));
    assert_false(doctor_is_placeholder("::1"));
    assert_false(doctor_is_placeholder(""));
}

/* The exit code is that of the first link that fails, whatever only warns before it. */
static void test_class(void **state)
{
    static const struct {
        const char *link;
        entrasql_error_class class_of;
    } rows[] = {
        {"environment", ENTRASQL_CLASS_USAGE}, {"name", ENTRASQL_CLASS_NETWORK},
        {"tls", ENTRASQL_CLASS_TLS},           {"prelogin", ENTRASQL_CLASS_PEER},
        {"token", ENTRASQL_CLASS_AUTH},        {"login", ENTRASQL_CLASS_LOGIN},
        {"driver", ENTRASQL_CLASS_USAGE},
    };
    doctor_report *r = es_calloc(1, sizeof *r);
    (void)state;
    assert_non_null(r);
    assert_int_equal(doctor_class(r), ENTRASQL_CLASS_NONE);
    r->count = 3;
    r->lines[0] = (doctor_line){.link = "name", .state = DOCTOR_WARN};
    r->lines[2] = (doctor_line){.link = "settings", .state = DOCTOR_FAIL};
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        r->lines[1] = (doctor_line){.link = rows[i].link, .state = DOCTOR_FAIL};
        assert_int_equal(doctor_class(r), rows[i].class_of);
    }
    r->count = 1;
    assert_int_equal(doctor_class(r), ENTRASQL_CLASS_NONE);
    es_free(r);
}

/* The table itself: each row says what and what next, and no word is there twice. */
static void test_cases(void **state)
{
    size_t count = 0;
    const doctor_case *all = doctor_cases(&count);
    (void)state;
    assert_true(count >= 40);
    for (size_t i = 0; i < count; i++) {
        assert_ptr_equal(doctor_case_find(all[i].id), &all[i]);
        assert_true(all[i].what[0] != '\0' && all[i].fix[0] != '\0');
        assert_true(strlen(all[i].fix) < sizeof((doctor_line *)NULL)->fix);
    }
    assert_null(doctor_case_find("nosuch"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused_logins),  cmocka_unit_test(test_broken_tls),
        cmocka_unit_test(test_unreached_ports), cmocka_unit_test(test_credentials_without_a_token),
        cmocka_unit_test(test_brief),           cmocka_unit_test(test_keywords),
        cmocka_unit_test(test_neighbours),      cmocka_unit_test(test_audience),
        cmocka_unit_test(test_tenant),          cmocka_unit_test(test_date),
        cmocka_unit_test(test_banner),          cmocka_unit_test(test_placeholder),
        cmocka_unit_test(test_class),           cmocka_unit_test(test_cases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
