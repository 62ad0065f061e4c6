/* SPDX-License-Identifier: MIT */
/*
 * What the session's user may do: fixed roles, GRANT and DENY on columns,
 * objects, schemas and the database, ownership of schemas. dbo may all; DENY
 * wins over everything else. Permissions are named as in GRANT, upper case.
 */
#ifndef ENGINE_PERMISSION_H
#define ENGINE_PERMISSION_H

#include "engine/internal.h"

bool engine_may_database(const engine_session *s, const char *permission);
bool engine_may_schema(const engine_session *s, const char *permission, int32_t schema);
/* The whole object, column rights left aside. */
bool engine_may_object(const engine_session *s, const char *permission, const engine_object *o);
bool engine_may_column(const engine_session *s, const char *permission, const engine_object *o,
                       int32_t column);
/* Anything at all that lets the user know that the object is there. */
bool engine_may_see(const engine_session *s, const engine_object *o);
/* GRANT, DENY and REVOKE of the permission. */
bool engine_may_grant(const engine_session *s, const char *permission, engine_class klass,
                      int32_t major);

/* The owner of an object is that of its schema. */
int32_t engine_owner_of(const engine_catalog *c, const engine_object *o);
bool engine_is_member(const engine_session *s, int32_t role);
/* Members of db_owner, and dbo. */
bool engine_is_owner(const engine_session *s);
/* True when `principal` belongs to `role`, also through other roles. */
bool engine_role_has(const engine_catalog *c, int32_t role, int32_t principal);

/* 229, or 230 for a column of which there is a rule of its own. */
entrasql_status engine_need_object(const engine_session *s, const char *permission,
                                   const engine_object *o, entrasql_error *err) ES_MUST_USE;
entrasql_status engine_need_columns(const engine_session *s, const char *permission,
                                    const engine_object *o, const int32_t *columns, size_t count,
                                    entrasql_error *err) ES_MUST_USE;
/* 262. */
entrasql_status engine_need_database(const engine_session *s, const char *permission,
                                     entrasql_error *err) ES_MUST_USE;

#endif
