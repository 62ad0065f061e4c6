/* SPDX-License-Identifier: MIT */
/* relay: where requests and replies end, and what they say of the session. */
#include "relay/border.h"

#include "base/buf.h"
#include "tds/packet.h"
#include "tds/request.h"
#include "tds/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define TRANSACTION 0x1122334455667788U

/* ---- traffic ---- */

typedef enum way { UP, DOWN } way;

typedef struct piece {
    way way;
    es_buf bytes;
} piece;

typedef struct traffic {
    piece pieces[32];
    size_t count;
} traffic;

static es_buf *add(traffic *t, way w)
{
    assert_in_range(t->count, 0, 31);
    t->pieces[t->count] = (piece){.way = w, .bytes = ES_BUF_INIT(1U << 20)};
    return &t->pieces[t->count++].bytes;
}

static void traffic_done(traffic *t)
{
    for (size_t i = 0; i < t->count; i++)
        es_buf_done(&t->pieces[i].bytes);
}

static void request(traffic *t, uint8_t type, size_t n)
{
    static const uint8_t body[2000];
    assert_int_equal(tds_packets_write(type, 0, 512, body, n, add(t, UP)), ENTRASQL_OK);
}

/* Takes the tokens. */
static void reply(traffic *t, es_buf *tokens)
{
    assert_int_equal(
        tds_packets_write(TDS_PACKET_REPLY, 51, 512, tokens->data, tokens->len, add(t, DOWN)),
        ENTRASQL_OK);
    es_buf_done(tokens);
}

static es_buf done_tokens(uint16_t status)
{
    es_buf b = ES_BUF_INIT(1U << 20);
    assert_int_equal(tds_done_add(&b, TDS_TOKEN_DONE, status, 0, 0), ENTRASQL_OK);
    return b;
}

static void plain_reply(traffic *t, uint16_t status)
{
    es_buf b = done_tokens(status);
    reply(t, &b);
}

static void add_transaction(es_buf *b, tds_env_type type)
{
    assert_int_equal(tds_envchange_add_transaction(b, type, TRANSACTION), ENTRASQL_OK);
}

/* Rows are opaque: bytes that would be tokens if somebody walked on. */
static void add_rows(es_buf *b, size_t n)
{
    size_t end = b->len + n;
    assert_int_equal(es_buf_u8(b, TDS_TOKEN_COLMETADATA), ENTRASQL_OK);
    while (b->len < end)
        add_transaction(b, TDS_ENV_COMMIT);
}

static void add_message(es_buf *b, uint8_t severity)
{
    assert_int_equal(tds_message_add(b, 4711, 1, severity, "a text", "server", "", 1), ENTRASQL_OK);
}

static void show(relay_border *b, way w, const uint8_t *p, size_t n)
{
    if (w == UP)
        relay_border_up(b, p, n);
    else
        relay_border_down(b, p, n);
}

static void show_all(relay_border *b, const traffic *t)
{
    for (size_t i = 0; i < t->count; i++)
        show(b, t->pieces[i].way, t->pieces[i].bytes.data, t->pieces[i].bytes.len);
}

static relay_border after(traffic *t)
{
    relay_border b = {0};
    show_all(&b, t);
    traffic_done(t);
    return b;
}

/* A session with a little of everything, that ends idle with an open transaction. */
static void a_long_session(traffic *t)
{
    es_buf b;
    request(t, TDS_PACKET_BATCH, 1200);
    b = ES_BUF_INIT(1U << 20);
    add_message(&b, 0);
    add_rows(&b, 3000);
    assert_int_equal(tds_done_add(&b, TDS_TOKEN_DONE, TDS_DONE_COUNT, 0xC1, 3), ENTRASQL_OK);
    reply(t, &b);
    request(t, TDS_PACKET_TM, 30);
    b = ES_BUF_INIT(1U << 20);
    add_transaction(&b, TDS_ENV_BEGIN);
    assert_int_equal(tds_done_add(&b, TDS_TOKEN_DONE, TDS_DONE_INXACT, 0, 0), ENTRASQL_OK);
    reply(t, &b);
    request(t, TDS_PACKET_RPC, 700);
    request(t, TDS_PACKET_ATTENTION, 0);
    b = ES_BUF_INIT(1U << 20);
    add_rows(&b, 900);
    reply(t, &b); /* cut off, without a DONE */
    plain_reply(t, TDS_DONE_ATTN | TDS_DONE_INXACT);
    request(t, TDS_PACKET_BULK, 1500);
    plain_reply(t, TDS_DONE_COUNT | TDS_DONE_INXACT);
}

