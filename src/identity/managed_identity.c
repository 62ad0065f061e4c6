/* SPDX-License-Identifier: MIT */
/* ManagedIdentityCredential: App Service and IMDS. Never a proxy, never a redirect. */
#include "base/mem.h"
#include "base/str.h"
#include "http/text.h"
#include "identity/aadsts.h"
#include "identity/exchange.h"
#include "identity/internal.h"
#include "identity/mi_source.h"
#include "identity/reply.h"
#include "identity/scope.h"
#include "identity/settings.h"

#include <stdio.h>
#include <string.h>

#define NAME "ManagedIdentityCredential"
#define MAX_ID 1024

typedef enum id_kind { ID_SYSTEM, ID_CLIENT, ID_OBJECT, ID_RESOURCE } id_kind;

struct managed_identity {
    entrasql_credential base;
    identity_mi_source source;
    entrasql_error problem; /* status OK: none */
    id_kind id_kind;
    char *id; /* NULL for ID_SYSTEM */
    identity_settings settings;
    identity_managed_identity_inner inner;
    atomic_bool was_seen; /* the endpoint has answered once: no more probing */
};

struct mi_flow {
    identity_flow base;
    struct managed_identity *c;
    const identity_request *request;
    identity_exchange x;
    bool is_probe;
};

/* ---- what to send ---- */

static const char *id_parameter(const struct managed_identity *c)
{
    switch (c->id_kind) {
    case ID_CLIENT:
        return "client_id";
    case ID_OBJECT:
        return "object_id";
    case ID_RESOURCE:
        /* The two hosts have different names for it. */
        return c->source.kind == IDENTITY_MI_IMDS ? "msi_res_id" : "mi_res_id";
    case ID_SYSTEM:
        break;
    }
    return NULL;
}

static entrasql_status build_url(struct mi_flow *f)
{
    const struct managed_identity *c = f->c;
    bool is_imds = c->source.kind == IDENTITY_MI_IMDS;
    char resource[IDENTITY_MAX_SCOPE + 1];
    ES_TRY(identity_scope_resource(f->request->scope, resource, sizeof resource));
    ES_TRY(es_buf_printf(&f->x.url, "%s?", c->source.endpoint));
    ES_TRY(http_form_add(&f->x.url, "api-version", is_imds ? "2018-02-01" : "2019-08-01"));
    ES_TRY(http_form_add(&f->x.url, "resource", resource));
    const char *parameter = id_parameter(c);
    return parameter != NULL ? http_form_add(&f->x.url, parameter, c->id) : ENTRASQL_OK;
}

static void set_common(struct mi_flow *f)
{
    f->x.plain_allowed = true;
    f->x.direct = true;
    f->x.ca_file = f->c->settings.ca_file;
}

static entrasql_status prepare_request(struct mi_flow *f, entrasql_error *err)
{
    struct managed_identity *c = f->c;
    bool is_imds = c->source.kind == IDENTITY_MI_IMDS;
    identity_retry_policy policy = is_imds ? identity_retry_imds : identity_retry_usual;
    policy.retries = f->request->once ? 0 : identity_settings_retries(&c->settings, policy.retries);
    identity_exchange_init(&f->x, &policy, f->request->deadline_ms);
    set_common(f);
    f->is_probe = false;
    if (is_imds)
        identity_exchange_header(&f->x, "Metadata", "true");
    else
        identity_exchange_header(&f->x, "X-IDENTITY-HEADER", es_secret_reveal(c->source.header));
    /* Before the others in a chain get their turn, a missing endpoint must not cost minutes. */
    if (is_imds && c->inner.in_chain && !atomic_load(&c->was_seen)) {
        f->x.give_up_unconnected = true;
        f->x.connect_timeout_ms = c->inner.probe_timeout_ms;
    }
    entrasql_status status = build_url(f);
    if (status == ENTRASQL_NOMEM)
        return es_nomem(err);
    if (status != ENTRASQL_OK)
        return es_fail(err, ENTRASQL_INVALID,
                       "the request for a managed identity token is too long");
    return ENTRASQL_OK;
}

/* Without the Metadata header any endpoint refuses at once: that it answers is all that is asked.
 */
