/* SPDX-License-Identifier: MIT */
/*
 * ODBC connection strings: an ordered list of keywords with values.
 *
 * Grammar of SQLDriverConnect: keyword=value pairs separated by ';', a value
 * in braces may hold anything, '}}' stands for '}'. Blanks around keywords and
 * around values without braces do not count, empty pairs are passed over.
 * Keywords are compared without case; the first of two equal keywords counts.
 *
 * A list belongs to one thread at a time and owns its texts. Any value may be
 * a password: all are wiped when freed, and no message quotes what may be a
 * piece of one.
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
#define CONF_CONNSTR_MAX_PAIRS 512

/*
 * CONFIG with the place (character counted from 1, keyword) on a malformed
 * string; *ret is then untouched. NOMEM.
 */
entrasql_status conf_connstr_parse(const char *s, conf_connstr *ret,
                                   entrasql_error *err) ES_MUST_USE;
void conf_connstr_done(conf_connstr *c);
/* First value of the keyword, or NULL. */
const char *conf_connstr_get(const conf_connstr *c, const char *keyword);
/* First value of any of the synonyms (NULL-terminated list); ret_keyword: which one, may be NULL.
 */
const char *conf_connstr_get_any(const conf_connstr *c, const char *const *keywords,
                                 const char **ret_keyword);
/* Replaces the first pair of that keyword, or appends one. INVALID for what cannot be a keyword. */
entrasql_status conf_connstr_set(conf_connstr *c, const char *keyword,
                                 const char *value) ES_MUST_USE;
/* Appends a pair, whatever is there already. Any keyword, as other forms have more of them. */
entrasql_status conf_connstr_append(conf_connstr *c, const char *keyword,
                                    const char *value) ES_MUST_USE;
/* Removes every pair of that keyword. */
void conf_connstr_remove(conf_connstr *c, const char *keyword);
/* Removes pair i. */
void conf_connstr_remove_at(conf_connstr *c, size_t i);
/* Removes every pair of any of the synonyms. */
void conf_connstr_remove_any(conf_connstr *c, const char *const *keywords);
/* Prints with braces where needed; print(parse(s)) parses to the same list. Use a wiping buffer. */
entrasql_status conf_connstr_print(const conf_connstr *c, es_buf *out) ES_MUST_USE;

/* Synonyms of the keywords that entrasql understands; each list ends with NULL. */
extern const char *const conf_keywords_server[];
extern const char *const conf_keywords_database[];
extern const char *const conf_keywords_user[];
extern const char *const conf_keywords_password[];
extern const char *const conf_keywords_trusted_connection[];
extern const char *const conf_keywords_trust_certificate[];
extern const char *const conf_keywords_host_name_in_certificate[];
extern const char *const conf_keywords_app[];
extern const char *const conf_keywords_workstation[];
extern const char *const conf_keywords_login_timeout[];

/*
 * The meaning of the string for a SQL Server login: what ODBC glue, driver,
 * query, proxy and doctor share.
 */
typedef enum conf_encrypt {
    CONF_ENCRYPT_OPTIONAL,  /* no, optional, false */
    CONF_ENCRYPT_MANDATORY, /* yes, mandatory, true; the default */
    CONF_ENCRYPT_STRICT
} conf_encrypt;

typedef struct conf_target {
    char *driver;         /* Driver=, braces removed; NULL when absent */
    char *dsn;            /* NULL when absent */
    char *host;           /* of Server=tcp:host\instance,port; NULL when absent */
    uint16_t port;        /* of Server=, else Port=, else 1433 */
    char *database;       /* NULL when absent */
    char *user;           /* UID; NULL when absent */
    char *password;       /* PWD; wiped; NULL when absent */
    char *authentication; /* as written; NULL when absent */
    bool trusted_connection;
    conf_encrypt encrypt;
    bool trust_server_certificate;
    char *host_name_in_certificate; /* NULL when absent */
    char *app_name;                 /* APP; NULL when absent */
    char *workstation_id;           /* WSID; NULL when absent */
    uint32_t
        login_timeout_s; /* Connection Timeout, Connect Timeout, Timeout, LoginTimeout; 0: absent */
} conf_target;

/* CONFIG naming keyword and value when a value is not understood. */
entrasql_status conf_target_from(const conf_connstr *c, conf_target *ret,
                                 entrasql_error *err) ES_MUST_USE;
void conf_target_done(conf_target *t);
/*
 * "tcp:host\\instance,port" -> host and port; also used for -S. Port 0 in the
 * result does not occur: 1433 when the text names none. CONFIG for named pipes,
 * shared memory and named instances without a port, with a hint.
 */
entrasql_status conf_server_parse(const char *s, char **ret_host, uint16_t *ret_port,
                                  entrasql_error *err) ES_MUST_USE;

#endif
