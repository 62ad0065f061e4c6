/* SPDX-License-Identifier: MIT */
/*
 * Encrypted texts in compact form (RFC 7516): direct encryption with A128CBC-HS256 (RFC
 * 7518 5.2.3), as azidentity/cache for Go keeps token caches. Like that one, and unlike the RFC,
 * the header is not part of what is authenticated: nothing in it is relied on.
 *
 * This folder knows no JSON: the header is handed out as text for the caller's reader.
 */
#ifndef CRYPTO_JWE_H
#define CRYPTO_JWE_H

#include "base/buf.h"
#include "base/error.h"

#define CRYPTO_JWE_KEY_SIZE 32
#define CRYPTO_JWE_ALG "dir"
#define CRYPTO_JWE_ENC "A128CBC-HS256"
#define CRYPTO_JWE_MAX_BYTES (8 * 1024 * 1024)

/* Appends the text. kid goes into the header as it is: digits. INTERNAL, LIMIT, NOMEM. */
entrasql_status crypto_jwe_encrypt(const uint8_t key[CRYPTO_JWE_KEY_SIZE], const char *kid,
                                   const void *p, size_t n, es_buf *out) ES_MUST_USE;

/* The header's JSON text, appended. MALFORMED: not five parts, or an encrypted key is there. */
entrasql_status crypto_jwe_header(const char *text, size_t n, es_buf *ret_header) ES_MUST_USE;
/*
 * Appends the content; give a wiping buffer. AUTH_FAILED: another key, or changed by somebody; the
 * buffer is then as it was. MALFORMED, LIMIT, NOMEM, INTERNAL.
 */
entrasql_status crypto_jwe_decrypt(const uint8_t key[CRYPTO_JWE_KEY_SIZE], const char *text,
                                   size_t n, es_buf *out) ES_MUST_USE;

#endif
