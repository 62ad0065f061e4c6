/* SPDX-License-Identifier: MIT */
/*
 * Certificates for the proxy's clients: an authority that can vouch for the given names alone, and
 * a server certificate of it. The authority's key is thrown away: nobody can sign with it again.
 */
#ifndef PROXY_INIT_TLS_H
#define PROXY_INIT_TLS_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

#define PROXY_INIT_TLS_HOSTS_MAX 32
#define PROXY_CA_FILE "ca.pem"            /* for clients to trust */
#define PROXY_SERVER_FILE "server.pem"    /* --tls-certificate */
#define PROXY_SERVER_KEY "server-key.pem" /* --tls-key; 0600 */

typedef struct proxy_init_tls_options {
    const char *dir; /* made when it is missing */
    const char *const *hosts;
    size_t host_count;
    unsigned days;
    bool force; /* replace what is there */
} proxy_init_tls_options;

/* BUSY when the folder has certificates already. */
entrasql_status proxy_init_tls(const proxy_init_tls_options *options,
                               entrasql_error *err) ES_MUST_USE;

#endif
