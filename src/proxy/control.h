/* SPDX-License-Identifier: MIT */
/*
 * Asking a running proxy through its HTTP paths (proxy/health.h): for scripts, entry points and
 * container health checks. Blocks. Any thread.
 */
#ifndef PROXY_CONTROL_H
#define PROXY_CONTROL_H

#include "base/error.h"

/*
 * Asks a path ("/startup") again and again until it says 200. address: HOST:PORT as the proxy's
 * own option has it; every address stands for loopback. INVALID for an address that is none;
 * TIMEOUT says what the proxy said last.
 */
entrasql_status proxy_control_wait(const char *address, const char *path, int64_t timeout_ms,
                                   entrasql_error *err) ES_MUST_USE;
/* POST /quitquitquit. NETWORK: nobody is there; UNSUPPORTED: it is not enabled. */
entrasql_status proxy_control_shutdown(const char *address, int64_t timeout_ms,
                                       entrasql_error *err) ES_MUST_USE;

#endif
