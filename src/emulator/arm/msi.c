/* SPDX-License-Identifier: MIT */
/* User-assigned identities and what federates with them. */
#include "internal.h"

#include "base/random.h"

#include <string.h>

#define MAX_CREDENTIALS 20

void arm_msi_view(arm_call *c, arm_value *copy)
{
    const char *id = arm_text(copy, "id");
    const world_principal *p = arm_identity_find(c, id);
    arm_value *properties = arm_need_object(&c->pool, copy, "properties");
    if (p == NULL)
        return;
    arm_set_text(&c->pool, properties, "tenantId", p->tenant->id);
    arm_set_text(&c->pool, properties, "principalId", p->object_id);
    arm_set_text(&c->pool, properties, "clientId", p->client_id);
}

/* A new identity is not everywhere at once: 404 as long as the fault says. */
static bool is_replicating(const arm_call *c)
{
    uint32_t value = 0;
    return faults_next(world_faults(c->w), FAULT_AT_ARM_REPLICATION, &value) != NULL;
}

void arm_msi_get(arm_call *c)
{
    if (is_replicating(c))
        (void)arm_not_found(c);
    else
        arm_resource_get(c);
}

/* A resource's own identity, with the client id that the resource itself does not show. */
void arm_msi_system(arm_call *c)
{
    const arm_value *identity = arm_get(arm_find(c, c->id.scope), "identity");
    const char *object_id = arm_text(identity, "principalId");
    const world_principal *p = object_id != NULL ? world_object_find(c->w, object_id) : NULL;
    if (is_replicating(c) || p == NULL) {
        (void)arm_not_found(c);
        return;
    }
    arm_value *copy = arm_new(&c->pool, JSON_KIND_OBJECT);
    arm_value *properties = arm_need_object(&c->pool, copy, "properties");
    arm_set_text(&c->pool, copy, "id", c->id.resource);
    arm_set_text(&c->pool, copy, "name", "default");
    arm_set_text(&c->pool, copy, "type", c->type->type);
    arm_set_text(&c->pool, copy, "location", arm_location(c));
    arm_set_text(&c->pool, properties, "tenantId", p->tenant->id);
    arm_set_text(&c->pool, properties, "principalId", p->object_id);
    arm_set_text(&c->pool, properties, "clientId", p->client_id);
    arm_reply(c, 200, copy);
}

static bool is_good_name(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    size_t n = strlen(name);
    return n >= 3 && n <= 128 && strchr(letters, name[0]) != NULL &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == n;
}

/* The id as the provider writes it, whatever the client wrote. */
static const char *identity_id(arm_call *c)
{
    return arm_pool_printf(&c->pool,
                           "/subscriptions/%s/resourcegroups/%s/providers/"
                           "Microsoft.ManagedIdentity/userAssignedIdentities/%s",
                           c->id.subscription, c->id.group, c->id.name);
}

static void add_principal(arm_call *c, const char *id, arm_value *properties)
{
    arm_value *principal = arm_new(&c->pool, JSON_KIND_OBJECT);
    char object_id[ES_GUID_TEXT_SIZE], client_id[ES_GUID_TEXT_SIZE];
    es_random_uuid(object_id);
    es_random_uuid(client_id);
    arm_set_text(&c->pool, principal, "name", c->id.name);
    arm_set_text(&c->pool, principal, "object_id", object_id);
    arm_set_text(&c->pool, principal, "client_id", client_id);
    arm_set_text(&c->pool, principal, "resource_id", id);
    arm_append(&c->pool, arm_need_array(&c->pool, c->root, "identities"), principal);
    arm_set_text(&c->pool, properties, "tenantId", arm_tenant_id(c));
    arm_set_text(&c->pool, properties, "principalId", object_id);
    arm_set_text(&c->pool, properties, "clientId", client_id);
}

/* Without tags in the body the identity has none afterwards. */
void arm_msi_put(arm_call *c)
{
    arm_value *resource = arm_find(c, c->id.resource);
    const arm_value *tags = arm_get(c->body, "tags");
    bool created = resource == NULL;
    if (!arm_check_properties(c))
        return;
    if (!is_good_name(c->id.name)) {
        (void)arm_error(c, 400, "InvalidResourceName",
                        "The resource name '%s' is invalid: it has 3 to 128 letters, digits, '-' "
                        "and '_', and begins with a letter or digit.",
                        c->id.name);
        return;
    }
    if (arm_text(c->body, "location") == NULL) {
        (void)arm_error(c, 400, "LocationRequired",
                        "The location property is required for this definition.");
        return;
    }
    if (created) {
        const char *id = identity_id(c);
        resource = arm_add(c, id, c->type->type, c->id.name);
        arm_set_text(&c->pool, resource, "location", arm_text(c->body, "location"));
        add_principal(c, id, arm_need_object(&c->pool, resource, "properties"));
        arm_header(c, "Location", id);
    }
    arm_set(&c->pool, resource, "tags",
            arm_is(tags, JSON_KIND_OBJECT) ? arm_clone(&c->pool, tags)
                                           : arm_new(&c->pool, JSON_KIND_OBJECT));
    c->changed = true;
    arm_reply(c, created ? 201 : 200, arm_view(c, resource));
}

