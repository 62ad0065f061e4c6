/* SPDX-License-Identifier: MIT */
/*
 * Scalar expressions by precedence. From tight to loose: COLLATE and AT TIME
 * ZONE; ~; * / %; then + - & ^ | and, as T-SQL has it, the signs: -a / -b * c
 * is -(a / -(b * c)).
 */
#include "tsql/parser_impl.h"

#include "base/str.h"

tsql_expr *tsql_new_expr(tsql_parser *p, tsql_expr_kind kind, tsql_span span)
{
    tsql_expr *expr = tsql_alloc(p, sizeof *expr);
    if (expr != NULL) {
        expr->kind = kind;
        expr->span = span;
    }
    return expr;
}

static tsql_op additive_op(tsql_token_kind kind)
{
    static const tsql_op ops[TSQL_TOKEN_CARET_EQ + 1] = {
        [TSQL_TOKEN_PLUS] = TSQL_OP_PLUS,    [TSQL_TOKEN_MINUS] = TSQL_OP_MINUS,
        [TSQL_TOKEN_AMP] = TSQL_OP_BITAND,   [TSQL_TOKEN_PIPE] = TSQL_OP_BITOR,
        [TSQL_TOKEN_CARET] = TSQL_OP_BITXOR,
    };
    return ops[kind];
}

static tsql_op multiplicative_op(tsql_token_kind kind)
{
    static const tsql_op ops[TSQL_TOKEN_CARET_EQ + 1] = {
        [TSQL_TOKEN_STAR] = TSQL_OP_MUL,
        [TSQL_TOKEN_SLASH] = TSQL_OP_DIV,
        [TSQL_TOKEN_PERCENT] = TSQL_OP_MOD,
    };
    return ops[kind];
}

tsql_op tsql_assign_op(tsql_token_kind kind)
{
    static const tsql_op ops[TSQL_TOKEN_CARET_EQ + 1] = {
        [TSQL_TOKEN_PLUS_EQ] = TSQL_OP_PLUS,   [TSQL_TOKEN_MINUS_EQ] = TSQL_OP_MINUS,
        [TSQL_TOKEN_STAR_EQ] = TSQL_OP_MUL,    [TSQL_TOKEN_SLASH_EQ] = TSQL_OP_DIV,
        [TSQL_TOKEN_PERCENT_EQ] = TSQL_OP_MOD, [TSQL_TOKEN_AMP_EQ] = TSQL_OP_BITAND,
        [TSQL_TOKEN_PIPE_EQ] = TSQL_OP_BITOR,  [TSQL_TOKEN_CARET_EQ] = TSQL_OP_BITXOR,
    };
    return ops[kind];
}

bool tsql_is_assign(tsql_parser *p)
{
    return tsql_is(p, TSQL_TOKEN_EQ) || tsql_assign_op(tsql_at(p)->kind) != TSQL_OP_NONE;
}

entrasql_status tsql_read_assign_op(tsql_parser *p, tsql_op *ret)
{
    if (!tsql_is_assign(p))
        return tsql_unexpected(p);
    *ret = tsql_assign_op(tsql_at(p)->kind);
    tsql_advance(p);
    return ENTRASQL_OK;
}

/* ---- behind a primary ---- */

static entrasql_status read_collate(tsql_parser *p, tsql_expr **expr)
{
    tsql_advance(p);
    tsql_name name;
    ES_TRY(tsql_read_name(p, &name));
    tsql_expr *outer = tsql_new_expr(p, TSQL_EXPR_COLLATE, tsql_span_end(p, (*expr)->span));
    if (outer == NULL)
        return es_nomem(p->err);
    outer->left = *expr;
    outer->u.name = name;
    *expr = outer;
    return ENTRASQL_OK;
}

static bool is_at_time_zone(tsql_parser *p)
{
    return tsql_is_word(p, "AT") && tsql_token_is_word(tsql_ahead(p, 1), "TIME") &&
           tsql_token_is_word(tsql_ahead(p, 2), "ZONE");
}

static entrasql_status read_at_time_zone(tsql_parser *p, tsql_expr **expr)
{
    tsql_advance(p);
    tsql_advance(p);
    tsql_advance(p);
    tsql_operand zone;
    ES_TRY(tsql_read_primary(p, false, &zone));
    tsql_expr *outer = tsql_new_expr(p, TSQL_EXPR_AT_TIME_ZONE, tsql_span_end(p, (*expr)->span));
    if (outer == NULL)
        return es_nomem(p->err);
    outer->left = *expr;
    outer->right = zone.expr;
    *expr = outer;
    return ENTRASQL_OK;
}

