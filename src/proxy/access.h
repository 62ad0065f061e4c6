/* SPDX-License-Identifier: MIT */
/*
 * Who may come in, and as which identity. Decided once the client's LOGIN7 is there, from the
 * target's settings, the user that owns the client's process and what the login says.
 *
 *     a token of the client's own   as client-fedauth says
 *     [login NAME] of the login     all that it demands must hold; may choose the identity
 *     else                          one of allow, allow-uids and secret-file must hold
 *
 * A refusal names the setting that would let the client in. Secrets are compared in constant time.
 */
#ifndef PROXY_ACCESS_H
#define PROXY_ACCESS_H

#include "proxy/config.h"
#include "proxy/source.h"
#include "proxy/stats.h"
#include "tds/login7.h"

/* The other end of a client's connection. */
typedef struct proxy_peer {
    bool is_known; /* uid is the user's that owns it */
    uid_t uid;
    bool is_remote; /* not a process of this machine */
    bool is_strict; /* its connection began with TLS; the caller knows */
    proxy_source source;
} proxy_peer;

/* Asks the kernel, by *diag_fd (os_sock_peer_uid_by()), which answers at once. A peer that is
   unknown for other reasons than being on another machine is logged. */
void proxy_peer_get(int *diag_fd, int fd, proxy_peer *ret);

typedef struct proxy_grant {
    const proxy_login_rule *rule;   /* of the login name; NULL: none */
    const proxy_identity *identity; /* NULL: the client's own token */
    proxy_refusal reason;           /* of a refusal, for the statistics */
    bool by_secret;                 /* a secret was looked at, and what it is worth decided */
} proxy_grant;

/* Before it has said anything. False: whatever it sends will be refused. */
bool proxy_access_may_come(const proxy_target *t, const proxy_peer *peer, uid_t own_uid);

/* The part of the below that counts for the proxy's own database, too. */
entrasql_status proxy_access_check_encryption(const proxy_target *t, const proxy_peer *peer,
                                              proxy_grant *ret, entrasql_error *why) ES_MUST_USE;

/* OK, or LOGIN_FAILED with what to tell the client. own_uid: the proxy's. */
entrasql_status proxy_access_decide(const proxy_target *t, const proxy_peer *peer, uid_t own_uid,
                                    const tds_login7 *login, proxy_grant *ret,
                                    entrasql_error *why) ES_MUST_USE;

/* A credential that gives the token that the client's login brought. */
entrasql_status proxy_access_own_token(const tds_login7 *login, entrasql_credential **ret,
                                       entrasql_error *err) ES_MUST_USE;

#endif
