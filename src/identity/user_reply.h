/* SPDX-License-Identifier: MIT */
/*
 * Answers of Entra to sign-ins of people: beside the access token a refresh token, who it is
 * (client_info, id_token), and errors that mean "ask the person".
 */
#ifndef IDENTITY_USER_REPLY_H
#define IDENTITY_USER_REPLY_H

#include "base/buf.h"
#include "base/error.h"
#include "base/secret.h"

#include <entrasql/entrasql.h>

#include <stdbool.h>

#define IDENTITY_ACCOUNT_ID_SIZE 128
#define IDENTITY_USERNAME_SIZE 256

/* What one answer gave. Texts are "" when it did not say. */
typedef struct identity_user_tokens {
    entrasql_token *token;
    es_secret *refresh_token;                       /* NULL: none */
    es_secret *id_token;                            /* NULL: none */
    char home_account_id[IDENTITY_ACCOUNT_ID_SIZE]; /* "<uid>.<utid>" */
    char local_account_id[64];                      /* object id */
    char realm[64];                                 /* tenant */
    char username[IDENTITY_USERNAME_SIZE];
    char scope[1024]; /* what was granted */
    char family_id[8];
    int64_t cached_on; /* seconds since 1970, as the rest */
    int64_t extended_expires_on;
} identity_user_tokens;

/*
 * From an answer with status 200. AUTH_FAILED as identity_reply_token(); an id_token or
 * client_info that cannot be read is passed over, since the access token decides.
 */
entrasql_status identity_user_tokens_read(const es_buf *body, const char *place, const char *source,
                                          int64_t sent_wall_s, identity_user_tokens *ret,
                                          entrasql_error *err) ES_MUST_USE;
void identity_user_tokens_done(identity_user_tokens *tokens);

/* OAuth's word in an error answer ("authorization_pending"), "" when there is none. */
void identity_oauth_error(const es_buf *body, char *ret, size_t size);
/* Whether that word means that only the person can help. */
bool identity_oauth_error_asks(const char *error);

#endif
