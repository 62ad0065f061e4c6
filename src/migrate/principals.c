/* SPDX-License-Identifier: MIT */
#include "migrate/principals.h"

#include "base/mem.h"
#include "base/str.h"
#include "migrate/rows.h"

#include <string.h>

#define ROWS_MAX 100000

static const char principals_sql[] =
    "SELECT principal_id, name, type, authentication_type, sid, is_fixed_role, "
    "default_schema_name FROM sys.database_principals ORDER BY principal_id";
static const char members_sql[] =
    "SELECT role_principal_id, member_principal_id FROM sys.database_role_members";
static const char permissions_sql[] =
    "SELECT p.class, p.minor_id, p.grantee_principal_id, p.permission_name, p.state, "
    "COALESCE(s.name, os.name), o.name FROM sys.database_permissions p "
    "LEFT JOIN sys.schemas s ON p.class = 3 AND s.schema_id = p.major_id "
    "LEFT JOIN sys.objects o ON p.class = 1 AND o.object_id = p.major_id "
    "LEFT JOIN sys.schemas os ON os.schema_id = o.schema_id "
    "WHERE p.grantee_principal_id > 4 AND p.permission_name <> 'CONNECT'";
static const char schemas_sql[] = "SELECT principal_id, name FROM sys.schemas";
static const char session_sql[] = "SELECT DB_NAME()";

/* One more element of an array, zeroed. NULL: no memory, or too many. */
static void *grow(void *array_pointer, size_t *count, size_t size)
{
    void **array = array_pointer;
    if (*count >= ROWS_MAX)
        return NULL;
    char *grown = es_reallocarray(*array, *count + 1, size);
    if (grown == NULL)
        return NULL;
    *array = grown;
    memset(grown + *count * size, 0, size);
    return grown + (*count)++ * size;
}

static char first_char(const sqlvalue *v, size_t n, size_t at)
{
    const char *text = "";
    size_t length = 0;
    return migrate_value_text(v, n, at, &text, &length) && length != 0 ? text[0] : '\0';
}

static entrasql_status take_principal(void *ctx, const sqlvalue *v, size_t n)
{
    migrate_principals *p = ctx;
    migrate_principal *one = grow((void *)&p->list, &p->count, sizeof *one);
    const uint8_t *sid = NULL;
    int64_t fixed = 0;

    if (one == NULL)
        return ENTRASQL_NOMEM;
    (void)migrate_value_int(v, n, 0, &one->id);
    (void)migrate_value_int(v, n, 3, &one->auth);
    (void)migrate_value_int(v, n, 5, &fixed);
    one->is_fixed_role = fixed != 0;
    one->type = first_char(v, n, 2);
    if (migrate_value_bytes(v, n, 4, &sid, &one->sid_length)) {
        if (one->sid_length > sizeof one->sid)
            one->sid_length = sizeof one->sid;
        memcpy(one->sid, sid, one->sid_length);
    }
    one->name = migrate_value_strdup(v, n, 1);
    one->default_schema = migrate_value_strdup(v, n, 6);
    return one->name != NULL && one->default_schema != NULL ? ENTRASQL_OK : ENTRASQL_NOMEM;
}

static entrasql_status take_member(void *ctx, const sqlvalue *v, size_t n)
{
    migrate_principals *p = ctx;
    migrate_member *one = grow((void *)&p->members, &p->member_count, sizeof *one);
    if (one == NULL)
        return ENTRASQL_NOMEM;
    (void)migrate_value_int(v, n, 0, &one->role);
    (void)migrate_value_int(v, n, 1, &one->member);
    return ENTRASQL_OK;
}

static entrasql_status take_permission(void *ctx, const sqlvalue *v, size_t n)
{
    migrate_principals *p = ctx;
    migrate_permission *one = grow((void *)&p->permissions, &p->permission_count, sizeof *one);
    if (one == NULL)
        return ENTRASQL_NOMEM;
    (void)migrate_value_int(v, n, 0, &one->klass);
    (void)migrate_value_int(v, n, 1, &one->minor);
    (void)migrate_value_int(v, n, 2, &one->grantee);
    one->state = first_char(v, n, 4);
    one->permission = migrate_value_strdup(v, n, 3);
    one->schema = migrate_value_strdup(v, n, 5);
    one->object = migrate_value_strdup(v, n, 6);
    return one->permission != NULL && one->schema != NULL && one->object != NULL ? ENTRASQL_OK
                                                                                 : ENTRASQL_NOMEM;
}

