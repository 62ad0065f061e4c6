/* SPDX-License-Identifier: MIT */
/* tsql: keywords and tokens. */
#include "base/error.h"
#include "base/mem.h"
#include "tsql/lexer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

typedef struct expected {
    tsql_token_kind kind;
    const char *text; /* decoded */
    uint32_t line;
} expected;

typedef struct row {
    const char *sql;
    bool quoted_identifier_off;
    expected tokens[8];
} row;

static const row rows[] = {
    {"", false, {{TSQL_TOKEN_END, "", 1}}},
    {" \t\r\n ", false, {{TSQL_TOKEN_END, "", 2}}},
    {"select [a]]b] \"c\"\"d\"",
     false,
     {{TSQL_TOKEN_WORD, "select", 1},
      {TSQL_TOKEN_QUOTED, "a]b", 1},
      {TSQL_TOKEN_QUOTED, "c\"d", 1},
      {TSQL_TOKEN_END, "", 1}}},
    {"\"c\"\"d\"", true, {{TSQL_TOKEN_STRING, "c\"d", 1}, {TSQL_TOKEN_END, "", 1}}},
    {"'a''b' N'' n'x'",
     false,
     {{TSQL_TOKEN_STRING, "a'b", 1},
      {TSQL_TOKEN_STRING, "", 1},
      {TSQL_TOKEN_STRING, "x", 1},
      {TSQL_TOKEN_END, "", 1}}},
    {"'a\\\r\nb' x", false, {{TSQL_TOKEN_STRING, "ab", 1}, {TSQL_TOKEN_WORD, "x", 2}}},
    {"'a\\b' 'a\nb'",
     false,
     {{TSQL_TOKEN_STRING, "a\\b", 1}, {TSQL_TOKEN_STRING, "a\nb", 1}, {TSQL_TOKEN_END, "", 2}}},
    {"@x @@y @0 #t ##g a$b",
     false,
     {{TSQL_TOKEN_VARIABLE, "@x", 1},
      {TSQL_TOKEN_GLOBAL, "@@y", 1},
      {TSQL_TOKEN_VARIABLE, "@0", 1},
      {TSQL_TOKEN_WORD, "#t", 1},
      {TSQL_TOKEN_WORD, "##g", 1},
      {TSQL_TOKEN_WORD, "a$b", 1},
      {TSQL_TOKEN_END, "", 1}}},
    {"1 1. .5 1.5 1e 1e5 1.5E-3",
     false,
     {{TSQL_TOKEN_INTEGER, "1", 1},
      {TSQL_TOKEN_DECIMAL, "1.", 1},
      {TSQL_TOKEN_DECIMAL, ".5", 1},
      {TSQL_TOKEN_DECIMAL, "1.5", 1},
      {TSQL_TOKEN_FLOAT, "1e", 1},
      {TSQL_TOKEN_FLOAT, "1e5", 1},
      {TSQL_TOKEN_FLOAT, "1.5E-3", 1},
      {TSQL_TOKEN_END, "", 1}}},
    {"0x 0xAf1 1a $1.5 $ $-2 $action",
     false,
     {{TSQL_TOKEN_BINARY, "", 1},
      {TSQL_TOKEN_BINARY, "Af1", 1},
      {TSQL_TOKEN_INTEGER, "1", 1},
      {TSQL_TOKEN_WORD, "a", 1},
      {TSQL_TOKEN_MONEY, "1.5", 1},
      {TSQL_TOKEN_MONEY, "", 1},
      {TSQL_TOKEN_MONEY, "-2", 1},
      {TSQL_TOKEN_PSEUDO, "$action", 1}}},
    {"\xE2\x82\xAC"
     "5 \xC2\xA3"
     "2",
     false,
     {{TSQL_TOKEN_MONEY, "5", 1}, {TSQL_TOKEN_MONEY, "2", 1}, {TSQL_TOKEN_END, "", 1}}},
    {"+= -= *= /= %= &= |= ^=",
     false,
     {{TSQL_TOKEN_PLUS_EQ, "+=", 1},
      {TSQL_TOKEN_MINUS_EQ, "-=", 1},
      {TSQL_TOKEN_STAR_EQ, "*=", 1},
      {TSQL_TOKEN_SLASH_EQ, "/=", 1},
      {TSQL_TOKEN_PERCENT_EQ, "%=", 1},
      {TSQL_TOKEN_AMP_EQ, "&=", 1},
      {TSQL_TOKEN_PIPE_EQ, "|=", 1},
      {TSQL_TOKEN_CARET_EQ, "^=", 1}}},
    {"<> != <= !> >= !< < >",
     false,
     {{TSQL_TOKEN_NE, "<>", 1},
      {TSQL_TOKEN_NE, "!=", 1},
      {TSQL_TOKEN_LE, "<=", 1},
      {TSQL_TOKEN_LE, "!>", 1},
      {TSQL_TOKEN_GE, ">=", 1},
      {TSQL_TOKEN_GE, "!<", 1},
      {TSQL_TOKEN_LT, "<", 1},
      {TSQL_TOKEN_GT, ">", 1}}},
    {"( ) { } , . ; :",
     false,
     {{TSQL_TOKEN_LPAREN, "(", 1},
      {TSQL_TOKEN_RPAREN, ")", 1},
      {TSQL_TOKEN_LBRACE, "{", 1},
      {TSQL_TOKEN_RBRACE, "}", 1},
      {TSQL_TOKEN_COMMA, ",", 1},
      {TSQL_TOKEN_DOT, ".", 1},
      {TSQL_TOKEN_SEMICOLON, ";", 1},
      {TSQL_TOKEN_COLON, ":", 1}}},
    {"select@@version a@b select@x",
     false,
     {{TSQL_TOKEN_WORD, "select", 1},
      {TSQL_TOKEN_GLOBAL, "@@version", 1},
      {TSQL_TOKEN_WORD, "a@b", 1},
      {TSQL_TOKEN_WORD, "select", 1},
      {TSQL_TOKEN_VARIABLE, "@x", 1}}},
    {"a::b~c",
     false,
     {{TSQL_TOKEN_WORD, "a", 1},
      {TSQL_TOKEN_COLON2, "::", 1},
      {TSQL_TOKEN_WORD, "b", 1},
      {TSQL_TOKEN_TILDE, "~", 1},
      {TSQL_TOKEN_WORD, "c", 1},
      {TSQL_TOKEN_END, "", 1}}},
    {"1 -- x\n/* a /* b\n */ */ 2 -- end",
     false,
     {{TSQL_TOKEN_INTEGER, "1", 1}, {TSQL_TOKEN_INTEGER, "2", 3}, {TSQL_TOKEN_END, "", 3}}},
    {"\xEF\xBB\xBFna\xC3\xAFve\xC2\xA0\xE5\x90\x8D\xE3\x80\x80x",
     false,
     {{TSQL_TOKEN_WORD, "na\xC3\xAFve", 1},
      {TSQL_TOKEN_WORD, "\xE5\x90\x8D", 1},
      {TSQL_TOKEN_WORD, "x", 1},
      {TSQL_TOKEN_END, "", 1}}},
};

