/* SPDX-License-Identifier: MIT */
/* What a database lacks of a user. */
#include "migrate/user.h"

#include "base/str.h"
#include "migrate/change.h"
#include "migrate/name.h"

#include <string.h>

#define SHOWN_SIZE 400

/* ---- profiles ---- */

static const char *const nothing[] = {NULL};
static const char *const reads[] = {"SELECT", NULL};
static const char *const writes[] = {"SELECT", "INSERT", "UPDATE", "DELETE", NULL};
static const char *const works[] = {"SELECT", "INSERT", "UPDATE", "DELETE", "EXECUTE", NULL};
static const char *const tutorial_roles[] = {"db_datareader", "db_datawriter", "db_ddladmin", NULL};

static const migrate_profile profiles[] = {
    {"app", "reads, writes and calls procedures in the schema", "entrasql_app", works, nothing},
    {"reader", "reads in the schema", "entrasql_reader", reads, nothing},
    {"writer", "reads and writes in the schema", "entrasql_writer", writes, nothing},
    {"tutorial", "db_datareader, db_datawriter, db_ddladmin: may change any object", NULL, nothing,
     tutorial_roles},
    {"none", "may connect", NULL, nothing, nothing},
};

const char migrate_profile_names[] = "app|reader|writer|tutorial|none";

const migrate_profile *migrate_profile_find(const char *name)
{
    for (size_t i = 0; i < ES_COUNT_OF(profiles); i++) {
        if (es_streq(profiles[i].name, name))
            return &profiles[i];
    }
    return NULL;
}

/* A role is for one schema: those of other schemas have its name. */
static entrasql_status role_name(const migrate_user *u, char *ret, size_t size)
{
    es_strlcpy_utf8(ret, size, u->profile->role);
    if (es_strcaseeq(u->schema, "dbo"))
        return ENTRASQL_OK;
    size_t n = strlen(ret);
    if (n + 1 + strlen(u->schema) >= size)
        return ENTRASQL_LIMIT;
    ret[n] = '_';
    es_strlcpy_utf8(ret + n + 1, size - n - 1, u->schema);
    return ENTRASQL_OK;
}

/* ---- checks ---- */

entrasql_status migrate_user_take_roles(migrate_user *u, char *list, entrasql_error *err)
{
    char *rest = NULL;
    for (char *one = list != NULL ? strtok_r(list, ",", &rest) : NULL; one != NULL;
         one = strtok_r(NULL, ",", &rest)) {
        if (u->role_count == MIGRATE_ROLES_MAX)
            return es_fail(err, ENTRASQL_INVALID, "--roles: more than %d", MIGRATE_ROLES_MAX);
        while (*one == ' ')
            one++;
        for (size_t n = strlen(one); n != 0 && one[n - 1] == ' '; n--)
            one[n - 1] = '\0';
        u->roles[u->role_count++] = one;
    }
    return ENTRASQL_OK;
}

entrasql_status migrate_user_check(const migrate_user *u, entrasql_error *err)
{
    char role[MIGRATE_NAME_MAX_BYTES + 1];
    uint8_t id[MIGRATE_SID_BYTES];

    ES_TRY(migrate_name_check_external(u->name, err));
    ES_TRY(migrate_name_check("the schema name", u->schema, err));
    if (u->profile->role != NULL && role_name(u, role, sizeof role) != ENTRASQL_OK)
        return es_fail(err, ENTRASQL_INVALID, "the schema name is too long for a role of its own");
    if (u->profile->role != NULL)
        ES_TRY(migrate_name_check("the name of the schema's role", role, err));
    if (u->default_schema != NULL)
        ES_TRY(migrate_name_check("the default schema", u->default_schema, err));
    for (size_t i = 0; i < u->role_count; i++)
        ES_TRY(migrate_name_check("the role name", u->roles[i], err));
    if (u->object_id != NULL && es_guid_parse(u->object_id, id) != ENTRASQL_OK)
        return es_fail(err, ENTRASQL_INVALID, "the object id is not a GUID");
    return ENTRASQL_OK;
}

entrasql_status migrate_user_role_name(const migrate_user *u, char *ret, size_t size,
                                       entrasql_error *err)
{
    ret[0] = '\0';
    if (u->profile->role == NULL || role_name(u, ret, size) == ENTRASQL_OK)
        return ENTRASQL_OK;
    return es_fail(err, ENTRASQL_INVALID, "the schema name is too long for a role of its own");
}

