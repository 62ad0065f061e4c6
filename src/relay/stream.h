/* SPDX-License-Identifier: MIT */
/*
 * A non-blocking byte stream over a socket, with or without TLS. Owned by one
 * thread at a time. Takes over the descriptor and closes it.
 */
#ifndef RELAY_STREAM_H
#define RELAY_STREAM_H

#include "os/wait.h"
#include "tls/tls.h"

typedef struct relay_stream relay_stream;

/*
 * Memory that the streams of one thread use one after the other while bytes are on
 * their way through; nothing stays in it between two calls, so that a stream
 * costs no buffer of its own. Made and freed by whoever runs the thread.
 */
typedef struct relay_scratch {
    uint8_t *plain;  /* size bytes: what a stream's owner reads into */
    uint8_t *cipher; /* cipher_size bytes: what TLS reads from */
    size_t size;
    size_t cipher_size;
    es_buf out; /* what TLS writes; keeps its memory */
} relay_scratch;

/* size: 32 KiB or more. */
entrasql_status relay_scratch_new(size_t size, relay_scratch **ret) ES_MUST_USE;
void relay_scratch_free(relay_scratch *s); /* wipes; NULL allowed */

/* fd: connected, non-blocking. tls may be NULL. Both are the stream's on success only. */
entrasql_status relay_stream_new(int fd, tls_conn *tls, relay_stream **ret) ES_MUST_USE;
void relay_stream_free(relay_stream *s);
/* Instead of memory of its own; outlives the stream. */
void relay_stream_use_scratch(relay_stream *s, relay_scratch *scratch);
int relay_stream_fd(const relay_stream *s);

/* Up to n bytes. AGAIN: nothing there now. CLOSED: orderly end. NETWORK: reset. */
entrasql_status relay_stream_read(relay_stream *s, void *p, size_t n, size_t *ret_n,
                                  entrasql_error *err) ES_MUST_USE;
/* Whether the latest read took all that the socket had; what came since raises an event. */
bool relay_stream_is_drained(const relay_stream *s);
/* Queues all n bytes and sends what the socket takes; LIMIT when too much is queued (1 MiB + n). */
entrasql_status relay_stream_write(relay_stream *s, const void *p, size_t n,
                                   entrasql_error *err) ES_MUST_USE;
/* Sends queued bytes: AGAIN while some are left. */
entrasql_status relay_stream_flush(relay_stream *s, entrasql_error *err) ES_MUST_USE;
size_t relay_stream_queued(const relay_stream *s);
/* How many bytes the socket has taken so far, TLS's own included. */
uint64_t relay_stream_sent(const relay_stream *s);
/* Gives bytes back: read() delivers them before anything else. */
entrasql_status relay_stream_push_back(relay_stream *s, const void *p, size_t n) ES_MUST_USE;
/* Adds the descriptor: POLLIN if want_read, POLLOUT while bytes are queued. Who wants to read bytes
   that are here already (given back, or held by TLS) does not wait. */
entrasql_status relay_stream_wants(const relay_stream *s, bool want_read, os_wait *w) ES_MUST_USE;
/* The last peer-visible act: close_notify where TLS runs, then shutdown for writing. */
void relay_stream_shutdown(relay_stream *s);
/* Drops TLS after a login-only encryption; returns clear bytes already received through read(). */
entrasql_status relay_stream_end_tls(relay_stream *s, entrasql_error *err) ES_MUST_USE;
/* Starts TLS on a clear stream (tls is the stream's on success; early: bytes that were read already
   and belong to TLS); then step relay_stream_handshake(). */
entrasql_status relay_stream_start_tls(relay_stream *s, tls_conn *tls, const void *early, size_t n,
                                       entrasql_error *err) ES_MUST_USE;
entrasql_status relay_stream_handshake(relay_stream *s, entrasql_error *err) ES_MUST_USE;
const tls_conn *relay_stream_tls(const relay_stream *s); /* NULL in clear */

#endif
