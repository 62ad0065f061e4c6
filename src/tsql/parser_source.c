/* SPDX-License-Identifier: MIT */
/* Table sources: FROM, joins, derived tables, VALUES tables, functions, hints. */
#include "tsql/parser_impl.h"

#include "base/str.h"

static tsql_source *new_source(tsql_parser *p, tsql_source_kind kind, tsql_span span)
{
    tsql_source *source = tsql_alloc(p, sizeof *source);
    if (source != NULL) {
        source->kind = kind;
        source->span = span;
    }
    return source;
}

/* ---- rows of VALUES ---- */

static entrasql_status read_row(tsql_parser *p, tsql_exprs *row)
{
    ES_TRY(tsql_expect(p, TSQL_TOKEN_LPAREN));
    do {
        tsql_expr *expr;
        if (tsql_is_kw(p, TSQL_KW_DEFAULT)) {
            expr = tsql_new_expr(p, TSQL_EXPR_DEFAULT, tsql_at(p)->span);
            if (expr == NULL)
                return es_nomem(p->err);
            tsql_advance(p);
        } else {
            ES_TRY(tsql_read_expr(p, &expr));
        }
        ES_TRY(tsql_push_expr(p, row, expr));
    } while (tsql_accept(p, TSQL_TOKEN_COMMA));
    return tsql_expect(p, TSQL_TOKEN_RPAREN);
}

entrasql_status tsql_read_rows(tsql_parser *p, tsql_rows *ret)
{
    do {
        tsql_exprs row = {0};
        ES_TRY(read_row(p, &row));
        tsql_exprs *items = tsql_room(p, ret->items, ret->count, sizeof *items);
        if (items == NULL)
            return es_nomem(p->err);
        items[ret->count++] = row;
        ret->items = items;
    } while (tsql_accept(p, TSQL_TOKEN_COMMA));
    return ENTRASQL_OK;
}

/* ---- hints ---- */

static entrasql_status read_hint(tsql_parser *p, tsql_names *ret)
{
    tsql_name name;
    ES_TRY(tsql_read_any_word(p, &name));
    ES_TRY(tsql_push_name(p, ret, name));
    if (tsql_is(p, TSQL_TOKEN_LPAREN))
        return tsql_skip_parens(p);
    if (!tsql_accept(p, TSQL_TOKEN_EQ))
        return ENTRASQL_OK;
    if (tsql_is(p, TSQL_TOKEN_LPAREN))
        return tsql_skip_parens(p);
    if (!tsql_is(p, TSQL_TOKEN_WORD) && !tsql_is(p, TSQL_TOKEN_QUOTED) && !tsql_is_literal(p))
        return tsql_unexpected(p);
    tsql_advance(p);
    return ENTRASQL_OK;
}

/* From '(' to ')'; the commas between hints may be left out. */
static entrasql_status read_hint_list(tsql_parser *p, tsql_names *ret)
{
    ES_TRY(tsql_expect(p, TSQL_TOKEN_LPAREN));
    do {
        ES_TRY(read_hint(p, ret));
        (void)tsql_accept(p, TSQL_TOKEN_COMMA);
    } while (!tsql_is(p, TSQL_TOKEN_RPAREN));
    return tsql_expect(p, TSQL_TOKEN_RPAREN);
}

entrasql_status tsql_read_hints(tsql_parser *p, tsql_names *ret)
{
    if (!tsql_is_kw(p, TSQL_KW_WITH) || tsql_ahead(p, 1)->kind != TSQL_TOKEN_LPAREN)
        return ENTRASQL_OK;
    tsql_advance(p);
    return read_hint_list(p, ret);
}

/* "FROM t (NOLOCK)": hints without WITH, as old scripts have them. */
static bool is_old_hint(tsql_parser *p)
{
    static const char *const hints[] = {"NOLOCK",  "READUNCOMMITTED", "READCOMMITTED", "UPDLOCK",
                                        "TABLOCK", "TABLOCKX",        "PAGLOCK",       "ROWLOCK",
                                        "XLOCK",   "READPAST",        "HOLDLOCK",      "NOWAIT"};
    if (!tsql_is(p, TSQL_TOKEN_LPAREN))
        return false;
    tsql_token_kind after = tsql_ahead(p, 2)->kind;
    if (after != TSQL_TOKEN_RPAREN && after != TSQL_TOKEN_COMMA)
        return false;
    for (size_t i = 0; i < ES_COUNT_OF(hints); i++) {
        if (tsql_token_is_word(tsql_ahead(p, 1), hints[i]))
            return true;
    }
    return false;
}

