/* SPDX-License-Identifier: MIT */
/*
 * WorkloadIdentityCredential: an app or user-assigned identity by a federated
 * token that the platform (AKS above all) keeps fresh in a file.
 */
#include "base/str.h"
#include "identity/app.h"

#include <stdio.h>
#include <string.h>

#define NAME "WorkloadIdentityCredential"

typedef struct setting {
    const char *name; /* of the variable */
    const char *value;
} setting;

static setting choose(const char *option, const char *variable)
{
    return (setting){variable, !es_str_is_empty(option) ? option : identity_getenv(variable)};
}

/* Fills *problem; false when nothing is missing. */
static bool describe_missing(const setting *settings, size_t count, entrasql_error *problem)
{
    char missing[128] = "";
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        if (settings[i].value != NULL)
            continue;
        (void)snprintf(missing + used, sizeof missing - used, "%s%s", used != 0 ? ", " : "",
                       settings[i].name);
        used = strlen(missing);
    }
    if (used == 0)
        return false;
    es_fail(problem, ENTRASQL_UNAVAILABLE, "workload identity is not set up; missing: %s", missing);
    es_hint(problem, "on AKS give the pod the label azure.workload.identity/use: \"true\" and its "
                     "service account the annotation azure.workload.identity/client-id; the "
                     "webhook then sets these variables when the pod starts");
    return true;
}

entrasql_status
entrasql_workload_identity_credential_new(const entrasql_workload_identity_options *options,
                                          entrasql_credential **ret, entrasql_error *err)
{
    entrasql_workload_identity_options o;
    entrasql_error problem;
    identity_proof *proof = NULL;
    ES_TRY(es_options_copy(&o, sizeof o, options, err));
    const setting settings[] = {
        choose(o.tenant_id, "AZURE_TENANT_ID"),
        choose(o.client_id, "AZURE_CLIENT_ID"),
        choose(o.token_file_path, "AZURE_FEDERATED_TOKEN_FILE"),
    };
    if (describe_missing(settings, ES_COUNT_OF(settings), &problem))
        return identity_unusable_new(NAME, &problem, ret, err);
    ES_TRY(identity_proof_file_new(settings[2].value, &proof, err));
    return identity_app_credential_new(NAME, settings[0].value, settings[1].value, o.client, proof,
                                       ret, err);
}
