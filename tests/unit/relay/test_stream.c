/* SPDX-License-Identifier: MIT */
/* relay: packet borders, streams, the pump, the server-side login. */
#include "relay/accept.h"
#include "relay/frame.h"
#include "relay/pump.h"

#include "../tls/certs.h"
#include "base/mem.h"
#include "tds/client.h"
#include "tls/inner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- packet borders ---- */

#define PACKETS 5
static const uint8_t packets[] = {
    1,    0, 0, 11, 0,  0, 1, 0, 'a', 'b', 'c',                      /* 11 bytes */
    6,    1, 0, 8,  0,  0, 1, 0,                                     /* no payload */
    0x53, 1, 0, 0,  16, 0, 0, 0, 0,   0,   0,   0, 4, 0, 0, 0,       /* SMP, its header alone */
    0x53, 8, 9, 1,  18, 0, 0, 0, 1,   0,   0,   0, 4, 0, 0, 0, 6, 1, /* and with two bytes */
    3,    1, 0, 9,  0,  0, 2, 0, 'x'};

static void borders_are_found_at_every_split(void **state)
{
    (void)state;
    static const size_t borders[PACKETS] = {11, 19, 35, 53, 62};
    for (size_t split = 0; split <= sizeof packets; split++) {
        relay_frame f = {0};
        size_t at = 0;
        size_t found = 0;
        while (at < sizeof packets) {
            size_t end = at < split ? split : sizeof packets;
            at += relay_frame_take(&f, packets + at, end - at);
            assert_false(f.lost);
            if (at == borders[found])
                found++;
            else
                assert_int_equal(at, split); /* stopped for want of bytes only */
        }
        assert_int_equal(found, PACKETS);
    }
}

static void a_broken_header_ends_the_tracking(void **state)
{
    (void)state;
    relay_frame f = {0};
    static const uint8_t bad[] = {1, 0, 0, 7, 0, 0, 0, 0, 1, 2, 3};
    assert_int_equal(relay_frame_take(&f, bad, sizeof bad), sizeof bad);
    assert_true(f.lost);
    assert_int_equal(relay_frame_take(&f, packets, sizeof packets), sizeof packets);
}

/* ---- streams ---- */

typedef struct ends {
    relay_stream *stream;
    int far; /* the other end, non-blocking */
} ends;

static ends ends_new(void)
{
    ends e = {0};
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    assert_int_equal(relay_stream_new(fds[0], NULL, &e.stream), ENTRASQL_OK);
    e.far = fds[1];
    return e;
}

static void ends_done(ends *e)
{
    relay_stream_free(e->stream);
    if (e->far >= 0)
        (void)close(e->far);
}

static void expect_read(relay_stream *s, const char *text)
{
    char got[64] = "";
    size_t n = 0;
    assert_int_equal(relay_stream_read(s, got, sizeof got - 1, &n, NULL), ENTRASQL_OK);
    assert_string_equal(got, text);
}

static void bytes_given_back_come_first(void **state)
{
    (void)state;
    ends e = ends_new();
    char got[4];
    size_t n = 0;
    entrasql_error err;
    assert_int_equal(relay_stream_read(e.stream, got, 4, &n, &err), ENTRASQL_AGAIN);
    assert_int_equal(write(e.far, "later", 5), 5);
    assert_int_equal(relay_stream_push_back(e.stream, "second", 6), ENTRASQL_OK);
    assert_int_equal(relay_stream_push_back(e.stream, "first ", 6), ENTRASQL_OK);
    assert_int_equal(relay_stream_push_back(e.stream, NULL, 0), ENTRASQL_OK);
    os_wait w;
    os_wait_init(&w);
    assert_int_equal(relay_stream_wants(e.stream, true, &w), ENTRASQL_OK);
    assert_true(w.deadline_ms <= es_clock_mono_ms()); /* no event would tell of them */
    expect_read(e.stream, "first second");
    expect_read(e.stream, "later");
    (void)close(e.far);
    e.far = -1;
    assert_int_equal(relay_stream_read(e.stream, got, 4, &n, &err), ENTRASQL_CLOSED);
    ends_done(&e);
}

