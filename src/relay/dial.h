/* SPDX-License-Identifier: MIT */
/*
 * A TCP connection to a host by name: looks the name up, then tries its
 * addresses in order, IPv6 and IPv4 in turn, starting the next one when the one before has failed
 * or has kept silent for RELAY_DIAL_STAGGER_MS; the first that answers wins.
 *
 * One thread at a time. The deadline is the caller's.
 */
#ifndef RELAY_DIAL_H
#define RELAY_DIAL_H

#include "os/resolve.h"

#define RELAY_DIAL_STAGGER_MS 250

typedef struct relay_dial relay_dial;

entrasql_status relay_dial_start(const char *host, uint16_t port, relay_dial **ret,
                                 entrasql_error *err) ES_MUST_USE;
entrasql_status relay_dial_wants(const relay_dial *d, os_wait *w) ES_MUST_USE;
/* AGAIN; OK with a connected descriptor that is the caller's; NETWORK: no address answered. */
entrasql_status relay_dial_step(relay_dial *d, int *ret_fd, entrasql_error *err) ES_MUST_USE;
/* "looking up its address" or "connecting", for a deadline's message. */
const char *relay_dial_activity(const relay_dial *d);
void relay_dial_free(relay_dial *d); /* NULL allowed */

#endif
