/* SPDX-License-Identifier: MIT */
/*
 * The server's Entra admin. A server has one; without it nobody can make
 * Entra users. Whoever it is, it is never replaced unless that was asked for.
 */
#include "base/str.h"
#include "migrate/plan.h"

#include <string.h>

static const azure_need needs_read[] = {
    {"Microsoft.Sql/servers/read", "to find the server's name and region"},
    {"Microsoft.Sql/servers/administrators/read", "to see the Entra admin"},
    {NULL, NULL},
};
static const azure_need needs_write[] = {
    {"Microsoft.Sql/servers/administrators/write", "to set the Entra admin"},
    {NULL, NULL},
};

static bool always(const migrate_context *m)
{
    (void)m;
    return true;
}

/* Whom the options name. False: nobody. */
static bool wanted(const migrate_context *m, azure_sql_admin *ret)
{
    const migrate_options *o = m->o;

    *ret = (azure_sql_admin){0};
    if (o->admin == NULL)
        return false;
    es_strlcpy_utf8(ret->tenant_id, sizeof ret->tenant_id, m->caller.tenant_id);
    if (es_streq(o->admin, "me")) {
        const char *name = m->caller.name[0] != '\0' ? m->caller.name : m->caller.client_id;
        es_strlcpy_utf8(ret->login, sizeof ret->login, name);
        es_strlcpy_utf8(ret->sid, sizeof ret->sid, m->caller.object_id);
    } else {
        es_strlcpy_utf8(ret->login, sizeof ret->login, o->admin);
        es_strlcpy_utf8(ret->sid, sizeof ret->sid, o->admin_id);
    }
    return true;
}

static entrasql_status nobody(const migrate_context *m, entrasql_error *err)
{
    es_fail(err, ENTRASQL_INVALID,
            "the server %s has no Entra admin, so nobody can make Entra users", m->o->sql_server);
    es_hint(err, "Name one: --admin me, or --admin NAME --admin-id OBJECT-ID (a group is best).");
    return ENTRASQL_INVALID;
}

static entrasql_status somebody_else(const migrate_context *m, entrasql_error *err)
{
    char shown[300];
    es_printable(shown, sizeof shown, m->admin.login, strlen(m->admin.login));
    es_fail(err, ENTRASQL_EXISTS, "the server %s has another Entra admin: %s (%s)",
            m->o->sql_server, shown, m->admin.sid);
    es_hint(err, "Leave --admin away and have that admin run this, or replace it with "
                 "--replace-admin: it loses its access.");
    return ENTRASQL_EXISTS;
}

static entrasql_status look(migrate_context *m, migrate_view *v, entrasql_error *err)
{
    azure_sql_admin a;
    bool is_wanted = wanted(m, &a);

    ES_TRY(migrate_see_server(m, err));
    if (!is_wanted && !m->has_admin)
        return nobody(m, err);
    entrasql_status status =
        m->has_admin ? migrate_line(&v->is, "Entra admin: %s (%s)", m->admin.login, m->admin.sid)
                     : migrate_line(&v->is, "no Entra admin");
    ES_TRY(migrate_built(status, err));
    if (!is_wanted || (m->has_admin && es_strcaseeq(m->admin.sid, a.sid))) {
        v->state = MIGRATE_OK;
        return ENTRASQL_OK;
    }
    if (m->has_admin && !m->o->replace_admin)
        return somebody_else(m, err);
    v->state = MIGRATE_TODO;
    if (m->has_admin)
        ES_TRY(migrate_built(migrate_line(&v->lost, "%s cannot sign in any more", m->admin.login),
                             err));
    return migrate_built(migrate_line(&v->will, "Entra admin: %s (%s)", a.login, a.sid), err);
}

static entrasql_status before(migrate_context *m, json_writer *w, entrasql_error *err)
{
    (void)err;
    json_member_put_bool(w, "had", m->has_admin);
    if (m->has_admin) {
        json_member_put_string(w, "login", m->admin.login);
        json_member_put_string(w, "sid", m->admin.sid);
        json_member_put_string(w, "tenantId", m->admin.tenant_id);
    }
    return ENTRASQL_OK;
}

static entrasql_status apply(migrate_context *m, entrasql_error *err)
{
    azure_sql_admin a;
    bool changed = false;

    (void)wanted(m, &a);
    ES_TRY(azure_sql_admin_set(m->arm, &m->sql_ref, &a, &changed, err));
    m->waits_for_sql = true;
    return ENTRASQL_OK;
}

