/* SPDX-License-Identifier: MIT */
/* proxy: what a pool decides, with a clock that the tests move. */
#include "proxy/pool.h"

#include "base/mem.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define CLIENTS 64

typedef struct client {
    pool_waiter waiter; /* first */
    pool_server *server;
    bool answered;
    bool failed;
    unsigned turn; /* when it was served, counted over all */
    char why[128];
} client;

/* What the hooks were asked to do. */
typedef struct world {
    pool_set *set;
    pool *p;
    pool_server *opening[CLIENTS];
    size_t opened; /* ever */
    pool_server *resetting[CLIENTS];
    size_t resets;
    size_t closed;
    unsigned turns;
    bool open_fails;
    size_t freed_data;
    client clients[CLIENTS];
} world;

static world w;

static entrasql_status on_open(void *ctx, pool *p, pool_server **ret, entrasql_error *err)
{
    (void)ctx, (void)p;
    if (w.open_fails)
        return es_fail(err, ENTRASQL_NETWORK, "no way there");
    assert_in_range(w.opened, 0, CLIENTS - 1);
    *ret = es_calloc(1, sizeof **ret);
    w.opening[w.opened++] = *ret;
    return ENTRASQL_OK;
}

static void on_reset(void *ctx, pool_server *s)
{
    (void)ctx;
    assert_in_range(w.resets, 0, CLIENTS - 1);
    w.resetting[w.resets++] = s;
}

static void on_close(void *ctx, pool_server *s)
{
    (void)ctx;
    assert_null(s->owner);
    w.closed++;
    es_free(s);
}

static void on_lend(void *ctx, pool_waiter *waiter, pool_server *s)
{
    client *c = (client *)waiter;
    (void)ctx;
    assert_null(c->server);
    c->server = s;
    c->turn = ++w.turns;
}

static void on_answer(void *ctx, pool_waiter *waiter)
{
    (void)ctx;
    ((client *)waiter)->answered = true;
}

static void on_fail(void *ctx, pool_waiter *waiter, const entrasql_error *why)
{
    client *c = (client *)waiter;
    (void)ctx;
    c->failed = true;
    es_strlcpy_utf8(c->why, sizeof c->why, why->message);
}

static void on_wake(void *ctx)
{
    (void)ctx;
}

static void on_free_data(void *ctx, void *data)
{
    (void)ctx, (void)data;
    w.freed_data++;
}

static const pool_hooks hooks = {on_open,   on_reset, on_close, on_lend,
                                 on_answer, on_fail,  on_wake,  on_free_data};

static proxy_pool_settings settings(uint32_t size)
{
    return (proxy_pool_settings){.on = true,
                                 .size = size,
                                 .reserve_after_ms = 5000,
                                 .wait_ms = 30000,
                                 .idle_ms = 60000,
                                 .lifetime_ms = 3600000,
                                 .check_after_ms = 30000,
                                 .token_margin_ms = 300000};
}

static pool *hold(const char *key, const proxy_pool_settings *s)
{
    pool *p = NULL;
    bool is_new = false;
    assert_int_equal(pool_hold(w.set, key, strlen(key), s, &p, &is_new, NULL), ENTRASQL_OK);
    return p;
}

static void begin(const proxy_pool_settings *s)
{
    w = (world){0};
    assert_int_equal(pool_set_new(&hooks, NULL, &w.set, NULL), ENTRASQL_OK);
    w.p = hold("key", s);
}

static void end(void)
{
    static const pool_server_state all[] = {POOL_SERVER_OPENING, POOL_SERVER_RESETTING,
                                            POOL_SERVER_IDLE, POOL_SERVER_LENT};
    for (size_t i = 0; i < CLIENTS; i++)
        pool_leave(&w.clients[i].waiter);
    w.open_fails = true;
    for (pool *p = pool_first(w.set); p != NULL; p = pool_next(p)) {
        for (size_t i = 0; i < 4; i++) {
            pool_server *s;
            while ((s = pool_first_server(p, all[i])) != NULL) {
                pool_server_gone(s);
                es_free(s);
            }
        }
    }
    pool_set_free(w.set);
}

