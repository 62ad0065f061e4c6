/* SPDX-License-Identifier: MIT */
/* identity: managed identities against scripted endpoints of IMDS and App Service. */
#include "base/clock.h"
#include "common.h"
#include "identity/internal.h"
#include "server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NAME "ManagedIdentityCredential"
#define IMDS_REPLY                                                                                 \
    "{\"access_token\":\"" TOKEN "\",\"client_id\":\"" CLIENT "\",\"expires_in\":\"86399\","       \
    "\"expires_on\":\"4102444800\",\"ext_expires_in\":\"86399\",\"not_before\":\"1\","             \
    "\"resource\":\"https://database.windows.net\",\"token_type\":\"Bearer\"}"
#define APP_SERVICE_REPLY                                                                          \
    "{\"access_token\":\"" TOKEN "\",\"client_id\":\"" CLIENT "\",\"expires_on\":\"4102444800\","  \
    "\"resource\":\"https://database.windows.net\",\"token_type\":\"Bearer\"}"
#define NOT_FOUND_BODY                                                                             \
    "{\"error\":\"invalid_request\",\"error_description\":\"Identity not found\"}"

static test_server *host;

static int start(void **state)
{
    host = test_server_start(false);
    return common_setup(state);
}

static int stop(void **state)
{
    test_server_stop(host);
    return common_teardown(state);
}

static entrasql_credential *new_credential(const entrasql_managed_identity_options *options)
{
    entrasql_credential *c;
    entrasql_error err;
    if (entrasql_managed_identity_credential_new(options, &c, &err) != ENTRASQL_OK)
        fail_msg("%s", err.message);
    return c;
}

static void use_imds(void)
{
    setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", test_server_url(host), 1);
}

static void use_app_service(void)
{
    char url[128];
    snprintf(url, sizeof url, "%s/MSI/token/", test_server_url(host));
    setenv("IDENTITY_ENDPOINT", url, 1);
    setenv("IDENTITY_HEADER", IDENTITY_HEADER, 1);
}

static entrasql_status nobody(void *context, const entrasql_token_request *request,
                              entrasql_token **ret_token, entrasql_error *err)
{
    (void)context;
    (void)request;
    (void)ret_token;
    memset(err, 0, sizeof *err);
    snprintf(err->message, sizeof err->message, "nobody");
    return ENTRASQL_UNAVAILABLE;
}

/* As the first of two in a chain, with IMDS at the scripted server and the probe before it. */
static entrasql_credential *new_member(const char *endpoint, const char *client_id)
{
    const entrasql_managed_identity_options options = {.client_id = client_id};
    const identity_managed_identity_inner inner = {.probe_timeout_ms = 300,
                                                   .imds_endpoint = endpoint};
    entrasql_credential *c;
    entrasql_credential *members[2];
    assert_int_equal(identity_managed_identity_new(&options, &inner, &members[0], NULL),
                     ENTRASQL_OK);
    assert_int_equal(
        entrasql_custom_credential_new("Nobody", nobody, NULL, NULL, &members[1], NULL),
        ENTRASQL_OK);
    assert_int_equal(entrasql_chained_credential_new(members, 2, &c, NULL), ENTRASQL_OK);
    entrasql_credential_unref(members[0]);
    entrasql_credential_unref(members[1]);
    return c;
}

static const char *imds_url(void)
{
    static char url[128];
    snprintf(url, sizeof url, "%s/metadata/identity/oauth2/token", test_server_url(host));
    return url;
}

/* ---- requests ---- */

