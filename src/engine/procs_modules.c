/* SPDX-License-Identifier: MIT */
/* sp_stored_procedures, sp_sproc_columns: parameters come from the stored text. */
#include "engine/module.h"
#include "engine/permission.h"
#include "engine/procs_impl.h"
#include "tsql/type.h"

#include <stdio.h>
#include <string.h>

enum { NAME, OWNER, QUALIFIER };

static bool is_routine(const engine_object *o)
{
    return o->type == ENGINE_OBJECT_PROCEDURE || o->type == ENGINE_OBJECT_FUNCTION;
}

static bool wanted(const engine_proc_call *call, const engine_object *o, bool pattern)
{
    const char *owner = engine_schema_name(call->s->catalog, o->schema);
    return is_routine(o) && engine_proc_fits(call->text[NAME], o->name, pattern) &&
           engine_proc_fits(call->text[OWNER], owner, pattern) && engine_may_see(call->s, o);
}

/* "name;1" for procedures, "name;0" for functions. */
static void row_names(engine_proc_call *call, const engine_object *o)
{
    char name[4 * ENGINE_NAME_MAX + 3];
    (void)snprintf(name, sizeof name, "%s;%d", o->name, o->type == ENGINE_OBJECT_FUNCTION ? 0 : 1);
    engine_row_text(&call->rows, call->s->database->name);
    engine_row_text(&call->rows, engine_schema_name(call->s->catalog, o->schema));
    engine_row_text(&call->rows, name);
}

/* ---- sp_stored_procedures ---- */

static const engine_view_column procedure_columns[] = {
    {"PROCEDURE_QUALIFIER", "sysname", true},   {"PROCEDURE_OWNER", "sysname", true},
    {"PROCEDURE_NAME", "nvarchar(134)", false}, {"NUM_INPUT_PARAMS", "int", false},
    {"NUM_OUTPUT_PARAMS", "int", false},        {"NUM_RESULT_SETS", "int", false},
    {"REMARKS", "varchar(254)", true},          {"PROCEDURE_TYPE", "smallint", false},
};

enum { USE_PATTERN = 3 };

static const engine_proc_param procedure_params[] = {
    {.name = "@sp_name"},
    {.name = "@sp_owner"},
    {.name = "@sp_qualifier"},
    {.name = "@fUsePattern", .is_number = true, .number = 1},
};

static entrasql_status run_procedures(engine_proc_call *call)
{
    const engine_catalog *c = call->s->catalog;
    if (!engine_proc_is_here(call, call->text[QUALIFIER]))
        return ENTRASQL_OK;
    for (size_t i = 0; i < c->object_count; i++) {
        if (!wanted(call, &c->objects[i], call->number[USE_PATTERN] != 0))
            continue;
        row_names(call, &c->objects[i]);
        for (int k = 0; k < 3; k++)
            engine_row_int(&call->rows, -1); /* not known */
        engine_row_null(&call->rows);
        engine_row_int(&call->rows, 2);
    }
    return ENTRASQL_OK;
}

/* ---- sp_sproc_columns ---- */

static const engine_view_column param_columns[] = {
    {"PROCEDURE_QUALIFIER", "sysname", true},
    {"PROCEDURE_OWNER", "sysname", true},
    {"PROCEDURE_NAME", "nvarchar(134)", false},
    {"COLUMN_NAME", "sysname", true},
    {"COLUMN_TYPE", "smallint", false},
    {"DATA_TYPE", "smallint", false},
    {"TYPE_NAME", "sysname", true},
    {"PRECISION", "int", true},
    {"LENGTH", "int", true},
    {"SCALE", "smallint", true},
    {"RADIX", "smallint", true},
    {"NULLABLE", "smallint", false},
    {"REMARKS", "varchar(254)", true},
    {"COLUMN_DEF", "nvarchar(4000)", true},
    {"SQL_DATA_TYPE", "smallint", false},
    {"SQL_DATETIME_SUB", "smallint", true},
    {"CHAR_OCTET_LENGTH", "int", true},
    {"ORDINAL_POSITION", "int", false},
    {"IS_NULLABLE", "varchar(254)", true},
    {"SS_DATA_TYPE", "tinyint", true},
};

enum { COLUMN = 3, ODBC_VERSION = 4, PARAM_USE_PATTERN = 5 };

