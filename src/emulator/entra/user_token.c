/* SPDX-License-Identifier: MIT */
/* The token endpoint for people: authorization code, device code, refresh token. */
#include "user.h"

#include "base/base64.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/secret.h"
#include "crypto/digest.h"
#include "crypto/jwt.h"
#include "emulator/world/token.h"

#include <stdio.h>
#include <string.h>

#define GRANT_DEVICE "urn:ietf:params:oauth:grant-type:device_code"
#define MAX_TEXT 512

/* ---- answers ---- */

static entrasql_status write_id_claims(const entra_call *c, const entra_grant *grant, es_buf *out)
{
    const world_principal *user = grant->user;
    char subject[WORLD_SUBJECT_SIZE];
    char issuer[160];
    int64_t now = es_clock_wall_s();
    json_writer j;
    ES_TRY(world_token_subject(user, grant->client_id, subject));
    (void)snprintf(issuer, sizeof issuer, "%.100s/%s/v2.0", world_authority(c->w),
                   user->tenant->id);
    json_writer_init(&j, out);
    json_begin_object(&j);
    json_member_put_string(&j, "aud", grant->client_id);
    json_member_put_string(&j, "iss", issuer);
    json_member_put_i64(&j, "iat", now);
    json_member_put_i64(&j, "nbf", now);
    json_member_put_i64(&j, "exp", now + WORLD_TOKEN_LIFETIME_S);
    json_member_put_string(&j, "name", user->name);
    if (grant->nonce[0] != 0)
        json_member_put_string(&j, "nonce", grant->nonce);
    json_member_put_string(&j, "oid", user->object_id);
    json_member_put_string(&j, "preferred_username", user->upn);
    json_member_put_string(&j, "sub", subject);
    json_member_put_string(&j, "tid", user->tenant->id);
    json_member_put_string(&j, "ver", "2.0");
    json_end_object(&j);
    return json_writer_end(&j);
}

static entrasql_status put_id_token(const entra_call *c, const entra_grant *grant, json_writer *j)
{
    ES_CLEANUP(es_buf_done) es_buf claims = ES_BUF_INIT_WIPE(8192);
    ES_CLEANUP(es_buf_done) es_buf token = ES_BUF_INIT_WIPE(CRYPTO_JWT_MAX_BYTES);
    ES_TRY(write_id_claims(c, grant, &claims));
    const char *text = es_buf_cstr(&claims);
    if (text == NULL)
        return ENTRASQL_NOMEM;
    ES_TRY(crypto_jwt_sign(world_token_key(c->w), text, &token, NULL));
    json_name(j, "id_token");
    json_put_text(j, (const char *)token.data, token.len);
    return ENTRASQL_OK;
}

/* Who it is, for a client's cache: base64url of {"uid":...,"utid":...}. */
static entrasql_status put_client_info(const entra_grant *grant, json_writer *j)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(256);
    ES_CLEANUP(es_buf_done) es_buf encoded = ES_BUF_INIT(512);
    ES_TRY(es_buf_printf(&text, "{\"uid\":\"%s\",\"utid\":\"%s\"}", grant->user->object_id,
                         grant->user->tenant->id));
    ES_TRY(es_base64url_encode(text.data, text.len, &encoded));
    json_name(j, "client_info");
    json_put_text(j, (const char *)encoded.data, encoded.len);
    return ENTRASQL_OK;
}

/* The resource is named as the client named it: MSAL for Go takes another spelling for a refusal.
 */
static entrasql_status put_scope(const char *asked, json_writer *j)
{
    ES_CLEANUP(es_buf_done) es_buf scope = ES_BUF_INIT(4096);
    while (*asked != 0 && memchr(asked, '/', strcspn(asked, " ")) == NULL) {
        asked += strcspn(asked, " ");
        asked += strspn(asked, " ");
    }
    size_t n = strcspn(asked, " ");
    while (n != 0 && asked[n - 1] != '/')
        n--;
    ES_TRY(
        es_buf_printf(&scope, "%.*suser_impersonation %.*s.default", (int)n, asked, (int)n, asked));
    json_name(j, "scope");
    json_put_text(j, (const char *)scope.data, scope.len);
    return ENTRASQL_OK;
}

static entrasql_status put_refresh_token(const entra_call *c, const entra_grant *grant,
                                         json_writer *j)
{
    ES_CLEANUP(es_buf_done) es_buf token = ES_BUF_INIT_WIPE(CRYPTO_JWT_MAX_BYTES);
    ES_TRY(entra_refresh_token_make(c->w, grant, &token));
    json_name(j, "refresh_token");
    json_put_text(j, (const char *)token.data, token.len);
    json_member_put_string(j, "foci", "1");
    return ENTRASQL_OK;
}

