/* SPDX-License-Identifier: MIT */
/* sp_getapplock and sp_releaseapplock: named locks between sessions of one database. */
#ifndef ENGINE_APPLOCK_H
#define ENGINE_APPLOCK_H

#include "engine/internal.h"

/* What sp_getapplock returns. */
enum {
    ENGINE_APPLOCK_GRANTED = 0,
    ENGINE_APPLOCK_WAITED = 1,
    ENGINE_APPLOCK_TIMEOUT = -1,
    ENGINE_APPLOCK_CANCELLED = -2,
    ENGINE_APPLOCK_INVALID = -999
};

/* timeout_ms: -1 waits for ever. by_transaction: it ends with the transaction. */
int32_t engine_applock_get(engine_session *s, const char *resource, bool exclusive,
                           bool by_transaction, int64_t timeout_ms);
/* False when the session does not hold it. */
bool engine_applock_release(engine_session *s, const char *resource, bool by_transaction);
/* All of the session's, or those of its transaction. */
void engine_applock_release_all(engine_session *s, bool by_transaction_only);
void engine_applocks_done(engine_server *server);

#endif
