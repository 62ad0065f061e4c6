/* SPDX-License-Identifier: MIT */
/* Health paths, the heart beat, the service manager. */
#include "proxy/health.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "httpd/httpd.h"
#include "os/notify.h"
#include "proxy/metrics.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Who asks for health asks at once; others have not to wait for the silent. */
#define IDLE_TIMEOUT_S 5
#define BEAT_MS 1000
#define REASON_SIZE 96
#define STATUS_SIZE 160
#define URL_SIZE (OS_ADDRESS_TEXT_SIZE + 16)

struct proxy_health {
    proxy_health_options options;
    os_address address;
    httpd *http;
    char text[URL_SIZE];
    loop_task *task;
    os_notify *manager;
    int quit_fd; /* an HTTP thread asks the loop to end */
    /* read by HTTP threads */
    _Atomic bool is_started;
    _Atomic bool is_draining;
    _Atomic bool is_paused;
    _Atomic uint32_t max_clients;
    _Atomic int64_t beat_ms;
    /* the loop's */
    bool has_quit;
    int64_t next_beat_ms;
    int64_t beat_every_ms;
    char status[STATUS_SIZE]; /* as last told */
};

/* ---- what the paths say ---- */

static int64_t sum(const proxy_health *h, proxy_gauge gauge)
{
    int64_t n = 0;
    for (size_t i = 0; i < proxy_stats_targets(h->options.stats); i++)
        n += proxy_stats_level(proxy_stats_at(h->options.stats, i), gauge);
    return n;
}

static bool is_ready(const proxy_health *h, char why[REASON_SIZE])
{
    int64_t clients = sum(h, PROXY_GAUGE_ADMITTED);
    uint32_t max = atomic_load(&h->max_clients);
    if (!atomic_load(&h->is_started))
        (void)snprintf(why, REASON_SIZE, "starting");
    else if (atomic_load(&h->is_draining))
        (void)snprintf(why, REASON_SIZE, "ending: no new clients");
    else if (atomic_load(&h->is_paused))
        (void)snprintf(why, REASON_SIZE, "paused by an administrator");
    else if (max != 0 && clients >= (int64_t)max)
        (void)snprintf(why, REASON_SIZE, "full: %lld of %u clients", (long long)clients, max);
    else
        return true;
    return false;
}

static bool has_started(const proxy_health *h, char why[REASON_SIZE])
{
    (void)snprintf(why, REASON_SIZE, "starting");
    return atomic_load(&h->is_started);
}

/* Before it has started the loop does not run yet: that is /startup's business. */
static bool is_alive(const proxy_health *h, char why[REASON_SIZE])
{
    int64_t still_ms = es_clock_mono_ms() - atomic_load(&h->beat_ms);
    (void)snprintf(why, REASON_SIZE, "the loop stands still for %lld s",
                   (long long)(still_ms / 1000));
    return !atomic_load(&h->is_started) || still_ms < PROXY_HEALTH_STALL_MS;
}

static void say(httpd_response *response, unsigned status, const char *text)
{
    response->status = status;
    response->content_type = "text/plain; charset=utf-8";
    if (es_buf_printf(&response->body, "%s\n", text) != ENTRASQL_OK)
        response->status = 500;
}

static void answer_probe(const proxy_health *h, httpd_response *response,
                         bool (*probe)(const proxy_health *h, char why[REASON_SIZE]))
{
    char why[REASON_SIZE];
    if (probe(h, why))
        say(response, 200, "ok");
    else
        say(response, 503, why);
}

static void refuse_method(httpd_response *response, const char *allowed)
{
    char text[80];
    (void)snprintf(text, sizeof text, "this path takes %s only", allowed);
    say(response, 405, text);
    if (httpd_response_header(response, "Allow", allowed) != ENTRASQL_OK)
        response->status = 500;
}

/* The client has its answer: the end may take the service away. */
static void tell_loop_to_quit(void *ctx)
{
    static const uint64_t one = 1;
    const proxy_health *h = ctx;
    if (write(h->quit_fd, &one, sizeof one) != (ssize_t)sizeof one)
        ES_LOG(ERROR, "proxy", "the loop cannot be told to end");
}

