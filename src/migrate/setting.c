/* SPDX-License-Identifier: MIT */
#include "migrate/setting.h"

#include "azure/guest.h"
#include "azure/vm.h"
#include "base/mem.h"
#include "base/str.h"
#include "conf/login.h"

#include <stdio.h>
#include <string.h>

void migrate_settings_done(migrate_settings *s)
{
    for (size_t i = 0; i < s->count; i++)
        es_free(s->list[i].value);
    *s = (migrate_settings){0};
}

const char *migrate_setting_kind_name(azure_setting_kind kind)
{
    return kind == AZURE_CONNECTION_STRING ? "connectionString" : "setting";
}

/* ---- where a string leads ---- */

/* The first label of a host name. */
static bool is_same_server(const char *a, const char *b)
{
    size_t n = strcspn(a, ".,:");
    size_t k = strcspn(b, ".,:");
    return n == k && es_strncaseeq(a, b, n);
}

static bool is_address(const char *address, const char *host, const char *port)
{
    ES_CLEANUP(es_cleanup_free) char *our_host = NULL;
    uint16_t our_port = 0;
    char number[8];
    entrasql_error err;

    if (conf_server_parse(address, &our_host, &our_port, &err) != ENTRASQL_OK)
        return false;
    (void)snprintf(number, sizeof number, "%u", (unsigned)our_port);
    return es_strcaseeq(our_host, host) && es_streq(number, port != NULL ? port : "1433");
}

/* By its name in any domain (a private link's, too), or as we reach it. */
static bool leads_to_server(const migrate_context *m, const conf_login *login)
{
    const char *host = conf_login_get(login, CONF_KEY_SERVER);

    return host != NULL &&
           (is_same_server(host, m->o->sql_server) || is_same_server(host, m->server.fqdn) ||
            (m->o->sql_address != NULL &&
             is_address(m->o->sql_address, host, conf_login_get(login, CONF_KEY_PORT))));
}

/* A string without a database is for whatever the server gives. */
static bool leads_elsewhere(const migrate_context *m, const conf_login *login)
{
    const char *database = conf_login_get(login, CONF_KEY_DATABASE);
    return !es_str_is_empty(database) && !es_strcaseeq(database, m->o->database);
}

/* The string of `entrasql proxy` on the same machine, as a conversion leaves it. */
static bool leads_to_proxy(const conf_login *login)
{
    const char *host = conf_login_get(login, CONF_KEY_SERVER);
    return es_str_is_empty(conf_login_get(login, CONF_KEY_PASSWORD)) &&
           (es_streq(host, "127.0.0.1") || es_strcaseeq(host, "localhost"));
}

static void name_place(const conf_login *login, char *ret, size_t size)
{
    const char *host = conf_login_get(login, CONF_KEY_SERVER);
    const char *database = conf_login_get(login, CONF_KEY_DATABASE);
    bool has_database = !es_str_is_empty(database);
    char text[512];

    (void)snprintf(text, sizeof text, "%s%s%s%s", has_database ? "database " : "",
                   has_database ? database : "", has_database ? " on " : "",
                   host != NULL ? host : "a data source");
    es_printable(ret, size, text, strlen(text));
}

static bool read_string(const char *value, conf_login *ret)
{
    entrasql_error err;
    bool is_one =
        !es_str_is_empty(value) && (strchr(value, '=') != NULL || strstr(value, "://") != NULL);
    return is_one && conf_login_parse(conf_form_detect(value), value, ret, &err) == ENTRASQL_OK;
}

migrate_password migrate_setting_password(const migrate_context *m, const char *value)
{
    ES_CLEANUP(conf_login_done) conf_login login = {0};
    if (!read_string(value, &login) || es_str_is_empty(conf_login_get(&login, CONF_KEY_PASSWORD)) ||
        !leads_to_server(m, &login))
        return MIGRATE_PASSWORD_NONE;
    return leads_elsewhere(m, &login) ? MIGRATE_PASSWORD_ELSEWHERE : MIGRATE_PASSWORD_OURS;
}

/*
 * The user is made in one database, so only a string that leads there may lose its password. A
 * name that is not the server's may still be its alias or its failover group: that is only said.
 */
