/* SPDX-License-Identifier: MIT */
/*
 * relay: private threads do not outlive the process. What is tested happens in
 * exit(), so this is a TAP program of its own: the check is an exit handler
 * that was set first and therefore runs last.
 */
#include "os/wait.h"
#include "relay/thread.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static atomic_int waiting;
static atomic_int ended;

static void wait_to_be_stopped(void *context)
{
    (void)context;
    atomic_fetch_add(&waiting, 1);
    os_wait w;
    os_wait_init(&w);
    while (!relay_thread_is_stopping())
        if (os_wait_add(&w, relay_thread_stop_fd(), POLLIN) != ENTRASQL_OK ||
            os_wait_poll(&w, NULL) != ENTRASQL_OK)
            return;
    (void)usleep(100000); /* an end that takes its time */
    atomic_fetch_add(&ended, 1);
}

static void end_at_once(void *context)
{
    atomic_store((atomic_int *)context, 1);
}

static int failures;

static void report(int number, int is_good, const char *what)
{
    printf("%sok %d - %s\n", is_good ? "" : "not ", number, what);
    failures += !is_good;
}

static void check(void)
{
    report(4, atomic_load(&ended) == 2, "exit waits for the threads it stops");
    (void)fflush(stdout);
    if (failures != 0)
        _exit(1);
}

/* A child has none of the parent's threads, must not stop them, and ends at once. */
static int fork_and_exit(void)
{
    pid_t child = fork();
    if (child == 0) {
        atomic_store(&ended, 2); /* of its own copy: for check() */
        if (freopen("/dev/null", "w", stdout) == NULL)
            _exit(2);
        exit(0);
    }
    int how = -1;
    return waitpid(child, &how, 0) == child && how == 0;
}

int main(void)
{
    static atomic_int done;
    printf("1..4\n");
    if (atexit(check) != 0)
        return 2;
    report(1,
           relay_thread_start(wait_to_be_stopped, NULL, "a thread", NULL) == ENTRASQL_OK &&
               relay_thread_start(wait_to_be_stopped, NULL, "a thread", NULL) == ENTRASQL_OK &&
               relay_thread_start(end_at_once, &done, "a thread", NULL) == ENTRASQL_OK,
           "threads start");
    for (int i = 0; i < 2000 && (atomic_load(&waiting) != 2 || !atomic_load(&done)); i++)
        (void)usleep(5000);
    report(2, atomic_load(&waiting) == 2 && atomic_load(&done), "threads run");
    (void)fflush(stdout);
    int is_good = fork_and_exit();
    (void)usleep(50000);
    report(3, is_good && atomic_load(&ended) == 0, "a forked child stops nobody");
    (void)fflush(stdout);
    return 0;
}
