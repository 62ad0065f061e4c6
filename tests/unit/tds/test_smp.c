/* SPDX-License-Identifier: MIT */
/* MARS sessions: windows both ways, what waits for them, and what breaks the protocol. */
#include "tds/smp.h"
#include "tds_test.h"

#define MAX_PAYLOAD 100U

static tds_smp *fresh(void)
{
    const tds_smp_options options = {.max_sessions = 3, .max_payload = MAX_PAYLOAD};
    tds_smp *m = NULL;

    OK(tds_smp_new(&options, &m, NULL));
    return m;
}

static es_buf packet(tds_smp_kind kind, uint16_t sid, uint32_t seqnum, uint32_t window,
                     const char *payload)
{
    es_buf b = ES_BUF_INIT(1 << 20);
    const tds_smp_header h = {.kind = (uint8_t)kind,
                              .sid = sid,
                              .length = (uint32_t)(TDS_SMP_HEADER_BYTES + strlen(payload)),
                              .seqnum = seqnum,
                              .window = window};

    OK(tds_smp_header_add(&h, &b));
    OK(es_buf_add_str(&b, payload));
    return b;
}

/* In pieces whose ends the sanitizer sees. */
static entrasql_status feed(tds_smp *m, const es_buf *b, size_t step, entrasql_error *err)
{
    entrasql_status st = ENTRASQL_OK;

    for (size_t at = 0; at < b->len && st == ENTRASQL_OK; at += step) {
        size_t n = b->len - at < step ? b->len - at : step;
        uint8_t *copy = exact_copy(b->data + at, n);
        st = tds_smp_feed(m, copy, n, err);
        free(copy);
    }
    return st;
}

static entrasql_status give(tds_smp *m, tds_smp_kind kind, uint16_t sid, uint32_t seqnum,
                            uint32_t window, const char *payload)
{
    entrasql_error err = {0};
    es_buf b = packet(kind, sid, seqnum, window, payload);
    entrasql_status st = feed(m, &b, b.len, &err);

    if (st != ENTRASQL_OK)
        assert_string_not_equal(err.message, "");
    es_buf_done(&b);
    return st;
}

static void assert_received(const tds_smp_session *s, const char *text)
{
    size_t n = 0;
    const uint8_t *p = tds_smp_received(s, &n);

    assert_int_equal(n, strlen(text));
    assert_memory_equal(p, text, n);
}

/* Takes the next packet of the output. */
static tds_smp_header take(tds_smp *m, const char *payload)
{
    es_buf *out = tds_smp_output(m);
    tds_smp_header h = {0};

    assert_true(out->len >= TDS_SMP_HEADER_BYTES);
    OK(tds_smp_header_parse(out->data, &h, NULL));
    assert_int_equal(h.length, TDS_SMP_HEADER_BYTES + strlen(payload));
    assert_true(out->len >= h.length);
    assert_memory_equal(out->data + TDS_SMP_HEADER_BYTES, payload, strlen(payload));
    es_buf_consume(out, h.length);
    return h;
}

static void a_header_is_sixteen_bytes_little_endian(void **state)
{
    (void)state;
    es_buf b = packet(TDS_SMP_DATA, 0x0102, 3, 7, "abcd");

    assert_bytes(&b, "53 08 0201 14000000 03000000 07000000 61626364");
    es_buf_done(&b);
}

static void headers_that_are_none_are_refused(void **state)
{
    static const char *const bad[] = {
        "12010000 10000000 00000000 04000000", /* TDS where SMP belongs */
        "53000000 10000000 00000000 04000000", /* no flag */
        "53030000 10000000 00000000 04000000", /* two */
        "53100000 10000000 00000000 04000000", /* an unknown one */
        "53010000 11000000 00000000 04000000", /* SYN with a payload */
        "53020000 0f000000 00000000 04000000", /* shorter than itself */
        "53080000 10000000 01000000 04000000", /* DATA without any */
    };
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(bad); i++) {
        es_buf b = from_hex(bad[i]);
        tds_smp_header h;
        entrasql_error err = {0};
        assert_int_equal(tds_smp_header_parse(b.data, &h, &err), ENTRASQL_MALFORMED);
        assert_string_not_equal(err.message, "");
        es_buf_done(&b);
    }
}

