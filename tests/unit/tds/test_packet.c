/* SPDX-License-Identifier: MIT */
/* Packets: headers, assembling messages from any pieces, splitting them again. */
#include "tds_test.h"

static void sizes_are_granted_as_the_server_does(void **state)
{
    (void)state;
    assert_int_equal(tds_packet_size_grant(0, 16383), 4096);
    assert_int_equal(tds_packet_size_grant(8000, 16383), 8000);
    assert_int_equal(tds_packet_size_grant(8003, 16383), 8000);
    assert_int_equal(tds_packet_size_grant(32767, 16383), 16380);
    assert_int_equal(tds_packet_size_grant(UINT32_MAX, 16383), 16380);
    assert_int_equal(tds_packet_size_grant(1, 16383), 512);
}

static void header_shorter_than_itself_is_refused(void **state)
{
    (void)state;
    const uint8_t good[8] = {0x10, 0x01, 0x00, 0x08, 0x01, 0x02, 0x03, 0x00};
    const uint8_t bad[8] = {0x10, 0x01, 0x00, 0x07};
    tds_packet_header h;
    entrasql_error err;

    OK(tds_packet_header_parse(good, &h, &err));
    assert_int_equal(h.type, TDS_PACKET_LOGIN7);
    assert_int_equal(h.length, 8);
    assert_int_equal(h.spid, 0x0102);
    assert_int_equal(h.packet_id, 3);
    assert_int_equal(tds_packet_header_parse(bad, &h, &err), ENTRASQL_MALFORMED);
    assert_non_null(strstr(err.message, "7 bytes"));
}

static void names_cover_all_types(void **state)
{
    (void)state;
    assert_string_equal(tds_packet_type_name(0x12), "PRELOGIN");
    assert_string_equal(tds_packet_type_name(0x05), "unknown");
    assert_string_equal(tds_packet_type_name(0xFF), "unknown");
}

/* Feeds everything in pieces of `step` bytes; returns the bytes used. */
static size_t feed_in_steps(tds_assembler *a, const es_buf *wire, size_t step)
{
    size_t at = 0;

    while (at < wire->len && !a->complete) {
        size_t n = wire->len - at < step ? wire->len - at : step;
        size_t used = SIZE_MAX;
        uint8_t *copy = exact_copy(wire->data + at, n);
        OK(tds_assembler_feed(a, copy, n, &used, NULL));
        free(copy);
        assert_true(used == n || a->complete);
        at += used;
    }
    return at;
}

static void split_and_assembled_again(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, 503, 504, 505, 1007, 1008, 1009, 3000};
    static const size_t steps[] = {1, 7, 8, 9, 511, 512, 513, 100000};

    for (size_t i = 0; i < ES_COUNT_OF(lengths); i++) {
        es_buf body = ES_BUF_INIT(10000);
        es_buf wire = ES_BUF_INIT(100000);
        for (size_t k = 0; k < lengths[i]; k++)
            OK(es_buf_u8(&body, (uint8_t)(k * 7)));
        OK(tds_packets_write(TDS_PACKET_RPC, 53, 512, body.data, body.len, &wire));
        size_t packets = lengths[i] == 0 ? 1 : (lengths[i] + 503) / 504;
        assert_int_equal(wire.len, lengths[i] + 8 * packets);
        assert_int_equal(wire.data[6], 1);
        OK(es_buf_add_str(&wire, "next")); /* belongs to somebody else */

        for (size_t k = 0; k < ES_COUNT_OF(steps); k++) {
            tds_assembler a;
            tds_assembler_init(&a, 10000, true, TDS_ACCEPT_REQUESTS);
            assert_true(tds_assembler_is_idle(&a));
            assert_int_equal(feed_in_steps(&a, &wire, steps[k]), wire.len - 4);
            assert_true(a.complete);
            assert_int_equal(a.type, TDS_PACKET_RPC);
            assert_int_equal(a.status, TDS_STATUS_EOM);
            assert_int_equal(a.spid, 53);
            assert_int_equal(a.body.len, body.len);
            if (body.len != 0)
                assert_memory_equal(a.body.data, body.data, body.len);
            tds_assembler_next(&a);
            assert_true(tds_assembler_is_idle(&a));
            tds_assembler_done(&a);
        }
        es_buf_done(&body);
        es_buf_done(&wire);
    }
}

