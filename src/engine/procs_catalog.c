/* SPDX-License-Identifier: MIT */
/* Catalog procedures: finding one, its arguments, sorting and sending its rows. */
#include "engine/procs_catalog.h"

#include "base/mem.h"
#include "base/str.h"
#include "engine/like.h"
#include "engine/output.h"
#include "engine/permission.h"
#include "engine/procs_impl.h"
#include "sqltype/collation.h"
#include "sqltype/convert.h"

#include <stdlib.h>
#include <string.h>

/* ---- finding ---- */

static const engine_procs *const lists[] = {&engine_procs_tables,   &engine_procs_keys,
                                            &engine_procs_types,    &engine_procs_modules,
                                            &engine_procs_describe, &engine_procs_help};

static const engine_proc *find(const char *name)
{
    for (size_t k = 0; k < ES_COUNT_OF(lists); k++) {
        for (size_t i = 0; i < lists[k]->count; i++) {
            if (es_strcaseeq(lists[k]->items[i].name, name))
                return &lists[k]->items[i];
        }
    }
    return NULL;
}

bool engine_catalog_procedure_is(const char *name)
{
    return find(name) != NULL;
}

/* ---- patterns ---- */

bool engine_pattern_fits(const char *pattern, const char *text)
{
    return pattern == NULL || engine_like_at(text, strlen(text), pattern, strlen(pattern), 0);
}

bool engine_proc_fits(const char *wanted, const char *text, bool pattern)
{
    if (wanted == NULL)
        return true;
    return pattern ? engine_pattern_fits(wanted, text) : sqlcollation_equal_names(wanted, text);
}

/* ---- what run functions share ---- */

bool engine_proc_is_here(const engine_proc_call *call, const char *qualifier)
{
    return qualifier == NULL || qualifier[0] == '\0' ||
           engine_pattern_fits(qualifier, call->s->database->name);
}

const engine_object *engine_proc_table(const engine_proc_call *call, const char *owner,
                                       const char *name)
{
    const engine_catalog *c = call->s->catalog;
    for (size_t i = 0; i < c->object_count && name != NULL; i++) {
        const engine_object *o = &c->objects[i];
        if (!engine_object_has_columns(o) || !sqlcollation_equal_names(o->name, name))
            continue;
        if (owner != NULL && owner[0] != '\0' &&
            !sqlcollation_equal_names(owner, engine_schema_name(c, o->schema)))
            continue;
        if (engine_may_see(call->s, o))
            return o;
    }
    return NULL;
}

void engine_proc_row_names(engine_proc_call *call, const engine_object *o)
{
    engine_row_text(&call->rows, call->s->database->name);
    engine_row_text(&call->rows, engine_schema_name(call->s->catalog, o->schema));
    engine_row_text(&call->rows, o->name);
}

void engine_row_or_null(engine_rows *rows, int64_t v)
{
    if (v == -1)
        engine_row_null(rows);
    else
        engine_row_int(rows, v);
}

/* ---- arguments ---- */

typedef struct arguments {
    sqlvalue values[ENGINE_PROC_ARGS_MAX]; /* converted, owned */
    bool given[ENGINE_PROC_ARGS_MAX];
} arguments;

static void arguments_done(arguments *a)
{
    for (size_t i = 0; i < ENGINE_PROC_ARGS_MAX; i++)
        sqlvalue_done(&a->values[i]);
}

/* Procedures of this family call the same thing @table_qualifier, @qualifier and so on. */
static bool same_param(const char *formal, const char *given)
{
    if (es_strcaseeq(formal, given))
        return true;
    const char *formal_tail = strrchr(formal, '_');
    return formal_tail != NULL && es_strcaseeq(formal_tail, "_qualifier") &&
           es_strcaseeq(given, "@qualifier");
}

static entrasql_status place_of(const engine_proc *proc, const engine_param *param, size_t position,
                                size_t *ret, entrasql_error *err)
{
    if (param->name == NULL || param->name[0] == '\0') {
        *ret = position;
        return position < proc->param_count
                   ? ENTRASQL_OK
                   : engine_error(err, 8144, 2,
                                  "Procedure or function %s has too many arguments specified.",
                                  proc->name);
    }
    for (size_t i = 0; i < proc->param_count; i++) {
        if (same_param(proc->params[i].name, param->name)) {
            *ret = i;
            return ENTRASQL_OK;
        }
    }
    return engine_error(err, 8145, 1, "%s is not a parameter for procedure %s.", param->name,
                        proc->name);
}

static entrasql_status take_argument(const engine_proc *proc, const engine_param *param,
                                     size_t position, arguments *a, entrasql_error *err)
{
    const sqltype text_type = {.id = SQLTYPE_NVARCHAR, .length = SQLTYPE_MAX};
    const sqltype number_type = {.id = SQLTYPE_BIGINT};
    size_t i = 0;
    ES_TRY(place_of(proc, param, position, &i, err));
    if (param->use_default)
        return ENTRASQL_OK;
    sqlvalue_done(&a->values[i]);
    a->values[i] = (sqlvalue){.is_null = true};
    ES_TRY(sqltype_convert(&param->value, proc->params[i].is_number ? number_type : text_type, NULL,
                           &a->values[i], err));
    a->given[i] = true;
    return ENTRASQL_OK;
}

