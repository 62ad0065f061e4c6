/* SPDX-License-Identifier: MIT */
/* The front's listener and its sessions' threads. */
#include "emulator/front/front.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "emulator/front/session.h"
#include "os/resolve.h"
#include "os/sock.h"
#include "os/thread.h"
#include "os/wait.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define DOORS 3
/* 127.0.0.1, ::1, and the loopback address of the machine's own name. */
#define LISTENERS_A_DOOR 3
#define LISTENERS (LISTENERS_A_DOOR * DOORS)
#define OWN_NAME_MS 500 /* for looking up that name */
#define FIRST_SPID 51U
/* Beyond the limit so many more may come as far as being told that it is reached. */
#define REFUSAL_SLOTS 16U
#define BACKLOG 128
#define ACCEPT_PAUSE_MS 100 /* when descriptors or threads have run out */

struct front {
    front_options options;
    char *record_dir;
    tls_context *tls;
    int listeners[LISTENERS]; /* -1: none */
    uint16_t ports[DOORS];    /* by front_door; 0: closed */
    int stop_fd;
    pthread_t thread;
    bool running;         /* the thread */
    uint64_t connections; /* so far; the listener's own */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned active; /* below: under the lock */
    bool *slots;     /* max_sessions + REFUSAL_SLOTS: taken or not */
    unsigned slot_count;
};

typedef struct guest {
    front *f;
    int fd;
    unsigned slot;
    front_door door;
    uint64_t number;
} guest;

/* ---- slots ---- */

static bool take_slot(front *f, unsigned *ret)
{
    bool found = false;

    pthread_mutex_lock(&f->lock);
    for (unsigned i = 0; i < f->slot_count && !found; i++) {
        if (f->slots[i])
            continue;
        f->slots[i] = true;
        f->active++;
        *ret = i;
        found = true;
    }
    pthread_mutex_unlock(&f->lock);
    return found;
}

static void give_slot(front *f, unsigned slot)
{
    pthread_mutex_lock(&f->lock);
    f->slots[slot] = false;
    f->active--;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
}

/* ---- a session's thread ---- */

static void *session_thread(void *arg)
{
    guest g = *(guest *)arg;
    front *f = g.f;
    front_session_options options = {
        .auth = {.world = f->options.world,
                 .engine = f->options.engine,
                 .allow_clear_token = f->options.allow_clear_token,
                 .spid = (uint16_t)(FIRST_SPID + g.slot)},
        .tls = f->tls,
        .number = g.number,
        .stop_fd = f->stop_fd,
        .login_timeout_ms = f->options.login_timeout_ms,
        .max_request_bytes = FRONT_MAX_REQUEST_BYTES,
        .journal = f->options.journal,
        .record_dir = f->record_dir,
        .is_full = g.slot >= f->options.max_sessions,
        .max_sessions = f->options.max_sessions,
        .port = f->ports[FRONT_DOOR_MAIN],
        .node_port = f->ports[FRONT_DOOR_NODE],
        .door = g.door,
        .backend = f->options.backend,
    };

    es_free(arg);
    front_session_run(g.fd, &options);
    give_slot(f, g.slot); /* the last touch of f */
    return NULL;
}

static void admit(front *f, int fd, front_door door)
{
    guest *g = es_malloc(sizeof *g);
    pthread_t thread;
    unsigned slot = 0;
    int failure;

    if (g == NULL || !take_slot(f, &slot)) {
        ES_LOG(WARNING, "front", "too many connections: one was closed");
        es_free(g);
        os_sock_close(&fd);
        return;
    }
    *g = (guest){.f = f, .fd = fd, .slot = slot, .door = door, .number = ++f->connections};
    failure = os_thread_start(&thread, true, session_thread, g);
    if (failure != 0) {
        ES_LOG(ERROR, "front", "no thread for a connection", ES_KV_STR("error", strerror(failure)));
        es_free(g);
        os_sock_close(&fd);
        give_slot(f, slot);
    }
}

/* ---- the listener ---- */

