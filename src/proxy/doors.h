/* SPDX-License-Identifier: MIT */
/*
 * The proxy's listeners, each with the service that its clients get. A configuration is put into
 * effect as a whole: addresses that stay keep their socket, new ones are opened, others closed;
 * when one cannot be opened all stays as it was. Sessions go on with the service they began with.
 *
 * Belongs to the loop's thread.
 */
#ifndef PROXY_DOORS_H
#define PROXY_DOORS_H

#include "proxy/session.h"

#include <stdio.h>

typedef struct proxy_doors proxy_doors;

typedef struct proxy_doors_options {
    loop *loop;
    /* A service for the target's sessions, with one reference. */
    entrasql_status (*make_service)(void *ctx, const proxy_target *t, proxy_service **ret,
                                    entrasql_error *err);
    void (*accepted)(void *ctx, proxy_service *service, int fd); /* takes the descriptor */
    void *ctx;
} proxy_doors_options;

entrasql_status proxy_doors_new(const proxy_doors_options *options, proxy_doors **ret,
                                entrasql_error *err) ES_MUST_USE;
/* After the loop. NULL allowed. */
void proxy_doors_free(proxy_doors *d);

entrasql_status proxy_doors_apply(proxy_doors *d, const proxy_config *config,
                                  entrasql_error *err) ES_MUST_USE;
/* No more clients. */
void proxy_doors_close(proxy_doors *d);
/* "ADDRESS -> SERVER,PORT DATABASE", a line each. */
void proxy_doors_print(const proxy_doors *d, FILE *out);

#endif
