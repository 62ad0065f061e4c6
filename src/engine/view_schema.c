/* SPDX-License-Identifier: MIT */
/* INFORMATION_SCHEMA. Its first three columns are mostly catalog, schema and name. */
#include "engine/permission.h"
#include "engine/systype.h"
#include "engine/views_sys.h"
#include "sqltype/collation.h"

#define NAME(column_name)                                                                          \
    {                                                                                              \
        column_name, "sysname", true                                                               \
    }

static void row_names(engine_rows *r, const engine_session *s, int32_t schema, const char *name)
{
    engine_row_text(r, s->database->name);
    engine_row_text(r, engine_schema_name(s->catalog, schema));
    engine_row_text(r, name);
}

/* ---- TABLES, VIEWS, SCHEMATA ---- */

static const engine_view_column table_columns[] = {
    NAME("TABLE_CATALOG"),
    NAME("TABLE_SCHEMA"),
    {"TABLE_NAME", "sysname", false},
    {"TABLE_TYPE", "varchar(10)", true},
};

static entrasql_status fill_tables(engine_rows *r)
{
    engine_session *s = r->s;
    for (size_t i = 0; i < s->catalog->object_count; i++) {
        const engine_object *o = &s->catalog->objects[i];
        if (!engine_object_has_columns(o) || !engine_may_see(s, o))
            continue;
        row_names(r, s, o->schema, o->name);
        engine_row_text(r, o->type == ENGINE_OBJECT_TABLE ? "BASE TABLE" : "VIEW");
    }
    return engine_rows_status(r);
}

static const engine_view_column view_columns[] = {
    NAME("TABLE_CATALOG"),
    NAME("TABLE_SCHEMA"),
    {"TABLE_NAME", "sysname", false},
    {"VIEW_DEFINITION", "nvarchar(4000)", true},
    {"CHECK_OPTION", "varchar(7)", true},
    {"IS_UPDATABLE", "varchar(2)", false},
};

static entrasql_status fill_views(engine_rows *r)
{
    engine_session *s = r->s;
    for (size_t i = 0; i < s->catalog->object_count; i++) {
        const engine_object *o = &s->catalog->objects[i];
        if (o->type != ENGINE_OBJECT_VIEW || !engine_may_see(s, o))
            continue;
        row_names(r, s, o->schema, o->name);
        engine_row_text(r, o->definition);
        engine_row_text(r, "NONE");
        engine_row_text(r, "NO");
    }
    return engine_rows_status(r);
}

static const engine_view_column schema_columns[] = {
    NAME("CATALOG_NAME"),
    {"SCHEMA_NAME", "sysname", false},
    NAME("SCHEMA_OWNER"),
    {"DEFAULT_CHARACTER_SET_CATALOG", "varchar(6)", true},
    {"DEFAULT_CHARACTER_SET_SCHEMA", "varchar(3)", true},
    NAME("DEFAULT_CHARACTER_SET_NAME"),
};

static entrasql_status fill_schemata(engine_rows *r)
{
    engine_session *s = r->s;
    for (size_t i = 0; i < s->catalog->schema_count; i++) {
        const engine_schema *schema = &s->catalog->schemas[i];
        const engine_principal *owner = engine_catalog_principal_by_id(s->catalog, schema->owner);
        engine_row_text(r, s->database->name);
        engine_row_text(r, schema->name);
        engine_row_text(r, owner != NULL ? owner->name : NULL);
        engine_row_null(r);
        engine_row_null(r);
        engine_row_text(r, "iso_1");
    }
    return engine_rows_status(r);
}

/* ---- COLUMNS ---- */

