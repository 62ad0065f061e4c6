/* SPDX-License-Identifier: MIT */
/*
 * Pools of upstream connections: who gets one, who waits, when one is opened,
 * reset, checked, retired. Decisions only: connections are opened, reset and
 * closed, and clients served, through the hooks; whoever does that tells the
 * pool what became of it. Time is es_clock_mono_ms().
 *
 * A pool belongs to a key, an opaque string of bytes: connections whose next
 * user could tell them apart have different keys. It keeps the recorded answer
 * to a login, so that a client logs in without a connection being there for it.
 *
 *     pool_join(p, w, ...)      a client wants the login's answer, or a connection
 *       -> hooks.open           one is missing      pool_server_opened() / _failed() tell
 *       -> hooks.lend           it is the client's  pool_return() / pool_server_gone() tell
 *       -> hooks.reset          it was returned     pool_server_ready() / _gone() tell
 *       -> hooks.close          it is over; not the pool's any more
 *
 * A server and a waiter are structs of the caller's with one of these inside.
 * A hook may be called from inside any call here; it must not call back, but
 * note what happened and wake its task. One thread.
 */
#ifndef PROXY_POOL_H
#define PROXY_POOL_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "proxy/stats.h"

typedef struct pool pool;
typedef struct pool_set pool_set; /* all pools of a proxy */

typedef struct proxy_pool_settings {
    bool on;
    uint32_t min;              /* connections kept ready a pool */
    uint32_t size;             /* connections a pool */
    uint32_t reserve;          /* more, for clients that have waited reserve_after_ms */
    uint32_t reserve_after_ms; /* */
    uint32_t max;              /* connections of the target in all pools; 0: no limit */
    uint32_t wait_ms;          /* of a client for a connection; 0: as long as it takes */
    uint32_t idle_ms;          /* then a connection above `min` is closed; 0: never */
    uint32_t lifetime_ms;      /* then it is closed at its next check-in; 0: never */
    uint32_t jitter_percent;   /* by which each connection's idle and life time are shorter */
    uint32_t check_after_ms;   /* idle for that long: looked at before it is lent; 0: never */
    uint32_t stall_ms;         /* of a client within a request; 0: as long as it takes */
    uint32_t token_margin_ms;  /* retired so long before its token expires */
    bool keyed_by_app;         /* the application name is part of the pool's key */
} proxy_pool_settings;

typedef enum pool_server_state {
    POOL_SERVER_OPENING,   /* logs in */
    POOL_SERVER_RESETTING, /* was returned, or is looked at before it is lent */
    POOL_SERVER_IDLE,
    POOL_SERVER_LENT,
    POOL_SERVER_STATES
} pool_server_state;

typedef struct pool_server {
    pool *owner; /* NULL: closed */
    pool_server_state state;
    bool is_retired; /* closed at its next check-in */
    bool was_lent;   /* ever */
    bool is_checked; /* resetting because it is looked at before it is lent */
    uint8_t jitter_percent;
    int64_t opened_ms;
    int64_t since_ms;   /* in this state; of a connection that was looked at: idle since */
    int64_t checked_ms; /* when the look at it began */
    int64_t retire_ms;  /* ES_NO_DEADLINE: lives on */
    struct pool_server *next;
    struct pool_server *prev;
} pool_server;

typedef enum pool_want {
    POOL_WANT_ANSWER, /* to its login */
    POOL_WANT_SERVER
} pool_want;
#define POOL_WANTS 2

typedef struct pool_waiter {
    pool *owner; /* NULL: does not wait */
    pool_want want;
    bool has_waited; /* there was nothing for it when it came */
    int64_t since_ms;
    struct pool_waiter *next;
    struct pool_waiter *prev;
} pool_waiter;

typedef struct pool_hooks {
    /* Begins an upstream login for the pool. */
    entrasql_status (*open)(void *ctx, pool *p, pool_server **ret, entrasql_error *err);
    void (*reset)(void *ctx, pool_server *s);
    void (*close)(void *ctx, pool_server *s);
    void (*lend)(void *ctx, pool_waiter *w, pool_server *s);
    void (*answer)(void *ctx, pool_waiter *w);
    void (*fail)(void *ctx, pool_waiter *w, const entrasql_error *why);
    /* pool_set_deadline_ms() has become earlier. */
    void (*wake)(void *ctx);
    /* The pool ends; frees what pool_set_data() gave it. */
    void (*free_data)(void *ctx, void *data);
} pool_hooks;

