/* SPDX-License-Identifier: MIT */
/* The walk along the chain, and the report that it fills. */
#include "doctor/inner.h"

#include "base/mem.h"
#include "base/str.h"
#include "doctor/cases.h"

#include <stdio.h>
#include <string.h>

/* For the start of the program, the end of what is cut off, and the report. */
#define MARGIN_MS 500

const char *doctor_state_name(doctor_state state)
{
    static const char *const names[] = {"ok", "warn", "fail", "-"};
    return names[state];
}

uint32_t doctor_time(const doctor *d, uint32_t most)
{
    int64_t left = d->deadline_ms - es_clock_mono_ms();
    if (left < 1)
        return 1;
    return left < (int64_t)most ? (uint32_t)left : most;
}

/* A user beside a token is an identity's client id, which the credential has already. */
static void forget_user(doctor *d)
{
    es_free(d->target.user);
    es_free_wipe_str(d->target.password);
    d->target.user = NULL;
    d->target.password = NULL;
}

bool doctor_contains(const char *text, const char *piece)
{
    size_t n = strlen(piece);
    for (; text != NULL && *text != '\0'; text++) {
        if (es_strncaseeq(text, piece, n))
            return true;
    }
    return false;
}

/* Foreign texts are in it: what could steer a terminal is taken out. */
static void fill(char *dst, size_t size, const char *fmt, va_list ap) ES_PRINTF(3, 0);
static void fill(char *dst, size_t size, const char *fmt, va_list ap)
{
    char text[ENTRASQL_ERROR_MESSAGE_SIZE];
    (void)vsnprintf(text, sizeof text, fmt, ap);
    for (char *p = text; *p != '\0'; p++) {
        if (*p == '\n' || *p == '\r' || *p == '\t')
            *p = ' ';
    }
    es_printable(dst, size, text, strlen(text));
    es_utf8_trim_end(dst);
}

doctor_line *doctor_add(doctor *d, const char *link, doctor_state state, const char *id,
                        const char *fmt, ...)
{
    doctor_report *r = d->report;
    size_t at = r->count < DOCTOR_MAX_LINES ? r->count++ : DOCTOR_MAX_LINES - 1;
    doctor_line *line = &r->lines[at];
    const doctor_case *c = id != NULL ? doctor_case_find(id) : NULL;
    va_list ap;
    *line = (doctor_line){.link = link, .state = state, .id = id};
    va_start(ap, fmt);
    fill(line->text, sizeof line->text, fmt, ap);
    va_end(ap);
    if (c != NULL)
        es_strlcpy_utf8(line->fix, sizeof line->fix, c->fix);
    return line;
}

void doctor_evidence(doctor_line *line, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fill(line->evidence, sizeof line->evidence, fmt, ap);
    va_end(ap);
}

void doctor_fix(doctor_line *line, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fill(line->fix, sizeof line->fix, fmt, ap);
    va_end(ap);
}

/* By the link: what kind of error a program would end with there. */
entrasql_error_class doctor_class(const doctor_report *report)
{
    static const struct {
        const char *link;
        entrasql_error_class class_of;
    } links[] = {
        {"environment", ENTRASQL_CLASS_USAGE}, {"name", ENTRASQL_CLASS_NETWORK},
        {"tcp", ENTRASQL_CLASS_NETWORK},       {"proxy", ENTRASQL_CLASS_NETWORK},
        {"prelogin", ENTRASQL_CLASS_PEER},     {"tls", ENTRASQL_CLASS_TLS},
        {"credential", ENTRASQL_CLASS_AUTH},   {"token", ENTRASQL_CLASS_AUTH},
        {"login", ENTRASQL_CLASS_LOGIN},       {"rights", ENTRASQL_CLASS_SQL},
        {"driver", ENTRASQL_CLASS_USAGE},      {"settings", ENTRASQL_CLASS_USAGE},
    };
    for (size_t i = 0; i < report->count; i++) {
        if (report->lines[i].state != DOCTOR_FAIL)
            continue;
        for (size_t k = 0; k < ES_COUNT_OF(links); k++) {
            if (es_streq(links[k].link, report->lines[i].link))
                return links[k].class_of;
        }
    }
    return ENTRASQL_CLASS_NONE;
}

static void done(doctor *d)
{
    sql_close(d->conn);
    for (size_t i = 0; i < d->token_count; i++)
        entrasql_credential_unref(d->tokens[i].credential);
    conf_target_done(&d->target);
    conf_login_done(&d->login);
    conf_connstr_done(&d->list);
}

bool doctor_asks_for_token(const conf_login *login)
{
    const char *authentication = conf_login_get(login, CONF_KEY_AUTHENTICATION);
    return !es_str_is_empty(authentication) && !es_streq(authentication, "sql-password");
}

static entrasql_status read_login(doctor *d, entrasql_error *err)
{
    ES_TRY(conf_login_to(d->options->login, CONF_FORM_ODBC, &d->list, NULL, err));
    ES_TRY(glue_dsn_merge(&d->list, err));
    ES_TRY(conf_login_from(CONF_FORM_ODBC, &d->list, &d->login, err));
    ES_TRY(conf_target_from(&d->list, &d->target, err));
    if (es_str_is_empty(d->target.host))
        return doctor_no_server(d, err);
    d->by_token = d->target.password == NULL || d->options->credential != NULL ||
                  doctor_asks_for_token(&d->login);
    if (d->by_token)
        forget_user(d);
    return ENTRASQL_OK;
}

/*
 * What was not needed after all only warns: managed identities come without Entra's own door, and
 * an entrasql proxy without a token of this program.
 */
static bool was_needless(const doctor *d, const doctor_line *line)
{
    if (es_streq(line->link, "proxy"))
        return d->conn != NULL;
    if (es_streq(line->id, "cloud-mismatch") || es_streq(line->id, "authority-host"))
        return d->token_is_good || !d->by_token;
    return es_streq(line->id, "selection-unknown") && !d->by_token;
}

static void soften(doctor *d)
{
    for (size_t i = 0; i < d->report->count; i++) {
        doctor_line *line = &d->report->lines[i];
        if (line->state == DOCTOR_FAIL && was_needless(d, line))
            line->state = DOCTOR_WARN;
    }
}

static entrasql_status look(doctor *d, entrasql_error *err)
{
    if (d->options->is_unresolved) {
        (void)doctor_add(d, "environment", DOCTOR_FAIL, "key-vault-unresolved",
                         "%s holds a Key Vault reference in place of its secret",
                         d->options->source);
        return ENTRASQL_OK;
    }
    ES_TRY(read_login(d, err));
    doctor_environment(d);
    doctor_name(d);
    doctor_tcp(d);
    doctor_look_in_front(d);
    doctor_proxy(d);
    doctor_wire(d);
    doctor_credentials(d);
    doctor_claims(d);
    doctor_login(d);
    soften(d);
    doctor_rights(d);
    doctor_driver(d);
    doctor_settings(d);
    return ENTRASQL_OK;
}

entrasql_status doctor_run(const doctor_options *options, doctor_report *ret, entrasql_error *err)
{
    uint32_t limit = options->limit_ms != 0 ? options->limit_ms : DOCTOR_LIMIT_MS;
    uint32_t margin = limit < 2 * MARGIN_MS ? limit / 2 : MARGIN_MS;
    doctor d = {
        .options = options, .report = ret, .deadline_ms = es_clock_deadline(limit - margin)};
    *ret = (doctor_report){0};
    entrasql_status status = look(&d, err);
    done(&d);
    return status;
}
