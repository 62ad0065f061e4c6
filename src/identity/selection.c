/* SPDX-License-Identifier: MIT */
/* AZURE_TOKEN_CREDENTIALS. */
#include "identity/selection.h"

#include "base/str.h"

#include <stddef.h>
#include <string.h>

static const struct {
    const char *name;
    identity_selection selection;
} values[] = {
    {"prod", {.environment = true, .managed_identity = true}},
    {"dev", {.azure_cli = true}},
    {"EnvironmentCredential", {.environment = true}},
    {"ManagedIdentityCredential", {.managed_identity = true}},
    {"AzureCliCredential", {.azure_cli = true}},
};

/* Valid in other Azure Identity libraries: worth another word than a misspelling. */
static const char *const others[] = {
    "WorkloadIdentityCredential", "AzurePowerShellCredential",  "AzureDeveloperCliCredential",
    "VisualStudioCredential",     "VisualStudioCodeCredential", "InteractiveBrowserCredential",
    "SharedTokenCacheCredential", "BrokerCredential",
};

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
    es_fail(err, ENTRASQL_CONFIG, "AZURE_TOKEN_CREDENTIALS is \"%s\", which %s", shown,
            is_other ? "this version does not have" : "is not a valid value");
    es_hint(err, "valid: prod, dev, EnvironmentCredential, ManagedIdentityCredential, "
                 "AzureCliCredential; or unset it");
    return ENTRASQL_CONFIG;
}

entrasql_status identity_selection_parse(const char *text, identity_selection *ret,
                                         entrasql_error *err)
{
    const char *at = text != NULL ? text : "";
    while (es_is_space(*at))
        at++;
    size_t n = strlen(at);
    while (n != 0 && es_is_space(at[n - 1]))
        n--;
    if (n == 0) {
        *ret = (identity_selection){true, true, true};
        return ENTRASQL_OK;
    }
    for (size_t i = 0; i < ES_COUNT_OF(values); i++) {
        if (is(at, n, values[i].name)) {
            *ret = values[i].selection;
            return ENTRASQL_OK;
        }
    }
    return refuse(at, n, err);
}
