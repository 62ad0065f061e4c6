/* SPDX-License-Identifier: MIT */
/* identity: client secret and environment credentials against a scripted Entra. */
#include "base/clock.h"
#include "base/mem.h"
#include "common.h"
#include "server.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CORRELATION "0f2d3c6e-0000-0000-0000-000000000002"
#define ERROR_BODY(number, text)                                                                   \
    "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS" number ": " text                \
    "\\r\\nTrace ID: x\\r\\n\",\"error_codes\":[" number "],\"trace_id\":\"trace-1\","             \
    "\"correlation_id\":\"" CORRELATION "\"}"

static test_server *entra;

static int start(void **state)
{
    entra = test_server_start(true);
    return common_setup(state);
}

static int stop(void **state)
{
    test_server_stop(entra);
    return common_teardown(state);
}

static entrasql_credential *new_credential(uint32_t max_retries)
{
    const entrasql_client_options options = {.size = sizeof options,
                                             .authority_host = test_server_url(entra),
                                             .ca_file = test_server_ca_file(entra),
                                             .max_retries = max_retries};
    entrasql_credential *c;
    entrasql_error err;
    if (entrasql_client_secret_credential_new(TENANT, CLIENT, SECRET, &options, &c, &err) !=
        ENTRASQL_OK)
        fail_msg("%s", err.message);
    return c;
}

static void request_is_what_entra_expects(void **state)
{
    (void)state;
    static const test_answer script[] = {{.body = TOKEN_REPLY}};
    test_server_play(entra, script, 1);
    entrasql_credential *c = new_credential(0);
    assert_string_equal(entrasql_credential_name(c), "ClientSecretCredential");
    common_expect_token(c, "ClientSecretCredential");
    const char *sent = test_server_request(entra, 0);
    assert_non_null(strstr(sent, "POST /" TENANT "/oauth2/v2.0/token HTTP/1.1\r\n"));
    assert_non_null(strstr(sent, "\r\nContent-Type: application/x-www-form-urlencoded\r\n"));
    assert_non_null(strstr(sent, "\r\nAccept: application/json\r\n"));
    const char *body = strstr(sent, "\r\n\r\n");
    assert_non_null(body);
    assert_string_equal(body + 4, "grant_type=client_credentials&client_id=" CLIENT
                                  "&client_secret=not~a.real-secret_7Q%2B%2F%25%26%3D"
                                  "&scope=https%3A%2F%2Fdatabase.windows.net%2F.default");
    /* The second time from the cache. */
    common_expect_token(c, "ClientSecretCredential");
    assert_int_equal(test_server_count(entra), 1);
    entrasql_credential_unref(c);
}

static void expiry_counts_from_the_sending(void **state)
{
    (void)state;
    static const test_answer script[] = {{.body = TOKEN_REPLY}};
    test_server_play(entra, script, 1);
    entrasql_credential *c = new_credential(0);
    entrasql_token *token;
    entrasql_error err;
    int64_t before = es_clock_wall_s();
    assert_int_equal(entrasql_credential_get_token(
                         c, &(entrasql_token_request){.scope = ENTRASQL_SCOPE_SQL}, &token, &err),
                     ENTRASQL_OK);
    assert_in_range(entrasql_token_expires_on(token), before + 3600, es_clock_wall_s() + 3600);
    entrasql_token_free(token);
    entrasql_credential_unref(c);
}

static void claims_are_sent_past_the_cache(void **state)
{
    (void)state;
    static const test_answer script[] = {{.body = TOKEN_REPLY}};
    test_server_play(entra, script, 1);
    entrasql_credential *c = new_credential(0);
    common_expect_token(c, "ClientSecretCredential");
    const entrasql_token_request request = {.scope = ENTRASQL_SCOPE_SQL, .claims = "{\"a\":1}"};
    entrasql_token *token;
    entrasql_error err;
    assert_int_equal(common_get(c, &request, &token, &err), ENTRASQL_OK);
    entrasql_token_free(token);
    assert_int_equal(test_server_count(entra), 2);
    assert_non_null(strstr(test_server_request(entra, 1), "&claims=%7B%22a%22%3A1%7D"));
    assert_int_equal(common_get(c, &request, &token, &err), ENTRASQL_OK);
    entrasql_token_free(token);
    assert_int_equal(test_server_count(entra), 3);
    entrasql_credential_unref(c);
}

