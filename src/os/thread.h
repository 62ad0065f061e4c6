/* SPDX-License-Identifier: MIT */
/*
 * Threads on which no signal handler of the program runs: a new thread
 * inherits the mask of the one that starts it. A fault of the thread itself
 * (SIGSEGV and its kin) stays deliverable, so that whoever reports crashes sees it.
 */
#ifndef OS_THREAD_H
#define OS_THREAD_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

/* Blocks all signals but faults for the calling thread, and for the threads that it starts. */
void os_signals_hold(sigset_t *ret_before);
void os_signals_release(const sigset_t *before);

/* With signals held. 0, or the error number. */
int os_thread_start(pthread_t *ret, bool is_detached, void *(*run)(void *arg), void *arg);

#endif
