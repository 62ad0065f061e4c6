/* SPDX-License-Identifier: MIT */
/* A client's login: who it is, whether there is room, where its answer comes from. */
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "proxy/operator.h"
#include "proxy/session_inner.h"
#include "proxy/tally.h"
#include "relay/session.h"

/* After the login's deadline: time to tell the client why. */
#define ANSWER_MS 2000

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

/* ---- all of it ---- */

entrasql_status proxy_session_login_step(proxy_session *s, entrasql_error *err)
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
    case PHASE_REST:
    case PHASE_WAIT_SERVER:
    case PHASE_PASSING:
    case PHASE_ADMIN:
    case PHASE_LINGER:
        break;
    }
    return es_fail(err, ENTRASQL_INTERNAL, "the login was stepped after its end");
}

entrasql_status proxy_session_login_wants(const proxy_session *s, os_wait *w)
{
    const entry *e = s->entry;
    if (s->at == PHASE_LOGIN)
        ES_TRY(relay_login_wants(e->login, w));
    else if (s->at == PHASE_WAIT_ANSWER || s->at == PHASE_PAUSED)
        os_wait_until(w, e->deadline_ms);
    else if (s->at == PHASE_QUEUE)
        os_wait_until(w, s->ticket.deadline_ms);
    return relay_accept_wants(e->accept, w);
}

void proxy_session_login_done(proxy_session *s)
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

entrasql_status proxy_session_login_start(proxy_session *s, int *fd, entrasql_error *err)
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
    proxy_peer_get(s->service->diag_fd, *fd, &e->peer);
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
