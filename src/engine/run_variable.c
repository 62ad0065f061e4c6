/* SPDX-License-Identifier: MIT */
/* DECLARE and SET of variables. */
#include "engine/run.h"

static entrasql_status undeclared(engine_run *run, const char *name)
{
    return engine_error(run->err, 137, 1, "Must declare the scalar variable \"%s\".", name);
}

/* "@v += e" reads as "@v = @v + e". */
static entrasql_status evaluate(engine_run *run, const char *variable, tsql_op op,
                                const tsql_expr *e, sqltype type, sqlvalue *ret)
{
    if (op == TSQL_OP_NONE)
        return engine_run_value_as(run, e, type, ret);
    tsql_expr left = {.kind = TSQL_EXPR_VARIABLE, .span = e->span, .text = variable};
    tsql_expr right = *e;
    tsql_expr sum = {
        .kind = TSQL_EXPR_ARITH, .op = op, .span = e->span, .left = &left, .right = &right};
    return engine_run_value_as(run, &sum, type, ret);
}

static entrasql_status assign(engine_run *run, const char *name, tsql_op op, const tsql_expr *e)
{
    engine_variable *v = engine_frame_variable(run->s->frame, name);
    if (v == NULL)
        return undeclared(run, name);
    if (v->table != NULL)
        return engine_error(run->err, 137, 2, "Must declare the scalar variable \"%s\".", name);
    ES_CLEANUP(sqlvalue_done) sqlvalue value = sqlvalue_null(v->type);
    ES_TRY(evaluate(run, name, op, e, v->type, &value));
    return engine_variable_set(v, &value, run->err);
}

entrasql_status engine_run_set_variable(engine_run *run, const tsql_set_variable_stmt *stmt)
{
    ES_TRY(assign(run, stmt->variable, stmt->op, stmt->expr));
    run->s->rowcount = 1;
    return ENTRASQL_OK;
}

static entrasql_status declare(engine_run *run, const tsql_declare_item *item)
{
    if (item->is_cursor)
        return engine_unsupported(run->err, "DECLARE of a cursor variable");
    /* The variable itself is there since the compile pass. */
    return item->init != NULL ? assign(run, item->name, TSQL_OP_NONE, item->init) : ENTRASQL_OK;
}

entrasql_status engine_run_declare(engine_run *run, const tsql_declare_stmt *stmt)
{
    for (size_t i = 0; i < stmt->count; i++)
        ES_TRY(declare(run, &stmt->items[i]));
    return ENTRASQL_OK;
}
