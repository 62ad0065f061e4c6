/* SPDX-License-Identifier: MIT */
/* The event loop: tasks in one epoll set, their deadlines in a heap, signals by libuv. */
#include "loop/loop.h"

#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <uv.h>

#define EVENTS_MAX 256
/* A wait that cannot be set up is tried again soon: never hang, never spin. */
#define RETRY_MS 10

/* What is registered for a task's descriptor. */
typedef struct watch {
    int fd;
    short events;
} watch;

struct loop_task {
    loop *owner;
    const loop_task_class *klass;
    void *ctx;
    int64_t deadline_ms; /* or of its next turn; ES_NO_DEADLINE: not in the heap */
    size_t in_heap;      /* where, from 1; 0: not in it */
    watch *watches;      /* own_watches while that is enough */
    watch own_watches[2];
    unsigned watch_count;
    unsigned watch_room;
    uint32_t slot;
    bool is_ready;   /* an event came for it */
    bool is_settled; /* its descriptors stay the same */
    loop_task *next;
    loop_task *prev;
    int64_t rest_us; /* its deadline in microseconds; ES_NO_DEADLINE: not among those that rest */
    loop_task *next_resting;
};

/*
 * Events name a slot and its generation: a descriptor that a child process
 * still holds for a moment may report for a task that is gone.
 */
typedef struct slot {
    loop_task *task;
    uint32_t generation;
    uint32_t next_free;
} slot;

#define NO_SLOT UINT32_MAX
/* What events of the timer for rests, and of libuv's own set, carry in place of a slot. */
#define REST_EVENT UINT64_MAX
#define SIGNAL_EVENT (UINT64_MAX - 1)

struct loop {
    uv_loop_t uv;
    loop_task **heap; /* by deadline; [1] is the earliest, [0] is not used */
    size_t heap_count;
    size_t heap_room;
    int epoll_fd;
    uv_signal_t signals[LOOP_SIGNALS_MAX];
    struct {
        void (*fn)(void *ctx, int number);
        void *ctx;
    } handlers[LOOP_SIGNALS_MAX];
    unsigned signal_count;
    loop_task *tasks;
    size_t task_count;
    slot *slots;
    uint32_t slot_count;
    uint32_t free_slot;
    /* Rests of less than a millisecond, too short for epoll_wait(): a few tasks, so a list. */
    loop_task *resting;
    int rest_fd; /* a timer of the kernel's for the earliest of them */
    int64_t rest_at_us;
    bool is_stopping;
    bool is_open; /* uv is initialised */
};

static entrasql_status fail_uv(entrasql_error *err, int number, const char *what)
{
    return es_fail_errno(err, -number, "event loop: %s", what);
}

/* ---- slots ---- */

static bool take_slot(loop *l, loop_task *t)
{
    if (l->free_slot == NO_SLOT) {
        uint32_t count = l->slot_count == 0 ? 64 : l->slot_count * 2;
        slot *grown = es_reallocarray(l->slots, count, sizeof *grown);
        if (grown == NULL)
            return false;
        for (uint32_t i = l->slot_count; i < count; i++)
            grown[i] = (slot){.next_free = i + 1 < count ? i + 1 : NO_SLOT};
        l->free_slot = l->slot_count;
        l->slots = grown;
        l->slot_count = count;
    }
    t->slot = l->free_slot;
    l->free_slot = l->slots[t->slot].next_free;
    l->slots[t->slot].task = t;
    return true;
}

static void give_slot(loop *l, const loop_task *t)
{
    slot *s = &l->slots[t->slot];
    s->task = NULL;
    s->generation++;
    s->next_free = l->free_slot;
    l->free_slot = t->slot;
}

/* ---- what a task waits for ---- */

static int set_watch(const loop_task *t, int op, int fd, short events)
{
    const loop *l = t->owner;
    struct epoll_event e = {.events = (uint32_t)events};
    e.data.u64 = (uint64_t)l->slots[t->slot].generation << 32 | t->slot;
    return epoll_ctl(l->epoll_fd, op, fd, &e);
}

