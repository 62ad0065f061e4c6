/* SPDX-License-Identifier: MIT */
/* Which members DefaultAzureCredential has: AZURE_TOKEN_CREDENTIALS and the options. */
#ifndef IDENTITY_SELECTION_H
#define IDENTITY_SELECTION_H

#include "base/error.h"

#include <entrasql/entrasql.h>

#include <stdbool.h>

/* In the order in which they are asked. */
typedef enum identity_member {
    IDENTITY_ENVIRONMENT,
    IDENTITY_WORKLOAD_IDENTITY,
    IDENTITY_MANAGED_IDENTITY,
    IDENTITY_CACHED_SIGN_IN,
    IDENTITY_VISUAL_STUDIO,
    IDENTITY_VISUAL_STUDIO_CODE,
    IDENTITY_AZURE_CLI,
    IDENTITY_AZURE_POWERSHELL,
    IDENTITY_AZURE_DEVELOPER_CLI,
    IDENTITY_INTERACTIVE_BROWSER,
    IDENTITY_MEMBER_COUNT /* not a member */
} identity_member;

typedef struct identity_selection {
    bool has[IDENTITY_MEMBER_COUNT];
} identity_selection;

/* The members of DefaultAzureCredential, each by itself, in their order; references for the caller.
 * As entrasql_default_azure_credential_new(). */
entrasql_status identity_default_members(const entrasql_default_azure_options *options,
                                         entrasql_credential *ret[IDENTITY_MEMBER_COUNT],
                                         size_t *ret_count, entrasql_error *err) ES_MUST_USE;

/* "EnvironmentCredential" ... */
const char *identity_member_name(identity_member member);

/*
 * From the variable's text (NULL or blank: all but the browser): "prod", "dev"
 * or one member's name, blanks around and ASCII case ignored. What the options
 * say goes before it: excluded ones are left out (CONFIG when it is the one that was
 * named, or when none is left), included ones join. CONFIG, with the list of valid values.
 */
entrasql_status identity_selection_parse(const char *text, const identity_selection *exclude,
                                         const identity_selection *include, identity_selection *ret,
                                         entrasql_error *err) ES_MUST_USE;

#endif
