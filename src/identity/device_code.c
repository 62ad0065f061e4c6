/* SPDX-License-Identifier: MIT */
/* DeviceCodeCredential: the person types a code into a page on any device (RFC 8628). */
#include "identity/person.h"

#include "base/mem.h"
#include "base/str.h"
#include "http/text.h"
#include "identity/reply.h"
#include "json/json.h"

#include <string.h>

#define GRANT_TYPE "urn:ietf:params:oauth:grant-type:device_code"
/* RFC 8628 3.2 and 3.5. */
#define DEFAULT_INTERVAL_S 5
#define SLOW_DOWN_S 5
#define MAX_INTERVAL_S 60
#define MAX_LIFETIME_S 3600
#define MIN_LIFETIME_S 30

typedef struct device_code_credential {
    identity_person person;
    void (*prompt)(void *context, const entrasql_device_code *code);
    void *prompt_context;
} device_code_credential;

typedef struct device_asker {
    identity_asker base;
    identity_question question;
    identity_exchange x;
    es_secret *device_code; /* NULL until it is known */
    int64_t interval_ms;
    int64_t next_poll_ms;
    int64_t deadline_ms; /* of the code, or of the request if that is earlier */
    bool is_polling;     /* a poll is on its way */
} device_asker;

/* ---- the code ---- */

static entrasql_status ask_code(device_asker *a, entrasql_error *err)
{
    const identity_request *request = a->question.request;
    ES_CLEANUP(es_buf_done) es_buf form = ES_BUF_INIT_WIPE(IDENTITY_PERSON_MAX_FORM);
    entrasql_status status = http_form_add(&form, "client_id", a->question.person->client_id);
    if (status == ENTRASQL_OK)
        status = identity_person_add_scope(request, &form);
    if (status != ENTRASQL_OK)
        return identity_person_form_failure(status, err);
    ES_TRY(identity_claims_add(request, &form, err));
    return identity_person_post(&a->question, "oauth2/v2.0/devicecode", &form, a->deadline_ms,
                                &a->x, err);
}

static int64_t bounded(const json_node *root, const char *name, int64_t otherwise, int64_t min,
                       int64_t max)
{
    int64_t v;
    if (json_member_i64(root, name, &v) != ENTRASQL_OK)
        return otherwise;
    return v < min ? min : v > max ? max : v;
}

static entrasql_status use_code(device_asker *a, const json_node *root, entrasql_error *err)
{
    const device_code_credential *c = (const device_code_credential *)a->question.person;
    const char *device_code, *user_code, *uri, *message;
    size_t n;
    if (json_member_string(root, "device_code", &device_code, &n) != ENTRASQL_OK || n == 0 ||
        json_member_string(root, "user_code", &user_code, NULL) != ENTRASQL_OK ||
        json_member_string(root, "verification_uri", &uri, NULL) != ENTRASQL_OK)
        return es_fail(err, ENTRASQL_AUTH_FAILED,
                       "the answer of the device code endpoint holds no code");
    if (json_member_string(root, "message", &message, NULL) != ENTRASQL_OK)
        message = "";
    int64_t lifetime_s = bounded(root, "expires_in", 900, MIN_LIFETIME_S, MAX_LIFETIME_S);
    int64_t interval_s = bounded(root, "interval", DEFAULT_INTERVAL_S, 1, MAX_INTERVAL_S);
    a->device_code = es_secret_new(device_code, n);
    if (a->device_code == NULL)
        return es_nomem(err);
    int64_t end_ms = es_clock_deadline(lifetime_s * 1000);
    a->deadline_ms = end_ms < a->deadline_ms ? end_ms : a->deadline_ms;
    a->interval_ms = interval_s * 1000;
    a->next_poll_ms = es_clock_deadline(a->interval_ms);
    const entrasql_device_code shown = {
        .user_code = user_code,
        .verification_uri = uri,
        .message = message,
        .expires_on = es_clock_wall_s() + lifetime_s,
    };
    c->prompt(c->prompt_context, &shown);
    return ENTRASQL_AGAIN;
}

static entrasql_status read_code(device_asker *a, http_response *answer, entrasql_error *err)
{
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    const char *place = es_buf_cstr(&a->x.url);
    entrasql_status status;
    if (place == NULL)
        status = es_nomem(err);
    else if (answer->status != 200)
        status = identity_reply_entra_error(answer, place, NULL, err);
    else if ((status = json_doc_parse(answer->body.data, answer->body.len, &doc, err)) ==
             ENTRASQL_OK)
        status = use_code(a, json_doc_root(doc), err);
    else if (status != ENTRASQL_NOMEM)
        status = es_fail(err, ENTRASQL_AUTH_FAILED,
                         "the answer of %s is not the JSON of a device code", place);
    http_response_done(answer);
    return status;
}

/* ---- polling ---- */

static entrasql_status expired(entrasql_error *err)
{
    es_fail(err, ENTRASQL_TIMEOUT, "nobody entered the code in time");
    es_hint(err, "start again for a new code");
    return ENTRASQL_TIMEOUT;
}

