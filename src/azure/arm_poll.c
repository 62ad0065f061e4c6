/* SPDX-License-Identifier: MIT */
/*
 * Long-running operations (azure-resource-manager-rpc, async-api-reference.md). Which style an
 * answer has is told by its headers, in this order: Azure-AsyncOperation, Operation-Location,
 * Location (of a 202), and for PUT and PATCH the body's provisioningState.
 */
#include "azure/arm_inner.h"
#include "azure/fields.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>

#define URL_SIZE 8192
#define STATE_SIZE 64

typedef enum style { STYLE_NONE, STYLE_STATUS, STYLE_LOCATION, STYLE_BODY } style;

typedef enum phase { PHASE_RUNNING, PHASE_DONE, PHASE_FAILED } phase;

typedef struct follow {
    style style;
    char poll[URL_SIZE];   /* where to ask */
    char result[URL_SIZE]; /* where the result of a POST is; "" for nowhere */
    char state[STATE_SIZE];
} follow;

static bool is_any(const char *state, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (es_strcaseeq(state, words[i]))
            return true;
    }
    return false;
}

static phase phase_of(const char *state)
{
    static const char *const good[] = {"Succeeded", "Completed"};
    static const char *const bad[] = {"Failed", "Canceled", "Cancelled"};
    if (is_any(state, good, ES_COUNT_OF(good)))
        return PHASE_DONE;
    return is_any(state, bad, ES_COUNT_OF(bad)) ? PHASE_FAILED : PHASE_RUNNING;
}

/* properties.provisioningState; "" when there is none. */
static void provisioning_state(const json_node *root, char ret[STATE_SIZE])
{
    const char *text = azure_text(json_member(root, "properties"), "provisioningState");
    es_printable(ret, STATE_SIZE, text, strlen(text));
}

static bool has_header(const http_response *r, const char *name, char *ret)
{
    return http_response_header(r, name, ret, URL_SIZE) == ENTRASQL_OK && ret[0] != '\0';
}

static bool is_update(const azure_wire *wire)
{
    return es_streq(wire->method, "PUT") || es_streq(wire->method, "PATCH");
}

/* ---- beginning ---- */

static void read_body_state(const http_response *answer, follow *f)
{
    json_doc *doc = NULL;
    if (answer->body.len == 0 ||
        json_doc_parse(answer->body.data, answer->body.len, &doc, NULL) != ENTRASQL_OK)
        return;
    provisioning_state(json_doc_root(doc), f->state);
    json_doc_free(doc);
}

/* How the operation is to be followed; STYLE_NONE: it is over. */
static entrasql_status begin(azure_arm *arm, const azure_wire *wire, const http_response *answer,
                             follow *f, entrasql_error *err)
{
    if (es_streq(wire->method, "GET"))
        return ENTRASQL_OK;
    if (has_header(answer, "Azure-AsyncOperation", f->poll) ||
        has_header(answer, "Operation-Location", f->poll)) {
        f->style = STYLE_STATUS;
        if (es_streq(wire->method, "POST"))
            (void)has_header(answer, "Location", f->result);
    } else if (answer->status == 202 && has_header(answer, "Location", f->poll)) {
        f->style = STYLE_LOCATION;
    } else if (is_update(wire)) {
        read_body_state(answer, f);
        es_strlcpy_utf8(f->poll, sizeof f->poll, wire->url);
        if (f->state[0] != '\0' || answer->status == 202)
            f->style = STYLE_BODY;
        return ENTRASQL_OK;
    } else if (answer->status == 202) {
        return es_fail(err, ENTRASQL_MALFORMED,
                       "%s: Azure accepted it without saying where to ask for its end", wire->what);
    }
    if (f->style == STYLE_NONE)
        return ENTRASQL_OK;
    es_strlcpy_utf8(f->state, sizeof f->state, "accepted");
    return azure_arm_check_url(arm, f->poll, false, err);
}

/* ---- polls ---- */

