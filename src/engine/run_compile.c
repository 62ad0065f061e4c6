/* SPDX-License-Identifier: MIT */
/* What is declared in a batch, found before any of it runs. */
#include "engine/run_compile.h"

#include "tsql/type.h"

static entrasql_status at_line(engine_run *run, uint32_t line, entrasql_status status)
{
    if (status == ENTRASQL_SQL_ERROR && run->err->line == 0)
        run->err->line = line;
    return status;
}

static entrasql_status declare(engine_run *run, const tsql_declare_stmt *stmt)
{
    for (size_t i = 0; i < stmt->count; i++) {
        const tsql_declare_item *item = &stmt->items[i];
        sqltype type;
        if (item->is_table || item->is_cursor)
            continue;
        ES_TRY(
            tsql_type_resolve(&item->type, TSQL_LENGTH_DECLARED, (uint32_t)i + 1, &type, run->err));
        ES_TRY(engine_frame_declare(run->s->frame, item->name, type, NULL, run->err));
    }
    return ENTRASQL_OK;
}

static entrasql_status compile(engine_run *run, const tsql_stmt *stmt)
{
    switch ((int)stmt->kind) {
    case TSQL_STMT_DECLARE:
        return at_line(run, stmt->span.line, declare(run, stmt->u.declare));
    case TSQL_STMT_IF:
        ES_TRY(compile(run, stmt->u.if_->then));
        return stmt->u.if_->otherwise != NULL ? compile(run, stmt->u.if_->otherwise) : ENTRASQL_OK;
    case TSQL_STMT_WHILE:
        return compile(run, stmt->u.while_->body);
    case TSQL_STMT_BLOCK:
        return engine_compile(run, &stmt->u.block->body);
    case TSQL_STMT_TRY:
        ES_TRY(engine_compile(run, &stmt->u.try_->body));
        return engine_compile(run, &stmt->u.try_->handler);
    default:
        return ENTRASQL_OK;
    }
}

entrasql_status engine_compile(engine_run *run, const tsql_stmts *list)
{
    for (size_t i = 0; i < list->count; i++)
        ES_TRY(compile(run, list->items[i]));
    return ENTRASQL_OK;
}
