/* SPDX-License-Identifier: MIT */
/* Finding things in a world, and giving it back. */
#include "internal.h"

#include "base/mem.h"
#include "base/nearest.h"

#include <string.h>

static void free_texts(char **texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        es_free(texts[i]);
    es_free(texts);
}

static void free_principals(world *w)
{
    for (size_t i = 0; i < w->principal_count; i++) {
        world_principal *p = &w->principals[i];
        es_free(p->name);
        es_free(p->upn);
        es_free(p->password_hash);
        es_free(p->resource_id);
        es_free(p->app_uri);
        free_texts(p->certificates, p->certificate_count);
        es_secret_unref(p->secret);
    }
    es_free(w->principals);
}

void world_free(world *w)
{
    if (w == NULL)
        return;
    for (size_t i = 0; i < w->tenant_count; i++)
        es_free(w->tenants[i].domain);
    es_free(w->tenants);
    es_free(w->subscription.name);
    es_free(w->subscription.resource_group);
    free_principals(w);
    es_free(w->memberships);
    for (size_t i = 0; i < w->host_count; i++) {
        es_free(w->hosts[i].name);
        es_secret_unref(w->hosts[i].identity_header);
        es_free(w->hosts[i].service_account);
        es_free(w->hosts[i].identities);
    }
    es_free(w->hosts);
    free_texts(w->resources, w->resource_count);
    free_texts(w->databases, w->database_count);
    es_free(w->rules);
    es_free(w->server_name);
    es_free(w->server_audience);
    es_free(w->authority);
    es_free(w->sts_url);
    world_own_done(&w->own);
    es_free(w);
}

const world_tenant *world_tenant_find(const world *w, const char *id_or_domain)
{
    for (size_t i = 0; i < w->tenant_count; i++) {
        const world_tenant *t = &w->tenants[i];
        if (es_strcaseeq(id_or_domain, t->id) || es_strcaseeq(id_or_domain, t->domain))
            return t;
    }
    return NULL;
}

bool world_same_tenant(const world_tenant *a, const world_tenant *b)
{
    return es_streq(a->id, b->id);
}

const world_tenant *world_home_tenant(const world *w)
{
    return w->server_tenant;
}

const world_subscription *world_get_subscription(const world *w)
{
    return &w->subscription;
}

const world_principal *world_user_find(const world *w, const char *upn)
{
    for (size_t i = 0; i < w->principal_count; i++) {
        if (w->principals[i].upn != NULL && es_strcaseeq(upn, w->principals[i].upn))
            return &w->principals[i];
    }
    return NULL;
}

const world_principal *world_user_at(const world *w, size_t i)
{
    for (size_t at = 0; at < w->principal_count; at++) {
        if (w->principals[at].kind == WORLD_USER && i-- == 0)
            return &w->principals[at];
    }
    return NULL;
}

const world_principal *world_principal_at(const world *w, size_t i)
{
    return i < w->principal_count ? &w->principals[i] : NULL;
}

const world_principal *world_object_find(const world *w, const char *object_id)
{
    for (size_t i = 0; i < w->principal_count; i++) {
        if (es_strcaseeq(object_id, w->principals[i].object_id))
            return &w->principals[i];
    }
    return NULL;
}

const world_principal *world_identity_find(const world *w, const char *name)
{
    const world_principal *found = NULL;
    for (size_t i = 0; i < w->principal_count; i++) {
        const world_principal *p = &w->principals[i];
        if (p->kind != WORLD_IDENTITY || !es_strcaseeq(name, p->name))
            continue;
        if (found != NULL)
            return NULL;
        found = p;
    }
    return found;
}

const world_principal *world_app_find(const world *w, const char *client_id)
{
    for (size_t i = 0; i < w->principal_count; i++) {
        if (w->principals[i].client_id[0] != 0 &&
            es_strcaseeq(client_id, w->principals[i].client_id))
            return &w->principals[i];
    }
    return NULL;
}

/* How many have that UPN or display name; *ret is the last of them. */
static size_t count_named(const world *w, const char *name, const world_principal **ret)
{
    const world_principal *user = world_user_find(w, name);
    if (user != NULL) {
        *ret = user;
        return 1;
    }
    size_t count = 0;
    for (size_t i = 0; i < w->principal_count; i++) {
        if (es_strcaseeq(name, w->principals[i].name)) {
            *ret = &w->principals[i];
            count++;
        }
    }
    return count;
}

const world_principal *world_principal_find(const world *w, const char *upn_or_name)
{
    const world_principal *p = NULL;
    return count_named(w, upn_or_name, &p) == 1 ? p : NULL;
}

