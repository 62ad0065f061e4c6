/* SPDX-License-Identifier: MIT */
/*
 * The borders of requests and replies in a relayed session, read from the
 * packet headers of both ways ([MS-TDS] 2.2.3.1), and what the replies say of
 * the session without their rows being read: transaction, reset, fatal errors.
 * The one place that knows when a session is between two requests; whatever
 * pools or multiplexes sessions asks here and nowhere else.
 *
 * It is shown every byte that goes up to the server and comes down from it,
 * in any pieces, keeps none of them, changes none, and needs no memory of its
 * own. Payload is looked at in two places only: the tokens at the beginning of
 * a reply, up to the first whose length depends on column metadata, and the
 * DONE at its very end. What cannot be understood makes the borders `lost`; the
 * bytes are still the receiver's to judge.
 *
 * One of them for one server connection, from the end of its login on; one
 * thread at a time.
 */
#ifndef RELAY_BORDER_H
#define RELAY_BORDER_H

#include "tds/proto.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Packets of one way. */
typedef struct relay_border_way {
    uint8_t head[8];
    uint8_t head_len;
    bool in_message; /* a packet of it has begun, its last byte has not been seen */
    bool is_last;    /* the current packet bears EOM */
    uint8_t type;    /* of the current packet */
    uint32_t payload_left;
} relay_border_way;

typedef enum relay_transaction {
    RELAY_TRANSACTION_NONE,
    RELAY_TRANSACTION_OPEN,   /* and its descriptor is known */
    RELAY_TRANSACTION_UNKNOWN /* open without a known descriptor, or distributed */
} relay_transaction;

/* Why a session must not be used again by somebody else. */
typedef enum relay_pin {
    RELAY_PIN_NONE,        /* a reset may bring it back */
    RELAY_PIN_LOST,        /* a protocol that is not understood */
    RELAY_PIN_PARTIAL,     /* a request half sent, or a reply half read or not come */
    RELAY_PIN_BULK,        /* the same of a bulk load */
    RELAY_PIN_ATTENTION,   /* a cancel was not answered */
    RELAY_PIN_FATAL,       /* the server sent an error of class 20 or more */
    RELAY_PIN_STATE,       /* SESSIONSTATE says that it cannot be recovered */
    RELAY_PIN_TRANSACTION, /* one is open and its descriptor is not known, or it is distributed */
    RELAY_PIN_MARS,        /* its requests are not followed */
} relay_pin;

/* Zeroed: a session that has just logged in. */
typedef struct relay_border {
    relay_border_way up;
    relay_border_way down;
    uint32_t requests;   /* sent completely and not answered completely */
    uint32_t attentions; /* sent and not acknowledged */
    relay_transaction transaction;
    uint64_t descriptor; /* of the open transaction (ENVCHANGE 8) */
    bool is_bulk;        /* the latest request is a bulk load */
    bool lost;           /* SMP (MARS), a broken header, or something out of turn */
    bool mars;           /* and it is the first of these */
    bool fatal;          /* an error of class 20 or more */
    bool failed;         /* the latest complete reply ended with an error */
    bool unrecoverable;  /* SESSIONSTATE says so */
    bool was_reset;      /* ENVCHANGE 18 since relay_border_expect_reset() */
    /* inner: the tokens at a reply's beginning */
    bool walking;
    uint8_t token;
    uint8_t taken; /* bytes of `lead` so far */
    uint8_t wanted;
    uint8_t lead[20]; /* length and beginning of the current token */
    uint32_t skip;
    /* inner: the last bytes of the current reply */
    uint8_t tail[13];
    uint8_t tail_len;
} relay_border;

/* Bytes from the client that go to the server. */
void relay_border_up(relay_border *b, const void *p, size_t n);
/* Bytes from the server that go to the client. */
void relay_border_down(relay_border *b, const void *p, size_t n);

/* Between two requests, nothing half-sent, half-answered or unanswered, and nothing lost. */
bool relay_border_is_idle(const relay_border *b);
/*
 * Not idle, but an attention brings it there, be it one that was sent already ([MS-TDS] 2.2.1.7):
 * one request went up as a whole and its reply, or the acknowledgement, is still to come. Not of
 * a bulk load: what the server keeps of it nobody was told.
 */
bool relay_border_is_cancellable(const relay_border *b);
/* A request has begun and is not whole yet, nor is it a bulk load, whose rows take their time. */
bool relay_border_is_in_request(const relay_border *b);
/* A whole message has just ended on the way down, or none has begun: another may be put in. */
bool relay_border_is_between_replies(const relay_border *b);

relay_pin relay_border_pin(const relay_border *b);
/* "cancel unanswered"; for logs. Static storage. */
const char *relay_pin_name(relay_pin pin);

/* The login agreed on MARS: packets of SMP follow, whose sessions are not looked into. */
void relay_border_set_mars(relay_border *b);

/* Forgets an earlier acknowledgement of a reset. */
void relay_border_expect_reset(relay_border *b);

#endif