static void the_queue_has_a_ceiling(void **state)
{
    (void)state;
    ends e = ends_new();
    static const uint8_t block[65536];
    entrasql_error err;
    entrasql_status status = ENTRASQL_OK;
    size_t written = 0;
    while (status == ENTRASQL_OK) {
        status = relay_stream_write(e.stream, block, sizeof block, &err);
        written += status == ENTRASQL_OK ? sizeof block : 0;
        assert_true(written < (size_t)8 * 1024 * 1024);
    }
    assert_int_equal(status, ENTRASQL_LIMIT);
    assert_true(relay_stream_queued(e.stream) <= 1024 * 1024 + sizeof block);
    assert_int_equal(relay_stream_flush(e.stream, &err), ENTRASQL_AGAIN);
    /* Nothing is lost. */
    size_t got = 0;
    uint8_t space[65536];
    while (got < written) {
        ssize_t n = read(e.far, space, sizeof space);
        if (n > 0)
            got += (size_t)n;
        status = relay_stream_flush(e.stream, &err);
        assert_true(n > 0 || status == ENTRASQL_OK || status == ENTRASQL_AGAIN);
    }
    assert_int_equal(relay_stream_queued(e.stream), 0);
    ends_done(&e);
}

static tls_conn *tls_of(bool is_server, bool wrap)
{
    tls_context *ctx = NULL;
    tls_conn *c = NULL;
    tls_client_options client = {.ca_file = certs_file("ca", ".pem")};
    tls_conn_options options = {.server_name = "db.example", .wrap_prelogin = wrap};
    if (is_server)
        assert_int_equal(tls_server_context_new(certs_file("good", ".pem"),
                                                certs_file("good", ".key"), &ctx, NULL),
                         ENTRASQL_OK);
    else
        assert_int_equal(tls_client_context_new(&client, &ctx, NULL), ENTRASQL_OK);
    assert_int_equal(tls_conn_new(ctx, &options, &c, NULL), ENTRASQL_OK);
    tls_context_unref(ctx);
    return c;
}

/* Two streams that talk TLS to each other. */
static void tls_pair(bool wrap, relay_stream **ret_client, relay_stream **ret_server)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    assert_int_equal(relay_stream_new(fds[0], NULL, ret_client), ENTRASQL_OK);
    assert_int_equal(relay_stream_new(fds[1], NULL, ret_server), ENTRASQL_OK);
    assert_int_equal(relay_stream_start_tls(*ret_client, tls_of(false, wrap), NULL, 0, NULL),
                     ENTRASQL_OK);
    /* The server had read the first byte already. */
    entrasql_status client = relay_stream_handshake(*ret_client, NULL);
    uint8_t first;
    assert_int_equal(read(fds[1], &first, 1), 1);
    assert_int_equal(relay_stream_start_tls(*ret_server, tls_of(true, wrap), &first, 1, NULL),
                     ENTRASQL_OK);
    entrasql_status server = ENTRASQL_AGAIN;
    for (int i = 0; i < 10 && (client == ENTRASQL_AGAIN || server == ENTRASQL_AGAIN); i++) {
        server = relay_stream_handshake(*ret_server, NULL);
        client = relay_stream_handshake(*ret_client, NULL);
    }
    assert_int_equal(client, ENTRASQL_OK);
    assert_int_equal(server, ENTRASQL_OK);
}

static void each_packet_is_one_record(void **state)
{
    (void)state;
    relay_stream *client = NULL;
    relay_stream *server = NULL;
    tls_pair(true, &client, &server);
    assert_int_equal(relay_stream_write(client, packets, sizeof packets, NULL), ENTRASQL_OK);
    uint8_t wire[1024];
    ssize_t n = read(relay_stream_fd(server), wire, sizeof wire);
    assert_true(n > 0);
    int records = 0;
    for (size_t at = 0; at + 5 <= (size_t)n; records++) {
        assert_int_equal(wire[at], 0x17); /* application data */
        at += 5 + (size_t)((wire[at + 3] << 8) | wire[at + 4]);
    }
    assert_int_equal(records, PACKETS);
    relay_stream_free(client);
    relay_stream_free(server);
}

static bool waits_to_read(const relay_stream *s)
{
    os_wait w;
    os_wait_init(&w);
    assert_int_equal(relay_stream_wants(s, true, &w), ENTRASQL_OK);
    return w.deadline_ms > es_clock_mono_ms();
}