static entrasql_status check_place(const migrate_context *m, const char *old, migrate_setting *s,
                                   entrasql_error *err)
{
    ES_CLEANUP(conf_login_done) conf_login login = {0};
    conf_form form = conf_form_detect(old);

    if (m->o->form != NULL)
        (void)conf_form_find(m->o->form, &form);
    /* What cannot be read is refused by the conversion. */
    if (conf_login_parse(form, old, &login, NULL) != ENTRASQL_OK)
        return ENTRASQL_OK;
    const char *host = conf_login_get(&login, CONF_KEY_SERVER);
    if (leads_elsewhere(m, &login)) {
        name_place(&login, s->place, sizeof s->place);
        es_fail(err, ENTRASQL_INVALID,
                "%s leads to %s, but the migration is for database %s on server %s", s->name,
                s->place, m->o->database, m->o->sql_server);
        es_hint(err, "Run a migration for that database (--sql-server, --database), or name "
                     "another setting with --setting NAME.");
        return ENTRASQL_INVALID;
    }
    if (host != NULL && !leads_to_server(m, &login) && !leads_to_proxy(&login))
        name_place(&login, s->place, sizeof s->place);
    return ENTRASQL_OK;
}

/* ---- the connection string ---- */

static bool is_machine(const migrate_context *m)
{
    const char *name = m->host.host->name;
    return es_streq(name, "vm") || es_streq(name, "vmss") || es_streq(name, "aks");
}

static void convert_options(const migrate_context *m, conf_convert_options *ret, conf_form *form)
{
    bool by_driver = es_streq(m->o->sign_in, "identity");

    *ret = (conf_convert_options){.identity = CONF_IDENTITY_DEFAULT};
    if (by_driver)
        ret->identity = m->o->system_identity ? CONF_IDENTITY_SYSTEM : CONF_IDENTITY_USER;
    if (!m->o->system_identity && m->has_identity) {
        ret->client_id = m->identity.client_id;
        /* Microsoft's ODBC driver takes the object id on machines, the client id elsewhere. */
        if (by_driver && is_machine(m))
            ret->object_id = m->identity.principal_id;
    }
    if (m->o->form != NULL && conf_form_find(m->o->form, form))
        ret->from = form;
}

/* Where there is no string that can be read: from the names of server and database. */
static entrasql_status new_string(const migrate_context *m, es_buf *out, entrasql_error *err)
{
    ES_CLEANUP(conf_login_done) conf_login login = {0};
    conf_form form = CONF_FORM_ODBC;
    conf_connstr list = {0};
    const char *address = m->o->sql_address != NULL ? m->o->sql_address : m->server.fqdn;
    char *host = NULL;
    uint16_t port = 0;
    char number[8];

    if (m->o->form != NULL)
        (void)conf_form_find(m->o->form, &form);
    ES_TRY(conf_server_parse(address, &host, &port, err));
    (void)snprintf(number, sizeof number, "%u", (unsigned)port);
    entrasql_status status = conf_login_from(CONF_FORM_ODBC, &list, &login, err);
    if (status == ENTRASQL_OK)
        status = conf_login_set(&login, CONF_KEY_SERVER, host);
    if (status == ENTRASQL_OK)
        status = conf_login_set(&login, CONF_KEY_PORT, number);
    if (status == ENTRASQL_OK)
        status = conf_login_set(&login, CONF_KEY_DATABASE, m->o->database);
    if (status == ENTRASQL_OK)
        status = conf_login_set(&login, CONF_KEY_LOGIN_TIMEOUT, "30");
    es_free(host);
    if (status == ENTRASQL_OK)
        status = conf_login_print(&login, form, out, NULL, err);
    return migrate_built(status, err);
}

static void note_conversion(const conf_converted *c, migrate_setting *s)
{
    const char *hint = "";
    if (c->needs_proxy)
        hint = "; its driver knows no tokens: run `entrasql proxy` beside the application";
    else if (c->needs_token)
        hint = "; the application gets the token itself, as in the tutorial, or uses entrasql's "
               "ODBC driver";
    (void)snprintf(s->note, sizeof s->note, "%s%s", conf_form_title(c->to), hint);
}

static entrasql_status convert(const migrate_context *m, const char *old, migrate_setting *s,
                               entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf fresh = ES_BUF_INIT_WIPE(CONF_CONNSTR_MAX_BYTES);
    ES_CLEANUP(es_buf_done) es_buf out = ES_BUF_INIT(CONF_CONNSTR_MAX_BYTES);
    conf_convert_options options;
    conf_converted converted = {0};
    conf_form form;

    convert_options(m, &options, &form);
    if (old == NULL) {
        ES_TRY(new_string(m, &fresh, err));
        old = es_buf_cstr(&fresh);
        if (old == NULL)
            return es_nomem(err);
    }
    entrasql_status status = conf_convert(old, &options, &out, &converted, err);
    if (status != ENTRASQL_OK) {
        es_error_prefix(err, "%s", s->name);
        return status;
    }
    s->has_secret = converted.had_password;
    note_conversion(&converted, s);
    conf_converted_done(&converted);
    s->value = es_buf_take(&out, NULL);
    return s->value != NULL ? ENTRASQL_OK : es_nomem(err);
}

