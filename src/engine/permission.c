/* SPDX-License-Identifier: MIT */
/* Who may do what. */
#include "engine/permission.h"

#include "base/str.h"

#include <string.h>

typedef struct securable {
    engine_class klass;
    int32_t major;
    int32_t minor;
} securable;

enum { LEVELS = 4 };

bool engine_is_member(const engine_session *s, int32_t role)
{
    for (size_t i = 0; i < s->who.member_count; i++) {
        if (s->who.members[i] == role)
            return true;
    }
    return false;
}

bool engine_is_owner(const engine_session *s)
{
    return s->who.is_dbo || engine_is_member(s, ENGINE_DB_OWNER);
}

static bool role_has(const engine_catalog *c, int32_t role, int32_t principal, unsigned depth)
{
    for (size_t i = 0; i < c->member_count; i++) {
        if (c->members[i].role != role)
            continue;
        if (c->members[i].member == principal ||
            (depth < 64 && role_has(c, c->members[i].member, principal, depth + 1)))
            return true;
    }
    return false;
}

bool engine_role_has(const engine_catalog *c, int32_t role, int32_t principal)
{
    return role == ENGINE_PUBLIC || role_has(c, role, principal, 0);
}

/* ---- fixed roles ---- */

static bool is_change(const char *permission)
{
    return es_streq(permission, "INSERT") || es_streq(permission, "UPDATE") ||
           es_streq(permission, "DELETE");
}

static bool ddladmin_gives(const char *permission)
{
    return es_starts_with(permission, "CREATE ") || es_streq(permission, "ALTER") ||
           es_streq(permission, "REFERENCES") || es_streq(permission, "VIEW DEFINITION") ||
           es_streq(permission, "ALTER ANY SCHEMA");
}

static bool securityadmin_gives(const char *permission)
{
    return es_streq(permission, "ALTER ANY ROLE") || es_streq(permission, "CREATE ROLE") ||
           es_streq(permission, "CREATE SCHEMA") || es_streq(permission, "VIEW DEFINITION");
}

static bool roles_give(const engine_session *s, const char *permission)
{
    if (engine_is_member(s, ENGINE_DB_DATAREADER) && es_streq(permission, "SELECT"))
        return true;
    if (engine_is_member(s, ENGINE_DB_DATAWRITER) && is_change(permission))
        return true;
    if (engine_is_member(s, ENGINE_DB_DDLADMIN) && ddladmin_gives(permission) &&
        !es_streq(permission, "CREATE ROLE"))
        return true;
    if (engine_is_member(s, ENGINE_DB_SECURITYADMIN) && securityadmin_gives(permission))
        return true;
    return engine_is_member(s, ENGINE_DB_ACCESSADMIN) &&
           (es_streq(permission, "ALTER ANY USER") || es_streq(permission, "CREATE SCHEMA"));
}

static bool roles_deny(const engine_session *s, const char *permission)
{
    return (engine_is_member(s, ENGINE_DB_DENYDATAREADER) && es_streq(permission, "SELECT")) ||
           (engine_is_member(s, ENGINE_DB_DENYDATAWRITER) && is_change(permission));
}

/* ---- rules ---- */

/* A permission that carries the wanted one with it. */
static bool covers(const char *have, const char *want)
{
    if (es_streq(have, want) || es_streq(have, "CONTROL"))
        return true;
    if (es_streq(have, "ALTER"))
        return es_starts_with(want, "CREATE ") || es_streq(want, "VIEW DEFINITION") ||
               es_starts_with(want, "ALTER ANY ");
    return es_streq(have, "ALTER ANY SCHEMA") &&
           (es_streq(want, "ALTER") || es_streq(want, "CREATE SCHEMA"));
}

static bool has_rule(const engine_session *s, const char *permission, const securable *levels,
                     size_t count, bool deny)
{
    const engine_catalog *c = s->catalog;
    for (size_t i = 0; i < c->permission_count; i++) {
        const engine_permission *p = &c->permissions[i];
        if ((p->state == 'D') != deny || !engine_is_member(s, p->grantee))
            continue;
        if (deny ? !es_streq(p->name, permission) && !es_streq(p->name, "CONTROL")
                 : !covers(p->name, permission))
            continue;
        for (size_t k = 0; k < count; k++) {
            if (p->klass == levels[k].klass && p->major == levels[k].major &&
                p->minor == levels[k].minor)
                return true;
        }
    }
    return false;
}

static bool owns_schema(const engine_session *s, int32_t schema)
{
    const engine_schema *found = engine_catalog_schema_by_id(s->catalog, schema);
    return found != NULL && engine_is_member(s, found->owner);
}

int32_t engine_owner_of(const engine_catalog *c, const engine_object *o)
{
    const engine_schema *schema = engine_catalog_schema_by_id(c, o->schema);
    return schema != NULL ? schema->owner : ENGINE_DBO;
}

/* schema: 0 for the database itself. */
static bool may(const engine_session *s, const char *permission, int32_t schema,
                const securable *levels, size_t count)
{
    if (s->who.is_dbo)
        return true;
    if (roles_deny(s, permission) || has_rule(s, permission, levels, count, true))
        return false;
    return engine_is_owner(s) || roles_give(s, permission) ||
           (schema != 0 && owns_schema(s, schema)) || has_rule(s, permission, levels, count, false);
}

bool engine_may_database(const engine_session *s, const char *permission)
{
    const securable levels[] = {{ENGINE_CLASS_DATABASE, 0, 0}};
    return may(s, permission, 0, levels, 1);
}

