/* SPDX-License-Identifier: MIT */
/* The "identity" of resources, and the world's hosts that follow it. */
#include "internal.h"

#include "base/random.h"
#include "emulator/world/federation.h"

#include <string.h>

const world_principal *arm_identity_find(const arm_call *c, const char *id)
{
    const world_principal *p;
    for (size_t i = 0; id != NULL && (p = world_principal_at(c->w, i)) != NULL; i++) {
        if (p->kind == WORLD_IDENTITY && es_strcaseeq(p->resource_id, id))
            return p;
    }
    return NULL;
}

/* ---- what is asked for ---- */

typedef struct wish {
    bool system, user;
    const arm_value *map; /* of the request; NULL: none */
    arm_value *next;      /* the map that comes of it */
} wish;

/* "SystemAssigned, UserAssigned", with blanks anywhere. */
static bool read_type(const char *text, wish *w)
{
    for (const char *p = text;;) {
        while (*p == ' ')
            p++;
        size_t n = strcspn(p, ", ");
        if (n == 14 && es_strncaseeq(p, "SystemAssigned", n))
            w->system = true;
        else if (n == 12 && es_strncaseeq(p, "UserAssigned", n))
            w->user = true;
        else if (!(n == 4 && es_strncaseeq(p, "None", n)))
            return false;
        p += n;
        while (*p == ' ')
            p++;
        if (*p == '\0')
            return true;
        if (*p++ != ',')
            return false;
    }
}

static bool bad_values(arm_call *c, const char *id)
{
    return arm_error(c, 400, "InvalidIdentityValues",
                     "Invalid value for the identities '%s'. The 'UserAssignedIdentities' property "
                     "keys should only be empty json objects, null or the resource exisiting "
                     "property.",
                     id);
}

static bool failed(arm_call *c, const char *why)
{
    return arm_error(c, 400, "FailedIdentityOperation",
                     "Identity operation for resource '%s' failed with error 'Failed to perform "
                     "resource identity operation. Status: 'BadRequest'. Response: "
                     "'{\"error\":{\"code\":\"BadRequest\",\"message\":\"%s\"}}'.'.",
                     c->id.resource, why);
}

/* {} adds or keeps; what was read back is good when it is what is stored. */
static bool is_good_value(arm_call *c, const char *id, const arm_value *value)
{
    const world_principal *p = arm_identity_find(c, id);
    const char *client = arm_text(value, "clientId"), *principal = arm_text(value, "principalId");
    if (!arm_is(value, JSON_KIND_OBJECT))
        return false;
    if (value->count == 0)
        return true;
    return p != NULL && value->count == 2 && es_strcaseeq(client, p->client_id) &&
           es_strcaseeq(principal, p->object_id);
}

/* Container Apps takes another spelling of an id for another id. */
static arm_value *find_key(const arm_call *c, const arm_value *map, const char *id)
{
    return es_strcaseeq(c->id.ns, "Microsoft.App") ? arm_get(map, id) : arm_get_nocase(map, id);
}

static bool take(arm_call *c, wish *w, const char *id, const arm_value *value)
{
    if (!is_good_value(c, id, value))
        return bad_values(c, id);
    if (!arm_check_linked_right(
            c, arm_pool_printf(&c->pool, "%s/write", c->type->type), c->id.resource,
            "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action", id))
        return false;
    const world_principal *p = arm_identity_find(c, id);
    if (p == NULL)
        return failed(c, "The user assigned identity was not found, or cannot be assigned to this "
                         "resource.");
    arm_value *its = arm_new(&c->pool, JSON_KIND_OBJECT);
    arm_set_text(&c->pool, its, "principalId", p->object_id);
    arm_set_text(&c->pool, its, "clientId", p->client_id);
    if (find_key(c, w->next, id) == NULL)
        arm_set(&c->pool, w->next, id, its);
    return true;
}

