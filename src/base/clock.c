/* SPDX-License-Identifier: MIT */
/* Clocks. */
#include "base/clock.h"

#include <limits.h>
#include <stdatomic.h>
#include <time.h>

static _Atomic int64_t shift_mono_ms;
static _Atomic int64_t shift_wall_s;

int64_t es_clock_mono_us(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000 +
           atomic_load_explicit(&shift_mono_ms, memory_order_relaxed) * 1000;
}

int64_t es_clock_mono_ms(void)
{
    return es_clock_mono_us() / 1000;
}

int64_t es_clock_wall_s(void)
{
    /* Cheaper than clock_gettime, which reads the counter; a tick's difference is nothing here. */
    return (int64_t)time(NULL) + atomic_load_explicit(&shift_wall_s, memory_order_relaxed);
}

int es_clock_poll_timeout(int64_t deadline_ms)
{
    if (deadline_ms == ES_NO_DEADLINE)
        return -1;
    int64_t left = deadline_ms - es_clock_mono_ms();
    if (left <= 0)
        return 0;
    return left > INT_MAX ? INT_MAX : (int)left;
}

int64_t es_clock_deadline(int64_t ms)
{
    if (ms <= 0 || ms == INT64_MAX)
        return ES_NO_DEADLINE;
    int64_t now = es_clock_mono_ms();
    return ms > INT64_MAX - now ? ES_NO_DEADLINE : now + ms;
}

void es_clock_shift(int64_t mono_ms, int64_t wall_s)
{
    atomic_fetch_add(&shift_mono_ms, mono_ms);
    atomic_fetch_add(&shift_wall_s, wall_s);
}