static void imds_requests(void **state)
{
    (void)state;
    static const test_answer script[] = {{.body = IMDS_REPLY}};
    static const struct {
        entrasql_managed_identity_options options;
        const char *query;
    } rows[] = {
        {{0}, ""},
        {{.client_id = CLIENT}, "&client_id=" CLIENT},
        {{.object_id = CLIENT}, "&object_id=" CLIENT},
        {{.resource_id = "/subscriptions/s/x y"}, "&msi_res_id=%2Fsubscriptions%2Fs%2Fx%20y"},
    };
    use_imds();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char line[512];
        test_server_play(host, script, 1);
        entrasql_credential *c = new_credential(&rows[i].options);
        common_expect_token(c, NAME);
        snprintf(line, sizeof line,
                 "GET /metadata/identity/oauth2/token?api-version=2018-02-01&resource="
                 "https%%3A%%2F%%2Fdatabase.windows.net%s HTTP/1.1\r\n",
                 rows[i].query);
        const char *sent = test_server_request(host, 0);
        assert_int_equal(strncmp(sent, line, strlen(line)), 0);
        assert_non_null(strstr(sent, "\r\nMetadata: true\r\n"));
        entrasql_credential_unref(c);
    }
}

static void app_service_requests(void **state)
{
    (void)state;
    static const test_answer script[] = {{.body = APP_SERVICE_REPLY}};
    static const struct {
        entrasql_managed_identity_options options;
        const char *query;
    } rows[] = {
        {{0}, ""},
        {{.client_id = CLIENT}, "&client_id=" CLIENT},
        {{.object_id = CLIENT}, "&object_id=" CLIENT},
        {{.resource_id = "/s"}, "&mi_res_id=%2Fs"},
    };
    use_app_service();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char line[512];
        test_server_play(host, script, 1);
        entrasql_credential *c = new_credential(&rows[i].options);
        common_expect_token(c, NAME);
        snprintf(line, sizeof line,
                 "GET /MSI/token/?api-version=2019-08-01&resource="
                 "https%%3A%%2F%%2Fdatabase.windows.net%s HTTP/1.1\r\n",
                 rows[i].query);
        const char *sent = test_server_request(host, 0);
        assert_int_equal(strncmp(sent, line, strlen(line)), 0);
        assert_non_null(strstr(sent, "\r\nX-IDENTITY-HEADER: " IDENTITY_HEADER "\r\n"));
        assert_null(strstr(sent, "Metadata"));
        entrasql_credential_unref(c);
    }
}

static void expiry_of_app_service_is_absolute(void **state)
{
    (void)state;
    static const test_answer script[] = {{.body = APP_SERVICE_REPLY}};
    entrasql_token *token;
    entrasql_error err;
    use_app_service();
    test_server_play(host, script, 1);
    entrasql_credential *c = new_credential(NULL);
    assert_int_equal(
        common_get(c, &(entrasql_token_request){.scope = ENTRASQL_SCOPE_SQL}, &token, &err),
        ENTRASQL_OK);
    assert_int_equal(entrasql_token_expires_on(token), 4102444800);
    entrasql_token_free(token);
    entrasql_credential_unref(c);
}

static void no_proxy_and_no_redirect_ever(void **state)
{
    (void)state;
    static const test_answer script[] = {{.status = 302, .headers = "Location: /x\r\n"}};
    entrasql_error err;
    use_imds();
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("all_proxy", "http://127.0.0.1:1", 1);
    test_server_play(host, script, 1);
    entrasql_credential *c = new_credential(NULL);
    common_expect_failure(c, ENTRASQL_AUTH_FAILED, &err);
    common_expect_words(&err, "302");
    assert_int_equal(test_server_count(host), 1);
    entrasql_credential_unref(c);
}

/* ---- answers that are failures ---- */

