/* SPDX-License-Identifier: MIT */
/* From the seed's text to a world. */
#include "seed.h"
#include "crypto/cert.h"
#include "federation.h"
#include "password.h"

#include "base/mem.h"

#include <string.h>

#define MAX_TENANTS 100
#define MAX_MEMBERS 10000
#define MAX_CERTIFICATES 16
#define MAX_DATABASES 1000
#define MAX_RESOURCES 1000
#define MAX_PASSWORDS 100 /* in plain: each takes a while to hash */
#define DEFAULT_AUDIENCE "https://database.windows.net/"

/* ---- tenants and subscription ---- */

static entrasql_status read_tenants(const seed_object *root, world *w)
{
    static const char *const allowed[] = {"domain", "id", NULL};
    const json_node *list = NULL;
    ES_TRY(seed_array(root, "tenants", MAX_TENANTS, &list));
    if (json_count(list) == 0)
        return seed_fail(root, "tenants", "must name at least one tenant");
    w->tenants = es_calloc(json_count(list), sizeof *w->tenants);
    if (w->tenants == NULL)
        return es_nomem(root->err);
    for (size_t i = 0; i < json_count(list); i++) {
        world_tenant *t = &w->tenants[i];
        seed_object o;
        w->tenant_count = i + 1;
        ES_TRY(seed_element(root, "tenants", list, i, &o));
        ES_TRY(seed_check(&o, allowed));
        ES_TRY(seed_required_text(&o, "domain", &t->domain));
        ES_TRY(seed_guid(&o, "id", "tenant", "", t->domain, t->id));
        if (world_tenant_find(w, t->id) != t || world_tenant_find(w, t->domain) != t)
            return seed_fail(&o, "", "its domain or id is there twice");
    }
    return ENTRASQL_OK;
}

static entrasql_status set_text(char **text, const char *value, entrasql_error *err)
{
    if (*text == NULL)
        *text = es_strdup(value);
    return *text != NULL ? ENTRASQL_OK : es_nomem(err);
}

static entrasql_status read_subscription(const seed_object *root, world *w)
{
    static const char *const allowed[] = {"id", "name", "resource_group", NULL};
    world_subscription *s = &w->subscription;
    seed_object o;
    ES_TRY(seed_member(root, "subscription", &o));
    if (o.node != NULL)
        ES_TRY(seed_check(&o, allowed));
    ES_TRY(seed_text(&o, "name", &s->name));
    ES_TRY(set_text(&s->name, "Emulator", root->err));
    ES_TRY(seed_text(&o, "resource_group", &s->resource_group));
    ES_TRY(set_text(&s->resource_group, "emulator-rg", root->err));
    return seed_guid(&o, "id", "subscription", w->tenants[0].id, s->name, s->id);
}

/* ---- principals ---- */

static entrasql_status read_tenant_of(const seed_object *o, const world *w, world_principal *p)
{
    ES_CLEANUP(es_cleanup_free) char *name = NULL;
    ES_TRY(seed_text(o, "tenant", &name));
    p->tenant = name != NULL ? world_tenant_find(w, name) : &w->tenants[0];
    if (p->tenant == NULL)
        return seed_fail(o, "tenant", "there is no tenant '%s'", name);
    return ENTRASQL_OK;
}

/* Kept as a hash from here on; a text that was kept has the hash already. */
static entrasql_status read_password(const seed_object *o, world_principal *p)
{
    const char *password = NULL;
    size_t n = 0;
    ES_TRY(seed_text(o, "password_hash", &p->password_hash));
    if (p->password_hash != NULL && !world_password_is_hash(p->password_hash))
        return seed_fail(o, "password_hash", "is not of the form that the emulator writes");
    entrasql_status status = json_member_string(o->node, "password", &password, &n);
    if (status == ENTRASQL_NOT_FOUND)
        return ENTRASQL_OK;
    if (p->password_hash != NULL)
        return seed_fail(o, "password", "stands beside a password_hash");
    if (status != ENTRASQL_OK || n == 0 || n > WORLD_PASSWORD_MAX_BYTES || strlen(password) != n)
        return seed_fail(o, "password", "must be a text of 1 to %d bytes",
                         WORLD_PASSWORD_MAX_BYTES);
    es_buf hash = ES_BUF_INIT(WORLD_PASSWORD_HASH_SIZE);
    if (world_password_hash(password, n, &hash) != ENTRASQL_OK ||
        (p->password_hash = es_buf_take(&hash, NULL)) == NULL) {
        es_buf_done(&hash);
        return es_nomem(o->err);
    }
    return ENTRASQL_OK;
}

