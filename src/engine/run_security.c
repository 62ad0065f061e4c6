/* SPDX-License-Identifier: MIT */
/* CREATE, ALTER and DROP of users and roles, membership, GRANT, DENY and REVOKE. */
#include "engine/run_security.h"

#include "base/mem.h"
#include "base/random.h"
#include "base/str.h"
#include "engine/permission.h"
#include "engine/run.h"
#include "engine/tran.h"
#include "sqltype/collation.h"

#include <string.h>

enum { GUID_BYTES = 16, FIRST_USER_ID = 5, LAST_USER_ID = 16383 };

/* ---- shared ---- */

static entrasql_status not_there(entrasql_error *err, const char *verb, const char *what,
                                 const char *name)
{
    return engine_error(
        err, 15151, 1,
        "Cannot %s the %s '%s', because it does not exist or you do not have permission.", verb,
        what, name);
}

static entrasql_status not_allowed(entrasql_error *err)
{
    return engine_error(err, 15247, 1, "User does not have permission to perform this action.");
}

/* The lowest free number, as SQL Server gives them out. */
static int32_t free_principal_id(const engine_catalog *c)
{
    for (int32_t id = FIRST_USER_ID; id <= LAST_USER_ID; id++) {
        if (engine_catalog_principal_by_id(c, id) == NULL)
            return id;
    }
    return 0;
}

static entrasql_status check_new_name(const engine_catalog *c, const char *name,
                                      entrasql_error *err)
{
    if (engine_catalog_principal(c, name) != NULL)
        return engine_error(err, 15023, 1,
                            "User, group, or role '%s' already exists in the current database.",
                            name);
    return ENTRASQL_OK;
}

static entrasql_status new_principal(engine_session *s, const char *name, char type,
                                     engine_principal *ret, entrasql_error *err)
{
    ES_TRY(check_new_name(s->catalog, name, err));
    *ret = (engine_principal){
        .id = free_principal_id(s->catalog),
        .type = type,
        .created = engine_now(),
        .modified = engine_now(),
    };
    if (ret->id == 0)
        return es_fail(err, ENTRASQL_LIMIT, "the database has no room for another principal");
    return ENTRASQL_OK;
}

/* ---- users ---- */

/* WITH OBJECT_ID: the user's name has to begin with the principal's own. */
static entrasql_status find_by_object_id(engine_session *s, const tsql_user_stmt *stmt,
                                         engine_external *ret, entrasql_error *err)
{
    const engine_server *server = s->server;
    char name[4 * ENGINE_NAME_MAX] = "";
    uint8_t wanted[GUID_BYTES];
    bool found = es_guid_parse(stmt->object_id, wanted) == ENTRASQL_OK;

    if (found)
        found = server->directory_find_id(server->directory_ctx, wanted, ret, name, sizeof name) &&
                es_strncaseeq(name, stmt->name.text, strlen(name));
    if (found)
        return ENTRASQL_OK;
    return engine_error(err, 37545, 1,
                        "'%s' is not a valid object id for '%s' or you do not have permission.",
                        stmt->object_id, stmt->name.text);
}

/* Whom the directory knows by the name; OBJECT_ID tells namesakes apart. */
static entrasql_status find_external(engine_session *s, const tsql_user_stmt *stmt,
                                     engine_external *ret, entrasql_error *err)
{
    const char *name = stmt->name.text;
    size_t count = 0;
    if (s->server->directory_find != NULL)
        count = s->server->directory_find(s->server->directory_ctx, name, ret);
    if (count == ENGINE_DIRECTORY_REFUSED)
        return engine_error(err, 33134, 1,
                            "Principal '%s' could not be resolved. Error message: 'Server identity "
                            "does not have Azure Active Directory Readers permission.'",
                            name);
    if (stmt->object_id != NULL && s->server->directory_find_id != NULL)
        return find_by_object_id(s, stmt, ret, err);
    if (count == 0)
        return engine_error(
            err, 33130, 1,
            "Principal '%s' could not be found or this principal type is not supported.", name);
    if (count > 1)
        return engine_error(err, 33131, 1,
                            "Principal '%s' has a duplicate display name. Make the display name "
                            "unique in Azure Active Directory and execute this statement again.",
                            name);
    return ENTRASQL_OK;
}

