/* SPDX-License-Identifier: MIT */
/* SELECT and the set operators. */
#include "engine/bind.h"

#include "base/mem.h"
#include "base/str.h"
#include "sqltype/collation.h"

#include <string.h>

/* ---- output columns ---- */

entrasql_status engine_bind_columns(engine_binder *b, engine_query *q)
{
    q->columns = engine_bind_alloc(b, (q->item_count + 1) * sizeof *q->columns);
    if (q->columns == NULL)
        return es_nomem(b->err);
    q->column_count = q->item_count;
    for (size_t i = 0; i < q->item_count; i++) {
        const engine_node *node = q->items[i].node;
        engine_bound_column *column = &q->columns[i];
        *column = (engine_bound_column){
            .name = q->items[i].name,
            .type = node->type,
            .nullable = node->nullable,
            .computed = true,
        };
        if (node->kind != ENGINE_NODE_COLUMN || node->index == ENGINE_ROWID)
            continue;
        const engine_bound_column *from = &node->source->columns[node->index];
        column->nullable = from->nullable;
        column->identity = from->identity && !q->grouped && !q->distinct;
        column->computed = from->computed;
        column->column_id = from->column_id;
        column->table = from->table;
    }
    return ENTRASQL_OK;
}

entrasql_status engine_bind_query_type(engine_binder *b, engine_query *q, size_t column,
                                       sqltype type)
{
    if (q->is_set) {
        ES_TRY(engine_bind_query_type(b, q->left, column, type));
        ES_TRY(engine_bind_query_type(b, q->right, column, type));
    } else {
        ES_TRY(engine_bind_cast(b, &q->items[column].node, type, ENGINE_CAST_IMPLICIT, NULL));
    }
    q->columns[column].type = type;
    return ENTRASQL_OK;
}

/* ---- select list ---- */

static entrasql_status add_item(engine_binder *b, engine_query *q, engine_item item)
{
    engine_item *grown = engine_bind_room(b, q->items, q->item_count, sizeof *grown);
    if (grown == NULL)
        return es_nomem(b->err);
    q->items = grown;
    grown[q->item_count++] = item;
    return ENTRASQL_OK;
}

static entrasql_status add_columns(engine_binder *b, engine_query *q, const engine_source *source)
{
    for (size_t i = 0; i < source->column_count; i++) {
        if (source->object != NULL)
            ES_TRY(engine_bind_need(b, "SELECT", source->object, source->columns[i].column_id));
        engine_item item = {.node = engine_node_of(b, source, i), .name = source->columns[i].name};
        if (item.node == NULL)
            return es_nomem(b->err);
        ES_TRY(add_item(b, q, item));
    }
    return ENTRASQL_OK;
}

static entrasql_status bind_star(engine_binder *b, engine_query *q, const tsql_item *item)
{
    const char *prefix = item->object.name.text;
    bool found = false;
    if (b->scope->count == 0)
        return engine_error(b->err, 263, 1, "Must specify table to select from.");
    for (size_t i = 0; i < b->scope->count; i++) {
        const engine_source *source = b->scope->sources[i];
        if (prefix != NULL &&
            (source->alias == NULL || !sqlcollation_equal_names(source->alias, prefix)))
            continue;
        found = true;
        ES_TRY(add_columns(b, q, source));
    }
    if (found)
        return ENTRASQL_OK;
    return engine_error(b->err, 107, 1,
                        "The column prefix '%s' does not match with a table name or alias name "
                        "used in the query.",
                        prefix);
}

static const char *name_of(const tsql_item *item)
{
    if (item->alias.text != NULL)
        return item->alias.text;
    if (item->expr->kind == TSQL_EXPR_COLUMN)
        return item->expr->u.column->name.text;
    return "";
}

