/* SPDX-License-Identifier: MIT */
/* CREATE PROCEDURE and calls of procedures. */
#include "engine/module.h"

#include "base/mem.h"
#include "base/str.h"
#include "engine/output.h"
#include "engine/permission.h"
#include "engine/run.h"
#include "engine/run_compile.h"
#include "engine/table.h"
#include "engine/tran.h"
#include "sqltype/convert.h"
#include "tsql/type.h"

#include <stdio.h>
#include <string.h>

static void free_batch(tsql_batch **batch)
{
    tsql_batch_free(*batch);
}

/* ---- parameters ---- */

entrasql_status engine_module_params(const engine_object *o, tsql_batch **ret_batch,
                                     const tsql_params **ret)
{
    tsql_batch *batch = NULL;
    *ret_batch = NULL;
    *ret = NULL;
    if (o->definition == NULL)
        return ENTRASQL_OK;
    entrasql_status status = tsql_parse(o->definition, strlen(o->definition), NULL, &batch, NULL);
    if (status != ENTRASQL_OK)
        return status == ENTRASQL_NOMEM ? status : ENTRASQL_OK;
    const tsql_stmts *statements = tsql_batch_statements(batch);
    if (statements->count == 1 && statements->items[0]->kind == TSQL_STMT_CREATE_MODULE)
        *ret = &statements->items[0]->u.create_module->params;
    *ret_batch = batch;
    return ENTRASQL_OK;
}

entrasql_status engine_module_default(const tsql_param *param, sqltype type, sqlvalue *ret,
                                      entrasql_error *err)
{
    const tsql_expr *e = param->default_value;
    *ret = sqlvalue_null(type);
    if (e == NULL || e->kind == TSQL_EXPR_NULL)
        return ENTRASQL_OK;
    bool negative = e->kind == TSQL_EXPR_UNARY && e->op == TSQL_OP_MINUS;
    const tsql_expr *digits = e->kind == TSQL_EXPR_UNARY ? e->left : e;
    if (digits->text == NULL)
        return ENTRASQL_OK;
    char number[128];
    sqlvalue text;
    if (digits->kind == TSQL_EXPR_STRING) {
        text = sqlvalue_nvarchar(digits->text, digits->length);
    } else if (digits->kind == TSQL_EXPR_BINARY) {
        text = sqlvalue_lend(sqltype_string(SQLTYPE_VARBINARY, SQLTYPE_MAX), digits->text,
                             digits->length);
    } else {
        (void)snprintf(number, sizeof number, "%s%s", negative ? "-" : "", digits->text);
        text = sqlvalue_nvarchar(number, strlen(number));
    }
    return sqltype_convert(&text, type, NULL, ret, err);
}

static const engine_param *find_given(const engine_procedure_call *call, const tsql_param *declared,
                                      size_t place)
{
    for (size_t i = 0; i < call->count; i++) {
        if (es_strcaseeq(call->params[i].name, declared->name))
            return &call->params[i];
    }
    return place < call->count && call->params[place].name[0] == '\0' ? &call->params[place] : NULL;
}

static entrasql_status check_given(const engine_procedure_call *call, const char *procedure,
                                   const tsql_params *declared, entrasql_error *err)
{
    if (call->count > 0 && declared->count == 0)
        return engine_error(
            err, 8146, 2, "Procedure %s has no parameters and arguments were supplied.", procedure);
    if (call->count > declared->count)
        return engine_error(
            err, 8144, 2, "Procedure or function %s has too many arguments specified.", procedure);
    for (size_t i = 0; i < call->count; i++) {
        bool known = call->params[i].name[0] == '\0';
        for (size_t k = 0; k < declared->count && !known; k++)
            known = es_strcaseeq(call->params[i].name, declared->items[k].name);
        if (!known)
            return engine_error(err, 8145, 1, "%s is not a parameter for procedure %s.",
                                call->params[i].name, procedure);
    }
    return ENTRASQL_OK;
}

