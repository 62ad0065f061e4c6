/* SPDX-License-Identifier: MIT */
/* json: what the strict reader takes and refuses, typed getters, the writer. */
#include "json/json.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char sample[] =
    "{\"s\":\"a\\u00e9\\n\\\"\",\"i\":-42,\"big\":9223372036854775807,\"r\":1.5,\"t\":true,"
    "\"n\":null,\"a\":[1,\"two\",[],{}],\"o\":{\"x\":0},\"empty\":\"\"}";

static json_doc *parse(const char *text)
{
    json_doc *doc = NULL;
    entrasql_error err;
    if (json_doc_parse(text, strlen(text), &doc, &err) != ENTRASQL_OK)
        fail_msg("%s: %s", text, err.message);
    return doc;
}

static void values_are_read(void **state)
{
    (void)state;
    json_doc *doc = parse(sample);
    const json_node *root = json_doc_root(doc);
    const char *s;
    size_t n;
    int64_t i;
    bool b;
    double d;
    const json_node *a;
    assert_int_equal(json_member_string(root, "s", &s, &n), ENTRASQL_OK);
    assert_string_equal(s, "a\xc3\xa9\n\"");
    assert_int_equal(n, 5);
    assert_int_equal(json_member_i64(root, "i", &i), ENTRASQL_OK);
    assert_int_equal(i, -42);
    assert_int_equal(json_member_i64(root, "big", &i), ENTRASQL_OK);
    assert_true(i == INT64_MAX);
    assert_int_equal(json_node_real(json_member(root, "r"), &d), ENTRASQL_OK);
    assert_true(d > 1.49 && d < 1.51);
    assert_int_equal(json_member_bool(root, "t", &b), ENTRASQL_OK);
    assert_true(b);
    assert_int_equal(json_member_array(root, "a", &a), ENTRASQL_OK);
    assert_int_equal(json_count(a), 4);
    assert_int_equal(json_node_kind(json_element(a, 1)), JSON_KIND_STRING);
    assert_null(json_element(a, 4));
    assert_int_equal(json_member_object(root, "o", &a), ENTRASQL_OK);
    assert_int_equal(json_count(a), 1);
    assert_int_equal(json_member_string(root, "empty", &s, &n), ENTRASQL_OK);
    assert_int_equal(n, 0);
    json_doc_free(doc);
}

static void wrong_kinds_are_told_apart(void **state)
{
    (void)state;
    json_doc *doc = parse(sample);
    const json_node *root = json_doc_root(doc);
    const char *s;
    int64_t i;
    bool b;
    const json_node *a;
    assert_int_equal(json_member_string(root, "missing", &s, NULL), ENTRASQL_NOT_FOUND);
    assert_int_equal(json_member_string(root, "n", &s, NULL), ENTRASQL_NOT_FOUND);
    assert_non_null(json_member(root, "n"));
    assert_int_equal(json_member_string(root, "i", &s, NULL), ENTRASQL_MALFORMED);
    assert_int_equal(json_member_i64(root, "s", &i), ENTRASQL_MALFORMED);
    assert_int_equal(json_member_i64(root, "r", &i), ENTRASQL_MALFORMED);
    assert_int_equal(json_member_bool(root, "i", &b), ENTRASQL_MALFORMED);
    assert_int_equal(json_member_array(root, "o", &a), ENTRASQL_MALFORMED);
    assert_int_equal(json_member_object(root, "a", &a), ENTRASQL_MALFORMED);
    assert_int_equal(json_member_string(NULL, "s", &s, NULL), ENTRASQL_NOT_FOUND);
    assert_int_equal(json_member_string(json_member(root, "i"), "s", &s, NULL), ENTRASQL_NOT_FOUND);
    assert_int_equal(json_count(json_member(root, "i")), 0);
    json_doc_free(doc);
}

static void members_come_in_their_order(void **state)
{
    (void)state;
    static const char *const names[] = {"s", "i", "big", "r", "t", "n", "a", "o", "empty"};
    json_doc *doc = parse(sample);
    size_t n = 0;
    const json_node *root = json_doc_root(doc);
    for (json_cursor *at = json_cursor_next(root, NULL); at != NULL;
         at = json_cursor_next(root, at)) {
        assert_string_equal(json_cursor_name(at), names[n]);
        assert_ptr_equal(json_cursor_value(at), json_member(root, names[n]));
        n++;
    }
    assert_int_equal(n, ES_COUNT_OF(names));
    assert_null(json_cursor_next(json_member(root, "a"), NULL));
    json_doc_free(doc);
}

static void broken_texts_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        " ",
        "{",
        "[1,]",
        "{\"a\":1,}",
        "{\"a\" 1}",
        "{a:1}",
        "'a'",
        "01",
        "1.",
        "+1",
        "NaN",
        "tru",
        "\"\\x\"",
        "\"\n\"",
        "\"\xff\"",
        "\"\xed\xa0\x80\"",
        "\"a",
        "[1] [2]",
        "{}x",
        "\"\\ud800\"",
        "\"\\u0000\"",
        "{\"\\u0000\":1}",
        "// c\n1",
        "{\"a\":1,\"a\":2}",
        "99999999999999999999",
        "1e999",
        "\xef\xbb\xbf{}",
    };
    for (size_t i = 0; i < ES_COUNT_OF(texts); i++) {
        json_doc *doc = NULL;
        entrasql_error err;
        if (json_doc_parse(texts[i], strlen(texts[i]), &doc, &err) != ENTRASQL_MALFORMED)
            fail_msg("taken: %s", texts[i]);
        assert_null(doc);
    }
}

