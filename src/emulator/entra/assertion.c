/* SPDX-License-Identifier: MIT */
/*
 * Client assertions (RFC 7523). An assertion whose issuer is the app itself is
 * signed with a registered certificate; any other must be a token of an issuer
 * that the app or identity is federated with. Each refusal has the number that
 * Entra gives it; where that is not documented the comment says so.
 */
#include "assertion.h"

#include "base/base64.h"
#include "base/clock.h"
#include "crypto/jwt.h"
#include "emulator/world/federation.h"
#include "emulator/world/token.h"

#include <string.h>

#define ASSERTION_TYPE "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

typedef struct assertion {
    entra_call *c;
    const world_principal *p;
    crypto_jwt jwt;
    json_doc *header;
    json_doc *claims;
    const char *iss, *sub;
} assertion;

static bool refuse(assertion *a, uint32_t number, const char *text, const char *value)
{
    char shown[200] = "";
    if (value != NULL)
        es_printable(shown, sizeof shown, value, strlen(value));
    entra_error(a->c, 401, "invalid_client", number, "%s%s%s%s", text, value != NULL ? "'" : "",
                shown, value != NULL ? "'." : "");
    return false;
}

static const char *text_of(const json_doc *doc, const char *name)
{
    const char *text = NULL;
    return json_member_string(json_doc_root(doc), name, &text, NULL) == ENTRASQL_OK ? text : NULL;
}

/* ---- what both kinds have in common ---- */

static bool read(assertion *a, const char *text)
{
    entrasql_status status = crypto_jwt_parse(text, strlen(text), &a->jwt, NULL);
    if (status == ENTRASQL_OK)
        status = json_doc_parse(a->jwt.header_json, strlen(a->jwt.header_json), &a->header, NULL);
    if (status == ENTRASQL_OK)
        status = json_doc_parse(a->jwt.claims_json, strlen(a->jwt.claims_json), &a->claims, NULL);
    if (status == ENTRASQL_NOMEM) {
        entra_finish(a->c, status);
        return false;
    }
    if (status != ENTRASQL_OK || json_node_kind(json_doc_root(a->header)) != JSON_KIND_OBJECT ||
        json_node_kind(json_doc_root(a->claims)) != JSON_KIND_OBJECT)
        return refuse(a, 50027, "JWT token is invalid or malformed.", NULL);
    a->iss = text_of(a->claims, "iss");
    a->sub = text_of(a->claims, "sub");
    if (a->iss == NULL || a->sub == NULL)
        return refuse(a, 50027, "JWT token is invalid or malformed: 'iss' or 'sub' is missing.",
                      NULL);
    return true;
}

/* A NumericDate may have a fraction (RFC 7519 2), as MSAL for Python writes it. */
static entrasql_status time_of(const assertion *a, const char *name, double *ret)
{
    const json_node *node = json_member(json_doc_root(a->claims), name);
    return node != NULL ? json_node_real(node, ret) : ENTRASQL_NOT_FOUND;
}

static bool check_times(assertion *a)
{
    double now = (double)es_clock_wall_s();
    double exp = 0, nbf = now;
    if (time_of(a, "exp", &exp) != ENTRASQL_OK || time_of(a, "nbf", &nbf) == ENTRASQL_MALFORMED)
        return refuse(a, 50027, "JWT token is invalid or malformed: 'exp' is missing.", NULL);
    if (exp + WORLD_TOKEN_SKEW_S >= now && nbf <= now + WORLD_TOKEN_SKEW_S)
        return true;
    return refuse(a, 700024,
                  "Client assertion is not within its valid time range. Current time and expiry "
                  "time of the assertion differ; please fix the clock or use a fresh assertion.",
                  NULL);
}

/* One string, or a list that holds it (RFC 7519 4.1.3). */
static bool has_audience(const assertion *a, bool (*is_good)(const assertion *a, const char *aud))
{
    const json_node *aud = json_member(json_doc_root(a->claims), "aud");
    const char *text = NULL;
    if (aud == NULL)
        return false;
    if (json_node_string(aud, &text, NULL) == ENTRASQL_OK)
        return is_good(a, text);
    for (size_t i = 0; i < json_count(aud); i++) {
        const json_node *element = json_element(aud, i);
        if (element != NULL && json_node_string(element, &text, NULL) == ENTRASQL_OK &&
            is_good(a, text))
            return true;
    }
    return false;
}

