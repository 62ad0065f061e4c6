/* SPDX-License-Identifier: MIT */
/*
 * The tunnel's door: takes connections of our own user on a loopback listener
 * and lets in the first whose LOGIN7 bears the secret. At most
 * RELAY_GATE_ATTEMPTS connections get to say theirs, all at the same time if
 * they like, so that a silent one holds up nobody.
 *
 * One thread at a time.
 */
#ifndef RELAY_GATE_H
#define RELAY_GATE_H

#include "base/secret.h"
#include "relay/accept.h"

#define RELAY_GATE_ATTEMPTS 5

typedef struct relay_gate {
    int listener; /* owned; -1: closed */
    const char *user;
    const es_secret *secret; /* both borrowed */
    int64_t deadline_ms;
    int64_t answer_deadline_ms; /* for a connection that was let in: time to tell it a refusal */
    unsigned attempts;
    relay_accept *clients[RELAY_GATE_ATTEMPTS];
} relay_gate;

entrasql_status relay_gate_wants(const relay_gate *g, os_wait *w) ES_MUST_USE;
/*
 * AGAIN; OK with the connection that was let in, in RELAY_ACCEPT_DECIDE and the
 * caller's; TIMEOUT; LIMIT when all attempts were wrong.
 */
entrasql_status relay_gate_step(relay_gate *g, relay_accept **ret, entrasql_error *err) ES_MUST_USE;
/* Closes the listener and all connections that were not let in. */
void relay_gate_done(relay_gate *g);

#endif
