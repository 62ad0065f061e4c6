/* SPDX-License-Identifier: MIT */
/* A client's login: who it is, whether there is room, where its answer comes from. */
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/str.h"
#include "proxy/operator.h"
#include "proxy/session_inner.h"
#include "proxy/tally.h"
#include "relay/session.h"

#define MARS_ADVICE "; take MARS_Connection (MultipleActiveResultSets) out of the connection string"
/* After the login's deadline: time to tell the client why. */
#define ANSWER_MS 2000
/* The pool's login began a moment after the client's: when its own time is over, it knows why. */
#define REASON_MS 1000

static void log_refusal(const proxy_session *s, proxy_refusal reason, const entrasql_error *why)
{
    proxy_stats_refusal(s->service->stats, reason);
    if (!proxy_quiet_may_log(s->service->quiet, reason))
        return;
    ES_LOG(WARNING, "proxy", "client refused", ES_KV_I64("conn", (int64_t)s->number),
           ES_KV_STR("status", entrasql_status_name(why->status)), ES_KV_STR("why", why->message),
           ES_KV_STR("hint", why->hint));
}

static void note_refusal(const proxy_session *s, const entrasql_error *why)
{
    proxy_refusal reason = s->entry->grant.reason;
    log_refusal(s, reason != PROXY_REFUSED_OTHER ? reason : proxy_refusal_of(why), why);
}

static entrasql_status tell_refusal(proxy_session *s, const entrasql_error *why,
                                    entrasql_error *err)
{
    entry *e = s->entry;
    entrasql_error told;
    relay_refusal_from(why, &told);
    e->is_refused = true;
    s->at = PHASE_ANSWER;
    return tds_server_refuse(relay_accept_server(e->accept), &told, s->service->target->host, err);
}

static entrasql_status refuse(proxy_session *s, const entrasql_error *why, entrasql_error *err)
{
    note_refusal(s, why);
    return tell_refusal(s, why, err);
}

/* Meanwhile it is half open. Whoever guesses gains nothing by leaving before. */
static entrasql_status refuse_later(proxy_session *s, const entrasql_error *why,
                                    entrasql_error *err)
{
    entry *e = s->entry;
    note_refusal(s, why);
    e->refusal = es_memdup(why, sizeof *why);
    if (e->refusal == NULL)
        return es_nomem(err);
    e->until_ms = es_clock_deadline(PROXY_BRAKE_DELAY_MS);
    if (e->until_ms > e->deadline_ms)
        e->until_ms = e->deadline_ms;
    s->at = PHASE_DELAYED;
    return ENTRASQL_OK;
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

static bool has_mars(const proxy_session *s)
{
    return tds_server_has_mars(relay_accept_server(s->entry->accept));
}

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
    profile->mars = has_mars(s);
    e->login_us = es_clock_mono_us();
    entrasql_status status =
        proxy_profile_log_in(profile, s->service->warm, e->deadline_ms, &e->login, err);
    proxy_profile_free(profile);
    s->at = PHASE_LOGIN;
    return status;
}

