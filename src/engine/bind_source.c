/* SPDX-License-Identifier: MIT */
/* FROM: tables, views, derived tables, VALUES, joins. */
#include "engine/bind.h"

#include "base/mem.h"
#include "base/str.h"
#include "engine/permission.h"
#include "engine/temp.h"
#include "engine/view.h"
#include "sqltype/collation.h"

#include <stdio.h>
#include <string.h>

engine_source *engine_source_new(engine_binder *b, engine_source_kind kind, size_t columns)
{
    engine_source *source = engine_bind_alloc(b, sizeof *source);
    if (source == NULL)
        return NULL;
    source->kind = kind;
    source->number = b->next_source++;
    source->columns = engine_bind_alloc(b, (columns + 1) * sizeof *source->columns);
    source->column_count = columns;
    return source->columns != NULL ? source : NULL;
}

/* ---- tables ---- */

entrasql_status engine_bind_object(engine_binder *b, const engine_object *o, const char *sql_name,
                                   engine_source **ret)
{
    engine_source *source = engine_source_new(b, ENGINE_SOURCE_TABLE, o->column_count);
    if (source == NULL)
        return es_nomem(b->err);
    for (size_t i = 0; i < o->column_count; i++) {
        const engine_table_column *column = &o->columns[i];
        source->columns[i] = (engine_bound_column){
            .name = column->name,
            .type = column->type,
            .nullable = column->nullable,
            .identity = column->identity,
            .computed = column->computed != NULL,
            .column_id = column->id,
            .table = o,
        };
    }
    source->table = o;
    source->object = engine_temp_is(b->s, o) ? NULL : o;
    source->sql_name = engine_bind_strdup(b, sql_name);
    source->by_rowid = true;
    source->alias = o->name;
    const engine_schema *schema = engine_catalog_schema_by_id(b->catalog, o->schema);
    source->schema = schema != NULL ? schema->name : NULL;
    if (source->sql_name == NULL)
        return es_nomem(b->err);
    *ret = source;
    return ENTRASQL_OK;
}

static entrasql_status bind_variable_table(engine_binder *b, const char *name, engine_source **ret)
{
    const engine_variable *v = engine_frame_variable(b->frame, name);
    char sql_name[48];
    if (v == NULL || v->table == NULL)
        return engine_error(b->err, 1087, 2, "Must declare the table variable \"%s\".", name);
    snprintf(sql_name, sizeof sql_name, "temp.x%d", (int)v->table_number);
    ES_TRY(engine_bind_object(b, v->table, sql_name, ret));
    (*ret)->object = NULL;
    (*ret)->alias = name;
    return ENTRASQL_OK;
}

entrasql_status engine_bind_system_view(engine_binder *b, const engine_view *view,
                                        engine_source **ret)
{
    char sql_name[32];
    engine_source *source = engine_source_new(b, ENGINE_SOURCE_TABLE, view->column_count);
    if (source == NULL)
        return es_nomem(b->err);
    for (size_t i = 0; i < view->column_count; i++)
        source->columns[i] = (engine_bound_column){
            .name = view->columns[i].name,
            .type = engine_view_type(&view->columns[i]),
            .nullable = view->columns[i].nullable,
        };
    source->alias = view->name;
    source->schema = view->schema;
    source->sql_name = engine_bind_strdup(b, engine_view_sql_name(view, sql_name, sizeof sql_name));
    *ret = source;
    return source->sql_name != NULL ? ENTRASQL_OK : es_nomem(b->err);
}

/* sys and INFORMATION_SCHEMA; the old names (sysobjects) also without a schema. */
static const engine_view *find_view(const tsql_object *object)
{
    const char *schema = object->schema.text;
    if (schema == NULL || schema[0] == '\0' || es_strcaseeq(schema, "dbo")) {
        if (strncasecmp(object->name.text, "sys", 3) != 0)
            return NULL;
        schema = "sys";
    }
    return engine_view_find(schema, object->name.text);
}

/* ---- queries as sources ---- */

static entrasql_status name_columns(engine_binder *b, engine_source *source,
                                    const tsql_names *names, const char *alias)
{
    if (names->count != 0 && names->count != source->column_count)
        return engine_error(b->err, names->count > source->column_count ? 8159 : 8158, 1,
                            "'%s' has %s columns than were specified in the column list.", alias,
                            names->count > source->column_count ? "fewer" : "more");
    for (size_t i = 0; i < source->column_count; i++) {
        if (names->count != 0)
            source->columns[i].name = names->items[i].text;
        if (source->columns[i].name == NULL || source->columns[i].name[0] == '\0')
            return engine_error(b->err, 8155, 2,
                                "No column name was specified for column %zu of '%s'.", i + 1,
                                alias);
        for (size_t k = 0; k < i; k++) {
            if (sqlcollation_equal_names(source->columns[k].name, source->columns[i].name))
                return engine_error(b->err, 8156, 1,
                                    "The column '%s' was specified multiple times for '%s'.",
                                    source->columns[i].name, alias);
        }
    }
    return ENTRASQL_OK;
}

