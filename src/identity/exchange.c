/* SPDX-License-Identifier: MIT */
/* Tries of an HTTP request. */
#include "identity/exchange.h"

#include "base/log.h"
#include "base/random.h"

#include <assert.h>
#include <string.h>

#define MAX_URL (8 * 1024)
#define MAX_BODY (64 * 1024)

static bool is_usual(unsigned status)
{
    return status == 408 || status == 429 || status == 500 || (status >= 502 && status <= 504);
}

static bool is_imds(unsigned status)
{
    return status == 404 || status == 410 || status == 429 || (status >= 500 && status <= 508) ||
           status == 510 || status == 511;
}

const identity_retry_policy identity_retry_usual = {
    .retries = 3, .base_ms = 800, .cap_ms = 60000, .try_ms = 60000, .is_retryable = is_usual};
const identity_retry_policy identity_retry_imds = {
    .retries = 6, .base_ms = 2000, .cap_ms = 25000, .try_ms = 60000, .is_retryable = is_imds};

void identity_exchange_init(identity_exchange *x, const identity_retry_policy *policy,
                            int64_t deadline_ms)
{
    memset(x, 0, sizeof *x);
    x->policy = *policy;
    x->method = "GET";
    x->url = ES_BUF_INIT(MAX_URL);
    x->body = ES_BUF_INIT_WIPE(MAX_BODY);
    x->deadline_ms = deadline_ms;
}

void identity_exchange_done(identity_exchange *x)
{
    http_free(x->http);
    es_buf_done(&x->url);
    es_buf_done(&x->body);
    x->http = NULL;
}

void identity_exchange_header(identity_exchange *x, const char *name, const char *value)
{
    assert(x->header_count < sizeof x->headers / sizeof x->headers[0]);
    x->headers[x->header_count++] = (http_header){.name = name, .value = value};
}

int64_t identity_retry_delay_ms(const identity_retry_policy *policy, unsigned tries)
{
    int64_t steps = ((int64_t)1 << (tries < 20 ? tries : 20)) - 1;
    /* Spread, so that many clients that failed together do not come back together. */
    int64_t percent = 80 + (int64_t)es_random_below(50);
    int64_t ms = steps * policy->base_ms * percent / 100;
    return ms < policy->cap_ms ? ms : policy->cap_ms;
}

static entrasql_status send_request(identity_exchange *x, entrasql_error *err)
{
    const char *url = es_buf_cstr(&x->url);
    if (url == NULL)
        return es_nomem(err);
    const void *body = NULL;
    if (x->has_body)
        body = x->body.data != NULL ? (const void *)x->body.data : "";
    http_request request = {
        .method = x->method,
        .url = url,
        .body = body,
        .body_len = x->body.len,
        .ca_file = x->ca_file,
        .pin = x->pin,
        .plain_allowed = x->plain_allowed,
        .direct = x->direct,
        .connect_timeout_ms = x->connect_timeout_ms,
    };
    memcpy(request.headers, x->headers, x->header_count * sizeof x->headers[0]);
    int64_t try_deadline = es_clock_deadline(x->policy.try_ms);
    request.deadline_ms = try_deadline < x->deadline_ms ? try_deadline : x->deadline_ms;
    x->sent_wall_s = es_clock_wall_s();
    x->is_waiting = false;
    x->tries++;
    return http_start(&request, &x->http, err);
}

/* Decides about another try; false ends with what there is. */
static bool plan_another(identity_exchange *x, const http_response *answer)
{
    if (x->tries > x->policy.retries)
        return false;
    int64_t delay = identity_retry_delay_ms(&x->policy, x->tries);
    int64_t asked;
    if (answer != NULL && http_retry_after(answer, es_clock_wall_s(), &asked)) {
        if (asked > x->policy.cap_ms)
            return false;
        delay = asked;
    }
    int64_t wake = es_clock_mono_ms() + delay;
    if (wake >= x->deadline_ms)
        return false;
    x->wake_ms = wake;
    x->is_waiting = true;
    ES_LOG(DEBUG, "identity", "trying again", ES_KV_I64("try", x->tries + 1),
           ES_KV_I64("http_status", answer != NULL ? answer->status : 0),
           ES_KV_I64("wait_ms", delay));
    return true;
}

static bool is_passing_failure(entrasql_status status)
{
    return status == ENTRASQL_NETWORK || status == ENTRASQL_CLOSED || status == ENTRASQL_TIMEOUT;
}

static entrasql_status judge(identity_exchange *x, entrasql_status status, http_response *answer,
                             http_response *ret)
{
    bool again;
    if (status == ENTRASQL_OK) {
        x->was_answered = true;
        again = x->policy.is_retryable(answer->status) && plan_another(x, answer);
        if (again)
            http_response_done(answer);
        else
            *ret = *answer;
    } else {
        bool hopeless = x->give_up_unconnected && !x->was_answered;
        again = is_passing_failure(status) && !hopeless && plan_another(x, NULL);
    }
    return again ? ENTRASQL_AGAIN : status;
}

entrasql_status identity_exchange_step(identity_exchange *x, http_response *ret,
                                       entrasql_error *err)
{
    if (x->is_waiting && es_clock_mono_ms() < x->wake_ms)
        return ENTRASQL_AGAIN;
    if (x->http == NULL)
        ES_TRY(send_request(x, err));
    http_response answer;
    entrasql_status status = http_step(x->http, &answer, err);
    if (status == ENTRASQL_AGAIN)
        return status;
    http_free(x->http);
    x->http = NULL;
    return judge(x, status, &answer, ret);
}

entrasql_status identity_exchange_wants(identity_exchange *x, os_wait *w)
{
    os_wait_until(w, x->deadline_ms);
    if (x->http != NULL)
        return http_wants(x->http, w);
    os_wait_until(w, x->is_waiting ? x->wake_ms : 0);
    return ENTRASQL_OK;
}
