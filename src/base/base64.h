/* SPDX-License-Identifier: MIT */
/*
 * Base64 and base64url (RFC 4648), and hexadecimal. Strict: no white space, no stray
 * bits in the last character; padding as the alphabet asks (none in base64url).
 */
#ifndef ES_BASE_BASE64_H
#define ES_BASE_BASE64_H

#include "buf.h"

entrasql_status es_base64_encode(const void *p, size_t n, es_buf *out) ES_MUST_USE;
entrasql_status es_base64_decode(const char *s, size_t n, es_buf *out) ES_MUST_USE;
entrasql_status es_base64url_encode(const void *p, size_t n, es_buf *out) ES_MUST_USE;
entrasql_status es_base64url_decode(const char *s, size_t n, es_buf *out) ES_MUST_USE;

/* Lower-case hexadecimal; dst takes 2n + 1 bytes. */
void es_hex_encode(const void *p, size_t n, char *dst);
/* Exactly 2n hexadecimal digits of either case into n bytes. */
entrasql_status es_hex_decode(const char *s, size_t digits, uint8_t *dst) ES_MUST_USE;

#endif
