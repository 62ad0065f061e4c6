/* SPDX-License-Identifier: MIT */
/*
 * Refresh tokens. Their text is opaque to clients; here it is signed with the key of the world's
 * tokens, so that a sign-in outlives the emulator's restart and nothing has to be stored. As in
 * Entra each use gives a new one and the old one stays good until it expires.
 */
#include "user.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/random.h"
#include "crypto/jwt.h"

#include <stdio.h>
#include <string.h>

/* What tells it from an access token, whatever else is in it. */
#define PREFIX "1."
#define AUDIENCE "urn:entrasql:emulator:refresh-token"
#define LIFETIME_S (90 * 86400) /* Entra's default */

entrasql_status entra_refresh_token_make(const world *w, const entra_grant *grant, es_buf *out)
{
    ES_CLEANUP(es_buf_done) es_buf claims = ES_BUF_INIT_WIPE(4096);
    char id[ES_GUID_TEXT_SIZE];
    int64_t now = es_clock_wall_s();
    json_writer j;
    es_random_uuid(id);
    json_writer_init(&j, &claims);
    json_begin_object(&j);
    json_member_put_string(&j, "aud", AUDIENCE);
    json_member_put_string(&j, "tid", grant->user->tenant->id);
    json_member_put_string(&j, "upn", grant->user->upn);
    json_member_put_string(&j, "oid", grant->user->object_id);
    json_member_put_string(&j, "appid", grant->client_id);
    json_member_put_string(&j, "jti", id);
    json_member_put_i64(&j, "iat", now);
    json_member_put_i64(&j, "exp", now + LIFETIME_S);
    json_end_object(&j);
    ES_TRY(json_writer_end(&j));
    const char *text = es_buf_cstr(&claims);
    if (text == NULL)
        return ENTRASQL_NOMEM;
    ES_TRY(es_buf_add_str(out, PREFIX));
    return crypto_jwt_sign(world_token_key(w), text, out, NULL);
}

typedef struct refresh_claims {
    const char *aud, *upn, *oid, *appid;
    int64_t exp;
} refresh_claims;

static bool read_claims(const json_node *root, refresh_claims *ret)
{
    return json_member_string(root, "aud", &ret->aud, NULL) == ENTRASQL_OK &&
           json_member_string(root, "upn", &ret->upn, NULL) == ENTRASQL_OK &&
           json_member_string(root, "oid", &ret->oid, NULL) == ENTRASQL_OK &&
           json_member_string(root, "appid", &ret->appid, NULL) == ENTRASQL_OK &&
           json_member_i64(root, "exp", &ret->exp) == ENTRASQL_OK && es_streq(ret->aud, AUDIENCE);
}

static uint32_t judge(const world *w, const refresh_claims *claims, const char *client_id,
                      const world_principal **ret, char *text, size_t size)
{
    if (es_clock_wall_s() >= claims->exp) {
        (void)snprintf(text, size,
                       "The refresh token has expired due to inactivity. It was inactive for "
                       "90.00:00:00.");
        return 700082;
    }
    /* The clients of one family share their refresh tokens. */
    bool is_family =
        entra_client_find(claims->appid) != NULL && entra_client_find(client_id) != NULL;
    if (!es_strcaseeq(claims->appid, client_id) && !is_family) {
        (void)snprintf(text, size,
                       "Provided grant is invalid or malformed: the refresh token was issued to "
                       "another client.");
        return 70000;
    }
    const world_principal *user = world_user_find(w, claims->upn);
    if (user == NULL || !es_streq(user->object_id, claims->oid)) {
        (void)snprintf(text, size, "The user account does not exist in the directory any more.");
        return 50034;
    }
    *ret = user;
    return 0;
}

uint32_t entra_refresh_token_read(const world *w, const char *token, const char *client_id,
                                  const world_principal **ret, char *text, size_t size)
{
    crypto_jwt jwt;
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    refresh_claims claims;
    uint32_t problem = 9002313;
    (void)snprintf(text, size, "Invalid request. Request is malformed or invalid.");
    if (!es_starts_with(token, PREFIX) ||
        crypto_jwt_parse(token + sizeof PREFIX - 1, strlen(token) - (sizeof PREFIX - 1), &jwt,
                         NULL) != ENTRASQL_OK)
        return problem;
    if (crypto_jwt_verify_rs256(&jwt, world_token_key(w), NULL) == ENTRASQL_OK &&
        json_doc_parse(jwt.claims_json, strlen(jwt.claims_json), &doc, NULL) == ENTRASQL_OK &&
        read_claims(json_doc_root(doc), &claims))
        problem = judge(w, &claims, client_id, ret, text, size);
    crypto_jwt_done(&jwt);
    return problem;
}
