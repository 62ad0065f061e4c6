/* SPDX-License-Identifier: MIT */
/*
 * The doctor: walks the chain from the environment to the rights in the
 * database, link by link, and says of each what was seen, and what mends it.
 *
 * Blocking, on the caller's thread; never longer than the limit. Nothing is
 * changed anywhere. No secret is in a report: no token, no password, no key.
 */
#ifndef DOCTOR_DOCTOR_H
#define DOCTOR_DOCTOR_H

#include "conf/login.h"

#include <entrasql/entrasql.h>

#define DOCTOR_LIMIT_MS 20000
/* Where the string is when nobody says where. */
#define DOCTOR_VARIABLE "AZURE_SQL_CONNECTIONSTRING"

typedef enum doctor_state {
    DOCTOR_OK,
    DOCTOR_WARN,
    DOCTOR_FAIL,
    DOCTOR_NONE /* not looked at, or not in use here */
} doctor_state;

/* One link. Texts hold no control characters. */
typedef struct doctor_line {
    const char *link; /* "environment", "tls" ...; static */
    doctor_state state;
    const char *id; /* of the diagnosis (cases.h); static; NULL when all is well */
    char text[400];
    char evidence[600]; /* "" when the text says it all */
    char fix[ENTRASQL_ERROR_HINT_SIZE];
    uint32_t ms; /* how long it took; 0: not measured */
} doctor_line;

#define DOCTOR_MAX_LINES 48

typedef struct doctor_report {
    doctor_line lines[DOCTOR_MAX_LINES];
    size_t count;
} doctor_report;

typedef struct doctor_options {
    const conf_login *login; /* what the connection string says; borrowed */
    const conf_connstr
        *written;          /* of ODBC: its keywords as written; NULL: another form; borrowed */
    const char *source;    /* where it is from, for the report: "AZURE_SQL_CONNECTIONSTRING" */
    bool is_quoted;        /* it was in quotes, which `login` is without */
    bool is_unresolved;    /* it is a Key Vault reference; `login` is empty */
    const char *client_id; /* of a managed identity; NULL: the string's, AZURE_CLIENT_ID */
    entrasql_credential *credential; /* NULL: every member of DefaultAzureCredential in turn */
    const char *token_file;          /* which credential it is from; NULL: another one */
    const char *ca_file;             /* NULL: SSL_CERT_FILE, else the system's */
    uint32_t limit_ms;               /* 0: DOCTOR_LIMIT_MS */
} doctor_options;

/* CONFIG when the string names no server; else OK, whatever the diagnosis. */
entrasql_status doctor_run(const doctor_options *options, doctor_report *ret,
                           entrasql_error *err) ES_MUST_USE;

/* The class of the first link that failed, ENTRASQL_CLASS_NONE when none did. */
entrasql_error_class doctor_class(const doctor_report *report);
const char *doctor_state_name(doctor_state state); /* "ok", "warn", "fail", "-" */

#endif
