/* SPDX-License-Identifier: MIT */
/* What the hosts' files share. */
#ifndef AZURE_HOST_INNER_H
#define AZURE_HOST_INNER_H

#include "azure/host.h"

#define AZURE_MAX_WRITE (1024 * 1024)
#define AZURE_TITLE_SIZE 512
#define AZURE_WHAT_SIZE 640 /* "reading " and a title */

/* "identity" of a resource into the state. MALFORMED, LIMIT, NOMEM. */
entrasql_status azure_identity_read(const json_node *root, azure_host_state *ret,
                                    entrasql_error *err) ES_MUST_USE;
/* id, location, kind. */
entrasql_status azure_resource_read(const json_node *root, azure_host_state *ret,
                                    entrasql_error *err) ES_MUST_USE;

/*
 * The member "identity" that adds or removes one identity (id NULL: the system-assigned one) and
 * keeps the others: type is a union, every key is spelled as it was read, values are {} (null for
 * what is removed). Right under merge and under replacement.
 */
void azure_identity_write(const azure_host_state *state, const char *id, bool remove,
                          json_writer *w);

/* Appends a setting; takes no ownership. NOMEM, LIMIT. */
entrasql_status azure_setting_add(azure_host_state *state, azure_setting_kind kind,
                                  const char *name, const char *value, size_t value_len,
                                  const char *type, entrasql_error *err) ES_MUST_USE;
/* "@Microsoft.KeyVault(...)". */
bool azure_is_key_vault_reference(const char *value);

/* "reading App Service web app persons-app". */
void azure_host_what(const azure_host_ref *ref, const char *doing, char ret[AZURE_WHAT_SIZE]);

#endif
