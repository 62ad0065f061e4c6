/* SPDX-License-Identifier: MIT */
/* What the files of the client share. */
#ifndef AZURE_ARM_INNER_H
#define AZURE_ARM_INNER_H

#include "azure/arm.h"
#include "http/http.h"
#include "http/text.h"

/* The hint when we stop asking before Azure is done. */
#define AZURE_GOES_ON "Azure may still be at it; the same command goes on from here later"

struct azure_arm {
    entrasql_credential *credential;
    entrasql_cancel *cancel;
    char *endpoint;   /* without a slash at its end */
    http_url address; /* the endpoint, taken apart */
    char *scope;      /* of the token */
    char *ca_file;
    char *tenant_id;
    azure_progress_function *progress;
    void *progress_context;
    int64_t call_timeout_ms;
    int64_t operation_timeout_ms;
    int64_t poll_ms;
    azure_failure failure;
};

/* One request on the wire, whoever wants it: a call, a page, a poll. */
typedef struct azure_wire {
    const char *method;
    const char *url; /* checked */
    const es_buf *body;
    const char *if_match;
    const char *what;
    bool once;
    bool may_lag;
    int64_t begin_ms;
    int64_t deadline_ms;
} azure_wire;

/*
 * Sends with the token and tries again where that can help. OK with the answer of whatever status
 * the tries ended with, or why there is none.
 */
entrasql_status azure_wire_send(azure_arm *arm, const azure_wire *wire, http_response *ret,
                                entrasql_error *err) ES_MUST_USE;

/* Sleeps and tells about it. CANCELLED; TIMEOUT when it would end after the deadline. */
entrasql_status azure_arm_wait(azure_arm *arm, const azure_wire *wire, const char *state,
                               int64_t wait_ms, entrasql_error *err) ES_MUST_USE;

/* A URL of an answer that may get the token. INVALID. */
entrasql_status azure_arm_check_url(const azure_arm *arm, const char *url, bool same_host,
                                    entrasql_error *err) ES_MUST_USE;

/* Follows an operation that was accepted to its end; *ret is replaced by its result, if any. */
entrasql_status azure_arm_follow(azure_arm *arm, const azure_wire *wire, http_response *ret,
                                 entrasql_error *err) ES_MUST_USE;

/* The error of an answer as *err and arm->failure; never OK. */
entrasql_status azure_arm_refuse(azure_arm *arm, const char *what, const http_response *answer,
                                 entrasql_error *err) ES_MUST_USE;
/* Reads code and message of an error object ("error", or the older forms). */
void azure_failure_read(const json_node *root, azure_failure *ret);
/* Code of an answer that is no success, for the decision about another try. */
void azure_failure_of(const http_response *answer, azure_failure *ret);

/* The JSON of an answer; *ret NULL when it is empty. MALFORMED. */
entrasql_status azure_arm_parse(const http_response *answer, const char *what, json_doc **ret,
                                entrasql_error *err) ES_MUST_USE;

#endif
