/* SPDX-License-Identifier: MIT */
/*
 * An engine's results as TDS replies: tokens, DONE framing, packets of the
 * negotiated size. One reply message at a time, for one session, on its
 * thread.
 *
 * A DONE is held back until it is known what follows it, so that its MORE bit
 * is always right.
 */
#ifndef EMULATOR_FRONT_REPLY_H
#define EMULATOR_FRONT_REPLY_H

#include "emulator/front/channel.h"
#include "engine/engine.h"
#include "tds/row.h"

typedef struct front_reply {
    front_channel *channel;
    const engine_session *session;
    const char *server_name;
    uint16_t spid;
    uint32_t packet_size;
    engine_sink sink;
    /* of the message under way: */
    tds_splitter splitter;
    es_buf body; /* whole tokens that are not in packets yet */
    es_buf packets;
    bool rpc; /* statements end with DONEINPROC */
    tds_column *columns;
    size_t column_count;
    bool has_done; /* a DONE is held back */
    tds_done done;
    bool failed;      /* an error was told since the last DONE */
    bool call_failed; /* or since the call began */
    bool fatal;       /* an error of severity 20 or more: the connection ends */
} front_reply;

void front_reply_init(front_reply *r, front_channel *channel, const engine_session *session,
                      const char *server_name, uint16_t spid, uint32_t packet_size);
void front_reply_cleanup(front_reply *r);

/* Begins a message. rpc: the request has calls, each to be ended by front_reply_end_call(). */
void front_reply_begin(front_reply *r, bool rpc);
/* Valid until the next begin. */
const engine_sink *front_reply_sink(front_reply *r);
/* RPC: DONEPROC. more: another call follows. */
entrasql_status front_reply_end_call(front_reply *r, bool more) ES_MUST_USE;
/* An error of our own in the reply. */
entrasql_status front_reply_error(front_reply *r, uint32_t number, uint8_t state, uint8_t severity,
                                  const char *text) ES_MUST_USE;
/*
 * Ends the message and sends it to its last byte. attention: the client cut it
 * off; the acknowledgement follows as a message of its own, because clients
 * count on one answer for the request and one for the attention.
 */
entrasql_status front_reply_finish(front_reply *r, bool attention) ES_MUST_USE;
/* A message that is the acknowledgement alone. */
entrasql_status front_reply_attention(front_reply *r) ES_MUST_USE;

#endif
