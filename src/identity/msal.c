/* SPDX-License-Identifier: MIT */
/* Looking things up in MSAL's schema. */
#include "identity/msal.h"

#include "base/mem.h"
#include "base/str.h"
#include "identity/internal.h"
#include "identity/reply.h"

#include <string.h>

/* Hosts of one cloud, as the libraries list them. */
static const char *const aliases[][4] = {
    {"login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"},
    {"login.microsoftonline.us", "login.usgovcloudapi.net"},
    {"login.chinacloudapi.cn", "login.partner.microsoftonline.cn"},
};

static int cloud_of(const char *host)
{
    for (size_t i = 0; i < ES_COUNT_OF(aliases); i++) {
        for (size_t j = 0; j < ES_COUNT_OF(aliases[i]); j++) {
            if (aliases[i][j] != NULL && es_strcaseeq(aliases[i][j], host))
                return (int)i;
        }
    }
    return -1;
}

bool identity_msal_same_environment(const char *a, const char *b)
{
    if (es_strcaseeq(a, b))
        return true;
    int cloud = cloud_of(a);
    return cloud >= 0 && cloud == cloud_of(b);
}

/* A text member, "" when it is missing or something else. */
static const char *text_of(const json_node *entry, const char *name)
{
    const char *text;
    return json_member_string(entry, name, &text, NULL) == ENTRASQL_OK ? text : "";
}

/* Times are strings, but numbers are read as well. */
static int64_t time_of(const json_node *entry, const char *name)
{
    int64_t v;
    const char *text = text_of(entry, name);
    if (json_member_i64(entry, name, &v) == ENTRASQL_OK)
        return v >= 0 && v <= IDENTITY_MAX_EXPIRY ? v : 0;
    if (es_parse_i64(text, strlen(text), &v) == ENTRASQL_OK && v >= 0 && v <= IDENTITY_MAX_EXPIRY)
        return v;
    return 0;
}

static bool is_of(const json_node *entry, const identity_msal_place *place,
                  const char *home_account_id)
{
    return identity_msal_same_environment(text_of(entry, "environment"), place->environment) &&
           es_strcaseeq(text_of(entry, "home_account_id"), home_account_id);
}

/* ---- refresh tokens ---- */

/* Whether the app is known to be of a family: apps that are none may not use its tokens. */
static bool is_family_app(const json_node *root, const identity_msal_place *place)
{
    const json_node *apps;
    if (json_member_object(root, "AppMetadata", &apps) != ENTRASQL_OK)
        return false;
    for (json_cursor *at = json_cursor_next(apps, NULL); at != NULL;
         at = json_cursor_next(apps, at)) {
        const json_node *entry = json_cursor_value(at);
        if (es_strcaseeq(text_of(entry, "client_id"), place->client_id) &&
            identity_msal_same_environment(text_of(entry, "environment"), place->environment) &&
            text_of(entry, "family_id")[0] != '\0')
            return true;
    }
    return false;
}

static const json_node *find_refresh_token(const json_node *root, const identity_msal_place *place,
                                           const char *home_account_id)
{
    const json_node *tokens;
    const json_node *best = NULL;
    bool is_family = is_family_app(root, place);
    if (json_member_object(root, "RefreshToken", &tokens) != ENTRASQL_OK)
        return NULL;
    for (json_cursor *at = json_cursor_next(tokens, NULL); at != NULL;
         at = json_cursor_next(tokens, at)) {
        const json_node *entry = json_cursor_value(at);
        bool is_own = es_strcaseeq(text_of(entry, "client_id"), place->client_id);
        bool is_shared = is_family && text_of(entry, "family_id")[0] != '\0';
        if ((is_own || is_shared) && is_of(entry, place, home_account_id) &&
            text_of(entry, "secret")[0] != '\0' &&
            (best == NULL ||
             time_of(entry, "last_modification_time") > time_of(best, "last_modification_time")))
            best = entry;
    }
    return best;
}

entrasql_status identity_msal_refresh_token(const json_node *root, const identity_msal_place *place,
                                            const char *home_account_id, es_secret **ret)
{
    const json_node *entry = find_refresh_token(root, place, home_account_id);
    const char *text;
    size_t n;
    if (entry == NULL || json_member_string(entry, "secret", &text, &n) != ENTRASQL_OK)
        return ENTRASQL_NOT_FOUND;
    *ret = es_secret_new(text, n);
    return *ret != NULL ? ENTRASQL_OK : ENTRASQL_NOMEM;
}

/* ---- accounts ---- */

static bool is_listed(const identity_msal_account *list, size_t count, const char *home_account_id,
                      const char *environment)
{
    for (size_t i = 0; i < count; i++) {
        if (es_strcaseeq(list[i].home_account_id, home_account_id) &&
            identity_msal_same_environment(list[i].environment, environment))
            return true;
    }
    return false;
}

