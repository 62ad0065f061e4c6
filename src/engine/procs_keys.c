/* SPDX-License-Identifier: MIT */
/* sp_pkeys, sp_fkeys, sp_statistics, sp_special_columns, sp_tablecollations. */
#include "base/str.h"
#include "engine/permission.h"
#include "engine/procs_impl.h"
#include "sqltype/collation.h"
#include "tsql/parser.h"

#include <string.h>

enum { NAME, OWNER, QUALIFIER };

#define TABLE_PARAMS                                                                               \
    {.name = "@table_name", .required = true}, {.name = "@table_owner"},                           \
    {                                                                                              \
        .name = "@table_qualifier"                                                                 \
    }

static const char *column_name(const engine_object *o, int32_t id)
{
    const engine_table_column *c = engine_object_column_by_id(o, id);
    return c != NULL ? c->name : "";
}

static const engine_index *primary_key(const engine_object *o)
{
    for (size_t i = 0; i < o->index_count; i++) {
        if (o->indexes[i].kind == ENGINE_INDEX_PRIMARY)
            return &o->indexes[i];
    }
    return NULL;
}

/* ---- sp_pkeys ---- */

static const engine_view_column pkey_columns[] = {
    {"TABLE_QUALIFIER", "sysname", true}, {"TABLE_OWNER", "sysname", true},
    {"TABLE_NAME", "sysname", false},     {"COLUMN_NAME", "sysname", false},
    {"KEY_SEQ", "smallint", false},       {"PK_NAME", "sysname", true},
};

static const engine_proc_param pkey_params[] = {TABLE_PARAMS};

static entrasql_status run_pkeys(engine_proc_call *call)
{
    const engine_object *o = engine_proc_table(call, call->text[OWNER], call->text[NAME]);
    const engine_index *key = o != NULL ? primary_key(o) : NULL;
    if (key == NULL || !engine_proc_is_here(call, call->text[QUALIFIER]))
        return ENTRASQL_OK;
    for (size_t i = 0; i < key->column_count; i++) {
        engine_proc_row_names(call, o);
        engine_row_text(&call->rows, column_name(o, key->columns[i].column));
        engine_row_int(&call->rows, (int64_t)i + 1);
        engine_row_text(&call->rows, key->name);
    }
    return ENTRASQL_OK;
}

/* ---- sp_fkeys ---- */

static const engine_view_column fkey_columns[] = {
    {"PKTABLE_QUALIFIER", "sysname", true}, {"PKTABLE_OWNER", "sysname", true},
    {"PKTABLE_NAME", "sysname", false},     {"PKCOLUMN_NAME", "sysname", false},
    {"FKTABLE_QUALIFIER", "sysname", true}, {"FKTABLE_OWNER", "sysname", true},
    {"FKTABLE_NAME", "sysname", false},     {"FKCOLUMN_NAME", "sysname", false},
    {"KEY_SEQ", "smallint", false},         {"UPDATE_RULE", "smallint", true},
    {"DELETE_RULE", "smallint", true},      {"FK_NAME", "sysname", true},
    {"PK_NAME", "sysname", true},           {"DEFERRABILITY", "smallint", true},
};

enum { FK_NAME = 3, FK_OWNER = 4, FK_QUALIFIER = 5 };

static const engine_proc_param fkey_params[] = {
    {.name = "@pktable_name"}, {.name = "@pktable_owner"}, {.name = "@pktable_qualifier"},
    {.name = "@fktable_name"}, {.name = "@fktable_owner"}, {.name = "@fktable_qualifier"},
};

/* ODBC: cascade 0, no action 1, set null 2, set default 3. */
static int64_t rule(engine_action action)
{
    static const int64_t rules[] = {1, 0, 2, 3};
    return rules[action];
}

static bool table_wanted(const engine_proc_call *call, const engine_object *o, const char *owner,
                         const char *name)
{
    if (name != NULL && !sqlcollation_equal_names(name, o->name))
        return false;
    return es_str_is_empty(owner) ||
           sqlcollation_equal_names(owner, engine_schema_name(call->s->catalog, o->schema));
}

