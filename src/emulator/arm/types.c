/* SPDX-License-Identifier: MIT */
/* The types of resources: their api-versions and manners, one row each. */
#include "internal.h"

#include <string.h>

#define SQL_VERSIONS                                                                               \
    "2014-04-01 2015-05-01-preview 2018-06-01-preview 2019-06-01-preview 2020-02-02-preview "      \
    "2020-08-01-preview 2020-11-01-preview 2021-02-01-preview 2021-05-01-preview "                 \
    "2021-08-01-preview 2021-11-01 2021-11-01-preview 2022-02-01-preview 2022-05-01-preview "      \
    "2022-08-01-preview 2022-11-01-preview 2023-02-01-preview 2023-05-01-preview 2023-08-01 "      \
    "2023-08-01-preview 2024-05-01-preview 2024-11-01-preview 2025-01-01"
#define MSI_VERSIONS                                                                               \
    "2018-11-30 2022-01-31-preview 2023-01-31 2023-07-31-preview 2024-11-30 2025-01-31-preview "   \
    "2025-05-31-preview"
#define WEB_VERSIONS                                                                               \
    "2018-02-01 2018-11-01 2019-08-01 2020-06-01 2020-09-01 2020-12-01 2021-01-01 2021-01-15 "     \
    "2021-02-01 2021-03-01 2022-03-01 2022-09-01 2023-01-01 2023-12-01 2024-04-01 2024-11-01 "     \
    "2025-03-01 2025-05-01"
#define APP_VERSIONS                                                                               \
    "2022-03-01 2022-10-01 2022-11-01-preview 2023-04-01-preview 2023-05-01 "                      \
    "2023-05-02-preview 2023-08-01-preview 2023-11-02-preview 2024-02-02-preview 2024-03-01 "      \
    "2024-08-02-preview 2024-10-02-preview 2025-01-01 2025-02-02-preview 2025-07-01 "              \
    "2025-10-02-preview 2026-01-01"
#define SPRING_VERSIONS                                                                            \
    "2020-07-01 2022-04-01 2022-12-01 2023-05-01-preview 2023-07-01-preview "                      \
    "2023-09-01-preview 2023-11-01-preview 2023-12-01 2024-01-01-preview 2024-05-01-preview"
#define COMPUTE_VERSIONS                                                                           \
    "2019-07-01 2019-12-01 2020-06-01 2020-12-01 2021-03-01 2021-07-01 2021-11-01 2022-03-01 "     \
    "2022-08-01 2022-11-01 2023-03-01 2023-07-01 2023-09-01 2024-03-01 2024-07-01 2024-11-01 "     \
    "2025-04-01 2025-11-01 2026-04-01"
#define AKS_VERSIONS                                                                               \
    "2023-01-01 2023-05-01 2023-10-01 2024-01-01 2024-05-01 2024-09-01 2024-10-01 2025-01-01 "     \
    "2025-02-01 2025-05-01 2025-07-01 2025-10-01 2026-01-01 2026-02-01 2026-03-01 2026-06-01"
#define AUTHORIZATION_VERSIONS                                                                     \
    "2015-07-01 2018-01-01-preview 2018-07-01 2020-04-01-preview 2020-10-01-preview 2022-04-01 "   \
    "2022-05-01-preview"

