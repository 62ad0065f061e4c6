/* SPDX-License-Identifier: MIT */
/*
 * Attributes and the project's only two control-flow macros.
 */
#ifndef ES_BASE_COMPILER_H
#define ES_BASE_COMPILER_H

#include <entrasql/status.h>

#define ES_MUST_USE __attribute__((warn_unused_result))
#define ES_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#define ES_NORETURN __attribute__((noreturn))
#define ES_UNUSED __attribute__((unused))

/* Runs fn(&variable) when the variable leaves its scope. */
#define ES_CLEANUP(fn) __attribute__((cleanup(fn)))

/* Returns a failing status from the calling function. */
#define ES_TRY(expr)                                                                               \
    do {                                                                                           \
        entrasql_status es_try_status_ = (expr);                                                   \
        if (es_try_status_ != ENTRASQL_OK)                                                         \
            return es_try_status_;                                                                 \
    } while (0)

#define ES_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif
