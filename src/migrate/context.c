/* SPDX-License-Identifier: MIT */
/* What the steps share: connections, and what was seen. */
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "migrate/explain.h"
#include "migrate/plan.h"

#include <stdio.h>
#include <string.h>

#define SETTLE_MS 300000
#define WAIT_PIECE_MS 200
#define RETRY_MS 5000
#define LINE_SIZE 2048
#define BLOCKED 40615

/* ---- small things ---- */

entrasql_status migrate_built(entrasql_status status, entrasql_error *err)
{
    if (status == ENTRASQL_OK || (err != NULL && err->status == status))
        return status;
    return status == ENTRASQL_NOMEM ? es_nomem(err)
                                    : es_fail(err, status, "a text of the migration is too long");
}

entrasql_status migrate_line(es_buf *out, const char *fmt, ...)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(MIGRATE_TEXT_MAX);
    char shown[LINE_SIZE];
    va_list ap;

    va_start(ap, fmt);
    entrasql_status status = es_buf_vprintf(&text, fmt, ap);
    va_end(ap);
    ES_TRY(status);
    es_printable(shown, sizeof shown, (const char *)text.data, text.len);
    return es_buf_printf(out, "%s\n", shown);
}

entrasql_status migrate_read_kept(const migrate_context *m, const char *file, migrate_olds *ret,
                                  entrasql_error *err)
{
    entrasql_status status = migrate_olds_read(file, ret, err);
    if (status == ENTRASQL_NOT_FOUND)
        return ENTRASQL_OK;
    ES_TRY(status);
    if (es_streq(ret->plan, migrate_journal_head_text(m->journal, "plan")))
        return ENTRASQL_OK;
    return es_fail(err, ENTRASQL_INVALID, "the file %s belongs to another migration", file);
}

entrasql_status migrate_check_stop(const migrate_context *m, entrasql_error *err)
{
    if (m->how.stop == NULL || *m->how.stop == 0)
        return ENTRASQL_OK;
    return es_fail(err, ENTRASQL_CANCELLED, "the migration was asked to stop");
}

entrasql_status migrate_wait(migrate_context *m, const char *what, const char *state,
                             int64_t began_ms, uint32_t ms, entrasql_error *err)
{
    const azure_progress progress = {
        .what = what,
        .state = state,
        .elapsed_ms = es_clock_mono_ms() - began_ms,
        .wait_ms = ms,
    };
    int64_t end = es_clock_mono_ms() + ms;

    if (m->how.progress != NULL)
        m->how.progress(m->how.progress_context, &progress);
    do {
        os_wait w;
        os_wait_init(&w);
        ES_TRY(migrate_check_stop(m, err));
        int64_t next = es_clock_mono_ms() + WAIT_PIECE_MS;
        os_wait_until(&w, next < end ? next : end);
        ES_TRY(os_wait_poll(&w, err));
    } while (es_clock_mono_ms() < end);
    return migrate_check_stop(m, err);
}

/* ---- opening ---- */

/* What both users, the identity's and the developer's, are given. */
static entrasql_status take_rights(migrate_context *m, entrasql_error *err)
{
    const char *profile = m->o->profile != NULL ? m->o->profile : MIGRATE_PROFILE_DEFAULT;

    m->rights = (migrate_user){
        .type = 'E',
        .profile = migrate_profile_find(profile),
        .schema = migrate_options_schema(m->o),
    };
    if (m->o->roles == NULL)
        return ENTRASQL_OK;
    m->role_list = es_strdup(m->o->roles);
    if (m->role_list == NULL)
        return es_nomem(err);
    return migrate_user_take_roles(&m->rights, m->role_list, err);
}

entrasql_status migrate_context_open(const migrate_context_options *how, migrate_context *ret,
                                     entrasql_error *err)
{
    const migrate_options *o = how->options;
    migrate_context *m = ret;

    *m = (migrate_context){.o = o, .how = *how};
    if (m->how.settle_ms == 0)
        m->how.settle_ms = SETTLE_MS;
    m->host = (azure_host_ref){
        .host = azure_host_by_name(o->host),
        .subscription = o->subscription,
        .resource_group = o->resource_group,
        .name = o->app,
        .slot = o->slot,
        .service = o->service,
        .deployment = o->deployment,
        .container = o->container,
    };
    m->sql_ref = (azure_sql_ref){
        .subscription = o->subscription,
        .resource_group = o->sql_group != NULL ? o->sql_group : o->resource_group,
        .server = o->sql_server,
    };
    const azure_arm_options arm = {
        .credential = how->credential,
        .endpoint = how->arm_endpoint,
        .cancel = how->cancel,
        .progress = how->progress,
        .progress_context = how->progress_context,
    };
    ES_TRY(take_rights(m, err));
    ES_TRY(azure_arm_new(&arm, &m->arm, err));
    return azure_arm_caller(m->arm, &m->caller, err);
}

void migrate_context_close(migrate_context *m)
{
    azure_host_state_done(&m->host_state);
    migrate_principals_done(&m->principals);
    sql_close(m->sql);
    migrate_journal_close(m->journal);
    azure_arm_free(m->arm);
    es_free(m->role_list);
    *m = (migrate_context){0};
}

/* ---- looking ---- */

entrasql_status migrate_see_server(migrate_context *m, entrasql_error *err)
{
    ES_TRY(azure_sql_server_get(m->arm, &m->sql_ref, &m->server, err));
    entrasql_status status = azure_sql_admin_get(m->arm, &m->sql_ref, &m->admin, err);
    m->has_admin = status == ENTRASQL_OK;
    return status == ENTRASQL_NOT_FOUND ? ENTRASQL_OK : status;
}

entrasql_status migrate_see_host(migrate_context *m, entrasql_error *err)
{
    azure_host_state_done(&m->host_state);
    return azure_host_read(m->arm, &m->host, &m->host_state, err);
}

entrasql_status migrate_see_identity(migrate_context *m, entrasql_error *err)
{
    entrasql_status status = ENTRASQL_NOT_FOUND;

    if (m->o->system_identity) {
        ES_TRY(migrate_see_host(m, err));
        if (m->host_state.has_system_identity)
            status = azure_system_identity_get(m->arm, m->host_state.id, &m->identity, err);
    } else {
        const char *group =
            m->o->identity_group != NULL ? m->o->identity_group : m->o->resource_group;
        status = azure_identity_get(m->arm, m->o->subscription, group, m->o->identity, &m->identity,
                                    err);
    }
    m->has_identity = status == ENTRASQL_OK;
    return status == ENTRASQL_NOT_FOUND ? ENTRASQL_OK : status;
}

/* "Client with IP address '1.2.3.4' is not allowed ..." (the server's own text of 40615). */
static void take_address(migrate_context *m, const entrasql_error *err)
{
    static const char mark[] = "IP address '";
    const char *p = strstr(err->message, mark);

    m->blocked_address[0] = '\0';
    if (err->number != BLOCKED || p == NULL)
        return;
    p += sizeof mark - 1;
    size_t n = strcspn(p, "'");
    if (n < sizeof m->blocked_address && strspn(p, "0123456789.") == n) {
        memcpy(m->blocked_address, p, n);
        m->blocked_address[n] = '\0';
    }
}

static entrasql_status target_of(const migrate_context *m, conf_target *ret, entrasql_error *err)
{
    const char *address = m->o->sql_address != NULL ? m->o->sql_address : m->server.fqdn;

    *ret = (conf_target){.encrypt = CONF_ENCRYPT_MANDATORY};
    ES_TRY(conf_server_parse(address, &ret->host, &ret->port, err));
    ret->database = es_strdup(m->o->database);
    return ret->database != NULL ? ENTRASQL_OK : es_nomem(err);
}

static entrasql_status connect_sql(migrate_context *m, entrasql_error *err)
{
    ES_CLEANUP(conf_target_done) conf_target target = {0};

    ES_TRY(target_of(m, &target, err));
    const sql_open_options open = {
        .target = &target,
        .credential = m->how.credential,
        .ca_file = m->how.ca_file,
        .app_name = "entrasql migrate",
    };
    return sql_open(&open, &m->sql, err);
}

/* One try: connects when there is no connection, reads. A broken one is made again. */
static entrasql_status try_once(migrate_context *m)
{
    entrasql_status status = ENTRASQL_OK;

    migrate_principals_done(&m->principals);
    m->has_principals = false;
    for (int i = 0; i < 2; i++) {
        bool is_new = m->sql == NULL;
        status = is_new ? connect_sql(m, &m->sql_err) : ENTRASQL_OK;
        if (status == ENTRASQL_OK)
            status = migrate_principals_read(m->sql, &m->principals, &m->sql_err);
        if (status == ENTRASQL_OK || is_new)
            break;
        sql_close(m->sql);
        m->sql = NULL;
    }
    m->has_principals = status == ENTRASQL_OK;
    if (status != ENTRASQL_OK) {
        take_address(m, &m->sql_err);
        migrate_explain_sql(&m->sql_err);
    } else {
        m->blocked_address[0] = '\0';
    }
    return status;
}

entrasql_status migrate_try_database(migrate_context *m, entrasql_error *err)
{
    if (try_once(m) == ENTRASQL_NOMEM)
        return es_nomem(err);
    return migrate_check_stop(m, err);
}

entrasql_status migrate_see_database(migrate_context *m, entrasql_error *err)
{
    int64_t began = es_clock_mono_ms();

    for (;;) {
        ES_TRY(migrate_try_database(m, err));
        bool is_late = es_clock_mono_ms() - began >= m->how.settle_ms;
        if (m->has_principals || !m->waits_for_sql || is_late || !migrate_is_settling(&m->sql_err))
            break;
        ES_TRY(migrate_wait(m, "signing in to the database", m->sql_err.message, began, RETRY_MS,
                            err));
    }
    if (m->has_principals)
        m->waits_for_sql = false;
    return ENTRASQL_OK;
}

/* ---- the identity's user ---- */

void migrate_user_name(const migrate_context *m, char *ret, size_t size)
{
    if (m->o->user_name != NULL)
        es_strlcpy_utf8(ret, size, m->o->user_name);
    else if (m->o->system_identity)
        azure_host_system_name(&m->host, ret, size);
    else
        es_strlcpy_utf8(ret, size, m->o->identity);
}

void migrate_identity_user(const migrate_context *m, migrate_user *ret, char *name, size_t size)
{
    migrate_user_name(m, name, size);
    *ret = m->rights;
    ret->name = name;
    if (!m->has_identity)
        return;
    if (m->o->by_name)
        ret->object_id = m->identity.principal_id;
    else
        ret->has_sid = es_guid_parse(m->identity.client_id, ret->sid) == ENTRASQL_OK;
}
