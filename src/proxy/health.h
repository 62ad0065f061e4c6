/* SPDX-License-Identifier: MIT */
/*
 * How the proxy is, for those who run it: HTTP paths and the service manager.
 *
 *     GET  /startup       200 once it listens
 *     GET  /readiness     200 while it takes clients: started, not ending, not paused, below its
 *                         limit of clients. Dials nobody
 *     GET  /liveness      200 while its loop turns
 *     GET  /metrics       proxy/metrics.h
 *     POST /quitquitquit  the end, as SIGTERM; only when enabled, and for the proxy's own
 *                         user and root, over loopback
 *
 * The HTTP service has threads of its own and reads atomics only, so it answers
 * while the loop is busy, and before it runs. Beside it a task of the loop beats once a
 * second, for /liveness and the service manager's watchdog. All calls are for the loop's thread.
 */
#ifndef PROXY_HEALTH_H
#define PROXY_HEALTH_H

#include "loop/loop.h"
#include "os/sock.h"
#include "proxy/stats.h"

/* A loop that has not turned for so long is not alive. */
#define PROXY_HEALTH_STALL_MS 30000

typedef struct proxy_health proxy_health;

typedef struct proxy_health_options {
    loop *loop;
    proxy_stats_set *stats;     /* outlives it */
    const os_address *address;  /* NULL: no HTTP */
    bool quit;                  /* /quitquitquit is there */
    uid_t own_uid;              /* who may ask for it, beside root */
    void (*on_quit)(void *ctx); /* called on the loop, once */
    void *ctx;
} proxy_health_options;

/* BUSY when the port is taken. */
entrasql_status proxy_health_start(const proxy_health_options *options, proxy_health **ret,
                                   entrasql_error *err) ES_MUST_USE;
void proxy_health_stop(proxy_health *h);           /* once the loop is freed; NULL allowed */
uint16_t proxy_health_port(const proxy_health *h); /* 0: no HTTP */
/* "http://127.0.0.1:9090"; "" without HTTP. Lives as long as h. */
const char *proxy_health_text(const proxy_health *h);

/* It listens; tells the service manager READY=1. */
void proxy_health_started(proxy_health *h);
/* A reload begins, or has ended: for the service manager. */
void proxy_health_reloading(proxy_health *h, bool now);
void proxy_health_draining(proxy_health *h);
/* Every target is paused, or no longer. */
void proxy_health_paused(proxy_health *h, bool now);
void proxy_health_max_clients(proxy_health *h, uint32_t max);

#endif
