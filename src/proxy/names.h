/* SPDX-License-Identifier: MIT */
/*
 * Whether the names of the targets' servers are known at the start. One that is not may be a
 * mistake in writing or a network that comes up later: it is logged, and nothing else.
 */
#ifndef PROXY_NAMES_H
#define PROXY_NAMES_H

#include "loop/loop.h"
#include "proxy/config.h"

/* Looks each up once, one after the other, while clients are served: a task of the loop. */
entrasql_status proxy_names_check(loop *l, proxy_config *config, entrasql_error *err) ES_MUST_USE;

#endif
