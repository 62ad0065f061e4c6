/* SPDX-License-Identifier: MIT */
/*
 * The table of calls. Names in braces are those of Microsoft's specifications
 * (azure-rest-api-specs); api-versions are pinned, because a newer one may change what a field
 * means.
 */
#include "azure/calls.h"

#include <assert.h>
#include <string.h>

#define GROUP "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}"
#define SUBSCRIPTION "/subscriptions/{subscriptionId}"

#define IDENTITIES GROUP "/providers/Microsoft.ManagedIdentity/userAssignedIdentities"
#define IDENTITY IDENTITIES "/{resourceName}"
#define FEDERATED IDENTITY "/federatedIdentityCredentials"
#define IDENTITY_VERSION "2024-11-30"
#define IDENTITY_ACTION "Microsoft.ManagedIdentity/userAssignedIdentities/"
#define FEDERATED_ACTION IDENTITY_ACTION "federatedIdentityCredentials/"
#define FEDERATED_FIELDS "properties.issuer properties.subject properties.audiences"

#define SQL GROUP "/providers/Microsoft.Sql/servers/{serverName}"
#define SQL_ADMIN SQL "/administrators/{administratorName}"
#define SQL_ENTRA_ONLY SQL "/azureADOnlyAuthentications/{authenticationName}"
#define SQL_FIREWALL SQL "/firewallRules"
#define SQL_VERSION "2023-08-01"
#define SQL_ACTION "Microsoft.Sql/servers/"
#define SQL_ADMIN_FIELDS "properties.administratorType properties.login properties.sid"

#define SITE GROUP "/providers/Microsoft.Web/sites/{name}"
#define SLOT SITE "/slots/{slot}"
#define WEB_VERSION "2023-12-01"
#define SITE_ACTION "Microsoft.Web/sites/"
#define SLOT_ACTION SITE_ACTION "slots/"

#define CONTAINER_APP GROUP "/providers/Microsoft.App/containerApps/{containerAppName}"
#define CONTAINER_APP_VERSION "2024-03-01"
#define CONTAINER_APP_ACTION "Microsoft.App/containerApps/"

#define SPRING_APP GROUP "/providers/Microsoft.AppPlatform/Spring/{serviceName}/apps/{appName}"
#define SPRING_DEPLOYMENTS SPRING_APP "/deployments"
#define SPRING_VERSION "2023-12-01"
#define SPRING_ACTION "Microsoft.AppPlatform/Spring/apps/"

#define COMPUTE_VERSION "2024-07-01"
#define VM GROUP "/providers/Microsoft.Compute/virtualMachines/{vmName}"
#define VM_ACTION "Microsoft.Compute/virtualMachines/"
#define VMSS GROUP "/providers/Microsoft.Compute/virtualMachineScaleSets/{vmScaleSetName}"
#define VMSS_ACTION "Microsoft.Compute/virtualMachineScaleSets/"

#define AKS GROUP "/providers/Microsoft.ContainerService/managedClusters/{resourceName}"
#define AKS_VERSION "2024-09-01"
#define AKS_ACTION "Microsoft.ContainerService/managedClusters/"

