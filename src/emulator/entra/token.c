/* SPDX-License-Identifier: MIT */
/* The token endpoints: client credentials, and apps on behalf of users. */
#include "assertion.h"
#include "internal.h"

#include "base/clock.h"
#include "base/mem.h"
#include "crypto/jwt.h"
#include "emulator/world/token.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MAX_SHOWN 200

/* A value that the client sent, made fit for an error text. */
typedef struct shown {
    char text[MAX_SHOWN];
} shown;

static shown show(const char *value)
{
    shown s;
    es_printable(s.text, sizeof s.text, value, strlen(value));
    return s;
}

bool entra_need_field(entra_call *c, const char *name, const char **ret)
{
    *ret = httpd_form(c->request, name);
    if (*ret != NULL && **ret != 0)
        return true;
    if (httpd_form_count(c->request, name) > 1)
        entra_error(c, 400, "invalid_request", 9000411,
                    "The request is not properly formatted. The parameter '%s' is duplicated.",
                    name);
    else
        entra_error(c, 400, "invalid_request", 900144,
                    "The request body must contain the following parameter: '%s'.", name);
    return false;
}

static bool is_on_behalf_of(const entra_call *c)
{
    return es_streq(httpd_form(c->request, "grant_type"),
                    "urn:ietf:params:oauth:grant-type:jwt-bearer");
}

static bool check_grant_type(entra_call *c)
{
    const char *grant_type = NULL;
    if (!entra_need_field(c, "grant_type", &grant_type))
        return false;
    if (es_streq(grant_type, "client_credentials") || is_on_behalf_of(c))
        return true;
    entra_error(c, 400, "unsupported_grant_type", 70003,
                "The app requested an unsupported grant type '%s'.", show(grant_type).text);
    return false;
}

static bool check_proof(entra_call *c, const world_principal *app)
{
    bool has_assertion = httpd_form_count(c->request, "client_assertion") != 0;
    const char *secret = httpd_form(c->request, "client_secret");
    if (has_assertion && secret != NULL) {
        entra_error(c, 400, "invalid_request", 7000217,
                    "The request holds both a client secret and a client assertion.");
        return false;
    }
    if (has_assertion)
        return entra_check_assertion(c, app);
    if (secret == NULL) {
        entra_error(c, 401, "invalid_client", 7000218,
                    "The request body must contain the following parameter: "
                    "'client_assertion' or 'client_secret'.");
        return false;
    }
    /* Managed identities have none. */
    if (app->secret != NULL && es_secret_equal(app->secret, secret, strlen(secret)))
        return true;
    entra_error(c, 401, "invalid_client", 7000215,
                "Invalid client secret provided. Ensure the secret being sent in the request is "
                "the client secret value, not the client secret ID, for a secret added to app "
                "'%s'.",
                app->client_id);
    return false;
}

/* The app that proves itself by the form's fields; NULL after an error was written. */
static const world_principal *authenticate(entra_call *c)
{
    const char *client_id = NULL;
    if (!check_grant_type(c) || !entra_need_field(c, "client_id", &client_id))
        return NULL;
    if (c->tenant == NULL) {
        entra_error(c, 400, "invalid_request", 50194,
                    "Application '%s' is not configured as a multi-tenant application. Usage of "
                    "the /%s endpoint is not supported for client credentials. Use a "
                    "tenant-specific endpoint.",
                    show(client_id).text, c->tenant_text);
        return NULL;
    }
    const world_principal *app = world_app_find(c->w, client_id);
    /* Managed identities have no secrets: user-assigned ones come through this door by federation.
     */
    bool is_known =
        app != NULL && world_same_tenant(app->tenant, c->tenant) &&
        (app->kind == WORLD_APP ||
         (!app->system_assigned && httpd_form_count(c->request, "client_assertion") != 0));
    if (!is_known) {
        entra_error(c, 400, "unauthorized_client", 700016,
                    "Application with identifier '%s' was not found in the directory '%s'. This "
                    "can happen if the application has not been installed by the administrator "
                    "of the tenant or consented to by any user in the tenant. You may have sent "
                    "your authentication request to the wrong tenant.",
                    show(client_id).text, c->tenant->domain);
        return NULL;
    }
    return check_proof(c, app) ? app : NULL;
}

static const char *find_resource(entra_call *c, const char *name)
{
    const char *resource = world_resource_find(c->w, name);
    const char *tenant = c->tenant != NULL ? c->tenant->domain : c->tenant_text;
    if (resource == NULL)
        entra_error(c, 400, "invalid_resource", 500011,
                    "The resource principal named %s was not found in the tenant named %s. This "
                    "can happen if the application has not been installed by the administrator "
                    "of the tenant or consented to by any user in the tenant. You might have "
                    "sent your authentication request to the wrong tenant.",
                    show(name).text, tenant);
    return resource;
}

/* Scopes that MSAL for Go adds to every request; they mean nothing to an app. */
static bool is_openid_scope(const char *s, size_t n)
{
    static const char *const names[] = {"openid", "profile", "offline_access"};
    for (size_t i = 0; i < ES_COUNT_OF(names); i++) {
        if (n == strlen(names[i]) && memcmp(s, names[i], n) == 0)
            return true;
    }
    return false;
}

/* The one scope of the list that names a resource, with its length; 0: none, 2: more than one. */
static size_t resource_scopes(const char *list, const char **ret, size_t *ret_len)
{
    size_t count = 0;
    while (*list != 0) {
        size_t n = strcspn(list, " ");
        if (n != 0 && !is_openid_scope(list, n)) {
            *ret = list;
            *ret_len = n;
            count++;
        }
        list += n + strspn(list + n, " ");
    }
    return count;
}

