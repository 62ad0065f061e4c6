/* SPDX-License-Identifier: MIT */
/* What all resources have in common: PUT replaces, PATCH merges, GET shows. */
#include "internal.h"

#include <stdio.h>
#include <string.h>

/* What a resource definition may hold beside its properties; ARM's front door refuses the rest. */
static const char top_level[] = "|id|name|type|location|tags|kind|sku|plan|zones|identity|"
                                "properties|managedBy|extendedLocation|etag|eTag|systemData|"
                                "apiVersion|scale|resources|";
/* Those that a request may change. */
static const char *const writable[] = {"kind",  "sku",       "plan",
                                       "zones", "managedBy", "extendedLocation"};
/* Properties that only the provider sets: they survive a PUT that does not name them. */
static const char read_only[] = "|provisioningState|state|hostNames|defaultHostName|"
                                "enabledHostNames|lastModifiedTimeUtc|vmId|uniqueId|url|"
                                "latestRevisionName|latestReadyRevisionName|outboundIpAddresses|"
                                "eventStreamEndpoint|fullyQualifiedDomainName|version|fqdn|"
                                "nodeResourceGroup|kubernetesVersion|currentKubernetesVersion|";

static bool is_among(const char *list, const char *name)
{
    char marked[128];
    int n = snprintf(marked, sizeof marked, "|%s|", name);
    return n > 0 && (size_t)n < sizeof marked && strstr(list, marked) != NULL;
}

arm_value *arm_need(arm_call *c)
{
    arm_value *resource = arm_find(c, c->id.resource);
    if (resource == NULL)
        (void)arm_not_found(c);
    return resource;
}

/* ---- showing ---- */

static void view_identity(arm_call *c, arm_value *copy)
{
    const arm_value *map = arm_path(copy, "identity", "userAssignedIdentities", NULL);
    for (const arm_member *m = map != NULL ? map->first : NULL; m != NULL; m = m->next) {
        const world_principal *p = arm_identity_find(c, m->name);
        if (p == NULL)
            continue; /* removed since: the ids that it had stay */
        arm_set_text(&c->pool, m->value, "principalId", p->object_id);
        arm_set_text(&c->pool, m->value, "clientId", p->client_id);
    }
}

arm_value *arm_view(arm_call *c, const arm_value *resource)
{
    arm_value *copy = arm_clone(&c->pool, resource);
    const arm_type *type = arm_type_find(arm_text(resource, "type"));
    const char *state = arm_operation_state(c, arm_text(resource, "id"));
    if (type == NULL)
        return copy;
    if (type->identity != ARM_IDENTITY_NONE)
        view_identity(c, copy);
    if (type->put != ARM_SYNC)
        arm_set_text(&c->pool, arm_need_object(&c->pool, copy, "properties"), "provisioningState",
                     state != NULL ? state : "Succeeded");
    if (type->view != NULL)
        type->view(c, copy);
    return copy;
}

void arm_resource_get(arm_call *c)
{
    const arm_value *resource = arm_need(c);
    if (resource == NULL)
        return;
    const char *etag =
        c->type != NULL && c->type->etag != NULL ? arm_text(resource, c->type->etag) : NULL;
    if (etag != NULL)
        arm_header(c, "ETag", etag);
    arm_reply(c, 200, arm_view(c, resource));
}

void arm_resource_list(arm_call *c)
{
    arm_value *list = arm_new(&c->pool, JSON_KIND_ARRAY);
    const char *type = arm_pool_printf(&c->pool, "%s/%s", c->id.type, c->id.tail);
    /* Of a resource its own children, else what lies in the group or subscription. */
    const char *below = c->id.name != NULL ? c->id.resource : c->id.scope;
    if (c->id.name != NULL && arm_need(c) == NULL)
        return;
    for (const arm_member *m = c->resources->first; m != NULL; m = m->next) {
        if (es_strcaseeq(arm_text(m->value, "type"), type) &&
            arm_is_below(arm_text(m->value, "id"), below))
            arm_append(&c->pool, list, arm_view(c, m->value));
    }
    arm_reply_list(c, list);
}

