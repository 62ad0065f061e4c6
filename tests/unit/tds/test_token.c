/* SPDX-License-Identifier: MIT */
/* Tokens of a login response: vectors, round trips, truncation. */
#include "tds_test.h"

#include "tds/varchar.h"

static tds_token only_token(const es_buf *b)
{
    es_reader r = es_reader_of(b->data, b->len);
    tds_token t = {0};

    OK(tds_token_next(&r, &t, NULL));
    assert_int_equal(r.left, 0);
    assert_int_equal(t.bytes, b->len);
    return t;
}

static void routing_is_the_reference(void **state)
{
    (void)state;
    es_buf b = ES_BUF_INIT(1000);
    tds_envchange e;
    char *host = NULL;

    OK(tds_envchange_add_routing(&b, "node", 11001));
    assert_bytes(&b, "e31200140d0000f92a04006e006f00640065000000");
    tds_token t = only_token(&b);
    OK(tds_envchange_parse(&t, &e, NULL));
    assert_int_equal(e.type, TDS_ENV_ROUTING);
    assert_int_equal(e.port, 11001);
    OK(tds_utf16_text(&e.new_value, &host));
    assert_string_equal(host, "node");
    es_free(host);
    es_buf_done(&b);
}

static void transactions_are_the_reference(void **state)
{
    (void)state;
    es_buf b = ES_BUF_INIT(1000);

    OK(tds_envchange_add_transaction(&b, TDS_ENV_BEGIN, 0x0102030405060708));
    assert_bytes(&b, "e30b00 08 08 0807060504030201 00");
    es_buf_clear(&b);
    OK(tds_envchange_add_transaction(&b, TDS_ENV_ROLLBACK, 1));
    assert_bytes(&b, "e30b00 0a 00 08 0100000000000000");
    es_buf_clear(&b);
    OK(tds_envchange_add_bytes(&b, TDS_ENV_RESET, NULL, 0, NULL, 0));
    assert_bytes(&b, "e30300 12 00 00");
    es_buf_done(&b);
}

static void texts_of_envchange_come_back(void **state)
{
    (void)state;
    es_buf b = ES_BUF_INIT(1000);
    tds_envchange e;
    char *text = NULL;

    OK(tds_envchange_add_text(&b, TDS_ENV_DATABASE, "d\xC3\xA4", "master"));
    tds_token t = only_token(&b);
    OK(tds_envchange_parse(&t, &e, NULL));
    OK(tds_utf16_text(&e.new_value, &text));
    assert_string_equal(text, "d\xC3\xA4");
    es_free(text);
    OK(tds_utf16_text(&e.old_value, &text));
    assert_string_equal(text, "master");
    es_free(text);
    es_buf_done(&b);
}

static void feature_acks_are_the_reference(void **state)
{
    (void)state;
    es_buf b = from_hex("ae02000000000a0100000001ff");
    tds_token t = only_token(&b);
    es_reader r = t.body;
    tds_feature_ack f;

    OK(tds_feature_ack_next(&r, &f, NULL));
    assert_int_equal(f.id, TDS_FEATURE_FEDAUTH);
    assert_int_equal(f.data.left, 0);
    OK(tds_feature_ack_next(&r, &f, NULL));
    assert_int_equal(f.id, TDS_FEATURE_UTF8_SUPPORT);
    assert_int_equal(f.data.left, 1);
    assert_int_equal(tds_feature_ack_next(&r, &f, NULL), ENTRASQL_NOT_FOUND);
    es_buf_done(&b);
}

static void messages_come_back(void **state)
{
    (void)state;
    es_buf b = ES_BUF_INIT(1000);
    tds_message m;

    OK(tds_message_add(&b, 18456, 1, 14, "Login failed for user 'x'.", "srv", NULL, 65536));
    tds_token t = only_token(&b);
    assert_int_equal(t.id, TDS_TOKEN_ERROR);
    OK(tds_message_parse(&t, &m, NULL));
    assert_int_equal(m.number, 18456);
    assert_int_equal(m.state, 1);
    assert_int_equal(m.severity, 14);
    assert_string_equal(m.text, "Login failed for user 'x'.");
    assert_string_equal(m.server, "srv");
    assert_string_equal(m.procedure, "");
    assert_int_equal(m.line, 65536);
    tds_message_done(&m);
    es_buf_clear(&b);
    OK(tds_message_add(&b, 5701, 2, 10, "x", "", "", 1));
    assert_int_equal(only_token(&b).id, TDS_TOKEN_INFO);
    es_buf_done(&b);
}

