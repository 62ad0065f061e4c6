/* SPDX-License-Identifier: MIT */
/*
 * identity: the cache and the sharing of one fetch, with a custom credential
 * (its own rules too), and with operations on a scripted endpoint driven by hand.
 */
#include "base/clock.h"
#include "common.h"
#include "identity/cache.h"
#include "server.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- a source of tokens ---- */

static pthread_mutex_t source_mutex = PTHREAD_MUTEX_INITIALIZER;

static struct source {
    atomic_int calls;
    atomic_int freed;
    int64_t lifetime_s;
    entrasql_status fails; /* OK: gives a token */
    char scope[64];
    char tenant[64];
    char claims[64];
    uint32_t timeout_ms;
    bool cae;
} source;

static entrasql_status give(void *context, const entrasql_token_request *request,
                            entrasql_token **ret, entrasql_error *err)
{
    struct source *s = context;
    char value[32];
    int call = ++s->calls;
    /* Others come meanwhile. */
    sched_yield();
    pthread_mutex_lock(&source_mutex);
    snprintf(s->scope, sizeof s->scope, "%s", request->scope);
    snprintf(s->tenant, sizeof s->tenant, "%s",
             request->tenant_id != NULL ? request->tenant_id : "");
    snprintf(s->claims, sizeof s->claims, "%s", request->claims != NULL ? request->claims : "");
    s->timeout_ms = request->timeout_ms;
    s->cae = request->enable_cae;
    pthread_mutex_unlock(&source_mutex);
    if (s->fails != ENTRASQL_OK) {
        err->status = s->fails;
        snprintf(err->message, sizeof err->message, "no token today");
        return s->fails;
    }
    snprintf(value, sizeof value, "token-%d", call);
    *ret = entrasql_token_new(value, es_clock_wall_s() + s->lifetime_s);
    return *ret != NULL ? ENTRASQL_OK : ENTRASQL_NOMEM;
}

static void free_source(void *context)
{
    ((struct source *)context)->freed++;
}

static entrasql_credential *new_custom(int64_t lifetime_s)
{
    entrasql_credential *c;
    memset(&source, 0, sizeof source);
    source.lifetime_s = lifetime_s;
    assert_int_equal(entrasql_custom_credential_new("Mine", give, &source, free_source, &c, NULL),
                     ENTRASQL_OK);
    return c;
}

static entrasql_status ask(entrasql_credential *c, entrasql_token_request request, char *value)
{
    entrasql_token *token;
    entrasql_error err;
    if (request.scope == NULL)
        request.scope = ENTRASQL_SCOPE_SQL;
    value[0] = '\0';
    entrasql_status status = entrasql_credential_get_token(c, &request, &token, &err);
    if (status == ENTRASQL_OK) {
        snprintf(value, 32, "%s", entrasql_token_value(token));
        assert_string_equal(entrasql_token_source(token), "Mine");
        entrasql_token_free(token);
    }
    return status;
}

#define ASK(c, ...) ask((c), (entrasql_token_request){__VA_ARGS__}, value)

static void tokens_are_kept_by_scope_tenant_and_claims(void **state)
{
    (void)state;
    char value[32];
    entrasql_credential *c = new_custom(3600);
    assert_int_equal(ASK(c, .timeout_ms = 5000), ENTRASQL_OK);
    assert_string_equal(value, "token-1");
    assert_string_equal(source.scope, ENTRASQL_SCOPE_SQL);
    assert_in_range(source.timeout_ms, 1, 5000);
    assert_int_equal(ASK(c, .scope = ENTRASQL_SCOPE_ARM), ENTRASQL_OK);
    assert_string_equal(value, "token-2");
    assert_int_equal(ASK(c, .tenant_id = "t"), ENTRASQL_OK);
    assert_string_equal(value, "token-3");
    assert_string_equal(source.tenant, "t");
    assert_int_equal(ASK(c, .claims = "{}"), ENTRASQL_OK);
    assert_string_equal(value, "token-4");
    assert_string_equal(source.claims, "{}");
    /* It replaces the one that was challenged; the next challenge is asked for again. */
    assert_int_equal(ASK(c, .size = 0), ENTRASQL_OK);
    assert_string_equal(value, "token-4");
    assert_int_equal(ASK(c, .claims = "{}"), ENTRASQL_OK);
    assert_string_equal(value, "token-5");
    assert_int_equal(ASK(c, .tenant_id = "T"), ENTRASQL_OK);
    assert_string_equal(value, "token-3");
    assert_int_equal(ASK(c, .enable_cae = true), ENTRASQL_OK);
    assert_string_equal(value, "token-6");
    assert_true(source.cae);
    assert_int_equal(ASK(c, .size = 0), ENTRASQL_OK);
    assert_string_equal(value, "token-5");
    assert_int_equal(source.calls, 6);
    /* On demand a new one, which is then the kept one. */
    assert_int_equal(ASK(c, .refresh = true), ENTRASQL_OK);
    assert_string_equal(value, "token-7");
    assert_int_equal(ASK(c, .size = 0), ENTRASQL_OK);
    assert_string_equal(value, "token-7");
    assert_int_equal(source.freed, 0);
    entrasql_credential_unref(c);
    assert_int_equal(source.freed, 1);
}

