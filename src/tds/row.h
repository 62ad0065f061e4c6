/* SPDX-License-Identifier: MIT */
/*
 * Result sets ([MS-TDS] 2.2.7): COLMETADATA, ROW, NBCROW, RETURNVALUE as a
 * server writes them, and the reader with which a client takes a reply apart
 * while it arrives.
 *
 * Writers append whole tokens or nothing. A tds_reply belongs to one thread at
 * a time; what an event shows is lent until the next call.
 */
#ifndef TDS_ROW_H
#define TDS_ROW_H

#include "tds/token.h"
#include "tds/types.h"

#define TDS_COLUMNS_MAX 4096U

/* Column flags ([MS-TDS] 2.2.7.4). */
#define TDS_COLUMN_NULLABLE 0x0001U
#define TDS_COLUMN_CASE_SENSITIVE 0x0002U
#define TDS_COLUMN_READ_WRITE 0x0004U
#define TDS_COLUMN_UNKNOWN_WRITE 0x0008U
#define TDS_COLUMN_IDENTITY 0x0010U
#define TDS_COLUMN_COMPUTED 0x0020U
#define TDS_COLUMN_HIDDEN 0x2000U
#define TDS_COLUMN_KEY 0x4000U

#define TDS_USERTYPE_ROWVERSION 0x50U

#define TDS_TABLE_PARTS 3

typedef struct tds_column {
    const char *name; /* "" for none; at most 255 units are sent */
    /* Writing text, ntext and image: database, schema and table, or NULL for none. */
    const char *table[TDS_TABLE_PARTS];
    tds_type type;
    uint32_t user_type;
    uint16_t flags;
} tds_column;

/* ---- writing ---- */

/* The usual flags and type of a column. */
tds_column tds_column_of(const char *name, sqltype type, bool nullable, bool identity,
                         bool computed);
/* count 0: "no metadata". LIMIT above TDS_COLUMNS_MAX. */
entrasql_status tds_colmetadata_add(es_buf *out, const tds_column *columns,
                                    size_t count) ES_MUST_USE;
/* ROW, which every version knows. Values must have the columns' types (see tds_value_add). */
entrasql_status tds_row_add(es_buf *out, const tds_column *columns, const sqlvalue *values,
                            size_t count) ES_MUST_USE;
/* NBCROW, with a bit a NULL: for clients of TDS 7.3B and later. */
entrasql_status tds_nbc_row_add(es_buf *out, const tds_column *columns, const sqlvalue *values,
                                size_t count) ES_MUST_USE;
/* An output parameter, or the handle of a prepared statement. */
entrasql_status tds_return_value_add(es_buf *out, uint16_t ordinal, const char *name,
                                     const sqlvalue *value) ES_MUST_USE;

/* ---- reading ---- */

typedef struct tds_reply tds_reply;

typedef enum tds_event_kind {
    TDS_EVENT_COLUMNS,       /* columns, count: a result set begins */
    TDS_EVENT_ROW,           /* values, count */
    TDS_EVENT_DONE,          /* done: of any of the three kinds */
    TDS_EVENT_MESSAGE,       /* message: INFO or ERROR */
    TDS_EVENT_ENVCHANGE,     /* env */
    TDS_EVENT_RETURN_STATUS, /* status */
    TDS_EVENT_RETURN_VALUE,  /* ordinal, name, values[0] */
    TDS_EVENT_TOKEN,         /* token: any other token of the login response */
    TDS_EVENT_END            /* the message is over */
} tds_event_kind;

typedef struct tds_event {
    tds_event_kind kind;
    const tds_column *columns;
    const sqlvalue *values;
    size_t count;
    tds_done done;
    const tds_message *message;
    tds_envchange env;
    int32_t status;
    uint16_t ordinal;
    const char *name;
    tds_token token;
} tds_event;

/* value_limit: most bytes of one value; a row or other token may take that and 64 MiB together. */
entrasql_status tds_reply_new(size_t value_limit, tds_reply **ret, entrasql_error *err) ES_MUST_USE;
void tds_reply_free(tds_reply *r);
/* Message bytes (packet headers taken off). last: the final packet of the message. */
entrasql_status tds_reply_feed(tds_reply *r, const void *p, size_t n, bool last,
                               entrasql_error *err) ES_MUST_USE;
/*
 * The next event. AGAIN: feed more. After TDS_EVENT_END the reader is ready
 * for the next message. TRUNCATED: the message ended inside a token.
 */
entrasql_status tds_reply_next(tds_reply *r, tds_event *ret, entrasql_error *err) ES_MUST_USE;

#endif
