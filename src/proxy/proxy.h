/* SPDX-License-Identifier: MIT */
/*
 * The auth proxy: TDS clients connect without any secret of the database's, the
 * proxy signs in upstream with a token and passes bytes.
 */
#ifndef PROXY_PROXY_H
#define PROXY_PROXY_H

#include "proxy/config.h"

#include <stdio.h>

/*
 * Runs until SIGTERM or SIGINT and the sessions' end; OK then. A second signal
 * ends the sessions at once. `out` says when it is ready, and where. Fails when a setting cannot be
 * understood, no token is to be had, or an address is taken. Once a process.
 */
entrasql_status proxy_run(const proxy_config_source *source, FILE *out,
                          entrasql_error *err) ES_MUST_USE;

#endif
