/* SPDX-License-Identifier: MIT */
/* A client's session as a state machine over the relay's parts. */
#include "proxy/session.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "os/sock.h"
#include "proxy/access.h"
#include "proxy/goodbye.h"
#include "proxy/operator.h"
#include "proxy/tally.h"
#include "relay/login.h"
#include "relay/pump.h"
#include "relay/session.h"

/* After the login's deadline: time to tell the client why. */
#define ANSWER_MS 2000
/* A client that was told an error has so long to take it. */
#define LINGER_MS 2000
/* Of its first request a client that has to wait for a connection leaves the rest in its socket. */
#define FIRST_BYTES ((size_t)4096)

typedef enum phase {
    PHASE_ACCEPT,      /* the client's login */
    PHASE_QUEUE,       /* until there is room for one client more */
    PHASE_PAUSED,      /* an operator makes it wait before its own connection is made */
    PHASE_LOGIN,       /* a connection of its own is made */
    PHASE_WAIT_ANSWER, /* the pool logs in, to have an answer */
    PHASE_ANSWER,      /* the login's answer, or a refusal, is on its way to the client */
    PHASE_REST,        /* logged in, without a connection */
    PHASE_WAIT_SERVER, /* its first request has begun */
    PHASE_PASSING,     /* bytes both ways */
    PHASE_ADMIN,       /* it is in the admin database */
    PHASE_LINGER       /* it was told an error */
} phase;

/* What a session needs until its login is answered. */
typedef struct entry {
    bool is_refused;
    bool is_answered; /* the pool has an answer now */
    bool is_admin;    /* it logs in to the admin database */
    proxy_peer peer;
    proxy_grant grant;
    entrasql_credential *own_token; /* the client's, when it is passed on */
    int64_t deadline_ms;
    int64_t accepted_us;
    int64_t login_us; /* when the login upstream began */
    relay_accept *accept;
    relay_login *login;
    relay_session upstream;
} entry;

struct proxy_session {
    pool_waiter waiter; /* first: the pool's pointers are these */
    proxy_service *service;
    proxy_ticket ticket;
    loop_task *task;
    uint64_t number;
    int64_t since_ms;
    int64_t linger_until_ms;
    entry *entry; /* NULL: the login was answered */
    char *login_name;
    pool *pool; /* NULL: not pooled */
    relay_stream *client;
    proxy_server *server;
    relay_pump *pump;
    proxy_admin *admin;
    entrasql_error *failure; /* the pool has no connection for it; owned */
    proxy_session *next;
    proxy_session *prev;
    uint8_t at; /* phase */
    bool is_killed;
};

static void log_end(const proxy_session *s, entrasql_status status, const entrasql_error *err)
{
    if (status == ENTRASQL_OK)
        ES_LOG(INFO, "proxy", "session ended", ES_KV_I64("conn", (int64_t)s->number));
    else
        ES_LOG(INFO, "proxy", "session ended", ES_KV_I64("conn", (int64_t)s->number),
               ES_KV_STR("status", entrasql_status_name(status)), ES_KV_STR("why", err->message));
}

static entrasql_status refuse(proxy_session *s, const entrasql_error *why, entrasql_error *err)
{
    entry *e = s->entry;
    entrasql_error told;
    relay_refusal_from(why, &told);
    ES_LOG(WARNING, "proxy", "client refused", ES_KV_I64("conn", (int64_t)s->number),
           ES_KV_STR("status", entrasql_status_name(why->status)), ES_KV_STR("why", why->message),
           ES_KV_STR("hint", why->hint));
    proxy_stats_refusal(s->service->stats, e->grant.reason != PROXY_REFUSED_OTHER
                                               ? e->grant.reason
                                               : proxy_refusal_of(why));
    e->is_refused = true;
    s->at = PHASE_ANSWER;
    return tds_server_refuse(relay_accept_server(e->accept), &told, s->service->target->host, err);
}

