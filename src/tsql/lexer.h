/* SPDX-License-Identifier: MIT */
/*
 * T-SQL text to tokens, one at a time, without allocation. A token is a piece
 * of the text; tsql_token_decode() gives the value of a quoted one.
 *
 * The lexer borrows the text. Errors are part of the token stream
 * (TSQL_TOKEN_ERROR, again and again), so that reading on is always safe.
 */
#ifndef TSQL_LEXER_H
#define TSQL_LEXER_H

#include "base/error.h"
#include "tsql/ast.h"
#include "tsql/keyword.h"

typedef enum tsql_token_kind {
    TSQL_TOKEN_END,
    TSQL_TOKEN_ERROR,
    TSQL_TOKEN_WORD,     /* identifier or keyword, not quoted; #temp too */
    TSQL_TOKEN_QUOTED,   /* [x] or "x" */
    TSQL_TOKEN_VARIABLE, /* @x */
    TSQL_TOKEN_GLOBAL,   /* @@x */
    TSQL_TOKEN_PSEUDO,   /* $action */
    TSQL_TOKEN_STRING,   /* '..', N'..', and "..." when quoted identifiers are off */
    TSQL_TOKEN_INTEGER,
    TSQL_TOKEN_DECIMAL,
    TSQL_TOKEN_FLOAT,
    TSQL_TOKEN_MONEY,
    TSQL_TOKEN_BINARY, /* 0x... */
    TSQL_TOKEN_LPAREN,
    TSQL_TOKEN_RPAREN,
    TSQL_TOKEN_LBRACE,
    TSQL_TOKEN_RBRACE,
    TSQL_TOKEN_COMMA,
    TSQL_TOKEN_DOT,
    TSQL_TOKEN_SEMICOLON,
    TSQL_TOKEN_COLON,
    TSQL_TOKEN_COLON2, /* :: */
    TSQL_TOKEN_PLUS,
    TSQL_TOKEN_MINUS,
    TSQL_TOKEN_STAR,
    TSQL_TOKEN_SLASH,
    TSQL_TOKEN_PERCENT,
    TSQL_TOKEN_AMP,
    TSQL_TOKEN_PIPE,
    TSQL_TOKEN_CARET,
    TSQL_TOKEN_TILDE,
    TSQL_TOKEN_EQ,
    TSQL_TOKEN_NE, /* <> and != */
    TSQL_TOKEN_LT,
    TSQL_TOKEN_LE, /* <= and !> */
    TSQL_TOKEN_GT,
    TSQL_TOKEN_GE,      /* >= and !< */
    TSQL_TOKEN_PLUS_EQ, /* from here on: compound assignment, in the order of the operators */
    TSQL_TOKEN_MINUS_EQ,
    TSQL_TOKEN_STAR_EQ,
    TSQL_TOKEN_SLASH_EQ,
    TSQL_TOKEN_PERCENT_EQ,
    TSQL_TOKEN_AMP_EQ,
    TSQL_TOKEN_PIPE_EQ,
    TSQL_TOKEN_CARET_EQ
} tsql_token_kind;

typedef struct tsql_token {
    tsql_token_kind kind;
    tsql_keyword keyword; /* reserved words; else TSQL_KW_NONE */
    bool unicode;         /* strings: N'..' */
    tsql_span span;       /* with quotes and prefix */
    /* What lies between the quotes; for others the whole token. Points into the text. */
    const char *text;
    uint32_t length;
    char escape; /* the quote character that is doubled inside; 0: nothing to decode */
} tsql_token;

typedef struct tsql_lexer {
    const char *text;
    size_t length;
    size_t at;
    uint32_t line;
    uint32_t count; /* tokens so far */
    bool quoted_identifier_off;
    bool failed;
    entrasql_error *err; /* where an error is described; may be NULL */
} tsql_lexer;

/* The text must stay; at most TSQL_MAX_TEXT bytes. */
void tsql_lexer_init(tsql_lexer *lx, const char *text, size_t n, bool quoted_identifier_off,
                     entrasql_error *err);
void tsql_lexer_next(tsql_lexer *lx, tsql_token *ret);

/* The value of a quoted token into dst, which has room for token->length bytes; its length. */
size_t tsql_token_decode(const tsql_token *token, char *dst);

/* Fills err with a syntax error: SQL_ERROR, number, severity 15, state 1, line. */
entrasql_status tsql_sql_error(entrasql_error *err, uint32_t number, uint32_t line, const char *fmt,
                               ...) ES_PRINTF(4, 5);

#endif
