/* SPDX-License-Identifier: MIT */
/* One client of the front, from the accepted socket to its end, on a thread of its own. */
#ifndef EMULATOR_FRONT_SESSION_H
#define EMULATOR_FRONT_SESSION_H

#include "emulator/front/auth.h"
#include "emulator/front/backend.h"
#include "emulator/front/record.h"
#include "tls/tls.h"

/* The front's ports. */
typedef enum front_door {
    FRONT_DOOR_MAIN,
    FRONT_DOOR_NODE,   /* behind a redirect */
    FRONT_DOOR_CATALOG /* our own engine, where the main one passes on to a backend */
} front_door;

typedef struct front_session_options {
    front_auth auth;  /* with this session's SPID */
    tls_context *tls; /* borrowed */
    uint64_t number;  /* of the connection, for logs and records */
    int stop_fd;      /* readable: end now; borrowed */
    uint32_t login_timeout_ms;
    size_t max_request_bytes;
    journal *journal;             /* NULL: none */
    const char *record_dir;       /* NULL: none */
    bool is_full;                 /* too many sessions: refuse with 10928 after the login came */
    unsigned max_sessions;        /* for that refusal's text */
    uint16_t port;                /* the front's own */
    uint16_t node_port;           /* where redirected logins go */
    front_door door;              /* where it came in */
    const front_backend *backend; /* where its requests are served; NULL: here */
} front_session_options;

/* Serves the connection to its end. Takes the descriptor. */
void front_session_run(int fd, const front_session_options *options);

#endif
