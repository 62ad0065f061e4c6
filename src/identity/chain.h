/* SPDX-License-Identifier: MIT */
/* Credentials in turn: what ChainedTokenCredential and DefaultAzureCredential have in common. */
#ifndef IDENTITY_CHAIN_H
#define IDENTITY_CHAIN_H

#include "identity/internal.h"

#define IDENTITY_CHAIN_MAX 16

/*
 * 1 to IDENTITY_CHAIN_MAX members; takes a reference of each. With more than one the members are
 * told that others stand beside them (identity_request.in_chain). NOMEM.
 */
entrasql_status identity_chain_new(const char *name, entrasql_credential *const *members,
                                   size_t count, entrasql_credential **ret,
                                   entrasql_error *err) ES_MUST_USE;

#endif
