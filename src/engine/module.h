/* SPDX-License-Identifier: MIT */
/*
 * Procedures of the catalog: their text is parsed at each call and run in a
 * frame of its own. Results go to the session's output; errors of statements
 * inside were told to the client, the others are returned.
 */
#ifndef ENGINE_MODULE_H
#define ENGINE_MODULE_H

#include "engine/procedure.h"

/* *ret_found stays false when there is no procedure of call->object's name. 229. */
entrasql_status engine_module_call(engine_session *s, engine_procedure_call *call, bool *ret_found,
                                   entrasql_error *err) ES_MUST_USE;
/* The parameter's default as its type has it; NULL when none was written. */
entrasql_status engine_module_default(const tsql_param *param, sqltype type, sqlvalue *ret,
                                      entrasql_error *err) ES_MUST_USE;

/*
 * The parameters that a routine's stored text declares. They belong to the batch, which the caller
 * frees; both are NULL when there is no text, or it cannot be read.
 */
entrasql_status engine_module_params(const engine_object *o, tsql_batch **ret_batch,
                                     const tsql_params **ret) ES_MUST_USE;

#endif
