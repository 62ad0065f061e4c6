/* SPDX-License-Identifier: MIT */
/* The SQL server: its Entra admin, the Entra-only switch, firewall rules. */
#include "internal.h"

#include "emulator/world/firewall.h"

#include <string.h>

/* The server that the path names; else Microsoft.Sql's own 404. */
static bool need_server(arm_call *c)
{
    if (es_strcaseeq(c->id.top, world_server_name(c->w)) && c->id.group != NULL &&
        es_strcaseeq(c->id.group, world_get_subscription(c->w)->resource_group))
        return true;
    if (es_strcaseeq(c->id.top, world_server_name(c->w)))
        return arm_error(c, 404, "ServerNotInSubscriptionResourceGroup",
                         "Specified server does not exist in the specified resource group and "
                         "subscription.");
    return arm_error(c, 404, "ParentResourceNotFound",
                     "Failed to perform '%s' on resource(s) of type '%s', because the parent "
                     "resource '%s' could not be found.",
                     es_streq(c->method, "GET") ? "read" : "write", c->id.type, c->id.resource);
}

static arm_value *server(arm_call *c)
{
    const char *id = arm_pool_printf(
        &c->pool, "/subscriptions/%s/resourceGroups/%s/providers/Microsoft.Sql/servers/%s",
        c->id.subscription, c->id.group, c->id.top);
    return arm_find(c, id);
}

static arm_value *world_server(arm_call *c)
{
    return arm_need_object(&c->pool, c->root, "server");
}

static const char *child_id(arm_call *c, const char *names)
{
    return arm_pool_printf(&c->pool, "%s/%s", arm_text(server(c), "id"), names);
}

/* ---- the admin ---- */

static const char *admin_login(const world_principal *p)
{
    return p->upn != NULL ? p->upn : p->name;
}

/* The login is a name for people: what was given stays as long as it is that principal. */
static arm_value *view_admin(arm_call *c, const world_principal *p)
{
    const char *id = child_id(c, "administrators/ActiveDirectory");
    const arm_value *kept = arm_path(arm_find(c, id), "properties", NULL);
    bool is_same = kept != NULL && (es_strcaseeq(arm_text(kept, "sid"), p->object_id) ||
                                    es_strcaseeq(arm_text(kept, "sid"), p->client_id));
    arm_value *v = arm_new(&c->pool, JSON_KIND_OBJECT);
    arm_value *properties = arm_need_object(&c->pool, v, "properties");
    arm_set_text(&c->pool, properties, "administratorType", "ActiveDirectory");
    arm_set_text(&c->pool, properties, "login", is_same ? arm_text(kept, "login") : admin_login(p));
    arm_set_text(&c->pool, properties, "sid", is_same ? arm_text(kept, "sid") : p->object_id);
    arm_set_text(&c->pool, properties, "tenantId", p->tenant->id);
    arm_set(&c->pool, properties, "azureADOnlyAuthentication",
            arm_new_bool(&c->pool, world_is_entra_only(c->w)));
    arm_set_text(&c->pool, v, "id", id);
    arm_set_text(&c->pool, v, "name", "ActiveDirectory");
    arm_set_text(&c->pool, v, "type", "Microsoft.Sql/servers/administrators");
    return v;
}

void arm_sql_view_server(arm_call *c, arm_value *copy)
{
    const char *expand = httpd_query(c->request, "$expand");
    const world_principal *admin = world_server_admin(c->w);
    arm_value *properties = arm_need_object(&c->pool, copy, "properties");
    if (admin == NULL || expand == NULL || strstr(expand, "administrators") == NULL)
        return;
    arm_value *v = arm_new(&c->pool, JSON_KIND_OBJECT);
    arm_set_text(&c->pool, v, "administratorType", "ActiveDirectory");
    arm_set_text(&c->pool, v, "principalType",
                 admin->kind == WORLD_USER    ? "User"
                 : admin->kind == WORLD_GROUP ? "Group"
                                              : "Application");
    arm_set_text(&c->pool, v, "login", admin_login(admin));
    arm_set_text(&c->pool, v, "sid", admin->object_id);
    arm_set_text(&c->pool, v, "tenantId", admin->tenant->id);
    arm_set(&c->pool, v, "azureADOnlyAuthentication",
            arm_new_bool(&c->pool, world_is_entra_only(c->w)));
    arm_set(&c->pool, properties, "administrators", v);
}

void arm_sql_admin_get(arm_call *c)
{
    const world_principal *admin = world_server_admin(c->w);
    if (!need_server(c))
        return;
    if (admin == NULL)
        (void)arm_not_found(c);
    else
        arm_reply(c, 200, view_admin(c, admin));
}

