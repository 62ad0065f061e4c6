/* SPDX-License-Identifier: MIT */
/* A scripted SQL Server on a thread. */
#include "fake_server.h"

#include "../tls/certs.h"
#include "base/str.h"
#include "os/sock.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void check(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "fake server: %s\n", what);
    abort();
}

/* False: the server is to stop. */
static bool sleep_for(const fake_server *s, os_wait *w)
{
    check(os_wait_add(w, s->stop_fd, POLLIN) == ENTRASQL_OK, "wait set");
    check(os_wait_poll(w, NULL) == ENTRASQL_OK, "poll");
    uint64_t value;
    return read(s->stop_fd, &value, sizeof value) < 0;
}

static void record(fake_server *s, relay_accept *a)
{
    const tds_server *engine = relay_accept_server(a);
    const tds_login7 *l = tds_server_login(engine);
    const es_secret *token =
        tds_server_token(engine) != NULL ? tds_server_token(engine) : l->fedauth_token;
    (void)pthread_mutex_lock(&s->lock);
    s->encrypted = tds_server_is_encrypted(engine);
    s->strict = relay_accept_is_strict(a);
    s->tds_version = l->tds_version;
    s->packet_size = l->packet_size;
    s->features = l->feature_count;
    es_strlcpy_utf8(s->server_name, sizeof s->server_name, l->server_name);
    es_strlcpy_utf8(s->user, sizeof s->user, l->user_name);
    es_strlcpy_utf8(s->password, sizeof s->password,
                    l->password != NULL ? es_secret_reveal(l->password) : "");
    es_strlcpy_utf8(s->database, sizeof s->database, l->database);
    es_strlcpy_utf8(s->app, sizeof s->app, l->app_name);
    es_strlcpy_utf8(s->token, sizeof s->token, token != NULL ? es_secret_reveal(token) : "");
    (void)pthread_mutex_unlock(&s->lock);
}

static entrasql_status decide(relay_accept *a, const line *l)
{
    tds_server *engine = relay_accept_server(a);
    tds_server_accept_options accept = {.server_name = "fake", .database = "mydb"};
    entrasql_error why;
    switch (l->act) {
    case ACT_REFUSE:
        (void)es_fail(&why, ENTRASQL_LOGIN_FAILED, "%s", l->text);
        why.number = l->number;
        why.state = 7;
        why.severity = 14;
        return tds_server_refuse(engine, &why, "fake", NULL);
    case ACT_ROUTE:
        return tds_server_route(engine, l->text, (uint16_t)l->number, NULL);
    case ACT_ASK:
        if (relay_accept_state(a) == RELAY_ACCEPT_DECIDE)
            return tds_server_ask_token(engine, l->text, "https://database.windows.net/", NULL);
        break;
    case ACT_ACCEPT:
    case ACT_SILENT:
    case ACT_GARBAGE:
    case ACT_CLOSE:
        break;
    }
    return tds_server_accept(engine, &accept, NULL);
}

static void echo(fake_server *s, relay_stream *stream)
{
    char space[4096];
    for (;;) {
        size_t n = 0;
        entrasql_status status = relay_stream_flush(stream, NULL);
        if (status == ENTRASQL_OK)
            status = relay_stream_read(stream, space, sizeof space, &n, NULL);
        if (status == ENTRASQL_OK)
            status = relay_stream_write(stream, space, n, NULL);
        if (status == ENTRASQL_OK)
            continue;
        if (status != ENTRASQL_AGAIN)
            break;
        os_wait w;
        os_wait_init(&w);
        check(relay_stream_wants(stream, relay_stream_queued(stream) == 0, &w) == ENTRASQL_OK,
              "stream");
        if (!sleep_for(s, &w))
            break;
    }
    relay_stream_shutdown(stream);
    relay_stream_free(stream);
}

