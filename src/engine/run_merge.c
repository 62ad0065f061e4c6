/* SPDX-License-Identifier: MIT */
/*
 * MERGE. One query joins the source to the target and gives for each pair the
 * target's rowid, the number of the WHEN clause that applies, the old row, the
 * values of all clauses and what OUTPUT names. Its rows are kept; then deleted
 * and changed rows are taken out, and changed and new ones are written.
 */
#include "engine/run_dml.h"

#include "base/mem.h"
#include "engine/output.h"
#include "engine/tran.h"

#include <stdlib.h>

enum { ROWID, ACTION, OLD_ROW };

typedef struct merge_clause {
    const tsql_merge_when *when;
    engine_node *applies;
    engine_modify modify; /* UPDATE */
    size_t first;         /* of its values in the driving query */
} merge_clause;

struct engine_merge {
    engine_change_set c;
    engine_binder *b;
    const engine_object *table;
    engine_source *target;
    engine_source *flag; /* one row, joined to the source: not NULL where there is a source */
    engine_source *source;
    engine_scope source_scope;
    engine_query *query;
    merge_clause *clauses;
    size_t clause_count;
    engine_insert insert;
    bool inserts;
    size_t extra_first;
};

static void merge_done(engine_merge *m)
{
    engine_insert_done(&m->insert);
    engine_change_done(&m->c);
}

/* ---- sources ---- */

static entrasql_status bind_flag(engine_merge *m, engine_source **ret)
{
    engine_binder *b = m->b;
    sqlvalue one = sqlvalue_int(1);
    engine_source *flag = engine_source_new(b, ENGINE_SOURCE_VALUES, 1);
    if (flag == NULL)
        return es_nomem(b->err);
    flag->columns[0] = (engine_bound_column){.name = "flag", .type = one.type};
    flag->rows = engine_bind_alloc(b, sizeof(engine_node **));
    if (flag->rows == NULL)
        return es_nomem(b->err);
    flag->rows[0] = engine_bind_alloc(b, sizeof(engine_node *));
    if (flag->rows[0] == NULL)
        return es_nomem(b->err);
    flag->row_count = 1;
    *ret = flag;
    return engine_node_const(b, &one, &flag->rows[0][0]);
}

static entrasql_status join(engine_binder *b, tsql_join_kind kind, engine_source *left,
                            engine_source *right, engine_node *on, engine_source **ret)
{
    engine_source *join = engine_bind_alloc(b, sizeof *join);
    if (join == NULL)
        return es_nomem(b->err);
    join->kind = ENGINE_SOURCE_JOIN;
    join->join = kind;
    join->left = left;
    join->right = right;
    join->on = on;
    *ret = join;
    return ENTRASQL_OK;
}

static bool has_by_source(const tsql_merge_stmt *stmt)
{
    for (size_t i = 0; i < stmt->when_count; i++) {
        if (stmt->whens[i].kind == TSQL_MERGE_NOT_MATCHED_BY_SOURCE)
            return true;
    }
    return false;
}

static entrasql_status bind_sources(engine_merge *m, const tsql_merge_stmt *stmt,
                                    engine_scope *both)
{
    engine_binder *b = m->b;
    engine_node *on;
    ES_TRY(engine_bind_target(b, &stmt->target, &m->target, &m->table));
    if (stmt->alias.text != NULL) {
        m->target->alias = stmt->alias.text;
        m->target->schema = NULL;
    }
    if (m->target->object != NULL)
        ES_TRY(engine_bind_need(b, "SELECT", m->target->object, 0));
    ES_TRY(bind_flag(m, &m->flag));
    ES_TRY(engine_bind_from(b, stmt->source, &m->source_scope, &m->source));
    ES_TRY(engine_scope_add(b, both, m->target));
    for (size_t i = 0; i < m->source_scope.count; i++)
        ES_TRY(engine_scope_add(b, both, m->source_scope.sources[i]));
    b->scope = both;
    ES_TRY(engine_bind_cond(b, stmt->on, &on));
    engine_source *left = NULL;
    ES_TRY(join(b, TSQL_JOIN_CROSS, m->flag, m->source, NULL, &left));
    return join(b, has_by_source(stmt) ? TSQL_JOIN_FULL : TSQL_JOIN_LEFT, left, m->target, on,
                &m->query->from);
}

/* ---- conditions ---- */

