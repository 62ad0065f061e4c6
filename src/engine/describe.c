/* SPDX-License-Identifier: MIT */
/* Types of undeclared parameters: the parameters, and a walk through the statements. */
#include "engine/describe.h"

#include "base/mem.h"
#include "base/str.h"
#include "engine/describe_walk.h"
#include "tsql/lexer.h"
#include "tsql/type.h"

#include <string.h>

enum { ARENA_CEILING = 16 * 1024 * 1024 };

/* ---- the parameters ---- */

engine_described *engine_described_find(engine_describe_walk *w, const char *name)
{
    for (size_t i = 0; i < w->d->count; i++) {
        if (es_strcaseeq(w->d->items[i].name, name))
            return &w->d->items[i];
    }
    return NULL;
}

static entrasql_status add_parameter(engine_describe_walk *w, const char *name, entrasql_error *err)
{
    if (engine_described_find(w, name) != NULL)
        return ENTRASQL_OK;
    if (w->d->count == ENGINE_DESCRIBE_MAX)
        return es_fail(err, ENTRASQL_LIMIT, "The statement has more than %d parameters.",
                       ENGINE_DESCRIBE_MAX);
    engine_described *items =
        tsql_arena_room(&w->d->arena, w->d->items, w->d->count, sizeof *items);
    if (items == NULL)
        return es_nomem(err);
    items[w->d->count++] = (engine_described){.name = name};
    w->d->items = items;
    return ENTRASQL_OK;
}

/* Every variable of the text that `declared` does not name, in order of appearance. */
static entrasql_status collect(engine_describe_walk *w, const char *text,
                               const tsql_params *declared, entrasql_error *err)
{
    tsql_lexer lexer;
    tsql_token token;
    tsql_lexer_init(&lexer, text, strlen(text), !w->s->set.quoted_identifier, NULL);
    for (;;) {
        tsql_lexer_next(&lexer, &token);
        if (token.kind == TSQL_TOKEN_END || token.kind == TSQL_TOKEN_ERROR)
            return ENTRASQL_OK;
        if (token.kind != TSQL_TOKEN_VARIABLE)
            continue;
        char *name = tsql_arena_strndup(&w->d->arena, token.text, token.length);
        if (name == NULL)
            return es_nomem(err);
        bool known = false;
        for (size_t i = 0; declared != NULL && i < declared->count; i++)
            known = known || es_strcaseeq(declared->items[i].name, name);
        if (!known)
            ES_TRY(add_parameter(w, name, err));
    }
}

/* Variables that the batch declares itself are no parameters. */
static void drop_parameter(engine_describe_walk *w, const char *name)
{
    engine_described *found = engine_described_find(w, name);
    if (found == NULL)
        return;
    size_t after = w->d->count - (size_t)(found - w->d->items) - 1;
    memmove(found, found + 1, after * sizeof *found);
    w->d->count--;
}

/* ---- statements ---- */

static void walk_stmts(engine_describe_walk *w, const tsql_stmts *stmts);

static void hint_row(engine_describe_walk *w, const engine_object *table, const tsql_names *names,
                     const tsql_exprs *row)
{
    size_t next = 0;
    for (size_t i = 0; i < row->count; i++) {
        const engine_table_column *c = NULL;
        if (names->count != 0) {
            c = i < names->count ? engine_object_column(table, names->items[i].text) : NULL;
        } else {
            while (next < table->column_count &&
                   (table->columns[next].identity || table->columns[next].computed != NULL))
                next++;
            c = next < table->column_count ? &table->columns[next++] : NULL;
        }
        if (c != NULL)
            engine_describe_hint(w, row->items[i], c->type);
    }
}

