/* SPDX-License-Identifier: MIT */
/*
 * Common table expressions. A plain one is bound wherever it is named. One
 * that names itself after UNION ALL becomes SQLite's WITH RECURSIVE: its
 * members give their columns and a level, which MAXRECURSION limits.
 */
#include "engine/bind.h"

#include "sqltype/collation.h"

#include <stdio.h>

enum { MAX_RECURSION = 100, MEMBERS_MAX = 64 };

engine_cte *engine_cte_find(engine_binder *b, const tsql_object *object)
{
    if (object->schema.text != NULL || object->database.text != NULL)
        return NULL;
    for (engine_cte *cte = b->ctes; cte != NULL; cte = cte->outer) {
        if (sqlcollation_equal_names(cte->cte->name.text, object->name.text))
            return cte;
    }
    return NULL;
}

entrasql_status engine_bind_with(engine_binder *b, const tsql_with *with)
{
    for (size_t i = 0; i < with->count; i++) {
        engine_cte *cte = engine_bind_alloc(b, sizeof *cte);
        if (cte == NULL)
            return es_nomem(b->err);
        cte->outer = b->ctes;
        cte->cte = &with->items[i];
        b->ctes = cte;
    }
    return ENTRASQL_OK;
}

/* What was put aside while a CTE's own text is bound. */
static entrasql_status bind_inside(engine_binder *b, engine_cte *cte, const tsql_query *query,
                                   engine_query **ret)
{
    engine_cte *saved_ctes = b->ctes;
    const engine_scope *saved_scope = b->scope;
    bool was_busy = cte->busy;
    cte->busy = true;
    b->ctes = cte;
    b->scope = NULL;
    entrasql_status status = engine_bind_query(b, query, ret);
    b->ctes = saved_ctes;
    b->scope = saved_scope;
    cte->busy = was_busy;
    return status;
}

/* ---- recursive ones ---- */

/* A reference to the expression inside itself: the rows of the step before. */
static entrasql_status bind_reference(engine_binder *b, engine_cte *cte, engine_source **ret)
{
    char name[24];
    const engine_source *anchor = cte->anchor;
    if (anchor == NULL)
        return engine_error(b->err, 252, 1,
                            "Recursive common table expression '%s' does not contain a top-level "
                            "UNION ALL operator.",
                            cte->cte->name.text);
    engine_source *source = engine_source_new(b, ENGINE_SOURCE_TABLE, anchor->column_count);
    if (source == NULL)
        return es_nomem(b->err);
    for (size_t i = 0; i < anchor->column_count; i++)
        source->columns[i] = anchor->columns[i];
    (void)snprintf(name, sizeof name, "r%u", anchor->number);
    source->sql_name = engine_bind_strdup(b, name);
    source->alias = cte->cte->name.text;
    cte->references++;
    *ret = source;
    return source->sql_name != NULL ? ENTRASQL_OK : es_nomem(b->err);
}

static const engine_source *find_reference(const engine_source *from, const char *sql_name)
{
    if (from == NULL)
        return NULL;
    if (from->kind == ENGINE_SOURCE_JOIN) {
        const engine_source *left = find_reference(from->left, sql_name);
        return left != NULL ? left : find_reference(from->right, sql_name);
    }
    bool same = from->kind == ENGINE_SOURCE_TABLE && from->table == NULL &&
                from->sql_name != NULL && sqlcollation_equal_names(from->sql_name, sql_name);
    return same ? from : NULL;
}

static bool has_outer_join(const engine_source *from)
{
    if (from == NULL || from->kind != ENGINE_SOURCE_JOIN)
        return false;
    return from->join == TSQL_JOIN_LEFT || from->join == TSQL_JOIN_RIGHT ||
           from->join == TSQL_JOIN_FULL || has_outer_join(from->left) ||
           has_outer_join(from->right);
}

