/* SPDX-License-Identifier: MIT */
/* SQL text of queries. */
#include "engine/emit_inner.h"

#include "base/mem.h"

#include <string.h>

#include <assert.h>

size_t engine_emit_column_number(const engine_source *source, size_t column)
{
    int32_t id = source->columns[column].column_id;
    return source->kind == ENGINE_SOURCE_TABLE && id != 0 ? (size_t)id : column + 1;
}

entrasql_status engine_emit_order(engine_emitter *e, const engine_order *order, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ES_TRY(engine_emit_text(e, i == 0 ? " ORDER BY " : ","));
        ES_TRY(engine_emit_collated(e, order[i].node));
        if (order[i].descending)
            ES_TRY(engine_emit_text(e, " DESC"));
    }
    return ENTRASQL_OK;
}

/* ---- FROM ---- */

/* VALUES have no column names of their own choice in SQLite: column1, column2 ... */
static entrasql_status emit_values(engine_emitter *e, const engine_source *source)
{
    ES_TRY(engine_emit_text(e, "(SELECT "));
    for (size_t c = 0; c < source->column_count; c++)
        ES_TRY(es_buf_printf(&e->sql, "%scolumn%zu AS c%zu", c == 0 ? "" : ",", c + 1, c + 1));
    ES_TRY(engine_emit_text(e, " FROM (VALUES "));
    for (size_t r = 0; r < source->row_count; r++) {
        for (size_t c = 0; c < source->column_count; c++) {
            ES_TRY(engine_emit_text(e, c != 0 ? "," : r != 0 ? "),(" : "("));
            ES_TRY(engine_emit_node(e, source->rows[r][c]));
        }
    }
    return es_buf_printf(&e->sql, "))) AS s%u", source->number);
}

static entrasql_status emit_table(engine_emitter *e, const engine_source *source)
{
    ES_TRY(engine_emit_text(e, source->sql_name));
    for (size_t i = 0; i < source->arg_count; i++) {
        ES_TRY(engine_emit_text(e, i == 0 ? "(" : ","));
        ES_TRY(engine_emit_node(e, source->args[i]));
    }
    return es_buf_printf(&e->sql, "%s AS s%u", source->arg_count != 0 ? ")" : "", source->number);
}

static entrasql_status emit_source(engine_emitter *e, const engine_source *source);

static entrasql_status emit_join(engine_emitter *e, const engine_source *source)
{
    static const char *const words[] = {
        [TSQL_JOIN_INNER] = " JOIN ",
        [TSQL_JOIN_LEFT] = " LEFT JOIN ",
        [TSQL_JOIN_RIGHT] = " RIGHT JOIN ",
        [TSQL_JOIN_FULL] = " FULL JOIN ",
        [TSQL_JOIN_CROSS] = " JOIN ",
        [TSQL_JOIN_CROSS_APPLY] = " JOIN ",
        [TSQL_JOIN_OUTER_APPLY] = " LEFT JOIN ",
    };
    bool nested = source->right->kind == ENGINE_SOURCE_JOIN;
    ES_TRY(emit_source(e, source->left));
    ES_TRY(engine_emit_text(e, words[source->join]));
    if (nested)
        ES_TRY(engine_emit_text(e, "("));
    ES_TRY(emit_source(e, source->right));
    if (nested)
        ES_TRY(engine_emit_text(e, ")"));
    if (source->on == NULL)
        return ENTRASQL_OK;
    ES_TRY(engine_emit_text(e, " ON "));
    return engine_emit_node(e, source->on);
}

/* The rows with their levels; SQLite wants the reference in the member's own FROM. */
static entrasql_status emit_recursive(engine_emitter *e, const engine_source *source)
{
    ES_TRY(es_buf_printf(&e->sql, "(WITH RECURSIVE r%u(", source->number));
    for (size_t c = 0; c < source->column_count; c++)
        ES_TRY(es_buf_printf(&e->sql, "c%zu,", c + 1));
    ES_TRY(engine_emit_text(e, "l) AS ("));
    for (size_t i = 0; i < source->member_count; i++) {
        const engine_query *q = source->members[i];
        if (i != 0)
            ES_TRY(engine_emit_text(e, " UNION ALL "));
        if (q->previous == NULL)
            ES_TRY(engine_emit_text(e, "SELECT *,0 FROM ("));
        ES_TRY(engine_emit_query(e, q));
        if (q->previous == NULL)
            ES_TRY(engine_emit_text(e, ")"));
    }
    ES_TRY(engine_emit_text(e, ") SELECT "));
    for (size_t c = 0; c < source->column_count; c++)
        ES_TRY(es_buf_printf(&e->sql, "%sc%zu", c == 0 ? "" : ",", c + 1));
    return es_buf_printf(&e->sql, " FROM r%u) AS s%u", source->number, source->number);
}

