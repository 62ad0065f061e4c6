/* SPDX-License-Identifier: MIT */
/* sp_addextendedproperty, sp_updateextendedproperty, sp_dropextendedproperty. */
#include "base/str.h"
#include "base/utf16.h"
#include "engine/permission.h"
#include "engine/property.h"
#include "engine/texts.h"
#include "engine/tran.h"
#include "sqltype/collation.h"

#include <stdio.h>
#include <string.h>

enum { VALUE_BYTES_MAX = 7500 };

typedef enum action { ACTION_ADD, ACTION_UPDATE, ACTION_DROP } action;

typedef struct target {
    engine_session *s;
    const char *procedure;
    engine_property_path path;
    engine_property property; /* where it hangs, its name and value; lent */
    const engine_schema *schema;
    const engine_object *object;
    char label[ENGINE_PROPERTY_LEVELS * (ENGINE_NAME_MAX * 4 + 1) + 1]; /* as far as it was found */
    entrasql_error *err;
} target;

static entrasql_status invalid(const target *t)
{
    return engine_error(t->err, 15600, 1,
                        "An invalid parameter or option was specified for procedure '%s'.",
                        t->procedure);
}

/* Also for what the user may not change. */
static entrasql_status absent(const target *t)
{
    return engine_error(t->err, 15135, 1,
                        "Object is invalid. Extended properties are not permitted on '%s', or the "
                        "object does not exist.",
                        t->label);
}

/* ---- from names to ids ---- */

static bool is_one_of(const char *word, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (es_strcaseeq(word, words[i]))
            return true;
    }
    return false;
}

/* A kind of object that SQL Server has and of which there is none here. */
static entrasql_status unknown_type(const target *t, size_t level)
{
    static const char *const top[] = {"ASSEMBLY",
                                      "CONTRACT",
                                      "EVENT NOTIFICATION",
                                      "FILEGROUP",
                                      "MESSAGE TYPE",
                                      "PARTITION FUNCTION",
                                      "PARTITION SCHEME",
                                      "PLAN GUIDE",
                                      "ROUTE",
                                      "REMOTE SERVICE BINDING",
                                      "SERVICE",
                                      "TRIGGER",
                                      "TYPE"};
    static const char *const inner[] = {
        "AGGREGATE", "DEFAULT",  "FUNCTION",   "LOGICAL FILE NAME",     "QUEUE", "RULE",
        "SYNONYM",   "SEQUENCE", "TABLE_TYPE", "XML SCHEMA COLLECTION", "TYPE"};
    static const char *const parts[] = {"EVENT NOTIFICATION", "TRIGGER"};
    static const char *const unsupported[] = {"USER", "INDEX", "PARAMETER"};
    const char *type = t->path.types[level];
    if ((level == 0 && is_one_of(type, top, ES_COUNT_OF(top))) ||
        (level == 1 && is_one_of(type, inner, ES_COUNT_OF(inner))) ||
        (level == 2 && is_one_of(type, parts, ES_COUNT_OF(parts))))
        return absent(t);
    if ((level == 0 && es_strcaseeq(type, unsupported[0])) ||
        (level == 2 && is_one_of(type, unsupported + 1, 2)))
        return engine_unsupported(t->err, "extended properties of users, indexes and parameters");
    return invalid(t);
}

static entrasql_status find_schema(target *t)
{
    bool inner = t->path.depth > 1 && engine_property_is_schema(t->path.types[0]);
    if (!inner && !es_strcaseeq(t->path.types[0], "SCHEMA"))
        return unknown_type(t, 0);
    t->schema = engine_catalog_schema(t->s->catalog, t->path.names[0]);
    if (t->schema == NULL || t->schema->id == ENGINE_SCHEMA_SYS ||
        t->schema->id == ENGINE_SCHEMA_INFORMATION)
        return absent(t);
    t->property.klass = ENGINE_CLASS_SCHEMA;
    t->property.major = t->schema->id;
    return t->path.depth > 1 || engine_may_schema(t->s, "ALTER", t->schema->id) ? ENTRASQL_OK
                                                                                : absent(t);
}

static entrasql_status find_object(target *t)
{
    static const struct {
        const char *name;
        engine_object_type type;
    } types[] = {{"TABLE", ENGINE_OBJECT_TABLE},
                 {"VIEW", ENGINE_OBJECT_VIEW},
                 {"PROCEDURE", ENGINE_OBJECT_PROCEDURE}};
    size_t i = 0;
    while (i < ES_COUNT_OF(types) && !es_strcaseeq(types[i].name, t->path.types[1]))
        i++;
    if (i == ES_COUNT_OF(types))
        return unknown_type(t, 1);
    t->object = engine_catalog_object(t->s->catalog, t->schema->id, t->path.names[1]);
    if (t->object == NULL || t->object->type != types[i].type ||
        !engine_may_object(t->s, "ALTER", t->object))
        return absent(t);
    t->property.klass = ENGINE_CLASS_OBJECT;
    t->property.major = t->object->id;
    return ENTRASQL_OK;
}

