/* SPDX-License-Identifier: MIT */
/* sp_tables, sp_columns. */
#include "base/str.h"
#include "engine/permission.h"
#include "engine/procs_impl.h"

#include <string.h>

/* ---- sp_tables ---- */

static const engine_view_column table_columns[] = {
    {"TABLE_QUALIFIER", "sysname", true}, {"TABLE_OWNER", "sysname", true},
    {"TABLE_NAME", "sysname", true},      {"TABLE_TYPE", "varchar(32)", true},
    {"REMARKS", "varchar(254)", true},
};

static const engine_proc_param table_params[] = {
    {.name = "@table_name"},
    {.name = "@table_owner"},
    {.name = "@table_qualifier"},
    {.name = "@table_type"},
    {.name = "@fUsePattern", .is_number = true, .number = 1},
};

enum { NAME, OWNER, QUALIFIER, TYPE, USE_PATTERN };

/* The list is "'TABLE','VIEW'", the quotes once, twice or left out. */
static bool type_wanted(const char *list, const char *type)
{
    size_t n = strlen(type);
    if (list == NULL || list[0] == '\0' || strcmp(list, "%") == 0)
        return true;
    for (const char *p = list; *p != '\0';) {
        size_t skip = strspn(p, "', ");
        size_t word = strcspn(p + skip, "',");
        while (word != 0 && p[skip + word - 1] == ' ')
            word--;
        if (word == n && es_strncaseeq(p + skip, type, n))
            return true;
        p += skip + word;
        if (word == 0 && *p != '\0')
            p++;
    }
    return false;
}

static void row_table(engine_proc_call *call, const char *qualifier, const char *owner,
                      const char *name, const char *type)
{
    engine_row_text(&call->rows, qualifier);
    engine_row_text(&call->rows, owner);
    engine_row_text(&call->rows, name);
    engine_row_text(&call->rows, type);
    engine_row_null(&call->rows);
}

static bool is_text(const char *s, const char *wanted)
{
    return s != NULL && strcmp(s, wanted) == 0;
}

static bool is_empty(const char *s)
{
    return s != NULL && s[0] == '\0';
}

/* SQLTables() of ODBC lists databases, owners or types when all other arguments are empty. */
static bool run_enumeration(engine_proc_call *call)
{
    const char *const *text = call->text;
    if (is_text(text[QUALIFIER], "%") && is_empty(text[OWNER]) && is_empty(text[NAME])) {
        row_table(call, call->s->database->name, NULL, NULL, NULL);
        return true;
    }
    if (is_text(text[OWNER], "%") && is_empty(text[QUALIFIER]) && is_empty(text[NAME])) {
        for (size_t i = 0; i < call->s->catalog->schema_count; i++)
            row_table(call, NULL, call->s->catalog->schemas[i].name, NULL, NULL);
        return true;
    }
    if (is_text(text[TYPE], "%") && is_empty(text[QUALIFIER]) && is_empty(text[OWNER]) &&
        is_empty(text[NAME])) {
        row_table(call, NULL, NULL, NULL, "SYSTEM TABLE");
        row_table(call, NULL, NULL, NULL, "TABLE");
        row_table(call, NULL, NULL, NULL, "VIEW");
        return true;
    }
    return false;
}

static void add_table(engine_proc_call *call, const char *owner, const char *name, const char *type)
{
    bool pattern = call->number[USE_PATTERN] != 0;
    if (type_wanted(call->text[TYPE], type) &&
        engine_proc_fits(call->text[OWNER], owner, pattern) &&
        engine_proc_fits(call->text[NAME], name, pattern))
        row_table(call, call->s->database->name, owner, name, type);
}

static entrasql_status run_tables(engine_proc_call *call)
{
    const engine_catalog *c = call->s->catalog;
    if (run_enumeration(call) || !engine_proc_is_here(call, call->text[QUALIFIER]))
        return ENTRASQL_OK;
    for (size_t i = 0; i < c->object_count; i++) {
        const engine_object *o = &c->objects[i];
        if (engine_object_has_columns(o) && engine_may_see(call->s, o))
            add_table(call, engine_schema_name(c, o->schema), o->name,
                      o->type == ENGINE_OBJECT_TABLE ? "TABLE" : "VIEW");
    }
    const engine_view *view;
    for (size_t i = 0; (view = engine_view_at(i)) != NULL; i++) {
        if (view->arg_count == 0)
            add_table(call, view->schema, view->name, "VIEW");
    }
    return ENTRASQL_OK;
}

