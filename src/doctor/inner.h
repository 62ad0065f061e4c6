/* SPDX-License-Identifier: MIT */
/* What the links share. Private to doctor. */
#ifndef DOCTOR_INNER_H
#define DOCTOR_INNER_H

#include "doctor/doctor.h"
#include "identity/claims.h"
#include "os/resolve.h"
#include "sql/sql.h"

#define DOCTOR_MAX_TOKENS 12

/* A credential that gave a token. */
typedef struct doctor_token {
    entrasql_credential *credential;
    identity_claims claims;
    bool is_jwt; /* its claims could be read */
} doctor_token;

typedef struct doctor {
    const doctor_options *options;
    doctor_report *report;
    int64_t deadline_ms;
    conf_connstr list; /* the string in ODBC's words */
    conf_target target;
    bool by_token; /* false: the string has a SQL login */

    os_address addresses[OS_RESOLVE_MAX];
    size_t address_count;
    bool reaches_server;    /* TCP works */
    bool speaks_tds;        /* PRELOGIN was answered */
    bool is_encrypted;      /* TLS was verified */
    char server_tenant[64]; /* from the server's own words; "": not known */

    doctor_token tokens[DOCTOR_MAX_TOKENS]; /* the first is the one that programs here get */
    size_t token_count;
    bool token_is_good; /* its claims have nothing against a login */
    sql_conn *conn;     /* logged in; NULL: not */
    void *library;      /* of the ODBC driver; stays open: drivers have threads and exit handlers */
} doctor;

/* Milliseconds left, at most `most`. */
uint32_t doctor_time(const doctor *d, uint32_t most);

/* Adds a line. id NULL: nothing is wrong; else the fix comes from the table. */
doctor_line *doctor_add(doctor *d, const char *link, doctor_state state, const char *id,
                        const char *fmt, ...) ES_PRINTF(5, 6);
void doctor_evidence(doctor_line *line, const char *fmt, ...) ES_PRINTF(2, 3);
void doctor_fix(doctor_line *line, const char *fmt, ...) ES_PRINTF(2, 3);
bool doctor_contains(const char *text, const char *piece); /* ASCII case ignored; NULL: no */

/* The links, in their order. */
void doctor_environment(doctor *d);
void doctor_name(doctor *d);
void doctor_tcp(doctor *d);
void doctor_proxy(doctor *d);
void doctor_wire(doctor *d); /* PRELOGIN and TLS */
void doctor_credentials(doctor *d);
void doctor_claims(doctor *d);
void doctor_login(doctor *d);
void doctor_rights(doctor *d);
void doctor_driver(doctor *d);
void doctor_settings(doctor *d);

/* The user in the database by somebody else's eyes, when the login was refused: the id of the
   diagnosis, with the line's evidence set; NULL when nobody could look. */
const char *doctor_second_look(doctor *d, char *evidence, size_t size);

/* ---- queries ---- */

typedef void doctor_row(void *ctx, const sqlvalue *values, size_t count);
entrasql_status doctor_query(const doctor *d, sql_conn *conn, const char *sql, doctor_row *row,
                             void *ctx, entrasql_error *err) ES_MUST_USE;
/* The text of a column; "" for NULL and other kinds. Cut to size. */
void doctor_text(const sqlvalue *values, size_t count, size_t at, char *ret, size_t size);
entrasql_status doctor_open(const doctor *d, entrasql_credential *credential, sql_conn **ret,
                            entrasql_error *err) ES_MUST_USE;

#endif
