/* SPDX-License-Identifier: MIT */
/* The instance metadata service's token endpoint. */
#include "internal.h"

static const imds_parameter parameters[] = {
    {"client_id", IMDS_BY_CLIENT_ID},    {"object_id", IMDS_BY_OBJECT_ID},
    {"msi_res_id", IMDS_BY_RESOURCE_ID}, {"mi_res_id", IMDS_BY_RESOURCE_ID},
    {NULL, IMDS_BY_CLIENT_ID},
};

/* Metadata's own form for a version that it does not have: the error's text is the word. */
static void refuse_version(httpd_response *response)
{
    json_writer j;
    json_writer_init(&j, &response->body);
    json_begin_object(&j);
    json_member_put_string(&j, "error",
                           "Bad request. api-version is invalid or was not specified in the "
                           "request. For more information refer to aka.ms/azureimds");
    json_name(&j, "newest-versions");
    json_begin_array(&j);
    json_put_string(&j, "2019-08-01");
    json_put_string(&j, "2018-02-01");
    json_end_array(&j);
    json_end_object(&j);
    response->status = json_writer_end(&j) == ENTRASQL_OK ? 400 : 500;
}

/* The checks before any parameter; false after an error was written. */
static bool check_request(const httpd_request *request, httpd_response *response)
{
    if (!es_streq(httpd_method(request), "GET")) {
        imds_refuse(response, 405, "invalid_request", "Only GET is allowed here");
        return false;
    }
    /* A request that was forwarded did not come from this machine. */
    if (httpd_header(request, "X-Forwarded-For") != NULL) {
        imds_refuse(response, 400, "invalid_request", "Requests through a proxy are not answered");
        return false;
    }
    if (!es_strcaseeq(httpd_header(request, "Metadata"), "true")) {
        imds_refuse(response, 400, "bad_request_102", "Required metadata header not specified");
        return false;
    }
    const char *version = httpd_query(request, "api-version");
    if (!es_streq(version, "2018-02-01") && !es_streq(version, "2019-08-01")) {
        refuse_version(response);
        return false;
    }
    return true;
}

static const world_principal *pick(const world_host *host, const httpd_request *request,
                                   httpd_response *response)
{
    const world_principal *identity = NULL;
    switch (imds_pick_identity(host, request, parameters, true, &identity)) {
    case IMDS_PICK_FOUND:
        return identity;
    case IMDS_PICK_NONE:
        imds_refuse(response, 400, "invalid_request", "Identity not found");
        break;
    case IMDS_PICK_SEVERAL:
        imds_refuse(response, 400, "invalid_request",
                    "Multiple user assigned identities exist, please specify the clientId / "
                    "resourceId of the identity in the token request");
        break;
    case IMDS_PICK_BAD_REQUEST:
        imds_refuse(response, 400, "invalid_request",
                    "Only one of client_id, object_id and msi_res_id may be given, and once");
        break;
    }
    return NULL;
}

void imds_handle_vm(const world *w, const world_host *host, const httpd_request *request,
                    httpd_response *response)
{
    if (host == NULL) {
        imds_refuse(response, 404, "not_found", "The emulator's world has no virtual machine");
        return;
    }
    if (!check_request(request, response))
        return;
    const char *named = httpd_query(request, "resource");
    if (es_str_is_empty(named)) {
        imds_refuse(response, 400, "invalid_request",
                    "Required query variable 'resource' is missing");
        return;
    }
    const world_principal *identity = pick(host, request, response);
    if (identity == NULL)
        return;
    const char *resource = world_resource_find(w, named);
    if (resource == NULL) {
        char text[640];
        imds_unknown_resource_text(w, named, text, sizeof text);
        imds_refuse(response, 400, "invalid_resource", text);
        return;
    }
    imds_answer_token(w, identity, resource, named, &(imds_form){.with_expires_in = true},
                      response);
}
