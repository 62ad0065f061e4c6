/* SPDX-License-Identifier: MIT */
/* InteractiveBrowserCredential: authorization code with PKCE (RFC 7636) in the person's browser. */
#include "identity/person.h"

#include "base/base64.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/str.h"
#include "crypto/digest.h"
#include "http/text.h"
#include "identity/aadsts.h"
#include "identity/landing.h"
#include "identity/loopback.h"
#include "identity/redact.h"
#include "identity/reply.h"
#include "os/process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_SIGN_IN_MS 300000
/* What remains for the requests around the person's part. */
#define REQUESTS_MS 100000
#define VERIFIER_BYTES 32
#define VERIFIER_SIZE 44 /* as base64url, with NUL */
#define MAX_URL (16 * 1024)
#define MAX_PAGE (64 * 1024)

typedef struct browser_credential {
    identity_person person;
    uint16_t redirect_port;
    uint32_t sign_in_timeout_ms;
    bool (*open_url)(void *context, const char *url);
    void *open_url_context;
} browser_credential;

typedef enum browser_phase {
    LISTEN, /* the person is in the browser */
    REDEEM, /* the code is on its way */
    FLUSH   /* the last page goes to the browser */
} browser_phase;

typedef struct browser_asker {
    identity_asker base;
    identity_question question;
    browser_phase phase;
    identity_loopback *loopback;
    identity_exchange x;
    bool has_exchange;
    es_secret *code; /* NULL until it came */
    char verifier[VERIFIER_SIZE];
    char redirect_uri[40];
    int64_t sign_in_end_ms;
    identity_user_tokens tokens; /* while the page is sent */
    entrasql_status status;      /* the result after that */
    entrasql_error error;
} browser_asker;

/* ---- opening ---- */

static const char *variable(const char *name)
{
    return identity_getenv(name);
}

static bool open_by_desktop(const char *url, entrasql_error *err)
{
    ES_CLEANUP(es_cleanup_free) char *path = NULL;
    /* Without a display the opener would start a browser that draws on a terminal, or nothing. */
    if (variable("DISPLAY") == NULL && variable("WAYLAND_DISPLAY") == NULL &&
        variable("BROWSER") == NULL && variable("WSL_DISTRO_NAME") == NULL) {
        es_fail(err, ENTRASQL_UNAVAILABLE, "no browser can be opened: there is no display");
        return false;
    }
    entrasql_status status = os_process_find("xdg-open", getenv("PATH"), &path);
    if (status == ENTRASQL_NOT_FOUND)
        es_fail(err, ENTRASQL_UNAVAILABLE, "no browser can be opened: xdg-open is not on PATH");
    else if (status != ENTRASQL_OK)
        es_nomem(err);
    else
        status = os_process_detach(path, url, err);
    return status == ENTRASQL_OK;
}

static entrasql_status open_page(const browser_asker *a, const char *url, entrasql_error *err)
{
    const browser_credential *c = (const browser_credential *)a->question.person;
    bool is_open;
    if (c->open_url == NULL)
        is_open = open_by_desktop(url, err);
    else if (!(is_open = c->open_url(c->open_url_context, url)))
        es_fail(err, ENTRASQL_UNAVAILABLE, "the browser could not be opened");
    if (is_open)
        return ENTRASQL_OK;
    if (err->status != ENTRASQL_NOMEM) {
        err->status = ENTRASQL_UNAVAILABLE;
        err->error_class = entrasql_status_class(ENTRASQL_UNAVAILABLE);
        es_hint(err, "on a machine without a browser, sign in by device code");
    }
    return err->status;
}

/* ---- the page's address ---- */

static entrasql_status challenge_of(const char *verifier, char ret[VERIFIER_SIZE])
{
    es_buf text = ES_BUF_INIT(VERIFIER_SIZE);
    uint8_t hash[CRYPTO_SHA256_SIZE];
    entrasql_status status = crypto_sha256(verifier, strlen(verifier), hash);
    if (status == ENTRASQL_OK)
        status = es_base64url_encode(hash, sizeof hash, &text);
    if (status == ENTRASQL_OK) {
        memcpy(ret, text.data, text.len);
        ret[text.len] = '\0';
    }
    es_buf_done(&text);
    return status;
}