static void serve_login(fake_server *s, int fd, const line *l)
{
    relay_accept *a = NULL;
    relay_accept_options options = {.tls = s->tls,
                                    .tls_mode = s->options.tls,
                                    .allow_strict = s->tls != NULL,
                                    .fedauth_required = true,
                                    .spid = 51,
                                    .deadline_ms = es_clock_mono_ms() + 20000};
    check(relay_accept_start(fd, &options, &a, NULL) == ENTRASQL_OK, "accept");
    for (;;) {
        entrasql_status status = relay_accept_step(a, NULL);
        if (status == ENTRASQL_AGAIN) {
            os_wait w;
            os_wait_init(&w);
            check(relay_accept_wants(a, &w) == ENTRASQL_OK, "wants");
            if (!sleep_for(s, &w))
                break;
            continue;
        }
        if (status != ENTRASQL_OK || relay_accept_state(a) == RELAY_ACCEPT_REFUSED)
            break;
        if (relay_accept_state(a) == RELAY_ACCEPT_READY) {
            echo(s, relay_accept_take(a));
            break;
        }
        record(s, a);
        if (decide(a, l) != ENTRASQL_OK)
            break;
    }
    relay_accept_free(a);
}

static void serve_raw(fake_server *s, int fd, const line *l)
{
    char space[4096];
    size_t n = 0;
    bool answered = l->act != ACT_GARBAGE;
    entrasql_status status = ENTRASQL_OK;
    while (l->act != ACT_CLOSE) {
        status = os_sock_recv(fd, space, sizeof space, &n, NULL);
        if (status == ENTRASQL_OK && !answered) {
            answered = true;
            check(os_sock_send(fd, l->text, l->number, &n, NULL) == ENTRASQL_OK, "send");
        }
        if (status == ENTRASQL_OK)
            continue;
        if (status != ENTRASQL_AGAIN)
            break;
        os_wait w;
        os_wait_init(&w);
        check(os_wait_add(&w, fd, POLLIN) == ENTRASQL_OK, "raw");
        if (!sleep_for(s, &w))
            break;
    }
    os_sock_close(&fd);
}

static void serve(fake_server *s, int fd)
{
    (void)pthread_mutex_lock(&s->lock);
    unsigned number = s->connections++;
    (void)pthread_mutex_unlock(&s->lock);
    const line *l = &s->options.script[number < s->options.lines ? number : s->options.lines - 1];
    if (l->act == ACT_SILENT || l->act == ACT_GARBAGE || l->act == ACT_CLOSE)
        serve_raw(s, fd, l);
    else
        serve_login(s, fd, l);
}

static void *run(void *context)
{
    fake_server *s = context;
    for (;;) {
        int fd = -1;
        entrasql_status status = os_sock_accept(s->listener, &fd, NULL);
        if (status == ENTRASQL_OK) {
            serve(s, fd);
            continue;
        }
        check(status == ENTRASQL_AGAIN, "accept");
        os_wait w;
        os_wait_init(&w);
        check(os_wait_add(&w, s->listener, POLLIN) == ENTRASQL_OK, "listener");
        if (!sleep_for(s, &w))
            return NULL;
    }
}

void fake_server_start(fake_server *s, const fake_server_options *options)
{
    entrasql_error err;
    *s = (fake_server){.options = *options};
    if (options->certificate != NULL)
        check(tls_server_context_new(certs_file(options->certificate, ".pem"),
                                     certs_file(options->certificate, ".key"), &s->tls,
                                     &err) == ENTRASQL_OK,
              "certificate");
    check(os_sock_listen_loopback(AF_INET, 0, 16, &s->listener, &s->port, &err) == ENTRASQL_OK,
          "listen");
    /* A semaphore whose count stays: once it is to stop, every wait sees it. */
    s->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE);
    check(s->stop_fd >= 0 && pthread_mutex_init(&s->lock, NULL) == 0, "start");
    /* Signals are the test's: its own thread is the one that gets them. */
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    check(pthread_create(&s->thread, NULL, run, s) == 0, "thread");
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void fake_server_stop(fake_server *s)
{
    uint64_t many = 1000;
    check(write(s->stop_fd, &many, sizeof many) == (ssize_t)sizeof many, "stop");
    check(pthread_join(s->thread, NULL) == 0, "join");
    os_sock_close(&s->listener);
    os_sock_close(&s->stop_fd);
    tls_context_unref(s->tls);
    (void)pthread_mutex_destroy(&s->lock);
}
