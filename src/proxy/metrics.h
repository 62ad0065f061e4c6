/* SPDX-License-Identifier: MIT */
/*
 * What the proxy counted, in Prometheus's text format 0.0.4: names begin with
 * entrasql_proxy_, the process's own figures with process_. docs/proxy-operations.md lists them.
 */
#ifndef PROXY_METRICS_H
#define PROXY_METRICS_H

#include "base/buf.h"
#include "proxy/stats.h"

#define PROXY_METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Any thread. is_ready: what /readiness would say. */
entrasql_status proxy_metrics_write(proxy_stats_set *set, bool is_ready, es_buf *out) ES_MUST_USE;

#endif
