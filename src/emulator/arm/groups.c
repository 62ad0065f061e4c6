/* SPDX-License-Identifier: MIT */
/* Subscriptions, tenants, resource groups and providers. */
#include "internal.h"

#include <string.h>

static arm_value *view_subscription(arm_call *c)
{
    const world_subscription *s = world_get_subscription(c->w);
    arm_value *v = arm_new(&c->pool, JSON_KIND_OBJECT);
    arm_set_text(&c->pool, v, "id", arm_pool_printf(&c->pool, "/subscriptions/%s", s->id));
    arm_set_text(&c->pool, v, "subscriptionId", s->id);
    arm_set_text(&c->pool, v, "displayName", s->name);
    arm_set_text(&c->pool, v, "state", "Enabled");
    arm_set_text(&c->pool, v, "tenantId", arm_tenant_id(c));
    arm_set_text(&c->pool, v, "authorizationSource", "RoleBased");
    return v;
}

/* Who may read nothing of a subscription does not see it. */
void arm_subscriptions(arm_call *c)
{
    arm_value *list = arm_new(&c->pool, JSON_KIND_ARRAY);
    const char *id =
        arm_pool_printf(&c->pool, "/subscriptions/%s", world_get_subscription(c->w)->id);
    if (id != NULL && arm_may(c, "Microsoft.Resources/subscriptions/read", id))
        arm_append(&c->pool, list, view_subscription(c));
    arm_reply_list(c, list);
}

void arm_tenants(arm_call *c)
{
    arm_value *list = arm_new(&c->pool, JSON_KIND_ARRAY);
    arm_value *v = arm_new(&c->pool, JSON_KIND_OBJECT);
    arm_set_text(&c->pool, v, "id", arm_pool_printf(&c->pool, "/tenants/%s", arm_tenant_id(c)));
    arm_set_text(&c->pool, v, "tenantId", arm_tenant_id(c));
    arm_set_text(&c->pool, v, "displayName", world_home_tenant(c->w)->domain);
    arm_set_text(&c->pool, v, "defaultDomain", world_home_tenant(c->w)->domain);
    arm_append(&c->pool, list, v);
    arm_reply_list(c, list);
}

void arm_locations(arm_call *c)
{
    arm_value *list = arm_new(&c->pool, JSON_KIND_ARRAY);
    arm_value *v = arm_new(&c->pool, JSON_KIND_OBJECT);
    arm_set_text(&c->pool, v, "name", arm_location(c));
    arm_set_text(&c->pool, v, "displayName", arm_location(c));
    arm_append(&c->pool, list, v);
    arm_reply_list(c, list);
}

/* ---- groups ---- */

static arm_value *view_group(arm_call *c, const char *name)
{
    arm_value *v = arm_new(&c->pool, JSON_KIND_OBJECT);
    arm_set_text(&c->pool, v, "id",
                 arm_pool_printf(&c->pool, "/subscriptions/%s/resourceGroups/%s",
                                 world_get_subscription(c->w)->id, name));
    arm_set_text(&c->pool, v, "name", name);
    arm_set_text(&c->pool, v, "type", "Microsoft.Resources/resourceGroups");
    arm_set_text(&c->pool, v, "location", arm_location(c));
    arm_set_text(&c->pool, arm_need_object(&c->pool, v, "properties"), "provisioningState",
                 "Succeeded");
    return v;
}

void arm_groups(arm_call *c)
{
    arm_value *list = arm_new(&c->pool, JSON_KIND_ARRAY);
    arm_append(&c->pool, list, view_group(c, world_get_subscription(c->w)->resource_group));
    arm_reply_list(c, list);
}

/* A subscription's path, or a group's. */
void arm_place(arm_call *c)
{
    if (c->id.group != NULL)
        arm_reply(c, 200, view_group(c, world_get_subscription(c->w)->resource_group));
    else
        arm_reply(c, 200, view_subscription(c));
}

