/* SPDX-License-Identifier: MIT */
/* sys.extended_properties and fn_listextendedproperty. */
#include "base/str.h"
#include "engine/permission.h"
#include "engine/property.h"
#include "engine/views_sys.h"
#include "sqltype/collation.h"

/* ---- where a property hangs ---- */

static void add_level(engine_property_path *path, const char *type, const char *name)
{
    path->types[path->depth] = type;
    path->names[path->depth++] = name;
}

static const char *object_word(const engine_object *o)
{
    if (o->type == ENGINE_OBJECT_TABLE)
        return "TABLE";
    return o->type == ENGINE_OBJECT_VIEW ? "VIEW" : "PROCEDURE";
}

bool engine_property_path_of(const engine_session *s, const engine_property *p,
                             engine_property_path *ret)
{
    *ret = (engine_property_path){0};
    if (p->klass == ENGINE_CLASS_DATABASE)
        return true;
    if (p->klass == ENGINE_CLASS_SCHEMA) {
        add_level(ret, "SCHEMA", engine_schema_name(s->catalog, p->major));
        return true;
    }
    const engine_object *o = engine_catalog_object_by_id(s->catalog, p->major);
    if (o == NULL || !engine_may_see(s, o))
        return false;
    const engine_object *owner =
        o->parent != 0 ? engine_catalog_object_by_id(s->catalog, o->parent) : o;
    const engine_table_column *column =
        p->minor != 0 ? engine_object_column_by_id(o, p->minor) : NULL;
    if (owner == NULL || (p->minor != 0 && column == NULL))
        return false;
    add_level(ret, "SCHEMA", engine_schema_name(s->catalog, o->schema));
    add_level(ret, object_word(owner), owner->name);
    if (column != NULL)
        add_level(ret, "COLUMN", column->name);
    else if (owner != o)
        add_level(ret, "CONSTRAINT", o->name);
    return true;
}

bool engine_property_is_schema(const char *type)
{
    return es_strcaseeq(type, "SCHEMA") || es_strcaseeq(type, "USER");
}

/* ---- sys.extended_properties ---- */

static const engine_view_column property_columns[] = {
    {"class", "tinyint", false}, {"class_desc", "nvarchar(60)", true},
    {"major_id", "int", false},  {"minor_id", "int", false},
    {"name", "sysname", false},  {"value", "nvarchar(3750)", true},
};

static const char *class_word(engine_class klass)
{
    if (klass == ENGINE_CLASS_DATABASE)
        return "DATABASE";
    return klass == ENGINE_CLASS_SCHEMA ? "SCHEMA" : "OBJECT_OR_COLUMN";
}

static entrasql_status fill_properties(engine_rows *r)
{
    const engine_catalog *c = r->s->catalog;
    engine_property_path path;
    for (size_t i = 0; i < c->property_count; i++) {
        const engine_property *p = &c->properties[i];
        if (!engine_property_path_of(r->s, p, &path))
            continue;
        engine_row_int(r, (int64_t)p->klass);
        engine_row_text(r, class_word(p->klass));
        engine_row_int(r, p->major);
        engine_row_int(r, p->minor);
        engine_row_text(r, p->name);
        engine_row_text(r, p->value);
    }
    return engine_rows_status(r);
}

/* ---- fn_listextendedproperty(name, type and name of each level) ---- */

static const engine_view_column list_columns[] = {
    {"objtype", "sysname", true},
    {"objname", "sysname", true},
    {"name", "sysname", false},
    {"value", "nvarchar(3750)", true},
};

enum { LIST_ARGS = 1 + 2 * ENGINE_PROPERTY_LEVELS };

static const char *arg_text(const engine_rows *r, size_t i)
{
    return i < r->arg_count && !r->args[i].is_null ? r->args[i].u.s.data : NULL;
}

/* Only the name of the innermost level may be left out: all of the kind then. */
static bool fits(const engine_rows *r, const engine_property_path *path)
{
    size_t depth = 0;
    while (depth < ENGINE_PROPERTY_LEVELS && arg_text(r, 1 + 2 * depth) != NULL)
        depth++;
    if (depth != path->depth)
        return false;
    for (size_t i = 0; i < depth; i++) {
        const char *type = arg_text(r, 1 + 2 * i);
        const char *name = arg_text(r, 2 + 2 * i);
        bool is_schema = i == 0 && depth > 1 && engine_property_is_schema(type);
        if (!is_schema && !es_strcaseeq(type, path->types[i]))
            return false;
        if (name == NULL ? i + 1 != depth : !sqlcollation_equal_names(name, path->names[i]))
            return false;
    }
    return true;
}

static entrasql_status fill_list(engine_rows *r)
{
    const engine_catalog *c = r->s->catalog;
    const char *name = arg_text(r, 0);
    engine_property_path path;
    for (size_t i = 0; i < c->property_count; i++) {
        const engine_property *p = &c->properties[i];
        if ((name != NULL && !sqlcollation_equal_names(name, p->name)) ||
            !engine_property_path_of(r->s, p, &path) || !fits(r, &path))
            continue;
        engine_row_text(r, path.depth != 0 ? path.types[path.depth - 1] : NULL);
        engine_row_text(r, path.depth != 0 ? path.names[path.depth - 1] : NULL);
        engine_row_text(r, p->name);
        engine_row_text(r, p->value);
    }
    return engine_rows_status(r);
}

/* ---- the list ---- */

static const engine_view views[] = {
    ENGINE_VIEW("sys", "extended_properties", property_columns, fill_properties),
    ENGINE_TABLE_FUNCTION("fn_listextendedproperty", list_columns, LIST_ARGS, fill_list),
};

const engine_views engine_views_property = {views, ES_COUNT_OF(views)};
