/* SPDX-License-Identifier: MIT */
/*
 * Managed identities as resources of their own: user-assigned ones, their federated credentials,
 * and the client id behind a system-assigned one. Blocking; the client's thread.
 */
#ifndef AZURE_IDENTITY_H
#define AZURE_IDENTITY_H

#include "azure/arm.h"
#include "base/str.h"

#include <stdbool.h>

typedef struct azure_identity {
    char id[1024];                        /* for assignment; "" for a system-assigned one */
    char name[129];                       /* its database user's name */
    char location[64];                    /* region */
    char client_id[ES_GUID_TEXT_SIZE];    /* AZURE_CLIENT_ID, and the SID of its database user */
    char principal_id[ES_GUID_TEXT_SIZE]; /* object id of its service principal */
    char tenant_id[ES_GUID_TEXT_SIZE];
} azure_identity;

/* 3 to 128 letters, digits, '-' and '_', a letter or digit first. INVALID with a hint. */
entrasql_status azure_identity_name_check(const char *name, entrasql_error *err) ES_MUST_USE;

/* NOT_FOUND: there is none of that name. */
entrasql_status azure_identity_get(azure_arm *arm, const char *subscription,
                                   const char *resource_group, const char *name,
                                   azure_identity *ret, entrasql_error *err) ES_MUST_USE;
/*
 * The identity of that name, made where there is none (*ret_created). location NULL: the resource
 * group's. One that is there is not written: that would take its tags away.
 */
entrasql_status azure_identity_ensure(azure_arm *arm, const char *subscription,
                                      const char *resource_group, const char *name,
                                      const char *location, azure_identity *ret, bool *ret_created,
                                      entrasql_error *err) ES_MUST_USE;
/* One that is gone already is no failure. */
entrasql_status azure_identity_delete(azure_arm *arm, const char *subscription,
                                      const char *resource_group, const char *name,
                                      entrasql_error *err) ES_MUST_USE;
/*
 * The system-assigned identity of a resource, with the client id that the resource itself does not
 * show. NOT_FOUND: it has none.
 */
entrasql_status azure_system_identity_get(azure_arm *arm, const char *resource_id,
                                          azure_identity *ret, entrasql_error *err) ES_MUST_USE;

/* ---- federated credentials ---- */

#define AZURE_FEDERATED_AUDIENCE "api://AzureADTokenExchange"

typedef struct azure_federated {
    const char *name;    /* 3 to 120 letters, digits, '-' and '_' */
    const char *issuer;  /* byte for byte, with its slash at the end where it has one */
    const char *subject; /* "system:serviceaccount:namespace:account" */
} azure_federated;

/*
 * Trusts tokens of issuer and subject. *ret_changed false: the same credential is there already,
 * under this or another name. EXISTS: the name is taken by another issuer or subject, which is not
 * overwritten.
 */
entrasql_status azure_federated_ensure(azure_arm *arm, const char *subscription,
                                       const char *resource_group, const char *identity,
                                       const azure_federated *credential, bool *ret_changed,
                                       entrasql_error *err) ES_MUST_USE;
/* Whether one with that issuer and subject is there. */
entrasql_status azure_federated_find(azure_arm *arm, const char *subscription,
                                     const char *resource_group, const char *identity,
                                     const azure_federated *credential, bool *ret_found,
                                     entrasql_error *err) ES_MUST_USE;
/* One that is gone already is no failure. */
entrasql_status azure_federated_delete(azure_arm *arm, const char *subscription,
                                       const char *resource_group, const char *identity,
                                       const char *name, entrasql_error *err) ES_MUST_USE;

#endif