static entrasql_status write_tokens(const entra_call *c, const entra_grant *grant,
                                    const char *resource, json_writer *j)
{
    ES_CLEANUP(es_buf_done) es_buf token = ES_BUF_INIT_WIPE(CRYPTO_JWT_MAX_BYTES);
    world_token_request request = {
        .principal = grant->user, .resource = resource, .client_id = grant->client_id};
    int64_t expires_on = 0;
    ES_TRY(world_token_issue(c->w, &request, &token, &expires_on, NULL));
    json_member_put_string(j, "token_type", "Bearer");
    ES_TRY(put_scope(grant->scope, j));
    json_member_put_i64(j, "expires_in", WORLD_TOKEN_LIFETIME_S - 1);
    json_member_put_i64(j, "ext_expires_in", WORLD_TOKEN_LIFETIME_S - 1);
    json_name(j, "access_token");
    json_put_text(j, (const char *)token.data, token.len);
    if (entra_has_scope(grant->scope, "offline_access"))
        ES_TRY(put_refresh_token(c, grant, j));
    if (entra_has_scope(grant->scope, "openid"))
        ES_TRY(put_id_token(c, grant, j));
    if (es_streq(httpd_form(c->request, "client_info"), "1"))
        ES_TRY(put_client_info(grant, j));
    return ENTRASQL_OK;
}

void entra_answer_user(entra_call *c, const entra_grant *grant)
{
    char text[MAX_TEXT];
    const char *resource = NULL;
    if (c->tenant != NULL && !world_same_tenant(grant->user->tenant, c->tenant)) {
        entra_error(c, 400, "invalid_grant", 50020,
                    "User account '%s' does not exist in tenant '%s' and cannot access the "
                    "application '%s' in that tenant.",
                    grant->user->upn, c->tenant->domain, grant->client_id);
        return;
    }
    if (world_object_find(c->w, grant->user->object_id) == NULL) {
        entra_error(c, 400, "invalid_grant", 50034,
                    "The user account %s does not exist in the directory.", grant->user->upn);
        return;
    }
    uint32_t problem = entra_user_resource(c->w, grant->scope, &resource, text, sizeof text);
    if (problem != 0) {
        entra_error(c, 400, problem == 500011 ? "invalid_resource" : "invalid_scope", problem, "%s",
                    text);
        return;
    }
    json_writer j;
    json_writer_init(&j, &c->response->body);
    json_begin_object(&j);
    entrasql_status status = write_tokens(c, grant, resource, &j);
    json_end_object(&j);
    if (status == ENTRASQL_OK)
        status = json_writer_end(&j);
    entra_finish(c, status);
}

/* ---- authorization code ---- */

static bool check_verifier(entra_call *c, const entra_grant *grant)
{
    const char *verifier = httpd_form(c->request, "code_verifier");
    if (grant->challenge[0] == 0 && verifier == NULL)
        return true;
    ES_CLEANUP(es_buf_done) es_buf encoded = ES_BUF_INIT(64);
    uint8_t hash[CRYPTO_SHA256_SIZE];
    if (verifier != NULL && crypto_sha256(verifier, strlen(verifier), hash) == ENTRASQL_OK &&
        es_base64url_encode(hash, sizeof hash, &encoded) == ENTRASQL_OK &&
        encoded.len == strlen(grant->challenge) &&
        es_equal_constant_time(encoded.data, grant->challenge, encoded.len))
        return true;
    entra_error(c, 400, "invalid_grant", 501481,
                "The Code_Verifier does not match the code_challenge supplied in the "
                "authorization request.");
    return false;
}

static bool check_code_state(entra_call *c, grants_state state)
{
    if (state == GRANTS_ALLOWED)
        return true;
    if (state == GRANTS_REDEEMED)
        entra_error(c, 400, "invalid_grant", 54005,
                    "OAuth2 Authorization code was already redeemed, please retry with a new "
                    "valid code or use an existing refresh token.");
    else if (state == GRANTS_EXPIRED)
        entra_error(c, 400, "invalid_grant", 70008,
                    "The provided authorization code or refresh token has expired due to "
                    "inactivity. Send a new interactive authorization request for this user and "
                    "resource.");
    else
        entra_error(c, 400, "invalid_grant", 70000, "Provided grant is invalid or malformed.");
    return false;
}