/* The parts of a message are the message, whatever their size. */
static void message_in_parts(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, 504, 505, 1008, 1009, 3000};
    uint8_t body[3000];

    for (size_t k = 0; k < sizeof body; k++)
        body[k] = (uint8_t)(k * 7);
    for (size_t i = 0; i < ES_COUNT_OF(lengths); i++) {
        for (size_t most = 1; most < 8; most++) {
            es_buf whole = ES_BUF_INIT(10000);
            es_buf parts = ES_BUF_INIT(10000);
            tds_splitter s;
            size_t at = 0;
            OK(tds_packets_write(TDS_PACKET_BATCH, 0, 512, body, lengths[i], &whole));
            tds_splitter_init(&s, TDS_PACKET_BATCH, 0, 512);
            do {
                size_t before = parts.len;
                size_t used = SIZE_MAX;
                OK(tds_splitter_part(&s, body + at, lengths[i] - at, most, &used, &parts));
                assert_true(parts.len > before && parts.len - before <= most * 512);
                at += used;
            } while (at < lengths[i]);
            assert_int_equal(parts.len, whole.len);
            assert_memory_equal(parts.data, whole.data, whole.len);
            es_buf_done(&whole);
            es_buf_done(&parts);
        }
    }
}

static void message_given_up(void **state)
{
    (void)state;
    static const uint8_t end[] = {TDS_PACKET_BATCH, 0x03, 0, 8, 0, 0, 3, 0};
    uint8_t body[3000] = {0};
    es_buf wire = ES_BUF_INIT(10000);
    tds_splitter s;
    tds_assembler a;
    size_t used;

    tds_splitter_init(&s, TDS_PACKET_BATCH, 0, 512);
    OK(tds_splitter_part(&s, body, sizeof body, 2, &used, &wire));
    OK(tds_splitter_give_up(&s, &wire));
    assert_int_equal(wire.len, 2 * 512 + sizeof end);
    assert_memory_equal(wire.data + 2 * 512, end, sizeof end);
    tds_assembler_init(&a, 10000, false, TDS_ACCEPT_REQUESTS);
    OK(tds_assembler_feed(&a, wire.data, wire.len, &used, NULL));
    assert_true(a.complete && used == wire.len);
    assert_int_equal(a.status, TDS_STATUS_EOM | TDS_STATUS_IGNORE);
    tds_assembler_done(&a);
    es_buf_done(&wire);
}

static void splitter_holds_the_last_packet_back(void **state)
{
    (void)state;
    es_buf body = ES_BUF_INIT(100000);
    es_buf wire = ES_BUF_INIT(100000);
    tds_splitter s;

    tds_splitter_init(&s, TDS_PACKET_REPLY, 7, 512);
    s.first_status = TDS_STATUS_RESET;
    OK(es_buf_fill(&body, 'a', 504));
    OK(tds_splitter_move(&s, &body, false, &wire));
    assert_int_equal(wire.len, 0); /* it may be the last one */
    OK(es_buf_fill(&body, 'b', 1));
    OK(tds_splitter_move(&s, &body, false, &wire));
    assert_int_equal(wire.len, 512);
    assert_int_equal(wire.data[1], TDS_STATUS_RESET);
    assert_int_equal(body.len, 1);
    OK(tds_splitter_move(&s, &body, true, &wire));
    assert_int_equal(wire.len, 512 + 9);
    assert_int_equal(wire.data[512 + 1], TDS_STATUS_EOM);
    assert_int_equal(wire.data[512 + 6], 2);
    assert_int_equal(body.len, 0);
    es_buf_done(&body);
    es_buf_done(&wire);
}

