/* SPDX-License-Identifier: MIT */
#include "cli/input.h"

entrasql_status cli_input_status(entrasql_status status, const char *hint, entrasql_error *err)
{
    if (status != ENTRASQL_LIMIT || err == NULL)
        return status;
    err->error_class = ENTRASQL_CLASS_USAGE;
    es_hint(err, "%s", hint);
    return status;
}