/* ---- alias ---- */

static entrasql_status read_source_alias(tsql_parser *p, tsql_source *source)
{
    bool as = tsql_accept_kw(p, TSQL_KW_AS);
    if (!as && !tsql_is_name(p))
        return ENTRASQL_OK;
    ES_TRY(tsql_read_name(p, &source->alias));
    bool may_have_columns = source->kind == TSQL_SOURCE_DERIVED ||
                            source->kind == TSQL_SOURCE_VALUES ||
                            source->kind == TSQL_SOURCE_FUNCTION;
    if (may_have_columns && tsql_is(p, TSQL_TOKEN_LPAREN))
        return tsql_read_name_list(p, &source->columns);
    return ENTRASQL_OK;
}

static entrasql_status require_alias(tsql_parser *p, tsql_source *source)
{
    ES_TRY(read_source_alias(p, source));
    return source->alias.text != NULL ? ENTRASQL_OK : tsql_unexpected(p);
}

/* ---- functions ---- */

static entrasql_status read_json_column(tsql_parser *p, tsql_json_column *column)
{
    column->span = tsql_span_begin(p);
    ES_TRY(tsql_read_name(p, &column->name));
    ES_TRY(tsql_read_type(p, &column->type));
    if (tsql_is(p, TSQL_TOKEN_STRING))
        ES_TRY(tsql_read_string(p, &column->path, NULL));
    if (tsql_accept_kw(p, TSQL_KW_AS)) {
        ES_TRY(tsql_expect_word(p, "JSON"));
        column->as_json = true;
    }
    column->span = tsql_span_end(p, column->span);
    return ENTRASQL_OK;
}

/* OPENJSON(...) WITH (name type 'path' [AS JSON], ...) */
static entrasql_status read_json_columns(tsql_parser *p, tsql_source *source)
{
    tsql_advance(p);
    ES_TRY(tsql_expect(p, TSQL_TOKEN_LPAREN));
    do {
        tsql_json_column column = {0};
        ES_TRY(read_json_column(p, &column));
        tsql_json_column *items =
            tsql_room(p, source->json_columns, source->json_column_count, sizeof *items);
        if (items == NULL)
            return es_nomem(p->err);
        items[source->json_column_count++] = column;
        source->json_columns = items;
    } while (tsql_accept(p, TSQL_TOKEN_COMMA));
    return tsql_expect(p, TSQL_TOKEN_RPAREN);
}

static entrasql_status read_function(tsql_parser *p, tsql_source *source)
{
    source->kind = TSQL_SOURCE_FUNCTION;
    ES_TRY(tsql_read_call(p, &source->object, &source->call));
    bool is_json =
        source->object.schema.text == NULL && es_strcaseeq(source->object.name.text, "OPENJSON");
    if (is_json && tsql_is_kw(p, TSQL_KW_WITH))
        ES_TRY(read_json_columns(p, source));
    return read_source_alias(p, source);
}

/* ---- one source ---- */

static entrasql_status read_object_source(tsql_parser *p, tsql_source *source)
{
    source->kind = TSQL_SOURCE_OBJECT;
    ES_TRY(tsql_read_object(p, &source->object));
    if (is_old_hint(p))
        ES_TRY(read_hint_list(p, &source->hints));
    else if (tsql_is(p, TSQL_TOKEN_LPAREN))
        return read_function(p, source);
    if (tsql_is_kw(p, TSQL_KW_FOR) && tsql_token_is_word(tsql_ahead(p, 1), "SYSTEM_TIME"))
        return tsql_unsupported_part(p, "FOR SYSTEM_TIME");
    ES_TRY(read_source_alias(p, source));
    if (tsql_is_kw(p, TSQL_KW_TABLESAMPLE))
        return tsql_unsupported_part(p, "TABLESAMPLE");
    if (is_old_hint(p))
        ES_TRY(read_hint_list(p, &source->hints));
    return tsql_read_hints(p, &source->hints);
}

static entrasql_status read_joined(tsql_parser *p, bool may_be_nameless, tsql_source **ret);

static bool is_nameless(const tsql_source *source)
{
    return source->kind == TSQL_SOURCE_DERIVED && source->alias.text == NULL;
}

