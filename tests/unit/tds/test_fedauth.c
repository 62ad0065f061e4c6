/* SPDX-License-Identifier: MIT */
/* FEDAUTHINFO and the token message. */
#include "tds_test.h"

#define SPN "https://database.windows.net/"
#define STS "https://login.windows.net/11111111-2222-3333-4444-555555555555"

static tds_token first_token(const es_buf *b)
{
    es_reader r = es_reader_of(b->data, b->len);
    tds_token t = {0};

    OK(tds_token_next(&r, &t, NULL));
    return t;
}

static void token_message_is_the_reference(void **state)
{
    (void)state;
    es_buf body = ES_BUF_INIT_WIPE(1000);
    es_buf packet = ES_BUF_INIT_WIPE(1000);
    es_secret *token = secret("abc");
    es_secret *back = NULL;

    OK(tds_fedauth_message_build(token, &body, NULL));
    OK(tds_packets_write(TDS_PACKET_FEDAUTH_TOKEN, 0, 4096, body.data, body.len, &packet));
    assert_bytes(&packet, "08010016000001000a00000006000000610062006300");
    OK(tds_fedauth_message_parse(body.data, body.len, &back, NULL));
    assert_true(es_secret_equal(back, "abc", 3));
    es_secret_unref(token);
    es_secret_unref(back);
    es_buf_done(&body);
    es_buf_done(&packet);
}

static void token_message_with_nonce(void **state)
{
    (void)state;
    es_buf b = from_hex("2a000000 06000000 610062006300");
    es_secret *back = NULL;

    OK(es_buf_fill(&b, 9, 32));
    OK(tds_fedauth_message_parse(b.data, b.len, &back, NULL));
    assert_int_equal(es_secret_len(back), 3);
    es_secret_unref(back);
    es_buf_truncate(&b, b.len - 1);
    es_buf_set_u32le(&b, 0, 0x29);
    assert_int_equal(tds_fedauth_message_parse(b.data, b.len, &back, NULL), ENTRASQL_MALFORMED);
    es_buf_done(&b);
}

static void a_nul_at_the_end_is_no_part_of_the_token(void **state)
{
    (void)state;
    es_buf b = from_hex("0c000000 08000000 6100620063000000");
    es_secret *back = NULL;

    OK(tds_fedauth_message_parse(b.data, b.len, &back, NULL));
    assert_true(es_secret_equal(back, "abc", 3));
    es_secret_unref(back);
    es_buf_done(&b);
}

static void broken_token_messages_are_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "0a000000",
        "0a000000 06000000 6100620063",   /* one byte is missing */
        "0b000000 06000000 610062006300", /* a wrong total */
        "0a000000 05000000 610062006300", /* half a code unit */
        "0a000000 08000000 610062006300", /* longer than the message */
        "0a000000 ffffffff 610062006300",
        "04000000 00000000", /* empty */
    };

    for (size_t i = 0; i < ES_COUNT_OF(cases); i++) {
        es_buf b = from_hex(cases[i]);
        uint8_t *copy = exact_copy(b.data, b.len);
        es_secret *back = NULL;
        entrasql_error err;
        assert_int_not_equal(tds_fedauth_message_parse(copy, b.len, &back, &err), ENTRASQL_OK);
        assert_null(back);
        assert_null(strstr(err.message, "abc"));
        free(copy);
        es_buf_done(&b);
    }
}

static void huge_and_empty_tokens_are_not_sent(void **state)
{
    (void)state;
    es_buf body = ES_BUF_INIT_WIPE(4 << 20);
    char *text = malloc(TDS_FEDAUTH_TOKEN_MAX_BYTES);
    entrasql_error err;

    assert_non_null(text);
    memset(text, 'S', TDS_FEDAUTH_TOKEN_MAX_BYTES);
    es_secret *large = es_secret_new(text, TDS_FEDAUTH_TOKEN_MAX_BYTES / 2 + 1);
    es_secret *fits = es_secret_new(text, TDS_FEDAUTH_TOKEN_MAX_BYTES / 2);
    es_secret *empty = secret("");
    free(text);
    assert_int_equal(tds_fedauth_message_build(large, &body, &err), ENTRASQL_LIMIT);
    assert_null(strstr(err.message, "SSS"));
    assert_int_equal(tds_fedauth_message_build(empty, &body, &err), ENTRASQL_LIMIT);
    es_buf_clear(&body);
    OK(tds_fedauth_message_build(fits, &body, &err));
    es_secret_unref(large);
    es_secret_unref(fits);
    es_secret_unref(empty);
    es_buf_done(&body);
}

