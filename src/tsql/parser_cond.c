/* SPDX-License-Identifier: MIT */
/*
 * Conditions: AND, OR, NOT and predicates. A condition may begin like a scalar
 * (brackets), so predicates are read as "either", and the place where a
 * condition has to be reports 4145 for a scalar.
 */
#include "tsql/parser_impl.h"

entrasql_status tsql_not_boolean(tsql_parser *p)
{
    if (tsql_is(p, TSQL_TOKEN_ERROR))
        return tsql_unexpected(p);
    char near[160];
    tsql_near(p, near, sizeof near);
    const tsql_token *token = tsql_at(p);
    uint32_t line = token->kind == TSQL_TOKEN_END ? p->last.span.line : token->span.line;
    return tsql_sql_error(p->err, 4145, line,
                          "An expression of non-boolean type specified in a context where a "
                          "condition is expected, near '%s'.",
                          near);
}

static tsql_cond *new_cond(tsql_parser *p, tsql_cond_kind kind, tsql_span span)
{
    tsql_cond *cond = tsql_alloc(p, sizeof *cond);
    if (cond != NULL) {
        cond->kind = kind;
        cond->span = span;
    }
    return cond;
}

/* ---- AND, OR: a list of operands becomes a tree of small height ---- */

typedef struct operands {
    tsql_cond **items;
    size_t count;
} operands;

static tsql_cond *balance(tsql_parser *p, tsql_cond_kind kind, tsql_cond **items, size_t count)
{
    if (count == 1)
        return items[0];
    size_t half = count / 2;
    tsql_cond *a = balance(p, kind, items, half);
    tsql_cond *b = balance(p, kind, items + half, count - half);
    if (a == NULL || b == NULL)
        return NULL;
    tsql_cond *cond = new_cond(p, kind, a->span);
    if (cond != NULL) {
        cond->span.end = b->span.end;
        cond->a = a;
        cond->b = b;
    }
    return cond;
}

static entrasql_status push_operand(tsql_parser *p, operands *list, tsql_cond *cond)
{
    tsql_cond **items = tsql_room(p, list->items, list->count, sizeof *items);
    if (items == NULL)
        return es_nomem(p->err);
    items[list->count++] = cond;
    list->items = items;
    return ENTRASQL_OK;
}

typedef entrasql_status operand_reader(tsql_parser *p, tsql_operand *ret);

/* operand (keyword operand)*; a single scalar is handed through. */
static entrasql_status read_chain(tsql_parser *p, operand_reader *read, tsql_keyword keyword,
                                  tsql_cond_kind kind, tsql_operand *ret)
{
    ES_TRY(read(p, ret));
    if (!tsql_is_kw(p, keyword))
        return ENTRASQL_OK;
    operands list = {0};
    for (;;) {
        if (ret->cond == NULL)
            return tsql_not_boolean(p);
        ES_TRY(push_operand(p, &list, ret->cond));
        if (!tsql_accept_kw(p, keyword))
            break;
        ES_TRY(read(p, ret));
    }
    *ret = (tsql_operand){.cond = balance(p, kind, list.items, list.count)};
    return ret->cond != NULL ? ENTRASQL_OK : es_nomem(p->err);
}

/* ---- predicates ---- */

static entrasql_status read_exists(tsql_parser *p, tsql_operand *ret)
{
    tsql_cond *cond = new_cond(p, TSQL_COND_EXISTS, tsql_span_begin(p));
    if (cond == NULL)
        return es_nomem(p->err);
    tsql_advance(p);
    ES_TRY(tsql_expect(p, TSQL_TOKEN_LPAREN));
    ES_TRY(tsql_read_query(p, &cond->query));
    ES_TRY(tsql_expect(p, TSQL_TOKEN_RPAREN));
    cond->span = tsql_span_end(p, cond->span);
    ret->cond = cond;
    return ENTRASQL_OK;
}

/* UPDATE(column) in triggers. */
static entrasql_status read_update_test(tsql_parser *p, tsql_operand *ret)
{
    tsql_cond *cond = new_cond(p, TSQL_COND_UPDATE, tsql_span_begin(p));
    if (cond == NULL)
        return es_nomem(p->err);
    tsql_advance(p);
    ES_TRY(tsql_expect(p, TSQL_TOKEN_LPAREN));
    ES_TRY(tsql_read_name(p, &cond->name));
    ES_TRY(tsql_expect(p, TSQL_TOKEN_RPAREN));
    cond->span = tsql_span_end(p, cond->span);
    ret->cond = cond;
    return ENTRASQL_OK;
}

