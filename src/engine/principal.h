/* SPDX-License-Identifier: MIT */
/* From a login to a database user, its roles, and EXECUTE AS. */
#ifndef ENGINE_PRINCIPAL_H
#define ENGINE_PRINCIPAL_H

#include "engine/internal.h"

/* Copies what the login says; no user yet. */
entrasql_status engine_who_init(engine_who *who, const engine_login *login,
                                entrasql_error *err) ES_MUST_USE;
void engine_who_done(engine_who *who);
/* Finds the user of the login in the session's catalog: LOGIN_FAILED 18456 when there is none. */
entrasql_status engine_who_enter(engine_session *s, const engine_login *login,
                                 entrasql_error *err) ES_MUST_USE;
/* Works the roles out again, after a change of the catalog or the user. */
entrasql_status engine_who_refresh(engine_session *s, entrasql_error *err) ES_MUST_USE;
/* EXECUTE AS USER. 15517 when there is no such user. */
entrasql_status engine_who_become(engine_session *s, const char *user,
                                  entrasql_error *err) ES_MUST_USE;
/* The schema of unqualified names. */
int32_t engine_who_default_schema(const engine_session *s);

#endif
