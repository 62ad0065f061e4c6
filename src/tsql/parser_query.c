/* SPDX-License-Identifier: MIT */
/* Query expressions: SELECT, set operators (INTERSECT binds tighter), ORDER BY, paging, FOR. */
#include "tsql/parser_impl.h"

#include "base/str.h"

bool tsql_is_query_start(tsql_parser *p)
{
    size_t n = 0;
    while (n + 1 < TSQL_LOOKAHEAD && tsql_ahead(p, n)->kind == TSQL_TOKEN_LPAREN)
        n++;
    return tsql_ahead(p, n)->keyword == TSQL_KW_SELECT;
}

bool tsql_is_set_op(tsql_parser *p)
{
    return tsql_is_kw(p, TSQL_KW_UNION) || tsql_is_kw(p, TSQL_KW_EXCEPT) ||
           tsql_is_kw(p, TSQL_KW_INTERSECT);
}

static tsql_query *new_query(tsql_parser *p, tsql_query_kind kind, tsql_span span)
{
    tsql_query *query = tsql_alloc(p, sizeof *query);
    if (query != NULL) {
        query->kind = kind;
        query->span = span;
    }
    return query;
}

/* ---- TOP ---- */

entrasql_status tsql_read_top(tsql_parser *p, tsql_top **ret)
{
    if (!tsql_accept_kw(p, TSQL_KW_TOP))
        return ENTRASQL_OK;
    tsql_top *top = tsql_alloc(p, sizeof *top);
    if (top == NULL)
        return es_nomem(p->err);
    if (!tsql_is(p, TSQL_TOKEN_LPAREN) && !tsql_is_literal(p))
        return tsql_unexpected(p);
    tsql_operand count;
    ES_TRY(tsql_read_primary(p, false, &count));
    top->count = count.expr;
    top->percent = tsql_accept_kw(p, TSQL_KW_PERCENT);
    if (tsql_is_kw(p, TSQL_KW_WITH) && tsql_token_is_word(tsql_ahead(p, 1), "TIES")) {
        tsql_advance(p);
        tsql_advance(p);
        top->with_ties = true;
    }
    *ret = top;
    return ENTRASQL_OK;
}

/* ---- the select list, also of OUTPUT ---- */

/* "*", "t.*", "db.schema.t.*": the number of name tokens before the star. */
static bool is_star(tsql_parser *p, size_t *ret_names)
{
    for (size_t names = 0; names < 4; names++) {
        if (tsql_ahead(p, names * 2)->kind == TSQL_TOKEN_STAR) {
            *ret_names = names;
            return true;
        }
        if (names == 3 || !tsql_token_is_name(tsql_ahead(p, names * 2)) ||
            tsql_ahead(p, names * 2 + 1)->kind != TSQL_TOKEN_DOT)
            return false;
    }
    return false;
}

static entrasql_status read_star(tsql_parser *p, size_t names, tsql_item *item)
{
    item->kind = TSQL_ITEM_STAR;
    tsql_span span = tsql_span_begin(p);
    for (size_t i = 0; i < names; i++) {
        item->object.database = item->object.schema;
        item->object.schema = item->object.name;
        ES_TRY(tsql_read_name(p, &item->object.name));
        item->object.span = tsql_span_end(p, span);
        tsql_advance(p); /* the point */
    }
    tsql_advance(p);
    return ENTRASQL_OK;
}

/* A name, or as T-SQL has it, a string. */
static entrasql_status read_alias(tsql_parser *p, tsql_name *ret)
{
    if (!tsql_is(p, TSQL_TOKEN_STRING))
        return tsql_read_name(p, ret);
    ES_TRY(tsql_token_text(p, tsql_at(p), ret));
    ret->quoted = true;
    tsql_advance(p);
    return ENTRASQL_OK;
}

static entrasql_status read_expr_item(tsql_parser *p, tsql_item *item)
{
    bool alias_first = (tsql_is_name(p) || tsql_is(p, TSQL_TOKEN_STRING)) &&
                       tsql_ahead(p, 1)->kind == TSQL_TOKEN_EQ;
    if (alias_first) {
        ES_TRY(read_alias(p, &item->alias));
        tsql_advance(p);
        return tsql_read_expr(p, &item->expr);
    }
    ES_TRY(tsql_read_expr(p, &item->expr));
    if (tsql_accept_kw(p, TSQL_KW_AS))
        return read_alias(p, &item->alias);
    if (tsql_is_name(p) || tsql_is(p, TSQL_TOKEN_STRING))
        return read_alias(p, &item->alias);
    return ENTRASQL_OK;
}

