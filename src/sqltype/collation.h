/* SPDX-License-Identifier: MIT */
/*
 * The one collation that values are compared by: SQL_Latin1_General_CP1_CI_AS.
 * Case is ignored by Unicode's simple folding, accents count, blanks at the end
 * do not. Pure; any thread. Texts are generalised UTF-8 (base/utf16.h); bytes
 * that are not are compared as they are.
 */
#ifndef SQLTYPE_COLLATION_H
#define SQLTYPE_COLLATION_H

#include "base/buf.h"
#include "sqltype/type.h"

#define SQLCOLLATION_NAME "SQL_Latin1_General_CP1_CI_AS"
#define SQLCOLLATION_BYTES 5
/* As on the wire ([MS-TDS] 2.2.5.1.2): LCID and flags little-endian, then the sort id. */
extern const uint8_t sqlcollation_wire[SQLCOLLATION_BYTES];
/* Bit of the first four bytes: varchar is UTF-8. */
#define SQLCOLLATION_UTF8 0x04000000U

/* The simple case folding of one character (towards lower case). */
uint32_t sqlcollation_fold(uint32_t c);
uint32_t sqlcollation_upper(uint32_t c);
uint32_t sqlcollation_lower(uint32_t c);

/* Less than, equal to or greater than 0. */
int sqlcollation_compare(const char *a, size_t a_len, const char *b, size_t b_len);
/* The same with blanks at the end counting: for names in a catalog. */
bool sqlcollation_equal_names(const char *a, const char *b);
/* Equal texts have equal hashes. */
uint64_t sqlcollation_hash(const char *s, size_t n);
/* Appends the folded text without blanks at the end: byte-equal exactly when compare() gives 0. */
entrasql_status sqlcollation_key(const char *s, size_t n, es_buf *out) ES_MUST_USE;

#endif
