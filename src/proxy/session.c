/* SPDX-License-Identifier: MIT */
/* A client's session as a task of the loop: its bytes, its waiting, its end. */
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "os/sock.h"
#include "proxy/goodbye.h"
#include "proxy/operator.h"
#include "proxy/session_inner.h"
#include "proxy/tally.h"

#include <string.h>

/* Reads of one step; then others have their turn, however much it still sends. */
#define LINGER_TURNS 8
/* Of its first request a client that has to wait for a connection leaves the rest in its socket. */
#define FIRST_BYTES ((size_t)4096)

static void log_end(const proxy_session *s, entrasql_status status, const entrasql_error *err)
{
    if (status == ENTRASQL_OK)
        ES_LOG(INFO, "proxy", "session ended", ES_KV_I64("conn", (int64_t)s->number));
    else
        ES_LOG(INFO, "proxy", "session ended", ES_KV_I64("conn", (int64_t)s->number),
               ES_KV_STR("status", entrasql_status_name(status)), ES_KV_STR("why", err->message));
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

static entrasql_status start_admin(proxy_session *s, entrasql_error *err)
{
    s->at = PHASE_ADMIN;
    ES_TRY(
        proxy_admin_new(s->entry->accept, s->number, &s->service->admin->source, &s->admin, err));
    proxy_session_login_done(s);
    return ENTRASQL_OK;
}

/* Its login is answered. */
static void take_client(proxy_session *s)
{
    s->client = relay_accept_take(s->entry->accept);
    relay_stream_use_scratch(s->client, s->service->scratch);
    proxy_session_login_done(s);
}

static void start_linger(proxy_session *s)
{
    s->linger_until_ms = es_clock_deadline(PROXY_SESSION_LINGER_MS);
    s->at = PHASE_LINGER;
}

/*
 * What it still sends (TLS's goodbye, its next request) would reset the connection were it closed
 * now, and the client might lose the reason. Meanwhile it counts as half open.
 */
static entrasql_status linger_refused(proxy_session *s)
{
    take_client(s);
    proxy_admission_return(s->service->admission, &s->ticket);
    start_linger(s);
    return ENTRASQL_OK;
}

static entrasql_status step_answer(proxy_session *s, entrasql_error *err)
{
    ES_TRY(relay_accept_step(s->entry->accept, err));
    if (s->entry->is_refused)
        return linger_refused(s);
    if (s->entry->is_admin)
        return start_admin(s, err);
    take_client(s);
    loop_task_settle(s->task);
    if (s->server != NULL)
        return start_passing(s, err);
    s->at = PHASE_REST;
    return ENTRASQL_OK;
}

/* The error in the form of a reply, then the end. */
static entrasql_status tell(proxy_session *s, const entrasql_error *why, entrasql_error *err)
{
    ES_TRY(proxy_goodbye(s->client, why, s->service->target->host, err));
    start_linger(s);
    return ENTRASQL_OK;
}

static void log_failure(const proxy_session *s, const entrasql_error *why)
{
    ES_LOG(WARNING, "proxy", "a client's request failed", ES_KV_I64("conn", (int64_t)s->number),
           ES_KV_STR("status", entrasql_status_name(why->status)), ES_KV_STR("why", why->message),
           ES_KV_STR("hint", why->hint));
}

/* As the answer to the client's request. */
static entrasql_status tell_failure(proxy_session *s, const entrasql_error *why,
                                    entrasql_error *err)
{
    log_failure(s, why);
    return tell(s, why, err);
}

/* The client has the server's own error. */
static entrasql_status leave_it_at_that(proxy_session *s, const entrasql_error *why)
{
    log_failure(s, why);
    start_linger(s);
    return ENTRASQL_OK;
}

/* With a connection: the client's next bytes may be a message of ours. */
static bool may_tell(const proxy_session *s)
{
    return relay_border_is_between_replies(proxy_server_border(s->server));
}

/* Its connection is nobody's any more. */
static void count_unfit(const proxy_session *s, relay_pin pin, const char *why)
{
    /* A client with MARS has a connection of its own where others share. */
    bool would_share = s->pool != NULL || (pin == RELAY_PIN_MARS && s->service->pool->on);
    if (!would_share || pin == RELAY_PIN_NONE)
        return;
    proxy_stats_pin(s->service->stats, proxy_tally_pin_of(pin));
    ES_LOG(INFO, "proxy", "upstream connection not used again",
           ES_KV_I64("conn", (int64_t)s->number), ES_KV_STR("why", why));
}

static void give_back(proxy_session *s)
{
    proxy_server *server = s->server;
    if (server == NULL)
        return;
    s->server = NULL;
    if (s->pump == NULL && s->pool != NULL) {
        proxy_server_give_back_unused(server);
        return;
    }
    relay_pump_free(s->pump);
    if (s->pool == NULL)
        proxy_stats_gauge(s->service->stats, PROXY_GAUGE_SERVERS, -1);
    s->pump = NULL;
    relay_pin pin = proxy_server_give_back(server);
    count_unfit(s, pin, relay_pin_name(pin));
}

/* It ended, or sent what makes no sense. */
static void drop_broken(proxy_session *s, const char *why)
{
    relay_pin pin = relay_border_pin(proxy_server_border(s->server));
    if (pin != RELAY_PIN_MARS && pin != RELAY_PIN_LOST)
        pin = RELAY_PIN_FATAL;
    relay_pump_free(s->pump);
    s->pump = NULL;
    proxy_server_drop(s->server);
    s->server = NULL;
    if (s->pool == NULL)
        proxy_stats_gauge(s->service->stats, PROXY_GAUGE_SERVERS, -1);
    count_unfit(s, pin, why);
}

/* The connection is anybody's again, or closed, before the client has taken the message. */
static entrasql_status tell_and_give_back(proxy_session *s, const entrasql_error *why,
                                          entrasql_error *err)
{
    pool_leave(&s->waiter);
    ES_TRY(tell(s, why, err));
    loop_task_update(s->task); /* which has watched the server */
    give_back(s);
    return ENTRASQL_OK;
}

/* From the beginning of a request on, and from whatever comes of it, the rest has its time. */
static void watch_request(proxy_session *s, bool came, bool is_within)
{
    uint32_t most_ms = s->service->pool->stall_ms;
    if (!is_within || most_ms == 0)
        s->stalled_ms = 0;
    else if (came || s->stalled_ms == 0)
        s->stalled_ms = es_clock_deadline(most_ms);
}

/* Whether it has been within a request, without any more of it, for too long. */
static bool has_stalled(const proxy_session *s)
{
    return s->stalled_ms != 0 && es_clock_mono_ms() >= s->stalled_ms;
}

static entrasql_status tell_stalled(proxy_session *s, entrasql_error *err)
{
    entrasql_error why;
    (void)es_fail(&why, ENTRASQL_TIMEOUT,
                  "the rest of the request did not come: nothing of it within %u s",
                  (unsigned)(s->service->pool->stall_ms / 1000));
    es_hint(&why, "--pool-stall-timeout of the entrasql proxy");
    if (s->server != NULL && !may_tell(s)) {
        *err = why;
        return why.status;
    }
    log_failure(s, &why);
    return tell_and_give_back(s, &why, err);
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
    if (s->ticket.state == PROXY_TICKET_EVICTED)
        return es_fail(err, ENTRASQL_CLOSED, "there are too many clients that are not logged in");
    if (es_clock_mono_ms() >= s->linger_until_ms)
        return es_fail(err, ENTRASQL_TIMEOUT, "the client did not leave after an error");
    for (int turn = 0; turn < LINGER_TURNS; turn++) {
        size_t n = 0;
        ES_TRY(relay_stream_read(s->client, space->plain, space->size, &n, err));
    }
    return ENTRASQL_AGAIN;
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

/* Of the first request: what is there of its first header goes in front of what follows. */
static entrasql_status keep_first_bytes(proxy_session *s, size_t n, entrasql_error *err)
{
    const uint8_t *p = s->service->scratch->plain;
    if (s->head_len + n < sizeof s->head) {
        memcpy(s->head + s->head_len, p, n);
        s->head_len += (uint8_t)n;
        return ENTRASQL_OK;
    }
    if (relay_stream_push_back(s->client, p, n) != ENTRASQL_OK ||
        relay_stream_push_back(s->client, s->head, s->head_len) != ENTRASQL_OK)
        return es_nomem(err);
    s->head_len = 0;
    s->stalled_ms = 0;
    return ENTRASQL_OK;
}

/* With the first header of its first request a client needs a connection, and not before. */
static entrasql_status step_rest(proxy_session *s, entrasql_error *err)
{
    const relay_scratch *space = s->service->scratch;
    entrasql_error why;
    size_t n = 0;
    entrasql_status sent = relay_stream_flush(s->client, err);
    if (sent != ENTRASQL_OK && sent != ENTRASQL_AGAIN)
        return sent;
    watch_request(s, false, s->head_len > 0);
    if (has_stalled(s))
        return tell_stalled(s, err);
    ES_TRY(relay_stream_read(s->client, space->plain, FIRST_BYTES, &n, err));
    watch_request(s, true, true);
    ES_TRY(keep_first_bytes(s, n, err));
    if (s->head_len > 0)
        return ENTRASQL_OK;
    return go_on_with(s, pool_join(s->pool, &s->waiter, POOL_WANT_SERVER, &why), &why, err);
}

/* What it was lent was dead before it took a byte: another one, before all who came later. */
static entrasql_status take_another(proxy_session *s, const char *reason, entrasql_error *err)
{
    entrasql_error why;
    int64_t since_ms = s->waiter.since_ms;
    drop_broken(s, reason);
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
        return take_another(s, "it ended while it was idle", err);
    ES_LOG(DEBUG, "proxy", "lent", ES_KV_I64("conn", (int64_t)s->number),
           ES_KV_I64("server_conn", (int64_t)proxy_server_number(s->server)));
    return start_passing(s, err);
}

/*
 * As long as the server takes no more the client's end is not read. With bytes before it, which a
 * full socket keeps in the client's kernel, it does not even come: of a local client the kernel
 * knows.
 */
static bool has_client_left(const proxy_session *s)
{
    int fd = relay_stream_fd(s->client);
    uid_t uid = 0;
    if (s->pool != NULL ? os_sock_peer_gone(fd) : os_sock_is_broken(fd))
        return true;
    return s->has_known_peer &&
           os_sock_peer_uid_by(s->service->diag_fd, fd, &uid, NULL) == ENTRASQL_NOT_FOUND;
}

static bool is_abandoned(proxy_session *s)
{
    if (relay_stream_queued(proxy_server_stream(s->server)) == 0) {
        s->held_up_ms = 0;
        return false;
    }
    bool is_time = s->held_up_ms != 0 && es_clock_mono_ms() >= s->held_up_ms;
    if (is_time || s->held_up_ms == 0)
        s->held_up_ms = es_clock_deadline(PROXY_SESSION_LOOK_MS);
    return is_time && has_client_left(s);
}

static entrasql_status pump_bytes(proxy_session *s, bool *ret_stalled, entrasql_error *err)
{
    uint64_t from_client = 0;
    uint64_t from_server = 0;
    entrasql_status status = relay_pump_step(s->pump, err);
    relay_pump_passed(s->pump, &from_client, &from_server);
    proxy_stats_count(s->service->stats, PROXY_COUNT_BYTES_FROM_CLIENT, from_client);
    proxy_stats_count(s->service->stats, PROXY_COUNT_BYTES_FROM_SERVER, from_server);
    bool waits_for_client = s->pool != NULL &&
                            relay_border_is_in_request(proxy_server_border(s->server)) &&
                            relay_stream_queued(proxy_server_stream(s->server)) == 0;
    watch_request(s, from_client > 0, waits_for_client);
    *ret_stalled = has_stalled(s);
    return status;
}

static entrasql_status step_passing(proxy_session *s, entrasql_error *err)
{
    entrasql_error why;
    bool has_stopped = false;
    entrasql_status status = pump_bytes(s, &has_stopped, &why);
    if (status == ENTRASQL_AGAIN && has_stopped)
        return tell_stalled(s, err);
    if (status == ENTRASQL_AGAIN && is_abandoned(s))
        return es_fail(err, ENTRASQL_CLOSED,
                       "the client left in a request of which the server takes no more");
    if (status != ENTRASQL_OK && status != ENTRASQL_AGAIN) {
        bool is_whole = may_tell(s);
        if (relay_pump_server_broke(s->pump)) {
            if (s->pool != NULL && relay_pump_server_took_nothing(s->pump))
                return take_another(s, why.message, err);
            bool has_said_why = proxy_server_border(s->server)->fatal;
            drop_broken(s, why.message);
            if (is_whole)
                return has_said_why ? leave_it_at_that(s, &why) : tell_failure(s, &why, err);
        }
        *err = why;
    }
    return status;
}

/* ---- an end from outside ---- */

static const char *say_ending(const proxy_session *s, entrasql_error *why)
{
    if (s->ending == ENDING_NO_MEMORY) {
        (void)es_nomem(why);
        return "there was no memory for the reason of a failure";
    }
    if (s->ending == ENDING_KILLED) {
        (void)es_fail(why, ENTRASQL_CANCELLED,
                      "an administrator of the entrasql proxy ended this session (KILL)");
        return "it was ended by an operator";
    }
    (void)es_fail(why, ENTRASQL_CANCELLED,
                  "the entrasql proxy ends and waits for its sessions no longer (--drain)");
    es_hint(why, "connect again");
    return "the proxy ends";
}

/* Its latest answer, be it a refusal, is on its way and says what there is to say. */
static bool is_last_word_said(const proxy_session *s)
{
    return s->at == PHASE_ANSWER || s->at == PHASE_LINGER;
}

/* OK when another phase has begun; else it is over without a word. */
static entrasql_status end_in_words(proxy_session *s, entrasql_error *err)
{
    entrasql_error why;
    const char *reason = say_ending(s, &why);
    switch ((phase)s->at) {
    case PHASE_QUEUE:
    case PHASE_PAUSED:
    case PHASE_LOGIN:
    case PHASE_WAIT_ANSWER:
        return proxy_session_login_refuse(s, &why, err);
    case PHASE_ADMIN:
        s->client = proxy_admin_take(s->admin);
        proxy_admin_free(s->admin);
        s->admin = NULL;
        break;
    case PHASE_PASSING:
        if (!may_tell(s))
            return es_fail(err, ENTRASQL_CANCELLED, "%s", reason);
        break;
    case PHASE_REST:
    case PHASE_WAIT_SERVER:
        break;
    case PHASE_ACCEPT:
    case PHASE_BRAKED:
    case PHASE_DELAYED:
    case PHASE_ANSWER:
    case PHASE_LINGER:
        return es_fail(err, ENTRASQL_CANCELLED, "%s", reason);
    }
    ES_LOG(INFO, "proxy", "a client is told that its session ends",
           ES_KV_I64("conn", (int64_t)s->number), ES_KV_STR("why", reason));
    return tell_and_give_back(s, &why, err);
}

/* ---- the task ---- */

static entrasql_status step_phase(proxy_session *s, entrasql_error *err)
{
    switch ((phase)s->at) {
    case PHASE_ACCEPT:
    case PHASE_BRAKED:
    case PHASE_DELAYED:
    case PHASE_QUEUE:
    case PHASE_PAUSED:
    case PHASE_LOGIN:
    case PHASE_WAIT_ANSWER:
        return proxy_session_login_step(s, err);
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
    for (;;) {
        phase before = s->at;
        entrasql_status status = s->ending != ENDING_NOT && !is_last_word_said(s)
                                     ? end_in_words(s, &err)
                                     : step_phase(s, &err);
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
        if (s->stalled_ms != 0)
            os_wait_until(w, s->stalled_ms);
        if (s->held_up_ms != 0)
            os_wait_until(w, s->held_up_ms);
        return relay_pump_wants(s->pump, w);
    case PHASE_ADMIN:
        return proxy_admin_wants(s->admin, w);
    case PHASE_REST:
        if (s->stalled_ms != 0)
            os_wait_until(w, s->stalled_ms);
        return relay_stream_wants(s->client, true, w);
    case PHASE_WAIT_SERVER:
        return os_wait_add(w, relay_stream_fd(s->client), POLLRDHUP);
    case PHASE_LINGER:
        os_wait_until(w, s->linger_until_ms);
        return relay_stream_wants(s->client, true, w);
    case PHASE_ACCEPT:
    case PHASE_BRAKED:
    case PHASE_DELAYED:
    case PHASE_QUEUE:
    case PHASE_PAUSED:
    case PHASE_LOGIN:
    case PHASE_WAIT_ANSWER:
    case PHASE_ANSWER:
        break;
    }
    return proxy_session_login_wants(s, w);
}

static void unlist(proxy_session *s)
{
    proxy_sessions *all = s->service->sessions;
    ES_LIST_REMOVE(all, s);
    all->count--;
}

static void free_session(proxy_session *s)
{
    proxy_session_login_done(s);
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
    if (s->failure == NULL)
        s->ending = ENDING_NO_MEMORY;
    loop_task_wake(s->task);
}

const proxy_pools_client proxy_session_pools_client = {on_lend, on_answer, on_fail};

/* ---- its beginning ---- */

static void list(proxy_session *s)
{
    proxy_sessions *all = s->service->sessions;
    ES_LIST_PREPEND(all, s);
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
        status = proxy_session_login_start(s, &fd, err);
    }
    if (status == ENTRASQL_OK)
        status = loop_task_start(l, &session_class, s, &s->task, err);
    if (status != ENTRASQL_OK) {
        os_sock_close(&fd);
        if (s != NULL)
            free_session(s);
        return status;
    }
    const proxy_arrival arrival = {
        .task = s->task, .stats = service->stats, .source = &s->entry->peer.source};
    list(s);
    proxy_admission_arrive(service->admission, &s->ticket, &arrival);
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
        [PHASE_PAUSED] = "paused",       [PHASE_ADMIN] = "admin",    [PHASE_BRAKED] = "login",
        [PHASE_DELAYED] = "login",
    };
    *ret = (proxy_session_info){
        .number = s->number,
        .state = states[s->at],
        .service = s->service,
        .login_name = s->login_name != NULL ? s->login_name : "",
        .profile = s->pool != NULL ? pool_data(s->pool) : NULL,
        .server_number = s->server != NULL ? proxy_server_number(s->server) : 0,
        .has_own_server = s->server != NULL && s->pool == NULL,
        .has_mars = s->server != NULL && proxy_server_border(s->server)->mars,
        .since_ms = s->since_ms,
    };
}

void proxy_sessions_wake(const proxy_sessions *all)
{
    for (const proxy_session *s = all->first; s != NULL; s = s->next)
        loop_task_wake(s->task);
}

static void end_soon(proxy_session *s, ending how)
{
    s->ending = (uint8_t)how;
    loop_task_wake(s->task);
}

bool proxy_session_kill(proxy_sessions *all, uint64_t number)
{
    for (proxy_session *s = all->first; s != NULL; s = s->next) {
        if (s->number == number) {
            end_soon(s, ENDING_KILLED);
            return true;
        }
    }
    return false;
}

void proxy_sessions_end(const proxy_sessions *all)
{
    for (proxy_session *s = all->first; s != NULL; s = s->next)
        end_soon(s, ENDING_PROXY);
}
