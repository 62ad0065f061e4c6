/* SPDX-License-Identifier: MIT */
/*
 * Assertions at the emulator's Entra over real HTTP: what is taken, and each
 * refusal with its number: by certificate, by federation, on behalf of a user; and the
 * issuers that the federation comes from.
 */
#include "support.h"

#include "base/base64.h"
#include "base/clock.h"
#include "base/mem.h"
#include "crypto/bundle.h"
#include "crypto/jwt.h"
#include "emulator/entra/entra.h"
#include "emulator/world/federation.h"
#include "emulator/world/token.h"
#include "http/http.h"
#include "http/text.h"
#include "os/file.h"
#include "json/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SQL_SCOPE "https://database.windows.net/.default"
#define ASSERTION_TYPE "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

static world *w;
static entra *e;
static char dir[256];
static const world_principal *app;      /* ci-app */
static const world_principal *identity; /* MigrationIdentity, attached to persons-aks */
static crypto_bundle *certificate;      /* of ci-app */

static int start(void **state)
{
    (void)state;
    entrasql_error err;
    char *path = NULL;
    es_buf pem = ES_BUF_INIT_WIPE(CRYPTO_BUNDLE_MAX_BYTES);
    snprintf(dir, sizeof dir, "%s", support_make_dir());
    w = support_load(dir);
    app = world_principal_find(w, "ci-app");
    identity = world_principal_find(w, "MigrationIdentity");
    bool ok = entra_start(w, 0, &e, &err) == ENTRASQL_OK &&
              world_app_certificate_make(w, app, &path, &err) == ENTRASQL_OK &&
              os_file_read(path, &pem, &err) == ENTRASQL_OK &&
              crypto_bundle_read(pem.data, pem.len, NULL, &certificate, &err) == ENTRASQL_OK;
    if (!ok)
        print_error("%s\n", err.message);
    es_free(path);
    es_buf_done(&pem);
    return ok ? 0 : 1;
}

static int stop(void **state)
{
    (void)state;
    crypto_bundle_free(certificate);
    entra_stop(e);
    world_free(w);
    support_remove_dir(dir);
    return 0;
}

/* ---- asking ---- */

typedef struct answer {
    unsigned status;
    char text[16 * 1024];
} answer;

static answer *ask(const char *method, const char *path, const char *const *headers,
                   const char *body)
{
    static answer a;
    char url[1024];
    snprintf(url, sizeof url, "%s%s", world_authority(w), path);
    http_request request = {.method = method,
                            .url = url,
                            .body = body,
                            .body_len = body != NULL ? strlen(body) : 0,
                            .ca_file = world_ca_file(w),
                            .direct = true,
                            .deadline_ms = es_clock_deadline(20000)};
    for (size_t n = 0; headers != NULL && headers[2 * n] != NULL; n++)
        request.headers[n] = (http_header){headers[2 * n], headers[2 * n + 1]};
    http_response response = {0};
    entrasql_error err;
    if (http_run(&request, &response, &err) != ENTRASQL_OK)
        fail_msg("%s: %s", url, err.message);
    a.status = response.status;
    snprintf(a.text, sizeof a.text, "%.*s", (int)response.body.len,
             (const char *)response.body.data);
    http_response_done(&response);
    return &a;
}

/* fields: name, value, name, value ..., NULL. */
static answer *ask_for_token(const char *const *fields)
{
    static const char *const headers[] = {"Content-Type", "application/x-www-form-urlencoded",
                                          NULL};
    char path[128];
    es_buf form = ES_BUF_INIT(256 * 1024);
    for (; *fields != NULL; fields += 2)
        assert_int_equal(http_form_add(&form, fields[0], fields[1]), ENTRASQL_OK);
    snprintf(path, sizeof path, "/%s/oauth2/v2.0/token", app->tenant->id);
    answer *a = ask("POST", path, headers, es_buf_cstr(&form));
    es_buf_done(&form);
    return a;
}

