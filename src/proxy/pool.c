/* SPDX-License-Identifier: MIT */
/* Pools: lists, queues and what is decided about them. */
#include "proxy/pool.h"

#include "base/mem.h"
#include "base/random.h"

#include <string.h>

/* A login that failed is not tried again for so long, twice as long after each further failure. */
#define BACK_OFF_FIRST_MS 1000
#define BACK_OFF_MAX_MS 30000
/* How often lists are looked through for what has aged, and how often while somebody waits. */
#define SWEEP_MS 1000
#define SWEEP_WAITING_MS 50
/* A pool without connections and clients keeps its recorded answer for so long. */
#define POOL_KEEP_MS 600000
#define BUCKETS 256U

typedef struct server_list {
    pool_server *first; /* the most recently added */
    pool_server *last;
    uint32_t count;
} server_list;

typedef struct waiter_list {
    pool_waiter *first;
    pool_waiter *last;
    uint32_t count;
} waiter_list;

struct pool {
    pool_set *set;
    uint8_t *key;
    size_t key_len;
    uint32_t bucket;
    proxy_pool_settings settings;
    void *data;
    proxy_stats *stats;
    uint32_t holders;
    es_buf answer;
    bool has_answer;
    server_list servers[POOL_SERVER_STATES];
    waiter_list waiters[POOL_WANTS];
    entrasql_error *why; /* the latest login failed; NULL: it did not */
    int64_t back_off_ms;
    int64_t back_off_until_ms;
    int64_t used_ms;
    pool *next_in_bucket;
    pool *next;
    pool *prev;
};

struct pool_set {
    const pool_hooks *hooks;
    void *ctx;
    pool *buckets[BUCKETS];
    pool *first;
    uint32_t waiting; /* clients in all queues */
    bool is_paused;
    int64_t swept_ms;
};

/* ---- lists ---- */

static void list_add(server_list *l, pool_server *s)
{
    s->prev = NULL;
    s->next = l->first;
    if (l->first != NULL)
        l->first->prev = s;
    else
        l->last = s;
    l->first = s;
    l->count++;
}

static void list_remove(server_list *l, pool_server *s)
{
    if (s->prev != NULL)
        s->prev->next = s->next;
    else
        l->first = s->next;
    if (s->next != NULL)
        s->next->prev = s->prev;
    else
        l->last = s->prev;
    l->count--;
}

static void count_server(const pool_server *s, int change)
{
    if (s->state != POOL_SERVER_OPENING)
        proxy_stats_gauge(s->owner->stats, PROXY_GAUGE_SERVERS, change);
    if (s->state == POOL_SERVER_IDLE)
        proxy_stats_gauge(s->owner->stats, PROXY_GAUGE_SERVERS_IDLE, change);
}

/* The one place where a server changes its state: the list that it is in. */
static void set_state(pool_server *s, pool_server_state state)
{
    list_remove(&s->owner->servers[s->state], s);
    count_server(s, -1);
    s->state = state;
    list_add(&s->owner->servers[state], s);
    count_server(s, 1);
}

static void forget_server(pool_server *s)
{
    list_remove(&s->owner->servers[s->state], s);
    count_server(s, -1);
    s->owner = NULL;
}

static uint32_t total(const pool *p)
{
    uint32_t n = 0;
    for (unsigned i = 0; i < POOL_SERVER_STATES; i++)
        n += p->servers[i].count;
    return n;
}

static void queue_add(pool *p, pool_waiter *w, bool first)
{
    waiter_list *l = &p->waiters[w->want];
    w->owner = p;
    w->prev = first ? NULL : l->last;
    w->next = first ? l->first : NULL;
    if (w->prev != NULL)
        w->prev->next = w;
    else
        l->first = w;
    if (w->next != NULL)
        w->next->prev = w;
    else
        l->last = w;
    l->count++;
    proxy_stats_gauge(p->stats, PROXY_GAUGE_WAITING, 1);
    if (p->set->waiting++ == 0)
        p->set->hooks->wake(p->set->ctx);
}

