/* SPDX-License-Identifier: MIT */
/*
 * What the parser's files share: the token window, the helpers to read and
 * to report, and one reading function per part of the grammar. Private to
 * this folder.
 *
 * A reading function starts at its first token, leaves the parser behind its
 * last one, and fails only after describing the error. Recursion goes through
 * tsql_enter() / tsql_leave().
 */
#ifndef TSQL_PARSER_IMPL_H
#define TSQL_PARSER_IMPL_H

#include "tsql/arena.h"
#include "tsql/lexer.h"
#include "tsql/parser.h"

enum { TSQL_LOOKAHEAD = 8 };

struct tsql_batch {
    tsql_arena arena;
    const char *text;
    size_t length;
    tsql_stmts statements;
};

typedef struct tsql_parser {
    tsql_batch *batch;
    tsql_lexer lexer;
    entrasql_error *err;             /* never NULL */
    tsql_token ring[TSQL_LOOKAHEAD]; /* the current token and those after it */
    size_t first;                    /* of the ring */
    size_t filled;
    tsql_token last; /* the token before the current one */
    unsigned depth;
    unsigned height; /* operators on the longest path of the trees just read: tsql_chain_begin */
    size_t statement_count; /* begun so far, at any depth */
    bool in_module;         /* inside a procedure's body */
} tsql_parser;

/* ---- tokens ---- */

const tsql_token *tsql_at(tsql_parser *p);              /* the current one */
const tsql_token *tsql_ahead(tsql_parser *p, size_t n); /* n < TSQL_LOOKAHEAD; 0: the current one */
void tsql_advance(tsql_parser *p);

bool tsql_is(tsql_parser *p, tsql_token_kind kind);
bool tsql_is_kw(tsql_parser *p, tsql_keyword keyword);
bool tsql_is_word(tsql_parser *p, const char *word); /* an unquoted word, case ignored */
bool tsql_token_is_word(const tsql_token *token, const char *word);
bool tsql_accept(tsql_parser *p, tsql_token_kind kind);
bool tsql_accept_kw(tsql_parser *p, tsql_keyword keyword);
bool tsql_accept_word(tsql_parser *p, const char *word);
entrasql_status tsql_expect(tsql_parser *p, tsql_token_kind kind) ES_MUST_USE;
entrasql_status tsql_expect_kw(tsql_parser *p, tsql_keyword keyword) ES_MUST_USE;
entrasql_status tsql_expect_word(tsql_parser *p, const char *word) ES_MUST_USE;

/* ---- errors ---- */

/* The error for a token that does not fit here: 102, 156, 319, or the lexer's own. */
entrasql_status tsql_unexpected(tsql_parser *p);
/* 40510 (a statement) and 40514 (a part of one): Azure SQL or this parser does not have it. */
entrasql_status tsql_unsupported_statement(tsql_parser *p, const char *what);
entrasql_status tsql_unsupported_part(tsql_parser *p, const char *what);
/* The current token (at the end: the last one) as messages name it. */
void tsql_near(tsql_parser *p, char *dst, size_t size);

entrasql_status tsql_enter(tsql_parser *p) ES_MUST_USE; /* 191 when too deep */
void tsql_leave(tsql_parser *p);

/*
 * Around a loop that joins operands: begin, the first operand, then for each
 * further one tsql_chain_operator() behind it, end. Operands do the same, so
 * p->height is the height of the tree built so far: 191 past TSQL_MAX_CHAIN.
 */
unsigned tsql_chain_begin(tsql_parser *p); /* the value for end */
entrasql_status tsql_chain_operator(tsql_parser *p) ES_MUST_USE;
void tsql_chain_end(tsql_parser *p, unsigned begun);

/* ---- memory and spans ---- */

void *tsql_alloc(tsql_parser *p, size_t size); /* NULL: return es_nomem(p->err) */
void *tsql_room(tsql_parser *p, void *items, size_t count, size_t size);
tsql_span tsql_span_begin(tsql_parser *p);               /* at the current token */
tsql_span tsql_span_end(tsql_parser *p, tsql_span from); /* up to the last token read */
entrasql_status tsql_push_expr(tsql_parser *p, tsql_exprs *list, tsql_expr *expr) ES_MUST_USE;
entrasql_status tsql_push_name(tsql_parser *p, tsql_names *list, tsql_name name) ES_MUST_USE;
entrasql_status tsql_push_object(tsql_parser *p, tsql_objects *list,
                                 tsql_object object) ES_MUST_USE;
