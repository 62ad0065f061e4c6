/* SPDX-License-Identifier: MIT */
/*
 * Refusals in the log, no more than PROXY_QUIET_LINES of each reason in PROXY_QUIET_MS; how many
 * more there were is told when that time is over, by a task of the loop.
 *
 * Belongs to the loop's thread.
 */
#ifndef PROXY_QUIET_H
#define PROXY_QUIET_H

#include "loop/loop.h"
#include "proxy/stats.h"

#define PROXY_QUIET_LINES 20
#define PROXY_QUIET_MS 10000

typedef struct proxy_quiet proxy_quiet;

entrasql_status proxy_quiet_new(loop *l, proxy_quiet **ret, entrasql_error *err) ES_MUST_USE;
void proxy_quiet_free(
    proxy_quiet *q); /* after the loop; tells what it has not told. NULL allowed */
/* False: the line is counted in place of written. */
bool proxy_quiet_may_log(proxy_quiet *q, proxy_refusal reason);

#endif