static void tokens_near_their_end_are_not_used(void **state)
{
    (void)state;
    char value[32];
    entrasql_credential *c = new_custom(3600);
    assert_int_equal(ASK(c, .size = 0), ENTRASQL_OK);
    es_clock_shift(0, 3600 - IDENTITY_MIN_LEFT_S - 30);
    assert_int_equal(ASK(c, .size = 0), ENTRASQL_OK);
    assert_string_equal(value, "token-1");
    es_clock_shift(0, 30);
    assert_int_equal(ASK(c, .size = 0), ENTRASQL_OK);
    assert_string_equal(value, "token-2");
    /* One that is short-lived from birth is handed out and not kept. */
    source.lifetime_s = 200;
    assert_int_equal(ASK(c, .refresh = true), ENTRASQL_OK);
    assert_string_equal(value, "token-3");
    assert_int_equal(ASK(c, .size = 0), ENTRASQL_OK);
    assert_string_equal(value, "token-4");
    es_clock_shift(0, -(3600 - IDENTITY_MIN_LEFT_S));
    entrasql_credential_unref(c);
}

static void long_lived_tokens_are_refreshed_half_way(void **state)
{
    (void)state;
    char value[32];
    entrasql_credential *c = new_custom(86400);
    assert_int_equal(ASK(c, .size = 0), ENTRASQL_OK);
    es_clock_shift(0, 43100);
    assert_int_equal(ASK(c, .size = 0), ENTRASQL_OK);
    assert_string_equal(value, "token-1");
    es_clock_shift(0, 200);
    /* The refresh fails: the old token is good, and the next try not before 30 s. */
    source.fails = ENTRASQL_AUTH_FAILED;
    assert_int_equal(ASK(c, .size = 0), ENTRASQL_OK);
    assert_string_equal(value, "token-1");
    assert_int_equal(source.calls, 2);
    assert_int_equal(ASK(c, .size = 0), ENTRASQL_OK);
    assert_int_equal(source.calls, 2);
    es_clock_shift(IDENTITY_REFRESH_EVERY_MS, 30);
    assert_int_equal(ASK(c, .size = 0), ENTRASQL_OK);
    assert_string_equal(value, "token-1");
    assert_int_equal(source.calls, 3);
    /* Asked for a new one there is no falling back. */
    assert_int_equal(ASK(c, .refresh = true), ENTRASQL_AUTH_FAILED);
    es_clock_shift(IDENTITY_REFRESH_EVERY_MS, 30);
    source.fails = ENTRASQL_OK;
    assert_int_equal(ASK(c, .size = 0), ENTRASQL_OK);
    assert_string_equal(value, "token-5");
    /* Its own half life counts now. */
    assert_int_equal(ASK(c, .size = 0), ENTRASQL_OK);
    assert_int_equal(source.calls, 5);
    es_clock_shift(0, -43360);
    entrasql_credential_unref(c);
}

static void keys_have_a_limit(void **state)
{
    (void)state;
    char value[32];
    char scope[64];
    entrasql_credential *c = new_custom(3600);
    for (int i = 0; i < IDENTITY_MAX_KEYS; i++) {
        snprintf(scope, sizeof scope, "https://r%d/.default", i);
        assert_int_equal(ASK(c, .scope = scope), ENTRASQL_OK);
    }
    assert_int_equal(ASK(c, .scope = "https://r0/.default"), ENTRASQL_OK);
    assert_int_equal(source.calls, IDENTITY_MAX_KEYS);
    /* One more: the least recently used, r1, makes room. */
    assert_int_equal(ASK(c, .scope = "https://more/.default"), ENTRASQL_OK);
    assert_int_equal(ASK(c, .scope = "https://r0/.default"), ENTRASQL_OK);
    assert_int_equal(source.calls, IDENTITY_MAX_KEYS + 1);
    assert_int_equal(ASK(c, .scope = "https://r1/.default"), ENTRASQL_OK);
    assert_int_equal(source.calls, IDENTITY_MAX_KEYS + 2);
    entrasql_credential_unref(c);
}

