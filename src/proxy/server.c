/* SPDX-License-Identifier: MIT */
/* Upstream connections as tasks, and the hooks by which the pools use them. */
#include "proxy/server.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "identity/claims.h"
#include "proxy/drain.h"
#include "proxy/reset.h"
#include "proxy/tally.h"

#include <stdio.h>

/* Reads of one step of the reset; then others have their turn. An answer needs one or two. */
#define RESET_TURNS 8

typedef enum phase {
    PHASE_LOGIN,
    PHASE_IDLE,  /* in the pool, at rest */
    PHASE_DRAIN, /* what its client left unread is thrown away */
    PHASE_RESET, /* a request of the reset is under way */
    PHASE_LENT,  /* somebody else's; the task waits for nothing */
    PHASE_OVER   /* the task's next step ends it */
} phase;

struct proxy_server {
    pool_server in_pool; /* first: the pool's pointers are these */
    proxy_pools *pools;  /* NULL: a client's own */
    loop_task *task;
    uint64_t number;
    phase at;
    bool is_last_request; /* of the reset */
    relay_login *login;
    relay_stream *stream;
    relay_border border;
    proxy_drain drain;
    int64_t deadline_ms;
    int64_t login_us; /* when it began */
};

struct proxy_pools {
    loop *l;
    relay_scratch *scratch;
    proxy_warm *warm;
    proxy_pools_client client;
    pool_set *set;
    loop_task *clock;
    uint64_t connections;
};

static proxy_server *of(pool_server *s)
{
    return (proxy_server *)s;
}

static proxy_profile *profile_of(const proxy_server *s)
{
    return pool_data(s->in_pool.owner);
}

/* It ends, and its task with it. */
static bool gone(proxy_server *s, const char *what, proxy_pin pin, const char *why)
{
    proxy_stats_pin(pool_stats(s->in_pool.owner), pin);
    ES_LOG(INFO, "proxy", what, ES_KV_I64("server_conn", (int64_t)s->number),
           ES_KV_STR("why", why));
    pool_server_gone(&s->in_pool);
    return false;
}

/* ---- login ---- */

/* Another principal than before (somebody signed in anew): what is there is not lent any more. */
static void check_principal(proxy_server *s, const identity_claims *claims)
{
    proxy_profile *profile = profile_of(s);
    char text[sizeof claims->tid + sizeof claims->oid + 1];
    (void)snprintf(text, sizeof text, "%s/%s", claims->tid, claims->oid);
    if (profile->principal != NULL && es_streq(profile->principal, text))
        return;
    if (profile->principal != NULL) {
        ES_LOG(WARNING, "proxy", "the identity is another one now; its pool is renewed",
               ES_KV_STR("server", profile->host), ES_KV_STR("was", profile->principal),
               ES_KV_STR("is", text));
        pool_server_retire_others(&s->in_pool);
    }
    es_free(profile->principal);
    profile->principal = es_strdup(text);
}

/* What the token says of itself; when it expires, on the monotonic clock. */
static int64_t look_at_token(proxy_server *s, const es_secret *token)
{
    identity_claims claims;
    if (token == NULL ||
        identity_claims_read(es_secret_reveal(token), &claims, NULL) != ENTRASQL_OK)
        return ES_NO_DEADLINE;
    check_principal(s, &claims);
    if (claims.exp == 0)
        return ES_NO_DEADLINE;
    return es_clock_mono_ms() + (claims.exp - es_clock_wall_s()) * 1000;
}

/* Another place than before: the database moved, and what is there is not lent any more. */
static void note_move(proxy_server *s, const relay_session *session)
{
    proxy_profile *profile = profile_of(s);
    const char *what = "the database is at another place now; its pool is renewed";
    proxy_moved moved = proxy_moves_note(&profile->moves);
    if (moved == PROXY_MOVED_SPREAD)
        return;
    if (moved == PROXY_MOVED_NEW_SPREAD)
        what = "logins are sent to several places by turns; the pool keeps them all";
    ES_LOG(WARNING, "proxy", what, ES_KV_STR("was", profile->server),
           ES_KV_I64("was_port", profile->server_port), ES_KV_STR("is", session->server_host),
           ES_KV_I64("port", session->server_port));
    if (moved == PROXY_MOVED)
        pool_server_retire_others(&s->in_pool);
}

