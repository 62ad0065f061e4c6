/* SPDX-License-Identifier: MIT */
/* The request that comes to the loopback listener, whole and cut. */
#include "identity/loopback_request.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    identity_loopback_request r;
    /* A copy of exactly that size, so that a byte too many is noticed. */
    char *text = malloc(size + (size == 0));
    if (text == NULL)
        abort();
    memcpy(text, data, size);
    if (identity_loopback_request_read(text, size, 8400, &r)) {
        if (r.body < text || r.body_length > size || r.body + r.body_length > text + size)
            abort();
        if (r.is_broken && r.body_length != 0)
            abort();
    }
    free(text);
    return 0;
}
