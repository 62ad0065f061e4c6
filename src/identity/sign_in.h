/* SPDX-License-Identifier: MIT */
/*
 * What `entrasql login`, `logout` and `accounts` do: signing in into the store that
 * CachedSignInCredential reads, and looking at and emptying it.
 */
#ifndef IDENTITY_SIGN_IN_H
#define IDENTITY_SIGN_IN_H

#include "identity/msal.h"

typedef struct identity_sign_in_options {
    const char *tenant_id; /* NULL: the developer defaults, here and below */
    const char *client_id;
    const char *username; /* who is expected; NULL: anybody */
    bool is_plain;        /* into a plain file */
    bool by_device_code;  /* with `prompt`; else in the browser */
    void (*prompt)(void *context, const entrasql_device_code *code);
    void *prompt_context;
    const entrasql_client_options *client; /* NULL: defaults */
} identity_sign_in_options;

/*
 * A credential that asks a person at its first token request, and fails when that sign-in cannot be
 * stored. As the constructors of the two credentials.
 */
entrasql_status identity_sign_in_new(const identity_sign_in_options *options,
                                     entrasql_credential **ret, entrasql_error *err) ES_MUST_USE;
/* Who signed in with it; false: nobody yet. */
bool identity_sign_in_account(const entrasql_credential *credential, identity_msal_account *ret);

/* Everybody in the store; *ret_count at most max. */
entrasql_status identity_sign_in_list(identity_msal_account *ret, size_t max, size_t *ret_count,
                                      entrasql_error *err) ES_MUST_USE;
/* Takes these accounts out of the store. */
entrasql_status identity_sign_out(const identity_msal_account *accounts, size_t count,
                                  entrasql_error *err) ES_MUST_USE;

#endif
