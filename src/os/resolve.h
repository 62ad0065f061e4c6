/* SPDX-License-Identifier: MIT */
/*
 * Host name to addresses without blocking: getaddrinfo() runs on a detached
 * helper thread with all signals blocked, and an eventfd tells when it is
 * done. IP literals are answered at once, without a thread.
 *
 * A resolve belongs to one thread at a time. Freeing one that is under way
 * cancels it for the caller; the helper thread frees what is left when the
 * system's resolver lets it go.
 */
#ifndef OS_RESOLVE_H
#define OS_RESOLVE_H

#include "os/sock.h"
#include "os/wait.h"

#define OS_RESOLVE_MAX 8 /* addresses; further ones of a name are not used */

typedef struct os_resolve os_resolve;

/* host: a name or an IP literal, with or without square brackets. INVALID when empty or too long.
 */
entrasql_status os_resolve_start(const char *host, uint16_t port, os_resolve **ret,
                                 entrasql_error *err) ES_MUST_USE;
entrasql_status os_resolve_wants(const os_resolve *r, os_wait *w) ES_MUST_USE;
/* AGAIN, OK with at least one address, or NETWORK with the reason. */
entrasql_status os_resolve_step(os_resolve *r, os_address ret[OS_RESOLVE_MAX], size_t *ret_count,
                                entrasql_error *err) ES_MUST_USE;
void os_resolve_free(os_resolve *r); /* NULL allowed */

/* True for "127.0.0.1", "::1", "[::1]": no name to look up, none for SNI. */
bool os_host_is_ip(const char *host);

#endif
