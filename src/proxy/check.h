/* SPDX-License-Identifier: MIT */
/*
 * What the proxy tries before anybody depends on it, and says of it: the token of each identity
 * that a target uses, and, when asked to, a login to each target. Blocks; before the loop runs.
 */
#ifndef PROXY_CHECK_H
#define PROXY_CHECK_H

#include "proxy/config.h"
#include "proxy/stats.h"

#include <stdio.h>

/* A line for each identity: principal, object id, tenant. */
entrasql_status proxy_check_tokens(const proxy_config *config, proxy_stats_set *stats, FILE *out,
                                   entrasql_error *err) ES_MUST_USE;
/* A line for each target: where the login led. The failure names the target. */
entrasql_status proxy_check_connections(const proxy_config *config, FILE *out,
                                        entrasql_error *err) ES_MUST_USE;

#endif
