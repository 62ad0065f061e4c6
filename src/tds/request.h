/* SPDX-License-Identifier: MIT */
/*
 * Client requests ([MS-TDS] 2.2.6.6, 2.2.6.7, 2.2.6.9) with their ALL_HEADERS,
 * parsed and built: SQL batch, RPC with one or more calls, transaction manager
 * request. TDS 7.2 and later.
 *
 * Parsed forms own their memory, but for the `raw` fields, which point into
 * the message. Errors blame the peer: MALFORMED, TRUNCATED, LIMIT; UNSUPPORTED
 * for what is well known and not served.
 */
#ifndef TDS_REQUEST_H
#define TDS_REQUEST_H

#include "tds/proto.h"
#include "tds/types.h"

#define TDS_PARAMS_MAX 2100U /* parameters of one call */
#define TDS_CALLS_MAX 10000U /* calls of one RPC message */

typedef struct tds_headers {
    bool has_transaction;
    uint64_t transaction; /* descriptor from ENVCHANGE 8; 0: none */
    uint32_t outstanding; /* requests under way; 1 without MARS */
} tds_headers;

entrasql_status tds_headers_add(es_buf *out, uint64_t transaction) ES_MUST_USE;
entrasql_status tds_headers_read(es_reader *r, tds_headers *ret, entrasql_error *err) ES_MUST_USE;

/* ---- SQL batch ---- */

typedef struct tds_batch {
    tds_headers headers;
    char *text; /* UTF-8, NUL-terminated; owned */
    size_t len;
} tds_batch;

entrasql_status tds_batch_build(const char *text, size_t n, uint64_t transaction,
                                es_buf *out) ES_MUST_USE;
entrasql_status tds_batch_parse(const uint8_t *p, size_t n, tds_batch *ret,
                                entrasql_error *err) ES_MUST_USE;
void tds_batch_done(tds_batch *b);

/* ---- RPC ---- */

#define TDS_PARAM_OUTPUT 0x01U
#define TDS_PARAM_DEFAULT 0x02U
#define TDS_PARAM_ENCRYPTED 0x08U

#define TDS_RPC_RECOMPILE 0x0001U
#define TDS_RPC_NO_METADATA 0x0002U
#define TDS_RPC_REUSE_METADATA 0x0004U

typedef struct tds_param {
    char *name; /* with '@', "" when unnamed */
    uint8_t status;
    tds_type type;
    sqlvalue value;
    const uint8_t *raw; /* parsed: the value's bytes on the wire, in the message */
    size_t raw_len;
} tds_param;

typedef struct tds_call {
    char *name;       /* NULL when called by number */
    uint16_t proc_id; /* 1-15 when name is NULL */
    uint16_t options;
    tds_param *params;
    size_t param_count;
    uint8_t separator; /* the byte after the call: 0xFF, 0x80, 0xFE, or 0 at the end */
} tds_call;

typedef struct tds_rpc {
    tds_headers headers;
    tds_call *calls; /* at least one */
    size_t call_count;
} tds_rpc;

/* value_limit: most bytes of one parameter value. */
entrasql_status tds_rpc_parse(const uint8_t *p, size_t n, size_t value_limit, tds_rpc *ret,
                              entrasql_error *err) ES_MUST_USE;
void tds_rpc_done(tds_rpc *r);
/* Writes headers.transaction; raw fields are not used. */
entrasql_status tds_rpc_build(const tds_rpc *rpc, es_buf *out) ES_MUST_USE;
/* "sp_executesql" for 10; NULL for a number that does not exist. Static storage. */
const char *tds_proc_name(uint16_t proc_id);

/* ---- transaction manager ---- */

typedef struct tds_tm {
    tds_headers headers;
    uint16_t request;   /* tds_tm_id */
    uint8_t isolation;  /* begin, and begin_again: 0 leave, 1 RU, 2 RC, 3 RR, 4 SER, 5 SNAPSHOT */
    char *name;         /* of the transaction or savepoint, "" for none; owned */
    bool begin_again;   /* commit and rollback: fBeginXact */
    char *begin_name;   /* of the transaction that begins then; owned */
    const uint8_t *raw; /* the payload after the type, in the message */
    size_t raw_len;
} tds_tm;

/* UNSUPPORTED for the requests of distributed transactions. */
entrasql_status tds_tm_parse(const uint8_t *p, size_t n, tds_tm *ret,
                             entrasql_error *err) ES_MUST_USE;
void tds_tm_done(tds_tm *t);
entrasql_status tds_tm_build(const tds_tm *t, es_buf *out) ES_MUST_USE;

#endif
