/* SPDX-License-Identifier: MIT */
/* Comparing and walking bound trees. */
#include "engine/bound.h"

#include "base/str.h"

#include <string.h>

/* ---- equality ---- */

static bool equal_values(const sqlvalue *a, const sqlvalue *b)
{
    if (!sqltype_equal(a->type, b->type) || a->is_null != b->is_null)
        return false;
    if (a->is_null)
        return true;
    if (sqltype_is_string(a->type.id) ||
        (sqltype_is_binary(a->type.id) && a->type.id != SQLTYPE_ROWVERSION))
        return a->u.s.len == b->u.s.len && memcmp(a->u.s.data, b->u.s.data, a->u.s.len) == 0;
    return sqlvalue_compare(a, b) == 0;
}

bool engine_node_equal(const engine_node *a, const engine_node *b)
{
    if (a->kind != b->kind || a->arg_count != b->arg_count || a->negated != b->negated ||
        a->op != b->op || a->index != b->index || a->source != b->source ||
        a->builtin != b->builtin || a->distinct != b->distinct || a->query != b->query ||
        a->window != b->window || !es_streq(a->name, b->name) ||
        !es_streq(a->collation, b->collation) || !sqltype_equal(a->type, b->type))
        return false;
    if (a->kind == ENGINE_NODE_CONST && !equal_values(&a->value, &b->value))
        return false;
    for (size_t i = 0; i < a->arg_count; i++) {
        if (!engine_node_equal(a->args[i], b->args[i]))
            return false;
    }
    if (a->order_count != b->order_count)
        return false;
    for (size_t i = 0; i < a->order_count; i++) {
        if (a->order[i].descending != b->order[i].descending ||
            !engine_node_equal(a->order[i].node, b->order[i].node))
            return false;
    }
    return true;
}

bool engine_query_is_single(const engine_query *q)
{
    if (q->json != NULL)
        return true;
    if (q->is_set)
        return false;
    if (q->from == NULL || (q->grouped && q->group_count == 0))
        return true;
    return q->top != NULL && q->top->kind == ENGINE_NODE_CONST && !q->percent && !q->with_ties &&
           q->top->value.u.i <= 1;
}

/* ---- walking ---- */

void engine_node_walk(engine_node *node, engine_visit *visit, void *ctx)
{
    if (node == NULL || !visit(ctx, node))
        return;
    for (size_t i = 0; i < node->arg_count; i++)
        engine_node_walk(node->args[i], visit, ctx);
    if (node->query != NULL)
        engine_query_walk(node->query, visit, ctx);
    for (size_t i = 0; i < node->order_count; i++)
        engine_node_walk(node->order[i].node, visit, ctx);
    if (node->window == NULL)
        return;
    for (size_t i = 0; i < node->window->partition_count; i++)
        engine_node_walk(node->window->partition[i], visit, ctx);
    for (size_t i = 0; i < node->window->order_count; i++)
        engine_node_walk(node->window->order[i].node, visit, ctx);
}

static void walk_source(engine_source *source, engine_visit *visit, void *ctx)
{
    if (source == NULL)
        return;
    if (source->kind == ENGINE_SOURCE_JOIN) {
        walk_source(source->left, visit, ctx);
        walk_source(source->right, visit, ctx);
        engine_node_walk(source->on, visit, ctx);
    }
    if (source->query != NULL)
        engine_query_walk(source->query, visit, ctx);
    for (size_t i = 0; i < source->member_count; i++)
        engine_query_walk(source->members[i], visit, ctx);
    for (size_t i = 0; i < source->arg_count; i++)
        engine_node_walk(source->args[i], visit, ctx);
    for (size_t i = 0; i < source->row_count; i++) {
        for (size_t k = 0; k < source->column_count; k++)
            engine_node_walk(source->rows[i][k], visit, ctx);
    }
}

void engine_query_walk(engine_query *q, engine_visit *visit, void *ctx)
{
    if (q->is_set) {
        engine_query_walk(q->left, visit, ctx);
        engine_query_walk(q->right, visit, ctx);
    }
    for (size_t i = 0; i < q->item_count; i++)
        engine_node_walk(q->items[i].node, visit, ctx);
    walk_source(q->from, visit, ctx);
    engine_node_walk(q->where, visit, ctx);
    for (size_t i = 0; i < q->group_count; i++)
        engine_node_walk(q->group_by[i], visit, ctx);
    engine_node_walk(q->having, visit, ctx);
    for (size_t i = 0; i < q->order_count; i++)
        engine_node_walk(q->order[i].node, visit, ctx);
    engine_node_walk(q->top, visit, ctx);
    engine_node_walk(q->offset, visit, ctx);
    engine_node_walk(q->fetch, visit, ctx);
}
