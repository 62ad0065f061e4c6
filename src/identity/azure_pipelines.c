/* SPDX-License-Identifier: MIT */
/*
 * AzurePipelinesCredential: the service connection of a pipeline's job. The
 * job's own token buys an OIDC token of the connection, which is the assertion
 * for Entra.
 */
#include "base/mem.h"
#include "base/str.h"
#include "http/text.h"
#include "identity/app.h"
#include "identity/exchange.h"
#include "identity/redact.h"
#include "identity/reply.h"
#include "json/json.h"

#include <stdio.h>
#include <string.h>

#define NAME "AzurePipelinesCredential"
#define API_VERSION "7.1"
#define MAX_ID 256

struct pipelines {
    entrasql_credential base;
    identity_app app;
    char *url;         /* with its query; NULL: problem says why */
    es_secret *bearer; /* "Bearer ..." for the Authorization header */
    es_secret *token;  /* the same without the word: kept out of messages */
    entrasql_error problem;
};

struct pipelines_flow {
    identity_flow base;
    struct pipelines *c;
    const identity_request *request;
    identity_exchange oidc;
    identity_flow *entra; /* NULL: the OIDC token is not there yet */
};

/* ---- the OIDC token ---- */

static void copy_header(const http_response *answer, const char *name, const char *before,
                        char *dst, size_t size)
{
    char value[96];
    char shown[96];
    dst[0] = '\0';
    if (http_response_header(answer, name, value, sizeof value) != ENTRASQL_OK)
        return;
    es_printable(shown, sizeof shown, value, strlen(value));
    (void)snprintf(dst, size, "%s%s", before, shown);
}

static entrasql_status refused(const struct pipelines *c, const http_response *answer,
                               entrasql_error *err)
{
    char text[300];
    char activity[128];
    char edge[128];
    identity_redact(text, sizeof text, (const char *)answer->body.data, answer->body.len, c->token);
    copy_header(answer, "x-vss-e2eid", ", x-vss-e2eid ", activity, sizeof activity);
    copy_header(answer, "x-msedge-ref", ", x-msedge-ref ", edge, sizeof edge);
    es_fail(err, ENTRASQL_AUTH_FAILED,
            "Azure Pipelines gave no OIDC token for the service connection (HTTP %u%s%s)%s%s",
            answer->status, activity, edge, text[0] != '\0' ? ": " : "", text);
    if (answer->status == 401 || answer->status == 403 ||
        (answer->status >= 300 && answer->status < 400))
        es_hint(err, "map $(System.AccessToken) into the step's environment and pass it as "
                     "system_access_token");
    else if (answer->status == 404)
        es_hint(err, "check service_connection_id (its resource id) and that the pipeline may use "
                     "it");
    err->number = answer->status;
    identity_reply_set_class(answer->status, err);
    return ENTRASQL_AUTH_FAILED;
}

/* What a stack-held proof needs: the assertion is used at once. */
struct oidc_proof {
    identity_proof base;
    const char *text;
    size_t n;
};

static entrasql_status oidc_add(identity_proof *proof, const char *client_id, const char *token_url,
                                es_buf *form, es_secret **ret_secret, entrasql_error *err)
{
    (void)client_id;
    (void)token_url;
    const struct oidc_proof *p = (const struct oidc_proof *)proof;
    return identity_assertion_add(p->text, p->n, form, ret_secret, err);
}

static const identity_proof_class oidc_class = {oidc_add, NULL};

/* A successful answer is never shown: it holds the token. */
static entrasql_status go_to_entra(struct pipelines_flow *f, const http_response *answer,
                                   entrasql_error *err)
{
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    struct oidc_proof proof = {.base.klass = &oidc_class};
    entrasql_status status = json_doc_parse(answer->body.data, answer->body.len, &doc, NULL);
    if (status == ENTRASQL_NOMEM)
        return es_nomem(err);
    if (status != ENTRASQL_OK ||
        json_member_string(json_doc_root(doc), "oidcToken", &proof.text, &proof.n) != ENTRASQL_OK) {
        es_fail(err, ENTRASQL_AUTH_FAILED, "the answer of Azure Pipelines holds no oidcToken");
        es_hint(err, "check SYSTEM_OIDCREQUESTURI: something else may be answering there");
        return ENTRASQL_AUTH_FAILED;
    }
    return identity_app_start(&f->c->app, f->c->base.name, &proof.base, NULL, f->request, &f->entra,
                              err);
}

