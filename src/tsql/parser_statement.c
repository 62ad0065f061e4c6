/* SPDX-License-Identifier: MIT */
/* Which statement begins here, and lists of statements. */
#include "tsql/parser_impl.h"

tsql_stmt *tsql_new_stmt(tsql_parser *p, tsql_stmt_kind kind, tsql_span span)
{
    tsql_stmt *stmt = tsql_alloc(p, sizeof *stmt);
    if (stmt != NULL) {
        stmt->kind = kind;
        stmt->span = span;
    }
    return stmt;
}

/* ---- readers that need a word more ---- */

static entrasql_status read_select(tsql_parser *p, tsql_stmt *stmt)
{
    stmt->kind = TSQL_STMT_SELECT;
    return tsql_read_select(p, &stmt->u.select);
}

/* WITH ... SELECT | INSERT | UPDATE | DELETE | MERGE */
static entrasql_status read_with(tsql_parser *p, tsql_stmt *stmt)
{
    tsql_with with = {0};
    ES_TRY(tsql_read_with(p, &with));
    if (tsql_is_kw(p, TSQL_KW_INSERT))
        return tsql_read_insert(p, &with, stmt);
    if (tsql_is_kw(p, TSQL_KW_UPDATE))
        return tsql_read_update(p, &with, stmt);
    if (tsql_is_kw(p, TSQL_KW_DELETE))
        return tsql_read_delete(p, &with, stmt);
    if (tsql_is_kw(p, TSQL_KW_MERGE))
        return tsql_read_merge(p, &with, stmt);
    if (!tsql_is_query_start(p))
        return tsql_unexpected(p);
    ES_TRY(read_select(p, stmt));
    stmt->u.select->with = with;
    return ENTRASQL_OK;
}

static const tsql_with no_with;

static entrasql_status read_insert(tsql_parser *p, tsql_stmt *stmt)
{
    return tsql_read_insert(p, &no_with, stmt);
}

static entrasql_status read_update(tsql_parser *p, tsql_stmt *stmt)
{
    return tsql_read_update(p, &no_with, stmt);
}

static entrasql_status read_delete(tsql_parser *p, tsql_stmt *stmt)
{
    return tsql_read_delete(p, &no_with, stmt);
}

static entrasql_status read_merge(tsql_parser *p, tsql_stmt *stmt)
{
    return tsql_read_merge(p, &no_with, stmt);
}

static entrasql_status read_commit(tsql_parser *p, tsql_stmt *stmt)
{
    return tsql_read_tran(p, TSQL_TRAN_COMMIT, stmt);
}

static entrasql_status read_rollback(tsql_parser *p, tsql_stmt *stmt)
{
    return tsql_read_tran(p, TSQL_TRAN_ROLLBACK, stmt);
}

static entrasql_status read_save(tsql_parser *p, tsql_stmt *stmt)
{
    return tsql_read_tran(p, TSQL_TRAN_SAVE, stmt);
}

static entrasql_status read_break(tsql_parser *p, tsql_stmt *stmt)
{
    tsql_advance(p);
    stmt->kind = TSQL_STMT_BREAK;
    return ENTRASQL_OK;
}

static entrasql_status read_continue(tsql_parser *p, tsql_stmt *stmt)
{
    tsql_advance(p);
    stmt->kind = TSQL_STMT_CONTINUE;
    return ENTRASQL_OK;
}

static entrasql_status read_revert(tsql_parser *p, tsql_stmt *stmt)
{
    tsql_advance(p);
    stmt->kind = TSQL_STMT_REVERT;
    return ENTRASQL_OK;
}

static entrasql_status read_unsupported(tsql_parser *p, tsql_stmt *stmt)
{
    (void)stmt;
    return tsql_unsupported_statement(p, tsql_keyword_name(tsql_at(p)->keyword));
}

/* ---- the table of statements ---- */

typedef entrasql_status statement_reader(tsql_parser *p, tsql_stmt *stmt);

