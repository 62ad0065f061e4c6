/* SPDX-License-Identifier: MIT */
/* identity: apps by certificate, assertion, federated token, pipeline, and on behalf of a user. */
#include "base/base64.h"
#include "base/clock.h"
#include "base/str.h"
#include "common.h"
#include "crypto/bundle.h"
#include "crypto/jwt.h"
#include "server.h"
#include "json/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define PASSWORD "test-password"
#define ASSERTION "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhc3NlcnRpb24ifQ.YXNzZXJ0aW9u"
#define ASSERTION_TYPE                                                                             \
    "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
#define SCOPE "scope=https%3A%2F%2Fdatabase.windows.net%2F.default"

static test_server *entra;
static char folder[64];

static int start(void **state)
{
    entra = test_server_start(true);
    snprintf(folder, sizeof folder, "/tmp/entrasql-app-XXXXXX");
    return mkdtemp(folder) != NULL ? common_setup(state) : -1;
}

static int stop(void **state)
{
    char path[128];
    snprintf(path, sizeof path, "%s/file", folder);
    unlink(path);
    rmdir(folder);
    test_server_stop(entra);
    return common_teardown(state);
}

static const test_answer token_reply[] = {{.body = TOKEN_REPLY}};

static entrasql_client_options client(void)
{
    return (entrasql_client_options){.authority_host = test_server_url(entra),
                                     .ca_file = test_server_ca_file(entra)};
}

static const char *certificate_file(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", getenv("TEST_CERTIFICATES"), name);
    return path;
}

static const char *write_file(const char *text)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/file", folder);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
    return path;
}

/* The form of request i. */
static const char *form(unsigned i)
{
    const char *body = strstr(test_server_request(entra, i), "\r\n\r\n");
    assert_non_null(body);
    return body + 4;
}

/* The value of a field of the form, decoded as far as a JWT needs it. */
static void field(const char *body, const char *name, char *ret, size_t size)
{
    char key[64];
    snprintf(key, sizeof key, "%s=", name);
    const char *at = strstr(body, key);
    assert_non_null(at);
    at += strlen(key);
    snprintf(ret, size, "%.*s", (int)strcspn(at, "&"), at);
}

/* ---- certificates ---- */

typedef struct parsed {
    crypto_jwt jwt;
    json_doc *header;
    json_doc *claims;
} parsed;

static parsed parse_assertion(const char *body)
{
    static char text[32 * 1024];
    parsed p;
    field(body, "client_assertion", text, sizeof text);
    assert_int_equal(crypto_jwt_parse(text, strlen(text), &p.jwt, NULL), ENTRASQL_OK);
    assert_int_equal(json_doc_parse(p.jwt.header_json, strlen(p.jwt.header_json), &p.header, NULL),
                     ENTRASQL_OK);
    assert_int_equal(json_doc_parse(p.jwt.claims_json, strlen(p.jwt.claims_json), &p.claims, NULL),
                     ENTRASQL_OK);
    return p;
}

static void parsed_done(parsed *p)
{
    crypto_jwt_done(&p->jwt);
    json_doc_free(p->header);
    json_doc_free(p->claims);
}

static void expect_member(const json_doc *doc, const char *name, const char *value)
{
    const char *text = NULL;
    assert_int_equal(json_member_string(json_doc_root(doc), name, &text, NULL), ENTRASQL_OK);
    assert_string_equal(text, value);
}

static crypto_key *public_key(void)
{
    es_buf text = ES_BUF_INIT(CRYPTO_BUNDLE_MAX_BYTES);
    crypto_bundle *b;
    crypto_key *key;
    FILE *f = fopen(certificate_file("plain.pem"), "rb");
    uint8_t bytes[8192];
    assert_non_null(f);
    size_t n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    assert_int_equal(crypto_bundle_read(bytes, n, NULL, &b, NULL), ENTRASQL_OK);
    assert_int_equal(crypto_cert_public_key(crypto_bundle_cert(b, 0), &key, NULL), ENTRASQL_OK);
    crypto_bundle_free(b);
    es_buf_done(&text);
    return key;
}

