/* SPDX-License-Identifier: MIT */
/*
 * Digests over bytes in memory. Pure; any thread. INTERNAL when the crypto
 * library fails, which it does only without memory.
 */
#ifndef CRYPTO_DIGEST_H
#define CRYPTO_DIGEST_H

#include "base/compiler.h"

#define CRYPTO_SHA256_SIZE 32
#define CRYPTO_SHA1_SIZE 20

entrasql_status crypto_sha256(const void *p, size_t n, uint8_t ret[CRYPTO_SHA256_SIZE]) ES_MUST_USE;
/* For names and thumbprints that others have fixed; never for a new design. */
entrasql_status crypto_sha1(const void *p, size_t n, uint8_t ret[CRYPTO_SHA1_SIZE]) ES_MUST_USE;
entrasql_status crypto_hmac_sha256(const void *key, size_t key_len, const void *p, size_t n,
                                   uint8_t ret[CRYPTO_SHA256_SIZE]) ES_MUST_USE;
/* What is kept in a password's place: PBKDF2 with HMAC-SHA-256 (RFC 8018, 5.2). Slow on purpose. */
entrasql_status crypto_pbkdf2_sha256(const void *password, size_t n, const void *salt,
                                     size_t salt_len, uint32_t iterations,
                                     uint8_t ret[CRYPTO_SHA256_SIZE]) ES_MUST_USE;

#endif
