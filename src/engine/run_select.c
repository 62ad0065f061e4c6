/* SPDX-License-Identifier: MIT */
/* SELECT: result sets and assignments to variables. */
#include "engine/run.h"

#include "base/mem.h"
#include "engine/output.h"
#include "engine/plan.h"
#include "engine/table.h"
#include "engine/temp.h"
#include "engine/tran.h"

static bool is_old_lob(sqltype type)
{
    return type.id == SQLTYPE_TEXT || type.id == SQLTYPE_NTEXT || type.id == SQLTYPE_IMAGE;
}

static void set_table(const engine_session *s, const engine_object *table, engine_column *ret)
{
    const engine_schema *schema = engine_catalog_schema_by_id(s->catalog, table->schema);
    if (table->name[0] == '@') /* a table variable has no name that a client could use */
        return;
    ret->table[0] = engine_temp_is(s, table) ? "tempdb" : s->database->name;
    ret->table[1] = schema != NULL ? schema->name : "dbo";
    ret->table[2] = table->name;
}

entrasql_status engine_run_columns(engine_run *run, const engine_bound_column *columns,
                                   size_t count)
{
    engine_column *out = es_calloc(count + 1, sizeof *out);
    if (out == NULL)
        return es_nomem(run->err);
    for (size_t i = 0; i < count; i++) {
        out[i] = (engine_column){
            .name = columns[i].name != NULL ? columns[i].name : "",
            .type = columns[i].type,
            .nullable = columns[i].nullable,
            .identity = columns[i].identity,
            .computed = columns[i].computed,
        };
        if (out[i].type.id == SQLTYPE_UNKNOWN)
            out[i].type = sqltype_of(SQLTYPE_INT);
        if (is_old_lob(out[i].type) && columns[i].table != NULL)
            set_table(run->s, columns[i].table, &out[i]);
    }
    entrasql_status status = engine_output_columns(run->s, out, count);
    es_free(out);
    return status;
}

static bool is_assignment(const engine_query *q)
{
    return !q->is_set && q->item_count != 0 && q->items[0].variable != NULL;
}

/* The rows beyond SET ROWCOUNT are not read. */
static bool is_enough(const engine_session *s, uint64_t rows)
{
    return s->set.rowcount != 0 && rows >= s->set.rowcount;
}

static entrasql_status assign_row(engine_run *run, const engine_query *q, const engine_plan *p)
{
    for (size_t i = 0; i < q->item_count; i++) {
        engine_variable *v = engine_frame_variable(run->s->frame, q->items[i].variable);
        ES_TRY(engine_variable_set(v, &p->row[i], run->err));
    }
    return ENTRASQL_OK;
}

enum { JSON_CHUNK = 2033 }; /* characters in a row of FOR JSON's result */

/* The text comes in rows of so many characters; no rows give no row. */
static entrasql_status send_json(engine_run *run, const sqlvalue *v, uint64_t *ret_rows)
{
    const char *at = v->u.s.data;
    const char *end = v->is_null ? at : at + v->u.s.len;
    while (!v->is_null && at < end) {
        const char *to = at;
        for (size_t i = 0; i < JSON_CHUNK && to < end; i++) {
            do
                to++;
            while (to < end && ((unsigned char)*to & 0xC0) == 0x80);
        }
        sqlvalue part = sqlvalue_lend(v->type, at, (size_t)(to - at));
        ES_TRY(engine_output_row(run->s, &part, 1));
        (*ret_rows)++;
        at = to;
    }
    return ENTRASQL_OK;
}

