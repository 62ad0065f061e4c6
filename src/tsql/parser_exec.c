/* SPDX-License-Identifier: MIT */
/* EXECUTE in its forms, and the procedure name that may begin a batch. */
#include "tsql/parser_impl.h"

/* ---- arguments ---- */

/* A bare word is a string, as in "EXEC sp_help Persons". */
static entrasql_status read_word_value(tsql_parser *p, tsql_expr **ret)
{
    tsql_name word;
    ES_TRY(tsql_read_name(p, &word));
    tsql_expr *expr = tsql_new_expr(p, TSQL_EXPR_STRING, word.span);
    if (expr == NULL)
        return es_nomem(p->err);
    expr->text = word.text;
    expr->length = word.length;
    expr->unicode = true;
    *ret = expr;
    return ENTRASQL_OK;
}

static entrasql_status read_value(tsql_parser *p, tsql_expr **ret)
{
    if (tsql_is_kw(p, TSQL_KW_DEFAULT)) {
        *ret = tsql_new_expr(p, TSQL_EXPR_DEFAULT, tsql_at(p)->span);
        tsql_advance(p);
        return *ret != NULL ? ENTRASQL_OK : es_nomem(p->err);
    }
    return tsql_is_name(p) ? read_word_value(p, ret) : tsql_read_constant(p, ret);
}

static bool is_argument_start(tsql_parser *p)
{
    return tsql_is_literal(p) || tsql_is_name(p) || tsql_is(p, TSQL_TOKEN_MINUS) ||
           tsql_is(p, TSQL_TOKEN_PLUS) || tsql_is_kw(p, TSQL_KW_DEFAULT);
}

static entrasql_status read_argument(tsql_parser *p, tsql_exec_stmt *exec)
{
    tsql_exec_arg arg = {.span = tsql_span_begin(p)};
    if (tsql_is(p, TSQL_TOKEN_VARIABLE) && tsql_ahead(p, 1)->kind == TSQL_TOKEN_EQ) {
        ES_TRY(tsql_read_variable(p, &arg.name));
        tsql_advance(p);
    }
    ES_TRY(read_value(p, &arg.value));
    if (arg.value->kind == TSQL_EXPR_VARIABLE)
        arg.output = tsql_accept_word(p, "OUTPUT") || tsql_accept_word(p, "OUT");
    arg.span = tsql_span_end(p, arg.span);
    tsql_exec_arg *items = tsql_room(p, exec->args, exec->arg_count, sizeof *items);
    if (items == NULL)
        return es_nomem(p->err);
    items[exec->arg_count++] = arg;
    exec->args = items;
    return ENTRASQL_OK;
}

/* WITH RECOMPILE, WITH RESULT SETS (...): read, without effect. */
static entrasql_status skip_exec_options(tsql_parser *p)
{
    if (!tsql_is_kw(p, TSQL_KW_WITH))
        return ENTRASQL_OK;
    if (tsql_token_is_word(tsql_ahead(p, 1), "RECOMPILE")) {
        tsql_advance(p);
        tsql_advance(p);
        return ENTRASQL_OK;
    }
    if (!tsql_token_is_word(tsql_ahead(p, 1), "RESULT"))
        return ENTRASQL_OK;
    tsql_advance(p);
    tsql_advance(p);
    ES_TRY(tsql_expect_word(p, "SETS"));
    if (tsql_accept_word(p, "NONE") || tsql_accept_word(p, "UNDEFINED"))
        return ENTRASQL_OK;
    return tsql_skip_parens(p);
}

/* From the procedure's name on. */
static entrasql_status read_call(tsql_parser *p, tsql_exec_stmt *exec)
{
    if (tsql_is(p, TSQL_TOKEN_VARIABLE)) {
        exec->kind = TSQL_EXEC_VARIABLE;
        ES_TRY(tsql_read_variable(p, &exec->variable));
    } else {
        exec->kind = TSQL_EXEC_PROCEDURE;
        ES_TRY(tsql_read_object(p, &exec->object));
    }
    bool group_number = tsql_is(p, TSQL_TOKEN_SEMICOLON) &&
                        tsql_ahead(p, 1)->kind == TSQL_TOKEN_INTEGER; /* "proc;1" */
    if (group_number) {
        tsql_advance(p);
        tsql_advance(p);
    }
    if (is_argument_start(p)) {
        do {
            ES_TRY(read_argument(p, exec));
        } while (tsql_accept(p, TSQL_TOKEN_COMMA));
    }
    return skip_exec_options(p);
}

