/* SPDX-License-Identifier: MIT */
/* Conditions. */
#include "engine/bind.h"

#include "base/mem.h"

#include <string.h>

static entrasql_status bind_two(engine_binder *b, const tsql_cond *c, engine_node_kind kind,
                                engine_node **ret)
{
    engine_node *node = engine_node_list(b, kind, kind == ENGINE_NODE_NOT ? 1 : 2);
    if (node == NULL)
        return es_nomem(b->err);
    ES_TRY(engine_bind_cond(b, c->a, &node->args[0]));
    if (kind != ENGINE_NODE_NOT)
        ES_TRY(engine_bind_cond(b, c->b, &node->args[1]));
    *ret = node;
    return ENTRASQL_OK;
}

static entrasql_status negate(engine_binder *b, bool negated, engine_node *inner, engine_node **ret)
{
    if (!negated) {
        *ret = inner;
        return ENTRASQL_OK;
    }
    engine_node *node = engine_node_list(b, ENGINE_NODE_NOT, 1);
    if (node == NULL)
        return es_nomem(b->err);
    node->args[0] = inner;
    *ret = node;
    return ENTRASQL_OK;
}

static entrasql_status bind_compare(engine_binder *b, const tsql_cond *c, engine_node **ret)
{
    engine_node *left;
    engine_node *right;
    ES_TRY(engine_bind_expr(b, c->left, &left));
    ES_TRY(engine_bind_expr(b, c->right, &right));
    return engine_bind_compare(b, c->op, left, right, ret);
}

static entrasql_status bind_is_null(engine_binder *b, const tsql_cond *c, engine_node **ret)
{
    engine_node *node = engine_node_list(b, ENGINE_NODE_IS_NULL, 1);
    if (node == NULL)
        return es_nomem(b->err);
    ES_TRY(engine_bind_expr(b, c->left, &node->args[0]));
    node->negated = c->negated;
    *ret = node;
    return ENTRASQL_OK;
}

static entrasql_status bind_distinct(engine_binder *b, const tsql_cond *c, engine_node **ret)
{
    engine_node *node = engine_node_list(b, ENGINE_NODE_DISTINCT, 2);
    if (node == NULL)
        return es_nomem(b->err);
    ES_TRY(engine_bind_expr(b, c->left, &node->args[0]));
    ES_TRY(engine_bind_expr(b, c->right, &node->args[1]));
    ES_TRY(engine_bind_pair(b, &node->args[0], &node->args[1], "is distinct from"));
    node->negated = c->negated;
    *ret = node;
    return ENTRASQL_OK;
}

/* x IN (a, b): all values in the common type. */
static entrasql_status bind_in_list(engine_binder *b, const tsql_cond *c, engine_node **ret)
{
    engine_node *node = engine_node_list(b, ENGINE_NODE_IN_LIST, c->list.count + 1);
    if (node == NULL)
        return es_nomem(b->err);
    engine_node *left;
    ES_TRY(engine_bind_expr(b, c->left, &left));
    sqltype type = left->type;
    for (size_t i = 0; i < c->list.count; i++) {
        ES_TRY(engine_bind_expr(b, c->list.items[i], &node->args[i + 1]));
        type = sqltype_common(type, node->args[i + 1]->type);
    }
    node->args[0] = left;
    node->negated = c->negated;
    for (size_t i = 0; i <= c->list.count; i++) {
        engine_node *one = node->args[i];
        bool as_is = sqltype_is_string(one->type.id) && sqltype_is_string(type.id);
        if (!as_is && type.id != SQLTYPE_UNKNOWN)
            ES_TRY(engine_bind_cast(b, &node->args[i], type, ENGINE_CAST_IMPLICIT, NULL));
    }
    *ret = node;
    return ENTRASQL_OK;
}

/* The left side and the only column of the query, brought together. */
static entrasql_status bind_against_query(engine_binder *b, const tsql_cond *c, engine_node *node)
{
    ES_TRY(engine_bind_expr(b, c->left, &node->args[0]));
    ES_TRY(engine_bind_query(b, c->query, &node->query));
    if (node->query->column_count != 1)
        return engine_error(b->err, 116, 1,
                            "Only one expression can be specified in the select list when the "
                            "subquery is not introduced with EXISTS.");
    sqltype left = node->args[0]->type;
    sqltype right = node->query->columns[0].type;
    if (sqltype_equal(left, right) || (sqltype_is_string(left.id) && sqltype_is_string(right.id)) ||
        (sqltype_is_integer(left.id) && sqltype_is_integer(right.id)))
        return ENTRASQL_OK;
    sqltype common = sqltype_common(left, right);
    if (common.id == SQLTYPE_UNKNOWN)
        return ENTRASQL_OK;
    ES_TRY(engine_bind_cast(b, &node->args[0], common, ENGINE_CAST_IMPLICIT, NULL));
    return engine_bind_query_type(b, node->query, 0, common);
}