static const struct {
    bool app_service;
    const char *client_id;
    test_answer answer;
    entrasql_status status;
    uint32_t number;
    const char *words[3];
} failures[] = {
    {false,
     NULL,
     {.status = 400, .body = NOT_FOUND_BODY},
     ENTRASQL_UNAVAILABLE,
     400,
     {"system-assigned", "Identity not found", "AZURE_CLIENT_ID"}},
    {false,
     CLIENT,
     {.status = 400, .body = NOT_FOUND_BODY},
     ENTRASQL_AUTH_FAILED,
     400,
     {"isn't assigned to this resource", "client id " CLIENT, "AZURE_CLIENT_ID"}},
    {false,
     NULL,
     {.status = 400,
      .body = "{\"error\":\"invalid_request\",\"error_description\":\"Multiple user assigned "
              "identities exist, please specify the clientId / resourceId\"}"},
     ENTRASQL_UNAVAILABLE,
     400,
     {"several identities", "AZURE_CLIENT_ID"}},
    {false,
     CLIENT,
     {.status = 400,
      .body = "{\"error\":\"invalid_resource\",\"error_description\":\"AADSTS500011: The resource "
              "principal\",\"error_codes\":[500011],\"correlation_id\":\"c-1\"}"},
     ENTRASQL_AUTH_FAILED,
     500011,
     {"AADSTS500011", "database.windows.net"}},
    {false,
     NULL,
     {.status = 401, .body = "{\"error\":\"unknown_source\"}"},
     ENTRASQL_AUTH_FAILED,
     401,
     {"unknown_source"}},
    {false,
     NULL,
     {.status = 403, .body = "A socket operation was attempted to an UNREACHABLE network"},
     ENTRASQL_UNAVAILABLE,
     0,
     {"unreachable"}},
    {false,
     NULL,
     {.status = 403, .body = "{\"error\":\"no\"}"},
     ENTRASQL_AUTH_FAILED,
     403,
     {"403"}},
    {false, NULL, {.body = "<html>hello</html>"}, ENTRASQL_AUTH_FAILED, 0, {"JSON"}},
    {false,
     NULL,
     {.body = "{\"access_token\":\"" TOKEN "\"}"},
     ENTRASQL_AUTH_FAILED,
     0,
     {"expires"}},
    {false, NULL, {.body = "{\"expires_in\":\"3600\"}"}, ENTRASQL_AUTH_FAILED, 0, {"access_token"}},
    {true,
     CLIENT,
     {.status = 400,
      .body = "{\"statusCode\":400,\"message\":\"No Managed Identity found for specified "
              "ClientId/ResourceId/PrincipalId.\",\"correlationId\":\"c-2\"}"},
     ENTRASQL_AUTH_FAILED,
     400,
     {"No Managed Identity found", "isn't assigned", "client id"}},
    {true,
     NULL,
     {.status = 400, .body = "{\"statusCode\":400,\"message\":\"none\"}"},
     ENTRASQL_AUTH_FAILED,
     400,
     {"system-assigned"}},
    {true,
     NULL,
     {.status = 401, .body = "{\"message\":\"bad " IDENTITY_HEADER "\"}"},
     ENTRASQL_AUTH_FAILED,
     401,
     {"IDENTITY_HEADER", "bad ***"}},
    {true, NULL, {.status = 404, .body = ""}, ENTRASQL_AUTH_FAILED, 404, {"404"}},
    {true, NULL, {.status = 403, .body = "unreachable"}, ENTRASQL_AUTH_FAILED, 403, {"403"}},
    {true, NULL, {.body = "not json"}, ENTRASQL_AUTH_FAILED, 0, {"JSON"}},
    {true, NULL, {.body = "[1,2,3,4,5,6,7,8]", .repeat = 100000}, ENTRASQL_LIMIT, 0, {"limit"}},
};

static void failures_say_what_and_what_to_do(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        const entrasql_managed_identity_options options = {.client_id = failures[i].client_id};
        entrasql_error err;
        common_clean(NULL);
        if (failures[i].app_service)
            use_app_service();
        else
            use_imds();
        test_server_play(host, &failures[i].answer, 1);
        entrasql_credential *c = new_credential(&options);
        common_expect_failure(c, failures[i].status, &err);
        assert_int_equal(err.number, failures[i].number);
        for (size_t k = 0; k < 3 && failures[i].words[k] != NULL; k++)
            common_expect_words(&err, failures[i].words[k]);
        assert_int_equal(test_server_count(host), 1);
        entrasql_credential_unref(c);
    }
}

