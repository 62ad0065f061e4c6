/* SPDX-License-Identifier: MIT */
/* App Service: settings, connection strings and restarts of sites and slots. */
#include "internal.h"

#include <string.h>

void arm_web_view(arm_call *c, arm_value *copy)
{
    arm_value *p = arm_need_object(&c->pool, copy, "properties");
    const char *name = arm_text(copy, "name");
    const char *slash = strchr(name, '/');
    arm_remove(p, "provisioningState"); /* sites do not have one */
    if (arm_text(copy, "kind") == NULL)
        arm_set_text(&c->pool, copy, "kind", "app,linux");
    arm_set_text(&c->pool, p, "state", "Running");
    arm_set_text(&c->pool, p, "defaultHostName",
                 slash == NULL ? arm_pool_printf(&c->pool, "%s.azurewebsites.net", name)
                               : arm_pool_printf(&c->pool, "%.*s-%s.azurewebsites.net",
                                                 (int)(slash - name), name, slash + 1));
    if (arm_get(p, "siteConfig") == NULL)
        (void)arm_need_object(&c->pool, p, "siteConfig");
}

/* The site or slot of a ".../config/x"; NULL after 404. */
static arm_value *need_site(arm_call *c)
{
    const char *end = c->id.resource + strlen(c->id.resource);
    int slashes = 0;
    while (slashes < 2)
        slashes += *--end == '/' ? 1 : 0;
    arm_value *site =
        arm_find(c, arm_pool_copy(&c->pool, c->id.resource, (size_t)(end - c->id.resource)));
    if (site == NULL)
        (void)arm_error(c, 404, "ResourceNotFound",
                        "The Resource 'Microsoft.Web/sites/%s' under resource group '%s' was not "
                        "found. For more details please go to "
                        "https://aka.ms/ARMResourceNotFoundFix",
                        c->id.top, c->id.group);
    return site;
}

static arm_value *view_config(arm_call *c, const arm_value *site, const arm_value *config)
{
    arm_value *v = arm_new(&c->pool, JSON_KIND_OBJECT);
    arm_value *p = arm_clone(&c->pool, arm_get(config, "properties"));
    arm_set_text(&c->pool, v, "id", c->id.resource);
    arm_set_text(&c->pool, v, "name", c->id.name);
    arm_set_text(&c->pool, v, "type", c->type->type);
    arm_set_text(&c->pool, v, "location", arm_text(site, "location"));
    arm_set(&c->pool, v, "properties", p != NULL ? p : arm_new(&c->pool, JSON_KIND_OBJECT));
    return v;
}

void arm_web_config_list(arm_call *c)
{
    const arm_value *site = need_site(c);
    if (site != NULL)
        arm_reply(c, 200, view_config(c, site, arm_find(c, c->id.resource)));
}

void arm_web_names_get(arm_call *c)
{
    arm_web_config_list(c);
}

/* The site's own configuration is in the site. */
void arm_web_config_get(arm_call *c)
{
    const arm_value *site = need_site(c);
    arm_value *config = arm_new(&c->pool, JSON_KIND_OBJECT);
    if (site == NULL)
        return;
    const arm_value *its = arm_path(site, "properties", "siteConfig", NULL);
    if (its != NULL)
        arm_set(&c->pool, config, "properties", arm_clone(&c->pool, its));
    arm_reply(c, 200, view_config(c, site, config));
}

/* Letters, digits, '.', '_' and, since .NET has them, "__" for ':'; others fail at the start. */
static bool is_good_name(const char *name)
{
    return *name != '\0' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
               strlen(name);
}

static bool bad(arm_call *c, const char *name, const char *why)
{
    return arm_error(c, 400, "BadRequest", "The parameter %s has an invalid value: %s.", name, why);
}

static bool check_connection_string(arm_call *c, const char *name, const arm_value *v)
{
    static const char *const types[] = {"MySql",           "SQLServer",  "SQLAzure",  "Custom",
                                        "NotificationHub", "ServiceBus", "EventHub",  "ApiHub",
                                        "DocDb",           "RedisCache", "PostgreSQL"};
    const char *type = arm_text(v, "type");
    if (!arm_is(v, JSON_KIND_OBJECT) || arm_text(v, "value") == NULL)
        return bad(c, name, "a connection string has a value and a type");
    for (size_t i = 0; i < ES_COUNT_OF(types); i++) {
        if (es_strcaseeq(type, types[i]))
            return true;
    }
    return bad(c, name, "its type is none of App Service's");
}

static bool check_config(arm_call *c, const arm_value *p)
{
    bool is_settings = es_strcaseeq(c->id.name, "appsettings");
    bool is_names = es_strcaseeq(c->id.name, "slotConfigNames");
    if (!arm_is(p, JSON_KIND_OBJECT))
        return arm_error(c, 400, "BadRequest", "The parameter properties has an invalid value.");
    for (const arm_member *m = p->first; m != NULL; m = m->next) {
        if (is_names) {
            if (m->value->kind != JSON_KIND_ARRAY && m->value->kind != JSON_KIND_NULL)
                return bad(c, m->name, "a list of names");
            continue;
        }
        if (!is_good_name(m->name))
            return arm_error(c, 400, "BadRequest", "AppSetting with name(s) '%s' is not allowed.",
                             m->name);
        if (is_settings && m->value->kind != JSON_KIND_STRING && m->value->kind != JSON_KIND_NULL)
            return bad(c, m->name, "a setting is a text");
        if (!is_settings && !check_connection_string(c, m->name, m->value))
            return false;
    }
    return true;
}

/* The whole of them: what is not named is gone. It restarts the site. */
void arm_web_config_put(arm_call *c)
{
    const arm_value *site = need_site(c);
    const arm_value *p = arm_get(c->body, "properties");
    arm_value *config = arm_find(c, c->id.resource);
    if (site == NULL || !check_config(c, p))
        return;
    if (config == NULL)
        config =
            arm_add(c, arm_pool_printf(&c->pool, "%s/config/%s", arm_text(site, "id"), c->id.name),
                    c->type->type, c->id.name);
    arm_set(&c->pool, config, "properties", arm_clone(&c->pool, p));
    c->changed = true;
    arm_reply(c, 200, view_config(c, site, config));
}

void arm_web_restart(arm_call *c)
{
    arm_value *site = arm_need(c);
    if (site == NULL)
        return;
    arm_set_text(&c->pool, arm_need_object(&c->pool, site, "properties"), "lastModifiedTimeUtc",
                 arm_now(c));
    c->changed = true;
    arm_reply(c, 200, NULL);
}
