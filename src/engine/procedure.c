/* SPDX-License-Identifier: MIT */
/* System procedures: sp_executesql, prepared statements, role members; others are in procs_*.c. */
#include "engine/procedure.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "engine/module.h"
#include "engine/output.h"
#include "engine/prepared.h"
#include "engine/procs_admin.h"
#include "engine/procs_catalog.h"
#include "engine/property.h"
#include "engine/run.h"
#include "engine/run_security.h"
#include "engine/table.h"
#include "engine/tran.h"
#include "sqltype/convert.h"

#include <string.h>

enum { PREPARED_MAX = 4096, RETURN_METADATA = 1 };

static void free_batch(tsql_batch **batch)
{
    tsql_batch_free(*batch);
}

/* ---- arguments ---- */

/* The parameter of that name, else the one at that place; NULL when neither is there. */
static const engine_param *find_param(const engine_procedure_call *call, const char *name,
                                      size_t place)
{
    for (size_t i = 0; i < call->count; i++) {
        if (es_strcaseeq(call->params[i].name, name))
            return &call->params[i];
    }
    return place < call->count ? &call->params[place] : NULL;
}

static entrasql_status missing(const engine_procedure_call *call, const char *name,
                               entrasql_error *err)
{
    return engine_error(err, 201, 10,
                        "Procedure or function '%s' expects parameter '%s', which was not "
                        "supplied.",
                        call->name, name);
}

/* A text argument as nvarchar(max), owned by the caller. */
static entrasql_status text_param(const engine_procedure_call *call, const char *name, size_t place,
                                  sqlvalue *ret, entrasql_error *err)
{
    const engine_param *p = find_param(call, name, place);
    if (p == NULL || p->value.is_null)
        return missing(call, name, err);
    const sqltype type = {.id = SQLTYPE_NVARCHAR, .length = SQLTYPE_MAX};
    return sqltype_convert(&p->value, type, NULL, ret, err);
}

static entrasql_status int_param(const engine_procedure_call *call, const char *name, size_t place,
                                 int32_t *ret, entrasql_error *err)
{
    const engine_param *p = find_param(call, name, place);
    if (p == NULL || p->value.is_null)
        return missing(call, name, err);
    ES_CLEANUP(sqlvalue_done) sqlvalue v = sqlvalue_null(sqltype_of(SQLTYPE_INT));
    ES_TRY(sqltype_convert(&p->value, sqltype_of(SQLTYPE_INT), NULL, &v, err));
    *ret = (int32_t)v.u.i;
    return ENTRASQL_OK;
}

/* ---- a text with parameters ---- */

static const engine_param *value_for(const engine_procedure_call *call, size_t first,
                                     const char *name, size_t place)
{
    for (size_t i = first; i < call->count; i++) {
        if (es_strcaseeq(call->params[i].name, name))
            return &call->params[i];
    }
    size_t at = first + place;
    return at < call->count && call->params[at].name[0] == '\0' ? &call->params[at] : NULL;
}

/* Names that were declared by nobody are the client's mistake, not to be passed over. */
static entrasql_status check_names(const engine_procedure_call *call, size_t first,
                                   const tsql_params *declared, entrasql_error *err)
{
    if (call->count > first && call->count - first > declared->count)
        return engine_error(err, 8144, 2,
                            "Procedure or function %s has too many arguments "
                            "specified.",
                            call->name);
    for (size_t i = first; i < call->count; i++) {
        bool known = call->params[i].name[0] == '\0';
        for (size_t k = 0; k < declared->count && !known; k++)
            known = es_strcaseeq(call->params[i].name, declared->items[k].name);
        if (!known)
            return engine_error(err, 8145, 1, "%s is not a parameter for procedure %s.",
                                call->params[i].name, call->name);
    }
    return ENTRASQL_OK;
}

/* A value that is none of the parameter's type is told without the value itself. */
static entrasql_status set_param(engine_variable *v, const sqlvalue *value, entrasql_error *err)
{
    entrasql_status status = engine_variable_set(v, value, err);
    if (status == ENTRASQL_SQL_ERROR && (err->number == 245 || err->number == 241))
        return engine_error(err, 8114, 1, "Error converting data type %s to %s.",
                            sqltype_name(value->type.id), sqltype_name(v->type.id));
    return status;
}

