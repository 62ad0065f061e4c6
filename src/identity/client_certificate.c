/* SPDX-License-Identifier: MIT */
/*
 * ClientCertificateCredential: an app by an assertion that it signs with the
 * key of a certificate that Entra knows.
 *
 * The assertion is PS256 with x5t#S256 (what Entra's documentation asks for),
 * or RS256 with x5t for AD FS; aud is the token endpoint, iss and sub are the
 * app, jti is new each time. A certificate in a file is read again for each of them, so that a
 * rotated one is used without a restart.
 */
#include "base/base64.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/str.h"
#include "crypto/bundle.h"
#include "crypto/jwt.h"
#include "identity/app.h"
#include "os/file.h"
#include "json/json.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define LIFETIME_S 600

struct certificate_proof {
    identity_proof base;
    char *path; /* NULL: data */
    es_secret *data;
    es_secret *password; /* NULL: none */
    bool send_x5c;
    bool rs256;
};

/* ---- reading ---- */

static entrasql_status read_data(const struct certificate_proof *p, const void *data, size_t n,
                                 crypto_bundle **ret, entrasql_error *err)
{
    const char *password = p->password != NULL ? es_secret_reveal(p->password) : NULL;
    entrasql_status status = crypto_bundle_read(data, n, password, ret, err);
    if (status == ENTRASQL_OK || status == ENTRASQL_NOMEM)
        return status;
    es_error_prefix(err, "the client certificate%s%s", p->path != NULL ? " " : "",
                    p->path != NULL ? p->path : "");
    /* Whatever it is, it is the caller's file or password. */
    if (err != NULL) {
        err->status = ENTRASQL_CONFIG;
        err->error_class = entrasql_status_class(ENTRASQL_CONFIG);
    }
    return ENTRASQL_CONFIG;
}

static entrasql_status read_file(const struct certificate_proof *p, crypto_bundle **ret,
                                 entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT_WIPE(CRYPTO_BUNDLE_MAX_BYTES);
    entrasql_status status = os_file_read(p->path, &text, err);
    if (status != ENTRASQL_OK) {
        es_error_prefix(err, "the client certificate cannot be read");
        return status;
    }
    return read_data(p, text.data, text.len, ret, err);
}

static entrasql_status read_bundle(const struct certificate_proof *p, crypto_bundle **ret,
                                   entrasql_error *err)
{
    if (p->path != NULL)
        return read_file(p, ret, err);
    return read_data(p, es_secret_reveal(p->data), es_secret_len(p->data), ret, err);
}

/* Entra says only that the assertion is not valid; the date is known here. */
static entrasql_status check_dates(const struct certificate_proof *p, const crypto_cert *cert,
                                   entrasql_error *err)
{
    int64_t end = crypto_cert_not_after(cert);
    if (end == 0 || end > es_clock_wall_s())
        return ENTRASQL_OK;
    char text[32] = "";
    time_t t = (time_t)end;
    struct tm tm;
    if (gmtime_r(&t, &tm) != NULL)
        (void)strftime(text, sizeof text, "%Y-%m-%d %H:%M:%SZ", &tm);
    es_fail(err, ENTRASQL_AUTH_FAILED, "the client certificate%s%s expired on %s",
            p->path != NULL ? " " : "", p->path != NULL ? p->path : "", text);
    es_hint(err, "make a new certificate, register it with the application and put it in place; if "
                 "the date is wrong, set the clock of this machine");
    return ENTRASQL_AUTH_FAILED;
}

/* ---- the assertion ---- */

static entrasql_status put_thumbprint(json_writer *w, const crypto_cert *cert, bool rs256)
{
    uint8_t hash[CRYPTO_SHA256_SIZE];
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(64);
    size_t n = rs256 ? CRYPTO_SHA1_SIZE : CRYPTO_SHA256_SIZE;
    ES_TRY(rs256 ? crypto_cert_sha1(cert, hash) : crypto_cert_sha256(cert, hash));
    ES_TRY(es_base64url_encode(hash, n, &text));
    json_name(w, rs256 ? "x5t" : "x5t#S256");
    json_put_text(w, (const char *)text.data, text.len);
    return ENTRASQL_OK;
}