entrasql_status tsql_push_stmt(tsql_parser *p, tsql_stmts *list, tsql_stmt *stmt) ES_MUST_USE;

/* ---- names and types (parser_name.c) ---- */

bool tsql_is_name(tsql_parser *p); /* quoted, or a word that is not reserved */
bool tsql_token_is_name(const tsql_token *token);
entrasql_status tsql_token_text(tsql_parser *p, const tsql_token *token,
                                tsql_name *ret) ES_MUST_USE;
entrasql_status tsql_read_name(tsql_parser *p, tsql_name *ret) ES_MUST_USE;
/* A name, or a reserved word taken as one (permissions, options, hints). */
entrasql_status tsql_read_any_word(tsql_parser *p, tsql_name *ret) ES_MUST_USE;
entrasql_status tsql_read_object(tsql_parser *p, tsql_object *ret) ES_MUST_USE;
/* "(a, b, c)" of names. */
entrasql_status tsql_read_name_list(tsql_parser *p, tsql_names *ret) ES_MUST_USE;
entrasql_status tsql_read_variable(tsql_parser *p, const char **ret) ES_MUST_USE;
entrasql_status tsql_read_string(tsql_parser *p, const char **ret,
                                 uint32_t *ret_length) ES_MUST_USE;
entrasql_status tsql_read_type(tsql_parser *p, tsql_type *ret) ES_MUST_USE;
/* [+|-] digits, as text. */
entrasql_status tsql_read_signed_integer(tsql_parser *p, const char **ret) ES_MUST_USE;
entrasql_status tsql_read_u32(tsql_parser *p, uint32_t *ret) ES_MUST_USE;
/* From '(' to its ')': options that have no meaning here. */
entrasql_status tsql_skip_parens(tsql_parser *p) ES_MUST_USE;

/* ---- expressions and conditions (parser_expr.c, parser_primary.c, parser_cond.c) ---- */

/* What brackets may hold in a condition: one of the two. */
typedef struct tsql_operand {
    tsql_expr *expr;
    tsql_cond *cond;
} tsql_operand;

tsql_expr *tsql_new_expr(tsql_parser *p, tsql_expr_kind kind, tsql_span span);
entrasql_status tsql_read_expr(tsql_parser *p, tsql_expr **ret) ES_MUST_USE;
entrasql_status tsql_read_cond(tsql_parser *p, tsql_cond **ret) ES_MUST_USE;
/* A scalar or a condition, whichever is there. */
entrasql_status tsql_read_either(tsql_parser *p, tsql_operand *ret) ES_MUST_USE;
/* A scalar, where brackets may also hold a condition when cond_allowed. */
entrasql_status tsql_read_arith(tsql_parser *p, bool cond_allowed, tsql_operand *ret) ES_MUST_USE;
entrasql_status tsql_read_primary(tsql_parser *p, bool cond_allowed, tsql_operand *ret) ES_MUST_USE;
entrasql_status tsql_read_literal(tsql_parser *p, tsql_expr **ret) ES_MUST_USE;
/* The literals, variables and signs that procedure arguments and defaults may be. */
entrasql_status tsql_read_constant(tsql_parser *p, tsql_expr **ret) ES_MUST_USE;
bool tsql_is_literal(tsql_parser *p);
entrasql_status tsql_read_expr_list(tsql_parser *p, tsql_exprs *ret) ES_MUST_USE; /* a, b, c */
/* The call behind a function's name; the current token is its '('. */
entrasql_status tsql_read_call(tsql_parser *p, const tsql_object *name,
                               tsql_call **ret) ES_MUST_USE;
/* 4145 near the current token. */
entrasql_status tsql_not_boolean(tsql_parser *p);
tsql_op tsql_assign_op(tsql_token_kind kind); /* of '+=' and kin; TSQL_OP_NONE for others */
bool tsql_is_assign(tsql_parser *p);          /* '=' or '+=' and kin */
entrasql_status tsql_read_assign_op(tsql_parser *p, tsql_op *ret) ES_MUST_USE;

/* ---- queries (parser_query.c, parser_source.c) ---- */

