/* SPDX-License-Identifier: MIT */
/*
 * Which targets an operator has paused: all of them, or some by name. A name
 * stays paused whatever a reload does to its target. On the loop.
 */
#ifndef PROXY_PAUSES_H
#define PROXY_PAUSES_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct proxy_pauses {
    bool all;
    char **names;
    size_t count;
} proxy_pauses; /* zeroed: none */

void proxy_pauses_done(proxy_pauses *p);
bool proxy_pauses_hold(const proxy_pauses *p, const char *target);
/* NULL: all of them. */
entrasql_status proxy_pauses_add(proxy_pauses *p, const char *target,
                                 entrasql_error *err) ES_MUST_USE;
/* NULL: all, those that were paused by name, too. INVALID: all are paused, not this one. */
entrasql_status proxy_pauses_remove(proxy_pauses *p, const char *target,
                                    entrasql_error *err) ES_MUST_USE;

#endif
