/* SPDX-License-Identifier: MIT */
/* cli: result sets as tables, CSV and JSON; widths and safe forms of text. */
#include "base/str.h"
#include "cli/result.h"
#include "cli/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void widths(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t width;
    } cases[] = {
        {"", 0},
        {"abc", 3},
        {"h\xc3\xa9llo", 5},
        {"e\xcc\x81", 1},                /* e and a combining acute */
        {"\xe6\x97\xa5\xe6\x9c\xac", 4}, /* two Chinese characters */
        {"\xed\x95\x9c", 2},             /* a Hangul syllable */
        {"\xf0\x9f\x98\x80", 2},         /* an emoji */
        {"\xef\xbc\xa1", 2},             /* fullwidth A */
        {"\xff\xfe", 2},                 /* not UTF-8 */
        {"a\xe2\x80\x8b"
         "b",
         2}, /* zero width space */
    };
    for (size_t i = 0; i < ES_COUNT_OF(cases); i++)
        assert_int_equal(cli_text_width(cases[i].text, strlen(cases[i].text)), cases[i].width);
}

static void forms_of_text(void **state)
{
    (void)state;
    static const char text[] = "a\033[31m\tb\nc\xff\xe2\x80\xae\xc2\x9b\xed\xa0\x80";
    static const struct {
        cli_text_form form;
        const char *result;
    } cases[] = {
        {CLI_TEXT_RAW, "a\033[31m\tb\nc\xef\xbf\xbd\xe2\x80\xae\xc2\x9b\xef\xbf\xbd"},
        {CLI_TEXT_LINE, "a?[31m b c\xef\xbf\xbd??\xef\xbf\xbd"},
        {CLI_TEXT_PRINTABLE, "a?[31m\tb\nc\xef\xbf\xbd??\xef\xbf\xbd"},
    };
    for (size_t i = 0; i < ES_COUNT_OF(cases); i++) {
        es_buf out = ES_BUF_INIT(100);
        assert_int_equal(cli_text_add(&out, text, sizeof text - 1, cases[i].form), ENTRASQL_OK);
        assert_string_equal(es_buf_cstr(&out), cases[i].result);
        es_buf_done(&out);
    }
}

static void csv_fields(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"a", "a"},         {"", "\"\""},         {"a,b", "\"a,b\""}, {"a\"b", "\"a\"\"b\""},
        {"\"", "\"\"\"\""}, {"a\nb", "\"a\nb\""}, {" a", "\" a\""},   {"a b", "a b"},
        {"a;b", "a;b"},
    };
    for (size_t i = 0; i < ES_COUNT_OF(cases); i++) {
        es_buf out = ES_BUF_INIT(100);
        assert_int_equal(cli_text_add_csv(&out, cases[i][0], strlen(cases[i][0]), CLI_TEXT_RAW),
                         ENTRASQL_OK);
        assert_string_equal(es_buf_cstr(&out), cases[i][1]);
        es_buf_done(&out);
    }
}

/* What a test prints, read back as text. */
typedef struct sheet {
    cli_result result;
    FILE *file;
    char *text;
    size_t size;
} sheet;

static void sheet_open(sheet *s, cli_result_form form)
{
    *s = (sheet){0};
    s->file = open_memstream(&s->text, &s->size);
    assert_non_null(s->file);
    cli_result_init(&s->result, form, s->file, false);
}

static void sheet_expect(sheet *s, const char *expected)
{
    assert_int_equal(cli_result_end(&s->result, NULL), ENTRASQL_OK);
    assert_int_equal(fflush(s->file), 0);
    assert_string_equal(s->text, expected);
    cli_result_done(&s->result);
    assert_int_equal(fclose(s->file), 0);
    free(s->text);
}

static sqlvalue text_of(const char *s)
{
    return sqlvalue_nvarchar(s, strlen(s));
}

static const sqltype text_type = {.id = SQLTYPE_NVARCHAR, .length = 50};
static const sqltype int_type = {.id = SQLTYPE_INT};