bool tsql_is_query_start(tsql_parser *p); /* SELECT, or brackets around one */
entrasql_status tsql_read_query(tsql_parser *p, tsql_query **ret) ES_MUST_USE;
/* More of a query whose first part is there: set operators, ORDER BY, FOR. */
entrasql_status tsql_read_query_rest(tsql_parser *p, tsql_query *first,
                                     tsql_query **ret) ES_MUST_USE;
bool tsql_is_set_op(tsql_parser *p);
entrasql_status tsql_read_with(tsql_parser *p, tsql_with *ret) ES_MUST_USE;     /* at WITH */
entrasql_status tsql_read_option(tsql_parser *p, tsql_option *ret) ES_MUST_USE; /* if there */
entrasql_status tsql_read_top(tsql_parser *p, tsql_top **ret) ES_MUST_USE;      /* if there */
entrasql_status tsql_read_items(tsql_parser *p, tsql_items *ret) ES_MUST_USE;
entrasql_status tsql_read_order(tsql_parser *p, tsql_order *ret) ES_MUST_USE;  /* behind ORDER BY */
entrasql_status tsql_read_from(tsql_parser *p, tsql_source **ret) ES_MUST_USE; /* behind FROM */
entrasql_status tsql_read_source(tsql_parser *p, tsql_source **ret) ES_MUST_USE; /* with joins */
entrasql_status tsql_read_hints(tsql_parser *p,
                                tsql_names *ret) ES_MUST_USE;               /* WITH (..) if there */
entrasql_status tsql_read_rows(tsql_parser *p, tsql_rows *ret) ES_MUST_USE; /* behind VALUES */
entrasql_status tsql_read_select(tsql_parser *p, tsql_select_stmt **ret) ES_MUST_USE;

/* ---- statements ---- */

tsql_stmt *tsql_new_stmt(tsql_parser *p, tsql_stmt_kind kind, tsql_span span);
bool tsql_is_statement_start(tsql_parser *p);
entrasql_status tsql_read_statement(tsql_parser *p, tsql_stmt **ret) ES_MUST_USE;
/* Statements up to the end of the text, or to END. */
entrasql_status tsql_read_statements(tsql_parser *p, tsql_stmts *ret) ES_MUST_USE;

/* parser_dml.c; each at its keyword. `with` was read before it, may be empty. */
entrasql_status tsql_read_insert(tsql_parser *p, const tsql_with *with,
                                 tsql_stmt *stmt) ES_MUST_USE;
entrasql_status tsql_read_update(tsql_parser *p, const tsql_with *with,
                                 tsql_stmt *stmt) ES_MUST_USE;
entrasql_status tsql_read_delete(tsql_parser *p, const tsql_with *with,
                                 tsql_stmt *stmt) ES_MUST_USE;
entrasql_status tsql_read_truncate(tsql_parser *p, tsql_stmt *stmt) ES_MUST_USE;
entrasql_status tsql_read_target(tsql_parser *p, tsql_target *ret) ES_MUST_USE;
entrasql_status tsql_read_output(tsql_parser *p, tsql_output **ret) ES_MUST_USE;  /* if there */
entrasql_status tsql_read_assigns(tsql_parser *p, tsql_assigns *ret) ES_MUST_USE; /* behind SET */
/* parser_merge.c */
entrasql_status tsql_read_merge(tsql_parser *p, const tsql_with *with, tsql_stmt *stmt) ES_MUST_USE;

/* parser_table.c */
entrasql_status tsql_read_create_table(tsql_parser *p, tsql_stmt *stmt) ES_MUST_USE;
entrasql_status tsql_read_alter_table(tsql_parser *p, tsql_stmt *stmt) ES_MUST_USE;
entrasql_status tsql_read_create_index(tsql_parser *p, tsql_stmt *stmt) ES_MUST_USE;
entrasql_status tsql_read_table_def(tsql_parser *p, tsql_table_def *ret) ES_MUST_USE; /* at '(' */
entrasql_status tsql_read_column_def(tsql_parser *p, tsql_column_def *ret) ES_MUST_USE;
entrasql_status tsql_push_column(tsql_parser *p, tsql_table_def *def,
                                 const tsql_column_def *column) ES_MUST_USE;
/* parser_constraint.c */
bool tsql_is_constraint_start(tsql_parser *p);
entrasql_status tsql_read_constraint(tsql_parser *p, bool in_column,
                                     tsql_constraints *ret) ES_MUST_USE;
