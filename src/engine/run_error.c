/* SPDX-License-Identifier: MIT */
/* What an error does. */
#include "engine/run.h"

#include "engine/output.h"
#include "engine/tran.h"

#include <stdio.h>

static engine_command command_of(tsql_stmt_kind kind)
{
    switch ((int)kind) {
    case TSQL_STMT_SELECT:
        return ENGINE_CMD_SELECT;
    case TSQL_STMT_INSERT:
        return ENGINE_CMD_INSERT;
    case TSQL_STMT_UPDATE:
        return ENGINE_CMD_UPDATE;
    case TSQL_STMT_DELETE:
        return ENGINE_CMD_DELETE;
    case TSQL_STMT_MERGE:
        return ENGINE_CMD_MERGE;
    case TSQL_STMT_INSERT_BULK:
        return ENGINE_CMD_BULK_INSERT;
    default:
        return ENGINE_CMD_OTHER;
    }
}

entrasql_status engine_run_tell(engine_session *s, const entrasql_error *err, uint32_t line)
{
    engine_message m = {
        .number = err->number,
        .state = err->state,
        .severity = err->severity,
        .text = err->message,
        .procedure = s->frame->procedure,
        .line = line,
    };
    return engine_output_message(s, &m);
}

/* The effect with SET XACT_ABORT taken into account. */
static engine_error_effect effect_of(const engine_run *run)
{
    const engine_session *s = run->s;
    if (run->raised && !run->ends_batch)
        return ENGINE_EFFECT_STATEMENT;
    if (s->set.xact_abort)
        return ENGINE_EFFECT_ROLLBACK;
    if (run->ends_batch)
        return ENGINE_EFFECT_BATCH;
    return engine_error_effect_of(run->err->number);
}

/* Statements that have nothing to take back end without INFO 3621. */
static bool takes_back(const tsql_stmt *stmt)
{
    if (stmt->kind == TSQL_STMT_SELECT)
        return stmt->u.select->query->kind == TSQL_QUERY_SELECT &&
               stmt->u.select->query->into != NULL;
    return stmt->kind >= TSQL_STMT_INSERT && stmt->kind <= TSQL_STMT_CREATE_INDEX;
}

static entrasql_status tell_terminated(engine_run *run, const tsql_stmt *stmt, uint32_t line)
{
    if (run->raised || !takes_back(stmt) || !engine_error_terminates(run->err->number))
        return ENTRASQL_OK;
    return engine_output_info(run->s, 3621, 0, line, "The statement has been terminated.");
}

static bool in_try(const engine_frame *frame)
{
    for (; frame != NULL; frame = frame->outer) {
        if (frame->try_depth > 0)
            return true;
    }
    return false;
}

static bool runs_text(const tsql_stmt *stmt)
{
    return stmt->kind == TSQL_STMT_EXEC ||
           (stmt->kind == TSQL_STMT_INSERT && stmt->u.insert->kind == TSQL_INSERT_EXEC);
}

/* The compiler's errors come before the statement, and its TRY, begin. */
static bool is_by_compiler(const engine_run *run, const tsql_stmt *stmt)
{
    return !run->raised && !runs_text(stmt) && engine_error_is_compiler(run->err->number);
}

entrasql_status engine_run_error(engine_run *run, const tsql_stmt *stmt)
{
    engine_session *s = run->s;
    engine_error_effect effect = effect_of(run);
    if (run->err->line == 0)
        run->err->line = stmt->span.line;
    s->last_error = run->err->number;
    s->rowcount = 0;
    bool leaves = is_by_compiler(run, stmt);
    bool caught = in_try(leaves ? s->frame->outer : s->frame) && run->err->severity > 10 &&
                  run->err->severity < 20;
    if (caught && !runs_text(stmt))
        (void)snprintf(s->error_procedure, sizeof s->error_procedure, "%s", s->frame->procedure);
    bool deadlock = run->err->number == 1205 || run->err->number == 3960;
    if (caught && !deadlock) {
        /* What would have been rolled back may no longer be committed. */
        if (effect == ENGINE_EFFECT_ROLLBACK && s->tran.count != 0)
            s->tran.doomed = true;
        run->flow = leaves ? ENGINE_FLOW_LEAVE : ENGINE_FLOW_CATCH;
        return ENTRASQL_OK;
    }
    if (caught) {
        if (s->tran.count != 0)
            ES_TRY(engine_tran_rollback(s, NULL, NULL));
        run->flow = leaves ? ENGINE_FLOW_LEAVE : ENGINE_FLOW_CATCH;
        return ENTRASQL_OK;
    }
    uint32_t line = run->err->line;
    ES_TRY(engine_run_tell(s, run->err, line));
    if (effect == ENGINE_EFFECT_STATEMENT)
        ES_TRY(tell_terminated(run, stmt, line));
    if (run->err->severity > 10)
        ES_TRY(engine_output_done(s, command_of(stmt->kind), false, 0, true));
    if (effect == ENGINE_EFFECT_ROLLBACK && s->tran.count != 0)
        ES_TRY(engine_tran_rollback(s, NULL, NULL));
    if (effect != ENGINE_EFFECT_STATEMENT)
        run->flow = ENGINE_FLOW_END;
    return ENTRASQL_OK;
}
