/* SPDX-License-Identifier: MIT */
/* Functions about users, roles and permissions. */
#include "engine/builtin.h"

#include "base/mem.h"
#include "base/str.h"
#include "engine/bind.h"
#include "engine/permission.h"

#include <string.h>

static entrasql_status give_i(sqlvalue *ret, int64_t v)
{
    ret->is_null = false;
    ret->u.i = v;
    return ENTRASQL_OK;
}

static entrasql_status give_s(engine_call *call, const char *s, sqlvalue *ret)
{
    return s != NULL ? engine_call_text(call, s, strlen(s), ret) : ENTRASQL_OK;
}

static char *text_of(const sqlvalue *v)
{
    return es_strndup(v->u.s.data, v->u.s.len);
}

static const engine_principal *principal_of(const engine_call *call, const sqlvalue *v)
{
    ES_CLEANUP(es_cleanup_free) char *name = text_of(v);
    return name != NULL ? engine_catalog_principal(call->s->catalog, name) : NULL;
}

static entrasql_status user_name(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    if (n == 0)
        return give_s(call, call->s->who.user_name, ret);
    const engine_principal *p =
        engine_catalog_principal_by_id(call->s->catalog, (int32_t)args[0].u.i);
    return give_s(call, p != NULL ? p->name : NULL, ret);
}

static entrasql_status login_name(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    (void)args;
    /* SIDs of other logins are known to the server alone. */
    return n == 0 ? give_s(call, call->s->who.login_name, ret) : ENTRASQL_OK;
}

static entrasql_status user_id(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    if (n == 0)
        return give_i(ret, call->s->who.user);
    const engine_principal *p = principal_of(call, &args[0]);
    return p != NULL ? give_i(ret, p->id) : ENTRASQL_OK;
}

static entrasql_status suser_sid(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    (void)args;
    if (n != 0 || !call->s->who.has_sid)
        return ENTRASQL_OK;
    return engine_call_text(call, (const char *)call->s->who.sid, sizeof call->s->who.sid, ret);
}

static entrasql_status is_member(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    const engine_principal *p = principal_of(call, &args[0]);
    (void)n;
    if (p == NULL || (p->type != 'R' && p->type != 'X'))
        return ENTRASQL_OK;
    return give_i(ret, engine_is_member(call->s, p->id) ||
                           (call->s->who.is_dbo && p->id == ENGINE_DB_OWNER));
}

static entrasql_status is_rolemember(engine_call *call, const sqlvalue *args, size_t n,
                                     sqlvalue *ret)
{
    const engine_principal *role = principal_of(call, &args[0]);
    if (role == NULL || role->type != 'R')
        return ENTRASQL_OK;
    if (n < 2)
        return give_i(ret, engine_is_member(call->s, role->id));
    const engine_principal *who = principal_of(call, &args[1]);
    if (who == NULL)
        return ENTRASQL_OK;
    return give_i(ret, engine_role_has(call->s->catalog, role->id, who->id));
}

/* Azure SQL Database has no server roles but for the admin. */
static entrasql_status is_srvrolemember(engine_call *call, const sqlvalue *args, size_t n,
                                        sqlvalue *ret)
{
    (void)args;
    (void)n;
    return give_i(ret, call->s->who.admin);
}

static entrasql_status has_dbaccess(engine_call *call, const sqlvalue *args, size_t n,
                                    sqlvalue *ret)
{
    (void)n;
    ES_CLEANUP(es_cleanup_free) char *name = text_of(&args[0]);
    if (name == NULL)
        return es_nomem(call->err);
    const engine_database *d = engine_server_database(call->s->server, name);
    return d != NULL ? give_i(ret, d == call->s->database) : ENTRASQL_OK;
}

/* ---- HAS_PERMS_BY_NAME(securable, class, permission) ---- */

static entrasql_status object_perm(engine_call *call, const char *name, const char *permission,
                                   sqlvalue *ret)
{
    tsql_batch *batch = NULL;
    const tsql_object *object = NULL;
    const engine_object *o = NULL;
    if (tsql_parse_object(name, strlen(name), &batch, &object, NULL) != ENTRASQL_OK)
        return ENTRASQL_OK;
    entrasql_status status = engine_find_object(call->s, object, &o, NULL);
    tsql_batch_free(batch);
    return status == ENTRASQL_OK && o != NULL
               ? give_i(ret, engine_may_object(call->s, permission, o))
               : ENTRASQL_OK;
}

static entrasql_status perm_of(engine_call *call, const char *name, const char *klass,
                               const char *permission, sqlvalue *ret)
{
    if (es_strcaseeq(klass, "DATABASE"))
        return give_i(ret, engine_may_database(call->s, permission));
    if (es_strcaseeq(klass, "OBJECT"))
        return name != NULL ? object_perm(call, name, permission, ret) : ENTRASQL_OK;
    if (!es_strcaseeq(klass, "SCHEMA") || name == NULL)
        return ENTRASQL_OK;
    const engine_schema *schema = engine_find_schema(call->s, name);
    return schema != NULL ? give_i(ret, engine_may_schema(call->s, permission, schema->id))
                          : ENTRASQL_OK;
}

static entrasql_status has_perms(engine_call *call, const sqlvalue *args, size_t n, sqlvalue *ret)
{
    (void)n;
    if (args[2].is_null)
        return ENTRASQL_OK;
    ES_CLEANUP(es_cleanup_free) char *name = args[0].is_null ? NULL : text_of(&args[0]);
    ES_CLEANUP(es_cleanup_free)
    char *klass = args[1].is_null ? es_strdup("DATABASE") : text_of(&args[1]);
    ES_CLEANUP(es_cleanup_free) char *permission = text_of(&args[2]);
    if (klass == NULL || permission == NULL)
        return es_nomem(call->err);
    for (char *p = permission; *p != '\0'; p++)
        *p = es_ascii_upper(*p);
    return perm_of(call, name, klass, permission, ret);
}

#define NOW (ENGINE_VOLATILE)
#define NOW_NULL (ENGINE_VOLATILE | ENGINE_MAYBE_NULL)

static const engine_builtin rows[] = {
    {"USER_NAME", "?i:u", user_name, NULL, NOW_NULL},
    {"USER", ":u", user_name, NULL, NOW},
    {"CURRENT_USER", ":u", user_name, NULL, NOW},
    {"SESSION_USER", ":u", user_name, NULL, NOW},
    {"SYSTEM_USER", ":u", login_name, NULL, NOW},
    {"SUSER_SNAME", "?b:u", login_name, NULL, NOW_NULL},
    {"SUSER_NAME", "?i:u", login_name, NULL, NOW_NULL},
    {"ORIGINAL_LOGIN", ":u", login_name, NULL, NOW},
    {"USER_ID", "?s:i", user_id, NULL, NOW_NULL},
    {"DATABASE_PRINCIPAL_ID", "?s:i", user_id, NULL, NOW_NULL},
    {"SUSER_SID", "?s:b", suser_sid, NULL, NOW_NULL},
    {"IS_MEMBER", "s:i", is_member, NULL, NOW_NULL},
    {"IS_ROLEMEMBER", "s?s:i", is_rolemember, NULL, NOW_NULL},
    {"IS_SRVROLEMEMBER", "s?s:i", is_srvrolemember, NULL, NOW_NULL},
    {"HAS_DBACCESS", "s:i", has_dbaccess, NULL, NOW_NULL},
    {"HAS_PERMS_BY_NAME", "sss?s*:i", has_perms, NULL, NOW_NULL | ENGINE_NULLS},
};

const engine_builtins engine_builtins_security = {rows, ES_COUNT_OF(rows)};