static entrasql_status read_postfix(tsql_parser *p, bool cond_allowed, tsql_operand *ret)
{
    unsigned begun = tsql_chain_begin(p);
    ES_TRY(tsql_read_primary(p, cond_allowed, ret));
    while (ret->expr != NULL) {
        if (tsql_is_kw(p, TSQL_KW_COLLATE))
            ES_TRY(read_collate(p, &ret->expr));
        else if (is_at_time_zone(p))
            ES_TRY(read_at_time_zone(p, &ret->expr));
        else
            break;
        ES_TRY(tsql_chain_operator(p));
    }
    tsql_chain_end(p, begun);
    return ENTRASQL_OK;
}

/* ---- operators ---- */

static entrasql_status read_term(tsql_parser *p, bool cond_allowed, tsql_operand *ret);

static entrasql_status read_sign(tsql_parser *p, tsql_op op, tsql_operand *ret)
{
    tsql_span span = tsql_span_begin(p);
    tsql_advance(p);
    tsql_operand inner;
    ES_TRY(tsql_enter(p));
    if (op == TSQL_OP_BITNOT && !tsql_is(p, TSQL_TOKEN_MINUS) && !tsql_is(p, TSQL_TOKEN_PLUS) &&
        !tsql_is(p, TSQL_TOKEN_TILDE))
        ES_TRY(read_postfix(p, false, &inner));
    else
        ES_TRY(read_term(p, false, &inner));
    tsql_leave(p);
    tsql_expr *expr = tsql_new_expr(p, TSQL_EXPR_UNARY, tsql_span_end(p, span));
    if (expr == NULL)
        return es_nomem(p->err);
    expr->op = op;
    expr->left = inner.expr;
    *ret = (tsql_operand){.expr = expr};
    return ENTRASQL_OK;
}

static entrasql_status read_unary(tsql_parser *p, bool cond_allowed, tsql_operand *ret)
{
    if (tsql_is(p, TSQL_TOKEN_TILDE))
        return read_sign(p, TSQL_OP_BITNOT, ret);
    if (tsql_is(p, TSQL_TOKEN_MINUS))
        return read_sign(p, TSQL_OP_MINUS, ret);
    if (tsql_is(p, TSQL_TOKEN_PLUS))
        return read_sign(p, TSQL_OP_PLUS, ret);
    return read_postfix(p, cond_allowed, ret);
}

static entrasql_status join_operands(tsql_parser *p, tsql_op op, tsql_expr *right,
                                     tsql_operand *left)
{
    tsql_expr *expr = tsql_new_expr(p, TSQL_EXPR_ARITH, tsql_span_end(p, left->expr->span));
    if (expr == NULL)
        return es_nomem(p->err);
    expr->op = op;
    expr->left = left->expr;
    expr->right = right;
    left->expr = expr;
    return ENTRASQL_OK;
}

static entrasql_status read_term(tsql_parser *p, bool cond_allowed, tsql_operand *ret)
{
    unsigned begun = tsql_chain_begin(p);
    ES_TRY(read_unary(p, cond_allowed, ret));
    while (ret->expr != NULL) {
        tsql_op op = multiplicative_op(tsql_at(p)->kind);
        if (op == TSQL_OP_NONE)
            break;
        tsql_advance(p);
        tsql_operand right;
        ES_TRY(read_unary(p, false, &right));
        ES_TRY(join_operands(p, op, right.expr, ret));
        ES_TRY(tsql_chain_operator(p));
    }
    tsql_chain_end(p, begun);
    return ENTRASQL_OK;
}

entrasql_status tsql_read_arith(tsql_parser *p, bool cond_allowed, tsql_operand *ret)
{
    *ret = (tsql_operand){0};
    unsigned begun = tsql_chain_begin(p);
    ES_TRY(read_term(p, cond_allowed, ret));
    while (ret->expr != NULL) {
        tsql_op op = additive_op(tsql_at(p)->kind);
        if (op == TSQL_OP_NONE)
            break;
        tsql_advance(p);
        tsql_operand right;
        ES_TRY(read_term(p, false, &right));
        ES_TRY(join_operands(p, op, right.expr, ret));
        ES_TRY(tsql_chain_operator(p));
    }
    tsql_chain_end(p, begun);
    return ENTRASQL_OK;
}

entrasql_status tsql_read_expr(tsql_parser *p, tsql_expr **ret)
{
    tsql_operand operand;
    ES_TRY(tsql_read_arith(p, false, &operand));
    *ret = operand.expr;
    return ENTRASQL_OK;
}

entrasql_status tsql_read_expr_list(tsql_parser *p, tsql_exprs *ret)
{
    do {
        tsql_expr *expr;
        ES_TRY(tsql_read_expr(p, &expr));
        ES_TRY(tsql_push_expr(p, ret, expr));
    } while (tsql_accept(p, TSQL_TOKEN_COMMA));
    return ENTRASQL_OK;
}
