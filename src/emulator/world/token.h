/* SPDX-License-Identifier: MIT */
/*
 * The world's access tokens: writing them for a principal and a resource, and
 * checking them as Azure SQL does.
 *
 * They have the shape of Entra's v1 tokens, which is what Azure SQL gets from
 * both token endpoints: ver 1.0, iss https://sts.windows.net/<tenant>/, appid,
 * and for people upn, unique_name and groups.
 */
#ifndef EMULATOR_WORLD_TOKEN_H
#define EMULATOR_WORLD_TOKEN_H

#include "world.h"

#define WORLD_TOKEN_LIFETIME_S 3600
#define WORLD_IDENTITY_TOKEN_LIFETIME_S 86400 /* managed identities */
#define WORLD_TOKEN_SKEW_S 300                /* clocks may differ by so much */
#define WORLD_MAX_GROUPS 200                  /* as Entra: beyond it the claim is left out */

/* The client id of the Azure CLI, the app in whose name `az` signs people in. */
#define WORLD_AZURE_CLI_CLIENT_ID "04b07795-8ddb-461a-bbee-02f9e1bf7b46"

typedef struct world_token_request {
    const world_principal *principal; /* a user, app or identity */
    const char *resource;             /* as world_resource_find() gave it */
    const char *client_id;            /* users: the app they use; NULL: the Azure CLI */
    int64_t shift_s; /* moves all its times: negative for one that has expired; for tests */
} world_token_request;

/* Appends the token's text; give a wiping buffer. */
entrasql_status world_token_issue(const world *w, const world_token_request *request, es_buf *out,
                                  int64_t *ret_expires_on, entrasql_error *err) ES_MUST_USE;

#define WORLD_SUBJECT_SIZE 44 /* base64url of 32 bytes and a NUL */
/* "sub" of a person's tokens for an app. */
entrasql_status world_token_subject(const world_principal *p, const char *client_id,
                                    char ret[WORLD_SUBJECT_SIZE]) ES_MUST_USE;

/* Why a token is refused. The front chooses number, state and text by it. */
typedef enum world_token_problem {
    WORLD_TOKEN_OK,
    WORLD_TOKEN_MALFORMED,     /* not a JWT, or a claim is missing or of the wrong type */
    WORLD_TOKEN_BAD_SIGNATURE, /* not RS256, unknown key, or not signed by it */
    WORLD_TOKEN_WRONG_AUDIENCE,
    WORLD_TOKEN_WRONG_TENANT, /* iss or tid is not the server's tenant */
    WORLD_TOKEN_NOT_YET_VALID,
    WORLD_TOKEN_EXPIRED,
    WORLD_TOKEN_NO_ADMIN, /* the server has no Entra admin: it takes no tokens */
    WORLD_TOKEN_NO_MEMORY
} world_token_problem;

/* "expired" and so on, for logs. Static. */
const char *world_token_problem_text(world_token_problem problem);

/* Who a checked token is, ready for engine_session_open(). Owns what login points to. */
typedef struct world_login {
    engine_login login;
    uint8_t (*group_ids)[16];
    char *login_name;
    int64_t expires_on;
} world_login;

/*
 * Checks a token: form, RS256 and key, signature, aud, iss and tid, nbf and exp
 * with the skew above. On WORLD_TOKEN_OK fills *ret; call world_login_done.
 * err (may be NULL) gets a sentence for the log; it quotes no part of the token
 * but its audience, issuer and times.
 */
world_token_problem world_token_check(const world *w, const char *token, size_t n, world_login *ret,
                                      entrasql_error *err) ES_MUST_USE;
/*
 * The same for another service of the home tenant: who a token for that audience is of, as an
 * object id.
 */
world_token_problem world_token_identify(const world *w, const char *audience, const char *token,
                                         size_t n, char ret_object_id[ES_GUID_TEXT_SIZE],
                                         entrasql_error *err) ES_MUST_USE;
/* The SQL admin's login, once world_check_sql_login() said yes. */
entrasql_status world_sql_login(const world *w, world_login *ret) ES_MUST_USE;
void world_login_done(world_login *login);

#endif
