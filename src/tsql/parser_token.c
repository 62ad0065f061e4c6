/* SPDX-License-Identifier: MIT */
/* The parser's token window, its errors and its limits. */
#include "tsql/parser_impl.h"

#include "base/str.h"

#include <string.h>

enum { NEAR_SIZE = 160 };

/* ---- tokens ---- */

const tsql_token *tsql_ahead(tsql_parser *p, size_t n)
{
    while (p->filled <= n) {
        tsql_lexer_next(&p->lexer, &p->ring[(p->first + p->filled) % TSQL_LOOKAHEAD]);
        p->filled++;
    }
    return &p->ring[(p->first + n) % TSQL_LOOKAHEAD];
}

const tsql_token *tsql_at(tsql_parser *p)
{
    return tsql_ahead(p, 0);
}

void tsql_advance(tsql_parser *p)
{
    const tsql_token *token = tsql_at(p);
    if (token->kind == TSQL_TOKEN_END || token->kind == TSQL_TOKEN_ERROR)
        return;
    p->last = *token;
    p->first = (p->first + 1) % TSQL_LOOKAHEAD;
    p->filled--;
}

bool tsql_is(tsql_parser *p, tsql_token_kind kind)
{
    return tsql_at(p)->kind == kind;
}

bool tsql_is_kw(tsql_parser *p, tsql_keyword keyword)
{
    return tsql_at(p)->keyword == keyword;
}

bool tsql_token_is_word(const tsql_token *token, const char *word)
{
    return token->kind == TSQL_TOKEN_WORD && token->length == strlen(word) &&
           es_strncaseeq(token->text, word, token->length);
}

bool tsql_is_word(tsql_parser *p, const char *word)
{
    return tsql_token_is_word(tsql_at(p), word);
}

bool tsql_accept(tsql_parser *p, tsql_token_kind kind)
{
    bool there = tsql_is(p, kind);
    if (there)
        tsql_advance(p);
    return there;
}

bool tsql_accept_kw(tsql_parser *p, tsql_keyword keyword)
{
    bool there = tsql_is_kw(p, keyword);
    if (there)
        tsql_advance(p);
    return there;
}

bool tsql_accept_word(tsql_parser *p, const char *word)
{
    bool there = tsql_is_word(p, word);
    if (there)
        tsql_advance(p);
    return there;
}

entrasql_status tsql_expect(tsql_parser *p, tsql_token_kind kind)
{
    return tsql_accept(p, kind) ? ENTRASQL_OK : tsql_unexpected(p);
}

entrasql_status tsql_expect_kw(tsql_parser *p, tsql_keyword keyword)
{
    return tsql_accept_kw(p, keyword) ? ENTRASQL_OK : tsql_unexpected(p);
}

entrasql_status tsql_expect_word(tsql_parser *p, const char *word)
{
    return tsql_accept_word(p, word) ? ENTRASQL_OK : tsql_unexpected(p);
}

/* ---- errors ---- */

/* The token an error is about; at the end of the text SQL Server names the last one. */
static const tsql_token *culprit(tsql_parser *p)
{
    const tsql_token *token = tsql_at(p);
    return token->kind == TSQL_TOKEN_END ? &p->last : token;
}

void tsql_near(tsql_parser *p, char *dst, size_t size)
{
    const tsql_token *token = culprit(p);
    es_printable(dst, size, token->text, token->length);
}

entrasql_status tsql_unexpected(tsql_parser *p)
{
    const tsql_token *token = culprit(p);
    if (token->kind == TSQL_TOKEN_ERROR)
        return p->err->status;
    char near[NEAR_SIZE];
    tsql_near(p, near, sizeof near);
    bool at_end = tsql_is(p, TSQL_TOKEN_END);
    if (token->keyword == TSQL_KW_WITH && !at_end)
        return tsql_sql_error(
            p->err, 319, token->span.line,
            "Incorrect syntax near the keyword 'with'. If this statement is a common table "
            "expression, an xmlnamespaces clause or a change tracking context clause, the "
            "previous statement must be terminated with a semicolon.");
    if (token->keyword != TSQL_KW_NONE && !at_end)
        return tsql_sql_error(p->err, 156, token->span.line,
                              "Incorrect syntax near the keyword '%s'.", near);
    uint32_t line = token->span.line != 0 ? token->span.line : 1;
    return tsql_sql_error(p->err, 102, line, "Incorrect syntax near '%s'.", near);
}

