/* SPDX-License-Identifier: MIT */
/*
 * A restart, for hosts whose processes do not notice new settings by
 * themselves, and scale sets whose instances are told to take the identity over.
 */
#include "migrate/plan.h"

/* After which step it comes; NULL: the host needs none. */
static const char *cause(const migrate_context *m)
{
    const azure_host *h = m->host.host;

    if (h->restart == NULL)
        return NULL;
    if ((h->features & AZURE_HOST_WRITES_SETTINGS) == 0)
        return m->host_state.needs_upgrade ? "assign" : NULL;
    return (h->features & AZURE_HOST_RESTARTS_ON_WRITE) == 0 ? "settings" : NULL;
}

static bool applies(const migrate_context *m)
{
    unsigned f = m->host.host->features;
    return m->host.host->restart != NULL && (f & AZURE_HOST_RESTARTS_ON_WRITE) == 0;
}

/* Once the host was changed, until it was done. It cannot be seen: the journal knows. */
static bool is_needed(const migrate_context *m)
{
    const char *step = cause(m);
    if (step == NULL || m->was_restarted)
        return false;
    if (m->journal == NULL)
        return m->changes_host;
    return migrate_journal_has(m->journal, step, MIGRATE_EVENT_BEGIN) &&
           !migrate_journal_has(m->journal, "restart", MIGRATE_EVENT_DONE);
}

static entrasql_status look(migrate_context *m, migrate_view *v, entrasql_error *err)
{
    bool needed = is_needed(m);

    v->state = !needed ? MIGRATE_OK : m->journal != NULL ? MIGRATE_TODO : MIGRATE_LATER;
    ES_TRY(migrate_built(
        es_buf_add_str(&v->is, needed ? "its processes have the old state\n" : "none needed\n"),
        err));
    return migrate_built(es_buf_add_str(&v->will, needed ? "they are started anew\n" : ""), err);
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
