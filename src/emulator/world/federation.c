/* SPDX-License-Identifier: MIT */
/* Issuers beside Entra, and certificates of apps. */
#include "federation.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/random.h"
#include "crypto/digest.h"
#include "crypto/jwt.h"
#include "files.h"
#include "internal.h"
#include "os/file.h"
#include "json/json.h"

#include <string.h>

#define CERTIFICATE_DAYS 365
#define RENEW_BEFORE_S (7 * 86400)

/* ---- issuers ---- */

bool world_host_is_issuer(const world_host *h)
{
    return h->kind == WORLD_AKS || h->kind == WORLD_PIPELINE;
}

const crypto_key *world_federation_key(const world *w)
{
    return w->own.trust.federation_key;
}

entrasql_status world_issuer(const world *w, const world_host *h, es_buf *out)
{
    return es_buf_printf(out, "%s" WORLD_FEDERATION_PATH "%s%s", world_authority(w), h->name,
                         h->kind == WORLD_AKS ? "/" : "");
}

entrasql_status world_subject(const world *w, const world_host *h, es_buf *out)
{
    if (h->kind == WORLD_AKS)
        return es_buf_printf(out, "system:serviceaccount:%s", h->service_account);
    return es_buf_printf(out, "sc://%s/%s/%s", w->tenants[0].domain, w->subscription.name, h->name);
}

const world_host *world_host_by_issuer(const world *w, const char *issuer)
{
    const world_host *found = NULL;
    for (size_t i = 0; found == NULL && i < w->host_count; i++) {
        ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(4096);
        const world_host *h = &w->hosts[i];
        if (world_host_is_issuer(h) && world_issuer(w, h, &text) == ENTRASQL_OK &&
            es_streq(es_buf_cstr(&text), issuer))
            found = h;
    }
    return found;
}

/* ---- tokens ---- */

static entrasql_status sign(const world *w, const char *issuer, const char *subject,
                            const char *audience, int64_t lifetime_s, es_buf *out,
                            entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf claims = ES_BUF_INIT(8192);
    char id[ES_GUID_TEXT_SIZE];
    int64_t now = es_clock_wall_s();
    json_writer j;
    es_random_uuid(id);
    json_writer_init(&j, &claims);
    json_begin_object(&j);
    json_name(&j, "aud");
    json_begin_array(&j); /* Kubernetes writes a list */
    json_put_string(&j, audience);
    json_end_array(&j);
    json_member_put_string(&j, "iss", issuer);
    json_member_put_string(&j, "sub", subject);
    json_member_put_string(&j, "jti", id);
    json_member_put_i64(&j, "iat", now);
    json_member_put_i64(&j, "nbf", now);
    json_member_put_i64(&j, "exp", now + lifetime_s);
    json_end_object(&j);
    const char *text = json_writer_end(&j) == ENTRASQL_OK ? es_buf_cstr(&claims) : NULL;
    return text != NULL ? crypto_jwt_sign(world_federation_key(w), text, out, err) : es_nomem(err);
}

static entrasql_status sign_for(const world *w, const world_host *h, const char *audience,
                                int64_t lifetime_s, es_buf *out, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf issuer = ES_BUF_INIT(4096);
    ES_CLEANUP(es_buf_done) es_buf subject = ES_BUF_INIT(4096);
    if (world_issuer(w, h, &issuer) != ENTRASQL_OK || world_subject(w, h, &subject) != ENTRASQL_OK)
        return es_nomem(err);
    const char *issuer_text = es_buf_cstr(&issuer);
    const char *subject_text = es_buf_cstr(&subject);
    if (issuer_text == NULL || subject_text == NULL)
        return es_nomem(err);
    return sign(w, issuer_text, subject_text, audience, lifetime_s, out, err);
}

entrasql_status world_federated_token(const world *w, const world_host *h, int64_t lifetime_s,
                                      es_buf *out, entrasql_error *err)
{
    return sign_for(w, h, WORLD_FEDERATION_AUDIENCE, lifetime_s, out, err);
}

#define JOB_AUDIENCE "urn:entrasql:pipeline-job"

entrasql_status world_job_token(const world *w, const world_host *h, es_buf *out,
                                entrasql_error *err)
{
    return sign_for(w, h, JOB_AUDIENCE, WORLD_SERVICE_ACCOUNT_TOKEN_S, out, err);
}

/* Whether the claims are of this host's job and in time. */
static bool is_job_of(const world *w, const world_host *h, const crypto_jwt *jwt)
{
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    ES_CLEANUP(es_buf_done) es_buf issuer = ES_BUF_INIT(4096);
    const char *iss = NULL, *aud = NULL;
    const json_node *list = NULL;
    int64_t exp = 0;
    if (json_doc_parse(jwt->claims_json, strlen(jwt->claims_json), &doc, NULL) != ENTRASQL_OK ||
        world_issuer(w, h, &issuer) != ENTRASQL_OK)
        return false;
    const json_node *root = json_doc_root(doc);
    return json_member_string(root, "iss", &iss, NULL) == ENTRASQL_OK &&
           es_streq(iss, es_buf_cstr(&issuer)) &&
           json_member_array(root, "aud", &list) == ENTRASQL_OK && json_count(list) == 1 &&
           json_node_string(json_element(list, 0), &aud, NULL) == ENTRASQL_OK &&
           es_streq(aud, JOB_AUDIENCE) && json_member_i64(root, "exp", &exp) == ENTRASQL_OK &&
           exp > es_clock_wall_s();
}

