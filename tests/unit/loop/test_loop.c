/* SPDX-License-Identifier: MIT */
/* loop: tasks, descriptors whose numbers are given out again, deadlines, signals. */
#include "loop/loop.h"

#include "base/clock.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct counter {
    loop *l;
    int steps;
    int ends;
    int stop_after; /* steps */
    int64_t deadline_ms;
    int fd; /* -1: none */
    int bytes;
    bool reopens; /* after each byte: closes its pipe, opens another under the same numbers */
    int write_end;
} counter;

static void open_pipe(counter *c)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    c->fd = fds[0];
    c->write_end = fds[1];
}

static void send_byte(const counter *c)
{
    assert_int_equal(write(c->write_end, "x", 1), 1);
}

static entrasql_status counter_wants(void *ctx, os_wait *w)
{
    const counter *c = ctx;
    os_wait_until(w, c->deadline_ms);
    return c->fd >= 0 ? os_wait_add(w, c->fd, POLLIN) : ENTRASQL_OK;
}

static bool counter_step(void *ctx)
{
    counter *c = ctx;
    char byte;
    struct pollfd p = {.fd = c->fd, .events = POLLIN};
    c->steps++;
    if (c->fd >= 0 && poll(&p, 1, 0) == 1 && read(c->fd, &byte, 1) == 1) {
        c->bytes++;
        if (c->reopens) {
            int number = c->fd;
            (void)close(c->fd);
            (void)close(c->write_end);
            open_pipe(c);
            assert_int_equal(c->fd, number);
            send_byte(c);
        }
    }
    if (c->steps < c->stop_after)
        return true;
    loop_stop(c->l);
    return false;
}

static void counter_end(void *ctx)
{
    counter *c = ctx;
    c->ends++;
}

static const loop_task_class counter_class = {counter_wants, counter_step, counter_end};

static void start(counter *c, loop *l)
{
    c->l = l;
    assert_int_equal(loop_task_start(l, &counter_class, c, NULL, NULL), ENTRASQL_OK);
}

static void a_task_ends_once(void **state)
{
    (void)state;
    loop *l = NULL;
    counter c = {.fd = -1, .stop_after = 1, .deadline_ms = ES_NO_DEADLINE};
    counter waits = {.fd = -1, .stop_after = 1000, .deadline_ms = ES_NO_DEADLINE};
    assert_int_equal(loop_new(&l, NULL), ENTRASQL_OK);
    start(&waits, l);
    start(&c, l);
    assert_int_equal(loop_task_count(l), 2);
    assert_int_equal(loop_run(l, NULL), ENTRASQL_OK);
    assert_int_equal(c.ends, 1);
    assert_int_equal(loop_task_count(l), 1);
    assert_int_equal(waits.ends, 0);
    loop_free(l);
    assert_int_equal(waits.ends, 1);
}

static void deadlines_come(void **state)
{
    (void)state;
    loop *l = NULL;
    int64_t began = es_clock_mono_ms();
    counter c = {.fd = -1, .stop_after = 2, .deadline_ms = began + 60};
    assert_int_equal(loop_new(&l, NULL), ENTRASQL_OK);
    start(&c, l);
    assert_int_equal(loop_run(l, NULL), ENTRASQL_OK);
    assert_true(es_clock_mono_ms() >= began + 60);
    loop_free(l);
}

/* A descriptor that is closed leaves the set; its number must not be taken for the old one. */
/* ---- many deadlines ---- */

#define SLEEPERS 500

typedef struct sleeper {
    loop *l;
    loop_task *task;
    int64_t deadline_ms;
    int steps;
    bool ends_at_once;
    struct sleeper *victim; /* is given another deadline with this one's step */
} sleeper;

static int64_t latest_step_ms;
static int left;

static entrasql_status sleeper_wants(void *ctx, os_wait *w)
{
    const sleeper *s = ctx;
    os_wait_until(w, s->deadline_ms);
    return ENTRASQL_OK;
}

static bool sleeper_step(void *ctx)
{
    sleeper *s = ctx;
    if (s->steps++ == 0 && !s->ends_at_once)
        return true; /* the first step, before it slept */
    if (!s->ends_at_once) {
        assert_true(s->deadline_ms >= latest_step_ms); /* never one before an earlier one */
        assert_true(es_clock_mono_ms() >= s->deadline_ms);
        latest_step_ms = s->deadline_ms;
    }
    if (s->victim != NULL && s->victim->task != NULL) {
        s->victim->deadline_ms = s->deadline_ms + 1;
        loop_task_update(s->victim->task);
    }
    if (--left == 0)
        loop_stop(s->l);
    return false;
}