static entrasql_status emit_source(engine_emitter *e, const engine_source *source)
{
    switch (source->kind) {
    case ENGINE_SOURCE_RECURSIVE:
        return emit_recursive(e, source);
    case ENGINE_SOURCE_TABLE:
        return emit_table(e, source);
    case ENGINE_SOURCE_QUERY:
        ES_TRY(engine_emit_text(e, "("));
        ES_TRY(engine_emit_query(e, source->query));
        return es_buf_printf(&e->sql, ") AS s%u", source->number);
    case ENGINE_SOURCE_VALUES:
        return emit_values(e, source);
    case ENGINE_SOURCE_JOIN:
        return emit_join(e, source);
    case ENGINE_SOURCE_ROW:
        break;
    }
    return ENTRASQL_INTERNAL;
}

/* ---- SELECT ---- */

/* One more than the row's before; 530 beyond MAXRECURSION. */
static entrasql_status emit_level(engine_emitter *e, const engine_query *q)
{
    long long type = (long long)engine_type_encode(sqltype_of(SQLTYPE_INT));
    return es_buf_printf(&e->sql, ",es_f(%zu,%lld,%lld,s%u.l,%lld,%u) AS l",
                         engine_builtin_number(engine_builtin_find("level", true)), type, type,
                         q->previous->number, type, q->max_recursion);
}

static entrasql_status emit_items(engine_emitter *e, const engine_query *q)
{
    ES_TRY(engine_emit_text(e, q->distinct ? "SELECT DISTINCT " : "SELECT "));
    for (size_t i = 0; i < q->item_count; i++) {
        if (i != 0)
            ES_TRY(engine_emit_text(e, ","));
        ES_TRY(q->distinct ? engine_emit_collated(e, q->items[i].node)
                           : engine_emit_node(e, q->items[i].node));
        ES_TRY(es_buf_printf(&e->sql, " AS c%zu", i + 1));
    }
    return q->previous != NULL ? emit_level(e, q) : ENTRASQL_OK;
}

/* FROM to HAVING. */
static entrasql_status emit_body(engine_emitter *e, const engine_query *q)
{
    if (q->from != NULL) {
        ES_TRY(engine_emit_text(e, " FROM "));
        ES_TRY(emit_source(e, q->from));
    }
    if (q->where != NULL) {
        ES_TRY(engine_emit_text(e, " WHERE "));
        ES_TRY(engine_emit_node(e, q->where));
    }
    for (size_t i = 0; i < q->group_count; i++) {
        ES_TRY(engine_emit_text(e, i == 0 ? " GROUP BY " : ","));
        ES_TRY(engine_emit_collated(e, q->group_by[i]));
    }
    if (q->having == NULL)
        return ENTRASQL_OK;
    ES_TRY(engine_emit_text(e, " HAVING "));
    return engine_emit_node(e, q->having);
}

static entrasql_status emit_percent(engine_emitter *e, const engine_query *q)
{
    assert(q->top != NULL);
    const engine_builtin *percent = engine_builtin_find("percent", true);
    int64_t bigint = engine_type_encode(sqltype_of(SQLTYPE_BIGINT));
    ES_TRY(es_buf_printf(&e->sql, " LIMIT es_f(%zu,%lld,%lld,(SELECT count(*) FROM (",
                         engine_builtin_number(percent), (long long)bigint, (long long)bigint));
    ES_TRY(emit_items(e, q));
    ES_TRY(emit_body(e, q));
    ES_TRY(es_buf_printf(&e->sql, ")),%lld,", (long long)engine_type_encode(q->top->type)));
    ES_TRY(engine_emit_node(e, q->top));
    return engine_emit_text(e, ")");
}

static entrasql_status emit_limit(engine_emitter *e, const engine_query *q)
{
    const engine_node *limit = q->top != NULL ? q->top : q->fetch;
    if (q->percent)
        return emit_percent(e, q);
    if (limit == NULL && q->offset == NULL)
        return ENTRASQL_OK;
    ES_TRY(engine_emit_text(e, " LIMIT "));
    ES_TRY(limit != NULL ? engine_emit_node(e, limit) : engine_emit_text(e, "-1"));
    if (q->offset == NULL)
        return ENTRASQL_OK;
    ES_TRY(engine_emit_text(e, " OFFSET "));
    return engine_emit_node(e, q->offset);
}

