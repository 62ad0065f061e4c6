/* SPDX-License-Identifier: MIT */
/* Membership in roles, for the statements (run.h) and the old procedures alike. */
#ifndef ENGINE_RUN_SECURITY_H
#define ENGINE_RUN_SECURITY_H

#include "engine/internal.h"

/* Inside a writing unit (tran.h) that the caller began; the catalog is up to date then. */
entrasql_status engine_change_member(engine_session *s, const char *role, const char *member,
                                     bool add, entrasql_error *err) ES_MUST_USE;

#endif
