/* SPDX-License-Identifier: MIT */
/*
 * Signed tokens in compact form (RFC 7515, 7519), RS256 only.
 *
 * This folder knows the three parts and the signature, not JSON: whoever
 * checks a token reads header_json (alg, kid) and claims_json with its own
 * reader. The signature check is RS256 whatever the header says, so no header
 * can choose a weaker one.
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

/* Appends header.claims.signature; the header holds typ, alg and the key's id. Give a wiping
 * buffer. */
entrasql_status crypto_jwt_sign(const crypto_key *key, const char *claims_json, es_buf *out,
                                entrasql_error *err) ES_MUST_USE;

/* Splits and decodes; checks no signature. MALFORMED or LIMIT. On success call crypto_jwt_done. */
entrasql_status crypto_jwt_parse(const char *token, size_t n, crypto_jwt *ret,
                                 entrasql_error *err) ES_MUST_USE;
void crypto_jwt_done(crypto_jwt *jwt);

/* OK when the RS256 signature is the key's, AUTH_FAILED when it is not. */
entrasql_status crypto_jwt_verify_rs256(const crypto_jwt *jwt, const crypto_key *key,
                                        entrasql_error *err) ES_MUST_USE;

#endif
