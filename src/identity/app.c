/* SPDX-License-Identifier: MIT */
/* Credentials of an app; see app.h. */
#include "identity/app.h"

#include "base/mem.h"
#include "base/str.h"
#include "http/text.h"
#include "identity/entra.h"

#include <string.h>

#define MAX_CLIENT_ID 256

/* ---- the app ---- */

static entrasql_status check_client_id(const char *client_id, entrasql_error *err)
{
    if (es_str_is_empty(client_id))
        return es_fail(err, ENTRASQL_INVALID, "client_id is empty");
    bool ok = strlen(client_id) <= MAX_CLIENT_ID;
    for (const char *p = client_id; ok && *p != '\0'; p++)
        ok = *p > 0x20 && *p < 0x7F;
    if (ok)
        return ENTRASQL_OK;
    es_fail(err, ENTRASQL_INVALID, "client_id is not the id of an application");
    es_hint(err, "give the application's (client) id, a GUID, without blanks or quotes");
    return ENTRASQL_INVALID;
}

static entrasql_status fill(identity_app *app, const char *tenant_id, const char *client_id,
                            const entrasql_client_options *options, entrasql_error *err)
{
    entrasql_client_options o;
    ES_TRY(es_options_copy(&o, sizeof o, options, err));
    app->tenant_id = es_strdup(tenant_id);
    app->client_id = es_strdup(client_id);
    if (app->tenant_id == NULL || app->client_id == NULL ||
        identity_tenant_policy_init(&app->tenants, o.additionally_allowed_tenants) != ENTRASQL_OK)
        return es_nomem(err);
    return identity_settings_init(&app->settings, &o, true, err);
}

entrasql_status identity_app_init(identity_app *app, const char *tenant_id, const char *client_id,
                                  const entrasql_client_options *options, entrasql_error *err)
{
    memset(app, 0, sizeof *app);
    ES_TRY(identity_tenant_check(tenant_id, "tenant_id", err));
    ES_TRY(check_client_id(client_id, err));
    entrasql_status status = fill(app, tenant_id, client_id, options, err);
    if (status != ENTRASQL_OK)
        identity_app_done(app);
    return status;
}

void identity_app_done(identity_app *app)
{
    es_free(app->tenant_id);
    es_free(app->client_id);
    identity_settings_done(&app->settings);
    identity_tenant_policy_done(&app->tenants);
    memset(app, 0, sizeof *app);
}

/* ---- the request ---- */

static entrasql_status add_fields(const identity_app *app, const es_secret *user_assertion,
                                  es_buf *form)
{
    if (user_assertion == NULL) {
        ES_TRY(http_form_add(form, "grant_type", "client_credentials"));
    } else {
        ES_TRY(http_form_add(form, "grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"));
        ES_TRY(http_form_add(form, "assertion", es_secret_reveal(user_assertion)));
        ES_TRY(http_form_add(form, "requested_token_use", "on_behalf_of"));
    }
    return http_form_add(form, "client_id", app->client_id);
}

static entrasql_status too_large(entrasql_status status, entrasql_error *err)
{
    if (status != ENTRASQL_LIMIT)
        return es_nomem(err);
    return es_fail(err, ENTRASQL_INVALID, "the token request is larger than %d bytes",
                   IDENTITY_MAX_FORM);
}

static entrasql_status build_form(const identity_app *app, identity_proof *proof,
                                  const char *token_url, const es_secret *user_assertion,
                                  const identity_request *request, es_buf *form,
                                  es_secret **ret_secret, entrasql_error *err)
{
    entrasql_status status = add_fields(app, user_assertion, form);
    if (status != ENTRASQL_OK)
        return too_large(status, err);
    ES_TRY(proof->klass->add(proof, app->client_id, token_url, form, ret_secret, err));
    status = http_form_add(form, "scope", request->scope);
    if (status != ENTRASQL_OK)
        return too_large(status, err);
    return identity_claims_add(request, form, err);
}

entrasql_status identity_app_start(identity_app *app, const char *source, identity_proof *proof,
                                   const es_secret *user_assertion, const identity_request *request,
                                   identity_flow **ret, entrasql_error *err)
{
    identity_entra_request entra = {.settings = &app->settings, .source = source};
    if (user_assertion == NULL)
        ES_TRY(identity_scope_check_default(request->scope, err));
    ES_TRY(identity_tenant_choose(&app->tenants, app->tenant_id, request->tenant_id,
                                  &entra.tenant_id, err));
    ES_CLEANUP(es_cleanup_free)
    char *url = identity_token_url(app->settings.authority, entra.tenant_id);
    if (url == NULL)
        return es_nomem(err);
    ES_CLEANUP(es_buf_done) es_buf form = ES_BUF_INIT_WIPE(IDENTITY_MAX_FORM);
    ES_CLEANUP(es_secret_cleanup) es_secret *secret = NULL;
    ES_TRY(build_form(app, proof, url, user_assertion, request, &form, &secret, err));
    entra.form = &form;
    entra.secret = secret;
    return identity_entra_start(&entra, request, ret, err);
}

/* ---- the credential ---- */

static entrasql_status app_credential_start(entrasql_credential *credential,
                                            const identity_request *request, identity_flow **ret,
                                            entrasql_error *err)
{
    identity_app_credential *c = (identity_app_credential *)credential;
    return identity_app_start(&c->app, credential->name, c->proof, c->user_assertion, request, ret,
                              err);
}

static void app_credential_destroy(entrasql_credential *credential)
{
    identity_app_credential *c = (identity_app_credential *)credential;
    identity_app_done(&c->app);
    identity_proof_free(c->proof);
    es_secret_unref(c->user_assertion);
    es_free(c);
}

static const identity_class app_credential_class = {.start = app_credential_start,
                                                    .destroy = app_credential_destroy};

entrasql_status identity_app_credential_new(const char *name, const char *tenant_id,
                                            const char *client_id,
                                            const entrasql_client_options *options,
                                            identity_proof *proof, entrasql_credential **ret,
                                            entrasql_error *err)
{
    identity_app_credential *c = identity_credential_new(&app_credential_class, name, sizeof *c);
    if (c == NULL) {
        identity_proof_free(proof);
        return es_nomem(err);
    }
    c->proof = proof;
    entrasql_status status = identity_app_init(&c->app, tenant_id, client_id, options, err);
    if (status != ENTRASQL_OK) {
        entrasql_credential_unref(&c->base);
        return status;
    }
    *ret = &c->base;
    return ENTRASQL_OK;
}

/* ---- unusable ---- */

struct unusable {
    entrasql_credential base;
    entrasql_error problem;
};

static entrasql_status unusable_start(entrasql_credential *credential,
                                      const identity_request *request, identity_flow **ret,
                                      entrasql_error *err)
{
    (void)request;
    (void)ret;
    const struct unusable *c = (const struct unusable *)credential;
    *err = c->problem;
    return c->problem.status;
}

static void unusable_destroy(entrasql_credential *credential)
{
    es_free(credential);
}

static const identity_class unusable_class = {.start = unusable_start, .destroy = unusable_destroy};

entrasql_status identity_unusable_new(const char *name, const entrasql_error *problem,
                                      entrasql_credential **ret, entrasql_error *err)
{
    struct unusable *c = identity_credential_new(&unusable_class, name, sizeof *c);
    if (c == NULL)
        return es_nomem(err);
    c->problem = *problem;
    *ret = &c->base;
    return ENTRASQL_OK;
}