static engine_node *rowid_of(engine_merge *m)
{
    engine_node *node = engine_node_new(m->b, ENGINE_NODE_COLUMN);
    if (node == NULL)
        return NULL;
    node->source = m->target;
    node->index = ENGINE_ROWID;
    node->type = sqltype_of(SQLTYPE_BIGINT);
    node->nullable = true;
    return node;
}

static engine_node *is_there(engine_merge *m, engine_node *what, bool there)
{
    engine_node *node = engine_node_list(m->b, ENGINE_NODE_IS_NULL, 1);
    if (node == NULL || what == NULL)
        return NULL;
    node->args[0] = what;
    node->negated = there;
    return node;
}

static engine_node *both_hold(engine_merge *m, engine_node *left, engine_node *right)
{
    engine_node *node = engine_node_list(m->b, ENGINE_NODE_AND, 2);
    if (node == NULL || left == NULL || right == NULL)
        return NULL;
    node->args[0] = left;
    node->args[1] = right;
    return node;
}

static entrasql_status bind_applies(engine_merge *m, merge_clause *clause)
{
    const tsql_merge_when *when = clause->when;
    bool target = when->kind != TSQL_MERGE_NOT_MATCHED;
    bool source = when->kind != TSQL_MERGE_NOT_MATCHED_BY_SOURCE;
    engine_node *cond;
    clause->applies = both_hold(m, is_there(m, rowid_of(m), target),
                                is_there(m, engine_node_of(m->b, m->flag, 0), source));
    if (clause->applies == NULL)
        return es_nomem(m->b->err);
    if (when->cond == NULL)
        return ENTRASQL_OK;
    ES_TRY(engine_bind_cond(m->b, when->cond, &cond));
    clause->applies = both_hold(m, clause->applies, cond);
    return clause->applies != NULL ? ENTRASQL_OK : es_nomem(m->b->err);
}

/* ---- items of the driving query ---- */

static entrasql_status add_item(engine_merge *m, engine_node *node)
{
    engine_item *grown =
        engine_bind_room(m->b, m->query->items, m->query->item_count, sizeof *grown);
    if (grown == NULL || node == NULL)
        return es_nomem(m->b->err);
    m->query->items = grown;
    grown[m->query->item_count++] = (engine_item){.node = node, .name = ""};
    return ENTRASQL_OK;
}

/* A clause's value is worked out only where the clause applies. */
static entrasql_status add_value(engine_merge *m, const merge_clause *clause, engine_node *value)
{
    engine_node *node = engine_node_list(m->b, ENGINE_NODE_CASE, 2);
    if (node == NULL)
        return es_nomem(m->b->err);
    if (value->type.id == SQLTYPE_UNKNOWN)
        ES_TRY(engine_bind_cast(m->b, &value, sqltype_of(SQLTYPE_INT), ENGINE_CAST_IMPLICIT, NULL));
    node->args[0] = clause->applies;
    node->args[1] = value;
    node->type = value->type;
    node->nullable = true;
    return add_item(m, node);
}

static entrasql_status add_action(engine_merge *m)
{
    engine_node *node = engine_node_list(m->b, ENGINE_NODE_CASE, m->clause_count * 2 + 1);
    if (node == NULL)
        return es_nomem(m->b->err);
    for (size_t i = 0; i < m->clause_count; i++) {
        sqlvalue number = sqlvalue_int((int32_t)i + 1);
        node->args[i * 2] = m->clauses[i].applies;
        ES_TRY(engine_node_const(m->b, &number, &node->args[i * 2 + 1]));
    }
    sqlvalue none = sqlvalue_int(0);
    ES_TRY(engine_node_const(m->b, &none, &node->args[m->clause_count * 2]));
    node->type = none.type;
    return add_item(m, node);
}

/* ---- WHEN clauses ---- */

static entrasql_status bind_update(engine_merge *m, merge_clause *clause)
{
    engine_modify *modify = &clause->modify;
    modify->c = m->c;
    modify->table = m->table;
    modify->target = m->target;
    modify->query = engine_bind_alloc(m->b, sizeof *modify->query);
    if (modify->query == NULL)
        return es_nomem(m->b->err);
    for (size_t i = 0; i < clause->when->set.count; i++)
        ES_TRY(engine_modify_set(modify, m->b, &clause->when->set.items[i]));
    for (size_t i = 0; i < modify->query->item_count; i++)
        ES_TRY(add_value(m, clause, modify->query->items[i].node));
    return ENTRASQL_OK;
}

