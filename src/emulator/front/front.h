/* SPDX-License-Identifier: MIT */
/*
 * The emulator's SQL Server front: a listener on loopback that any TDS client
 * logs in to with a token of this world, and one thread a session that hands
 * the client's requests to the engine.
 *
 * Whatever a client sends, only its own connection suffers. Calls are for the
 * thread that starts and stops the emulator; world and engine server are
 * borrowed until front_stop() returned.
 */
#ifndef EMULATOR_FRONT_FRONT_H
#define EMULATOR_FRONT_FRONT_H

#include "emulator/front/backend.h"
#include "emulator/front/journal.h"
#include "emulator/world/world.h"
#include "engine/engine.h"

#define FRONT_LOGIN_TIMEOUT_MS 15000
#define FRONT_MAX_SESSIONS 256
#define FRONT_MAX_REQUEST_BYTES ((size_t)64 * 1024 * 1024)

typedef struct front front;

typedef struct front_options {
    const world *world;
    engine_server *engine;
    uint16_t port;                /* on 127.0.0.1, and on ::1 where that is free; 0: any */
    bool allow_clear_token;       /* take a token over a connection without TLS */
    const front_backend *backend; /* pass sessions on to it; NULL: serve them; borrowed */
    journal *journal;             /* of the logins; NULL: none; borrowed */
    const char *record_dir;       /* decoded requests, one file a connection; NULL: none */
    unsigned max_sessions;        /* 0: FRONT_MAX_SESSIONS */
    uint32_t login_timeout_ms;    /* 0: FRONT_LOGIN_TIMEOUT_MS */
} front_options;

/* Listens and starts serving. BUSY: the port is taken. */
entrasql_status front_start(const front_options *options, front **ret,
                            entrasql_error *err) ES_MUST_USE;
uint16_t front_port(const front *f);
/* The port where redirected logins go: a node behind the gateway. */
uint16_t front_node_port(const front *f);
/* With a backend: the port where our own engine answers, with the users of the catalog; else 0. */
uint16_t front_catalog_port(const front *f);
/*
 * Ends all sessions (their transactions are rolled back) and takes no new ones, which wait at the
 * door. Then the engine server may be exchanged, and front_resume() lets them in.
 */
void front_pause(front *f);
entrasql_status front_resume(front *f, engine_server *engine, entrasql_error *err) ES_MUST_USE;
/* Ends all sessions (their transactions are rolled back), waits for them, frees. NULL allowed. */
void front_stop(front *f);

#endif
