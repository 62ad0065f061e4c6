/* SPDX-License-Identifier: MIT */
/*
 * Credentials of an app (a confidential client): whose token, of which tenant,
 * and what proves to Entra that it is the app that asks. The credentials of
 * this kind differ in their proof only.
 */
#ifndef IDENTITY_APP_H
#define IDENTITY_APP_H

#include "base/buf.h"
#include "identity/internal.h"
#include "identity/scope.h"
#include "identity/settings.h"

/* The longest form that is sent. */
#define IDENTITY_MAX_FORM (256 * 1024)
/* The longest assertion that is taken from a file or function, and the longest user token. */
#define IDENTITY_MAX_ASSERTION (64 * 1024)

/* ---- proofs ---- */

typedef struct identity_proof identity_proof;

typedef struct identity_proof_class {
    /*
     * Appends the fields for a request to that token endpoint. What must not be shown should
     * the answer repeat it comes back as one reference in *ret_secret (NULL: nothing).
     */
    entrasql_status (*add)(identity_proof *proof, const char *client_id, const char *token_url,
                           es_buf *form, es_secret **ret_secret, entrasql_error *err);
    void (*free)(identity_proof *proof);
} identity_proof_class;

/* First member of every proof. Immutable, or safe for many threads by itself. */
struct identity_proof {
    const identity_proof_class *klass;
};

void identity_proof_free(identity_proof *proof); /* NULL allowed */
/* INVALID: empty. */
entrasql_status identity_proof_secret_new(const char *client_secret, identity_proof **ret,
                                          entrasql_error *err) ES_MUST_USE;
/* The context stays the caller's until identity_proof_function_own(). */
entrasql_status identity_proof_function_new(entrasql_assertion_function *function, void *context,
                                            identity_proof **ret, entrasql_error *err) ES_MUST_USE;
void identity_proof_function_own(identity_proof *proof, void (*free_context)(void *context));
/* A file with an assertion, read again for each request. It need not exist yet. NOMEM. */
entrasql_status identity_proof_file_new(const char *path, identity_proof **ret,
                                        entrasql_error *err) ES_MUST_USE;
/* Appends the fields of an assertion. AUTH_FAILED: it does not look like one. */
entrasql_status identity_assertion_add(const char *assertion, size_t n, es_buf *form,
                                       es_secret **ret_secret, entrasql_error *err) ES_MUST_USE;
/* Reads the certificate once, to tell at once what is wrong with it. */
entrasql_status identity_proof_certificate_new(const entrasql_client_certificate_options *options,
                                               identity_proof **ret,
                                               entrasql_error *err) ES_MUST_USE;

/* ---- the app ---- */

typedef struct identity_app {
    char *tenant_id;
    char *client_id;
    identity_settings settings;
    identity_tenant_policy tenants;
} identity_app;

/* INVALID, CONFIG, NOMEM. On failure nothing is left to be freed. */
entrasql_status identity_app_init(identity_app *app, const char *tenant_id, const char *client_id,
                                  const entrasql_client_options *options,
                                  entrasql_error *err) ES_MUST_USE;
void identity_app_done(identity_app *app);

/*
 * A token request as a flow. user_assertion: on behalf of that user; NULL: for the app
 * itself. The proof is used at once and not kept.
 */
entrasql_status identity_app_start(identity_app *app, const char *source, identity_proof *proof,
                                   const es_secret *user_assertion, const identity_request *request,
                                   identity_flow **ret, entrasql_error *err) ES_MUST_USE;

/* ---- a credential that is an app and a proof ---- */

typedef struct identity_app_credential {
    entrasql_credential base;
    identity_app app;
    identity_proof *proof;
    es_secret *user_assertion; /* NULL: none */
} identity_app_credential;

/* Takes proof over, also on failure. */
entrasql_status identity_app_credential_new(const char *name, const char *tenant_id,
                                            const char *client_id,
                                            const entrasql_client_options *options,
                                            identity_proof *proof, entrasql_credential **ret,
                                            entrasql_error *err) ES_MUST_USE;

/* ---- a credential that cannot be used here, and says so when it is asked ---- */

entrasql_status identity_unusable_new(const char *name, const entrasql_error *problem,
                                      entrasql_credential **ret, entrasql_error *err) ES_MUST_USE;

#endif
