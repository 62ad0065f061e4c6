/* SPDX-License-Identifier: MIT */
/* Writing MSAL's schema: what is there, with entries put in or taken out. */
#include "identity/msal.h"

#include "base/mem.h"
#include "base/str.h"
#include "identity/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_KEY 2048
#define MAX_SCOPES 64

/* The entries of one sign-in. */
typedef struct entries {
    bool with_access_token;
    const identity_msal_place *place;
    const identity_user_tokens *tokens;
    char target[2048];
    const char
        *rt_client; /* the client's id or its family's: the place of the refresh token's key */
} entries;

typedef enum section { ACCESS, REFRESH, ID, ACCOUNT, APP, SECTIONS } section;

static const char *const section_names[SECTIONS] = {"AccessToken", "RefreshToken", "IdToken",
                                                    "Account", "AppMetadata"};

/* ---- keys ---- */

static bool has_entry(const entries *e, section s)
{
    return (s != ACCESS || e->with_access_token) &&
           (s != REFRESH || e->tokens->refresh_token != NULL) &&
           (s != ID || e->tokens->id_token != NULL);
}

/* Members joined by '-', in lower case. */
static entrasql_status write_key(const entries *e, section s, char *ret, size_t size)
{
    const char *home = e->tokens->home_account_id;
    const char *environment = e->place->environment;
    const char *realm = e->tokens->realm;
    const char *client = e->place->client_id;
    int n = -1;
    switch (s) {
    case ACCESS:
        n = snprintf(ret, size, "%s-%s-accesstoken-%s-%s-%s", home, environment, client, realm,
                     e->target);
        break;
    case REFRESH:
        n = snprintf(ret, size, "%s-%s-refreshtoken-%s--", home, environment, e->rt_client);
        break;
    case ID:
        n = snprintf(ret, size, "%s-%s-idtoken-%s-%s-", home, environment, client, realm);
        break;
    case ACCOUNT:
        n = snprintf(ret, size, "%s-%s-%s", home, environment, realm);
        break;
    case APP:
    case SECTIONS:
    default:
        n = snprintf(ret, size, "appmetadata-%s-%s", environment, client);
        break;
    }
    if (n < 0 || (size_t)n >= size)
        return ENTRASQL_LIMIT;
    for (char *p = ret; *p != '\0'; p++)
        *p = es_ascii_lower(*p);
    return ENTRASQL_OK;
}

/* ---- values ---- */

static void put_time(json_writer *w, const char *name, int64_t seconds)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRId64, seconds);
    json_member_put_string(w, name, text);
}

static void put_common(const entries *e, json_writer *w, const char *type)
{
    json_member_put_string(w, "credential_type", type);
    json_member_put_string(w, "home_account_id", e->tokens->home_account_id);
    json_member_put_string(w, "environment", e->place->environment);
    json_member_put_string(w, "client_id", e->place->client_id);
}

static void put_access_token(const entries *e, json_writer *w)
{
    const identity_user_tokens *t = e->tokens;
    put_common(e, w, "AccessToken");
    json_member_put_string(w, "secret", entrasql_token_value(t->token));
    json_member_put_string(w, "realm", t->realm);
    json_member_put_string(w, "target", e->target);
    json_member_put_string(w, "token_type", "Bearer");
    put_time(w, "cached_at", t->cached_on);
    put_time(w, "expires_on", t->token->expires_on);
    put_time(w, "extended_expires_on", t->extended_expires_on);
    if (t->token->refresh_on != 0)
        put_time(w, "refresh_on", t->token->refresh_on);
}

static void put_refresh_token(const entries *e, json_writer *w)
{
    put_common(e, w, "RefreshToken");
    json_member_put_string(w, "secret", es_secret_reveal(e->tokens->refresh_token));
    json_member_put_string(w, "target", e->target);
    put_time(w, "last_modification_time", e->tokens->cached_on);
    if (e->tokens->family_id[0] != '\0')
        json_member_put_string(w, "family_id", e->tokens->family_id);
}

