/* SPDX-License-Identifier: MIT */
/* base: buffers, readers, text forms, errors, secrets. */
#include "base/base64.h"
#include "base/error.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/reader.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/utf16.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void buffer_keeps_its_ceiling(void **state)
{
    (void)state;
    es_buf b = ES_BUF_INIT(10);
    assert_int_equal(es_buf_add(&b, "12345678", 8), ENTRASQL_OK);
    assert_int_equal(es_buf_u32le(&b, 1), ENTRASQL_LIMIT);
    assert_int_equal(b.len, 8);
    assert_int_equal(es_buf_u16be(&b, 0x4142), ENTRASQL_OK);
    assert_string_equal(es_buf_cstr(&b), "12345678AB");
    es_buf_consume(&b, 8);
    assert_string_equal(es_buf_cstr(&b), "AB");
    es_buf_done(&b);
}

static void buffer_survives_lack_of_memory(void **state)
{
    (void)state;
    es_buf b = ES_BUF_INIT(1000);
    assert_int_equal(es_buf_add(&b, "x", 1), ENTRASQL_OK);
    es_mem_fail_from(1);
    assert_int_equal(es_buf_fill(&b, 'y', 500), ENTRASQL_NOMEM);
    es_mem_fail_from(0);
    assert_string_equal(es_buf_cstr(&b), "x");
    es_buf_done(&b);
}

static void wiping_buffer_clears_what_it_drops(void **state)
{
    (void)state;
    es_buf b = ES_BUF_INIT_WIPE(100);
    assert_int_equal(es_buf_add_str(&b, "secret"), ENTRASQL_OK);
    es_buf_consume(&b, 3);
    assert_memory_equal(b.data, "ret\0\0\0", 6);
    es_buf_clear(&b);
    assert_memory_equal(b.data, "\0\0\0", 3);
    es_buf_done(&b);
}

static void reader_stops_at_the_end(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8};
    es_reader r = es_reader_of(bytes, sizeof bytes);
    uint16_t v16;
    uint32_t v32;
    es_reader sub;
    assert_int_equal(es_reader_u16be(&r, &v16), ENTRASQL_OK);
    assert_int_equal(v16, 0x0102);
    assert_int_equal(es_reader_u32le(&r, &v32), ENTRASQL_OK);
    assert_int_equal(v32, 0x06050403);
    assert_int_equal(es_reader_u32le(&r, &v32), ENTRASQL_TRUNCATED);
    assert_int_equal(r.left, 2);
    assert_int_equal(es_reader_slice(&r, 1, SIZE_MAX, &sub), ENTRASQL_TRUNCATED);
    assert_int_equal(es_reader_slice(&r, 1, 1, &sub), ENTRASQL_OK);
    assert_int_equal(*sub.at, 8);
    assert_int_equal(es_reader_end(&r), ENTRASQL_MALFORMED);
}

static void utf16_keeps_every_text(void **state)
{
    (void)state;
    /* "a", e acute, euro, an emoji, and a surrogate without a partner. */
    static const char text[] = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\xED\xA0\x80";
    es_buf wide = ES_BUF_INIT(100);
    es_buf back = ES_BUF_INIT(100);
    size_t units;
    assert_int_equal(es_buf_utf16le(&wide, text, sizeof text - 1, &units), ENTRASQL_OK);
    assert_int_equal(units, 6);
    assert_int_equal(es_utf16le_to_utf8(wide.data, wide.len, &back), ENTRASQL_OK);
    assert_string_equal(es_buf_cstr(&back), text);
    assert_false(es_utf8_is_valid(text, sizeof text - 1));
    assert_true(es_utf8_is_valid(text, sizeof text - 4));
    assert_int_equal(es_buf_utf16le(&wide, "\xC0\x80", 2, NULL), ENTRASQL_MALFORMED);
    assert_int_equal(es_buf_utf16le(&wide, "\xF4\x90\x80\x80", 4, NULL), ENTRASQL_MALFORMED);
    assert_int_equal(es_utf16le_to_utf8(wide.data, 3, &back), ENTRASQL_MALFORMED);
    es_buf_done(&wide);
    es_buf_done(&back);
}