static void records_that_are_here_are_not_waited_for(void **state)
{
    (void)state;
    relay_stream *client = NULL;
    relay_stream *server = NULL;
    uint8_t got[64];
    size_t n = 0;
    tls_pair(true, &client, &server);
    assert_int_equal(relay_stream_write(client, packets, sizeof packets, NULL), ENTRASQL_OK);
    /* All of them come out of the socket at once, and one with each read. */
    for (int i = 0; i < PACKETS; i++) {
        assert_int_equal(relay_stream_read(server, got, sizeof got, &n, NULL), ENTRASQL_OK);
        assert_false(waits_to_read(server));
    }
    assert_int_equal(relay_stream_read(server, got, sizeof got, &n, NULL), ENTRASQL_AGAIN);
    assert_true(waits_to_read(server));
    relay_stream_free(client);
    relay_stream_free(server);
}

/*
 * TLS 1.3: the peer changes its keys and asks us to change ours. OpenSSL keeps the answer to the
 * first wish for the next bytes of ours, as it may (RFC 8446, 4.6.3), but gives the next one an
 * answer while it reads. That has to go out though our side only reads: else it would wait to send
 * for ever, and answers would pile up.
 */
static void new_keys_are_answered_by_who_only_reads(void **state)
{
    (void)state;
    for (int has_scratch = 0; has_scratch < 2; has_scratch++) {
        relay_stream *client = NULL;
        relay_stream *server = NULL;
        relay_scratch *scratch = NULL;
        char got[64];
        size_t n = 0;
        tls_pair(false, &client, &server);
        assert_int_equal(relay_scratch_new(RELAY_PUMP_SCRATCH_BYTES, &scratch), ENTRASQL_OK);
        if (has_scratch != 0)
            relay_stream_use_scratch(server, scratch);
        SSL *theirs = relay_stream_tls(client)->ssl;
        SSL *ours = relay_stream_tls(server)->ssl;
        struct pollfd answer = {.fd = relay_stream_fd(client), .events = POLLIN};
        assert_int_equal(SSL_version(theirs), TLS1_3_VERSION);
        for (int i = 0; i < 20; i++) {
            assert_int_equal(SSL_key_update(theirs, SSL_KEY_UPDATE_REQUESTED), 1);
            assert_int_equal(relay_stream_write(client, "question", 8, NULL), ENTRASQL_OK);
            expect_read(server, "question");
            assert_int_equal(relay_stream_read(server, got, sizeof got, &n, NULL), ENTRASQL_AGAIN);
            assert_int_equal(relay_stream_queued(server), 0);
        }
        assert_int_equal(poll(&answer, 1, 0), 1);
        assert_int_equal(relay_stream_read(client, got, sizeof got, &n, NULL), ENTRASQL_AGAIN);
        assert_int_equal(relay_stream_write(server, "reply", 5, NULL), ENTRASQL_OK);
        assert_int_equal(SSL_get_key_update_type(ours), SSL_KEY_UPDATE_NONE);
        expect_read(client, "reply");
        relay_stream_free(client);
        relay_stream_free(server);
        relay_scratch_free(scratch);
    }
}

/* A scratch is never too small for what one receive brings: the rest would cost a call of its own.
 */
static void what_comes_at_once_fits_into_the_scratch(void **state)
{
    (void)state;
    const size_t total = (size_t)4 * 1024 * 1024;
    static uint8_t block[65536];
    relay_stream *client = NULL;
    relay_stream *server = NULL;
    relay_scratch *scratch = NULL;
    size_t written = 0;
    size_t read = 0;
    size_t most = 0;
    for (size_t i = 0; i < sizeof block; i++)
        block[i] = (uint8_t)(i * 7 + i / 251);
    tls_pair(false, &client, &server);
    assert_int_equal(relay_scratch_new(RELAY_PUMP_SCRATCH_BYTES, &scratch), ENTRASQL_OK);
    relay_stream_use_scratch(server, scratch);
    while (read < total) {
        size_t n = 0;
        for (; written < total && relay_stream_queued(client) < sizeof block;
             written += sizeof block)
            assert_int_equal(relay_stream_write(client, block, sizeof block, NULL), ENTRASQL_OK);
        entrasql_status status = relay_stream_flush(client, NULL);
        assert_true(status == ENTRASQL_OK || status == ENTRASQL_AGAIN);
        assert_int_equal(relay_stream_read(server, scratch->plain, scratch->size, &n, NULL),
                         ENTRASQL_OK);
        for (size_t i = 0; i < n; i++)
            assert_true(scratch->plain[i] == block[(read + i) % sizeof block]);
        assert_in_range(n, 1, scratch->size - 1);
        most = n > most ? n : most;
        read += n;
    }
    assert_true(most > scratch->cipher_size / 2); /* the socket was full */
    relay_stream_free(client);
    relay_stream_free(server);
    relay_scratch_free(scratch);
}

