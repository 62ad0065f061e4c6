/* SPDX-License-Identifier: MIT */
/* sp_describe_undeclared_parameters: what SQLDescribeParam() asks. */
#include "engine/describe.h"
#include "engine/procs_impl.h"

static const engine_view_column columns[] = {
    {"parameter_ordinal", "int", false},
    {"name", "sysname", false},
    {"suggested_system_type_id", "int", false},
    {"suggested_system_type_name", "nvarchar(256)", true},
    {"suggested_max_length", "smallint", false},
    {"suggested_precision", "tinyint", false},
    {"suggested_scale", "tinyint", false},
    {"suggested_user_type_id", "int", true},
    {"suggested_user_type_database", "sysname", true},
    {"suggested_user_type_schema", "sysname", true},
    {"suggested_user_type_name", "sysname", true},
    {"suggested_assembly_qualified_type_name", "nvarchar(4000)", true},
    {"suggested_xml_collection_id", "int", true},
    {"suggested_xml_collection_database", "sysname", true},
    {"suggested_xml_collection_schema", "sysname", true},
    {"suggested_xml_collection_name", "sysname", true},
    {"suggested_is_xml_document", "bit", false},
    {"suggested_is_case_sensitive", "bit", false},
    {"suggested_is_fixed_length_clr_type", "bit", false},
    {"suggested_is_input", "bit", false},
    {"suggested_is_output", "bit", false},
    {"formal_parameter_name", "sysname", true},
    {"suggested_tds_type_id", "int", false},
    {"suggested_tds_length", "int", false},
};

enum { TSQL, PARAMS };

static const engine_proc_param params[] = {
    {.name = "@tsql", .required = true},
    {.name = "@params"},
};

/* The type's byte in TDS, and the length that its description carries there. */
static int tds_type(sqltype type, int *ret_length)
{
    engine_systype t = engine_systype_of(type);
    *ret_length = t.max_length < 0 ? 65535 : t.max_length;
    if (type.id == SQLTYPE_TEXT || type.id == SQLTYPE_NTEXT || type.id == SQLTYPE_IMAGE)
        *ret_length = INT32_MAX;
    if (type.id == SQLTYPE_TINYINT || type.id == SQLTYPE_SMALLINT || type.id == SQLTYPE_INT ||
        type.id == SQLTYPE_BIGINT)
        return 38;
    if (type.id == SQLTYPE_REAL || type.id == SQLTYPE_FLOAT)
        return 109;
    if (type.id == SQLTYPE_MONEY || type.id == SQLTYPE_SMALLMONEY)
        return 110;
    if (type.id == SQLTYPE_DATETIME || type.id == SQLTYPE_SMALLDATETIME)
        return 111;
    if (type.id == SQLTYPE_DECIMAL || type.id == SQLTYPE_NUMERIC)
        *ret_length = 17;
    return type.id == SQLTYPE_ROWVERSION ? 173 : t.system_id;
}

static void add_row(engine_rows *r, const engine_described *p, size_t ordinal)
{
    char type_name[64];
    int tds_length;
    int tds_id = tds_type(p->type, &tds_length);
    engine_systype t = engine_systype_of(p->type);
    sqltype_format(p->type, type_name, sizeof type_name);
    engine_row_int(r, (int64_t)ordinal);
    engine_row_text(r, p->name);
    engine_row_int(r, t.system_id);
    engine_row_text(r, type_name);
    engine_row_int(r, t.max_length);
    engine_row_int(r, t.precision);
    engine_row_int(r, t.scale);
    for (int i = 0; i < 9; i++)
        engine_row_null(r);
    for (int i = 0; i < 3; i++)
        engine_row_int(r, 0);
    engine_row_int(r, 1);
    engine_row_int(r, 0);
    engine_row_null(r);
    engine_row_int(r, tds_id);
    engine_row_int(r, tds_length);
}

static entrasql_status add_rows(engine_proc_call *call, const engine_description *d)
{
    for (size_t i = 0; i < d->count; i++) {
        if (!d->items[i].known)
            return engine_error(call->err, 11505, 1,
                                "The type of the undeclared parameter '%s' cannot be deduced from "
                                "where it is used.",
                                d->items[i].name);
    }
    for (size_t i = 0; i < d->count; i++)
        add_row(&call->rows, &d->items[i], i + 1);
    return ENTRASQL_OK;
}

static entrasql_status run(engine_proc_call *call)
{
    engine_description d;
    if (call->text[TSQL] == NULL)
        return ENTRASQL_OK;
    ES_TRY(engine_describe(call->s, call->text[TSQL], call->text[PARAMS], &d, call->err));
    entrasql_status status = add_rows(call, &d);
    engine_description_done(&d);
    return status;
}

static const engine_proc procs[] = {
    {
        .name = "sp_describe_undeclared_parameters",
        .params = params,
        .param_count = ES_COUNT_OF(params),
        .result = ENGINE_PROC_RESULT(columns),
        .run = run,
    },
};

const engine_procs engine_procs_describe = {procs, ES_COUNT_OF(procs)};
