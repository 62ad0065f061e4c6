/* SPDX-License-Identifier: MIT */
/* os: threads on which no signal handler runs, and who starts them is as before. */
#include "base/compiler.h"
#include "os/thread.h"

#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

static const int held[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGPIPE, SIGALRM, SIGUSR1, SIGPROF};
static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};

typedef struct seen {
    sigset_t mask;
    sem_t done;
} seen;

static void *look(void *arg)
{
    seen *s = arg;
    (void)pthread_sigmask(SIG_SETMASK, NULL, &s->mask);
    (void)sem_post(&s->done);
    return NULL;
}

static sigset_t mask_now(void)
{
    sigset_t mask;
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &mask), 0);
    return mask;
}

static void assert_holds(const sigset_t *mask)
{
    for (size_t i = 0; i < ES_COUNT_OF(held); i++)
        assert_int_equal(sigismember(mask, held[i]), 1);
    for (size_t i = 0; i < ES_COUNT_OF(faults); i++)
        assert_int_equal(sigismember(mask, faults[i]), 0);
}

static void assert_same(const sigset_t *a, const sigset_t *b)
{
    for (int number = 1; number < NSIG; number++)
        assert_int_equal(sigismember(a, number), sigismember(b, number));
}

static void thread_has_no_signals(void **state)
{
    (void)state;
    for (int is_detached = 0; is_detached < 2; is_detached++) {
        sigset_t before = mask_now();
        pthread_t thread;
        seen s;
        assert_int_equal(sem_init(&s.done, 0, 0), 0);
        assert_int_equal(os_thread_start(&thread, is_detached != 0, look, &s), 0);
        if (is_detached == 0)
            assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_equal(sem_wait(&s.done), 0);
        assert_holds(&s.mask);
        sigset_t after = mask_now();
        assert_same(&before, &after);
        (void)sem_destroy(&s.done);
    }
}

/* What the caller had blocked itself stays so, a fault as well. */
static void signals_are_held_on_top(void **state)
{
    (void)state;
    sigset_t own;
    sigset_t first;
    sigset_t before;
    (void)sigemptyset(&own);
    (void)sigaddset(&own, SIGUSR2);
    (void)sigaddset(&own, SIGTRAP);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, &own, &first), 0);
    sigset_t mine = mask_now();
    os_signals_hold(&before);
    assert_same(&before, &mine);
    sigset_t now = mask_now();
    assert_int_equal(sigismember(&now, SIGTERM), 1);
    assert_int_equal(sigismember(&now, SIGTRAP), 1);
    os_signals_release(&before);
    now = mask_now();
    assert_same(&now, &mine);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, &first, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thread_has_no_signals),
        cmocka_unit_test(signals_are_held_on_top),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