static entrasql_credential *new_certificate(entrasql_client_certificate_options o)
{
    const entrasql_client_options c = client();
    entrasql_credential *credential;
    entrasql_error err;
    o.client = &c;
    if (entrasql_client_certificate_credential_new(TENANT, CLIENT, &o, &credential, &err) !=
        ENTRASQL_OK)
        fail_msg("%s", err.message);
    return credential;
}

static void check_claims(const parsed *p)
{
    char audience[256];
    int64_t nbf, exp, now = es_clock_wall_s();
    snprintf(audience, sizeof audience, "%s/" TENANT "/oauth2/v2.0/token", test_server_url(entra));
    expect_member(p->claims, "aud", audience);
    expect_member(p->claims, "iss", CLIENT);
    expect_member(p->claims, "sub", CLIENT);
    assert_int_equal(json_member_i64(json_doc_root(p->claims), "nbf", &nbf), ENTRASQL_OK);
    assert_int_equal(json_member_i64(json_doc_root(p->claims), "exp", &exp), ENTRASQL_OK);
    assert_in_range(nbf, now - 30, now);
    assert_int_equal(exp, nbf + 600);
}

static void assertions_are_signed_as_entra_asks_for(void **state)
{
    (void)state;
    crypto_key *key = public_key();
    char ids[2][64];
    test_server_play(entra, token_reply, 1);
    entrasql_credential *c = new_certificate(
        (entrasql_client_certificate_options){.path = certificate_file("plain.pem")});
    for (unsigned i = 0; i < 2; i++) {
        entrasql_token *token;
        const entrasql_token_request request = {.scope = ENTRASQL_SCOPE_SQL, .refresh = true};
        assert_int_equal(common_get(c, &request, &token, NULL), ENTRASQL_OK);
        assert_string_equal(entrasql_token_source(token), "ClientCertificateCredential");
        entrasql_token_free(token);
        const char *body = form(i);
        assert_true(es_starts_with(body, "grant_type=client_credentials&client_id=" CLIENT
                                         "&" ASSERTION_TYPE "&client_assertion="));
        assert_true(es_ends_with(body, "&" SCOPE));
        parsed p = parse_assertion(body);
        expect_member(p.header, "alg", "PS256");
        expect_member(p.header, "typ", "JWT");
        /* base64url of the fingerprint that openssl prints. */
        expect_member(p.header, "x5t#S256", "gPXPS9REWcq-ylMDWSnorc5hQBo6zmNRJTMKm6rNCUE");
        assert_null(json_member(json_doc_root(p.header), "x5t"));
        assert_null(json_member(json_doc_root(p.header), "x5c"));
        check_claims(&p);
        const char *jti = NULL;
        assert_int_equal(json_member_string(json_doc_root(p.claims), "jti", &jti, NULL),
                         ENTRASQL_OK);
        snprintf(ids[i], sizeof ids[i], "%s", jti);
        assert_int_equal(crypto_jwt_verify(&p.jwt, CRYPTO_PS256, key, NULL), ENTRASQL_OK);
        parsed_done(&p);
    }
    assert_string_not_equal(ids[0], ids[1]);
    entrasql_credential_unref(c);
    crypto_key_free(key);
}