static entrasql_status declare_params(engine_frame *frame, const engine_procedure_call *call,
                                      size_t first, const tsql_params *declared, const char *params,
                                      const char *text, entrasql_error *err)
{
    ES_TRY(check_names(call, first, declared, err));
    ES_TRY(engine_frame_declare_params(frame, declared, err));
    for (size_t i = 0; i < declared->count; i++) {
        const tsql_param *d = &declared->items[i];
        engine_variable *v = engine_frame_variable(frame, d->name);
        const engine_param *p = value_for(call, first, d->name, i);
        if (p == NULL || p->use_default)
            return engine_error(err, 8178, 1,
                                "The parameterized query '(%.100s)%.100s' expects the parameter "
                                "'%s', which was not supplied.",
                                params, text, d->name);
        ES_TRY(set_param(v, &p->value, err));
    }
    return ENTRASQL_OK;
}

/* What the statement left in its OUTPUT parameters. */
static entrasql_status take_outputs(engine_frame *frame, const engine_procedure_call *call,
                                    size_t first, const tsql_params *declared)
{
    for (size_t i = 0; call->outputs != NULL && i < declared->count; i++) {
        const engine_param *p = value_for(call, first, declared->items[i].name, i);
        if (p == NULL || !p->output)
            continue;
        const engine_variable *v = engine_frame_variable(frame, declared->items[i].name);
        if (v != NULL)
            ES_TRY(sqlvalue_copy(&call->outputs[p - call->params], &v->value));
    }
    return ENTRASQL_OK;
}

/* Runs a text whose parameters' values are call->params from `first` on. */
static entrasql_status run_text(engine_session *s, engine_procedure_call *call, size_t first,
                                const char *text, size_t n, const char *params, entrasql_error *err)
{
    ES_CLEANUP(free_batch) tsql_batch *batch = NULL;
    const tsql_params *declared = NULL;
    ES_TRY(tsql_parse_params(params, strlen(params), &batch, &declared, err));
    engine_frame frame = {0};
    engine_settings before = s->set;
    entrasql_status status = declare_params(&frame, call, first, declared, params, text, err);
    if (status == ENTRASQL_OK)
        status = engine_run_text(s, text, n, &frame, err);
    call->return_status = frame.return_status;
    if (status == ENTRASQL_OK && take_outputs(&frame, call, first, declared) != ENTRASQL_OK)
        status = es_nomem(err);
    engine_frame_end(s, &frame);
    engine_settings_return(s, &before);
    return status;
}

static entrasql_status sp_executesql(engine_session *s, engine_procedure_call *call,
                                     entrasql_error *err)
{
    ES_CLEANUP(sqlvalue_done) sqlvalue text = sqlvalue_null(sqltype_of(SQLTYPE_UNKNOWN));
    ES_CLEANUP(sqlvalue_done) sqlvalue params = sqlvalue_null(sqltype_of(SQLTYPE_UNKNOWN));
    if (call->count == 0 || call->params[0].value.is_null)
        return missing(call, "@statement", err);
    const sqltype type = {.id = SQLTYPE_NVARCHAR, .length = SQLTYPE_MAX};
    ES_TRY(sqltype_convert(&call->params[0].value, type, NULL, &text, err));
    bool declared = call->count > 1 && !call->params[1].value.is_null;
    if (declared)
        ES_TRY(sqltype_convert(&call->params[1].value, type, NULL, &params, err));
    return run_text(s, call, 2, text.u.s.data, text.u.s.len, declared ? params.u.s.data : "", err);
}

/* ---- prepared statements ---- */

static void prepared_done(engine_prepared *p)
{
    es_free(p->params);
    es_free(p->text);
}

static engine_prepared *find_prepared(engine_session *s, int32_t handle)
{
    for (size_t i = 0; i < s->prepared_count; i++) {
        if (s->prepared[i].handle == handle)
            return &s->prepared[i];
    }
    return NULL;
}

static void drop_prepared(engine_session *s, int32_t handle)
{
    engine_prepared *p = find_prepared(s, handle);
    if (p == NULL)
        return;
    prepared_done(p);
    *p = s->prepared[--s->prepared_count];
}

void engine_prepared_drop_all(engine_session *s)
{
    for (size_t i = 0; i < s->prepared_count; i++)
        prepared_done(&s->prepared[i]);
    es_free(s->prepared);
    s->prepared = NULL;
    s->prepared_count = 0;
}