static tsql_op comparison_op(tsql_token_kind kind)
{
    static const tsql_op ops[TSQL_TOKEN_CARET_EQ + 1] = {
        [TSQL_TOKEN_EQ] = TSQL_OP_EQ, [TSQL_TOKEN_NE] = TSQL_OP_NE, [TSQL_TOKEN_LT] = TSQL_OP_LT,
        [TSQL_TOKEN_LE] = TSQL_OP_LE, [TSQL_TOKEN_GT] = TSQL_OP_GT, [TSQL_TOKEN_GE] = TSQL_OP_GE,
    };
    return ops[kind];
}

/* The operators may have blanks inside: "> =" and "< >". */
static tsql_op read_comparison_op(tsql_parser *p)
{
    tsql_op op = comparison_op(tsql_at(p)->kind);
    tsql_advance(p);
    if (op == TSQL_OP_GT && tsql_accept(p, TSQL_TOKEN_EQ))
        return TSQL_OP_GE;
    if (op == TSQL_OP_LT && tsql_accept(p, TSQL_TOKEN_EQ))
        return TSQL_OP_LE;
    if (op == TSQL_OP_LT && tsql_accept(p, TSQL_TOKEN_GT))
        return TSQL_OP_NE;
    return op;
}

static entrasql_status read_comparison(tsql_parser *p, tsql_cond *cond)
{
    cond->op = read_comparison_op(p);
    cond->all = tsql_is_kw(p, TSQL_KW_ALL);
    if (!cond->all && !tsql_is_kw(p, TSQL_KW_ANY) && !tsql_is_kw(p, TSQL_KW_SOME)) {
        cond->kind = TSQL_COND_COMPARE;
        return tsql_read_expr(p, &cond->right);
    }
    cond->kind = TSQL_COND_QUANTIFIED;
    tsql_advance(p);
    ES_TRY(tsql_expect(p, TSQL_TOKEN_LPAREN));
    ES_TRY(tsql_read_query(p, &cond->query));
    return tsql_expect(p, TSQL_TOKEN_RPAREN);
}

/* Behind IS. */
static entrasql_status read_is(tsql_parser *p, tsql_cond *cond)
{
    cond->negated = tsql_accept_kw(p, TSQL_KW_NOT);
    if (tsql_accept_kw(p, TSQL_KW_DISTINCT)) {
        cond->kind = TSQL_COND_DISTINCT;
        ES_TRY(tsql_expect_kw(p, TSQL_KW_FROM));
        return tsql_read_expr(p, &cond->right);
    }
    cond->kind = TSQL_COND_IS_NULL;
    return tsql_expect_kw(p, TSQL_KW_NULL);
}

/* Behind IN. */
static entrasql_status read_in(tsql_parser *p, tsql_cond *cond)
{
    ES_TRY(tsql_expect(p, TSQL_TOKEN_LPAREN));
    if (tsql_is_kw(p, TSQL_KW_SELECT)) {
        cond->kind = TSQL_COND_IN_QUERY;
        ES_TRY(tsql_read_query(p, &cond->query));
        return tsql_expect(p, TSQL_TOKEN_RPAREN);
    }
    cond->kind = TSQL_COND_IN_LIST;
    ES_TRY(tsql_read_expr_list(p, &cond->list));
    const tsql_expr *only = cond->list.items[0];
    if (only->kind == TSQL_EXPR_SUBQUERY && cond->list.count == 1) { /* IN ((SELECT ...)) */
        cond->kind = TSQL_COND_IN_QUERY;
        cond->query = only->u.query;
        if (tsql_is_set_op(p))
            ES_TRY(tsql_read_query_rest(p, only->u.query, &cond->query));
        cond->list = (tsql_exprs){0};
    }
    return tsql_expect(p, TSQL_TOKEN_RPAREN);
}

/* Behind LIKE. */
static entrasql_status read_like(tsql_parser *p, tsql_cond *cond)
{
    cond->kind = TSQL_COND_LIKE;
    ES_TRY(tsql_read_expr(p, &cond->right));
    if (tsql_accept_kw(p, TSQL_KW_ESCAPE))
        ES_TRY(tsql_read_expr(p, &cond->escape));
    else if (tsql_is(p, TSQL_TOKEN_LBRACE)) { /* {escape 'x'} of ODBC */
        tsql_advance(p);
        ES_TRY(tsql_expect_kw(p, TSQL_KW_ESCAPE));
        ES_TRY(tsql_read_expr(p, &cond->escape));
        return tsql_expect(p, TSQL_TOKEN_RBRACE);
    }
    return ENTRASQL_OK;
}