/* Those who could send the signal as well. */
static bool may_quit(const proxy_health *h, const httpd_request *r, char why[REASON_SIZE])
{
    uid_t uid = 0;
    if (httpd_peer_uid(r, &uid, NULL) != ENTRASQL_OK) {
        (void)snprintf(why, REASON_SIZE, "it cannot be told which user asks: send it SIGTERM");
        return false;
    }
    (void)snprintf(why, REASON_SIZE, "only for the proxy's user %u and root, not for user %u",
                   (unsigned)h->options.own_uid, (unsigned)uid);
    return uid == 0 || uid == h->options.own_uid;
}

static void answer_quit(proxy_health *h, const httpd_request *r, httpd_response *response)
{
    char why[REASON_SIZE];
    if (!h->options.quit) {
        say(response, 404, "not enabled: start the proxy with --http-quit");
    } else if (!es_streq(httpd_method(r), "POST")) {
        refuse_method(response, "POST");
    } else if (!httpd_is_from_loopback(r)) {
        say(response, 403, "only from this machine, and as localhost");
    } else if (httpd_header(r, "Origin") != NULL) {
        /* A browser says so with every POST of a page (Fetch Standard, 3.2); the page needs no
         * leave. */
        say(response, 403, "not from a web page");
    } else if (!may_quit(h, r, why)) {
        say(response, 403, why);
    } else {
        say(response, 200, "ending");
        response->sent = tell_loop_to_quit;
        response->sent_ctx = h;
    }
}

static void answer(void *ctx, const httpd_request *r, httpd_response *response)
{
    proxy_health *h = ctx;
    static const struct {
        const char *path;
        bool (*probe)(const proxy_health *h, char why[REASON_SIZE]);
    } paths[] = {{"/startup", has_started},
                 {"/readiness", is_ready},
                 {"/liveness", is_alive},
                 {"/metrics", NULL}};
    size_t i = 0;
    if (es_streq(httpd_path(r), "/quitquitquit")) {
        answer_quit(h, r, response);
        return;
    }
    while (i < ES_COUNT_OF(paths) && !es_streq(httpd_path(r), paths[i].path))
        i++;
    if (i == ES_COUNT_OF(paths)) {
        say(response, 404, "paths: /startup /readiness /liveness /metrics /quitquitquit");
    } else if (!es_streq(httpd_method(r), "GET") && !es_streq(httpd_method(r), "HEAD")) {
        refuse_method(response, "GET, HEAD");
    } else if (paths[i].probe != NULL) {
        answer_probe(h, response, paths[i].probe);
    } else {
        char why[REASON_SIZE];
        response->content_type = PROXY_METRICS_CONTENT_TYPE;
        if (proxy_metrics_write(h->options.stats, is_ready(h, why), &response->body) != ENTRASQL_OK)
            response->status = 500;
    }
}

/* ---- the service manager ---- */

static void tell_status(proxy_health *h)
{
    char why[REASON_SIZE];
    char text[STATUS_SIZE];
    (void)snprintf(text, sizeof text, "STATUS=%s; %lld clients, %lld server connections",
                   is_ready(h, why) ? "ready" : why, (long long)sum(h, PROXY_GAUGE_ADMITTED),
                   (long long)sum(h, PROXY_GAUGE_SERVERS));
    if (es_streq(text, h->status))
        return;
    (void)snprintf(h->status, sizeof h->status, "%s", text);
    (void)os_notify_send(h->manager, text);
}

void proxy_health_started(proxy_health *h)
{
    atomic_store(&h->beat_ms, es_clock_mono_ms());
    atomic_store(&h->is_started, true);
    if (!os_notify_send(h->manager, "READY=1"))
        ES_LOG(WARNING, "proxy", "the service manager could not be told that the proxy is ready");
    tell_status(h);
}

void proxy_health_reloading(proxy_health *h, bool now)
{
    (void)os_notify_send(h->manager, now ? "RELOADING=1" : "READY=1");
}

void proxy_health_draining(proxy_health *h)
{
    atomic_store(&h->is_draining, true);
    (void)os_notify_send(h->manager, "STOPPING=1");
    tell_status(h);
}

