/* SPDX-License-Identifier: MIT */
/*
 * PRELOGIN ([MS-TDS] 2.2.6.5), both directions. The structure owns nothing
 * outside itself. Options that are absent are told apart from options that are
 * there with their zero value.
 */
#ifndef TDS_PRELOGIN_H
#define TDS_PRELOGIN_H

#include "base/buf.h"
#include "base/error.h"
#include "tds/proto.h"

/* More than any client sends; SqlClient reads at most 1024 bytes itself. */
#define TDS_PRELOGIN_MAX_BYTES 4096U
#define TDS_PRELOGIN_TRACEID_BYTES 36U
#define TDS_PRELOGIN_NONCE_BYTES 32U
#define TDS_PRELOGIN_INSTANCE_SIZE 256U

typedef struct tds_prelogin {
    bool has_version; /* every PRELOGIN must have it */
    uint8_t major;
    uint8_t minor;
    uint16_t build;
    uint16_t subbuild;
    bool has_encryption;
    uint8_t encryption;
    bool has_instance;
    uint8_t instance_status;                   /* in an answer: 0 matches, 1 does not */
    char instance[TDS_PRELOGIN_INSTANCE_SIZE]; /* in a request; "" means any */
    bool has_thread_id;                        /* in an answer the option is there without data */
    bool thread_id_is_empty;
    uint32_t thread_id;
    bool has_mars;
    uint8_t mars;
    bool has_trace_id;
    bool trace_id_is_empty;
    uint8_t trace_id[TDS_PRELOGIN_TRACEID_BYTES];
    bool has_fedauth_required;
    uint8_t fedauth_required;
    bool has_nonce;
    uint8_t nonce[TDS_PRELOGIN_NONCE_BYTES];
} tds_prelogin;

typedef enum tds_prelogin_side {
    TDS_PRELOGIN_REQUEST, /* INSTOPT is a name */
    TDS_PRELOGIN_ANSWER   /* INSTOPT is one status byte */
} tds_prelogin_side;

/* The message body, data in the order of the option table. */
entrasql_status tds_prelogin_build(const tds_prelogin *p, tds_prelogin_side side,
                                   es_buf *out) ES_MUST_USE;
/*
 * A whole message body. VERSION must come first and be whole; each option at
 * most once; every offset and length must lie inside the message and behind
 * the table. Unknown options are skipped.
 */
entrasql_status tds_prelogin_parse(const uint8_t *p, size_t n, tds_prelogin_side side,
                                   tds_prelogin *ret, entrasql_error *err) ES_MUST_USE;

/* "ON" for 1, and so on; the client certificate bit is ignored. Static storage. */
const char *tds_encryption_name(uint8_t encryption);

#endif
