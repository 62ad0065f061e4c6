/* SPDX-License-Identifier: MIT */
/* Look-ups in a picture of the catalog. */
#include "engine/catalog.h"

#include "base/mem.h"
#include "base/random.h"
#include "sqltype/collation.h"

#include <string.h>

const char *engine_object_code(engine_object_type type)
{
    static const char *const codes[] = {"U", "V", "P", "FN", "PK", "UQ", "C", "D", "F"};
    return codes[type];
}

const char *engine_object_type_desc(engine_object_type type)
{
    static const char *const descs[] = {"USER_TABLE",
                                        "VIEW",
                                        "SQL_STORED_PROCEDURE",
                                        "SQL_SCALAR_FUNCTION",
                                        "PRIMARY_KEY_CONSTRAINT",
                                        "UNIQUE_CONSTRAINT",
                                        "CHECK_CONSTRAINT",
                                        "DEFAULT_CONSTRAINT",
                                        "FOREIGN_KEY_CONSTRAINT"};
    return descs[type];
}

const engine_schema *engine_catalog_schema(const engine_catalog *c, const char *name)
{
    for (size_t i = 0; i < c->schema_count; i++) {
        if (sqlcollation_equal_names(c->schemas[i].name, name))
            return &c->schemas[i];
    }
    return NULL;
}

const engine_schema *engine_catalog_schema_by_id(const engine_catalog *c, int32_t id)
{
    for (size_t i = 0; i < c->schema_count; i++) {
        if (c->schemas[i].id == id)
            return &c->schemas[i];
    }
    return NULL;
}

const engine_object *engine_catalog_object(const engine_catalog *c, int32_t schema,
                                           const char *name)
{
    for (size_t i = 0; i < c->object_count; i++) {
        if (c->objects[i].schema == schema && sqlcollation_equal_names(c->objects[i].name, name))
            return &c->objects[i];
    }
    return NULL;
}

const engine_object *engine_catalog_object_by_id(const engine_catalog *c, int32_t id)
{
    size_t low = 0;
    size_t high = c->object_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (c->objects[middle].id == id)
            return &c->objects[middle];
        if (c->objects[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const engine_table_column *engine_object_column(const engine_object *o, const char *name)
{
    for (size_t i = 0; i < o->column_count; i++) {
        if (sqlcollation_equal_names(o->columns[i].name, name))
            return &o->columns[i];
    }
    return NULL;
}

size_t engine_object_column_place(const engine_object *o, int32_t column_id)
{
    size_t i = 0;
    while (i < o->column_count && o->columns[i].id != column_id)
        i++;
    return i;
}

const engine_table_column *engine_object_column_by_id(const engine_object *o, int32_t id)
{
    size_t i = engine_object_column_place(o, id);
    return i < o->column_count ? &o->columns[i] : NULL;
}

const engine_table_column *engine_object_identity(const engine_object *o)
{
    for (size_t i = 0; i < o->column_count; i++) {
        if (o->columns[i].identity)
            return &o->columns[i];
    }
    return NULL;
}

const engine_principal *engine_catalog_principal(const engine_catalog *c, const char *name)
{
    for (size_t i = 0; i < c->principal_count; i++) {
        if (sqlcollation_equal_names(c->principals[i].name, name))
            return &c->principals[i];
    }
    return NULL;
}

const engine_principal *engine_catalog_principal_by_id(const engine_catalog *c, int32_t id)
{
    for (size_t i = 0; i < c->principal_count; i++) {
        if (c->principals[i].id == id)
            return &c->principals[i];
    }
    return NULL;
}

const engine_principal *engine_catalog_principal_by_sid(const engine_catalog *c, const uint8_t *sid,
                                                        size_t n)
{
    for (size_t i = 0; i < c->principal_count; i++) {
        const engine_principal *p = &c->principals[i];
        if (n != 0 && p->sid_length == n && memcmp(p->sid, sid, n) == 0)
            return p;
    }
    return NULL;
}

int32_t engine_catalog_new_id(const engine_catalog *c)
{
    for (;;) {
        int32_t id = (int32_t)(100000000 + es_random_below(2000000000));
        if (engine_catalog_object_by_id(c, id) == NULL)
            return id;
    }
}

/* ---- memory ---- */

static void free_object(engine_object *o)
{
    for (size_t i = 0; i < o->column_count; i++) {
        es_free(o->columns[i].name);
        es_free(o->columns[i].computed);
        es_free(o->columns[i].default_text);
        es_free(o->columns[i].collation);
    }
    for (size_t i = 0; i < o->index_count; i++) {
        es_free(o->indexes[i].name);
        es_free(o->indexes[i].filter);
        es_free(o->indexes[i].columns);
    }
    es_free(o->columns);
    es_free(o->indexes);
    es_free(o->name);
    es_free(o->definition);
}

static void free_catalog(engine_catalog *c)
{
    for (size_t i = 0; i < c->schema_count; i++)
        es_free(c->schemas[i].name);
    for (size_t i = 0; i < c->object_count; i++)
        free_object(&c->objects[i]);
    for (size_t i = 0; i < c->foreign_key_count; i++) {
        es_free(c->foreign_keys[i].child_columns);
        es_free(c->foreign_keys[i].parent_columns);
    }
    for (size_t i = 0; i < c->principal_count; i++) {
        es_free(c->principals[i].name);
        es_free(c->principals[i].default_schema);
    }
    for (size_t i = 0; i < c->permission_count; i++)
        es_free(c->permissions[i].name);
    es_free(c->schemas);
    es_free(c->objects);
    es_free(c->foreign_keys);
    es_free(c->principals);
    es_free(c->members);
    es_free(c->permissions);
    es_free(c);
}

engine_catalog *engine_catalog_ref(engine_catalog *c)
{
    c->refs++;
    return c;
}

void engine_catalog_unref(engine_catalog *c)
{
    if (c != NULL && --c->refs == 0)
        free_catalog(c);
}

void engine_catalog_cleanup(engine_catalog **c)
{
    engine_catalog_unref(*c);
    *c = NULL;
}
