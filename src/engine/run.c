/* SPDX-License-Identifier: MIT */
/* The walk over statements: blocks, IF, WHILE, TRY, GOTO, RETURN. */
#include "engine/run.h"

#include "base/mem.h"
#include "engine/output.h"
#include "engine/plan.h"
#include "engine/run_compile.h"
#include "engine/table.h"
#include "engine/temp.h"
#include "engine/tran.h"
#include "sqltype/collation.h"
#include "sqltype/convert.h"

#include <string.h>

/* ---- values ---- */

struct value_job {
    const tsql_expr *expr;
    const tsql_cond *cond;
    sqltype type; /* UNKNOWN: as it is */
    sqlvalue value;
    bool truth;
};

static entrasql_status evaluate(engine_run *run, struct value_job *job)
{
    ES_CLEANUP(engine_binder_done) engine_binder b;
    engine_node *node;
    ES_TRY(engine_binder_init(&b, run->s, run->err));
    if (job->cond != NULL) {
        ES_TRY(engine_bind_cond(&b, job->cond, &node));
        ES_TRY(engine_bind_check(&b));
        return engine_plan_cond(&b, node, &job->truth);
    }
    ES_TRY(engine_bind_expr(&b, job->expr, &node));
    if (job->type.id != SQLTYPE_UNKNOWN)
        ES_TRY(engine_bind_cast(&b, &node, job->type, ENGINE_CAST_IMPLICIT, NULL));
    ES_TRY(engine_bind_check(&b));
    return engine_plan_value(&b, node, &job->value);
}

static entrasql_status evaluate_unit(engine_run *run, struct value_job *job)
{
    engine_unit unit;
    ES_TRY(engine_unit_begin(run->s, false, false, &unit, run->err));
    entrasql_status status = evaluate(run, job);
    return engine_unit_end(run->s, &unit, status, run->err);
}

entrasql_status engine_run_value_as(engine_run *run, const tsql_expr *e, sqltype type,
                                    sqlvalue *ret)
{
    struct value_job job = {.expr = e, .type = type};
    ES_TRY(evaluate_unit(run, &job));
    *ret = job.value;
    return ENTRASQL_OK;
}

entrasql_status engine_run_value(engine_run *run, const tsql_expr *e, sqlvalue *ret)
{
    return engine_run_value_as(run, e, sqltype_of(SQLTYPE_UNKNOWN), ret);
}

entrasql_status engine_run_condition(engine_run *run, const tsql_cond *c, bool *ret)
{
    struct value_job job = {.cond = c};
    ES_TRY(evaluate_unit(run, &job));
    *ret = job.truth;
    return ENTRASQL_OK;
}

entrasql_status engine_run_string(engine_run *run, const tsql_expr *e, char **ret)
{
    sqlvalue v;
    ES_TRY(engine_run_value_as(run, e, sqltype_string(SQLTYPE_NVARCHAR, SQLTYPE_MAX), &v));
    *ret = v.is_null ? NULL : es_strndup(v.u.s.data, v.u.s.len);
    bool failed = !v.is_null && *ret == NULL;
    sqlvalue_done(&v);
    return failed ? es_nomem(run->err) : ENTRASQL_OK;
}

char *engine_run_source(const engine_run *run, tsql_span span)
{
    size_t n;
    const char *text = tsql_batch_text(run->batch, &n);
    if (span.end > n || span.start > span.end)
        return es_strdup("");
    return es_strndup(text + span.start, span.end - span.start);
}

entrasql_status engine_run_done(engine_run *run, engine_command command, uint64_t rows)
{
    run->s->rowcount = (int64_t)rows;
    return engine_output_done(run->s, command, true, rows, false);
}

/* ---- control of flow ---- */

static entrasql_status run_if(engine_run *run, const tsql_if_stmt *stmt)
{
    bool yes = false;
    ES_TRY(engine_run_condition(run, stmt->cond, &yes));
    run->s->rowcount = 0;
    if (yes)
        return engine_run_stmt(run, stmt->then);
    return stmt->otherwise != NULL ? engine_run_stmt(run, stmt->otherwise) : ENTRASQL_OK;
}

