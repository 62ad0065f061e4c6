/* SPDX-License-Identifier: MIT */
/* proxy: what a reset sends, and which answers make a session clean. */
#include "proxy/reset.h"

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

#define TRANSACTION 0x1122334455667788U
#define NO_ENV 0

typedef struct link_ends {
    relay_border border;
    relay_stream *stream;
    int server;
    bool is_last;
} link_ends;

static link_ends link_new(void)
{
    link_ends l = {0};
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    assert_int_equal(relay_stream_new(fds[0], NULL, &l.stream), ENTRASQL_OK);
    l.server = fds[1];
    return l;
}

static void link_done(link_ends *l)
{
    relay_stream_free(l->stream);
    (void)close(l->server);
}

static void reply(link_ends *l, int env, uint64_t transaction, uint8_t severity, uint16_t done)
{
    es_buf tokens = ES_BUF_INIT(4096);
    es_buf packets = ES_BUF_INIT(4096);
    if (env == TDS_ENV_RESET)
        assert_int_equal(tds_envchange_add_bytes(&tokens, TDS_ENV_RESET, NULL, 0, NULL, 0),
                         ENTRASQL_OK);
    else if (env != NO_ENV)
        assert_int_equal(tds_envchange_add_transaction(&tokens, (tds_env_type)env, transaction),
                         ENTRASQL_OK);
    if (severity > 0)
        assert_int_equal(tds_message_add(&tokens, 4711, 1, severity, "no", "s", "", 1),
                         ENTRASQL_OK);
    assert_int_equal(tds_done_add(&tokens, TDS_TOKEN_DONE, done, 0, 0), ENTRASQL_OK);
    assert_int_equal(
        tds_packets_write(TDS_PACKET_REPLY, 51, 4096, tokens.data, tokens.len, &packets),
        ENTRASQL_OK);
    relay_border_down(&l->border, packets.data, packets.len);
    es_buf_done(&tokens);
    es_buf_done(&packets);
}

/* Sends, and gives what the server received. */
static size_t send_next(link_ends *l, uint8_t got[512])
{
    assert_int_equal(proxy_reset_send(&l->border, l->stream, &l->is_last, NULL), ENTRASQL_OK);
    ssize_t n = read(l->server, got, 512);
    assert_true(n > 8);
    assert_int_equal(got[2] << 8 | got[3], n); /* one packet */
    return (size_t)n;
}

static entrasql_status check(const link_ends *l)
{
    return proxy_reset_check(&l->border, l->is_last, NULL);
}

static void without_a_transaction_one_batch_is_all(void **state)
{
    (void)state;
    link_ends l = link_new();
    uint8_t got[512];
    tds_batch batch;
    size_t n = send_next(&l, got);
    assert_true(l.is_last);
    assert_int_equal(got[0], TDS_PACKET_BATCH);
    assert_int_equal(got[1], TDS_STATUS_EOM | TDS_STATUS_RESET);
    assert_int_equal(tds_batch_parse(got + 8, n - 8, &batch, NULL), ENTRASQL_OK);
    assert_string_equal(batch.text, "SET TRANSACTION ISOLATION LEVEL READ COMMITTED");
    assert_int_equal(batch.headers.transaction, 0);
    tds_batch_done(&batch);
    assert_false(relay_border_is_idle(&l.border));
    reply(&l, TDS_ENV_RESET, 0, 0, 0);
    assert_true(relay_border_is_idle(&l.border));
    assert_int_equal(check(&l), ENTRASQL_OK);
    link_done(&l);
}

static void an_open_transaction_is_rolled_back_first(void **state)
{
    (void)state;
    link_ends l = link_new();
    uint8_t got[512];
    tds_tm tm;
    l.border.transaction = RELAY_TRANSACTION_OPEN;
    l.border.descriptor = TRANSACTION;
    size_t n = send_next(&l, got);
    assert_false(l.is_last);
    assert_int_equal(got[0], TDS_PACKET_TM);
    assert_int_equal(got[1], TDS_STATUS_EOM); /* the reset comes with the batch */
    assert_int_equal(tds_tm_parse(got + 8, n - 8, &tm, NULL), ENTRASQL_OK);
    assert_int_equal(tm.request, TDS_TM_ROLLBACK);
    assert_true(tm.headers.transaction == TRANSACTION);
    assert_false(tm.begin_again);
    tds_tm_done(&tm);
    reply(&l, TDS_ENV_ROLLBACK, TRANSACTION, 0, 0);
    assert_int_equal(check(&l), ENTRASQL_OK);
    (void)send_next(&l, got);
    assert_true(l.is_last);
    assert_int_equal(got[0], TDS_PACKET_BATCH);
    link_done(&l);
}

static void nothing_but_a_clean_answer_counts(void **state)
{
    (void)state;
    static const struct {
        int env;
        uint8_t severity;
        uint16_t done;
    } bad[] = {
        {NO_ENV, 0, 0},                        /* not acknowledged */
        {TDS_ENV_RESET, 16, TDS_DONE_ERROR},   /* an error: application role, for one */
        {TDS_ENV_RESET, 20, TDS_DONE_ERROR},   /* and the server closes */
        {TDS_ENV_RESET, 0, TDS_DONE_INXACT},   /* a transaction survived */
        {TDS_ENV_RESET, 0, TDS_DONE_SRVERROR}, /* gave up */
        {TDS_ENV_RESET, 0, TDS_DONE_MORE},     /* not the end */
        {TDS_ENV_RESET, 0, TDS_DONE_ATTN},     /* an answer to something else */
    };
    for (size_t i = 0; i < ES_COUNT_OF(bad); i++) {
        link_ends l = link_new();
        uint8_t got[512];
        (void)send_next(&l, got);
        reply(&l, bad[i].env, 0, bad[i].severity, bad[i].done);
        assert_int_not_equal(check(&l), ENTRASQL_OK);
        link_done(&l);
    }
}

static void an_earlier_acknowledgement_does_not_count(void **state)
{
    (void)state;
    link_ends l = link_new();
    uint8_t got[512];
    l.border.was_reset = true; /* the client's own reset was */
    (void)send_next(&l, got);
    reply(&l, NO_ENV, 0, 0, 0);
    assert_int_not_equal(check(&l), ENTRASQL_OK);
    link_done(&l);
}

static void a_rollback_that_fails_ends_it(void **state)
{
    (void)state;
    link_ends l = link_new();
    uint8_t got[512];
    l.border.transaction = RELAY_TRANSACTION_OPEN;
    (void)send_next(&l, got);
    reply(&l, NO_ENV, 0, 16, TDS_DONE_ERROR | TDS_DONE_INXACT);
    assert_int_not_equal(check(&l), ENTRASQL_OK);
    link_done(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_transaction_one_batch_is_all),
        cmocka_unit_test(an_open_transaction_is_rolled_back_first),
        cmocka_unit_test(nothing_but_a_clean_answer_counts),
        cmocka_unit_test(an_earlier_acknowledgement_does_not_count),
        cmocka_unit_test(a_rollback_that_fails_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
