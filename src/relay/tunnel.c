/* SPDX-License-Identifier: MIT */
/* The in-process tunnel: one thread, one connection, from the door to the end. */
#include "relay/tunnel.h"

#include "base/base64.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/str.h"
#include "os/sock.h"
#include "relay/gate.h"
#include "relay/session.h"
#include "relay/thread.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define SECRET_BYTES 32
#define USER_NAME "entrasql"
#define BACKLOG 8
/* After the deadline: time to tell the driver why. */
#define ANSWER_MS 2000
struct relay_tunnel {
    atomic_int refs; /* the handle and the thread */
    pid_t pid;
    /* immutable once the thread runs */
    relay_login_options login; /* strings owned */
    char *strings[4];          /* what `login` points to, to be freed */
    es_secret *secret;
    uint16_t port;
    int event_fd;
    atomic_bool released;
    int listener; /* the thread's from its start on */
    /* guarded by the lock */
    pthread_mutex_t lock;
    entrasql_error failure; /* status OK: none */
};

/* ---- life ---- */

static void tunnel_unref(relay_tunnel *t)
{
    if (atomic_fetch_sub(&t->refs, 1) != 1)
        return;
    entrasql_credential_unref(t->login.credential);
    tls_context_unref(t->login.tls);
    for (size_t i = 0; i < ES_COUNT_OF(t->strings); i++)
        es_free(t->strings[i]);
    es_secret_unref(t->secret);
    os_sock_close(&t->event_fd);
    (void)pthread_mutex_destroy(&t->lock);
    es_free(t);
}

static void set_failure(relay_tunnel *t, const entrasql_error *err)
{
    (void)pthread_mutex_lock(&t->lock);
    t->failure = *err;
    (void)pthread_mutex_unlock(&t->lock);
    ES_LOG(DEBUG, "tunnel", "login failed", ES_KV_STR("status", entrasql_status_name(err->status)),
           ES_KV_STR("why", err->message));
}

/* ---- the thread ---- */

/* Sleeps for the door; CANCELLED when the handle was let go before anybody came in. */
static entrasql_status wait_at_gate(relay_tunnel *t, const relay_gate *g, entrasql_error *err)
{
    os_wait w;
    os_wait_init(&w);
    ES_TRY(relay_gate_wants(g, &w));
    ES_TRY(os_wait_add(&w, t->event_fd, POLLIN));
    ES_TRY(os_wait_add(&w, relay_thread_stop_fd(), POLLIN));
    ES_TRY(os_wait_poll(&w, err));
    if (atomic_load(&t->released) || relay_thread_is_stopping())
        return es_fail(err, ENTRASQL_CANCELLED, "the tunnel was closed before it was used");
    return ENTRASQL_OK;
}

static entrasql_status let_in(relay_tunnel *t, relay_accept **ret, entrasql_error *err)
{
    int64_t deadline_ms = t->login.deadline_ms;
    relay_gate gate = {
        .listener = t->listener,
        .user = USER_NAME,
        .secret = t->secret,
        .deadline_ms = deadline_ms,
        .answer_deadline_ms =
            deadline_ms < ES_NO_DEADLINE - ANSWER_MS ? deadline_ms + ANSWER_MS : ES_NO_DEADLINE,
    };
    entrasql_status status;
    while ((status = relay_gate_step(&gate, ret, err)) == ENTRASQL_AGAIN) {
        status = wait_at_gate(t, &gate, err);
        if (status != ENTRASQL_OK)
            break;
    }
    relay_gate_done(&gate);
    return status;
}

static entrasql_status prepare(void *ctx, const tds_login7 *client, relay_login_options *ret,
                               entrasql_error *err)
{
    const relay_tunnel *t = ctx;
    (void)err;
    *ret = t->login;
    /* The engine takes user, password and SSPI out of it and puts FEDAUTH in. */
    ret->login = client;
    return ENTRASQL_OK;
}

static void login_failed(void *ctx, const entrasql_error *why)
{
    set_failure(ctx, why);
}

static void serve(relay_tunnel *t)
{
    relay_accept *a = NULL;
    entrasql_error err;
    relay_upstream_policy upstream = {.prepare = prepare,
                                      .failed = login_failed,
                                      .ctx = t,
                                      .failed_ctx = t,
                                      .server_name = t->login.host};
    if (let_in(t, &a, &err) != ENTRASQL_OK) {
        set_failure(t, &err);
        return;
    }
    if (relay_forward(a, &upstream, relay_thread_stop_fd(), &err) != ENTRASQL_OK)
        ES_LOG(DEBUG, "tunnel", "session ended", ES_KV_STR("why", err.message));
    relay_accept_free(a);
}

static void run(void *context)
{
    relay_tunnel *t = context;
    serve(t);
    tunnel_unref(t);
}

