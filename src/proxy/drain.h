/* SPDX-License-Identifier: MIT */
/*
 * What a client leaves unread when it goes: its request is cancelled by an
 * ATTENTION, or one that it sent itself is waited for, and what still comes of
 * the answer is thrown away up to the acknowledgement ([MS-TDS] 2.2.1.7: DONE
 * with DONE_ATTN). The session is then between two requests, and can be reset.
 *
 * Only where relay_border_is_cancellable() says so. Bounded in time and bytes:
 * a server that does not acknowledge is not worth the connection.
 */
#ifndef PROXY_DRAIN_H
#define PROXY_DRAIN_H

#include "relay/border.h"
#include "relay/stream.h"

#define PROXY_DRAIN_MS 5000
#define PROXY_DRAIN_BYTES ((uint64_t)64 * 1024 * 1024)

typedef struct proxy_drain {
    int64_t deadline_ms;
    uint64_t bytes;
} proxy_drain;

entrasql_status proxy_drain_start(proxy_drain *d, relay_border *b, relay_stream *s,
                                  entrasql_error *err) ES_MUST_USE;
entrasql_status proxy_drain_wants(const proxy_drain *d, const relay_stream *s,
                                  os_wait *w) ES_MUST_USE;
/* OK: between two requests. AGAIN. Else it cannot be brought there. */
entrasql_status proxy_drain_step(proxy_drain *d, relay_border *b, relay_stream *s,
                                 const relay_scratch *space, entrasql_error *err) ES_MUST_USE;

#endif
