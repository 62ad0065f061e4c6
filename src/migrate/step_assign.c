/* SPDX-License-Identifier: MIT */
/* The identity on the host; those that are there stay. */
#include "base/str.h"
#include "migrate/plan.h"

static bool applies(const migrate_context *m)
{
    return (m->host.host->features & AZURE_HOST_ASSIGNS) != 0;
}

static const azure_assigned *find_it(const migrate_context *m)
{
    return m->has_identity ? azure_host_find_identity(&m->host_state, m->identity.id) : NULL;
}

/* The host has one of that name, but it is the one that was deleted since. */
static bool is_stale(const migrate_context *m)
{
    const azure_assigned *a = m->o->system_identity ? NULL : find_it(m);
    return a != NULL && a->client_id != NULL && !es_strcaseeq(a->client_id, m->identity.client_id);
}

static bool has_it(const migrate_context *m)
{
    if (m->o->system_identity)
        return m->host_state.has_system_identity;
    return find_it(m) != NULL && !is_stale(m);
}

static const char *identity_text(const migrate_context *m)
{
    return m->o->system_identity ? "its system-assigned identity" : m->o->identity;
}

static entrasql_status look(migrate_context *m, migrate_view *v, entrasql_error *err)
{
    char title[512];

    ES_TRY(migrate_see_identity(m, err));
    ES_TRY(migrate_see_host(m, err));
    azure_host_title(&m->host, title, sizeof title);
    ES_TRY(migrate_built(
        migrate_line(&v->is, "%s has %zu user-assigned identities%s%s", title,
                     m->host_state.identity_count,
                     m->host_state.has_system_identity ? " and a system-assigned one" : "",
                     has_it(m) ? ", this one among them" : ""),
        err));
    v->state = has_it(m) ? MIGRATE_OK : MIGRATE_TODO;
    m->changes_host = v->state != MIGRATE_OK;
    if (v->state == MIGRATE_OK)
        return ENTRASQL_OK;
    return migrate_built(
        migrate_line(&v->will, "%s on %s, all others kept", identity_text(m), title), err);
}

static entrasql_status before(migrate_context *m, json_writer *w, entrasql_error *err)
{
    (void)err;
    json_member_put_bool(w, "had", has_it(m));
    return ENTRASQL_OK;
}

static entrasql_status apply(migrate_context *m, entrasql_error *err)
{
    bool changed = false;
    const char *id = m->o->system_identity ? NULL : m->identity.id;
    if (is_stale(m))
        ES_TRY(azure_host_unassign(m->arm, &m->host, id, &changed, err));
    return azure_host_assign(m->arm, &m->host, id, &changed, err);
}

static entrasql_status undo(migrate_context *m, const json_node *detail, es_buf *said,
                            entrasql_error *err)
{
    char title[512];
    bool had = true;
    bool changed = false;

    (void)!json_member_bool(detail, "had", &had);
    if (had)
        return ENTRASQL_OK;
    ES_TRY(migrate_see_identity(m, err));
    if (!m->has_identity)
        return ENTRASQL_OK;
    const char *id = m->o->system_identity ? NULL : m->identity.id;
    ES_TRY(migrate_see_host(m, err));
    ES_TRY(azure_host_unassign(m->arm, &m->host, id, &changed, err));
    if (m->host_state.needs_upgrade)
        ES_TRY(azure_host_restart(m->arm, &m->host, err));
    azure_host_title(&m->host, title, sizeof title);
    return migrate_built(migrate_line(said, "took %s from %s", identity_text(m), title), err);
}

/* The words of az for each kind of host, before and after its name; NULL: only the ARM call. */
static const char *az_command(const azure_host *host)
{
    static const char *const commands[][2] = {
        {"app-service", "az webapp identity assign"},
        {"function-app", "az functionapp identity assign"},
        {"container-app", "az containerapp identity assign"},
        {"spring-app", "az spring app identity assign"},
        {"vm", "az vm identity assign"},
        {"vmss", "az vmss identity assign"},
    };
    for (size_t i = 0; i < ES_COUNT_OF(commands); i++) {
        if (es_streq(commands[i][0], host->name))
            return commands[i][1];
    }
    return NULL;
}

static entrasql_status build_script(const migrate_context *m, const char *command, es_buf *out)
{
    bool is_flagged =
        es_streq(m->host.host->name, "container-app") || es_streq(m->host.host->name, "spring-app");
    ES_TRY(es_buf_printf(out, "%s -g ", command));
    ES_TRY(es_buf_add_shell(out, m->o->resource_group));
    ES_TRY(es_buf_add_str(out, " -n "));
    ES_TRY(es_buf_add_shell(out, m->o->app));
    if (m->o->slot != NULL) {
        ES_TRY(es_buf_add_str(out, " --slot "));
        ES_TRY(es_buf_add_shell(out, m->o->slot));
    }
    if (m->o->service != NULL) {
        ES_TRY(es_buf_add_str(out, " --service "));
        ES_TRY(es_buf_add_shell(out, m->o->service));
    }
    if (m->o->system_identity)
        return es_buf_add_str(out, is_flagged ? " --system-assigned\n" : "\n");
    ES_TRY(es_buf_add_str(out, is_flagged ? " --user-assigned " : " --identities "));
    ES_TRY(es_buf_add_str(out, "\"$(az identity show --query id -o tsv -g "));
    ES_TRY(es_buf_add_shell(out, m->o->identity_group != NULL ? m->o->identity_group
                                                              : m->o->resource_group));
    ES_TRY(es_buf_add_str(out, " -n "));
    ES_TRY(es_buf_add_shell(out, m->o->identity));
    return es_buf_add_str(out, ")\"\n");
}

static entrasql_status script(migrate_context *m, es_buf *out, entrasql_error *err)
{
    const char *command = az_command(m->host.host);
    if (command == NULL)
        return ENTRASQL_OK;
    return migrate_built(build_script(m, command, out), err);
}

static size_t needs(const migrate_context *m, const azure_need *ret[4])
{
    ret[0] = m->host.host->read_needs;
    ret[1] = m->host.host->assign_needs;
    return 2;
}

const migrate_step migrate_step_assign = {
    .name = "assign",
    .title = "Identity on the host",
    .applies = applies,
    .look = look,
    .before = before,
    .apply = apply,
    .undo = undo,
    .script = script,
    .needs = needs,
};