static void add_foreign_key(engine_proc_call *call, const engine_foreign_key *fk)
{
    const engine_catalog *c = call->s->catalog;
    const engine_object *o = engine_catalog_object_by_id(c, fk->id);
    const engine_object *parent = engine_catalog_object_by_id(c, fk->parent);
    const engine_object *child = engine_catalog_object_by_id(c, fk->child);
    if (o == NULL || parent == NULL || child == NULL || !engine_may_see(call->s, child) ||
        !table_wanted(call, parent, call->text[OWNER], call->text[NAME]) ||
        !table_wanted(call, child, call->text[FK_OWNER], call->text[FK_NAME]))
        return;
    const engine_index *index = engine_foreign_key_index(c, fk);
    for (size_t i = 0; i < fk->column_count; i++) {
        engine_proc_row_names(call, parent);
        engine_row_text(&call->rows, column_name(parent, fk->parent_columns[i]));
        engine_proc_row_names(call, child);
        engine_row_text(&call->rows, column_name(child, fk->child_columns[i]));
        engine_row_int(&call->rows, (int64_t)i + 1);
        engine_row_int(&call->rows, rule(fk->on_update));
        engine_row_int(&call->rows, rule(fk->on_delete));
        engine_row_text(&call->rows, o->name);
        engine_row_text(&call->rows, index != NULL ? index->name : NULL);
        engine_row_int(&call->rows, 7); /* not deferrable */
    }
}

static entrasql_status run_fkeys(engine_proc_call *call)
{
    if (!engine_proc_is_here(call, call->text[QUALIFIER]) ||
        !engine_proc_is_here(call, call->text[FK_QUALIFIER]))
        return ENTRASQL_OK;
    for (size_t i = 0; i < call->s->catalog->foreign_key_count; i++)
        add_foreign_key(call, &call->s->catalog->foreign_keys[i]);
    return ENTRASQL_OK;
}

/* ---- sp_statistics ---- */

static const engine_view_column statistics_columns[] = {
    {"TABLE_QUALIFIER", "sysname", true},
    {"TABLE_OWNER", "sysname", true},
    {"TABLE_NAME", "sysname", false},
    {"NON_UNIQUE", "smallint", true},
    {"INDEX_QUALIFIER", "sysname", true},
    {"INDEX_NAME", "sysname", true},
    {"TYPE", "smallint", false},
    {"SEQ_IN_INDEX", "smallint", true},
    {"COLUMN_NAME", "sysname", true},
    {"COLLATION", "char(1)", true},
    {"CARDINALITY", "int", true},
    {"PAGES", "int", true},
    {"FILTER_CONDITION", "varchar(128)", true},
};

enum { INDEX_NAME = 3, IS_UNIQUE = 4 };

static const engine_proc_param statistics_params[] = {
    TABLE_PARAMS,
    {.name = "@index_name", .text = "%"},
    {.name = "@is_unique", .text = "N"},
    {.name = "@accuracy", .text = "Q"},
};

/* The first row is about the table itself: type 0 and nothing else. */
static void row_table_statistics(engine_proc_call *call, const engine_object *o)
{
    engine_proc_row_names(call, o);
    for (int i = 0; i < 3; i++)
        engine_row_null(&call->rows);
    engine_row_int(&call->rows, 0);
    for (int i = 0; i < 6; i++)
        engine_row_null(&call->rows);
}

