/* SPDX-License-Identifier: MIT */
/*
 * OnBehalfOfCredential: a web service that calls on as the user whose token
 * it was given. One object is one user: its cache cannot mix people up. What Entra wants of the
 * person (MFA, a claims challenge) comes back in the error for the front end.
 */
#include "base/str.h"
#include "identity/app.h"

#include <string.h>

static entrasql_status new_proof(const entrasql_on_behalf_of_options *o, identity_proof **ret,
                                 entrasql_error *err)
{
    int given = (!es_str_is_empty(o->client_secret) ? 1 : 0) + (o->certificate != NULL ? 1 : 0) +
                (o->assertion != NULL ? 1 : 0);
    if (given != 1)
        return es_fail(err, ENTRASQL_INVALID,
                       "OnBehalfOfCredential needs a client_secret, a certificate or an assertion"
                       "%s",
                       given > 1 ? ", only one of them" : "");
    if (o->certificate != NULL)
        return identity_proof_certificate_new(o->certificate, ret, err);
    if (o->assertion != NULL)
        return identity_proof_function_new(o->assertion, o->assertion_context, ret, err);
    return identity_proof_secret_new(o->client_secret, ret, err);
}

static entrasql_status check_user(const char *user_assertion, entrasql_error *err)
{
    if (es_str_is_empty(user_assertion))
        return es_fail(err, ENTRASQL_INVALID, "user_assertion is empty");
    if (strlen(user_assertion) > IDENTITY_MAX_ASSERTION)
        return es_fail(err, ENTRASQL_INVALID, "user_assertion is longer than %d bytes",
                       IDENTITY_MAX_ASSERTION);
    for (const char *p = user_assertion; *p != '\0'; p++) {
        if (*p <= 0x20 || *p >= 0x7F) {
            es_fail(err, ENTRASQL_INVALID, "user_assertion is not a token");
            es_hint(err, "give the access token alone, without \"Bearer \" before it");
            return ENTRASQL_INVALID;
        }
    }
    return ENTRASQL_OK;
}

entrasql_status entrasql_on_behalf_of_credential_new(const char *tenant_id, const char *client_id,
                                                     const char *user_assertion,
                                                     const entrasql_on_behalf_of_options *options,
                                                     entrasql_credential **ret, entrasql_error *err)
{
    entrasql_on_behalf_of_options o;
    identity_proof *proof = NULL;
    entrasql_credential *c = NULL;
    ES_TRY(es_options_copy(&o, sizeof o, options, err));
    ES_TRY(check_user(user_assertion, err));
    ES_TRY(new_proof(&o, &proof, err));
    ES_TRY(identity_app_credential_new("OnBehalfOfCredential", tenant_id, client_id, o.client,
                                       proof, &c, err));
    es_secret *user = es_secret_from_str(user_assertion);
    if (user == NULL) {
        entrasql_credential_unref(c);
        return es_nomem(err);
    }
    ((identity_app_credential *)c)->user_assertion = user;
    if (o.assertion != NULL)
        identity_proof_function_own(proof, o.free_assertion_context);
    *ret = c;
    return ENTRASQL_OK;
}