void arm_sql_admin_list(arm_call *c)
{
    const world_principal *admin = world_server_admin(c->w);
    arm_value *list = arm_new(&c->pool, JSON_KIND_ARRAY);
    if (!need_server(c))
        return;
    if (admin != NULL)
        arm_append(&c->pool, list, view_admin(c, admin));
    arm_reply_list(c, list);
}

/* By object id; a service principal also by its client id, which some tools give. */
static const world_principal *principal_of(const arm_call *c, const char *sid)
{
    const world_principal *p = sid != NULL ? world_object_find(c->w, sid) : NULL;
    return p != NULL || sid == NULL ? p : world_app_find(c->w, sid);
}

static bool check_admin(arm_call *c, const arm_value *p)
{
    const char *tenant = arm_text(p, "tenantId");
    if (!es_streq(arm_text(p, "administratorType"), "ActiveDirectory"))
        return arm_error(c, 400, "InvalidServerAdministratorTypePropertyName",
                         "Server administrator type is not valid.");
    if (es_str_is_empty(arm_text(p, "login")) || es_str_is_empty(arm_text(p, "sid")))
        return arm_error(c, 400, "InvalidParameterValue",
                         "Invalid value given for parameter %s. Specify a valid parameter value.",
                         es_str_is_empty(arm_text(p, "login")) ? "Login" : "Sid");
    if (arm_get(p, "azureADOnlyAuthentication") != NULL &&
        arm_flag(p, "azureADOnlyAuthentication") != world_is_entra_only(c->w))
        return arm_error(c, 400, "InvalidServerAzureADOnlyAuthenticationParameter",
                         "Azure Active Directory only authentication cannot be changed by this "
                         "request. Use azureADOnlyAuthentications.");
    if (tenant != NULL && world_tenant_find(c->w, tenant) == NULL)
        return arm_error(c, 400, "InvalidParameterValue",
                         "Invalid value given for parameter TenantId. Specify a valid parameter "
                         "value.");
    if (es_strcaseeq(arm_text(p, "login"),
                     arm_text(arm_get(server(c), "properties"), "administratorLogin")))
        return arm_error(c, 400, "ServerAdministratorNameAlreadyExists",
                         "Server administrator name '%s' already exists.", arm_text(p, "login"));
    return true;
}

void arm_sql_admin_put(arm_call *c)
{
    const arm_value *p = arm_get(c->body, "properties");
    if (!need_server(c) || !arm_check_properties(c) || !check_admin(c, p))
        return;
    const world_principal *who = principal_of(c, arm_text(p, "sid"));
    if (who == NULL) {
        (void)arm_error(c, 400, "InvalidParameterValue",
                        "Invalid value given for parameter Sid: the directory has no object '%s'.",
                        arm_text(p, "sid"));
        return;
    }
    const char *id = child_id(c, "administrators/ActiveDirectory");
    arm_value *kept = arm_find(c, id);
    if (kept == NULL)
        kept = arm_add(c, id, "Microsoft.Sql/servers/administrators", "ActiveDirectory");
    arm_set(&c->pool, kept, "properties", arm_clone(&c->pool, p));
    arm_set_text(&c->pool, world_server(c), "admin", who->object_id);
    c->changed = true;
    if (!arm_operation_begin(c, ARM_LRO_ACCEPTED, "CreateActiveDirectoryAdministrator",
                             view_admin(c, who), false))
        c->changed = false;
}

void arm_sql_admin_delete(arm_call *c)
{
    if (!need_server(c))
        return;
    if (world_is_entra_only(c->w)) {
        (void)arm_error(c, 400, "InvalidServerAzureADAdminDeleteOperation",
                        "Azure Active Directory administrator cannot be removed while Azure Active "
                        "Directory only authentication is enabled.");
        return;
    }
    if (world_server_admin(c->w) == NULL) {
        arm_reply(c, 204, NULL);
        return;
    }
    arm_remove(world_server(c), "admin");
    arm_drop(c, arm_find(c, child_id(c, "administrators/ActiveDirectory")));
    c->changed = true;
    if (!arm_operation_begin(c, ARM_LRO_ACCEPTED, "DropActiveDirectoryAdministrator", NULL, false))
        c->changed = false;
}

/* ---- Entra only ---- */

static arm_value *view_only(arm_call *c, bool on)
{
    arm_value *v = arm_new(&c->pool, JSON_KIND_OBJECT);
    arm_set(&c->pool, arm_need_object(&c->pool, v, "properties"), "azureADOnlyAuthentication",
            arm_new_bool(&c->pool, on));
    arm_set_text(&c->pool, v, "id", child_id(c, "azureADOnlyAuthentications/Default"));
    arm_set_text(&c->pool, v, "name", "Default");
    arm_set_text(&c->pool, v, "type", "Microsoft.Sql/servers/azureADOnlyAuthentications");
    return v;
}