entrasql_status tsql_unsupported_statement(tsql_parser *p, const char *what)
{
    return tsql_sql_error(p->err, 40510, culprit(p)->span.line,
                          "Statement '%s' is not supported in this version of SQL Server.", what);
}

entrasql_status tsql_unsupported_part(tsql_parser *p, const char *what)
{
    return tsql_sql_error(p->err, 40514, culprit(p)->span.line,
                          "'%s' is not supported in this version of SQL Server.", what);
}

static entrasql_status too_deep(tsql_parser *p)
{
    return tsql_sql_error(p->err, 191, culprit(p)->span.line,
                          "Some part of your SQL statement is nested too deeply. Rewrite the query "
                          "or break it up into smaller queries.");
}

entrasql_status tsql_enter(tsql_parser *p)
{
    if (p->depth >= TSQL_MAX_DEPTH)
        return too_deep(p);
    p->depth++;
    return ENTRASQL_OK;
}

void tsql_leave(tsql_parser *p)
{
    p->depth--;
}

unsigned tsql_chain_begin(tsql_parser *p)
{
    unsigned siblings = p->height;
    p->height = 0;
    return siblings;
}

entrasql_status tsql_chain_operator(tsql_parser *p)
{
    if (p->height >= TSQL_MAX_CHAIN)
        return too_deep(p);
    p->height++;
    return ENTRASQL_OK;
}

void tsql_chain_end(tsql_parser *p, unsigned begun)
{
    if (begun > p->height)
        p->height = begun;
}

/* ---- memory and spans ---- */

void *tsql_alloc(tsql_parser *p, size_t size)
{
    return tsql_arena_alloc(&p->batch->arena, size);
}

void *tsql_room(tsql_parser *p, void *items, size_t count, size_t size)
{
    return tsql_arena_room(&p->batch->arena, items, count, size);
}

tsql_span tsql_span_begin(tsql_parser *p)
{
    return tsql_at(p)->span;
}

tsql_span tsql_span_end(tsql_parser *p, tsql_span from)
{
    if (p->last.span.end > from.start)
        from.end = p->last.span.end;
    return from;
}

entrasql_status tsql_push_expr(tsql_parser *p, tsql_exprs *list, tsql_expr *expr)
{
    tsql_expr **items = tsql_room(p, list->items, list->count, sizeof *items);
    if (items == NULL)
        return es_nomem(p->err);
    items[list->count++] = expr;
    list->items = items;
    return ENTRASQL_OK;
}

entrasql_status tsql_push_name(tsql_parser *p, tsql_names *list, tsql_name name)
{
    tsql_name *items = tsql_room(p, list->items, list->count, sizeof *items);
    if (items == NULL)
        return es_nomem(p->err);
    items[list->count++] = name;
    list->items = items;
    return ENTRASQL_OK;
}

entrasql_status tsql_push_object(tsql_parser *p, tsql_objects *list, tsql_object object)
{
    tsql_object *items = tsql_room(p, list->items, list->count, sizeof *items);
    if (items == NULL)
        return es_nomem(p->err);
    items[list->count++] = object;
    list->items = items;
    return ENTRASQL_OK;
}

entrasql_status tsql_push_stmt(tsql_parser *p, tsql_stmts *list, tsql_stmt *stmt)
{
    tsql_stmt **items = tsql_room(p, list->items, list->count, sizeof *items);
    if (items == NULL)
        return es_nomem(p->err);
    items[list->count++] = stmt;
    list->items = items;
    return ENTRASQL_OK;
}
