/* SPDX-License-Identifier: MIT */
/*
 * The binder: from the parser's tree to the bound tree. Finds names in the
 * catalog and the scopes, infers every type, puts conversions in, and notes
 * which permissions the statement needs (checked by engine_bind_check() before
 * it runs).
 *
 * One binder a statement. Errors are SQL Server's compile-time errors.
 */
#ifndef ENGINE_BIND_H
#define ENGINE_BIND_H

#include "engine/bound.h"
#include "engine/builtin.h"
#include "engine/internal.h"
#include "tsql/arena.h"

struct engine_view;

/* Sources that names may mean, innermost SELECT first. */
typedef struct engine_scope {
    const struct engine_scope *outer;
    engine_source **sources;
    size_t count;
} engine_scope;

typedef struct engine_need {
    const char *permission;
    const engine_object *object;
    int32_t *columns;
    size_t column_count;
} engine_need;

typedef struct engine_cte {
    struct engine_cte *outer;
    const tsql_cte *cte;
    bool busy; /* its query is being bound: a reference now is recursive */
    /* The recursive part is being bound: what a reference stands for. */
    const engine_source *anchor;
    size_t references;
} engine_cte;

struct engine_binder {
    engine_session *s;
    engine_frame *frame;
    engine_catalog *catalog; /* a reference */
    tsql_arena arena;
    entrasql_error *err;
    uint32_t next_source;
    unsigned depth;
    engine_need *needs;
    size_t need_count;
    engine_cte *ctes;
    const engine_scope *scope;
    /* Where the binder stands in a SELECT. */
    bool aggregates_allowed;
    bool in_aggregate;
    bool windows_allowed;
    bool saw_aggregate;
    bool no_defaults;            /* DEFAULT may not stand here */
    const engine_scope *lateral; /* what the right side of APPLY sees; NULL: nothing */
    const engine_source *action; /* $action in the OUTPUT of a MERGE; NULL: none */
    const tsql_option *option;   /* of the statement, for MAXRECURSION; NULL: none */
    unsigned stored_depth;       /* inside the text of a view or function: its lines are not ours */
    bool chains;                 /* what `owner` owns needs no permission: views, procedures */
    int32_t owner;
    tsql_batch **batches; /* parsed texts that the bound tree points into */
    size_t batch_count;
};

/* What entering a stored text puts aside. */
typedef struct engine_bind_state {
    const engine_scope *scope;
    engine_cte *ctes;
    bool chains;
    int32_t owner;
    unsigned depth;
} engine_bind_state;

entrasql_status engine_binder_init(engine_binder *b, engine_session *s,
                                   entrasql_error *err) ES_MUST_USE;
void engine_binder_done(engine_binder *b); /* for ES_CLEANUP */
/* 229 and 230 for what the statement needs. */
entrasql_status engine_bind_check(engine_binder *b) ES_MUST_USE;
entrasql_status engine_bind_need(engine_binder *b, const char *permission, const engine_object *o,
                                 int32_t column) ES_MUST_USE;

/* ---- whole parts ---- */

entrasql_status engine_bind_query(engine_binder *b, const tsql_query *q,
                                  engine_query **ret) ES_MUST_USE;
/* A SELECT with its WITH list, as it stands alone; assignments allowed. */
entrasql_status engine_bind_select(engine_binder *b, const tsql_select_stmt *select,
                                   engine_query **ret) ES_MUST_USE;
entrasql_status engine_bind_with(engine_binder *b, const tsql_with *with) ES_MUST_USE;
entrasql_status engine_bind_expr(engine_binder *b, const tsql_expr *e,
                                 engine_node **ret) ES_MUST_USE;
entrasql_status engine_bind_cond(engine_binder *b, const tsql_cond *c,
                                 engine_node **ret) ES_MUST_USE;
entrasql_status engine_bind_call(engine_binder *b, const tsql_expr *e,
                                 engine_node **ret) ES_MUST_USE;
/* Types the arguments and the result of a call by the function's signature or bind function. */
entrasql_status engine_bind_builtin(engine_binder *b, engine_node *call) ES_MUST_USE;
entrasql_status engine_bind_aggregate(engine_binder *b, const tsql_call *call, bool *ret_is,
                                      engine_node **ret) ES_MUST_USE;
/* FROM; its leaves are added to the scope, which the caller makes the current one. */
entrasql_status engine_bind_from(engine_binder *b, const tsql_source *from, engine_scope *scope,
                                 engine_source **ret) ES_MUST_USE;
/* The stored text of a default or computed column. */
entrasql_status engine_bind_text(engine_binder *b, const char *text, engine_node **ret) ES_MUST_USE;
/* The stored text of a check. */
entrasql_status engine_bind_cond_text(engine_binder *b, const char *text,
                                      engine_node **ret) ES_MUST_USE;

/* ---- common table expressions (bind_cte.c) ---- */

/* The innermost one that the name means; NULL: none. */
engine_cte *engine_cte_find(engine_binder *b, const tsql_object *object);
entrasql_status engine_bind_cte(engine_binder *b, engine_cte *cte, engine_source **ret) ES_MUST_USE;
engine_source *engine_source_new(engine_binder *b, engine_source_kind kind, size_t columns);

/* ---- JSON (bind_json.c) ---- */

/* OPENJSON, with its WITH list when there is one. */
entrasql_status engine_bind_openjson(engine_binder *b, const tsql_source *from,
                                     engine_source **ret) ES_MUST_USE;
/* FOR JSON: the query becomes one of a single text column. */
entrasql_status engine_bind_for_json(engine_binder *b, const tsql_for *clause,
                                     engine_query *q) ES_MUST_USE;
