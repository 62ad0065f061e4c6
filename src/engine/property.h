/* SPDX-License-Identifier: MIT */
/*
 * Extended properties: the levels by which a schema, an object and its column
 * are named in them. The rows are the catalog's.
 */
#ifndef ENGINE_PROPERTY_H
#define ENGINE_PROPERTY_H

#include "engine/procedure.h"

enum { ENGINE_PROPERTY_LEVELS = 3 };

/* Level 0 is a schema, 1 an object in it, 2 a column or constraint. */
typedef struct engine_property_path {
    const char *types[ENGINE_PROPERTY_LEVELS]; /* "SCHEMA", "TABLE", "COLUMN" */
    const char *names[ENGINE_PROPERTY_LEVELS];
    size_t depth; /* 0: the database */
} engine_property_path;

/* Where the property hangs; false when the session may not see it. Names are the catalog's. */
bool engine_property_path_of(const engine_session *s, const engine_property *p,
                             engine_property_path *ret);
/* The old word USER for a schema. */
bool engine_property_is_schema(const char *type);

entrasql_status engine_sp_addextendedproperty(engine_session *s, engine_procedure_call *call,
                                              entrasql_error *err) ES_MUST_USE;
entrasql_status engine_sp_updateextendedproperty(engine_session *s, engine_procedure_call *call,
                                                 entrasql_error *err) ES_MUST_USE;
entrasql_status engine_sp_dropextendedproperty(engine_session *s, engine_procedure_call *call,
                                               entrasql_error *err) ES_MUST_USE;

#endif
