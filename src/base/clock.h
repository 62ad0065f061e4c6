/* SPDX-License-Identifier: MIT */
/*
 * Time. Deadlines use the monotonic clock in milliseconds; expiry of tokens
 * uses the wall clock in seconds since 1970, because laptops sleep.
 * Tests shift both through es_clock_shift().
 */
#ifndef ES_BASE_CLOCK_H
#define ES_BASE_CLOCK_H

#include "compiler.h"

#include <stdint.h>

#define ES_NO_DEADLINE INT64_MAX

int64_t es_clock_mono_ms(void);
int64_t es_clock_mono_us(void); /* for measuring: microseconds of the same clock */
int64_t es_clock_wall_s(void);
/* Milliseconds from now to the deadline, at least 0, at most INT_MAX: fit for poll(); -1 for
 * ES_NO_DEADLINE. */
int es_clock_poll_timeout(int64_t deadline_ms);
/* now + ms, without overflow; ms == 0 means ES_NO_DEADLINE. */
int64_t es_clock_deadline(int64_t ms);

/* Tests only: moves the clocks by so much from here on; process-wide. */
void es_clock_shift(int64_t mono_ms, int64_t wall_s);

#endif