static entrasql_status answer(proxy_session *s, const es_buf *response, entrasql_error *err)
{
    const tds_server_accept_options options = {.response = response};
    s->at = PHASE_ANSWER;
    proxy_stats_time(s->service->stats, PROXY_TIME_LOGIN,
                     es_clock_mono_us() - s->entry->accepted_us);
    return tds_server_accept(relay_accept_server(s->entry->accept), &options, err);
}

/* ---- the login: OK when another phase has begun ---- */

static entrasql_status profile_new(const proxy_session *s, proxy_profile **ret, entrasql_error *err)
{
    const proxy_service *v = s->service;
    const entry *e = s->entry;
    return proxy_profile_new(
        v->target, v->tls, e->own_token != NULL ? e->own_token : e->grant.identity->credential,
        v->login_timeout_ms, tds_server_login(relay_accept_server(e->accept)), ret, err);
}

/* A connection of its own, with the client's own LOGIN7. */
static entrasql_status start_login(proxy_session *s, entrasql_error *err)
{
    entry *e = s->entry;
    proxy_profile *profile = NULL;
    ES_TRY(profile_new(s, &profile, err));
    e->login_us = es_clock_mono_us();
    entrasql_status status = proxy_profile_log_in(profile, e->deadline_ms, &e->login, err);
    proxy_profile_free(profile);
    s->at = PHASE_LOGIN;
    return status;
}

/* Takes the profile in any case. */
static entrasql_status hold_pool(proxy_session *s, proxy_profile *profile, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf key = ES_BUF_INIT(0);
    bool is_new = false;
    entrasql_status status = proxy_profile_make_common(profile, err);
    if (status == ENTRASQL_OK) {
        status = proxy_profile_key(profile, s->service->pool->keyed_by_app, &key);
        if (status != ENTRASQL_OK)
            status = es_fail(err, status, "the login is too long for a pool");
    }
    if (status == ENTRASQL_OK)
        status = pool_hold(proxy_pools_set(s->service->pools), key.data, key.len, s->service->pool,
                           &s->pool, &is_new, err);
    if (is_new) {
        pool_set_data(s->pool, profile);
        pool_set_stats(s->pool, s->service->stats);
    } else
        proxy_profile_free(profile);
    return status;
}

static entrasql_status enter_pool(proxy_session *s, entrasql_error *err)
{
    proxy_profile *profile = NULL;
    ES_TRY(profile_new(s, &profile, err));
    ES_TRY(hold_pool(s, profile, err));
    entrasql_status status = pool_join(s->pool, &s->waiter, POOL_WANT_ANSWER, err);
    if (status == ENTRASQL_OK)
        s->entry->is_answered = true;
    else if (status != ENTRASQL_AGAIN)
        return status;
    s->at = PHASE_WAIT_ANSWER;
    return ENTRASQL_OK;
}

/* Who it is and whether there is room: OK, AGAIN, or what to tell the client. */
static entrasql_status may_enter(proxy_session *s, entrasql_error *why)
{
    entry *e = s->entry;
    const proxy_service *v = s->service;
    const tds_login7 *login = tds_server_login(relay_accept_server(e->accept));
    e->peer.is_strict = relay_accept_is_strict(e->accept);
    ES_TRY(proxy_access_decide(v->target, &e->peer, v->own_uid, login, &e->grant, why));
    if (e->grant.identity == NULL)
        ES_TRY(proxy_access_own_token(login, &e->own_token, why));
    entrasql_status status = proxy_admission_ask(v->admission, &s->ticket, v->target,
                                                 login->user_name, e->grant.rule, why);
    e->grant.reason = status == ENTRASQL_OK ? PROXY_REFUSED_OTHER : PROXY_REFUSED_LIMIT;
    return status;
}