static entrasql_status bind_insert(engine_merge *m, merge_clause *clause)
{
    const tsql_merge_when *when = clause->when;
    engine_insert *in = &m->insert;
    if (m->inserts)
        return engine_error(m->b->err, 10714, 1,
                            "An action of type 'INSERT' is not allowed more than once in a 'WHEN "
                            "NOT MATCHED' clause of a MERGE statement.");
    m->inserts = true;
    in->c = &m->c;
    in->table = m->table;
    if (!m->c.is_temp)
        ES_TRY(engine_bind_need(m->b, "INSERT", m->table, 0));
    if (!when->default_values) {
        ES_TRY(engine_insert_places(in, &when->columns));
        if (when->values.count != in->place_count)
            return engine_error(m->b->err, when->columns.count == 0 ? 213 : 10709, 1,
                                when->columns.count == 0
                                    ? "Column name or number of supplied values does not match "
                                      "table definition."
                                    : "The number of columns for each row in a table value "
                                      "constructor must be the same.");
    }
    for (size_t i = 0; i < in->place_count; i++) {
        engine_node *value;
        ES_TRY(engine_insert_cell(in, when->values.items[i], i, &value));
        ES_TRY(add_value(m, clause, value));
    }
    return engine_insert_defaults(in);
}

static entrasql_status bind_clause(engine_merge *m, merge_clause *clause, engine_scope *both)
{
    engine_scope target = {.sources = &m->target, .count = 1};
    engine_binder *b = m->b;
    const tsql_merge_when *when = clause->when;
    b->scope = when->kind == TSQL_MERGE_MATCHED       ? both
               : when->kind == TSQL_MERGE_NOT_MATCHED ? &m->source_scope
                                                      : &target;
    ES_TRY(bind_applies(m, clause));
    clause->first = m->query->item_count;
    entrasql_status status = ENTRASQL_OK;
    if (when->action == TSQL_MERGE_UPDATE)
        status = bind_update(m, clause);
    else if (when->action == TSQL_MERGE_INSERT)
        status = bind_insert(m, clause);
    else if (m->target->object != NULL)
        status = engine_bind_need(b, "DELETE", m->target->object, 0);
    b->scope = NULL;
    return status;
}

/* ---- the statement ---- */

static entrasql_status bind_change(engine_merge *m)
{
    engine_binder *b = m->b;
    ES_TRY(engine_change_bind(&m->c, b, "MERGE", m->table, m->target->sql_name));
    m->c.merges = true;
    m->c.action_source = engine_source_new(b, ENGINE_SOURCE_ROW, 1);
    m->c.nulls = engine_bind_alloc(b, (m->table->column_count + 1) * sizeof(sqlvalue));
    if (m->c.action_source == NULL || m->c.nulls == NULL)
        return es_nomem(b->err);
    m->c.action_source->columns[0] =
        (engine_bound_column){.name = "$action", .type = sqltype_string(SQLTYPE_NVARCHAR, 10)};
    for (size_t i = 0; i < m->table->column_count; i++) {
        m->c.nulls[i] = sqlvalue_null(m->table->columns[i].type);
        m->c.inserted->columns[i].nullable = true;
        m->c.deleted->columns[i].nullable = true;
    }
    return ENTRASQL_OK;
}

static entrasql_status bind_clauses(engine_merge *m, const tsql_merge_stmt *stmt,
                                    engine_scope *both)
{
    m->clauses = engine_bind_alloc(m->b, (stmt->when_count + 1) * sizeof *m->clauses);
    if (m->clauses == NULL)
        return es_nomem(m->b->err);
    m->clause_count = stmt->when_count;
    /* Rowid, action and the old row come first; the action's node is put in at the end. */
    ES_TRY(add_item(m, rowid_of(m)));
    ES_TRY(add_item(m, rowid_of(m)));
    for (size_t i = 0; i < m->target->column_count; i++)
        ES_TRY(add_item(m, engine_node_of(m->b, m->target, i)));
    for (size_t i = 0; i < m->clause_count; i++) {
        m->clauses[i].when = &stmt->whens[i];
        ES_TRY(bind_clause(m, &m->clauses[i], both));
    }
    ES_TRY(add_action(m));
    m->query->items[ACTION] = m->query->items[--m->query->item_count];
    return ENTRASQL_OK;
}

