/* SPDX-License-Identifier: MIT */
/*
 * Running statements. A function run_*() does one kind of statement: it
 * returns SQL_ERROR with run->err filled for what the client is to hear, and
 * another failing status when the request is at its end (client gone,
 * cancelled). What an error does to the batch and the transaction is decided
 * in one place (run_error.c).
 */
#ifndef ENGINE_RUN_H
#define ENGINE_RUN_H

#include "engine/bind.h"
#include "engine/internal.h"

typedef enum engine_flow {
    ENGINE_FLOW_NEXT,
    ENGINE_FLOW_BREAK,
    ENGINE_FLOW_CONTINUE,
    ENGINE_FLOW_RETURN,
    ENGINE_FLOW_GOTO,
    ENGINE_FLOW_CATCH, /* an error looks for its TRY */
    ENGINE_FLOW_LEAVE, /* an error of the compiler looks for a TRY outside of this text */
    ENGINE_FLOW_END    /* the batch is over */
} engine_flow;

typedef struct engine_run {
    engine_session *s;
    const tsql_batch *batch;
    engine_flow flow;
    const char *label; /* of GOTO */
    entrasql_error *err;
    bool raised;     /* err comes from RAISERROR or THROW */
    bool ends_batch; /* THROW */
    bool checks;     /* the compile pass binds statements */
    const tsql_stmt *stmt;
} engine_run;

/*
 * Runs the statements of a text in a new frame, or in `frame` when one is
 * given (with its parameters). SQL_ERROR: the error is in err and belongs to a
 * TRY further out; everything else was told to the client.
 */
entrasql_status engine_run_text(engine_session *s, const char *text, size_t n, engine_frame *frame,
                                entrasql_error *err) ES_MUST_USE;
/* The same for the body of a procedure, whose tree is there. */
entrasql_status engine_run_body(engine_session *s, const tsql_batch *batch,
                                const tsql_stmts *statements, engine_frame *frame,
                                entrasql_error *err) ES_MUST_USE;
entrasql_status engine_run_list(engine_run *run, const tsql_stmts *list) ES_MUST_USE;
entrasql_status engine_run_stmt(engine_run *run, const tsql_stmt *stmt) ES_MUST_USE;
/* Tells an error, ends or dooms what it ends or dooms, sets run->flow. */
entrasql_status engine_run_error(engine_run *run, const tsql_stmt *stmt) ES_MUST_USE;
/* Sends the error as a message. */
entrasql_status engine_run_tell(engine_session *s, const entrasql_error *err,
                                uint32_t line) ES_MUST_USE;
/* DONE of a statement that changed or returned rows; sets @@ROWCOUNT. */
entrasql_status engine_run_done(engine_run *run, engine_command command, uint64_t rows) ES_MUST_USE;

/* ---- kinds of statements ---- */

entrasql_status engine_run_select(engine_run *run, const tsql_select_stmt *stmt) ES_MUST_USE;
entrasql_status engine_run_insert(engine_run *run, const tsql_insert_stmt *stmt) ES_MUST_USE;
/* Rows that a client loads, without DONE. keep_nulls: else a default takes the place of NULL. */
entrasql_status engine_run_insert_rows(engine_run *run, const tsql_insert_stmt *stmt,
                                       const struct engine_row_set *rows, bool keep_nulls,
                                       uint64_t *ret_rows) ES_MUST_USE;
entrasql_status engine_run_insert_bulk(engine_run *run, const tsql_stmt *stmt) ES_MUST_USE;
entrasql_status engine_run_update(engine_run *run, const tsql_update_stmt *stmt) ES_MUST_USE;
entrasql_status engine_run_delete(engine_run *run, const tsql_delete_stmt *stmt) ES_MUST_USE;
entrasql_status engine_run_merge(engine_run *run, const tsql_merge_stmt *stmt) ES_MUST_USE;
entrasql_status engine_run_truncate(engine_run *run, const tsql_truncate_stmt *stmt) ES_MUST_USE;
entrasql_status engine_run_create_table(engine_run *run,
                                        const tsql_create_table_stmt *stmt) ES_MUST_USE;
entrasql_status engine_run_alter_table(engine_run *run,
                                       const tsql_alter_table_stmt *stmt) ES_MUST_USE;
entrasql_status engine_run_create_index(engine_run *run,
                                        const tsql_create_index_stmt *stmt) ES_MUST_USE;
