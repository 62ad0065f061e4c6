/* SPDX-License-Identifier: MIT */
/* Literals, variables and the signed constants of procedure calls. */
#include "tsql/parser_impl.h"

bool tsql_is_literal(tsql_parser *p)
{
    tsql_token_kind kind = tsql_at(p)->kind;
    return kind == TSQL_TOKEN_STRING || kind == TSQL_TOKEN_INTEGER || kind == TSQL_TOKEN_DECIMAL ||
           kind == TSQL_TOKEN_FLOAT || kind == TSQL_TOKEN_MONEY || kind == TSQL_TOKEN_BINARY ||
           kind == TSQL_TOKEN_VARIABLE || kind == TSQL_TOKEN_GLOBAL || kind == TSQL_TOKEN_PSEUDO ||
           tsql_is_kw(p, TSQL_KW_NULL);
}

static tsql_expr_kind literal_kind(const tsql_token *token)
{
    static const tsql_expr_kind kinds[TSQL_TOKEN_CARET_EQ + 1] = {
        [TSQL_TOKEN_STRING] = TSQL_EXPR_STRING,     [TSQL_TOKEN_INTEGER] = TSQL_EXPR_INTEGER,
        [TSQL_TOKEN_DECIMAL] = TSQL_EXPR_DECIMAL,   [TSQL_TOKEN_FLOAT] = TSQL_EXPR_FLOAT,
        [TSQL_TOKEN_MONEY] = TSQL_EXPR_MONEY,       [TSQL_TOKEN_BINARY] = TSQL_EXPR_BINARY,
        [TSQL_TOKEN_VARIABLE] = TSQL_EXPR_VARIABLE, [TSQL_TOKEN_GLOBAL] = TSQL_EXPR_GLOBAL,
        [TSQL_TOKEN_PSEUDO] = TSQL_EXPR_PSEUDO,     [TSQL_TOKEN_WORD] = TSQL_EXPR_NULL,
    };
    return kinds[token->kind];
}

static uint8_t nibble(char c)
{
    if (c >= '0' && c <= '9')
        return (uint8_t)(c - '0');
    return (uint8_t)((c | 0x20) - 'a' + 10);
}

/* An odd number of digits has a 0 put before it. */
static entrasql_status set_bytes(tsql_parser *p, const tsql_token *token, tsql_expr *expr)
{
    uint32_t n = (token->length + 1) / 2;
    char *bytes = tsql_alloc(p, (size_t)n + 1);
    if (bytes == NULL)
        return es_nomem(p->err);
    uint32_t at = token->length % 2; /* digits consumed into byte (at / 2) */
    for (uint32_t i = 0; i < token->length; i++, at++) {
        unsigned value = (unsigned char)bytes[at / 2];
        bytes[at / 2] = (char)(uint8_t)(value << 4 | nibble(token->text[i]));
    }
    expr->text = bytes;
    expr->length = n;
    return ENTRASQL_OK;
}

entrasql_status tsql_read_literal(tsql_parser *p, tsql_expr **ret)
{
    if (!tsql_is_literal(p))
        return tsql_unexpected(p);
    const tsql_token *token = tsql_at(p);
    tsql_expr *expr = tsql_new_expr(p, literal_kind(token), token->span);
    if (expr == NULL)
        return es_nomem(p->err);
    expr->unicode = token->unicode;
    if (token->kind == TSQL_TOKEN_BINARY) {
        ES_TRY(set_bytes(p, token, expr));
    } else if (expr->kind != TSQL_EXPR_NULL) {
        tsql_name name;
        ES_TRY(tsql_token_text(p, token, &name));
        expr->text = name.text;
        expr->length = name.length;
    }
    if (expr->kind == TSQL_EXPR_PSEUDO) {
        expr->u.column = tsql_alloc(p, sizeof *expr->u.column);
        if (expr->u.column == NULL)
            return es_nomem(p->err);
    }
    tsql_advance(p);
    *ret = expr;
    return ENTRASQL_OK;
}

entrasql_status tsql_read_constant(tsql_parser *p, tsql_expr **ret)
{
    tsql_span span = tsql_span_begin(p);
    tsql_op op = TSQL_OP_NONE;
    if (tsql_accept(p, TSQL_TOKEN_MINUS))
        op = TSQL_OP_MINUS;
    else if (tsql_accept(p, TSQL_TOKEN_PLUS))
        op = TSQL_OP_PLUS;
    tsql_expr *literal = NULL;
    ES_TRY(tsql_read_literal(p, &literal));
    *ret = literal;
    if (op == TSQL_OP_NONE)
        return ENTRASQL_OK;
    tsql_expr *sign = tsql_new_expr(p, TSQL_EXPR_UNARY, tsql_span_end(p, span));
    if (sign == NULL)
        return es_nomem(p->err);
    sign->op = op;
    sign->left = literal;
    *ret = sign;
    return ENTRASQL_OK;
}