static void rs256_and_the_chain_are_there_on_request(void **state)
{
    (void)state;
    crypto_key *key = public_key();
    test_server_play(entra, token_reply, 1);
    entrasql_credential *c = new_certificate(
        (entrasql_client_certificate_options){.path = certificate_file("sha256.pfx"),
                                              .password = PASSWORD,
                                              .send_x5c = true,
                                              .rs256 = true});
    common_expect_token(c, "ClientCertificateCredential");
    parsed p = parse_assertion(form(0));
    const json_node *chain;
    const char *leaf = NULL;
    expect_member(p.header, "alg", "RS256");
    expect_member(p.header, "x5t", "0hj-1Mxcrtq2DYo1CEY-EWEZHHc");
    assert_null(json_member(json_doc_root(p.header), "x5t#S256"));
    assert_int_equal(json_member_array(json_doc_root(p.header), "x5c", &chain), ENTRASQL_OK);
    assert_int_equal(json_count(chain), 3);
    assert_int_equal(json_node_string(json_element(chain, 0), &leaf, NULL), ENTRASQL_OK);
    /* DER in standard base64, not PEM and not base64url. */
    es_buf der = ES_BUF_INIT(8192);
    assert_int_equal(es_base64_decode(leaf, strlen(leaf), &der), ENTRASQL_OK);
    assert_int_equal(der.data[0], 0x30);
    es_buf_done(&der);
    assert_int_equal(crypto_jwt_verify(&p.jwt, CRYPTO_RS256, key, NULL), ENTRASQL_OK);
    parsed_done(&p);
    entrasql_credential_unref(c);
    crypto_key_free(key);
}

static void copy_certificate(const char *name)
{
    char command[1024];
    snprintf(command, sizeof command, "cp '%s' '%s/file'", certificate_file(name), folder);
    assert_int_equal(system(command), 0);
}

static void a_rotated_file_is_picked_up(void **state)
{
    (void)state;
    const entrasql_token_request request = {.scope = ENTRASQL_SCOPE_SQL, .refresh = true};
    entrasql_token *token;
    entrasql_error err;
    char path[128];
    snprintf(path, sizeof path, "%s/file", folder);
    copy_certificate("plain.pem");
    test_server_play(entra, token_reply, 1);
    entrasql_credential *c = new_certificate((entrasql_client_certificate_options){.path = path});
    assert_int_equal(common_get(c, &request, &token, &err), ENTRASQL_OK);
    entrasql_token_free(token);
    copy_certificate("only-cert.pem");
    assert_int_equal(common_get(c, &request, &token, &err), ENTRASQL_CONFIG);
    common_expect_words(&err, "found no private key");
    common_expect_words(&err, path);
    copy_certificate("pkcs1.pem");
    assert_int_equal(common_get(c, &request, &token, &err), ENTRASQL_OK);
    entrasql_token_free(token);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(common_get(c, &request, &token, &err), ENTRASQL_NOT_FOUND);
    common_expect_words(&err, path);
    entrasql_credential_unref(c);
}

static void certificates_as_data(void **state)
{
    (void)state;
    uint8_t bytes[8192];
    FILE *f = fopen(certificate_file("encrypted.pem"), "rb");
    assert_non_null(f);
    size_t n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    test_server_play(entra, token_reply, 1);
    entrasql_credential *c = new_certificate(
        (entrasql_client_certificate_options){.data = bytes, .data_size = n, .password = PASSWORD});
    memset(bytes, 0, sizeof bytes);
    common_expect_token(c, "ClientCertificateCredential");
    entrasql_credential_unref(c);
}

static void bad_certificates_are_told_at_once(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        const char *password;
        entrasql_status status;
        const char *words;
    } cases[] = {
        {"encrypted.pem", NULL, ENTRASQL_CONFIG, "no password was given"},
        {"sha256.pfx", "wrong", ENTRASQL_CONFIG, "password is wrong"},
        {"ec.pem", NULL, ENTRASQL_CONFIG, "not RSA"},
        {"not-there.pem", NULL, ENTRASQL_NOT_FOUND, "not-there.pem"},
    };
    for (size_t i = 0; i < ES_COUNT_OF(cases); i++) {
        const entrasql_client_certificate_options o = {.path = certificate_file(cases[i].file),
                                                       .password = cases[i].password};
        entrasql_credential *c;
        entrasql_error err;
        assert_int_equal(entrasql_client_certificate_credential_new(TENANT, CLIENT, &o, &c, &err),
                         cases[i].status);
        common_expect_words(&err, cases[i].words);
    }
    const entrasql_client_certificate_options both = {.path = "a", .data = "b", .data_size = 1};
    entrasql_credential *c;
    assert_int_equal(entrasql_client_certificate_credential_new(TENANT, CLIENT, &both, &c, NULL),
                     ENTRASQL_INVALID);
    assert_int_equal(entrasql_client_certificate_credential_new(TENANT, CLIENT, NULL, &c, NULL),
                     ENTRASQL_INVALID);
}