static entrasql_status bind_in_query(engine_binder *b, const tsql_cond *c, engine_node_kind kind,
                                     engine_node **ret)
{
    engine_node *node = engine_node_list(b, kind, 1);
    if (node == NULL)
        return es_nomem(b->err);
    ES_TRY(bind_against_query(b, c, node));
    node->op = c->op;
    node->negated = c->negated;
    node->all = c->all;
    node->index = b->next_source++; /* a number for the query as a source of its own */
    *ret = node;
    return ENTRASQL_OK;
}

static entrasql_status bind_between(engine_binder *b, const tsql_cond *c, engine_node **ret)
{
    engine_node *left;
    engine_node *again;
    engine_node *low;
    engine_node *high;
    engine_node *both = engine_node_list(b, ENGINE_NODE_AND, 2);
    if (both == NULL)
        return es_nomem(b->err);
    ES_TRY(engine_bind_expr(b, c->left, &left));
    ES_TRY(engine_bind_expr(b, c->left, &again));
    ES_TRY(engine_bind_expr(b, c->right, &low));
    ES_TRY(engine_bind_expr(b, c->high, &high));
    ES_TRY(engine_bind_compare(b, TSQL_OP_GE, left, low, &both->args[0]));
    ES_TRY(engine_bind_compare(b, TSQL_OP_LE, again, high, &both->args[1]));
    return negate(b, c->negated, both, ret);
}

static entrasql_status as_text(engine_binder *b, engine_node **node)
{
    sqltype_id id = (*node)->type.id;
    if (sqltype_is_string(id))
        return ENTRASQL_OK;
    return engine_bind_cast(b, node, sqltype_string(SQLTYPE_NVARCHAR, 4000), ENGINE_CAST_IMPLICIT,
                            NULL);
}

static entrasql_status bind_like(engine_binder *b, const tsql_cond *c, engine_node **ret)
{
    engine_node *args[3] = {NULL, NULL, NULL};
    size_t count = c->escape != NULL ? 3 : 2;
    engine_node *truth = engine_node_list(b, ENGINE_NODE_TRUTH, 1);
    if (truth == NULL)
        return es_nomem(b->err);
    ES_TRY(engine_bind_expr(b, c->left, &args[0]));
    ES_TRY(engine_bind_expr(b, c->right, &args[1]));
    if (c->escape != NULL)
        ES_TRY(engine_bind_expr(b, c->escape, &args[2]));
    for (size_t i = 0; i < count; i++)
        ES_TRY(as_text(b, &args[i]));
    ES_TRY(engine_node_call(b, "like", sqltype_of(SQLTYPE_BIT), args, count, &truth->args[0]));
    return negate(b, c->negated, truth, ret);
}

static entrasql_status bind_exists(engine_binder *b, const tsql_cond *c, engine_node **ret)
{
    engine_node *node = engine_node_new(b, ENGINE_NODE_EXISTS);
    if (node == NULL)
        return es_nomem(b->err);
    ES_TRY(engine_bind_query(b, c->query, &node->query));
    *ret = node;
    return ENTRASQL_OK;
}

entrasql_status engine_bind_cond(engine_binder *b, const tsql_cond *c, engine_node **ret)
{
    switch ((int)c->kind) {
    case TSQL_COND_AND:
        return bind_two(b, c, ENGINE_NODE_AND, ret);
    case TSQL_COND_OR:
        return bind_two(b, c, ENGINE_NODE_OR, ret);
    case TSQL_COND_NOT:
        return bind_two(b, c, ENGINE_NODE_NOT, ret);
    case TSQL_COND_COMPARE:
        return bind_compare(b, c, ret);
    case TSQL_COND_QUANTIFIED:
        return bind_in_query(b, c, ENGINE_NODE_QUANTIFIED, ret);
    case TSQL_COND_IS_NULL:
        return bind_is_null(b, c, ret);
    case TSQL_COND_DISTINCT:
        return bind_distinct(b, c, ret);
    case TSQL_COND_IN_LIST:
        return bind_in_list(b, c, ret);
    case TSQL_COND_IN_QUERY:
        return bind_in_query(b, c, ENGINE_NODE_IN_QUERY, ret);
    case TSQL_COND_BETWEEN:
        return bind_between(b, c, ret);
    case TSQL_COND_LIKE:
        return bind_like(b, c, ret);
    case TSQL_COND_EXISTS:
        return bind_exists(b, c, ret);
    default:
        return engine_unsupported(b->err, "UPDATE()");
    }
}

entrasql_status engine_bind_cond_text(engine_binder *b, const char *text, engine_node **ret)
{
    tsql_batch *batch = NULL;
    tsql_cond *c = NULL;
    ES_TRY(tsql_parse_cond(text, strlen(text), &batch, &c, b->err));
    b->stored_depth++;
    entrasql_status status = engine_bind_cond(b, c, ret);
    b->stored_depth--;
    tsql_batch_free(batch);
    return status;
}
