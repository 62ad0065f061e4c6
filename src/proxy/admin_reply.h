/* SPDX-License-Identifier: MIT */
/*
 * A reply of the admin database: result sets, messages and their DONE tokens, in one
 * message of at most PROXY_ADMIN_REPLY_MAX bytes. One thread.
 *
 * A failing call has left the reply as it was; LIMIT and NOMEM are the only failures.
 */
#ifndef PROXY_ADMIN_REPLY_H
#define PROXY_ADMIN_REPLY_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>

#define PROXY_ADMIN_REPLY_MAX ((size_t)64 * 1024 * 1024)
#define PROXY_ADMIN_COLUMNS_MAX 40

typedef struct proxy_admin_column {
    const char *name; /* static */
    uint16_t width;   /* most characters of a text; 0: a number (bigint) */
} proxy_admin_column;

typedef struct proxy_admin_reply {
    es_buf body;    /* tokens */
    bool rpc;       /* the statements are those of a call */
    bool failed;    /* an error was told */
    int32_t handle; /* of the statement that the call prepared; 0: none */
    const proxy_admin_column *columns;
    size_t column_count;
    uint64_t rows;    /* of the result set that is open */
    size_t last_done; /* where the status of the last DONE lies; 0: none yet */
    es_buf texts;     /* of the row under way */
} proxy_admin_reply;

void proxy_admin_reply_begin(proxy_admin_reply *r, bool rpc);
void proxy_admin_reply_done(proxy_admin_reply *r); /* frees */

/* A result set begins; the table must stay until the next call of _end. */
entrasql_status proxy_admin_columns(proxy_admin_reply *r, const proxy_admin_column *columns,
                                    size_t count) ES_MUST_USE;

/* One for each column: text for one with a width (NULL: NULL; cut to it, control characters and
   bad UTF-8 become '?'), else the number. */
typedef struct proxy_admin_cell {
    const char *text;
    int64_t number;
    bool is_null; /* a number that is not known */
} proxy_admin_cell;

#define PROXY_TEXT(s) ((proxy_admin_cell){.text = (s)})
#define PROXY_NUMBER(n) ((proxy_admin_cell){.number = (int64_t)(n)})
#define PROXY_NO_NUMBER ((proxy_admin_cell){.is_null = true})

entrasql_status proxy_admin_row(proxy_admin_reply *r, const proxy_admin_cell *cells) ES_MUST_USE;
/* What a command has to say; severity above 10: an error. */
entrasql_status proxy_admin_say(proxy_admin_reply *r, uint32_t number, uint8_t severity,
                                const char *text) ES_MUST_USE;
/* The statement is over. */
entrasql_status proxy_admin_end(proxy_admin_reply *r) ES_MUST_USE;
/* The message is over: RETURNSTATUS, the handle and DONEPROC for a call. */
entrasql_status proxy_admin_finish(proxy_admin_reply *r) ES_MUST_USE;

#endif
