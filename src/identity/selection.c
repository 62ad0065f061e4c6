/* SPDX-License-Identifier: MIT */
/* AZURE_TOKEN_CREDENTIALS. */
#include "identity/selection.h"

#include "base/str.h"

#include <stddef.h>
#include <string.h>

#define VARIABLE "AZURE_TOKEN_CREDENTIALS"

typedef enum group { PROD, DEV, ON_REQUEST } group;

static const struct {
    const char *name;
    group group;
} members[] = {
    [IDENTITY_ENVIRONMENT] = {"EnvironmentCredential", PROD},
    [IDENTITY_WORKLOAD_IDENTITY] = {"WorkloadIdentityCredential", PROD},
    [IDENTITY_MANAGED_IDENTITY] = {"ManagedIdentityCredential", PROD},
    [IDENTITY_CACHED_SIGN_IN] = {"CachedSignInCredential", DEV},
    [IDENTITY_VISUAL_STUDIO] = {"VisualStudioCredential", DEV},
    [IDENTITY_VISUAL_STUDIO_CODE] = {"VisualStudioCodeCredential", DEV},
    [IDENTITY_AZURE_CLI] = {"AzureCliCredential", DEV},
    [IDENTITY_AZURE_POWERSHELL] = {"AzurePowerShellCredential", DEV},
    [IDENTITY_AZURE_DEVELOPER_CLI] = {"AzureDeveloperCliCredential", DEV},
    [IDENTITY_INTERACTIVE_BROWSER] = {"InteractiveBrowserCredential", ON_REQUEST},
};

/* Valid in other Azure Identity libraries: worth another word than a misspelling. */
static const char *const others[] = {"SharedTokenCacheCredential", "BrokerCredential"};

const char *identity_member_name(identity_member member)
{
    return members[member].name;
}

static bool is(const char *text, size_t n, const char *name)
{
    return strlen(name) == n && es_strncaseeq(text, name, n);
}

static entrasql_status refuse(const char *text, size_t n, entrasql_error *err)
{
    char shown[80];
    bool is_other = false;
    for (size_t i = 0; i < ES_COUNT_OF(others); i++)
        is_other = is_other || is(text, n, others[i]);
    es_printable(shown, sizeof shown, text, n);
    es_fail(err, ENTRASQL_CONFIG, VARIABLE " is \"%s\", which %s", shown,
            is_other ? "this library does not have" : "is not a valid value");
    es_hint(err, "valid: prod, dev, EnvironmentCredential, WorkloadIdentityCredential, "
                 "ManagedIdentityCredential, CachedSignInCredential, VisualStudioCredential, "
                 "VisualStudioCodeCredential, AzureCliCredential, AzurePowerShellCredential, "
                 "AzureDeveloperCliCredential, InteractiveBrowserCredential; or unset it");
    return ENTRASQL_CONFIG;
}

static void select_group(group which, bool all, identity_selection *ret)
{
    for (size_t i = 0; i < IDENTITY_MEMBER_COUNT; i++)
        ret->has[i] = all ? members[i].group != ON_REQUEST : members[i].group == which;
}

static entrasql_status select_named(const char *text, size_t n, const identity_selection *exclude,
                                    identity_selection *ret, entrasql_error *err)
{
    size_t i = 0;
    while (i < IDENTITY_MEMBER_COUNT && !is(text, n, members[i].name))
        i++;
    if (i == IDENTITY_MEMBER_COUNT)
        return refuse(text, n, err);
    if (exclude->has[i]) {
        es_fail(err, ENTRASQL_CONFIG, VARIABLE " names %s, which an option excludes",
                members[i].name);
        es_hint(err, "take back one of the two: the variable or the exclude option");
        return ENTRASQL_CONFIG;
    }
    ret->has[i] = true;
    return ENTRASQL_OK;
}

static entrasql_status apply_options(const identity_selection *exclude,
                                     const identity_selection *include, identity_selection *s,
                                     entrasql_error *err)
{
    bool any = false;
    for (size_t i = 0; i < IDENTITY_MEMBER_COUNT; i++) {
        s->has[i] = (s->has[i] && !exclude->has[i]) || include->has[i];
        any = any || s->has[i];
    }
    if (any)
        return ENTRASQL_OK;
    es_fail(err, ENTRASQL_CONFIG, "DefaultAzureCredential has no credential left to try");
    es_hint(err, VARIABLE " and the exclude options leave none: change one of them");
    return ENTRASQL_CONFIG;
}

entrasql_status identity_selection_parse(const char *text, const identity_selection *exclude,
                                         const identity_selection *include, identity_selection *ret,
                                         entrasql_error *err)
{
    identity_selection s = {{false}};
    const char *at = text != NULL ? text : "";
    while (es_is_space(*at))
        at++;
    size_t n = strlen(at);
    while (n != 0 && es_is_space(at[n - 1]))
        n--;
    if (n == 0 || is(at, n, "prod") || is(at, n, "dev"))
        select_group(is(at, n, "dev") ? DEV : PROD, n == 0, &s);
    else
        ES_TRY(select_named(at, n, exclude, &s, err));
    ES_TRY(apply_options(exclude, include, &s, err));
    *ret = s;
    return ENTRASQL_OK;
}