static void tls_ends_and_clear_bytes_follow(void **state)
{
    (void)state;
    relay_stream *client = NULL;
    relay_stream *server = NULL;
    tls_pair(true, &client, &server);
    assert_int_equal(relay_stream_write(client, "login", 5, NULL), ENTRASQL_OK);
    assert_int_equal(relay_stream_end_tls(client, NULL), ENTRASQL_OK);
    assert_null(relay_stream_tls(client));
    assert_int_equal(relay_stream_write(client, "clear", 5, NULL), ENTRASQL_OK);
    expect_read(server, "login");
    assert_int_equal(relay_stream_end_tls(server, NULL), ENTRASQL_OK);
    /* Taken from the socket together with the record, or still in it. */
    expect_read(server, "clear");
    assert_int_equal(relay_stream_write(server, "answer", 6, NULL), ENTRASQL_OK);
    expect_read(client, "answer");
    relay_stream_free(client);
    relay_stream_free(server);
}

static void the_end_of_tls_is_seen(void **state)
{
    (void)state;
    relay_stream *client = NULL;
    relay_stream *server = NULL;
    char byte;
    size_t n;
    entrasql_error err;
    tls_pair(false, &client, &server);
    assert_int_equal(relay_stream_write(client, "last", 4, NULL), ENTRASQL_OK);
    relay_stream_shutdown(client);
    relay_stream_shutdown(client);
    expect_read(server, "last");
    assert_int_equal(relay_stream_read(server, &byte, 1, &n, &err), ENTRASQL_CLOSED);
    /* Half closed: the other direction still works. */
    assert_int_equal(relay_stream_write(server, "yes", 3, NULL), ENTRASQL_OK);
    expect_read(client, "yes");
    relay_stream_free(server); /* without close_notify */
    assert_int_equal(relay_stream_read(client, &byte, 1, &n, &err), ENTRASQL_CLOSED);
    relay_stream_free(client);
}

/* ---- the pump ---- */

typedef struct pumped {
    relay_pump *pump;
    relay_stream *streams[2];
    int client;
    int server;
} pumped;

static pumped pumped_new(void)
{
    ends a = ends_new();
    ends b = ends_new();
    pumped p = {.streams = {a.stream, b.stream}, .client = a.far, .server = b.far};
    relay_pump_options options = {.client = a.stream, .server = b.stream};
    assert_int_equal(relay_pump_new(&options, &p.pump), ENTRASQL_OK);
    return p;
}

static void pumped_done(pumped *p)
{
    relay_pump_free(p->pump);
    relay_stream_free(p->streams[0]);
    relay_stream_free(p->streams[1]);
    if (p->client >= 0)
        (void)close(p->client);
    if (p->server >= 0)
        (void)close(p->server);
}

static void expect_bytes(int fd, const char *text)
{
    char got[64] = "";
    assert_int_equal(read(fd, got, sizeof got - 1), (ssize_t)strlen(text));
    assert_string_equal(got, text);
}

static void bytes_pass_both_ways_and_ends_do_too(void **state)
{
    (void)state;
    pumped p = pumped_new();
    entrasql_error err;
    char byte;
    assert_int_equal(write(p.client, "request", 7), 7);
    assert_int_equal(relay_pump_step(p.pump, &err), ENTRASQL_AGAIN);
    expect_bytes(p.server, "request");
    assert_int_equal(write(p.client, "bye", 3), 3);
    assert_int_equal(shutdown(p.client, SHUT_WR), 0);
    assert_int_equal(relay_pump_step(p.pump, &err), ENTRASQL_AGAIN);
    expect_bytes(p.server, "bye");
    assert_int_equal(relay_pump_step(p.pump, &err), ENTRASQL_AGAIN); /* the end is an event too */
    assert_int_equal(read(p.server, &byte, 1), 0);
    /* The answer still comes. */
    assert_int_equal(write(p.server, "answer", 6), 6);
    assert_int_equal(relay_pump_step(p.pump, &err), ENTRASQL_AGAIN);
    expect_bytes(p.client, "answer");
    (void)close(p.server);
    p.server = -1;
    assert_int_equal(relay_pump_step(p.pump, &err), ENTRASQL_OK);
    assert_int_equal(read(p.client, &byte, 1), 0);
    pumped_done(&p);
}

