/* SPDX-License-Identifier: MIT */
/* The proxy's life: token, listeners, sessions, drain. */
#include "proxy/proxy.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "identity/claims.h"
#include "loop/loop.h"
#include "os/sock.h"
#include "proxy/session.h"
#include "relay/login.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEFAULT_LISTEN_PORT 1433
#define BACKLOG 512
/* After a failure to accept (no descriptors): how long the listener rests. */
#define ACCEPT_PAUSE_MS 200
#define ACCEPT_TURNS 64
/* What all sessions read into, one after the other. */
#define SCRATCH_BYTES ((size_t)64 * 1024)

typedef struct proxy proxy;

typedef struct listener {
    proxy *p;
    proxy_target target;
    proxy_service service;
    int fd;
    uint16_t port;
    int64_t rest_until_ms;
    loop_task *task; /* NULL: not started, or over */
} listener;

struct proxy {
    const proxy_options *options;
    uid_t own_uid;
    loop *l;
    listener listeners[PROXY_TARGETS_MAX];
    size_t listener_count;
    uint64_t connections;
    size_t sessions;
    proxy_stats_set *stats;
    relay_scratch *scratch;
    proxy_pools *pools;
    proxy_sessions all;
    bool is_draining;
    loop_task *drain;
    int64_t drain_until_ms;
};

/* ---- who may come in ---- */

static bool is_listed(const proxy *p, uid_t uid)
{
    if (uid == p->own_uid)
        return true;
    for (size_t i = 0; i < p->options->uid_count; i++)
        if (p->options->uids[i] == uid)
            return true;
    return false;
}

/* OK, or what to tell the client, and as what to count it. */
static entrasql_status may_enter(const proxy *p, int fd, proxy_refusal *ret_reason,
                                 entrasql_error *why)
{
    uid_t uid = 0;
    if (p->sessions >= p->options->max_clients) {
        es_fail(why, ENTRASQL_BUSY, "the entrasql proxy serves %u clients already, its limit",
                p->options->max_clients);
        es_hint(why, "raise --max-clients");
        *ret_reason = PROXY_REFUSED_LIMIT;
        return ENTRASQL_BUSY;
    }
    if (p->options->allow_any)
        return ENTRASQL_OK;
    *ret_reason = PROXY_REFUSED_UID;
    entrasql_status status = os_sock_peer_uid(fd, &uid, why);
    if (status != ENTRASQL_OK) {
        es_error_prefix(why, "the entrasql proxy cannot tell which user the client belongs to");
        return status;
    }
    if (is_listed(p, uid))
        return ENTRASQL_OK;
    es_fail(why, ENTRASQL_LOGIN_FAILED,
            "the entrasql proxy serves user %u and not user %u: it was started without "
            "--allow-uids %u",
            (unsigned)p->own_uid, (unsigned)uid, (unsigned)uid);
    return ENTRASQL_LOGIN_FAILED;
}

/* ---- listeners ---- */

static void admit(listener *ln, int fd)
{
    proxy *p = ln->p;
    entrasql_error err;
    entrasql_error why;
    proxy_refusal reason = PROXY_REFUSED_OTHER;
    bool is_welcome = may_enter(p, fd, &reason, &why) == ENTRASQL_OK;
    if (!is_welcome)
        proxy_stats_refusal(ln->service.stats, reason);
    if (proxy_session_start(p->l, &ln->service, fd, ++p->connections, is_welcome ? NULL : &why,
                            &err) == ENTRASQL_OK)
        p->sessions++;
    else
        ES_LOG(ERROR, "proxy", "no session for a connection", ES_KV_STR("why", err.message));
}

static bool listener_step(void *ctx)
{
    listener *ln = ctx;
    if (ln->p->is_draining)
        return false;
    if (es_clock_mono_ms() < ln->rest_until_ms)
        return true;
    for (int i = 0; i < ACCEPT_TURNS; i++) {
        entrasql_error err;
        int fd = -1;
        entrasql_status status = os_sock_accept(ln->fd, &fd, &err);
        if (status == ENTRASQL_AGAIN)
            break;
        if (status != ENTRASQL_OK) {
            ES_LOG(ERROR, "proxy", "accept failed", ES_KV_STR("why", err.message));
            ln->rest_until_ms = es_clock_deadline(ACCEPT_PAUSE_MS);
            break;
        }
        admit(ln, fd);
    }
    return true;
}

