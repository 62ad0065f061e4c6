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
#include <time.h>

struct imds {
    const world *w;
    httpd *service;
    httpd *fabric; /* NULL: no such host */
    imds_arc *arc;
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

/* "5/1/2024 1:45:10 PM +00:00", as the App Service of 2017 writes it. */
static void put_date(json_writer *j, const char *name, int64_t value)
{
    time_t t = (time_t)value;
    struct tm tm;
    char text[64] = "";
    if (gmtime_r(&t, &tm) != NULL)
        (void)snprintf(text, sizeof text, "%d/%d/%d %d:%02d:%02d %s +00:00", tm.tm_mon + 1,
                       tm.tm_mday, tm.tm_year + 1900, tm.tm_hour % 12 != 0 ? tm.tm_hour % 12 : 12,
                       tm.tm_min, tm.tm_sec, tm.tm_hour < 12 ? "AM" : "PM");
    json_member_put_string(j, name, text);
}

static void put_expiry(json_writer *j, const imds_form *form, int64_t expires_on, int64_t now)
{
    if (form->with_expires_in) {
        put_number_text(j, "expires_in", expires_on - now - 1);
        put_number_text(j, "ext_expires_in", expires_on - now - 1);
    }
    switch (form->expiry) {
    case IMDS_EXPIRY_TEXT:
        put_number_text(j, "expires_on", expires_on);
        put_number_text(j, "not_before", now);
        break;
    case IMDS_EXPIRY_NUMBER:
        json_member_put_i64(j, "expires_on", expires_on);
        break;
    case IMDS_EXPIRY_DATE:
        put_date(j, "expires_on", expires_on);
        break;
    }
}

void imds_answer_token(const world *w, const world_principal *identity, const char *resource,
                       const char *named, const imds_form *form, httpd_response *response)
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
    if (form->with_ids) {
        json_member_put_string(&j, "object_id", identity->object_id);
        if (identity->resource_id != NULL)
            json_member_put_string(&j, "msi_res_id", identity->resource_id);
    }
    put_expiry(&j, form, expires_on, now);
    json_member_put_string(&j, "resource", named);
    json_member_put_string(&j, "token_type", "Bearer");
    json_end_object(&j);
    if (json_writer_end(&j) != ENTRASQL_OK) {
        es_buf_clear(&response->body);
        response->status = 500;
    }
}

void imds_refuse(httpd_response *response, unsigned status, const char *error, const char *text)
{
    json_writer j;
    json_writer_init(&j, &response->body);
    json_begin_object(&j);
    json_member_put_string(&j, "error", error);
    json_member_put_string(&j, "error_description", text);
    json_end_object(&j);
    response->status = json_writer_end(&j) == ENTRASQL_OK ? status : 500;
}

const world_host *imds_host_in_path(const world *w, world_host_kind kind, const char *path,
                                    const char *prefix, const char *suffix)
{
    char name[128];
    size_t skip = strlen(prefix);
    if (!es_starts_with(path, prefix) || !es_ends_with(path, suffix) ||
        strlen(path) <= skip + strlen(suffix))
        return NULL;
    size_t n = strlen(path) - skip - strlen(suffix);
    if (n >= sizeof name)
        return NULL;
    memcpy(name, path + skip, n);
    name[n] = '\0';
    const world_host *host = world_host_find(w, name);
    return host != NULL && host->kind == kind ? host : NULL;
}

/* ---- the service ---- */

static void serve(const imds *i, const httpd_request *request, httpd_response *response)
{
    const char *path = httpd_path(request);
    /* MSAL for JavaScript asks with a slash at the end. */
    if (es_streq(path, IMDS_VM_PATH) || es_streq(path, IMDS_VM_PATH "/")) {
        imds_handle_vm(i->w, world_vm(i->w), request, response);
    } else if (es_starts_with(path, IMDS_MACHINE_PREFIX)) {
        const char *end = es_ends_with(path, "/") ? IMDS_VM_PATH "/" : IMDS_VM_PATH;
        imds_handle_vm(i->w, imds_host_in_path(i->w, WORLD_VM, path, IMDS_MACHINE_PREFIX, end),
                       request, response);
    } else if (es_streq(path, IMDS_APP_SERVICE_PATH)) {
        imds_handle_app_service(i->w, request, response);
    } else if (es_streq(path, IMDS_LEGACY_PATH)) {
        imds_handle_legacy(i->w, request, response);
    } else if (es_starts_with(path, IMDS_CLOUD_SHELL_PREFIX)) {
        imds_handle_cloud_shell(i->w, request, response);
    } else if (es_starts_with(path, IMDS_ARC_PREFIX)) {
        imds_handle_arc(i->arc, i->w, request, response);
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

static void handle_fabric(void *ctx, const httpd_request *request, httpd_response *response)
{
    const imds *i = ctx;
    if (fault_http(world_faults(i->w), FAULT_AT_IDENTITY, response))
        return;
    world_hold(i->w);
    imds_handle_fabric(i->w, request, response);
    world_let_go(i->w);
}

static bool has_fabric(const world *w)
{
    const world_host *h;
    for (size_t i = 0; (h = world_host_at(w, i)) != NULL; i++) {
        if (h->kind == WORLD_SERVICE_FABRIC)
            return true;
    }
    return false;
}

static entrasql_status start_fabric(imds *i, const char *data_dir, entrasql_error *err)
{
    ES_CLEANUP(es_cleanup_free) char *cert = NULL;
    ES_CLEANUP(es_cleanup_free) char *key = NULL;
    if (!has_fabric(i->w))
        return ENTRASQL_OK;
    ES_TRY(imds_fabric_files(data_dir, &cert, &key, err));
    httpd_options options = {
        .cert_file = cert, .key_file = key, .handler = handle_fabric, .ctx = i};
    return httpd_start(&options, &i->fabric, err);
}

entrasql_status imds_start(const world *w, const char *data_dir, uint16_t port, imds **ret,
                           entrasql_error *err)
{
    imds *i = es_calloc(1, sizeof *i);
    if (i == NULL)
        return es_nomem(err);
    i->w = w;
    httpd_options options = {.port = port, .handler = handle, .ctx = i};
    entrasql_status status = imds_arc_new(data_dir, &i->arc, err);
    if (status == ENTRASQL_OK)
        status = start_fabric(i, data_dir, err);
    if (status == ENTRASQL_OK)
        status = httpd_start(&options, &i->service, err);
    if (status != ENTRASQL_OK) {
        imds_stop(i);
        return status;
    }
    *ret = i;
    return ENTRASQL_OK;
}

httpd *imds_fabric_service(const imds *i)
{
    return i->fabric;
}

uint16_t imds_fabric_port(const imds *i)
{
    return i->fabric != NULL ? httpd_port(i->fabric) : 0;
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
    httpd_stop(i->fabric);
    imds_arc_free(i->arc);
    es_free(i);
}