/* The select list goes into the columns, as a row does. */
static void hint_query(engine_describe_walk *w, const engine_object *table, const tsql_names *names,
                       const tsql_query *q)
{
    while (q->kind == TSQL_QUERY_SET_OP) {
        hint_query(w, table, names, q->right);
        q = q->left;
    }
    tsql_expr *items[ENGINE_DESCRIBE_COLUMNS];
    size_t count = 0;
    for (size_t i = 0; i < q->items.count && count < ES_COUNT_OF(items); i++) {
        if (q->items.items[i].expr == NULL)
            return; /* a star: places are not known */
        items[count++] = q->items.items[i].expr;
    }
    const tsql_exprs row = {.items = items, .count = count};
    hint_row(w, table, names, &row);
}

static void walk_insert(engine_describe_walk *w, const tsql_insert_stmt *insert)
{
    const engine_object *table = engine_describe_target(w, &insert->target);
    for (size_t i = 0; i < insert->rows.count; i++) {
        for (size_t k = 0; k < insert->rows.items[i].count; k++)
            engine_describe_expr(w, insert->rows.items[i].items[k]);
        if (table != NULL)
            hint_row(w, table, &insert->columns, &insert->rows.items[i]);
    }
    if (insert->query == NULL)
        return;
    engine_describe_query(w, insert->query);
    if (table != NULL)
        hint_query(w, table, &insert->columns, insert->query);
}

static void walk_assigns(engine_describe_walk *w, const engine_object *table,
                         const tsql_assigns *set)
{
    for (size_t i = 0; i < set->count; i++) {
        const tsql_assign *a = &set->items[i];
        engine_describe_expr(w, a->expr);
        const engine_table_column *c = table != NULL && a->column.name.text != NULL
                                           ? engine_object_column(table, a->column.name.text)
                                           : NULL;
        if (c != NULL)
            engine_describe_hint(w, a->expr, c->type);
    }
}

static void hint_top(engine_describe_walk *w, const tsql_top *top)
{
    const sqltype count_type = {.id = SQLTYPE_BIGINT};
    if (top != NULL)
        engine_describe_hint(w, top->count, count_type);
}

static void walk_update(engine_describe_walk *w, const tsql_update_stmt *update)
{
    engine_describe_scope scope;
    engine_describe_push_target(w, &scope, &update->target, update->from);
    hint_top(w, update->top);
    walk_assigns(w, engine_describe_aliased(w, &update->target), &update->set);
    engine_describe_sources(w, update->from);
    engine_describe_cond(w, update->where);
    engine_describe_pop(w);
}

static void walk_delete(engine_describe_walk *w, const tsql_delete_stmt *delete_)
{
    engine_describe_scope scope;
    engine_describe_push_target(w, &scope, &delete_->target, delete_->from);
    hint_top(w, delete_->top);
    engine_describe_sources(w, delete_->from);
    engine_describe_cond(w, delete_->where);
    engine_describe_pop(w);
}

static void walk_merge(engine_describe_walk *w, const tsql_merge_stmt *merge)
{
    const engine_object *table = engine_describe_target(w, &merge->target);
    tsql_source target = {
        .kind = TSQL_SOURCE_OBJECT, .object = merge->target.object, .alias = merge->alias};
    tsql_source both = {
        .kind = TSQL_SOURCE_JOIN, .join = TSQL_JOIN_CROSS, .left = &target, .right = merge->source};
    engine_describe_scope scope;
    engine_describe_push(w, &scope, &both);
    engine_describe_sources(w, merge->source);
    engine_describe_cond(w, merge->on);
    for (size_t i = 0; i < merge->when_count; i++) {
        const tsql_merge_when *when = &merge->whens[i];
        engine_describe_cond(w, when->cond);
        walk_assigns(w, table, &when->set);
        for (size_t k = 0; k < when->values.count; k++)
            engine_describe_expr(w, when->values.items[k]);
        if (table != NULL)
            hint_row(w, table, &when->columns, &when->values);
    }
    engine_describe_pop(w);
}

static void walk_declare(engine_describe_walk *w, const tsql_declare_stmt *declare)
{
    for (size_t i = 0; i < declare->count; i++) {
        const tsql_declare_item *item = &declare->items[i];
        sqltype type;
        if (item->init != NULL &&
            tsql_type_resolve(&item->type, TSQL_LENGTH_DECLARED, 0, &type, NULL) == ENTRASQL_OK)
            engine_describe_hint(w, item->init, type);
        drop_parameter(w, item->name);
    }
}