static entrasql_status emit_columns(engine_emitter *e, const engine_query *q, uint32_t number,
                                    bool collated)
{
    for (size_t i = 0; i < q->column_count; i++) {
        const char *collation = engine_store_collation(q->columns[i].type);
        ES_TRY(es_buf_printf(&e->sql, "%ss%u.c%zu", i == 0 ? "SELECT " : ",", number, i + 1));
        if (collated && collation != NULL)
            ES_TRY(es_buf_printf(&e->sql, " COLLATE %s", collation));
        ES_TRY(es_buf_printf(&e->sql, " AS c%zu", i + 1));
    }
    return ENTRASQL_OK;
}

/* TOP n WITH TIES: the rank by the order tells who is tied with the last one. */
static entrasql_status emit_ties(engine_emitter *e, const engine_query *q)
{
    ES_TRY(emit_columns(e, q, q->outer_number, false));
    ES_TRY(engine_emit_text(e, " FROM ("));
    ES_TRY(emit_items(e, q));
    ES_TRY(engine_emit_text(e, ",rank() OVER ("));
    ES_TRY(engine_emit_order(e, q->order, q->order_count));
    ES_TRY(engine_emit_text(e, ") AS r"));
    ES_TRY(emit_body(e, q));
    ES_TRY(es_buf_printf(&e->sql, ") AS s%u WHERE s%u.r <= ", q->outer_number, q->outer_number));
    ES_TRY(engine_emit_node(e, q->top));
    return es_buf_printf(&e->sql, " ORDER BY s%u.r", q->outer_number);
}

static entrasql_status emit_side(engine_emitter *e, const engine_query *side, uint32_t number)
{
    ES_TRY(emit_columns(e, side, number, true));
    ES_TRY(engine_emit_text(e, " FROM ("));
    ES_TRY(engine_emit_query(e, side));
    return es_buf_printf(&e->sql, ") AS s%u", number);
}

/* Each side is a query in brackets: SQLite gives all set operators the same rank. */
static entrasql_status emit_set(engine_emitter *e, const engine_query *q)
{
    static const char *const words[] = {" UNION ", " UNION ALL ", " EXCEPT ", " INTERSECT "};
    ES_TRY(emit_columns(e, q, q->outer_number, false));
    ES_TRY(engine_emit_text(e, " FROM ("));
    ES_TRY(emit_side(e, q->left, q->left_number));
    ES_TRY(engine_emit_text(e, words[q->op]));
    ES_TRY(emit_side(e, q->right, q->right_number));
    ES_TRY(es_buf_printf(&e->sql, ") AS s%u", q->outer_number));
    ES_TRY(engine_emit_order(e, q->order, q->order_count));
    return emit_limit(e, q);
}

static entrasql_status emit_plain(engine_emitter *e, const engine_query *q)
{
    if (q->is_set)
        return emit_set(e, q);
    if (q->with_ties)
        return emit_ties(e, q);
    ES_TRY(emit_items(e, q));
    ES_TRY(emit_body(e, q));
    ES_TRY(engine_emit_order(e, q->order, q->order_count));
    return emit_limit(e, q);
}

/* The rows become one text; es_for_json knows how from its first argument. */
static entrasql_status emit_json(engine_emitter *e, const engine_query *q)
{
    sqlvalue spec = sqlvalue_nvarchar(q->json, strlen(q->json));
    engine_node *node;
    ES_TRY(engine_node_const(e->b, &spec, &node));
    ES_TRY(engine_emit_text(e, "SELECT es_for_json("));
    ES_TRY(engine_emit_node(e, node));
    for (size_t i = 0; i < q->item_count; i++) {
        /* A type that no value has says that the text is JSON already. */
        long long type =
            q->json_raw[i] ? -1 : (long long)engine_type_encode(q->items[i].node->type);
        ES_TRY(es_buf_printf(&e->sql, ",%lld,c%zu", type, i + 1));
    }
    ES_TRY(engine_emit_text(e, ") AS c1 FROM ("));
    ES_TRY(emit_plain(e, q));
    return engine_emit_text(e, ")");
}

entrasql_status engine_emit_query(engine_emitter *e, const engine_query *q)
{
    return q->json != NULL ? emit_json(e, q) : emit_plain(e, q);
}