size_t identity_msal_accounts(const json_node *root, const identity_msal_place *place,
                              identity_msal_account *ret, size_t max)
{
    const json_node *accounts;
    size_t count = 0;
    if (json_member_object(root, "Account", &accounts) != ENTRASQL_OK)
        return 0;
    for (json_cursor *at = json_cursor_next(accounts, NULL); at != NULL && count < max;
         at = json_cursor_next(accounts, at)) {
        const json_node *entry = json_cursor_value(at);
        const char *home = text_of(entry, "home_account_id");
        const char *username = text_of(entry, "username");
        if (home[0] == '\0' || strlen(home) >= sizeof ret->home_account_id ||
            is_listed(ret, count, home, text_of(entry, "environment")))
            continue;
        if (place != NULL &&
            (!identity_msal_same_environment(text_of(entry, "environment"), place->environment) ||
             find_refresh_token(root, place, home) == NULL))
            continue;
        identity_msal_account *a = &ret[count++];
        es_strlcpy_utf8(a->home_account_id, sizeof a->home_account_id, home);
        es_printable(a->username, sizeof a->username, username, strlen(username));
        es_strlcpy_utf8(a->realm, sizeof a->realm, text_of(entry, "realm"));
        es_strlcpy_utf8(a->environment, sizeof a->environment, text_of(entry, "environment"));
    }
    return count;
}

/* ---- access tokens ---- */

/* "https://x//.default" and "https://x/.default" are one scope. */
static bool same_scope(const char *a, size_t n, const char *b)
{
    static const char doubled[] = "//.default";
    size_t tail = sizeof doubled - 1;
    size_t m = strlen(b);
    bool cut_a = n > tail && memcmp(a + n - tail, doubled, tail) == 0;
    bool cut_b = m > tail && memcmp(b + m - tail, doubled, tail) == 0;
    size_t base_a = n - (cut_a ? tail : 0), base_b = m - (cut_b ? tail : 0);
    if (cut_a == cut_b)
        return n == m && es_strncaseeq(a, b, n);
    /* One is doubled: the other must be the same base with a single slash. */
    const char *single = cut_a ? b : a;
    size_t base = cut_a ? base_a : base_b;
    size_t length = cut_a ? m : n;
    return length == base + tail - 1 && es_strncaseeq(a, b, base) &&
           memcmp(single + base, doubled + 1, tail - 1) == 0;
}

static bool has_scope(const char *target, const char *scope)
{
    while (*target != '\0') {
        size_t n = strcspn(target, " ");
        if (n != 0 && same_scope(target, n, scope))
            return true;
        target += n + strspn(target + n, " ");
    }
    return false;
}

/* Keys of tokens that are bound to something else, which we do not have. */
static bool is_plain_bearer(const json_node *entry)
{
    const char *type = text_of(entry, "token_type");
    return (type[0] == '\0' || es_strcaseeq(type, "Bearer")) &&
           json_member(entry, "key_id") == NULL && json_member(entry, "ext_cache_key") == NULL;
}

static bool is_token_text(const char *s)
{
    size_t n = 0;
    for (; s[n] != '\0'; n++) {
        if (s[n] <= 0x20 || s[n] >= 0x7F)
            return false;
    }
    return n != 0;
}

entrasql_status identity_msal_access_token(const json_node *root, const identity_msal_place *place,
                                           const char *home_account_id, const char *realm,
                                           const char *scope, int64_t now_s, int64_t min_left_s,
                                           const char *source, entrasql_token **ret)
{
    const json_node *tokens;
    if (json_member_object(root, "AccessToken", &tokens) != ENTRASQL_OK)
        return ENTRASQL_NOT_FOUND;
    for (json_cursor *at = json_cursor_next(tokens, NULL); at != NULL;
         at = json_cursor_next(tokens, at)) {
        const json_node *entry = json_cursor_value(at);
        const char *secret = text_of(entry, "secret");
        int64_t expires_on = time_of(entry, "expires_on");
        if (!is_of(entry, place, home_account_id) ||
            !es_strcaseeq(text_of(entry, "client_id"), place->client_id) ||
            !es_strcaseeq(text_of(entry, "realm"), realm) || !is_plain_bearer(entry) ||
            expires_on - now_s <= min_left_s || !has_scope(text_of(entry, "target"), scope) ||
            !is_token_text(secret))
            continue;
        int64_t refresh_on = time_of(entry, "refresh_on");
        *ret = identity_token_new(secret, strlen(secret), expires_on, refresh_on, source);
        return *ret != NULL ? ENTRASQL_OK : ENTRASQL_NOMEM;
    }
    return ENTRASQL_NOT_FOUND;
}
