/* SPDX-License-Identifier: MIT */
/*
 * Filling the caller-owned error record. Nothing here allocates.
 *
 * Each call accepts err == NULL and returns the status it was given, so that a
 * failure is one line: return es_fail(err, ENTRASQL_MALFORMED, "...").
 * Never pass a secret as an argument.
 */
#ifndef ES_BASE_ERROR_H
#define ES_BASE_ERROR_H

#include "compiler.h"

#include <stdarg.h>

/* Clears *err and sets status, class and message. */
entrasql_status es_fail(entrasql_error *err, entrasql_status status, const char *fmt, ...)
    ES_PRINTF(3, 4);
entrasql_status es_failv(entrasql_error *err, entrasql_status status, const char *fmt, va_list ap)
    ES_PRINTF(3, 0);

/* As es_fail, with os_errno set and ": strerror" appended. */
entrasql_status es_fail_errno(entrasql_error *err, int os_errno, const char *fmt, ...)
    ES_PRINTF(3, 4);

/* Out of memory; a message of its own. */
entrasql_status es_nomem(entrasql_error *err);

#ifdef __clang_analyzer__
/* The analyser does not look into other files: it has to be told that these never return OK. */
#define es_fail(err, status, ...) ((void)(es_fail)(err, status, __VA_ARGS__), (status))
#define es_fail_errno(err, ...) ((void)(es_fail_errno)(err, __VA_ARGS__), ENTRASQL_OS)
#define es_nomem(err) ((void)(es_nomem)(err), ENTRASQL_NOMEM)
#endif

/* Sets the hint ("what to do next") of an error that was just filled. */
void es_hint(entrasql_error *err, const char *fmt, ...) ES_PRINTF(2, 3);

/* Puts "prefix: " before the message, for adding the place on the way up. */
void es_error_prefix(entrasql_error *err, const char *fmt, ...) ES_PRINTF(2, 3);

/* Makes *err an empty success record. */
void es_error_clear(entrasql_error *err);

#endif