static entrasql_status external_user(engine_session *s, const tsql_user_stmt *stmt,
                                     engine_principal *p, entrasql_error *err)
{
    if (!s->who.external)
        return engine_error(err, 33159, 1,
                            "Principal '%s' could not be created. Only connections established "
                            "with Active Directory accounts can create other Active Directory "
                            "users.",
                            stmt->name.text);
    engine_external found = {0};
    ES_TRY(find_external(s, stmt, &found, err));
    if (found.kind == ENGINE_EXTERNAL_OTHER)
        return engine_error(err, 33132, 1,
                            "This principal type is not supported in Windows Azure SQL Database.");
    const uint8_t *sid = found.kind == ENGINE_EXTERNAL_APP ? found.client_id : found.object_id;
    memcpy(p->sid, sid, GUID_BYTES);
    p->sid_length = GUID_BYTES;
    p->type = found.kind == ENGINE_EXTERNAL_GROUP ? 'X' : 'E';
    return ENTRASQL_OK;
}

/* WITH SID = 0x..., TYPE = E | X: a principal of the directory that is not looked up. */
static entrasql_status user_with_sid(const tsql_user_stmt *stmt, engine_principal *p,
                                     entrasql_error *err)
{
    if (stmt->sid_length != GUID_BYTES)
        return engine_error(err, 15419, 1, "Supplied parameter sid should be binary(16).");
    memcpy(p->sid, stmt->sid, GUID_BYTES);
    p->sid_length = GUID_BYTES;
    p->type = stmt->type != '\0' ? stmt->type : 'S';
    return ENTRASQL_OK;
}

/* SID and TYPE: only together, without another source, and without a backslash in the name. */
static entrasql_status check_typed(const tsql_user_stmt *stmt, entrasql_error *err)
{
    bool has_type = stmt->type != '\0';
    if (!has_type && !(stmt->has_sid && stmt->source == TSQL_USER_DEFAULT))
        return ENTRASQL_OK;
    if (has_type && stmt->source == TSQL_USER_PASSWORD)
        return engine_error(err, 33170, 1,
                            "The SID and TYPE options cannot be used with PASSWORD.");
    if (has_type && stmt->source != TSQL_USER_DEFAULT)
        return engine_error(err, 33168, 1,
                            "The SID and TYPE options cannot be used with a FROM, FOR or WITHOUT "
                            "LOGIN clause.");
    if (!has_type || !stmt->has_sid)
        return engine_error(err, 33162, 1, "The SID and TYPE options must be used together.");
    if (stmt->type == '?')
        return engine_error(err, 33163, 1, "The TYPE option must be E or X.");
    if (strchr(stmt->name.text, '\\') != NULL)
        return engine_error(err, 33169, 1, "'%s' is not a valid user name: it has a backslash.",
                            stmt->name.text);
    return ENTRASQL_OK;
}

static entrasql_status fill_sid(engine_session *s, const tsql_user_stmt *stmt, engine_principal *p,
                                entrasql_error *err)
{
    if (stmt->source == TSQL_USER_EXTERNAL_PROVIDER)
        return external_user(s, stmt, p, err);
    if (stmt->has_sid)
        return user_with_sid(stmt, p, err);
    es_random_bytes(p->sid, GUID_BYTES);
    p->sid_length = GUID_BYTES;
    return ENTRASQL_OK;
}

