/* SPDX-License-Identifier: MIT */
/* proxy: an answer that its client left is cancelled and thrown away up to the acknowledgement. */
#include "proxy/drain.h"

#include "base/buf.h"
#include "tds/packet.h"
#include "tds/request.h"
#include "tds/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct link_ends {
    relay_border border;
    relay_stream *stream;
    int server;
    proxy_drain drain;
    relay_scratch *space;
} link_ends;

/* A request is under way, of which the client has seen the beginning of the answer. */
static link_ends link_new(uint8_t request)
{
    link_ends l = {0};
    int fds[2];
    es_buf packet = ES_BUF_INIT(4096);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    assert_int_equal(relay_stream_new(fds[0], NULL, &l.stream), ENTRASQL_OK);
    assert_int_equal(relay_scratch_new((size_t)64 * 1024, &l.space), ENTRASQL_OK);
    l.server = fds[1];
    assert_int_equal(tds_packets_write(request, 0, 512, "abcd", 4, &packet), ENTRASQL_OK);
    relay_border_up(&l.border, packet.data, packet.len);
    es_buf_done(&packet);
    return l;
}

static void link_done(link_ends *l)
{
    relay_stream_free(l->stream);
    relay_scratch_free(l->space);
    if (l->server >= 0)
        (void)close(l->server);
}

static void start(link_ends *l)
{
    assert_true(relay_border_is_cancellable(&l->border));
    assert_int_equal(proxy_drain_start(&l->drain, &l->border, l->stream, NULL), ENTRASQL_OK);
}

static entrasql_status step(link_ends *l)
{
    return proxy_drain_step(&l->drain, &l->border, l->stream, l->space, NULL);
}

/* What the server was sent; 0: nothing. */
static size_t received(const link_ends *l, uint8_t got[64])
{
    ssize_t n = read(l->server, got, 64);
    return n > 0 ? (size_t)n : 0;
}

static void server_says(const link_ends *l, const void *p, size_t n)
{
    assert_int_equal(write(l->server, p, n), (ssize_t)n);
}

/* rows: bytes of rows before the DONE. */
static es_buf message(size_t rows, uint16_t done)
{
    static const uint8_t row[1024] = {TDS_TOKEN_COLMETADATA};
    es_buf tokens = ES_BUF_INIT(1U << 20);
    es_buf packets = ES_BUF_INIT(1U << 20);
    assert_int_equal(es_buf_add(&tokens, row, rows), ENTRASQL_OK);
    assert_int_equal(tds_done_add(&tokens, TDS_TOKEN_DONE, done, 0, 0), ENTRASQL_OK);
    assert_int_equal(
        tds_packets_write(TDS_PACKET_REPLY, 51, 512, tokens.data, tokens.len, &packets),
        ENTRASQL_OK);
    es_buf_done(&tokens);
    return packets;
}

static void server_answers(const link_ends *l, size_t rows, uint16_t done)
{
    es_buf packets = message(rows, done);
    server_says(l, packets.data, packets.len);
    es_buf_done(&packets);
}

static void an_answer_is_cancelled_and_read_to_its_end(void **state)
{
    static const uint8_t attention[] = {TDS_PACKET_ATTENTION, TDS_STATUS_EOM, 0, 8, 0, 0, 1, 0};
    (void)state;
    link_ends l = link_new(TDS_PACKET_BATCH);
    uint8_t got[64];
    es_buf packets = message(1000, TDS_DONE_ATTN);
    relay_border_down(&l.border, packets.data, 300); /* so far the client has seen it */
    start(&l);
    assert_int_equal(received(&l, got), sizeof attention);
    assert_memory_equal(got, attention, sizeof attention);
    assert_int_equal(step(&l), ENTRASQL_AGAIN);
    for (size_t i = 300; i < packets.len; i++) {
        assert_false(relay_border_is_idle(&l.border));
        server_says(&l, packets.data + i, 1);
        assert_int_equal(step(&l), i + 1 < packets.len ? ENTRASQL_AGAIN : ENTRASQL_OK);
    }
    assert_true(relay_border_is_idle(&l.border));
    assert_int_equal(relay_border_pin(&l.border), RELAY_PIN_NONE);
    assert_int_equal(received(&l, got), 0);
    es_buf_done(&packets);
    link_done(&l);
}

static void an_answer_that_ended_before_the_cancel_came_is_not_the_end(void **state)
{
    (void)state;
    link_ends l = link_new(TDS_PACKET_RPC);
    start(&l);
    server_answers(&l, 700, TDS_DONE_COUNT);
    assert_int_equal(step(&l), ENTRASQL_AGAIN);
    server_answers(&l, 0, TDS_DONE_ATTN | TDS_DONE_INXACT);
    assert_int_equal(step(&l), ENTRASQL_OK);
    assert_int_equal(relay_border_pin(&l.border), RELAY_PIN_TRANSACTION); /* begun behind rows */
    link_done(&l);
}

static void the_clients_own_cancel_is_waited_for(void **state)
{
    static const uint8_t attention[] = {TDS_PACKET_ATTENTION, TDS_STATUS_EOM, 0, 8, 0, 0, 1, 0};
    (void)state;
    link_ends l = link_new(TDS_PACKET_BATCH);
    uint8_t got[64];
    relay_border_up(&l.border, attention, sizeof attention);
    start(&l);
    assert_int_equal(received(&l, got), 0); /* a second one would be acknowledged a second time */
    server_answers(&l, 100, TDS_DONE_ATTN);
    assert_int_equal(step(&l), ENTRASQL_OK);
    link_done(&l);
}

static void it_ends_with_bytes_time_and_the_connection(void **state)
{
    (void)state;
    link_ends l = link_new(TDS_PACKET_BATCH);
    start(&l);
    l.drain.bytes = PROXY_DRAIN_BYTES - 200;
    es_buf packets = message(1000, TDS_DONE_ATTN);
    server_says(&l, packets.data, 199);
    assert_int_equal(step(&l), ENTRASQL_AGAIN);
    server_says(&l, packets.data + 199, 1);
    assert_int_equal(step(&l), ENTRASQL_LIMIT);
    es_buf_done(&packets);
    link_done(&l);

    l = link_new(TDS_PACKET_BATCH);
    start(&l);
    assert_in_range(l.drain.deadline_ms - es_clock_mono_ms(), 1, PROXY_DRAIN_MS);
    l.drain.deadline_ms = es_clock_mono_ms();
    assert_int_equal(step(&l), ENTRASQL_TIMEOUT);
    link_done(&l);

    l = link_new(TDS_PACKET_BATCH);
    start(&l);
    (void)close(l.server);
    l.server = -1;
    assert_int_not_equal(step(&l), ENTRASQL_OK);
    assert_int_not_equal(step(&l), ENTRASQL_AGAIN);
    link_done(&l);

    l = link_new(TDS_PACKET_BATCH);
    start(&l);
    server_says(&l, "no TDS at all", 13);
    assert_int_equal(step(&l), ENTRASQL_MALFORMED);
    link_done(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_cancelled_and_read_to_its_end),
        cmocka_unit_test(an_answer_that_ended_before_the_cancel_came_is_not_the_end),
        cmocka_unit_test(the_clients_own_cancel_is_waited_for),
        cmocka_unit_test(it_ends_with_bytes_time_and_the_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