static void pass(int64_t ms)
{
    es_clock_shift(ms, 0);
    pool_set_tick(w.set);
}

static entrasql_status ask(size_t i)
{
    return pool_join(w.p, &w.clients[i].waiter, POOL_WANT_SERVER, NULL);
}

static void open_up(size_t i)
{
    es_buf answer = ES_BUF_INIT(16);
    assert_int_equal(es_buf_add(&answer, "answer", 6), ENTRASQL_OK);
    pool_server_opened(w.opening[i], &answer, ES_NO_DEADLINE);
    es_buf_done(&answer);
}

static void give_back(size_t i)
{
    pool_server *s = w.clients[i].server;
    assert_non_null(s);
    w.clients[i].server = NULL;
    pool_return(s);
}

static void finish_reset(size_t i)
{
    pool_server_ready(w.resetting[i]);
}

static uint32_t count_of(pool_server_state state)
{
    pool_figures f;
    pool_figures_get(w.p, &f);
    return f.servers[state];
}

/* One client with a connection that has been there and back: it is idle. */
static void one_idle(void)
{
    assert_int_equal(ask(0), ENTRASQL_AGAIN);
    open_up(w.opened - 1);
    give_back(0);
    finish_reset(w.resets - 1);
    assert_int_equal(count_of(POOL_SERVER_IDLE), 1);
}

/* ---- lending ---- */

static void a_connection_comes_back_through_its_reset(void **state)
{
    (void)state;
    proxy_pool_settings s = settings(1);
    begin(&s);
    assert_int_equal(ask(0), ENTRASQL_AGAIN);
    assert_int_equal(w.opened, 1);
    open_up(0);
    assert_ptr_equal(w.clients[0].server, w.opening[0]);
    assert_int_equal(ask(1), ENTRASQL_AGAIN);
    give_back(0);
    assert_null(w.clients[1].server); /* not before it is clean */
    finish_reset(0);
    assert_ptr_equal(w.clients[1].server, w.opening[0]);
    assert_int_equal(w.opened, 1);
    end();
}

static void who_came_first_is_served_first(void **state)
{
    (void)state;
    proxy_pool_settings s = settings(2);
    begin(&s);
    for (size_t i = 0; i < 20; i++)
        assert_int_equal(ask(i), ENTRASQL_AGAIN);
    assert_int_equal(w.opened, 2); /* not twenty */
    open_up(1);
    open_up(0);
    for (size_t i = 0; i < 20; i++) {
        assert_int_equal(w.clients[i].turn, i + 1);
        give_back(i);
        finish_reset(w.resets - 1);
    }
    end();
}

static void who_found_its_connection_dead_comes_before_all_others(void **state)
{
    (void)state;
    proxy_pool_settings s = settings(1);
    begin(&s);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(ask(i), ENTRASQL_AGAIN);
    open_up(0);
    pool_server *dead = w.clients[0].server;
    w.clients[0].server = NULL;
    pool_server_gone(dead); /* opens another one, for whoever is first then */
    es_free(dead);
    assert_int_equal(pool_rejoin(w.p, &w.clients[0].waiter, 0, NULL), ENTRASQL_AGAIN);
    assert_int_equal(w.opened, 2);
    open_up(1);
    assert_non_null(w.clients[0].server);
    for (size_t i = 0; i < 2; i++) {
        assert_null(w.clients[i + 1].server);
        give_back(i);
        finish_reset(i);
        assert_non_null(w.clients[i + 1].server);
    }
    end();
}

