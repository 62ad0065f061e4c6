/* SPDX-License-Identifier: MIT */
/* Which members DefaultAzureCredential has: AZURE_TOKEN_CREDENTIALS and the exclude options. */
#ifndef IDENTITY_SELECTION_H
#define IDENTITY_SELECTION_H

#include "base/error.h"

#include <stdbool.h>

typedef struct identity_selection {
    bool environment;
    bool managed_identity;
    bool azure_cli;
} identity_selection;

/*
 * From the variable's text (NULL or blank: all): "prod", "dev" or one member's
 * name, blanks around and ASCII case ignored. CONFIG, with the list of valid values.
 */
entrasql_status identity_selection_parse(const char *text, identity_selection *ret,
                                         entrasql_error *err) ES_MUST_USE;

#endif
