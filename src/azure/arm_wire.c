/* SPDX-License-Identifier: MIT */
/*
 * One request on the wire: the token, and the tries. Which answers are worth another try, and how
 * long to wait, follows Azure's core libraries (azcore): 408, 429, 500, 502, 503, 504 and broken
 * connections; what the answer asks for goes before our own spacing.
 */
#include "azure/arm_inner.h"

#include "base/base64.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "identity/exchange.h"
#include "identity/internal.h"
#include "os/wait.h"

#include <stdio.h>
#include <string.h>

#define TRIES_OF_FAILURES                                                                          \
    5 /* of 5xx and broken connections; throttling goes on to the deadline                         \
       */
#define TRY_MS 120000
#define LAG_LIMIT_MS 120000
#define LAG_WAIT_MS 5000
#define CONFLICT_WAIT_MS 10000
#define LEAST_WAIT_MS 20
#define CLAIMS_SIZE 4096

static const identity_retry_policy spacing = {.base_ms = 800, .cap_ms = 60000};

/* ---- waiting ---- */

static entrasql_status cancelled(const azure_wire *wire, entrasql_error *err)
{
    return es_fail(err, ENTRASQL_CANCELLED, "%s: interrupted", wire->what);
}

entrasql_status azure_arm_wait(azure_arm *arm, const azure_wire *wire, const char *state,
                               int64_t wait_ms, entrasql_error *err)
{
    int64_t now = es_clock_mono_ms();
    if (wait_ms < LEAST_WAIT_MS)
        wait_ms = LEAST_WAIT_MS;
    if (wait_ms > wire->deadline_ms - now) {
        es_fail(err, ENTRASQL_TIMEOUT, "%s: not finished after %lld s (%s)", wire->what,
                (long long)((now - wire->begin_ms) / 1000), state);
        es_hint(err, AZURE_GOES_ON);
        return ENTRASQL_TIMEOUT;
    }
    if (arm->progress != NULL) {
        const azure_progress progress = {
            .what = wire->what,
            .state = state,
            .elapsed_ms = now - wire->begin_ms,
            .wait_ms = wait_ms,
        };
        arm->progress(arm->progress_context, &progress);
    }
    while (es_clock_mono_ms() < now + wait_ms) {
        os_wait w;
        if (identity_cancel_is_triggered(arm->cancel))
            return cancelled(wire, err);
        os_wait_init(&w);
        os_wait_until(&w, now + wait_ms);
        if (arm->cancel != NULL)
            ES_TRY(os_wait_add(&w, identity_cancel_fd(arm->cancel), POLLIN));
        ES_TRY(os_wait_poll(&w, err));
    }
    return ENTRASQL_OK;
}

/* ---- one try ---- */

static entrasql_status run(azure_arm *arm, const azure_wire *wire, const http_request *request,
                           http_response *ret, entrasql_error *err)
{
    http_operation *op = NULL;
    ES_TRY(http_start(request, &op, err));
    entrasql_status status;
    while ((status = http_step(op, ret, err)) == ENTRASQL_AGAIN) {
        os_wait w;
        os_wait_init(&w);
        status = http_wants(op, &w);
        if (status == ENTRASQL_OK && arm->cancel != NULL)
            status = os_wait_add(&w, identity_cancel_fd(arm->cancel), POLLIN);
        if (status == ENTRASQL_OK)
            status = os_wait_poll(&w, err);
        if (status == ENTRASQL_OK && identity_cancel_is_triggered(arm->cancel))
            status = cancelled(wire, err);
        if (status != ENTRASQL_OK)
            break;
    }
    http_free(op);
    return status;
}

static entrasql_status bearer(azure_arm *arm, const azure_wire *wire, const char *claims,
                              bool refresh, es_buf *ret, entrasql_error *err)
{
    int64_t left = wire->deadline_ms - es_clock_mono_ms();
    const entrasql_token_request request = {
        .size = sizeof request,
        .scope = arm->scope,
        .tenant_id = arm->tenant_id,
        .claims = claims,
        .timeout_ms = left > 100000 || left <= 0 ? 0 : (uint32_t)left,
        .refresh = refresh,
        .enable_cae = true,
        .cancel = arm->cancel,
    };
    entrasql_token *token = NULL;
    ES_TRY(entrasql_credential_get_token(arm->credential, &request, &token, err));
    entrasql_status status = es_buf_add_str(ret, "Bearer ");
    if (status == ENTRASQL_OK)
        status = es_buf_add_str(ret, entrasql_token_value(token));
    entrasql_token_free(token);
    return status == ENTRASQL_OK && es_buf_cstr(ret) != NULL ? ENTRASQL_OK : es_nomem(err);
}

static entrasql_status try_once(azure_arm *arm, const azure_wire *wire, const char *claims,
                                bool refresh, http_response *ret, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf header = ES_BUF_INIT_WIPE(HTTP_MAX_HEADERS);
    ES_TRY(bearer(arm, wire, claims, refresh, &header, err));
    bool has_body = wire->body != NULL || es_streq(wire->method, "POST");
    http_request request = {
        .method = wire->method,
        .url = wire->url,
        .headers = {{"Authorization", (const char *)header.data},
                    {"Accept", "application/json"},
                    {"User-Agent", "entrasql/" ENTRASQL_VERSION}},
        .body = wire->body != NULL ? (const void *)wire->body->data
                : has_body         ? ""
                                   : NULL,
        .body_len = wire->body != NULL ? wire->body->len : 0,
        .ca_file = arm->ca_file,
    };
    size_t at = 3;
    if (wire->body != NULL)
        request.headers[at++] = (http_header){"Content-Type", "application/json"};
    if (wire->if_match != NULL)
        request.headers[at++] = (http_header){"If-Match", wire->if_match};
    int64_t limit = es_clock_deadline(TRY_MS);
    request.deadline_ms = limit < wire->deadline_ms ? limit : wire->deadline_ms;
    return run(arm, wire, &request, ret, err);
}

