/* SPDX-License-Identifier: MIT */
/* AKS (Microsoft.ContainerService/managedClusters). */
#include "azure/aks.h"

#include "azure/fields.h"
#include "azure/host_inner.h"
#include "azure/resource_id.h"

#include "base/random.h"

#include <stdio.h>
#include <string.h>

/* Managed Identity Operator. */
#define OPERATOR_ROLE "f1a07417-d97a-45cb-824c-7a7467783830"

static const azure_need read_needs[] = {
    {"Microsoft.ContainerService/managedClusters/read", "to see the cluster"},
    {NULL, NULL},
};
static const azure_need assign_needs[] = {
    {"Microsoft.ContainerService/managedClusters/write",
     "to switch the OIDC issuer and workload identity on"},
    {"Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write",
     "to trust the cluster's service account"},
    {NULL, NULL},
};
static const azure_need no_needs[] = {{NULL, NULL}};
static const azure_variable environment[] = {
    {"AZURE_CLIENT_ID", "the identity, from the service account's annotation"},
    {"AZURE_TENANT_ID", "its tenant"},
    {"AZURE_FEDERATED_TOKEN_FILE", "the pod's own token, which is exchanged for one of Entra"},
    {"AZURE_AUTHORITY_HOST", "where it is exchanged"},
    {NULL, NULL},
};

static entrasql_status get(azure_arm *arm, const azure_host_ref *ref, azure_reply *ret,
                           entrasql_error *err)
{
    char what[AZURE_WHAT_SIZE];
    const azure_request request = azure_host_request(ref, AZURE_AKS_GET, "reading", what);
    ES_TRY(azure_arm_call(arm, &request, ret, err));
    if (json_node_kind(json_member(azure_reply_root(ret), "properties")) != JSON_KIND_OBJECT)
        return es_fail(err, ENTRASQL_MALFORMED, "%s: the answer has no properties", what);
    return ENTRASQL_OK;
}

static bool is_on(const json_node *profile)
{
    bool on = false;
    return json_member_bool(profile, "enabled", &on) == ENTRASQL_OK && on;
}

static const json_node *workload_of(const json_node *properties)
{
    return json_member(json_member(properties, "securityProfile"), "workloadIdentity");
}

static entrasql_status read_cluster(azure_arm *arm, const azure_host_ref *ref,
                                    azure_host_state *ret, entrasql_error *err)
{
    ES_CLEANUP(azure_reply_done) azure_reply reply = {0};
    ES_TRY(get(arm, ref, &reply, err));
    const json_node *root = azure_reply_root(&reply);
    const json_node *properties = json_member(root, "properties");
    const json_node *oidc = json_member(properties, "oidcIssuerProfile");
    const json_node *kubelet =
        json_member(json_member(properties, "identityProfile"), "kubeletidentity");
    ES_TRY(azure_resource_read(root, ret, err));
    ES_TRY(azure_identity_read(root, ret, err));
    ret->workload_identity = is_on(workload_of(properties));
    if (is_on(oidc))
        ES_TRY(azure_copy_text(oidc, "issuerURL", &ret->oidc_issuer, err));
    ES_TRY(azure_copy_text(kubelet, "resourceId", &ret->kubelet.id, err));
    ES_TRY(azure_copy_text(kubelet, "clientId", &ret->kubelet.client_id, err));
    return azure_copy_text(kubelet, "objectId", &ret->kubelet.principal_id, err);
}

/* ---- the whole cluster, written back ---- */

/* What is to be different; everything else stays. */
typedef struct edit {
    bool enable;                    /* OIDC issuer and workload identity */
    const azure_identity *identity; /* NULL: as they are */
} edit;

static bool is_in(const char *name, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (es_streq(name, list[i]))
            return true;
    }
    return false;
}

/* Members of obj but those in the list. */
static void put_others(const json_node *obj, const char *const *list, size_t count, json_writer *w)
{
    for (json_cursor *at = json_cursor_next(obj, NULL); at != NULL;
         at = json_cursor_next(obj, at)) {
        if (is_in(json_cursor_name(at), list, count))
            continue;
        json_name(w, json_cursor_name(at));
        json_put_node(w, json_cursor_value(at));
    }
}

