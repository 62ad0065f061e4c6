/* SPDX-License-Identifier: MIT */
/*
 * The emulator's database engine: T-SQL on SQLite with SQL Server's types,
 * principals, permissions and errors. The only user of SQLite.
 *
 * engine_server holds the databases of one data directory and may be used
 * from any thread. An engine_session belongs to one thread at a time and has
 * a SQLite connection of its own. Results are pushed into a sink while a
 * statement runs; the engine knows nothing of TDS.
 */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "base/error.h"
#include "sqltype/value.h"

typedef struct engine_server engine_server;
typedef struct engine_session engine_session;

/* ---- directory: how CREATE USER ... FROM EXTERNAL PROVIDER finds a principal ---- */

typedef enum engine_external_kind {
    ENGINE_EXTERNAL_USER,  /* type E; SID is the object id */
    ENGINE_EXTERNAL_APP,   /* type E; SID is the client (application) id */
    ENGINE_EXTERNAL_GROUP, /* type X; SID is the object id */
    ENGINE_EXTERNAL_OTHER  /* in the directory, but no principal of a database */
} engine_external_kind;

typedef struct engine_external {
    engine_external_kind kind;
    uint8_t object_id[16];
    uint8_t client_id[16]; /* apps and managed identities */
} engine_external;

/* Looks a display name or UPN up. Returns how many principals match (0, 1, many); fills *ret for 1.
 */
typedef size_t engine_directory_find(void *ctx, const char *name, engine_external *ret);
/* In place of a count: the directory does not answer the server (33134). */
#define ENGINE_DIRECTORY_REFUSED SIZE_MAX

/* Whose object id it is: fills *ret and the display name or UPN. False: nobody's. */
typedef bool engine_directory_find_id(void *ctx, const uint8_t object_id[16], engine_external *ret,
                                      char *name, size_t name_size);

typedef struct engine_options {
    const char *data_dir;    /* one SQLite file a database: <data_dir>/<name>.db */
    const char *server_name; /* @@SERVERNAME and the names in messages */
    engine_directory_find *directory_find;
    engine_directory_find_id *directory_find_id; /* NULL: OBJECT_ID is compared with the name's */
    void *directory_ctx;
} engine_options;

entrasql_status engine_server_open(const engine_options *options, engine_server **ret,
                                   entrasql_error *err) ES_MUST_USE;
void engine_server_close(engine_server *server); /* after all its sessions */

/* Creates an empty database if it is not there yet. "master" always exists. */
entrasql_status engine_create_database(engine_server *server, const char *name,
                                       entrasql_error *err) ES_MUST_USE;
bool engine_database_exists(engine_server *server, const char *name); /* case ignored */

/* ---- login: from a checked token, or a SQL login, to a database user ---- */

typedef struct engine_login {
    bool is_external; /* an Entra token */
    bool is_admin;    /* the server's Entra admin, or the SQL admin login: enters as dbo */
    engine_external_kind kind;
    uint8_t object_id[16];
    uint8_t client_id[16]; /* apps */
    const uint8_t (*group_ids)[16];
    size_t group_count;
    const char *login_name; /* SUSER_SNAME(): UPN, or "<client id>@<tenant id>", or the SQL login */
    const char *sql_login;  /* database user of that name for SQL logins; NULL for tokens */
} engine_login;

typedef struct engine_session_options {
    const engine_login *login;
    const char *database; /* NULL: master */
    const char *host_name;
    const char *app_name;
    uint16_t spid;
} engine_session_options;

/*
 * Opens a session. LOGIN_FAILED with number 4060 (no such database) or 18456
 * (no user for this principal there), state and text as SQL Server gives them.
 */
entrasql_status engine_session_open(engine_server *server, const engine_session_options *options,
                                    engine_session **ret, entrasql_error *err) ES_MUST_USE;
void engine_session_close(engine_session *session); /* rolls an open transaction back */

/* The name of the session's database as it is spelt in the catalog. */
const char *engine_session_database(const engine_session *session);
/* Id of the open transaction for ENVCHANGE and ALL_HEADERS; 0: none. */
uint64_t engine_session_transaction(const engine_session *session);

/*
 * Called often while a statement runs, on the session's thread; true stops the
 * statement (ATTENTION came, or the client is gone). NULL: never.
 */
typedef bool engine_interrupt(void *ctx);
void engine_session_set_interrupt(engine_session *session, engine_interrupt *check, void *ctx);

/* ---- results ---- */

#define ENGINE_TABLE_PARTS 3

typedef struct engine_column {
    const char *name; /* "" for unnamed; lent for the call */
    sqltype type;
    bool nullable;
    bool identity;
    bool computed; /* an expression: read-only */
    /* Database, schema and table that a text, ntext or image column comes from; NULL: none. */
    const char *table[ENGINE_TABLE_PARTS];
} engine_column;

