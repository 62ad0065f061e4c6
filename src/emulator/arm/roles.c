/* SPDX-License-Identifier: MIT */
/* The built-in roles' table, and matching of actions. */
#include "roles.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdint.h>
#include <string.h>

#define COMMON                                                                                     \
    " Microsoft.Authorization/*/read Microsoft.Resources/deployments/*"                            \
    " Microsoft.Resources/subscriptions/read "                                                     \
    "Microsoft.Resources/subscriptions/resourceGroups/read"

/* Names, ids and rights as the built-in roles' reference has them; what no call of
 * provisioning needs (metrics, alerts, support tickets) is left out. */
const arm_role arm_roles[] = {
    {"Owner", "8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "*", ""},
    {"Contributor", "b24988ac-6180-42a0-ab88-20f7382dd24c", "*",
     "Microsoft.Authorization/*/delete Microsoft.Authorization/*/write "
     "Microsoft.Authorization/elevateAccess/action"},
    {"Reader", "acdd72a7-3385-48ef-bd42-f606fba81ae7", "*/read", ""},
    {"User Access Administrator", "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
     "*/read Microsoft.Authorization/*", ""},
    {"SQL Server Contributor", "6d8ee4ec-f05a-4a1d-8b00-a9b17e38b437",
     "Microsoft.Sql/locations/*/read Microsoft.Sql/servers/*" COMMON,
     "Microsoft.Sql/servers/azureADOnlyAuthentications/* "
     "Microsoft.Sql/servers/externalPolicyBasedAuthorizations/*"},
    {"SQL Security Manager", "056cd41c-7e88-42e1-933e-88ba6a50c9c3",
     "Microsoft.Sql/servers/read Microsoft.Sql/servers/databases/read "
     "Microsoft.Sql/servers/administrators/read Microsoft.Sql/servers/azureADOnlyAuthentications/* "
     "Microsoft.Sql/servers/firewallRules/*" COMMON,
     ""},
    {"SQL DB Contributor", "9b7fa17d-e63e-47b0-bb0a-15c516ac86ec",
     "Microsoft.Sql/locations/*/read Microsoft.Sql/servers/databases/* "
     "Microsoft.Sql/servers/read" COMMON,
     ""},
    {"Managed Identity Contributor", "e40ec5ca-96e0-45a2-b4ff-59039f2c2b59",
     "Microsoft.ManagedIdentity/userAssignedIdentities/read "
     "Microsoft.ManagedIdentity/userAssignedIdentities/write "
     "Microsoft.ManagedIdentity/userAssignedIdentities/delete "
     "Microsoft.ManagedIdentity/userAssignedIdentities/listAssociatedResources/action "
     "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/*" COMMON,
     ""},
    {"Managed Identity Operator", "f1a07417-d97a-45cb-824c-7a7467783830",
     "Microsoft.ManagedIdentity/userAssignedIdentities/*/read "
     "Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action" COMMON,
     ""},
    {"Website Contributor", "de139f84-1756-47ae-9be6-808fbbe84772",
     "Microsoft.Web/sites/* Microsoft.Web/serverFarms/read "
     "Microsoft.Web/serverFarms/join/action" COMMON,
     ""},
    {"Virtual Machine Contributor", "9980e02c-c2be-4d73-94e8-173b1dc7cf3c",
     "Microsoft.Compute/virtualMachines/* Microsoft.Compute/virtualMachineScaleSets/* "
     "Microsoft.Compute/locations/*" COMMON,
     ""},
    {"Azure Kubernetes Service Contributor Role", "ed7f3fbd-7b88-4dd4-9017-9adb7ce333f8",
     "Microsoft.ContainerService/managedClusters/read "
     "Microsoft.ContainerService/managedClusters/write "
     "Microsoft.ContainerService/locations/*" COMMON,
     ""},
    {"Container Apps Contributor", "358470bc-b998-42bd-ab17-a7e34c199c0f",
     "Microsoft.App/containerApps/* Microsoft.App/managedEnvironments/read "
     "Microsoft.App/managedEnvironments/join/action Microsoft.App/locations/*" COMMON,
     ""},
};
const size_t arm_role_count = ES_COUNT_OF(arm_roles);

const arm_role *arm_role_find(const char *name_or_id)
{
    const char *slash = name_or_id != NULL ? strrchr(name_or_id, '/') : NULL;
    const char *last = slash != NULL ? slash + 1 : name_or_id;
    for (size_t i = 0; name_or_id != NULL && i < arm_role_count; i++) {
        if (es_strcaseeq(arm_roles[i].name, name_or_id) || es_strcaseeq(arm_roles[i].id, last))
            return &arm_roles[i];
    }
    return NULL;
}

/* The usual way with one place to return to: the last '*' takes one letter more. */
static bool matches(const char *pattern, size_t n, const char *text)
{
    size_t p = 0, star = SIZE_MAX;
    const char *from = text;
    while (*text != '\0') {
        if (p < n && pattern[p] == '*') {
            star = p++;
            from = text;
        } else if (p < n && es_ascii_lower(pattern[p]) == es_ascii_lower(*text)) {
            p++;
            text++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            text = ++from;
        } else {
            return false;
        }
        /* "/[*]/" for "/": the star and its second slash stand for nothing. */
        if (p + 1 < n && p != 0 && pattern[p - 1] == '/' && pattern[p] == '*' &&
            pattern[p + 1] == '/' && matches(pattern + p + 2, n - p - 2, text))
            return true;
    }
    while (p < n && pattern[p] == '*')
        p++;
    return p == n;
}

bool arm_action_matches(const char *pattern, const char *action)
{
    return matches(pattern, strlen(pattern), action);
}

bool arm_action_is_among(const char *patterns, const char *action)
{
    while (*patterns != '\0') {
        size_t n = strcspn(patterns, " ");
        if (n != 0 && matches(patterns, n, action))
            return true;
        patterns += n + (patterns[n] == ' ' ? 1 : 0);
    }
    return false;
}
