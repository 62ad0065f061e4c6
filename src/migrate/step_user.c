/* SPDX-License-Identifier: MIT */
/* The database users of the identity and of the developer. */
#include "base/str.h"
#include "migrate/change.h"
#include "migrate/explain.h"
#include "migrate/name.h"
#include "migrate/plan.h"

#include <string.h>

#define NAME_SIZE (MIGRATE_NAME_MAX_BYTES + 1)

/* Whose user a step is about. */
typedef struct subject {
    const char *step;
    bool is_developer;
    migrate_user user;
    char name[NAME_SIZE];
    bool is_known; /* its id is */
} subject;

static void take_identity(const migrate_context *m, subject *s)
{
    *s = (subject){.step = "user"};
    migrate_identity_user(m, &s->user, s->name, sizeof s->name);
    s->is_known = m->has_identity;
}

/* By object id: nobody has to be asked. */
static void take_developer(const migrate_context *m, subject *s)
{
    const char *id = m->caller.is_application ? m->caller.client_id : m->caller.object_id;

    *s = (subject){.step = "developer", .is_developer = true, .user = m->rights};
    es_strlcpy_utf8(s->name, sizeof s->name,
                    m->caller.name[0] != '\0' ? m->caller.name : m->caller.client_id);
    s->user.name = s->name;
    s->is_known = s->user.has_sid = es_guid_parse(id, s->user.sid) == ENTRASQL_OK;
}

static bool applies_always(const migrate_context *m)
{
    (void)m;
    return true;
}

static bool applies_developer(const migrate_context *m)
{
    return m->o->developer != NULL;
}

/* ---- looking ---- */

static entrasql_status later(const migrate_context *m, const subject *s, migrate_view *v,
                             entrasql_error *err)
{
    v->state = MIGRATE_LATER;
    ES_TRY(migrate_built(m->has_principals
                             ? migrate_line(&v->is, "seen once the identity is there")
                             : migrate_line(&v->is, "not seen: %s", m->sql_err.message),
                         err));
    return migrate_built(
        migrate_line(&v->will, "user %s with the profile %s", s->name, s->user.profile->name), err);
}

/* The user's id is another one, and it was said that it may be taken over. */
static bool is_stale(const migrate_context *m, const subject *s)
{
    const migrate_principal *old = migrate_principal_by_name(&m->principals, s->name);
    return m->o->repair_user && old != NULL && migrate_principal_is_external(old) &&
           s->user.has_sid && !migrate_principal_has_sid(old, s->user.sid);
}

static entrasql_status changes_of(const migrate_context *m, const subject *s, migrate_changes *ret,
                                  entrasql_error *err)
{
    if (is_stale(m, s))
        return migrate_user_rebuild(&m->principals, &s->user, ret, err);
    entrasql_status status = migrate_user_diff(&m->principals, &s->user, ret, err);
    if (status == ENTRASQL_EXISTS && strstr(err->message, "belongs to another principal") != NULL)
        es_hint(err,
                "Was the identity deleted and made again? --repair-user gives the user the new "
                "id; whoever has the old one loses its access.");
    return status;
}

static entrasql_status describe(const migrate_context *m, const subject *s, es_buf *is)
{
    const migrate_principal *old = migrate_principal_by_name(&m->principals, s->name);
    char id[ES_GUID_TEXT_SIZE] = "?";

    if (old == NULL)
        return migrate_line(is, "no user %s in %s", s->name, m->o->database);
    if (old->sid_length >= MIGRATE_SID_BYTES)
        es_guid_format(old->sid, id);
    return migrate_line(is, "user %s with the id %s", s->name, id);
}