/* ---- sp_columns ---- */

#define COLUMN_COLUMNS                                                                             \
    {"TABLE_QUALIFIER", "sysname", true}, {"TABLE_OWNER", "sysname", true},                        \
        {"TABLE_NAME", "sysname", false}, {"COLUMN_NAME", "sysname", true},                        \
        {"DATA_TYPE", "smallint", false}, {"TYPE_NAME", "sysname", false},                         \
        {"PRECISION", "int", true}, {"LENGTH", "int", true}, {"SCALE", "smallint", true},          \
        {"RADIX", "smallint", true}, {"NULLABLE", "smallint", false},                              \
        {"REMARKS", "varchar(254)", true}, {"COLUMN_DEF", "nvarchar(4000)", true},                 \
        {"SQL_DATA_TYPE", "smallint", false}, {"SQL_DATETIME_SUB", "smallint", true},              \
        {"CHAR_OCTET_LENGTH", "int", true}, {"ORDINAL_POSITION", "int", false},                    \
    {                                                                                              \
        "IS_NULLABLE", "varchar(254)", true                                                        \
    }

static const engine_view_column column_columns[] = {
    COLUMN_COLUMNS,
    {"SS_DATA_TYPE", "tinyint", true},
};

static const engine_view_column column_100_columns[] = {
    COLUMN_COLUMNS,
    {"SS_IS_SPARSE", "smallint", true},
    {"SS_IS_COLUMN_SET", "smallint", true},
    {"SS_IS_COMPUTED", "smallint", true},
    {"SS_IS_IDENTITY", "smallint", true},
    {"SS_UDT_CATALOG_NAME", "sysname", true},
    {"SS_UDT_SCHEMA_NAME", "sysname", true},
    {"SS_UDT_ASSEMBLY_TYPE_NAME", "nvarchar(max)", true},
    {"SS_XML_SCHEMACOLLECTION_CATALOG_NAME", "sysname", true},
    {"SS_XML_SCHEMACOLLECTION_SCHEMA_NAME", "sysname", true},
    {"SS_XML_SCHEMACOLLECTION_NAME", "sysname", true},
    {"SS_DATA_TYPE", "tinyint", true},
};

/* Arguments of sp_columns_100. */
enum { COLUMN = 3, ODBC_VERSION = 5, COLUMN_USE_PATTERN = 6 };

static const engine_proc_param column_100_params[] = {
    {.name = "@table_name", .required = true},
    {.name = "@table_owner"},
    {.name = "@table_qualifier"},
    {.name = "@column_name"},
    {.name = "@NameScope", .is_number = true},
    {.name = "@ODBCVer", .is_number = true, .number = 2},
    {.name = "@fUsePattern", .is_number = true, .number = 1},
};

/* sp_columns has no @NameScope. */
enum { OLD_ODBC_VERSION = 4, OLD_USE_PATTERN = 5 };

static const engine_proc_param column_params[] = {
    {.name = "@table_name", .required = true},
    {.name = "@table_owner"},
    {.name = "@table_qualifier"},
    {.name = "@column_name"},
    {.name = "@ODBCVer", .is_number = true, .number = 2},
    {.name = "@fUsePattern", .is_number = true, .number = 1},
};

/* A column of a table, or of a catalog view, as both procedures show it. */
typedef struct column_facts {
    const char *owner;
    const char *table;
    const char *name;
    sqltype type;
    bool nullable;
    bool identity;
    bool computed;
    const char *default_text;
    size_t place;
} column_facts;

static void row_type(engine_rows *r, const engine_odbctype *t)
{
    engine_row_int(r, t->data_type);
    engine_row_text(r, t->name);
    engine_row_int(r, t->precision);
    engine_row_int(r, t->length);
    engine_row_or_null(r, t->scale);
    engine_row_or_null(r, t->radix);
}