static void other_tenants_must_be_allowed(void **state)
{
    (void)state;
    static const test_answer script[] = {{.body = TOKEN_REPLY}};
    const entrasql_token_request request = {.scope = ENTRASQL_SCOPE_SQL, .tenant_id = "other"};
    entrasql_token *token;
    entrasql_error err;
    test_server_play(entra, script, 1);
    entrasql_credential *c = new_credential(0);
    assert_int_equal(common_get(c, &request, &token, &err), ENTRASQL_INVALID);
    entrasql_credential_unref(c);
    assert_int_equal(test_server_count(entra), 0);
    setenv("AZURE_ADDITIONALLY_ALLOWED_TENANTS", "*", 1);
    c = new_credential(0);
    assert_int_equal(common_get(c, &request, &token, &err), ENTRASQL_OK);
    entrasql_token_free(token);
    assert_non_null(strstr(test_server_request(entra, 0), "POST /other/oauth2/v2.0/token"));
    entrasql_credential_unref(c);
}

/* ---- answers that are failures ---- */

static const struct row {
    test_answer answer;
    entrasql_status status;
    entrasql_error_class klass;
    uint32_t number;
    const char *words[3];
} rows[] = {
    {{.status = 401, .body = ERROR_BODY("7000215", "Invalid client secret provided.")},
     ENTRASQL_AUTH_FAILED,
     ENTRASQL_CLASS_AUTH,
     7000215,
     {"AADSTS7000215", "AZURE_CLIENT_SECRET", "trace-1"}},
    {{.status = 400, .body = ERROR_BODY("700016", "not found in the directory")},
     ENTRASQL_AUTH_FAILED,
     ENTRASQL_CLASS_AUTH,
     700016,
     {"AADSTS700016", "AZURE_CLIENT_ID", "HTTP 400"}},
    {{.status = 400, .body = ERROR_BODY("90002", "Tenant not found")},
     ENTRASQL_AUTH_FAILED,
     ENTRASQL_CLASS_AUTH,
     90002,
     {"no such tenant", "AZURE_TENANT_ID"}},
    {{.status = 401, .body = ERROR_BODY("7000222", "expired")},
     ENTRASQL_AUTH_FAILED,
     ENTRASQL_CLASS_AUTH,
     7000222,
     {"expired", "new client secret"}},
    {{.status = 400, .body = ERROR_BODY("424242", "something new")},
     ENTRASQL_AUTH_FAILED,
     ENTRASQL_CLASS_AUTH,
     424242,
     {"AADSTS424242", "something new"}},
    /* It repeats the secret. */
    {{.status = 400, .body = ERROR_BODY("7000215", "wrong secret " SECRET " and " TOKEN)},
     ENTRASQL_AUTH_FAILED,
     ENTRASQL_CLASS_AUTH,
     7000215,
     {"wrong secret ***"}},
    {{.status = 400,
      .body = "{\"error\":\"invalid_scope\",\"error_description\":\"AADSTS70011: x\"}"},
     ENTRASQL_AUTH_FAILED,
     ENTRASQL_CLASS_AUTH,
     70011,
     {"invalid_scope", "/.default"}},
    {{.status = 400, .body = "{\"error\":{\"code\":1},\"error_codes\":\"x\"}"},
     ENTRASQL_AUTH_FAILED,
     ENTRASQL_CLASS_AUTH,
     400,
     {"HTTP status 400"}},
    {{.status = 404, .body = "<html>"},
     ENTRASQL_AUTH_FAILED,
     ENTRASQL_CLASS_AUTH,
     404,
     {"404", "AZURE_AUTHORITY_HOST"}},
    {{.status = 302, .headers = "Location: https://localhost:1/steal\r\n"},
     ENTRASQL_AUTH_FAILED,
     ENTRASQL_CLASS_AUTH,
     302,
     {"302", "redirect"}},
    {{.body = "<html>sign in</html>"}, ENTRASQL_AUTH_FAILED, ENTRASQL_CLASS_AUTH, 0, {"JSON"}},
    {{.body = ""}, ENTRASQL_AUTH_FAILED, ENTRASQL_CLASS_AUTH, 0, {"JSON"}},
    {{.body = "[]"}, ENTRASQL_AUTH_FAILED, ENTRASQL_CLASS_AUTH, 0, {"access_token"}},
    {{.body = "{\"expires_in\":3600}"},
     ENTRASQL_AUTH_FAILED,
     ENTRASQL_CLASS_AUTH,
     0,
     {"access_token"}},
    {{.body = "{\"access_token\":1,\"expires_in\":3600}"},
     ENTRASQL_AUTH_FAILED,
     ENTRASQL_CLASS_AUTH,
     0,
     {"access_token"}},
    {{.body = "{\"access_token\":\"\",\"expires_in\":3600}"},
     ENTRASQL_AUTH_FAILED,
     ENTRASQL_CLASS_AUTH,
     0,
     {"access_token"}},
    {{.body = "{\"access_token\":\"a b\",\"expires_in\":3600}"},
     ENTRASQL_AUTH_FAILED,
     ENTRASQL_CLASS_AUTH,
     0,
     {"access_token"}},
    {{.body = "{\"access_token\":\"" TOKEN "\"}"},
     ENTRASQL_AUTH_FAILED,
     ENTRASQL_CLASS_AUTH,
     0,
     {"expires"}},
    {{.body = "{\"access_token\":\"" TOKEN "\",\"token_type\":\"pop\",\"expires_in\":1}"},
     ENTRASQL_AUTH_FAILED,
     ENTRASQL_CLASS_AUTH,
     0,
     {"Bearer"}},
    {{.body = "{\"access_token\":\"" TOKEN "\",\"access_token\":\"b\",\"expires_in\":1}"},
     ENTRASQL_AUTH_FAILED,
     ENTRASQL_CLASS_AUTH,
     0,
     {"JSON"}},
    {{.body = "[", .repeat = 3000}, ENTRASQL_AUTH_FAILED, ENTRASQL_CLASS_AUTH, 0, {"JSON"}},
    {{.body = "[1,2,3,4,5,6,7,8]", .repeat = 100000},
     ENTRASQL_LIMIT,
     ENTRASQL_CLASS_PEER,
     0,
     {"limit"}},
};

