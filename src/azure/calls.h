/* SPDX-License-Identifier: MIT */
/*
 * Every call to Azure Resource Manager that entrasql makes, in one table: method, path,
 * api-version, the fields that a body must have, and the action a principal needs for it.
 * tests/arm compares it with what Microsoft's own packages send.
 */
#ifndef AZURE_CALLS_H
#define AZURE_CALLS_H

#include <stdbool.h>
#include <stddef.h>

typedef enum azure_call_id {
    AZURE_GROUP_GET,
    AZURE_PROVIDER_GET,
    AZURE_PROVIDER_REGISTER,

    AZURE_IDENTITY_GET,
    AZURE_IDENTITY_PUT,
    AZURE_IDENTITY_DELETE,
    AZURE_SYSTEM_IDENTITY_GET,
    AZURE_FEDERATED_LIST,
    AZURE_FEDERATED_PUT,
    AZURE_FEDERATED_DELETE,

    AZURE_SQL_SERVER_GET,
    AZURE_SQL_ADMIN_GET,
    AZURE_SQL_ADMIN_PUT,
    AZURE_SQL_ADMIN_DELETE,
    AZURE_SQL_ENTRA_ONLY_GET,
    AZURE_SQL_ENTRA_ONLY_PUT,
    AZURE_SQL_FIREWALL_PUT,
    AZURE_SQL_FIREWALL_DELETE,

    /* Each call of a site has its twin for a slot right behind it. */
    AZURE_SITE_GET,
    AZURE_SLOT_GET,
    AZURE_SITE_PATCH,
    AZURE_SLOT_PATCH,
    AZURE_SITE_SETTINGS_LIST,
    AZURE_SLOT_SETTINGS_LIST,
    AZURE_SITE_SETTINGS_PUT,
    AZURE_SLOT_SETTINGS_PUT,
    AZURE_SITE_CONNSTRS_LIST,
    AZURE_SLOT_CONNSTRS_LIST,
    AZURE_SITE_CONNSTRS_PUT,
    AZURE_SLOT_CONNSTRS_PUT,
    AZURE_SITE_RESTART,
    AZURE_SLOT_RESTART,
    AZURE_SITE_STICKY_GET,
    AZURE_SITE_STICKY_PUT,

    AZURE_CONTAINER_APP_GET,
    AZURE_CONTAINER_APP_PATCH,
    AZURE_CONTAINER_APP_SECRETS_LIST,
    AZURE_CONTAINER_APP_REVISION_RESTART,

    AZURE_SPRING_APP_GET,
    AZURE_SPRING_APP_PATCH,
    AZURE_SPRING_DEPLOYMENTS_LIST,
    AZURE_SPRING_DEPLOYMENT_PATCH,
    AZURE_SPRING_DEPLOYMENT_RESTART,

    AZURE_VM_GET,
    AZURE_VM_PATCH,
    AZURE_VM_RUN_COMMAND,
    AZURE_VMSS_GET,
    AZURE_VMSS_PATCH,
    AZURE_VMSS_UPGRADE,

    AZURE_AKS_GET,
    AZURE_AKS_PUT,
    AZURE_ROLE_ASSIGNMENT_PUT,

    AZURE_CALL_COUNT /* not a call */
} azure_call_id;

typedef struct azure_call {
    const char *name;     /* for logs and the comparison */
    const char *method;   /* "GET" ... */
    const char *path;     /* "{...}" stands for an argument; "{scope}" for a whole resource id */
    const char *version;  /* api-version */
    const char *required; /* fields of the body, blanks between, '.' inside; "" for none */
    const char *action;   /* "Microsoft.Web/sites/read" */
    bool once; /* doing it twice is not the same as once: not repeated when the answer got lost */
} azure_call;

/* Static storage. */
const azure_call *azure_call_get(azure_call_id id);
/* How many arguments its path takes. */
size_t azure_call_arguments(const azure_call *call);

#endif
