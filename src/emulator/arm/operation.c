/* SPDX-License-Identifier: MIT */
/*
 * Operations that take time. They live as long as the emulator: their effect is
 * kept at once, only its being seen as finished waits. The fault arm-slow sets how
 * long they take, arm-operation-fails lets one end without effect.
 */
#include "internal.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/random.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define MAX_OPERATIONS 256 /* the oldest is forgotten */
#define DEFAULT_MS 300
#define RETRY_AFTER "1"

typedef struct operation {
    char id[ES_GUID_TEXT_SIZE];
    char *resource;
    int64_t until_ms;
    bool fails;
    bool is_delete;
    bool is_run;   /* its result is what a script said */
    char said[80]; /* namely this */
} operation;

struct arm_operations {
    operation list[MAX_OPERATIONS];
    size_t next; /* where the next one goes */
};

arm_operations *arm_operations_new(void)
{
    return es_calloc(1, sizeof(arm_operations));
}

void arm_operations_clear(arm_operations *o)
{
    for (size_t i = 0; i < MAX_OPERATIONS; i++)
        es_free(o->list[i].resource);
    *o = (arm_operations){0};
}

void arm_operations_free(arm_operations *o)
{
    if (o != NULL)
        arm_operations_clear(o);
    es_free(o);
}

static bool is_over(const operation *o)
{
    return es_clock_mono_ms() >= o->until_ms;
}

bool arm_operation_runs(const arm_call *c, const char *id)
{
    const arm_operations *all = c->a->operations;
    for (size_t i = 0; i < MAX_OPERATIONS; i++) {
        const operation *o = &all->list[i];
        if (o->resource != NULL && es_strcaseeq(o->resource, id) && !is_over(o))
            return true;
    }
    return false;
}

const char *arm_operation_state(const arm_call *c, const char *id)
{
    const arm_operations *all = c->a->operations;
    const char *state = NULL;
    for (size_t i = 0; i < MAX_OPERATIONS; i++) {
        const operation *o = &all->list[(all->next + i) % MAX_OPERATIONS]; /* the oldest first */
        if (o->resource != NULL && es_strcaseeq(o->resource, id))
            state = !is_over(o) ? "Updating" : (o->fails ? "Failed" : NULL);
    }
    return state;
}

/* The first whose place is free, or the oldest. */
static operation *add(arm_operations *all, const char *resource)
{
    operation *o = &all->list[all->next];
    es_free(o->resource);
    *o = (operation){.resource = es_strdup(resource)};
    all->next = (all->next + 1) % MAX_OPERATIONS;
    if (o->resource == NULL)
        return NULL;
    es_random_uuid(o->id);
    return o;
}

/* Status and result URLs: with an api-version of their own, which is not the request's. */
static const char *url_of(arm_call *c, const operation *o, const char *kind, const char *suffix)
{
    return arm_pool_printf(&c->pool,
                           "%s/subscriptions/%s/providers/%s/locations/%s/%s%s/%s?api-version=%s",
                           arm_base_url(c), c->id.subscription, c->id.ns, arm_location(c), kind,
                           suffix, o->id, "2018-06-01-preview");
}

static bool fails_now(const arm_call *c)
{
    uint32_t value = 0;
    return faults_next(world_faults(c->w), FAULT_AT_ARM_OPERATION, &value) != NULL;
}

static void answer(arm_call *c, const operation *o, arm_lro lro, const char *kind,
                   const arm_value *resource, bool created)
{
    const char *status = *kind != '\0' ? "AzureAsyncOperation" : "operationStatuses";
    const char *result = *kind != '\0' ? "OperationResults" : "operationResults";
    arm_header(c, "Retry-After", is_over(o) ? "0" : RETRY_AFTER);
    if (lro == ARM_LRO_STATE) {
        arm_reply(c, created ? 201 : 200, arm_view(c, resource));
        return;
    }
    arm_header(c, "Location", url_of(c, o, kind, result));
    if (lro == ARM_LRO_LOCATION) {
        arm_reply(c, 202, NULL);
        return;
    }
    arm_header(c, "Azure-AsyncOperation", url_of(c, o, kind, status));
    if ((lro == ARM_LRO_ASYNC || lro == ARM_LRO_ASYNC_202) && !o->is_delete) {
        arm_reply(c, lro == ARM_LRO_ASYNC_202 ? 202 : (created ? 201 : 200), arm_view(c, resource));
        return;
    }
    if (lro == ARM_LRO_RUN || *kind == '\0') {
        arm_reply(c, 202, NULL);
        return;
    }
    arm_value *body = arm_new(&c->pool, JSON_KIND_OBJECT);
    arm_set_text(&c->pool, body, "operation", kind);
    arm_set_text(&c->pool, body, "startTime", arm_now(c));
    arm_reply(c, 202, o->is_delete ? NULL : body);
}

