/* SPDX-License-Identifier: MIT */
/* What the files of the printed form share; not for others. */
#ifndef TDS_PRINT_INNER_H
#define TDS_PRINT_INNER_H

#include "tds/print.h"
#include "tds/request.h"

entrasql_status tds_print_hex(const uint8_t *p, size_t n, es_buf *out) ES_MUST_USE;
/* "{txn=4ec,out=1}" */
entrasql_status tds_print_headers(const tds_headers *h, es_buf *out) ES_MUST_USE;
/* A statement in quotes, with the values of PASSWORD = '...' and SECRET = '...' masked. */
entrasql_status tds_print_sql(const char *s, size_t n, es_buf *out) ES_MUST_USE;

/* Whole messages, with the newlines at their ends. */
entrasql_status tds_print_login(const uint8_t *p, size_t n, es_buf *out) ES_MUST_USE;
entrasql_status tds_print_rpc(const uint8_t *p, size_t n, es_buf *out) ES_MUST_USE;

#endif