static void queue_remove(pool_waiter *w)
{
    waiter_list *l = &w->owner->waiters[w->want];
    if (w->prev != NULL)
        w->prev->next = w->next;
    else
        l->first = w->next;
    if (w->next != NULL)
        w->next->prev = w->prev;
    else
        l->last = w->prev;
    l->count--;
    proxy_stats_gauge(w->owner->stats, PROXY_GAUGE_WAITING, -1);
    w->owner->set->waiting--;
    w->owner = NULL;
}

/* ---- ages ---- */

static int64_t shortened(const pool_server *s, uint32_t ms)
{
    return (int64_t)ms - (int64_t)ms * s->jitter_percent / 100;
}

static bool is_over_age(const pool_server *s, int64_t now)
{
    return s->is_retired || now >= s->retire_ms;
}

static bool was_idle_too_long(const pool *p, const pool_server *s, int64_t now)
{
    return p->settings.idle_ms != 0 && total(p) > p->settings.min &&
           now - s->since_ms >= shortened(s, p->settings.idle_ms);
}

static bool is_backing_off(const pool *p, int64_t now)
{
    return p->why != NULL && now < p->back_off_until_ms;
}

/* ---- serving ---- */

static void close_server(pool *p, pool_server *s)
{
    bool is_old = es_clock_mono_ms() >= s->retire_ms;
    proxy_stats_pin(p->stats, s->is_retired ? PROXY_PIN_ADMIN
                              : is_old      ? PROXY_PIN_AGE
                                            : PROXY_PIN_IDLE);
    forget_server(s);
    p->set->hooks->close(p->set->ctx, s);
}

static void begin_reset(pool *p, pool_server *s)
{
    set_state(s, POOL_SERVER_RESETTING);
    p->set->hooks->reset(p->set->ctx, s);
}

/* Who returned last is lent first: the others can age. NULL: none is at rest and fit. */
static pool_server *take_idle(pool *p, int64_t now)
{
    pool_server *s;
    while ((s = p->servers[POOL_SERVER_IDLE].first) != NULL) {
        if (is_over_age(s, now)) {
            close_server(p, s);
            continue;
        }
        if (p->settings.check_after_ms == 0 || now - s->since_ms < p->settings.check_after_ms)
            return s;
        if (p->servers[POOL_SERVER_RESETTING].count >= p->waiters[POOL_WANT_SERVER].count)
            return NULL; /* enough of them are looked at */
        s->is_checked = true;
        begin_reset(p, s);
    }
    return NULL;
}

static void lend(pool *p, pool_server *s, int64_t now)
{
    pool_waiter *w = p->waiters[POOL_WANT_SERVER].first;
    queue_remove(w);
    proxy_stats_count(p->stats, PROXY_COUNT_LENT, 1);
    if (w->has_waited)
        proxy_stats_time(p->stats, PROXY_TIME_WAIT, (now - w->since_ms) * 1000);
    set_state(s, POOL_SERVER_LENT);
    s->since_ms = now;
    p->set->hooks->lend(p->set->ctx, w, s);
}

static void fail_all(pool *p, pool_want want, const entrasql_error *why)
{
    pool_waiter *w;
    while ((w = p->waiters[want].first) != NULL) {
        queue_remove(w);
        p->set->hooks->fail(p->set->ctx, w, why);
    }
}

/* The login failed: who has nothing else to hope for is told. */
static void login_failed(pool *p, const entrasql_error *why)
{
    int64_t now = es_clock_mono_ms();
    if (p->why == NULL)
        p->why = es_malloc(sizeof *p->why);
    if (p->why != NULL)
        *p->why = *why;
    if (!is_backing_off(p, now)) {
        p->back_off_ms = p->back_off_ms == 0 ? BACK_OFF_FIRST_MS : p->back_off_ms * 2;
        if (p->back_off_ms > BACK_OFF_MAX_MS)
            p->back_off_ms = BACK_OFF_MAX_MS;
    }
    p->back_off_until_ms = now + p->back_off_ms;
    if (p->servers[POOL_SERVER_OPENING].count == 0)
        fail_all(p, POOL_WANT_ANSWER, why);
    if (total(p) == 0)
        fail_all(p, POOL_WANT_SERVER, why);
}