/*
 * "(VALUES ...) v", "(SELECT ...) d", "(a JOIN b ON ...)". In "((SELECT 1)
 * UNION SELECT 2) d" the inner brackets are no source of their own, so one
 * without a name may come back from there.
 */
static entrasql_status read_brackets(tsql_parser *p, tsql_source **ret)
{
    tsql_span span = tsql_span_begin(p);
    tsql_advance(p);
    if (tsql_accept_kw(p, TSQL_KW_VALUES)) {
        tsql_source *values = new_source(p, TSQL_SOURCE_VALUES, span);
        if (values == NULL)
            return es_nomem(p->err);
        ES_TRY(tsql_read_rows(p, &values->rows));
        ES_TRY(tsql_expect(p, TSQL_TOKEN_RPAREN));
        *ret = values;
        return require_alias(p, values);
    }
    if (tsql_is_kw(p, TSQL_KW_SELECT)) {
        tsql_source *derived = new_source(p, TSQL_SOURCE_DERIVED, span);
        if (derived == NULL)
            return es_nomem(p->err);
        ES_TRY(tsql_read_query(p, &derived->query));
        ES_TRY(tsql_expect(p, TSQL_TOKEN_RPAREN));
        *ret = derived;
        return read_source_alias(p, derived);
    }
    ES_TRY(read_joined(p, true, ret));
    bool nameless = is_nameless(*ret);
    if (nameless)
        ES_TRY(tsql_read_query_rest(p, (*ret)->query, &(*ret)->query));
    ES_TRY(tsql_expect(p, TSQL_TOKEN_RPAREN));
    return nameless ? read_source_alias(p, *ret) : ENTRASQL_OK;
}

static entrasql_status read_plain(tsql_parser *p, tsql_source **ret)
{
    static const tsql_keyword foreign[] = {TSQL_KW_OPENROWSET,     TSQL_KW_OPENQUERY,
                                           TSQL_KW_OPENDATASOURCE, TSQL_KW_OPENXML,
                                           TSQL_KW_CONTAINSTABLE,  TSQL_KW_FREETEXTTABLE};
    for (size_t i = 0; i < ES_COUNT_OF(foreign); i++) {
        if (tsql_is_kw(p, foreign[i]))
            return tsql_unsupported_part(p, tsql_keyword_name(foreign[i]));
    }
    tsql_source *source = new_source(p, TSQL_SOURCE_OBJECT, tsql_span_begin(p));
    if (source == NULL)
        return es_nomem(p->err);
    *ret = source;
    if (!tsql_is(p, TSQL_TOKEN_VARIABLE))
        return read_object_source(p, source);
    source->kind = TSQL_SOURCE_VARIABLE;
    ES_TRY(tsql_read_variable(p, &source->variable));
    return read_source_alias(p, source);
}

static entrasql_status read_one(tsql_parser *p, bool may_be_nameless, tsql_source **ret)
{
    tsql_span span = tsql_span_begin(p);
    if (tsql_is(p, TSQL_TOKEN_LPAREN)) {
        ES_TRY(read_brackets(p, ret));
        if (is_nameless(*ret) && !may_be_nameless)
            return tsql_unexpected(p);
    } else {
        ES_TRY(read_plain(p, ret));
    }
    if (tsql_is_kw(p, TSQL_KW_PIVOT) || tsql_is_kw(p, TSQL_KW_UNPIVOT))
        return tsql_unsupported_part(p, tsql_keyword_name(tsql_at(p)->keyword));
    (*ret)->span = tsql_span_end(p, span);
    return ENTRASQL_OK;
}

/* ---- joins ---- */

static bool is_join(tsql_parser *p)
{
    tsql_keyword next = tsql_ahead(p, 1)->keyword;
    if (tsql_is_kw(p, TSQL_KW_OUTER))
        return tsql_token_is_word(tsql_ahead(p, 1), "APPLY");
    if (tsql_is_kw(p, TSQL_KW_CROSS))
        return next == TSQL_KW_JOIN || tsql_token_is_word(tsql_ahead(p, 1), "APPLY");
    return tsql_is_kw(p, TSQL_KW_JOIN) || tsql_is_kw(p, TSQL_KW_INNER) ||
           tsql_is_kw(p, TSQL_KW_LEFT) || tsql_is_kw(p, TSQL_KW_RIGHT) ||
           tsql_is_kw(p, TSQL_KW_FULL);
}

