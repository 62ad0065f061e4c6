/* SPDX-License-Identifier: MIT */
/*
 * People by name and password (RFC 6749, 4.3, "ROPC"), for drivers' ActiveDirectoryPassword. Only
 * people who were given a password have one, and all of them are managed: no federation.
 */
#include "user.h"

#include "emulator/world/password.h"

#include <stdio.h>
#include <string.h>

/* ---- the realm ---- */

static bool is_of_domain(const world *w, const char *upn, const char *domain)
{
    const world_tenant *tenant = domain[0] != 0 ? world_tenant_find(w, domain) : NULL;
    return tenant != NULL || world_user_find(w, upn) != NULL;
}

void entra_user_realm(entra_call *c, const char *upn)
{
    const char *at = strrchr(upn, '@');
    const char *domain = at != NULL ? at + 1 : "";
    bool is_managed = is_of_domain(c->w, upn, domain);
    char shown[200];
    json_writer j;
    es_printable(shown, sizeof shown, domain, strlen(domain));
    json_writer_init(&j, &c->response->body);
    json_begin_object(&j);
    json_member_put_string(&j, "ver", "1.0");
    json_member_put_string(&j, "account_type", is_managed ? "Managed" : "Unknown");
    if (is_managed)
        json_member_put_string(&j, "domain_name", shown);
    json_member_put_string(&j, "cloud_instance_name", "microsoftonline.com");
    json_member_put_string(&j, "cloud_audience_urn", "urn:federation:MicrosoftOnline");
    json_end_object(&j);
    entra_finish(c, json_writer_end(&j));
}

/* ---- the grant ---- */

/* NULL after an error was written. */
static const world_principal *who(entra_call *c)
{
    const char *upn = NULL, *password = NULL;
    char shown[200];
    if (!entra_need_field(c, "username", &upn) || !entra_need_field(c, "password", &password))
        return NULL;
    const world_principal *user = world_user_find(c->w, upn);
    const char *tenant = c->tenant != NULL ? c->tenant->domain : c->tenant_text;
    es_printable(shown, sizeof shown, upn, strlen(upn));
    if (user == NULL || (c->tenant != NULL && !world_same_tenant(user->tenant, c->tenant)))
        entra_error(c, 400, "invalid_grant", 50034,
                    "The user account %s does not exist in the %s directory. To sign into this "
                    "application, the account must be added to the directory.",
                    shown, tenant);
    else if (user->password_hash == NULL)
        entra_error(c, 400, "invalid_grant", 50056,
                    "Invalid or null password: password does not exist in the directory for "
                    "this user.");
    else if (!world_password_matches(user->password_hash, password))
        entra_error(c, 400, "invalid_grant", 50126,
                    "Error validating credentials due to invalid username or password.");
    else
        return user;
    return NULL;
}

void entra_answer_password(entra_call *c, const char *client_id)
{
    const char *scope = NULL;
    entra_grant grant = {0};
    if (es_strcaseeq(c->tenant_text, "common")) {
        entra_error(c, 400, "invalid_request", 9001023,
                    "The grant type is not supported over the /common or /consumers endpoints. "
                    "Please use the /organizations or tenant-specific endpoint.");
        return;
    }
    if (!entra_need_field(c, "scope", &scope) || (grant.user = who(c)) == NULL)
        return;
    if (strlen(scope) >= sizeof grant.scope) {
        entra_error(c, 400, "invalid_scope", 70011, "The scope is too long.");
        return;
    }
    es_strlcpy_utf8(grant.client_id, sizeof grant.client_id, client_id);
    es_strlcpy_utf8(grant.scope, sizeof grant.scope, scope);
    entra_answer_user(c, &grant);
}

bool entra_password_v1(entra_call *c, world_token_request *ret)
{
    char text[512];
    if (!entra_need_field(c, "client_id", &ret->client_id))
        return false;
    uint32_t problem = entra_client_problem(c->w, ret->client_id, text, sizeof text);
    if (problem != 0) {
        bool is_app = problem == 7000218;
        entra_error(c, is_app ? 401 : 400, is_app ? "invalid_client" : "unauthorized_client",
                    problem, "%s", text);
        return false;
    }
    ret->principal = who(c);
    return ret->principal != NULL;
}
