/* SPDX-License-Identifier: MIT */
/* The atoms of an expression: names, brackets, subqueries, CASE, CAST, escapes. */
#include "tsql/parser_impl.h"

#include "base/str.h"

#include <string.h>

/* ---- CASE, IIF ---- */

static entrasql_status push_when(tsql_parser *p, tsql_case *kase, tsql_when when)
{
    tsql_when *items = tsql_room(p, kase->whens, kase->when_count, sizeof *items);
    if (items == NULL)
        return es_nomem(p->err);
    items[kase->when_count++] = when;
    kase->whens = items;
    return ENTRASQL_OK;
}

static entrasql_status read_when(tsql_parser *p, tsql_case *kase)
{
    tsql_when when = {.span = tsql_span_begin(p)};
    tsql_advance(p);
    if (kase->operand != NULL)
        ES_TRY(tsql_read_expr(p, &when.value));
    else
        ES_TRY(tsql_read_cond(p, &when.cond));
    ES_TRY(tsql_expect_kw(p, TSQL_KW_THEN));
    ES_TRY(tsql_read_expr(p, &when.result));
    when.span = tsql_span_end(p, when.span);
    return push_when(p, kase, when);
}

static entrasql_status read_case(tsql_parser *p, tsql_expr *expr)
{
    tsql_case *kase = tsql_alloc(p, sizeof *kase);
    if (kase == NULL)
        return es_nomem(p->err);
    tsql_advance(p);
    if (!tsql_is_kw(p, TSQL_KW_WHEN))
        ES_TRY(tsql_read_expr(p, &kase->operand));
    if (!tsql_is_kw(p, TSQL_KW_WHEN))
        return tsql_unexpected(p);
    while (tsql_is_kw(p, TSQL_KW_WHEN))
        ES_TRY(read_when(p, kase));
    if (tsql_accept_kw(p, TSQL_KW_ELSE))
        ES_TRY(tsql_read_expr(p, &kase->otherwise));
    expr->u.kase = kase;
    return tsql_expect_kw(p, TSQL_KW_END);
}

/* Behind "IIF(". */
static entrasql_status read_iif(tsql_parser *p, tsql_expr *expr)
{
    tsql_case *kase = tsql_alloc(p, sizeof *kase);
    if (kase == NULL)
        return es_nomem(p->err);
    tsql_when when = {.span = tsql_span_begin(p)};
    ES_TRY(tsql_read_cond(p, &when.cond));
    ES_TRY(tsql_expect(p, TSQL_TOKEN_COMMA));
    ES_TRY(tsql_read_expr(p, &when.result));
    when.span = tsql_span_end(p, when.span);
    ES_TRY(push_when(p, kase, when));
    ES_TRY(tsql_expect(p, TSQL_TOKEN_COMMA));
    ES_TRY(tsql_read_expr(p, &kase->otherwise));
    expr->kind = TSQL_EXPR_IIF;
    expr->u.kase = kase;
    return tsql_expect(p, TSQL_TOKEN_RPAREN);
}

/* ---- CAST and kin ---- */

/* Behind "CAST(" or "PARSE(". */
static entrasql_status read_cast(tsql_parser *p, tsql_cast *cast)
{
    ES_TRY(tsql_read_expr(p, &cast->operand));
    ES_TRY(tsql_expect_kw(p, TSQL_KW_AS));
    ES_TRY(tsql_read_type(p, &cast->type));
    if (cast->form == TSQL_CAST_PARSE && tsql_accept_word(p, "USING"))
        ES_TRY(tsql_read_expr(p, &cast->style));
    return tsql_expect(p, TSQL_TOKEN_RPAREN);
}

/* Behind "CONVERT(". */
static entrasql_status read_convert(tsql_parser *p, tsql_cast *cast)
{
    ES_TRY(tsql_read_type(p, &cast->type));
    ES_TRY(tsql_expect(p, TSQL_TOKEN_COMMA));
    ES_TRY(tsql_read_expr(p, &cast->operand));
    if (tsql_accept(p, TSQL_TOKEN_COMMA))
        ES_TRY(tsql_read_expr(p, &cast->style));
    return tsql_expect(p, TSQL_TOKEN_RPAREN);
}

