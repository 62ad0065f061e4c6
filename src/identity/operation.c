/* SPDX-License-Identifier: MIT */
/* The public token operation: the cache in front of a credential's flow, and the blocking call. */
#include "identity/internal.h"
#include "identity/scope.h"
#include "identity/settings.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

#include <string.h>

#define DEFAULT_TIMEOUT_MS 100000
/* A refresh ahead of time must not keep its caller long: a valid token is at hand. */
#define EARLY_REFRESH_MS 10000

struct entrasql_token_operation {
    entrasql_credential *credential;
    char *scope;
    char *tenant_id;
    char *claims;
    int64_t deadline_ms;
    entrasql_cancel *cancel; /* NULL: none */
    bool cae;
    bool in_chain;
    identity_request request; /* of the flow; borrows the members above */
    identity_ticket ticket;
    identity_flow *flow;
    bool over; /* the result was handed out */
    /* A result that was there before the first step. */
    entrasql_status early_status;
    entrasql_token *early_token;
    entrasql_error early_error;
};

static entrasql_status check_request(const entrasql_token_request *request,
                                     entrasql_token_request *ret, entrasql_error *err)
{
    entrasql_token_request r;
    ES_TRY(es_options_copy(&r, sizeof r, request, err));
    ES_TRY(identity_scope_check(r.scope, err));
    if (es_str_is_empty(r.tenant_id))
        r.tenant_id = NULL;
    else
        ES_TRY(identity_tenant_check(r.tenant_id, "the requested tenant_id", err));
    if (es_str_is_empty(r.claims))
        r.claims = NULL;
    else if (strlen(r.claims) > IDENTITY_MAX_CLAIMS)
        return es_fail(err, ENTRASQL_INVALID, "the claims challenge is longer than %d bytes",
                       IDENTITY_MAX_CLAIMS);
    *ret = r;
    return ENTRASQL_OK;
}

static entrasql_status copy_strings(entrasql_token_operation *op, const entrasql_token_request *r,
                                    entrasql_error *err)
{
    op->scope = es_strdup(r->scope);
    op->tenant_id = es_strdup(r->tenant_id);
    op->claims = es_strdup(r->claims);
    if (op->scope == NULL || (r->tenant_id != NULL && op->tenant_id == NULL) ||
        (r->claims != NULL && op->claims == NULL))
        return es_nomem(err);
    return ENTRASQL_OK;
}

/* The flow has ended: the cache learns it, and may put the old token in the place of a failure. */
static entrasql_status finish(entrasql_token_operation *op, entrasql_status status,
                              entrasql_token *token, entrasql_token **ret, entrasql_error *err)
{
    identity_flow_free(op->flow);
    op->flow = NULL;
    status = identity_cache_finish(&op->credential->cache, &op->ticket, status, token, ret, err);
    ES_LOG(DEBUG, "identity", "token request ended", ES_KV_STR("credential", op->credential->name),
           ES_KV_STR("scope", op->scope), ES_KV_STR("status", entrasql_status_name(status)),
           ES_KV_STR("correlation_id", status != ENTRASQL_OK ? err->correlation_id : ""));
    return status;
}

static entrasql_status run_flow(entrasql_token_operation *op, entrasql_token **ret,
                                entrasql_error *err)
{
    entrasql_token *token = NULL;
    entrasql_status status = ENTRASQL_AGAIN;
    if (op->flow == NULL) {
        int64_t early = es_clock_deadline(EARLY_REFRESH_MS);
        bool is_early = op->ticket.has_fallback && early < op->deadline_ms;
        op->request = (identity_request){
            .scope = op->scope,
            .tenant_id = op->tenant_id,
            .claims = op->claims,
            .deadline_ms = is_early ? early : op->deadline_ms,
            .once = op->ticket.has_fallback,
            .refresh = op->ticket.refresh,
            .in_chain = op->in_chain,
            .cae = op->cae,
            .cancel = op->cancel,
        };
        status = op->credential->klass->start(op->credential, &op->request, &op->flow, err);
        if (status != ENTRASQL_OK)
            return finish(op, status, NULL, ret, err);
    }
    status = identity_flow_step(op->flow, &token, err);
    return status == ENTRASQL_AGAIN ? status : finish(op, status, token, ret, err);
}

/* Lets go at once of what others could wait for, not only when the operation is freed. */
static entrasql_status cancelled(entrasql_token_operation *op, entrasql_error *err)
{
    identity_flow_free(op->flow);
    op->flow = NULL;
    identity_cache_close(&op->credential->cache, &op->ticket);
    return es_fail(err, ENTRASQL_CANCELLED, "the token request was cancelled");
}

/* One step without the handing out: used by both _start and _step. err is never NULL here. */
static entrasql_status advance(entrasql_token_operation *op, entrasql_token **ret,
                               entrasql_error *err)
{
    identity_cache *cache = &op->credential->cache;
    if (identity_cancel_is_triggered(op->cancel))
        return cancelled(op, err);
    entrasql_status status = ENTRASQL_AGAIN;
    if (op->ticket.role == IDENTITY_NO_ROLE)
        status = identity_cache_join(cache, &op->ticket, ret, err);
    else if (op->ticket.role == IDENTITY_WAITER)
        status = identity_cache_check(cache, &op->ticket, ret, err);
    if (status == ENTRASQL_AGAIN && op->ticket.role == IDENTITY_OWNER)
        status = run_flow(op, ret, err);
    return status;
}