static entrasql_status find_part(target *t)
{
    if (es_strcaseeq(t->path.types[2], "COLUMN")) {
        const engine_table_column *column = engine_object_column(t->object, t->path.names[2]);
        if (column == NULL)
            return absent(t);
        t->property.minor = column->id;
        return ENTRASQL_OK;
    }
    if (!es_strcaseeq(t->path.types[2], "CONSTRAINT"))
        return unknown_type(t, 2);
    const engine_object *constraint =
        engine_catalog_object(t->s->catalog, t->schema->id, t->path.names[2]);
    if (constraint == NULL || constraint->parent != t->object->id)
        return absent(t);
    t->property.major = constraint->id;
    return ENTRASQL_OK;
}

static entrasql_status find_target(target *t)
{
    snprintf(t->label, sizeof t->label, "object specified");
    if (t->path.depth == 0)
        return engine_may_database(t->s, "CONTROL") ? ENTRASQL_OK : absent(t);
    size_t length = 0;
    for (size_t i = 0; i < t->path.depth; i++) {
        length += (size_t)snprintf(t->label + length, sizeof t->label - length, "%s%s",
                                   i == 0 ? "" : ".", t->path.names[i]);
        ES_TRY(i == 0 ? find_schema(t) : i == 1 ? find_object(t) : find_part(t));
    }
    return ENTRASQL_OK;
}

/* ---- arguments ---- */

/* Type and name go together, and no level is left out. */
static entrasql_status read_path(target *t, char *const *items)
{
    for (size_t i = 0; i < ENGINE_PROPERTY_LEVELS; i++) {
        const char *type = items[2 * i];
        const char *name = items[2 * i + 1];
        if ((type == NULL) != (name == NULL) || (type != NULL && t->path.depth != i))
            return invalid(t);
        if (type == NULL)
            continue;
        if (strlen(name) > ENGINE_NAME_MAX * 4)
            return invalid(t);
        t->path.types[i] = type;
        t->path.names[i] = name;
        t->path.depth = i + 1;
    }
    return ENTRASQL_OK;
}

static entrasql_status check_value(const target *t)
{
    size_t units = 0;
    if (t->property.value != NULL)
        ES_TRY(es_utf8_to_utf16_units(t->property.value, strlen(t->property.value), &units));
    if (units * 2 > VALUE_BYTES_MAX)
        return engine_error(t->err, 15097, 1,
                            "The size associated with an extended property cannot be more than "
                            "7,500 bytes.");
    return ENTRASQL_OK;
}

static entrasql_status change(target *t, action what)
{
    ES_TRY(find_target(t));
    engine_property *p = &t->property;
    const engine_property *old =
        engine_catalog_property(t->s->catalog, p->klass, p->major, p->minor, p->name);
    if (what == ACTION_ADD && old != NULL)
        return engine_error(t->err, 15233, 1,
                            "Property cannot be added. Property '%s' already exists for '%s'.",
                            p->name, t->label);
    if (what != ACTION_ADD && old == NULL)
        return engine_error(t->err, 15217, what == ACTION_UPDATE ? 1 : 2,
                            "Property cannot be updated or deleted. Property '%s' does not exist "
                            "for '%s'.",
                            p->name, t->label);
    if (what == ACTION_DROP)
        return engine_catalog_drop_property(t->s->db, old, t->err);
    if (old != NULL) /* keeps the name as it was first spelt */
        p->name = old->name;
    return engine_catalog_set_property(t->s->db, p, t->err);
}

static entrasql_status run(engine_session *s, engine_procedure_call *call, action what,
                           entrasql_error *err)
{
    static const char *const names[] = {"@name",       "@value",      "@level0type", "@level0name",
                                        "@level1type", "@level1name", "@level2type", "@level2name"};
    static const char *const drop_names[] = {"@name",       "@level0type", "@level0name",
                                             "@level1type", "@level1name", "@level2type",
                                             "@level2name"};
    bool drops = what == ACTION_DROP;
    ES_CLEANUP(engine_texts_done) engine_texts texts = {0};
    target t = {.s = s, .procedure = call->name, .err = err};
    engine_unit unit;
    ES_TRY(engine_texts_read(call, drops ? drop_names : names,
                             drops ? ES_COUNT_OF(drop_names) : ES_COUNT_OF(names), &texts, err));
    t.property.name = texts.items[0];
    t.property.value = drops ? NULL : texts.items[1];
    if (t.property.name == NULL)
        return engine_error(err, 201, 4,
                            "Procedure or function '%s' expects parameter '@name', which was not "
                            "supplied.",
                            call->name);
    ES_TRY(read_path(&t, texts.items + (drops ? 1 : 2)));
    ES_TRY(check_value(&t));
    ES_TRY(engine_unit_begin(s, true, true, &unit, err));
    return engine_unit_end(s, &unit, change(&t, what), err);
}

entrasql_status engine_sp_addextendedproperty(engine_session *s, engine_procedure_call *call,
                                              entrasql_error *err)
{
    return run(s, call, ACTION_ADD, err);
}

entrasql_status engine_sp_updateextendedproperty(engine_session *s, engine_procedure_call *call,
                                                 entrasql_error *err)
{
    return run(s, call, ACTION_UPDATE, err);
}

entrasql_status engine_sp_dropextendedproperty(engine_session *s, engine_procedure_call *call,
                                               entrasql_error *err)
{
    return run(s, call, ACTION_DROP, err);
}
