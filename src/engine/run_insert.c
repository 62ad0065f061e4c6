/* SPDX-License-Identifier: MIT */
/* INSERT. */
#include "engine/run_dml.h"

#include "base/mem.h"
#include "base/str.h"
#include "engine/capture.h"
#include "engine/output.h"
#include "engine/permission.h"
#include "engine/temp.h"
#include "engine/tran.h"
#include "sqltype/convert.h"

#include <math.h>
#include <string.h>

/* ---- columns ---- */

/* Columns that get no value by themselves when no list was written. */
static bool is_implicit(const engine_table_column *column)
{
    return column->computed == NULL && column->type.id != SQLTYPE_ROWVERSION && !column->identity;
}

static entrasql_status add_place(engine_insert *in, size_t place)
{
    size_t *grown = engine_bind_room(in->c->b, in->places, in->place_count, sizeof *grown);
    if (grown == NULL)
        return es_nomem(in->c->b->err);
    in->places = grown;
    for (size_t i = 0; i < in->place_count; i++) {
        if (in->places[i] == place)
            return engine_error(
                in->c->b->err, 264, 1,
                "The column name '%s' is specified more than once in the SET clause "
                "or column list of an INSERT. A column cannot be assigned more than "
                "one value in the same clause. Modify the clause to make sure that "
                "a column is updated only once.",
                in->c->table->columns[place].name);
    }
    in->places[in->place_count++] = place;
    return ENTRASQL_OK;
}

entrasql_status engine_insert_places(engine_insert *in, const tsql_names *names)
{
    const engine_object *table = in->c->table;
    engine_binder *b = in->c->b;
    for (size_t i = 0; names->count == 0 && i < table->column_count; i++) {
        if (is_implicit(&table->columns[i]))
            ES_TRY(add_place(in, i));
    }
    for (size_t i = 0; i < names->count; i++) {
        const engine_table_column *column = engine_object_column(table, names->items[i].text);
        if (column == NULL)
            return engine_error(b->err, 207, 1, "Invalid column name '%s'.", names->items[i].text);
        if (column->computed != NULL)
            return engine_error(b->err, 271, 1,
                                "The column \"%s\" cannot be modified because it is either a "
                                "computed column or is the result of a UNION operator.",
                                column->name);
        if (column->type.id == SQLTYPE_ROWVERSION)
            return engine_error(b->err, 273, 1,
                                "Cannot insert an explicit value into a timestamp column. Use "
                                "INSERT with a column list to exclude the timestamp column, or "
                                "insert a DEFAULT into the timestamp column.");
        ES_TRY(add_place(in, (size_t)(column - table->columns)));
    }
    for (size_t i = 0; i < in->place_count; i++)
        in->identity_given = in->identity_given || table->columns[in->places[i]].identity;
    return ENTRASQL_OK;
}

/* Identity values: given when they must be, and only then. SET may have come in the same batch. */
entrasql_status engine_insert_identity(engine_insert *in)
{
    const engine_object *table = in->c->table;
    engine_binder *b = in->c->b;
    const engine_table_column *identity = engine_object_identity(table);
    bool on = b->s->set.identity_insert == table->id;
    if (identity == NULL || in->loads)
        return ENTRASQL_OK;
    if (in->identity_given && !on)
        return engine_error(b->err, 544, 1,
                            "Cannot insert explicit value for identity column in table '%s' when "
                            "IDENTITY_INSERT is set to OFF.",
                            table->name);
    if (!in->identity_given && on)
        return engine_error(
            b->err, 545, 1,
            "Explicit value must be specified for identity column in table '%s' "
            "either when IDENTITY_INSERT is set to ON or when a replication user is "
            "inserting into a NOT FOR REPLICATION identity column.",
            table->name);
    return ENTRASQL_OK;
}

/* ---- defaults ---- */

static entrasql_status bind_default(engine_insert *in, size_t place, engine_node **ret)
{
    const engine_table_column *column = &in->c->table->columns[place];
    if (column->default_text == NULL) {
        sqlvalue null = sqlvalue_null(column->type);
        return engine_node_const(in->c->b, &null, ret);
    }
    return engine_bind_text(in->c->b, column->default_text, ret);
}

