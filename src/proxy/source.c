/* SPDX-License-Identifier: MIT */
/* Where connections come from. */
#include "proxy/source.h"

#include <netinet/in.h>
#include <string.h>

#define NETWORK_BYTES 8

proxy_source proxy_source_of_user(uid_t uid)
{
    proxy_source ret = {.kind = PROXY_SOURCE_USER};
    memcpy(ret.key, &uid, sizeof uid);
    return ret;
}

proxy_source proxy_source_of_address(const os_address *address)
{
    proxy_source ret = {.kind = PROXY_SOURCE_ADDRESS};
    if (address->storage.ss_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, &address->storage, sizeof v4);
        memcpy(ret.key + 12, &v4.sin_addr, 4);
    } else if (address->storage.ss_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, &address->storage, sizeof v6);
        /* A listener for both families shows IPv4 in v6 form, with zeros where networks differ. */
        bool is_v4 = IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr);
        size_t from = is_v4 ? 12 : 0;
        memcpy(ret.key + from, v6.sin6_addr.s6_addr + from, is_v4 ? 4 : NETWORK_BYTES);
    } else {
        ret.kind = PROXY_SOURCE_UNKNOWN;
    }
    return ret;
}

bool proxy_source_equal(const proxy_source *a, const proxy_source *b)
{
    return a->kind == b->kind && memcmp(a->key, b->key, sizeof a->key) == 0;
}
