/* SPDX-License-Identifier: MIT */
/* What clients read before they ask for tokens: metadata and signing keys. */
#include "internal.h"

#include <string.h>

static void put_url(json_writer *j, const char *name, const entra_call *c, const char *path)
{
    es_buf url = ES_BUF_INIT(1024);
    json_name(j, name);
    /* Entra writes the tenant's id even where it was asked by its domain. */
    const char *tenant = c->tenant != NULL ? c->tenant->id : c->tenant_text;
    if (es_buf_printf(&url, "%s/%s/%s", world_authority(c->w), tenant, path) == ENTRASQL_OK)
        json_put_text(j, (const char *)url.data, url.len);
    else
        json_put_null(j);
    es_buf_done(&url);
}

static void put_list(json_writer *j, const char *name, const char *const *list)
{
    json_name(j, name);
    json_begin_array(j);
    for (; *list != NULL; list++)
        json_put_string(j, *list);
    json_end_array(j);
}

static void put_common(json_writer *j)
{
    static const char *const methods[] = {"client_secret_post", "private_key_jwt", NULL};
    static const char *const modes[] = {"query", "fragment", "form_post", NULL};
    static const char *const subjects[] = {"pairwise", NULL};
    static const char *const algorithms[] = {"RS256", NULL};
    static const char *const responses[] = {"code", NULL};
    static const char *const scopes[] = {"openid", "profile", "email", "offline_access", NULL};
    put_list(j, "token_endpoint_auth_methods_supported", methods);
    put_list(j, "response_modes_supported", modes);
    put_list(j, "subject_types_supported", subjects);
    put_list(j, "id_token_signing_alg_values_supported", algorithms);
    put_list(j, "response_types_supported", responses);
    put_list(j, "scopes_supported", scopes);
    json_member_put_bool(j, "request_uri_parameter_supported", false);
    json_member_put_bool(j, "http_logout_supported", true);
    json_member_put_string(j, "cloud_instance_name", "microsoftonline.com");
}

void entra_openid_configuration(entra_call *c)
{
    json_writer j;
    json_writer_init(&j, &c->response->body);
    json_begin_object(&j);
    put_url(&j, "token_endpoint", c, "oauth2/v2.0/token");
    put_url(&j, "jwks_uri", c, "discovery/v2.0/keys");
    put_url(&j, "issuer", c, "v2.0");
    put_url(&j, "authorization_endpoint", c, "oauth2/v2.0/authorize");
    put_url(&j, "device_authorization_endpoint", c, "oauth2/v2.0/devicecode");
    put_url(&j, "end_session_endpoint", c, "oauth2/v2.0/logout");
    put_common(&j);
    json_end_object(&j);
    entra_finish(c, json_writer_end(&j));
}

/* The one that names the issuer of the access tokens themselves. */
void entra_openid_configuration_v1(entra_call *c)
{
    char issuer[32 + ES_GUID_TEXT_SIZE] = "https://sts.windows.net/{tenantid}/";
    if (c->tenant != NULL) {
        size_t n = strlen("https://sts.windows.net/");
        memcpy(issuer + n, c->tenant->id, ES_GUID_TEXT_SIZE);
        memcpy(issuer + n + ES_GUID_TEXT_SIZE - 1, "/", 2);
    }
    json_writer j;
    json_writer_init(&j, &c->response->body);
    json_begin_object(&j);
    put_url(&j, "token_endpoint", c, "oauth2/token");
    put_url(&j, "jwks_uri", c, "discovery/keys");
    json_member_put_string(&j, "issuer", issuer);
    put_url(&j, "authorization_endpoint", c, "oauth2/authorize");
    put_url(&j, "device_authorization_endpoint", c, "oauth2/devicecode");
    put_common(&j);
    json_end_object(&j);
    entra_finish(c, json_writer_end(&j));
}

#define PUBLIC_CLOUD "login.microsoftonline.com"

static const char *const local_hosts[] = {"localhost", "127.0.0.1", NULL};
/* One cloud, so one cache: Entra's own answer names them as aliases. */
static const char *const public_hosts[] = {PUBLIC_CLOUD, "login.windows.net", "login.microsoft.com",
                                           "sts.windows.net", NULL};

static bool is_host_of(const char *const *hosts, const char *host, size_t n)
{
    for (; *hosts != NULL; hosts++) {
        if (n == strlen(*hosts) && es_strncaseeq(host, *hosts, n))
            return true;
    }
    return false;
}

