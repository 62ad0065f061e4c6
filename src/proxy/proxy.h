/* SPDX-License-Identifier: MIT */
/*
 * The auth proxy: TDS clients connect to loopback without any secret, the
 * proxy signs in upstream with a token and passes bytes.
 *
 * Who may come in: processes of the proxy's own user, those of the listed
 * users, or anybody on this machine. Clients talk to it in clear: it listens
 * on loopback only.
 */
#ifndef PROXY_PROXY_H
#define PROXY_PROXY_H

#include "base/error.h"
#include "proxy/pool.h"

#include <entrasql/entrasql.h>

#include <stdio.h>
#include <sys/types.h>

#define PROXY_TARGETS_MAX 8
#define PROXY_UIDS_MAX 32

typedef struct proxy_options {
    const char *const *targets; /* proxy/target.h */
    size_t target_count;
    entrasql_credential *credential;
    const char *ca_file; /* upstream trust; NULL: SSL_CERT_FILE, else the system store */
    const uid_t *uids;   /* beside the proxy's own */
    size_t uid_count;
    bool allow_any;            /* every process on this machine */
    uint32_t max_clients;      /* more are refused */
    uint32_t login_timeout_ms; /* of a client, token and upstream included */
    uint32_t drain_ms;         /* after SIGTERM: how long sessions may go on */
    proxy_pool_settings pool;
    bool skip_token_check; /* do not get a token before listening */
    FILE *out;             /* says when it is ready, and where */
} proxy_options;

/*
 * Runs until SIGTERM or SIGINT and the sessions' end; OK then. A second signal
 * ends the sessions at once. Fails when a target cannot be understood, no
 * token is to be had, or a port is taken. Once a process.
 */
entrasql_status proxy_run(const proxy_options *options, entrasql_error *err) ES_MUST_USE;

#endif