static entrasql_status take_old(const json_node *detail, azure_sql_admin *ret, entrasql_error *err)
{
    const char *login = NULL;
    const char *sid = NULL;
    const char *tenant = NULL;

    if (json_member_string(detail, "login", &login, NULL) != ENTRASQL_OK ||
        json_member_string(detail, "sid", &sid, NULL) != ENTRASQL_OK ||
        json_member_string(detail, "tenantId", &tenant, NULL) != ENTRASQL_OK)
        return es_fail(err, ENTRASQL_CONFIG, "the journal does not say who the admin was");
    es_strlcpy_utf8(ret->login, sizeof ret->login, login);
    es_strlcpy_utf8(ret->sid, sizeof ret->sid, sid);
    es_strlcpy_utf8(ret->tenant_id, sizeof ret->tenant_id, tenant);
    return ENTRASQL_OK;
}

static entrasql_status undo(migrate_context *m, const json_node *detail, es_buf *said,
                            entrasql_error *err)
{
    azure_sql_admin a = {0};
    azure_sql_admin ours;
    bool had = false;
    bool changed = false;

    ES_TRY(migrate_see_server(m, err));
    if (json_member_bool(detail, "had", &had) != ENTRASQL_OK)
        return es_fail(err, ENTRASQL_CONFIG, "the journal does not say who the admin was");
    if (m->has_admin && wanted(m, &ours) && !es_strcaseeq(m->admin.sid, ours.sid))
        return migrate_built(migrate_line(said,
                                          "the Entra admin was changed since, to %s: it stays",
                                          m->admin.login),
                             err);
    if (!had) {
        ES_TRY(azure_sql_admin_delete(m->arm, &m->sql_ref, err));
        return migrate_built(migrate_line(said, "took the Entra admin away, as there was none"),
                             err);
    }
    ES_TRY(take_old(detail, &a, err));
    ES_TRY(azure_sql_admin_set(m->arm, &m->sql_ref, &a, &changed, err));
    return migrate_built(migrate_line(said, "made %s the Entra admin again", a.login), err);
}

static entrasql_status foreign(migrate_context *m, const json_node *detail, es_buf *what,
                               entrasql_error *err)
{
    const char *sid = NULL;
    bool had = false;

    if (json_member_bool(detail, "had", &had) != ENTRASQL_OK ||
        (had && json_member_string(detail, "sid", &sid, NULL) != ENTRASQL_OK))
        return es_fail(err, ENTRASQL_CONFIG, "the journal does not say who the admin was");
    if (!m->has_admin)
        return had ? migrate_built(migrate_line(what, "no Entra admin"), err) : ENTRASQL_OK;
    if (had && es_strcaseeq(m->admin.sid, sid))
        return ENTRASQL_OK;
    return migrate_built(migrate_line(what, "Entra admin: %s (%s)", m->admin.login, m->admin.sid),
                         err);
}

static entrasql_status script(migrate_context *m, es_buf *out, entrasql_error *err)
{
    azure_sql_admin a;

    if (!wanted(m, &a))
        return ENTRASQL_OK;
    entrasql_status status = es_buf_add_str(out, "az sql server ad-admin create -g ");
    if (status == ENTRASQL_OK)
        status = es_buf_add_shell(out, m->sql_ref.resource_group);
    if (status == ENTRASQL_OK)
        status = es_buf_add_str(out, " -s ");
    if (status == ENTRASQL_OK)
        status = es_buf_add_shell(out, m->o->sql_server);
    if (status == ENTRASQL_OK)
        status = es_buf_add_str(out, " -u ");
    if (status == ENTRASQL_OK)
        status = es_buf_add_shell(out, a.login);
    if (status == ENTRASQL_OK)
        status = es_buf_add_str(out, " -i ");
    if (status == ENTRASQL_OK)
        status = es_buf_add_shell(out, a.sid);
    if (status == ENTRASQL_OK)
        status = es_buf_u8(out, '\n');
    return migrate_built(status, err);
}

static size_t needs(const migrate_context *m, const azure_need *ret[4])
{
    ret[0] = needs_read;
    ret[1] = needs_write;
    return m->o->admin != NULL ? 2 : 1;
}

const migrate_step migrate_step_admin = {
    .name = "admin",
    .title = "Entra admin of the SQL server",
    .applies = always,
    .look = look,
    .before = before,
    .apply = apply,
    .undo = undo,
    .foreign = foreign,
    .script = script,
    .needs = needs,
};
