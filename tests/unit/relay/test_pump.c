/* SPDX-License-Identifier: MIT */
/* relay: how the pump takes a large answer that gushes, over TCP as in real life. */
#include "relay/pump.h"

#include "os/sock.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define PACKET_BYTES 8000
#define PACKETS 1000
/* Far more than any rest, far less than a test's patience. */
#define SOON_MS 2000

typedef struct way {
    relay_stream *stream;
    int far;
} way;

static way way_new(void)
{
    way w = {0};
    entrasql_error err;
    uint16_t port = 0;
    int listener = -1;
    os_address address;
    assert_int_equal(os_sock_listen_loopback(AF_INET, 0, 1, &listener, &port, &err), ENTRASQL_OK);
    assert_int_equal(os_address_from_numeric("127.0.0.1", port, &address, &err), ENTRASQL_OK);
    assert_int_equal(os_sock_connect_start(&address, &w.far, &err), ENTRASQL_OK);
    int near = -1;
    while (os_sock_accept(listener, &near, &err) == ENTRASQL_AGAIN)
        (void)usleep(1000);
    assert_true(near >= 0);
    assert_int_equal(relay_stream_new(near, NULL, &w.stream), ENTRASQL_OK);
    os_sock_close(&listener);
    return w;
}

static void way_done(way *w)
{
    relay_stream_free(w->stream);
    os_sock_close(&w->far);
}

static int low_mark(const relay_stream *s)
{
    int bytes = 0;
    socklen_t size = sizeof bytes;
    assert_int_equal(getsockopt(relay_stream_fd(s), SOL_SOCKET, SO_RCVLOWAT, &bytes, &size), 0);
    return bytes;
}

static void send_all(int fd, const uint8_t *p, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);
        if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
            (void)usleep(100);
            continue;
        }
        assert_true(sent > 0);
        p += sent;
        n -= (size_t)sent;
    }
}

/* A packet of a reply: of rows, so to speak. */
static void send_packet(int fd, bool is_last)
{
    uint8_t packet[PACKET_BYTES] = {4, is_last, PACKET_BYTES >> 8, PACKET_BYTES & 0xFF};
    if (is_last)
        packet[PACKET_BYTES - 13] = 0xFD; /* DONE, all zero */
    send_all(fd, packet, sizeof packet);
}

typedef struct world {
    way client;
    way server;
    relay_border border;
    relay_pump *pump;
    uint64_t got; /* by the client's far end */
} world;

static world *world_new(void)
{
    static world w;
    static const uint8_t request[] = {1, 1, 0, 9, 0, 0, 1, 0, 'x'};
    w = (world){.client = way_new(), .server = way_new()};
    const relay_pump_options options = {
        .client = w.client.stream, .server = w.server.stream, .border = &w.border};
    assert_int_equal(relay_pump_new(&options, &w.pump), ENTRASQL_OK);
    send_all(w.client.far, request, sizeof request);
    return &w;
}

static void world_done(world *w)
{
    relay_pump_free(w->pump);
    way_done(&w->client);
    way_done(&w->server);
}

static void take(world *w)
{
    uint8_t space[65536];
    ssize_t n = 0;
    while ((n = recv(w->client.far, space, sizeof space, 0)) > 0)
        w->got += (uint64_t)n;
}

/* Drives the pump as a loop does until so much has come through; false: nothing came for long. */
static bool run_until(world *w, uint64_t bytes)
{
    entrasql_error err;
    int64_t end = es_clock_deadline(SOON_MS);
    while (w->got < bytes && es_clock_mono_ms() < end) {
        os_wait set;
        uint64_t before = w->got;
        os_wait_init(&set);
        os_wait_until(&set, end);
        assert_int_equal(relay_pump_wants(w->pump, &set), ENTRASQL_OK);
        assert_int_equal(os_wait_poll(&set, &err), ENTRASQL_OK);
        assert_int_equal(relay_pump_step(w->pump, &err), ENTRASQL_AGAIN);
        take(w);
        end = w->got > before ? es_clock_deadline(SOON_MS) : end;
    }
    return w->got >= bytes;
}

/* The server sends faster than it is read, until the pump takes it by the bucket. */
static void run_gush(world *w)
{
    entrasql_error err;
    for (int i = 0; i < PACKETS && low_mark(w->server.stream) == 1; i++) {
        for (int k = 0; k < 4; k++)
            send_packet(w->server.far, false);
        assert_int_equal(relay_pump_step(w->pump, &err), ENTRASQL_AGAIN);
        take(w);
    }
    assert_true(low_mark(w->server.stream) > 1);
}

static void *send_one_later(void *ctx)
{
    const world *w = ctx;
    (void)usleep(20000);
    send_packet(w->server.far, false);
    return NULL;
}

/* The server thinks, in the middle of its answer: what it sends then is less than the mark. */
static void nothing_is_kept_back_when_the_server_pauses(void **state)
{
    (void)state;
    pthread_t thread;
    world *w = world_new();
    run_gush(w);
    assert_int_equal(pthread_create(&thread, NULL, send_one_later, w), 0);
    int64_t began = es_clock_mono_ms();
    assert_true(run_until(w, w->got + PACKET_BYTES));
    assert_true(es_clock_mono_ms() - began < SOON_MS);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(low_mark(w->server.stream), 1);
    world_done(w);
}