static entrasql_status read_item(tsql_parser *p, tsql_item *item)
{
    item->span = tsql_span_begin(p);
    tsql_token_kind next = tsql_ahead(p, 1)->kind;
    size_t names;
    if (is_star(p, &names)) {
        ES_TRY(read_star(p, names, item));
    } else if (tsql_is(p, TSQL_TOKEN_VARIABLE) &&
               (next == TSQL_TOKEN_EQ || tsql_assign_op(next) != TSQL_OP_NONE)) {
        item->kind = TSQL_ITEM_ASSIGN;
        ES_TRY(tsql_read_variable(p, &item->variable));
        ES_TRY(tsql_read_assign_op(p, &item->assign_op));
        ES_TRY(tsql_read_expr(p, &item->expr));
    } else {
        ES_TRY(read_expr_item(p, item));
    }
    item->span = tsql_span_end(p, item->span);
    return ENTRASQL_OK;
}

entrasql_status tsql_read_items(tsql_parser *p, tsql_items *ret)
{
    do {
        tsql_item item = {0};
        ES_TRY(read_item(p, &item));
        tsql_item *items = tsql_room(p, ret->items, ret->count, sizeof *items);
        if (items == NULL)
            return es_nomem(p->err);
        items[ret->count++] = item;
        ret->items = items;
    } while (tsql_accept(p, TSQL_TOKEN_COMMA));
    return ENTRASQL_OK;
}

/* ---- one SELECT ---- */

static entrasql_status read_group_by(tsql_parser *p, tsql_query *query)
{
    ES_TRY(tsql_expect_kw(p, TSQL_KW_BY));
    static const char *const extensions[] = {"ROLLUP", "CUBE", "GROUPING"};
    do {
        for (size_t i = 0; i < ES_COUNT_OF(extensions); i++) {
            if (tsql_is_word(p, extensions[i]) && !tsql_is(p, TSQL_TOKEN_QUOTED) &&
                (tsql_ahead(p, 1)->kind == TSQL_TOKEN_LPAREN ||
                 tsql_token_is_word(tsql_ahead(p, 1), "SETS")))
                return tsql_unsupported_part(p, extensions[i]);
        }
        tsql_expr *expr;
        ES_TRY(tsql_read_expr(p, &expr));
        ES_TRY(tsql_push_expr(p, &query->group_by, expr));
    } while (tsql_accept(p, TSQL_TOKEN_COMMA));
    /* The old spelling of the same. */
    for (size_t i = 0; i < ES_COUNT_OF(extensions) && tsql_is_kw(p, TSQL_KW_WITH); i++)
        if (tsql_token_is_word(tsql_ahead(p, 1), extensions[i]))
            return tsql_unsupported_part(p, extensions[i]);
    return ENTRASQL_OK;
}

static entrasql_status read_spec(tsql_parser *p, tsql_query **ret)
{
    tsql_query *query = new_query(p, TSQL_QUERY_SELECT, tsql_span_begin(p));
    if (query == NULL)
        return es_nomem(p->err);
    tsql_advance(p);
    query->distinct = tsql_accept_kw(p, TSQL_KW_DISTINCT);
    if (!query->distinct)
        (void)tsql_accept_kw(p, TSQL_KW_ALL);
    ES_TRY(tsql_read_top(p, &query->top));
    ES_TRY(tsql_read_items(p, &query->items));
    if (tsql_accept_kw(p, TSQL_KW_INTO)) {
        query->into = tsql_alloc(p, sizeof *query->into);
        if (query->into == NULL)
            return es_nomem(p->err);
        ES_TRY(tsql_read_object(p, query->into));
    }
    if (tsql_accept_kw(p, TSQL_KW_FROM))
        ES_TRY(tsql_read_from(p, &query->from));
    if (tsql_accept_kw(p, TSQL_KW_WHERE))
        ES_TRY(tsql_read_cond(p, &query->where));
    if (tsql_accept_kw(p, TSQL_KW_GROUP))
        ES_TRY(read_group_by(p, query));
    if (tsql_accept_kw(p, TSQL_KW_HAVING))
        ES_TRY(tsql_read_cond(p, &query->having));
    query->span = tsql_span_end(p, query->span);
    *ret = query;
    return ENTRASQL_OK;
}

