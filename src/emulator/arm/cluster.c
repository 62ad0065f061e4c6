/* SPDX-License-Identifier: MIT */
/* AKS: the control plane's identity, the kubelet's, and workload identity. */
#include "internal.h"

#define ASSIGN "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action"

static const char *kubelet_id(const arm_value *cluster)
{
    return arm_text(arm_path(cluster, "properties", "identityProfile", "kubeletidentity", NULL),
                    "resourceId");
}

/* Whether the control plane's identity may assign the kubelet's. */
static bool may_assign(arm_call *c, const arm_value *cluster, const char *kubelet)
{
    const world_principal *caller = c->caller;
    const arm_value *map = arm_path(cluster, "identity", "userAssignedIdentities", NULL);
    c->caller = map != NULL && map->first != NULL ? arm_identity_find(c, map->first->name) : NULL;
    bool may = c->caller != NULL && arm_may(c, ASSIGN, kubelet);
    c->caller = caller;
    return may;
}

static bool check_kubelet(arm_call *c, arm_value *cluster)
{
    const char *kubelet = kubelet_id(cluster);
    const world_principal *p = arm_identity_find(c, kubelet);
    arm_value *profile =
        arm_path(cluster, "properties", "identityProfile", "kubeletidentity", NULL);
    if (kubelet == NULL || es_strcaseeq(kubelet, kubelet_id(c->before)))
        return true; /* none of ours, or the one that is there */
    if (!es_streq(arm_text(arm_get(cluster, "identity"), "type"), "UserAssigned"))
        return arm_error(c, 400, "CustomKubeletIdentityOnlySupportedOnUserAssignedMSICluster",
                         "Custom kubelet identity is only supported on user assigned MSI cluster.");
    if (p == NULL)
        return arm_error(c, 400, "InvalidParameter", "The kubelet identity '%s' was not found.",
                         kubelet);
    if (!may_assign(c, cluster, kubelet))
        return arm_error(c, 400, "CustomKubeletIdentityMissingPermissionError",
                         "The cluster user assigned identity must be given permission to assign "
                         "kubelet identity %s. Check access result not allowed for action " ASSIGN
                         ".",
                         kubelet);
    arm_set_text(&c->pool, profile, "clientId", p->client_id);
    arm_set_text(&c->pool, profile, "objectId", p->object_id);
    return true;
}

bool arm_cluster_check(arm_call *c, arm_value *cluster, bool created)
{
    arm_value *p = arm_need_object(&c->pool, cluster, "properties");
    arm_value *oidc = arm_get(p, "oidcIssuerProfile");
    const arm_value *workload = arm_path(p, "securityProfile", "workloadIdentity", NULL);
    if (created && arm_get(p, "agentPoolProfiles") == NULL)
        return arm_error(c, 400, "InvalidParameter",
                         "Required parameter agentPoolProfiles is missing (null).");
    if (!check_kubelet(c, cluster))
        return false;
    if (arm_flag(workload, "enabled") && !arm_flag(oidc, "enabled"))
        return arm_error(c, 400, "OIDCIssuerRequired",
                         "Workload identity needs the OIDC issuer feature to be enabled.");
    if (arm_flag(oidc, "enabled"))
        arm_set_text(&c->pool, oidc, "issuerURL",
                     arm_pool_printf(&c->pool, "%s/federation/%s/", world_authority(c->w),
                                     arm_text(cluster, "name")));
    arm_set_text(&c->pool, p, "provisioningState", "Succeeded");
    arm_identity_sync(c, cluster);
    return true;
}
