/* SPDX-License-Identifier: MIT */
/* Transactions by statement, EXEC, WAITFOR, and what the emulator refuses by name. */
#include "engine/output.h"
#include "engine/procedure.h"
#include "engine/run.h"
#include "engine/tran.h"

#include "base/clock.h"
#include "base/mem.h"
#include "sqltype/convert.h"

#include <string.h>
#include <unistd.h>

enum { EXEC_ARGS_MAX = 2100, WAIT_SLICE_MS = 10 };

/* ---- transactions ---- */

static entrasql_status tran_name(engine_run *run, const tsql_tran_stmt *stmt, char **ret)
{
    if (stmt->variable != NULL) {
        const engine_variable *v = engine_frame_variable(run->s->frame, stmt->variable);
        if (v == NULL)
            return engine_error(run->err, 137, 1, "Must declare the scalar variable \"%s\".",
                                stmt->variable);
        if (!v->value.is_null && sqltype_is_string(v->type.id))
            *ret = es_strndup(v->value.u.s.data, v->value.u.s.len);
        else
            *ret = es_strdup("");
    } else {
        *ret = es_strdup(stmt->name.text != NULL ? stmt->name.text : "");
    }
    return *ret != NULL ? ENTRASQL_OK : es_nomem(run->err);
}

entrasql_status engine_run_tran(engine_run *run, const tsql_tran_stmt *stmt)
{
    engine_session *s = run->s;
    ES_CLEANUP(es_cleanup_free) char *name = NULL;
    ES_TRY(tran_name(run, stmt, &name));
    const char *given = name[0] != '\0' ? name : NULL;
    switch (stmt->kind) {
    case TSQL_TRAN_BEGIN:
        ES_TRY(engine_tran_begin(s, given, run->err));
        return engine_output_done(s, ENGINE_CMD_BEGIN, false, 0, false);
    case TSQL_TRAN_COMMIT:
        ES_TRY(engine_tran_commit(s, run->err));
        return engine_output_done(s, ENGINE_CMD_COMMIT, false, 0, false);
    case TSQL_TRAN_ROLLBACK:
        ES_TRY(engine_tran_rollback(s, given, run->err));
        return engine_output_done(s, ENGINE_CMD_ROLLBACK, false, 0, false);
    case TSQL_TRAN_SAVE:
        break;
    }
    return engine_tran_save(s, name, run->err);
}

/* ---- EXEC ---- */

struct call {
    engine_param *params;
    sqlvalue *outputs;
    size_t count;
};

static void call_done(struct call *c)
{
    for (size_t i = 0; i < c->count; i++) {
        if (c->params != NULL)
            sqlvalue_done(&c->params[i].value);
        if (c->outputs != NULL)
            sqlvalue_done(&c->outputs[i]);
    }
    es_free(c->params);
    es_free(c->outputs);
}

static entrasql_status read_args(engine_run *run, const tsql_exec_stmt *stmt, struct call *c)
{
    if (stmt->arg_count > EXEC_ARGS_MAX)
        return engine_error(run->err, 8144, 2,
                            "Procedure or function %s has too many arguments "
                            "specified.",
                            stmt->object.name.text);
    c->params = es_calloc(stmt->arg_count, sizeof *c->params);
    c->outputs = es_calloc(stmt->arg_count, sizeof *c->outputs);
    if (c->params == NULL || c->outputs == NULL)
        return es_nomem(run->err);
    for (size_t i = 0; i < stmt->arg_count; i++) {
        const tsql_exec_arg *arg = &stmt->args[i];
        engine_param *p = &c->params[i];
        p->name = arg->name != NULL ? arg->name : "";
        p->output = arg->output;
        p->use_default = arg->value->kind == TSQL_EXPR_DEFAULT;
        p->value = sqlvalue_null(sqltype_of(SQLTYPE_UNKNOWN));
        c->outputs[i] = p->value;
        c->count++;
        if (!p->use_default)
            ES_TRY(engine_run_value(run, arg->value, &p->value));
    }
    return ENTRASQL_OK;
}

static entrasql_status set_variable(engine_run *run, const char *name, const sqlvalue *v)
{
    engine_variable *variable = engine_frame_variable(run->s->frame, name);
    if (variable == NULL)
        return engine_error(run->err, 137, 1, "Must declare the scalar variable \"%s\".", name);
    return engine_variable_set(variable, v, run->err);
}

static entrasql_status call_procedure(engine_run *run, const tsql_exec_stmt *stmt,
                                      const tsql_object *object)
{
    ES_CLEANUP(call_done) struct call c = {0};
    ES_TRY(read_args(run, stmt, &c));
    engine_procedure_call call = {
        .name = object->name.text,
        .object = object,
        .params = c.params,
        .count = c.count,
        .outputs = c.outputs,
    };
    ES_TRY(engine_procedure_run(run->s, &call, run->err));
    for (size_t i = 0; i < stmt->arg_count; i++) {
        if (stmt->args[i].output && stmt->args[i].value->kind == TSQL_EXPR_VARIABLE &&
            c.outputs[i].type.id != SQLTYPE_UNKNOWN)
            ES_TRY(set_variable(run, stmt->args[i].value->text, &c.outputs[i]));
    }
    if (stmt->return_variable == NULL)
        return ENTRASQL_OK;
    sqlvalue status = sqlvalue_int(call.return_status);
    return set_variable(run, stmt->return_variable, &status);
}

