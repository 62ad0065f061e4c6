/* SPDX-License-Identifier: MIT */
/* Function calls: arguments, WITHIN GROUP, OVER. */
#include "tsql/parser_impl.h"

#include "base/str.h"

/* ---- OVER ---- */

static entrasql_status read_bound(tsql_parser *p, tsql_bound *ret)
{
    *ret = (tsql_bound){0};
    bool unbounded = tsql_accept_word(p, "UNBOUNDED");
    if (!unbounded && tsql_accept_kw(p, TSQL_KW_CURRENT)) {
        ret->kind = TSQL_BOUND_CURRENT_ROW;
        return tsql_expect_word(p, "ROW");
    }
    if (!unbounded)
        ES_TRY(tsql_read_expr(p, &ret->rows));
    if (tsql_accept_word(p, "PRECEDING")) {
        ret->kind = unbounded ? TSQL_BOUND_UNBOUNDED_PRECEDING : TSQL_BOUND_PRECEDING;
        return ENTRASQL_OK;
    }
    ret->kind = unbounded ? TSQL_BOUND_UNBOUNDED_FOLLOWING : TSQL_BOUND_FOLLOWING;
    return tsql_expect_word(p, "FOLLOWING");
}

static entrasql_status read_frame(tsql_parser *p, tsql_over *over)
{
    if (tsql_accept_word(p, "ROWS"))
        over->frame = TSQL_FRAME_ROWS;
    else if (tsql_accept_word(p, "RANGE"))
        over->frame = TSQL_FRAME_RANGE;
    else
        return ENTRASQL_OK;
    over->to.kind = TSQL_BOUND_CURRENT_ROW;
    if (!tsql_accept_kw(p, TSQL_KW_BETWEEN))
        return read_bound(p, &over->from);
    ES_TRY(read_bound(p, &over->from));
    ES_TRY(tsql_expect_kw(p, TSQL_KW_AND));
    return read_bound(p, &over->to);
}

static entrasql_status read_over(tsql_parser *p, tsql_over **ret)
{
    tsql_over *over = tsql_alloc(p, sizeof *over);
    if (over == NULL)
        return es_nomem(p->err);
    over->span = tsql_span_begin(p);
    tsql_advance(p);
    ES_TRY(tsql_expect(p, TSQL_TOKEN_LPAREN));
    if (tsql_accept_word(p, "PARTITION")) {
        ES_TRY(tsql_expect_kw(p, TSQL_KW_BY));
        ES_TRY(tsql_read_expr_list(p, &over->partition));
    }
    if (tsql_accept_kw(p, TSQL_KW_ORDER)) {
        ES_TRY(tsql_expect_kw(p, TSQL_KW_BY));
        ES_TRY(tsql_read_order(p, &over->order));
    }
    ES_TRY(read_frame(p, over));
    ES_TRY(tsql_expect(p, TSQL_TOKEN_RPAREN));
    over->span = tsql_span_end(p, over->span);
    *ret = over;
    return ENTRASQL_OK;
}

/* ---- arguments ---- */

static entrasql_status read_argument(tsql_parser *p, tsql_expr **ret)
{
    if (!tsql_is_kw(p, TSQL_KW_DEFAULT))
        return tsql_read_expr(p, ret);
    *ret = tsql_new_expr(p, TSQL_EXPR_DEFAULT, tsql_at(p)->span);
    tsql_advance(p);
    return *ret != NULL ? ENTRASQL_OK : es_nomem(p->err);
}

/*
 * TRIM([LEADING | TRAILING | BOTH] characters FROM text) becomes
 * TRIM/LTRIM/RTRIM(text, characters), which mean the same.
 */
static entrasql_status read_trim(tsql_parser *p, tsql_call *call)
{
    const char *name = NULL;
    if (tsql_accept_word(p, "LEADING"))
        name = "LTRIM";
    else if (tsql_accept_word(p, "TRAILING"))
        name = "RTRIM";
    else if (tsql_accept_word(p, "BOTH"))
        name = "TRIM";
    tsql_expr *first;
    ES_TRY(tsql_read_expr(p, &first));
    if (tsql_accept_kw(p, TSQL_KW_FROM)) {
        tsql_expr *text;
        ES_TRY(tsql_read_expr(p, &text));
        ES_TRY(tsql_push_expr(p, &call->args, text));
    } else if (name != NULL) {
        return tsql_unexpected(p);
    }
    if (name != NULL)
        call->name.name.text = name;
    if (name != NULL)
        call->name.name.length = name[0] == 'T' ? 4 : 5;
    return tsql_push_expr(p, &call->args, first);
}

static entrasql_status read_arguments(tsql_parser *p, tsql_call *call)
{
    if (tsql_is(p, TSQL_TOKEN_STAR) && tsql_ahead(p, 1)->kind == TSQL_TOKEN_RPAREN) {
        tsql_advance(p);
        call->star = true;
        return ENTRASQL_OK;
    }
    if (tsql_is(p, TSQL_TOKEN_RPAREN))
        return ENTRASQL_OK;
    call->distinct = tsql_accept_kw(p, TSQL_KW_DISTINCT);
    if (!call->distinct)
        (void)tsql_accept_kw(p, TSQL_KW_ALL);
    if (call->name.schema.text == NULL && es_strcaseeq(call->name.name.text, "TRIM"))
        return read_trim(p, call);
    do {
        tsql_expr *argument;
        ES_TRY(read_argument(p, &argument));
        ES_TRY(tsql_push_expr(p, &call->args, argument));
    } while (tsql_accept(p, TSQL_TOKEN_COMMA));
    return ENTRASQL_OK;
}

static entrasql_status read_within_group(tsql_parser *p, tsql_call *call)
{
    tsql_advance(p);
    tsql_advance(p);
    ES_TRY(tsql_expect(p, TSQL_TOKEN_LPAREN));
    ES_TRY(tsql_expect_kw(p, TSQL_KW_ORDER));
    ES_TRY(tsql_expect_kw(p, TSQL_KW_BY));
    ES_TRY(tsql_read_order(p, &call->within_group));
    return tsql_expect(p, TSQL_TOKEN_RPAREN);
}

entrasql_status tsql_read_call(tsql_parser *p, const tsql_object *name, tsql_call **ret)
{
    tsql_call *call = tsql_alloc(p, sizeof *call);
    if (call == NULL)
        return es_nomem(p->err);
    call->name = *name;
    ES_TRY(tsql_expect(p, TSQL_TOKEN_LPAREN));
    ES_TRY(read_arguments(p, call));
    ES_TRY(tsql_expect(p, TSQL_TOKEN_RPAREN));
    if (tsql_is_word(p, "IGNORE") && tsql_token_is_word(tsql_ahead(p, 1), "NULLS"))
        call->ignore_nulls = true;
    if (call->ignore_nulls ||
        (tsql_is_word(p, "RESPECT") && tsql_token_is_word(tsql_ahead(p, 1), "NULLS"))) {
        tsql_advance(p);
        tsql_advance(p);
    }
    if (tsql_is_word(p, "WITHIN") && tsql_ahead(p, 1)->keyword == TSQL_KW_GROUP)
        ES_TRY(read_within_group(p, call));
    if (tsql_is_kw(p, TSQL_KW_OVER))
        ES_TRY(read_over(p, &call->over));
    *ret = call;
    return ENTRASQL_OK;
}
