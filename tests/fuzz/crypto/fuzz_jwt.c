/* SPDX-License-Identifier: MIT */
/* A token as it comes from a client: what is accepted must be text and end where it says. */
#include "base/utf16.h"
#include "crypto/jwt.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    crypto_jwt jwt;
    entrasql_error err;
    if (crypto_jwt_parse((const char *)data, size, &jwt, &err) != ENTRASQL_OK)
        return 0;
    if (!es_utf8_is_valid(jwt.claims_json, strlen(jwt.claims_json)) ||
        !es_utf8_is_valid(jwt.header_json, strlen(jwt.header_json)) || jwt.signature_len == 0 ||
        strlen(jwt.signed_text) >= size)
        abort();
    crypto_jwt_done(&jwt);
    return 0;
}
