/* SPDX-License-Identifier: MIT */
/* UPDATE and DELETE. */
#include "engine/run_dml.h"

#include "base/mem.h"
#include "base/str.h"
#include "engine/output.h"
#include "engine/temp.h"
#include "engine/tran.h"
#include "sqltype/collation.h"
#include "sqltype/convert.h"

#include <stdlib.h>
#include <string.h>

/* ---- targets ---- */

bool engine_target_writes(const engine_session *s, const tsql_target *target)
{
    if (target->variable != NULL)
        return false;
    bool temp = target->object.name.text != NULL && target->object.name.text[0] == '#';
    /* In a transaction a temporary table has to be rolled back with the rest. */
    return !temp || s->tran.count != 0;
}

entrasql_status engine_bind_target(engine_binder *b, const tsql_target *target, engine_source **ret,
                                   const engine_object **ret_table)
{
    if (target->variable == NULL && engine_cte_find(b, &target->object) != NULL)
        return engine_unsupported(b->err, "change through a common table expression");
    ES_TRY(engine_bind_table(b, &target->object, target->variable, ret));
    *ret_table = (*ret)->table;
    return *ret_table != NULL ? ENTRASQL_OK : engine_unsupported(b->err, "change through a view");
}

/* The source in FROM that UPDATE's or DELETE's name means: an alias, or the table itself. */
static engine_source *find_target(const engine_scope *scope, const tsql_target *target)
{
    const char *name = target->variable != NULL ? target->variable : target->object.name.text;
    for (size_t i = 0; i < scope->count; i++) {
        engine_source *source = scope->sources[i];
        if (source->alias != NULL && source->table != NULL &&
            sqlcollation_equal_names(source->alias, name))
            return source;
    }
    return NULL;
}

/* UPDATE t ... FROM t AS x: the table under another name. */
static engine_source *find_table(const engine_scope *scope, const engine_object *table)
{
    for (size_t i = 0; i < scope->count; i++) {
        if (scope->sources[i]->table == table)
            return scope->sources[i];
    }
    return NULL;
}

static entrasql_status cross(engine_binder *b, engine_source *left, engine_source *right,
                             engine_source **ret)
{
    engine_source *join = engine_bind_alloc(b, sizeof *join);
    if (join == NULL)
        return es_nomem(b->err);
    join->kind = ENGINE_SOURCE_JOIN;
    join->join = TSQL_JOIN_CROSS;
    join->left = left;
    join->right = right;
    *ret = join;
    return ENTRASQL_OK;
}

static entrasql_status bind_sources(engine_modify *m, engine_binder *b, const tsql_target *target,
                                    const tsql_source *from, engine_scope *scope)
{
    engine_query *q = m->query;
    if (from != NULL) {
        ES_TRY(engine_bind_from(b, from, scope, &q->from));
        m->joined = scope->count > 1;
        m->target = find_target(scope, target);
        if (m->target == NULL) {
            engine_source *named;
            ES_TRY(engine_bind_target(b, target, &named, &m->table));
            m->target = find_table(scope, m->table);
            if (m->target == NULL) {
                m->target = named;
                ES_TRY(cross(b, q->from, named, &q->from));
                ES_TRY(engine_scope_add(b, scope, named));
                m->joined = true;
            }
        }
        m->table = m->target->table;
        return ENTRASQL_OK;
    }
    ES_TRY(engine_bind_target(b, target, &m->target, &m->table));
    q->from = m->target;
    return engine_scope_add(b, scope, m->target);
}

/* ---- items of the driving query ---- */

static entrasql_status add_item(engine_binder *b, engine_query *q, engine_node *node)
{
    engine_item *grown = engine_bind_room(b, q->items, q->item_count, sizeof *grown);
    if (grown == NULL || node == NULL)
        return es_nomem(b->err);
    q->items = grown;
    grown[q->item_count++] = (engine_item){.node = node, .name = ""};
    return ENTRASQL_OK;
}

static entrasql_status add_old_row(engine_modify *m, engine_binder *b)
{
    engine_node *rowid = engine_node_new(b, ENGINE_NODE_COLUMN);
    if (rowid == NULL)
        return es_nomem(b->err);
    rowid->source = m->target;
    rowid->index = ENGINE_ROWID;
    rowid->type = sqltype_of(SQLTYPE_BIGINT);
    ES_TRY(add_item(b, m->query, rowid));
    for (size_t i = 0; i < m->target->column_count; i++)
        ES_TRY(add_item(b, m->query, engine_node_of(b, m->target, i)));
    return ENTRASQL_OK;
}

