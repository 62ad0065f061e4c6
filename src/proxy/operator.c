/* SPDX-License-Identifier: MIT */
/* PAUSE, RESUME, RECONNECT, KILL, RELOAD. */
#include "proxy/operator.h"

#include "base/str.h"
#include "proxy/show.h"

#include <stdio.h>

/* ---- who ---- */

entrasql_status proxy_operator_admits(const proxy_operator *o, const proxy_peer *peer,
                                      const tds_login7 *login, proxy_grant *ret,
                                      entrasql_error *why)
{
    const es_secret *secret = (*o->config)->ops.admin_secret;
    if (peer->is_known && peer->uid == o->own_uid)
        return ENTRASQL_OK;
    ret->by_secret = secret != NULL;
    ret->reason = PROXY_REFUSED_SECRET;
    if (secret != NULL && login->password != NULL &&
        es_secret_equal(secret, es_secret_reveal(login->password), es_secret_len(login->password)))
        return ENTRASQL_OK;
    if (secret != NULL)
        es_fail(why, ENTRASQL_LOGIN_FAILED,
                "the database " PROXY_ADMIN_DATABASE " of the entrasql proxy is open to its own "
                "user %u, and to who sends the admin secret as password",
                (unsigned)o->own_uid);
    else
        es_fail(why, ENTRASQL_LOGIN_FAILED,
                "the database " PROXY_ADMIN_DATABASE " of the entrasql proxy is open to its own "
                "user %u alone: it was started without --admin-secret-file",
                (unsigned)o->own_uid);
    return ENTRASQL_LOGIN_FAILED;
}

/* ---- what ---- */

static entrasql_status show(void *ctx, proxy_show what, proxy_admin_reply *reply,
                            entrasql_error *err)
{
    const proxy_operator *o = ctx;
    const proxy_show_view view = {
        .config = *o->config,
        .stats = o->stats,
        .pools = proxy_pools_set(o->pools),
        .warm = o->warm,
        .pauses = o->pauses,
        .sessions = o->sessions,
    };
    entrasql_status status = proxy_show_write(&view, what, reply);
    return status == ENTRASQL_OK ? status : es_fail(err, status, "the table is too long");
}

/* The target of that name or place; OK with NULL for none named. */
static entrasql_status find_target(const proxy_operator *o, const char *name,
                                   const proxy_target **ret, entrasql_error *err)
{
    const proxy_config *c = *o->config;
    *ret = NULL;
    if (name[0] == '\0')
        return ENTRASQL_OK;
    for (size_t i = 0; i < c->target_count; i++) {
        if (es_streq(c->targets[i].name, name)) {
            *ret = &c->targets[i];
            return ENTRASQL_OK;
        }
    }
    es_fail(err, ENTRASQL_NOT_FOUND, "there is no target '%.200s'", name);
    es_hint(err, "SHOW STATS lists them");
    return ENTRASQL_NOT_FOUND;
}

static bool is_of(const pool *p, const proxy_target *t)
{
    const proxy_profile *profile = pool_data(p);
    return es_streq(profile->target, t->name);
}

static unsigned reconnect(const proxy_operator *o, const proxy_target *only)
{
    pool_set *set = proxy_pools_set(o->pools);
    unsigned n = 0;
    for (pool *p = pool_first(set); p != NULL; p = pool_next(p)) {
        if (only != NULL && !is_of(p, only))
            continue;
        pool_set_reconnect(set, p);
        n++;
    }
    proxy_warm_renew(o->warm, only != NULL ? only->host : NULL, only != NULL ? only->port : 0);
    return n;
}

static entrasql_status kill_client(const proxy_operator *o, const proxy_command *c,
                                   entrasql_error *err)
{
    if (proxy_session_kill(o->sessions, c->number))
        return ENTRASQL_OK;
    es_fail(err, ENTRASQL_NOT_FOUND, "there is no client %llu", (unsigned long long)c->number);
    es_hint(err, "SHOW CLIENTS lists them; the column conn is the number");
    return ENTRASQL_NOT_FOUND;
}

/* Not ready for anybody: every target is paused. */
static bool all_are_paused(const proxy_operator *o)
{
    const proxy_config *c = *o->config;
    bool all = true;
    for (size_t i = 0; i < c->target_count; i++)
        all = all && proxy_pauses_hold(o->pauses, c->targets[i].name);
    return all;
}

void proxy_operator_reloaded(const proxy_operator *o)
{
    proxy_health_paused(o->health, all_are_paused(o));
}

static entrasql_status set_paused(const proxy_operator *o, const proxy_command *c, bool now,
                                  entrasql_error *err)
{
    const proxy_target *target = NULL;
    ES_TRY(find_target(o, c->argument, &target, err));
    const char *name = target != NULL ? target->name : NULL;
    ES_TRY(now ? proxy_pauses_add(o->pauses, name, err)
               : proxy_pauses_remove(o->pauses, name, err));
    for (pool *p = pool_first(proxy_pools_set(o->pools)); p != NULL; p = pool_next(p)) {
        const proxy_profile *profile = pool_data(p);
        pool_pause(p, proxy_pauses_hold(o->pauses, profile->target));
    }
    proxy_health_paused(o->health, all_are_paused(o));
    proxy_sessions_wake(o->sessions);
    return ENTRASQL_OK;
}

static entrasql_status act(void *ctx, const proxy_command *c, char *said, size_t size,
                           entrasql_error *err)
{
    const proxy_operator *o = ctx;
    const proxy_target *target = NULL;
    unsigned pools = 0;
    switch (c->verb) {
    case PROXY_VERB_PAUSE:
        ES_TRY(set_paused(o, c, true, err));
        (void)snprintf(said, size, "paused%s%.200s: nobody gets a server connection until RESUME",
                       c->argument[0] != '\0' ? " " : "", c->argument);
        return ENTRASQL_OK;
    case PROXY_VERB_RESUME:
        ES_TRY(set_paused(o, c, false, err));
        (void)snprintf(said, size, "resumed");
        return ENTRASQL_OK;
    case PROXY_VERB_RECONNECT:
        ES_TRY(find_target(o, c->argument, &target, err));
        pools = reconnect(o, target);
        (void)snprintf(said, size, "server connections of %u pool%s are closed as they become free",
                       pools, pools == 1 ? "" : "s");
        return ENTRASQL_OK;
    case PROXY_VERB_KILL:
        ES_TRY(kill_client(o, c, err));
        (void)snprintf(said, size, "client %llu is ended", (unsigned long long)c->number);
        return ENTRASQL_OK;
    case PROXY_VERB_RELOAD:
        if (o->reload == NULL)
            return es_fail(err, ENTRASQL_UNSUPPORTED, "this proxy cannot reload");
        ES_TRY(o->reload(o->ctx, err));
        (void)snprintf(said, size, "reloaded");
        return ENTRASQL_OK;
    case PROXY_VERB_NOTHING:
    case PROXY_VERB_SHOW:
    case PROXY_VERB_SELECT:
        break;
    }
    return es_fail(err, ENTRASQL_INTERNAL, "no such act");
}

void proxy_operator_init(proxy_operator *o)
{
    o->source = (proxy_admin_source){.ctx = o, .show = show, .act = act};
}
