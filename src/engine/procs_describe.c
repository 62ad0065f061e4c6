/* SPDX-License-Identifier: MIT */
/*
 * sp_describe_undeclared_parameters and sp_describe_first_result_set: what
 * SQLDescribeParam() asks, and SQLNumResultCols() before the execution.
 */
#include "engine/describe.h"
#include "engine/output.h"
#include "engine/procs_impl.h"
#include "engine/run.h"
#include "engine/table.h"
#include "sqltype/collation.h"

#include <string.h>

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

/* system_type_id to scale, in the answers of both procedures. */
static void add_type(engine_rows *r, sqltype type)
{
    char name[64];
    engine_systype t = engine_systype_of(type);
    sqltype_format(type, name, sizeof name);
    engine_row_int(r, t.system_id);
    engine_row_text(r, name);
    engine_row_int(r, t.max_length);
    engine_row_int(r, t.precision);
    engine_row_int(r, t.scale);
}

static void add_tds_type(engine_rows *r, sqltype type)
{
    int length;
    int id = tds_type(type, &length);
    engine_row_int(r, id);
    engine_row_int(r, length);
}

static void add_row(engine_rows *r, const engine_described *p, size_t ordinal)
{
    engine_row_int(r, (int64_t)ordinal);
    engine_row_text(r, p->name);
    add_type(r, p->type);
    for (int i = 0; i < 9; i++)
        engine_row_null(r);
    for (int i = 0; i < 3; i++)
        engine_row_int(r, 0);
    engine_row_int(r, 1);
    engine_row_int(r, 0);
    engine_row_null(r);
    add_tds_type(r, p->type);
}

static entrasql_status check_known(const engine_proc_call *call, const engine_description *d)
{
    for (size_t i = 0; i < d->count; i++) {
        if (!d->items[i].known)
            return engine_error(call->err, 11505, 1,
                                "The type of the undeclared parameter '%s' cannot be deduced from "
                                "where it is used.",
                                d->items[i].name);
    }
    return ENTRASQL_OK;
}