bool migrate_user_gives_role(const migrate_user *u, const char *role, const char *own_role)
{
    if (own_role[0] != '\0' && es_strcaseeq(own_role, role))
        return true;
    for (size_t i = 0; u->profile->fixed_roles[i] != NULL; i++) {
        if (es_strcaseeq(u->profile->fixed_roles[i], role))
            return true;
    }
    for (size_t i = 0; i < u->role_count; i++) {
        if (es_strcaseeq(u->roles[i], role))
            return true;
    }
    return false;
}

/* ---- the user ---- */

entrasql_status migrate_add_create_user(es_buf *sql, const migrate_user *u)
{
    ES_TRY(es_buf_add_str(sql, "CREATE USER "));
    ES_TRY(migrate_add_identifier(sql, u->name));
    if (u->has_sid) {
        ES_TRY(es_buf_add_str(sql, " WITH SID = "));
        ES_TRY(migrate_add_binary(sql, u->sid, sizeof u->sid));
        ES_TRY(es_buf_printf(sql, ", TYPE = %c", u->type));
    } else {
        ES_TRY(es_buf_add_str(sql, " FROM EXTERNAL PROVIDER"));
        if (u->object_id != NULL)
            ES_TRY(es_buf_printf(sql, " WITH OBJECT_ID = '%s'", u->object_id));
    }
    if (u->default_schema == NULL)
        return ENTRASQL_OK;
    ES_TRY(es_buf_add_str(sql, u->has_sid || u->object_id != NULL ? ", " : " WITH "));
    ES_TRY(es_buf_add_str(sql, "DEFAULT_SCHEMA = "));
    return migrate_add_identifier(sql, u->default_schema);
}

static void shown_id(const migrate_principal *p, char ret[ES_GUID_TEXT_SIZE])
{
    es_strlcpy_utf8(ret, ES_GUID_TEXT_SIZE, "unknown");
    if (p->sid_length >= MIGRATE_SID_BYTES)
        es_guid_format(p->sid, ret);
}

static entrasql_status other_identity(const migrate_principal *old, const migrate_user *u,
                                      const char *name, entrasql_error *err)
{
    char has[ES_GUID_TEXT_SIZE];
    char wanted[ES_GUID_TEXT_SIZE];

    shown_id(old, has);
    es_guid_format(u->sid, wanted);
    es_fail(err, ENTRASQL_EXISTS,
            "the user '%s' belongs to another principal: it has the id %s, and %s was asked for",
            name, has, wanted);
    es_hint(err,
            "When an identity is deleted and made again it has new ids, and its old user cannot "
            "sign in. `entrasql user repair` gives the user the new id and keeps its roles.");
    return ENTRASQL_EXISTS;
}

/* *ret: the user is there. */
static entrasql_status find_user(const migrate_principals *p, const migrate_user *u,
                                 const migrate_principal **ret, entrasql_error *err)
{
    char name[SHOWN_SIZE];
    char other[SHOWN_SIZE];
    const migrate_principal *old = migrate_principal_by_name(p, u->name);
    const migrate_principal *same = u->has_sid ? migrate_principal_by_sid(p, u->sid) : NULL;

    *ret = old;
    es_printable(name, sizeof name, u->name, strlen(u->name));
    if (old != NULL && !migrate_principal_is_external(old)) {
        es_fail(err, ENTRASQL_EXISTS, "'%s' is the name of a %s of the database", name,
                old->type == 'R' ? "role" : "user with a password");
        es_hint(err, "Give the Entra user another name and tell the principal by its id (--app-id, "
                     "--user-id, --group-id), or drop the old one first.");
        return ENTRASQL_EXISTS;
    }
    if (old != NULL && u->has_sid && !migrate_principal_has_sid(old, u->sid))
        return other_identity(old, u, name, err);
    if (same == NULL || same == old)
        return ENTRASQL_OK;
    es_printable(other, sizeof other, same->name, strlen(same->name));
    es_fail(err, ENTRASQL_EXISTS, "the principal has a user already, under the name '%s'", other);
    es_hint(err, "Use that name, or remove the user first: entrasql user remove '%s'", other);
    return ENTRASQL_EXISTS;
}

/* ---- its roles ---- */

static entrasql_status add_member(migrate_changes *c, const migrate_principals *p,
                                  const migrate_principal *user, const char *role, const char *name)
{
    const migrate_principal *r = migrate_principal_by_name(p, role);
    if (r != NULL && user != NULL && migrate_is_member(p, r->id, user->id))
        return ENTRASQL_OK;
    ES_TRY(es_buf_add_str(&c->sql, "ALTER ROLE "));
    ES_TRY(migrate_add_identifier(&c->sql, role));
    ES_TRY(es_buf_add_str(&c->sql, " ADD MEMBER "));
    ES_TRY(migrate_add_identifier(&c->sql, name));
    ES_TRY(es_buf_add_str(&c->sql, ";\n"));
    return migrate_changes_note(c, "make %s a member of %s", name, role);
}