static entrasql_status prepare_probe(struct mi_flow *f, entrasql_error *err)
{
    identity_retry_policy policy = identity_retry_imds;
    policy.retries = 0;
    policy.try_ms = f->c->inner.probe_timeout_ms;
    identity_exchange_init(&f->x, &policy, f->request->deadline_ms);
    set_common(f);
    f->is_probe = true;
    return es_buf_add_str(&f->x.url, f->c->source.endpoint) == ENTRASQL_OK ? ENTRASQL_OK
                                                                           : es_nomem(err);
}

/* ---- what comes back ---- */

static void name_identity(const struct managed_identity *c, char *dst, size_t size)
{
    static const char *const words[] = {
        [ID_CLIENT] = "client id", [ID_OBJECT] = "object id", [ID_RESOURCE] = "resource id"};
    char id[120];
    if (c->id_kind == ID_SYSTEM) {
        (void)snprintf(dst, size, "the system-assigned identity");
        return;
    }
    es_printable(id, sizeof id, c->id, strlen(c->id));
    (void)snprintf(dst, size, "the user-assigned identity with %s %s", words[c->id_kind], id);
}

static bool body_has(const http_response *answer, const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= answer->body.len; i++) {
        if (es_strncaseeq((const char *)answer->body.data + i, word, n))
            return true;
    }
    return false;
}

static entrasql_status nobody_there(const struct managed_identity *c, const char *how,
                                    entrasql_error *err)
{
    es_fail(err, ENTRASQL_UNAVAILABLE, "no managed identity endpoint found: %s", how);
    if (c->source.is_overridden)
        es_hint(err, "AZURE_POD_IDENTITY_AUTHORITY_HOST names the endpoint: check the address and "
                     "that it is up");
    else
        es_hint(err, "expected outside Azure; on Azure, check that 169.254.169.254 is reachable "
                     "(firewall, network policy) and that the resource has an identity");
    return ENTRASQL_UNAVAILABLE;
}

static entrasql_status no_answer(struct mi_flow *f, entrasql_status status, entrasql_error *err)
{
    bool is_network =
        status == ENTRASQL_NETWORK || status == ENTRASQL_CLOSED || status == ENTRASQL_TIMEOUT;
    bool is_over = es_clock_mono_ms() >= f->request->deadline_ms;
    if (!is_network || is_over || f->x.was_answered || f->c->source.kind != IDENTITY_MI_IMDS)
        return status;
    char how[256];
    es_strlcpy_utf8(how, sizeof how, err->message);
    return nobody_there(f->c, how, err);
}

static void hint_refusal(const struct managed_identity *c, const http_response *answer,
                         const identity_mi_error *e, entrasql_error *err)
{
    const identity_aadsts *known = identity_aadsts_find(e->number);
    bool is_imds = c->source.kind == IDENTITY_MI_IMDS;
    if (known != NULL)
        es_hint(err, "%s", known->hint);
    else if (body_has(answer, "Multiple user assigned identities"))
        es_hint(err, "several identities are assigned: name one by AZURE_CLIENT_ID or the "
                     "managed_identity_client_id option");
    else if (answer->status == 400 && c->id_kind == ID_SYSTEM)
        es_hint(err, "switch the system-assigned identity on for this resource, or set "
                     "AZURE_CLIENT_ID to the client id of a user-assigned one");
    else if (answer->status == 400)
        es_hint(err, "assign the identity to this resource, and check that AZURE_CLIENT_ID (or the "
                     "id option) is its client id, not that of something else");
    else if (answer->status == 401 || answer->status == 403)
        es_hint(err, "%s",
                is_imds ? "something between here and the endpoint refuses the request"
                        : "IDENTITY_HEADER is not what the host has set: it changes "
                          "when the app restarts");
    else if (answer->status == 429)
        es_hint(err, "too many requests: keep tokens and credentials instead of making new ones");
    else
        es_hint(err, "the endpoint has a problem or is being updated: try again later");
}