/* ---- by certificate ---- */

/* The token endpoints and the issuer of the tenant, by its id or domain. */
static bool is_this_endpoint(const assertion *a, const char *aud)
{
    static const char *const paths[] = {"oauth2/v2.0/token", "oauth2/token", "v2.0"};
    const world_tenant *t = a->c->tenant;
    const char *const names[] = {t->id, t->domain};
    for (size_t i = 0; i < 2 * ES_COUNT_OF(paths); i++) {
        ES_CLEANUP(es_buf_done) es_buf url = ES_BUF_INIT(2048);
        if (es_buf_printf(&url, "%s/%s/%s", world_authority(a->c->w), names[i % 2], paths[i / 2]) ==
                ENTRASQL_OK &&
            es_strcaseeq(aud, es_buf_cstr(&url)))
            return true;
    }
    return false;
}

/* MSAL for Python pads its base64url, MSAL for Go writes standard base64: Entra takes both. */
static bool decode_thumbprint(const char *text, es_buf *out)
{
    size_t n = strlen(text), bare = n;
    while (bare != 0 && text[bare - 1] == '=')
        bare--;
    return es_base64url_decode(text, bare, out) == ENTRASQL_OK ||
           es_base64_decode(text, n, out) == ENTRASQL_OK;
}

static bool find_certificate(assertion *a, crypto_cert **ret)
{
    ES_CLEANUP(es_buf_done) es_buf digest = ES_BUF_INIT(128);
    const char *text = text_of(a->header, "x5t#S256");
    size_t wanted = text != NULL ? CRYPTO_SHA256_SIZE : CRYPTO_SHA1_SIZE;
    if (text == NULL)
        text = text_of(a->header, "x5t");
    if (text == NULL)
        return refuse(a, 700027,
                      "The certificate with identifier used to sign the client assertion is not "
                      "registered on application. [Reason - The header names no thumbprint.]",
                      NULL);
    if (!decode_thumbprint(text, &digest) || digest.len != wanted)
        return refuse(a, 50027, "JWT token is invalid or malformed: thumbprint ", text);
    entrasql_status status =
        world_app_certificate_find(a->c->w, a->p, digest.data, digest.len, ret, NULL);
    if (status == ENTRASQL_OK)
        return true;
    if (status != ENTRASQL_NOT_FOUND) {
        entra_finish(a->c, status);
        return false;
    }
    return refuse(a, 700027,
                  "The certificate with identifier used to sign the client assertion is not "
                  "registered on application. [Reason - The key was not found.] Thumbprint of key "
                  "used by client: ",
                  text);
}

static bool check_signature(assertion *a, const crypto_cert *cert)
{
    const char *alg = text_of(a->header, "alg");
    crypto_jwt_algorithm algorithm = CRYPTO_RS256;
    if (es_streq(alg, "PS256"))
        algorithm = CRYPTO_PS256;
    else if (!es_streq(alg, "RS256"))
        return refuse(a, 700027, "Client assertion failed signature validation: algorithm ",
                      alg != NULL ? alg : "");
    if (crypto_cert_not_after(cert) <= es_clock_wall_s())
        return refuse(
            a, 700027,
            "The certificate used to sign the client assertion is expired on application.", NULL);
    crypto_key *key = NULL;
    entrasql_status status = crypto_cert_public_key(cert, &key, NULL);
    if (status == ENTRASQL_OK)
        status = crypto_jwt_verify(&a->jwt, algorithm, key, NULL);
    crypto_key_free(key);
    return status == ENTRASQL_OK
               ? true
               : refuse(a, 700027, "Client assertion failed signature validation.", NULL);
}

