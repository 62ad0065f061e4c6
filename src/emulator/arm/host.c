/* SPDX-License-Identifier: MIT */
/* A resource's settings as environment variables. */
#include "host.h"

#include "internal.h"

#include <string.h>

typedef struct visit {
    arm_call *c;
    arm_setting_visitor *visitor;
    void *ctx;
    entrasql_status status;
} visit;

static void give(visit *v, const char *name, const char *value)
{
    if (v->status == ENTRASQL_OK && name != NULL && value != NULL)
        v->status = v->visitor(v->ctx, name, value);
}

/* App Service on Linux writes '_' for what a shell cannot name. */
static const char *linux_name(visit *v, const char *prefix, const char *name)
{
    char *text = arm_pool_printf(&v->c->pool, "%s%s", prefix, name);
    for (char *p = text; p != NULL && *p != '\0'; p++) {
        char lower = es_ascii_lower(*p);
        if (!es_is_digit(*p) && !(lower >= 'a' && lower <= 'z') && *p != '_')
            *p = '_';
    }
    return text;
}

static const char *prefix_of(const char *type)
{
    static const char *const rows[][2] = {{"SQLAzure", "SQLAZURECONNSTR_"},
                                          {"SQLServer", "SQLCONNSTR_"},
                                          {"MySql", "MYSQLCONNSTR_"},
                                          {"PostgreSQL", "POSTGRESQLCONNSTR_"}};
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        if (es_strcaseeq(rows[i][0], type))
            return rows[i][1];
    }
    return "CUSTOMCONNSTR_";
}

static void give_site(visit *v, const arm_value *site)
{
    const char *id = arm_text(site, "id"), *name = arm_text(site, "name");
    const char *slash = strstr(id, "/slots/");
    const arm_value *settings =
        arm_get(arm_find_child(v->c, id, "config/appsettings"), "properties");
    const arm_value *strings =
        arm_get(arm_find_child(v->c, id, "config/connectionstrings"), "properties");
    const char *last = slash != NULL ? strrchr(id, '/') + 1 : NULL;
    const char *app = name;
    if (slash != NULL) {
        const char *from = slash;
        while (from[-1] != '/')
            from--;
        app = arm_pool_copy(&v->c->pool, from, (size_t)(slash - from));
    }
    give(v, "WEBSITE_SITE_NAME", app);
    give(v, "WEBSITE_SLOT_NAME", last != NULL ? last : "Production");
    give(v, "WEBSITE_HOSTNAME",
         arm_pool_printf(&v->c->pool, "%s%s%s.azurewebsites.net", app != NULL ? app : "",
                         last != NULL ? "-" : "", last != NULL ? last : ""));
    for (const arm_member *m = settings != NULL ? settings->first : NULL; m != NULL; m = m->next) {
        give(v, linux_name(v, "", m->name), m->value->text);
        give(v, linux_name(v, "APPSETTING_", m->name), m->value->text);
    }
    for (const arm_member *m = strings != NULL ? strings->first : NULL; m != NULL; m = m->next)
        give(v, linux_name(v, prefix_of(arm_text(m->value, "type")), m->name),
             arm_text(m->value, "value"));
}

static void give_members(visit *v, const arm_value *object)
{
    for (const arm_member *m = object != NULL ? object->first : NULL; m != NULL; m = m->next)
        give(v, m->name, m->value->text);
}

static void give_container(visit *v, const arm_value *app)
{
    const arm_value *containers = arm_path(app, "properties", "template", "containers", NULL);
    const arm_value *secrets = arm_path(app, "properties", "configuration", "secrets", NULL);
    const arm_value *env = containers != NULL && containers->first != NULL
                               ? arm_get(containers->first->value, "env")
                               : NULL;
    give(v, "CONTAINER_APP_NAME", arm_text(app, "name"));
    for (const arm_member *m = env != NULL ? env->first : NULL; m != NULL; m = m->next) {
        const char *value = arm_text(m->value, "value"), *ref = arm_text(m->value, "secretRef");
        for (const arm_member *s = secrets != NULL ? secrets->first : NULL; s != NULL;
             s = s->next) {
            if (ref != NULL && es_strcaseeq(arm_text(s->value, "name"), ref))
                value = arm_text(s->value, "value");
        }
        give(v, arm_text(m->value, "name"), value);
    }
}

/* The deployment that is active. */
static void give_spring(visit *v, const arm_value *app)
{
    const char *id = arm_text(app, "id");
    for (const arm_member *m = v->c->resources->first; m != NULL; m = m->next) {
        const arm_value *p = arm_get(m->value, "properties");
        const char *its = arm_text(m->value, "id");
        if (es_strcaseeq(arm_text(m->value, "type"),
                         "Microsoft.AppPlatform/Spring/apps/deployments") &&
            arm_is_below(its, id) && arm_flag(p, "active"))
            give_members(v, arm_path(p, "deploymentSettings", "environmentVariables", NULL));
    }
}

static void give_settings(visit *v, const arm_value *resource)
{
    const char *type = arm_text(resource, "type");
    if (es_strncaseeq(type, "Microsoft.Web/", 14))
        give_site(v, resource);
    else if (es_strncaseeq(type, "Microsoft.App/", 14))
        give_container(v, resource);
    else if (es_strncaseeq(type, "Microsoft.AppPlatform/", 22))
        give_spring(v, resource);
    else
        give_members(v, arm_get(resource, "guest"));
}

static arm_value *find_resource(arm_call *c, const char *host)
{
    for (const arm_member *m = c->resources->first; m != NULL; m = m->next) {
        const arm_type *type = arm_type_find(arm_text(m->value, "type"));
        if (type != NULL && type->identity != ARM_IDENTITY_NONE &&
            es_strcaseeq(arm_host_name(c, m->value), host))
            return m->value;
    }
    return NULL;
}

entrasql_status arm_host_settings(const world *w, const char *data_dir, uint16_t sql_port,
                                  const char *host, arm_setting_visitor *visitor, void *ctx,
                                  bool *ret_found, entrasql_error *err)
{
    arm a = {.sql_port = sql_port};
    arm_call c = {.a = &a, .w = w};
    visit v = {.c = &c, .visitor = visitor, .ctx = ctx};
    a.data_dir = arm_pool_copy(&c.pool, data_dir, strlen(data_dir));
    *ret_found = false;
    if (a.data_dir == NULL || !arm_load(&c)) {
        bool is_nomem = arm_pool_failed(&c.pool);
        arm_pool_done(&c.pool);
        return is_nomem
                   ? es_nomem(err)
                   : es_fail(err, ENTRASQL_MALFORMED, "the world in %s cannot be read", data_dir);
    }
    const arm_value *resource = find_resource(&c, host);
    *ret_found = resource != NULL;
    if (resource != NULL)
        give_settings(&v, resource);
    if (arm_pool_failed(&c.pool))
        v.status = es_nomem(err);
    arm_pool_done(&c.pool);
    return v.status;
}