static entrasql_status create_user(engine_session *s, const tsql_user_stmt *stmt,
                                   entrasql_error *err)
{
    if (!engine_may_database(s, "ALTER ANY USER"))
        return not_allowed(err);
    engine_principal p;
    ES_TRY(check_typed(stmt, err));
    ES_TRY(new_principal(s, stmt->name.text, 'S', &p, err));
    ES_TRY(fill_sid(s, stmt, &p, err));
    if (engine_catalog_principal_by_sid(s->catalog, p.sid, p.sid_length) != NULL)
        return engine_error(err, 15063, 1,
                            "The login already has an account under a different user name.");
    ES_CLEANUP(es_cleanup_free) char *name = es_strdup(stmt->name.text);
    ES_CLEANUP(es_cleanup_free) char *schema = NULL;
    if (name == NULL)
        return es_nomem(err);
    if (p.type != 'X' || stmt->default_schema.text != NULL) {
        schema = es_strdup(stmt->default_schema.text != NULL ? stmt->default_schema.text : "dbo");
        if (schema == NULL)
            return es_nomem(err);
    }
    p.name = name;
    p.default_schema = schema;
    return engine_catalog_add_principal(s->db, &p, err);
}

static entrasql_status alter_user(engine_session *s, const tsql_user_stmt *stmt,
                                  entrasql_error *err)
{
    const engine_principal *old = engine_catalog_principal(s->catalog, stmt->name.text);
    if (old == NULL || old->type == 'R' || old->fixed || !engine_may_database(s, "ALTER ANY USER"))
        return not_there(err, "alter", "user", stmt->name.text);
    engine_principal p = *old;
    ES_CLEANUP(es_cleanup_free) char *name = NULL;
    ES_CLEANUP(es_cleanup_free) char *schema = NULL;
    if (stmt->new_name.text != NULL) {
        if (!sqlcollation_equal_names(stmt->new_name.text, old->name))
            ES_TRY(check_new_name(s->catalog, stmt->new_name.text, err));
        if ((name = es_strdup(stmt->new_name.text)) == NULL)
            return es_nomem(err);
        p.name = name;
    }
    if (stmt->default_schema.text != NULL) {
        if ((schema = es_strdup(stmt->default_schema.text)) == NULL)
            return es_nomem(err);
        p.default_schema = schema;
    }
    p.modified = engine_now();
    return engine_catalog_set_principal(s->db, &p, err);
}

/* ---- dropping ---- */

static entrasql_status check_owns_nothing(const engine_catalog *c, const engine_principal *p,
                                          entrasql_error *err)
{
    for (size_t i = 0; i < c->schema_count; i++) {
        if (c->schemas[i].owner == p->id)
            return engine_error(err, 15138, 1,
                                "The database principal owns a schema in the database, and cannot "
                                "be dropped.");
    }
    for (size_t i = 0; p->type == 'R' && i < c->member_count; i++) {
        if (c->members[i].role == p->id)
            return engine_error(err, 15144, 1,
                                "The role has members. It must be empty before it can be dropped.");
    }
    return ENTRASQL_OK;
}

static entrasql_status drop_one(engine_session *s, const char *name, bool is_role, bool if_exists,
                                entrasql_error *err)
{
    const char *what = is_role ? "role" : "user";
    const engine_principal *p = engine_catalog_principal(s->catalog, name);
    bool there = p != NULL && (p->type == 'R') == is_role;
    if (!there && if_exists)
        return ENTRASQL_OK;
    if (!there || !engine_may_database(s, is_role ? "ALTER ANY ROLE" : "ALTER ANY USER"))
        return not_there(err, "drop", what, name);
    if (p->fixed || p->id < FIRST_USER_ID)
        return engine_error(err, 15150, 1, "Cannot drop the %s '%s'.", what, p->name);
    ES_TRY(check_owns_nothing(s->catalog, p, err));
    return engine_catalog_drop_principal(s->db, p->id, err);
}

/* ---- roles ---- */

/* Members of fixed roles are db_owner's business; of other roles, that of who may alter them. */
static bool may_change_members(const engine_session *s, const engine_principal *role)
{
    if (role->fixed)
        return engine_is_owner(s);
    return engine_may_database(s, "ALTER ANY ROLE");
}