static void who_leaves_the_queue_gets_nothing(void **state)
{
    (void)state;
    proxy_pool_settings s = settings(1);
    begin(&s);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(ask(i), ENTRASQL_AGAIN);
    pool_leave(&w.clients[0].waiter);
    pool_leave(&w.clients[0].waiter); /* twice is fine */
    open_up(0);
    assert_null(w.clients[0].server);
    assert_non_null(w.clients[1].server);
    end();
}

static void what_was_not_used_is_not_reset(void **state)
{
    (void)state;
    proxy_pool_settings s = settings(1);
    begin(&s);
    assert_int_equal(ask(0), ENTRASQL_AGAIN);
    open_up(0);
    pool_return_unused(w.clients[0].server);
    assert_int_equal(w.resets, 0);
    assert_int_equal(ask(1), ENTRASQL_OK);
    end();
}

/* ---- answers ---- */

static void one_login_answers_all_who_wait_and_all_later_ones(void **state)
{
    (void)state;
    proxy_pool_settings s = settings(5);
    begin(&s);
    for (size_t i = 0; i < 10; i++)
        assert_int_equal(pool_join(w.p, &w.clients[i].waiter, POOL_WANT_ANSWER, NULL),
                         ENTRASQL_AGAIN);
    assert_int_equal(w.opened, 1);
    open_up(0);
    for (size_t i = 0; i < 10; i++)
        assert_true(w.clients[i].answered);
    assert_int_equal(pool_join(w.p, &w.clients[10].waiter, POOL_WANT_ANSWER, NULL), ENTRASQL_OK);
    assert_int_equal(w.opened, 1);
    assert_int_equal(pool_answer(w.p)->len, 6);
    assert_int_equal(ask(11), ENTRASQL_OK); /* the connection is there for the first request */
    end();
}

/* ---- sizes ---- */

static void the_reserve_is_for_who_has_waited_long(void **state)
{
    (void)state;
    proxy_pool_settings s = settings(1);
    s.reserve = 1;
    begin(&s);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(ask(i), ENTRASQL_AGAIN);
    open_up(0);
    pass(4900);
    assert_int_equal(w.opened, 1);
    pass(200);
    assert_int_equal(w.opened, 2);
    pass(5000);
    assert_int_equal(w.opened, 2);
    end();
}

static void the_minimum_is_kept_and_the_rest_ages(void **state)
{
    (void)state;
    proxy_pool_settings s = settings(5);
    s.min = 2;
    begin(&s);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(ask(i), ENTRASQL_AGAIN);
    for (size_t i = 0; i < 4; i++)
        open_up(i);
    for (size_t i = 0; i < 4; i++)
        give_back(i);
    for (size_t i = 0; i < 4; i++)
        finish_reset(i);
    pass(59000);
    assert_int_equal(count_of(POOL_SERVER_IDLE), 4);
    pass(2000);
    assert_int_equal(count_of(POOL_SERVER_IDLE), 2);
    assert_int_equal(w.closed, 2);
    pool_set_reconnect(w.set, NULL); /* they are replaced */
    assert_int_equal(w.closed, 4);
    assert_int_equal(count_of(POOL_SERVER_OPENING), 2);
    end();
}

/* Its peer is gone without a word: no answer will come to the look at it. */
static void a_look_that_is_not_answered_holds_nobody_up(void **state)
{
    (void)state;
    proxy_pool_settings s = settings(5);
    begin(&s);
    one_idle();
    pass(31000);
    size_t opened = w.opened;
    assert_int_equal(ask(1), ENTRASQL_AGAIN);
    assert_int_equal(w.resets, 2); /* looked at */
    assert_int_equal(w.opened, opened);
    pass(200);
    assert_int_equal(w.opened, opened); /* it may still answer */
    pass(200);
    assert_int_equal(w.opened, opened + 1);
    pass(5000);
    assert_int_equal(w.opened, opened + 1);
    open_up(opened);
    assert_non_null(w.clients[1].server);
    end();
}

