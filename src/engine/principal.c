/* SPDX-License-Identifier: MIT */
/* Who a session is. */
#include "engine/principal.h"

#include "base/mem.h"
#include "engine/permission.h"
#include "sqltype/collation.h"

#include <string.h>

entrasql_status engine_who_init(engine_who *who, const engine_login *login, entrasql_error *err)
{
    *who = (engine_who){.external = login->is_external, .admin = login->is_admin};
    who->login_name = es_strdup(login->login_name != NULL ? login->login_name : "");
    if (who->login_name == NULL)
        return es_nomem(err);
    if (login->is_external) {
        const uint8_t *sid =
            login->kind == ENGINE_EXTERNAL_APP ? login->client_id : login->object_id;
        memcpy(who->sid, sid, sizeof who->sid);
        who->has_sid = true;
    }
    if (login->group_count != 0) {
        who->groups = es_memdup(login->group_ids, login->group_count * sizeof *who->groups);
        if (who->groups == NULL)
            return es_nomem(err);
        who->group_count = login->group_count;
    }
    return ENTRASQL_OK;
}

void engine_who_done(engine_who *who)
{
    es_free(who->login_name);
    es_free(who->user_name);
    es_free(who->groups);
    es_free(who->members);
    *who = (engine_who){0};
}

static entrasql_status set_user(engine_who *who, int32_t user, const char *name,
                                entrasql_error *err)
{
    char *copy = es_strdup(name);
    if (copy == NULL)
        return es_nomem(err);
    es_free(who->user_name);
    who->user_name = copy;
    who->user = user;
    who->is_dbo = user == ENGINE_DBO;
    return ENTRASQL_OK;
}

/* The first group of the token that is a database user. */
static const engine_principal *find_group(const engine_session *s)
{
    for (size_t i = 0; i < s->who.group_count; i++) {
        const engine_principal *p =
            engine_catalog_principal_by_sid(s->catalog, s->who.groups[i], sizeof s->who.groups[i]);
        if (p != NULL && p->type == 'X')
            return p;
    }
    return NULL;
}

static const engine_principal *find_user(const engine_session *s, const engine_login *login)
{
    const engine_principal *p = NULL;
    if (s->who.has_sid)
        p = engine_catalog_principal_by_sid(s->catalog, s->who.sid, sizeof s->who.sid);
    else if (login->sql_login != NULL)
        p = engine_catalog_principal(s->catalog, login->sql_login);
    if (p == NULL || p->type != (s->who.has_sid ? 'E' : 'S') || p->id <= 4)
        return NULL;
    return p;
}

/*
 * The client learns no more than a stranger may; what the person at the
 * emulator should do is in the hint.
 */
static entrasql_status refuse(const engine_session *s, entrasql_error *err)
{
    const char *name = s->who.external ? "<token-identified principal>" : s->who.login_name;
    es_fail(err, ENTRASQL_LOGIN_FAILED, "Login failed for user '%s'.", name);
    if (err != NULL) {
        err->number = 18456;
        err->state = 1;
        err->severity = 14;
        es_hint(err,
                "%s is no user of the database %s: CREATE USER [...] FROM EXTERNAL PROVIDER "
                "there, as the server's Entra admin",
                s->who.login_name, s->database->name);
    }
    return ENTRASQL_LOGIN_FAILED;
}

entrasql_status engine_who_enter(engine_session *s, const engine_login *login, entrasql_error *err)
{
    if (login->is_admin)
        ES_TRY(set_user(&s->who, ENGINE_DBO, "dbo", err));
    else {
        const engine_principal *p = find_user(s, login);
        const engine_principal *group = p == NULL ? find_group(s) : NULL;
        if (p == NULL && group == NULL)
            return refuse(s, err);
        /* Who comes in through a group keeps the own name. */
        ES_TRY(set_user(&s->who, p != NULL ? p->id : group->id,
                        p != NULL ? p->name : s->who.login_name, err));
    }
    return engine_who_refresh(s, err);
}

/* ---- roles ---- */

static entrasql_status add_member(engine_who *who, int32_t id, entrasql_error *err)
{
    for (size_t i = 0; i < who->member_count; i++) {
        if (who->members[i] == id)
            return ENTRASQL_OK;
    }
    int32_t *grown = es_reallocarray(who->members, who->member_count + 1, sizeof *grown);
    if (grown == NULL)
        return es_nomem(err);
    who->members = grown;
    who->members[who->member_count++] = id;
    return ENTRASQL_OK;
}

entrasql_status engine_who_refresh(engine_session *s, entrasql_error *err)
{
    engine_who *who = &s->who;
    const engine_catalog *c = s->catalog;
    who->member_count = 0;
    ES_TRY(add_member(who, ENGINE_PUBLIC, err));
    if (engine_catalog_principal_by_id(c, who->user) != NULL)
        ES_TRY(add_member(who, who->user, err));
    for (size_t i = 0; i < who->group_count; i++) {
        const engine_principal *p =
            engine_catalog_principal_by_sid(c, who->groups[i], sizeof who->groups[i]);
        if (p != NULL && p->type == 'X')
            ES_TRY(add_member(who, p->id, err));
    }
    /* The list grows while it is walked: roles of roles. */
    for (size_t i = 0; i < who->member_count; i++) {
        for (size_t k = 0; k < c->member_count; k++) {
            if (c->members[k].member == who->members[i])
                ES_TRY(add_member(who, c->members[k].role, err));
        }
    }
    return ENTRASQL_OK;
}

entrasql_status engine_who_become(engine_session *s, const char *user, entrasql_error *err)
{
    const engine_principal *p = engine_catalog_principal(s->catalog, user);
    if (p == NULL || p->type == 'R' || !engine_is_owner(s))
        return engine_error(err, 15517, 1,
                            "Cannot execute as the database principal because the principal \"%s\" "
                            "does not exist, this type of principal cannot be impersonated, or you "
                            "do not have permission.",
                            user);
    ES_TRY(set_user(&s->who, p->id, p->name, err));
    return engine_who_refresh(s, err);
}

int32_t engine_who_default_schema(const engine_session *s)
{
    const engine_principal *p = engine_catalog_principal_by_id(s->catalog, s->who.user);
    const engine_schema *schema = NULL;
    if (p != NULL && p->default_schema != NULL)
        schema = engine_catalog_schema(s->catalog, p->default_schema);
    return schema != NULL ? schema->id : ENGINE_SCHEMA_DBO;
}
