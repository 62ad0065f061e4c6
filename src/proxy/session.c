/* SPDX-License-Identifier: MIT */
/* A client's session as a state machine over the relay's parts. */
#include "proxy/session.h"

#include "base/log.h"
#include "base/mem.h"
#include "os/sock.h"
#include "relay/login.h"
#include "relay/pump.h"
#include "relay/session.h"

/* After the login's deadline: time to tell the client why. */
#define ANSWER_MS 2000

typedef enum phase {
    PHASE_ACCEPT,  /* the client's login */
    PHASE_LOGIN,   /* upstream */
    PHASE_ANSWER,  /* the login's answer, or a refusal, is on its way to the client */
    PHASE_PASSING, /* bytes both ways */
} phase;

typedef struct session {
    const proxy_service *service;
    loop_task *task;
    uint64_t number;
    phase at;
    bool is_refused;
    entrasql_error *refusal; /* for who may not come in; NULL: may */
    int64_t deadline_ms;
    int64_t accepted_us;
    int64_t login_us;     /* when the login upstream began */
    bool has_server;      /* counted among the servers */
    uint64_t from_client; /* bytes that are counted already */
    uint64_t from_server;
    relay_accept *accept;
    relay_login *login;
    relay_session upstream;
    relay_pump *pump;
} session;

static void log_end(const session *s, entrasql_status status, const entrasql_error *err)
{
    if (status == ENTRASQL_OK)
        ES_LOG(INFO, "proxy", "session ended", ES_KV_I64("conn", (int64_t)s->number));
    else
        ES_LOG(INFO, "proxy", "session ended", ES_KV_I64("conn", (int64_t)s->number),
               ES_KV_STR("status", entrasql_status_name(status)), ES_KV_STR("why", err->message));
}

static entrasql_status refuse(session *s, const entrasql_error *why, entrasql_error *err)
{
    entrasql_error told;
    relay_refusal_from(why, &told);
    ES_LOG(WARNING, "proxy", "client refused", ES_KV_I64("conn", (int64_t)s->number),
           ES_KV_STR("status", entrasql_status_name(why->status)), ES_KV_STR("why", why->message),
           ES_KV_STR("hint", why->hint));
    if (why != s->refusal) /* else it was counted where it was refused */
        proxy_stats_refusal(s->service->stats, proxy_refusal_of(why));
    if (why->number != 0)
        proxy_stats_error(s->service->stats, why->number);
    s->is_refused = true;
    s->at = PHASE_ANSWER;
    return tds_server_refuse(relay_accept_server(s->accept), &told, s->service->target->host, err);
}

/* ---- the phases: OK when another one has begun ---- */

/* The client's own LOGIN7, with the target's database where it names none. */
static entrasql_status start_login(session *s, entrasql_error *err)
{
    const proxy_target *t = s->service->target;
    const tds_login7 *client = tds_server_login(relay_accept_server(s->accept));
    tds_login7 login;
    entrasql_status status = tds_login7_copy(&login, client);
    if (status == ENTRASQL_OK && login.database[0] == '\0' && t->database != NULL)
        status = tds_login7_set(&login.database, t->database);
    if (status != ENTRASQL_OK) {
        tds_login7_done(&login);
        return es_nomem(err);
    }
    relay_login_options options = {
        .host = t->host,
        .port = t->port,
        .encrypt = t->strict ? TDS_ENCRYPT_STRICT : TDS_ENCRYPT_ON,
        .host_name_in_certificate = t->host_name_in_certificate,
        .tls = s->service->tls,
        .login = &login,
        .credential = s->service->credential,
        .deadline_ms = s->deadline_ms,
    };
    s->login_us = es_clock_mono_us();
    status = relay_login_start(&options, &s->login, err);
    tds_login7_done(&login);
    return status;
}

static entrasql_status step_accept(session *s, entrasql_error *err)
{
    ES_TRY(relay_accept_step(s->accept, err));
    if (relay_accept_state(s->accept) == RELAY_ACCEPT_REFUSED) {
        const entrasql_error *why = tds_server_refusal(relay_accept_server(s->accept));
        proxy_stats_refusal(s->service->stats, PROXY_REFUSED_PROTOCOL);
        if (why != NULL && err != NULL)
            *err = *why;
        return ENTRASQL_LOGIN_FAILED;
    }
    if (s->refusal != NULL)
        return refuse(s, s->refusal, err);
    entrasql_error why;
    if (start_login(s, &why) != ENTRASQL_OK)
        return refuse(s, &why, err);
    s->at = PHASE_LOGIN;
    return ENTRASQL_OK;
}

static void count_login(session *s)
{
    proxy_stats *stats = s->service->stats;
    int64_t now_us = es_clock_mono_us();
    s->has_server = true;
    proxy_stats_gauge(stats, PROXY_GAUGE_SERVERS, 1);
    proxy_stats_count(stats, PROXY_COUNT_SERVERS, 1);
    proxy_stats_time(stats, PROXY_TIME_UPSTREAM_LOGIN, now_us - s->login_us);
    proxy_stats_time(stats, PROXY_TIME_LOGIN, now_us - s->accepted_us);
}