static bool is_given(const engine_insert *in, size_t place)
{
    for (size_t i = 0; i < in->place_count; i++) {
        if (in->places[i] == place)
            return true;
    }
    return false;
}

static bool keeps_value(const engine_insert *in, size_t place)
{
    return is_given(in, place) && (!in->loads || in->keep_nulls);
}

/* One row of all defaults that the statement leaves to the table. */
entrasql_status engine_insert_defaults(engine_insert *in)
{
    const engine_object *table = in->c->table;
    in->default_nodes = engine_bind_alloc(in->c->b, (table->column_count + 1) * sizeof(void *));
    in->default_places = engine_bind_alloc(in->c->b, (table->column_count + 1) * sizeof(size_t));
    if (in->default_nodes == NULL || in->default_places == NULL)
        return es_nomem(in->c->b->err);
    for (size_t i = 0; i < table->column_count; i++) {
        if (table->columns[i].default_text == NULL || keeps_value(in, i))
            continue;
        ES_TRY(bind_default(in, i, &in->default_nodes[in->default_count]));
        in->default_places[in->default_count++] = i;
    }
    return ENTRASQL_OK;
}

/* ---- sources of rows ---- */

static entrasql_status check_count(engine_insert *in, size_t values, bool listed)
{
    if (values == in->place_count)
        return ENTRASQL_OK;
    const engine_table_column *identity = engine_object_identity(in->table);
    if (!listed && identity != NULL && values == in->place_count + 1)
        return engine_error(in->c->b->err, 8101, 1,
                            "An explicit value for the identity column in table '%s' can only be "
                            "specified when a column list is used and IDENTITY_INSERT is ON.",
                            in->table->name);
    if (!listed)
        return engine_error(in->c->b->err, 213, 1,
                            "Column name or number of supplied values does not match table "
                            "definition.");
    bool more = in->place_count > values;
    return engine_error(in->c->b->err, more ? 109 : 110, 1,
                        "There are %s columns in the INSERT statement than values specified in the "
                        "VALUES clause. The number of values in the VALUES clause must match the "
                        "number of columns specified in the INSERT statement.",
                        more ? "more" : "fewer");
}

entrasql_status engine_insert_cell(engine_insert *in, const tsql_expr *e, size_t column,
                                   engine_node **ret)
{
    if (e->kind == TSQL_EXPR_DEFAULT)
        return bind_default(in, in->places[column], ret);
    return engine_bind_expr(in->c->b, e, ret);
}

/* Several rows: the values of a column take their common type, as in UNION ALL. */
static entrasql_status bind_rows(engine_insert *in, const tsql_insert_stmt *stmt,
                                 engine_source *source)
{
    engine_binder *b = in->c->b;
    size_t width = in->place_count;
    source->rows = engine_bind_alloc(b, (stmt->rows.count + 1) * sizeof(engine_node **));
    if (source->rows == NULL)
        return es_nomem(b->err);
    for (size_t r = 0; r < stmt->rows.count; r++) {
        ES_TRY(check_count(in, stmt->rows.items[r].count, stmt->columns.count != 0));
        source->rows[r] = engine_bind_alloc(b, (width + 1) * sizeof(engine_node *));
        if (source->rows[r] == NULL)
            return es_nomem(b->err);
        for (size_t i = 0; i < width; i++) {
            engine_node **cell = &source->rows[r][i];
            ES_TRY(engine_insert_cell(in, stmt->rows.items[r].items[i], i, cell));
            source->columns[i].type = sqltype_common(source->columns[i].type, (*cell)->type);
            source->columns[i].nullable = true;
        }
        source->row_count++;
    }
    for (size_t i = 0; i < width; i++) {
        if (source->columns[i].type.id == SQLTYPE_UNKNOWN)
            source->columns[i].type = in->c->table->columns[in->places[i]].type;
        for (size_t r = 0; r < source->row_count; r++)
            ES_TRY(engine_bind_cast(b, &source->rows[r][i], source->columns[i].type,
                                    ENGINE_CAST_IMPLICIT, NULL));
    }
    return ENTRASQL_OK;
}