static entrasql_status merge_bind(engine_merge *m, engine_binder *b, const tsql_merge_stmt *stmt)
{
    engine_scope both = {.outer = NULL};
    m->b = b;
    b->option = &stmt->option;
    if (stmt->top != NULL)
        return engine_unsupported(b->err, "MERGE TOP");
    m->query = engine_bind_alloc(b, sizeof *m->query);
    if (m->query == NULL)
        return es_nomem(b->err);
    ES_TRY(engine_bind_with(b, &stmt->with));
    ES_TRY(bind_sources(m, stmt, &both));
    ES_TRY(bind_change(m));
    ES_TRY(bind_clauses(m, stmt, &both));
    b->scope = NULL;
    ES_TRY(engine_change_output(&m->c, stmt->output, &m->source_scope));
    m->extra_first = m->query->item_count;
    for (size_t i = 0; i < m->c.extra_count; i++)
        ES_TRY(add_item(m, m->c.extra_nodes[i]));
    return engine_bind_columns(b, m->query);
}

entrasql_status engine_merge_check(engine_binder *b, const tsql_merge_stmt *stmt)
{
    ES_CLEANUP(merge_done) engine_merge m = {0};
    return merge_bind(&m, b, stmt);
}

entrasql_status engine_merge_shape(engine_binder *b, const tsql_merge_stmt *stmt, engine_run *run)
{
    ES_CLEANUP(merge_done) engine_merge m = {0};
    ES_TRY(merge_bind(&m, b, stmt));
    ES_TRY(engine_bind_check(b));
    return engine_change_columns(&m.c, run);
}

/* ---- running ---- */

static const merge_clause *clause_of(const engine_merge *m, const sqlvalue *values)
{
    size_t number = (size_t)values[ACTION].u.i;
    return number != 0 ? &m->clauses[number - 1] : NULL;
}

static int compare_rowids(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* A row of the target may be changed by one row of the source alone. */
static entrasql_status check_once(const engine_merge *m, const engine_row_set *rows)
{
    size_t count = 0;
    bool twice = false;
    int64_t *rowids = es_calloc(rows->count + 1, sizeof *rowids);
    if (rowids == NULL)
        return es_nomem(m->b->err);
    for (size_t i = 0; i < rows->count; i++) {
        const sqlvalue *values = engine_row_set_at(rows, i);
        const merge_clause *clause = clause_of(m, values);
        if (clause != NULL && clause->when->action != TSQL_MERGE_INSERT)
            rowids[count++] = values[ROWID].u.i;
    }
    qsort(rowids, count, sizeof *rowids, compare_rowids);
    for (size_t i = 1; i < count; i++)
        twice = twice || rowids[i] == rowids[i - 1];
    es_free(rowids);
    if (!twice)
        return ENTRASQL_OK;
    return engine_error(
        m->b->err, 8672, 1,
        "The MERGE statement attempted to UPDATE or DELETE the same row more than once. This "
        "happens when a target row matches more than one source row. A MERGE statement cannot "
        "UPDATE/DELETE the same row of the target table multiple times. Refine the ON clause to "
        "ensure a target row matches at most one source row, or use the GROUP BY clause to group "
        "the source rows.");
}

/* Keys count when the statement is done: what is changed is taken out first. */
static entrasql_status take_out(engine_merge *m, const engine_row_set *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        const sqlvalue *values = engine_row_set_at(rows, i);
        const merge_clause *clause = clause_of(m, values);
        if (clause == NULL || clause->when->action == TSQL_MERGE_INSERT)
            continue;
        m->c.action = "DELETE";
        ES_TRY(engine_change_delete(&m->c, values[ROWID].u.i, values + OLD_ROW,
                                    values + m->extra_first,
                                    clause->when->action == TSQL_MERGE_UPDATE));
    }
    return ENTRASQL_OK;
}

static entrasql_status write_row(engine_merge *m, engine_run *run, const sqlvalue *values,
                                 sqlvalue *row)
{
    const merge_clause *clause = clause_of(m, values);
    if (clause == NULL || clause->when->action == TSQL_MERGE_DELETE)
        return ENTRASQL_OK;
    const sqlvalue *extra = values + m->extra_first;
    const sqlvalue *given = values + clause->first;
    if (clause->when->action == TSQL_MERGE_INSERT) {
        m->c.action = "INSERT";
        return engine_insert_row(&m->insert, given, row, extra);
    }
    m->c.action = "UPDATE";
    engine_modify modify = clause->modify;
    for (size_t i = 0; i < modify.set_count; i++) {
        if (modify.sets[i].variable != NULL)
            ES_TRY(
                engine_variable_set(engine_frame_variable(run->s->frame, modify.sets[i].variable),
                                    &given[i], run->err));
    }
    ES_TRY(engine_modify_row(&modify, values + OLD_ROW, given, row));
    ES_TRY(engine_change_update(&m->c, values[ROWID].u.i, values + OLD_ROW, row, extra, true));
    return engine_change_check_child(&m->c, row);
}

