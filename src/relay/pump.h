/* SPDX-License-Identifier: MIT */
/*
 * Passes bytes both ways between two logged-in streams, with at most one
 * scratch full on the way in each direction: a slow reader slows its writer
 * down.
 *
 * When one side ends, what is still on the way is delivered and the end is
 * passed on; the other direction goes on until it ends too, or until nothing
 * came for RELAY_PUMP_LINGER_MS. A server that is to be kept never hears of
 * the client's end; the pump is over with it.
 *
 * One thread at a time.
 */
#ifndef RELAY_PUMP_H
#define RELAY_PUMP_H

#include "relay/border.h"
#include "relay/stream.h"

#define RELAY_PUMP_SCRATCH_BYTES ((size_t)64 * 1024)
#define RELAY_PUMP_LINGER_MS 10000

typedef struct relay_pump relay_pump;

typedef struct relay_pump_options {
    relay_stream *client; /* both borrowed */
    relay_stream *server;
    relay_border *border;   /* is shown what passes; borrowed; NULL: nobody wants to know */
    relay_scratch *scratch; /* borrowed; NULL: one of its own */
    bool keeps_server;
} relay_pump_options;

entrasql_status relay_pump_new(const relay_pump_options *options, relay_pump **ret) ES_MUST_USE;
entrasql_status relay_pump_wants(const relay_pump *p, os_wait *w) ES_MUST_USE;
/*
 * AGAIN while it goes on; OK when both sides have ended, or the client of a
 * server that is kept; else why a side broke. With a border to ask, a server that closes while
 * it owes a reply has broken; so has one that is to be kept and answers what nobody asked: none of
 * that is delivered. What a server said before it stopped taking the client's bytes is delivered.
 */
entrasql_status relay_pump_step(relay_pump *p, entrasql_error *err) ES_MUST_USE;
/*
 * After a step that failed: the server broke, rather than the client. If it took no byte since
 * the pump began, what was read of the client was given back to its stream.
 */
bool relay_pump_server_broke(const relay_pump *p);
bool relay_pump_server_took_nothing(const relay_pump *p);
/* Bytes of payload read from each side since the last call. */
void relay_pump_passed(relay_pump *p, uint64_t *ret_from_client, uint64_t *ret_from_server);
/* The streams stay. NULL allowed. */
void relay_pump_free(relay_pump *p);

#endif
