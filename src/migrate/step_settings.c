/* SPDX-License-Identifier: MIT */
/*
 * The connection string without its password, and AZURE_CLIENT_ID, in one
 * write that keeps every other setting. Old values without a secret (Key Vault
 * references, ids) go into the journal; one with a secret goes into the file of
 * --keep-old, or is given up.
 */
#include "base/mem.h"
#include "base/str.h"
#include "migrate/keep_old.h"
#include "migrate/leftover.h"
#include "migrate/setting.h"

#include <string.h>

static bool applies(const migrate_context *m)
{
    (void)m;
    return true;
}

static bool is_written(const migrate_context *m)
{
    return (m->host.host->features & AZURE_HOST_WRITES_SETTINGS) != 0;
}

/* ---- looking ---- */

static entrasql_status describe_old(const migrate_context *m, const migrate_setting *s, es_buf *is)
{
    const char *comma = is->len != 0 ? "; " : "";

    if (s->stays)
        return es_buf_printf(is, "%s%s: left alone, as it leads to %s", comma, s->name, s->place);
    const char *what = s->old == NULL          ? "not set"
                       : s->old->is_reference  ? "a reference to a secret"
                       : s->old->value == NULL ? "hidden"
                       : s->has_secret         ? "a connection string with a password"
                       : s->same               ? "as it shall be"
                       : s->kind == AZURE_SETTING && es_streq(s->name, MIGRATE_CLIENT_ID_SETTING)
                           ? s->old->value
                           : "a connection string without a password";
    ES_TRY(es_buf_printf(is, "%s%s: %s", comma, s->name, what));
    if (s->place[0] == '\0')
        return ENTRASQL_OK;
    return es_buf_printf(
        is, " (leads to %s, which has to be an alias or a failover group of server %s)", s->place,
        m->o->sql_server);
}

static entrasql_status describe_new(const migrate_setting *s, es_buf *will)
{
    if (s->same)
        return ENTRASQL_OK;
    if (!s->is_known)
        return migrate_line(will, "%s: with the identity's ids", s->name);
    if (s->value == NULL)
        return migrate_line(will, "%s: removed, as it names another identity", s->name);
    ES_TRY(migrate_line(will, "%s = %s", s->name, s->value));
    return s->note[0] != '\0' ? migrate_line(will, "  (%s)", s->note) : ENTRASQL_OK;
}

/* For machines and clusters: once the identity is there. */
static entrasql_status look_manual(const migrate_context *m, const migrate_settings *s,
                                   migrate_view *v, entrasql_error *err)
{
    bool was_run =
        m->journal != NULL && migrate_journal_has(m->journal, "settings", MIGRATE_EVENT_DONE);

    ES_TRY(
        migrate_built(es_buf_add_str(&v->is, was_run ? "set by run-command\n"
                                                     : "settings inside are not seen from Azure\n"),
                      err));
    v->state = !m->has_identity        ? MIGRATE_LATER
               : !m->o->run_command    ? MIGRATE_MANUAL
               : was_run || m->was_run ? MIGRATE_OK
                                       : MIGRATE_TODO;
    if (!m->has_identity)
        return migrate_built(es_buf_add_str(&v->will, "instructions with the identity's ids\n"),
                             err);
    return migrate_settings_instructions(m, s, &v->will, err);
}

static entrasql_status look_written(const migrate_context *m, const migrate_settings *s,
                                    migrate_view *v, entrasql_error *err)
{
    bool same = true;
    bool known = true;
    bool secret = false;

    for (size_t i = 0; i < s->count; i++) {
        ES_TRY(migrate_built(describe_old(m, &s->list[i], &v->is), err));
        ES_TRY(migrate_built(describe_new(&s->list[i], &v->will), err));
        same = same && s->list[i].same;
        v->is_doubted = v->is_doubted || (s->list[i].place[0] != '\0' && !s->list[i].stays);
        known = known && s->list[i].is_known;
        secret = secret || (s->list[i].has_secret && !s->list[i].same &&
                            (s->list[i].old == NULL || s->list[i].old->secret == NULL));
    }
    ES_TRY(migrate_built(es_buf_u8(&v->is, '\n'), err));
    v->state = !known ? MIGRATE_LATER : same ? MIGRATE_OK : MIGRATE_TODO;
    if (v->state == MIGRATE_TODO && (m->host.host->features & AZURE_HOST_RESTARTS_ON_WRITE) != 0)
        ES_TRY(migrate_built(migrate_line(&v->will, "the write restarts the application"), err));
    if (secret)
        ES_TRY(migrate_built(
            migrate_line(&v->lost, "the old string, unless it is kept (--keep-old)"), err));
    return ENTRASQL_OK;
}

