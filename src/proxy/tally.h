/* SPDX-License-Identifier: MIT */
/* Upstream connections, counted: logins, how long they took, whose token it was; pins. */
#ifndef PROXY_TALLY_H
#define PROXY_TALLY_H

#include "proxy/config.h"
#include "proxy/stats.h"
#include "relay/border.h"
#include "relay/login.h"

/* The name of the identity of that credential; "" for a token that a client brought itself. */
const char *proxy_tally_identity(const proxy_config *config, const entrasql_credential *credential);

/* Whose token it is, by its own words; kept under the identity's name. */
void proxy_tally_token(proxy_stats_set *set, const char *identity, const char *token,
                       const char *source);

/* identity: its name; took_us: the login, token included. */
void proxy_tally_login(proxy_stats *stats, const char *identity, const relay_session *session,
                       int64_t took_us);
void proxy_tally_failure(proxy_stats *stats, const entrasql_error *why);
/* How the statistics call it when a pooled connection was not given back. */
proxy_pin proxy_tally_pin_of(relay_pin pin);

#endif