static void print_two_rows(sheet *s)
{
    const char *const names[] = {"ID", "FirstName", ""};
    const sqltype types[] = {int_type, text_type, text_type};
    const sqlvalue first[] = {sqlvalue_int(1), text_of("h\xc3\xa9llo"), text_of("a,\"b\"")};
    const sqlvalue second[] = {sqlvalue_int(-100), sqlvalue_null(text_type), text_of("x\ny")};
    assert_int_equal(cli_result_begin(&s->result, names, types, 3, NULL), ENTRASQL_OK);
    assert_int_equal(cli_result_row(&s->result, first, 3, NULL), ENTRASQL_OK);
    assert_int_equal(cli_result_row(&s->result, second, 3, NULL), ENTRASQL_OK);
}

static void a_table(void **state)
{
    (void)state;
    sheet s;
    sheet_open(&s, CLI_RESULT_TABLE);
    print_two_rows(&s);
    assert_int_equal(cli_result_end(&s.result, NULL), ENTRASQL_OK);
    assert_int_equal(cli_result_affected(&s.result, 2, NULL), ENTRASQL_OK);
    assert_int_equal(cli_result_affected(&s.result, 1, NULL), ENTRASQL_OK);
    sheet_expect(&s, "  ID  FirstName  \n"
                     "----  ---------  -----\n"
                     "   1  h\xc3\xa9llo      a,\"b\"\n"
                     "-100  NULL       x y\n"
                     "\n(2 rows affected)\n"
                     "\n(1 row affected)\n");
}

static void csv_text(void **state)
{
    (void)state;
    sheet s;
    sheet_open(&s, CLI_RESULT_CSV);
    print_two_rows(&s);
    print_two_rows(&s);
    assert_int_equal(cli_result_affected(&s.result, 2, NULL), ENTRASQL_OK);
    sheet_expect(&s, "ID,FirstName,\"\"\r\n1,h\xc3\xa9llo,\"a,\"\"b\"\"\"\r\n-100,,\"x\ny\"\r\n"
                     "\r\n"
                     "ID,FirstName,\"\"\r\n1,h\xc3\xa9llo,\"a,\"\"b\"\"\"\r\n-100,,\"x\ny\"\r\n");
}

static void json_text(void **state)
{
    (void)state;
    sheet s;
    sheet_open(&s, CLI_RESULT_JSON);
    print_two_rows(&s);
    sheet_expect(&s, "[\n{\"ID\":1,\"FirstName\":\"h\xc3\xa9llo\",\"column3\":\"a,\\\"b\\\"\"},\n"
                     "{\"ID\":-100,\"FirstName\":null,\"column3\":\"x\\ny\"}\n]\n");
}

static void json_types_and_names(void **state)
{
    (void)state;
    const char *const names[] = {"a", "a", "a_2", "d", "b", "m", "s"};
    const sqltype decimal = {.id = SQLTYPE_DECIMAL, .precision = 5, .scale = 2};
    const sqltype bit = {.id = SQLTYPE_BIT};
    const sqltype money = {.id = SQLTYPE_MONEY};
    const sqltype types[] = {int_type, int_type, int_type, decimal, bit, money, text_type};
    sqlvalue d = {.type = decimal};
    d.u.dec.magnitude = 50;
    d.u.dec.negative = true;
    sqlvalue m = {.type = money};
    m.u.i = 5000;
    const sqlvalue row[] = {sqlvalue_int(1),
                            sqlvalue_int(2),
                            sqlvalue_int(3),
                            d,
                            sqlvalue_bit(true),
                            m,
                            text_of("\xed\xa0\x80\x01")};
    sheet s;
    sheet_open(&s, CLI_RESULT_JSON);
    assert_int_equal(cli_result_begin(&s.result, names, types, 7, NULL), ENTRASQL_OK);
    assert_int_equal(cli_result_row(&s.result, row, 7, NULL), ENTRASQL_OK);
    sheet_expect(&s, "[\n{\"a\":1,\"a_2\":2,\"a_2_2\":3,\"d\":-0.50,\"b\":true,\"m\":0.5000,"
                     "\"s\":\"\xef\xbf\xbd\\u0001\"}\n]\n");
}

