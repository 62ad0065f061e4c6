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

const engine_index *engine_foreign_key_index(const engine_catalog *c, const engine_foreign_key *fk)
{
    const engine_object *parent = engine_catalog_object_by_id(c, fk->parent);
    for (size_t i = 0; parent != NULL && i < parent->index_count; i++) {
        const engine_index *index = &parent->indexes[i];
        bool same = index->kind != ENGINE_INDEX_PLAIN && index->column_count >= fk->column_count;
        size_t keys = 0;
        for (size_t k = 0; same && k < index->column_count; k++)
            keys += index->columns[k].included ? 0 : 1;
        same = same && keys == fk->column_count;
        for (size_t k = 0; same && k < fk->column_count; k++) {
            bool found = false;
            for (size_t j = 0; j < fk->column_count; j++)
                found = found || index->columns[k].column == fk->parent_columns[j];
            same = found;
        }
        if (same)
            return index;
    }
    return NULL;
}

const engine_foreign_key *engine_index_foreign_key(const engine_catalog *c, const engine_object *o,
                                                   const engine_index *index)
{
    for (size_t i = 0; i < c->foreign_key_count; i++) {
        const engine_foreign_key *fk = &c->foreign_keys[i];
        if (fk->parent == o->id && engine_foreign_key_index(c, fk) == index)
            return fk;
    }
    return NULL;
}

const engine_property *engine_catalog_property(const engine_catalog *c, engine_class klass,
                                               int32_t major, int32_t minor, const char *name)
{
    for (size_t i = 0; i < c->property_count; i++) {
        const engine_property *p = &c->properties[i];
        if (p->klass == klass && p->major == major && p->minor == minor &&
            sqlcollation_equal_names(p->name, name))
            return p;
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
    for (size_t i = 0; i < c->property_count; i++) {
        es_free(c->properties[i].name);
        es_free(c->properties[i].value);
    }
    es_free(c->schemas);
    es_free(c->objects);
    es_free(c->foreign_keys);
    es_free(c->principals);
    es_free(c->members);
    es_free(c->permissions);
    es_free(c->properties);
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
