/* SPDX-License-Identifier: MIT */
/* Random bytes. */
#include "base/random.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

void es_random_bytes(void *p, size_t n)
{
    uint8_t *at = p;
    while (n != 0) {
        ssize_t got = getrandom(at, n, 0);
        if (got < 0) {
            if (errno == EINTR)
                continue;
            abort();
        }
        at += got;
        n -= (size_t)got;
    }
}

uint64_t es_random_below(uint64_t bound)
{
    /* Values below this would make the first numbers more likely than the others. */
    uint64_t reject_below = (0 - bound) % bound;
    uint64_t v;
    do {
        es_random_bytes(&v, sizeof v);
    } while (v < reject_below);
    return v % bound;
}

void es_random_uuid(char ret[ES_GUID_TEXT_SIZE])
{
    uint8_t guid[16];
    es_random_bytes(guid, sizeof guid);
    /* Byte 7 holds the version's high nibble in wire order, byte 8 the variant (RFC 9562). */
    guid[7] = (uint8_t)((guid[7] & 0x0F) | 0x40);
    guid[8] = (uint8_t)((guid[8] & 0x3F) | 0x80);
    es_guid_format(guid, ret);
}
