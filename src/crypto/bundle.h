/* SPDX-License-Identifier: MIT */
/*
 * A client certificate: an RSA key with the certificate that belongs to it
 * and the issuers that came along, from PEM (keys as PKCS#8, plain or
 * encrypted, or PKCS#1) or PKCS#12 (with whatever MAC and ciphers OpenSSL has, those of
 * old Windows exports included where its legacy module is installed).
 *
 * Immutable after reading; any thread. The key's bytes are OpenSSL's, which
 * zeroes them when the bundle is freed.
 */
#ifndef CRYPTO_BUNDLE_H
#define CRYPTO_BUNDLE_H

#include "cert.h"
#include "digest.h"
#include "key.h"

#define CRYPTO_BUNDLE_MAX_BYTES (1024 * 1024)
/* Certificates beyond this are not part of anybody's chain. */
#define CRYPTO_BUNDLE_MAX_CERTS 16

typedef struct crypto_bundle crypto_bundle;

/*
 * Text with a PEM header is PEM, all else PKCS#12. password NULL: none. MALFORMED: neither, or
 * without certificate or key, or several keys, or no certificate belongs to the key.
 * AUTH_FAILED: the password is missing or wrong. UNSUPPORTED: not RSA of 2048 bits up, or
 * ciphers that OpenSSL here does not have. LIMIT, NOMEM.
 */
entrasql_status crypto_bundle_read(const void *p, size_t n, const char *password,
                                   crypto_bundle **ret, entrasql_error *err) ES_MUST_USE;
void crypto_bundle_free(crypto_bundle *b); /* NULL allowed */

const crypto_key *crypto_bundle_key(const crypto_bundle *b);
/* 0 is the certificate of the key, then its issuer and so on. NULL past the end. */
const crypto_cert *crypto_bundle_cert(const crypto_bundle *b, size_t i);

#endif
