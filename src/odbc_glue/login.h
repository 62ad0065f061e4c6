/* SPDX-License-Identifier: MIT */
/*
 * Making a connection: the part that the library's face (a handle of the
 * driver manager) and the driver's face (a handle of the driver underneath)
 * share. The string is merged with its data source, the sign-in it asks for
 * becomes a token, and the token reaches the server in one of two ways:
 * attribute 1256 of Microsoft's driver, or the tunnel.
 *
 * A refusal that goes away by itself is tried again, with growing pauses.
 */
#ifndef ODBC_GLUE_LOGIN_H
#define ODBC_GLUE_LOGIN_H

#include "odbc_glue/auth.h"
#include "odbc_glue/calls.h"
#include "odbc_glue/rewrite.h"

#include <stdbool.h>

#define GLUE_LOGIN_TIMEOUT_MS 30000
#define GLUE_PERSON_TIMEOUT_MS 300000
#define GLUE_FIRST_PAUSE_MS 5000
#define GLUE_LONGEST_PAUSE_MS 60000
/* How long a paused serverless database may take to wake up, unless a timeout was set. */
#define GLUE_RESUME_MS 120000

typedef struct glue_login_options {
    const glue_calls *calls;
    SQLHDBC dbc;
    entrasql_credential *credential; /* NULL: the one that the string asks for */
    /* The driver that dbc belongs to; NULL: dbc is a driver manager's, and the string names it. */
    const glue_driver *driver;
    bool narrow; /* text that is ASCII goes through the driver's ANSI call, if it has one */
    const char *ca_file;
    uint32_t login_timeout_ms; /* 0: the string's, else a default */
    uint32_t total_timeout_ms; /* 0: the login timeout, or longer while a database resumes */
    uint32_t first_pause_ms;   /* 0: GLUE_FIRST_PAUSE_MS */
    glue_prompt prompt;
    glue_warning warning;
} glue_login_options;

/* What became of it; zeroed by the caller. */
typedef struct glue_login_result {
    /* After a failure: the driver gave the reason, and the handle still has its records. */
    bool failed_in_driver;
    bool with_info;                  /* after a success: the handle has records */
    entrasql_credential *credential; /* whose token it was; referenced; NULL for none */
    char *host;                      /* of the server; owned */
} glue_login_result;

void glue_login_result_done(glue_login_result *r);

/*
 * Connects. `merged` is the string with its data sources (glue_dsn_merge), and
 * is changed; `written` is as the caller wrote it. Errors as entrasql_odbc_connect().
 */
entrasql_status glue_login(const glue_login_options *options, const conf_connstr *written,
                           conf_connstr *merged, glue_login_result *ret,
                           entrasql_error *err) ES_MUST_USE;

#endif