static bool is_same(const relay_border *a, const relay_border *b)
{
    return a->requests == b->requests && a->attentions == b->attentions &&
           a->transaction == b->transaction && a->descriptor == b->descriptor &&
           a->lost == b->lost && a->fatal == b->fatal && a->failed == b->failed &&
           a->was_reset == b->was_reset && relay_border_is_idle(a) == relay_border_is_idle(b);
}

static void every_split_gives_the_same(void **state)
{
    (void)state;
    traffic t = {0};
    a_long_session(&t);
    relay_border whole = {0};
    for (size_t i = 0; i < t.count; i++) {
        const piece *p = &t.pieces[i];
        relay_border before = whole;
        show(&whole, p->way, p->bytes.data, p->bytes.len);
        for (size_t at = 0; at <= p->bytes.len; at++) {
            relay_border b = before;
            show(&b, p->way, p->bytes.data, at);
            /* In the middle of a message nothing is idle. */
            if (at > 0 && at < p->bytes.len)
                assert_false(relay_border_is_idle(&b));
            show(&b, p->way, p->bytes.data + at, p->bytes.len - at);
            assert_true(is_same(&b, &whole));
        }
        relay_border bytewise = before;
        for (size_t at = 0; at < p->bytes.len; at++)
            show(&bytewise, p->way, p->bytes.data + at, 1);
        assert_true(is_same(&bytewise, &whole));
    }
    assert_true(relay_border_is_idle(&whole));
    assert_int_equal(whole.transaction, RELAY_TRANSACTION_OPEN);
    assert_true(whole.descriptor == TRANSACTION);
    assert_int_equal(relay_border_pin(&whole), RELAY_PIN_NONE);
    traffic_done(&t);
}

/* Who leaves at any byte of the exchange is only between two requests where it has none. */
static void a_session_cut_anywhere_is_idle_at_its_borders_only(void **state)
{
    (void)state;
    traffic t = {0};
    a_long_session(&t);
    relay_border b = {0};
    bool expects_reply = false;
    for (size_t i = 0; i < t.count; i++) {
        const piece *p = &t.pieces[i];
        for (size_t at = 0; at < p->bytes.len; at++) {
            assert_int_equal(relay_border_is_idle(&b), at == 0 && !expects_reply);
            if (!relay_border_is_idle(&b))
                assert_int_not_equal(relay_border_pin(&b), RELAY_PIN_NONE);
            show(&b, p->way, p->bytes.data + at, 1);
        }
        expects_reply = p->way == UP || (i + 1 < t.count && t.pieces[i + 1].way == DOWN);
    }
    traffic_done(&t);
}

/* ---- transactions ---- */

static void the_end_of_a_transaction_is_seen(void **state)
{
    (void)state;
    static const tds_env_type ends[] = {TDS_ENV_COMMIT, TDS_ENV_ROLLBACK, TDS_ENV_TRANSACTION_ENDED,
                                        TDS_ENV_DEFECT};
    for (size_t i = 0; i < 4; i++) {
        traffic t = {0};
        es_buf b = ES_BUF_INIT(1U << 20);
        request(&t, TDS_PACKET_TM, 30);
        add_transaction(&b, TDS_ENV_BEGIN);
        assert_int_equal(tds_done_add(&b, TDS_TOKEN_DONE, TDS_DONE_INXACT, 0, 0), ENTRASQL_OK);
        reply(&t, &b);
        request(&t, TDS_PACKET_TM, 30);
        b = ES_BUF_INIT(1U << 20);
        add_transaction(&b, ends[i]);
        assert_int_equal(tds_done_add(&b, TDS_TOKEN_DONE, 0, 0, 0), ENTRASQL_OK);
        reply(&t, &b);
        assert_int_equal(after(&t).transaction, RELAY_TRANSACTION_NONE);
    }
}

static void a_transaction_behind_rows_has_no_descriptor(void **state)
{
    (void)state;
    traffic t = {0};
    es_buf b = ES_BUF_INIT(1U << 20);
    request(&t, TDS_PACKET_BATCH, 30);
    add_rows(&b, 20);
    add_transaction(&b, TDS_ENV_BEGIN);
    assert_int_equal(tds_done_add(&b, TDS_TOKEN_DONE, TDS_DONE_INXACT, 0, 0), ENTRASQL_OK);
    reply(&t, &b);
    relay_border got = after(&t);
    assert_true(relay_border_is_idle(&got));
    assert_int_equal(relay_border_pin(&got), RELAY_PIN_TRANSACTION);
}