static entrasql_status set_given(engine_variable *v, const tsql_param *declared,
                                 const engine_param *given, const char *procedure,
                                 entrasql_error *err)
{
    if (given == NULL || given->use_default) {
        if (declared->default_value == NULL)
            return engine_error(err, 201, 4,
                                "Procedure or function '%s' expects parameter '%s', which was not "
                                "supplied.",
                                procedure, declared->name);
        sqlvalue_done(&v->value);
        return engine_module_default(declared, v->type, &v->value, err);
    }
    if (given->output && !declared->output)
        return engine_error(err, 8162, 2,
                            "The formal parameter \"%s\" was not declared as an OUTPUT parameter, "
                            "but the actual parameter passed in requested output.",
                            declared->name);
    entrasql_status status = engine_variable_set(v, &given->value, err);
    if (status == ENTRASQL_SQL_ERROR && (err->number == 245 || err->number == 241))
        return engine_error(err, 8114, 1, "Error converting data type %s to %s.",
                            sqltype_name(given->value.type.id), sqltype_name(v->type.id));
    return status;
}

static entrasql_status declare(engine_frame *frame, const tsql_param *param, size_t place,
                               engine_variable **ret, entrasql_error *err)
{
    sqltype type;
    ES_TRY(tsql_type_resolve(&param->type, TSQL_LENGTH_DECLARED, (uint32_t)place + 1, &type, err));
    return engine_frame_declare(frame, param->name, type, ret, err);
}

static entrasql_status declare_given(engine_frame *frame, const engine_procedure_call *call,
                                     const char *procedure, const tsql_params *declared,
                                     entrasql_error *err)
{
    ES_TRY(check_given(call, procedure, declared, err));
    for (size_t i = 0; i < declared->count; i++) {
        engine_variable *v = NULL;
        ES_TRY(declare(frame, &declared->items[i], i, &v, err));
        ES_TRY(set_given(v, &declared->items[i], find_given(call, &declared->items[i], i),
                         procedure, err));
    }
    return ENTRASQL_OK;
}

static entrasql_status take_outputs(engine_frame *frame, const engine_procedure_call *call,
                                    const tsql_params *declared, entrasql_error *err)
{
    for (size_t i = 0; call->outputs != NULL && i < declared->count; i++) {
        const engine_param *given = find_given(call, &declared->items[i], i);
        const engine_variable *v = engine_frame_variable(frame, declared->items[i].name);
        if (given == NULL || !given->output || v == NULL)
            continue;
        sqlvalue *to = &call->outputs[given - call->params];
        sqlvalue_done(to);
        if (sqlvalue_copy(to, &v->value) != ENTRASQL_OK)
            return es_nomem(err);
    }
    return ENTRASQL_OK;
}

/* ---- calls ---- */

/* Found, permitted, and held while its text is read. */
static entrasql_status look_up(engine_session *s, const engine_procedure_call *call,
                               engine_frame *frame, char **ret_text, char **ret_name,
                               entrasql_error *err)
{
    const engine_object *o;
    ES_TRY(engine_find_object(s, call->object, &o, err));
    if (o == NULL || o->type != ENGINE_OBJECT_PROCEDURE)
        return ENTRASQL_OK;
    /* Called by a module of the same owner: the chain of owners is not broken. */
    frame->owner = engine_owner_of(s->catalog, o);
    if (!s->frame->is_module || s->frame->owner != frame->owner)
        ES_TRY(engine_need_object(s, "EXECUTE", o, err));
    *ret_text = es_strdup(o->definition);
    *ret_name = es_strdup(o->name);
    return *ret_text != NULL && *ret_name != NULL ? ENTRASQL_OK : es_nomem(err);
}

/* The numbers of BEGIN and COMMIT inside have to be equal. */
static entrasql_status check_count(engine_session *s, const char *procedure, unsigned before)
{
    char text[256];
    if (s->tran.count == before || s->tran.doomed)
        return ENTRASQL_OK;
    (void)snprintf(text, sizeof text,
                   "Transaction count after EXECUTE indicates a mismatching number of BEGIN and "
                   "COMMIT statements. Previous count = %u, current count = %u.",
                   before, s->tran.count);
    engine_message m = {
        .number = 266, .state = 2, .severity = 16, .text = text, .procedure = procedure, .line = 0};
    s->last_error = 266;
    return engine_output_message(s, &m);
}