/* ---- set operators ---- */

static entrasql_status read_operand(tsql_parser *p, tsql_query **ret)
{
    if (tsql_is_kw(p, TSQL_KW_SELECT))
        return read_spec(p, ret);
    ES_TRY(tsql_expect(p, TSQL_TOKEN_LPAREN));
    ES_TRY(tsql_read_query(p, ret));
    return tsql_expect(p, TSQL_TOKEN_RPAREN);
}

static entrasql_status join_queries(tsql_parser *p, tsql_set_op op, tsql_query *right,
                                    tsql_query **left)
{
    ES_TRY(tsql_chain_operator(p));
    tsql_query *query = new_query(p, TSQL_QUERY_SET_OP, tsql_span_end(p, (*left)->span));
    if (query == NULL)
        return es_nomem(p->err);
    query->op = op;
    query->left = *left;
    query->right = right;
    *left = query;
    return ENTRASQL_OK;
}

static entrasql_status read_intersects(tsql_parser *p, tsql_query **query)
{
    while (tsql_accept_kw(p, TSQL_KW_INTERSECT)) {
        tsql_query *right;
        ES_TRY(read_operand(p, &right));
        ES_TRY(join_queries(p, TSQL_SET_OP_INTERSECT, right, query));
    }
    return ENTRASQL_OK;
}

static entrasql_status read_set_ops(tsql_parser *p, tsql_query **query)
{
    ES_TRY(read_intersects(p, query));
    while (tsql_is_kw(p, TSQL_KW_UNION) || tsql_is_kw(p, TSQL_KW_EXCEPT)) {
        tsql_set_op op = TSQL_SET_OP_EXCEPT;
        if (tsql_accept_kw(p, TSQL_KW_UNION))
            op = tsql_accept_kw(p, TSQL_KW_ALL) ? TSQL_SET_OP_UNION_ALL : TSQL_SET_OP_UNION;
        else
            tsql_advance(p);
        tsql_query *right;
        ES_TRY(read_operand(p, &right));
        ES_TRY(read_intersects(p, &right));
        ES_TRY(join_queries(p, op, right, query));
    }
    return ENTRASQL_OK;
}

/* ---- ORDER BY, OFFSET, FETCH, FOR ---- */

entrasql_status tsql_read_order(tsql_parser *p, tsql_order *ret)
{
    do {
        tsql_order_item item = {.span = tsql_span_begin(p)};
        ES_TRY(tsql_read_expr(p, &item.expr));
        item.descending = tsql_accept_kw(p, TSQL_KW_DESC);
        if (!item.descending)
            (void)tsql_accept_kw(p, TSQL_KW_ASC);
        item.span = tsql_span_end(p, item.span);
        tsql_order_item *items = tsql_room(p, ret->items, ret->count, sizeof *items);
        if (items == NULL)
            return es_nomem(p->err);
        items[ret->count++] = item;
        ret->items = items;
    } while (tsql_accept(p, TSQL_TOKEN_COMMA));
    return ENTRASQL_OK;
}

static entrasql_status expect_rows(tsql_parser *p)
{
    if (tsql_accept_word(p, "ROW") || tsql_accept_word(p, "ROWS"))
        return ENTRASQL_OK;
    return tsql_unexpected(p);
}

static entrasql_status read_paging(tsql_parser *p, tsql_query *query)
{
    if (!tsql_accept_word(p, "OFFSET"))
        return ENTRASQL_OK;
    ES_TRY(tsql_read_expr(p, &query->offset));
    ES_TRY(expect_rows(p));
    if (!tsql_accept_kw(p, TSQL_KW_FETCH))
        return ENTRASQL_OK;
    if (!tsql_accept_word(p, "NEXT"))
        ES_TRY(tsql_expect_word(p, "FIRST"));
    ES_TRY(tsql_read_expr(p, &query->fetch));
    ES_TRY(expect_rows(p));
    return tsql_expect_word(p, "ONLY");
}

