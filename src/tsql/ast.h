/* SPDX-License-Identifier: MIT */
/*
 * The tree of a T-SQL batch, as the parser builds it and the engine reads it.
 *
 * Every node lies in the arena of its tsql_batch (tsql/parser.h) and lives
 * exactly as long; nothing here is freed one by one and the reader may keep
 * pointers while the batch lives. The tree is read-only for its users, so any
 * number of threads may read it.
 *
 * Absent parts are NULL pointers, counts of 0 or names whose text is NULL.
 * Texts are UTF-8, unescaped and NUL-terminated; string literals may hold NUL
 * characters, so their length counts.
 *
 * Scalar expressions (tsql_expr) and conditions (tsql_cond) are two types, as
 * T-SQL has no boolean values.
 */
#ifndef TSQL_AST_H
#define TSQL_AST_H

#include "tsql/ast_query.h"

/* ---- data changes ---- */

/* What is changed: an object (or the alias of one in FROM) or a table variable. */
typedef struct tsql_target {
    tsql_object object;
    const char *variable; /* NULL: object */
    tsql_names hints;
    tsql_span span;
} tsql_target;

typedef struct tsql_output {
    tsql_items items;
    tsql_target *into; /* NULL: rows go to the client */
    tsql_names into_columns;
    tsql_items also; /* OUTPUT ... INTO t OUTPUT ...: the second list */
    tsql_span span;
} tsql_output;

typedef struct tsql_exec_stmt tsql_exec_stmt;

typedef enum tsql_insert_kind {
    TSQL_INSERT_VALUES,
    TSQL_INSERT_DEFAULT_VALUES,
    TSQL_INSERT_QUERY,
    TSQL_INSERT_EXEC
} tsql_insert_kind;

typedef struct tsql_insert_stmt {
    tsql_with with;
    tsql_top *top;
    tsql_target target;
    tsql_names columns;
    tsql_output *output;
    tsql_insert_kind kind;
    tsql_rows rows;
    tsql_query *query;
    tsql_exec_stmt *exec;
    tsql_option option;
} tsql_insert_stmt;

/* One item of UPDATE's SET: column op= expr, @v op= expr, or @v = column op= expr. */
typedef struct tsql_assign {
    const char *variable;   /* NULL: none */
    tsql_column_ref column; /* column.name absent: only a variable */
    tsql_op op;             /* TSQL_OP_NONE for plain '=' */
    tsql_expr *expr;
    tsql_span span;
} tsql_assign;

typedef struct tsql_assigns {
    tsql_assign *items;
    size_t count;
} tsql_assigns;

typedef struct tsql_update_stmt {
    tsql_with with;
    tsql_top *top;
    tsql_target target;
    tsql_assigns set;
    tsql_output *output;
    tsql_source *from;
    tsql_cond *where;
    tsql_option option;
} tsql_update_stmt;

typedef struct tsql_delete_stmt {
    tsql_with with;
    tsql_top *top;
    tsql_target target;
    tsql_output *output;
    tsql_source *from;
    tsql_cond *where;
    tsql_option option;
} tsql_delete_stmt;

typedef enum tsql_merge_when_kind {
    TSQL_MERGE_MATCHED,
    TSQL_MERGE_NOT_MATCHED, /* BY TARGET */
    TSQL_MERGE_NOT_MATCHED_BY_SOURCE
} tsql_merge_when_kind;

typedef enum tsql_merge_action {
    TSQL_MERGE_UPDATE,
    TSQL_MERGE_DELETE,
    TSQL_MERGE_INSERT
} tsql_merge_action;

typedef struct tsql_merge_when {
    tsql_merge_when_kind kind;
    tsql_cond *cond; /* AND ... */
    tsql_merge_action action;
    tsql_assigns set;
    tsql_names columns;
    tsql_exprs values; /* INSERT VALUES */
    bool default_values;
    tsql_span span;
} tsql_merge_when;

typedef struct tsql_merge_stmt {
    tsql_with with;
    tsql_top *top;
    tsql_target target;
    tsql_name alias;
    tsql_source *source;
    tsql_cond *on;
    tsql_merge_when *whens;
    size_t when_count;
    tsql_output *output;
    tsql_option option;
} tsql_merge_stmt;

/* INSERT BULK t (columns) WITH (...): rows follow in a bulk-load message. */
typedef struct tsql_column_def tsql_column_def;