/* ---- the flow ---- */

static entrasql_status pipelines_wants(identity_flow *flow, os_wait *w)
{
    struct pipelines_flow *f = (struct pipelines_flow *)flow;
    return f->entra != NULL ? identity_flow_wants(f->entra, w)
                            : identity_exchange_wants(&f->oidc, w);
}

static entrasql_status pipelines_step(identity_flow *flow, entrasql_token **ret,
                                      entrasql_error *err)
{
    struct pipelines_flow *f = (struct pipelines_flow *)flow;
    if (f->entra == NULL) {
        http_response answer;
        ES_TRY(identity_exchange_step(&f->oidc, &answer, err));
        entrasql_status status =
            answer.status == 200 ? go_to_entra(f, &answer, err) : refused(f->c, &answer, err);
        http_response_done(&answer);
        ES_TRY(status);
    }
    return identity_flow_step(f->entra, ret, err);
}

static void pipelines_flow_free(identity_flow *flow)
{
    struct pipelines_flow *f = (struct pipelines_flow *)flow;
    identity_flow_free(f->entra);
    identity_exchange_done(&f->oidc);
    es_free(f);
}

static const identity_flow_class pipelines_flow_class = {pipelines_wants, pipelines_step,
                                                         pipelines_flow_free};

static entrasql_status fill_request(struct pipelines_flow *f, entrasql_error *err)
{
    identity_exchange *x = &f->oidc;
    if (es_buf_add_str(&x->url, f->c->url) != ENTRASQL_OK)
        return es_nomem(err);
    x->method = "POST";
    x->has_body = true; /* empty, with its Content-Length */
    x->ca_file = f->c->app.settings.ca_file;
    identity_exchange_header(x, "Authorization", es_secret_reveal(f->c->bearer));
    identity_exchange_header(x, "Content-Type", "application/json");
    identity_exchange_header(x, "Accept", "application/json");
    /* Else a bad token is answered by a redirect to a sign-in page. */
    identity_exchange_header(x, "X-TFS-FedAuthRedirect", "Suppress");
    return ENTRASQL_OK;
}

static entrasql_status pipelines_start(entrasql_credential *credential,
                                       const identity_request *request, identity_flow **ret,
                                       entrasql_error *err)
{
    struct pipelines *c = (struct pipelines *)credential;
    if (c->url == NULL) {
        *err = c->problem;
        return c->problem.status;
    }
    ES_TRY(identity_scope_check_default(request->scope, err));
    struct pipelines_flow *f = es_calloc(1, sizeof *f);
    if (f == NULL)
        return es_nomem(err);
    identity_retry_policy policy = identity_retry_usual;
    policy.retries =
        request->once ? 0 : identity_settings_retries(&c->app.settings, policy.retries);
    f->base.klass = &pipelines_flow_class;
    f->c = c;
    f->request = request;
    identity_exchange_init(&f->oidc, &policy, request->deadline_ms);
    entrasql_status status = fill_request(f, err);
    if (status != ENTRASQL_OK) {
        pipelines_flow_free(&f->base);
        return status;
    }
    *ret = &f->base;
    return ENTRASQL_OK;
}

/* ---- creation ---- */

static void pipelines_destroy(entrasql_credential *credential)
{
    struct pipelines *c = (struct pipelines *)credential;
    identity_app_done(&c->app);
    es_free(c->url);
    es_secret_unref(c->bearer);
    es_secret_unref(c->token);
    es_free(c);
}

static const identity_class pipelines_class = {.start = pipelines_start,
                                               .destroy = pipelines_destroy};

