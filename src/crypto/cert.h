/* SPDX-License-Identifier: MIT */
/*
 * The certificates of a loopback service: an authority that can vouch for
 * nothing but localhost, 127.0.0.1 and ::1 (critical name constraints, server
 * authentication only), and leaves for exactly these names.
 *
 * A certificate is immutable and may be shared by threads; its maker frees it.
 */
#ifndef CRYPTO_CERT_H
#define CRYPTO_CERT_H

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
/* The first certificate of a PEM text. */
entrasql_status crypto_cert_from_pem(const char *pem, size_t n, crypto_cert **ret,
                                     entrasql_error *err) ES_MUST_USE;
entrasql_status crypto_cert_to_pem(const crypto_cert *cert, es_buf *out,
                                   entrasql_error *err) ES_MUST_USE;
void crypto_cert_free(crypto_cert *cert); /* NULL allowed */

/* Seconds since 1970; 0 when the certificate's date cannot be read. */
int64_t crypto_cert_not_after(const crypto_cert *cert);
bool crypto_cert_matches_key(const crypto_cert *cert, const crypto_key *key);
/* Whether the authority signed it. */
bool crypto_cert_is_issued_by(const crypto_cert *cert, const crypto_cert *authority);

#endif
