/* SPDX-License-Identifier: MIT */
/* The proxy's life: token, listeners, sessions, drain. */
#include "proxy/proxy.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "loop/loop.h"
#include "proxy/check.h"
#include "proxy/listener.h"
#include "proxy/operator.h"
#include "proxy/session.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

/* What all sessions read into, one after the other. */
#define SCRATCH_BYTES ((size_t)256 * 1024)

typedef struct proxy proxy;

/* A listener and the target that its clients get to. */
typedef struct door {
    proxy *p;
    proxy_service *service;
    proxy_listener *listener;
} door;

struct proxy {
    const proxy_config_source *source;
    FILE *out;
    proxy_config *config;
    uid_t own_uid;
    loop *l;
    door **doors;
    size_t door_count;
    uint64_t connections;
    size_t sessions;
    proxy_stats_set *stats;
    relay_scratch *scratch;
    proxy_pools *pools;
    proxy_sessions all;
    proxy_admission *admission;
    proxy_health *health;
    proxy_operator operation;
    bool is_draining;
    loop_task *drain;
    int64_t drain_until_ms;
};

/* ---- clients ---- */

static void session_ended(void *ctx);

static void accepted(void *ctx, int fd)
{
    const door *d = ctx;
    proxy *p = d->p;
    entrasql_error err;
    if (proxy_session_start(p->l, d->service, fd, ++p->connections, &err) == ENTRASQL_OK)
        p->sessions++;
    else
        ES_LOG(ERROR, "proxy", "no session for a connection", ES_KV_STR("why", err.message));
}

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

static void close_doors(proxy *p)
{
    for (size_t i = 0; i < p->door_count; i++) {
        proxy_listener_close(p->doors[i]->listener);
        proxy_service_unref(p->doors[i]->service);
        es_free(p->doors[i]);
    }
    p->door_count = 0;
}

static void begin_drain(proxy *p)
{
    p->is_draining = true;
    proxy_health_draining(p->health);
    close_doors(p);
    p->drain_until_ms = es_clock_deadline(p->config->ops.drain_ms);
    if (loop_task_start(p->l, &drain_class, p, &p->drain, NULL) != ENTRASQL_OK)
        loop_stop(p->l);
    stop_if_done(p);
}

static void on_signal(void *ctx, int number)
{
    proxy *p = ctx;
    ES_LOG(INFO, "proxy", "signal", ES_KV_I64("number", number),
           ES_KV_I64("sessions", (int64_t)p->sessions));
    if (p->is_draining)
        loop_stop(p->l);
    else
        begin_drain(p);
}

static void on_quit(void *ctx)
{
    proxy *p = ctx;
    ES_LOG(INFO, "proxy", "asked to end", ES_KV_I64("sessions", (int64_t)p->sessions));
    if (!p->is_draining)
        begin_drain(p);
}

/* ---- the beginning ---- */

static entrasql_status make_service(proxy *p, const proxy_target *t, proxy_service **ret,
                                    entrasql_error *err)
{
    proxy_service *v = es_calloc(1, sizeof *v);
    if (v == NULL)
        return es_nomem(err);
    *v = (proxy_service){
        .refs = 1,
        .config = proxy_config_ref(t->config),
        .target = t,
        .admission = p->admission,
        .admin = &p->operation,
        .own_uid = p->own_uid,
        .tls = t->tls,
        .pool = &t->pool,
        .pools = p->pools,
        .scratch = p->scratch,
        .sessions = &p->all,
        .login_timeout_ms = t->config->login_timeout_ms,
        .ended = session_ended,
        .ended_ctx = p,
    };
    *ret = v;
    return proxy_stats_of(p->stats, t->name, &v->stats, err);
}

static entrasql_status open_door(proxy *p, proxy_service *service, const proxy_address *address,
                                 entrasql_error *err)
{
    const proxy_target *t = service->target;
    door **doors = es_reallocarray(p->doors, p->door_count + 1, sizeof(door *));
    door *d = es_calloc(1, sizeof *d);
    if (doors != NULL)
        p->doors = doors;
    if (doors == NULL || d == NULL) {
        es_free(d);
        return es_nomem(err);
    }
    *d = (door){.p = p, .service = proxy_service_ref(service)};
    p->doors[p->door_count++] = d;
    const proxy_listener_options options = {
        .address = address, .mode = t->socket_mode, .accepted = accepted, .ctx = d};
    entrasql_status status = proxy_listener_open(&options, &d->listener, err);
    if (status == ENTRASQL_OK && proxy_listener_is_exposed(d->listener))
        status = proxy_config_check_exposed(t, proxy_listener_text(d->listener), err);
    if (status != ENTRASQL_OK) {
        es_error_prefix(err, "target '%s'", t->name);
        if (status == ENTRASQL_BUSY)
            es_hint(err,
                    "stop the program that listens there, or choose another address: "
                    "%s?listen=PORT",
                    t->name);
        return status;
    }
    return proxy_listener_start(d->listener, p->l, err);
}