/* {"enabled":true} for everything of the profile but what Azure alone writes. */
static void put_enabled(json_writer *w)
{
    json_begin_object(w);
    json_member_put_bool(w, "enabled", true);
    json_end_object(w);
}

static void put_profiles(const json_node *properties, const edit *e, json_writer *w)
{
    static const char *const own[] = {"workloadIdentity"};
    const json_node *security = json_member(properties, "securityProfile");
    if (e->enable) {
        json_name(w, "oidcIssuerProfile");
        put_enabled(w);
        json_name(w, "securityProfile");
        json_begin_object(w);
        put_others(security, own, ES_COUNT_OF(own), w);
        json_name(w, "workloadIdentity");
        put_enabled(w);
        json_end_object(w);
    }
    if (e->identity == NULL)
        return;
    json_name(w, "identityProfile");
    json_begin_object(w);
    json_name(w, "kubeletidentity");
    json_begin_object(w);
    json_member_put_string(w, "resourceId", e->identity->id);
    json_member_put_string(w, "clientId", e->identity->client_id);
    json_member_put_string(w, "objectId", e->identity->principal_id);
    json_end_object(w);
    json_end_object(w);
}

static void put_properties(const json_node *properties, const edit *e, json_writer *w)
{
    /* Read-only members, then those that put_profiles() writes. */
    static const char *const skipped[] = {
        "provisioningState",
        "powerState",
        "maxAgentPools",
        "currentKubernetesVersion",
        "fqdn",
        "azurePortalFQDN",
        "privateFQDN",
        "resourceUID",
        "identityProfile",
        "oidcIssuerProfile",
        "securityProfile",
    };
    size_t count = ES_COUNT_OF(skipped) - (e->enable ? 0 : 2);
    json_name(w, "properties");
    json_begin_object(w);
    put_others(properties, skipped, count, w);
    if (e->identity == NULL && json_member(properties, "identityProfile") != NULL) {
        json_name(w, "identityProfile");
        json_put_node(w, json_member(properties, "identityProfile"));
    }
    put_profiles(properties, e, w);
    json_end_object(w);
}

/* The control plane has one identity; what is read back with it may not be sent. */
static void put_identity(const json_node *root, const edit *e, json_writer *w)
{
    const json_node *identity = json_member(root, "identity");
    if (identity == NULL && e->identity == NULL)
        return;
    json_name(w, "identity");
    json_begin_object(w);
    json_member_put_string(w, "type",
                           e->identity != NULL ? "UserAssigned" : azure_text(identity, "type"));
    const json_node *map = json_member(identity, "userAssignedIdentities");
    if (e->identity != NULL || json_count(map) != 0) {
        json_name(w, "userAssignedIdentities");
        json_begin_object(w);
        json_name(w, e->identity != NULL ? e->identity->id
                                         : json_cursor_name(json_cursor_next(map, NULL)));
        json_begin_object(w);
        json_end_object(w);
        json_end_object(w);
    }
    json_end_object(w);
}

static entrasql_status put_cluster(azure_arm *arm, const azure_host_ref *ref,
                                   const azure_reply *now, const edit *e, const char *doing,
                                   entrasql_error *err)
{
    static const char *const skipped[] = {
        "id", "name", "type", "systemData", "eTag", "identity", "properties",
    };
    ES_CLEANUP(es_buf_done) es_buf body = ES_BUF_INIT_WIPE(AZURE_MAX_WRITE);
    const json_node *root = azure_reply_root(now);
    json_writer w;
    json_writer_init(&w, &body);
    json_begin_object(&w);
    put_others(root, skipped, ES_COUNT_OF(skipped), &w);
    put_identity(root, e, &w);
    put_properties(json_member(root, "properties"), e, &w);
    json_end_object(&w);
    ES_TRY(azure_written(&w, err));
    char what[AZURE_WHAT_SIZE];
    azure_request request = azure_host_request(ref, AZURE_AKS_PUT, doing, what);
    request.body = &body;
    request.may_lag = e->identity != NULL;
    return azure_arm_call(arm, &request, NULL, err);
}

/* ---- workload identity ---- */

