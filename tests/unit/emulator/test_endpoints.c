/* SPDX-License-Identifier: MIT */
/* Entra and the managed identity endpoints over real HTTP: each answer, each error body. */
#include "support.h"

#include "base/base64.h"
#include "base/mem.h"
#include "emulator/entra/entra.h"
#include "emulator/imds/imds.h"
#include "emulator/world/token.h"
#include "http/http.h"
#include "json/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define SQL "https://database.windows.net/"
#define FORM "application/x-www-form-urlencoded"

static world *w;
static entra *e;
static imds *i;
static char dir[256];

static int start(void **state)
{
    (void)state;
    entrasql_error err;
    snprintf(dir, sizeof dir, "%s", support_make_dir());
    w = support_load(dir);
    if (entra_start(w, 0, &e, &err) != ENTRASQL_OK ||
        imds_start(w, dir, 0, &i, &err) != ENTRASQL_OK) {
        print_error("%s\n", err.message);
        return 1;
    }
    return 0;
}

static int stop(void **state)
{
    (void)state;
    imds_stop(i);
    entra_stop(e);
    world_free(w);
    support_remove_dir(dir);
    return 0;
}

/* ---- asking ---- */

typedef struct answer {
    unsigned status;
    char text[16 * 1024];
    char request_id[64]; /* client-request-id */
    char retry_after[32];
    char challenge[512]; /* WWW-Authenticate */
} answer;

static const uint8_t *pin; /* of the next request's server; NULL: the world's authority */

static answer ask(const char *method, const char *url, const char *const *headers, const char *body)
{
    static answer a;
    http_request request = {
        .method = method,
        .url = url,
        .body = body,
        .body_len = body != NULL ? strlen(body) : 0,
        .ca_file = world_ca_file(w),
        .pin = pin,
        .plain_allowed = true,
        .direct = true,
        .deadline_ms = es_clock_deadline(20000),
    };
    for (size_t n = 0; headers != NULL && headers[2 * n] != NULL; n++)
        request.headers[n] = (http_header){headers[2 * n], headers[2 * n + 1]};
    http_response response = {0};
    entrasql_error err;
    if (http_run(&request, &response, &err) != ENTRASQL_OK)
        fail_msg("%s %s: %s", method, url, err.message);
    a.status = response.status;
    assert_true(response.body.len < sizeof a.text);
    if (response.body.len != 0)
        memcpy(a.text, response.body.data, response.body.len);
    a.text[response.body.len] = 0;
    a.request_id[0] = 0;
    if (http_response_header(&response, "client-request-id", a.request_id, sizeof a.request_id) !=
        ENTRASQL_OK)
        a.request_id[0] = 0;
    a.retry_after[0] = 0;
    if (http_response_header(&response, "Retry-After", a.retry_after, sizeof a.retry_after) !=
        ENTRASQL_OK)
        a.retry_after[0] = 0;
    a.challenge[0] = 0;
    if (http_response_header(&response, "WWW-Authenticate", a.challenge, sizeof a.challenge) !=
        ENTRASQL_OK)
        a.challenge[0] = 0;
    http_response_done(&response);
    return a;
}

static answer entra_get(const char *path)
{
    char url[512];
    snprintf(url, sizeof url, "%s%s", world_authority(w), path);
    return ask("GET", url, NULL, NULL);
}

static answer entra_post(const char *path, const char *body)
{
    static const char *const headers[] = {"Content-Type", FORM, NULL};
    char url[512];
    snprintf(url, sizeof url, "%s%s", world_authority(w), path);
    return ask("POST", url, headers, body);
}

static void assert_string_member(const json_node *root, const char *name, const char *expected)
{
    const char *value = NULL;
    if (json_member_string(root, name, &value, NULL) != ENTRASQL_OK)
        fail_msg("%s is missing", name);
    assert_string_equal(value, expected);
}

static const world_principal *ci_app(void)
{
    return world_principal_find(w, "ci-app");
}

/* A complete form of the app; more: further fields. */
static const char *form(const char *more)
{
    static char text[1024];
    snprintf(text, sizeof text, "grant_type=client_credentials&client_id=%s&client_secret=%s&%s",
             ci_app()->client_id, es_secret_reveal(ci_app()->secret), more);
    return text;
}

/* The token of an answer is accepted, and is the principal's. */
static void assert_token_of(const json_node *root, const world_principal *p)
{
    const char *token = NULL;
    world_login login;
    uint8_t id[16];
    entrasql_error err;
    assert_int_equal(json_member_string(root, "access_token", &token, NULL), ENTRASQL_OK);
    if (world_token_check(w, token, strlen(token), &login, &err) != WORLD_TOKEN_OK)
        fail_msg("%s", err.message);
    assert_int_equal(es_guid_parse(p->object_id, id), ENTRASQL_OK);
    assert_memory_equal(login.login.object_id, id, sizeof id);
    world_login_done(&login);
}

