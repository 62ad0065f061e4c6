/* SPDX-License-Identifier: MIT */
/* Aggregates and window functions. */
#include "engine/bind.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>

typedef enum shape {
    SHAPE_COUNT,
    SHAPE_SUM,
    SHAPE_AVG,
    SHAPE_EXTREME,
    SHAPE_SPREAD, /* STDEV and kin: float */
    SHAPE_STRINGS,
    SHAPE_RANK, /* ROW_NUMBER and kin: bigint, no argument */
    SHAPE_PART, /* PERCENT_RANK, CUME_DIST: float, no argument */
    SHAPE_NTILE,
    SHAPE_SHIFT, /* LAG, LEAD */
    SHAPE_EDGE   /* FIRST_VALUE, LAST_VALUE */
} shape;

static const struct aggregate {
    const char *name;
    shape kind;
    const char *sqlite;
} aggregates[] = {
    {"COUNT", SHAPE_COUNT, "count"},
    {"COUNT_BIG", SHAPE_COUNT, "count"},
    {"SUM", SHAPE_SUM, NULL},
    {"AVG", SHAPE_AVG, NULL},
    {"MIN", SHAPE_EXTREME, "min"},
    {"MAX", SHAPE_EXTREME, "max"},
    {"STDEV", SHAPE_SPREAD, "es_stdev"},
    {"STDEVP", SHAPE_SPREAD, "es_stdevp"},
    {"VAR", SHAPE_SPREAD, "es_var"},
    {"VARP", SHAPE_SPREAD, "es_varp"},
    {"STRING_AGG", SHAPE_STRINGS, "es_string_agg"},
    {"ROW_NUMBER", SHAPE_RANK, "row_number"},
    {"RANK", SHAPE_RANK, "rank"},
    {"DENSE_RANK", SHAPE_RANK, "dense_rank"},
    {"PERCENT_RANK", SHAPE_PART, "percent_rank"},
    {"CUME_DIST", SHAPE_PART, "cume_dist"},
    {"NTILE", SHAPE_NTILE, "ntile"},
    {"LAG", SHAPE_SHIFT, "lag"},
    {"LEAD", SHAPE_SHIFT, "lead"},
    {"FIRST_VALUE", SHAPE_EDGE, "first_value"},
    {"LAST_VALUE", SHAPE_EDGE, "last_value"},
};

static const struct aggregate *find(const tsql_call *call)
{
    for (size_t i = 0; i < ES_COUNT_OF(aggregates); i++) {
        if (call->name.schema.text == NULL &&
            es_strcaseeq(aggregates[i].name, call->name.name.text))
            return &aggregates[i];
    }
    return NULL;
}

static bool is_window_only(shape kind)
{
    return kind == SHAPE_RANK || kind == SHAPE_PART || kind == SHAPE_NTILE || kind == SHAPE_SHIFT ||
           kind == SHAPE_EDGE;
}

static entrasql_status bad_operand(engine_binder *b, const char *name, sqltype type)
{
    char lower[32];
    size_t n = 0;
    for (; name[n] != '\0' && n + 1 < sizeof lower; n++)
        lower[n] = es_ascii_lower(name[n]);
    lower[n] = '\0';
    return engine_error(b->err, 8117, 1, "Operand data type %s is invalid for %s operator.",
                        sqltype_name(type.id), lower);
}

/* SUM and AVG: small integers as int, decimals with 38 digits. */
static entrasql_status type_sum(engine_binder *b, const char *name, bool is_avg, engine_node *node)
{
    static const char *const avg_decimal[] = {"es_avg_d0", "es_avg_d1", "es_avg_d2", "es_avg_d3",
                                              "es_avg_d4", "es_avg_d5", "es_avg_d6"};
    sqltype type = node->args[0]->type;
    if (type.id == SQLTYPE_UNKNOWN)
        return bad_operand(b, name, type);
    switch ((int)type.id) {
    case SQLTYPE_TINYINT:
    case SQLTYPE_SMALLINT:
    case SQLTYPE_INT:
        node->type = sqltype_of(SQLTYPE_INT);
        node->name = is_avg ? "es_avg_int" : "es_sum_int";
        return ENTRASQL_OK;
    case SQLTYPE_BIGINT:
        node->type = type;
        node->name = is_avg ? "es_avg_big" : "es_sum_big";
        return ENTRASQL_OK;
    case SQLTYPE_MONEY:
    case SQLTYPE_SMALLMONEY:
        node->type = sqltype_of(SQLTYPE_MONEY);
        node->name = is_avg ? "es_avg_big" : "es_sum_big";
        return ENTRASQL_OK;
    case SQLTYPE_REAL:
    case SQLTYPE_FLOAT:
        node->type = sqltype_of(SQLTYPE_FLOAT);
        node->name = is_avg ? "es_avg_float" : "es_sum_float";
        return ENTRASQL_OK;
    case SQLTYPE_DECIMAL:
    case SQLTYPE_NUMERIC:
        node->type = type;
        node->type.precision = 38;
        if (is_avg && type.scale < 6)
            node->type.scale = 6;
        node->name = is_avg ? avg_decimal[node->type.scale - type.scale] : "es_sum_decimal";
        return ENTRASQL_OK;
    default:
        return bad_operand(b, name, type);
    }
}