static entrasql_status poll_now(device_asker *a, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf form = ES_BUF_INIT_WIPE(IDENTITY_PERSON_MAX_FORM);
    entrasql_status status = http_form_add(&form, "grant_type", GRANT_TYPE);
    if (status == ENTRASQL_OK)
        status = http_form_add(&form, "client_id", a->question.person->client_id);
    if (status == ENTRASQL_OK)
        status = http_form_add(&form, "device_code", es_secret_reveal(a->device_code));
    if (status == ENTRASQL_OK)
        status = http_form_add(&form, "client_info", "1");
    if (status != ENTRASQL_OK)
        return identity_person_form_failure(status, err);
    identity_exchange_done(&a->x);
    a->is_polling = true;
    return identity_person_post(&a->question, "oauth2/v2.0/token", &form, a->deadline_ms, &a->x,
                                err);
}

static entrasql_status read_poll(device_asker *a, http_response *answer, identity_user_tokens *ret,
                                 entrasql_error *err)
{
    char word[64] = "";
    a->is_polling = false;
    if (answer->status != 200)
        identity_oauth_error(&answer->body, word, sizeof word);
    bool slow_down = es_streq(word, "slow_down");
    if (slow_down || es_streq(word, "authorization_pending")) {
        http_response_done(answer);
        if (slow_down)
            a->interval_ms += SLOW_DOWN_S * 1000;
        a->next_poll_ms = es_clock_deadline(a->interval_ms);
        return a->next_poll_ms >= a->deadline_ms ? expired(err) : ENTRASQL_AGAIN;
    }
    entrasql_status status =
        identity_person_tokens(&a->question, &a->x, answer, a->device_code, ret, err);
    if (es_streq(word, "authorization_declined"))
        es_hint(err, "the person refused; start again if that was a mistake");
    else if (es_streq(word, "expired_token") || es_streq(word, "code_expired"))
        status = expired(err);
    return status;
}

static entrasql_status device_step(identity_asker *asker, identity_user_tokens *ret,
                                   entrasql_error *err)
{
    device_asker *a = (device_asker *)asker;
    http_response answer;
    if (a->device_code == NULL) {
        ES_TRY(identity_exchange_step(&a->x, &answer, err));
        return read_code(a, &answer, err);
    }
    if (!a->is_polling) {
        int64_t now_ms = es_clock_mono_ms();
        if (now_ms >= a->deadline_ms)
            return expired(err);
        if (now_ms < a->next_poll_ms)
            return ENTRASQL_AGAIN;
        ES_TRY(poll_now(a, err));
    }
    ES_TRY(identity_exchange_step(&a->x, &answer, err));
    return read_poll(a, &answer, ret, err);
}

static entrasql_status device_wants(identity_asker *asker, os_wait *w)
{
    device_asker *a = (device_asker *)asker;
    if (a->device_code == NULL || a->is_polling)
        return identity_exchange_wants(&a->x, w);
    os_wait_until(w, a->next_poll_ms);
    os_wait_until(w, a->deadline_ms);
    return ENTRASQL_OK;
}

static void device_free(identity_asker *asker)
{
    device_asker *a = (device_asker *)asker;
    identity_exchange_done(&a->x);
    es_secret_unref(a->device_code);
    es_free(a);
}

static const identity_asker_class device_asker_class = {device_wants, device_step, device_free};

static entrasql_status device_ask(const identity_question *question, identity_asker **ret,
                                  entrasql_error *err)
{
    device_asker *a = es_calloc(1, sizeof *a);
    if (a == NULL)
        return es_nomem(err);
    a->base.klass = &device_asker_class;
    a->question = *question;
    a->deadline_ms = question->request->deadline_ms;
    entrasql_status status = ask_code(a, err);
    if (status != ENTRASQL_OK) {
        device_free(&a->base);
        return status;
    }
    *ret = &a->base;
    return ENTRASQL_OK;
}

/* ---- the credential ---- */

static const identity_person_class device_code_class = {
    .base = {.start = identity_person_start, .destroy = identity_person_destroy},
    .ask = device_ask,
    .to_do = "sign in again, with a credential that may ask",
};

entrasql_status entrasql_device_code_credential_new(const entrasql_device_code_options *options,
                                                    entrasql_credential **ret, entrasql_error *err)
{
    entrasql_device_code_options o;
    entrasql_error own_error;
    if (err == NULL)
        err = &own_error;
    ES_TRY(es_options_copy(&o, sizeof o, options, err));
    if (o.prompt == NULL && !o.disable_automatic_authentication)
        return es_fail(err, ENTRASQL_INVALID, "a device code needs a prompt function to show it");
    const identity_person_settings settings = {
        .name = "DeviceCodeCredential",
        .size = sizeof(device_code_credential),
        .tenant_id = o.tenant_id,
        .client_id = o.client_id,
        .cache = o.cache,
        .client = o.client,
    };
    identity_person *person;
    ES_TRY(identity_person_new(&device_code_class, &settings, &person, err));
    device_code_credential *c = (device_code_credential *)person;
    person->never_asks = o.disable_automatic_authentication;
    person->base.default_timeout_ms = MAX_LIFETIME_S * 1000;
    c->prompt = o.prompt;
    c->prompt_context = o.prompt_context;
    *ret = &person->base;
    return ENTRASQL_OK;
}