typedef struct tsql_insert_bulk_stmt {
    tsql_object object;
    tsql_column_def *columns;
    size_t column_count;
    tsql_names hints;
} tsql_insert_bulk_stmt;

/* ---- tables and other objects ---- */

typedef enum tsql_action {
    TSQL_ACTION_NO_ACTION,
    TSQL_ACTION_CASCADE,
    TSQL_ACTION_SET_NULL,
    TSQL_ACTION_SET_DEFAULT
} tsql_action;

typedef enum tsql_constraint_kind {
    TSQL_CONSTRAINT_PRIMARY_KEY,
    TSQL_CONSTRAINT_UNIQUE,
    TSQL_CONSTRAINT_FOREIGN_KEY,
    TSQL_CONSTRAINT_CHECK,
    TSQL_CONSTRAINT_DEFAULT,
    TSQL_CONSTRAINT_INDEX /* INDEX name (columns) inside CREATE TABLE */
} tsql_constraint_kind;

typedef struct tsql_index_column {
    tsql_name name;
    bool descending;
} tsql_index_column;

typedef struct tsql_index_columns {
    tsql_index_column *items;
    size_t count;
} tsql_index_columns;

typedef enum tsql_clustered {
    TSQL_CLUSTERED_UNSPECIFIED,
    TSQL_CLUSTERED_YES,
    TSQL_CLUSTERED_NO
} tsql_clustered;

/*
 * A constraint of a column or table. For one written inside a column,
 * `columns` (keys) is empty and means that column.
 */
typedef struct tsql_constraint {
    tsql_constraint_kind kind;
    tsql_name name; /* absent: the engine makes one up */
    tsql_clustered clustered;
    bool unique; /* TSQL_CONSTRAINT_INDEX */
    tsql_index_columns columns;
    tsql_object references;
    tsql_names referenced_columns;
    tsql_action on_delete;
    tsql_action on_update;
    tsql_cond *check;
    tsql_span check_text; /* source text of the condition */
    tsql_expr *default_value;
    tsql_span default_text; /* source text of the expression */
    tsql_name for_column;   /* table-level DEFAULT ... FOR column */
    bool with_values;
    tsql_span span;
} tsql_constraint;

typedef struct tsql_constraints {
    tsql_constraint *items;
    size_t count;
} tsql_constraints;

typedef enum tsql_nullability {
    TSQL_NULLABILITY_UNSPECIFIED,
    TSQL_NULLABLE,
    TSQL_NOT_NULL
} tsql_nullability;

struct tsql_column_def {
    tsql_name name;
    bool has_type; /* false for computed columns */
    tsql_type type;
    tsql_name collation;
    tsql_nullability nullability;
    bool identity;
    const char *identity_seed; /* exact text with sign; "1" by default */
    const char *identity_increment;
    bool rowguidcol;
    bool sparse;
    tsql_expr *computed; /* AS (expr) */
    tsql_span computed_text;
    bool persisted;
    tsql_constraints constraints;
    tsql_span span;
};

typedef struct tsql_table_def {
    tsql_column_def *columns;
    size_t column_count;
    tsql_constraints constraints;
} tsql_table_def;

typedef struct tsql_create_table_stmt {
    tsql_object object;
    tsql_table_def def;
} tsql_create_table_stmt;

typedef enum tsql_alter_table_kind {
    TSQL_ALTER_TABLE_ADD,          /* def: columns and constraints */
    TSQL_ALTER_TABLE_ALTER_COLUMN, /* def: one column */
    TSQL_ALTER_TABLE_DROP,         /* drop_columns, drop_constraints */
    TSQL_ALTER_TABLE_CHECK,        /* names; enable; all */
    TSQL_ALTER_TABLE_TRIGGER       /* names; enable; all: ENABLE/DISABLE TRIGGER */
} tsql_alter_table_kind;

typedef struct tsql_alter_table_stmt {
    tsql_object object;
    tsql_alter_table_kind kind;
    bool with_check;   /* WITH CHECK */
    bool with_nocheck; /* WITH NOCHECK */
    bool enable;
    bool all;
    bool if_exists;
    tsql_table_def def;
    tsql_names drop_columns;
    tsql_names drop_constraints;
    tsql_names names;
} tsql_alter_table_stmt;

typedef struct tsql_create_index_stmt {
    bool unique;
    tsql_clustered clustered;
    tsql_name name;
    tsql_object object;
    tsql_index_columns columns;
    tsql_names include;
    tsql_cond *where;
    tsql_span where_text;
} tsql_create_index_stmt;