static void long_and_broken_texts_are_cut_not_lost(void **state)
{
    (void)state;
    es_buf b = ES_BUF_INIT(1 << 20);
    char *text = malloc(200001);
    tds_message m;

    assert_non_null(text);
    memset(text, 'x', 200000);
    text[200000] = '\0';
    OK(tds_message_add(&b, 50000, 1, 16, text, text, text, 1));
    tds_token t = only_token(&b);
    OK(tds_message_parse(&t, &m, NULL));
    assert_int_equal(strlen(m.text), 31000);
    assert_int_equal(strlen(m.server), 255);
    tds_message_done(&m);
    free(text);

    es_buf_clear(&b);
    OK(tds_message_add(&b, 50000, 1, 16, "a\xff\xC3", "", "", 1));
    t = only_token(&b);
    OK(tds_message_parse(&t, &m, NULL));
    assert_string_equal(m.text, "a??");
    tds_message_done(&m);
    es_buf_done(&b);
}

static void done_comes_back(void **state)
{
    (void)state;
    es_buf b = ES_BUF_INIT(1000);
    tds_done d;

    OK(tds_done_add(&b, TDS_TOKEN_DONEINPROC, TDS_DONE_MORE | TDS_DONE_COUNT, 0xC1, 7));
    assert_bytes(&b, "ff 1100 c100 0700000000000000");
    tds_token t = only_token(&b);
    OK(tds_done_parse(&t, &d, NULL));
    assert_int_equal(d.id, TDS_TOKEN_DONEINPROC);
    assert_int_equal(d.status, 0x11);
    assert_int_equal(d.command, 0xC1);
    assert_int_equal(d.rows, 7);
    es_buf_clear(&b);
    OK(tds_return_status_add(&b, -6));
    assert_bytes(&b, "79 faffffff");
    es_buf_done(&b);
}

static void loginack_comes_back(void **state)
{
    (void)state;
    es_buf b = ES_BUF_INIT(1000);
    tds_loginack a;

    OK(tds_loginack_add(&b, TDS_VERSION_7_4));
    assert_memory_equal(b.data + 3, "\x01\x74\x00\x00\x04\x14", 6);
    tds_token t = only_token(&b);
    OK(tds_loginack_parse(&t, &a, NULL));
    assert_int_equal(a.tds_version, TDS_VERSION_7_4);
    assert_string_equal(a.program, "Microsoft SQL Server");
    assert_int_equal(a.major, 12);
    assert_int_equal(a.build, 2000);
    es_buf_done(&b);
}

/* One of each kind. */
static es_buf all_tokens(void)
{
    es_buf b = ES_BUF_INIT(10000);

    OK(tds_envchange_add_text(&b, TDS_ENV_DATABASE, "db", "master"));
    OK(tds_envchange_add_bytes(&b, TDS_ENV_COLLATION, tds_default_collation, 5, NULL, 0));
    OK(tds_envchange_add_transaction(&b, TDS_ENV_BEGIN, 1));
    OK(tds_envchange_add_routing(&b, "node", 1));
    OK(tds_message_add(&b, 5701, 2, 0, "text", "s", "p", 1));
    OK(tds_message_add(&b, 18456, 1, 14, "text", "s", "p", 1));
    OK(tds_loginack_add(&b, TDS_VERSION_7_4));
    OK(es_buf_add(&b, "\xAE\x02\0\0\0\0\x0A\x01\0\0\0\x01\xFF", 13));
    OK(tds_fedauth_info_add(&b, "https://a/", "https://b/"));
    OK(es_buf_add(&b, "\xE4\x01\0\0\0\x00", 6));
    OK(es_buf_add(&b, "\xED\x01\0\x00", 4));
    OK(tds_return_status_add(&b, 0));
    OK(es_buf_add(&b, "\xA9\x02\0\x01\0", 5));
    OK(es_buf_add(&b, "\x78\x01\0\x01\0", 5));
    OK(tds_done_add(&b, TDS_TOKEN_DONE, 0, 0, 0));
    return b;
}