static void sleeper_end(void *ctx)
{
    ((sleeper *)ctx)->task = NULL;
}

static const loop_task_class sleeper_class = {sleeper_wants, sleeper_step, sleeper_end};

static void many_deadlines_come_in_order(void **state)
{
    (void)state;
    static sleeper all[SLEEPERS];
    loop *l = NULL;
    assert_int_equal(loop_new(&l, NULL), ENTRASQL_OK);
    int64_t now = es_clock_mono_ms();
    left = SLEEPERS;
    latest_step_ms = 0;
    for (int i = 0; i < SLEEPERS; i++) {
        all[i] = (sleeper){.l = l, .deadline_ms = now + 100 + (i * 7919) % 397};
        all[i].ends_at_once = i % 10 == 3; /* leaves the heap from its middle */
        if (i % 50 == 0) {
            all[i].deadline_ms = now + 90 + i / 50;
            all[i].victim = &all[i + 1];
        }
    }
    for (int i = 0; i < SLEEPERS; i++)
        assert_int_equal(loop_task_start(l, &sleeper_class, &all[i], &all[i].task, NULL),
                         ENTRASQL_OK);
    assert_int_equal(loop_run(l, NULL), ENTRASQL_OK);
    assert_int_equal(left, 0);
    assert_int_equal(loop_task_count(l), 0);
    loop_free(l);
}

/* ---- rests: of less than a millisecond ---- */

#define RESTERS 20

typedef struct rester {
    loop *l;
    int64_t rest_us;
    int64_t due_us;
    int steps;
    int last_step;
} rester;

static int resting;

static entrasql_status rester_wants(void *ctx, os_wait *w)
{
    rester *r = ctx;
    r->due_us = es_clock_mono_us() + r->rest_us;
    os_wait_until_us(w, r->due_us);
    return ENTRASQL_OK;
}

static bool rester_step(void *ctx)
{
    rester *r = ctx;
    if (r->steps++ > 0)
        assert_true(es_clock_mono_us() >= r->due_us);
    if (r->steps < r->last_step)
        return true;
    if (--resting == 0)
        loop_stop(r->l);
    return false;
}

static void rester_end(void *ctx)
{
    (void)ctx;
}

static const loop_task_class rester_class = {rester_wants, rester_step, rester_end};

static void rests_end_each_in_its_time(void **state)
{
    (void)state;
    static rester all[RESTERS];
    loop *l = NULL;
    assert_int_equal(loop_new(&l, NULL), ENTRASQL_OK);
    resting = RESTERS;
    for (int i = 0; i < RESTERS; i++) {
        all[i] = (rester){.l = l, .rest_us = 30 + i * 211 % 900, .last_step = 3 + i};
        if (i == 7)
            all[i].rest_us = 1200000; /* a rest may be a long one too */
        all[i].last_step = i == 7 ? 2 : all[i].last_step;
        assert_int_equal(loop_task_start(l, &rester_class, &all[i], NULL, NULL), ENTRASQL_OK);
    }
    assert_int_equal(loop_run(l, NULL), ENTRASQL_OK);
    for (int i = 0; i < RESTERS; i++)
        assert_int_equal(all[i].steps, all[i].last_step);
    loop_free(l);
}

static void a_task_may_end_while_it_rests(void **state)
{
    (void)state;
    loop *l = NULL;
    rester rests = {.rest_us = 100000, .last_step = 1000};
    rester last = {.rest_us = 50, .last_step = 5};
    assert_int_equal(loop_new(&l, NULL), ENTRASQL_OK);
    rests.l = last.l = l;
    resting = 1;
    assert_int_equal(loop_task_start(l, &rester_class, &rests, NULL, NULL), ENTRASQL_OK);
    assert_int_equal(loop_task_start(l, &rester_class, &last, NULL, NULL), ENTRASQL_OK);
    assert_int_equal(loop_run(l, NULL), ENTRASQL_OK);
    assert_int_equal(last.steps, 5);
    loop_free(l); /* ends the other */
}