static void base64_round_trip_and_refusals(void **state)
{
    (void)state;
    for (size_t n = 0; n < 40; n++) {
        uint8_t bytes[40];
        es_random_bytes(bytes, sizeof bytes);
        es_buf text = ES_BUF_INIT(200);
        es_buf back = ES_BUF_INIT(200);
        assert_int_equal(es_base64_encode(bytes, n, &text), ENTRASQL_OK);
        assert_int_equal(es_base64_decode((char *)text.data, text.len, &back), ENTRASQL_OK);
        assert_int_equal(back.len, n);
        assert_memory_equal(back.data, bytes, n);
        es_buf_clear(&text);
        es_buf_clear(&back);
        assert_int_equal(es_base64url_encode(bytes, n, &text), ENTRASQL_OK);
        assert_int_equal(es_base64url_decode((char *)text.data, text.len, &back), ENTRASQL_OK);
        assert_memory_equal(back.data, bytes, n);
        es_buf_done(&text);
        es_buf_done(&back);
    }
    es_buf out = ES_BUF_INIT(100);
    static const char *const bad[] = {
        "A", "AB", "ABC", "A===", "AB=C", "AA==AA==", "A B=", "AB\n="};
    for (size_t i = 0; i < ES_COUNT_OF(bad); i++)
        assert_int_equal(es_base64_decode(bad[i], strlen(bad[i]), &out), ENTRASQL_MALFORMED);
    assert_int_equal(es_base64url_decode("AB", 2, &out), ENTRASQL_MALFORMED); /* stray bits */
    assert_int_equal(es_base64url_decode("AA==", 4, &out), ENTRASQL_MALFORMED);
    es_buf_done(&out);
}

static void numbers_refuse_overflow(void **state)
{
    (void)state;
    uint64_t u;
    int64_t i;
    assert_int_equal(es_parse_u64("18446744073709551615", 20, UINT64_MAX, &u), ENTRASQL_OK);
    assert_true(u == UINT64_MAX);
    assert_int_equal(es_parse_u64("18446744073709551616", 20, UINT64_MAX, &u), ENTRASQL_LIMIT);
    assert_int_equal(es_parse_u64("65536", 5, 65535, &u), ENTRASQL_LIMIT);
    assert_int_equal(es_parse_u64("", 0, 9, &u), ENTRASQL_INVALID);
    assert_int_equal(es_parse_u64("1x", 2, 99, &u), ENTRASQL_INVALID);
    assert_int_equal(es_parse_i64("-9223372036854775808", 20, &i), ENTRASQL_OK);
    assert_true(i == INT64_MIN);
    assert_int_equal(es_parse_i64("9223372036854775808", 19, &i), ENTRASQL_LIMIT);
}

static void guid_has_the_wire_order(void **state)
{
    (void)state;
    uint8_t guid[16];
    char text[ES_GUID_TEXT_SIZE];
    assert_int_equal(es_guid_parse("00112233-4455-6677-8899-AABBCCDDEEFF", guid), ENTRASQL_OK);
    static const uint8_t wire[] = {0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66,
                                   0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF};
    assert_memory_equal(guid, wire, 16);
    es_guid_format(guid, text);
    assert_string_equal(text, "00112233-4455-6677-8899-aabbccddeeff");
    assert_int_equal(es_guid_parse("00112233-4455-6677-8899-AABBCCDDEEF", guid),
                     ENTRASQL_MALFORMED);
    assert_int_equal(es_guid_parse("00112233x4455-6677-8899-AABBCCDDEEFF", guid),
                     ENTRASQL_MALFORMED);
}