/* CREATE, ALTER or CREATE OR ALTER. */
typedef enum tsql_create_mode { TSQL_CREATE, TSQL_ALTER, TSQL_CREATE_OR_ALTER } tsql_create_mode;

typedef struct tsql_create_view_stmt {
    tsql_create_mode mode;
    tsql_object object;
    tsql_names columns;
    tsql_with with;
    tsql_query *query;
    tsql_span query_text; /* WITH included */
    bool schema_binding;
    bool check_option;
} tsql_create_view_stmt;

typedef struct tsql_param {
    const char *name; /* with '@' */
    tsql_type type;
    tsql_expr *default_value;
    bool output;
    bool readonly;
    tsql_span span;
} tsql_param;

typedef struct tsql_params {
    tsql_param *items;
    size_t count;
} tsql_params;

typedef struct tsql_stmts {
    tsql_stmt **items;
    size_t count;
} tsql_stmts;

typedef enum tsql_module_kind {
    TSQL_MODULE_PROCEDURE,
    TSQL_MODULE_SCALAR_FUNCTION, /* RETURNS type */
    TSQL_MODULE_INLINE_FUNCTION, /* RETURNS TABLE AS RETURN (query) */
    TSQL_MODULE_TABLE_FUNCTION,  /* RETURNS @t TABLE (...) */
    TSQL_MODULE_TRIGGER
} tsql_module_kind;

typedef struct tsql_create_module_stmt {
    tsql_create_mode mode;
    tsql_module_kind kind;
    tsql_object object;
    tsql_params params;
    tsql_type returns;
    const char *returns_variable;
    tsql_table_def returns_table;
    tsql_with inline_with;
    tsql_query *inline_query;
    tsql_object trigger_table;
    bool instead_of;
    bool on_insert;
    bool on_update;
    bool on_delete;
    tsql_stmts body; /* to the end of the batch */
    tsql_span body_text;
} tsql_create_module_stmt;

typedef struct tsql_create_schema_stmt {
    tsql_name name;
    tsql_name owner;
} tsql_create_schema_stmt;

typedef struct tsql_create_sequence_stmt {
    tsql_object object;
    bool has_type;
    tsql_type type;
    const char *start; /* exact text or NULL */
    const char *increment;
    const char *min_value;
    const char *max_value;
    bool cycle;
} tsql_create_sequence_stmt;

typedef struct tsql_create_type_stmt {
    tsql_object object;
    bool is_table;
    tsql_type base;
    tsql_nullability nullability;
    tsql_table_def def;
} tsql_create_type_stmt;

typedef struct tsql_create_synonym_stmt {
    tsql_object object;
    tsql_object target;
} tsql_create_synonym_stmt;

/* CREATE DATABASE, ALTER DATABASE and the like: recognised by name only. */
typedef struct tsql_database_stmt {
    tsql_name name; /* absent for ALTER DATABASE CURRENT */
    tsql_span text; /* all of it */
} tsql_database_stmt;

typedef enum tsql_class {
    TSQL_CLASS_TABLE,
    TSQL_CLASS_VIEW,
    TSQL_CLASS_INDEX,
    TSQL_CLASS_PROCEDURE,
    TSQL_CLASS_FUNCTION,
    TSQL_CLASS_TRIGGER,
    TSQL_CLASS_SCHEMA,
    TSQL_CLASS_SEQUENCE,
    TSQL_CLASS_TYPE,
    TSQL_CLASS_SYNONYM,
    TSQL_CLASS_USER,
    TSQL_CLASS_ROLE,
    TSQL_CLASS_DATABASE,
    TSQL_CLASS_LOGIN
} tsql_class;

/* DROP <class> [IF EXISTS] a, b. For indexes `tables` runs in step with `objects`. */
typedef struct tsql_drop_stmt {
    tsql_class klass;
    bool if_exists;
    tsql_objects objects;
    tsql_objects tables; /* DROP INDEX i ON t; name absent for the old t.i form */
} tsql_drop_stmt;

typedef struct tsql_truncate_stmt {
    tsql_object object;
} tsql_truncate_stmt;

/* ---- principals and permissions ---- */

typedef enum tsql_user_source {
    TSQL_USER_DEFAULT, /* CREATE USER x: for the login of that name */
    TSQL_USER_EXTERNAL_PROVIDER,
    TSQL_USER_LOGIN, /* FOR / FROM LOGIN */
    TSQL_USER_WITHOUT_LOGIN,
    TSQL_USER_PASSWORD /* contained user; the password itself is not kept */
} tsql_user_source;