static entrasql_status bind_assign(engine_binder *b, engine_query *q, const tsql_item *item)
{
    engine_variable *v = engine_frame_variable(b->frame, item->variable);
    engine_node *value;
    if (v == NULL || v->table != NULL)
        return engine_error(b->err, 137, 1, "Must declare the scalar variable \"%s\".",
                            item->variable);
    ES_TRY(engine_bind_expr(b, item->expr, &value));
    if (item->assign_op != TSQL_OP_NONE) {
        engine_node *old = engine_node_new(b, ENGINE_NODE_VARIABLE);
        if (old == NULL)
            return es_nomem(b->err);
        old->index = (size_t)(v - b->frame->variables);
        old->type = v->type;
        old->nullable = true;
        ES_TRY(engine_bind_arith(b, item->assign_op, old, value, &value));
    }
    ES_TRY(engine_bind_cast(b, &value, v->type, ENGINE_CAST_IMPLICIT, NULL));
    return add_item(b, q, (engine_item){.node = value, .name = "", .variable = item->variable});
}

static entrasql_status bind_items(engine_binder *b, const tsql_items *items, engine_query *q)
{
    size_t assigned = 0;
    for (size_t i = 0; i < items->count; i++) {
        const tsql_item *item = &items->items[i];
        if (item->kind == TSQL_ITEM_STAR) {
            ES_TRY(bind_star(b, q, item));
        } else if (item->kind == TSQL_ITEM_ASSIGN) {
            ES_TRY(bind_assign(b, q, item));
            assigned++;
        } else {
            engine_item bound = {.name = name_of(item)};
            ES_TRY(engine_bind_expr(b, item->expr, &bound.node));
            ES_TRY(add_item(b, q, bound));
        }
    }
    if (assigned != 0 && assigned != items->count)
        return engine_error(b->err, 141, 1,
                            "A SELECT statement that assigns a value to a variable must not be "
                            "combined with data-retrieval operations.");
    if (q->item_count > 4096)
        return engine_error(b->err, 1056, 1,
                            "The number of elements in the select list exceeds the maximum allowed "
                            "number of 4096 elements.");
    return ENTRASQL_OK;
}

/* ---- GROUP BY ---- */

struct group_check {
    const engine_query *q;
    const engine_node *offender;
};

/* Looks for a column of this SELECT outside of aggregates and GROUP BY expressions. */
static bool visit_grouped(void *ctx, engine_node *node)
{
    struct group_check *check = ctx;
    if (check->offender != NULL)
        return false;
    for (size_t i = 0; i < check->q->group_count; i++) {
        if (engine_node_equal(node, check->q->group_by[i]))
            return false;
    }
    if (node->kind == ENGINE_NODE_AGGREGATE && node->window == NULL)
        return false;
    if (node->kind == ENGINE_NODE_COLUMN && node->source->number >= check->q->first_source &&
        node->source->number < check->q->end_source)
        check->offender = node;
    return true;
}

static entrasql_status check_one(engine_binder *b, const engine_query *q, engine_node *node,
                                 const char *where)
{
    struct group_check check = {.q = q};
    engine_node_walk(node, visit_grouped, &check);
    if (check.offender == NULL)
        return ENTRASQL_OK;
    const engine_source *source = check.offender->source;
    const char *column = source->columns[check.offender->index].name;
    const char *alias = source->alias != NULL ? source->alias : "";
    return engine_error(b->err, strcmp(where, "select list") == 0 ? 8120 : 8121, 1,
                        "Column '%s.%s' is invalid in the %s because it is not contained in either "
                        "an aggregate function or the GROUP BY clause.",
                        alias, column, where);
}

static entrasql_status check_grouped(engine_binder *b, const engine_query *q)
{
    if (!q->grouped)
        return ENTRASQL_OK;
    for (size_t i = 0; i < q->item_count; i++)
        ES_TRY(check_one(b, q, q->items[i].node, "select list"));
    if (q->having != NULL)
        ES_TRY(check_one(b, q, q->having, "HAVING clause"));
    for (size_t i = 0; i < q->order_count; i++)
        ES_TRY(check_one(b, q, q->order[i].node, "ORDER BY clause"));
    return ENTRASQL_OK;
}

static entrasql_status bind_group_by(engine_binder *b, const tsql_exprs *list, engine_query *q)
{
    q->group_by = engine_bind_alloc(b, (list->count + 1) * sizeof(engine_node *));
    if (q->group_by == NULL)
        return es_nomem(b->err);
    for (size_t i = 0; i < list->count; i++) {
        engine_node *node;
        ES_TRY(engine_bind_expr(b, list->items[i], &node));
        if (node->kind == ENGINE_NODE_CONST)
            return engine_error(b->err, 164, 1,
                                "Each GROUP BY expression must contain at least one column that is "
                                "not an outer reference.");
        q->group_by[q->group_count++] = node;
    }
    return ENTRASQL_OK;
}