static entrasql_status open_doors(proxy *p, entrasql_error *err)
{
    for (size_t i = 0; i < p->config->target_count; i++) {
        const proxy_target *t = &p->config->targets[i];
        proxy_service *service = NULL;
        entrasql_status status = make_service(p, t, &service, err);
        for (size_t k = 0; status == ENTRASQL_OK && k < t->listen_count; k++)
            status = open_door(p, service, &t->listens[k], err);
        proxy_service_unref(service);
        ES_TRY(status);
    }
    return ENTRASQL_OK;
}

static void say_ready(const proxy *p)
{
    bool is_open = false;
    for (size_t i = 0; i < p->door_count; i++) {
        const proxy_target *t = p->doors[i]->service->target;
        is_open = is_open || t->access.allow == PROXY_ALLOW_ANY;
        (void)fprintf(p->out, "%s -> %s,%u%s%s\n", proxy_listener_text(p->doors[i]->listener),
                      t->host, t->port, t->database != NULL ? " " : "",
                      t->database != NULL ? t->database : "");
    }
    if (proxy_health_port(p->health) != 0)
        (void)fprintf(p->out, "health and metrics: %s\n", proxy_health_text(p->health));
    if (is_open)
        (void)fprintf(p->out, "WARNING: every user of this machine gets in (--allow any)\n");
    (void)fprintf(p->out, "ready for clients of user %u\n", (unsigned)p->own_uid);
    (void)fflush(p->out);
}

/* "127.0.0.1:9090" */
static entrasql_status read_http_address(const char *text, os_address *ret, entrasql_error *err)
{
    proxy_address a;
    ES_TRY(proxy_address_parse(text, strlen(text), &a, err));
    entrasql_status status = ENTRASQL_CONFIG;
    if (a.kind == PROXY_ADDRESS_TCP)
        status = os_address_from_numeric(a.name, a.port, ret, err);
    else
        es_fail(err, status, "'%s' is no HOST:PORT", a.text);
    proxy_address_done(&a);
    return status;
}

/* Health paths first: they say "starting" while the rest starts. */
static entrasql_status start_operation(proxy *p, entrasql_error *err)
{
    const char *http = p->config->ops.http_address;
    os_address address;
    proxy_health_options options = {
        .loop = p->l,
        .stats = p->stats,
        .address = http != NULL ? &address : NULL,
        .quit = p->config->ops.http_quit,
        .on_quit = on_quit,
        .ctx = p,
    };
    entrasql_status status = http != NULL ? read_http_address(http, &address, err) : ENTRASQL_OK;
    if (status == ENTRASQL_OK)
        status = proxy_health_start(&options, &p->health, err);
    if (status != ENTRASQL_OK) {
        es_error_prefix(err, "http");
        return status;
    }
    proxy_health_max_clients(p->health, p->config->max_clients);
    p->operation = (proxy_operator){
        .config = &p->config,
        .stats = p->stats,
        .pools = p->pools,
        .sessions = &p->all,
        .health = p->health,
        .own_uid = p->own_uid,
    };
    proxy_operator_init(&p->operation);
    return ENTRASQL_OK;
}

static entrasql_status start(proxy *p, entrasql_error *err)
{
    ES_TRY(proxy_config_load(p->source, NULL, &p->config, err));
    ES_TRY(proxy_stats_set_new(&p->stats, err));
    ES_TRY(loop_new(&p->l, err));
    ES_TRY(loop_on_signal(p->l, SIGTERM, on_signal, p, err));
    ES_TRY(loop_on_signal(p->l, SIGINT, on_signal, p, err));
    if (relay_scratch_new(SCRATCH_BYTES, &p->scratch) != ENTRASQL_OK)
        return es_nomem(err);
    ES_TRY(proxy_pools_new(p->l, p->scratch, &proxy_session_pools_client, &p->pools, err));
    ES_TRY(proxy_admission_new(&p->admission, err));
    proxy_admission_set_limits(p->admission, p->config);
    ES_TRY(start_operation(p, err));
    if (!p->config->ops.skip_token_check)
        ES_TRY(proxy_check_tokens(p->config, p->stats, p->out, err));
    if (p->config->ops.test_connection)
        ES_TRY(proxy_check_connections(p->config, p->out, err));
    ES_TRY(open_doors(p, err));
    say_ready(p);
    proxy_health_started(p->health);
    return ENTRASQL_OK;
}

static void release(proxy *p)
{
    p->is_draining = false; /* sessions that end now stop nothing */
    loop_free(p->l);
    proxy_health_stop(p->health);
    proxy_pools_free(p->pools);
    relay_scratch_free(p->scratch);
    proxy_admission_free(p->admission);
    close_doors(p);
    es_free(p->doors);
    proxy_config_unref(p->config);
    proxy_stats_set_free(p->stats);
    es_free(p);
}

entrasql_status proxy_run(const proxy_config_source *source, FILE *out, entrasql_error *err)
{
    proxy *p = es_calloc(1, sizeof *p);
    if (p == NULL)
        return es_nomem(err);
    p->source = source;
    p->out = out;
    p->own_uid = geteuid();
    entrasql_status status = start(p, err);
    if (status == ENTRASQL_OK)
        status = loop_run(p->l, err);
    release(p);
    return status;
}
