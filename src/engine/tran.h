/* SPDX-License-Identifier: MIT */
/*
 * Transactions of a session, and the unit in which each statement runs.
 *
 * READ COMMITTED is what Azure SQL has by default, with row versions: a
 * statement sees what was committed when it began. So a transaction takes
 * SQLite's write lock with its first change and none before; reads before
 * that are short transactions of their own. Higher levels keep the picture of
 * their first read; a change after somebody else's commit is then 1205 (3960
 * for SNAPSHOT).
 */
#ifndef ENGINE_TRAN_H
#define ENGINE_TRAN_H

#include "engine/internal.h"

entrasql_status engine_tran_begin(engine_session *s, const char *name,
                                  entrasql_error *err) ES_MUST_USE;
entrasql_status engine_tran_commit(engine_session *s, entrasql_error *err) ES_MUST_USE;
/* name: a savepoint or the transaction's own; NULL: all of it. 3903, 6401. */
entrasql_status engine_tran_rollback(engine_session *s, const char *name,
                                     entrasql_error *err) ES_MUST_USE;
entrasql_status engine_tran_save(engine_session *s, const char *name,
                                 entrasql_error *err) ES_MUST_USE;
/* Ends what is open without a word to the client. */
void engine_tran_drop(engine_session *s);

/* A statement that runs. */
typedef struct engine_unit {
    bool writes;
    enum { ENGINE_UNIT_NONE, ENGINE_UNIT_WHOLE, ENGINE_UNIT_SAVEPOINT } kind;
} engine_unit;

/*
 * Begins a statement: takes a picture of the database, or the write lock, and
 * brings the catalog up to date. Under IMPLICIT_TRANSACTIONS `implicit` begins
 * a transaction when there is none.
 */
entrasql_status engine_unit_begin(engine_session *s, bool writes, bool implicit, engine_unit *ret,
                                  entrasql_error *err) ES_MUST_USE;
/* Keeps or undoes the statement's changes. The status given, or that of the failed COMMIT. */
entrasql_status engine_unit_end(engine_session *s, const engine_unit *unit, entrasql_status status,
                                entrasql_error *err);

#endif
