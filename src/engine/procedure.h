/* SPDX-License-Identifier: MIT */
/*
 * System procedures by name, as RPC and EXEC call them, and the prepared
 * statements of sp_prepare and kin.
 *
 * Results go to the session's output. Errors of the call itself (unknown
 * procedure, bad parameter) are returned; those of statements that it runs went
 * to the client already. CANCELLED and the sink's own statuses end the request.
 */
#ifndef ENGINE_PROCEDURE_H
#define ENGINE_PROCEDURE_H

#include "engine/internal.h"

typedef struct engine_procedure_call {
    const char *name;          /* without schema */
    const tsql_object *object; /* as it was written; NULL: a system procedure by number */
    const engine_param *params;
    size_t count;
    /* One value for each parameter that is OUTPUT, NULL of type unknown where nothing was set;
     * the caller gives room for `count` values and frees them. NULL: not wanted. */
    sqlvalue *outputs;
    int32_t return_status;
} engine_procedure_call;

/* 2812 when there is none of that name. */
entrasql_status engine_procedure_run(engine_session *s, engine_procedure_call *call,
                                     entrasql_error *err) ES_MUST_USE;

#endif
