/* SPDX-License-Identifier: MIT */
/* The service of the managed identity endpoints, and what they share. */
#include "imds.h"

#include "base/clock.h"
#include "base/mem.h"
#include "crypto/jwt.h"
#include "emulator/fault/http.h"
#include "emulator/world/token.h"
#include "internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct imds {
    const world *w;
    httpd *service;
};

/* ---- the identity ---- */

static bool is_named_so(const world_principal *p, imds_by by, const char *value)
{
    switch (by) {
    case IMDS_BY_CLIENT_ID:
        return es_strcaseeq(value, p->client_id);
    case IMDS_BY_OBJECT_ID:
        return es_strcaseeq(value, p->object_id);
    case IMDS_BY_RESOURCE_ID:
        return p->resource_id != NULL && es_strcaseeq(value, p->resource_id);
    }
    return false;
}

static imds_pick pick_named(const world_host *host, imds_by by, const char *value,
                            const world_principal **ret)
{
    for (size_t i = 0; i < host->identity_count; i++) {
        if (is_named_so(host->identities[i], by, value)) {
            *ret = host->identities[i];
            return IMDS_PICK_FOUND;
        }
    }
    return IMDS_PICK_NONE;
}

static imds_pick pick_unnamed(const world_host *host, bool single_user_assigned,
                              const world_principal **ret)
{
    for (size_t i = 0; i < host->identity_count; i++) {
        if (host->identities[i]->system_assigned) {
            *ret = host->identities[i];
            return IMDS_PICK_FOUND;
        }
    }
    if (!single_user_assigned || host->identity_count == 0)
        return IMDS_PICK_NONE;
    if (host->identity_count > 1)
        return IMDS_PICK_SEVERAL;
    *ret = host->identities[0];
    return IMDS_PICK_FOUND;
}

imds_pick imds_pick_identity(const world_host *host, const httpd_request *request,
                             const imds_parameter *parameters, bool single_user_assigned,
                             const world_principal **ret)
{
    const imds_parameter *named = NULL;
    for (; parameters->name != NULL; parameters++) {
        size_t count = httpd_query_count(request, parameters->name);
        if (count > 1 || (count == 1 && named != NULL))
            return IMDS_PICK_BAD_REQUEST;
        if (count == 1)
            named = parameters;
    }
    if (named == NULL)
        return pick_unnamed(host, single_user_assigned, ret);
    return pick_named(host, named->by, httpd_query(request, named->name), ret);
}

/* ---- the answer ---- */

void imds_unknown_resource_text(const world *w, const char *resource, char *ret, size_t size)
{
    char shown[200];
    es_printable(shown, sizeof shown, resource, strlen(resource));
    (void)snprintf(ret, size,
                   "AADSTS500011: The resource principal named %s was not found in the tenant "
                   "named %s. This can happen if the application has not been installed by the "
                   "administrator of the tenant or consented to by any user in the tenant.",
                   shown, world_home_tenant(w)->domain);
}

static void put_number_text(json_writer *j, const char *name, int64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRId64, value);
    json_member_put_string(j, name, text);
}

void imds_answer_token(const world *w, const world_principal *identity, const char *resource,
                       const char *named, bool with_expires_in, httpd_response *response)
{
    ES_CLEANUP(es_buf_done) es_buf token = ES_BUF_INIT_WIPE(CRYPTO_JWT_MAX_BYTES);
    world_token_request request = {.principal = identity, .resource = resource};
    int64_t expires_on = 0, now = es_clock_wall_s();
    json_writer j;
    if (world_token_issue(w, &request, &token, &expires_on, NULL) != ENTRASQL_OK) {
        response->status = 500;
        return;
    }
    json_writer_init(&j, &response->body);
    json_begin_object(&j);
    json_name(&j, "access_token");
    json_put_text(&j, (const char *)token.data, token.len);
    json_member_put_string(&j, "client_id", identity->client_id);
    if (with_expires_in) {
        put_number_text(&j, "expires_in", expires_on - now - 1);
        put_number_text(&j, "ext_expires_in", expires_on - now - 1);
    }
    put_number_text(&j, "expires_on", expires_on);
    put_number_text(&j, "not_before", now);
    json_member_put_string(&j, "resource", named);
    json_member_put_string(&j, "token_type", "Bearer");
    json_end_object(&j);
    if (json_writer_end(&j) != ENTRASQL_OK) {
        es_buf_clear(&response->body);
        response->status = 500;
    }
}

/* ---- the service ---- */

static void serve(const imds *i, const httpd_request *request, httpd_response *response)
{
    const char *path = httpd_path(request);
    /* MSAL for JavaScript asks with a slash at the end. */
    if (es_streq(path, IMDS_VM_PATH) || es_streq(path, IMDS_VM_PATH "/")) {
        imds_handle_vm(i->w, request, response);
    } else if (es_streq(path, IMDS_APP_SERVICE_PATH)) {
        imds_handle_app_service(i->w, request, response);
    } else {
        response->status = 404;
        response->content_type = "text/plain; charset=utf-8";
        if (es_buf_add_str(&response->body, "There is no such identity endpoint.\n") != ENTRASQL_OK)
            response->status = 500;
    }
}

static void handle(void *ctx, const httpd_request *request, httpd_response *response)
{
    const imds *i = ctx;
    if (fault_http(world_faults(i->w), FAULT_AT_IDENTITY, response))
        return;
    world_hold(i->w);
    serve(i, request, response);
    world_let_go(i->w);
}

entrasql_status imds_start(const world *w, uint16_t port, imds **ret, entrasql_error *err)
{
    imds *i = es_calloc(1, sizeof *i);
    if (i == NULL)
        return es_nomem(err);
    i->w = w;
    httpd_options options = {.port = port, .handler = handle, .ctx = i};
    entrasql_status status = httpd_start(&options, &i->service, err);
    if (status != ENTRASQL_OK) {
        es_free(i);
        return status;
    }
    *ret = i;
    return ENTRASQL_OK;
}

httpd *imds_service(const imds *i)
{
    return i->service;
}

uint16_t imds_port(const imds *i)
{
    return httpd_port(i->service);
}

void imds_stop(imds *i)
{
    if (i == NULL)
        return;
    httpd_stop(i->service);
    es_free(i);
}
