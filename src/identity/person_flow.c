/* SPDX-License-Identifier: MIT */
/* Silent first, then the person: the flow of the credentials that sign people in. */
#include "identity/person.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "http/text.h"
#include "identity/cache.h"
#include "identity/discovery.h"
#include "identity/msal.h"
#include "identity/reply.h"

#include <stdio.h>
#include <string.h>

/* Another process may be writing a cache that cannot be read: look again, so often and so far
 * apart.
 */
#define LOOKS 5
#define LOOK_AGAIN_MS 50
/* While another request of this credential asks the person. */
#define ASKED_AGAIN_MS 200
/* Storing may wait this much longer for other processes than the request itself. */
#define STORE_MS 10000

typedef enum phase {
    DISCOVER, /* whether the public cloud knows the authority */
    LOOK,     /* in memory and in the store */
    REFRESH,  /* the refresh token is on its way */
    WAIT,     /* another request asks the person */
    ASK,      /* the person is asked */
    STORE     /* tokens are at hand, and go into the store */
} phase;

struct person_flow {
    identity_flow base;
    identity_person *person;
    identity_question question;
    phase phase;
    unsigned looks;
    int64_t wake_ms; /* LOOK and WAIT: not before */
    es_secret *refresh_token;
    char home_account_id[IDENTITY_ACCOUNT_ID_SIZE];
    bool has_exchange;
    identity_exchange x;
    identity_asker *asker;
    bool is_asking; /* this flow is the one */
    identity_user_tokens tokens;
    identity_store_update *update;
};

static bool is_shared_tenant(const char *tenant)
{
    return es_strcaseeq(tenant, "organizations") || es_strcaseeq(tenant, "common");
}

/* The host of "https://host[:port]", as MSAL names a cloud. */
static void environment_of(const char *authority, char *ret, size_t size)
{
    const char *host = authority + strlen("https://");
    size_t n = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/");
    if (n >= size)
        n = size - 1;
    memcpy(ret, host, n);
    ret[n] = '\0';
}

/*
 * MSAL's keys have no port, so what services on several ports of this machine issued lies in one
 * place: a refresh token that is not theirs is refused by them, an access token would be believed.
 */
static bool is_loopback(const char *host)
{
    return es_strcaseeq(host, "localhost") || es_streq(host, "127.0.0.1") ||
           es_streq(host, "[::1]");
}

/* ---- looking ---- */

static bool look_in_memory(struct person_flow *f)
{
    identity_person *p = f->person;
    (void)pthread_mutex_lock(&p->mutex);
    if (p->refresh_token != NULL)
        f->refresh_token = es_secret_ref(p->refresh_token);
    es_strlcpy_utf8(f->home_account_id, sizeof f->home_account_id, p->home_account_id);
    (void)pthread_mutex_unlock(&p->mutex);
    return f->refresh_token != NULL;
}

/* Tells the accounts apart when there are several: CONFIG with the list. */
static entrasql_status say_which(const identity_msal_account *accounts, size_t count,
                                 entrasql_error *err)
{
    char list[400] = "";
    for (size_t i = 0; i < count && strlen(list) + 64 < sizeof list; i++) {
        char name[100];
        es_printable(name, sizeof name, accounts[i].username, strlen(accounts[i].username));
        size_t n = strlen(list);
        (void)snprintf(list + n, sizeof list - n, "%s%s", n != 0 ? ", " : "", name);
    }
    es_fail(err, ENTRASQL_CONFIG, "several people are signed in: %s", list);
    es_hint(err, "name one of them as the username, or sign the others out");
    return ENTRASQL_CONFIG;
}

/* Whose tokens of the store are meant. OK; NOT_FOUND: nobody's; CONFIG. */
static entrasql_status choose_account(struct person_flow *f, const json_node *root,
                                      const identity_msal_place *place, entrasql_error *err)
{
    const identity_person *p = f->person;
    identity_msal_account *accounts =
        es_calloc(IDENTITY_MSAL_MAX_ACCOUNTS, sizeof(identity_msal_account));
    if (accounts == NULL)
        return es_nomem(err);
    size_t count = identity_msal_accounts(root, place, accounts, IDENTITY_MSAL_MAX_ACCOUNTS);
    const identity_msal_account *found = NULL;
    size_t matches = 0;
    for (size_t i = 0; i < count; i++) {
        const char *home = f->home_account_id;
        bool fits = home[0] != '\0'
                        ? es_streq(home, accounts[i].home_account_id)
                        : p->username == NULL || es_strcaseeq(p->username, accounts[i].username);
        if (fits) {
            found = &accounts[i];
            matches++;
        }
    }
    entrasql_status status = ENTRASQL_OK;
    if (matches == 1)
        es_strlcpy_utf8(f->home_account_id, sizeof f->home_account_id, found->home_account_id);
    else if (matches == 0 || p->klass->ask != NULL)
        status = ENTRASQL_NOT_FOUND; /* who is asked can choose there */
    else
        status = say_which(accounts, count, err);
    es_free(accounts);
    return status;
}

