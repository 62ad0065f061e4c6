/* SPDX-License-Identifier: MIT */
/* proxy: counting on one thread, reading on another. */
#include "proxy/stats.h"

#include "base/error.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void times_fall_into_their_buckets(void **state)
{
    (void)state;
    proxy_stats_set *set = NULL;
    proxy_stats *s = NULL;
    proxy_stats_timing t;
    assert_int_equal(proxy_stats_set_new(&set, NULL), ENTRASQL_OK);
    assert_int_equal(proxy_stats_of(set, "a", &s, NULL), ENTRASQL_OK);
    proxy_stats_time(s, PROXY_TIME_LOGIN, 0);
    proxy_stats_time(s, PROXY_TIME_LOGIN, -5); /* a clock that went backwards */
    proxy_stats_time(s, PROXY_TIME_LOGIN, 100);
    proxy_stats_time(s, PROXY_TIME_LOGIN, 101);
    proxy_stats_time(s, PROXY_TIME_LOGIN, 30000000);
    proxy_stats_time(s, PROXY_TIME_LOGIN, 30000001);
    proxy_stats_timing_get(s, PROXY_TIME_LOGIN, &t);
    assert_int_equal(t.buckets[0], 3);
    assert_int_equal(t.buckets[1], 1);
    assert_int_equal(t.buckets[PROXY_STATS_BUCKETS - 1], 1);
    assert_int_equal(t.buckets[PROXY_STATS_BUCKETS], 1);
    assert_int_equal(t.count, 6);
    assert_int_equal(t.sum_us, 60000202);
    proxy_stats_timing_get(s, PROXY_TIME_WAIT, &t);
    assert_int_equal(t.count, 0);
    for (size_t i = 1; i < PROXY_STATS_BUCKETS; i++)
        assert_true(proxy_stats_bounds_us[i] > proxy_stats_bounds_us[i - 1]);
    proxy_stats_set_free(set);
}

static void targets_are_found_again_and_bounded(void **state)
{
    (void)state;
    proxy_stats_set *set = NULL;
    proxy_stats *first = NULL;
    proxy_stats *s = NULL;
    assert_int_equal(proxy_stats_set_new(&set, NULL), ENTRASQL_OK);
    assert_int_equal(proxy_stats_of(set, "t0", &first, NULL), ENTRASQL_OK);
    for (int i = 1; i < PROXY_STATS_TARGETS_MAX + 5; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "t%d", i);
        assert_int_equal(proxy_stats_of(set, name, &s, NULL), ENTRASQL_OK);
        proxy_stats_count(s, PROXY_COUNT_CLIENTS, 1);
    }
    assert_int_equal(proxy_stats_targets(set), PROXY_STATS_TARGETS_MAX);
    assert_int_equal(proxy_stats_counter(s, PROXY_COUNT_CLIENTS), 6);
    assert_int_equal(proxy_stats_of(set, "t0", &s, NULL), ENTRASQL_OK);
    assert_ptr_equal(s, first);
    assert_string_equal(proxy_stats_name(proxy_stats_at(set, 1)), "t1");
    proxy_stats_set_free(set);
}

static void errors_are_counted_by_number(void **state)
{
    (void)state;
    proxy_stats_set *set = NULL;
    proxy_stats *s = NULL;
    uint32_t number = 0;
    uint64_t count = 0;
    assert_int_equal(proxy_stats_set_new(&set, NULL), ENTRASQL_OK);
    assert_int_equal(proxy_stats_of(set, "a", &s, NULL), ENTRASQL_OK);
    assert_false(proxy_stats_error_at(s, 0, &number, &count));
    proxy_stats_error(s, 18456);
    proxy_stats_error(s, 40613);
    proxy_stats_error(s, 18456);
    assert_true(proxy_stats_error_at(s, 0, &number, &count));
    assert_int_equal(number, 18456);
    assert_int_equal(count, 2);
    for (uint32_t i = 0; i < PROXY_STATS_ERRORS_MAX; i++)
        proxy_stats_error(s, 50000 + i);
    assert_true(proxy_stats_error_at(s, PROXY_STATS_ERRORS_MAX, &number, &count));
    assert_int_equal(number, 0);
    assert_int_equal(count, 2);
    assert_false(proxy_stats_error_at(s, PROXY_STATS_ERRORS_MAX + 1, &number, &count));
    proxy_stats_set_free(set);
}

