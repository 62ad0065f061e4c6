/* SPDX-License-Identifier: MIT */
/*
 * What the files of this folder share.
 *
 * A credential is an object with a class; asking it for a token makes a flow,
 * one asynchronous attempt (os/wait.h). Flows know nothing of caches: the
 * operation (operation.c) puts the credential's cache and the sharing of one
 * attempt among callers in front of them. A chain runs the flows of its members.
 *
 * In the calls of classes and flows err is never NULL.
 *
 * Credentials are shared by threads and, apart from their caches and what is
 * marked atomic, do not change after creation. A flow belongs to one operation.
 */
#ifndef IDENTITY_INTERNAL_H
#define IDENTITY_INTERNAL_H

#include "base/buf.h"
#include "base/error.h"
#include "base/secret.h"
#include "identity/board.h"
#include "identity/cache.h"
#include "os/wait.h"

#include <entrasql/entrasql.h>

#include <stdatomic.h>
#include <stdbool.h>

/* ---- cancelling ---- */

entrasql_cancel *identity_cancel_ref(entrasql_cancel *cancel);    /* NULL gives NULL */
bool identity_cancel_is_triggered(const entrasql_cancel *cancel); /* NULL: no */
/* Readable from the trigger on, for any number of waiters. */
int identity_cancel_fd(const entrasql_cancel *cancel);

/* ---- requests, flows, credentials ---- */

/* Borrowed by a flow for its whole life; checked already (scope.h). */
typedef struct identity_request {
    const char *scope;
    const char *tenant_id;   /* NULL: the credential's own */
    const char *claims;      /* NULL: none */
    int64_t deadline_ms;     /* monotonic */
    bool once;               /* one try, no retries: a valid token is at hand */
    bool refresh;            /* what others have cached is not good enough either */
    bool in_chain;           /* others stand beside it: who is not there must be noticed quickly */
    bool cae;                /* the resource handles continuous access evaluation */
    entrasql_cancel *cancel; /* for code of the program's own; flows are freed when it comes */
} identity_request;

typedef struct identity_flow identity_flow;

typedef struct identity_flow_class {
    entrasql_status (*wants)(identity_flow *flow, os_wait *w);
    /* AGAIN, OK with a token of one reference, or the failure. Not called again after the end. */
    entrasql_status (*step)(identity_flow *flow, entrasql_token **ret, entrasql_error *err);
    void (*free)(identity_flow *flow);
    /* For flows that were started ahead: from here on everything is allowed. Else NULL. */
    void (*turn)(identity_flow *flow);
} identity_flow_class;

/* First member of every flow. */
struct identity_flow {
    const identity_flow_class *klass;
};

typedef struct identity_class {
    bool is_developer_tool; /* in a chain every failure of it means "go on" */
    entrasql_status (*start)(entrasql_credential *c, const identity_request *request,
                             identity_flow **ret, entrasql_error *err);
    /*
     * For members of a chain that may look around before their turn (NULL: they
     * may not). No program is started and no secret sent until `turn` is called. *ret NULL:
     * nothing to do ahead.
     */
    entrasql_status (*start_ahead)(entrasql_credential *c, const identity_request *request,
                                   identity_flow **ret, entrasql_error *err);
    void (*destroy)(entrasql_credential *c); /* frees the whole object; the base is done already */
} identity_class;

/* First member of every credential. */
struct entrasql_credential {
    const identity_class *klass;
    char *name;
    atomic_uint refs;
    uint32_t default_timeout_ms; /* of a request that names none; 0: the usual */
    identity_cache cache;
};

/* A zeroed object of `size` bytes whose base is set up; NULL without memory. */
void *identity_credential_new(const identity_class *klass, const char *name,
                              size_t size) ES_MUST_USE;

entrasql_status identity_flow_wants(identity_flow *flow, os_wait *w) ES_MUST_USE;
entrasql_status identity_flow_step(identity_flow *flow, entrasql_token **ret,
                                   entrasql_error *err) ES_MUST_USE;
void identity_flow_free(identity_flow *flow); /* cancels; NULL allowed */
/* A flow that has its token already. Takes the reference, also when it fails. NOMEM. */
entrasql_status identity_flow_ready(entrasql_token *token, identity_flow **ret,
                                    entrasql_error *err) ES_MUST_USE;

/* Appends the field "claims": the request's challenge and what CAE adds to it; nothing without
 * either. INVALID: the challenge is not a JSON object. */
entrasql_status identity_claims_add(const identity_request *request, es_buf *form,
                                    entrasql_error *err) ES_MUST_USE;

/* As entrasql_credential_start(), asked as a chain asks its members: who is not there is noticed
 * quickly, and is UNAVAILABLE. */
entrasql_status identity_member_start(entrasql_credential *credential,
                                      const entrasql_token_request *request,
                                      entrasql_token_operation **ret_operation,
                                      entrasql_error *err) ES_MUST_USE;

/* ---- tokens: immutable once somebody else can see them, reference counted ---- */

struct entrasql_token {
    _Atomic int64_t refs;
    identity_posting *posting; /* whose value and source it borrows; NULL: they are its own */
    es_secret *value;
    int64_t expires_on; /* wall clock, seconds */
    int64_t refresh_on; /* from then on worth refreshing; 0: not known */
    char *source;
};

entrasql_token *identity_token_new(const char *value, size_t n, int64_t expires_on,
                                   int64_t refresh_on, const char *source) ES_MUST_USE;
entrasql_token *identity_token_ref(entrasql_token *token);
void identity_token_unref_n(entrasql_token *token, int64_t n);
/* The same token under another source's name; shares the text. NULL without memory. */
entrasql_token *identity_token_with_source(const entrasql_token *token,
                                           const char *source) ES_MUST_USE;

/* ---- constructors with the inner settings that chains need ---- */

typedef struct identity_managed_identity_inner {
    uint32_t probe_timeout_ms; /* of IMDS in a chain; 0: 1000 */
    /* True: an id that the host cannot take is told when a token is asked for, as UNAVAILABLE, so
     * that a chain can be built and goes on. */
    bool tolerate_id;
    /* For tests; NULL: the fixed places. No variable can move them. */
    const char *imds_endpoint;
    const char *arc_key_directory; /* borrowed for life */
} identity_managed_identity_inner;

entrasql_status identity_managed_identity_new(const entrasql_managed_identity_options *options,
                                              const identity_managed_identity_inner *inner,
                                              entrasql_credential **ret, entrasql_error *err);

#endif