static void empty_sets(void **state)
{
    (void)state;
    static const struct {
        cli_result_form form;
        const char *text;
    } cases[] = {
        {CLI_RESULT_TABLE, "n\n-\n"},
        {CLI_RESULT_CSV, "n\r\n"},
        {CLI_RESULT_JSON, "[]\n"},
    };
    const char *const names[] = {"n"};
    for (size_t i = 0; i < ES_COUNT_OF(cases); i++) {
        sheet s;
        sheet_open(&s, cases[i].form);
        assert_int_equal(cli_result_begin(&s.result, names, &int_type, 1, NULL), ENTRASQL_OK);
        sheet_expect(&s, cases[i].text);
    }
}

/* Beyond the limit rows go out at once; wider cells only push the line apart. */
static void a_long_table_is_not_held_back(void **state)
{
    (void)state;
    const char *const names[] = {"n"};
    const sqlvalue row = text_of("abc");
    const sqlvalue wide = text_of("abcdef");
    sheet s;
    sheet_open(&s, CLI_RESULT_TABLE);
    assert_int_equal(cli_result_begin(&s.result, names, &text_type, 1, NULL), ENTRASQL_OK);
    for (size_t i = 0; i < CLI_RESULT_HOLD_ROWS - 1; i++)
        assert_int_equal(cli_result_row(&s.result, &row, 1, NULL), ENTRASQL_OK);
    fflush(s.file);
    assert_int_equal(s.size, 0);
    assert_int_equal(cli_result_row(&s.result, &row, 1, NULL), ENTRASQL_OK);
    fflush(s.file);
    assert_int_equal(s.size, 6 + 4 * CLI_RESULT_HOLD_ROWS);
    assert_int_equal(cli_result_row(&s.result, &wide, 1, NULL), ENTRASQL_OK);
    fflush(s.file);
    assert_string_equal(s.text + s.size - 7, "abcdef\n");
    cli_result_done(&s.result);
    fclose(s.file);
    free(s.text);
}

static void a_row_of_another_shape_is_refused(void **state)
{
    (void)state;
    const sqlvalue row = sqlvalue_int(1);
    entrasql_error err;
    sheet s;
    sheet_open(&s, CLI_RESULT_CSV);
    assert_int_equal(cli_result_row(&s.result, &row, 1, &err), ENTRASQL_INTERNAL);
    sheet_expect(&s, "");
}

/* Fourteen columns for "ID", two texts and the gaps: the texts are cut, the number is not. */
static void a_table_that_fits(void **state)
{
    (void)state;
    const char *const names[] = {"identifier", "t"};
    const sqltype types[] = {int_type, text_type};
    const sqlvalue row[] = {sqlvalue_int(1234567890),
                            text_of("\xe6\x97\xa5\xe6\x9c\xac-text-so-long")};
    const sqlvalue nothing[] = {sqlvalue_null(int_type), sqlvalue_null(text_type)};
    sheet s;
    sheet_open(&s, CLI_RESULT_TABLE);
    s.result.fit_width = 21;
    s.result.cut_note = "cut";
    s.result.has_colour = true;
    assert_int_equal(cli_result_begin(&s.result, names, types, 2, NULL), ENTRASQL_OK);
    assert_int_equal(cli_result_row(&s.result, row, 2, NULL), ENTRASQL_OK);
    assert_int_equal(cli_result_row(&s.result, nothing, 2, NULL), ENTRASQL_OK);
    sheet_expect(&s, "identifier  t\n"
                     "----------  ---------\n"
                     "1234567890  \xe6\x97\xa5\xe6\x9c\xac-tex\xe2\x80\xa6\n"
                     "      \033[2mNULL\033[0m  \033[2mNULL\033[0m\n"
                     "(cut)\n");
}

static void what_does_not_fit_is_vertical(void **state)
{
    (void)state;
    static const struct {
        cli_result_layout layout;
        const char *text;
    } cases[] = {
        {CLI_RESULT_FIT,
         "-- row 1 --\nID         1\nFirstName  h\xc3\xa9llo\n           a,\"b\"\n\n"
         "-- row 2 --\nID         -100\nFirstName  NULL\n           x y\n"},
        {CLI_RESULT_VERTICAL,
         "-- row 1 --\nID         1\nFirstName  h\xc3\xa9llo\n           a,\"b\"\n\n"
         "-- row 2 --\nID         -100\nFirstName  NULL\n           x\n           y\n"},
        {CLI_RESULT_HORIZONTAL, "  ID  FirstNa\xe2\x80\xa6  \n"
                                "----  --------  -----\n"
                                "   1  h\xc3\xa9llo     a,\"b\"\n"
                                "-100  NULL      x y\n"},
    };
    for (size_t i = 0; i < ES_COUNT_OF(cases); i++) {
        sheet s;
        sheet_open(&s, CLI_RESULT_TABLE);
        s.result.fit_width = 12;
        s.result.layout = cases[i].layout;
        print_two_rows(&s);
        sheet_expect(&s, cases[i].text);
    }
}