static bool in_unique_key(const engine_object *table, size_t place)
{
    for (size_t i = 0; i < table->index_count; i++) {
        const engine_index *index = &table->indexes[i];
        for (size_t k = 0; k < index->column_count && index->kind != ENGINE_INDEX_PLAIN; k++) {
            if (index->columns[k].column == table->columns[place].id)
                return true;
        }
    }
    return false;
}

/* ---- SET ---- */

static entrasql_status find_place(engine_modify *m, engine_binder *b, const tsql_assign *assign,
                                  size_t *ret)
{
    const engine_table_column *column = engine_object_column(m->table, assign->column.name.text);
    if (column == NULL)
        return engine_error(b->err, 207, 1, "Invalid column name '%s'.", assign->column.name.text);
    if (column->identity)
        return engine_error(b->err, 8102, 1, "Cannot update identity column '%s'.", column->name);
    if (column->computed != NULL)
        return engine_error(b->err, 271, 1,
                            "The column \"%s\" cannot be modified because it is either a computed "
                            "column or is the result of a UNION operator.",
                            column->name);
    if (column->type.id == SQLTYPE_ROWVERSION)
        return engine_error(b->err, 272, 1, "Cannot update a timestamp column.");
    *ret = (size_t)(column - m->table->columns);
    for (size_t i = 0; i < m->set_count; i++) {
        if (m->sets[i].place == *ret)
            return engine_error(
                b->err, 264, 1,
                "The column name '%s' is specified more than once in the SET clause "
                "or column list of an INSERT. A column cannot be assigned more than "
                "one value in the same clause. Modify the clause to make sure that "
                "a column is updated only once.",
                column->name);
    }
    if (!m->c.is_temp && m->target->object != NULL)
        ES_TRY(engine_bind_need(b, "UPDATE", m->target->object, column->id));
    return ENTRASQL_OK;
}

static entrasql_status bind_new_value(engine_modify *m, engine_binder *b, const tsql_assign *assign,
                                      size_t place, engine_node **ret)
{
    const engine_table_column *column = place != SIZE_MAX ? &m->table->columns[place] : NULL;
    if (assign->expr->kind == TSQL_EXPR_DEFAULT && column != NULL) {
        sqlvalue null = sqlvalue_null(column->type);
        return column->default_text != NULL ? engine_bind_text(b, column->default_text, ret)
                                            : engine_node_const(b, &null, ret);
    }
    ES_TRY(engine_bind_expr(b, assign->expr, ret));
    if (assign->op == TSQL_OP_NONE)
        return ENTRASQL_OK;
    engine_node *old = NULL;
    if (column != NULL) {
        old = engine_node_of(b, m->target, place);
        if (m->target->object != NULL)
            ES_TRY(engine_bind_need(b, "SELECT", m->target->object, column->id));
    } else {
        tsql_expr variable = {.kind = TSQL_EXPR_VARIABLE, .text = assign->variable};
        ES_TRY(engine_bind_expr(b, &variable, &old));
    }
    return old != NULL ? engine_bind_arith(b, assign->op, old, *ret, ret) : es_nomem(b->err);
}

entrasql_status engine_modify_set(engine_modify *m, engine_binder *b, const tsql_assign *assign)
{
    engine_set set = {.place = SIZE_MAX, .variable = assign->variable};
    if (assign->column.name.text != NULL)
        ES_TRY(find_place(m, b, assign, &set.place));
    ES_TRY(bind_new_value(m, b, assign, set.place, &set.node));
    if (set.place != SIZE_MAX)
        ES_TRY(sqltype_check_conversion(set.node->type, m->table->columns[set.place].type, false,
                                        b->err));
    if (set.variable != NULL && engine_frame_variable(b->frame, set.variable) == NULL)
        return engine_error(b->err, 137, 1, "Must declare the scalar variable \"%s\".",
                            set.variable);
    engine_set *grown = engine_bind_room(b, m->sets, m->set_count, sizeof *grown);
    if (grown == NULL)
        return es_nomem(b->err);
    m->sets = grown;
    grown[m->set_count++] = set;
    m->changes_key =
        m->changes_key || (set.place != SIZE_MAX && in_unique_key(m->table, set.place));
    return add_item(b, m->query, set.node);
}