static entrasql_status look_at(migrate_context *m, const subject *s, migrate_view *v,
                               entrasql_error *err)
{
    ES_CLEANUP(migrate_changes_done) migrate_changes changes = MIGRATE_CHANGES_INIT;

    if (s->is_developer && m->has_admin && es_strcaseeq(m->admin.sid, m->caller.object_id)) {
        v->state = MIGRATE_OK;
        return migrate_built(
            migrate_line(&v->is, "%s is the Entra admin and needs no user", s->name), err);
    }
    ES_TRY(migrate_user_check(&s->user, err));
    ES_TRY(m->journal != NULL ? migrate_see_database(m, err) : migrate_try_database(m, err));
    if (!m->has_principals || !s->is_known)
        return later(m, s, v, err);
    ES_TRY(changes_of(m, s, &changes, err));
    ES_TRY(migrate_built(describe(m, s, &v->is), err));
    v->state = changes.count != 0 ? MIGRATE_TODO : MIGRATE_OK;
    if (is_stale(m, s))
        ES_TRY(migrate_built(
            migrate_line(&v->lost, "whoever has the user's old id loses its access"), err));
    return migrate_built(es_buf_add(&v->will, changes.notes.data, changes.notes.len), err);
}

static entrasql_status look(migrate_context *m, migrate_view *v, entrasql_error *err)
{
    subject s;
    ES_TRY(migrate_see_identity(m, err));
    take_identity(m, &s);
    return look_at(m, &s, v, err);
}

static entrasql_status look_developer(migrate_context *m, migrate_view *v, entrasql_error *err)
{
    subject s;
    take_developer(m, &s);
    return look_at(m, &s, v, err);
}

/* ---- what was ---- */

static void put_roles(const migrate_context *m, const migrate_principal *user, json_writer *w)
{
    json_name(w, "roles");
    json_begin_array(w);
    for (size_t i = 0; user != NULL && i < m->principals.member_count; i++) {
        const migrate_member *one = &m->principals.members[i];
        const migrate_principal *role = migrate_principal_by_id(&m->principals, one->role);
        if (one->member == user->id && role != NULL)
            json_put_string(w, role->name);
    }
    json_end_array(w);
}

static entrasql_status before_of(const migrate_context *m, const subject *s, json_writer *w,
                                 entrasql_error *err)
{
    const migrate_principal *user = migrate_principal_by_name(&m->principals, s->name);
    char role[NAME_SIZE] = "";
    char id[ES_GUID_TEXT_SIZE];

    ES_TRY(migrate_user_role_name(&s->user, role, sizeof role, err));
    json_member_put_string(w, "name", s->name);
    json_member_put_bool(w, "had", user != NULL);
    json_member_put_bool(w, "hadRole", migrate_principal_by_name(&m->principals, role) != NULL);
    if (user != NULL && user->sid_length >= MIGRATE_SID_BYTES) {
        es_guid_format(user->sid, id);
        json_member_put_string(w, "id", id);
    }
    put_roles(m, user, w);
    return ENTRASQL_OK;
}

static entrasql_status before(migrate_context *m, json_writer *w, entrasql_error *err)
{
    subject s;
    take_identity(m, &s);
    return before_of(m, &s, w, err);
}

static entrasql_status before_developer(migrate_context *m, json_writer *w, entrasql_error *err)
{
    subject s;
    take_developer(m, &s);
    return before_of(m, &s, w, err);
}

/* ---- doing ---- */

/* One transaction a turn: a stale user is made again first, then given what it lacks. */
static entrasql_status apply_to(migrate_context *m, const subject *s, entrasql_error *err)
{
    for (int turn = 0; turn < 2; turn++) {
        ES_CLEANUP(migrate_changes_done) migrate_changes changes = MIGRATE_CHANGES_INIT;
        bool stale = is_stale(m, s);
        ES_TRY(changes_of(m, s, &changes, err));
        ES_TRY(migrate_changes_run(m->sql, &changes, err));
        if (!stale)
            break;
        ES_TRY(migrate_try_database(m, err));
    }
    return ENTRASQL_OK;
}

static entrasql_status apply(migrate_context *m, entrasql_error *err)
{
    subject s;
    take_identity(m, &s);
    return apply_to(m, &s, err);
}

static entrasql_status apply_developer(migrate_context *m, entrasql_error *err)
{
    subject s;
    take_developer(m, &s);
    return apply_to(m, &s, err);
}

/* ---- back ---- */

