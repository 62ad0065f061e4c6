/* SPDX-License-Identifier: MIT */
/*
 * Answers of token endpoints. The first byte chooses the reader: a token, an
 * error of Entra, an error of a managed identity endpoint.
 */
#include "identity/internal.h"
#include "identity/reply.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    http_response answer = {.status = 400, .body = ES_BUF_INIT(1 << 20)};
    entrasql_error err;
    entrasql_token *token = NULL;
    identity_mi_error e;
    bool is_json;
    es_secret *secret = es_secret_from_str("abc");
    if (secret == NULL || es_buf_add(&answer.body, data + 1, size - 1) != ENTRASQL_OK)
        abort();
    switch (data[0] % 3) {
    case 0:
        if (identity_reply_token(&answer.body, "https://x/", "X", 1000, &token, &is_json, &err) ==
            ENTRASQL_OK) {
            if (entrasql_token_value(token)[0] == '\0' || entrasql_token_expires_on(token) <= 0)
                abort();
            entrasql_token_free(token);
        }
        break;
    case 1:
        if (identity_reply_entra_error(&answer, "https://x/", secret, &err) == ENTRASQL_OK)
            abort();
        if (strlen(err.message) >= sizeof err.message)
            abort();
        break;
    default:
        if (identity_reply_mi_error(&answer, secret, &e) != ENTRASQL_OK)
            abort();
        /* The secret never comes through. */
        if (strstr(e.text, "abc") != NULL)
            abort();
        break;
    }
    es_secret_unref(secret);
    es_buf_done(&answer.body);
    return 0;
}