static entrasql_status bind_values(engine_insert *in, const tsql_insert_stmt *stmt)
{
    engine_binder *b = in->c->b;
    engine_source *source = engine_bind_alloc(b, sizeof *source);
    engine_query *q = engine_bind_alloc(b, sizeof *q);
    if (source == NULL || q == NULL)
        return es_nomem(b->err);
    source->kind = ENGINE_SOURCE_VALUES;
    source->number = b->next_source++;
    source->column_count = in->place_count;
    source->columns = engine_bind_alloc(b, (in->place_count + 1) * sizeof *source->columns);
    q->items = engine_bind_alloc(b, (in->place_count + 1) * sizeof *q->items);
    if (source->columns == NULL || q->items == NULL)
        return es_nomem(b->err);
    ES_TRY(bind_rows(in, stmt, source));
    q->from = source;
    q->item_count = in->place_count;
    for (size_t i = 0; i < in->place_count; i++) {
        q->items[i] = (engine_item){.node = engine_node_of(b, source, i), .name = ""};
        if (q->items[i].node == NULL)
            return es_nomem(b->err);
    }
    in->query = q;
    return engine_bind_columns(b, q);
}

/* What is never convertible is found before anything runs. */
static entrasql_status check_types(const engine_insert *in)
{
    for (size_t i = 0; in->query != NULL && i < in->place_count; i++)
        ES_TRY(sqltype_check_conversion(in->query->columns[i].type,
                                        in->c->table->columns[in->places[i]].type, false,
                                        in->c->b->err));
    return ENTRASQL_OK;
}

static entrasql_status bind_source(engine_insert *in, const tsql_insert_stmt *stmt)
{
    switch (stmt->kind) {
    case TSQL_INSERT_VALUES:
        return bind_values(in, stmt);
    case TSQL_INSERT_QUERY:
        ES_TRY(engine_bind_query(in->c->b, stmt->query, &in->query));
        if (in->query->column_count == in->place_count)
            return ENTRASQL_OK;
        if (stmt->columns.count == 0)
            return check_count(in, in->query->column_count, false);
        return engine_error(in->c->b->err, in->query->column_count < in->place_count ? 120 : 121, 1,
                            "The select list for the INSERT statement contains %s items than the "
                            "insert list. The number of SELECT values must match the number of "
                            "INSERT columns.",
                            in->query->column_count < in->place_count ? "fewer" : "more");
    case TSQL_INSERT_DEFAULT_VALUES:
    case TSQL_INSERT_EXEC:
        break;
    }
    return ENTRASQL_OK;
}

entrasql_status engine_insert_bind(engine_insert *in, engine_binder *b,
                                   const tsql_insert_stmt *stmt)
{
    engine_source *target;
    b->option = &stmt->option;
    ES_TRY(engine_bind_with(b, &stmt->with));
    ES_TRY(engine_bind_target(b, &stmt->target, &target, &in->table));
    in->c = &in->own;
    ES_TRY(engine_change_bind(in->c, b, "INSERT", in->table, target->sql_name));
    if (!in->c->is_temp)
        ES_TRY(engine_bind_need(b, "INSERT", in->table, 0));
    if (stmt->top != NULL && stmt->top->with_ties)
        return engine_error(b->err, 1062, 1,
                            "The TOP N WITH TIES clause is not allowed without a corresponding "
                            "ORDER BY clause.");
    if (stmt->kind != TSQL_INSERT_DEFAULT_VALUES)
        ES_TRY(engine_insert_places(in, &stmt->columns));
    ES_TRY(bind_source(in, stmt));
    ES_TRY(check_types(in));
    ES_TRY(engine_insert_defaults(in));
    return engine_change_output(in->c, stmt->output, NULL);
}

/* ---- running ---- */

static void clear_row(sqlvalue *row, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sqlvalue_done(&row[i]);
}

static entrasql_status fill_identity(engine_insert *in, sqlvalue *row)
{
    engine_session *s = in->c->b->s;
    const engine_table_column *column = engine_object_identity(in->table);
    int64_t v = 0;
    if (column == NULL)
        return ENTRASQL_OK;
    sqlvalue *cell = &row[column - in->table->columns];
    if (in->identity_given) {
        sqlvalue big;
        if (cell->is_null ||
            sqltype_convert(cell, sqltype_of(SQLTYPE_BIGINT), NULL, &big, NULL) != ENTRASQL_OK)
            return ENTRASQL_OK;
        v = big.u.i;
        ES_TRY(engine_identity_seen(s, in->table, v, in->c->b->err));
    } else {
        ES_TRY(engine_identity_next(s, in->table, &v, in->c->b->err));
        sqlvalue big = sqlvalue_bigint(v);
        if (sqltype_convert(&big, column->type, NULL, cell, NULL) != ENTRASQL_OK)
            return engine_error(in->c->b->err, 8115, 1,
                                "Arithmetic overflow error converting IDENTITY to data type %s.",
                                sqltype_name(column->type.id));
    }
    in->identity_known = true;
    in->identity = v;
    return ENTRASQL_OK;
}

