/* SPDX-License-Identifier: MIT */
/* Transactions, flow control, messages and the other small statements. */
#include "tsql/parser_impl.h"

/* ---- blocks ---- */

/* Statements up to END; END itself stays. An empty block is an error that names END. */
static entrasql_status read_block_body(tsql_parser *p, bool may_be_empty, tsql_stmts *ret)
{
    ES_TRY(tsql_read_statements(p, ret));
    if (ret->count == 0 && !may_be_empty && tsql_is_kw(p, TSQL_KW_END))
        return tsql_sql_error(p->err, 102, tsql_at(p)->span.line, "Incorrect syntax near '%.*s'.",
                              (int)tsql_at(p)->length, tsql_at(p)->text);
    return tsql_expect_kw(p, TSQL_KW_END);
}

/* BEGIN TRY ... END TRY BEGIN CATCH ... END CATCH, at TRY. */
static entrasql_status read_try(tsql_parser *p, tsql_stmt *stmt)
{
    tsql_try_stmt *try_ = tsql_alloc(p, sizeof *try_);
    if (try_ == NULL)
        return es_nomem(p->err);
    stmt->kind = TSQL_STMT_TRY;
    stmt->u.try_ = try_;
    tsql_advance(p);
    ES_TRY(read_block_body(p, false, &try_->body));
    ES_TRY(tsql_expect_word(p, "TRY"));
    ES_TRY(tsql_expect_kw(p, TSQL_KW_BEGIN));
    ES_TRY(tsql_expect_word(p, "CATCH"));
    ES_TRY(read_block_body(p, true, &try_->handler));
    return tsql_expect_word(p, "CATCH");
}

entrasql_status tsql_read_block(tsql_parser *p, tsql_stmt *stmt)
{
    tsql_advance(p);
    if (tsql_is_kw(p, TSQL_KW_TRAN) || tsql_is_kw(p, TSQL_KW_TRANSACTION))
        return tsql_read_tran(p, TSQL_TRAN_BEGIN, stmt);
    if (tsql_is_kw(p, TSQL_KW_DISTRIBUTED))
        return tsql_unsupported_statement(p, "BEGIN DISTRIBUTED TRANSACTION");
    if (tsql_is_word(p, "TRY"))
        return read_try(p, stmt);
    tsql_block_stmt *block = tsql_alloc(p, sizeof *block);
    if (block == NULL)
        return es_nomem(p->err);
    stmt->kind = TSQL_STMT_BLOCK;
    stmt->u.block = block;
    return read_block_body(p, false, &block->body);
}

entrasql_status tsql_read_if(tsql_parser *p, tsql_stmt *stmt)
{
    tsql_if_stmt *if_ = tsql_alloc(p, sizeof *if_);
    if (if_ == NULL)
        return es_nomem(p->err);
    stmt->kind = TSQL_STMT_IF;
    stmt->u.if_ = if_;
    tsql_advance(p);
    ES_TRY(tsql_read_cond(p, &if_->cond));
    ES_TRY(tsql_read_statement(p, &if_->then));
    if (tsql_is(p, TSQL_TOKEN_SEMICOLON) && tsql_ahead(p, 1)->keyword == TSQL_KW_ELSE)
        tsql_advance(p);
    return tsql_accept_kw(p, TSQL_KW_ELSE) ? tsql_read_statement(p, &if_->otherwise) : ENTRASQL_OK;
}

entrasql_status tsql_read_while(tsql_parser *p, tsql_stmt *stmt)
{
    tsql_while_stmt *while_ = tsql_alloc(p, sizeof *while_);
    if (while_ == NULL)
        return es_nomem(p->err);
    stmt->kind = TSQL_STMT_WHILE;
    stmt->u.while_ = while_;
    tsql_advance(p);
    ES_TRY(tsql_read_cond(p, &while_->cond));
    return tsql_read_statement(p, &while_->body);
}

/* ---- RETURN, PRINT, errors ---- */