static entrasql_status want_string(const migrate_context *m, migrate_setting *s,
                                   entrasql_error *err)
{
    bool is_driver_user = es_streq(m->o->sign_in, "identity") && !m->o->system_identity;
    const char *old = NULL;

    s->old = azure_host_find_setting(&m->host_state, s->kind, s->name);
    /* A reference leads to a secret that we do not read: the string is made anew. */
    if (s->old != NULL && (!s->old->is_reference || s->old->secret != NULL))
        old = s->old->value;
    if (old != NULL)
        ES_TRY(check_place(m, old, s, err));
    s->is_known = m->has_identity || !is_driver_user;
    if (!s->is_known)
        return ENTRASQL_OK;
    ES_TRY(convert(m, old, s, err));
    s->same = s->old != NULL && es_streq(s->old->value, s->value);
    /* What Azure does not show, and what could not be read, counts as a secret. */
    if (s->old != NULL && s->old->value == NULL)
        s->has_secret = true;
    return ENTRASQL_OK;
}

/* ---- AZURE_CLIENT_ID ---- */

/* With the system-assigned identity the variable would lead to another one. */
static entrasql_status want_client_id(const migrate_context *m, migrate_setting *s,
                                      entrasql_error *err)
{
    s->kind = AZURE_SETTING;
    s->name = MIGRATE_CLIENT_ID_SETTING;
    s->old = azure_host_find_setting(&m->host_state, AZURE_SETTING, s->name);
    s->is_known = m->has_identity || m->o->system_identity;
    if (m->o->system_identity) {
        s->same = s->old == NULL;
        return ENTRASQL_OK;
    }
    if (!m->has_identity)
        return ENTRASQL_OK;
    s->value = es_strdup(m->identity.client_id);
    if (s->value == NULL)
        return es_nomem(err);
    s->same = s->old != NULL && es_strcaseeq(s->old->value, s->value);
    return ENTRASQL_OK;
}

static bool has_string(const migrate_settings *s, azure_setting_kind kind, const char *name)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->list[i].kind == kind && es_streq(s->list[i].name, name))
            return true;
    }
    return false;
}

static void add_string(migrate_settings *s, azure_setting_kind kind, const char *name)
{
    if (!has_string(s, kind, name) && s->count < MIGRATE_SETTING_CHANGES - 1)
        s->list[s->count++] = (migrate_setting){.kind = kind, .name = name};
}

/* Nothing becomes of it: its password is another migration's. */
static void add_stays(const migrate_context *m, const azure_setting *one, migrate_settings *s)
{
    ES_CLEANUP(conf_login_done) conf_login login = {0};

    if (has_string(s, one->kind, one->name) || s->count >= MIGRATE_SETTING_CHANGES - 1 ||
        !read_string(one->value, &login) ||
        es_str_is_empty(conf_login_get(&login, CONF_KEY_PASSWORD)) ||
        (leads_to_server(m, &login) && !leads_elsewhere(m, &login)))
        return;
    migrate_setting *stays = &s->list[s->count++];
    *stays = (migrate_setting){.kind = one->kind,
                               .name = one->name,
                               .old = one,
                               .is_known = true,
                               .same = true,
                               .stays = true};
    name_place(&login, stays->place, sizeof stays->place);
}

/*
 * The one that was named, and with --all-settings whatever else has a password for the database.
 */
static void list_strings(const migrate_context *m, migrate_settings *s)
{
    const azure_host_state *h = &m->host_state;

    if (m->o->connection_string != NULL)
        add_string(s, AZURE_CONNECTION_STRING, m->o->connection_string);
    if (m->o->connection_string == NULL || m->o->setting != NULL)
        add_string(s, AZURE_SETTING, migrate_options_setting(m->o));
    for (size_t i = 0; m->o->all_settings && i < h->setting_count; i++) {
        const azure_setting *one = &h->settings[i];
        if (migrate_setting_password(m, one->value) == MIGRATE_PASSWORD_OURS)
            add_string(s, one->kind, one->name);
    }
    for (size_t i = 0; m->o->all_settings && i < h->setting_count; i++)
        add_stays(m, &h->settings[i], s);
}