static void expired_certificates_are_not_sent(void **state)
{
    (void)state;
    entrasql_error err;
    test_server_play(entra, token_reply, 1);
    entrasql_credential *c = new_certificate(
        (entrasql_client_certificate_options){.path = certificate_file("plain.pem")});
    es_clock_shift(0, INT64_C(36600) * 86400);
    common_expect_failure(c, ENTRASQL_AUTH_FAILED, &err);
    es_clock_shift(0, INT64_C(-36600) * 86400);
    common_expect_words(&err, "expired on 21");
    assert_int_equal(test_server_count(entra), 0);
    entrasql_credential_unref(c);
}

static void the_environment_takes_a_certificate(void **state)
{
    (void)state;
    entrasql_credential *c;
    entrasql_error err;
    setenv("AZURE_TENANT_ID", TENANT, 1);
    setenv("AZURE_CLIENT_ID", CLIENT, 1);
    setenv("AZURE_CLIENT_CERTIFICATE_PATH", certificate_file("sha256.pfx"), 1);
    setenv("AZURE_CLIENT_CERTIFICATE_PASSWORD", PASSWORD, 1);
    setenv("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN", "TRUE", 1);
    const entrasql_client_options o = client();
    test_server_play(entra, token_reply, 1);
    assert_int_equal(entrasql_environment_credential_new(&o, &c, NULL), ENTRASQL_OK);
    common_expect_token(c, "EnvironmentCredential");
    parsed p = parse_assertion(form(0));
    assert_non_null(json_member(json_doc_root(p.header), "x5c"));
    parsed_done(&p);
    entrasql_credential_unref(c);
    setenv("AZURE_CLIENT_CERTIFICATE_PASSWORD", "wrong", 1);
    assert_int_equal(entrasql_environment_credential_new(&o, &c, NULL), ENTRASQL_OK);
    common_expect_failure(c, ENTRASQL_CONFIG, &err);
    common_expect_words(&err, "password is wrong");
    entrasql_credential_unref(c);
    /* The secret goes first. */
    setenv("AZURE_CLIENT_SECRET", SECRET, 1);
    assert_int_equal(entrasql_environment_credential_new(&o, &c, NULL), ENTRASQL_OK);
    test_server_play(entra, token_reply, 1);
    common_expect_token(c, "EnvironmentCredential");
    assert_non_null(strstr(form(0), "client_secret="));
    entrasql_credential_unref(c);
    unsetenv("AZURE_CLIENT_CERTIFICATE_PASSWORD");
    unsetenv("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN");
}

/* ---- assertions of the program ---- */

static struct {
    int calls;
    int freed;
    const char *text; /* NULL: gives none */
    entrasql_status fails;
} function;

static entrasql_status give_assertion(void *context, char **ret, entrasql_error *err)
{
    assert_ptr_equal(context, &function);
    function.calls++;
    if (function.fails != ENTRASQL_OK) {
        snprintf(err->message, sizeof err->message, "the vault is closed");
        return function.fails;
    }
    if (function.text != NULL)
        *ret = strdup(function.text);
    return ENTRASQL_OK;
}

static void free_function(void *context)
{
    assert_ptr_equal(context, &function);
    function.freed++;
}