static void failures_say_what_and_what_to_do(void **state)
{
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        const struct row *row = &rows[i];
        test_server_play(entra, &row->answer, 1);
        entrasql_credential *c = new_credential(0);
        entrasql_error err;
        common_expect_failure(c, row->status, &err);
        for (size_t k = 0; k < 3 && row->words[k] != NULL; k++)
            common_expect_words(&err, row->words[k]);
        assert_int_equal(err.number, row->number);
        assert_int_equal(err.error_class, row->klass);
        if (strstr(row->answer.body != NULL ? row->answer.body : "", CORRELATION) != NULL)
            assert_string_equal(err.correlation_id, CORRELATION);
        assert_int_equal(test_server_count(entra), 1);
        /* A failure is not kept. */
        static const test_answer good[] = {{.body = TOKEN_REPLY}};
        test_server_play(entra, good, 1);
        common_expect_token(c, "ClientSecretCredential");
        entrasql_credential_unref(c);
    }
}

static void broken_connections_are_network_failures(void **state)
{
    (void)state;
    static const test_answer closed[] = {{.act = TEST_CLOSE}};
    static const test_answer cut[] = {{.act = TEST_CUT, .cut = 100, .body = TOKEN_REPLY}};
    const test_answer *const scripts[] = {closed, cut};
    for (size_t i = 0; i < ES_COUNT_OF(scripts); i++) {
        entrasql_error err;
        test_server_play(entra, scripts[i], 1);
        entrasql_credential *c = new_credential(UINT32_MAX);
        common_expect_failure(c, ENTRASQL_CLOSED, &err);
        common_expect_words(&err, test_server_url(entra));
        assert_int_equal(test_server_count(entra), 1);
        entrasql_credential_unref(c);
    }
}

/* ---- tries ---- */

static void passing_failures_are_tried_again(void **state)
{
    (void)state;
    static const int statuses[] = {408, 429, 500, 502, 503, 504};
    for (size_t i = 0; i < ES_COUNT_OF(statuses); i++) {
        const test_answer script[] = {{.status = statuses[i], .body = "busy"},
                                      {.act = TEST_CLOSE},
                                      {.status = statuses[i]},
                                      {.body = TOKEN_REPLY}};
        test_server_play(entra, script, 4);
        entrasql_credential *c = new_credential(0);
        common_skipped_ms();
        common_expect_token(c, "ClientSecretCredential");
        assert_int_equal(test_server_count(entra), 4);
        /* 0.8 + 2.4 + 5.6 s, each times 0.8 to 1.3. */
        assert_in_range(common_skipped_ms(), 7000, 11500);
        entrasql_credential_unref(c);
    }
}

