/* SPDX-License-Identifier: MIT */
/* The state: the world's text as a tree that can be changed, and put back. */
#include "internal.h"

#include "base/mem.h"
#include "emulator/world/change.h"

#include <stdio.h>
#include <string.h>

#define DEFAULT_LOCATION "westeurope"

/* ---- what depends on this start ---- */

typedef struct placeholder {
    const char *mark;
    const char *text;
} placeholder;

static const char *exchange_one(arm_pool *pool, const char *text, const char *from, const char *to)
{
    ES_CLEANUP(es_buf_done) es_buf out = ES_BUF_INIT_WIPE(JSON_MAX_BYTES);
    const char *at = strstr(text, from);
    entrasql_status status = ENTRASQL_OK;
    if (at == NULL)
        return text;
    for (; at != NULL && status == ENTRASQL_OK; at = strstr(text, from)) {
        status = es_buf_add(&out, text, (size_t)(at - text));
        if (status == ENTRASQL_OK)
            status = es_buf_add_str(&out, to);
        text = at + strlen(from);
    }
    if (status == ENTRASQL_OK)
        status = es_buf_add_str(&out, text);
    if (status != ENTRASQL_OK) {
        pool->failed = true;
        return NULL;
    }
    return arm_pool_copy(pool, (const char *)out.data, out.len);
}

static void exchange(arm_pool *pool, arm_value *v, const char *from, const char *to)
{
    if (arm_is(v, JSON_KIND_STRING)) {
        const char *text = exchange_one(pool, v->text, from, to);
        v->text = text != NULL ? text : v->text;
        return;
    }
    for (const arm_member *m = v != NULL ? v->first : NULL; m != NULL; m = m->next)
        exchange(pool, m->value, from, to);
}

/* Ports differ from start to start, what is kept does not. */
static void relocate(arm_call *c, bool out)
{
    char comma[32], colon[32];
    (void)snprintf(comma, sizeof comma, "localhost,%u", (unsigned)c->a->sql_port);
    (void)snprintf(colon, sizeof colon, "localhost:%u", (unsigned)c->a->sql_port);
    const placeholder places[] = {{"localhost,{sql-port}", comma},
                                  {"localhost:{sql-port}", colon},
                                  {"{authority}", world_authority(c->w)}};
    for (size_t i = 0; i < ES_COUNT_OF(places); i++)
        exchange(&c->pool, c->state, out ? places[i].text : places[i].mark,
                 out ? places[i].mark : places[i].text);
}

/* ---- looking ---- */

const char *arm_location(const arm_call *c)
{
    const char *location = arm_text(c->state, "location");
    return location != NULL ? location : DEFAULT_LOCATION;
}

const char *arm_tenant_id(const arm_call *c)
{
    return world_home_tenant(c->w)->id;
}

arm_value *arm_find(const arm_call *c, const char *id)
{
    for (const arm_member *m = c->resources->first; id != NULL && m != NULL; m = m->next) {
        if (es_strcaseeq(arm_text(m->value, "id"), id))
            return m->value;
    }
    return NULL;
}

arm_value *arm_find_child(arm_call *c, const char *id, const char *names)
{
    return arm_find(c, arm_pool_printf(&c->pool, "%s/%s", id, names));
}

arm_value *arm_add(arm_call *c, const char *id, const char *type, const char *name)
{
    arm_value *resource = arm_new(&c->pool, JSON_KIND_OBJECT);
    arm_set_text(&c->pool, resource, "id", id);
    arm_set_text(&c->pool, resource, "name", name);
    arm_set_text(&c->pool, resource, "type", type);
    arm_append(&c->pool, c->resources, resource);
    return resource;
}

void arm_drop(arm_call *c, const arm_value *resource)
{
    const char *id = arm_text(resource, "id");
    const arm_member *next;
    for (const arm_member *m = c->resources->first; id != NULL && m != NULL; m = next) {
        const char *its = arm_text(m->value, "id");
        next = m->next;
        if (its != NULL && arm_is_below(its, id))
            arm_remove_value(c->resources, m->value);
    }
    c->changed = true;
}