static void the_function_is_called_for_each_request(void **state)
{
    (void)state;
    const entrasql_client_options o = client();
    const entrasql_token_request again = {.scope = ENTRASQL_SCOPE_SQL, .refresh = true};
    entrasql_credential *c;
    entrasql_token *token;
    entrasql_error err;
    memset(&function, 0, sizeof function);
    function.text = ASSERTION;
    test_server_play(entra, token_reply, 1);
    assert_int_equal(entrasql_client_assertion_credential_new(
                         "a/b", CLIENT, give_assertion, &function, free_function, &o, &c, &err),
                     ENTRASQL_INVALID);
    assert_int_equal(entrasql_client_assertion_credential_new(TENANT, CLIENT, NULL, &function,
                                                              free_function, &o, &c, &err),
                     ENTRASQL_INVALID);
    assert_int_equal(function.freed, 0);
    assert_int_equal(entrasql_client_assertion_credential_new(
                         TENANT, CLIENT, give_assertion, &function, free_function, &o, &c, &err),
                     ENTRASQL_OK);
    common_expect_token(c, "ClientAssertionCredential");
    assert_string_equal(form(0), "grant_type=client_credentials&client_id=" CLIENT
                                 "&" ASSERTION_TYPE "&client_assertion=" ASSERTION "&" SCOPE);
    common_expect_token(c, "ClientAssertionCredential");
    assert_int_equal(function.calls, 1);
    assert_int_equal(common_get(c, &again, &token, &err), ENTRASQL_OK);
    entrasql_token_free(token);
    assert_int_equal(function.calls, 2);
    static const struct {
        const char *text;
        entrasql_status fails;
        entrasql_status status;
        const char *words;
    } bad[] = {
        {NULL, ENTRASQL_OK, ENTRASQL_AUTH_FAILED, "gave no assertion"},
        {"", ENTRASQL_OK, ENTRASQL_AUTH_FAILED, "empty"},
        {"not a token", ENTRASQL_OK, ENTRASQL_AUTH_FAILED, "not a token"},
        {NULL, ENTRASQL_NETWORK, ENTRASQL_AUTH_FAILED, "the vault is closed"},
        {NULL, ENTRASQL_NOMEM, ENTRASQL_NOMEM, "the vault is closed"},
    };
    for (size_t i = 0; i < ES_COUNT_OF(bad); i++) {
        function.text = bad[i].text;
        function.fails = bad[i].fails;
        assert_int_equal(common_get(c, &again, &token, &err), bad[i].status);
        common_expect_words(&err, bad[i].words);
    }
    entrasql_credential_unref(c);
    assert_int_equal(function.freed, 1);
}

/* ---- workload identity ---- */

static entrasql_status new_workload(const char *file, entrasql_credential **ret,
                                    entrasql_error *err)
{
    const entrasql_client_options o = client();
    const entrasql_workload_identity_options w = {
        .tenant_id = TENANT, .client_id = CLIENT, .token_file_path = file, .client = &o};
    return entrasql_workload_identity_credential_new(&w, ret, err);
}

static void the_token_file_is_read_each_time(void **state)
{
    (void)state;
    const entrasql_token_request again = {.scope = ENTRASQL_SCOPE_SQL, .refresh = true};
    entrasql_credential *c;
    entrasql_token *token;
    entrasql_error err;
    const char *path = write_file("\n " ASSERTION "\n");
    test_server_play(entra, token_reply, 1);
    assert_int_equal(new_workload(path, &c, &err), ENTRASQL_OK);
    common_expect_token(c, "WorkloadIdentityCredential");
    assert_non_null(strstr(form(0), "&client_assertion=" ASSERTION "&"));
    write_file("second.token.text");
    assert_int_equal(common_get(c, &again, &token, &err), ENTRASQL_OK);
    entrasql_token_free(token);
    assert_non_null(strstr(form(1), "&client_assertion=second.token.text&"));
    write_file(" \n");
    assert_int_equal(common_get(c, &again, &token, &err), ENTRASQL_UNAVAILABLE);
    common_expect_words(&err, "is empty");
    write_file("two words");
    assert_int_equal(common_get(c, &again, &token, &err), ENTRASQL_AUTH_FAILED);
    unlink(path);
    assert_int_equal(common_get(c, &again, &token, &err), ENTRASQL_AUTH_FAILED);
    common_expect_words(&err, "AZURE_FEDERATED_TOKEN_FILE");
    entrasql_credential_unref(c);
}