/* ---- what a custom function may do ---- */

static entrasql_status misbehave(void *context, const entrasql_token_request *request,
                                 entrasql_token **ret, entrasql_error *err)
{
    (void)request;
    (void)err;
    int kind = *(int *)context;
    if (kind == 1)
        *ret = entrasql_token_new("", 4102444800);
    return kind == 2 ? ENTRASQL_AGAIN : kind == 3 ? (entrasql_status)9999 : ENTRASQL_OK;
}

static void bad_functions_are_failures(void **state)
{
    (void)state;
    entrasql_credential *c;
    for (int kind = 0; kind < 4; kind++) {
        entrasql_error err;
        assert_int_equal(entrasql_custom_credential_new("Bad", misbehave, &kind, NULL, &c, NULL),
                         ENTRASQL_OK);
        common_expect_failure(c, ENTRASQL_AUTH_FAILED, &err);
        common_expect_words(&err, "Bad");
        entrasql_credential_unref(c);
    }
    assert_int_equal(entrasql_custom_credential_new("", misbehave, NULL, NULL, &c, NULL),
                     ENTRASQL_INVALID);
    assert_int_equal(entrasql_custom_credential_new("X", NULL, NULL, NULL, &c, NULL),
                     ENTRASQL_INVALID);
    assert_null(entrasql_token_new(NULL, 1));
}

static void failure_of_a_function_is_passed_on(void **state)
{
    (void)state;
    entrasql_error err;
    entrasql_credential *c = new_custom(3600);
    source.fails = ENTRASQL_UNAVAILABLE;
    common_expect_failure(c, ENTRASQL_UNAVAILABLE, &err);
    assert_int_equal(err.error_class, ENTRASQL_CLASS_AUTH);
    assert_string_equal(err.message, "no token today");
    entrasql_credential_unref(c);
}

/* ---- sharing, step by step ---- */

static test_server *entra;

static entrasql_credential *new_client_secret(void)
{
    const entrasql_client_options options = {.authority_host = test_server_url(entra),
                                             .ca_file = test_server_ca_file(entra)};
    entrasql_credential *c;
    assert_int_equal(
        entrasql_client_secret_credential_new(TENANT, CLIENT, SECRET, &options, &c, NULL),
        ENTRASQL_OK);
    return c;
}

static entrasql_token_operation *start(entrasql_credential *c, uint32_t timeout_ms)
{
    entrasql_token_operation *op;
    const entrasql_token_request request = {.scope = ENTRASQL_SCOPE_SQL, .timeout_ms = timeout_ms};
    assert_int_equal(entrasql_credential_start(c, &request, &op, NULL), ENTRASQL_OK);
    return op;
}

static entrasql_status finish(entrasql_token_operation *op, entrasql_error *err)
{
    entrasql_token *token = NULL;
    entrasql_status status;
    while ((status = entrasql_token_operation_step(op, &token, err)) == ENTRASQL_AGAIN) {
        struct pollfd fds[16];
        int timeout_ms;
        size_t n = entrasql_token_operation_poll(op, fds, 16, &timeout_ms);
        assert_true(poll(fds, n, timeout_ms) >= 0);
    }
    entrasql_token_free(token);
    entrasql_token_operation_free(op);
    return status;
}

/* Steps until the request is at the server. */
static void send_it(entrasql_token_operation *op)
{
    entrasql_token *token;
    while (test_server_count(entra) == 0) {
        struct pollfd fds[16];
        int timeout_ms;
        assert_int_equal(entrasql_token_operation_step(op, &token, NULL), ENTRASQL_AGAIN);
        size_t n = entrasql_token_operation_poll(op, fds, 16, &timeout_ms);
        assert_true(poll(fds, n, timeout_ms >= 0 && timeout_ms < 5 ? timeout_ms : 5) >= 0);
    }
}

static bool has_news(entrasql_token_operation *op)
{
    struct pollfd fds[16];
    int timeout_ms;
    size_t n = entrasql_token_operation_poll(op, fds, 16, &timeout_ms);
    assert_int_equal(n, 1);
    assert_true(timeout_ms > 0);
    return poll(fds, n, 0) == 1;
}