/*
 * Whether the login led to where the pool's database is now. A login that had begun before that has
 * no say. With read-only intent each login may lead to another of several replicas.
 */
static bool check_place(proxy_server *s, relay_session *session)
{
    proxy_profile *profile = profile_of(s);
    bool is_same = profile->server != NULL && profile->server_port == session->server_port &&
                   es_strcaseeq(profile->server, session->server_host);
    if (is_same)
        return true;
    if (profile->server != NULL && (profile->login.type_flags & TDS_TYPE_READONLY_INTENT) == 0) {
        if (s->in_pool.is_retired)
            return false;
        note_move(s, session);
    }
    es_free(profile->server);
    profile->server = session->server_host;
    profile->server_port = session->server_port;
    session->server_host = NULL;
    return true;
}

static bool opened(proxy_server *s, relay_session *session)
{
    const proxy_profile *profile = profile_of(s);
    ES_LOG(INFO, "proxy", "upstream connection opened",
           ES_KV_I64("server_conn", (int64_t)s->number), ES_KV_STR("server", session->server_host),
           ES_KV_STR("database", session->database));
    proxy_tally_login(pool_stats(s->in_pool.owner), profile->identity, session,
                      es_clock_mono_us() - s->login_us);
    if (!check_place(s, session))
        return gone(s, "upstream connection not used", PROXY_PIN_ADMIN,
                    "the database has moved since the login began");
    int64_t expires_ms = look_at_token(s, session->token);
    s->stream = session->stream;
    session->stream = NULL;
    relay_stream_use_scratch(s->stream, s->pools->scratch);
    s->at = PHASE_IDLE;
    pool_server_opened(&s->in_pool, &session->response, expires_ms);
    return s->at != PHASE_OVER;
}

static bool step_login(proxy_server *s)
{
    entrasql_error why;
    relay_session session = {0};
    entrasql_status status = relay_login_step(s->login, &session, &why);
    if (status == ENTRASQL_AGAIN)
        return true;
    relay_login_free(s->login);
    s->login = NULL;
    if (status == ENTRASQL_OK) {
        bool goes_on = opened(s, &session);
        relay_session_done(&session);
        return goes_on;
    }
    ES_LOG(WARNING, "proxy", "upstream login failed", ES_KV_I64("server_conn", (int64_t)s->number),
           ES_KV_STR("status", entrasql_status_name(status)), ES_KV_STR("why", why.message));
    proxy_tally_failure(pool_stats(s->in_pool.owner), &why);
    pool_server_failed(&s->in_pool, &why);
    return false;
}

/* ---- in the pool ---- */

/* At rest a server has nothing to say. */
static bool step_idle(proxy_server *s)
{
    entrasql_error err;
    uint8_t byte;
    size_t n = 0;
    entrasql_status status = relay_stream_read(s->stream, &byte, 1, &n, &err);
    if (status == ENTRASQL_AGAIN)
        return true;
    return gone(s, "idle upstream connection ended", PROXY_PIN_FATAL,
                status == ENTRASQL_OK ? "it sent something unasked" : err.message);
}

/*
 * An error of class 20 or more that came behind rows is not seen, but it is the server's last word:
 * it answers nothing more and closes.
 */
static proxy_pin pin_of_failure(const proxy_server *s, entrasql_status status, proxy_pin otherwise)
{
    bool has_ended = status == ENTRASQL_CLOSED || status == ENTRASQL_NETWORK;
    return has_ended || s->border.fatal ? PROXY_PIN_FATAL : otherwise;
}

static entrasql_status send_reset(proxy_server *s, entrasql_error *err)
{
    s->deadline_ms = es_clock_deadline(PROXY_RESET_MS);
    return proxy_reset_send(&s->border, s->stream, &s->is_last_request, err);
}

