/* SPDX-License-Identifier: MIT */
/* sys.objects, tables, views, procedures, columns, types, schemas and kin. */
#include "engine/module.h"
#include "engine/permission.h"
#include "engine/systype.h"
#include "engine/views_sys.h"
#include "sqltype/collation.h"
#include "tsql/type.h"

/* ---- objects ---- */

static const engine_view_column object_columns[] = {ENGINE_OBJECT_COLUMNS};

/* Two characters, as char(2) has them. */
static void row_code(engine_rows *r, const char *code)
{
    char padded[3] = {code[0], code[1] != '\0' ? code[1] : ' ', '\0'};
    engine_row_text(r, padded);
}

void engine_row_object(engine_rows *r, const engine_object *o)
{
    engine_row_text(r, o->name);
    engine_row_int(r, o->id);
    engine_row_null(r);
    engine_row_int(r, o->schema);
    engine_row_int(r, o->parent);
    row_code(r, engine_object_code(o->type));
    engine_row_text(r, engine_object_type_desc(o->type));
    engine_row_ticks(r, o->created);
    engine_row_ticks(r, o->modified);
    engine_row_int(r, false);
    engine_row_int(r, false);
    engine_row_int(r, false);
}

static void row_system_view(engine_rows *r, const engine_view *view)
{
    engine_row_text(r, view->name);
    engine_row_int(r, engine_view_object_id(view));
    engine_row_null(r);
    engine_row_int(r, view->schema[0] == 's' ? ENGINE_SCHEMA_SYS : ENGINE_SCHEMA_INFORMATION);
    engine_row_int(r, 0);
    row_code(r, "V");
    engine_row_text(r, "VIEW");
    engine_row_ticks(r, INT64_C(631855950422870000));
    engine_row_ticks(r, INT64_C(631855950422870000));
    engine_row_int(r, true);
    engine_row_int(r, false);
    engine_row_int(r, false);
}

static entrasql_status fill_objects(engine_rows *r)
{
    engine_session *s = r->s;
    for (size_t i = 0; i < s->catalog->object_count; i++) {
        const engine_object *o = &s->catalog->objects[i];
        if (!engine_may_see(s, o))
            continue;
        engine_row_object(r, o);
    }
    return engine_rows_status(r);
}

static entrasql_status fill_system_views(engine_rows *r)
{
    const engine_view *view;
    for (size_t i = 0; (view = engine_view_at(i)) != NULL; i++) {
        if (view->arg_count == 0)
            row_system_view(r, view);
    }
    return engine_rows_status(r);
}

static entrasql_status fill_all_objects(engine_rows *r)
{
    ES_TRY(fill_objects(r));
    return fill_system_views(r);
}

static entrasql_status fill_of_type(engine_rows *r, engine_object_type type,
                                    void (*more)(engine_rows *r, const engine_object *o))
{
    const engine_session *s = r->s;
    for (size_t i = 0; i < s->catalog->object_count; i++) {
        const engine_object *o = &s->catalog->objects[i];
        if (o->type != type || !engine_may_see(s, o))
            continue;
        engine_row_object(r, o);
        if (more != NULL)
            more(r, o);
    }
    return engine_rows_status(r);
}

static entrasql_status fill_procedures(engine_rows *r)
{
    return fill_of_type(r, ENGINE_OBJECT_PROCEDURE, NULL);
}

static const engine_view_column table_columns[] = {
    ENGINE_OBJECT_COLUMNS,
    {"lob_data_space_id", "int", false},
    {"filestream_data_space_id", "int", true},
    {"max_column_id_used", "int", false},
    {"lock_on_bulk_load", "bit", false},
    {"uses_ansi_nulls", "bit", true},
    {"is_replicated", "bit", true},
    {"has_replication_filter", "bit", true},
    {"is_memory_optimized", "bit", true},
    {"durability", "tinyint", true},
    {"temporal_type", "tinyint", true},
    {"temporal_type_desc", "nvarchar(60)", true},
    {"history_table_id", "int", true},
    {"is_external", "bit", false},
    {"is_node", "bit", true},
    {"is_edge", "bit", true},
};

static void row_table_more(engine_rows *r, const engine_object *o)
{
    int32_t max_id = 0;
    for (size_t i = 0; i < o->column_count; i++) {
        if (o->columns[i].id > max_id)
            max_id = o->columns[i].id;
    }
    engine_row_int(r, 0);
    engine_row_null(r);
    engine_row_int(r, max_id);
    engine_row_int(r, false);
    engine_row_int(r, true);
    engine_row_int(r, false);
    engine_row_int(r, false);
    engine_row_int(r, false);
    engine_row_int(r, 0);
    engine_row_int(r, 0);
    engine_row_text(r, "NON_TEMPORAL_TABLE");
    engine_row_null(r);
    engine_row_int(r, false);
    engine_row_int(r, false);
    engine_row_int(r, false);
}

