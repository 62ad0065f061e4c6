/* SPDX-License-Identifier: MIT */
/*
 * Whether it works: from outside everything that Azure and the database show;
 * from inside of the host the sign-in itself. Nobody outside can get the
 * identity's token.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "conf/login.h"
#include "migrate/explain.h"
#include "migrate/leftover.h"
#include "migrate/rows.h"
#include "migrate/setting.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AGAIN_MS 5000

static migrate_check *add_check(migrate_verdict *v, const char *name)
{
    migrate_check *c = &v->checks[v->count++];
    *c = (migrate_check){.name = name};
    return c;
}

static void check_says(migrate_check *c, bool ok, const char *fmt, ...) ES_PRINTF(3, 4);

static void check_says(migrate_check *c, bool ok, const char *fmt, ...)
{
    char text[sizeof c->text];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    c->is_ok = ok;
    es_printable(c->text, sizeof c->text, text, strlen(text));
}

/* ---- from outside ---- */

/* A step that has nothing to do is a check that passes. */
static entrasql_status check_step(migrate_context *m, const migrate_step *step, migrate_verdict *v,
                                  entrasql_error *err)
{
    migrate_view view;

    if (!step->applies(m))
        return ENTRASQL_OK;
    migrate_view_init(&view);
    migrate_check *c = add_check(v, step->name);
    entrasql_status status = step->look(m, &view, err);
    if (status == ENTRASQL_OK) {
        const char *is = es_buf_cstr(&view.is);
        c->is_skipped = view.state == MIGRATE_MANUAL;
        bool is_ok = view.state == MIGRATE_OK || c->is_skipped;
        bool is_half = !is_ok && m->journal != NULL &&
                       migrate_journal_has(m->journal, step->name, MIGRATE_EVENT_UNDOING);
        check_says(c, is_ok, "%s%.*s", is_half ? "half rolled back: " : "",
                   is != NULL ? (int)strcspn(is, "\n") : 0, is != NULL ? is : "");
        c->is_warning = c->is_ok && view.is_doubted;
        c->is_final = is_half; /* whoever took it back has stopped: we have the journal */
    } else if (status == ENTRASQL_NOT_FOUND || status == ENTRASQL_EXISTS ||
               status == ENTRASQL_INVALID) {
        c->is_final = status == ENTRASQL_INVALID;
        check_says(c, false, "%s", err->message);
        status = ENTRASQL_OK;
    }
    migrate_view_done(&view);
    return status;
}

/* Every setting of the host, not only the one that was changed. */
static void check_passwords(const migrate_context *m, migrate_verdict *v)
{
    const azure_host_state *s = &m->host_state;
    char names[600] = "";
    size_t used = 0;
    size_t count = 0;
    bool is_taken = false;

    migrate_check *c = add_check(v, "passwords");
    /* A password in a setting does not go away by waiting. */
    c->is_final = true;
    for (size_t i = 0; i < s->setting_count; i++) {
        const azure_setting *one = &s->settings[i];
        migrate_password has = migrate_setting_password(m, one->value);
        if (has == MIGRATE_PASSWORD_NONE)
            continue;
        bool elsewhere = has == MIGRATE_PASSWORD_ELSEWHERE;
        is_taken = is_taken || !elsewhere;
        count++;
        int n = snprintf(names + used, sizeof names - used, "%s%s%s", used != 0 ? ", " : "",
                         one->name, elsewhere ? " (another database: a migration of its own)" : "");
        if (n > 0 && (size_t)n < sizeof names - used)
            used += (size_t)n;
    }
    if (count == 0)
        check_says(c, true, "no setting has a password for the server");
    else
        check_says(c, false,
                   is_taken && !m->o->all_settings
                       ? "still with a password for the server: %s (--all-settings takes those of "
                         "the database, too)"
                   : is_taken ? "still with a password for the server: %s (apply takes those of "
                                "the database)"
                              : "still with a password for the server: %s",
                   names);
}

/*
 * A secret of the app that the old setting pointed to stays where it was, as a rollback points
 * to it again. Works all the same: a warning.
 */
static void check_leftovers(const migrate_context *m, migrate_verdict *v)
{
    migrate_leftovers l;

    migrate_leftovers_find(m, &l);
    for (size_t i = 0; i < l.count && v->count < MIGRATE_CHECKS_MAX; i++) {
        migrate_check *c = add_check(v, "leftover");
        c->is_warning = true;
        check_says(c, true,
                   "the old connection string is still kept in the app's secret %s; no variable "
                   "points to it. migrate retire removes it; alone: az containerapp secret "
                   "remove -g %s -n %s --secret-names %s",
                   l.names[i], m->o->resource_group, m->o->app, l.names[i]);
    }
}

static entrasql_status verify_once(migrate_context *m, migrate_verdict *v, entrasql_error *err)
{
    static const migrate_step *const steps[] = {&migrate_step_admin, &migrate_step_identity,
                                                &migrate_step_assign, &migrate_step_user,
                                                &migrate_step_settings};
    *v = (migrate_verdict){.is_ok = true};
    for (size_t i = 0; i < ES_COUNT_OF(steps); i++)
        ES_TRY(check_step(m, steps[i], v, err));
    check_passwords(m, v);
    check_leftovers(m, v);
    for (size_t i = 0; i < v->count; i++)
        v->is_ok = v->is_ok && v->checks[i].is_ok;
    return ENTRASQL_OK;
}

