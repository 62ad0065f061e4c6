/* SPDX-License-Identifier: MIT */
/* The service and the way from a path to an endpoint. */
#include "entra.h"

#include "assertion.h"
#include "base/mem.h"
#include "emulator/fault/http.h"
#include "emulator/world/federation.h"
#include "internal.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define USER_REALM_PATH "/common/UserRealm/"

struct entra {
    world *w;
    _Atomic(httpd_handler *) site; /* the emulator's own pages; NULL: none yet */
    void *site_ctx;                /* set before it */
    grants *grants;
    httpd *service;
};

typedef struct endpoint {
    const char *path; /* after "/<tenant>/" */
    void (*handle)(entra_call *c);
} endpoint;

static const endpoint endpoints[] = {
    {"v2.0/.well-known/openid-configuration", entra_openid_configuration},
    {".well-known/openid-configuration", entra_openid_configuration_v1},
    {"discovery/v2.0/keys", entra_keys},
    {"discovery/keys", entra_keys},
    {"oauth2/v2.0/token", entra_token_v2},
    {"oauth2/token", entra_token_v1},
    {"oauth2/v2.0/authorize", entra_authorize},
    {"oauth2/v2.0/devicecode", entra_device_code},
    {ENTRA_DEVICE_PAGE, entra_device_page},
};

static bool is_shared_tenant(const char *name)
{
    return es_strcaseeq(name, "common") || es_strcaseeq(name, "organizations");
}

/* What a tenant's name may be made of, as the client libraries check it too. */
static bool is_tenant_text(const char *s)
{
    if (*s == 0)
        return false;
    for (; *s != 0; s++) {
        char c = es_ascii_lower(*s);
        if (!es_is_digit(c) && !(c >= 'a' && c <= 'z') && c != '.' && c != '-')
            return false;
    }
    return true;
}

/* False after an error was written. */
static bool find_tenant(entra_call *c)
{
    c->tenant = world_tenant_find(c->w, c->tenant_text);
    if (c->tenant != NULL || is_shared_tenant(c->tenant_text))
        return true;
    char shown[200];
    es_printable(shown, sizeof shown, c->tenant_text, strlen(c->tenant_text));
    if (!is_tenant_text(c->tenant_text))
        entra_error(c, 400, "invalid_request", 900023,
                    "Specified tenant identifier '%s' is neither a valid DNS name, nor a valid "
                    "external domain.",
                    shown);
    else
        entra_error(c, 400, "invalid_request", 90002,
                    "Tenant '%s' not found. Check to make sure you have the correct tenant ID "
                    "and are signing into the correct cloud. Check with your subscription "
                    "administrator, this may happen if there are no active subscriptions for "
                    "the tenant.",
                    shown);
    return false;
}

static void not_found(httpd_response *response)
{
    response->status = 404;
    response->content_type = "text/plain; charset=utf-8";
    if (es_buf_add_str(&response->body, "The emulator's Entra has no such endpoint.\n") !=
        ENTRASQL_OK)
        response->status = 500;
}

static void dispatch(entra_call *c, const char *tenant, const char *rest)
{
    for (size_t i = 0; i < ES_COUNT_OF(endpoints); i++) {
        if (!es_strcaseeq(rest, endpoints[i].path))
            continue;
        c->tenant_text = tenant;
        if (find_tenant(c))
            endpoints[i].handle(c);
        return;
    }
    not_found(c->response);
}

static void serve(const entra *e, const httpd_request *request, httpd_response *response)
{
    const char *path = httpd_path(request);
    entra_call c;
    entra_call_init(&c, e->w, request, response);
    c.grants = e->grants;
    if (es_strcaseeq(path, "/common/discovery/instance")) {
        entra_instance_discovery(&c);
        return;
    }
    if (es_strncaseeq(path, USER_REALM_PATH, strlen(USER_REALM_PATH))) {
        entra_user_realm(&c, path + strlen(USER_REALM_PATH));
        return;
    }
    if (es_starts_with(path, WORLD_FEDERATION_PATH)) {
        entra_federation(&c, path + strlen(WORLD_FEDERATION_PATH));
        return;
    }
    const char *slash = strchr(path + 1, '/');
    if (slash == NULL) {
        not_found(response);
        return;
    }
    ES_CLEANUP(es_cleanup_free) char *tenant = es_strndup(path + 1, (size_t)(slash - path - 1));
    if (tenant == NULL)
        entra_finish(&c, ENTRASQL_NOMEM);
    else
        dispatch(&c, tenant, slash + 1);
}

/* The emulator's own pages are no part of Entra: no fault strikes them. */
static bool serve_site(const entra *e, const httpd_request *request, httpd_response *response)
{
    const char *path = httpd_path(request);
    httpd_handler *handler = atomic_load(&e->site);
    if (!es_streq(path, "/") && !es_starts_with(path, ENTRA_SITE_PREFIX))
        return false;
    if (handler != NULL)
        handler(e->site_ctx, request, response);
    else
        not_found(response);
    return true;
}

static void handle(void *ctx, const httpd_request *request, httpd_response *response)
{
    const entra *e = ctx;
    bool is_token = es_ends_with(httpd_path(request), "/token");
    if (serve_site(e, request, response) ||
        fault_http(world_faults(e->w), is_token ? FAULT_AT_TOKEN : FAULT_AT_ENTRA, response))
        return;
    world_hold(e->w);
    serve(e, request, response);
    world_let_go(e->w);
}

void entra_set_site(entra *e, httpd_handler *handler, void *ctx)
{
    e->site_ctx = ctx;
    atomic_store(&e->site, handler);
}

static entrasql_status on_port(void *ctx, uint16_t port, entrasql_error *err)
{
    const entra *e = ctx;
    char url[64];
    (void)snprintf(url, sizeof url, "https://localhost:%u", (unsigned)port);
    return world_set_authority(e->w, url) == ENTRASQL_OK ? ENTRASQL_OK : es_nomem(err);
}

entrasql_status entra_start(world *w, uint16_t port, entra **ret, entrasql_error *err)
{
    entra *e = es_calloc(1, sizeof *e);
    if (e == NULL)
        return es_nomem(err);
    e->w = w;
    e->grants = grants_new();
    if (e->grants == NULL) {
        es_free(e);
        return es_nomem(err);
    }
    httpd_options options = {
        .port = port,
        .cert_file = world_cert_file(w),
        .key_file = world_key_file(w),
        .handler = handle,
        .ctx = e,
        .on_port = on_port,
    };
    entrasql_status status = httpd_start(&options, &e->service, err);
    if (status != ENTRASQL_OK) {
        grants_free(e->grants);
        es_free(e);
        return status;
    }
    *ret = e;
    return ENTRASQL_OK;
}

httpd *entra_service(const entra *e)
{
    return e->service;
}

uint16_t entra_port(const entra *e)
{
    return httpd_port(e->service);
}

void entra_stop(entra *e)
{
    if (e == NULL)
        return;
    httpd_stop(e->service);
    grants_free(e->grants);
    es_free(e);
}
