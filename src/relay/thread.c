/* SPDX-License-Identifier: MIT */
/* Private threads, and their end. */
#include "relay/thread.h"

#include "base/mem.h"
#include "os/sock.h"
#include "os/thread.h"
#include "tls/tls.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

typedef struct worker {
    pthread_t thread;
    void (*run)(void *context);
    void *context;
    atomic_bool has_ended; /* nothing but the return is left */
    struct worker *next;
} worker;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
/* Guarded by the lock. */
static worker *workers;
static int once_errno; /* of the preparation */
/* Written under the lock; the threads themselves only read them. */
static atomic_int stop_fd = -1;
static atomic_bool is_stopping;

/* ---- the end of the process or of the library's stay in it ---- */

static void stop_all(void)
{
    (void)pthread_mutex_lock(&lock);
    atomic_store(&is_stopping, true);
    worker *w = workers;
    workers = NULL;
    (void)pthread_mutex_unlock(&lock);
    if (w == NULL)
        return;
    uint64_t one = 1;
    ssize_t written = write(atomic_load(&stop_fd), &one, sizeof one);
    (void)written;
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += RELAY_THREAD_STOP_MS / 1000;
    while (w != NULL) {
        worker *next = w->next;
        if (pthread_timedjoin_np(w->thread, NULL, &until) == 0)
            es_free(w);
        w = next;
    }
}

/* ---- fork ---- */

static void before_fork(void)
{
    (void)pthread_mutex_lock(&lock);
}

static void in_parent(void)
{
    (void)pthread_mutex_unlock(&lock);
}

/*
 * The threads are the parent's, and so is the descriptor's counter: writing to it would stop them.
 * What they hold is left alone: it may be in the middle of a change.
 */
static void in_child(void)
{
    int fd = atomic_exchange(&stop_fd, -1);
    os_sock_close(&fd);
    while (workers != NULL) {
        worker *next = workers->next;
        es_free(workers);
        workers = next;
    }
    (void)pthread_mutex_unlock(&lock);
}

static void prepare(void)
{
    /* Exit handlers run in reverse order: OpenSSL's must have been set before ours. */
    tls_library_init();
    once_errno = pthread_atfork(before_fork, in_parent, in_child);
    if (once_errno == 0 && atexit(stop_all) != 0)
        once_errno = ENOMEM;
}

/* ---- starting ---- */

static void *enter(void *argument)
{
    worker *w = argument;
    w->run(w->context);
    atomic_store(&w->has_ended, true);
    return NULL;
}

/* Under the lock. Each join waits for a thread's last instructions at most. */
static void join_ended(void)
{
    for (worker **place = &workers; *place != NULL;) {
        worker *w = *place;
        if (!atomic_load(&w->has_ended)) {
            place = &w->next;
            continue;
        }
        *place = w->next;
        (void)pthread_join(w->thread, NULL);
        es_free(w);
    }
}

/* Under the lock. */
static entrasql_status create(worker *w, const char *what, entrasql_error *err)
{
    if (atomic_load(&is_stopping))
        return es_fail(err, ENTRASQL_CANCELLED, "the process is ending");
    if (atomic_load(&stop_fd) < 0) {
        int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (fd < 0)
            return es_fail_errno(err, errno, "cannot make an eventfd");
        atomic_store(&stop_fd, fd);
    }
    int number = os_thread_start(&w->thread, false, enter, w);
    if (number != 0)
        return es_fail_errno(err, number, "cannot start %s", what);
    w->next = workers;
    workers = w;
    return ENTRASQL_OK;
}

entrasql_status relay_thread_start(void (*run)(void *context), void *context, const char *what,
                                   entrasql_error *err)
{
    (void)pthread_once(&once, prepare);
    if (once_errno != 0)
        return es_fail_errno(err, once_errno, "cannot start %s", what);
    worker *w = es_calloc(1, sizeof *w);
    if (w == NULL)
        return es_nomem(err);
    w->run = run;
    w->context = context;
    atomic_init(&w->has_ended, false);
    (void)pthread_mutex_lock(&lock);
    join_ended();
    entrasql_status status = create(w, what, err);
    (void)pthread_mutex_unlock(&lock);
    if (status != ENTRASQL_OK)
        es_free(w);
    return status;
}

/* ---- in the threads ---- */

int relay_thread_stop_fd(void)
{
    return atomic_load(&stop_fd);
}

bool relay_thread_is_stopping(void)
{
    return atomic_load(&is_stopping);
}