static void errors_carry_class_place_and_hint(void **state)
{
    (void)state;
    entrasql_error err;
    assert_int_equal(es_fail(&err, ENTRASQL_TIMEOUT, "no answer within %d s", 5), ENTRASQL_TIMEOUT);
    assert_int_equal(err.error_class, ENTRASQL_CLASS_RETRY);
    es_hint(&err, "try %s", "again");
    es_error_prefix(&err, "login to %s", "db");
    assert_string_equal(err.message, "login to db: no answer within 5 s");
    assert_string_equal(err.hint, "try again");
    char huge[ENTRASQL_ERROR_MESSAGE_SIZE + 10];
    for (size_t i = 0; i + 2 < sizeof huge; i += 2)
        memcpy(huge + i, "\xC3\xA9", 2);
    huge[sizeof huge - 2] = '\0';
    es_fail(&err, ENTRASQL_INVALID, "%s", huge);
    assert_true(es_utf8_is_valid(err.message, strlen(err.message)));
    assert_int_equal(es_fail(NULL, ENTRASQL_INVALID, "x"), ENTRASQL_INVALID);
    assert_string_equal(entrasql_status_name(ENTRASQL_TLS), "TLS");
    assert_string_equal(entrasql_status_name((entrasql_status)999), "INTERNAL");
}

static void foreign_text_is_made_printable(void **state)
{
    (void)state;
    char out[32];
    es_printable(out, sizeof out, "a\x1B[31mb\xFF\xC3\xA9\n", 11);
    assert_string_equal(out, "a?[31mb?\xC3\xA9?");
    es_printable(out, 4, "ab\xE2\x82\xAC", 5);
    assert_string_equal(out, "ab");
}

static void secrets_compare(void **state)
{
    (void)state;
    es_secret *s = es_secret_from_str("hush");
    assert_non_null(s);
    assert_true(es_secret_equal(s, "hush", 4));
    assert_false(es_secret_equal(s, "husk", 4));
    assert_false(es_secret_equal(s, "hus", 3));
    es_secret_unref(es_secret_ref(s));
    assert_string_equal(es_secret_reveal(s), "hush");
    es_secret_unref(s);
}

static void log_lines_cannot_be_forged(void **state)
{
    (void)state;
    int ends[2];
    char line[512] = "";
    assert_int_equal(pipe(ends), 0);
    es_log_setup(ES_LOG_INFO, ES_LOG_JSON, ends[1]);
    ES_LOG(INFO, "test", "event", ES_KV_STR("name", "a\"\n\x01"), ES_KV_I64("n", -5));
    ES_LOG(DEBUG, "test", "too fine", ES_KV_I64("n", 1));
    es_log_setup(ES_LOG_NONE, ES_LOG_TEXT, STDERR_FILENO);
    close(ends[1]);
    assert_true(read(ends[0], line, sizeof line - 1) > 0);
    close(ends[0]);
    assert_non_null(strstr(line, "\"module\":\"test\",\"message\":\"event\","
                                 "\"name\":\"a\\\"\\u000a\\u0001\",\"n\":-5}\n"));
    assert_null(strstr(line, "too fine"));
}

/* A line of code that does not know for whom it works. */
static void log_from_below(void)
{
    ES_LOG(INFO, "test", "below", ES_KV_I64("n", 1));
}

static void log_within(void)
{
    ES_LOG_SCOPE("server_conn", 9);
    log_from_below();
}