bool arm_group_exists(const arm_call *c, const char *group)
{
    if (es_strcaseeq(group, world_get_subscription(c->w)->resource_group))
        return true;
    for (const arm_member *m = c->resources->first; m != NULL; m = m->next) {
        const char *id = arm_text(m->value, "id");
        const char *its = id != NULL ? strchr(id + 1, '/') : NULL; /* after "/subscriptions" */
        its = its != NULL ? strchr(its + 1, '/') : NULL;
        if (its == NULL || !es_strncaseeq(its, "/resourceGroups/", 16))
            continue;
        size_t n = strcspn(its + 16, "/");
        if (n == strlen(group) && es_strncaseeq(its + 16, group, n))
            return true;
    }
    return false;
}

bool arm_not_found(arm_call *c)
{
    const char *type = c->id.type != NULL ? c->id.type : "";
    if (c->id.names != NULL && strchr(c->id.names, '/') != NULL)
        return arm_error(c, 404, "ResourceNotFound",
                         "The requested resource of type '%s' with name '%s' was not found.", type,
                         c->id.name);
    return arm_error(c, 404, "ResourceNotFound",
                     "The Resource '%s/%s' under resource group '%s' was not found. For more "
                     "details please go to https://aka.ms/ARMResourceNotFoundFix",
                     type, c->id.name != NULL ? c->id.name : "",
                     c->id.group != NULL ? c->id.group : "<null>");
}

arm_value *arm_element(const arm_call *c, const char *list, const char *member, const char *text)
{
    const arm_value *all = arm_get(c->root, list);
    for (const arm_member *m = all != NULL ? all->first : NULL; m != NULL; m = m->next) {
        if (es_strcaseeq(arm_text(m->value, member), text))
            return m->value;
    }
    return NULL;
}

/* ---- what follows from the world ---- */

static void complete_server(arm_call *c)
{
    const world_subscription *s = world_get_subscription(c->w);
    const char *name = world_server_name(c->w);
    const char *id = arm_pool_printf(
        &c->pool, "/subscriptions/%s/resourceGroups/%s/providers/Microsoft.Sql/servers/%s", s->id,
        s->resource_group, name);
    arm_value *server = arm_find(c, id);
    if (server == NULL) {
        server = arm_add(c, id, "Microsoft.Sql/servers", name);
        arm_set_text(&c->pool, server, "kind", "v12.0");
        arm_set_text(&c->pool, server, "location", arm_location(c));
    }
    arm_value *properties = arm_need_object(&c->pool, server, "properties");
    if (arm_text(properties, "administratorLogin") == NULL)
        arm_set_text(&c->pool, properties, "administratorLogin", "sqladmin");
    if (arm_text(properties, "publicNetworkAccess") == NULL)
        arm_set_text(&c->pool, properties, "publicNetworkAccess", "Enabled");
    arm_set_text(&c->pool, properties, "fullyQualifiedDomainName", "localhost");
    arm_set_text(&c->pool, properties, "state", "Ready");
    arm_set_text(&c->pool, properties, "version", "12.0");
    for (size_t i = 0; i < world_database_count(c->w); i++) {
        const char *database = world_database_name(c->w, i);
        if (arm_find_child(c, id, arm_pool_printf(&c->pool, "databases/%s", database)) != NULL)
            continue;
        arm_value *d = arm_add(c, arm_pool_printf(&c->pool, "%s/databases/%s", id, database),
                               "Microsoft.Sql/servers/databases", database);
        arm_set_text(&c->pool, d, "location", arm_location(c));
        arm_set_text(&c->pool, arm_need_object(&c->pool, d, "properties"), "status", "Online");
    }
}

static const char identity_type[] = "Microsoft.ManagedIdentity/userAssignedIdentities";