/* OK: the session is clean. */
static entrasql_status read_reset(proxy_server *s, entrasql_error *err)
{
    const relay_scratch *space = s->pools->scratch;
    for (int turn = 0; turn < RESET_TURNS; turn++) {
        size_t n = 0;
        entrasql_status sent = relay_stream_flush(s->stream, err);
        if (sent != ENTRASQL_OK && sent != ENTRASQL_AGAIN)
            return sent;
        ES_TRY(relay_stream_read(s->stream, space->plain, space->size, &n, err));
        relay_border_down(&s->border, space->plain, n);
        if (!relay_border_is_idle(&s->border)) {
            if (s->border.lost)
                return proxy_reset_check(&s->border, false, err);
            continue;
        }
        ES_TRY(proxy_reset_check(&s->border, s->is_last_request, err));
        if (s->is_last_request)
            return ENTRASQL_OK;
        ES_TRY(send_reset(s, err));
    }
    return ENTRASQL_AGAIN;
}

static void start_reset(proxy_server *s)
{
    s->at = PHASE_RESET;
    if (send_reset(s, NULL) != ENTRASQL_OK)
        s->deadline_ms = es_clock_mono_ms(); /* the step finds it broken */
}

static bool step_drain(proxy_server *s)
{
    entrasql_error err;
    proxy_stats *stats = pool_stats(s->in_pool.owner);
    entrasql_status status =
        proxy_drain_step(&s->drain, &s->border, s->stream, s->pools->scratch, &err);
    if (status == ENTRASQL_AGAIN)
        return true;
    if (status != ENTRASQL_OK)
        return gone(s, "what a client left unread could not be thrown away",
                    pin_of_failure(s, status, PROXY_PIN_PARTIAL), err.message);
    relay_pin pin = relay_border_pin(&s->border);
    if (pin != RELAY_PIN_NONE)
        return gone(s, "upstream connection not used again", proxy_tally_pin_of(pin),
                    relay_pin_name(pin));
    proxy_stats_count(stats, PROXY_COUNT_DRAINS, 1);
    start_reset(s);
    return true;
}

static bool step_reset(proxy_server *s)
{
    entrasql_error err;
    entrasql_status status = read_reset(s, &err);
    if (status == ENTRASQL_AGAIN && es_clock_mono_ms() < s->deadline_ms)
        return true;
    if (status == ENTRASQL_AGAIN)
        status = es_fail(&err, ENTRASQL_TIMEOUT, "the server did not answer the reset in time");
    if (status != ENTRASQL_OK) {
        proxy_stats_count(pool_stats(s->in_pool.owner), PROXY_COUNT_RESET_FAILURES, 1);
        return gone(s, "reset failed", pin_of_failure(s, status, PROXY_PIN_RESET), err.message);
    }
    s->at = PHASE_IDLE;
    pool_server_ready(&s->in_pool);
    return s->at != PHASE_OVER;
}

/* ---- the task ---- */

static bool server_step(void *ctx)
{
    proxy_server *s = ctx;
    ES_LOG_SCOPE("server_conn", s->number);
    switch (s->at) {
    case PHASE_LOGIN:
        return step_login(s);
    case PHASE_IDLE:
        return step_idle(s);
    case PHASE_DRAIN:
        return step_drain(s);
    case PHASE_RESET:
        return step_reset(s);
    case PHASE_LENT:
        return true;
    case PHASE_OVER:
        break;
    }
    return false;
}

static entrasql_status server_wants(void *ctx, os_wait *w)
{
    proxy_server *s = ctx;
    switch (s->at) {
    case PHASE_LOGIN:
        return relay_login_wants(s->login, w);
    case PHASE_DRAIN:
        return proxy_drain_wants(&s->drain, s->stream, w);
    case PHASE_RESET:
        os_wait_until(w, s->deadline_ms);
        return relay_stream_wants(s->stream, true, w);
    case PHASE_IDLE:
        return relay_stream_wants(s->stream, true, w);
    case PHASE_LENT:
    case PHASE_OVER:
        break;
    }
    return ENTRASQL_OK;
}