static void the_last_packet_ends_the_gush(void **state)
{
    (void)state;
    world *w = world_new();
    run_gush(w);
    send_packet(w->server.far, true);
    assert_true(run_until(w, w->got + PACKET_BYTES));
    assert_true(relay_border_is_idle(&w->border));
    assert_int_equal(low_mark(w->server.stream), 1);
    world_done(w);
}

/* What is lent next must not wait for bytes that nobody sends. */
static void the_mark_does_not_outlive_the_pump(void **state)
{
    (void)state;
    world *w = world_new();
    run_gush(w);
    relay_pump_free(w->pump);
    w->pump = NULL;
    assert_int_equal(low_mark(w->server.stream), 1);
    world_done(w);
}

/* ---- a server that is dead when it is lent ---- */

static void die(way *w)
{
    const struct linger now = {.l_onoff = 1};
    assert_int_equal(setsockopt(w->far, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
    os_sock_close(&w->far);
    (void)usleep(20000);
}

static void a_dead_server_took_nothing(void **state)
{
    (void)state;
    world *w = world_new();
    entrasql_error err;
    char got[16];
    size_t n = 0;
    die(&w->server);
    assert_int_equal(relay_pump_step(w->pump, &err), ENTRASQL_NETWORK);
    assert_true(relay_pump_server_broke(w->pump));
    assert_true(relay_pump_server_took_nothing(w->pump));
    assert_int_equal(relay_stream_read(w->client.stream, got, sizeof got, &n, &err), ENTRASQL_OK);
    assert_int_equal(n, 9); /* the request is there for another server */
    world_done(w);
}

/* The request went into the queue before the server died: it is not the client's any more. */
static void what_is_queued_is_not_given_back(void **state)
{
    (void)state;
    static const uint8_t block[65536];
    world *w = world_new();
    entrasql_error err;
    while (send(relay_stream_fd(w->server.stream), block, sizeof block, MSG_NOSIGNAL) > 0)
        ;
    assert_int_equal(relay_pump_step(w->pump, &err), ENTRASQL_AGAIN);
    assert_int_equal(relay_stream_queued(w->server.stream), 9);
    die(&w->server);
    assert_int_equal(relay_pump_step(w->pump, &err), ENTRASQL_NETWORK);
    assert_true(relay_pump_server_broke(w->pump));
    assert_false(relay_pump_server_took_nothing(w->pump));
    world_done(w);
}

/* It says why it takes no more of the request, and closes. */
static void the_last_words_of_a_server_are_delivered(void **state)
{
    (void)state;
    static const uint8_t part[] = {1, 0, 0, 9, 0, 0, 1, 0, 'x'};
    world *w = world_new();
    entrasql_error err;
    entrasql_status status = ENTRASQL_AGAIN;
    assert_int_equal(relay_pump_step(w->pump, &err), ENTRASQL_AGAIN);
    send_packet(w->server.far, true);
    die(&w->server);
    /* Only the first write after the server's end may pass. */
    for (int i = 0; i < 3 && status == ENTRASQL_AGAIN; i++) {
        send_all(w->client.far, part, sizeof part);
        (void)usleep(20000);
        status = relay_pump_step(w->pump, &err);
    }
    assert_int_equal(status, ENTRASQL_NETWORK);
    assert_true(relay_pump_server_broke(w->pump));
    take(w);
    assert_int_equal(w->got, PACKET_BYTES);
    world_done(w);
}

/* An answer too many may be an earlier client's. */
static void an_answer_that_nobody_asked_for_is_not_delivered(void **state)
{
    (void)state;
    world *w = world_new();
    entrasql_error err;
    relay_pump_free(w->pump);
    const relay_pump_options options = {.client = w->client.stream,
                                        .server = w->server.stream,
                                        .border = &w->border,
                                        .keeps_server = true};
    assert_int_equal(relay_pump_new(&options, &w->pump), ENTRASQL_OK);
    assert_int_equal(relay_pump_step(w->pump, &err), ENTRASQL_AGAIN);
    send_packet(w->server.far, true);
    assert_true(run_until(w, PACKET_BYTES));
    send_packet(w->server.far, true);
    (void)usleep(20000);
    assert_int_equal(relay_pump_step(w->pump, &err), ENTRASQL_MALFORMED);
    assert_true(relay_pump_server_broke(w->pump));
    take(w);
    assert_int_equal(w->got, PACKET_BYTES);
    world_done(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_kept_back_when_the_server_pauses),
        cmocka_unit_test(the_last_packet_ends_the_gush),
        cmocka_unit_test(the_mark_does_not_outlive_the_pump),
        cmocka_unit_test(a_dead_server_took_nothing),
        cmocka_unit_test(what_is_queued_is_not_given_back),
        cmocka_unit_test(the_last_words_of_a_server_are_delivered),
        cmocka_unit_test(an_answer_that_nobody_asked_for_is_not_delivered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