static entrasql_status make_verifier(char ret[VERIFIER_SIZE])
{
    es_buf text = ES_BUF_INIT_WIPE(VERIFIER_SIZE);
    uint8_t random[VERIFIER_BYTES];
    es_random_bytes(random, sizeof random);
    entrasql_status status = es_base64url_encode(random, sizeof random, &text);
    es_wipe(random, sizeof random);
    if (status == ENTRASQL_OK) {
        memcpy(ret, text.data, text.len);
        ret[text.len] = '\0';
    }
    es_buf_done(&text);
    return status;
}

static entrasql_status build_url(const browser_asker *a, const char *state, es_buf *url)
{
    const identity_person *p = a->question.person;
    const identity_request *request = a->question.request;
    char challenge[VERIFIER_SIZE];
    ES_TRY(challenge_of(a->verifier, challenge));
    ES_TRY(es_buf_printf(url, "%s/%s/oauth2/v2.0/authorize?", p->settings.authority,
                         a->question.tenant_id));
    ES_TRY(http_form_add(url, "client_id", p->client_id));
    ES_TRY(http_form_add(url, "response_type", "code"));
    ES_TRY(http_form_add(url, "redirect_uri", a->redirect_uri));
    ES_TRY(identity_person_add_scope(request, url));
    ES_TRY(http_form_add(url, "state", state));
    ES_TRY(http_form_add(url, "code_challenge", challenge));
    ES_TRY(http_form_add(url, "code_challenge_method", "S256"));
    ES_TRY(http_form_add(url, "prompt", "select_account"));
    ES_TRY(http_form_add(url, "response_mode", "form_post"));
    ES_TRY(http_form_add(url, "client_info", "1"));
    if (p->username != NULL)
        ES_TRY(http_form_add(url, "login_hint", p->username));
    return ENTRASQL_OK;
}

static entrasql_status begin(browser_asker *a, entrasql_error *err)
{
    const browser_credential *c = (const browser_credential *)a->question.person;
    ES_CLEANUP(es_buf_done) es_buf url = ES_BUF_INIT(MAX_URL);
    char state[ES_GUID_TEXT_SIZE];
    es_random_uuid(state);
    if (make_verifier(a->verifier) != ENTRASQL_OK)
        return es_nomem(err);
    entrasql_status status = identity_loopback_new(c->redirect_port, state, &a->loopback, err);
    if (status != ENTRASQL_OK) {
        es_error_prefix(err, "cannot listen for the browser's answer");
        if (status == ENTRASQL_BUSY)
            es_hint(err, "leave redirect_port at 0 to take any free port");
        return status;
    }
    (void)snprintf(a->redirect_uri, sizeof a->redirect_uri, "http://localhost:%u",
                   (unsigned)identity_loopback_port(a->loopback));
    status = build_url(a, state, &url);
    if (status != ENTRASQL_OK)
        return identity_person_form_failure(status, err);
    ES_TRY(identity_claims_add(a->question.request, &url, err));
    const char *text = es_buf_cstr(&url);
    if (text == NULL)
        return es_nomem(err);
    return open_page(a, text, err);
}

/* ---- the answer ---- */

static void answer(browser_asker *a, bool is_success, const char *title, const char *text)
{
    es_buf html = ES_BUF_INIT(MAX_PAGE);
    if (identity_landing_page(&html, is_success, title, text) != ENTRASQL_OK)
        es_buf_clear(&html);
    identity_loopback_answer(a->loopback, 200, &html);
    a->phase = FLUSH;
}

/* The sign-in has ended badly: the person and the caller hear it. */
static void end_badly(browser_asker *a, entrasql_status status, const entrasql_error *error)
{
    a->status = status;
    a->error = *error;
    answer(a, false, "The sign-in failed", error->message);
}