/* Type 1: clustered, 3: other. */
static void row_index(engine_proc_call *call, const engine_object *o, const engine_index *index)
{
    for (size_t i = 0; i < index->column_count; i++) {
        if (index->columns[i].included)
            continue;
        engine_proc_row_names(call, o);
        engine_row_int(&call->rows, index->kind == ENGINE_INDEX_PLAIN ? 1 : 0);
        engine_row_text(&call->rows, o->name);
        engine_row_text(&call->rows, index->name);
        engine_row_int(&call->rows, index->clustered ? 1 : 3);
        engine_row_int(&call->rows, (int64_t)i + 1);
        engine_row_text(&call->rows, column_name(o, index->columns[i].column));
        engine_row_text(&call->rows, index->columns[i].descending ? "D" : "A");
        for (int k = 0; k < 3; k++)
            engine_row_null(&call->rows);
    }
}

static entrasql_status run_statistics(engine_proc_call *call)
{
    const engine_object *o = engine_proc_table(call, call->text[OWNER], call->text[NAME]);
    if (o == NULL || o->type != ENGINE_OBJECT_TABLE ||
        !engine_proc_is_here(call, call->text[QUALIFIER]))
        return ENTRASQL_OK;
    const char *unique = call->text[IS_UNIQUE];
    bool only_unique = unique != NULL && (unique[0] == 'Y' || unique[0] == 'y');
    row_table_statistics(call, o);
    for (size_t i = 0; i < o->index_count; i++) {
        const engine_index *index = &o->indexes[i];
        if ((!only_unique || index->kind != ENGINE_INDEX_PLAIN) &&
            engine_pattern_fits(call->text[INDEX_NAME], index->name))
            row_index(call, o, index);
    }
    return ENTRASQL_OK;
}

/* ---- sp_special_columns ---- */

static const engine_view_column special_columns[] = {
    {"SCOPE", "smallint", true},      {"COLUMN_NAME", "sysname", false},
    {"DATA_TYPE", "smallint", false}, {"TYPE_NAME", "sysname", false},
    {"PRECISION", "int", true},       {"LENGTH", "int", true},
    {"SCALE", "smallint", true},      {"PSEUDO_COLUMN", "smallint", true},
};

enum { COL_TYPE = 3, NULLABLE = 5, ODBC_VERSION = 6 };

static const engine_proc_param special_params[] = {
    TABLE_PARAMS,
    {.name = "@col_type", .text = "R"},
    {.name = "@scope", .text = "T"},
    {.name = "@nullable", .text = "U"},
    {.name = "@ODBCVer", .is_number = true, .number = 2},
};

static void row_special(engine_proc_call *call, const engine_table_column *c, bool has_scope)
{
    engine_odbctype t = engine_odbctype_of(c->type, c->nullable, c->identity,
                                           (int)call->number[ODBC_VERSION], call->proc->unlimited);
    if (has_scope)
        engine_row_int(&call->rows, 0);
    else
        engine_row_null(&call->rows);
    engine_row_text(&call->rows, c->name);
    engine_row_int(&call->rows, t.data_type);
    engine_row_text(&call->rows, t.name);
    engine_row_int(&call->rows, t.precision);
    engine_row_int(&call->rows, t.length);
    engine_row_or_null(&call->rows, t.scale);
    engine_row_int(&call->rows, 1); /* not a pseudo column */
}

static bool all_not_null(const engine_object *o, const engine_index *index)
{
    for (size_t i = 0; i < index->column_count; i++) {
        const engine_table_column *c = engine_object_column_by_id(o, index->columns[i].column);
        if (c == NULL || (c->nullable && !index->columns[i].included))
            return false;
    }
    return true;
}

/* The primary key, else the first unique index without a filter. */
static const engine_index *best_key(const engine_object *o, bool only_not_null)
{
    const engine_index *key = primary_key(o);
    for (size_t i = 0; i < o->index_count && key == NULL; i++) {
        const engine_index *index = &o->indexes[i];
        if (index->kind != ENGINE_INDEX_PLAIN && index->filter == NULL &&
            (!only_not_null || all_not_null(o, index)))
            key = index;
    }
    return key;
}

