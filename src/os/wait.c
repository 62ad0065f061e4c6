/* SPDX-License-Identifier: MIT */
/* The set of descriptors and the deadline that a waiting operation depends on. */
#include "os/wait.h"

#include <errno.h>
#include <stdbool.h>
#include <time.h>

void os_wait_init(os_wait *w)
{
    w->count = 0;
    w->deadline_ms = ES_NO_DEADLINE;
    w->rest_us = ES_NO_DEADLINE;
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

void os_wait_until_us(os_wait *w, int64_t deadline_us)
{
    if (deadline_us < w->rest_us)
        w->rest_us = deadline_us;
}

/* False: there is no deadline. */
static bool time_left(const os_wait *w, struct timespec *ret)
{
    int64_t ms = es_clock_poll_timeout(w->deadline_ms);
    int64_t us = ms < 0 ? ES_NO_DEADLINE : ms * 1000;
    if (w->rest_us != ES_NO_DEADLINE) {
        int64_t rest = w->rest_us - es_clock_mono_us();
        rest = rest < 0 ? 0 : rest;
        us = rest < us ? rest : us;
    }
    *ret = (struct timespec){.tv_sec = (time_t)(us / 1000000), .tv_nsec = (us % 1000000) * 1000};
    return us != ES_NO_DEADLINE;
}

entrasql_status os_wait_poll(os_wait *w, entrasql_error *err)
{
    for (;;) {
        /* Computed anew after EINTR, so that signals do not stretch the deadline. */
        struct timespec left;
        if (ppoll(w->fds, w->count, time_left(w, &left) ? &left : NULL, NULL) >= 0)
            return ENTRASQL_OK;
        if (errno != EINTR)
            return es_fail_errno(err, errno, "cannot wait for %u descriptors", w->count);
    }
}
