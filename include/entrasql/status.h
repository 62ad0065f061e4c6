/* SPDX-License-Identifier: MIT */
/*
 * entrasql/status.h - status codes, error classes and the error record.
 *
 * Every call that can fail returns an entrasql_status and takes an optional
 * pointer to an entrasql_error that the caller owns (NULL: no detail wanted).
 * The record is plain storage: nothing in it has to be freed, it is written
 * only on failure, and it never holds a secret. There is no thread-local and
 * no global error state, so any thread may use any record of its own.
 *
 * The header is clean as C99 and as C++.
 */
#ifndef ENTRASQL_STATUS_H
#define ENTRASQL_STATUS_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define ENTRASQL_API __attribute__((visibility("default")))
#else
#define ENTRASQL_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What went wrong. X(name, class, short text).
 * Codes are only ever added at the end: their numbers are part of the ABI.
 */
#define ENTRASQL_STATUS_MAP(X)                                                                     \
    X(OK, NONE, "success")                                                                         \
    X(AGAIN, RETRY, "the operation would block")                                                   \
    X(NOMEM, SYSTEM, "out of memory")                                                              \
    X(INVALID, USAGE, "invalid argument")                                                          \
    X(CONFIG, USAGE, "invalid setting")                                                            \
    X(UNSUPPORTED, USAGE, "not supported")                                                         \
    X(LIMIT, PEER, "a size limit was exceeded")                                                    \
    X(TRUNCATED, PEER, "the message ends early")                                                   \
    X(MALFORMED, PEER, "the message breaks the protocol")                                          \
    X(CLOSED, NETWORK, "the peer closed the connection")                                           \
    X(NETWORK, NETWORK, "network failure")                                                         \
    X(TIMEOUT, RETRY, "the deadline passed")                                                       \
    X(CANCELLED, CANCEL, "cancelled by the caller")                                                \
    X(TLS, TLS, "TLS failure")                                                                     \
    X(UNAVAILABLE, AUTH, "the credential is not available here")                                   \
    X(AUTH_FAILED, AUTH, "authentication failed")                                                  \
    X(LOGIN_FAILED, LOGIN, "the server refused the login")                                         \
    X(SQL_ERROR, SQL, "the server reported an error")                                              \
    X(OS, SYSTEM, "a system call failed")                                                          \
    X(NOT_FOUND, USAGE, "not found")                                                               \
    X(EXISTS, USAGE, "it exists already")                                                          \
    X(BUSY, RETRY, "in use by somebody else")                                                      \
    X(INTERNAL, INTERNAL, "a defect in entrasql")

typedef enum entrasql_status {
#define ENTRASQL_STATUS_ENUM(name, klass, text) ENTRASQL_##name,
    ENTRASQL_STATUS_MAP(ENTRASQL_STATUS_ENUM)
#undef ENTRASQL_STATUS_ENUM
        ENTRASQL_STATUS_COUNT /* not a status */
} entrasql_status;

/*
 * Error classes, for policy: whether to try again, whom to blame, which exit
 * code the program ends with.
 */
typedef enum entrasql_error_class {
    ENTRASQL_CLASS_NONE = 0,
    ENTRASQL_CLASS_INTERNAL = 1, /* a defect: please report it */
    ENTRASQL_CLASS_USAGE = 2,    /* the caller's argument, setting or file */
    ENTRASQL_CLASS_AUTH = 3,     /* no credential, or Entra refused it */
    ENTRASQL_CLASS_LOGIN = 4,    /* the token was obtained, SQL Server refused the login */
    ENTRASQL_CLASS_NETWORK = 5,  /* name resolution, connect, broken connection */
    ENTRASQL_CLASS_TLS = 6,      /* certificate or handshake */
    ENTRASQL_CLASS_PEER = 7,     /* the peer broke the protocol or a limit */
    ENTRASQL_CLASS_SQL = 8,      /* an error of the statement itself */
    ENTRASQL_CLASS_RETRY = 9,    /* deadline, throttling: may go away by itself */
    ENTRASQL_CLASS_SYSTEM = 10,  /* memory, descriptors, file system */
    ENTRASQL_CLASS_CANCEL = 11   /* the caller asked for the end */
} entrasql_error_class;

/* Sizes in bytes, each with the closing NUL. Longer texts are cut at a character border. */
#define ENTRASQL_ERROR_MESSAGE_SIZE 4096
#define ENTRASQL_ERROR_HINT_SIZE 768
#define ENTRASQL_ERROR_ID_SIZE 64
#define ENTRASQL_ERROR_CLAIMS_SIZE 1024

/*
 * The error record. Owned by the caller; no initialisation needed.
 * `number` is the AADSTS number for AUTH, the SQL Server error number for
 * LOGIN and SQL, the HTTP status where only that is known, else 0.
 */
typedef struct entrasql_error {
    entrasql_status status;
    entrasql_error_class error_class;
    int os_errno;     /* errno of a failed system call, else 0 */
    uint32_t number;  /* see above */
    uint8_t state;    /* SQL Server error state, else 0 */
    uint8_t severity; /* SQL Server class (severity) 0-25, else 0 */
    uint32_t line;    /* line in the statement, file or string, 1-based; 0: unknown */
    char correlation_id[ENTRASQL_ERROR_ID_SIZE]; /* what support will ask for, or "" */
    char message[ENTRASQL_ERROR_MESSAGE_SIZE];   /* what happened; never a secret */
    char hint[ENTRASQL_ERROR_HINT_SIZE];         /* what to do next, or "" */
    /* A claims challenge (JSON) that Entra wants answered by a sign-in of the person, or "": a web
     * service hands it to its front end (OnBehalfOf), others give it as the claims of the next
     * request to a credential that can ask the person. Never cut: a longer one is left out. */
    char claims[ENTRASQL_ERROR_CLAIMS_SIZE];
} entrasql_error;

/* The class of a status. Pure; any thread. */
ENTRASQL_API entrasql_error_class entrasql_status_class(entrasql_status status);

/* "TIMEOUT" for ENTRASQL_TIMEOUT. Static storage; never NULL. */
ENTRASQL_API const char *entrasql_status_name(entrasql_status status);

/* One English phrase for the status. Static storage; never NULL. */
ENTRASQL_API const char *entrasql_status_text(entrasql_status status);

#ifdef __cplusplus
}
#endif

#endif
