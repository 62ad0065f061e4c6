/* SPDX-License-Identifier: MIT */
/* identity: whom requests may go to, for which tenants, with which claims, under which id. */
#include "base/str.h"
#include "common.h"
#include "http/text.h"
#include "identity/app.h"
#include "server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static test_server *entra;
static const test_answer token_reply[] = {{.body = TOKEN_REPLY}};

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

static entrasql_client_options client(void)
{
    return (entrasql_client_options){.authority_host = test_server_url(entra),
                                     .ca_file = test_server_ca_file(entra)};
}

/* ---- claims and CAE in forms ---- */

static void cae_and_claims_are_merged(void **state)
{
    (void)state;
    static const struct {
        const char *claims;
        bool cae;
        const char *sent; /* NULL: INVALID */
    } rows[] = {
        {NULL, true, "{\"access_token\":{\"xms_cc\":{\"values\":[\"CP1\"]}}}"},
        {"{\"access_token\":{\"nbf\":{\"essential\":true}}}", true,
         "{\"access_token\":{\"nbf\":{\"essential\":true},\"xms_cc\":{\"values\":[\"CP1\"]}}}"},
        {"{\"id_token\":{\"a\":null}}", true,
         "{\"id_token\":{\"a\":null},\"access_token\":{\"xms_cc\":{\"values\":[\"CP1\"]}}}"},
        {"{\"access_token\":{\"xms_cc\":{\"values\":[\"other\"]}}}", true,
         "{\"access_token\":{\"xms_cc\":{\"values\":[\"CP1\"]}}}"},
        {"{\"a\":1}", false, "{\"a\":1}"},
        {"[1]", false, NULL},
        {"eyJhIjoxfQ==", true, NULL},
    };
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        const identity_request request = {.claims = rows[i].claims, .cae = rows[i].cae};
        es_buf sent = ES_BUF_INIT(4096), expected = ES_BUF_INIT(4096);
        entrasql_error err;
        entrasql_status status = identity_claims_add(&request, &sent, &err);
        assert_int_equal(status, rows[i].sent != NULL ? ENTRASQL_OK : ENTRASQL_INVALID);
        if (rows[i].sent != NULL) {
            assert_int_equal(http_form_add(&expected, "claims", rows[i].sent), ENTRASQL_OK);
            assert_string_equal(es_buf_cstr(&sent), es_buf_cstr(&expected));
        }
        es_buf_done(&sent);
        es_buf_done(&expected);
    }
}

/* ---- instance discovery ---- */

static identity_app_credential *new_discovering(test_server *known)
{
    const entrasql_client_options o = {.authority_host = test_server_url(entra),
                                       .ca_file = test_server_ca_file(entra),
                                       .instance_discovery = true};
    entrasql_credential *c;
    assert_int_equal(entrasql_client_secret_credential_new(TENANT, CLIENT, SECRET, &o, &c, NULL),
                     ENTRASQL_OK);
    identity_app_credential *app = (identity_app_credential *)c;
    /* The public cloud is elsewhere. */
    app->app.settings.instance_host = strdup(test_server_url(known));
    return app;
}

static void unknown_authorities_are_looked_up_once(void **state)
{
    (void)state;
    static const test_answer script[] = {
        {.body = "{\"tenant_discovery_endpoint\":\"https://x/\",\"metadata\":[]}"},
        {.body = TOKEN_REPLY}};
    const entrasql_token_request again = {.scope = ENTRASQL_SCOPE_SQL, .refresh = true};
    entrasql_token *token;
    /* One server plays both: the requests come one after the other. */
    test_server_play(entra, script, 2);
    identity_app_credential *c = new_discovering(entra);
    common_expect_token(&c->base, "ClientSecretCredential");
    const char *first = test_server_request(entra, 0);
    char expected[512];
    snprintf(expected, sizeof expected,
             "GET /common/discovery/instance?api-version=1.1&authorization_endpoint="
             "https%%3A%%2F%%2Flocalhost%%3A%u%%2F" TENANT "%%2Foauth2%%2Fv2.0%%2Fauthorize ",
             test_server_port(entra));
    assert_true(es_starts_with(first, expected));
    assert_null(strstr(first, "client_secret"));
    assert_int_equal(common_get(&c->base, &again, &token, NULL), ENTRASQL_OK);
    entrasql_token_free(token);
    assert_int_equal(test_server_count(entra), 3);
    entrasql_credential_unref(&c->base);
}

