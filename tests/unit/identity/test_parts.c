/* SPDX-License-Identifier: MIT */
/* identity: its pure parts: scopes, tenants, authorities, expiry, redaction, errors, claims. */
#include "base/mem.h"
#include "common.h"
#include "identity/aadsts.h"
#include "identity/az_output.h"
#include "identity/claims.h"
#include "identity/exchange.h"
#include "identity/mi_source.h"
#include "identity/redact.h"
#include "identity/reply.h"
#include "identity/scope.h"
#include "identity/selection.h"
#include "identity/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* ---- scopes and tenants ---- */

static void scopes_are_checked(void **state)
{
    (void)state;
    static const char *const good[] = {ENTRASQL_SCOPE_SQL, "https://database.windows.net//.default",
                                       "api://a-b_c.d/.default", "https://h:8443/.default"};
    static const char *const bad[] = {"",     "a b", "a;b",    "$(id)/.default", "a'b", "a\"b",
                                      "a\nb", "a&b", "--help", "\xc3\xa9",       "a?b"};
    entrasql_error err;
    for (size_t i = 0; i < ES_COUNT_OF(good); i++)
        assert_int_equal(identity_scope_check(good[i], &err), ENTRASQL_OK);
    for (size_t i = 0; i < ES_COUNT_OF(bad); i++) {
        if (identity_scope_check(bad[i], &err) != ENTRASQL_INVALID)
            fail_msg("taken: %s", bad[i]);
        assert_true(err.hint[0] != '\0');
    }
    assert_int_equal(identity_scope_check(NULL, &err), ENTRASQL_INVALID);
    char longest[IDENTITY_MAX_SCOPE + 2];
    memset(longest, 'a', sizeof longest);
    longest[IDENTITY_MAX_SCOPE] = '\0';
    assert_int_equal(identity_scope_check(longest, &err), ENTRASQL_OK);
    longest[IDENTITY_MAX_SCOPE] = 'a';
    longest[IDENTITY_MAX_SCOPE + 1] = '\0';
    assert_int_equal(identity_scope_check(longest, &err), ENTRASQL_INVALID);
    assert_int_equal(identity_scope_check_default("https://x", &err), ENTRASQL_INVALID);
    assert_int_equal(identity_scope_check_default("https://x/.default", &err), ENTRASQL_OK);
}

static void resources_of_scopes(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"https://database.windows.net/.default", "https://database.windows.net"},
        {"https://database.windows.net//.default", "https://database.windows.net/"},
        {"https://database.windows.net/", "https://database.windows.net/"},
        {"a/.default/.default", "a/.default"},
    };
    char resource[64];
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        assert_int_equal(identity_scope_resource(rows[i][0], resource, sizeof resource),
                         ENTRASQL_OK);
        assert_string_equal(resource, rows[i][1]);
    }
    assert_int_equal(identity_scope_resource("/.default", resource, sizeof resource),
                     ENTRASQL_INVALID);
    assert_int_equal(identity_scope_resource(ENTRASQL_SCOPE_SQL, resource, 8), ENTRASQL_INVALID);
}

static void tenants_are_checked(void **state)
{
    (void)state;
    static const char *const good[] = {TENANT, "contoso.onmicrosoft.com", "common", "adfs"};
    static const char *const bad[] = {"", "a b", "a/b", "../x", "a?b", "-x", "a'b", ".."};
    entrasql_error err;
    for (size_t i = 0; i < ES_COUNT_OF(good); i++)
        assert_int_equal(identity_tenant_check(good[i], "t", &err), ENTRASQL_OK);
    for (size_t i = 0; i < ES_COUNT_OF(bad); i++)
        assert_int_equal(identity_tenant_check(bad[i], "t", &err), ENTRASQL_INVALID);
    assert_int_equal(identity_tenant_check(NULL, "t", &err), ENTRASQL_INVALID);
}

