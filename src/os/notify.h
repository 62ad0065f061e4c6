/* SPDX-License-Identifier: MIT */
/*
 * Telling the service manager how a service is (sd_notify(3)): one datagram to the
 * socket that NOTIFY_SOCKET names. Without that variable every call does nothing.
 *
 * Blocks at most as long as the datagram socket of a manager that does not read.
 * One thread.
 */
#ifndef OS_NOTIFY_H
#define OS_NOTIFY_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct os_notify os_notify;

/*
 * *ret is NULL when there is no service manager. CONFIG for a NOTIFY_SOCKET that is no address of
 * a unix socket. Takes the variables away, so that children do not speak for us.
 */
entrasql_status os_notify_open(os_notify **ret, entrasql_error *err) ES_MUST_USE;
/*
 * Variables and values with newlines between: "READY=1\nSTATUS=12 clients". With RELOADING=1
 * MONOTONIC_USEC is added, which Type=notify-reload wants. False: it could not be sent.
 */
bool os_notify_send(const os_notify *n, const char *state);
/* How often WATCHDOG=1 has to be sent at least, in milliseconds; 0: not at all. */
int64_t os_notify_watchdog_ms(const os_notify *n);
void os_notify_close(os_notify *n); /* NULL allowed, as in the calls above */

#endif
