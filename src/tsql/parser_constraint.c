/* SPDX-License-Identifier: MIT */
/* Constraints of columns and tables, key columns, storage options. */
#include "tsql/parser_impl.h"

bool tsql_is_constraint_start(tsql_parser *p)
{
    return tsql_is_kw(p, TSQL_KW_CONSTRAINT) || tsql_is_kw(p, TSQL_KW_PRIMARY) ||
           tsql_is_kw(p, TSQL_KW_UNIQUE) || tsql_is_kw(p, TSQL_KW_FOREIGN) ||
           tsql_is_kw(p, TSQL_KW_REFERENCES) || tsql_is_kw(p, TSQL_KW_CHECK) ||
           tsql_is_kw(p, TSQL_KW_DEFAULT) || tsql_is_kw(p, TSQL_KW_INDEX);
}

tsql_clustered tsql_read_clustered(tsql_parser *p)
{
    if (tsql_accept_kw(p, TSQL_KW_CLUSTERED))
        return TSQL_CLUSTERED_YES;
    return tsql_accept_kw(p, TSQL_KW_NONCLUSTERED) ? TSQL_CLUSTERED_NO : TSQL_CLUSTERED_UNSPECIFIED;
}

entrasql_status tsql_read_index_columns(tsql_parser *p, tsql_index_columns *ret)
{
    ES_TRY(tsql_expect(p, TSQL_TOKEN_LPAREN));
    do {
        tsql_index_column column = {0};
        ES_TRY(tsql_read_name(p, &column.name));
        column.descending = tsql_accept_kw(p, TSQL_KW_DESC);
        if (!column.descending)
            (void)tsql_accept_kw(p, TSQL_KW_ASC);
        tsql_index_column *items = tsql_room(p, ret->items, ret->count, sizeof *items);
        if (items == NULL)
            return es_nomem(p->err);
        items[ret->count++] = column;
        ret->items = items;
    } while (tsql_accept(p, TSQL_TOKEN_COMMA));
    return tsql_expect(p, TSQL_TOKEN_RPAREN);
}

/* "ON filegroup", "ON scheme (column)" */
static entrasql_status skip_filegroup(tsql_parser *p)
{
    tsql_advance(p);
    tsql_name name;
    if (tsql_accept_kw(p, TSQL_KW_PRIMARY) || tsql_accept_kw(p, TSQL_KW_DEFAULT))
        return ENTRASQL_OK;
    ES_TRY(tsql_read_name(p, &name));
    return tsql_is(p, TSQL_TOKEN_LPAREN) ? tsql_skip_parens(p) : ENTRASQL_OK;
}

entrasql_status tsql_skip_storage(tsql_parser *p)
{
    for (;;) {
        const tsql_token *next = tsql_ahead(p, 1);
        if (tsql_is_kw(p, TSQL_KW_WITH) && next->kind == TSQL_TOKEN_LPAREN) {
            tsql_advance(p);
            ES_TRY(tsql_skip_parens(p));
        } else if (tsql_is_kw(p, TSQL_KW_WITH) && next->keyword == TSQL_KW_FILLFACTOR) {
            uint32_t percent;
            tsql_advance(p);
            tsql_advance(p);
            ES_TRY(tsql_expect(p, TSQL_TOKEN_EQ));
            ES_TRY(tsql_read_u32(p, &percent));
        } else if (tsql_is_kw(p, TSQL_KW_ON) || tsql_is_word(p, "TEXTIMAGE_ON") ||
                   tsql_is_word(p, "FILESTREAM_ON")) {
            ES_TRY(skip_filegroup(p));
        } else {
            return ENTRASQL_OK;
        }
    }
}

static entrasql_status skip_not_for_replication(tsql_parser *p)
{
    if (!tsql_is_kw(p, TSQL_KW_NOT) || tsql_ahead(p, 1)->keyword != TSQL_KW_FOR)
        return ENTRASQL_OK;
    tsql_advance(p);
    tsql_advance(p);
    return tsql_expect_kw(p, TSQL_KW_REPLICATION);
}

/* ---- the kinds ---- */

static entrasql_status read_key(tsql_parser *p, bool in_column, tsql_constraint *c)
{
    c->kind = TSQL_CONSTRAINT_UNIQUE;
    if (tsql_accept_kw(p, TSQL_KW_PRIMARY)) {
        c->kind = TSQL_CONSTRAINT_PRIMARY_KEY;
        ES_TRY(tsql_expect_kw(p, TSQL_KW_KEY));
    } else {
        tsql_advance(p);
        (void)tsql_accept_kw(p, TSQL_KW_KEY);
    }
    c->clustered = tsql_read_clustered(p);
    if (!in_column || tsql_is(p, TSQL_TOKEN_LPAREN))
        ES_TRY(tsql_read_index_columns(p, &c->columns));
    return tsql_skip_storage(p);
}

static entrasql_status read_action(tsql_parser *p, tsql_action *ret)
{
    if (tsql_accept_word(p, "NO")) {
        *ret = TSQL_ACTION_NO_ACTION;
        return tsql_expect_word(p, "ACTION");
    }
    if (tsql_accept_kw(p, TSQL_KW_CASCADE)) {
        *ret = TSQL_ACTION_CASCADE;
        return ENTRASQL_OK;
    }
    ES_TRY(tsql_expect_kw(p, TSQL_KW_SET));
    if (tsql_accept_kw(p, TSQL_KW_NULL)) {
        *ret = TSQL_ACTION_SET_NULL;
        return ENTRASQL_OK;
    }
    *ret = TSQL_ACTION_SET_DEFAULT;
    return tsql_expect_kw(p, TSQL_KW_DEFAULT);
}