/* "('x')", if there. */
static entrasql_status read_bracketed_string(tsql_parser *p, const char **ret)
{
    if (!tsql_accept(p, TSQL_TOKEN_LPAREN))
        return ENTRASQL_OK;
    ES_TRY(tsql_read_string(p, ret, NULL));
    return tsql_expect(p, TSQL_TOKEN_RPAREN);
}

static entrasql_status read_for_option(tsql_parser *p, tsql_for *clause)
{
    if (tsql_accept_word(p, "ROOT")) {
        clause->root = "root";
        return read_bracketed_string(p, &clause->root);
    }
    if (tsql_accept_word(p, "INCLUDE_NULL_VALUES")) {
        clause->include_null_values = true;
    } else if (tsql_accept_word(p, "WITHOUT_ARRAY_WRAPPER")) {
        clause->without_array_wrapper = true;
    } else if (tsql_accept_word(p, "TYPE")) {
        clause->type = true;
    } else if (tsql_accept_word(p, "ELEMENTS")) {
        clause->elements = true;
        if (!tsql_accept_word(p, "XSINIL"))
            (void)tsql_accept_word(p, "ABSENT");
    } else if (tsql_accept_word(p, "BINARY")) {
        return tsql_expect_word(p, "BASE64");
    } else {
        return tsql_unexpected(p);
    }
    return ENTRASQL_OK;
}

static entrasql_status read_for_mode(tsql_parser *p, tsql_for *clause)
{
    static const char *const modes[] = {"PATH", "AUTO", "RAW", "EXPLICIT"};
    for (size_t i = 0; i < ES_COUNT_OF(modes) && clause->mode == NULL; i++) {
        if (tsql_accept_word(p, modes[i]))
            clause->mode = modes[i];
    }
    if (clause->mode == NULL)
        return tsql_unexpected(p);
    ES_TRY(read_bracketed_string(p, &clause->element));
    while (tsql_accept(p, TSQL_TOKEN_COMMA))
        ES_TRY(read_for_option(p, clause));
    return ENTRASQL_OK;
}

static entrasql_status read_for(tsql_parser *p, tsql_query *query)
{
    const tsql_token *next = tsql_ahead(p, 1);
    tsql_for_kind kind = TSQL_FOR_NONE;
    if (!tsql_is_kw(p, TSQL_KW_FOR))
        return ENTRASQL_OK;
    if (tsql_token_is_word(next, "JSON"))
        kind = TSQL_FOR_JSON;
    else if (tsql_token_is_word(next, "XML"))
        kind = TSQL_FOR_XML;
    else if (next->keyword == TSQL_KW_BROWSE)
        kind = TSQL_FOR_BROWSE;
    else
        return ENTRASQL_OK; /* the FOR of a cursor */
    tsql_for *clause = tsql_alloc(p, sizeof *clause);
    if (clause == NULL)
        return es_nomem(p->err);
    clause->kind = kind;
    clause->span = tsql_span_begin(p);
    tsql_advance(p);
    tsql_advance(p);
    if (kind != TSQL_FOR_BROWSE)
        ES_TRY(read_for_mode(p, clause));
    clause->span = tsql_span_end(p, clause->span);
    query->for_clause = clause;
    return ENTRASQL_OK;
}

static entrasql_status read_tail(tsql_parser *p, tsql_query *query)
{
    if (tsql_is_kw(p, TSQL_KW_ORDER) && query->order_by.count != 0)
        return tsql_unexpected(p); /* brackets around a sorted query, and another ORDER BY */
    if (tsql_accept_kw(p, TSQL_KW_ORDER)) {
        ES_TRY(tsql_expect_kw(p, TSQL_KW_BY));
        ES_TRY(tsql_read_order(p, &query->order_by));
        ES_TRY(read_paging(p, query));
    }
    ES_TRY(read_for(p, query));
    query->span = tsql_span_end(p, query->span);
    return ENTRASQL_OK;
}