static entrasql_status read_user(const seed_object *o, const world *w, world_principal *p)
{
    static const char *const allowed[] = {"upn",      "name",          "object_id", "tenant",
                                          "password", "password_hash", NULL};
    ES_TRY(seed_check(o, allowed));
    ES_TRY(seed_required_text(o, "upn", &p->upn));
    if (strchr(p->upn, '@') == NULL || strchr(p->upn, '/') != NULL)
        return seed_fail(o, "upn", "must be of the form user@domain");
    ES_TRY(seed_text(o, "name", &p->name));
    ES_TRY(set_text(&p->name, p->upn, o->err));
    ES_TRY(read_tenant_of(o, w, p));
    ES_TRY(read_password(o, p));
    return seed_guid(o, "object_id", "user", p->tenant->id, p->upn, p->object_id);
}

static entrasql_status read_group(const seed_object *o, const world *w, world_principal *p)
{
    static const char *const allowed[] = {"name",   "object_id",        "members",
                                          "tenant", "security_enabled", NULL};
    bool is_security = true;
    ES_TRY(seed_check(o, allowed));
    ES_TRY(seed_required_text(o, "name", &p->name));
    if (json_member(o->node, "security_enabled") != NULL &&
        json_member_bool(o->node, "security_enabled", &is_security) != ENTRASQL_OK)
        return seed_fail(o, "security_enabled", "must be true or false");
    p->is_distribution = !is_security;
    ES_TRY(read_tenant_of(o, w, p));
    return seed_guid(o, "object_id", "group", p->tenant->id, p->name, p->object_id);
}

/* PEM texts, longer than a name may be. */
static entrasql_status read_certificates(const seed_object *o, world_principal *p)
{
    const json_node *list = NULL;
    ES_TRY(seed_array(o, "certificates", MAX_CERTIFICATES, &list));
    p->certificates = es_calloc(json_count(list) + 1, sizeof *p->certificates);
    if (p->certificates == NULL)
        return es_nomem(o->err);
    for (size_t i = 0; i < json_count(list); i++) {
        const char *pem = NULL;
        size_t n = 0;
        crypto_cert *cert = NULL;
        if (json_node_string(json_element(list, i), &pem, &n) != ENTRASQL_OK ||
            crypto_cert_from_pem(pem, n, &cert, NULL) != ENTRASQL_OK)
            return seed_fail(o, "certificates", "element %zu is not a certificate in PEM", i);
        crypto_cert_free(cert);
        p->certificates[i] = es_strdup(pem);
        if (p->certificates[i] == NULL)
            return es_nomem(o->err);
        p->certificate_count = i + 1;
    }
    return ENTRASQL_OK;
}

static entrasql_status read_app(const seed_object *o, const world *w, world_principal *p)
{
    static const char *const allowed[] = {"name",   "client_id",    "object_id",
                                          "tenant", "certificates", NULL};
    ES_TRY(seed_check(o, allowed));
    ES_TRY(seed_required_text(o, "name", &p->name));
    ES_TRY(read_tenant_of(o, w, p));
    ES_TRY(seed_guid(o, "client_id", "app client", p->tenant->id, p->name, p->client_id));
    ES_TRY(read_certificates(o, p));
    char uri[8 + ES_GUID_TEXT_SIZE] = "api://";
    memcpy(uri + strlen(uri), p->client_id, ES_GUID_TEXT_SIZE);
    ES_TRY(set_text(&p->app_uri, uri, o->err));
    return seed_guid(o, "object_id", "app", p->tenant->id, p->name, p->object_id);
}

