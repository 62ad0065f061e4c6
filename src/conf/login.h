/* SPDX-License-Identifier: MIT */
/*
 * What a connection string of any form says, in one set of settings: the inner
 * model through which forms are converted into each other and made
 * passwordless.
 *
 * Values are in one spelling whatever the form: yes and no, the server without
 * protocol and port, Authentication as "default", "managed-identity" and so
 * on (texts of drivers that nobody here knows stay as they are). Keywords that
 * only one form has stay in `own`, as they were written, and go back into that form.
 *
 * A login belongs to one thread at a time. Its values may be secrets: all are
 * wiped when freed.
 */
#ifndef CONF_LOGIN_H
#define CONF_LOGIN_H

#include "conf/form.h"

typedef enum conf_key {
    CONF_KEY_DRIVER,
    CONF_KEY_DSN,
    CONF_KEY_DIALECT, /* of SQLAlchemy: mssql+pyodbc */
    CONF_KEY_SERVER,
    CONF_KEY_INSTANCE,
    CONF_KEY_PORT,
    CONF_KEY_DATABASE,
    CONF_KEY_USER,
    CONF_KEY_PASSWORD,
    CONF_KEY_TRUSTED, /* Windows integrated */
    CONF_KEY_AUTHENTICATION,
    CONF_KEY_CLIENT_ID, /* of the managed identity, where Authentication names one */
    CONF_KEY_ENCRYPT,   /* optional, mandatory, strict */
    CONF_KEY_TRUST_CERTIFICATE,
    CONF_KEY_HOST_IN_CERTIFICATE,
    CONF_KEY_SERVER_CERTIFICATE,
    CONF_KEY_LOGIN_TIMEOUT, /* seconds */
    CONF_KEY_COMMAND_TIMEOUT,
    CONF_KEY_APP,
    CONF_KEY_WORKSTATION,
    CONF_KEY_LANGUAGE,
    CONF_KEY_INTENT, /* ReadOnly, ReadWrite */
    CONF_KEY_MULTI_SUBNET,
    CONF_KEY_MARS,
    CONF_KEY_RETRY_COUNT,
    CONF_KEY_RETRY_INTERVAL,
    CONF_KEY_PACKET_SIZE,
    CONF_KEY_FAILOVER_PARTNER,
    CONF_KEY_IP_PREFERENCE,
    CONF_KEY_COLUMN_ENCRYPTION
} conf_key;

#define CONF_KEY_COUNT 30

typedef struct conf_login {
    char *values[CONF_KEY_COUNT]; /* NULL: not said */
    conf_connstr own;             /* keywords that only `words` has */
    conf_form words;              /* whose words `own` is in: ODBC for SQLAlchemy on pyodbc, ... */
} conf_login;

/* CONFIG naming keyword and value when a value is not understood; NOMEM. */
entrasql_status conf_login_from(conf_form form, const conf_connstr *list, conf_login *ret,
                                entrasql_error *err) ES_MUST_USE;
/* Text to login. */
entrasql_status conf_login_parse(conf_form form, const char *s, conf_login *ret,
                                 entrasql_error *err) ES_MUST_USE;
void conf_login_done(conf_login *login);

const char *conf_login_get(const conf_login *login, conf_key key);
/* Copies; NULL removes. */
entrasql_status conf_login_set(conf_login *login, conf_key key, const char *value) ES_MUST_USE;
/* "server", "client id": for people. */
const char *conf_key_name(conf_key key);

/*
 * The login in the words of a form. What the form cannot say is left out and
 * appended to `dropped` (keyword, reason), which may be NULL.
 */
entrasql_status conf_login_to(const conf_login *login, conf_form form, conf_connstr *ret,
                              conf_connstr *dropped, entrasql_error *err) ES_MUST_USE;
/* Login to text. Use a wiping buffer. */
entrasql_status conf_login_print(const conf_login *login, conf_form form, es_buf *out,
                                 conf_connstr *dropped, entrasql_error *err) ES_MUST_USE;

/* ---- passwordless ---- */

/* Who the program is to be. */
typedef enum conf_identity {
    CONF_IDENTITY_DEFAULT, /* DefaultAzureCredential: identity on Azure, developer elsewhere */
    CONF_IDENTITY_SYSTEM,  /* the system-assigned managed identity */
    CONF_IDENTITY_USER     /* a user-assigned one, by its client id */
} conf_identity;

typedef struct conf_convert_options {
    const conf_form *from; /* NULL: detected */
    const conf_form *to;   /* NULL: as it was */
    conf_identity identity;
    const char *client_id;  /* with USER necessary, with DEFAULT possible */
    const char *object_id;  /* with USER, for ODBC's UID on a VM; NULL: the client id */
    const char *driver;     /* ODBC: Driver={...}; NULL: as it was, else Microsoft's 18 */
    const char *proxy_host; /* where `entrasql proxy` listens; NULL: 127.0.0.1 */
    uint16_t proxy_port;    /* 0: 1433 */
} conf_convert_options;

typedef struct conf_converted {
    conf_form from;
    conf_form to;
    char *server;   /* where it led; NULL: a data source */
    char *database; /* NULL: not said */
    bool had_password;
    bool needs_proxy; /* the driver knows no tokens: the string leads to `entrasql proxy` */
    bool needs_token; /* the program sets the token itself (attribute 1256), as in the tutorial */
    conf_connstr dropped; /* keyword, reason */
    conf_connstr changed; /* keyword, what and why */
} conf_converted;

/*
 * Text to text without user, password or any other secret, encrypted, and
 * signing in as the identity. INVALID for a wrong id; CONFIG for a string that
 * cannot be read or names no server.
 */
entrasql_status conf_convert(const char *s, const conf_convert_options *options, es_buf *out,
                             conf_converted *ret, entrasql_error *err) ES_MUST_USE;
void conf_converted_done(conf_converted *c);

#endif