static void log_lines_tell_whose_they_are(void **state)
{
    (void)state;
    int ends[2];
    char lines[1024] = "";
    assert_int_equal(pipe(ends), 0);
    es_log_setup(ES_LOG_INFO, ES_LOG_JSON, ends[1]);
    {
        ES_LOG_SCOPE("conn", 7);
        log_from_below();
        ES_LOG(INFO, "test", "own", ES_KV_I64("conn", 8)); /* not twice */
        log_within();
        ES_LOG(INFO, "test", "after");
    }
    log_from_below();
    es_log_setup(ES_LOG_NONE, ES_LOG_TEXT, STDERR_FILENO);
    close(ends[1]);
    assert_true(read(ends[0], lines, sizeof lines - 1) > 0);
    close(ends[0]);
    static const char *const ends_of[] = {"\"below\",\"conn\":7,\"n\":1}", "\"own\",\"conn\":8}",
                                          "\"below\",\"server_conn\":9,\"n\":1}",
                                          "\"after\",\"conn\":7}", "\"below\",\"n\":1}"};
    char *rest = lines;
    for (size_t i = 0; i < ES_COUNT_OF(ends_of); i++) {
        char *line = strsep(&rest, "\n");
        if (line == NULL || !es_ends_with(line, ends_of[i]))
            fail_msg("%s instead of %s", line != NULL ? line : "nothing", ends_of[i]);
    }
}

static void lists_of_words_have_their_pieces(void **state)
{
    (void)state;
    const char *list = "one|two||four";
    static const char *const wanted[] = {"one", "two", "", "four"};
    size_t n = 0;
    for (size_t i = 0; i < ES_COUNT_OF(wanted); i++) {
        const char *piece = es_piece_next(&list, &n);
        assert_int_equal(n, strlen(wanted[i]));
        assert_memory_equal(piece, wanted[i], n);
    }
    assert_null(es_piece_next(&list, &n));
    list = "";
    assert_null(es_piece_next(&list, &n));
    list = "|one";
    assert_non_null(es_piece_next(&list, &n));
    assert_int_equal(n, 0);
    assert_string_equal(es_piece_next(&list, &n), "one");
}

typedef struct item {
    struct item *next;
    struct item *prev;
    char name;
} item;

typedef struct items {
    item *first;
    item *last;
} items;

static void assert_order(const items *l, const char *wanted)
{
    char forth[8] = "";
    char back[8] = "";
    size_t n = strlen(wanted);
    size_t i = 0;
    for (const item *x = l->first; x != NULL; x = x->next)
        forth[i++] = x->name;
    assert_int_equal(i, n);
    for (const item *x = l->last; x != NULL; x = x->prev)
        back[--i] = x->name;
    assert_string_equal(forth, wanted);
    assert_string_equal(back, wanted);
}

static void lists_keep_their_order_both_ways(void **state)
{
    (void)state;
    items l = {0};
    item a = {.name = 'a'}, b = {.name = 'b'}, c = {.name = 'c'};
    ES_LIST_APPEND(&l, &b);
    assert_order(&l, "b");
    ES_LIST_PREPEND(&l, &a);
    ES_LIST_APPEND(&l, &c);
    assert_order(&l, "abc");
    ES_LIST_REMOVE(&l, &b);
    assert_order(&l, "ac");
    assert_ptr_equal(b.next, &c);
    ES_LIST_REMOVE(&l, &c);
    ES_LIST_REMOVE(&l, &a);
    assert_order(&l, "");
    ES_LIST_PREPEND(&l, &c);
    assert_order(&l, "c");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buffer_keeps_its_ceiling),
        cmocka_unit_test(buffer_survives_lack_of_memory),
        cmocka_unit_test(wiping_buffer_clears_what_it_drops),
        cmocka_unit_test(reader_stops_at_the_end),
        cmocka_unit_test(utf16_keeps_every_text),
        cmocka_unit_test(base64_round_trip_and_refusals),
        cmocka_unit_test(numbers_refuse_overflow),
        cmocka_unit_test(guid_has_the_wire_order),
        cmocka_unit_test(errors_carry_class_place_and_hint),
        cmocka_unit_test(foreign_text_is_made_printable),
        cmocka_unit_test(secrets_compare),
        cmocka_unit_test(log_lines_cannot_be_forged),
        cmocka_unit_test(log_lines_tell_whose_they_are),
        cmocka_unit_test(lists_of_words_have_their_pieces),
        cmocka_unit_test(lists_keep_their_order_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