/* EXEC ('..' + @x [, ...]) [AS USER = 'x'] */
static entrasql_status read_string(tsql_parser *p, tsql_exec_stmt *exec)
{
    exec->kind = TSQL_EXEC_STRING;
    tsql_advance(p);
    do {
        if (!tsql_is(p, TSQL_TOKEN_STRING) && !tsql_is(p, TSQL_TOKEN_VARIABLE))
            return tsql_unexpected(p);
        tsql_expr *piece;
        ES_TRY(tsql_read_literal(p, &piece));
        ES_TRY(tsql_push_expr(p, &exec->strings, piece));
    } while (tsql_accept(p, TSQL_TOKEN_PLUS));
    ES_TRY(tsql_expect(p, TSQL_TOKEN_RPAREN));
    if (tsql_is_word(p, "AT"))
        return tsql_unsupported_part(p, "EXECUTE AT");
    if (!tsql_accept_kw(p, TSQL_KW_AS))
        return ENTRASQL_OK;
    exec->as_user = tsql_accept_kw(p, TSQL_KW_USER);
    if (!exec->as_user)
        ES_TRY(tsql_expect_word(p, "LOGIN"));
    ES_TRY(tsql_expect(p, TSQL_TOKEN_EQ));
    if (!tsql_is(p, TSQL_TOKEN_STRING))
        return tsql_unexpected(p);
    ES_TRY(tsql_token_text(p, tsql_at(p), &exec->as_name));
    tsql_advance(p);
    return ENTRASQL_OK;
}

entrasql_status tsql_read_exec(tsql_parser *p, tsql_exec_stmt **ret)
{
    tsql_exec_stmt *exec = tsql_alloc(p, sizeof *exec);
    if (exec == NULL)
        return es_nomem(p->err);
    *ret = exec;
    if (tsql_is(p, TSQL_TOKEN_LPAREN))
        return read_string(p, exec);
    if (tsql_is(p, TSQL_TOKEN_VARIABLE) && tsql_ahead(p, 1)->kind == TSQL_TOKEN_EQ) {
        ES_TRY(tsql_read_variable(p, &exec->return_variable));
        tsql_advance(p);
    }
    return read_call(p, exec);
}

entrasql_status tsql_read_bare_exec(tsql_parser *p, tsql_stmt *stmt)
{
    tsql_exec_stmt *exec = tsql_alloc(p, sizeof *exec);
    if (exec == NULL)
        return es_nomem(p->err);
    stmt->kind = TSQL_STMT_EXEC;
    stmt->u.exec = exec;
    exec->bare = true;
    return read_call(p, exec);
}

/* ---- EXECUTE AS ---- */

static entrasql_status read_execute_as(tsql_parser *p, tsql_stmt *stmt)
{
    tsql_execute_as_stmt *as = tsql_alloc(p, sizeof *as);
    if (as == NULL)
        return es_nomem(p->err);
    stmt->kind = TSQL_STMT_EXECUTE_AS;
    stmt->u.execute_as = as;
    tsql_advance(p);
    if (tsql_accept_word(p, "CALLER"))
        return ENTRASQL_OK;
    as->login = tsql_accept_word(p, "LOGIN");
    if (!as->login)
        ES_TRY(tsql_expect_kw(p, TSQL_KW_USER));
    ES_TRY(tsql_expect(p, TSQL_TOKEN_EQ));
    return tsql_read_constant(p, &as->name);
}

entrasql_status tsql_read_exec_statement(tsql_parser *p, tsql_stmt *stmt)
{
    tsql_advance(p);
    if (tsql_is_kw(p, TSQL_KW_AS))
        return read_execute_as(p, stmt);
    stmt->kind = TSQL_STMT_EXEC;
    return tsql_read_exec(p, &stmt->u.exec);
}