static entrasql_status keep_prepared(engine_session *s, bool is_call, const char *params,
                                     const char *text, int32_t *ret_handle, entrasql_error *err)
{
    if (s->prepared_count == PREPARED_MAX)
        return es_fail(err, ENTRASQL_LIMIT, "the session holds %d prepared statements",
                       PREPARED_MAX);
    engine_prepared *grown =
        es_reallocarray(s->prepared, s->prepared_count + 1, sizeof *s->prepared);
    if (grown == NULL)
        return es_nomem(err);
    s->prepared = grown;
    engine_prepared p = {.handle = ++s->next_handle,
                         .is_call = is_call,
                         .params = es_strdup(params),
                         .text = es_strdup(text)};
    if (p.params == NULL || p.text == NULL) {
        prepared_done(&p);
        return es_nomem(err);
    }
    s->prepared[s->prepared_count++] = p;
    *ret_handle = p.handle;
    return ENTRASQL_OK;
}

/* The columns of the statement and a DONE; nothing for a statement without any. */
static entrasql_status tell_shape(engine_session *s, const tsql_batch *batch, const char *params,
                                  entrasql_error *err)
{
    ES_CLEANUP(free_batch) tsql_batch *declared_batch = NULL;
    const tsql_params *declared = NULL;
    ES_TRY(tsql_parse_params(params, strlen(params), &declared_batch, &declared, err));
    engine_frame frame = {0};
    entrasql_status status = engine_frame_declare_params(&frame, declared, err);
    s->out.any = false;
    if (status == ENTRASQL_OK)
        status = engine_run_shape(s, batch, &frame, err);
    engine_frame_end(s, &frame);
    if (status != ENTRASQL_OK || !s->out.any)
        return status;
    return engine_output_done(s, ENGINE_CMD_SELECT, false, 0, false);
}

/* A client that prepares again hands its old handle in. */
static void drop_old(engine_session *s, const engine_procedure_call *call)
{
    int32_t old = 0;
    if (!call->params[0].value.is_null && int_param(call, "@handle", 0, &old, NULL) == ENTRASQL_OK)
        drop_prepared(s, old);
}

/*
 * sp_prepare and the first half of sp_prepexec: @handle OUT, @params, @stmt.
 * tells: the client asks for the columns.
 */
static entrasql_status prepare(engine_session *s, engine_procedure_call *call, bool tells,
                               int32_t *ret_handle, entrasql_error *err)
{
    ES_CLEANUP(sqlvalue_done) sqlvalue text = sqlvalue_null(sqltype_of(SQLTYPE_UNKNOWN));
    ES_CLEANUP(sqlvalue_done) sqlvalue params = sqlvalue_null(sqltype_of(SQLTYPE_UNKNOWN));
    if (call->count < 3)
        return missing(call, "@stmt", err);
    ES_TRY(text_param(call, "@stmt", 2, &text, err));
    const engine_param *declared = find_param(call, "@params", 1);
    if (declared != NULL && !declared->value.is_null)
        ES_TRY(text_param(call, "@params", 1, &params, err));
    drop_old(s, call);
    ES_CLEANUP(free_batch) tsql_batch *batch = NULL;
    const tsql_options options = {.quoted_identifier_off = !s->set.quoted_identifier};
    ES_TRY(tsql_parse(text.u.s.data, text.u.s.len, &options, &batch, err));
    const char *params_text = params.is_null ? "" : params.u.s.data;
    if (tells)
        ES_TRY(tell_shape(s, batch, params_text, err));
    ES_TRY(keep_prepared(s, false, params_text, text.u.s.data, ret_handle, err));
    if (call->outputs != NULL)
        call->outputs[0] = sqlvalue_int(*ret_handle);
    return ENTRASQL_OK;
}

static entrasql_status sp_prepare(engine_session *s, engine_procedure_call *call,
                                  entrasql_error *err)
{
    int32_t handle;
    int32_t options = 0;
    const engine_param *given = find_param(call, "@options", 3);
    if (given != NULL && !given->value.is_null)
        ES_TRY(int_param(call, "@options", 3, &options, err));
    return prepare(s, call, (options & RETURN_METADATA) != 0, &handle, err);
}