static const engine_view_column column_columns[] = {
    NAME("TABLE_CATALOG"),
    NAME("TABLE_SCHEMA"),
    {"TABLE_NAME", "sysname", false},
    NAME("COLUMN_NAME"),
    {"ORDINAL_POSITION", "int", true},
    {"COLUMN_DEFAULT", "nvarchar(4000)", true},
    {"IS_NULLABLE", "varchar(3)", true},
    NAME("DATA_TYPE"),
    {"CHARACTER_MAXIMUM_LENGTH", "int", true},
    {"CHARACTER_OCTET_LENGTH", "int", true},
    {"NUMERIC_PRECISION", "tinyint", true},
    {"NUMERIC_PRECISION_RADIX", "smallint", true},
    {"NUMERIC_SCALE", "int", true},
    {"DATETIME_PRECISION", "smallint", true},
    NAME("CHARACTER_SET_CATALOG"),
    NAME("CHARACTER_SET_SCHEMA"),
    NAME("CHARACTER_SET_NAME"),
    NAME("COLLATION_CATALOG"),
    NAME("COLLATION_SCHEMA"),
    NAME("COLLATION_NAME"),
    NAME("DOMAIN_CATALOG"),
    NAME("DOMAIN_SCHEMA"),
    NAME("DOMAIN_NAME"),
};

/* CHARACTER_MAXIMUM_LENGTH and CHARACTER_OCTET_LENGTH; -1 for (max). */
static void row_lengths(engine_rows *r, sqltype type)
{
    engine_odbctype t = engine_odbctype_of(type, true, false, 3, true);
    bool max = type.length == SQLTYPE_MAX || type.id == SQLTYPE_XML;
    if (max) {
        engine_row_int(r, -1);
        engine_row_int(r, -1);
    } else if (t.octet_length > 0 && type.id != SQLTYPE_ROWVERSION) {
        engine_row_int(r, t.precision);
        engine_row_int(r, t.octet_length);
    } else {
        engine_row_null(r);
        engine_row_null(r);
    }
}

/* NUMERIC_PRECISION, its radix, NUMERIC_SCALE, DATETIME_PRECISION. */
static void row_numbers(engine_rows *r, sqltype type)
{
    engine_systype t = engine_systype_of(type);
    bool number = sqltype_is_number(type.id) && type.id != SQLTYPE_BIT;
    bool floating = type.id == SQLTYPE_FLOAT || type.id == SQLTYPE_REAL;
    if (number)
        engine_row_int(r, t.precision);
    else
        engine_row_null(r);
    if (number)
        engine_row_int(r, floating ? 2 : 10);
    else
        engine_row_null(r);
    if (number && !floating)
        engine_row_int(r, t.scale);
    else
        engine_row_null(r);
    if (sqltype_is_datetime(type.id))
        engine_row_int(r, t.scale);
    else
        engine_row_null(r);
}

static entrasql_status row_column(engine_session *s, engine_rows *r, const engine_object *o,
                                  size_t i)
{
    const engine_table_column *c = &o->columns[i];
    bool text = sqltype_is_string(c->type.id) && c->type.id != SQLTYPE_XML;
    const char *charset = sqltype_is_unicode(c->type.id) ? "UNICODE" : "iso_1";
    row_names(r, s, o->schema, o->name);
    engine_row_text(r, c->name);
    engine_row_int(r, (int64_t)i + 1);
    engine_row_text(r, c->default_text);
    engine_row_text(r, c->nullable ? "YES" : "NO");
    engine_row_text(r, c->type.id == SQLTYPE_ROWVERSION ? "timestamp" : sqltype_name(c->type.id));
    row_lengths(r, c->type);
    row_numbers(r, c->type);
    engine_row_null(r);
    engine_row_null(r);
    engine_row_text(r, text ? charset : NULL);
    engine_row_null(r);
    engine_row_null(r);
    engine_row_text(r, !text ? NULL : c->collation != NULL ? c->collation : SQLCOLLATION_NAME);
    for (int k = 0; k < 3; k++)
        engine_row_null(r);
    return engine_rows_status(r);
}

