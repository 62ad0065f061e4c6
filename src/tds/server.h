/* SPDX-License-Identifier: MIT */
/*
 * The server's login engine, the mirror of client.h: used by the emulator's
 * front, the tunnel and later the proxy. No I/O.
 */
#ifndef TDS_SERVER_H
#define TDS_SERVER_H

#include "login7.h"
#include "prelogin.h"

typedef struct tds_server tds_server;

typedef enum tds_server_tls {
    TDS_SERVER_TLS_NONE,    /* answers NOT_SUP: clear connections (tunnel on loopback) */
    TDS_SERVER_TLS_LOGIN,   /* client NOT_SUP: clear; OFF: for LOGIN7 alone; ON: full TLS */
    TDS_SERVER_TLS_OFFERED, /* client NOT_SUP: clear; OFF or ON: full TLS (never login-only) */
    TDS_SERVER_TLS_REQUIRED /* answers REQ; a client without TLS is refused */
} tds_server_tls;

typedef struct tds_server_options {
    tds_server_tls tls;
    bool strict;           /* the listener already runs TLS on this connection (TDS 8.0) */
    bool fedauth_required; /* answer of FEDAUTHREQUIRED, when the client asked */
    bool offers_mars;      /* whoever asks for MARS gets it; else the answer is no */
    uint16_t spid;
    uint32_t max_packet_size; /* 0: 16383 */
} tds_server_options;

typedef enum tds_server_want {
    TDS_SERVER_WANT_READ,
    TDS_SERVER_WANT_TLS,      /* send output(), run the handshake, then tds_server_tls_started() */
    TDS_SERVER_WANT_DECISION, /* login() is complete: accept, ask_token, or refuse */
    TDS_SERVER_WANT_TOKEN_DECISION, /* the asked token arrived: token(); accept or refuse */
    TDS_SERVER_READY,               /* accepted; send output(); requests follow */
    TDS_SERVER_REFUSED,             /* send output(), then close */
    TDS_SERVER_FAILED
} tds_server_want;

entrasql_status tds_server_new(const tds_server_options *options, tds_server **ret,
                               entrasql_error *err) ES_MUST_USE;
void tds_server_free(tds_server *s);
tds_server_want tds_server_wants(const tds_server *s);
es_buf *tds_server_output(tds_server *s);
entrasql_status tds_server_feed(tds_server *s, const void *p, size_t n, size_t *ret_used,
                                entrasql_error *err) ES_MUST_USE;
entrasql_status tds_server_tls_started(tds_server *s, entrasql_error *err) ES_MUST_USE;

/*
 * TLS was agreed for LOGIN7 alone, and that is here: drop TLS, without close_notify, before
 * anything is sent. Until tds_server_tls_ended().
 */
bool tds_server_ends_tls(const tds_server *s);
void tds_server_tls_ended(tds_server *s);

/* What the client said in PRELOGIN; valid once that was answered. */
const tds_prelogin *tds_server_prelogin(const tds_server *s);
/* Valid from WANT_DECISION on. */
const tds_login7 *tds_server_login(const tds_server *s);
bool tds_server_is_encrypted(const tds_server *s);
/* MARS was asked for and granted: what follows the login is SMP (smp.h). */
bool tds_server_has_mars(const tds_server *s);
/* Library 2: the token that the client sent after FEDAUTHINFO. */
const es_secret *tds_server_token(const tds_server *s);

/* FEDAUTHINFO, alone in its message. */
entrasql_status tds_server_ask_token(tds_server *s, const char *sts_url, const char *spn,
                                     entrasql_error *err) ES_MUST_USE;

typedef struct tds_server_accept_options {
    const char *server_name; /* in INFO messages */
    const char *database;
    const char *language;   /* NULL: us_english */
    const es_buf *response; /* a recorded login response to replay instead (relay); else NULL.
                               Acknowledgements of features that this client did not ask for
                               and routing are left out, FEDAUTH is acknowledged to whom asked
                               for it, and LOGINACK names the version that the client asked for */
} tds_server_accept_options;

entrasql_status tds_server_accept(tds_server *s, const tds_server_accept_options *options,
                                  entrasql_error *err) ES_MUST_USE;
/*
 * ERROR (number, state, severity, message of *why) and DONE. Number 0 becomes
 * 18456. After 4060 comes 18456 as well, as SQL Server does it.
 */
entrasql_status tds_server_refuse(tds_server *s, const entrasql_error *why, const char *server_name,
                                  entrasql_error *err) ES_MUST_USE;
/*
 * Why the engine is REFUSED: the caller's own reason, or the engine's (a client
 * without TLS where TLS is required, a TDS version that is too old, a LOGIN7
 * without PRELOGIN). NULL in other states.
 */
const entrasql_error *tds_server_refusal(const tds_server *s);
/* ROUTING in a login response without a session; the engine is REFUSED afterwards. */
entrasql_status tds_server_route(tds_server *s, const char *host, uint16_t port,
                                 entrasql_error *err) ES_MUST_USE;

uint32_t tds_server_packet_size(const tds_server *s);
uint32_t tds_server_tds_version(const tds_server *s);

#endif
