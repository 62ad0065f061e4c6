/* SPDX-License-Identifier: MIT */
/*
 * What the files of the engine share: the server, the session and its state.
 * Not for other folders.
 *
 * A request runs like this: rpc.c or batch.c parse the text and walk the
 * statements (run_*.c). Each statement is a unit (tran.h) in which the catalog
 * is brought up to date, the tree is bound to it (bind_*.c: names, types,
 * permissions wanted), the bound tree becomes SQL text for SQLite (emit.c) and
 * runs there (plan.c). Scalar functions are C functions on sqlvalues
 * (builtin.h). Catalog views are registered in view.h, system procedures in
 * procedure.h.
 */
#ifndef ENGINE_INTERNAL_H
#define ENGINE_INTERNAL_H

#include "engine/catalog.h"
#include "engine/db.h"
#include "engine/engine.h"
#include "engine/error.h"
#include "engine/store.h"
#include "sqltype/datetime.h"
#include "tsql/parser.h"

#include <pthread.h>
#include <stdatomic.h>

#define ENGINE_VERSION_TEXT                                                                        \
    "Microsoft SQL Azure (RTM) - 12.0.2000.8 \n\tentrasql emulator on SQLite\n"
#define ENGINE_PRODUCT_VERSION "12.0.2000.8"
#define ENGINE_NESTING_MAX 32
#define ENGINE_VARIABLES_MAX 4096

/* ---- server (server.c) ---- */

/* The identity counter of one table; values that were given out stay so after a rollback. */
typedef struct engine_counter {
    int32_t object;
    bool started;
    int64_t last;
} engine_counter;

typedef struct engine_database {
    struct engine_database *next;
    char *name;
    char *path;
    int32_t id; /* DB_ID() */
    int64_t created;
    engine_counter *counters; /* under the server's lock */
    size_t counter_count;
} engine_database;

typedef struct engine_applock engine_applock;

struct engine_server {
    pthread_mutex_t lock; /* databases, counters and application locks */
    engine_applock *applocks;
    char *data_dir;
    char *name;
    engine_directory_find *directory_find;
    engine_directory_find_id *directory_find_id;
    void *directory_ctx;
    engine_database *databases;
    _Atomic uint64_t next_transaction;
    _Atomic uint64_t next_rowversion;
};

engine_database *engine_server_database(engine_server *server, const char *name);
/* Opens a connection of a session's kind to a database. */
entrasql_status engine_server_connect(const engine_database *database, sqlite3 **ret,
                                      entrasql_error *err) ES_MUST_USE;
/* Now, in ticks, UTC. */
int64_t engine_now(void);

/* ---- who the session is (principal.c) ---- */

typedef struct engine_who {
    char *login_name; /* ORIGINAL_LOGIN() */
    bool external;    /* came with an Entra token */
    bool admin;       /* the server's admin */
    uint8_t sid[16];  /* SID of a token's principal */
    bool has_sid;
    uint8_t (*groups)[16];
    size_t group_count;
    /* Current user; EXECUTE AS changes it. */
    int32_t user;
    char *user_name;
    bool is_dbo;
    /* The user and every role and group it belongs to, for the catalog's version. */
    int32_t *members;
    size_t member_count;
} engine_who;

/* ---- settings: SET ---- */

typedef struct engine_settings {
    bool nocount;
    bool xact_abort;
    bool implicit_transactions;
    bool quoted_identifier;
    bool ansi_nulls;
    bool fmtonly;
    bool noexec;
    bool concat_null_yields_null;
    uint64_t rowcount;       /* 0: no limit */
    int64_t lock_timeout_ms; /* -1: none given */
    int32_t text_size;
    uint8_t datefirst;
    sqldate_order dateformat;
    tsql_isolation isolation;
    int32_t identity_insert; /* object, 0: none */
} engine_settings;

/* ---- transactions (tran.c) ---- */

typedef struct engine_savepoint {
    char *name;
    bool in_sqlite; /* else: set before the first write */
} engine_savepoint;

typedef struct engine_tran {
    unsigned count; /* @@TRANCOUNT */
    uint64_t id;
    char *name;
    bool open;   /* SQLite has a transaction for it */
    bool doomed; /* XACT_STATE() = -1 */
    engine_savepoint *savepoints;
    size_t savepoint_count;
    unsigned units; /* statements that are running, nested ones counted */
} engine_tran;

/* ---- variables and calls ---- */

typedef struct engine_variable {
    char *name; /* with '@' */
    sqltype type;
    sqlvalue value;       /* owned */
    engine_object *table; /* table variables: a description of its own; else NULL */
    int32_t table_number; /* names the SQLite temp table */
} engine_variable;

/* An error that TRY caught, for the ERROR_ functions and THROW. */
typedef struct engine_caught {
    uint32_t number;
    uint8_t severity;
    uint8_t state;
    uint32_t line;
    char *text;
    char *procedure;
} engine_caught;

/* One running batch, EXEC('...') or prepared statement. */
typedef struct engine_frame {
    struct engine_frame *outer;
    engine_variable *variables;
    size_t variable_count;
    const char *procedure; /* name for messages, or "" */
    const engine_caught *caught;
    bool identity_known; /* SCOPE_IDENTITY() */
    int64_t identity;
    int32_t return_status;
    unsigned try_depth;
    size_t temp_count; /* temporary tables when it began: later ones end with it */
    bool is_batch;     /* ... unless it is the client's own batch */
    bool is_module;    /* a procedure's body: what `owner` owns needs no permission */
    int32_t owner;
} engine_frame;