static entrasql_status read_cast_expr(tsql_parser *p, tsql_cast_form form, bool is_try,
                                      tsql_expr *expr)
{
    tsql_cast *cast = tsql_alloc(p, sizeof *cast);
    if (cast == NULL)
        return es_nomem(p->err);
    cast->form = form;
    cast->is_try = is_try;
    expr->kind = TSQL_EXPR_CAST;
    expr->u.cast = cast;
    return form == TSQL_CAST_CONVERT ? read_convert(p, cast) : read_cast(p, cast);
}

/* COALESCE and NULLIF, behind their '('. */
static entrasql_status read_choice(tsql_parser *p, tsql_expr_kind kind, tsql_expr *expr)
{
    expr->kind = kind;
    tsql_exprs *args = &expr->u.args;
    ES_TRY(tsql_read_expr_list(p, args));
    bool count_ok = kind == TSQL_EXPR_NULLIF ? args->count == 2 : args->count >= 2;
    return count_ok ? tsql_expect(p, TSQL_TOKEN_RPAREN) : tsql_unexpected(p);
}

/*
 * Functions with a grammar of their own. The name and '(' are the next two
 * tokens. *ret_done is false, and nothing is read, for all others.
 */
static entrasql_status read_special_call(tsql_parser *p, tsql_expr *expr, bool *ret_done)
{
    static const struct {
        const char *name;
        tsql_cast_form form;
        bool is_try;
    } casts[] = {
        {"CAST", TSQL_CAST_CAST, false},       {"TRY_CAST", TSQL_CAST_CAST, true},
        {"CONVERT", TSQL_CAST_CONVERT, false}, {"TRY_CONVERT", TSQL_CAST_CONVERT, true},
        {"PARSE", TSQL_CAST_PARSE, false},     {"TRY_PARSE", TSQL_CAST_PARSE, true},
    };
    *ret_done = true;
    for (size_t i = 0; i < ES_COUNT_OF(casts); i++) {
        if (!tsql_is_word(p, casts[i].name))
            continue;
        tsql_advance(p);
        tsql_advance(p);
        return read_cast_expr(p, casts[i].form, casts[i].is_try, expr);
    }
    bool iif = tsql_is_word(p, "IIF");
    bool coalesce = tsql_is_kw(p, TSQL_KW_COALESCE);
    if (!iif && !coalesce && !tsql_is_kw(p, TSQL_KW_NULLIF)) {
        *ret_done = false;
        return ENTRASQL_OK;
    }
    tsql_advance(p);
    tsql_advance(p);
    if (iif)
        return read_iif(p, expr);
    return read_choice(p, coalesce ? TSQL_EXPR_COALESCE : TSQL_EXPR_NULLIF, expr);
}

/* ---- names: columns and functions ---- */

enum { PARTS_MAX = 4 };

/* a.b.c; stops before ".$identity", and at a '(' that follows. */
static entrasql_status read_parts(tsql_parser *p, tsql_name parts[PARTS_MAX], size_t *ret_count)
{
    size_t count = 0;
    do {
        if (count == PARTS_MAX)
            return tsql_sql_error(p->err, 4121, tsql_at(p)->span.line,
                                  "The name has more than the maximum number of prefixes. The "
                                  "maximum is 3.");
        if (tsql_is(p, TSQL_TOKEN_DOT))
            parts[count] = (tsql_name){.text = "", .span = tsql_at(p)->span};
        else if (tsql_is(p, TSQL_TOKEN_PSEUDO) && count != 0)
            break;
        else
            ES_TRY(tsql_read_name(p, &parts[count]));
        count++;
    } while (tsql_accept(p, TSQL_TOKEN_DOT));
    *ret_count = count;
    return ENTRASQL_OK;
}

/* The last part is the object's own name, those before it its prefixes. */
static tsql_object object_of_parts(const tsql_name *parts, size_t count)
{
    tsql_object object = {0};
    if (count > 0) {
        object.name = parts[count - 1];
        object.span = parts[0].span;
        object.span.end = parts[count - 1].span.end;
    }
    if (count > 1)
        object.schema = parts[count - 2];
    if (count > 2)
        object.database = parts[count - 3];
    if (count > 3)
        object.server = parts[count - 4];
    return object;
}