static entrasql_status look(migrate_context *m, migrate_view *v, entrasql_error *err)
{
    ES_CLEANUP(migrate_settings_done) migrate_settings s = {0};

    if (m->server.fqdn[0] == '\0')
        ES_TRY(migrate_see_server(m, err));
    ES_TRY(migrate_see_identity(m, err));
    ES_TRY(migrate_see_host(m, err));
    ES_TRY(migrate_settings_want(m, &s, err));
    ES_TRY(is_written(m) ? look_written(m, &s, v, err) : look_manual(m, &s, v, err));
    m->changes_host = m->changes_host || (is_written(m) && v->state != MIGRATE_OK);
    return ENTRASQL_OK;
}

/* ---- what was ---- */

static void put_old(const migrate_context *m, const migrate_setting *s, json_writer *w)
{
    json_begin_object(w);
    json_member_put_string(w, "kind", migrate_setting_kind_name(s->kind));
    json_member_put_string(w, "name", s->name);
    json_member_put_bool(w, "had", s->old != NULL);
    if (s->old != NULL) {
        if (s->old->type != NULL)
            json_member_put_string(w, "type", s->old->type);
        if (s->old->secret != NULL)
            json_member_put_string(w, "secret", s->old->secret);
        else if (s->has_secret)
            json_member_put_bool(w, "kept", m->keep_old != NULL && s->old->value != NULL);
        else
            json_member_put_string(w, "value", s->old->value);
    }
    json_end_object(w);
}

/* What goes into the file of --keep-old; of a plan. */
static entrasql_status collect_olds(const migrate_settings *s, const char *plan, migrate_olds *ret,
                                    entrasql_error *err)
{
    ret->plan = es_strdup(plan);
    if (ret->plan == NULL)
        return es_nomem(err);
    for (size_t i = 0; i < s->count; i++) {
        const migrate_setting *one = &s->list[i];
        if (one->same || one->old == NULL || !one->has_secret || one->old->value == NULL ||
            one->old->secret != NULL)
            continue;
        ES_TRY(migrate_olds_add(ret, migrate_setting_kind_name(one->kind), one->name,
                                one->old->value, one->old->type, err));
    }
    return ENTRASQL_OK;
}

/* Before the journal: what it says to be kept is. */
static entrasql_status keep(const migrate_context *m, const migrate_settings *s,
                            entrasql_error *err)
{
    ES_CLEANUP(migrate_olds_done) migrate_olds olds = {0};

    if (m->keep_old == NULL)
        return ENTRASQL_OK;
    ES_TRY(collect_olds(s, migrate_journal_head_text(m->journal, "plan"), &olds, err));
    return olds.count != 0 ? migrate_olds_write(m->keep_old, &olds, err) : ENTRASQL_OK;
}

entrasql_status migrate_settings_try_keep(const migrate_context *m, const char *plan,
                                          entrasql_error *err)
{
    ES_CLEANUP(migrate_settings_done) migrate_settings s = {0};
    ES_CLEANUP(migrate_olds_done) migrate_olds olds = {0};

    if (m->keep_old == NULL || !applies(m))
        return ENTRASQL_OK;
    ES_TRY(migrate_settings_want(m, &s, err));
    ES_TRY(collect_olds(&s, plan, &olds, err));
    return olds.count != 0 ? migrate_olds_try(m->keep_old, &olds, err) : ENTRASQL_OK;
}

static entrasql_status before(migrate_context *m, json_writer *w, entrasql_error *err)
{
    ES_CLEANUP(migrate_settings_done) migrate_settings s = {0};

    ES_TRY(migrate_settings_want(m, &s, err));
    ES_TRY(keep(m, &s, err));
    if (m->keep_old != NULL)
        json_member_put_string(w, "keepOld", m->keep_old);
    json_name(w, "settings");
    json_begin_array(w);
    for (size_t i = 0; i < s.count; i++) {
        if (!s.list[i].same && is_written(m))
            put_old(m, &s.list[i], w);
    }
    json_end_array(w);
    return ENTRASQL_OK;
}