static void requests_arrive_in_any_pieces(void **state)
{
    (void)state;
    for (size_t step = 1; step < 60; step++) {
        tds_smp *m = fresh();
        es_buf all = ES_BUF_INIT(10000);
        es_buf parts[] = {packet(TDS_SMP_SYN, 0, 0, 4, ""), packet(TDS_SMP_SYN, 7, 0, 4, ""),
                          packet(TDS_SMP_DATA, 7, 1, 4, "seven"),
                          packet(TDS_SMP_DATA, 0, 1, 4, "ze"), packet(TDS_SMP_DATA, 0, 2, 4, "ro")};
        for (size_t i = 0; i < ES_COUNT_OF(parts); i++) {
            OK(es_buf_add(&all, parts[i].data, parts[i].len));
            es_buf_done(&parts[i]);
        }
        OK(feed(m, &all, step, NULL));
        tds_smp_session *zero = tds_smp_first(m);
        assert_int_equal(tds_smp_sid(zero), 0);
        assert_received(zero, "zero");
        tds_smp_session *seven = tds_smp_next(zero);
        assert_int_equal(tds_smp_sid(seven), 7);
        assert_received(seven, "seven");
        assert_null(tds_smp_next(seven));
        es_buf_done(&all);
        tds_smp_free(m);
    }
}

/* A connection may end at any byte; only whole packets have had an effect. */
static void truncated_anywhere(void **state)
{
    es_buf data = packet(TDS_SMP_DATA, 0, 1, 4, "request");
    (void)state;
    for (size_t n = 0; n <= data.len; n++) {
        tds_smp *m = fresh();
        es_buf cut = ES_BUF_INIT(1000);
        OK(give(m, TDS_SMP_SYN, 0, 0, 4, ""));
        OK(es_buf_add(&cut, data.data, n));
        OK(feed(m, &cut, 5, NULL));
        size_t got = 0;
        (void)tds_smp_received(tds_smp_first(m), &got);
        assert_int_equal(got, n > TDS_SMP_HEADER_BYTES ? n - TDS_SMP_HEADER_BYTES : 0);
        es_buf_done(&cut);
        tds_smp_free(m);
    }
    es_buf_done(&data);
}

/* Four packets, and no more before the client has named another window. */
static void replies_wait_for_the_window(void **state)
{
    static const char *const texts[] = {"1", "22", "333", "4444", "55555", "666666"};
    (void)state;
    tds_smp *m = fresh();
    OK(give(m, TDS_SMP_SYN, 5, 0, 4, ""));
    tds_smp_session *s = tds_smp_first(m);
    for (size_t i = 0; i < ES_COUNT_OF(texts); i++)
        OK(tds_smp_send(s, texts[i], strlen(texts[i])));
    OK(tds_smp_fill(m, SIZE_MAX));
    for (uint32_t i = 0; i < 4; i++) {
        tds_smp_header h = take(m, texts[i]);
        assert_int_equal(h.kind, TDS_SMP_DATA);
        assert_int_equal(h.sid, 5);
        assert_int_equal(h.seqnum, i + 1);
        assert_int_equal(h.window, 4);
    }
    assert_int_equal(tds_smp_output(m)->len, 0);
    assert_int_equal(tds_smp_held(m), 11);
    assert_int_equal(tds_smp_session_held(s), 11);
    OK(give(m, TDS_SMP_ACK, 5, 0, 5, ""));
    OK(tds_smp_fill(m, SIZE_MAX));
    assert_int_equal(take(m, texts[4]).seqnum, 5);
    assert_int_equal(tds_smp_held(m), 6);
    OK(give(m, TDS_SMP_DATA, 5, 1, 6, "next")); /* DATA moves it too */
    OK(tds_smp_fill(m, SIZE_MAX));
    assert_int_equal(take(m, texts[5]).seqnum, 6);
    assert_int_equal(tds_smp_held(m), 0);
    tds_smp_free(m);
}

