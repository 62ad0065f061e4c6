/* SPDX-License-Identifier: MIT */
/*
 * Patterns of LIKE and PATINDEX: % _ [a-z] [^x], an escape character, compared
 * by the default collation. Pure; any thread. The work is bounded by the
 * product of the two lengths.
 */
#ifndef ENGINE_LIKE_H
#define ENGINE_LIKE_H

#include "sqltype/value.h"

/* escape: 0 for none. Blanks at the end of the text may be left over. */
bool engine_like(const sqlvalue *text, const sqlvalue *pattern, uint32_t escape);
/* False when the value is not exactly one character. */
bool engine_like_escape(const sqlvalue *v, uint32_t *ret);
/* Whether the pattern fits the text's beginning at this byte, to its end. */
bool engine_like_at(const char *text, size_t n, const char *pattern, size_t pattern_n,
                    uint32_t escape);

#endif