static void parse_by_kind(const tds_token *t)
{
    tds_message m;
    tds_done d;
    tds_loginack a;
    tds_envchange e;
    tds_fedauth_info i;
    tds_feature_ack f;
    es_reader r = t->body;

    if (tds_message_parse(t, &m, NULL) == ENTRASQL_OK)
        tds_message_done(&m);
    (void)!tds_done_parse(t, &d, NULL);
    (void)!tds_loginack_parse(t, &a, NULL);
    (void)!tds_envchange_parse(t, &e, NULL);
    if (tds_fedauth_info_parse(t, &i, NULL) == ENTRASQL_OK)
        tds_fedauth_info_done(&i);
    while (tds_feature_ack_next(&r, &f, NULL) == ENTRASQL_OK)
        continue;
}

static void each_token_is_walked(void **state)
{
    (void)state;
    es_buf b = all_tokens();
    es_reader r = es_reader_of(b.data, b.len);
    size_t count = 0;

    while (r.left != 0) {
        tds_token t = {0};
        OK(tds_token_next(&r, &t, NULL));
        assert_string_not_equal(tds_token_name(t.id), "unknown");
        count++;
    }
    assert_int_equal(count, 15);
    es_buf_done(&b);
}

/* A cut inside a token must be seen, and a token cut short inside must be refused. */
static void each_truncation_is_seen(void **state)
{
    (void)state;
    es_buf b = all_tokens();

    for (size_t n = 0; n < b.len; n++) {
        uint8_t *copy = exact_copy(b.data, n);
        es_reader r = es_reader_of(copy, n);
        size_t good = 0;
        tds_token t = {0};
        entrasql_error err;
        entrasql_status st;
        while ((st = tds_token_next(&r, &t, &err)) == ENTRASQL_OK) {
            parse_by_kind(&t);
            good += t.bytes;
        }
        assert_int_equal(st, ENTRASQL_TRUNCATED);
        assert_int_equal(good + r.left, n);
        free(copy);
    }
    es_buf_done(&b);
}

/* The body of each token, cut at each length, in each parser. */
static void each_cut_body_is_refused(void **state)
{
    (void)state;
    es_buf b = all_tokens();
    es_reader r = es_reader_of(b.data, b.len);

    while (r.left != 0) {
        tds_token t = {0};
        OK(tds_token_next(&r, &t, NULL));
        for (size_t n = 0; n < t.body.left; n++) {
            uint8_t *copy = exact_copy(t.body.at, n);
            tds_token cut = {.id = t.id, .body = es_reader_of(copy, n)};
            tds_message m;
            tds_envchange e;
            tds_loginack a;
            parse_by_kind(&cut);
            if (t.id == TDS_TOKEN_ERROR || t.id == TDS_TOKEN_INFO)
                assert_int_equal(tds_message_parse(&cut, &m, NULL), ENTRASQL_MALFORMED);
            if (t.id == TDS_TOKEN_ENVCHANGE)
                assert_int_equal(tds_envchange_parse(&cut, &e, NULL), ENTRASQL_MALFORMED);
            if (t.id == TDS_TOKEN_LOGINACK)
                assert_int_equal(tds_loginack_parse(&cut, &a, NULL), ENTRASQL_MALFORMED);
            free(copy);
        }
    }
    es_buf_done(&b);
}

static void tokens_of_rows_and_unknown_ones_are_refused(void **state)
{
    (void)state;
    static const uint8_t ids[] = {0x00, 0x81, 0xA3, 0xAC, 0xD1, 0xD2, 0xD3, 0xEF};

    for (size_t i = 0; i < sizeof ids; i++) {
        const uint8_t bytes[4] = {ids[i]};
        es_reader r = es_reader_of(bytes, sizeof bytes);
        tds_token t;
        assert_int_equal(tds_token_next(&r, &t, NULL), ENTRASQL_MALFORMED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(routing_is_the_reference),
        cmocka_unit_test(transactions_are_the_reference),
        cmocka_unit_test(texts_of_envchange_come_back),
        cmocka_unit_test(feature_acks_are_the_reference),
        cmocka_unit_test(messages_come_back),
        cmocka_unit_test(long_and_broken_texts_are_cut_not_lost),
        cmocka_unit_test(done_comes_back),
        cmocka_unit_test(loginack_comes_back),
        cmocka_unit_test(each_token_is_walked),
        cmocka_unit_test(each_truncation_is_seen),
        cmocka_unit_test(each_cut_body_is_refused),
        cmocka_unit_test(tokens_of_rows_and_unknown_ones_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