entrasql_status engine_change_member(engine_session *s, const char *role, const char *member,
                                     bool add, entrasql_error *err)
{
    const engine_principal *r = engine_catalog_principal(s->catalog, role);
    if (r == NULL || r->type != 'R' || r->id == ENGINE_PUBLIC || !may_change_members(s, r))
        return not_there(err, "alter", "role", role);
    const engine_principal *m = engine_catalog_principal(s->catalog, member);
    if (m == NULL)
        return not_there(err, add ? "add" : "drop", "principal", member);
    if (m->id == ENGINE_DBO)
        return engine_error(err, 15405, 1, "Cannot use the special principal '%s'.", m->name);
    if (add && (m->id == r->id || (m->type == 'R' && engine_role_has(s->catalog, m->id, r->id))))
        return engine_error(err, 15413, 1, "Cannot make a role a member of itself.");
    return engine_catalog_set_member(s->db, r->id, m->id, add, err);
}

static entrasql_status create_role(engine_session *s, const tsql_role_stmt *stmt,
                                   entrasql_error *err)
{
    if (!engine_may_database(s, "CREATE ROLE") && !engine_may_database(s, "ALTER ANY ROLE"))
        return not_allowed(err);
    engine_principal p;
    ES_TRY(new_principal(s, stmt->role.text, 'R', &p, err));
    p.owner = ENGINE_DBO;
    if (stmt->member.text != NULL) {
        const engine_principal *owner = engine_catalog_principal(s->catalog, stmt->member.text);
        if (owner == NULL)
            return not_there(err, "find", "principal", stmt->member.text);
        p.owner = owner->id;
    }
    es_random_bytes(p.sid, GUID_BYTES);
    p.sid_length = GUID_BYTES;
    ES_CLEANUP(es_cleanup_free) char *name = es_strdup(stmt->role.text);
    if (name == NULL)
        return es_nomem(err);
    p.name = name;
    return engine_catalog_add_principal(s->db, &p, err);
}

static entrasql_status rename_role(engine_session *s, const tsql_role_stmt *stmt,
                                   entrasql_error *err)
{
    const engine_principal *old = engine_catalog_principal(s->catalog, stmt->role.text);
    if (old == NULL || old->type != 'R' || old->fixed || !engine_may_database(s, "ALTER ANY ROLE"))
        return not_there(err, "alter", "role", stmt->role.text);
    if (!sqlcollation_equal_names(stmt->member.text, old->name))
        ES_TRY(check_new_name(s->catalog, stmt->member.text, err));
    ES_CLEANUP(es_cleanup_free) char *name = es_strdup(stmt->member.text);
    if (name == NULL)
        return es_nomem(err);
    engine_principal p = *old;
    p.name = name;
    p.modified = engine_now();
    return engine_catalog_set_principal(s->db, &p, err);
}

static entrasql_status change_role(engine_session *s, const tsql_role_stmt *stmt,
                                   entrasql_error *err)
{
    switch (stmt->action) {
    case TSQL_ROLE_CREATE:
        return create_role(s, stmt, err);
    case TSQL_ROLE_RENAME:
        return rename_role(s, stmt, err);
    case TSQL_ROLE_ADD_MEMBER:
    case TSQL_ROLE_DROP_MEMBER:
        break;
    }
    return engine_change_member(s, stmt->role.text, stmt->member.text,
                                stmt->action == TSQL_ROLE_ADD_MEMBER, err);
}

/* ---- permissions ---- */

/* What GRANT names: class, number, and the table for its columns. */
typedef struct securable {
    engine_class klass;
    int32_t major;
    const engine_object *object;
} securable;