static answer *present(const char *client_id, const char *assertion)
{
    const char *const fields[] = {"grant_type",
                                  "client_credentials",
                                  "client_id",
                                  client_id,
                                  "client_assertion_type",
                                  ASSERTION_TYPE,
                                  "client_assertion",
                                  assertion,
                                  "scope",
                                  SQL_SCOPE,
                                  NULL};
    return ask_for_token(fields);
}

/* number 0: a token. */
static void expect(const answer *a, uint32_t number, const char *what)
{
    char code[32];
    snprintf(code, sizeof code, "\"AADSTS%u: ", (unsigned)number);
    bool ok = number == 0 ? a->status == 200 && strstr(a->text, "\"access_token\"") != NULL
                          : a->status >= 400 && strstr(a->text, code) != NULL;
    if (!ok)
        fail_msg("%s: %u: %s", what, a->status, a->text);
}

/* ---- by certificate ---- */

typedef struct parts {
    const char *alg;    /* of the header */
    const char *x5t;    /* name of the header's member */
    const char *digest; /* NULL: the certificate's */
    crypto_jwt_algorithm signature;
    const crypto_key *key; /* NULL: the certificate's */
    const char *aud;       /* NULL: the token endpoint */
    const char *iss;       /* NULL: the app; "" none */
    const char *sub;
    int64_t nbf; /* from now */
    int64_t exp; /* from now; 0: none */
    bool no_jti;
} parts;

static void thumbprint(bool sha1, char *ret, size_t size)
{
    uint8_t hash[CRYPTO_SHA256_SIZE];
    es_buf text = ES_BUF_INIT(64);
    const crypto_cert *cert = crypto_bundle_cert(certificate, 0);
    assert_int_equal(sha1 ? crypto_cert_sha1(cert, hash) : crypto_cert_sha256(cert, hash),
                     ENTRASQL_OK);
    assert_int_equal(es_base64url_encode(hash, sha1 ? CRYPTO_SHA1_SIZE : CRYPTO_SHA256_SIZE, &text),
                     ENTRASQL_OK);
    snprintf(ret, size, "%s", es_buf_cstr(&text));
    es_buf_done(&text);
}

static const char *sign_parts(const parts *p)
{
    static char token[16 * 1024];
    char header[512], claims[2048], digest[64], aud[256], exp[64] = "";
    int64_t now = es_clock_wall_s();
    es_buf out = ES_BUF_INIT_WIPE(sizeof token);
    thumbprint(strcmp(p->x5t, "x5t") == 0, digest, sizeof digest);
    snprintf(header, sizeof header, "{\"typ\":\"JWT\",\"alg\":\"%s\",\"%s\":\"%s\"}", p->alg,
             p->x5t, p->digest != NULL ? p->digest : digest);
    snprintf(aud, sizeof aud, "%s/%s/oauth2/v2.0/token", world_authority(w), app->tenant->id);
    if (p->exp != 0)
        snprintf(exp, sizeof exp, ",\"exp\":%lld", (long long)(now + p->exp));
    snprintf(claims, sizeof claims,
             "{\"aud\":\"%s\",\"iss\":\"%s\",\"sub\":\"%s\",\"nbf\":%lld%s%s}",
             p->aud != NULL ? p->aud : aud, p->iss != NULL ? p->iss : app->client_id,
             p->sub != NULL ? p->sub : app->client_id, (long long)(now + p->nbf), exp,
             p->no_jti ? "" : ",\"jti\":\"1\"");
    assert_int_equal(crypto_jwt_sign_with(p->key != NULL ? p->key : crypto_bundle_key(certificate),
                                          p->signature, header, claims, &out, NULL),
                     ENTRASQL_OK);
    snprintf(token, sizeof token, "%s", es_buf_cstr(&out));
    es_buf_done(&out);
    return token;
}

/* The end comes after it: PS256 with its thumbprint. */
#define PS .alg = "PS256", .x5t = "x5t#S256", .signature = CRYPTO_PS256
#define GOOD PS, .exp = 600

