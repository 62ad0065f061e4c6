/* SPDX-License-Identifier: MIT */
/*
 * The in-process tunnel for drivers that cannot do tokens: a loopback listener
 * on a private thread that serves exactly one connection, the first whose
 * LOGIN7 shows a random single-use secret as its password, then closes its
 * door. The thread logs in upstream with the token and relays until either
 * side ends; then everything is released.
 *
 * Made to live in somebody else's process: the thread is one of relay/thread.h,
 * descriptors are close-on-exec.
 */
#ifndef RELAY_TUNNEL_H
#define RELAY_TUNNEL_H

#include "relay/login.h"

typedef struct relay_tunnel relay_tunnel;

typedef struct relay_tunnel_options {
    relay_login_options login; /* what to do upstream; the driver's LOGIN7 is the template.
                                  All strings are copied, the credential is referenced. */
} relay_tunnel_options;

/* Listens and starts the thread. */
entrasql_status relay_tunnel_open(const relay_tunnel_options *options, relay_tunnel **ret,
                                  entrasql_error *err) ES_MUST_USE;
uint16_t relay_tunnel_port(const relay_tunnel *t); /* on 127.0.0.1 */
const char *relay_tunnel_user(const relay_tunnel *t);
const es_secret *relay_tunnel_secret(const relay_tunnel *t);
/*
 * The upstream login's failure, if there was one: the driver shows only what
 * TDS can carry, this is the whole record. OK when there was none.
 */
entrasql_status relay_tunnel_failure(relay_tunnel *t, entrasql_error *ret);
/*
 * Lets go of the handle. A connection that is being served goes on until it
 * ends; a listener that was not used yet is closed now.
 */
void relay_tunnel_release(relay_tunnel *t);

#endif