/* ---- another try? ---- */

/* What has been tried so far. */
typedef struct tries {
    unsigned failures; /* 5xx and broken connections */
    unsigned throttled;
    bool renewed;             /* the token, after a 401 */
    bool refresh;             /* the next try wants a new one */
    char claims[CLAIMS_SIZE]; /* "" for none */
} tries;

typedef struct plan {
    bool again;
    const char *state;
    int64_t wait_ms; /* -1: at once, without a word */
} plan;

static const plan enough = {false, NULL, 0};

/* claims="..." of WWW-Authenticate: base64 of a JSON object (continuous access evaluation). */
static void read_claims(const http_response *answer, char ret[CLAIMS_SIZE])
{
    char header[CLAIMS_SIZE * 2];
    ret[0] = '\0';
    if (http_response_header(answer, "WWW-Authenticate", header, sizeof header) != ENTRASQL_OK)
        return;
    const char *p = strstr(header, "claims=\"");
    if (p == NULL)
        return;
    p += strlen("claims=\"");
    ES_CLEANUP(es_buf_done) es_buf out = ES_BUF_INIT(CLAIMS_SIZE - 1);
    if (es_base64_decode(p, strcspn(p, "\""), &out) != ENTRASQL_OK ||
        memchr(out.data, '\0', out.len) != NULL)
        return;
    memcpy(ret, out.data, out.len);
    ret[out.len] = '\0';
}

static bool is_lag(const azure_wire *wire, const http_response *answer)
{
    if (!wire->may_lag || es_clock_mono_ms() - wire->begin_ms > LAG_LIMIT_MS)
        return false;
    azure_failure f;
    azure_failure_of(answer, &f);
    if (answer->status == 404)
        return !es_strcaseeq(f.code, "SubscriptionNotFound") &&
               !es_strcaseeq(f.code, "ResourceGroupNotFound");
    return answer->status == 400 && (es_strcaseeq(f.code, "PrincipalNotFound") ||
                                     es_strcaseeq(f.code, "FailedIdentityOperation"));
}

static bool is_passing_conflict(const http_response *answer)
{
    azure_failure f;
    if (answer->status != 409)
        return false;
    azure_failure_of(answer, &f);
    return es_strcaseeq(f.code, "AnotherOperationInProgress") ||
           es_strcaseeq(f.code, "OperationInterrupted") ||
           es_strcaseeq(f.code, "RetryableErrorDueToAnotherOperation");
}

static plan plan_of_answer(const azure_wire *wire, const http_response *answer, tries *t)
{
    int64_t asked = -1;
    (void)http_retry_after(answer, es_clock_wall_s(), &asked);
    unsigned status = answer->status;
    if (status == 401 && !t->renewed) {
        read_claims(answer, t->claims);
        t->renewed = true;
        t->refresh = true;
        return (plan){true, "", -1};
    }
    if (status == 429) {
        int64_t wait = identity_retry_delay_ms(&spacing, ++t->throttled + 2);
        return (plan){true, "throttled by Azure", asked >= 0 ? asked : wait};
    }
    if (is_passing_conflict(answer))
        return (plan){true, "waiting for another operation on it",
                      asked >= 0 ? asked : CONFLICT_WAIT_MS};
    if (is_lag(wire, answer))
        return (plan){true, "not replicated yet", asked >= 0 ? asked : LAG_WAIT_MS};
    bool is_failure = status == 408 || status == 500 || (status >= 502 && status <= 504);
    /* A 5xx does not tell whether it was done. */
    if (!is_failure || wire->once || ++t->failures >= TRIES_OF_FAILURES)
        return enough;
    int64_t wait = identity_retry_delay_ms(&spacing, t->failures);
    return (plan){true, "Azure has a failure of its own", asked >= 0 ? asked : wait};
}

static plan plan_of_failure(const azure_wire *wire, entrasql_status status, tries *t)
{
    /* NETWORK is before the request was sent: name, connect. */
    bool is_passing = status == ENTRASQL_NETWORK ||
                      (!wire->once && (status == ENTRASQL_CLOSED || status == ENTRASQL_TIMEOUT));
    if (!is_passing || ++t->failures >= TRIES_OF_FAILURES)
        return enough;
    return (plan){true, "connection lost", identity_retry_delay_ms(&spacing, t->failures)};
}

entrasql_status azure_wire_send(azure_arm *arm, const azure_wire *wire, http_response *ret,
                                entrasql_error *err)
{
    tries t = {0};
    for (;;) {
        http_response answer = {0};
        entrasql_status status =
            try_once(arm, wire, t.claims[0] != '\0' ? t.claims : NULL, t.refresh, &answer, err);
        t.refresh = false;
        t.claims[0] = '\0';
        plan next = status == ENTRASQL_OK ? plan_of_answer(wire, &answer, &t)
                                          : plan_of_failure(wire, status, &t);
        ES_LOG(DEBUG, "azure", "request", ES_KV_STR("method", wire->method),
               ES_KV_STR("what", wire->what), ES_KV_I64("http_status", answer.status),
               ES_KV_STR("next", next.again ? next.state : "done"));
        /* A wait that cannot end in time is none: the answer says more than a timeout would. */
        if (!next.again || next.wait_ms > wire->deadline_ms - es_clock_mono_ms()) {
            *ret = answer;
            return status;
        }
        http_response_done(&answer);
        if (next.wait_ms >= 0)
            ES_TRY(azure_arm_wait(arm, wire, next.state, next.wait_ms, err));
    }
}
