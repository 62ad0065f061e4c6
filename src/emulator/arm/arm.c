/* SPDX-License-Identifier: MIT */
/* The service: what every request is checked for, and who answers it. */
#include "arm.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "emulator/fault/http.h"
#include "emulator/world/change.h"
#include "internal.h"

#include <stdio.h>
#include <string.h>

/* ---- api-version ---- */

/* "2023-08-01" and "2023-08-01-preview", as to their form. */
static bool is_version(const char *s)
{
    static const char form[] = "dddd-dd-dd";
    for (size_t i = 0; form[i] != '\0'; i++) {
        if (form[i] == 'd' ? !es_is_digit(s[i]) : s[i] != '-')
            return false;
    }
    s += sizeof form - 1;
    if (*s == '\0')
        return true;
    return *s == '-' && s[1] != '\0' &&
           strspn(s + 1, "abcdefghijklmnopqrstuvwxyz0123456789.") == strlen(s + 1);
}

static bool holds(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = list; *p != '\0';) {
        size_t len = strcspn(p, " ");
        if (len == n && es_strncaseeq(p, word, n))
            return true;
        p += len + (p[len] == ' ' ? 1 : 0);
    }
    return false;
}

static const char *with_commas(arm_call *c, const char *list)
{
    char *text = arm_pool_copy(&c->pool, list, strlen(list));
    for (char *p = text; p != NULL && *p != '\0'; p++)
        *p = *p == ' ' ? ',' : *p;
    return text != NULL ? text : "";
}

static bool check_version(arm_call *c)
{
    const char *version = httpd_query(c->request, "api-version");
    if (httpd_query_count(c->request, "api-version") == 0)
        return arm_error(c, 400, "MissingApiVersionParameter",
                         "The api-version query parameter (?api-version=) is required for all "
                         "requests.");
    if (version == NULL || !is_version(version)) {
        char shown[64] = "";
        if (version != NULL)
            es_printable(shown, sizeof shown, version, strlen(version));
        return arm_error(c, 400, "InvalidApiVersionParameter",
                         "The api-version '%s' is invalid. The supported versions are "
                         "'2022-09-01,2021-04-01,2020-01-01,2019-05-01,2018-05-01'.",
                         shown);
    }
    if (c->type == NULL || es_streq(c->type->versions, "*") || holds(c->type->versions, version))
        return true;
    const char *word = strchr(c->type->type, '/') + 1;
    return arm_error(c, 400, "NoRegisteredProviderFound",
                     "No registered resource provider found for location '%s' and API version "
                     "'%s' for type '%s'. The supported api-versions are '%s'. The supported "
                     "locations are '%s'.",
                     arm_location(c), version, word, with_commas(c, c->type->versions),
                     arm_location(c));
}

/* ---- whose path it is ---- */

/* The type whose rules count: of a collection that of its elements. */
static bool find_type(arm_call *c)
{
    const arm_id *id = &c->id;
    if (id->ns == NULL)
        return true;
    if (!arm_is_namespace(id->ns))
        return arm_error(c, 404, "InvalidResourceNamespace",
                         "The resource namespace '%s' is invalid.", id->ns);
    if (id->tail != NULL)
        c->type = arm_type_find(arm_pool_printf(&c->pool, "%s/%s", id->type, id->tail));
    if (c->type == NULL && id->name != NULL)
        c->type = arm_type_find(id->type);
    if (c->type == NULL && id->name != NULL)
        return arm_error(c, 404, "InvalidResourceType",
                         "The resource type '%s' could not be found in the namespace '%s' for api "
                         "version '%s'.",
                         id->type + strlen(id->ns) + 1, id->ns,
                         httpd_query(c->request, "api-version"));
    return true;
}

static bool check_place(arm_call *c)
{
    const arm_id *id = &c->id;
    if (id->subscription == NULL)
        return true;
    if (!es_strcaseeq(id->subscription, world_get_subscription(c->w)->id))
        return arm_error(c, 404, "SubscriptionNotFound",
                         "The subscription '%s' could not be found.", id->subscription);
    if (id->group != NULL && !arm_group_exists(c, id->group))
        return arm_error(c, 404, "ResourceGroupNotFound", "Resource group '%s' could not be found.",
                         id->group);
    return true;
}

