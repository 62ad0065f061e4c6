/* SPDX-License-Identifier: MIT */
/*
 * The driver manager's list of drivers (odbcinst.ini): putting our driver in
 * and taking it out. Everything else in the file stays as it was, byte for
 * byte. unixODBC reads the system's file, then ~/.odbcinst.ini.
 */
#ifndef ODBC_GLUE_REGISTRY_H
#define ODBC_GLUE_REGISTRY_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>

typedef enum glue_scope {
    GLUE_SCOPE_SYSTEM, /* ODBCSYSINI and ODBCINSTINI, else /etc/odbcinst.ini */
    GLUE_SCOPE_USER    /* ~/.odbcinst.ini */
} glue_scope;

/* Path of the file; CONFIG without HOME. Free with es_free. */
entrasql_status glue_registry_file(glue_scope scope, char **ret, entrasql_error *err) ES_MUST_USE;

/*
 * Appends `text` with the section replaced by `body` (lines "key=value\n"), or
 * added at the end; body NULL takes the section out. Names are compared without
 * case. *ret_found: it was there. Pure.
 */
entrasql_status glue_registry_edit(const char *text, const char *section, const char *body,
                                   es_buf *out, bool *ret_found) ES_MUST_USE;

/* The same on the file, written under a temporary name and renamed. One that is absent is empty. */
entrasql_status glue_registry_change(const char *file, const char *section, const char *body,
                                     bool *ret_found, entrasql_error *err) ES_MUST_USE;

#endif