static entrasql_status fill_columns(engine_rows *r)
{
    engine_session *s = r->s;
    for (size_t i = 0; i < s->catalog->object_count; i++) {
        const engine_object *o = &s->catalog->objects[i];
        if (!engine_object_has_columns(o) || !engine_may_see(s, o))
            continue;
        for (size_t k = 0; k < o->column_count; k++)
            ES_TRY(row_column(s, r, o, k));
    }
    return engine_rows_status(r);
}

/* ---- constraints ---- */

static const engine_view_column constraint_columns[] = {
    NAME("CONSTRAINT_CATALOG"),
    NAME("CONSTRAINT_SCHEMA"),
    {"CONSTRAINT_NAME", "sysname", false},
    NAME("TABLE_CATALOG"),
    NAME("TABLE_SCHEMA"),
    NAME("TABLE_NAME"),
    {"CONSTRAINT_TYPE", "varchar(11)", true},
    {"IS_DEFERRABLE", "varchar(2)", false},
    {"INITIALLY_DEFERRED", "varchar(2)", false},
};

/* NULL for objects that are no constraints of the standard. */
static const char *constraint_type(engine_object_type type)
{
    switch (type) {
    case ENGINE_OBJECT_PRIMARY:
        return "PRIMARY KEY";
    case ENGINE_OBJECT_UNIQUE:
        return "UNIQUE";
    case ENGINE_OBJECT_CHECK:
        return "CHECK";
    case ENGINE_OBJECT_FOREIGN_KEY:
        return "FOREIGN KEY";
    case ENGINE_OBJECT_TABLE:
    case ENGINE_OBJECT_VIEW:
    case ENGINE_OBJECT_PROCEDURE:
    case ENGINE_OBJECT_FUNCTION:
    case ENGINE_OBJECT_DEFAULT:
        return NULL;
    }
    return NULL;
}

/* The next constraint that the user sees, at or after *at; its table. */
static const engine_object *next_constraint(engine_session *s, size_t *at,
                                            const engine_object **ret_table)
{
    for (; *at < s->catalog->object_count; (*at)++) {
        const engine_object *o = &s->catalog->objects[*at];
        if (constraint_type(o->type) == NULL || !engine_may_see(s, o))
            continue;
        *ret_table = engine_catalog_object_by_id(s->catalog, o->parent);
        if (*ret_table == NULL)
            continue;
        (*at)++;
        return o;
    }
    return NULL;
}

static entrasql_status fill_constraints(engine_rows *r)
{
    engine_session *s = r->s;
    size_t at = 0;
    const engine_object *table;
    const engine_object *o;
    while ((o = next_constraint(s, &at, &table)) != NULL) {
        row_names(r, s, o->schema, o->name);
        row_names(r, s, table->schema, table->name);
        engine_row_text(r, constraint_type(o->type));
        engine_row_text(r, "NO");
        engine_row_text(r, "NO");
    }
    return engine_rows_status(r);
}

static const engine_view_column check_columns[] = {
    NAME("CONSTRAINT_CATALOG"),
    NAME("CONSTRAINT_SCHEMA"),
    {"CONSTRAINT_NAME", "sysname", false},
    {"CHECK_CLAUSE", "nvarchar(4000)", true},
};

static entrasql_status fill_checks(engine_rows *r)
{
    engine_session *s = r->s;
    size_t at = 0;
    const engine_object *table;
    const engine_object *o;
    while ((o = next_constraint(s, &at, &table)) != NULL) {
        if (o->type != ENGINE_OBJECT_CHECK)
            continue;
        row_names(r, s, o->schema, o->name);
        engine_row_text(r, o->definition);
    }
    return engine_rows_status(r);
}

static const engine_view_column constraint_table_columns[] = {
    NAME("TABLE_CATALOG"),      NAME("TABLE_SCHEMA"),      {"TABLE_NAME", "sysname", false},
    NAME("CONSTRAINT_CATALOG"), NAME("CONSTRAINT_SCHEMA"), {"CONSTRAINT_NAME", "sysname", false},
};

