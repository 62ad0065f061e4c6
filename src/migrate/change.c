/* SPDX-License-Identifier: MIT */
/* Lists of changes, dropping and making a user again. */
#include "migrate/change.h"

#include "base/str.h"
#include "migrate/explain.h"
#include "migrate/name.h"
#include "migrate/rows.h"

#include <string.h>

#define NOTE_SIZE 1600
#define SHOWN_SIZE 400
#define PERMISSION_MAX 60

void migrate_changes_done(migrate_changes *c)
{
    es_buf_done(&c->sql);
    es_buf_done(&c->notes);
    c->count = 0;
}

entrasql_status migrate_changes_note(migrate_changes *c, const char *fmt, ...)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(64 * 1024);
    char shown[NOTE_SIZE];
    va_list ap;

    va_start(ap, fmt);
    entrasql_status status = es_buf_vprintf(&text, fmt, ap);
    va_end(ap);
    ES_TRY(status);
    es_printable(shown, sizeof shown, (const char *)text.data, text.len);
    c->count++;
    return es_buf_printf(&c->notes, "%s\n", shown);
}

entrasql_status migrate_changes_status(entrasql_status status, entrasql_error *err)
{
    if (status == ENTRASQL_OK || (err != NULL && err->status == status))
        return status;
    return status == ENTRASQL_NOMEM ? es_nomem(err)
                                    : es_fail(err, status, "the T-SQL for this is too long");
}

entrasql_status migrate_changes_run(sql_conn *c, const migrate_changes *changes,
                                    entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf batch = ES_BUF_INIT(2 * 1024 * 1024);
    entrasql_status status = es_buf_add_str(&batch, "SET XACT_ABORT ON;\nBEGIN TRANSACTION;\n");

    if (changes->count == 0)
        return ENTRASQL_OK;
    if (status == ENTRASQL_OK)
        status = es_buf_add(&batch, changes->sql.data, changes->sql.len);
    if (status == ENTRASQL_OK)
        status = es_buf_add_str(&batch, "COMMIT;\n");
    const char *text = status == ENTRASQL_OK ? es_buf_cstr(&batch) : NULL;
    if (text == NULL)
        return es_nomem(err);
    status = migrate_query(c, text, NULL, NULL, err);
    if (status != ENTRASQL_OK)
        migrate_explain_sql(err);
    return status;
}

/* ---- dropping ---- */

static entrasql_status find_external(const migrate_principals *p, const char *name,
                                     const migrate_principal **ret, entrasql_error *err)
{
    char shown[SHOWN_SIZE];

    ES_TRY(migrate_name_check("the user name", name, err));
    es_printable(shown, sizeof shown, name, strlen(name));
    *ret = migrate_principal_by_name(p, name);
    if (*ret == NULL) {
        es_fail(err, ENTRASQL_NOT_FOUND, "the database has no user '%s' that we may see", shown);
        es_hint(err, "entrasql user list shows the Entra users of the database.");
        return ENTRASQL_NOT_FOUND;
    }
    if (migrate_principal_is_external(*ret))
        return ENTRASQL_OK;
    es_fail(err, ENTRASQL_INVALID, "'%s' is no Entra user but a %s", shown,
            (*ret)->type == 'R' ? "role" : "SQL user");
    es_hint(err, "This command changes Entra users only: DROP USER and DROP ROLE do the rest.");
    return ENTRASQL_INVALID;
}

/* 15138: said before anything was tried. */
static entrasql_status check_owns_nothing(const migrate_principals *p, const migrate_principal *u,
                                          entrasql_error *err)
{
    char user[SHOWN_SIZE];
    char schema[SHOWN_SIZE];

    for (size_t i = 0; i < p->schema_count; i++) {
        if (p->schemas[i].owner != u->id)
            continue;
        es_printable(user, sizeof user, u->name, strlen(u->name));
        es_printable(schema, sizeof schema, p->schemas[i].name, strlen(p->schemas[i].name));
        es_fail(err, ENTRASQL_EXISTS, "the user '%s' owns the schema '%s' and so cannot be dropped",
                user, schema);
        es_hint(err,
                "Give the schema to somebody else first: ALTER AUTHORIZATION ON SCHEMA::[%s] "
                "TO [dbo]",
                schema);
        return ENTRASQL_EXISTS;
    }
    return ENTRASQL_OK;
}

static entrasql_status add_drop(migrate_changes *c, const char *name)
{
    ES_TRY(es_buf_add_str(&c->sql, "DROP USER "));
    ES_TRY(migrate_add_identifier(&c->sql, name));
    ES_TRY(es_buf_add_str(&c->sql, ";\n"));
    return migrate_changes_note(c, "drop the user %s", name);
}