static void a_silent_half_session_ends(void **state)
{
    (void)state;
    pumped p = pumped_new();
    entrasql_error err;
    (void)close(p.server);
    p.server = -1;
    assert_int_equal(relay_pump_step(p.pump, &err), ENTRASQL_AGAIN);
    os_wait w;
    os_wait_init(&w);
    assert_int_equal(relay_pump_wants(p.pump, &w), ENTRASQL_OK);
    assert_true(w.deadline_ms <= es_clock_mono_ms() + RELAY_PUMP_LINGER_MS);
    es_clock_shift(RELAY_PUMP_LINGER_MS + 1, 0);
    assert_int_equal(relay_pump_step(p.pump, &err), ENTRASQL_OK);
    es_clock_shift(-(RELAY_PUMP_LINGER_MS + 1), 0);
    pumped_done(&p);
}

static void a_slow_reader_slows_its_writer(void **state)
{
    (void)state;
    pumped p = pumped_new();
    static const uint8_t block[65536];
    entrasql_error err;
    size_t taken = 0;
    int idle = 0;
    while (idle < 3) {
        ssize_t n = write(p.client, block, sizeof block);
        taken += n > 0 ? (size_t)n : 0;
        idle = n > 0 ? 0 : idle + 1;
        assert_int_equal(relay_pump_step(p.pump, &err), ENTRASQL_AGAIN);
        assert_true(taken < (size_t)4 * 1024 * 1024);
    }
    os_wait w;
    os_wait_init(&w);
    assert_int_equal(relay_pump_wants(p.pump, &w), ENTRASQL_OK);
    for (unsigned i = 0; i < w.count; i++)
        assert_int_equal(w.fds[i].events & POLLIN, w.fds[i].events & POLLOUT ? POLLIN : 0);
    size_t got = 0;
    uint8_t space[65536];
    while (got < taken) {
        ssize_t n = read(p.server, space, sizeof space);
        got += n > 0 ? (size_t)n : 0;
        assert_int_equal(relay_pump_step(p.pump, &err), ENTRASQL_AGAIN);
    }
    assert_int_equal(got, taken);
    pumped_done(&p);
}

/* ---- the server-side login ---- */

typedef struct visitor {
    relay_accept *accept;
    int far;
} visitor;

static visitor visitor_new(relay_accept_options options)
{
    visitor v = {0};
    int fds[2];
    if (options.deadline_ms == 0)
        options.deadline_ms = es_clock_mono_ms() + 10000;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    assert_int_equal(relay_accept_start(fds[0], &options, &v.accept, NULL), ENTRASQL_OK);
    v.far = fds[1];
    return v;
}

static void visitor_done(visitor *v)
{
    relay_accept_free(v->accept);
    if (v->far >= 0)
        (void)close(v->far);
}

/* The bytes of a client that never waits: PRELOGIN, LOGIN7 and what the caller adds. */
static es_buf hasty_client(void)
{
    tds_login7 login;
    tds_client *c = NULL;
    es_buf all = ES_BUF_INIT(65536);
    static const uint8_t answer[] = {4, 1,    0,  8 + 11 + 7, 0, 0, 1, 0, /* PRELOGIN reply */
                                     0, 0,    11, 0,          6, 1, 0, 17, 0,
                                     1, 0xFF, 12, 0,          0, 0, 0, 0,  2};
    size_t used = 0;
    assert_int_equal(tds_login7_init(&login), ENTRASQL_OK);
    assert_int_equal(tds_login7_set(&login.user_name, "u"), ENTRASQL_OK);
    login.password = es_secret_from_str("p");
    tds_client_options options = {.login = &login,
                                  .server_name = "s",
                                  .encrypt = TDS_ENCRYPT_NOT_SUPPORTED,
                                  .allow_clear_password = true};
    assert_int_equal(tds_client_new(&options, &c, NULL), ENTRASQL_OK);
    entrasql_error err;
    if (tds_client_feed(c, answer, sizeof answer, &used, &err) != ENTRASQL_OK)
        fail_msg("%s", err.message);
    es_buf *out = tds_client_output(c);
    assert_int_equal(es_buf_add(&all, out->data, out->len), ENTRASQL_OK);
    tds_client_free(c);
    tds_login7_done(&login);
    return all;
}