static entrasql_status fill_defaults(engine_insert *in, sqlvalue *row)
{
    bool found = false;
    if (in->default_count == 0)
        return ENTRASQL_OK;
    ES_TRY(engine_plan_start(&in->defaults, in->c->b->err));
    ES_TRY(engine_plan_step(&in->defaults, &found, in->c->b->err));
    for (size_t i = 0; found && i < in->default_count; i++) {
        size_t place = in->default_places[i];
        if (!row[place].is_null)
            continue; /* loaded */
        ES_TRY(engine_change_value(in->c, &in->table->columns[place], &in->defaults.row[i],
                                   &row[place]));
    }
    return ENTRASQL_OK;
}

static void fill_rowversion(const engine_insert *in, sqlvalue *row)
{
    for (size_t i = 0; i < in->table->column_count; i++) {
        if (in->table->columns[i].type.id != SQLTYPE_ROWVERSION)
            continue;
        row[i].is_null = false;
        row[i].u.i = (int64_t)atomic_fetch_add(&in->c->b->s->server->next_rowversion, 1);
    }
}

entrasql_status engine_insert_row(engine_insert *in, const sqlvalue *values, sqlvalue *row,
                                  const sqlvalue *extra)
{
    for (size_t i = 0; i < in->table->column_count; i++)
        row[i] = sqlvalue_null(in->table->columns[i].type);
    for (size_t i = 0; i < in->place_count; i++) {
        size_t place = in->places[i];
        ES_TRY(engine_change_value(in->c, &in->table->columns[place], &values[i], &row[place]));
    }
    ES_TRY(fill_defaults(in, row));
    fill_rowversion(in, row);
    ES_TRY(fill_identity(in, row));
    ES_TRY(engine_change_insert(in->c, row, extra));
    return engine_change_check_child(in->c, row);
}

static entrasql_status insert_rows(engine_insert *in, const engine_row_set *rows)
{
    entrasql_status status = ENTRASQL_OK;
    size_t width = in->table->column_count;
    sqlvalue *row = es_calloc(width + 1, sizeof *row);
    if (row == NULL)
        return es_nomem(in->c->b->err);
    for (size_t i = 0; i < rows->count && status == ENTRASQL_OK; i++) {
        status =
            engine_insert_row(in, rows->width != 0 ? engine_row_set_at(rows, i) : NULL, row, NULL);
        clear_row(row, width);
    }
    es_free(row);
    return status;
}

static entrasql_status collect(engine_insert *in, engine_run *run, const tsql_insert_stmt *stmt,
                               engine_row_set *rows)
{
    if (stmt->kind == TSQL_INSERT_DEFAULT_VALUES) {
        rows->count = 1;
        return ENTRASQL_OK;
    }
    if (stmt->kind == TSQL_INSERT_EXEC)
        return engine_capture_exec(run, stmt->exec, in->place_count, rows);
    ES_CLEANUP(engine_plan_done) engine_plan p = {0};
    ES_TRY(engine_plan_open(in->c->b, in->query, false, &p));
    return engine_plan_collect(&p, rows, run->err);
}

entrasql_status engine_insert_open(engine_insert *in)
{
    if (in->default_count == 0)
        return ENTRASQL_OK;
    return engine_plan_nodes(in->c->b, in->default_nodes, in->default_count, &in->defaults);
}