static entrasql_status find_securable(engine_session *s, const tsql_grant_stmt *stmt,
                                      securable *ret, entrasql_error *err)
{
    char text[4 * ENGINE_NAME_MAX];
    const char *name = stmt->object.name.text;
    switch (stmt->securable) {
    case TSQL_SECURABLE_DATABASE:
        *ret = (securable){.klass = ENGINE_CLASS_DATABASE};
        return ENTRASQL_OK;
    case TSQL_SECURABLE_OBJECT: {
        const engine_object *o = NULL;
        ES_TRY(engine_find_object(s, &stmt->object, &o, err));
        if (o == NULL || !engine_may_see(s, o))
            return not_there(err, "find", "object",
                             engine_object_text(&stmt->object, text, sizeof text));
        *ret = (securable){.klass = ENGINE_CLASS_OBJECT, .major = o->id, .object = o};
        return ENTRASQL_OK;
    }
    case TSQL_SECURABLE_SCHEMA: {
        const engine_schema *schema = engine_catalog_schema(s->catalog, name);
        if (schema == NULL)
            return not_there(err, "find", "schema", name);
        *ret = (securable){.klass = ENGINE_CLASS_SCHEMA, .major = schema->id};
        return ENTRASQL_OK;
    }
    case TSQL_SECURABLE_USER:
    case TSQL_SECURABLE_ROLE: {
        const engine_principal *p = engine_catalog_principal(s->catalog, name);
        bool is_role = stmt->securable == TSQL_SECURABLE_ROLE;
        if (p == NULL || (p->type == 'R') != is_role)
            return not_there(err, "find", is_role ? "role" : "user", name);
        *ret = (securable){.klass = ENGINE_CLASS_PRINCIPAL, .major = p->id};
        return ENTRASQL_OK;
    }
    case TSQL_SECURABLE_TYPE:
    case TSQL_SECURABLE_OTHER:
        break;
    }
    return engine_unsupported(err, "GRANT, DENY and REVOKE on this class of securable");
}

static entrasql_status find_grantee(engine_session *s, const tsql_name *name, int32_t *ret,
                                    entrasql_error *err)
{
    const engine_principal *p = engine_catalog_principal(s->catalog, name->text);
    if (p == NULL)
        return not_there(err, "find", "user", name->text);
    if (p->id == ENGINE_DBO || p->id == s->who.user)
        return engine_error(err, 4604, 1,
                            "Cannot grant, deny, or revoke permissions to sa, dbo, entity owner, "
                            "information_schema, sys, or yourself.");
    if (p->type == 'R' && p->fixed && p->id != ENGINE_PUBLIC)
        return engine_error(err, 4617, 1,
                            "Cannot grant, deny or revoke permissions to or from "
                            "special roles.");
    *ret = p->id;
    return ENTRASQL_OK;
}

static char permission_state(const tsql_grant_stmt *stmt)
{
    if (stmt->action == TSQL_DENY)
        return 'D';
    /* Without its GRANT OPTION a permission stays as a plain one. */
    if (stmt->action == TSQL_REVOKE)
        return stmt->grant_option_for ? 'G' : 'R';
    return stmt->with_grant_option ? 'W' : 'G';
}

static entrasql_status set_permission(engine_session *s, const tsql_grant_stmt *stmt,
                                      const securable *on, const char *permission, int32_t column,
                                      entrasql_error *err)
{
    ES_CLEANUP(es_cleanup_free) char *name = es_strdup(permission);
    if (name == NULL)
        return es_nomem(err);
    for (size_t i = 0; i < stmt->principals.count; i++) {
        engine_permission p = {
            .klass = on->klass,
            .major = on->major,
            .minor = column,
            .grantor = s->who.user,
            .name = name,
            .state = permission_state(stmt),
        };
        ES_TRY(find_grantee(s, &stmt->principals.items[i], &p.grantee, err));
        ES_TRY(engine_catalog_set_permission(s->db, &p, err));
    }
    return ENTRASQL_OK;
}

