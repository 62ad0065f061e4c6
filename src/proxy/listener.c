/* SPDX-License-Identifier: MIT */
/* Sockets that clients connect to. */
#include "proxy/listener.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "os/sock.h"
#include "proxy/activation.h"
#include "proxy/quiet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 4096
/* How long the listener rests when it can neither accept nor turn away. */
#define ACCEPT_PAUSE_MS 200
#define ACCEPT_TURNS 64

struct proxy_listener {
    proxy_address address;
    mode_t mode;
    void (*accepted)(void *ctx, int fd);
    void *ctx;
    int fd;
    int spare;    /* given up to take a connection, and drop it, when descriptors have run out */
    dev_t device; /* of the unix socket's file: what is removed must be what we made */
    ino_t inode;
    bool has_file;
    bool is_exposed;
    bool is_closing;
    char *text;
    int64_t rest_until_ms;
    int64_t quiet_until_ms; /* of failures one line is written in that time */
    int64_t turned_away;    /* since the last line */
    loop_task *task;
};

/* ---- opening ---- */

static entrasql_status tcp_address(const proxy_address *a, os_address *ret, entrasql_error *err)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(a->port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(a->port)};
    *ret = (os_address){0};
    if (inet_pton(AF_INET, a->name, &v4.sin_addr) == 1) {
        memcpy(&ret->storage, &v4, sizeof v4);
        ret->len = sizeof v4;
        return ENTRASQL_OK;
    }
    if (inet_pton(AF_INET6, a->name, &v6.sin6_addr) == 1) {
        memcpy(&ret->storage, &v6, sizeof v6);
        ret->len = sizeof v6;
        return ENTRASQL_OK;
    }
    return es_fail(err, ENTRASQL_CONFIG, "'%s' is no address", a->name);
}

static os_address unix_address(const char *path)
{
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    os_address ret = {0};
    (void)snprintf(local.sun_path, sizeof local.sun_path, "%s", path);
    memcpy(&ret.storage, &local, sizeof local);
    ret.len = sizeof local;
    return ret;
}

/* Whether nobody answers behind the file any more. */
static bool is_stale(const os_address *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    const struct sockaddr *at = (const struct sockaddr *)(const void *)&address->storage;
    bool refused = connect(fd, at, address->len) != 0 && errno == ECONNREFUSED;
    os_sock_close(&fd);
    return refused;
}

static entrasql_status remove_stale(const char *path, const os_address *address,
                                    entrasql_error *err)
{
    struct stat st;
    if (lstat(path, &st) != 0)
        return ENTRASQL_OK;
    if (!S_ISSOCK(st.st_mode)) {
        es_fail(err, ENTRASQL_BUSY, "%s exists and is no socket", path);
        es_hint(err, "remove it, or listen elsewhere: listen=unix:PATH");
        return ENTRASQL_BUSY;
    }
    if (!is_stale(address))
        return es_fail(err, ENTRASQL_BUSY, "another program listens on %s", path);
    if (unlink(path) != 0)
        return es_fail_errno(err, errno, "cannot remove the socket %s that nobody uses", path);
    return ENTRASQL_OK;
}

static entrasql_status open_unix(proxy_listener *ln, entrasql_error *err)
{
    const os_address address = unix_address(ln->address.name);
    struct stat st;
    ES_TRY(remove_stale(ln->address.name, &address, err));
    ES_TRY(os_sock_listen_unix(&address, ln->mode, BACKLOG, &ln->fd, err));
    if (lstat(ln->address.name, &st) == 0) {
        ln->device = st.st_dev;
        ln->inode = st.st_ino;
        ln->has_file = true;
    }
    ln->text = es_strdup(ln->address.text);
    return ln->text != NULL ? ENTRASQL_OK : es_nomem(err);
}

