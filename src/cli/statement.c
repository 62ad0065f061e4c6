/* SPDX-License-Identifier: MIT */
/* Whether a statement is complete, from its tokens. */
#include "cli/statement.h"

#include "tsql/lexer.h"

/* What the tokens say, from the first to the last. */
typedef struct look {
    unsigned parens;
    unsigned blocks;
    bool ends_with_semicolon;
    bool needs_go;
    bool after_begin;   /* the token before was BEGIN */
    unsigned words;     /* seen before anything else: CREATE OR ALTER PROCEDURE */
    bool is_definition; /* the first of them is CREATE or ALTER */
} look;

/* BEGIN TRANSACTION opens no block; DIALOG and CONVERSATION are no reserved words. */
static bool is_of_begin(const tsql_token *t)
{
    return t->kind == TSQL_TOKEN_WORD &&
           (t->keyword == TSQL_KW_TRAN || t->keyword == TSQL_KW_TRANSACTION ||
            t->keyword == TSQL_KW_DISTRIBUTED);
}

static void see_first_words(look *l, const tsql_token *t)
{
    bool is_word = t->kind == TSQL_TOKEN_WORD;
    if (l->words == 0) {
        l->needs_go = is_word && t->keyword == TSQL_KW_DECLARE;
        l->is_definition = is_word && (t->keyword == TSQL_KW_CREATE || t->keyword == TSQL_KW_ALTER);
    } else if (l->is_definition && is_word) {
        if (t->keyword == TSQL_KW_PROC || t->keyword == TSQL_KW_PROCEDURE ||
            t->keyword == TSQL_KW_FUNCTION || t->keyword == TSQL_KW_TRIGGER)
            l->needs_go = true;
        l->is_definition = t->keyword == TSQL_KW_OR || t->keyword == TSQL_KW_ALTER;
    }
    l->words++;
}

static void see_word(look *l, const tsql_token *t)
{
    if (l->after_begin && is_of_begin(t) && l->blocks != 0)
        l->blocks--;
    l->after_begin = t->kind == TSQL_TOKEN_WORD && t->keyword == TSQL_KW_BEGIN;
    if (t->kind != TSQL_TOKEN_WORD)
        return;
    if (t->keyword == TSQL_KW_BEGIN || t->keyword == TSQL_KW_CASE)
        l->blocks++;
    else if (t->keyword == TSQL_KW_END && l->blocks != 0)
        l->blocks--;
}

static void see(look *l, const tsql_token *t)
{
    see_first_words(l, t);
    see_word(l, t);
    l->ends_with_semicolon = t->kind == TSQL_TOKEN_SEMICOLON;
    if (t->kind == TSQL_TOKEN_LPAREN)
        l->parens++;
    else if (t->kind == TSQL_TOKEN_RPAREN && l->parens != 0)
        l->parens--;
}

static cli_statement_state look_at_tokens(const cli_batch *b)
{
    tsql_lexer lexer;
    tsql_token token;
    look l = {0};

    tsql_lexer_init(&lexer, (const char *)b->text.data, b->text.len, false, NULL);
    for (;;) {
        tsql_lexer_next(&lexer, &token);
        if (token.kind == TSQL_TOKEN_END || token.kind == TSQL_TOKEN_ERROR)
            break;
        see(&l, &token);
    }
    if (token.kind == TSQL_TOKEN_ERROR) {
        /* The server says what is wrong with it; a semicolon at its end sends it there. */
        size_t n = b->text.len;
        while (n != 0 && (b->text.data[n - 1] == '\n' || b->text.data[n - 1] == ' '))
            n--;
        return n != 0 && b->text.data[n - 1] == ';' ? CLI_STATEMENT_READY : CLI_STATEMENT_OPEN;
    }
    if (l.needs_go)
        return CLI_STATEMENT_GO;
    if (l.parens != 0)
        return CLI_STATEMENT_PAREN;
    if (l.blocks != 0)
        return CLI_STATEMENT_BLOCK;
    return l.ends_with_semicolon ? CLI_STATEMENT_READY : CLI_STATEMENT_OPEN;
}

cli_statement_state cli_statement_look(const cli_batch *b)
{
    switch (b->mode) {
    case CLI_BATCH_STRING:
        return CLI_STATEMENT_STRING;
    case CLI_BATCH_QUOTED:
        return CLI_STATEMENT_QUOTED;
    case CLI_BATCH_BRACKET:
        return CLI_STATEMENT_BRACKET;
    case CLI_BATCH_COMMENT:
        return CLI_STATEMENT_COMMENT;
    case CLI_BATCH_PLAIN:
        break;
    }
    return look_at_tokens(b);
}

const char *cli_statement_prompt(cli_statement_state state)
{
    switch (state) {
    case CLI_STATEMENT_READY:
        return "> ";
    case CLI_STATEMENT_OPEN:
        return "-> ";
    case CLI_STATEMENT_STRING:
        return "'> ";
    case CLI_STATEMENT_QUOTED:
        return "\"> ";
    case CLI_STATEMENT_BRACKET:
        return "[> ";
    case CLI_STATEMENT_COMMENT:
        return "/*> "; /* a * alone is an open transaction's */
    case CLI_STATEMENT_PAREN:
        return "(> ";
    case CLI_STATEMENT_BLOCK:
        return " begin> ";
    case CLI_STATEMENT_GO:
        return " go> ";
    }
    return "> ";
}

const char *cli_statement_words(cli_statement_state state)
{
    switch (state) {
    case CLI_STATEMENT_READY:
        return "can run";
    case CLI_STATEMENT_OPEN:
        return "waits for a semicolon or GO";
    case CLI_STATEMENT_STRING:
        return "is inside of a text that waits for its second '";
    case CLI_STATEMENT_QUOTED:
        return "is inside of a name that waits for its second \"";
    case CLI_STATEMENT_BRACKET:
        return "is inside of a name that waits for its ]";
    case CLI_STATEMENT_COMMENT:
        return "is inside of a comment that waits for its */";
    case CLI_STATEMENT_PAREN:
        return "waits for a )";
    case CLI_STATEMENT_BLOCK:
        return "waits for an END, or GO";
    case CLI_STATEMENT_GO:
        return "waits for GO";
    }
    return "can run";
}