/* ---- binding ---- */

static entrasql_status bind_top(engine_binder *b, const tsql_top *top, engine_query *q)
{
    if (top == NULL)
        return ENTRASQL_OK;
    if (top->percent || top->with_ties)
        return engine_unsupported(b->err, "TOP PERCENT in a data change");
    engine_node *count;
    ES_TRY(engine_bind_expr(b, top->count, &count));
    ES_TRY(engine_bind_cast(b, &count, sqltype_of(SQLTYPE_BIGINT), ENGINE_CAST_IMPLICIT, NULL));
    return engine_node_call(b, "check_top", sqltype_of(SQLTYPE_BIGINT), &count, 1, &q->top);
}

static entrasql_status bind_tail(engine_modify *m, engine_binder *b, const tsql_cond *where,
                                 const tsql_top *top, const tsql_output *output,
                                 const engine_scope *scope, bool from)
{
    engine_query *q = m->query;
    if (where != NULL)
        ES_TRY(engine_bind_cond(b, where, &q->where));
    ES_TRY(bind_top(b, top, q));
    ES_TRY(engine_change_output(&m->c, output, from ? scope : NULL));
    for (size_t i = 0; i < m->c.extra_count; i++)
        ES_TRY(add_item(b, q, m->c.extra_nodes[i]));
    for (size_t i = 0; i < q->item_count; i++) {
        if (q->items[i].node->type.id == SQLTYPE_UNKNOWN)
            ES_TRY(engine_bind_cast(b, &q->items[i].node, sqltype_of(SQLTYPE_INT),
                                    ENGINE_CAST_IMPLICIT, NULL));
    }
    return engine_bind_columns(b, q);
}

static entrasql_status begin_query(engine_modify *m, engine_binder *b)
{
    m->query = engine_bind_alloc(b, sizeof *m->query);
    return m->query != NULL ? ENTRASQL_OK : es_nomem(b->err);
}

static entrasql_status bind_update(engine_modify *m, engine_binder *b, const tsql_update_stmt *stmt,
                                   engine_scope *scope)
{
    ES_TRY(bind_sources(m, b, &stmt->target, stmt->from, scope));
    ES_TRY(engine_change_bind(&m->c, b, "UPDATE", m->table, m->target->sql_name));
    ES_TRY(add_old_row(m, b));
    b->scope = scope;
    for (size_t i = 0; i < stmt->set.count; i++)
        ES_TRY(engine_modify_set(m, b, &stmt->set.items[i]));
    return bind_tail(m, b, stmt->where, stmt->top, stmt->output, scope, stmt->from != NULL);
}

entrasql_status engine_update_bind(engine_modify *m, engine_binder *b, const tsql_update_stmt *stmt)
{
    engine_scope scope = {.outer = NULL};
    ES_TRY(begin_query(m, b));
    b->option = &stmt->option;
    ES_TRY(engine_bind_with(b, &stmt->with));
    entrasql_status status = bind_update(m, b, stmt, &scope);
    b->scope = NULL;
    return status;
}

static entrasql_status bind_delete(engine_modify *m, engine_binder *b, const tsql_delete_stmt *stmt,
                                   engine_scope *scope)
{
    ES_TRY(bind_sources(m, b, &stmt->target, stmt->from, scope));
    ES_TRY(engine_change_bind(&m->c, b, "DELETE", m->table, m->target->sql_name));
    if (m->target->object != NULL)
        ES_TRY(engine_bind_need(b, "DELETE", m->target->object, 0));
    ES_TRY(add_old_row(m, b));
    b->scope = scope;
    return bind_tail(m, b, stmt->where, stmt->top, stmt->output, scope, stmt->from != NULL);
}

entrasql_status engine_delete_bind(engine_modify *m, engine_binder *b, const tsql_delete_stmt *stmt)
{
    engine_scope scope = {.outer = NULL};
    ES_TRY(begin_query(m, b));
    b->option = &stmt->option;
    ES_TRY(engine_bind_with(b, &stmt->with));
    entrasql_status status = bind_delete(m, b, stmt, &scope);
    b->scope = NULL;
    return status;
}

/* ---- running ---- */

struct place_of_row {
    int64_t rowid;
    size_t place;
};

