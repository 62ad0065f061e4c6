/* SPDX-License-Identifier: MIT */
/*
 * A small blocking TDS client for checkers and benches, on the engines of src/tds: in
 * clear, or through TLS with OpenSSL on the socket itself, so that it costs as little as a
 * client can: TLS first (strict, TDS 8.0), or with its handshake inside PRELOGIN (TDS 7.4).
 *
 * A connection belongs to one thread. A failure leaves it fit for wire_close() only,
 * but for SQL errors, which are part of an answer.
 */
#ifndef WIRE_WIRE_H
#define WIRE_WIRE_H

#include "base/error.h"
#include "tds/row.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct wire_tls wire_tls; /* shared by connections; any thread */

typedef struct wire_options {
    uint16_t port;     /* on 127.0.0.1 */
    wire_tls *tls;     /* NULL: in clear */
    bool tls_in_login; /* TDS 7.4 instead of strict */
    const char *user;
    const char *password;
    const char *token; /* FEDAUTH instead of user and password; needs TLS */
    const char *database;
    const char *language;
    const char *app_name;
    uint32_t packet_size; /* 0: 4096 */
    uint32_t timeout_ms;  /* of each wait for the peer; 0: 30 s */
} wire_options;

typedef struct wire wire;

/* Trusts the file's certificates; the server is "localhost". */
entrasql_status wire_tls_new(const char *ca_file, wire_tls **ret, entrasql_error *err) ES_MUST_USE;
void wire_tls_free(wire_tls *t);

entrasql_status wire_open(const wire_options *o, wire **ret, entrasql_error *err) ES_MUST_USE;
/* Closes at once, wherever it is. NULL allowed. */
void wire_close(wire *w);
/* The same, and the peer gets a reset instead of an end. */
void wire_abort(wire *w);
int wire_fd(const wire *w);
bool wire_in_transaction(const wire *w);

/* A whole batch; `reset` sets RESETCONNECTION. */
entrasql_status wire_send(wire *w, const char *text, bool reset, entrasql_error *err) ES_MUST_USE;
/* The first n bytes of the batch's packets: a client that goes away in the middle. */
entrasql_status wire_send_part(wire *w, const char *text, size_t n,
                               entrasql_error *err) ES_MUST_USE;
entrasql_status wire_attention(wire *w, entrasql_error *err) ES_MUST_USE;

#define WIRE_VALUES 16
#define WIRE_TEXT 128

typedef struct wire_value {
    bool is_null;
    int64_t i;            /* integers */
    char text[WIRE_TEXT]; /* strings, cut */
} wire_value;

/* What came back: the last row's values, the first error, and counts of everything. */
typedef struct wire_answer {
    wire_value values[WIRE_VALUES];
    size_t value_count;
    uint64_t rows;
    uint64_t bytes; /* with packet headers */
    uint32_t error; /* number of the first error; 0: none */
    uint8_t severity;
    char error_text[WIRE_TEXT];
    bool reset_seen;     /* ENVCHANGE 18 */
    bool attention_seen; /* DONE with ATTN */
    uint64_t checksum;   /* over the text of all rows' string columns */
} wire_answer;

/* Called for each row of wire_read(), which then also fills values. NULL: nobody wants them. */
void wire_on_row(wire *w, void (*fn)(void *ctx, const wire_answer *a), void *ctx);

/* One reply message. */
entrasql_status wire_read(wire *w, wire_answer *ret, entrasql_error *err) ES_MUST_USE;
/* The same by its packet headers only; nothing is taken apart. */
entrasql_status wire_skip(wire *w, uint64_t *ret_bytes, entrasql_error *err) ES_MUST_USE;
/* Takes n bytes of a reply off the connection, or all of it where it is shorter. */
entrasql_status wire_nibble(wire *w, size_t n, entrasql_error *err) ES_MUST_USE;
/* send and read. */
entrasql_status wire_run(wire *w, const char *text, wire_answer *ret,
                         entrasql_error *err) ES_MUST_USE;

#endif