static entrasql_status run_rows(engine_run *run, const engine_query *q, engine_plan *p,
                                uint64_t *ret_rows)
{
    bool assigns = is_assignment(q);
    bool row = true;
    ES_TRY(engine_plan_start(p, run->err));
    if (!assigns)
        ES_TRY(engine_run_columns(run, q->columns, q->column_count));
    while (!run->s->set.fmtonly && !is_enough(run->s, *ret_rows)) {
        ES_TRY(engine_plan_step(p, &row, run->err));
        if (!row)
            break;
        if (q->json != NULL && !assigns) {
            ES_TRY(send_json(run, &p->row[0], ret_rows));
            continue;
        }
        ES_TRY(assigns ? assign_row(run, q, p)
                       : engine_output_row(run->s, p->row, p->column_count));
        (*ret_rows)++;
    }
    return ENTRASQL_OK;
}

/* A NULL without a type is an int for the client. */
static entrasql_status settle_types(engine_binder *b, engine_query *q)
{
    for (size_t i = 0; i < q->column_count; i++) {
        if (q->columns[i].type.id == SQLTYPE_UNKNOWN)
            ES_TRY(engine_bind_query_type(b, q, i, sqltype_of(SQLTYPE_INT)));
    }
    return ENTRASQL_OK;
}

/* ---- assignments in the order of ORDER BY ---- */

/*
 * SQLite works the items out before it sorts, so SELECT @s = @s + x ... ORDER
 * BY x would see its variable as it was. The columns that the items name are
 * read and sorted first; then the items are worked out row by row.
 */
typedef struct lifted {
    engine_binder *b;
    engine_source *row;
    engine_item *items;
    size_t count;
    bool failed;
} lifted;

static bool visit_query(void *ctx, engine_node *node)
{
    bool *found = ctx;
    *found = *found || node->query != NULL;
    return true;
}

/* The copy of a column goes into the sorted query, the column itself names the copy's value. */
static bool visit_column(void *ctx, engine_node *node)
{
    lifted *l = ctx;
    if (node->kind != ENGINE_NODE_COLUMN || node->source->kind == ENGINE_SOURCE_ROW)
        return true;
    engine_node *copy = engine_node_new(l->b, ENGINE_NODE_COLUMN);
    engine_item *items = engine_bind_room(l->b, l->items, l->count, sizeof *items);
    engine_bound_column *columns =
        engine_bind_room(l->b, l->row->columns, l->row->column_count, sizeof *columns);
    if (copy == NULL || items == NULL || columns == NULL) {
        l->failed = true;
        return false;
    }
    *copy = *node;
    items[l->count] = (engine_item){.node = copy, .name = ""};
    columns[l->row->column_count++] =
        (engine_bound_column){.name = "", .type = node->type, .nullable = true};
    l->items = items;
    l->row->columns = columns;
    node->source = l->row;
    node->index = l->count++;
    return true;
}

static entrasql_status add_constant(lifted *l)
{
    sqlvalue one = sqlvalue_int(1);
    l->items = engine_bind_alloc(l->b, sizeof *l->items);
    if (l->items == NULL)
        return es_nomem(l->b->err);
    l->items[0].name = "";
    l->count = 1;
    return engine_node_const(l->b, &one, &l->items[0].node);
}

static bool needs_lifting(const engine_query *q)
{
    bool deep = false;
    if (q->is_set || q->grouped || q->distinct || q->order_count == 0)
        return false;
    for (size_t i = 0; i < q->item_count; i++) {
        engine_node_walk(q->items[i].node, visit_query, &deep);
        for (size_t k = 0; k < q->order_count; k++)
            deep = deep || q->order[k].node == q->items[i].node;
    }
    return !deep;
}

static entrasql_status assign_rows(engine_run *run, engine_query *q, engine_plan *items, lifted *l,
                                   const engine_row_set *rows, uint64_t *ret_rows)
{
    for (size_t i = 0; i < rows->count && !is_enough(run->s, *ret_rows); i++) {
        bool row;
        l->row->values = engine_row_set_at(rows, i);
        ES_TRY(engine_plan_start(items, run->err));
        ES_TRY(engine_plan_step(items, &row, run->err));
        ES_TRY(assign_row(run, q, items));
        (*ret_rows)++;
    }
    return ENTRASQL_OK;
}

