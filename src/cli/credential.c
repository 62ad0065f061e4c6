/* SPDX-License-Identifier: MIT */
/* The credential that --credential names. */
#include "cli/cli.h"

#include "base/str.h"

static entrasql_status refuse(const cli_credential_options *o, const char *option,
                              entrasql_error *err)
{
    es_fail(err, ENTRASQL_INVALID, "--%s has no meaning with --credential %s", option, o->name);
    return ENTRASQL_INVALID;
}

static entrasql_status new_managed_identity(const cli_credential_options *o,
                                            const entrasql_client_options *client,
                                            entrasql_credential **ret, entrasql_error *err)
{
    const entrasql_managed_identity_options options = {
        .size = sizeof options,
        .client_id = o->client_id,
        .client = client,
    };
    if (o->tenant != NULL)
        return refuse(o, "tenant", err);
    return entrasql_managed_identity_credential_new(&options, ret, err);
}

static entrasql_status new_azure_cli(const cli_credential_options *o, entrasql_credential **ret,
                                     entrasql_error *err)
{
    const entrasql_azure_cli_options options = {.size = sizeof options, .tenant_id = o->tenant};
    if (o->client_id != NULL)
        return refuse(o, "client-id", err);
    return entrasql_azure_cli_credential_new(&options, ret, err);
}

static entrasql_status new_default(const cli_credential_options *o,
                                   const entrasql_client_options *client, entrasql_credential **ret,
                                   entrasql_error *err)
{
    const entrasql_default_azure_options options = {
        .size = sizeof options,
        .managed_identity_client_id = o->client_id,
        .tenant_id = o->tenant,
        .client = client,
    };
    return entrasql_default_azure_credential_new(&options, ret, err);
}

entrasql_status cli_credential_new(const cli_credential_options *o, entrasql_credential **ret,
                                   entrasql_error *err)
{
    const entrasql_client_options client = {.size = sizeof client, .ca_file = o->ca_file};

    if (es_streq(o->name, "managed-identity"))
        return new_managed_identity(o, &client, ret, err);
    if (es_streq(o->name, "azure-cli"))
        return new_azure_cli(o, ret, err);
    if (es_streq(o->name, "environment")) {
        if (o->client_id != NULL)
            return refuse(o, "client-id", err);
        if (o->tenant != NULL)
            return refuse(o, "tenant", err);
        return entrasql_environment_credential_new(&client, ret, err);
    }
    return new_default(o, &client, ret, err);
}
