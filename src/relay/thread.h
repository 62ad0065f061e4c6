/* SPDX-License-Identifier: MIT */
/*
 * Private threads in somebody else's process (tunnels): never left behind.
 *
 * A thread runs with all signals blocked. When the process exits, or the
 * library is unloaded, each is told to stop, through a descriptor that
 * turns readable, and waited for, for at most RELAY_THREAD_STOP_MS in all:
 * otherwise it would run on while OpenSSL's own exit handler, or the unloading, takes
 * the ground from under it. Threads that have ended are joined by the next start.
 *
 * Process-wide: one exit handler, one fork handler (a child inherits no thread
 * and waits for none), one eventfd. Any thread may call.
 */
#ifndef RELAY_THREAD_H
#define RELAY_THREAD_H

#include "base/error.h"

#include <stdbool.h>

#define RELAY_THREAD_STOP_MS 2000

/* `what` names the thread for the message. CANCELLED while the process ends; OS, NOMEM. */
entrasql_status relay_thread_start(void (*run)(void *context), void *context, const char *what,
                                   entrasql_error *err) ES_MUST_USE;

/* For the waits of such a thread: turns readable, and stays so, when it has to stop. Borrowed. */
int relay_thread_stop_fd(void);
bool relay_thread_is_stopping(void);

#endif