bool engine_may_schema(const engine_session *s, const char *permission, int32_t schema)
{
    const securable levels[] = {{ENGINE_CLASS_SCHEMA, schema, 0}, {ENGINE_CLASS_DATABASE, 0, 0}};
    return may(s, permission, schema, levels, 2);
}

bool engine_may_object(const engine_session *s, const char *permission, const engine_object *o)
{
    const securable levels[] = {{ENGINE_CLASS_OBJECT, o->id, 0},
                                {ENGINE_CLASS_SCHEMA, o->schema, 0},
                                {ENGINE_CLASS_DATABASE, 0, 0}};
    return may(s, permission, o->schema, levels, 3);
}

bool engine_may_column(const engine_session *s, const char *permission, const engine_object *o,
                       int32_t column)
{
    const securable levels[LEVELS] = {{ENGINE_CLASS_OBJECT, o->id, column},
                                      {ENGINE_CLASS_OBJECT, o->id, 0},
                                      {ENGINE_CLASS_SCHEMA, o->schema, 0},
                                      {ENGINE_CLASS_DATABASE, 0, 0}};
    return may(s, permission, o->schema, levels, LEVELS);
}

bool engine_may_see(const engine_session *s, const engine_object *o)
{
    static const char *const any[] = {"SELECT",  "INSERT",     "UPDATE",  "DELETE",
                                      "EXECUTE", "REFERENCES", "CONTROL", "ALTER"};
    if (o->parent != 0) {
        const engine_object *parent = engine_catalog_object_by_id(s->catalog, o->parent);
        return parent != NULL && engine_may_see(s, parent);
    }
    if (engine_may_object(s, "VIEW DEFINITION", o))
        return true;
    for (size_t i = 0; i < ES_COUNT_OF(any); i++) {
        if (engine_may_object(s, any[i], o))
            return true;
    }
    for (size_t i = 0; i < s->catalog->permission_count; i++) {
        const engine_permission *p = &s->catalog->permissions[i];
        if (p->klass == ENGINE_CLASS_OBJECT && p->major == o->id && p->state != 'D' &&
            engine_is_member(s, p->grantee))
            return true;
    }
    return false;
}

static bool has_control(const engine_session *s, engine_class klass, int32_t major)
{
    if (klass == ENGINE_CLASS_OBJECT) {
        const engine_object *o = engine_catalog_object_by_id(s->catalog, major);
        return o != NULL && engine_may_object(s, "CONTROL", o);
    }
    if (klass == ENGINE_CLASS_SCHEMA)
        return engine_may_schema(s, "CONTROL", major);
    return klass == ENGINE_CLASS_DATABASE && engine_may_database(s, "CONTROL");
}

bool engine_may_grant(const engine_session *s, const char *permission, engine_class klass,
                      int32_t major)
{
    if (engine_is_owner(s) || engine_is_member(s, ENGINE_DB_SECURITYADMIN) ||
        has_control(s, klass, major))
        return true;
    for (size_t i = 0; i < s->catalog->permission_count; i++) {
        const engine_permission *p = &s->catalog->permissions[i];
        if (p->klass == klass && p->major == major && p->state == 'W' &&
            es_streq(p->name, permission) && engine_is_member(s, p->grantee))
            return true;
    }
    return false;
}

/* ---- errors ---- */

static entrasql_status deny_object(const engine_session *s, const char *permission,
                                   const engine_object *o, entrasql_error *err)
{
    const engine_schema *schema = engine_catalog_schema_by_id(s->catalog, o->schema);
    return engine_error(
        err, 229, 5, "The %s permission was denied on the object '%s', database '%s', schema '%s'.",
        permission, o->name, s->database->name, schema != NULL ? schema->name : "");
}

entrasql_status engine_need_object(const engine_session *s, const char *permission,
                                   const engine_object *o, entrasql_error *err)
{
    return engine_may_object(s, permission, o) ? ENTRASQL_OK : deny_object(s, permission, o, err);
}

/* True when somebody gave or denied this permission by column to the user. */
static bool by_column(const engine_session *s, const char *permission, const engine_object *o)
{
    for (size_t i = 0; i < s->catalog->permission_count; i++) {
        const engine_permission *p = &s->catalog->permissions[i];
        if (p->klass == ENGINE_CLASS_OBJECT && p->major == o->id && p->minor != 0 &&
            es_streq(p->name, permission) && engine_is_member(s, p->grantee))
            return true;
    }
    return false;
}

entrasql_status engine_need_columns(const engine_session *s, const char *permission,
                                    const engine_object *o, const int32_t *columns, size_t count,
                                    entrasql_error *err)
{
    if (!by_column(s, permission, o) || count == 0)
        return engine_need_object(s, permission, o, err);
    for (size_t i = 0; i < count; i++) {
        const engine_table_column *column = engine_object_column_by_id(o, columns[i]);
        if (column == NULL || engine_may_column(s, permission, o, columns[i]))
            continue;
        const engine_schema *schema = engine_catalog_schema_by_id(s->catalog, o->schema);
        return engine_error(err, 230, 1,
                            "The %s permission was denied on the column '%s' of the object '%s', "
                            "database '%s', schema '%s'.",
                            permission, column->name, o->name, s->database->name,
                            schema != NULL ? schema->name : "");
    }
    return ENTRASQL_OK;
}

entrasql_status engine_need_database(const engine_session *s, const char *permission,
                                     entrasql_error *err)
{
    if (engine_may_database(s, permission))
        return ENTRASQL_OK;
    return engine_error(err, 262, 1, "%s permission denied in database '%s'.", permission,
                        s->database->name);
}