static void wrapped_text(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t used;
        size_t width;
        const char *result;
    } cases[] = {
        {"one two three", 0, 0, "one two three"},
        {"one two three", 0, 13, "one two three"},
        {"one two three", 0, 12, "one two\n  three"},
        {"one two three", 6, 12, "one\n  two three"},
        {"one two three", 6, 11, "one\n  two three"},
        {"one two three", 6, 10, "one\n  two\n  three"},
        {"word-without-end x", 2, 8, "\n  word-without-end\n  x"},
        {"a\nb c", 0, 2, "a\nb\n  c"},
        {"\xe6\x97\xa5 \xe6\x9c\xac", 0, 4, "\xe6\x97\xa5\n  \xe6\x9c\xac"},
        {"", 0, 10, ""},
    };
    for (size_t i = 0; i < ES_COUNT_OF(cases); i++) {
        es_buf out = ES_BUF_INIT(100);
        assert_int_equal(cli_text_add_wrapped(&out, cases[i].text, strlen(cases[i].text),
                                              cases[i].used, cases[i].width),
                         ENTRASQL_OK);
        assert_string_equal(es_buf_cstr(&out), cases[i].result);
        es_buf_done(&out);
    }
}

static void laid_out_text(void **state)
{
    (void)state;
    static const char help[] = "  -S, --server HOST  the server, as in a string\n"
                               "                     (so)\n"
                               "  x  one two three four\n"
                               "plain text of many words\n\n"
                               "      deep and long enough\n";
    static const struct {
        size_t width;
        const char *result;
    } cases[] = {
        {0, help},
        {80, help},
        {46, "  -S, --server HOST  the server, as in a\n                     string\n"
             "                     (so)\n"
             "  x  one two three four\nplain text of many words\n\n      deep and long enough\n"},
        {20, "  -S, --server HOST\n          the\n          server, as\n          in a\n"
             "          string\n          (so)\n"
             "  x  one two three\n     four\n"
             "plain text of many\n  words\n\n"
             "      deep and long\n      enough\n"},
    };
    for (size_t i = 0; i < ES_COUNT_OF(cases); i++) {
        es_buf out = ES_BUF_INIT(1000);
        assert_int_equal(cli_text_add_laid_out(&out, help, sizeof help - 1, cases[i].width),
                         ENTRASQL_OK);
        assert_string_equal(es_buf_cstr(&out), cases[i].result);
        es_buf_done(&out);
    }
}

static void running_text_is_broken_anew(void **state)
{
    (void)state;
    static const char text[] = "one two three four\nfive six seven eight nine\nten\n\n"
                               "  a list\nshort\nlines\n";
    es_buf out = ES_BUF_INIT(1000);
    assert_int_equal(cli_text_add_laid_out(&out, text, sizeof text - 1, 16), ENTRASQL_OK);
    assert_string_equal(es_buf_cstr(&out), "one two three\nfour five six\nseven eight nine\nten\n\n"
                                           "  a list\nshort\nlines\n");
    es_buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(widths),
        cmocka_unit_test(forms_of_text),
        cmocka_unit_test(csv_fields),
        cmocka_unit_test(a_table),
        cmocka_unit_test(csv_text),
        cmocka_unit_test(json_text),
        cmocka_unit_test(json_types_and_names),
        cmocka_unit_test(empty_sets),
        cmocka_unit_test(a_long_table_is_not_held_back),
        cmocka_unit_test(a_table_that_fits),
        cmocka_unit_test(what_does_not_fit_is_vertical),
        cmocka_unit_test(wrapped_text),
        cmocka_unit_test(laid_out_text),
        cmocka_unit_test(running_text_is_broken_anew),
        cmocka_unit_test(a_row_of_another_shape_is_refused),
    };
    return cmocka_run_group_tests_name("result", tests, NULL, NULL);
}
