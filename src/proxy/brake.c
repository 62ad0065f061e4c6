/* SPDX-License-Identifier: MIT */
/* Wrong secrets are slowed down. */
#include "proxy/brake.h"

#include "base/clock.h"

int64_t proxy_brake_wait_ms(const proxy_brake *b, const proxy_source *source)
{
    int64_t free_ms = es_clock_mono_ms() + (int64_t)PROXY_BRAKE_BURST * PROXY_BRAKE_INTERVAL_MS;
    for (size_t i = 0; i < PROXY_BRAKE_SOURCES; i++)
        if (b->sources[i].end_ms > free_ms && proxy_source_equal(&b->sources[i].source, source))
            return b->sources[i].end_ms - free_ms;
    return 0;
}

void proxy_brake_wrong(proxy_brake *b, const proxy_source *source)
{
    int64_t now = es_clock_mono_ms();
    size_t at = 0;
    for (size_t i = 0; i < PROXY_BRAKE_SOURCES; i++) {
        if (b->sources[i].end_ms > now && proxy_source_equal(&b->sources[i].source, source)) {
            b->sources[i].end_ms += PROXY_BRAKE_INTERVAL_MS;
            return;
        }
        if (b->sources[i].end_ms < b->sources[at].end_ms)
            at = i;
    }
    b->sources[at].source = *source;
    b->sources[at].end_ms = now + PROXY_BRAKE_INTERVAL_MS;
}
