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
/* The setting that was just added. */
azure_setting *azure_setting_last(azure_host_state *state);
/* The last change of a setting; NULL. */
const azure_change *azure_change_find(const azure_change *changes, size_t count,
                                      azure_setting_kind kind, const char *name);
/* BUSY: a setting of the state is not as a change of `changes` wants it. */
entrasql_status azure_changes_check(const azure_host_ref *ref, const azure_host_state *state,
                                    const azure_change *changes, size_t count,
                                    entrasql_error *err) ES_MUST_USE;
bool azure_buf_equal(const es_buf *a, const es_buf *b);
/* Somebody else writes all the time: BUSY. */
entrasql_status azure_settings_unsteady(const azure_host_ref *ref, entrasql_error *err);
#define AZURE_WRITE_TRIES 3

/* "@Microsoft.KeyVault(...)". */
bool azure_is_key_vault_reference(const char *value);

/* "reading App Service web app persons-app". */
void azure_host_what(const azure_host_ref *ref, const char *doing, char ret[AZURE_WHAT_SIZE]);
/* A call on a host that its subscription, group and name lead to; `what` is written, and borrowed.
 */
azure_request azure_host_request(const azure_host_ref *ref, azure_call_id call, const char *doing,
                                 char what[AZURE_WHAT_SIZE]);

#endif