/* CREATE USER and ALTER USER (there only the WITH options). */
typedef struct tsql_user_stmt {
    tsql_name name;
    tsql_user_source source;
    tsql_name login;
    tsql_name default_schema;
    tsql_name new_name;    /* ALTER USER ... WITH NAME = */
    const char *object_id; /* WITH OBJECT_ID = '...' */
    bool has_sid;
    const uint8_t *sid; /* WITH SID = 0x... */
    uint32_t sid_length;
    char type; /* WITH TYPE = E or X; '?': another one; 0: not given */
    bool has_password;
} tsql_user_stmt;

typedef enum tsql_role_action {
    TSQL_ROLE_CREATE,
    TSQL_ROLE_ADD_MEMBER,
    TSQL_ROLE_DROP_MEMBER,
    TSQL_ROLE_RENAME
} tsql_role_action;

typedef struct tsql_role_stmt {
    tsql_role_action action;
    tsql_name role;
    tsql_name member; /* ADD/DROP MEMBER; new name for RENAME; owner for CREATE ... AUTHORIZATION */
} tsql_role_stmt;

typedef enum tsql_grant_action { TSQL_GRANT, TSQL_DENY, TSQL_REVOKE } tsql_grant_action;

typedef struct tsql_permission {
    const char *name; /* upper case, words with one blank: "VIEW DEFINITION"; "ALL" */
    tsql_names columns;
    tsql_span span;
} tsql_permission;

typedef enum tsql_securable {
    TSQL_SECURABLE_DATABASE, /* no ON clause, or DATABASE::x */
    TSQL_SECURABLE_OBJECT,   /* ON t, ON OBJECT::t */
    TSQL_SECURABLE_SCHEMA,
    TSQL_SECURABLE_USER,
    TSQL_SECURABLE_ROLE,
    TSQL_SECURABLE_TYPE,
    TSQL_SECURABLE_OTHER /* another class; class_name says which */
} tsql_securable;

typedef struct tsql_grant_stmt {
    tsql_grant_action action;
    bool grant_option_for; /* REVOKE GRANT OPTION FOR */
    tsql_permission *permissions;
    size_t permission_count;
    tsql_securable securable;
    tsql_name class_name;
    tsql_object object;
    tsql_names columns; /* ON t (c1, c2) */
    tsql_names principals;
    bool with_grant_option;
    bool cascade;
    tsql_name as_principal;
} tsql_grant_stmt;

/* ---- session and control ---- */

typedef enum tsql_tran_kind {
    TSQL_TRAN_BEGIN,
    TSQL_TRAN_COMMIT,
    TSQL_TRAN_ROLLBACK,
    TSQL_TRAN_SAVE
} tsql_tran_kind;

typedef struct tsql_tran_stmt {
    tsql_tran_kind kind;
    tsql_name name;       /* absent: none */
    const char *variable; /* name in a variable, with '@' */
} tsql_tran_stmt;

/* SET option[, option] ON | OFF. Names are upper case: "NOCOUNT", "STATISTICS IO". */
typedef struct tsql_set_option_stmt {
    tsql_names options;
    bool on;
} tsql_set_option_stmt;

typedef enum tsql_isolation {
    TSQL_ISOLATION_READ_UNCOMMITTED = 1, /* the wire's numbers */
    TSQL_ISOLATION_READ_COMMITTED = 2,
    TSQL_ISOLATION_REPEATABLE_READ = 3,
    TSQL_ISOLATION_SERIALIZABLE = 4,
    TSQL_ISOLATION_SNAPSHOT = 5
} tsql_isolation;

/*
 * SET option value: LANGUAGE, DATEFORMAT, DATEFIRST, TEXTSIZE, ROWCOUNT, LOCK_TIMEOUT,
 * DEADLOCK_PRIORITY, QUERY_GOVERNOR_COST_LIMIT, CONTEXT_INFO. Bare words arrive as strings.
 */
typedef struct tsql_set_value_stmt {
    tsql_name option; /* upper case */
    tsql_expr *value;
} tsql_set_value_stmt;

typedef struct tsql_set_isolation_stmt {
    tsql_isolation level;
} tsql_set_isolation_stmt;

typedef struct tsql_set_identity_insert_stmt {
    tsql_object object;
    bool on;
} tsql_set_identity_insert_stmt;

