/* SPDX-License-Identifier: MIT */
/*
 * What SQL Server's compiler finds before any statement of a batch runs:
 * declarations, and every name and type of the statements whose tables are
 * there. A statement over a table that is missing is left for its turn
 * (deferred name resolution), as an earlier statement may make it.
 */
#include "engine/run_compile.h"

#include "engine/run_dml.h"
#include "engine/table.h"
#include "engine/tran.h"
#include "tsql/type.h"

static entrasql_status at_line(engine_run *run, uint32_t line, entrasql_status status)
{
    if (status == ENTRASQL_SQL_ERROR && run->err->line == 0)
        run->err->line = line;
    return status;
}

/* ---- binding for the errors alone ---- */

typedef struct part {
    const tsql_stmt *stmt;
    const tsql_expr *expr;
    const tsql_cond *cond;
} part;

static entrasql_status bind_stmt(engine_binder *b, const tsql_stmt *stmt)
{
    ES_CLEANUP(engine_insert_done) engine_insert insert = {0};
    ES_CLEANUP(engine_modify_done) engine_modify modify = {0};
    engine_query *q;
    switch ((int)stmt->kind) {
    case TSQL_STMT_SELECT:
        return engine_bind_select(b, stmt->u.select, &q);
    case TSQL_STMT_INSERT:
        return engine_insert_bind(&insert, b, stmt->u.insert);
    case TSQL_STMT_UPDATE:
        return engine_update_bind(&modify, b, stmt->u.update);
    case TSQL_STMT_MERGE:
        return engine_merge_check(b, stmt->u.merge);
    default:
        return engine_delete_bind(&modify, b, stmt->u.delete_);
    }
}

static entrasql_status bind_part(engine_run *run, const part *p)
{
    ES_CLEANUP(engine_binder_done) engine_binder b;
    engine_node *node;
    ES_TRY(engine_binder_init(&b, run->s, run->err));
    if (p->stmt != NULL)
        return bind_stmt(&b, p->stmt);
    return p->cond != NULL ? engine_bind_cond(&b, p->cond, &node)
                           : engine_bind_expr(&b, p->expr, &node);
}

static entrasql_status check(engine_run *run, uint32_t line, part p)
{
    if (!run->checks)
        return ENTRASQL_OK;
    entrasql_status status = bind_part(run, &p);
    if (status == ENTRASQL_SQL_ERROR && engine_error_is_deferred(run->err->number)) {
        es_error_clear(run->err);
        return ENTRASQL_OK;
    }
    return at_line(run, line, status);
}

static entrasql_status check_expr(engine_run *run, uint32_t line, const tsql_expr *e)
{
    return e != NULL ? check(run, line, (part){.expr = e}) : ENTRASQL_OK;
}

/* ---- declarations ---- */

static entrasql_status declare_one(engine_run *run, const tsql_declare_item *item, uint32_t ordinal)
{
    sqltype type;
    if (item->is_cursor)
        return ENTRASQL_OK;
    if (item->is_table)
        return engine_declare_table(run, item);
    ES_TRY(tsql_type_resolve(&item->type, TSQL_LENGTH_DECLARED, ordinal, &type, run->err));
    ES_TRY(engine_frame_declare(run->s->frame, item->name, type, NULL, run->err));
    return check_expr(run, item->span.line, item->init);
}

static entrasql_status declare(engine_run *run, const tsql_declare_stmt *stmt)
{
    for (size_t i = 0; i < stmt->count; i++)
        ES_TRY(declare_one(run, &stmt->items[i], (uint32_t)i + 1));
    return ENTRASQL_OK;
}

/* ---- statements ---- */

static entrasql_status compile_list(engine_run *run, const tsql_stmts *list);

static entrasql_status set_variable(engine_run *run, uint32_t line,
                                    const tsql_set_variable_stmt *stmt)
{
    tsql_expr variable = {.kind = TSQL_EXPR_VARIABLE, .text = stmt->variable};
    ES_TRY(check_expr(run, line, &variable));
    return check_expr(run, line, stmt->expr);
}

static entrasql_status exec(engine_run *run, uint32_t line, const tsql_exec_stmt *stmt)
{
    for (size_t i = 0; i < stmt->arg_count; i++) {
        if (stmt->args[i].value->kind != TSQL_EXPR_DEFAULT)
            ES_TRY(check_expr(run, line, stmt->args[i].value));
    }
    for (size_t i = 0; i < stmt->strings.count; i++)
        ES_TRY(check_expr(run, line, stmt->strings.items[i]));
    return ENTRASQL_OK;
}