/* The permissions that the role lacks, in one GRANT. */
static entrasql_status grant_missing(migrate_changes *c, const migrate_principals *p,
                                     const migrate_user *u, const char *role)
{
    const migrate_principal *r = migrate_principal_by_name(p, role);
    char list[100] = "";
    size_t used = 0;

    for (size_t i = 0; u->profile->permissions[i] != NULL; i++) {
        const char *one = u->profile->permissions[i];
        if (r != NULL && migrate_has_schema_permission(p, r->id, u->schema, one))
            continue;
        if (used != 0) {
            es_strlcpy_utf8(list + used, sizeof list - used, ", ");
            used += 2;
        }
        es_strlcpy_utf8(list + used, sizeof list - used, one);
        used += strlen(one);
    }
    if (used == 0)
        return ENTRASQL_OK;
    ES_TRY(es_buf_printf(&c->sql, "GRANT %s ON SCHEMA::", list));
    ES_TRY(migrate_add_identifier(&c->sql, u->schema));
    ES_TRY(es_buf_add_str(&c->sql, " TO "));
    ES_TRY(migrate_add_identifier(&c->sql, role));
    ES_TRY(es_buf_add_str(&c->sql, ";\n"));
    return migrate_changes_note(c, "grant %s on schema %s to %s", list, u->schema, role);
}

static entrasql_status profile_role(migrate_changes *c, const migrate_principals *p,
                                    const migrate_user *u, const migrate_principal *user,
                                    entrasql_error *err)
{
    char role[MIGRATE_NAME_MAX_BYTES + 1];
    if (role_name(u, role, sizeof role) != ENTRASQL_OK)
        return es_fail(err, ENTRASQL_INVALID, "the schema name is too long");
    const migrate_principal *old = migrate_principal_by_name(p, role);
    if (!migrate_schema_exists(p, u->schema)) {
        char shown[SHOWN_SIZE];
        es_printable(shown, sizeof shown, u->schema, strlen(u->schema));
        es_fail(err, ENTRASQL_NOT_FOUND, "the database has no schema '%s' that we may see", shown);
        es_hint(err, "Name the schema of the app's tables with --schema, or make it first.");
        return ENTRASQL_NOT_FOUND;
    }
    if (old != NULL && old->type != 'R') {
        es_fail(err, ENTRASQL_EXISTS, "'%s' is not a role in this database", role);
        es_hint(err, "Rename that user, or choose another profile (--profile).");
        return ENTRASQL_EXISTS;
    }
    if (old == NULL) {
        ES_TRY(es_buf_add_str(&c->sql, "CREATE ROLE "));
        ES_TRY(migrate_add_identifier(&c->sql, role));
        ES_TRY(es_buf_add_str(&c->sql, ";\n"));
        ES_TRY(migrate_changes_note(c, "create the role %s", role));
    }
    ES_TRY(grant_missing(c, p, u, role));
    return add_member(c, p, user, role, u->name);
}

static entrasql_status named_role(migrate_changes *c, const migrate_principals *p,
                                  const migrate_user *u, const migrate_principal *user,
                                  const char *role, entrasql_error *err)
{
    const migrate_principal *r = migrate_principal_by_name(p, role);
    char shown[SHOWN_SIZE];

    if (r != NULL && r->type == 'R')
        return add_member(c, p, user, role, u->name);
    es_printable(shown, sizeof shown, role, strlen(role));
    es_fail(err, ENTRASQL_NOT_FOUND, "the database has no role '%s'", shown);
    es_hint(err, "Create it first (CREATE ROLE), or use one of the fixed ones, as db_datareader.");
    return ENTRASQL_NOT_FOUND;
}

entrasql_status migrate_add_roles(migrate_changes *c, const migrate_principals *p,
                                  const migrate_user *u, const migrate_principal *user,
                                  entrasql_error *err)
{
    if (u->profile->role != NULL)
        ES_TRY(profile_role(c, p, u, user, err));
    for (size_t i = 0; u->profile->fixed_roles[i] != NULL; i++)
        ES_TRY(named_role(c, p, u, user, u->profile->fixed_roles[i], err));
    for (size_t i = 0; i < u->role_count; i++)
        ES_TRY(named_role(c, p, u, user, u->roles[i], err));
    return ENTRASQL_OK;
}

