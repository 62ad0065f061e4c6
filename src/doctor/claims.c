/* SPDX-License-Identifier: MIT */
/* Link: the token's claims, in human words. */
#include "doctor/inner.h"

#include "base/str.h"
#include "relay/login.h"

#include <stdio.h>
#include <string.h>

#define OLD_TOKEN_S 600

static const char *kind_of(const identity_claims *c)
{
    if (c->miri[0] != '\0')
        return "managed identity";
    return es_streq(c->idtyp, "app") || c->upn[0] == '\0' ? "application" : "person";
}

static const char *name_of(const identity_claims *c)
{
    const char *slash = strrchr(c->miri, '/');
    if (c->upn[0] != '\0')
        return c->upn;
    return slash != NULL ? slash + 1 : c->appid;
}

/* The resource of a scope with or without its slash. */
bool doctor_is_audience(const char *aud, const char *scope)
{
    size_t n = strlen(scope);
    size_t length = strlen(aud);
    const char tail[] = "/.default";
    if (es_ends_with(scope, tail))
        n -= sizeof tail - 1;
    while (length != 0 && aud[length - 1] == '/')
        length--;
    while (n != 0 && scope[n - 1] == '/')
        n--;
    return n == length && es_strncaseeq(aud, scope, n);
}

static bool check_times(doctor *d, const identity_claims *c, int64_t now)
{
    char word[300];
    if (c->exp != 0 && c->exp <= now) {
        doctor_line *line = doctor_add(d, "token", DOCTOR_FAIL, "token-expired",
                                       "the token expired %lld s ago", (long long)(now - c->exp));
        doctor_evidence(line, "exp %lld, now %lld", (long long)c->exp, (long long)now);
        if (d->options->token_file != NULL)
            doctor_fix(line, "Get a new one: entrasql token > %s. Check the clock when it is new.",
                       doctor_word(d->options->token_file, word, sizeof word));
        return false;
    }
    if (c->nbf > now + 60) {
        (void)doctor_add(d, "environment", DOCTOR_FAIL, "clock-skew",
                         "the token is not valid before %lld s from now: this clock is behind",
                         (long long)(c->nbf - now));
        return false;
    }
    return true;
}

static bool check_audience(doctor *d, const identity_claims *c)
{
    const char *scope = relay_scope_for_host(d->target.host);
    /* The server names no audience: any of Azure SQL's is left to it. */
    if (doctor_is_audience(c->aud, scope))
        return true;
    doctor_line *line = doctor_add(d, "token", DOCTOR_FAIL, "wrong-audience", "the token is for %s",
                                   c->aud[0] != '\0' ? c->aud : "nobody");
    doctor_evidence(line, "Azure SQL wants %s", scope);
    doctor_fix(line, "Ask for the scope %s.", scope);
    return false;
}

static bool check_tenant(doctor *d, const identity_claims *c)
{
    if (d->server_tenant[0] == '\0' || c->tid[0] == '\0' || es_strcaseeq(d->server_tenant, c->tid))
        return true;
    doctor_line *line =
        doctor_add(d, "token", DOCTOR_FAIL, "wrong-tenant",
                   "the token is of tenant %s, the server's is %s", c->tid, d->server_tenant);
    doctor_evidence(line, "tid of the token, authority that the server named");
    doctor_fix(line, "az login --tenant %s, or set AZURE_TENANT_ID=%s.", d->server_tenant,
               d->server_tenant);
    return false;
}

/* A guest's name carries his own domain: name_domain#EXT#@tenant, or live.com#name. */
static void check_guest(doctor *d, const identity_claims *c)
{
    if (strstr(c->upn, "#EXT#") == NULL && !es_starts_with(c->upn, "live.com#"))
        return;
    (void)doctor_add(d, "token", DOCTOR_WARN, "guest", "%s is a guest of the tenant", c->upn);
}

void doctor_claims(doctor *d)
{
    if (d->token_count == 0 || !d->token_is_good)
        return;
    const doctor_token *t = &d->tokens[0];
    const identity_claims *c = &t->claims;
    int64_t now = es_clock_wall_s();
    if (!t->is_jwt) {
        doctor_line *line = doctor_add(d, "token", DOCTOR_WARN, NULL, "the token cannot be read");
        doctor_fix(line, "%s", "It may be good all the same: the login decides.");
        return;
    }
    bool good = check_audience(d, c);
    good = check_times(d, c, now) && good;
    good = check_tenant(d, c) && good;
    check_guest(d, c);
    d->token_is_good = good;
    if (!good)
        return;
    doctor_line *line =
        doctor_add(d, "token", DOCTOR_OK, NULL, "%s %s, for Azure SQL, %lld min left", kind_of(c),
                   name_of(c), (long long)((c->exp - now) / 60));
    doctor_evidence(line, "object id %s, client id %s, tenant %s", c->oid, c->appid, c->tid);
}
