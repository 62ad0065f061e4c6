/* SPDX-License-Identifier: MIT */
/* Any bytes through the lexer; spans must lie in the text and grow. */
#include "tsql/lexer.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char decoded[1 << 20];
    if (size > sizeof decoded)
        return 0;
    entrasql_error err;
    tsql_lexer lexer;
    tsql_lexer_init(&lexer, (const char *)data, size, size % 2 != 0, &err);
    uint32_t end = 0;
    for (;;) {
        tsql_token token;
        tsql_lexer_next(&lexer, &token);
        if (token.kind == TSQL_TOKEN_END || token.kind == TSQL_TOKEN_ERROR)
            return 0;
        if (token.span.start < end || token.span.end <= token.span.start || token.span.end > size)
            abort();
        if (tsql_token_decode(&token, decoded) > token.length)
            abort();
        end = token.span.end;
    }
}
