/* SPDX-License-Identifier: MIT */
/*
 * The tree of a T-SQL batch, lower half: places, names, types, expressions,
 * conditions and queries. tsql/ast.h has the rules and the statements.
 */
#ifndef TSQL_AST_QUERY_H
#define TSQL_AST_QUERY_H

#include "sqltype/type.h"

/* ---- places and names ---- */

/* Bytes [start, end) of the text; line of the first one, 1-based. */
typedef struct tsql_span {
    uint32_t line;
    uint32_t start;
    uint32_t end;
} tsql_span;

typedef struct tsql_expr tsql_expr;
typedef struct tsql_cond tsql_cond;
typedef struct tsql_query tsql_query;
typedef struct tsql_source tsql_source;
typedef struct tsql_stmt tsql_stmt;

/* An identifier without its quotes. */
typedef struct tsql_name {
    const char *text; /* NULL: absent. "" only for a part left out, as in db..t */
    uint32_t length;
    bool quoted; /* [x] or "x" */
    tsql_span span;
} tsql_name;

typedef struct tsql_names {
    tsql_name *items;
    size_t count;
} tsql_names;

/* [[[server.]database.]schema.]name; missing parts are absent or "". */
typedef struct tsql_object {
    tsql_name server;
    tsql_name database;
    tsql_name schema;
    tsql_name name;
    tsql_span span;
} tsql_object;

typedef struct tsql_objects {
    tsql_object *items;
    size_t count;
} tsql_objects;

typedef struct tsql_exprs {
    tsql_expr **items;
    size_t count;
} tsql_exprs;

/* A data type as written. tsql_type_resolve() (tsql/type.h) gives the sqltype. */
typedef struct tsql_type {
    tsql_object name;  /* schema and name; "double precision" and such are one name */
    sqltype_id id;     /* SQLTYPE_UNKNOWN: not a built-in type */
    uint8_t arg_count; /* 0, 1 or 2 numbers in brackets */
    bool is_max;       /* (max) */
    uint32_t args[2];
    tsql_span span;
} tsql_type;

/* ---- scalar expressions ---- */

typedef enum tsql_expr_kind {
    TSQL_EXPR_NULL,
    TSQL_EXPR_DEFAULT,      /* the keyword: VALUES, SET col =, procedure arguments */
    TSQL_EXPR_INTEGER,      /* text: digits; may be beyond bigint (then it is a numeric) */
    TSQL_EXPR_DECIMAL,      /* text: digits with one point */
    TSQL_EXPR_FLOAT,        /* text: with an exponent */
    TSQL_EXPR_MONEY,        /* text: without the currency sign; may begin with '-' */
    TSQL_EXPR_STRING,       /* text, length; unicode: N'..' */
    TSQL_EXPR_BINARY,       /* bytes in text, length */
    TSQL_EXPR_VARIABLE,     /* text with '@' */
    TSQL_EXPR_GLOBAL,       /* text with '@@' */
    TSQL_EXPR_COLUMN,       /* column */
    TSQL_EXPR_PSEUDO,       /* text: "$action", "$identity", "$rowguid"; column.object: its table */
    TSQL_EXPR_UNARY,        /* op, left */
    TSQL_EXPR_ARITH,        /* op, left, right */
    TSQL_EXPR_CASE,         /* kase */
    TSQL_EXPR_CAST,         /* cast: CAST, TRY_CAST, CONVERT, TRY_CONVERT, PARSE, TRY_PARSE */
    TSQL_EXPR_COALESCE,     /* args, 2 or more */
    TSQL_EXPR_NULLIF,       /* args, 2 */
    TSQL_EXPR_IIF,          /* kase with one WHEN and ELSE, searched */
    TSQL_EXPR_FUNCTION,     /* call */
    TSQL_EXPR_SUBQUERY,     /* query */
    TSQL_EXPR_COLLATE,      /* left, name */
    TSQL_EXPR_AT_TIME_ZONE, /* left, right */
    TSQL_EXPR_NEXT_VALUE    /* sequence: NEXT VALUE FOR s */
} tsql_expr_kind;

typedef enum tsql_op {
    TSQL_OP_NONE,
    TSQL_OP_PLUS,  /* unary too */
    TSQL_OP_MINUS, /* unary too */
    TSQL_OP_MUL,
    TSQL_OP_DIV,
    TSQL_OP_MOD,
    TSQL_OP_BITAND,
    TSQL_OP_BITOR,
    TSQL_OP_BITXOR,
    TSQL_OP_BITNOT, /* unary */
    TSQL_OP_EQ,     /* from here on: comparisons, in conditions only */
    TSQL_OP_NE,
    TSQL_OP_LT,
    TSQL_OP_LE,
    TSQL_OP_GT,
    TSQL_OP_GE
} tsql_op;

/* [[[db.]schema.]table.]column; object.name is the table or its alias. */
typedef struct tsql_column_ref {
    tsql_object object; /* object.name absent: a bare column name */
    tsql_name name;
} tsql_column_ref;