static void tries_have_an_end(void **state)
{
    (void)state;
    static const test_answer script[] = {{.status = 503, .body = "busy"}};
    static const struct {
        uint32_t max_retries;
        unsigned tries;
    } counts[] = {{0, 4}, {UINT32_MAX, 1}, {1, 2}, {5, 6}};
    for (size_t i = 0; i < ES_COUNT_OF(counts); i++) {
        entrasql_error err;
        test_server_play(entra, script, 1);
        entrasql_credential *c = new_credential(counts[i].max_retries);
        common_expect_failure(c, ENTRASQL_AUTH_FAILED, &err);
        assert_int_equal(err.number, 503);
        assert_int_equal(err.error_class, ENTRASQL_CLASS_RETRY);
        assert_int_equal(test_server_count(entra), counts[i].tries);
        entrasql_credential_unref(c);
    }
}

static void what_the_answer_asks_for_goes_first(void **state)
{
    (void)state;
    static const struct {
        const char *headers;
        int64_t least;
        int64_t most;
    } asked[] = {
        {"Retry-After: 7\r\n", 6900, 7000},
        {"retry-after-ms: 90\r\n", 0, 90},
        {"x-ms-retry-after-ms: 4000\r\nRetry-After: 9\r\n", 3900, 4000},
    };
    for (size_t i = 0; i < ES_COUNT_OF(asked); i++) {
        const test_answer script[] = {{.status = 429, .headers = asked[i].headers},
                                      {.body = TOKEN_REPLY}};
        test_server_play(entra, script, 2);
        entrasql_credential *c = new_credential(0);
        common_skipped_ms();
        common_expect_token(c, "ClientSecretCredential");
        assert_in_range(common_skipped_ms(), asked[i].least, asked[i].most);
        entrasql_credential_unref(c);
    }
}

static void too_long_a_wait_ends_the_tries(void **state)
{
    (void)state;
    static const test_answer minutes[] = {{.status = 429, .headers = "Retry-After: 61\r\n"}};
    static const test_answer seconds[] = {{.status = 503, .headers = "Retry-After: 30\r\n"}};
    entrasql_token *token;
    entrasql_error err;
    test_server_play(entra, minutes, 1);
    entrasql_credential *c = new_credential(0);
    common_expect_failure(c, ENTRASQL_AUTH_FAILED, &err);
    assert_int_equal(err.number, 429);
    common_expect_words(&err, "too many requests");
    assert_int_equal(test_server_count(entra), 1);
    /* Past the caller's own deadline: the answer at once, not a timeout later. */
    test_server_play(entra, seconds, 1);
    common_skipped_ms();
    const entrasql_token_request request = {.scope = ENTRASQL_SCOPE_SQL, .timeout_ms = 20000};
    assert_int_equal(common_get(c, &request, &token, &err), ENTRASQL_AUTH_FAILED);
    assert_int_equal(err.number, 503);
    assert_int_equal(common_skipped_ms(), 0);
    entrasql_credential_unref(c);
}

static void silent_endpoint_ends_at_the_deadline(void **state)
{
    (void)state;
    static const test_answer script[] = {{.act = TEST_SILENT}};
    const entrasql_token_request request = {.scope = ENTRASQL_SCOPE_SQL, .timeout_ms = 400};
    entrasql_token *token;
    entrasql_error err;
    test_server_play(entra, script, 1);
    entrasql_credential *c = new_credential(0);
    assert_int_equal(entrasql_credential_get_token(c, &request, &token, &err), ENTRASQL_TIMEOUT);
    assert_int_equal(err.error_class, ENTRASQL_CLASS_RETRY);
    common_expect_words(&err, "localhost");
    common_check_error(&err);
    entrasql_credential_unref(c);
}

static void operation_can_be_cancelled_at_any_step(void **state)
{
    (void)state;
    static const test_answer script[] = {{.act = TEST_SILENT}};
    test_server_play(entra, script, 1);
    entrasql_credential *c = new_credential(0);
    for (int steps = 0; steps < 5; steps++) {
        entrasql_token_operation *op;
        entrasql_token *token;
        entrasql_error err;
        assert_int_equal(entrasql_credential_start(
                             c, &(entrasql_token_request){.scope = ENTRASQL_SCOPE_SQL}, &op, &err),
                         ENTRASQL_OK);
        for (int i = 0; i < steps; i++)
            assert_int_equal(entrasql_token_operation_step(op, &token, &err), ENTRASQL_AGAIN);
        entrasql_token_operation_free(op);
    }
    static const test_answer good[] = {{.body = TOKEN_REPLY}};
    test_server_play(entra, good, 1);
    common_expect_token(c, "ClientSecretCredential");
    entrasql_credential_unref(c);
}

