/* SPDX-License-Identifier: MIT */
/* OUTPUT: binding its lists, and what becomes of their rows. */
#include "engine/change.h"

#include "base/mem.h"
#include "engine/output.h"
#include "engine/temp.h"

#include <string.h>

/*
 * Columns of other sources (UPDATE ... FROM) become values that the driving
 * query gives along with each row.
 */
struct extra_job {
    engine_change_set *c;
    bool failed;
};

static engine_source *extra_source(engine_change_set *c)
{
    if (c->extra == NULL) {
        c->extra = engine_bind_alloc(c->b, sizeof *c->extra);
        if (c->extra != NULL) {
            c->extra->kind = ENGINE_SOURCE_ROW;
            c->extra->number = c->b->next_source++;
        }
    }
    return c->extra;
}

static bool visit_extra(void *ctx, engine_node *node)
{
    struct extra_job *job = ctx;
    engine_change_set *c = job->c;
    if (node->kind != ENGINE_NODE_COLUMN || node->source->kind == ENGINE_SOURCE_ROW)
        return true;
    engine_source *source = extra_source(c);
    engine_node *copy = engine_node_new(c->b, ENGINE_NODE_COLUMN);
    engine_node **nodes =
        engine_bind_room(c->b, c->extra_nodes, c->extra_count, sizeof(engine_node *));
    engine_bound_column *columns =
        source != NULL
            ? engine_bind_room(c->b, source->columns, source->column_count, sizeof *columns)
            : NULL;
    if (copy == NULL || nodes == NULL || columns == NULL) {
        job->failed = true;
        return false;
    }
    source->columns = columns;
    columns[source->column_count++] = (engine_bound_column){
        .name = "", .type = node->type, .nullable = node->nullable, .computed = true};
    *copy = *node;
    c->extra_nodes = nodes;
    nodes[c->extra_count] = copy;
    node->source = source;
    node->index = c->extra_count++;
    return false;
}

static bool is_star(const engine_source *source, const tsql_item *item)
{
    const char *prefix = item->object.name.text;
    return prefix != NULL && source->alias != NULL && strcasecmp(source->alias, prefix) == 0;
}

static entrasql_status add_item(engine_binder *b, engine_query *q, engine_item item)
{
    engine_item *grown = engine_bind_room(b, q->items, q->item_count, sizeof *grown);
    if (grown == NULL)
        return es_nomem(b->err);
    q->items = grown;
    grown[q->item_count++] = item;
    return ENTRASQL_OK;
}

static entrasql_status add_star(engine_change_set *c, engine_query *q, const tsql_item *item,
                                const engine_scope *scope)
{
    for (size_t i = 0; i < scope->count; i++) {
        if (!is_star(scope->sources[i], item))
            continue;
        for (size_t k = 0; k < scope->sources[i]->column_count; k++) {
            engine_item one = {.node = engine_node_of(c->b, scope->sources[i], k),
                               .name = scope->sources[i]->columns[k].name};
            if (one.node == NULL)
                return es_nomem(c->b->err);
            ES_TRY(add_item(c->b, q, one));
        }
        return ENTRASQL_OK;
    }
    return engine_error(c->b->err, 107, 1,
                        "The column prefix '%s' does not match with a table name or alias name "
                        "used in the query.",
                        item->object.name.text != NULL ? item->object.name.text : "*");
}

static entrasql_status bind_items(engine_change_set *c, const tsql_items *items,
                                  const engine_scope *scope, engine_query *q)
{
    for (size_t i = 0; i < items->count; i++) {
        const tsql_item *item = &items->items[i];
        if (item->kind == TSQL_ITEM_STAR) {
            ES_TRY(add_star(c, q, item, scope));
            continue;
        }
        if (item->kind == TSQL_ITEM_ASSIGN)
            return engine_error(c->b->err, 102, 1, "Incorrect syntax near '='.");
        engine_item bound = {.name = ""};
        if (item->alias.text != NULL)
            bound.name = item->alias.text;
        else if (item->expr->kind == TSQL_EXPR_COLUMN)
            bound.name = item->expr->u.column->name.text;
        else if (item->expr->kind == TSQL_EXPR_PSEUDO)
            bound.name = item->expr->text;
        ES_TRY(engine_bind_expr(c->b, item->expr, &bound.node));
        if (bound.node->type.id == SQLTYPE_UNKNOWN)
            ES_TRY(engine_bind_cast(c->b, &bound.node, sqltype_of(SQLTYPE_INT),
                                    ENGINE_CAST_IMPLICIT, NULL));
        ES_TRY(add_item(c->b, q, bound));
    }
    for (size_t i = 0; i < q->item_count; i++) {
        struct extra_job job = {.c = c};
        engine_node_walk(q->items[i].node, visit_extra, &job);
        if (job.failed)
            return es_nomem(c->b->err);
    }
    return ENTRASQL_OK;
}

/* ---- INTO ---- */

