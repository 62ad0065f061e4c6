/* SPDX-License-Identifier: MIT */
/*
 * Passes bytes both ways between two logged-in streams, with at most 64 kB
 * on the way in each direction: a slow reader slows its writer down.
 *
 * When one side ends, what is still on the way is delivered and the end is
 * passed on; the other direction goes on until it ends too, or until nothing
 * came for RELAY_PUMP_LINGER_MS. The streams follow packet headers by
 * themselves where TLS runs (relay/frame.h).
 *
 * Owns both streams. One thread at a time.
 */
#ifndef RELAY_PUMP_H
#define RELAY_PUMP_H

#include "relay/stream.h"

#define RELAY_PUMP_BUFFER_BYTES ((size_t)64 * 1024)
#define RELAY_PUMP_LINGER_MS 10000

typedef struct relay_pump relay_pump;

/* Takes both streams on success only. */
entrasql_status relay_pump_new(relay_stream *client, relay_stream *server,
                               relay_pump **ret) ES_MUST_USE;
entrasql_status relay_pump_wants(const relay_pump *p, os_wait *w) ES_MUST_USE;
/* AGAIN while it goes on; OK when both sides have ended; else why a side broke. */
entrasql_status relay_pump_step(relay_pump *p, entrasql_error *err) ES_MUST_USE;
/* Bytes of payload read from each side so far. */
void relay_pump_passed(const relay_pump *p, uint64_t *ret_from_client, uint64_t *ret_from_server);
/* Closes both streams. NULL allowed. */
void relay_pump_free(relay_pump *p);

#endif
