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
    {40197, NULL, "try-again"},
    {40501, NULL, "busy"},
    {10928, NULL, "busy"},
    {10929, NULL, "busy"},
    {49918, NULL, "busy"},
    {49919, NULL, "busy"},
    {49920, NULL, "busy"},
};

/* The proxy's own words, wherever it runs (src/proxy/access.c, admission.c). */
static const char *proxy_id(const char *message)
{
    bool signs_in = doctor_contains(message, "takes no token of a client") ||
                    doctor_contains(message, "takes an access token") ||
                    doctor_contains(message, "takes no Windows");
    return signs_in ? "proxy-signs-in" : "proxy-refused";
}

const char *doctor_login_id(const entrasql_error *err)
{
    if (doctor_contains(err->message, "entrasql proxy"))
        return proxy_id(err->message);
    if (doctor_contains(err->message, "redirects in a circle"))
        return "redirect-circle";
    if (doctor_contains(err->message, "redirects to"))
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
    if (d->front.is_proxy) /* its token is another's, and so is the default database */
        return id;
    if (es_streq(id, "no-admin") && d->server_tenant[0] != '\0' && d->token_count != 0 &&
        d->tokens[0].claims.tid[0] != '\0' &&
        !es_strcaseeq(d->server_tenant, d->tokens[0].claims.tid))
        return "wrong-tenant";
    /* 18456 without its usual words: there was no password to be wrong. */
    if (d->by_token && es_streq(id, "sql-login-refused"))
        return "token-refused";
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

static void say_no_user(const doctor *d, doctor_line *line)
{
    const identity_claims *c = &d->tokens[0].claims;
    const char *slash = strrchr(c->miri, '/');
    char name[300];
    char place[680];
    if (d->token_count == 0 || !d->tokens[0].is_jwt)
        return;
    (void)doctor_place(d, place, sizeof place);
    if (slash == NULL && c->upn[0] == '\0') { /* an app's token does not say its name */
        doctor_fix(line,
                   "As the Entra admin: entrasql user add NAME --app-id %s %s (NAME: the app's in "
                   "Entra); or, if it has a user: entrasql user repair NAME %s",
                   c->appid, place, place);
        return;
    }
    (void)doctor_word(slash != NULL ? slash + 1 : c->upn, name, sizeof name);
    if (slash != NULL)
        doctor_fix(line,
                   "As the Entra admin: entrasql user add %s --app-id %s %s; or, if a user of that "
                   "name exists: entrasql user repair %s %s",
                   name, c->appid, place, name, place);
    else
        doctor_fix(
            line,
            "As the Entra admin: entrasql user add %s %s; or, if a user of that name exists: "
            "entrasql user repair %s %s; for a group's member: membership counts from the "
            "next token on",
            name, place, name, place);
}

/* The user is there, and is another's. */
static void say_wrong_user(const doctor *d, doctor_line *line)
{
    char name[300];
    char place[680];
    (void)doctor_word(d->found_user, name, sizeof name);
    (void)doctor_place(d, place, sizeof place);
    if (es_streq(line->id, "stale-user"))
        doctor_fix(line, "As the Entra admin: entrasql user repair %s %s", name, place);
    else
        doctor_fix(
            line,
            "As the Entra admin: entrasql user remove %s %s && entrasql user add %s --app-id "
            "%s %s",
            name, place, name, d->tokens[0].claims.appid, place);
}

static void say_portal_fix(const doctor *d, doctor_line *line, const entrasql_error *err)
{
    char name[80];
    char address[64];
    const char *server = doctor_logical_server(d, name, sizeof name);
    if (es_streq(line->id, "firewall") &&
        doctor_client_address(err->message, address, sizeof address))
        doctor_fix(line,
                   "az sql server firewall-rule create -g RESOURCE_GROUP -s %s -n doctor "
                   "--start-ip-address %s --end-ip-address %s (takes up to five minutes)",
                   server, address, address);
    else if (es_streq(line->id, "network-rule"))
        doctor_fix(line,
                   "az sql server vnet-rule create -g RESOURCE_GROUP -s %s -n doctor --vnet-name "
                   "VNET --subnet SUBNET (this machine's)",
                   server);
    else if (es_streq(line->id, "no-admin"))
        doctor_fix(line,
                   "az sql server ad-admin create -g RESOURCE_GROUP -s %s -u NAME -i OBJECT_ID; "
                   "without it nobody signs in with Entra",
                   server);
}

static void say_fix(const doctor *d, doctor_line *line, const entrasql_error *err)
{
    if (es_streq(line->id, "no-user"))
        say_no_user(d, line);
    else if (es_streq(line->id, "stale-user") || es_streq(line->id, "object-id-user"))
        say_wrong_user(d, line);
    else
        say_portal_fix(d, line, err);
}

static void say_refusal(doctor *d, const entrasql_error *err)
{
    char seen[400];
    const char *id = look_closer(d, doctor_login_id(err), seen, sizeof seen);
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
    say_fix(d, line, err);
}

void doctor_login(doctor *d)
{
    entrasql_error err;
    bool proxied = d->front.is_proxy;
    bool refused = proxied && doctor_front_refusals(d);
    if ((!d->is_encrypted && !proxied) || (d->by_token && d->token_count == 0)) {
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
        if (!doctor_front_upstream(d, "login", &err))
            say_refusal(d, &err);
        return;
    }
    /* Our own way through a proxy that would not take the program's: the rights are still seen. */
    if (refused)
        return;
    doctor_line *line = doctor_add(d, "login", DOCTOR_OK, NULL, "signed in %s",
                                   proxied       ? "through the proxy"
                                   : d->by_token ? "with the token"
                                                 : "with user and password");
    line->ms = (uint32_t)(es_clock_mono_ms() - began);
}