static entrasql_status fill_constraint_tables(engine_rows *r)
{
    engine_session *s = r->s;
    size_t at = 0;
    const engine_object *table;
    const engine_object *o;
    while ((o = next_constraint(s, &at, &table)) != NULL) {
        row_names(r, s, table->schema, table->name);
        row_names(r, s, o->schema, o->name);
    }
    return engine_rows_status(r);
}

/* ---- columns of constraints ---- */

static const engine_foreign_key *foreign_key_of(const engine_catalog *c, int32_t id)
{
    for (size_t i = 0; i < c->foreign_key_count; i++) {
        if (c->foreign_keys[i].id == id)
            return &c->foreign_keys[i];
    }
    return NULL;
}

/* The place-th column of a key or foreign key, in its table; NULL: no more. */
static const engine_table_column *constraint_column(const engine_catalog *c, const engine_object *o,
                                                    const engine_object *table, size_t place)
{
    if (o->type == ENGINE_OBJECT_FOREIGN_KEY) {
        const engine_foreign_key *fk = foreign_key_of(c, o->id);
        return fk != NULL && place < fk->column_count
                   ? engine_object_column_by_id(table, fk->child_columns[place])
                   : NULL;
    }
    for (size_t i = 0; i < table->index_count; i++) {
        const engine_index *index = &table->indexes[i];
        if (index->constraint == o->id && place < index->column_count)
            return engine_object_column_by_id(table, index->columns[place].column);
    }
    return NULL;
}

static const engine_view_column key_usage_columns[] = {
    NAME("CONSTRAINT_CATALOG"),
    NAME("CONSTRAINT_SCHEMA"),
    {"CONSTRAINT_NAME", "sysname", false},
    NAME("TABLE_CATALOG"),
    NAME("TABLE_SCHEMA"),
    NAME("TABLE_NAME"),
    NAME("COLUMN_NAME"),
    {"ORDINAL_POSITION", "int", false},
};

static entrasql_status fill_key_usage(engine_rows *r)
{
    engine_session *s = r->s;
    size_t at = 0;
    const engine_object *table;
    const engine_object *o;
    while ((o = next_constraint(s, &at, &table)) != NULL) {
        const engine_table_column *c;
        for (size_t i = 0; (c = constraint_column(s->catalog, o, table, i)) != NULL; i++) {
            row_names(r, s, o->schema, o->name);
            row_names(r, s, table->schema, table->name);
            engine_row_text(r, c->name);
            engine_row_int(r, (int64_t)i + 1);
        }
    }
    return engine_rows_status(r);
}

static const engine_view_column constraint_column_columns[] = {
    NAME("TABLE_CATALOG"),
    NAME("TABLE_SCHEMA"),
    {"TABLE_NAME", "sysname", false},
    NAME("COLUMN_NAME"),
    NAME("CONSTRAINT_CATALOG"),
    NAME("CONSTRAINT_SCHEMA"),
    {"CONSTRAINT_NAME", "sysname", false},
};

static entrasql_status fill_constraint_columns(engine_rows *r)
{
    engine_session *s = r->s;
    size_t at = 0;
    const engine_object *table;
    const engine_object *o;
    while ((o = next_constraint(s, &at, &table)) != NULL) {
        const engine_table_column *c;
        for (size_t i = 0; (c = constraint_column(s->catalog, o, table, i)) != NULL; i++) {
            row_names(r, s, table->schema, table->name);
            engine_row_text(r, c->name);
            row_names(r, s, o->schema, o->name);
        }
    }
    return engine_rows_status(r);
}

static const engine_view_column referential_columns[] = {
    NAME("CONSTRAINT_CATALOG"),
    NAME("CONSTRAINT_SCHEMA"),
    {"CONSTRAINT_NAME", "sysname", false},
    NAME("UNIQUE_CONSTRAINT_CATALOG"),
    NAME("UNIQUE_CONSTRAINT_SCHEMA"),
    NAME("UNIQUE_CONSTRAINT_NAME"),
    {"MATCH_OPTION", "varchar(7)", true},
    {"UPDATE_RULE", "varchar(11)", true},
    {"DELETE_RULE", "varchar(11)", true},
};

