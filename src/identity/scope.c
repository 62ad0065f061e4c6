/* SPDX-License-Identifier: MIT */
/* Checks of scopes and tenants. */
#include "identity/scope.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

static const char default_suffix[] = "/.default";

static bool is_alnum(char c)
{
    return es_is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool consists_of(const char *s, const char *others)
{
    for (; *s != '\0'; s++) {
        if (!is_alnum(*s) && strchr(others, *s) == NULL)
            return false;
    }
    return true;
}

entrasql_status identity_scope_check(const char *scope, entrasql_error *err)
{
    if (es_str_is_empty(scope)) {
        es_fail(err, ENTRASQL_INVALID, "a token request needs a scope");
        es_hint(err, "for Azure SQL it is https://database.windows.net/.default");
        return ENTRASQL_INVALID;
    }
    /* A dash in front could be taken for an option of a tool that gets the scope as an argument. */
    if (strlen(scope) > IDENTITY_MAX_SCOPE || scope[0] == '-' || !consists_of(scope, "_.:/-")) {
        char shown[80];
        es_printable(shown, sizeof shown, scope, strnlen(scope, sizeof shown));
        es_fail(err, ENTRASQL_INVALID, "\"%s\" is not a scope", shown);
        es_hint(err, "give exactly one, made of letters, digits and _.:/- only, such as "
                     "https://database.windows.net/.default");
        return ENTRASQL_INVALID;
    }
    return ENTRASQL_OK;
}

entrasql_status identity_scope_check_default(const char *scope, entrasql_error *err)
{
    if (es_ends_with(scope, default_suffix))
        return ENTRASQL_OK;
    es_fail(err, ENTRASQL_INVALID, "the scope \"%s\" does not end in /.default", scope);
    es_hint(err, "service principals ask for a whole resource: append /.default to its URI");
    return ENTRASQL_INVALID;
}

entrasql_status identity_scope_resource(const char *scope, char *ret, size_t size)
{
    size_t n = strlen(scope);
    if (es_ends_with(scope, default_suffix))
        n -= sizeof default_suffix - 1;
    if (n == 0 || n >= size)
        return ENTRASQL_INVALID;
    memcpy(ret, scope, n);
    ret[n] = '\0';
    return ENTRASQL_OK;
}

entrasql_status identity_tenant_check(const char *tenant, const char *what, entrasql_error *err)
{
    if (!es_str_is_empty(tenant) && strlen(tenant) <= IDENTITY_MAX_TENANT && tenant[0] != '-' &&
        tenant[0] != '.' && consists_of(tenant, ".-"))
        return ENTRASQL_OK;
    char shown[80];
    const char *text = tenant != NULL ? tenant : "";
    es_printable(shown, sizeof shown, text, strnlen(text, sizeof shown));
    es_fail(err, ENTRASQL_INVALID, "%s \"%s\" is not a tenant", what, shown);
    es_hint(err, "give the tenant's id (a GUID) or one of its domain names");
    return ENTRASQL_INVALID;
}

entrasql_status identity_tenant_policy_init(identity_tenant_policy *policy, const char *allowed)
{
    const char *disabled = getenv("AZURE_IDENTITY_DISABLE_MULTITENANTAUTH");
    if (es_str_is_empty(allowed))
        allowed = getenv("AZURE_ADDITIONALLY_ALLOWED_TENANTS");
    policy->ignore_requests = es_streq(disabled, "1") || es_strcaseeq(disabled, "true");
    policy->allowed = es_strdup(allowed);
    return allowed != NULL && policy->allowed == NULL ? ENTRASQL_NOMEM : ENTRASQL_OK;
}

void identity_tenant_policy_done(identity_tenant_policy *policy)
{
    es_free(policy->allowed);
    policy->allowed = NULL;
}

static bool is_listed(const char *list, const char *tenant)
{
    size_t wanted = strlen(tenant);
    while (list != NULL && *list != '\0') {
        while (es_is_space(*list))
            list++;
        size_t n = strcspn(list, ";");
        size_t end = n;
        while (end != 0 && es_is_space(list[end - 1]))
            end--;
        if (end == 1 && *list == '*')
            return true;
        if (end == wanted && es_strncaseeq(list, tenant, wanted))
            return true;
        list += n;
        if (*list == ';')
            list++;
    }
    return false;
}

entrasql_status identity_tenant_choose(const identity_tenant_policy *policy, const char *configured,
                                       const char *requested, const char **ret, entrasql_error *err)
{
    bool wants_own = requested == NULL || policy->ignore_requests ||
                     (configured != NULL && es_strcaseeq(configured, requested));
    if (wants_own || es_strcaseeq(configured, "adfs")) {
        *ret = configured;
        return ENTRASQL_OK;
    }
    if (configured == NULL && policy->allowed == NULL) {
        *ret = requested;
        return ENTRASQL_OK;
    }
    if (is_listed(policy->allowed, requested)) {
        *ret = requested;
        return ENTRASQL_OK;
    }
    es_fail(err, ENTRASQL_INVALID, "the credential may not ask for tokens of the tenant \"%s\"",
            requested);
    es_hint(err,
            "it belongs to %s; to allow others, put their ids, or *, into "
            "AZURE_ADDITIONALLY_ALLOWED_TENANTS or the option additionally_allowed_tenants",
            configured != NULL ? configured : "another tenant");
    return ENTRASQL_INVALID;
}
