/* SPDX-License-Identifier: MIT */
/* System table functions, and the old names sysobjects and syscomments. */
#include "base/str.h"
#include "engine/bind.h"
#include "engine/permission.h"
#include "engine/principal.h"
#include "engine/views_sys.h"

#include <string.h>

/* ---- STRING_SPLIT(text, separator [, with ordinals]) ---- */

static const engine_view_column split_columns[] = {
    {"value", "nvarchar(max)", true},
    {"ordinal", "bigint", true},
};

static entrasql_status fill_split(engine_rows *r)
{
    if (r->arg_count < 2 || r->args[0].is_null || r->args[1].is_null || r->args[1].u.s.len == 0)
        return engine_rows_status(r);
    const char *text = r->args[0].u.s.data;
    size_t left = r->args[0].u.s.len;
    const char *separator = r->args[1].u.s.data;
    size_t separator_len = r->args[1].u.s.len;
    for (int64_t ordinal = 1;; ordinal++) {
        const char *end = memmem(text, left, separator, separator_len);
        size_t n = end != NULL ? (size_t)(end - text) : left;
        sqlvalue piece = sqlvalue_nvarchar(text, n);
        engine_row_value(r, &piece);
        engine_row_int(r, ordinal);
        if (end == NULL)
            return engine_rows_status(r);
        text += n + separator_len;
        left -= n + separator_len;
    }
}

/* ---- fn_my_permissions(securable, class) ---- */

static const engine_view_column permission_columns[] = {
    {"entity_name", "sysname", true},
    {"subentity_name", "sysname", true},
    {"permission_name", "nvarchar(60)", true},
};

static const char *const database_permissions[] = {
    "CONNECT",        "CREATE TABLE",    "CREATE VIEW", "CREATE PROCEDURE", "CREATE SCHEMA",
    "CREATE ROLE",    "VIEW DEFINITION", "SELECT",      "INSERT",           "UPDATE",
    "DELETE",         "EXECUTE",         "REFERENCES",  "ALTER ANY SCHEMA", "ALTER ANY USER",
    "ALTER ANY ROLE", "ALTER",           "CONTROL",
};

static const char *const object_permissions[] = {
    "SELECT",     "INSERT",          "UPDATE", "DELETE",  "EXECUTE",
    "REFERENCES", "VIEW DEFINITION", "ALTER",  "CONTROL",
};

static void row_permission(engine_rows *r, const char *entity, const char *permission)
{
    engine_row_text(r, entity);
    engine_row_text(r, "");
    engine_row_text(r, permission);
}

static const char *arg_text(const engine_rows *r, size_t i)
{
    return i < r->arg_count && !r->args[i].is_null ? r->args[i].u.s.data : NULL;
}

/* "schema.name" or "name" with or without brackets. */
static const engine_object *object_by_text(engine_rows *r, const char *text)
{
    tsql_batch *batch = NULL;
    const tsql_object *name;
    entrasql_status status = tsql_parse_object(text, strlen(text), &batch, &name, NULL);
    if (status == ENTRASQL_NOMEM)
        r->status = status;
    if (status != ENTRASQL_OK)
        return NULL;
    int32_t schema = engine_who_default_schema(r->s);
    if (!es_str_is_empty(name->schema.text)) {
        const engine_schema *found = engine_catalog_schema(r->s->catalog, name->schema.text);
        schema = found != NULL ? found->id : 0;
    }
    const engine_object *o = engine_catalog_object(r->s->catalog, schema, name->name.text);
    tsql_batch_free(batch);
    return o;
}

static entrasql_status fill_permissions(engine_rows *r)
{
    const char *securable = arg_text(r, 0);
    const char *klass = arg_text(r, 1);
    if (klass != NULL && es_strcaseeq(klass, "DATABASE")) {
        for (size_t i = 0; i < ES_COUNT_OF(database_permissions); i++) {
            if (engine_may_database(r->s, database_permissions[i]))
                row_permission(r, "database", database_permissions[i]);
        }
        return engine_rows_status(r);
    }
    if (securable == NULL || klass == NULL)
        return engine_rows_status(r);
    bool is_schema = es_strcaseeq(klass, "SCHEMA");
    const engine_schema *schema = is_schema ? engine_find_schema(r->s, securable) : NULL;
    const engine_object *o = es_strcaseeq(klass, "OBJECT") ? object_by_text(r, securable) : NULL;
    for (size_t i = 0; i < ES_COUNT_OF(object_permissions); i++) {
        const char *permission = object_permissions[i];
        if ((o != NULL && engine_may_object(r->s, permission, o)) ||
            (schema != NULL && engine_may_schema(r->s, permission, schema->id)))
            row_permission(r, securable, permission);
    }
    return engine_rows_status(r);
}

/* ---- sysobjects, syscomments ---- */

static const engine_view_column sysobject_columns[] = {
    {"name", "sysname", false}, {"id", "int", false},           {"xtype", "char(2)", false},
    {"uid", "smallint", true},  {"parent_obj", "int", false},   {"crdate", "datetime", false},
    {"type", "char(2)", true},  {"refdate", "datetime", false},
};

static entrasql_status fill_sysobjects(engine_rows *r)
{
    for (size_t i = 0; i < r->s->catalog->object_count; i++) {
        const engine_object *o = &r->s->catalog->objects[i];
        if (!engine_may_see(r->s, o))
            continue;
        const char *code = engine_object_code(o->type);
        const char padded[3] = {code[0], code[1] != '\0' ? code[1] : ' ', '\0'};
        engine_row_text(r, o->name);
        engine_row_int(r, o->id);
        engine_row_text(r, padded);
        engine_row_int(r, o->schema);
        engine_row_int(r, o->parent);
        engine_row_ticks(r, o->created);
        /* the old letter of primary keys and unique constraints is K */
        bool key = o->type == ENGINE_OBJECT_PRIMARY || o->type == ENGINE_OBJECT_UNIQUE;
        engine_row_text(r, key ? "K " : padded);
        engine_row_ticks(r, o->created);
    }
    return engine_rows_status(r);
}

static const engine_view_column syscomment_columns[] = {
    {"id", "int", false},
    {"number", "smallint", true},
    {"colid", "smallint", false},
    {"text", "nvarchar(4000)", true},
};

static entrasql_status fill_syscomments(engine_rows *r)
{
    for (size_t i = 0; i < r->s->catalog->object_count; i++) {
        const engine_object *o = &r->s->catalog->objects[i];
        if (o->definition == NULL || !engine_may_see(r->s, o))
            continue;
        engine_row_int(r, o->id);
        engine_row_int(r, o->type == ENGINE_OBJECT_PROCEDURE ? 1 : 0);
        engine_row_int(r, 1);
        engine_row_text(r, o->definition);
    }
    return engine_rows_status(r);
}

/* ---- the list ---- */

static const engine_view views[] = {
    ENGINE_TABLE_FUNCTION("STRING_SPLIT", split_columns, 3, fill_split),
    ENGINE_TABLE_FUNCTION("fn_my_permissions", permission_columns, 2, fill_permissions),
    ENGINE_VIEW("sys", "sysobjects", sysobject_columns, fill_sysobjects),
    ENGINE_VIEW("sys", "syscomments", syscomment_columns, fill_syscomments),
};

const engine_views engine_views_functions = {views, ES_COUNT_OF(views)};
