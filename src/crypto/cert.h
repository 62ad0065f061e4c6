/* SPDX-License-Identifier: MIT */
/*
 * Certificates. Those of a loopback service: an authority that can vouch for
 * nothing but localhost, 127.0.0.1 and ::1 (critical name constraints, server
 * authentication only), and leaves for exactly these names. And those of clients that
 * sign assertions: what tokens say of them, and checking with them.
 *
 * A certificate is immutable and may be shared by threads; its maker frees it.
 */
#ifndef CRYPTO_CERT_H
#define CRYPTO_CERT_H

#include "digest.h"
#include "key.h"

typedef struct crypto_cert crypto_cert;

/* A self-signed authority, valid from an hour ago for so many days; serial number and name random.
 */
entrasql_status crypto_cert_new_authority(const crypto_key *key, unsigned days, crypto_cert **ret,
                                          entrasql_error *err) ES_MUST_USE;
/* A server certificate for localhost, 127.0.0.1 and ::1. */
entrasql_status crypto_cert_new_localhost(const crypto_cert *authority,
                                          const crypto_key *authority_key, const crypto_key *key,
                                          unsigned days, crypto_cert **ret,
                                          entrasql_error *err) ES_MUST_USE;
/*
 * The same for a service with names of its own: host names and addresses, at most
 * CRYPTO_CERT_HOSTS_MAX. owner is in both certificates. INVALID, naming it, for what is neither
 * name nor address.
 */
#define CRYPTO_CERT_HOSTS_MAX 32
typedef struct crypto_cert_service {
    const char *owner; /* "entrasql proxy" */
    const char *const *hosts;
    size_t host_count;
    unsigned days;
} crypto_cert_service;
entrasql_status crypto_cert_new_service_authority(const crypto_cert_service *service,
                                                  const crypto_key *key, crypto_cert **ret,
                                                  entrasql_error *err) ES_MUST_USE;
entrasql_status crypto_cert_new_service(const crypto_cert_service *service,
                                        const crypto_cert *authority,
                                        const crypto_key *authority_key, const crypto_key *key,
                                        crypto_cert **ret, entrasql_error *err) ES_MUST_USE;
/* The first certificate of a PEM text. */
entrasql_status crypto_cert_from_pem(const char *pem, size_t n, crypto_cert **ret,
                                     entrasql_error *err) ES_MUST_USE;
entrasql_status crypto_cert_to_pem(const crypto_cert *cert, es_buf *out,
                                   entrasql_error *err) ES_MUST_USE;
void crypto_cert_free(crypto_cert *cert); /* NULL allowed */

/* The certificate's DER, as x5c of a token's header has it: standard base64. */
entrasql_status crypto_cert_to_base64(const crypto_cert *cert, es_buf *out,
                                      entrasql_error *err) ES_MUST_USE;
/* Digests of the DER, by which others name a certificate (x5t and x5t#S256). INTERNAL. */
entrasql_status crypto_cert_sha1(const crypto_cert *cert,
                                 uint8_t ret[CRYPTO_SHA1_SIZE]) ES_MUST_USE;
entrasql_status crypto_cert_sha256(const crypto_cert *cert,
                                   uint8_t ret[CRYPTO_SHA256_SIZE]) ES_MUST_USE;
/* The public key of it, for checking signatures. UNSUPPORTED as for other keys. */
entrasql_status crypto_cert_public_key(const crypto_cert *cert, crypto_key **ret,
                                       entrasql_error *err) ES_MUST_USE;
/* A certificate for signing assertions, self-signed, of that common name. */
entrasql_status crypto_cert_new_client(const crypto_key *key, const char *name, unsigned days,
                                       crypto_cert **ret, entrasql_error *err) ES_MUST_USE;

/* Seconds since 1970; 0 when the certificate's date cannot be read. */
int64_t crypto_cert_not_after(const crypto_cert *cert);
bool crypto_cert_matches_key(const crypto_cert *cert, const crypto_key *key);
/* Whether the authority signed it. */
bool crypto_cert_is_issued_by(const crypto_cert *cert, const crypto_cert *authority);

#endif
