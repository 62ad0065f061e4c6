/* SPDX-License-Identifier: MIT */
/* A restart, for hosts whose processes do not notice new settings by themselves. */
#include "migrate/plan.h"

static bool applies(const migrate_context *m)
{
    unsigned f = m->host.host->features;
    return (f & AZURE_HOST_WRITES_SETTINGS) != 0 && (f & AZURE_HOST_RESTARTS_ON_WRITE) == 0 &&
           m->host.host->restart != NULL;
}

/* Needed once settings were written, until it was done. */
static bool is_needed(const migrate_context *m)
{
    return m->journal != NULL && migrate_journal_has(m->journal, "settings", MIGRATE_EVENT_BEGIN) &&
           !migrate_journal_has(m->journal, "restart", MIGRATE_EVENT_DONE);
}

static entrasql_status look(migrate_context *m, migrate_view *v, entrasql_error *err)
{
    if (m->journal == NULL) {
        v->state = MIGRATE_LATER;
        ES_TRY(migrate_built(es_buf_add_str(&v->is, "depends on the settings\n"), err));
        return migrate_built(es_buf_add_str(&v->will, "a restart, if settings are written\n"), err);
    }
    /* After the restart itself it cannot be seen that it was done: the journal says so next. */
    v->state = is_needed(m) && !m->was_restarted ? MIGRATE_TODO : MIGRATE_OK;
    return migrate_built(
        es_buf_add_str(&v->is, v->state == MIGRATE_OK ? "none needed\n" : "settings are new\n"),
        err);
}

static entrasql_status apply(migrate_context *m, entrasql_error *err)
{
    ES_TRY(azure_host_restart(m->arm, &m->host, err));
    m->was_restarted = true;
    return ENTRASQL_OK;
}

static size_t needs(const migrate_context *m, const azure_need *ret[4])
{
    ret[0] = m->host.host->restart_needs;
    return 1;
}

const migrate_step migrate_step_restart = {
    .name = "restart",
    .title = "Restart",
    .applies = applies,
    .look = look,
    .apply = apply,
    .needs = needs,
};