entrasql_status migrate_user_diff(const migrate_principals *p, const migrate_user *u,
                                  migrate_changes *ret, entrasql_error *err)
{
    const migrate_principal *user = NULL;

    es_error_clear(err);
    ES_TRY(migrate_user_check(u, err));
    ES_TRY(find_user(p, u, &user, err));
    if (user == NULL) {
        entrasql_status status = migrate_add_create_user(&ret->sql, u);
        if (status == ENTRASQL_OK)
            status = es_buf_add_str(&ret->sql, ";\n");
        if (status == ENTRASQL_OK)
            status = migrate_changes_note(ret, "create the user %s", u->name);
        ES_TRY(migrate_changes_status(status, err));
    }
    return migrate_changes_status(migrate_add_roles(ret, p, u, user, err), err);
}

/* ---- a script ---- */

/* IF <not there> statement */
static entrasql_status script_guard(es_buf *sql, const char *name)
{
    ES_TRY(es_buf_add_str(sql, "IF DATABASE_PRINCIPAL_ID("));
    ES_TRY(migrate_add_text(sql, name));
    return es_buf_add_str(sql, ") IS NULL\n    ");
}

static entrasql_status script_member(es_buf *sql, const char *role, const char *name)
{
    ES_TRY(es_buf_add_str(sql, "ALTER ROLE "));
    ES_TRY(migrate_add_identifier(sql, role));
    ES_TRY(es_buf_add_str(sql, " ADD MEMBER "));
    ES_TRY(migrate_add_identifier(sql, name));
    return es_buf_add_str(sql, ";\n");
}

/* A user of that name and another SID must not get the roles. */
static entrasql_status script_sid_check(es_buf *sql, const migrate_user *u)
{
    ES_TRY(es_buf_add_str(sql, "IF EXISTS (SELECT 1 FROM sys.database_principals WHERE name = "));
    ES_TRY(migrate_add_text(sql, u->name));
    ES_TRY(es_buf_add_str(sql, " AND (type NOT IN ('E', 'X') OR SUBSTRING(sid, 1, 16) <> "));
    ES_TRY(migrate_add_binary(sql, u->sid, sizeof u->sid));
    return es_buf_add_str(
        sql, "))\n    THROW 50001, N'another principal has this name: drop its user first', 1;\n");
}

static entrasql_status script_profile(es_buf *sql, const migrate_user *u)
{
    char role[MIGRATE_NAME_MAX_BYTES + 1];
    ES_TRY(role_name(u, role, sizeof role));
    ES_TRY(script_guard(sql, role));
    ES_TRY(es_buf_add_str(sql, "CREATE ROLE "));
    ES_TRY(migrate_add_identifier(sql, role));
    ES_TRY(es_buf_add_str(sql, ";\nGRANT "));
    for (size_t i = 0; u->profile->permissions[i] != NULL; i++)
        ES_TRY(es_buf_printf(sql, "%s%s", i != 0 ? ", " : "", u->profile->permissions[i]));
    ES_TRY(es_buf_add_str(sql, " ON SCHEMA::"));
    ES_TRY(migrate_add_identifier(sql, u->schema));
    ES_TRY(es_buf_add_str(sql, " TO "));
    ES_TRY(migrate_add_identifier(sql, role));
    ES_TRY(es_buf_add_str(sql, ";\n"));
    return script_member(sql, role, u->name);
}

static entrasql_status build_script(const migrate_user *u, es_buf *sql)
{
    ES_TRY(es_buf_add_str(sql, "SET XACT_ABORT ON;\nBEGIN TRANSACTION;\n"));
    if (u->has_sid)
        ES_TRY(script_sid_check(sql, u));
    ES_TRY(script_guard(sql, u->name));
    ES_TRY(migrate_add_create_user(sql, u));
    ES_TRY(es_buf_add_str(sql, ";\n"));
    if (u->profile->role != NULL)
        ES_TRY(script_profile(sql, u));
    for (size_t i = 0; u->profile->fixed_roles[i] != NULL; i++)
        ES_TRY(script_member(sql, u->profile->fixed_roles[i], u->name));
    for (size_t i = 0; i < u->role_count; i++)
        ES_TRY(script_member(sql, u->roles[i], u->name));
    return es_buf_add_str(sql, "COMMIT;\n");
}

entrasql_status migrate_user_script(const migrate_user *u, es_buf *sql, entrasql_error *err)
{
    es_error_clear(err);
    ES_TRY(migrate_user_check(u, err));
    return migrate_changes_status(build_script(u, sql), err);
}
