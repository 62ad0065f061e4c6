/* SPDX-License-Identifier: MIT */
/* Transactions, savepoints and units of statements. */
#include "engine/tran.h"

#include "base/mem.h"
#include "engine/applock.h"
#include "engine/output.h"
#include "engine/table_keep.h"
#include "engine/temp.h"

#include <stdio.h>
#include <string.h>

static void forget_savepoints(engine_tran *t, size_t keep)
{
    while (t->savepoint_count > keep)
        es_free(t->savepoints[--t->savepoint_count].name);
    if (keep == 0) {
        es_free(t->savepoints);
        t->savepoints = NULL;
    }
}

static void clear(engine_session *s)
{
    engine_tran *t = &s->tran;
    forget_savepoints(t, 0);
    es_free(t->name);
    t->name = NULL;
    t->count = 0;
    t->id = 0;
    t->open = false;
    t->doomed = false;
    engine_applock_release_all(s, true);
}

/* SQLite may have rolled back by itself (disk full, I/O error). */
static void undo(engine_session *s)
{
    if (sqlite3_get_autocommit(s->db))
        return;
    engine_kept_table *kept = engine_tables_keep(s);
    (void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    engine_tables_restore(s, kept);
}

void engine_tran_drop(engine_session *s)
{
    uint64_t id = s->tran.id;
    undo(s);
    clear(s);
    if (id != 0)
        engine_temp_forget_transaction(s, id);
}

entrasql_status engine_tran_begin(engine_session *s, const char *name, entrasql_error *err)
{
    engine_tran *t = &s->tran;
    if (t->count == 0) {
        char *copy = es_strdup(name);
        if (name != NULL && copy == NULL)
            return es_nomem(err);
        es_free(t->name);
        t->name = copy;
        t->id = atomic_fetch_add(&s->server->next_transaction, 1) + 1;
        t->count = 1;
        return engine_output_change(s, ENGINE_CHANGE_BEGIN, t->id, NULL, NULL);
    }
    if (t->count == INT32_MAX)
        return engine_error(err, 3989, 1, "New request is not allowed to start.");
    t->count++;
    return ENTRASQL_OK;
}

entrasql_status engine_tran_commit(engine_session *s, entrasql_error *err)
{
    engine_tran *t = &s->tran;
    if (t->count == 0)
        return engine_error(err, 3902, 1,
                            "The COMMIT TRANSACTION request has no corresponding BEGIN "
                            "TRANSACTION.");
    if (t->doomed)
        return engine_error(err, 3930, 1,
                            "The current transaction cannot be committed and cannot support "
                            "operations that write to the log file. Roll back the transaction.");
    if (t->count > 1) {
        t->count--;
        return ENTRASQL_OK;
    }
    if (t->open) {
        entrasql_status status = engine_db_exec(s->db, "COMMIT", err);
        if (status != ENTRASQL_OK) {
            engine_session_explain(s, err);
            return status;
        }
    }
    uint64_t id = t->id;
    clear(s);
    return engine_output_change(s, ENGINE_CHANGE_COMMIT, id, NULL, NULL);
}

static entrasql_status rollback_all(engine_session *s)
{
    uint64_t id = s->tran.id;
    engine_tran_drop(s);
    return engine_output_change(s, ENGINE_CHANGE_ROLLBACK, id, NULL, NULL);
}

static entrasql_status rollback_to(engine_session *s, size_t place, entrasql_error *err)
{
    engine_tran *t = &s->tran;
    if (t->doomed)
        return engine_error(err, 3931, 1,
                            "The current transaction cannot be committed and cannot be rolled back "
                            "to a savepoint. Roll back the entire transaction.");
    if (t->savepoints[place].in_sqlite) {
        char sql[48];
        snprintf(sql, sizeof sql, "ROLLBACK TO t%zu", place);
        engine_kept_table *kept = engine_tables_keep(s);
        entrasql_status status = engine_db_exec(s->db, sql, err);
        engine_tables_restore(s, kept);
        ES_TRY(status);
    } else if (t->open) {
        undo(s);
        t->open = false;
    }
    forget_savepoints(t, place + 1);
    return ENTRASQL_OK;
}

entrasql_status engine_tran_rollback(engine_session *s, const char *name, entrasql_error *err)
{
    engine_tran *t = &s->tran;
    if (t->count == 0)
        return engine_error(err, 3903, 1,
                            "The ROLLBACK TRANSACTION request has no corresponding BEGIN "
                            "TRANSACTION.");
    if (name == NULL || name[0] == '\0')
        return rollback_all(s);
    for (size_t i = t->savepoint_count; i-- > 0;) {
        if (strcmp(t->savepoints[i].name, name) == 0)
            return rollback_to(s, i, err);
    }
    if (t->name != NULL && strcmp(t->name, name) == 0)
        return rollback_all(s);
    return engine_error(err, 6401, 1,
                        "Cannot roll back %s. No transaction or savepoint of that name was found.",
                        name);
}

entrasql_status engine_tran_save(engine_session *s, const char *name, entrasql_error *err)
{
    engine_tran *t = &s->tran;
    if (t->count == 0)
        return engine_error(err, 628, 0,
                            "Cannot issue SAVE TRANSACTION when there is no active "
                            "transaction.");
    engine_savepoint *grown =
        es_reallocarray(t->savepoints, t->savepoint_count + 1, sizeof *t->savepoints);
    if (grown == NULL)
        return es_nomem(err);
    t->savepoints = grown;
    engine_savepoint point = {.name = es_strdup(name), .in_sqlite = t->open};
    if (point.name == NULL)
        return es_nomem(err);
    if (t->open) {
        char sql[48];
        snprintf(sql, sizeof sql, "SAVEPOINT t%zu", t->savepoint_count);
        entrasql_status status = engine_db_exec(s->db, sql, err);
        if (status != ENTRASQL_OK) {
            es_free(point.name);
            return status;
        }
    }
    t->savepoints[t->savepoint_count++] = point;
    return ENTRASQL_OK;
}

/* ---- units ---- */

static entrasql_status begin_sqlite(engine_session *s, bool writes, entrasql_error *err)
{
    entrasql_status status = engine_db_exec(s->db, writes ? "BEGIN IMMEDIATE" : "BEGIN", err);
    if (status != ENTRASQL_OK)
        engine_session_explain(s, err);
    return status;
}

static bool keeps_picture(const engine_session *s)
{
    return s->set.isolation > TSQL_ISOLATION_READ_COMMITTED;
}

static entrasql_status open_unit(engine_session *s, bool writes, engine_unit *unit,
                                 entrasql_error *err)
{
    engine_tran *t = &s->tran;
    bool inside = !sqlite3_get_autocommit(s->db);

    if (!inside && t->count != 0 && (writes || keeps_picture(s))) {
        ES_TRY(begin_sqlite(s, writes && !keeps_picture(s), err));
        t->open = true;
        inside = true;
    }
    if (!inside) {
        ES_TRY(begin_sqlite(s, writes, err));
        unit->kind = ENGINE_UNIT_WHOLE;
        return ENTRASQL_OK;
    }
    if (!writes)
        return ENTRASQL_OK;
    unit->kind = ENGINE_UNIT_SAVEPOINT;
    return engine_db_exec(s->db, "SAVEPOINT u", err);
}

entrasql_status engine_unit_begin(engine_session *s, bool writes, bool implicit, engine_unit *ret,
                                  entrasql_error *err)
{
    engine_unit unit = {.writes = writes, .kind = ENGINE_UNIT_NONE};
    if (implicit && s->set.implicit_transactions && s->tran.count == 0)
        ES_TRY(engine_tran_begin(s, NULL, err));
    if (writes && s->tran.doomed)
        return engine_error(err, 3930, 1,
                            "The current transaction cannot be committed and cannot support "
                            "operations that write to the log file. Roll back the transaction.");
    ES_TRY(open_unit(s, writes, &unit, err));
    s->tran.units++;
    entrasql_status status = engine_session_refresh(s, err);
    if (status != ENTRASQL_OK)
        return engine_unit_end(s, &unit, status, NULL);
    *ret = unit;
    return ENTRASQL_OK;
}

static entrasql_status end_whole(engine_session *s, entrasql_status status, entrasql_error *err)
{
    if (status == ENTRASQL_OK) {
        status = engine_db_exec(s->db, "COMMIT", err);
        if (status != ENTRASQL_OK)
            engine_session_explain(s, err);
    }
    undo(s);
    return status;
}

entrasql_status engine_unit_end(engine_session *s, const engine_unit *unit, entrasql_status status,
                                entrasql_error *err)
{
    s->tran.units--;
    if (unit->kind == ENGINE_UNIT_WHOLE)
        return end_whole(s, status, err);
    if (unit->kind == ENGINE_UNIT_SAVEPOINT && !sqlite3_get_autocommit(s->db)) {
        if (status != ENTRASQL_OK)
            (void)sqlite3_exec(s->db, "ROLLBACK TO u", NULL, NULL, NULL);
        (void)sqlite3_exec(s->db, "RELEASE u", NULL, NULL, NULL);
    }
    return status;
}
