/* SPDX-License-Identifier: MIT */
/* System procedures that change something: sp_rename, application locks, reset. */
#ifndef ENGINE_PROCS_ADMIN_H
#define ENGINE_PROCS_ADMIN_H

#include "engine/procedure.h"

entrasql_status engine_sp_rename(engine_session *s, engine_procedure_call *call,
                                 entrasql_error *err) ES_MUST_USE;
entrasql_status engine_sp_getapplock(engine_session *s, engine_procedure_call *call,
                                     entrasql_error *err) ES_MUST_USE;
entrasql_status engine_sp_releaseapplock(engine_session *s, engine_procedure_call *call,
                                         entrasql_error *err) ES_MUST_USE;

#endif