void proxy_health_paused(proxy_health *h, bool now)
{
    atomic_store(&h->is_paused, now);
}

void proxy_health_max_clients(proxy_health *h, uint32_t max)
{
    atomic_store(&h->max_clients, max);
}

/* ---- the heart beat ---- */

static bool beat_step(void *ctx)
{
    proxy_health *h = ctx;
    uint64_t asked = 0;
    if (read(h->quit_fd, &asked, sizeof asked) == (ssize_t)sizeof asked && !h->has_quit) {
        h->has_quit = true;
        h->options.on_quit(h->options.ctx);
    }
    int64_t now = es_clock_mono_ms();
    atomic_store(&h->beat_ms, now);
    if (now < h->next_beat_ms)
        return true;
    h->next_beat_ms = now + h->beat_every_ms;
    if (h->manager != NULL) {
        if (os_notify_watchdog_ms(h->manager) > 0)
            (void)os_notify_send(h->manager, "WATCHDOG=1");
        tell_status(h);
    }
    return true;
}

static entrasql_status beat_wants(void *ctx, os_wait *w)
{
    const proxy_health *h = ctx;
    os_wait_until(w, h->next_beat_ms);
    return os_wait_add(w, h->quit_fd, POLLIN);
}

static void beat_end(void *ctx)
{
    proxy_health *h = ctx;
    h->task = NULL;
}

static const loop_task_class beat_class = {beat_wants, beat_step, beat_end};

/* ---- start and stop ---- */

/* With the port that the kernel chose in place of 0. */
static void set_text(proxy_health *h)
{
    char address[OS_ADDRESS_TEXT_SIZE];
    os_address_format(&h->address, address);
    char *colon = strrchr(address, ':');
    *colon = '\0';
    (void)snprintf(h->text, sizeof h->text, "http://%s:%u", address, httpd_port(h->http));
}

static entrasql_status start_http(proxy_health *h, entrasql_error *err)
{
    if (h->options.address == NULL)
        return ENTRASQL_OK;
    h->address = *h->options.address;
    httpd_options options = {
        .address = &h->address, .handler = answer, .ctx = h, .idle_timeout_s = IDLE_TIMEOUT_S};
    entrasql_status status = httpd_start(&options, &h->http, err);
    if (status == ENTRASQL_BUSY)
        es_hint(err, "choose another address with --http HOST:PORT");
    if (status == ENTRASQL_OK)
        set_text(h);
    return status;
}

static entrasql_status start(proxy_health *h, entrasql_error *err)
{
    h->quit_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (h->quit_fd < 0)
        return es_fail_errno(err, errno, "cannot make an event descriptor");
    ES_TRY(os_notify_open(&h->manager, err));
    /* systemd wants a beat at least twice in its interval. */
    int64_t watchdog_ms = os_notify_watchdog_ms(h->manager);
    h->beat_every_ms = watchdog_ms > 0 && watchdog_ms < 3 * BEAT_MS ? watchdog_ms / 3 + 1 : BEAT_MS;
    ES_TRY(start_http(h, err));
    /* Last: from here on the loop holds us. */
    return loop_task_start(h->options.loop, &beat_class, h, &h->task, err);
}

entrasql_status proxy_health_start(const proxy_health_options *options, proxy_health **ret,
                                   entrasql_error *err)
{
    proxy_health *h = es_calloc(1, sizeof *h);
    if (h == NULL)
        return es_nomem(err);
    h->options = *options;
    h->quit_fd = -1;
    entrasql_status status = start(h, err);
    if (status != ENTRASQL_OK) {
        proxy_health_stop(h);
        return status;
    }
    *ret = h;
    return ENTRASQL_OK;
}

void proxy_health_stop(proxy_health *h)
{
    if (h == NULL)
        return;
    httpd_stop(h->http);
    os_notify_close(h->manager);
    if (h->quit_fd >= 0)
        (void)close(h->quit_fd);
    es_free(h);
}

const char *proxy_health_text(const proxy_health *h)
{
    return h->text;
}

uint16_t proxy_health_port(const proxy_health *h)
{
    return h->http != NULL ? httpd_port(h->http) : 0;
}
