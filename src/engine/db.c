/* SPDX-License-Identifier: MIT */
/* SQLite's calls with the project's errors. */
#include "engine/db.h"

#include "engine/error.h"

#include <stdarg.h>
#include <string.h>

entrasql_status engine_db_fail(sqlite3 *db, int rc, entrasql_error *err)
{
    switch (rc & 0xFF) {
    case SQLITE_NOMEM:
        return es_nomem(err);
    case SQLITE_INTERRUPT:
        return es_fail(err, ENTRASQL_CANCELLED, "the statement was cancelled");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return engine_error(err, 1222, 51, "Lock request time out period exceeded.");
    case SQLITE_FULL:
        return engine_error(err, 9002, 4,
                            "The transaction log for the database is full (the disk is full).");
    case SQLITE_READONLY:
        return engine_error(err, 3906, 1, "Failed to update the database because it is read-only.");
    case SQLITE_TOOBIG:
        return engine_error(err, 8152, 10, "String or binary data would be truncated.");
    default:
        return engine_error(err, 8624, 1,
                            "Internal Query Processor Error: the statement could not be run by "
                            "SQLite (%d): %s",
                            rc, db != NULL ? sqlite3_errmsg(db) : sqlite3_errstr(rc));
    }
}

entrasql_status engine_db_prepare(sqlite3 *db, const char *sql, size_t n, sqlite3_stmt **ret,
                                  entrasql_error *err)
{
    sqlite3_stmt *stmt = NULL;
    if (n > INT32_MAX)
        return es_fail(err, ENTRASQL_LIMIT, "the statement is too long");
    int rc = sqlite3_prepare_v3(db, sql, (int)n, 0, &stmt, NULL);
    if (rc != SQLITE_OK)
        return engine_db_fail(db, rc, err);
    *ret = stmt;
    return ENTRASQL_OK;
}

entrasql_status engine_db_step(sqlite3_stmt *stmt, bool *ret_row, entrasql_error *err)
{
    int rc = sqlite3_step(stmt);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return engine_db_fail(sqlite3_db_handle(stmt), rc, err);
    *ret_row = rc == SQLITE_ROW;
    return ENTRASQL_OK;
}

entrasql_status engine_db_exec(sqlite3 *db, const char *sql, entrasql_error *err)
{
    int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? ENTRASQL_OK : engine_db_fail(db, rc, err);
}

static int bind_one(sqlite3_stmt *stmt, int index, char type, va_list *ap)
{
    if (type == 'i')
        return sqlite3_bind_int64(stmt, index, va_arg(*ap, int64_t));
    if (type == 's') {
        const char *s = va_arg(*ap, const char *);
        return s != NULL ? sqlite3_bind_text(stmt, index, s, -1, SQLITE_TRANSIENT)
                         : sqlite3_bind_null(stmt, index);
    }
    const void *p = va_arg(*ap, const void *);
    size_t n = va_arg(*ap, size_t);
    return p != NULL ? sqlite3_bind_blob64(stmt, index, p, n, SQLITE_TRANSIENT)
                     : sqlite3_bind_null(stmt, index);
}

static entrasql_status run(sqlite3 *db, entrasql_error *err, const char *sql, const char *types,
                           va_list *ap, int64_t *ret)
{
    ES_CLEANUP(engine_db_finalize) sqlite3_stmt *stmt = NULL;
    bool row = false;
    ES_TRY(engine_db_prepare(db, sql, strlen(sql), &stmt, err));
    for (int i = 0; types[i] != '\0'; i++) {
        int rc = bind_one(stmt, i + 1, types[i], ap);
        if (rc != SQLITE_OK)
            return engine_db_fail(db, rc, err);
    }
    ES_TRY(engine_db_step(stmt, &row, err));
    if (row && ret != NULL)
        *ret = sqlite3_column_int64(stmt, 0);
    while (row)
        ES_TRY(engine_db_step(stmt, &row, err));
    return ENTRASQL_OK;
}

entrasql_status engine_db_run(sqlite3 *db, entrasql_error *err, const char *sql, const char *types,
                              ...)
{
    va_list ap;
    va_start(ap, types);
    entrasql_status status = run(db, err, sql, types, &ap, NULL);
    va_end(ap);
    return status;
}

entrasql_status engine_db_int(sqlite3 *db, entrasql_error *err, int64_t *ret, const char *sql,
                              const char *types, ...)
{
    va_list ap;
    va_start(ap, types);
    entrasql_status status = run(db, err, sql, types, &ap, ret);
    va_end(ap);
    return status;
}

void engine_db_finalize(sqlite3_stmt **stmt)
{
    sqlite3_finalize(*stmt);
    *stmt = NULL;
}