static entrasql_status set_columns(engine_session *s, const tsql_grant_stmt *stmt,
                                   const securable *on, const char *permission,
                                   const tsql_names *columns, entrasql_error *err)
{
    if (on->object == NULL)
        return engine_error(err, 1020, 1,
                            "Sub-entity lists (such as column or security expressions) cannot be "
                            "specified for entity-level permissions.");
    for (size_t i = 0; i < columns->count; i++) {
        const engine_table_column *c = engine_object_column(on->object, columns->items[i].text);
        if (c == NULL)
            return engine_error(err, 1911, 1,
                                "Column name '%s' does not exist in the target table or view.",
                                columns->items[i].text);
        ES_TRY(set_permission(s, stmt, on, permission, c->id, err));
    }
    return ENTRASQL_OK;
}

/* What ALL stands for on a table; it is the old form, for compatibility. */
static const char *const all_on_objects[] = {"SELECT", "INSERT", "UPDATE", "DELETE", "REFERENCES"};

static entrasql_status grant_one(engine_session *s, const tsql_grant_stmt *stmt,
                                 const securable *on, const tsql_permission *permission,
                                 entrasql_error *err)
{
    if (!engine_may_grant(s, permission->name, on->klass, on->major)) {
        if (on->object != NULL)
            return not_there(err, "find", "object", on->object->name);
        return engine_error(err, 4613, 1, "Grantor does not have GRANT permission.");
    }
    if (es_streq(permission->name, "ALL")) {
        if (on->object == NULL)
            return engine_unsupported(err, "GRANT ALL on anything but an object");
        for (size_t i = 0; i < ES_COUNT_OF(all_on_objects); i++)
            ES_TRY(set_permission(s, stmt, on, all_on_objects[i], 0, err));
        return ENTRASQL_OK;
    }
    const tsql_names *columns =
        permission->columns.count != 0 ? &permission->columns : &stmt->columns;
    if (columns->count != 0)
        return set_columns(s, stmt, on, permission->name, columns, err);
    return set_permission(s, stmt, on, permission->name, 0, err);
}

static entrasql_status change_permissions(engine_session *s, const tsql_grant_stmt *stmt,
                                          entrasql_error *err)
{
    securable on = {0};
    ES_TRY(find_securable(s, stmt, &on, err));
    for (size_t i = 0; i < stmt->permission_count; i++)
        ES_TRY(grant_one(s, stmt, &on, &stmt->permissions[i], err));
    return ENTRASQL_OK;
}

/* ---- statements: each a writing unit ---- */

entrasql_status engine_run_create_user(engine_run *run, const tsql_user_stmt *stmt)
{
    engine_unit unit;
    ES_TRY(engine_unit_begin(run->s, true, true, &unit, run->err));
    entrasql_status status = create_user(run->s, stmt, run->err);
    return engine_unit_end(run->s, &unit, status, run->err);
}

entrasql_status engine_run_alter_user(engine_run *run, const tsql_user_stmt *stmt)
{
    engine_unit unit;
    ES_TRY(engine_unit_begin(run->s, true, true, &unit, run->err));
    entrasql_status status = alter_user(run->s, stmt, run->err);
    return engine_unit_end(run->s, &unit, status, run->err);
}

entrasql_status engine_run_role(engine_run *run, const tsql_role_stmt *stmt)
{
    engine_unit unit;
    ES_TRY(engine_unit_begin(run->s, true, true, &unit, run->err));
    entrasql_status status = change_role(run->s, stmt, run->err);
    return engine_unit_end(run->s, &unit, status, run->err);
}

entrasql_status engine_run_drop_principal(engine_run *run, const tsql_name *name, bool is_role,
                                          bool if_exists)
{
    engine_unit unit;
    ES_TRY(engine_unit_begin(run->s, true, true, &unit, run->err));
    entrasql_status status = drop_one(run->s, name->text, is_role, if_exists, run->err);
    return engine_unit_end(run->s, &unit, status, run->err);
}

entrasql_status engine_run_grant(engine_run *run, const tsql_grant_stmt *stmt)
{
    engine_unit unit;
    ES_TRY(engine_unit_begin(run->s, true, true, &unit, run->err));
    entrasql_status status = change_permissions(run->s, stmt, run->err);
    return engine_unit_end(run->s, &unit, status, run->err);
}