static int compare_places(const void *a, const void *b)
{
    const struct place_of_row *x = a;
    const struct place_of_row *y = b;
    if (x->rowid != y->rowid)
        return x->rowid < y->rowid ? -1 : 1;
    return (x->place > y->place) - (x->place < y->place);
}

/* A row that several rows of a join meet is changed once, by the first of them. */
static entrasql_status drop_repeated(engine_row_set *rows, entrasql_error *err)
{
    struct place_of_row *places = es_calloc(rows->count + 1, sizeof *places);
    bool *keep = es_calloc(rows->count + 1, sizeof *keep);
    size_t kept = 0;
    if (places == NULL || keep == NULL) {
        es_free(places);
        es_free(keep);
        return es_nomem(err);
    }
    for (size_t i = 0; i < rows->count; i++)
        places[i] = (struct place_of_row){engine_row_set_at(rows, i)[0].u.i, i};
    qsort(places, rows->count, sizeof *places, compare_places);
    for (size_t i = 0; i < rows->count; i++)
        keep[places[i].place] = i == 0 || places[i].rowid != places[i - 1].rowid;
    for (size_t i = 0; i < rows->count; i++) {
        sqlvalue *row = engine_row_set_at(rows, i);
        sqlvalue *to = engine_row_set_at(rows, kept);
        if (!keep[i]) {
            for (size_t k = 0; k < rows->width; k++)
                sqlvalue_done(&row[k]);
            continue;
        }
        if (to != row)
            memcpy(to, row, rows->width * sizeof *row);
        kept++;
    }
    rows->count = kept;
    es_free(places);
    es_free(keep);
    return ENTRASQL_OK;
}

static entrasql_status set_variables(engine_modify *m, engine_run *run, const sqlvalue *values)
{
    for (size_t i = 0; i < m->set_count; i++) {
        if (m->sets[i].variable == NULL)
            continue;
        engine_variable *v = engine_frame_variable(run->s->frame, m->sets[i].variable);
        ES_TRY(engine_variable_set(v, &values[1 + m->table->column_count + i], run->err));
    }
    return ENTRASQL_OK;
}

/* SET @v = column = @v + 1: each row sees what the one before left in the variable. */
static entrasql_status collect_live(engine_modify *m, engine_run *run, engine_plan *p,
                                    engine_row_set *rows)
{
    bool row = true;
    rows->width = p->column_count;
    ES_TRY(engine_plan_start(p, run->err));
    for (;;) {
        ES_TRY(engine_plan_step(p, &row, run->err));
        if (!row)
            return ENTRASQL_OK;
        ES_TRY(engine_row_set_add(rows, p->row, run->err));
        ES_TRY(set_variables(m, run, p->row));
    }
}

static entrasql_status collect(engine_modify *m, engine_run *run, engine_row_set *rows)
{
    ES_CLEANUP(engine_plan_done) engine_plan p = {0};
    bool live = false;
    for (size_t i = 0; i < m->set_count; i++)
        live = live || m->sets[i].variable != NULL;
    ES_TRY(engine_plan_open(m->c.b, m->query, live, &p));
    ES_TRY(live ? collect_live(m, run, &p, rows) : engine_plan_collect(&p, rows, run->err));
    if (m->joined)
        ES_TRY(drop_repeated(rows, run->err));
    uint64_t limit = run->s->set.rowcount;
    while (limit != 0 && rows->count > limit) {
        sqlvalue *row = engine_row_set_at(rows, --rows->count);
        for (size_t k = 0; k < rows->width; k++)
            sqlvalue_done(&row[k]);
    }
    return ENTRASQL_OK;
}

static const sqlvalue *extra_of(const engine_modify *m, const sqlvalue *values)
{
    return values + 1 + m->table->column_count + m->set_count;
}

entrasql_status engine_modify_row(engine_modify *m, const sqlvalue *old, const sqlvalue *values,
                                  sqlvalue *row)
{
    const engine_object *table = m->table;
    for (size_t i = 0; i < table->column_count; i++) {
        if (sqlvalue_copy(&row[i], &old[i]) != ENTRASQL_OK)
            return es_nomem(m->c.b->err);
        if (table->columns[i].type.id == SQLTYPE_ROWVERSION)
            row[i].u.i = (int64_t)atomic_fetch_add(&m->c.b->s->server->next_rowversion, 1);
    }
    for (size_t i = 0; i < m->set_count; i++) {
        size_t place = m->sets[i].place;
        if (place == SIZE_MAX)
            continue;
        sqlvalue_done(&row[place]);
        ES_TRY(engine_change_value(&m->c, &table->columns[place], &values[i], &row[place]));
    }
    return ENTRASQL_OK;
}

