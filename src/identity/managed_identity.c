/* SPDX-License-Identifier: MIT */
/*
 * ManagedIdentityCredential: who is asked, how, and in which steps. Never a
 * proxy, never a redirect.
 *
 * In a chain IMDS is probed first: without the Metadata header any endpoint
 * refuses at once, and that it answers is all that is asked. The agent of
 * Azure Arc is asked twice: the first answer is a challenge.
 */
#include "base/mem.h"
#include "base/str.h"
#include "http/text.h"
#include "identity/exchange.h"
#include "identity/internal.h"
#include "identity/mi_arc.h"
#include "identity/mi_reply.h"
#include "identity/mi_source.h"
#include "identity/scope.h"
#include "identity/settings.h"

#include <stdio.h>
#include <string.h>

#define NAME "ManagedIdentityCredential"
#define MAX_ID 1024
#define DEFAULT_PROBE_TIMEOUT_MS 1000

struct managed_identity {
    entrasql_credential base;
    identity_mi_source source;
    entrasql_error problem; /* status OK: none */
    identity_mi_id id_kind;
    char *id; /* NULL for IDENTITY_MI_SYSTEM */
    identity_settings settings;
    uint32_t probe_timeout_ms;
    const char *arc_key_directory;
    atomic_bool was_seen; /* the endpoint has answered once: no more probing */
};

typedef enum mi_stage {
    MI_PROBE,     /* is anybody there? */
    MI_PROBED,    /* yes; the request comes next */
    MI_CHALLENGE, /* the request to Arc that is answered with a challenge */
    MI_REQUEST    /* the request that is answered with a token */
} mi_stage;

struct mi_flow {
    identity_flow base;
    struct managed_identity *c;
    const identity_request *request;
    identity_exchange x;
    es_buf authorization; /* Arc: what answers the challenge; wiping */
    mi_stage stage;
    bool is_held; /* started ahead: only the probe may run */
};

/* ---- what to send ---- */

static entrasql_status add_parameters(struct mi_flow *f, es_buf *out)
{
    const struct managed_identity *c = f->c;
    const identity_mi_host *host = c->source.host;
    char resource[IDENTITY_MAX_SCOPE + 1];
    ES_TRY(identity_scope_resource(f->request->scope, resource, sizeof resource));
    if (host->api_version != NULL)
        ES_TRY(http_form_add(out, "api-version", host->api_version));
    ES_TRY(http_form_add(out, "resource", resource));
    if (c->id_kind != IDENTITY_MI_SYSTEM)
        return http_form_add(out, host->parameter[c->id_kind], c->id);
    if (c->source.default_client_id != NULL)
        return http_form_add(out, host->parameter[IDENTITY_MI_CLIENT_ID],
                             c->source.default_client_id);
    return ENTRASQL_OK;
}

static entrasql_status add_place(struct mi_flow *f)
{
    const identity_mi_source *s = &f->c->source;
    ES_TRY(es_buf_add_str(&f->x.url, s->endpoint));
    if (s->host->is_post) {
        f->x.method = "POST";
        f->x.has_body = true;
        identity_exchange_header(&f->x, "Content-Type", "application/x-www-form-urlencoded");
        return add_parameters(f, &f->x.body);
    }
    ES_TRY(es_buf_add_str(&f->x.url, "?"));
    return add_parameters(f, &f->x.url);
}

static void set_common(struct mi_flow *f)
{
    const identity_mi_source *s = &f->c->source;
    bool is_pinned = s->kind == IDENTITY_MI_SERVICE_FABRIC;
    f->x.pin = is_pinned ? s->pin : NULL;
    f->x.plain_allowed = !is_pinned;
    f->x.direct = true;
    f->x.ca_file = f->c->settings.ca_file;
}

