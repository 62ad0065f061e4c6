/* SPDX-License-Identifier: MIT */
/*
 * Instance discovery: before an authority that is none of Microsoft's known
 * hosts gets its first secret, the public cloud is asked whether it knows it. On by
 * option only; never for AD FS. What was found out is kept in the settings.
 */
#ifndef IDENTITY_DISCOVERY_H
#define IDENTITY_DISCOVERY_H

#include "identity/exchange.h"
#include "identity/settings.h"

bool identity_discovery_is_due(const identity_settings *s, const char *tenant);
/* Fills the request of an exchange that was just initialised. NOMEM. */
entrasql_status identity_discovery_fill(const identity_settings *s, const char *tenant,
                                        identity_exchange *x, entrasql_error *err) ES_MUST_USE;
/* OK: the authority is known from now on. AUTH_FAILED: it is not, or nobody could say. */
entrasql_status identity_discovery_judge(identity_settings *s, const http_response *answer,
                                         entrasql_error *err) ES_MUST_USE;

/* A step of that exchange, with its judgement at the end: AGAIN, OK, or a failure with a hint. */
entrasql_status identity_discovery_step(identity_settings *s, identity_exchange *x,
                                        entrasql_error *err) ES_MUST_USE;

/* "https://login.microsoftonline.com" and the other hosts of Microsoft's clouds. */
bool identity_authority_is_known(const char *authority);

#endif
