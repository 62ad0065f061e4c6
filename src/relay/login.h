/* SPDX-License-Identifier: MIT */
/*
 * The one login of entrasql: settings + credential -> token -> TDS login with
 * FEDAUTH -> a stream ready for requests. Resolve, connect (all addresses in
 * turn), TLS, LOGIN7, ROUTING with a hop limit, the token fetched meanwhile.
 * Asynchronous (os/wait.h); relay_login_run() blocks.
 */
#ifndef RELAY_LOGIN_H
#define RELAY_LOGIN_H

#include "relay/stream.h"
#include "relay/token.h"
#include "tds/client.h"

#include <entrasql/entrasql.h>

#define RELAY_MAX_HOPS 5

typedef struct relay_login_options {
    const char *host;
    uint16_t port;
    tds_encrypt encrypt;
    bool trust_server_certificate;
    const char *host_name_in_certificate; /* NULL: the host name of each hop */
    const char *ca_file;                  /* NULL: base trust rule */
    tls_context *tls; /* client context to use instead of the three settings above but the name;
                         referenced; NULL: one is made */
    const tds_login7 *login;         /* template: database, app, flags ...; copied */
    entrasql_credential *credential; /* NULL: user and password of the template */
    bool mars;                       /* asks for it; the session says what the server answered */
    bool token_on_request;    /* FEDAUTHINFO round: ask for the token when the server has named its
                                 authority, and only if that is a known one over https */
    const char *scope;        /* NULL: by the server's name (public, US government, China) */
    int64_t deadline_ms;      /* monotonic, for everything together */
    struct relay_login *held; /* to go on with, see relay_login_hold(); taken in any case */
} relay_login_options;

typedef struct relay_login relay_login;

/* What a finished login gives. */
typedef struct relay_session {
    relay_stream *stream; /* owned */
    uint32_t packet_size;
    uint32_t tds_version;
    bool has_mars;     /* what follows is SMP (tds/smp.h) */
    es_buf response;   /* login response to replay, owned */
    char *server_host; /* after routing; owned */
    uint16_t server_port;
    char *database;   /* owned */
    es_secret *token; /* that it was made with; a reference; NULL: a SQL login */
    relay_token_facts token_facts;
} relay_session;

entrasql_status relay_login_start(const relay_login_options *options, relay_login **ret,
                                  entrasql_error *err) ES_MUST_USE;
/*
 * A connection that is held ready for a later login: TCP, PRELOGIN and TLS are done, LOGIN7 comes
 * next. Of the options server, encryption and deadline count. Its steps say AGAIN, or why it
 * is of no use any more; a login whose options fit goes on with it, and connects by itself should
 * it turn out dead.
 */
entrasql_status relay_login_hold(const relay_login_options *options, relay_login **ret,
                                 entrasql_error *err) ES_MUST_USE;
bool relay_login_is_held(const relay_login *l); /* it is as far as it gets */
/* All that was settled before LOGIN7 is as these options want it. */
bool relay_login_fits(const relay_login *held, const relay_login_options *options);

entrasql_status relay_login_wants(relay_login *l, os_wait *w) ES_MUST_USE;
/* AGAIN, OK with *ret filled, or the failure. */
entrasql_status relay_login_step(relay_login *l, relay_session *ret,
                                 entrasql_error *err) ES_MUST_USE;
void relay_login_free(relay_login *l); /* cancels what is under way */

entrasql_status relay_login_run(const relay_login_options *options, relay_session *ret,
                                entrasql_error *err) ES_MUST_USE;
void relay_session_done(relay_session *s);

/* The scope for a server name: https://database.windows.net/.default and kin. Static storage. */
const char *relay_scope_for_host(const char *host);

#endif