static entrasql_status listener_wants(void *ctx, os_wait *w)
{
    const listener *ln = ctx;
    if (es_clock_mono_ms() < ln->rest_until_ms) {
        os_wait_until(w, ln->rest_until_ms);
        return ENTRASQL_OK;
    }
    return os_wait_add(w, ln->fd, POLLIN);
}

static void listener_end(void *ctx)
{
    listener *ln = ctx;
    os_sock_close(&ln->fd);
    ln->task = NULL;
}

static const loop_task_class listener_class = {listener_wants, listener_step, listener_end};

/* ---- the end ---- */

static void stop_if_done(const proxy *p)
{
    if (p->is_draining && p->sessions == 0)
        loop_stop(p->l);
}

static void session_ended(void *ctx)
{
    proxy *p = ctx;
    p->sessions--;
    stop_if_done(p);
}

static bool drain_step(void *ctx)
{
    const proxy *p = ctx;
    if (es_clock_mono_ms() < p->drain_until_ms)
        return true;
    if (p->sessions > 0)
        ES_LOG(WARNING, "proxy", "sessions are cut off", ES_KV_I64("count", (int64_t)p->sessions));
    loop_stop(p->l);
    return false;
}

static entrasql_status drain_wants(void *ctx, os_wait *w)
{
    const proxy *p = ctx;
    os_wait_until(w, p->drain_until_ms);
    return ENTRASQL_OK;
}

static void drain_end(void *ctx)
{
    proxy *p = ctx;
    p->drain = NULL;
}

static const loop_task_class drain_class = {drain_wants, drain_step, drain_end};

static void on_signal(void *ctx, int number)
{
    proxy *p = ctx;
    ES_LOG(INFO, "proxy", "signal", ES_KV_I64("number", number),
           ES_KV_I64("sessions", (int64_t)p->sessions));
    if (p->is_draining) {
        loop_stop(p->l);
        return;
    }
    p->is_draining = true;
    for (size_t i = 0; i < p->listener_count; i++)
        if (p->listeners[i].task != NULL)
            loop_task_wake(p->listeners[i].task);
    p->drain_until_ms = es_clock_deadline(p->options->drain_ms);
    if (loop_task_start(p->l, &drain_class, p, &p->drain, NULL) != ENTRASQL_OK)
        loop_stop(p->l);
    stop_if_done(p);
}

/* ---- the beginning ---- */

/* The token of the first target: whoever the proxy is says so before anybody depends on it. */
static entrasql_status check_token(const proxy *p, entrasql_error *err)
{
    const proxy_options *o = p->options;
    entrasql_token *token = NULL;
    identity_claims claims;
    const entrasql_token_request request = {
        .size = sizeof request,
        .scope = relay_scope_for_host(p->listeners[0].target.host),
        .timeout_ms = o->login_timeout_ms,
    };
    ES_TRY(entrasql_credential_get_token(o->credential, &request, &token, err));
    entrasql_status status = identity_claims_read(entrasql_token_value(token), &claims, err);
    if (status == ENTRASQL_OK)
        (void)fprintf(o->out, "signed in by %s as %s (object id %s, tenant %s)\n",
                      entrasql_token_source(token),
                      claims.upn[0] != '\0' ? claims.upn : claims.appid, claims.oid, claims.tid);
    entrasql_token_free(token);
    return status;
}

static uint16_t choose_port(const proxy *p, size_t i)
{
    if (p->listeners[i].target.has_listen_port)
        return p->listeners[i].target.listen_port;
    return (uint16_t)(DEFAULT_LISTEN_PORT + i);
}

