/* SPDX-License-Identifier: MIT */
/*
 * Where the replies of a stream of requests go, and the question that a
 * running statement asks again and again: does the client still want this?
 *
 * Without MARS the connection is that stream (below); with it every session of
 * the connection is one (mars.h). Used by the connection's own thread only.
 */
#ifndef EMULATOR_FRONT_CHANNEL_H
#define EMULATOR_FRONT_CHANNEL_H

#include "relay/stream.h"
#include "tds/packet.h"

typedef struct front_channel front_channel;

typedef struct front_channel_class {
    entrasql_status (*write)(front_channel *c, const void *p, size_t n);
    entrasql_status (*flush)(front_channel *c);
    bool (*is_interrupted)(front_channel *c);
    bool (*take_attention)(front_channel *c);
} front_channel_class;

struct front_channel {
    const front_channel_class *of;
    bool gone;     /* the client has left, or its connection broke */
    bool stopped;  /* the front stops */
    bool overfull; /* the client leaves too much of its results unread while it asks for others */
};

/*
 * Sends. May block while much is queued for a slow client; CANCELLED then means
 * that an attention came, that the front stops, or that it is overfull: the bytes are queued
 * all the same. CLOSED or NETWORK: the client is gone.
 */
entrasql_status front_channel_write(front_channel *c, const void *p, size_t n) ES_MUST_USE;
/* Sees to it that everything is sent, whatever the client asks meanwhile. */
entrasql_status front_channel_flush(front_channel *c) ES_MUST_USE;

/* An engine_interrupt: an attention waits, the client is gone, or the front stops. */
bool front_channel_interrupted(void *channel);
/* Uses up an attention that waits; false when there is none. */
bool front_channel_take_attention(front_channel *c);
/* What interrupted it. */
entrasql_status front_channel_stop_reason(const front_channel *c);

/* ---- what both kinds stand on ---- */

/* Sleeps until the stream can go on, stop_fd is readable (*ret_stopped), or it is time. */
entrasql_status front_stream_sleep(const relay_stream *stream, int stop_fd, bool want_read,
                                   int64_t until_ms, bool *ret_stopped,
                                   entrasql_error *err) ES_MUST_USE;
/* An attention begins these bytes: always one packet without a body. */
bool front_is_attention(const uint8_t *p, size_t n);
bool front_is_whole_attention(const uint8_t *p, size_t n);

/* ---- a connection without MARS: whole messages in, bytes out, blocking ---- */

typedef struct front_wire {
    front_channel channel; /* first */
    relay_stream *stream;  /* owned */
    int stop_fd;           /* readable: the front stops, and it stays so; borrowed */
    es_buf pending;        /* received and not yet used */
    int64_t next_look_ms;  /* when the connection is looked at again while a statement runs */
} front_wire;

/* Takes the stream. */
void front_wire_init(front_wire *w, relay_stream *stream, int stop_fd);
void front_wire_done(front_wire *w);

/*
 * Waits until *in is complete. CLOSED: the client left between two messages.
 * CANCELLED: the front stops. Else what is wrong with the client's bytes.
 */
entrasql_status front_wire_read(front_wire *w, tds_assembler *in, entrasql_error *err) ES_MUST_USE;

#endif