static bool check_by_certificate(assertion *a)
{
    crypto_cert *cert = NULL;
    if (!es_strcaseeq(a->iss, a->p->client_id) || !es_strcaseeq(a->sub, a->p->client_id))
        return refuse(a, 700021,
                      "Client assertion application identifier doesn't match 'client_id' "
                      "parameter. The assertion is of ",
                      a->iss);
    if (a->p->kind != WORLD_APP)
        return refuse(a, 700027, "A managed identity has no certificate of its own.", NULL);
    if (!find_certificate(a, &cert))
        return false;
    bool ok = check_signature(a, cert);
    crypto_cert_free(cert);
    if (!ok || !check_times(a))
        return false;
    if (!has_audience(a, is_this_endpoint))
        return refuse(a, 700023,
                      "Client assertion audience claim does not match Realm issuer. Use the token "
                      "endpoint's URL.",
                      NULL);
    if (text_of(a->claims, "jti") == NULL)
        return refuse(a, 50027, "JWT token is invalid or malformed: 'jti' is missing.", NULL);
    return true;
}

/* ---- by another issuer ---- */

static bool is_exchange(const assertion *a, const char *aud)
{
    (void)a;
    return es_streq(aud, WORLD_FEDERATION_AUDIENCE);
}

static bool check_by_federation(assertion *a)
{
    /* A person's token of Entra itself is the usual mix-up. */
    if (es_starts_with(a->iss, "https://sts.windows.net/") &&
        !es_streq(text_of(a->claims, "idtyp"), "app"))
        return refuse(a, 700229,
                      "The token presented is not an app token: only app tokens can be used for "
                      "Federated Identity Credential scenarios.",
                      NULL);
    const world_host *h = world_host_by_issuer(a->c->w, a->iss);
    if (h == NULL || !world_is_attached(h, a->p))
        return refuse(a, 700211,
                      "No matching federated identity record found for presented assertion issuer ",
                      a->iss);
    const char *kid = text_of(a->header, "kid");
    /* The number for a bad signature here is not documented; this is that of other assertions. */
    if (!es_streq(text_of(a->header, "alg"), "RS256") ||
        !es_streq(kid, crypto_key_id(world_federation_key(a->c->w))) ||
        crypto_jwt_verify_rs256(&a->jwt, world_federation_key(a->c->w), NULL) != ENTRASQL_OK)
        return refuse(a, 50013, "Assertion failed signature validation.", NULL);
    ES_CLEANUP(es_buf_done) es_buf subject = ES_BUF_INIT(4096);
    if (world_subject(a->c->w, h, &subject) != ENTRASQL_OK) {
        entra_finish(a->c, ENTRASQL_NOMEM);
        return false;
    }
    if (!es_streq(a->sub, es_buf_cstr(&subject)))
        return refuse(
            a, 700213,
            "No matching federated identity record found for presented assertion subject ", a->sub);
    if (!has_audience(a, is_exchange))
        return refuse(a, 700212,
                      "No matching federated identity record found for presented assertion "
                      "audience; expected ",
                      WORLD_FEDERATION_AUDIENCE);
    return check_times(a);
}

/* ---- both ---- */

bool entra_check_assertion(entra_call *c, const world_principal *p)
{
    const char *text = httpd_form(c->request, "client_assertion");
    const char *type = httpd_form(c->request, "client_assertion_type");
    assertion a = {.c = c, .p = p};
    if (!es_streq(type, ASSERTION_TYPE)) {
        entra_error(c, 400, "invalid_request", 900144,
                    "The request body must contain the following parameter: "
                    "'client_assertion_type' with the value '" ASSERTION_TYPE "'.");
        return false;
    }
    if (text == NULL) {
        entra_error(c, 400, "invalid_request", 9000411,
                    "The request is not properly formatted. The parameter 'client_assertion' is "
                    "duplicated.");
        return false;
    }
    bool ok = read(&a, text);
    /* Whoever signs for itself names itself twice. */
    if (ok)
        ok = es_strcaseeq(a.iss, p->client_id) || es_streq(a.iss, a.sub) ? check_by_certificate(&a)
                                                                         : check_by_federation(&a);
    json_doc_free(a.header);
    json_doc_free(a.claims);
    crypto_jwt_done(&a.jwt);
    return ok;
}
