/* SPDX-License-Identifier: MIT */
/*
 * The client of Azure Resource Manager: one call of the table (calls.h) with everything that
 * belongs to it - the token, tries again, replication delay, registration of a provider,
 * long-running operations up to their end.
 *
 * Blocking; a client belongs to one thread at a time. It takes a reference of the credential and
 * of the cancel object. Answers may hold secrets (lists of settings): their memory is wiped, and
 * nothing of a successful answer is logged.
 *
 * The token goes to the endpoint and to nobody else. Operations may be polled on another host of
 * the same cloud (below the endpoint's own name, or a sister of it for Azure's own endpoints);
 * every other address that an answer names is refused. Certificates are always verified, plain
 * http is never spoken.
 *
 * Failures: NOT_FOUND (404), AUTH_FAILED (401, 403: rights, policy, locks), INVALID (400),
 * BUSY (409, 412, 429: somebody else is at it or the limit is reached), NETWORK of class RETRY
 * (5xx), TIMEOUT, CANCELLED, MALFORMED and LIMIT (answers that are not Azure's), what the
 * credential reports. err->number is the HTTP status, err->correlation_id Azure's; the hint names
 * the smallest built-in role for a missing action. azure_arm_failure() has the parts.
 */
#ifndef AZURE_ARM_H
#define AZURE_ARM_H

#include "azure/calls.h"
#include "base/buf.h"
#include "json/json.h"

#include <entrasql/entrasql.h>

/* Where the client's endpoint is when it is not one of Azure's clouds: the emulator, Azure Stack.
 */
#define AZURE_ARM_ENDPOINT_VARIABLE "ENTRASQL_ARM_ENDPOINT"

#define AZURE_MAX_ARGUMENTS 5
#define AZURE_MAX_PAGES 100

typedef struct azure_arm azure_arm;

typedef struct azure_progress {
    const char *what;   /* "assigning the identity to web app persons-app"; never NULL */
    const char *state;  /* "Updating", "throttled", "not replicated yet" */
    int64_t elapsed_ms; /* since the call began */
    int64_t wait_ms;    /* until Azure is asked again */
} azure_progress;

/* Called before each wait, on the thread of the call. */
typedef void azure_progress_function(void *context, const azure_progress *progress);

typedef struct azure_arm_options {
    entrasql_credential *credential; /* required */
    /* NULL: ENTRASQL_ARM_ENDPOINT, else the cloud that AZURE_AUTHORITY_HOST belongs to, else
     * Azure's public cloud. */
    const char *endpoint;
    const char *ca_file;               /* NULL: SSL_CERT_FILE, else the system store */
    const char *tenant_id;             /* of the token; NULL: the credential's own */
    entrasql_cancel *cancel;           /* NULL: only deadlines end a call */
    azure_progress_function *progress; /* NULL: none */
    void *progress_context;
    uint32_t call_timeout_ms;      /* one request with its tries; 0: 300 000 */
    uint32_t operation_timeout_ms; /* a long-running operation to its end; 0: 1 800 000 */
    uint32_t poll_ms;              /* between polls when Azure does not say; 0: 15 000 */
} azure_arm_options;

/* CONFIG: an endpoint that is no https URL, or an authority whose endpoint is not known. NOMEM. */
entrasql_status azure_arm_new(const azure_arm_options *options, azure_arm **ret,
                              entrasql_error *err) ES_MUST_USE;
void azure_arm_free(azure_arm *arm); /* NULL allowed */
/* "https://management.azure.com", without a slash. */
const char *azure_arm_endpoint(const azure_arm *arm);
/* Who the client signs in as: tid and oid of its token. "" when the token does not say. */
typedef struct azure_caller {
    char tenant_id[64];
    char object_id[64];
    char client_id[64]; /* of an application or managed identity */
    char name[256];     /* of a person */
    bool is_application;
} azure_caller;
entrasql_status azure_arm_caller(azure_arm *arm, azure_caller *ret,
                                 entrasql_error *err) ES_MUST_USE;

typedef struct azure_request {
    azure_call_id call;
    const char *arguments[AZURE_MAX_ARGUMENTS]; /* of the path, in their order */
    const char *query;    /* beside api-version, encoded already: "softRestart=true"; NULL */
    const es_buf *body;   /* JSON; NULL: none */
    const char *if_match; /* ETag, for the providers that document it; NULL */
    /* What is named was made a moment ago and may not be everywhere yet: a 404 (and a 400 that
     * does not know a principal) is tried again for up to two minutes. */
    bool may_lag;
    const char *what; /* for progress and messages: "reading web app persons-app" */
} azure_request;

typedef struct azure_reply {
    unsigned status; /* HTTP status of the request itself: 200, 201 ... */
    /* The answer; of a long-running operation its result where that has one. NULL: empty. */
    json_doc *doc;
    char etag[128]; /* "" when there is none */
} azure_reply;

/* ret NULL: nobody wants the answer. */
entrasql_status azure_arm_call(azure_arm *arm, const azure_request *request, azure_reply *ret,
                               entrasql_error *err) ES_MUST_USE;
void azure_reply_done(azure_reply *reply);
const json_node *azure_reply_root(const azure_reply *reply); /* NULL when empty */

/* All pages of a list. `item` gets each element of "value"; its failure ends the list. */
typedef entrasql_status azure_item_function(void *context, const json_node *item,
                                            entrasql_error *err);
entrasql_status azure_arm_list(azure_arm *arm, const azure_request *request,
                               azure_item_function *item, void *context,
                               entrasql_error *err) ES_MUST_USE;

/* The parts of the last failure of this client that Azure itself reported. */
typedef struct azure_failure {
    unsigned http_status;
    char code[128];          /* "AuthorizationFailed", "" when Azure gave none */
    char message[1024];      /* Azure's own words, fit for a message */
    char action[256];        /* the missing action, or "" */
    char scope[1024];        /* on what, or "" */
    const char *role;        /* the smallest built-in role that has the action, or NULL */
    char correlation_id[64]; /* or "" */
} azure_failure;
const azure_failure *azure_arm_failure(const azure_arm *arm);

#endif