static entrasql_status read_identity_kind(const seed_object *o, world_principal *p)
{
    ES_CLEANUP(es_cleanup_free) char *kind = NULL;
    ES_TRY(seed_text(o, "kind", &kind));
    p->system_assigned = es_streq(kind, "system");
    if (kind != NULL && !p->system_assigned && !es_streq(kind, "user"))
        return seed_fail(o, "kind", "must be \"user\" or \"system\"");
    return ENTRASQL_OK;
}

/* The resource id as Azure forms it, when the seed gives none. */
static entrasql_status default_resource_id(const world *w, world_principal *p, entrasql_error *err)
{
    es_buf id = ES_BUF_INIT(4096);
    if (es_buf_printf(&id,
                      "/subscriptions/%s/resourcegroups/%s/providers/"
                      "Microsoft.ManagedIdentity/userAssignedIdentities/%s",
                      w->subscription.id, w->subscription.resource_group, p->name) != ENTRASQL_OK ||
        (p->resource_id = es_buf_take(&id, NULL)) == NULL) {
        es_buf_done(&id);
        return es_nomem(err);
    }
    return ENTRASQL_OK;
}

static entrasql_status read_identity(const seed_object *o, const world *w, world_principal *p)
{
    static const char *const allowed[] = {"name",        "kind",   "client_id", "object_id",
                                          "resource_id", "tenant", NULL};
    ES_TRY(seed_check(o, allowed));
    ES_TRY(seed_required_text(o, "name", &p->name));
    ES_TRY(read_tenant_of(o, w, p));
    ES_TRY(read_identity_kind(o, p));
    ES_TRY(seed_guid(o, "client_id", "identity client", p->tenant->id, p->name, p->client_id));
    ES_TRY(seed_guid(o, "object_id", "identity", p->tenant->id, p->name, p->object_id));
    ES_TRY(seed_text(o, "resource_id", &p->resource_id));
    if (!p->system_assigned)
        return p->resource_id != NULL ? ENTRASQL_OK : default_resource_id(w, p, o->err);
    if (p->resource_id != NULL)
        return seed_fail(o, "resource_id", "only user-assigned identities have one");
    return ENTRASQL_OK;
}

typedef struct principal_list {
    const char *member;
    world_kind kind;
    entrasql_status (*read)(const seed_object *o, const world *w, world_principal *p);
} principal_list;

static const principal_list principal_lists[] = {
    {"users", WORLD_USER, read_user},
    {"groups", WORLD_GROUP, read_group},
    {"apps", WORLD_APP, read_app},
    {"identities", WORLD_IDENTITY, read_identity},
};

/* Ids and UPNs are unique; display names need not be, in Entra neither. */
static entrasql_status check_unique(const seed_object *o, const world *w, const world_principal *p)
{
    for (const world_principal *q = w->principals; q != p; q++) {
        if (es_streq(p->object_id, q->object_id))
            return seed_fail(o, "object_id", "belongs to '%s' too", q->name);
        if (p->client_id[0] != 0 && es_streq(p->client_id, q->client_id))
            return seed_fail(o, "client_id", "belongs to '%s' too", q->name);
        if (p->upn != NULL && es_strcaseeq(p->upn, q->upn != NULL ? q->upn : ""))
            return seed_fail(o, "upn", "is there twice");
        /* Derived ids hang on the name, so these two kinds cannot share one. */
        if (p->kind == q->kind && p->kind != WORLD_USER && es_strcaseeq(p->name, q->name) &&
            json_member(o->node, "object_id") == NULL)
            return seed_fail(o, "name", "is there twice; give them an object_id");
    }
    return ENTRASQL_OK;
}

static entrasql_status check_password_count(const seed_object *root)
{
    const json_node *users = json_member(root->node, "users");
    size_t count = 0;
    for (size_t i = 0; i < json_count(users); i++)
        count += json_member(json_element(users, i), "password") != NULL ? 1 : 0;
    return count <= MAX_PASSWORDS
               ? ENTRASQL_OK
               : seed_fail(root, "users", "more than %d have a password", MAX_PASSWORDS);
}

