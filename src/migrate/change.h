/* SPDX-License-Identifier: MIT */
/* What the files about users share. */
#ifndef MIGRATE_CHANGE_H
#define MIGRATE_CHANGE_H

#include "migrate/user.h"

/* Counts a change and says what it is; foreign names are made printable. */
entrasql_status migrate_changes_note(migrate_changes *c, const char *fmt, ...)
    ES_PRINTF(2, 3) ES_MUST_USE;
/* Fills the error for a failure of a buffer; passes others on, which did so. */
entrasql_status migrate_changes_status(entrasql_status status, entrasql_error *err) ES_MUST_USE;
/* CREATE USER ..., without the semicolon. */
entrasql_status migrate_add_create_user(es_buf *sql, const migrate_user *u) ES_MUST_USE;
/* The roles of the spec that `user` lacks (NULL: it has none). */
entrasql_status migrate_add_roles(migrate_changes *c, const migrate_principals *p,
                                  const migrate_user *u, const migrate_principal *user,
                                  entrasql_error *err) ES_MUST_USE;

#endif