static entrasql_status type_strings(engine_binder *b, engine_node *node)
{
    sqltype type = node->args[0]->type;
    if (!sqltype_is_string(type.id)) {
        type = sqltype_string(SQLTYPE_NVARCHAR, 4000);
        ES_TRY(engine_bind_cast(b, &node->args[0], type, ENGINE_CAST_IMPLICIT, NULL));
    }
    if (!sqltype_is_string(node->args[1]->type.id))
        ES_TRY(engine_bind_cast(b, &node->args[1], sqltype_string(SQLTYPE_NVARCHAR, 4000),
                                ENGINE_CAST_IMPLICIT, NULL));
    bool unicode = sqltype_is_unicode(type.id);
    node->type =
        sqltype_is_large(type)
            ? sqltype_string(unicode ? SQLTYPE_NVARCHAR : SQLTYPE_VARCHAR, SQLTYPE_MAX)
            : sqltype_string(unicode ? SQLTYPE_NVARCHAR : SQLTYPE_VARCHAR, unicode ? 4000 : 8000);
    return ENTRASQL_OK;
}

static entrasql_status type_shift(engine_binder *b, engine_node *node)
{
    node->type = node->args[0]->type;
    if (node->arg_count > 1)
        ES_TRY(engine_bind_cast(b, &node->args[1], sqltype_of(SQLTYPE_BIGINT), ENGINE_CAST_IMPLICIT,
                                NULL));
    if (node->arg_count > 2)
        ES_TRY(engine_bind_cast(b, &node->args[2], node->type, ENGINE_CAST_IMPLICIT, NULL));
    return ENTRASQL_OK;
}

static entrasql_status type_of(engine_binder *b, const struct aggregate *a, engine_node *node)
{
    node->nullable = true;
    node->name = a->sqlite;
    switch (a->kind) {
    case SHAPE_COUNT:
        node->type = sqltype_of(es_streq(a->name, "COUNT") ? SQLTYPE_INT : SQLTYPE_BIGINT);
        /* SQL Server says that COUNT may be NULL, and so do its drivers' expectations. */
        return ENTRASQL_OK;
    case SHAPE_SUM:
    case SHAPE_AVG:
        return type_sum(b, a->name, a->kind == SHAPE_AVG, node);
    case SHAPE_EXTREME:
    case SHAPE_EDGE:
        node->type = node->args[0]->type;
        if (node->type.id == SQLTYPE_BIT && a->kind == SHAPE_EXTREME)
            return bad_operand(b, a->name, node->type);
        return ENTRASQL_OK;
    case SHAPE_SPREAD:
        node->type = sqltype_of(SQLTYPE_FLOAT);
        return engine_bind_cast(b, &node->args[0], node->type, ENGINE_CAST_IMPLICIT, NULL);
    case SHAPE_STRINGS:
        return type_strings(b, node);
    case SHAPE_RANK:
        node->nullable = false;
        node->type = sqltype_of(SQLTYPE_BIGINT);
        return ENTRASQL_OK;
    case SHAPE_PART:
        node->nullable = false;
        node->type = sqltype_of(SQLTYPE_FLOAT);
        return ENTRASQL_OK;
    case SHAPE_NTILE:
        node->type = sqltype_of(SQLTYPE_BIGINT);
        return engine_bind_cast(b, &node->args[0], node->type, ENGINE_CAST_IMPLICIT, NULL);
    case SHAPE_SHIFT:
        return type_shift(b, node);
    }
    return ENTRASQL_OK;
}

static entrasql_status check_arity(engine_binder *b, const struct aggregate *a,
                                   const tsql_call *call)
{
    size_t least = a->kind == SHAPE_RANK || a->kind == SHAPE_PART ? 0
                   : a->kind == SHAPE_STRINGS                     ? 2
                                                                  : 1;
    size_t most = a->kind == SHAPE_SHIFT ? 3 : least;
    if (call->star && a->kind == SHAPE_COUNT)
        return ENTRASQL_OK;
    if (!call->star && call->args.count >= least && call->args.count <= most)
        return ENTRASQL_OK;
    return engine_error(b->err, 174, 1, "The %s function requires %zu argument(s).", a->name,
                        least);
}

/* ---- OVER ---- */

static entrasql_status bind_bound(engine_binder *b, const tsql_bound *bound, engine_node **ret)
{
    if (bound->rows == NULL)
        return ENTRASQL_OK;
    ES_TRY(engine_bind_expr(b, bound->rows, ret));
    return engine_bind_cast(b, ret, sqltype_of(SQLTYPE_BIGINT), ENGINE_CAST_IMPLICIT, NULL);
}