entrasql_status engine_bind_query_source(engine_binder *b, engine_query *q, const tsql_names *names,
                                         const char *alias, engine_source **ret)
{
    engine_source *source = engine_source_new(b, ENGINE_SOURCE_QUERY, q->column_count);
    if (source == NULL)
        return es_nomem(b->err);
    for (size_t i = 0; i < q->column_count; i++) {
        source->columns[i] = q->columns[i];
        source->columns[i].column_id = 0;
        if (q->columns[i].type.id == SQLTYPE_UNKNOWN) {
            source->columns[i].type = sqltype_of(SQLTYPE_INT);
            ES_TRY(engine_bind_query_type(b, q, i, source->columns[i].type));
        }
    }
    source->query = q;
    source->alias = alias;
    *ret = source;
    return name_columns(b, source, names, alias != NULL ? alias : "");
}

/* The scope around a derived table does not see its neighbours. */
static entrasql_status bind_derived(engine_binder *b, const tsql_source *from,
                                    const engine_scope *neighbours, engine_source **ret)
{
    engine_query *q;
    const engine_scope *saved = b->scope;
    b->scope = neighbours->outer;
    entrasql_status status = engine_bind_query(b, from->query, &q);
    b->scope = saved;
    ES_TRY(status);
    return engine_bind_query_source(b, q, &from->columns, from->alias.text, ret);
}

/* ---- an object by name ---- */

entrasql_status engine_bind_table(engine_binder *b, const tsql_object *object, const char *variable,
                                  engine_source **ret)
{
    const engine_object *o;
    char text[512];
    char sql_name[48];
    if (variable != NULL)
        return bind_variable_table(b, variable, ret);
    ES_TRY(engine_find_object(b->s, object, &o, b->err));
    if (o != NULL && o->type == ENGINE_OBJECT_VIEW)
        return engine_bind_view(b, o, ret);
    if (o == NULL || o->type != ENGINE_OBJECT_TABLE)
        return engine_error(b->err, 208, object->name.text[0] == '#' ? 0 : 1,
                            "Invalid object name '%s'.",
                            engine_object_text(object, text, sizeof text));
    return engine_bind_object(b, o, engine_table_name(b->s, o, sql_name, sizeof sql_name), ret);
}

static entrasql_status bind_named(engine_binder *b, const tsql_source *from, engine_source **ret)
{
    engine_cte *cte = engine_cte_find(b, &from->object);
    if (cte != NULL)
        return engine_bind_cte(b, cte, ret);
    const engine_view *view = find_view(&from->object);
    if (view == NULL || view->arg_count != 0)
        return engine_bind_table(b, &from->object, NULL, ret);
    int32_t schema;
    bool given;
    ES_TRY(engine_bind_schema(b->s, &from->object, &schema, &given, b->err));
    return engine_bind_system_view(b, view, ret);
}

/* ---- VALUES and functions ---- */

static entrasql_status bind_rows(engine_binder *b, const tsql_rows *rows, engine_source *source)
{
    source->rows = engine_bind_alloc(b, (rows->count + 1) * sizeof(engine_node **));
    if (source->rows == NULL)
        return es_nomem(b->err);
    for (size_t r = 0; r < rows->count; r++) {
        if (rows->items[r].count != source->column_count)
            return engine_error(b->err, 10709, 1,
                                "The number of columns for each row in a table value constructor "
                                "must be the same.");
        source->rows[r] = engine_bind_alloc(b, source->column_count * sizeof(engine_node *));
        if (source->rows[r] == NULL)
            return es_nomem(b->err);
        for (size_t c = 0; c < source->column_count; c++) {
            engine_node **cell = &source->rows[r][c];
            ES_TRY(engine_bind_expr(b, rows->items[r].items[c], cell));
            source->columns[c].type = sqltype_common(source->columns[c].type, (*cell)->type);
            source->columns[c].nullable = source->columns[c].nullable || (*cell)->nullable;
        }
        source->row_count++;
    }
    return ENTRASQL_OK;
}

static entrasql_status bind_values(engine_binder *b, const tsql_source *from, engine_source **ret)
{
    engine_source *source = engine_source_new(b, ENGINE_SOURCE_VALUES, from->rows.items[0].count);
    if (source == NULL)
        return es_nomem(b->err);
    ES_TRY(bind_rows(b, &from->rows, source));
    for (size_t c = 0; c < source->column_count; c++) {
        if (source->columns[c].type.id == SQLTYPE_UNKNOWN)
            source->columns[c].type = sqltype_of(SQLTYPE_INT);
        for (size_t r = 0; r < source->row_count; r++)
            ES_TRY(engine_bind_cast(b, &source->rows[r][c], source->columns[c].type,
                                    ENGINE_CAST_IMPLICIT, NULL));
    }
    source->alias = from->alias.text;
    *ret = source;
    return name_columns(b, source, &from->columns,
                        from->alias.text != NULL ? from->alias.text : "");
}

