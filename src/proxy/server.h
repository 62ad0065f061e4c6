/* SPDX-License-Identifier: MIT */
/*
 * An upstream connection: its login, its rest in a pool, its reset, its end.
 *
 * A pooled one is a task of the loop that is the pool's as long as it is not
 * lent: it notices when the server goes away, and resets the session after a
 * client. While it is lent, only its client's session watches and uses stream
 * and border, and ends that by proxy_server_give_back() or _drop().
 *
 * A client's own one (pool = off) is a struct without a task.
 */
#ifndef PROXY_SERVER_H
#define PROXY_SERVER_H

#include "loop/loop.h"
#include "proxy/pool.h"
#include "proxy/profile.h"
#include "relay/border.h"

/* How long a reset may take; who does not answer by then is closed. */
#define PROXY_RESET_MS 10000

typedef struct proxy_server proxy_server;
typedef struct proxy_pools proxy_pools; /* the loop's pools and what they need */

/* ---- pools ---- */

typedef struct proxy_pools_client {
    void (*lend)(pool_waiter *w, proxy_server *s);
    void (*answer)(pool_waiter *w);
    void (*fail)(pool_waiter *w, const entrasql_error *why);
} proxy_pools_client;

/*
 * client: how sessions are served, see pool_hooks. scratch is lent to every connection; warm has
 * some that stand ready (NULL: none).
 */
entrasql_status proxy_pools_new(loop *l, relay_scratch *scratch, proxy_warm *warm,
                                const proxy_pools_client *client, proxy_pools **ret,
                                entrasql_error *err) ES_MUST_USE;
/* After the loop, whose tasks hold the connections. NULL allowed. */
void proxy_pools_free(proxy_pools *p);
pool_set *proxy_pools_set(proxy_pools *p);

/* ---- connections ---- */

/* A client's own; takes the session's stream on success. */
entrasql_status proxy_server_adopt(relay_session *session, relay_scratch *scratch,
                                   proxy_server **ret, entrasql_error *err) ES_MUST_USE;

relay_stream *proxy_server_stream(proxy_server *s);
relay_border *proxy_server_border(proxy_server *s);
uint64_t proxy_server_number(const proxy_server *s);
uint64_t proxy_server_number_of(const pool_server *s); /* of one in a pool */
bool proxy_server_is_pooled(const proxy_server *s);
/* Of a pooled one that was just lent: it is still there and has said nothing. One system call. */
bool proxy_server_is_alive(proxy_server *s);

/*
 * The client is through with it. Between two requests, or where a cancel brings it there, and with
 * nothing about the session that a reset leaves: what the client left unread is thrown away
 * (proxy/drain.h), then it is reset and lent again; RELAY_PIN_NONE. Else it is closed, and
 * the reason returned. A client's own one is closed.
 */
relay_pin proxy_server_give_back(proxy_server *s);
/* It was lent, and nothing was sent on it. */
void proxy_server_give_back_unused(proxy_server *s);
/* It broke, or is not to be used again. */
void proxy_server_drop(proxy_server *s);

#endif