static entrasql_status compile(engine_run *run, const tsql_stmt *stmt)
{
    uint32_t line = stmt->span.line;
    switch ((int)stmt->kind) {
    case TSQL_STMT_DECLARE:
        return at_line(run, line, declare(run, stmt->u.declare));
    case TSQL_STMT_SELECT:
    case TSQL_STMT_INSERT:
    case TSQL_STMT_UPDATE:
    case TSQL_STMT_DELETE:
    case TSQL_STMT_MERGE:
        return check(run, line, (part){.stmt = stmt});
    case TSQL_STMT_SET_VARIABLE:
        return set_variable(run, line, stmt->u.set_variable);
    case TSQL_STMT_PRINT:
    case TSQL_STMT_RETURN:
        return check_expr(run, line, stmt->u.expr->expr);
    case TSQL_STMT_EXEC:
        return exec(run, line, stmt->u.exec);
    case TSQL_STMT_IF:
        ES_TRY(check(run, line, (part){.cond = stmt->u.if_->cond}));
        ES_TRY(compile(run, stmt->u.if_->then));
        return stmt->u.if_->otherwise != NULL ? compile(run, stmt->u.if_->otherwise) : ENTRASQL_OK;
    case TSQL_STMT_WHILE:
        ES_TRY(check(run, line, (part){.cond = stmt->u.while_->cond}));
        return compile(run, stmt->u.while_->body);
    case TSQL_STMT_BLOCK:
        return compile_list(run, &stmt->u.block->body);
    case TSQL_STMT_TRY:
        ES_TRY(compile_list(run, &stmt->u.try_->body));
        return compile_list(run, &stmt->u.try_->handler);
    default:
        return ENTRASQL_OK;
    }
}

static entrasql_status compile_list(engine_run *run, const tsql_stmts *list)
{
    for (size_t i = 0; i < list->count; i++)
        ES_TRY(compile(run, list->items[i]));
    return ENTRASQL_OK;
}

/* ---- the columns of a statement that does not run ---- */

static entrasql_status change_shape(engine_run *run, const tsql_stmt *stmt)
{
    ES_CLEANUP(engine_binder_done) engine_binder b;
    ES_CLEANUP(engine_insert_done) engine_insert insert = {0};
    ES_CLEANUP(engine_modify_done) engine_modify modify = {0};
    ES_TRY(engine_binder_init(&b, run->s, run->err));
    if (stmt->kind == TSQL_STMT_MERGE)
        return engine_merge_shape(&b, stmt->u.merge, run);
    if (stmt->kind == TSQL_STMT_INSERT)
        ES_TRY(engine_insert_bind(&insert, &b, stmt->u.insert));
    else if (stmt->kind == TSQL_STMT_UPDATE)
        ES_TRY(engine_update_bind(&modify, &b, stmt->u.update));
    else
        ES_TRY(engine_delete_bind(&modify, &b, stmt->u.delete_));
    ES_TRY(engine_bind_check(&b));
    return engine_change_columns(insert.c != NULL ? insert.c : &modify.c, run);
}

static entrasql_status shape(engine_run *run, const tsql_stmt *stmt)
{
    switch ((int)stmt->kind) {
    case TSQL_STMT_SELECT:
        return engine_run_select_shape(run, stmt->u.select);
    case TSQL_STMT_INSERT:
    case TSQL_STMT_UPDATE:
    case TSQL_STMT_DELETE:
    case TSQL_STMT_MERGE:
        return change_shape(run, stmt);
    case TSQL_STMT_DECLARE:
        return declare(run, stmt->u.declare);
    default:
        return ENTRASQL_OK;
    }
}

entrasql_status engine_compile_shape(engine_run *run, const tsql_stmt *stmt)
{
    engine_unit unit;
    ES_TRY(engine_unit_begin(run->s, false, false, &unit, run->err));
    return engine_unit_end(run->s, &unit, at_line(run, stmt->span.line, shape(run, stmt)),
                           run->err);
}

/* ---- all of a batch ---- */

/* One plain statement finds its errors itself before it changes anything. */
static bool needs_check(const tsql_stmts *list)
{
    if (list->count != 1)
        return list->count > 1;
    switch ((int)list->items[0]->kind) {
    case TSQL_STMT_IF:
    case TSQL_STMT_WHILE:
    case TSQL_STMT_BLOCK:
    case TSQL_STMT_TRY:
        return true;
    default:
        return false;
    }
}

static bool needs_declare(const tsql_stmts *list)
{
    return list->count == 1 && list->items[0]->kind == TSQL_STMT_DECLARE;
}

entrasql_status engine_compile_body(engine_run *run, const tsql_stmts *list)
{
    bool before = run->checks;
    run->checks = true;
    entrasql_status status = compile_list(run, list);
    run->checks = before;
    return status;
}

entrasql_status engine_compile(engine_run *run, const tsql_stmts *list)
{
    engine_unit unit;
    run->checks = needs_check(list);
    if (!run->checks && !needs_declare(list))
        return ENTRASQL_OK;
    ES_TRY(engine_unit_begin(run->s, false, false, &unit, run->err));
    return engine_unit_end(run->s, &unit, compile_list(run, list), run->err);
}