static entrasql_status read_arguments(engine_proc_call *call, const engine_param *params,
                                      size_t count, arguments *a, entrasql_error *err)
{
    const engine_proc *proc = call->proc;
    for (size_t i = 0; i < ENGINE_PROC_ARGS_MAX; i++)
        a->values[i].is_null = true;
    for (size_t i = 0; i < count; i++)
        ES_TRY(take_argument(proc, &params[i], i, a, err));
    for (size_t i = 0; i < proc->param_count; i++) {
        const engine_proc_param *param = &proc->params[i];
        if (!a->given[i] && param->required)
            return engine_error(err, 201, 4,
                                "Procedure or function '%s' expects parameter '%s', which was not "
                                "supplied.",
                                proc->name, param->name);
        bool has_value = a->given[i] && !a->values[i].is_null;
        call->number[i] = has_value && param->is_number ? a->values[i].u.i : param->number;
        call->text[i] = has_value && !param->is_number ? a->values[i].u.s.data
                        : a->given[i]                  ? NULL
                                                       : param->text;
    }
    return ENTRASQL_OK;
}

/* ---- sorting and sending ---- */

static int compare_values(const sqlvalue *a, const sqlvalue *b)
{
    if (a->is_null || b->is_null)
        return (b->is_null ? 1 : 0) - (a->is_null ? 1 : 0);
    return sqlvalue_compare(a, b);
}

static int compare_rows(const void *a, const void *b, void *ctx)
{
    const engine_proc *proc = ctx;
    const sqlvalue *left = *(sqlvalue *const *)a;
    const sqlvalue *right = *(sqlvalue *const *)b;
    for (size_t i = 0; i < ENGINE_PROC_ORDER_MAX && proc->order[i] != 0; i++) {
        size_t column = proc->order[i] - 1u;
        int order = compare_values(&left[column], &right[column]);
        if (order != 0)
            return order;
    }
    return left < right ? -1 : left > right ? 1 : 0; /* as they were made */
}

static entrasql_status send_columns(engine_proc_call *call)
{
    const engine_view *result = &call->proc->result;
    engine_column *columns = es_calloc(result->column_count, sizeof *columns);
    if (columns == NULL)
        return ENTRASQL_NOMEM;
    for (size_t i = 0; i < result->column_count; i++)
        columns[i] = (engine_column){.name = result->columns[i].name,
                                     .type = engine_view_type(&result->columns[i]),
                                     .nullable = result->columns[i].nullable,
                                     .computed = true};
    entrasql_status status = engine_output_columns(call->s, columns, result->column_count);
    es_free(columns);
    return status;
}

static entrasql_status send_rows(engine_proc_call *call)
{
    size_t columns = call->proc->result.column_count;
    size_t count = call->rows.count / columns;
    sqlvalue **rows = es_calloc(count + 1, sizeof *rows);
    if (rows == NULL)
        return ENTRASQL_NOMEM;
    for (size_t i = 0; i < count; i++)
        rows[i] = call->rows.values + i * columns;
    union {
        const engine_proc *proc;
        void *ctx;
    } order = {.proc = call->proc}; /* qsort_r() hands a plain pointer on */
    qsort_r(rows, count, sizeof *rows, compare_rows, order.ctx);
    entrasql_status status = send_columns(call);
    for (size_t i = 0; i < count && status == ENTRASQL_OK; i++)
        status = engine_output_row(call->s, rows[i], columns);
    es_free(rows);
    ES_TRY(status);
    return engine_output_done(call->s, ENGINE_CMD_SELECT, true, count, false);
}

entrasql_status engine_catalog_procedure_run(engine_session *s, const char *name,
                                             const engine_param *params, size_t count,
                                             int32_t *ret_status, entrasql_error *err)
{
    const engine_proc *proc = find(name);
    if (proc == NULL)
        return es_fail(err, ENTRASQL_NOT_FOUND, "there is no catalog procedure '%s'", name);
    engine_proc_call call = {
        .s = s, .proc = proc, .rows = {.s = s, .view = &proc->result}, .err = err};
    arguments a = {0};
    entrasql_status status = read_arguments(&call, params, count, &a, err);
    if (status == ENTRASQL_OK) {
        status = proc->run(&call);
        if (status == ENTRASQL_OK)
            status = engine_rows_status(&call.rows);
        if (status == ENTRASQL_OK)
            status = send_rows(&call);
        if (status == ENTRASQL_NOMEM)
            status = es_nomem(err);
        else if (status == ENTRASQL_INTERNAL)
            status = es_fail(err, ENTRASQL_INTERNAL, "%s made a row of the wrong length", name);
    }
    arguments_done(&a);
    engine_rows_done(&call.rows);
    if (status == ENTRASQL_OK && ret_status != NULL)
        *ret_status = 0;
    return status;
}