static bool holds_text(const char **list, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++) {
        if (es_streq(list[i], text))
            return true;
    }
    return false;
}

size_t world_groups_of(const world *w, const world_principal *p, const char **ret, size_t max)
{
    size_t count = 0;
    bool grew = true;
    /* Each round adds the groups of what was found; it ends when one adds nothing. */
    while (grew) {
        grew = false;
        for (size_t i = 0; i < w->membership_count && count < max; i++) {
            const world_membership *m = &w->memberships[i];
            bool is_in = es_streq(m->member->object_id, p->object_id) ||
                         holds_text(ret, count, m->member->object_id);
            if (is_in && !m->group->is_distribution &&
                !holds_text(ret, count, m->group->object_id)) {
                ret[count++] = m->group->object_id;
                grew = true;
            }
        }
    }
    return count;
}

const world_host *world_host_find(const world *w, const char *name)
{
    for (size_t i = 0; i < w->host_count; i++) {
        if (es_strcaseeq(name, w->hosts[i].name))
            return &w->hosts[i];
    }
    return NULL;
}

entrasql_status world_no_host(const world *w, const char *name, entrasql_error *err)
{
    es_nearest near = {0};
    for (size_t i = 0; i < w->host_count; i++)
        es_nearest_offer(&near, name, strlen(name), w->hosts[i].name);
    (void)es_fail(err, ENTRASQL_NOT_FOUND, "there is no host '%s'", name);
    if (near.word != NULL)
        es_hint(err, "Did you mean %s? The page of entrasql emulator status lists the hosts.",
                near.word);
    else
        es_hint(err, "The page of entrasql emulator status lists the hosts.");
    return ENTRASQL_NOT_FOUND;
}

const world_host *world_host_at(const world *w, size_t i)
{
    return i < w->host_count ? &w->hosts[i] : NULL;
}

const world_host *world_host_by_header(const world *w, const char *header)
{
    const world_host *found = NULL;
    for (size_t i = 0; i < w->host_count; i++) {
        const es_secret *secret = w->hosts[i].identity_header;
        if (secret != NULL && es_secret_equal(secret, header, strlen(header)))
            found = &w->hosts[i];
    }
    return found;
}

const world_host *world_vm(const world *w)
{
    for (size_t i = 0; i < w->host_count; i++) {
        if (w->hosts[i].kind == WORLD_VM && w->hosts[i].name != NULL)
            return &w->hosts[i];
    }
    return NULL;
}

bool world_is_attached(const world_host *h, const world_principal *p)
{
    for (size_t i = 0; i < h->identity_count; i++) {
        if (h->identities[i] == p)
            return true;
    }
    return false;
}

/* Web apps before machines before what only has federated tokens. */
static int rank_of(const world_host *h)
{
    return h->kind == WORLD_WEB_APP ? 0 : h->kind == WORLD_VM ? 1 : 2;
}

const world_host *world_host_of(const world *w, const world_principal *identity)
{
    const world_host *found = NULL;
    for (size_t i = 0; i < w->host_count; i++) {
        const world_host *h = &w->hosts[i];
        if (world_is_attached(h, identity) && (found == NULL || rank_of(h) < rank_of(found)))
            found = h;
    }
    return found;
}

static size_t len_without_slash(const char *s)
{
    size_t n = strlen(s);
    return n != 0 && s[n - 1] == '/' ? n - 1 : n;
}

bool world_same_resource(const char *a, const char *b)
{
    size_t n = len_without_slash(a);
    return n == len_without_slash(b) && es_strncaseeq(a, b, n);
}

const char *world_resource_find(const world *w, const char *resource)
{
    for (size_t i = 0; i < w->resource_count; i++) {
        if (world_same_resource(resource, w->resources[i]))
            return w->resources[i];
    }
    /* An app is a resource, too: for tokens with which a service is called. */
    static const char prefix[] = "api://";
    const world_principal *app =
        es_starts_with(resource, prefix) ? world_app_find(w, resource + sizeof prefix - 1) : NULL;
    return app != NULL && app->kind == WORLD_APP ? app->app_uri : NULL;
}

/* ---- the SQL server ---- */

const char *world_server_name(const world *w)
{
    return w->server_name;
}

const char *world_server_audience(const world *w)
{
    return w->server_audience;
}

const world_principal *world_server_admin(const world *w)
{
    return w->server_admin;
}

bool world_is_entra_only(const world *w)
{
    return w->entra_only;
}

size_t world_database_count(const world *w)
{
    return w->database_count;
}

const char *world_database_name(const world *w, size_t i)
{
    return w->databases[i];
}

