/* SPDX-License-Identifier: MIT */
/* Fuzz target: any bytes as a source file; what is found must be readable or say why it is not. */
#include "conf/find.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static entrasql_status look(void *ctx, const conf_found *found)
{
    size_t *lines = ctx;
    if (found->line == 0 || found->line > *lines || found->is_readable != (found->problem == NULL))
        abort();
    return ENTRASQL_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t lines = 1;
    for (size_t i = 0; i < size; i++)
        lines += data[i] == '\n' ? 1 : 0;
    if (conf_find((const char *)data, size, size % 2 == 0, look, &lines) != ENTRASQL_OK)
        abort();
    return 0;
}