static entrasql_status bind_into(engine_change_set *c, const tsql_output *output,
                                 engine_returning *r)
{
    engine_source *into;
    engine_binder *b = c->b;
    const engine_object *o = NULL;
    ES_TRY(engine_bind_table(b, &output->into->object, output->into->variable, &into));
    if (output->into->variable != NULL)
        o = engine_frame_variable(b->frame, output->into->variable)->table;
    else
        ES_TRY(engine_find_object(b->s, &output->into->object, &o, b->err));
    size_t count = output->into_columns.count != 0 ? output->into_columns.count : o->column_count;
    if (count != r->query->item_count)
        return engine_error(b->err, 213, 1,
                            "Column name or number of supplied values does not match table "
                            "definition.");
    r->into = o;
    r->into_name = into->sql_name;
    r->into_places = engine_bind_alloc(b, (count + 1) * sizeof(size_t));
    if (r->into_places == NULL)
        return es_nomem(b->err);
    for (size_t i = 0; i < count; i++) {
        r->into_places[i] = i;
        if (output->into_columns.count == 0)
            continue;
        const char *name = output->into_columns.items[i].text;
        const engine_table_column *column = engine_object_column(o, name);
        if (column == NULL)
            return engine_error(b->err, 207, 1, "Invalid column name '%s'.", name);
        r->into_places[i] = (size_t)(column - o->columns);
    }
    return engine_temp_is(b->s, o) ? ENTRASQL_OK : engine_bind_need(b, "INSERT", o, 0);
}

/* ---- binding ---- */

static entrasql_status bind_list(engine_change_set *c, const tsql_items *items,
                                 const engine_scope *from, engine_query **ret)
{
    engine_scope scope = {.outer = NULL};
    engine_query *q = engine_bind_alloc(c->b, sizeof *q);
    const engine_scope *saved = c->b->scope;
    if (q == NULL)
        return es_nomem(c->b->err);
    /* INSERT has no deleted rows, DELETE no inserted ones. */
    if (strcmp(c->verb, "DELETE") != 0)
        ES_TRY(engine_scope_add(c->b, &scope, c->inserted));
    if (strcmp(c->verb, "INSERT") != 0)
        ES_TRY(engine_scope_add(c->b, &scope, c->deleted));
    for (size_t i = 0; from != NULL && i < from->count; i++)
        ES_TRY(engine_scope_add(c->b, &scope, from->sources[i]));
    c->b->scope = &scope;
    c->b->action = c->action_source;
    entrasql_status status = bind_items(c, items, &scope, q);
    c->b->action = NULL;
    c->b->scope = saved;
    ES_TRY(status);
    *ret = q;
    return engine_bind_columns(c->b, q);
}

entrasql_status engine_change_output(engine_change_set *c, const tsql_output *output,
                                     const engine_scope *scope)
{
    if (output == NULL)
        return ENTRASQL_OK;
    engine_returning *first = &c->returning[0];
    ES_TRY(bind_list(c, &output->items, scope, &first->query));
    if (output->into != NULL)
        ES_TRY(bind_into(c, output, first));
    c->returning_count = 1;
    if (output->also.count != 0) {
        ES_TRY(bind_list(c, &output->also, scope, &c->returning[1].query));
        c->returning_count = 2;
    }
    /* What OUTPUT shows of the table has to be readable. */
    if (!c->is_temp)
        ES_TRY(engine_bind_need(c->b, "SELECT", c->table, 0));
    return ENTRASQL_OK;
}

/* ---- results ---- */

static entrasql_status insert_one(engine_change_set *into, engine_returning *r,
                                  const sqlvalue *values, sqlvalue *row)
{
    const engine_object *table = into->table;
    for (size_t i = 0; i < table->column_count; i++)
        row[i] = sqlvalue_null(table->columns[i].type);
    for (size_t i = 0; i < r->query->item_count; i++) {
        size_t place = r->into_places[i];
        ES_TRY(engine_change_value(into, &table->columns[place], &values[i], &row[place]));
    }
    return engine_change_insert(into, row, NULL);
}

static void free_row(sqlvalue *row, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sqlvalue_done(&row[i]);
    es_free(row);
}

static entrasql_status store(engine_change_set *c, engine_returning *r)
{
    ES_CLEANUP(engine_change_done) engine_change_set into = {0};
    ES_TRY(engine_change_bind(&into, c->b, "INSERT", r->into, r->into_name));
    ES_TRY(engine_change_open(&into));
    sqlvalue *row = es_calloc(r->into->column_count + 1, sizeof *row);
    if (row == NULL)
        return es_nomem(c->b->err);
    entrasql_status status = ENTRASQL_OK;
    for (size_t i = 0; i < r->rows.count && status == ENTRASQL_OK; i++) {
        status = insert_one(&into, r, engine_row_set_at(&r->rows, i), row);
        for (size_t k = 0; k < r->into->column_count; k++)
            sqlvalue_done(&row[k]);
    }
    free_row(row, r->into->column_count);
    return status;
}

static entrasql_status send(engine_returning *r, engine_run *run)
{
    ES_TRY(engine_run_columns(run, r->query->columns, r->query->column_count));
    for (size_t i = 0; i < r->rows.count; i++)
        ES_TRY(engine_output_row(run->s, engine_row_set_at(&r->rows, i), r->rows.width));
    return ENTRASQL_OK;
}

entrasql_status engine_change_finish(engine_change_set *c, engine_run *run)
{
    for (size_t i = 0; i < c->returning_count; i++) {
        engine_returning *r = &c->returning[i];
        ES_TRY(r->into != NULL ? store(c, r) : send(r, run));
    }
    return ENTRASQL_OK;
}

entrasql_status engine_change_columns(engine_change_set *c, engine_run *run)
{
    for (size_t i = 0; i < c->returning_count; i++) {
        const engine_query *q = c->returning[i].query;
        if (c->returning[i].into == NULL)
            ES_TRY(engine_run_columns(run, q->columns, q->column_count));
    }
    return ENTRASQL_OK;
}
