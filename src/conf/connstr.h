/* SPDX-License-Identifier: MIT */
/*
 * ODBC connection strings: an ordered list of keywords with values.
 *
 * Grammar of SQLDriverConnect: keyword=value pairs separated by ';', a value
 * in braces may hold anything, '}}' stands for '}'. Keywords are compared
 * without case; the first of two equal keywords counts. Values that are
 * passwords are wiped when freed.
 */
#ifndef CONF_CONNSTR_H
#define CONF_CONNSTR_H

#include "base/buf.h"
#include "base/error.h"

typedef struct conf_pair {
    char *keyword; /* as written, trimmed */
    char *value;   /* without braces */
} conf_pair;

typedef struct conf_connstr {
    conf_pair *pairs;
    size_t count;
} conf_connstr;

#define CONF_CONNSTR_MAX_BYTES (64 * 1024)

/* CONFIG with the place (character, keyword) on a malformed string. */
entrasql_status conf_connstr_parse(const char *s, conf_connstr *ret, entrasql_error *err)
    ES_MUST_USE;
void conf_connstr_done(conf_connstr *c);
/* First value of the keyword, or NULL. */
const char *conf_connstr_get(const conf_connstr *c, const char *keyword);
/* First value of any of the synonyms (NULL-terminated list); ret_keyword: which one, may be NULL. */
const char *conf_connstr_get_any(const conf_connstr *c, const char *const *keywords,
                                 const char **ret_keyword);
/* Replaces or appends. */
entrasql_status conf_connstr_set(conf_connstr *c, const char *keyword, const char *value)
    ES_MUST_USE;
void conf_connstr_remove(conf_connstr *c, const char *keyword);
/* Prints with braces where needed; print(parse(s)) parses to the same list. Use a wiping buffer. */
entrasql_status conf_connstr_print(const conf_connstr *c, es_buf *out) ES_MUST_USE;

/*
 * The meaning of the string for a SQL Server login: what ODBC glue, driver,
 * query, proxy and doctor share.
 */
typedef enum conf_encrypt {
    CONF_ENCRYPT_OPTIONAL, /* no, optional, false */
    CONF_ENCRYPT_MANDATORY, /* yes, mandatory, true; the default */
    CONF_ENCRYPT_STRICT
} conf_encrypt;

typedef struct conf_target {
    char *driver; /* Driver=, braces removed; NULL when absent */
    char *dsn;    /* NULL when absent */
    char *host;   /* of Server=tcp:host\instance,port */
    uint16_t port; /* 1433 */
    char *database; /* NULL when absent */
    char *user;     /* UID; NULL when absent */
    char *password; /* PWD; wiped; NULL when absent */
    char *authentication; /* as written; NULL when absent */
    bool trusted_connection;
    conf_encrypt encrypt;
    bool trust_server_certificate;
    char *host_name_in_certificate; /* NULL when absent */
    char *app_name; /* APP; NULL when absent */
    char *workstation_id; /* WSID; NULL when absent */
    uint32_t login_timeout_s; /* Connection Timeout, Connect Timeout, Timeout, LoginTimeout; 0: absent */
} conf_target;

/* CONFIG naming keyword and value when a value is not understood. */
entrasql_status conf_target_from(const conf_connstr *c, conf_target *ret, entrasql_error *err)
    ES_MUST_USE;
void conf_target_done(conf_target *t);
/* "tcp:host\\instance,port" -> host and port; also used for -S. */
entrasql_status conf_server_parse(const char *s, char **ret_host, uint16_t *ret_port,
                                  entrasql_error *err) ES_MUST_USE;

#endif
