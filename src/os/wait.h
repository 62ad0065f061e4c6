/* SPDX-License-Identifier: MIT */
/*
 * How everything asynchronous in entrasql is driven.
 *
 * An operation X has two calls: X_wants(op, wait) adds its descriptors and its
 * deadline to the set, X_step(op, ...) does what can be done without blocking
 * and returns AGAIN while it is not finished. Whoever owns the operation polls
 * the set: a blocking wrapper, a tunnel's thread, or an event loop. A step
 * may be called at any time; it must not rely on which descriptor was ready.
 */
#ifndef OS_WAIT_H
#define OS_WAIT_H

#include "base/clock.h"
#include "base/error.h"

#include <poll.h>

#define OS_WAIT_MAX 32

typedef struct os_wait {
    struct pollfd fds[OS_WAIT_MAX];
    unsigned count;
    int64_t deadline_ms; /* monotonic; ES_NO_DEADLINE: none */
    int64_t rest_us;     /* the same in microseconds, for what is shorter than a millisecond */
} os_wait;

void os_wait_init(os_wait *w);
/* Merges events when the descriptor is already in the set. INTERNAL when the set is full. */
entrasql_status os_wait_add(os_wait *w, int fd, short events) ES_MUST_USE;
/* The earliest deadline counts. */
void os_wait_until(os_wait *w, int64_t deadline_ms);
/* A deadline of es_clock_mono_us(): for rests of less than a millisecond. */
void os_wait_until_us(os_wait *w, int64_t deadline_us);
/* Sleeps until a descriptor is ready or the deadline passed; both are OK. EINTR is retried. */
entrasql_status os_wait_poll(os_wait *w, entrasql_error *err) ES_MUST_USE;

#endif
