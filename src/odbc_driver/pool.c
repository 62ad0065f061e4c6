/* SPDX-License-Identifier: MIT */
/* Whose connection is it that a driver manager's pool holds? */
#include "pool.h"

#include "base/str.h"
#include "identity/claims.h"
#include "odbc_glue/auth.h"
#include "relay/token.h"

#include <stdio.h>
#include <string.h>

/* The pool's lock is held meanwhile: a token comes from the cache, or soon. */
#define CHECK_TIMEOUT_MS 10000

/* Tenant and object id by the token's own word: it is compared, not trusted. */
static bool read_principal(const drv_dbc *d, entrasql_credential *credential,
                           char ret[sizeof d->principal])
{
    entrasql_token *token = NULL;
    identity_claims claims;
    const entrasql_token_request request = {
        .size = sizeof request,
        .scope = relay_scope_for_host(d->host),
        .timeout_ms = CHECK_TIMEOUT_MS,
    };
    if (entrasql_credential_get_token(credential, &request, &token, NULL) != ENTRASQL_OK)
        return false;
    bool ok = identity_claims_read(entrasql_token_value(token), &claims, NULL) == ENTRASQL_OK;
    entrasql_token_free(token);
    if (!ok || claims.oid[0] == '\0')
        return false;
    snprintf(ret, sizeof d->principal, "%s/%s", claims.tid, claims.oid);
    return true;
}

static bool is_pooled(const conf_connstr *list)
{
    const char *setting = NULL;
    const char *name = conf_connstr_get(list, "Driver");
    char copy[GLUE_INI_VALUE_SIZE];
    if (es_str_is_empty(name))
        return false;
    es_strlcpy_utf8(copy, sizeof copy, name);
    const glue_driver driver = {.name = copy};
    return glue_driver_is_pooled(&driver, &setting);
}

void drv_pool_note(drv_dbc *d, conf_connstr *list, entrasql_credential *credential)
{
    d->pooled = credential != NULL && is_pooled(list);
    if (!d->pooled)
        return;
    if (!read_principal(d, credential, d->principal))
        d->principal[0] = '\0';
    conf_connstr_done(&d->list);
    d->list = *list;
    *list = (conf_connstr){0};
}

bool drv_pool_must_not_reuse(drv_dbc *d)
{
    glue_auth auth;
    char now[sizeof d->principal];
    entrasql_credential *credential = NULL;
    if (!d->pooled)
        return false;
    if (d->principal[0] == '\0' || glue_auth_read(&d->list, &auth, NULL) != ENTRASQL_OK ||
        auth.method == GLUE_AUTH_STRING ||
        glue_auth_credential(&auth, NULL, NULL, &credential, NULL) != ENTRASQL_OK)
        return true;
    bool same = read_principal(d, credential, now) && es_streq(now, d->principal);
    entrasql_credential_unref(credential);
    return !same;
}
