/* SPDX-License-Identifier: MIT */
/*
 * The JSON schema that all Microsoft Authentication Libraries keep tokens in: objects AccessToken,
 * RefreshToken, IdToken, Account and AppMetadata, each from a lower-case key to an entry; times are
 * decimal strings. Unknown objects, entries and members are kept as they are.
 *
 * Pure. Roots come from others' files: every member is checked, what does not fit is passed over.
 */
#ifndef IDENTITY_MSAL_H
#define IDENTITY_MSAL_H

#include "base/secret.h"
#include "identity/user_reply.h"
#include "json/json.h"

#define IDENTITY_MSAL_MAX_ACCOUNTS 64

/* Whose entries: of a cloud (the authority's host; its aliases count as equal) and an app. */
typedef struct identity_msal_place {
    const char *environment;
    const char *client_id;
} identity_msal_place;

typedef struct identity_msal_account {
    char home_account_id[IDENTITY_ACCOUNT_ID_SIZE];
    char username[IDENTITY_USERNAME_SIZE];
    char realm[64]; /* the tenant of the sign-in */
    char environment[256];
} identity_msal_account;

bool identity_msal_same_environment(const char *a, const char *b);

/*
 * Who can be signed in silently: accounts with a refresh token for the app. place NULL: everybody
 * of every cloud. Returns how many.
 */
size_t identity_msal_accounts(const json_node *root, const identity_msal_place *place,
                              identity_msal_account *ret, size_t max);
/* The newest refresh token of an account for the app or its family. NOT_FOUND, NOMEM. */
entrasql_status identity_msal_refresh_token(const json_node *root, const identity_msal_place *place,
                                            const char *home_account_id,
                                            es_secret **ret) ES_MUST_USE;
/* An access token that has the scope and lasts more than min_left_s from now. NOT_FOUND, NOMEM. */
entrasql_status identity_msal_access_token(const json_node *root, const identity_msal_place *place,
                                           const char *home_account_id, const char *realm,
                                           const char *scope, int64_t now_s, int64_t min_left_s,
                                           const char *source, entrasql_token **ret) ES_MUST_USE;

/*
 * Writes root (NULL: nothing yet) with the tokens put in. LIMIT, NOMEM, INVALID: no account id.
 * with_access_token false leaves that one out: the schema has no place for what tells a token of
 * continuous access evaluation from another.
 */
entrasql_status identity_msal_put(const json_node *root, const identity_msal_place *place,
                                  const identity_user_tokens *tokens, const char *scope,
                                  bool with_access_token, es_buf *out) ES_MUST_USE;
/* Writes root without anything of that account in that cloud. */
entrasql_status identity_msal_remove(const json_node *root, const char *environment,
                                     const char *home_account_id, es_buf *out) ES_MUST_USE;

#endif