static entrasql_status run_while(engine_run *run, const tsql_while_stmt *stmt)
{
    for (;;) {
        bool yes = false;
        if (engine_session_interrupted(run->s))
            return es_fail(run->err, ENTRASQL_CANCELLED, "the statement was cancelled");
        ES_TRY(engine_run_condition(run, stmt->cond, &yes));
        if (!yes)
            return ENTRASQL_OK;
        ES_TRY(engine_run_stmt(run, stmt->body));
        if (run->flow == ENGINE_FLOW_CONTINUE)
            run->flow = ENGINE_FLOW_NEXT;
        if (run->flow == ENGINE_FLOW_BREAK) {
            run->flow = ENGINE_FLOW_NEXT;
            return ENTRASQL_OK;
        }
        if (run->flow != ENGINE_FLOW_NEXT)
            return ENTRASQL_OK;
    }
}

static void caught_done(engine_caught *caught)
{
    es_free(caught->text);
    es_free(caught->procedure);
}

static entrasql_status run_handler(engine_run *run, const tsql_stmts *handler)
{
    engine_frame *frame = run->s->frame;
    const engine_caught *before = frame->caught;
    engine_caught caught = {
        .number = run->err->number,
        .severity = run->err->severity,
        .state = run->err->state,
        .line = run->err->line,
        .text = es_strdup(run->err->message),
        .procedure = es_strdup(run->s->error_procedure),
    };
    entrasql_status status = ENTRASQL_NOMEM;
    if (caught.text != NULL && caught.procedure != NULL) {
        frame->caught = &caught;
        run->flow = ENGINE_FLOW_NEXT;
        run->raised = false;
        run->ends_batch = false;
        status = engine_run_list(run, handler);
        frame->caught = before;
    }
    caught_done(&caught);
    return status == ENTRASQL_NOMEM ? es_nomem(run->err) : status;
}

static entrasql_status run_try(engine_run *run, const tsql_try_stmt *stmt)
{
    engine_frame *frame = run->s->frame;
    frame->try_depth++;
    entrasql_status status = engine_run_list(run, &stmt->body);
    frame->try_depth--;
    ES_TRY(status);
    return run->flow == ENGINE_FLOW_CATCH ? run_handler(run, &stmt->handler) : ENTRASQL_OK;
}

static entrasql_status run_return(engine_run *run, const tsql_expr_stmt *stmt)
{
    if (stmt->expr != NULL) {
        sqlvalue v;
        ES_TRY(engine_run_value_as(run, stmt->expr, sqltype_of(SQLTYPE_INT), &v));
        run->s->frame->return_status = v.is_null ? 0 : (int32_t)v.u.i;
    }
    run->flow = ENGINE_FLOW_RETURN;
    return ENTRASQL_OK;
}

/* GOTO: the label is looked for in the list at hand and the ones around it. */
static bool find_label(const tsql_stmts *list, const char *label, size_t *ret)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i]->kind == TSQL_STMT_LABEL &&
            sqlcollation_equal_names(list->items[i]->u.label->label.text, label)) {
            *ret = i;
            return true;
        }
    }
    return false;
}

entrasql_status engine_run_list(engine_run *run, const tsql_stmts *list)
{
    for (size_t i = 0; i < list->count; i++) {
        ES_TRY(engine_run_stmt(run, list->items[i]));
        if (run->flow == ENGINE_FLOW_GOTO && find_label(list, run->label, &i))
            run->flow = ENGINE_FLOW_NEXT;
        if (run->flow != ENGINE_FLOW_NEXT)
            return ENTRASQL_OK;
    }
    return ENTRASQL_OK;
}

/* ---- one statement ---- */

static entrasql_status run_control(engine_run *run, const tsql_stmt *stmt)
{
    switch ((int)stmt->kind) {
    case TSQL_STMT_IF:
        return run_if(run, stmt->u.if_);
    case TSQL_STMT_WHILE:
        return run_while(run, stmt->u.while_);
    case TSQL_STMT_BLOCK:
        return engine_run_list(run, &stmt->u.block->body);
    case TSQL_STMT_TRY:
        return run_try(run, stmt->u.try_);
    case TSQL_STMT_BREAK:
        run->flow = ENGINE_FLOW_BREAK;
        return ENTRASQL_OK;
    case TSQL_STMT_CONTINUE:
        run->flow = ENGINE_FLOW_CONTINUE;
        return ENTRASQL_OK;
    case TSQL_STMT_RETURN:
        return run_return(run, stmt->u.expr);
    case TSQL_STMT_GOTO:
        run->flow = ENGINE_FLOW_GOTO;
        run->label = stmt->u.label->label.text;
        return ENTRASQL_OK;
    default: /* a label */
        return ENTRASQL_OK;
    }
}

