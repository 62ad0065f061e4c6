/* SPDX-License-Identifier: MIT */
/* Threads without signals. */
#include "os/thread.h"

void os_signals_hold(sigset_t *ret_before)
{
    sigset_t held;
    (void)sigfillset(&held);
    (void)sigdelset(&held, SIGSEGV);
    (void)sigdelset(&held, SIGBUS);
    (void)sigdelset(&held, SIGFPE);
    (void)sigdelset(&held, SIGILL);
    (void)sigdelset(&held, SIGTRAP);
    (void)pthread_sigmask(SIG_BLOCK, &held, ret_before);
}

void os_signals_release(const sigset_t *before)
{
    (void)pthread_sigmask(SIG_SETMASK, before, NULL);
}

int os_thread_start(pthread_t *ret, bool is_detached, void *(*run)(void *arg), void *arg)
{
    pthread_attr_t attributes;
    sigset_t before;
    int number = pthread_attr_init(&attributes);
    if (number != 0)
        return number;
    if (is_detached)
        (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    os_signals_hold(&before);
    number = pthread_create(ret, &attributes, run, arg);
    os_signals_release(&before);
    (void)pthread_attr_destroy(&attributes);
    return number;
}