static void info_goes_both_ways(void **state)
{
    (void)state;
    es_buf b = ES_BUF_INIT(1000);
    tds_fedauth_info info;

    OK(tds_fedauth_info_add(&b, STS, SPN));
    tds_token t = first_token(&b);
    assert_int_equal(t.id, TDS_TOKEN_FEDAUTHINFO);
    assert_int_equal(t.bytes, b.len);
    OK(tds_fedauth_info_parse(&t, &info, NULL));
    assert_string_equal(info.sts_url, STS);
    assert_string_equal(info.spn, SPN);
    tds_fedauth_info_done(&info);
    es_buf_done(&b);
}

/* As Azure was seen to lay it out: SPN first, offsets from the option count. */
static void info_offsets_count_from_the_option_count(void **state)
{
    (void)state;
    es_buf b = ES_BUF_INIT(1000);

    OK(tds_fedauth_info_add(&b, STS, SPN));
    assert_int_equal(b.data[5], 2);
    assert_int_equal(b.data[9], 2);     /* SPN */
    assert_int_equal(b.data[10], 0x3A); /* its length */
    assert_int_equal(b.data[14], 0x16); /* its offset */
    assert_int_equal(b.data[18], 1);
    assert_int_equal(b.data[23], 0x50);
    es_buf_done(&b);
}

static entrasql_status parse_info(const char *hex, entrasql_error *err)
{
    es_buf b = from_hex(hex);
    uint8_t *copy = exact_copy(b.data, b.len);
    tds_token t = {.id = TDS_TOKEN_FEDAUTHINFO, .body = es_reader_of(copy, b.len)};
    tds_fedauth_info info;
    entrasql_status st = tds_fedauth_info_parse(&t, &info, err);

    if (st == ENTRASQL_OK)
        tds_fedauth_info_done(&info);
    free(copy);
    es_buf_done(&b);
    return st;
}

static void broken_info_is_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "02000000",
        "ffffffff",
        "01000000 01 02000000 0d000000 6100",                        /* no SPN */
        "02000000 01 02000000 16000000 02 00000000 16000000 6100",   /* an empty SPN */
        "02000000 01 02000000 16000000 01 02000000 16000000 6100",   /* twice the same */
        "02000000 01 02000000 16000000 02 03000000 16000000 610062", /* half a unit */
        "02000000 01 02000000 15000000 02 02000000 16000000 6100",   /* inside the table */
        "02000000 01 02000000 16000000 02 02000000 17000000 6100",   /* past the end */
        "02000000 01 02000000 16000000 02 02000000 ffffffff 6100",
        "02000000 01 02000000 16000000 02 ffffffff 16000000 6100",
    };

    assert_int_equal(parse_info("02000000 01 02000000 16000000 02 02000000 16000000 6100", NULL),
                     ENTRASQL_OK);
    for (size_t i = 0; i < ES_COUNT_OF(cases); i++)
        if (parse_info(cases[i], NULL) != ENTRASQL_MALFORMED)
            fail_msg("case %zu", i);
}

static void each_truncated_info_fails(void **state)
{
    (void)state;
    es_buf b = ES_BUF_INIT(1000);

    OK(tds_fedauth_info_add(&b, STS, SPN));
    for (size_t n = 0; n < b.len - 5; n++) {
        uint8_t *copy = exact_copy(b.data + 5, n);
        tds_token t = {.id = TDS_TOKEN_FEDAUTHINFO, .body = es_reader_of(copy, n)};
        tds_fedauth_info info;
        assert_int_equal(tds_fedauth_info_parse(&t, &info, NULL), ENTRASQL_MALFORMED);
        free(copy);
    }
    es_buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(token_message_is_the_reference),
        cmocka_unit_test(token_message_with_nonce),
        cmocka_unit_test(a_nul_at_the_end_is_no_part_of_the_token),
        cmocka_unit_test(broken_token_messages_are_refused),
        cmocka_unit_test(huge_and_empty_tokens_are_not_sent),
        cmocka_unit_test(info_goes_both_ways),
        cmocka_unit_test(info_offsets_count_from_the_option_count),
        cmocka_unit_test(broken_info_is_refused),
        cmocka_unit_test(each_truncated_info_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