/* Those that are gone from the directory are gone here; those that are there are here. */
static void complete_identities(arm_call *c)
{
    const world_principal *p;
    const arm_member *next;
    for (const arm_member *m = c->resources->first; m != NULL; m = next) {
        next = m->next;
        if (es_strcaseeq(arm_text(m->value, "type"), identity_type) &&
            arm_identity_find(c, arm_text(m->value, "id")) == NULL)
            arm_remove_value(c->resources, m->value);
    }
    for (size_t i = 0; (p = world_principal_at(c->w, i)) != NULL; i++) {
        if (p->kind != WORLD_IDENTITY || p->resource_id == NULL ||
            arm_find(c, p->resource_id) != NULL)
            continue;
        arm_value *r = arm_add(c, p->resource_id, identity_type, p->name);
        arm_set_text(&c->pool, r, "location", arm_location(c));
        (void)arm_need_object(&c->pool, r, "tags");
    }
}

/* A seed need not repeat what the id says. */
static void complete_names(arm_call *c)
{
    for (const arm_member *m = c->resources->first; m != NULL; m = m->next) {
        arm_value *r = m->value;
        arm_id id;
        if (arm_text(r, "name") != NULL && arm_text(r, "type") != NULL)
            continue;
        if (arm_text(r, "id") == NULL ||
            arm_id_parse(&c->pool, arm_text(r, "id"), &id) != ENTRASQL_OK || id.name == NULL)
            continue;
        arm_set_text(&c->pool, r, "name", id.name);
        arm_set_text(&c->pool, r, "type", id.type);
        if (id.group != NULL && arm_text(r, "location") == NULL && es_streq(id.name, id.names))
            arm_set_text(&c->pool, r, "location", arm_location(c));
    }
}

/* Those of a seed have no names: each gets one by its place, and keeps it. */
static void complete_assignments(arm_call *c)
{
    const arm_value *list = arm_get(c->state, "assignments");
    unsigned place = 0;
    for (const arm_member *m = list != NULL ? list->first : NULL; m != NULL; m = m->next) {
        place++;
        if (arm_text(m->value, "name") == NULL)
            arm_set_text(&c->pool, m->value, "name",
                         arm_pool_printf(&c->pool, "5eed0000-7e57-4000-8000-%012x", place));
    }
}

bool arm_load(arm_call *c)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT_WIPE(WORLD_MAX_SEED_BYTES);
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    const char *name = NULL;
    if (world_read_text(c->a->data_dir, &text, &name, NULL) != ENTRASQL_OK ||
        json_doc_parse(text.data, text.len, &doc, NULL) != ENTRASQL_OK)
        return false;
    c->root = arm_from_node(&c->pool, json_doc_root(doc));
    c->state = arm_need_object(&c->pool, c->root, "arm");
    c->resources = arm_need_array(&c->pool, c->state, "resources");
    if (c->resources == NULL || arm_pool_failed(&c->pool))
        return false;
    relocate(c, false);
    complete_names(c);
    complete_assignments(c);
    complete_server(c);
    complete_identities(c);
    return !arm_pool_failed(&c->pool);
}

entrasql_status arm_keep(arm_call *c, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT_WIPE(WORLD_MAX_SEED_BYTES);
    json_writer j;
    relocate(c, true);
    json_writer_init(&j, &text);
    arm_put(&j, c->root);
    entrasql_status status = json_writer_end(&j);
    if (arm_pool_failed(&c->pool) || status == ENTRASQL_NOMEM)
        return es_nomem(err);
    if (status != ENTRASQL_OK)
        return es_fail(err, status, "the world would be larger than %d bytes",
                       WORLD_MAX_SEED_BYTES);
    return world_replace(c->a->w, c->a->data_dir, "the changed world", (const char *)text.data,
                         text.len, err);
}

bool arm_commit(arm_call *c)
{
    entrasql_error err;
    return arm_keep(c, &err) == ENTRASQL_OK ||
           arm_error(c, 500, "InternalServerError", "the emulator cannot keep it: %s", err.message);
}