static entrasql_status fill_tables(engine_rows *r)
{
    return fill_of_type(r, ENGINE_OBJECT_TABLE, row_table_more);
}

static const engine_view_column view_columns[] = {
    ENGINE_OBJECT_COLUMNS,
    {"has_opaque_metadata", "bit", false},
    {"has_unchecked_assembly_data", "bit", false},
    {"with_check_option", "bit", false},
    {"is_date_correlation_view", "bit", false},
};

static void row_view_more(engine_rows *r, const engine_object *o)
{
    (void)o;
    for (int i = 0; i < 4; i++)
        engine_row_int(r, false);
}

static entrasql_status fill_views(engine_rows *r)
{
    return fill_of_type(r, ENGINE_OBJECT_VIEW, row_view_more);
}

/* ---- modules ---- */

static const engine_view_column module_columns[] = {
    {"object_id", "int", false},
    {"definition", "nvarchar(max)", true},
    {"uses_ansi_nulls", "bit", true},
    {"uses_quoted_identifier", "bit", true},
    {"is_schema_bound", "bit", true},
    {"uses_database_collation", "bit", true},
    {"is_recompiled", "bit", true},
    {"null_on_null_input", "bit", true},
    {"execute_as_principal_id", "int", true},
};

static entrasql_status fill_modules(engine_rows *r)
{
    engine_session *s = r->s;
    for (size_t i = 0; i < s->catalog->object_count; i++) {
        const engine_object *o = &s->catalog->objects[i];
        bool module = o->type == ENGINE_OBJECT_VIEW || o->type == ENGINE_OBJECT_PROCEDURE ||
                      o->type == ENGINE_OBJECT_FUNCTION;
        if (!module || !engine_may_see(s, o))
            continue;
        engine_row_int(r, o->id);
        engine_row_text(r, o->definition);
        engine_row_int(r, true);
        engine_row_int(r, true);
        for (int k = 0; k < 4; k++)
            engine_row_int(r, false);
        engine_row_null(r);
    }
    return engine_rows_status(r);
}

/* ---- parameters: of procedures, out of their text ---- */

static const engine_view_column parameter_columns[] = {
    {"object_id", "int", false},
    {"name", "sysname", true},
    {"parameter_id", "int", false},
    {"system_type_id", "tinyint", false},
    {"user_type_id", "int", false},
    {"max_length", "smallint", false},
    {"precision", "tinyint", false},
    {"scale", "tinyint", false},
    {"is_output", "bit", false},
    {"is_cursor_ref", "bit", false},
    {"has_default_value", "bit", false},
    {"is_xml_document", "bit", false},
    {"default_value", "nvarchar(4000)", true},
    {"xml_collection_id", "int", false},
    {"is_readonly", "bit", false},
    {"is_nullable", "bit", true},
    {"encryption_type", "int", true},
    {"encryption_type_desc", "nvarchar(64)", true},
    {"encryption_algorithm_name", "sysname", true},
    {"column_encryption_key_id", "int", true},
    {"column_encryption_key_database_name", "sysname", true},
};

/* Defaults are told of CLR objects only. */
static void row_parameter(engine_rows *r, const engine_object *o, const tsql_param *p,
                          int64_t place, sqltype type)
{
    engine_systype t = engine_systype_of(type);
    engine_row_int(r, o->id);
    engine_row_text(r, p->name);
    engine_row_int(r, place);
    engine_row_int(r, t.system_id);
    engine_row_int(r, t.system_id);
    engine_row_int(r, t.max_length);
    engine_row_int(r, t.precision);
    engine_row_int(r, t.scale);
    engine_row_int(r, p->output);
    for (int i = 0; i < 3; i++)
        engine_row_int(r, false);
    engine_row_null(r);
    engine_row_int(r, 0);
    engine_row_int(r, p->readonly);
    engine_row_int(r, true);
    for (int i = 0; i < 5; i++)
        engine_row_null(r);
}

static void row_parameters(engine_rows *r, const engine_object *o, const tsql_params *params)
{
    for (size_t i = 0; i < params->count; i++) {
        sqltype type;
        if (tsql_type_resolve(&params->items[i].type, TSQL_LENGTH_DECLARED, (uint32_t)i + 1, &type,
                              NULL) == ENTRASQL_OK)
            row_parameter(r, o, &params->items[i], (int64_t)i + 1, type);
    }
}

