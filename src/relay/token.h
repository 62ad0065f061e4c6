/* SPDX-License-Identifier: MIT */
/*
 * The access token of a login: asked for through the public API, delivered as
 * a secret; and which scopes and authorities a server may name.
 *
 * A fetch belongs to one thread at a time; freeing it cancels it.
 */
#ifndef RELAY_TOKEN_H
#define RELAY_TOKEN_H

#include "base/secret.h"
#include "os/wait.h"

#include <entrasql/entrasql.h>

typedef struct relay_token relay_token;

/* credential: referenced. refresh: not from the cache. */
entrasql_status relay_token_start(entrasql_credential *credential, const char *scope, bool refresh,
                                  int64_t deadline_ms, relay_token **ret,
                                  entrasql_error *err) ES_MUST_USE;
entrasql_status relay_token_wants(relay_token *t, os_wait *w) ES_MUST_USE;
/* AGAIN; OK once, with a reference for the caller; or the credential's failure. */
entrasql_status relay_token_step(relay_token *t, es_secret **ret, entrasql_error *err) ES_MUST_USE;
void relay_token_free(relay_token *t); /* NULL allowed */

/* Where a token came from: the credential of the chain that gave it, and how long that took. */
#define RELAY_TOKEN_SOURCE_SIZE 64
typedef struct relay_token_facts {
    char source[RELAY_TOKEN_SOURCE_SIZE];
    int64_t took_us;
} relay_token_facts;

/* Once it was got. */
void relay_token_facts_get(const relay_token *t, relay_token_facts *ret);

/* The scope for a server name; see relay/login.h. */
const char *relay_scope_for_host(const char *host);

/*
 * Whether what a FEDAUTHINFO asks for may be given: sts_url must be https at an
 * authority of a public cloud or of AZURE_AUTHORITY_HOST, spn one of the SQL
 * resources, and it must be the one of `scope`. AUTH_FAILED says which is not.
 */
entrasql_status relay_check_fedauth_info(const char *sts_url, const char *spn, const char *scope,
                                         entrasql_error *err) ES_MUST_USE;

#endif