static void workload_identity_by_its_variables(void **state)
{
    (void)state;
    static const char *const names[] = {"AZURE_TENANT_ID", "AZURE_CLIENT_ID",
                                        "AZURE_FEDERATED_TOKEN_FILE"};
    entrasql_credential *c;
    entrasql_error err;
    const char *values[] = {TENANT, CLIENT, write_file(ASSERTION)};
    const entrasql_client_options o = client();
    const entrasql_workload_identity_options w = {.client = &o};
    test_server_play(entra, token_reply, 1);
    for (size_t missing = 0; missing <= ES_COUNT_OF(names); missing++) {
        for (size_t i = 0; i < ES_COUNT_OF(names); i++) {
            if (i == missing)
                unsetenv(names[i]);
            else
                setenv(names[i], values[i], 1);
        }
        assert_int_equal(entrasql_workload_identity_credential_new(&w, &c, &err), ENTRASQL_OK);
        if (missing < ES_COUNT_OF(names)) {
            common_expect_failure(c, ENTRASQL_UNAVAILABLE, &err);
            common_expect_words(&err, names[missing]);
        } else {
            common_expect_token(c, "WorkloadIdentityCredential");
        }
        entrasql_credential_unref(c);
    }
    unsetenv("AZURE_FEDERATED_TOKEN_FILE");
}

/* ---- Azure Pipelines ---- */

#define JOB_TOKEN SECRET

static entrasql_status new_pipelines(entrasql_credential **ret, entrasql_error *err)
{
    const entrasql_client_options o = client();
    return entrasql_azure_pipelines_credential_new(TENANT, CLIENT, "conn&ection", JOB_TOKEN, &o,
                                                   ret, err);
}

static void set_request_uri(const char *rest)
{
    char uri[256];
    snprintf(uri, sizeof uri, "%s/org/_apis/oidctoken%s", test_server_url(entra), rest);
    setenv("SYSTEM_OIDCREQUESTURI", uri, 1);
}

static void the_job_buys_a_token_of_its_connection(void **state)
{
    (void)state;
    static const test_answer script[] = {{.body = "{\"oidcToken\":\"" ASSERTION "\"}"},
                                         {.body = TOKEN_REPLY}};
    entrasql_credential *c;
    entrasql_error err;
    set_request_uri("");
    test_server_play(entra, script, 2);
    assert_int_equal(new_pipelines(&c, &err), ENTRASQL_OK);
    common_expect_token(c, "AzurePipelinesCredential");
    const char *oidc = test_server_request(entra, 0);
    assert_true(es_starts_with(oidc, "POST /org/_apis/oidctoken?api-version=7.1"
                                     "&serviceConnectionId=conn%26ection HTTP/1.1\r\n"));
    assert_non_null(strstr(oidc, "\r\nAuthorization: Bearer " JOB_TOKEN "\r\n"));
    assert_non_null(strstr(oidc, "\r\nX-TFS-FedAuthRedirect: Suppress\r\n"));
    assert_non_null(strstr(oidc, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(oidc, "\r\nContent-Length: 0\r\n"));
    assert_non_null(strstr(form(1), "&client_assertion=" ASSERTION "&"));
    entrasql_credential_unref(c);
}

static void pipelines_that_refuse(void **state)
{
    (void)state;
    static const struct {
        test_answer answer;
        const char *words[2];
    } rows[] = {
        {{.status = 401, .headers = "x-vss-e2eid: activity-1\r\n", .body = "no " JOB_TOKEN},
         {"HTTP 401, x-vss-e2eid activity-1", "System.AccessToken"}},
        {{.status = 302, .headers = "Location: https://localhost/signin\r\n"}, {"HTTP 302", "map"}},
        {{.status = 404}, {"HTTP 404", "service_connection_id"}},
        {{.body = "{\"oidcToken\":7}"}, {"no oidcToken", "SYSTEM_OIDCREQUESTURI"}},
        {{.body = "<html>"}, {"no oidcToken", ""}},
        {{.body = "{\"oidcToken\":\"two words\"}"}, {"not a token", ""}},
    };
    set_request_uri("?x=1");
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        entrasql_credential *c;
        entrasql_error err;
        test_server_play(entra, &rows[i].answer, 1);
        assert_int_equal(new_pipelines(&c, &err), ENTRASQL_OK);
        common_expect_failure(c, ENTRASQL_AUTH_FAILED, &err);
        common_expect_words(&err, rows[i].words[0]);
        common_expect_words(&err, rows[i].words[1]);
        entrasql_credential_unref(c);
    }
    assert_non_null(strstr(test_server_request(entra, 0), "oidctoken?x=1&api-version=7.1&"));
}