/* Behind BETWEEN. */
static entrasql_status read_between(tsql_parser *p, tsql_cond *cond)
{
    cond->kind = TSQL_COND_BETWEEN;
    ES_TRY(tsql_read_expr(p, &cond->right));
    ES_TRY(tsql_expect_kw(p, TSQL_KW_AND));
    return tsql_read_expr(p, &cond->high);
}

static bool is_predicate_operator(tsql_parser *p)
{
    return comparison_op(tsql_at(p)->kind) != TSQL_OP_NONE || tsql_is_kw(p, TSQL_KW_IS) ||
           tsql_is_kw(p, TSQL_KW_NOT) || tsql_is_kw(p, TSQL_KW_IN) || tsql_is_kw(p, TSQL_KW_LIKE) ||
           tsql_is_kw(p, TSQL_KW_BETWEEN);
}

static entrasql_status read_predicate_rest(tsql_parser *p, tsql_cond *cond)
{
    if (comparison_op(tsql_at(p)->kind) != TSQL_OP_NONE)
        return read_comparison(p, cond);
    if (tsql_accept_kw(p, TSQL_KW_IS))
        return read_is(p, cond);
    cond->negated = tsql_accept_kw(p, TSQL_KW_NOT);
    if (tsql_accept_kw(p, TSQL_KW_IN))
        return read_in(p, cond);
    if (tsql_accept_kw(p, TSQL_KW_LIKE))
        return read_like(p, cond);
    if (tsql_accept_kw(p, TSQL_KW_BETWEEN))
        return read_between(p, cond);
    return tsql_unexpected(p);
}

static entrasql_status read_predicate(tsql_parser *p, tsql_operand *ret)
{
    *ret = (tsql_operand){0};
    if (tsql_is_kw(p, TSQL_KW_EXISTS))
        return read_exists(p, ret);
    if (tsql_is_kw(p, TSQL_KW_UPDATE))
        return read_update_test(p, ret);
    if (tsql_is_kw(p, TSQL_KW_CONTAINS) || tsql_is_kw(p, TSQL_KW_FREETEXT))
        return tsql_unsupported_part(p, tsql_keyword_name(tsql_at(p)->keyword));
    ES_TRY(tsql_read_arith(p, true, ret));
    if (ret->expr == NULL || !is_predicate_operator(p))
        return ENTRASQL_OK;
    tsql_cond *cond = new_cond(p, TSQL_COND_COMPARE, ret->expr->span);
    if (cond == NULL)
        return es_nomem(p->err);
    cond->left = ret->expr;
    ES_TRY(read_predicate_rest(p, cond));
    cond->span = tsql_span_end(p, cond->span);
    *ret = (tsql_operand){.cond = cond};
    return ENTRASQL_OK;
}

static entrasql_status read_not(tsql_parser *p, tsql_operand *ret)
{
    if (!tsql_is_kw(p, TSQL_KW_NOT))
        return read_predicate(p, ret);
    tsql_span span = tsql_span_begin(p);
    tsql_advance(p);
    ES_TRY(tsql_enter(p));
    tsql_operand inner = {0};
    ES_TRY(read_not(p, &inner));
    tsql_leave(p);
    if (inner.cond == NULL)
        return tsql_not_boolean(p);
    tsql_cond *cond = new_cond(p, TSQL_COND_NOT, tsql_span_end(p, span));
    if (cond == NULL)
        return es_nomem(p->err);
    cond->a = inner.cond;
    *ret = (tsql_operand){.cond = cond};
    return ENTRASQL_OK;
}

static entrasql_status read_and(tsql_parser *p, tsql_operand *ret)
{
    return read_chain(p, read_not, TSQL_KW_AND, TSQL_COND_AND, ret);
}

entrasql_status tsql_read_either(tsql_parser *p, tsql_operand *ret)
{
    return read_chain(p, read_and, TSQL_KW_OR, TSQL_COND_OR, ret);
}

entrasql_status tsql_read_cond(tsql_parser *p, tsql_cond **ret)
{
    tsql_operand operand = {0};
    ES_TRY(tsql_read_either(p, &operand));
    if (operand.cond == NULL)
        return tsql_not_boolean(p);
    *ret = operand.cond;
    return ENTRASQL_OK;
}