static entrasql_status assign_sorted(engine_run *run, engine_binder *b, engine_query *q,
                                     uint64_t *ret_rows)
{
    ES_CLEANUP(engine_plan_done) engine_plan sorted = {0};
    ES_CLEANUP(engine_plan_done) engine_plan items = {0};
    ES_CLEANUP(engine_row_set_done) engine_row_set rows = {0};
    lifted l = {.b = b, .row = engine_source_new(b, ENGINE_SOURCE_ROW, 0)};
    engine_node **nodes = engine_bind_alloc(b, (q->item_count + 1) * sizeof(engine_node *));
    if (l.row == NULL || nodes == NULL)
        return es_nomem(run->err);
    for (size_t i = 0; i < q->item_count; i++) {
        nodes[i] = q->items[i].node;
        engine_node_walk(nodes[i], visit_column, &l);
    }
    if (l.failed)
        return es_nomem(run->err);
    if (l.count == 0) /* only the number of rows counts */
        ES_TRY(add_constant(&l));
    engine_query columns = *q;
    columns.items = l.items;
    columns.item_count = l.count;
    ES_TRY(engine_bind_columns(b, &columns));
    ES_TRY(engine_plan_open(b, &columns, false, &sorted));
    ES_TRY(engine_plan_collect(&sorted, &rows, run->err));
    ES_TRY(engine_plan_nodes(b, nodes, q->item_count, &items));
    return assign_rows(run, q, &items, &l, &rows, ret_rows);
}

static entrasql_status run_query(engine_run *run, const tsql_select_stmt *stmt, uint64_t *ret_rows,
                                 bool *ret_assigns)
{
    ES_CLEANUP(engine_binder_done) engine_binder b;
    ES_CLEANUP(engine_plan_done) engine_plan p = {0};
    engine_query *q;
    ES_TRY(engine_binder_init(&b, run->s, run->err));
    ES_TRY(engine_bind_select(&b, stmt, &q));
    ES_TRY(settle_types(&b, q));
    ES_TRY(engine_bind_check(&b));
    *ret_assigns = is_assignment(q);
    if (*ret_assigns && !run->s->set.fmtonly && needs_lifting(q))
        return assign_sorted(run, &b, q, ret_rows);
    ES_TRY(engine_plan_open(&b, q, *ret_assigns, &p));
    return run_rows(run, q, &p, ret_rows);
}

entrasql_status engine_run_select_shape(engine_run *run, const tsql_select_stmt *stmt)
{
    if (stmt->query->kind == TSQL_QUERY_SELECT && stmt->query->into != NULL)
        return ENTRASQL_OK;
    ES_CLEANUP(engine_binder_done) engine_binder b;
    engine_query *q;
    ES_TRY(engine_binder_init(&b, run->s, run->err));
    ES_TRY(engine_bind_select(&b, stmt, &q));
    ES_TRY(settle_types(&b, q));
    ES_TRY(engine_bind_check(&b));
    return is_assignment(q) ? ENTRASQL_OK : engine_run_columns(run, q->columns, q->column_count);
}

static bool reads_table(const tsql_select_stmt *stmt)
{
    return stmt->query->kind == TSQL_QUERY_SET_OP || stmt->query->from != NULL;
}

entrasql_status engine_run_select(engine_run *run, const tsql_select_stmt *stmt)
{
    engine_unit unit;
    uint64_t rows = 0;
    bool assigns = false;
    if (stmt->query->kind == TSQL_QUERY_SELECT && stmt->query->into != NULL)
        return engine_run_select_into(run, stmt);
    ES_TRY(engine_unit_begin(run->s, false, reads_table(stmt), &unit, run->err));
    entrasql_status status = run_query(run, stmt, &rows, &assigns);
    ES_TRY(engine_unit_end(run->s, &unit, status, run->err));
    if (assigns) {
        run->s->rowcount = (int64_t)rows;
        return ENTRASQL_OK;
    }
    return engine_run_done(run, ENGINE_CMD_SELECT, rows);
}
