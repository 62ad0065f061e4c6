/* SPDX-License-Identifier: MIT */
/* identity: tokens that readers take without a lock, one by one and under many threads. */
#include "base/clock.h"
#include "identity/board.h"
#include "identity/internal.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MIN_LEFT_S 300

static const identity_key sql = {.scope = "https://sql/.default", .tenant = ""};

static entrasql_token *new_token(const char *value, int64_t lifetime_s, int64_t refresh_s)
{
    int64_t now = es_clock_wall_s();
    entrasql_token *token = identity_token_new(value, strlen(value), now + lifetime_s,
                                               refresh_s != 0 ? now + refresh_s : 0, "Source");
    assert_non_null(token);
    return token;
}

static void post(identity_board *board, unsigned place, const identity_key *key, const char *value)
{
    entrasql_token *token = new_token(value, 3600, 0);
    identity_board_post(board, place, key, token);
    entrasql_token_free(token);
}

static void expect(identity_board *board, const identity_key *key, const char *value)
{
    entrasql_token *token = identity_board_take(board, key, MIN_LEFT_S);
    if (value == NULL) {
        assert_null(token);
        return;
    }
    assert_non_null(token);
    assert_string_equal(entrasql_token_value(token), value);
    assert_string_equal(entrasql_token_source(token), "Source");
    entrasql_token_free(token);
}

static void keys_are_told_apart(void **state)
{
    (void)state;
    const identity_key tenant = {.scope = sql.scope, .tenant = "Contoso.com"};
    const identity_key same_tenant = {.scope = sql.scope, .tenant = "contoso.COM"};
    const identity_key other_tenant = {.scope = sql.scope, .tenant = "contoso.org"};
    const identity_key cae = {.scope = sql.scope, .tenant = "", .cae = true};
    const identity_key other_case = {.scope = "https://SQL/.default", .tenant = ""};
    identity_board *board = identity_board_new();
    expect(board, &sql, NULL);
    post(board, 0, &sql, "plain");
    post(board, 3, &tenant, "of the tenant");
    post(board, 1, &cae, "long-lived");
    expect(board, &sql, "plain");
    expect(board, &tenant, "of the tenant");
    expect(board, &same_tenant, "of the tenant");
    expect(board, &other_tenant, NULL);
    expect(board, &cae, "long-lived");
    expect(board, &other_case, NULL);
    /* A place may pass to another key. */
    identity_board_clear(board, 0);
    expect(board, &sql, NULL);
    post(board, 0, &other_tenant, "new owner");
    expect(board, &sql, NULL);
    expect(board, &other_tenant, "new owner");
    identity_board_free(board);
    identity_board_free(NULL);
}

static void old_tokens_are_not_given_out(void **state)
{
    (void)state;
    identity_board *board = identity_board_new();
    post(board, 0, &sql, "short");
    es_clock_shift(0, 3600 - MIN_LEFT_S - 10);
    expect(board, &sql, "short");
    es_clock_shift(0, 10);
    expect(board, &sql, NULL);
    es_clock_shift(0, -(3600 - MIN_LEFT_S));
    /* One to be refreshed is given out only while somebody is at it, or just was. */
    entrasql_token *token = new_token("due", 3600, 100);
    identity_board_post(board, 0, &sql, token);
    entrasql_token_free(token);
    expect(board, &sql, "due");
    es_clock_shift(0, 101);
    expect(board, &sql, NULL);
    identity_board_quiet(board, 0, es_clock_mono_ms() + 30000);
    expect(board, &sql, "due");
    es_clock_shift(30001, 0);
    expect(board, &sql, NULL);
    es_clock_shift(0, -101);
    identity_board_free(board);
}

static void uses_are_noted(void **state)
{
    (void)state;
    identity_board *board = identity_board_new();
    post(board, 0, &sql, "x");
    assert_false(identity_board_was_used(board, 0));
    expect(board, &sql, "x");
    assert_true(identity_board_was_used(board, 0));
    assert_false(identity_board_was_used(board, 0));
    identity_board_free(board);
}

/* More than the count beside the pointer can hold; all are still good after the board is gone. */
static void takings_have_no_limit(void **state)
{
    (void)state;
    enum { MANY = 200000 };
    entrasql_token **tokens = calloc(MANY, sizeof(entrasql_token *));
    assert_non_null(tokens);
    identity_board *board = identity_board_new();
    post(board, 0, &sql, "first");
    for (int i = 0; i < MANY; i++) {
        tokens[i] = identity_board_take(board, &sql, MIN_LEFT_S);
        assert_non_null(tokens[i]);
        /* Some come back before the count is full, some after. */
        if (i % 3 == 1) {
            entrasql_token_free(tokens[i]);
            tokens[i] = NULL;
        }
    }
    post(board, 0, &sql, "second");
    expect(board, &sql, "second");
    identity_board_free(board);
    for (int i = 0; i < MANY; i++) {
        if (tokens[i] != NULL)
            assert_string_equal(entrasql_token_value(tokens[i]), "first");
        entrasql_token_free(tokens[i]);
    }
    free(tokens);
}

/* ---- many threads ---- */

#define READERS 8
#define READS 20000

static atomic_bool readers_may_end;
static const identity_key keys[2] = {{.scope = "https://a/.default", .tenant = ""},
                                     {.scope = "https://b/.default", .tenant = ""}};

/* Keeps each token for a while, so that it outlives its posting now and then. */
static void *read_all(void *context)
{
    identity_board *board = context;
    entrasql_token *held[16] = {NULL};
    unsigned n = 0;
    for (unsigned i = 0; i < READS || !readers_may_end; i++) {
        const identity_key *key = &keys[i % 2];
        entrasql_token *token = identity_board_take(board, key, MIN_LEFT_S);
        if (token == NULL)
            continue;
        if (entrasql_token_value(token)[0] != key->scope[8])
            abort();
        entrasql_token_free(held[n]);
        held[n] = token;
        n = (n + 1) % 16;
    }
    for (n = 0; n < 16; n++)
        entrasql_token_free(held[n]);
    return NULL;
}

static void readers_and_a_writer(void **state)
{
    (void)state;
    pthread_t threads[READERS];
    identity_board *board = identity_board_new();
    readers_may_end = false;
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_all, board), 0);
    for (int i = 0; i < 2000; i++) {
        char value[32];
        unsigned k = (unsigned)i % 2;
        snprintf(value, sizeof value, "%c%d", keys[k].scope[8], i);
        /* The keys change places. */
        identity_board_clear(board, (unsigned)(i / 8 + i) % 3);
        post(board, (unsigned)(i / 8 + i) % 3, &keys[k], value);
        identity_board_quiet(board, k, i);
        (void)identity_board_was_used(board, k);
    }
    readers_may_end = true;
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    identity_board_free(board);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_told_apart),  cmocka_unit_test(old_tokens_are_not_given_out),
        cmocka_unit_test(uses_are_noted),       cmocka_unit_test(takings_have_no_limit),
        cmocka_unit_test(readers_and_a_writer),
    };
    return cmocka_run_group_tests_name("identity board", tests, NULL, NULL);
}
