/* SPDX-License-Identifier: MIT */
/*
 * An HTTP request that is tried again by a policy: which statuses, how often,
 * how long between; what the answer asks for (Retry-After) goes first. Asynchronous
 * (os/wait.h); belongs to one operation.
 */
#ifndef IDENTITY_EXCHANGE_H
#define IDENTITY_EXCHANGE_H

#include "base/buf.h"
#include "base/secret.h"
#include "http/http.h"

#include <stdbool.h>

typedef struct identity_retry_policy {
    unsigned retries; /* tries after the first */
    uint32_t base_ms; /* wait n is (2^n - 1) * base, times 0.8 to 1.3 */
    uint32_t cap_ms;  /* longest wait; an answer that asks for more ends the tries */
    uint32_t try_ms;  /* limit of one try */
    bool (*is_retryable)(unsigned http_status);
} identity_retry_policy;

/* Token endpoint of Entra, App Service: the statuses of Azure's core libraries. */
extern const identity_retry_policy identity_retry_usual;
/* IMDS, which answers 404 and 410 for up to 70 s while it is updated. */
extern const identity_retry_policy identity_retry_imds;

typedef struct identity_exchange {
    identity_retry_policy policy;
    const char *method;
    es_buf url;
    es_buf body; /* wiping */
    bool has_body;
    http_header headers[8]; /* values borrowed */
    unsigned header_count;
    const char *ca_file; /* borrowed */
    const uint8_t *pin;  /* borrowed; as in http_request */
    bool plain_allowed;
    bool direct;
    uint32_t connect_timeout_ms;
    bool give_up_unconnected; /* no second try when nothing ever answered */
    int64_t deadline_ms;
    /* Inner state. */
    http_operation *http;
    unsigned tries;
    int64_t wake_ms; /* next try; 0: at once */
    int64_t sent_wall_s;
    bool was_answered;
    bool is_waiting;
} identity_exchange;

/* Empty, with the policy and deadline; the caller fills url, body, headers and flags. */
void identity_exchange_init(identity_exchange *x, const identity_retry_policy *policy,
                            int64_t deadline_ms);
void identity_exchange_done(identity_exchange *x);
void identity_exchange_header(identity_exchange *x, const char *name, const char *value);

entrasql_status identity_exchange_wants(identity_exchange *x, os_wait *w) ES_MUST_USE;
/*
 * AGAIN; OK with the last answer, whatever its status; or the failure of the
 * last try. When the next try could only come after the deadline the last
 * result is given at once.
 */
entrasql_status identity_exchange_step(identity_exchange *x, http_response *ret,
                                       entrasql_error *err) ES_MUST_USE;

/* The wait before try number `tries` + 1, without what the answer asks for. */
int64_t identity_retry_delay_ms(const identity_retry_policy *policy, unsigned tries);

#endif
