/* SPDX-License-Identifier: MIT */
/*
 * What the admin database shows of the proxy: its pools, sessions, server connections, figures,
 * identities and settings, as tables. Reads only; on the loop. Secrets are in none of them.
 */
#ifndef PROXY_SHOW_H
#define PROXY_SHOW_H

#include "proxy/admin.h"
#include "proxy/config.h"
#include "proxy/session.h"

typedef struct proxy_show_view {
    const proxy_config *config;
    proxy_stats_set *stats;
    const pool_set *pools;
    const proxy_warm *warm;
    const proxy_pauses *pauses;
    const proxy_sessions *sessions;
} proxy_show_view;

/* LIMIT or NOMEM when the reply has no room. */
entrasql_status proxy_show_write(const proxy_show_view *view, proxy_show what,
                                 proxy_admin_reply *reply) ES_MUST_USE;

#endif