static json_doc *parse(const answer *a)
{
    json_doc *doc = NULL;
    if (json_doc_parse(a->text, strlen(a->text), &doc, NULL) != ENTRASQL_OK)
        fail_msg("no JSON: %s", a->text);
    return doc;
}

/* ---- Entra ---- */

static void v2_token_is_accepted(void **state)
{
    (void)state;
    static const char *const paths[] = {"/contoso.example/oauth2/v2.0/token",
                                        "/CONTOSO.example/oauth2/v2.0/token?client-request-id=x"};
    static const char *const scopes[] = {
        "scope=https%3A%2F%2Fdatabase.windows.net%2F.default",
        "scope=https%3A%2F%2Fdatabase.windows.net%2F%2F.default", /* the resource's own slash */
        "scope=openid+https://database.windows.net/.default%20profile+offline_access",
    };
    for (size_t n = 0; n < ES_COUNT_OF(paths) * ES_COUNT_OF(scopes); n++) {
        answer a = entra_post(paths[n % 2], form(scopes[n / 2]));
        assert_int_equal(a.status, 200);
        json_doc *doc = parse(&a);
        int64_t expires_in = 0;
        assert_string_member(json_doc_root(doc), "token_type", "Bearer");
        assert_int_equal(json_member_i64(json_doc_root(doc), "expires_in", &expires_in),
                         ENTRASQL_OK);
        assert_int_equal(expires_in, 3599);
        assert_token_of(json_doc_root(doc), ci_app());
        json_doc_free(doc);
    }
}

/* What Microsoft's ODBC driver reads: no blank after a colon, expires_on in quotes. */
static void v1_token_is_compact(void **state)
{
    (void)state;
    char path[256];
    snprintf(path, sizeof path, "/%s/oauth2/token?api-version=2015-06-01",
             world_home_tenant(w)->id);
    answer a = entra_post(path, form("resource=https%3A%2F%2Fdatabase.windows.net%2F"));
    assert_int_equal(a.status, 200);
    support_assert_has(a.text, "\"expires_on\":\"1");
    support_assert_has(a.text, "\"expires_in\":\"3599\"");
    support_assert_has(a.text, "\"resource\":\"https://database.windows.net/\"");
    assert_null(strstr(a.text, "\": "));
    json_doc *doc = parse(&a);
    assert_token_of(json_doc_root(doc), ci_app());
    json_doc_free(doc);
}

