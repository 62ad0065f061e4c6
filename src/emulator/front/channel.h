/* SPDX-License-Identifier: MIT */
/*
 * A session's connection after the login: whole messages in, bytes out,
 * blocking, and the question that a running statement asks again and again:
 * does the client still want this?
 *
 * Used by the session's own thread only. The order to stop comes through a
 * descriptor that becomes readable and stays so.
 */
#ifndef EMULATOR_FRONT_CHANNEL_H
#define EMULATOR_FRONT_CHANNEL_H

#include "relay/stream.h"
#include "tds/packet.h"

typedef struct front_channel {
    relay_stream *stream; /* owned */
    int stop_fd;          /* readable: the front stops; borrowed */
    es_buf pending;       /* received and not yet used */
    bool gone;            /* the client has left, or its connection broke */
    bool stopped;         /* the front stops */
    int64_t next_look_ms; /* when the connection is looked at again while a statement runs */
} front_channel;

/* Takes the stream. */
void front_channel_init(front_channel *c, relay_stream *stream, int stop_fd);
void front_channel_done(front_channel *c);

/*
 * Waits until *in is complete. CLOSED: the client left between two messages.
 * CANCELLED: the front stops. Else what is wrong with the client's bytes.
 */
entrasql_status front_channel_read(front_channel *c, tds_assembler *in,
                                   entrasql_error *err) ES_MUST_USE;

/*
 * Sends. Blocks while much is queued for a slow client; CANCELLED then means
 * that an attention came, or the front stops: the bytes are queued all the
 * same. CLOSED or NETWORK: the client is gone.
 */
entrasql_status front_channel_write(front_channel *c, const void *p, size_t n) ES_MUST_USE;
/* Blocks until everything is sent, whatever the client asks meanwhile. */
entrasql_status front_channel_flush(front_channel *c) ES_MUST_USE;

/* An engine_interrupt: an attention waits, the client is gone, or the front stops. */
bool front_channel_interrupted(void *channel);
/* Uses up an attention that waits; false when there is none. */
bool front_channel_take_attention(front_channel *c);

#endif