static bool lists(const json_node *array, const char *name)
{
    for (size_t i = 0; i < json_count(array); i++) {
        const char *text = NULL;
        if (json_node_string(json_element(array, i), &text, NULL) == ENTRASQL_OK &&
            es_strcaseeq(text, name))
            return true;
    }
    return false;
}

static entrasql_status leave_role(migrate_changes *c, const char *role, const char *name)
{
    ES_TRY(es_buf_add_str(&c->sql, "ALTER ROLE "));
    ES_TRY(migrate_add_identifier(&c->sql, role));
    ES_TRY(es_buf_add_str(&c->sql, " DROP MEMBER "));
    ES_TRY(migrate_add_identifier(&c->sql, name));
    ES_TRY(es_buf_add_str(&c->sql, ";\n"));
    return migrate_changes_note(c, "took %s out of %s", name, role);
}

/* Memberships that the spec gives and that were not there. */
static entrasql_status leave_roles(const migrate_context *m, const subject *s,
                                   const migrate_principal *user, const json_node *old,
                                   const char *own_role, migrate_changes *c)
{
    for (size_t i = 0; i < m->principals.member_count; i++) {
        const migrate_member *one = &m->principals.members[i];
        const migrate_principal *role = migrate_principal_by_id(&m->principals, one->role);
        if (one->member != user->id || role == NULL || lists(old, role->name))
            continue;
        if (migrate_user_gives_role(&s->user, role->name, own_role))
            ES_TRY(leave_role(c, role->name, user->name));
    }
    return ENTRASQL_OK;
}

static entrasql_status drop_role(const migrate_context *m, const migrate_principal *user,
                                 const char *name, migrate_changes *c)
{
    const migrate_principal *role = migrate_principal_by_name(&m->principals, name);

    if (name[0] == '\0' || role == NULL || role->type != 'R')
        return ENTRASQL_OK;
    for (size_t i = 0; i < m->principals.member_count; i++) {
        const migrate_member *one = &m->principals.members[i];
        if (one->role == role->id && (user == NULL || one->member != user->id))
            return migrate_changes_note(c, "the role %s has other members: it stays", name);
    }
    ES_TRY(es_buf_add_str(&c->sql, "DROP ROLE "));
    ES_TRY(migrate_add_identifier(&c->sql, name));
    ES_TRY(es_buf_add_str(&c->sql, ";\n"));
    return migrate_changes_note(c, "dropped the role %s", name);
}

static entrasql_status undo_changes(const migrate_context *m, const subject *s, const char *name,
                                    const json_node *detail, migrate_changes *c,
                                    entrasql_error *err)
{
    const migrate_principal *user = migrate_principal_by_name(&m->principals, name);
    char role[NAME_SIZE] = "";
    bool had = true;
    bool had_role = true;

    (void)!json_member_bool(detail, "had", &had);
    (void)!json_member_bool(detail, "hadRole", &had_role);
    ES_TRY(migrate_user_role_name(&s->user, role, sizeof role, err));
    if (user != NULL && !had)
        ES_TRY(migrate_user_drop(&m->principals, user->name, c, err));
    else if (user != NULL)
        ES_TRY(migrate_built(leave_roles(m, s, user, json_member(detail, "roles"), role, c), err));
    if (!had_role)
        return migrate_built(drop_role(m, user, role, c), err);
    return ENTRASQL_OK;
}

static entrasql_status undo_of(migrate_context *m, const subject *s, const json_node *detail,
                               es_buf *said, entrasql_error *err)
{
    ES_CLEANUP(migrate_changes_done) migrate_changes changes = MIGRATE_CHANGES_INIT;
    const char *name = NULL;

    if (json_member_string(detail, "name", &name, NULL) != ENTRASQL_OK)
        return es_fail(err, ENTRASQL_CONFIG, "the journal does not name the database user");
    ES_TRY(migrate_see_database(m, err));
    if (!m->has_principals) {
        *err = m->sql_err;
        return err->status;
    }
    ES_TRY(undo_changes(m, s, name, detail, &changes, err));
    if (changes.sql.len != 0)
        ES_TRY(migrate_changes_run(m->sql, &changes, err));
    return migrate_built(es_buf_add(said, changes.notes.data, changes.notes.len), err);
}