/* ---- doing ---- */

static entrasql_status apply(migrate_context *m, entrasql_error *err)
{
    ES_CLEANUP(migrate_settings_done) migrate_settings s = {0};
    azure_change changes[MIGRATE_SETTING_CHANGES];
    size_t count = 0;

    ES_TRY(migrate_settings_want(m, &s, err));
    if (!is_written(m)) {
        ES_TRY(migrate_settings_run(m, &s, false, err));
        m->was_run = true;
        return ENTRASQL_OK;
    }
    for (size_t i = 0; i < s.count; i++) {
        const migrate_setting *one = &s.list[i];
        if (one->same)
            continue;
        changes[count++] = (azure_change){
            .kind = one->kind,
            .name = one->name,
            .value = one->value,
            .type = one->kind == AZURE_CONNECTION_STRING && one->old == NULL ? "SQLAzure" : NULL,
            .make_sticky = m->o->sticky,
        };
    }
    return azure_host_write(m->arm, &m->host, changes, count, err);
}

/* ---- back ---- */

static entrasql_status say_lost(es_buf *said, const char *name, const char *file)
{
    if (file == NULL)
        return migrate_line(said, "%s: the old value was given up (--discard-old): set it by hand",
                            name);
    return migrate_line(said, "%s: the old value is not in %s: set it by hand", name, file);
}

/* One entry of the journal as a change. False: it cannot be put back. */
static entrasql_status old_change(const migrate_context *m, const json_node *node,
                                  const migrate_olds *olds, const char *file, azure_change *ret,
                                  bool *ret_has, es_buf *said, entrasql_error *err)
{
    const char *kind = NULL;
    const char *value = NULL;
    const char *type = NULL;
    bool had = false;

    *ret = (azure_change){0};
    *ret_has = true;
    if (json_member_string(node, "kind", &kind, NULL) != ENTRASQL_OK ||
        json_member_string(node, "name", &ret->name, NULL) != ENTRASQL_OK ||
        json_member_bool(node, "had", &had) != ENTRASQL_OK)
        return es_fail(err, ENTRASQL_CONFIG, "the journal has a setting that is none");
    if (json_member_string(node, "type", &type, NULL) == ENTRASQL_OK)
        ret->type = type;
    ret->kind = es_streq(kind, "connectionString") ? AZURE_CONNECTION_STRING : AZURE_SETTING;
    if (!had)
        return ENTRASQL_OK;
    if (json_member_string(node, "secret", &ret->secret, NULL) == ENTRASQL_OK) {
        ret->value = "";
        *ret_has = migrate_has_secret(m, ret->secret);
        return *ret_has ? ENTRASQL_OK
                        : migrate_built(migrate_line(said,
                                                     "%s: the app's secret %s is not there any "
                                                     "more: set it by hand",
                                                     ret->name, ret->secret),
                                        err);
    }
    if (json_member_string(node, "value", &value, NULL) == ENTRASQL_OK) {
        ret->value = value;
        return ENTRASQL_OK;
    }
    const migrate_old *old = migrate_olds_find(olds, kind, ret->name);
    *ret_has = old != NULL;
    if (old == NULL)
        return migrate_built(say_lost(said, ret->name, file), err);
    ret->value = old->value;
    return ENTRASQL_OK;
}

/* The file that the run has kept old values in; NULL: it gave them up. */
static const char *kept_file(const json_node *detail)
{
    const char *file = NULL;
    return json_member_string(detail, "keepOld", &file, NULL) == ENTRASQL_OK ? file : NULL;
}

