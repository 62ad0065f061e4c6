/* SPDX-License-Identifier: MIT */
/* Which request is for whom, one row each. The first that fits is it. */
#include "internal.h"

#define SERVERS "Microsoft.Sql/servers"
#define ADMINISTRATORS SERVERS "/administrators"
#define ONLY SERVERS "/azureADOnlyAuthentications"
#define RULES SERVERS "/firewallRules"
#define IDENTITIES "Microsoft.ManagedIdentity/userAssignedIdentities"
#define CREDENTIALS IDENTITIES "/federatedIdentityCredentials"
#define SITES "Microsoft.Web/sites"
#define SLOTS SITES "/slots"
#define CONTAINERS "Microsoft.App/containerApps"
#define SPRING "Microsoft.AppPlatform/Spring"
#define MACHINES "Microsoft.Compute/virtualMachines"
#define SETS "Microsoft.Compute/virtualMachineScaleSets"
#define CLUSTERS "Microsoft.ContainerService/managedClusters"
#define AUTHORIZATION "Microsoft.Authorization"

/* clang-format off */
const arm_route arm_routes[] = {
    /* ---- subscriptions, groups, providers ---- */
    {"GET", "", NULL, "subscriptions", arm_subscriptions},
    {"GET", "", NULL, "tenants", arm_tenants},
    {"GET", "", NULL, NULL, arm_place},
    {"GET", "", NULL, "locations", arm_locations},
    {"GET", "", NULL, "resourceGroups", arm_groups},
    {"GET", "", NULL, "resources", arm_group_resources},

    /* ---- rights ---- */
    {"GET", AUTHORIZATION, NULL, "permissions", arm_permissions_get},
    {"GET", AUTHORIZATION, NULL, "roleAssignments", arm_role_assignment_list},
    {"GET", AUTHORIZATION "/roleAssignments", NULL, NULL, arm_role_assignment_get},
    {"PUT", AUTHORIZATION "/roleAssignments", NULL, NULL, arm_role_assignment_put},
    {"DELETE", AUTHORIZATION "/roleAssignments", NULL, NULL, arm_role_assignment_delete},
    {"GET", AUTHORIZATION, NULL, "roleDefinitions", arm_role_definition_list},
    {"GET", AUTHORIZATION "/roleDefinitions", NULL, NULL, arm_role_definition_get},
    {"GET", AUTHORIZATION, NULL, "locks", arm_lock_list},
    {"GET", AUTHORIZATION "/locks", NULL, NULL, arm_resource_get},
    {"PUT", AUTHORIZATION "/locks", NULL, NULL, arm_lock_put},
    {"DELETE", AUTHORIZATION "/locks", NULL, NULL, arm_resource_delete},

    /* ---- SQL ---- */
    {"GET", SERVERS, NULL, NULL, arm_resource_get},
    {"GET", "Microsoft.Sql", NULL, "servers", arm_resource_list},
    {"GET", SERVERS, NULL, "databases", arm_resource_list},
    {"GET", SERVERS "/databases", NULL, NULL, arm_resource_get},
    {"GET", SERVERS, NULL, "administrators", arm_sql_admin_list},
    {"GET", ADMINISTRATORS, "ActiveDirectory", NULL, arm_sql_admin_get},
    {"PUT", ADMINISTRATORS, "ActiveDirectory", NULL, arm_sql_admin_put},
    {"DELETE", ADMINISTRATORS, "ActiveDirectory", NULL, arm_sql_admin_delete},
    {"GET", SERVERS, NULL, "azureADOnlyAuthentications", arm_sql_only_list},
    {"GET", ONLY, "Default", NULL, arm_sql_only_get},
    {"PUT", ONLY, "Default", NULL, arm_sql_only_put},
    {"GET", SERVERS, NULL, "firewallRules", arm_resource_list},
    {"PUT", SERVERS, NULL, "firewallRules", arm_sql_rules_replace},
    {"GET", RULES, NULL, NULL, arm_resource_get},
    {"PUT", RULES, NULL, NULL, arm_sql_rule_put},
    {"DELETE", RULES, NULL, NULL, arm_resource_delete},

    /* ---- managed identities ---- */
    {"GET", "Microsoft.ManagedIdentity", NULL, "userAssignedIdentities", arm_resource_list},
    {"GET", IDENTITIES, NULL, NULL, arm_msi_get},
    {"PUT", IDENTITIES, NULL, NULL, arm_msi_put},
    {"DELETE", IDENTITIES, NULL, NULL, arm_msi_delete},
    {"POST", IDENTITIES, NULL, "listAssociatedResources", arm_msi_associated},
    {"GET", "Microsoft.ManagedIdentity/identities", "default", NULL, arm_msi_system},
    {"GET", IDENTITIES, NULL, "federatedIdentityCredentials", arm_resource_list},
    {"GET", CREDENTIALS, NULL, NULL, arm_resource_get},
    {"PUT", CREDENTIALS, NULL, NULL, arm_fic_put},
    {"DELETE", CREDENTIALS, NULL, NULL, arm_fic_delete},

    /* ---- App Service ---- */
    {"GET", "Microsoft.Web", NULL, "sites", arm_resource_list},
    {"GET", SITES, NULL, NULL, arm_resource_get},
    {"PUT", SITES, NULL, NULL, arm_resource_put},
    {"PATCH", SITES, NULL, NULL, arm_resource_patch},
    {"POST", SITES, NULL, "restart", arm_web_restart},
    {"GET", SITES, NULL, "slots", arm_resource_list},
    {"GET", SLOTS, NULL, NULL, arm_resource_get},
    {"PUT", SLOTS, NULL, NULL, arm_resource_put},
    {"PATCH", SLOTS, NULL, NULL, arm_resource_patch},
    {"POST", SLOTS, NULL, "restart", arm_web_restart},
    {"POST", SITES "/config", "appsettings", "list", arm_web_config_list},
    {"POST", SITES "/config", "connectionstrings", "list", arm_web_config_list},
    {"PUT", SITES "/config", "appsettings", NULL, arm_web_config_put},
    {"PUT", SITES "/config", "connectionstrings", NULL, arm_web_config_put},
    {"GET", SITES "/config", "slotConfigNames", NULL, arm_web_names_get},
    {"PUT", SITES "/config", "slotConfigNames", NULL, arm_web_config_put},
    {"GET", SITES "/config", "web", NULL, arm_web_config_get},
    {"POST", SLOTS "/config", "appsettings", "list", arm_web_config_list},
    {"POST", SLOTS "/config", "connectionstrings", "list", arm_web_config_list},
    {"PUT", SLOTS "/config", "appsettings", NULL, arm_web_config_put},
    {"PUT", SLOTS "/config", "connectionstrings", NULL, arm_web_config_put},
    {"GET", SLOTS "/config", "web", NULL, arm_web_config_get},

    /* ---- Container Apps ---- */
    {"GET", "Microsoft.App", NULL, "managedEnvironments", arm_resource_list},
    {"GET", "Microsoft.App/managedEnvironments", NULL, NULL, arm_resource_get},
    {"GET", "Microsoft.App", NULL, "containerApps", arm_resource_list},
    {"GET", CONTAINERS, NULL, NULL, arm_resource_get},
    {"PUT", CONTAINERS, NULL, NULL, arm_resource_put},
    {"PATCH", CONTAINERS, NULL, NULL, arm_resource_patch},
    {"POST", CONTAINERS, NULL, "listSecrets", arm_container_secrets},
    {"POST", CONTAINERS "/revisions", NULL, "restart", arm_container_restart},

    /* ---- Azure Spring Apps ---- */
    {"GET", "Microsoft.AppPlatform", NULL, "Spring", arm_resource_list},
    {"GET", SPRING, NULL, NULL, arm_resource_get},
    {"GET", SPRING, NULL, "apps", arm_resource_list},
    {"GET", SPRING "/apps", NULL, NULL, arm_resource_get},
    {"PUT", SPRING "/apps", NULL, NULL, arm_resource_put},
    {"PATCH", SPRING "/apps", NULL, NULL, arm_resource_patch},
    {"GET", SPRING "/apps", NULL, "deployments", arm_resource_list},
    {"GET", SPRING "/apps/deployments", NULL, NULL, arm_resource_get},
    {"PUT", SPRING "/apps/deployments", NULL, NULL, arm_resource_put},
    {"PATCH", SPRING "/apps/deployments", NULL, NULL, arm_resource_patch},
    {"POST", SPRING "/apps/deployments", NULL, "restart", arm_spring_restart},

    /* ---- machines ---- */
    {"GET", "Microsoft.Compute", NULL, "virtualMachines", arm_resource_list},
    {"GET", MACHINES, NULL, NULL, arm_resource_get},
    {"PUT", MACHINES, NULL, NULL, arm_resource_put},
    {"PATCH", MACHINES, NULL, NULL, arm_resource_patch},
    {"POST", MACHINES, NULL, "runCommand", arm_compute_run_command},
    {"GET", "Microsoft.Compute", NULL, "virtualMachineScaleSets", arm_resource_list},
    {"GET", SETS, NULL, NULL, arm_resource_get},
    {"PUT", SETS, NULL, NULL, arm_resource_put},
    {"PATCH", SETS, NULL, NULL, arm_resource_patch},
    {"POST", SETS, NULL, "manualupgrade", arm_compute_upgrade},

    /* ---- AKS ---- */
    {"GET", "Microsoft.ContainerService", NULL, "managedClusters", arm_resource_list},
    {"GET", CLUSTERS, NULL, NULL, arm_resource_get},
    {"PUT", CLUSTERS, NULL, NULL, arm_resource_put},
    {"PATCH", CLUSTERS, NULL, NULL, arm_resource_patch},
};
/* clang-format on */
const size_t arm_route_count = ES_COUNT_OF(arm_routes);
