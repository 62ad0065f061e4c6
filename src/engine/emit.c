/* SPDX-License-Identifier: MIT */
/* SQL text of expressions and conditions. */
#include "engine/emit.h"

#include "base/mem.h"
#include "engine/emit_inner.h"
#include "engine/function.h"

#include <string.h>

enum { SQL_CEILING = 64 * 1024 * 1024 };

void engine_emitter_init(engine_emitter *e, engine_binder *b)
{
    *e = (engine_emitter){.b = b};
    es_buf_init(&e->sql, SQL_CEILING);
}

void engine_emitter_done(engine_emitter *e)
{
    es_buf_done(&e->sql);
}

entrasql_status engine_emit_text(engine_emitter *e, const char *text)
{
    return es_buf_add_str(&e->sql, text);
}

static entrasql_status emit_slot(engine_emitter *e, const engine_node *n)
{
    const engine_node **grown =
        engine_bind_room(e->b, e->slots, e->slot_count, sizeof(const engine_node *));
    if (grown == NULL)
        return ENTRASQL_NOMEM;
    e->slots = grown;
    grown[e->slot_count++] = n;
    return es_buf_printf(&e->sql, "?%zu", e->slot_count);
}

const char *engine_emit_collation(const engine_node *n)
{
    return n->collation != NULL ? n->collation : engine_store_collation(n->type);
}

entrasql_status engine_emit_collated(engine_emitter *e, const engine_node *n)
{
    const char *collation = engine_emit_collation(n);
    ES_TRY(engine_emit_node(e, n));
    return collation != NULL ? es_buf_printf(&e->sql, " COLLATE %s", collation) : ENTRASQL_OK;
}

static entrasql_status emit_const(engine_emitter *e, const engine_node *n)
{
    if (n->value.is_null)
        return engine_emit_text(e, "NULL");
    return emit_slot(e, n);
}

static entrasql_status emit_variable(engine_emitter *e, const engine_node *n)
{
    if (e->live_variables)
        return es_buf_printf(&e->sql, "es_variable(%zu)", n->index);
    return emit_slot(e, n);
}

static entrasql_status emit_column(engine_emitter *e, const engine_node *n)
{
    const engine_source *source = n->source;
    if (source->kind == ENGINE_SOURCE_ROW)
        return emit_slot(e, n);
    if (n->index == ENGINE_ROWID)
        return es_buf_printf(&e->sql, "s%u.rowid", source->number);
    return es_buf_printf(&e->sql, "s%u.c%zu", source->number,
                         engine_emit_column_number(source, n->index));
}

static entrasql_status emit_call(engine_emitter *e, const engine_node *n)
{
    bool is_volatile = (n->builtin->flags & ENGINE_VOLATILE) != 0;
    ES_TRY(es_buf_printf(&e->sql, "%s(%zu,%lld", is_volatile ? "es_v" : "es_f",
                         engine_builtin_number(n->builtin),
                         (long long)engine_type_encode(n->type)));
    for (size_t i = 0; i < n->arg_count; i++) {
        ES_TRY(es_buf_printf(&e->sql, ",%lld,", (long long)engine_type_encode(n->args[i]->type)));
        ES_TRY(engine_emit_node(e, n->args[i]));
    }
    return engine_emit_text(e, ")");
}

static entrasql_status emit_case(engine_emitter *e, const engine_node *n)
{
    ES_TRY(engine_emit_text(e, "CASE"));
    for (size_t i = 0; i + 1 < n->arg_count; i += 2) {
        ES_TRY(engine_emit_text(e, " WHEN "));
        ES_TRY(engine_emit_node(e, n->args[i]));
        ES_TRY(engine_emit_text(e, " THEN "));
        ES_TRY(engine_emit_node(e, n->args[i + 1]));
    }
    if (n->arg_count % 2 != 0) {
        ES_TRY(engine_emit_text(e, " ELSE "));
        ES_TRY(engine_emit_node(e, n->args[n->arg_count - 1]));
    }
    return engine_emit_text(e, " END");
}

static entrasql_status emit_args(engine_emitter *e, engine_node *const *args, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i != 0)
            ES_TRY(engine_emit_text(e, ","));
        ES_TRY(engine_emit_node(e, args[i]));
    }
    return ENTRASQL_OK;
}

static entrasql_status emit_subquery(engine_emitter *e, const engine_node *n)
{
    if (engine_query_is_single(n->query)) {
        ES_TRY(engine_emit_text(e, "("));
        ES_TRY(engine_emit_query(e, n->query));
        return engine_emit_text(e, ")");
    }
    /* SQLite would take the first row; more than one is error 512. */
    ES_TRY(engine_emit_text(e, "(SELECT es_one(c1) FROM ("));
    ES_TRY(engine_emit_query(e, n->query));
    return engine_emit_text(e, "))");
}