typedef struct tsql_when {
    tsql_expr *value; /* simple CASE */
    tsql_cond *cond;  /* searched CASE */
    tsql_expr *result;
    tsql_span span;
} tsql_when;

typedef struct tsql_case {
    tsql_expr *operand; /* NULL: searched */
    tsql_when *whens;
    size_t when_count;
    tsql_expr *otherwise; /* NULL: none */
} tsql_case;

typedef enum tsql_cast_form { TSQL_CAST_CAST, TSQL_CAST_CONVERT, TSQL_CAST_PARSE } tsql_cast_form;

typedef struct tsql_cast {
    tsql_cast_form form;
    bool is_try;
    tsql_type type;
    tsql_expr *operand;
    tsql_expr *style; /* CONVERT's third argument; PARSE's USING culture */
} tsql_cast;

typedef struct tsql_order_item {
    tsql_expr *expr;
    bool descending;
    tsql_span span;
} tsql_order_item;

typedef struct tsql_order {
    tsql_order_item *items;
    size_t count;
} tsql_order;

typedef enum tsql_frame_unit { TSQL_FRAME_NONE, TSQL_FRAME_ROWS, TSQL_FRAME_RANGE } tsql_frame_unit;

typedef enum tsql_bound_kind {
    TSQL_BOUND_UNBOUNDED_PRECEDING,
    TSQL_BOUND_PRECEDING,
    TSQL_BOUND_CURRENT_ROW,
    TSQL_BOUND_FOLLOWING,
    TSQL_BOUND_UNBOUNDED_FOLLOWING
} tsql_bound_kind;

typedef struct tsql_bound {
    tsql_bound_kind kind;
    tsql_expr *rows; /* for n PRECEDING, n FOLLOWING */
} tsql_bound;

typedef struct tsql_over {
    tsql_exprs partition;
    tsql_order order;
    tsql_frame_unit frame;
    tsql_bound from;
    tsql_bound to; /* CURRENT ROW when BETWEEN was not written */
    tsql_span span;
} tsql_over;

/*
 * A function call. Functions without brackets (CURRENT_TIMESTAMP, USER,
 * SESSION_USER, CURRENT_USER, SYSTEM_USER) have no_brackets set. Date parts
 * (DATEADD(day, ...)) arrive as a TSQL_EXPR_COLUMN first argument.
 */
typedef struct tsql_call {
    tsql_object name;
    tsql_exprs args;
    bool star; /* COUNT(*) */
    bool distinct;
    bool no_brackets;
    bool ignore_nulls;
    tsql_order within_group; /* WITHIN GROUP (ORDER BY ...) */
    tsql_over *over;
} tsql_call;

struct tsql_expr {
    tsql_expr_kind kind;
    tsql_op op;
    bool unicode; /* strings: N'..' */
    bool parens;  /* was in brackets of its own */
    tsql_span span;
    const char *text;
    uint32_t length;
    tsql_expr *left;
    tsql_expr *right;
    union {
        tsql_column_ref *column;
        tsql_case *kase;
        tsql_cast *cast;
        tsql_call *call;
        tsql_query *query;
        tsql_exprs args;
        tsql_name name;
        tsql_object *sequence;
    } u;
};

/* ---- conditions ---- */

typedef enum tsql_cond_kind {
    TSQL_COND_AND,        /* a, b */
    TSQL_COND_OR,         /* a, b */
    TSQL_COND_NOT,        /* a */
    TSQL_COND_COMPARE,    /* op, left, right */
    TSQL_COND_QUANTIFIED, /* op, left, all (else ANY/SOME), query */
    TSQL_COND_IS_NULL,    /* negated, left */
    TSQL_COND_DISTINCT,   /* negated: IS NOT DISTINCT FROM; left, right */
    TSQL_COND_IN_LIST,    /* negated, left, list */
    TSQL_COND_IN_QUERY,   /* negated, left, query */
    TSQL_COND_BETWEEN,    /* negated, left, right AND high */
    TSQL_COND_LIKE,       /* negated, left, right, escape */
    TSQL_COND_EXISTS,     /* query */
    TSQL_COND_UPDATE      /* UPDATE(column) in triggers: name */
} tsql_cond_kind;

struct tsql_cond {
    tsql_cond_kind kind;
    tsql_op op;
    bool negated;
    bool all;
    tsql_span span;
    tsql_cond *a;
    tsql_cond *b;
    tsql_expr *left;
    tsql_expr *right;
    tsql_expr *high;
    tsql_expr *escape;
    tsql_exprs list;
    tsql_query *query;
    tsql_name name;
};

/* ---- queries ---- */

typedef enum tsql_item_kind {
    TSQL_ITEM_EXPR,  /* expr, alias */
    TSQL_ITEM_STAR,  /* object.name: "t.*"; absent: "*" */
    TSQL_ITEM_ASSIGN /* @variable op= expr */
} tsql_item_kind;