/* Takes what waits on one listener. False: descriptors have run out, pause. */
static bool accept_all(front *f, size_t listener)
{
    for (;;) {
        entrasql_error err;
        int fd = -1;
        entrasql_status st = os_sock_accept(f->listeners[listener], &fd, &err);
        if (st == ENTRASQL_AGAIN)
            return true;
        if (st != ENTRASQL_OK) {
            ES_LOG(ERROR, "front", "accept failed", ES_KV_STR("error", err.message));
            return false;
        }
        admit(f, fd, (front_door)(listener / LISTENERS_A_DOOR));
    }
}

static bool stop_came(const front *f, const os_wait *w)
{
    for (unsigned i = 0; i < w->count; i++)
        if (w->fds[i].fd == f->stop_fd && w->fds[i].revents != 0)
            return true;
    return false;
}

static void *listen_thread(void *arg)
{
    front *f = arg;
    bool pause = false;

    for (;;) {
        os_wait w;
        entrasql_status st = ENTRASQL_OK;
        os_wait_init(&w);
        if (pause)
            os_wait_until(&w, es_clock_deadline(ACCEPT_PAUSE_MS));
        for (size_t i = 0; !pause && st == ENTRASQL_OK && i < ES_COUNT_OF(f->listeners); i++)
            if (f->listeners[i] >= 0)
                st = os_wait_add(&w, f->listeners[i], POLLIN);
        if (st == ENTRASQL_OK)
            st = os_wait_add(&w, f->stop_fd, POLLIN);
        if (st == ENTRASQL_OK)
            st = os_wait_poll(&w, NULL);
        if (st != ENTRASQL_OK || stop_came(f, &w))
            return NULL;
        pause = false;
        for (size_t i = 0; i < ES_COUNT_OF(f->listeners); i++)
            if (f->listeners[i] >= 0 && !accept_all(f, i))
                pause = true;
    }
}

/*
 * Microsoft's ODBC driver takes "localhost" for the machine's own name, which
 * many systems keep at 127.0.1.1. False unless the name has such an address: on
 * 127.0.0.1 somebody listens already, beyond loopback nobody does.
 */
static bool own_name_address(uint16_t port, os_address *ret)
{
    char name[HOST_NAME_MAX + 1] = {0};
    os_address found[OS_RESOLVE_MAX];
    size_t count = 0;
    os_resolve *r = NULL;
    int64_t deadline = es_clock_deadline(OWN_NAME_MS);

    if (gethostname(name, sizeof name - 1) != 0 ||
        os_resolve_start(name, port, &r, NULL) != ENTRASQL_OK)
        return false;
    entrasql_status st = os_resolve_step(r, found, &count, NULL);
    while (st == ENTRASQL_AGAIN && es_clock_mono_ms() < deadline) {
        os_wait w;
        os_wait_init(&w);
        os_wait_until(&w, deadline);
        if (os_resolve_wants(r, &w) != ENTRASQL_OK || os_wait_poll(&w, NULL) != ENTRASQL_OK)
            break;
        st = os_resolve_step(r, found, &count, NULL);
    }
    os_resolve_free(r);
    for (size_t i = 0; st == ENTRASQL_OK && i < count; i++) {
        const struct sockaddr_in *in = (const void *)&found[i].storage;
        if (found[i].storage.ss_family == AF_INET && os_address_is_loopback(&found[i]) &&
            ntohl(in->sin_addr.s_addr) != INADDR_LOOPBACK) {
            *ret = found[i];
            return true;
        }
    }
    return false;
}

static entrasql_status open_door(uint16_t port, int ret[LISTENERS_A_DOOR], uint16_t *ret_port,
                                 entrasql_error *err)
{
    uint16_t same = 0;
    os_address own;

    ES_TRY(os_sock_listen_loopback(AF_INET, port, BACKLOG, &ret[0], ret_port, err));
    /* "localhost" may mean ::1 first; a machine without IPv6 is fine too. */
    if (os_sock_listen_loopback(AF_INET6, *ret_port, BACKLOG, &ret[1], &same, NULL) != ENTRASQL_OK)
        ret[1] = -1;
    if (own_name_address(*ret_port, &own) &&
        os_sock_listen(&own, BACKLOG, &ret[2], &same, NULL) != ENTRASQL_OK)
        ret[2] = -1;
    return ENTRASQL_OK;
}