/* Nothing of it goes upstream; nobody's pool and no limit of clients keeps it out. */
static entrasql_status enter_admin(proxy_session *s, entrasql_error *err)
{
    static const tds_server_accept_options options = {.server_name = "entrasql proxy",
                                                      .database = PROXY_ADMIN_DATABASE};
    entry *e = s->entry;
    tds_server *engine = relay_accept_server(e->accept);
    entrasql_error why;
    if (proxy_operator_admits(s->service->admin, &e->peer, tds_server_login(engine), &why) !=
        ENTRASQL_OK) {
        e->grant.reason = PROXY_REFUSED_SECRET;
        return refuse(s, &why, err);
    }
    ES_LOG(INFO, "proxy", "admin login accepted", ES_KV_I64("conn", (int64_t)s->number));
    proxy_admission_leave(s->service->admission, &s->ticket);
    e->is_admin = true;
    s->at = PHASE_ANSWER;
    return tds_server_accept(engine, &options, err);
}

/* A connection of its own is made, when nobody has said PAUSE. */
static entrasql_status start_own(proxy_session *s, entrasql_error *err)
{
    if (!pool_set_is_paused(proxy_pools_set(s->service->pools)))
        return start_login(s, err);
    s->at = PHASE_PAUSED;
    return ENTRASQL_OK;
}

static entrasql_status step_paused(proxy_session *s, entrasql_error *err)
{
    entrasql_error why;
    if (!pool_set_is_paused(proxy_pools_set(s->service->pools)))
        return start_login(s, &why) == ENTRASQL_OK ? ENTRASQL_OK : refuse(s, &why, err);
    if (es_clock_mono_ms() >= s->entry->deadline_ms) {
        es_fail(&why, ENTRASQL_TIMEOUT, "the entrasql proxy is paused");
        s->entry->grant.reason = PROXY_REFUSED_PAUSED;
        return refuse(s, &why, err);
    }
    entrasql_status status = relay_accept_step(s->entry->accept, err);
    return status == ENTRASQL_OK ? ENTRASQL_AGAIN : status;
}

static entrasql_status begin(proxy_session *s, entrasql_error *err)
{
    const entry *e = s->entry;
    bool is_pooled = s->service->pool->on && e->own_token == NULL &&
                     proxy_profile_is_poolable(tds_server_login(relay_accept_server(e->accept)));
    entrasql_error why;
    s->entry->grant.reason = PROXY_REFUSED_OTHER;
    if ((is_pooled ? enter_pool(s, &why) : start_own(s, &why)) != ENTRASQL_OK)
        return refuse(s, &why, err);
    return ENTRASQL_OK;
}

static entrasql_status step_accept(proxy_session *s, entrasql_error *err)
{
    entry *e = s->entry;
    if (s->ticket.state == PROXY_TICKET_EVICTED)
        return es_fail(err, ENTRASQL_LIMIT,
                       "it had not logged in, and was the oldest of too many such "
                       "(--max-half-open), or the proxy ends");
    ES_TRY(relay_accept_step(e->accept, err));
    tds_server *engine = relay_accept_server(e->accept);
    if (relay_accept_state(e->accept) == RELAY_ACCEPT_REFUSED) {
        const entrasql_error *why = tds_server_refusal(engine);
        proxy_stats_refusal(s->service->stats, PROXY_REFUSED_PROTOCOL);
        if (why != NULL && err != NULL)
            *err = *why;
        return ENTRASQL_LOGIN_FAILED;
    }
    if (s->service->admin != NULL &&
        es_strcaseeq(tds_server_login(engine)->database, PROXY_ADMIN_DATABASE))
        return enter_admin(s, err);
    s->login_name = es_strdup(tds_server_login(engine)->user_name);
    entrasql_error why;
    entrasql_status status = may_enter(s, &why);
    if (status == ENTRASQL_AGAIN) {
        s->at = PHASE_QUEUE;
        return ENTRASQL_OK;
    }
    return status == ENTRASQL_OK ? begin(s, err) : refuse(s, &why, err);
}

