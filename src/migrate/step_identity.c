/* SPDX-License-Identifier: MIT */
/* The user-assigned identity: found, or made. */
#include "base/str.h"
#include "migrate/plan.h"

static const azure_need needs_read[] = {
    {"Microsoft.ManagedIdentity/userAssignedIdentities/read", "to find the identity"},
    {NULL, NULL},
};
static const azure_need needs_write[] = {
    {"Microsoft.ManagedIdentity/userAssignedIdentities/write", "to make the identity"},
    {"Microsoft.Resources/subscriptions/resourceGroups/read", "to find the group's region"},
    {NULL, NULL},
};

static bool applies(const migrate_context *m)
{
    return !m->o->system_identity;
}

static const char *group_of(const migrate_context *m)
{
    return m->o->identity_group != NULL ? m->o->identity_group : m->o->resource_group;
}

static entrasql_status look(migrate_context *m, migrate_view *v, entrasql_error *err)
{
    ES_TRY(migrate_see_identity(m, err));
    if (m->has_identity) {
        v->state = MIGRATE_OK;
        return migrate_built(migrate_line(&v->is, "%s, client id %s, object id %s",
                                          m->identity.name, m->identity.client_id,
                                          m->identity.principal_id),
                             err);
    }
    v->state = MIGRATE_TODO;
    ES_TRY(migrate_built(migrate_line(&v->is, "no identity %s in %s", m->o->identity, group_of(m)),
                         err));
    ES_TRY(migrate_built(
        migrate_line(&v->lost, "undoing deletes it; made again it would have other ids"), err));
    return migrate_built(
        migrate_line(&v->will, "the user-assigned identity %s in %s", m->o->identity, group_of(m)),
        err);
}

static entrasql_status before(migrate_context *m, json_writer *w, entrasql_error *err)
{
    (void)err;
    json_member_put_bool(w, "had", m->has_identity);
    return ENTRASQL_OK;
}

static entrasql_status apply(migrate_context *m, entrasql_error *err)
{
    bool created = false;
    return azure_identity_ensure(m->arm, m->o->subscription, group_of(m), m->o->identity, NULL,
                                 &m->identity, &created, err);
}

static entrasql_status undo(migrate_context *m, const json_node *detail, es_buf *said,
                            entrasql_error *err)
{
    bool had = true;
    (void)!json_member_bool(detail, "had", &had);
    if (had)
        return ENTRASQL_OK;
    ES_TRY(azure_identity_delete(m->arm, m->o->subscription, group_of(m), m->o->identity, err));
    return migrate_built(migrate_line(said, "deleted the identity %s", m->o->identity), err);
}

static entrasql_status script(migrate_context *m, es_buf *out, entrasql_error *err)
{
    entrasql_status status = es_buf_add_str(out, "az identity create -g ");
    if (status == ENTRASQL_OK)
        status = es_buf_add_shell(out, group_of(m));
    if (status == ENTRASQL_OK)
        status = es_buf_add_str(out, " -n ");
    if (status == ENTRASQL_OK)
        status = es_buf_add_shell(out, m->o->identity);
    if (status == ENTRASQL_OK)
        status = es_buf_u8(out, '\n');
    return migrate_built(status, err);
}

static size_t needs(const migrate_context *m, const azure_need *ret[4])
{
    (void)m;
    ret[0] = needs_read;
    ret[1] = needs_write;
    return 2;
}

const migrate_step migrate_step_identity = {
    .name = "identity",
    .title = "User-assigned identity",
    .applies = applies,
    .look = look,
    .before = before,
    .apply = apply,
    .undo = undo,
    .script = script,
    .needs = needs,
};