static void every_cut_is_refused(void **state)
{
    (void)state;
    for (size_t n = 0; n < sizeof sample - 1; n++) {
        char *copy = malloc(n + 1);
        json_doc *doc = NULL;
        assert_non_null(copy);
        memcpy(copy, sample, n);
        assert_int_equal(json_doc_parse(copy, n, &doc, NULL), ENTRASQL_MALFORMED);
        free(copy);
    }
}

static void messages_never_quote_the_text(void **state)
{
    (void)state;
    static const char text[] = "{\"access_token\":\"se-cr-et\", \"x\": se-cr-et}";
    json_doc *doc = NULL;
    entrasql_error err;
    assert_int_equal(json_doc_parse(text, sizeof text - 1, &doc, &err), ENTRASQL_MALFORMED);
    assert_null(strstr(err.message, "se-cr-et"));
    assert_int_equal(err.line, 1);
}

static void depth_has_a_limit(void **state)
{
    (void)state;
    char text[2 * JSON_MAX_DEPTH + 8];
    json_doc *doc = NULL;
    entrasql_error err;
    memset(text, '[', JSON_MAX_DEPTH);
    memset(text + JSON_MAX_DEPTH, ']', JSON_MAX_DEPTH);
    assert_int_equal(json_doc_parse(text, 2 * JSON_MAX_DEPTH, &doc, &err), ENTRASQL_OK);
    json_doc_free(doc);
    memset(text, '[', JSON_MAX_DEPTH + 1);
    memset(text + JSON_MAX_DEPTH + 1, ']', JSON_MAX_DEPTH + 1);
    assert_int_equal(json_doc_parse(text, 2 * JSON_MAX_DEPTH + 2, &doc, &err), ENTRASQL_LIMIT);
    /* Brackets in a string are text. */
    static const char quoted[] =
        "\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[\"";
    assert_int_equal(json_doc_parse(quoted, sizeof quoted - 1, &doc, &err), ENTRASQL_OK);
    json_doc_free(doc);
}

static void size_has_a_limit(void **state)
{
    (void)state;
    size_t n = JSON_MAX_BYTES + 1;
    char *text = malloc(n);
    json_doc *doc = NULL;
    assert_non_null(text);
    memset(text, ' ', n);
    text[0] = '1';
    assert_int_equal(json_doc_parse(text, n, &doc, NULL), ENTRASQL_LIMIT);
    free(text);
}

static void writer_writes_what_the_reader_reads(void **state)
{
    (void)state;
    es_buf out = ES_BUF_INIT(4096);
    json_writer w;
    json_writer_init(&w, &out);
    json_begin_object(&w);
    json_member_put_string(&w, "text", "a\"\\\b\f\n\r\t\x01\x7f\xc3\xa9");
    json_member_put_string(&w, "none", NULL);
    json_member_put_i64(&w, "i", INT64_MIN);
    json_member_put_bool(&w, "b", false);
    json_name(&w, "list");
    json_begin_array(&w);
    json_put_i64(&w, 1);
    json_begin_object(&w);
    json_end_object(&w);
    json_put_raw(&w, "[2]", 3);
    json_begin_array(&w);
    json_end_array(&w);
    json_end_array(&w);
    json_end_object(&w);
    assert_int_equal(json_writer_end(&w), ENTRASQL_OK);
    assert_string_equal(
        es_buf_cstr(&out),
        "{\"text\":\"a\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u007f\xc3\xa9\",\"none\":null,"
        "\"i\":-9223372036854775808,\"b\":false,\"list\":[1,{},[2],[]]}");
    json_doc *doc = parse(es_buf_cstr(&out));
    es_buf again = ES_BUF_INIT(4096);
    json_writer_init(&w, &again);
    json_put_node(&w, json_doc_root(doc));
    assert_int_equal(json_writer_end(&w), ENTRASQL_OK);
    assert_string_equal(es_buf_cstr(&again), es_buf_cstr(&out));
    json_doc_free(doc);
    es_buf_done(&again);
    es_buf_done(&out);
}

static void writer_keeps_its_first_failure(void **state)
{
    (void)state;
    es_buf out = ES_BUF_INIT(8);
    json_writer w;
    json_writer_init(&w, &out);
    json_put_string(&w, "longer than eight");
    assert_int_equal(json_writer_end(&w), ENTRASQL_LIMIT);
    es_buf_done(&out);
    out = ES_BUF_INIT(64);
    json_writer_init(&w, &out);
    json_put_string(&w, "\xff");
    assert_int_equal(json_writer_end(&w), ENTRASQL_MALFORMED);
    es_buf_clear(&out);
    json_writer_init(&w, &out);
    json_begin_array(&w);
    assert_int_equal(json_writer_end(&w), ENTRASQL_INTERNAL);
    es_buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_read),
        cmocka_unit_test(wrong_kinds_are_told_apart),
        cmocka_unit_test(members_come_in_their_order),
        cmocka_unit_test(broken_texts_are_refused),
        cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(messages_never_quote_the_text),
        cmocka_unit_test(depth_has_a_limit),
        cmocka_unit_test(size_has_a_limit),
        cmocka_unit_test(writer_writes_what_the_reader_reads),
        cmocka_unit_test(writer_keeps_its_first_failure),
    };
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
