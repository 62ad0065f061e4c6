/* SPDX-License-Identifier: MIT */
/*
 * Requests of clients as lines of text, for records and tests: what came, field
 * by field, without passwords, tokens, SSPI data and nonces. Pure; any thread.
 */
#ifndef TDS_PRINT_H
#define TDS_PRINT_H

#include "base/buf.h"
#include "base/error.h"

/*
 * Appends the decoded form of one complete client message: a first line that
 * begins with "[st=0x01 spid=0] ", further lines indented, a newline at the end
 * of each. What does not parse is shown as its length and why, never as bytes
 * (they could hold a secret). Fails only for want of memory or past the
 * buffer's ceiling.
 */
entrasql_status tds_print_request(uint8_t type, uint8_t status, uint16_t spid, const uint8_t *p,
                                  size_t n, es_buf *out) ES_MUST_USE;

/* Text in quotes with escapes, as the records have it: 'it', "it's", '\n'. */
entrasql_status tds_print_text(const char *s, size_t n, es_buf *out) ES_MUST_USE;

#endif
