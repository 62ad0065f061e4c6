/* SPDX-License-Identifier: MIT */
/*
 * What it means that a login was led to another place than the one before. Usually the database
 * moved (a failover), and its former place is not to be used any more. But a gateway that sends
 * logins by turns to several places does so again and again: who renewed the pool each time would
 * log in without end. So a second one soon after the first says that several places serve the
 * database, until logins have come to the same one for a while.
 *
 * Zeroed: it never moved.
 */
#ifndef PROXY_MOVES_H
#define PROXY_MOVES_H

#include <stdbool.h>
#include <stdint.h>

/* So soon after a move another one is taken for several places. */
#define PROXY_MOVES_SOON_MS 60000
/* Several places are taken for one again when there was no move for so long. */
#define PROXY_MOVES_QUIET_MS 300000

typedef struct proxy_moves {
    int64_t latest_ms; /* monotonic; 0: none */
    bool is_spread;    /* several places serve the database */
} proxy_moves;

typedef enum proxy_moved {
    PROXY_MOVED,            /* from one place to another */
    PROXY_MOVED_NEW_SPREAD, /* no: several serve it, as is seen now */
    PROXY_MOVED_SPREAD      /* no: several serve it, as was known */
} proxy_moved;

/* A login came to another place than the one before. */
proxy_moved proxy_moves_note(proxy_moves *m);

#endif