static void bytes_behind_the_login_are_kept(void **state)
{
    (void)state;
    visitor v = visitor_new((relay_accept_options){.tls_mode = TDS_SERVER_TLS_NONE});
    es_buf all = hasty_client();
    entrasql_error err;
    assert_int_equal(es_buf_add(&all, "batch", 5), ENTRASQL_OK);
    assert_int_equal(write(v.far, all.data, all.len), (ssize_t)all.len);
    assert_int_equal(relay_accept_step(v.accept, &err), ENTRASQL_OK);
    assert_int_equal(relay_accept_state(v.accept), RELAY_ACCEPT_DECIDE);
    const tds_login7 *login = tds_server_login(relay_accept_server(v.accept));
    assert_string_equal(login->user_name, "u");
    assert_int_equal(relay_accept_step(v.accept, &err), ENTRASQL_OK); /* still to be decided */
    assert_int_equal(relay_accept_state(v.accept), RELAY_ACCEPT_DECIDE);
    tds_server_accept_options accept = {.server_name = "s", .database = "d"};
    assert_int_equal(tds_server_accept(relay_accept_server(v.accept), &accept, &err), ENTRASQL_OK);
    assert_int_equal(relay_accept_run(v.accept, &err), ENTRASQL_OK);
    assert_int_equal(relay_accept_state(v.accept), RELAY_ACCEPT_READY);
    relay_stream *s = relay_accept_take(v.accept);
    expect_read(s, "batch");
    relay_stream_free(s);
    es_buf_done(&all);
    visitor_done(&v);
}

static void a_refusal_is_sent_and_ends_it(void **state)
{
    (void)state;
    visitor v = visitor_new((relay_accept_options){.tls_mode = TDS_SERVER_TLS_NONE});
    es_buf all = hasty_client();
    entrasql_error err;
    entrasql_error why;
    assert_int_equal(write(v.far, all.data, all.len), (ssize_t)all.len);
    assert_int_equal(relay_accept_run(v.accept, &err), ENTRASQL_OK);
    (void)es_fail(&why, ENTRASQL_LOGIN_FAILED, "no");
    assert_int_equal(tds_server_refuse(relay_accept_server(v.accept), &why, "s", &err),
                     ENTRASQL_OK);
    assert_int_equal(relay_accept_run(v.accept, &err), ENTRASQL_OK);
    assert_int_equal(relay_accept_state(v.accept), RELAY_ACCEPT_REFUSED);
    char space[1024];
    assert_true(read(v.far, space, sizeof space) > 0);
    assert_int_equal(read(v.far, space, sizeof space), 0);
    es_buf_done(&all);
    visitor_done(&v);
}

static void a_client_that_leaves_is_noticed(void **state)
{
    (void)state;
    visitor v = visitor_new((relay_accept_options){.tls_mode = TDS_SERVER_TLS_NONE});
    es_buf all = hasty_client();
    entrasql_error err;
    assert_int_equal(write(v.far, all.data, all.len), (ssize_t)all.len);
    assert_int_equal(relay_accept_run(v.accept, &err), ENTRASQL_OK);
    (void)close(v.far);
    v.far = -1;
    os_wait w;
    os_wait_init(&w);
    assert_int_equal(relay_accept_wants(v.accept, &w), ENTRASQL_OK);
    assert_int_equal(os_wait_poll(&w, NULL), ENTRASQL_OK);
    assert_int_equal(relay_accept_step(v.accept, &err), ENTRASQL_CLOSED);
    es_buf_done(&all);
    visitor_done(&v);
}

/* Every beginning of a login, then the end. */
static void cut_logins_are_closed(void **state)
{
    (void)state;
    es_buf all = hasty_client();
    for (size_t n = 0; n < all.len; n++) {
        visitor v = visitor_new((relay_accept_options){.tls_mode = TDS_SERVER_TLS_NONE});
        entrasql_error err;
        assert_int_equal(write(v.far, all.data, n), (ssize_t)n);
        assert_int_equal(relay_accept_step(v.accept, &err), ENTRASQL_AGAIN);
        (void)close(v.far);
        v.far = -1;
        entrasql_status status = relay_accept_run(v.accept, &err);
        assert_true(status == ENTRASQL_CLOSED || status == ENTRASQL_NETWORK);
        visitor_done(&v);
    }
    es_buf_done(&all);
}