bool arm_operation_begin(arm_call *c, arm_lro lro, const char *kind, const arm_value *resource,
                         bool created)
{
    uint32_t ms = DEFAULT_MS;
    operation *o = add(c->a->operations, c->id.resource);
    if (o == NULL) {
        c->pool.failed = true;
        return false;
    }
    (void)faults_value(world_faults(c->w), "arm-slow", &ms);
    o->until_ms = es_clock_mono_ms() + ms;
    o->is_delete = es_streq(c->method, "DELETE");
    o->is_run = lro == ARM_LRO_RUN;
    (void)snprintf(o->said, sizeof o->said, "%s", c->said != NULL ? c->said : "");
    o->fails = fails_now(c);
    answer(c, o, lro, kind, resource, created);
    return !o->fails;
}

/* ---- looking at one ---- */

static operation *find(arm_operations *all, const char *id)
{
    for (size_t i = 0; i < MAX_OPERATIONS; i++) {
        if (all->list[i].resource != NULL && es_strcaseeq(all->list[i].id, id))
            return &all->list[i];
    }
    return NULL;
}

#define FAILED_CODE "OperationFailed"
#define FAILED_TEXT "The operation failed: the fault arm-operation-fails is on."

/* As RunShellScript tells it. */
static arm_value *script_output(arm_call *c, const operation *o)
{
    arm_value *v = arm_new(&c->pool, JSON_KIND_OBJECT);
    arm_value *line = arm_new(&c->pool, JSON_KIND_OBJECT);
    arm_set_text(&c->pool, line, "code", "ProvisioningState/succeeded");
    arm_set_text(&c->pool, line, "level", "Info");
    arm_set_text(&c->pool, line, "displayStatus", "Provisioning succeeded");
    arm_set_text(
        &c->pool, line, "message",
        arm_pool_printf(&c->pool, "Enable succeeded: \n[stdout]\n%s\n[stderr]\n", o->said));
    arm_append(&c->pool, arm_need_array(&c->pool, v, "value"), line);
    return v;
}

static void answer_status(arm_call *c, const operation *o)
{
    arm_value *body = arm_new(&c->pool, JSON_KIND_OBJECT);
    arm_set_text(&c->pool, body, "id", c->id.resource);
    arm_set_text(&c->pool, body, "name", o->id);
    arm_set_text(&c->pool, body, "startTime", arm_now(c));
    arm_set_text(&c->pool, body, "status",
                 !is_over(o) ? "InProgress" : (o->fails ? "Failed" : "Succeeded"));
    if (!is_over(o)) {
        arm_header(c, "Retry-After", RETRY_AFTER);
    } else if (o->is_run) {
        arm_set(&c->pool, arm_need_object(&c->pool, body, "properties"), "output",
                script_output(c, o));
    } else if (o->fails) {
        arm_value *error = arm_need_object(&c->pool, body, "error");
        arm_set_text(&c->pool, error, "code", FAILED_CODE);
        arm_set_text(&c->pool, error, "message", FAILED_TEXT);
    }
    arm_reply(c, 200, body);
}

static void answer_result(arm_call *c, const operation *o)
{
    if (!is_over(o)) {
        arm_header(c, "Retry-After", RETRY_AFTER);
        arm_header(c, "Location",
                   arm_pool_printf(&c->pool, "%s%s?api-version=%s", arm_base_url(c), c->id.resource,
                                   httpd_query(c->request, "api-version")));
        arm_reply(c, 202, NULL);
        return;
    }
    if (o->fails) {
        (void)arm_error(c, 400, FAILED_CODE, FAILED_TEXT);
        return;
    }
    const arm_value *resource = arm_find(c, o->resource);
    if (o->is_run)
        arm_reply(c, 200, script_output(c, o));
    else if (resource == NULL)
        arm_reply(c, o->is_delete ? 204 : 200, NULL);
    else
        arm_reply(c, 200, arm_view(c, resource));
}

bool arm_operation_serve(arm_call *c)
{
    const char *type = c->id.type;
    if (type == NULL || c->id.name == NULL || c->id.subscription == NULL)
        return false;
    size_t n = strlen(c->id.ns);
    if (!es_strncaseeq(type + n, "/locations/", sizeof "/locations/" - 1))
        return false;
    if (!es_streq(c->method, "GET") || httpd_query(c->request, "api-version") == NULL) {
        (void)arm_error(c, 405, "MethodNotAllowed", "Only GET with an api-version is allowed.");
        return true;
    }
    const char *action = arm_pool_printf(&c->pool, "%s/read", type);
    if (action == NULL || !arm_check_right(c, action, c->id.resource))
        return true;
    operation *o = find(c->a->operations, c->id.name);
    bool is_result = es_ends_with(type, "Results") || es_ends_with(type, "results");
    if (o == NULL)
        (void)arm_error(c, 404, "OperationNotFound", "The operation '%s' was not found.",
                        c->id.name);
    else if (is_result)
        answer_result(c, o);
    else
        answer_status(c, o);
    return true;
}