static void each_refusal_has_its_number(void **state)
{
    (void)state;
    static const char v2[] = "/contoso.example/oauth2/v2.0/token";
    static const char v1[] = "/contoso.example/oauth2/token";
    static const char scope[] = "scope=https://database.windows.net/.default";
    char wrong_secret[256], no_secret[256], assertion[300], identity[256];
    const char *id = ci_app()->client_id;
    snprintf(wrong_secret, sizeof wrong_secret,
             "grant_type=client_credentials&client_id=%s&client_secret=x&%s", id, scope);
    snprintf(no_secret, sizeof no_secret, "grant_type=client_credentials&client_id=%s&%s", id,
             scope);
    snprintf(assertion, sizeof assertion, "%s&client_assertion=e30.e30.AA", no_secret);
    snprintf(identity, sizeof identity,
             "grant_type=client_credentials&client_id=%s&client_secret=&%s",
             world_principal_find(w, "MigrationIdentity")->client_id, scope);
    char good[512], twice[600], no_scope[512], bad_scope[512], two_scopes[600], unknown[512],
        v1_unknown[512];
    snprintf(good, sizeof good, "%s", form(scope));
    snprintf(twice, sizeof twice, "%s&client_id=%s", good, id);
    snprintf(no_scope, sizeof no_scope, "%s", form("x=y"));
    snprintf(bad_scope, sizeof bad_scope, "%s", form("scope=https://database.windows.net/read"));
    snprintf(two_scopes, sizeof two_scopes, "%s", form("scope=a/.default+b/.default"));
    snprintf(unknown, sizeof unknown, "%s", form("scope=https://other.example/.default"));
    snprintf(v1_unknown, sizeof v1_unknown, "%s", form("resource=https://other.example"));
    const struct {
        const char *path, *body;
        unsigned status;
        const char *error;
        int64_t aadsts;
    } rows[] = {
        {v2, "", 400, "invalid_request", 900144},
        {v2, "grant_type=&x=y", 400, "invalid_request", 900144},
        {v2, "grant_type=refresh_token&refresh_token=x", 400, "invalid_request", 900144},
        {v2, "grant_type=urn:ietf:params:oauth:grant-type:saml2-bearer&username=a", 400,
         "unsupported_grant_type", 70003},
        {v2, "grant_type=client_credentials", 400, "invalid_request", 900144},
        {v2, twice, 400, "invalid_request", 9000411},
        {v2, "grant_type=client_credentials&client_id=nobody", 400, "unauthorized_client", 700016},
        {v2, identity, 400, "unauthorized_client", 700016},
        {v2, no_secret, 401, "invalid_client", 7000218},
        {v2, wrong_secret, 401, "invalid_client", 7000215},
        {v2, assertion, 400, "invalid_request", 900144},
        {v2, no_scope, 400, "invalid_request", 900144},
        {v2, bad_scope, 400, "invalid_scope", 1002012},
        {v2, two_scopes, 400, "invalid_scope", 70011},
        {v2, unknown, 400, "invalid_resource", 500011},
        {v1, form("x=y"), 400, "invalid_request", 900144},
        {v1, v1_unknown, 400, "invalid_resource", 500011},
        {"/nobody.example/oauth2/v2.0/token", good, 400, "invalid_request", 90002},
        {"/a%20b/oauth2/v2.0/token", good, 400, "invalid_request", 900023},
        {"/common/oauth2/v2.0/token", good, 400, "invalid_request", 50194},
    };
    for (size_t n = 0; n < ES_COUNT_OF(rows); n++) {
        answer a = entra_post(rows[n].path, rows[n].body);
        json_doc *doc = parse(&a);
        const json_node *root = json_doc_root(doc), *codes = NULL;
        const char *error = "", *description = "";
        char prefix[32];
        int64_t code = 0;
        assert_int_equal(json_member_array(root, "error_codes", &codes), ENTRASQL_OK);
        assert_int_equal(json_node_i64(json_element(codes, 0), &code), ENTRASQL_OK);
        assert_int_equal(json_member_string(root, "error", &error, NULL), ENTRASQL_OK);
        assert_int_equal(json_member_string(root, "error_description", &description, NULL),
                         ENTRASQL_OK);
        if (a.status != rows[n].status || code != rows[n].aadsts || !es_streq(error, rows[n].error))
            fail_msg("row %zu: %u %s", n, a.status, a.text);
        snprintf(prefix, sizeof prefix, "AADSTS%lld: ", (long long)code);
        assert_true(es_starts_with(description, prefix));
        support_assert_has(description, " Trace ID: ");
        support_assert_has(description, " Correlation ID: ");
        support_assert_has(description, " Timestamp: ");
        const char *const members[] = {"timestamp", "trace_id", "correlation_id", "error_uri"};
        for (size_t m = 0; m < ES_COUNT_OF(members); m++)
            assert_int_equal(json_node_kind(json_member(root, members[m])), JSON_KIND_STRING);
        assert_null(strstr(a.text, es_secret_reveal(ci_app()->secret)));
        json_doc_free(doc);
    }
}

static void get_of_a_token_is_refused(void **state)
{
    (void)state;
    answer a = entra_get("/contoso.example/oauth2/v2.0/token");
    assert_int_equal(a.status, 405);
    support_assert_has(a.text, "AADSTS900561");
    static const char *const headers[] = {"Content-Type", "application/json", NULL};
    char url[256];
    snprintf(url, sizeof url, "%s/contoso.example/oauth2/v2.0/token", world_authority(w));
    a = ask("POST", url, headers, "{\"grant_type\":\"client_credentials\"}");
    assert_int_equal(a.status, 400);
    support_assert_has(a.text, "AADSTS900144");
}

static void correlation_id_is_the_client_s(void **state)
{
    (void)state;
    static const char id[] = "11111111-2222-3333-4444-555555555555";
    static const char *const headers[] = {
        "client-request-id", id, "Content-Type", FORM, "return-client-request-id", "true", NULL};
    char url[256];
    snprintf(url, sizeof url, "%s/contoso.example/oauth2/v2.0/token", world_authority(w));
    answer a = ask("POST", url, headers, "x=y");
    support_assert_has(a.text, "\"correlation_id\":\"11111111-2222-3333-4444-555555555555\"");
    assert_string_equal(a.request_id, id);
    snprintf(url, sizeof url, "%s/contoso.example/oauth2/v2.0/token?client-request-id=%s",
             world_authority(w), id);
    a = ask("POST", url, headers + 2, "x=y");
    support_assert_has(a.text, "\"correlation_id\":\"11111111-2222-3333-4444-555555555555\"");
}

static void discovery_names_this_service(void **state)
{
    (void)state;
    char expected[256];
    answer a = entra_get("/contoso.example/v2.0/.well-known/openid-configuration");
    json_doc *doc = parse(&a);
    snprintf(expected, sizeof expected, "%s/%s/oauth2/v2.0/token", world_authority(w),
             world_home_tenant(w)->id);
    assert_string_member(json_doc_root(doc), "token_endpoint", expected);
    snprintf(expected, sizeof expected, "%s/%s/v2.0", world_authority(w), world_home_tenant(w)->id);
    assert_string_member(json_doc_root(doc), "issuer", expected);
    json_doc_free(doc);

    a = entra_get("/contoso.example/.well-known/openid-configuration");
    doc = parse(&a);
    snprintf(expected, sizeof expected, "https://sts.windows.net/%s/", world_home_tenant(w)->id);
    assert_string_member(json_doc_root(doc), "issuer", expected);
    json_doc_free(doc);

    a = entra_get("/nobody.example/v2.0/.well-known/openid-configuration");
    assert_int_equal(a.status, 400);
    support_assert_has(a.text, "AADSTS90002");
    assert_int_equal(entra_get("/contoso.example/nothing").status, 404);
    assert_int_equal(entra_get("/").status, 404);
}