/* Calls the procedure with the values from `first` on. */
static entrasql_status run_call(engine_session *s, engine_procedure_call *call, size_t first,
                                const char *name, const engine_param *params, entrasql_error *err)
{
    ES_CLEANUP(free_batch) tsql_batch *batch = NULL;
    const tsql_object *object = NULL;
    ES_TRY(tsql_parse_object(name, strlen(name), &batch, &object, err));
    engine_procedure_call inner = {
        .name = object->name.text,
        .object = object,
        .params = params,
        .count = call->count - first,
        .outputs = call->outputs != NULL ? call->outputs + first : NULL,
    };
    ES_TRY(engine_procedure_run(s, &inner, err));
    call->return_status = inner.return_status;
    return ENTRASQL_OK;
}

/* A value without a name has the name that the call was prepared with at this place. */
static entrasql_status run_prepared_call(engine_session *s, engine_procedure_call *call,
                                         size_t first, const char *name, char *names,
                                         entrasql_error *err)
{
    size_t count = call->count - first;
    ES_CLEANUP(es_cleanup_free) engine_param *params = es_calloc(count + 1, sizeof *params);
    if (params == NULL)
        return es_nomem(err);
    for (size_t i = 0; i < count; i++) {
        char *end = strchr(names, ',');
        params[i] = call->params[first + i];
        if (end == NULL)
            continue;
        *end = '\0';
        if (params[i].name[0] == '\0')
            params[i].name = names;
        names = end + 1;
    }
    return run_call(s, call, first, name, params, err);
}

static entrasql_status run_prepared(engine_session *s, engine_procedure_call *call, size_t first,
                                    int32_t handle, entrasql_error *err)
{
    const engine_prepared *p = find_prepared(s, handle);
    if (p == NULL)
        return engine_error(err, 8179, 2, "Could not find prepared statement with handle %d.",
                            (int)handle);
    /* The statement may end its own handle while it runs. */
    ES_CLEANUP(es_cleanup_free) char *text = es_strdup(p->text);
    ES_CLEANUP(es_cleanup_free) char *params = es_strdup(p->params);
    if (text == NULL || params == NULL)
        return es_nomem(err);
    if (p->is_call)
        return run_prepared_call(s, call, first, text, params, err);
    return run_text(s, call, first, text, strlen(text), params, err);
}

static entrasql_status sp_execute(engine_session *s, engine_procedure_call *call,
                                  entrasql_error *err)
{
    int32_t handle = 0;
    ES_TRY(int_param(call, "@handle", 0, &handle, err));
    return run_prepared(s, call, 1, handle, err);
}

static entrasql_status sp_prepexec(engine_session *s, engine_procedure_call *call,
                                   entrasql_error *err)
{
    int32_t handle = 0;
    ES_TRY(prepare(s, call, false, &handle, err));
    return run_prepared(s, call, 3, handle, err);
}

static entrasql_status sp_unprepare(engine_session *s, engine_procedure_call *call,
                                    entrasql_error *err)
{
    int32_t handle = 0;
    ES_TRY(int_param(call, "@handle", 0, &handle, err));
    drop_prepared(s, handle);
    return ENTRASQL_OK;
}

static entrasql_status keep_call(engine_session *s, const engine_procedure_call *call,
                                 const char *name, int32_t *ret_handle, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf names = ES_BUF_INIT(SIZE_MAX);
    for (size_t i = 2; i < call->count; i++) {
        if (es_buf_printf(&names, "%s,", call->params[i].name) != ENTRASQL_OK)
            return es_nomem(err);
    }
    const char *text = es_buf_cstr(&names);
    return text != NULL ? keep_prepared(s, true, text, name, ret_handle, err) : es_nomem(err);
}

/* ODBC's {call p(?)}: handle OUT, the procedure's name, its values. */
static entrasql_status sp_prepexecrpc(engine_session *s, engine_procedure_call *call,
                                      entrasql_error *err)
{
    ES_CLEANUP(sqlvalue_done) sqlvalue name = sqlvalue_null(sqltype_of(SQLTYPE_UNKNOWN));
    int32_t handle = 0;
    if (call->count < 2)
        return missing(call, "@RPCCall", err);
    ES_TRY(text_param(call, "@RPCCall", 1, &name, err));
    drop_old(s, call);
    ES_TRY(keep_call(s, call, name.u.s.data, &handle, err));
    entrasql_status status = run_call(s, call, 2, name.u.s.data, call->params + 2, err);
    if (status != ENTRASQL_OK)
        drop_prepared(s, handle); /* the client does not hear of it */
    else if (call->outputs != NULL)
        call->outputs[0] = sqlvalue_int(handle);
    return status;
}

/* What the reset bit of a packet does, as old pools ask for it; a call of the client's, no text's.
 */
