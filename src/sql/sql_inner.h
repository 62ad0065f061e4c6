/* SPDX-License-Identifier: MIT */
/* The connection of the internal client; shared by its files and its tests. */
#ifndef SQL_SQL_INNER_H
#define SQL_SQL_INNER_H

#include "sql/sql.h"
#include "tds/packet.h"
#include "tds/row.h"

#define SQL_VALUE_LIMIT ((size_t)256 * 1024 * 1024)
#define SQL_ATTENTION_WAIT_MS 5000 /* as drivers wait for the answer to an ATTENTION */

struct sql_conn {
    relay_session session;
    tds_assembler packets;
    tds_reply *reply;
    uint64_t transaction; /* descriptor of the open transaction; 0: none */
    bool is_dead;         /* the connection cannot be used any more */
    int cancel_read;      /* a pipe: sql_cancel() writes, the batch reads */
    int cancel_write;
};

/* Takes the session over, on success only. */
entrasql_status sql_conn_new(relay_session *session, sql_conn **ret,
                             entrasql_error *err) ES_MUST_USE;
/* The LOGIN7 that sql_open() sends, but for what the login itself fills in. */
entrasql_status sql_login_template(const sql_open_options *options, tds_login7 *ret,
                                   entrasql_error *err) ES_MUST_USE;

#endif