entrasql_status engine_run_create_view(engine_run *run, const tsql_stmt *stmt) ES_MUST_USE;
entrasql_status engine_run_create_module(engine_run *run, const tsql_stmt *stmt) ES_MUST_USE;
entrasql_status engine_run_create_schema(engine_run *run,
                                         const tsql_create_schema_stmt *stmt) ES_MUST_USE;
entrasql_status engine_run_drop(engine_run *run, const tsql_drop_stmt *stmt) ES_MUST_USE;
entrasql_status engine_run_create_user(engine_run *run, const tsql_user_stmt *stmt) ES_MUST_USE;
entrasql_status engine_run_alter_user(engine_run *run, const tsql_user_stmt *stmt) ES_MUST_USE;
entrasql_status engine_run_role(engine_run *run, const tsql_role_stmt *stmt) ES_MUST_USE;
entrasql_status engine_run_drop_principal(engine_run *run, const tsql_name *name, bool is_role,
                                          bool if_exists) ES_MUST_USE;
entrasql_status engine_run_grant(engine_run *run, const tsql_grant_stmt *stmt) ES_MUST_USE;
entrasql_status engine_run_tran(engine_run *run, const tsql_tran_stmt *stmt) ES_MUST_USE;
entrasql_status engine_run_set_option(engine_run *run,
                                      const tsql_set_option_stmt *stmt) ES_MUST_USE;
entrasql_status engine_run_set_value(engine_run *run, const tsql_set_value_stmt *stmt) ES_MUST_USE;
entrasql_status
engine_run_set_identity_insert(engine_run *run,
                               const tsql_set_identity_insert_stmt *stmt) ES_MUST_USE;
entrasql_status engine_run_set_variable(engine_run *run,
                                        const tsql_set_variable_stmt *stmt) ES_MUST_USE;
entrasql_status engine_run_declare(engine_run *run, const tsql_declare_stmt *stmt) ES_MUST_USE;
entrasql_status engine_run_print(engine_run *run, const tsql_expr_stmt *stmt) ES_MUST_USE;
entrasql_status engine_run_raiserror(engine_run *run, const tsql_raiserror_stmt *stmt) ES_MUST_USE;
entrasql_status engine_run_throw(engine_run *run, const tsql_throw_stmt *stmt) ES_MUST_USE;
entrasql_status engine_run_exec(engine_run *run, const tsql_exec_stmt *stmt) ES_MUST_USE;
entrasql_status engine_run_use(engine_run *run, const tsql_use_stmt *stmt) ES_MUST_USE;
entrasql_status engine_run_waitfor(engine_run *run, const tsql_waitfor_stmt *stmt) ES_MUST_USE;
entrasql_status engine_run_execute_as(engine_run *run,
                                      const tsql_execute_as_stmt *stmt) ES_MUST_USE;
entrasql_status engine_run_dbcc(engine_run *run, const tsql_dbcc_stmt *stmt) ES_MUST_USE;

/* ---- small helpers ---- */

/* The value of an expression without columns, in a unit of its own; owned. */
entrasql_status engine_run_value(engine_run *run, const tsql_expr *e, sqlvalue *ret) ES_MUST_USE;
/* The same converted to a type. */
entrasql_status engine_run_value_as(engine_run *run, const tsql_expr *e, sqltype type,
                                    sqlvalue *ret) ES_MUST_USE;
entrasql_status engine_run_condition(engine_run *run, const tsql_cond *c, bool *ret) ES_MUST_USE;
/* A NUL-terminated text (NULL value: NULL); free with es_free. */
entrasql_status engine_run_string(engine_run *run, const tsql_expr *e, char **ret) ES_MUST_USE;
/* The batch's text under a span, as an owned string; NULL: no memory. */
char *engine_run_source(const engine_run *run, tsql_span span);
/* The columns of its result without running it; nothing for SELECT INTO and assignments. */
entrasql_status engine_run_select_shape(engine_run *run, const tsql_select_stmt *stmt) ES_MUST_USE;
/*
 * Sends the columns that the one statement of a text has, without running it.
 * Nothing for a text of several, and when its tables are not there yet.
 */
entrasql_status engine_run_shape(engine_session *s, const tsql_batch *batch, engine_frame *frame,
                                 entrasql_error *err) ES_MUST_USE;
/* The columns of the first of its statements that has any; with the errors up to there. */
entrasql_status engine_run_first_shape(engine_session *s, const tsql_batch *batch,
                                       engine_frame *frame, entrasql_error *err) ES_MUST_USE;
/* Sends the columns of a query. */
entrasql_status engine_run_columns(engine_run *run, const engine_bound_column *columns,
                                   size_t count) ES_MUST_USE;

#endif