/* Resources of the group, without their children. */
void arm_group_resources(arm_call *c)
{
    arm_value *list = arm_new(&c->pool, JSON_KIND_ARRAY);
    for (const arm_member *m = c->resources->first; m != NULL; m = m->next) {
        const char *id = arm_text(m->value, "id"), *location = arm_text(m->value, "location");
        const char *name = arm_text(m->value, "name");
        if (location == NULL || !arm_is_below(id, c->id.resource))
            continue;
        arm_value *v = arm_new(&c->pool, JSON_KIND_OBJECT);
        arm_set_text(&c->pool, v, "id", id);
        arm_set_text(&c->pool, v, "name", name);
        arm_set_text(&c->pool, v, "type", arm_text(m->value, "type"));
        arm_set_text(&c->pool, v, "location", location);
        arm_append(&c->pool, list, v);
    }
    arm_reply_list(c, list);
}

/* ---- providers ---- */

static bool is_registered(const arm_call *c, const char *ns)
{
    const arm_value *list = arm_get(c->state, "unregistered");
    for (const arm_member *m = list != NULL ? list->first : NULL; m != NULL; m = m->next) {
        if (es_strcaseeq(m->value->text, ns))
            return false;
    }
    return true;
}

static arm_value *view_provider(arm_call *c, const char *ns)
{
    arm_value *v = arm_new(&c->pool, JSON_KIND_OBJECT);
    arm_value *list = arm_need_array(&c->pool, v, "resourceTypes");
    const arm_type *type;
    size_t n = strlen(ns);
    arm_set_text(&c->pool, v, "id",
                 arm_pool_printf(&c->pool, "/subscriptions/%s/providers/%s",
                                 world_get_subscription(c->w)->id, ns));
    arm_set_text(&c->pool, v, "namespace", ns);
    arm_set_text(&c->pool, v, "registrationState",
                 is_registered(c, ns) ? "Registered" : "NotRegistered");
    for (size_t i = 0; (type = arm_type_at(i)) != NULL; i++) {
        if (!es_strncaseeq(type->type, ns, n) || type->type[n] != '/')
            continue;
        arm_value *t = arm_new(&c->pool, JSON_KIND_OBJECT);
        arm_value *locations = arm_new(&c->pool, JSON_KIND_ARRAY);
        arm_value *versions = arm_new(&c->pool, JSON_KIND_ARRAY);
        arm_set_text(&c->pool, t, "resourceType", type->type + n + 1);
        arm_append(&c->pool, locations, arm_new_text(&c->pool, arm_location(c)));
        arm_set(&c->pool, t, "locations", locations);
        for (const char *p = type->versions; *p != '\0';) {
            size_t len = strcspn(p, " ");
            arm_append(&c->pool, versions, arm_new_text(&c->pool, arm_pool_copy(&c->pool, p, len)));
            p += len + (p[len] == ' ' ? 1 : 0);
        }
        arm_set(&c->pool, t, "apiVersions", versions);
        arm_append(&c->pool, list, t);
    }
    return v;
}

void arm_provider(arm_call *c)
{
    arm_reply(c, 200, view_provider(c, c->id.ns));
}

void arm_provider_register(arm_call *c)
{
    arm_value *list = arm_get(c->state, "unregistered");
    const arm_member *next;
    for (const arm_member *m = list != NULL ? list->first : NULL; m != NULL; m = next) {
        next = m->next;
        if (es_strcaseeq(m->value->text, c->id.ns)) {
            arm_remove_value(list, m->value);
            c->changed = true;
        }
    }
    arm_reply(c, 200, view_provider(c, c->id.ns));
}

bool arm_check_registered(arm_call *c)
{
    if (c->id.ns == NULL || is_registered(c, c->id.ns))
        return true;
    return arm_error(c, 409, "MissingSubscriptionRegistration",
                     "The subscription is not registered to use namespace '%s'. See "
                     "https://aka.ms/rps-not-found for how to register subscriptions.",
                     c->id.ns);
}
