/* SPDX-License-Identifier: MIT */
/* Signed tokens in compact form. */
#include "jwt.h"

#include "base/base64.h"
#include "base/mem.h"
#include "base/utf16.h"
#include "internal.h"

#include <openssl/rsa.h>

#include <string.h>

static void md_ctx_cleanup(EVP_MD_CTX **ctx)
{
    EVP_MD_CTX_free(*ctx);
}

const char *crypto_jwt_algorithm_name(crypto_jwt_algorithm algorithm)
{
    return algorithm == CRYPTO_PS256 ? "PS256" : "RS256";
}

/* RFC 7518 3.5: MGF1 with the same hash, and a salt as long as it. */
static bool set_padding(EVP_PKEY_CTX *ctx, crypto_jwt_algorithm algorithm)
{
    if (algorithm == CRYPTO_RS256)
        return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1;
    return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1;
}

static entrasql_status add_signature(const crypto_key *key, crypto_jwt_algorithm algorithm,
                                     const void *text, size_t n, es_buf *out, entrasql_error *err)
{
    ES_CLEANUP(md_ctx_cleanup) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pctx = NULL; /* belongs to ctx */
    if (ctx == NULL)
        return es_nomem(err);
    uint8_t signature[CRYPTO_KEY_MAX_BITS / 8];
    size_t len = sizeof signature;
    if (EVP_DigestSignInit(ctx, &pctx, EVP_sha256(), NULL, key->pkey) != 1 ||
        !set_padding(pctx, algorithm) || EVP_DigestSign(ctx, signature, &len, text, n) != 1)
        return crypto_fail(err, ENTRASQL_INTERNAL, "the token could not be signed");
    if (es_base64url_encode(signature, len, out) != ENTRASQL_OK)
        return es_nomem(err);
    return ENTRASQL_OK;
}

entrasql_status crypto_jwt_sign(const crypto_key *key, const char *claims_json, es_buf *out,
                                entrasql_error *err)
{
    /* A key id is base64url text, so it needs no escaping. */
    ES_CLEANUP(es_buf_done) es_buf header = ES_BUF_INIT(256);
    const char *text = NULL;
    if (es_buf_printf(&header, "{\"typ\":\"JWT\",\"alg\":\"RS256\",\"kid\":\"%s\"}", key->id) ==
        ENTRASQL_OK)
        text = es_buf_cstr(&header);
    if (text == NULL)
        return es_nomem(err);
    return crypto_jwt_sign_with(key, CRYPTO_RS256, text, claims_json, out, err);
}

entrasql_status crypto_jwt_sign_with(const crypto_key *key, crypto_jwt_algorithm algorithm,
                                     const char *header_json, const char *claims_json, es_buf *out,
                                     entrasql_error *err)
{
    size_t header_len = strlen(header_json);
    size_t claims_len = strlen(claims_json);
    if (claims_len > CRYPTO_JWT_MAX_BYTES / 2)
        return es_fail(err, ENTRASQL_LIMIT, "claims of %zu bytes are too long", claims_len);
    if (header_len > CRYPTO_JWT_MAX_BYTES / 2)
        return es_fail(err, ENTRASQL_LIMIT, "a header of %zu bytes is too long", header_len);
    /* base64 makes four bytes of three. */
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT_WIPE(2 * CRYPTO_JWT_MAX_BYTES);
    if (es_base64url_encode(header_json, header_len, &text) != ENTRASQL_OK ||
        es_buf_add_str(&text, ".") != ENTRASQL_OK ||
        es_base64url_encode(claims_json, claims_len, &text) != ENTRASQL_OK)
        return es_nomem(err);
    size_t signed_len = text.len;
    if (es_buf_add_str(&text, ".") != ENTRASQL_OK)
        return es_nomem(err);
    ES_CLEANUP(es_buf_done) es_buf signature = ES_BUF_INIT(CRYPTO_KEY_MAX_BITS);
    ES_TRY(add_signature(key, algorithm, text.data, signed_len, &signature, err));
    if (es_buf_add(&text, signature.data, signature.len) != ENTRASQL_OK ||
        es_buf_add(out, text.data, text.len) != ENTRASQL_OK)
        return es_nomem(err);
    return ENTRASQL_OK;
}