/* "<uri>?api-version=7.1&serviceConnectionId=<id>". */
static entrasql_status build_url(struct pipelines *c, const char *uri, const char *connection_id,
                                 entrasql_error *err)
{
    http_url parsed;
    es_buf url = ES_BUF_INIT(8 * 1024);
    entrasql_status status = http_url_parse(uri, &parsed);
    if (status == ENTRASQL_NOMEM)
        return es_nomem(err);
    if (status != ENTRASQL_OK || !parsed.is_https) {
        es_fail(err, ENTRASQL_CONFIG, "SYSTEM_OIDCREQUESTURI is not an https URL");
        es_hint(err, "Azure Pipelines sets it for each job: leave it as it is");
        return ENTRASQL_CONFIG;
    }
    status = es_buf_printf(&url, "%s%c", uri, parsed.has_query ? '&' : '?');
    if (status == ENTRASQL_OK)
        status = es_buf_add_str(&url, "api-version=" API_VERSION "&serviceConnectionId=");
    if (status == ENTRASQL_OK)
        status = http_percent_encode(connection_id, strlen(connection_id), &url);
    c->url = status == ENTRASQL_OK ? es_buf_take(&url, NULL) : NULL;
    es_buf_done(&url);
    return c->url != NULL ? ENTRASQL_OK : es_nomem(err);
}

static entrasql_status keep_token(struct pipelines *c, const char *token, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT_WIPE(IDENTITY_MAX_ASSERTION);
    for (const char *p = token; *p != '\0'; p++) {
        if (*p <= 0x20 || *p >= 0x7F)
            return es_fail(err, ENTRASQL_INVALID, "system_access_token is not a token");
    }
    entrasql_status status = es_buf_printf(&text, "Bearer %s", token);
    if (status == ENTRASQL_LIMIT)
        return es_fail(err, ENTRASQL_INVALID, "system_access_token is too long");
    if (status != ENTRASQL_OK)
        return es_nomem(err);
    c->bearer = es_secret_new(text.data, text.len);
    c->token = es_secret_from_str(token);
    return c->bearer != NULL && c->token != NULL ? ENTRASQL_OK : es_nomem(err);
}

static entrasql_status fill(struct pipelines *c, const char *connection_id, const char *token,
                            entrasql_error *err)
{
    ES_TRY(keep_token(c, token, err));
    const char *uri = identity_getenv("SYSTEM_OIDCREQUESTURI");
    if (uri != NULL)
        return build_url(c, uri, connection_id, err);
    es_fail(&c->problem, ENTRASQL_UNAVAILABLE,
            "SYSTEM_OIDCREQUESTURI is not set: this is not a job of Azure Pipelines");
    es_hint(&c->problem, "it is there in tasks of a pipeline that names the service connection");
    return ENTRASQL_OK;
}

static entrasql_status check(const char *connection_id, const char *token, entrasql_error *err)
{
    if (es_str_is_empty(connection_id) || strlen(connection_id) > MAX_ID)
        return es_fail(err, ENTRASQL_INVALID, "service_connection_id is %s",
                       es_str_is_empty(connection_id) ? "empty" : "too long");
    if (!es_str_is_empty(token))
        return ENTRASQL_OK;
    es_fail(err, ENTRASQL_INVALID, "system_access_token is empty");
    es_hint(err, "map $(System.AccessToken) into the step's environment and pass its value");
    return ENTRASQL_INVALID;
}

entrasql_status entrasql_azure_pipelines_credential_new(
    const char *tenant_id, const char *client_id, const char *service_connection_id,
    const char *system_access_token, const entrasql_client_options *options,
    entrasql_credential **ret, entrasql_error *err)
{
    ES_TRY(check(service_connection_id, system_access_token, err));
    struct pipelines *c = identity_credential_new(&pipelines_class, NAME, sizeof *c);
    if (c == NULL)
        return es_nomem(err);
    entrasql_status status = identity_app_init(&c->app, tenant_id, client_id, options, err);
    if (status == ENTRASQL_OK)
        status = fill(c, service_connection_id, system_access_token, err);
    if (status != ENTRASQL_OK) {
        entrasql_credential_unref(&c->base);
        return status;
    }
    *ret = &c->base;
    return ENTRASQL_OK;
}
