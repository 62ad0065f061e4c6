/* SPDX-License-Identifier: MIT */
/* Any bytes through the parser's ways in; the first byte says which. */
#include "tsql/parser.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(entrasql_status status, const entrasql_error *err, tsql_batch **batch)
{
    bool ok = status == ENTRASQL_OK;
    if (ok != (*batch != NULL) || (!ok && err->message[0] == '\0'))
        abort();
    tsql_batch_free(*batch);
    *batch = NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const char *text = (const char *)data;
    entrasql_error err;
    tsql_batch *batch = NULL;
    const tsql_params *params;
    const tsql_object *object;
    tsql_expr *expr;
    tsql_cond *cond;
    switch (data[0]) {
    case '@':
        check(tsql_parse_params(text, size, &batch, &params, &err), &err, &batch);
        break;
    case '[':
        check(tsql_parse_object(text, size, &batch, &object, &err), &err, &batch);
        break;
    case '(':
        check(tsql_parse_cond(text, size, &batch, &cond, &err), &err, &batch);
        check(tsql_parse_expr(text, size, &batch, &expr, &err), &err, &batch);
        break;
    default:
        check(tsql_parse(text, size, NULL, &batch, &err), &err, &batch);
    }
    return 0;
}