/* As long as the login may take. */
static entrasql_status step_queue(proxy_session *s, entrasql_error *err)
{
    entrasql_error why;
    entrasql_status status = proxy_admission_look(s->service->admission, &s->ticket, &why);
    if (status == ENTRASQL_OK)
        return begin(s, err);
    if (status != ENTRASQL_AGAIN)
        return refuse(s, &why, err);
    status = relay_accept_step(s->entry->accept, err);
    return status == ENTRASQL_OK ? ENTRASQL_AGAIN : status;
}

static entrasql_status step_login(proxy_session *s, entrasql_error *err)
{
    entry *e = s->entry;
    proxy_stats *stats = s->service->stats;
    entrasql_error why;
    entrasql_status status = relay_login_step(e->login, &e->upstream, &why);
    if (status == ENTRASQL_AGAIN) {
        status = relay_accept_step(e->accept, err);
        return status == ENTRASQL_OK ? ENTRASQL_AGAIN : status;
    }
    relay_login_free(e->login);
    e->login = NULL;
    if (status != ENTRASQL_OK) {
        proxy_tally_failure(stats, &why);
        return refuse(s, &why, err);
    }
    proxy_stats_gauge(stats, PROXY_GAUGE_SERVERS, 1);
    proxy_tally_login(stats, e->grant.identity != NULL ? e->grant.identity->name : "", &e->upstream,
                      es_clock_mono_us() - e->login_us);
    ES_LOG(INFO, "proxy", "login accepted", ES_KV_I64("conn", (int64_t)s->number),
           ES_KV_STR("server", e->upstream.server_host),
           ES_KV_STR("database", e->upstream.database));
    ES_TRY(proxy_server_adopt(&e->upstream, s->service->scratch, &s->server, err));
    return answer(s, &e->upstream.response, err);
}

/* The pool's answer is on its way, as long as the login may take. */
static entrasql_status step_wait_answer(proxy_session *s, entrasql_error *err)
{
    entry *e = s->entry;
    if (s->failure != NULL)
        return refuse(s, s->failure, err);
    if (e->is_answered && pool_answer(s->pool) != NULL) {
        ES_LOG(INFO, "proxy", "login accepted", ES_KV_I64("conn", (int64_t)s->number),
               ES_KV_STR("server", s->service->target->host), ES_KV_STR("from", "pool"));
        return answer(s, pool_answer(s->pool), err);
    }
    if (es_clock_mono_ms() >= e->deadline_ms) {
        entrasql_error why;
        pool_leave(&s->waiter);
        es_fail(&why, ENTRASQL_TIMEOUT, "the entrasql proxy got no upstream connection in time");
        return refuse(s, &why, err);
    }
    entrasql_status status = relay_accept_step(e->accept, err);
    return status == ENTRASQL_OK ? ENTRASQL_AGAIN : status;
}

/* ---- bytes ---- */

static entrasql_status start_passing(proxy_session *s, entrasql_error *err)
{
    const relay_pump_options options = {
        .client = s->client,
        .server = proxy_server_stream(s->server),
        .border = proxy_server_border(s->server),
        .scratch = s->service->scratch,
        .keeps_server = s->pool != NULL,
    };
    if (relay_pump_new(&options, &s->pump) != ENTRASQL_OK)
        return es_nomem(err);
    s->at = PHASE_PASSING;
    return ENTRASQL_OK;
}

static void free_entry(proxy_session *s)
{
    entry *e = s->entry;
    s->entry = NULL;
    if (e == NULL)
        return;
    relay_login_free(e->login);
    relay_session_done(&e->upstream);
    relay_accept_free(e->accept);
    entrasql_credential_unref(e->own_token);
    es_free(e);
}

static entrasql_status start_admin(proxy_session *s, entrasql_error *err)
{
    s->at = PHASE_ADMIN;
    ES_TRY(
        proxy_admin_new(s->entry->accept, s->number, &s->service->admin->source, &s->admin, err));
    free_entry(s);
    return ENTRASQL_OK;
}

