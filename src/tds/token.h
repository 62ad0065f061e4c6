/* SPDX-License-Identifier: MIT */
/*
 * Tokens of a reply that are not result sets ([MS-TDS] 2.2.7): LOGINACK,
 * ENVCHANGE, INFO, ERROR, DONE and its kin, FEATUREEXTACK, RETURNSTATUS; both
 * directions. Rows, columns and RETURNVALUE are in row.h.
 *
 * Layouts are those of TDS 7.2 and later. Builders append to a buffer and take
 * UTF-8. A parsed token borrows the message it was read from, unless its type
 * has a done() call.
 */
#ifndef TDS_TOKEN_H
#define TDS_TOKEN_H

#include "base/buf.h"
#include "base/error.h"
#include "base/reader.h"
#include "tds/proto.h"

/* One token: its id and the bytes after the id and the length field, if it has one. */
typedef struct tds_token {
    uint8_t id;
    es_reader body;
    const uint8_t *start; /* the id byte */
    size_t bytes;         /* of the whole token from start */
} tds_token;

/*
 * The next token of r. Knows every token whose length can be told without
 * column metadata; ROW, COLMETADATA, RETURNVALUE and unknown ids are MALFORMED.
 */
entrasql_status tds_token_next(es_reader *r, tds_token *ret, entrasql_error *err) ES_MUST_USE;
/* "ENVCHANGE" for 0xE3. Static storage. */
const char *tds_token_name(uint8_t id);

/* ---- INFO and ERROR ---- */

typedef struct tds_message {
    uint32_t number;
    uint8_t state;
    uint8_t severity; /* "class": above 10 it is an ERROR */
    char *text;       /* parsed: owned, UTF-8, never NULL; building: borrowed */
    char *server;
    char *procedure;
    uint32_t line;
} tds_message;

void tds_message_done(tds_message *m); /* parsed messages only */
entrasql_status tds_message_parse(const tds_token *t, tds_message *ret,
                                  entrasql_error *err) ES_MUST_USE;
/* INFO or ERROR by severity. NULL strings count as ""; a text too long for the token is cut. */
entrasql_status tds_message_add(es_buf *out, uint32_t number, uint8_t state, uint8_t severity,
                                const char *text, const char *server, const char *procedure,
                                uint32_t line) ES_MUST_USE;

/* ---- DONE, DONEPROC, DONEINPROC ---- */

#define TDS_DONE_BYTES 13U

typedef struct tds_done {
    uint8_t id;
    uint16_t status;
    uint16_t command;
    uint64_t rows;
} tds_done;

entrasql_status tds_done_parse(const tds_token *t, tds_done *ret, entrasql_error *err) ES_MUST_USE;
entrasql_status tds_done_add(es_buf *out, tds_token_id id, uint16_t status, uint16_t command,
                             uint64_t rows) ES_MUST_USE;
entrasql_status tds_return_status_add(es_buf *out, int32_t status) ES_MUST_USE;

/* ---- LOGINACK ---- */

typedef struct tds_loginack {
    uint32_t tds_version; /* as in LOGIN7: 0x74000004 */
    uint8_t interface;
    char program[256]; /* UTF-8 */
    uint8_t major;
    uint8_t minor;
    uint16_t build;
} tds_loginack;

entrasql_status tds_loginack_parse(const tds_token *t, tds_loginack *ret,
                                   entrasql_error *err) ES_MUST_USE;
entrasql_status tds_loginack_add(es_buf *out, uint32_t tds_version) ES_MUST_USE;

/* ---- ENVCHANGE ---- */

typedef struct tds_envchange {
    uint8_t type;
    es_reader new_value; /* bytes; UTF-16LE for the text types; routing: the server name */
    es_reader old_value;
    uint16_t port; /* routing */
} tds_envchange;

/* Types that are not known come back with both values empty. */
entrasql_status tds_envchange_parse(const tds_token *t, tds_envchange *ret,
                                    entrasql_error *err) ES_MUST_USE;
/* Types 1, 2, 4: text. NULL counts as "". */
entrasql_status tds_envchange_add_text(es_buf *out, tds_env_type type, const char *new_text,
                                       const char *old_text) ES_MUST_USE;
/* Types 7 to 12, 17, 18: bytes, at most 255. */
entrasql_status tds_envchange_add_bytes(es_buf *out, tds_env_type type, const void *new_bytes,
                                        size_t new_len, const void *old_bytes,
                                        size_t old_len) ES_MUST_USE;
/* Types 8 (id is the new value), 9, 10, 17 (id is the old value). */
entrasql_status tds_envchange_add_transaction(es_buf *out, tds_env_type type,
                                              uint64_t id) ES_MUST_USE;
entrasql_status tds_envchange_add_routing(es_buf *out, const char *host, uint16_t port) ES_MUST_USE;

/* SQL_Latin1_General_CP1_CI_AS as the five bytes of the wire. */
extern const uint8_t tds_default_collation[5];

/* ---- FEATUREEXTACK ---- */

typedef struct tds_feature_ack {
    uint8_t id;
    es_reader data;
} tds_feature_ack;

/* Walks t->body: NOT_FOUND at the terminator (no error text is written then). */
entrasql_status tds_feature_ack_next(es_reader *r, tds_feature_ack *ret,
                                     entrasql_error *err) ES_MUST_USE;

#endif