static void pipelines_outside_of_a_job(void **state)
{
    (void)state;
    entrasql_credential *c;
    entrasql_error err;
    unsetenv("SYSTEM_OIDCREQUESTURI");
    assert_int_equal(new_pipelines(&c, &err), ENTRASQL_OK);
    common_expect_failure(c, ENTRASQL_UNAVAILABLE, &err);
    common_expect_words(&err, "SYSTEM_OIDCREQUESTURI");
    entrasql_credential_unref(c);
    setenv("SYSTEM_OIDCREQUESTURI", "http://localhost/", 1);
    assert_int_equal(new_pipelines(&c, &err), ENTRASQL_CONFIG);
    unsetenv("SYSTEM_OIDCREQUESTURI");
    const entrasql_client_options o = client();
    assert_int_equal(
        entrasql_azure_pipelines_credential_new(TENANT, CLIENT, "", JOB_TOKEN, &o, &c, &err),
        ENTRASQL_INVALID);
    assert_int_equal(entrasql_azure_pipelines_credential_new(TENANT, CLIENT, "x", "", &o, &c, &err),
                     ENTRASQL_INVALID);
    assert_int_equal(
        entrasql_azure_pipelines_credential_new(TENANT, CLIENT, "x", "a\r\nb", &o, &c, &err),
        ENTRASQL_INVALID);
}

/* ---- on behalf of ---- */

#define USER_TOKEN "eyJhbGciOiJub25lIn0.eyJ1cG4iOiJ1c2VyIn0.dXNlcg"
#define CLAIMS "{\"access_token\":{\"capolids\":{\"essential\":true,\"values\":[\"c1\"]}}}"

static entrasql_status new_on_behalf_of(entrasql_on_behalf_of_options o, entrasql_credential **ret,
                                        entrasql_error *err)
{
    const entrasql_client_options c = client();
    o.client = &c;
    return entrasql_on_behalf_of_credential_new(TENANT, CLIENT, USER_TOKEN, &o, ret, err);
}

static void the_users_token_is_traded(void **state)
{
    (void)state;
    static const char before[] =
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=" USER_TOKEN
        "&requested_token_use=on_behalf_of&client_id=" CLIENT "&";
    const entrasql_client_certificate_options certificate = {.path = certificate_file("plain.pem")};
    const entrasql_on_behalf_of_options ways[] = {
        {.client_secret = SECRET},
        {.certificate = &certificate},
        {.assertion = give_assertion,
         .assertion_context = &function,
         .free_assertion_context = free_function},
    };
    static const char *const proofs[] = {"client_secret=", ASSERTION_TYPE "&client_assertion=ey",
                                         ("client_assertion=" ASSERTION)};
    memset(&function, 0, sizeof function);
    function.text = ASSERTION;
    for (size_t i = 0; i < ES_COUNT_OF(ways); i++) {
        entrasql_credential *c;
        entrasql_error err;
        test_server_play(entra, token_reply, 1);
        if (new_on_behalf_of(ways[i], &c, &err) != ENTRASQL_OK)
            fail_msg("%s", err.message);
        common_expect_token(c, "OnBehalfOfCredential");
        assert_true(es_starts_with(form(0), before));
        assert_non_null(strstr(form(0), proofs[i]));
        common_expect_token(c, "OnBehalfOfCredential");
        assert_int_equal(test_server_count(entra), 1);
        entrasql_credential_unref(c);
    }
    assert_int_equal(function.freed, 1);
}