/* ---- what is wrong before anything is sent ---- */

static void bad_requests_are_refused(void **state)
{
    (void)state;
    static const entrasql_token_request requests[] = {
        {.scope = NULL},
        {.scope = "https://database.windows.net"},
        {.scope = "a b/.default"},
        {.scope = ENTRASQL_SCOPE_SQL, .tenant_id = "a/../b"},
    };
    static const test_answer script[] = {{.body = TOKEN_REPLY}};
    test_server_play(entra, script, 1);
    entrasql_credential *c = new_credential(0);
    entrasql_token *token;
    entrasql_error err;
    for (size_t i = 0; i < ES_COUNT_OF(requests); i++) {
        assert_int_equal(common_get(c, &requests[i], &token, &err), ENTRASQL_INVALID);
        assert_true(err.hint[0] != '\0');
    }
    assert_int_equal(entrasql_credential_get_token(c, NULL, &token, &err), ENTRASQL_INVALID);
    assert_int_equal(entrasql_credential_get_token(NULL, &requests[0], &token, NULL),
                     ENTRASQL_INVALID);
    assert_int_equal(test_server_count(entra), 0);
    entrasql_credential_unref(c);
}

static void bad_arguments_are_refused(void **state)
{
    (void)state;
    entrasql_credential *c;
    entrasql_error err;
    const entrasql_client_options http = {.authority_host = "http://localhost:1"};
    assert_int_equal(entrasql_client_secret_credential_new(NULL, CLIENT, SECRET, NULL, &c, &err),
                     ENTRASQL_INVALID);
    assert_int_equal(entrasql_client_secret_credential_new("a/b", CLIENT, SECRET, NULL, &c, &err),
                     ENTRASQL_INVALID);
    assert_int_equal(entrasql_client_secret_credential_new(TENANT, "", SECRET, NULL, &c, &err),
                     ENTRASQL_INVALID);
    assert_int_equal(entrasql_client_secret_credential_new(TENANT, CLIENT, NULL, NULL, &c, &err),
                     ENTRASQL_INVALID);
    assert_int_equal(entrasql_client_secret_credential_new(TENANT, CLIENT, SECRET, &http, &c, &err),
                     ENTRASQL_CONFIG);
    common_expect_words(&err, "https");
    common_check_error(&err);
}

/* ---- EnvironmentCredential ---- */

static entrasql_credential *new_environment(void)
{
    entrasql_credential *c;
    entrasql_error err;
    if (entrasql_environment_credential_new(NULL, &c, &err) != ENTRASQL_OK)
        fail_msg("%s", err.message);
    return c;
}

static void environment_gives_a_token(void **state)
{
    (void)state;
    static const test_answer script[] = {{.body = TOKEN_REPLY}};
    test_server_play(entra, script, 1);
    setenv("AZURE_TENANT_ID", TENANT, 1);
    setenv("AZURE_CLIENT_ID", CLIENT, 1);
    setenv("AZURE_CLIENT_SECRET", SECRET, 1);
    setenv("AZURE_AUTHORITY_HOST", test_server_url(entra), 1);
    setenv("SSL_CERT_FILE", test_server_ca_file(entra), 1);
    entrasql_credential *c = new_environment();
    /* Read once, at creation. */
    common_clean(NULL);
    common_expect_token(c, "EnvironmentCredential");
    assert_int_equal(test_server_count(entra), 1);
    entrasql_credential_unref(c);
}

