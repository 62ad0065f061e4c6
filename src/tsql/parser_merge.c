/* SPDX-License-Identifier: MIT */
/* MERGE, which alone must end with a semicolon. */
#include "tsql/parser_impl.h"

static entrasql_status read_insert_action(tsql_parser *p, tsql_merge_when *when)
{
    when->action = TSQL_MERGE_INSERT;
    if (tsql_is(p, TSQL_TOKEN_LPAREN)) {
        ES_TRY(tsql_expect(p, TSQL_TOKEN_LPAREN));
        do {
            tsql_object object;
            ES_TRY(tsql_read_object(p, &object));
            ES_TRY(tsql_push_name(p, &when->columns, object.name));
        } while (tsql_accept(p, TSQL_TOKEN_COMMA));
        ES_TRY(tsql_expect(p, TSQL_TOKEN_RPAREN));
    }
    if (tsql_accept_kw(p, TSQL_KW_DEFAULT)) {
        when->default_values = true;
        return tsql_expect_kw(p, TSQL_KW_VALUES);
    }
    ES_TRY(tsql_expect_kw(p, TSQL_KW_VALUES));
    tsql_rows rows = {0};
    ES_TRY(tsql_read_rows(p, &rows));
    if (rows.count != 1)
        return tsql_unexpected(p);
    when->values = rows.items[0];
    return ENTRASQL_OK;
}

static entrasql_status read_action(tsql_parser *p, tsql_merge_when *when)
{
    if (tsql_accept_kw(p, TSQL_KW_DELETE)) {
        when->action = TSQL_MERGE_DELETE;
        return ENTRASQL_OK;
    }
    if (tsql_accept_kw(p, TSQL_KW_UPDATE)) {
        when->action = TSQL_MERGE_UPDATE;
        ES_TRY(tsql_expect_kw(p, TSQL_KW_SET));
        return tsql_read_assigns(p, &when->set);
    }
    ES_TRY(tsql_expect_kw(p, TSQL_KW_INSERT));
    return read_insert_action(p, when);
}

/* Behind WHEN. */
static entrasql_status read_merge_when(tsql_parser *p, tsql_merge_when *when)
{
    bool negated = tsql_accept_kw(p, TSQL_KW_NOT);
    ES_TRY(tsql_expect_word(p, "MATCHED"));
    when->kind = negated ? TSQL_MERGE_NOT_MATCHED : TSQL_MERGE_MATCHED;
    if (negated && tsql_accept_kw(p, TSQL_KW_BY)) {
        if (tsql_accept_word(p, "SOURCE"))
            when->kind = TSQL_MERGE_NOT_MATCHED_BY_SOURCE;
        else
            ES_TRY(tsql_expect_word(p, "TARGET"));
    }
    if (tsql_accept_kw(p, TSQL_KW_AND))
        ES_TRY(tsql_read_cond(p, &when->cond));
    ES_TRY(tsql_expect_kw(p, TSQL_KW_THEN));
    ES_TRY(read_action(p, when));
    when->span = tsql_span_end(p, when->span);
    return ENTRASQL_OK;
}

static entrasql_status read_merge_whens(tsql_parser *p, tsql_merge_stmt *merge)
{
    while (tsql_is_kw(p, TSQL_KW_WHEN)) {
        tsql_merge_when when = {.span = tsql_span_begin(p)};
        tsql_advance(p);
        ES_TRY(read_merge_when(p, &when));
        tsql_merge_when *items = tsql_room(p, merge->whens, merge->when_count, sizeof *items);
        if (items == NULL)
            return es_nomem(p->err);
        items[merge->when_count++] = when;
        merge->whens = items;
    }
    return merge->when_count != 0 ? ENTRASQL_OK : tsql_unexpected(p);
}

static entrasql_status read_target(tsql_parser *p, tsql_merge_stmt *merge)
{
    (void)tsql_accept_kw(p, TSQL_KW_INTO);
    ES_TRY(tsql_read_target(p, &merge->target));
    bool as = tsql_accept_kw(p, TSQL_KW_AS);
    if (as || (tsql_is_name(p) && !tsql_is_word(p, "USING")))
        ES_TRY(tsql_read_name(p, &merge->alias));
    ES_TRY(tsql_read_hints(p, &merge->target.hints));
    return tsql_expect_word(p, "USING");
}

entrasql_status tsql_read_merge(tsql_parser *p, const tsql_with *with, tsql_stmt *stmt)
{
    tsql_merge_stmt *merge = tsql_alloc(p, sizeof *merge);
    if (merge == NULL)
        return es_nomem(p->err);
    stmt->kind = TSQL_STMT_MERGE;
    stmt->u.merge = merge;
    merge->with = *with;
    tsql_advance(p);
    ES_TRY(tsql_read_top(p, &merge->top));
    ES_TRY(read_target(p, merge));
    ES_TRY(tsql_read_source(p, &merge->source));
    ES_TRY(tsql_expect_kw(p, TSQL_KW_ON));
    ES_TRY(tsql_read_cond(p, &merge->on));
    ES_TRY(read_merge_whens(p, merge));
    ES_TRY(tsql_read_output(p, &merge->output));
    ES_TRY(tsql_read_option(p, &merge->option));
    if (tsql_is(p, TSQL_TOKEN_SEMICOLON))
        return ENTRASQL_OK;
    if (!tsql_is(p, TSQL_TOKEN_END) && !tsql_is_statement_start(p))
        return tsql_unexpected(p);
    return tsql_sql_error(p->err, 10713, p->last.span.line,
                          "A MERGE statement must be terminated by a semi-colon (;).");
}