/* ---- ORDER BY, TOP, OFFSET ---- */

static bool is_bare(const tsql_expr *e)
{
    return e->kind == TSQL_EXPR_COLUMN && e->u.column->object.name.text == NULL;
}

/* The item that an ORDER BY term names by its place or alias; count: none. */
static entrasql_status find_item(engine_binder *b, const tsql_expr *e, size_t count,
                                 const char *(*name_at)(const engine_query *q, size_t i),
                                 const engine_query *q, size_t *ret)
{
    *ret = count;
    if (e->kind == TSQL_EXPR_INTEGER) {
        uint64_t place = 0;
        if (es_parse_u64(e->text, strlen(e->text), count, &place) != ENTRASQL_OK || place == 0)
            return engine_error(b->err, 108, 1,
                                "The ORDER BY position number %s is out of range of the number of "
                                "items in the select list.",
                                e->text);
        *ret = (size_t)place - 1;
        return ENTRASQL_OK;
    }
    for (size_t i = 0; i < count && is_bare(e); i++) {
        if (sqlcollation_equal_names(name_at(q, i), e->u.column->name.text)) {
            *ret = i;
            break;
        }
    }
    return ENTRASQL_OK;
}

static const char *item_name(const engine_query *q, size_t i)
{
    return q->items[i].name;
}

static const char *column_name(const engine_query *q, size_t i)
{
    return q->columns[i].name;
}

static entrasql_status order_node(engine_binder *b, engine_query *q, const tsql_expr *e,
                                  engine_node **ret)
{
    size_t at;
    ES_TRY(find_item(b, e, q->item_count, item_name, q, &at));
    if (at < q->item_count) {
        *ret = q->items[at].node;
        return ENTRASQL_OK;
    }
    ES_TRY(engine_bind_expr(b, e, ret));
    if ((*ret)->kind == ENGINE_NODE_CONST)
        return engine_error(b->err, 408, 1,
                            "A constant expression was encountered in the ORDER BY list, position "
                            "%zu.",
                            q->order_count + 1);
    if (!q->distinct)
        return ENTRASQL_OK;
    for (size_t i = 0; i < q->item_count; i++) {
        if (engine_node_equal(q->items[i].node, *ret))
            return ENTRASQL_OK;
    }
    return engine_error(b->err, 145, 1,
                        "ORDER BY items must appear in the select list if SELECT DISTINCT is "
                        "specified.");
}

static entrasql_status bind_order(engine_binder *b, const tsql_order *order, engine_query *q)
{
    q->order = engine_bind_alloc(b, (order->count + 1) * sizeof *q->order);
    if (q->order == NULL)
        return es_nomem(b->err);
    for (size_t i = 0; i < order->count; i++) {
        engine_order *o = &q->order[q->order_count];
        ES_TRY(order_node(b, q, order->items[i].expr, &o->node));
        o->descending = order->items[i].descending;
        q->order_count++;
    }
    return ENTRASQL_OK;
}

/* The number of rows of TOP, OFFSET and FETCH, checked when it runs. */
static entrasql_status bind_rows(engine_binder *b, const tsql_expr *e, const char *check,
                                 engine_node **ret)
{
    ES_TRY(engine_bind_expr(b, e, ret));
    ES_TRY(engine_bind_cast(b, ret, sqltype_of(SQLTYPE_BIGINT), ENGINE_CAST_IMPLICIT, NULL));
    engine_node *arg = *ret;
    return engine_node_call(b, check, sqltype_of(SQLTYPE_BIGINT), &arg, 1, ret);
}