static entrasql_status take_schema(void *ctx, const sqlvalue *v, size_t n)
{
    migrate_principals *p = ctx;
    migrate_schema *one = grow((void *)&p->schemas, &p->schema_count, sizeof *one);
    if (one == NULL)
        return ENTRASQL_NOMEM;
    (void)migrate_value_int(v, n, 0, &one->owner);
    one->name = migrate_value_strdup(v, n, 1);
    return one->name != NULL ? ENTRASQL_OK : ENTRASQL_NOMEM;
}

static entrasql_status take_session(void *ctx, const sqlvalue *v, size_t n)
{
    migrate_principals *p = ctx;
    es_free(p->database);
    p->database = migrate_value_strdup(v, n, 0);
    return p->database != NULL ? ENTRASQL_OK : ENTRASQL_NOMEM;
}

static entrasql_status read_all(sql_conn *c, migrate_principals *p, entrasql_error *err)
{
    static const struct {
        const char *sql;
        migrate_row *row;
    } parts[] = {
        {principals_sql, take_principal},   {members_sql, take_member},
        {permissions_sql, take_permission}, {schemas_sql, take_schema},
        {session_sql, take_session},
    };
    for (size_t i = 0; i < ES_COUNT_OF(parts); i++) {
        entrasql_status status = migrate_query(c, parts[i].sql, parts[i].row, p, err);
        if (status == ENTRASQL_NOMEM)
            return es_nomem(err);
        ES_TRY(status);
    }
    return ENTRASQL_OK;
}

entrasql_status migrate_principals_read(sql_conn *c, migrate_principals *ret, entrasql_error *err)
{
    migrate_principals p = {0};
    entrasql_status status = read_all(c, &p, err);

    if (status == ENTRASQL_OK && p.database == NULL && (p.database = es_strdup("")) == NULL)
        status = es_nomem(err);
    if (status != ENTRASQL_OK) {
        migrate_principals_done(&p);
        es_error_prefix(err, "cannot read the database's users");
        return status;
    }
    *ret = p;
    return ENTRASQL_OK;
}

void migrate_principals_done(migrate_principals *p)
{
    for (size_t i = 0; i < p->count; i++) {
        es_free(p->list[i].name);
        es_free(p->list[i].default_schema);
    }
    for (size_t i = 0; i < p->permission_count; i++) {
        es_free(p->permissions[i].permission);
        es_free(p->permissions[i].schema);
        es_free(p->permissions[i].object);
    }
    for (size_t i = 0; i < p->schema_count; i++)
        es_free(p->schemas[i].name);
    es_free(p->list);
    es_free(p->members);
    es_free(p->permissions);
    es_free(p->schemas);
    es_free(p->database);
    *p = (migrate_principals){0};
}

const migrate_principal *migrate_principal_by_name(const migrate_principals *p, const char *name)
{
    for (size_t i = 0; i < p->count; i++) {
        if (es_strcaseeq(p->list[i].name, name))
            return &p->list[i];
    }
    return NULL;
}

bool migrate_principal_is_external(const migrate_principal *p)
{
    return p->type == 'E' || p->type == 'X';
}

bool migrate_principal_has_sid(const migrate_principal *p, const uint8_t sid[MIGRATE_SID_BYTES])
{
    return p->sid_length >= MIGRATE_SID_BYTES && memcmp(p->sid, sid, MIGRATE_SID_BYTES) == 0;
}

const migrate_principal *migrate_principal_by_sid(const migrate_principals *p,
                                                  const uint8_t sid[MIGRATE_SID_BYTES])
{
    for (size_t i = 0; i < p->count; i++) {
        if (migrate_principal_is_external(&p->list[i]) &&
            migrate_principal_has_sid(&p->list[i], sid))
            return &p->list[i];
    }
    return NULL;
}

const migrate_principal *migrate_principal_by_id(const migrate_principals *p, int64_t id)
{
    for (size_t i = 0; i < p->count; i++) {
        if (p->list[i].id == id)
            return &p->list[i];
    }
    return NULL;
}

bool migrate_is_member(const migrate_principals *p, int64_t role, int64_t member)
{
    for (size_t i = 0; i < p->member_count; i++) {
        if (p->members[i].role == role && p->members[i].member == member)
            return true;
    }
    return false;
}

bool migrate_has_schema_permission(const migrate_principals *p, int64_t grantee, const char *schema,
                                   const char *permission)
{
    for (size_t i = 0; i < p->permission_count; i++) {
        const migrate_permission *one = &p->permissions[i];
        if (one->klass == 3 && one->grantee == grantee &&
            (one->state == 'G' || one->state == 'W') && es_strcaseeq(one->schema, schema) &&
            es_streq(one->permission, permission))
            return true;
    }
    return false;
}

bool migrate_schema_exists(const migrate_principals *p, const char *schema)
{
    for (size_t i = 0; i < p->schema_count; i++) {
        if (es_strcaseeq(p->schemas[i].name, schema))
            return true;
    }
    return false;
}