/* Registers, whatever the set knows of the number: it may have been closed and given out again. */
static bool watch_fd(const loop_task *t, const struct pollfd *want, const watch *known)
{
    if (known != NULL && set_watch(t, EPOLL_CTL_MOD, want->fd, want->events) == 0)
        return true;
    return set_watch(t, EPOLL_CTL_ADD, want->fd, want->events) == 0;
}

static const watch *find_watch(const loop_task *t, int fd)
{
    for (unsigned i = 0; i < t->watch_count; i++)
        if (t->watches[i].fd == fd)
            return &t->watches[i];
    return NULL;
}

static bool wants_fd(const os_wait *w, int fd)
{
    for (unsigned i = 0; i < w->count; i++)
        if (w->fds[i].fd == fd)
            return true;
    return false;
}

static bool is_unchanged(const loop_task *t, const os_wait *w)
{
    if (t->watch_count != w->count)
        return false;
    for (unsigned i = 0; i < w->count; i++)
        if (t->watches[i].fd != w->fds[i].fd || t->watches[i].events != w->fds[i].events)
            return false;
    return true;
}

static bool update_watches(loop_task *t, const os_wait *w)
{
    for (unsigned i = 0; i < t->watch_count; i++)
        if (!wants_fd(w, t->watches[i].fd))
            (void)set_watch(t, EPOLL_CTL_DEL, t->watches[i].fd, 0); /* may be closed: fine */
    if (w->count > t->watch_room) {
        bool is_own = t->watches == t->own_watches;
        watch *grown = es_reallocarray(is_own ? NULL : t->watches, w->count, sizeof *grown);
        if (grown == NULL)
            return false;
        if (is_own)
            memcpy(grown, t->own_watches, sizeof t->own_watches);
        t->watches = grown;
        t->watch_room = w->count;
    }
    bool is_good = true;
    for (unsigned i = 0; i < w->count; i++)
        is_good = watch_fd(t, &w->fds[i], find_watch(t, w->fds[i].fd)) && is_good;
    t->watch_count = w->count;
    for (unsigned i = 0; i < w->count; i++)
        t->watches[i] = (watch){w->fds[i].fd, w->fds[i].events};
    return is_good;
}

/* A number that looks unchanged may have been closed and given out again: epoll knows. */
static bool keep_watches(const loop_task *t, const os_wait *w)
{
    for (unsigned i = 0; i < w->count; i++)
        if (set_watch(t, EPOLL_CTL_MOD, w->fds[i].fd, w->fds[i].events) != 0)
            return false;
    return true;
}

/* ---- deadlines: a binary heap, whose top ends the wait ---- */

static void heap_put(loop *l, size_t at, loop_task *t)
{
    l->heap[at] = t;
    t->in_heap = at;
}

static void sift_up(loop *l, loop_task *t)
{
    size_t at = t->in_heap;
    for (; at > 1 && l->heap[at / 2]->deadline_ms > t->deadline_ms; at /= 2)
        heap_put(l, at, l->heap[at / 2]);
    heap_put(l, at, t);
}

static void sift_down(loop *l, loop_task *t)
{
    size_t at = t->in_heap;
    for (;;) {
        size_t child = at * 2;
        if (child < l->heap_count && l->heap[child + 1]->deadline_ms < l->heap[child]->deadline_ms)
            child++;
        if (child > l->heap_count || l->heap[child]->deadline_ms >= t->deadline_ms)
            break;
        heap_put(l, at, l->heap[child]);
        at = child;
    }
    heap_put(l, at, t);
}

static void heap_remove(loop *l, loop_task *t)
{
    loop_task *last = l->heap[l->heap_count--];
    if (last != t) {
        heap_put(l, t->in_heap, last);
        sift_up(l, last);
        sift_down(l, last);
    }
    t->in_heap = 0;
}

