/* SPDX-License-Identifier: MIT */
/* Access tokens in the Azure CLI's own cache. */
#include "identity/az_cache.h"

#include "base/mem.h"
#include "base/str.h"
#include "identity/internal.h"
#include "identity/scope.h"
#include "identity/settings.h"
#include "os/file.h"
#include "json/json.h"

#include <string.h>

#define SOURCE "AzureCliCredential"

/* ---- whose token it has to be ---- */

/* Borrowed from the profile and the cache. */
struct account {
    const char *user; /* a person's name, or a service principal's client id */
    bool is_service_principal;
    const char *tenant_id;
    const char *home_account_id; /* of a person, once found in the cache */
    const char *environment;     /* the same; NULL: any */
};

static const char *text_of(const json_node *obj, const char *name)
{
    const char *text;
    return json_member_string(obj, name, &text, NULL) == ENTRASQL_OK ? text : "";
}

static bool is_chosen(const json_node *subscription, const char *wanted)
{
    bool is_default = false;
    if (wanted == NULL)
        return json_member_bool(subscription, "isDefault", &is_default) == ENTRASQL_OK &&
               is_default;
    return es_strcaseeq(text_of(subscription, "id"), wanted) ||
           es_strcaseeq(text_of(subscription, "name"), wanted);
}

/* az takes the account of the subscription, also when another tenant is asked for. */
static bool choose_account(const json_node *profile, const identity_az_wanted *wanted,
                           struct account *ret)
{
    const json_node *list;
    const json_node *user;
    const json_node *found = NULL;
    if (json_member_array(profile, "subscriptions", &list) != ENTRASQL_OK)
        return false;
    for (size_t i = 0; i < json_count(list); i++) {
        if (!is_chosen(json_element(list, i), wanted->subscription))
            continue;
        if (found != NULL)
            return false;
        found = json_element(list, i);
    }
    if (json_member_object(found, "user", &user) != ENTRASQL_OK)
        return false;
    const char *type = text_of(user, "type");
    ret->is_service_principal = es_strcaseeq(type, "servicePrincipal");
    ret->user = text_of(user, "name");
    ret->tenant_id = wanted->tenant_id != NULL ? wanted->tenant_id : text_of(found, "tenantId");
    return (ret->is_service_principal || es_strcaseeq(type, "user")) && ret->user[0] != '\0' &&
           ret->tenant_id[0] != '\0';
}

/* The public cloud's hosts are one environment. */
static bool is_same_environment(const char *a, const char *b)
{
    static const char *const public_cloud[] = {"login.microsoftonline.com", "login.windows.net",
                                               "login.microsoft.com", "sts.windows.net"};
    bool has_a = false;
    bool has_b = false;
    for (size_t i = 0; i < ES_COUNT_OF(public_cloud); i++) {
        has_a = has_a || es_strcaseeq(a, public_cloud[i]);
        has_b = has_b || es_strcaseeq(b, public_cloud[i]);
    }
    return (has_a && has_b) || es_strcaseeq(a, b);
}

/* A person's entry in the cache; two different people of that name are nobody. */
static bool find_person(const json_node *cache, struct account *a)
{
    const json_node *accounts;
    if (json_member_object(cache, "Account", &accounts) != ENTRASQL_OK)
        return false;
    for (json_cursor *at = json_cursor_next(accounts, NULL); at != NULL;
         at = json_cursor_next(accounts, at)) {
        const json_node *entry = json_cursor_value(at);
        const char *id = text_of(entry, "home_account_id");
        if (!es_strcaseeq(text_of(entry, "username"), a->user) || id[0] == '\0')
            continue;
        if (a->home_account_id != NULL && !es_streq(a->home_account_id, id))
            return false;
        a->home_account_id = id;
        a->environment = text_of(entry, "environment");
    }
    return a->home_account_id != NULL;
}

/* ---- which token ---- */

/* Length of the resource that a scope names: without "/.default" and slashes at the end, as az
 * writes one or two there. 0: not such a scope. */
static size_t resource_length(const char *scope, size_t n)
{
    static const char suffix[] = "/.default";
    const size_t length = sizeof suffix - 1;
    if (n <= length || !es_strncaseeq(scope + n - length, suffix, length))
        return 0;
    n -= length;
    while (n != 0 && scope[n - 1] == '/')
        n--;
    return n;
}

/* Any member of a target, which is a list of scopes with blanks between. */
static bool is_for(const char *target, const char *scope)
{
    size_t wanted = resource_length(scope, strlen(scope));
    while (wanted != 0 && *target != '\0') {
        size_t n = strcspn(target, " ");
        if (resource_length(target, n) == wanted && es_strncaseeq(target, scope, wanted))
            return true;
        target += n;
        target += strspn(target, " ");
    }
    return false;
}

/* Times are decimal strings. */
static int64_t time_of(const json_node *entry, const char *name)
{
    const char *text;
    size_t n;
    int64_t v = 0;
    if (json_member_string(entry, name, &text, &n) == ENTRASQL_OK &&
        es_parse_i64(text, n, &v) == ENTRASQL_OK)
        return v;
    return json_member_i64(entry, name, &v) == ENTRASQL_OK ? v : 0;
}

static bool belongs_to(const json_node *entry, const struct account *a)
{
    const char *id = text_of(entry, "home_account_id");
    if (!es_strcaseeq(text_of(entry, "realm"), a->tenant_id))
        return false;
    if (a->is_service_principal)
        return id[0] == '\0' && es_strcaseeq(text_of(entry, "client_id"), a->user);
    return es_streq(id, a->home_account_id) &&
           es_strcaseeq(text_of(entry, "client_id"), ENTRASQL_DEVELOPER_CLIENT_ID) &&
           is_same_environment(text_of(entry, "environment"), a->environment);
}