static void reset_bit_of_the_first_packet_is_kept(void **state)
{
    (void)state;
    es_buf wire = from_hex("0108 000a 0000 0100 aabb 0101 0009 0000 0200 cc");
    tds_assembler a;

    tds_assembler_init(&a, 100, false, TDS_ACCEPT_REQUESTS);
    assert_int_equal(feed_in_steps(&a, &wire, 3), wire.len);
    assert_int_equal(a.status, TDS_STATUS_RESET | TDS_STATUS_EOM);
    assert_bytes(&a.body, "aabbcc");
    tds_assembler_done(&a);
    es_buf_done(&wire);
}

static entrasql_status feed_hex(const char *hex, size_t limit, entrasql_error *err)
{
    es_buf wire = from_hex(hex);
    tds_assembler a;
    size_t used;

    tds_assembler_init(&a, limit, false, TDS_ACCEPT_REQUESTS);
    entrasql_status st = tds_assembler_feed(&a, wire.data, wire.len, &used, err);
    tds_assembler_done(&a);
    es_buf_done(&wire);
    return st;
}

static void broken_packets_are_refused(void **state)
{
    (void)state;
    entrasql_error err;

    assert_int_equal(feed_hex("0101000700000100", 100, &err), ENTRASQL_MALFORMED);
    assert_int_equal(feed_hex("0401000800000100", 100, &err), ENTRASQL_MALFORMED);
    assert_non_null(strstr(err.message, "0x04 (tabular result)"));
    /* 0x21 must not pass for 0x01 */
    assert_int_equal(feed_hex("2101000800000100", 100, &err), ENTRASQL_MALFORMED);
    /* an empty packet that is not the last */
    assert_int_equal(feed_hex("0100000800000100", 100, &err), ENTRASQL_MALFORMED);
    /* the type changes inside a message */
    assert_int_equal(feed_hex("0100000900000100 61 0301000900000200 62", 100, &err),
                     ENTRASQL_MALFORMED);
    assert_non_null(strstr(err.message, "0x03 inside a message of type 0x01"));
}

static void large_messages_are_refused_at_the_header(void **state)
{
    (void)state;
    entrasql_error err;

    OK(feed_hex("0101006c00000100", 100, &err));
    assert_int_equal(feed_hex("0101006d00000100", 100, &err), ENTRASQL_LIMIT);
    assert_non_null(strstr(err.message, "limit of 100 bytes"));
    /* the sum counts, not the packet */
    assert_int_equal(feed_hex("0100000900000100 61 0101006c00000200", 100, &err), ENTRASQL_LIMIT);
}

static void no_memory_is_told(void **state)
{
    (void)state;
    es_buf wire = from_hex("0101 0009 0000 0100 aa");
    tds_assembler a;
    size_t used;

    tds_assembler_init(&a, 100, false, TDS_ACCEPT_REQUESTS);
    es_mem_fail_from(1);
    assert_int_equal(tds_assembler_feed(&a, wire.data, wire.len, &used, NULL), ENTRASQL_NOMEM);
    es_mem_fail_from(0);
    tds_assembler_done(&a);
    es_buf_done(&wire);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_granted_as_the_server_does),
        cmocka_unit_test(header_shorter_than_itself_is_refused),
        cmocka_unit_test(names_cover_all_types),
        cmocka_unit_test(split_and_assembled_again),
        cmocka_unit_test(message_in_parts),
        cmocka_unit_test(message_given_up),
        cmocka_unit_test(splitter_holds_the_last_packet_back),
        cmocka_unit_test(reset_bit_of_the_first_packet_is_kept),
        cmocka_unit_test(broken_packets_are_refused),
        cmocka_unit_test(large_messages_are_refused_at_the_header),
        cmocka_unit_test(no_memory_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
