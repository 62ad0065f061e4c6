/* SPDX-License-Identifier: MIT */
/* Databases that moved, and those that several places serve. */
#include "proxy/moves.h"

#include "base/clock.h"

proxy_moved proxy_moves_note(proxy_moves *m)
{
    int64_t now = es_clock_mono_ms();
    int64_t within_ms = m->is_spread ? PROXY_MOVES_QUIET_MS : PROXY_MOVES_SOON_MS;
    bool is_soon = m->latest_ms != 0 && now - m->latest_ms < within_ms;
    bool was_spread = m->is_spread;
    *m = (proxy_moves){.latest_ms = now, .is_spread = is_soon};
    if (!is_soon)
        return PROXY_MOVED;
    return was_spread ? PROXY_MOVED_SPREAD : PROXY_MOVED_NEW_SPREAD;
}