static entrasql_status start(entrasql_credential *credential, const entrasql_token_request *request,
                             bool in_chain, entrasql_token_operation **ret_operation,
                             entrasql_error *err)
{
    entrasql_token_request r;
    if (credential == NULL)
        return es_fail(err, ENTRASQL_INVALID, "a token request needs a credential");
    ES_TRY(check_request(request, &r, err));
    entrasql_token_operation *op = es_calloc(1, sizeof *op);
    if (op == NULL)
        return es_nomem(err);
    op->credential = entrasql_credential_ref(credential);
    uint32_t own_timeout_ms = credential->default_timeout_ms;
    uint32_t otherwise_ms = own_timeout_ms != 0 ? own_timeout_ms : DEFAULT_TIMEOUT_MS;
    op->deadline_ms = es_clock_deadline(r.timeout_ms != 0 ? r.timeout_ms : otherwise_ms);
    op->ticket.event_fd = -1;
    op->cancel = identity_cancel_ref(r.cancel);
    op->cae = r.enable_cae;
    op->in_chain = in_chain;
    *ret_operation = op;
    op->early_token = identity_cache_peek(&credential->cache, &r);
    if (op->early_token != NULL)
        return ENTRASQL_OK;
    entrasql_status status = copy_strings(op, &r, err);
    if (status == ENTRASQL_OK)
        status = identity_cache_open(&credential->cache, &r, op->deadline_ms, &op->ticket, err);
    if (status != ENTRASQL_OK) {
        entrasql_token_operation_free(op);
        return status;
    }
    op->early_status = advance(op, &op->early_token, &op->early_error);
    return ENTRASQL_OK;
}

entrasql_status entrasql_credential_start(entrasql_credential *credential,
                                          const entrasql_token_request *request,
                                          entrasql_token_operation **ret_operation,
                                          entrasql_error *err)
{
    return start(credential, request, false, ret_operation, err);
}

entrasql_status identity_member_start(entrasql_credential *credential,
                                      const entrasql_token_request *request,
                                      entrasql_token_operation **ret_operation, entrasql_error *err)
{
    return start(credential, request, true, ret_operation, err);
}

static void collect_wants(entrasql_token_operation *op, os_wait *w)
{
    os_wait_init(w);
    if (op->early_status != ENTRASQL_AGAIN || op->over) {
        os_wait_until(w, 0);
        return;
    }
    entrasql_status status = ENTRASQL_OK;
    if (op->ticket.role == IDENTITY_WAITER) {
        status = os_wait_add(w, op->ticket.event_fd, POLLIN);
        os_wait_until(w, identity_cache_wake_ms(&op->credential->cache, &op->ticket));
    } else if (op->flow != NULL) {
        status = identity_flow_wants(op->flow, w);
        os_wait_until(w, op->request.deadline_ms);
    } else {
        os_wait_until(w, 0);
    }
    if (status == ENTRASQL_OK && op->cancel != NULL)
        status = os_wait_add(w, identity_cancel_fd(op->cancel), POLLIN);
    /* A set that is too small is no reason to hang: look again soon. */
    if (status != ENTRASQL_OK)
        os_wait_until(w, es_clock_deadline(10));
}

size_t entrasql_token_operation_poll(entrasql_token_operation *operation, struct pollfd *fds,
                                     size_t max_fds, int *ret_timeout_ms)
{
    os_wait w;
    collect_wants(operation, &w);
    size_t n = w.count < max_fds ? w.count : max_fds;
    if (n < w.count)
        os_wait_until(&w, es_clock_deadline(10));
    for (size_t i = 0; i < n; i++)
        fds[i] = w.fds[i];
    *ret_timeout_ms = es_clock_poll_timeout(w.deadline_ms);
    return n;
}

entrasql_status entrasql_token_operation_step(entrasql_token_operation *operation,
                                              entrasql_token **ret_token, entrasql_error *err)
{
    if (operation->over)
        return es_fail(err, ENTRASQL_INVALID, "the token operation has ended already");
    /* Waiters need the error, whether or not this caller wants it. */
    entrasql_error own_error;
    entrasql_error *e = err != NULL ? err : &own_error;
    entrasql_status status = operation->early_status;
    entrasql_token *token = operation->early_token;
    if (status == ENTRASQL_AGAIN)
        status = advance(operation, &token, e);
    else if (status != ENTRASQL_OK)
        *e = operation->early_error;
    operation->early_token = NULL;
    if (status == ENTRASQL_AGAIN)
        return status;
    operation->over = true;
    if (status == ENTRASQL_OK)
        *ret_token = token;
    return status;
}

void entrasql_token_operation_free(entrasql_token_operation *operation)
{
    if (operation == NULL)
        return;
    identity_flow_free(operation->flow);
    identity_cache_close(&operation->credential->cache, &operation->ticket);
    entrasql_token_free(operation->early_token);
    entrasql_credential_unref(operation->credential);
    entrasql_cancel_unref(operation->cancel);
    es_free(operation->scope);
    es_free(operation->tenant_id);
    es_free(operation->claims);
    es_free(operation);
}

entrasql_status entrasql_credential_get_token(entrasql_credential *credential,
                                              const entrasql_token_request *request,
                                              entrasql_token **ret_token, entrasql_error *err)
{
    entrasql_token *cached = NULL;
    if (credential != NULL && request != NULL)
        cached = identity_cache_peek(&credential->cache, request);
    if (cached != NULL) {
        *ret_token = cached;
        return ENTRASQL_OK;
    }
    entrasql_token_operation *op;
    ES_TRY(entrasql_credential_start(credential, request, &op, err));
    entrasql_status status;
    while ((status = entrasql_token_operation_step(op, ret_token, err)) == ENTRASQL_AGAIN) {
        os_wait w;
        collect_wants(op, &w);
        status = os_wait_poll(&w, err);
        if (status != ENTRASQL_OK)
            break;
    }
    entrasql_token_operation_free(op);
    return status;
}