static void put_account(const entries *e, json_writer *w)
{
    json_member_put_string(w, "home_account_id", e->tokens->home_account_id);
    json_member_put_string(w, "environment", e->place->environment);
    json_member_put_string(w, "realm", e->tokens->realm);
    json_member_put_string(w, "local_account_id", e->tokens->local_account_id);
    json_member_put_string(w, "username", e->tokens->username);
    json_member_put_string(w, "authority_type", "MSSTS");
}

static void put_value(const entries *e, section s, json_writer *w)
{
    json_begin_object(w);
    switch (s) {
    case ACCESS:
        put_access_token(e, w);
        break;
    case REFRESH:
        put_refresh_token(e, w);
        break;
    case ID:
        put_common(e, w, "IdToken");
        json_member_put_string(w, "secret", es_secret_reveal(e->tokens->id_token));
        json_member_put_string(w, "realm", e->tokens->realm);
        break;
    case ACCOUNT:
        put_account(e, w);
        break;
    case APP:
    case SECTIONS:
    default:
        json_member_put_string(w, "client_id", e->place->client_id);
        json_member_put_string(w, "environment", e->place->environment);
        if (e->tokens->family_id[0] != '\0')
            json_member_put_string(w, "family_id", e->tokens->family_id);
        break;
    }
    json_end_object(w);
}

/* ---- what stays ---- */

static const char *text_of(const json_node *entry, const char *name)
{
    const char *text;
    return json_member_string(entry, name, &text, NULL) == ENTRASQL_OK ? text : "";
}

static bool shares_scope(const char *a, const char *b)
{
    while (*a != '\0') {
        size_t n = strcspn(a, " ");
        for (const char *at = b; n != 0 && *at != '\0';) {
            size_t m = strcspn(at, " ");
            if (n == m && es_strncaseeq(a, at, n))
                return true;
            at += m + strspn(at + m, " ");
        }
        a += n + strspn(a + n, " ");
    }
    return false;
}

/*
 * An access token that the new one replaces: of the same account, app and tenant, with a scope in
 * common (the libraries' rule), or out of date.
 */
static bool is_replaced(const entries *e, const json_node *entry)
{
    int64_t expires_on;
    const char *expiry = text_of(entry, "expires_on");
    if (!es_strcaseeq(text_of(entry, "client_id"), e->place->client_id) ||
        !es_strcaseeq(text_of(entry, "home_account_id"), e->tokens->home_account_id) ||
        !identity_msal_same_environment(text_of(entry, "environment"), e->place->environment) ||
        json_member(entry, "key_id") != NULL || json_member(entry, "ext_cache_key") != NULL)
        return false;
    if (es_parse_i64(expiry, strlen(expiry), &expires_on) == ENTRASQL_OK &&
        expires_on < e->tokens->cached_on)
        return true;
    return es_strcaseeq(text_of(entry, "realm"), e->tokens->realm) &&
           shares_scope(text_of(entry, "target"), e->target);
}

static void copy_section(const entries *e, section s, const json_node *old, const char *key,
                         json_writer *w)
{
    for (json_cursor *at = json_cursor_next(old, NULL); at != NULL;
         at = json_cursor_next(old, at)) {
        const json_node *entry = json_cursor_value(at);
        if (es_strcaseeq(json_cursor_name(at), key) ||
            (s == ACCESS && e->with_access_token && is_replaced(e, entry)))
            continue;
        json_name(w, json_cursor_name(at));
        json_put_node(w, entry);
    }
}

static section section_of(const char *name)
{
    section s = ACCESS;
    while (s < SECTIONS && !es_streq(section_names[s], name))
        s++;
    return s;
}

static entrasql_status write_section(const entries *e, section s, const json_node *old,
                                     json_writer *w)
{
    char key[MAX_KEY];
    ES_TRY(write_key(e, s, key, sizeof key));
    json_name(w, section_names[s]);
    json_begin_object(w);
    if (old != NULL)
        copy_section(e, s, old, has_entry(e, s) ? key : "", w);
    if (has_entry(e, s)) {
        json_name(w, key);
        put_value(e, s, w);
    }
    json_end_object(w);
    return ENTRASQL_OK;
}

