/* SPDX-License-Identifier: MIT */
/* What the catalog views have in common. */
#include "engine/views_sys.h"

entrasql_status engine_view_empty(engine_rows *rows)
{
    return engine_rows_status(rows);
}

bool engine_object_has_columns(const engine_object *o)
{
    return o->type == ENGINE_OBJECT_TABLE || o->type == ENGINE_OBJECT_VIEW;
}

const char *engine_schema_name(const engine_catalog *c, int32_t schema)
{
    const engine_schema *found = engine_catalog_schema_by_id(c, schema);
    return found != NULL ? found->name : "";
}