static bool is_merged(const arm_call *c, bool is_patch)
{
    return is_patch && c->type->identity != ARM_IDENTITY_ONE &&
           !faults_is_on(world_faults(c->w), "arm-patch-replaces");
}

static bool build_map(arm_call *c, const arm_value *old, wish *w, bool is_patch)
{
    w->next = is_merged(c, is_patch) && arm_is(old, JSON_KIND_OBJECT)
                  ? arm_clone(&c->pool, old)
                  : arm_new(&c->pool, JSON_KIND_OBJECT);
    /* Without a map the one that is there stays, as far as the type has one. */
    if (w->map == NULL && arm_is(old, JSON_KIND_OBJECT))
        w->next = arm_clone(&c->pool, old);
    for (const arm_member *m = w->map != NULL ? w->map->first : NULL; m != NULL; m = m->next) {
        if (arm_is(m->value, JSON_KIND_NULL) && !is_patch)
            return bad_values(c, m->name);
        if (arm_is(m->value, JSON_KIND_NULL)) {
            arm_remove_value(w->next, find_key(c, w->next, m->name));
            continue;
        }
        if (!w->user)
            return failed(c, "The request format was unexpected, a non-UserAssigned identity type "
                             "should not contain: userAssignedIdentities");
        if (!take(c, w, m->name, m->value))
            return false;
    }
    return true;
}

static bool check_wish(arm_call *c, const wish *w)
{
    if (w->user && w->next->count == 0)
        return arm_error(c, 400, "MissingIdentityIds",
                         "The identity ids must not be null or empty for 'UserAssigned' identity "
                         "type.");
    if (c->type->identity == ARM_IDENTITY_ONE && w->user && (w->system || w->next->count > 1))
        return arm_error(c, 400, "InvalidUserAssignedIdentity",
                         "A cluster has either its system-assigned identity or exactly one "
                         "user-assigned identity.");
    return true;
}

/* ---- in the world ---- */

/* "app", "app/slots/staging", "service/apps/app": as the directory calls a system identity. */
const char *arm_host_name(arm_call *c, const arm_value *resource)
{
    arm_id id;
    if (arm_id_parse(&c->pool, arm_text(resource, "id"), &id) != ENTRASQL_OK)
        return NULL;
    const char *slash = strchr(id.names, '/');
    const char *kind = strrchr(id.type, '/');
    if (slash == NULL)
        return id.names;
    return arm_pool_printf(&c->pool, "%.*s%s%s", (int)(slash - id.names), id.names, kind, slash);
}

static const char *host_kind(const arm_value *resource)
{
    const char *type = arm_text(resource, "type");
    if (es_strcaseeq(type, "Microsoft.ContainerService/managedClusters"))
        return "aks";
    return es_strncaseeq(type, "Microsoft.Compute/", 18) ? "vm" : "web-app";
}

static void add_system_identity(arm_call *c, const arm_value *resource, arm_value *identity)
{
    arm_value *list = arm_need_array(&c->pool, c->root, "identities");
    arm_value *principal = arm_new(&c->pool, JSON_KIND_OBJECT);
    char object_id[ES_GUID_TEXT_SIZE], client_id[ES_GUID_TEXT_SIZE];
    es_random_uuid(object_id);
    es_random_uuid(client_id);
    arm_set_text(&c->pool, principal, "name", arm_host_name(c, resource));
    arm_set_text(&c->pool, principal, "kind", "system");
    arm_set_text(&c->pool, principal, "object_id", object_id);
    arm_set_text(&c->pool, principal, "client_id", client_id);
    arm_append(&c->pool, list, principal);
    arm_set_text(&c->pool, identity, "principalId", object_id);
    arm_set_text(&c->pool, identity, "tenantId", arm_tenant_id(c));
}