static void what_is_no_login_is_dropped(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        entrasql_status status;
    } cases[] = {
        {"GET / HTTP/1.1\r\n\r\n", 18, ENTRASQL_MALFORMED},
        {"\x16\x03\x01\x00\x00", 5, ENTRASQL_UNSUPPORTED}, /* strict, not offered */
        {"\x12\x01\x00\x04\0\0\0\0", 8, ENTRASQL_MALFORMED},
        {"\x01\x01\x00\x08\0\0\0\0", 8, ENTRASQL_MALFORMED},
        {"", 0, ENTRASQL_AGAIN},
    };
    for (size_t i = 0; i < ES_COUNT_OF(cases); i++) {
        visitor v = visitor_new((relay_accept_options){.tls_mode = TDS_SERVER_TLS_NONE});
        entrasql_error err;
        assert_int_equal(write(v.far, cases[i].bytes, cases[i].n), (ssize_t)cases[i].n);
        assert_int_equal(relay_accept_step(v.accept, &err), cases[i].status);
        visitor_done(&v);
    }
}

static void strict_garbage_is_a_tls_failure(void **state)
{
    (void)state;
    tls_context *ctx = NULL;
    entrasql_error err;
    assert_int_equal(
        tls_server_context_new(certs_file("good", ".pem"), certs_file("good", ".key"), &ctx, &err),
        ENTRASQL_OK);
    visitor v = visitor_new((relay_accept_options){
        .tls = ctx, .tls_mode = TDS_SERVER_TLS_REQUIRED, .allow_strict = true});
    assert_int_equal(write(v.far, "\x16garbage garbage", 16), 16);
    assert_int_equal(relay_accept_step(v.accept, &err), ENTRASQL_TLS);
    visitor_done(&v);
    tls_context_unref(ctx);
}

static void slow_logins_end_at_the_deadline(void **state)
{
    (void)state;
    visitor v = visitor_new((relay_accept_options){.tls_mode = TDS_SERVER_TLS_NONE,
                                                   .deadline_ms = es_clock_mono_ms() + 50});
    entrasql_error err;
    assert_int_equal(write(v.far, "\x12", 1), 1);
    assert_int_equal(relay_accept_run(v.accept, &err), ENTRASQL_TIMEOUT);
    assert_string_equal(err.message, "the client did not finish its login in time");
    visitor_done(&v);
}

static void tls_needs_a_certificate(void **state)
{
    (void)state;
    relay_accept *a = NULL;
    relay_accept_options options[] = {{.tls_mode = TDS_SERVER_TLS_REQUIRED},
                                      {.tls_mode = TDS_SERVER_TLS_NONE, .allow_strict = true}};
    for (size_t i = 0; i < ES_COUNT_OF(options); i++)
        assert_int_equal(relay_accept_start(-1, &options[i], &a, NULL), ENTRASQL_INVALID);
    relay_accept_free(NULL);
}

static int set_up(void **state)
{
    (void)state;
    certs_make_usual();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    certs_end();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(borders_are_found_at_every_split),
        cmocka_unit_test(a_broken_header_ends_the_tracking),
        cmocka_unit_test(bytes_given_back_come_first),
        cmocka_unit_test(the_queue_has_a_ceiling),
        cmocka_unit_test(each_packet_is_one_record),
        cmocka_unit_test(records_that_are_here_are_not_waited_for),
        cmocka_unit_test(new_keys_are_answered_by_who_only_reads),
        cmocka_unit_test(what_comes_at_once_fits_into_the_scratch),
        cmocka_unit_test(tls_ends_and_clear_bytes_follow),
        cmocka_unit_test(the_end_of_tls_is_seen),
        cmocka_unit_test(bytes_pass_both_ways_and_ends_do_too),
        cmocka_unit_test(a_silent_half_session_ends),
        cmocka_unit_test(a_slow_reader_slows_its_writer),
        cmocka_unit_test(bytes_behind_the_login_are_kept),
        cmocka_unit_test(a_refusal_is_sent_and_ends_it),
        cmocka_unit_test(a_client_that_leaves_is_noticed),
        cmocka_unit_test(cut_logins_are_closed),
        cmocka_unit_test(what_is_no_login_is_dropped),
        cmocka_unit_test(strict_garbage_is_a_tls_failure),
        cmocka_unit_test(slow_logins_end_at_the_deadline),
        cmocka_unit_test(tls_needs_a_certificate),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