static void certificates_are_checked_for_real(void **state)
{
    (void)state;
    static const char strange[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    char padded[64];
    thumbprint(false, padded, sizeof padded - 1);
    strcat(padded, "=");
    const struct {
        const char *what;
        parts parts;
        uint32_t number;
    } rows[] = {
        {"PS256", {GOOD}, 0},
        {"RS256", {.alg = "RS256", .x5t = "x5t", .signature = CRYPTO_RS256, .exp = 600}, 0},
        {"RS256 by SHA-256",
         {.alg = "RS256", .x5t = "x5t#S256", .signature = CRYPTO_RS256, .exp = 600},
         0},
        {"a padded thumbprint", {GOOD, .digest = padded}, 0},
        {"none", {.alg = "none", .x5t = "x5t#S256", .signature = CRYPTO_RS256, .exp = 600}, 700027},
        {"another algorithm than named",
         {.alg = "RS256", .x5t = "x5t#S256", .signature = CRYPTO_PS256, .exp = 600},
         700027},
        {"unknown certificate", {GOOD, .digest = strange}, 700027},
        {"no thumbprint",
         {.alg = "PS256", .x5t = "kid", .signature = CRYPTO_PS256, .exp = 600},
         700027},
        {"thumbprint of another length", {GOOD, .digest = "AAAA"}, 50027},
        {"another key", {GOOD, .key = world_token_key(w)}, 700027},
        {"audience",
         {GOOD, .aud = "https://login.microsoftonline.com/x/oauth2/v2.0/token"},
         700023},
        {"of another app", {GOOD, .iss = identity->client_id, .sub = identity->client_id}, 700021},
        {"about another app", {GOOD, .sub = identity->client_id}, 700021},
        {"expired", {PS, .exp = -3600}, 700024},
        {"not yet valid", {PS, .nbf = 3600, .exp = 7200}, 700024},
        {"without end", {.alg = "PS256", .x5t = "x5t#S256", .signature = CRYPTO_PS256}, 50027},
        {"without id", {GOOD, .no_jti = true}, 50027},
    };
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++)
        expect(present(app->client_id, sign_parts(&rows[i].parts)), rows[i].number, rows[i].what);
}

static void other_forms_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "x", "a.b", "a.b.c", "e30.e30.e30", "W10.W10.W10"};
    for (size_t i = 0; i < ES_COUNT_OF(texts); i++)
        expect(present(app->client_id, texts[i]), 50027, texts[i]);
    const parts good = {GOOD};
    const char *const untyped[] = {"grant_type",
                                   "client_credentials",
                                   "client_id",
                                   app->client_id,
                                   "client_assertion",
                                   sign_parts(&good),
                                   "scope",
                                   SQL_SCOPE,
                                   NULL};
    expect(ask_for_token(untyped), 900144, "without its type");
    const char *const both[] = {"grant_type",
                                "client_credentials",
                                "client_id",
                                app->client_id,
                                "client_assertion_type",
                                ASSERTION_TYPE,
                                "client_assertion",
                                sign_parts(&good),
                                "client_secret",
                                "x",
                                "scope",
                                SQL_SCOPE,
                                NULL};
    expect(ask_for_token(both), 7000217, "with a secret beside it");
    const char *const nothing[] = {
        "grant_type", "client_credentials", "client_id", app->client_id, "scope", SQL_SCOPE, NULL};
    expect(ask_for_token(nothing), 7000218, "without any proof");
    const char *const secret[] = {"grant_type",
                                  "client_credentials",
                                  "client_id",
                                  identity->client_id,
                                  "client_secret",
                                  "x",
                                  "scope",
                                  SQL_SCOPE,
                                  NULL};
    expect(ask_for_token(secret), 700016, "a managed identity by secret");
    const world_principal *system = world_principal_find(w, "persons-vm");
    expect(present(system->client_id, "x"), 700016, "a system-assigned identity");
}

