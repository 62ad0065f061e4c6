/* SPDX-License-Identifier: MIT */
/*
 * AzureCliCredential: the signed-in person's token through `az`, or, when
 * asked for, from the token cache that az keeps.
 */
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "identity/az_cache.h"
#include "identity/az_output.h"
#include "identity/settings.h"
#include "identity/tool.h"

#include <string.h>

#define MAX_SUBSCRIPTION 256

struct azure_cli {
    identity_tool tool;
    char *subscription;
    char *cache_folder; /* NULL: az's token cache is not used */
};

static entrasql_status judge(const os_process_result *r, entrasql_token **ret, entrasql_error *err)
{
    return identity_tool_judge(&identity_az_words, r, ret, err);
}

static entrasql_status run_az(struct azure_cli *c, const char *tenant_id,
                              const identity_request *request, identity_flow **ret,
                              entrasql_error *err)
{
    char resource[IDENTITY_MAX_SCOPE + 1];
    ES_TRY(identity_scope_resource(request->scope, resource, sizeof resource));
    const char *argv[12] = {"az",         "account", "get-access-token", "--output", "json",
                            "--resource", resource};
    size_t n = 7;
    if (tenant_id != NULL) {
        argv[n++] = "--tenant";
        argv[n++] = tenant_id;
    }
    if (c->subscription != NULL) {
        argv[n++] = "--subscription";
        argv[n++] = c->subscription;
    }
    argv[n] = NULL;
    return identity_tool_start(&c->tool, NULL, argv, request, ret, err);
}

/* az cannot answer a claims challenge by itself: the person has to sign in again with it. */
static entrasql_status refuse_claims(const char *tenant_id, const identity_request *request,
                                     entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf encoded = ES_BUF_INIT(2 * IDENTITY_MAX_CLAIMS);
    ES_TRY(identity_tool_claims(request->claims, &encoded, err));
    const char *text = es_buf_cstr(&encoded);
    if (text == NULL)
        return es_nomem(err);
    es_fail(err, ENTRASQL_AUTH_FAILED,
            "the request carries a claims challenge, which needs a new sign-in: az login "
            "--claims-challenge %s%s%s --scope %s",
            text, tenant_id != NULL ? " --tenant " : "", tenant_id != NULL ? tenant_id : "",
            request->scope);
    es_hint(err, "run that command (az 2.76 or newer), then try again");
    return ENTRASQL_AUTH_FAILED;
}

/* NOT_FOUND: az has to be run. */
static entrasql_status look_into_cache(const struct azure_cli *c, const char *tenant_id,
                                       const identity_request *request, identity_flow **ret,
                                       entrasql_error *err)
{
    if (c->cache_folder == NULL || request->refresh)
        return ENTRASQL_NOT_FOUND;
    const identity_az_wanted wanted = {.scope = request->scope,
                                       .tenant_id = tenant_id,
                                       .subscription = c->subscription,
                                       .now_s = es_clock_wall_s()};
    entrasql_token *token;
    entrasql_status status = identity_az_cache_find(c->cache_folder, &wanted, &token, err);
    ES_LOG(DEBUG, "identity", "looked into the token cache of the Azure CLI",
           ES_KV_STR("status", entrasql_status_name(status)));
    return status == ENTRASQL_OK ? identity_flow_ready(token, ret, err) : status;
}

static entrasql_status cli_start(entrasql_credential *credential, const identity_request *request,
                                 identity_flow **ret, entrasql_error *err)
{
    struct azure_cli *c = (struct azure_cli *)credential;
    const char *tenant_id;
    ES_TRY(identity_tool_tenant(&c->tool, request, &tenant_id, err));
    if (request->claims != NULL)
        return refuse_claims(tenant_id, request, err);
    entrasql_status status = look_into_cache(c, tenant_id, request, ret, err);
    if (status == ENTRASQL_OK)
        return status;
    if (status == ENTRASQL_NOMEM)
        return es_nomem(err);
    return run_az(c, tenant_id, request, ret, err);
}

static void cli_destroy(entrasql_credential *credential)
{
    struct azure_cli *c = (struct azure_cli *)credential;
    es_free(c->subscription);
    es_free(c->cache_folder);
    identity_tool_done(&c->tool);
}

static const identity_class cli_class = {
    .is_developer_tool = true, .start = cli_start, .destroy = cli_destroy};

static entrasql_status check_subscription(const char *s, entrasql_error *err)
{
    bool ok = strlen(s) <= MAX_SUBSCRIPTION && s[0] != '-';
    for (const char *p = s; ok && *p != '\0'; p++) {
        ok = es_is_digit(*p) || (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
             strchr("-._ ", *p) != NULL;
    }
    if (ok)
        return ENTRASQL_OK;
    es_fail(err, ENTRASQL_INVALID, "the subscription holds a character that is not allowed in it");
    es_hint(err, "use the subscription's id instead of its name");
    return ENTRASQL_INVALID;
}

static bool wants_cache(const entrasql_azure_cli_options *o)
{
    const char *variable = identity_getenv("ENTRASQL_AZURE_CLI_CACHE");
    return o->use_token_cache || es_streq(variable, "1") || es_strcaseeq(variable, "true");
}

static entrasql_status fill(struct azure_cli *c, const entrasql_azure_cli_options *o,
                            entrasql_error *err)
{
    if (!es_str_is_empty(o->subscription)) {
        ES_TRY(check_subscription(o->subscription, err));
        if ((c->subscription = es_strdup(o->subscription)) == NULL)
            return es_nomem(err);
    }
    if (!wants_cache(o))
        return ENTRASQL_OK;
    c->cache_folder = identity_az_folder();
    bool has_place = identity_getenv("AZURE_CONFIG_DIR") != NULL || identity_getenv("HOME") != NULL;
    return c->cache_folder != NULL || !has_place ? ENTRASQL_OK : es_nomem(err);
}

entrasql_status entrasql_azure_cli_credential_new(const entrasql_azure_cli_options *options,
                                                  entrasql_credential **ret, entrasql_error *err)
{
    entrasql_azure_cli_options o;
    ES_TRY(es_options_copy(&o, sizeof o, options, err));
    const entrasql_developer_tool_options common = {
        .size = sizeof common,
        .tenant_id = o.tenant_id,
        .process_timeout_ms = o.process_timeout_ms,
        .additionally_allowed_tenants = o.additionally_allowed_tenants,
    };
    identity_tool *tool;
    ES_TRY(identity_tool_new(&cli_class, &identity_az_words, sizeof(struct azure_cli), &common,
                             IDENTITY_TOOL_DEFAULT_TIMEOUT_MS, &tool, err));
    tool->judge = judge;
    entrasql_status status = fill((struct azure_cli *)tool, &o, err);
    if (status != ENTRASQL_OK) {
        entrasql_credential_unref(&tool->base);
        return status;
    }
    *ret = &tool->base;
    return ENTRASQL_OK;
}