static entrasql_status step_login(session *s, entrasql_error *err)
{
    entrasql_error why;
    entrasql_status status = relay_login_step(s->login, &s->upstream, &why);
    if (status == ENTRASQL_AGAIN) {
        status = relay_accept_step(s->accept, err);
        return status == ENTRASQL_OK ? ENTRASQL_AGAIN : status;
    }
    relay_login_free(s->login);
    s->login = NULL;
    if (status != ENTRASQL_OK) {
        proxy_stats_count(s->service->stats, PROXY_COUNT_UPSTREAM_FAILURES, 1);
        return refuse(s, &why, err);
    }
    count_login(s);
    ES_LOG(INFO, "proxy", "login accepted", ES_KV_I64("conn", (int64_t)s->number),
           ES_KV_STR("server", s->upstream.server_host),
           ES_KV_STR("database", s->upstream.database));
    tds_server_accept_options answer = {.response = &s->upstream.response};
    s->at = PHASE_ANSWER;
    return tds_server_accept(relay_accept_server(s->accept), &answer, err);
}

static entrasql_status start_passing(session *s, entrasql_error *err)
{
    relay_stream *client = relay_accept_take(s->accept);
    if (relay_pump_new(client, s->upstream.stream, &s->pump) != ENTRASQL_OK) {
        relay_stream_free(client);
        return es_nomem(err);
    }
    s->upstream.stream = NULL;
    relay_session_done(&s->upstream);
    relay_accept_free(s->accept);
    s->accept = NULL;
    s->at = PHASE_PASSING;
    loop_task_settle(s->task);
    return ENTRASQL_OK;
}

static entrasql_status step_answer(session *s, entrasql_error *err)
{
    ES_TRY(relay_accept_step(s->accept, err));
    if (s->is_refused)
        return es_fail(err, ENTRASQL_LOGIN_FAILED, "the client was refused");
    return start_passing(s, err);
}

static entrasql_status step_passing(session *s, entrasql_error *err)
{
    entrasql_status status = relay_pump_step(s->pump, err);
    uint64_t from_client = 0;
    uint64_t from_server = 0;
    relay_pump_passed(s->pump, &from_client, &from_server);
    proxy_stats_count(s->service->stats, PROXY_COUNT_BYTES_FROM_CLIENT,
                      from_client - s->from_client);
    proxy_stats_count(s->service->stats, PROXY_COUNT_BYTES_FROM_SERVER,
                      from_server - s->from_server);
    s->from_client = from_client;
    s->from_server = from_server;
    return status;
}

/* ---- the task ---- */

static bool session_step(void *ctx)
{
    session *s = ctx;
    entrasql_error err;
    for (;;) {
        entrasql_status status = ENTRASQL_OK;
        switch (s->at) {
        case PHASE_ACCEPT:
            status = step_accept(s, &err);
            break;
        case PHASE_LOGIN:
            status = step_login(s, &err);
            break;
        case PHASE_ANSWER:
            status = step_answer(s, &err);
            break;
        case PHASE_PASSING:
            status = step_passing(s, &err);
            if (status == ENTRASQL_OK) {
                log_end(s, status, NULL);
                return false;
            }
            break;
        }
        if (status == ENTRASQL_AGAIN)
            return true;
        if (status != ENTRASQL_OK) {
            log_end(s, status, &err);
            return false;
        }
    }
}

static entrasql_status session_wants(void *ctx, os_wait *w)
{
    session *s = ctx;
    if (s->at == PHASE_PASSING)
        return relay_pump_wants(s->pump, w);
    if (s->at == PHASE_LOGIN)
        ES_TRY(relay_login_wants(s->login, w));
    return relay_accept_wants(s->accept, w);
}

static void session_end(void *ctx)
{
    session *s = ctx;
    relay_pump_free(s->pump);
    relay_login_free(s->login);
    relay_session_done(&s->upstream);
    relay_accept_free(s->accept);
    es_free(s->refusal);
    proxy_stats_gauge(s->service->stats, PROXY_GAUGE_CLIENTS, -1);
    if (s->has_server)
        proxy_stats_gauge(s->service->stats, PROXY_GAUGE_SERVERS, -1);
    s->service->ended(s->service->ended_ctx);
    es_free(s);
}

static const loop_task_class session_class = {session_wants, session_step, session_end};

static entrasql_status prepare(session *s, int *fd, const entrasql_error *refusal,
                               entrasql_error *err)
{
    if (refusal != NULL) {
        s->refusal = es_memdup(refusal, sizeof *refusal);
        if (s->refusal == NULL)
            return es_nomem(err);
    }
    relay_accept_options options = {
        .tls_mode = TDS_SERVER_TLS_NONE,
        .deadline_ms = s->deadline_ms + ANSWER_MS,
    };
    ES_TRY(relay_accept_start(*fd, &options, &s->accept, err));
    *fd = -1;
    return ENTRASQL_OK;
}

entrasql_status proxy_session_start(loop *l, const proxy_service *service, int fd, uint64_t number,
                                    const entrasql_error *refusal, entrasql_error *err)
{
    session *s = es_calloc(1, sizeof *s);
    entrasql_status status = s != NULL ? ENTRASQL_OK : es_nomem(err);
    if (status == ENTRASQL_OK) {
        s->service = service;
        s->number = number;
        s->accepted_us = es_clock_mono_us();
        s->deadline_ms = es_clock_deadline(service->login_timeout_ms);
        status = prepare(s, &fd, refusal, err);
    }
    if (status == ENTRASQL_OK)
        status = loop_task_start(l, &session_class, s, &s->task, err);
    if (status == ENTRASQL_OK) {
        proxy_stats_gauge(service->stats, PROXY_GAUGE_CLIENTS, 1);
        proxy_stats_count(service->stats, PROXY_COUNT_CLIENTS, 1);
    }
    if (status != ENTRASQL_OK) {
        os_sock_close(&fd);
        if (s != NULL) {
            relay_accept_free(s->accept);
            es_free(s->refusal);
            es_free(s);
        }
    }
    return status;
}