/* ---- routes ---- */

static bool fits(const arm_call *c, const arm_route *r)
{
    const char *type = c->id.type != NULL ? c->id.type : "";
    return es_strcaseeq(r->type, type) && (r->name == NULL || es_strcaseeq(r->name, c->id.name)) &&
           (r->tail == NULL ? c->id.tail == NULL : es_strcaseeq(r->tail, c->id.tail));
}

static const arm_route *find_route(const arm_call *c, bool *ret_other_method)
{
    *ret_other_method = false;
    for (size_t i = 0; i < arm_route_count; i++) {
        if (!fits(c, &arm_routes[i]))
            continue;
        if (es_streq(arm_routes[i].method, c->method))
            return &arm_routes[i];
        *ret_other_method = true;
    }
    return NULL;
}

/* GET .../providers/NS and POST .../providers/NS/register, for every namespace. */
static const arm_route *provider_route(const arm_call *c)
{
    static const arm_route show = {"GET", "Microsoft.Resources/subscriptions/providers", NULL, NULL,
                                   arm_provider};
    static const arm_route enter = {"POST", "Microsoft.Resources/subscriptions/providers", NULL,
                                    "register", arm_provider_register};
    if (c->id.tail == NULL && es_streq(c->method, "GET"))
        return &show;
    return es_strcaseeq(c->id.tail, "register") && es_streq(c->method, "POST") ? &enter : NULL;
}

/* "Microsoft.Web/sites/config/list/action": a method as the action that it is. */
static const char *action_of(arm_call *c, const arm_route *r)
{
    const char *type = r->type[0] != '\0' ? r->type : "Microsoft.Resources/subscriptions";
    const char *verb = es_streq(c->method, "GET")      ? "read"
                       : es_streq(c->method, "POST")   ? "action"
                       : es_streq(c->method, "DELETE") ? "delete"
                                                       : "write";
    if (r->type[0] == '\0' && c->id.group != NULL)
        return "Microsoft.Resources/subscriptions/resourceGroups/read";
    if (r->tail != NULL && r->type[0] != '\0')
        return arm_pool_printf(&c->pool, "%s/%s/%s", type, r->tail, verb);
    return arm_pool_printf(&c->pool, "%s/%s", type, verb);
}

/* ---- bodies ---- */

static bool read_body(arm_call *c)
{
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    size_t n = 0;
    const char *text = httpd_body(c->request, &n);
    if (n != 0 && json_doc_parse(text, n, &doc, NULL) == ENTRASQL_OK)
        c->body = arm_from_node(&c->pool, json_doc_root(doc));
    if (es_streq(c->method, "PUT") || es_streq(c->method, "PATCH") || n != 0) {
        if (!arm_is(c->body, JSON_KIND_OBJECT))
            return arm_error(
                c, 400, "InvalidRequestContent",
                "The request content was invalid and could not be deserialized: 'it is "
                "no JSON object'.");
    }
    return true;
}

/* ---- one request ---- */

static bool is_write(const arm_call *c)
{
    return !es_streq(c->method, "GET") && !es_streq(c->method, "POST");
}

/* 403 before 404: who may not look learns nothing. */
static bool check_route(arm_call *c, const arm_route *r)
{
    const char *action = action_of(c, r);
    if (action == NULL)
        return false;
    /* The lists of subscriptions and tenants show each what he may see. */
    if (c->id.subscription != NULL && !arm_check_right(c, action, c->id.resource))
        return false;
    if (!check_place(c) || !read_body(c))
        return false;
    if (c->type != NULL && !arm_check_registered(c))
        return false;
    return !is_write(c) ||
           (arm_check_locks(c, es_streq(c->method, "DELETE")) && arm_check_policy(c));
}

