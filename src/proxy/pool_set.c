/* SPDX-License-Identifier: MIT */
/* Pools by their keys, and what is told of them. */
#include "proxy/pool_inner.h"

#include "base/mem.h"

#include <string.h>

/* FNV-1a: keys come from clients that were let in, and a bucket is a short list anyway. */
static uint32_t bucket_of(const uint8_t *key, size_t n)
{
    uint32_t h = 2166136261U;
    for (size_t i = 0; i < n; i++)
        h = (h ^ key[i]) * 16777619U;
    return h % POOL_BUCKETS;
}

static pool *make_pool(pool_set *set, const void *key, size_t n, uint32_t bucket)
{
    pool *p = es_calloc(1, sizeof *p);
    uint8_t *copy = es_memdup(key, n);
    if (p == NULL || copy == NULL) {
        es_free(p);
        es_free(copy);
        return NULL;
    }
    p->set = set;
    p->target = "";
    p->key = copy;
    p->key_len = n;
    p->bucket = bucket;
    es_buf_init(&p->answer, SIZE_MAX);
    p->next_in_bucket = set->buckets[bucket];
    set->buckets[bucket] = p;
    p->next = set->first;
    if (set->first != NULL)
        set->first->prev = p;
    set->first = p;
    set->hooks->wake(set->ctx);
    return p;
}

entrasql_status pool_hold(pool_set *set, const void *key, size_t n,
                          const proxy_pool_settings *settings, pool **ret, bool *ret_is_new,
                          entrasql_error *err)
{
    uint32_t bucket = bucket_of(key, n);
    pool *p = set->buckets[bucket];
    while (p != NULL && (p->key_len != n || memcmp(p->key, key, n) != 0))
        p = p->next_in_bucket;
    *ret_is_new = p == NULL;
    if (p == NULL)
        p = make_pool(set, key, n, bucket);
    if (p == NULL)
        return es_nomem(err);
    p->settings = *settings;
    p->holders++;
    p->used_ms = es_clock_mono_ms();
    *ret = p;
    return ENTRASQL_OK;
}

void pool_release(pool *p)
{
    if (p == NULL)
        return;
    p->holders--;
    p->used_ms = es_clock_mono_ms();
}

void pool_set_data(pool *p, void *data)
{
    p->data = data;
}

void pool_set_target(pool *p, const char *name)
{
    p->target = name;
}

void pool_set_stats(pool *p, proxy_stats *stats)
{
    p->stats = stats;
}

proxy_stats *pool_stats(const pool *p)
{
    return p->stats;
}

void *pool_data(const pool *p)
{
    return p->data;
}

const es_buf *pool_answer(const pool *p)
{
    return p->has_answer ? &p->answer : NULL;
}

void pool_free(pool *p)
{
    pool_set *set = p->set;
    pool **place = &set->buckets[p->bucket];
    while (*place != p)
        place = &(*place)->next_in_bucket;
    *place = p->next_in_bucket;
    if (p->prev != NULL)
        p->prev->next = p->next;
    else
        set->first = p->next;
    if (p->next != NULL)
        p->next->prev = p->prev;
    set->hooks->free_data(set->ctx, p->data);
    es_buf_done(&p->answer);
    es_free(p->why);
    es_free(p->key);
    es_free(p);
}

/* ---- all of them ---- */

entrasql_status pool_set_new(const pool_hooks *hooks, void *ctx, pool_set **ret,
                             entrasql_error *err)
{
    pool_set *set = es_calloc(1, sizeof *set);
    if (set == NULL)
        return es_nomem(err);
    set->hooks = hooks;
    set->ctx = ctx;
    *ret = set;
    return ENTRASQL_OK;
}

void pool_set_free(pool_set *set)
{
    if (set == NULL)
        return;
    while (set->first != NULL)
        pool_free(set->first);
    es_free(set);
}

void pool_set_close(pool_set *set)
{
    set->is_closed = true;
}

/* ---- for operators ---- */

pool *pool_first(const pool_set *set)
{
    return set->first;
}

pool *pool_next(const pool *p)
{
    return p->next;
}

void pool_figures_get(const pool *p, pool_figures *ret)
{
    int64_t now = es_clock_mono_ms();
    *ret = (pool_figures){
        .holders = p->holders,
        .why = p->why != NULL ? p->why->message : "",
        .has_answer = p->has_answer,
        .is_paused = p->is_paused,
        .back_off_left_ms = pool_is_backing_off(p, now) ? p->back_off_until_ms - now : 0,
    };
    for (unsigned i = 0; i < POOL_SERVER_STATES; i++)
        ret->servers[i] = p->servers[i].count;
    for (unsigned i = 0; i < POOL_WANTS; i++) {
        const pool_waiter *w = p->waiters[i].first;
        ret->waiting[i] = p->waiters[i].count;
        if (w != NULL && now - w->since_ms > ret->longest_wait_ms)
            ret->longest_wait_ms = now - w->since_ms;
    }
}

pool_server *pool_first_server(const pool *p, pool_server_state state)
{
    return p->servers[state].first;
}

const char *pool_server_state_name(pool_server_state state)
{
    static const char *const names[] = {"opening", "resetting", "idle", "lent"};
    return names[state];
}