static entrasql_status undo(migrate_context *m, const json_node *detail, es_buf *said,
                            entrasql_error *err)
{
    subject s;
    take_identity(m, &s);
    return undo_of(m, &s, detail, said, err);
}

static entrasql_status undo_developer(migrate_context *m, const json_node *detail, es_buf *said,
                                      entrasql_error *err)
{
    subject s;
    take_developer(m, &s);
    return undo_of(m, &s, detail, said, err);
}

/* ---- script ---- */

/* A here-document that the shell takes as it is: a name may hold what it would act upon. */
static entrasql_status open_document(const migrate_context *m, es_buf *out)
{
    ES_TRY(es_buf_add_str(out, "entrasql query -S "));
    ES_TRY(es_buf_add_shell(out, m->o->sql_address != NULL ? m->o->sql_address : m->server.fqdn));
    ES_TRY(es_buf_add_str(out, " -d "));
    ES_TRY(es_buf_add_shell(out, m->o->database));
    return es_buf_add_str(out, " <<'T-SQL'\n");
}

/*
 * Entra knows the identity by its own name: the statement for a user of another one needs an id,
 * which there is none of before the identity is made.
 */
static bool has_no_statement(const migrate_context *m, const subject *s)
{
    char own[NAME_SIZE] = "";

    if (s->is_developer || s->is_known || m->o->user_name == NULL)
        return false;
    if (m->o->system_identity)
        azure_host_system_name(&m->host, own, sizeof own);
    else
        es_strlcpy_utf8(own, sizeof own, m->o->identity);
    return !es_strcaseeq(m->o->user_name, own);
}

static entrasql_status script_of(const migrate_context *m, const subject *s, es_buf *out,
                                 entrasql_error *err)
{
    if (has_no_statement(m, s)) {
        ES_CLEANUP(es_buf_done) es_buf ignored = ES_BUF_INIT(MIGRATE_TEXT_MAX);
        ES_TRY(migrate_user_script(&s->user, &ignored, err)); /* refuses what cannot be a name */
        return migrate_built(
            migrate_line(out,
                         "# The database user %s has another name than the identity, and the "
                         "server finds it by id only:\n"
                         "# plan again once the identity is there.",
                         s->name),
            err);
    }
    ES_TRY(migrate_built(migrate_line(out, "# T-SQL, in the database %s:", m->o->database), err));
    if (!s->is_known && !m->o->by_name)
        ES_TRY(migrate_built(
            es_buf_add_str(out,
                           "# (its id is not known before the identity is there, so the server "
                           "looks it up by name)\n"),
            err));
    ES_TRY(migrate_built(open_document(m, out), err));
    ES_TRY(migrate_user_script(&s->user, out, err));
    return migrate_built(es_buf_add_str(out, "T-SQL\n"), err);
}

static entrasql_status script(migrate_context *m, es_buf *out, entrasql_error *err)
{
    subject s;
    take_identity(m, &s);
    return script_of(m, &s, out, err);
}

static entrasql_status script_developer(migrate_context *m, es_buf *out, entrasql_error *err)
{
    subject s;
    take_developer(m, &s);
    return script_of(m, &s, out, err);
}

#define SQL_NEEDS                                                                                  \
    "ALTER ANY USER, ALTER ANY ROLE and, for fixed roles and grants on the schema, db_owner: the " \
    "Entra admin has them all"

const migrate_step migrate_step_user = {
    .name = "user",
    .title = "Database user of the identity",
    .sql_needs = SQL_NEEDS,
    .applies = applies_always,
    .look = look,
    .before = before,
    .apply = apply,
    .undo = undo,
    .script = script,
};

const migrate_step migrate_step_developer = {
    .name = "developer",
    .title = "Database user of the developer",
    .sql_needs = SQL_NEEDS,
    .applies = applies_developer,
    .look = look_developer,
    .before = before_developer,
    .apply = apply_developer,
    .undo = undo_developer,
    .script = script_developer,
};