static entrasql_status decode_part(const char *what, const char *s, size_t n, es_buf *out,
                                   entrasql_error *err)
{
    if (n == 0)
        return es_fail(err, ENTRASQL_MALFORMED, "the token's %s is empty", what);
    entrasql_status status = es_base64url_decode(s, n, out);
    if (status == ENTRASQL_NOMEM)
        return es_nomem(err);
    if (status != ENTRASQL_OK)
        return es_fail(err, status, "the token's %s is not base64url", what);
    return ENTRASQL_OK;
}

static entrasql_status decode_text(const char *what, const char *s, size_t n, char **ret,
                                   entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT_WIPE(CRYPTO_JWT_MAX_BYTES);
    ES_TRY(decode_part(what, s, n, &text, err));
    if (memchr(text.data, 0, text.len) != NULL ||
        !es_utf8_is_valid((const char *)text.data, text.len))
        return es_fail(err, ENTRASQL_MALFORMED, "the token's %s is not text", what);
    *ret = es_buf_take(&text, NULL);
    return *ret != NULL ? ENTRASQL_OK : es_nomem(err);
}

static entrasql_status parse(const char *token, size_t n, crypto_jwt *jwt, entrasql_error *err)
{
    const char *end = token + n;
    const char *first = memchr(token, '.', n);
    const char *second = first != NULL ? memchr(first + 1, '.', (size_t)(end - (first + 1))) : NULL;
    if (second == NULL || memchr(second + 1, '.', (size_t)(end - (second + 1))) != NULL)
        return es_fail(err, ENTRASQL_MALFORMED, "the token does not consist of three parts");
    ES_TRY(decode_text("header", token, (size_t)(first - token), &jwt->header_json, err));
    ES_TRY(decode_text("body", first + 1, (size_t)(second - first) - 1, &jwt->claims_json, err));
    ES_CLEANUP(es_buf_done) es_buf signature = ES_BUF_INIT(CRYPTO_KEY_MAX_BITS / 8);
    ES_TRY(decode_part("signature", second + 1, (size_t)(end - second) - 1, &signature, err));
    jwt->signature_len = signature.len;
    jwt->signature = (uint8_t *)es_buf_take(&signature, NULL);
    jwt->signed_text = es_strndup(token, (size_t)(second - token));
    if (jwt->signature == NULL || jwt->signed_text == NULL)
        return es_nomem(err);
    return ENTRASQL_OK;
}

entrasql_status crypto_jwt_parse(const char *token, size_t n, crypto_jwt *ret, entrasql_error *err)
{
    if (n > CRYPTO_JWT_MAX_BYTES)
        return es_fail(err, ENTRASQL_LIMIT, "a token of %zu bytes is longer than %d", n,
                       CRYPTO_JWT_MAX_BYTES);
    crypto_jwt jwt = {0};
    entrasql_status status = n != 0 ? parse(token, n, &jwt, err)
                                    : es_fail(err, ENTRASQL_MALFORMED, "the token is empty");
    if (status != ENTRASQL_OK) {
        crypto_jwt_done(&jwt);
        return status;
    }
    *ret = jwt;
    return ENTRASQL_OK;
}

void crypto_jwt_done(crypto_jwt *jwt)
{
    es_free_wipe_str(jwt->header_json);
    es_free_wipe_str(jwt->claims_json);
    es_free_wipe_str(jwt->signed_text);
    if (jwt->signature != NULL)
        es_free_wipe(jwt->signature, jwt->signature_len);
    *jwt = (crypto_jwt){0};
}

entrasql_status crypto_jwt_verify_rs256(const crypto_jwt *jwt, const crypto_key *key,
                                        entrasql_error *err)
{
    return crypto_jwt_verify(jwt, CRYPTO_RS256, key, err);
}

entrasql_status crypto_jwt_verify(const crypto_jwt *jwt, crypto_jwt_algorithm algorithm,
                                  const crypto_key *key, entrasql_error *err)
{
    ES_CLEANUP(md_ctx_cleanup) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pctx = NULL; /* belongs to ctx */
    if (ctx == NULL)
        return es_nomem(err);
    if (EVP_DigestVerifyInit(ctx, &pctx, EVP_sha256(), NULL, key->pkey) != 1 ||
        !set_padding(pctx, algorithm))
        return crypto_fail(err, ENTRASQL_INTERNAL, "the signature check could not start");
    if (EVP_DigestVerify(ctx, jwt->signature, jwt->signature_len,
                         (const unsigned char *)jwt->signed_text, strlen(jwt->signed_text)) != 1)
        return crypto_fail(err, ENTRASQL_AUTH_FAILED, "the token's signature is not valid");
    return ENTRASQL_OK;
}