static entrasql_status check_member(engine_binder *b, const engine_cte *cte, engine_query *q,
                                    const engine_source *whole)
{
    char sql_name[24];
    const char *name = cte->cte->name.text;
    (void)snprintf(sql_name, sizeof sql_name, "r%u", whole->number);
    if (q->distinct)
        return engine_error(b->err, 460, 1,
                            "DISTINCT operator is not allowed in the recursive part of a recursive "
                            "common table expression '%s'.",
                            name);
    if (q->top != NULL || q->offset != NULL || q->fetch != NULL)
        return engine_error(b->err, 461, 1,
                            "The TOP or OFFSET operator is not allowed in the recursive part of a "
                            "recursive common table expression '%s'.",
                            name);
    if (has_outer_join(q->from))
        return engine_error(b->err, 462, 1,
                            "Outer join is not allowed in the recursive part of a recursive common "
                            "table expression '%s'.",
                            name);
    if (q->grouped)
        return engine_error(b->err, 467, 1,
                            "GROUP BY, HAVING, or aggregate functions are not allowed in the "
                            "recursive part of a recursive common table expression '%s'.",
                            name);
    if (cte->references > 1)
        return engine_error(b->err, 253, 1,
                            "Recursive member of a common table expression '%s' has multiple "
                            "recursive references.",
                            name);
    q->previous = find_reference(q->from, sql_name);
    if (q->is_set || q->previous == NULL)
        return engine_error(b->err, 465, 1, "Recursive references are not allowed in subqueries.");
    for (size_t i = 0; i < whole->column_count; i++) {
        if (!sqltype_equal(whole->columns[i].type, q->columns[i].type))
            return engine_error(b->err, 240, 1,
                                "Types don't match between the anchor and the recursive part in "
                                "column \"%s\" of recursive query \"%s\".",
                                whole->columns[i].name, name);
    }
    bool limited = b->option != NULL && b->option->has_max_recursion;
    q->max_recursion = limited ? b->option->max_recursion : MAX_RECURSION;
    return ENTRASQL_OK;
}

static entrasql_status add_member(engine_binder *b, engine_source *whole, engine_query *q)
{
    if (q->column_count != whole->column_count)
        return engine_error(b->err, 205, 1,
                            "All queries combined using a UNION, INTERSECT or EXCEPT operator must "
                            "have an equal number of expressions in their target lists.");
    engine_query **grown =
        engine_bind_room(b, whole->members, whole->member_count, sizeof(engine_query *));
    if (grown == NULL)
        return es_nomem(b->err);
    whole->members = grown;
    grown[whole->member_count++] = q;
    return ENTRASQL_OK;
}

/* The queries between the outermost UNION ALLs, from left to right; 0: too many. */
static size_t split(const tsql_query *q, const tsql_query **ret)
{
    size_t count = 0;
    const tsql_query *right[MEMBERS_MAX];
    while (q->kind == TSQL_QUERY_SET_OP && q->op == TSQL_SET_OP_UNION_ALL &&
           count < MEMBERS_MAX - 1) {
        right[count++] = q->right;
        q = q->left;
    }
    right[count++] = q;
    for (size_t i = 0; i < count; i++)
        ret[i] = right[count - 1 - i];
    return count;
}

/* *ret is NULL when no member names the expression: it is a plain one. */
static entrasql_status bind_recursive(engine_binder *b, engine_cte *cte, engine_source **ret)
{
    const tsql_query *parts[MEMBERS_MAX];
    size_t count = split(cte->cte->query, parts);
    engine_query *q;
    engine_source *whole;
    bool recursive = false;
    *ret = NULL;
    if (count < 2)
        return ENTRASQL_OK;
    ES_TRY(bind_inside(b, cte, parts[0], &q));
    ES_TRY(engine_bind_query_source(b, q, &cte->cte->columns, cte->cte->name.text, &whole));
    whole->kind = ENGINE_SOURCE_RECURSIVE;
    whole->query = NULL;
    for (size_t c = 0; c < whole->column_count; c++)
        whole->columns[c].nullable = true;
    ES_TRY(add_member(b, whole, q));
    for (size_t i = 1; i < count; i++) {
        cte->anchor = whole;
        cte->references = 0;
        entrasql_status status = bind_inside(b, cte, parts[i], &q);
        cte->anchor = NULL;
        ES_TRY(status);
        ES_TRY(add_member(b, whole, q));
        if (cte->references != 0)
            ES_TRY(check_member(b, cte, q, whole));
        else if (recursive)
            return engine_error(b->err, 247, 1,
                                "An anchor member was found in the recursive part of recursive "
                                "query \"%s\".",
                                cte->cte->name.text);
        recursive = recursive || cte->references != 0;
    }
    *ret = recursive ? whole : NULL;
    return ENTRASQL_OK;
}

entrasql_status engine_bind_cte(engine_binder *b, engine_cte *cte, engine_source **ret)
{
    engine_query *q;
    if (cte->busy)
        return bind_reference(b, cte, ret);
    ES_TRY(bind_recursive(b, cte, ret));
    if (*ret != NULL)
        return ENTRASQL_OK;
    ES_TRY(bind_inside(b, cte, cte->cte->query, &q));
    return engine_bind_query_source(b, q, &cte->cte->columns, cte->cte->name.text, ret);
}
