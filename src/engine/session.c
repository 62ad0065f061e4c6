/* SPDX-License-Identifier: MIT */
/* Sessions: opening, settings, waiting for locks, keeping the catalog up to date. */
#include "engine/applock.h"
#include "engine/internal.h"

#include "base/clock.h"
#include "base/mem.h"
#include "engine/function.h"
#include "engine/output.h"
#include "engine/prepared.h"
#include "engine/principal.h"
#include "engine/temp.h"
#include "engine/tran.h"
#include "engine/view.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    PROGRESS_STEPS = 2000,    /* of SQLite's machine between two looks at the interrupt check */
    LOCK_WAIT_MS = 20 * 1000, /* without SET LOCK_TIMEOUT; then 1205 */
    LOCK_SLEEP_US = 2000
};

void engine_settings_reset(engine_settings *set)
{
    *set = (engine_settings){
        .quoted_identifier = true,
        .ansi_nulls = true,
        .concat_null_yields_null = true,
        .lock_timeout_ms = -1,
        .text_size = INT32_MAX,
        .datefirst = 7,
        .dateformat = SQLDATE_MDY,
        .isolation = TSQL_ISOLATION_READ_COMMITTED,
    };
}

void engine_settings_return(engine_session *s, const engine_settings *before)
{
    int32_t identity_insert = s->set.identity_insert;
    s->set = *before;
    s->set.identity_insert = identity_insert;
}

/* ---- waiting and interrupting ---- */

bool engine_session_interrupted(engine_session *s)
{
    return s->interrupt != NULL && s->interrupt(s->interrupt_ctx);
}

static int on_progress(void *ctx)
{
    return engine_session_interrupted(ctx) ? 1 : 0;
}

/* Called while somebody else holds the write lock. */
static int on_busy(void *ctx, int count)
{
    engine_session *s = ctx;
    int64_t limit = s->set.lock_timeout_ms >= 0 ? s->set.lock_timeout_ms : LOCK_WAIT_MS;
    if (count == 0)
        s->lock_deadline_ms = es_clock_mono_ms() + limit;
    if (engine_session_interrupted(s) || es_clock_mono_ms() >= s->lock_deadline_ms)
        return 0;
    struct timespec pause = {.tv_nsec = LOCK_SLEEP_US * 1000L};
    nanosleep(&pause, NULL);
    return 1;
}

void engine_session_set_interrupt(engine_session *session, engine_interrupt *check, void *ctx)
{
    session->interrupt = check;
    session->interrupt_ctx = ctx;
}

void engine_session_explain(engine_session *s, entrasql_error *err)
{
    if (s->function_failed) {
        s->function_failed = false;
        if (err != NULL)
            *err = s->function_error;
        return;
    }
    if (err == NULL || err->number != 1222)
        return;
    int code = sqlite3_extended_errcode(s->db);
    if (code == SQLITE_BUSY_SNAPSHOT && s->set.isolation == TSQL_ISOLATION_SNAPSHOT)
        engine_error(err, 3960, 1,
                     "Snapshot isolation transaction aborted due to update conflict. Retry the "
                     "transaction.");
    else if (code == SQLITE_BUSY_SNAPSHOT || s->set.lock_timeout_ms < 0)
        engine_error(err, 1205, 45,
                     "Transaction (Process ID %u) was deadlocked on lock resources with another "
                     "process and has been chosen as the deadlock victim. Rerun the transaction.",
                     (unsigned)s->spid);
}

int64_t engine_session_time(engine_session *s)
{
    if (s->statement_time == 0)
        s->statement_time = engine_now();
    return s->statement_time;
}

/* ---- opening ---- */

static entrasql_status refuse_database(const char *name, entrasql_error *err)
{
    es_fail(err, ENTRASQL_LOGIN_FAILED,
            "Cannot open database \"%s\" requested by the login. The login failed.", name);
    if (err != NULL) {
        err->number = 4060;
        err->state = 1;
        err->severity = 11;
        es_hint(err, "the emulator has no database of that name; it is made from the seed file");
    }
    return ENTRASQL_LOGIN_FAILED;
}