static void correlation_ids_of_both_shapes(void **state)
{
    (void)state;
    entrasql_error err;
    use_imds();
    test_server_play(host, &failures[3].answer, 1);
    entrasql_credential *c = new_credential(NULL);
    common_expect_failure(c, ENTRASQL_UNAVAILABLE, &err);
    assert_string_equal(err.correlation_id, "c-1");
    entrasql_credential_unref(c);
    use_app_service();
    test_server_play(host, &failures[10].answer, 1);
    c = new_credential(NULL);
    common_expect_failure(c, ENTRASQL_AUTH_FAILED, &err);
    assert_string_equal(err.correlation_id, "c-2");
    entrasql_credential_unref(c);
}

/* ---- tries ---- */

static void imds_is_asked_again(void **state)
{
    (void)state;
    static const int statuses[] = {404, 410, 429, 500, 502, 503, 504, 508, 510};
    use_imds();
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        const test_answer script[] = {{.status = statuses[i], .body = "{}"},
                                      {.status = statuses[i], .body = "{}"},
                                      {.act = TEST_CLOSE},
                                      {.body = IMDS_REPLY}};
        test_server_play(host, script, 4);
        entrasql_credential *c = new_credential(NULL);
        common_skipped_ms();
        common_expect_token(c, NAME);
        assert_int_equal(test_server_count(host), 4);
        /* 2 + 6 + 14 s, each times 0.8 to 1.3. */
        assert_in_range(common_skipped_ms(), 17500, 28700);
        entrasql_credential_unref(c);
    }
}

static void imds_is_waited_for_while_it_is_updated(void **state)
{
    (void)state;
    static const test_answer script[] = {{.status = 410, .body = "{}"}};
    const entrasql_token_request request = {.scope = ENTRASQL_SCOPE_SQL, .timeout_ms = 300000};
    entrasql_token *token;
    entrasql_error err;
    use_imds();
    test_server_play(host, script, 1);
    entrasql_credential *c = new_credential(NULL);
    common_skipped_ms();
    assert_int_equal(common_get(c, &request, &token, &err), ENTRASQL_AUTH_FAILED);
    assert_int_equal(err.number, 410);
    assert_int_equal(test_server_count(host), 7);
    /* Longer than the 70 s that the service may take. */
    assert_in_range(common_skipped_ms(), 80000, 130000);
    entrasql_credential_unref(c);
}

static void app_service_is_asked_again(void **state)
{
    (void)state;
    static const test_answer script[] = {{.status = 500, .headers = "Retry-After: 2\r\n"}};
    entrasql_error err;
    use_app_service();
    test_server_play(host, script, 1);
    entrasql_credential *c = new_credential(NULL);
    common_skipped_ms();
    common_expect_failure(c, ENTRASQL_AUTH_FAILED, &err);
    assert_int_equal(err.error_class, ENTRASQL_CLASS_RETRY);
    assert_int_equal(test_server_count(host), 4);
    assert_in_range(common_skipped_ms(), 5900, 6000);
    entrasql_credential_unref(c);
}

static void caller_sets_the_number_of_tries(void **state)
{
    (void)state;
    static const test_answer script[] = {{.status = 503, .body = "{}"}};
    const entrasql_client_options client = {.max_retries = UINT32_MAX};
    const entrasql_managed_identity_options options = {.client = &client};
    entrasql_error err;
    use_imds();
    test_server_play(host, script, 1);
    entrasql_credential *c = new_credential(&options);
    common_expect_failure(c, ENTRASQL_AUTH_FAILED, &err);
    assert_int_equal(test_server_count(host), 1);
    entrasql_credential_unref(c);
}