void arm_sql_only_get(arm_call *c)
{
    if (need_server(c))
        arm_reply(c, 200, view_only(c, world_is_entra_only(c->w)));
}

void arm_sql_only_list(arm_call *c)
{
    arm_value *list = arm_new(&c->pool, JSON_KIND_ARRAY);
    if (!need_server(c))
        return;
    arm_append(&c->pool, list, view_only(c, world_is_entra_only(c->w)));
    arm_reply_list(c, list);
}

void arm_sql_only_put(arm_call *c)
{
    const arm_value *p = arm_get(c->body, "properties");
    const arm_value *on = arm_get(p, "azureADOnlyAuthentication");
    if (!need_server(c) || !arm_check_properties(c))
        return;
    if (!arm_is(on, JSON_KIND_BOOL)) {
        (void)arm_error(c, 400, "InvalidParameterValue",
                        "Invalid value given for parameter azureADOnlyAuthentication. Specify a "
                        "valid parameter value.");
        return;
    }
    if (on->boolean && world_server_admin(c->w) == NULL) {
        (void)arm_error(c, 400, "InvalidServerAADOnlyAuthNoAADAdminPropertyName",
                        "Azure Active Directory only authentication cannot be enabled without an "
                        "Azure Active Directory administrator.");
        return;
    }
    arm_set(&c->pool, world_server(c), "entra_only", arm_new_bool(&c->pool, on->boolean));
    c->changed = true;
    if (!arm_operation_begin(c, ARM_LRO_ACCEPTED, "UpsertServerAzureADOnlyAuthentications",
                             view_only(c, on->boolean), false))
        c->changed = false;
}

/* ---- firewall ---- */

static bool check_rule(arm_call *c, const arm_value *p, const char *name)
{
    const char *publicly = arm_text(arm_get(server(c), "properties"), "publicNetworkAccess");
    uint32_t start = 0, end = 0;
    if (es_strcaseeq(publicly, "Disabled"))
        return arm_error(c, 400, "DenyPublicEndpointEnabled",
                         "Unable to create or modify firewall rules when public network interface "
                         "for the server is disabled. To manage server or database level firewall "
                         "rules, please enable the public network interface.");
    if (name == NULL || strlen(name) > 128)
        return arm_error(c, 400, "FirewallRuleNameTooLong",
                         "The specified firewall rule name is too long.");
    if (!world_address_parse(arm_text(p, "startIpAddress"), &start) ||
        !world_address_parse(arm_text(p, "endIpAddress"), &end))
        return arm_error(c, 400, "FirewallRuleNotIPv4Address",
                         "The IP address specified is not a valid IPv4 address.");
    if (start > end)
        return arm_error(c, 400, "FirewallRuleInvalidRange",
                         "The start IP address is greater than the end IP address.");
    return true;
}

static void put_rule(arm_call *c, const char *name, const arm_value *p)
{
    const char *id = child_id(c, arm_pool_printf(&c->pool, "firewallRules/%s", name));
    arm_value *rule = arm_find(c, id);
    if (rule == NULL)
        rule = arm_add(c, id, "Microsoft.Sql/servers/firewallRules", name);
    arm_set(&c->pool, rule, "properties", arm_clone(&c->pool, p));
    c->changed = true;
}

void arm_sql_rule_put(arm_call *c)
{
    const arm_value *p = arm_get(c->body, "properties");
    bool created = arm_find(c, c->id.resource) == NULL;
    if (!need_server(c) || !arm_check_properties(c) || !check_rule(c, p, c->id.name))
        return;
    put_rule(c, c->id.name, p);
    arm_reply(c, created ? 201 : 200, arm_find(c, c->id.resource));
}

/* The trap: the collection's PUT makes its list all rules that there are. */
void arm_sql_rules_replace(arm_call *c)
{
    const arm_value *values = arm_get(c->body, "values");
    const arm_member *next;
    if (!need_server(c))
        return;
    for (const arm_member *m = values != NULL ? values->first : NULL; m != NULL; m = m->next) {
        if (!check_rule(c, arm_get(m->value, "properties"), arm_text(m->value, "name")))
            return;
    }
    for (const arm_member *m = c->resources->first; m != NULL; m = next) {
        next = m->next;
        if (es_strcaseeq(arm_text(m->value, "type"), "Microsoft.Sql/servers/firewallRules"))
            arm_remove_value(c->resources, m->value);
    }
    for (const arm_member *m = values != NULL ? values->first : NULL; m != NULL; m = m->next)
        put_rule(c, arm_text(m->value, "name"), arm_get(m->value, "properties"));
    c->changed = true;
    arm_reply(c, 200, NULL);
}