static entrasql_status refused(struct mi_flow *f, const http_response *answer, entrasql_error *err)
{
    const struct managed_identity *c = f->c;
    bool is_imds = c->source.kind == IDENTITY_MI_IMDS;
    if (is_imds && answer->status == 403 && body_has(answer, "unreachable"))
        return nobody_there(c, "a local proxy answers that the network is unreachable", err);
    identity_mi_error e;
    char who[200];
    if (identity_reply_mi_error(answer, c->source.header, &e) != ENTRASQL_OK)
        return es_nomem(err);
    if (is_imds && c->inner.in_chain && answer->status < 500 && answer->status != 410 &&
        answer->status != 429 && !e.is_json)
        return nobody_there(c, "something else answers at its address", err);
    name_identity(c, who, sizeof who);
    /* IMDS says 400 when a machine has no system-assigned identity: nothing was tried then. */
    entrasql_status status = is_imds && answer->status == 400 && c->id_kind == ID_SYSTEM
                                 ? ENTRASQL_UNAVAILABLE
                                 : ENTRASQL_AUTH_FAILED;
    bool not_assigned = answer->status == 400 && e.number == 0;
    es_fail(err, status, "%s: %s gave no token for %s (HTTP %u%s%s)%s%s",
            not_assigned ? "the requested identity isn't assigned to this resource"
                         : "the managed identity request failed",
            identity_mi_kind_name(c->source.kind), who, answer->status,
            e.code[0] != '\0' ? " " : "", e.code, e.text[0] != '\0' ? ": " : "", e.text);
    hint_refusal(c, answer, &e, err);
    err->number = e.number != 0 ? e.number : answer->status;
    es_strlcpy_utf8(err->correlation_id, sizeof err->correlation_id, e.correlation_id);
    if (status == ENTRASQL_AUTH_FAILED)
        identity_reply_set_class(answer->status, err);
    return status;
}

static entrasql_status judge(struct mi_flow *f, const http_response *answer, entrasql_token **ret,
                             entrasql_error *err)
{
    if (answer->status != 200)
        return refused(f, answer, err);
    bool json = false;
    entrasql_status status = identity_reply_token(&answer->body, f->c->source.endpoint, NAME,
                                                  f->x.sent_wall_s, ret, &json, err);
    bool is_stranger = status == ENTRASQL_AUTH_FAILED && !json && f->c->inner.in_chain &&
                       f->c->source.kind == IDENTITY_MI_IMDS;
    return is_stranger ? nobody_there(f->c, "something else answers at its address", err) : status;
}

static entrasql_status after_probe(struct mi_flow *f, const http_response *answer,
                                   entrasql_error *err)
{
    if (answer->status == 403 && body_has(answer, "unreachable"))
        return nobody_there(f->c, "a local proxy answers that the network is unreachable", err);
    atomic_store(&f->c->was_seen, true);
    identity_exchange_done(&f->x);
    ES_TRY(prepare_request(f, err));
    return ENTRASQL_AGAIN;
}

static entrasql_status probe_failed(struct mi_flow *f, entrasql_status status, entrasql_error *err)
{
    if (status == ENTRASQL_NOMEM || es_clock_mono_ms() >= f->request->deadline_ms)
        return status;
    char how[400];
    if (status == ENTRASQL_TIMEOUT)
        (void)snprintf(how, sizeof how, "no answer from %s within %u ms", f->c->source.endpoint,
                       f->c->inner.probe_timeout_ms);
    else
        es_strlcpy_utf8(how, sizeof how, err->message);
    return nobody_there(f->c, how, err);
}

/* ---- the flow ---- */

static entrasql_status mi_wants(identity_flow *flow, os_wait *w)
{
    struct mi_flow *f = (struct mi_flow *)flow;
    return identity_exchange_wants(&f->x, w);
}

static entrasql_status mi_step(identity_flow *flow, entrasql_token **ret, entrasql_error *err)
{
    struct mi_flow *f = (struct mi_flow *)flow;
    http_response answer;
    entrasql_status status = identity_exchange_step(&f->x, &answer, err);
    if (status == ENTRASQL_AGAIN)
        return status;
    if (status != ENTRASQL_OK)
        return f->is_probe ? probe_failed(f, status, err) : no_answer(f, status, err);
    if (f->is_probe) {
        status = after_probe(f, &answer, err);
    } else {
        atomic_store(&f->c->was_seen, true);
        status = judge(f, &answer, ret, err);
    }
    http_response_done(&answer);
    return status;
}

