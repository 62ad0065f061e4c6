/* SPDX-License-Identifier: MIT */
/* Writing access tokens in the shape of Entra's v1 tokens. */
#include "token.h"

#include "base/base64.h"
#include "base/clock.h"
#include "base/random.h"
#include "crypto/digest.h"
#include "crypto/jwt.h"
#include "json/json.h"

#include <string.h>

/* Hashing both ids makes it another one in every app. */
entrasql_status world_token_subject(const world_principal *p, const char *client_id,
                                    char ret[WORLD_SUBJECT_SIZE])
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(256);
    ES_CLEANUP(es_buf_done) es_buf encoded = ES_BUF_INIT(WORLD_SUBJECT_SIZE);
    uint8_t hash[CRYPTO_SHA256_SIZE];
    ES_TRY(es_buf_printf(&text, "%s %s", p->object_id, client_id));
    ES_TRY(crypto_sha256(text.data, text.len, hash));
    ES_TRY(es_base64url_encode(hash, sizeof hash, &encoded));
    memcpy(ret, encoded.data, encoded.len);
    ret[encoded.len] = 0;
    return ENTRASQL_OK;
}

/* "uti": the name of this one token, in Entra's logs. */
static void put_token_id(json_writer *j)
{
    uint8_t random[16];
    es_buf text = ES_BUF_INIT(32);
    es_random_bytes(random, sizeof random);
    json_name(j, "uti");
    if (es_base64url_encode(random, sizeof random, &text) == ENTRASQL_OK)
        json_put_text(j, (const char *)text.data, text.len);
    else
        json_put_null(j);
    es_buf_done(&text);
}

static void put_groups(json_writer *j, const world *w, const world_principal *p)
{
    const char *groups[WORLD_MAX_GROUPS + 1];
    size_t count = world_groups_of(w, p, groups, ES_COUNT_OF(groups));
    if (count == 0)
        return;
    if (count > WORLD_MAX_GROUPS) {
        json_member_put_bool(j, "hasgroups", true);
        return;
    }
    json_name(j, "groups");
    json_begin_array(j);
    for (size_t i = 0; i < count; i++)
        json_put_string(j, groups[i]);
    json_end_array(j);
}

static void put_user(json_writer *j, const world_principal *p, const char *client_id,
                     const char *subject)
{
    json_member_put_string(j, "acr", "1");
    json_name(j, "amr");
    json_begin_array(j);
    json_put_string(j, "pwd");
    json_end_array(j);
    json_member_put_string(j, "appid", client_id);
    json_member_put_string(j, "appidacr", "0"); /* a public client */
    json_member_put_string(j, "idtyp", "user");
    json_member_put_string(j, "name", p->name);
    json_member_put_string(j, "scp", "user_impersonation");
    json_member_put_string(j, "sub", subject);
    json_member_put_string(j, "unique_name", p->upn);
    json_member_put_string(j, "upn", p->upn);
}

static void put_app(json_writer *j, const world_principal *p)
{
    json_member_put_string(j, "appid", p->client_id);
    /* How the app proved itself: 1 by a secret, 2 by a certificate as managed identities do. */
    json_member_put_string(j, "appidacr", p->kind == WORLD_IDENTITY ? "2" : "1");
    json_member_put_string(j, "idtyp", "app");
    json_member_put_string(j, "sub", p->object_id);
    if (p->resource_id != NULL)
        json_member_put_string(j, "xms_mirid", p->resource_id);
}

static entrasql_status write_claims(const world *w, const world_token_request *request, int64_t now,
                                    int64_t expires_on, es_buf *out)
{
    const world_principal *p = request->principal;
    const char *client_id = request->client_id;
    if (client_id == NULL)
        client_id = WORLD_AZURE_CLI_CLIENT_ID;
    char issuer[32 + ES_GUID_TEXT_SIZE] = "https://sts.windows.net/";
    char subject[WORLD_SUBJECT_SIZE];
    size_t n = strlen(issuer);
    memcpy(issuer + n, p->tenant->id, ES_GUID_TEXT_SIZE);
    memcpy(issuer + n + ES_GUID_TEXT_SIZE - 1, "/", 2);
    ES_TRY(world_token_subject(p, client_id, subject));

    json_writer j;
    json_writer_init(&j, out);
    json_begin_object(&j);
    json_member_put_string(&j, "aud", request->resource);
    json_member_put_string(&j, "iss", issuer);
    json_member_put_i64(&j, "iat", now);
    json_member_put_i64(&j, "nbf", now);
    json_member_put_i64(&j, "exp", expires_on);
    json_member_put_string(&j, "idp", issuer);
    json_member_put_string(&j, "oid", p->object_id);
    json_member_put_string(&j, "tid", p->tenant->id);
    if (p->kind == WORLD_USER)
        put_user(&j, p, client_id, subject);
    else
        put_app(&j, p);
    put_groups(&j, w, p);
    put_token_id(&j);
    json_member_put_string(&j, "ver", "1.0");
    json_end_object(&j);
    return json_writer_end(&j);
}

entrasql_status world_token_issue(const world *w, const world_token_request *request, es_buf *out,
                                  int64_t *ret_expires_on, entrasql_error *err)
{
    if (request->principal->kind == WORLD_GROUP)
        return es_fail(err, ENTRASQL_INVALID, "a group cannot sign in");
    ES_CLEANUP(es_buf_done) es_buf claims = ES_BUF_INIT_WIPE(CRYPTO_JWT_MAX_BYTES / 2);
    int64_t now = es_clock_wall_s() + request->shift_s;
    int64_t expires_on =
        now + (request->principal->kind == WORLD_IDENTITY ? WORLD_IDENTITY_TOKEN_LIFETIME_S
                                                          : WORLD_TOKEN_LIFETIME_S);
    entrasql_status status = write_claims(w, request, now, expires_on, &claims);
    if (status != ENTRASQL_OK)
        return es_fail(err, status, "the token's claims cannot be written");
    const char *text = es_buf_cstr(&claims);
    if (text == NULL)
        return es_nomem(err);
    ES_TRY(crypto_jwt_sign(world_token_key(w), text, out, err));
    *ret_expires_on = expires_on;
    return ENTRASQL_OK;
}