static void free_server(proxy_server *s)
{
    relay_login_free(s->login);
    relay_stream_free(s->stream);
    es_free(s);
}

/* Also when the loop is freed under it; a session that still holds it frees it then. */
static void server_end(void *ctx)
{
    proxy_server *s = ctx;
    s->task = NULL;
    if (s->at == PHASE_LENT)
        return;
    if (s->in_pool.owner != NULL)
        pool_server_gone(&s->in_pool);
    free_server(s);
}

static const loop_task_class server_class = {server_wants, server_step, server_end};

/* ---- the pools' hooks ---- */

static entrasql_status make(proxy_pools *pools, pool *p, proxy_server **ret, entrasql_error *err)
{
    const proxy_profile *profile = pool_data(p);
    proxy_server *s = es_calloc(1, sizeof *s);
    if (s == NULL)
        return es_nomem(err);
    s->pools = pools;
    s->number = ++pools->connections;
    s->at = PHASE_LOGIN;
    s->login_us = es_clock_mono_us();
    entrasql_status status = proxy_profile_log_in(
        profile, pools->warm, es_clock_deadline(profile->login_timeout_ms), &s->login, err);
    if (status == ENTRASQL_OK)
        status = loop_task_start(pools->l, &server_class, s, &s->task, err);
    if (status != ENTRASQL_OK) {
        free_server(s);
        return status;
    }
    *ret = s;
    return ENTRASQL_OK;
}

static entrasql_status on_open(void *ctx, pool *p, pool_server **ret, entrasql_error *err)
{
    proxy_server *s = NULL;
    ES_TRY(make(ctx, p, &s, err));
    *ret = &s->in_pool;
    return ENTRASQL_OK;
}

static void end_soon(proxy_server *s)
{
    s->at = PHASE_OVER;
    loop_task_update(s->task); /* its descriptor is watched no more */
    loop_task_wake(s->task);
}

static void on_close(void *ctx, pool_server *in_pool)
{
    (void)ctx;
    ES_LOG(INFO, "proxy", "upstream connection retired",
           ES_KV_I64("server_conn", (int64_t)of(in_pool)->number));
    end_soon(of(in_pool));
}

static void on_reset(void *ctx, pool_server *in_pool)
{
    proxy_server *s = of(in_pool);
    (void)ctx;
    if (relay_border_is_idle(&s->border)) {
        start_reset(s);
    } else {
        s->at = PHASE_DRAIN;
        if (proxy_drain_start(&s->drain, &s->border, s->stream, NULL) != ENTRASQL_OK)
            s->drain.deadline_ms = es_clock_mono_ms(); /* as above */
    }
    loop_task_update(s->task);
}

static void on_lend(void *ctx, pool_waiter *w, pool_server *in_pool)
{
    const proxy_pools *pools = ctx;
    proxy_server *s = of(in_pool);
    s->at = PHASE_LENT;
    loop_task_update(s->task);
    pools->client.lend(w, s);
}

static void on_answer(void *ctx, pool_waiter *w)
{
    const proxy_pools *pools = ctx;
    pools->client.answer(w);
}

static void on_fail(void *ctx, pool_waiter *w, const entrasql_error *why)
{
    const proxy_pools *pools = ctx;
    pools->client.fail(w, why);
}

static void on_wake(void *ctx)
{
    const proxy_pools *pools = ctx;
    if (pools->clock != NULL)
        loop_task_wake(pools->clock);
}

static void on_free_data(void *ctx, void *data)
{
    (void)ctx;
    proxy_profile_free(data);
}

static const pool_hooks hooks = {
    .open = on_open,
    .reset = on_reset,
    .close = on_close,
    .lend = on_lend,
    .answer = on_answer,
    .fail = on_fail,
    .wake = on_wake,
    .free_data = on_free_data,
};

