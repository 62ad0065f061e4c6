/* SPDX-License-Identifier: MIT */
/*
 * Wrong secrets are slowed down. A login whose secret was wrong hears so after
 * PROXY_BRAKE_DELAY_MS. A source (a user of this machine, an address of another) that had many
 * wrong ones lately is judged no sooner than PROXY_BRAKE_INTERVAL_MS after the one before, however
 * many connections it opens: others are not kept waiting by it. Nobody is locked out: whose secret
 * is right gets in whatever came before, and there is no count for a login name that a guesser
 * could use up for its owner.
 *
 * What a source has is a virtual schedule (the generic cell rate algorithm, ITU-T I.371): each
 * wrong secret puts its end an interval later, and with the end more than a burst away it waits.
 *
 * One thread. Zeroed: nobody has guessed.
 */
#ifndef PROXY_BRAKE_H
#define PROXY_BRAKE_H

#include "proxy/source.h"

#include <stdint.h>

#define PROXY_BRAKE_DELAY_MS 1000
#define PROXY_BRAKE_INTERVAL_MS 100
#define PROXY_BRAKE_BURST 20
/* Of more sources than these those with the fewest wrong secrets are forgotten. */
#define PROXY_BRAKE_SOURCES 512

typedef struct proxy_brake {
    struct {
        proxy_source source;
        int64_t end_ms; /* of its schedule; 0: unused */
    } sources[PROXY_BRAKE_SOURCES];
} proxy_brake;

/* How long until a login of the source may be judged. 0: now. */
int64_t proxy_brake_wait_ms(const proxy_brake *b, const proxy_source *source);
void proxy_brake_wrong(proxy_brake *b, const proxy_source *source);

#endif