/* A system table function. */
static entrasql_status bind_function(engine_binder *b, const tsql_source *from, engine_source **ret)
{
    char text[512];
    const tsql_call *call = from->call;
    const engine_view *view = engine_view_find("sys", call->name.name.text);
    if (call->name.schema.text == NULL && es_strcaseeq(call->name.name.text, "OPENJSON"))
        return engine_bind_openjson(b, from, ret);
    if (view == NULL || view->arg_count == 0 || call->args.count > view->arg_count)
        return engine_error(b->err, 208, 3, "Invalid object name '%s'.",
                            engine_object_text(&call->name, text, sizeof text));
    ES_TRY(engine_bind_system_view(b, view, ret));
    engine_source *source = *ret;
    source->args = engine_bind_alloc(b, (view->arg_count + 1) * sizeof(engine_node *));
    if (source->args == NULL)
        return es_nomem(b->err);
    for (size_t i = 0; i < call->args.count; i++) {
        engine_node **arg = &source->args[i];
        if (call->args.items[i]->kind == TSQL_EXPR_DEFAULT) {
            sqlvalue null = sqlvalue_null(sqltype_of(SQLTYPE_UNKNOWN));
            ES_TRY(engine_node_const(b, &null, arg));
        } else {
            ES_TRY(engine_bind_expr(b, call->args.items[i], arg));
        }
        ES_TRY(engine_bind_cast(b, arg, sqltype_string(SQLTYPE_NVARCHAR, SQLTYPE_MAX),
                                ENGINE_CAST_IMPLICIT, NULL));
    }
    source->arg_count = call->args.count;
    /* STRING_SPLIT shows its ordinals only when they were asked for. */
    if (es_strcaseeq(view->name, "STRING_SPLIT") && call->args.count < view->arg_count)
        source->column_count = 1;
    return ENTRASQL_OK;
}

/* ---- joins ---- */

static void make_nullable(engine_source *source)
{
    if (source->kind == ENGINE_SOURCE_JOIN) {
        make_nullable(source->left);
        make_nullable(source->right);
    }
    for (size_t i = 0; i < source->column_count; i++)
        source->columns[i].nullable = true;
}

static entrasql_status bind_join(engine_binder *b, const tsql_source *from, engine_scope *scope,
                                 engine_source **ret)
{
    engine_source *join = engine_bind_alloc(b, sizeof *join);
    size_t first = scope->count;
    if (join == NULL)
        return es_nomem(b->err);
    join->kind = ENGINE_SOURCE_JOIN;
    join->join = from->join;
    ES_TRY(engine_bind_from(b, from->left, scope, &join->left));
    bool apply = from->join == TSQL_JOIN_CROSS_APPLY || from->join == TSQL_JOIN_OUTER_APPLY;
    if (apply && from->right->kind != TSQL_SOURCE_FUNCTION)
        return engine_unsupported(b->err, "APPLY");
    const engine_scope *lateral = b->lateral;
    b->lateral = apply ? scope : NULL;
    entrasql_status status = engine_bind_from(b, from->right, scope, &join->right);
    b->lateral = lateral;
    ES_TRY(status);
    if (from->join == TSQL_JOIN_LEFT || from->join == TSQL_JOIN_FULL ||
        from->join == TSQL_JOIN_OUTER_APPLY)
        make_nullable(join->right);
    if (from->join == TSQL_JOIN_RIGHT || from->join == TSQL_JOIN_FULL)
        make_nullable(join->left);
    *ret = join;
    if (from->on == NULL)
        return ENTRASQL_OK;
    /* ON sees the two sides, not the whole FROM. */
    engine_scope sides = {
        .outer = scope->outer, .sources = scope->sources + first, .count = scope->count - first};
    const engine_scope *saved = b->scope;
    b->scope = &sides;
    status = engine_bind_cond(b, from->on, &join->on);
    b->scope = saved;
    return status;
}

static entrasql_status bind_leaf(engine_binder *b, const tsql_source *from,
                                 const engine_scope *scope, engine_source **ret)
{
    switch ((int)from->kind) {
    case TSQL_SOURCE_OBJECT:
        return bind_named(b, from, ret);
    case TSQL_SOURCE_VARIABLE:
        return bind_variable_table(b, from->variable, ret);
    case TSQL_SOURCE_DERIVED:
        return bind_derived(b, from, scope, ret);
    case TSQL_SOURCE_VALUES:
        return bind_values(b, from, ret);
    default:
        break;
    }
    const engine_scope *saved = b->scope;
    if (b->lateral != NULL)
        b->scope = b->lateral;
    entrasql_status status = bind_function(b, from, ret);
    b->scope = saved;
    return status;
}

entrasql_status engine_bind_from(engine_binder *b, const tsql_source *from, engine_scope *scope,
                                 engine_source **ret)
{
    if (from->kind == TSQL_SOURCE_JOIN)
        return bind_join(b, from, scope, ret);
    ES_TRY(bind_leaf(b, from, scope, ret));
    if (from->alias.text != NULL) {
        (*ret)->alias = from->alias.text;
        (*ret)->correlated = true;
        (*ret)->schema = NULL;
    }
    if ((*ret)->object != NULL)
        ES_TRY(engine_bind_need(b, "SELECT", (*ret)->object, 0));
    return engine_scope_add(b, scope, *ret);
}
