/* SPDX-License-Identifier: MIT */
/* sys: databases and the session. */
#include "engine/views_sys.h"
#include "sqltype/collation.h"

/* ---- databases ---- */

static const engine_view_column database_columns[] = {
    {"name", "sysname", false},
    {"database_id", "int", false},
    {"source_database_id", "int", true},
    {"owner_sid", "varbinary(85)", true},
    {"create_date", "datetime", false},
    {"compatibility_level", "tinyint", false},
    {"collation_name", "sysname", true},
    {"user_access", "tinyint", true},
    {"user_access_desc", "nvarchar(60)", true},
    {"is_read_only", "bit", true},
    {"is_auto_close_on", "bit", false},
    {"is_auto_shrink_on", "bit", true},
    {"state", "tinyint", true},
    {"state_desc", "nvarchar(60)", true},
    {"snapshot_isolation_state", "tinyint", true},
    {"snapshot_isolation_state_desc", "nvarchar(60)", true},
    {"is_read_committed_snapshot_on", "bit", true},
    {"recovery_model", "tinyint", true},
    {"recovery_model_desc", "nvarchar(60)", true},
    {"is_encrypted", "bit", true},
    {"containment", "tinyint", true},
    {"containment_desc", "nvarchar(60)", true},
};

static entrasql_status row_database(engine_rows *r, const engine_database *d)
{
    engine_row_text(r, d->name);
    engine_row_int(r, d->id);
    engine_row_null(r);
    engine_row_null(r);
    engine_row_ticks(r, d->created);
    engine_row_int(r, 160);
    engine_row_text(r, SQLCOLLATION_NAME);
    engine_row_int(r, 0);
    engine_row_text(r, "MULTI_USER");
    for (int i = 0; i < 3; i++)
        engine_row_int(r, false);
    engine_row_int(r, 0);
    engine_row_text(r, "ONLINE");
    engine_row_int(r, 1);
    engine_row_text(r, "ON");
    engine_row_int(r, true);
    engine_row_int(r, 1);
    engine_row_text(r, "FULL");
    engine_row_int(r, true);
    engine_row_int(r, 0);
    engine_row_text(r, "NONE");
    return engine_rows_status(r);
}

/* In master all databases; in another one, as on Azure, master and itself. */
static entrasql_status fill_databases(engine_rows *r)
{
    engine_session *s = r->s;
    bool all = sqlcollation_equal_names(s->database->name, "master");
    entrasql_status status = ENTRASQL_OK;
    pthread_mutex_lock(&s->server->lock);
    for (const engine_database *d = s->server->databases; d != NULL && status == ENTRASQL_OK;
         d = d->next) {
        if (all || d == s->database || sqlcollation_equal_names(d->name, "master"))
            status = row_database(r, d);
    }
    pthread_mutex_unlock(&s->server->lock);
    return status;
}

/* ---- the session ---- */

static const engine_view_column session_columns[] = {
    {"session_id", "smallint", false},
    {"host_name", "sysname", true},
    {"program_name", "sysname", true},
    {"login_name", "sysname", false},
    {"original_login_name", "sysname", false},
    {"status", "nvarchar(30)", false},
    {"transaction_isolation_level", "smallint", false},
    {"lock_timeout", "int", false},
    {"open_transaction_count", "int", false},
    {"database_id", "smallint", false},
    {"is_user_process", "bit", false},
    {"date_first", "smallint", false},
    {"quoted_identifier", "bit", false},
};

/* Without VIEW DATABASE STATE one sees only one's own; so does the owner here. */
static entrasql_status fill_sessions(engine_rows *r)
{
    engine_session *s = r->s;
    engine_row_int(r, s->spid);
    engine_row_text(r, s->host_name);
    engine_row_text(r, s->app_name);
    engine_row_text(r, s->who.login_name);
    engine_row_text(r, s->who.login_name);
    engine_row_text(r, "running");
    engine_row_int(r, (int64_t)s->set.isolation);
    engine_row_int(r, s->set.lock_timeout_ms);
    engine_row_int(r, s->tran.count);
    engine_row_int(r, s->database->id);
    engine_row_int(r, true);
    engine_row_int(r, s->set.datefirst);
    engine_row_int(r, s->set.quoted_identifier);
    return engine_rows_status(r);
}

/* ---- the list ---- */

static const engine_view views[] = {
    ENGINE_VIEW("sys", "databases", database_columns, fill_databases),
    ENGINE_VIEW("sys", "dm_exec_sessions", session_columns, fill_sessions),
};

const engine_views engine_views_server = {views, ES_COUNT_OF(views)};