static entrasql_status read_named(tsql_parser *p, tsql_expr *expr)
{
    tsql_name parts[PARTS_MAX];
    size_t count = 0;
    ES_TRY(read_parts(p, parts, &count));
    if (tsql_is(p, TSQL_TOKEN_LPAREN)) {
        tsql_object name = object_of_parts(parts, count);
        expr->kind = TSQL_EXPR_FUNCTION;
        return tsql_read_call(p, &name, &expr->u.call);
    }
    tsql_column_ref *column = tsql_alloc(p, sizeof *column);
    if (column == NULL)
        return es_nomem(p->err);
    expr->u.column = column;
    if (tsql_is(p, TSQL_TOKEN_PSEUDO)) {
        tsql_expr *pseudo;
        ES_TRY(tsql_read_literal(p, &pseudo));
        expr->kind = TSQL_EXPR_PSEUDO;
        expr->text = pseudo->text;
        expr->length = pseudo->length;
        column->object = object_of_parts(parts, count);
        return ENTRASQL_OK;
    }
    expr->kind = TSQL_EXPR_COLUMN;
    column->name = parts[count - 1];
    column->object = object_of_parts(parts, count - 1);
    return ENTRASQL_OK;
}

/* LEFT(...), RIGHT(...): reserved words that are functions; CURRENT_TIMESTAMP and kin. */
static bool is_keyword_function(tsql_parser *p, bool *ret_brackets)
{
    bool open = tsql_ahead(p, 1)->kind == TSQL_TOKEN_LPAREN;
    *ret_brackets = tsql_is_kw(p, TSQL_KW_LEFT) || tsql_is_kw(p, TSQL_KW_RIGHT);
    if (*ret_brackets)
        return open;
    return tsql_is_kw(p, TSQL_KW_CURRENT_TIMESTAMP) || tsql_is_kw(p, TSQL_KW_CURRENT_USER) ||
           tsql_is_kw(p, TSQL_KW_SESSION_USER) || tsql_is_kw(p, TSQL_KW_SYSTEM_USER) ||
           tsql_is_kw(p, TSQL_KW_USER) || tsql_is_kw(p, TSQL_KW_CURRENT_DATE);
}

static entrasql_status read_keyword_function(tsql_parser *p, bool brackets, tsql_expr *expr)
{
    tsql_object name = {.span = tsql_at(p)->span};
    ES_TRY(tsql_read_any_word(p, &name.name));
    expr->kind = TSQL_EXPR_FUNCTION;
    if (brackets)
        return tsql_read_call(p, &name, &expr->u.call);
    tsql_call *call = tsql_alloc(p, sizeof *call);
    if (call == NULL)
        return es_nomem(p->err);
    call->name = name;
    call->no_brackets = true;
    expr->u.call = call;
    return ENTRASQL_OK;
}

/* ---- NEXT VALUE FOR, ODBC escapes ---- */

static bool is_next_value(tsql_parser *p)
{
    return tsql_is_word(p, "NEXT") && tsql_token_is_word(tsql_ahead(p, 1), "VALUE") &&
           tsql_ahead(p, 2)->keyword == TSQL_KW_FOR;
}

static entrasql_status read_next_value(tsql_parser *p, tsql_expr *expr)
{
    tsql_advance(p);
    tsql_advance(p);
    tsql_advance(p);
    expr->kind = TSQL_EXPR_NEXT_VALUE;
    expr->u.sequence = tsql_alloc(p, sizeof *expr->u.sequence);
    if (expr->u.sequence == NULL)
        return es_nomem(p->err);
    return tsql_read_object(p, expr->u.sequence);
}

/* {d '..'}, {t '..'}, {ts '..'} are datetime values, {guid '..'} is an identifier. */
static entrasql_status read_escape_value(tsql_parser *p, const char *type_name, sqltype_id id,
                                         tsql_expr *expr)
{
    tsql_cast *cast = tsql_alloc(p, sizeof *cast);
    if (cast == NULL)
        return es_nomem(p->err);
    cast->type.id = id;
    cast->type.name.name = (tsql_name){.text = type_name, .length = (uint32_t)strlen(type_name)};
    cast->type.span = expr->span;
    tsql_advance(p);
    if (!tsql_is(p, TSQL_TOKEN_STRING))
        return tsql_unexpected(p);
    ES_TRY(tsql_read_literal(p, &cast->operand));
    expr->kind = TSQL_EXPR_CAST;
    expr->u.cast = cast;
    return ENTRASQL_OK;
}