static void tenant_of_a_request_must_be_allowed(void **state)
{
    (void)state;
    char list[] = " other ;THIRD";
    char star[] = "a;*";
    const struct {
        char *allowed;
        bool ignores;
        const char *configured;
        const char *requested;
        const char *expected; /* "": refused */
    } rows[] = {
        {NULL, false, "own", NULL, "own"},      {NULL, false, "own", "OWN", "own"},
        {NULL, false, "own", "other", ""},      {list, false, "own", "other", "other"},
        {list, false, "own", "third", "third"}, {list, false, "own", "fourth", ""},
        {star, false, "own", "any", "any"},     {NULL, true, "own", "other", "own"},
        {NULL, false, NULL, "any", "any"},      {list, false, NULL, "any", ""},
        {NULL, false, NULL, NULL, NULL},        {NULL, false, "adfs", "x", "adfs"},
    };
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        const identity_tenant_policy policy = {rows[i].allowed, rows[i].ignores};
        const char *chosen = "none";
        entrasql_error err;
        entrasql_status status =
            identity_tenant_choose(&policy, rows[i].configured, rows[i].requested, &chosen, &err);
        if (rows[i].expected != NULL && rows[i].expected[0] == '\0') {
            assert_int_equal(status, ENTRASQL_INVALID);
            assert_non_null(strstr(err.hint, "AZURE_ADDITIONALLY_ALLOWED_TENANTS"));
        } else {
            assert_int_equal(status, ENTRASQL_OK);
            if (rows[i].expected == NULL)
                assert_null(chosen);
            else
                assert_string_equal(chosen, rows[i].expected);
        }
    }
}

static void authorities_are_checked(void **state)
{
    (void)state;
    static const char *const good[][2] = {
        {"https://login.microsoftonline.us", "https://login.microsoftonline.us"},
        {" HTTPS://Login.Example:8443/ ", "https://login.example:8443"},
        {"login.chinacloudapi.cn", "https://login.chinacloudapi.cn"},
        {"https://[::1]:1", "https://[::1]:1"},
    };
    static const char *const bad[] = {"http://localhost:1", "https://",        "https://h/path",
                                      "https://u@h",        "https://h?x",     "ftp://h",
                                      "https://h\\x",       "https://h:99999", "https://a b",
                                      "https://h#f",        "https://h_'x"};
    entrasql_error err;
    for (size_t i = 0; i < ES_COUNT_OF(good); i++) {
        char *got = NULL;
        assert_int_equal(identity_authority_parse(good[i][0], "it", &got, &err), ENTRASQL_OK);
        assert_string_equal(got, good[i][1]);
        es_free(got);
    }
    for (size_t i = 0; i < ES_COUNT_OF(bad); i++) {
        char *got = NULL;
        if (identity_authority_parse(bad[i], "it", &got, &err) != ENTRASQL_CONFIG)
            fail_msg("taken: %s", bad[i]);
        assert_non_null(strstr(err.hint, "https"));
    }
    char *url = identity_token_url("https://h", TENANT);
    assert_string_equal(url, "https://h/" TENANT "/oauth2/v2.0/token");
    es_free(url);
    url = identity_token_url("https://h", "ADFS");
    assert_string_equal(url, "https://h/ADFS/oauth2/token");
    es_free(url);
}

/* A password in a URL that is refused is not for the message. */
static void urls_are_shown_without_passwords(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"https://login.example", "https://login.example"},
        {"http://u:p@host:1/x", "http://***@host:1/x"},
        {"u:p@q@host", "***@host"},
        {"@", "***@"},
        {"", ""},
        {"a@b://c", "***@b://c"},
        {"https://h\x1b", "https://h?"},
    };
    char out[40];
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        identity_show_url(out, sizeof out, rows[i][0]);
        assert_string_equal(out, rows[i][1]);
    }
    identity_show_url(out, 8, "https://u:p@host");
    assert_string_equal(out, "@host");
    entrasql_error err;
    char *authority = NULL;
    assert_int_equal(identity_authority_parse("https://u:" SECRET "@h", "AZURE_AUTHORITY_HOST",
                                              &authority, &err),
                     ENTRASQL_CONFIG);
    assert_null(strstr(err.message, SECRET));
}

static void options_of_other_sizes(void **state)
{
    (void)state;
    struct {
        size_t size;
        const char *a;
        const char *b;
    } mine, theirs = {.size = 2 * sizeof(void *), .a = "a", .b = "beyond their size"};
    struct {
        size_t size;
        const char *a;
        const char *b;
        const char *newer;
    } newer = {.size = sizeof newer, .a = "a", .b = "b"};
    assert_int_equal(es_options_copy(&mine, sizeof mine, &theirs, NULL), ENTRASQL_OK);
    assert_string_equal(mine.a, "a");
    assert_null(mine.b);
    assert_int_equal(mine.size, sizeof mine);
    theirs.size = 0;
    assert_int_equal(es_options_copy(&mine, sizeof mine, &theirs, NULL), ENTRASQL_OK);
    assert_non_null(mine.b);
    assert_int_equal(es_options_copy(&mine, sizeof mine, NULL, NULL), ENTRASQL_OK);
    assert_null(mine.a);
    assert_int_equal(es_options_copy(&mine, sizeof mine, &newer, NULL), ENTRASQL_OK);
    newer.newer = "set";
    assert_int_equal(es_options_copy(&mine, sizeof mine, &newer, NULL), ENTRASQL_UNSUPPORTED);
}