entrasql_status migrate_settings_want(const migrate_context *m, migrate_settings *ret,
                                      entrasql_error *err)
{
    entrasql_status status = ENTRASQL_OK;

    *ret = (migrate_settings){0};
    list_strings(m, ret);
    for (size_t i = 0; i < ret->count && status == ENTRASQL_OK; i++)
        status = ret->list[i].stays ? ENTRASQL_OK : want_string(m, &ret->list[i], err);
    if (status == ENTRASQL_OK)
        status = want_client_id(m, &ret->list[ret->count++], err);
    if (status != ENTRASQL_OK)
        migrate_settings_done(ret);
    return status;
}

/* ---- for people ---- */

/* What the files for machines and clusters are made from; the texts are those of s and m. */
static void take_guest(const migrate_context *m, const migrate_settings *s, azure_guest *ret,
                       azure_change *changes, char *space, size_t size)
{
    const char *account = m->o->service_account;
    const char *colon = account != NULL ? strchr(account, ':') : NULL;

    *ret = (azure_guest){
        .unit = m->o->unit,
        .deployment = m->o->deployment != NULL ? m->o->deployment : m->o->app,
        .container = m->o->container != NULL ? m->o->container : m->o->app,
        .client_id = m->identity.client_id,
        .settings = changes,
    };
    if (colon != NULL && (size_t)(colon - account) < size) {
        memcpy(space, account, (size_t)(colon - account));
        space[colon - account] = '\0';
        ret->namespace_name = space;
        ret->service_account = m->o->kubelet ? NULL : colon + 1;
    }
    for (size_t i = 0; i < s->count; i++)
        changes[ret->count++] = (azure_change){
            .kind = AZURE_SETTING, .name = s->list[i].name, .value = s->list[i].value};
}

static entrasql_status cluster_text(const azure_guest *g, es_buf *out, entrasql_error *err)
{
    if (g->service_account != NULL) {
        ES_TRY(migrate_built(es_buf_add_str(out, "# kubectl apply -f - :\n"), err));
        ES_TRY(azure_guest_service_account(g, out, err));
    }
    ES_TRY(migrate_built(
        es_buf_printf(out, "# kubectl patch deployment %s --patch-file FILE :\n", g->deployment),
        err));
    return azure_guest_deployment(g, out, err);
}

static entrasql_status machine_text(const azure_guest *g, es_buf *out, entrasql_error *err)
{
    ES_TRY(migrate_built(es_buf_add_str(out, "# "), err));
    ES_TRY(azure_guest_path(g->unit, out, err));
    ES_TRY(migrate_built(es_buf_add_str(out, " (systemd drop-in):\n"), err));
    ES_TRY(azure_guest_drop_in(g, out, err));
    ES_TRY(migrate_built(es_buf_add_str(out, "# or, for new machines, as cloud-init:\n"), err));
    return azure_guest_cloud_init(g, out, err);
}

entrasql_status migrate_settings_instructions(const migrate_context *m, const migrate_settings *s,
                                              es_buf *out, entrasql_error *err)
{
    azure_change changes[MIGRATE_SETTING_CHANGES];
    char space[256];
    char unit[300];
    azure_guest g;

    take_guest(m, s, &g, changes, space, sizeof space);
    if (es_streq(m->host.host->name, "aks"))
        return cluster_text(&g, out, err);
    (void)snprintf(unit, sizeof unit, "%s.service", m->o->app);
    if (g.unit == NULL)
        g.unit = unit;
    return machine_text(&g, out, err);
}

entrasql_status migrate_settings_run(migrate_context *m, const migrate_settings *s, bool back,
                                     entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf script = ES_BUF_INIT(MIGRATE_TEXT_MAX);
    azure_change changes[MIGRATE_SETTING_CHANGES];
    char output[AZURE_RUN_OUTPUT_SIZE];
    char space[256];
    char unit[300];
    azure_guest g;

    take_guest(m, s, &g, changes, space, sizeof space);
    (void)snprintf(unit, sizeof unit, "%s.service", m->o->app);
    if (g.unit == NULL)
        g.unit = unit;
    ES_TRY(back ? azure_guest_undo_script(&g, &script, err) : azure_guest_script(&g, &script, err));
    const char *text = es_buf_cstr(&script);
    if (text == NULL)
        return es_nomem(err);
    return azure_vm_run(m->arm, &m->host, text, output, err);
}