/* A task that starts has its place, so that no deadline is ever lost for want of memory. */
static bool reserve_heap(loop *l)
{
    if (l->task_count + 1 < l->heap_room)
        return true;
    size_t room = l->heap_room == 0 ? 64 : l->heap_room * 2;
    loop_task **grown = es_reallocarray(l->heap, room, sizeof(loop_task *));
    if (grown == NULL)
        return false;
    l->heap = grown;
    l->heap_room = room;
    return true;
}

static void arm(loop_task *t, int64_t deadline_ms)
{
    loop *l = t->owner;
    if (deadline_ms == t->deadline_ms)
        return;
    t->deadline_ms = deadline_ms;
    if (deadline_ms == ES_NO_DEADLINE) {
        heap_remove(l, t);
    } else if (t->in_heap == 0) {
        heap_put(l, ++l->heap_count, t);
        sift_up(l, t);
    } else {
        sift_up(l, t);
        sift_down(l, t);
    }
}

/* ---- rests ---- */

static void set_rest_timer(loop *l)
{
    int64_t at = ES_NO_DEADLINE;
    for (const loop_task *t = l->resting; t != NULL; t = t->next_resting)
        at = t->rest_us < at ? t->rest_us : at;
    if (at == l->rest_at_us || at == ES_NO_DEADLINE)
        return; /* one that rings for nobody does no harm */
    int64_t left = at - es_clock_mono_us();
    left = left < 1 ? 1 : left; /* 0 would stop it */
    struct itimerspec when = {
        .it_value = {.tv_sec = (time_t)(left / 1000000), .tv_nsec = left % 1000000 * 1000}};
    l->rest_at_us = at;
    (void)timerfd_settime(l->rest_fd, 0, &when, NULL);
}

static void stop_resting(loop_task *t)
{
    loop_task **link = &t->owner->resting;
    if (t->rest_us == ES_NO_DEADLINE)
        return;
    while (*link != t)
        link = &(*link)->next_resting;
    *link = t->next_resting;
    t->rest_us = ES_NO_DEADLINE;
}

static void rest(loop_task *t, int64_t until_us)
{
    loop *l = t->owner;
    if (until_us == ES_NO_DEADLINE) {
        stop_resting(t);
        return;
    }
    if (t->rest_us == ES_NO_DEADLINE) {
        t->next_resting = l->resting;
        l->resting = t;
    }
    t->rest_us = until_us;
    set_rest_timer(l);
}

/* Asks the task what it waits for and watches that; gives its deadline. */
static int64_t watch_what_it_wants(loop_task *t)
{
    os_wait w;
    os_wait_init(&w);
    entrasql_status status = t->klass->wants(t->ctx, &w);
    if (status != ENTRASQL_OK) {
        ES_LOG(ERROR, "loop", "a wait could not be set up",
               ES_KV_STR("status", entrasql_status_name(status)));
        return es_clock_deadline(RETRY_MS);
    }
    bool is_kept = is_unchanged(t, &w) && (t->is_settled || keep_watches(t, &w));
    if (!is_kept && !update_watches(t, &w))
        os_wait_until(&w, es_clock_deadline(RETRY_MS));
    rest(t, w.rest_us);
    return w.deadline_ms;
}

/* ---- the life of a task ---- */

static void end_task(loop_task *t)
{
    loop *l = t->owner;
    for (unsigned i = 0; i < t->watch_count; i++)
        (void)set_watch(t, EPOLL_CTL_DEL, t->watches[i].fd, 0);
    give_slot(l, t);
    if (t->prev != NULL)
        t->prev->next = t->next;
    else
        l->tasks = t->next;
    if (t->next != NULL)
        t->next->prev = t->prev;
    l->task_count--;
    arm(t, ES_NO_DEADLINE);
    stop_resting(t);
    t->klass->end(t->ctx);
    if (t->watches != t->own_watches)
        es_free(t->watches);
    es_free(t);
}

/* Who was woken meanwhile stays so. */
static void arm_no_later(loop_task *t, int64_t deadline_ms)
{
    if (t->deadline_ms != 0)
        arm(t, deadline_ms);
}

