/* SPDX-License-Identifier: MIT */
/* The set of descriptors and the deadline that a waiting operation depends on. */
#include "os/wait.h"

#include <errno.h>

void os_wait_init(os_wait *w)
{
    w->count = 0;
    w->deadline_ms = ES_NO_DEADLINE;
}

entrasql_status os_wait_add(os_wait *w, int fd, short events)
{
    for (unsigned i = 0; i < w->count; i++) {
        if (w->fds[i].fd == fd) {
            w->fds[i].events = (short)(w->fds[i].events | events);
            return ENTRASQL_OK;
        }
    }
    if (w->count == OS_WAIT_MAX)
        return ENTRASQL_INTERNAL;
    w->fds[w->count++] = (struct pollfd){.fd = fd, .events = events};
    return ENTRASQL_OK;
}

void os_wait_until(os_wait *w, int64_t deadline_ms)
{
    if (deadline_ms < w->deadline_ms)
        w->deadline_ms = deadline_ms;
}

entrasql_status os_wait_poll(os_wait *w, entrasql_error *err)
{
    for (;;) {
        /* Computed anew after EINTR, so that signals do not stretch the deadline. */
        if (poll(w->fds, w->count, es_clock_poll_timeout(w->deadline_ms)) >= 0)
            return ENTRASQL_OK;
        if (errno != EINTR)
            return es_fail_errno(err, errno, "cannot wait for %u descriptors", w->count);
    }
}