static entrasql_status connect(engine_session *s, entrasql_error *err)
{
    ES_TRY(engine_server_connect(s->database, &s->db, err));
    sqlite3_busy_handler(s->db, on_busy, s);
    sqlite3_progress_handler(s->db, PROGRESS_STEPS, on_progress, s);
    int rc = engine_functions_register(s);
    if (rc == SQLITE_OK)
        rc = engine_views_register(s);
    return rc == SQLITE_OK ? ENTRASQL_OK : engine_db_fail(s->db, rc, err);
}

static char *copy_or_empty(const char *s)
{
    return es_strdup(s != NULL ? s : "");
}

static entrasql_status fill(engine_session *s, const engine_session_options *options,
                            entrasql_error *err)
{
    s->spid = options->spid;
    s->next_handle = 1;
    s->frame = &s->root;
    s->root.procedure = "";
    engine_settings_reset(&s->set);
    s->host_name = copy_or_empty(options->host_name);
    s->app_name = copy_or_empty(options->app_name);
    if (s->host_name == NULL || s->app_name == NULL)
        return es_nomem(err);
    ES_TRY(engine_who_init(&s->who, options->login, err));
    ES_TRY(connect(s, err));
    /* The catalog is read by several statements, which have to see the same moment. */
    ES_TRY(engine_db_exec(s->db, "BEGIN", err));
    entrasql_status status = engine_session_refresh(s, err);
    if (status == ENTRASQL_OK)
        status = engine_who_enter(s, options->login, err);
    (void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

entrasql_status engine_session_open(engine_server *server, const engine_session_options *options,
                                    engine_session **ret, entrasql_error *err)
{
    const char *name =
        options->database != NULL && options->database[0] != '\0' ? options->database : "master";
    engine_database *database = engine_server_database(server, name);
    if (database == NULL)
        return refuse_database(name, err);
    engine_session *s = es_calloc(1, sizeof *s);
    if (s == NULL)
        return es_nomem(err);
    s->server = server;
    s->database = database;
    entrasql_status status = fill(s, options, err);
    if (status != ENTRASQL_OK) {
        engine_session_close(s);
        return status;
    }
    *ret = s;
    return ENTRASQL_OK;
}

void engine_session_close(engine_session *s)
{
    if (s == NULL)
        return;
    engine_prepared_drop_all(s);
    engine_applock_release_all(s, false);
    if (s->db != NULL) {
        engine_tran_drop(s);
        engine_temp_drop_all(s);
    }
    engine_frame_done(&s->root);
    sqlite3_close_v2(s->db);
    engine_catalog_unref(s->catalog);
    engine_who_done(&s->who);
    es_free(s->host_name);
    es_free(s->app_name);
    es_free(s->bulk_text);
    es_free(s);
}

const char *engine_session_database(const engine_session *session)
{
    return session->database->name;
}

uint64_t engine_session_transaction(const engine_session *session)
{
    return session->tran.id;
}

entrasql_status engine_session_refresh(engine_session *s, entrasql_error *err)
{
    int64_t version = 0;
    engine_catalog *fresh = NULL;
    ES_TRY(engine_catalog_read_version(s->db, &version, err));
    if (s->catalog != NULL && s->catalog->version == version)
        return ENTRASQL_OK;
    ES_TRY(engine_catalog_load(s->db, &fresh, err));
    engine_catalog_unref(s->catalog);
    s->catalog = fresh;
    return engine_who_refresh(s, err);
}

entrasql_status engine_session_reset_now(engine_session *s, bool keep_transaction)
{
    if (!keep_transaction && s->tran.count != 0)
        ES_TRY(engine_tran_rollback(s, NULL, NULL));
    tsql_isolation isolation = s->set.isolation;
    engine_settings_reset(&s->set);
    /* The isolation level outlives a reset, as on the real server. */
    s->set.isolation = isolation;
    engine_prepared_drop_all(s);
    es_free(s->bulk_text);
    s->bulk_text = NULL;
    if (s->tran.count == 0)
        engine_temp_drop_all(s);
    engine_frame_done(&s->root);
    s->identity_known = false;
    s->rowcount = 0;
    s->last_error = 0;
    return engine_output_change(s, ENGINE_CHANGE_RESET, 0, NULL, NULL);
}

entrasql_status engine_session_reset(engine_session *s, bool keep_transaction,
                                     const engine_sink *sink)
{
    engine_output_begin(s, sink, false);
    return engine_session_reset_now(s, keep_transaction);
}