static bool is_usable(const json_node *entry, const identity_az_wanted *wanted, int64_t *ret_expiry)
{
    const char *secret = text_of(entry, "secret");
    bool visible = secret[0] != '\0';
    for (const char *p = secret; *p != '\0' && visible; p++)
        visible = *p > 0x20 && *p < 0x7F;
    *ret_expiry = time_of(entry, "expires_on");
    return visible && es_strcaseeq(text_of(entry, "credential_type"), "AccessToken") &&
           es_strcaseeq(text_of(entry, "token_type"), "Bearer") &&
           is_for(text_of(entry, "target"), wanted->scope) &&
           *ret_expiry - wanted->now_s > IDENTITY_AZ_CACHE_MIN_LEFT_S &&
           time_of(entry, "cached_at") <= wanted->now_s;
}

static entrasql_status search(const json_node *cache, const struct account *a,
                              const identity_az_wanted *wanted, entrasql_token **ret,
                              entrasql_error *err)
{
    const json_node *tokens;
    const json_node *best = NULL;
    int64_t best_expiry = 0;
    if (json_member_object(cache, "AccessToken", &tokens) != ENTRASQL_OK)
        return ENTRASQL_NOT_FOUND;
    for (json_cursor *at = json_cursor_next(tokens, NULL); at != NULL;
         at = json_cursor_next(tokens, at)) {
        const json_node *entry = json_cursor_value(at);
        int64_t expiry;
        if (!belongs_to(entry, a) || !is_usable(entry, wanted, &expiry) || expiry <= best_expiry)
            continue;
        best = entry;
        best_expiry = expiry;
    }
    if (best == NULL)
        return ENTRASQL_NOT_FOUND;
    const char *secret = text_of(best, "secret");
    *ret = identity_token_new(secret, strlen(secret), best_expiry, time_of(best, "refresh_on"),
                              SOURCE);
    return *ret != NULL ? ENTRASQL_OK : es_nomem(err);
}

/* ---- the files ---- */

static entrasql_status parse(const es_buf *text, json_doc **ret, entrasql_error *err)
{
    static const char mark[] = "\xEF\xBB\xBF"; /* az writes azureProfile.json with one */
    size_t skip = text->len >= 3 && memcmp(text->data, mark, 3) == 0 ? 3 : 0;
    const char *p = text->data != NULL ? (const char *)text->data + skip : "";
    entrasql_status status = json_doc_parse(p, text->len - skip, ret, err);
    return status == ENTRASQL_OK || status == ENTRASQL_NOMEM ? status : ENTRASQL_NOT_FOUND;
}

entrasql_status identity_az_cache_search(const es_buf *profile, const es_buf *cache,
                                         const identity_az_wanted *wanted, entrasql_token **ret,
                                         entrasql_error *err)
{
    ES_CLEANUP(json_doc_cleanup) json_doc *profile_doc = NULL;
    ES_CLEANUP(json_doc_cleanup) json_doc *cache_doc = NULL;
    struct account a = {.user = NULL};
    ES_TRY(parse(profile, &profile_doc, err));
    if (!choose_account(json_doc_root(profile_doc), wanted, &a))
        return ENTRASQL_NOT_FOUND;
    ES_TRY(parse(cache, &cache_doc, err));
    const json_node *root = json_doc_root(cache_doc);
    if (!a.is_service_principal && !find_person(root, &a))
        return ENTRASQL_NOT_FOUND;
    return search(root, &a, wanted, ret, err);
}

static entrasql_status read_file(const char *folder, const char *name, es_buf *out,
                                 entrasql_error *err)
{
    es_buf path = ES_BUF_INIT(8192);
    entrasql_status status = es_buf_printf(&path, "%s/%s", folder, name);
    const char *text = status == ENTRASQL_OK ? es_buf_cstr(&path) : NULL;
    status = text != NULL ? os_file_read_strict(text, true, out, err) : ENTRASQL_NOMEM;
    es_buf_done(&path);
    return status == ENTRASQL_OK || status == ENTRASQL_NOMEM ? status : ENTRASQL_NOT_FOUND;
}

entrasql_status identity_az_cache_find(const char *folder, const identity_az_wanted *wanted,
                                       entrasql_token **ret, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf profile = ES_BUF_INIT(IDENTITY_AZ_CACHE_MAX_BYTES);
    ES_CLEANUP(es_buf_done) es_buf cache = ES_BUF_INIT_WIPE(IDENTITY_AZ_CACHE_MAX_BYTES);
    ES_TRY(read_file(folder, "azureProfile.json", &profile, err));
    ES_TRY(read_file(folder, "msal_token_cache.json", &cache, err));
    return identity_az_cache_search(&profile, &cache, wanted, ret, err);
}

char *identity_az_folder(void)
{
    const char *own = identity_getenv("AZURE_CONFIG_DIR");
    const char *home = identity_getenv("HOME");
    if (own != NULL || home == NULL)
        return es_strdup(own);
    es_buf path = ES_BUF_INIT(8192);
    entrasql_status status = es_buf_printf(&path, "%s/.azure", home);
    char *text = status == ENTRASQL_OK ? es_buf_take(&path, NULL) : NULL;
    es_buf_done(&path);
    return text;
}
