/* SPDX-License-Identifier: MIT */
/*
 * UTF-8 and UTF-16LE, both ways and without loss.
 *
 * SQL Server's NVARCHAR may hold surrogates without a partner. They are kept
 * as three-byte sequences ("generalised UTF-8"), so that what a client stored
 * is what it gets back; es_utf8_is_valid() tells strict UTF-8 apart, for
 * everything that is shown to people or put into JSON.
 * Overlong forms, values past U+10FFFF and cut sequences are MALFORMED.
 */
#ifndef ES_BASE_UTF16_H
#define ES_BASE_UTF16_H

#include "buf.h"

/* How many UTF-16 code units the text takes. */
entrasql_status es_utf8_to_utf16_units(const char *utf8, size_t n, size_t *ret_units) ES_MUST_USE;
/* Converts text that es_utf8_to_utf16_units() accepted; dst has room for 2 bytes a unit. */
void es_utf8_to_utf16le(const char *utf8, size_t n, uint8_t *dst);
/* Appends UTF-16LE bytes as UTF-8. MALFORMED for an odd byte count. */
entrasql_status es_utf16le_to_utf8(const uint8_t *p, size_t bytes, es_buf *out) ES_MUST_USE;
/* The same as a new NUL-terminated string; an embedded U+0000 is MALFORMED. Free with es_free. */
entrasql_status es_utf16le_to_str(const uint8_t *p, size_t bytes, char **ret) ES_MUST_USE;

/* Strict UTF-8: no surrogates. */
bool es_utf8_is_valid(const char *s, size_t n);
/* Decodes one code point; returns its bytes, 0 when malformed. Accepts surrogates. */
size_t es_utf8_decode(const char *s, size_t n, uint32_t *ret);
/* Encodes one code point (surrogates too) into up to 4 bytes; returns the count. */
size_t es_utf8_encode(uint32_t c, char dst[4]);

#endif
