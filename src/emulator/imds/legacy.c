/* SPDX-License-Identifier: MIT */
/* MSI_ENDPOINT with MSI_SECRET: the App Service of 2017, and Azure ML's compute. */
#include "internal.h"

static const imds_parameter parameters[] = {{"clientid", IMDS_BY_CLIENT_ID},
                                            {NULL, IMDS_BY_CLIENT_ID}};

static void refuse(httpd_response *response, unsigned status, const char *text)
{
    json_writer j;
    json_writer_init(&j, &response->body);
    json_begin_object(&j);
    json_member_put_i64(&j, "StatusCode", status);
    json_member_put_string(&j, "Message", text);
    json_member_put_string(&j, "message", text);
    json_end_object(&j);
    response->status = json_writer_end(&j) == ENTRASQL_OK ? status : 500;
}

static const world_host *find_host(const world *w, const httpd_request *request)
{
    const char *header = httpd_header(request, "secret");
    const world_host *host = header != NULL ? world_host_by_header(w, header) : NULL;
    bool fits = host != NULL && (host->kind == WORLD_WEB_APP_2017 || host->kind == WORLD_AZURE_ML);
    return fits ? host : NULL;
}

void imds_handle_legacy(const world *w, const httpd_request *request, httpd_response *response)
{
    const world_host *host = find_host(w, request);
    if (host == NULL) {
        refuse(response, 401, "The secret header is missing or has the wrong value.");
        return;
    }
    if (!es_streq(httpd_method(request), "GET")) {
        refuse(response, 405, "Only GET is allowed here.");
        return;
    }
    if (!es_streq(httpd_query(request, "api-version"), "2017-09-01")) {
        refuse(response, 400, "The api-version must be 2017-09-01.");
        return;
    }
    /* The names of newer versions would be passed over, and the wrong identity answer. */
    static const char *const newer[] = {"client_id", "object_id", "principal_id", "mi_res_id",
                                        "msi_res_id"};
    for (size_t i = 0; i < ES_COUNT_OF(newer); i++) {
        if (httpd_query_count(request, newer[i]) != 0) {
            refuse(response, 400, "The only parameter for an identity here is clientid.");
            return;
        }
    }
    const char *named = httpd_query(request, "resource");
    const char *resource = !es_str_is_empty(named) ? world_resource_find(w, named) : NULL;
    if (resource == NULL) {
        refuse(response, 400, "The resource parameter is missing or names nothing known.");
        return;
    }
    const world_principal *identity = NULL;
    if (imds_pick_identity(host, request, parameters, host->kind == WORLD_AZURE_ML, &identity) !=
        IMDS_PICK_FOUND) {
        refuse(response, 400, "No MSI found for specified ClientId/ResourceId.");
        return;
    }
    const imds_form form = {.expiry = host->kind == WORLD_WEB_APP_2017 ? IMDS_EXPIRY_DATE
                                                                       : IMDS_EXPIRY_TEXT};
    imds_answer_token(w, identity, resource, named, &form, response);
}