static void certificates_of_the_seed(void **state)
{
    (void)state;
    es_buf pem = ES_BUF_INIT(CRYPTO_PEM_MAX_BYTES), text = ES_BUF_INIT(CRYPTO_PEM_MAX_BYTES);
    es_buf seed = ES_BUF_INIT(WORLD_MAX_SEED_BYTES);
    crypto_cert *found = NULL;
    uint8_t digest[CRYPTO_SHA256_SIZE];
    world *other = NULL;
    entrasql_error err;
    const crypto_cert *cert = crypto_bundle_cert(certificate, 0);
    assert_int_equal(crypto_cert_to_pem(cert, &pem, NULL), ENTRASQL_OK);
    for (size_t i = 0; i < pem.len; i++) /* as JSON has line ends */
        assert_int_equal(pem.data[i] == '\n' ? es_buf_add_str(&text, "\\n")
                                             : es_buf_u8(&text, pem.data[i]),
                         ENTRASQL_OK);
    assert_int_equal(
        es_buf_printf(
            &seed,
            "{\"tenants\":[{\"domain\":\"a.example\"}],\"apps\":[{\"name\":\"x\","
            "\"certificates\":[\"%s\"]}],\"resources\":[\"https://database.windows.net/\"]"
            ",\"server\":{\"name\":\"s\"}}",
            es_buf_cstr(&text)),
        ENTRASQL_OK);
    if (world_parse_seed("seed", (const char *)seed.data, seed.len, &other, &err) != ENTRASQL_OK)
        fail_msg("%s", err.message);
    const world_principal *x = world_principal_find(other, "x");
    assert_int_equal(crypto_cert_sha256(cert, digest), ENTRASQL_OK);
    assert_int_equal(world_app_certificate_find(other, x, digest, sizeof digest, &found, NULL),
                     ENTRASQL_OK);
    crypto_cert_free(found);
    digest[0] ^= 1;
    assert_int_equal(world_app_certificate_find(other, x, digest, sizeof digest, &found, NULL),
                     ENTRASQL_NOT_FOUND);
    world_free(other);
    es_buf_done(&pem);
    es_buf_done(&text);
    es_buf_done(&seed);
}

/* ---- by federation ---- */

static const char *federated(const crypto_key *key, const char *iss, const char *sub,
                             const char *aud, int64_t exp)
{
    static char token[16 * 1024];
    char claims[2048];
    int64_t now = es_clock_wall_s();
    es_buf out = ES_BUF_INIT_WIPE(sizeof token);
    snprintf(claims, sizeof claims,
             "{\"aud\":[\"%s\"],\"iss\":\"%s\",\"sub\":\"%s\",\"nbf\":%lld,\"exp\":%lld}", aud, iss,
             sub, (long long)(now - 7200), (long long)(now + exp));
    assert_int_equal(crypto_jwt_sign(key, claims, &out, NULL), ENTRASQL_OK);
    snprintf(token, sizeof token, "%s", es_buf_cstr(&out));
    es_buf_done(&out);
    return token;
}

