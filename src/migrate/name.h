/* SPDX-License-Identifier: MIT */
/*
 * Names of database principals in T-SQL that is built here: which are
 * possible at all, and how they are quoted so that no name can say more than
 * itself. Pure.
 *
 * The rules are those of CREATE USER: 1 to 128 UTF-16 code units, no control
 * characters, no backslash for Entra principals (33169), and no ':' or '&',
 * which its page calls unsupported.
 */
#ifndef MIGRATE_NAME_H
#define MIGRATE_NAME_H

#include "base/buf.h"
#include "base/error.h"

#define MIGRATE_NAME_MAX_UNITS 128
#define MIGRATE_NAME_MAX_BYTES (3 * MIGRATE_NAME_MAX_UNITS) /* UTF-8 of that many units */

/* INVALID, saying what is wrong with it. `what` begins the message: "the user name". */
entrasql_status migrate_name_check(const char *what, const char *name,
                                   entrasql_error *err) ES_MUST_USE;
/* The further rules for the name of an Entra user that CREATE USER is given. */
entrasql_status migrate_name_check_external(const char *name, entrasql_error *err) ES_MUST_USE;

/* [name], with ']' doubled. The name was checked. */
entrasql_status migrate_add_identifier(es_buf *sql, const char *name) ES_MUST_USE;
/* N'text', with quotes doubled. */
entrasql_status migrate_add_text(es_buf *sql, const char *text) ES_MUST_USE;
/* 0x and the digits. */
entrasql_status migrate_add_binary(es_buf *sql, const uint8_t *p, size_t n) ES_MUST_USE;

#endif
