/* SPDX-License-Identifier: MIT */
/* Who still has a password for the database, and who uses one now. */
#include "base/str.h"
#include "migrate/leftover.h"
#include "migrate/plan.h"
#include "migrate/rows.h"

#include <string.h>

/* Sessions of others whose login is neither an Entra one (a UPN, or "id@tenant") nor our own. */
static const char sessions_sql[] =
    "SELECT login_name, program_name, host_name, session_id FROM sys.dm_exec_sessions "
    "WHERE is_user_process = 1 AND session_id <> @@SPID";

static void shown(const sqlvalue *v, size_t n, size_t at, char ret[200])
{
    const char *text = "";
    size_t length = 0;
    (void)migrate_value_text(v, n, at, &text, &length);
    es_printable(ret, 200, text, length);
}

static entrasql_status take_session(void *ctx, const sqlvalue *v, size_t n)
{
    migrate_password_users *p = ctx;
    char login[200];
    char program[200];
    char host[200];

    shown(v, n, 0, login);
    shown(v, n, 1, program);
    shown(v, n, 2, host);
    /* Entra logins have an '@'; SQL logins cannot on Azure. */
    if (login[0] == '\0' || strchr(login, '@') != NULL)
        return ENTRASQL_OK;
    p->sessions++;
    return migrate_line(&p->lines, "in use now: %s, program %s on %s", login, program, host);
}

entrasql_status migrate_find_password_users(migrate_context *m, migrate_password_users *ret,
                                            entrasql_error *err)
{
    *ret = (migrate_password_users){.lines = ES_BUF_INIT(MIGRATE_TEXT_MAX)};
    ES_TRY(migrate_see_database(m, err));
    if (!m->has_principals) {
        *err = m->sql_err;
        return err->status;
    }
    if (m->server.administrator[0] != '\0') {
        ret->users++;
        ES_TRY(migrate_built(migrate_line(&ret->lines, "the server's SQL administrator: %s",
                                          m->server.administrator),
                             err));
    }
    for (size_t i = 0; i < m->principals.count; i++) {
        const migrate_principal *p = &m->principals.list[i];
        if (p->type != 'S' || p->id <= 4 || (p->auth != 1 && p->auth != 2))
            continue;
        ret->users++;
        ES_TRY(migrate_built(
            migrate_line(&ret->lines, "user of %s with a password: %s", m->o->database, p->name),
            err));
    }
    return migrate_built(migrate_query(m->sql, sessions_sql, take_session, ret, err), err);
}

/* ---- Entra-only ---- */

static entrasql_status check_verified(const migrate_context *m, entrasql_error *err)
{
    if (migrate_journal_is_last(m->journal, "verify") ||
        migrate_journal_is_last(m->journal, "retire"))
        return ENTRASQL_OK;
    es_fail(err, ENTRASQL_INVALID, "the migration has not been verified since its last change");
    es_hint(err, "entrasql migrate verify, first.");
    return ENTRASQL_INVALID;
}

static void say_lines(const es_buf *lines, migrate_say *say, void *ctx)
{
    char text[2048];
    const char *p = (const char *)lines->data;
    size_t left = lines->len;

    while (left != 0) {
        const char *end = memchr(p, '\n', left);
        size_t n = end != NULL ? (size_t)(end - p) : left;
        es_printable(text, sizeof text, p, n);
        say(ctx, text);
        left -= end != NULL ? n + 1 : n;
        p += end != NULL ? n + 1 : n;
    }
}

static entrasql_status look_around(migrate_context *m, bool force, migrate_say *say, void *say_ctx,
                                   entrasql_error *err)
{
    migrate_password_users users;

    ES_TRY(migrate_firewall_open(m, NULL, NULL, err));
    entrasql_status status = migrate_find_password_users(m, &users, err);
    entrasql_error closing;
    if (migrate_firewall_close(m, status == ENTRASQL_OK ? err : &closing) != ENTRASQL_OK &&
        status == ENTRASQL_OK)
        status = err->status;
    if (status == ENTRASQL_OK)
        say_lines(&users.lines, say, say_ctx);
    es_buf_done(&users.lines);
    ES_TRY(status);
    if (users.sessions == 0 || force)
        return ENTRASQL_OK;
    es_fail(err, ENTRASQL_BUSY, "%zu sessions are signed in with a password just now",
            users.sessions);
    es_hint(err, "Move those programs first; --force cuts them off.");
    return ENTRASQL_BUSY;
}

entrasql_status migrate_retire(migrate_context *m, const migrate_retire_options *options,
                               migrate_say *say, void *say_ctx, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf detail = ES_BUF_INIT(1024);
    migrate_leftovers leftovers;
    bool was = false;
    bool changed = false;

    es_error_clear(err);
    ES_TRY(migrate_see_server(m, err));
    ES_TRY(look_around(m, options->force || options->only_check, say, say_ctx, err));
    ES_TRY(migrate_see_host(m, err));
    migrate_leftovers_find(m, &leftovers);
    ES_TRY(migrate_leftovers_check(m, &leftovers, options->discard_old || options->only_check, say,
                                   say_ctx, err));
    if (options->only_check)
        return ENTRASQL_OK;
    ES_TRY(check_verified(m, err));
    if (options->agree != NULL)
        ES_TRY(options->agree(options->agree_context, err));
    ES_TRY(azure_sql_entra_only_get(m->arm, &m->sql_ref, &was, err));
    if (!migrate_journal_has(m->journal, "retire", MIGRATE_EVENT_BEGIN)) {
        ES_TRY(migrate_built(es_buf_printf(&detail, "{\"had\":%s}", was ? "true" : "false"), err));
        ES_TRY(migrate_journal_add(m->journal, "retire", MIGRATE_EVENT_BEGIN, &detail, err));
    }
    ES_TRY(azure_sql_entra_only_set(m->arm, &m->sql_ref, true, &changed, err));
    ES_TRY(migrate_leftovers_remove(m, &leftovers, say, say_ctx, err));
    return migrate_journal_add(m->journal, "retire", MIGRATE_EVENT_DONE, NULL, err);
}

entrasql_status migrate_unretire(migrate_context *m, migrate_say *say, void *say_ctx,
                                 entrasql_error *err)
{
    const json_node *detail = migrate_journal_first(m->journal, "retire", MIGRATE_EVENT_BEGIN);
    bool had = true;
    bool changed = false;

    if (detail == NULL)
        return ENTRASQL_OK;
    ES_TRY(migrate_leftovers_restore(m, say, say_ctx, err));
    (void)!json_member_bool(detail, "had", &had);
    if (!had) {
        ES_TRY(azure_sql_entra_only_set(m->arm, &m->sql_ref, false, &changed, err));
        if (say != NULL)
            say(say_ctx, "SQL logins are accepted again");
    }
    return migrate_journal_add(m->journal, "retire", MIGRATE_EVENT_UNDONE, NULL, err);
}