/* What another client left is thrown away meanwhile: nothing to wait for. */
static void a_reset_of_another_delays_no_look(void **state)
{
    (void)state;
    proxy_pool_settings s = settings(2);
    begin(&s);
    one_idle();
    assert_int_equal(ask(2), ENTRASQL_OK);
    assert_int_equal(ask(3), ENTRASQL_AGAIN);
    open_up(1);
    give_back(2);
    finish_reset(w.resets - 1);
    pass(31000);
    give_back(3); /* its reset takes its time */
    size_t resets = w.resets;
    assert_int_equal(ask(1), ENTRASQL_AGAIN);
    assert_int_equal(w.resets, resets + 1);
    finish_reset(resets);
    assert_non_null(w.clients[1].server);
    end();
}

/* The server has no session left: one that another pool has idle makes room. */
static void a_full_server_costs_another_pool_an_idle_one(void **state)
{
    (void)state;
    proxy_pool_settings s = settings(5);
    entrasql_error full;
    (void)es_fail(&full, ENTRASQL_LOGIN_FAILED, "The session limit for the database is reached.");
    full.number = 10928;
    begin(&s);
    one_idle();
    w.p = hold("other", &s);
    assert_int_equal(ask(1), ENTRASQL_AGAIN);
    assert_int_equal(w.opened, 2);
    pool_server_failed(w.opening[1], &full);
    es_free(w.opening[1]);
    assert_int_equal(w.closed, 1);
    assert_int_equal(w.opened, 3); /* at once, and the client waits on */
    assert_false(w.clients[1].failed);
    pool_server_failed(w.opening[2], &full); /* nobody has one to spare */
    es_free(w.opening[2]);
    assert_true(w.clients[1].failed);
    assert_string_equal(w.clients[1].why, full.message);
    end();
}

static void pools_of_a_target_share_its_limit(void **state)
{
    (void)state;
    proxy_pool_settings s = settings(5);
    s.max = 2;
    begin(&s);
    assert_int_equal(ask(5), ENTRASQL_AGAIN);
    open_up(0);
    one_idle(); /* of two; the other is lent */
    w.p = hold("other", &s);
    assert_int_equal(ask(1), ENTRASQL_AGAIN);
    assert_int_equal(w.closed, 1); /* the idle one went for it */
    assert_int_equal(w.opened, 3);
    assert_int_equal(ask(2), ENTRASQL_AGAIN); /* nobody has one to spare */
    pass(1000);
    assert_int_equal(w.opened, 3);
    w.p = hold("of another", &s);
    pool_set_target(w.p, "another");
    assert_int_equal(ask(3), ENTRASQL_AGAIN); /* has a limit of its own */
    assert_int_equal(w.opened, 4);
    end();
}

/* At a target's limit: who came first over all pools, as long as a pool has nothing to hope for. */
static void a_busy_pool_gives_way_to_one_that_has_nothing(void **state)
{
    (void)state;
    proxy_pool_settings s = settings(5);
    s.max = 1;
    begin(&s);
    pool *busy = w.p;
    assert_int_equal(ask(0), ENTRASQL_AGAIN);
    open_up(0);
    pass(1);
    assert_int_equal(ask(1), ENTRASQL_AGAIN); /* of the busy pool, before the other's */
    pass(1);
    pool *other = hold("other", &s);
    w.p = other;
    assert_int_equal(pool_join(other, &w.clients[10].waiter, POOL_WANT_ANSWER, NULL),
                     ENTRASQL_AGAIN);
    pass(1);
    w.p = busy;
    assert_int_equal(ask(2), ENTRASQL_AGAIN); /* and one after it */
    give_back(0);
    assert_int_equal(w.closed, 0);
    finish_reset(0);
    assert_non_null(w.clients[1].server); /* its turn */
    assert_int_equal(w.opened, 1);
    give_back(1);
    assert_int_equal(w.closed, 1); /* not reset for a third time: its place is the other's */
    assert_int_equal(w.opened, 2);
    assert_null(w.clients[2].server);
    open_up(1);
    assert_true(w.clients[10].answered);
    pass(50);
    assert_int_equal(w.opened, 3); /* the other's rests, and the busy pool has nothing now */
    open_up(2);
    assert_non_null(w.clients[2].server);
    end();
}

