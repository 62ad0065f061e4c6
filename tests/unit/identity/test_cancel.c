/* SPDX-License-Identifier: MIT */
/* identity: requests that are cancelled from elsewhere. */
#include "base/clock.h"
#include "common.h"
#include "server.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static test_server *entra;
static entrasql_credential *credential;
static entrasql_cancel *cancel;

static int start(void **state)
{
    entra = test_server_start(true);
    return common_setup(state);
}

static int stop(void **state)
{
    test_server_stop(entra);
    return common_teardown(state);
}

static int new_objects(void **state)
{
    common_clean(state);
    const entrasql_client_options options = {.authority_host = test_server_url(entra),
                                             .ca_file = test_server_ca_file(entra)};
    assert_int_equal(
        entrasql_client_secret_credential_new(TENANT, CLIENT, SECRET, &options, &credential, NULL),
        ENTRASQL_OK);
    assert_int_equal(entrasql_cancel_new(&cancel, NULL), ENTRASQL_OK);
    return 0;
}

static int free_objects(void **state)
{
    (void)state;
    entrasql_credential_unref(credential);
    entrasql_cancel_unref(cancel);
    return 0;
}

static entrasql_status ask(entrasql_cancel *c, entrasql_error *err)
{
    const entrasql_token_request request = {.scope = ENTRASQL_SCOPE_SQL, .cancel = c};
    entrasql_token *token = NULL;
    entrasql_status status = entrasql_credential_get_token(credential, &request, &token, err);
    if (status == ENTRASQL_OK)
        entrasql_token_free(token);
    return status;
}

static void *ask_in_a_thread(void *context)
{
    entrasql_error *err = context;
    (void)ask(cancel, err);
    return NULL;
}

static void waiting_requests_end_and_later_ones_do_not_begin(void **state)
{
    (void)state;
    static const test_answer script[] = {{.act = TEST_SILENT}};
    enum { THREADS = 8 };
    pthread_t threads[THREADS];
    entrasql_error errors[THREADS];
    entrasql_error err;
    test_server_play(entra, script, 1);
    /* One of them fetches, the others wait for it. */
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_in_a_thread, &errors[i]), 0);
    test_server_wait(entra, 1);
    int64_t before = es_clock_mono_ms();
    entrasql_cancel_trigger(cancel);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(errors[i].status, ENTRASQL_CANCELLED);
        assert_int_equal(errors[i].error_class, ENTRASQL_CLASS_CANCEL);
    }
    assert_true(es_clock_mono_ms() - before < 10000);
    unsigned count = test_server_count(entra);
    entrasql_cancel_trigger(cancel);
    assert_int_equal(ask(cancel, &err), ENTRASQL_CANCELLED);
    assert_int_equal(test_server_count(entra), count);
}

static void others_go_on(void **state)
{
    (void)state;
    static const test_answer silent[] = {{.act = TEST_SILENT}};
    static const test_answer good[] = {{.body = TOKEN_REPLY}};
    const entrasql_token_request mine = {.scope = ENTRASQL_SCOPE_SQL, .cancel = cancel};
    const entrasql_token_request others = {.scope = ENTRASQL_SCOPE_SQL};
    entrasql_token_operation *a, *b;
    entrasql_token *token;
    entrasql_error err;
    struct pollfd fds[16];
    int timeout_ms;
    test_server_play(entra, silent, 1);
    assert_int_equal(entrasql_credential_start(credential, &mine, &a, &err), ENTRASQL_OK);
    assert_int_equal(entrasql_token_operation_step(a, &token, &err), ENTRASQL_AGAIN);
    assert_int_equal(entrasql_credential_start(credential, &others, &b, &err), ENTRASQL_OK);
    assert_int_equal(entrasql_token_operation_step(b, &token, &err), ENTRASQL_AGAIN);
    test_server_play(entra, good, 1);
    entrasql_cancel_trigger(cancel);
    /* The trigger shows in the descriptors, for programs with a loop of their own. */
    size_t n = entrasql_token_operation_poll(a, fds, 16, &timeout_ms);
    assert_true(n >= 1);
    assert_true(poll(fds, n, 5000) >= 1);
    assert_int_equal(entrasql_token_operation_step(a, &token, &err), ENTRASQL_CANCELLED);
    /* Still there, and yet in nobody's way. */
    entrasql_status status;
    while ((status = entrasql_token_operation_step(b, &token, &err)) == ENTRASQL_AGAIN) {
        n = entrasql_token_operation_poll(b, fds, 16, &timeout_ms);
        assert_true(poll(fds, n, timeout_ms) >= 0);
    }
    assert_int_equal(status, ENTRASQL_OK);
    entrasql_token_free(token);
    entrasql_token_operation_free(a);
    entrasql_token_operation_free(b);
}

static void operations_keep_it_alive(void **state)
{
    (void)state;
    static const test_answer script[] = {{.body = TOKEN_REPLY}};
    entrasql_cancel *own;
    entrasql_token_operation *op;
    entrasql_token *token;
    entrasql_error err;
    test_server_play(entra, script, 1);
    assert_int_equal(entrasql_cancel_new(&own, &err), ENTRASQL_OK);
    const entrasql_token_request request = {.scope = ENTRASQL_SCOPE_SQL, .cancel = own};
    assert_int_equal(entrasql_credential_start(credential, &request, &op, &err), ENTRASQL_OK);
    entrasql_cancel_unref(own);
    entrasql_status status;
    struct pollfd fds[16];
    int timeout_ms;
    while ((status = entrasql_token_operation_step(op, &token, &err)) == ENTRASQL_AGAIN) {
        size_t n = entrasql_token_operation_poll(op, fds, 16, &timeout_ms);
        assert_true(poll(fds, n, timeout_ms) >= 0);
    }
    assert_int_equal(status, ENTRASQL_OK);
    entrasql_token_free(token);
    entrasql_token_operation_free(op);
    entrasql_cancel_unref(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(waiting_requests_end_and_later_ones_do_not_begin,
                                        new_objects, free_objects),
        cmocka_unit_test_setup_teardown(others_go_on, new_objects, free_objects),
        cmocka_unit_test_setup_teardown(operations_keep_it_alive, new_objects, free_objects),
    };
    return cmocka_run_group_tests_name("identity cancel", tests, start, stop);
}
