/* SPDX-License-Identifier: MIT */
/*
 * One client of the proxy, from its first byte to its last: its login is
 * accepted, one upstream is made with a token and the client's own LOGIN7, its
 * answer is replayed, bytes are passed. A task of the loop; ends by itself.
 */
#ifndef PROXY_SESSION_H
#define PROXY_SESSION_H

#include "loop/loop.h"
#include "proxy/stats.h"
#include "proxy/target.h"
#include "relay/accept.h"

#include <entrasql/entrasql.h>

/* What the sessions of a listener share; outlives them. */
typedef struct proxy_service {
    const proxy_target *target;
    entrasql_credential *credential;
    tls_context *tls; /* upstream */
    proxy_stats *stats;
    uint32_t login_timeout_ms;
    void (*ended)(void *ctx); /* a session is over */
    void *ended_ctx;
} proxy_service;

/*
 * Takes the descriptor in any case. refusal (NULL: the client may come in) is what
 * it is told instead of being let in; copied.
 */
entrasql_status proxy_session_start(loop *l, const proxy_service *service, int fd, uint64_t number,
                                    const entrasql_error *refusal, entrasql_error *err) ES_MUST_USE;

#endif