static entrasql_status open_listener(proxy *p, size_t i, entrasql_error *err)
{
    listener *ln = &p->listeners[i];
    tls_client_options options = {.ca_file = p->options->ca_file};
    ES_TRY(tls_client_context_new(&options, &ln->service.tls, err));
    ES_TRY(proxy_stats_of(p->stats, ln->target.text, &ln->service.stats, err));
    ln->service.target = &ln->target;
    ln->service.credential = p->options->credential;
    ln->service.pool = &p->options->pool;
    ln->service.pools = p->pools;
    ln->service.scratch = p->scratch;
    ln->service.sessions = &p->all;
    ln->service.login_timeout_ms = p->options->login_timeout_ms;
    ln->service.ended = session_ended;
    ln->service.ended_ctx = p;
    entrasql_status status = os_sock_listen_loopback(ln->target.listen_family, choose_port(p, i),
                                                     BACKLOG, &ln->fd, &ln->port, err);
    if (status != ENTRASQL_OK) {
        es_error_prefix(err, "target '%s'", ln->target.text);
        es_hint(err, "choose another port: %s?listen=PORT", ln->target.text);
        return status;
    }
    return loop_task_start(p->l, &listener_class, ln, &ln->task, err);
}

static entrasql_status parse_targets(proxy *p, entrasql_error *err)
{
    if (p->options->target_count == 0 || p->options->target_count > PROXY_TARGETS_MAX) {
        es_fail(err, ENTRASQL_INVALID, "the proxy takes 1 to %d targets", PROXY_TARGETS_MAX);
        es_hint(err, "entrasql proxy myserver.database.windows.net/mydb");
        return ENTRASQL_INVALID;
    }
    for (size_t i = 0; i < p->options->target_count; i++) {
        listener *ln = &p->listeners[i];
        ES_TRY(proxy_target_parse(p->options->targets[i], &ln->target, err));
        ln->p = p;
        ln->fd = -1;
        p->listener_count++;
    }
    return ENTRASQL_OK;
}

static void say_ready(const proxy *p)
{
    FILE *out = p->options->out;
    for (size_t i = 0; i < p->listener_count; i++) {
        const listener *ln = &p->listeners[i];
        (void)fprintf(out, "%s:%u -> %s,%u%s%s\n",
                      ln->target.listen_family == AF_INET6 ? "[::1]" : "127.0.0.1", ln->port,
                      ln->target.host, ln->target.port, ln->target.database != NULL ? " " : "",
                      ln->target.database != NULL ? ln->target.database : "");
    }
    if (p->options->allow_any)
        (void)fprintf(out, "WARNING: every user of this machine gets in (--allow any)\n");
    (void)fprintf(out, "ready for clients of user %u\n", (unsigned)p->own_uid);
    (void)fflush(out);
}

static entrasql_status start(proxy *p, entrasql_error *err)
{
    ES_TRY(parse_targets(p, err));
    ES_TRY(proxy_stats_set_new(&p->stats, err));
    ES_TRY(loop_new(&p->l, err));
    ES_TRY(loop_on_signal(p->l, SIGTERM, on_signal, p, err));
    ES_TRY(loop_on_signal(p->l, SIGINT, on_signal, p, err));
    if (relay_scratch_new(SCRATCH_BYTES, &p->scratch) != ENTRASQL_OK)
        return es_nomem(err);
    ES_TRY(proxy_pools_new(p->l, p->scratch, &proxy_session_pools_client, &p->pools, err));
    if (!p->options->skip_token_check)
        ES_TRY(check_token(p, err));
    for (size_t i = 0; i < p->listener_count; i++)
        ES_TRY(open_listener(p, i, err));
    say_ready(p);
    return ENTRASQL_OK;
}

static void release(proxy *p)
{
    p->is_draining = false; /* sessions that end now stop nothing */
    loop_free(p->l);
    proxy_pools_free(p->pools);
    relay_scratch_free(p->scratch);
    for (size_t i = 0; i < p->listener_count; i++) {
        os_sock_close(&p->listeners[i].fd);
        tls_context_unref(p->listeners[i].service.tls);
        proxy_target_done(&p->listeners[i].target);
    }
    proxy_stats_set_free(p->stats);
    es_free(p);
}

entrasql_status proxy_run(const proxy_options *options, entrasql_error *err)
{
    proxy *p = es_calloc(1, sizeof *p);
    if (p == NULL)
        return es_nomem(err);
    p->options = options;
    p->own_uid = geteuid();
    entrasql_status status = start(p, err);
    if (status == ENTRASQL_OK)
        status = loop_run(p->l, err);
    release(p);
    return status;
}
