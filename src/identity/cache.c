/* SPDX-License-Identifier: MIT */
/* Cached tokens and shared fetches; see cache.h. */
#include "identity/cache.h"
#include "identity/internal.h"

#include "base/mem.h"
#include "base/str.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Without a refresh time from the issuer, tokens that live longer than this are refreshed half way.
 */
#define HALF_LIFE_FROM_S 7200

#define NO_PLACE IDENTITY_PLACES

struct identity_entry {
    identity_entry *next;
    char *scope;
    char *tenant; /* "" for none */
    char *claims; /* "" for none */
    bool cae;
    unsigned place; /* on the board, or NO_PLACE */
    entrasql_token *token;
    identity_ticket *owner;
    int64_t owner_deadline_ms;
    int64_t next_refresh_ms; /* monotonic; not before */
    identity_ticket *waiters;
    unsigned tickets; /* open on this key: it must stay */
    uint64_t used;
};

static void lock(identity_cache *cache)
{
    (void)pthread_mutex_lock(&cache->mutex);
}

static void unlock(identity_cache *cache)
{
    (void)pthread_mutex_unlock(&cache->mutex);
}

entrasql_status identity_cache_init(identity_cache *cache)
{
    memset(cache, 0, sizeof *cache);
    return pthread_mutex_init(&cache->mutex, NULL) == 0 ? ENTRASQL_OK : ENTRASQL_NOMEM;
}

static void free_entry(identity_entry *e)
{
    assert(e->tickets == 0 && e->owner == NULL && e->waiters == NULL);
    entrasql_token_free(e->token);
    es_free(e->scope);
    es_free(e->tenant);
    es_free(e->claims);
    es_free(e);
}

void identity_cache_done(identity_cache *cache)
{
    while (cache->entries != NULL) {
        identity_entry *e = cache->entries;
        cache->entries = e->next;
        free_entry(e);
    }
    identity_board_free(cache->board);
    (void)pthread_mutex_destroy(&cache->mutex);
}

static identity_entry *new_entry(const entrasql_token_request *request)
{
    identity_entry *e = es_calloc(1, sizeof *e);
    if (e == NULL)
        return NULL;
    e->scope = es_strdup(request->scope);
    e->tenant = es_strdup(request->tenant_id != NULL ? request->tenant_id : "");
    e->claims = es_strdup(request->claims != NULL ? request->claims : "");
    e->cae = request->enable_cae;
    e->place = NO_PLACE;
    if (e->scope == NULL || e->tenant == NULL || e->claims == NULL) {
        free_entry(e);
        return NULL;
    }
    return e;
}

static identity_key key_of_request(const entrasql_token_request *request)
{
    return (identity_key){.scope = request->scope,
                          .tenant = request->tenant_id != NULL ? request->tenant_id : "",
                          .cae = request->enable_cae};
}

static identity_key key_of_entry(const identity_entry *e)
{
    return (identity_key){.scope = e->scope, .tenant = e->tenant, .cae = e->cae};
}

static identity_entry *find_entry(identity_cache *cache, const entrasql_token_request *request)
{
    const identity_key wanted = key_of_request(request);
    for (identity_entry *e = cache->entries; e != NULL; e = e->next) {
        const identity_key key = key_of_entry(e);
        if (identity_key_equal(&key, &wanted) &&
            es_streq(e->claims, request->claims != NULL ? request->claims : ""))
            return e;
    }
    return NULL;
}

/* ---- the board: what readers see without a lock ---- */

entrasql_token *identity_cache_peek(identity_cache *cache, const entrasql_token_request *request)
{
    /* Structs of other versions, and requests that are refused, have their checks the long way. */
    bool is_plain = (request->size == 0 || request->size == sizeof *request) &&
                    request->scope != NULL && es_str_is_empty(request->claims) &&
                    !request->refresh && !identity_cancel_is_triggered(request->cancel);
    identity_board *board = atomic_load_explicit(&cache->board, memory_order_acquire);
    if (!is_plain || board == NULL)
        return NULL;
    const identity_key key = key_of_request(request);
    return identity_board_take(board, &key, IDENTITY_MIN_LEFT_S);
}

static bool find_place(identity_cache *cache, identity_entry *e)
{
    if (cache->board == NULL)
        atomic_store_explicit(&cache->board, identity_board_new(), memory_order_release);
    if (cache->board == NULL)
        return false;
    for (unsigned i = 0; e->place == NO_PLACE && i < IDENTITY_PLACES; i++) {
        if ((cache->places & UINT64_C(1) << i) == 0) {
            cache->places |= UINT64_C(1) << i;
            e->place = i;
        }
    }
    return e->place != NO_PLACE;
}

/* Without memory or place the token is cached all the same, and found the long way. */
static void show(identity_cache *cache, identity_entry *e)
{
    if (!find_place(cache, e))
        return;
    const identity_key key = key_of_entry(e);
    identity_board_post(cache->board, e->place, &key, e->token);
}

static void take_down(identity_cache *cache, identity_entry *e)
{
    if (e->place == NO_PLACE)
        return;
    identity_board_clear(cache->board, e->place);
    cache->places &= ~(UINT64_C(1) << e->place);
    e->place = NO_PLACE;
}