static void a_distributed_transaction_is_never_ours_to_end(void **state)
{
    (void)state;
    traffic t = {0};
    es_buf b = ES_BUF_INIT(1U << 20);
    request(&t, TDS_PACKET_TM, 30);
    add_transaction(&b, TDS_ENV_BEGIN);
    assert_int_equal(tds_envchange_add_bytes(&b, TDS_ENV_ENLIST, "12345678", 8, NULL, 0),
                     ENTRASQL_OK);
    assert_int_equal(tds_done_add(&b, TDS_TOKEN_DONE, TDS_DONE_INXACT, 0, 0), ENTRASQL_OK);
    reply(&t, &b);
    relay_border got = after(&t);
    assert_int_equal(relay_border_pin(&got), RELAY_PIN_TRANSACTION);
}

/* ---- attention ---- */

static void an_attention_waits_for_its_own_answer(void **state)
{
    (void)state;
    traffic t = {0};
    request(&t, TDS_PACKET_BATCH, 30);
    plain_reply(&t, TDS_DONE_COUNT);
    request(&t, TDS_PACKET_ATTENTION, 0); /* too late; the server answers it all the same */
    relay_border b = {0};
    show_all(&b, &t);
    assert_false(relay_border_is_idle(&b));
    assert_int_equal(relay_border_pin(&b), RELAY_PIN_ATTENTION);
    traffic_done(&t);
    t = (traffic){0};
    plain_reply(&t, TDS_DONE_ATTN);
    show_all(&b, &t);
    assert_true(relay_border_is_idle(&b));
    traffic_done(&t);
}

static void one_message_may_answer_request_and_attention(void **state)
{
    (void)state;
    traffic t = {0};
    es_buf b = ES_BUF_INIT(1U << 20);
    request(&t, TDS_PACKET_BATCH, 30);
    request(&t, TDS_PACKET_ATTENTION, 0);
    add_rows(&b, 2000);
    assert_int_equal(tds_done_add(&b, TDS_TOKEN_DONE, TDS_DONE_ATTN, 0, 0), ENTRASQL_OK);
    reply(&t, &b);
    relay_border got = after(&t);
    assert_true(relay_border_is_idle(&got));
}

/* ---- what makes a session unfit ---- */