static entrasql_status describe_tcp(proxy_listener *ln, entrasql_error *err)
{
    os_address bound;
    char text[OS_ADDRESS_TEXT_SIZE];
    ES_TRY(os_sock_local_address(ln->fd, &bound, err));
    os_address_format(&bound, text);
    bool is_tcp = bound.storage.ss_family != AF_UNIX;
    ln->is_exposed = is_tcp && !os_address_is_loopback(&bound);
    ln->text = es_strdup(is_tcp ? text : ln->address.text);
    return ln->text != NULL ? ENTRASQL_OK : es_nomem(err);
}

static entrasql_status open_tcp(proxy_listener *ln, entrasql_error *err)
{
    os_address address;
    ES_TRY(tcp_address(&ln->address, &address, err));
    uint16_t port = 0;
    ES_TRY(os_sock_listen(&address, BACKLOG, &ln->fd, &port, err));
    return describe_tcp(ln, err);
}

static entrasql_status open_socket(proxy_listener *ln, entrasql_error *err)
{
    switch (ln->address.kind) {
    case PROXY_ADDRESS_UNIX:
        return open_unix(ln, err);
    case PROXY_ADDRESS_SYSTEMD:
        ES_TRY(proxy_activation_take(ln->address.name, &ln->fd, err));
        return describe_tcp(ln, err);
    case PROXY_ADDRESS_TCP:
        break;
    }
    return open_tcp(ln, err);
}

static entrasql_status copy_address(const proxy_address *a, proxy_address *ret)
{
    *ret = *a;
    ret->text = es_strdup(a->text);
    ret->name = es_strdup(a->name);
    return ret->text != NULL && ret->name != NULL ? ENTRASQL_OK : ENTRASQL_NOMEM;
}