static void what_entra_wants_of_the_user_is_handed_on(void **state)
{
    (void)state;
    static const test_answer script[] = {
        {.status = 400,
         .body = "{\"error\":\"interaction_required\",\"error_codes\":[50076],"
                 "\"error_description\":\"AADSTS50076: MFA\",\"claims\":"
                 "\"{\\\"access_token\\\":{\\\"capolids\\\":{\\\"essential\\\":true,"
                 "\\\"values\\\":[\\\"c1\\\"]}}}\"}"}};
    /* More than the error has room for: left out, not cut. */
    char long_body[ENTRASQL_ERROR_CLAIMS_SIZE + 128];
    char filler[ENTRASQL_ERROR_CLAIMS_SIZE + 1];
    memset(filler, 'x', sizeof filler - 1);
    filler[sizeof filler - 1] = '\0';
    snprintf(long_body, sizeof long_body, "{\"error\":\"interaction_required\",\"claims\":\"%s\"}",
             filler);
    const test_answer too_long[] = {{.status = 400, .body = long_body}};
    entrasql_credential *c;
    entrasql_error err;
    test_server_play(entra, script, 1);
    assert_int_equal(
        new_on_behalf_of((entrasql_on_behalf_of_options){.client_secret = SECRET}, &c, &err),
        ENTRASQL_OK);
    common_expect_failure(c, ENTRASQL_AUTH_FAILED, &err);
    assert_int_equal(err.number, 50076);
    assert_string_equal(err.claims, CLAIMS);
    common_expect_words(&err, "interaction_required");
    common_expect_words(&err, "claims challenge");
    test_server_play(entra, too_long, 1);
    common_expect_failure(c, ENTRASQL_AUTH_FAILED, &err);
    assert_string_equal(err.claims, "");
    entrasql_credential_unref(c);
}

static void on_behalf_of_needs_one_proof(void **state)
{
    (void)state;
    const entrasql_client_certificate_options certificate = {.path = certificate_file("plain.pem")};
    entrasql_credential *c;
    entrasql_error err;
    assert_int_equal(new_on_behalf_of((entrasql_on_behalf_of_options){0}, &c, &err),
                     ENTRASQL_INVALID);
    assert_int_equal(new_on_behalf_of((entrasql_on_behalf_of_options){.client_secret = SECRET,
                                                                      .certificate = &certificate},
                                      &c, &err),
                     ENTRASQL_INVALID);
    common_expect_words(&err, "only one");
    const entrasql_on_behalf_of_options o = {.client_secret = SECRET};
    assert_int_equal(
        entrasql_on_behalf_of_credential_new(TENANT, CLIENT, "Bearer " USER_TOKEN, &o, &c, &err),
        ENTRASQL_INVALID);
    common_expect_words(&err, "without \"Bearer \"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(assertions_are_signed_as_entra_asks_for, common_clean),
        cmocka_unit_test_setup(rs256_and_the_chain_are_there_on_request, common_clean),
        cmocka_unit_test_setup(a_rotated_file_is_picked_up, common_clean),
        cmocka_unit_test_setup(certificates_as_data, common_clean),
        cmocka_unit_test_setup(bad_certificates_are_told_at_once, common_clean),
        cmocka_unit_test_setup(expired_certificates_are_not_sent, common_clean),
        cmocka_unit_test_setup(the_environment_takes_a_certificate, common_clean),
        cmocka_unit_test_setup(the_function_is_called_for_each_request, common_clean),
        cmocka_unit_test_setup(the_token_file_is_read_each_time, common_clean),
        cmocka_unit_test_setup(workload_identity_by_its_variables, common_clean),
        cmocka_unit_test_setup(the_job_buys_a_token_of_its_connection, common_clean),
        cmocka_unit_test_setup(pipelines_that_refuse, common_clean),
        cmocka_unit_test_setup(pipelines_outside_of_a_job, common_clean),
        cmocka_unit_test_setup(the_users_token_is_traded, common_clean),
        cmocka_unit_test_setup(what_entra_wants_of_the_user_is_handed_on, common_clean),
        cmocka_unit_test_setup(on_behalf_of_needs_one_proof, common_clean),
    };
    return cmocka_run_group_tests_name("identity app", tests, start, stop);
}