/* hooks and ctx outlive the set. */
entrasql_status pool_set_new(const pool_hooks *hooks, void *ctx, pool_set **ret,
                             entrasql_error *err) ES_MUST_USE;
/* The end has begun: nothing is opened any more in place of what goes. */
void pool_set_close(pool_set *set);
/* All servers and waiters have left it. NULL allowed. */
void pool_set_free(pool_set *set);

/* Does what is due. */
void pool_set_tick(pool_set *set);
int64_t pool_set_deadline_ms(const pool_set *set);

/* ---- pools ---- */

/*
 * The pool of the key, made when there is none; then *ret_is_new, and the caller
 * gives it data. The caller holds it: pool_release(). Settings are copied, and
 * replace earlier ones.
 */
entrasql_status pool_hold(pool_set *set, const void *key, size_t n,
                          const proxy_pool_settings *settings, pool **ret, bool *ret_is_new,
                          entrasql_error *err) ES_MUST_USE;
void pool_release(pool *p); /* NULL allowed */

void pool_set_data(pool *p, void *data); /* the pool's from here on */
void *pool_data(const pool *p);
/* With whose other pools it shares the limit `max`; "" and until it is said: those of none.
   Outlives the pool. */
void pool_set_target(pool *p, const char *name);
/* Where it counts; NULL, and until it is said: nowhere. Outlives the pool. */
void pool_set_stats(pool *p, proxy_stats *stats);
proxy_stats *pool_stats(const pool *p);
const es_buf *pool_answer(const pool *p); /* NULL: none recorded */

/* ---- clients ---- */

/*
 * OK: there is an answer, respectively hooks.lend was called. AGAIN: waits, and
 * lend, answer or fail will be called. Else the reason why no connection is to be had
 * at the moment.
 */
entrasql_status pool_join(pool *p, pool_waiter *w, pool_want want, entrasql_error *err) ES_MUST_USE;
/* As pool_join() for a connection, but before all others: what it got was dead before use. */
entrasql_status pool_rejoin(pool *p, pool_waiter *w, int64_t since_ms,
                            entrasql_error *err) ES_MUST_USE;
void pool_leave(pool_waiter *w); /* not waiting: does nothing */

/* ---- servers ---- */

/*
 * The login succeeded; answer is copied. token_expires_ms: monotonic, ES_NO_DEADLINE
 * if there is none.
 */
void pool_server_opened(pool_server *s, const es_buf *answer, int64_t token_expires_ms);
/* The login failed; the server is not the pool's any more, hooks.close is not called. */
void pool_server_failed(pool_server *s, const entrasql_error *why);
/* The client has left it between two requests; it is reset or closed. */
void pool_return(pool_server *s);
/* It was lent and nothing was sent on it. */
void pool_return_unused(pool_server *s);
/* The reset is acknowledged and the session is as after its login. */
void pool_server_ready(pool_server *s);
/* Broken, or not fit for anybody else: it is not the pool's any more; hooks.close is not called. */
void pool_server_gone(pool_server *s);

/* All others of the pool are retired: what they are logged in as is not what a login gives now. */
void pool_server_retire_others(pool_server *s);

/* ---- operators ---- */

/* While it is paused nobody gets a connection of it; clients wait. */
void pool_pause(pool *p, bool now);
/* Idle connections are closed now, others at their check-in. NULL: of all pools. */
void pool_set_reconnect(pool_set *set, pool *only);

typedef struct pool_figures {
    uint32_t servers[POOL_SERVER_STATES];
    uint32_t waiting[POOL_WANTS];
    uint32_t holders;         /* sessions */
    int64_t longest_wait_ms;  /* of a client that waits now */
    int64_t back_off_left_ms; /* no login is tried for so long; 0: none failed */
    const char *why;          /* the login failed; "" */
    bool has_answer;
    bool is_paused;
} pool_figures;

pool *pool_first(const pool_set *set);
pool *pool_next(const pool *p);
void pool_figures_get(const pool *p, pool_figures *ret);
pool_server *pool_first_server(const pool *p, pool_server_state state);
const char *pool_server_state_name(pool_server_state state);

#endif