/* INSERT TOP (n): the first n rows of those that were worked out. */
static entrasql_status cut(engine_insert *in, const tsql_top *top, engine_row_set *rows)
{
    engine_binder *b = in->c->b;
    engine_node *node;
    sqlvalue v;
    ES_TRY(engine_bind_expr(b, top->count, &node));
    ES_TRY(engine_bind_cast(b, &node, sqltype_of(top->percent ? SQLTYPE_FLOAT : SQLTYPE_BIGINT),
                            ENGINE_CAST_IMPLICIT, NULL));
    ES_TRY(engine_plan_value(b, node, &v));
    bool bad = v.is_null || (top->percent ? v.u.f < 0 || v.u.f > 100 : v.u.i < 0);
    if (bad && top->percent)
        return engine_error(b->err, 1031, 1, "Percent values must be between 0 and 100.");
    if (bad)
        return engine_error(b->err, v.is_null ? 1060 : 127, 1,
                            v.is_null ? "The number of rows provided for a TOP or FETCH clauses "
                                        "row count parameter must be an integer."
                                      : "A TOP N or FETCH rowcount value may not be negative.");
    uint64_t limit =
        top->percent ? (uint64_t)ceil((double)rows->count * v.u.f / 100.0) : (uint64_t)v.u.i;
    while (rows->count > limit) {
        rows->count--;
        clear_row(engine_row_set_at(rows, rows->count), rows->width);
    }
    return ENTRASQL_OK;
}

static entrasql_status write_rows(engine_insert *in, engine_run *run, const engine_row_set *rows)
{
    ES_TRY(engine_insert_open(in));
    ES_TRY(engine_change_open(in->c));
    ES_TRY(insert_rows(in, rows));
    if (engine_object_identity(in->table) != NULL && rows->count != 0)
        ES_TRY(engine_identity_save(run->s, in->table, run->err));
    return engine_change_finish(in->c, run);
}

/* The values that @@IDENTITY and SCOPE_IDENTITY() give from now on. */
void engine_insert_keep(const engine_insert *in, engine_session *s)
{
    s->identity_known = in->identity_known;
    s->identity = in->identity;
    if (!in->identity_known)
        return;
    s->frame->identity_known = true;
    s->frame->identity = in->identity;
}

/* loaded: the rows of a bulk load, in place of what the statement says. */
static entrasql_status run_bound(engine_run *run, const tsql_insert_stmt *stmt,
                                 const engine_row_set *loaded, bool keep_nulls, uint64_t *ret_rows)
{
    ES_CLEANUP(engine_binder_done) engine_binder b;
    ES_CLEANUP(engine_insert_done)
    engine_insert in = {.loads = loaded != NULL, .keep_nulls = keep_nulls};
    ES_CLEANUP(engine_row_set_done) engine_row_set rows = {0};
    ES_TRY(engine_binder_init(&b, run->s, run->err));
    ES_TRY(engine_insert_bind(&in, &b, stmt));
    ES_TRY(engine_insert_identity(&in));
    ES_TRY(engine_bind_check(&b));
    if (run->s->set.fmtonly)
        return engine_change_columns(in.c, run);
    if (loaded == NULL)
        ES_TRY(collect(&in, run, stmt, &rows));
    else if (loaded->count != 0)
        ES_TRY(check_count(&in, loaded->width, false));
    if (stmt->top != NULL)
        ES_TRY(cut(&in, stmt->top, &rows));
    const engine_row_set *from = loaded != NULL ? loaded : &rows;
    ES_TRY(write_rows(&in, run, from));
    engine_insert_keep(&in, run->s);
    *ret_rows = from->count;
    return ENTRASQL_OK;
}

void engine_insert_done(engine_insert *in)
{
    engine_plan_done(&in->defaults);
    engine_change_done(&in->own);
}

entrasql_status engine_run_insert_rows(engine_run *run, const tsql_insert_stmt *stmt,
                                       const engine_row_set *rows, bool keep_nulls,
                                       uint64_t *ret_rows)
{
    engine_unit unit;
    ES_TRY(engine_unit_begin(run->s, engine_target_writes(run->s, &stmt->target), true, &unit,
                             run->err));
    entrasql_status status = run_bound(run, stmt, rows, keep_nulls, ret_rows);
    return engine_unit_end(run->s, &unit, status, run->err);
}

entrasql_status engine_run_insert(engine_run *run, const tsql_insert_stmt *stmt)
{
    uint64_t rows = 0;
    ES_TRY(engine_run_insert_rows(run, stmt, NULL, false, &rows));
    return engine_run_done(run, ENGINE_CMD_INSERT, rows);
}
