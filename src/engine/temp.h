/* SPDX-License-Identifier: MIT */
/*
 * Temporary tables (#t) and table variables (@t): described in the session,
 * stored in SQLite's temp schema of the connection. They have no permissions.
 */
#ifndef ENGINE_TEMP_H
#define ENGINE_TEMP_H

#include "engine/internal.h"

/* NULL: none. */
const engine_object *engine_temp_find(engine_session *s, const char *name);
/* True when the object is one of the session's own tables. */
bool engine_temp_is(const engine_session *s, const engine_object *o);
/* "temp.x12" for a temporary table, "t123" for one of the catalog; lives in dst. */
const char *engine_table_name(const engine_session *s, const engine_object *o, char *dst,
                              size_t size);
/* Takes over the description. */
entrasql_status engine_temp_add(engine_session *s, engine_object *object,
                                entrasql_error *err) ES_MUST_USE;
entrasql_status engine_temp_drop(engine_session *s, const engine_object *object,
                                 entrasql_error *err) ES_MUST_USE;
/* Drops those made after the first `keep`. */
void engine_temp_drop_from(engine_session *s, size_t keep);
/* The transaction was rolled back, and with it what it had made. */
void engine_temp_forget_transaction(engine_session *s, uint64_t transaction);
void engine_temp_drop_all(engine_session *s);
void engine_object_free(engine_object *o); /* of a description of its own */

#endif
