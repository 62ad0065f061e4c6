/* SPDX-License-Identifier: MIT */
/* engine: the JSON scanner and its paths. */
#include "engine/jsontext.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const char sample[] =
    " {\"a\" : [1, -2.5e+3, \"q\\\"\\u00e9\\ud83d\\ude00\\/\", null, true, false, {}], "
    "\"b c\":{\"d\":[]}, \"a\":2} ";

static bool reads(const char *text)
{
    engine_json v;
    return engine_json_read(text, strlen(text), &v, NULL);
}

/* Cut anywhere the text is no JSON any more, but for the blank at its end. */
static void cut_at_every_length(void **state)
{
    engine_json v;
    size_t bad;
    (void)state;
    assert_true(engine_json_read(sample, sizeof sample - 1, &v, &bad));
    for (size_t n = 0; n < sizeof sample - 2; n++) {
        assert_false(engine_json_read(sample, n, &v, &bad));
        assert_true(bad <= n);
    }
}

static void what_is_json(void **state)
{
    static const char *const good[] = {"1",    "-0.5",        "\"\"", "[]",    "{}",
                                       "null", " [ 1 , 2 ] ", "1e5",  "[[[]]]"};
    static const char *const bad[] = {"",      "01",    "1.",      ".5",       "+1",        "'a'",
                                      "{a:1}", "[1,]",  "{,}",     "\"\\x\"",  "\"\\u12\"", "nul",
                                      "1 2",   "[1 2]", "{\"a\"}", "\"a\nb\"", "--1"};
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(good); i++)
        assert_true(reads(good[i]));
    for (size_t i = 0; i < ES_COUNT_OF(bad); i++) {
        if (reads(bad[i]))
            fail_msg("%s was read", bad[i]);
    }
}

static void deep_ones_end(void **state)
{
    char text[2 * ENGINE_JSON_DEPTH_MAX + 16];
    (void)state;
    memset(text, '[', sizeof text);
    text[sizeof text - 1] = '\0';
    assert_false(reads(text));
}

static void expect(const char *path_text, const char *want)
{
    engine_json root;
    engine_json v;
    engine_json_path path;
    es_buf plain = ES_BUF_INIT(4096);
    assert_true(engine_json_read(sample, sizeof sample - 1, &root, NULL));
    assert_int_equal(engine_json_path_parse(path_text, strlen(path_text), &path, NULL),
                     ENTRASQL_OK);
    if (want == NULL) {
        assert_false(engine_json_find(&root, &path, path.count, &v));
        return;
    }
    assert_true(engine_json_find(&root, &path, path.count, &v));
    assert_int_equal(engine_json_unquote(&v, &plain), ENTRASQL_OK);
    assert_string_equal(es_buf_cstr(&plain), want);
    es_buf_done(&plain);
}

static void paths(void **state)
{
    (void)state;
    expect("$.a[1]", "-2.5e+3");
    expect("lax $.a[2]", "q\"\xC3\xA9\xF0\x9F\x98\x80/");
    expect("strict $.\"b c\".d", "[]");
    expect("$.a[6]", "{}");
    expect("$.a[7]", NULL);
    expect("$.b", NULL);
    expect("$.A", NULL);
}

static void paths_that_are_none(void **state)
{
    static const char *const bad[] = {"",     "a",     "$a",    "$.",  "$[",
                                      "$[x]", "$.a[1", "$.\"a", "lax", "$ .a"};
    engine_json_path path;
    entrasql_error err;
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(bad); i++) {
        assert_int_equal(engine_json_path_parse(bad[i], strlen(bad[i]), &path, &err),
                         ENTRASQL_SQL_ERROR);
        assert_int_equal(err.number, 13607);
    }
}

static void quoting(void **state)
{
    es_buf out = ES_BUF_INIT(256);
    (void)state;
    assert_int_equal(engine_json_quote("a\"b\\/\n\x01", 7, &out), ENTRASQL_OK);
    assert_string_equal(es_buf_cstr(&out), "\"a\\\"b\\\\\\/\\n\\u0001\"");
    es_buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cut_at_every_length), cmocka_unit_test(what_is_json),
        cmocka_unit_test(deep_ones_end),       cmocka_unit_test(paths),
        cmocka_unit_test(paths_that_are_none), cmocka_unit_test(quoting),
    };
    return cmocka_run_group_tests_name("engine jsontext", tests, NULL, NULL);
}
