/* SPDX-License-Identifier: MIT */
/*
 * A request: a message from the client, the engine, the
 * reply. Attention, the IGNORE bit and RESETCONNECTION are dealt with here.
 */
#ifndef EMULATOR_FRONT_REQUESTS_H
#define EMULATOR_FRONT_REQUESTS_H

#include "emulator/fault/fault.h"
#include "emulator/front/record.h"
#include "emulator/front/reply.h"

typedef struct front_requests {
    front_channel *channel;
    front_reply *reply;
    engine_session *engine;
    front_record *record; /* NULL: none */
    faults *faults;       /* NULL: none; borrowed */
    bool is_mars;         /* a transaction that a batch begins and leaves open ends with it */
    uint64_t transaction; /* that was open when the request began; 0: none */
    size_t max_bytes;
    tds_assembler in;
} front_requests;

void front_requests_init(front_requests *q, front_channel *channel, front_reply *reply,
                         engine_session *engine, front_record *record, size_t max_bytes);
void front_requests_cleanup(front_requests *q);
/*
 * Answers the request that q->in holds complete, and is ready for the next. A failure ends the
 * connection: CLOSED and CANCELLED are the orderly ones.
 */
entrasql_status front_requests_answer(front_requests *q, entrasql_error *err) ES_MUST_USE;
/* Tells the client why the rest of a request that is not whole is not read. The session ends. */
void front_requests_refuse(front_requests *q, const entrasql_error *why);

#endif
