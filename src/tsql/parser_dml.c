/* SPDX-License-Identifier: MIT */
/* INSERT, UPDATE, DELETE, TRUNCATE TABLE and what they share with MERGE. */
#include "tsql/parser_impl.h"

/* ---- shared parts ---- */

entrasql_status tsql_read_target(tsql_parser *p, tsql_target *ret)
{
    ret->span = tsql_span_begin(p);
    if (tsql_is(p, TSQL_TOKEN_VARIABLE)) {
        ES_TRY(tsql_read_variable(p, &ret->variable));
    } else {
        if (tsql_is_kw(p, TSQL_KW_OPENROWSET) || tsql_is_kw(p, TSQL_KW_OPENQUERY))
            return tsql_unsupported_part(p, tsql_keyword_name(tsql_at(p)->keyword));
        ES_TRY(tsql_read_object(p, &ret->object));
    }
    ES_TRY(tsql_read_hints(p, &ret->hints));
    ret->span = tsql_span_end(p, ret->span);
    return ENTRASQL_OK;
}

/* "(a, t.b, c)": prefixes are allowed and mean nothing. */
static entrasql_status read_column_list(tsql_parser *p, tsql_names *ret)
{
    ES_TRY(tsql_expect(p, TSQL_TOKEN_LPAREN));
    do {
        tsql_object object;
        ES_TRY(tsql_read_object(p, &object));
        ES_TRY(tsql_push_name(p, ret, object.name));
    } while (tsql_accept(p, TSQL_TOKEN_COMMA));
    return tsql_expect(p, TSQL_TOKEN_RPAREN);
}

entrasql_status tsql_read_output(tsql_parser *p, tsql_output **ret)
{
    if (!tsql_is_word(p, "OUTPUT"))
        return ENTRASQL_OK;
    tsql_output *output = tsql_alloc(p, sizeof *output);
    if (output == NULL)
        return es_nomem(p->err);
    output->span = tsql_span_begin(p);
    tsql_advance(p);
    ES_TRY(tsql_read_items(p, &output->items));
    if (tsql_accept_kw(p, TSQL_KW_INTO)) {
        output->into = tsql_alloc(p, sizeof *output->into);
        if (output->into == NULL)
            return es_nomem(p->err);
        ES_TRY(tsql_read_target(p, output->into));
        if (tsql_is(p, TSQL_TOKEN_LPAREN) && !tsql_is_query_start(p))
            ES_TRY(read_column_list(p, &output->into_columns));
        if (tsql_accept_word(p, "OUTPUT"))
            ES_TRY(tsql_read_items(p, &output->also));
    }
    output->span = tsql_span_end(p, output->span);
    *ret = output;
    return ENTRASQL_OK;
}

static entrasql_status read_value_or_default(tsql_parser *p, tsql_expr **ret)
{
    if (!tsql_is_kw(p, TSQL_KW_DEFAULT))
        return tsql_read_expr(p, ret);
    *ret = tsql_new_expr(p, TSQL_EXPR_DEFAULT, tsql_at(p)->span);
    tsql_advance(p);
    return *ret != NULL ? ENTRASQL_OK : es_nomem(p->err);
}

static void column_of_object(const tsql_object *object, tsql_column_ref *ret)
{
    *ret = (tsql_column_ref){.name = object->name};
    ret->object.name = object->schema;
    ret->object.schema = object->database;
    ret->object.database = object->server;
    ret->object.span = object->span;
}

/* Behind "@v = ": the value, or "column op= value". */
static entrasql_status read_variable_assign(tsql_parser *p, tsql_assign *assign)
{
    ES_TRY(tsql_read_expr(p, &assign->expr));
    bool through_column =
        assign->expr->kind == TSQL_EXPR_COLUMN && !assign->expr->parens && tsql_is_assign(p);
    if (!through_column)
        return ENTRASQL_OK;
    assign->column = *assign->expr->u.column;
    ES_TRY(tsql_read_assign_op(p, &assign->op));
    return read_value_or_default(p, &assign->expr);
}

static entrasql_status read_assign(tsql_parser *p, tsql_assign *assign)
{
    assign->span = tsql_span_begin(p);
    if (tsql_is(p, TSQL_TOKEN_VARIABLE)) {
        ES_TRY(tsql_read_variable(p, &assign->variable));
        ES_TRY(tsql_read_assign_op(p, &assign->op));
        if (assign->op == TSQL_OP_NONE)
            ES_TRY(read_variable_assign(p, assign));
        else
            ES_TRY(tsql_read_expr(p, &assign->expr));
    } else {
        tsql_object object;
        ES_TRY(tsql_read_object(p, &object));
        if (tsql_is(p, TSQL_TOKEN_LPAREN))
            return tsql_unsupported_part(p, "WRITE");
        column_of_object(&object, &assign->column);
        ES_TRY(tsql_read_assign_op(p, &assign->op));
        ES_TRY(read_value_or_default(p, &assign->expr));
    }
    assign->span = tsql_span_end(p, assign->span);
    return ENTRASQL_OK;
}

entrasql_status tsql_read_assigns(tsql_parser *p, tsql_assigns *ret)
{
    do {
        tsql_assign assign = {0};
        ES_TRY(read_assign(p, &assign));
        tsql_assign *items = tsql_room(p, ret->items, ret->count, sizeof *items);
        if (items == NULL)
            return es_nomem(p->err);
        items[ret->count++] = assign;
        ret->items = items;
    } while (tsql_accept(p, TSQL_TOKEN_COMMA));
    return ENTRASQL_OK;
}

/* ---- INSERT ---- */