static void waiters_share_the_result(void **state)
{
    (void)state;
    static const test_answer script[] = {{.act = TEST_SLOW, .body = TOKEN_REPLY}};
    entrasql_error err;
    entrasql_token *token;
    test_server_play(entra, script, 1);
    entrasql_credential *c = new_client_secret();
    entrasql_token_operation *owner = start(c, 0);
    entrasql_token_operation *waiter = start(c, 0);
    entrasql_token_operation *other = start(c, 0);
    send_it(owner);
    assert_int_equal(entrasql_token_operation_step(waiter, &token, &err), ENTRASQL_AGAIN);
    assert_false(has_news(waiter));
    test_server_release(entra);
    assert_int_equal(finish(owner, &err), ENTRASQL_OK);
    assert_true(has_news(waiter));
    assert_int_equal(finish(waiter, &err), ENTRASQL_OK);
    assert_int_equal(finish(other, &err), ENTRASQL_OK);
    assert_int_equal(test_server_count(entra), 1);
    entrasql_credential_unref(c);
}

static void waiters_share_a_failure_and_later_callers_do_not(void **state)
{
    (void)state;
    static const test_answer script[] = {
        {.act = TEST_SLOW, .status = 400, .body = "{\"error\":\"x\",\"error_codes\":[700016]}"},
        {.body = TOKEN_REPLY}};
    entrasql_error err;
    test_server_play(entra, script, 2);
    entrasql_credential *c = new_client_secret();
    entrasql_token_operation *owner = start(c, 0);
    entrasql_token_operation *waiter = start(c, 0);
    send_it(owner);
    test_server_release(entra);
    /* The owner does not want the details; the waiter gets them. */
    assert_int_equal(finish(owner, NULL), ENTRASQL_AUTH_FAILED);
    entrasql_token_operation *later = start(c, 0);
    assert_int_equal(finish(waiter, &err), ENTRASQL_AUTH_FAILED);
    assert_int_equal(err.number, 700016);
    assert_int_equal(finish(later, &err), ENTRASQL_OK);
    assert_int_equal(test_server_count(entra), 2);
    entrasql_credential_unref(c);
}

static void waiter_takes_over_from_a_cancelled_owner(void **state)
{
    (void)state;
    static const test_answer silent[] = {{.act = TEST_SILENT}};
    static const test_answer good[] = {{.body = TOKEN_REPLY}};
    entrasql_error err;
    test_server_play(entra, silent, 1);
    entrasql_credential *c = new_client_secret();
    entrasql_token_operation *owner = start(c, 0);
    entrasql_token_operation *first = start(c, 0);
    entrasql_token_operation *second = start(c, 0);
    send_it(owner);
    test_server_play(entra, good, 1);
    entrasql_token_operation_free(owner);
    assert_true(has_news(first));
    assert_true(has_news(second));
    assert_int_equal(finish(second, &err), ENTRASQL_OK);
    assert_int_equal(finish(first, &err), ENTRASQL_OK);
    assert_int_equal(test_server_count(entra), 1);
    entrasql_credential_unref(c);
}

static void waiter_takes_over_from_an_owner_without_time(void **state)
{
    (void)state;
    static const test_answer silent[] = {{.act = TEST_SILENT}};
    static const test_answer good[] = {{.body = TOKEN_REPLY}};
    entrasql_error err;
    test_server_play(entra, silent, 1);
    entrasql_credential *c = new_client_secret();
    entrasql_token_operation *owner = start(c, 1000);
    entrasql_token_operation *waiter = start(c, 60000);
    send_it(owner);
    es_clock_shift(1500, 0);
    /* The owner's deadline is its own affair. */
    test_server_play(entra, good, 1);
    assert_int_equal(finish(owner, &err), ENTRASQL_TIMEOUT);
    assert_int_equal(finish(waiter, &err), ENTRASQL_OK);
    entrasql_credential_unref(c);
}

/* A function that does not come back until it is let go; the second call gives a token at once. */
static atomic_int sleeper_calls;
static atomic_bool sleeper_may_end;

static entrasql_status sleep_then_give(void *context, const entrasql_token_request *request,
                                       entrasql_token **ret, entrasql_error *err)
{
    (void)context;
    (void)request;
    (void)err;
    int call = ++sleeper_calls;
    while (call == 1 && !sleeper_may_end)
        sched_yield();
    *ret = entrasql_token_new(call == 1 ? "late" : "in time", es_clock_wall_s() + 3600);
    return ENTRASQL_OK;
}