/* The port is there again, also when the client dropped it. */
static void instance_discovery_answers_for_loopback(void **state)
{
    (void)state;
    char expected[256];
    answer a = entra_get("/common/discovery/instance?api-version=1.1&authorization_endpoint="
                         "https://localhost/contoso.example/oauth2/v2.0/authorize");
    json_doc *doc = parse(&a);
    snprintf(expected, sizeof expected, "%s/contoso.example/v2.0/.well-known/openid-configuration",
             world_authority(w));
    assert_string_member(json_doc_root(doc), "tenant_discovery_endpoint", expected);
    json_doc_free(doc);
    a = entra_get("/common/discovery/instance?authorization_endpoint=https://evil.example/t/o");
    assert_int_equal(a.status, 400);
    support_assert_has(a.text, "invalid_instance");
    a = entra_get("/common/discovery/instance?authorization_endpoint=https://localhost/");
    support_assert_has(a.text, "invalid_instance");
    a = entra_get("/common/discovery/instance");
    support_assert_has(a.text, "AADSTS900144");
}

/* Azure CLI 2.45 asks it of login.microsoftonline.com, when a proxy leads there to the emulator. */
static void instance_discovery_knows_the_public_cloud(void **state)
{
    (void)state;
    char expected[256];
    answer a = entra_get("/common/discovery/instance?api-version=1.1&authorization_endpoint="
                         "https://login.microsoftonline.com/common/oauth2/authorize");
    assert_int_equal(a.status, 200);
    json_doc *doc = parse(&a);
    snprintf(expected, sizeof expected, "%s/common/v2.0/.well-known/openid-configuration",
             world_authority(w));
    assert_string_member(json_doc_root(doc), "tenant_discovery_endpoint", expected);
    const json_node *clouds;
    const json_node *aliases;
    assert_int_equal(json_member_array(json_doc_root(doc), "metadata", &clouds), ENTRASQL_OK);
    assert_int_equal(json_count(clouds), 2);
    const json_node *cloud = json_element(clouds, 1);
    assert_string_member(cloud, "preferred_network", "login.microsoftonline.com");
    assert_string_member(cloud, "preferred_cache", "login.windows.net");
    assert_int_equal(json_member_array(cloud, "aliases", &aliases), ENTRASQL_OK);
    assert_int_equal(json_count(aliases), 4);
    json_doc_free(doc);

    a = entra_get("/common/discovery/instance?authorization_endpoint="
                  "https://login.microsoftonline.com.evil.example/common/oauth2/authorize");
    assert_int_equal(a.status, 400);
    support_assert_has(a.text, "invalid_instance");
}

static void key_list_has_the_signing_key(void **state)
{
    (void)state;
    static const char *const paths[] = {"/common/discovery/keys",
                                        "/contoso.example/discovery/v2.0/keys"};
    for (size_t n = 0; n < ES_COUNT_OF(paths); n++) {
        answer a = entra_get(paths[n]);
        json_doc *doc = parse(&a);
        const json_node *key = json_element(json_member(json_doc_root(doc), "keys"), 0);
        assert_string_member(key, "kty", "RSA");
        assert_string_member(key, "use", "sig");
        assert_string_member(key, "e", "AQAB");
        assert_string_member(key, "kid", crypto_key_id(world_token_key(w)));
        assert_null(json_member(key, "d"));
        json_doc_free(doc);
    }
}

/* ---- managed identity ---- */

static answer identity_get(const char *path, const char *header, const char *value)
{
    const char *headers[] = {header, value, NULL};
    char url[1024];
    snprintf(url, sizeof url, "http://127.0.0.1:%u%s", (unsigned)imds_port(i), path);
    return ask("GET", url, header != NULL ? headers : NULL, NULL);
}

#define VM "/metadata/identity/oauth2/token"
#define VM_QUERY VM "?api-version=2018-02-01&resource=" SQL

static answer vm_get(const char *path)
{
    return identity_get(path, "Metadata", "true");
}

/* "<path>&<name>=<value>" */
static const char *with(const char *path, const char *name, const char *value)
{
    static char text[512];
    snprintf(text, sizeof text, "%s&%s=%s", path, name, value);
    return text;
}