static entrasql_status step_answer(proxy_session *s, entrasql_error *err)
{
    entry *e = s->entry;
    ES_TRY(relay_accept_step(e->accept, err));
    if (e->is_refused)
        return es_fail(err, ENTRASQL_LOGIN_FAILED, "the client was refused");
    if (e->is_admin)
        return start_admin(s, err);
    s->client = relay_accept_take(e->accept);
    relay_stream_use_scratch(s->client, s->service->scratch);
    free_entry(s);
    loop_task_settle(s->task);
    if (s->server != NULL)
        return start_passing(s, err);
    s->at = PHASE_REST;
    return ENTRASQL_OK;
}

/* The error as an answer to the client's request, then the end. */
static entrasql_status tell_failure(proxy_session *s, const entrasql_error *why,
                                    entrasql_error *err)
{
    ES_LOG(WARNING, "proxy", "a client's request failed", ES_KV_I64("conn", (int64_t)s->number),
           ES_KV_STR("status", entrasql_status_name(why->status)), ES_KV_STR("why", why->message));
    ES_TRY(proxy_goodbye(s->client, why, s->service->target->host, err));
    s->linger_until_ms = es_clock_deadline(LINGER_MS);
    s->at = PHASE_LINGER;
    return ENTRASQL_OK;
}

/* OK when another phase has begun. */
static entrasql_status step_linger(proxy_session *s, entrasql_error *err)
{
    const relay_scratch *space = s->service->scratch;
    entrasql_status sent = relay_stream_flush(s->client, err);
    if (sent == ENTRASQL_OK)
        relay_stream_shutdown(s->client);
    else if (sent != ENTRASQL_AGAIN)
        return sent;
    for (;;) {
        size_t n = 0;
        if (es_clock_mono_ms() >= s->linger_until_ms)
            return es_fail(err, ENTRASQL_TIMEOUT, "the client did not leave after an error");
        ES_TRY(relay_stream_read(s->client, space->plain, space->size, &n, err));
    }
}

/* joined: what the pool said. */
static entrasql_status go_on_with(proxy_session *s, entrasql_status joined,
                                  const entrasql_error *why, entrasql_error *err)
{
    if (joined != ENTRASQL_OK && joined != ENTRASQL_AGAIN)
        return tell_failure(s, why, err);
    s->at = PHASE_WAIT_SERVER;
    return ENTRASQL_OK;
}

/* The first bytes of the first request: now it needs a connection. */
static entrasql_status step_rest(proxy_session *s, entrasql_error *err)
{
    const relay_scratch *space = s->service->scratch;
    entrasql_error why;
    size_t n = 0;
    entrasql_status sent = relay_stream_flush(s->client, err);
    if (sent != ENTRASQL_OK && sent != ENTRASQL_AGAIN)
        return sent;
    ES_TRY(relay_stream_read(s->client, space->plain, FIRST_BYTES, &n, err));
    if (relay_stream_push_back(s->client, space->plain, n) != ENTRASQL_OK)
        return es_nomem(err);
    return go_on_with(s, pool_join(s->pool, &s->waiter, POOL_WANT_SERVER, &why), &why, err);
}

/* What it was lent was dead before it took a byte: another one, before all who came later. */
static entrasql_status take_another(proxy_session *s, entrasql_error *err)
{
    entrasql_error why;
    int64_t since_ms = s->waiter.since_ms;
    relay_pump_free(s->pump);
    s->pump = NULL;
    proxy_server_drop(s->server);
    s->server = NULL;
    return go_on_with(s, pool_rejoin(s->pool, &s->waiter, since_ms, &why), &why, err);
}

static entrasql_status step_wait_server(proxy_session *s, entrasql_error *err)
{
    if (s->failure != NULL)
        return tell_failure(s, s->failure, err);
    if (s->server == NULL) {
        if (os_sock_peer_gone(relay_stream_fd(s->client)))
            return es_fail(err, ENTRASQL_CLOSED, "the client left while it waited");
        return ENTRASQL_AGAIN;
    }
    if (!proxy_server_is_alive(s->server))
        return take_another(s, err);
    ES_LOG(DEBUG, "proxy", "lent", ES_KV_I64("conn", (int64_t)s->number),
           ES_KV_I64("server_conn", (int64_t)proxy_server_number(s->server)));
    return start_passing(s, err);
}

