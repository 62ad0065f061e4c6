/* SPDX-License-Identifier: MIT */
/*
 * Windows code page 1252, in which char, varchar and text travel, to and from
 * UTF-8. Pure; any thread.
 */
#ifndef SQLTYPE_CP1252_H
#define SQLTYPE_CP1252_H

#include "base/buf.h"

/* '?' for what the code page does not have. */
uint8_t sqlcp1252_from_char(uint32_t c);
/* The five bytes without a character give U+0081 and so on, as Windows does. */
uint32_t sqlcp1252_to_char(uint8_t byte);
/* Appends the bytes of a text; a character outside the basic plane gives "??", as SQL Server. */
entrasql_status sqlcp1252_encode(const char *utf8, size_t n, es_buf *out) ES_MUST_USE;
entrasql_status sqlcp1252_decode(const uint8_t *p, size_t n, es_buf *out) ES_MUST_USE;
/* How many bytes encode() would append. */
size_t sqlcp1252_length(const char *utf8, size_t n);

#endif