/* ---- calls ---- */

static entrasql_status copy_string(relay_tunnel *t, size_t slot, const char *s, const char **ret)
{
    t->strings[slot] = es_strdup(s);
    if (s != NULL && t->strings[slot] == NULL)
        return ENTRASQL_NOMEM;
    *ret = t->strings[slot];
    return ENTRASQL_OK;
}

static entrasql_status copy_options(relay_tunnel *t, const relay_login_options *o)
{
    t->login = *o;
    t->login.login = NULL;
    t->login.tls = tls_context_ref(o->tls);
    t->login.credential = entrasql_credential_ref(o->credential);
    ES_TRY(copy_string(t, 0, o->host, &t->login.host));
    ES_TRY(copy_string(t, 1, o->host_name_in_certificate, &t->login.host_name_in_certificate));
    ES_TRY(copy_string(t, 2, o->ca_file, &t->login.ca_file));
    return copy_string(t, 3, o->scope, &t->login.scope);
}

static entrasql_status make_secret(relay_tunnel *t)
{
    uint8_t bytes[SECRET_BYTES];
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT_WIPE(4 * SECRET_BYTES);
    es_random_bytes(bytes, sizeof bytes);
    entrasql_status status = es_base64url_encode(bytes, sizeof bytes, &text);
    es_wipe(bytes, sizeof bytes);
    ES_TRY(status);
    t->secret = es_secret_new(text.data, text.len);
    return t->secret != NULL ? ENTRASQL_OK : ENTRASQL_NOMEM;
}

static entrasql_status start_thread(relay_tunnel *t, entrasql_error *err)
{
    atomic_fetch_add(&t->refs, 1);
    entrasql_status status = relay_thread_start(run, t, "the tunnel's thread", err);
    if (status != ENTRASQL_OK)
        atomic_fetch_sub(&t->refs, 1);
    return status;
}

static entrasql_status open_tunnel(relay_tunnel *t, const relay_login_options *o,
                                   entrasql_error *err)
{
    if (copy_options(t, o) != ENTRASQL_OK || make_secret(t) != ENTRASQL_OK)
        return es_nomem(err);
    t->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (t->event_fd < 0)
        return es_fail_errno(err, errno, "cannot make an eventfd");
    ES_TRY(os_sock_listen_loopback(AF_INET, 0, BACKLOG, &t->listener, &t->port, err));
    entrasql_status status = start_thread(t, err);
    if (status != ENTRASQL_OK)
        os_sock_close(&t->listener);
    return status;
}

entrasql_status relay_tunnel_open(const relay_tunnel_options *options, relay_tunnel **ret,
                                  entrasql_error *err)
{
    if (options->login.credential == NULL)
        return es_fail(err, ENTRASQL_INVALID, "a tunnel needs a credential");
    relay_tunnel *t = es_calloc(1, sizeof *t);
    if (t == NULL)
        return es_nomem(err);
    atomic_init(&t->refs, 1);
    atomic_init(&t->released, false);
    (void)pthread_mutex_init(&t->lock, NULL);
    t->pid = getpid();
    t->event_fd = -1;
    t->listener = -1;
    entrasql_status status = open_tunnel(t, &options->login, err);
    if (status != ENTRASQL_OK) {
        tunnel_unref(t);
        return status;
    }
    *ret = t;
    return ENTRASQL_OK;
}

uint16_t relay_tunnel_port(const relay_tunnel *t)
{
    return t->port;
}

const char *relay_tunnel_user(const relay_tunnel *t)
{
    (void)t;
    return USER_NAME;
}

const es_secret *relay_tunnel_secret(const relay_tunnel *t)
{
    return t->secret;
}

entrasql_status relay_tunnel_failure(relay_tunnel *t, entrasql_error *ret)
{
    if (t->pid != getpid())
        return es_fail(ret, ENTRASQL_UNSUPPORTED,
                       "this connection belongs to the process that forked");
    (void)pthread_mutex_lock(&t->lock);
    entrasql_status status = t->failure.status;
    if (status != ENTRASQL_OK && ret != NULL)
        *ret = t->failure;
    (void)pthread_mutex_unlock(&t->lock);
    return status;
}

void relay_tunnel_release(relay_tunnel *t)
{
    if (t == NULL)
        return;
    if (t->pid != getpid()) {
        /*
         * A forked child: the thread is not here, and what it holds cannot be told apart from
         * memory in the middle of a change. Only the handle's own descriptor goes.
         */
        os_sock_close(&t->event_fd);
        return;
    }
    atomic_store(&t->released, true);
    uint64_t one = 1;
    ssize_t written = write(t->event_fd, &one, sizeof one);
    (void)written;
    tunnel_unref(t);
}
