/* SPDX-License-Identifier: MIT */
/*
 * What an operator may do to a running proxy, through its admin database: the source of
 * proxy/admin.h. Also who may come into that database. On the loop.
 */
#ifndef PROXY_OPERATOR_H
#define PROXY_OPERATOR_H

#include "proxy/access.h"
#include "proxy/admin.h"
#include "proxy/config.h"
#include "proxy/health.h"
#include "proxy/session.h"

#include <sys/types.h>

typedef struct proxy_operator {
    proxy_admin_source source;   /* filled in by proxy_operator_init() */
    proxy_config *const *config; /* the one that is in force */
    proxy_stats_set *stats;
    proxy_pools *pools;
    proxy_warm *warm;
    proxy_pauses *pauses;
    proxy_sessions *sessions;
    proxy_health *health;
    uid_t own_uid;
    /* Reads the configuration again; NULL: that is not possible. */
    entrasql_status (*reload)(void *ctx, entrasql_error *err);
    void *ctx;
} proxy_operator;

void proxy_operator_init(proxy_operator *o);
/* Another configuration is in force. */
void proxy_operator_reloaded(const proxy_operator *o);

/*
 * Whether the client may use the admin database: a process of the proxy's
 * own user, or one whose login has the admin secret as password. *why says which setting helps.
 * Of *ret the reason and whether a secret decided are set.
 */
entrasql_status proxy_operator_admits(const proxy_operator *o, const proxy_peer *peer,
                                      const tds_login7 *login, proxy_grant *ret,
                                      entrasql_error *why) ES_MUST_USE;

#endif