static entrasql_status undo(migrate_context *m, const json_node *detail, es_buf *said,
                            entrasql_error *err)
{
    ES_CLEANUP(migrate_olds_done) migrate_olds olds = {0};
    const json_node *list = json_member(detail, "settings");
    azure_change changes[MIGRATE_SETTING_CHANGES];
    const char *file = m->keep_old != NULL ? m->keep_old : kept_file(detail);
    size_t count = 0;

    if (!is_written(m)) {
        ES_CLEANUP(migrate_settings_done) migrate_settings s = {0};
        ES_TRY(migrate_see_identity(m, err));
        ES_TRY(migrate_settings_want(m, &s, err));
        ES_TRY(migrate_settings_run(m, &s, true, err));
        return migrate_built(migrate_line(said, "took the drop-in from %s", m->o->app), err);
    }
    if (file != NULL)
        ES_TRY(migrate_read_kept(m, file, &olds, err));
    ES_TRY(migrate_see_host(m, err));
    for (size_t i = 0; i < json_count(list) && count < MIGRATE_SETTING_CHANGES; i++) {
        bool has = false;
        ES_TRY(old_change(m, json_element(list, i), &olds, file, &changes[count], &has, said, err));
        count += has;
    }
    if (count == 0)
        return ENTRASQL_OK;
    ES_TRY(azure_host_write(m->arm, &m->host, changes, count, err));
    for (size_t i = 0; i < count; i++)
        ES_TRY(migrate_built(
            migrate_line(said, changes[i].value != NULL ? "%s has its old value" : "%s was removed",
                         changes[i].name),
            err));
    return ENTRASQL_OK;
}

/* ---- half of it ---- */

/* What the journal has of a setting; NULL: it was as it shall be. */
static const json_node *find_old(const json_node *detail, const migrate_setting *s)
{
    const json_node *list = json_member(detail, "settings");

    for (size_t i = 0; i < json_count(list); i++) {
        const json_node *one = json_element(list, i);
        const char *kind = NULL;
        const char *name = NULL;
        if (json_member_string(one, "kind", &kind, NULL) == ENTRASQL_OK &&
            json_member_string(one, "name", &name, NULL) == ENTRASQL_OK &&
            es_streq(kind, migrate_setting_kind_name(s->kind)) && es_streq(name, s->name))
            return one;
    }
    return NULL;
}

/* Whether it may be as it was before. A password that was not kept can be any. */
static bool may_be_old(const migrate_setting *s, const json_node *node, const migrate_olds *olds)
{
    const char *text = NULL;
    bool had = false;

    if (node == NULL || json_member_bool(node, "had", &had) != ENTRASQL_OK)
        return false;
    if (!had || s->old == NULL)
        return !had && s->old == NULL;
    if (json_member_string(node, "secret", &text, NULL) == ENTRASQL_OK)
        return es_strcaseeq(s->old->secret, text);
    if (s->old->value == NULL)
        return true;
    if (json_member_string(node, "value", &text, NULL) == ENTRASQL_OK)
        return es_streq(s->old->value, text);
    const migrate_old *kept = migrate_olds_find(olds, migrate_setting_kind_name(s->kind), s->name);
    return kept != NULL ? es_streq(s->old->value, kept->value) : s->has_secret;
}

static entrasql_status foreign(migrate_context *m, const json_node *detail, es_buf *what,
                               entrasql_error *err)
{
    ES_CLEANUP(migrate_settings_done) migrate_settings s = {0};
    ES_CLEANUP(migrate_olds_done) migrate_olds olds = {0};
    const char *file = kept_file(detail);

    if (!is_written(m)) /* not to be seen */
        return ENTRASQL_OK;
    if (file != NULL)
        ES_TRY(migrate_read_kept(m, file, &olds, err));
    ES_TRY(migrate_settings_want(m, &s, err));
    for (size_t i = 0; i < s.count; i++) {
        if (s.list[i].same || may_be_old(&s.list[i], find_old(detail, &s.list[i]), &olds))
            continue;
        const char *comma = what->len != 0 ? ", " : "";
        ES_TRY(migrate_built(es_buf_printf(what, "%s%s", comma, s.list[i].name), err));
    }
    if (what->len == 0)
        return ENTRASQL_OK;
    return migrate_built(es_buf_add_str(what, " (neither as it was before nor as it shall be)"),
                         err);
}

/* ---- script ---- */

/* Up to the name of the application; az's words for a function app have no connection strings. */
static entrasql_status add_az(const migrate_context *m, const migrate_setting *s, const char *verb,
                              es_buf *out)
{
    bool is_string = s->kind == AZURE_CONNECTION_STRING;
    bool is_function = !is_string && es_streq(m->host.host->name, "function-app");

    ES_TRY(es_buf_printf(out, "az %s config %s %s -g ", is_function ? "functionapp" : "webapp",
                         is_string ? "connection-string" : "appsettings", verb));
    ES_TRY(es_buf_add_shell(out, m->o->resource_group));
    ES_TRY(es_buf_add_str(out, " -n "));
    ES_TRY(es_buf_add_shell(out, m->o->app));
    if (m->o->slot == NULL)
        return ENTRASQL_OK;
    ES_TRY(es_buf_add_str(out, " --slot "));
    return es_buf_add_shell(out, m->o->slot);
}