engine_variable *engine_frame_variable(engine_frame *frame, const char *name);
/* Takes a copy of the name. 134 when it is there already. */
entrasql_status engine_frame_declare(engine_frame *frame, const char *name, sqltype type,
                                     engine_variable **ret, entrasql_error *err) ES_MUST_USE;
/* Each of them, NULL so far. */
entrasql_status engine_frame_declare_params(engine_frame *frame, const tsql_params *params,
                                            entrasql_error *err) ES_MUST_USE;
/* Converts to the variable's type and keeps the value. */
entrasql_status engine_variable_set(engine_variable *variable, const sqlvalue *v,
                                    entrasql_error *err) ES_MUST_USE;
void engine_frame_done(engine_frame *frame);

/* ---- results (output.c) ---- */

typedef struct engine_output {
    const engine_sink *sink;
    bool in_rpc;
    bool done_waits; /* a DONE whose `more` is not known yet */
    bool done_failed;
    bool done_has_count;
    engine_command done_command;
    uint64_t done_rows;
    bool any; /* something was sent in this request */
} engine_output;

/* A statement that the client prepared (prepared.c). */
typedef struct engine_prepared {
    int32_t handle;
    bool is_call; /* of a procedure, whose name is the text; else a statement */
    char *params; /* declarations; of a call the names of its values, a comma behind each */
    char *text;
} engine_prepared;

/* A temporary table of the session: #t. */
typedef struct engine_temp {
    engine_object *object;
    int32_t number;       /* names the SQLite table */
    uint64_t transaction; /* in which it was made: its end by ROLLBACK is the table's; 0: none */
} engine_temp;

struct engine_session {
    engine_server *server;
    engine_database *database;
    sqlite3 *db;
    engine_catalog *catalog;
    engine_who who;
    char *host_name;
    char *app_name;
    uint16_t spid;
    engine_interrupt *interrupt;
    void *interrupt_ctx;
    int64_t lock_deadline_ms; /* of the wait that is going on; 0: none */
    engine_settings set;
    engine_tran tran;
    engine_output out;
    engine_frame root; /* what lives from batch to batch: SCOPE_IDENTITY() */
    engine_frame *frame;
    unsigned nesting;
    /* @@ROWCOUNT, @@ERROR, @@IDENTITY */
    int64_t rowcount;
    uint32_t last_error;
    bool identity_known;
    int64_t identity;
    char error_procedure[ENGINE_NAME_MAX * 4 + 1]; /* where the error that TRY catches came up */
    int64_t statement_time; /* GETDATE() of this statement; 0: not asked yet */
    /* The failure of a C function inside SQLite, which can only say "error". */
    entrasql_error function_error;
    bool function_failed;
    engine_prepared *prepared;
    size_t prepared_count;
    int32_t next_handle;
    char *bulk_text; /* the INSERT BULK whose rows have not come yet; NULL: none */
    const struct engine_row_set *bulk_rows; /* while they are written */
    engine_temp *temps;
    size_t temp_count;
    int32_t next_temp;
};

/* Brings session->catalog up to the database's version; roles are worked out anew. */
entrasql_status engine_session_refresh(engine_session *s, entrasql_error *err) ES_MUST_USE;
/* Everything of the session back to what it was after the login, but for the isolation level. */
entrasql_status engine_session_reset_now(engine_session *s, bool keep_transaction) ES_MUST_USE;
/* The moment of the running statement, ticks UTC. */
int64_t engine_session_time(engine_session *s);
/* The interrupt check; CANCELLED when the client wants the end. */
bool engine_session_interrupted(engine_session *s);
/*
 * What the engine says of a failed SQLite call: the error of one of our C
 * functions when one failed, 1205 or 1222 for locks, else db's.
 */
void engine_session_explain(engine_session *s, entrasql_error *err);
void engine_settings_reset(engine_settings *set);
/* What a called text SET ends with it; IDENTITY_INSERT is the session's. */
void engine_settings_return(engine_session *s, const engine_settings *before);

/* Identity values (identity.c). */
entrasql_status engine_identity_next(engine_session *s, const engine_object *table, int64_t *ret,
                                     entrasql_error *err) ES_MUST_USE;
/* An explicit value was inserted: the counter follows it when it lies ahead. */
entrasql_status engine_identity_seen(engine_session *s, const engine_object *table, int64_t value,
                                     entrasql_error *err) ES_MUST_USE;
/* Writes the counter into the database, in the current transaction. */
entrasql_status engine_identity_save(engine_session *s, const engine_object *table,
                                     entrasql_error *err) ES_MUST_USE;
/* TRUNCATE: begins at the seed again. */
entrasql_status engine_identity_reset(engine_session *s, const engine_object *table,
                                      entrasql_error *err) ES_MUST_USE;
/* The next value is `value`, or one step further when values were given out already. */
entrasql_status engine_identity_set(engine_session *s, const engine_object *table, bool started,
                                    int64_t value, entrasql_error *err) ES_MUST_USE;
/* The table is gone. */
void engine_identity_forget(engine_session *s, int32_t object);
/* IDENT_CURRENT(); false: none was given out. */
bool engine_identity_current(engine_session *s, const engine_object *table, int64_t *ret);

#endif
