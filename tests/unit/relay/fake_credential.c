/* SPDX-License-Identifier: MIT */
/* A credential of tests. */
#include "fake_credential.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"

#include <poll.h>
#include <stdio.h>

struct entrasql_token {
    char value[32];
};

struct entrasql_token_operation {
    entrasql_credential *credential;
    int64_t ready_ms;
    int number;
};

void fake_credential_init(entrasql_credential *c)
{
    *c = (entrasql_credential){.status = ENTRASQL_OK};
    atomic_init(&c->refs, 1);
}

entrasql_credential *entrasql_credential_ref(entrasql_credential *c)
{
    if (c != NULL)
        atomic_fetch_add(&c->refs, 1);
    return c;
}

void entrasql_credential_unref(entrasql_credential *c)
{
    if (c != NULL)
        atomic_fetch_sub(&c->refs, 1);
}

entrasql_status entrasql_credential_start(entrasql_credential *c,
                                          const entrasql_token_request *request,
                                          entrasql_token_operation **ret, entrasql_error *err)
{
    entrasql_token_operation *o = es_calloc(1, sizeof *o);
    if (o == NULL)
        return es_nomem(err);
    o->credential = entrasql_credential_ref(c);
    o->ready_ms = es_clock_mono_ms() + c->delay_ms;
    o->number = atomic_fetch_add(&c->asked, 1) + 1;
    if (request->refresh)
        atomic_fetch_add(&c->refreshed, 1);
    (void)snprintf(c->scope, sizeof c->scope, "%s", request->scope);
    *ret = o;
    return ENTRASQL_OK;
}

size_t entrasql_token_operation_poll(entrasql_token_operation *o, struct pollfd *fds, size_t max,
                                     int *ret_timeout_ms)
{
    (void)fds, (void)max;
    *ret_timeout_ms = es_clock_poll_timeout(o->ready_ms);
    return 0;
}

entrasql_status entrasql_token_operation_step(entrasql_token_operation *o, entrasql_token **ret,
                                              entrasql_error *err)
{
    if (es_clock_mono_ms() < o->ready_ms)
        return ENTRASQL_AGAIN;
    if (o->credential->status != ENTRASQL_OK)
        return es_fail(err, o->credential->status, "the fake credential refuses");
    entrasql_token *t = es_calloc(1, sizeof *t);
    if (t == NULL)
        return es_nomem(err);
    (void)snprintf(t->value, sizeof t->value, "token-%d", o->number);
    *ret = t;
    return ENTRASQL_OK;
}

void entrasql_token_operation_free(entrasql_token_operation *o)
{
    if (o == NULL)
        return;
    entrasql_credential_unref(o->credential);
    es_free(o);
}

const char *entrasql_token_value(const entrasql_token *t)
{
    return t->value;
}

const char *entrasql_token_source(const entrasql_token *t)
{
    (void)t;
    return "FakeCredential";
}

void entrasql_token_free(entrasql_token *t)
{
    es_free(t);
}
