/* SPDX-License-Identifier: MIT */
/*
 * A client's login on an accepted socket: drives the TDS server engine, TLS
 * inside PRELOGIN, and strict TLS (recognised by its first byte), up to the
 * point where the caller decides about the login, and on to a stream that is
 * ready for requests. Used by the tunnel and the emulator's front.
 *
 *     relay_accept_start(fd, &options, &a, err);
 *     for (;;) {
 *         status = relay_accept_run(a, err);       // or _wants/_step in a loop of one's own
 *         if (status != ENTRASQL_OK) -> drop it: relay_accept_free(a)
 *         switch (relay_accept_state(a)) {
 *         case RELAY_ACCEPT_DECIDE:       look at tds_server_login(), then call
 *                                         tds_server_accept(), _refuse(), _route() or _ask_token()
 *                                         on relay_accept_server(a); go on stepping
 *         case RELAY_ACCEPT_DECIDE_TOKEN: look at tds_server_token(); accept, refuse or route
 *         case RELAY_ACCEPT_READY:        relay_accept_take(a, &stream); relay_accept_free(a)
 *         case RELAY_ACCEPT_REFUSED:      the refusal was sent; relay_accept_free(a)
 *         }
 *     }
 *
 * Every step returns AGAIN (poll), OK (a resting point as above), or a
 * failure, after which only relay_accept_free() is left: CLOSED when the client
 * went away, TIMEOUT past the deadline, MALFORMED or LIMIT for what is not
 * TDS, UNSUPPORTED for strict TLS that is not offered (an alert says so), TLS, NETWORK. Bytes that
 * the client sent behind its login are not lost: the stream gives them first.
 *
 * One thread at a time. No call blocks but relay_accept_run().
 */
#ifndef RELAY_ACCEPT_H
#define RELAY_ACCEPT_H

#include "relay/stream.h"
#include "tds/server.h"

typedef struct relay_accept_options {
    tls_context *tls;        /* server context, referenced; may be NULL with TDS_SERVER_TLS_NONE */
    tds_server_tls tls_mode; /* inside PRELOGIN */
    bool allow_strict;       /* a TLS ClientHello as first byte is taken; needs tls */
    bool fedauth_required;   /* what PRELOGIN answers to a client that asks */
    bool offers_mars;        /* whoever asks for MARS gets it */
    uint16_t spid;
    uint32_t max_packet_size; /* 0: the engine's default */
    int64_t deadline_ms;      /* monotonic, for the whole login; ES_NO_DEADLINE: none */
} relay_accept_options;

typedef struct relay_accept relay_accept;

typedef enum relay_accept_step_state {
    RELAY_ACCEPT_BUSY,         /* between resting points */
    RELAY_ACCEPT_DECIDE,       /* the login is complete */
    RELAY_ACCEPT_DECIDE_TOKEN, /* the token that was asked for has arrived */
    RELAY_ACCEPT_READY,        /* accepted, and the answer is on its way */
    RELAY_ACCEPT_REFUSED       /* refused, and the answer is sent */
} relay_accept_step_state;

/* Takes the descriptor (connected, non-blocking) on success only. */
entrasql_status relay_accept_start(int fd, const relay_accept_options *options, relay_accept **ret,
                                   entrasql_error *err) ES_MUST_USE;
/* At a decision point it watches for the client's going away only. */
entrasql_status relay_accept_wants(const relay_accept *a, os_wait *w) ES_MUST_USE;
entrasql_status relay_accept_step(relay_accept *a, entrasql_error *err) ES_MUST_USE;
/* Steps and sleeps until the next resting point or failure. */
entrasql_status relay_accept_run(relay_accept *a, entrasql_error *err) ES_MUST_USE;

relay_accept_step_state relay_accept_state(const relay_accept *a);
/* The engine; valid from the first decision point until free. */
tds_server *relay_accept_server(relay_accept *a);
bool relay_accept_is_strict(const relay_accept *a);
/* In READY: hands the stream over. The engine stays readable until free. */
relay_stream *relay_accept_take(relay_accept *a);
/* Closes what was not taken. NULL allowed. */
void relay_accept_free(relay_accept *a);

#endif
