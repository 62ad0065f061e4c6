/* SPDX-License-Identifier: MIT */
/* The lexer: blanks and comments away, then one token by its first character. */
#include "tsql/lexer.h"

#include "base/str.h"
#include "tsql/parser.h"

#include <string.h>

enum { NAME_CHARACTERS_MAX = 128, NEAR_SIZE = 160 };

void tsql_lexer_init(tsql_lexer *lx, const char *text, size_t n, bool quoted_identifier_off,
                     entrasql_error *err)
{
    *lx = (tsql_lexer){.text = text,
                       .length = n,
                       .line = 1,
                       .quoted_identifier_off = quoted_identifier_off,
                       .err = err};
}

entrasql_status tsql_sql_error(entrasql_error *err, uint32_t number, uint32_t line, const char *fmt,
                               ...)
{
    va_list ap;
    va_start(ap, fmt);
    entrasql_status status = es_failv(err, ENTRASQL_SQL_ERROR, fmt, ap);
    va_end(ap);
    if (err != NULL) {
        err->number = number;
        err->severity = 15;
        err->state = 1;
        err->line = line;
    }
    return status;
}

static unsigned char byte_at(const tsql_lexer *lx, size_t ahead)
{
    return ahead < lx->length - lx->at ? (unsigned char)lx->text[lx->at + ahead] : 0;
}

