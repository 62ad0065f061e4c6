/* SPDX-License-Identifier: MIT */
/*
 * What the files of a session share: session.c is the task and its bytes,
 * session_login.c what comes before the login is answered. Not for others.
 */
#ifndef PROXY_SESSION_INNER_H
#define PROXY_SESSION_INNER_H

#include "proxy/access.h"
#include "proxy/session.h"
#include "relay/login.h"
#include "relay/pump.h"
#include "tds/packet.h"

typedef enum phase {
    PHASE_ACCEPT,      /* the client's login */
    PHASE_BRAKED,      /* its login is judged later: its source had many wrong secrets */
    PHASE_DELAYED,     /* its secret was wrong, which it hears later */
    PHASE_QUEUE,       /* until there is room for one client more */
    PHASE_PAUSED,      /* an operator makes it wait before its own connection is made */
    PHASE_LOGIN,       /* a connection of its own is made */
    PHASE_WAIT_ANSWER, /* the pool logs in, to have an answer */
    PHASE_ANSWER,      /* the login's answer, or a refusal, is on its way to the client */
    PHASE_REST,        /* logged in, without a connection */
    PHASE_WAIT_SERVER, /* its first request has begun */
    PHASE_PASSING,     /* bytes both ways */
    PHASE_ADMIN,       /* it is in the admin database */
    PHASE_LINGER       /* it was told an error */
} phase;

/* It is to be over, and hears why where the protocol leaves room for that. */
typedef enum ending {
    ENDING_NOT,
    ENDING_KILLED,
    ENDING_PROXY,    /* the proxy ends */
    ENDING_NO_MEMORY /* not even for the reason */
} ending;

/* What a session needs until its login is answered. */
typedef struct entry {
    bool is_refused;
    bool is_answered;        /* the pool has an answer now */
    bool is_admin;           /* it logs in to the admin database */
    int64_t until_ms;        /* in PHASE_BRAKED and PHASE_DELAYED */
    entrasql_error *refusal; /* to be told then; owned */
    proxy_peer peer;
    proxy_grant grant;
    entrasql_credential *own_token; /* the client's, when it is passed on */
    int64_t deadline_ms;
    int64_t accepted_us;
    int64_t login_us; /* when the login upstream began */
    relay_accept *accept;
    relay_login *login;
    relay_session upstream;
} entry;

struct proxy_session {
    pool_waiter waiter; /* first: the pool's pointers are these */
    proxy_service *service;
    proxy_ticket ticket;
    loop_task *task;
    uint64_t number;
    int64_t since_ms;
    int64_t linger_until_ms;
    entry *entry; /* NULL: the login was answered */
    char *login_name;
    pool *pool; /* NULL: not pooled */
    relay_stream *client;
    proxy_server *server;
    relay_pump *pump;
    proxy_admin *admin;
    entrasql_error *failure; /* the pool has no connection for it; owned */
    proxy_session *next;
    proxy_session *prev;
    int64_t stalled_ms; /* within a request: when it is too late; 0: it is in none */
    int64_t held_up_ms; /* by a server that takes no more of a request: the next look; 0: by none */
    uint8_t at;         /* phase */
    uint8_t ending;
    bool has_known_peer;                   /* the kernel could tell whose it is, when it came */
    uint8_t head_len;                      /* at rest: how much is there of */
    uint8_t head[TDS_PACKET_HEADER_BYTES]; /* its next request */
};

/* Takes the descriptor on success. */
entrasql_status proxy_session_login_start(proxy_session *s, int *fd,
                                          entrasql_error *err) ES_MUST_USE;
/*
 * In the phases up to PHASE_WAIT_ANSWER. OK: another phase has begun, PHASE_ANSWER at last; AGAIN;
 * else the session is over.
 */
entrasql_status proxy_session_login_step(proxy_session *s, entrasql_error *err) ES_MUST_USE;
/* The same phases but PHASE_ACCEPT: it is refused for that reason, in place of what it waits for.
 */
entrasql_status proxy_session_login_refuse(proxy_session *s, const entrasql_error *why,
                                           entrasql_error *err) ES_MUST_USE;
entrasql_status proxy_session_login_wants(const proxy_session *s, os_wait *w) ES_MUST_USE;
/* The login is answered, or the session is over. */
void proxy_session_login_done(proxy_session *s);

#endif