/* The resource of "<resource>/.default"; NULL after an error was written. */
static const char *resource_of_scope(entra_call *c)
{
    static const char suffix[] = "/.default";
    const char *list = NULL, *scope = NULL;
    size_t n = 0;
    if (!entra_need_field(c, "scope", &list))
        return NULL;
    if (resource_scopes(list, &scope, &n) != 1) {
        entra_error(c, 400, "invalid_scope", 70011,
                    "The provided request must include a 'scope' input parameter. The provided "
                    "value for the input parameter 'scope' is not valid. The scope %s is not "
                    "valid.",
                    show(list).text);
        return NULL;
    }
    ES_CLEANUP(es_cleanup_free) char *resource = es_strndup(scope, n);
    if (resource == NULL) {
        entra_finish(c, ENTRASQL_NOMEM);
        return NULL;
    }
    /* For a user an app may ask for single permissions, too. */
    char *last = is_on_behalf_of(c) ? strrchr(resource, '/') : NULL;
    if (last != NULL && last != resource) {
        *last = 0;
        return find_resource(c, resource);
    }
    if (n <= sizeof suffix - 1 || !es_ends_with(resource, suffix)) {
        entra_error(c, 400, "invalid_scope", 1002012,
                    "The provided value for scope %s is not valid. Client credential flows must "
                    "have a scope value with /.default suffixed to the resource identifier "
                    "(application ID URI).",
                    show(resource).text);
        return NULL;
    }
    resource[n - (sizeof suffix - 1)] = 0;
    return find_resource(c, resource);
}

static bool is_post(entra_call *c)
{
    if (!es_streq(httpd_method(c->request), "POST")) {
        entra_error(c, 405, "invalid_request", 900561,
                    "The endpoint only accepts POST requests. Received a %s request.",
                    show(httpd_method(c->request)).text);
        return false;
    }
    if (!httpd_has_form(c->request)) {
        entra_error(c, 400, "invalid_request", 900144,
                    "The request body must contain the following parameter: 'grant_type'.");
        return false;
    }
    return true;
}

void entra_answer_token(entra_call *c, const world_token_request *request)
{
    ES_CLEANUP(es_buf_done) es_buf token = ES_BUF_INIT_WIPE(CRYPTO_JWT_MAX_BYTES);
    int64_t expires_on = 0;
    entrasql_status status = world_token_issue(c->w, request, &token, &expires_on, NULL);
    if (status == ENTRASQL_OK) {
        json_writer j;
        json_writer_init(&j, &c->response->body);
        json_begin_object(&j);
        json_member_put_string(&j, "token_type", "Bearer");
        json_member_put_i64(&j, "expires_in", WORLD_TOKEN_LIFETIME_S - 1);
        json_member_put_i64(&j, "ext_expires_in", WORLD_TOKEN_LIFETIME_S - 1);
        json_name(&j, "access_token");
        json_put_text(&j, (const char *)token.data, token.len);
        json_end_object(&j);
        status = json_writer_end(&j);
    }
    entra_finish(c, status);
}

void entra_token_v2(entra_call *c)
{
    const world_principal *app = NULL;
    const char *resource = NULL;
    if (!is_post(c) || entra_user_token(c))
        return;
    if ((app = authenticate(c)) == NULL || (resource = resource_of_scope(c)) == NULL)
        return;
    world_token_request request = {.principal = app, .resource = resource};
    if (is_on_behalf_of(c))
        entra_on_behalf_of(c, app, resource);
    else
        entra_answer_token(c, &request);
}

static void put_number_text(json_writer *j, const char *name, int64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRId64, value);
    json_member_put_string(j, name, text);
}

/* An app that proved itself, or a person by a password. False after an error was written. */
static bool who_asks_v1(entra_call *c, world_token_request *ret)
{
    if (es_streq(httpd_form(c->request, "grant_type"), "password"))
        return entra_password_v1(c, ret);
    ret->principal = authenticate(c);
    return ret->principal != NULL;
}

/* Numbers are strings here, and Microsoft's ODBC driver reads nothing else. */
void entra_token_v1(entra_call *c)
{
    const char *name = NULL;
    world_token_request request = {0};
    if (!is_post(c) || !who_asks_v1(c, &request) || !entra_need_field(c, "resource", &name) ||
        (request.resource = find_resource(c, name)) == NULL)
        return;
    ES_CLEANUP(es_buf_done) es_buf token = ES_BUF_INIT_WIPE(CRYPTO_JWT_MAX_BYTES);
    int64_t expires_on = 0;
    entrasql_status status = world_token_issue(c->w, &request, &token, &expires_on, NULL);
    if (status == ENTRASQL_OK) {
        json_writer j;
        json_writer_init(&j, &c->response->body);
        json_begin_object(&j);
        json_member_put_string(&j, "token_type", "Bearer");
        if (request.principal->kind == WORLD_USER)
            json_member_put_string(&j, "scope", "user_impersonation");
        put_number_text(&j, "expires_in", WORLD_TOKEN_LIFETIME_S - 1);
        put_number_text(&j, "ext_expires_in", WORLD_TOKEN_LIFETIME_S - 1);
        put_number_text(&j, "expires_on", expires_on);
        put_number_text(&j, "not_before", es_clock_wall_s());
        json_member_put_string(&j, "resource", name);
        json_name(&j, "access_token");
        json_put_text(&j, (const char *)token.data, token.len);
        json_end_object(&j);
        status = json_writer_end(&j);
    }
    entra_finish(c, status);
}