static void *get_from_sleeper(void *context)
{
    entrasql_token *token = NULL;
    const entrasql_token_request request = {.scope = ENTRASQL_SCOPE_SQL, .timeout_ms = 1000};
    (void)entrasql_credential_get_token(context, &request, &token, NULL);
    return token;
}

static void waiter_takes_over_from_an_owner_that_sleeps(void **state)
{
    (void)state;
    entrasql_credential *c;
    entrasql_token *token;
    entrasql_error err;
    pthread_t thread;
    void *late;
    assert_int_equal(
        entrasql_custom_credential_new("Sleeper", sleep_then_give, NULL, NULL, &c, NULL),
        ENTRASQL_OK);
    assert_int_equal(pthread_create(&thread, NULL, get_from_sleeper, c), 0);
    while (sleeper_calls == 0)
        sched_yield();
    entrasql_token_operation *waiter = start(c, 60000);
    entrasql_token_operation *impatient = start(c, 1200);
    es_clock_shift(1000 + IDENTITY_TAKE_OVER_MS / 2, 0);
    assert_int_equal(entrasql_token_operation_step(impatient, &token, &err), ENTRASQL_TIMEOUT);
    entrasql_token_operation_free(impatient);
    assert_int_equal(entrasql_token_operation_step(waiter, &token, &err), ENTRASQL_AGAIN);
    es_clock_shift(IDENTITY_TAKE_OVER_MS, 0);
    assert_int_equal(entrasql_token_operation_step(waiter, &token, &err), ENTRASQL_OK);
    assert_string_equal(entrasql_token_value(token), "in time");
    entrasql_token_free(token);
    entrasql_token_operation_free(waiter);
    sleeper_may_end = true;
    pthread_join(thread, &late);
    assert_non_null(late);
    assert_string_equal(entrasql_token_value(late), "late");
    entrasql_token_free(late);
    entrasql_credential_unref(c);
}

static void waiter_can_leave(void **state)
{
    (void)state;
    static const test_answer script[] = {{.act = TEST_SLOW, .body = TOKEN_REPLY}};
    entrasql_error err;
    test_server_play(entra, script, 1);
    entrasql_credential *c = new_client_secret();
    entrasql_token_operation *owner = start(c, 0);
    entrasql_token_operation *gone = start(c, 0);
    entrasql_token_operation *stays = start(c, 0);
    send_it(owner);
    entrasql_token_operation_free(gone);
    test_server_release(entra);
    assert_int_equal(finish(owner, &err), ENTRASQL_OK);
    assert_int_equal(finish(stays, &err), ENTRASQL_OK);
    /* One that never looks at its shared result leaves nothing behind. */
    test_server_play(entra, script, 1);
    entrasql_token_operation *op;
    const entrasql_token_request refresh = {.scope = ENTRASQL_SCOPE_SQL, .refresh = true};
    assert_int_equal(entrasql_credential_start(c, &refresh, &owner, NULL), ENTRASQL_OK);
    assert_int_equal(entrasql_credential_start(c, &refresh, &op, NULL), ENTRASQL_OK);
    send_it(owner);
    test_server_release(entra);
    assert_int_equal(finish(owner, &err), ENTRASQL_OK);
    entrasql_token_operation_free(op);
    entrasql_credential_unref(c);
}

static void others_use_the_old_token_during_a_refresh(void **state)
{
    (void)state;
    static const test_answer script[] = {
        {.body = "{\"access_token\":\"" TOKEN "\",\"expires_in\":7200,\"refresh_in\":3600}"},
        {.act = TEST_SILENT}};
    entrasql_error err;
    test_server_play(entra, script, 2);
    entrasql_credential *c = new_client_secret();
    assert_int_equal(finish(start(c, 0), &err), ENTRASQL_OK);
    es_clock_shift(0, 4000);
    entrasql_token_operation *owner = start(c, 0);
    assert_int_equal(finish(start(c, 0), &err), ENTRASQL_OK);
    test_server_wait(entra, 1);
    /* It hangs; long before its caller's deadline the old token is good enough. */
    entrasql_token *token;
    while (test_server_count(entra) < 2)
        assert_int_equal(entrasql_token_operation_step(owner, &token, &err), ENTRASQL_AGAIN);
    es_clock_shift(11000, 0);
    assert_int_equal(finish(owner, &err), ENTRASQL_OK);
    es_clock_shift(0, -4000);
    entrasql_credential_unref(c);
}