static void nobody_at_the_address(void **state)
{
    (void)state;
    entrasql_error err;
    setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:1", 1);
    entrasql_credential *c = new_credential(NULL);
    /* Alone it keeps trying as long as it may. */
    common_skipped_ms();
    common_expect_failure(c, ENTRASQL_UNAVAILABLE, &err);
    common_expect_words(&err, "AZURE_POD_IDENTITY_AUTHORITY_HOST");
    assert_true(common_skipped_ms() > 40000);
    entrasql_credential_unref(c);
    common_clean(NULL);
    setenv("IDENTITY_ENDPOINT", "http://127.0.0.1:1/", 1);
    setenv("IDENTITY_HEADER", IDENTITY_HEADER, 1);
    c = new_credential(NULL);
    common_expect_failure(c, ENTRASQL_NETWORK, &err);
    entrasql_credential_unref(c);
}

/* ---- the probe ---- */

static void probe_comes_first_in_a_chain(void **state)
{
    (void)state;
    static const test_answer script[] = {{.status = 400, .body = "{\"error\":\"bad_request_102\"}"},
                                         {.body = IMDS_REPLY}};
    test_server_play(host, script, 2);
    entrasql_credential *c = new_member(imds_url(), NULL);
    common_expect_token(c, NAME);
    assert_int_equal(test_server_count(host), 2);
    const char *probe = test_server_request(host, 0);
    assert_non_null(strstr(probe, "GET /metadata/identity/oauth2/token HTTP/1.1\r\n"));
    assert_null(strstr(probe, "Metadata"));
    assert_non_null(strstr(test_server_request(host, 1), "\r\nMetadata: true\r\n"));
    /* Once seen it is not probed again. */
    test_server_play(host, script + 1, 1);
    es_clock_shift(0, 90000);
    common_expect_token(c, NAME);
    assert_int_equal(test_server_count(host), 1);
    es_clock_shift(0, -90000);
    entrasql_credential_unref(c);
}

static void probe_ends_quickly(void **state)
{
    (void)state;
    static const test_answer silent[] = {{.act = TEST_SILENT}};
    static const test_answer unreachable[] = {{.status = 403, .body = "network unreachable"}};
    entrasql_error err;
    test_server_play(host, silent, 1);
    entrasql_credential *c = new_member(imds_url(), NULL);
    common_skipped_ms();
    common_expect_failure(c, ENTRASQL_UNAVAILABLE, &err);
    common_expect_words(&err, "within 300 ms");
    assert_int_equal(common_skipped_ms(), 0);
    assert_int_equal(test_server_count(host), 1);
    /* Each call probes anew until it was seen. */
    test_server_play(host, unreachable, 1);
    common_expect_failure(c, ENTRASQL_UNAVAILABLE, &err);
    common_expect_words(&err, "unreachable");
    assert_int_equal(test_server_count(host), 1);
    entrasql_credential_unref(c);
    c = new_member("http://127.0.0.1:1/metadata/identity/oauth2/token", NULL);
    common_expect_failure(c, ENTRASQL_UNAVAILABLE, &err);
    assert_int_equal(common_skipped_ms(), 0);
    entrasql_credential_unref(c);
}

static void strangers_are_passed_over_in_a_chain(void **state)
{
    (void)state;
    static const test_answer scripts[][2] = {
        {{.status = 200, .body = "<html>"}, {.body = "<html>welcome</html>"}},
        {{.status = 404, .body = "x"}, {.status = 401, .body = "<html>log in</html>"}},
        {{.status = 302}, {.status = 302, .headers = "Location: http://portal/\r\n"}},
    };
    for (size_t i = 0; i < 3; i++) {
        entrasql_error err;
        test_server_play(host, scripts[i], 2);
        entrasql_credential *c = new_member(imds_url(), CLIENT);
        common_expect_failure(c, ENTRASQL_UNAVAILABLE, &err);
        common_expect_words(&err, "something else answers");
        entrasql_credential_unref(c);
    }
}