static uint32_t limit_of(const pool *p, int64_t now)
{
    const pool_waiter *oldest = p->waiters[POOL_WANT_SERVER].first;
    if (oldest != NULL && now - oldest->since_ms >= p->settings.reserve_after_ms)
        return p->settings.size + p->settings.reserve;
    return p->settings.size;
}

static uint32_t checked(const pool *p)
{
    uint32_t n = 0;
    for (const pool_server *s = p->servers[POOL_SERVER_RESETTING].first; s != NULL; s = s->next)
        n += s->is_checked;
    return n;
}

/*
 * How many more connections would be used at once, or are kept in store. One that is reset after
 * its client does not count as coming: with a server that is far away, who comes next would wait
 * a round trip for it each time, and two connections would never take turns.
 */
static uint32_t missing(const pool *p, int64_t now)
{
    uint32_t coming = p->servers[POOL_SERVER_OPENING].count + checked(p);
    uint32_t wanted = p->waiters[POOL_WANT_SERVER].count;
    uint32_t all = total(p);
    uint32_t limit = limit_of(p, now);
    if (wanted == 0 && p->waiters[POOL_WANT_ANSWER].count > 0)
        wanted = p->servers[POOL_SERVER_OPENING].count == 0 ? coming + 1 : 0;
    uint32_t n = wanted > coming ? wanted - coming : 0;
    if (all + n < p->settings.min && (p->holders > 0 || now - p->used_ms < POOL_KEEP_MS))
        n = p->settings.min - all;
    if (all >= limit)
        return 0;
    return n < limit - all ? n : limit - all;
}

/* Of a pool of the same target that can spare one: the connection that was idle longest. */
static pool_server *find_spare(const pool *p)
{
    pool_server *found = NULL;
    for (const pool *q = p->set->first; q != NULL; q = q->next) {
        pool_server *s = q->servers[POOL_SERVER_IDLE].last;
        if (q == p || q->stats != p->stats || s == NULL || total(q) <= q->settings.min)
            continue;
        if (found == NULL || s->since_ms < found->since_ms)
            found = s;
    }
    return found;
}

/* Whether the target may have one connection more; if need be another pool gives one up. */
static bool has_room_in_target(const pool *p)
{
    uint32_t all = 0;
    if (p->settings.max == 0)
        return true;
    for (const pool *q = p->set->first; q != NULL; q = q->next)
        all += q->stats == p->stats ? total(q) : 0;
    if (all < p->settings.max)
        return true;
    pool_server *spare = find_spare(p);
    if (spare == NULL)
        return false;
    close_server(spare->owner, spare);
    return true;
}

static void open_missing(pool *p, int64_t now)
{
    if (is_backing_off(p, now))
        return;
    for (uint32_t n = missing(p, now); n > 0 && has_room_in_target(p); n--) {
        entrasql_error why;
        pool_server *s = NULL;
        if (p->set->hooks->open(p->set->ctx, p, &s, &why) != ENTRASQL_OK) {
            login_failed(p, &why);
            return;
        }
        *s = (pool_server){.owner = p,
                           .state = POOL_SERVER_OPENING,
                           .opened_ms = now,
                           .since_ms = now,
                           .retire_ms = ES_NO_DEADLINE};
        if (p->settings.jitter_percent > 0)
            s->jitter_percent = (uint8_t)es_random_below(p->settings.jitter_percent + 1U);
        list_add(&p->servers[POOL_SERVER_OPENING], s);
    }
}

static void serve(pool *p)
{
    int64_t now = es_clock_mono_ms();
    if (p->set->is_paused)
        return;
    while (p->waiters[POOL_WANT_SERVER].first != NULL) {
        pool_server *s = take_idle(p, now);
        if (s == NULL)
            break;
        lend(p, s, now);
    }
    open_missing(p, now);
}

/* ---- clients ---- */

/* A client that cannot hope for a connection hears the reason now. */
static entrasql_status refuse_during_back_off(const pool *p, entrasql_error *err)
{
    if (!is_backing_off(p, es_clock_mono_ms()) || total(p) > 0)
        return ENTRASQL_OK;
    if (err != NULL)
        *err = *p->why;
    return p->why->status;
}