static entrasql_status use_store(struct person_flow *f, const json_node *root, entrasql_token **ret,
                                 entrasql_error *err)
{
    const identity_request *request = f->question.request;
    char host[256];
    environment_of(f->person->settings.authority, host, sizeof host);
    const identity_msal_place place = {.environment = host, .client_id = f->person->client_id};
    ES_TRY(choose_account(f, root, &place, err));
    const char *dot = strchr(f->home_account_id, '.');
    const char *realm =
        is_shared_tenant(f->question.tenant_id) && dot != NULL ? dot + 1 : f->question.tenant_id;
    if (request->claims == NULL && !request->cae && !request->refresh && !is_loopback(host)) {
        entrasql_status status = identity_msal_access_token(
            root, &place, f->home_account_id, realm, request->scope, es_clock_wall_s(),
            IDENTITY_MIN_LEFT_S, f->person->base.name, ret);
        if (status != ENTRASQL_NOT_FOUND)
            return status == ENTRASQL_NOMEM ? es_nomem(err) : status;
    }
    entrasql_status status =
        identity_msal_refresh_token(root, &place, f->home_account_id, &f->refresh_token);
    return status == ENTRASQL_NOMEM ? es_nomem(err)
           : status == ENTRASQL_OK  ? ENTRASQL_AGAIN
                                    : status;
}

/* OK with a token; AGAIN: a refresh token was found, or it must be looked again; NOT_FOUND. */
static entrasql_status look_in_store(struct person_flow *f, entrasql_token **ret,
                                     entrasql_error *err)
{
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    if (f->person->store == NULL || f->person->always_asks)
        return ENTRASQL_NOT_FOUND;
    entrasql_status status = identity_store_read(f->person->store, &doc, err);
    bool is_odd = status == ENTRASQL_MALFORMED || status == ENTRASQL_TRUNCATED;
    if (is_odd && ++f->looks < LOOKS) {
        f->wake_ms = es_clock_deadline(LOOK_AGAIN_MS);
        return ENTRASQL_AGAIN;
    }
    if (status == ENTRASQL_TRUNCATED)
        return ENTRASQL_NOT_FOUND;
    if (status == ENTRASQL_OK)
        status = doc != NULL ? use_store(f, json_doc_root(doc), ret, err) : ENTRASQL_NOT_FOUND;
    return status;
}

/* ---- the refresh token ---- */

static entrasql_status send_refresh(struct person_flow *f, entrasql_error *err)
{
    const identity_request *request = f->question.request;
    ES_CLEANUP(es_buf_done) es_buf form = ES_BUF_INIT_WIPE(IDENTITY_PERSON_MAX_FORM);
    entrasql_status status = http_form_add(&form, "grant_type", "refresh_token");
    if (status == ENTRASQL_OK)
        status = http_form_add(&form, "client_id", f->person->client_id);
    if (status == ENTRASQL_OK)
        status = http_form_add(&form, "refresh_token", es_secret_reveal(f->refresh_token));
    if (status == ENTRASQL_OK)
        status = identity_person_add_scope(request, &form);
    if (status == ENTRASQL_OK)
        status = http_form_add(&form, "client_info", "1");
    if (status != ENTRASQL_OK)
        return identity_person_form_failure(status, err);
    ES_TRY(identity_claims_add(request, &form, err));
    f->has_exchange = true;
    return identity_person_post(&f->question, "oauth2/v2.0/token", &form, request->deadline_ms,
                                &f->x, err);
}

/* ---- the person ---- */

/* Nobody may be asked: says why, and keeps what Entra said. */
static entrasql_status cannot_ask(const struct person_flow *f, entrasql_error *err)
{
    const identity_person *p = f->person;
    if (f->refresh_token != NULL) {
        char said[sizeof err->message];
        uint32_t number = err->number;
        char correlation_id[ENTRASQL_ERROR_ID_SIZE];
        es_strlcpy_utf8(said, sizeof said, err->message);
        es_strlcpy_utf8(correlation_id, sizeof correlation_id, err->correlation_id);
        es_fail(err, ENTRASQL_UNAVAILABLE, "the sign-in is not enough any more: %s", said);
        err->number = number;
        es_strlcpy_utf8(err->correlation_id, sizeof err->correlation_id, correlation_id);
    } else if (p->username != NULL) {
        char shown[120];
        es_printable(shown, sizeof shown, p->username, strlen(p->username));
        es_fail(err, ENTRASQL_UNAVAILABLE, "%s is not signed in", shown);
    } else {
        es_fail(err, ENTRASQL_UNAVAILABLE, "nobody is signed in");
    }
    es_hint(err, "%s", p->klass->to_do);
    return ENTRASQL_UNAVAILABLE;
}