entrasql_status tsql_read_index_columns(tsql_parser *p, tsql_index_columns *ret) ES_MUST_USE;
/* WITH (...), ON filegroup: index and table options without a meaning here. */
entrasql_status tsql_skip_storage(tsql_parser *p) ES_MUST_USE;
tsql_clustered tsql_read_clustered(tsql_parser *p);

/* parser_object.c: CREATE, ALTER, DROP. */
entrasql_status tsql_read_create(tsql_parser *p, tsql_stmt *stmt) ES_MUST_USE;
entrasql_status tsql_read_alter(tsql_parser *p, tsql_stmt *stmt) ES_MUST_USE;
entrasql_status tsql_read_drop(tsql_parser *p, tsql_stmt *stmt) ES_MUST_USE;
/* parser_module.c: behind CREATE [OR ALTER] / ALTER. */
entrasql_status tsql_read_view(tsql_parser *p, tsql_create_mode mode, tsql_stmt *stmt) ES_MUST_USE;
entrasql_status tsql_read_procedure(tsql_parser *p, tsql_create_mode mode,
                                    tsql_stmt *stmt) ES_MUST_USE;
entrasql_status tsql_read_function(tsql_parser *p, tsql_create_mode mode,
                                   tsql_stmt *stmt) ES_MUST_USE;
entrasql_status tsql_read_trigger(tsql_parser *p, tsql_create_mode mode,
                                  tsql_stmt *stmt) ES_MUST_USE;
entrasql_status tsql_read_param(tsql_parser *p, tsql_params *ret) ES_MUST_USE;

/* parser_security.c */
entrasql_status tsql_read_user(tsql_parser *p, bool alter, tsql_stmt *stmt) ES_MUST_USE;
entrasql_status tsql_read_role(tsql_parser *p, bool alter, tsql_stmt *stmt) ES_MUST_USE;
entrasql_status tsql_read_grant(tsql_parser *p, tsql_stmt *stmt) ES_MUST_USE;

/* parser_control.c, parser_block.c, parser_exec.c, parser_set.c, parser_cursor.c: at the keyword.
 */
entrasql_status tsql_read_block(tsql_parser *p, tsql_stmt *stmt) ES_MUST_USE; /* BEGIN ... */
entrasql_status tsql_read_if(tsql_parser *p, tsql_stmt *stmt) ES_MUST_USE;
entrasql_status tsql_read_while(tsql_parser *p, tsql_stmt *stmt) ES_MUST_USE;
entrasql_status tsql_read_return(tsql_parser *p, tsql_stmt *stmt) ES_MUST_USE;
entrasql_status tsql_read_print(tsql_parser *p, tsql_stmt *stmt) ES_MUST_USE;
entrasql_status tsql_read_raiserror(tsql_parser *p, tsql_stmt *stmt) ES_MUST_USE;
entrasql_status tsql_read_throw(tsql_parser *p, tsql_stmt *stmt) ES_MUST_USE;
entrasql_status tsql_read_tran(tsql_parser *p, tsql_tran_kind kind, tsql_stmt *stmt) ES_MUST_USE;
entrasql_status tsql_read_declare(tsql_parser *p, tsql_stmt *stmt) ES_MUST_USE;
entrasql_status tsql_read_use(tsql_parser *p, tsql_stmt *stmt) ES_MUST_USE;
entrasql_status tsql_read_waitfor(tsql_parser *p, tsql_stmt *stmt) ES_MUST_USE;
entrasql_status tsql_read_goto(tsql_parser *p, tsql_stmt *stmt) ES_MUST_USE;
entrasql_status tsql_read_dbcc(tsql_parser *p, tsql_stmt *stmt) ES_MUST_USE;
entrasql_status tsql_read_set(tsql_parser *p, tsql_stmt *stmt) ES_MUST_USE;
entrasql_status tsql_read_exec_statement(tsql_parser *p, tsql_stmt *stmt) ES_MUST_USE;
entrasql_status tsql_read_exec(tsql_parser *p, tsql_exec_stmt **ret) ES_MUST_USE; /* behind EXEC */
entrasql_status tsql_read_bare_exec(tsql_parser *p, tsql_stmt *stmt) ES_MUST_USE;
entrasql_status tsql_read_cursor(tsql_parser *p, tsql_stmt *stmt) ES_MUST_USE;
bool tsql_is_cursor_declare(tsql_parser *p); /* at DECLARE */

#endif
