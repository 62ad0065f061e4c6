/* SPDX-License-Identifier: MIT */
/* The proxy's life: token, listeners, sessions, drain. */
#include "proxy/proxy.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "loop/loop.h"
#include "os/sock.h"
#include "proxy/check.h"
#include "proxy/doors.h"
#include "proxy/names.h"
#include "proxy/operator.h"
#include "proxy/session.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* What all sessions read into, one after the other. */
#define SCRATCH_BYTES ((size_t)256 * 1024)
/* Beyond the time that a session has to take its last message. */
#define CUT_OFF_MS 500

typedef struct proxy proxy;

struct proxy {
    const proxy_config_source *source;
    FILE *out;
    proxy_config *config;
    uid_t own_uid;
    int diag_fd; /* see os_sock_peer_uid_by() */
    loop *l;
    proxy_doors *doors;
    uint64_t connections;
    size_t sessions;
    proxy_stats_set *stats;
    relay_scratch *scratch;
    proxy_pools *pools;
    proxy_warm *warm;
    proxy_pauses pauses;
    proxy_sessions all;
    proxy_admission *admission;
    proxy_brake brake;
    proxy_quiet *quiet;
    proxy_health *health;
    proxy_operator operation;
    bool is_draining;
    loop_task *drain;
    int64_t drain_until_ms;
    bool is_cutting_off; /* sessions were told that they end */
};

/* ---- clients ---- */

static void session_ended(void *ctx);

static void accepted(void *ctx, proxy_service *service, int fd)
{
    proxy *p = ctx;
    entrasql_error err;
    if (proxy_session_start(p->l, service, fd, ++p->connections, &err) == ENTRASQL_OK)
        p->sessions++;
    else
        ES_LOG(ERROR, "proxy", "no session for a connection", ES_KV_STR("why", err.message));
}

/* What the sessions of a target share. */
static entrasql_status make_service(void *ctx, const proxy_target *t, proxy_service **ret,
                                    entrasql_error *err)
{
    proxy *p = ctx;
    proxy_stats *stats = NULL;
    ES_TRY(proxy_stats_of(p->stats, t->name, &stats, err));
    proxy_service *v = es_calloc(1, sizeof *v);
    if (v == NULL)
        return es_nomem(err);
    *v = (proxy_service){
        .refs = 1,
        .config = proxy_config_ref(t->config),
        .target = t,
        .stats = stats,
        .admission = p->admission,
        .brake = &p->brake,
        .quiet = p->quiet,
        .admin = &p->operation,
        .own_uid = p->own_uid,
        .diag_fd = &p->diag_fd,
        .tls = t->tls,
        .pool = &t->pool,
        .pools = p->pools,
        .warm = p->warm,
        .pauses = &p->pauses,
        .scratch = p->scratch,
        .sessions = &p->all,
        .login_timeout_ms = t->config->login_timeout_ms,
        .ended = session_ended,
        .ended_ctx = p,
    };
    proxy_self_get(&v->self);
    *ret = v;
    return ENTRASQL_OK;
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

/* Sessions are told, and get a moment to read it. */
static void cut_off(proxy *p)
{
    if (p->sessions > 0)
        ES_LOG(WARNING, "proxy", "sessions are cut off", ES_KV_I64("count", (int64_t)p->sessions));
    p->is_cutting_off = true;
    p->drain_until_ms = es_clock_deadline(PROXY_SESSION_LINGER_MS + CUT_OFF_MS);
    proxy_sessions_end(&p->all);
}

static bool drain_step(void *ctx)
{
    proxy *p = ctx;
    if (es_clock_mono_ms() < p->drain_until_ms)
        return true;
    if (!p->is_cutting_off) {
        cut_off(p);
        return true;
    }
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

static void begin_drain(proxy *p)
{
    p->is_draining = true;
    proxy_health_draining(p->health);
    proxy_doors_close(p->doors);
    proxy_admission_send_away(p->admission);
    proxy_warm_stop(p->warm);
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
    if (!p->is_draining) {
        begin_drain(p);
    } else if (!p->is_cutting_off) {
        cut_off(p);
        loop_task_wake(p->drain);
    } else {
        loop_stop(p->l);
    }
}

static void on_quit(void *ctx)
{
    proxy *p = ctx;
    ES_LOG(INFO, "proxy", "asked to end", ES_KV_I64("sessions", (int64_t)p->sessions));
    if (!p->is_draining)
        begin_drain(p);
}

/* ---- settings ---- */

/* What is not the targets' takes effect at once. */
static void use_config(proxy *p, proxy_config *config)
{
    proxy_config_unref(p->config);
    p->config = config;
    proxy_admission_set_limits(p->admission, config);
    if (config->has_log_level)
        es_log_setup(config->log_level, config->log_form, STDERR_FILENO);
}

/* The file is read anew; when anything in it is wrong all stays as it was. */
static entrasql_status reload(void *ctx, entrasql_error *err)
{
    proxy *p = ctx;
    proxy_config *config = NULL;
    if (p->is_draining)
        return es_fail(err, ENTRASQL_BUSY, "the proxy is about to end");
    proxy_health_reloading(p->health, true);
    entrasql_status status = proxy_config_load(p->source, p->config, &config, err);
    if (status == ENTRASQL_OK)
        status = proxy_doors_apply(p->doors, config, err);
    if (status == ENTRASQL_OK)
        status = proxy_warm_apply(p->warm, config, p->stats, err);
    if (status == ENTRASQL_OK) {
        use_config(p, config);
        proxy_operator_reloaded(&p->operation);
        proxy_health_max_clients(p->health, config->max_clients);
        ES_LOG(INFO, "proxy", "settings reloaded",
               ES_KV_I64("targets", (int64_t)config->target_count));
    } else {
        proxy_config_unref(config);
        ES_LOG(ERROR, "proxy", "settings not reloaded, the old ones stay",
               ES_KV_STR("why", err->message), ES_KV_STR("hint", err->hint));
    }
    proxy_health_reloading(p->health, false);
    return status;
}

static void on_hangup(void *ctx, int number)
{
    entrasql_error err;
    (void)number;
    (void)reload(ctx, &err);
}

/* ---- the beginning ---- */

/* As without a handler; the second line is for the first process of a container, which lives on. */
static void end_at_once(int number)
{
    (void)raise(number);
    _exit(128 + number);
}

/*
 * The loop does not run yet, and the checks wait for others: until there is something to drain or
 * to remove a signal ends the process, also where a shell has made it ignore SIGINT.
 */
static void end_by_signals(void)
{
    struct sigaction action = {.sa_handler = end_at_once,
                               .sa_flags = (int)SA_RESETHAND | SA_NODEFER};
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGINT, &action, NULL);
}

/* From here on nothing waits, and the loop finds what comes before it runs. */
static entrasql_status drain_by_signals(proxy *p, entrasql_error *err)
{
    ES_TRY(loop_on_signal(p->l, SIGTERM, on_signal, p, err));
    return loop_on_signal(p->l, SIGINT, on_signal, p, err);
}

/*
 * It has drained and ends well; who asks once more changes nothing. The loop gives its signals back
 * when it is freed: what came then would end the process as if it had failed. No other thread takes
 * them.
 */
static void block_signals(void)
{
    sigset_t both;
    (void)sigemptyset(&both);
    (void)sigaddset(&both, SIGTERM);
    (void)sigaddset(&both, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &both, NULL);
}

static void say_ready(const proxy *p)
{
    bool is_open = false;
    for (size_t i = 0; i < p->config->target_count; i++)
        is_open = is_open || p->config->targets[i].access.allow == PROXY_ALLOW_ANY;
    proxy_doors_print(p->doors, p->out);
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
        .own_uid = p->own_uid,
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
        .warm = p->warm,
        .pauses = &p->pauses,
        .sessions = &p->all,
        .health = p->health,
        .own_uid = p->own_uid,
        .reload = reload,
        .ctx = p,
    };
    proxy_operator_init(&p->operation);
    return ENTRASQL_OK;
}

