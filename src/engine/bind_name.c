/* SPDX-License-Identifier: MIT */
/* Names of objects and columns; the binder's life. */
#include "engine/bind.h"

#include "base/mem.h"
#include "base/str.h"
#include "engine/permission.h"
#include "engine/principal.h"
#include "engine/temp.h"
#include "sqltype/collation.h"

#include <stdio.h>
#include <string.h>

enum { ARENA_CEILING = 256 * 1024 * 1024 };

entrasql_status engine_binder_init(engine_binder *b, engine_session *s, entrasql_error *err)
{
    *b = (engine_binder){.s = s, .frame = s->frame, .err = err, .next_source = 1};
    if (s->frame != NULL) {
        b->chains = s->frame->is_module;
        b->owner = s->frame->owner;
    }
    b->catalog = engine_catalog_ref(s->catalog);
    tsql_arena_init(&b->arena, ARENA_CEILING);
    return ENTRASQL_OK;
}

void engine_binder_done(engine_binder *b)
{
    if (b->catalog == NULL)
        return;
    engine_catalog_unref(b->catalog);
    b->catalog = NULL;
    for (size_t i = 0; i < b->batch_count; i++)
        tsql_batch_free(b->batches[i]);
    es_free(b->batches);
    tsql_arena_done(&b->arena);
}

/* ---- permissions wanted ---- */

entrasql_status engine_bind_need(engine_binder *b, const char *permission, const engine_object *o,
                                 int32_t column)
{
    engine_need *need = NULL;
    if (b->chains && b->owner == engine_owner_of(b->catalog, o))
        return ENTRASQL_OK;
    for (size_t i = 0; i < b->need_count && need == NULL; i++) {
        if (b->needs[i].object == o && es_streq(b->needs[i].permission, permission))
            need = &b->needs[i];
    }
    if (need == NULL) {
        engine_need *grown = engine_bind_room(b, b->needs, b->need_count, sizeof *grown);
        if (grown == NULL)
            return es_nomem(b->err);
        b->needs = grown;
        need = &grown[b->need_count++];
        need->permission = permission;
        need->object = o;
    }
    if (column == 0)
        return ENTRASQL_OK;
    for (size_t i = 0; i < need->column_count; i++) {
        if (need->columns[i] == column)
            return ENTRASQL_OK;
    }
    int32_t *columns = engine_bind_room(b, need->columns, need->column_count, sizeof *columns);
    if (columns == NULL)
        return es_nomem(b->err);
    need->columns = columns;
    columns[need->column_count++] = column;
    return ENTRASQL_OK;
}

entrasql_status engine_bind_check(engine_binder *b)
{
    for (size_t i = 0; i < b->need_count; i++)
        ES_TRY(engine_need_columns(b->s, b->needs[i].permission, b->needs[i].object,
                                   b->needs[i].columns, b->needs[i].column_count, b->err));
    return ENTRASQL_OK;
}

/* ---- objects ---- */

static bool has_text(const tsql_name *name)
{
    return name->text != NULL && name->text[0] != '\0';
}

const char *engine_object_text(const tsql_object *o, char *dst, size_t size)
{
    const tsql_name *parts[] = {&o->server, &o->database, &o->schema, &o->name};
    size_t used = 0;
    bool begun = false;
    dst[0] = '\0';
    for (size_t i = 0; i < ES_COUNT_OF(parts); i++) {
        if (parts[i]->text == NULL && !begun)
            continue;
        int n = snprintf(dst + used, size - used, "%s%s", begun ? "." : "",
                         parts[i]->text != NULL ? parts[i]->text : "");
        begun = true;
        used += n > 0 ? (size_t)n : 0;
        if (used >= size)
            break;
    }
    es_utf8_trim_end(dst);
    return dst;
}

entrasql_status engine_bind_schema(engine_session *s, const tsql_object *o, int32_t *ret_schema,
                                   bool *ret_given, entrasql_error *err)
{
    char text[512];
    *ret_given = has_text(&o->schema);
    *ret_schema = 0;
    if (has_text(&o->server) ||
        (has_text(&o->database) && !sqlcollation_equal_names(o->database.text, s->database->name)))
        return engine_error(err, 40515, 1,
                            "Reference to database and/or server name in '%s' is not supported in "
                            "this version of SQL Server.",
                            engine_object_text(o, text, sizeof text));
    if (!*ret_given) {
        *ret_schema = engine_who_default_schema(s);
        return ENTRASQL_OK;
    }
    const engine_schema *schema = engine_catalog_schema(s->catalog, o->schema.text);
    if (schema != NULL)
        *ret_schema = schema->id;
    return ENTRASQL_OK;
}

entrasql_status engine_find_object(engine_session *s, const tsql_object *o,
                                   const engine_object **ret, entrasql_error *err)
{
    int32_t schema;
    bool given;
    *ret = NULL;
    if (o->name.text == NULL)
        return ENTRASQL_OK;
    if (o->name.text[0] == '#') {
        *ret = engine_temp_find(s, o->name.text);
        return ENTRASQL_OK;
    }
    ES_TRY(engine_bind_schema(s, o, &schema, &given, err));
    *ret = engine_catalog_object(s->catalog, schema, o->name.text);
    if (*ret == NULL && !given && schema != ENGINE_SCHEMA_DBO)
        *ret = engine_catalog_object(s->catalog, ENGINE_SCHEMA_DBO, o->name.text);
    return ENTRASQL_OK;
}

