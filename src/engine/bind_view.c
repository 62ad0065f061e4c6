/* SPDX-License-Identifier: MIT */
/*
 * Views of the catalog as sources: the stored text is parsed and bound where
 * the view is named, in a scope of its own. What the view reads needs no
 * permission when its owner is the view's (ownership chaining); the view
 * itself needs SELECT.
 */
#include "engine/bind.h"

#include "base/mem.h"
#include "engine/permission.h"

#include <string.h>

entrasql_status engine_bind_keep(engine_binder *b, tsql_batch *batch)
{
    tsql_batch **grown = es_reallocarray(b->batches, b->batch_count + 1, sizeof *grown);
    if (grown == NULL) {
        tsql_batch_free(batch);
        return es_nomem(b->err);
    }
    b->batches = grown;
    grown[b->batch_count++] = batch;
    return ENTRASQL_OK;
}

/* The trees of all texts live as long as the binder: names of columns lie in them. */
entrasql_status engine_bind_parse(engine_binder *b, const char *text, const tsql_stmt **ret)
{
    tsql_batch *batch = NULL;
    if (b->stored_depth >= ENGINE_NESTING_MAX)
        return engine_error(b->err, 217, 1,
                            "Maximum stored procedure, function, trigger, or view nesting level "
                            "exceeded (limit 32).");
    ES_TRY(tsql_parse(text, strlen(text), NULL, &batch, b->err));
    ES_TRY(engine_bind_keep(b, batch));
    const tsql_stmts *statements = tsql_batch_statements(batch);
    if (statements->count != 1)
        return es_fail(b->err, ENTRASQL_INTERNAL, "a stored definition is not one statement");
    *ret = statements->items[0];
    return ENTRASQL_OK;
}

void engine_bind_enter(engine_binder *b, const engine_object *module, engine_bind_state *saved)
{
    *saved = (engine_bind_state){.scope = b->scope,
                                 .ctes = b->ctes,
                                 .chains = b->chains,
                                 .owner = b->owner,
                                 .depth = b->depth};
    b->scope = NULL;
    b->ctes = NULL;
    b->chains = true;
    b->owner = engine_owner_of(b->catalog, module);
    b->depth = 1;
    b->stored_depth++;
}

void engine_bind_leave(engine_binder *b, const engine_bind_state *saved)
{
    b->scope = saved->scope;
    b->ctes = saved->ctes;
    b->chains = saved->chains;
    b->owner = saved->owner;
    b->depth = saved->depth;
    b->stored_depth--;
}

static entrasql_status bind_query(engine_binder *b, const engine_object *view,
                                  const tsql_create_view_stmt *stmt, engine_query **ret)
{
    engine_bind_state saved;
    engine_bind_enter(b, view, &saved);
    entrasql_status status = engine_bind_with(b, &stmt->with);
    if (status == ENTRASQL_OK)
        status = engine_bind_query(b, stmt->query, ret);
    engine_bind_leave(b, &saved);
    return status;
}

entrasql_status engine_bind_view(engine_binder *b, const engine_object *view, engine_source **ret)
{
    const tsql_stmt *stmt = NULL;
    engine_query *q;
    ES_TRY(engine_bind_parse(b, view->definition, &stmt));
    if (stmt->kind != TSQL_STMT_CREATE_VIEW)
        return es_fail(b->err, ENTRASQL_INTERNAL, "the definition of %s is no view", view->name);
    ES_TRY(bind_query(b, view, stmt->u.create_view, &q));
    ES_TRY(engine_bind_query_source(b, q, &stmt->u.create_view->columns, view->name, ret));
    engine_source *source = *ret;
    source->object = view;
    const engine_schema *schema = engine_catalog_schema_by_id(b->catalog, view->schema);
    source->schema = schema != NULL ? schema->name : NULL;
    for (size_t i = 0; i < source->column_count; i++)
        source->columns[i].column_id = i < view->column_count ? view->columns[i].id : 0;
    return ENTRASQL_OK;
}