/* Hosts keep its id in their maps, as they do in Azure, and lose what they could do with it. */
void arm_msi_delete(arm_call *c)
{
    const arm_value *resource = arm_find(c, c->id.resource);
    const world_principal *p = arm_identity_find(c, c->id.resource);
    if (resource == NULL || p == NULL) {
        arm_reply(c, 204, NULL);
        return;
    }
    arm_identity_remove(c, p);
    arm_drop(c, resource);
    arm_reply(c, 200, NULL);
}

void arm_msi_associated(arm_call *c)
{
    arm_value *list = arm_new(&c->pool, JSON_KIND_ARRAY);
    if (arm_need(c) == NULL)
        return;
    for (const arm_member *m = c->resources->first; m != NULL; m = m->next) {
        const arm_value *map = arm_path(m->value, "identity", "userAssignedIdentities", NULL);
        if (arm_get_nocase(map, c->id.resource) == NULL)
            continue;
        arm_value *each = arm_new(&c->pool, JSON_KIND_OBJECT);
        arm_set_text(&c->pool, each, "id", arm_text(m->value, "id"));
        arm_set_text(&c->pool, each, "name", arm_text(m->value, "name"));
        arm_set_text(&c->pool, each, "type", arm_text(m->value, "type"));
        arm_append(&c->pool, list, each);
    }
    arm_value *body = arm_new(&c->pool, JSON_KIND_OBJECT);
    arm_set(&c->pool, body, "totalCount", arm_new_number(&c->pool, (int64_t)list->count));
    arm_set(&c->pool, body, "value", list);
    arm_reply(c, 200, body);
}

/* ---- federated credentials ---- */

static const char *parent_id(arm_call *c)
{
    const char *end = strrchr(c->id.resource, '/');
    size_t n = (size_t)(end - c->id.resource) - strlen("/federatedIdentityCredentials");
    return arm_pool_copy(&c->pool, c->id.resource, n);
}

static bool check_credential(arm_call *c, const char *parent)
{
    const arm_value *p = arm_get(c->body, "properties");
    const arm_value *audiences = arm_get(p, "audiences");
    size_t count = 0;
    if (!arm_check_properties(c))
        return false;
    if (es_str_is_empty(arm_text(p, "issuer")) || es_str_is_empty(arm_text(p, "subject")) ||
        !arm_is(audiences, JSON_KIND_ARRAY) || audiences->count != 1)
        return arm_error(c, 400, "BadRequest",
                         "issuer, subject and exactly one of audiences are required.");
    for (const arm_member *m = c->resources->first; m != NULL; m = m->next) {
        const arm_value *its = arm_get(m->value, "properties");
        const char *id = arm_text(m->value, "id");
        if (!es_strcaseeq(arm_text(m->value, "type"), c->type->type) || !arm_is_below(id, parent) ||
            es_strcaseeq(id, c->id.resource))
            continue;
        count++;
        if (es_streq(arm_text(its, "issuer"), arm_text(p, "issuer")) &&
            es_streq(arm_text(its, "subject"), arm_text(p, "subject")))
            return arm_error(c, 409, "Conflict",
                             "Issuer and subject combination already exists for this Managed "
                             "Identity.");
    }
    if (count >= MAX_CREDENTIALS)
        return arm_error(c, 400, "BadRequest",
                         "Too many Federated Identity Credentials, the maximum is %d.",
                         MAX_CREDENTIALS);
    return true;
}

void arm_fic_put(arm_call *c)
{
    const char *parent = parent_id(c);
    const arm_value *identity = arm_find(c, parent);
    arm_value *resource = arm_find(c, c->id.resource);
    bool created = resource == NULL;
    if (identity == NULL) {
        (void)arm_error(c, 404, "ParentResourceNotFound",
                        "Failed to perform 'write' on resource(s) of type '%s', because the parent "
                        "resource '%s' could not be found.",
                        c->type->type, parent);
        return;
    }
    if (!check_credential(c, parent))
        return;
    if (created)
        resource = arm_add(c,
                           arm_pool_printf(&c->pool, "%s/federatedIdentityCredentials/%s",
                                           arm_text(identity, "id"), c->id.name),
                           c->type->type, c->id.name);
    arm_set(&c->pool, resource, "properties", arm_clone(&c->pool, arm_get(c->body, "properties")));
    arm_identity_sync_clusters(c);
    c->changed = true;
    arm_reply(c, created ? 201 : 200, arm_view(c, resource));
}

void arm_fic_delete(arm_call *c)
{
    arm_resource_delete(c);
    arm_identity_sync_clusters(c);
}