static bool is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(unsigned char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Bytes of a UTF-8 sequence that starts with c; the text is only skipped over, not checked. */
static size_t sequence_length(unsigned char c)
{
    if (c < 0xC0)
        return 1;
    if (c < 0xE0)
        return 2;
    return c < 0xF0 ? 3 : 4;
}

/* Unicode blanks: NBSP, U+2000-200B, U+3000, the byte order mark. 0: none here. */
static size_t wide_blank(const tsql_lexer *lx)
{
    unsigned char a = byte_at(lx, 0);
    unsigned char b = byte_at(lx, 1);
    unsigned char c = byte_at(lx, 2);
    if (a == 0xC2 && b == 0xA0)
        return 2;
    if (a == 0xE2 && b == 0x80 && c >= 0x80 && c <= 0x8B)
        return 3;
    if (a == 0xE3 && b == 0x80 && c == 0x80)
        return 3;
    if (a == 0xEF && b == 0xBB && c == 0xBF)
        return 3;
    return 0;
}

/* Currency signs that may stand before a number, besides '$': cent, pound, currency, yen, euro. */
static size_t currency_sign(const tsql_lexer *lx)
{
    unsigned char a = byte_at(lx, 0);
    unsigned char b = byte_at(lx, 1);
    if (a == '$')
        return 1;
    if (a == 0xC2 && b >= 0xA2 && b <= 0xA5)
        return 2;
    if (a == 0xE2 && b == 0x82 && byte_at(lx, 2) == 0xAC)
        return 3;
    return 0;
}

static bool is_name_start(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '#' || c >= 0x80;
}

static bool is_name_part(unsigned char c)
{
    return is_name_start(c) || is_digit(c) || c == '@' || c == '$';
}

static void step(tsql_lexer *lx)
{
    if (lx->text[lx->at] == '\n')
        lx->line++;
    lx->at++;
}

static void fail(tsql_lexer *lx, tsql_token *ret)
{
    lx->failed = true;
    ret->kind = TSQL_TOKEN_ERROR;
}

/* Block comments nest. False: the end mark is missing. */
static bool skip_block_comment(tsql_lexer *lx)
{
    size_t depth = 0;
    do {
        if (byte_at(lx, 0) == '/' && byte_at(lx, 1) == '*') {
            depth++;
            lx->at += 2;
        } else if (byte_at(lx, 0) == '*' && byte_at(lx, 1) == '/') {
            depth--;
            lx->at += 2;
        } else if (lx->at < lx->length) {
            step(lx);
        } else {
            return false;
        }
    } while (depth != 0);
    return true;
}

static bool skip_blanks(tsql_lexer *lx)
{
    while (lx->at < lx->length) {
        unsigned char c = byte_at(lx, 0);
        size_t wide = c >= 0x80 ? wide_blank(lx) : 0;
        if (es_is_space((char)c)) {
            step(lx);
        } else if (wide != 0) {
            lx->at += wide;
        } else if (c == '-' && byte_at(lx, 1) == '-') {
            while (lx->at < lx->length && lx->text[lx->at] != '\n')
                lx->at++;
        } else if (c == '/' && byte_at(lx, 1) == '*') {
            if (!skip_block_comment(lx))
                return false;
        } else {
            break;
        }
    }
    return true;
}

/* Closes the token at the current place; its text is everything from `from`. */
static void finish(tsql_lexer *lx, tsql_token *ret, tsql_token_kind kind, size_t from)
{
    ret->kind = kind;
    ret->span.end = (uint32_t)lx->at;
    ret->text = lx->text + from;
    ret->length = (uint32_t)(lx->at - from);
}

/* The client's text for a message, with its line breaks and tabs. */
static void quote_text(char *dst, size_t size, const char *src, size_t n)
{
    while (n != 0 && size > 1) {
        size_t plain = 0;
        while (plain < n && src[plain] != '\n' && src[plain] != '\r' && src[plain] != '\t')
            plain++;
        es_printable(dst, size, src, plain);
        size_t used = strlen(dst);
        dst += used;
        size -= used;
        if (plain == n || size < 2)
            break;
        *dst++ = src[plain];
        size--;
        src += plain + 1;
        n -= plain + 1;
    }
    *dst = '\0';
}

/* From the opening quote to the closing one; a doubled closing quote is one character. */
static void quoted(tsql_lexer *lx, tsql_token *ret, tsql_token_kind kind, char close)
{
    lx->at++;
    size_t from = lx->at;
    for (;;) {
        if (lx->at >= lx->length) {
            char near[NEAR_SIZE];
            quote_text(near, sizeof near, lx->text + from, lx->length - from);
            (void)tsql_sql_error(lx->err, 105, ret->span.line,
                                 "Unclosed quotation mark after the character string '%s'.", near);
            fail(lx, ret);
            return;
        }
        if (lx->text[lx->at] != close) {
            if (lx->text[lx->at] == '\\' && kind == TSQL_TOKEN_STRING)
                ret->escape = close; /* perhaps a broken line */
            step(lx);
            continue;
        }
        if (byte_at(lx, 1) != (unsigned char)close)
            break;
        ret->escape = close;
        lx->at += 2;
    }
    size_t end = lx->at;
    lx->at++;
    finish(lx, ret, kind, from);
    ret->length = (uint32_t)(end - from);
}

/* 128 characters; temporary tables have less, which is the engine's to say. */
static bool check_name_length(tsql_lexer *lx, tsql_token *ret)
{
    size_t characters = 0;
    for (uint32_t i = 0; i < ret->length; i++)
        characters += ((unsigned char)ret->text[i] & 0xC0) != 0x80;
    if (characters <= NAME_CHARACTERS_MAX)
        return true;
    char near[NEAR_SIZE];
    es_printable(near, sizeof near, ret->text, ret->length);
    (void)tsql_sql_error(lx->err, 103, ret->span.line,
                         "The identifier that starts with '%s' is too long. Maximum length is 128.",
                         near);
    fail(lx, ret);
    return false;
}

static void name_characters(tsql_lexer *lx)
{
    while (is_name_part(byte_at(lx, 0)) && wide_blank(lx) == 0) {
        size_t n = sequence_length(byte_at(lx, 0));
        lx->at += n < lx->length - lx->at ? n : lx->length - lx->at;
    }
}

/* "SELECT@@VERSION" is two tokens although names may hold '@': a keyword ends before it. */
static void split_keyword(tsql_lexer *lx, size_t from)
{
    const char *at = memchr(lx->text + from, '@', lx->at - from);
    size_t n = at != NULL ? (size_t)(at - lx->text) - from : 0;
    if (n != 0 && tsql_keyword_find(lx->text + from, n) != TSQL_KW_NONE)
        lx->at = from + n;
}

static void word(tsql_lexer *lx, tsql_token *ret)
{
    size_t from = lx->at;
    name_characters(lx);
    split_keyword(lx, from);
    finish(lx, ret, TSQL_TOKEN_WORD, from);
    ret->keyword = tsql_keyword_find(ret->text, ret->length);
    (void)check_name_length(lx, ret);
}

static void variable(tsql_lexer *lx, tsql_token *ret)
{
    size_t from = lx->at;
    bool global = byte_at(lx, 1) == '@';
    lx->at += global ? 2 : 1;
    name_characters(lx);
    finish(lx, ret, global ? TSQL_TOKEN_GLOBAL : TSQL_TOKEN_VARIABLE, from);
    if (ret->length == (global ? 2u : 1u)) {
        (void)tsql_sql_error(lx->err, 102, ret->span.line, "Incorrect syntax near '@'.");
        fail(lx, ret);
        return;
    }
    (void)check_name_length(lx, ret);
}

static void digits(tsql_lexer *lx)
{
    while (is_digit(byte_at(lx, 0)))
        lx->at++;
}

/* "$1", "$1.25", "$1,000.00"? No: a comma ends it, as lists need it. "$" alone is 0. */
static void money(tsql_lexer *lx, tsql_token *ret)
{
    lx->at += currency_sign(lx);
    if (is_name_start(byte_at(lx, 0)) && lx->text[lx->at - 1] == '$') {
        size_t from = lx->at - 1;
        name_characters(lx);
        finish(lx, ret, TSQL_TOKEN_PSEUDO, from);
        return;
    }
    size_t from = lx->at;
    if (byte_at(lx, 0) == '-' && (is_digit(byte_at(lx, 1)) || byte_at(lx, 1) == '.'))
        lx->at++;
    digits(lx);
    if (byte_at(lx, 0) == '.') {
        lx->at++;
        digits(lx);
    }
    finish(lx, ret, TSQL_TOKEN_MONEY, from);
}

static void number(tsql_lexer *lx, tsql_token *ret)
{
    size_t from = lx->at;
    if (byte_at(lx, 0) == '0' && (byte_at(lx, 1) == 'x' || byte_at(lx, 1) == 'X')) {
        lx->at += 2;
        from = lx->at;
        while (is_hex(byte_at(lx, 0)))
            lx->at++;
        finish(lx, ret, TSQL_TOKEN_BINARY, from);
        return;
    }
    tsql_token_kind kind = TSQL_TOKEN_INTEGER;
    digits(lx);
    if (byte_at(lx, 0) == '.') {
        kind = TSQL_TOKEN_DECIMAL;
        lx->at++;
        digits(lx);
    }
    if (byte_at(lx, 0) == 'e' || byte_at(lx, 0) == 'E') {
        kind = TSQL_TOKEN_FLOAT;
        lx->at++;
        if ((byte_at(lx, 0) == '+' || byte_at(lx, 0) == '-') && is_digit(byte_at(lx, 1)))
            lx->at++;
        digits(lx);
    }
    finish(lx, ret, kind, from);
}

static tsql_token_kind single(unsigned char c)
{
    switch (c) {
    case '(':
        return TSQL_TOKEN_LPAREN;
    case ')':
        return TSQL_TOKEN_RPAREN;
    case '{':
        return TSQL_TOKEN_LBRACE;
    case '}':
        return TSQL_TOKEN_RBRACE;
    case ',':
        return TSQL_TOKEN_COMMA;
    case '.':
        return TSQL_TOKEN_DOT;
    case ';':
        return TSQL_TOKEN_SEMICOLON;
    case ':':
        return TSQL_TOKEN_COLON;
    case '+':
        return TSQL_TOKEN_PLUS;
    case '-':
        return TSQL_TOKEN_MINUS;
    case '*':
        return TSQL_TOKEN_STAR;
    case '/':
        return TSQL_TOKEN_SLASH;
    case '%':
        return TSQL_TOKEN_PERCENT;
    case '&':
        return TSQL_TOKEN_AMP;
    case '|':
        return TSQL_TOKEN_PIPE;
    case '^':
        return TSQL_TOKEN_CARET;
    case '~':
        return TSQL_TOKEN_TILDE;
    case '=':
        return TSQL_TOKEN_EQ;
    case '<':
        return TSQL_TOKEN_LT;
    case '>':
        return TSQL_TOKEN_GT;
    default:
        return TSQL_TOKEN_ERROR;
    }
}

/* Two characters that are one token; ERROR: they are not. */
static tsql_token_kind pair(unsigned char a, unsigned char b)
{
    static const struct {
        char text[3];
        tsql_token_kind kind;
    } pairs[] = {
        {"<>", TSQL_TOKEN_NE},         {"!=", TSQL_TOKEN_NE},       {"<=", TSQL_TOKEN_LE},
        {"!>", TSQL_TOKEN_LE},         {">=", TSQL_TOKEN_GE},       {"!<", TSQL_TOKEN_GE},
        {"+=", TSQL_TOKEN_PLUS_EQ},    {"-=", TSQL_TOKEN_MINUS_EQ}, {"*=", TSQL_TOKEN_STAR_EQ},
        {"/=", TSQL_TOKEN_SLASH_EQ},   {"&=", TSQL_TOKEN_AMP_EQ},   {"|=", TSQL_TOKEN_PIPE_EQ},
        {"%=", TSQL_TOKEN_PERCENT_EQ}, {"^=", TSQL_TOKEN_CARET_EQ}, {"::", TSQL_TOKEN_COLON2},
    };
    for (size_t i = 0; i < ES_COUNT_OF(pairs); i++) {
        if (a == (unsigned char)pairs[i].text[0] && b == (unsigned char)pairs[i].text[1])
            return pairs[i].kind;
    }
    return TSQL_TOKEN_ERROR;
}

static void operator_token(tsql_lexer *lx, tsql_token *ret)
{
    size_t from = lx->at;
    unsigned char c = byte_at(lx, 0);
    tsql_token_kind kind = pair(c, byte_at(lx, 1));
    if (kind != TSQL_TOKEN_ERROR) {
        lx->at += 2;
        finish(lx, ret, kind, from);
        return;
    }
    kind = single(c);
    if (kind == TSQL_TOKEN_ERROR) {
        char near[8];
        es_printable(near, sizeof near, lx->text + lx->at, 1);
        (void)tsql_sql_error(lx->err, 102, lx->line, "Incorrect syntax near '%s'.", near);
        fail(lx, ret);
        return;
    }
    lx->at++;
    finish(lx, ret, kind, from);
}

static void scan(tsql_lexer *lx, tsql_token *ret)
{
    unsigned char c = byte_at(lx, 0);
    unsigned char next = byte_at(lx, 1);
    if (c == '\'') {
        quoted(lx, ret, TSQL_TOKEN_STRING, '\'');
    } else if ((c == 'N' || c == 'n') && next == '\'') {
        ret->unicode = true;
        lx->at++;
        quoted(lx, ret, TSQL_TOKEN_STRING, '\'');
    } else if (c == '[') {
        quoted(lx, ret, TSQL_TOKEN_QUOTED, ']');
    } else if (c == '"') {
        quoted(lx, ret, lx->quoted_identifier_off ? TSQL_TOKEN_STRING : TSQL_TOKEN_QUOTED, '"');
    } else if (c == '@') {
        variable(lx, ret);
    } else if (is_digit(c) || (c == '.' && is_digit(next))) {
        number(lx, ret);
    } else if (currency_sign(lx) != 0) {
        money(lx, ret);
    } else if (is_name_start(c)) {
        word(lx, ret);
    } else {
        operator_token(lx, ret);
    }
    if (ret->kind == TSQL_TOKEN_QUOTED)
        (void)check_name_length(lx, ret);
}

void tsql_lexer_next(tsql_lexer *lx, tsql_token *ret)
{
    *ret = (tsql_token){.kind = TSQL_TOKEN_ERROR, .text = ""};
    bool blanks_ok = lx->failed || skip_blanks(lx);
    ret->span = (tsql_span){lx->line, (uint32_t)lx->at, (uint32_t)lx->at};
    if (lx->failed)
        return;
    if (!blanks_ok) {
        (void)tsql_sql_error(lx->err, 113, lx->line, "Missing end comment mark '*/'.");
        fail(lx, ret);
        return;
    }
    if (lx->at >= lx->length) {
        ret->kind = TSQL_TOKEN_END;
        return;
    }
    if (lx->count++ >= TSQL_MAX_TOKENS) {
        (void)es_fail(lx->err, ENTRASQL_LIMIT, "The batch has more than %u words.",
                      (unsigned)TSQL_MAX_TOKENS);
        fail(lx, ret);
        return;
    }
    scan(lx, ret);
}

/* A backslash at the end of a line joins the lines of a string; its size, 0: it is none. */
static size_t line_join(const char *s, size_t left)
{
    if (left >= 2 && s[0] == '\\' && s[1] == '\n')
        return 2;
    if (left >= 3 && s[0] == '\\' && s[1] == '\r' && s[2] == '\n')
        return 3;
    return 0;
}

size_t tsql_token_decode(const tsql_token *token, char *dst)
{
    if (token->escape == 0) {
        if (token->length != 0)
            memcpy(dst, token->text, token->length);
        return token->length;
    }
    size_t n = 0;
    size_t i = 0;
    while (i < token->length) {
        size_t join =
            token->kind == TSQL_TOKEN_STRING ? line_join(token->text + i, token->length - i) : 0;
        if (join != 0) {
            i += join;
            continue;
        }
        dst[n++] = token->text[i];
        i += token->text[i] == token->escape ? 2 : 1;
    }
    return n;
}