static void no_probe_when_the_address_is_given(void **state)
{
    (void)state;
    static const test_answer script[] = {{.body = IMDS_REPLY}};
    entrasql_error err;
    use_imds();
    test_server_play(host, script, 1);
    entrasql_credential *c = new_member(NULL, NULL);
    common_expect_token(c, NAME);
    assert_int_equal(test_server_count(host), 1);
    entrasql_credential_unref(c);
    /* Nobody there: no tries that would hold the chain up. */
    setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:1", 1);
    c = new_member(NULL, NULL);
    common_skipped_ms();
    common_expect_failure(c, ENTRASQL_UNAVAILABLE, &err);
    assert_int_equal(common_skipped_ms(), 0);
    entrasql_credential_unref(c);
}

/* ---- creation ---- */

static void only_one_id(void **state)
{
    (void)state;
    static const entrasql_managed_identity_options bad[] = {
        {.client_id = "a", .object_id = "b"},
        {.client_id = "a", .resource_id = "b"},
        {.object_id = "a", .resource_id = "b"},
    };
    entrasql_credential *c;
    entrasql_error err;
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(entrasql_managed_identity_credential_new(&bad[i], &c, &err),
                         ENTRASQL_INVALID);
    const entrasql_managed_identity_options empty = {.client_id = "", .object_id = "o"};
    assert_int_equal(entrasql_managed_identity_credential_new(&empty, &c, &err), ENTRASQL_OK);
    assert_string_equal(entrasql_credential_name(c), NAME);
    entrasql_credential_unref(c);
}

static void bad_addresses_are_told_when_asked(void **state)
{
    (void)state;
    static const char *const bad[] = {"localhost:4141", "ftp://h/", "http://u:pw@h/",
                                      "http://h/?a=b"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        entrasql_error err;
        setenv("IDENTITY_ENDPOINT", bad[i], 1);
        setenv("IDENTITY_HEADER", IDENTITY_HEADER, 1);
        entrasql_credential *c = new_credential(NULL);
        common_expect_failure(c, ENTRASQL_CONFIG, &err);
        common_expect_words(&err, "IDENTITY_ENDPOINT");
        entrasql_credential_unref(c);
    }
    /* A header that would smuggle in another. */
    entrasql_error err;
    use_app_service();
    setenv("IDENTITY_HEADER", "a\r\nb: " IDENTITY_HEADER, 1);
    entrasql_credential *c = new_credential(NULL);
    common_expect_failure(c, ENTRASQL_INVALID, &err);
    entrasql_credential_unref(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(imds_requests, common_clean),
        cmocka_unit_test_setup(app_service_requests, common_clean),
        cmocka_unit_test_setup(expiry_of_app_service_is_absolute, common_clean),
        cmocka_unit_test_setup(no_proxy_and_no_redirect_ever, common_clean),
        cmocka_unit_test_setup(failures_say_what_and_what_to_do, common_clean),
        cmocka_unit_test_setup(correlation_ids_of_both_shapes, common_clean),
        cmocka_unit_test_setup(imds_is_asked_again, common_clean),
        cmocka_unit_test_setup(imds_is_waited_for_while_it_is_updated, common_clean),
        cmocka_unit_test_setup(app_service_is_asked_again, common_clean),
        cmocka_unit_test_setup(caller_sets_the_number_of_tries, common_clean),
        cmocka_unit_test_setup(nobody_at_the_address, common_clean),
        cmocka_unit_test_setup(probe_comes_first_in_a_chain, common_clean),
        cmocka_unit_test_setup(probe_ends_quickly, common_clean),
        cmocka_unit_test_setup(strangers_are_passed_over_in_a_chain, common_clean),
        cmocka_unit_test_setup(no_probe_when_the_address_is_given, common_clean),
        cmocka_unit_test_setup(only_one_id, common_clean),
        cmocka_unit_test_setup(bad_addresses_are_told_when_asked, common_clean),
    };
    return cmocka_run_group_tests_name("identity managed", tests, start, stop);
}