static entrasql_status join(pool *p, pool_waiter *w, bool first, entrasql_error *err)
{
    p->used_ms = es_clock_mono_ms();
    ES_TRY(refuse_during_back_off(p, err));
    if (w->want == POOL_WANT_ANSWER && p->has_answer)
        return ENTRASQL_OK;
    queue_add(p, w, first);
    serve(p);
    if (w->owner == NULL)
        return ENTRASQL_OK;
    if (w->want == POOL_WANT_SERVER)
        proxy_stats_count(p->stats, PROXY_COUNT_WAITS, 1);
    w->has_waited = true;
    return ENTRASQL_AGAIN;
}

entrasql_status pool_join(pool *p, pool_waiter *w, pool_want want, entrasql_error *err)
{
    *w = (pool_waiter){.want = want, .since_ms = es_clock_mono_ms()};
    return join(p, w, false, err);
}

entrasql_status pool_rejoin(pool *p, pool_waiter *w, int64_t since_ms, entrasql_error *err)
{
    *w = (pool_waiter){.want = POOL_WANT_SERVER, .since_ms = since_ms};
    return join(p, w, true, err);
}

void pool_leave(pool_waiter *w)
{
    if (w->owner != NULL)
        queue_remove(w);
}

/* ---- servers ---- */

static void come_to_rest(pool_server *s, int64_t since_ms)
{
    pool *p = s->owner;
    int64_t now = es_clock_mono_ms();
    if (is_over_age(s, now)) {
        close_server(p, s);
    } else {
        set_state(s, POOL_SERVER_IDLE);
        s->since_ms = since_ms;
    }
    serve(p);
}

static void set_retirement(pool_server *s, int64_t token_expires_ms)
{
    const proxy_pool_settings *set = &s->owner->settings;
    if (set->lifetime_ms != 0)
        s->retire_ms = s->opened_ms + shortened(s, set->lifetime_ms);
    if (token_expires_ms != ES_NO_DEADLINE &&
        token_expires_ms - set->token_margin_ms < s->retire_ms)
        s->retire_ms = token_expires_ms - set->token_margin_ms;
}

/* Without memory for it the next login is answered by another connection's. */
static void record_answer(pool *p, const es_buf *answer)
{
    es_buf_clear(&p->answer);
    p->has_answer = es_buf_add(&p->answer, answer->data, answer->len) == ENTRASQL_OK;
}

void pool_server_opened(pool_server *s, const es_buf *answer, int64_t token_expires_ms)
{
    pool *p = s->owner;
    pool_waiter *w;
    set_retirement(s, token_expires_ms);
    record_answer(p, answer);
    es_free(p->why);
    p->why = NULL;
    p->back_off_ms = 0;
    while (p->has_answer && (w = p->waiters[POOL_WANT_ANSWER].first) != NULL) {
        queue_remove(w);
        p->set->hooks->answer(p->set->ctx, w);
    }
    /* Even one whose token is about to expire serves a client: at its check-in it goes. */
    set_state(s, POOL_SERVER_IDLE);
    s->since_ms = es_clock_mono_ms();
    if (p->waiters[POOL_WANT_SERVER].first != NULL && !p->set->is_paused)
        lend(p, s, s->since_ms);
    serve(p);
}

void pool_server_failed(pool_server *s, const entrasql_error *why)
{
    pool *p = s->owner;
    forget_server(s);
    login_failed(p, why);
    serve(p);
}

void pool_return(pool_server *s)
{
    pool *p = s->owner;
    s->is_checked = false;
    if (is_over_age(s, es_clock_mono_ms()))
        close_server(p, s);
    else
        begin_reset(p, s);
    serve(p);
}

void pool_return_unused(pool_server *s)
{
    come_to_rest(s, s->since_ms);
}

void pool_server_ready(pool_server *s)
{
    proxy_stats_count(s->owner->stats, PROXY_COUNT_RESETS, 1);
    come_to_rest(s, es_clock_mono_ms());
}