/* EXEC ('...' + @x): the parts joined, run as a batch of its own. */
static entrasql_status run_strings(engine_run *run, const tsql_exec_stmt *stmt)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(TSQL_MAX_TEXT);
    if (stmt->as_user)
        return engine_unsupported(run->err, "EXECUTE ... AS USER");
    for (size_t i = 0; i < stmt->strings.count; i++) {
        ES_CLEANUP(es_cleanup_free) char *part = NULL;
        ES_TRY(engine_run_string(run, stmt->strings.items[i], &part));
        if (part != NULL && es_buf_add_str(&text, part) != ENTRASQL_OK)
            return es_nomem(run->err);
    }
    const char *all = es_buf_cstr(&text);
    if (all == NULL)
        return es_nomem(run->err);
    engine_settings before = run->s->set;
    entrasql_status status = engine_run_text(run->s, all, text.len, NULL, run->err);
    engine_settings_return(run->s, &before);
    return status;
}

static void free_batch(tsql_batch **batch)
{
    tsql_batch_free(*batch);
}

static entrasql_status run_by_variable(engine_run *run, const tsql_exec_stmt *stmt)
{
    const engine_variable *v = engine_frame_variable(run->s->frame, stmt->variable);
    if (v == NULL)
        return engine_error(run->err, 137, 1, "Must declare the scalar variable \"%s\".",
                            stmt->variable);
    if (v->value.is_null || !sqltype_is_string(v->type.id))
        return engine_error(run->err, 2812, 62, "Could not find stored procedure ''.");
    ES_CLEANUP(free_batch) tsql_batch *batch = NULL;
    const tsql_object *object = NULL;
    ES_TRY(tsql_parse_object(v->value.u.s.data, v->value.u.s.len, &batch, &object, run->err));
    return call_procedure(run, stmt, object);
}

entrasql_status engine_run_exec(engine_run *run, const tsql_exec_stmt *stmt)
{
    switch (stmt->kind) {
    case TSQL_EXEC_STRING:
        return run_strings(run, stmt);
    case TSQL_EXEC_VARIABLE:
        return run_by_variable(run, stmt);
    case TSQL_EXEC_PROCEDURE:
        break;
    }
    return call_procedure(run, stmt, &stmt->object);
}

/* ---- WAITFOR ---- */

entrasql_status engine_run_waitfor(engine_run *run, const tsql_waitfor_stmt *stmt)
{
    if (stmt->until)
        return engine_unsupported(run->err, "WAITFOR TIME");
    ES_CLEANUP(sqlvalue_done) sqlvalue v = sqlvalue_null(sqltype_of(SQLTYPE_TIME));
    ES_CLEANUP(es_cleanup_free) char *text = NULL;
    ES_TRY(engine_run_string(run, stmt->time, &text));
    if (text == NULL)
        return ENTRASQL_OK;
    sqlvalue given = sqlvalue_nvarchar(text, strlen(text));
    sqltype type = {.id = SQLTYPE_TIME, .scale = 3};
    if (sqltype_convert(&given, type, NULL, &v, run->err) != ENTRASQL_OK)
        return engine_error(run->err, 148, 1,
                            "Incorrect time syntax in time string '%s' used with WAITFOR.", text);
    int64_t end = es_clock_mono_ms() + v.u.ticks / (SQLTYPE_TICKS_PER_SECOND / 1000);
    while (es_clock_mono_ms() < end) {
        if (engine_session_interrupted(run->s))
            return es_fail(run->err, ENTRASQL_CANCELLED, "the statement was cancelled");
        (void)usleep(WAIT_SLICE_MS * 1000);
    }
    return ENTRASQL_OK;
}

/* ---- refused by name ---- */

/* An Entra user is taken by sessions of Entra only: 33171, which comes before anything else. */
static entrasql_status check_impersonation(engine_run *run, const tsql_execute_as_stmt *stmt)
{
    ES_CLEANUP(es_cleanup_free) char *name = NULL;
    if (stmt->name == NULL || stmt->login || run->s->who.external)
        return ENTRASQL_OK;
    ES_TRY(engine_run_string(run, stmt->name, &name));
    const engine_principal *p =
        name != NULL ? engine_catalog_principal(run->s->catalog, name) : NULL;
    if (p == NULL || (p->type != 'E' && p->type != 'X'))
        return ENTRASQL_OK;
    return engine_error(run->err, 33171, 1,
                        "Only active directory users can impersonate other active directory "
                        "users.");
}

entrasql_status engine_run_execute_as(engine_run *run, const tsql_execute_as_stmt *stmt)
{
    if (stmt != NULL)
        ES_TRY(check_impersonation(run, stmt));
    return engine_unsupported(run->err, stmt != NULL ? "EXECUTE AS" : "REVERT");
}