/* Before the identity is there, az is asked for its id when the script runs. */
static entrasql_status add_asked_id(const migrate_context *m, es_buf *out)
{
    ES_TRY(es_buf_printf(out, "%s=", MIGRATE_CLIENT_ID_SETTING));
    ES_TRY(es_buf_add_str(out, "\"$(az identity show --query clientId -o tsv -g "));
    ES_TRY(es_buf_add_shell(out, m->o->identity_group != NULL ? m->o->identity_group
                                                              : m->o->resource_group));
    ES_TRY(es_buf_add_str(out, " -n "));
    ES_TRY(es_buf_add_shell(out, m->o->identity));
    return es_buf_add_str(out, ")\"");
}

/* Name and value as one word: the name is Azure's to say, and a shell may act upon it. */
static entrasql_status add_pair(const migrate_setting *s, es_buf *out)
{
    ES_CLEANUP(es_buf_done) es_buf pair = ES_BUF_INIT(MIGRATE_TEXT_MAX);

    ES_TRY(es_buf_printf(&pair, "%s=%s", s->name, s->value));
    const char *text = es_buf_cstr(&pair);
    return text != NULL ? es_buf_add_shell(out, text) : ENTRASQL_NOMEM;
}

static bool is_asked_id(const migrate_setting *s)
{
    return !s->is_known && s->kind == AZURE_SETTING && es_streq(s->name, MIGRATE_CLIENT_ID_SETTING);
}

static entrasql_status script_removal(const migrate_context *m, const migrate_setting *s,
                                      es_buf *out)
{
    ES_TRY(add_az(m, s, "delete", out));
    ES_TRY(es_buf_add_str(out, " --setting-names "));
    ES_TRY(es_buf_add_shell(out, s->name));
    return es_buf_u8(out, '\n');
}

static entrasql_status script_site(const migrate_context *m, const migrate_setting *s, es_buf *out)
{
    bool is_string = s->kind == AZURE_CONNECTION_STRING;

    if (s->value == NULL && !is_asked_id(s))
        return script_removal(m, s, out);
    ES_TRY(add_az(m, s, is_string ? "set -t SQLAzure" : "set", out));
    ES_TRY(es_buf_add_str(out, m->o->sticky ? " --slot-settings " : " --settings "));
    ES_TRY(is_asked_id(s) ? add_asked_id(m, out) : add_pair(s, out));
    return es_buf_u8(out, '\n');
}

static entrasql_status script_words(const migrate_setting *s, es_buf *out)
{
    if (is_asked_id(s))
        return migrate_line(
            out, "# set in the application's environment: %s=the identity's client id", s->name);
    if (s->value == NULL)
        return migrate_line(out, "# taken from the application's environment: %s", s->name);
    return migrate_line(out, "# set in the application's environment: %s=%s", s->name, s->value);
}

static entrasql_status script(migrate_context *m, es_buf *out, entrasql_error *err)
{
    ES_CLEANUP(migrate_settings_done) migrate_settings s = {0};
    bool is_site = (m->host.host->features & AZURE_HOST_HAS_CONNECTION_STRINGS) != 0;

    ES_TRY(migrate_settings_want(m, &s, err));
    for (size_t i = 0; i < s.count; i++) {
        const migrate_setting *one = &s.list[i];
        if (one->same)
            continue;
        entrasql_status status = ENTRASQL_OK;
        if (!one->is_known && !is_asked_id(one))
            status = migrate_line(out, "# %s: plan again once the identity is there", one->name);
        else
            status = is_site ? script_site(m, one, out) : script_words(one, out);
        ES_TRY(migrate_built(status, err));
    }
    return ENTRASQL_OK;
}

static size_t needs(const migrate_context *m, const azure_need *ret[4])
{
    ret[0] = m->host.host->read_needs;
    ret[1] = m->host.host->write_needs;
    return is_written(m) ? 2 : 1;
}

const migrate_step migrate_step_settings = {
    .name = "settings",
    .title = "Connection string and AZURE_CLIENT_ID",
    .applies = applies,
    .look = look,
    .before = before,
    .apply = apply,
    .undo = undo,
    .foreign = foreign,
    .script = script,
    .needs = needs,
};