static void check_token(const tsql_token *token, const expected *want)
{
    char text[64];
    assert_true(token->length < sizeof text);
    text[tsql_token_decode(token, text)] = '\0';
    assert_int_equal(token->kind, want->kind);
    assert_string_equal(text, want->text);
    assert_int_equal(token->span.line, want->line);
}

static void test_tokens(void **state)
{
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        tsql_lexer lexer;
        tsql_lexer_init(&lexer, rows[i].sql, strlen(rows[i].sql), rows[i].quoted_identifier_off,
                        NULL);
        for (size_t k = 0; k < ES_COUNT_OF(rows[i].tokens) && rows[i].tokens[k].text != NULL; k++) {
            tsql_token token;
            tsql_lexer_next(&lexer, &token);
            check_token(&token, &rows[i].tokens[k]);
            if (token.kind == TSQL_TOKEN_END)
                break;
        }
    }
}

static const struct {
    const char *sql;
    uint32_t number;
    uint32_t line;
} errors[] = {
    {"'abc", 105, 1},     {"\n[abc", 105, 2}, {"\"abc\"\"", 105, 1},
    {"/* /* */", 113, 1}, {"\n\n?", 102, 3},  {"@", 102, 1},
    {"@@ x", 102, 1},     {"`", 102, 1},      {"a ! b", 102, 1},
};

static void test_errors(void **state)
{
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(errors); i++) {
        entrasql_error err = {0};
        tsql_lexer lexer;
        tsql_token token = {0};
        tsql_lexer_init(&lexer, errors[i].sql, strlen(errors[i].sql), false, &err);
        for (size_t k = 0; k < 8 && token.kind != TSQL_TOKEN_ERROR; k++)
            tsql_lexer_next(&lexer, &token);
        assert_int_equal(token.kind, TSQL_TOKEN_ERROR);
        assert_int_equal(err.number, errors[i].number);
        assert_int_equal(err.line, errors[i].line);
        assert_int_equal(err.severity, 15);
        tsql_lexer_next(&lexer, &token); /* it stays an error */
        assert_int_equal(token.kind, TSQL_TOKEN_ERROR);
    }
}

static void test_name_length(void **state)
{
    (void)state;
    char name[300];
    for (size_t i = 0; i < 129; i++)
        memcpy(name + i * 2, "\xC3\xA9", 2);
    tsql_lexer lexer;
    tsql_token token;
    entrasql_error err = {0};
    tsql_lexer_init(&lexer, name, 128 * 2, false, &err);
    tsql_lexer_next(&lexer, &token);
    assert_int_equal(token.kind, TSQL_TOKEN_WORD);
    tsql_lexer_init(&lexer, name, 129 * 2, false, &err);
    tsql_lexer_next(&lexer, &token);
    assert_int_equal(token.kind, TSQL_TOKEN_ERROR);
    assert_int_equal(err.number, 103);
}

static void test_keywords(void **state)
{
    (void)state;
    for (int k = TSQL_KW_NONE + 1; k < TSQL_KW_COUNT; k++) {
        const char *name = tsql_keyword_name((tsql_keyword)k);
        assert_int_equal(tsql_keyword_find(name, strlen(name)), k);
        if (k > 1) /* the order that the binary search needs */
            assert_true(strcmp(tsql_keyword_name((tsql_keyword)(k - 1)), name) < 0);
        assert_int_equal(tsql_keyword_find(name, strlen(name) - 1) == (tsql_keyword)k, 0);
    }
    assert_int_equal(tsql_keyword_find("sElEcT", 6), TSQL_KW_SELECT);
    assert_int_equal(tsql_keyword_find("selects", 7), TSQL_KW_NONE);
    assert_int_equal(tsql_keyword_find("", 0), TSQL_KW_NONE);
    assert_int_equal(tsql_keyword_find("precision", 9), TSQL_KW_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_name_length),
        cmocka_unit_test(test_keywords),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