static const engine_proc_param param_params[] = {
    {.name = "@procedure_name"},
    {.name = "@procedure_owner"},
    {.name = "@procedure_qualifier"},
    {.name = "@column_name"},
    {.name = "@ODBCVer", .is_number = true, .number = 2},
    {.name = "@fUsePattern", .is_number = true, .number = 1},
};

/* COLUMN_TYPE of ODBC. */
enum { INPUT = 1, INPUT_OUTPUT = 2, RETURN_VALUE = 5 };

static void row_param(engine_proc_call *call, const engine_object *o, const char *name,
                      int column_type, sqltype type, size_t place)
{
    engine_rows *r = &call->rows;
    bool pattern = call->number[PARAM_USE_PATTERN] != 0;
    if (!engine_proc_fits(call->text[COLUMN], name, pattern))
        return;
    bool nullable = column_type != RETURN_VALUE;
    engine_odbctype t = engine_odbctype_of(type, nullable, false, (int)call->number[ODBC_VERSION],
                                           call->proc->unlimited);
    row_names(call, o);
    engine_row_text(r, name);
    engine_row_int(r, column_type);
    engine_row_int(r, t.data_type);
    engine_row_text(r, t.name);
    engine_row_int(r, t.precision);
    engine_row_int(r, t.length);
    engine_row_or_null(r, t.scale);
    engine_row_or_null(r, t.radix);
    engine_row_int(r, nullable ? 1 : 0);
    engine_row_null(r);
    engine_row_null(r);
    engine_row_int(r, t.sql_data_type);
    engine_row_or_null(r, t.datetime_sub);
    engine_row_or_null(r, t.octet_length);
    engine_row_int(r, (int64_t)place);
    engine_row_text(r, nullable ? "YES" : "NO");
    engine_row_int(r, t.ss_data_type);
}

static void add_params(engine_proc_call *call, const engine_object *o, const tsql_params *params)
{
    const sqltype int_type = {.id = SQLTYPE_INT};
    if (o->type == ENGINE_OBJECT_PROCEDURE)
        row_param(call, o, "@RETURN_VALUE", RETURN_VALUE, int_type, 0);
    for (size_t i = 0; i < params->count; i++) {
        sqltype type;
        if (tsql_type_resolve(&params->items[i].type, TSQL_LENGTH_DECLARED, (uint32_t)i + 1, &type,
                              NULL) != ENTRASQL_OK)
            continue; /* a table type: ODBC has no row for it here */
        row_param(call, o, params->items[i].name, params->items[i].output ? INPUT_OUTPUT : INPUT,
                  type, i + 1);
    }
}

static entrasql_status add_routine(engine_proc_call *call, const engine_object *o)
{
    tsql_batch *batch;
    const tsql_params *params;
    ES_TRY(engine_module_params(o, &batch, &params));
    if (params != NULL)
        add_params(call, o, params);
    tsql_batch_free(batch);
    return ENTRASQL_OK;
}

static entrasql_status run_params(engine_proc_call *call)
{
    const engine_catalog *c = call->s->catalog;
    if (!engine_proc_is_here(call, call->text[QUALIFIER]))
        return ENTRASQL_OK;
    for (size_t i = 0; i < c->object_count; i++) {
        if (wanted(call, &c->objects[i], call->number[PARAM_USE_PATTERN] != 0))
            ES_TRY(add_routine(call, &c->objects[i]));
    }
    return ENTRASQL_OK;
}

/* ---- the list ---- */

#define PROC(proc_name, proc_params, proc_columns, proc_run, no_limit, ...)                        \
    {                                                                                              \
        .name = proc_name, .params = proc_params, .param_count = ES_COUNT_OF(proc_params),         \
        .result = ENGINE_PROC_RESULT(proc_columns), .order = {__VA_ARGS__}, .unlimited = no_limit, \
        .run = proc_run                                                                            \
    }

static const engine_proc procs[] = {
    PROC("sp_stored_procedures", procedure_params, procedure_columns, run_procedures, false, 2, 3),
    PROC("sp_sproc_columns", param_params, param_columns, run_params, false, 2, 3, 18),
    PROC("sp_sproc_columns_90", param_params, param_columns, run_params, true, 2, 3, 18),
    PROC("sp_sproc_columns_100", param_params, param_columns, run_params, true, 2, 3, 18),
};

const engine_procs engine_procs_modules = {procs, ES_COUNT_OF(procs)};