static void step(loop_task *t)
{
    t->is_ready = false;
    arm(t, ES_NO_DEADLINE);
    if (t->klass->step(t->ctx))
        arm_no_later(t, watch_what_it_wants(t));
    else
        end_task(t);
}

/* All that are due, but each once: who wants another turn at once gets it after the events. */
static void step_due(loop *l)
{
    int64_t now = es_clock_mono_ms();
    for (size_t turns = l->heap_count;
         turns > 0 && l->heap_count > 0 && l->heap[1]->deadline_ms <= now; turns--)
        step(l->heap[1]);
}

entrasql_status loop_task_start(loop *l, const loop_task_class *klass, void *ctx, loop_task **ret,
                                entrasql_error *err)
{
    loop_task *t = es_calloc(1, sizeof *t);
    if (t == NULL)
        return es_nomem(err);
    t->owner = l;
    t->klass = klass;
    t->ctx = ctx;
    t->deadline_ms = ES_NO_DEADLINE;
    t->rest_us = ES_NO_DEADLINE;
    t->watches = t->own_watches;
    t->watch_room = ES_COUNT_OF(t->own_watches);
    if (!reserve_heap(l) || !take_slot(l, t)) {
        es_free(t);
        return es_nomem(err);
    }
    t->next = l->tasks;
    if (l->tasks != NULL)
        l->tasks->prev = t;
    l->tasks = t;
    l->task_count++;
    loop_task_wake(t);
    if (ret != NULL)
        *ret = t;
    return ENTRASQL_OK;
}

void loop_task_wake(loop_task *t)
{
    arm(t, 0);
}

void loop_task_update(loop_task *t)
{
    arm_no_later(t, watch_what_it_wants(t));
}

void loop_task_settle(loop_task *t)
{
    t->is_settled = true;
}

size_t loop_task_count(const loop *l)
{
    return l->task_count;
}

/* ---- events ---- */

static void mark_ready(loop *l, const struct epoll_event *event)
{
    uint32_t number = (uint32_t)event->data.u64;
    uint32_t generation = (uint32_t)(event->data.u64 >> 32);
    loop_task *t = l->slots[number].task;
    if (t != NULL && l->slots[number].generation == generation)
        t->is_ready = true;
}

/* The tasks whose rest is over; those that an event came for too have had their step. */
static void end_rests(loop *l)
{
    int64_t now = es_clock_mono_us();
    l->rest_at_us = ES_NO_DEADLINE;
    for (loop_task *t = l->resting; t != NULL;) {
        if (t->rest_us > now) {
            t = t->next_resting;
            continue;
        }
        stop_resting(t);
        step(t);
        t = l->resting; /* the step may have changed the list */
    }
    set_rest_timer(l);
}

/* What came, and who is due meanwhile only after it. */
static void step_ready(loop *l, const struct epoll_event *ready, int n)
{
    bool rang = false;
    bool has_signal = false;
    for (int i = 0; i < n; i++) {
        if (ready[i].data.u64 == REST_EVENT)
            rang = true;
        else if (ready[i].data.u64 == SIGNAL_EVENT)
            has_signal = true;
        else
            mark_ready(l, &ready[i]);
    }
    for (int i = 0; i < n; i++) {
        if (ready[i].data.u64 == REST_EVENT || ready[i].data.u64 == SIGNAL_EVENT)
            continue;
        /* Looked up again: a step may have ended the task of a later event. */
        uint32_t number = (uint32_t)ready[i].data.u64;
        loop_task *t = l->slots[number].task;
        if (t != NULL && t->is_ready)
            step(t);
    }
    if (rang)
        end_rests(l);
    if (has_signal)
        (void)uv_run(&l->uv, UV_RUN_NOWAIT);
}

static void on_signal(uv_signal_t *handle, int number)
{
    loop *l = handle->data;
    size_t i = (size_t)(handle - l->signals);
    l->handlers[i].fn(l->handlers[i].ctx, number);
}