static entrasql_status refused(browser_asker *a, const httpd_fields *form, const char *word)
{
    const char *description = httpd_fields_get(form, "error_description");
    char shown_word[64];
    char shown[600] = "";
    entrasql_error error;
    identity_redact(shown_word, sizeof shown_word, word, strlen(word), NULL);
    if (description != NULL)
        identity_redact(shown, sizeof shown, description, strcspn(description, "\r\n"), NULL);
    es_fail(&error, ENTRASQL_AUTH_FAILED, "the sign-in in the browser was refused (%s): %s",
            shown_word, shown);
    error.number = identity_aadsts_in_text(shown);
    const identity_aadsts *known = identity_aadsts_find(error.number);
    if (es_streq(word, "access_denied"))
        es_hint(&error, "the person refused; start again if that was a mistake");
    else if (known != NULL)
        es_hint(&error, "%s", known->hint);
    end_badly(a, ENTRASQL_AUTH_FAILED, &error);
    return ENTRASQL_AGAIN;
}

static entrasql_status redeem(browser_asker *a, const char *code, entrasql_error *err)
{
    a->code = es_secret_from_str(code);
    if (a->code == NULL)
        return es_nomem(err);
    const identity_request *request = a->question.request;
    ES_CLEANUP(es_buf_done) es_buf form = ES_BUF_INIT_WIPE(IDENTITY_PERSON_MAX_FORM);
    entrasql_status status = http_form_add(&form, "grant_type", "authorization_code");
    if (status == ENTRASQL_OK)
        status = http_form_add(&form, "client_id", a->question.person->client_id);
    if (status == ENTRASQL_OK)
        status = http_form_add(&form, "code", code);
    if (status == ENTRASQL_OK)
        status = http_form_add(&form, "code_verifier", a->verifier);
    if (status == ENTRASQL_OK)
        status = http_form_add(&form, "redirect_uri", a->redirect_uri);
    if (status == ENTRASQL_OK)
        status = identity_person_add_scope(request, &form);
    if (status == ENTRASQL_OK)
        status = http_form_add(&form, "client_info", "1");
    if (status != ENTRASQL_OK)
        return identity_person_form_failure(status, err);
    ES_TRY(identity_claims_add(request, &form, err));
    a->has_exchange = true;
    a->phase = REDEEM;
    return identity_person_post(&a->question, "oauth2/v2.0/token", &form, request->deadline_ms,
                                &a->x, err);
}

static entrasql_status step_listening(browser_asker *a, entrasql_error *err)
{
    const httpd_fields *form;
    entrasql_status status = identity_loopback_step(a->loopback, &form, err);
    if (status == ENTRASQL_AGAIN && es_clock_mono_ms() >= a->sign_in_end_ms) {
        es_fail(err, ENTRASQL_TIMEOUT, "nobody signed in in the browser in time");
        es_hint(err, "start again; sign_in_timeout_ms gives people more time");
        return ENTRASQL_TIMEOUT;
    }
    ES_TRY(status);
    const char *word = httpd_fields_get(form, "error");
    if (word != NULL)
        return refused(a, form, word);
    const char *code = httpd_fields_get(form, "code");
    if (es_str_is_empty(code)) {
        entrasql_error error;
        es_fail(&error, ENTRASQL_AUTH_FAILED, "the browser's answer holds no code");
        end_badly(a, ENTRASQL_AUTH_FAILED, &error);
        return ENTRASQL_AGAIN;
    }
    ES_TRY(redeem(a, code, err));
    return ENTRASQL_AGAIN;
}

static entrasql_status step_redeeming(browser_asker *a, entrasql_error *err)
{
    http_response response;
    entrasql_status status = identity_exchange_step(&a->x, &response, err);
    if (status == ENTRASQL_AGAIN)
        return status;
    if (status == ENTRASQL_OK)
        status = identity_person_tokens(&a->question, &a->x, &response, a->code, &a->tokens, err);
    if (status != ENTRASQL_OK) {
        end_badly(a, status, err);
        return ENTRASQL_AGAIN;
    }
    char text[IDENTITY_USERNAME_SIZE + 64];
    (void)snprintf(text, sizeof text, "%s%s", a->tokens.username[0] != '\0' ? "You are " : "",
                   a->tokens.username[0] != '\0' ? a->tokens.username
                                                 : "The program has what it needs.");
    answer(a, true, "You are signed in", text);
    return ENTRASQL_AGAIN;
}

