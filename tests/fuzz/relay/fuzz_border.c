/* SPDX-License-Identifier: MIT */
/*
 * Borders of any bytes in any pieces: the first byte of a piece says which way it goes and how long
 * it is. In one piece or byte by byte, the result is the same.
 */
#include "relay/border.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void show(relay_border *b, int up, const uint8_t *p, size_t n)
{
    if (up)
        relay_border_up(b, p, n);
    else
        relay_border_down(b, p, n);
}

static void compare(const relay_border *a, const relay_border *b)
{
    if (a->lost != b->lost)
        abort();
    if (a->lost)
        return;
    if (a->requests != b->requests || a->attentions != b->attentions || a->fatal != b->fatal ||
        a->transaction != b->transaction || a->was_reset != b->was_reset ||
        a->failed != b->failed || a->unrecoverable != b->unrecoverable)
        abort();
    if (relay_border_is_idle(a) != relay_border_is_idle(b) ||
        relay_border_pin(a) != relay_border_pin(b))
        abort();
    if (relay_border_is_idle(a) && a->requests + a->attentions != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    relay_border whole = {0};
    relay_border bytewise = {0};
    while (size > 1) {
        int up = (data[0] & 0x80) != 0;
        size_t n = data[0] & 0x7FU;
        data++;
        size--;
        n = n < size ? n : size;
        show(&whole, up, data, n);
        for (size_t i = 0; i < n; i++)
            show(&bytewise, up, data + i, 1);
        compare(&whole, &bytewise);
        data += n;
        size -= n;
    }
    return 0;
}