/* A system view or table function as a source. */
entrasql_status engine_bind_system_view(engine_binder *b, const struct engine_view *view,
                                        engine_source **ret) ES_MUST_USE;

/* ---- stored texts (bind_view.c) ---- */

/* A view of the catalog as a source. */
entrasql_status engine_bind_view(engine_binder *b, const engine_object *view,
                                 engine_source **ret) ES_MUST_USE;
/* The only statement of a stored definition; its tree lives as long as the binder. */
entrasql_status engine_bind_parse(engine_binder *b, const char *text,
                                  const tsql_stmt **ret) ES_MUST_USE;
/* Takes the batch over, also when it fails. */
entrasql_status engine_bind_keep(engine_binder *b, tsql_batch *batch) ES_MUST_USE;
/* Names outside do not count inside the text of a module, and its owner's rights do. */
void engine_bind_enter(engine_binder *b, const engine_object *module, engine_bind_state *saved);
void engine_bind_leave(engine_binder *b, const engine_bind_state *saved);
/* A query as a source; `names` rename its columns when there are any. */
entrasql_status engine_bind_query_source(engine_binder *b, engine_query *q, const tsql_names *names,
                                         const char *alias, engine_source **ret) ES_MUST_USE;

/* ---- names ---- */

/* Which database and schema parts mean: 40515 for another database. */
entrasql_status engine_bind_schema(engine_session *s, const tsql_object *o, int32_t *ret_schema,
                                   bool *ret_given, entrasql_error *err) ES_MUST_USE;
/* An object of the catalog by name: *ret is NULL when there is none. */
entrasql_status engine_find_object(engine_session *s, const tsql_object *o,
                                   const engine_object **ret, entrasql_error *err) ES_MUST_USE;
/* The schema that a text names, in brackets, quotes or without; NULL: there is none. */
const engine_schema *engine_find_schema(engine_session *s, const char *text);
/* "a.b.c" as it was written, without quotes. */
const char *engine_object_text(const tsql_object *o, char *dst, size_t size);
entrasql_status engine_bind_column(engine_binder *b, const tsql_column_ref *ref,
                                   engine_node **ret) ES_MUST_USE;
entrasql_status engine_scope_add(engine_binder *b, engine_scope *scope,
                                 engine_source *source) ES_MUST_USE;
/* A table (catalog, #temp, @variable) as a source; 208 or 1087 when there is none. */
entrasql_status engine_bind_table(engine_binder *b, const tsql_object *object, const char *variable,
                                  engine_source **ret) ES_MUST_USE;
/* A source for a description of a table. */
entrasql_status engine_bind_object(engine_binder *b, const engine_object *o, const char *sql_name,
                                   engine_source **ret) ES_MUST_USE;

/* ---- nodes and types (bind_type.c) ---- */

void *engine_bind_alloc(engine_binder *b, size_t size); /* zeroed; NULL: return es_nomem(b->err) */
char *engine_bind_strdup(engine_binder *b, const char *s);
/* An array with room for one more element at [count]. */
void *engine_bind_room(engine_binder *b, void *items, size_t count, size_t size);
engine_node *engine_node_new(engine_binder *b, engine_node_kind kind);
engine_node *engine_node_list(engine_binder *b, engine_node_kind kind, size_t count);
/* A constant; the bytes are copied into the arena. */
entrasql_status engine_node_const(engine_binder *b, const sqlvalue *v,
                                  engine_node **ret) ES_MUST_USE;
engine_node *engine_node_of(engine_binder *b, const engine_source *source, size_t column);
/* A call of an inner function by name; args are taken over. */
entrasql_status engine_node_call(engine_binder *b, const char *name, sqltype type,
                                 engine_node **args, size_t count, engine_node **ret) ES_MUST_USE;

typedef enum engine_cast_mode {
    ENGINE_CAST_IMPLICIT,
    ENGINE_CAST_EXPLICIT,
    ENGINE_CAST_TRY
} engine_cast_mode;
/* Converts unless nothing is to do; 206, 257, 529. style: a node or NULL. */
entrasql_status engine_bind_cast(engine_binder *b, engine_node **node, sqltype type,
                                 engine_cast_mode mode, engine_node *style) ES_MUST_USE;
/* Brings two sides of a comparison to types that SQLite can compare. */
entrasql_status engine_bind_pair(engine_binder *b, engine_node **left, engine_node **right,
                                 const char *what) ES_MUST_USE;
entrasql_status engine_bind_arith(engine_binder *b, tsql_op op, engine_node *left,
                                  engine_node *right, engine_node **ret) ES_MUST_USE;
entrasql_status engine_bind_unary(engine_binder *b, tsql_op op, engine_node *operand,
                                  engine_node **ret) ES_MUST_USE;
entrasql_status engine_bind_compare(engine_binder *b, tsql_op op, engine_node *left,
                                    engine_node *right, engine_node **ret) ES_MUST_USE;
/* Runs a call whose arguments are constants; leaves it when that fails. */
entrasql_status engine_bind_fold(engine_binder *b, engine_node **node) ES_MUST_USE;
/* The column of a query in another type, on both sides of set operators. */
entrasql_status engine_bind_query_type(engine_binder *b, engine_query *q, size_t column,
                                       sqltype type) ES_MUST_USE;
/* Fills q->columns from the items. */
entrasql_status engine_bind_columns(engine_binder *b, engine_query *q) ES_MUST_USE;
/* A text that CAST and literals give: at least one character long. */
sqltype engine_text_type(sqltype_id id, size_t units);

#endif