static void refresh_ahead_of_time_is_tried_once(void **state)
{
    (void)state;
    static const test_answer script[] = {
        {.body = "{\"access_token\":\"" TOKEN "\",\"expires_in\":7200,\"refresh_in\":3600}"},
        {.status = 503}};
    entrasql_error err;
    test_server_play(entra, script, 2);
    entrasql_credential *c = new_client_secret();
    assert_int_equal(finish(start(c, 0), &err), ENTRASQL_OK);
    es_clock_shift(0, 4000);
    assert_int_equal(finish(start(c, 0), &err), ENTRASQL_OK);
    assert_int_equal(test_server_count(entra), 2);
    es_clock_shift(0, -4000);
    entrasql_credential_unref(c);
}

static void operation_outlives_the_callers_reference(void **state)
{
    (void)state;
    static const test_answer script[] = {{.body = TOKEN_REPLY}};
    entrasql_error err;
    test_server_play(entra, script, 1);
    entrasql_credential *c = new_client_secret();
    entrasql_token_operation *op = start(c, 0);
    entrasql_credential_unref(c);
    assert_int_equal(finish(op, &err), ENTRASQL_OK);
}

static void ended_operation_has_no_second_result(void **state)
{
    (void)state;
    entrasql_token *token;
    entrasql_error err;
    entrasql_credential *c = new_custom(3600);
    entrasql_token_operation *op = start(c, 0);
    assert_int_equal(entrasql_token_operation_step(op, &token, &err), ENTRASQL_OK);
    entrasql_token_free(token);
    assert_int_equal(entrasql_token_operation_step(op, &token, &err), ENTRASQL_INVALID);
    entrasql_token_operation_free(op);
    /* A result that nobody fetched. */
    entrasql_token_operation_free(start(c, 0));
    entrasql_token_operation_free(NULL);
    entrasql_credential_unref(c);
}

/* ---- many threads ---- */

#define THREADS 16
#define ROUNDS 200

static void *hammer(void *context)
{
    entrasql_credential *c = context;
    for (int i = 0; i < ROUNDS; i++) {
        char scope[32];
        snprintf(scope, sizeof scope, "https://r%d/.default", i % 5);
        const entrasql_token_request request = {.scope = scope, .refresh = i % 7 == 0};
        entrasql_token_operation *op;
        entrasql_token *token = NULL;
        if (entrasql_credential_start(c, &request, &op, NULL) != ENTRASQL_OK)
            return c;
        if (i % 3 != 0 && finish(op, NULL) != ENTRASQL_OK)
            return c;
        if (i % 3 == 0)
            entrasql_token_operation_free(op); /* some give up */
        entrasql_token_free(token);
    }
    return NULL;
}

static void many_threads_come_and_go(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    entrasql_credential *c = new_custom(3600);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hammer, c), 0);
    for (int i = 0; i < THREADS; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    entrasql_credential_unref(c);
    assert_int_equal(source.freed, 1);
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
        cmocka_unit_test_setup(tokens_are_kept_by_scope_tenant_and_claims, common_clean),
        cmocka_unit_test_setup(tokens_near_their_end_are_not_used, common_clean),
        cmocka_unit_test_setup(long_lived_tokens_are_refreshed_half_way, common_clean),
        cmocka_unit_test_setup(keys_have_a_limit, common_clean),
        cmocka_unit_test_setup(bad_functions_are_failures, common_clean),
        cmocka_unit_test_setup(failure_of_a_function_is_passed_on, common_clean),
        cmocka_unit_test_setup(waiters_share_the_result, common_clean),
        cmocka_unit_test_setup(waiters_share_a_failure_and_later_callers_do_not, common_clean),
        cmocka_unit_test_setup(waiter_takes_over_from_a_cancelled_owner, common_clean),
        cmocka_unit_test_setup(waiter_takes_over_from_an_owner_without_time, common_clean),
        cmocka_unit_test_setup(waiter_takes_over_from_an_owner_that_sleeps, common_clean),
        cmocka_unit_test_setup(waiter_can_leave, common_clean),
        cmocka_unit_test_setup(others_use_the_old_token_during_a_refresh, common_clean),
        cmocka_unit_test_setup(refresh_ahead_of_time_is_tried_once, common_clean),
        cmocka_unit_test_setup(operation_outlives_the_callers_reference, common_clean),
        cmocka_unit_test_setup(ended_operation_has_no_second_result, common_clean),
        cmocka_unit_test_setup(many_threads_come_and_go, common_clean),
    };
    return cmocka_run_group_tests_name("identity cache", tests, begin, end);
}
