/* SPDX-License-Identifier: MIT */
/*
 * A persistent token cache in the JSON schema of the Microsoft Authentication Libraries (MSAL):
 * where it lies, how it is protected, and changing it while other processes do the same.
 *
 *   kernel keyring  <directory>/<name> (0600) holds a compact JWE; its key is in the kernel's user
 *                   keyring under the cache's name: the scheme of azidentity/cache for Go. Lost at
 *                   reboot, which reads as an empty cache.
 *   libsecret       the desktop's secret service; a file of that name marks changes.
 *   plain file      the JSON itself, 0600.
 *
 * Changes are made under "<file>.lockfile", which every MSAL respects: read, change, replace by
 * rename. A lock whose owner is dead is taken over. Files that are not the user's own, or open to
 * others, are refused and not used.
 *
 * A store is immutable and may be shared by threads. Updates are asynchronous (os/wait.h) as far as
 * waiting for others goes; disk, keyring and secret service are used directly.
 */
#ifndef IDENTITY_STORE_H
#define IDENTITY_STORE_H

#include "base/buf.h"
#include "base/error.h"
#include "os/wait.h"
#include "json/json.h"

#include <entrasql/entrasql.h>

#define IDENTITY_STORE_MAX_BYTES (4 * 1024 * 1024)

typedef struct identity_store identity_store;

/* NULL options, or not enabled: *ret is NULL, and no failure. CONFIG, INVALID, NOMEM. */
entrasql_status identity_store_new(const entrasql_cache_options *options, identity_store **ret,
                                   entrasql_error *err) ES_MUST_USE;
/*
 * The cache of `entrasql login`: its own name; a plain file there is used as it is, and with
 * is_plain one is made. *ret is NULL, and no failure, where there is no HOME.
 */
entrasql_status identity_store_new_login(bool is_plain, identity_store **ret,
                                         entrasql_error *err) ES_MUST_USE;
void identity_store_free(identity_store *store); /* NULL allowed */

/* For messages. */
const char *identity_store_path(const identity_store *store);

/*
 * What is in it now; *ret is NULL when there is none. Not under the lock: MALFORMED may be another
 * process that is writing, and so may TRUNCATED, an empty file. UNAVAILABLE: the protection is not
 * to be had here (with a hint).
 */
entrasql_status identity_store_read(const identity_store *store, json_doc **ret,
                                    entrasql_error *err) ES_MUST_USE;

/* Writes the whole new content to `out` from the old one, which may be NULL; nothing: no change. */
typedef entrasql_status identity_store_change(void *ctx, const json_node *old, es_buf *out,
                                              entrasql_error *err);

/* Whether a change could be stored, before somebody is asked for it: as an update's failures. */
entrasql_status identity_store_prepare(const identity_store *store,
                                       entrasql_error *err) ES_MUST_USE;

typedef struct identity_store_update identity_store_update;

/* ctx is borrowed until the update is freed. NOMEM. */
entrasql_status identity_store_update_start(const identity_store *store,
                                            identity_store_change *change, void *ctx,
                                            int64_t deadline_ms, identity_store_update **ret,
                                            entrasql_error *err) ES_MUST_USE;
void identity_store_update_wants(identity_store_update *u, os_wait *w);
/* AGAIN while others hold the lock; OK; BUSY: they did until the deadline. As read, and OS. */
entrasql_status identity_store_update_step(identity_store_update *u,
                                           entrasql_error *err) ES_MUST_USE;
void identity_store_update_free(identity_store_update *u); /* NULL allowed */
/* Blocks. */
entrasql_status identity_store_update_run(const identity_store *store,
                                          identity_store_change *change, void *ctx,
                                          int64_t deadline_ms, entrasql_error *err) ES_MUST_USE;

#endif