static void a_pool_that_has_some_waits_longer_for_more(void **state)
{
    (void)state;
    proxy_pool_settings s = settings(5);
    s.max = 2;
    begin(&s);
    pool *busy = w.p;
    assert_int_equal(ask(0), ENTRASQL_AGAIN);
    open_up(0);
    pool *other = hold("other", &s);
    w.p = other;
    assert_int_equal(ask(10), ENTRASQL_AGAIN);
    open_up(1);
    assert_int_equal(ask(11), ENTRASQL_AGAIN);
    pass(1);
    w.p = busy;
    assert_int_equal(ask(1), ENTRASQL_AGAIN);
    give_back(0);
    finish_reset(0);
    assert_non_null(w.clients[1].server); /* a login of the other's would be too dear */
    assert_int_equal(ask(2), ENTRASQL_AGAIN);
    pass(s.reserve_after_ms);
    give_back(1);
    assert_int_equal(w.closed, 1);
    assert_int_equal(w.opened, 3);
    open_up(2);
    assert_non_null(w.clients[11].server);
    end();
}

static void a_place_that_came_free_is_given_in_turn(void **state)
{
    (void)state;
    proxy_pool_settings s = settings(5);
    s.max = 1;
    begin(&s);
    pool *busy = w.p;
    assert_int_equal(ask(0), ENTRASQL_AGAIN);
    open_up(0);
    w.p = hold("other", &s);
    assert_int_equal(ask(10), ENTRASQL_AGAIN);
    pass(1);
    w.p = busy;
    assert_int_equal(ask(1), ENTRASQL_AGAIN);
    pool_server *broken = w.clients[0].server;
    w.clients[0].server = NULL;
    pool_server_gone(broken);
    es_free(broken);
    assert_int_equal(w.opened, 2);
    open_up(1);
    assert_non_null(w.clients[10].server);
    assert_null(w.clients[1].server);
    end();
}

static void a_pool_that_became_smaller_opens_nothing(void **state)
{
    (void)state;
    proxy_pool_settings s = settings(3);
    begin(&s);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(ask(i), ENTRASQL_AGAIN);
    s.size = 1;
    (void)hold("key", &s);
    assert_int_equal(ask(3), ENTRASQL_AGAIN);
    pass(1000);
    assert_int_equal(w.opened, 3);
    end();
}

/* ---- ages ---- */

static void the_old_are_closed_at_their_return_or_in_their_rest(void **state)
{
    (void)state;
    proxy_pool_settings s = settings(2);
    s.idle_ms = 0;
    begin(&s);
    assert_int_equal(ask(0), ENTRASQL_AGAIN);
    assert_int_equal(ask(1), ENTRASQL_AGAIN);
    open_up(0);
    open_up(1);
    give_back(1);
    finish_reset(0);
    pass(3599000);
    assert_int_equal(w.closed, 0);
    pass(2000);
    assert_int_equal(w.closed, 1); /* the idle one */
    give_back(0);
    assert_int_equal(w.closed, 2);
    assert_int_equal(w.resets, 1);
    end();
}

static void life_times_differ_by_their_jitter_and_never_exceed(void **state)
{
    (void)state;
    proxy_pool_settings s = settings(20);
    s.jitter_percent = 50;
    begin(&s);
    int64_t now = es_clock_mono_ms();
    int64_t least = INT64_MAX;
    int64_t most = 0;
    for (size_t i = 0; i < 20; i++) {
        assert_int_equal(ask(i), ENTRASQL_AGAIN);
        open_up(i);
        int64_t life = w.clients[i].server->retire_ms - now;
        least = life < least ? life : least;
        most = life > most ? life : most;
    }
    assert_in_range(most, 1800000, 3600100);
    assert_in_range(least, 1800000, most - 1); /* all alike: once in 51^19 */
    end();
}