static entrasql_status bind_limits(engine_binder *b, const tsql_query *from, engine_query *q)
{
    if (from->top != NULL) {
        q->percent = from->top->percent;
        q->with_ties = from->top->with_ties;
        if (q->with_ties && q->order_count == 0)
            return engine_error(b->err, 1062, 1,
                                "The TOP N WITH TIES clause is not allowed without a corresponding "
                                "ORDER BY clause.");
        if (q->with_ties && q->percent)
            return engine_unsupported(b->err, "TOP PERCENT WITH TIES");
        if (q->percent) {
            ES_TRY(engine_bind_expr(b, from->top->count, &q->top));
            ES_TRY(engine_bind_cast(b, &q->top, sqltype_of(SQLTYPE_FLOAT), ENGINE_CAST_IMPLICIT,
                                    NULL));
        } else {
            ES_TRY(bind_rows(b, from->top->count, "check_top", &q->top));
        }
    }
    if (from->offset != NULL)
        ES_TRY(bind_rows(b, from->offset, "check_offset", &q->offset));
    if (from->fetch != NULL)
        ES_TRY(bind_rows(b, from->fetch, "check_top", &q->fetch));
    return ENTRASQL_OK;
}

static entrasql_status check_nested(engine_binder *b, const tsql_query *q)
{
    if (q->for_clause != NULL && q->for_clause->kind != TSQL_FOR_JSON)
        return engine_unsupported(b->err,
                                  q->for_clause->kind == TSQL_FOR_XML ? "FOR XML" : "FOR BROWSE");
    if (b->depth > 1 && q->order_by.count != 0 && q->top == NULL && q->offset == NULL &&
        q->for_clause == NULL)
        return engine_error(b->err, 1033, 1,
                            "The ORDER BY clause is invalid in views, inline functions, derived "
                            "tables, subqueries, and common table expressions, unless TOP, OFFSET "
                            "or FOR XML is also specified.");
    return ENTRASQL_OK;
}

/* ---- one SELECT ---- */

static entrasql_status bind_parts(engine_binder *b, const tsql_query *from, engine_scope *scope,
                                  engine_query *q)
{
    q->first_source = b->next_source;
    if (from->from != NULL)
        ES_TRY(engine_bind_from(b, from->from, scope, &q->from));
    q->end_source = b->next_source;
    b->scope = scope;
    if (from->where != NULL)
        ES_TRY(engine_bind_cond(b, from->where, &q->where));
    ES_TRY(bind_group_by(b, &from->group_by, q));
    b->aggregates_allowed = true;
    b->windows_allowed = true;
    q->distinct = from->distinct;
    ES_TRY(bind_items(b, &from->items, q));
    b->windows_allowed = false;
    if (from->having != NULL)
        ES_TRY(engine_bind_cond(b, from->having, &q->having));
    b->windows_allowed = true;
    ES_TRY(bind_order(b, &from->order_by, q));
    b->windows_allowed = false;
    b->aggregates_allowed = false;
    q->grouped = q->group_count != 0 || q->having != NULL || b->saw_aggregate;
    ES_TRY(check_grouped(b, q));
    ES_TRY(bind_limits(b, from, q));
    q->outer_number = b->next_source++;
    return engine_bind_columns(b, q);
}

/* What a SELECT sets in the binder ends with it. */
static entrasql_status bind_select(engine_binder *b, const tsql_query *from, engine_query *q)
{
    engine_scope scope = {.outer = b->scope};
    engine_binder saved = *b;
    b->aggregates_allowed = false;
    b->windows_allowed = false;
    b->in_aggregate = false;
    b->saw_aggregate = false;
    entrasql_status status = bind_parts(b, from, &scope, q);
    b->scope = saved.scope;
    b->aggregates_allowed = saved.aggregates_allowed;
    b->windows_allowed = saved.windows_allowed;
    b->in_aggregate = saved.in_aggregate;
    b->saw_aggregate = saved.saw_aggregate;
    return status;
}

/* ---- set operators ---- */

static entrasql_status unify_columns(engine_binder *b, engine_query *q)
{
    if (q->left->column_count != q->right->column_count)
        return engine_error(b->err, 205, 1,
                            "All queries combined using a UNION, INTERSECT or EXCEPT operator must "
                            "have an equal number of expressions in their target lists.");
    q->column_count = q->left->column_count;
    q->columns = engine_bind_alloc(b, (q->column_count + 1) * sizeof *q->columns);
    if (q->columns == NULL)
        return es_nomem(b->err);
    for (size_t i = 0; i < q->column_count; i++) {
        sqltype type = sqltype_common(q->left->columns[i].type, q->right->columns[i].type);
        if (type.id == SQLTYPE_UNKNOWN)
            type = sqltype_of(SQLTYPE_INT);
        ES_TRY(engine_bind_query_type(b, q->left, i, type));
        ES_TRY(engine_bind_query_type(b, q->right, i, type));
        q->columns[i] = (engine_bound_column){
            .name = q->left->columns[i].name,
            .type = type,
            .nullable = q->left->columns[i].nullable || q->right->columns[i].nullable,
            .computed = true,
        };
    }
    return ENTRASQL_OK;
}

