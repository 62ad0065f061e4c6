/* SPDX-License-Identifier: MIT */
/*
 * A connection with MARS: the sessions that its client multiplexes on it
 * ([MC-SMP], tds/smp.h), each a stream of requests of its own, all on the one
 * session of the engine.
 *
 * Requests run one after the other. The results of one that its client has
 * not read yet wait in memory, so that a request of another session is
 * answered meanwhile; so statements see each other's whole effects, which SQL
 * Server allows and does not promise. Temporary tables, settings, database
 * and a transaction that was begun by request are the connection's; a
 * transaction that a batch began and left open ends with it (3997).
 */
#ifndef EMULATOR_FRONT_MARS_H
#define EMULATOR_FRONT_MARS_H

#include "emulator/fault/fault.h"
#include "emulator/front/record.h"
#include "engine/engine.h"
#include "relay/stream.h"

#define FRONT_MARS_MAX_SESSIONS 256
/* Of a session's unread results; beyond it the request waits for its client. */
#define FRONT_MARS_HELD_BYTES ((size_t)32 * 1024 * 1024)
/* Of all sessions of a connection. */
#define FRONT_MARS_HELD_ALL_BYTES ((size_t)256 * 1024 * 1024)
/*
 * Who waits so long for a client that reads nothing while it asks for something
 * else gets an error: a program of one thread would wait for ever.
 */
#define FRONT_MARS_GIVE_UP_MS 2000

typedef struct front_mars_options {
    relay_stream *stream; /* borrowed, as all of it */
    int stop_fd;          /* readable: the front stops, and it stays so */
    engine_session *engine;
    front_record *record; /* NULL: none */
    faults *faults;       /* NULL: none */
    const char *server_name;
    uint16_t spid;
    uint32_t packet_size;
    size_t max_request_bytes; /* of all requests that are on their way, together */
} front_mars_options;

/* Serves to the end, which is always a failure: CLOSED and CANCELLED are the orderly ones. */
entrasql_status front_mars_serve(const front_mars_options *options,
                                 entrasql_error *err) ES_MUST_USE;

#endif