static void a_connection_ends_before_its_token(void **state)
{
    (void)state;
    proxy_pool_settings s = settings(1);
    es_buf answer = ES_BUF_INIT(16);
    begin(&s);
    assert_int_equal(ask(0), ENTRASQL_AGAIN);
    pool_server_opened(w.opening[0], &answer, es_clock_mono_ms() + 600000);
    pass(299000);
    give_back(0);
    finish_reset(0);
    assert_int_equal(w.closed, 0);
    pass(2000);
    assert_int_equal(w.closed, 1);
    /* One whose token is about to expire serves its client, and goes. */
    assert_int_equal(ask(1), ENTRASQL_AGAIN);
    pool_server_opened(w.opening[1], &answer, es_clock_mono_ms() + 1000);
    assert_non_null(w.clients[1].server);
    give_back(1);
    assert_int_equal(w.closed, 2);
    end();
}

static void after_a_long_rest_a_connection_is_looked_at_first(void **state)
{
    (void)state;
    proxy_pool_settings s = settings(1);
    begin(&s);
    one_idle();
    pass(29000);
    assert_int_equal(ask(1), ENTRASQL_OK);
    give_back(1);
    finish_reset(1);
    pass(31000);
    assert_int_equal(ask(2), ENTRASQL_AGAIN);
    assert_int_equal(w.resets, 3);
    assert_null(w.clients[2].server);
    finish_reset(2);
    assert_non_null(w.clients[2].server);
    end();
}

static void who_does_not_pass_the_look_is_replaced(void **state)
{
    (void)state;
    proxy_pool_settings s = settings(1);
    begin(&s);
    one_idle();
    pass(31000);
    assert_int_equal(ask(1), ENTRASQL_AGAIN);
    pool_server *dead = w.resetting[1];
    pool_server_gone(dead);
    es_free(dead);
    assert_int_equal(w.opened, 2);
    open_up(1);
    assert_non_null(w.clients[1].server);
    end();
}

/* ---- the minimum, where connections end at once ---- */

/* Those from there on, with tokens that are over age; how many there are in all. */
static size_t open_all_over_age(size_t from)
{
    es_buf answer = ES_BUF_INIT(16);
    size_t to = w.opened;
    for (size_t i = from; i < to; i++)
        pool_server_opened(w.opening[i], &answer, es_clock_mono_ms() + 100000);
    return to;
}

static void the_minimum_is_not_opened_without_end(void **state)
{
    (void)state;
    static const int64_t pauses[] = {1000, 2000, 4000, 8000, 16000, 30000, 30000};
    proxy_pool_settings s = settings(5);
    s.min = 5;
    begin(&s);
    assert_int_equal(ask(0), ENTRASQL_AGAIN);
    size_t opened = open_all_over_age(0);
    assert_int_equal(opened, 5);
    for (size_t i = 0; i < ES_COUNT_OF(pauses); i++) {
        pass(1000); /* all but the one that is lent go */
        assert_int_equal(count_of(POOL_SERVER_IDLE), 0);
        pass(pauses[i] - 100);
        assert_int_equal(w.opened, opened);
        pass(200);
        assert_int_equal(w.opened, opened + 4);
        opened = open_all_over_age(opened);
    }
    pass(1000);
    assert_int_equal(ask(1), ENTRASQL_AGAIN); /* who needs one gets one meanwhile */
    assert_int_equal(w.opened, opened + 1);
    opened = open_all_over_age(opened);
    assert_non_null(w.clients[1].server);
    pass(30200);
    assert_int_equal(w.opened, opened + 3);
    for (size_t i = opened; i < w.opened; i++)
        open_up(i);
    opened = w.opened;
    pass(31000); /* these last: it is over */
    pool_set_reconnect(w.set, NULL);
    assert_int_equal(w.opened, opened + 3);
    end();
}