/* What a finished statement was, for DONE's CurCmd. */
typedef enum engine_command {
    ENGINE_CMD_OTHER = 0,
    ENGINE_CMD_SELECT = 0xC1,
    ENGINE_CMD_INSERT = 0xC3,
    ENGINE_CMD_DELETE = 0xC4,
    ENGINE_CMD_UPDATE = 0xC5,
    ENGINE_CMD_MERGE = 0x117,
    ENGINE_CMD_BEGIN = 0xD4,
    ENGINE_CMD_COMMIT = 0xD5,
    ENGINE_CMD_ROLLBACK = 0xD2,
    ENGINE_CMD_EXECUTE = 0xE0,
    ENGINE_CMD_BULK_INSERT = 0xF0
} engine_command;

typedef struct engine_message {
    uint32_t number;
    uint8_t state;
    uint8_t severity;      /* above 10: an error; else information */
    const char *text;      /* UTF-8, lent */
    const char *procedure; /* "" outside procedures */
    uint32_t line;
} engine_message;

typedef enum engine_change {
    ENGINE_CHANGE_DATABASE, /* text: new and old name */
    ENGINE_CHANGE_LANGUAGE,
    ENGINE_CHANGE_BEGIN,  /* id: the new transaction */
    ENGINE_CHANGE_COMMIT, /* id: the ended transaction */
    ENGINE_CHANGE_ROLLBACK,
    ENGINE_CHANGE_RESET /* the connection was reset */
} engine_change;

/*
 * Where results go. Every function returns OK to go on, anything else stops
 * the request at once (the client is gone). All pointers are lent for the call.
 */
typedef struct engine_sink {
    void *ctx;
    entrasql_status (*columns)(void *ctx, const engine_column *columns, size_t count);
    entrasql_status (*row)(void *ctx, const sqlvalue *values, size_t count);
    /*
     * A statement ended. has_count: rows is valid (not under NOCOUNT).
     * failed: it ended with an error (a message came before). more: another
     * statement's result follows in this request.
     */
    entrasql_status (*done)(void *ctx, engine_command command, bool has_count, uint64_t rows,
                            bool failed, bool more);
    entrasql_status (*message)(void *ctx, const engine_message *message);
    entrasql_status (*change)(void *ctx, engine_change change, uint64_t id, const char *new_text,
                              const char *old_text);
    /* RPC only, after the last statement: */
    entrasql_status (*return_status)(void *ctx, int32_t status);
    entrasql_status (*return_value)(void *ctx, uint16_t ordinal, const char *name,
                                    const sqlvalue *value);
} engine_sink;

/*
 * Runs a language batch. Errors of the statements go to the sink, and the call
 * returns OK; a failing status means that the sink stopped or the session is
 * broken (CANCELLED: the interrupt check asked for the end).
 */
entrasql_status engine_session_batch(engine_session *session, const char *text, size_t n,
                                     const engine_sink *sink) ES_MUST_USE;

typedef struct engine_param {
    const char *name; /* with '@', or "" */
    sqlvalue value;
    bool output;
    bool use_default;
} engine_param;

typedef struct engine_rpc {
    const char *name; /* procedure name as sent, or NULL */
    uint16_t proc_id; /* ProcID 1-15 when name is NULL */
    bool no_metadata; /* option flag 0x0002 */
    const engine_param *params;
    size_t param_count;
} engine_rpc;

/* One call of an RPC request; return_status and return_values come before it returns. */
entrasql_status engine_session_rpc(engine_session *session, const engine_rpc *rpc,
                                   const engine_sink *sink) ES_MUST_USE;

/* Where the rows of a bulk load come from, one after the other. */
typedef struct engine_bulk {
    void *ctx;
    /* Values of the columns of INSERT BULK in its order, lent until the next call; NULL: no more.
     * A failing status ends the load, and the call returns it: nothing was written then. */
    entrasql_status (*next)(void *ctx, const sqlvalue **ret, size_t *ret_count);
} engine_bulk;

/* The bulk-load message after an INSERT BULK; without one an error goes to the sink. */
entrasql_status engine_session_bulk(engine_session *session, const engine_bulk *rows,
                                    const engine_sink *sink) ES_MUST_USE;

typedef enum engine_tm_request {
    ENGINE_TM_BEGIN = 5,
    ENGINE_TM_COMMIT = 7,
    ENGINE_TM_ROLLBACK = 8,
    ENGINE_TM_SAVE = 9
} engine_tm_request;

/* A transaction manager request. begin_again: fBeginXact of commit and rollback. */
entrasql_status engine_session_tm(engine_session *session, engine_tm_request request,
                                  uint8_t isolation, const char *name, bool begin_again,
                                  const engine_sink *sink) ES_MUST_USE;

/* RESETCONNECTION; keep_transaction: RESETCONNECTIONSKIPTRAN. Reports ENGINE_CHANGE_RESET. */
entrasql_status engine_session_reset(engine_session *session, bool keep_transaction,
                                     const engine_sink *sink) ES_MUST_USE;

#endif