static entrasql_status prepare_request(struct mi_flow *f, mi_stage stage, entrasql_error *err)
{
    struct managed_identity *c = f->c;
    const identity_mi_host *host = c->source.host;
    bool is_imds = c->source.kind == IDENTITY_MI_IMDS;
    identity_retry_policy policy = is_imds ? identity_retry_imds : identity_retry_usual;
    policy.retries = f->request->once ? 0 : identity_settings_retries(&c->settings, policy.retries);
    identity_exchange_init(&f->x, &policy, f->request->deadline_ms);
    set_common(f);
    f->stage = stage;
    if (host->metadata)
        identity_exchange_header(&f->x, "Metadata", "true");
    if (host->secret_header != NULL)
        identity_exchange_header(&f->x, host->secret_header, es_secret_reveal(c->source.header));
    const char *authorization = f->authorization.len != 0 ? es_buf_cstr(&f->authorization) : NULL;
    if (authorization != NULL)
        identity_exchange_header(&f->x, "Authorization", authorization);
    /* Before the others in a chain get their turn, a missing endpoint must not cost minutes. */
    if (is_imds && f->request->in_chain && !atomic_load(&c->was_seen)) {
        f->x.give_up_unconnected = true;
        f->x.connect_timeout_ms = c->probe_timeout_ms;
    }
    entrasql_status status = add_place(f);
    if (status == ENTRASQL_NOMEM || (f->authorization.len != 0 && authorization == NULL))
        return es_nomem(err);
    if (status != ENTRASQL_OK)
        return es_fail(err, ENTRASQL_INVALID,
                       "the request for a managed identity token is too long");
    return ENTRASQL_OK;
}

static mi_stage first_request(const struct mi_flow *f)
{
    return f->c->source.kind == IDENTITY_MI_AZURE_ARC ? MI_CHALLENGE : MI_REQUEST;
}

static entrasql_status prepare_probe(struct mi_flow *f, entrasql_error *err)
{
    identity_retry_policy policy = identity_retry_imds;
    policy.retries = 0;
    policy.try_ms = f->c->probe_timeout_ms;
    identity_exchange_init(&f->x, &policy, f->request->deadline_ms);
    set_common(f);
    f->stage = MI_PROBE;
    return es_buf_add_str(&f->x.url, f->c->source.endpoint) == ENTRASQL_OK ? ENTRASQL_OK
                                                                           : es_nomem(err);
}

/* ---- what comes back ---- */

static identity_mi_question question(const struct mi_flow *f)
{
    return (identity_mi_question){.source = &f->c->source,
                                  .id_kind = f->c->id_kind,
                                  .id = f->c->id,
                                  .in_chain = f->request->in_chain};
}

static entrasql_status no_answer(struct mi_flow *f, entrasql_status status, entrasql_error *err)
{
    const identity_mi_source *s = &f->c->source;
    bool is_network =
        status == ENTRASQL_NETWORK || status == ENTRASQL_CLOSED || status == ENTRASQL_TIMEOUT;
    bool is_over = es_clock_mono_ms() >= f->request->deadline_ms;
    if (!is_network || is_over || f->x.was_answered || s->kind != IDENTITY_MI_IMDS)
        return status;
    char how[400];
    if (f->stage == MI_PROBE && status == ENTRASQL_TIMEOUT)
        (void)snprintf(how, sizeof how, "no answer from %s within %u ms", s->endpoint,
                       f->c->probe_timeout_ms);
    else
        es_strlcpy_utf8(how, sizeof how, err->message);
    return identity_mi_nobody_there(s, how, err);
}

static entrasql_status after_probe(struct mi_flow *f, const http_response *answer,
                                   entrasql_error *err)
{
    if (identity_mi_is_gateway(answer)) {
        identity_mi_question q = question(f);
        return identity_mi_refused(&q, answer, err);
    }
    atomic_store(&f->c->was_seen, true);
    f->stage = MI_PROBED;
    return ENTRASQL_AGAIN;
}

static entrasql_status after_challenge(struct mi_flow *f, const http_response *answer,
                                       entrasql_error *err)
{
    char challenge[IDENTITY_ARC_MAX_PATH + 64];
    identity_mi_question q = question(f);
    if (answer->status >= 400 && answer->status != 401)
        return identity_mi_refused(&q, answer, err);
    if (answer->status != 401 || http_response_header(answer, "WWW-Authenticate", challenge,
                                                      sizeof challenge) != ENTRASQL_OK) {
        es_fail(err, ENTRASQL_AUTH_FAILED,
                "%s answered with HTTP status %u and without the challenge of the Azure Arc agent",
                f->c->source.endpoint, answer->status);
        es_hint(err, "something else than the agent may be answering at IDENTITY_ENDPOINT");
        return ENTRASQL_AUTH_FAILED;
    }
    ES_TRY(identity_arc_answer(challenge, f->c->arc_key_directory, &f->authorization, err));
    identity_exchange_done(&f->x);
    ES_TRY(prepare_request(f, MI_REQUEST, err));
    return ENTRASQL_AGAIN;
}