void arm_identity_remove(arm_call *c, const world_principal *p)
{
    const arm_value *hosts = arm_get(c->root, "hosts");
    for (const arm_member *h = hosts != NULL ? hosts->first : NULL; h != NULL; h = h->next) {
        arm_value *list = arm_get(h->value, "identities");
        const arm_member *next;
        for (const arm_member *m = list != NULL ? list->first : NULL; m != NULL; m = next) {
            next = m->next;
            if (es_strcaseeq(m->value->text, p->object_id) || es_strcaseeq(m->value->text, p->name))
                arm_remove_value(list, m->value);
        }
    }
    arm_value *entry = arm_element(c, "identities", "object_id", p->object_id);
    if (entry == NULL)
        entry = arm_element(c, "identities", "name", p->name);
    arm_remove_value(arm_get(c->root, "identities"), entry);
}

static void drop_system_identity(arm_call *c, arm_value *identity)
{
    const char *id = arm_text(identity, "principalId");
    const world_principal *p = id != NULL ? world_object_find(c->w, id) : NULL;
    if (p != NULL && p->system_assigned)
        arm_identity_remove(c, p);
    arm_remove(identity, "principalId");
    arm_remove(identity, "tenantId");
}

static const char *type_text(const wish *w)
{
    if (w->system)
        return w->user ? "SystemAssigned, UserAssigned" : "SystemAssigned";
    return w->user ? "UserAssigned" : "None";
}

bool arm_identity_apply(arm_call *c, arm_value *resource, bool is_patch)
{
    const arm_value *asked = arm_get(c->body, "identity");
    wish w = {0};
    if (asked == NULL || arm_is(asked, JSON_KIND_NULL))
        return true;
    const char *type = arm_text(asked, "type");
    arm_value *map = arm_get(asked, "userAssignedIdentities");
    if (type == NULL || !read_type(type, &w))
        return arm_error(c, 400, "InvalidRequestContent",
                         "The request content was invalid: the identity's type '%s' is none of "
                         "'None', 'SystemAssigned', 'UserAssigned' and 'SystemAssigned, "
                         "UserAssigned'.",
                         type != NULL ? type : "");
    if (map != NULL && !arm_is(map, JSON_KIND_NULL) && !arm_is(map, JSON_KIND_OBJECT))
        return arm_error(c, 400, "InvalidRequestContent",
                         "The request content was invalid: userAssignedIdentities is no object.");
    w.map = arm_is(map, JSON_KIND_OBJECT) ? map : NULL;
    arm_value *identity = arm_need_object(&c->pool, resource, "identity");
    if (!build_map(c, arm_get(identity, "userAssignedIdentities"), &w, is_patch) ||
        arm_pool_failed(&c->pool) || !check_wish(c, &w))
        return false;
    const char *principal = arm_text(identity, "principalId");
    if (w.system && principal == NULL)
        add_system_identity(c, resource, identity);
    if (!w.system && principal != NULL)
        drop_system_identity(c, identity);
    arm_set_text(&c->pool, identity, "type", type_text(&w));
    arm_remove(identity, "userAssignedIdentities");
    if (w.user)
        arm_set(&c->pool, identity, "userAssignedIdentities", w.next);
    arm_identity_sync(c, resource);
    return true;
}

/* ---- hosts ---- */

static void add_once(arm_call *c, arm_value *list, const char *text)
{
    for (const arm_member *m = list->first; text != NULL && m != NULL; m = m->next) {
        if (es_strcaseeq(m->value->text, text))
            return;
    }
    if (text != NULL)
        arm_append(&c->pool, list, arm_new_text(&c->pool, text));
}

static void set_host(arm_call *c, const char *name, const char *kind, arm_value *identities)
{
    arm_value *host = arm_element(c, "hosts", "name", name);
    if (host == NULL) {
        host = arm_new(&c->pool, JSON_KIND_OBJECT);
        arm_set_text(&c->pool, host, "name", name);
        arm_set_text(&c->pool, host, "kind", kind);
        arm_append(&c->pool, arm_need_array(&c->pool, c->root, "hosts"), host);
    }
    arm_set(&c->pool, host, "identities", identities);
}

