/* SPDX-License-Identifier: MIT */
/* What the links share. Private to doctor. */
#ifndef DOCTOR_INNER_H
#define DOCTOR_INNER_H

#include "doctor/decide.h"
#include "doctor/doctor.h"
#include "identity/claims.h"
#include "odbc_glue/driver.h"
#include "os/resolve.h"
#include "sql/sql.h"

#define DOCTOR_MAX_TOKENS 12

/* A credential that gave a token. */
typedef struct doctor_token {
    entrasql_credential *credential;
    identity_claims claims;
    bool is_jwt; /* its claims could be read */
} doctor_token;

/* An entrasql proxy between the program and the server. */
typedef struct doctor_front {
    bool is_proxy;
    char version[80];    /* "entrasql proxy 1.0"; "": it keeps this user out of its own database */
    char closed[400];    /* its words then */
    char target[300];    /* where it leads, as it names that; "": not said */
    char principal[140]; /* who it is there, of its first identity */
    char object_id[64];
    char source[80];
    size_t identity_count;
} doctor_front;

typedef struct doctor {
    const doctor_options *options;
    doctor_report *report;
    int64_t deadline_ms;
    conf_connstr list; /* the string in ODBC's words, with its data source's settings */
    conf_login login;  /* the same, in one spelling */
    conf_target target;
    bool by_token;     /* false: the string has a SQL login */
    bool no_trust;     /* the file of trusted certificates is no good */
    bool no_authority; /* AZURE_AUTHORITY_HOST is no good */
    bool no_selection; /* AZURE_TOKEN_CREDENTIALS is no good */

    os_address addresses[OS_RESOLVE_MAX];
    size_t address_count;
    bool reaches_server; /* TCP works */
    bool is_loopback;    /* at an address of the loopback */
    doctor_front front;
    bool speaks_tds;        /* PRELOGIN was answered */
    bool is_encrypted;      /* TLS was verified */
    char server_tenant[64]; /* from the server's own words; "": not known */

    doctor_token tokens[DOCTOR_MAX_TOKENS]; /* the first is the one that programs here get */
    size_t token_count;
    bool token_is_good;   /* its claims have nothing against a login */
    char found_user[140]; /* what the second look saw; "": nothing */
    sql_conn *conn;       /* logged in; NULL: not */
    void *library; /* of the ODBC driver; stays open: drivers have threads and exit handlers */
} doctor;

/* By a method that Entra answers for, and not SQL Server. */
bool doctor_asks_for_token(const conf_login *login);

/* Milliseconds left, at most `most`. */
uint32_t doctor_time(const doctor *d, uint32_t most);

/* Adds a line. id NULL: nothing is wrong; else the fix comes from the table. */
doctor_line *doctor_add(doctor *d, const char *link, doctor_state state, const char *id,
                        const char *fmt, ...) ES_PRINTF(5, 6);
void doctor_evidence(doctor_line *line, const char *fmt, ...) ES_PRINTF(2, 3);
void doctor_fix(doctor_line *line, const char *fmt, ...) ES_PRINTF(2, 3);
bool doctor_contains(const char *text, const char *piece); /* ASCII case ignored; NULL: no */

/* ---- commands for a shell ---- */

/* The text as one word of a POSIX shell, in quotes where it needs them; returns ret. */
const char *doctor_word(const char *text, char *ret, size_t size);
/* "-S server[,port] -d database" of what is looked at; returns ret. */
const char *doctor_place(const doctor *d, char *ret, size_t size);
/* The first part of <server>.database.windows.net; "SERVER" for other hosts. */
const char *doctor_logical_server(const doctor *d, char *ret, size_t size);

/* Why there is no server to look at, and what lies beside: CONFIG. */
entrasql_status doctor_no_server(const doctor *d, entrasql_error *err) ES_MUST_USE;
/* Which drivers there are in place of the one that is wanted. */
void doctor_drivers_there(const char *wanted, doctor_line *line, const char *why);

/* The links, in their order. */
void doctor_environment(doctor *d);
bool doctor_variables(doctor *d); /* parts of it; false: there is something to say */
bool doctor_words(doctor *d);
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

/* The string leads to entrasql's own driver, registered or not. */
bool doctor_driver_is_ours(const doctor *d);
/* Of the string, what that driver passes over; false: there is something. */
bool doctor_ignored_keywords(doctor *d, const char *driver, glue_driver_kind kind);
/* FreeTDS and Server=tcp:host, which it takes for the host's name; false: there is that. */
bool doctor_server_prefix(doctor *d, const char *driver, glue_driver_kind kind);
/* Of a string that names no driver: the keyword that was to, in ret; "": none. Returns ret. */
const char *doctor_driver_misspelt(const doctor *d, char *ret, size_t size);

/* Whether what answers is an entrasql proxy; then d is set up to go through it. Adds no line. */
void doctor_look_in_front(doctor *d);
/* Its lines, in place of those of PRELOGIN and TLS; and what is wrong with a login through it:
   true, then the login has its line. */
void doctor_front_say(doctor *d);
bool doctor_front_refusals(doctor *d);
/* True: the error is that of a proxy that cannot reach its server, and has its line. */
bool doctor_front_upstream(doctor *d, const char *link, const entrasql_error *err);
/* doctor_place() of the server behind it. */
const char *doctor_front_place(const doctor_front *f, char *ret, size_t size);
/* PRELOGIN is answered, and with the word that there is no TLS. */
bool doctor_is_in_clear(doctor *d);

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
