/* SPDX-License-Identifier: MIT */
/*
 * Issuers beside Entra: the metadata and keys of a cluster and of Azure Pipelines, and the
 * endpoint (SYSTEM_OIDCREQUESTURI) where a pipeline's job gets the token of its service connection.
 */
#include "assertion.h"

#include "base/mem.h"
#include "crypto/jwt.h"
#include "emulator/world/federation.h"

#include <string.h>

#define API_VERSION "7.1"

static void put_configuration(entra_call *c, const world_host *h)
{
    ES_CLEANUP(es_buf_done) es_buf issuer = ES_BUF_INIT(4096);
    ES_CLEANUP(es_buf_done) es_buf keys = ES_BUF_INIT(4096);
    json_writer j;
    if (world_issuer(c->w, h, &issuer) != ENTRASQL_OK ||
        es_buf_printf(&keys, "%s" WORLD_FEDERATION_PATH "%s/openid/v1/jwks", world_authority(c->w),
                      h->name) != ENTRASQL_OK) {
        entra_finish(c, ENTRASQL_NOMEM);
        return;
    }
    json_writer_init(&j, &c->response->body);
    json_begin_object(&j);
    json_name(&j, "issuer");
    json_put_text(&j, (const char *)issuer.data, issuer.len);
    json_name(&j, "jwks_uri");
    json_put_text(&j, (const char *)keys.data, keys.len);
    json_name(&j, "id_token_signing_alg_values_supported");
    json_begin_array(&j);
    json_put_string(&j, "RS256");
    json_end_array(&j);
    json_end_object(&j);
    entra_finish(c, json_writer_end(&j));
}

/* An error in the shape of Azure DevOps. */
static void put_problem(entra_call *c, unsigned status, const char *type, const char *message)
{
    json_writer j;
    json_writer_init(&j, &c->response->body);
    json_begin_object(&j);
    json_member_put_string(&j, "$id", "1");
    json_member_put_string(&j, "message", message);
    json_member_put_string(&j, "typeKey", type);
    json_end_object(&j);
    c->response->status = status;
    entrasql_status written = json_writer_end(&j);
    if (written == ENTRASQL_OK)
        written = httpd_response_header(c->response, "x-vss-e2eid", c->trace_id);
    entra_finish(c, written);
}

static bool check_job(entra_call *c, const world_host *h)
{
    static const char word[] = "Bearer ";
    const char *given = httpd_header(c->request, "Authorization");
    if (given != NULL && es_starts_with(given, word) &&
        world_job_token_is_good(c->w, h, given + sizeof word - 1))
        return true;
    /* Browsers are sent to a sign-in page; programs say that they want none. */
    bool is_program = es_strcaseeq(httpd_header(c->request, "X-TFS-FedAuthRedirect"), "Suppress");
    put_problem(c, is_program ? 401 : 302, "UnauthorizedRequestException",
                "TF400813: The user is not authorized to access this resource.");
    if (!is_program &&
        httpd_response_header(c->response, "Location", world_authority(c->w)) != ENTRASQL_OK)
        entra_finish(c, ENTRASQL_NOMEM);
    return false;
}

static bool is_connection(const world_host *h, const char *id)
{
    for (size_t i = 0; id != NULL && i < h->identity_count; i++) {
        char own[ES_GUID_TEXT_SIZE];
        if (world_service_connection(h, h->identities[i], own) == ENTRASQL_OK &&
            es_strcaseeq(own, id))
            return true;
    }
    return false;
}

static void put_oidc_token(entra_call *c, const world_host *h)
{
    if (!es_streq(httpd_method(c->request), "POST")) {
        put_problem(c, 405, "HttpMethodNotAllowed", "The endpoint only accepts POST.");
        return;
    }
    if (!check_job(c, h))
        return;
    if (!es_streq(httpd_query(c->request, "api-version"), API_VERSION)) {
        put_problem(c, 400, "VssVersionNotSpecifiedException",
                    "No api-version was supplied for the request, or another than " API_VERSION
                    ".");
        return;
    }
    if (!is_connection(h, httpd_query(c->request, "serviceConnectionId"))) {
        put_problem(c, 404, "ServiceEndpointNotFoundException",
                    "The job has no service connection of that id.");
        return;
    }
    ES_CLEANUP(es_buf_done) es_buf token = ES_BUF_INIT_WIPE(CRYPTO_JWT_MAX_BYTES);
    entrasql_status status = world_federated_token(c->w, h, WORLD_PIPELINE_TOKEN_S, &token, NULL);
    if (status == ENTRASQL_OK) {
        json_writer j;
        json_writer_init(&j, &c->response->body);
        json_begin_object(&j);
        json_name(&j, "oidcToken");
        json_put_text(&j, (const char *)token.data, token.len);
        json_end_object(&j);
        status = json_writer_end(&j);
    }
    entra_finish(c, status);
}

void entra_federation(entra_call *c, const char *rest)
{
    const char *slash = strchr(rest, '/');
    ES_CLEANUP(es_cleanup_free)
    char *name = slash != NULL ? es_strndup(rest, (size_t)(slash - rest)) : NULL;
    const world_host *h = name != NULL ? world_host_find(c->w, name) : NULL;
    if (h == NULL || !world_host_is_issuer(h)) {
        put_problem(c, 404, "NotFound", "There is no such issuer.");
        return;
    }
    if (es_streq(slash, "/.well-known/openid-configuration"))
        put_configuration(c, h);
    else if (es_streq(slash, "/openid/v1/jwks"))
        entra_put_keys(c, world_federation_key(c->w));
    else if (es_streq(slash, "/oidctoken") && h->kind == WORLD_PIPELINE)
        put_oidc_token(c, h);
    else
        put_problem(c, 404, "NotFound", "The issuer has no such page.");
}