static entrasql_status pump_bytes(proxy_session *s, entrasql_error *err)
{
    uint64_t from_client = 0;
    uint64_t from_server = 0;
    entrasql_status status = relay_pump_step(s->pump, err);
    relay_pump_passed(s->pump, &from_client, &from_server);
    proxy_stats_count(s->service->stats, PROXY_COUNT_BYTES_FROM_CLIENT, from_client);
    proxy_stats_count(s->service->stats, PROXY_COUNT_BYTES_FROM_SERVER, from_server);
    return status;
}

static void server_broke(proxy_session *s)
{
    relay_pump_free(s->pump);
    s->pump = NULL;
    proxy_server_drop(s->server);
    s->server = NULL;
}

static entrasql_status step_passing(proxy_session *s, entrasql_error *err)
{
    entrasql_error why;
    entrasql_status status = pump_bytes(s, &why);
    if (status != ENTRASQL_OK && status != ENTRASQL_AGAIN) {
        bool is_whole = relay_border_is_between_replies(proxy_server_border(s->server));
        if (relay_pump_server_broke(s->pump)) {
            if (s->pool != NULL && relay_pump_server_took_nothing(s->pump))
                return take_another(s, err);
            server_broke(s);
            if (is_whole)
                return tell_failure(s, &why, err);
        }
        *err = why;
    }
    return status;
}

/* ---- the task ---- */

static entrasql_status step_phase(proxy_session *s, entrasql_error *err)
{
    switch ((phase)s->at) {
    case PHASE_ACCEPT:
        return step_accept(s, err);
    case PHASE_QUEUE:
        return step_queue(s, err);
    case PHASE_PAUSED:
        return step_paused(s, err);
    case PHASE_LOGIN:
        return step_login(s, err);
    case PHASE_WAIT_ANSWER:
        return step_wait_answer(s, err);
    case PHASE_ANSWER:
        return step_answer(s, err);
    case PHASE_REST:
        return step_rest(s, err);
    case PHASE_WAIT_SERVER:
        return step_wait_server(s, err);
    case PHASE_PASSING:
        return step_passing(s, err);
    case PHASE_ADMIN:
        return proxy_admin_step(s->admin, err);
    case PHASE_LINGER:
        break;
    }
    return step_linger(s, err);
}

static bool session_step(void *ctx)
{
    proxy_session *s = ctx;
    ES_LOG_SCOPE("conn", s->number);
    entrasql_error err;
    if (s->is_killed) {
        (void)es_fail(&err, ENTRASQL_CANCELLED, "it was ended by an operator");
        log_end(s, ENTRASQL_CANCELLED, &err);
        return false;
    }
    for (;;) {
        phase before = s->at;
        entrasql_status status = step_phase(s, &err);
        if (status == ENTRASQL_AGAIN)
            return true;
        bool ends = before == PHASE_PASSING || before == PHASE_ADMIN; /* with OK */
        if (status == ENTRASQL_OK && (!ends || s->at != before))
            continue;
        bool is_goodbye =
            status == ENTRASQL_CLOSED && (before == PHASE_REST || before == PHASE_LINGER);
        log_end(s, is_goodbye ? ENTRASQL_OK : status, &err);
        return false;
    }
}