static entrasql_status open_listeners(front *f, entrasql_error *err)
{
    for (size_t door = 0; door < DOORS; door++) {
        uint16_t port = door == FRONT_DOOR_MAIN ? f->options.port : 0;
        if (door == FRONT_DOOR_CATALOG && f->options.backend == NULL)
            continue;
        ES_TRY(open_door(port, f->listeners + LISTENERS_A_DOOR * door, &f->ports[door], err));
    }
    return ENTRASQL_OK;
}

/* ---- calls ---- */

static void free_front(front *f)
{
    for (size_t i = 0; i < ES_COUNT_OF(f->listeners); i++)
        os_sock_close(&f->listeners[i]);
    if (f->stop_fd >= 0)
        (void)close(f->stop_fd);
    tls_context_unref(f->tls);
    pthread_mutex_destroy(&f->lock);
    pthread_cond_destroy(&f->changed);
    es_free(f->record_dir);
    es_free(f->slots);
    es_free(f);
}

static entrasql_status fill(front *f, const front_options *options, entrasql_error *err)
{
    f->options = *options;
    if (f->options.max_sessions == 0)
        f->options.max_sessions = FRONT_MAX_SESSIONS;
    if (f->options.login_timeout_ms == 0)
        f->options.login_timeout_ms = FRONT_LOGIN_TIMEOUT_MS;
    f->slot_count = f->options.max_sessions + REFUSAL_SLOTS;
    f->slots = es_calloc(f->slot_count, sizeof *f->slots);
    f->record_dir = es_strdup(options->record_dir);
    if (f->slots == NULL || (options->record_dir != NULL && f->record_dir == NULL))
        return es_nomem(err);
    f->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (f->stop_fd < 0)
        return es_fail_errno(err, errno, "eventfd");
    return tls_server_context_new(world_cert_file(options->world), world_key_file(options->world),
                                  &f->tls, err);
}

entrasql_status front_start(const front_options *options, front **ret, entrasql_error *err)
{
    front *f = es_calloc(1, sizeof *f);
    entrasql_status st;

    if (f == NULL)
        return es_nomem(err);
    for (size_t i = 0; i < LISTENERS; i++)
        f->listeners[i] = -1;
    f->stop_fd = -1;
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->changed, NULL);
    st = fill(f, options, err);
    if (st == ENTRASQL_OK)
        st = open_listeners(f, err);
    if (st == ENTRASQL_OK)
        st = front_resume(f, options->engine, err);
    if (st != ENTRASQL_OK) {
        free_front(f);
        return st;
    }
    *ret = f;
    return ENTRASQL_OK;
}

uint16_t front_port(const front *f)
{
    return f->ports[FRONT_DOOR_MAIN];
}

uint16_t front_node_port(const front *f)
{
    return f->ports[FRONT_DOOR_NODE];
}

uint16_t front_catalog_port(const front *f)
{
    return f->ports[FRONT_DOOR_CATALOG];
}

void front_pause(front *f)
{
    uint64_t one = 1;

    if (!f->running)
        return;
    /* Not read before the front resumes: it stays readable, so that every thread sees it. */
    while (write(f->stop_fd, &one, sizeof one) < 0 && errno == EINTR)
        continue;
    pthread_join(f->thread, NULL);
    pthread_mutex_lock(&f->lock);
    while (f->active != 0)
        pthread_cond_wait(&f->changed, &f->lock);
    pthread_mutex_unlock(&f->lock);
    f->running = false;
}

entrasql_status front_resume(front *f, engine_server *engine, entrasql_error *err)
{
    uint64_t count = 0;

    while (read(f->stop_fd, &count, sizeof count) < 0 && errno == EINTR)
        continue;
    f->options.engine = engine;
    int failure = os_thread_start(&f->thread, false, listen_thread, f);
    if (failure != 0)
        return es_fail_errno(err, failure, "no thread for the SQL front");
    f->running = true;
    return ENTRASQL_OK;
}

void front_stop(front *f)
{
    if (f == NULL)
        return;
    front_pause(f);
    free_front(f);
}
