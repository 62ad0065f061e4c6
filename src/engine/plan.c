/* SPDX-License-Identifier: MIT */
/* Bound queries at work. */
#include "engine/plan.h"

#include "base/mem.h"
#include "engine/emit.h"

enum { ROW_SET_MAX = 64 * 1024 * 1024 }; /* values */

static entrasql_status prepare(engine_emitter *e, const engine_query *q, sqlite3_stmt **ret)
{
    entrasql_error *err = e->b->err;
    entrasql_status status = engine_emit_query(e, q);
    if (status == ENTRASQL_NOMEM)
        return es_nomem(err);
    if (status != ENTRASQL_OK)
        return engine_error(err, 8623, 1,
                            "The query processor ran out of internal resources and could not "
                            "produce a query plan.");
    return engine_db_prepare(e->b->s->db, (const char *)e->sql.data, e->sql.len, ret, err);
}

entrasql_status engine_plan_open(engine_binder *b, const engine_query *q, bool live,
                                 engine_plan *ret)
{
    engine_emitter e;
    engine_plan p = {.s = b->s, .frame = b->frame};
    engine_emitter_init(&e, b);
    e.live_variables = live;
    entrasql_status status = prepare(&e, q, &p.stmt);
    p.slots = e.slots;
    p.slot_count = e.slot_count;
    engine_emitter_done(&e);
    ES_TRY(status);
    p.columns = q->columns;
    p.column_count = q->column_count;
    p.row = engine_bind_alloc(b, (p.column_count + 1) * sizeof *p.row);
    if (p.row == NULL) {
        engine_plan_done(&p);
        return es_nomem(b->err);
    }
    *ret = p;
    return ENTRASQL_OK;
}

static const sqlvalue *slot_value(const engine_plan *p, const engine_node *n)
{
    if (n->kind == ENGINE_NODE_VARIABLE)
        return &p->frame->variables[n->index].value;
    if (n->kind == ENGINE_NODE_COLUMN)
        return &n->source->values[n->index];
    return &n->value;
}

entrasql_status engine_plan_start(engine_plan *p, entrasql_error *err)
{
    sqlite3_reset(p->stmt);
    for (size_t i = 0; i < p->slot_count; i++) {
        sqlvalue v = *slot_value(p, p->slots[i]);
        v.type = p->slots[i]->type;
        entrasql_status status = engine_store_bind(p->stmt, (int)i + 1, &v);
        if (status == ENTRASQL_NOMEM)
            return es_nomem(err);
        if (status != ENTRASQL_OK)
            return engine_error(err, 8631, 1, "A value is too long for the engine.");
    }
    return ENTRASQL_OK;
}

entrasql_status engine_plan_step(engine_plan *p, bool *ret_row, entrasql_error *err)
{
    entrasql_status status = engine_db_step(p->stmt, ret_row, err);
    if (status != ENTRASQL_OK) {
        engine_session_explain(p->s, err);
        return err != NULL && err->status != ENTRASQL_OK ? err->status : status;
    }
    for (size_t i = 0; *ret_row && i < p->column_count; i++) {
        status = engine_store_column(p->stmt, (int)i, p->columns[i].type, &p->row[i]);
        if (status == ENTRASQL_NOMEM)
            return es_nomem(err);
        if (status != ENTRASQL_OK)
            return engine_error(err, 8624, 2,
                                "Internal Query Processor Error: column %zu (%s) is not of its "
                                "type %s.",
                                i + 1, p->columns[i].name != NULL ? p->columns[i].name : "",
                                sqltype_name(p->columns[i].type.id));
    }
    return ENTRASQL_OK;
}

void engine_plan_done(engine_plan *p)
{
    sqlite3_finalize(p->stmt);
    p->stmt = NULL;
}