static entrasql_status ask(azure_arm *arm, const azure_wire *wire, const char *url,
                           http_response *ret, entrasql_error *err)
{
    azure_wire poll = *wire;
    poll.method = "GET";
    poll.url = url;
    poll.body = NULL;
    poll.if_match = NULL;
    poll.once = false;
    poll.may_lag = false;
    return azure_wire_send(arm, &poll, ret, err);
}

static bool is_passing(unsigned status)
{
    return status == 408 || status == 429 || status >= 500;
}

/* The status resource: its top-level "status" says it all. */
static phase judge_status(const json_node *root, follow *f)
{
    const char *text = NULL;
    if (json_member_string(root, "status", &text, NULL) != ENTRASQL_OK)
        return PHASE_RUNNING;
    es_printable(f->state, sizeof f->state, text, strlen(text));
    return phase_of(f->state);
}

/* The result itself, or 202 while there is none. */
static phase judge_location(const http_response *answer, const json_node *root, follow *f)
{
    char state[STATE_SIZE];
    if (answer->status == 202)
        return PHASE_RUNNING;
    provisioning_state(root, state);
    if (state[0] == '\0')
        return PHASE_DONE;
    es_strlcpy_utf8(f->state, sizeof f->state, state);
    return phase_of(state);
}

/* The resource, read again. Without a state it is there, which is all one can ask for. */
static phase judge_body(const json_node *root, follow *f)
{
    char state[STATE_SIZE];
    provisioning_state(root, state);
    if (state[0] == '\0')
        return PHASE_DONE;
    es_strlcpy_utf8(f->state, sizeof f->state, state);
    return phase_of(state);
}

/*
 * The right to read the status is another one than that to begin the operation (SQL Security
 * Manager lacks it, for one): then the resource itself is watched.
 */
static bool fall_back(const azure_wire *wire, unsigned status, follow *f)
{
    bool is_unreadable = status == 403 || status == 404;
    bool is_delete = es_streq(wire->method, "DELETE");
    if (!is_unreadable || f->style == STYLE_BODY || (!is_update(wire) && !is_delete))
        return false;
    f->style = STYLE_BODY;
    es_strlcpy_utf8(f->poll, sizeof f->poll, wire->url);
    return true;
}

static entrasql_status failed(azure_arm *arm, const azure_wire *wire, const follow *f,
                              const http_response *answer, const json_node *root,
                              entrasql_error *err)
{
    azure_failure *failure = &arm->failure;
    azure_failure_of(answer, failure);
    const json_node *properties = NULL;
    if (failure->code[0] == '\0' &&
        json_member_object(root, "properties", &properties) == ENTRASQL_OK)
        azure_failure_read(properties, failure);
    es_fail(err, ENTRASQL_INVALID, "%s: the operation ended as %s%s%s%s%s", wire->what, f->state,
            failure->code[0] != '\0' ? ": " : "", failure->code,
            failure->message[0] != '\0' ? ": " : "", failure->message);
    es_hint(err, "Azure began it and gave up; the activity log of the resource group has the rest");
    if (err != NULL) {
        err->number = answer->status;
        es_strlcpy_utf8(err->correlation_id, sizeof err->correlation_id, failure->correlation_id);
    }
    return ENTRASQL_INVALID;
}