static void refusals_have_reasons(void **state)
{
    (void)state;
    static const struct {
        entrasql_status status;
        proxy_refusal reason;
    } cases[] = {
        {ENTRASQL_BUSY, PROXY_REFUSED_LIMIT},         {ENTRASQL_TIMEOUT, PROXY_REFUSED_TIMEOUT},
        {ENTRASQL_AUTH_FAILED, PROXY_REFUSED_TOKEN},  {ENTRASQL_UNAVAILABLE, PROXY_REFUSED_TOKEN},
        {ENTRASQL_NETWORK, PROXY_REFUSED_NETWORK},    {ENTRASQL_TLS, PROXY_REFUSED_NETWORK},
        {ENTRASQL_MALFORMED, PROXY_REFUSED_PROTOCOL}, {ENTRASQL_LOGIN_FAILED, PROXY_REFUSED_SERVER},
        {ENTRASQL_NOMEM, PROXY_REFUSED_OTHER},
    };
    for (size_t i = 0; i < ES_COUNT_OF(cases); i++) {
        entrasql_error why;
        (void)es_fail(&why, cases[i].status, "x");
        assert_int_equal(proxy_refusal_of(&why), cases[i].reason);
    }
    for (int i = 0; i < PROXY_REFUSALS; i++)
        assert_non_null(proxy_refusal_name((proxy_refusal)i));
    for (int i = 0; i < PROXY_PINS; i++)
        assert_non_null(proxy_pin_name((proxy_pin)i));
}

#define ROUNDS 20000

/* What a scrape does: every figure, while the writer goes on. */
static void *read_all(void *ctx)
{
    static char nameless[] = "an error without number";
    static char halves[] = "an identity of two halves";
    proxy_stats_set *set = ctx;
    uint64_t last = 0;
    while (last < ROUNDS) {
        proxy_stats_identity identity;
        for (size_t i = 0; i < proxy_stats_targets(set); i++) {
            const proxy_stats *s = proxy_stats_at(set, i);
            proxy_stats_timing t;
            uint32_t number = 0;
            uint64_t count = 0;
            proxy_stats_timing_get(s, PROXY_TIME_LOGIN, &t);
            for (size_t k = 0; proxy_stats_error_at(s, k, &number, &count); k++)
                if (number == 0 || proxy_stats_name(s)[0] != 't')
                    return nameless;
            last = proxy_stats_counter(s, PROXY_COUNT_CLIENTS);
        }
        for (size_t i = 0; proxy_stats_identity_at(set, i, &identity); i++)
            if (strcmp(identity.name, identity.source) != 0)
                return halves;
    }
    return NULL;
}

static void a_reader_sees_whole_figures(void **state)
{
    (void)state;
    proxy_stats_set *set = NULL;
    proxy_stats *s = NULL;
    pthread_t reader;
    void *complaint = NULL;
    assert_int_equal(proxy_stats_set_new(&set, NULL), ENTRASQL_OK);
    assert_int_equal(pthread_create(&reader, NULL, read_all, set), 0);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        char name[8];
        proxy_stats_identity identity = {.expires_on = i};
        (void)snprintf(name, sizeof name, "t%u", i * 4 / ROUNDS);
        assert_int_equal(proxy_stats_of(set, name, &s, NULL), ENTRASQL_OK);
        proxy_stats_time(s, PROXY_TIME_LOGIN, i);
        proxy_stats_error(s, 1 + i % 40);
        (void)snprintf(identity.name, sizeof identity.name, "id%u", i % 3);
        (void)snprintf(identity.source, sizeof identity.source, "id%u", i % 3);
        proxy_stats_token(set, &identity);
    }
    proxy_stats_count(s, PROXY_COUNT_CLIENTS, ROUNDS);
    assert_int_equal(pthread_join(reader, &complaint), 0);
    if (complaint != NULL)
        fail_msg("%s", (const char *)complaint);
    proxy_stats_set_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_fall_into_their_buckets),
        cmocka_unit_test(targets_are_found_again_and_bounded),
        cmocka_unit_test(errors_are_counted_by_number),
        cmocka_unit_test(refusals_have_reasons),
        cmocka_unit_test(a_reader_sees_whole_figures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