/* The answer to what came behind an attention must not pass for that of the reset. */
static void requests_behind_an_attention_are_not_followed(void **state)
{
    static const struct {
        uint8_t types[3];
    } cases[] = {
        {{TDS_PACKET_BATCH, TDS_PACKET_ATTENTION, TDS_PACKET_BATCH}},
        {{TDS_PACKET_BATCH, TDS_PACKET_BATCH, TDS_PACKET_ATTENTION}},
        {{TDS_PACKET_ATTENTION, TDS_PACKET_RPC, TDS_PACKET_ATTENTION}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        traffic t = {0};
        relay_border b = {0};
        for (size_t j = 0; j < 3; j++)
            request(&t, cases[i].types[j], cases[i].types[j] == TDS_PACKET_ATTENTION ? 0 : 40);
        plain_reply(&t, TDS_DONE_ATTN);
        show_all(&b, &t);
        assert_int_equal(relay_border_pin(&b), RELAY_PIN_LOST);
        assert_false(relay_border_is_idle(&b));
        traffic_done(&t);
    }
}

static void fatal_errors_are_seen(void **state)
{
    (void)state;
    for (uint8_t severity = 19; severity <= 20; severity++) {
        traffic t = {0};
        es_buf b = ES_BUF_INIT(1U << 20);
        request(&t, TDS_PACKET_BATCH, 30);
        add_message(&b, severity);
        assert_int_equal(tds_done_add(&b, TDS_TOKEN_DONE, TDS_DONE_ERROR, 0, 0), ENTRASQL_OK);
        reply(&t, &b);
        relay_border got = after(&t);
        assert_true(got.failed);
        assert_int_equal(relay_border_pin(&got), severity == 20 ? RELAY_PIN_FATAL : RELAY_PIN_NONE);
    }
}

static void a_reply_without_an_end_is_never_idle(void **state)
{
    (void)state;
    traffic t = {0};
    request(&t, TDS_PACKET_BATCH, 30);
    plain_reply(&t, TDS_DONE_MORE);
    relay_border got = after(&t);
    assert_int_equal(relay_border_pin(&got), RELAY_PIN_PARTIAL);
}

/* Whatever of it is missing; one that was answered, also with an error, is over. */
static void an_unfinished_bulk_load_is_told_apart(void **state)
{
    (void)state;
    static const uint16_t answers[] = {TDS_DONE_COUNT, TDS_DONE_ERROR};
    for (size_t i = 0; i < 2; i++) {
        traffic t = {0};
        relay_border b = {0};
        request(&t, TDS_PACKET_BATCH, 60);
        plain_reply(&t, 0);
        request(&t, TDS_PACKET_BULK, 1500);
        plain_reply(&t, answers[i]);
        show_all(&b, &(traffic){.count = 2, .pieces = {t.pieces[0], t.pieces[1]}});
        const es_buf *up = &t.pieces[2].bytes;
        for (size_t at = 0; at < up->len; at++) {
            relay_border cut = b;
            show(&cut, UP, up->data, at);
            assert_int_equal(relay_border_pin(&cut), at == 0  ? RELAY_PIN_NONE
                                                     : at < 8 ? RELAY_PIN_PARTIAL
                                                              : RELAY_PIN_BULK);
        }
        show(&b, UP, up->data, up->len);
        const es_buf *down = &t.pieces[3].bytes;
        for (size_t at = 0; at < down->len; at++) {
            relay_border cut = b;
            show(&cut, DOWN, down->data, at);
            assert_int_equal(relay_border_pin(&cut), RELAY_PIN_BULK);
        }
        show(&b, DOWN, down->data, down->len);
        assert_int_equal(relay_border_pin(&b), RELAY_PIN_NONE);
        request(&t, TDS_PACKET_BATCH, 60);
        show(&b, UP, t.pieces[4].bytes.data, t.pieces[4].bytes.len - 1);
        assert_int_equal(relay_border_pin(&b), RELAY_PIN_PARTIAL);
        traffic_done(&t);
    }
}

/* From the request's last byte to the answer's; not of half a request, and of no bulk load. */
static void what_a_cancel_brings_to_rest_is_told(void **state)
{
    (void)state;
    static const uint8_t types[] = {TDS_PACKET_BATCH, TDS_PACKET_RPC, TDS_PACKET_TM,
                                    TDS_PACKET_BULK};
    for (size_t i = 0; i < sizeof types; i++) {
        traffic t = {0};
        bool is_bulk = types[i] == TDS_PACKET_BULK;
        request(&t, types[i], 700);
        es_buf tokens = ES_BUF_INIT(1U << 20);
        add_rows(&tokens, 900);
        assert_int_equal(tds_done_add(&tokens, TDS_TOKEN_DONE, TDS_DONE_COUNT, 0, 0), ENTRASQL_OK);
        reply(&t, &tokens);
        const es_buf *up = &t.pieces[0].bytes;
        const es_buf *down = &t.pieces[1].bytes;
        relay_border b = {0};
        for (size_t at = 0; at < up->len; at++) {
            assert_false(relay_border_is_cancellable(&b));
            show(&b, UP, up->data + at, 1);
        }
        for (size_t at = 0; at < down->len; at++) {
            assert_int_equal(relay_border_is_cancellable(&b), !is_bulk);
            show(&b, DOWN, down->data + at, 1);
        }
        assert_true(relay_border_is_idle(&b));
        assert_false(relay_border_is_cancellable(&b));
        traffic_done(&t);
    }
    relay_border b = {.requests = 2};
    assert_false(relay_border_is_cancellable(&b));
    b = (relay_border){.requests = 1, .attentions = 2};
    assert_false(relay_border_is_cancellable(&b));
    b = (relay_border){.attentions = 1};
    assert_true(relay_border_is_cancellable(&b));
    b.fatal = true;
    assert_false(relay_border_is_cancellable(&b));
}

static void what_is_out_of_turn_is_lost(void **state)
{
    (void)state;
    traffic t = {0};
    plain_reply(&t, 0); /* an answer to nothing */
    assert_true(after(&t).lost);
    t = (traffic){0};
    request(&t, TDS_PACKET_BATCH, 30);
    plain_reply(&t, TDS_DONE_ATTN); /* to no attention */
    assert_true(after(&t).lost);
    relay_border b = {0};
    relay_border_up(&b, "\x53\x01\x00\x00\x10\x00\x00\x00", 8); /* SMP: MARS */
    assert_int_equal(relay_border_pin(&b), RELAY_PIN_MARS);
    b = (relay_border){0};
    relay_border_set_mars(&b); /* known from the login on */
    assert_false(relay_border_is_idle(&b));
    assert_false(relay_border_is_between_replies(&b));
    assert_int_equal(relay_border_pin(&b), RELAY_PIN_MARS);
    assert_string_equal(relay_pin_name(RELAY_PIN_MARS), "MARS");
    b = (relay_border){0};
    relay_border_up(&b, "\x01\x01\x00\x07\x00\x00\x00\x00", 8); /* shorter than its header */
    assert_int_equal(relay_border_pin(&b), RELAY_PIN_LOST);
    b = (relay_border){0};
    relay_border_up(&b, "\x01\x00\x00\x08\x00\x00\x00\x00\x03\x01\x00\x08\x00\x00\x00\x00", 16);
    assert_true(b.lost); /* a message of two types */
}

static void a_request_may_be_refused_before_it_is_whole(void **state)
{
    (void)state;
    static const uint8_t half[] = {TDS_PACKET_BATCH, 0, 0, 9, 0, 0, 1, 0, 'x'};
    static const struct {
        uint8_t severity;
        bool is_half;
        relay_pin pin;
    } cases[] = {
        {20, true, RELAY_PIN_FATAL},
        {16, true, RELAY_PIN_LOST}, /* the server goes on, and with what? */
        {20, false, RELAY_PIN_LOST},
    };
    for (size_t i = 0; i < ES_COUNT_OF(cases); i++) {
        traffic t = {0};
        relay_border b = {0};
        es_buf tokens = ES_BUF_INIT(1U << 20);
        add_message(&tokens, cases[i].severity);
        assert_int_equal(tds_done_add(&tokens, TDS_TOKEN_DONE, TDS_DONE_ERROR, 0, 0), ENTRASQL_OK);
        reply(&t, &tokens);
        if (cases[i].is_half)
            relay_border_up(&b, half, sizeof half);
        show_all(&b, &t);
        traffic_done(&t);
        assert_int_equal(relay_border_pin(&b), cases[i].pin);
        assert_int_equal(relay_border_is_between_replies(&b), cases[i].pin == RELAY_PIN_FATAL);
        assert_false(relay_border_is_idle(&b));
    }
}

static void session_state_that_cannot_be_recovered_is_seen(void **state)
{
    (void)state;
    static const uint8_t good[] = {TDS_TOKEN_SESSIONSTATE, 8, 0, 0, 0, 1, 0, 0, 0, 1, 9, 1, 'x'};
    uint8_t bad[sizeof good];
    memcpy(bad, good, sizeof bad);
    bad[9] = 0;
    const uint8_t *const tokens[] = {good, bad};
    for (size_t i = 0; i < 2; i++) {
        traffic t = {0};
        es_buf b = ES_BUF_INIT(1U << 20);
        request(&t, TDS_PACKET_BATCH, 30);
        assert_int_equal(es_buf_add(&b, tokens[i], sizeof good), ENTRASQL_OK);
        assert_int_equal(tds_done_add(&b, TDS_TOKEN_DONE, 0, 0, 0), ENTRASQL_OK);
        reply(&t, &b);
        relay_border got = after(&t);
        assert_int_equal(relay_border_pin(&got), i == 0 ? RELAY_PIN_NONE : RELAY_PIN_STATE);
    }
}

static void a_reset_is_acknowledged(void **state)
{
    (void)state;
    traffic t = {0};
    es_buf b = ES_BUF_INIT(1U << 20);
    request(&t, TDS_PACKET_BATCH, 30);
    assert_int_equal(tds_envchange_add_bytes(&b, TDS_ENV_RESET, NULL, 0, NULL, 0), ENTRASQL_OK);
    assert_int_equal(tds_done_add(&b, TDS_TOKEN_DONE, 0, 0, 0), ENTRASQL_OK);
    reply(&t, &b);
    relay_border got = after(&t);
    assert_true(got.was_reset);
    relay_border_expect_reset(&got);
    assert_false(got.was_reset);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_split_gives_the_same),
        cmocka_unit_test(a_session_cut_anywhere_is_idle_at_its_borders_only),
        cmocka_unit_test(the_end_of_a_transaction_is_seen),
        cmocka_unit_test(a_transaction_behind_rows_has_no_descriptor),
        cmocka_unit_test(a_distributed_transaction_is_never_ours_to_end),
        cmocka_unit_test(an_attention_waits_for_its_own_answer),
        cmocka_unit_test(one_message_may_answer_request_and_attention),
        cmocka_unit_test(requests_behind_an_attention_are_not_followed),
        cmocka_unit_test(fatal_errors_are_seen),
        cmocka_unit_test(a_reply_without_an_end_is_never_idle),
        cmocka_unit_test(an_unfinished_bulk_load_is_told_apart),
        cmocka_unit_test(what_a_cancel_brings_to_rest_is_told),
        cmocka_unit_test(what_is_out_of_turn_is_lost),
        cmocka_unit_test(a_request_may_be_refused_before_it_is_whole),
        cmocka_unit_test(session_state_that_cannot_be_recovered_is_seen),
        cmocka_unit_test(a_reset_is_acknowledged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
