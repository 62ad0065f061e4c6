/* SPDX-License-Identifier: MIT */
/* ClientSecretCredential and ClientAssertionCredential: an app by its secret, or by assertions that
 * the program brings. */
#include "identity/app.h"

entrasql_status entrasql_client_secret_credential_new(const char *tenant_id, const char *client_id,
                                                      const char *client_secret,
                                                      const entrasql_client_options *options,
                                                      entrasql_credential **ret,
                                                      entrasql_error *err)
{
    identity_proof *proof = NULL;
    ES_TRY(identity_proof_secret_new(client_secret, &proof, err));
    return identity_app_credential_new("ClientSecretCredential", tenant_id, client_id, options,
                                       proof, ret, err);
}

entrasql_status entrasql_client_assertion_credential_new(
    const char *tenant_id, const char *client_id, entrasql_assertion_function *function,
    void *context, void (*free_context)(void *context), const entrasql_client_options *options,
    entrasql_credential **ret, entrasql_error *err)
{
    identity_proof *proof = NULL;
    ES_TRY(identity_proof_function_new(function, context, &proof, err));
    ES_TRY(identity_app_credential_new("ClientAssertionCredential", tenant_id, client_id, options,
                                       proof, ret, err));
    identity_proof_function_own(proof, free_context);
    return ENTRASQL_OK;
}