/* SET @v op= expr. */
typedef struct tsql_set_variable_stmt {
    const char *variable;
    tsql_op op;
    tsql_expr *expr;
} tsql_set_variable_stmt;

typedef struct tsql_declare_item {
    const char *name; /* with '@' */
    bool is_table;
    bool is_cursor;
    tsql_type type;
    tsql_expr *init;
    tsql_table_def table;
    tsql_span span;
} tsql_declare_item;

typedef struct tsql_declare_stmt {
    tsql_declare_item *items;
    size_t count;
} tsql_declare_stmt;

typedef struct tsql_if_stmt {
    tsql_cond *cond;
    tsql_stmt *then;
    tsql_stmt *otherwise; /* NULL: no ELSE */
} tsql_if_stmt;

typedef struct tsql_while_stmt {
    tsql_cond *cond;
    tsql_stmt *body;
} tsql_while_stmt;

typedef struct tsql_block_stmt {
    tsql_stmts body;
} tsql_block_stmt;

typedef struct tsql_try_stmt {
    tsql_stmts body;
    tsql_stmts handler;
} tsql_try_stmt;

/* RETURN [expr], PRINT expr: `expr`. */
typedef struct tsql_expr_stmt {
    tsql_expr *expr; /* NULL: RETURN alone */
} tsql_expr_stmt;

typedef struct tsql_raiserror_stmt {
    tsql_expr *message; /* a string, a number or a variable */
    tsql_expr *severity;
    tsql_expr *state;
    tsql_exprs args;
    bool log;
    bool nowait;
    bool seterror;
} tsql_raiserror_stmt;

/* THROW [number, message, state]; all NULL: rethrow. */
typedef struct tsql_throw_stmt {
    tsql_expr *number;
    tsql_expr *message;
    tsql_expr *state;
} tsql_throw_stmt;

typedef struct tsql_exec_arg {
    const char *name; /* with '@'; NULL: by position */
    tsql_expr *value; /* TSQL_EXPR_DEFAULT for DEFAULT; bare words are strings */
    bool output;
    tsql_span span;
} tsql_exec_arg;

typedef enum tsql_exec_kind {
    TSQL_EXEC_PROCEDURE, /* object */
    TSQL_EXEC_VARIABLE,  /* EXEC @name: variable */
    TSQL_EXEC_STRING     /* EXEC ('..' + @x): strings */
} tsql_exec_kind;

struct tsql_exec_stmt {
    tsql_exec_kind kind;
    bool bare;                   /* a batch that begins with the procedure's name, no EXEC */
    const char *return_variable; /* @r = proc */
    tsql_object object;
    const char *variable;
    tsql_exec_arg *args;
    size_t arg_count;
    tsql_exprs strings; /* joined by '+'; literals and variables */
    bool as_user;       /* EXEC (..) AS USER = 'x' */
    tsql_name as_name;
};

typedef struct tsql_use_stmt {
    tsql_name database;
} tsql_use_stmt;

typedef struct tsql_waitfor_stmt {
    bool until; /* WAITFOR TIME; else DELAY */
    tsql_expr *time;
} tsql_waitfor_stmt;

typedef struct tsql_label_stmt {
    tsql_name label;
} tsql_label_stmt;

typedef struct tsql_dbcc_stmt {
    tsql_name command; /* as written */
    tsql_exprs args;   /* bare words are strings */
    tsql_names options;
} tsql_dbcc_stmt;

/* EXECUTE AS USER = 'x' | LOGIN = 'x' | CALLER; REVERT has no name. */
typedef struct tsql_execute_as_stmt {
    bool login;
    tsql_expr *name; /* NULL: CALLER */
} tsql_execute_as_stmt;

/* DECLARE c CURSOR FOR ...; OPEN, FETCH, CLOSE, DEALLOCATE. */
typedef enum tsql_cursor_action {
    TSQL_CURSOR_DECLARE,
    TSQL_CURSOR_OPEN,
    TSQL_CURSOR_FETCH,
    TSQL_CURSOR_CLOSE,
    TSQL_CURSOR_DEALLOCATE
} tsql_cursor_action;

typedef struct tsql_cursor_stmt {
    tsql_cursor_action action;
    tsql_name name;
    const char *variable; /* cursor variable; else name */
    tsql_names options;   /* LOCAL, STATIC, ... */
    tsql_select_stmt *select;
    const char *direction; /* "NEXT", "PRIOR", "FIRST", "LAST", "ABSOLUTE", "RELATIVE" */
    tsql_expr *rows;
    tsql_names into; /* variables, with '@' */
} tsql_cursor_stmt;