static entrasql_status run_special_columns(engine_proc_call *call)
{
    const engine_object *o = engine_proc_table(call, call->text[OWNER], call->text[NAME]);
    const char *type = call->text[COL_TYPE];
    const char *nullable = call->text[NULLABLE];
    if (o == NULL || !engine_proc_is_here(call, call->text[QUALIFIER]))
        return ENTRASQL_OK;
    if (type != NULL && (type[0] == 'V' || type[0] == 'v')) {
        for (size_t i = 0; i < o->column_count; i++) {
            if (o->columns[i].type.id == SQLTYPE_ROWVERSION)
                row_special(call, &o->columns[i], false);
        }
        return ENTRASQL_OK;
    }
    const engine_index *key =
        best_key(o, nullable != NULL && (nullable[0] == 'O' || nullable[0] == 'o'));
    for (size_t i = 0; key != NULL && i < key->column_count; i++) {
        const engine_table_column *c = engine_object_column_by_id(o, key->columns[i].column);
        if (c != NULL && !key->columns[i].included)
            row_special(call, c, true);
    }
    return ENTRASQL_OK;
}

/* ---- the list ---- */

/* ---- sp_tablecollations_100: what bulk copies send along with their columns ---- */

static const engine_view_column collation_columns[] = {
    {"colid", "int", false},
    {"name", "sysname", true},
    {"tds_collation", "varbinary(5)", true},
    {"collation", "sysname", true},
};

static const engine_proc_param collation_params[] = {{.name = "@object", .required = true}};

static void free_batch(tsql_batch **batch)
{
    tsql_batch_free(*batch);
}

static entrasql_status run_table_collations(engine_proc_call *call)
{
    static const uint8_t wire[] = {0x09, 0x04, 0xD0, 0x00, 0x34}; /* SQLCOLLATION_NAME */
    ES_CLEANUP(free_batch) tsql_batch *batch = NULL;
    const tsql_object *name = NULL;
    const char *text = call->text[0] != NULL ? call->text[0] : "";
    if (tsql_parse_object(text, strlen(text), &batch, &name, NULL) != ENTRASQL_OK)
        return ENTRASQL_OK;
    const engine_object *o = engine_proc_table(call, name->schema.text, name->name.text);
    for (size_t i = 0; o != NULL && i < o->column_count; i++) {
        bool is_text = sqltype_is_string(o->columns[i].type.id);
        engine_row_int(&call->rows, o->columns[i].id);
        engine_row_text(&call->rows, o->columns[i].name);
        if (is_text)
            engine_row_binary(&call->rows, wire, sizeof wire);
        else
            engine_row_null(&call->rows);
        engine_row_text(&call->rows, is_text ? SQLCOLLATION_NAME : NULL);
    }
    return ENTRASQL_OK;
}

#define PROC(proc_name, proc_params, proc_columns, proc_run, no_limit, ...)                        \
    {                                                                                              \
        .name = proc_name, .params = proc_params, .param_count = ES_COUNT_OF(proc_params),         \
        .result = ENGINE_PROC_RESULT(proc_columns), .order = {__VA_ARGS__}, .unlimited = no_limit, \
        .run = proc_run                                                                            \
    }

static const engine_proc procs[] = {
    PROC("sp_pkeys", pkey_params, pkey_columns, run_pkeys, false, 2, 3, 5),
    PROC("sp_fkeys", fkey_params, fkey_columns, run_fkeys, false, 6, 7, 12, 9),
    PROC("sp_statistics", statistics_params, statistics_columns, run_statistics, false, 4, 7, 6, 8),
    PROC("sp_statistics_100", statistics_params, statistics_columns, run_statistics, false, 4, 7, 6,
         8),
    PROC("sp_special_columns", special_params, special_columns, run_special_columns, false, 0),
    PROC("sp_special_columns_90", special_params, special_columns, run_special_columns, true, 0),
    PROC("sp_tablecollations_100", collation_params, collation_columns, run_table_collations, false,
         1),
    PROC("sp_special_columns_100", special_params, special_columns, run_special_columns, true, 0),
};

const engine_procs engine_procs_keys = {procs, ES_COUNT_OF(procs)};