/* ---- aggregates and windows ---- */

static entrasql_status emit_bound(engine_emitter *e, tsql_bound_kind kind, const engine_node *rows)
{
    static const char *const words[] = {
        [TSQL_BOUND_UNBOUNDED_PRECEDING] = "UNBOUNDED PRECEDING",
        [TSQL_BOUND_PRECEDING] = " PRECEDING",
        [TSQL_BOUND_CURRENT_ROW] = "CURRENT ROW",
        [TSQL_BOUND_FOLLOWING] = " FOLLOWING",
        [TSQL_BOUND_UNBOUNDED_FOLLOWING] = "UNBOUNDED FOLLOWING",
    };
    if (rows != NULL)
        ES_TRY(engine_emit_node(e, rows));
    return engine_emit_text(e, words[kind]);
}

static entrasql_status emit_window(engine_emitter *e, const engine_window *w)
{
    ES_TRY(engine_emit_text(e, " OVER ("));
    for (size_t i = 0; i < w->partition_count; i++) {
        ES_TRY(engine_emit_text(e, i == 0 ? "PARTITION BY " : ","));
        ES_TRY(engine_emit_collated(e, w->partition[i]));
    }
    ES_TRY(engine_emit_order(e, w->order, w->order_count));
    if (w->unit != TSQL_FRAME_NONE) {
        ES_TRY(
            engine_emit_text(e, w->unit == TSQL_FRAME_ROWS ? " ROWS BETWEEN " : " RANGE BETWEEN "));
        ES_TRY(emit_bound(e, w->from, w->from_rows));
        ES_TRY(engine_emit_text(e, " AND "));
        ES_TRY(emit_bound(e, w->to, w->to_rows));
    }
    return engine_emit_text(e, ")");
}

/* The keys of WITHIN GROUP follow the arguments; a text tells how each one sorts. */
static entrasql_status emit_keys(engine_emitter *e, const engine_node *n)
{
    ES_TRY(engine_emit_text(e, ",'"));
    for (size_t i = 0; i < n->order_count; i++) {
        char letter[2] = {
            engine_aggregate_key(engine_emit_collation(n->order[i].node), n->order[i].descending),
            '\0'};
        ES_TRY(engine_emit_text(e, letter));
    }
    ES_TRY(engine_emit_text(e, "'"));
    for (size_t i = 0; i < n->order_count; i++) {
        ES_TRY(engine_emit_text(e, ","));
        ES_TRY(engine_emit_node(e, n->order[i].node));
    }
    return ENTRASQL_OK;
}

static entrasql_status emit_aggregate(engine_emitter *e, const engine_node *n)
{
    ES_TRY(es_buf_printf(&e->sql, "%s(%s", n->name, n->distinct ? "DISTINCT " : ""));
    if (n->arg_count == 0 && n->window == NULL)
        ES_TRY(engine_emit_text(e, "*"));
    for (size_t i = 0; i < n->arg_count; i++) {
        if (i != 0)
            ES_TRY(engine_emit_text(e, ","));
        ES_TRY(i == 0 ? engine_emit_collated(e, n->args[i]) : engine_emit_node(e, n->args[i]));
    }
    if (n->order_count != 0)
        ES_TRY(emit_keys(e, n));
    ES_TRY(engine_emit_text(e, ")"));
    return n->window != NULL ? emit_window(e, n->window) : ENTRASQL_OK;
}

/* ---- conditions ---- */

static const char *op_text(tsql_op op)
{
    switch ((int)op) {
    case TSQL_OP_EQ:
        return "=";
    case TSQL_OP_NE:
        return "<>";
    case TSQL_OP_LT:
        return "<";
    case TSQL_OP_LE:
        return "<=";
    case TSQL_OP_GT:
        return ">";
    default:
        return ">=";
    }
}

static entrasql_status emit_two(engine_emitter *e, const engine_node *left, const char *op,
                                const engine_node *right)
{
    const char *collation = left->collation != NULL    ? left->collation
                            : right->collation != NULL ? right->collation
                                                       : engine_emit_collation(left);
    if (collation == NULL)
        collation = engine_emit_collation(right);
    ES_TRY(engine_emit_text(e, "("));
    ES_TRY(engine_emit_node(e, left));
    if (collation != NULL)
        ES_TRY(es_buf_printf(&e->sql, " COLLATE %s", collation));
    ES_TRY(es_buf_printf(&e->sql, " %s ", op));
    ES_TRY(engine_emit_node(e, right));
    return engine_emit_text(e, ")");
}