static void what_was_used_is_replaced_at_once(void **state)
{
    (void)state;
    proxy_pool_settings s = settings(5);
    size_t next = 0;
    s.min = 2;
    begin(&s);
    for (size_t i = 0; i < 10; i++) {
        assert_in_range(ask(i), ENTRASQL_OK, ENTRASQL_AGAIN);
        for (; next < w.opened; next++)
            open_up(next);
        pool_server *used = w.clients[i].server;
        assert_non_null(used);
        pool_server_gone(used);
        es_free(used);
        assert_int_equal(w.opened, i + 3);
    }
    end();
}

/* ---- failures ---- */

static void fail_opening(size_t i)
{
    entrasql_error why;
    es_fail(&why, ENTRASQL_NETWORK, "the server is away");
    pool_server_failed(w.opening[i], &why);
    es_free(w.opening[i]);
}

static void after_a_failure_nobody_tries_for_a_while(void **state)
{
    (void)state;
    proxy_pool_settings s = settings(3);
    entrasql_error err;
    begin(&s);
    assert_int_equal(ask(0), ENTRASQL_AGAIN);
    assert_int_equal(pool_join(w.p, &w.clients[1].waiter, POOL_WANT_ANSWER, NULL), ENTRASQL_AGAIN);
    fail_opening(0);
    assert_true(w.clients[0].failed && w.clients[1].failed);
    assert_string_equal(w.clients[0].why, "the server is away");
    int64_t waits[] = {1000, 2000, 4000, 8000, 16000, 30000, 30000};
    for (size_t i = 0; i < ES_COUNT_OF(waits); i++) {
        pass(waits[i] - 100);
        assert_int_equal(pool_join(w.p, &w.clients[2].waiter, POOL_WANT_ANSWER, &err),
                         ENTRASQL_NETWORK);
        assert_string_equal(err.message, "the server is away");
        assert_int_equal(w.opened, i + 1);
        pass(200);
        w.clients[2] = (client){0};
        assert_int_equal(pool_join(w.p, &w.clients[2].waiter, POOL_WANT_ANSWER, &err),
                         ENTRASQL_AGAIN);
        assert_int_equal(w.opened, i + 2);
        fail_opening(i + 1);
    }
    end();
}

static void who_can_hope_for_a_return_is_not_told_of_a_failure(void **state)
{
    (void)state;
    proxy_pool_settings s = settings(2);
    begin(&s);
    assert_int_equal(ask(0), ENTRASQL_AGAIN);
    open_up(0);
    assert_int_equal(ask(1), ENTRASQL_AGAIN);
    fail_opening(1);
    assert_false(w.clients[1].failed);
    give_back(0);
    finish_reset(0);
    assert_non_null(w.clients[1].server);
    end();
}

static void waiting_has_an_end(void **state)
{
    (void)state;
    proxy_pool_settings s = settings(1);
    begin(&s);
    assert_int_equal(ask(0), ENTRASQL_AGAIN);
    open_up(0);
    assert_int_equal(ask(1), ENTRASQL_AGAIN);
    pass(10000);
    assert_int_equal(ask(2), ENTRASQL_AGAIN);
    assert_true(pool_set_deadline_ms(w.set) <= es_clock_mono_ms() + 100);
    pass(20100);
    assert_true(w.clients[1].failed);
    assert_non_null(strstr(w.clients[1].why, "within 30.0 s"));
    assert_false(w.clients[2].failed);
    end();
}

/* ---- operators, keys ---- */

static void a_pause_holds_a_pool_and_a_resume_serves_it(void **state)
{
    (void)state;
    proxy_pool_settings s = settings(2);
    begin(&s);
    one_idle();
    pool *held = w.p;
    pool_pause(held, true);
    assert_int_equal(ask(1), ENTRASQL_AGAIN);
    pass(1000);
    assert_null(w.clients[1].server);
    assert_int_equal(w.opened, 1);
    w.p = hold("another", &s); /* goes on */
    assert_int_equal(ask(2), ENTRASQL_AGAIN);
    assert_int_equal(w.opened, 2);
    w.p = held;
    pool_pause(held, false);
    assert_non_null(w.clients[1].server);
    end();
}

