/* SPDX-License-Identifier: MIT */
/*
 * Upstream connections that stand ready for logins: TCP, PRELOGIN and TLS are
 * done, and LOGIN7, which is the client's, comes next. As many for each server
 * as its targets ask for, whoever signs in and whatever the login says.
 *
 * A server does not wait for LOGIN7 forever: one that has stood for `age` is replaced,
 * each after another part of it, and stands until its successor does. Whatever fails, or is
 * closed by the server, is opened anew after a pause that doubles up to 30 s.
 *
 * Tasks of the loop. A redirect is found out by a login alone: what stands ready is
 * connected to the name that the target has.
 */
#ifndef PROXY_WARM_H
#define PROXY_WARM_H

#include "loop/loop.h"
#include "proxy/config.h"
#include "proxy/stats.h"
#include "relay/login.h"

typedef struct proxy_warm proxy_warm;

entrasql_status proxy_warm_new(loop *l, proxy_warm **ret, entrasql_error *err) ES_MUST_USE;
/* After the loop, whose tasks hold the connections. NULL allowed. */
void proxy_warm_free(proxy_warm *w);

/* Keeps what these targets ask for from now on; what they have no use for is closed. */
entrasql_status proxy_warm_apply(proxy_warm *w, const proxy_config *config, proxy_stats_set *stats,
                                 entrasql_error *err) ES_MUST_USE;
/* No more logins will come. */
void proxy_warm_stop(proxy_warm *w);
/* Closes what stands ready at that server and opens others; host NULL: at all of them. */
void proxy_warm_renew(proxy_warm *w, const char *host, uint16_t port);

/* For relay_login_options.held: what a login with these options can go on with; NULL: nothing. */
relay_login *proxy_warm_take(proxy_warm *w, const relay_login_options *options);
/* How many stand ready for logins at that server. */
unsigned proxy_warm_count(const proxy_warm *w, const char *host, uint16_t port);

#endif