static void end_asking(struct person_flow *f)
{
    if (!f->is_asking)
        return;
    f->is_asking = false;
    (void)pthread_mutex_lock(&f->person->mutex);
    f->person->is_asking = false;
    (void)pthread_mutex_unlock(&f->person->mutex);
}

static entrasql_status begin_asking(struct person_flow *f, entrasql_error *err)
{
    identity_person *p = f->person;
    if (p->klass->ask == NULL || p->never_asks || f->question.request->once)
        return cannot_ask(f, err);
    (void)pthread_mutex_lock(&p->mutex);
    f->is_asking = !p->is_asking;
    p->is_asking = true;
    (void)pthread_mutex_unlock(&p->mutex);
    if (!f->is_asking) {
        f->phase = WAIT;
        f->wake_ms = es_clock_deadline(ASKED_AGAIN_MS);
        return ENTRASQL_AGAIN;
    }
    f->phase = ASK;
    ES_TRY(p->klass->ask(&f->question, &f->asker, err));
    return ENTRASQL_AGAIN;
}

/* ---- storing ---- */

static entrasql_status put_tokens(void *ctx, const json_node *old, es_buf *out, entrasql_error *err)
{
    const struct person_flow *f = ctx;
    char host[256];
    environment_of(f->person->settings.authority, host, sizeof host);
    const identity_msal_place place = {.environment = host, .client_id = f->person->client_id};
    entrasql_status status = identity_msal_put(old, &place, &f->tokens, f->question.request->scope,
                                               !f->question.request->cae, out);
    if (status == ENTRASQL_LIMIT)
        return es_fail(err, status, "the token cache is larger than %d bytes",
                       IDENTITY_STORE_MAX_BYTES);
    if (status == ENTRASQL_INVALID)
        return es_fail(err, status, "the answer does not say who signed in");
    return status == ENTRASQL_OK ? status : es_nomem(err);
}

static void remember(struct person_flow *f)
{
    identity_person *p = f->person;
    (void)pthread_mutex_lock(&p->mutex);
    if (f->tokens.refresh_token != NULL) {
        es_secret_unref(p->refresh_token);
        p->refresh_token = es_secret_ref(f->tokens.refresh_token);
    }
    if (f->tokens.home_account_id[0] != '\0')
        memcpy(p->home_account_id, f->tokens.home_account_id, sizeof p->home_account_id);
    (void)pthread_mutex_unlock(&p->mutex);
}

static entrasql_status hand_out(struct person_flow *f, entrasql_token **ret)
{
    *ret = f->tokens.token;
    f->tokens.token = NULL;
    return ENTRASQL_OK;
}

static entrasql_status begin_storing(struct person_flow *f, entrasql_token **ret,
                                     entrasql_error *err)
{
    remember(f);
    end_asking(f);
    if (f->person->store == NULL)
        return hand_out(f, ret);
    f->phase = STORE;
    int64_t limit = es_clock_deadline(STORE_MS);
    int64_t deadline = f->question.request->deadline_ms;
    ES_TRY(identity_store_update_start(f->person->store, put_tokens, f,
                                       deadline < limit ? deadline : limit, &f->update, err));
    return ENTRASQL_AGAIN;
}

/* A token is a token: that it could not be stored only means another sign-in later. */
static entrasql_status step_storing(struct person_flow *f, entrasql_token **ret,
                                    entrasql_error *err)
{
    entrasql_status status = identity_store_update_step(f->update, err);
    if (status == ENTRASQL_AGAIN)
        return status;
    if (status != ENTRASQL_OK && f->person->must_store)
        return status;
    if (status != ENTRASQL_OK)
        ES_LOG(DEBUG, "identity", "the sign-in could not be stored",
               ES_KV_STR("reason", err->message));
    return hand_out(f, ret);
}

/* ---- the flow ---- */

static entrasql_status step_looking(struct person_flow *f, entrasql_token **ret,
                                    entrasql_error *err)
{
    if (es_clock_mono_ms() < f->wake_ms)
        return ENTRASQL_AGAIN;
    if (!look_in_memory(f)) {
        entrasql_status status = look_in_store(f, ret, err);
        if (status == ENTRASQL_NOT_FOUND)
            return begin_asking(f, err);
        if (status != ENTRASQL_AGAIN)
            return status;
        if (f->refresh_token == NULL)
            return ENTRASQL_AGAIN;
    }
    f->phase = REFRESH;
    ES_TRY(send_refresh(f, err));
    return ENTRASQL_AGAIN;
}