static void vm_gives_tokens(void **state)
{
    (void)state;
    const world_principal *mi = world_principal_find(w, "MigrationIdentity");
    const world_principal *own = world_principal_find(w, "persons-vm");
    const struct {
        const char *path;
        const world_principal *who;
    } rows[] = {
        {es_strdup(VM_QUERY), own},
        {es_strdup(VM "/?api-version=2019-08-01&resource=https%3A%2F%2Fdatabase.windows.net"), own},
        {es_strdup(with(VM_QUERY, "client_id", mi->client_id)), mi},
        {es_strdup(with(VM_QUERY, "client_id", own->client_id)), own},
        {es_strdup(with(VM_QUERY, "object_id", mi->object_id)), mi},
        {es_strdup(with(VM_QUERY, "msi_res_id", mi->resource_id)), mi},
        {es_strdup(with(VM_QUERY, "mi_res_id", mi->resource_id)), mi},
    };
    for (size_t n = 0; n < ES_COUNT_OF(rows); n++) {
        answer a = vm_get(rows[n].path);
        assert_int_equal(a.status, 200);
        json_doc *doc = parse(&a);
        assert_token_of(json_doc_root(doc), rows[n].who);
        assert_string_member(json_doc_root(doc), "client_id", rows[n].who->client_id);
        assert_string_member(json_doc_root(doc), "expires_in", "86399");
        assert_string_member(json_doc_root(doc), "token_type", "Bearer");
        support_assert_has(a.text, "\"expires_on\":\"1");
        assert_null(strstr(a.text, "\": "));
        json_doc_free(doc);
        es_free((void *)(uintptr_t)rows[n].path);
    }
}

static void vm_refusals_have_the_platform_s_words(void **state)
{
    (void)state;
    static const char unknown[] = "11111111-1111-1111-1111-111111111111";
    const world_principal *stranger = world_principal_find(w, "StrangerIdentity");
    /* The probe of client libraries: no header, no query. */
    answer a = identity_get(VM, NULL, NULL);
    assert_int_equal(a.status, 400);
    assert_string_equal(a.text, "{\"error\":\"bad_request_102\",\"error_description\":\"Required "
                                "metadata header not specified\"}");
    assert_string_equal(identity_get(VM_QUERY, "Metadata", "false").text, a.text);
    a = vm_get(VM "?resource=" SQL);
    assert_int_equal(a.status, 400);
    support_assert_has(a.text, "api-version");
    a = vm_get(VM "?api-version=2017-01-01&resource=" SQL);
    support_assert_has(a.text, "newest-versions");
    a = vm_get(VM "?api-version=2018-02-01");
    assert_int_equal(a.status, 400);
    support_assert_has(a.text, "Required query variable 'resource' is missing");
    a = vm_get(with(VM_QUERY, "client_id", unknown));
    assert_int_equal(a.status, 400);
    assert_string_equal(
        a.text, "{\"error\":\"invalid_request\",\"error_description\":\"Identity not found\"}");
    assert_string_equal(vm_get(with(VM_QUERY, "client_id", stranger->client_id)).text, a.text);
    assert_string_equal(vm_get(with(VM_QUERY, "client_id", "")).text, a.text);
    a = vm_get(VM_QUERY "&client_id=a&object_id=b");
    assert_int_equal(a.status, 400);
    support_assert_has(a.text, "Only one of");
    a = vm_get(VM_QUERY "&client_id=a&client_id=a");
    support_assert_has(a.text, "Only one of");
    a = vm_get(VM "?api-version=2018-02-01&resource=https://other.example");
    assert_int_equal(a.status, 400);
    support_assert_has(a.text, "\"error\":\"invalid_resource\"");
    support_assert_has(a.text, "AADSTS500011");
    static const char *const forwarded[] = {"Metadata", "true", "X-Forwarded-For", "10.0.0.1",
                                            NULL};
    char url[256];
    snprintf(url, sizeof url, "http://127.0.0.1:%u%s", (unsigned)imds_port(i), VM_QUERY);
    assert_int_equal(ask("GET", url, forwarded, NULL).status, 400);
    assert_int_equal(ask("POST", url, forwarded, "").status, 405);
    assert_int_equal(vm_get("/metadata/instance").status, 404);
}

#define APP "/msi/token?api-version=2019-08-01&resource=" SQL

static answer app_get(const char *host, const char *path)
{
    return identity_get(path, "X-IDENTITY-HEADER",
                        es_secret_reveal(world_host_find(w, host)->identity_header));
}

static void web_app_gives_its_own_identities(void **state)
{
    (void)state;
    const world_principal *mi = world_principal_find(w, "MigrationIdentity");
    const struct {
        const char *name, *value;
    } rows[] = {{"client_id", mi->client_id},
                {"object_id", mi->object_id},
                {"principal_id", mi->object_id},
                {"mi_res_id", mi->resource_id}};
    for (size_t n = 0; n < ES_COUNT_OF(rows); n++) {
        answer a = app_get("persons-app", with(APP, rows[n].name, rows[n].value));
        assert_int_equal(a.status, 200);
        json_doc *doc = parse(&a);
        assert_token_of(json_doc_root(doc), mi);
        assert_null(json_member(json_doc_root(doc), "expires_in"));
        support_assert_has(a.text, "\"expires_on\":\"1");
        assert_null(strstr(a.text, "\": "));
        json_doc_free(doc);
    }
}