static entrasql_status session_wants(void *ctx, os_wait *w)
{
    proxy_session *s = ctx;
    switch ((phase)s->at) {
    case PHASE_PASSING:
        return relay_pump_wants(s->pump, w);
    case PHASE_ADMIN:
        return proxy_admin_wants(s->admin, w);
    case PHASE_REST:
        return relay_stream_wants(s->client, true, w);
    case PHASE_WAIT_SERVER:
        return os_wait_add(w, relay_stream_fd(s->client), POLLRDHUP);
    case PHASE_LINGER:
        os_wait_until(w, s->linger_until_ms);
        return relay_stream_wants(s->client, true, w);
    case PHASE_LOGIN:
        ES_TRY(relay_login_wants(s->entry->login, w));
        break;
    case PHASE_WAIT_ANSWER:
    case PHASE_PAUSED:
        os_wait_until(w, s->entry->deadline_ms);
        break;
    case PHASE_QUEUE:
        os_wait_until(w, s->ticket.deadline_ms);
        break;
    case PHASE_ACCEPT:
    case PHASE_ANSWER:
        break;
    }
    return relay_accept_wants(s->entry->accept, w);
}

static void give_back(proxy_session *s)
{
    if (s->server == NULL)
        return;
    if (s->pump == NULL && s->pool != NULL) {
        proxy_server_give_back_unused(s->server);
        return;
    }
    relay_pump_free(s->pump);
    if (s->pool == NULL)
        proxy_stats_gauge(s->service->stats, PROXY_GAUGE_SERVERS, -1);
    relay_pin pin = proxy_server_give_back(s->server);
    if (s->pool == NULL || pin == RELAY_PIN_NONE)
        return;
    proxy_tally_pin(s->service->stats, pin);
    ES_LOG(INFO, "proxy", "upstream connection not used again",
           ES_KV_I64("conn", (int64_t)s->number), ES_KV_STR("why", relay_pin_name(pin)));
}

static void unlist(const proxy_session *s)
{
    proxy_sessions *all = s->service->sessions;
    if (s->prev != NULL)
        s->prev->next = s->next;
    else
        all->first = s->next;
    if (s->next != NULL)
        s->next->prev = s->prev;
    all->count--;
}

static void free_session(proxy_session *s)
{
    free_entry(s);
    relay_stream_free(s->client);
    proxy_admin_free(s->admin);
    es_free(s->login_name);
    es_free(s->failure);
    proxy_service_unref(s->service);
    es_free(s);
}

static void session_end(void *ctx)
{
    proxy_session *s = ctx;
    ES_LOG_SCOPE("conn", s->number);
    proxy_service *v = proxy_service_ref(s->service);
    pool_leave(&s->waiter);
    give_back(s);
    pool_release(s->pool);
    unlist(s);
    proxy_admission_leave(v->admission, &s->ticket);
    proxy_stats_gauge(v->stats, PROXY_GAUGE_CLIENTS, -1);
    free_session(s);
    v->ended(v->ended_ctx);
    proxy_service_unref(v);
}

static const loop_task_class session_class = {session_wants, session_step, session_end};

/* ---- what the pool says ---- */

static void on_lend(pool_waiter *w, proxy_server *server)
{
    proxy_session *s = (proxy_session *)w;
    s->server = server;
    loop_task_wake(s->task);
}

static void on_answer(pool_waiter *w)
{
    proxy_session *s = (proxy_session *)w;
    s->entry->is_answered = true;
    loop_task_wake(s->task);
}

static void on_fail(pool_waiter *w, const entrasql_error *why)
{
    proxy_session *s = (proxy_session *)w;
    s->failure = es_memdup(why, sizeof *why);
    s->is_killed = s->failure == NULL; /* no memory even for the reason */
    loop_task_wake(s->task);
}

const proxy_pools_client proxy_session_pools_client = {on_lend, on_answer, on_fail};

/* ---- its beginning ---- */