static arm_value *attached_to(arm_call *c, const arm_value *resource)
{
    arm_value *list = arm_new(&c->pool, JSON_KIND_ARRAY);
    const arm_value *identity = arm_get(resource, "identity");
    const arm_value *map = arm_get(identity, "userAssignedIdentities");
    add_once(c, list, arm_text(identity, "principalId"));
    for (const arm_member *m = map != NULL ? map->first : NULL; m != NULL; m = m->next) {
        if (arm_identity_find(c, m->name) != NULL)
            add_once(c, list, arm_text(m->value, "principalId"));
    }
    return list;
}

/* Whether a federated credential is for the cluster's service account; byte for byte. */
static bool trusts(arm_call *c, const arm_value *credential, const char *issuer,
                   const char *account)
{
    const arm_value *p = arm_get(credential, "properties");
    const arm_value *audiences = arm_get(p, "audiences");
    bool is_for_entra = false;
    for (const arm_member *m = audiences != NULL ? audiences->first : NULL; m != NULL; m = m->next)
        is_for_entra = is_for_entra || es_streq(m->value->text, WORLD_FEDERATION_AUDIENCE);
    const char *subject = arm_pool_printf(&c->pool, "system:serviceaccount:%s", account);
    return is_for_entra && es_streq(arm_text(p, "issuer"), issuer) &&
           es_streq(arm_text(p, "subject"), subject);
}

/* The world's cluster has those identities that trust it, its nodes the kubelet's. */
static void sync_cluster(arm_call *c, const arm_value *resource)
{
    const char *name = arm_text(resource, "name");
    const arm_value *host = arm_element(c, "hosts", "name", name);
    const char *account = arm_text(host, "service_account");
    const char *issuer =
        arm_text(arm_path(resource, "properties", "oidcIssuerProfile", NULL), "issuerURL");
    const char *kubelet = arm_text(
        arm_path(resource, "properties", "identityProfile", "kubeletidentity", NULL), "objectId");
    arm_value *list = arm_new(&c->pool, JSON_KIND_ARRAY);
    for (const arm_member *m = c->resources->first; m != NULL; m = m->next) {
        arm_id id;
        if (!es_strcaseeq(arm_text(m->value, "type"),
                          "Microsoft.ManagedIdentity/userAssignedIdentities/"
                          "federatedIdentityCredentials") ||
            !trusts(c, m->value, issuer, account != NULL ? account : "default:default") ||
            arm_id_parse(&c->pool, arm_text(m->value, "id"), &id) != ENTRASQL_OK)
            continue;
        const char *last = strrchr(id.resource, '/'); /* .../federatedIdentityCredentials/NAME */
        size_t n = (size_t)(last - id.resource) - strlen("/federatedIdentityCredentials");
        const world_principal *p = arm_identity_find(c, arm_pool_copy(&c->pool, id.resource, n));
        add_once(c, list, p != NULL ? p->object_id : NULL);
    }
    set_host(c, name, "aks", list);
    list = arm_new(&c->pool, JSON_KIND_ARRAY);
    add_once(c, list, kubelet);
    set_host(c, arm_pool_printf(&c->pool, "%s/nodes", name), "vm", list);
}

void arm_identity_sync(arm_call *c, const arm_value *resource)
{
    const char *kind = host_kind(resource);
    if (es_streq(kind, "aks"))
        sync_cluster(c, resource);
    else
        set_host(c, arm_host_name(c, resource), kind, attached_to(c, resource));
}

void arm_identity_sync_clusters(arm_call *c)
{
    for (const arm_member *m = c->resources->first; m != NULL; m = m->next) {
        if (es_strcaseeq(arm_text(m->value, "type"), "Microsoft.ContainerService/managedClusters"))
            sync_cluster(c, m->value);
    }
}
