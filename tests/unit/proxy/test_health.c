/* SPDX-License-Identifier: MIT */
/* proxy: what the health paths say of a loop that turns, stands still, drains, is full or paused.
 */
#include "proxy/health.h"

#include "base/buf.h"
#include "base/clock.h"
#include "http/http.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

typedef struct fixture {
    loop *l;
    proxy_stats_set *set;
    proxy_stats *stats;
    proxy_health *health;
    int quits;
} fixture;

static void on_quit(void *ctx)
{
    fixture *f = ctx;
    f->quits++;
    loop_stop(f->l);
}

static void set_up(fixture *f, bool quit)
{
    os_address address;
    entrasql_error err;
    *f = (fixture){0};
    assert_int_equal(os_address_from_numeric("127.0.0.1", 0, &address, &err), ENTRASQL_OK);
    assert_int_equal(loop_new(&f->l, &err), ENTRASQL_OK);
    assert_int_equal(proxy_stats_set_new(&f->set, &err), ENTRASQL_OK);
    assert_int_equal(proxy_stats_of(f->set, "t", &f->stats, &err), ENTRASQL_OK);
    const proxy_health_options options = {.loop = f->l,
                                          .stats = f->set,
                                          .address = &address,
                                          .quit = quit,
                                          .on_quit = on_quit,
                                          .ctx = f};
    assert_int_equal(proxy_health_start(&options, &f->health, &err), ENTRASQL_OK);
}

static void tear_down(fixture *f)
{
    loop_free(f->l);
    proxy_health_stop(f->health);
    proxy_stats_set_free(f->set);
}

/* The status; *part has to be in the body. */
static unsigned ask(const fixture *f, const char *method, const char *path, const char *part)
{
    char url[128];
    entrasql_error err;
    http_response response;
    (void)snprintf(url, sizeof url, "%s%s", proxy_health_text(f->health), path);
    const http_request request = {.method = method,
                                  .url = url,
                                  .body = strcmp(method, "POST") == 0 ? "" : NULL,
                                  .plain_allowed = true,
                                  .direct = true,
                                  .deadline_ms = es_clock_deadline(20000)};
    if (http_run(&request, &response, &err) != ENTRASQL_OK)
        fail_msg("%s: %s", url, err.message);
    const char *body = es_buf_cstr(&response.body);
    assert_non_null(body);
    if (strstr(body, part) == NULL)
        fail_msg("%s says '%s' and not '%s'", url, body, part);
    unsigned status = response.status;
    http_response_done(&response);
    return status;
}

static void readiness_follows_the_phases(void **state)
{
    (void)state;
    fixture f;
    set_up(&f, false);
    assert_int_equal(ask(&f, "GET", "/startup", "starting"), 503);
    assert_int_equal(ask(&f, "GET", "/readiness", "starting"), 503);
    assert_int_equal(ask(&f, "GET", "/liveness", "ok"), 200);
    proxy_health_max_clients(f.health, 2);
    proxy_health_started(f.health);
    assert_int_equal(ask(&f, "GET", "/startup", "ok"), 200);
    assert_int_equal(ask(&f, "GET", "/readiness", "ok"), 200);
    assert_int_equal(ask(&f, "GET", "/metrics", "entrasql_proxy_ready 1\n"), 200);
    /* Who has not logged in takes nobody's place. */
    proxy_stats_gauge(f.stats, PROXY_GAUGE_CLIENTS, 9);
    assert_int_equal(ask(&f, "GET", "/readiness", "ok"), 200);
    proxy_stats_gauge(f.stats, PROXY_GAUGE_ADMITTED, 2);
    assert_int_equal(ask(&f, "GET", "/readiness", "full: 2 of 2 clients"), 503);
    assert_int_equal(ask(&f, "GET", "/metrics", "entrasql_proxy_ready 0\n"), 200);
    proxy_stats_gauge(f.stats, PROXY_GAUGE_ADMITTED, -1);
    assert_int_equal(ask(&f, "GET", "/readiness", "ok"), 200);
    proxy_health_paused(f.health, true);
    assert_int_equal(ask(&f, "GET", "/readiness", "paused"), 503);
    proxy_health_paused(f.health, false);
    proxy_health_draining(f.health);
    assert_int_equal(ask(&f, "GET", "/readiness", "ending"), 503);
    assert_int_equal(ask(&f, "GET", "/startup", "ok"), 200);
    assert_int_equal(ask(&f, "POST", "/quitquitquit", "--http-quit"), 404);
    tear_down(&f);
}

static void liveness_notices_a_loop_that_stands_still(void **state)
{
    (void)state;
    fixture f;
    set_up(&f, false);
    proxy_health_started(f.health);
    assert_int_equal(ask(&f, "GET", "/liveness", "ok"), 200);
    es_clock_shift(PROXY_HEALTH_STALL_MS + 1000, 0); /* the loop is never run here */
    assert_int_equal(ask(&f, "GET", "/liveness", "stands still for 31 s"), 503);
    tear_down(&f);
}

static void *run_loop(void *ctx)
{
    const fixture *f = ctx;
    return loop_run(f->l, NULL) == ENTRASQL_OK ? NULL : ctx;
}

static void quit_reaches_the_loop_once(void **state)
{
    (void)state;
    fixture f;
    pthread_t thread;
    void *failed = NULL;
    set_up(&f, true);
    proxy_health_started(f.health);
    assert_int_equal(ask(&f, "GET", "/quitquitquit", "POST"), 405);
    assert_int_equal(ask(&f, "POST", "/quitquitquit", "ending"), 200);
    assert_int_equal(ask(&f, "POST", "/quitquitquit", "ending"), 200);
    assert_int_equal(pthread_create(&thread, NULL, run_loop, &f), 0);
    assert_int_equal(pthread_join(thread, &failed), 0);
    assert_null(failed);
    assert_int_equal(f.quits, 1);
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readiness_follows_the_phases),
        cmocka_unit_test(liveness_notices_a_loop_that_stands_still),
        cmocka_unit_test(quit_reaches_the_loop_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