static const azure_call calls[AZURE_CALL_COUNT] = {
    [AZURE_GROUP_GET] = {"group.get", "GET", GROUP, "2022-09-01", "",
                         "Microsoft.Resources/subscriptions/resourceGroups/read"},
    [AZURE_PROVIDER_GET] = {"provider.get", "GET",
                            SUBSCRIPTION "/providers/{resourceProviderNamespace}", "2022-09-01", "",
                            "Microsoft.Resources/subscriptions/providers/read"},
    [AZURE_PROVIDER_REGISTER] = {"provider.register", "POST",
                                 SUBSCRIPTION "/providers/{resourceProviderNamespace}/register",
                                 "2022-09-01", "", "*/register/action"},

    [AZURE_IDENTITY_GET] = {"identity.get", "GET", IDENTITY, IDENTITY_VERSION, "",
                            IDENTITY_ACTION "read"},
    [AZURE_IDENTITY_PUT] = {"identity.put", "PUT", IDENTITY, IDENTITY_VERSION, "location",
                            IDENTITY_ACTION "write"},
    [AZURE_IDENTITY_DELETE] = {"identity.delete", "DELETE", IDENTITY, IDENTITY_VERSION, "",
                               IDENTITY_ACTION "delete"},
    [AZURE_SYSTEM_IDENTITY_GET] = {"system-identity.get", "GET",
                                   "{scope}/providers/Microsoft.ManagedIdentity/identities/default",
                                   IDENTITY_VERSION, "",
                                   "Microsoft.ManagedIdentity/identities/read"},
    [AZURE_FEDERATED_LIST] = {"federated.list", "GET", FEDERATED, IDENTITY_VERSION, "",
                              FEDERATED_ACTION "read"},
    [AZURE_FEDERATED_PUT] = {"federated.put", "PUT",
                             FEDERATED "/{federatedIdentityCredentialResourceName}",
                             IDENTITY_VERSION, FEDERATED_FIELDS, FEDERATED_ACTION "write"},
    [AZURE_FEDERATED_DELETE] = {"federated.delete", "DELETE",
                                FEDERATED "/{federatedIdentityCredentialResourceName}",
                                IDENTITY_VERSION, "", FEDERATED_ACTION "delete"},

    [AZURE_SQL_SERVER_GET] = {"sql.server.get", "GET", SQL, SQL_VERSION, "", SQL_ACTION "read"},
    [AZURE_SQL_ADMIN_GET] = {"sql.admin.get", "GET", SQL_ADMIN, SQL_VERSION, "",
                             SQL_ACTION "administrators/read"},
    [AZURE_SQL_ADMIN_PUT] = {"sql.admin.put", "PUT", SQL_ADMIN, SQL_VERSION, SQL_ADMIN_FIELDS,
                             SQL_ACTION "administrators/write"},
    [AZURE_SQL_ADMIN_DELETE] = {"sql.admin.delete", "DELETE", SQL_ADMIN, SQL_VERSION, "",
                                SQL_ACTION "administrators/delete"},
    [AZURE_SQL_ENTRA_ONLY_GET] = {"sql.entra-only.get", "GET", SQL_ENTRA_ONLY, SQL_VERSION, "",
                                  SQL_ACTION "azureADOnlyAuthentications/read"},
    [AZURE_SQL_ENTRA_ONLY_PUT] = {"sql.entra-only.put", "PUT", SQL_ENTRA_ONLY, SQL_VERSION,
                                  "properties.azureADOnlyAuthentication",
                                  SQL_ACTION "azureADOnlyAuthentications/write"},
    [AZURE_SQL_FIREWALL_PUT] = {"sql.firewall.put", "PUT", SQL_FIREWALL "/{firewallRuleName}",
                                SQL_VERSION, "", SQL_ACTION "firewallRules/write"},
    [AZURE_SQL_FIREWALL_DELETE] = {"sql.firewall.delete", "DELETE",
                                   SQL_FIREWALL "/{firewallRuleName}", SQL_VERSION, "",
                                   SQL_ACTION "firewallRules/delete"},

    [AZURE_SITE_GET] = {"site.get", "GET", SITE, WEB_VERSION, "", SITE_ACTION "read"},
    [AZURE_SLOT_GET] = {"slot.get", "GET", SLOT, WEB_VERSION, "", SLOT_ACTION "read"},
    [AZURE_SITE_PATCH] = {"site.patch", "PATCH", SITE, WEB_VERSION, "", SITE_ACTION "write"},
    [AZURE_SLOT_PATCH] = {"slot.patch", "PATCH", SLOT, WEB_VERSION, "", SLOT_ACTION "write"},
    [AZURE_SITE_SETTINGS_LIST] = {"site.settings.list", "POST", SITE "/config/appsettings/list",
                                  WEB_VERSION, "", SITE_ACTION "config/list/action"},
    [AZURE_SLOT_SETTINGS_LIST] = {"slot.settings.list", "POST", SLOT "/config/appsettings/list",
                                  WEB_VERSION, "", SLOT_ACTION "config/list/action"},
    [AZURE_SITE_SETTINGS_PUT] = {"site.settings.put", "PUT", SITE "/config/appsettings",
                                 WEB_VERSION, "", SITE_ACTION "config/write"},
    [AZURE_SLOT_SETTINGS_PUT] = {"slot.settings.put", "PUT", SLOT "/config/appsettings",
                                 WEB_VERSION, "", SLOT_ACTION "config/write"},
    [AZURE_SITE_CONNSTRS_LIST] = {"site.connstrs.list", "POST",
                                  SITE "/config/connectionstrings/list", WEB_VERSION, "",
                                  SITE_ACTION "config/list/action"},
    [AZURE_SLOT_CONNSTRS_LIST] = {"slot.connstrs.list", "POST",
                                  SLOT "/config/connectionstrings/list", WEB_VERSION, "",
                                  SLOT_ACTION "config/list/action"},
    [AZURE_SITE_CONNSTRS_PUT] = {"site.connstrs.put", "PUT", SITE "/config/connectionstrings",
                                 WEB_VERSION, "", SITE_ACTION "config/write"},
    [AZURE_SLOT_CONNSTRS_PUT] = {"slot.connstrs.put", "PUT", SLOT "/config/connectionstrings",
                                 WEB_VERSION, "", SLOT_ACTION "config/write"},
    [AZURE_SITE_RESTART] = {"site.restart", "POST", SITE "/restart", WEB_VERSION, "",
                            SITE_ACTION "restart/action"},
    [AZURE_SLOT_RESTART] = {"slot.restart", "POST", SLOT "/restart", WEB_VERSION, "",
                            SLOT_ACTION "restart/action"},
    [AZURE_SITE_STICKY_GET] = {"site.sticky.get", "GET", SITE "/config/slotConfigNames",
                               WEB_VERSION, "", SITE_ACTION "config/read"},
    [AZURE_SITE_STICKY_PUT] = {"site.sticky.put", "PUT", SITE "/config/slotConfigNames",
                               WEB_VERSION, "", SITE_ACTION "config/write"},

    [AZURE_CONTAINER_APP_GET] = {"container-app.get", "GET", CONTAINER_APP, CONTAINER_APP_VERSION,
                                 "", CONTAINER_APP_ACTION "read"},
    [AZURE_CONTAINER_APP_PATCH] = {"container-app.patch", "PATCH", CONTAINER_APP,
                                   CONTAINER_APP_VERSION, "", CONTAINER_APP_ACTION "write"},
    [AZURE_CONTAINER_APP_SECRETS_LIST] = {"container-app.secrets.list", "POST",
                                          CONTAINER_APP "/listSecrets", CONTAINER_APP_VERSION, "",
                                          CONTAINER_APP_ACTION "listSecrets/action"},
    [AZURE_CONTAINER_APP_REVISION_RESTART] = {"container-app.revision.restart", "POST",
                                              CONTAINER_APP "/revisions/{revisionName}/restart",
                                              CONTAINER_APP_VERSION, "",
                                              CONTAINER_APP_ACTION "revisions/restart/action"},

    [AZURE_SPRING_APP_GET] = {"spring.app.get", "GET", SPRING_APP, SPRING_VERSION, "",
                              SPRING_ACTION "read"},
    [AZURE_SPRING_APP_PATCH] = {"spring.app.patch", "PATCH", SPRING_APP, SPRING_VERSION, "",
                                SPRING_ACTION "write"},
    [AZURE_SPRING_DEPLOYMENTS_LIST] = {"spring.deployments.list", "GET", SPRING_DEPLOYMENTS,
                                       SPRING_VERSION, "", SPRING_ACTION "deployments/read"},
    [AZURE_SPRING_DEPLOYMENT_PATCH] = {"spring.deployment.patch", "PATCH",
                                       SPRING_DEPLOYMENTS "/{deploymentName}", SPRING_VERSION, "",
                                       SPRING_ACTION "deployments/write"},
    [AZURE_SPRING_DEPLOYMENT_RESTART] = {"spring.deployment.restart", "POST",
                                         SPRING_DEPLOYMENTS "/{deploymentName}/restart",
                                         SPRING_VERSION, "",
                                         SPRING_ACTION "deployments/restart/action"},

    [AZURE_VM_GET] = {"vm.get", "GET", VM, COMPUTE_VERSION, "", VM_ACTION "read"},
    [AZURE_VM_PATCH] = {"vm.patch", "PATCH", VM, COMPUTE_VERSION, "", VM_ACTION "write"},
    [AZURE_VM_RUN_COMMAND] = {"vm.run-command", "POST", VM "/runCommand", COMPUTE_VERSION,
                              "commandId", VM_ACTION "runCommand/action", .once = true},
    [AZURE_VMSS_GET] = {"vmss.get", "GET", VMSS, COMPUTE_VERSION, "", VMSS_ACTION "read"},
    [AZURE_VMSS_PATCH] = {"vmss.patch", "PATCH", VMSS, COMPUTE_VERSION, "", VMSS_ACTION "write"},
    [AZURE_VMSS_UPGRADE] = {"vmss.upgrade", "POST", VMSS "/manualupgrade", COMPUTE_VERSION,
                            "instanceIds", VMSS_ACTION "manualupgrade/action"},

    [AZURE_AKS_GET] = {"aks.get", "GET", AKS, AKS_VERSION, "", AKS_ACTION "read"},
    [AZURE_AKS_PUT] = {"aks.put", "PUT", AKS, AKS_VERSION, "location", AKS_ACTION "write"},
    [AZURE_ROLE_ASSIGNMENT_PUT] = {"role-assignment.put", "PUT",
                                   "{scope}/providers/Microsoft.Authorization/roleAssignments/"
                                   "{roleAssignmentName}",
                                   "2022-04-01",
                                   "properties.roleDefinitionId properties.principalId",
                                   "Microsoft.Authorization/roleAssignments/write"},
};

const azure_call *azure_call_get(azure_call_id id)
{
    assert((unsigned)id < AZURE_CALL_COUNT && calls[id].name != NULL);
    return &calls[id];
}

size_t azure_call_arguments(const azure_call *call)
{
    size_t n = 0;
    for (const char *p = call->path; (p = strchr(p, '{')) != NULL; p++)
        n++;
    return n;
}
