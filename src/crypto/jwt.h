/* SPDX-License-Identifier: MIT */
/*
 * Signed tokens in compact form (RFC 7515, 7519), RS256 and PS256.
 *
 * This folder knows the three parts and the signature, not JSON: whoever
 * checks a token reads header_json (alg, kid) and claims_json with its own
 * reader. The caller says which signature it is, so no header can choose a
 * weaker one.
 *
 * Tokens are secrets: the parsed form is wiped when it is done with.
 */
#ifndef CRYPTO_JWT_H
#define CRYPTO_JWT_H

#include "key.h"

/* Entra tokens with many groups reach some 10 kB; LOGIN7 allows little more. */
#define CRYPTO_JWT_MAX_BYTES (64 * 1024)

typedef struct crypto_jwt {
    char *header_json; /* NUL-terminated, strict UTF-8, without NUL inside */
    char *claims_json; /* the same */
    char *signed_text; /* "header.claims" as received */
    uint8_t *signature;
    size_t signature_len;
} crypto_jwt;

typedef enum crypto_jwt_algorithm {
    CRYPTO_RS256, /* RSASSA-PKCS1-v1_5 with SHA-256 */
    CRYPTO_PS256  /* RSASSA-PSS with SHA-256, MGF1 with SHA-256, salt of 32 bytes */
} crypto_jwt_algorithm;

/* "RS256", "PS256": the header's alg. */
const char *crypto_jwt_algorithm_name(crypto_jwt_algorithm algorithm);

/* Appends header.claims.signature for a header of the caller's, whose alg must be that one. */
entrasql_status crypto_jwt_sign_with(const crypto_key *key, crypto_jwt_algorithm algorithm,
                                     const char *header_json, const char *claims_json, es_buf *out,
                                     entrasql_error *err) ES_MUST_USE;

/* Appends header.claims.signature; the header holds typ, alg and the key's id. Give a wiping
 * buffer. */
entrasql_status crypto_jwt_sign(const crypto_key *key, const char *claims_json, es_buf *out,
                                entrasql_error *err) ES_MUST_USE;

/* Splits and decodes; checks no signature. MALFORMED or LIMIT. On success call crypto_jwt_done. */
entrasql_status crypto_jwt_parse(const char *token, size_t n, crypto_jwt *ret,
                                 entrasql_error *err) ES_MUST_USE;
void crypto_jwt_done(crypto_jwt *jwt);

/* OK when the signature of that kind is the key's, AUTH_FAILED when it is not. */
entrasql_status crypto_jwt_verify(const crypto_jwt *jwt, crypto_jwt_algorithm algorithm,
                                  const crypto_key *key, entrasql_error *err) ES_MUST_USE;
/* The same for RS256. */
entrasql_status crypto_jwt_verify_rs256(const crypto_jwt *jwt, const crypto_key *key,
                                        entrasql_error *err) ES_MUST_USE;

#endif