static void federated_tokens_are_checked_for_real(void **state)
{
    (void)state;
    const crypto_key *key = world_federation_key(w);
    const char *aud = WORLD_FEDERATION_AUDIENCE, *sub = "system:serviceaccount:default:persons";
    char iss[300], bare[256];
    es_buf token = ES_BUF_INIT_WIPE(CRYPTO_JWT_MAX_BYTES);
    const world_principal *stranger = world_principal_find(w, "StrangerIdentity");
    const world_host *aks = world_host_find(w, "persons-aks");
    snprintf(bare, sizeof bare, "%s/federation/persons-aks", world_authority(w));
    snprintf(iss, sizeof iss, "%s/", bare);
    assert_int_equal(world_federated_token(w, aks, 600, &token, NULL), ENTRASQL_OK);
    expect(present(identity->client_id, es_buf_cstr(&token)), 0, "as the cluster writes it");
    expect(present(stranger->client_id, es_buf_cstr(&token)), 700211, "another identity");
    expect(present(app->client_id, es_buf_cstr(&token)), 700211, "an app without federation");
    const char *id = identity->client_id;
    expect(present(id, federated(key, iss, sub, aud, 600)), 0, "written here");
    expect(present(id, federated(key, bare, sub, aud, 600)), 700211, "without the last slash");
    expect(present(id, federated(world_token_key(w), iss, sub, aud, 600)), 50013, "another key");
    expect(present(id, federated(key, iss, "system:serviceaccount:default:other", aud, 600)),
           700213, "subject");
    expect(present(id, federated(key, iss, sub, "https://kubernetes.default.svc", 600)), 700212,
           "audience");
    expect(present(id, federated(key, iss, sub, aud, -3600)), 700024, "expired");
    es_buf_clear(&token);
    const world_token_request request = {.principal = world_user_find(w, "dev@contoso.example"),
                                         .resource = "https://database.windows.net/"};
    int64_t expires_on;
    assert_int_equal(world_token_issue(w, &request, &token, &expires_on, NULL), ENTRASQL_OK);
    expect(present(id, es_buf_cstr(&token)), 700229, "a person's token");
    es_buf_done(&token);
}

static void issuers_show_their_keys(void **state)
{
    (void)state;
    char expected[256];
    const answer *a =
        ask("GET", "/federation/persons-aks/.well-known/openid-configuration", NULL, NULL);
    assert_int_equal(a->status, 200);
    snprintf(expected, sizeof expected, "\"issuer\":\"%s/federation/persons-aks/\"",
             world_authority(w));
    support_assert_has(a->text, expected);
    a = ask("GET", "/federation/persons-pipeline/openid/v1/jwks", NULL, NULL);
    assert_int_equal(a->status, 200);
    support_assert_has(a->text, crypto_key_id(world_federation_key(w)));
    assert_int_equal(ask("GET", "/federation/persons-app/openid/v1/jwks", NULL, NULL)->status, 404);
    assert_int_equal(ask("GET", "/federation/nobody/x", NULL, NULL)->status, 404);
    assert_int_equal(ask("GET", "/federation/persons-aks", NULL, NULL)->status, 404);
}

/* ---- pipelines ---- */

static void jobs_get_tokens_of_their_connections(void **state)
{
    (void)state;
    const world_host *h = world_host_find(w, "persons-pipeline");
    char connection[ES_GUID_TEXT_SIZE], path[256], bearer[8192];
    es_buf job = ES_BUF_INIT_WIPE(CRYPTO_JWT_MAX_BYTES);
    assert_int_equal(world_service_connection(h, app, connection), ENTRASQL_OK);
    assert_int_equal(world_job_token(w, h, &job, NULL), ENTRASQL_OK);
    snprintf(bearer, sizeof bearer, "Bearer %s", es_buf_cstr(&job));
    snprintf(path, sizeof path,
             "/federation/persons-pipeline/oidctoken?api-version=7.1&serviceConnectionId=%s",
             connection);
    const char *const good[] = {"Authorization", bearer, "X-TFS-FedAuthRedirect", "Suppress", NULL};
    const char *const strange[] = {"Authorization", "Bearer x", "X-TFS-FedAuthRedirect", "Suppress",
                                   NULL};
    const char *const browser[] = {"Authorization", "Bearer x", NULL};
    answer *a = ask("POST", path, good, "");
    assert_int_equal(a->status, 200);
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    const char *token = NULL;
    assert_int_equal(json_doc_parse(a->text, strlen(a->text), &doc, NULL), ENTRASQL_OK);
    assert_int_equal(json_member_string(json_doc_root(doc), "oidcToken", &token, NULL),
                     ENTRASQL_OK);
    expect(present(app->client_id, token), 0, "the connection's token");
    expect(present(identity->client_id, token), 700211, "for somebody else");
    /* The job's own token is not the connection's. */
    expect(present(app->client_id, es_buf_cstr(&job)), 700212, "the job's token");
    assert_int_equal(ask("POST", path, strange, "")->status, 401);
    assert_int_equal(ask("POST", path, browser, "")->status, 302);
    assert_int_equal(ask("GET", path, good, NULL)->status, 405);
    assert_int_equal(
        ask("POST", "/federation/persons-pipeline/oidctoken?api-version=7.1&serviceConnectionId=x",
            good, "")
            ->status,
        404);
    snprintf(path, sizeof path, "/federation/persons-pipeline/oidctoken?serviceConnectionId=%s",
             connection);
    assert_int_equal(ask("POST", path, good, "")->status, 400);
    es_buf_done(&job);
}

