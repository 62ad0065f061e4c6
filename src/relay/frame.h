/* SPDX-License-Identifier: MIT */
/*
 * Follows the packet headers of a byte stream ([MS-TDS] 2.2.3.1, and with MARS
 * [MC-SMP] 2.2.1) without touching payload: where packets begin and end. A broken header
 * is the receiver's to refuse; here it only ends the tracking.
 *
 * A frame belongs to one direction of one stream and one thread at a time.
 */
#ifndef RELAY_FRAME_H
#define RELAY_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed: at the start of a stream. */
typedef struct relay_frame {
    uint8_t head[8];
    size_t head_len;
    size_t payload_left;
    bool lost; /* a header made no sense: no borders are known any more */
} relay_frame;

/*
 * Takes bytes up to the end of the current packet, or all n; returns how many.
 * Once tracking is lost it takes everything.
 */
size_t relay_frame_take(relay_frame *f, const uint8_t *p, size_t n);
#endif