static entrasql_status write_rows(engine_merge *m, engine_run *run, const engine_row_set *rows)
{
    size_t width = m->table->column_count;
    sqlvalue *row = es_calloc(width + 1, sizeof *row);
    if (row == NULL)
        return es_nomem(run->err);
    entrasql_status status = take_out(m, rows);
    for (size_t i = 0; i < rows->count && status == ENTRASQL_OK; i++) {
        status = write_row(m, run, engine_row_set_at(rows, i), row);
        for (size_t k = 0; k < width; k++)
            sqlvalue_done(&row[k]);
    }
    es_free(row);
    return status;
}

/* Rows of other tables that named a key that is gone. */
static entrasql_status check_parents(engine_merge *m, const engine_row_set *rows)
{
    size_t width = m->table->column_count;
    sqlvalue *row = es_calloc(width + 1, sizeof *row);
    entrasql_status status = row != NULL ? ENTRASQL_OK : es_nomem(m->b->err);
    for (size_t i = 0; i < rows->count && status == ENTRASQL_OK; i++) {
        const sqlvalue *values = engine_row_set_at(rows, i);
        const merge_clause *clause = clause_of(m, values);
        if (clause == NULL || clause->when->action == TSQL_MERGE_INSERT)
            continue;
        engine_modify modify = clause->modify;
        bool updates = clause->when->action == TSQL_MERGE_UPDATE;
        if (updates)
            status = engine_modify_row(&modify, values + OLD_ROW, values + clause->first, row);
        if (status == ENTRASQL_OK)
            status = engine_change_check_parent(&m->c, values + OLD_ROW, updates ? row : NULL);
        for (size_t k = 0; k < width && updates; k++)
            sqlvalue_done(&row[k]);
    }
    es_free(row);
    return status;
}

static entrasql_status collect(engine_merge *m, engine_run *run, engine_row_set *rows)
{
    ES_CLEANUP(engine_plan_done) engine_plan p = {0};
    ES_TRY(engine_plan_open(m->b, m->query, false, &p));
    return engine_plan_collect(&p, rows, run->err);
}

static uint64_t count_changed(const engine_row_set *rows)
{
    uint64_t count = 0;
    for (size_t i = 0; i < rows->count; i++)
        count += engine_row_set_at(rows, i)[ACTION].u.i != 0;
    return count;
}

static entrasql_status run_bound(engine_run *run, const tsql_merge_stmt *stmt, uint64_t *ret_rows)
{
    ES_CLEANUP(engine_binder_done) engine_binder b;
    ES_CLEANUP(merge_done) engine_merge m = {0};
    ES_CLEANUP(engine_row_set_done) engine_row_set rows = {0};
    ES_TRY(engine_binder_init(&b, run->s, run->err));
    ES_TRY(merge_bind(&m, &b, stmt));
    if (m.inserts)
        ES_TRY(engine_insert_identity(&m.insert));
    ES_TRY(engine_bind_check(&b));
    if (run->s->set.fmtonly)
        return engine_change_columns(&m.c, run);
    ES_TRY(collect(&m, run, &rows));
    ES_TRY(check_once(&m, &rows));
    if (m.inserts)
        ES_TRY(engine_insert_open(&m.insert));
    ES_TRY(engine_change_open(&m.c));
    ES_TRY(write_rows(&m, run, &rows));
    ES_TRY(check_parents(&m, &rows));
    if (m.inserts && engine_object_identity(m.table) != NULL && m.insert.identity_known)
        ES_TRY(engine_identity_save(run->s, m.table, run->err));
    ES_TRY(engine_change_finish(&m.c, run));
    if (m.inserts)
        engine_insert_keep(&m.insert, run->s);
    *ret_rows = count_changed(&rows);
    return ENTRASQL_OK;
}

entrasql_status engine_run_merge(engine_run *run, const tsql_merge_stmt *stmt)
{
    engine_unit unit;
    uint64_t rows = 0;
    ES_TRY(engine_unit_begin(run->s, engine_target_writes(run->s, &stmt->target), true, &unit,
                             run->err));
    entrasql_status status = run_bound(run, stmt, &rows);
    ES_TRY(engine_unit_end(run->s, &unit, status, run->err));
    return engine_run_done(run, ENGINE_CMD_MERGE, rows);
}