entrasql_status azure_aks_enable(azure_arm *arm, const azure_host_ref *ref, bool *ret_changed,
                                 entrasql_error *err)
{
    ES_TRY(azure_host_ref_check(ref, err));
    ES_CLEANUP(azure_reply_done) azure_reply now = {0};
    *ret_changed = false;
    ES_TRY(get(arm, ref, &now, err));
    const json_node *properties = json_member(azure_reply_root(&now), "properties");
    if (is_on(json_member(properties, "oidcIssuerProfile")) && is_on(workload_of(properties)))
        return ENTRASQL_OK;
    const edit e = {.enable = true};
    ES_TRY(put_cluster(arm, ref, &now, &e, "switching workload identity on for", err));
    *ret_changed = true;
    ES_CLEANUP(azure_host_state_done) azure_host_state after = {0};
    ES_TRY(azure_host_read(arm, ref, &after, err));
    if (!after.workload_identity || after.oidc_issuer == NULL)
        return es_fail(err, ENTRASQL_MALFORMED,
                       "AKS cluster %s: Azure reports success, but workload identity is not on",
                       ref->name);
    return ENTRASQL_OK;
}

/* ---- the nodes' identity ---- */

/* The control plane's identity must be an operator of the kubelet's, also when both are one. */
static entrasql_status allow_operator(azure_arm *arm, const azure_host_ref *ref,
                                      const azure_identity *identity, entrasql_error *err)
{
    char name[ES_GUID_TEXT_SIZE];
    char role[256];
    es_random_uuid(name);
    (void)snprintf(role, sizeof role,
                   "/subscriptions/%s/providers/Microsoft.Authorization/roleDefinitions/%s",
                   ref->subscription, OPERATOR_ROLE);
    ES_CLEANUP(es_buf_done) es_buf body = ES_BUF_INIT(4096);
    json_writer w;
    json_writer_init(&w, &body);
    json_begin_object(&w);
    json_name(&w, "properties");
    json_begin_object(&w);
    json_member_put_string(&w, "roleDefinitionId", role);
    json_member_put_string(&w, "principalId", identity->principal_id);
    json_member_put_string(&w, "principalType", "ServicePrincipal");
    json_end_object(&w);
    json_end_object(&w);
    ES_TRY(azure_written(&w, err));
    const azure_request request = {
        .call = AZURE_ROLE_ASSIGNMENT_PUT,
        .arguments = {identity->id, name},
        .body = &body,
        .what = "making the identity an operator of itself",
        .may_lag = true,
    };
    entrasql_status status = azure_arm_call(arm, &request, NULL, err);
    if (status != ENTRASQL_BUSY ||
        !es_strcaseeq(azure_arm_failure(arm)->code, "RoleAssignmentExists"))
        return status;
    es_error_clear(err);
    return ENTRASQL_OK;
}

entrasql_status azure_aks_use_kubelet(azure_arm *arm, const azure_host_ref *ref,
                                      const azure_identity *identity, bool *ret_changed,
                                      entrasql_error *err)
{
    *ret_changed = false;
    ES_CLEANUP(azure_host_state_done) azure_host_state state = {0};
    ES_TRY(azure_host_read(arm, ref, &state, err));
    if (azure_id_equal(state.kubelet.id, identity->id) &&
        azure_host_find_identity(&state, identity->id) != NULL)
        return ENTRASQL_OK;
    ES_TRY(allow_operator(arm, ref, identity, err));
    ES_CLEANUP(azure_reply_done) azure_reply now = {0};
    ES_TRY(get(arm, ref, &now, err));
    const edit e = {.identity = identity};
    ES_TRY(put_cluster(arm, ref, &now, &e, "changing the nodes' identity of", err));
    *ret_changed = true;
    azure_host_state_done(&state);
    ES_TRY(azure_host_read(arm, ref, &state, err));
    if (!azure_id_equal(state.kubelet.id, identity->id))
        return es_fail(err, ENTRASQL_MALFORMED,
                       "AKS cluster %s: Azure reports success, but the nodes have another identity",
                       ref->name);
    return ENTRASQL_OK;
}

const azure_host azure_host_aks = {
    .name = "aks",
    .title = "AKS cluster",
    .features = 0,
    .read_needs = read_needs,
    .assign_needs = assign_needs,
    .write_needs = no_needs,
    .restart_needs = no_needs,
    .environment = environment,
    .read = read_cluster,
};