entrasql_status migrate_user_drop(const migrate_principals *p, const char *name,
                                  migrate_changes *ret, entrasql_error *err)
{
    const migrate_principal *old = NULL;

    es_error_clear(err);
    ES_TRY(find_external(p, name, &old, err));
    ES_TRY(check_owns_nothing(p, old, err));
    return migrate_changes_status(add_drop(ret, old->name), err);
}

/* ---- making it again ---- */

static entrasql_status keep_members(migrate_changes *c, const migrate_principals *p,
                                    const migrate_principal *old)
{
    for (size_t i = 0; i < p->member_count; i++) {
        const migrate_principal *role = migrate_principal_by_id(p, p->members[i].role);
        if (p->members[i].member != old->id || role == NULL)
            continue;
        ES_TRY(es_buf_add_str(&c->sql, "ALTER ROLE "));
        ES_TRY(migrate_add_identifier(&c->sql, role->name));
        ES_TRY(es_buf_add_str(&c->sql, " ADD MEMBER "));
        ES_TRY(migrate_add_identifier(&c->sql, old->name));
        ES_TRY(es_buf_add_str(&c->sql, ";\n"));
        ES_TRY(migrate_changes_note(c, "keep its membership of %s", role->name));
    }
    return ENTRASQL_OK;
}

/* The catalog's word goes into a statement: letters and blanks only, as all permissions have. */
static bool is_permission(const char *s)
{
    size_t n = strlen(s);
    return n != 0 && n <= PERMISSION_MAX && strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ ") == n;
}

static entrasql_status add_securable(es_buf *sql, const migrate_permission *one)
{
    if (one->klass == 0)
        return ENTRASQL_OK;
    ES_TRY(es_buf_add_str(sql, one->klass == 3 ? " ON SCHEMA::" : " ON OBJECT::"));
    ES_TRY(migrate_add_identifier(sql, one->schema));
    if (one->klass == 3)
        return ENTRASQL_OK;
    ES_TRY(es_buf_u8(sql, '.'));
    return migrate_add_identifier(sql, one->object);
}

static entrasql_status keep_permission(migrate_changes *c, const migrate_permission *one,
                                       const char *name)
{
    bool is_whole = one->klass == 0 || (one->klass == 3 && one->schema[0] != '\0') ||
                    (one->klass == 1 && one->minor == 0 && one->object[0] != '\0');
    bool is_given = one->state == 'G' || one->state == 'W' || one->state == 'D';
    if (!is_whole || !is_given || !is_permission(one->permission))
        return migrate_changes_note(c,
                                    "NOT kept, grant it again: %s on a part of an object or on "
                                    "another kind of securable",
                                    one->permission);
    ES_TRY(es_buf_printf(&c->sql, "%s %s", one->state == 'D' ? "DENY" : "GRANT", one->permission));
    ES_TRY(add_securable(&c->sql, one));
    ES_TRY(es_buf_add_str(&c->sql, " TO "));
    ES_TRY(migrate_add_identifier(&c->sql, name));
    ES_TRY(es_buf_add_str(&c->sql, one->state == 'W' ? " WITH GRANT OPTION;\n" : ";\n"));
    return migrate_changes_note(c, "keep its permission %s", one->permission);
}

static entrasql_status rebuild(const migrate_principals *p, const migrate_user *u,
                               const migrate_principal *old, migrate_changes *c)
{
    migrate_user again = *u;

    again.name = old->name;
    if (again.default_schema == NULL && old->default_schema[0] != '\0')
        again.default_schema = old->default_schema;
    ES_TRY(add_drop(c, old->name));
    ES_TRY(migrate_add_create_user(&c->sql, &again));
    ES_TRY(es_buf_add_str(&c->sql, ";\n"));
    ES_TRY(migrate_changes_note(c, "create the user %s", old->name));
    ES_TRY(keep_members(c, p, old));
    for (size_t i = 0; i < p->permission_count; i++) {
        if (p->permissions[i].grantee == old->id)
            ES_TRY(keep_permission(c, &p->permissions[i], old->name));
    }
    return ENTRASQL_OK;
}

entrasql_status migrate_user_rebuild(const migrate_principals *p, const migrate_user *u,
                                     migrate_changes *ret, entrasql_error *err)
{
    const migrate_principal *old = NULL;

    es_error_clear(err);
    ES_TRY(migrate_user_check(u, err));
    ES_TRY(find_external(p, u->name, &old, err));
    if (u->has_sid && migrate_principal_has_sid(old, u->sid) && old->type == u->type)
        return ENTRASQL_OK;
    ES_TRY(check_owns_nothing(p, old, err));
    return migrate_changes_status(rebuild(p, u, old, ret), err);
}