/* ---- checking ---- */

static bool check_members(arm_call *c, const arm_value *object, const char *allowed, const char *of)
{
    for (const arm_member *m = object != NULL ? object->first : NULL; m != NULL; m = m->next) {
        if (!is_among(allowed, m->name))
            return arm_error(c, 400, "InvalidRequestContent",
                             "The request content was invalid and could not be deserialized: "
                             "'Could not find member '%s' on object of type '%s'. Path '%s'.'.",
                             m->name, of, m->name);
    }
    return true;
}

static bool check_body(arm_call *c)
{
    const arm_value *properties = arm_get(c->body, "properties");
    const char *place = c->id.type != NULL ? strrchr(c->id.type, '/') : NULL;
    if (!check_members(c, c->body, top_level, "ResourceDefinition"))
        return false;
    if (properties != NULL && properties->kind != JSON_KIND_OBJECT &&
        properties->kind != JSON_KIND_NULL)
        return arm_error(c, 400, "InvalidRequestContent", "'properties' must be an object.");
    if (c->type->properties != NULL && !check_members(c, properties, c->type->properties,
                                                      place != NULL ? place + 1 : "properties"))
        return false;
    return true;
}

bool arm_check_properties(arm_call *c)
{
    return check_body(c);
}

/* A precondition of the request; where the provider does not look at it, it passes. */
static bool check_etag(arm_call *c, const arm_value *resource)
{
    const char *wanted = httpd_header(c->request, "If-Match");
    const char *unwanted = httpd_header(c->request, "If-None-Match");
    const char *its = c->type->etag != NULL ? arm_text(resource, c->type->etag) : NULL;
    if (c->type->etag == NULL)
        return true;
    if ((wanted != NULL && resource == NULL) ||
        (wanted != NULL && !es_streq(wanted, "*") && !es_streq(wanted, its)) ||
        (unwanted != NULL && es_streq(unwanted, "*") && resource != NULL))
        return arm_error(c, 412, "PreconditionFailed",
                         "The condition '%s' in the If-Match header was not satisfied. The current "
                         "etag is '%s'.",
                         wanted != NULL ? wanted : unwanted, its != NULL ? its : "");
    return true;
}

static void bump_etag(arm_call *c, arm_value *resource)
{
    const char *its = c->type->etag != NULL ? arm_text(resource, c->type->etag) : NULL;
    uint64_t n = 0;
    if (c->type->etag == NULL)
        return;
    if (its != NULL && strlen(its) > 2)
        (void)!es_parse_u64(its + 1, strlen(its) - 2, UINT32_MAX, &n);
    arm_set_text(&c->pool, resource, c->type->etag,
                 arm_pool_printf(&c->pool, "\"%u\"", (unsigned)n + 1));
}

static bool check_idle(arm_call *c)
{
    if (!arm_operation_runs(c, c->id.resource))
        return true;
    arm_header(c, "Retry-After", "1");
    return arm_error(c, 409, "AnotherOperationInProgress",
                     "Another operation on this or dependent resource is in progress. To retrieve "
                     "status of the operation use uri from its first answer.");
}

/* "West Europe" is westeurope. */
static bool same_location(const char *a, const char *b)
{
    for (;; a++, b++) {
        while (*a == ' ')
            a++;
        while (*b == ' ')
            b++;
        if (es_ascii_lower(*a) != es_ascii_lower(*b))
            return false;
        if (*a == '\0')
            return true;
    }
}

static bool check_location(arm_call *c, const arm_value *resource)
{
    const char *asked = arm_text(c->body, "location");
    const char *its = arm_text(resource, "location");
    bool is_child = strchr(c->id.names, '/') != NULL || c->type->identity == ARM_IDENTITY_NONE;
    if (resource == NULL && asked == NULL && !is_child)
        return arm_error(c, 400, "LocationRequired",
                         "The location property is required for this definition.");
    if (asked != NULL && its != NULL && !same_location(asked, its))
        return arm_error(c, 409, "InvalidResourceLocation",
                         "The resource '%s' already exists in location '%s' in resource group "
                         "'%s'. A resource with the same name cannot be created in location '%s'. "
                         "Please select a new resource name.",
                         c->id.name, its, c->id.group, asked);
    return true;
}

