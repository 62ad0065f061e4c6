/* SPDX-License-Identifier: MIT */
/* Container Apps: secrets that are not shown, revisions, the environment that has to be joined. */
#include "internal.h"

#include <string.h>

static arm_value *secrets_of(const arm_value *app)
{
    return arm_path(app, "properties", "configuration", "secrets", NULL);
}

/* The provider writes its own type in lower case into ids. */
void arm_container_view(arm_call *c, arm_value *copy)
{
    const arm_value *secrets = secrets_of(copy);
    const char *id = arm_text(copy, "id");
    const char *at = strstr(id, "/containerApps/");
    arm_remove(copy, "revision");
    for (const arm_member *m = secrets != NULL ? secrets->first : NULL; m != NULL; m = m->next)
        arm_remove(m->value, "value");
    if (at != NULL)
        arm_set_text(&c->pool, copy, "id",
                     arm_pool_printf(&c->pool, "%.*s/containerapps/%s", (int)(at - id), id,
                                     at + strlen("/containerApps/")));
}

void arm_container_secrets(arm_call *c)
{
    const arm_value *app = arm_need(c);
    arm_value *list = arm_clone(&c->pool, secrets_of(app));
    if (app != NULL)
        arm_reply_list(c, list != NULL ? list : arm_new(&c->pool, JSON_KIND_ARRAY));
}

/* Revisions are not kept: the newest one is in the app. */
void arm_container_restart(arm_call *c)
{
    const char *at = c->id.resource;
    for (const char *p = at; (p = strstr(p, "/revisions/")) != NULL; p++)
        at = p;
    const arm_value *app =
        arm_find(c, arm_pool_copy(&c->pool, c->id.resource, (size_t)(at - c->id.resource)));
    if (app == NULL ||
        !es_strcaseeq(c->id.name, arm_text(arm_get(app, "properties"), "latestRevisionName")))
        (void)arm_not_found(c);
    else
        arm_reply(c, 200, NULL);
}

static bool has_secret(const arm_value *secrets, const char *name)
{
    for (const arm_member *m = secrets != NULL ? secrets->first : NULL; m != NULL; m = m->next) {
        if (es_strcaseeq(arm_text(m->value, "name"), name))
            return true;
    }
    return false;
}

/* Who sends secrets at all sends each with its value. */
static bool check_secrets(arm_call *c, const arm_value *app)
{
    const arm_value *secrets = secrets_of(app);
    for (const arm_member *m = secrets != NULL ? secrets->first : NULL; m != NULL; m = m->next) {
        if (arm_text(m->value, "value") == NULL && arm_text(m->value, "keyVaultUrl") == NULL)
            return arm_error(c, 400, "ContainerAppSecretInvalid",
                             "Invalid Request: Container app secret(s) with name(s) '%s' are "
                             "invalid: value or keyVaultUrl and identity should be provided.",
                             arm_text(m->value, "name") != NULL ? arm_text(m->value, "name") : "");
    }
    const arm_value *containers = arm_path(app, "properties", "template", "containers", NULL);
    for (const arm_member *k = containers != NULL ? containers->first : NULL; k != NULL;
         k = k->next) {
        const arm_value *env = arm_get(k->value, "env");
        for (const arm_member *m = env != NULL ? env->first : NULL; m != NULL; m = m->next) {
            const char *name = arm_text(m->value, "secretRef");
            if (name != NULL && *name != '\0' && !has_secret(secrets, name))
                return arm_error(c, 400, "ContainerAppSecretRefNotFound",
                                 "SecretRef '%s' defined for container '%s' not found.", name,
                                 arm_text(k->value, "name"));
        }
    }
    return true;
}

/* Every other template is another revision. */
static void name_revision(arm_call *c, arm_value *app)
{
    arm_value *p = arm_need_object(&c->pool, app, "properties");
    const arm_value *template = arm_get(p, "template");
    arm_value *kept = arm_need_object(&c->pool, app, "revision");
    const arm_value *number = arm_get(kept, "number");
    int64_t n = arm_is(number, JSON_KIND_INTEGER) ? number->integer : 0;
    if (!arm_same(arm_get(kept, "template"), template) || n == 0) {
        n++;
        arm_set(&c->pool, kept, "number", arm_new_number(&c->pool, n));
        if (template != NULL)
            arm_set(&c->pool, kept, "template", arm_clone(&c->pool, template));
    }
    const char *name = arm_pool_printf(&c->pool, "%s--%07d", arm_text(app, "name"), (int)n);
    arm_set_text(&c->pool, p, "latestRevisionName", name);
    arm_set_text(&c->pool, p, "latestReadyRevisionName", name);
}

bool arm_container_check(arm_call *c, arm_value *app, bool created)
{
    const arm_value *p = arm_get(app, "properties");
    const char *environment = arm_text(p, "managedEnvironmentId");
    (void)created;
    if (environment == NULL)
        environment = arm_text(p, "environmentId");
    if (environment == NULL || arm_find(c, environment) == NULL)
        return arm_error(c, 400, "InvalidRequestParameterWithDetails",
                         "EnvironmentId is invalid. The environment does not exist.");
    if (es_streq(c->method, "PUT") &&
        !arm_check_linked_right(c, "Microsoft.App/containerApps/write", c->id.resource,
                                "Microsoft.App/managedEnvironments/join/action", environment))
        return false;
    if (!check_secrets(c, app))
        return false;
    name_revision(c, app);
    return true;
}