static entrasql_status judge(struct mi_flow *f, const http_response *answer, entrasql_token **ret,
                             entrasql_error *err)
{
    if (f->stage == MI_PROBE)
        return after_probe(f, answer, err);
    atomic_store(&f->c->was_seen, true);
    if (f->stage == MI_CHALLENGE)
        return after_challenge(f, answer, err);
    identity_mi_question q = question(f);
    if (answer->status != 200)
        return identity_mi_refused(&q, answer, err);
    return identity_mi_token(&q, answer, NAME, f->x.sent_wall_s, ret, err);
}

/* ---- the flow ---- */

static entrasql_status mi_wants(identity_flow *flow, os_wait *w)
{
    struct mi_flow *f = (struct mi_flow *)flow;
    if (f->stage != MI_PROBED)
        return identity_exchange_wants(&f->x, w);
    os_wait_until(w, f->is_held ? f->request->deadline_ms : 0);
    return ENTRASQL_OK;
}

static entrasql_status mi_step(identity_flow *flow, entrasql_token **ret, entrasql_error *err)
{
    struct mi_flow *f = (struct mi_flow *)flow;
    if (f->stage == MI_PROBED) {
        if (f->is_held)
            return ENTRASQL_AGAIN;
        identity_exchange_done(&f->x);
        ES_TRY(prepare_request(f, first_request(f), err));
    }
    http_response answer;
    entrasql_status status = identity_exchange_step(&f->x, &answer, err);
    if (status == ENTRASQL_AGAIN)
        return status;
    if (status != ENTRASQL_OK)
        return no_answer(f, status, err);
    status = judge(f, &answer, ret, err);
    http_response_done(&answer);
    return status;
}

static void mi_turn(identity_flow *flow)
{
    ((struct mi_flow *)flow)->is_held = false;
}

static void mi_free(identity_flow *flow)
{
    struct mi_flow *f = (struct mi_flow *)flow;
    identity_exchange_done(&f->x);
    es_buf_done(&f->authorization);
    es_free(f);
}

static const identity_flow_class mi_flow_class = {
    .wants = mi_wants, .step = mi_step, .free = mi_free, .turn = mi_turn};

static bool must_probe(const struct managed_identity *c, const identity_request *request)
{
    return request->in_chain && c->source.kind == IDENTITY_MI_IMDS && !c->source.is_overridden &&
           !atomic_load(&c->was_seen);
}

static entrasql_status start(struct managed_identity *c, const identity_request *request,
                             bool is_held, identity_flow **ret, entrasql_error *err)
{
    struct mi_flow *f = es_calloc(1, sizeof *f);
    if (f == NULL)
        return es_nomem(err);
    f->base.klass = &mi_flow_class;
    f->c = c;
    f->request = request;
    f->is_held = is_held;
    f->authorization = ES_BUF_INIT_WIPE(IDENTITY_ARC_MAX_KEY + 16);
    entrasql_status status =
        must_probe(c, request) ? prepare_probe(f, err) : prepare_request(f, first_request(f), err);
    if (status != ENTRASQL_OK) {
        mi_free(&f->base);
        return status;
    }
    *ret = &f->base;
    return ENTRASQL_OK;
}

static entrasql_status mi_start(entrasql_credential *credential, const identity_request *request,
                                identity_flow **ret, entrasql_error *err)
{
    struct managed_identity *c = (struct managed_identity *)credential;
    if (c->problem.status != ENTRASQL_OK) {
        *err = c->problem;
        return c->problem.status;
    }
    return start(c, request, false, ret, err);
}

static entrasql_status mi_start_ahead(entrasql_credential *credential,
                                      const identity_request *request, identity_flow **ret,
                                      entrasql_error *err)
{
    struct managed_identity *c = (struct managed_identity *)credential;
    *ret = NULL;
    if (c->problem.status != ENTRASQL_OK || !must_probe(c, request))
        return ENTRASQL_OK;
    return start(c, request, true, ret, err);
}

static void mi_destroy(entrasql_credential *credential)
{
    struct managed_identity *c = (struct managed_identity *)credential;
    identity_mi_source_done(&c->source);
    identity_settings_done(&c->settings);
    es_free(c->id);
    es_free(c);
}

static const identity_class mi_class = {
    .start = mi_start, .start_ahead = mi_start_ahead, .destroy = mi_destroy};

/* ---- creation ---- */