/* The tenant of "https://host/tenant/oauth2/..." when the host is this machine or a public one,
 * in whose place a proxy can put the emulator; else NULL. */
static const char *tenant_of_endpoint(const char *endpoint, size_t *ret_len, bool *ret_is_public)
{
    static const char prefix[] = "https://";
    if (!es_starts_with(endpoint, prefix))
        return NULL;
    const char *host = endpoint + sizeof prefix - 1;
    const char *slash = strchr(host, '/');
    if (slash == NULL)
        return NULL;
    size_t n = strcspn(host, ":/");
    *ret_is_public = is_host_of(public_hosts, host, n);
    if (!*ret_is_public && !is_host_of(local_hosts, host, n))
        return NULL;
    *ret_len = strcspn(slash + 1, "/");
    return slash + 1;
}

static void put_cloud(json_writer *j, const char *network, const char *cache,
                      const char *const *aliases)
{
    json_begin_object(j);
    json_member_put_string(j, "preferred_network", network);
    json_member_put_string(j, "preferred_cache", cache);
    put_list(j, "aliases", aliases);
    json_end_object(j);
}

/* MSAL asks this of an authority that it does not know, and of login.microsoftonline.com which
 * hosts are one cloud. Some drop the port when they ask. */
void entra_instance_discovery(entra_call *c)
{
    const char *endpoint = httpd_query(c->request, "authorization_endpoint");
    if (endpoint == NULL) {
        entra_error(c, 400, "invalid_request", 900144,
                    "The request body must contain the following parameter: "
                    "'authorization_endpoint'.");
        return;
    }
    size_t n = 0;
    bool is_public = false;
    const char *tenant = tenant_of_endpoint(endpoint, &n, &is_public);
    if (tenant == NULL || n == 0 || n > 256) {
        entra_error(c, 400, "invalid_instance", 50049, "Unknown or invalid instance.");
        return;
    }
    ES_CLEANUP(es_buf_done) es_buf url = ES_BUF_INIT(1024);
    const char *authority = world_authority(c->w);
    const char *host = authority + strlen("https://");
    const char *const own[] = {host, NULL};
    if (es_buf_printf(&url, "%s/%.*s/v2.0/.well-known/openid-configuration", authority, (int)n,
                      tenant) != ENTRASQL_OK) {
        entra_finish(c, ENTRASQL_NOMEM);
        return;
    }
    json_writer j;
    json_writer_init(&j, &c->response->body);
    json_begin_object(&j);
    json_name(&j, "tenant_discovery_endpoint");
    json_put_text(&j, (const char *)url.data, url.len);
    json_member_put_string(&j, "api-version", "1.1");
    json_name(&j, "metadata");
    json_begin_array(&j);
    put_cloud(&j, host, host, own);
    if (is_public)
        put_cloud(&j, PUBLIC_CLOUD, "login.windows.net", public_hosts);
    json_end_array(&j);
    json_end_object(&j);
    entra_finish(c, json_writer_end(&j));
}

void entra_keys(entra_call *c)
{
    entra_put_keys(c, world_token_key(c->w));
}

void entra_put_keys(entra_call *c, const crypto_key *key)
{
    ES_CLEANUP(es_buf_done) es_buf n = ES_BUF_INIT(2048);
    ES_CLEANUP(es_buf_done) es_buf e = ES_BUF_INIT(64);
    entrasql_status status = crypto_key_public_numbers(key, &n, &e, NULL);
    if (status != ENTRASQL_OK) {
        entra_finish(c, status);
        return;
    }
    json_writer j;
    json_writer_init(&j, &c->response->body);
    json_begin_object(&j);
    json_name(&j, "keys");
    json_begin_array(&j);
    json_begin_object(&j);
    json_member_put_string(&j, "kty", "RSA");
    json_member_put_string(&j, "use", "sig");
    json_member_put_string(&j, "kid", crypto_key_id(key));
    json_name(&j, "n");
    json_put_text(&j, (const char *)n.data, n.len);
    json_name(&j, "e");
    json_put_text(&j, (const char *)e.data, e.len);
    json_end_object(&j);
    json_end_array(&j);
    json_end_object(&j);
    entra_finish(c, json_writer_end(&j));
}