entrasql_status engine_plan_nodes(engine_binder *b, engine_node **nodes, size_t count,
                                  engine_plan *ret)
{
    engine_query *q = engine_bind_alloc(b, sizeof *q);
    if (q == NULL)
        return es_nomem(b->err);
    q->items = engine_bind_alloc(b, (count + 1) * sizeof *q->items);
    if (q->items == NULL)
        return es_nomem(b->err);
    for (size_t i = 0; i < count; i++)
        q->items[i] = (engine_item){.node = nodes[i], .name = ""};
    q->item_count = count;
    ES_TRY(engine_bind_columns(b, q));
    return engine_plan_open(b, q, false, ret);
}

entrasql_status engine_plan_value(engine_binder *b, engine_node *node, sqlvalue *ret)
{
    ES_CLEANUP(engine_plan_done) engine_plan p = {0};
    bool row = false;
    if (node->kind == ENGINE_NODE_CONST)
        return sqlvalue_copy(ret, &node->value) == ENTRASQL_OK ? ENTRASQL_OK : es_nomem(b->err);
    ES_TRY(engine_plan_nodes(b, &node, 1, &p));
    ES_TRY(engine_plan_start(&p, b->err));
    ES_TRY(engine_plan_step(&p, &row, b->err));
    if (!row)
        return es_fail(b->err, ENTRASQL_INTERNAL, "an expression gave no row");
    return sqlvalue_copy(ret, &p.row[0]) == ENTRASQL_OK ? ENTRASQL_OK : es_nomem(b->err);
}

entrasql_status engine_plan_cond(engine_binder *b, engine_node *cond, bool *ret)
{
    sqlvalue yes = sqlvalue_int(1);
    sqlvalue no = sqlvalue_int(0);
    sqlvalue v;
    engine_node *node = engine_node_list(b, ENGINE_NODE_CASE, 3);
    if (node == NULL)
        return es_nomem(b->err);
    node->type = yes.type;
    node->args[0] = cond;
    ES_TRY(engine_node_const(b, &yes, &node->args[1]));
    ES_TRY(engine_node_const(b, &no, &node->args[2]));
    ES_TRY(engine_plan_value(b, node, &v));
    *ret = v.u.i != 0;
    return ENTRASQL_OK;
}

/* ---- kept rows ---- */

sqlvalue *engine_row_set_at(const engine_row_set *set, size_t row)
{
    return set->values + row * set->width;
}

entrasql_status engine_row_set_add(engine_row_set *set, const sqlvalue *row, entrasql_error *err)
{
    size_t used = set->count * set->width;
    if (used + set->width > set->room) {
        size_t room = set->room == 0 ? 64 + set->width : set->room * 2;
        if (room > ROW_SET_MAX)
            return engine_error(err, 701, 1,
                                "There is insufficient system memory to run this query.");
        sqlvalue *grown = es_reallocarray(set->values, room, sizeof *grown);
        if (grown == NULL)
            return es_nomem(err);
        set->values = grown;
        set->room = room;
    }
    for (size_t i = 0; i < set->width; i++) {
        if (sqlvalue_copy(&set->values[used + i], &row[i]) == ENTRASQL_OK)
            continue;
        while (i > 0)
            sqlvalue_done(&set->values[used + --i]);
        return es_nomem(err);
    }
    set->count++;
    return ENTRASQL_OK;
}

void engine_row_set_done(engine_row_set *set)
{
    for (size_t i = 0; i < set->count * set->width; i++)
        sqlvalue_done(&set->values[i]);
    es_free(set->values);
    *set = (engine_row_set){0};
}

entrasql_status engine_plan_collect(engine_plan *p, engine_row_set *ret, entrasql_error *err)
{
    bool row = true;
    ret->width = p->column_count;
    ES_TRY(engine_plan_start(p, err));
    for (;;) {
        ES_TRY(engine_plan_step(p, &row, err));
        if (!row)
            return ENTRASQL_OK;
        ES_TRY(engine_row_set_add(ret, p->row, err));
    }
}
