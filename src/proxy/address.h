/* SPDX-License-Identifier: MIT */
/*
 * Where clients connect:
 *
 *     1433                    that port on 127.0.0.1
 *     127.0.0.1:1433  [::1]:1433  localhost:1433  0.0.0.0:1433  [::]:1433  *:1433
 *     unix:/run/sql.sock      or just /run/sql.sock
 *     systemd:NAME            a socket that systemd hands over (FileDescriptorName=)
 *
 * Port 0: any free one. Owned by one thread.
 */
#ifndef PROXY_ADDRESS_H
#define PROXY_ADDRESS_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define PROXY_ADDRESS_MAX_BYTES 300

typedef enum proxy_address_kind {
    PROXY_ADDRESS_TCP,
    PROXY_ADDRESS_UNIX,
    PROXY_ADDRESS_SYSTEMD
} proxy_address_kind;

typedef struct proxy_address {
    proxy_address_kind kind;
    char *text; /* as it is shown */
    char *name; /* host (numeric), path, or the name in systemd */
    uint16_t port;
} proxy_address;

/* n bytes. CONFIG; *ret then needs no done(). */
entrasql_status proxy_address_parse(const char *text, size_t n, proxy_address *ret,
                                    entrasql_error *err) ES_MUST_USE;
void proxy_address_done(proxy_address *a);
bool proxy_address_equal(const proxy_address *a, const proxy_address *b);
/* Only processes of this machine can reach it. */
bool proxy_address_is_local(const proxy_address *a);

#endif