static statement_reader *const readers[TSQL_KW_COUNT] = {
    [TSQL_KW_SELECT] = read_select,
    [TSQL_KW_WITH] = read_with,
    [TSQL_KW_INSERT] = read_insert,
    [TSQL_KW_UPDATE] = read_update,
    [TSQL_KW_DELETE] = read_delete,
    [TSQL_KW_MERGE] = read_merge,
    [TSQL_KW_TRUNCATE] = tsql_read_truncate,
    [TSQL_KW_CREATE] = tsql_read_create,
    [TSQL_KW_ALTER] = tsql_read_alter,
    [TSQL_KW_DROP] = tsql_read_drop,
    [TSQL_KW_GRANT] = tsql_read_grant,
    [TSQL_KW_DENY] = tsql_read_grant,
    [TSQL_KW_REVOKE] = tsql_read_grant,
    [TSQL_KW_BEGIN] = tsql_read_block,
    [TSQL_KW_COMMIT] = read_commit,
    [TSQL_KW_ROLLBACK] = read_rollback,
    [TSQL_KW_SAVE] = read_save,
    [TSQL_KW_SET] = tsql_read_set,
    [TSQL_KW_DECLARE] = tsql_read_declare,
    [TSQL_KW_IF] = tsql_read_if,
    [TSQL_KW_WHILE] = tsql_read_while,
    [TSQL_KW_BREAK] = read_break,
    [TSQL_KW_CONTINUE] = read_continue,
    [TSQL_KW_RETURN] = tsql_read_return,
    [TSQL_KW_PRINT] = tsql_read_print,
    [TSQL_KW_RAISERROR] = tsql_read_raiserror,
    [TSQL_KW_EXEC] = tsql_read_exec_statement,
    [TSQL_KW_EXECUTE] = tsql_read_exec_statement,
    [TSQL_KW_USE] = tsql_read_use,
    [TSQL_KW_WAITFOR] = tsql_read_waitfor,
    [TSQL_KW_GOTO] = tsql_read_goto,
    [TSQL_KW_DBCC] = tsql_read_dbcc,
    [TSQL_KW_REVERT] = read_revert,
    [TSQL_KW_OPEN] = tsql_read_cursor,
    [TSQL_KW_FETCH] = tsql_read_cursor,
    [TSQL_KW_CLOSE] = tsql_read_cursor,
    [TSQL_KW_DEALLOCATE] = tsql_read_cursor,
    [TSQL_KW_BACKUP] = read_unsupported,
    [TSQL_KW_BULK] = read_unsupported,
    [TSQL_KW_CHECKPOINT] = read_unsupported,
    [TSQL_KW_KILL] = read_unsupported,
    [TSQL_KW_READTEXT] = read_unsupported,
    [TSQL_KW_RECONFIGURE] = read_unsupported,
    [TSQL_KW_RESTORE] = read_unsupported,
    [TSQL_KW_SETUSER] = read_unsupported,
    [TSQL_KW_SHUTDOWN] = read_unsupported,
    [TSQL_KW_UPDATETEXT] = read_unsupported,
    [TSQL_KW_WRITETEXT] = read_unsupported,
};

static bool is_label(tsql_parser *p)
{
    return tsql_is_name(p) && tsql_ahead(p, 1)->kind == TSQL_TOKEN_COLON;
}

bool tsql_is_statement_start(tsql_parser *p)
{
    return readers[tsql_at(p)->keyword] != NULL || is_label(p) || tsql_is_word(p, "THROW") ||
           (tsql_is(p, TSQL_TOKEN_LPAREN) && tsql_is_query_start(p));
}

static entrasql_status read_label(tsql_parser *p, tsql_stmt *stmt)
{
    tsql_label_stmt *label = tsql_alloc(p, sizeof *label);
    if (label == NULL)
        return es_nomem(p->err);
    stmt->kind = TSQL_STMT_LABEL;
    stmt->u.label = label;
    ES_TRY(tsql_read_name(p, &label->label));
    return tsql_expect(p, TSQL_TOKEN_COLON);
}

static entrasql_status read_by_start(tsql_parser *p, tsql_stmt *stmt)
{
    statement_reader *reader = readers[tsql_at(p)->keyword];
    if (reader != NULL)
        return reader(p, stmt);
    if (is_label(p))
        return read_label(p, stmt);
    if (tsql_is_word(p, "THROW"))
        return tsql_read_throw(p, stmt);
    if (tsql_is(p, TSQL_TOKEN_LPAREN) && tsql_is_query_start(p))
        return read_select(p, stmt);
    bool may_be_bare =
        p->statement_count == 1 && p->depth == 1 && (tsql_is_name(p) || tsql_is(p, TSQL_TOKEN_DOT));
    return may_be_bare ? tsql_read_bare_exec(p, stmt) : tsql_unexpected(p);
}

entrasql_status tsql_read_statement(tsql_parser *p, tsql_stmt **ret)
{
    tsql_stmt *stmt = tsql_new_stmt(p, TSQL_STMT_BREAK, tsql_span_begin(p));
    if (stmt == NULL)
        return es_nomem(p->err);
    ES_TRY(tsql_enter(p));
    p->statement_count++;
    p->height = 0;
    ES_TRY(read_by_start(p, stmt));
    tsql_leave(p);
    stmt->span = tsql_span_end(p, stmt->span);
    *ret = stmt;
    return ENTRASQL_OK;
}

/* A WITH that begins a statement needs a semicolon before it. */
static bool lacks_semicolon(tsql_parser *p, const tsql_stmts *before)
{
    return before->count != 0 && tsql_is_kw(p, TSQL_KW_WITH) &&
           p->last.kind != TSQL_TOKEN_SEMICOLON && p->last.kind != TSQL_TOKEN_COLON;
}

entrasql_status tsql_read_statements(tsql_parser *p, tsql_stmts *ret)
{
    for (;;) {
        while (tsql_accept(p, TSQL_TOKEN_SEMICOLON))
            continue;
        if (tsql_is(p, TSQL_TOKEN_END) || tsql_is_kw(p, TSQL_KW_END))
            return ENTRASQL_OK;
        if (lacks_semicolon(p, ret))
            return tsql_unexpected(p);
        tsql_stmt *stmt;
        ES_TRY(tsql_read_statement(p, &stmt));
        ES_TRY(tsql_push_stmt(p, ret, stmt));
    }
}