entrasql_status tsql_read_query_rest(tsql_parser *p, tsql_query *first, tsql_query **ret)
{
    *ret = first;
    ES_TRY(read_set_ops(p, ret));
    return read_tail(p, *ret);
}

entrasql_status tsql_read_query(tsql_parser *p, tsql_query **ret)
{
    ES_TRY(tsql_enter(p));
    unsigned begun = tsql_chain_begin(p);
    tsql_query *first;
    ES_TRY(read_operand(p, &first));
    ES_TRY(tsql_read_query_rest(p, first, ret));
    tsql_chain_end(p, begun);
    tsql_leave(p);
    return ENTRASQL_OK;
}

/* ---- WITH, OPTION, the statement ---- */

static entrasql_status read_cte(tsql_parser *p, tsql_with *with)
{
    tsql_cte cte = {.span = tsql_span_begin(p)};
    if (tsql_is_word(p, "XMLNAMESPACES"))
        return tsql_unsupported_part(p, "XMLNAMESPACES");
    ES_TRY(tsql_read_name(p, &cte.name));
    if (tsql_is(p, TSQL_TOKEN_LPAREN))
        ES_TRY(tsql_read_name_list(p, &cte.columns));
    ES_TRY(tsql_expect_kw(p, TSQL_KW_AS));
    ES_TRY(tsql_expect(p, TSQL_TOKEN_LPAREN));
    ES_TRY(tsql_read_query(p, &cte.query));
    ES_TRY(tsql_expect(p, TSQL_TOKEN_RPAREN));
    cte.span = tsql_span_end(p, cte.span);
    tsql_cte *items = tsql_room(p, with->items, with->count, sizeof *items);
    if (items == NULL)
        return es_nomem(p->err);
    items[with->count++] = cte;
    with->items = items;
    return ENTRASQL_OK;
}

entrasql_status tsql_read_with(tsql_parser *p, tsql_with *ret)
{
    ES_TRY(tsql_expect_kw(p, TSQL_KW_WITH));
    do {
        ES_TRY(read_cte(p, ret));
    } while (tsql_accept(p, TSQL_TOKEN_COMMA));
    return ENTRASQL_OK;
}

/* One hint: its first word counts, the rest up to ',' or ')' is skipped. */
static entrasql_status read_option_hint(tsql_parser *p, tsql_option *ret)
{
    tsql_name name;
    ES_TRY(tsql_read_any_word(p, &name));
    ES_TRY(tsql_push_name(p, &ret->hints, name));
    if (es_strcaseeq(name.text, "MAXRECURSION")) {
        ret->has_max_recursion = true;
        return tsql_read_u32(p, &ret->max_recursion);
    }
    while (!tsql_is(p, TSQL_TOKEN_COMMA) && !tsql_is(p, TSQL_TOKEN_RPAREN)) {
        if (tsql_is(p, TSQL_TOKEN_LPAREN)) {
            ES_TRY(tsql_skip_parens(p));
            continue;
        }
        if (!tsql_is(p, TSQL_TOKEN_WORD) && !tsql_is_literal(p) && !tsql_is(p, TSQL_TOKEN_EQ))
            return tsql_unexpected(p);
        tsql_advance(p);
    }
    return ENTRASQL_OK;
}

entrasql_status tsql_read_option(tsql_parser *p, tsql_option *ret)
{
    if (!tsql_accept_kw(p, TSQL_KW_OPTION))
        return ENTRASQL_OK;
    ES_TRY(tsql_expect(p, TSQL_TOKEN_LPAREN));
    do {
        ES_TRY(read_option_hint(p, ret));
    } while (tsql_accept(p, TSQL_TOKEN_COMMA));
    return tsql_expect(p, TSQL_TOKEN_RPAREN);
}

entrasql_status tsql_read_select(tsql_parser *p, tsql_select_stmt **ret)
{
    tsql_select_stmt *select = tsql_alloc(p, sizeof *select);
    if (select == NULL)
        return es_nomem(p->err);
    if (tsql_is_kw(p, TSQL_KW_WITH))
        ES_TRY(tsql_read_with(p, &select->with));
    ES_TRY(tsql_read_query(p, &select->query));
    ES_TRY(tsql_read_option(p, &select->option));
    *ret = select;
    return ENTRASQL_OK;
}