/* Each client takes two descriptors; the soft limit is a habit of shells. */
static void raise_descriptor_limit(const proxy_config *config)
{
    struct rlimit limit;
    rlim_t wanted = (rlim_t)config->max_clients * 2 + config->max_half_open + 64;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
        return;
    ES_LOG(WARNING, "proxy", "descriptors may run out before --max-clients is reached",
           ES_KV_I64("limit", (int64_t)limit.rlim_cur), ES_KV_I64("wanted", (int64_t)wanted));
}

static entrasql_status make_parts(proxy *p, entrasql_error *err)
{
    ES_TRY(proxy_stats_set_new(&p->stats, err));
    ES_TRY(loop_new(&p->l, err));
    ES_TRY(loop_on_signal(p->l, SIGHUP, on_hangup, p, err));
    if (relay_scratch_new(SCRATCH_BYTES, &p->scratch) != ENTRASQL_OK)
        return es_nomem(err);
    ES_TRY(proxy_warm_new(p->l, &p->warm, err));
    ES_TRY(proxy_pools_new(p->l, p->scratch, p->warm, &proxy_session_pools_client, &p->pools, err));
    ES_TRY(proxy_admission_new(&p->admission, err));
    ES_TRY(proxy_quiet_new(p->l, &p->quiet, err));
    const proxy_doors_options doors = {
        .loop = p->l, .make_service = make_service, .accepted = accepted, .ctx = p};
    return proxy_doors_new(&doors, &p->doors, err);
}

static entrasql_status start(proxy *p, entrasql_error *err)
{
    proxy_config *config = NULL;
    ES_TRY(make_parts(p, err));
    ES_TRY(proxy_config_load(p->source, NULL, &config, err));
    use_config(p, config);
    raise_descriptor_limit(config);
    ES_TRY(start_operation(p, err));
    if (!p->config->ops.skip_token_check)
        ES_TRY(proxy_check_tokens(p->config, p->stats, p->out, err));
    if (p->config->ops.test_connection)
        ES_TRY(proxy_check_connections(p->config, p->out, err));
    ES_TRY(drain_by_signals(p, err));
    ES_TRY(proxy_doors_apply(p->doors, config, err));
    ES_TRY(proxy_warm_apply(p->warm, config, p->stats, err));
    ES_TRY(proxy_names_check(p->l, config, err));
    say_ready(p);
    proxy_health_started(p->health);
    return ENTRASQL_OK;
}

static void release(proxy *p)
{
    p->is_draining = false; /* sessions that end now stop nothing */
    if (p->pools != NULL)
        pool_set_close(proxy_pools_set(p->pools));
    loop_free(p->l);
    proxy_health_stop(p->health);
    proxy_pools_free(p->pools);
    proxy_warm_free(p->warm);
    proxy_pauses_done(&p->pauses);
    relay_scratch_free(p->scratch);
    proxy_admission_free(p->admission);
    proxy_quiet_free(p->quiet);
    proxy_doors_free(p->doors);
    proxy_config_unref(p->config);
    proxy_stats_set_free(p->stats);
    os_sock_close(&p->diag_fd);
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
    p->diag_fd = -1;
    es_log_never_wait(); /* one loop serves all clients */
    end_by_signals();
    entrasql_status status = start(p, err);
    if (status == ENTRASQL_OK)
        status = loop_run(p->l, err);
    block_signals();
    release(p);
    return status;
}