static entrasql_status write_all(const entries *e, const json_node *root, json_writer *w)
{
    json_begin_object(w);
    for (section s = ACCESS; s < SECTIONS; s++) {
        const json_node *old;
        if (json_member_object(root, section_names[s], &old) != ENTRASQL_OK)
            old = NULL;
        ES_TRY(write_section(e, s, old, w));
    }
    for (json_cursor *at = root != NULL ? json_cursor_next(root, NULL) : NULL; at != NULL;
         at = json_cursor_next(root, at)) {
        if (section_of(json_cursor_name(at)) != SECTIONS)
            continue;
        json_name(w, json_cursor_name(at));
        json_put_node(w, json_cursor_value(at));
    }
    json_end_object(w);
    return json_writer_end(w);
}

/* ---- the target: scopes in order, each once, without those that only shape the answer ---- */

static int compare_texts(const void *a, const void *b)
{
    const char *const *left = a;
    const char *const *right = b;
    return strcmp(*left, *right);
}

static bool is_openid_word(const char *s)
{
    return es_streq(s, "openid") || es_streq(s, "profile") || es_streq(s, "email") ||
           es_streq(s, "offline_access");
}

static entrasql_status make_target(const char *granted, const char *asked, char *ret, size_t size)
{
    char text[2048];
    char *words[MAX_SCOPES];
    size_t count = 0, used = 0;
    int n = snprintf(text, sizeof text, "%s %s", granted, asked);
    if (n < 0 || (size_t)n >= sizeof text)
        return ENTRASQL_LIMIT;
    for (char *at = text; *at != '\0' && count < MAX_SCOPES;) {
        size_t length = strcspn(at, " ");
        char *next = at + length;
        next += strspn(next, " ");
        at[length] = '\0';
        if (length != 0 && !is_openid_word(at))
            words[count++] = at;
        at = next;
    }
    qsort(words, count, sizeof words[0], compare_texts);
    ret[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        if (i != 0 && es_streq(words[i], words[i - 1]))
            continue;
        n = snprintf(ret + used, size - used, "%s%s", used != 0 ? " " : "", words[i]);
        if (n < 0 || (size_t)n >= size - used)
            return ENTRASQL_LIMIT;
        used += (size_t)n;
    }
    return ENTRASQL_OK;
}

entrasql_status identity_msal_put(const json_node *root, const identity_msal_place *place,
                                  const identity_user_tokens *tokens, const char *scope,
                                  bool with_access_token, es_buf *out)
{
    entries e = {.place = place, .tokens = tokens, .with_access_token = with_access_token};
    if (tokens->home_account_id[0] == '\0')
        return ENTRASQL_INVALID;
    e.rt_client = tokens->family_id[0] != '\0' ? tokens->family_id : place->client_id;
    ES_TRY(make_target(tokens->scope, scope, e.target, sizeof e.target));
    json_writer w;
    json_writer_init(&w, out);
    return write_all(&e, root, &w);
}

/* ---- sign-out ---- */

static bool is_account_s(const json_node *entry, const char *environment,
                         const char *home_account_id)
{
    return es_strcaseeq(text_of(entry, "home_account_id"), home_account_id) &&
           identity_msal_same_environment(text_of(entry, "environment"), environment);
}

entrasql_status identity_msal_remove(const json_node *root, const char *environment,
                                     const char *home_account_id, es_buf *out)
{
    json_writer w;
    json_writer_init(&w, out);
    json_begin_object(&w);
    for (json_cursor *at = json_cursor_next(root, NULL); at != NULL;
         at = json_cursor_next(root, at)) {
        const json_node *value = json_cursor_value(at);
        section s = section_of(json_cursor_name(at));
        json_name(&w, json_cursor_name(at));
        if (s == SECTIONS || s == APP || json_node_kind(value) != JSON_KIND_OBJECT) {
            json_put_node(&w, value);
            continue;
        }
        json_begin_object(&w);
        for (json_cursor *e = json_cursor_next(value, NULL); e != NULL;
             e = json_cursor_next(value, e)) {
            if (is_account_s(json_cursor_value(e), environment, home_account_id))
                continue;
            json_name(&w, json_cursor_name(e));
            json_put_node(&w, json_cursor_value(e));
        }
        json_end_object(&w);
    }
    json_end_object(&w);
    return json_writer_end(&w);
}