static entrasql_status fill_referential(engine_rows *r)
{
    engine_session *s = r->s;
    for (size_t i = 0; i < s->catalog->foreign_key_count; i++) {
        const engine_foreign_key *fk = &s->catalog->foreign_keys[i];
        const engine_object *o = engine_catalog_object_by_id(s->catalog, fk->id);
        const engine_object *parent = engine_catalog_object_by_id(s->catalog, fk->parent);
        if (o == NULL || parent == NULL || !engine_may_see(s, o))
            continue;
        const engine_index *index = engine_foreign_key_index(s->catalog, fk);
        row_names(r, s, o->schema, o->name);
        row_names(r, s, parent->schema, index != NULL ? index->name : NULL);
        engine_row_text(r, "SIMPLE");
        engine_row_text(r, engine_action_name(fk->on_update));
        engine_row_text(r, engine_action_name(fk->on_delete));
    }
    return engine_rows_status(r);
}

/* ---- ROUTINES ---- */

static const engine_view_column routine_columns[] = {
    NAME("SPECIFIC_CATALOG"),
    NAME("SPECIFIC_SCHEMA"),
    {"SPECIFIC_NAME", "sysname", false},
    NAME("ROUTINE_CATALOG"),
    NAME("ROUTINE_SCHEMA"),
    {"ROUTINE_NAME", "sysname", false},
    {"ROUTINE_TYPE", "nvarchar(20)", true},
    {"ROUTINE_DEFINITION", "nvarchar(4000)", true},
    {"CREATED", "datetime", false},
    {"LAST_ALTERED", "datetime", false},
};

static entrasql_status fill_routines(engine_rows *r)
{
    engine_session *s = r->s;
    for (size_t i = 0; i < s->catalog->object_count; i++) {
        const engine_object *o = &s->catalog->objects[i];
        bool routine = o->type == ENGINE_OBJECT_PROCEDURE || o->type == ENGINE_OBJECT_FUNCTION;
        if (!routine || !engine_may_see(s, o))
            continue;
        row_names(r, s, o->schema, o->name);
        row_names(r, s, o->schema, o->name);
        engine_row_text(r, o->type == ENGINE_OBJECT_PROCEDURE ? "PROCEDURE" : "FUNCTION");
        engine_row_text(r, o->definition);
        engine_row_ticks(r, o->created);
        engine_row_ticks(r, o->modified);
    }
    return engine_rows_status(r);
}

/* ---- the list ---- */

#define VIEW(name, columns, fill) ENGINE_VIEW("INFORMATION_SCHEMA", name, columns, fill)

static const engine_view views[] = {
    VIEW("TABLES", table_columns, fill_tables),
    VIEW("VIEWS", view_columns, fill_views),
    VIEW("SCHEMATA", schema_columns, fill_schemata),
    VIEW("COLUMNS", column_columns, fill_columns),
    VIEW("TABLE_CONSTRAINTS", constraint_columns, fill_constraints),
    VIEW("CHECK_CONSTRAINTS", check_columns, fill_checks),
    VIEW("CONSTRAINT_TABLE_USAGE", constraint_table_columns, fill_constraint_tables),
    VIEW("KEY_COLUMN_USAGE", key_usage_columns, fill_key_usage),
    VIEW("CONSTRAINT_COLUMN_USAGE", constraint_column_columns, fill_constraint_columns),
    VIEW("REFERENTIAL_CONSTRAINTS", referential_columns, fill_referential),
    VIEW("ROUTINES", routine_columns, fill_routines),
};

const engine_views engine_views_schema = {views, ES_COUNT_OF(views)};
