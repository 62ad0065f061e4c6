/* SPDX-License-Identifier: MIT */
/*
 * The bound tree: a query whose names are found and whose types are known.
 * The binder makes it from the parser's tree (bind.h), the emitter turns it
 * into SQLite's SQL (emit.h).
 *
 * Everything lies in the arena of the binder and points into the catalog's
 * picture that the binder holds. Sources are numbered within a statement, so
 * that their aliases (s1, s2 ...) are clear at any depth of nesting; the
 * columns of every source are called c1, c2 ... in SQL.
 */
#ifndef ENGINE_BOUND_H
#define ENGINE_BOUND_H

#include "engine/catalog.h"
#include "tsql/ast.h"

typedef struct engine_node engine_node;
typedef struct engine_query engine_query;
typedef struct engine_source engine_source;
typedef struct engine_builtin engine_builtin;

typedef enum engine_node_kind {
    ENGINE_NODE_CONST,     /* value */
    ENGINE_NODE_VARIABLE,  /* index: of the frame's variables */
    ENGINE_NODE_COLUMN,    /* source, index: of its columns */
    ENGINE_NODE_CALL,      /* builtin, args */
    ENGINE_NODE_CASE,      /* args: condition, result, ..., and the ELSE when the count is odd */
    ENGINE_NODE_COALESCE,  /* args, of one type */
    ENGINE_NODE_SUBQUERY,  /* query of one column */
    ENGINE_NODE_AGGREGATE, /* name: SQLite's function; args, distinct; over */
    ENGINE_NODE_COMPARE,   /* from here on conditions: op, args[0], args[1] */
    ENGINE_NODE_AND,       /* args[0], args[1] */
    ENGINE_NODE_OR,
    ENGINE_NODE_NOT,
    ENGINE_NODE_IS_NULL,    /* args[0], negated */
    ENGINE_NODE_DISTINCT,   /* args: IS [NOT] DISTINCT FROM, negated: NOT */
    ENGINE_NODE_IN_LIST,    /* args[0] in the others, negated */
    ENGINE_NODE_IN_QUERY,   /* args[0], query, negated */
    ENGINE_NODE_QUANTIFIED, /* op, args[0], all, query */
    ENGINE_NODE_EXISTS,     /* query */
    ENGINE_NODE_TRUTH       /* args[0]: a bit that a function gave (LIKE) */
} engine_node_kind;

typedef struct engine_order {
    engine_node *node;
    bool descending;
} engine_order;

typedef struct engine_window {
    engine_node **partition;
    size_t partition_count;
    engine_order *order;
    size_t order_count;
    tsql_frame_unit unit;
    tsql_bound_kind from;
    tsql_bound_kind to;
    engine_node *from_rows;
    engine_node *to_rows;
} engine_window;

/* `index` of a column node that means SQLite's rowid. */
#define ENGINE_ROWID SIZE_MAX

struct engine_node {
    engine_node_kind kind;
    sqltype type; /* of conditions: none */
    bool nullable;
    bool negated;
    bool all;
    bool distinct;
    tsql_op op;
    size_t index;
    sqlvalue value; /* its bytes lie in the arena */
    const engine_source *source;
    const engine_builtin *builtin;
    const char *name;
    const char *collation; /* COLLATE: SQLite's name */
    engine_node **args;
    size_t arg_count;
    engine_query *query;
    engine_window *window;
    engine_order *order; /* WITHIN GROUP */
    size_t order_count;
};

/* A column that a source or a query gives. */
typedef struct engine_bound_column {
    const char *name; /* "" for none */
    sqltype type;
    bool nullable;
    bool identity;
    bool computed;
    int32_t column_id;          /* of a table's column, else 0 */
    const engine_object *table; /* that the column is of, also behind a view; else NULL */
} engine_bound_column;

typedef enum engine_source_kind {
    ENGINE_SOURCE_TABLE, /* sql_name */
    ENGINE_SOURCE_QUERY, /* query */
    ENGINE_SOURCE_VALUES,
    ENGINE_SOURCE_JOIN,
    ENGINE_SOURCE_RECURSIVE, /* members */
    ENGINE_SOURCE_ROW        /* values that the executor binds: inserted, deleted, CHECK */
} engine_source_kind;

struct engine_source {
    engine_source_kind kind;
    uint32_t number;
    const char *alias;           /* as it may be named; NULL: cannot be */
    bool correlated;             /* the alias was written */
    const char *schema;          /* of a table named without an alias; NULL: alias alone */
    const engine_object *object; /* a table of the catalog, for permissions; else NULL */
    const engine_object *table;  /* any table, temporary ones too */
    const char *sql_name;
    bool by_rowid; /* SQLite's rowid is there */
    engine_bound_column *columns;
    size_t column_count;
    engine_query *query;
    engine_node ***rows;
    size_t row_count;
    engine_node **args; /* of a table function; NULL elements: left out */
    size_t arg_count;
    tsql_join_kind join;
    engine_source *left;
    engine_source *right;
    engine_node *on;
    engine_node **exprs;    /* what its columns are worked out from; NULL: SQLite's columns */
    engine_query **members; /* of a recursive common table expression */
    size_t member_count;
    const sqlvalue *values; /* ENGINE_SOURCE_ROW: what it holds now; set by the executor */
};

typedef struct engine_item {
    engine_node *node;
    const char *name;
    const char *variable; /* SELECT @v = ...; node already holds the new value */
} engine_item;

struct engine_query {
    bool is_set;
    /* one SELECT */
    bool distinct;
    bool grouped; /* GROUP BY or an aggregate */
    engine_item *items;
    size_t item_count;
    engine_source *from;
    engine_node *where;
    engine_node **group_by;
    size_t group_count;
    engine_node *having;
    uint32_t first_source; /* sources of this SELECT have numbers from here ... */
    uint32_t end_source;   /* ... to before this one */
    /* A member of a recursive expression also gives its level. */
    const engine_source *previous; /* the row before; NULL: an anchor, level 0 */
    uint32_t max_recursion;
    /* UNION and kin */
    tsql_set_op op;
    engine_query *left;
    engine_query *right;
    uint32_t left_number; /* source numbers that stand for the two sides */
    uint32_t right_number;
    /* both */
    engine_order *order;
    size_t order_count;
    engine_node *top;
    bool percent;
    bool with_ties;
    engine_node *offset;
    engine_node *fetch;
    uint32_t outer_number; /* source number for what is wrapped around */
    const char *json;      /* FOR JSON: options and names for es_for_json; else NULL */
    bool *json_raw;        /* columns that are JSON already */
    engine_bound_column *columns;
    size_t column_count;
};

/* Structural equality: the same expression. */
bool engine_node_equal(const engine_node *a, const engine_node *b);
/* At most one row by its shape. */
bool engine_query_is_single(const engine_query *q);

/* Calls visit for every node under a query or node, parents first; false stops the descent there.
 */
typedef bool engine_visit(void *ctx, engine_node *node);
void engine_node_walk(engine_node *node, engine_visit *visit, void *ctx);
void engine_query_walk(engine_query *q, engine_visit *visit, void *ctx);

#endif