/* Up to and with JOIN or APPLY. */
static entrasql_status read_join_kind(tsql_parser *p, tsql_join_kind *ret)
{
    if (tsql_accept_kw(p, TSQL_KW_CROSS)) {
        *ret = tsql_accept_word(p, "APPLY") ? TSQL_JOIN_CROSS_APPLY : TSQL_JOIN_CROSS;
        return *ret == TSQL_JOIN_CROSS ? tsql_expect_kw(p, TSQL_KW_JOIN) : ENTRASQL_OK;
    }
    if (tsql_accept_kw(p, TSQL_KW_OUTER)) {
        *ret = TSQL_JOIN_OUTER_APPLY;
        return tsql_expect_word(p, "APPLY");
    }
    *ret = TSQL_JOIN_INNER;
    bool outer = true;
    if (tsql_accept_kw(p, TSQL_KW_LEFT))
        *ret = TSQL_JOIN_LEFT;
    else if (tsql_accept_kw(p, TSQL_KW_RIGHT))
        *ret = TSQL_JOIN_RIGHT;
    else if (tsql_accept_kw(p, TSQL_KW_FULL))
        *ret = TSQL_JOIN_FULL;
    else
        outer = false;
    if (outer)
        (void)tsql_accept_kw(p, TSQL_KW_OUTER);
    else
        outer = tsql_accept_kw(p, TSQL_KW_INNER);
    if (outer && !tsql_accept_word(p, "LOOP") && !tsql_accept_word(p, "HASH") &&
        !tsql_accept_word(p, "REMOTE"))
        (void)tsql_accept_kw(p, TSQL_KW_MERGE);
    return tsql_expect_kw(p, TSQL_KW_JOIN);
}

/* left JOIN right ON ...; in "a JOIN b JOIN c ON x ON y" the right side is itself a join. */
static entrasql_status read_join(tsql_parser *p, tsql_source **left)
{
    tsql_source *join = new_source(p, TSQL_SOURCE_JOIN, (*left)->span);
    if (join == NULL)
        return es_nomem(p->err);
    ES_TRY(tsql_enter(p));
    ES_TRY(read_join_kind(p, &join->join));
    join->left = *left;
    ES_TRY(read_one(p, false, &join->right));
    bool has_on = join->join == TSQL_JOIN_INNER || join->join == TSQL_JOIN_LEFT ||
                  join->join == TSQL_JOIN_RIGHT || join->join == TSQL_JOIN_FULL;
    while (has_on && is_join(p))
        ES_TRY(read_join(p, &join->right));
    if (has_on) {
        ES_TRY(tsql_expect_kw(p, TSQL_KW_ON));
        ES_TRY(tsql_read_cond(p, &join->on));
    }
    join->span = tsql_span_end(p, join->span);
    *left = join;
    tsql_leave(p);
    return tsql_chain_operator(p);
}

static entrasql_status read_joined(tsql_parser *p, bool may_be_nameless, tsql_source **ret)
{
    ES_TRY(tsql_enter(p));
    unsigned begun = tsql_chain_begin(p);
    ES_TRY(read_one(p, may_be_nameless, ret));
    while (is_join(p))
        ES_TRY(read_join(p, ret));
    tsql_chain_end(p, begun);
    tsql_leave(p);
    return ENTRASQL_OK;
}

entrasql_status tsql_read_source(tsql_parser *p, tsql_source **ret)
{
    return read_joined(p, false, ret);
}

entrasql_status tsql_read_from(tsql_parser *p, tsql_source **ret)
{
    unsigned begun = tsql_chain_begin(p);
    ES_TRY(tsql_read_source(p, ret));
    while (tsql_accept(p, TSQL_TOKEN_COMMA)) {
        tsql_source *join = new_source(p, TSQL_SOURCE_JOIN, (*ret)->span);
        if (join == NULL)
            return es_nomem(p->err);
        join->join = TSQL_JOIN_CROSS;
        join->left = *ret;
        ES_TRY(tsql_read_source(p, &join->right));
        join->span = tsql_span_end(p, join->span);
        *ret = join;
        ES_TRY(tsql_chain_operator(p));
    }
    tsql_chain_end(p, begun);
    return ENTRASQL_OK;
}