/* One session's closed window holds nobody else up. */
static void another_session_is_answered_meanwhile(void **state)
{
    (void)state;
    tds_smp *m = fresh();
    OK(give(m, TDS_SMP_SYN, 0, 0, 1, ""));
    OK(give(m, TDS_SMP_SYN, 1, 0, 4, ""));
    tds_smp_session *a = tds_smp_first(m);
    tds_smp_session *b = tds_smp_next(a);
    OK(tds_smp_send(a, "a1", 2));
    OK(tds_smp_send(a, "a2", 2));
    OK(tds_smp_send(b, "b1", 2));
    OK(tds_smp_fill(m, 1)); /* as much as the owner wants to have */
    assert_int_equal(take(m, "a1").sid, 0);
    assert_int_equal(tds_smp_output(m)->len, 0);
    OK(tds_smp_fill(m, SIZE_MAX));
    assert_int_equal(take(m, "b1").sid, 1);
    assert_int_equal(tds_smp_output(m)->len, 0);
    tds_smp_free(m);
}

static void a_reader_moves_the_window_on(void **state)
{
    (void)state;
    tds_smp *m = fresh();
    OK(give(m, TDS_SMP_SYN, 0, 0, 4, ""));
    tds_smp_session *s = tds_smp_first(m);
    OK(give(m, TDS_SMP_DATA, 0, 1, 4, "a"));
    OK(tds_smp_consume(s, 1));
    assert_int_equal(tds_smp_output(m)->len, 0); /* three more may come: the reply will tell */
    OK(give(m, TDS_SMP_DATA, 0, 2, 4, "bc"));
    OK(tds_smp_consume(s, 1));
    assert_int_equal(tds_smp_output(m)->len, 0);
    OK(tds_smp_consume(s, 1));
    tds_smp_header h = take(m, "");
    assert_int_equal(h.kind, TDS_SMP_ACK);
    assert_int_equal(h.seqnum, 0);
    assert_int_equal(h.window, 6);
    OK(give(m, TDS_SMP_DATA, 0, 3, 4, "d"));
    OK(tds_smp_send(s, "reply", 5));
    OK(tds_smp_fill(m, SIZE_MAX));
    assert_int_equal(take(m, "reply").window, 6); /* "d" was not consumed */
    OK(tds_smp_consume(s, 1));
    OK(tds_smp_send(s, "reply", 5));
    OK(tds_smp_fill(m, SIZE_MAX));
    assert_int_equal(take(m, "reply").window, 7);
    tds_smp_free(m);
}

static void fin_is_answered_and_the_number_free_again(void **state)
{
    (void)state;
    tds_smp *m = fresh();
    OK(give(m, TDS_SMP_SYN, 0, 0, 4, ""));
    OK(give(m, TDS_SMP_SYN, 9, 0, 4, ""));
    tds_smp_session *s = tds_smp_first(m);
    OK(give(m, TDS_SMP_DATA, 0, 1, 4, "a"));
    OK(tds_smp_send(s, "unread", 6));
    assert_false(tds_smp_is_ended(s));
    OK(give(m, TDS_SMP_FIN, 0, 1, 4, ""));
    OK(give(m, TDS_SMP_ACK, 0, 1, 5, "")); /* of what it had got before */
    assert_true(tds_smp_is_ended(s));
    OK(tds_smp_fill(m, SIZE_MAX));
    assert_int_equal(tds_smp_output(m)->len, 0);
    assert_int_equal(give(m, TDS_SMP_SYN, 0, 0, 4, ""), ENTRASQL_MALFORMED); /* not answered yet */
    OK(tds_smp_end(s));
    assert_int_equal(take(m, "").kind, TDS_SMP_FIN);
    OK(give(m, TDS_SMP_ACK, 0, 1, 6, ""));
    assert_int_equal(tds_smp_held(m), 0);
    assert_int_equal(tds_smp_sid(tds_smp_first(m)), 9);
    OK(give(m, TDS_SMP_SYN, 0, 0, 4, ""));
    OK(give(m, TDS_SMP_DATA, 0, 1, 4, "again"));
    assert_received(tds_smp_next(tds_smp_first(m)), "again");
    tds_smp_free(m);
}