static entrasql_status prepare(proxy_session *s, int *fd, entrasql_error *err)
{
    static const tds_server_tls modes[] = {
        [PROXY_TLS_OFF] = TDS_SERVER_TLS_NONE,
        [PROXY_TLS_LOGIN] = TDS_SERVER_TLS_LOGIN,
        [PROXY_TLS_OPTIONAL] = TDS_SERVER_TLS_OFFERED,
        [PROXY_TLS_REQUIRED] = TDS_SERVER_TLS_REQUIRED,
        [PROXY_TLS_STRICT] = TDS_SERVER_TLS_REQUIRED, /* to be refused in words */
    };
    const proxy_target *t = s->service->target;
    entry *e = es_calloc(1, sizeof *e);
    if (e == NULL)
        return es_nomem(err);
    s->entry = e;
    e->accepted_us = es_clock_mono_us();
    e->deadline_ms = es_clock_deadline(s->service->login_timeout_ms);
    e->grant.reason = PROXY_REFUSED_OTHER;
    proxy_peer_get(*fd, &e->peer);
    relay_accept_options options = {
        .tls = t->client_tls_context,
        .tls_mode = modes[t->client_tls],
        .allow_strict = t->client_tls != PROXY_TLS_OFF,
        .deadline_ms = e->deadline_ms + ANSWER_MS,
    };
    ES_TRY(relay_accept_start(*fd, &options, &e->accept, err));
    *fd = -1;
    return ENTRASQL_OK;
}

static void list(proxy_session *s)
{
    proxy_sessions *all = s->service->sessions;
    s->next = all->first;
    if (s->next != NULL)
        s->next->prev = s;
    all->first = s;
    all->count++;
}

entrasql_status proxy_session_start(loop *l, proxy_service *service, int fd, uint64_t number,
                                    entrasql_error *err)
{
    proxy_session *s = es_calloc(1, sizeof *s);
    entrasql_status status = s != NULL ? ENTRASQL_OK : es_nomem(err);
    if (status == ENTRASQL_OK) {
        s->service = proxy_service_ref(service);
        s->number = number;
        s->since_ms = es_clock_mono_ms();
        status = prepare(s, &fd, err);
    }
    if (status == ENTRASQL_OK)
        status = loop_task_start(l, &session_class, s, &s->task, err);
    if (status != ENTRASQL_OK) {
        os_sock_close(&fd);
        if (s != NULL)
            free_session(s);
        return status;
    }
    list(s);
    proxy_admission_arrive(service->admission, &s->ticket, s->task);
    proxy_stats_gauge(service->stats, PROXY_GAUGE_CLIENTS, 1);
    proxy_stats_count(service->stats, PROXY_COUNT_CLIENTS, 1);
    return ENTRASQL_OK;
}

/* ---- for operators ---- */

proxy_session *proxy_session_first(const proxy_sessions *all)
{
    return all->first;
}

proxy_session *proxy_session_next(const proxy_session *s)
{
    return s->next;
}

void proxy_session_info_get(const proxy_session *s, proxy_session_info *ret)
{
    static const char *const states[] = {
        [PHASE_ACCEPT] = "login",        [PHASE_QUEUE] = "queue",    [PHASE_LOGIN] = "login",
        [PHASE_WAIT_ANSWER] = "login",   [PHASE_ANSWER] = "login",   [PHASE_REST] = "idle",
        [PHASE_WAIT_SERVER] = "waiting", [PHASE_PASSING] = "active", [PHASE_LINGER] = "closing",
        [PHASE_PAUSED] = "paused",       [PHASE_ADMIN] = "admin",
    };
    *ret = (proxy_session_info){
        .number = s->number,
        .state = states[s->at],
        .service = s->service,
        .login_name = s->login_name != NULL ? s->login_name : "",
        .profile = s->pool != NULL ? pool_data(s->pool) : NULL,
        .server_number = s->server != NULL ? proxy_server_number(s->server) : 0,
        .has_own_server = s->server != NULL && s->pool == NULL,
        .since_ms = s->since_ms,
    };
}

void proxy_sessions_wake(const proxy_sessions *all)
{
    for (const proxy_session *s = all->first; s != NULL; s = s->next)
        loop_task_wake(s->task);
}

bool proxy_session_kill(proxy_sessions *all, uint64_t number)
{
    for (proxy_session *s = all->first; s != NULL; s = s->next) {
        if (s->number == number) {
            s->is_killed = true;
            loop_task_wake(s->task);
            return true;
        }
    }
    return false;
}
