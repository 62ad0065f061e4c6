/* SPDX-License-Identifier: MIT */
/* What az prints: the first byte chooses standard output or standard error (then the exit code). */
#include "identity/az_output.h"
#include "identity/internal.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    es_buf text = ES_BUF_INIT(1 << 20);
    entrasql_error err;
    entrasql_token *token = NULL;
    if (es_buf_add(&text, data + 2, size - 2) != ENTRASQL_OK)
        abort();
    if (data[0] % 2 == 0) {
        if (identity_output_token(&identity_az_words, &text, &token, &err) == ENTRASQL_OK)
            entrasql_token_free(token);
    } else if (identity_az_output_failure(data[1], &text, &err) == ENTRASQL_OK) {
        abort();
    }
    es_buf_done(&text);
    return 0;
}