static entrasql_status run(engine_session *s, engine_procedure_call *call, engine_frame *frame,
                           const char *text, const char *name, entrasql_error *err)
{
    ES_CLEANUP(free_batch) tsql_batch *batch = NULL;
    ES_TRY(tsql_parse(text, strlen(text), NULL, &batch, err));
    const tsql_create_module_stmt *module = tsql_batch_statements(batch)->items[0]->u.create_module;
    ES_TRY(declare_given(frame, call, name, &module->params, err));
    unsigned before = s->tran.count;
    engine_settings settings = s->set;
    entrasql_status status = engine_run_body(s, batch, &module->body, frame, err);
    engine_settings_return(s, &settings);
    ES_TRY(status);
    call->return_status = frame->return_status;
    ES_TRY(take_outputs(frame, call, &module->params, err));
    return check_count(s, name, before);
}

entrasql_status engine_module_call(engine_session *s, engine_procedure_call *call, bool *ret_found,
                                   entrasql_error *err)
{
    engine_unit unit;
    ES_CLEANUP(es_cleanup_free) char *text = NULL;
    ES_CLEANUP(es_cleanup_free) char *name = NULL;
    engine_frame frame = {.is_module = true};
    ES_TRY(engine_unit_begin(s, false, false, &unit, err));
    entrasql_status status = look_up(s, call, &frame, &text, &name, err);
    ES_TRY(engine_unit_end(s, &unit, status, err));
    *ret_found = text != NULL;
    if (text == NULL)
        return ENTRASQL_OK;
    frame.procedure = name;
    status = run(s, call, &frame, text, name, err);
    engine_frame_end(s, &frame);
    return status;
}

/* ---- CREATE and ALTER PROCEDURE ---- */

/* What the compiler finds in the body now, its tables being there. */
static entrasql_status check_body(engine_run *run, const tsql_create_module_stmt *module)
{
    engine_session *s = run->s;
    engine_frame frame = {.procedure = module->object.name.text, .outer = s->frame};
    entrasql_status status = ENTRASQL_OK;
    for (size_t i = 0; i < module->params.count && status == ENTRASQL_OK; i++)
        status = declare(&frame, &module->params.items[i], i, NULL, run->err);
    s->frame = &frame;
    if (status == ENTRASQL_OK)
        status = engine_compile_body(run, &module->body);
    s->frame = frame.outer;
    engine_frame_end(s, &frame);
    return status;
}

static entrasql_status create(engine_run *run, const tsql_stmt *stmt)
{
    const tsql_create_module_stmt *module = stmt->u.create_module;
    const engine_object *old;
    engine_object o = {.type = ENGINE_OBJECT_PROCEDURE};
    ES_TRY(engine_module_find(run, module->mode, &module->object, o.type, &old));
    if (old == NULL)
        ES_TRY(engine_need_create(run, "CREATE PROCEDURE", &module->object, &o.schema));
    ES_TRY(check_body(run, module));
    o.definition = engine_module_text(run, stmt);
    entrasql_status status = o.definition != NULL ? engine_module_store(run, &module->object,
                                                                        "CREATE PROCEDURE", &o, old)
                                                  : es_nomem(run->err);
    es_free(o.definition);
    es_free(o.name);
    return status;
}

entrasql_status engine_run_create_module(engine_run *run, const tsql_stmt *stmt)
{
    static const char *const others[] = {
        [TSQL_MODULE_SCALAR_FUNCTION] = "CREATE FUNCTION",
        [TSQL_MODULE_INLINE_FUNCTION] = "CREATE FUNCTION",
        [TSQL_MODULE_TABLE_FUNCTION] = "CREATE FUNCTION",
        [TSQL_MODULE_TRIGGER] = "CREATE TRIGGER",
    };
    engine_unit unit;
    if (stmt->u.create_module->kind != TSQL_MODULE_PROCEDURE)
        return engine_unsupported(run->err, others[stmt->u.create_module->kind]);
    ES_TRY(engine_unit_begin(run->s, true, true, &unit, run->err));
    entrasql_status status = create(run, stmt);
    ES_TRY(engine_unit_end(run->s, &unit, status, run->err));
    return engine_output_done(run->s, ENGINE_CMD_OTHER, false, 0, false);
}