static void walk_with(engine_describe_walk *w, const tsql_with *with)
{
    for (size_t i = 0; i < with->count; i++)
        engine_describe_query(w, with->items[i].query);
}

static void walk_if(engine_describe_walk *w, const tsql_if_stmt *if_)
{
    tsql_stmt *branches[] = {if_->then, if_->otherwise};
    const tsql_stmts both = {.items = branches, .count = if_->otherwise != NULL ? 2 : 1};
    engine_describe_cond(w, if_->cond);
    walk_stmts(w, &both);
}

static void walk_stmt(engine_describe_walk *w, const tsql_stmt *stmt)
{
    if (stmt->kind == TSQL_STMT_SELECT) {
        walk_with(w, &stmt->u.select->with);
        engine_describe_query(w, stmt->u.select->query);
    } else if (stmt->kind == TSQL_STMT_INSERT) {
        walk_with(w, &stmt->u.insert->with);
        hint_top(w, stmt->u.insert->top);
        walk_insert(w, stmt->u.insert);
    } else if (stmt->kind == TSQL_STMT_UPDATE) {
        walk_with(w, &stmt->u.update->with);
        walk_update(w, stmt->u.update);
    } else if (stmt->kind == TSQL_STMT_DELETE) {
        walk_with(w, &stmt->u.delete_->with);
        walk_delete(w, stmt->u.delete_);
    } else if (stmt->kind == TSQL_STMT_MERGE) {
        walk_merge(w, stmt->u.merge);
    } else if (stmt->kind == TSQL_STMT_DECLARE) {
        walk_declare(w, stmt->u.declare);
    } else if (stmt->kind == TSQL_STMT_IF) {
        walk_if(w, stmt->u.if_);
    } else if (stmt->kind == TSQL_STMT_BLOCK) {
        walk_stmts(w, &stmt->u.block->body);
    } else if (stmt->kind == TSQL_STMT_TRY) {
        walk_stmts(w, &stmt->u.try_->body);
        walk_stmts(w, &stmt->u.try_->handler);
    }
}

static void walk_stmts(engine_describe_walk *w, const tsql_stmts *stmts)
{
    for (size_t i = 0; i < stmts->count; i++)
        walk_stmt(w, stmts->items[i]);
}

/* ---- the way in ---- */

static void cleanup_batch(tsql_batch **batch)
{
    tsql_batch_free(*batch);
}

static entrasql_status describe(engine_describe_walk *w, const char *text, const char *params,
                                entrasql_error *err)
{
    const tsql_options options = {.quoted_identifier_off = !w->s->set.quoted_identifier};
    ES_CLEANUP(cleanup_batch) tsql_batch *declared_batch = NULL;
    ES_CLEANUP(cleanup_batch) tsql_batch *batch = NULL;
    const tsql_params *declared = NULL;
    if (params != NULL)
        ES_TRY(tsql_parse_params(params, strlen(params), &declared_batch, &declared, err));
    ES_TRY(tsql_parse(text, strlen(text), &options, &batch, err));
    ES_TRY(collect(w, text, declared, err));
    w->declared = declared;
    walk_stmts(w, tsql_batch_statements(batch));
    /* A type that was found late (a = @x ... @x + @y) may tell of others. */
    walk_stmts(w, tsql_batch_statements(batch));
    return ENTRASQL_OK;
}

entrasql_status engine_describe(engine_session *s, const char *text, const char *params,
                                engine_description *ret, entrasql_error *err)
{
    *ret = (engine_description){0};
    tsql_arena_init(&ret->arena, ARENA_CEILING);
    engine_describe_walk w = {.s = s, .d = ret};
    entrasql_status status = describe(&w, text, params, err);
    if (status != ENTRASQL_OK)
        engine_description_done(ret);
    return status;
}

void engine_description_done(engine_description *d)
{
    tsql_arena_done(&d->arena);
    *d = (engine_description){0};
}