static void missing_variables_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *set[3];
        const char *words[3];
    } cases[] = {
        {{NULL},
         {"AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET (or "
          "AZURE_CLIENT_CERTIFICATE_PATH)"}},
        {{"AZURE_TENANT_ID"},
         {"not fully configured", "missing: AZURE_CLIENT_ID, AZURE_CLIENT_SECRET"}},
        {{"AZURE_TENANT_ID", "AZURE_CLIENT_ID"}, {"missing: AZURE_CLIENT_SECRET"}},
        {{"AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"}, {"missing: AZURE_TENANT_ID"}},
        {{"AZURE_TENANT_ID", "AZURE_CLIENT_CERTIFICATE_PATH"},
         {"not fully configured; missing: AZURE_CLIENT_ID"}},
        {{"AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_PASSWORD"},
         {"AZURE_USERNAME and AZURE_PASSWORD is not supported", "multi-factor"}},
    };
    for (size_t i = 0; i < ES_COUNT_OF(cases); i++) {
        entrasql_error err;
        common_clean(NULL);
        for (size_t k = 0; k < 3 && cases[i].set[k] != NULL; k++)
            setenv(cases[i].set[k], SECRET, 1);
        /* Empty is as good as not set. */
        setenv("AZURE_AUTHORITY_HOST", "", 1);
        entrasql_credential *c = new_environment();
        common_expect_failure(c, ENTRASQL_UNAVAILABLE, &err);
        for (size_t k = 0; k < 3 && cases[i].words[k] != NULL; k++)
            common_expect_words(&err, cases[i].words[k]);
        entrasql_credential_unref(c);
    }
}

static void bad_variables_are_told_when_asked(void **state)
{
    (void)state;
    entrasql_error err;
    setenv("AZURE_TENANT_ID", "not a tenant", 1);
    setenv("AZURE_CLIENT_ID", CLIENT, 1);
    setenv("AZURE_CLIENT_SECRET", SECRET, 1);
    entrasql_credential *c = new_environment();
    common_expect_failure(c, ENTRASQL_CONFIG, &err);
    common_expect_words(&err, "not a tenant");
    entrasql_credential_unref(c);
    setenv("AZURE_TENANT_ID", TENANT, 1);
    setenv("AZURE_AUTHORITY_HOST", "http://localhost:1", 1);
    c = new_environment();
    common_expect_failure(c, ENTRASQL_CONFIG, &err);
    common_expect_words(&err, "AZURE_AUTHORITY_HOST");
    common_expect_words(&err, "https");
    entrasql_credential_unref(c);
}

/* ---- one request for all ---- */

#define THREADS 64

static entrasql_credential *shared;

static void *get_one(void *context)
{
    (void)context;
    const entrasql_token_request request = {.scope = ENTRASQL_SCOPE_SQL};
    entrasql_token *token = NULL;
    entrasql_error err;
    entrasql_status status = entrasql_credential_get_token(shared, &request, &token, &err);
    bool same = status == ENTRASQL_OK && strcmp(entrasql_token_value(token), TOKEN) == 0;
    entrasql_token_free(token);
    return same ? NULL : shared;
}

static void many_threads_make_one_request(void **state)
{
    (void)state;
    static const test_answer script[] = {{.act = TEST_SLOW, .body = TOKEN_REPLY}};
    pthread_t threads[THREADS];
    test_server_play(entra, script, 1);
    shared = new_credential(0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, get_one, NULL), 0);
    test_server_wait(entra, 1);
    test_server_release(entra);
    for (int i = 0; i < THREADS; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    assert_int_equal(test_server_count(entra), 1);
    entrasql_credential_unref(shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(request_is_what_entra_expects, common_clean),
        cmocka_unit_test_setup(expiry_counts_from_the_sending, common_clean),
        cmocka_unit_test_setup(claims_are_sent_past_the_cache, common_clean),
        cmocka_unit_test_setup(other_tenants_must_be_allowed, common_clean),
        cmocka_unit_test_setup(failures_say_what_and_what_to_do, common_clean),
        cmocka_unit_test_setup(broken_connections_are_network_failures, common_clean),
        cmocka_unit_test_setup(passing_failures_are_tried_again, common_clean),
        cmocka_unit_test_setup(tries_have_an_end, common_clean),
        cmocka_unit_test_setup(what_the_answer_asks_for_goes_first, common_clean),
        cmocka_unit_test_setup(too_long_a_wait_ends_the_tries, common_clean),
        cmocka_unit_test_setup(silent_endpoint_ends_at_the_deadline, common_clean),
        cmocka_unit_test_setup(operation_can_be_cancelled_at_any_step, common_clean),
        cmocka_unit_test_setup(bad_requests_are_refused, common_clean),
        cmocka_unit_test_setup(bad_arguments_are_refused, common_clean),
        cmocka_unit_test_setup(environment_gives_a_token, common_clean),
        cmocka_unit_test_setup(missing_variables_are_named, common_clean),
        cmocka_unit_test_setup(bad_variables_are_told_when_asked, common_clean),
        cmocka_unit_test_setup(many_threads_make_one_request, common_clean),
    };
    return cmocka_run_group_tests_name("identity entra", tests, start, stop);
}
