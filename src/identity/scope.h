/* SPDX-License-Identifier: MIT */
/*
 * Checks of what a caller asks for: scope, tenant, claims. Pure but for the
 * tenant policy's environment variables; any thread. Failures are INVALID
 * with a hint.
 */
#ifndef IDENTITY_SCOPE_H
#define IDENTITY_SCOPE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

#define IDENTITY_MAX_SCOPE 1024
#define IDENTITY_MAX_TENANT 256
#define IDENTITY_MAX_CLAIMS (16 * 1024)

/* One scope of letters, digits and _.:/- only: it goes into URLs and arguments. */
entrasql_status identity_scope_check(const char *scope, entrasql_error *err) ES_MUST_USE;
/* A service principal may only ask for "<resource>/.default". */
entrasql_status identity_scope_check_default(const char *scope, entrasql_error *err) ES_MUST_USE;
/* The resource of a scope, for sources that know only those: one "/.default" is cut off. */
entrasql_status identity_scope_resource(const char *scope, char *ret, size_t size) ES_MUST_USE;

/* A GUID, a domain, or one of Entra's own words. `what` names the place for the message. */
entrasql_status identity_tenant_check(const char *tenant, const char *what,
                                      entrasql_error *err) ES_MUST_USE;

/* Which tenants a request may name beside the credential's own. */
typedef struct identity_tenant_policy {
    char *allowed;        /* ';' between, "*" for any; NULL: none */
    bool ignore_requests; /* AZURE_IDENTITY_DISABLE_MULTITENANTAUTH */
} identity_tenant_policy;

/*
 * allowed: the caller's option; NULL or empty: AZURE_ADDITIONALLY_ALLOWED_TENANTS. Reads the
 * environment. NOMEM.
 */
entrasql_status identity_tenant_policy_init(identity_tenant_policy *policy,
                                            const char *allowed) ES_MUST_USE;
void identity_tenant_policy_done(identity_tenant_policy *policy);
/*
 * The tenant to use. A server may have named the requested one, so it must be
 * allowed. configured NULL: a developer tool that knows its own; *ret may then be NULL.
 */
entrasql_status identity_tenant_choose(const identity_tenant_policy *policy, const char *configured,
                                       const char *requested, const char **ret,
                                       entrasql_error *err) ES_MUST_USE;

#endif
