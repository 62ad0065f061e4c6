/* SPDX-License-Identifier: MIT */
/* Everything that can be looked at, as JSON; no secret is among it. */
#include "admin.h"

#include "emulator/internal.h"
#include "json/json.h"

static const char *kind_name(world_kind kind)
{
    switch (kind) {
    case WORLD_USER:
        return "user";
    case WORLD_GROUP:
        return "group";
    case WORLD_APP:
        return "app";
    case WORLD_IDENTITY:
        return "identity";
    }
    return "";
}

static void put_groups(json_writer *j, const world *w, const world_principal *p)
{
    const char *ids[64];
    size_t count = world_groups_of(w, p, ids, ES_COUNT_OF(ids));
    json_name(j, "groups");
    json_begin_array(j);
    for (size_t i = 0; i < count; i++) {
        const world_principal *group = world_object_find(w, ids[i]);
        json_put_string(j, group != NULL ? group->name : ids[i]);
    }
    json_end_array(j);
}

static void put_principal(json_writer *j, const world *w, const world_principal *p)
{
    json_begin_object(j);
    json_member_put_string(j, "kind", kind_name(p->kind));
    json_member_put_string(j, "name", p->name);
    if (p->upn != NULL)
        json_member_put_string(j, "upn", p->upn);
    json_member_put_string(j, "object_id", p->object_id);
    if (p->client_id[0] != 0)
        json_member_put_string(j, "client_id", p->client_id);
    if (p->kind == WORLD_IDENTITY) {
        const world_host *host = world_host_of(w, p);
        json_member_put_string(j, "assigned", p->system_assigned ? "system" : "user");
        json_member_put_string(j, "host", host != NULL ? host->name : NULL);
    }
    json_member_put_string(j, "tenant", p->tenant->domain);
    put_groups(j, w, p);
    json_end_object(j);
}

static void put_principals(json_writer *j, const world *w)
{
    json_name(j, "objects");
    json_begin_array(j);
    const world_principal *p;
    for (size_t i = 0; (p = world_principal_at(w, i)) != NULL; i++)
        put_principal(j, w, p);
    json_end_array(j);
}

static void put_hosts(json_writer *j, const world *w)
{
    json_name(j, "hosts");
    json_begin_array(j);
    const world_host *h;
    for (size_t i = 0; (h = world_host_at(w, i)) != NULL; i++) {
        json_begin_object(j);
        json_member_put_string(j, "name", h->name);
        json_member_put_string(j, "kind", world_host_kind_name(h->kind));
        json_name(j, "identities");
        json_begin_array(j);
        for (size_t k = 0; k < h->identity_count; k++)
            json_put_string(j, h->identities[k]->name);
        json_end_array(j);
        json_end_object(j);
    }
    json_end_array(j);
}

static void put_server(json_writer *j, const world *w, const char *backend)
{
    const world_principal *admin = world_server_admin(w);
    json_name(j, "server");
    json_begin_object(j);
    json_member_put_string(j, "name", world_server_name(w));
    json_member_put_string(j, "admin",
                           admin == NULL        ? NULL
                           : admin->upn != NULL ? admin->upn
                                                : admin->name);
    json_member_put_bool(j, "entra_only", world_is_entra_only(w));
    json_member_put_bool(j, "sql_login", world_has_sql_login(w));
    json_member_put_string(j, "backend", backend);
    json_name(j, "databases");
    json_begin_array(j);
    json_put_string(j, "master");
    for (size_t i = 0; i < world_database_count(w); i++)
        json_put_string(j, world_database_name(w, i));
    json_end_array(j);
    json_end_object(j);
}

static void put_logins(json_writer *j, journal *log)
{
    uint64_t accepted = 0, refused = 0;
    journal_counts(log, &accepted, &refused);
    json_member_put_i64(j, "logins_accepted", (int64_t)accepted);
    json_member_put_i64(j, "logins_refused", (int64_t)refused);
    json_name(j, "logins");
    journal_write(log, j);
}

entrasql_status admin_write_state(admin_site *a, es_buf *out)
{
    const admin_options *o = admin_get(a);
    json_writer j;
    json_writer_init(&j, out);
    json_begin_object(&j);
    ES_TRY(emulator_put_state(&o->info, o->data_dir, &j));
    world_hold(o->world);
    put_server(&j, o->world, o->backend);
    put_principals(&j, o->world);
    put_hosts(&j, o->world);
    world_let_go(o->world);
    json_name(&j, "faults");
    faults_write(world_faults(o->world), &j);
    put_logins(&j, o->journal);
    json_end_object(&j);
    return json_writer_end(&j);
}