static void serve(arm_call *c)
{
    const char *path = httpd_path(c->request);
    bool other_method = false;
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    path = arm_pool_copy(&c->pool, path, n);
    if (path == NULL || !arm_authenticate(c))
        return;
    if (arm_id_parse(&c->pool, path, &c->id) != ENTRASQL_OK) {
        (void)arm_error(c, 404, "NotFound", "The path is none of Azure Resource Manager's.");
        return;
    }
    if (arm_operation_serve(c) || !find_type(c) || !check_version(c))
        return;
    const arm_route *r = find_route(c, &other_method);
    if (r == NULL && c->id.ns != NULL && c->id.name == NULL && c->id.group == NULL)
        r = provider_route(c);
    if (r != NULL && check_route(c, r))
        r->handler(c);
    else if (r == NULL && other_method)
        (void)arm_error(c, 405, "MethodNotAllowed",
                        "The method '%s' is not supported for this resource.", c->method);
    else if (r == NULL)
        (void)arm_error(c, 404, "NotFound", "The emulator does not answer this path.");
}

static void put_ids(arm_call *c)
{
    char id[ES_GUID_TEXT_SIZE];
    const char *given = httpd_header(c->request, "x-ms-correlation-request-id");
    uint8_t guid[16];
    es_random_uuid(id);
    arm_header(c, "x-ms-request-id", id);
    bool is_guid = given != NULL && es_guid_parse(given, guid) == ENTRASQL_OK;
    arm_header(c, "x-ms-correlation-request-id", is_guid ? given : id);
    arm_header(c,
               is_write(c) ? "x-ms-ratelimit-remaining-subscription-writes"
                           : "x-ms-ratelimit-remaining-subscription-reads",
               is_write(c) ? "199" : "249");
}

static void fail(httpd_response *response)
{
    es_buf_clear(&response->body);
    response->status = 500;
}

/* One request after the other: each reads the world's text and may write it anew. */
static void handle(void *ctx, const httpd_request *request, httpd_response *response)
{
    arm *a = ctx;
    uint32_t value = 0;
    if (fault_http(world_faults(a->w), FAULT_AT_ARM, response))
        return;
    arm_call c = {.a = a,
                  .w = a->w,
                  .request = request,
                  .response = response,
                  .method = httpd_method(request)};
    put_ids(&c);
    world_change_begin(a->w);
    if (arm_load(&c)) {
        serve(&c);
        if (c.changed && !arm_pool_failed(&c.pool) && c.response->status < 400)
            (void)arm_commit(&c);
    }
    world_change_end(a->w);
    if (arm_pool_failed(&c.pool) || !c.answered)
        fail(response);
    arm_pool_done(&c.pool);
    /* After the effect: the client does not learn that it was done. */
    if (faults_next(world_faults(a->w), FAULT_AT_ARM_ANSWER, &value) != NULL)
        response->drop = true;
}

/* ---- up and down ---- */

entrasql_status arm_start(const arm_options *options, arm **ret, entrasql_error *err)
{
    arm *a = es_calloc(1, sizeof *a);
    if (a == NULL)
        return es_nomem(err);
    a->w = options->world;
    a->sql_port = options->sql_port;
    a->data_dir = es_strdup(options->data_dir);
    a->operations = arm_operations_new();
    httpd_options http = {
        .port = options->port,
        .cert_file = world_cert_file(a->w),
        .key_file = world_key_file(a->w),
        .handler = handle,
        .ctx = a,
    };
    entrasql_status status = a->data_dir != NULL && a->operations != NULL
                                 ? httpd_start(&http, &a->service, err)
                                 : es_nomem(err);
    if (status != ENTRASQL_OK) {
        arm_stop(a);
        return status;
    }
    *ret = a;
    return ENTRASQL_OK;
}

void arm_forget(arm *a)
{
    if (a != NULL)
        arm_operations_clear(a->operations);
}

httpd *arm_service(const arm *a)
{
    return a->service;
}

uint16_t arm_port(const arm *a)
{
    return httpd_port(a->service);
}

void arm_stop(arm *a)
{
    if (a == NULL)
        return;
    httpd_stop(a->service);
    arm_operations_free(a->operations);
    es_free(a->data_dir);
    es_free(a);
}