static entrasql_status update_row(engine_modify *m, const sqlvalue *values, sqlvalue *row)
{
    ES_TRY(engine_modify_row(m, values + 1, values + 1 + m->table->column_count, row));
    ES_TRY(engine_change_update(&m->c, values[0].u.i, values + 1, row, extra_of(m, values),
                                m->changes_key));
    ES_TRY(engine_change_check_child(&m->c, row));
    return engine_change_check_parent(&m->c, values + 1, row);
}

/*
 * Keys are compared when the statement is done, so rows whose keys change are
 * all taken out first and put back with their new values.
 */
static entrasql_status take_out(engine_modify *m, const engine_row_set *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        const sqlvalue *values = engine_row_set_at(rows, i);
        ES_TRY(engine_change_delete(&m->c, values[0].u.i, values + 1, NULL, true));
    }
    return ENTRASQL_OK;
}

static entrasql_status update_rows(engine_modify *m, engine_run *run, const engine_row_set *rows)
{
    size_t width = m->table->column_count;
    entrasql_status status = ENTRASQL_OK;
    sqlvalue *row = es_calloc(width + 1, sizeof *row);
    if (row == NULL)
        return es_nomem(run->err);
    if (m->changes_key)
        status = take_out(m, rows);
    for (size_t i = 0; i < rows->count && status == ENTRASQL_OK; i++) {
        status = update_row(m, engine_row_set_at(rows, i), row);
        for (size_t k = 0; k < width; k++)
            sqlvalue_done(&row[k]);
    }
    es_free(row);
    return status;
}

static entrasql_status delete_rows(engine_modify *m, const engine_row_set *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        const sqlvalue *values = engine_row_set_at(rows, i);
        ES_TRY(engine_change_delete(&m->c, values[0].u.i, values + 1, extra_of(m, values), false));
    }
    for (size_t i = 0; i < rows->count; i++)
        ES_TRY(engine_change_check_parent(&m->c, engine_row_set_at(rows, i) + 1, NULL));
    return ENTRASQL_OK;
}

void engine_modify_done(engine_modify *m)
{
    engine_change_done(&m->c);
}

struct modify_job {
    const tsql_update_stmt *update;
    const tsql_delete_stmt *remove;
    uint64_t rows;
};

static entrasql_status run_bound(engine_run *run, struct modify_job *job)
{
    ES_CLEANUP(engine_binder_done) engine_binder b;
    ES_CLEANUP(engine_modify_done) engine_modify m = {0};
    ES_CLEANUP(engine_row_set_done) engine_row_set rows = {0};
    ES_TRY(engine_binder_init(&b, run->s, run->err));
    ES_TRY(job->update != NULL ? engine_update_bind(&m, &b, job->update)
                               : engine_delete_bind(&m, &b, job->remove));
    ES_TRY(engine_bind_check(&b));
    if (run->s->set.fmtonly)
        return engine_change_columns(&m.c, run);
    ES_TRY(engine_change_open(&m.c));
    ES_TRY(collect(&m, run, &rows));
    ES_TRY(job->update != NULL ? update_rows(&m, run, &rows) : delete_rows(&m, &rows));
    job->rows = rows.count;
    return engine_change_finish(&m.c, run);
}

static entrasql_status run_unit(engine_run *run, struct modify_job *job, const tsql_target *target)
{
    engine_unit unit;
    ES_TRY(engine_unit_begin(run->s, engine_target_writes(run->s, target), true, &unit, run->err));
    entrasql_status status = run_bound(run, job);
    return engine_unit_end(run->s, &unit, status, run->err);
}

entrasql_status engine_run_update(engine_run *run, const tsql_update_stmt *stmt)
{
    struct modify_job job = {.update = stmt};
    ES_TRY(run_unit(run, &job, &stmt->target));
    return engine_run_done(run, ENGINE_CMD_UPDATE, job.rows);
}

entrasql_status engine_run_delete(engine_run *run, const tsql_delete_stmt *stmt)
{
    struct modify_job job = {.remove = stmt};
    ES_TRY(run_unit(run, &job, &stmt->target));
    return engine_run_done(run, ENGINE_CMD_DELETE, job.rows);
}
