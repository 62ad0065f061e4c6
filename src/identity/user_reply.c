/* SPDX-License-Identifier: MIT */
/* What sign-in answers hold beyond the access token. */
#include "identity/user_reply.h"

#include "base/base64.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "identity/claims.h"
#include "identity/internal.h"
#include "identity/reply.h"
#include "json/json.h"

#include <stdio.h>
#include <string.h>

#define MAX_CLIENT_INFO 4096

/* Ids go into the keys of caches and file formats: what an id may be made of. */
static bool is_id(const char *s)
{
    size_t n = 0;
    for (; s[n] != '\0'; n++) {
        char c = es_ascii_lower(s[n]);
        if (!es_is_digit(c) && !(c >= 'a' && c <= 'z') && c != '-' && c != '_')
            return false;
    }
    return n != 0 && n < 60;
}

static void read_client_info(const json_node *root, identity_user_tokens *t)
{
    const char *encoded, *uid, *utid;
    size_t n;
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(MAX_CLIENT_INFO);
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    if (json_member_string(root, "client_info", &encoded, &n) != ENTRASQL_OK ||
        es_base64url_decode(encoded, n, &text) != ENTRASQL_OK ||
        json_doc_parse(text.data, text.len, &doc, NULL) != ENTRASQL_OK ||
        json_member_string(json_doc_root(doc), "uid", &uid, NULL) != ENTRASQL_OK ||
        json_member_string(json_doc_root(doc), "utid", &utid, NULL) != ENTRASQL_OK || !is_id(uid) ||
        !is_id(utid))
        return;
    (void)snprintf(t->home_account_id, sizeof t->home_account_id, "%s.%s", uid, utid);
}

static void read_id_token(identity_user_tokens *t)
{
    identity_claims claims;
    if (t->id_token == NULL ||
        identity_claims_read(es_secret_reveal(t->id_token), &claims, NULL) != ENTRASQL_OK)
        return;
    es_strlcpy_utf8(t->username, sizeof t->username, claims.upn);
    if (is_id(claims.tid))
        es_strlcpy_utf8(t->realm, sizeof t->realm, claims.tid);
    if (!is_id(claims.oid))
        return;
    es_strlcpy_utf8(t->local_account_id, sizeof t->local_account_id, claims.oid);
    if (t->home_account_id[0] == '\0' && t->realm[0] != '\0')
        (void)snprintf(t->home_account_id, sizeof t->home_account_id, "%s.%s", claims.oid,
                       t->realm);
}

/* A member as a secret; false without memory. */
static bool take_secret(const json_node *root, const char *name, es_secret **ret)
{
    const char *text;
    size_t n;
    if (json_member_string(root, name, &text, &n) != ENTRASQL_OK || n == 0)
        return true;
    *ret = es_secret_new(text, n);
    return *ret != NULL;
}

static void take_text(const json_node *root, const char *name, char *ret, size_t size)
{
    const char *text;
    if (json_member_string(root, name, &text, NULL) == ENTRASQL_OK && strlen(text) < size)
        es_strlcpy_utf8(ret, size, text);
}

/* A number, or digits as old endpoints write them. */
static int64_t seconds_of(const json_node *root, const char *name, int64_t otherwise)
{
    int64_t v;
    uint64_t digits;
    const char *text;
    if (json_member_i64(root, name, &v) == ENTRASQL_OK)
        return v >= 0 && v <= INT32_MAX ? v : otherwise;
    if (json_member_string(root, name, &text, NULL) == ENTRASQL_OK &&
        es_parse_u64(text, strlen(text), INT32_MAX, &digits) == ENTRASQL_OK)
        return (int64_t)digits;
    return otherwise;
}

static entrasql_status fill(const json_node *root, int64_t sent_wall_s, identity_user_tokens *t,
                            entrasql_error *err)
{
    if (!take_secret(root, "refresh_token", &t->refresh_token) ||
        !take_secret(root, "id_token", &t->id_token))
        return es_nomem(err);
    take_text(root, "scope", t->scope, sizeof t->scope);
    take_text(root, "foci", t->family_id, sizeof t->family_id);
    t->cached_on = sent_wall_s;
    int64_t lifetime = t->token->expires_on - sent_wall_s;
    t->extended_expires_on = sent_wall_s + seconds_of(root, "ext_expires_in", lifetime);
    read_client_info(root, t);
    read_id_token(t);
    return ENTRASQL_OK;
}

entrasql_status identity_user_tokens_read(const es_buf *body, const char *place, const char *source,
                                          int64_t sent_wall_s, identity_user_tokens *ret,
                                          entrasql_error *err)
{
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    identity_user_tokens t = {0};
    ES_TRY(identity_reply_token(body, place, source, sent_wall_s, &t.token, NULL, err));
    entrasql_status status = json_doc_parse(body->data, body->len, &doc, err);
    if (status == ENTRASQL_OK)
        status = fill(json_doc_root(doc), sent_wall_s, &t, err);
    if (status != ENTRASQL_OK) {
        identity_user_tokens_done(&t);
        return status;
    }
    *ret = t;
    return ENTRASQL_OK;
}

void identity_user_tokens_done(identity_user_tokens *tokens)
{
    entrasql_token_free(tokens->token);
    es_secret_unref(tokens->refresh_token);
    es_secret_unref(tokens->id_token);
    memset(tokens, 0, sizeof *tokens);
}

void identity_oauth_error(const es_buf *body, char *ret, size_t size)
{
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    ret[0] = '\0';
    if (json_doc_parse(body->data, body->len, &doc, NULL) == ENTRASQL_OK)
        take_text(json_doc_root(doc), "error", ret, size);
}

bool identity_oauth_error_asks(const char *error)
{
    return es_streq(error, "invalid_grant") || es_streq(error, "interaction_required") ||
           es_streq(error, "login_required") || es_streq(error, "consent_required");
}
