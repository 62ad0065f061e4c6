/* SPDX-License-Identifier: MIT */
/* Small string helpers: ASCII case, numbers, GUIDs, safe printing. Locale plays no part. */
#ifndef ES_BASE_STR_H
#define ES_BASE_STR_H

#include "compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool es_streq(const char *a, const char *b);     /* NULL equals only NULL */
bool es_strcaseeq(const char *a, const char *b); /* ASCII case ignored */
bool es_strncaseeq(const char *a, const char *b, size_t n);
bool es_starts_with(const char *s, const char *prefix);
bool es_ends_with(const char *s, const char *suffix);
/* Whether the piece occurs in s, ASCII case ignored. */
bool es_str_holds(const char *s, const char *piece);
bool es_str_is_empty(const char *s); /* NULL counts as empty */
/*
 * The next piece of "a|b|c", and its length; NULL behind the last. *list moves on, to NULL at the
 * end; NULL and "" have none.
 */
const char *es_piece_next(const char **list, size_t *ret_n);
char es_ascii_lower(char c);
char es_ascii_upper(char c);
bool es_is_space(char c); /* blank, \t \n \v \f \r */
bool es_is_digit(char c);

/* Decimal digits only, no sign, no blanks; LIMIT when it passes max. */
entrasql_status es_parse_u64(const char *s, size_t n, uint64_t max, uint64_t *ret) ES_MUST_USE;
/* With an optional sign. */
entrasql_status es_parse_i64(const char *s, size_t n, int64_t *ret) ES_MUST_USE;

#define ES_GUID_TEXT_SIZE 37
/*
 * "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx" of either case to and from the 16
 * wire bytes of SQL Server (the first three groups little-endian).
 */
entrasql_status es_guid_parse(const char *s, uint8_t ret[16]) ES_MUST_USE;
void es_guid_format(const uint8_t guid[16], char ret[ES_GUID_TEXT_SIZE]); /* lower case */

/* Copies as much as fits, always NUL-terminated, cut at a UTF-8 character border. */
void es_strlcpy_utf8(char *dst, size_t size, const char *src);
/* Cuts a sequence at the end of s that a size limit has broken. */
void es_utf8_trim_end(char *s);
/* Foreign text for a message: control characters and bad UTF-8 become '?', at most size - 1 bytes.
 */
void es_printable(char *dst, size_t size, const char *src, size_t n);

#endif