static entrasql_status run_security(engine_run *run, const tsql_stmt *stmt)
{
    switch ((int)stmt->kind) {
    case TSQL_STMT_CREATE_USER:
        return engine_run_create_user(run, stmt->u.user);
    case TSQL_STMT_ALTER_USER:
        return engine_run_alter_user(run, stmt->u.user);
    case TSQL_STMT_ROLE:
        return engine_run_role(run, stmt->u.role);
    case TSQL_STMT_GRANT:
        return engine_run_grant(run, stmt->u.grant);
    case TSQL_STMT_REVERT:
        return engine_run_execute_as(run, NULL);
    default:
        return engine_run_execute_as(run, stmt->u.execute_as);
    }
}

static const char *statement_name(tsql_stmt_kind kind)
{
    switch ((int)kind) {
    case TSQL_STMT_CREATE_SEQUENCE:
        return "CREATE SEQUENCE";
    case TSQL_STMT_CREATE_TYPE:
        return "CREATE TYPE";
    case TSQL_STMT_CREATE_SYNONYM:
        return "CREATE SYNONYM";
    case TSQL_STMT_CREATE_DATABASE:
        return "CREATE DATABASE";
    case TSQL_STMT_ALTER_DATABASE:
        return "ALTER DATABASE";
    default:
        return "CURSOR";
    }
}

static entrasql_status run_definition(engine_run *run, const tsql_stmt *stmt)
{
    switch ((int)stmt->kind) {
    case TSQL_STMT_TRUNCATE:
        return engine_run_truncate(run, stmt->u.truncate);
    case TSQL_STMT_CREATE_TABLE:
        return engine_run_create_table(run, stmt->u.create_table);
    case TSQL_STMT_ALTER_TABLE:
        return engine_run_alter_table(run, stmt->u.alter_table);
    case TSQL_STMT_CREATE_INDEX:
        return engine_run_create_index(run, stmt->u.create_index);
    case TSQL_STMT_CREATE_VIEW:
        return engine_run_create_view(run, stmt);
    case TSQL_STMT_CREATE_MODULE:
        return engine_run_create_module(run, stmt);
    case TSQL_STMT_CREATE_SCHEMA:
        return engine_run_create_schema(run, stmt->u.create_schema);
    case TSQL_STMT_DROP:
        return engine_run_drop(run, stmt->u.drop);
    default:
        return engine_unsupported(run->err, statement_name(stmt->kind));
    }
}

static entrasql_status run_session(engine_run *run, const tsql_stmt *stmt)
{
    switch ((int)stmt->kind) {
    case TSQL_STMT_TRAN:
        return engine_run_tran(run, stmt->u.tran);
    case TSQL_STMT_SET_OPTION:
        return engine_run_set_option(run, stmt->u.set_option);
    case TSQL_STMT_SET_VALUE:
        return engine_run_set_value(run, stmt->u.set_value);
    case TSQL_STMT_SET_ISOLATION:
        run->s->set.isolation = stmt->u.set_isolation->level;
        return ENTRASQL_OK;
    case TSQL_STMT_SET_IDENTITY_INSERT:
        return engine_run_set_identity_insert(run, stmt->u.set_identity_insert);
    case TSQL_STMT_SET_VARIABLE:
        return engine_run_set_variable(run, stmt->u.set_variable);
    case TSQL_STMT_DECLARE:
        return engine_run_declare(run, stmt->u.declare);
    case TSQL_STMT_PRINT:
        return engine_run_print(run, stmt->u.expr);
    case TSQL_STMT_RAISERROR:
        return engine_run_raiserror(run, stmt->u.raiserror);
    case TSQL_STMT_THROW:
        return engine_run_throw(run, stmt->u.throw_);
    case TSQL_STMT_EXEC:
        return engine_run_exec(run, stmt->u.exec);
    case TSQL_STMT_USE:
        return engine_run_use(run, stmt->u.use);
    case TSQL_STMT_WAITFOR:
        return engine_run_waitfor(run, stmt->u.waitfor);
    default:
        return engine_run_dbcc(run, stmt->u.dbcc);
    }
}