static entrasql_status take_id(struct managed_identity *c, identity_mi_id kind, const char *id,
                               entrasql_error *err)
{
    if (es_str_is_empty(id))
        return ENTRASQL_OK;
    if (c->id != NULL) {
        es_fail(err, ENTRASQL_INVALID, "more than one id of a managed identity was given");
        es_hint(err, "give client_id, object_id or resource_id");
        return ENTRASQL_INVALID;
    }
    if (strlen(id) > MAX_ID)
        return es_fail(err, ENTRASQL_INVALID,
                       "the id of a managed identity is longer than %d bytes", MAX_ID);
    c->id = es_strdup(id);
    c->id_kind = kind;
    return c->id != NULL ? ENTRASQL_OK : es_nomem(err);
}

/* To leave the id out would sign in as somebody else. */
static entrasql_status check_id(const struct managed_identity *c, entrasql_status status,
                                entrasql_error *err)
{
    const identity_mi_host *host = c->source.host;
    if (c->id_kind == IDENTITY_MI_SYSTEM || host->parameter[c->id_kind] != NULL)
        return ENTRASQL_OK;
    bool takes_client_id = host->parameter[IDENTITY_MI_CLIENT_ID] != NULL;
    es_fail(err, status, "%s cannot be asked for a user-assigned identity%s", host->name,
            takes_client_id ? " by this kind of id" : "");
    es_hint(err, "%s",
            takes_client_id ? "give the identity's client id"
                            : "leave the id (AZURE_CLIENT_ID) out: this host has one identity");
    return status;
}

static entrasql_status use_inner(struct managed_identity *c,
                                 const identity_managed_identity_inner *inner)
{
    c->probe_timeout_ms =
        inner->probe_timeout_ms != 0 ? inner->probe_timeout_ms : DEFAULT_PROBE_TIMEOUT_MS;
    c->arc_key_directory =
        inner->arc_key_directory != NULL ? inner->arc_key_directory : IDENTITY_ARC_KEY_DIRECTORY;
    if (inner->imds_endpoint == NULL)
        return ENTRASQL_OK;
    es_free(c->source.endpoint);
    c->source.endpoint = es_strdup(inner->imds_endpoint);
    return c->source.endpoint != NULL ? ENTRASQL_OK : ENTRASQL_NOMEM;
}

static entrasql_status fill(struct managed_identity *c, const entrasql_managed_identity_options *o,
                            const identity_managed_identity_inner *inner, entrasql_error *err)
{
    ES_TRY(take_id(c, IDENTITY_MI_CLIENT_ID, o->client_id, err));
    ES_TRY(take_id(c, IDENTITY_MI_OBJECT_ID, o->object_id, err));
    ES_TRY(take_id(c, IDENTITY_MI_RESOURCE_ID, o->resource_id, err));
    ES_TRY(identity_settings_init(&c->settings, o->client, false, err));
    /* A bad variable is told when a token is asked for, so that chains can be built anywhere. */
    entrasql_status status = identity_mi_source_detect(&c->source, &c->problem);
    if (status != ENTRASQL_NOMEM && use_inner(c, inner) != ENTRASQL_OK)
        status = ENTRASQL_NOMEM;
    if (status == ENTRASQL_NOMEM)
        return es_nomem(err);
    if (inner->tolerate_id && status == ENTRASQL_OK)
        (void)check_id(c, ENTRASQL_UNAVAILABLE, &c->problem);
    return inner->tolerate_id ? ENTRASQL_OK : check_id(c, ENTRASQL_INVALID, err);
}

entrasql_status identity_managed_identity_new(const entrasql_managed_identity_options *options,
                                              const identity_managed_identity_inner *inner,
                                              entrasql_credential **ret, entrasql_error *err)
{
    entrasql_managed_identity_options o;
    ES_TRY(es_options_copy(&o, sizeof o, options, err));
    struct managed_identity *c = identity_credential_new(&mi_class, NAME, sizeof *c);
    if (c == NULL)
        return es_nomem(err);
    entrasql_status status = fill(c, &o, inner, err);
    if (status != ENTRASQL_OK) {
        entrasql_credential_unref(&c->base);
        return status;
    }
    *ret = &c->base;
    return ENTRASQL_OK;
}

entrasql_status
entrasql_managed_identity_credential_new(const entrasql_managed_identity_options *options,
                                         entrasql_credential **ret, entrasql_error *err)
{
    const identity_managed_identity_inner alone = {.tolerate_id = false};
    return identity_managed_identity_new(options, &alone, ret, err);
}
