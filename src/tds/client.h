/* SPDX-License-Identifier: MIT */
/*
 * The client's login engine: PRELOGIN, TLS at the right moment, LOGIN7 with
 * FEDAUTH, the FEDAUTHINFO round, the login response with FEATUREEXTACK and
 * ROUTING. It does no I/O: feed() takes plaintext bytes of the connection,
 * output() holds plaintext bytes to send, want() says what to do next.
 *
 * The engine never puts a token or password on a connection that is not
 * encrypted, unless `allow_clear_password` says so for a SQL login.
 */
#ifndef TDS_CLIENT_H
#define TDS_CLIENT_H

#include "login7.h"

typedef struct tds_client tds_client;

typedef enum tds_encrypt {
    TDS_ENCRYPT_OFF,    /* PRELOGIN says OFF: only the login is encrypted if the server agrees */
    TDS_ENCRYPT_ON,     /* all is encrypted, or the login fails */
    TDS_ENCRYPT_STRICT, /* TDS 8.0: TLS first */
    TDS_ENCRYPT_NOT_SUPPORTED /* no TLS at all; SQL logins on loopback only */
} tds_encrypt;

typedef enum tds_client_auth {
    TDS_CLIENT_AUTH_PASSWORD,        /* user and password of the LOGIN7 */
    TDS_CLIENT_AUTH_TOKEN,           /* library 1: the token goes into LOGIN7 */
    TDS_CLIENT_AUTH_TOKEN_ON_REQUEST /* library 2: the server sends FEDAUTHINFO first */
} tds_client_auth;

typedef struct tds_client_options {
    const tds_login7 *login; /* template, copied; user, password, SSPI and FEDAUTH are replaced
                                as `auth` says, the server name by server_name */
    const char *server_name; /* for LOGIN7 */
    tds_encrypt encrypt;
    tds_client_auth auth;
    bool allow_clear_password;
    bool mars; /* asks for MARS */
} tds_client_options;

typedef enum tds_client_want {
    TDS_CLIENT_WANT_READ,    /* send output(), then feed() */
    TDS_CLIENT_WANT_TLS,     /* send output(), run the handshake, then tds_client_tls_started() */
    TDS_CLIENT_WANT_TOKEN,   /* tds_client_give_token(); fedauth_*() describe a server's request */
    TDS_CLIENT_WANT_TLS_END, /* login-only encryption: send output() encrypted, drop TLS, then
                                tds_client_tls_ended() */
    TDS_CLIENT_READY,        /* logged in */
    TDS_CLIENT_ROUTED,       /* go to routing_host():routing_port() with a new engine */
    TDS_CLIENT_FAILED        /* the error was returned by feed() */
} tds_client_want;

entrasql_status tds_client_new(const tds_client_options *options, tds_client **ret,
                               entrasql_error *err) ES_MUST_USE;
void tds_client_free(tds_client *c);

tds_client_want tds_client_wants(const tds_client *c);
es_buf *tds_client_output(tds_client *c);

/*
 * Takes received plaintext. Stops at a state change: *ret_used says how many
 * bytes were taken, the rest belongs to TLS or to the session. A server's
 * refusal is LOGIN_FAILED with number, state, severity, text and a hint.
 */
entrasql_status tds_client_feed(tds_client *c, const void *p, size_t n, size_t *ret_used,
                                entrasql_error *err) ES_MUST_USE;
entrasql_status tds_client_tls_started(tds_client *c, entrasql_error *err) ES_MUST_USE;
entrasql_status tds_client_tls_ended(tds_client *c, entrasql_error *err) ES_MUST_USE;
/* JWT text. */
entrasql_status tds_client_give_token(tds_client *c, const es_secret *token,
                                      entrasql_error *err) ES_MUST_USE;
/*
 * Another template than the one of tds_client_new(), while the token of TDS_CLIENT_AUTH_TOKEN is
 * waited for and nothing of LOGIN7 has gone out. What PRELOGIN said stays.
 */
entrasql_status tds_client_set_login(tds_client *c, const tds_login7 *login,
                                     const char *server_name, entrasql_error *err) ES_MUST_USE;
/* The connection ended: turns the state into the right error. */
entrasql_status tds_client_eof(tds_client *c, entrasql_error *err) ES_MUST_USE;

/* From FEDAUTHINFO; "" when the server did not ask. */
const char *tds_client_fedauth_sts_url(const tds_client *c);
const char *tds_client_fedauth_spn(const tds_client *c);

const char *tds_client_routing_host(const tds_client *c); /* may be "host\\instance" */
uint16_t tds_client_routing_port(const tds_client *c);

/* After READY: */
uint32_t tds_client_packet_size(const tds_client *c);
uint32_t tds_client_tds_version(const tds_client *c);
const char *tds_client_database(const tds_client *c); /* from ENVCHANGE 1 */
/* MARS was asked for and granted: what follows the login is SMP (smp.h). */
bool tds_client_has_mars(const tds_client *c);
/*
 * The tokens of the login response as received, without FEDAUTH's ack and
 * without routing: what a relay replays to its own client.
 */
const es_buf *tds_client_response(const tds_client *c);

#endif