/* A pointer cut in two, sizeof a pointer, a size that was never set: refused before it is used. */
static void options_of_impossible_sizes(void **state)
{
    (void)state;
    static const size_t sizes[] = {1,
                                   3,
                                   sizeof(void *),
                                   sizeof(void *) + 1,
                                   2 * sizeof(void *) + 4,
                                   SIZE_MAX,
                                   SIZE_MAX / 2 + 1,
                                   (size_t)1 << 20};
    struct {
        size_t size;
        const char *a;
    } mine, theirs = {.a = "a"};
    for (size_t i = 0; i < ES_COUNT_OF(sizes); i++) {
        entrasql_error err;
        theirs.size = sizes[i];
        assert_int_equal(es_options_copy(&mine, sizeof mine, &theirs, &err), ENTRASQL_INVALID);
        assert_non_null(strstr(err.hint, "sizeof"));
        assert_null(mine.a);
    }
}

/* A letter for each member in the order of the chain. */
static void members_of(const identity_selection *s, char ret[IDENTITY_MEMBER_COUNT + 1])
{
    static const char letters[] = "EWMSVCAPDB";
    size_t n = 0;
    assert_int_equal(sizeof letters - 1, IDENTITY_MEMBER_COUNT);
    for (size_t i = 0; i < IDENTITY_MEMBER_COUNT; i++) {
        if (s->has[i])
            ret[n++] = letters[i];
    }
    ret[n] = '\0';
}

static void selections_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        identity_member exclude; /* IDENTITY_MEMBER_COUNT: none */
        bool browser;
        const char *members; /* NULL: refused */
    } rows[] = {
        {NULL, IDENTITY_MEMBER_COUNT, false, "EWMSVCAPD"},
        {"", IDENTITY_MEMBER_COUNT, false, "EWMSVCAPD"},
        {"  \t", IDENTITY_MEMBER_COUNT, true, "EWMSVCAPDB"},
        {"prod", IDENTITY_MEMBER_COUNT, false, "EWM"},
        {" PROD\n", IDENTITY_ENVIRONMENT, false, "WM"},
        {"prod", IDENTITY_AZURE_CLI, true, "EWMB"},
        {"Dev", IDENTITY_MEMBER_COUNT, false, "SVCAPD"},
        {"dev", IDENTITY_AZURE_POWERSHELL, false, "SVCAD"},
        {"environmentcredential", IDENTITY_MEMBER_COUNT, false, "E"},
        {"environmentcredential", IDENTITY_ENVIRONMENT, false, NULL},
        {"environmentcredential", IDENTITY_AZURE_CLI, false, "E"},
        {"WorkloadIdentityCredential", IDENTITY_MEMBER_COUNT, false, "W"},
        {"ManagedIdentityCredential ", IDENTITY_MEMBER_COUNT, false, "M"},
        {"CachedSignInCredential", IDENTITY_MEMBER_COUNT, false, "S"},
        {"VisualStudioCredential", IDENTITY_MEMBER_COUNT, false, "V"},
        {"VisualStudioCodeCredential", IDENTITY_MEMBER_COUNT, false, "C"},
        {"AZURECLICREDENTIAL", IDENTITY_MEMBER_COUNT, false, "A"},
        {"AzurePowerShellCredential", IDENTITY_MEMBER_COUNT, false, "P"},
        {"AzureDeveloperCliCredential", IDENTITY_MEMBER_COUNT, false, "D"},
        {"InteractiveBrowserCredential", IDENTITY_MEMBER_COUNT, false, "B"},
        {"production", IDENTITY_MEMBER_COUNT, false, NULL},
        {"prod,dev", IDENTITY_MEMBER_COUNT, false, NULL},
        {"SharedTokenCacheCredential", IDENTITY_MEMBER_COUNT, false, NULL},
        {"pro", IDENTITY_MEMBER_COUNT, false, NULL},
    };
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        identity_selection s = {{false}};
        identity_selection exclude = {{false}};
        identity_selection include = {{false}};
        entrasql_error err;
        char members[IDENTITY_MEMBER_COUNT + 1];
        if (rows[i].exclude != IDENTITY_MEMBER_COUNT)
            exclude.has[rows[i].exclude] = true;
        include.has[IDENTITY_INTERACTIVE_BROWSER] = rows[i].browser;
        entrasql_status status =
            identity_selection_parse(rows[i].text, &exclude, &include, &s, &err);
        assert_int_equal(status, rows[i].members != NULL ? ENTRASQL_OK : ENTRASQL_CONFIG);
        if (rows[i].members != NULL) {
            members_of(&s, members);
            assert_string_equal(members, rows[i].members);
        } else if (rows[i].exclude == IDENTITY_MEMBER_COUNT) {
            for (size_t k = 0; k < IDENTITY_MEMBER_COUNT; k++)
                assert_non_null(strstr(err.hint, identity_member_name((identity_member)k)));
        } else {
            assert_non_null(strstr(err.message, "an option excludes"));
        }
    }
    /* Everything excluded leaves nothing to do. */
    identity_selection all;
    identity_selection none = {{false}};
    entrasql_error err;
    memset(&all, true, sizeof all);
    assert_int_equal(identity_selection_parse(NULL, &all, &none, &none, &err), ENTRASQL_CONFIG);
    assert_non_null(strstr(err.message, "no credential left"));
}

