/* SPDX-License-Identifier: MIT */
#include "proxy/names.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "os/resolve.h"

typedef struct check {
    proxy_config *config;
    os_resolve *resolve; /* of the target `at`; NULL: not begun */
    size_t at;
} check;

static bool was_looked_up(const check *c)
{
    const proxy_target *targets = c->config->targets;
    for (size_t i = 0; i < c->at; i++) {
        if (es_strcaseeq(targets[i].host, targets[c->at].host))
            return true;
    }
    return false;
}

static void warn(const proxy_target *t, const entrasql_error *err)
{
    ES_LOG(WARNING, "proxy", "the name of a target's server is not known now",
           ES_KV_STR("target", t->name), ES_KV_STR("server", t->host),
           ES_KV_STR("why", err->message), ES_KV_STR("hint", err->hint));
}

/* AGAIN: the name servers have not answered. */
static entrasql_status look_up(check *c, entrasql_error *err)
{
    os_address found[OS_RESOLVE_MAX];
    size_t count = 0;
    const proxy_target *t = &c->config->targets[c->at];
    if (c->resolve == NULL)
        ES_TRY(os_resolve_start(t->host, t->port, &c->resolve, err));
    return os_resolve_step(c->resolve, found, &count, err);
}

static entrasql_status check_wants(void *ctx, os_wait *w)
{
    const check *c = ctx;
    if (c->resolve != NULL)
        return os_resolve_wants(c->resolve, w);
    return ENTRASQL_OK;
}

static bool check_step(void *ctx)
{
    check *c = ctx;
    for (; c->at < c->config->target_count; c->at++) {
        entrasql_error err;
        entrasql_status status = was_looked_up(c) ? ENTRASQL_OK : look_up(c, &err);
        if (status == ENTRASQL_AGAIN)
            return true;
        if (status != ENTRASQL_OK)
            warn(&c->config->targets[c->at], &err);
        os_resolve_free(c->resolve);
        c->resolve = NULL;
    }
    return false;
}

static void check_end(void *ctx)
{
    check *c = ctx;
    os_resolve_free(c->resolve);
    proxy_config_unref(c->config);
    es_free(c);
}

static const loop_task_class check_class = {check_wants, check_step, check_end};

entrasql_status proxy_names_check(loop *l, proxy_config *config, entrasql_error *err)
{
    check *c = es_calloc(1, sizeof *c);
    loop_task *task = NULL;
    if (c == NULL)
        return es_nomem(err);
    c->config = proxy_config_ref(config);
    entrasql_status status = loop_task_start(l, &check_class, c, &task, err);
    if (status != ENTRASQL_OK)
        check_end(c);
    return status;
}
