/* SPDX-License-Identifier: MIT */
/*
 * Pass-through: the front checks the token and the database user in its own
 * catalog, then the session goes to a real SQL Server under one SQL login. What
 * a user may do there is what that login may.
 */
#ifndef EMULATOR_FRONT_BACKEND_H
#define EMULATOR_FRONT_BACKEND_H

#include "relay/session.h"

typedef struct front_backend front_backend;

typedef struct front_backend_options {
    const char *url;           /* sqlserver://host[:port] */
    const char *user;          /* of the SQL login there */
    const char *password_file; /* its first line */
    const char *ca_file;       /* of the backend's certificate; NULL: base trust rule */
    bool trust_certificate;    /* take any; for a container's self-signed one */
} front_backend_options;

/* CONFIG for an url or file that is not fit. Copies all. */
entrasql_status front_backend_new(const front_backend_options *options, front_backend **ret,
                                  entrasql_error *err) ES_MUST_USE;
void front_backend_free(front_backend *b); /* NULL allowed */
/* "tcp:host,port", for people. */
const char *front_backend_name(const front_backend *b);

/* One client's way in. Zeroed but for backend; call front_way_done. */
typedef struct front_way {
    const front_backend *backend;
    tds_login7 login; /* the client's, with the backend's user */
} front_way;

/* Borrows the way. Any number of sessions at once. */
relay_upstream_policy front_way_policy(front_way *way);
void front_way_done(front_way *way);

#endif