static entrasql_status read_escape(tsql_parser *p, tsql_expr **expr)
{
    tsql_advance(p);
    if (tsql_accept_word(p, "fn"))
        ES_TRY(tsql_read_expr(p, expr));
    else if (tsql_is_word(p, "d") || tsql_is_word(p, "t") || tsql_is_word(p, "ts"))
        ES_TRY(read_escape_value(p, "datetime", SQLTYPE_DATETIME, *expr));
    else if (tsql_is_word(p, "guid"))
        ES_TRY(read_escape_value(p, "uniqueidentifier", SQLTYPE_UNIQUEIDENTIFIER, *expr));
    else
        return tsql_unexpected(p);
    return tsql_expect(p, TSQL_TOKEN_RBRACE);
}

/* ---- brackets ---- */

static entrasql_status subquery(tsql_parser *p, tsql_span span, tsql_query *query,
                                tsql_operand *ret)
{
    ES_TRY(tsql_expect(p, TSQL_TOKEN_RPAREN));
    tsql_expr *expr = tsql_new_expr(p, TSQL_EXPR_SUBQUERY, tsql_span_end(p, span));
    if (expr == NULL)
        return es_nomem(p->err);
    expr->u.query = query;
    *ret = (tsql_operand){.expr = expr};
    return ENTRASQL_OK;
}

/*
 * Behind '(' there may be a subquery, a scalar, or a condition. "((SELECT 1)"
 * can go on as either of the first two: what follows the inner brackets says.
 */
static entrasql_status read_brackets(tsql_parser *p, bool cond_allowed, tsql_operand *ret)
{
    tsql_span span = tsql_span_begin(p);
    tsql_advance(p);
    tsql_query *query;
    if (tsql_is_kw(p, TSQL_KW_SELECT)) {
        ES_TRY(tsql_read_query(p, &query));
        return subquery(p, span, query, ret);
    }
    tsql_operand inner;
    if (cond_allowed)
        ES_TRY(tsql_read_either(p, &inner));
    else
        ES_TRY(tsql_read_arith(p, false, &inner));
    if (inner.expr != NULL && inner.expr->kind == TSQL_EXPR_SUBQUERY && tsql_is_set_op(p)) {
        ES_TRY(tsql_read_query_rest(p, inner.expr->u.query, &query));
        return subquery(p, span, query, ret);
    }
    ES_TRY(tsql_expect(p, TSQL_TOKEN_RPAREN));
    if (inner.expr != NULL) {
        inner.expr->parens = true;
        inner.expr->span = tsql_span_end(p, span);
    }
    *ret = inner;
    return ENTRASQL_OK;
}

static entrasql_status read_atom(tsql_parser *p, tsql_expr **expr)
{
    bool brackets;
    if (tsql_is_kw(p, TSQL_KW_CASE)) {
        (*expr)->kind = TSQL_EXPR_CASE;
        return read_case(p, *expr);
    }
    if (tsql_is(p, TSQL_TOKEN_LBRACE))
        return read_escape(p, expr);
    if (is_keyword_function(p, &brackets))
        return read_keyword_function(p, brackets, *expr);
    if (is_next_value(p))
        return read_next_value(p, *expr);
    if (tsql_is(p, TSQL_TOKEN_WORD) && tsql_ahead(p, 1)->kind == TSQL_TOKEN_LPAREN) {
        bool done;
        ES_TRY(read_special_call(p, *expr, &done));
        if (done)
            return ENTRASQL_OK;
    }
    if (tsql_is_name(p))
        return read_named(p, *expr);
    return tsql_unexpected(p);
}

entrasql_status tsql_read_primary(tsql_parser *p, bool cond_allowed, tsql_operand *ret)
{
    *ret = (tsql_operand){0};
    if (tsql_is_literal(p))
        return tsql_read_literal(p, &ret->expr);
    ES_TRY(tsql_enter(p));
    if (tsql_is(p, TSQL_TOKEN_LPAREN)) {
        ES_TRY(read_brackets(p, cond_allowed, ret));
    } else {
        tsql_span span = tsql_span_begin(p);
        tsql_expr *expr = tsql_new_expr(p, TSQL_EXPR_NULL, span);
        if (expr == NULL)
            return es_nomem(p->err);
        ES_TRY(read_atom(p, &expr));
        expr->span = tsql_span_end(p, span);
        ret->expr = expr;
    }
    tsql_leave(p);
    return ENTRASQL_OK;
}