static entrasql_status read_references(tsql_parser *p, tsql_constraint *c)
{
    c->kind = TSQL_CONSTRAINT_FOREIGN_KEY;
    ES_TRY(tsql_expect_kw(p, TSQL_KW_REFERENCES));
    ES_TRY(tsql_read_object(p, &c->references));
    if (tsql_is(p, TSQL_TOKEN_LPAREN))
        ES_TRY(tsql_read_name_list(p, &c->referenced_columns));
    while (tsql_accept_kw(p, TSQL_KW_ON)) {
        bool on_delete = tsql_accept_kw(p, TSQL_KW_DELETE);
        if (!on_delete)
            ES_TRY(tsql_expect_kw(p, TSQL_KW_UPDATE));
        ES_TRY(read_action(p, on_delete ? &c->on_delete : &c->on_update));
    }
    return skip_not_for_replication(p);
}

static entrasql_status read_foreign_key(tsql_parser *p, bool in_column, tsql_constraint *c)
{
    tsql_advance(p);
    ES_TRY(tsql_expect_kw(p, TSQL_KW_KEY));
    if (!in_column || tsql_is(p, TSQL_TOKEN_LPAREN))
        ES_TRY(tsql_read_index_columns(p, &c->columns));
    return read_references(p, c);
}

static entrasql_status read_check(tsql_parser *p, tsql_constraint *c)
{
    c->kind = TSQL_CONSTRAINT_CHECK;
    tsql_advance(p);
    ES_TRY(skip_not_for_replication(p));
    c->check_text = tsql_span_begin(p);
    ES_TRY(tsql_expect(p, TSQL_TOKEN_LPAREN));
    ES_TRY(tsql_read_cond(p, &c->check));
    ES_TRY(tsql_expect(p, TSQL_TOKEN_RPAREN));
    c->check_text = tsql_span_end(p, c->check_text);
    return ENTRASQL_OK;
}

static entrasql_status read_default(tsql_parser *p, tsql_constraint *c)
{
    c->kind = TSQL_CONSTRAINT_DEFAULT;
    tsql_advance(p);
    c->default_text = tsql_span_begin(p);
    ES_TRY(tsql_read_expr(p, &c->default_value));
    c->default_text = tsql_span_end(p, c->default_text);
    if (tsql_accept_kw(p, TSQL_KW_FOR))
        ES_TRY(tsql_read_name(p, &c->for_column));
    if (tsql_is_kw(p, TSQL_KW_WITH) && tsql_ahead(p, 1)->keyword == TSQL_KW_VALUES) {
        tsql_advance(p);
        tsql_advance(p);
        c->with_values = true;
    }
    return ENTRASQL_OK;
}

/* INDEX name [UNIQUE] [CLUSTERED] [(columns)] */
static entrasql_status read_inline_index(tsql_parser *p, tsql_constraint *c)
{
    c->kind = TSQL_CONSTRAINT_INDEX;
    tsql_advance(p);
    ES_TRY(tsql_read_name(p, &c->name));
    c->unique = tsql_accept_kw(p, TSQL_KW_UNIQUE);
    c->clustered = tsql_read_clustered(p);
    if (tsql_is(p, TSQL_TOKEN_LPAREN))
        ES_TRY(tsql_read_index_columns(p, &c->columns));
    return tsql_skip_storage(p);
}

static entrasql_status read_kind(tsql_parser *p, bool in_column, tsql_constraint *c)
{
    if (tsql_is_kw(p, TSQL_KW_PRIMARY) || tsql_is_kw(p, TSQL_KW_UNIQUE))
        return read_key(p, in_column, c);
    if (tsql_is_kw(p, TSQL_KW_FOREIGN))
        return read_foreign_key(p, in_column, c);
    if (tsql_is_kw(p, TSQL_KW_REFERENCES) && in_column)
        return read_references(p, c);
    if (tsql_is_kw(p, TSQL_KW_CHECK))
        return read_check(p, c);
    if (tsql_is_kw(p, TSQL_KW_DEFAULT))
        return read_default(p, c);
    if (tsql_is_kw(p, TSQL_KW_INDEX) && c->name.text == NULL)
        return read_inline_index(p, c);
    return tsql_unexpected(p);
}

entrasql_status tsql_read_constraint(tsql_parser *p, bool in_column, tsql_constraints *ret)
{
    tsql_constraint c = {.span = tsql_span_begin(p)};
    if (tsql_accept_kw(p, TSQL_KW_CONSTRAINT))
        ES_TRY(tsql_read_name(p, &c.name));
    ES_TRY(read_kind(p, in_column, &c));
    c.span = tsql_span_end(p, c.span);
    tsql_constraint *items = tsql_room(p, ret->items, ret->count, sizeof *items);
    if (items == NULL)
        return es_nomem(p->err);
    items[ret->count++] = c;
    ret->items = items;
    return ENTRASQL_OK;
}
