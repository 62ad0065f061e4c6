/* SPDX-License-Identifier: MIT */
/*
 * The event loop of the program's servers: drives everything that has
 * the form of os/wait.h, a task each. Never used inside somebody else's process.
 *
 * After each step a task says anew what it waits for; the loop keeps that in one epoll set and one
 * heap of deadlines: an idle task costs no handle. libuv has the signals, and its own set is a
 * member of ours: the other way round each event would be waited for twice, which clients wait for
 * too. A descriptor that a task closes leaves the set by itself; two tasks must not wait for the
 * same one.
 *
 * A loop and its tasks belong to the thread that runs it.
 */
#ifndef LOOP_LOOP_H
#define LOOP_LOOP_H

#include "base/error.h"
#include "os/wait.h"

#include <stdbool.h>

typedef struct loop loop;
typedef struct loop_task loop_task;

typedef struct loop_task_class {
    entrasql_status (*wants)(void *ctx, os_wait *w);
    /* Does what can be done without blocking. False: it is over, `end` comes next. */
    bool (*step)(void *ctx);
    /* Frees what the task holds. Called once, from the loop, also when the loop is freed. */
    void (*end)(void *ctx);
} loop_task_class;

entrasql_status loop_new(loop **ret, entrasql_error *err) ES_MUST_USE;
/* Ends all tasks. NULL allowed. */
void loop_free(loop *l);

/* Runs until loop_stop(). */
entrasql_status loop_run(loop *l, entrasql_error *err) ES_MUST_USE;
/* From a task or a signal's function. */
void loop_stop(loop *l);

/* The first step comes with the next turn of the loop. On failure ctx stays the caller's. */
entrasql_status loop_task_start(loop *l, const loop_task_class *klass, void *ctx, loop_task **ret,
                                entrasql_error *err) ES_MUST_USE;
/* Another step with the next turn: something happened that the task does not wait for. */
void loop_task_wake(loop_task *t);
/* From now on the task neither closes a descriptor it waits for nor opens one: spares system calls.
 */
void loop_task_settle(loop_task *t);
/*
 * Asks now, rather than after its next step, what the task waits for: something that it
 * waited for is handed to another task.
 */
void loop_task_update(loop_task *t);
/* How many tasks there are. */
size_t loop_task_count(const loop *l);

/* Calls fn on the loop when the process gets the signal; at most LOOP_SIGNALS_MAX of them. */
#define LOOP_SIGNALS_MAX 4
entrasql_status loop_on_signal(loop *l, int number, void (*fn)(void *ctx, int number), void *ctx,
                               entrasql_error *err) ES_MUST_USE;

#endif
