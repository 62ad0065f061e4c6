/* SPDX-License-Identifier: MIT */
/*
 * Where connections come from, as far as one that does harm is to be told from the rest: a user of
 * this machine, an address of another, users that may not come in. Compared as bytes.
 */
#ifndef PROXY_SOURCE_H
#define PROXY_SOURCE_H

#include "os/sock.h"

#include <stdbool.h>

typedef enum proxy_source_kind {
    PROXY_SOURCE_UNKNOWN, /* all of them are one */
    PROXY_SOURCE_USER,
    PROXY_SOURCE_ADDRESS,
    PROXY_SOURCE_STRANGERS /* whatever they send they are refused: all of them are one */
} proxy_source_kind;

typedef struct proxy_source {
    uint8_t kind;
    uint8_t key[16];
} proxy_source;

proxy_source proxy_source_of_user(uid_t uid);
/* Of IPv6 the network of 64 bits that one machine may take all addresses of (RFC 4291, 2.5.4). */
proxy_source proxy_source_of_address(const os_address *address);
bool proxy_source_equal(const proxy_source *a, const proxy_source *b);

#endif