/* What one task lets go of another one may wait for, in the same turn. */
static void a_descriptor_changes_hands(void **state)
{
    (void)state;
    loop *l = NULL;
    counter giver = {.fd = -1, .stop_after = 100, .deadline_ms = ES_NO_DEADLINE};
    counter taker = {.fd = -1, .stop_after = 2, .deadline_ms = ES_NO_DEADLINE};
    assert_int_equal(loop_new(&l, NULL), ENTRASQL_OK);
    open_pipe(&giver);
    giver.l = taker.l = l;
    loop_task *task = NULL;
    assert_int_equal(loop_task_start(l, &counter_class, &giver, &task, NULL), ENTRASQL_OK);
    loop_task_update(task); /* it watches its pipe before its first step */
    taker.fd = giver.fd;
    taker.write_end = giver.write_end;
    giver.fd = -1;
    loop_task_update(task);
    assert_int_equal(loop_task_start(l, &counter_class, &taker, NULL, NULL), ENTRASQL_OK);
    send_byte(&taker); /* for its first step */
    send_byte(&taker); /* raises an event */
    assert_int_equal(loop_run(l, NULL), ENTRASQL_OK);
    assert_int_equal(taker.bytes, 2);
    assert_int_equal(giver.bytes, 0);
    (void)close(taker.fd);
    (void)close(taker.write_end);
    loop_free(l);
}

static void numbers_are_given_out_again(void **state)
{
    (void)state;
    loop *l = NULL;
    counter c = {.stop_after = 51, .deadline_ms = ES_NO_DEADLINE, .reopens = true};
    assert_int_equal(loop_new(&l, NULL), ENTRASQL_OK);
    open_pipe(&c);
    start(&c, l);
    send_byte(&c);
    assert_int_equal(loop_run(l, NULL), ENTRASQL_OK);
    assert_true(c.bytes >= 50);
    loop_free(l);
    (void)close(c.fd);
    (void)close(c.write_end);
}

/* The descriptor outlives its task in a copy, as a child process may hold one for a moment. */
static void late_events_of_ended_tasks_reach_nobody(void **state)
{
    (void)state;
    loop *l = NULL;
    counter gone = {.stop_after = 2, .deadline_ms = ES_NO_DEADLINE};
    counter next = {.fd = -1, .stop_after = 1000, .deadline_ms = ES_NO_DEADLINE};
    counter last = {.fd = -1, .stop_after = 2};
    assert_int_equal(loop_new(&l, NULL), ENTRASQL_OK);
    open_pipe(&gone);
    int copy = dup(gone.fd);
    assert_true(copy >= 0);
    start(&gone, l);
    send_byte(&gone);
    send_byte(&gone); /* a step each: between them it is in the set */
    assert_int_equal(loop_run(l, NULL), ENTRASQL_OK);
    assert_int_equal(gone.ends, 1);
    start(&next, l); /* takes the slot */
    last.deadline_ms = es_clock_deadline(50);
    start(&last, l);
    send_byte(&gone);
    assert_int_equal(loop_run(l, NULL), ENTRASQL_OK);
    assert_int_equal(next.steps, 1);
    loop_free(l);
    (void)close(copy);
    (void)close(gone.fd);
    (void)close(gone.write_end);
}

static void on_signal(void *ctx, int number)
{
    assert_int_equal(number, SIGUSR1);
    loop_stop(ctx);
}

static void signals_are_told(void **state)
{
    (void)state;
    loop *l = NULL;
    assert_int_equal(loop_new(&l, NULL), ENTRASQL_OK);
    assert_int_equal(loop_on_signal(l, SIGUSR1, on_signal, l, NULL), ENTRASQL_OK);
    assert_int_equal(kill(getpid(), SIGUSR1), 0);
    assert_int_equal(loop_run(l, NULL), ENTRASQL_OK);
    loop_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_task_ends_once),
        cmocka_unit_test(deadlines_come),
        cmocka_unit_test(many_deadlines_come_in_order),
        cmocka_unit_test(rests_end_each_in_its_time),
        cmocka_unit_test(a_task_may_end_while_it_rests),
        cmocka_unit_test(a_descriptor_changes_hands),
        cmocka_unit_test(numbers_are_given_out_again),
        cmocka_unit_test(late_events_of_ended_tasks_reach_nobody),
        cmocka_unit_test(signals_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
