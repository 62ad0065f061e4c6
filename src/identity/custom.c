/* SPDX-License-Identifier: MIT */
/* A credential of the program's own: a function. It runs inside start, on the asking thread. */
#include "base/mem.h"
#include "base/str.h"
#include "identity/internal.h"

#include <string.h>

struct custom {
    entrasql_credential base;
    entrasql_token_function *function;
    void *context;
    void (*free_context)(void *context);
};

struct custom_flow {
    identity_flow base;
    struct custom *c;
    const identity_request *request;
};

static entrasql_status custom_wants(identity_flow *flow, os_wait *w)
{
    (void)flow;
    os_wait_until(w, 0);
    return ENTRASQL_OK;
}

static entrasql_status accept_token(struct custom *c, entrasql_token *token, entrasql_token **ret,
                                    entrasql_error *err)
{
    if (token == NULL)
        return es_fail(err, ENTRASQL_AUTH_FAILED,
                       "%s: the function reported success but gave no token", c->base.name);
    if (es_secret_len(token->value) == 0) {
        entrasql_token_free(token);
        return es_fail(err, ENTRASQL_AUTH_FAILED, "%s: the function gave an empty token",
                       c->base.name);
    }
    /* The function may have it from another credential, which goes on using it. */
    *ret = identity_token_with_source(token, c->base.name);
    entrasql_token_free(token);
    return *ret != NULL ? ENTRASQL_OK : es_nomem(err);
}

static entrasql_status custom_step(identity_flow *flow, entrasql_token **ret, entrasql_error *err)
{
    struct custom_flow *f = (struct custom_flow *)flow;
    const identity_request *r = f->request;
    int left = es_clock_poll_timeout(r->deadline_ms);
    if (left == 0)
        return es_fail(err, ENTRASQL_TIMEOUT,
                       "the deadline had passed before the function was called");
    entrasql_token_request request = {
        .size = sizeof request,
        .scope = r->scope,
        .tenant_id = r->tenant_id,
        .claims = r->claims,
        .timeout_ms = left > 0 ? (uint32_t)left : 0,
        .enable_cae = r->cae,
        .cancel = r->cancel,
    };
    entrasql_token *token = NULL;
    es_error_clear(err);
    entrasql_status status = f->c->function(f->c->context, &request, &token, err);
    if (status == ENTRASQL_OK)
        return accept_token(f->c, token, ret, err);
    /* AGAIN would make us ask for ever, and a failure without words helps nobody. */
    if (status == ENTRASQL_AGAIN || (unsigned)status >= ENTRASQL_STATUS_COUNT)
        status = ENTRASQL_AUTH_FAILED;
    if (err->message[0] == '\0')
        es_fail(err, status, "%s: the function failed (%s)", f->c->base.name,
                entrasql_status_text(status));
    err->status = status;
    if (err->error_class == ENTRASQL_CLASS_NONE)
        err->error_class = entrasql_status_class(status);
    return status;
}

static void custom_flow_free(identity_flow *flow)
{
    es_free(flow);
}

static const identity_flow_class custom_flow_class = {custom_wants, custom_step, custom_flow_free};

static entrasql_status custom_start(entrasql_credential *credential,
                                    const identity_request *request, identity_flow **ret,
                                    entrasql_error *err)
{
    struct custom_flow *f = es_calloc(1, sizeof *f);
    if (f == NULL)
        return es_nomem(err);
    f->base.klass = &custom_flow_class;
    f->c = (struct custom *)credential;
    f->request = request;
    *ret = &f->base;
    return ENTRASQL_OK;
}

static void custom_destroy(entrasql_credential *credential)
{
    struct custom *c = (struct custom *)credential;
    if (c->free_context != NULL)
        c->free_context(c->context);
    es_free(c);
}

static const identity_class custom_class = {.start = custom_start, .destroy = custom_destroy};

entrasql_status entrasql_custom_credential_new(const char *name, entrasql_token_function *function,
                                               void *context, void (*free_context)(void *context),
                                               entrasql_credential **ret, entrasql_error *err)
{
    if (es_str_is_empty(name) || function == NULL)
        return es_fail(err, ENTRASQL_INVALID, "a custom credential needs a name and a function");
    struct custom *c = identity_credential_new(&custom_class, name, sizeof *c);
    if (c == NULL)
        return es_nomem(err);
    c->function = function;
    c->context = context;
    c->free_context = free_context;
    *ret = &c->base;
    return ENTRASQL_OK;
}
