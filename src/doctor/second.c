/* SPDX-License-Identifier: MIT */
/*
 * When the login was refused, the server does not say why; whoever else is signed in here and may
 * enter the database can see whether it has a user for the principal, and with which id.
 */
#include "doctor/inner.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>

typedef struct look {
    const identity_claims *claims;
    const char *name; /* of the identity; NULL: not known */
    uint8_t right[16];
    uint8_t object[16];
    bool has_right;
    bool has_object;
    bool has_name;
    char found[140];
} look;

static bool is_person(const identity_claims *c)
{
    return c->upn[0] != '\0' && !es_streq(c->idtyp, "app");
}

static void on_user(void *ctx, const sqlvalue *values, size_t count)
{
    look *l = ctx;
    char name[140];
    if (count < 2 || values[1].is_null || !sqltype_is_binary(values[1].type.id) ||
        values[1].u.s.len < 16)
        return;
    doctor_text(values, count, 0, name, sizeof name);
    bool right = memcmp(values[1].u.s.data, l->right, 16) == 0;
    bool object = memcmp(values[1].u.s.data, l->object, 16) == 0;
    bool same_name = l->name != NULL && es_strcaseeq(name, l->name);
    if (!right && !object && !same_name)
        return;
    l->has_right = l->has_right || right;
    l->has_object = l->has_object || (object && !right);
    l->has_name = l->has_name || same_name;
    es_strlcpy_utf8(l->found, sizeof l->found, name);
}

/* Apps and identities are known by their client id, people and groups by their object id. */
static bool prepare(look *l)
{
    const identity_claims *c = l->claims;
    const char *slash = strrchr(c->miri, '/');
    l->name = is_person(c) ? c->upn : slash != NULL ? slash + 1 : NULL;
    return es_guid_parse(is_person(c) ? c->oid : c->appid, l->right) == ENTRASQL_OK &&
           es_guid_parse(c->oid, l->object) == ENTRASQL_OK;
}

static bool look_as(const doctor *d, entrasql_credential *who, look *l)
{
    sql_conn *conn = NULL;
    entrasql_error err;
    if (doctor_open(d, who, &conn, &err) != ENTRASQL_OK)
        return false;
    entrasql_status status = doctor_query(
        d, conn, "SELECT name, sid FROM sys.database_principals WHERE type IN ('E', 'X')", on_user,
        l, &err);
    sql_close(conn);
    return status == ENTRASQL_OK;
}

/* A newer token of the same principal that gets in: what it has in groups, the older one lacks. */
static bool newer_token_gets_in(const doctor *d, char *evidence, size_t size)
{
    const identity_claims *mine = &d->tokens[0].claims;
    for (size_t i = 1; i < d->token_count; i++) {
        const identity_claims *c = &d->tokens[i].claims;
        sql_conn *conn = NULL;
        entrasql_error err;
        if (!d->tokens[i].is_jwt || !es_streq(c->oid, mine->oid) || c->iat <= mine->iat ||
            doctor_open(d, d->tokens[i].credential, &conn, &err) != ENTRASQL_OK)
            continue;
        sql_close(conn);
        (void)snprintf(evidence, size, "a token of the same principal that is %lld s newer gets in",
                       (long long)(c->iat - mine->iat));
        return true;
    }
    return false;
}

const char *doctor_second_look(doctor *d, char *evidence, size_t size)
{
    look l = {.claims = &d->tokens[0].claims};
    evidence[0] = '\0';
    if (!d->tokens[0].is_jwt || !prepare(&l))
        return NULL;
    if (newer_token_gets_in(d, evidence, size))
        return "groups-older";
    for (size_t i = 1; i < d->token_count; i++) {
        const doctor_token *other = &d->tokens[i];
        if (es_streq(other->claims.oid, l.claims->oid) || !look_as(d, other->credential, &l))
            continue;
        const char *as = other->claims.upn[0] != '\0' ? other->claims.upn
                                                      : entrasql_credential_name(other->credential);
        es_strlcpy_utf8(d->found_user, sizeof d->found_user, l.found);
        if (l.has_right) {
            (void)snprintf(evidence, size, "%s sees the user %s with the right id", as, l.found);
            return NULL;
        }
        if (l.has_object && !is_person(l.claims)) {
            (void)snprintf(evidence, size, "%s sees the user %s with the object id %s", as, l.found,
                           l.claims->oid);
            return "object-id-user";
        }
        if (l.has_name) {
            (void)snprintf(evidence, size, "%s sees the user %s with another id", as, l.found);
            return "stale-user";
        }
        (void)snprintf(evidence, size, "%s sees no user for it in the database", as);
        return "no-user";
    }
    return NULL;
}