/* ---- expiry ---- */

static void expiry_in_all_forms(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        int64_t expires_on; /* -1: refused */
        int64_t refresh_on;
    } rows[] = {
        {"{\"expires_in\":3600}", 4600, 0},
        {"{\"expires_in\":\"86399\"}", 87399, 0},
        {"{\"expires_in\":\"86399\",\"refresh_in\":\"43199\"}", 87399, 44199},
        {"{\"expires_in\":3600,\"refresh_in\":1800,\"expires_on\":5}", 4600, 2800},
        {"{\"expires_in\":-5}", 1000, 0},
        {"{\"expires_in\":99999999999}", 1000 + 2147483647LL, 0},
        {"{\"expires_on\":1714571110}", 1714571110, 0},
        {"{\"expires_on\":\"1714571110\"}", 1714571110, 0},
        {"{\"expires_in\":null,\"expires_on\":\"1714571110\"}", 1714571110, 0},
        {"{\"expires_in\":\"soon\",\"expires_on\":\"1714571110\"}", 1714571110, 0},
        {"{\"expires_on\":\"2024-05-01T13:45:10Z\"}", 1714571110, 0},
        {"{\"expires_on\":\"2024-05-01T13:45:10.1234567Z\"}", 1714571110, 0},
        {"{\"expires_on\":\"2024-05-01T15:45:10+02:00\"}", 1714571110, 0},
        {"{\"expires_on\":\"2024-05-01T08:15:10-05:30\"}", 1714571110, 0},
        {"{\"expires_on\":\"Wed, 01 May 2024 13:45:10 GMT\"}", 1714571110, 0},
        {"{\"expires_on\":\"05/01/2024 13:45:10\"}", 1714571110, 0},
        {"{\"expires_on\":\"05/01/2024 13:45:10 +00:00\"}", 1714571110, 0},
        {"{\"expires_on\":\"5/1/2024 1:45:10 PM +00:00\"}", 1714571110, 0},
        {"{\"expires_on\":\"5/1/2024 12:45:10 AM +00:00\"}", 1714524310, 0},
        {"{\"expires_on\":\"2024-05-01 13:45:10\"}", 1714571110, 0},
        {"{}", -1, 0},
        {"{\"expires_on\":0}", -1, 0},
        {"{\"expires_on\":-1}", -1, 0},
        {"{\"expires_on\":true}", -1, 0},
        {"{\"expires_on\":\"\"}", -1, 0},
        {"{\"expires_on\":\"tomorrow\"}", -1, 0},
        {"{\"expires_on\":\"2024-13-01T13:45:10Z\"}", -1, 0},
        {"{\"expires_on\":\"2024-05-01T13:45\"}", -1, 0},
        {"{\"expires_on\":\"2024-05-01T13:45:10Zx\"}", -1, 0},
        {"{\"expires_on\":\"13/01/2024 13:45:10\"}", -1, 0},
        {"{\"expires_on\":\"5/1/2024 13:45:10 PM\"}", -1, 0},
        {"{\"expires_on\":\"5/1/2024 0:45:10 AM\"}", -1, 0},
        {"{\"expires_on\":\"2024-05-01T13:45:10+99:00\"}", -1, 0},
        {"{\"expires_on\":253402300800}", -1, 0},
        {"{\"refresh_in\":1800}", -1, 0},
        {"[]", -1, 0},
    };
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        json_doc *doc;
        int64_t expires_on = -1;
        int64_t refresh_on = 0;
        assert_int_equal(json_doc_parse(rows[i].json, strlen(rows[i].json), &doc, NULL),
                         ENTRASQL_OK);
        entrasql_status status =
            identity_expiry_read(json_doc_root(doc), 1000, &expires_on, &refresh_on);
        json_doc_free(doc);
        if ((status == ENTRASQL_OK) != (rows[i].expires_on >= 0) ||
            expires_on != rows[i].expires_on || refresh_on != rows[i].refresh_on)
            fail_msg("%s gave %lld, %lld", rows[i].json, (long long)expires_on,
                     (long long)refresh_on);
    }
}

