/* SPDX-License-Identifier: MIT */
/*
 * The tokens of one credential, by scope, tenant and the use of CAE, and who
 * is fetching which: one fetch in flight a key over all threads. A request with
 * a claims challenge has a key of its own for its fetch, is never answered from the
 * cache, and its token replaces the cached one, which the challenge refused.
 *
 * A cached token is used while it lasts more than IDENTITY_MIN_LEFT_S. When it
 * is worth refreshing (its refresh time has come), one caller tries to, at most
 * every IDENTITY_REFRESH_EVERY_MS, and keeps the old token when that fails.
 *
 * Callers that find a fetch in flight become waiters, each with a descriptor
 * that turns readable when there is something for it: the shared result, or the call
 * to fetch itself because the owner gave up. A fetch whose owner does not go
 * on past its own deadline is taken over by a waiter.
 *
 * Callers that need nothing but a good token take it by identity_cache_peek,
 * which has no lock (board.h). All other calls lock the cache; no call runs foreign
 * code or blocks.
 */
#ifndef IDENTITY_CACHE_H
#define IDENTITY_CACHE_H

#include "base/error.h"
#include "identity/board.h"

#include <entrasql/entrasql.h>

#include <pthread.h>
#include <stdbool.h>

#define IDENTITY_MIN_LEFT_S 300
#define IDENTITY_REFRESH_EVERY_MS 30000
/* Keys kept; the least recently used makes room. */
#define IDENTITY_MAX_KEYS IDENTITY_PLACES
/* Waiters give the owner of a fetch this much past its deadline to say so itself. */
#define IDENTITY_TAKE_OVER_MS 1000

typedef struct identity_entry identity_entry;

typedef struct identity_cache {
    pthread_mutex_t mutex;
    identity_entry *entries;
    unsigned count;
    uint64_t clock;                  /* counts uses, for the least recently used */
    uint64_t places;                 /* which places of the board are taken, a bit each */
    _Atomic(identity_board *) board; /* NULL until there is a token to show */
} identity_cache;

typedef enum identity_role {
    IDENTITY_NO_ROLE,
    IDENTITY_OWNER, /* fetches, and must end by identity_cache_finish or _abandon */
    IDENTITY_WAITER
} identity_role;

typedef enum identity_news {
    IDENTITY_NO_NEWS,
    IDENTITY_RESULT,   /* status with token or error */
    IDENTITY_YOUR_TURN /* the owner gave up: join again */
} identity_news;

/* One caller's part in a fetch. Lives in its operation; fields belong to the cache. */
typedef struct identity_ticket {
    identity_entry *entry;
    identity_role role;
    bool refresh;        /* the caller does not want the cached token */
    bool has_fallback;   /* a valid token is cached: failure keeps it */
    int64_t deadline_ms; /* of the caller */
    int event_fd;        /* -1 until it had to wait */
    identity_news news;
    entrasql_status status;
    entrasql_token *token; /* of a shared result; one reference */
    entrasql_error error;
    struct identity_ticket *next; /* waiters of the entry */
} identity_ticket;

entrasql_status identity_cache_init(identity_cache *cache) ES_MUST_USE;
/* No ticket may be out. */
void identity_cache_done(identity_cache *cache);

/*
 * A cached token for the request, one reference, when there is one that may be
 * used without asking the source; NULL sends the caller the long way, that of
 * a ticket. No lock, no memory. The request need not be checked yet.
 */
entrasql_token *identity_cache_peek(identity_cache *cache, const entrasql_token_request *request);

/* Puts a ticket on a key. NOMEM. */
entrasql_status identity_cache_open(identity_cache *cache, const entrasql_token_request *request,
                                    int64_t deadline_ms, identity_ticket *t,
                                    entrasql_error *err) ES_MUST_USE;
/* Gives up whatever part the ticket has, and the key. */
void identity_cache_close(identity_cache *cache, identity_ticket *t);

/*
 * OK with a token (one reference): it was cached. AGAIN: the ticket's role
 * says whether to fetch (OWNER) or to wait. OS, NOMEM.
 */
entrasql_status identity_cache_join(identity_cache *cache, identity_ticket *t, entrasql_token **ret,
                                    entrasql_error *err) ES_MUST_USE;

/*
 * The owner's fetch ended with this token (OK) or failure (NULL, *err is filled).
 * The result goes to all who wait, except a failure that is the owner's own
 * affair: its deadline, or a try that had a token to fall back on; then one
 * of them fetches. With a fallback the failure becomes OK with the old token.
 * Takes the reference of `token`; *ret has one for the caller.
 */
entrasql_status identity_cache_finish(identity_cache *cache, identity_ticket *t,
                                      entrasql_status status, entrasql_token *token,
                                      entrasql_token **ret, entrasql_error *err) ES_MUST_USE;

/* For a waiter: what there is. AGAIN: nothing yet, or the ticket is now OWNER. */
entrasql_status identity_cache_check(identity_cache *cache, identity_ticket *t,
                                     entrasql_token **ret, entrasql_error *err) ES_MUST_USE;
/* When a waiter must look again at the latest. */
int64_t identity_cache_wake_ms(identity_cache *cache, const identity_ticket *t);

#endif
