/* SPDX-License-Identifier: MIT */
/* The credential that --credential names: one table by name. */
#include "cli/cli.h"

#include "base/str.h"

#include <stddef.h>
#include <stdlib.h>

/* ---- options ---- */

enum {
    TAKES_CLIENT_ID = 1 << 0,
    TAKES_TENANT = 1 << 1,
};

typedef struct credential_option {
    const char *name;
    size_t offset; /* of its member */
    unsigned bit;  /* of the credentials that take it; 0: all do */
} credential_option;

static const credential_option options[] = {
    {"credential", offsetof(cli_credential_options, name), 0},
    {"ca-file", offsetof(cli_credential_options, ca_file), 0},
    {"client-id", offsetof(cli_credential_options, client_id), TAKES_CLIENT_ID},
    {"tenant", offsetof(cli_credential_options, tenant), TAKES_TENANT},
};

static const char **member(cli_credential_options *o, const credential_option *option)
{
    return (const char **)((char *)o + option->offset);
}

void cli_credential_read(const conf_args *args, cli_credential_options *ret)
{
    for (size_t i = 0; i < ES_COUNT_OF(options); i++)
        *member(ret, &options[i]) = conf_args_text(args, options[i].name);
}

/* The option, else the variable; INVALID when both are missing. */
static entrasql_status need(const char *option, const char *value, const char *variable,
                            const char **ret, entrasql_error *err)
{
    *ret = !es_str_is_empty(value) ? value : getenv(variable);
    if (!es_str_is_empty(*ret))
        return ENTRASQL_OK;
    if (option == NULL)
        return es_fail(err, ENTRASQL_INVALID, "this credential needs %s in the environment",
                       variable);
    return es_fail(err, ENTRASQL_INVALID, "this credential needs --%s, or %s in the environment",
                   option, variable);
}

/* ---- credentials ---- */

typedef struct call {
    const cli_credential_options *o;
    const entrasql_client_options *client;
} call;

static entrasql_status new_default(const call *c, entrasql_credential **ret, entrasql_error *err)
{
    const entrasql_default_azure_options options_of = {
        .size = sizeof options_of,
        .managed_identity_client_id = c->o->client_id,
        .tenant_id = c->o->tenant,
        .client = c->client,
    };
    return entrasql_default_azure_credential_new(&options_of, ret, err);
}

static entrasql_status new_environment(const call *c, entrasql_credential **ret,
                                       entrasql_error *err)
{
    return entrasql_environment_credential_new(c->client, ret, err);
}

/* Secrets come by the environment: arguments can be seen by everybody on the machine. */
static entrasql_status new_client_secret(const call *c, entrasql_credential **ret,
                                         entrasql_error *err)
{
    const char *tenant, *client_id, *secret;
    ES_TRY(need("tenant", c->o->tenant, "AZURE_TENANT_ID", &tenant, err));
    ES_TRY(need("client-id", c->o->client_id, "AZURE_CLIENT_ID", &client_id, err));
    ES_TRY(need(NULL, NULL, "AZURE_CLIENT_SECRET", &secret, err));
    return entrasql_client_secret_credential_new(tenant, client_id, secret, c->client, ret, err);
}

static entrasql_status new_managed_identity(const call *c, entrasql_credential **ret,
                                            entrasql_error *err)
{
    const entrasql_managed_identity_options options_of = {
        .size = sizeof options_of,
        .client_id = c->o->client_id,
        .client = c->client,
    };
    return entrasql_managed_identity_credential_new(&options_of, ret, err);
}

static entrasql_status new_azure_cli(const call *c, entrasql_credential **ret, entrasql_error *err)
{
    const entrasql_azure_cli_options options_of = {.size = sizeof options_of,
                                                   .tenant_id = c->o->tenant};
    return entrasql_azure_cli_credential_new(&options_of, ret, err);
}

/* ---- the table ---- */

/* name, options that it takes, constructor; "default" stands before these. */
#define CREDENTIALS(X)                                                                             \
    X("environment", 0, new_environment)                                                           \
    X("client-secret", TAKES_CLIENT_ID | TAKES_TENANT, new_client_secret)                          \
    X("managed-identity", TAKES_CLIENT_ID, new_managed_identity)                                   \
    X("azure-cli", TAKES_TENANT, new_azure_cli)

#define NAME(name, takes, make) "|" name
const char cli_credential_names[] = "default" CREDENTIALS(NAME);

typedef struct credential_kind {
    const char *name;
    unsigned takes;
    entrasql_status (*make)(const call *c, entrasql_credential **ret, entrasql_error *err);
} credential_kind;

#define ROW(name, takes, make) {name, takes, make},
static const credential_kind kinds[] = {{"default", TAKES_CLIENT_ID | TAKES_TENANT, new_default},
                                        CREDENTIALS(ROW)};

static const credential_kind *find(const char *name)
{
    for (size_t i = 0; i < ES_COUNT_OF(kinds); i++) {
        if (es_streq(kinds[i].name, name))
            return &kinds[i];
    }
    return &kinds[0];
}

entrasql_status cli_credential_new(const cli_credential_options *o, entrasql_credential **ret,
                                   entrasql_error *err)
{
    const credential_kind *kind = find(o->name);
    const entrasql_client_options client = {.size = sizeof client, .ca_file = o->ca_file};
    const call c = {.o = o, .client = &client};
    cli_credential_options copy = *o;

    for (size_t i = 0; i < ES_COUNT_OF(options); i++) {
        bool unwanted = options[i].bit != 0 && (kind->takes & options[i].bit) == 0;
        if (unwanted && *member(&copy, &options[i]) != NULL)
            return es_fail(err, ENTRASQL_INVALID, "--%s has no meaning with --credential %s",
                           options[i].name, kind->name);
    }
    return kind->make(&c, ret, err);
}