static void every_cut_of_a_date_is_refused(void **state)
{
    (void)state;
    static const char *const dates[] = {"2024-05-01T13:45:10Z", "5/1/2024 1:45:10 PM +00:00",
                                        "Wed, 01 May 2024 13:45:10 GMT"};
    /* Shorter than this is a whole date of another form at best. */
    static const size_t whole[] = {19, 16, 29};
    int64_t t;
    for (size_t i = 0; i < ES_COUNT_OF(dates); i++) {
        for (size_t n = 0; n < whole[i]; n++)
            assert_int_equal(identity_date_parse(dates[i], n, &t), ENTRASQL_MALFORMED);
        assert_int_equal(identity_date_parse(dates[i], strlen(dates[i]), &t), ENTRASQL_OK);
    }
}

static void local_times_of_az(void **state)
{
    (void)state;
    static const struct {
        const char *zone;
        const char *text;
        int64_t t;
    } rows[] = {
        {"UTC", "2024-05-01 13:45:10.000000", 1714571110},
        {"UTC", "2024-05-01 13:45:10", 1714571110},
        {"EST5EDT", "2024-05-01 09:45:10.123456", 1714571110},
        {"EST5EDT", "2024-01-01 00:00:00", 1704085200},
        {"Asia/Kolkata", "2024-05-01 19:15:10", 1714571110},
    };
    static const char *const bad[] = {"",
                                      "2024-05-01",
                                      "2024-05-01T13:45:10",
                                      "2024-05-01 13:45:1",
                                      "2024-05-01 13:45:10Z",
                                      "2024-05-01 13:45:10.x",
                                      "2024-00-01 13:45:10",
                                      "2024-05-32 13:45:10",
                                      "2024-05-01 25:45:10",
                                      "2024-05-01 13:45:10.00000000000"};
    int64_t t;
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        setenv("TZ", rows[i].zone, 1);
        tzset();
        assert_int_equal(identity_az_local_time(rows[i].text, strlen(rows[i].text), &t),
                         ENTRASQL_OK);
        assert_int_equal(t, rows[i].t);
    }
    for (size_t i = 0; i < ES_COUNT_OF(bad); i++)
        assert_int_equal(identity_az_local_time(bad[i], strlen(bad[i]), &t), ENTRASQL_MALFORMED);
    unsetenv("TZ");
    tzset();
}

/* ---- errors ---- */

static void numbers_of_entra_are_explained(void **state)
{
    (void)state;
    static const uint32_t numbers[] = {
        700016, 90002,  900023,  7000215, 7000222, 700027, 700024,  70021,   700211, 700213,
        700212, 700229, 500011,  50001,   650057,  70011,  1002012, 7000218, 700025, 65001,
        65002,  90094,  50076,   50079,   50074,   50072,  50078,   53003,   530032, 53000,
        53001,  50005,  50020,   50034,   16000,   50126,  50053,   50055,   50057,  50056,
        700082, 70008,  70043,   50173,   54005,   70000,  501481,  50011,   50194,  9001023,
        90124,  90130,  7000112, 7000114, 500133,  50196,  90055,   90033,   50033,  90024,
        90006,  70016,  70018,   70019,   100007,  50058,  50097};
    for (size_t i = 0; i < ES_COUNT_OF(numbers); i++) {
        const identity_aadsts *known = identity_aadsts_find(numbers[i]);
        if (known == NULL)
            fail_msg("AADSTS%u is not known", numbers[i]);
        assert_true(known->cause[0] != '\0' && known->hint[0] != '\0');
        assert_true(strlen(known->hint) < ENTRASQL_ERROR_HINT_SIZE);
    }
    assert_null(identity_aadsts_find(0));
    assert_null(identity_aadsts_find(1));
    assert_int_equal(identity_aadsts_in_text("x AADSTS700016: y"), 700016);
    assert_int_equal(identity_aadsts_in_text("AADSTS"), 0);
    assert_int_equal(identity_aadsts_in_text("AADSTS99999999999"), 0);
    assert_int_equal(identity_aadsts_in_text(""), 0);
}