static void not_before(identity_cache *cache, identity_entry *e, int64_t next_refresh_ms)
{
    e->next_refresh_ms = next_refresh_ms;
    if (e->place != NO_PLACE)
        identity_board_quiet(cache->board, e->place, next_refresh_ms);
}

/* Readers of the board leave a mark: those keys count as used now. */
static void collect_uses(identity_cache *cache)
{
    for (identity_entry *e = cache->entries; e != NULL; e = e->next) {
        if (e->place != NO_PLACE && identity_board_was_used(cache->board, e->place))
            e->used = ++cache->clock;
    }
}

/* Keys in use do not count as candidates; when all are in use the cache may pass its limit. */
static void make_room(identity_cache *cache)
{
    if (cache->count < IDENTITY_MAX_KEYS)
        return;
    collect_uses(cache);
    identity_entry **oldest = NULL;
    for (identity_entry **p = &cache->entries; *p != NULL; p = &(*p)->next) {
        if ((*p)->tickets == 0 && (oldest == NULL || (*p)->used < (*oldest)->used))
            oldest = p;
    }
    if (oldest == NULL)
        return;
    identity_entry *e = *oldest;
    *oldest = e->next;
    cache->count--;
    take_down(cache, e);
    free_entry(e);
}

static identity_entry *find_or_add_entry(identity_cache *cache,
                                         const entrasql_token_request *request)
{
    identity_entry *e = find_entry(cache, request);
    if (e != NULL)
        return e;
    e = new_entry(request);
    if (e == NULL)
        return NULL;
    make_room(cache);
    e->next = cache->entries;
    cache->entries = e;
    cache->count++;
    return e;
}

entrasql_status identity_cache_open(identity_cache *cache, const entrasql_token_request *request,
                                    int64_t deadline_ms, identity_ticket *t, entrasql_error *err)
{
    memset(t, 0, sizeof *t);
    t->event_fd = -1;
    t->refresh = request->refresh;
    t->deadline_ms = deadline_ms;
    lock(cache);
    identity_entry *e = find_or_add_entry(cache, request);
    if (e == NULL) {
        unlock(cache);
        return es_nomem(err);
    }
    e->tickets++;
    e->used = ++cache->clock;
    t->entry = e;
    unlock(cache);
    return ENTRASQL_OK;
}

static void wake(identity_ticket *t, identity_news news)
{
    t->news = news;
    /* The counter cannot overflow: one write a ticket. */
    ssize_t written;
    do
        written = write(t->event_fd, &(uint64_t){1}, sizeof(uint64_t));
    while (written < 0 && errno == EINTR);
}

/* All who wait look again; the first becomes the owner, the others wait for that one. */
static void wake_for_turn(identity_entry *e)
{
    identity_ticket *t = e->waiters;
    e->waiters = NULL;
    while (t != NULL) {
        identity_ticket *next = t->next;
        t->next = NULL;
        wake(t, IDENTITY_YOUR_TURN);
        t = next;
    }
}

static void share(identity_entry *e, entrasql_status status, entrasql_token *token,
                  const entrasql_error *err)
{
    identity_ticket *t = e->waiters;
    e->waiters = NULL;
    while (t != NULL) {
        identity_ticket *next = t->next;
        t->next = NULL;
        t->status = status;
        t->token = token != NULL ? identity_token_ref(token) : NULL;
        if (token == NULL)
            t->error = *err;
        wake(t, IDENTITY_RESULT);
        t = next;
    }
}

static void unlink_waiter(identity_ticket *t)
{
    for (identity_ticket **p = &t->entry->waiters; *p != NULL; p = &(*p)->next) {
        if (*p == t) {
            *p = t->next;
            t->next = NULL;
            return;
        }
    }
}

void identity_cache_close(identity_cache *cache, identity_ticket *t)
{
    if (t->entry == NULL)
        return;
    lock(cache);
    if (t->role == IDENTITY_WAITER)
        unlink_waiter(t);
    if (t->entry->owner == t) {
        t->entry->owner = NULL;
        wake_for_turn(t->entry);
    }
    t->entry->tickets--;
    unlock(cache);
    t->entry = NULL;
    t->role = IDENTITY_NO_ROLE;
    entrasql_token_free(t->token);
    t->token = NULL;
    if (t->event_fd >= 0)
        (void)close(t->event_fd);
    t->event_fd = -1;
}

static void own(identity_entry *e, identity_ticket *t)
{
    t->role = IDENTITY_OWNER;
    e->owner = t;
    e->owner_deadline_ms = t->deadline_ms;
}

/* A cached token that the caller may have at once; or the ticket becomes the one that refreshes it.
 */