static entrasql_status add_rows(engine_proc_call *call, const engine_description *d)
{
    ES_TRY(check_known(call, d));
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

/* ---- sp_describe_first_result_set ---- */

static const engine_view_column result_columns[] = {
    {"is_hidden", "bit", false},
    {"column_ordinal", "int", false},
    {"name", "sysname", true},
    {"is_nullable", "bit", false},
    {"system_type_id", "int", false},
    {"system_type_name", "nvarchar(256)", true},
    {"max_length", "smallint", false},
    {"precision", "tinyint", false},
    {"scale", "tinyint", false},
    {"collation_name", "sysname", true},
    {"user_type_id", "int", true},
    {"user_type_database", "sysname", true},
    {"user_type_schema", "sysname", true},
    {"user_type_name", "sysname", true},
    {"assembly_qualified_type_name", "nvarchar(4000)", true},
    {"xml_collection_id", "int", true},
    {"xml_collection_database", "sysname", true},
    {"xml_collection_schema", "sysname", true},
    {"xml_collection_name", "sysname", true},
    {"is_xml_document", "bit", false},
    {"is_case_sensitive", "bit", false},
    {"is_fixed_length_clr_type", "bit", false},
    {"source_server", "sysname", true},
    {"source_database", "sysname", true},
    {"source_schema", "sysname", true},
    {"source_table", "sysname", true},
    {"source_column", "sysname", true},
    {"is_identity_column", "bit", true},
    {"is_part_of_unique_key", "bit", true},
    {"is_updateable", "bit", true},
    {"is_computed_column", "bit", true},
    {"is_sparse_column_set", "bit", true},
    {"ordinal_in_order_by_list", "smallint", true},
    {"order_by_is_descending", "smallint", true},
    {"order_by_list_length", "smallint", true},
    {"tds_type_id", "int", false},
    {"tds_length", "int", false},
    {"tds_collation_id", "int", true},
    {"tds_collation_sort_id", "tinyint", true},
};

/* SQL_Latin1_General_CP1_CI_AS as TDS has it. */
enum { COLLATION_ID = 0x00D00409, COLLATION_SORT_ID = 52 };

static const engine_proc_param result_params[] = {
    {.name = "@tsql", .required = true},
    {.name = "@params"},
    {.name = "@browse_information_mode", .is_number = true},
};

static void add_column(engine_rows *r, const engine_column *c, size_t ordinal)
{
    bool has_collation = engine_systype_of(c->type).has_collation;
    engine_row_int(r, false);
    engine_row_int(r, (int64_t)ordinal);
    engine_row_text(r, c->name[0] != '\0' ? c->name : NULL);
    engine_row_int(r, c->nullable);
    add_type(r, c->type);
    engine_row_text(r, has_collation ? SQLCOLLATION_NAME : NULL);
    for (int i = 0; i < 9; i++)
        engine_row_null(r);
    for (int i = 0; i < 3; i++)
        engine_row_int(r, false);
    for (int i = 0; i < 5; i++)
        engine_row_null(r);
    engine_row_int(r, c->identity);
    engine_row_null(r);
    engine_row_int(r, !c->identity && !c->computed);
    engine_row_int(r, c->computed);
    engine_row_int(r, false);
    for (int i = 0; i < 3; i++)
        engine_row_null(r);
    add_tds_type(r, c->type);
    engine_row_or_null(r, has_collation ? COLLATION_ID : -1);
    engine_row_or_null(r, has_collation ? COLLATION_SORT_ID : -1);
}

static entrasql_status on_columns(void *ctx, const engine_column *shown, size_t count)
{
    engine_proc_call *call = ctx;
    for (size_t i = 0; i < count; i++)
        add_column(&call->rows, &shown[i], i + 1);
    return ENTRASQL_OK;
}

static void free_batch(tsql_batch **batch)
{
    tsql_batch_free(*batch);
}

/* Parameters that nobody declared have the types of what they stand beside. */
static entrasql_status declare_others(engine_proc_call *call, engine_frame *frame)
{
    engine_description d;
    ES_TRY(engine_describe(call->s, call->text[TSQL], call->text[PARAMS], &d, call->err));
    entrasql_status status = check_known(call, &d);
    for (size_t i = 0; i < d.count && status == ENTRASQL_OK; i++)
        status = engine_frame_declare(frame, d.items[i].name, d.items[i].type, NULL, call->err);
    engine_description_done(&d);
    return status;
}

static entrasql_status describe_result(engine_proc_call *call, engine_frame *frame)
{
    ES_CLEANUP(free_batch) tsql_batch *declared_batch = NULL;
    ES_CLEANUP(free_batch) tsql_batch *batch = NULL;
    const tsql_params *declared = NULL;
    engine_session *s = call->s;
    const char *text = call->text[TSQL];
    const char *declarations = call->text[PARAMS] != NULL ? call->text[PARAMS] : "";
    const tsql_options options = {.quoted_identifier_off = !s->set.quoted_identifier};
    ES_TRY(tsql_parse_params(declarations, strlen(declarations), &declared_batch, &declared,
                             call->err));
    ES_TRY(engine_frame_declare_params(frame, declared, call->err));
    ES_TRY(declare_others(call, frame));
    ES_TRY(tsql_parse(text, strlen(text), &options, &batch, call->err));
    /* The columns become rows of the answer, in place of going to the client. */
    engine_output saved = s->out;
    const engine_sink sink = {.ctx = call, .columns = on_columns};
    engine_output_begin(s, &sink, true);
    entrasql_status status = engine_run_first_shape(s, batch, frame, call->err);
    s->out = saved;
    return status;
}

static entrasql_status run_result(engine_proc_call *call)
{
    engine_frame frame = {0};
    if (call->text[TSQL] == NULL)
        return ENTRASQL_OK;
    entrasql_status status = describe_result(call, &frame);
    engine_frame_end(call->s, &frame);
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
    {
        .name = "sp_describe_first_result_set",
        .params = result_params,
        .param_count = ES_COUNT_OF(result_params),
        .result = ENGINE_PROC_RESULT(result_columns),
        .order = {2},
        .run = run_result,
    },
};

const engine_procs engine_procs_describe = {procs, ES_COUNT_OF(procs)};