static entrasql_status put_chain(json_writer *w, const crypto_bundle *b, entrasql_error *err)
{
    const crypto_cert *cert;
    json_name(w, "x5c");
    json_begin_array(w);
    for (size_t i = 0; (cert = crypto_bundle_cert(b, i)) != NULL; i++) {
        ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(CRYPTO_BUNDLE_MAX_BYTES);
        ES_TRY(crypto_cert_to_base64(cert, &text, err));
        json_put_text(w, (const char *)text.data, text.len);
    }
    json_end_array(w);
    return ENTRASQL_OK;
}

static entrasql_status write_header(const struct certificate_proof *p, const crypto_bundle *b,
                                    es_buf *out, entrasql_error *err)
{
    json_writer w;
    json_writer_init(&w, out);
    json_begin_object(&w);
    json_member_put_string(&w, "typ", "JWT");
    json_member_put_string(&w, "alg",
                           crypto_jwt_algorithm_name(p->rs256 ? CRYPTO_RS256 : CRYPTO_PS256));
    if (put_thumbprint(&w, crypto_bundle_cert(b, 0), p->rs256) != ENTRASQL_OK)
        return es_nomem(err);
    if (p->send_x5c)
        ES_TRY(put_chain(&w, b, err));
    json_end_object(&w);
    entrasql_status status = json_writer_end(&w);
    if (status == ENTRASQL_LIMIT)
        return es_fail(err, ENTRASQL_LIMIT, "the certificate chain is too long to be sent");
    return status == ENTRASQL_OK ? status : es_nomem(err);
}

static entrasql_status write_claims(const char *client_id, const char *token_url, es_buf *out,
                                    entrasql_error *err)
{
    char jti[ES_GUID_TEXT_SIZE];
    int64_t now = es_clock_wall_s();
    json_writer w;
    es_random_uuid(jti);
    json_writer_init(&w, out);
    json_begin_object(&w);
    json_member_put_string(&w, "aud", token_url);
    json_member_put_string(&w, "iss", client_id);
    json_member_put_string(&w, "sub", client_id);
    json_member_put_string(&w, "jti", jti);
    json_member_put_i64(&w, "nbf", now);
    json_member_put_i64(&w, "exp", now + LIFETIME_S);
    json_end_object(&w);
    return json_writer_end(&w) == ENTRASQL_OK ? ENTRASQL_OK : es_nomem(err);
}

static entrasql_status sign(const struct certificate_proof *p, const crypto_bundle *b,
                            const char *client_id, const char *token_url, es_buf *out,
                            entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf header = ES_BUF_INIT(IDENTITY_MAX_ASSERTION / 2);
    ES_CLEANUP(es_buf_done) es_buf claims = ES_BUF_INIT(IDENTITY_MAX_ASSERTION / 8);
    ES_TRY(write_header(p, b, &header, err));
    ES_TRY(write_claims(client_id, token_url, &claims, err));
    const char *header_text = es_buf_cstr(&header);
    const char *claims_text = es_buf_cstr(&claims);
    if (header_text == NULL || claims_text == NULL)
        return es_nomem(err);
    return crypto_jwt_sign_with(crypto_bundle_key(b), p->rs256 ? CRYPTO_RS256 : CRYPTO_PS256,
                                header_text, claims_text, out, err);
}

/* ---- the proof ---- */