static void answer_code(entra_call *c, const char *client_id)
{
    const char *code = NULL;
    entra_grant grant;
    if (!entra_need_field(c, "code", &code) ||
        !check_code_state(c, grants_redeem_code(c->grants, code, &grant)))
        return;
    if (!es_strcaseeq(grant.client_id, client_id)) {
        entra_error(c, 400, "invalid_grant", 70000,
                    "Provided grant is invalid or malformed: the code was issued to another "
                    "client.");
        return;
    }
    const char *redirect_uri = httpd_form(c->request, "redirect_uri");
    if (!es_streq(grant.redirect_uri, redirect_uri != NULL ? redirect_uri : "")) {
        entra_error(c, 400, "invalid_client", 500112,
                    "The reply address does not match the reply address '%s' provided when "
                    "requesting Authorization code.",
                    grant.redirect_uri);
        return;
    }
    if (check_verifier(c, &grant))
        entra_answer_user(c, &grant);
}

/* ---- device code ---- */

static void refuse_device(entra_call *c, grants_state state)
{
    switch (state) {
    case GRANTS_PENDING:
        entra_error(c, 400, "authorization_pending", 70016,
                    "OAuth 2.0 device flow error. Authorization is pending. Continue polling.");
        break;
    case GRANTS_TOO_FAST:
        entra_error(c, 400, "slow_down", 70016,
                    "OAuth 2.0 device flow error. The client polls too often.");
        break;
    case GRANTS_DECLINED:
        entra_error(c, 400, "authorization_declined", 65004,
                    "User declined to consent to access the app.");
        break;
    case GRANTS_EXPIRED:
        entra_error(c, 400, "expired_token", 70019,
                    "OAuth 2.0 device flow error. Verification code expired.");
        break;
    case GRANTS_REDEEMED:
        entra_error(c, 400, "invalid_grant", 54005,
                    "The device code was already redeemed; please retry with a new one.");
        break;
    case GRANTS_UNKNOWN:
    case GRANTS_ALLOWED:
        entra_error(c, 400, "bad_verification_code", 70018,
                    "OAuth 2.0 device flow error. The device code is not valid.");
        break;
    }
}

static void answer_device(entra_call *c, const char *client_id)
{
    const char *code = NULL;
    entra_grant grant;
    if (!entra_need_field(c, "device_code", &code))
        return;
    grants_state state = grants_poll_device(c->grants, code, client_id, &grant);
    if (state == GRANTS_ALLOWED)
        entra_answer_user(c, &grant);
    else
        refuse_device(c, state);
}

/* ---- refresh token ---- */

static void answer_refresh(entra_call *c, const char *client_id)
{
    const char *token = NULL, *scope = NULL;
    char text[MAX_TEXT];
    entra_grant grant = {0};
    if (!entra_need_field(c, "refresh_token", &token) || !entra_need_field(c, "scope", &scope))
        return;
    uint32_t problem =
        entra_refresh_token_read(c->w, token, client_id, &grant.user, text, sizeof text);
    if (problem != 0) {
        entra_error(c, 400, problem == 9002313 ? "invalid_request" : "invalid_grant", problem, "%s",
                    text);
        return;
    }
    if (strlen(scope) >= sizeof grant.scope) {
        entra_error(c, 400, "invalid_scope", 70011, "The scope is too long.");
        return;
    }
    es_strlcpy_utf8(grant.client_id, sizeof grant.client_id, client_id);
    es_strlcpy_utf8(grant.scope, sizeof grant.scope, scope);
    entra_answer_user(c, &grant);
}

/* ---- which ---- */

bool entra_user_token(entra_call *c)
{
    static const struct {
        const char *grant_type;
        void (*answer)(entra_call *c, const char *client_id);
    } kinds[] = {
        {"authorization_code", answer_code}, {GRANT_DEVICE, answer_device},
        {"device_code", answer_device}, /* the name before RFC 8628; MSAL for JavaScript has it */
        {"refresh_token", answer_refresh},   {"password", entra_answer_password},
    };
    const char *grant_type = httpd_form(c->request, "grant_type");
    for (size_t i = 0; i < ES_COUNT_OF(kinds); i++) {
        const char *client_id = NULL;
        char text[MAX_TEXT];
        if (!es_streq(kinds[i].grant_type, grant_type))
            continue;
        if (!entra_need_field(c, "client_id", &client_id))
            return true;
        uint32_t problem = entra_client_problem(c->w, client_id, text, sizeof text);
        if (problem == 7000218)
            entra_error(c, 401, "invalid_client", problem, "%s", text);
        else if (problem != 0)
            entra_error(c, 400, "unauthorized_client", problem, "%s", text);
        else if (httpd_form_count(c->request, "client_secret") != 0)
            entra_error(c, 401, "invalid_client", 700025,
                        "Client is public so neither 'client_assertion' nor 'client_secret' "
                        "should be presented.");
        else
            kinds[i].answer(c, client_id);
        return true;
    }
    return false;
}