static entrasql_status fill_parameters(engine_rows *r)
{
    const engine_session *s = r->s;
    for (size_t i = 0; i < s->catalog->object_count; i++) {
        const engine_object *o = &s->catalog->objects[i];
        tsql_batch *batch;
        const tsql_params *params;
        if (o->type != ENGINE_OBJECT_PROCEDURE || !engine_may_see(s, o))
            continue;
        ES_TRY(engine_module_params(o, &batch, &params));
        if (params != NULL)
            row_parameters(r, o, params);
        tsql_batch_free(batch);
    }
    return engine_rows_status(r);
}

/* ---- columns ---- */

#define COLUMN_COLUMNS                                                                             \
    {"object_id", "int", false}, {"name", "sysname", true}, {"column_id", "int", false},           \
        {"system_type_id", "tinyint", false}, {"user_type_id", "int", false},                      \
        {"max_length", "smallint", false}, {"precision", "tinyint", false},                        \
        {"scale", "tinyint", false}, {"collation_name", "sysname", true},                          \
        {"is_nullable", "bit", true}, {"is_ansi_padded", "bit", false},                            \
        {"is_rowguidcol", "bit", false}, {"is_identity", "bit", false},                            \
        {"is_computed", "bit", false}, {"is_filestream", "bit", false},                            \
        {"is_replicated", "bit", true}, {"is_xml_document", "bit", false},                         \
        {"xml_collection_id", "int", false}, {"default_object_id", "int", false},                  \
        {"rule_object_id", "int", false}, {"is_sparse", "bit", true},                              \
        {"is_column_set", "bit", true}, {"generated_always_type", "tinyint", true},                \
        {"generated_always_type_desc", "nvarchar(60)", true}, {"is_hidden", "bit", false},         \
    {                                                                                              \
        "is_masked", "bit", false                                                                  \
    }

static const engine_view_column column_columns[] = {COLUMN_COLUMNS};

static void row_column(engine_rows *r, const engine_object *o, const engine_table_column *c)
{
    engine_systype t = engine_systype_of(c->type);
    const char *collation = c->collation != NULL ? c->collation : SQLCOLLATION_NAME;
    engine_row_int(r, o->id);
    engine_row_text(r, c->name);
    engine_row_int(r, c->id);
    engine_row_int(r, t.system_id);
    engine_row_int(r, t.system_id);
    engine_row_int(r, t.max_length);
    engine_row_int(r, t.precision);
    engine_row_int(r, t.scale);
    engine_row_text(r, t.has_collation ? collation : NULL);
    engine_row_int(r, c->nullable);
    engine_row_int(r, t.has_collation || sqltype_is_binary(c->type.id));
    engine_row_int(r, c->rowguid);
    engine_row_int(r, c->identity);
    engine_row_int(r, c->computed != NULL);
    for (int i = 0; i < 3; i++)
        engine_row_int(r, false);
    engine_row_int(r, 0);
    engine_row_int(r, c->default_id);
    engine_row_int(r, 0);
    engine_row_int(r, false);
    engine_row_int(r, false);
    engine_row_int(r, 0);
    engine_row_text(r, "NOT_APPLICABLE");
    engine_row_int(r, false);
    engine_row_int(r, false);
}

/* The columns of every table and view that pass the test, each with more columns behind. */
static entrasql_status fill_columns_if(engine_rows *r, bool (*test)(const engine_table_column *c),
                                       void (*more)(engine_rows *r, const engine_table_column *c))
{
    const engine_session *s = r->s;
    for (size_t i = 0; i < s->catalog->object_count; i++) {
        const engine_object *o = &s->catalog->objects[i];
        if (!engine_object_has_columns(o) || !engine_may_see(s, o))
            continue;
        for (size_t k = 0; k < o->column_count; k++) {
            if (test != NULL && !test(&o->columns[k]))
                continue;
            row_column(r, o, &o->columns[k]);
            if (more != NULL)
                more(r, &o->columns[k]);
        }
    }
    return engine_rows_status(r);
}

static entrasql_status fill_columns(engine_rows *r)
{
    return fill_columns_if(r, NULL, NULL);
}

static const engine_view_column identity_columns[] = {
    COLUMN_COLUMNS,
    {"seed_value", "bigint", true},
    {"increment_value", "bigint", true},
    {"is_not_for_replication", "bit", true},
};