static entrasql_status certificate_add(identity_proof *proof, const char *client_id,
                                       const char *token_url, es_buf *form, es_secret **ret_secret,
                                       entrasql_error *err)
{
    const struct certificate_proof *p = (const struct certificate_proof *)proof;
    crypto_bundle *b = NULL;
    ES_TRY(read_bundle(p, &b, err));
    ES_CLEANUP(es_buf_done) es_buf assertion = ES_BUF_INIT_WIPE(2 * IDENTITY_MAX_ASSERTION);
    entrasql_status status = check_dates(p, crypto_bundle_cert(b, 0), err);
    if (status == ENTRASQL_OK)
        status = sign(p, b, client_id, token_url, &assertion, err);
    crypto_bundle_free(b);
    if (status != ENTRASQL_OK)
        return status;
    return identity_assertion_add((const char *)assertion.data, assertion.len, form, ret_secret,
                                  err);
}

static void certificate_free(identity_proof *proof)
{
    struct certificate_proof *p = (struct certificate_proof *)proof;
    es_free(p->path);
    es_secret_unref(p->data);
    es_secret_unref(p->password);
    es_free(p);
}

static const identity_proof_class certificate_class = {certificate_add, certificate_free};

static entrasql_status copy_options(struct certificate_proof *p,
                                    const entrasql_client_certificate_options *o,
                                    entrasql_error *err)
{
    p->send_x5c = o->send_x5c;
    p->rs256 = o->rs256;
    if (o->path != NULL)
        p->path = es_strdup(o->path);
    else
        p->data = es_secret_new(o->data, o->data_size);
    if (o->password != NULL)
        p->password = es_secret_from_str(o->password);
    bool is_complete =
        (p->path != NULL || p->data != NULL) && (o->password == NULL || p->password != NULL);
    return is_complete ? ENTRASQL_OK : es_nomem(err);
}

static entrasql_status check_options(const entrasql_client_certificate_options *o,
                                     entrasql_error *err)
{
    bool has_path = !es_str_is_empty(o->path);
    bool has_data = o->data != NULL && o->data_size != 0;
    if (has_path == has_data)
        return es_fail(err, ENTRASQL_INVALID, "give the certificate %s",
                       has_path ? "by its path or as data, not both" : "by its path or as data");
    if (has_data && o->data_size > CRYPTO_BUNDLE_MAX_BYTES)
        return es_fail(err, ENTRASQL_INVALID, "%zu bytes are too many for a certificate",
                       o->data_size);
    return ENTRASQL_OK;
}

static void warn_of_readers(const char *path)
{
    if (path != NULL && os_file_is_exposed(path))
        ES_LOG(WARNING, "identity", "others than its owner may read the file of a private key",
               ES_KV_STR("path", path));
}

entrasql_status identity_proof_certificate_new(const entrasql_client_certificate_options *options,
                                               identity_proof **ret, entrasql_error *err)
{
    entrasql_client_certificate_options o;
    ES_TRY(es_options_copy(&o, sizeof o, options, err));
    ES_TRY(check_options(&o, err));
    if (es_str_is_empty(o.path))
        o.path = NULL;
    struct certificate_proof *p = es_calloc(1, sizeof *p);
    if (p == NULL)
        return es_nomem(err);
    p->base.klass = &certificate_class;
    crypto_bundle *b = NULL;
    entrasql_status status = copy_options(p, &o, err);
    if (status == ENTRASQL_OK)
        status = read_bundle(p, &b, err);
    crypto_bundle_free(b);
    if (status != ENTRASQL_OK) {
        certificate_free(&p->base);
        return status;
    }
    warn_of_readers(p->path);
    *ret = &p->base;
    return ENTRASQL_OK;
}

/* ---- the credential ---- */

entrasql_status
entrasql_client_certificate_credential_new(const char *tenant_id, const char *client_id,
                                           const entrasql_client_certificate_options *options,
                                           entrasql_credential **ret, entrasql_error *err)
{
    entrasql_client_certificate_options o;
    identity_proof *proof = NULL;
    ES_TRY(es_options_copy(&o, sizeof o, options, err));
    ES_TRY(identity_proof_certificate_new(&o, &proof, err));
    return identity_app_credential_new("ClientCertificateCredential", tenant_id, client_id,
                                       o.client, proof, ret, err);
}