entrasql_status loop_on_signal(loop *l, int number, void (*fn)(void *ctx, int number), void *ctx,
                               entrasql_error *err)
{
    if (l->signal_count == LOOP_SIGNALS_MAX)
        return es_fail(err, ENTRASQL_INTERNAL, "too many signals for the event loop");
    uv_signal_t *s = &l->signals[l->signal_count];
    int failure = uv_signal_init(&l->uv, s);
    if (failure != 0)
        return fail_uv(err, failure, "no signal handle");
    s->data = l;
    l->handlers[l->signal_count].fn = fn;
    l->handlers[l->signal_count].ctx = ctx;
    l->signal_count++;
    failure = uv_signal_start(s, on_signal, number);
    return failure == 0 ? ENTRASQL_OK : fail_uv(err, failure, "cannot watch for a signal");
}

/* ---- the loop ---- */

static entrasql_status open_set(loop *l, entrasql_error *err)
{
    /* Once for each time that it rings; setting it anew takes an unseen ring back. */
    struct epoll_event rings = {.events = EPOLLIN | EPOLLET, .data.u64 = REST_EVENT};
    l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (l->epoll_fd < 0)
        return es_fail_errno(err, errno, "event loop: no epoll set");
    l->rest_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (l->rest_fd < 0 || epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, l->rest_fd, &rings) != 0)
        return es_fail_errno(err, errno, "event loop: no timer");
    return ENTRASQL_OK;
}

static entrasql_status open_loop(loop *l, entrasql_error *err)
{
    ES_TRY(open_set(l, err));
    int failure = uv_loop_init(&l->uv);
    if (failure != 0)
        return fail_uv(err, failure, "cannot start");
    l->is_open = true;
    struct epoll_event signals = {.events = EPOLLIN, .data.u64 = SIGNAL_EVENT};
    if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, uv_backend_fd(&l->uv), &signals) != 0)
        return es_fail_errno(err, errno, "event loop: no signals");
    return ENTRASQL_OK;
}

entrasql_status loop_new(loop **ret, entrasql_error *err)
{
    loop *l = es_calloc(1, sizeof *l);
    if (l == NULL)
        return es_nomem(err);
    l->epoll_fd = -1;
    l->rest_fd = -1;
    l->rest_at_us = ES_NO_DEADLINE;
    l->free_slot = NO_SLOT;
    entrasql_status status = open_loop(l, err);
    if (status != ENTRASQL_OK) {
        loop_free(l);
        return status;
    }
    *ret = l;
    return ENTRASQL_OK;
}

entrasql_status loop_run(loop *l, entrasql_error *err)
{
    struct epoll_event ready[EVENTS_MAX];
    (void)uv_run(&l->uv, UV_RUN_NOWAIT); /* it registers what the signals need */
    while (!l->is_stopping) {
        int64_t first = l->heap_count > 0 ? l->heap[1]->deadline_ms : ES_NO_DEADLINE;
        int n = epoll_wait(l->epoll_fd, ready, EVENTS_MAX, es_clock_poll_timeout(first));
        if (n < 0 && errno != EINTR)
            return es_fail_errno(err, errno, "event loop: it broke");
        step_ready(l, ready, n);
        step_due(l);
    }
    l->is_stopping = false; /* it may run again */
    return ENTRASQL_OK;
}

void loop_stop(loop *l)
{
    l->is_stopping = true;
}

void loop_free(loop *l)
{
    if (l == NULL)
        return;
    while (l->tasks != NULL)
        end_task(l->tasks);
    if (l->is_open) {
        for (unsigned i = 0; i < l->signal_count; i++)
            uv_close((uv_handle_t *)&l->signals[i], NULL);
        (void)uv_run(&l->uv, UV_RUN_DEFAULT); /* the closing's callbacks */
        (void)uv_loop_close(&l->uv);
    }
    if (l->rest_fd >= 0)
        (void)close(l->rest_fd);
    if (l->epoll_fd >= 0)
        (void)close(l->epoll_fd);
    es_free(l->slots);
    es_free(l->heap);
    es_free(l);
}
