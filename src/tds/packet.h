/* SPDX-License-Identifier: MIT */
/*
 * The packet layer ([MS-TDS] 2.2.3): the 8-byte header, putting a message
 * together out of packets that arrive in any pieces, and cutting a message
 * into packets of the negotiated size. No I/O.
 *
 * An assembler or a splitter belongs to one thread at a time. Errors blame the
 * peer: MALFORMED for a broken header, LIMIT for a message past the ceiling.
 */
#ifndef TDS_PACKET_H
#define TDS_PACKET_H

#include "base/buf.h"
#include "base/error.h"
#include "tds/proto.h"

#define TDS_PACKET_HEADER_BYTES 8U
#define TDS_PACKET_SIZE_MIN 512U
#define TDS_PACKET_SIZE_DEFAULT 4096U /* before negotiation, and when 0 was asked for */
#define TDS_PACKET_SIZE_MAX 32767U
#define TDS_PACKET_SIZE_MAX_TLS 16383U /* one packet fits into one TLS record */

typedef struct tds_packet_header {
    uint8_t type;
    uint8_t status;
    uint16_t length; /* with the header: 8 to 65535 */
    uint16_t spid;
    uint8_t packet_id;
    uint8_t window;
} tds_packet_header;

/* MALFORMED for a length below 8. */
entrasql_status tds_packet_header_parse(const uint8_t p[TDS_PACKET_HEADER_BYTES],
                                        tds_packet_header *ret, entrasql_error *err) ES_MUST_USE;

/* "LOGIN7" for 0x10; "unknown" for a type that does not exist. Static storage. */
const char *tds_packet_type_name(uint8_t type);

/* The size that a server grants: (requested or 4096, at most max) rounded down to 4, at least 512.
 */
uint32_t tds_packet_size_grant(uint32_t requested, uint32_t max);

/* ---- messages out of packets ---- */

/* Bit for a packet type in an accept mask. Types above 0x1F do not exist. */
#define TDS_ACCEPT(type) (1U << ((unsigned)(type)&0x1FU))
#define TDS_ACCEPT_REQUESTS                                                                        \
    (TDS_ACCEPT(TDS_PACKET_BATCH) | TDS_ACCEPT(TDS_PACKET_RPC) |                                   \
     TDS_ACCEPT(TDS_PACKET_ATTENTION) | TDS_ACCEPT(TDS_PACKET_BULK) | TDS_ACCEPT(TDS_PACKET_TM))

typedef struct tds_assembler {
    es_buf body;     /* of the message so far; valid until tds_assembler_next() */
    uint32_t accept; /* which types may start a message; checked at the header */
    uint8_t type;    /* of the message, once its first header is in */
    uint8_t status;  /* status bits of its first packet and of its last, together */
    uint16_t spid;   /* of the last packet */
    bool started;    /* the first header is in */
    bool complete;   /* the last packet is in */
    /* inner: */
    uint8_t head[TDS_PACKET_HEADER_BYTES];
    size_t head_len;
    size_t packet_left; /* payload bytes of the current packet still to come */
    bool last_packet;
} tds_assembler;

/* limit: most body bytes of one message. wipe: the body may hold secrets. */
void tds_assembler_init(tds_assembler *a, size_t limit, bool wipe, uint32_t accept);
void tds_assembler_done(tds_assembler *a);

/*
 * Takes bytes up to the end of the message; *ret_used says how many. When
 * a->complete is set, the rest stays untouched for what follows. A failure is
 * final for the connection. Calling it on a complete message takes nothing.
 */
entrasql_status tds_assembler_feed(tds_assembler *a, const void *p, size_t n, size_t *ret_used,
                                   entrasql_error *err) ES_MUST_USE;
/* Forgets the complete message and is ready for the next. Memory of a large body is given back. */
void tds_assembler_next(tds_assembler *a);
/* True when the connection may end here without cutting a message. */
bool tds_assembler_is_idle(const tds_assembler *a);

/* ---- packets out of messages ---- */

typedef struct tds_splitter {
    uint8_t type;
    uint8_t first_status; /* RESET bits for the first packet; cleared once sent */
    uint16_t spid;
    uint32_t packet_size;
    uint8_t next_id;
} tds_splitter;

/* packet_size: 512 to 32767. */
void tds_splitter_init(tds_splitter *s, uint8_t type, uint16_t spid, uint32_t packet_size);
/*
 * Moves body bytes into packets at the end of out. last == false: only packets
 * that are full and certainly not the last, the rest stays in body. last ==
 * true: everything, the final packet with EOM (an empty body gives one empty
 * packet).
 */
entrasql_status tds_splitter_move(tds_splitter *s, es_buf *body, bool last,
                                  es_buf *out) ES_MUST_USE;
/*
 * The next packets, at most `most`, of a message whose whole rest is body: *ret_used says how much
 * of it they hold. When that is all of it, the message is over.
 */
entrasql_status tds_splitter_part(tds_splitter *s, const void *body, size_t n, size_t most,
                                  size_t *ret_used, es_buf *out) ES_MUST_USE;
/* Ends a message of which packets are out: the server is to forget it ([MS-TDS] 2.2.3.1.2). */
entrasql_status tds_splitter_give_up(tds_splitter *s, es_buf *out) ES_MUST_USE;

/* A whole message at once. */
entrasql_status tds_packets_write(uint8_t type, uint16_t spid, uint32_t packet_size,
                                  const void *body, size_t n, es_buf *out) ES_MUST_USE;

#endif