/* Whether a scalar begins here rather than the next statement. */
static bool is_expr_start(tsql_parser *p)
{
    static const tsql_keyword functions[] = {
        TSQL_KW_CASE,         TSQL_KW_CONVERT,      TSQL_KW_TRY_CONVERT,
        TSQL_KW_COALESCE,     TSQL_KW_NULLIF,       TSQL_KW_LEFT,
        TSQL_KW_RIGHT,        TSQL_KW_CURRENT_USER, TSQL_KW_CURRENT_TIMESTAMP,
        TSQL_KW_SESSION_USER, TSQL_KW_SYSTEM_USER,  TSQL_KW_USER,
    };
    for (size_t i = 0; i < ES_COUNT_OF(functions); i++) {
        if (tsql_is_kw(p, functions[i]))
            return true;
    }
    if (tsql_is_name(p))
        return tsql_ahead(p, 1)->kind != TSQL_TOKEN_COLON;
    return tsql_is_literal(p) || tsql_is(p, TSQL_TOKEN_LPAREN) || tsql_is(p, TSQL_TOKEN_MINUS) ||
           tsql_is(p, TSQL_TOKEN_PLUS) || tsql_is(p, TSQL_TOKEN_TILDE);
}

entrasql_status tsql_read_return(tsql_parser *p, tsql_stmt *stmt)
{
    tsql_expr_stmt *return_ = tsql_alloc(p, sizeof *return_);
    if (return_ == NULL)
        return es_nomem(p->err);
    stmt->kind = TSQL_STMT_RETURN;
    stmt->u.expr = return_;
    tsql_advance(p);
    return is_expr_start(p) ? tsql_read_expr(p, &return_->expr) : ENTRASQL_OK;
}

entrasql_status tsql_read_print(tsql_parser *p, tsql_stmt *stmt)
{
    tsql_expr_stmt *print = tsql_alloc(p, sizeof *print);
    if (print == NULL)
        return es_nomem(p->err);
    stmt->kind = TSQL_STMT_PRINT;
    stmt->u.expr = print;
    tsql_advance(p);
    return tsql_read_expr(p, &print->expr);
}

static entrasql_status read_raiserror_options(tsql_parser *p, tsql_raiserror_stmt *raiserror)
{
    if (!tsql_accept_kw(p, TSQL_KW_WITH))
        return ENTRASQL_OK;
    do {
        if (tsql_accept_word(p, "LOG"))
            raiserror->log = true;
        else if (tsql_accept_word(p, "NOWAIT"))
            raiserror->nowait = true;
        else if (tsql_accept_word(p, "SETERROR"))
            raiserror->seterror = true;
        else
            return tsql_unexpected(p);
    } while (tsql_accept(p, TSQL_TOKEN_COMMA));
    return ENTRASQL_OK;
}

entrasql_status tsql_read_raiserror(tsql_parser *p, tsql_stmt *stmt)
{
    tsql_raiserror_stmt *raiserror = tsql_alloc(p, sizeof *raiserror);
    if (raiserror == NULL)
        return es_nomem(p->err);
    stmt->kind = TSQL_STMT_RAISERROR;
    stmt->u.raiserror = raiserror;
    tsql_advance(p);
    ES_TRY(tsql_expect(p, TSQL_TOKEN_LPAREN));
    ES_TRY(tsql_read_constant(p, &raiserror->message));
    ES_TRY(tsql_expect(p, TSQL_TOKEN_COMMA));
    ES_TRY(tsql_read_constant(p, &raiserror->severity));
    ES_TRY(tsql_expect(p, TSQL_TOKEN_COMMA));
    ES_TRY(tsql_read_constant(p, &raiserror->state));
    while (tsql_accept(p, TSQL_TOKEN_COMMA)) {
        tsql_expr *argument;
        ES_TRY(tsql_read_constant(p, &argument));
        ES_TRY(tsql_push_expr(p, &raiserror->args, argument));
    }
    ES_TRY(tsql_expect(p, TSQL_TOKEN_RPAREN));
    return read_raiserror_options(p, raiserror);
}

