/* SPDX-License-Identifier: MIT */
/* DefaultAzureCredential: which members the chain (chained.c) has, and how they are set up. */
#include "base/mem.h"
#include "base/str.h"
#include "identity/app.h"
#include "identity/chain.h"
#include "identity/selection.h"
#include "identity/settings.h"

#include <string.h>

#define NAME "DefaultAzureCredential"

typedef entrasql_status maker(const entrasql_default_azure_options *o, entrasql_credential **ret,
                              entrasql_error *err);

static entrasql_status make_environment(const entrasql_default_azure_options *o,
                                        entrasql_credential **ret, entrasql_error *err)
{
    return entrasql_environment_credential_new(o->client, ret, err);
}

static entrasql_status make_workload_identity(const entrasql_default_azure_options *o,
                                              entrasql_credential **ret, entrasql_error *err)
{
    const char *client_id = !es_str_is_empty(o->workload_identity_client_id)
                                ? o->workload_identity_client_id
                                : o->managed_identity_client_id;
    const entrasql_workload_identity_options options = {
        .size = sizeof options, .client_id = client_id, .client = o->client};
    entrasql_error problem;
    entrasql_status status = entrasql_workload_identity_credential_new(&options, ret, &problem);
    if (status == ENTRASQL_OK)
        return status;
    if (status == ENTRASQL_NOMEM)
        return es_nomem(err);
    /* Its variables are somebody else's doing: the others can still be tried. */
    problem.status = ENTRASQL_UNAVAILABLE;
    return identity_unusable_new(identity_member_name(IDENTITY_WORKLOAD_IDENTITY), &problem, ret,
                                 err);
}

static entrasql_status make_managed_identity(const entrasql_default_azure_options *o,
                                             entrasql_credential **ret, entrasql_error *err)
{
    const char *client_id = o->managed_identity_client_id;
    if (es_str_is_empty(client_id) && !o->managed_identity_system_assigned)
        client_id = identity_getenv("AZURE_CLIENT_ID");
    const entrasql_managed_identity_options options = {
        .size = sizeof options, .client_id = client_id, .client = o->client};
    const identity_managed_identity_inner inner = {.probe_timeout_ms = o->imds_probe_timeout_ms,
                                                   .tolerate_id = true};
    return identity_managed_identity_new(&options, &inner, ret, err);
}

static entrasql_developer_tool_options tool_options(const entrasql_default_azure_options *o)
{
    return (entrasql_developer_tool_options){
        .size = sizeof(entrasql_developer_tool_options),
        .tenant_id = o->tenant_id,
        .process_timeout_ms = o->process_timeout_ms,
        .additionally_allowed_tenants =
            o->client != NULL ? o->client->additionally_allowed_tenants : NULL,
    };
}

static entrasql_status make_visual_studio(const entrasql_default_azure_options *o,
                                          entrasql_credential **ret, entrasql_error *err)
{
    const entrasql_developer_tool_options options = tool_options(o);
    return entrasql_visual_studio_credential_new(&options, ret, err);
}

static entrasql_status make_visual_studio_code(const entrasql_default_azure_options *o,
                                               entrasql_credential **ret, entrasql_error *err)
{
    const entrasql_developer_tool_options options = tool_options(o);
    return entrasql_visual_studio_code_credential_new(&options, ret, err);
}

static entrasql_status make_azure_cli(const entrasql_default_azure_options *o,
                                      entrasql_credential **ret, entrasql_error *err)
{
    const entrasql_developer_tool_options common = tool_options(o);
    const entrasql_azure_cli_options options = {
        .size = sizeof options,
        .tenant_id = common.tenant_id,
        .process_timeout_ms = common.process_timeout_ms,
        .use_token_cache = o->use_azure_cli_token_cache,
        .additionally_allowed_tenants = common.additionally_allowed_tenants,
    };
    return entrasql_azure_cli_credential_new(&options, ret, err);
}

static entrasql_status make_azure_powershell(const entrasql_default_azure_options *o,
                                             entrasql_credential **ret, entrasql_error *err)
{
    const entrasql_developer_tool_options options = tool_options(o);
    return entrasql_azure_powershell_credential_new(&options, ret, err);
}

static entrasql_status make_azure_developer_cli(const entrasql_default_azure_options *o,
                                                entrasql_credential **ret, entrasql_error *err)
{
    const entrasql_developer_tool_options options = tool_options(o);
    return entrasql_azure_developer_cli_credential_new(&options, ret, err);
}

static entrasql_status make_cached_sign_in(const entrasql_default_azure_options *o,
                                           entrasql_credential **ret, entrasql_error *err)
{
    const entrasql_cached_sign_in_options options = {
        .size = sizeof options, .tenant_id = o->tenant_id, .client = o->client};
    return entrasql_cached_sign_in_credential_new(&options, ret, err);
}