static entrasql_status read_principals(const seed_object *root, world *w)
{
    const json_node *lists[ES_COUNT_OF(principal_lists)];
    size_t total = 0;
    for (size_t k = 0; k < ES_COUNT_OF(principal_lists); k++) {
        ES_TRY(seed_array(root, principal_lists[k].member, WORLD_MAX_PRINCIPALS, &lists[k]));
        total += json_count(lists[k]);
    }
    ES_TRY(check_password_count(root));
    w->principals = es_calloc(total + 1, sizeof *w->principals);
    if (w->principals == NULL)
        return es_nomem(root->err);
    for (size_t k = 0; k < ES_COUNT_OF(principal_lists); k++) {
        for (size_t i = 0; i < json_count(lists[k]); i++) {
            world_principal *p = &w->principals[w->principal_count++];
            seed_object o;
            p->kind = principal_lists[k].kind;
            ES_TRY(seed_element(root, principal_lists[k].member, lists[k], i, &o));
            ES_TRY(principal_lists[k].read(&o, w, p));
            ES_TRY(check_unique(&o, w, p));
        }
    }
    return ENTRASQL_OK;
}

static entrasql_status find_principal(const seed_object *o, const world *w, const char *member,
                                      const char *name, const world_principal **ret)
{
    *ret = world_principal_find(w, name);
    if (*ret == NULL)
        *ret = world_object_find(w, name);
    if (*ret == NULL)
        return seed_fail(o, member, "'%s' names no principal, or more than one", name);
    return ENTRASQL_OK;
}

static entrasql_status read_members(const seed_object *o, world *w, const world_principal *group)
{
    const json_node *list = NULL;
    ES_TRY(seed_array(o, "members", MAX_MEMBERS, &list));
    if (json_count(list) == 0)
        return ENTRASQL_OK;
    world_membership *grown = es_reallocarray(
        w->memberships, w->membership_count + json_count(list), sizeof *w->memberships);
    if (grown == NULL)
        return es_nomem(o->err);
    w->memberships = grown;
    for (size_t i = 0; i < json_count(list); i++) {
        const char *name = NULL;
        const world_principal *member = NULL;
        ES_TRY(seed_element_text(o, "members", list, i, &name));
        ES_TRY(find_principal(o, w, "members", name, &member));
        w->memberships[w->membership_count++] =
            (world_membership){.group = group, .member = member};
    }
    return ENTRASQL_OK;
}

static entrasql_status read_memberships(const seed_object *root, world *w)
{
    const json_node *list = json_member(root->node, "groups");
    size_t first = json_count(json_member(root->node, "users"));
    for (size_t i = 0; i < json_count(list); i++) {
        seed_object o;
        ES_TRY(seed_element(root, "groups", list, i, &o));
        ES_TRY(read_members(&o, w, &w->principals[first + i]));
    }
    return ENTRASQL_OK;
}

/* ---- hosts ---- */

/* A federated issuer vouches for apps and user-assigned identities, a host has identities only. */
static entrasql_status find_attached(const seed_object *o, const world *w, const world_host *h,
                                     const char *name, const world_principal **ret)
{
    *ret = world_object_find(w, name);
    if (*ret == NULL || (*ret)->kind != WORLD_IDENTITY)
        *ret = world_identity_find(w, name);
    if (!world_host_is_issuer(h) && *ret == NULL)
        return seed_fail(o, "identities", "'%s' names no managed identity, or more than one", name);
    if (!world_host_is_issuer(h))
        return ENTRASQL_OK;
    if (*ret == NULL)
        *ret = world_principal_find(w, name);
    if (*ret != NULL && ((*ret)->kind == WORLD_APP || (*ret)->kind == WORLD_IDENTITY) &&
        !(*ret)->system_assigned)
        return ENTRASQL_OK;
    return seed_fail(o, "identities",
                     "'%s' names no app or user-assigned identity, or more than one", name);
}

/* The name stands in the issuer's URL. */
static entrasql_status read_issuer(const seed_object *o, world_host *h)
{
    static const char *const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                       "0123456789.-_";
    if (strspn(h->name, letters) != strlen(h->name))
        return seed_fail(o, "name", "of an issuer may hold letters, digits and .-_ only");
    if (h->kind != WORLD_AKS)
        return ENTRASQL_OK;
    ES_TRY(seed_text(o, "service_account", &h->service_account));
    ES_TRY(set_text(&h->service_account, "default:default", o->err));
    const char *colon = strchr(h->service_account, ':');
    if (colon == NULL || colon == h->service_account || colon[1] == 0)
        return seed_fail(o, "service_account", "must be of the form namespace:name");
    return ENTRASQL_OK;
}