static bool describe(const world_principal *p, engine_external *ret)
{
    ret->kind = p->is_distribution       ? ENGINE_EXTERNAL_OTHER
                : p->kind == WORLD_USER  ? ENGINE_EXTERNAL_USER
                : p->kind == WORLD_GROUP ? ENGINE_EXTERNAL_GROUP
                                         : ENGINE_EXTERNAL_APP;
    return es_guid_parse(p->object_id, ret->object_id) == ENTRASQL_OK &&
           (p->client_id[0] == 0 || es_guid_parse(p->client_id, ret->client_id) == ENTRASQL_OK);
}

size_t world_directory_find(void *ctx, const char *name, engine_external *ret)
{
    const world *w = ctx;
    const world_principal *p = NULL;
    uint32_t value = 0;
    if (faults_next(world_faults(w), FAULT_AT_DIRECTORY, &value) != NULL)
        return ENGINE_DIRECTORY_REFUSED;
    world_hold(w);
    size_t count = count_named(w, name, &p);
    engine_external found = {0};
    if (count == 1 && !describe(p, &found))
        count = 0;
    world_let_go(w);
    if (count == 1)
        *ret = found;
    return count;
}

/* Whether the directory has the display name more than once. */
static bool has_namesake(const world *w, const world_principal *p)
{
    for (size_t i = 0; i < w->principal_count; i++)
        if (&w->principals[i] != p && es_strcaseeq(w->principals[i].name, p->name))
            return true;
    return false;
}

/* What the database calls a principal: people by their UPN, and namesakes by the name they share.
 */
static const char *name_in_sql(const world *w, const world_principal *p)
{
    return p->kind == WORLD_USER && !has_namesake(w, p) ? p->upn : p->name;
}

bool world_directory_find_id(void *ctx, const uint8_t object_id[16], engine_external *ret,
                             char *name, size_t name_size)
{
    const world *w = ctx;
    bool found = false;
    world_hold(w);
    for (size_t i = 0; i < w->principal_count && !found; i++) {
        const world_principal *p = &w->principals[i];
        found = describe(p, ret) && memcmp(ret->object_id, object_id, 16) == 0;
        if (found)
            es_strlcpy_utf8(name, name_size, name_in_sql(w, p));
    }
    world_let_go(w);
    return found;
}

entrasql_status world_set_sql_login(world *w, const char *name, const char *password,
                                    entrasql_error *err)
{
    if (es_str_is_empty(name) || es_str_is_empty(password))
        return es_fail(err, ENTRASQL_CONFIG, "a SQL login needs a name and a password");
    char *copy = es_strdup(name);
    es_secret *secret = es_secret_from_str(password);
    if (copy == NULL || secret == NULL) {
        es_free(copy);
        es_secret_unref(secret);
        return es_nomem(err);
    }
    es_free(w->own.sql_login);
    es_secret_unref(w->own.sql_password);
    w->own.sql_login = copy;
    w->own.sql_password = secret;
    return ENTRASQL_OK;
}

bool world_has_sql_login(const world *w)
{
    return w->own.sql_login != NULL;
}

bool world_check_sql_login(const world *w, const char *name, const char *password)
{
    if (w->own.sql_login == NULL)
        return false;
    bool password_is_right = es_secret_equal(w->own.sql_password, password, strlen(password));
    return es_strcaseeq(name, w->own.sql_login) && password_is_right;
}

entrasql_status world_set_authority(world *w, const char *url)
{
    es_buf sts = ES_BUF_INIT(4096);
    char *copy = es_strdup(url);
    char *sts_url = NULL;
    if (es_buf_printf(&sts, "%s/%s", url, w->server_tenant->id) == ENTRASQL_OK)
        sts_url = es_buf_take(&sts, NULL);
    es_buf_done(&sts);
    if (copy == NULL || sts_url == NULL) {
        es_free(copy);
        es_free(sts_url);
        return ENTRASQL_NOMEM;
    }
    es_free(w->authority);
    es_free(w->sts_url);
    w->authority = copy;
    w->sts_url = sts_url;
    return ENTRASQL_OK;
}

const char *world_authority(const world *w)
{
    return w->authority;
}

const char *world_sts_url(const world *w)
{
    return w->sts_url;
}

faults *world_faults(const world *w)
{
    return w->own.faults;
}

/* ---- trust ---- */

const crypto_key *world_token_key(const world *w)
{
    return w->own.trust.token_key;
}

const char *world_ca_file(const world *w)
{
    return w->own.trust.ca_file;
}

const char *world_cert_file(const world *w)
{
    return w->own.trust.cert_file;
}

const char *world_key_file(const world *w)
{
    return w->own.trust.key_file;
}
