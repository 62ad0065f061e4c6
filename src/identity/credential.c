/* SPDX-License-Identifier: MIT */
/* What all credentials have in common: reference count, name, cache; flows; tokens. */
#include "identity/internal.h"

#include "base/mem.h"

#include <string.h>

const char *entrasql_version(void)
{
    return ENTRASQL_VERSION;
}

/* ---- credentials ---- */

void *identity_credential_new(const identity_class *klass, const char *name, size_t size)
{
    entrasql_credential *c = es_calloc(1, size);
    if (c == NULL)
        return NULL;
    c->klass = klass;
    atomic_init(&c->refs, 1);
    c->name = es_strdup(name);
    if (c->name == NULL || identity_cache_init(&c->cache) != ENTRASQL_OK) {
        es_free(c->name);
        es_free(c);
        return NULL;
    }
    return c;
}

entrasql_credential *entrasql_credential_ref(entrasql_credential *credential)
{
    if (credential != NULL)
        atomic_fetch_add_explicit(&credential->refs, 1, memory_order_relaxed);
    return credential;
}

void entrasql_credential_unref(entrasql_credential *credential)
{
    if (credential == NULL ||
        atomic_fetch_sub_explicit(&credential->refs, 1, memory_order_acq_rel) != 1)
        return;
    identity_cache_done(&credential->cache);
    es_free(credential->name);
    credential->klass->destroy(credential);
}

const char *entrasql_credential_name(const entrasql_credential *credential)
{
    return credential->name;
}

/* ---- flows ---- */

entrasql_status identity_flow_wants(identity_flow *flow, os_wait *w)
{
    return flow->klass->wants(flow, w);
}

entrasql_status identity_flow_step(identity_flow *flow, entrasql_token **ret, entrasql_error *err)
{
    return flow->klass->step(flow, ret, err);
}

void identity_flow_free(identity_flow *flow)
{
    if (flow != NULL)
        flow->klass->free(flow);
}

struct ready_flow {
    identity_flow base;
    entrasql_token *token;
};

static entrasql_status ready_wants(identity_flow *flow, os_wait *w)
{
    (void)flow;
    os_wait_until(w, 0);
    return ENTRASQL_OK;
}

static entrasql_status ready_step(identity_flow *flow, entrasql_token **ret, entrasql_error *err)
{
    struct ready_flow *f = (struct ready_flow *)flow;
    (void)err;
    *ret = f->token;
    f->token = NULL;
    return ENTRASQL_OK;
}

static void ready_free(identity_flow *flow)
{
    struct ready_flow *f = (struct ready_flow *)flow;
    entrasql_token_free(f->token);
    es_free(f);
}

entrasql_status identity_flow_ready(entrasql_token *token, identity_flow **ret, entrasql_error *err)
{
    static const identity_flow_class klass = {
        .wants = ready_wants, .step = ready_step, .free = ready_free};
    struct ready_flow *f = es_calloc(1, sizeof *f);
    if (f == NULL) {
        entrasql_token_free(token);
        return es_nomem(err);
    }
    f->base.klass = &klass;
    f->token = token;
    *ret = &f->base;
    return ENTRASQL_OK;
}

/* ---- tokens ---- */

/* Takes the reference of `value`, which may be NULL: no memory. */
static entrasql_token *token_of_secret(es_secret *value, int64_t expires_on, int64_t refresh_on,
                                       const char *source)
{
    entrasql_token *token = es_calloc(1, sizeof *token);
    if (token == NULL) {
        es_secret_unref(value);
        return NULL;
    }
    atomic_init(&token->refs, 1);
    token->expires_on = expires_on;
    token->refresh_on = refresh_on;
    token->value = value;
    token->source = es_strdup(source);
    if (token->value == NULL || token->source == NULL) {
        entrasql_token_free(token);
        return NULL;
    }
    return token;
}

entrasql_token *identity_token_new(const char *value, size_t n, int64_t expires_on,
                                   int64_t refresh_on, const char *source)
{
    return token_of_secret(es_secret_new(value, n), expires_on, refresh_on, source);
}

entrasql_token *entrasql_token_new(const char *value, int64_t expires_on)
{
    if (value == NULL)
        return NULL;
    return identity_token_new(value, strlen(value), expires_on, 0, "");
}

entrasql_token *identity_token_with_source(const entrasql_token *token, const char *source)
{
    return token_of_secret(es_secret_ref(token->value), token->expires_on, token->refresh_on,
                           source);
}

entrasql_token *identity_token_ref(entrasql_token *token)
{
    atomic_fetch_add_explicit(&token->refs, 1, memory_order_relaxed);
    return token;
}

void identity_token_unref_n(entrasql_token *token, int64_t n)
{
    if (atomic_fetch_sub_explicit(&token->refs, n, memory_order_acq_rel) != n)
        return;
    if (token->posting != NULL) {
        identity_posting_release(token->posting);
        return;
    }
    es_secret_unref(token->value);
    es_free(token->source);
    es_free(token);
}

void entrasql_token_free(entrasql_token *token)
{
    if (token != NULL)
        identity_token_unref_n(token, 1);
}

const char *entrasql_token_value(const entrasql_token *token)
{
    return es_secret_reveal(token->value);
}

int64_t entrasql_token_expires_on(const entrasql_token *token)
{
    return token->expires_on;
}

const char *entrasql_token_source(const entrasql_token *token)
{
    return token->source;
}