static bool is_identity(const engine_table_column *c)
{
    return c->identity;
}

static void row_identity_more(engine_rows *r, const engine_table_column *c)
{
    engine_row_int(r, c->seed);
    engine_row_int(r, c->increment);
    engine_row_int(r, false);
}

static entrasql_status fill_identity_columns(engine_rows *r)
{
    return fill_columns_if(r, is_identity, row_identity_more);
}

static const engine_view_column computed_columns[] = {
    COLUMN_COLUMNS,
    {"definition", "nvarchar(max)", true},
    {"uses_database_collation", "bit", false},
    {"is_persisted", "bit", false},
};

static bool is_computed(const engine_table_column *c)
{
    return c->computed != NULL;
}

static void row_computed_more(engine_rows *r, const engine_table_column *c)
{
    engine_row_text(r, c->computed);
    engine_row_int(r, true);
    engine_row_int(r, c->persisted);
}

static entrasql_status fill_computed_columns(engine_rows *r)
{
    return fill_columns_if(r, is_computed, row_computed_more);
}

/* ---- types and schemas ---- */

static const engine_view_column type_columns[] = {
    ENGINE_TYPE_COLUMNS,
};

static entrasql_status fill_types(engine_rows *r)
{
    for (size_t i = 0; i < engine_systype_row_count; i++) {
        const engine_systype_row *row = &engine_systype_rows[i];
        engine_systype t = engine_systype_of(row->type);
        bool sized = row->user_id != ENGINE_SYSNAME_TYPE && row->type.length != 0;
        engine_row_text(r, row->name);
        engine_row_int(r, t.system_id);
        engine_row_int(r, row->user_id);
        engine_row_int(r, ENGINE_SCHEMA_SYS);
        engine_row_null(r);
        engine_row_int(r, sized ? 8000 : t.max_length);
        engine_row_int(r, t.precision);
        engine_row_int(r, t.scale);
        engine_row_text(r, t.has_collation ? SQLCOLLATION_NAME : NULL);
        engine_row_int(r,
                       row->user_id != ENGINE_SYSNAME_TYPE && row->type.id != SQLTYPE_ROWVERSION);
        engine_row_int(r, false);
        engine_row_int(r, false);
        engine_row_int(r, 0);
        engine_row_int(r, 0);
        engine_row_int(r, false);
    }
    return engine_rows_status(r);
}

static const engine_view_column schema_columns[] = {
    {"name", "sysname", false},
    {"schema_id", "int", false},
    {"principal_id", "int", true},
};

static entrasql_status fill_schemas(engine_rows *r)
{
    engine_session *s = r->s;
    for (size_t i = 0; i < s->catalog->schema_count; i++) {
        engine_row_text(r, s->catalog->schemas[i].name);
        engine_row_int(r, s->catalog->schemas[i].id);
        engine_row_int(r, s->catalog->schemas[i].owner);
    }
    return engine_rows_status(r);
}

/* ---- the list ---- */

static const engine_view views[] = {
    ENGINE_VIEW("sys", "objects", object_columns, fill_objects),
    ENGINE_VIEW("sys", "all_objects", object_columns, fill_all_objects),
    ENGINE_VIEW("sys", "system_objects", object_columns, fill_system_views),
    ENGINE_VIEW("sys", "system_views", object_columns, fill_system_views),
    ENGINE_VIEW("sys", "tables", table_columns, fill_tables),
    ENGINE_VIEW("sys", "views", view_columns, fill_views),
    ENGINE_VIEW("sys", "all_views", view_columns, fill_views),
    ENGINE_VIEW("sys", "procedures", object_columns, fill_procedures),
    ENGINE_VIEW("sys", "sql_modules", module_columns, fill_modules),
    ENGINE_VIEW("sys", "all_sql_modules", module_columns, fill_modules),
    ENGINE_VIEW("sys", "parameters", parameter_columns, fill_parameters),
    ENGINE_VIEW("sys", "all_parameters", parameter_columns, fill_parameters),
    ENGINE_VIEW("sys", "columns", column_columns, fill_columns),
    ENGINE_VIEW("sys", "all_columns", column_columns, fill_columns),
    ENGINE_VIEW("sys", "identity_columns", identity_columns, fill_identity_columns),
    ENGINE_VIEW("sys", "computed_columns", computed_columns, fill_computed_columns),
    ENGINE_VIEW("sys", "types", type_columns, fill_types),
    ENGINE_VIEW("sys", "schemas", schema_columns, fill_schemas),
};

const engine_views engine_views_objects = {views, ES_COUNT_OF(views)};
