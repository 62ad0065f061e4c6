/* SPDX-License-Identifier: MIT */
/*
 * Bringing a session back to what it was after its login, before somebody else
 * gets it: an open transaction is rolled back by its descriptor, then one
 * batch with RESETCONNECTION sets the isolation level, which the reset alone
 * leaves as it was ([MS-TDS] 2.2.3.1.2; docs/proxy-pool.md). The session is
 * clean when the server has acknowledged the reset (ENVCHANGE 18), the reply
 * ended without error, and no transaction is open.
 *
 * What the reset cannot take back (an application role, EXECUTE AS without
 * REVERT) makes the server answer with an error or close: not clean.
 */
#ifndef PROXY_RESET_H
#define PROXY_RESET_H

#include "relay/border.h"
#include "relay/stream.h"

/* Sends the next request of the reset. OK: it is under way; *ret_is_last says whether another
   one follows. */
entrasql_status proxy_reset_send(relay_border *b, relay_stream *s, bool *ret_is_last,
                                 entrasql_error *err) ES_MUST_USE;
/* The reply to it is complete. Else what is wrong. is_last: as proxy_reset_send() said. */
entrasql_status proxy_reset_check(const relay_border *b, bool is_last,
                                  entrasql_error *err) ES_MUST_USE;

#endif