static const arm_type types[] = {
    {.type = "Microsoft.Sql/servers", .versions = SQL_VERSIONS, .view = arm_sql_view_server},
    {.type = "Microsoft.Sql/servers/databases", .versions = SQL_VERSIONS},
    {.type = "Microsoft.Sql/servers/administrators",
     .versions = SQL_VERSIONS,
     .properties = "|administratorType|login|sid|tenantId|azureADOnlyAuthentication|"},
    {.type = "Microsoft.Sql/servers/azureADOnlyAuthentications",
     .versions = SQL_VERSIONS,
     .properties = "|azureADOnlyAuthentication|"},
    {.type = "Microsoft.Sql/servers/firewallRules",
     .versions = SQL_VERSIONS,
     .properties = "|startIpAddress|endIpAddress|"},
    {.type = "Microsoft.ManagedIdentity/userAssignedIdentities",
     .versions = MSI_VERSIONS,
     .properties = "|tenantId|principalId|clientId|isolationScope|assignmentRestrictions|",
     .view = arm_msi_view},
    {.type = "Microsoft.ManagedIdentity/identities", .versions = MSI_VERSIONS},
    {.type = "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials",
     .versions = MSI_VERSIONS,
     .properties = "|issuer|subject|audiences|"},
    {.type = "Microsoft.Web/sites",
     .versions = WEB_VERSIONS,
     .identity = ARM_IDENTITY_MANY,
     .put = ARM_LRO_STATE,
     .patch = ARM_SYNC,
     .view = arm_web_view},
    {.type = "Microsoft.Web/sites/slots",
     .versions = WEB_VERSIONS,
     .identity = ARM_IDENTITY_MANY,
     .put = ARM_LRO_STATE,
     .patch = ARM_SYNC,
     .view = arm_web_view},
    {.type = "Microsoft.Web/sites/config", .versions = WEB_VERSIONS},
    {.type = "Microsoft.Web/sites/slots/config", .versions = WEB_VERSIONS},
    {.type = "Microsoft.App/managedEnvironments", .versions = APP_VERSIONS},
    {.type = "Microsoft.App/containerApps",
     .versions = APP_VERSIONS,
     .identity = ARM_IDENTITY_MANY,
     .put = ARM_LRO_ASYNC,
     .patch = ARM_LRO_LOCATION,
     .check = arm_container_check,
     .view = arm_container_view},
    {.type = "Microsoft.App/containerApps/revisions", .versions = APP_VERSIONS},
    {.type = "Microsoft.AppPlatform/Spring", .versions = SPRING_VERSIONS},
    {.type = "Microsoft.AppPlatform/Spring/apps",
     .versions = SPRING_VERSIONS,
     .identity = ARM_IDENTITY_MANY,
     .put = ARM_LRO_ASYNC,
     .patch = ARM_LRO_ASYNC_202},
    {.type = "Microsoft.AppPlatform/Spring/apps/deployments",
     .versions = SPRING_VERSIONS,
     .put = ARM_LRO_ASYNC,
     .patch = ARM_LRO_ASYNC_202,
     .check = arm_spring_check_deployment},
    {.type = "Microsoft.Compute/virtualMachines",
     .versions = COMPUTE_VERSIONS,
     .identity = ARM_IDENTITY_MANY,
     .put = ARM_LRO_ASYNC,
     .patch = ARM_LRO_ASYNC,
     .etag = "etag",
     .view = arm_compute_view},
    {.type = "Microsoft.Compute/virtualMachineScaleSets",
     .versions = COMPUTE_VERSIONS,
     .identity = ARM_IDENTITY_MANY,
     .put = ARM_LRO_ASYNC,
     .patch = ARM_LRO_ASYNC,
     .etag = "etag",
     .check = arm_compute_check_set,
     .view = arm_compute_view},
    {.type = "Microsoft.ContainerService/managedClusters",
     .versions = AKS_VERSIONS,
     .identity = ARM_IDENTITY_ONE,
     .put = ARM_LRO_ASYNC,
     .patch = ARM_LRO_ASYNC,
     .patch_is_tags = true,
     .etag = "eTag",
     .check = arm_cluster_check,
     .view = arm_compute_view},
    {.type = "Microsoft.Authorization/permissions", .versions = AUTHORIZATION_VERSIONS},
    {.type = "Microsoft.Authorization/roleAssignments", .versions = AUTHORIZATION_VERSIONS},
    {.type = "Microsoft.Authorization/roleDefinitions", .versions = AUTHORIZATION_VERSIONS},
    {.type = "Microsoft.Authorization/locks",
     .versions = "2015-01-01 2016-09-01 2017-04-01 2020-05-01",
     .properties = "|level|notes|owners|"},
};

const arm_type *arm_type_at(size_t i)
{
    return i < ES_COUNT_OF(types) ? &types[i] : NULL;
}

const arm_type *arm_type_find(const char *type)
{
    for (size_t i = 0; type != NULL && i < ES_COUNT_OF(types); i++) {
        if (es_strcaseeq(types[i].type, type))
            return &types[i];
    }
    return NULL;
}

bool arm_is_namespace(const char *ns)
{
    size_t n = strlen(ns);
    for (size_t i = 0; i < ES_COUNT_OF(types); i++) {
        if (es_strncaseeq(types[i].type, ns, n) && types[i].type[n] == '/')
            return true;
    }
    return false;
}
