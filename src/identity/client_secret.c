/* SPDX-License-Identifier: MIT */
/* ClientSecretCredential: a service principal by its secret. */
#include "base/mem.h"
#include "base/str.h"
#include "http/text.h"
#include "identity/entra.h"
#include "identity/internal.h"
#include "identity/scope.h"

#include <string.h>

#define MAX_FORM (64 * 1024)

struct client_secret {
    entrasql_credential base;
    char *tenant_id;
    char *client_id;
    es_secret *secret;
    identity_settings settings;
    identity_tenant_policy tenants;
};

static entrasql_status build_form(const struct client_secret *c, const identity_request *request,
                                  es_buf *form)
{
    ES_TRY(http_form_add(form, "grant_type", "client_credentials"));
    ES_TRY(http_form_add(form, "client_id", c->client_id));
    ES_TRY(http_form_add(form, "client_secret", es_secret_reveal(c->secret)));
    ES_TRY(http_form_add(form, "scope", request->scope));
    if (request->claims != NULL)
        ES_TRY(http_form_add(form, "claims", request->claims));
    return ENTRASQL_OK;
}

static entrasql_status client_secret_start(entrasql_credential *credential,
                                           const identity_request *request, identity_flow **ret,
                                           entrasql_error *err)
{
    struct client_secret *c = (struct client_secret *)credential;
    identity_entra_request entra = {
        .settings = &c->settings, .source = credential->name, .secret = c->secret};
    ES_TRY(identity_scope_check_default(request->scope, err));
    ES_TRY(identity_tenant_choose(&c->tenants, c->tenant_id, request->tenant_id, &entra.tenant_id,
                                  err));
    es_buf form = ES_BUF_INIT_WIPE(MAX_FORM);
    entra.form = &form;
    entrasql_status status = build_form(c, request, &form);
    if (status == ENTRASQL_OK)
        status = identity_entra_start(&entra, request, ret, err);
    else
        status = status == ENTRASQL_LIMIT
                     ? es_fail(err, ENTRASQL_INVALID, "the token request is larger than %d bytes",
                               MAX_FORM)
                     : es_nomem(err);
    es_buf_done(&form);
    return status;
}

static void client_secret_destroy(entrasql_credential *credential)
{
    struct client_secret *c = (struct client_secret *)credential;
    es_free(c->tenant_id);
    es_free(c->client_id);
    es_secret_unref(c->secret);
    identity_settings_done(&c->settings);
    identity_tenant_policy_done(&c->tenants);
    es_free(c);
}

static const identity_class client_secret_class = {.start = client_secret_start,
                                                   .destroy = client_secret_destroy};

static entrasql_status check(const char *tenant_id, const char *client_id,
                             const char *client_secret, entrasql_error *err)
{
    ES_TRY(identity_tenant_check(tenant_id, "tenant_id", err));
    if (es_str_is_empty(client_id))
        return es_fail(err, ENTRASQL_INVALID, "client_id is empty");
    if (es_str_is_empty(client_secret))
        return es_fail(err, ENTRASQL_INVALID, "client_secret is empty");
    return ENTRASQL_OK;
}

entrasql_status entrasql_client_secret_credential_new(const char *tenant_id, const char *client_id,
                                                      const char *client_secret,
                                                      const entrasql_client_options *options,
                                                      entrasql_credential **ret,
                                                      entrasql_error *err)
{
    ES_TRY(check(tenant_id, client_id, client_secret, err));
    struct client_secret *c =
        identity_credential_new(&client_secret_class, "ClientSecretCredential", sizeof *c);
    if (c == NULL)
        return es_nomem(err);
    c->tenant_id = es_strdup(tenant_id);
    c->client_id = es_strdup(client_id);
    c->secret = es_secret_from_str(client_secret);
    entrasql_status status = ENTRASQL_OK;
    if (c->tenant_id == NULL || c->client_id == NULL || c->secret == NULL ||
        identity_tenant_policy_init(&c->tenants) != ENTRASQL_OK)
        status = es_nomem(err);
    if (status == ENTRASQL_OK)
        status = identity_settings_init(&c->settings, options, true, err);
    if (status != ENTRASQL_OK) {
        entrasql_credential_unref(&c->base);
        return status;
    }
    *ret = &c->base;
    return ENTRASQL_OK;
}