entrasql_status tsql_read_throw(tsql_parser *p, tsql_stmt *stmt)
{
    tsql_throw_stmt *throw_ = tsql_alloc(p, sizeof *throw_);
    if (throw_ == NULL)
        return es_nomem(p->err);
    stmt->kind = TSQL_STMT_THROW;
    stmt->u.throw_ = throw_;
    tsql_advance(p);
    if (!tsql_is_literal(p))
        return ENTRASQL_OK;
    ES_TRY(tsql_read_literal(p, &throw_->number));
    ES_TRY(tsql_expect(p, TSQL_TOKEN_COMMA));
    ES_TRY(tsql_read_literal(p, &throw_->message));
    ES_TRY(tsql_expect(p, TSQL_TOKEN_COMMA));
    return tsql_read_literal(p, &throw_->state);
}

/* ---- transactions ---- */

static entrasql_status read_tran_name(tsql_parser *p, tsql_tran_stmt *tran)
{
    if (tsql_is(p, TSQL_TOKEN_VARIABLE))
        return tsql_read_variable(p, &tran->variable);
    return tsql_is_name(p) ? tsql_read_name(p, &tran->name) : ENTRASQL_OK;
}

/* BEGIN TRAN is at TRAN, the others are at their own word. */
entrasql_status tsql_read_tran(tsql_parser *p, tsql_tran_kind kind, tsql_stmt *stmt)
{
    tsql_tran_stmt *tran = tsql_alloc(p, sizeof *tran);
    if (tran == NULL)
        return es_nomem(p->err);
    stmt->kind = TSQL_STMT_TRAN;
    stmt->u.tran = tran;
    tran->kind = kind;
    if (kind != TSQL_TRAN_BEGIN)
        tsql_advance(p);
    bool named = tsql_accept_kw(p, TSQL_KW_TRAN) || tsql_accept_kw(p, TSQL_KW_TRANSACTION);
    if (named)
        ES_TRY(read_tran_name(p, tran));
    else if (kind == TSQL_TRAN_COMMIT || kind == TSQL_TRAN_ROLLBACK)
        (void)tsql_accept_word(p, "WORK");
    bool has_name = tran->name.text != NULL || tran->variable != NULL;
    if (kind == TSQL_TRAN_SAVE && !has_name)
        return tsql_unexpected(p);
    bool with_mark = kind == TSQL_TRAN_BEGIN && has_name && tsql_is_kw(p, TSQL_KW_WITH) &&
                     tsql_token_is_word(tsql_ahead(p, 1), "MARK");
    if (with_mark) {
        tsql_advance(p);
        tsql_advance(p);
        (void)tsql_accept(p, TSQL_TOKEN_STRING);
    }
    bool with_durability = kind == TSQL_TRAN_COMMIT && tsql_is_kw(p, TSQL_KW_WITH) &&
                           tsql_ahead(p, 1)->kind == TSQL_TOKEN_LPAREN;
    if (!with_durability)
        return ENTRASQL_OK;
    tsql_advance(p);
    return tsql_skip_parens(p);
}

/* ---- DECLARE ---- */

static entrasql_status read_declare_item(tsql_parser *p, tsql_declare_item *item)
{
    item->span = tsql_span_begin(p);
    ES_TRY(tsql_read_variable(p, &item->name));
    (void)tsql_accept_kw(p, TSQL_KW_AS);
    if (tsql_accept_kw(p, TSQL_KW_TABLE)) {
        item->is_table = true;
        ES_TRY(tsql_read_table_def(p, &item->table));
    } else if (tsql_accept_kw(p, TSQL_KW_CURSOR)) {
        item->is_cursor = true;
    } else {
        ES_TRY(tsql_read_type(p, &item->type));
        if (tsql_accept(p, TSQL_TOKEN_EQ))
            ES_TRY(tsql_read_expr(p, &item->init));
    }
    item->span = tsql_span_end(p, item->span);
    return ENTRASQL_OK;
}