bool world_job_token_is_good(const world *w, const world_host *h, const char *token)
{
    crypto_jwt jwt;
    if (crypto_jwt_parse(token, strlen(token), &jwt, NULL) != ENTRASQL_OK)
        return false;
    bool is_good = crypto_jwt_verify_rs256(&jwt, world_federation_key(w), NULL) == ENTRASQL_OK &&
                   is_job_of(w, h, &jwt);
    crypto_jwt_done(&jwt);
    return is_good;
}

entrasql_status world_service_connection(const world_host *h, const world_principal *p,
                                         char ret[ES_GUID_TEXT_SIZE])
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(4096);
    uint8_t hash[CRYPTO_SHA256_SIZE];
    ES_TRY(es_buf_printf(&text, "service connection\n%s\n%s", h->name, p->object_id));
    ES_TRY(crypto_sha256(text.data, text.len, hash));
    es_guid_format(hash, ret);
    return ENTRASQL_OK;
}

/* ---- certificates ---- */

static void key_cleanup(crypto_key **key)
{
    crypto_key_free(*key);
}

static void cert_cleanup(crypto_cert **cert)
{
    crypto_cert_free(*cert);
}

static char *certificate_path(const world *w, const world_principal *p)
{
    es_buf path = ES_BUF_INIT(8192);
    entrasql_status status =
        es_buf_printf(&path, "%s/%s.pem", w->own.trust.certificate_dir, p->client_id);
    char *text = status == ENTRASQL_OK ? es_buf_take(&path, NULL) : NULL;
    es_buf_done(&path);
    return text;
}

/* NULL when there is none that can be used. */
static entrasql_status read_certificate(const char *path, crypto_cert **ret, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf pem = ES_BUF_INIT_WIPE(CRYPTO_PEM_MAX_BYTES);
    *ret = NULL;
    entrasql_status status = world_file_read_private(path, &pem, err);
    if (status == ENTRASQL_OK)
        status = crypto_cert_from_pem((const char *)pem.data, pem.len, ret, err);
    return status == ENTRASQL_NOT_FOUND || status == ENTRASQL_MALFORMED ? ENTRASQL_OK : status;
}

static entrasql_status make_certificate(const char *path, const char *name, entrasql_error *err)
{
    ES_CLEANUP(key_cleanup) crypto_key *key = NULL;
    ES_CLEANUP(cert_cleanup) crypto_cert *cert = NULL;
    ES_CLEANUP(es_buf_done) es_buf pem = ES_BUF_INIT_WIPE(CRYPTO_PEM_MAX_BYTES);
    ES_TRY(crypto_key_generate(&key, err));
    ES_TRY(crypto_cert_new_client(key, name, CERTIFICATE_DAYS, &cert, err));
    ES_TRY(crypto_key_to_pem(key, &pem, err));
    ES_TRY(crypto_cert_to_pem(cert, &pem, err));
    return os_file_write(path, pem.data, pem.len, 0600, err);
}

entrasql_status world_app_certificate_make(const world *w, const world_principal *p,
                                           char **ret_path, entrasql_error *err)
{
    ES_CLEANUP(es_cleanup_free) char *path = certificate_path(w, p);
    ES_CLEANUP(cert_cleanup) crypto_cert *cert = NULL;
    if (path == NULL)
        return es_nomem(err);
    ES_TRY(os_dir_make(w->own.trust.certificate_dir, 0700, err));
    ES_TRY(read_certificate(path, &cert, err));
    if (cert == NULL || crypto_cert_not_after(cert) < es_clock_wall_s() + RENEW_BEFORE_S)
        ES_TRY(make_certificate(path, p->client_id, err));
    *ret_path = path;
    path = NULL;
    return ENTRASQL_OK;
}

static bool has_digest(const crypto_cert *cert, const uint8_t *digest, size_t n)
{
    uint8_t own[CRYPTO_SHA256_SIZE];
    entrasql_status status =
        n == CRYPTO_SHA1_SIZE ? crypto_cert_sha1(cert, own) : crypto_cert_sha256(cert, own);
    return status == ENTRASQL_OK && memcmp(own, digest, n) == 0;
}

entrasql_status world_app_certificate_find(const world *w, const world_principal *p,
                                           const uint8_t *digest, size_t n, crypto_cert **ret,
                                           entrasql_error *err)
{
    if (n != CRYPTO_SHA1_SIZE && n != CRYPTO_SHA256_SIZE)
        return ENTRASQL_NOT_FOUND;
    ES_CLEANUP(cert_cleanup) crypto_cert *cert = NULL;
    for (size_t i = 0; i < p->certificate_count; i++) {
        const char *pem = p->certificates[i];
        ES_TRY(crypto_cert_from_pem(pem, strlen(pem), &cert, err));
        if (has_digest(cert, digest, n)) {
            *ret = cert;
            cert = NULL;
            return ENTRASQL_OK;
        }
        crypto_cert_free(cert);
        cert = NULL;
    }
    /* A world that was only parsed has no directory. */
    if (w->own.trust.certificate_dir == NULL)
        return ENTRASQL_NOT_FOUND;
    ES_CLEANUP(es_cleanup_free) char *path = certificate_path(w, p);
    if (path == NULL)
        return es_nomem(err);
    ES_TRY(read_certificate(path, &cert, err));
    if (cert == NULL || !has_digest(cert, digest, n))
        return ENTRASQL_NOT_FOUND;
    *ret = cert;
    cert = NULL;
    return ENTRASQL_OK;
}