static entrasql_status emit_logic(engine_emitter *e, const engine_node *n)
{
    if (n->kind == ENGINE_NODE_NOT) {
        ES_TRY(engine_emit_text(e, "(NOT "));
        ES_TRY(engine_emit_node(e, n->args[0]));
        return engine_emit_text(e, ")");
    }
    ES_TRY(engine_emit_text(e, "("));
    ES_TRY(engine_emit_node(e, n->args[0]));
    ES_TRY(engine_emit_text(e, n->kind == ENGINE_NODE_AND ? " AND " : " OR "));
    ES_TRY(engine_emit_node(e, n->args[1]));
    return engine_emit_text(e, ")");
}

static entrasql_status emit_is_null(engine_emitter *e, const engine_node *n)
{
    ES_TRY(engine_emit_text(e, "("));
    ES_TRY(engine_emit_node(e, n->args[0]));
    return engine_emit_text(e, n->negated ? " IS NOT NULL)" : " IS NULL)");
}

static entrasql_status emit_in(engine_emitter *e, const engine_node *n)
{
    ES_TRY(engine_emit_text(e, "("));
    ES_TRY(engine_emit_collated(e, n->args[0]));
    ES_TRY(engine_emit_text(e, n->negated ? " NOT IN (" : " IN ("));
    if (n->kind == ENGINE_NODE_IN_QUERY)
        ES_TRY(engine_emit_query(e, n->query));
    else
        ES_TRY(emit_args(e, n->args + 1, n->arg_count - 1));
    return engine_emit_text(e, "))");
}

/* What is unknown for a row of ALL's query makes the whole not true. */
static entrasql_status emit_quantified(engine_emitter *e, const engine_node *n)
{
    const char *collation = engine_emit_collation(n->args[0]);
    ES_TRY(engine_emit_text(e, n->all ? "(NOT EXISTS(SELECT 1 FROM (" : "(EXISTS(SELECT 1 FROM ("));
    ES_TRY(engine_emit_query(e, n->query));
    ES_TRY(es_buf_printf(&e->sql, ") AS s%zu WHERE (", n->index));
    ES_TRY(engine_emit_node(e, n->args[0]));
    if (collation != NULL)
        ES_TRY(es_buf_printf(&e->sql, " COLLATE %s", collation));
    ES_TRY(es_buf_printf(&e->sql, " %s s%zu.c1)", op_text(n->op), n->index));
    return engine_emit_text(e, n->all ? " IS NOT TRUE))" : "))");
}

static entrasql_status emit_exists(engine_emitter *e, const engine_node *n)
{
    ES_TRY(engine_emit_text(e, "EXISTS("));
    ES_TRY(engine_emit_query(e, n->query));
    return engine_emit_text(e, ")");
}

static entrasql_status emit_condition(engine_emitter *e, const engine_node *n)
{
    switch ((int)n->kind) {
    case ENGINE_NODE_COMPARE:
        return emit_two(e, n->args[0], op_text(n->op), n->args[1]);
    case ENGINE_NODE_DISTINCT:
        return emit_two(e, n->args[0], n->negated ? "IS" : "IS NOT", n->args[1]);
    case ENGINE_NODE_IS_NULL:
        return emit_is_null(e, n);
    case ENGINE_NODE_IN_LIST:
    case ENGINE_NODE_IN_QUERY:
        return emit_in(e, n);
    case ENGINE_NODE_QUANTIFIED:
        return emit_quantified(e, n);
    case ENGINE_NODE_EXISTS:
        return emit_exists(e, n);
    case ENGINE_NODE_TRUTH:
        return engine_emit_node(e, n->args[0]);
    default:
        return emit_logic(e, n);
    }
}

entrasql_status engine_emit_node(engine_emitter *e, const engine_node *n)
{
    switch ((int)n->kind) {
    case ENGINE_NODE_CONST:
        return emit_const(e, n);
    case ENGINE_NODE_VARIABLE:
        return emit_variable(e, n);
    case ENGINE_NODE_COLUMN:
        return emit_column(e, n);
    case ENGINE_NODE_CALL:
        return emit_call(e, n);
    case ENGINE_NODE_CASE:
        return emit_case(e, n);
    case ENGINE_NODE_COALESCE:
        ES_TRY(engine_emit_text(e, "coalesce("));
        ES_TRY(emit_args(e, n->args, n->arg_count));
        return engine_emit_text(e, ")");
    case ENGINE_NODE_SUBQUERY:
        return emit_subquery(e, n);
    case ENGINE_NODE_AGGREGATE:
        return emit_aggregate(e, n);
    default:
        return emit_condition(e, n);
    }
}