static entrasql_status read_insert_source(tsql_parser *p, tsql_insert_stmt *insert)
{
    if (tsql_accept_kw(p, TSQL_KW_VALUES)) {
        insert->kind = TSQL_INSERT_VALUES;
        return tsql_read_rows(p, &insert->rows);
    }
    if (tsql_accept_kw(p, TSQL_KW_DEFAULT)) {
        insert->kind = TSQL_INSERT_DEFAULT_VALUES;
        return tsql_expect_kw(p, TSQL_KW_VALUES);
    }
    if (tsql_accept_kw(p, TSQL_KW_EXEC) || tsql_accept_kw(p, TSQL_KW_EXECUTE)) {
        insert->kind = TSQL_INSERT_EXEC;
        return tsql_read_exec(p, &insert->exec);
    }
    if (!tsql_is_query_start(p))
        return tsql_unexpected(p);
    insert->kind = TSQL_INSERT_QUERY;
    return tsql_read_query(p, &insert->query);
}

/* INSERT BULK t (columns) [WITH (hints)] */
static entrasql_status read_insert_bulk(tsql_parser *p, tsql_stmt *stmt)
{
    tsql_insert_bulk_stmt *bulk = tsql_alloc(p, sizeof *bulk);
    if (bulk == NULL)
        return es_nomem(p->err);
    tsql_advance(p);
    ES_TRY(tsql_read_object(p, &bulk->object));
    if (tsql_is(p, TSQL_TOKEN_LPAREN)) {
        tsql_table_def def = {0};
        ES_TRY(tsql_read_table_def(p, &def));
        bulk->columns = def.columns;
        bulk->column_count = def.column_count;
    }
    ES_TRY(tsql_read_hints(p, &bulk->hints));
    stmt->kind = TSQL_STMT_INSERT_BULK;
    stmt->u.insert_bulk = bulk;
    return ENTRASQL_OK;
}

entrasql_status tsql_read_insert(tsql_parser *p, const tsql_with *with, tsql_stmt *stmt)
{
    tsql_advance(p);
    if (tsql_is_kw(p, TSQL_KW_BULK))
        return read_insert_bulk(p, stmt);
    tsql_insert_stmt *insert = tsql_alloc(p, sizeof *insert);
    if (insert == NULL)
        return es_nomem(p->err);
    stmt->kind = TSQL_STMT_INSERT;
    stmt->u.insert = insert;
    insert->with = *with;
    ES_TRY(tsql_read_top(p, &insert->top));
    (void)tsql_accept_kw(p, TSQL_KW_INTO);
    ES_TRY(tsql_read_target(p, &insert->target));
    if (tsql_is(p, TSQL_TOKEN_LPAREN) && !tsql_is_query_start(p))
        ES_TRY(read_column_list(p, &insert->columns));
    ES_TRY(tsql_read_output(p, &insert->output));
    ES_TRY(read_insert_source(p, insert));
    return tsql_read_option(p, &insert->option);
}

/* ---- UPDATE, DELETE, TRUNCATE ---- */

static entrasql_status read_where(tsql_parser *p, tsql_cond **ret)
{
    if (!tsql_accept_kw(p, TSQL_KW_WHERE))
        return ENTRASQL_OK;
    if (tsql_is_kw(p, TSQL_KW_CURRENT))
        return tsql_unsupported_part(p, "CURRENT OF");
    return tsql_read_cond(p, ret);
}

entrasql_status tsql_read_update(tsql_parser *p, const tsql_with *with, tsql_stmt *stmt)
{
    tsql_update_stmt *update = tsql_alloc(p, sizeof *update);
    if (update == NULL)
        return es_nomem(p->err);
    stmt->kind = TSQL_STMT_UPDATE;
    stmt->u.update = update;
    update->with = *with;
    tsql_advance(p);
    ES_TRY(tsql_read_top(p, &update->top));
    ES_TRY(tsql_read_target(p, &update->target));
    ES_TRY(tsql_expect_kw(p, TSQL_KW_SET));
    ES_TRY(tsql_read_assigns(p, &update->set));
    ES_TRY(tsql_read_output(p, &update->output));
    if (tsql_accept_kw(p, TSQL_KW_FROM))
        ES_TRY(tsql_read_from(p, &update->from));
    ES_TRY(read_where(p, &update->where));
    return tsql_read_option(p, &update->option);
}

entrasql_status tsql_read_delete(tsql_parser *p, const tsql_with *with, tsql_stmt *stmt)
{
    tsql_delete_stmt *delete_ = tsql_alloc(p, sizeof *delete_);
    if (delete_ == NULL)
        return es_nomem(p->err);
    stmt->kind = TSQL_STMT_DELETE;
    stmt->u.delete_ = delete_;
    delete_->with = *with;
    tsql_advance(p);
    ES_TRY(tsql_read_top(p, &delete_->top));
    (void)tsql_accept_kw(p, TSQL_KW_FROM);
    ES_TRY(tsql_read_target(p, &delete_->target));
    ES_TRY(tsql_read_output(p, &delete_->output));
    if (tsql_accept_kw(p, TSQL_KW_FROM))
        ES_TRY(tsql_read_from(p, &delete_->from));
    ES_TRY(read_where(p, &delete_->where));
    return tsql_read_option(p, &delete_->option);
}

entrasql_status tsql_read_truncate(tsql_parser *p, tsql_stmt *stmt)
{
    tsql_truncate_stmt *truncate = tsql_alloc(p, sizeof *truncate);
    if (truncate == NULL)
        return es_nomem(p->err);
    stmt->kind = TSQL_STMT_TRUNCATE;
    stmt->u.truncate = truncate;
    tsql_advance(p);
    ES_TRY(tsql_expect_kw(p, TSQL_KW_TABLE));
    return tsql_read_object(p, &truncate->object);
}