/* ---- changing ---- */

static void take_members(arm_call *c, arm_value *resource)
{
    for (size_t i = 0; i < ES_COUNT_OF(writable); i++) {
        const arm_value *v = arm_get(c->body, writable[i]);
        if (v != NULL && !arm_is(v, JSON_KIND_NULL))
            arm_set(&c->pool, resource, writable[i], arm_clone(&c->pool, v));
    }
    const arm_value *tags = arm_get(c->body, "tags");
    if (arm_is(tags, JSON_KIND_OBJECT))
        arm_set(&c->pool, resource, "tags", arm_clone(&c->pool, tags));
    if (arm_text(resource, "location") == NULL && arm_text(c->body, "location") != NULL)
        arm_set_text(&c->pool, resource, "location", arm_text(c->body, "location"));
}

static void replace_properties(arm_call *c, arm_value *resource)
{
    const arm_value *asked = arm_get(c->body, "properties");
    const arm_value *old = arm_get(resource, "properties");
    arm_value *next = arm_is(asked, JSON_KIND_OBJECT) ? arm_clone(&c->pool, asked)
                                                      : arm_new(&c->pool, JSON_KIND_OBJECT);
    for (const arm_member *m = old != NULL ? old->first : NULL; m != NULL; m = m->next) {
        if (is_among(read_only, m->name))
            arm_set(&c->pool, next, m->name, m->value);
    }
    arm_set(&c->pool, resource, "properties", next);
}

/* Container Apps answers 201 to every PUT that starts something. */
static bool is_started(const arm_call *c)
{
    return es_strcaseeq(c->id.ns, "Microsoft.App") && es_streq(c->method, "PUT");
}

/* Everything after the resource has its new content: what it is checked for, and the answer. */
static void finish(arm_call *c, arm_value *resource, arm_lro lro, bool created, bool is_patch)
{
    if (c->type->identity != ARM_IDENTITY_NONE && !arm_identity_apply(c, resource, is_patch))
        return;
    if (c->type->check != NULL && !c->type->check(c, resource, created))
        return;
    bump_etag(c, resource);
    c->changed = true;
    if (lro == ARM_SYNC)
        arm_reply(c, created ? 201 : 200, arm_view(c, resource));
    else if (!arm_operation_begin(c, lro, "", resource, created || is_started(c)))
        c->changed = false;
}

void arm_resource_put(arm_call *c)
{
    arm_value *resource = arm_find(c, c->id.resource);
    bool created = resource == NULL;
    if (!check_body(c) || !check_etag(c, resource) || !check_location(c, resource) ||
        !check_idle(c))
        return;
    c->before = arm_clone(&c->pool, resource);
    if (created)
        resource = arm_add(c, c->id.resource, c->type->type, c->id.name);
    if (created && c->type->identity == ARM_IDENTITY_NONE)
        arm_remove(resource, "location");
    take_members(c, resource);
    replace_properties(c, resource);
    finish(c, resource, c->type->put, created, false);
}

void arm_resource_patch(arm_call *c)
{
    arm_value *resource = arm_need(c);
    if (resource == NULL)
        return;
    if (c->type->patch_is_tags && !check_members(c, c->body, "|tags|", "TagsObject"))
        return;
    if (!check_body(c) || !check_etag(c, resource) || !check_idle(c))
        return;
    take_members(c, resource);
    arm_merge(&c->pool, arm_need_object(&c->pool, resource, "properties"),
              arm_get(c->body, "properties"));
    finish(c, resource, c->type->patch, false, true);
}

void arm_resource_delete(arm_call *c)
{
    arm_value *resource = arm_find(c, c->id.resource);
    if (resource == NULL) {
        arm_reply(c, 204, NULL);
        return;
    }
    arm_drop(c, resource);
    arm_reply(c, 200, NULL);
}