static entrasql_status bind_over(engine_binder *b, const tsql_over *over, engine_window **ret)
{
    engine_window *w = engine_bind_alloc(b, sizeof *w);
    if (w == NULL)
        return es_nomem(b->err);
    w->partition = engine_bind_alloc(b, (over->partition.count + 1) * sizeof *w->partition);
    w->order = engine_bind_alloc(b, (over->order.count + 1) * sizeof *w->order);
    if (w->partition == NULL || w->order == NULL)
        return es_nomem(b->err);
    for (size_t i = 0; i < over->partition.count; i++)
        ES_TRY(engine_bind_expr(b, over->partition.items[i], &w->partition[w->partition_count++]));
    for (size_t i = 0; i < over->order.count; i++) {
        engine_order *o = &w->order[w->order_count++];
        ES_TRY(engine_bind_expr(b, over->order.items[i].expr, &o->node));
        o->descending = over->order.items[i].descending;
    }
    w->unit = over->frame;
    w->from = over->from.kind;
    w->to = over->to.kind;
    ES_TRY(bind_bound(b, &over->from, &w->from_rows));
    ES_TRY(bind_bound(b, &over->to, &w->to_rows));
    *ret = w;
    return ENTRASQL_OK;
}

/* ---- the call ---- */

static entrasql_status check_place(engine_binder *b, const struct aggregate *a,
                                   const tsql_call *call)
{
    if (call->over != NULL) {
        if (b->windows_allowed)
            return ENTRASQL_OK;
        return engine_error(
            b->err, 4108, 1,
            "Windowed functions can only appear in the SELECT or ORDER BY clauses.");
    }
    if (is_window_only(a->kind))
        return engine_error(b->err, 10753, 1, "The function '%s' must have an OVER clause.",
                            a->name);
    if (b->in_aggregate)
        return engine_error(b->err, 130, 1,
                            "Cannot perform an aggregate function on an expression containing an "
                            "aggregate or a subquery.");
    if (!b->aggregates_allowed)
        return engine_error(b->err, 147, 1,
                            "An aggregate may not appear in the WHERE clause unless it is in a "
                            "subquery contained in a HAVING clause or a select list, and the "
                            "column being aggregated is an outer reference.");
    b->saw_aggregate = true;
    return ENTRASQL_OK;
}

static entrasql_status bind_args(engine_binder *b, const tsql_call *call, engine_node *node)
{
    bool was_inside = b->in_aggregate;
    b->in_aggregate = call->over == NULL || was_inside;
    for (size_t i = 0; i < node->arg_count; i++) {
        entrasql_status status = engine_bind_expr(b, call->args.items[i], &node->args[i]);
        if (status != ENTRASQL_OK) {
            b->in_aggregate = was_inside;
            return status;
        }
    }
    b->in_aggregate = was_inside;
    return ENTRASQL_OK;
}

static entrasql_status bind_within_group(engine_binder *b, const tsql_order *order,
                                         engine_node *node)
{
    bool was_inside = b->in_aggregate;
    node->order = engine_bind_alloc(b, order->count * sizeof *node->order);
    if (node->order == NULL)
        return es_nomem(b->err);
    b->in_aggregate = true;
    for (size_t i = 0; i < order->count; i++) {
        entrasql_status status =
            engine_bind_expr(b, order->items[i].expr, &node->order[node->order_count].node);
        if (status != ENTRASQL_OK) {
            b->in_aggregate = was_inside;
            return status;
        }
        node->order[node->order_count++].descending = order->items[i].descending;
    }
    b->in_aggregate = was_inside;
    node->name = "es_string_agg_by";
    return ENTRASQL_OK;
}

entrasql_status engine_bind_aggregate(engine_binder *b, const tsql_call *call, bool *ret_is,
                                      engine_node **ret)
{
    const struct aggregate *a = find(call);
    *ret_is = a != NULL;
    if (a == NULL)
        return ENTRASQL_OK;
    if (call->ignore_nulls)
        return engine_unsupported(b->err, "IGNORE NULLS");
    if (call->within_group.count != 0 && a->kind != SHAPE_STRINGS)
        return engine_error(b->err, 10757, 1,
                            "The function '%s' may not have a WITHIN GROUP clause.", a->name);
    ES_TRY(check_arity(b, a, call));
    ES_TRY(check_place(b, a, call));
    engine_node *node = engine_node_list(b, ENGINE_NODE_AGGREGATE, call->args.count);
    if (node == NULL)
        return es_nomem(b->err);
    ES_TRY(bind_args(b, call, node));
    node->distinct = call->distinct;
    ES_TRY(type_of(b, a, node));
    bool ranks = is_window_only(a->kind) && call->over->order.count == 0;
    if (ranks)
        return engine_error(b->err, 4112, 1,
                            "The function '%s' must have an OVER clause with ORDER BY.", a->name);
    if (call->within_group.count != 0)
        ES_TRY(bind_within_group(b, &call->within_group, node));
    if (call->over != NULL)
        ES_TRY(bind_over(b, call->over, &node->window));
    *ret = node;
    return ENTRASQL_OK;
}