static entrasql_status step_flushing(browser_asker *a, identity_user_tokens *ret,
                                     entrasql_error *err)
{
    ES_TRY(identity_loopback_flush(a->loopback));
    if (a->status != ENTRASQL_OK) {
        *err = a->error;
        return a->status;
    }
    *ret = a->tokens;
    memset(&a->tokens, 0, sizeof a->tokens);
    return ENTRASQL_OK;
}

static entrasql_status browser_step(identity_asker *asker, identity_user_tokens *ret,
                                    entrasql_error *err)
{
    browser_asker *a = (browser_asker *)asker;
    browser_phase before;
    entrasql_status status;
    do {
        before = a->phase;
        if (a->phase == LISTEN)
            status = step_listening(a, err);
        else if (a->phase == REDEEM)
            status = step_redeeming(a, err);
        else
            status = step_flushing(a, ret, err);
    } while (status == ENTRASQL_AGAIN && a->phase != before);
    return status;
}

static entrasql_status browser_wants(identity_asker *asker, os_wait *w)
{
    browser_asker *a = (browser_asker *)asker;
    if (a->phase == LISTEN)
        os_wait_until(w, a->sign_in_end_ms);
    if (a->phase == REDEEM)
        return identity_exchange_wants(&a->x, w);
    return identity_loopback_wants(a->loopback, w);
}

static void browser_free(identity_asker *asker)
{
    browser_asker *a = (browser_asker *)asker;
    identity_loopback_free(a->loopback);
    if (a->has_exchange)
        identity_exchange_done(&a->x);
    identity_user_tokens_done(&a->tokens);
    es_secret_unref(a->code);
    es_free_wipe(a, sizeof *a);
}

static const identity_asker_class browser_asker_class = {browser_wants, browser_step, browser_free};

static entrasql_status browser_ask(const identity_question *question, identity_asker **ret,
                                   entrasql_error *err)
{
    const browser_credential *c = (const browser_credential *)question->person;
    browser_asker *a = es_calloc(1, sizeof *a);
    if (a == NULL)
        return es_nomem(err);
    a->base.klass = &browser_asker_class;
    a->question = *question;
    int64_t end_ms = es_clock_deadline(c->sign_in_timeout_ms);
    a->sign_in_end_ms =
        end_ms < question->request->deadline_ms ? end_ms : question->request->deadline_ms;
    entrasql_status status = begin(a, err);
    if (status != ENTRASQL_OK) {
        browser_free(&a->base);
        return status;
    }
    *ret = &a->base;
    return ENTRASQL_OK;
}

/* ---- the credential ---- */

static const identity_person_class browser_class = {
    .base = {.start = identity_person_start, .destroy = identity_person_destroy},
    .ask = browser_ask,
    .to_do = "sign in again, with a credential that may ask",
};

entrasql_status
entrasql_interactive_browser_credential_new(const entrasql_interactive_browser_options *options,
                                            entrasql_credential **ret, entrasql_error *err)
{
    entrasql_interactive_browser_options o;
    entrasql_error own_error;
    if (err == NULL)
        err = &own_error;
    ES_TRY(es_options_copy(&o, sizeof o, options, err));
    const identity_person_settings settings = {
        .name = "InteractiveBrowserCredential",
        .size = sizeof(browser_credential),
        .tenant_id = o.tenant_id,
        .client_id = o.client_id,
        .username = o.login_hint,
        .cache = o.cache,
        .client = o.client,
    };
    identity_person *person;
    ES_TRY(identity_person_new(&browser_class, &settings, &person, err));
    browser_credential *c = (browser_credential *)person;
    person->never_asks = o.disable_automatic_authentication;
    c->redirect_port = o.redirect_port;
    c->sign_in_timeout_ms = o.sign_in_timeout_ms != 0 ? o.sign_in_timeout_ms : DEFAULT_SIGN_IN_MS;
    c->open_url = o.open_url;
    c->open_url_context = o.open_url_context;
    uint32_t room_ms = UINT32_MAX - REQUESTS_MS;
    person->base.default_timeout_ms =
        (c->sign_in_timeout_ms < room_ms ? c->sign_in_timeout_ms : room_ms) + REQUESTS_MS;
    *ret = &person->base;
    return ENTRASQL_OK;
}
