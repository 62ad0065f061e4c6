/* SPDX-License-Identifier: MIT */
/* PRELOGIN: both directions, and every way to break it. */
#include "tds_test.h"

/* The reference's example: all options of a client. */
#define CLIENT_PRELOGIN                                                                            \
    "00 0024 0006 01 002A 0001 02 002B 0001 03 002C 0004 04 0030 0001 05 0031 0024 06 0055 0001 "  \
    "FF 120000000000 01 00 34120000 00 "                                                           \
    "72005c8d52c395999eafd0a60aa33f3c45c6fdedbf74a229d99371d2010d198e00000000 01"

static tds_prelogin client_sample(void)
{
    tds_prelogin p = {
        .has_version = true,
        .major = 0x12,
        .has_encryption = true,
        .encryption = TDS_ENCRYPTION_ON,
        .has_instance = true,
        .has_thread_id = true,
        .thread_id = 0x1234,
        .has_mars = true,
        .has_trace_id = true,
        .has_fedauth_required = true,
        .fedauth_required = 1,
    };
    es_buf trace = from_hex("72005c8d52c395999eafd0a60aa33f3c45c6fdedbf74a229d99371d2010d198e"
                            "00000000");

    memcpy(p.trace_id, trace.data, sizeof p.trace_id);
    es_buf_done(&trace);
    return p;
}

static entrasql_status parse_hex(const char *hex, tds_prelogin_side side, tds_prelogin *p,
                                 entrasql_error *err)
{
    es_buf b = from_hex(hex);
    uint8_t *copy = exact_copy(b.data, b.len);
    entrasql_status st = tds_prelogin_parse(copy, b.len, side, p, err);

    free(copy);
    es_buf_done(&b);
    return st;
}

static void client_message_is_the_reference(void **state)
{
    (void)state;
    tds_prelogin p = client_sample();
    tds_prelogin back;
    es_buf out = ES_BUF_INIT(1000);

    OK(tds_prelogin_build(&p, TDS_PRELOGIN_REQUEST, &out));
    assert_bytes(&out, CLIENT_PRELOGIN);
    OK(tds_prelogin_parse(out.data, out.len, TDS_PRELOGIN_REQUEST, &back, NULL));
    assert_memory_equal(&back, &p, sizeof p);
    es_buf_done(&out);
}

static void answer_comes_back(void **state)
{
    (void)state;
    tds_prelogin p = {.has_version = true,
                      .major = 12,
                      .build = 2000,
                      .subbuild = 8,
                      .has_encryption = true,
                      .encryption = TDS_ENCRYPTION_REQ,
                      .has_instance = true,
                      .instance_status = 1,
                      .has_thread_id = true,
                      .thread_id_is_empty = true,
                      .has_mars = true,
                      .has_trace_id = true,
                      .trace_id_is_empty = true,
                      .has_fedauth_required = true,
                      .has_nonce = true};
    tds_prelogin back;
    es_buf out = ES_BUF_INIT(1000);

    memset(p.nonce, 7, sizeof p.nonce);
    OK(tds_prelogin_build(&p, TDS_PRELOGIN_ANSWER, &out));
    OK(tds_prelogin_parse(out.data, out.len, TDS_PRELOGIN_ANSWER, &back, NULL));
    assert_memory_equal(&back, &p, sizeof p);
    es_buf_done(&out);
}

static void instance_names_are_read(void **state)
{
    (void)state;
    tds_prelogin p;
    entrasql_error err;

    OK(parse_hex("00 000b 0006 02 0011 000c ff 090000000000 4d5353514c53657276657200",
                 TDS_PRELOGIN_REQUEST, &p, NULL));
    assert_string_equal(p.instance, "MSSQLServer");
    assert_int_equal(
        parse_hex("00 000b 0006 02 0011 0002 ff 090000000000 4d53", TDS_PRELOGIN_REQUEST, &p, &err),
        ENTRASQL_MALFORMED);
    assert_non_null(strstr(err.message, "no end"));
}

static void each_truncation_fails(void **state)
{
    (void)state;
    es_buf b = from_hex(CLIENT_PRELOGIN);

    for (size_t n = 0; n < b.len; n++) {
        uint8_t *copy = exact_copy(b.data, n);
        tds_prelogin p;
        entrasql_error err;
        assert_int_equal(tds_prelogin_parse(copy, n, TDS_PRELOGIN_REQUEST, &p, &err),
                         ENTRASQL_MALFORMED);
        free(copy);
    }
    es_buf_done(&b);
}

static void broken_messages_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        const char *text;
    } cases[] = {
        {"ff", "has no VERSION"},
        {"01 0006 0001 ff 01", "does not begin with VERSION"},
        {"00 0006 0005 ff 1200000000", "option 0x00 has a length of 5"},
        {"00 0005 0006 ff 120000000000", "outside"}, /* overlaps the table */
        {"00 0007 0006 ff 120000000000", "outside"}, /* one past the end */
        {"00 ffff 0006 ff 120000000000", "outside"},
        {"00 0006 ffff ff 120000000000", "outside"},
        {"00 000b 0006 00 000b 0006 ff 120000000000", "comes twice"},
        {"00 000b 0006 06 0011 0001 ff 120000000000 02", "FEDAUTHREQUIRED has the value 0x02"},
        {"00 000b 0006 06 0011 0000 ff 120000000000", "length of 0"},
        {"00 000b 0006 04 0011 0002 ff 120000000000 0000", "length of 2"},
        {"00 000b 0006 05 0011 0001 ff 120000000000 00", "length of 1"},
        {"00 000b 0006 07 0011 0001 ff 120000000000 00", "length of 1"},
        {"00 000b 0006 03 0011 0001 ff 120000000000 00", "length of 1"},
    };

    for (size_t i = 0; i < ES_COUNT_OF(cases); i++) {
        tds_prelogin p;
        entrasql_error err;
        assert_int_equal(parse_hex(cases[i].hex, TDS_PRELOGIN_REQUEST, &p, &err),
                         ENTRASQL_MALFORMED);
        if (strstr(err.message, cases[i].text) == NULL)
            fail_msg("case %zu: %s", i, err.message);
    }
}

static void unknown_options_are_skipped(void **state)
{
    (void)state;
    tds_prelogin p;

    OK(parse_hex("00 000b 0006 33 0011 0002 ff 120000000000 abcd", TDS_PRELOGIN_REQUEST, &p, NULL));
    assert_false(p.has_encryption);
}

static void endless_tables_are_refused(void **state)
{
    (void)state;
    es_buf b = from_hex("00 0000 0006");
    tds_prelogin p;

    for (int i = 0; i < 100; i++)
        OK(es_buf_add(&b, "\x40\0\0\0\0", 5));
    OK(es_buf_u8(&b, 0xFF));
    assert_int_equal(tds_prelogin_parse(b.data, b.len, TDS_PRELOGIN_REQUEST, &p, NULL),
                     ENTRASQL_MALFORMED);
    es_buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(client_message_is_the_reference),
        cmocka_unit_test(answer_comes_back),
        cmocka_unit_test(instance_names_are_read),
        cmocka_unit_test(each_truncation_fails),
        cmocka_unit_test(broken_messages_are_refused),
        cmocka_unit_test(unknown_options_are_skipped),
        cmocka_unit_test(endless_tables_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