static void mi_free(identity_flow *flow)
{
    struct mi_flow *f = (struct mi_flow *)flow;
    identity_exchange_done(&f->x);
    es_free(f);
}

static const identity_flow_class mi_flow_class = {mi_wants, mi_step, mi_free};

static entrasql_status check_usable(const struct managed_identity *c, entrasql_error *err)
{
    if (c->problem.status != ENTRASQL_OK) {
        *err = c->problem;
        return c->problem.status;
    }
    if (identity_mi_kind_is_supported(c->source.kind))
        return ENTRASQL_OK;
    es_fail(err, ENTRASQL_UNAVAILABLE, "managed identities of %s are not supported by this version",
            identity_mi_kind_name(c->source.kind));
    es_hint(err, "use a service principal (EnvironmentCredential) on this host; if it is not that "
                 "host, unset IDENTITY_ENDPOINT, IDENTITY_SERVER_THUMBPRINT, IMDS_ENDPOINT, "
                 "MSI_ENDPOINT and MSI_SECRET");
    return ENTRASQL_UNAVAILABLE;
}

static entrasql_status mi_start(entrasql_credential *credential, const identity_request *request,
                                identity_flow **ret, entrasql_error *err)
{
    struct managed_identity *c = (struct managed_identity *)credential;
    ES_TRY(check_usable(c, err));
    struct mi_flow *f = es_calloc(1, sizeof *f);
    if (f == NULL)
        return es_nomem(err);
    f->base.klass = &mi_flow_class;
    f->c = c;
    f->request = request;
    bool probes = c->inner.in_chain && c->source.kind == IDENTITY_MI_IMDS &&
                  !c->source.is_overridden && !atomic_load(&c->was_seen);
    entrasql_status status = probes ? prepare_probe(f, err) : prepare_request(f, err);
    if (status != ENTRASQL_OK) {
        mi_free(&f->base);
        return status;
    }
    *ret = &f->base;
    return ENTRASQL_OK;
}

static void mi_destroy(entrasql_credential *credential)
{
    struct managed_identity *c = (struct managed_identity *)credential;
    identity_mi_source_done(&c->source);
    identity_settings_done(&c->settings);
    es_free(c->id);
    es_free(c);
}

static const identity_class mi_class = {.start = mi_start, .destroy = mi_destroy};

/* ---- creation ---- */

static entrasql_status take_id(struct managed_identity *c, id_kind kind, const char *id,
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

static entrasql_status fill(struct managed_identity *c, const entrasql_managed_identity_options *o,
                            entrasql_error *err)
{
    ES_TRY(take_id(c, ID_CLIENT, o->client_id, err));
    ES_TRY(take_id(c, ID_OBJECT, o->object_id, err));
    ES_TRY(take_id(c, ID_RESOURCE, o->resource_id, err));
    ES_TRY(identity_settings_init(&c->settings, o->client, false, err));
    /* A bad variable is told when a token is asked for, so that chains can be built anywhere. */
    entrasql_status status = identity_mi_source_detect(&c->source, &c->problem);
    if (status == ENTRASQL_OK && c->inner.imds_endpoint != NULL) {
        es_free(c->source.endpoint);
        c->source.endpoint = es_strdup(c->inner.imds_endpoint);
        if (c->source.endpoint == NULL)
            status = ENTRASQL_NOMEM;
    }
    return status == ENTRASQL_NOMEM ? es_nomem(err) : ENTRASQL_OK;
}

entrasql_status identity_managed_identity_new(const entrasql_managed_identity_options *options,
                                              const identity_managed_identity_inner *inner,
                                              entrasql_credential **ret, entrasql_error *err)
{
    entrasql_managed_identity_options o;
    ES_TRY(identity_options_copy(&o, sizeof o, options, err));
    struct managed_identity *c = identity_credential_new(&mi_class, NAME, sizeof *c);
    if (c == NULL)
        return es_nomem(err);
    c->inner = *inner;
    entrasql_status status = fill(c, &o, err);
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
    const identity_managed_identity_inner alone = {.in_chain = false};
    return identity_managed_identity_new(options, &alone, ret, err);
}