static entrasql_status make_interactive_browser(const entrasql_default_azure_options *o,
                                                entrasql_credential **ret, entrasql_error *err)
{
    const entrasql_interactive_browser_options options = {
        .size = sizeof options,
        .tenant_id = o->interactive_browser_tenant_id,
        .client_id = o->interactive_browser_client_id,
        .client = o->client,
    };
    return entrasql_interactive_browser_credential_new(&options, ret, err);
}

static maker *const makers[IDENTITY_MEMBER_COUNT] = {
    [IDENTITY_ENVIRONMENT] = make_environment,
    [IDENTITY_WORKLOAD_IDENTITY] = make_workload_identity,
    [IDENTITY_MANAGED_IDENTITY] = make_managed_identity,
    [IDENTITY_CACHED_SIGN_IN] = make_cached_sign_in,
    [IDENTITY_VISUAL_STUDIO] = make_visual_studio,
    [IDENTITY_VISUAL_STUDIO_CODE] = make_visual_studio_code,
    [IDENTITY_AZURE_CLI] = make_azure_cli,
    [IDENTITY_AZURE_POWERSHELL] = make_azure_powershell,
    [IDENTITY_AZURE_DEVELOPER_CLI] = make_azure_developer_cli,
    [IDENTITY_INTERACTIVE_BROWSER] = make_interactive_browser,
};

static entrasql_status choose_members(const entrasql_default_azure_options *o,
                                      identity_selection *ret, entrasql_error *err)
{
    const identity_selection exclude = {{
        [IDENTITY_ENVIRONMENT] = o->exclude_environment,
        [IDENTITY_WORKLOAD_IDENTITY] = o->exclude_workload_identity,
        [IDENTITY_MANAGED_IDENTITY] = o->exclude_managed_identity,
        [IDENTITY_CACHED_SIGN_IN] = o->exclude_cached_sign_in,
        [IDENTITY_VISUAL_STUDIO] = o->exclude_visual_studio,
        [IDENTITY_VISUAL_STUDIO_CODE] = o->exclude_visual_studio_code,
        [IDENTITY_AZURE_CLI] = o->exclude_azure_cli,
        [IDENTITY_AZURE_POWERSHELL] = o->exclude_azure_powershell,
        [IDENTITY_AZURE_DEVELOPER_CLI] = o->exclude_azure_developer_cli,
    }};
    const identity_selection include = {
        {[IDENTITY_INTERACTIVE_BROWSER] = o->include_interactive_browser}};
    return identity_selection_parse(identity_getenv("AZURE_TOKEN_CREDENTIALS"), &exclude, &include,
                                    ret, err);
}

static entrasql_status check_options(const entrasql_default_azure_options *o, entrasql_error *err)
{
    if (es_str_is_empty(o->managed_identity_client_id) || !o->managed_identity_system_assigned)
        return ENTRASQL_OK;
    es_fail(err, ENTRASQL_INVALID,
            "both the system-assigned identity and a client id were asked for");
    es_hint(err, "set managed_identity_client_id or managed_identity_system_assigned");
    return ENTRASQL_INVALID;
}

entrasql_status identity_default_members(const entrasql_default_azure_options *options,
                                         entrasql_credential *ret[IDENTITY_MEMBER_COUNT],
                                         size_t *ret_count, entrasql_error *err)
{
    entrasql_default_azure_options o;
    identity_selection selection;
    size_t count = 0;
    ES_TRY(es_options_copy(&o, sizeof o, options, err));
    ES_TRY(check_options(&o, err));
    ES_TRY(choose_members(&o, &selection, err));
    entrasql_status status = ENTRASQL_OK;
    for (size_t i = 0; i < IDENTITY_MEMBER_COUNT && status == ENTRASQL_OK; i++) {
        if (!selection.has[i] || makers[i] == NULL)
            continue;
        status = makers[i](&o, &ret[count], err);
        if (status == ENTRASQL_OK)
            count++;
    }
    if (status == ENTRASQL_OK && count == 0)
        status = es_fail(err, ENTRASQL_CONFIG,
                         "AZURE_TOKEN_CREDENTIALS names what this version does not have");
    if (status == ENTRASQL_OK) {
        *ret_count = count;
        return ENTRASQL_OK;
    }
    while (count != 0)
        entrasql_credential_unref(ret[--count]);
    return status;
}

entrasql_status entrasql_default_azure_credential_new(const entrasql_default_azure_options *options,
                                                      entrasql_credential **ret,
                                                      entrasql_error *err)
{
    entrasql_credential *members[IDENTITY_MEMBER_COUNT];
    size_t count = 0;
    ES_TRY(identity_default_members(options, members, &count, err));
    entrasql_status status = identity_chain_new(NAME, members, count, ret, err);
    while (count != 0)
        entrasql_credential_unref(members[--count]);
    return status;
}
