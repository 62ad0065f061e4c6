/* SPDX-License-Identifier: MIT */
/* A batch of the admin database: every statement takes the reader further, never past the end. */
#include "proxy/admin_command.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const char *end = text + size;
    for (;;) {
        const char *before = text;
        proxy_command c;
        entrasql_error err;
        if (proxy_command_next(&text, end, &c, &err) != ENTRASQL_OK)
            return 0;
        if (text <= before || text > end)
            abort();
        if (strnlen(c.argument, sizeof c.argument) == sizeof c.argument)
            abort();
    }
}
