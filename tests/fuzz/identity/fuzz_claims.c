/* SPDX-License-Identifier: MIT */
/* Claims of a token. */
#include "base/mem.h"
#include "identity/claims.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *token = es_strndup((const char *)data, size);
    es_buf out = ES_BUF_INIT(1 << 20);
    identity_claims claims;
    entrasql_error err;
    if (token == NULL)
        abort();
    entrasql_status read = identity_claims_read(token, &claims, &err);
    entrasql_status shown = identity_claims_json(token, &out, &err);
    if ((read == ENTRASQL_OK) != (shown == ENTRASQL_OK))
        abort();
    es_buf_done(&out);
    es_free(token);
    return 0;
}