void pool_server_gone(pool_server *s)
{
    pool *p = s->owner;
    forget_server(s);
    serve(p);
}

/* ---- time ---- */

static void time_out_waiters(pool *p, int64_t now)
{
    pool_waiter *w;
    if (p->settings.wait_ms == 0)
        return;
    while ((w = p->waiters[POOL_WANT_SERVER].first) != NULL &&
           now - w->since_ms >= p->settings.wait_ms) {
        entrasql_error why;
        es_fail(&why, ENTRASQL_TIMEOUT,
                "no upstream connection became free within %.1f s: all %u of the pool are in use",
                (double)p->settings.wait_ms / 1000.0, total(p));
        if (p->set->is_paused)
            es_fail(&why, ENTRASQL_TIMEOUT, "the entrasql proxy is paused");
        else
            es_hint(&why, "raise the pool's size, or find the sessions that keep their "
                          "connections: SHOW CLIENTS in the proxy's database entrasql");
        queue_remove(w);
        proxy_stats_count(p->stats, PROXY_COUNT_WAIT_TIMEOUTS, 1);
        p->set->hooks->fail(p->set->ctx, w, &why);
    }
}

static void close_aged(pool *p, int64_t now)
{
    pool_server *next;
    for (pool_server *s = p->servers[POOL_SERVER_IDLE].first; s != NULL; s = next) {
        next = s->next;
        if (is_over_age(s, now) || was_idle_too_long(p, s, now))
            close_server(p, s);
    }
}

static void free_pool(pool *p)
{
    pool_set *set = p->set;
    pool **place = &set->buckets[p->bucket];
    while (*place != p)
        place = &(*place)->next_in_bucket;
    *place = p->next_in_bucket;
    if (p->prev != NULL)
        p->prev->next = p->next;
    else
        set->first = p->next;
    if (p->next != NULL)
        p->next->prev = p->prev;
    set->hooks->free_data(set->ctx, p->data);
    es_buf_done(&p->answer);
    es_free(p->why);
    es_free(p->key);
    es_free(p);
}

void pool_set_tick(pool_set *set)
{
    pool *next;
    int64_t now = es_clock_mono_ms();
    bool sweeps = now - set->swept_ms >= SWEEP_MS;
    if (sweeps)
        set->swept_ms = now;
    for (pool *p = set->first; p != NULL; p = next) {
        next = p->next;
        time_out_waiters(p, now);
        if (sweeps)
            close_aged(p, now);
        serve(p);
        if (sweeps && p->holders == 0 && total(p) == 0 && now - p->used_ms >= POOL_KEEP_MS)
            free_pool(p);
    }
}

int64_t pool_set_deadline_ms(const pool_set *set)
{
    if (set->waiting > 0)
        return es_clock_mono_ms() + SWEEP_WAITING_MS;
    return set->first != NULL ? set->swept_ms + SWEEP_MS : ES_NO_DEADLINE;
}

/* ---- pools ---- */

/* FNV-1a: keys come from clients that were let in, and a bucket is a short list anyway. */
static uint32_t bucket_of(const uint8_t *key, size_t n)
{
    uint32_t h = 2166136261U;
    for (size_t i = 0; i < n; i++)
        h = (h ^ key[i]) * 16777619U;
    return h % BUCKETS;
}

static pool *make_pool(pool_set *set, const void *key, size_t n, uint32_t bucket)
{
    pool *p = es_calloc(1, sizeof *p);
    uint8_t *copy = es_memdup(key, n);
    if (p == NULL || copy == NULL) {
        es_free(p);
        es_free(copy);
        return NULL;
    }
    p->set = set;
    p->key = copy;
    p->key_len = n;
    p->bucket = bucket;
    es_buf_init(&p->answer, SIZE_MAX);
    p->next_in_bucket = set->buckets[bucket];
    set->buckets[bucket] = p;
    p->next = set->first;
    if (set->first != NULL)
        set->first->prev = p;
    set->first = p;
    set->hooks->wake(set->ctx);
    return p;
}