static void other_keys_other_pools(void **state)
{
    (void)state;
    proxy_pool_settings s = settings(1);
    begin(&s);
    one_idle();
    pool *first = w.p;
    w.p = hold("Key", &s);
    assert_ptr_not_equal(w.p, first);
    assert_int_equal(ask(1), ENTRASQL_AGAIN);
    assert_int_equal(w.opened, 2);
    w.p = hold("key", &s);
    assert_ptr_equal(w.p, first);
    assert_int_equal(ask(2), ENTRASQL_OK);
    for (unsigned i = 0; i < 600; i++) { /* whatever the hash makes of them */
        char key[8];
        pool *p = NULL;
        bool is_new = false;
        (void)snprintf(key, sizeof key, "%03u", i % 300);
        assert_int_equal(pool_hold(w.set, key, 3, &s, &p, &is_new, NULL), ENTRASQL_OK);
        assert_int_equal(is_new, i < 300);
    }
    end();
}

static void a_pool_that_nobody_uses_goes(void **state)
{
    (void)state;
    proxy_pool_settings s = settings(1);
    begin(&s);
    one_idle();
    pool_release(w.p);
    pass(61000);
    assert_int_equal(w.closed, 1);
    assert_non_null(pool_first(w.set));
    pass(600000);
    assert_null(pool_first(w.set));
    assert_int_equal(w.freed_data, 1);
    pool_set_free(w.set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_comes_back_through_its_reset),
        cmocka_unit_test(who_came_first_is_served_first),
        cmocka_unit_test(who_found_its_connection_dead_comes_before_all_others),
        cmocka_unit_test(who_leaves_the_queue_gets_nothing),
        cmocka_unit_test(what_was_not_used_is_not_reset),
        cmocka_unit_test(one_login_answers_all_who_wait_and_all_later_ones),
        cmocka_unit_test(the_reserve_is_for_who_has_waited_long),
        cmocka_unit_test(the_minimum_is_kept_and_the_rest_ages),
        cmocka_unit_test(a_full_server_costs_another_pool_an_idle_one),
        cmocka_unit_test(a_look_that_is_not_answered_holds_nobody_up),
        cmocka_unit_test(a_reset_of_another_delays_no_look),
        cmocka_unit_test(pools_of_a_target_share_its_limit),
        cmocka_unit_test(a_busy_pool_gives_way_to_one_that_has_nothing),
        cmocka_unit_test(a_pool_that_has_some_waits_longer_for_more),
        cmocka_unit_test(a_place_that_came_free_is_given_in_turn),
        cmocka_unit_test(a_pool_that_became_smaller_opens_nothing),
        cmocka_unit_test(the_old_are_closed_at_their_return_or_in_their_rest),
        cmocka_unit_test(life_times_differ_by_their_jitter_and_never_exceed),
        cmocka_unit_test(a_connection_ends_before_its_token),
        cmocka_unit_test(after_a_long_rest_a_connection_is_looked_at_first),
        cmocka_unit_test(who_does_not_pass_the_look_is_replaced),
        cmocka_unit_test(the_minimum_is_not_opened_without_end),
        cmocka_unit_test(what_was_used_is_replaced_at_once),
        cmocka_unit_test(after_a_failure_nobody_tries_for_a_while),
        cmocka_unit_test(who_can_hope_for_a_return_is_not_told_of_a_failure),
        cmocka_unit_test(waiting_has_an_end),
        cmocka_unit_test(a_pause_holds_a_pool_and_a_resume_serves_it),
        cmocka_unit_test(other_keys_other_pools),
        cmocka_unit_test(a_pool_that_nobody_uses_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
