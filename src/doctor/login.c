/* SPDX-License-Identifier: MIT */
/* Link: the login, and which of its many refusals this is. */
#include "doctor/inner.h"

#include "base/catalog.h"
#include "base/str.h"

#include <string.h>

/* By number and a piece of the text; the first row that fits. */
static const struct refusal {
    uint32_t number;
    const char *piece;
    const char *id;
} refusals[] = {
    {18456, "Token is expired", "token-expired"},
    {18456, "Incorrect or invalid token", "token-refused"},
    {18456, "not currently configured to accept this token", "no-admin"},
    {18456, "only authentication is enabled", "entra-only"},
    {18456, "<token-identified principal>", "no-user"},
    {18456, "ANONYMOUS LOGON", "no-credentials-sent"},
    {18456, "user ''", "no-credentials-sent"},
    {18456, NULL, "sql-login-refused"},
    {4060, NULL, "database-unknown"},
    {40615, NULL, "firewall"},
    {40914, NULL, "network-rule"},
    {47073, NULL, "public-access-off"},
    {42101, NULL, "public-access-off"},
    {40613, NULL, "paused"},
    {40197, NULL, "busy"},
    {40501, NULL, "busy"},
    {10928, NULL, "busy"},
    {10929, NULL, "busy"},
    {49918, NULL, "busy"},
    {49919, NULL, "busy"},
    {49920, NULL, "busy"},
};

static const char *id_of(const entrasql_error *err)
{
    if (doctor_contains(err->message, "redirects to") ||
        doctor_contains(err->message, "redirects in a circle"))
        return "redirect-blocked";
    for (size_t i = 0; i < ES_COUNT_OF(refusals); i++) {
        if (refusals[i].number == err->number &&
            (refusals[i].piece == NULL || doctor_contains(err->message, refusals[i].piece)))
            return refusals[i].id;
    }
    return "login-failed";
}

static bool names_no_database(const doctor *d)
{
    return es_str_is_empty(d->target.database) || es_strcaseeq(d->target.database, "master");
}

/* The same refusal has several causes: what more can be known tells them apart. */
static const char *look_closer(doctor *d, const char *id, char *evidence, size_t size)
{
    evidence[0] = '\0';
    if (es_streq(id, "no-admin") && d->server_tenant[0] != '\0' && d->token_count != 0 &&
        d->tokens[0].claims.tid[0] != '\0' &&
        !es_strcaseeq(d->server_tenant, d->tokens[0].claims.tid))
        return "wrong-tenant";
    if (!es_streq(id, "no-user"))
        return id;
    if (names_no_database(d))
        return "no-user-in-master";
    const char *seen = doctor_second_look(d, evidence, size);
    return seen != NULL ? seen : id;
}

/* The catalogue's word where the table of diagnoses has a general one only. */
static void set_fix(doctor_line *line, const char *id, const entrasql_error *err)
{
    const es_catalog_entry *row = es_catalog_find(ES_CATALOG_SQL, err->number, err->message);
    if (es_streq(id, "login-failed") && row != NULL)
        doctor_fix(line, "%s", row->hint);
    else if (es_streq(id, "login-failed") && err->hint[0] != '\0')
        doctor_fix(line, "%s", err->hint);
}

static void say_no_user(doctor *d, doctor_line *line)
{
    const identity_claims *c = &d->tokens[0].claims;
    const char *slash = strrchr(c->miri, '/');
    if (d->token_count == 0 || !d->tokens[0].is_jwt || !es_streq(line->id, "no-user"))
        return;
    if (slash != NULL)
        doctor_fix(line, "As the Entra admin: entrasql user add %s --app-id %s -d %s", slash + 1,
                   c->appid, d->target.database);
    else if (c->upn[0] != '\0')
        doctor_fix(line,
                   "As the Entra admin: entrasql user add %s -d %s. For a group's member: "
                   "membership counts from the next token on.",
                   c->upn, d->target.database);
}

static void say_refusal(doctor *d, const entrasql_error *err)
{
    char seen[400];
    const char *id = look_closer(d, id_of(err), seen, sizeof seen);
    doctor_line *line;
    if (err->number != 0)
        line = doctor_add(d, "login", DOCTOR_FAIL, id, "refused with error %u, state %u",
                          (unsigned)err->number, (unsigned)err->state);
    else
        line = doctor_add(d, "login", DOCTOR_FAIL, id, "it was not answered");
    if (seen[0] != '\0')
        doctor_evidence(line, "%s; %s", seen, err->message);
    else
        doctor_evidence(line, "%s", err->message);
    set_fix(line, id, err);
    say_no_user(d, line);
}

void doctor_login(doctor *d)
{
    entrasql_error err;
    if (!d->is_encrypted || (d->by_token && d->token_count == 0)) {
        (void)doctor_add(d, "login", DOCTOR_NONE, NULL, "not tried: %s",
                         d->is_encrypted ? "there is no token"
                                         : "there is no encrypted connection");
        return;
    }
    if (d->by_token && !d->token_is_good) {
        (void)doctor_add(d, "login", DOCTOR_NONE, NULL, "not tried: the token would be refused");
        return;
    }
    int64_t began = es_clock_mono_ms();
    if (doctor_open(d, d->by_token ? d->tokens[0].credential : NULL, &d->conn, &err) !=
        ENTRASQL_OK) {
        d->conn = NULL;
        say_refusal(d, &err);
        return;
    }
    doctor_line *line = doctor_add(d, "login", DOCTOR_OK, NULL, "signed in %s",
                                   d->by_token ? "with the token" : "with user and password");
    line->ms = (uint32_t)(es_clock_mono_ms() - began);
}