static entrasql_status attach(const seed_object *o, const world *w, world_host *h,
                              const json_node *list)
{
    h->identities = es_calloc(json_count(list) + 1, sizeof(void *));
    if (h->identities == NULL)
        return es_nomem(o->err);
    bool has_system = false;
    for (size_t i = 0; i < json_count(list); i++) {
        const char *name = NULL;
        const world_principal *p = NULL;
        ES_TRY(seed_element_text(o, "identities", list, i, &name));
        ES_TRY(find_attached(o, w, h, name, &p));
        if (p->system_assigned && (has_system || world_host_of(w, p) != NULL))
            return seed_fail(o, "identities",
                             "'%s': a host has one system-assigned identity, of its own", name);
        has_system = has_system || p->system_assigned;
        h->identities[i] = p;
        h->identity_count = i + 1;
    }
    return ENTRASQL_OK;
}

static const char *const host_kinds[] = {
    [WORLD_WEB_APP] = "web-app",
    [WORLD_VM] = "vm",
    [WORLD_AKS] = "aks",
    [WORLD_PIPELINE] = "pipeline",
    [WORLD_WEB_APP_2017] = "web-app-2017",
    [WORLD_AZURE_ML] = "azure-ml",
    [WORLD_SERVICE_FABRIC] = "service-fabric",
    [WORLD_CLOUD_SHELL] = "cloud-shell",
    [WORLD_ARC] = "arc",
};

const char *world_host_kind_name(world_host_kind kind)
{
    return host_kinds[kind];
}

static bool host_kind_of(const char *name, world_host_kind *ret)
{
    for (size_t i = 0; i < ES_COUNT_OF(host_kinds); i++) {
        if (es_streq(name, host_kinds[i])) {
            *ret = (world_host_kind)i;
            return true;
        }
    }
    return false;
}

static entrasql_status read_host(const seed_object *o, world *w, world_host *h)
{
    static const char *const allowed[] = {"name", "kind", "identities", "service_account", NULL};
    ES_CLEANUP(es_cleanup_free) char *kind = NULL;
    const json_node *list = NULL;
    ES_TRY(seed_check(o, allowed));
    ES_TRY(seed_required_text(o, "name", &h->name));
    ES_TRY(seed_required_text(o, "kind", &kind));
    if (!host_kind_of(kind, &h->kind))
        return seed_fail(o, "kind",
                         "must be web-app, vm, aks, pipeline, web-app-2017, azure-ml, "
                         "service-fabric, cloud-shell or arc");
    if (h->kind != WORLD_AKS && json_member(o->node, "service_account") != NULL)
        return seed_fail(o, "service_account", "only clusters (aks) have one");
    if (world_host_is_issuer(h))
        ES_TRY(read_issuer(o, h));
    if (world_host_find(w, h->name) != h)
        return seed_fail(o, "name", "is there twice");
    ES_TRY(seed_array(o, "identities", WORLD_MAX_PRINCIPALS, &list));
    return attach(o, w, h, list);
}

static entrasql_status read_hosts(const seed_object *root, world *w)
{
    const json_node *list = NULL;
    ES_TRY(seed_array(root, "hosts", WORLD_MAX_HOSTS, &list));
    w->hosts = es_calloc(json_count(list) + 1, sizeof *w->hosts);
    if (w->hosts == NULL)
        return es_nomem(root->err);
    for (size_t i = 0; i < json_count(list); i++) {
        seed_object o;
        w->host_count = i + 1;
        ES_TRY(seed_element(root, "hosts", list, i, &o));
        ES_TRY(read_host(&o, w, &w->hosts[i]));
    }
    return ENTRASQL_OK;
}

/* ---- resources and server ---- */

static entrasql_status read_texts(const seed_object *o, const char *member, size_t max, char ***ret,
                                  size_t *ret_count)
{
    const json_node *list = NULL;
    ES_TRY(seed_array(o, member, max, &list));
    *ret = es_calloc(json_count(list) + 1, sizeof **ret);
    if (*ret == NULL)
        return es_nomem(o->err);
    for (size_t i = 0; i < json_count(list); i++) {
        const char *text = NULL;
        ES_TRY(seed_element_text(o, member, list, i, &text));
        (*ret)[i] = es_strdup(text);
        if ((*ret)[i] == NULL)
            return es_nomem(o->err);
        *ret_count = i + 1;
    }
    return ENTRASQL_OK;
}

