/* SPDX-License-Identifier: MIT */
/*
 * RSA keys: making, PEM form, and the public numbers for a key list (JWKS).
 *
 * A key is immutable after creation and may be used by many threads at once;
 * its maker frees it. PEM text of private keys goes through wiping buffers;
 * nothing here touches files, its callers store the text with mode 0600.
 */
#ifndef CRYPTO_KEY_H
#define CRYPTO_KEY_H

#include "base/buf.h"
#include "base/error.h"

typedef struct crypto_key crypto_key;

#define CRYPTO_KEY_BITS 2048
/* Larger keys than this are refused on reading: they only cost time. */
#define CRYPTO_KEY_MAX_BITS 8192
/* A PEM text longer than this is not a key or certificate that we read. */
#define CRYPTO_PEM_MAX_BYTES (64 * 1024)

/* A new RSA key of CRYPTO_KEY_BITS. */
entrasql_status crypto_key_generate(crypto_key **ret, entrasql_error *err) ES_MUST_USE;
/* An unencrypted private key in PEM. MALFORMED, or UNSUPPORTED for anything but RSA of 2048 bits
 * up. */
entrasql_status crypto_key_from_pem(const char *pem, size_t n, crypto_key **ret,
                                    entrasql_error *err) ES_MUST_USE;
/* Appends PKCS#8 PEM; give a wiping buffer. */
entrasql_status crypto_key_to_pem(const crypto_key *key, es_buf *out,
                                  entrasql_error *err) ES_MUST_USE;
void crypto_key_free(crypto_key *key); /* NULL allowed */

/* base64url of SHA-256 over the public key's DER: a stable name for the key. Lives as long as it.
 */
const char *crypto_key_id(const crypto_key *key);
/* Modulus and exponent, big-endian without leading zeros, as base64url: "n" and "e" of a JWK. */
entrasql_status crypto_key_public_numbers(const crypto_key *key, es_buf *n, es_buf *e,
                                          entrasql_error *err) ES_MUST_USE;

#endif
