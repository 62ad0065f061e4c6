/* SPDX-License-Identifier: MIT */
/*
 * A session of the admin database: a TDS client that logged in to the database
 * "entrasql" and may. Its requests are answered here; nothing goes upstream.
 *
 * What the commands show and do comes from a source that the proxy fills in: the
 * calls run on the loop, do not block, and may not free the session that asks.
 *
 * Batches and sp_executesql are taken; transactions are begun and ended without
 * effect, because drivers do so by themselves. docs/proxy-operations.md has the commands.
 */
#ifndef PROXY_ADMIN_H
#define PROXY_ADMIN_H

#include "proxy/admin_command.h"
#include "proxy/admin_reply.h"
#include "relay/accept.h"

typedef struct proxy_admin_source {
    void *ctx;
    /* Columns and rows of a SHOW; not PROXY_SHOW_HELP. */
    entrasql_status (*show)(void *ctx, proxy_show what, proxy_admin_reply *reply,
                            entrasql_error *err);
    /* PAUSE, RESUME, RECONNECT, KILL, RELOAD: what to tell of it in *ret_text (1024 bytes), or
       the failure. */
    entrasql_status (*act)(void *ctx, const proxy_command *command, char *ret_text, size_t size,
                           entrasql_error *err);
} proxy_admin_source;

typedef struct proxy_admin proxy_admin;

/* Takes the stream of the login, which is READY. number: the connection's, as in the log. */
entrasql_status proxy_admin_new(relay_accept *login, uint64_t number,
                                const proxy_admin_source *source, proxy_admin **ret,
                                entrasql_error *err) ES_MUST_USE;
entrasql_status proxy_admin_wants(const proxy_admin *a, os_wait *w) ES_MUST_USE;
/* AGAIN; OK when the client has left; else what it did wrong. */
entrasql_status proxy_admin_step(proxy_admin *a, entrasql_error *err) ES_MUST_USE;
/* Its client, to be told something at last; only proxy_admin_free() may follow. */
relay_stream *proxy_admin_take(proxy_admin *a);
void proxy_admin_free(proxy_admin *a); /* NULL allowed */

#endif