static int open_spare(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

entrasql_status proxy_listener_open(const proxy_listener_options *options, proxy_listener **ret,
                                    entrasql_error *err)
{
    proxy_listener *ln = es_calloc(1, sizeof *ln);
    if (ln == NULL)
        return es_nomem(err);
    ln->fd = -1;
    ln->mode = options->mode;
    ln->accepted = options->accepted;
    ln->ctx = options->ctx;
    ln->spare = open_spare();
    entrasql_status status = copy_address(options->address, &ln->address);
    if (status == ENTRASQL_OK)
        status = open_socket(ln, err);
    else
        es_nomem(err);
    if (status != ENTRASQL_OK) {
        proxy_listener_close(ln);
        return status;
    }
    *ret = ln;
    return ENTRASQL_OK;
}

/* ---- taking connections ---- */

static void tell_turned_away(proxy_listener *ln)
{
    if (ln->turned_away > 0)
        ES_LOG(WARNING, "proxy", "and more connections turned away",
               ES_KV_STR("listener", ln->text), ES_KV_I64("more", ln->turned_away));
    ln->turned_away = 0;
}

static void complain(proxy_listener *ln, const char *why)
{
    int64_t now = es_clock_mono_ms();
    if (now < ln->quiet_until_ms)
        return;
    ES_LOG(ERROR, "proxy", "accept failed", ES_KV_STR("listener", ln->text), ES_KV_STR("why", why),
           ES_KV_I64("turned_away", ln->turned_away));
    ln->turned_away = 0;
    ln->quiet_until_ms = now + PROXY_QUIET_MS;
}

/*
 * Clients learn at once that there is no room, in place of waiting in the backlog. Where there are
 * no descriptors accepting fails also when nobody waits: that is nothing to complain about.
 */
static void turn_away(proxy_listener *ln, const char *why)
{
    int64_t before = ln->turned_away;
    entrasql_status status = ENTRASQL_OK;
    os_sock_close(&ln->spare);
    for (int i = 0; status == ENTRASQL_OK && i < ACCEPT_TURNS; i++) {
        int fd = -1;
        status = os_sock_accept(ln->fd, &fd, NULL);
        ln->turned_away += status == ENTRASQL_OK ? 1 : 0;
        os_sock_close(&fd);
    }
    ln->spare = open_spare();
    if (status != ENTRASQL_OK && status != ENTRASQL_AGAIN)
        ln->rest_until_ms = es_clock_deadline(ACCEPT_PAUSE_MS);
    if (status != ENTRASQL_AGAIN || ln->turned_away > before)
        complain(ln, why);
}

static bool step(void *ctx)
{
    proxy_listener *ln = ctx;
    if (ln->is_closing)
        return false;
    if (es_clock_mono_ms() >= ln->quiet_until_ms)
        tell_turned_away(ln);
    if (es_clock_mono_ms() < ln->rest_until_ms)
        return true;
    for (int i = 0; i < ACCEPT_TURNS; i++) {
        entrasql_error err;
        int fd = -1;
        entrasql_status status = os_sock_accept(ln->fd, &fd, &err);
        if (status == ENTRASQL_AGAIN)
            break;
        if (status != ENTRASQL_OK) {
            turn_away(ln, err.message);
            break;
        }
        if (ln->address.kind == PROXY_ADDRESS_SYSTEMD)
            os_sock_tune(fd); /* the manager's socket is not, and may have clients already */
        ln->accepted(ln->ctx, fd);
    }
    return true;
}

static entrasql_status wants(void *ctx, os_wait *w)
{
    const proxy_listener *ln = ctx;
    if (ln->turned_away > 0)
        os_wait_until(w, ln->quiet_until_ms);
    if (es_clock_mono_ms() < ln->rest_until_ms) {
        os_wait_until(w, ln->rest_until_ms);
        return ENTRASQL_OK;
    }
    return os_wait_add(w, ln->fd, POLLIN);
}

/* ---- the end ---- */

static void close_socket(proxy_listener *ln)
{
    struct stat st;
    if (ln->has_file && lstat(ln->address.name, &st) == 0 && st.st_dev == ln->device &&
        st.st_ino == ln->inode)
        (void)unlink(ln->address.name);
    ln->has_file = false;
    os_sock_close(&ln->fd);
}

static void destroy(proxy_listener *ln)
{
    close_socket(ln);
    tell_turned_away(ln);
    os_sock_close(&ln->spare);
    proxy_address_done(&ln->address);
    es_free(ln->text);
    es_free(ln);
}

static void end(void *ctx)
{
    proxy_listener *ln = ctx;
    ln->task = NULL;
    close_socket(ln);
    if (ln->is_closing)
        destroy(ln);
}

static const loop_task_class listener_class = {wants, step, end};

entrasql_status proxy_listener_start(proxy_listener *ln, loop *l, entrasql_error *err)
{
    ES_TRY(loop_task_start(l, &listener_class, ln, &ln->task, err));
    loop_task_settle(ln->task);
    return ENTRASQL_OK;
}

void proxy_listener_close(proxy_listener *ln)
{
    if (ln == NULL)
        return;
    if (ln->task == NULL) {
        destroy(ln);
        return;
    }
    /* The loop forgets the descriptor before it is closed. */
    ln->is_closing = true;
    loop_task_wake(ln->task);
}

/* ---- questions ---- */

bool proxy_listener_is_at(const proxy_listener *ln, const proxy_address *address)
{
    return proxy_address_equal(&ln->address, address);
}

entrasql_status proxy_listener_set_mode(proxy_listener *ln, mode_t mode, entrasql_error *err)
{
    if (!ln->has_file || mode == ln->mode)
        return ENTRASQL_OK;
    if (chmod(ln->address.name, mode) != 0)
        return es_fail_errno(err, errno, "cannot set the mode of %s", ln->address.name);
    ln->mode = mode;
    return ENTRASQL_OK;
}

const char *proxy_listener_text(const proxy_listener *ln)
{
    return ln->text;
}

bool proxy_listener_is_exposed(const proxy_listener *ln)
{
    return ln->is_exposed;
}
