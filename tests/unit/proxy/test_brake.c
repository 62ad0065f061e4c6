/* SPDX-License-Identifier: MIT */
/* proxy: guessers are slowed down and nobody else; a flood of refusals is a few lines. */
#include "proxy/brake.h"
#include "proxy/quiet.h"

#include "base/clock.h"
#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static proxy_source address(unsigned n)
{
    char text[16];
    os_address a;
    (void)snprintf(text, sizeof text, "10.0.%u.%u", n / 256, n % 256);
    assert_int_equal(os_address_from_numeric(text, 1, &a, NULL), ENTRASQL_OK);
    return proxy_source_of_address(&a);
}

static void a_guesser_waits_and_nobody_else(void **state)
{
    (void)state;
    static proxy_brake b;
    proxy_source guesser = proxy_source_of_user(1001);
    proxy_source other = proxy_source_of_user(1002);
    unsigned judged = 0;
    b = (proxy_brake){0};
    for (unsigned ms = 0; ms < 10000; ms += 10) { /* as many at once as he likes */
        for (int i = 0; i < 50 && proxy_brake_wait_ms(&b, &guesser) == 0; i++) {
            proxy_brake_wrong(&b, &guesser);
            judged++;
        }
        assert_int_equal(proxy_brake_wait_ms(&b, &other), 0);
        es_clock_shift(10, 0);
    }
    unsigned most = PROXY_BRAKE_BURST + 10000 / PROXY_BRAKE_INTERVAL_MS + 1;
    assert_in_range(judged, most - 2, most);
    assert_in_range(proxy_brake_wait_ms(&b, &guesser), 0, PROXY_BRAKE_INTERVAL_MS);
    es_clock_shift(PROXY_BRAKE_INTERVAL_MS * (PROXY_BRAKE_BURST + 1), 0); /* all is forgotten */
    for (int i = 0; i < PROXY_BRAKE_BURST; i++) {
        assert_int_equal(proxy_brake_wait_ms(&b, &guesser), 0);
        proxy_brake_wrong(&b, &guesser);
    }
}

/* From more addresses than there is room for: the one that guesses most is not forgotten. */
static void the_worst_stay_known(void **state)
{
    (void)state;
    static proxy_brake b;
    proxy_source worst = address(9);
    b = (proxy_brake){0};
    for (int i = 0; i < PROXY_BRAKE_BURST + 20; i++)
        proxy_brake_wrong(&b, &worst);
    int64_t wait_ms = proxy_brake_wait_ms(&b, &worst);
    assert_true(wait_ms > 0);
    for (unsigned n = 0; n < 3 * PROXY_BRAKE_SOURCES; n++) {
        proxy_source s = address(1000 + n);
        proxy_brake_wrong(&b, &s);
        assert_int_equal(proxy_brake_wait_ms(&b, &s), 0);
    }
    assert_in_range(proxy_brake_wait_ms(&b, &worst), 1, wait_ms);
}

/* ---- the log ---- */

static size_t read_log(int fd, char *text, size_t size)
{
    ssize_t n = read(fd, text, size - 1);
    text[n > 0 ? n : 0] = '\0';
    return n > 0 ? (size_t)n : 0;
}

static bool stop(void *ctx)
{
    loop_stop(ctx);
    return false;
}

static entrasql_status at_once(void *ctx, os_wait *w)
{
    (void)ctx, (void)w;
    return ENTRASQL_OK;
}

static void nothing(void *ctx)
{
    (void)ctx;
}

static void many_refusals_are_counted(void **state)
{
    (void)state;
    static const loop_task_class stopper = {at_once, stop, nothing};
    proxy_quiet *q = NULL;
    loop *l = NULL;
    int ends[2];
    char text[4096];
    unsigned lines = 0;
    assert_int_equal(pipe(ends), 0);
    es_log_setup(ES_LOG_WARNING, ES_LOG_TEXT, ends[1]);
    assert_int_equal(loop_new(&l, NULL), ENTRASQL_OK);
    assert_int_equal(proxy_quiet_new(l, &q, NULL), ENTRASQL_OK);
    for (int i = 0; i < 332; i++)
        lines += proxy_quiet_may_log(q, PROXY_REFUSED_SECRET);
    assert_int_equal(lines, PROXY_QUIET_LINES);
    assert_true(proxy_quiet_may_log(q, PROXY_REFUSED_UID)); /* another reason has its own */
    es_clock_shift(PROXY_QUIET_MS, 0);
    /* The loop tells, when nobody else comes. */
    assert_int_equal(loop_task_start(l, &stopper, l, NULL, NULL), ENTRASQL_OK);
    assert_int_equal(loop_run(l, NULL), ENTRASQL_OK);
    assert_true(read_log(ends[0], text, sizeof text) > 0);
    assert_non_null(strstr(text, "more=312"));
    assert_non_null(strstr(text, "secret"));
    assert_true(proxy_quiet_may_log(q, PROXY_REFUSED_SECRET));
    for (int i = 0; i < 24; i++)
        lines += proxy_quiet_may_log(q, PROXY_REFUSED_UID);
    loop_free(l);
    proxy_quiet_free(q); /* tells what is left */
    es_log_setup(ES_LOG_NONE, ES_LOG_TEXT, STDERR_FILENO);
    assert_true(read_log(ends[0], text, sizeof text) > 0);
    assert_non_null(strstr(text, "more=4"));
    assert_non_null(strstr(text, "uid"));
    (void)close(ends[0]);
    (void)close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_guesser_waits_and_nobody_else),
        cmocka_unit_test(the_worst_stay_known),
        cmocka_unit_test(many_refusals_are_counted),
    };
    return cmocka_run_group_tests_name("proxy brake", tests, NULL, NULL);
}
