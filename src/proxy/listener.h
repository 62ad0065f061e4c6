/* SPDX-License-Identifier: MIT */
/*
 * A socket that clients connect to: TCP, a unix socket's path, or one that systemd hands over.
 * A task of the loop that gives each connection to its owner. When descriptors run out it gives up
 * one it keeps for that, tells the clients nothing but closes; it rests where even that fails.
 * Of that one line is written in PROXY_QUIET_MS.
 *
 * Belongs to the loop's thread.
 */
#ifndef PROXY_LISTENER_H
#define PROXY_LISTENER_H

#include "loop/loop.h"
#include "proxy/address.h"

#include <sys/types.h>

typedef struct proxy_listener proxy_listener;

typedef struct proxy_listener_options {
    const proxy_address *address;        /* copied */
    mode_t mode;                         /* of a unix socket */
    void (*accepted)(void *ctx, int fd); /* takes the descriptor */
    void *ctx;
} proxy_listener_options;

/*
 * Opens the socket. A unix socket's file that nobody listens behind any more is replaced. BUSY:
 * taken; CONFIG: systemd hands over no socket of that name, or one that is not for listening.
 */
entrasql_status proxy_listener_open(const proxy_listener_options *options, proxy_listener **ret,
                                    entrasql_error *err) ES_MUST_USE;
/* From now on connections are taken. */
entrasql_status proxy_listener_start(proxy_listener *ln, loop *l, entrasql_error *err) ES_MUST_USE;
/* It was opened for that address. */
bool proxy_listener_is_at(const proxy_listener *ln, const proxy_address *address);
/* Of a unix socket's file; does nothing for others. */
entrasql_status proxy_listener_set_mode(proxy_listener *ln, mode_t mode,
                                        entrasql_error *err) ES_MUST_USE;
/* Where it really is: "127.0.0.1:49152". */
const char *proxy_listener_text(const proxy_listener *ln);
/* Other machines may reach it. */
bool proxy_listener_is_exposed(const proxy_listener *ln);
/* Closes it with the loop's next turn, or at once when the loop is gone, and removes a unix
   socket's file. NULL allowed. */
void proxy_listener_close(proxy_listener *ln);

#endif