static entrasql_status step_refreshing(struct person_flow *f, entrasql_token **ret,
                                       entrasql_error *err)
{
    http_response answer;
    char word[64] = "";
    ES_TRY(identity_exchange_step(&f->x, &answer, err));
    if (answer.status == 400 || answer.status == 401)
        identity_oauth_error(&answer.body, word, sizeof word);
    entrasql_status status =
        identity_person_tokens(&f->question, &f->x, &answer, f->refresh_token, &f->tokens, err);
    if (status == ENTRASQL_OK)
        return begin_storing(f, ret, err);
    if (status == ENTRASQL_AUTH_FAILED && identity_oauth_error_asks(word))
        return begin_asking(f, err);
    return status;
}

static entrasql_status step_asking(struct person_flow *f, entrasql_token **ret, entrasql_error *err)
{
    ES_TRY(f->asker->klass->step(f->asker, &f->tokens, err));
    return begin_storing(f, ret, err);
}

static entrasql_status step_discovering(struct person_flow *f, entrasql_error *err)
{
    ES_TRY(identity_discovery_step(&f->person->settings, &f->x, err));
    identity_exchange_done(&f->x);
    f->has_exchange = false;
    f->phase = LOOK;
    return ENTRASQL_AGAIN;
}

static entrasql_status person_step(identity_flow *flow, entrasql_token **ret, entrasql_error *err)
{
    struct person_flow *f = (struct person_flow *)flow;
    phase before;
    entrasql_status status;
    /* What needs no waiting is done at once. */
    do {
        before = f->phase;
        switch (f->phase) {
        case DISCOVER:
            status = step_discovering(f, err);
            break;
        case LOOK:
            status = step_looking(f, ret, err);
            break;
        case REFRESH:
            status = step_refreshing(f, ret, err);
            break;
        case WAIT:
            status = ENTRASQL_AGAIN;
            if (es_clock_mono_ms() >= f->wake_ms) {
                es_secret_unref(f->refresh_token);
                f->refresh_token = NULL;
                identity_exchange_done(&f->x);
                f->phase = LOOK;
            }
            break;
        case ASK:
            status = step_asking(f, ret, err);
            break;
        case STORE:
        default:
            status = step_storing(f, ret, err);
            break;
        }
    } while (status == ENTRASQL_AGAIN && f->phase != before);
    return status;
}

static entrasql_status person_wants(identity_flow *flow, os_wait *w)
{
    struct person_flow *f = (struct person_flow *)flow;
    switch (f->phase) {
    case DISCOVER:
    case REFRESH:
        return identity_exchange_wants(&f->x, w);
    case ASK:
        return f->asker->klass->wants(f->asker, w);
    case STORE:
        identity_store_update_wants(f->update, w);
        return ENTRASQL_OK;
    case LOOK:
    case WAIT:
    default:
        os_wait_until(w, f->wake_ms);
        return ENTRASQL_OK;
    }
}

static void person_free(identity_flow *flow)
{
    struct person_flow *f = (struct person_flow *)flow;
    identity_store_update_free(f->update);
    if (f->asker != NULL)
        f->asker->klass->free(f->asker);
    end_asking(f);
    if (f->has_exchange)
        identity_exchange_done(&f->x);
    identity_user_tokens_done(&f->tokens);
    es_secret_unref(f->refresh_token);
    es_free(f);
}

static const identity_flow_class person_flow_class = {person_wants, person_step, person_free};

entrasql_status identity_person_start(entrasql_credential *credential,
                                      const identity_request *request, identity_flow **ret,
                                      entrasql_error *err)
{
    identity_person *p = (identity_person *)credential;
    const char *tenant_id;
    ES_TRY(identity_tenant_choose(&p->tenants, p->tenant_id, request->tenant_id, &tenant_id, err));
    struct person_flow *f = es_calloc(1, sizeof *f);
    if (f == NULL)
        return es_nomem(err);
    f->base.klass = &person_flow_class;
    f->person = p;
    f->question = (identity_question){.person = p, .request = request, .tenant_id = tenant_id};
    f->phase = LOOK;
    if (identity_discovery_is_due(&p->settings, tenant_id)) {
        identity_retry_policy policy = identity_retry_usual;
        policy.retries = identity_settings_retries(&p->settings, policy.retries);
        f->phase = DISCOVER;
        f->has_exchange = true;
        identity_exchange_init(&f->x, &policy, request->deadline_ms);
        entrasql_status status = identity_discovery_fill(&p->settings, tenant_id, &f->x, err);
        if (status != ENTRASQL_OK) {
            person_free(&f->base);
            return status;
        }
    }
    *ret = &f->base;
    return ENTRASQL_OK;
}
