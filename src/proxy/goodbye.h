/* SPDX-License-Identifier: MIT */
/* The last message to a client whose request cannot be served. */
#ifndef PROXY_GOODBYE_H
#define PROXY_GOODBYE_H

#include "relay/stream.h"

/*
 * An error as the reply to its request, of class 20: drivers take the
 * connection for dead, as it is. To be sent where a reply may begin.
 */
entrasql_status proxy_goodbye(relay_stream *client, const entrasql_error *why,
                              const char *server_name, entrasql_error *err) ES_MUST_USE;

#endif
