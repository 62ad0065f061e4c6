/* SPDX-License-Identifier: MIT */
/* A client certificate's file: what is accepted has a key, and the key's certificate first. */
#include "crypto/bundle.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    crypto_bundle *b;
    entrasql_error err;
    if (crypto_bundle_read(data, size, "test-password", &b, &err) != ENTRASQL_OK)
        return 0;
    if (!crypto_cert_matches_key(crypto_bundle_cert(b, 0), crypto_bundle_key(b)))
        abort();
    for (size_t i = 1; crypto_bundle_cert(b, i) != NULL; i++) {
        if (i >= CRYPTO_BUNDLE_MAX_CERTS)
            abort();
    }
    crypto_bundle_free(b);
    return 0;
}
