/* SPDX-License-Identifier: MIT */
/* SQL Server's errors by number. Pure; any thread. */
#ifndef ENGINE_ERROR_H
#define ENGINE_ERROR_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * SQL_ERROR with the number, its severity from SQL Server's list, the state and
 * the text. The line is 0: the statement that fails puts its own in.
 */
entrasql_status engine_error(entrasql_error *err, uint32_t number, uint8_t state, const char *fmt,
                             ...) ES_PRINTF(4, 5);

/* 40510 with a hint: the emulator does not have this. */
entrasql_status engine_unsupported(entrasql_error *err, const char *what);

#ifdef __clang_analyzer__
/* As in base/error.h: the analyser has to be told that these never return OK. */
#define engine_error(err, number, state, ...)                                                      \
    ((void)(engine_error)(err, number, state, __VA_ARGS__), ENTRASQL_SQL_ERROR)
#define engine_unsupported(err, what) ((void)(engine_unsupported)(err, what), ENTRASQL_SQL_ERROR)
#endif

/* Class of an error number. */
uint8_t engine_error_severity(uint32_t number);

/* What the statement's failure does to the batch and the transaction, XACT_ABORT being off. */
typedef enum engine_error_effect {
    ENGINE_EFFECT_STATEMENT, /* the statement ends, the batch goes on */
    ENGINE_EFFECT_BATCH,     /* the batch ends */
    ENGINE_EFFECT_ROLLBACK   /* the batch ends and the transaction is rolled back */
} engine_error_effect;

engine_error_effect engine_error_effect_of(uint32_t number);
/* True for errors after which SQL Server adds 3621, "The statement has been terminated." */
bool engine_error_terminates(uint32_t number);
/* True for an object that is missing: the statement is compiled when its turn comes. */
bool engine_error_is_deferred(uint32_t number);
/* True for what only the compiler finds. TRY of the same text does not catch it. */
bool engine_error_is_compiler(uint32_t number);

#endif