static void secrets_are_taken_out_of_texts(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"plain", "plain"},
        {"a\tb\x1b[1m\xff", "a b?"},
        {"one.\r\nTwo:\n  az  login \n\n", "one. Two: az  login"},
        {" \n\x1b[1;31mred\x1b[0m\x1b[K\n blue \a", "red blue"},
        {"\x1b]0;title\ax\x1b]8;;u\x1b\\y\x1b(z\x1b", "xy(z"},
        {"\x1b[1", ""},
        {"\x1b[1\nend", "end"},
        {"see " SECRET "\n", "see ***"},
        {"{\n\t\"token\":\n\t\"abc\"\n}", "{ \"token\": \"***\" }"},
        {"the secret " SECRET ".", "the secret ***."},
        {SECRET SECRET, "******"},
        {"token " TOKEN " end", "token *** end"},
        {"{\"accessToken\": \"abc\", \"tenant\": \"t\"}",
         "{\"accessToken\": \"***\", \"tenant\": \"t\"}"},
        {"{\"token\":\"a\\\"b\"}", "{\"token\":\"***\"}"},
        {"\"refresh_token\" : \"cut", "\"refresh_token\" : \"***"},
        {"{\"client_secret\":\"x\"}", "{\"client_secret\":\"***\"}"},
        {"{\"tokenType\":\"Bearer\",\"expires_on\":\"1\"}",
         "{\"tokenType\":\"Bearer\",\"expires_on\":\"1\"}"},
        {"\"token", "\"token"},
        {"\"token\"", "\"token\""},
        {"\"token\": 5", "\"token\": 5"},
        /* A secret in the name of a member, or across its value. */
        {"\"token " SECRET "\": \"x\"", "\"token ***\": \"***\""},
        {"\"token\": \"" SECRET "\" " SECRET, "\"token\": \"***\" ***"},
        {"\"token\":\"\"", "\"token\":\"\""},
        {"eyJ short", "eyJ short"},
        /* As Python prints a dictionary, and as forms and arguments are written. */
        {"{'refresh_token': 'abc', 'x': 'y'}", "{'refresh_token': '***', 'x': 'y'}"},
        {"it isn't a token: 'abc'", "it isn't a token: 'abc'"},
        {"refresh_token=abc&grant_type=x", "refresh_token=***&grant_type=x"},
        {"token_type=Bearer token= x", "token_type=Bearer token= x"},
        {"--client-secret=cut", "--client-secret=***"},
    };
    es_secret *secret = es_secret_from_str(SECRET);
    char out[256];
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        identity_redact(out, sizeof out, rows[i][0], strlen(rows[i][0]), secret);
        assert_string_equal(out, rows[i][1]);
    }
    identity_redact(out, 5, "0123456789", 10, NULL);
    assert_string_equal(out, "0123");
    identity_redact(out, sizeof out, NULL, 0, NULL);
    assert_string_equal(out, "");
    es_secret_unref(secret);
    /* Who echoes the request has the secret percent-encoded. */
    secret = es_secret_from_str("a ~%b+");
    static const char *const echoes[] = {"<a ~%b+>", "<a+~%25b%2B>", "<a%20%7E%25b%2b>"};
    for (size_t i = 0; i < ES_COUNT_OF(echoes); i++) {
        identity_redact(out, sizeof out, echoes[i], strlen(echoes[i]), secret);
        assert_string_equal(out, "<***>");
    }
    identity_redact(out, sizeof out, "<a+~%25b%2", 10, secret);
    assert_string_equal(out, "<a+~%25b%2");
    es_secret_unref(secret);
}