/* ---- on behalf of ---- */

static answer *trade(const char *assertion, const char *use, const char *scope)
{
    const char *const fields[] = {"grant_type",
                                  "urn:ietf:params:oauth:grant-type:jwt-bearer",
                                  "client_id",
                                  app->client_id,
                                  "client_secret",
                                  es_secret_reveal(app->secret),
                                  "assertion",
                                  assertion,
                                  "scope",
                                  scope,
                                  use != NULL ? "requested_token_use" : NULL,
                                  use,
                                  NULL};
    return ask_for_token(fields);
}

static const char *issue(const world_principal *p, const char *resource)
{
    static char text[16 * 1024];
    es_buf token = ES_BUF_INIT_WIPE(sizeof text);
    const world_token_request request = {.principal = p, .resource = resource};
    int64_t expires_on;
    assert_non_null(resource);
    assert_int_equal(world_token_issue(w, &request, &token, &expires_on, NULL), ENTRASQL_OK);
    snprintf(text, sizeof text, "%s", es_buf_cstr(&token));
    es_buf_done(&token);
    return text;
}

static void users_tokens_are_traded(void **state)
{
    (void)state;
    const world_principal *user = world_user_find(w, "dev@contoso.example");
    char uri[64];
    snprintf(uri, sizeof uri, "api://%s", app->client_id);
    const char *resource = world_resource_find(w, uri);
    const char *use = "on_behalf_of";
    answer *a = trade(issue(user, resource), use, SQL_SCOPE);
    expect(a, 0, "a user's token for the app");
    expect(trade(issue(user, resource), use,
                 "https://database.windows.net/user_impersonation offline_access openid profile"),
           0, "one permission");
    expect(trade(issue(user, "https://database.windows.net/"), use, SQL_SCOPE), 500131,
           "a token for somebody else");
    expect(trade(issue(app, resource), use, SQL_SCOPE), 7000114, "an app's token");
    expect(trade("x.y.z", use, SQL_SCOPE), 50027, "no token");
    expect(trade(issue(user, resource), NULL, SQL_SCOPE), 900144, "without its use");
    expect(trade(issue(user, resource), "x", SQL_SCOPE), 900144, "with another use");
    char broken[16 * 1024];
    snprintf(broken, sizeof broken, "%s", issue(user, resource));
    char *last = broken + strlen(broken) - 10;
    *last = *last == 'A' ? 'B' : 'A';
    expect(trade(broken, use, SQL_SCOPE), 50013, "a changed signature");
    es_clock_shift(0, -(WORLD_TOKEN_LIFETIME_S + 2 * WORLD_TOKEN_SKEW_S));
    char old[16 * 1024];
    snprintf(old, sizeof old, "%s", issue(user, resource));
    es_clock_shift(0, WORLD_TOKEN_LIFETIME_S + 2 * WORLD_TOKEN_SKEW_S);
    expect(trade(old, use, SQL_SCOPE), 500133, "an expired token");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(certificates_are_checked_for_real),
        cmocka_unit_test(other_forms_are_refused),
        cmocka_unit_test(certificates_of_the_seed),
        cmocka_unit_test(federated_tokens_are_checked_for_real),
        cmocka_unit_test(issuers_show_their_keys),
        cmocka_unit_test(jobs_get_tokens_of_their_connections),
        cmocka_unit_test(users_tokens_are_traded),
    };
    return cmocka_run_group_tests_name("emulator assertion", tests, start, stop);
}
