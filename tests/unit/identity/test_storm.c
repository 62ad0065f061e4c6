/* SPDX-License-Identifier: MIT */
/*
 * identity: 64 threads ask one credential without pause while its tokens end
 * again and again. The endpoint sees one request an expiry, nobody gets a token that has
 * ended, and nobody fails. Run under the thread sanitizer too.
 */
#include "base/clock.h"
#include "common.h"
#include "identity/cache.h"
#include "server.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define THREADS 64
#define EXPIRIES 12
#define BURST 20
/* Rounds that every thread must have made before the next thing happens. */
#define SETTLED 3

static test_server *entra;

static struct storm {
    entrasql_credential *credential;
    atomic_bool may_end;
    atomic_uint rounds[THREADS];
    atomic_uint failures;
    atomic_uint stale;
    entrasql_error error; /* of the first failure */
} storm;

static void fail_once(const entrasql_error *err)
{
    if (atomic_fetch_add(&storm.failures, 1) == 0)
        storm.error = *err;
}

static void ask(void)
{
    const entrasql_token_request request = {.scope = ENTRASQL_SCOPE_SQL, .timeout_ms = 60000};
    entrasql_token *token;
    entrasql_error err;
    int64_t asked_at = es_clock_wall_s();
    if (entrasql_credential_get_token(storm.credential, &request, &token, &err) != ENTRASQL_OK) {
        fail_once(&err);
        return;
    }
    /* By the clock at the time of the question: it may have been moved since. */
    if (entrasql_token_expires_on(token) <= asked_at ||
        strcmp(entrasql_token_value(token), TOKEN) != 0)
        atomic_fetch_add(&storm.stale, 1);
    entrasql_token_free(token);
}

static void *ask_without_end(void *context)
{
    atomic_uint *rounds = context;
    while (!storm.may_end) {
        for (int i = 0; i < BURST; i++)
            ask();
        atomic_fetch_add(rounds, 1);
        /* The server has to have its turn on a small machine. */
        nanosleep(&(struct timespec){.tv_nsec = 500000}, NULL);
    }
    return NULL;
}

static void wait_until_settled(void)
{
    for (int i = 0; i < THREADS; i++) {
        unsigned until = storm.rounds[i] + SETTLED;
        while ((int)(storm.rounds[i] - until) < 0)
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}

static void begin_storm(pthread_t threads[THREADS])
{
    const entrasql_client_options options = {.authority_host = test_server_url(entra),
                                             .ca_file = test_server_ca_file(entra)};
    memset(&storm, 0, sizeof storm);
    assert_int_equal(entrasql_client_secret_credential_new(TENANT, CLIENT, SECRET, &options,
                                                           &storm.credential, NULL),
                     ENTRASQL_OK);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_without_end, &storm.rounds[i]), 0);
    wait_until_settled();
}

static void end_storm(pthread_t threads[THREADS])
{
    storm.may_end = true;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    if (storm.failures != 0)
        fail_msg("%u failures: %s", storm.failures, storm.error.message);
    assert_int_equal(storm.stale, 0);
    entrasql_credential_unref(storm.credential);
}

static void one_request_an_expiry(void **state)
{
    (void)state;
    static const test_answer script[] = {{.body = TOKEN_REPLY}};
    pthread_t threads[THREADS];
    test_server_play(entra, script, 1);
    begin_storm(threads);
    assert_int_equal(test_server_count(entra), 1);
    for (unsigned i = 1; i <= EXPIRIES; i++) {
        es_clock_shift(0, 3600);
        test_server_wait(entra, i + 1);
        wait_until_settled();
        assert_int_equal(test_server_count(entra), i + 1);
    }
    end_storm(threads);
    es_clock_shift(0, -3600 * EXPIRIES);
}

/* From its refresh time on a token is good while one caller fetches the next. */
static void one_request_a_refresh(void **state)
{
    (void)state;
    static const test_answer script[] = {
        {.body = "{\"access_token\":\"" TOKEN "\",\"expires_in\":7200,\"refresh_in\":3600}"}};
    pthread_t threads[THREADS];
    test_server_play(entra, script, 1);
    begin_storm(threads);
    for (unsigned i = 1; i <= EXPIRIES; i++) {
        es_clock_shift(0, 3601);
        test_server_wait(entra, i + 1);
        wait_until_settled();
        assert_int_equal(test_server_count(entra), i + 1);
    }
    end_storm(threads);
    es_clock_shift(0, -3601 * EXPIRIES);
}

/* A refresh that is refused costs one request each half minute, and nobody his token. */
static void one_request_a_failed_refresh(void **state)
{
    (void)state;
    static const test_answer script[] = {
        {.body = "{\"access_token\":\"" TOKEN "\",\"expires_in\":7200,\"refresh_in\":3600}"},
        {.status = 503}};
    pthread_t threads[THREADS];
    test_server_play(entra, script, 2);
    begin_storm(threads);
    es_clock_shift(0, 3601);
    for (unsigned i = 1; i <= EXPIRIES; i++) {
        test_server_wait(entra, i + 1);
        wait_until_settled();
        assert_int_equal(test_server_count(entra), i + 1);
        es_clock_shift(IDENTITY_REFRESH_EVERY_MS, 0);
    }
    end_storm(threads);
    es_clock_shift(0, -3601);
}

static int begin(void **state)
{
    entra = test_server_start(true);
    return common_setup(state);
}

static int end(void **state)
{
    test_server_stop(entra);
    return common_teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(one_request_an_expiry, common_clean),
        cmocka_unit_test_setup(one_request_a_refresh, common_clean),
        cmocka_unit_test_setup(one_request_a_failed_refresh, common_clean),
    };
    return cmocka_run_group_tests_name("identity storm", tests, begin, end);
}
