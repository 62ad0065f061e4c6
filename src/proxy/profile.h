/* SPDX-License-Identifier: MIT */
/*
 * What an upstream login is made of: the target, the identity, and those fields
 * of a client's LOGIN7 that shape the session. Two clients with the same profile
 * can use the same connection one after the other; its key says so, byte by
 * byte.
 *
 * Not in the key, and in a pooled connection the proxy's own: host name,
 * process id, client program version, MAC address, user agent, time zone. User
 * name and password never go upstream.
 */
#ifndef PROXY_PROFILE_H
#define PROXY_PROFILE_H

#include "proxy/config.h"
#include "proxy/moves.h"
#include "proxy/pool.h"
#include "proxy/warm.h"
#include "relay/login.h"

/* What a pooled connection says of its client: the proxy itself. */
typedef struct proxy_self {
    char host_name[129]; /* [MS-TDS] 2.2.6.4: at most 128 characters */
    uint32_t pid;
} proxy_self;

void proxy_self_get(proxy_self *ret);

typedef struct proxy_profile {
    char *target; /* its name */
    char *host;
    uint16_t port;
    bool strict;
    char *host_name_in_certificate; /* NULL: host */
    tls_context *tls;               /* referenced, as the credential is */
    entrasql_credential *credential;
    uint32_t login_timeout_ms;
    tds_login7 login; /* the template */
    bool mars;        /* of a client's own connection only */
    char *identity;   /* its name, for the statistics */
    char *principal;  /* "tenant/object id" of the latest login's token; NULL: none yet */
    char *server;     /* after routing, of the latest login; NULL: none yet */
    uint16_t server_port;
    proxy_moves moves; /* of `server` */
} proxy_profile;

/*
 * For a client's own connection: everything of its LOGIN7 is kept. For a pooled
 * one proxy_profile_make_common() is called then. *ret is the caller's.
 */
entrasql_status proxy_profile_new(const proxy_target *target, tls_context *tls,
                                  entrasql_credential *credential, uint32_t login_timeout_ms,
                                  const tds_login7 *client, proxy_profile **ret,
                                  entrasql_error *err) ES_MUST_USE;
void proxy_profile_free(proxy_profile *p); /* NULL allowed */

/* Whether a client's login may share connections: not one that changes a password, attaches a
   file or recovers a session. */
bool proxy_profile_is_poolable(const tds_login7 *client);
entrasql_status proxy_profile_make_common(proxy_profile *p, const proxy_self *self,
                                          entrasql_error *err) ES_MUST_USE;
entrasql_status proxy_profile_key(const proxy_profile *p, bool keyed_by_app,
                                  es_buf *out) ES_MUST_USE;

/* On a connection that stands ready, where there is one. warm may be NULL; deadline_ms: monotonic.
 */
entrasql_status proxy_profile_log_in(const proxy_profile *p, proxy_warm *warm, int64_t deadline_ms,
                                     relay_login **ret, entrasql_error *err) ES_MUST_USE;

#endif