/* Takes the profile in any case. */
static entrasql_status hold_pool(proxy_session *s, proxy_profile *profile, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf key = ES_BUF_INIT(0);
    bool is_new = false;
    entrasql_status status = proxy_profile_make_common(profile, &s->service->self, err);
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
        pool_set_target(s->pool, profile->target);
        pool_set_stats(s->pool, s->service->stats);
        pool_pause(s->pool, proxy_pauses_hold(s->service->pauses, s->service->target->name));
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

/* Who it is: OK, or what to tell the client. */
static entrasql_status decide(const proxy_session *s, entrasql_error *why)
{
    entry *e = s->entry;
    const proxy_service *v = s->service;
    const tds_login7 *login = tds_server_login(relay_accept_server(e->accept));
    if (!e->is_admin)
        return proxy_access_decide(v->target, &e->peer, v->own_uid, login, &e->grant, why);
    e->grant.by_secret = false;
    ES_TRY(proxy_access_check_encryption(v->target, &e->peer, &e->grant, why));
    return proxy_operator_admits(v->admin, &e->peer, login, &e->grant, why);
}

/* Whether there is room: OK, AGAIN, or what to tell the client. */
static entrasql_status may_enter(proxy_session *s, entrasql_error *why)
{
    entry *e = s->entry;
    const proxy_service *v = s->service;
    const tds_login7 *login = tds_server_login(relay_accept_server(e->accept));
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
    if (has_mars(s)) {
        es_fail(&why, ENTRASQL_UNSUPPORTED, "the proxy's own database has no MARS" MARS_ADVICE);
        e->grant.reason = PROXY_REFUSED_PROTOCOL;
        return refuse(s, &why, err);
    }
    ES_LOG(INFO, "proxy", "admin login accepted", ES_KV_I64("conn", (int64_t)s->number));
    proxy_admission_leave(s->service->admission, &s->ticket);
    s->at = PHASE_ANSWER;
    return tds_server_accept(engine, &options, err);
}

static bool is_paused(const proxy_session *s)
{
    return proxy_pauses_hold(s->service->pauses, s->service->target->name);
}

/* A connection of its own is made, when nobody has said PAUSE. */
static entrasql_status start_own(proxy_session *s, entrasql_error *err)
{
    if (!is_paused(s))
        return start_login(s, err);
    s->at = PHASE_PAUSED;
    return ENTRASQL_OK;
}

/* As long as a login may take nobody had a connection for it. */
static entrasql_status refuse_late(proxy_session *s, entrasql_error *err)
{
    entrasql_error why;
    if (is_paused(s)) {
        s->entry->grant.reason = PROXY_REFUSED_PAUSED;
        es_fail(&why, ENTRASQL_TIMEOUT, "the entrasql proxy is paused by an administrator");
        es_hint(&why, "RESUME in the proxy's database entrasql ends that");
    } else {
        es_fail(&why, ENTRASQL_TIMEOUT, "the entrasql proxy got no connection to %s in time",
                s->service->target->host);
        es_hint(&why,
                "entrasql doctor looks at the way there; --login-timeout of the proxy says how "
                "long a login may take");
    }
    return refuse(s, &why, err);
}

static entrasql_status step_paused(proxy_session *s, entrasql_error *err)
{
    entrasql_error why;
    if (!is_paused(s))
        return start_login(s, &why) == ENTRASQL_OK ? ENTRASQL_OK : refuse(s, &why, err);
    if (es_clock_mono_ms() >= s->entry->deadline_ms)
        return refuse_late(s, err);
    entrasql_status status = relay_accept_step(s->entry->accept, err);
    return status == ENTRASQL_OK ? ENTRASQL_AGAIN : status;
}

static entrasql_status begin(proxy_session *s, entrasql_error *err)
{
    const entry *e = s->entry;
    bool is_pooled = s->service->pool->on && e->own_token == NULL && !has_mars(s) &&
                     proxy_profile_is_poolable(tds_server_login(relay_accept_server(e->accept)));
    entrasql_error why;
    s->entry->grant.reason = PROXY_REFUSED_OTHER;
    if ((is_pooled ? enter_pool(s, &why) : start_own(s, &why)) != ENTRASQL_OK)
        return refuse(s, &why, err);
    return ENTRASQL_OK;
}

/* The client was told already that its protocol will not do. */
static entrasql_status refused_by_engine(proxy_session *s)
{
    log_refusal(s, PROXY_REFUSED_PROTOCOL,
                tds_server_refusal(relay_accept_server(s->entry->accept)));
    s->entry->is_refused = true;
    s->at = PHASE_ANSWER;
    return ENTRASQL_OK;
}

/* An alert of TLS has no words: they are in the log. */
static entrasql_status refused_tls(const proxy_session *s, entrasql_error *err)
{
    es_hint(err, "to take Encrypt=strict give the proxy --tls-certificate and --tls-key (entrasql "
                 "proxy init-tls makes them; --tls is off without); or Encrypt=no in the client");
    log_refusal(s, PROXY_REFUSED_PROTOCOL, err);
    return err->status;
}

static entrasql_status check_place(const proxy_session *s, entrasql_error *err)
{
    if (s->ticket.state != PROXY_TICKET_EVICTED)
        return ENTRASQL_OK;
    return es_fail(err, ENTRASQL_LIMIT,
                   "it had not logged in, and was the oldest of too many such "
                   "(--max-half-open), or the proxy ends");
}

static entrasql_status enter(proxy_session *s, entrasql_error *err)
{
    entry *e = s->entry;
    entrasql_error why;
    entrasql_status status = may_enter(s, &why);
    if (status != ENTRASQL_AGAIN)
        return status == ENTRASQL_OK ? begin(s, err) : refuse(s, &why, err);
    /* It hears in words that its login has no more time. */
    if (s->ticket.deadline_ms > e->deadline_ms)
        s->ticket.deadline_ms = e->deadline_ms;
    s->at = PHASE_QUEUE;
    return ENTRASQL_OK;
}

static entrasql_status judge(proxy_session *s, entrasql_error *err)
{
    entry *e = s->entry;
    proxy_brake *brake = s->service->brake;
    entrasql_error why;
    int64_t wait_ms = proxy_brake_wait_ms(brake, &e->peer.source);
    entrasql_status status = decide(s, &why);
    if (e->grant.by_secret && wait_ms > 0) {
        /* Of those who wait any may be the next: none is first by being many. */
        wait_ms += (int64_t)es_random_below(PROXY_BRAKE_INTERVAL_MS);
        e->until_ms = es_clock_deadline(wait_ms);
        s->at = PHASE_BRAKED;
        return ENTRASQL_OK;
    }
    if (status != ENTRASQL_OK && e->grant.by_secret) {
        proxy_brake_wrong(brake, &e->peer.source);
        return refuse_later(s, &why, err);
    }
    if (status != ENTRASQL_OK)
        return refuse(s, &why, err);
    return e->is_admin ? enter_admin(s, err) : enter(s, err);
}

static entrasql_status step_accept(proxy_session *s, entrasql_error *err)
{
    entry *e = s->entry;
    ES_TRY(check_place(s, err));
    entrasql_status status = relay_accept_step(e->accept, err);
    /* Before its login is whole there is nobody to tell why. */
    if (status == ENTRASQL_AGAIN && es_clock_mono_ms() >= e->deadline_ms)
        return es_fail(err, ENTRASQL_TIMEOUT, "the client did not finish its login in time");
    if (status == ENTRASQL_UNSUPPORTED && relay_accept_is_strict(e->accept))
        return refused_tls(s, err);
    ES_TRY(status);
    const tds_server *engine = relay_accept_server(e->accept);
    if (relay_accept_state(e->accept) == RELAY_ACCEPT_REFUSED)
        return refused_by_engine(s);
    s->login_name = es_strdup(tds_server_login(engine)->user_name);
    s->has_known_peer = e->peer.is_known;
    e->peer.is_strict = relay_accept_is_strict(e->accept);
    e->is_admin = s->service->admin != NULL &&
                  es_strcaseeq(tds_server_login(engine)->database, PROXY_ADMIN_DATABASE);
    return judge(s, err);
}

/* Its time has not come. */
static entrasql_status stay(const proxy_session *s, entrasql_error *err)
{
    entrasql_status status = relay_accept_step(s->entry->accept, err);
    return status == ENTRASQL_OK ? ENTRASQL_AGAIN : status;
}

static entrasql_status step_braked(proxy_session *s, entrasql_error *err)
{
    entry *e = s->entry;
    entrasql_error why;
    ES_TRY(check_place(s, err));
    int64_t now = es_clock_mono_ms();
    if (now < e->until_ms && now < e->deadline_ms)
        return stay(s, err);
    if (now < e->deadline_ms)
        return judge(s, err);
    e->grant.reason = PROXY_REFUSED_SECRET;
    es_fail(&why, ENTRASQL_TIMEOUT,
            "the entrasql proxy gets so many wrong passwords from where this client comes (its "
            "user or address) that this one's turn did not come in time");
    es_hint(&why, "the proxy's log says who; the same client from elsewhere gets in");
    return refuse(s, &why, err);
}

static entrasql_status step_delayed(proxy_session *s, entrasql_error *err)
{
    ES_TRY(check_place(s, err));
    if (es_clock_mono_ms() < s->entry->until_ms)
        return stay(s, err);
    return tell_refusal(s, s->entry->refusal, err);
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

/* It was promised, and the server does not keep the promise. */
static entrasql_status refuse_mars(proxy_session *s, entrasql_error *err)
{
    entrasql_error why;
    s->entry->grant.reason = PROXY_REFUSED_SERVER;
    es_fail(&why, ENTRASQL_UNSUPPORTED, "the server does not grant MARS" MARS_ADVICE);
    return refuse(s, &why, err);
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
    proxy_tally_login(stats, e->grant.identity != NULL ? e->grant.identity->name : "", &e->upstream,
                      es_clock_mono_us() - e->login_us);
    if (has_mars(s) && !e->upstream.has_mars)
        return refuse_mars(s, err);
    proxy_stats_gauge(stats, PROXY_GAUGE_SERVERS, 1);
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
    if (es_clock_mono_ms() >= e->deadline_ms + REASON_MS) {
        pool_leave(&s->waiter);
        return refuse_late(s, err);
    }
    entrasql_status status = relay_accept_step(e->accept, err);
    return status == ENTRASQL_OK ? ENTRASQL_AGAIN : status;
}

entrasql_status proxy_session_login_refuse(proxy_session *s, const entrasql_error *why,
                                           entrasql_error *err)
{
    pool_leave(&s->waiter);
    relay_login_free(s->entry->login);
    s->entry->login = NULL;
    return refuse(s, why, err);
}

/* ---- all of it ---- */

entrasql_status proxy_session_login_step(proxy_session *s, entrasql_error *err)
{
    switch ((phase)s->at) {
    case PHASE_ACCEPT:
        return step_accept(s, err);
    case PHASE_BRAKED:
        return step_braked(s, err);
    case PHASE_DELAYED:
        return step_delayed(s, err);
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
    else if (s->at == PHASE_WAIT_ANSWER)
        os_wait_until(w, e->deadline_ms + REASON_MS);
    else if (s->at == PHASE_ACCEPT || s->at == PHASE_PAUSED)
        os_wait_until(w, e->deadline_ms);
    else if (s->at == PHASE_BRAKED || s->at == PHASE_DELAYED)
        os_wait_until(w, e->until_ms < e->deadline_ms ? e->until_ms : e->deadline_ms);
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
    es_free(e->refusal);
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
    if (!proxy_access_may_come(t, &e->peer, s->service->own_uid))
        e->peer.source = (proxy_source){.kind = PROXY_SOURCE_STRANGERS};
    relay_accept_options options = {
        .tls = t->client_tls_context,
        .tls_mode = modes[t->client_tls],
        .allow_strict = t->client_tls != PROXY_TLS_OFF,
        .offers_mars = true,
        .deadline_ms = e->deadline_ms + ANSWER_MS,
    };
    ES_TRY(relay_accept_start(*fd, &options, &e->accept, err));
    *fd = -1;
    return ENTRASQL_OK;
}
