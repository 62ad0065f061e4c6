/* SPDX-License-Identifier: MIT */
/* Packet borders in a byte stream. */
#include "relay/frame.h"

#include "tds/smp.h"

#include <string.h>

/* [MC-SMP] 2.2.1: a header of its own around every TDS packet, its length the other way round. */
static size_t smp_length(const uint8_t *head)
{
    return head[4] | (size_t)head[5] << 8 | (size_t)head[6] << 16 | (size_t)head[7] << 24;
}

static void read_length(relay_frame *f)
{
    size_t length = ((size_t)f->head[2] << 8) | f->head[3];
    if (f->head[0] == TDS_SMP_FIRST_BYTE)
        length = smp_length(f->head);
    if (length < sizeof f->head) {
        f->lost = true;
        return;
    }
    f->payload_left = length - sizeof f->head;
    if (f->payload_left == 0)
        f->head_len = 0;
}

size_t relay_frame_take(relay_frame *f, const uint8_t *p, size_t n)
{
    size_t taken = 0;
    if (f->lost)
        return n;
    if (f->head_len < sizeof f->head) {
        size_t missing = sizeof f->head - f->head_len;
        taken = n < missing ? n : missing;
        memcpy(f->head + f->head_len, p, taken);
        f->head_len += taken;
        if (f->head_len < sizeof f->head)
            return taken;
        read_length(f);
        if (f->lost)
            return n;
    }
    size_t payload = n - taken < f->payload_left ? n - taken : f->payload_left;
    f->payload_left -= payload;
    if (f->payload_left == 0)
        f->head_len = 0;
    return taken + payload;
}
