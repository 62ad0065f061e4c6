/* SPDX-License-Identifier: MIT */
/* Which connections and waiting clients a pool has. */
#include "base/list.h"
#include "proxy/pool_inner.h"

static void list_add(pool_servers *l, pool_server *s)
{
    ES_LIST_PREPEND(l, s);
    l->count++;
}

static void list_remove(pool_servers *l, pool_server *s)
{
    ES_LIST_REMOVE(l, s);
    l->count--;
}

static void count_server(const pool_server *s, int change)
{
    if (s->state != POOL_SERVER_OPENING)
        proxy_stats_gauge(s->owner->stats, PROXY_GAUGE_SERVERS, change);
    if (s->state == POOL_SERVER_IDLE)
        proxy_stats_gauge(s->owner->stats, PROXY_GAUGE_SERVERS_IDLE, change);
}

void pool_add_server(pool *p, pool_server *s)
{
    s->owner = p;
    list_add(&p->servers[s->state], s);
}

void pool_move_server(pool_server *s, pool_server_state state)
{
    list_remove(&s->owner->servers[s->state], s);
    count_server(s, -1);
    s->state = state;
    list_add(&s->owner->servers[state], s);
    count_server(s, 1);
}

void pool_forget_server(pool_server *s)
{
    list_remove(&s->owner->servers[s->state], s);
    count_server(s, -1);
    s->owner = NULL;
}

uint32_t pool_total(const pool *p)
{
    uint32_t n = 0;
    for (unsigned i = 0; i < POOL_SERVER_STATES; i++)
        n += p->servers[i].count;
    return n;
}

void pool_queue_add(pool *p, pool_waiter *w, bool first)
{
    pool_queue *l = &p->waiters[w->want];
    w->owner = p;
    if (first)
        ES_LIST_PREPEND(l, w);
    else
        ES_LIST_APPEND(l, w);
    l->count++;
    proxy_stats_gauge(p->stats, PROXY_GAUGE_WAITING, 1);
    if (p->set->waiting++ == 0)
        p->set->hooks->wake(p->set->ctx);
}

void pool_queue_remove(pool_waiter *w)
{
    pool_queue *l = &w->owner->waiters[w->want];
    ES_LIST_REMOVE(l, w);
    l->count--;
    proxy_stats_gauge(w->owner->stats, PROXY_GAUGE_WAITING, -1);
    w->owner->set->waiting--;
    w->owner = NULL;
}