static entrasql_token *take_cached(identity_cache *cache, identity_entry *e, identity_ticket *t)
{
    int64_t now = es_clock_wall_s();
    t->has_fallback = false;
    if (t->refresh || e->token == NULL || e->token->expires_on - now <= IDENTITY_MIN_LEFT_S)
        return NULL;
    bool is_due = e->token->refresh_on != 0 && now >= e->token->refresh_on;
    if (!is_due || e->owner != NULL || es_clock_mono_ms() < e->next_refresh_ms)
        return identity_token_ref(e->token);
    not_before(cache, e, es_clock_mono_ms() + IDENTITY_REFRESH_EVERY_MS);
    t->has_fallback = true;
    return NULL;
}

entrasql_status identity_cache_join(identity_cache *cache, identity_ticket *t, entrasql_token **ret,
                                    entrasql_error *err)
{
    lock(cache);
    identity_entry *e = t->entry;
    t->news = IDENTITY_NO_NEWS;
    t->role = IDENTITY_NO_ROLE;
    entrasql_token *cached = take_cached(cache, e, t);
    entrasql_status status = ENTRASQL_AGAIN;
    if (cached != NULL) {
        *ret = cached;
        status = ENTRASQL_OK;
    } else if (e->owner == NULL) {
        own(e, t);
    } else {
        if (t->event_fd >= 0)
            (void)close(t->event_fd);
        t->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (t->event_fd < 0) {
            status = es_fail_errno(err, errno, "cannot wait for another request of the same token");
        } else {
            t->role = IDENTITY_WAITER;
            t->next = e->waiters;
            e->waiters = t;
        }
    }
    unlock(cache);
    return status;
}

/* A token that answers a claims challenge goes where requests without one look. */
static identity_entry *home_of(identity_cache *cache, identity_entry *e)
{
    const entrasql_token_request request = {
        .scope = e->scope, .tenant_id = e->tenant, .enable_cae = e->cae};
    return e->claims[0] == '\0' ? e : find_or_add_entry(cache, &request);
}

static void keep(identity_cache *cache, identity_entry *fetched, entrasql_token *token)
{
    identity_entry *e = home_of(cache, fetched);
    if (e == NULL)
        return;
    int64_t now = es_clock_wall_s();
    if (token->refresh_on == 0 && token->expires_on - now > HALF_LIFE_FROM_S)
        token->refresh_on = now + (token->expires_on - now) / 2;
    entrasql_token_free(e->token);
    e->token = identity_token_ref(token);
    show(cache, e);
    not_before(cache, e, 0);
}

entrasql_status identity_cache_finish(identity_cache *cache, identity_ticket *t,
                                      entrasql_status status, entrasql_token *token,
                                      entrasql_token **ret, entrasql_error *err)
{
    lock(cache);
    identity_entry *e = t->entry;
    /* Somebody may have taken over meanwhile: then a token is still welcome, a failure not news. */
    bool is_owner = e->owner == t;
    if (is_owner)
        e->owner = NULL;
    t->role = IDENTITY_NO_ROLE;
    if (token != NULL) {
        keep(cache, e, token);
        share(e, ENTRASQL_OK, token, NULL);
        *ret = token;
    } else {
        bool own_affair = t->has_fallback || es_clock_mono_ms() >= t->deadline_ms;
        if (is_owner && own_affair)
            wake_for_turn(e);
        else if (is_owner)
            share(e, status, NULL, err);
        if (t->has_fallback && e->token != NULL && e->token->expires_on > es_clock_wall_s()) {
            *ret = identity_token_ref(e->token);
            status = ENTRASQL_OK;
        }
    }
    unlock(cache);
    return status;
}

entrasql_status identity_cache_check(identity_cache *cache, identity_ticket *t,
                                     entrasql_token **ret, entrasql_error *err)
{
    lock(cache);
    identity_news news = t->news;
    if (news == IDENTITY_NO_NEWS) {
        int64_t now = es_clock_mono_ms();
        entrasql_status status = ENTRASQL_AGAIN;
        if (now >= t->deadline_ms) {
            unlink_waiter(t);
            t->role = IDENTITY_NO_ROLE;
            status = es_fail(err, ENTRASQL_TIMEOUT,
                             "another request for the same token did not end in time");
        } else if (now - IDENTITY_TAKE_OVER_MS >= t->entry->owner_deadline_ms) {
            unlink_waiter(t);
            own(t->entry, t);
        }
        unlock(cache);
        return status;
    }
    unlock(cache);
    /* Woken: the ticket is off the list and nobody else touches it any more. */
    if (news == IDENTITY_YOUR_TURN)
        return identity_cache_join(cache, t, ret, err);
    t->role = IDENTITY_NO_ROLE;
    if (t->status != ENTRASQL_OK) {
        if (err != NULL)
            *err = t->error;
        return t->status;
    }
    *ret = t->token;
    t->token = NULL;
    return ENTRASQL_OK;
}

int64_t identity_cache_wake_ms(identity_cache *cache, const identity_ticket *t)
{
    lock(cache);
    int64_t take_over = t->entry->owner_deadline_ms;
    unlock(cache);
    take_over = take_over > INT64_MAX - IDENTITY_TAKE_OVER_MS ? INT64_MAX
                                                              : take_over + IDENTITY_TAKE_OVER_MS;
    return take_over < t->deadline_ms ? take_over : t->deadline_ms;
}