static void authorities_that_nobody_knows_get_no_secret(void **state)
{
    (void)state;
    static const test_answer answers[] = {
        {.status = 400, .body = "{\"error\":\"invalid_instance\"}"},
        {.body = "{}"},
        {.body = "<html>"},
        {.status = 302, .headers = "Location: https://localhost/\r\n"},
    };
    static const char *const words[] = {"does not know the authority", "looked up", "looked up",
                                        "looked up (HTTP 302)"};
    for (size_t i = 0; i < ES_COUNT_OF(answers); i++) {
        entrasql_error err;
        test_server_play(entra, &answers[i], 1);
        identity_app_credential *c = new_discovering(entra);
        common_expect_failure(&c->base, ENTRASQL_AUTH_FAILED, &err);
        common_expect_words(&err, words[i]);
        common_expect_words(&err, "no secret was sent");
        common_expect_words(&err, "instance_discovery");
        assert_int_equal(test_server_count(entra), 1);
        entrasql_credential_unref(&c->base);
    }
}

static void options_allow_other_tenants(void **state)
{
    (void)state;
    const entrasql_token_request other = {.scope = ENTRASQL_SCOPE_SQL, .tenant_id = "other"};
    entrasql_client_options o = client();
    entrasql_credential *c;
    entrasql_token *token;
    entrasql_error err;
    test_server_play(entra, token_reply, 1);
    setenv("AZURE_ADDITIONALLY_ALLOWED_TENANTS", "*", 1);
    o.additionally_allowed_tenants = "third; OTHER";
    assert_int_equal(entrasql_client_secret_credential_new(TENANT, CLIENT, SECRET, &o, &c, NULL),
                     ENTRASQL_OK);
    assert_int_equal(common_get(c, &other, &token, &err), ENTRASQL_OK);
    entrasql_token_free(token);
    entrasql_credential_unref(c);
    /* The option goes before the variable, also where it allows less. */
    o.additionally_allowed_tenants = "third";
    assert_int_equal(entrasql_client_secret_credential_new(TENANT, CLIENT, SECRET, &o, &c, NULL),
                     ENTRASQL_OK);
    assert_int_equal(common_get(c, &other, &token, &err), ENTRASQL_INVALID);
    common_expect_words(&err, "additionally_allowed_tenants");
    entrasql_credential_unref(c);
    /* Switched off altogether: the credential's own tenant answers. */
    setenv("AZURE_IDENTITY_DISABLE_MULTITENANTAUTH", "true", 1);
    test_server_play(entra, token_reply, 1);
    assert_int_equal(entrasql_client_secret_credential_new(TENANT, CLIENT, SECRET, &o, &c, NULL),
                     ENTRASQL_OK);
    assert_int_equal(common_get(c, &other, &token, &err), ENTRASQL_OK);
    entrasql_token_free(token);
    assert_true(es_starts_with(test_server_request(entra, 0), "POST /" TENANT "/"));
    entrasql_credential_unref(c);
}

static void requests_have_an_id_that_errors_name(void **state)
{
    (void)state;
    static const test_answer script[] = {{.status = 400, .body = "<html>"}};
    const entrasql_client_options o = client();
    entrasql_credential *c;
    entrasql_error err;
    char header[128];
    test_server_play(entra, script, 1);
    assert_int_equal(entrasql_client_secret_credential_new(TENANT, CLIENT, SECRET, &o, &c, NULL),
                     ENTRASQL_OK);
    common_expect_failure(c, ENTRASQL_AUTH_FAILED, &err);
    assert_int_equal(strlen(err.correlation_id), 36);
    snprintf(header, sizeof header, "\r\nclient-request-id: %s\r\n", err.correlation_id);
    assert_non_null(strstr(test_server_request(entra, 0), header));
    entrasql_credential_unref(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(cae_and_claims_are_merged, common_clean),
        cmocka_unit_test_setup(unknown_authorities_are_looked_up_once, common_clean),
        cmocka_unit_test_setup(authorities_that_nobody_knows_get_no_secret, common_clean),
        cmocka_unit_test_setup(options_allow_other_tenants, common_clean),
        cmocka_unit_test_setup(requests_have_an_id_that_errors_name, common_clean),
    };
    return cmocka_run_group_tests_name("identity authority", tests, start, stop);
}
