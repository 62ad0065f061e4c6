/* SPDX-License-Identifier: MIT */
/* Cloud Shell's token endpoint: a form with the resource, for the one identity there is. */
#include "imds.h"
#include "internal.h"

static const imds_parameter parameters[] = {{NULL, IMDS_BY_CLIENT_ID}};

static void refuse(httpd_response *response, unsigned status, const char *code, const char *text)
{
    json_writer j;
    json_writer_init(&j, &response->body);
    json_begin_object(&j);
    json_name(&j, "error");
    json_begin_object(&j);
    json_member_put_string(&j, "code", code);
    json_member_put_string(&j, "message", text);
    json_end_object(&j);
    json_end_object(&j);
    response->status = json_writer_end(&j) == ENTRASQL_OK ? status : 500;
}

void imds_handle_cloud_shell(const world *w, const httpd_request *request, httpd_response *response)
{
    const world_host *host = imds_host_in_path(w, WORLD_CLOUD_SHELL, httpd_path(request),
                                               IMDS_CLOUD_SHELL_PREFIX, IMDS_CLOUD_SHELL_SUFFIX);
    if (host == NULL) {
        refuse(response, 404, "NotFound", "There is no such Cloud Shell.");
        return;
    }
    if (!es_streq(httpd_method(request), "POST") || !httpd_has_form(request)) {
        refuse(response, 405, "MethodNotAllowed", "Only POST of a form is allowed here.");
        return;
    }
    if (!es_strcaseeq(httpd_header(request, "Metadata"), "true")) {
        refuse(response, 400, "InvalidRequest", "Required metadata header not specified");
        return;
    }
    const char *named = httpd_form(request, "resource");
    const char *resource = !es_str_is_empty(named) ? world_resource_find(w, named) : NULL;
    if (resource == NULL) {
        refuse(response, 400, "AudienceNotSupported",
               "Audience is not a supported MSI token audience.");
        return;
    }
    const world_principal *identity = NULL;
    if (imds_pick_identity(host, request, parameters, true, &identity) != IMDS_PICK_FOUND) {
        refuse(response, 404, "NotFound", "No account is signed in.");
        return;
    }
    imds_answer_token(w, identity, resource, named, &(imds_form){.with_expires_in = true},
                      response);
}