typedef enum tsql_stmt_kind {
    TSQL_STMT_SELECT,
    TSQL_STMT_INSERT,
    TSQL_STMT_UPDATE,
    TSQL_STMT_DELETE,
    TSQL_STMT_MERGE,
    TSQL_STMT_INSERT_BULK,
    TSQL_STMT_TRUNCATE,
    TSQL_STMT_CREATE_TABLE,
    TSQL_STMT_ALTER_TABLE,
    TSQL_STMT_CREATE_INDEX,
    TSQL_STMT_CREATE_VIEW,
    TSQL_STMT_CREATE_MODULE,
    TSQL_STMT_CREATE_SCHEMA,
    TSQL_STMT_CREATE_SEQUENCE,
    TSQL_STMT_CREATE_TYPE,
    TSQL_STMT_CREATE_SYNONYM,
    TSQL_STMT_CREATE_DATABASE,
    TSQL_STMT_ALTER_DATABASE,
    TSQL_STMT_DROP,
    TSQL_STMT_CREATE_USER,
    TSQL_STMT_ALTER_USER,
    TSQL_STMT_ROLE,
    TSQL_STMT_GRANT,
    TSQL_STMT_TRAN,
    TSQL_STMT_SET_OPTION,
    TSQL_STMT_SET_VALUE,
    TSQL_STMT_SET_ISOLATION,
    TSQL_STMT_SET_IDENTITY_INSERT,
    TSQL_STMT_SET_VARIABLE,
    TSQL_STMT_DECLARE,
    TSQL_STMT_IF,
    TSQL_STMT_WHILE,
    TSQL_STMT_BLOCK,
    TSQL_STMT_TRY,
    TSQL_STMT_BREAK,
    TSQL_STMT_CONTINUE,
    TSQL_STMT_RETURN,
    TSQL_STMT_PRINT,
    TSQL_STMT_RAISERROR,
    TSQL_STMT_THROW,
    TSQL_STMT_EXEC,
    TSQL_STMT_USE,
    TSQL_STMT_WAITFOR,
    TSQL_STMT_GOTO,
    TSQL_STMT_LABEL,
    TSQL_STMT_DBCC,
    TSQL_STMT_EXECUTE_AS,
    TSQL_STMT_REVERT,
    TSQL_STMT_CURSOR
} tsql_stmt_kind;

struct tsql_stmt {
    tsql_stmt_kind kind;
    tsql_span span;
    union {
        tsql_select_stmt *select;
        tsql_insert_stmt *insert;
        tsql_update_stmt *update;
        tsql_delete_stmt *delete_;
        tsql_merge_stmt *merge;
        tsql_insert_bulk_stmt *insert_bulk;
        tsql_truncate_stmt *truncate;
        tsql_create_table_stmt *create_table;
        tsql_alter_table_stmt *alter_table;
        tsql_create_index_stmt *create_index;
        tsql_create_view_stmt *create_view;
        tsql_create_module_stmt *create_module;
        tsql_create_schema_stmt *create_schema;
        tsql_create_sequence_stmt *create_sequence;
        tsql_create_type_stmt *create_type;
        tsql_create_synonym_stmt *create_synonym;
        tsql_database_stmt *database;
        tsql_drop_stmt *drop;
        tsql_user_stmt *user;
        tsql_role_stmt *role;
        tsql_grant_stmt *grant;
        tsql_tran_stmt *tran;
        tsql_set_option_stmt *set_option;
        tsql_set_value_stmt *set_value;
        tsql_set_isolation_stmt *set_isolation;
        tsql_set_identity_insert_stmt *set_identity_insert;
        tsql_set_variable_stmt *set_variable;
        tsql_declare_stmt *declare;
        tsql_if_stmt *if_;
        tsql_while_stmt *while_;
        tsql_block_stmt *block;
        tsql_try_stmt *try_;
        tsql_expr_stmt *expr; /* RETURN, PRINT */
        tsql_raiserror_stmt *raiserror;
        tsql_throw_stmt *throw_;
        tsql_exec_stmt *exec;
        tsql_use_stmt *use;
        tsql_waitfor_stmt *waitfor;
        tsql_label_stmt *label; /* GOTO, label: */
        tsql_dbcc_stmt *dbcc;
        tsql_execute_as_stmt *execute_as;
        tsql_cursor_stmt *cursor;
    } u;
};

#endif
