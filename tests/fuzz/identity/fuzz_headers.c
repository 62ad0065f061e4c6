/* SPDX-License-Identifier: MIT */
/* Headers of an answer: Retry-After in all its forms, and the lookup by name. */
#include "http/http.h"
#include "http/text.h"
#include "identity/reply.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    http_response r = {.headers = ES_BUF_INIT(1 << 20)};
    char value[32];
    int64_t v;
    if (es_buf_add(&r.headers, data, size) != ENTRASQL_OK)
        abort();
    if (http_retry_after(&r, 784111777, &v) && (v < 0 || v > 86400000))
        abort();
    if (http_response_header(&r, "content-type", value, sizeof value) == ENTRASQL_OK &&
        memchr(value, 0, sizeof value) == NULL)
        abort();
    if (identity_date_parse((const char *)data, size, &v) == ENTRASQL_OK &&
        v > IDENTITY_MAX_EXPIRY + 86400)
        abort();
    es_buf_done(&r.headers);
    return 0;
}
