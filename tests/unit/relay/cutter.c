/* SPDX-License-Identifier: MIT */
/* A wire with a fault. */
#include "cutter.h"

#include "os/sock.h"
#include "os/wait.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void check(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "cutter: %s\n", what);
    abort();
}

static bool wait_for(const cutter *c, int a, int b)
{
    struct pollfd fds[3] = {{c->stop_fd, POLLIN, 0}, {a, POLLIN, 0}, {b, POLLIN, 0}};
    (void)poll(fds, 3, -1);
    return fds[0].revents == 0;
}

static void send_all(const cutter *c, int fd, const char *p, size_t n)
{
    while (n > 0) {
        size_t sent = 0;
        size_t count = c->chunk != 0 && c->chunk < n ? c->chunk : n;
        entrasql_status status = os_sock_send(fd, p, count, &sent, NULL);
        if (status == ENTRASQL_AGAIN) {
            struct pollfd wait = {fd, POLLOUT, 0};
            (void)poll(&wait, 1, 1000);
            continue;
        }
        if (status != ENTRASQL_OK)
            return;
        p += sent;
        n -= sent;
        /* Lets the other side see each piece by itself. */
        if (c->chunk != 0)
            (void)sched_yield();
    }
}

/* False: the connection is over. */
static bool pass(cutter *c, int from, int to, bool counted)
{
    char space[4096];
    size_t n = 0;
    entrasql_status status = os_sock_recv(from, space, sizeof space, &n, NULL);
    if (status == ENTRASQL_AGAIN)
        return true;
    if (status != ENTRASQL_OK)
        return false;
    if (!counted) {
        send_all(c, to, space, n);
        return true;
    }
    (void)pthread_mutex_lock(&c->lock);
    size_t left = c->cut_after - c->passed;
    bool cut = n >= left;
    n = cut ? left : n;
    c->passed += n;
    (void)pthread_mutex_unlock(&c->lock);
    send_all(c, to, space, n);
    return !cut;
}

static void serve(cutter *c, int client)
{
    os_address to = {.len = sizeof(struct sockaddr_in)};
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(c->server_port)};
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    memcpy(&to.storage, &v4, sizeof v4);
    int server = -1;
    check(os_sock_connect_start(&to, &server, NULL) == ENTRASQL_OK, "connect");
    struct pollfd wait = {server, POLLOUT, 0};
    (void)poll(&wait, 1, 5000);
    (void)pthread_mutex_lock(&c->lock);
    c->passed = 0;
    bool open = c->cut_after > 0;
    (void)pthread_mutex_unlock(&c->lock);
    while (open && wait_for(c, client, server))
        open = pass(c, server, client, true) && pass(c, client, server, false);
    os_sock_close(&client);
    os_sock_close(&server);
}

static void *run(void *context)
{
    cutter *c = context;
    while (wait_for(c, c->listener, -1)) {
        int client = -1;
        if (os_sock_accept(c->listener, &client, NULL) == ENTRASQL_OK)
            serve(c, client);
    }
    return NULL;
}

void cutter_start(cutter *c, uint16_t server_port, size_t chunk)
{
    *c = (cutter){.server_port = server_port, .chunk = chunk, .cut_after = SIZE_MAX};
    check(os_sock_listen_loopback(AF_INET, 0, 16, &c->listener, &c->port, NULL) == ENTRASQL_OK,
          "listen");
    c->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    check(c->stop_fd >= 0 && pthread_mutex_init(&c->lock, NULL) == 0, "start");
    check(pthread_create(&c->thread, NULL, run, c) == 0, "thread");
}

void cutter_set(cutter *c, size_t cut_after)
{
    (void)pthread_mutex_lock(&c->lock);
    c->cut_after = cut_after;
    (void)pthread_mutex_unlock(&c->lock);
}

size_t cutter_passed(cutter *c)
{
    (void)pthread_mutex_lock(&c->lock);
    size_t passed = c->passed;
    (void)pthread_mutex_unlock(&c->lock);
    return passed;
}

void cutter_stop(cutter *c)
{
    uint64_t one = 1;
    check(write(c->stop_fd, &one, sizeof one) == (ssize_t)sizeof one, "stop");
    check(pthread_join(c->thread, NULL) == 0, "join");
    os_sock_close(&c->listener);
    os_sock_close(&c->stop_fd);
    (void)pthread_mutex_destroy(&c->lock);
}