static entrasql_status dispatch(engine_run *run, const tsql_stmt *stmt)
{
    switch ((int)stmt->kind) {
    case TSQL_STMT_SELECT:
        return engine_run_select(run, stmt->u.select);
    case TSQL_STMT_INSERT:
        return engine_run_insert(run, stmt->u.insert);
    case TSQL_STMT_INSERT_BULK:
        return engine_run_insert_bulk(run, stmt);
    case TSQL_STMT_UPDATE:
        return engine_run_update(run, stmt->u.update);
    case TSQL_STMT_DELETE:
        return engine_run_delete(run, stmt->u.delete_);
    case TSQL_STMT_MERGE:
        return engine_run_merge(run, stmt->u.merge);
    case TSQL_STMT_TRAN:
    case TSQL_STMT_SET_OPTION:
    case TSQL_STMT_SET_VALUE:
    case TSQL_STMT_SET_ISOLATION:
    case TSQL_STMT_SET_IDENTITY_INSERT:
    case TSQL_STMT_SET_VARIABLE:
    case TSQL_STMT_DECLARE:
    case TSQL_STMT_PRINT:
    case TSQL_STMT_RAISERROR:
    case TSQL_STMT_THROW:
    case TSQL_STMT_EXEC:
    case TSQL_STMT_USE:
    case TSQL_STMT_WAITFOR:
    case TSQL_STMT_DBCC:
        return run_session(run, stmt);
    case TSQL_STMT_CREATE_USER:
    case TSQL_STMT_ALTER_USER:
    case TSQL_STMT_ROLE:
    case TSQL_STMT_GRANT:
    case TSQL_STMT_EXECUTE_AS:
    case TSQL_STMT_REVERT:
        return run_security(run, stmt);
    case TSQL_STMT_IF:
    case TSQL_STMT_WHILE:
    case TSQL_STMT_BLOCK:
    case TSQL_STMT_TRY:
    case TSQL_STMT_BREAK:
    case TSQL_STMT_CONTINUE:
    case TSQL_STMT_RETURN:
    case TSQL_STMT_GOTO:
    case TSQL_STMT_LABEL:
        return run_control(run, stmt);
    default:
        return run_definition(run, stmt);
    }
}

/* Statements after which @@ERROR is 0; the others leave it. */
static bool is_plain(tsql_stmt_kind kind)
{
    return kind != TSQL_STMT_IF && kind != TSQL_STMT_WHILE && kind != TSQL_STMT_BLOCK &&
           kind != TSQL_STMT_TRY && kind != TSQL_STMT_RAISERROR && kind != TSQL_STMT_DECLARE &&
           kind != TSQL_STMT_EXEC && kind != TSQL_STMT_RETURN;
}

entrasql_status engine_run_stmt(engine_run *run, const tsql_stmt *stmt)
{
    engine_session *s = run->s;
    const tsql_stmt *outer = run->stmt;
    s->statement_time = 0;
    s->function_failed = false;
    run->stmt = stmt;
    run->raised = false;
    run->ends_batch = false;
    entrasql_status status = dispatch(run, stmt);
    run->stmt = outer;
    if (status == ENTRASQL_OK) {
        if (is_plain(stmt->kind))
            s->last_error = 0;
        return ENTRASQL_OK;
    }
    if (status == ENTRASQL_NOMEM)
        engine_error(run->err, 701, 1, "There is insufficient system memory to run this query.");
    else if (status != ENTRASQL_SQL_ERROR)
        return status;
    return engine_run_error(run, stmt);
}

/* ---- a text ---- */

/* The error is for a TRY outside of this text. */
static bool is_caught(const engine_run *run)
{
    return run->flow == ENGINE_FLOW_CATCH || run->flow == ENGINE_FLOW_LEAVE;
}

/* A batch that does not parse: nothing of it runs. */
static entrasql_status fail_text(engine_session *s, entrasql_error *err)
{
    tsql_stmt none = {.kind = TSQL_STMT_LABEL, .span = {.line = err->line != 0 ? err->line : 1}};
    engine_run run = {.s = s, .err = err, .stmt = &none};
    ES_TRY(engine_run_error(&run, &none));
    return is_caught(&run) ? ENTRASQL_SQL_ERROR : ENTRASQL_OK;
}

