/* SPDX-License-Identifier: MIT */
/*
 * The secrets of a container app, one at a time. Azure replaces the list as a whole and does not
 * show values in what it is read from, so every other secret is listed and sent back with its
 * value. A secret that a revision in use points to cannot go: Azure refuses.
 *
 * Blocking; the client's thread. Values are in no message.
 */
#ifndef AZURE_CONTAINER_SECRET_H
#define AZURE_CONTAINER_SECRET_H

#include "azure/host.h"

/* All of them with their values: {"value": [{name, value | keyVaultUrl, identity}]}. */
entrasql_status azure_container_secrets(azure_arm *arm, const azure_host_ref *ref, azure_reply *ret,
                                        entrasql_error *err) ES_MUST_USE;
/* The value in such a list; NULL: there is none of that name, or it is in Key Vault. */
const char *azure_container_secret_value(const azure_reply *secrets, const char *name,
                                         size_t *ret_len);
/* Sets one, or takes it away (value NULL), and keeps the others. BUSY: somebody else writes. */
entrasql_status azure_container_secret_write(azure_arm *arm, const azure_host_ref *ref,
                                             const char *name, const char *value,
                                             entrasql_error *err) ES_MUST_USE;

#endif