static void row_column(engine_proc_call *call, const column_facts *f, int odbc_version)
{
    engine_rows *r = &call->rows;
    engine_odbctype t =
        engine_odbctype_of(f->type, f->nullable, f->identity, odbc_version, call->proc->unlimited);
    engine_row_text(r, call->s->database->name);
    engine_row_text(r, f->owner);
    engine_row_text(r, f->table);
    engine_row_text(r, f->name);
    row_type(r, &t);
    engine_row_int(r, f->nullable ? 1 : 0);
    engine_row_null(r);
    engine_row_text(r, f->default_text);
    engine_row_int(r, t.sql_data_type);
    engine_row_or_null(r, t.datetime_sub);
    engine_row_or_null(r, t.octet_length);
    engine_row_int(r, (int64_t)f->place);
    engine_row_text(r, f->nullable ? "YES" : "NO");
    if (call->proc->unlimited) {
        engine_row_int(r, 0);
        engine_row_int(r, 0);
        engine_row_int(r, f->computed ? 1 : 0);
        engine_row_int(r, f->identity ? 1 : 0);
        for (int i = 0; i < 6; i++)
            engine_row_null(r);
    }
    engine_row_int(r, t.ss_data_type);
}

static void add_object(engine_proc_call *call, const engine_object *o, int odbc_version,
                       bool pattern)
{
    for (size_t i = 0; i < o->column_count; i++) {
        const engine_table_column *c = &o->columns[i];
        if (!engine_proc_fits(call->text[COLUMN], c->name, pattern))
            continue;
        const column_facts facts = {
            .owner = engine_schema_name(call->s->catalog, o->schema),
            .table = o->name,
            .name = c->name,
            .type = c->type,
            .nullable = c->nullable,
            .identity = c->identity,
            .computed = c->computed != NULL,
            .default_text = c->default_text,
            .place = i + 1,
        };
        row_column(call, &facts, odbc_version);
    }
}

static void add_view(engine_proc_call *call, const engine_view *view, int odbc_version,
                     bool pattern)
{
    for (size_t i = 0; i < view->column_count; i++) {
        const engine_view_column *c = &view->columns[i];
        if (!engine_proc_fits(call->text[COLUMN], c->name, pattern))
            continue;
        const column_facts facts = {
            .owner = view->schema,
            .table = view->name,
            .name = c->name,
            .type = engine_view_type(c),
            .nullable = c->nullable,
            .place = i + 1,
        };
        row_column(call, &facts, odbc_version);
    }
}

static entrasql_status run_columns(engine_proc_call *call)
{
    const engine_catalog *c = call->s->catalog;
    bool is_100 = call->proc->unlimited;
    int odbc_version = (int)call->number[is_100 ? ODBC_VERSION : OLD_ODBC_VERSION];
    bool pattern = call->number[is_100 ? COLUMN_USE_PATTERN : OLD_USE_PATTERN] != 0;
    if (!engine_proc_is_here(call, call->text[QUALIFIER]))
        return ENTRASQL_OK;
    for (size_t i = 0; i < c->object_count; i++) {
        const engine_object *o = &c->objects[i];
        if (engine_object_has_columns(o) && engine_proc_fits(call->text[NAME], o->name, pattern) &&
            engine_proc_fits(call->text[OWNER], engine_schema_name(c, o->schema), pattern) &&
            engine_may_see(call->s, o))
            add_object(call, o, odbc_version, pattern);
    }
    const engine_view *view;
    for (size_t i = 0; (view = engine_view_at(i)) != NULL; i++) {
        if (view->arg_count == 0 && engine_proc_fits(call->text[NAME], view->name, pattern) &&
            engine_proc_fits(call->text[OWNER], view->schema, pattern))
            add_view(call, view, odbc_version, pattern);
    }
    return ENTRASQL_OK;
}

/* ---- the list ---- */

#define COLUMNS_PROC(proc_name, proc_params, proc_columns, no_limit)                               \
    {                                                                                              \
        .name = (proc_name), .params = (proc_params), .param_count = ES_COUNT_OF(proc_params),     \
        .result = ENGINE_PROC_RESULT(proc_columns), .order = {2, 3, 17}, .unlimited = (no_limit),  \
        .run = run_columns                                                                         \
    }

static const engine_proc procs[] = {
    {
        .name = "sp_tables",
        .params = table_params,
        .param_count = ES_COUNT_OF(table_params),
        .result = ENGINE_PROC_RESULT(table_columns),
        .order = {4, 1, 2, 3},
        .run = run_tables,
    },
    COLUMNS_PROC("sp_columns", column_params, column_columns, false),
    COLUMNS_PROC("sp_columns_90", column_100_params, column_100_columns, true),
    COLUMNS_PROC("sp_columns_100", column_100_params, column_100_columns, true),
    COLUMNS_PROC("sp_columns_170", column_100_params, column_100_columns, true),
};

const engine_procs engine_procs_tables = {procs, ES_COUNT_OF(procs)};