entrasql_status tsql_read_declare(tsql_parser *p, tsql_stmt *stmt)
{
    if (tsql_is_cursor_declare(p))
        return tsql_read_cursor(p, stmt);
    tsql_declare_stmt *declare = tsql_alloc(p, sizeof *declare);
    if (declare == NULL)
        return es_nomem(p->err);
    stmt->kind = TSQL_STMT_DECLARE;
    stmt->u.declare = declare;
    tsql_advance(p);
    do {
        tsql_declare_item item = {0};
        ES_TRY(read_declare_item(p, &item));
        tsql_declare_item *items = tsql_room(p, declare->items, declare->count, sizeof *items);
        if (items == NULL)
            return es_nomem(p->err);
        items[declare->count++] = item;
        declare->items = items;
    } while (tsql_accept(p, TSQL_TOKEN_COMMA));
    return ENTRASQL_OK;
}

/* ---- USE, WAITFOR, GOTO, DBCC ---- */

entrasql_status tsql_read_use(tsql_parser *p, tsql_stmt *stmt)
{
    tsql_use_stmt *use = tsql_alloc(p, sizeof *use);
    if (use == NULL)
        return es_nomem(p->err);
    stmt->kind = TSQL_STMT_USE;
    stmt->u.use = use;
    tsql_advance(p);
    return tsql_read_name(p, &use->database);
}

entrasql_status tsql_read_waitfor(tsql_parser *p, tsql_stmt *stmt)
{
    tsql_waitfor_stmt *waitfor = tsql_alloc(p, sizeof *waitfor);
    if (waitfor == NULL)
        return es_nomem(p->err);
    stmt->kind = TSQL_STMT_WAITFOR;
    stmt->u.waitfor = waitfor;
    tsql_advance(p);
    if (tsql_is(p, TSQL_TOKEN_LPAREN))
        return tsql_unsupported_part(p, "WAITFOR (statement)");
    waitfor->until = tsql_accept_word(p, "TIME");
    if (!waitfor->until)
        ES_TRY(tsql_expect_word(p, "DELAY"));
    return tsql_read_literal(p, &waitfor->time);
}

entrasql_status tsql_read_goto(tsql_parser *p, tsql_stmt *stmt)
{
    tsql_label_stmt *label = tsql_alloc(p, sizeof *label);
    if (label == NULL)
        return es_nomem(p->err);
    stmt->kind = TSQL_STMT_GOTO;
    stmt->u.label = label;
    tsql_advance(p);
    return tsql_read_name(p, &label->label);
}

static entrasql_status read_dbcc_argument(tsql_parser *p, tsql_exprs *args)
{
    tsql_expr *argument;
    if (tsql_is(p, TSQL_TOKEN_WORD) || tsql_is(p, TSQL_TOKEN_QUOTED)) {
        tsql_name word;
        ES_TRY(tsql_read_any_word(p, &word));
        argument = tsql_new_expr(p, TSQL_EXPR_STRING, word.span);
        if (argument == NULL)
            return es_nomem(p->err);
        argument->text = word.text;
        argument->length = word.length;
    } else {
        ES_TRY(tsql_read_constant(p, &argument));
    }
    return tsql_push_expr(p, args, argument);
}

entrasql_status tsql_read_dbcc(tsql_parser *p, tsql_stmt *stmt)
{
    tsql_dbcc_stmt *dbcc = tsql_alloc(p, sizeof *dbcc);
    if (dbcc == NULL)
        return es_nomem(p->err);
    stmt->kind = TSQL_STMT_DBCC;
    stmt->u.dbcc = dbcc;
    tsql_advance(p);
    ES_TRY(tsql_read_name(p, &dbcc->command));
    if (tsql_accept(p, TSQL_TOKEN_LPAREN)) {
        do {
            ES_TRY(read_dbcc_argument(p, &dbcc->args));
        } while (tsql_accept(p, TSQL_TOKEN_COMMA));
        ES_TRY(tsql_expect(p, TSQL_TOKEN_RPAREN));
    }
    if (!tsql_accept_kw(p, TSQL_KW_WITH))
        return ENTRASQL_OK;
    do {
        tsql_name option;
        ES_TRY(tsql_read_name(p, &option));
        ES_TRY(tsql_push_name(p, &dbcc->options, option));
    } while (tsql_accept(p, TSQL_TOKEN_COMMA));
    return ENTRASQL_OK;
}