entrasql_status pool_hold(pool_set *set, const void *key, size_t n,
                          const proxy_pool_settings *settings, pool **ret, bool *ret_is_new,
                          entrasql_error *err)
{
    uint32_t bucket = bucket_of(key, n);
    pool *p = set->buckets[bucket];
    while (p != NULL && (p->key_len != n || memcmp(p->key, key, n) != 0))
        p = p->next_in_bucket;
    *ret_is_new = p == NULL;
    if (p == NULL)
        p = make_pool(set, key, n, bucket);
    if (p == NULL)
        return es_nomem(err);
    p->settings = *settings;
    p->holders++;
    p->used_ms = es_clock_mono_ms();
    *ret = p;
    return ENTRASQL_OK;
}

void pool_release(pool *p)
{
    if (p == NULL)
        return;
    p->holders--;
    p->used_ms = es_clock_mono_ms();
}

void pool_set_data(pool *p, void *data)
{
    p->data = data;
}

void pool_set_stats(pool *p, proxy_stats *stats)
{
    p->stats = stats;
}

proxy_stats *pool_stats(const pool *p)
{
    return p->stats;
}

void *pool_data(const pool *p)
{
    return p->data;
}

const es_buf *pool_answer(const pool *p)
{
    return p->has_answer ? &p->answer : NULL;
}

entrasql_status pool_set_new(const pool_hooks *hooks, void *ctx, pool_set **ret,
                             entrasql_error *err)
{
    pool_set *set = es_calloc(1, sizeof *set);
    if (set == NULL)
        return es_nomem(err);
    set->hooks = hooks;
    set->ctx = ctx;
    *ret = set;
    return ENTRASQL_OK;
}

void pool_set_free(pool_set *set)
{
    if (set == NULL)
        return;
    while (set->first != NULL)
        free_pool(set->first);
    es_free(set);
}

/* ---- operators ---- */

void pool_set_pause(pool_set *set)
{
    set->is_paused = true;
}

void pool_set_resume(pool_set *set)
{
    set->is_paused = false;
    for (pool *p = set->first; p != NULL; p = p->next)
        serve(p);
}

bool pool_set_is_paused(const pool_set *set)
{
    return set->is_paused;
}

static void retire_all(pool *p, const pool_server *but)
{
    for (unsigned i = 0; i < POOL_SERVER_STATES; i++)
        for (pool_server *s = p->servers[i].first; s != NULL; s = s->next)
            s->is_retired = s->is_retired || s != but;
    while (p->servers[POOL_SERVER_IDLE].first != NULL)
        close_server(p, p->servers[POOL_SERVER_IDLE].first);
    serve(p);
}

void pool_server_retire_others(pool_server *s)
{
    retire_all(s->owner, s);
}

void pool_set_reconnect(pool_set *set, pool *only)
{
    for (pool *p = set->first; p != NULL; p = p->next)
        if (only == NULL || p == only)
            retire_all(p, NULL);
}

pool *pool_first(const pool_set *set)
{
    return set->first;
}

pool *pool_next(const pool *p)
{
    return p->next;
}

void pool_figures_get(const pool *p, pool_figures *ret)
{
    int64_t now = es_clock_mono_ms();
    *ret = (pool_figures){
        .holders = p->holders,
        .why = p->why != NULL ? p->why->message : "",
        .has_answer = p->has_answer,
        .back_off_left_ms = is_backing_off(p, now) ? p->back_off_until_ms - now : 0,
    };
    for (unsigned i = 0; i < POOL_SERVER_STATES; i++)
        ret->servers[i] = p->servers[i].count;
    for (unsigned i = 0; i < POOL_WANTS; i++) {
        const pool_waiter *w = p->waiters[i].first;
        ret->waiting[i] = p->waiters[i].count;
        if (w != NULL && now - w->since_ms > ret->longest_wait_ms)
            ret->longest_wait_ms = now - w->since_ms;
    }
}

pool_server *pool_first_server(const pool *p, pool_server_state state)
{
    return p->servers[state].first;
}

const char *pool_server_state_name(pool_server_state state)
{
    static const char *const names[] = {"opening", "resetting", "idle", "lent"};
    return names[state];
}