/* A column with its table's name: the item of the first SELECT that is written the same. */
static void find_written(const tsql_query *from, const tsql_expr *e, size_t count, size_t *ret)
{
    while (from->kind == TSQL_QUERY_SET_OP)
        from = from->left;
    if (e->kind != TSQL_EXPR_COLUMN || is_bare(e) || from->items.count != count)
        return;
    for (size_t i = 0; i < count; i++) {
        const tsql_expr *item = from->items.items[i].expr;
        if (item != NULL && item->kind == TSQL_EXPR_COLUMN && !is_bare(item) &&
            sqlcollation_equal_names(item->u.column->name.text, e->u.column->name.text) &&
            sqlcollation_equal_names(item->u.column->object.name.text,
                                     e->u.column->object.name.text)) {
            *ret = i;
            return;
        }
    }
}

static entrasql_status order_set(engine_binder *b, const tsql_query *from, engine_query *q)
{
    const tsql_order *order = &from->order_by;
    q->order = engine_bind_alloc(b, (order->count + 1) * sizeof *q->order);
    engine_source *source = engine_bind_alloc(b, sizeof *source);
    if (q->order == NULL || source == NULL)
        return es_nomem(b->err);
    source->kind = ENGINE_SOURCE_QUERY;
    source->number = q->outer_number;
    source->columns = q->columns;
    source->column_count = q->column_count;
    for (size_t i = 0; i < order->count; i++) {
        size_t at;
        ES_TRY(find_item(b, order->items[i].expr, q->column_count, column_name, q, &at));
        if (at == q->column_count)
            find_written(from, order->items[i].expr, q->column_count, &at);
        if (at == q->column_count)
            return engine_error(b->err, 104, 1,
                                "ORDER BY items must appear in the select list if the statement "
                                "contains a UNION, INTERSECT or EXCEPT operator.");
        engine_order *o = &q->order[q->order_count++];
        o->node = engine_node_of(b, source, at);
        o->descending = order->items[i].descending;
        if (o->node == NULL)
            return es_nomem(b->err);
    }
    return ENTRASQL_OK;
}

static entrasql_status bind_set(engine_binder *b, const tsql_query *from, engine_query *q)
{
    q->is_set = true;
    q->op = from->op;
    ES_TRY(engine_bind_query(b, from->left, &q->left));
    ES_TRY(engine_bind_query(b, from->right, &q->right));
    q->left_number = b->next_source++;
    q->right_number = b->next_source++;
    q->outer_number = b->next_source++;
    ES_TRY(unify_columns(b, q));
    ES_TRY(order_set(b, from, q));
    return bind_limits(b, from, q);
}

entrasql_status engine_bind_query(engine_binder *b, const tsql_query *from, engine_query **ret)
{
    engine_query *q = engine_bind_alloc(b, sizeof *q);
    if (q == NULL)
        return es_nomem(b->err);
    if (from->into != NULL && b->depth != 0)
        return engine_error(b->err, 156, 1, "Incorrect syntax near the keyword 'INTO'.");
    b->depth++;
    entrasql_status status = check_nested(b, from);
    if (status == ENTRASQL_OK)
        status = from->kind == TSQL_QUERY_SET_OP ? bind_set(b, from, q) : bind_select(b, from, q);
    if (status == ENTRASQL_OK && from->for_clause != NULL)
        status = engine_bind_for_json(b, from->for_clause, q);
    b->depth--;
    *ret = q;
    return status;
}

entrasql_status engine_bind_select(engine_binder *b, const tsql_select_stmt *select,
                                   engine_query **ret)
{
    b->option = &select->option;
    ES_TRY(engine_bind_with(b, &select->with));
    return engine_bind_query(b, select->query, ret);
}