typedef struct tsql_item {
    tsql_item_kind kind;
    tsql_expr *expr;
    tsql_name alias; /* also from alias = expr and 'alias' */
    tsql_object object;
    const char *variable; /* with '@' */
    tsql_op assign_op;    /* TSQL_OP_NONE for plain '=' */
    tsql_span span;
} tsql_item;

typedef struct tsql_items {
    tsql_item *items;
    size_t count;
} tsql_items;

typedef struct tsql_top {
    tsql_expr *count;
    bool percent;
    bool with_ties;
} tsql_top;

typedef enum tsql_join_kind {
    TSQL_JOIN_INNER, /* also JOIN alone */
    TSQL_JOIN_LEFT,
    TSQL_JOIN_RIGHT,
    TSQL_JOIN_FULL,
    TSQL_JOIN_CROSS, /* also the comma in FROM */
    TSQL_JOIN_CROSS_APPLY,
    TSQL_JOIN_OUTER_APPLY
} tsql_join_kind;

typedef enum tsql_source_kind {
    TSQL_SOURCE_OBJECT,   /* object: table, view, CTE, #temp */
    TSQL_SOURCE_VARIABLE, /* variable: @t */
    TSQL_SOURCE_FUNCTION, /* call; schema_columns: OPENJSON ... WITH (...) */
    TSQL_SOURCE_DERIVED,  /* query */
    TSQL_SOURCE_VALUES,   /* rows */
    TSQL_SOURCE_JOIN      /* join, left, right, on */
} tsql_source_kind;

/* One column of OPENJSON ... WITH (...). */
typedef struct tsql_json_column {
    tsql_name name;
    tsql_type type;
    const char *path; /* NULL: "$.<name>" */
    bool as_json;
    tsql_span span;
} tsql_json_column;

typedef struct tsql_rows {
    tsql_exprs *items;
    size_t count;
} tsql_rows;

struct tsql_source {
    tsql_source_kind kind;
    tsql_span span;
    tsql_object object;
    const char *variable;
    tsql_name alias;
    tsql_names columns; /* AS alias (c1, c2) */
    tsql_names hints;   /* WITH (NOLOCK, ...): names only */
    tsql_call *call;
    tsql_json_column *json_columns;
    size_t json_column_count;
    tsql_query *query;
    tsql_rows rows;
    tsql_join_kind join;
    tsql_source *left;
    tsql_source *right;
    tsql_cond *on;
};

typedef enum tsql_set_op {
    TSQL_SET_OP_UNION,
    TSQL_SET_OP_UNION_ALL,
    TSQL_SET_OP_EXCEPT,
    TSQL_SET_OP_INTERSECT
} tsql_set_op;

typedef enum tsql_for_kind {
    TSQL_FOR_NONE,
    TSQL_FOR_JSON,
    TSQL_FOR_XML,
    TSQL_FOR_BROWSE
} tsql_for_kind;

typedef struct tsql_for {
    tsql_for_kind kind;
    const char *mode;    /* "PATH", "AUTO", "RAW", "EXPLICIT", upper case; NULL for BROWSE */
    const char *element; /* PATH('x'), RAW('x') */
    const char *root;    /* ROOT or ROOT('x'): the name, "root" by default */
    bool include_null_values;
    bool without_array_wrapper;
    bool type;     /* FOR XML ..., TYPE */
    bool elements; /* FOR XML ..., ELEMENTS */
    tsql_span span;
} tsql_for;

typedef enum tsql_query_kind {
    TSQL_QUERY_SELECT, /* one SELECT */
    TSQL_QUERY_SET_OP  /* left op right */
} tsql_query_kind;

/* A query expression. ORDER BY, OFFSET and FOR belong to the outermost node they follow. */
struct tsql_query {
    tsql_query_kind kind;
    tsql_span span;
    /* TSQL_QUERY_SELECT */
    bool distinct;
    tsql_top *top;
    tsql_items items;
    tsql_object *into; /* SELECT ... INTO */
    tsql_source *from; /* NULL: no FROM */
    tsql_cond *where;
    tsql_exprs group_by;
    tsql_cond *having;
    /* TSQL_QUERY_SET_OP */
    tsql_set_op op;
    tsql_query *left;
    tsql_query *right;
    /* both */
    tsql_order order_by;
    tsql_expr *offset;
    tsql_expr *fetch;
    tsql_for *for_clause;
};

typedef struct tsql_cte {
    tsql_name name;
    tsql_names columns;
    tsql_query *query;
    tsql_span span;
} tsql_cte;

typedef struct tsql_with {
    tsql_cte *items;
    size_t count;
} tsql_with;

/* OPTION (...): only what has a meaning for us. */
typedef struct tsql_option {
    bool has_max_recursion;
    uint32_t max_recursion;
    tsql_names hints; /* the first word of each */
} tsql_option;

typedef struct tsql_select_stmt {
    tsql_with with;
    tsql_query *query;
    tsql_option option;
} tsql_select_stmt;

#endif
