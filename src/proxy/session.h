/* SPDX-License-Identifier: MIT */
/*
 * One client of the proxy, from its first byte to its last. A task of the
 * loop; ends by itself.
 *
 * With a pool its login is answered from the recorded answer of an earlier
 * one; it takes an upstream connection with the first byte of its first
 * request, keeps it until it leaves, and costs no buffer before that. Without
 * a pool, with MARS, or when its login cannot share connections, one upstream connection
 * is made for it and ends with it.
 *
 * Whether a client gets MARS it hears in PRELOGIN, before it has said who it is
 * and its server can be asked: always yes, as SQL Server does; where the server
 * says no the login is refused in words. (Microsoft's ODBC driver gives up on a
 * no without any.)
 */
#ifndef PROXY_SESSION_H
#define PROXY_SESSION_H

#include "loop/loop.h"
#include "proxy/admin.h"
#include "proxy/admission.h"
#include "proxy/brake.h"
#include "proxy/config.h"
#include "proxy/pauses.h"
#include "proxy/quiet.h"
#include "proxy/server.h"
#include "proxy/stats.h"
#include "relay/accept.h"

#include <entrasql/entrasql.h>

typedef struct proxy_session proxy_session;

/* All sessions, in no order. Zeroed: none. */
typedef struct proxy_sessions {
    proxy_session *first;
    proxy_session *last;
    size_t count;
} proxy_sessions;

/* What the sessions of a target share; each holds a reference. */
typedef struct proxy_service {
    unsigned refs;
    proxy_config *config; /* a reference; the target is in it */
    const proxy_target *target;
    proxy_admission *admission;
    proxy_brake *brake;
    proxy_quiet *quiet;
    uid_t own_uid;
    proxy_self self;
    int *diag_fd;     /* the kernel is asked by it who a client is */
    tls_context *tls; /* upstream */
    proxy_stats *stats;
    const proxy_pool_settings *pool;
    proxy_pools *pools;
    proxy_warm *warm;
    const proxy_pauses *pauses;
    relay_scratch *scratch;
    proxy_sessions *sessions;
    const struct proxy_operator *admin; /* of the admin database; NULL: there is none */
    uint32_t login_timeout_ms;
    void (*ended)(void *ctx); /* a session is over */
    void *ended_ctx;
} proxy_service;

proxy_service *proxy_service_ref(proxy_service *service);
void proxy_service_unref(proxy_service *service); /* NULL allowed */

/* How sessions are served by the pools. */
extern const proxy_pools_client proxy_session_pools_client;

/* Takes the descriptor in any case. */
entrasql_status proxy_session_start(loop *l, proxy_service *service, int fd, uint64_t number,
                                    entrasql_error *err) ES_MUST_USE;

/* ---- for operators ---- */

typedef struct proxy_session_info {
    uint64_t number;
    const char *state; /* "login", "idle", "waiting", "active" ... */
    const proxy_service *service;
    const char *login_name;       /* "" before the login is complete */
    const proxy_profile *profile; /* NULL: not pooled, or before the login is complete */
    uint64_t server_number;       /* of the upstream connection it holds; 0: none, or its own */
    bool has_own_server;          /* it holds one that is nobody else's, ever */
    bool has_mars;                /* because it has several results open on it */
    int64_t since_ms;             /* connected, monotonic */
} proxy_session_info;

proxy_session *proxy_session_first(const proxy_sessions *all);
proxy_session *proxy_session_next(const proxy_session *s);
void proxy_session_info_get(const proxy_session *s, proxy_session_info *ret);
/* Each looks again at what it waits for: a pause may have ended. */
void proxy_sessions_wake(const proxy_sessions *all);
/*
 * Ends it with the loop's next turn: where a message may be put in, which is anywhere but within an
 * answer or with MARS, it is told first and has some seconds to read that. False: there is none of
 * that number.
 */
bool proxy_session_kill(proxy_sessions *all, uint64_t number);
/* The same with all of them: the proxy ends. */
void proxy_sessions_end(const proxy_sessions *all);
#define PROXY_SESSION_LINGER_MS 2000
/* How often a client whose bytes the server does not take is looked at: it may have left. */
#define PROXY_SESSION_LOOK_MS 5000

#endif