static void web_app_refusals_have_the_platform_s_words(void **state)
{
    (void)state;
    static const char none[] =
        "No Managed Identity found for specified ClientId/ResourceId/PrincipalId.";
    const world_principal *mi = world_principal_find(w, "MigrationIdentity");
    answer a = identity_get(APP, NULL, NULL);
    assert_int_equal(a.status, 401);
    support_assert_has(a.text, "\"statusCode\":401");
    assert_int_equal(identity_get(APP, "X-IDENTITY-HEADER", "x").status, 401);
    assert_int_equal(identity_get(APP, "Metadata", "true").status, 401);
    a = app_get("persons-app", APP); /* it has no system-assigned identity */
    assert_int_equal(a.status, 400);
    support_assert_has(a.text, none);
    support_assert_has(a.text, "\"correlationId\":\"");
    a = app_get("stranger-app", with(APP, "client_id", mi->client_id));
    assert_int_equal(a.status, 400);
    support_assert_has(a.text, none);
    a = app_get("persons-app", with(APP, "msi_res_id", mi->resource_id)); /* IMDS's name of it */
    assert_int_equal(a.status, 400);
    a = app_get("persons-app", APP "&client_id=a&mi_res_id=b");
    support_assert_has(a.text, "Only one of");
    a = app_get("persons-app", "/msi/token?api-version=2017-09-01&resource=" SQL);
    support_assert_has(a.text, "api-version");
    a = app_get("persons-app", "/msi/token?api-version=2019-08-01");
    support_assert_has(a.text, "resource");
    a = app_get("persons-app", with("/msi/token?api-version=2019-08-01&resource=https://o.example",
                                    "client_id", mi->client_id));
    assert_int_equal(a.status, 400);
    support_assert_has(a.text, "AADSTS500011");
}

/* ---- the other hosts ---- */

static const char *secret_of(const char *host)
{
    return es_secret_reveal(world_host_find(w, host)->identity_header);
}

static void assert_migration_identity(const answer *a)
{
    if (a->status != 200)
        fail_msg("%u %s", a->status, a->text);
    json_doc *doc = parse(a);
    assert_token_of(json_doc_root(doc), world_principal_find(w, "MigrationIdentity"));
    json_doc_free(doc);
}

static void assert_refused(answer a, unsigned status, const char *part)
{
    assert_int_equal(a.status, status);
    support_assert_has(a.text, part);
    assert_null(strstr(a.text, "access_token"));
}

#define OLD "/msi/2017/token?api-version=2017-09-01&resource=" SQL

static void hosts_of_2017(void **state)
{
    (void)state;
    char named[256];
    const char *mi = world_principal_find(w, "MigrationIdentity")->client_id;
    snprintf(named, sizeof named, OLD "&clientid=%s", mi);
    answer a = identity_get(named, "secret", secret_of("persons-app-2017"));
    assert_migration_identity(&a);
    support_assert_has(a.text, "M +00:00\"");
    a = identity_get(named, "secret", secret_of("persons-ml"));
    assert_migration_identity(&a);
    support_assert_has(a.text, "\"expires_on\":\"1");
    /* Azure ML has one; a web app without a system-assigned one has none. */
    a = identity_get(OLD, "secret", secret_of("persons-ml"));
    assert_migration_identity(&a);
    const char *secret = secret_of("persons-app-2017");
    assert_refused(identity_get(OLD, "secret", secret), 400, "No MSI found");
    assert_refused(identity_get(OLD "&clientid=x", "secret", secret), 400, "No MSI found");
    assert_refused(identity_get(OLD "&client_id=x", "secret", secret), 400, "clientid");
    assert_refused(identity_get(OLD "&mi_res_id=x", "secret", secret), 400, "clientid");
    assert_refused(identity_get(OLD, "secret", "wrong"), 401, "secret");
    assert_refused(identity_get(OLD, "secret", secret_of("persons-app")), 401, "secret");
    assert_refused(identity_get(APP, "X-IDENTITY-HEADER", secret), 401, "X-IDENTITY-HEADER");
    assert_refused(identity_get(OLD, NULL, NULL), 401, "secret");
    assert_refused(
        identity_get("/msi/2017/token?api-version=2019-08-01&resource=" SQL, "secret", secret), 400,
        "2017-09-01");
    assert_refused(identity_get("/msi/2017/token?api-version=2017-09-01", "secret", secret), 400,
                   "resource");
}

static answer shell_post(const char *path, const char *metadata, const char *body)
{
    const char *headers[] = {"Content-Type", FORM, "Metadata", metadata, NULL};
    char url[512];
    snprintf(url, sizeof url, "http://127.0.0.1:%u%s", (unsigned)imds_port(i), path);
    return ask("POST", url, headers, body);
}

