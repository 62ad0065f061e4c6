/* SPDX-License-Identifier: MIT */
/*
 * Text of ODBC's calls. UTF-8 inside; UTF-16 of the W calls; and the charset
 * of the process's locale in the ANSI ones, which in the C locale is taken for
 * UTF-8, as today's programs mean it.
 *
 * Lengths are ODBC's: SQL_NTS, or characters (W) or bytes (ANSI). Texts that
 * are returned are the caller's and freed with es_free_wipe_str: a statement
 * or a connection string may hold a password.
 */
#ifndef ODBC_DRIVER_TEXT_H
#define ODBC_DRIVER_TEXT_H

#include "base/compiler.h"

#include <sql.h>
#include <sqlext.h>
#include <stdbool.h>
#include <stddef.h>

#define DRV_TEXT_MAX_BYTES (256UL * 1024 * 1024)

/* As UTF-8; NULL stays NULL. MALFORMED, LIMIT, NOMEM. */
entrasql_status drv_text_from_wide(const SQLWCHAR *s, SQLINTEGER length, char **ret) ES_MUST_USE;
entrasql_status drv_text_from_ansi(const SQLCHAR *s, SQLINTEGER length, char **ret) ES_MUST_USE;

/* UTF-16, NUL-terminated, for a driver that has W calls only; free with drv_wide_free. */
typedef struct drv_wide {
    SQLWCHAR *text; /* NULL for NULL */
    SQLINTEGER units;
} drv_wide;

entrasql_status drv_wide_from_ansi(const SQLCHAR *s, SQLINTEGER length, drv_wide *ret) ES_MUST_USE;
entrasql_status drv_wide_from_text(const char *utf8, drv_wide *ret) ES_MUST_USE;
void drv_wide_free(drv_wide *w);

/*
 * Writes UTF-8 into a caller's buffer of `size` units (W) or bytes (ANSI),
 * always ended by NUL if there is room for one. *ret_length (may be NULL) is
 * the whole length. True when it did not fit.
 */
bool drv_put_wide(const char *utf8, SQLWCHAR *buffer, size_t size, size_t *ret_length);
bool drv_put_ansi(const char *utf8, SQLCHAR *buffer, size_t size, size_t *ret_length);

#endif
