/* SPDX-License-Identifier: MIT */
/* The request to Entra's token endpoint. */
#include "identity/entra.h"

#include "base/mem.h"
#include "base/random.h"
#include "base/str.h"
#include "identity/discovery.h"
#include "identity/exchange.h"
#include "identity/reply.h"

#include <string.h>

struct entra_flow {
    identity_flow base;
    identity_settings *settings;
    identity_exchange x;
    identity_exchange discovery; /* comes before the request, when is_discovering */
    bool is_discovering;
    const char *source;
    es_secret *secret; /* a reference */
    char request_id[ES_GUID_TEXT_SIZE];
};

static entrasql_status entra_wants(identity_flow *flow, os_wait *w)
{
    struct entra_flow *f = (struct entra_flow *)flow;
    return identity_exchange_wants(f->is_discovering ? &f->discovery : &f->x, w);
}

/* Without Entra's own word for the request, the id under which it was sent is what support needs.
 */
static entrasql_status name_request(const struct entra_flow *f, entrasql_status status,
                                    entrasql_error *err)
{
    if (err->correlation_id[0] == '\0' && status != ENTRASQL_NOMEM)
        es_strlcpy_utf8(err->correlation_id, sizeof err->correlation_id, f->request_id);
    return status;
}

static entrasql_status entra_step(identity_flow *flow, entrasql_token **ret, entrasql_error *err)
{
    struct entra_flow *f = (struct entra_flow *)flow;
    http_response answer;
    if (f->is_discovering) {
        ES_TRY(identity_discovery_step(f->settings, &f->discovery, err));
        f->is_discovering = false;
    }
    entrasql_status sent = identity_exchange_step(&f->x, &answer, err);
    if (sent != ENTRASQL_OK)
        return sent == ENTRASQL_AGAIN ? sent : name_request(f, sent, err);
    const char *place = es_buf_cstr(&f->x.url);
    entrasql_status status;
    if (place == NULL)
        status = es_nomem(err);
    else if (answer.status == 200)
        status =
            identity_reply_token(&answer.body, place, f->source, f->x.sent_wall_s, ret, NULL, err);
    else
        status = identity_reply_entra_error(&answer, place, f->secret, err);
    http_response_done(&answer);
    return status == ENTRASQL_OK ? status : name_request(f, status, err);
}

static void entra_free(identity_flow *flow)
{
    struct entra_flow *f = (struct entra_flow *)flow;
    identity_exchange_done(&f->x);
    identity_exchange_done(&f->discovery);
    es_secret_unref(f->secret);
    es_free(f);
}

static const identity_flow_class entra_flow_class = {entra_wants, entra_step, entra_free};

static entrasql_status fill(struct entra_flow *f, const identity_entra_request *entra,
                            entrasql_error *err)
{
    ES_CLEANUP(es_cleanup_free)
    char *url = identity_token_url(entra->settings->authority, entra->tenant_id);
    if (url == NULL || es_buf_add_str(&f->x.url, url) != ENTRASQL_OK)
        return es_nomem(err);
    identity_exchange_header(&f->x, "Content-Type", "application/x-www-form-urlencoded");
    identity_exchange_header(&f->x, "Accept", "application/json");
    identity_exchange_header(&f->x, "client-request-id", f->request_id);
    identity_exchange_header(&f->x, "return-client-request-id", "true");
    f->x.method = "POST";
    f->x.has_body = true;
    es_buf_done(&f->x.body);
    f->x.body = *entra->form;
    *entra->form = ES_BUF_INIT_WIPE(entra->form->ceiling);
    return ENTRASQL_OK;
}

entrasql_status identity_entra_start(const identity_entra_request *entra,
                                     const identity_request *request, identity_flow **ret,
                                     entrasql_error *err)
{
    struct entra_flow *f = es_calloc(1, sizeof *f);
    if (f == NULL)
        return es_nomem(err);
    identity_retry_policy policy = identity_retry_usual;
    policy.retries = request->once ? 0 : identity_settings_retries(entra->settings, policy.retries);
    f->base.klass = &entra_flow_class;
    f->settings = entra->settings;
    f->source = entra->source;
    f->secret = entra->secret != NULL ? es_secret_ref(entra->secret) : NULL;
    es_random_uuid(f->request_id);
    identity_exchange_init(&f->x, &policy, request->deadline_ms);
    f->x.ca_file = entra->settings->ca_file;
    identity_exchange_init(&f->discovery, &policy, request->deadline_ms);
    f->is_discovering = identity_discovery_is_due(entra->settings, entra->tenant_id);
    entrasql_status status = fill(f, entra, err);
    if (status == ENTRASQL_OK && f->is_discovering)
        status = identity_discovery_fill(entra->settings, entra->tenant_id, &f->discovery, err);
    if (status != ENTRASQL_OK) {
        entra_free(&f->base);
        return status;
    }
    *ret = &f->base;
    return ENTRASQL_OK;
}