/* One poll is in *answer. OK with *ret_phase, or the end with an error. */
static entrasql_status judge(azure_arm *arm, const azure_wire *wire, const http_response *answer,
                             follow *f, phase *ret_phase, entrasql_error *err)
{
    *ret_phase = PHASE_RUNNING;
    if (is_passing(answer->status))
        return ENTRASQL_OK; /* a failure to read the status is none of the operation */
    if (es_streq(wire->method, "DELETE") && f->style == STYLE_BODY && answer->status == 404) {
        *ret_phase = PHASE_DONE;
        return ENTRASQL_OK;
    }
    if (answer->status < 200 || answer->status > 299)
        return fall_back(wire, answer->status, f) ? ENTRASQL_OK
                                                  : azure_arm_refuse(arm, wire->what, answer, err);
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    ES_TRY(azure_arm_parse(answer, wire->what, &doc, err));
    const json_node *root = doc != NULL ? json_doc_root(doc) : NULL;
    if (f->style == STYLE_STATUS)
        *ret_phase = judge_status(root, f);
    else if (f->style == STYLE_LOCATION)
        *ret_phase = judge_location(answer, root, f);
    else if (!es_streq(wire->method, "DELETE"))
        *ret_phase = judge_body(root, f);
    if (*ret_phase == PHASE_FAILED)
        return failed(arm, wire, f, answer, root, err);
    char moved[URL_SIZE];
    if (*ret_phase == PHASE_RUNNING && f->style == STYLE_LOCATION &&
        has_header(answer, "Location", moved)) {
        ES_TRY(azure_arm_check_url(arm, moved, false, err));
        memcpy(f->poll, moved, sizeof moved);
    }
    return ENTRASQL_OK;
}

/* ---- end ---- */

/* What the operation leaves in *ret: the answer of Location, or nothing. */
static entrasql_status take_result(azure_arm *arm, const azure_wire *wire, const follow *f,
                                   http_response *last, http_response *ret, entrasql_error *err)
{
    unsigned status = ret->status;
    http_response_done(ret);
    *ret = (http_response){.status = status};
    if (f->style == STYLE_STATUS && f->result[0] != '\0') {
        ES_TRY(azure_arm_check_url(arm, f->result, false, err));
        return ask(arm, wire, f->result, ret, err);
    }
    if (f->style != STYLE_STATUS) {
        *ret = *last;
        *last = (http_response){0};
        ret->status = status;
    }
    return ENTRASQL_OK;
}

static int64_t next_wait(const azure_arm *arm, const http_response *answer)
{
    int64_t asked;
    return http_retry_after(answer, es_clock_wall_s(), &asked) ? asked : arm->poll_ms;
}

static entrasql_status poll_on(azure_arm *arm, const azure_wire *wire, follow *f,
                               http_response *ret, entrasql_error *err)
{
    int64_t wait = next_wait(arm, ret);
    for (;;) {
        http_response answer = {0};
        phase at = PHASE_RUNNING;
        ES_TRY(azure_arm_wait(arm, wire, f->state, wait, err));
        entrasql_status status = ask(arm, wire, f->poll, &answer, err);
        /* Only the question failed: the operation goes on in Azure. */
        if (status == ENTRASQL_TIMEOUT || status == ENTRASQL_NETWORK || status == ENTRASQL_CLOSED)
            es_hint(err, AZURE_GOES_ON);
        ES_TRY(status);
        status = judge(arm, wire, &answer, f, &at, err);
        if (status == ENTRASQL_OK && at == PHASE_DONE)
            status = take_result(arm, wire, f, &answer, ret, err);
        wait = next_wait(arm, &answer);
        http_response_done(&answer);
        if (status != ENTRASQL_OK || at == PHASE_DONE)
            return status;
    }
}

entrasql_status azure_arm_follow(azure_arm *arm, const azure_wire *wire, http_response *ret,
                                 entrasql_error *err)
{
    follow *f = es_calloc(1, sizeof *f);
    if (f == NULL) {
        http_response_done(ret);
        return es_nomem(err);
    }
    entrasql_status status = begin(arm, wire, ret, f, err);
    phase at = f->style == STYLE_BODY ? phase_of(f->state) : PHASE_RUNNING;
    if (status == ENTRASQL_OK && at == PHASE_FAILED)
        status = failed(arm, wire, f, ret, NULL, err);
    else if (status == ENTRASQL_OK && f->style != STYLE_NONE && at == PHASE_RUNNING)
        status = poll_on(arm, wire, f, ret, err);
    es_free(f);
    if (status != ENTRASQL_OK)
        http_response_done(ret);
    return status;
}