static void cloud_shell_gives_its_identity(void **state)
{
    (void)state;
    static const char path[] = "/cloud-shell/persons-shell/token";
    answer a = shell_post(path, "true", "resource=" SQL);
    assert_migration_identity(&a);
    assert_refused(shell_post(path, "false", "resource=" SQL), 400, "metadata");
    assert_refused(shell_post(path, "true", "resource=x"), 400, "AudienceNotSupported");
    assert_refused(shell_post("/cloud-shell/persons-vm/token", "true", "resource=" SQL), 404, "no");
    assert_refused(shell_post("/cloud-shell//token", "true", "resource=" SQL), 404, "no");
    assert_refused(
        identity_get("/cloud-shell/persons-shell/token?resource=" SQL, "Metadata", "true"), 405,
        "POST");
}

#define ARC "/arc/persons-arc/metadata/identity/oauth2/token?api-version=2020-06-01&resource=" SQL

static answer arc_get(const char *path, const char *authorization)
{
    const char *headers[] = {"Metadata", "true", authorization != NULL ? "Authorization" : NULL,
                             authorization, NULL};
    char url[1024];
    snprintf(url, sizeof url, "http://127.0.0.1:%u%s", (unsigned)imds_port(i), path);
    return ask("GET", url, headers, NULL);
}

/* The file's content as it has to be sent; the path stays in `file`. */
static const char *arc_key(const answer *challenged, char file[512])
{
    static char text[512];
    assert_int_equal(challenged->status, 401);
    assert_true(es_starts_with(challenged->challenge, "Basic realm=/"));
    assert_true(es_ends_with(challenged->challenge, ".key"));
    snprintf(file, 512, "%s", challenged->challenge + strlen("Basic realm="));
    FILE *f = fopen(file, "r");
    assert_non_null(f);
    memcpy(text, "Basic ", sizeof "Basic ");
    size_t n = fread(text + 6, 1, sizeof text - 7, f);
    fclose(f);
    text[6 + n] = 0;
    return text;
}

static void arc_wants_its_key_once(void **state)
{
    (void)state;
    char file[512];
    char key[512];
    answer a = arc_get(ARC, NULL);
    snprintf(key, sizeof key, "%s", arc_key(&a, file));
    struct stat st;
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    a = arc_get(ARC, key);
    assert_migration_identity(&a);
    /* Used up, and gone. */
    assert_int_not_equal(access(file, F_OK), 0);
    a = arc_get(ARC, key);
    assert_int_equal(a.status, 401);
    assert_int_equal(arc_get(ARC, "Basic x").status, 401);
    assert_int_equal(arc_get(ARC, "Bearer x").status, 401);
    /* Ids are echoed. */
    char named[512];
    const world_principal *mi = world_principal_find(w, "MigrationIdentity");
    a = arc_get(ARC, NULL);
    snprintf(named, sizeof named, ARC "&object_id=%s", mi->object_id);
    a = arc_get(named, arc_key(&a, file));
    assert_migration_identity(&a);
    support_assert_has(a.text, mi->object_id);
    a = arc_get(ARC, NULL);
    a = arc_get(ARC "&client_id=x", arc_key(&a, file));
    assert_refused(a, 400, "Identity not found");
    assert_refused(identity_get(ARC, NULL, NULL), 400, "metadata header");
    assert_refused(identity_get("/arc/persons-arc" VM "?resource=" SQL, "Metadata", "true"), 400,
                   "api-version");
    assert_refused(identity_get("/arc/persons-vm" VM, "Metadata", "true"), 404, "machine");
}

static answer fabric_get(const char *path, const char *secret)
{
    const char *headers[] = {secret != NULL ? "secret" : NULL, secret, NULL};
    char url[512];
    char text[41];
    uint8_t digest[20];
    assert_int_equal(imds_fabric_thumbprint(dir, text, NULL), ENTRASQL_OK);
    assert_int_equal(es_hex_decode(text, 40, digest), ENTRASQL_OK);
    snprintf(url, sizeof url, "https://localhost:%u%s", (unsigned)imds_fabric_port(i), path);
    pin = digest;
    answer a = ask("GET", url, headers, NULL);
    pin = NULL;
    return a;
}

#define FABRIC VM "?api-version=2019-07-01-preview&resource=" SQL

static void fabric_knows_its_application_by_the_secret(void **state)
{
    (void)state;
    const char *secret = secret_of("persons-fabric");
    answer a = fabric_get(FABRIC, secret);
    assert_migration_identity(&a);
    support_assert_has(a.text, "\"expires_on\":1");
    assert_refused(fabric_get(FABRIC, NULL), 400, "SecretHeaderNotFound");
    assert_refused(fabric_get(FABRIC, "wrong"), 401, "SecretHeaderNotFound");
    assert_refused(fabric_get(FABRIC, secret_of("persons-app")), 401, "SecretHeaderNotFound");
    assert_refused(fabric_get(VM "?resource=" SQL, secret), 400, "InvalidApiVersion");
    assert_refused(fabric_get(VM "?api-version=2019-07-01-preview", secret), 400,
                   "ArgumentNullOrEmpty");
    assert_refused(fabric_get("/msi/token", secret), 404, "NotFound");
}

