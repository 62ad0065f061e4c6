/* SPDX-License-Identifier: MIT */
/*
 * The counted strings of TDS: B_VARCHAR (u8 count of UTF-16 code units) and
 * US_VARCHAR (u16 count), to and from UTF-8.
 *
 * Writers cut a text that is too long for its counter at a character border,
 * and write '?' for bytes that are not UTF-8: a server must be able to report
 * whatever it was told.
 */
#ifndef TDS_VARCHAR_H
#define TDS_VARCHAR_H

#include "base/buf.h"
#include "base/error.h"
#include "base/reader.h"

/* NULL counts as "". */
entrasql_status tds_b_varchar_add(es_buf *out, const char *utf8) ES_MUST_USE;
/* At most max_units code units. */
entrasql_status tds_us_varchar_add(es_buf *out, const char *utf8, size_t max_units) ES_MUST_USE;

/* Lends the UTF-16LE bytes. */
entrasql_status tds_b_varchar_skip(es_reader *r, es_reader *ret) ES_MUST_USE;
entrasql_status tds_us_varchar_skip(es_reader *r, es_reader *ret) ES_MUST_USE;
/* As a new string, cut at an embedded NUL; free with es_free. */
entrasql_status tds_b_varchar_read(es_reader *r, char **ret) ES_MUST_USE;
entrasql_status tds_us_varchar_read(es_reader *r, char **ret) ES_MUST_USE;
/* UTF-16LE bytes as a new string, cut at an embedded NUL. */
entrasql_status tds_utf16_text(const es_reader *r, char **ret) ES_MUST_USE;

#endif