/* A database's name becomes a file's name. */
static entrasql_status check_databases(const seed_object *o, const world *w)
{
    for (size_t i = 0; i < w->database_count; i++) {
        const char *name = w->databases[i];
        if (name[0] == '.' || strchr(name, '/') != NULL || strlen(name) > 128)
            return seed_fail(o, "databases", "'%s' cannot be a database's name", name);
    }
    return ENTRASQL_OK;
}

static entrasql_status read_admin(const seed_object *o, world *w)
{
    ES_CLEANUP(es_cleanup_free) char *admin = NULL;
    ES_TRY(seed_text(o, "admin", &admin));
    w->server_tenant = &w->tenants[0];
    if (admin == NULL)
        return ENTRASQL_OK;
    ES_TRY(find_principal(o, w, "admin", admin, &w->server_admin));
    w->server_tenant = w->server_admin->tenant;
    return ENTRASQL_OK;
}

static entrasql_status read_server(const seed_object *root, world *w)
{
    static const char *const allowed[] = {"name",     "admin",      "databases",
                                          "audience", "entra_only", NULL};
    seed_object o;
    ES_TRY(seed_member(root, "server", &o));
    if (o.node == NULL)
        return seed_fail(root, "server", "is missing");
    ES_TRY(seed_check(&o, allowed));
    ES_TRY(seed_required_text(&o, "name", &w->server_name));
    ES_TRY(seed_text(&o, "audience", &w->server_audience));
    ES_TRY(set_text(&w->server_audience, DEFAULT_AUDIENCE, root->err));
    if (world_resource_find(w, w->server_audience) == NULL)
        return seed_fail(&o, "audience", "is not among the resources");
    if (json_member_bool(o.node, "entra_only", &w->entra_only) == ENTRASQL_MALFORMED)
        return seed_fail(&o, "entra_only", "must be true or false");
    ES_TRY(read_admin(&o, w));
    ES_TRY(read_texts(&o, "databases", MAX_DATABASES, &w->databases, &w->database_count));
    return check_databases(&o, w);
}

static entrasql_status read_world(const seed_object *root, world *w)
{
    static const char *const allowed[] = {"tenants", "subscription", "users", "groups",
                                          "apps",    "identities",   "hosts", "resources",
                                          "server",  "arm",          NULL};
    ES_TRY(seed_check(root, allowed));
    ES_TRY(read_tenants(root, w));
    ES_TRY(read_subscription(root, w));
    ES_TRY(read_principals(root, w));
    ES_TRY(read_memberships(root, w));
    ES_TRY(read_hosts(root, w));
    ES_TRY(read_texts(root, "resources", MAX_RESOURCES, &w->resources, &w->resource_count));
    ES_TRY(read_server(root, w));
    return world_firewall_read(root->node, w) == ENTRASQL_OK ? ENTRASQL_OK : es_nomem(root->err);
}

entrasql_status world_parse_seed(const char *name, const char *text, size_t n, world **ret,
                                 entrasql_error *err)
{
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    if (n > WORLD_MAX_SEED_BYTES)
        return es_fail(err, ENTRASQL_LIMIT, "%s is larger than %d bytes", name,
                       WORLD_MAX_SEED_BYTES);
    entrasql_status status = json_doc_parse(text, n, &doc, err);
    if (status != ENTRASQL_OK) {
        es_error_prefix(err, "%s", name);
        return status;
    }
    world *w = es_calloc(1, sizeof *w);
    if (w == NULL)
        return es_nomem(err);
    seed_object root = {.file = name, .node = json_doc_root(doc), .err = err};
    status = world_own_init(&w->own) == ENTRASQL_OK ? read_world(&root, w) : es_nomem(err);
    if (status != ENTRASQL_OK) {
        world_free(w);
        return status;
    }
    *ret = w;
    return ENTRASQL_OK;
}