const engine_schema *engine_find_schema(engine_session *s, const char *text)
{
    tsql_batch *batch = NULL;
    const tsql_object *name = NULL;
    const engine_schema *found = NULL;
    if (tsql_parse_object(text, strlen(text), &batch, &name, NULL) != ENTRASQL_OK)
        return NULL;
    if (name->name.text != NULL && !has_text(&name->schema))
        found = engine_catalog_schema(s->catalog, name->name.text);
    tsql_batch_free(batch);
    return found;
}

/* ---- columns ---- */

static bool has_name(const engine_source *source, const tsql_object *object)
{
    if (source->alias == NULL || !sqlcollation_equal_names(source->alias, object->name.text))
        return false;
    if (!has_text(&object->schema))
        return true;
    return source->schema != NULL && sqlcollation_equal_names(source->schema, object->schema.text);
}

static size_t find_in(const engine_source *source, const char *name)
{
    size_t i = 0;
    while (i < source->column_count && !sqlcollation_equal_names(source->columns[i].name, name))
        i++;
    return i;
}

static void column_text(const tsql_column_ref *ref, char *dst, size_t size)
{
    if (ref->object.name.text == NULL) {
        snprintf(dst, size, "%s", ref->name.text);
        return;
    }
    char object[400];
    engine_object_text(&ref->object, object, sizeof object);
    snprintf(dst, size, "%s.%s", object, ref->name.text);
}

/* A wrong column is told with the line where it stands, not with the statement's. */
static entrasql_status at_name(engine_binder *b, const tsql_column_ref *ref)
{
    if (b->err != NULL && b->stored_depth == 0)
        b->err->line = ref->name.span.line;
    return ENTRASQL_SQL_ERROR;
}

static entrasql_status column_missing(engine_binder *b, const tsql_column_ref *ref,
                                      bool source_found)
{
    char text[560];
    column_text(ref, text, sizeof text);
    if (ref->object.name.text != NULL && !source_found)
        engine_error(b->err, 4104, 1, "The multi-part identifier \"%s\" could not be bound.", text);
    else
        engine_error(b->err, 207, 1, "Invalid column name '%s'.", ref->name.text);
    return at_name(b, ref);
}

entrasql_status engine_bind_column(engine_binder *b, const tsql_column_ref *ref, engine_node **ret)
{
    bool source_found = false;
    for (const engine_scope *scope = b->scope; scope != NULL; scope = scope->outer) {
        const engine_source *found = NULL;
        size_t column = 0;
        for (size_t i = 0; i < scope->count; i++) {
            const engine_source *source = scope->sources[i];
            if (ref->object.name.text != NULL) {
                if (!has_name(source, &ref->object))
                    continue;
                source_found = true;
            }
            size_t at = find_in(source, ref->name.text);
            if (at == source->column_count)
                continue;
            if (found != NULL) {
                engine_error(b->err, 209, 1, "Ambiguous column name '%s'.", ref->name.text);
                return at_name(b, ref);
            }
            found = source;
            column = at;
        }
        if (found != NULL) {
            if (found->object != NULL)
                ES_TRY(
                    engine_bind_need(b, "SELECT", found->object, found->columns[column].column_id));
            *ret = engine_node_of(b, found, column);
            return *ret != NULL ? ENTRASQL_OK : es_nomem(b->err);
        }
        /* A name that an inner source carries is not looked for further out. */
        if (source_found)
            break;
    }
    return column_missing(b, ref, source_found);
}

entrasql_status engine_scope_add(engine_binder *b, engine_scope *scope, engine_source *source)
{
    for (size_t i = 0; i < scope->count && source->alias != NULL; i++) {
        const engine_source *other = scope->sources[i];
        bool same_schema = es_streq(other->schema, source->schema);
        if (other->alias == NULL || !same_schema ||
            !sqlcollation_equal_names(other->alias, source->alias))
            continue;
        if (source->correlated && other->correlated)
            return engine_error(b->err, 1011, 1,
                                "The correlation name '%s' is specified multiple times in a FROM "
                                "clause.",
                                source->alias);
        if (source->correlated || other->correlated)
            return engine_error(b->err, 1012, 1,
                                "The correlation name '%s' has the same exposed name as table "
                                "'%s'.",
                                source->alias, other->alias);
        return engine_error(b->err, 1013, 1,
                            "The objects \"%s\" and \"%s\" in the FROM clause have the same "
                            "exposed names. Use correlation names to distinguish them.",
                            other->alias, source->alias);
    }
    engine_source **grown =
        engine_bind_room(b, scope->sources, scope->count, sizeof(engine_source *));
    if (grown == NULL)
        return es_nomem(b->err);
    scope->sources = grown;
    grown[scope->count++] = source;
    return ENTRASQL_OK;
}