/* ---- the clock of the pools ---- */

static entrasql_status clock_wants(void *ctx, os_wait *w)
{
    const proxy_pools *pools = ctx;
    os_wait_until(w, pool_set_deadline_ms(pools->set));
    return ENTRASQL_OK;
}

static bool clock_step(void *ctx)
{
    const proxy_pools *pools = ctx;
    pool_set_tick(pools->set);
    return true;
}

static void clock_end(void *ctx)
{
    proxy_pools *pools = ctx;
    pools->clock = NULL;
}

static const loop_task_class clock_class = {clock_wants, clock_step, clock_end};

entrasql_status proxy_pools_new(loop *l, relay_scratch *scratch, proxy_warm *warm,
                                const proxy_pools_client *client, proxy_pools **ret,
                                entrasql_error *err)
{
    proxy_pools *p = es_calloc(1, sizeof *p);
    if (p == NULL)
        return es_nomem(err);
    p->l = l;
    p->scratch = scratch;
    p->warm = warm;
    p->client = *client;
    entrasql_status status = pool_set_new(&hooks, p, &p->set, err);
    if (status == ENTRASQL_OK)
        status = loop_task_start(l, &clock_class, p, &p->clock, err);
    if (status != ENTRASQL_OK) {
        proxy_pools_free(p);
        return status;
    }
    *ret = p;
    return ENTRASQL_OK;
}

void proxy_pools_free(proxy_pools *p)
{
    if (p == NULL)
        return;
    pool_set_free(p->set);
    es_free(p);
}

pool_set *proxy_pools_set(proxy_pools *p)
{
    return p->set;
}

/* ---- for sessions ---- */

entrasql_status proxy_server_adopt(relay_session *session, relay_scratch *scratch,
                                   proxy_server **ret, entrasql_error *err)
{
    proxy_server *s = es_calloc(1, sizeof *s);
    if (s == NULL)
        return es_nomem(err);
    s->at = PHASE_LENT;
    s->stream = session->stream;
    session->stream = NULL;
    if (session->has_mars)
        relay_border_set_mars(&s->border);
    relay_stream_use_scratch(s->stream, scratch);
    *ret = s;
    return ENTRASQL_OK;
}

relay_stream *proxy_server_stream(proxy_server *s)
{
    return s->stream;
}

relay_border *proxy_server_border(proxy_server *s)
{
    return &s->border;
}

uint64_t proxy_server_number(const proxy_server *s)
{
    return s->number;
}

uint64_t proxy_server_number_of(const pool_server *s)
{
    return ((const proxy_server *)s)->number;
}

bool proxy_server_is_pooled(const proxy_server *s)
{
    return s->pools != NULL;
}

bool proxy_server_is_alive(proxy_server *s)
{
    uint8_t byte;
    size_t n = 0;
    return relay_stream_read(s->stream, &byte, 1, &n, NULL) == ENTRASQL_AGAIN;
}

relay_pin proxy_server_give_back(proxy_server *s)
{
    relay_pin pin = relay_border_pin(&s->border);
    bool is_whole = relay_stream_queued(s->stream) == 0;
    if (s->task != NULL && is_whole && relay_border_is_cancellable(&s->border))
        pin = RELAY_PIN_NONE;
    if (s->task == NULL || pin != RELAY_PIN_NONE || !is_whole)
        proxy_server_drop(s);
    else
        pool_return(&s->in_pool);
    return pin;
}

void proxy_server_give_back_unused(proxy_server *s)
{
    if (s->task == NULL) {
        proxy_server_drop(s);
        return;
    }
    s->at = PHASE_IDLE;
    loop_task_update(s->task);
    pool_return_unused(&s->in_pool);
}

void proxy_server_drop(proxy_server *s)
{
    if (s == NULL)
        return;
    if (s->in_pool.owner != NULL)
        pool_server_gone(&s->in_pool);
    if (s->task == NULL)
        free_server(s);
    else
        end_soon(s);
}