static void retries_wait_longer_each_time(void **state)
{
    (void)state;
    static const struct {
        unsigned tries;
        int64_t least;
        int64_t most;
    } usual[] = {{1, 640, 1040}, {2, 1920, 3120}, {3, 4480, 7280}}, imds[] = {{1, 1600, 2600},
                                                                              {2, 4800, 7800},
                                                                              {3, 11200, 18200},
                                                                              {4, 24000, 25000},
                                                                              {60, 25000, 25000}};
    for (int round = 0; round < 200; round++) {
        for (size_t i = 0; i < ES_COUNT_OF(usual); i++) {
            int64_t ms = identity_retry_delay_ms(&identity_retry_usual, usual[i].tries);
            assert_in_range(ms, usual[i].least, usual[i].most);
        }
        for (size_t i = 0; i < ES_COUNT_OF(imds); i++) {
            int64_t ms = identity_retry_delay_ms(&identity_retry_imds, imds[i].tries);
            assert_in_range(ms, imds[i].least, imds[i].most);
        }
    }
    assert_int_equal(identity_retry_usual.retries, 3);
    assert_int_equal(identity_retry_imds.retries, 6);
    static const unsigned usual_statuses[] = {408, 429, 500, 502, 503, 504};
    static const unsigned imds_statuses[] = {404, 410, 429, 500, 501, 502, 503,
                                             504, 505, 506, 507, 508, 510, 511};
    unsigned count = 0;
    for (unsigned status = 100; status < 600; status++)
        count += identity_retry_usual.is_retryable(status);
    assert_int_equal(count, ES_COUNT_OF(usual_statuses));
    for (size_t i = 0; i < ES_COUNT_OF(usual_statuses); i++)
        assert_true(identity_retry_usual.is_retryable(usual_statuses[i]));
    count = 0;
    for (unsigned status = 100; status < 600; status++)
        count += identity_retry_imds.is_retryable(status);
    assert_int_equal(count, ES_COUNT_OF(imds_statuses));
    for (size_t i = 0; i < ES_COUNT_OF(imds_statuses); i++)
        assert_true(identity_retry_imds.is_retryable(imds_statuses[i]));
}

/* ---- sources of managed identities ---- */

static void sources_are_recognised(void **state)
{
    (void)state;
    static const struct {
        const char *set[4]; /* names; each gets a URL, which is good for all of them */
        identity_mi_kind kind;
    } rows[] = {
        {{NULL}, IDENTITY_MI_IMDS},
        {{"IDENTITY_ENDPOINT", "IDENTITY_HEADER"}, IDENTITY_MI_APP_SERVICE},
        {{"IDENTITY_ENDPOINT", "IDENTITY_HEADER", "MSI_ENDPOINT"}, IDENTITY_MI_APP_SERVICE},
        {{"IDENTITY_ENDPOINT", "IDENTITY_HEADER", "IDENTITY_SERVER_THUMBPRINT"},
         IDENTITY_MI_SERVICE_FABRIC},
        {{"MSI_ENDPOINT", "MSI_SECRET"}, IDENTITY_MI_AZURE_ML},
        {{"MSI_ENDPOINT", "MSI_SECRET", "WEBSITE_SITE_NAME"}, IDENTITY_MI_APP_SERVICE_2017},
        {{"MSI_ENDPOINT"}, IDENTITY_MI_CLOUD_SHELL},
        {{"MSI_ENDPOINT", "IDENTITY_ENDPOINT", "IMDS_ENDPOINT"}, IDENTITY_MI_CLOUD_SHELL},
        {{"IDENTITY_ENDPOINT", "IMDS_ENDPOINT"}, IDENTITY_MI_AZURE_ARC},
        /* Container Instances: no endpoint, so it is IMDS. */
        {{"IDENTITY_HEADER", "IDENTITY_SERVER_THUMBPRINT"}, IDENTITY_MI_IMDS},
        {{"IDENTITY_ENDPOINT"}, IDENTITY_MI_IMDS},
        {{"MSI_SECRET"}, IDENTITY_MI_IMDS},
    };
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        identity_mi_source source;
        entrasql_error err;
        common_clean(NULL);
        for (size_t k = 0; k < 4 && rows[i].set[k] != NULL; k++)
            setenv(rows[i].set[k], "http://localhost:4141/token", 1);
        /* A URL is no thumbprint. */
        assert_int_equal(identity_mi_source_detect(&source, &err),
                         rows[i].kind == IDENTITY_MI_SERVICE_FABRIC ? ENTRASQL_CONFIG
                                                                    : ENTRASQL_OK);
        assert_int_equal(source.kind, rows[i].kind);
        identity_mi_source_done(&source);
    }
}

static void endpoint_of_imds_can_be_elsewhere(void **state)
{
    (void)state;
    identity_mi_source source;
    entrasql_error err;
    assert_int_equal(identity_mi_source_detect(&source, &err), ENTRASQL_OK);
    assert_string_equal(source.endpoint, "http://169.254.169.254/metadata/identity/oauth2/token");
    assert_false(source.is_overridden);
    identity_mi_source_done(&source);
    setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:8080/", 1);
    assert_int_equal(identity_mi_source_detect(&source, &err), ENTRASQL_OK);
    assert_string_equal(source.endpoint, "http://127.0.0.1:8080/metadata/identity/oauth2/token");
    assert_true(source.is_overridden);
    identity_mi_source_done(&source);
    setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", "127.0.0.1:8080", 1);
    assert_int_equal(identity_mi_source_detect(&source, &err), ENTRASQL_CONFIG);
    setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://h/?x", 1);
    assert_int_equal(identity_mi_source_detect(&source, &err), ENTRASQL_CONFIG);
}