static void what_breaks_the_protocol_is_refused(void **state)
{
    static const struct {
        tds_smp_kind kind;
        uint16_t sid;
        uint32_t seqnum;
        uint32_t window;
        const char *payload;
        entrasql_status status;
    } bad[] = {
        {TDS_SMP_SYN, 0, 0, 4, "", ENTRASQL_MALFORMED},          /* open already */
        {TDS_SMP_SYN, 1, 1, 4, "", ENTRASQL_MALFORMED},          /* begins with 0 */
        {TDS_SMP_SYN, 1, 0, UINT32_MAX, "", ENTRASQL_MALFORMED}, /* a window behind it */
        {TDS_SMP_DATA, 1, 1, 4, "a", ENTRASQL_MALFORMED},        /* not open */
        {TDS_SMP_FIN, 1, 0, 4, "", ENTRASQL_MALFORMED},
        {TDS_SMP_DATA, 0, 2, 4, "a", ENTRASQL_MALFORMED}, /* one was left out */
        {TDS_SMP_DATA, 0, 0, 4, "a", ENTRASQL_MALFORMED}, /* again */
        {TDS_SMP_ACK, 0, 1, 4, "", ENTRASQL_MALFORMED},   /* only DATA counts */
        {TDS_SMP_ACK, 0, 0, 3, "", ENTRASQL_MALFORMED},   /* the window moves back */
    };
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(bad); i++) {
        tds_smp *m = fresh();
        OK(give(m, TDS_SMP_SYN, 0, 0, 4, ""));
        assert_int_equal(
            give(m, bad[i].kind, bad[i].sid, bad[i].seqnum, bad[i].window, bad[i].payload),
            bad[i].status);
        tds_smp_free(m);
    }
}

static void limits_hold(void **state)
{
    char large[MAX_PAYLOAD + 2];
    (void)state;
    tds_smp *m = fresh();
    OK(give(m, TDS_SMP_SYN, 0, 0, 4, ""));
    OK(give(m, TDS_SMP_SYN, 1, 0, 4, ""));
    OK(give(m, TDS_SMP_SYN, 2, 0, 4, ""));
    memset(large, 'x', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    large[MAX_PAYLOAD] = '\0';
    for (uint32_t i = 1; i <= TDS_SMP_WINDOW; i++)
        OK(give(m, TDS_SMP_DATA, 0, i, 4, large));
    assert_int_equal(give(m, TDS_SMP_DATA, 0, 5, 4, "a"), ENTRASQL_MALFORMED); /* past the window */
    assert_int_equal(give(m, TDS_SMP_SYN, 3, 0, 4, ""), ENTRASQL_LIMIT);
    large[MAX_PAYLOAD] = 'x';
    assert_int_equal(give(m, TDS_SMP_DATA, 1, 1, 4, large), ENTRASQL_LIMIT);
    tds_smp_free(m);
}

/* Numbers begin again behind 0xffffffff ([MC-SMP] 2.2.1). */
static void windows_are_compared_in_a_circle(void **state)
{
    (void)state;
    tds_smp *m = fresh();
    OK(give(m, TDS_SMP_SYN, 0, 0, 0x7FFFFFFF, ""));
    OK(give(m, TDS_SMP_ACK, 0, 0, 0xFFFFFFF0, ""));
    OK(give(m, TDS_SMP_ACK, 0, 0, 2, ""));
    assert_int_equal(give(m, TDS_SMP_ACK, 0, 0, 1, ""), ENTRASQL_MALFORMED);
    tds_smp_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_is_sixteen_bytes_little_endian),
        cmocka_unit_test(headers_that_are_none_are_refused),
        cmocka_unit_test(requests_arrive_in_any_pieces),
        cmocka_unit_test(truncated_anywhere),
        cmocka_unit_test(replies_wait_for_the_window),
        cmocka_unit_test(another_session_is_answered_meanwhile),
        cmocka_unit_test(a_reader_moves_the_window_on),
        cmocka_unit_test(fin_is_answered_and_the_number_free_again),
        cmocka_unit_test(what_breaks_the_protocol_is_refused),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(windows_are_compared_in_a_circle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
