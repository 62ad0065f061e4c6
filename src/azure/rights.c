/* SPDX-License-Identifier: MIT */
/*
 * Actions and roles. Source: Microsoft's documentation of built-in roles (azure-docs,
 * role-based-access-control/built-in-roles). Two splits surprise people, and both are here: SQL
 * Server Contributor may set the admin but not Entra-only authentication, SQL Security Manager the
 * other way round; Managed Identity Contributor makes identities but may not assign them, Managed
 * Identity Operator the other way round.
 */
#include "azure/rights.h"

#include "base/compiler.h"
#include "base/str.h"

#include <string.h>

#define SQL_CONTRIBUTOR "SQL Server Contributor", "6d8ee4ec-f05a-4a1d-8b00-a9b17e38b437"
#define SQL_SECURITY "SQL Security Manager", "056cd41c-7e88-42e1-933e-88ba6a50c9c3"
#define IDENTITY_CONTRIBUTOR "Managed Identity Contributor", "e40ec5ca-96e0-45a2-b4ff-59039f2c2b59"
#define IDENTITY_OPERATOR "Managed Identity Operator", "f1a07417-d97a-45cb-824c-7a7467783830"
#define WEBSITE "Website Contributor", "de139f84-1756-47ae-9be6-808fbbe84772"
#define VM "Virtual Machine Contributor", "9980e02c-c2be-4d73-94e8-173b1dc7cf3c"
#define AKS "Azure Kubernetes Service Contributor Role", "ed7f3fbd-7b88-4dd4-9017-9adb7ce333f8"
#define CONTAINER_APPS "Container Apps Contributor", "358470bc-b998-42bd-ab17-a7e34c199c0f"
#define CONTRIBUTOR "Contributor", "b24988ac-6180-42a0-ab88-20f7382dd24c"
#define ACCESS_ADMIN                                                                               \
    "Role Based Access Control Administrator", "f58310d9-a9f6-439a-9e8d-f62e7b41a168"
#define READER "Reader", "acdd72a7-3385-48ef-bd42-f606fba81ae7"

/* The first row that fits counts. */
static const azure_right rights[] = {
    {"Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action", IDENTITY_OPERATOR},
    {"Microsoft.ManagedIdentity/userAssignedIdentities/assign/action", IDENTITY_OPERATOR},
    /* Reading is the business of Reader, unless what is read is a secret (POST, .../action). */
    {"*/read", READER},
    {"Microsoft.Sql/servers/azureADOnlyAuthentications/*", SQL_SECURITY},
    {"Microsoft.Sql/servers/firewallRules/*", SQL_SECURITY},
    {"Microsoft.Sql/servers/*", SQL_CONTRIBUTOR},
    {"Microsoft.Sql/locations/*", SQL_CONTRIBUTOR},
    {"Microsoft.ManagedIdentity/*", IDENTITY_CONTRIBUTOR},
    {"Microsoft.Web/*", WEBSITE},
    {"Microsoft.App/*", CONTAINER_APPS},
    {"Microsoft.Compute/*", VM},
    {"Microsoft.ContainerService/*", AKS},
    {"Microsoft.AppPlatform/*", CONTRIBUTOR},
    {"Microsoft.Authorization/roleAssignments/*", ACCESS_ADMIN},
    {"*/register/action", CONTRIBUTOR},
};

/* '*' stands for any run of characters. */
static bool fits(const char *pattern, const char *text)
{
    for (; *pattern != '\0'; pattern++, text++) {
        if (*pattern == '*') {
            for (;; text++) {
                if (fits(pattern + 1, text))
                    return true;
                if (*text == '\0')
                    return false;
            }
        }
        if (es_ascii_lower(*pattern) != es_ascii_lower(*text))
            return false;
    }
    return *text == '\0';
}

const azure_right *azure_right_find(const char *action)
{
    for (size_t i = 0; i < ES_COUNT_OF(rights); i++) {
        if (fits(rights[i].action, action))
            return &rights[i];
    }
    return NULL;
}

size_t azure_right_count(void)
{
    return ES_COUNT_OF(rights);
}

const azure_right *azure_right_at(size_t i)
{
    return i < ES_COUNT_OF(rights) ? &rights[i] : NULL;
}