/* Another world: a machine with two user-assigned identities, and one with none. */
static void unnamed_identity_must_be_the_only_one(void **state)
{
    (void)state;
    static const struct {
        const char *identities;
        unsigned status;
        const char *part;
    } rows[] = {
        {"\"a\",\"b\"", 400,
         "Multiple user assigned identities exist, please specify the "
         "clientId / resourceId of the identity in the token request"},
        {"\"a\"", 200, "access_token"},
        {"", 400, "Identity not found"},
    };
    world *saved = w;
    imds *saved_service = i;
    for (size_t n = 0; n < ES_COUNT_OF(rows); n++) {
        char other[256], path[300], seed[1024];
        snprintf(other, sizeof other, "%s", support_make_dir());
        snprintf(seed, sizeof seed,
                 "{\"tenants\":[{\"domain\":\"t\"}],\"identities\":[{\"name\":\"a\"},{\"name\":"
                 "\"b\"}],\"hosts\":[{\"name\":\"h\",\"kind\":\"vm\",\"identities\":[%s]}],"
                 "\"resources\":[\"" SQL "\"],\"server\":{\"name\":\"s\"}}",
                 rows[n].identities);
        support_write(other, "s.json", seed);
        snprintf(path, sizeof path, "%s/s.json", other);
        assert_int_equal(world_load(other, path, true, &w, NULL), ENTRASQL_OK);
        assert_int_equal(imds_start(w, other, 0, &i, NULL), ENTRASQL_OK);
        answer a = vm_get(VM_QUERY);
        assert_int_equal(a.status, rows[n].status);
        support_assert_has(a.text, rows[n].part);
        imds_stop(i);
        world_free(w);
        support_remove_dir(other);
    }
    w = saved;
    i = saved_service;
}

static void faults_strike(void **state)
{
    (void)state;
    entrasql_error err;
    char url[512];
    faults *all = world_faults(w);
    assert_int_equal(faults_on_list(all, "token-throttle=9:1,identity-gone:1,entra-drop:1", &err),
                     ENTRASQL_OK);
    answer a = entra_post("/contoso.example/oauth2/v2.0/token", form("scope=" SQL "/.default"));
    assert_int_equal(a.status, 429);
    support_assert_has(a.text, "AADSTS90055");
    assert_string_equal(a.retry_after, "9");
    a = entra_post("/contoso.example/oauth2/v2.0/token", form("scope=" SQL "/.default"));
    assert_int_equal(a.status, 200);
    a = vm_get(VM_QUERY "&client_id=none");
    assert_int_equal(a.status, 410);
    assert_string_equal(a.retry_after, "");
    assert_int_equal(vm_get(VM_QUERY "&client_id=none").status, 400);
    /* Dropped: there is no answer at all. */
    snprintf(url, sizeof url, "%s/common/discovery/keys", world_authority(w));
    http_request request = {.method = "GET",
                            .url = url,
                            .ca_file = world_ca_file(w),
                            .direct = true,
                            .deadline_ms = es_clock_deadline(20000)};
    http_response response = {0};
    assert_int_equal(http_run(&request, &response, &err), ENTRASQL_CLOSED);
    assert_int_equal(entra_get("/common/discovery/keys").status, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(v2_token_is_accepted),
        cmocka_unit_test(v1_token_is_compact),
        cmocka_unit_test(each_refusal_has_its_number),
        cmocka_unit_test(get_of_a_token_is_refused),
        cmocka_unit_test(correlation_id_is_the_client_s),
        cmocka_unit_test(discovery_names_this_service),
        cmocka_unit_test(instance_discovery_answers_for_loopback),
        cmocka_unit_test(instance_discovery_knows_the_public_cloud),
        cmocka_unit_test(key_list_has_the_signing_key),
        cmocka_unit_test(vm_gives_tokens),
        cmocka_unit_test(vm_refusals_have_the_platform_s_words),
        cmocka_unit_test(web_app_gives_its_own_identities),
        cmocka_unit_test(web_app_refusals_have_the_platform_s_words),
        cmocka_unit_test(hosts_of_2017),
        cmocka_unit_test(cloud_shell_gives_its_identity),
        cmocka_unit_test(arc_wants_its_key_once),
        cmocka_unit_test(fabric_knows_its_application_by_the_secret),
        cmocka_unit_test(unnamed_identity_must_be_the_only_one),
        cmocka_unit_test(faults_strike),
    };
    return cmocka_run_group_tests_name("endpoints", tests, start, stop);
}
