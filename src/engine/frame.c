/* SPDX-License-Identifier: MIT */
/* Variables of a running batch. */
#include "engine/internal.h"

#include "base/mem.h"
#include "sqltype/collation.h"
#include "sqltype/convert.h"
#include "tsql/type.h"

engine_variable *engine_frame_variable(engine_frame *frame, const char *name)
{
    for (size_t i = 0; i < frame->variable_count; i++) {
        if (sqlcollation_equal_names(frame->variables[i].name, name))
            return &frame->variables[i];
    }
    return NULL;
}

entrasql_status engine_frame_declare(engine_frame *frame, const char *name, sqltype type,
                                     engine_variable **ret, entrasql_error *err)
{
    if (engine_frame_variable(frame, name) != NULL)
        return engine_error(err, 134, 1,
                            "The variable name '%s' has already been declared. Variable names must "
                            "be unique within a query batch or stored procedure.",
                            name);
    if (frame->variable_count == ENGINE_VARIABLES_MAX)
        return engine_error(err, 8631, 1, "Too many variables in one batch.");
    engine_variable *grown =
        es_reallocarray(frame->variables, frame->variable_count + 1, sizeof *grown);
    if (grown == NULL)
        return es_nomem(err);
    frame->variables = grown;
    engine_variable *v = &grown[frame->variable_count];
    *v = (engine_variable){.name = es_strdup(name), .type = type, .value = sqlvalue_null(type)};
    if (v->name == NULL)
        return es_nomem(err);
    frame->variable_count++;
    if (ret != NULL)
        *ret = v;
    return ENTRASQL_OK;
}

entrasql_status engine_frame_declare_params(engine_frame *frame, const tsql_params *params,
                                            entrasql_error *err)
{
    for (size_t i = 0; i < params->count; i++) {
        const tsql_param *p = &params->items[i];
        sqltype type;
        ES_TRY(tsql_type_resolve(&p->type, TSQL_LENGTH_DECLARED, (uint32_t)i + 1, &type, err));
        ES_TRY(engine_frame_declare(frame, p->name, type, NULL, err));
    }
    return ENTRASQL_OK;
}

/* Assigning to a variable cuts what is too long, silently. */
entrasql_status engine_variable_set(engine_variable *variable, const sqlvalue *v,
                                    entrasql_error *err)
{
    sqlvalue converted;
    if (!v->is_null)
        ES_TRY(sqltype_check_conversion(v->type, variable->type, false, err));
    ES_TRY(sqltype_convert(v, variable->type, NULL, &converted, err));
    sqlvalue_done(&variable->value);
    variable->value = converted;
    return ENTRASQL_OK;
}

void engine_frame_done(engine_frame *frame)
{
    for (size_t i = 0; i < frame->variable_count; i++) {
        es_free(frame->variables[i].name);
        sqlvalue_done(&frame->variables[i].value);
    }
    es_free(frame->variables);
    frame->variables = NULL;
    frame->variable_count = 0;
    frame->identity_known = false;
}