static entrasql_status verify_until(migrate_context *m, migrate_verdict *ret, entrasql_error *err)
{
    int64_t began = es_clock_mono_ms();

    for (;;) {
        ES_TRY(verify_once(m, ret, err));
        const char *what = NULL;
        for (size_t i = 0; i < ret->count; i++) {
            if (!ret->checks[i].is_ok && !ret->checks[i].is_final)
                what = ret->checks[i].text;
        }
        if (what == NULL || es_clock_mono_ms() - began >= m->how.settle_ms)
            return ENTRASQL_OK;
        ES_TRY(migrate_wait(m, "verifying", what, began, AGAIN_MS, err));
    }
}

entrasql_status migrate_verify(migrate_context *m, migrate_verdict *ret, entrasql_error *err)
{
    entrasql_error closing;

    *ret = (migrate_verdict){0};
    entrasql_status status = migrate_firewall_open(m, NULL, NULL, err);
    if (status == ENTRASQL_OK)
        status = verify_until(m, ret, err);
    if (migrate_firewall_close(m, status == ENTRASQL_OK ? err : &closing) != ENTRASQL_OK &&
        status == ENTRASQL_OK)
        return err->status;
    return status;
}

/* ---- from inside ---- */

typedef struct seen {
    char user[400];
    char login[400];
    char database[400];
    int64_t is_external;
} seen;

static void take_text(const sqlvalue *v, size_t n, size_t at, char *ret, size_t size)
{
    const char *text = "";
    size_t length = 0;
    if (migrate_value_text(v, n, at, &text, &length))
        es_printable(ret, size, text, length);
}

static entrasql_status take_row(void *ctx, const sqlvalue *v, size_t n)
{
    seen *s = ctx;
    take_text(v, n, 0, s->user, sizeof s->user);
    take_text(v, n, 1, s->login, sizeof s->login);
    take_text(v, n, 2, s->database, sizeof s->database);
    return ENTRASQL_OK;
}

static entrasql_status sign_in(entrasql_credential *credential, const conf_target *target,
                               const char *ca_file, seen *ret, entrasql_error *err)
{
    const sql_open_options open = {
        .target = target,
        .credential = credential,
        .ca_file = ca_file,
        .app_name = "entrasql migrate",
    };
    sql_conn *c = NULL;

    ES_TRY(sql_open(&open, &c, err));
    entrasql_status status =
        migrate_query(c, "SELECT USER_NAME(), SUSER_SNAME(), DB_NAME()", take_row, ret, err);
    sql_close(c);
    return status;
}

/* Server and database of the application's own string, whatever its form. */
static entrasql_status target_of(const char *text, conf_target *ret, bool *ret_password,
                                 entrasql_error *err)
{
    ES_CLEANUP(conf_login_done) conf_login login = {0};
    ES_CLEANUP(conf_connstr_done) conf_connstr list = {0};

    ES_TRY(conf_login_parse(conf_form_detect(text), text, &login, err));
    *ret_password = !es_str_is_empty(conf_login_get(&login, CONF_KEY_PASSWORD));
    static const conf_key gone[] = {CONF_KEY_USER, CONF_KEY_PASSWORD, CONF_KEY_AUTHENTICATION,
                                    CONF_KEY_CLIENT_ID, CONF_KEY_TRUSTED};
    for (size_t i = 0; i < ES_COUNT_OF(gone); i++)
        ES_TRY(conf_login_set(&login, gone[i], NULL));
    ES_TRY(conf_login_to(&login, CONF_FORM_ODBC, &list, NULL, err));
    return conf_target_from(&list, ret, err);
}

entrasql_status migrate_verify_inside(const char *variable, entrasql_credential *credential,
                                      const char *ca_file, const char *expected_user,
                                      uint32_t settle_ms, migrate_verdict *ret, entrasql_error *err)
{
    ES_CLEANUP(conf_target_done) conf_target target = {0};
    const char *text = getenv(variable);
    int64_t began = es_clock_mono_ms();
    bool has_password = false;
    seen s = {0};

    *ret = (migrate_verdict){0};
    if (es_str_is_empty(text)) {
        es_fail(err, ENTRASQL_CONFIG, "the variable %s is not set here", variable);
        es_hint(err, "Run this where the application runs, with its environment; --setting names "
                     "another variable.");
        return ENTRASQL_CONFIG;
    }
    ES_TRY(target_of(text, &target, &has_password, err));
    migrate_check *password = add_check(ret, "passwords");
    check_says(password, !has_password,
               has_password ? "%s still has a password" : "%s has no password", variable);
    migrate_check *login = add_check(ret, "login");
    for (;;) {
        entrasql_status status = sign_in(credential, &target, ca_file, &s, err);
        if (status == ENTRASQL_OK)
            break;
        if (es_clock_mono_ms() - began >= settle_ms || !migrate_is_settling(err)) {
            migrate_explain_sql(err);
            check_says(login, false, "%s", err->message);
            return ENTRASQL_OK;
        }
        os_wait w;
        os_wait_init(&w);
        os_wait_until(&w, es_clock_deadline(AGAIN_MS));
        ES_TRY(os_wait_poll(&w, err));
    }
    bool is_expected = expected_user == NULL || es_strcaseeq(expected_user, s.user);
    check_says(login, is_expected, "signed in as %s (%s) to %s%s%s", s.user, s.login, s.database,
               is_expected ? "" : ", but it should be ", is_expected ? "" : expected_user);
    ret->is_ok = is_expected && !has_password;
    return ENTRASQL_OK;
}
