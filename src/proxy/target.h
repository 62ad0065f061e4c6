/* SPDX-License-Identifier: MIT */
/*
 * What a proxy leads to, as written on the command line:
 *
 *     SERVER[,PORT][/DATABASE][?KEY=VALUE[&KEY=VALUE]...]
 *
 * listen=PORT|127.0.0.1:PORT|[::1]:PORT   where clients connect (port 0: any free one)
 * encrypt=mandatory|strict                TLS inside TDS 7.4, or TDS 8.0
 * host-name-in-certificate=NAME           when it differs from SERVER
 *
 * %XX stands for any byte in DATABASE and in values. Owned by one thread.
 */
#ifndef PROXY_TARGET_H
#define PROXY_TARGET_H

#include "base/error.h"

#include <stdbool.h>

typedef struct proxy_target {
    char *text; /* as written, for messages */
    char *host;
    uint16_t port;
    char *database; /* for clients that name none; NULL: the server's default */
    bool strict;
    char *host_name_in_certificate; /* NULL: host */
    int listen_family;              /* AF_INET or AF_INET6, on loopback */
    bool has_listen_port;
    uint16_t listen_port;
} proxy_target;

/* CONFIG with the place and what would be right; *ret then needs no done(). */
entrasql_status proxy_target_parse(const char *text, proxy_target *ret,
                                   entrasql_error *err) ES_MUST_USE;
void proxy_target_done(proxy_target *t);

#endif
