/* SPDX-License-Identifier: MIT */
/*
 * The internal SQL client of the program: a batch in, typed rows out, over the
 * same login as everything else. Blocking; one thread at a time.
 */
#ifndef SQL_SQL_H
#define SQL_SQL_H

#include "conf/connstr.h"
#include "relay/login.h"
#include "sqltype/value.h"

typedef struct sql_conn sql_conn;

typedef struct sql_open_options {
    const conf_target *target;
    entrasql_credential *credential; /* NULL: UID and PWD of the target */
    const char *ca_file;
    const char *app_name;      /* NULL: "entrasql" */
    uint32_t login_timeout_ms; /* 0: the target's, else 30 s */
} sql_open_options;

entrasql_status sql_open(const sql_open_options *options, sql_conn **ret,
                         entrasql_error *err) ES_MUST_USE;
void sql_close(sql_conn *c);

/* False after an error that ended the connection: close it, and open another one. */
bool sql_is_open(const sql_conn *c);
/* Between batches, whether the server has ended the connection meanwhile; then it is not open. */
bool sql_was_lost(sql_conn *c);
/* The socket, between batches and for waiting only; -1: the connection is not open. */
int sql_fd(const sql_conn *c);
/* Whether a transaction is open, as the server last said (ENVCHANGE 8 to 10, 17); for a connection
 * that is not open any more: whether one was. */
bool sql_in_transaction(const sql_conn *c);
/* The database that the session is in, as the server last said; never NULL. Lent until the next
 * call. */
const char *sql_database(const sql_conn *c);

typedef struct sql_column {
    const char *name;
    sqltype type;
    bool nullable;
} sql_column;

typedef struct sql_message {
    uint32_t number;
    uint8_t state;
    uint8_t severity; /* above 10: an error */
    const char *text;
    const char *server;
    const char *procedure;
    uint32_t line;
} sql_message;

/* Callbacks; any may be NULL. Return OK to go on. */
typedef struct sql_handler {
    void *ctx;
    entrasql_status (*columns)(void *ctx, const sql_column *columns, size_t count);
    entrasql_status (*row)(void *ctx, const sqlvalue *values, size_t count);
    entrasql_status (*done)(void *ctx, bool has_count, uint64_t rows);
    entrasql_status (*message)(void *ctx, const sql_message *message);
} sql_handler;

/*
 * Runs a batch. SQL_ERROR with the first error's number, state, severity and
 * line when a statement failed (all messages went to the handler); the
 * connection is usable afterwards unless the severity is 20 or more.
 */
entrasql_status sql_batch(sql_conn *c, const char *text, const sql_handler *handler,
                          uint32_t timeout_ms, entrasql_error *err) ES_MUST_USE;

/* Sends ATTENTION for the running batch; async-signal-safe, callable from a handler of SIGINT. */
void sql_cancel(sql_conn *c);

#endif
