/* SPDX-License-Identifier: MIT */
/*
 * The session multiplex protocol ([MC-SMP]) under MARS ([MS-TDS] 2.2.6.5,
 * option MARS): the side that sessions are opened to. No I/O.
 *
 * After a login whose both sides said MARS, every TDS packet travels in a DATA
 * packet of one session; a session is a stream of requests of its own. Each
 * way of each session has a window: the sender must not pass the sequence
 * number that the receiver has named. What a session's window does not take
 * is held in memory, in order; the owner says how much it lets grow
 * (tds_smp_held()).
 *
 *     tds_smp_feed(m, p, n, err)          whatever came from the peer; a failure is final
 *     for (s = tds_smp_first(m); ...)     tds_smp_received(), tds_smp_consume(), tds_smp_send()
 *     tds_smp_fill(m, max); send tds_smp_output(m) and consume it
 *
 * One thread at a time. Errors blame the peer: MALFORMED for a packet that
 * breaks the protocol, LIMIT for too many sessions or too large a packet.
 */
#ifndef TDS_SMP_H
#define TDS_SMP_H

#include "base/buf.h"
#include "base/error.h"

#define TDS_SMP_FIRST_BYTE 0x53U
#define TDS_SMP_HEADER_BYTES 16U
#define TDS_SMP_WINDOW 4U /* both ways, until the receiver names another ([MC-SMP] 3.1.3) */

typedef enum tds_smp_kind {
    TDS_SMP_SYN = 0x01,
    TDS_SMP_ACK = 0x02,
    TDS_SMP_FIN = 0x04,
    TDS_SMP_DATA = 0x08
} tds_smp_kind;

typedef struct tds_smp_header {
    uint8_t kind;
    uint16_t sid;
    uint32_t length; /* with the header */
    uint32_t seqnum;
    uint32_t window; /* the highest sequence number that the receiver of this may send */
} tds_smp_header;

/* MALFORMED: another first byte, not exactly one flag, a length that does not fit the kind. */
entrasql_status tds_smp_header_parse(const uint8_t p[TDS_SMP_HEADER_BYTES], tds_smp_header *ret,
                                     entrasql_error *err) ES_MUST_USE;
entrasql_status tds_smp_header_add(const tds_smp_header *h, es_buf *out) ES_MUST_USE;

typedef struct tds_smp_options {
    size_t max_sessions; /* open at a time */
    size_t max_payload;  /* of one packet from the peer */
} tds_smp_options;

typedef struct tds_smp tds_smp;
typedef struct tds_smp_session tds_smp_session;

entrasql_status tds_smp_new(const tds_smp_options *options, tds_smp **ret,
                            entrasql_error *err) ES_MUST_USE;
/* With all its sessions. NULL allowed. */
void tds_smp_free(tds_smp *m);

/* Takes all n bytes, in any pieces. */
entrasql_status tds_smp_feed(tds_smp *m, const void *p, size_t n, entrasql_error *err) ES_MUST_USE;
/*
 * Moves held packets to the output as far as windows allow and the output has
 * fewer than max bytes, one of each session in turn. NOMEM.
 */
entrasql_status tds_smp_fill(tds_smp *m, size_t max) ES_MUST_USE;
es_buf *tds_smp_output(tds_smp *m);
/* Bytes that wait for windows, of all sessions. */
size_t tds_smp_held(const tds_smp *m);

/* In the order in which they were opened. */
tds_smp_session *tds_smp_first(const tds_smp *m);
tds_smp_session *tds_smp_next(const tds_smp_session *s);
uint16_t tds_smp_sid(const tds_smp_session *s);
/* Something of the owner's; NULL at first. */
void tds_smp_set_data(tds_smp_session *s, void *data);
void *tds_smp_data(const tds_smp_session *s);

/* Payload that came and was not consumed; valid until the next feed or consume. */
const uint8_t *tds_smp_received(const tds_smp_session *s, size_t *ret_n);
/* When all was consumed the window moves on. NOMEM. */
entrasql_status tds_smp_consume(tds_smp_session *s, size_t n) ES_MUST_USE;
/* One packet's payload, at least a byte; copied. NOMEM. */
entrasql_status tds_smp_send(tds_smp_session *s, const void *p, size_t n) ES_MUST_USE;
size_t tds_smp_session_held(const tds_smp_session *s);

/* The peer sent FIN: it neither sends nor reads any more. The owner ends it. */
bool tds_smp_is_ended(const tds_smp_session *s);
/* Answers FIN, drops what is held, frees. NOMEM: it is freed all the same. */
entrasql_status tds_smp_end(tds_smp_session *s) ES_MUST_USE;

#endif