static entrasql_status run_parsed(engine_session *s, const tsql_batch *batch,
                                  const tsql_stmts *statements, entrasql_error *err)
{
    engine_run run = {.s = s, .batch = batch, .err = err};
    entrasql_status status = engine_compile(&run, statements);
    if (status == ENTRASQL_SQL_ERROR)
        return fail_text(s, err);
    ES_TRY(status);
    ES_TRY(engine_run_list(&run, statements));
    if (run.flow == ENGINE_FLOW_GOTO) {
        engine_error(err, 133, 1,
                     "A GOTO statement references the label '%s' but the label has not "
                     "been declared.",
                     run.label);
        return fail_text(s, err);
    }
    return is_caught(&run) ? ENTRASQL_SQL_ERROR : ENTRASQL_OK;
}

static entrasql_status run_in_frame(engine_session *s, const char *text, size_t n,
                                    entrasql_error *err)
{
    tsql_batch *batch = NULL;
    tsql_options options = {.quoted_identifier_off = !s->set.quoted_identifier};
    entrasql_status status = tsql_parse(text, n, &options, &batch, err);
    if (status == ENTRASQL_SQL_ERROR)
        return fail_text(s, err);
    if (status == ENTRASQL_LIMIT) {
        engine_error(err, 191, 1,
                     "Some part of your SQL statement is nested too deeply. Rewrite the "
                     "query or break it up into smaller queries.");
        return fail_text(s, err);
    }
    ES_TRY(status);
    status = run_parsed(s, batch, tsql_batch_statements(batch), err);
    tsql_batch_free(batch);
    return status;
}

/* ---- frames ---- */

static entrasql_status enter(engine_session *s, engine_frame *frame, entrasql_error *err)
{
    if (s->nesting >= ENGINE_NESTING_MAX)
        return engine_error(err, 217, 1,
                            "Maximum stored procedure, function, trigger, or view nesting level "
                            "exceeded (limit 32).");
    frame->outer = s->frame;
    frame->temp_count = s->temp_count;
    if (frame->procedure == NULL)
        frame->procedure = "";
    s->frame = frame;
    s->nesting++;
    return ENTRASQL_OK;
}

static void leave(engine_session *s, engine_frame *frame)
{
    s->nesting--;
    s->frame = frame->outer;
    if (!frame->is_batch)
        engine_temp_drop_from(s, frame->temp_count);
}

entrasql_status engine_run_text(engine_session *s, const char *text, size_t n, engine_frame *frame,
                                entrasql_error *err)
{
    engine_frame own = {.procedure = ""};
    if (frame == NULL)
        frame = &own;
    ES_TRY(enter(s, frame, err));
    entrasql_status status = run_in_frame(s, text, n, err);
    leave(s, frame);
    if (frame == &own)
        engine_frame_end(s, &own);
    return status;
}

entrasql_status engine_run_shape(engine_session *s, const tsql_batch *batch, engine_frame *frame,
                                 entrasql_error *err)
{
    const tsql_stmts *statements = tsql_batch_statements(batch);
    engine_run run = {.s = s, .batch = batch, .err = err};
    if (statements->count != 1)
        return ENTRASQL_OK;
    ES_TRY(enter(s, frame, err));
    entrasql_status status = engine_compile_shape(&run, statements->items[0]);
    leave(s, frame);
    if (status != ENTRASQL_SQL_ERROR)
        return status;
    es_error_clear(err);
    return ENTRASQL_OK;
}

entrasql_status engine_run_first_shape(engine_session *s, const tsql_batch *batch,
                                       engine_frame *frame, entrasql_error *err)
{
    const tsql_stmts *statements = tsql_batch_statements(batch);
    engine_run run = {.s = s, .batch = batch, .err = err};
    entrasql_status status = ENTRASQL_OK;
    ES_TRY(enter(s, frame, err));
    s->out.any = false;
    for (size_t i = 0; i < statements->count && status == ENTRASQL_OK && !s->out.any; i++)
        status = engine_compile_shape(&run, statements->items[i]);
    leave(s, frame);
    return status;
}

entrasql_status engine_run_body(engine_session *s, const tsql_batch *batch,
                                const tsql_stmts *statements, engine_frame *frame,
                                entrasql_error *err)
{
    ES_TRY(enter(s, frame, err));
    entrasql_status status = run_parsed(s, batch, statements, err);
    leave(s, frame);
    return status;
}