/* ---- claims ---- */

/* {"aud":"https://database.windows.net","tid":"t","oid":"o","appid":"a","upn":"u@x",
 *  "idtyp":"user","exp":1714571110,"iat":1,"groups":["g"]} */
static const char claims_token[] =
    "eyJhbGciOiJSUzI1NiJ9."
    "eyJhdWQiOiJodHRwczovL2RhdGFiYXNlLndpbmRvd3MubmV0IiwidGlkIjoidCIsIm9pZCI6Im8iLCJhcHBpZCI6ImEi"
    "LCJ1cG4iOiJ1QHgiLCJpZHR5cCI6InVzZXIiLCJleHAiOjE3MTQ1NzExMTAsImlhdCI6MSwiZ3JvdXBzIjpbImciXX0."
    "c2ln";

static void claims_are_read(void **state)
{
    (void)state;
    identity_claims c;
    entrasql_error err;
    assert_int_equal(identity_claims_read(claims_token, &c, &err), ENTRASQL_OK);
    assert_string_equal(c.aud, "https://database.windows.net");
    assert_string_equal(c.tid, "t");
    assert_string_equal(c.oid, "o");
    assert_string_equal(c.appid, "a");
    assert_string_equal(c.upn, "u@x");
    assert_string_equal(c.idtyp, "user");
    assert_string_equal(c.iss, "");
    assert_int_equal(c.exp, 1714571110);
    assert_int_equal(c.nbf, 0);
    es_buf out = ES_BUF_INIT(4096);
    assert_int_equal(identity_claims_json(claims_token, &out, &err), ENTRASQL_OK);
    assert_string_equal(es_buf_cstr(&out),
                        "{\"aud\":\"https://database.windows.net\",\"tid\":\"t\",\"oid\":\"o\","
                        "\"appid\":\"a\",\"upn\":\"u@x\",\"idtyp\":\"user\",\"exp\":1714571110,"
                        "\"iat\":1,\"groups\":[\"g\"]}");
    es_buf_done(&out);
    out = ES_BUF_INIT(10);
    assert_int_equal(identity_claims_json(claims_token, &out, &err), ENTRASQL_LIMIT);
    assert_int_equal(out.len, 0);
    es_buf_done(&out);
}

static void what_is_no_token_is_refused(void **state)
{
    (void)state;
    /* The last two: claims [1] and "x". */
    static const char *const texts[] = {
        "", "a", "a.b", "a.b.c", "..", "eyJ9.eyJ9.c2ln", "e30.WzFd.c2ln", "e30.Ingi.c2ln"};
    identity_claims c;
    entrasql_error err;
    for (size_t i = 0; i < ES_COUNT_OF(texts); i++)
        assert_int_equal(identity_claims_read(texts[i], &c, &err), ENTRASQL_MALFORMED);
    char cut[sizeof claims_token];
    for (size_t n = 0; n < sizeof claims_token - 6; n++) {
        memcpy(cut, claims_token, n);
        cut[n] = '\0';
        assert_int_equal(identity_claims_read(cut, &c, &err), ENTRASQL_MALFORMED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scopes_are_checked),
        cmocka_unit_test(resources_of_scopes),
        cmocka_unit_test(tenants_are_checked),
        cmocka_unit_test(tenant_of_a_request_must_be_allowed),
        cmocka_unit_test(authorities_are_checked),
        cmocka_unit_test(urls_are_shown_without_passwords),
        cmocka_unit_test(options_of_other_sizes),
        cmocka_unit_test(options_of_impossible_sizes),
        cmocka_unit_test(selections_are_read),
        cmocka_unit_test(expiry_in_all_forms),
        cmocka_unit_test(every_cut_of_a_date_is_refused),
        cmocka_unit_test(local_times_of_az),
        cmocka_unit_test(numbers_of_entra_are_explained),
        cmocka_unit_test(secrets_are_taken_out_of_texts),
        cmocka_unit_test(retries_wait_longer_each_time),
        cmocka_unit_test_setup(sources_are_recognised, common_clean),
        cmocka_unit_test_setup(endpoint_of_imds_can_be_elsewhere, common_clean),
        cmocka_unit_test(claims_are_read),
        cmocka_unit_test(what_is_no_token_is_refused),
    };
    return cmocka_run_group_tests_name("identity parts", tests, common_setup, common_teardown);
}
