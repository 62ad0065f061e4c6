/* SPDX-License-Identifier: MIT */
/* App Service's token endpoint: IDENTITY_ENDPOINT, and IDENTITY_HEADER as the proof of place. */
#include "internal.h"

#include "base/random.h"

static const imds_parameter parameters[] = {
    {"client_id", IMDS_BY_CLIENT_ID},    {"object_id", IMDS_BY_OBJECT_ID},
    {"principal_id", IMDS_BY_OBJECT_ID}, {"mi_res_id", IMDS_BY_RESOURCE_ID},
    {NULL, IMDS_BY_CLIENT_ID},
};

static void refuse(httpd_response *response, unsigned status, const char *text)
{
    char correlation_id[ES_GUID_TEXT_SIZE];
    json_writer j;
    es_random_uuid(correlation_id);
    json_writer_init(&j, &response->body);
    json_begin_object(&j);
    json_member_put_i64(&j, "statusCode", status);
    json_member_put_string(&j, "message", text);
    json_member_put_string(&j, "correlationId", correlation_id);
    json_end_object(&j);
    response->status = json_writer_end(&j) == ENTRASQL_OK ? status : 500;
}

/* The web app that asks; NULL after an error was written. */
static const world_host *find_host(const world *w, const httpd_request *request,
                                   httpd_response *response)
{
    const char *header = httpd_header(request, "X-IDENTITY-HEADER");
    const world_host *host = header != NULL ? world_host_by_header(w, header) : NULL;
    if (host != NULL && host->kind != WORLD_WEB_APP)
        host = NULL;
    if (host == NULL)
        refuse(response, 401, "The X-IDENTITY-HEADER header is missing or has the wrong value.");
    return host;
}

void imds_handle_app_service(const world *w, const httpd_request *request, httpd_response *response)
{
    const world_host *host = find_host(w, request, response);
    if (host == NULL)
        return;
    if (!es_streq(httpd_method(request), "GET")) {
        refuse(response, 405, "Only GET is allowed here.");
        return;
    }
    if (!es_streq(httpd_query(request, "api-version"), "2019-08-01")) {
        refuse(response, 400, "The api-version must be 2019-08-01.");
        return;
    }
    const char *named = httpd_query(request, "resource");
    if (es_str_is_empty(named)) {
        refuse(response, 400, "The resource parameter is missing.");
        return;
    }
    const world_principal *identity = NULL;
    imds_pick picked = imds_pick_identity(host, request, parameters, false, &identity);
    if (picked == IMDS_PICK_BAD_REQUEST) {
        refuse(response, 400,
               "Only one of client_id, object_id, principal_id and mi_res_id may be given, and "
               "once.");
        return;
    }
    if (picked != IMDS_PICK_FOUND) {
        refuse(response, 400,
               "No Managed Identity found for specified ClientId/ResourceId/PrincipalId.");
        return;
    }
    const char *resource = world_resource_find(w, named);
    if (resource == NULL) {
        char text[640];
        imds_unknown_resource_text(w, named, text, sizeof text);
        refuse(response, 400, text);
        return;
    }
    imds_answer_token(w, identity, resource, named, &(imds_form){.with_expires_in = false},
                      response);
}