static entrasql_status sp_reset_connection(engine_session *s, engine_procedure_call *call,
                                           entrasql_error *err)
{
    if (s->frame != &s->root)
        return engine_error(err, 2812, 62, "Could not find stored procedure '%s'.", call->name);
    return engine_session_reset_now(s, false);
}

/* ---- role members, in the old form ---- */

static entrasql_status change_member(engine_session *s, engine_procedure_call *call, bool add,
                                     entrasql_error *err)
{
    ES_CLEANUP(sqlvalue_done) sqlvalue role = sqlvalue_null(sqltype_of(SQLTYPE_UNKNOWN));
    ES_CLEANUP(sqlvalue_done) sqlvalue member = sqlvalue_null(sqltype_of(SQLTYPE_UNKNOWN));
    ES_TRY(text_param(call, "@rolename", 0, &role, err));
    ES_TRY(text_param(call, "@membername", 1, &member, err));
    /* ALTER ROLE says 15151 of the same: the procedure has a number of its own. */
    if (engine_catalog_principal(s->catalog, member.u.s.data) == NULL)
        return engine_error(err, 15410, 1, "User or role '%s' does not exist in this database.",
                            member.u.s.data);
    engine_unit unit;
    ES_TRY(engine_unit_begin(s, true, false, &unit, err));
    entrasql_status status = engine_change_member(s, role.u.s.data, member.u.s.data, add, err);
    return engine_unit_end(s, &unit, status, err);
}

static entrasql_status sp_addrolemember(engine_session *s, engine_procedure_call *call,
                                        entrasql_error *err)
{
    return change_member(s, call, true, err);
}

static entrasql_status sp_droprolemember(engine_session *s, engine_procedure_call *call,
                                         entrasql_error *err)
{
    return change_member(s, call, false, err);
}

/* ---- by name ---- */

static const struct {
    const char *name;
    entrasql_status (*run)(engine_session *s, engine_procedure_call *call, entrasql_error *err);
} procedures[] = {
    {"sp_executesql", sp_executesql},
    {"sp_prepare", sp_prepare},
    {"sp_execute", sp_execute},
    {"sp_prepexec", sp_prepexec},
    {"sp_unprepare", sp_unprepare},
    {"sp_prepexecrpc", sp_prepexecrpc},
    {"sp_reset_connection", sp_reset_connection},
    {"sp_addrolemember", sp_addrolemember},
    {"sp_droprolemember", sp_droprolemember},
    {"sp_rename", engine_sp_rename},
    {"sp_addextendedproperty", engine_sp_addextendedproperty},
    {"sp_updateextendedproperty", engine_sp_updateextendedproperty},
    {"sp_dropextendedproperty", engine_sp_dropextendedproperty},
    {"sp_getapplock", engine_sp_getapplock},
    {"sp_releaseapplock", engine_sp_releaseapplock},
};

static entrasql_status run_catalog_procedure(engine_session *s, engine_procedure_call *call,
                                             entrasql_error *err)
{
    engine_unit unit;
    ES_TRY(engine_unit_begin(s, false, false, &unit, err));
    entrasql_status status = engine_catalog_procedure_run(s, call->name, call->params, call->count,
                                                          &call->return_status, err);
    return engine_unit_end(s, &unit, status, err);
}

static bool is_system(const engine_procedure_call *call)
{
    const char *schema = call->object != NULL ? call->object->schema.text : NULL;
    return schema == NULL || schema[0] == '\0' || es_strcaseeq(schema, "sys") ||
           es_strcaseeq(schema, "dbo");
}

entrasql_status engine_procedure_run(engine_session *s, engine_procedure_call *call,
                                     entrasql_error *err)
{
    char text[512];
    bool found = false;
    for (size_t i = 0; i < ES_COUNT_OF(procedures) && is_system(call); i++) {
        if (es_strcaseeq(call->name, procedures[i].name))
            return procedures[i].run(s, call, err);
    }
    if (is_system(call) && engine_catalog_procedure_is(call->name))
        return run_catalog_procedure(s, call, err);
    if (call->object != NULL)
        ES_TRY(engine_module_call(s, call, &found, err));
    if (found)
        return ENTRASQL_OK;
    return engine_error(err, 2812, 62, "Could not find stored procedure '%s'.",
                        call->object != NULL ? engine_object_text(call->object, text, sizeof text)
                                             : call->name);
}
