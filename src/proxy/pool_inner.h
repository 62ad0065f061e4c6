/* SPDX-License-Identifier: MIT */
/*
 * What the files of the pools share: pool.c decides, pool_list.c has the lists,
 * pool_set.c the pools by their keys. Not for others.
 */
#ifndef PROXY_POOL_INNER_H
#define PROXY_POOL_INNER_H

#include "proxy/pool.h"

#define POOL_BUCKETS 256U

typedef struct pool_servers {
    pool_server *first; /* the most recently added */
    pool_server *last;
    uint32_t count;
} pool_servers;

typedef struct pool_queue {
    pool_waiter *first;
    pool_waiter *last;
    uint32_t count;
} pool_queue;

struct pool {
    pool_set *set;
    uint8_t *key;
    size_t key_len;
    uint32_t bucket;
    proxy_pool_settings settings;
    void *data;
    const char *target;
    proxy_stats *stats;
    uint32_t holders;
    es_buf answer;
    bool has_answer;
    bool is_paused;
    pool_servers servers[POOL_SERVER_STATES];
    pool_queue waiters[POOL_WANTS];
    entrasql_error *why; /* the latest login failed; NULL: it did not */
    int64_t back_off_ms;
    int64_t back_off_until_ms;
    int64_t min_pause_ms; /* as back_off_ms, for what is opened for `min` alone */
    int64_t min_pause_until_ms;
    int64_t used_ms;
    pool *next_in_bucket;
    pool *next;
    pool *prev;
};

struct pool_set {
    const pool_hooks *hooks;
    void *ctx;
    pool *buckets[POOL_BUCKETS];
    pool *first;
    uint32_t waiting; /* clients in all queues */
    int64_t swept_ms;
    bool is_closed;
};

/* ---- pool_list.c ---- */

/* One that logs in. */
void pool_add_server(pool *p, pool_server *s);
/* The one place where a server changes its state: the list that it is in. */
void pool_move_server(pool_server *s, pool_server_state state);
void pool_forget_server(pool_server *s);
uint32_t pool_total(const pool *p);

/* To the end of its queue, or before all others. */
void pool_queue_add(pool *p, pool_waiter *w, bool first);
void pool_queue_remove(pool_waiter *w);

/* ---- pool.c ---- */

/* The latest login failed, and none is tried yet. */
bool pool_is_backing_off(const pool *p, int64_t now);

/* ---- pool_set.c ---- */

/* Nobody holds it, and it has no connection. */
void pool_free(pool *p);

#endif
