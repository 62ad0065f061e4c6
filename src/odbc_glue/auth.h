/* SPDX-License-Identifier: MIT */
/*
 * Which sign-in a connection string asks for, and the credential for it.
 *
 * `Authentication=` takes the words of Microsoft's drivers; UID, PWD and the
 * few keywords of our own mean what the method makes of them. A string that
 * asks for nothing is signed in with DefaultAzureCredential.
 *
 * Credentials made from strings are kept for the process, so that the tokens
 * they hold serve the next connection, too: the same settings under the same
 * environment are the same credential. A forked child starts with none.
 * glue_auth_credential: any thread; the rest is pure.
 */
#ifndef ODBC_GLUE_AUTH_H
#define ODBC_GLUE_AUTH_H

#include "conf/connstr.h"

#include <entrasql/entrasql.h>

typedef enum glue_auth_method {
    GLUE_AUTH_STRING, /* the driver signs in by itself: UID and PWD, Trusted_Connection, or a method
                         that only Microsoft's driver has */
    GLUE_AUTH_DEFAULT,
    GLUE_AUTH_ENVIRONMENT,
    GLUE_AUTH_MANAGED_IDENTITY,
    GLUE_AUTH_SERVICE_PRINCIPAL,
    GLUE_AUTH_WORKLOAD_IDENTITY,
    GLUE_AUTH_AZURE_CLI,
    GLUE_AUTH_AZURE_POWERSHELL,
    GLUE_AUTH_AZURE_DEVELOPER_CLI,
    GLUE_AUTH_CACHED_SIGN_IN,
    GLUE_AUTH_DEVICE_CODE,
    GLUE_AUTH_INTERACTIVE
} glue_auth_method;

/* All strings are borrowed from the list it was read from; NULL when absent. */
typedef struct glue_auth {
    glue_auth_method method;
    const char *authentication; /* as written; NULL: the string asked for nothing */
    bool is_of_microsoft;       /* with GLUE_AUTH_STRING: a method that other drivers lack */
    const char *tenant;
    const char *user;     /* client id or login hint */
    const char *password; /* a secret */
    const char *certificate;
    const char *certificate_password;
} glue_auth;

/* Keywords that name parts of a sign-in and are entrasql's own; NULL-terminated. */
extern const char *const glue_auth_keywords[];

/*
 * CONFIG, naming the keyword: an unknown method, a keyword that the method has
 * no use for or cannot do without.
 */
entrasql_status glue_auth_read(const conf_connstr *c, glue_auth *ret,
                               entrasql_error *err) ES_MUST_USE;

/* Takes out of the list whatever speaks of the sign-in, so that a token can stand for it. */
void glue_auth_remove(conf_connstr *c);

/* True when somebody has to type or click: such a sign-in gets more time. */
bool glue_auth_asks_a_person(const glue_auth *a);

/* Where a device code is shown; NULL: the terminal of the process. */
typedef struct glue_prompt {
    void (*function)(void *context, const entrasql_device_code *code);
    void *context;
} glue_prompt;

/*
 * The credential for the method, with a reference for the caller. UNAVAILABLE
 * for a device code where nobody can be shown it; else as the constructors.
 */
entrasql_status glue_auth_credential(const glue_auth *a, const char *ca_file,
                                     const glue_prompt *prompt, entrasql_credential **ret,
                                     entrasql_error *err) ES_MUST_USE;

/* Gives back what is kept; for tests that look for leaks. */
void glue_auth_forget(void);

#endif
